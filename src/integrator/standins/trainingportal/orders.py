"""What the control port can order besides switches: classes and bookings that are there, and calls of a provider."""

from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from typing import Any, TypeVar

import msgspec

from integrator.standins.trainingportal.bookings import Booking
from integrator.standins.trainingportal.calling import (
    FIELDS,
    Cancel,
    Reply,
    Reserve,
    ask,
    cancel_from,
    repeated,
    reserve_from,
    sorted_out,
)
from integrator.standins.trainingportal.classes import CourseClass
from integrator.standins.trainingportal.parameters import KNOWN, Facts, Refused, facts_to_add
from integrator.standins.trainingportal.portal import Portal
from integrator.standins.trainingportal.settings import Settings

NAMES = ("classes", "forget_classes", "bookings", "reserve", "cancel")
EXAMPLE = {
    "location": "Bergen, Laksevåg",
    "availableSeats": "12",
    "enrollmentDeadline": "2027-03-01",
    "cancellationDeadline": "2027-02-22",
    "startDate": "2027-03-12",
    "endDate": "2027-03-15",
    "address.addressLine1": "Øvingsveien 4",
    "address.addressLine2": "",
    "address.city": "Bergen",
    "address.zipCode": "5161",
    "address.country": "Norway",
    "price.currency": "NOK",
    "price.amount": "14900.00",
}


class GivenClass(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A class that is simply there. parameters are E1's, as texts; what a new one is not given is the example's."""

    course: str
    class_id: str = msgspec.field(name="class")
    cancelled: bool | None = None
    fields: dict[str, str] = msgspec.field(default_factory=dict)

    def facts(self) -> Facts:
        """All of them. Errors: ValueError."""
        try:
            return facts_to_add({**EXAMPLE, **self.fields, "externalId": self.class_id}, Settings())
        except Refused as refused:
            raise ValueError(f"classes: {self.class_id}: {refused.message}") from refused


class GivenBooking(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A booking that is simply there."""

    reference: str
    class_id: str = msgspec.field(name="class")
    comment: str | None = None
    purchase_order: str | None = None
    fields: dict[str, str] = msgspec.field(default_factory=dict)


class Orders(msgspec.Struct, frozen=True):
    """Everything that was ordered at once, checked."""

    classes: list[GivenClass]
    forget_classes: list[str]
    bookings: list[GivenBooking]
    reserve: Reserve | None
    cancel: Cancel | None


T = TypeVar("T")


def orders_in(given: dict[str, Any]) -> tuple[Orders, dict[str, Any]]:
    """The orders, and the rest, which are settings. Errors: ValueError."""
    orders = Orders(
        _listed(given, "classes", GivenClass, KNOWN),
        _listed(given, "forget_classes", str),
        _listed(given, "bookings", GivenBooking, FIELDS),
        reserve_from(given["reserve"]) if "reserve" in given else None,
        cancel_from(given["cancel"]) if "cancel" in given else None,
    )
    for one in orders.classes:
        one.facts()
    return orders, {name: value for name, value in given.items() if name not in NAMES}


def _listed(given: dict[str, Any], name: str, kind: type[T], fields: Collection[str] = ()) -> list[T]:
    found = given.get(name, [])
    if not isinstance(found, list):
        raise ValueError(f"{name}: expected a list")
    try:
        return [msgspec.convert(sorted_out(one, fields) if fields else one, kind) for one in found]
    except msgspec.ValidationError as error:
        raise ValueError(f"{name}: {error}") from error


def carry_out(orders: Orders, portal: Callable[[], Portal], lock: AbstractContextManager[Any]) -> dict[str, Any]:
    """Do what was ordered; gives back what came of the calls. The lock is not held while we call: we may be asked."""
    with lock:
        for one in orders.classes:
            _put_class(portal(), one)
        for class_id in orders.forget_classes:
            _forget(portal(), class_id)
        for given in orders.bookings:
            _put_booking(portal(), given, given.reference, portal().bookings.new_reference())
    report: dict[str, Any] = {}
    if (reserve := orders.reserve) is not None:
        replies = repeated(lambda: _reserve(reserve, portal, lock), reserve)
        references = sorted({reply.text("bookingReference") for reply in replies if reply.says("successful")})
        report["reserve"] = {"replies": [reply.shown("successful") for reply in replies], "references": references}
    if (cancel := orders.cancel) is not None:
        replies = repeated(lambda: _cancel(cancel, portal, lock), cancel)
        report["cancel"] = {"replies": [reply.shown("cancelled") for reply in replies]}
    return report


def _put_class(portal: Portal, given: GivenClass) -> None:
    facts = given.facts()
    one = portal.classes.find(given.course, given.class_id)
    if one is None:
        one = portal.classes.put(CourseClass(given.course, given.class_id, facts))
    else:
        one.facts |= {name: facts[name] for name in given.fields if name in facts}
    if given.cancelled is not None:
        one.cancelled_at = portal.now() if given.cancelled else None


def _forget(portal: Portal, class_id: str) -> None:
    while (one := portal.classes.named(class_id)) is not None:
        portal.classes.remove(one)


def _reserve(order: Reserve, portal: Callable[[], Portal], lock: AbstractContextManager[Any]) -> Reply:
    with lock:
        settings, theirs = portal().settings, portal().bookings.new_reference()
        now = portal().now().timestamp()
    params = {settings.param_class: order.class_id, **order.fields}
    if settings.send_reference is not None:
        params[settings.send_reference] = theirs
    reply = ask(order, params, now)
    with lock:
        ours = reply.text("bookingReference")
        portal().note_call("reserve", reply.status, ours)
        # The answer to a repeated call is the same booking: its student has one place, whoever counts.
        if reply.says("successful") and ours and portal().bookings.get(ours) is None:
            _put_booking(portal(), order, ours, theirs)
            _take_seats(portal(), order.class_id, 1)
    return reply


def _put_booking(portal: Portal, given: GivenBooking | Reserve, ours: str, theirs: str) -> None:
    booking = Booking(ours, theirs, given.class_id, portal.now(), dict(given.fields))
    booking.comment, booking.purchase_order = given.comment, given.purchase_order
    portal.bookings.put(booking)


def _cancel(order: Cancel, portal: Callable[[], Portal], lock: AbstractContextManager[Any]) -> Reply:
    with lock:
        now = portal().now().timestamp()
    reply = ask(order, {order.param: order.reference}, now)
    with lock:
        portal().note_call("cancel", reply.status, order.reference)
        booking = portal().bookings.get(order.reference)
        if reply.says("cancelled") and booking is not None and booking.cancelled_at is None:
            booking.cancelled_at = portal().now()
            _take_seats(portal(), booking.class_id, -1)
    return reply


def _take_seats(portal: Portal, class_id: str, count: int) -> None:
    one = portal.classes.named(class_id)
    if one is not None and portal.settings.count_seats:
        one.facts["availableSeats"] = max(0, one.facts["availableSeats"] - count)
