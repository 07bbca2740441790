"""An orderline as it was accepted, the names it goes by, and the mark that it leaves on a case."""

import re
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

EFFECT = "workshop.orderline"  # put on its case
STATUS_EFFECT = "oilmat.status"  # and OilMat is told what became of it
MAX_BYTES = 5_000_000  # of a body with orders, however it comes; of a larger one only the beginning is kept


@dataclass(frozen=True, slots=True)
class Order:
    """One orderline. Every value is text as it is kept: "0007" is not "7"; the amount is canonical ("5", "5.5")."""

    workshop: str
    unique_id: str
    case_id: str
    product_nr: str
    product_amount: str

    @property
    def key(self) -> str:
        """Its identity: every workshop counts on its own."""
        return key_of(self.workshop, self.unique_id)

    @property
    def amount(self) -> Decimal:
        return Decimal(self.product_amount)

    @property
    def body(self) -> dict[str, str]:
        """What its message in the outbox carries."""
        return asdict(self)

    @property
    def content(self) -> tuple[str, str, str]:
        """What must not differ when the same id comes again."""
        return self.case_id, self.product_nr, self.product_amount


def order_of(body: dict[str, Any]) -> Order:
    """The order that a message of the outbox carries."""
    return Order(**body)


def key_of(workshop: str, unique_id: str) -> str:
    return f"{workshop}/{unique_id}"


def scope_of(workshop: str) -> str:
    """The scope of a workshop's messages in the outbox."""
    return f"workshop:{workshop}"


def marker_in(text: str, unique_id: str) -> bool:
    """Whether the text of a line bears this id: "… OilMat: 0007" does not bear 000, 007 or 00071.

    Source  an id may consist of letters, digits, dots, underscores and hyphens
    """
    return re.search(rf"OilMat:\s*{re.escape(unique_id)}(?![0-9A-Za-z._-])", text) is not None


def named(product_name: str, marker: str, limit: int) -> str | None:
    """The text of a line: the product's name, shortened when both do not fit, and the marker, which never is.

    None: the marker alone is too long.
    """
    room = limit - len(marker)
    if room < 0:
        return None
    return product_name[:room].rstrip() + marker if room else marker.lstrip()
