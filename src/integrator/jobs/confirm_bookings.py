"""confirm-bookings: who a reserved seat is for, as Trainingportal says it, becomes an order to register.

Reads   trainingportal  E7, for each booking that is reserved, until it is visible there
Keeps   store           the student with their order, which is complete then; what only a booking has
Writes  nothing elsewhere: the registration waits in the outbox for sync-orders
Guard   a booking that never becomes visible gives its seat back, and a person is told; while Trainingportal cannot be
        asked nothing is given up, but for a booking whose seat is gone by then: it is held for a day
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from integrator.domain.portal import STATUSES
from integrator.errors import BadAnswer, ItemError, Unavailable
from integrator.jobs.booking_tasks import say_new_tasks
from integrator.store.bookings import Bookings, form_of, is_whole

if TYPE_CHECKING:
    from integrator.domain.portal import PortalBooking, PortalCourse
    from integrator.runtime.run import Run

_AT_ONCE = 200  # bookings of one pass
_LATER_S = 60  # before Trainingportal is asked again after trouble, unless it asks for longer
_LONGEST_S = 3_600
_ENDED = ("done", "partial", "later", "stopped")  # not skipped, nor broken off
_SILENCES = 3  # in a row: it is down, and nobody else is asked for in this run


class Portal(Protocol):
    def courses(self) -> "Sequence[PortalCourse]": ...

    def booking(self, reference: str) -> "PortalBooking | None": ...


def confirm_bookings(run: "Run", portal: Callable[[], Portal], *, looks_s: Sequence[float], linger_s: float) -> None:
    """Look for every booking that is due, and for those that will be within linger_s.

    portal    made when it is first needed: most starts find nothing to do
    looks_s   the waits between the looks; after the last one a booking is given up
    Errors    Refused: Trainingportal does not know us; Stopped
    """
    until, silences, asked = run.clock() + linger_s, 0, 0
    try:
        while silences < _SILENCES and _wait(run, until):
            for booking in Bookings(run.db).due_looks(int(run.clock()), limit=_AT_ONCE):
                asked += 1
                silences = 0 if _look(run, portal, booking, looks_s) else silences + 1
                if silences >= _SILENCES:
                    break
            if run.dry:
                break
    finally:
        _tell_waiting(run, asked)
        if not run.dry:
            say_new_tasks(run)


def _tell_waiting(run: "Run", asked: int) -> None:
    """A run that asked nobody knows no more than the one before: was that one not answered, it has not succeeded."""
    count, next_at = Bookings(run.db).waited_for(int(run.clock()))
    run.later("bookings", count, next_at)
    if count and not asked and _was_silent(run):
        run.report.waiting["bookings"] = "Trainingportal did not answer when it was asked last"


def _was_silent(run: "Run") -> bool:
    """Whether Trainingportal did not answer the last run that came to its end."""
    from integrator.runtime.history import History

    ended = [row for row in History(run.db).latest(job=run.job) if row["id"] != run.id and row["outcome"] in _ENDED]
    return bool(ended) and ended[0]["outcome"] == "later" and not ended[0]["error"]


def _wait(run: "Run", until: float) -> bool:
    """Until the next booking is due, when that is before then: a look must not wait for cron's next minute."""
    now = run.clock()
    next_at = Bookings(run.db).next_look_at(int(now))
    if next_at is None or next_at > max(until, now):
        return False
    if next_at > now and not run.dry:
        run.stopper.sleep(next_at - now)
    return True


def _look(run: "Run", portal: Callable[[], Portal], booking: dict[str, Any], looks_s: Sequence[float]) -> bool:
    """One booking. False: Trainingportal does not answer."""
    if run.dry:
        run.count(bookings__to_look_for=1)
        return True
    last = booking["looks"] >= len(looks_s) - 1
    try:
        found = portal().booking(booking["reference"])
        if found is None and last:  # at a wrong address nothing is visible either: then nothing is given up
            portal().courses()
    except (Unavailable, BadAnswer, ItemError) as error:
        return _trouble(run, booking, error)
    if found is None or not is_whole(found):
        _not_there(run, booking, found, None if last else looks_s[booking["looks"] + 1])
    elif found.class_id not in (None, booking["class_id"]) or found.status not in (None, *STATUSES):
        _give_up(run, booking, "unclear", found.status)
    else:
        _confirm(run, booking, found)
    return True


def _trouble(run: "Run", booking: dict[str, Any], error: "Unavailable | BadAnswer | ItemError") -> bool:
    """Nothing is known, so nothing is given up: but for a seat that is gone by now, of which a person must know."""
    reference = booking["reference"]
    if booking["order_state"] != "reserved":
        _give_up(run, booking, "lost_seat")
        return not isinstance(error, Unavailable)
    asked_s = error.retry_after_s or 0.0 if isinstance(error, Unavailable) else 0.0
    _later(run, reference, counts=False, wait_s=max(_LATER_S, min(asked_s, _LONGEST_S)))
    if isinstance(error, ItemError):
        run.set_aside(f"booking {reference}", error.message)
    else:  # an answer that cannot be read, too: cron mails it when it lasts, not each minute
        run.report.waiting[f"booking {reference}"] = error.message
    return not isinstance(error, Unavailable)


def _later(run: "Run", reference: str, *, counts: bool, wait_s: float = _LATER_S) -> None:
    now = int(run.clock())
    with run.db.tx():
        Bookings(run.db).look_later(reference, next_look_at=now + max(1, round(wait_s)), at=now, counts=counts)


def _not_there(run: "Run", booking: dict[str, Any], found: "PortalBooking | None", wait_s: float | None) -> None:
    """A booking may take a while to be there, and whole. None: that was the last look."""
    if wait_s is not None:
        _later(run, booking["reference"], counts=True, wait_s=wait_s)
        run.count(bookings__not_visible=1)
    elif found is None:
        _give_up(run, booking, "unseen")
    else:
        _give_up(run, booking, "unclear", found.status)


def _give_up(run: "Run", booking: dict[str, Any], task: str, status: str | None = None) -> None:
    """For a person from here on. A booking that is there, and unclear, keeps its seat as long as that is held."""
    from integrator.store.orders import Orders

    now = int(run.clock())
    with run.db.tx():
        if Bookings(run.db).give_up(booking["reference"], at=now, task=task, status=status) and task == "unseen":
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
        if bookings.get(reference)["state"] != "reserved":
            return  # cancelled while we asked
        orders.extend(order_id, until=now + 1)
        has_seat = orders.complete(order_id, form, blake2b(repr(form).encode(), digest_size=16).digest(), at=now)
        bookings.confirm(reference, found, at=now, task=None if has_seat else "lost_seat")
        if has_seat:
            # What was asked before a restore may have been registered before it.
            queue_registrations(orders, run.outbox, order_id, caused_at=booking["requested_at"])
    run.count(bookings__confirmed=int(has_seat), bookings__without_a_seat=int(not has_seat))
