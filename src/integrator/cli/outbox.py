"""`outbox`: what waits, what failed, and the operator's word on it. Jobs may run beside every one of these."""

from typing import TYPE_CHECKING, Any

import typer

from integrator.domain.orderlines.order import EFFECT as ORDERLINE
from integrator.errors import NotFound, UsageError

if TYPE_CHECKING:
    from datetime import datetime

    from integrator.runtime.outbox import Outbox

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Messages for other systems: list, show, retry, drop.\n\nExample: integrator outbox list --state failed",
)
AS_JSON = typer.Option(False, "--json", help="Print it as JSON.")
IDS = typer.Argument(None, metavar="[ID]...", help="Numbers of messages, as `outbox list` shows them.")
_LARGEST = 2**63 - 1  # SQLite's
_INSTANTS = ("created_at", "changed_at", "next_at", "uncertain_since", "sent_at", "completed_at")


def _states() -> list[str]:
    from integrator.runtime.outbox import SHOWN

    return list(SHOWN)


# effect → the command that moves its messages, and whatever is kept beside them
_ELSEWHERE = {ORDERLINE: "retry, clear or resolve"}


@app.command("list")
def list_(
    state: str | None = typer.Option(
        None, "--state", help="Only this state, such as failed.", show_default=False, autocompletion=_states
    ),
    effect: str | None = typer.Option(None, "--effect", help="Only this effect.", show_default=False),
    limit: int = typer.Option(50, "--limit", min=1, max=1_000_000, help="How many; trouble comes first."),
    as_json: bool = AS_JSON,
) -> None:
    """List messages, trouble first.

    Example: integrator outbox list --state failed
    """
    from integrator.cli import opening, render
    from integrator.runtime.outbox import SHOWN, Outbox

    if state is not None and state not in SHOWN:
        raise UsageError(f"outbox list: no such state: {state}; expected one of {', '.join(SHOWN)}")
    now = opening.now()
    with opening.reading(opening.settings()) as db:
        rows = Outbox(db, clock=now.timestamp).listed(state=state, effect=effect, limit=limit) if db else []
    if as_json:
        render.print_json([_as_json(row) for row in rows])
    elif not rows:
        typer.echo("no such message" if state or effect else "no messages")
    else:
        _print_list(rows, now)


def _print_list(rows: list[dict[str, Any]], now: "datetime") -> None:
    """The table, and the reasons below it: a reason in a narrow column would fold keys and effects too."""
    from integrator.cli import clean, render, times

    columns = ("id", "effect", "key", "state", "attempts")
    render.print_table(
        ["id>", "effect!", "key", "state!", "tries>", "since!"],
        [(*(row[name] for name in columns), times.short(row["changed_at"], now)) for row in rows],
    )
    for row in rows:
        if row["reason"]:
            typer.echo(clean(f"{row['id']}: {row['reason']}"))


@app.command()
def show(
    number: int = typer.Argument(..., metavar="ID", help="The number of a message."), as_json: bool = AS_JSON
) -> None:
    """Show one message in full, with what it will send.

    Example: integrator outbox show 311
    """
    import json

    from integrator.cli import clean, opening, render, times
    from integrator.runtime.outbox import Outbox
    from integrator.store.erasure.journal import refuse_behind

    found, now = opening.settings(), opening.now()
    _distinct([number])
    with opening.reading(found) as db:
        if db is None:
            raise NotFound(f"outbox: there is no message {number}: there is no store yet")
        refuse_behind(db, found.home.var)
        row = Outbox(db, clock=now.timestamp).get(number)
    if as_json:
        render.print_json(_as_json(row))
        return
    for name, value in row.items():
        if value is None or (name == "next_at" and not value) or (name == "scope" and not value):
            continue
        if name in _INSTANTS:
            value = times.shown(value, now, date=True)
        text = json.dumps(value, ensure_ascii=False, indent=2) if name == "body" else str(value)
        for index, line in enumerate(text.splitlines() or [""]):
            typer.echo(f"{name if index == 0 else '':<16} {clean(line)}")


@app.command()
def retry(
    ids: list[int] | None = IDS,
    all_failed: bool = typer.Option(False, "--all-failed", help="Every failed message that was not dropped."),
    without_looking: bool = typer.Option(
        False, "--without-looking", help="Send also what may have arrived there: you have looked yourself."
    ),
) -> None:
    """Let the next run send messages again, all named or none.

    What failed because nobody knows whether it arrived is looked for first, and sent only when it is not there.

    Example: integrator outbox retry 311 312
    """
    from integrator.cli import opening
    from integrator.runtime.outbox import Outbox

    if bool(ids) == all_failed:
        raise UsageError("outbox retry: name the messages, or --all-failed")
    with opening.writing(opening.settings()) as db, db.tx():
        outbox = Outbox(db, clock=opening.now().timestamp)
        chosen = _failed(outbox) if all_failed else _distinct(ids)
        before = [outbox.get(number) for number in chosen]
        _leave_to_others(before)
        now = [outbox.retry(number, looked=without_looking) for number in chosen]
    for row, state in zip(before, now, strict=True):
        then = "sends it" if state == "received" else "looks there first"
        _say(row, f"{row['state']} → {state}: the next run {then}")
    if all_failed:
        typer.echo(f"{len(before)} message(s) will be tried again")


@app.command()
def drop(ids: list[int] | None = IDS) -> None:
    """Give messages up for good, all named or none.

    Example: integrator outbox drop 311
    """
    from integrator.cli import opening
    from integrator.runtime.outbox import Outbox

    if not ids:
        raise UsageError("outbox drop: name the messages")
    with opening.writing(opening.settings()) as db, db.tx():
        outbox = Outbox(db, clock=opening.now().timestamp)
        chosen = _distinct(ids)
        before = [outbox.get(number) for number in chosen]
        _leave_to_others(before)
        for number in chosen:
            outbox.drop(number)
    for row in before:
        later = " (a later change of the same record will)" if row["mode"] == "latest" else ""
        _say(row, f"{row['state']} → dropped: it will not be sent{later}")


def _failed(outbox: "Outbox") -> list[int]:
    """Those of orderlines have commands of their own: some were cleared by a person, of others nobody knows enough."""
    rows = outbox.db.all("SELECT id, effect FROM outbox WHERE state = 'failed' AND body IS NOT NULL ORDER BY id")
    return [row["id"] for row in rows if row["effect"] not in _ELSEWHERE]


def _leave_to_others(rows: list[dict[str, Any]]) -> None:
    """Errors  UsageError: a message whose state another command keeps"""
    for row in rows:
        if row["effect"] in _ELSEWHERE:
            hint = f"integrator orderline {_ELSEWHERE[row['effect']]}: integrator explain {row['key']} says which"
            raise UsageError(f"outbox: message {row['id']} is an orderline's; it was left as it is", hint=hint)


def _distinct(ids: list[int] | None) -> list[int]:
    """Errors  NotFound: a number that no message can have"""
    for number in ids or []:
        if number > _LARGEST:
            raise NotFound(f"outbox: there is no message {number}", hint="integrator outbox list")
    return list(dict.fromkeys(ids or []))


def _say(row: dict[str, Any], what: str) -> None:
    from integrator.cli import clean

    typer.echo(clean(f"{row['id']}  {row['effect']} {row['key']}  {what}"))


def _as_json(row: dict[str, Any]) -> dict[str, Any]:
    from integrator.cli import times

    return row | {name: times.iso(row[name] or None) for name in _INSTANTS if name in row}
