"""Bookings of a reseller's students, written straight into a store.

booking = add_booking(db, person(1), completed_at=AT, class_end="2027-02-01", documents=("diploma.pdf",))
booking.order, booking.reference
"""

from base64 import b32encode
from dataclasses import dataclass
from hashlib import blake2b, sha256
from pathlib import Path
from typing import Any

from integrator.database import Database
from integrator.domain.portal import DOCUMENT, STATUS
from people import add_message, add_order, add_reservation

BIRTH_DATE = "1991-03-17"


@dataclass(frozen=True)
class Booking:
    order: int
    reference: str
    portal_reference: str
    request_hash: bytes
    request_key: str

    def paper(self, folder: Path, name: str | None = None, content: bytes = b"%PDF-1.7") -> Path:
        """A file of the booking in a folder of papers: REFERENCE.pdf, or REFERENCE/NAME."""
        path = folder / self.reference / name if name else folder / f"{self.reference}.pdf"
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.write_bytes(content)
        return path


def add_booking(
    db: Database,
    student: dict[str, Any],
    *,
    completed_at: int,
    class_end: str | None,
    enroller: dict[str, Any] | None = None,
    company: str | None = None,
    status: str | None = "COMPLETED",
    told: str = "completed",
    documents: tuple[str, ...] = (),
    uploaded: str = "completed",
    hold: str | None = None,
) -> Booking:
    """A confirmed one with its student. told and uploaded are the states of the messages about them."""
    order = add_order(
        db, [student], completed_at=completed_at, class_end=class_end, customer=enroller, company=company, hold=hold
    )
    booking = _book(db, order, "confirmed", completed_at)
    if status:
        _add_status(db, booking, status, told, completed_at)
    for name in documents:
        _add_document(db, booking, name, uploaded, completed_at)
    return booking


def add_cancelled(db: Database, *, changed_at: int, state: str = "cancelled") -> Booking:
    """One whose order gave its seat back: state cancelled by the reseller, unseen when it never became visible."""
    order = add_reservation(db, changed_at=changed_at, state="cancelled" if state == "cancelled" else "released")
    return _book(db, order, state, changed_at)


def _book(db: Database, order: int, state: str, at: int) -> Booking:
    digest = blake2b(f"request {order}".encode(), digest_size=16).digest()
    random = b32encode(blake2b(f"booking {order}".encode(), digest_size=16).digest()).decode().rstrip("=")
    key = blake2b(f"trainingportal:{digest.hex()}:0".encode(), digest_size=16).hexdigest()
    booking = Booking(order, f"TP-{random}", f"0f3a9c77_{order}_b2e1", digest, key)
    db.write("UPDATE orders SET channel = 'trainingportal', request_key = ? WHERE id = ?", (key, order))
    db.write(
        "INSERT INTO bookings (reference, order_id, class_id, request_hash, requested_at, state, looks,"
        " portal_reference, enrollment_status, birth_date, confirmed_at, changed_at)"
        " VALUES (?, ?, '25172-04', ?, ?, ?, 1, ?, 'NEW', ?, ?, ?)",
        (booking.reference, order, digest, at - 600, state, booking.portal_reference, BIRTH_DATE, at, at),
    )
    return booking


def _add_status(db: Database, booking: Booking, status: str, told: str, at: int) -> None:
    done_on = "2027-02-01" if status == "COMPLETED" else None
    db.write(
        "INSERT INTO booking_statuses (reference, status, completed_on, version, told_version, source, set_at)"
        " VALUES (?, ?, ?, 1, ?, 'command', ?)",
        (booking.reference, status, done_on, int(told == "completed"), at),
    )
    body = {"reference": booking.reference, "status": status, "completed_on": done_on, "version": 1}
    add_message(db, STATUS, booking.reference, body, told, at, scope=f"order:{booking.order}")


def _add_document(db: Database, booking: Booking, name: str, uploaded: str, at: int) -> None:
    digest = sha256(name.encode()).hexdigest()
    db.write(
        "INSERT INTO booking_documents (reference, sha256, name, kind, size, queued_at, uploaded_at)"
        " VALUES (?, ?, ?, 'file', 8, ?, ?)",
        (booking.reference, digest, name, at, at if uploaded == "completed" else None),
    )
    body = {"reference": booking.reference, "name": name, "sha256": digest, "kind": "file"}
    key = f"{booking.reference}:{digest[:16]}"
    add_message(db, DOCUMENT, key, body, uploaded, at, scope=f"order:{booking.order}")


def row(db: Database, booking: Booking) -> dict[str, Any] | None:
    found = db.one("SELECT * FROM bookings WHERE reference = ?", (booking.reference,))
    return dict(found) if found else None
