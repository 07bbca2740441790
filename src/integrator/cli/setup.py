"""Before the first run: `init` makes a home folder, `schedule` prints what starts its jobs."""

import os
import sys
from pathlib import Path

import typer

_USUAL_PATH = ("/usr/local/bin", "/usr/bin", "/bin")


FOLDER = typer.Argument(
    None, metavar="[DIR]", help="Where; by default INTEGRATOR_HOME, or the current directory.", show_default=False
)
HOME = typer.Option(None, "--home", metavar="DIR", help="The home folder that the lines name.", show_default=False)
BIN = typer.Option(
    None, "--bin", metavar="DIR", help="The folder of the program, if it is not this one.", show_default=False
)


def init(folder: Path | None = FOLDER) -> None:
    """Make a home folder, or complete one.

    What is there already stays as it is.

    Example: integrator init /srv/integrator
    """
    from integrator.cli import clean
    from integrator.home import absolute, init_home

    root = absolute(folder or Path(os.environ.get("INTEGRATOR_HOME") or "."))
    for line in init_home(root):
        typer.echo(clean(line))
    typer.echo(clean(f"Next, in {root}:"))
    for number, (step, why) in enumerate(_NEXT, 1):
        typer.echo(f"  {number}. {step:<37}  {why}")


_NEXT = (
    ("edit config/integrator.toml", "which systems there are, and where"),
    ("edit config/workshops.toml", "only for OilMat: a table a workshop"),
    ("edit .env", "their passwords; it stays 0600"),
    ("integrator check", "is all of that right?"),
    ("integrator import-courses --dry-run", "what would be done; nothing is sent"),
    ("integrator schedule > FILE", "look at it, then: crontab FILE"),
)


def _formats() -> list[str]:
    from integrator.schedule.render import FORMATS

    return list(FORMATS)


def schedule(
    form: str = typer.Option("crontab", "--format", help="crontab, systemd or kubernetes.", autocompletion=_formats),
    home: Path | None = HOME,
    program: Path | None = BIN,
) -> None:
    """Print what starts jobs: cron, systemd, Kubernetes.

    Example: integrator schedule --format crontab
    """
    from integrator.home import Home, absolute, find_home
    from integrator.schedule.render import render
    from integrator.settings import load_settings
    from integrator.settings.jobs import is_off

    found = find_home(os.environ) if home is None else Home(absolute(home))
    if not found.root.is_dir():
        typer.echo(f"integrator: schedule: {found.root} is not on this machine: these are the shipped jobs", err=True)
    settings = load_settings(found, os.environ, needs=())
    jobs, off = list(settings.jobs.values()), list[str]()
    if found.root.is_dir():  # a job whose systems are switched off would end with 78 at every start
        off = [job.name for job in jobs if is_off(settings, job.name)]
        jobs = [job for job in jobs if job.name not in off]
    # Where this program lies says nothing about the machine that has that home.
    bin_dir = program or (_own_folder() if found.root.is_dir() else None)
    if form == "crontab" and str(bin_dir) in _USUAL_PATH:
        bin_dir = None  # it is on the PATH that every crontab gets
    typer.echo(render(jobs, found.root, form, bin_dir=bin_dir), nl=False)
    if off:
        typer.echo(f"# Left out, as their systems are switched off: {', '.join(off)}")


def _own_folder() -> Path | None:
    """Where `integrator` is installed, as it was started; None when nobody can tell (python -m integrator)."""
    import shutil

    started = Path(sys.argv[0])
    if started.name != "integrator":
        beside = Path(sys.executable).parent
        return beside if (beside / "integrator").is_file() else None
    found = shutil.which(started)
    return Path(found).absolute().parent if found else None
