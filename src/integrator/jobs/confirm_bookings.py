"""confirm-bookings: who a reserved seat is for, as Trainingportal says it, becomes an order to register.

Reads   trainingportal  E7, for each booking that is reserved, until it is visible there
Keeps   store           the student with their order, which is complete then; what only a booking has
Writes  nothing elsewhere: the registration waits in the outbox for sync-orders
Guard   a booking that never becomes visible gives its seat back, and a person is told; while Trainingportal cannot be
        asked nothing is given up
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from integrator.errors import BadAnswer, ItemError, Unavailable
from integrator.store.bookings import Bookings, form_of
from integrator.store.courses import SetAside

if TYPE_CHECKING:
    from integrator.domain.portal import PortalBooking, PortalCourse
    from integrator.runtime.run import Run

_AT_ONCE = 200  # bookings of one pass
_LATER_S = 60  # before Trainingportal is asked again after trouble
_TASKS = {
    "unseen": "never became visible at Trainingportal; its seat is free again: ask them whether the student comes",
    "lost_seat": "was confirmed when its seat had been given up: find the student a seat, or cancel it there",
    "cancel_in_maconomy": "was cancelled by Trainingportal, and the student is registered: withdraw them in Maconomy",
}
DONE = "then: integrator booking-status settle"


class Portal(Protocol):
    def courses(self) -> "Sequence[PortalCourse]": ...

    def booking(self, reference: str) -> "PortalBooking | None": ...


def confirm_bookings(run: "Run", portal: Callable[[], Portal], *, looks_s: Sequence[float], linger_s: float) -> None:
    """Look for every booking that is due, and for those that will be within linger_s.

    portal    made when it is first needed: most starts find nothing to do
    looks_s   the waits between the looks; after the last one a booking is given up
    Errors    Refused: Trainingportal does not know us; Stopped
    """
    until, silent = run.clock() + linger_s, False
    while not silent and _wait(run, until):
        for booking in Bookings(run.db).due_looks(int(run.clock()), limit=_AT_ONCE):
            silent = silent or not _look(run, portal, booking, looks_s)
        if run.dry:
            break
    _tell(run)


def _wait(run: "Run", until: float) -> bool:
    """Until the next booking is due, when that is before then: a look must not wait for cron's next minute."""
    next_at, now = Bookings(run.db).next_look_at(), run.clock()
    if next_at is None or next_at > max(until, now):
        return False
    if next_at > now and not run.dry:
        run.stopper.sleep(next_at - now)
    return True


def _look(run: "Run", portal: Callable[[], Portal], booking: dict[str, Any], looks_s: Sequence[float]) -> bool:
    """One booking. False: Trainingportal does not answer, so that there is no use in asking on."""
    reference = booking["reference"]
    if run.dry:
        run.count(bookings__to_look_for=1)
        return True
    last = booking["looks"] >= len(looks_s) - 1
    try:
        found = portal().booking(reference)
        if found is None and last:  # at a wrong address nothing is visible either: then nothing is given up
            portal().courses()
    except (Unavailable, BadAnswer, ItemError) as error:
        return _trouble(run, reference, error)
    if found is None:
        _not_visible(run, booking, None if last else looks_s[booking["looks"] + 1])
    elif found.class_id not in (None, booking["class_id"]):
        _later(run, reference, counts=False)
        run.set_aside(f"booking {reference}", "Trainingportal has it for another class: nothing was confirmed")
    else:
        _confirm(run, booking, found)
    return True


def _trouble(run: "Run", reference: str, error: "Unavailable | BadAnswer | ItemError") -> bool:
    """Nothing is known, so nothing is given up."""
    _later(run, reference, counts=False)
    if isinstance(error, Unavailable):
        run.report.waiting[f"booking {reference}"] = error.message
        return False
    run.set_aside(f"booking {reference}", error.message)
    return True


def _later(run: "Run", reference: str, *, counts: bool, wait_s: float = _LATER_S) -> None:
    now = int(run.clock())
    with run.db.tx():
        Bookings(run.db).look_later(reference, next_look_at=now + max(1, round(wait_s)), at=now, counts=counts)


def _not_visible(run: "Run", booking: dict[str, Any], wait_s: float | None) -> None:
    """The booking that follows a reservation may take a while there. None: that was the last look, it is given up."""
    from integrator.store.orders import Orders

    reference = booking["reference"]
    if wait_s is not None:
        _later(run, reference, counts=True, wait_s=wait_s)
        run.count(bookings__not_visible=1)
        return
    now = int(run.clock())
    with run.db.tx():
        if Bookings(run.db).give_up(reference, at=now):
            Orders(run.db).cancel(booking["order_id"], at=now)
            run.count(bookings__given_up=1)


def _confirm(run: "Run", booking: dict[str, Any], found: "PortalBooking") -> None:
    """The student into the store with their registration, in one transaction."""
    from hashlib import blake2b

    from integrator.jobs.booking import queue_registrations
    from integrator.store.orders import Orders

    reference, order_id, now = booking["reference"], booking["order_id"], int(run.clock())
    orders, bookings, form = Orders(run.db), Bookings(run.db), form_of(found)
    with run.db.tx():
        orders.extend(order_id, until=now + 1)
        digest = blake2b(repr(form).encode(), digest_size=16).digest()
        has_seat = orders.get(order_id)["state"] == "reserved"
        if not bookings.confirm(reference, found, at=now, task=None if has_seat else "lost_seat"):
            return  # cancelled while we asked
        if has_seat:
            orders.complete(order_id, form, digest, at=now)
            queue_registrations(orders, run.outbox, order_id)
    run.count(bookings__confirmed=int(has_seat), bookings__without_a_seat=int(not has_seat))


def _tell(run: "Run") -> None:
    """What waits for a person stands in status until they have done it."""
    tasks = {row["reference"]: row["task"] for row in Bookings(run.db).tasks()}
    found = {reference: (task, f"{_TASKS[task]}; {DONE} {reference}") for reference, task in tasks.items()}
    with run.db.tx():
        SetAside(run.db).replace("booking", found, at=run.at, run_id=run.id)
