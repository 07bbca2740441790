"""The jobs around orders: each command parses, opens and calls."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from integrator.cli.jobs import AS_JSON, DRY_RUN, RECORD, REPLAY, VERBOSE, Manner, start
from integrator.errors import UsageError

if TYPE_CHECKING:
    from integrator.effects import Message
    from integrator.runtime.run import Run
    from integrator.wiring import Wiring

_LONGEST_DRAIN_S = 3_600


def sync_orders(
    order: int | None = typer.Option(
        None, "--order", metavar="ORDER", help="Only this order, and at once; a sync-orders that is running takes it."
    ),
    drain: str = typer.Option(
        "0s", "--drain", metavar="TIME", help="Go on for so long with what comes meanwhile, such as 55s."
    ),
    dry_run: bool = DRY_RUN,
    as_json: bool = AS_JSON,
    record: Path | None = RECORD,
    replay: Path | None = REPLAY,
    verbose: bool = VERBOSE,
) -> None:
    """Orders travel to Maconomy; confirmations go out.

    One registration for each participant; a mail to each of them and one to the customer.

    Example: integrator sync-orders --drain 55s
    """
    drain_s = _seconds(drain)
    if order is not None and not (dry_run or replay):
        _hasten(order)

    def story(run: "Run", wiring: "Wiring") -> None:
        from integrator.jobs import sync_orders as job

        systems = job.Systems(
            registrations=lambda: wiring.maconomy().registrations(known=lambda message: _known(run, message)),
            confirmations=(lambda: wiring.mails(resends=False)) if wiring.has_mailgun else None,
            events=(lambda: wiring.mail_results()) if wiring.has_mailgun else None,
        )
        job.sync_orders(run, systems, order=order, drain_s=drain_s)

    start(
        "sync-orders",
        story,
        Manner(dry_run, as_json, record, replay, verbose),
        needs=("maconomy", "mailgun", "monitor"),
        sources=("maconomy",),
        lean=True,
    )


def clear_reservations(
    dry_run: bool = DRY_RUN,
    as_json: bool = AS_JSON,
    record: Path | None = RECORD,
    replay: Path | None = REPLAY,
    verbose: bool = VERBOSE,
) -> None:
    """Release seats of orders nobody completed in time.

    Example: integrator clear-reservations -v
    """

    def story(run: "Run", wiring: "Wiring") -> None:
        from integrator.jobs.clear_reservations import clear_reservations as job

        job(run)

    start(
        "clear-reservations",
        story,
        Manner(dry_run, as_json, record, replay, verbose),
        needs=("monitor",),
        lean=True,
    )


def _hasten(order: int) -> None:
    """An order's messages are due now, also for a run that is draining at this moment. Errors  NotFound"""
    from integrator.cli import opening
    from integrator.domain.ordered import scope_of
    from integrator.runtime.outbox import Outbox
    from integrator.store.orders import Orders

    with opening.writing(opening.settings()) as db, db.tx():
        Orders(db).get(order)
        Outbox(db, clock=opening.now().timestamp).hasten(scope_of(order))


def _known(run: "Run", message: "Message") -> int:
    """How many of this name and address we have registered in this class ourselves."""
    from integrator.store.orders import Orders

    return Orders(run.db).known(message.body["course"]["id"], message.body["participant"])


def _seconds(text: str) -> float:
    from integrator.durations import parse_duration

    try:
        found = float(parse_duration(text))
    except ValueError as error:
        raise UsageError(f"--drain: {error}") from None
    if not 0 <= found <= _LONGEST_DRAIN_S:
        raise UsageError(f"--drain: expected 0s to 1h, got {text}")
    return found
