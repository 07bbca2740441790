"""What became of the students of bookings: the newest status of each, and which of its versions was told.

How far the telling is stands in the outbox alone; this module joins it and never copies it.
"""

from typing import Any, Literal

import msgspec

from integrator.database import Database
from integrator.domain.portal import STATUS, STATUSES
from integrator.effects import SHOWN_STATE
from integrator.store.courses import OUTCOME, PAPER

Source = Literal["command", "import", "maconomy"]

_ASKED = "classes asked for outcomes"  # a counter

# What is shown of a booking with its status.
SHOWN = (
    *("reference", "order_id", "class_id", "booking", "status", "completed_on", "version", "told_version"),
    *("source", "set_at", "told_at", "message", "reason", "message_id"),
)
_SHOWN = (
    "b.reference, b.order_id, b.class_id, b.state AS booking, s.status, s.completed_on, s.version, s.told_version,"
    f" s.source, s.set_at, s.told_at, {SHOWN_STATE} AS message, x.reason, x.id AS message_id"
)
_JOINED = (
    "FROM bookings b LEFT JOIN booking_statuses s ON s.reference = b.reference"
    f" LEFT JOIN outbox x ON x.effect = '{STATUS}' AND x.key = b.reference"
)


class BookingStatuses:
    """Rows of booking_statuses. What writes must be called inside tx()."""

    def __init__(self, db: Database) -> None:
        self._db = db

    # reading ------------------------------------------------------------------------------------

    def get(self, reference: str) -> dict[str, Any] | None:
        """The status of one booking, None while none was ever set."""
        row = self._db.one("SELECT * FROM booking_statuses WHERE reference = ?", (reference,))
        return dict(row) if row else None

    def shown(self, reference: str) -> dict[str, Any] | None:
        """One booking with its status and the message that tells it; None: there is no such booking."""
        row = self._db.one(f"SELECT {_SHOWN} {_JOINED} WHERE b.reference = ?", (reference,))
        return dict(row) if row else None

    def listed(
        self, *, untold: bool = False, class_id: str | None = None, state: str | None = None, limit: int = -1
    ) -> list[dict[str, Any]]:
        """Bookings, the newest change first; untold: a status is on its way; state: the booking's own."""
        rows = self._db.all(
            f"SELECT {_SHOWN} {_JOINED} WHERE (NOT ?1 OR s.told_version < s.version)"
            " AND (?2 IS NULL OR b.class_id = ?2) AND (?3 IS NULL OR b.state = ?3)"
            " ORDER BY max(coalesce(s.set_at, 0), b.changed_at) DESC, b.reference LIMIT ?4",
            (untold, class_id, state, limit),
        )
        return [dict(row) for row in rows]

    def troubles(self) -> list[tuple[str, str]]:
        """(reference, reason): documents and outcomes of bookings that cannot be taken, or do not fit any more."""
        rows = self._db.all(
            "SELECT a.key, a.reason FROM set_aside a JOIN bookings b ON b.reference = a.key WHERE a.kind IN (?, ?)"
            " ORDER BY a.first_at, a.key",
            (PAPER, OUTCOME),
        )
        return [(row["key"], row["reason"]) for row in rows]

    def failed(self) -> list[tuple[str, str, str, str | None]]:
        """(reference, effect, key, reason) of messages on bookings, students too, that only a person brings back."""
        rows = self._db.all(
            "SELECT b.reference, x.effect, x.key, x.reason FROM outbox x"
            " JOIN bookings b ON x.scope = 'order:' || b.order_id"
            " WHERE x.state = 'failed' AND x.body IS NOT NULL ORDER BY x.changed_at, x.id"
        )
        return [(row["reference"], row["effect"], row["key"], row["reason"]) for row in rows]

    def last_told(self, reference: str) -> str | None:
        """What Trainingportal took last of a booking. Shape  "COMPLETED 2027-03-03", "NO_SHOW" """
        found = self._db.value("SELECT remote_id FROM outbox WHERE effect = ? AND key = ?", (STATUS, reference))
        return str(found) if found and str(found).partition(" ")[0] in STATUSES else None

    def say_new(self, run_id: int) -> list[tuple[str, str, str]]:
        """Documents and outcomes of which no run has told a person yet, this one's too; then they count as told.

        Shape   (kind, key, reason)
        """
        rows = self._db.all(
            "SELECT kind, key, reason FROM set_aside WHERE kind IN (?1, ?2) AND run_id IN (0, ?3)"
            " ORDER BY kind, first_at, key",
            (PAPER, OUTCOME, run_id),
        )
        self._db.write(
            "UPDATE set_aside SET run_id = ?3 WHERE kind IN (?1, ?2) AND run_id = 0", (PAPER, OUTCOME, run_id)
        )
        return [(row["kind"], row["key"], row["reason"]) for row in rows]

    def students(self, class_id: str) -> list[dict[str, Any]]:
        """Confirmed bookings of a class whose student is known in Maconomy by participant's reference."""
        rows = self._db.all(
            "SELECT b.reference, b.order_id, p.reference AS participant, s.status, s.maconomy_seen FROM bookings b"
            " JOIN participants p ON p.order_id = b.order_id AND p.number = 1"
            " LEFT JOIN booking_statuses s ON s.reference = b.reference"
            " WHERE b.class_id = ? AND b.state = 'confirmed' AND p.anonymised_at IS NULL ORDER BY b.reference",
            (class_id,),
        )
        return [dict(row) for row in rows]

    def first_day(self, reference: str) -> str | None:
        """The first day of a booking's class as we know it now, else as it was booked. Shape  "2027-03-01" """
        found = self._db.value(
            "SELECT coalesce(c.start, json_extract(o.class, '$.start')) FROM bookings b"
            " JOIN orders o ON o.id = b.order_id LEFT JOIN courses c ON c.id = b.class_id WHERE b.reference = ?",
            (reference,),
        )
        return str(found)[:10] if found else None

    def restored(self) -> set[int]:
        """Messages in doubt since the store was restored, whose status is of before that, or Maconomy's word."""
        rows = self._db.all(
            "SELECT x.id FROM outbox x JOIN counters c ON c.name = 'restored_at' AND x.sent_at = c.value"
            " JOIN booking_statuses s ON s.reference = x.key AND (s.set_at <= c.value OR s.source = 'maconomy')"
            " WHERE x.effect = ? AND x.state = 'processing'",
            (STATUS,),
        )
        return {row["id"] for row in rows}

    def classes(self) -> dict[str, dict[str, Any]]:
        """Classes with confirmed bookings, by id: start and end as we know them now, else as when they were booked."""
        rows = self._db.all(
            'SELECT b.class_id, max(o.class) AS booked, max(c.id) AS known, c.start, c."end"'
            " FROM bookings b JOIN orders o ON o.id = b.order_id LEFT JOIN courses c ON c.id = b.class_id"
            " WHERE b.state = 'confirmed' AND b.anonymised_at IS NULL GROUP BY b.class_id ORDER BY b.class_id"
        )
        found = {}
        for row in rows:
            facts = dict(row) if row["known"] else msgspec.json.decode(row["booked"])
            found[row["class_id"]] = {"start": facts.get("start"), "end": facts.get("end")}
        return found

    def asked_before(self) -> int:
        """For how many classes Maconomy was asked, by all runs together, as long as there are too many for one."""
        return int(self._db.value("SELECT value FROM counters WHERE name = ?", (_ASKED,)) or 0)

    # writing ------------------------------------------------------------------------------------

    def set(
        self,
        reference: str,
        status: str,
        completed_on: str | None,
        *,
        source: Source,
        at: int,
        maconomy_seen: str | None = None,
    ) -> int | None:
        """A booking's status from now on; gives back its new version, None when it was that already."""
        rows = self._db.all(
            "INSERT INTO booking_statuses (reference, status, completed_on, version, source, maconomy_seen, set_at)"
            " VALUES (?1, ?2, ?3, 1, ?4, ?5, ?6) ON CONFLICT (reference) DO UPDATE SET status = ?2, completed_on = ?3,"
            "  version = version + 1, source = ?4, maconomy_seen = coalesce(?5, maconomy_seen), set_at = ?6"
            " WHERE status IS NOT ?2 OR completed_on IS NOT ?3 RETURNING version",
            (reference, status, completed_on, source, maconomy_seen, at),
        )
        return int(rows[0]["version"]) if rows else None

    def again(self, reference: str, *, source: Source, at: int) -> int:
        """The same status as a new word of somebody; gives back its new version."""
        [row] = self._db.all(
            "UPDATE booking_statuses SET version = version + 1, source = ?2, set_at = ?3 WHERE reference = ?1"
            " RETURNING version",
            (reference, source, at),
        )
        return int(row["version"])

    def look_first(self, reference: str, *, at: int) -> None:
        """Of what the restored store has forgotten, something newer may have been told: look before this is sent."""
        self._db.write(
            "UPDATE outbox SET state = 'processing', uncertain_since = ?2,"
            "  sent_at = (SELECT value FROM counters WHERE name = 'restored_at')"
            " WHERE effect = ?3 AND key = ?1 AND state = 'received'"
            " AND EXISTS (SELECT 1 FROM counters c JOIN bookings b ON b.requested_at <= c.value"
            "  JOIN booking_statuses s ON s.reference = b.reference AND coalesce(s.told_at, 0) <= c.value"
            "  WHERE c.name = 'restored_at' AND b.reference = ?1)",
            (reference, at, STATUS),
        )

    def asked(self, number: int) -> None:
        """For so many more classes Maconomy was asked."""
        self._db.write(
            "INSERT INTO counters (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = value + ?2",
            (_ASKED, number),
        )

    def give_up_cancelled(self, *, at: int) -> int:
        """What waits to be told of bookings that were cancelled since: it never leaves. Gives back how many."""
        return self._db.write(
            "UPDATE outbox SET state = 'failed', body = NULL, reason = ?1, uncertain_since = NULL, changed_at = ?2"
            " WHERE effect = ?3 AND state IN ('received', 'processing')"
            " AND key IN (SELECT reference FROM bookings WHERE state = 'cancelled')",
            ("its booking was cancelled: nothing more is told of it", at, STATUS),
        )

    def seen(self, reference: str, word: str) -> None:
        """Maconomy's word, where it changes nothing."""
        self._db.write("UPDATE booking_statuses SET maconomy_seen = ? WHERE reference = ?", (word, reference))

    def told(self, reference: str, version: int, *, at: int) -> None:
        """The other side has this version; an older one is no news."""
        self._db.write(
            "UPDATE booking_statuses SET told_version = ?2, told_at = ?3 WHERE reference = ?1 AND told_version < ?2",
            (reference, version, at),
        )
