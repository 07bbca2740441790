"""How each workshop stands: switched on, blocked, paused; when its ERP last let us in; how far its pull is.

A workshop without a row is as new: active, neither blocked nor paused. Since when one is switched off, and the last
orders that were refused at its door and kept nowhere, are rows of set_aside: what waits for a person.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Literal

from integrator.database import Database
from integrator.store.orderlines import Orderlines

SILENT_LIMIT = 3
PAUSE_S = 900
OFF, REFUSED = "workshop off", "refused order"  # kinds of set_aside
MOST_REFUSED = 20  # that are named, of all workshops together
REFUSED_S = 30 * 86_400
_TOLD = 300  # characters of why
_NAMED = f"FROM set_aside WHERE kind = '{REFUSED}'"  # its keys are workshop/id


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


@dataclass(frozen=True)
class Refusal:
    """An order that was refused, and of which nothing else is kept. unique_id: "" when it could not be read."""

    unique_id: str
    reason: str
    at: int


_COLUMNS = tuple(State.__dataclass_fields__)


class Workshops:
    """Rows of workshops. What writes must be called inside tx()."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def get(self, workshop: str) -> State:
        row = self._db.one(f"SELECT {', '.join(_COLUMNS)} FROM workshops WHERE id = ?", (workshop,))  # noqa: S608 (ours)
        return State(workshop) if row is None else State(**dict(row) | {"active": bool(row["active"])})

    def all(self) -> list[str]:
        """Those of which anything is known."""
        return [row["id"] for row in self._db.all("SELECT id FROM workshops ORDER BY id")]

    def set_active(self, workshop: str, active: bool, *, at: int) -> None:
        self._set(workshop, at, active=int(active))
        if active:
            self._db.write("DELETE FROM set_aside WHERE kind = ? AND key = ?", (OFF, workshop))
        else:
            self._aside(OFF, workshop, "off", "switched off by a person", at)

    def off_since(self, workshop: str) -> int | None:
        """None: it is on, or nobody remembers."""
        row = self._db.one("SELECT first_at FROM set_aside WHERE kind = ? AND key = ?", (OFF, workshop))
        return None if row is None else int(row["first_at"])

    def block(self, workshops: Iterable[str], code: str, *, at: int) -> None:
        """They take no orderlines until a person has looked; that is why theirs wait, and OilMat is to hear of it.

        Other pages, which all workshops of a type have, do not hide that the login of one of them was refused.
        """
        for workshop in workshops:
            if code == "layout-changed" and self.get(workshop).blocked_code:
                continue
            self._set(workshop, at, blocked_code=code, blocked_at=at)
            Orderlines(self._db).retell(workshop, at=at)

    def unblock(self, workshop: str, *, at: int) -> None:
        """It is neither blocked nor paused, and why its orderlines waited, if it was that, is over."""
        if freed := self.get(workshop).blocked_code:
            Orderlines(self._db).retell(workshop, at=at, freed=freed)
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

    def refused(
        self, workshop: str, what: Literal["rejected", "reused"], unique_id: str | None, reason: str, *, at: int
    ) -> None:
        """Remember one that cannot be kept: no workshop or id, or ("reused") an id with other content.

        The same one again is not counted again.
        """
        known = unique_id or f"?{sha256(reason.encode()).hexdigest()[:12]}"
        if not self._aside(REFUSED, f"{workshop}/{known}", what, reason[:_TOLD], at):
            return
        self._set(workshop, at, **{what: getattr(self.get(workshop), what) + 1})
        newest = f"SELECT key {_NAMED} ORDER BY first_at DESC, key LIMIT {MOST_REFUSED}"
        self._db.write(f"DELETE {_NAMED} AND (first_at < ? OR key NOT IN ({newest}))", (at - REFUSED_S,))

    def refusals(self, workshop: str) -> list[Refusal]:
        """The last ones that nobody has seen to yet, the newest first."""
        rows = self._db.all(
            f"SELECT key, reason, first_at {_NAMED} AND substr(key, 1, ?) = ? ORDER BY first_at DESC, key",
            (len(workshop) + 1, f"{workshop}/"),
        )
        ids = [row["key"].partition("/")[2] for row in rows]
        return [
            Refusal("" if unique_id[0] == "?" else unique_id, row["reason"], row["first_at"])
            for unique_id, row in zip(ids, rows, strict=True)
        ]

    def seen(self, workshop: str, *, at: int) -> int:
        """A person has seen to what was refused. Gives back how many there were."""
        state = self.get(workshop)
        if number := state.rejected + state.reused:
            self._set(workshop, at, rejected=0, reused=0)
        gone = f"DELETE {_NAMED} AND substr(key, 1, ?) = ?"
        self._db.write(gone, (len(workshop) + 1, f"{workshop}/"))
        return number

    def _aside(self, kind: str, key: str, code: str, reason: str, at: int) -> bool:
        """False: it is there already."""
        return bool(
            self._db.write(
                "INSERT INTO set_aside (kind, key, code, reason, first_at, run_id) VALUES (?, ?, ?, ?, ?, 0)"
                " ON CONFLICT (kind, key) DO NOTHING",
                (kind, key, code, reason, at),
            )
        )

    def _set(self, workshop: str, at: int, **columns: Any) -> None:
        columns |= {"changed_at": at}
        names, holes = ", ".join(columns), ", ".join("?" for _ in columns)
        sets = ", ".join(f"{name} = excluded.{name}" for name in columns)
        self._db.write(
            f"INSERT INTO workshops (id, {names}) VALUES (?, {holes}) ON CONFLICT (id) DO UPDATE SET {sets}",  # noqa: S608
            (workshop, *columns.values()),
        )
