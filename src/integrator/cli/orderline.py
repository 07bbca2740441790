"""`orderline`: orders of OilMat come in by hand or by another program; what became of them; a person's word on them."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import typer

from integrator.errors import NotFound, UsageError

if TYPE_CHECKING:
    from integrator.jobs.orderline_desk import Kind
    from integrator.jobs.orderline_intake import Intake, Taken
    from integrator.settings import Settings

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Orders of OilMat for workshops: create, status, queue, clear, retry, resolve.\n\n"
    "WORKSHOP is the id or the name of one in config/workshops.toml.\n\n"
    "Example: integrator orderline status --workshop bennys-auto 0007",
)
AS_JSON = typer.Option(False, "--json", help="Print it as JSON.")
WORKSHOP = typer.Option(..., "--workshop", metavar="WORKSHOP", help="Whose orders.")
ID = typer.Argument(..., metavar="ID", help="The unique_id of an order.")
ANY_ID = {"ignore_unknown_options": True}  # an id may begin with a hyphen
IDS = typer.Argument(None, metavar="[ID ...]", help="The unique_ids of some orders.", show_default=False)
DASH = typer.Argument(None, metavar="[-]", help="Read standard input, also a terminal.", show_default=False)


@app.command()
def create(
    words: list[str] | None = DASH,
    file: str | None = typer.Option(
        None, "--file", metavar="F", help="The orders; - is standard input.", show_default=False
    ),
    workshop: str | None = typer.Option(
        None, "--workshop", metavar="WORKSHOP", help="Whose they are, where they do not say so.", show_default=False
    ),
    as_json: bool = AS_JSON,
) -> None:
    """Take in orders: one JSON value, a list of them, or one a line.

    Each is kept once, however often it comes. Exit code 2: some are bad requests; the others are kept.

    Example: integrator orderline create --workshop bennys-auto --file order.json --json
    """
    from integrator.cli import opening, render

    raw = _read(_source(words, file))
    found = opening.settings()
    only = _workshop(found, workshop) if workshop is not None else None
    with _intake(found) as intake:
        taken = intake.take(raw, source="command", only=only)
    bad = sum(not one.is_good for one in taken)
    _log(found, taken, 2 if bad else 0)
    if as_json:
        render.print_json([one.as_json() for one in taken])
    else:
        _print_taken(taken)
    if bad:
        others = "; the others were kept" if bad < len(taken) else ""
        typer.echo(f"integrator: orderline create: {bad} of {len(taken)} refused{others}", err=True)
        raise typer.Exit(2)


@app.command(context_settings=ANY_ID)
def status(
    unique_id: str = ID,
    workshop: str = WORKSHOP,
    detail: bool = typer.Option(False, "--detail", help="Also how far it got, why, and what happened when."),
    as_json: bool = AS_JSON,
) -> None:
    """Say how one order stands, in OilMat's words.

    Example: integrator orderline status --workshop bennys-auto 0007 --detail
    """
    from integrator.cli import clean, opening, orderline_shown, render
    from integrator.jobs import orderline_desk

    found, now = opening.settings(), opening.now()
    shop = _workshop(found, workshop)
    with opening.reading(found) as db:
        if db is None:
            said = f"orderline: {shop} has no orderline {unique_id}: there is no store yet"
            raise NotFound(said, hint="the first order makes it: integrator orderline create --file order.json")
        if detail:
            told = orderline_desk.detail(db, shop, unique_id, now=now.timestamp())
        else:
            told = orderline_desk.status(db, shop, unique_id)
    if as_json:
        render.print_json(orderline_shown.for_machines(told))
        return
    typer.echo(clean(f"{shop}/{_said(told)}"))
    if detail:
        for line in orderline_shown.lines(told, now):
            typer.echo(clean(line))


@app.command()
def queue(
    workshop: str = WORKSHOP,
    kind: str = typer.Option("task", "--type", metavar="task|error", help="What waits, or what failed."),
    as_json: bool = AS_JSON,
) -> None:
    """List the orders of a workshop that wait, or that failed.

    Reading changes nothing, and holds up no run.

    Example: integrator orderline queue --workshop bennys-auto --type error
    """
    from integrator.cli import opening, orderline_shown, render, times
    from integrator.jobs import orderline_desk

    which, found, now = _kind("queue", kind), opening.settings(), opening.now()
    shop = _workshop(found, workshop)
    with opening.reading(found) as db:
        told = orderline_desk.queue(db, shop, which)
    if as_json:
        render.print_json(told | {"orders": [orderline_shown.for_machines(order) for order in told["orders"]]})
    elif not told["orders"]:
        typer.echo(f"{shop}: no order {'waits' if which == 'task' else 'has failed'}")
    else:
        columns = ("unique_id", "case_id", "product_nr", "product_amount", "status", "reason")
        rows = [(*(order[name] for name in columns), times.short(order["changed_at"], now)) for order in told["orders"]]
        render.print_table(["order", "case", "product", "amount>", "status", "reason", "since"], rows)


@app.command(context_settings=ANY_ID)
def clear(
    unique_ids: list[str] | None = IDS,
    workshop: str = WORKSHOP,
    kind: str | None = typer.Option(
        None, "--type", metavar="task|error", help="All that waits, or all that failed.", show_default=False
    ),
    yes: bool = typer.Option(False, "--yes", help="With --type: do not ask."),
    as_json: bool = AS_JSON,
) -> None:
    """Take what waits out of the queue, or what failed out of sight.

    What waits is failed then, with the reason "fjernet fra køen"; what failed is archived. Neither is in the list of
    errors any more; their status still answers. Of orders that are named all are cleared, or none; with --type all
    but those that a run has begun with.

    Example: integrator orderline clear --workshop bennys-auto 0007
    """
    from integrator.cli import opening

    if unique_ids and kind is not None:
        raise UsageError("orderline clear: either some orders, or all with --type; nothing was changed")
    if not unique_ids and kind is None:
        raise UsageError("orderline clear: say which: their ids, or --type task or error; nothing was changed")
    which, found = _kind("clear", kind) if kind is not None else None, opening.settings()
    shop = _workshop(found, workshop)
    if which is None:
        _clear_these(found, shop, unique_ids or [], as_json=as_json)
    else:
        _clear_all(found, shop, which, yes=yes, as_json=as_json)


def _clear_these(found: "Settings", shop: str, unique_ids: list[str], *, as_json: bool) -> None:
    from integrator.cli import clean, opening, render
    from integrator.jobs import orderline_desk

    with opening.writing(found) as db:
        told = orderline_desk.clear_these(db, shop, unique_ids, clock=opening.now().timestamp)
    if as_json:
        render.print_json({"workshop": shop, "count": sum(map(len, told.values())), **told})
    else:
        said = (f"{len(ids)} {done}: {', '.join(ids)}" for done, ids in told.items() if ids)
        typer.echo(clean(f"{shop}: {'; '.join(said)}"))


def _clear_all(found: "Settings", shop: str, which: "Kind", *, yes: bool, as_json: bool) -> None:
    from integrator.cli import clean, opening, render
    from integrator.jobs import orderline_desk

    if not yes and not sys.stdin.isatty():
        raise UsageError("orderline clear: without a terminal say --yes; nothing was changed")
    with opening.reading(found) as looked:
        count = len(orderline_desk.clearable(looked, shop, which))
    ids: list[str] = []
    if count and (yes or _agreed(count, shop, which)):
        with opening.writing(found) as db:
            ids = orderline_desk.clear(db, shop, which, clock=opening.now().timestamp)
    if as_json:
        render.print_json({"workshop": shop, "type": which, "count": len(ids), "ids": ids})
    else:
        done = "cleared" if which == "task" else "archived"
        typer.echo(clean(f"{shop}: {len(ids)} {done}{': ' if ids else ''}{', '.join(ids)}"))


@app.command(context_settings=ANY_ID)
def retry(unique_id: str = ID, workshop: str = WORKSHOP, as_json: bool = AS_JSON) -> None:
    """Let the next run begin a failed order anew.

    What failed because nobody could tell whether its line is there is looked for first.

    Example: integrator orderline retry --workshop bennys-auto 0007
    """
    from integrator.cli import opening
    from integrator.jobs import orderline_desk

    found = opening.settings()
    shop = _workshop(found, workshop)
    with opening.writing(found) as db:
        told = orderline_desk.retry(db, shop, unique_id, clock=opening.now().timestamp)
    _tell(shop, told, as_json)


@app.command(context_settings=ANY_ID)
def resolve(
    unique_id: str = ID,
    workshop: str = WORKSHOP,
    fate: str = typer.Option(..., "--as", metavar="completed|failed", help="Its line is on the case, or it is not."),
    note: str = typer.Option(..., "--note", metavar="TEXT", help="What was seen there; it is kept."),
    as_json: bool = AS_JSON,
) -> None:
    """Say what you saw on a case, where reading cannot settle an order.

    Nobody could tell whether its line is there; or a line with its id is, with another product or amount; or it is in
    doubt at a workshop that is off or blocked; or its line was only counted.

    Example: integrator orderline resolve --workshop bennys-auto 0007 --as completed --note "line 3, 5.5 l"
    """
    from integrator.cli import opening
    from integrator.jobs import orderline_desk

    if fate not in ("completed", "failed"):
        raise UsageError(f"orderline resolve: --as {fate}: expected completed or failed")
    found = opening.settings()
    shop = _workshop(found, workshop)
    with opening.writing(found) as db:
        told = orderline_desk.resolve(
            db, shop, unique_id, completed=fate == "completed", note=note, clock=opening.now().timestamp
        )
    _tell(shop, told, as_json)


# what comes in ------------------------------------------------------------------------------------------


def _source(words: list[str] | None, file: str | None) -> str | None:
    """A file's name, "-", or None: whatever standard input is. Errors  UsageError"""
    if not words:
        return file
    if words != ["-"]:  # never repeated: it may be an order with a password in it
        raise UsageError(
            "orderline create: orders are read from a file or from standard input, never from the command line,"
            " which every user of this machine can see; nothing was kept",
            hint="integrator orderline create --file order.json",
        )
    if file is not None:
        raise UsageError("orderline create: either --file or -, not both")
    return "-"


