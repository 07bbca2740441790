"""Where somebody who was erased still stands in words that others typed: a person must look, no rule can."""

from dataclasses import replace

from integrator.database import Database
from integrator.domain.retention import Person, person_from
from integrator.errors import UsageError
from integrator.store.erasure.people import Found
from integrator.store.erasure.trace import Place, in_store

NOTES = "orderline_events.detail"  # how an operator settled it, in their words
# Columns of the register that hold free text. What bookkeeping keeps (the company) is said otherwise.
FREE = {
    *("orders.attention", "orders.purchase_order", "orders.hold_reason"),
    *("participants.job_title", "participants.comment", "outbox.body", NOTES),
}


def left(db: Database, found: Found, person: Person) -> list[Place]:
    """Places in free text: an address or a number anywhere, a name in the orders where they were, and in notes on
    orderlines, which are about a car and seldom name anybody.

    A name in another order may be anybody's. Call it after the erasing.
    """
    wanted = {person.value: person}
    for text in found.names | found.addresses:
        try:
            wanted[text] = person_from(text)
        except UsageError:  # one word alone names nobody
            continue
    scopes = {str(row["id"]): row["scope"].removeprefix("order:") for row in db.all("SELECT id, scope FROM outbox")}
    orders = {str(order) for order in found.orders}
    places = (
        place
        for one in wanted.values()
        for place in in_store(db, one, set())
        if place.where in FREE and (one.kind != "name" or place.where == NOTES or _order_of(place, scopes) in orders)
    )
    found_at = {(place.where, place.key): place for place in places}.values()
    return [replace(place, key=_orderline(db, place.key)) if place.where == NOTES else place for place in found_at]


def _orderline(db: Database, event: str) -> str:
    """The orderline that an event belongs to, as explain takes it."""
    sql = "SELECT o.workshop || '/' || o.unique_id FROM orderline_events e JOIN orderlines o ON o.id = e.orderline_id"
    return str(db.value(f"{sql} WHERE e.id = ?", (int(event),)))


def _order_of(place: Place, scopes: dict[str, str]) -> str:
    return scopes.get(place.key, "") if place.where == "outbox.body" else place.key.partition("/")[0]
