"""What the stand-in holds: the shop, who is logged in, what is staged, and how long things take."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

import msgspec

from integrator.standins.admanager.sessions import Session, Sessions
from integrator.standins.base import Request
from integrator.standins.workshop.data import Case, Line, Shop
from integrator.standins.workshop.staging import Stage

Milliseconds = Annotated[float, msgspec.Meta(ge=0, le=30_000)]


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The settings of `seed` that are not the shop's."""

    workshop: str = "Bennys Auto"
    cookie_bar: bool = True
    keep_alive: bool = False
    session_ttl_s: Annotated[float, msgspec.Meta(ge=0)] = 1200
    table_ms: Milliseconds = 200
    lines_ms: Milliseconds = 100
    options_ms: Milliseconds = 150
    lookup_ms: Milliseconds = 50


@dataclass(frozen=True)
class Entry:
    """What the entry row of a case takes."""

    limit: int
    name_editable: bool


class Office:
    """Everything behind the API. Not thread-safe: the stand-in's lock is held around every call."""

    def __init__(self, clock: Callable[[], datetime], shop: Shop, stage: Stage) -> None:
        self.shop, self.stage = shop, stage
        self.sessions = Sessions(clock)
        self.settings = Settings()
        self._entries: dict[str, Entry] = {}

    def seed(self, given: dict[str, Any]) -> None:
        """Errors: ValueError, and nothing is changed."""
        own = {name: value for name, value in given.items() if name in Settings.__struct_fields__}
        try:
            settings = msgspec.convert({**msgspec.to_builtins(self.settings), **own}, Settings)
        except msgspec.ValidationError as error:
            raise ValueError(f"seed: {error}") from error
        self.shop.seed({name: value for name, value in given.items() if name not in own})
        self.settings = settings
        self.sessions.ttl_s = settings.session_ttl_s

    def session(self, request: Request, path: str) -> Session | None:
        """Who asks; counts the request. None: nobody, or not yet with a code."""
        session = self.sessions.of(request)
        if session is None or session.code:
            return None
        if session.ttl_s is None and (fault := self.stage.take("session_ttl_s")) is not None:
            session.ttl_s = float(fault.get("seconds", 1))
        if session.left is None and (fault := self.stage.take("expire_after_requests")) is not None:
            session.left = int(fault.get("requests", 0))
        if self.sessions.of(request) is None:
            return None
        self.sessions.use(session)
        return session

    def entry_of(self, case: Case) -> Entry:
        """What this case's entry row takes now; a fault that meets a worksheet holds until it is opened again."""
        limited = self.stage.take("name_limit", case.key)
        limit = self.shop.name_limit if limited is None else int(limited.get("characters", 30))
        self._entries[case.key] = Entry(limit, self.stage.take("no_marker_field", case.key) is None)
        return self._entries[case.key]

    def save(self, case: Case, user: str, product: str, name: str, amount: str) -> Line:
        """Write the line, and a colleague's beside it when that is staged. Errors: Refused."""
        self.shop.writable(case.key, user)
        entry = self._entries.get(case.key) or Entry(self.shop.name_limit, True)
        colleague = self.stage.take("extra_line_by_colleague", case.key)
        if colleague is not None and colleague.get("when", "before") == "before":
            self._colleague(case, colleague, product, amount)
        line = self.shop.new_line(
            case.key, product, user, name=name[: entry.limit] if entry.name_editable else None, amount=amount
        )
        if colleague is not None and colleague.get("when", "before") != "before":
            self._colleague(case, colleague, product, amount)
        return line

    def _colleague(self, case: Case, fault: dict[str, Any], product: str, amount: str) -> None:
        number, wanted, user = fault.get("product", product), fault.get("amount", amount), fault.get("user", "mette")
        self.shop.new_line(case.key, number, user, name=fault.get("name"), amount=wanted)