def _read(source: str | None) -> bytes:
    """The body; of one that is too large only so much that this is seen. Errors  UsageError"""
    from integrator.domain.orderlines.payload import MAX_BYTES

    if source is None and sys.stdin.isatty():
        raise UsageError(
            "orderline create: there is no file, and standard input is a terminal",
            hint="integrator orderline create --file order.json; or with - type the orders here",
        )
    if source in (None, "-"):
        if sys.stdin.isatty():
            typer.echo("orders as JSON, then Ctrl-D:", err=True)
        return sys.stdin.buffer.read(MAX_BYTES + 1)
    try:
        with open(str(source), "rb") as opened:
            return opened.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise UsageError(f"orderline create: {source}: {getattr(error, 'strerror', None) or 'is no file'}") from None


@contextmanager
def _intake(found: "Settings") -> "Iterator[Intake]":
    """The store, made when it is not there yet. Many may be open at once, beside every run."""
    from functools import partial

    from integrator.cli import opening
    from integrator.home import make_var
    from integrator.jobs.orderline_intake import Intake
    from integrator.runtime import lock
    from integrator.signs import may_make_store
    from integrator.store import open_store
    from integrator.store.erasure.journal import refuse_behind

    make_var(found.home, found.store.path)
    make = may_make_store(found.home, found.store.path)
    guard = partial(lock.wait_for, found.home.locks, "store")
    db = open_store(found.store.path, backups=found.home.backups, guard=guard, make=make).db
    try:
        refuse_behind(db, found.home.var)
        yield Intake(db, found.workshops, opening.now().timestamp)
    finally:
        db.close()


