"""How each workshop stands: switched on, blocked, paused; when its ERP last let us in; how far its pull is.

A workshop without a row is as new: active, neither blocked nor paused.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from integrator.database import Database

SILENT_LIMIT = 3
PAUSE_S = 900


@dataclass(frozen=True)
class State:
    """One workshop's row; times are epoch seconds."""

    id: str
    active: bool = True
    blocked_code: str | None = None
    blocked_at: int | None = None
    paused_until: int = 0
    silent_in_row: int = 0
    layout_key: str | None = None
    login_at: int | None = None
    done_at: int | None = None
    cursor: str | None = None
    rejected: int = 0
    reused: int = 0


_COLUMNS = tuple(State.__dataclass_fields__)


class Workshops:
    """Rows of workshops. What writes must be called inside tx()."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def get(self, workshop: str) -> State:
        row = self._db.one(f"SELECT {', '.join(_COLUMNS)} FROM workshops WHERE id = ?", (workshop,))  # noqa: S608 (ours)
        return State(workshop) if row is None else State(**dict(row) | {"active": bool(row["active"])})

    def set_active(self, workshop: str, active: bool, *, at: int) -> None:
        self._set(workshop, at, active=int(active))

    def block(self, workshops: Iterable[str], code: str, *, at: int) -> None:
        """They take no orderlines until a person has looked."""
        for workshop in workshops:
            self._set(workshop, at, blocked_code=code, blocked_at=at)

    def unblock(self, workshop: str, *, at: int) -> None:
        self._set(workshop, at, blocked_code=None, blocked_at=None, paused_until=0, silent_in_row=0, layout_key=None)

    def pause(self, workshop: str, until: int, *, at: int) -> None:
        """Its ERP is left alone for a while."""
        self._set(workshop, at, paused_until=until, silent_in_row=0)

    def silent(self, workshop: str, *, at: int) -> int:
        """Its ERP could not be had once more; gives back how often in a row."""
        number = self.get(workshop).silent_in_row + 1
        self._set(workshop, at, silent_in_row=number)
        return number

    def odd_layout(self, workshop: str, key: str, *, at: int) -> bool:
        """Our locators found nothing for this orderline; True: nor for the one before."""
        before = self.get(workshop).layout_key
        self._set(workshop, at, layout_key=key)
        return before is not None and before != key

    def answered(self, workshop: str, *, at: int) -> None:
        """Its pages are as we know them."""
        state = self.get(workshop)
        if state.silent_in_row or state.layout_key:
            self._set(workshop, at, silent_in_row=0, layout_key=None)

    def logged_in(self, workshop: str, *, at: int) -> None:
        self._set(workshop, at, login_at=at)

    def done(self, workshop: str, *, at: int) -> None:
        """An orderline was read back there."""
        self._set(workshop, at, done_at=at)

    def read_up_to(self, workshop: str, cursor: str, *, at: int) -> None:
        """Where the next pull goes on."""
        self._set(workshop, at, cursor=cursor)

    def count(self, workshop: str, what: str, *, at: int) -> None:
        """One more of "rejected" (could not be read) or "reused" (an id with other content)."""
        self._set(workshop, at, **{what: getattr(self.get(workshop), what) + 1})

    def _set(self, workshop: str, at: int, **columns: Any) -> None:
        columns |= {"changed_at": at}
        names, holes = ", ".join(columns), ", ".join("?" for _ in columns)
        sets = ", ".join(f"{name} = excluded.{name}" for name in columns)
        self._db.write(
            f"INSERT INTO workshops (id, {names}) VALUES (?, {holes}) ON CONFLICT (id) DO UPDATE SET {sets}",  # noqa: S608
            (workshop, *columns.values()),
        )
