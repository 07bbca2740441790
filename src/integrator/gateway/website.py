"""The website's side: seats are held and orders completed, as by the booking commands."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from integrator.domain.orders import form_data
from integrator.domain.orders.jsontext import MAX_BYTES
from integrator.errors import NotFound, UsageError
from integrator.gateway import bodies
from integrator.gateway.answers import Answer, refuse
from integrator.gateway.call import Call
from integrator.gateway.routes import NO_ANSWER, NOT_FOUND, REFUSED, WRONG, Parameter, Reply, Route
from integrator.gateway.shapes import Key, Order, OrderForm, Reservation, Reserve, SeatsWanted, instant_of
from integrator.jobs import booking
from integrator.jobs.booking import Desk
from integrator.store.bookings import CHANNEL

_INSTANTS = ("expires_at", "completed_at")


def reserve(call: Call) -> Answer:
    asked = bodies.record_of(call.body(), Reserve)
    key = _key(call.request.headers.get("Idempotency-Key"), asked.key)
    with call.here.desk() as desk, _unknown(f"there is no class {asked.class_id}"):
        found = booking.reserve(desk, asked.class_id, seats=asked.seats, key=key)
    return Answer(201, _shown(found, Reservation), headers={"Location": call.link(f"/api/orders/{found['order']}")})


def seats(call: Call) -> Answer:
    wanted = bodies.record_of(call.body(), SeatsWanted)
    with call.here.desk() as desk:
        order = _own(desk, call)
        with _unknown(f"there is no class any more that order {order} could have more seats of"):
            found = booking.change_seats(desk, order, wanted.seats)
    return Answer(200, _shown(found, Reservation))


def complete(call: Call) -> Answer:
    raw = call.body()
    try:
        data = form_data(raw)
    except UsageError as error:
        refuse(400, error.message, code="bad_json")
    with call.here.desk() as desk:
        found = booking.complete(desk, _own(desk, call), data)
    return Answer(200, _shown(found, Order))


def cancel(call: Call) -> Answer:
    with call.here.desk() as desk:
        found = booking.cancel(desk, _own(desk, call))
    return Answer(200, _shown(found, Order))


def show(call: Call) -> Answer:
    with call.here.desk(make=False) as desk:
        found = booking.show(desk, _own(desk, call))
    return Answer(200, _shown(found, Order))


def _key(header: str | None, field: str | None) -> str:
    """Names the attempt; a reseller's own keys are none of the website's."""
    if header is not None and field is not None and header != field:
        refuse(422, "differs from the header Idempotency-Key", code="two_keys", field="key")
    key = header if field is None else field
    if not key or key.startswith(f"{CHANNEL}:"):
        what = "is missing: give it in the body, or as the header Idempotency-Key" if not key else "is not one of yours"
        refuse(422, what, code="missing" if not key else "invalid", field="key")
    try:
        return msgspec.convert(key, Key)
    except msgspec.ValidationError:
        refuse(422, "has 1 to 200 plain characters, no blanks", code="invalid", field="key")


@contextmanager
def _unknown(detail: str) -> Iterator[None]:
    """Tell what was not found in words that name no system behind this one. Errors  NotFound"""
    try:
        yield
    except NotFound:
        raise NotFound(detail) from None


def _own(desk: Desk, call: Call) -> int:
    """The number of an order that is the website's: a reseller's booking is cancelled by its reference.

    Errors  NotFound
    """
    order = int(call.path["order"])
    if desk.orders.get(order)["channel"] == CHANNEL:
        raise NotFound(f"there is no order {order}")
    return order


def _shown(found: dict[str, Any], kind: type[msgspec.Struct]) -> Any:
    return msgspec.convert(found | {name: instant_of(found[name]) for name in _INSTANTS if name in found}, kind)


_ORDER = Parameter("order", "path", int, "The number of an order.", required=True)
_GIVEN = Reply("How the order stands.", Order)
_HELD = Reply("The seats are held until expires_at.", Reservation)
_KEY = Parameter("Idempotency-Key", "header", Key, "As key: the same one answers the same reservation.")
_NOTHING = {404: NOT_FOUND, 409: REFUSED}
_ASKED = _NOTHING | {422: WRONG, 502: NO_ANSWER}

ROUTES = (
    Route(
        *("POST", "/api/orders", "reserve", "website", "Hold seats of a class, if there are enough."),
        reserve,
        {201: Reply("The seats are held; a repeat with the same key answers the same.", Reservation), **_ASKED},
        "website",
        (_KEY,),
        Reserve,
        limit=10_000,
        changes=True,
    ),
    Route(
        *("PUT", "/api/orders/{order}/seats", "seats", "website", "Hold another number of seats for an order."),
        seats,
        {200: _HELD, **_ASKED},
        "website",
        (_ORDER,),
        SeatsWanted,
        limit=10_000,
        changes=True,
    ),
    Route(
        *("POST", "/api/orders/{order}/complete", "complete", "website", "Complete an order with its form."),
        complete,
        {200: _GIVEN, 422: WRONG, **_NOTHING},
        "website",
        (_ORDER,),
        OrderForm,
        limit=MAX_BYTES,
        changes=True,
        more="The same form again is the same answer. Its participants are registered by sync-orders, within seconds.",
    ),
    Route(
        *("POST", "/api/orders/{order}/cancel", "cancel", "website", "Give the seats of an order back."),
        cancel,
        {200: _GIVEN, **_NOTHING},
        "website",
        (_ORDER,),
        changes=True,
        more="It can be done as long as nothing of it has left for Maconomy; twice is once.",
    ),
    Route(
        *("GET", "/api/orders/{order}", "show", "website", "How an order stands, without any name."),
        show,
        {200: _GIVEN, 404: NOT_FOUND},
        "website",
        (_ORDER,),
    ),
)
