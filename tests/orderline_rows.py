"""Orderlines of any age and in any state, written as the jobs write them.

add_orderline(db, "0007", state="completed", at=AT)
"""

from typing import Any

from integrator.database import Database
from integrator.domain.orderlines.order import EFFECT, Order, scope_of
from integrator.effects import Message
from integrator.runtime.outbox import Outbox
from integrator.store.orderlines import Orderlines

WORKSHOP = "bennys-auto"
STATUS = "oilmat.status"


def order(unique_id: str = "0007", *, workshop: str = WORKSHOP, case_id: str = "4711-560") -> Order:
    return Order(workshop, unique_id, case_id, "OL-0530", "5.5")


def add_orderline(
    db: Database, unique_id: str = "0007", *, at: int, state: str = "completed", told: str = "completed", **more: Any
) -> str:
    """Gives back its key. told: the state of what OilMat is told of it; all of it happened at that moment."""
    made, outbox = order(unique_id, **more), Outbox(db, clock=lambda: float(at))
    lines = Orderlines(db)
    with db.tx():
        lines.take(made, source="pull", credentials=False, at=at)
        outbox.once(EFFECT, made.key, made.body, scope=scope_of(made.workshop))
    _bring_to(outbox, EFFECT, made.key, state, lines, at)
    with db.tx():
        outbox.latest(STATUS, made.key, {"unique_id": unique_id, "status": state}, scope=scope_of(made.workshop))
    _bring_to(outbox, STATUS, made.key, told, None, at)
    return made.key


def _bring_to(outbox: Outbox, effect: str, key: str, state: str, lines: Orderlines | None, at: int) -> None:
    if state == "received":
        return
    [message] = [found for found in outbox.every_due(effect) if found.key == key]
    outbox.begin([message])
    with outbox.db.tx():
        if state == "completed":
            outbox.complete(message, "91")
        elif state == "failed":
            outbox.fail(message, "sag lukket")
        if lines:
            _keep(lines, message, state, at)


def _keep(lines: Orderlines, message: Message, state: str, at: int) -> None:
    if state == "completed":
        lines.verified(message.key, "line-91-a", "marker", None, at=at)
    elif state == "failed":
        lines.noted(message.key, "failed", "case-closed", "the case is closed", at=at)
    else:
        lines.claimed(message.key, "host 1 2", at=at)
