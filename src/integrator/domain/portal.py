"""Trainingportal in our words: classes as we publish them and as it has them, and bookings.

What it calls a course is our main course; what it calls a course class is our class.
"""

from typing import Any, Literal

import msgspec

Status = Literal["NEW", "NO_SHOW", "FAILED", "COMPLETED"]
STATUSES: tuple[Status, ...] = ("NEW", "NO_SHOW", "FAILED", "COMPLETED")
CURRENCIES = ("NOK", "EUR", "USD", "GBP")
CLASS, STATUS, DOCUMENT = "trainingportal.class", "trainingportal.status", "trainingportal.document"  # effects


class Address(msgspec.Struct, frozen=True):
    """Where a class is held. line2 may be ""."""

    line1: str
    line2: str
    city: str
    zip: str
    country: str


class ClassFacts(msgspec.Struct, frozen=True):
    """A class as we want it there. Dates "2027-03-12", times "08:00", in the place's own time; seats are free ones."""

    course_id: str
    class_id: str
    location: str
    seats: int
    enrollment_deadline: str
    cancellation_deadline: str
    start_date: str
    start_time: str | None
    end_date: str
    end_time: str | None
    address: Address
    currency: str
    price_minor: int


class PortalClass(msgspec.Struct, frozen=True):
    """A class as it says it has it. None: it did not say."""

    class_id: str
    course_id: str | None = None
    cancelled: bool = False
    location: str | None = None
    seats: int | None = None
    enrollment_deadline: str | None = None
    cancellation_deadline: str | None = None
    start_date: str | None = None
    start_time: str | None = None
    end_date: str | None = None
    end_time: str | None = None
    address: Address | None = None
    currency: str | None = None
    price_minor: int | None = None


class PortalCourse(msgspec.Struct, frozen=True):
    """A course for which we are registered there."""

    id: str
    name: str | None = None


class PortalPerson(msgspec.Struct, frozen=True):
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    phone: str | None = None


class PortalBooking(msgspec.Struct, frozen=True):
    """One student's place. reference is theirs, and may differ from ours; comment can hold health data.

    status  theirs, in upper case: one of STATUSES, or a word that we do not know
    """

    reference: str | None
    class_id: str | None
    student: PortalPerson
    enroller: PortalPerson
    birth_date: str | None = None
    company: str | None = None
    status: str | None = None
    comment: str | None = None
    purchase_order: str | None = None


class ReserveRequest(msgspec.Struct, frozen=True):
    """What Trainingportal asks a seat with: the class, and whatever it says of the student, their enroller and company.

    Shape   fields {"studentFirstName": "Bjørn", …}, only those that came
    """

    class_id: str
    fields: dict[str, str]


def reference_from(text: str) -> str:
    """A reference of a booking as it is kept, from whatever somebody typed or copied."""
    return text.strip().upper()


def status_message(reference: str, status: str, completed_on: str | None, version: int) -> dict[str, Any]:
    """A status on its way: the body of the effect STATUS."""
    return {"reference": reference, "status": status, "completed_on": completed_on, "version": version}
