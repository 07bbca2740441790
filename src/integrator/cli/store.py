"""`store`: back up, list, verify, restore, begin anew."""

import os
import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from integrator.cli import clean
from integrator.errors import LockHeld, NotFound, StoreDamaged, Unavailable, UsageError

if TYPE_CHECKING:
    from contextlib import ExitStack
    from datetime import datetime

    from integrator.database import Database
    from integrator.runtime.run import Run
    from integrator.settings import Settings
    from integrator.wiring import Wiring

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Our own store: backup, list, verify, restore, new.\n\nExample: integrator store backup",
)
AS_JSON = typer.Option(False, "--json", help="Print it as JSON.")
VERBOSE = typer.Option(False, "-v", "--verbose", help="Say what was done also when nobody looks at a terminal.")
_FIRST, _HIGHEST = 10_001, 10**12  # numbers of orders
FILE = typer.Argument(..., metavar="FILE", help="A backup: its name as `store list` shows it, or a path.")
MAYBE_FILE = typer.Argument(None, metavar="[FILE]", help="A backup; by default the store itself.", show_default=False)


@app.command()
def backup(as_json: bool = AS_JSON, verbose: bool = VERBOSE) -> None:
    """Make a verified backup; delete those past their retention.

    Example: integrator store backup
    """
    from integrator.cli import opening
    from integrator.cli.jobs import Manner, start

    def story(run: "Run", wiring: "Wiring") -> None:
        from integrator.jobs.store_backup import store_backup

        found = opening.settings()
        store_backup(run, folder=found.home.backups, days=found.retention.backups_days)

    manner = Manner(dry_run=False, as_json=as_json, record=None, replay=None, verbose=verbose)
    start("store-backup", story, manner, needs=("monitor",))


@app.command("list")
def list_(as_json: bool = AS_JSON) -> None:
    """List the backups, and the stores that a restore replaced.

    Example: integrator store list
    """
    from integrator.cli import opening, render, times
    from integrator.store import backup

    found, now = opening.settings(), opening.now()
    files = [*backup.found(found.home.backups), *backup.replaced(found.store.path)]
    if as_json:
        facts = [{"file": str(b.path), "made_at": times.iso(b.made_at), "bytes": b.size} for b in files]
        render.print_json(facts)
    elif not files:
        typer.echo("no backups yet; integrator store backup makes one")
    else:
        render.print_table(
            ["backup", "made", "age", "size>"],
            [
                (b.path.name, times.shown(b.made_at, now, date=True), times.ago(b.made_at, now), _size(b.size))
                for b in files
            ],
        )


@app.command()
def verify(file: str | None = MAYBE_FILE) -> None:
    """Ask SQLite whether the store, or a backup, is sound.

    Example: integrator store verify
    """
    from integrator.cli import opening
    from integrator.store import backup, check, migrations

    found = opening.settings()
    if file is not None:
        path = _backup_path(found, file)
        version, size = backup.verify(path), path.stat().st_size
    else:
        path = found.store.path
        with opening.reading(found) as db:
            if db is None:
                raise NotFound(f"store: there is none yet in {path.parent}: no job has run")
            check(db, kind="quick")
            check(db, kind="full")
            version = migrations.version(db)
            size = db.value("PRAGMA page_count") * db.value("PRAGMA page_size")  # the live file itself is left alone
    typer.echo(clean(f"sound: {path}, schema {version}, {_size(size)}"))


@app.command()
def restore(file: str = FILE) -> None:
    """Put a backup in the store's place; the former one is kept. Who was erased since stays erased.

    Example: integrator store restore integrator-20260802T031500Z.db
    """
    from contextlib import ExitStack

    from integrator.cli import opening
    from integrator.home import make_var
    from integrator.store import backup

    found, now = opening.settings(), opening.now()
    path = _backup_path(found, file)
    backup.verify(path)  # before any job is kept waiting
    make_var(found.home, found.store.path)

    def erase(db: "Database") -> None:
        from integrator.domain.retention import Periods
        from integrator.store.erasure.steps import erase_in_restored

        days = found.retention
        periods = Periods(days.participants_days, days.orders_days, days.orderlines_days)
        erase_in_restored(db, found.home.var, periods, at=int(now.timestamp()), actor="restore")

    with ExitStack() as stack:
        _stop_jobs(stack, found, now, "restore")
        _need_journal(found)
        kept = backup.restore(path, found.store.path, at=now.timestamp(), erase=erase)
    _say_restored(path, kept, found, now)


