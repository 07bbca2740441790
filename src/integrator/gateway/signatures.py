"""Signatures that a seat was given for: who sends one again is answered the same, and nothing is booked again."""

from collections.abc import Callable
from sqlite3 import Connection

from integrator.gateway.guard import WINDOW_S
from integrator.gateway.scratch import Scratch

KEEP_S = 2 * WINDOW_S + 1  # from the earliest moment at which one is taken to the latest, whole seconds being compared
MOST_ROWS = 10_000
_KNOWN = "SELECT reference FROM signatures WHERE mark = ?1 AND at BETWEEN ?2 - ?3 AND ?2 + ?3"
_KEEP = "INSERT OR REPLACE INTO signatures (mark, reference, at) VALUES (?, ?, ?)"
_STALE = "DELETE FROM signatures WHERE at NOT BETWEEN ? AND ?"
_SURPLUS = (
    "DELETE FROM signatures WHERE mark IN (SELECT mark FROM signatures ORDER BY at"
    " LIMIT max(0, (SELECT count(*) FROM signatures) - ?))"
)


class Signatures:
    """Keeps, by a hash of each, the reference that was answered. Where the file cannot be had, none is known."""

    def __init__(self, scratch: Scratch, *, clock: Callable[[], float]) -> None:
        self._scratch = scratch
        self._clock = clock

    def answered(self, signature: str) -> str | None:
        """The reference that this signature was answered with."""
        values = (self._mark(signature), self._clock(), KEEP_S)
        row = self._scratch.do(lambda conn: conn.execute(_KNOWN, values).fetchone(), None)
        return None if row is None else str(row[0])

    def keep(self, signature: str, reference: str) -> None:
        """Remember the answer to a signature, in place of one that a restore has forgotten; older ones go."""
        now = self._clock()
        span = (now - KEEP_S, now + KEEP_S)
        row = (self._mark(signature), reference, now)

        def work(conn: Connection) -> None:
            conn.execute(_STALE, span)
            conn.execute(_KEEP, row)
            conn.execute(_SURPLUS, (MOST_ROWS,))

        self._scratch.do(work, None)

    def _mark(self, signature: str) -> bytes:
        return self._scratch.hash(f"signature {signature.lower()}")
