"""Documents of bookings: what was asked to be uploaded, once for each booking and content."""

from typing import Any, Literal

import msgspec

from integrator.database import Database
from integrator.domain.portal import DOCUMENT
from integrator.effects import SHOWN_STATE
from integrator.store.courses import PAPER

Kind = Literal["file", "certificate"]
_HASH_DIGITS = 16
OUTDATED = "outdated"  # a PAPER set aside that lies there and does not fit
ENDED = "its booking is cancelled, or not COMPLETED any more: nothing was sent"  # why a message of a document failed

# Their status is COMPLETED, and their student was not erased: one who lost the seat is known to Trainingportal alone.
_WANTED = (
    "FROM bookings b JOIN booking_statuses s ON s.reference = b.reference"
    " LEFT JOIN participants p ON p.order_id = b.order_id AND p.number = 1 JOIN orders o ON o.id = b.order_id"
    " WHERE b.state = 'confirmed' AND s.status = 'COMPLETED' AND b.anonymised_at IS NULL AND p.anonymised_at IS NULL"
)
_COMPLETE = f"{_WANTED} AND s.told_version = s.version"  # and the other side has it


def key_of(reference: str, sha256: str) -> str:
    """The key of a document in the outbox. Shape  "TP-…:9f86d081884c7d65" """
    return f"{reference}:{sha256[:_HASH_DIGITS]}"


class BookingDocuments:
    """Rows of booking_documents. What writes must be called inside tx()."""

    def __init__(self, db: Database) -> None:
        self._db = db

    # reading ------------------------------------------------------------------------------------

    def of(self, reference: str) -> list[dict[str, Any]]:
        """The documents of one booking in the order they were asked for, each with its message's state."""
        rows = self._db.all(
            f"SELECT d.*, x.id AS message_id, x.reason, {SHOWN_STATE} AS message"  # noqa: S608 (constants)
            " FROM booking_documents d"
            f" LEFT JOIN outbox x ON x.effect = '{DOCUMENT}'"
            f"  AND x.key = d.reference || ':' || substr(d.sha256, 1, {_HASH_DIGITS})"
            " WHERE d.reference = ? ORDER BY d.id",
            (reference,),
        )
        return [dict(row) for row in rows]

    def is_complete(self, reference: str) -> bool:
        """Whether documents of a booking may leave: its COMPLETED is known there, and nothing has changed since."""
        return bool(self._db.value(f"SELECT 1 {_COMPLETE} AND b.reference = ?", (reference,)))

    def is_wanted(self, reference: str) -> bool:
        """Whether documents of a booking may ever leave as things stand: it is confirmed, and COMPLETED."""
        return bool(self._db.value(f"SELECT 1 {_WANTED} AND b.reference = ?", (reference,)))

    def completed(self) -> dict[str, dict[str, Any]]:
        """Bookings whose documents may leave, by reference: order_id, completed_on, has_documents, has_student."""
        rows = self._db.all(
            "SELECT b.reference, b.order_id, s.completed_on, p.number IS NOT NULL AS has_student,"  # noqa: S608 (constants)
            " EXISTS (SELECT 1 FROM booking_documents d WHERE d.reference = b.reference) AS has_documents"
            f" {_COMPLETE} ORDER BY b.reference"
        )
        return {row["reference"]: dict(row) for row in rows}

    def student(self, reference: str) -> dict[str, Any] | None:
        """What a certificate says of a booking: its student, and its class as it is known now or was booked.

        None: it is not complete any more, or nobody here knows its student.
        """
        row = self._db.one(
            "SELECT b.reference, b.class_id, b.birth_date, s.completed_on, p.first_name, p.last_name, o.class"
            f" {_COMPLETE} AND p.number IS NOT NULL AND b.reference = ?",
            (reference,),
        )
        return dict(row) | {"class": msgspec.json.decode(row["class"])} if row else None

    def states(self) -> dict[str, str | None]:
        """Every booking's state, by reference."""
        return {row["reference"]: row["state"] for row in self._db.all("SELECT reference, state FROM bookings")}

    def waiting(self) -> set[tuple[str, str]]:
        """(reference, sha256) of the documents whose bytes are still needed: not uploaded, dropped, or withdrawn."""
        rows = self._db.all(
            "SELECT d.reference, d.sha256 FROM booking_documents d"  # noqa: S608 (constants)
            f" JOIN outbox x ON x.effect = '{DOCUMENT}'"
            f"  AND x.key = d.reference || ':' || substr(d.sha256, 1, {_HASH_DIGITS})"
            " JOIN bookings b ON b.reference = d.reference AND b.state = 'confirmed'"
            " WHERE d.uploaded_at IS NULL AND x.body IS NOT NULL AND NOT (x.state = 'failed' AND x.reason IS ?)",
            (ENDED,),
        )
        return {(row["reference"], row["sha256"]) for row in rows}

    def outdated(self) -> dict[str, tuple[str, str]]:
        """What lies there and does not fit any more: (code, reason) by reference."""
        rows = self._db.all("SELECT key, reason FROM set_aside WHERE kind = ? AND code = ?", (PAPER, OUTDATED))
        return {row["key"]: (OUTDATED, row["reason"]) for row in rows}

    # writing ------------------------------------------------------------------------------------

    def add(self, reference: str, sha256: str, name: str, kind: Kind, size: int, *, at: int) -> bool:
        """One more document. False: the same content was asked for before."""
        return bool(
            self._db.write(
                "INSERT INTO booking_documents (reference, sha256, name, kind, size, queued_at)"
                " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (reference, sha256) DO NOTHING",
                (reference, sha256, name, kind, size, at),
            )
        )

    def uploaded(self, reference: str, sha256: str, *, at: int) -> None:
        self._db.write(
            "UPDATE booking_documents SET uploaded_at = ? WHERE reference = ? AND sha256 = ?", (at, reference, sha256)
        )

    def forget_unsent(self, reference: str) -> int:
        """Documents of which not a byte has left, when their booking's status is another: as if never asked for.

        They are asked for anew when it is COMPLETED. What left, or may have, stays: a person decides.
        """
        return sum(self._forget(row) for row in self.of(reference) if row["uploaded_at"] is None)

    def note_outdated(self, reference: str, reason: str, *, at: int) -> None:
        """What lies there does not fit any more: a person sees to it."""
        self._db.write(
            "INSERT INTO set_aside (kind, key, code, reason, first_at, run_id) VALUES (?, ?, ?, ?, ?, 0)"
            " ON CONFLICT (kind, key) DO UPDATE SET code = excluded.code, reason = excluded.reason",
            (PAPER, reference, OUTDATED, reason, at),
        )

    def settle_outdated(self, reference: str) -> bool:
        """A person has seen to it, or it fits again. False: there was nothing."""
        sql = "DELETE FROM set_aside WHERE kind = ? AND key = ? AND code = ?"
        return bool(self._db.write(sql, (PAPER, reference, OUTDATED)))

    def _forget(self, row: dict[str, Any]) -> int:
        gone = self._db.write(
            "DELETE FROM outbox WHERE id = ? AND uncertain_since IS NULL"
            " AND (state = 'received' OR (state = 'failed' AND reason IS ?))",
            (row["message_id"], ENDED),
        )
        return gone and self._db.write("DELETE FROM booking_documents WHERE id = ?", (row["id"],))
