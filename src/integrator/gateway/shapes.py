"""What goes over the wire, as the OpenAPI document describes it: bodies that are read, and answers."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from integrator.domain.instants import utc_text
from integrator.domain.ordered import MAX_SEATS

Instant = Annotated[str, Meta(extra_json_schema={"format": "date-time"}, examples=["2026-11-22T05:30:00Z"])]
Kind = Literal["task", "error"]
Flag = Literal["true", "false"]
OrderState = Literal["reserved", "expired", "complete", "registered", "refused", "released", "cancelled"]
PersonState = Literal["waiting", "registered", "refused", "given up"]
LineStatus = Literal["received", "processing", "completed", "bad request", "failed"]
ClassId = Annotated[
    str, Meta(pattern="^[A-Za-z0-9._~-]{1,40}$", description="The number of a class.", examples=["25172-04"])
]
Seats = Annotated[int, Meta(ge=1, le=MAX_SEATS, description="How many seats.")]
Key = Annotated[str, Meta(pattern="^[!-~]{1,200}$", description="Names one visitor's attempt; also a header.")]
Text = Annotated[str, Meta(min_length=1)]


def instant_of(at: int | None) -> str | None:
    """An instant as it is told; None stays None."""
    return None if at is None else utc_text(at)


class Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is read: a field that nobody knows is refused."""


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """What is answered."""


# when something is wrong --------------------------------------------------------------------------------------------


class FieldError(Shown, frozen=True, kw_only=True):
    """One thing wrong with one field."""

    field: str
    message: str
    code: str = "invalid"


class LineTaken(Shown, frozen=True, kw_only=True, omit_defaults=True):
    """How an orderline stands, in OilMat's words."""

    unique_id: str | None
    status: LineStatus
    reason: str
    credentials_in_payload: bool = False


class Problem(Shown, frozen=True, kw_only=True, omit_defaults=True):
    """What was wrong (RFC 9457). code is a stable word; errors are the fields that are wrong."""

    title: str
    status: int
    code: str
    detail: str | None = None
    errors: list[FieldError] = []
    orders: list[LineTaken] = []


# the website --------------------------------------------------------------------------------------------------------


class Reserve(Body, frozen=True, kw_only=True):
    """Seats of a class are to be held."""

    class_id: ClassId
    seats: Seats = 1
    key: Key | None = None


class SeatsWanted(Body, frozen=True, kw_only=True):
    """Another number of seats is to be held."""

    seats: Seats


class FormCustomer(Body, frozen=True, kw_only=True):
    """Who orders."""

    name: Text
    email: Text
    phone: str | None = None


class FormCompany(Body, frozen=True, kw_only=True):
    """Who pays, when it is not the customer. cvr is 8 digits and zip 4 where country is DK (or absent)."""

    name: Text
    cvr: str | None = None
    address: str | None = None
    zip: str | None = None
    city: str | None = None
    country: str | None = None
    ean: str | None = None
    purchase_order: str | None = None
    attention: str | None = None


class FormParticipant(Body, frozen=True, kw_only=True):
    """Who attends."""

    first_name: Text
    last_name: Text
    email: Text
    phone: str | None = None
    job_title: str | None = None
    comment: str | None = None


class OrderForm(Body, frozen=True, kw_only=True):
    """The form of an order: as many participants as seats."""

    customer: FormCustomer
    company: FormCompany | None = None
    participants: Annotated[list[FormParticipant], Meta(min_length=1, max_length=MAX_SEATS)]
    accepted_terms_at: Instant


class Reservation(Shown, frozen=True, kw_only=True):
    """Seats that are held."""

    order: int
    class_id: str
    seats: int
    expires_at: Instant | None


class Attendee(Shown, frozen=True, kw_only=True):
    """How one participant stands; without their name."""

    number: int
    reference: str
    state: PersonState
    reason: str | None
    participant_id: str | None


class Order(Reservation, frozen=True, kw_only=True):
    """How an order stands."""

    state: OrderState
    completed_at: Instant | None
    participants: list[Attendee]


# Trainingportal -----------------------------------------------------------------------------------------------------


# Source  "Function description of the API": the flag is quoted.
class SeatAnswer(Shown, frozen=True, kw_only=True):
    """What Trainingportal is told of a seat."""

    successful: Flag
    bookingReference: str = ""
    errorMessage: str = ""


class CancelAnswer(Shown, frozen=True, kw_only=True):
    """What Trainingportal is told of a cancellation."""

    cancelled: Flag
    errorMessage: str = ""


# OilMat -------------------------------------------------------------------------------------------------------------


class Orderline(msgspec.Struct, frozen=True, kw_only=True):
    """An orderline as OilMat sends it. A login in it is thrown away; further fields are ignored.

    dealer stands for workshop, case_nr, worksheet and worksheet_id for case_id, uniqueid for unique_id.
    """

    case_id: str | int
    product_nr: str | int
    product_amount: str | float
    unique_id: str | int
    workshop: str | None = None


class LinesTaken(Shown, frozen=True, kw_only=True):
    """How several orderlines stand that came in one body."""

    length: int
    orders: list[LineTaken]


class LineStanding(Shown, frozen=True, kw_only=True):
    """How one orderline stands."""

    unique_id: str
    status: LineStatus
    reason: str


class QueuedLine(LineStanding, frozen=True, kw_only=True):
    """One orderline of a queue."""

    case_id: str | None
    product_nr: str | None
    product_amount: str | None
    attempts: int
    next_try_at: Instant | None
    received_at: Instant
    changed_at: Instant


class Queue(Shown, frozen=True, kw_only=True):
    """What waits or is under way (task), or what failed or was refused (error), oldest first."""

    workshop: str
    type: Kind
    length: int
    orders: list[QueuedLine]


class QueueType(Body, frozen=True, kw_only=True):
    """Which queue, if the address does not say it."""

    type: Kind | msgspec.UnsetType = msgspec.UNSET


class Cleared(Shown, frozen=True, kw_only=True):
    """What was taken out of a queue."""

    workshop: str
    type: Kind
    count: int
    ids: list[str]


class Alive(Shown, frozen=True, kw_only=True):
    """How a workshop stands. worker_running: a run works for it now; between runs none does."""

    workshop: str
    alive: bool
    healthy: bool
    active: bool
    worker_running: bool
    blocked: str | None
    blocked_reason: str | None
    queued: int
    processing: int
    in_doubt: int
    failed_24h: int
    problems: list[str]


class Steered(Shown, frozen=True, kw_only=True, omit_defaults=True):
    """Whether a workshop is worked for from now on; blocked: why it is not in spite of being active."""

    workshop: str
    active: bool
    blocked: str | None
    message: str = ""
