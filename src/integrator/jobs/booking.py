"""Booking: seats are held while a visitor fills in the form, then the order is complete and waits to be registered.

Reads   the free seats of one class from Maconomy, before seats are held or added
Keeps   orders and participants; with a complete order one registration for each participant
Writes  nothing elsewhere: sync-orders does
Guard   never more seats than Maconomy says are free, less those we hold; no answer means "cannot book now"

These are the commands' functions and the gateway's: each is one request, callable from any process.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from integrator.database import Database
from integrator.domain.ordered import (
    CONFIRMATION,
    MAX_SEATS,
    REGISTRATION,
    confirmation,
    confirmation_key,
    registration,
    scope_of,
)
from integrator.errors import Full, NotBookable, Unavailable, UsageError
from integrator.runtime.outbox import Outbox
from integrator.store.orders import Orders

if TYPE_CHECKING:
    from integrator.domain.courses import Course
    from integrator.systems.maconomy import Maconomy

_LONGEST_KEY = 200
_ASK = 2  # times: the first "no" may count a seat twice that was registered while we asked

_WORDS = {
    "planned": "is not open for booking yet",
    "waitlist": "has a waiting list only",
    "closed": "is closed for booking",
    "cancelled": "is cancelled",
    "held": "has been held",
    "unknown": "has a status that we do not know: it is not sold",
    "no_date": "has no date yet",
    "begun": "has begun",
    "seats_unknown": "does not say how many seats are free: it is not sold",
}


@dataclass
class Desk:
    """What booking works with. maconomy is asked for when it is needed: most requests do without."""

    db: Database
    maconomy: "Callable[[], Maconomy]"
    hold_minutes: int
    clock: Callable[[], float]

    @property
    def orders(self) -> Orders:
        return Orders(self.db)

    def at(self) -> int:
        return int(self.clock())


@dataclass(frozen=True)
class Sale:
    """Who sells a seat, where it is not we; for how long it is held; and what is kept of it with its reservation."""

    channel: str
    hold_s: int
    keep: Callable[[int], None]


def reserve(desk: Desk, class_id: str, *, seats: int, key: str, sale: Sale | None = None) -> dict[str, Any]:
    """Hold seats of a class; the same key answers the same reservation, however often it is asked.

    Shape   {"order": 10482, "class_id": "25172-04", "seats": 1, "expires_at": 1795255200} (epoch seconds)
    Errors  Full; NotBookable: cancelled, closed …, or the key's reservation has run out; NotFound: no such class;
            UsageError: seats, key; Unavailable: Maconomy does not answer, nothing was held
    """
    _check_seats(seats)
    if not key or len(key) > _LONGEST_KEY or not key.isprintable():
        raise UsageError(f"reserve: a key has 1 to {_LONGEST_KEY} printable characters; take one per visitor's attempt")
    if known := desk.orders.by_key(key):
        return _same(desk, known, class_id, seats)
    for _ in range(_ASK):
        counted, course, free = _ask(desk, class_id)
        at = desk.at()
        with desk.db.tx():
            if known := desk.orders.by_key(key):  # the same request, faster in another process
                break
            desk.orders.release_expired(at, class_id=course.id)
            order_id = desk.orders.reserve(
                course.id,
                key=key,
                seats=seats,
                facts=_facts(course),
                free=free,
                counted=counted,
                at=at,
                until=at + (sale.hold_s if sale else desk.hold_minutes * 60),
                channel=sale.channel if sale else "own",
            )
            if sale and order_id is not None:
                sale.keep(order_id)
        if order_id is not None:
            return _reservation(desk.orders.get(order_id))
    if known:
        return _same(desk, known, class_id, seats)
    raise _full(class_id, seats)


def change_seats(desk: Desk, order_id: int, seats: int) -> dict[str, Any]:
    """Hold another number of seats for an order that is not complete; it is held anew for the whole time.

    Shape   as reserve
    Errors  as reserve; NotFound: no such order; NotBookable: it is complete, cancelled, or has run out
    """
    _check_seats(seats)
    order = desk.orders.get(order_id)
    _need_own(order)
    _need_reserved(order, desk.at())
    for _ in range(_ASK):
        counted, free = 0, 0  # fewer seats are always there
        if seats > order["seats"]:
            counted, _course, free = _ask(desk, order["class_id"])
        at = desk.at()
        with desk.db.tx():
            desk.orders.release_expired(at, class_id=order["class_id"])
            until = at + desk.hold_minutes * 60
            changed = desk.orders.change_seats(order, seats, free=free, counted=counted, at=at, until=until)
            order = desk.orders.get(order_id)
        if changed:
            return _reservation(order)
        _need_reserved(order, at)
    raise _full(order["class_id"], seats)


def complete(desk: Desk, order_id: int, data: Any) -> dict[str, Any]:
    """The form is filled in: check it, keep it, and queue one registration for each participant.

    Shape   data as the website sends it; gives back show()
    Errors  BadForm: everything wrong with it; NotFound; NotBookable: it has run out, is cancelled, or is complete with
            another form (with the same one: the same answer)
    """
    order, at = desk.orders.get(order_id), desk.at()
    _need_own(order)
    digest = _complete(desk, order, data, at)
    order = desk.orders.get(order_id)
    if order["state"] == "reserved":  # its seats were changed while we looked at the form: look at it once more
        digest = _complete(desk, order, data, at)
        order = desk.orders.get(order_id)
    if order["state"] == "complete" and order["form_hash"] != digest:
        raise NotBookable(
            f"order {order_id} is complete already, with another form; nothing was changed",
            code="complete",
            hint="changes after the booking are made in Maconomy",
        )
    if order["state"] != "complete":
        _need_reserved(order, at)
        raise Unavailable(f"order {order_id}: its seats change at this moment; nothing was done, try again")
    return show(desk, order_id)


def _complete(desk: Desk, order: Mapping[str, Any], data: Any, at: int) -> bytes:
    """Check the form for the seats the order holds, and complete it if it still does. Gives back the form's hash.

    Errors  BadForm
    """
    import msgspec

    from integrator.domain.orders import form_from, form_hash

    now = None if order["state"] == "complete" else datetime.fromtimestamp(at, UTC)
    form = form_from(data, seats=order["seats"], language=order["class"]["language"], now=now)
    digest = form_hash(form)
    with desk.db.tx():
        if desk.orders.complete(order["id"], msgspec.to_builtins(form), digest, at=at):
            queue_registrations(desk.orders, Outbox(desk.db, clock=desk.clock), order["id"])
    return digest


def cancel(desk: Desk, order_id: int) -> dict[str, Any]:
    """Give the seats of an order back. What is over already stays as it is: cancelling twice is no error.

    Shape   gives back show()
    Errors  NotFound; NotBookable: its registration has begun, or it is on legal hold
    """
    with desk.db.tx():
        _need_own(desk.orders.get(order_id))
        cancel_in(desk, order_id)
    return show(desk, order_id)


def cancel_in(desk: Desk, order_id: int) -> None:
    """The same inside a transaction of the caller's. Errors  as cancel"""
    order = desk.orders.get(order_id)
    if order["hold_reason"]:
        raise NotBookable(
            f"order {order_id} is on legal hold: nothing of it may go",
            code="on_hold",
            hint=f"integrator gdpr unhold {order_id}",
        )
    if order["state"] == "complete":
        outbox = Outbox(desk.db, clock=desk.clock)
        if order["anonymised_at"] or not outbox.withdraw(scope_of(order_id), "the order was cancelled"):
            raise NotBookable(
                f"order {order_id} is being registered, or is registered already; nothing was changed",
                code="registered",
                hint=f"integrator explain {order_id}; who is registered is cancelled in Maconomy",
            )
    if order["state"] in ("reserved", "complete"):
        desk.orders.cancel(order_id, at=desk.at())


