"""How often a caller may call: kept in a small file, so that it counts for every process that answers.

One row a caller: until when its calls so far last, one every so many seconds. If the file cannot be had, nobody is
kept out by that.
"""

import sqlite3
from collections.abc import Callable
from math import ceil
from typing import Any

from integrator.gateway.scratch import Scratch

MOST_ROWS = 10_000
_BURST_S = 60.0  # a minute's worth may come at once
_LONGEST_S = 120.0  # and nobody is kept out for longer, whatever they did
_LINES = 5  # of a kind in the log, a minute
_MINUTE_S = 60.0
# A clock that was put back would keep everybody out: what is further away than it can be counts as nothing.
_FROM = "max(iif(free_at > :now + :longest, :now, free_at), :now)"
_ADD = (
    "INSERT INTO callers (who, free_at) VALUES (:who, :now + :cost)"  # noqa: S608 (constants)
    f" ON CONFLICT (who) DO UPDATE SET free_at = min({_FROM} + :cost, :now + :longest)"
)
_ADD_IF_FREE = f"{_ADD} WHERE {_FROM} + :cost <= :now + :burst"
_STALE = "DELETE FROM callers WHERE free_at <= ?1 OR free_at > ?2"
_SURPLUS = (
    "DELETE FROM callers WHERE who IN (SELECT who FROM callers ORDER BY free_at"
    " LIMIT max(0, (SELECT count(*) FROM callers) - ?))"
)


class Limiter:
    """Counts callers."""

    def __init__(self, scratch: Scratch, *, per_minute: int, clock: Callable[[], float]) -> None:
        self._scratch = scratch
        self._step_s = 60.0 / per_minute
        self._clock = clock

    def take(self, who: str) -> int:
        """Count one call; gives back after how many seconds to come again, 0: go on. A refused one only reads."""
        return self._scratch.do(lambda conn: self._take(conn, self._scratch.hash(who), self._clock()), 0)

    def charge(self, who: str, calls: int) -> None:
        """Count more for a call than one: for a wrong key."""
        values = self._values(self._scratch.hash(who), self._clock(), calls)
        self._scratch.do(lambda conn: conn.execute(_ADD, values).rowcount, 0)

    def refused(self) -> int | None:
        """Count a refusal. None: it is not to be logged; else: it is, and so many before it were not.

        Without the file none is logged: a flood would fill the log.
        """
        return self._line("refusal", None)

    def failed(self) -> int | None:
        """The same for a failure of ours. Without the file all are logged: nothing else tells what must be mended."""
        return self._line("failure", 0)

    def _line(self, kind: str, otherwise: int | None) -> int | None:
        return self._scratch.do(lambda conn: self._counted(conn, kind, self._clock()), otherwise)

    def _counted(self, conn: sqlite3.Connection, kind: str, now: float) -> int | None:
        conn.execute("BEGIN IMMEDIATE")  # taken back by closing, if it comes to that
        known = conn.execute("SELECT since, told, untold FROM lines WHERE kind = ?", (kind,)).fetchone()
        since, told, untold = known or (now, 0, 0)
        if not 0 <= now - since < _MINUTE_S:
            since, told = now, 0
        is_told = told < _LINES
        values = (kind, since, told + is_told, 0 if is_told else untold + 1)
        conn.execute("INSERT OR REPLACE INTO lines (kind, since, told, untold) VALUES (?, ?, ?, ?)", values)
        conn.execute("COMMIT")
        return int(untold) if is_told else None

    def _take(self, conn: sqlite3.Connection, row: bytes, now: float) -> int:
        known = conn.execute("SELECT free_at FROM callers WHERE who = ?", (row,)).fetchone()
        if known is not None and (wait_s := self._wait_s(known[0], now)) > 0:
            return ceil(wait_s)
        added = conn.execute(_ADD_IF_FREE, self._values(row, now, 1) | {"burst": _BURST_S}).rowcount
        if known is None:
            conn.execute(_STALE, (now, now + _LONGEST_S))
            conn.execute(_SURPLUS, (MOST_ROWS,))
        return 0 if added else 1

    def _values(self, row: bytes, now: float, calls: int) -> dict[str, Any]:
        return {"who": row, "now": now, "cost": self._step_s * calls, "longest": _LONGEST_S}

    def _wait_s(self, free_at: float, now: float) -> float:
        since = now if free_at > now + _LONGEST_S else max(free_at, now)
        return since + self._step_s - now - _BURST_S
