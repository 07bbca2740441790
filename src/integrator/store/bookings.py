"""Bookings in the store: seats that a reseller has sold, each an order of one seat of its own channel."""

from collections.abc import Mapping, Sequence
from typing import Any

from integrator.database import Database
from integrator.domain.portal import PortalBooking
from integrator.errors import NotFound
from integrator.store.courses import BOOKING, UNKNOWN_BOOKING

CHANNEL = "trainingportal"
LONGEST_WAIT_S = 86_400
_RANDOM_BYTES = 16  # 26 characters of base32: whoever knows a reference may cancel by it


class Bookings:
    """Rows of bookings. What writes must be called inside tx()."""

    def __init__(self, db: Database) -> None:
        self._db = db

    # reading ------------------------------------------------------------------------------------

    def get(self, reference: str) -> dict[str, Any]:
        """One booking with its order's state. Errors  NotFound"""
        row = self._db.one(
            "SELECT b.*, o.state AS order_state, o.hold_reason FROM bookings b JOIN orders o ON o.id = b.order_id"
            " WHERE b.reference = ?",
            (reference,),
        )
        if row is None:
            raise NotFound("there is no booking of that reference", hint="integrator booking-status list")
        return dict(row)

    def by_order(self, order_id: int) -> dict[str, Any] | None:
        row = self._db.one("SELECT * FROM bookings WHERE order_id = ?", (order_id,))
        return dict(row) if row else None

    def portal_reference(self, reference: str) -> str | None:
        """Trainingportal's own reference of a booking, None while it has not shown it."""
        found = self._db.value("SELECT portal_reference FROM bookings WHERE reference = ?", (reference,))
        return None if found is None else str(found)

    def asked(self, request_hash: bytes, *, since: int, at: int) -> tuple[int, dict[str, Any] | None]:
        """The newest order that exactly this was asked for (0: none), and its booking while that is young and seen.

        The number never comes again, whatever is erased meanwhile. What a clock that ran ahead wrote down is not young.
        """
        rows = self._db.all(
            "SELECT * FROM bookings WHERE request_hash = ? ORDER BY requested_at DESC, rowid DESC", (request_hash,)
        )
        fresh = [dict(row) for row in rows if since <= row["requested_at"] <= at and row["state"] != "unseen"]
        return max((int(row["order_id"]) for row in rows), default=0), fresh[0] if fresh else None

    def due_looks(self, at: int, *, limit: int) -> list[dict[str, Any]]:
        """Bookings whose details are to be asked for now, longest due first; also those of a clock that ran ahead."""
        rows = self._db.all(
            "SELECT b.*, o.state AS order_state FROM bookings b JOIN orders o ON o.id = b.order_id"
            " WHERE next_look_at NOT BETWEEN ?1 + 1 AND ?1 + ?2 ORDER BY next_look_at, reference LIMIT ?3",
            (at, LONGEST_WAIT_S, limit),
        )
        return [dict(row) for row in rows]

    def next_look_at(self, at: int) -> int | None:
        """When the next booking is to be looked for (epoch seconds); None: none is waited for."""
        sql = "SELECT min(iif(next_look_at > ?1 + ?2, ?1, next_look_at)) FROM bookings WHERE next_look_at IS NOT NULL"
        found = self._db.value(sql, (at, LONGEST_WAIT_S))
        return None if found is None else int(found)

    def waited_for(self, at: int) -> tuple[int, int | None]:
        """How many are to be looked for, and when the next one is."""
        count = self._db.value("SELECT count(*) FROM bookings WHERE next_look_at IS NOT NULL")
        return int(count), self.next_look_at(at)

    def tasks(self) -> list[dict[str, Any]]:
        """Bookings that wait for a person, oldest first."""
        rows = self._db.all("SELECT * FROM bookings WHERE task IS NOT NULL ORDER BY changed_at, reference")
        return [dict(row) for row in rows]

    def unsaid_tasks(self, run_id: int) -> dict[str, str]:
        """What waits for a person and no run has said: the reason by reference. Now this run has. Inside tx()."""
        rows = self._db.all(
            "UPDATE set_aside SET run_id = ? WHERE kind IN (?, ?) AND run_id = 0 RETURNING key, reason",
            (run_id, BOOKING, UNKNOWN_BOOKING),
        )
        return {row["key"]: row["reason"] for row in sorted(rows, key=lambda row: str(row["key"]))}

    # a booking's way ------------------------------------------------------------------------------

    def begin(self, order_id: int, class_id: str, request_hash: bytes, *, at: int, next_look_at: int) -> None:
        """The order's seat is held for a booking, of which nothing more is known. Once per order."""
        self._db.write(
            "INSERT INTO bookings (reference, order_id, class_id, request_hash, requested_at, state, next_look_at,"
            " changed_at) VALUES (?1, ?2, ?3, ?4, ?5, 'reserved', ?6, ?5) ON CONFLICT (order_id) DO NOTHING",
            (_drawn(), order_id, class_id, request_hash, at, next_look_at),
        )

    def look_later(self, reference: str, *, next_look_at: int, at: int, counts: bool) -> None:
        """Not visible yet, or it could not be asked for. counts: it is one of the looks that there may be."""
        self._db.write(
            "UPDATE bookings SET looks = looks + ?, next_look_at = ?, changed_at = ?"
            " WHERE reference = ? AND state = 'reserved'",
            (int(counts), next_look_at, at, reference),
        )

    def confirm(self, reference: str, found: PortalBooking, *, at: int, task: str | None) -> bool:
        """reserved → confirmed, with what only a booking has. False: it is not reserved any more."""
        return bool(
            self._db.write(
                "UPDATE bookings SET state = 'confirmed', next_look_at = NULL, looks = looks + 1, confirmed_at = ?1,"
                " portal_reference = ?2, enrollment_status = ?3, birth_date = ?4, task = coalesce(?5, task),"
                " changed_at = ?1 WHERE reference = ?6 AND state = 'reserved'",
                (at, found.reference, found.status, found.birth_date, task, reference),
            )
        )

    def give_up(self, reference: str, *, at: int, task: str, status: str | None = None) -> bool:
        """reserved → unseen: nobody is registered for it, and a person has to know. False: not reserved any more.

        status   what it is there, where it says so
        """
        return bool(
            self._db.write(
                "UPDATE bookings SET state = 'unseen', next_look_at = NULL, looks = looks + 1, task = ?1,"
                " enrollment_status = ?2, changed_at = ?3 WHERE reference = ?4 AND state = 'reserved'",
                (task, status, at, reference),
            )
        )

    def begin_again(self, reference: str, order_id: int, *, at: int) -> None:
        """unseen → reserved, with the seat of that order: it is looked for from the beginning.

        The order that it had before keeps no digest of the request: nobody would find it when the student is erased.
        """
        self._db.write(
            "UPDATE orders SET request_key = 'left-' || hex(randomblob(16))"
            " WHERE id <> ?1 AND id = (SELECT order_id FROM bookings WHERE reference = ?2 AND state = 'unseen')",
            (order_id, reference),
        )
        self._db.write(
            "UPDATE bookings SET state = 'reserved', order_id = ?1, looks = 0, next_look_at = ?2, task = NULL,"
            " changed_at = ?2 WHERE reference = ?3 AND state = 'unseen'",
            (order_id, at, reference),
        )

    def cancel(self, reference: str, *, at: int, task: str | None) -> bool:
        """→ cancelled; task: what a person has to do about it. False: it was already."""
        return bool(
            self._db.write(
                "UPDATE bookings SET state = 'cancelled', next_look_at = NULL, cancelled_at = ?1, task = ?2,"
                " birth_date = NULL, changed_at = ?1 WHERE reference = ?3 AND state <> 'cancelled'",
                (at, task, reference),
            )
        )

    def settle(self, reference: str, *, at: int) -> bool:
        """A person has done what was to be done. False: nothing was."""
        return bool(
            self._db.write(
                "UPDATE bookings SET task = NULL, changed_at = ? WHERE reference = ? AND task IS NOT NULL",
                (at, reference),
            )
        )