def confirm(desk: Desk, order_id: int) -> dict[str, Any]:
    """Write to the customer of an order of which only some could be registered: the others were given up.

    Shape   gives back show()
    Errors  NotFound; NotBookable: somebody is still on the way, nobody is registered, a reseller has sold it, or the
            customer was erased
    """
    with desk.db.tx():
        order, people = desk.orders.get(order_id), desk.orders.people(order_id)
        _need_own(order)
        registered = [person for person in people if person["registered_no"] is not None]
        decided = all(person["state"] in ("completed", "dropped") for person in people)
        if not registered or not decided or order["anonymised_at"]:
            raise NotBookable(
                f"order {order_id}: not every participant is registered or given up; nothing was sent",
                code="undecided",
                hint=f"integrator explain {order_id}; outbox retry or drop decides about those who failed",
            )
        if order["customer_email"] is None:
            raise NotBookable(f"order {order_id}: its customer was erased: there is nobody to write to", code="erased")
        body = confirmation(dict(order) | {"seats": len(registered)}, registered, to=None)
        outbox, at = Outbox(desk.db, clock=desk.clock), order["completed_at"]
        outbox.once(CONFIRMATION, confirmation_key(order_id, None), body, scope=scope_of(order_id), caused_at=at)
    return show(desk, order_id)


