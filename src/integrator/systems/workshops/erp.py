"""What push-orderline needs of a workshop's ERP. A third type is a module of its name and one locator file."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from integrator.domain.orderlines.lines import Line
from integrator.secret import Secret
from integrator.systems.browser.tab import Tab

__all__ = ["Entry", "ErpType", "Line", "WorkshopErp"]


@dataclass(frozen=True, slots=True)
class Entry:
    """What is to be written.

    text    gives the line's text for a product's name and a room of so many characters, None when the marker does not
            fit; it is None itself where no field can carry the marker
    """

    product: str
    amount: Decimal
    text: Callable[[str, int], str | None] | None


class WorkshopErp(Protocol):
    """One logged-in browser on one workshop's ERP. Every method raises Trouble for what it sees instead.

    marker     what goes before an id in a line's text (" -- OilMat: ")
    two_steps  a line is saved with a default amount first; finish() then sets its text and its amount
    decimals   how many an amount may have
    """

    marker: str
    two_steps: bool
    decimals: int

    def log_in(self, username: str, password: Secret, totp: Secret | None) -> None:
        """Come to where cases are found; one login attempt, never two. Codes  login-refused, login-attention"""

    def open_case(self, number: str) -> None:
        """Codes  case-not-found, case-ambiguous, case-closed, case-invoiced, case-locked; session-lost anywhere"""

    def lines(self) -> list[Line]:
        """All lines of the open case, freshly loaded; as many as the page announces, or Trouble("slow")."""

    def prepare(self, entry: Entry) -> None:
        """All that may be typed before the touch that saves, read back. Saves nothing.

        Codes  product-unknown, product-blocked, amount-refused, field-mismatch, marker-too-long
        """

    def save(self) -> None:
        """The touch that saves, once, and the page's first answer to it. It never repeats anything.

        A Trouble that is definite says that nothing was written; any other leaves it open.
        """

    def finish(self, line_id: str, entry: Entry) -> None:
        """Only two_steps: set the line's text, then its amount, to what they must be. Doing it again is harmless."""

    def close_case(self) -> None:
        """Leave the case, so that a colleague can open it."""


class ErpType(Protocol):
    """What a type's module offers as ERP: its class.

    BUSY    names of locators that mean "this page is still loading"
    marker  as of each WorkshopErp that it makes
    """

    BUSY: Sequence[str]
    marker: str

    def __call__(self, tab: Tab, base_url: str, *, name_limit: int) -> WorkshopErp: ...
