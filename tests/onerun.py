"""One run of a story of our own in a home without any system, and a look at what it left."""

import json

from integrator.database import connect
from integrator.home import Home, init_home
from integrator.runner import Options, run_job

JOB = "import-courses"
HOUR, DAY = 3600, 86_400
T0 = 1_800_000_000.0


def fine(run, wiring):
    run.count(read=3)


def ending(error):
    def story(run, wiring):
        run.count(read=2)
        raise error

    return story


def go(home, story=fine, *, at=T0, dry_run=False):
    return run_job(JOB, story, needs=("monitor",), options=Options(dry_run=dry_run, clock=lambda: at), home=home)


def rows(home, columns="outcome, exit_code, counts, error"):
    db = connect(home.var / "integrator.db")
    try:
        return [tuple(row) for row in db.all(f"SELECT {columns} FROM runs ORDER BY id")]
    finally:
        db.close()


def log(home):
    return [json.loads(line) for line in (home.log / "integrator.log").read_text(encoding="ascii").splitlines()]


def files(home):
    return {str(path): path.read_bytes() if path.is_file() else None for path in sorted(home.var.rglob("*"))}


def bare(root):
    """A home folder as shipped, with every system switched off."""
    init_home(root)
    made = Home(root)
    (made.config / "integrator.toml").write_text("", encoding="utf-8")
    return made