def _drawn() -> str:
    """Shape  "TP-MFRGGZDFMZTWQ2LKNNWG23TPOA" """
    import secrets
    from base64 import b32encode

    return "TP-" + b32encode(secrets.token_bytes(_RANDOM_BYTES)).decode().rstrip("=")


def is_whole(found: PortalBooking) -> bool:
    """Whether somebody can be registered by it: a name, and an address of the student or of who enrolled them."""
    student, enroller = found.student, found.enroller
    return bool(student.first_name and student.last_name and (student.email or enroller.email))


def form_of(found: PortalBooking) -> dict[str, Any]:
    """What the reseller says of a booking, as the form of an order of one seat.

    Whoever enrolled the student is the customer, else the student; where the student has no address, the enroller's
    is written to.
    """
    student, enroller = found.student, found.enroller
    own = any((enroller.first_name, enroller.last_name, enroller.email))
    customer = enroller if own else student
    return {
        "customer": {
            "name": _joined(customer.first_name, customer.last_name) or _joined(student.first_name, student.last_name),
            "email": customer.email or student.email,
            "phone": customer.phone,
        },
        "company": _company(found),
        "participants": [
            {
                "first_name": student.first_name or "",
                "last_name": student.last_name or "",
                "email": student.email or enroller.email or "",
                "phone": student.phone,
                "job_title": None,
                "comment": found.comment,
            }
        ],
        "accepted_terms_at": None,
    }


def _company(found: PortalBooking) -> Mapping[str, str | None] | None:
    if found.company is None and found.purchase_order is None:
        return None
    return {"name": found.company, "purchase_order": found.purchase_order}


def _joined(*parts: str | None) -> str | None:
    texts: Sequence[str] = [part for part in parts if part]
    return " ".join(texts) or None
