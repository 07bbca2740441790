"""The way one order took, read from every table that knows it. No name and no address is in it."""

from dataclasses import dataclass
from typing import Any

from integrator.database import Database
from integrator.domain.ordered import scope_of
from integrator.effects import SHOWN_STATE
from integrator.errors import NotFound
from integrator.store.orders import Orders

_TOLD = ("id", "class_id", "seats", "seats_asked", "state", "reserved_at", "expires_at", "completed_at", "changed_at")
_TIMES = ("registered_at", "anonymised_at")


@dataclass(frozen=True)
class OrderStory:
    """One order. Times are epoch seconds.

    order    its number, class, seats, state and times; hold_reason and hold_since of a legal hold; anonymised_at
    people   reference, state, reason, remote_id, registered_at, anonymised_at of each participant
    outbox   its messages: id, effect, key, state, attempts, reason, remote_id and times
    mails    key, queued_at, result, code, result_at of each mail that was handed in
    """

    order: dict[str, Any]
    people: list[dict[str, Any]]
    outbox: list[dict[str, Any]]
    mails: list[dict[str, Any]]


def order_story(db: Database, number: int) -> OrderStory | None:
    """Everything the store knows of an order, None when there is none of that number."""
    orders = Orders(db)
    try:
        order = orders.get(number)
    except NotFound:
        return None
    told = {name: order[name] for name in (*_TOLD, "hold_reason", "hold_since", "anonymised_at")}
    told["title"] = order["class"]["title"]
    people = [
        {name: person[name] for name in ("number", "reference", "state", "reason", "remote_id", *_TIMES)}
        for person in orders.people(number)
    ]
    messages = db.all(
        f"SELECT id, effect, key, {SHOWN_STATE} AS state, attempts, reason, remote_id, created_at, changed_at,"  # noqa: S608
        " sent_at, uncertain_since, next_at, completed_at FROM outbox x WHERE scope = ? ORDER BY id",
        (scope_of(number),),
    )
    mails = db.all(
        "SELECT * FROM mails WHERE key LIKE 'order-confirmation:' || ? || ':%' ORDER BY queued_at", (number,)
    )
    return OrderStory(told, people, [dict(row) for row in messages], [dict(row) for row in mails])
