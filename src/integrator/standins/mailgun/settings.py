"""What can be staged on the Mailgun stand-in, and what it does with each recipient's mail."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec

DOMAIN = "mg.example.org"
KEY = "demo-mailgun-key"

Seconds = Annotated[float, msgspec.Meta(ge=0)]
Count = Annotated[int, msgspec.Meta(ge=0)]
Suppression = Literal["bounce", "complaint", "unsubscribe"]


class Throttle(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The next `times` messages are answered with 429; the seconds stand in the text, in a header only if wished."""

    times: Count = 1
    seconds: Count = 120
    retry_after: bool = False


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All settings of `seed`, with their defaults. The package's docstring says what each one does."""

    domain: str = DOMAIN
    keys: dict[str, Literal["account", "sending"]] = msgspec.field(default_factory=lambda: {KEY: "account"})
    disabled: bool = False
    forbidden: Literal["text", "json"] = "text"
    throttle: Throttle = Throttle(times=0)
    adopt_message_id: bool = False
    events_after: Count | dict[str, Count] = 0
    events_late_s: Seconds = 0
    events_disorder: bool = False
    events_twice: bool = False
    deliver_s: Seconds = 0
    retry_s: Seconds = 0
    complain_s: Seconds = 0
    suppressed: dict[str, Suppression] | list[str] = msgspec.field(default_factory=dict)
    bouncing: list[str] = msgspec.field(default_factory=list)
    deferring: list[str] = msgspec.field(default_factory=list)
    rejecting: list[str] = msgspec.field(default_factory=list)
    complaining: list[str] = msgspec.field(default_factory=list)
    silent: list[str] = msgspec.field(default_factory=list)
    now: Annotated[datetime, msgspec.Meta(tz=True)] | None = None

    def changed(self, given: dict[str, Any]) -> "Settings":
        """These settings with others in their places; a list replaces the list. Errors: ValueError."""
        try:
            return msgspec.convert({**msgspec.to_builtins(self), **given}, Settings)
        except msgspec.ValidationError as error:
            raise ValueError(f"seed: {error}; known: {sorted(self.__struct_fields__)}") from error

    def queries_before(self, event: str) -> int:
        """How many event requests do not yet show an event of this kind."""
        return self.events_after.get(event, 0) if isinstance(self.events_after, dict) else self.events_after

    def suppression_of(self, recipient: str) -> Suppression | None:
        listed = self.suppressed
        known: dict[str, Suppression] = listed if isinstance(listed, dict) else dict.fromkeys(listed, "bounce")
        return next((why for address, why in known.items() if _same(address, recipient)), None)

    def outcome(self, recipient: str) -> str:
        """Which list the recipient is on, "delivered" for the others."""
        for name in ("rejecting", "bouncing", "deferring", "complaining", "silent"):
            if _on(getattr(self, name), recipient):
                return name
        return "delivered"


def _on(listed: Sequence[str], recipient: str) -> bool:
    return any(_same(address, recipient) for address in listed)


def _same(one: str, other: str) -> bool:
    return one.casefold() == other.casefold()
