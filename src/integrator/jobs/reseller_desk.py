"""A reseller's desk: Trainingportal takes a seat of a class and gives it back, by the two addresses it calls.

Reads   the free seats of the class from Maconomy, before a seat is held
Keeps   an order of one seat and its booking, in one transaction
Writes  nothing elsewhere: confirm-bookings asks who the seat is for, sync-orders registers them
Guard   as booking: never more seats than are free, and of published classes only; the same request within a while is
        the same booking

Both are GETs there, so they come again: by time-outs, proxies, and people.
"""

import json
import re
from typing import TYPE_CHECKING

from integrator.domain.booking_tasks import UNKNOWN
from integrator.errors import NotBookable, NotFound
from integrator.jobs import booking
from integrator.jobs.booking import Desk, Sale
from integrator.jobs.booking_tasks import tell_tasks
from integrator.store.booking_documents import BookingDocuments
from integrator.store.bookings import CHANNEL, Bookings
from integrator.store.courses import UNKNOWN_BOOKING, SetAside
from integrator.store.published_classes import PublishedClasses

if TYPE_CHECKING:
    from integrator.domain.portal import ReserveRequest

HOLD_S = 86_400  # longer than a booking is looked for, and longer than our jobs may stand still
_HELD_OFF_S = 60  # after a cancellation: a proxy may repeat what came before it
_REFERENCE = re.compile("TP-[A-Z2-7]{26}")
_MOST_UNKNOWN = 100


def reserve(desk: Desk, request: "ReserveRequest", *, repeat_s: int, first_look_s: float) -> str:
    """Hold one seat for a booking; the same request within repeat_s is answered with the same reference.

    Errors   as booking.reserve; NotBookable, NotFound: it is not for sale there
    """
    digest, bookings, now = _digest(request), Bookings(desk.db), desk.at()
    newest, known = bookings.asked(digest, since=now - repeat_s, at=now)
    if known is not None and known["state"] != "cancelled":
        return str(known["reference"])
    if known is not None and now - _HELD_OFF_S < known["cancelled_at"] <= now:
        raise NotBookable("this was cancelled a moment ago; nothing was reserved", code="cancelled_just_now")
    _need_published(desk, request.class_id)

    def keep(order_id: int) -> None:
        look_at = desk.at() + max(1, round(first_look_s))
        bookings.begin(order_id, request.class_id, digest, at=desk.at(), next_look_at=look_at)

    # Two of the same at once see the same newest order, so that the second one finds the first one's.
    key = f"{CHANNEL}:{digest.hex()}:{newest}"
    found = booking.reserve(desk, request.class_id, seats=1, key=key, sale=Sale(CHANNEL, HOLD_S, keep))
    made = bookings.by_order(found["order"])
    assert made is not None  # kept in the transaction that made the order
    return str(made["reference"])


def cancel(desk: Desk, reference: str) -> bool:
    """Give a booking's seat back; twice is once. False: its order is on legal hold, and nothing was changed.

    Who is registered already stays registered: Maconomy has no way to withdraw them, so a person does, and is told.
    Errors  NotFound
    """
    bookings = Bookings(desk.db)
    _note_unknown(desk, reference)
    with desk.db.tx():
        found = bookings.get(reference)
        if found["state"] == "cancelled":
            return True
        if found["hold_reason"]:
            return False
        task = None
        try:
            booking.cancel_in(desk, found["order_id"])
        except NotBookable:
            task = "cancel_in_maconomy"
        bookings.cancel(reference, at=desk.at(), task=task)
        BookingDocuments(desk.db).forget_unsent(reference)
        tell_tasks(desk.db, at=desk.at())
    return True


def settle(desk: Desk, reference: str) -> None:
    """A person has done what a booking waited for. Errors  NotFound: no such booking, or it waits for nobody"""
    with desk.db.tx():
        if SetAside(desk.db).drop(UNKNOWN_BOOKING, reference):
            return
        Bookings(desk.db).get(reference)
        if not Bookings(desk.db).settle(reference, at=desk.at()):
            settle = f"integrator booking-status settle {reference} --document"
            outdated = reference in BookingDocuments(desk.db).outdated()
            hint = f"its document at Trainingportal does: {settle}" if outdated else "integrator status"
            raise NotFound(f"booking {reference} waits for nobody", hint=hint)
        tell_tasks(desk.db, at=desk.at())


def look_again(desk: Desk, reference: str) -> None:
    """Take up a booking that was given up: it gets a seat, if it has none any more, and is looked for anew.

    Errors  NotFound; NotBookable: it was not given up; as booking.reserve, when it needs a seat
    """
    bookings, at = Bookings(desk.db), desk.at()
    found = bookings.get(reference)
    if found["state"] != "unseen":
        raise NotBookable(f"booking {reference} is {found['state']}: it was not given up", code="not_given_up")

    def keep(order_id: int) -> None:
        bookings.begin_again(reference, order_id, at=at)

    with desk.db.tx():
        if is_held := desk.orders.get(found["order_id"])["state"] == "reserved":
            desk.orders.extend(found["order_id"], until=at + HOLD_S)
            keep(found["order_id"])
            tell_tasks(desk.db, at=at)
    if is_held:
        return
    key = f"{CHANNEL}:again:{reference}:{found['order_id']}"
    booking.reserve(desk, found["class_id"], seats=1, key=key, sale=Sale(CHANNEL, HOLD_S, keep))
    with desk.db.tx():
        tell_tasks(desk.db, at=at)


def _need_published(desk: Desk, class_id: str) -> None:
    """Only what we published there is sold there. Why a class was not, `explain` says.

    Published and withheld since is told with 0 seats, but its students may be on their way: Maconomy decides.
    Errors  NotBookable; NotFound: nobody here knows it
    """
    state = PublishedClasses(desk.db).state(class_id)
    if state == "published":
        return
    if state is None and desk.db.value("SELECT 1 FROM courses WHERE id = ?", (class_id,)) is None:
        raise NotFound(f"class {class_id} is not in our catalogue")
    what = "was cancelled" if state else "is not published"
    raise NotBookable(f"class {class_id} {what} there", code="cancelled" if state else "not_published")


def _note_unknown(desk: Desk, reference: str) -> None:
    """A cancellation of a booking that we do not know may be of one that a restore forgot: a person has to look."""
    aside = SetAside(desk.db)
    if not _REFERENCE.fullmatch(reference) or desk.db.value("SELECT 1 FROM bookings WHERE reference = ?", (reference,)):
        return
    known = aside.reasons(UNKNOWN_BOOKING)
    if reference in known or len(known) >= _MOST_UNKNOWN:
        return
    reason = f"{UNKNOWN.why}: {UNKNOWN.told(reference, 'its student')}"
    with desk.db.tx():
        aside.replace(UNKNOWN_BOOKING, known | {reference: ("unknown", reason)}, at=desk.at(), run_id=0)


def _digest(request: "ReserveRequest") -> bytes:
    """The same for the same request, in whatever order its parts came."""
    from hashlib import blake2b

    facts = json.dumps([request.class_id, sorted(request.fields.items())], ensure_ascii=False)
    return blake2b(facts.encode(), digest_size=16).digest()
