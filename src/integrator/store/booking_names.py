"""Which bookings a text names: a reference, ours or the reseller's own, or the number of an order."""

from integrator.database import Database
from integrator.domain.ordered import order_number
from integrator.domain.portal import DOCUMENT, STATUS, reference_from
from integrator.store.courses import BOOKING, OUTCOME, PAPER

_EFFECTS = (STATUS, DOCUMENT, BOOKING, PAPER, OUTCOME)  # as they stand before a reference in reports and lists


def references_of(db: Database, text: str, *, by_order: bool = True) -> list[str]:
    """Our references of the bookings that a text may mean, oldest first; none when nobody knows it.

    The reseller's own reference may name several.

    by_order   the number of an order names its booking, too
    Shape      "TP-…", "trainingportal.document TP-…:9f86d081", "8b0c0592_da16_a979_b2c4_371eea9ffdd9", "10003",
               "ILI-10003-1"
    """
    number = order_number(text.strip()) if by_order else None
    if number is not None:
        rows = db.all("SELECT reference FROM bookings WHERE order_id = ?", (number,))
        if rows:
            return [row["reference"] for row in rows]
    name = name_in(text)
    rows = db.all("SELECT reference FROM bookings WHERE reference = ?", (reference_from(name),))
    if not rows:  # theirs are compared one by one: not in a long list of ours, which holds up everybody else meanwhile
        rows = db.all(
            "SELECT reference FROM bookings WHERE portal_reference = ? COLLATE NOCASE ORDER BY requested_at, reference",
            (name,),
        )
    return [row["reference"] for row in rows]


def name_in(text: str) -> str:
    """The reference in what reports, lists and the outbox say of a booking."""
    for effect in _EFFECTS:
        text = text.strip().removeprefix(f"{effect} ")
    return text.partition(":")[0].strip()  # with a colon behind it, it is a document's key
