"""Where somebody who was erased still stands in words that others typed: a person must look, no rule can."""

from dataclasses import replace

from integrator.database import Database
from integrator.domain.retention import Person, person_from
from integrator.errors import UsageError
from integrator.store.erasure.people import Found
from integrator.store.erasure.trace import Place, in_store

NOTES = "orderline_events.detail"  # how an operator settled it, in their words
PAPERS = "booking_documents.name"  # a paper of theirs may lie with somebody else's booking
# Columns of the register that hold free text. What bookkeeping keeps (the company) is said otherwise.
FREE = {
    *("orders.attention", "orders.purchase_order", "orders.hold_reason"),
    *("participants.job_title", "participants.comment", "outbox.body", NOTES, PAPERS),
}


def left(db: Database, found: Found, person: Person) -> list[Place]:
    """Places in free text: an address or a number anywhere, a name in the orders where they were, and in notes on
    orderlines and the names of papers, which seldom name anybody.

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
        if place.where in FREE and (one.kind != "name" or place.where in _OWNERS or _order_of(place, scopes) in orders)
    )
    found_at = {(place.where, place.key): place for place in places}.values()
    return [replace(place, key=_owner(db, place)) if place.where in _OWNERS else place for place in found_at]


# The orderline or the order that a row belongs to, as explain takes it.
_OWNERS = {
    NOTES: "SELECT o.workshop || '/' || o.unique_id FROM orderline_events e JOIN orderlines o ON o.id = e.orderline_id"
    " WHERE e.id = ?",
    PAPERS: "SELECT b.order_id FROM booking_documents d JOIN bookings b USING (reference) WHERE d.id = ?",
}


def _owner(db: Database, place: Place) -> str:
    return str(db.value(_OWNERS[place.where], (int(place.key),)))


def _order_of(place: Place, scopes: dict[str, str]) -> str:
    return scopes.get(place.key, "") if place.where == "outbox.body" else place.key.partition("/")[0]
