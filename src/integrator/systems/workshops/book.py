"""What the sender of orderlines works with: what is remembered of each, one browser, and a workshop's rules."""

from dataclasses import dataclass
from typing import Protocol

from integrator.domain.orderlines.lines import Baseline
from integrator.domain.orderlines.order import Order
from integrator.effects import Message
from integrator.systems.workshops.erp import WorkshopErp


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an orderline got before. armed: a line may be there; line_ref: that one is ours, half done."""

    armed: bool
    arms: int
    baseline: Baseline | None
    line_ref: str | None
    reason_code: str | None
    reason_times: int
    pictured: bool  # there is evidence of its last trouble
    held_by: str | None  # another run that still works on it


class Book(Protocol):
    """What is remembered of an orderline; each call is durable before it comes back."""

    def progress(self, message: Message) -> Progress: ...

    def under_way(self, order: Order) -> str | None:
        """Another orderline of the same case that may have a line there which nobody has read yet."""

    def looked(self, message: Message) -> None: ...

    def armed(self, message: Message, baseline: Baseline) -> None: ...

    def half(self, message: Message, line_id: str) -> None: ...

    def evidence(self, message: Message, folder: str) -> None: ...


class Session(Protocol):
    """One browser and one login for all orders of a run."""

    def erp(self) -> WorkshopErp:
        """Logged in. Trouble: it could not be"""

    def renew(self) -> None:
        """The login is over: erp() logs in again."""

    def drop(self) -> None:
        """The browser is lost: erp() starts another one."""

    def leave(self) -> None:
        """Close the case that is open, if any, so that a colleague can have it. Raises nothing."""

    def capture(self, name: str, error: str) -> str | None:
        """Keep pictures and pages as evidence; gives back the folder's name. Raises nothing."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What a workshop's settings say about its lines."""

    marker_field: bool
    existing_fails: bool
    name_limit: int
    look_again_s: tuple[float, ...]
    pictures: bool = False
    user: str | None = None
