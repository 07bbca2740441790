"""A class in our words → the form fields that Trainingportal takes."""

from collections.abc import Iterable

import msgspec

from integrator.domain.portal import ClassFacts, PortalClass
from integrator.domain.portal_classes import differing
from integrator.systems.trainingportal.formats import amount_out, date_out, time_out
from integrator.systems.trainingportal.options import Options

_TELL = "sendScheduleInfoToParticipants"
_DEADLINE = "enrollmentDeadline"
_MISSPELT = "erollmentDeadline"
# An address and a price are one thing each: half of one may be taken for the whole.
NAMES = (
    *("location", "seats", "enrollment_deadline", "cancellation_deadline", "start_date", "start_time"),
    *("end_date", "end_time", "address", "price"),
)
_PARTS = {"currency": "price", "price_minor": "price"}
# What stands in a calendar. Students must not get mail each time a seat is sold.
_SCHEDULE = frozenset({"location", "start_date", "start_time", "end_date", "end_time", "address"})


def all_of(facts: ClassFacts, options: Options) -> dict[str, str]:
    """The form of a new class. Students hear of it, as is their default."""
    return _form(facts, NAMES, options, tell=True)


def changed(facts: ClassFacts, names: Iterable[str], options: Options, *, tell: bool) -> dict[str, str]:
    """The form of a change: what it does not name stays."""
    form = _form(facts, names, options, tell=tell)
    if _DEADLINE in form and options.deadline != _DEADLINE:
        form[_MISSPELT] = form[_DEADLINE] if options.deadline == "both" else form.pop(_DEADLINE)
    return form


def differences(facts: ClassFacts, there: PortalClass) -> list[str]:
    """What they have otherwise, or do not say, by the NAMES of forms. A time that we do not know is not compared."""
    found = {_PARTS.get(name, name) for name in differing(facts, there)}
    return [name for name in NAMES if name in found]


def concerns_calendar(names: Iterable[str]) -> bool:
    return not _SCHEDULE.isdisjoint(names)


def said(there: PortalClass) -> dict[str, object]:
    """What an answer says of a class, by our names."""
    return {
        name: value for name, value in msgspec.to_builtins(there).items() if name != "cancelled" and value is not None
    }


def _form(facts: ClassFacts, names: Iterable[str], options: Options, *, tell: bool) -> dict[str, str]:
    every = {
        "location": {"location": facts.location},
        "seats": {"availableSeats": str(facts.seats)},
        "enrollment_deadline": {_DEADLINE: date_out(facts.enrollment_deadline, options)},
        "cancellation_deadline": {"cancellationDeadline": date_out(facts.cancellation_deadline, options)},
        "start_date": {"startDate": date_out(facts.start_date, options)},
        "start_time": {"startTime": time_out(facts.start_time, options)} if facts.start_time else {},
        "end_date": {"endDate": date_out(facts.end_date, options)},
        "end_time": {"endTime": time_out(facts.end_time, options)} if facts.end_time else {},
        "address": {
            "address.addressLine1": facts.address.line1,
            "address.addressLine2": facts.address.line2,  # listed as required: empty when there is none
            "address.city": facts.address.city,
            "address.zipCode": facts.address.zip,
            "address.country": facts.address.country,
        },
        "price": {"price.currency": facts.currency, "price.amount": amount_out(facts.price_minor, options)},
    }
    chosen = {field: value for name in names for field, value in every[name].items()}
    return {"externalId": facts.class_id, **chosen, _TELL: str(tell).lower()}
