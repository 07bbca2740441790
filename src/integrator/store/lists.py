"""Participant lists in the store: which classes may meet on a day, and who was sent what.

A recipient is a code and a list a fingerprint, both keyed hashes: nobody's data is in the table.
"""

import hmac
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from integrator.database import Database
from integrator.domain.lists import PARTICIPANT_LIST, class_of, day_of, recipient_of, scope_of, version_of

_CODE_DIGITS = 12


def keyed(key: bytes, text: str) -> str:
    """A text as only a holder of the key can recognise it: HMAC-SHA256, hexadecimal."""
    return hmac.new(key, text.encode(), "sha256").hexdigest()


def recipient_code(key: bytes, address: str) -> str:
    """Who got a list, without saying who. Shape  "0f3a9c41b2d7" """
    return keyed(key, address.casefold())[:_CODE_DIGITS]


def list_fingerprint(key: bytes, people: Sequence[Mapping[str, Any]]) -> str:
    """What tells one list of people from another, without holding any of them."""
    return keyed(key, json.dumps(people, ensure_ascii=False, sort_keys=True))


class Sent(NamedTuple):
    """The newest list of one class, day and recipient that was asked for."""

    version: int
    fingerprint: str


class Lists:
    """Rows of participant_lists. What writes must be called inside tx()."""

    def __init__(self, db: Database) -> None:
        self._db = db

    # reading ------------------------------------------------------------------------------------

    def classes_near(self, day: str, *, missing_limit: int) -> list[str]:
        """Classes that may meet on a day, neither cancelled nor gone: those with that day, and those without any."""
        rows = self._db.all(
            "SELECT id FROM courses WHERE status <> 'cancelled' AND missing_runs < ?2"
            " AND (instr(days, ?1) OR (days = '[]' AND substr(start, 1, 10) <= ?1)) ORDER BY id",
            (day, missing_limit),
        )
        return [row["id"] for row in rows]

    def posts_of(self, class_ids: Iterable[str]) -> dict[str, int | None]:
        """Class → the site's post that shows it, None when we have not written one."""
        sql = "SELECT post_id FROM posts WHERE kind = 'course' AND key = ?"
        return {class_id: self._db.value(sql, (class_id,)) for class_id in class_ids}

    def newest(self, class_id: str, day: str, recipient: str) -> Sent | None:
        row = self._db.one(
            "SELECT version, fingerprint FROM participant_lists WHERE class_id = ? AND day = ? AND recipient = ?",
            (class_id, day, recipient),
        )
        return Sent(*row) if row else None

    def next_version(self, class_id: str, day: str, recipient: str) -> int:
        """One more than any that was ever asked for: what was erased here still has its key in the outbox."""
        rows = self._db.all(
            "SELECT key FROM outbox WHERE effect = ? AND scope = ?", (PARTICIPANT_LIST, scope_of(class_id))
        )
        keys = [row["key"] for row in rows if day_of(row["key"]) == day and recipient_of(row["key"]) == recipient]
        return max(map(version_of, keys), default=0) + 1

    def is_replaced(self, class_id: str, key: str) -> bool:
        """Whether a newer list of the same class, day and recipient was asked for."""
        newest = self.newest(class_id, day_of(key), recipient_of(key))
        return newest is not None and newest.version > version_of(key)

    def to_come(self, class_ids: Iterable[str], today: str, *, missing_limit: int) -> list[str]:
        """Those of the classes that are neither over nor cancelled nor gone."""
        sql = (
            "SELECT 1 FROM courses WHERE id = ? AND status <> 'cancelled' AND missing_runs < ?"
            ' AND substr("end", 1, 10) >= ?'
        )
        return [class_id for class_id in class_ids if self._db.value(sql, (class_id, missing_limit, today))]

    def unsent(self, class_id: str, day: str, recipient: str) -> list[str]:
        """Keys of the lists of one class, day and recipient of which not a byte has left."""
        return [key for key in self._received(class_id, day) if recipient_of(key) == recipient]

    def all_unsent(self) -> list[tuple[str, str]]:
        """The class and the key of every list of which not a byte has left."""
        rows = self._db.all(
            "SELECT scope, key FROM outbox WHERE effect = ? AND state = 'received'", (PARTICIPANT_LIST,)
        )
        return [(class_of(row["scope"]), row["key"]) for row in rows]

    def takes_place(self, class_id: str, *, missing_limit: int) -> bool:
        """Whether a class is neither cancelled nor gone."""
        sql = "SELECT 1 FROM courses WHERE id = ? AND status <> 'cancelled' AND missing_runs < ?"
        return self._db.value(sql, (class_id, missing_limit)) is not None

    def unsent_before(self, day: str) -> list[str]:
        """Keys of such lists of an earlier day: sent now, they would be of no use."""
        rows = self._db.all("SELECT key FROM outbox WHERE effect = ? AND state = 'received'", (PARTICIPANT_LIST,))
        return [row["key"] for row in rows if day_of(row["key"]) < day]

    def _received(self, class_id: str, day: str) -> list[str]:
        rows = self._db.all(
            "SELECT key FROM outbox WHERE scope = ? AND effect = ? AND state = 'received'",
            (scope_of(class_id), PARTICIPANT_LIST),
        )
        return [row["key"] for row in rows if day_of(row["key"]) == day]

    # writing ------------------------------------------------------------------------------------

    def keep(self, class_id: str, day: str, recipient: str, sent: Sent, *, at: int) -> None:
        """Remember what is asked for now; in the transaction that queues it."""
        self._db.write(
            "INSERT INTO participant_lists (class_id, day, recipient, version, fingerprint, queued_at)"
            " VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (class_id, day, recipient)"
            " DO UPDATE SET version = ?4, fingerprint = ?5, queued_at = ?6",
            (class_id, day, recipient, sent.version, sent.fingerprint, at),
        )

    def withdraw(self, keys: Iterable[str], reason: str, *, at: int) -> int:
        """Lists that nobody shall get any more, if they have not left: as if an operator had dropped them."""
        sql = (
            "UPDATE outbox SET state = 'failed', body = NULL, reason = ?, changed_at = ?"
            " WHERE effect = ? AND key = ? AND state = 'received'"
        )
        return sum(self._db.write(sql, (reason, at, PARTICIPANT_LIST, key)) for key in keys)

    def forget_others(self, class_id: str, day: str, recipients: Collection[str], reason: str, *, at: int) -> None:
        """Forget what waits for somebody else; should they be a trainer again, it is asked for anew."""
        others = [key for key in self._received(class_id, day) if recipient_of(key) not in recipients]
        self.forget(class_id, others, reason, at=at)

    def forget(self, class_id: str, keys: Iterable[str], reason: str, *, at: int) -> int:
        """Withdraw lists of a class, and that they were asked for: what may be of use again is asked for anew."""
        sql = "UPDATE participant_lists SET fingerprint = '' WHERE class_id = ? AND day = ? AND recipient = ?"
        number = 0
        for key in keys:
            if self.withdraw([key], reason, at=at):
                self._db.write(sql, (class_id, day_of(key), recipient_of(key)))
                number += 1
        return number