@app.command()
def new(
    first_order: int | None = typer.Option(
        None,
        "--first-order",
        metavar="NUMBER",
        min=_FIRST,
        max=_HIGHEST,
        help="The number of the first order; by default well beyond those in the backups.",
        show_default=False,
    ),
) -> None:
    """Begin anew; the former store is lost for good.

    It knows nothing of what was done before. A backup, also an old one, is better: integrator store restore FILE

    Example: integrator store new
    """
    from contextlib import ExitStack

    from integrator.cli import opening
    from integrator.home import make_var
    from integrator.store import begin_anew

    found, now = opening.settings(), opening.now()
    path = found.store.path
    make_var(found.home, path)
    _need_none(path)
    first = first_order or _first_number(found)
    with ExitStack() as stack:
        _stop_jobs(stack, found, now, "new")
        _need_none(path)
        begin_anew(path, first_order=first)
    lines = [
        f"made: {path}, empty; orders begin with {first}",
        "It knows nothing of what was done before: posts on the site, classes at a reseller, registrations. Next:",
        "  integrator status",
        "  integrator import-courses --dry-run    what is on the site already would be made a second time",
    ]
    for line in lines:
        typer.echo(clean(line))


def _need_none(path: Path) -> None:
    """Errors  UsageError: there is a store"""
    if path.exists() and path.stat().st_size:
        said = f"store new: {path} is there; nothing was touched"
        raise UsageError(said, hint="integrator store verify   says whether it is sound")


def _first_number(found: "Settings") -> int:
    """Beyond every order there was: Maconomy knows its number. Errors  UsageError: nothing here tells"""
    from integrator.signs import signs
    from integrator.store import backup

    path = found.store.path
    beyond = backup.beyond([*backup.found(found.home.backups), *backup.replaced(path)])
    if beyond is not None:
        return max(beyond, _FIRST)
    if any(signs(found.home, path)):
        what = "store new: there is no backup that tells which numbers orders had; nothing was made"
        then = (
            "look in Maconomy for the highest reference (ILI-10482-1), then: integrator store new --first-order 11000"
        )
        raise UsageError(what, hint=then)
    return _FIRST


def _stop_jobs(stack: "ExitStack", found: "Settings", now: "datetime", command: str) -> None:
    """Hold the lock of every job there is or ever was here, and the store's own.

    Errors  LockHeld: a job runs
    """
    from integrator.runtime import lock

    names = {*found.jobs, *(path.stem for path in found.home.locks.glob("*.lock")), "store"}
    for name in sorted(names):
        try:
            stack.enter_context(lock.hold(found.home.locks, name, since=now))
        except LockHeld as error:
            raise LockHeld(
                f"store {command}: {error.message.partition(';')[0]}; nothing was touched",
                hint="type it again when that has ended",
            ) from None


def _need_journal(found: "Settings") -> None:
    """Errors  ConfigError: entries are lost, and who was erased could come back"""
    from integrator.cli import opening
    from integrator.store.erasure.journal import Journal, applied

    # A damaged store cannot be asked, nor one of an older version: they are what a restore is for.
    with suppress(StoreDamaged, Unavailable, sqlite3.DatabaseError), opening.reading(found) as db:
        if db is not None:
            Journal(found.home.var).need_whole(applied(db))


def _say_restored(path: Path, kept: Path | None, found: "Settings", now: "datetime") -> None:
    from integrator.cli import times
    from integrator.store import backup

    [made] = [b.made_at for b in backup.found(path.parent) if b.path.name == path.name] or [int(path.stat().st_mtime)]
    when = f"{times.shown(made, now, date=True)}, {times.ago(made, now)}"
    lines = [f"restored: {path.name} (of {when})"]
    if kept:
        lines.append(f"kept: {kept} is what was there before; it goes after {found.retention.backups_days} days")
    lines += [
        "What happened since then is not in it. Next:",
        "  integrator store verify",
        "  integrator status",
        "  integrator import-courses --dry-run    then without --dry-run",
        *(_of_bookings(times.shown(made, now, date=True)) if found.trainingportal else ()),
        "  integrator sync-orders                 it looks in Maconomy and Mailgun before it sends anything again",
    ]
    for line in lines:
        typer.echo(clean(line))


def _of_bookings(since: str) -> tuple[str, ...]:
    """What no run can find out by itself: there is no list of bookings that a program could ask for."""
    return (
        "  integrator confirm-bookings            before sync-orders",
        f"  bookings since {since}: compare Trainingportal's list of bookings with",
        "  integrator booking-status list         one that is not in it is not known here: register it in Maconomy",
        f"  statuses since {since}: import your lists of outcomes again, or set them again:",
        "  integrator booking-status import FILE",
    )


def _backup_path(found: "Settings", file: str) -> Path:
    """A path as typed; a bare name is looked for among the backups, then beside the store.

    Errors  NotFound
    """
    from integrator.home import absolute

    places = (absolute(Path(file)), found.home.backups / file, found.store.path.parent / file)
    for place in places if os.sep not in file else places[:1]:
        if place.is_file():
            return place
    raise NotFound(f"backup: {file}: there is no such file", hint="integrator store list")


def _size(number: int) -> str:
    return f"{number / 1_000_000:,.1f} MB" if number >= 1_000_000 else f"{-(-number // 1000)} kB"
