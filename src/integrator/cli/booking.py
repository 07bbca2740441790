"""`booking`: seats are held and orders completed, as the website does it. Every command is one request."""

import os
import sys
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from integrator.errors import Full, UsageError

if TYPE_CHECKING:
    from integrator.jobs.booking import Desk

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Seats and orders: reserve, complete, cancel, show …\n\n"
    "Example: integrator booking reserve 25172-04 --key visitor-8f3a",
)
AS_JSON = typer.Option(False, "--json", help="Print it as JSON.")
ORDER = typer.Argument(..., metavar="ORDER", help="The number of an order.")
_LARGEST_FORM = 256_000


@app.command()
def reserve(
    class_id: str = typer.Argument(..., metavar="CLASS_ID", help="A class, such as 25172-04."),
    seats: int = typer.Option(1, "--seats", metavar="N", help="How many seats, 1 to 40."),
    key: str = typer.Option(
        ..., "--key", metavar="KEY", help="Names this attempt: the same key answers the same reservation."
    ),
    as_json: bool = AS_JSON,
) -> None:
    """Hold seats of a class, if there are enough.

    Example: integrator booking reserve 25172-04 --seats 2 --key visitor-8f3a --json
    """
    from integrator.jobs import booking

    with _desk(asks=True) as desk:
        try:
            found = booking.reserve(desk, class_id, seats=seats, key=key)
        except Full as full:
            _refuse(full, as_json)
    _tell_reservation(found, as_json)


@app.command("seats")
def seats_(
    order: int = ORDER,
    seats: int = typer.Argument(..., metavar="N", help="How many seats from now on, 1 to 40."),
    as_json: bool = AS_JSON,
) -> None:
    """Hold another number of seats for an order.

    Maconomy is asked again when it is more.

    Example: integrator booking seats 10482 2
    """
    from integrator.jobs import booking

    with _desk(asks=True) as desk:
        try:
            found = booking.change_seats(desk, order, seats)
        except Full as full:
            _refuse(full, as_json)
    _tell_reservation(found, as_json)


@app.command()
def complete(
    order: int = ORDER,
    file: str = typer.Option(..., "--file", metavar="F", help="The form as JSON; - reads it from standard input."),
    as_json: bool = AS_JSON,
) -> None:
    """Complete an order with its form.

    sync-orders then brings its participants to Maconomy.

    Example: integrator booking complete 10482 --file form.json
    """
    from integrator.domain.orders import form_data
    from integrator.jobs import booking

    raw = _read(file)
    with _desk(asks=False) as desk:
        found = booking.complete(desk, order, form_data(raw))
    _tell_order(found, as_json)


@app.command()
def cancel(order: int = ORDER, as_json: bool = AS_JSON) -> None:
    """Give the seats of an order back.

    It can be done as long as nothing of it has left for Maconomy.

    Example: integrator booking cancel 10482
    """
    from integrator.jobs import booking

    with _desk(asks=False) as desk:
        found = booking.cancel(desk, order)
    _tell_order(found, as_json)


@app.command()
def confirm(order: int = ORDER, as_json: bool = AS_JSON) -> None:
    """Confirm an order though some of it was given up.

    The customer is told who of the participants is registered.

    Example: integrator booking confirm 10482
    """
    from integrator.jobs import booking

    with _desk(asks=False) as desk:
        found = booking.confirm(desk, order)
    _tell_order(found, as_json)


@app.command()
def show(order: int = ORDER, as_json: bool = AS_JSON) -> None:
    """Show how an order stands, without any name.

    Example: integrator booking show 10482 --json
    """
    from integrator.jobs import booking

    with _desk(asks=False) as desk:
        found = booking.show(desk, order)
    _tell_order(found, as_json)


def _desk(*, asks: bool) -> "AbstractContextManager[Desk]":
    from integrator.desk import open_desk
    from integrator.home import need_home

    return open_desk(need_home(os.environ), asks=asks)


def _read(file: str) -> bytes:
    """Errors  UsageError: there is no such file, or it is larger than any form"""
    if file == "-":
        raw = sys.stdin.buffer.read(_LARGEST_FORM + 1)
    else:
        try:
            with Path(file).open("rb") as opened:
                raw = opened.read(_LARGEST_FORM + 1)
        except OSError as error:
            raise UsageError(f"booking complete: {file}: {error.strerror}") from None
    if len(raw) > _LARGEST_FORM:
        raise UsageError(f"booking complete: the form is larger than {_LARGEST_FORM // 1000} kB; nothing was changed")
    return raw


def _refuse(full: Full, as_json: bool) -> NoReturn:
    """No room is an answer, not a failure: with --json the one that websites wait for."""
    if not as_json:
        raise full
    from integrator.cli import render

    render.print_json({"refused": full.code})
    raise typer.Exit(full.exit_code)


def _tell_reservation(found: dict[str, Any], as_json: bool) -> None:
    from integrator.cli import opening, render, times

    if as_json:
        render.print_json(found | {"expires_at": times.iso(found["expires_at"])})
        return
    until = times.shown(found["expires_at"], opening.now())
    typer.echo(f"order {found['order']}: {found['seats']} seat(s) of {found['class_id']}, held until {until}")


def _tell_order(found: dict[str, Any], as_json: bool) -> None:
    from integrator.cli import opening, render, times

    if as_json:
        instants = {name: times.iso(found[name]) for name in ("expires_at", "completed_at")}
        render.print_json(found | instants)
        return
    until = f", held until {times.shown(found['expires_at'], opening.now())}" if found["state"] == "reserved" else ""
    typer.echo(f"order {found['order']}: {found['seats']} seat(s) of {found['class_id']}, {found['state']}{until}")
    if found["participants"]:
        heads = {"reference": "participant", "state": "state", "participant_id": "in Maconomy", "reason": "reason"}
        shown = [name for name in heads if any(person[name] for person in found["participants"])]
        rows = [tuple(person[name] or "" for name in shown) for person in found["participants"]]
        render.print_table([heads[name] for name in shown], rows)
