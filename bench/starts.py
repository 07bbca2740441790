"""What cron pays for nothing: our commands with nothing to do, against importing typer alone."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.processes import cost, in_turn, instructions, integrator
from bench.table import Row
from bench.world import home_with, standin, with_workshops

_BARE = [sys.executable, "-c", "import typer"]
_NOBODY = "http://127.0.0.1:9"  # nothing listens there: a job that asks anybody fails
_NOBODY_ELSE = "http://127.0.0.1:10"  # two workshops are two ERPs
MOST = 2.2
OFTEN = (
    ("clear-reservations",),
    ("sync-orders", "--drain", "0s"),
    ("push-orderline", "--all"),
    ("confirm-bookings",),
)
RARELY = (("update-booking-status",), ("publish-classes",))  # every quarter of an hour, or so


def start() -> list[Row]:
    """The command line without a command."""
    return _against_typer("start: integrator --version", integrator("--version"), {}, most=1.4)


def nothing_to_do() -> list[Row]:
    """The jobs that cron starts every few minutes, in a home where nothing waits; those that it starts rarely, too."""
    rows = [row for arguments in OFTEN for row in _idle(arguments, portal=_NOBODY, most=MOST)]
    with standin("trainingportal") as portal:  # publish-classes asks what is there before it knows
        return rows + [row for arguments in RARELY for row in _idle(arguments, portal=portal.url, most=None)]


def _idle(arguments: tuple[str, ...], *, portal: str, most: float | None) -> list[Row]:
    with TemporaryDirectory(prefix="integrator-bench-") as folder:
        home = home_with(Path(folder) / "home", maconomy=_NOBODY, mailgun=_NOBODY, portal=portal)
        with_workshops(home, {"bennys-auto": ("au2office", _NOBODY), "havnens-auto": ("admanager", _NOBODY_ELSE)})
        environ, command = {"INTEGRATOR_HOME": str(home)}, integrator(*arguments)
        if cost(command, environ=environ).code:  # the first start of a home also makes its store
            raise SystemExit(f"bench: {' '.join(arguments)} failed with nothing to do")
        return _against_typer(f"nothing to do: {' '.join(arguments)}", command, environ, most=most)


def _against_typer(name: str, command: list[str], environ: dict[str, str], *, most: float | None) -> list[Row]:
    ours, floor = in_turn(command, _BARE, times=15, environ=environ)
    if ours.code:
        raise SystemExit(f"bench: {name} ended with {ours.code}")
    ratio = ours.cpu_s / floor.cpu_s
    rows = [Row(name, f"{ours.cpu_s * 1000:.0f} ms", f"{floor.cpu_s * 1000:.0f} ms", ratio, most)]
    with TemporaryDirectory() as folder:
        counted, least = (instructions(one, Path(folder), environ=environ) for one in (command, _BARE))
    if counted and least:
        rows.append(
            Row("  the same in instructions", f"{counted / 1e6:.0f} M", f"{least / 1e6:.0f} M", counted / least, most)
        )
    return rows
