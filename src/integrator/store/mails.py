"""Mails that the provider took, and what became of them. Who got one stands in its order only."""

from typing import Any

from integrator.database import Database

BAD = ("failed", "rejected", "complained")


class Mails:
    """Rows of the table mails. What writes must be called inside tx()."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def queued(self, key: str, message_id: str, *, at: int) -> None:
        """The provider took a mail. message_id comes with or without its angle brackets."""
        self._db.write(
            "INSERT INTO mails (key, message_id, queued_at) VALUES (?, ?, ?)"
            " ON CONFLICT (key) DO UPDATE SET message_id = excluded.message_id, queued_at = excluded.queued_at,"
            "  result = NULL, code = NULL, result_at = NULL, seen_at = NULL",
            (key, message_id.strip("<>"), at),
        )

    def ended(self, message_id: str, result: str, code: str | None, *, at: int) -> str | None:
        """What became of a mail; gives back its key when that is news. Bad news is not overwritten by good news."""
        rows = self._db.all(
            "UPDATE mails SET result = ?2, code = ?3, result_at = ?4, seen_at = NULL WHERE message_id = ?1"
            " AND (result IS NULL OR (result = 'delivered' AND ?2 <> 'delivered')) RETURNING key",
            (message_id, result, code, at),
        )
        return str(rows[0]["key"]) if rows else None

    def any_since(self, at: int) -> bool:
        """Whether a mail was queued after that moment."""
        return bool(self._db.value("SELECT 1 FROM mails WHERE queued_at > ? LIMIT 1", (at,)))

    def read_until(self) -> int:
        """Up to when the provider's events were read (epoch seconds); 0: never."""
        return int(self._db.value("SELECT value FROM counters WHERE name = 'mail events'") or 0)

    def keep_read_until(self, at: int) -> None:
        """The provider's events were read up to then."""
        self._db.write(
            "INSERT INTO counters (name, value) VALUES ('mail events', ?1) ON CONFLICT (name) DO UPDATE SET value = ?1",
            (at,),
        )

    def bad(self) -> list[dict[str, Any]]:
        """Mails that did not arrive, and that no operator has seen to."""
        rows = self._db.all(
            "SELECT * FROM mails WHERE result IN ('failed', 'rejected', 'complained') AND seen_at IS NULL ORDER BY key"
        )
        return [dict(row) for row in rows]

    def listed(self, *, limit: int) -> list[dict[str, Any]]:
        """Mails, trouble first, then the newest."""
        rows = self._db.all(
            "SELECT * FROM mails ORDER BY result IN ('failed', 'rejected', 'complained') AND seen_at IS NULL DESC,"
            " queued_at DESC, key LIMIT ?",
            (limit,),
        )
        return [dict(row) for row in rows]

    def seen(self, key: str, *, at: int) -> bool:
        """An operator has seen to it. False: there is no such mail that did not arrive."""
        return bool(
            self._db.write(
                "UPDATE mails SET seen_at = coalesce(seen_at, ?) WHERE key = ?"
                " AND result IN ('failed', 'rejected', 'complained')",
                (at, key),
            )
        )