def _log(found: "Settings", taken: "list[Taken]", exit_code: int) -> None:
    """One line in the log: how many of what, and names of fields that nobody knows; never a value."""
    from integrator.cli import opening
    from integrator.runtime import logbook

    counts: dict[str, int] = {}
    for one in taken:
        counts[one.result] = counts.get(one.result, 0) + 1
    facts: dict[str, Any] = {"at": opening.now().isoformat(), "command": "orderline create", "exit_code": exit_code}
    facts["counts"] = counts
    if any(one.credentials_in_payload for one in taken):
        facts["credentials_in_payload"] = True
    if ignored := dict.fromkeys(name for one in taken for name in one.ignored):
        facts["ignored"] = list(ignored)[:20]
    with suppress(OSError):  # the orders are kept; that the log cannot be written is said by the next run
        logbook.write_line(found.home.log, facts)


# what goes out ------------------------------------------------------------------------------------------


def _workshop(found: "Settings", name: str) -> str:
    from integrator.jobs.workshop_desk import find

    return find(found.workshops, name).id


def _kind(command: str, text: str) -> "Kind":
    from integrator.jobs.orderline_desk import KINDS

    for kind in KINDS:
        if kind == text:
            return kind
    raise UsageError(f"orderline {command}: --type {text}: expected task or error")


def _agreed(count: int, workshop: str, kind: "Kind") -> bool:
    what = ("clear", "of those that wait") if kind == "task" else ("archive", "of those that failed")
    orders = "1 order" if count == 1 else f"{count} orders"
    typer.echo(f"{workshop}: {what[0]} {orders} {what[1]}? [y/N] ", nl=False, err=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes", "j", "ja")


def _print_taken(taken: "list[Taken]") -> None:
    from integrator.cli import render

    if not taken:
        typer.echo("no order in it")
        return
    rows = [(one.workshop or "-", one.unique_id or "-", one.status, one.reason) for one in taken]
    render.print_table(["workshop", "order", "status", "reason"], rows)


def _tell(workshop: str, told: dict[str, Any], as_json: bool) -> None:
    from integrator.cli import clean, render

    if as_json:
        render.print_json(told)
    else:
        typer.echo(clean(f"{workshop}/{_said(told)}"))


def _said(told: dict[str, Any]) -> str:
    return f"{told['unique_id']}: {told['status']}{': ' if told['reason'] else ''}{told['reason']}"
