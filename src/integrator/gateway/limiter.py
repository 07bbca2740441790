"""How often an address may call: kept in a small file, so that it counts for every process that answers.

One row an address: until when its calls so far last, one every so many seconds. Nothing of it has to outlive a power
cut, and if the file cannot be had, nobody is kept out by that.
"""

import hashlib
import hmac
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from math import ceil
from pathlib import Path
from typing import Any

from integrator.database import is_damage

MOST_ROWS = 10_000
_BURST_S = 60.0  # a minute's worth may come at once
_LONGEST_S = 120.0  # and nobody is kept out for longer, whatever they did
_PATIENCE_S = 0.5
_TABLE = "CREATE TABLE IF NOT EXISTS callers (who BLOB PRIMARY KEY, free_at REAL NOT NULL) STRICT, WITHOUT ROWID"
_INDEX = "CREATE INDEX IF NOT EXISTS callers_free_at ON callers (free_at)"
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
    """Counts callers. secret keys the hashes under which they are kept."""

    def __init__(self, path: Path, *, per_minute: int, secret: bytes, clock: Callable[[], float]) -> None:
        self._path = path
        self._step_s = 60.0 / per_minute
        self._secret = secret
        self._clock = clock

    def take(self, who: str) -> int:
        """Count one call; gives back after how many seconds to come again, 0: go on. A refused one only reads."""
        return self._with(lambda conn: self._take(conn, self._hash(who), self._clock()))

    def charge(self, who: str, calls: int) -> None:
        """Count more for a call than one: for a wrong key."""
        values = self._values(self._hash(who), self._clock(), calls)
        self._with(lambda conn: conn.execute(_ADD, values).rowcount)

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

    def _hash(self, who: str) -> bytes:
        return hmac.new(self._secret, who.encode(), hashlib.sha256).digest()[:16]

    def _with(self, work: Callable[[sqlite3.Connection], int]) -> int:
        """What work gives back on the open file; 0 where it cannot be had. A damaged one is made anew next time."""
        try:
            with closing(self._connect()) as conn:
                return work(conn)
        except sqlite3.Error as error:
            if is_damage(error):
                self._path.unlink(missing_ok=True)
        except OSError:  # a full disk, a file that is another user's
            pass
        return 0

    def _connect(self) -> sqlite3.Connection:
        is_new = not self._path.exists()
        if is_new:
            with suppress(FileExistsError):
                os.close(os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        conn = sqlite3.connect(self._path, isolation_level=None, timeout=_PATIENCE_S)
        try:
            conn.execute("PRAGMA synchronous = OFF")
            conn.execute("PRAGMA journal_mode = TRUNCATE")
            if is_new or self._path.stat().st_size == 0:
                conn.execute(_TABLE)
                conn.execute(_INDEX)
        except BaseException:
            conn.close()
            raise
        return conn
