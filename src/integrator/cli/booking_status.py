"""`update-booking-status`, and `booking-status`: what became of students whom a reseller booked, as people say it."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from integrator.cli.jobs import AS_JSON, DRY_RUN, RECORD, REPLAY, VERBOSE, Manner, start

if TYPE_CHECKING:
    from integrator.jobs.booking_status_desk import Imported
    from integrator.runtime.run import Run
    from integrator.wiring import Wiring

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="What became of students of Trainingportal: set, import, list, show, settle, again.\n\n"
    "STATUS is COMPLETED, NO_SHOW, FAILED or NEW.\n\n"
    "Example: integrator booking-status set TP-MFRGGZDFMZTWQ2LKNNWG23TPOA COMPLETED --on 2027-03-03",
)
JSON = typer.Option(False, "--json", help="Print it as JSON.")


REFERENCE = typer.Argument(
    ...,
    metavar="REF",
    help="A booking: TP-MFRGGZDFMZTWQ2LKNNWG23TPOA, Trainingportal's own reference, or the number of its order.",
)
ANYWAY = typer.Option(False, "--anyway", help="Take it although the class had not begun on that day.")
FILE = typer.Argument(..., metavar="FILE", help="A list as CSV or XLSX.")
_STATES = ("unseen", "reserved", "confirmed", "cancelled")
_INSTANTS = ("set_at", "told_at", "queued_at", "uploaded_at")


def update_booking_status(
    dry_run: bool = DRY_RUN,
    as_json: bool = AS_JSON,
    record: Path | None = RECORD,
    replay: Path | None = REPLAY,
    verbose: bool = VERBOSE,
) -> None:
    """Statuses, documents travel store → Trainingportal.

    Files in documents/ by booking reference, each uploaded once.

    Example: integrator update-booking-status --dry-run
    """

    def story(run: "Run", wiring: "Wiring") -> None:
        from integrator.jobs import update_booking_status as job

        job.update_booking_status(
            run,
            (lambda: wiring.need_portal(run.db)) if wiring.has_portal else None,
            documents=wiring.home.root / "documents",
            var=wiring.home.var,
            certificates=wiring.certificates() if run.policy["certificates"] else None,
            maconomy=wiring.maconomy if wiring.has_maconomy and run.policy["maconomy"] else None,
            max_bytes=wiring.portal_upload_bytes,
        )

    start(
        "update-booking-status",
        story,
        Manner(dry_run, as_json, record, replay, verbose),
        needs=("trainingportal", "maconomy", "monitor"),
        lean=True,
    )


@app.command("set")
def set_(
    reference: str = REFERENCE,
    status: str = typer.Argument(..., metavar="STATUS", help="COMPLETED, NO_SHOW, FAILED or NEW."),
    on: str | None = typer.Option(
        None,
        "--on",
        metavar="DATE",
        help="When it was completed, such as 2027-03-03 or 03-03-2027.",
        show_default=False,
    ),
    anyway: bool = ANYWAY,
    as_json: bool = JSON,
) -> None:
    """Say what became of one student.

    COMPLETED needs --on. The newest word wins. The same again is told again if telling it had failed.

    Example: integrator booking-status set TP-MFRGGZDFMZTWQ2LKNNWG23TPOA COMPLETED --on 2027-03-03
    """
    from integrator.cli import clean, opening, render
    from integrator.jobs import booking_status_desk as desk

    found, at = opening.settings(), int(opening.now().timestamp())
    with opening.writing(found) as db:
        booking = desk.booking_of(db, reference)
        told = desk.set_status(db, booking, status, on, "command", at, anyway=anyway)
    if as_json:
        render.print_json(told)
        return
    done = "update-booking-status tells it" if told["changed"] else "it was so already: nothing was changed"
    if told["again"]:
        done = "it was so already, but telling it had failed: update-booking-status tells it again"
    typer.echo(clean(f"{told['reference']}: {_outcome(told)}; {done}"))


@app.command("import")
def import_(
    file: Path = FILE,
    partial: bool = typer.Option(False, "--partial", help="Take the good rows although others are bad."),
    anyway: bool = ANYWAY,
    as_json: bool = JSON,
) -> None:
    """Take statuses from a list: reference, status, date.

    All bad rows are listed. Exit code 2: nothing was taken; with --partial 3: only the good ones were.

    Example: integrator booking-status import outcomes.xlsx
    """
    from integrator.cli import opening, render
    from integrator.jobs import booking_status_desk as desk

    found, at = opening.settings(), int(opening.now().timestamp())
    with opening.writing(found) as db:
        told = desk.import_statuses(db, file, at, partial=partial, anyway=anyway)
    if as_json:
        bad = [{"sheet": one.sheet or None, "row": one.row, "reason": one.reason} for one in told.bad]
        facts = {name: getattr(told, name) for name in ("taken", "rows", "changed", "unchanged", "again", "left_out")}
        render.print_json(facts | {"bad": bad})
    else:
        _tell_import(told)
    if told.bad:
        raise typer.Exit(3 if told.taken else 2)


def _tell_import(told: "Imported") -> None:
    from integrator.cli import clean

    for one in told.bad:
        typer.echo(clean(f"integrator: {one.place}: {one.reason}"), err=True)
    if told.bad and not told.taken:
        summary = f"{len(told.bad)} of {told.rows} row(s) are bad: nothing was taken"
        typer.echo(f"integrator: booking-status import: {summary}", err=True)
        typer.echo("  → mend them and import the file again, or take the others: --partial", err=True)
        return
    left = f", {len(told.bad)} bad and left out" if told.bad else ""
    again = f" ({told.again} told again: that had failed)" if told.again else ""
    typer.echo(f"{told.rows} row(s): {told.changed} changed, {told.unchanged} as they were{again}{left}")
    if told.left_out:
        names = ", ".join(f'"{name}"' for name in told.left_out)
        typer.echo(clean(f"no line with the names of the columns, and not read: {names}"))


@app.command("list")
def list_(
    state: str | None = typer.Option(
        None, "--state", metavar="STATE", help=f"Only {', '.join(_STATES)}.", show_default=False
    ),
    waiting: bool = typer.Option(False, "--waiting", help="Only what waits for a person, each with what."),
    class_id: str | None = typer.Option(
        None, "--class", metavar="CLASS_ID", help="Only this class.", show_default=False
    ),
    untold: bool = typer.Option(False, "--untold", help="Only what Trainingportal does not know yet."),
    limit: int = typer.Option(50, "--limit", metavar="N", min=1, max=1_000_000, help="How many; the newest first."),
    as_json: bool = JSON,
) -> None:
    """List all bookings: how they stand, what became of their students.

    Example: integrator booking-status list --waiting
    """
    from integrator.cli import opening, render
    from integrator.errors import UsageError
    from integrator.jobs import booking_status_desk as desk

    if state is not None and state not in _STATES:
        raise UsageError(f"--state: expected one of {', '.join(_STATES)}")
    asked = desk.Asked(state, class_id, untold=untold, waiting=waiting)
    with opening.reading(opening.settings()) as db:
        rows, count = desk.listed(db, asked, limit=limit)
    if as_json:
        render.print_json([_for_machines(row) for row in rows])
    elif not rows:
        typer.echo("no bookings" if asked == desk.Asked() else "no such booking")
    else:
        _tell_list(rows, count, waiting=waiting)


def _tell_list(rows: list[dict[str, Any]], count: int, *, waiting: bool) -> None:
    from integrator.cli import clean, render

    if waiting:
        for row in rows:
            typer.echo(clean(f"{row['reference']}  {row['class_id'] or '-'}  {row['booking']}"))
            for what in row["waits"]:
                typer.echo(clean(f"  {what}"))
    else:
        cells = [(row["reference"], row["class_id"], row["booking"], *_status_cells(row)) for row in rows]
        render.print_table(["booking!", "class", "state", "status", "message"], cells)
    if count > len(rows):
        typer.echo(f"the newest {len(rows):,} of {count:,}; more: --limit {count}")
    if not waiting and (number := sum(bool(row["waits"]) for row in rows)):
        typer.echo(f"{number:,} of them wait for a person: integrator booking-status list --waiting")


def _status_cells(row: dict[str, Any]) -> tuple[str, str]:
    return (_outcome(row), row["stands"]) if row["status"] else ("-", "-")


def _outcome(row: dict[str, Any]) -> str:
    from integrator.domain.completion import shown

    return shown(row["status"], row["completed_on"])


@app.command()
def show(reference: str = REFERENCE, as_json: bool = JSON) -> None:
    """Show how one booking's status and documents stand, without any name.

    Example: integrator booking-status show TP-MFRGGZDFMZTWQ2LKNNWG23TPOA
    """
    from integrator.cli import clean, opening, render
    from integrator.jobs import booking_status_desk as desk

    with opening.reading(opening.settings()) as db:
        told = desk.show(db, desk.booking_of(db, reference) if db else reference)
    if as_json:
        documents = [_for_machines(one) for one in told["documents"]]
        render.print_json(_for_machines(told) | {"documents": documents})
        return
    for line in _shown(told):
        typer.echo(clean(line))


@app.command()
def settle(
    reference: str = REFERENCE,
    document: bool = typer.Option(
        False, "--document", help="A document at Trainingportal that did not fit any more was replaced or taken away."
    ),
    as_json: bool = JSON,
) -> None:
    """Say that what a booking waited for is done.

    Example: integrator booking-status settle TP-MFRGGZDFMZTWQ2LKNNWG23TPOA
    """
    from integrator.cli import clean, render
    from integrator.desk import open_desk
    from integrator.home import need_home
    from integrator.jobs import booking_status_desk, reseller_desk

    with open_desk(need_home(os.environ), asks=False) as desk:
        reference = booking_status_desk.booking_of(desk.db, reference)
        if document:
            booking_status_desk.settle_document(desk.db, reference)
        else:
            reseller_desk.settle(desk, reference)
    if as_json:
        render.print_json({"reference": reference, "settled": True})
    else:
        typer.echo(clean(f"{reference}: settled"))


@app.command()
def again(reference: str = REFERENCE) -> None:
    """Take up a booking that was given up.

    It gets a seat again, if it has none any more, and confirm-bookings asks Trainingportal for it anew.

    Example: integrator booking-status again TP-MFRGGZDFMZTWQ2LKNNWG23TPOA
    """
    from integrator.cli import clean
    from integrator.desk import open_desk
    from integrator.home import need_home
    from integrator.jobs import booking_status_desk, reseller_desk

    with open_desk(need_home(os.environ), asks=True) as desk:
        reference = booking_status_desk.booking_of(desk.db, reference)
        reseller_desk.look_again(desk, reference)
    typer.echo(clean(f"{reference}: has a seat; confirm-bookings asks for it"))


def _shown(told: dict[str, Any]) -> list[str]:
    from integrator.cli import opening, times

    def when(instant: int | None) -> str:
        return times.shown(instant, opening.now()) if instant is not None else "not yet"

    lines = [f"{told['reference']}: class {told['class_id']}, booking {told['booking']}, order {told['order_id']}"]
    if told["status"] is None:
        return [*lines, "status     none was set"]
    lines.append(f"status     {_outcome(told)}, version {told['version']}, by {told['source']}")
    lines.append(f"set        {when(told['set_at'])}")
    lines.append(f"told       {when(told['told_at'])}, version {told['told_version']}")
    if told["stands"] != "told":
        reason = f": {told['reason']}" if told["reason"] else ""
        lines.append(f"message    {told['message_id']} {told['stands']}{reason}")
    for one in told["documents"]:
        reason = f": {one['reason']}" if one["reason"] and one["uploaded_at"] is None else ""
        state = "uploaded" if one["uploaded_at"] else one["stands"]
        since = when(one["uploaded_at"] or one["queued_at"])
        lines.append(f"{one['kind']:<10} {one['sha256'][:16]} {one['size']:,} bytes, {state} {since}{reason}")
    return lines


def _for_machines(row: dict[str, Any]) -> dict[str, Any]:
    from integrator.cli import times

    return row | {name: times.iso(row[name]) for name in _INSTANTS if name in row}
