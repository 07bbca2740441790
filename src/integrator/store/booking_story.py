"""The way a reseller's booking took, and how a class stands there, from every table that knows. No name is in it."""

from dataclasses import dataclass
from typing import Any

import msgspec

from integrator.database import Database
from integrator.domain.portal import CLASS, STATUS
from integrator.effects import SHOWN_STATE
from integrator.store.booking_documents import BookingDocuments
from integrator.store.booking_statuses import BookingStatuses
from integrator.store.bookings import Bookings
from integrator.store.courses import OUTCOME, PAPER, UNKNOWN_BOOKING, UNSOLD
from integrator.store.order_story import OrderStory, order_story

_PLACE = ("reference", "order_id", "class_id", "state", "task", "looks", "next_look_at", "portal_reference")
_TIMES = ("requested_at", "confirmed_at", "cancelled_at", "changed_at", "anonymised_at")
_PAPER = ("id", "kind", "sha256", "size", "queued_at", "uploaded_at", "message", "message_id", "reason")
_MESSAGE = (
    f"SELECT id, effect, key, {SHOWN_STATE} AS state, attempts, reason, created_at, changed_at, sent_at,"  # noqa: S608
    " uncertain_since, next_at, completed_at FROM outbox x WHERE effect = ? AND key = ?"
)


@dataclass(frozen=True)
class BookingStory:
    """One booking. Times are epoch seconds.

    booking    its references, class, state, task, looks and times; enrollment_status: the reseller's own word
    status     status, completed_on, version, told_version, source, set_at, told_at; None: none was ever set
    documents  kind, sha256, size, queued_at, uploaded_at and its message's state; a file's name may be a person's
    troubles   kind, code, reason, first_at, run_id: why its files, or what Maconomy says of it, cannot be taken
    message    what tells the status: its row in the outbox without the body, None when there is none
    order      the order behind it
    """

    booking: dict[str, Any]
    status: dict[str, Any] | None
    documents: list[dict[str, Any]]
    troubles: list[dict[str, Any]]
    message: dict[str, Any] | None
    order: OrderStory


def booking_stories(db: Database, record: str) -> list[BookingStory]:
    """The bookings of a reference, ours or the reseller's own. Theirs may name several."""
    rows = db.all(
        "SELECT reference FROM bookings WHERE reference = ?1 OR portal_reference = ?1 ORDER BY requested_at, reference",
        (record,),
    )
    return [_story(db, row["reference"]) for row in rows]


def cancelled_unknown(db: Database, reference: str) -> dict[str, Any] | None:
    """The cancellation of a booking that nobody here knows: code, reason, first_at, run_id; None: there was none."""
    return _aside(db, UNKNOWN_BOOKING, reference)


def story_of_order(db: Database, number: int) -> BookingStory | None:
    """The booking that an order is of; None: it is none of a reseller's."""
    booking = Bookings(db).by_order(number)
    return _story(db, booking["reference"]) if booking else None


def _story(db: Database, reference: str) -> BookingStory:
    booking = Bookings(db).get(reference)
    order = order_story(db, booking["order_id"])
    assert order is not None  # a booking goes with its order
    documents = [{name: row[name] for name in _PAPER} for row in BookingDocuments(db).of(reference)]
    told = {name: booking[name] for name in (*_PLACE, "enrollment_status", *_TIMES)}
    troubles = [row | {"kind": kind} for kind in (PAPER, OUTCOME) if (row := _aside(db, kind, reference))]
    message = _one(db, _MESSAGE, STATUS, reference)
    return BookingStory(told, BookingStatuses(db).get(reference), documents, troubles, message, order)


# a class --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PublishedStory:
    """How a class stands at a reseller. Times are epoch seconds.

    row       course_id (theirs), state, cancelled_at, changed_at; None: it was never published
    facts     what they have of it, None when it is cancelled
    sent      of the fields that they keep otherwise: what we sent
    refused   code, reason, first_at, run_id: why it cannot be sold there
    outcome   the same: why no student's outcome can be taken from Maconomy
    message   what brings it there: its row in the outbox without the body
    bookings  how many there are of it, by state
    """

    class_id: str
    row: dict[str, Any] | None
    facts: dict[str, Any] | None
    sent: dict[str, Any]
    refused: dict[str, Any] | None
    outcome: dict[str, Any] | None
    message: dict[str, Any] | None
    bookings: dict[str, int]

    def __bool__(self) -> bool:
        return bool(self.row or self.refused or self.outcome or self.message or self.bookings)


def published_story(db: Database, class_id: str) -> PublishedStory:
    """Everything the store knows of a class at a reseller; false when that is nothing."""
    row = _one(
        db,
        "SELECT course_id, state, facts, cancelled_at, changed_at FROM published_classes WHERE class_id = ?",
        class_id,
    )
    packed: dict[str, Any] = msgspec.json.decode(row.pop("facts") or "{}") if row else {}
    sent = packed.pop("sent", {})
    packed.pop("tried", None)
    counted = db.all("SELECT state, count(*) AS number FROM bookings WHERE class_id = ? GROUP BY state", (class_id,))
    return PublishedStory(
        class_id,
        row,
        packed or None,
        sent,
        _aside(db, UNSOLD, class_id),
        _aside(db, OUTCOME, class_id),
        _one(db, _MESSAGE, CLASS, class_id),
        {found["state"]: found["number"] for found in counted},
    )


def _aside(db: Database, kind: str, key: str) -> dict[str, Any] | None:
    return _one(db, "SELECT code, reason, first_at, run_id FROM set_aside WHERE kind = ? AND key = ?", kind, key)


def _one(db: Database, sql: str, *parameters: str) -> dict[str, Any] | None:
    row = db.one(sql, parameters)
    return dict(row) if row else None