def show(desk: Desk, order_id: int) -> dict[str, Any]:
    """How an order stands. No name and no address is in it.

    Shape   {"order", "class_id", "seats", "state", "expires_at", "completed_at", "participants": [{"number",
            "reference", "state", "reason", "participant_id"}]}; times are epoch seconds or None
    Errors  NotFound
    """
    order = desk.orders.get(order_id)
    people = [
        {
            "number": person["number"],
            "reference": person["reference"],
            "state": _PERSON.get(person["state"], "waiting"),
            "reason": person["reason"],
            "participant_id": person["remote_id"],
        }
        for person in desk.orders.people(order_id)
    ]
    return {
        **_reservation(order),
        "state": _state(order, [person["state"] for person in people], desk.at()),
        "completed_at": order["completed_at"],
        "participants": people,
    }


# A registration's state in the outbox → how a participant stands.
_PERSON = {"completed": "registered", "failed": "refused", "dropped": "given up"}


def _state(order: Mapping[str, Any], people: list[str], at: int) -> str:
    """reserved, expired, complete (being registered), registered, refused (one or more), released, cancelled."""
    if order["state"] == "reserved" and order["expires_at"] <= at:
        return "expired"
    if order["state"] != "complete" or not people:
        return str(order["state"])
    if any(state in ("refused", "given up") for state in people):
        return "refused"
    return "registered" if all(state == "registered" for state in people) else "complete"


def _ask(desk: Desk, class_id: str) -> "tuple[int, Course, int]":
    """(registrations counted before asking, the class, its free seats). Full is 0 free: it is asked once more."""
    from integrator.domain.courses import why_not_bookable

    counted = desk.orders.counted()
    course = desk.maconomy().course(class_id)
    why = why_not_bookable(course, now=datetime.fromtimestamp(desk.clock(), UTC))
    if why not in (None, "full"):
        raise NotBookable(f"class {class_id} {_WORDS[why]}; nothing was reserved", code=why)
    return counted, course, 0 if why else course.seats_free or 0


def queue_registrations(orders: Orders, outbox: Outbox, order_id: int, *, caused_at: float | None = None) -> None:
    """One registration for each participant, in the transaction that completed the order.

    caused_at   when they were booked, of orders that complete themselves again after a restore: then they are looked
                for before they are sent
    """
    order = orders.get(order_id)
    for person in orders.people(order_id):
        body, key = registration(order, person), person["reference"]
        outbox.once(REGISTRATION, key, body, scope=scope_of(order_id), caused_at=caused_at)


def _same(desk: Desk, order: Mapping[str, Any], class_id: str, seats: int) -> dict[str, Any]:
    """The answer to a repeated request."""
    if (order["class_id"], order["seats_asked"]) != (class_id, seats):
        raise UsageError(
            f"reserve: this key has reserved {order['seats_asked']} seat(s) of class {order['class_id']}"
            f" (order {order['id']}); another request needs another key"
        )
    if order["state"] != "complete":
        _need_reserved(order, desk.at())
    return _reservation(order)


def _need_own(order: Mapping[str, Any]) -> None:
    """Errors  NotBookable: a reseller has sold it"""
    if order["channel"] != "own":
        raise NotBookable(
            f"order {order['id']} is a booking of a reseller: it is changed, cancelled and confirmed there;"
            " nothing was changed",
            code="reseller",
            hint=f"integrator explain {order['id']}",
        )


def _need_reserved(order: Mapping[str, Any], at: int) -> None:
    """Errors  NotBookable: it is complete, cancelled, or has run out"""
    number = order["id"]
    if order["state"] == "reserved" and order["expires_at"] > at:
        return
    if order["state"] == "complete":
        raise NotBookable(f"order {number} is complete: its seats cannot be changed any more", code="complete")
    if order["state"] == "cancelled":
        raise NotBookable(f"order {number} is cancelled", code="cancelled")
    raise NotBookable(
        f"order {number}: its reservation has run out, and the seats are released; nothing was changed",
        code="expired",
        hint="reserve again, with a new key",
    )


def _reservation(order: Mapping[str, Any]) -> dict[str, Any]:
    return {"order": order["id"]} | {name: order[name] for name in ("class_id", "seats", "expires_at")}


def _facts(course: "Course") -> dict[str, Any]:
    """What of a class an order remembers: nothing of its trainers."""
    import msgspec

    from integrator.domain.ordered import CLASS_FACTS

    known = msgspec.to_builtins(course)
    return {name: known[name] for name in CLASS_FACTS}


def _check_seats(seats: int) -> None:
    if not 1 <= seats <= MAX_SEATS:
        raise UsageError(f"seats: expected 1 to {MAX_SEATS}, got {seats}; nothing was reserved")


def _full(class_id: str, seats: int) -> Full:
    return Full(f"class {class_id} has not enough free seats for {seats}; nothing was reserved")
