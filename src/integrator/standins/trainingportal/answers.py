"""How the Trainingportal stand-in says things: its objects with the spellings, types and slips that were staged."""

import json
from collections.abc import Collection
from decimal import Decimal
from typing import Any

from integrator.standins.trainingportal.bookings import Booking
from integrator.standins.trainingportal.classes import CourseClass
from integrator.standins.trainingportal.parameters import PLACE, TIMES
from integrator.standins.trainingportal.settings import Settings, Way
from integrator.standins.wire import Answer

JSON = "application/json;charset=UTF-8"
HTML = "text/html;charset=utf-8"
ERROR_PAGE = (
    "<!doctype html><html><head><title>HTTP Status {0}</title></head><body><h1>HTTP Status {0}</h1></body></html>"
)
LOGIN_PAGE = '<!doctype html><html><title>Logg inn</title><form method="post"><input name="password"></form></html>'
ENROLLER = {"firstName": "FirstName", "lastName": "LastName", "email": "EmailAddress", "phone": "PhoneNumber"}


def said(settings: Settings, *, ok: bool, message: str = "", boolean: bool = False) -> dict[str, Any]:
    """A status object. boolean: what the article of this call shows; the others show a text."""
    kind = settings.flag_type
    if kind == "documented":
        kind = "boolean" if boolean else "string"
    flags: dict[str, Any] = {"boolean": ok, "string": str(ok).lower(), "upper": str(ok).upper()}
    return {settings.flag_name: flags[kind], settings.message_name: message}


def failed(settings: Settings, way: Way, message: str) -> Answer:
    """A failure in the way that was staged for it."""
    if way.body == "object":
        return as_json(settings, said(settings, ok=False, message=message), way.status)
    texts = {"html": ERROR_PAGE.format(way.status), "login": LOGIN_PAGE, "text": message, "nothing": ""}
    kind = "text/plain;charset=UTF-8" if way.body == "text" else HTML
    return Answer(way.status, texts[way.body], content_type=kind)


def as_json(settings: Settings, body: Any, status: int = 200) -> Answer:
    """An object or a list as JSON, with the slips that were staged."""
    if settings.blank_keys:
        body = _blank(body)
    text = _loose(body) if settings.trailing_commas else json.dumps(body, ensure_ascii=False)
    return Answer(status, text, content_type=JSON)


def class_object(settings: Settings, found: CourseClass) -> dict[str, Any]:
    """A class as E1, E2 and E6 show it."""
    names = ("location", "availableSeats", "enrollmentDeadline", "cancellationDeadline", "startDate", "startTime")
    shown: dict[str, Any] = {"cancelled": found.cancelled, "courseExternalId": found.course_id}
    shown |= {"externalId": found.class_id, **{name: found.facts[name] for name in (*names, "endDate", "endTime")}}
    if settings.times_with_seconds:
        shown |= {name: f"{shown[name]}:00" for name in TIMES if shown[name]}
    place = {name.partition(".")[2]: found.facts[name] for name in PLACE}
    price = {"currency": found.facts["price.currency"], "amount": float(found.facts["price.amount"])}
    shown |= {"address": place, "price": price}
    shown["sendScheduleInfoToParticipants"] = found.facts["sendScheduleInfoToParticipants"]
    return _finished(settings, shown, TIMES)


def booking_object(settings: Settings, booking: Booking) -> dict[str, Any]:
    """A booking as E7 shows it; its enroller is spelt in camel case even where the student is not."""
    given = booking.fields
    first, last = ("firstname", "lastname") if settings.lower_names else ("firstName", "lastName")
    enroller = {name: given.get(f"enroller{their}") for name, their in ENROLLER.items()}
    reference = booking.portal_reference if settings.shows == "portal" else booking.reference
    shown: dict[str, Any] = {"bookingReference": reference, "externalCourseClassId": booking.class_id}
    shown |= {first: given.get("studentFirstName"), last: given.get("studentLastName")}
    shown |= {"enroller": _with_optional(settings, enroller, ENROLLER), "company": given.get("company")}
    shown |= {"enrollmentStatus": booking.shown_status, "email": given.get("studentEmailAddress")}
    shown |= {"phone": given.get("studentPhoneNumber"), "birthDate": given.get("studentBirthDate")}
    shown |= {"commentOnEnrollment": booking.comment, "purchaseOrderNumber": booking.purchase_order}
    always = {"bookingReference", "externalCourseClassId", "enrollmentStatus"}
    if settings.optional == "omit":
        always |= {first, last}
    return _finished(settings, shown, set(shown) - always)


def courses_object(settings: Settings) -> Any:
    """The courses for which the provider is registered."""
    courses = [{"externalId": course_id, "name": name} for course_id, name in settings.courses.items()]
    return {"courses": courses} if settings.lists == "wrapped" else courses


def classes_object(settings: Settings, classes: list[CourseClass]) -> Any:
    """The classes of one course."""
    shown = [class_object(settings, one) for one in classes if settings.list_cancelled or not one.cancelled]
    return {"courseClasses": shown} if settings.lists == "wrapped" else shown


def _finished(settings: Settings, shown: dict[str, Any], optional: Collection[str]) -> dict[str, Any]:
    shown = _with_optional(settings, shown, optional)
    if settings.text_values:
        shown = _as_texts(shown)
    if settings.dotted_keys:
        shown = {key: value for name, one in shown.items() for key, value in _dotted(name, one)}
    return shown | ({"someFutureField": {"a": 1}} if settings.unknown_keys else {})


def _with_optional(settings: Settings, shown: dict[str, Any], optional: Collection[str]) -> dict[str, Any]:
    """What has no value is left out, null or an empty text; "omit" leaves out what has one, too."""
    if settings.optional == "omit":
        return {name: value for name, value in shown.items() if name not in optional and value is not None}
    if settings.optional == "missing":
        return {name: value for name, value in shown.items() if name not in optional or value not in (None, {})}
    nothing = None if settings.optional == "null" else ""
    return {name: nothing if value is None else value for name, value in shown.items()}


def _as_texts(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _as_texts(one) for name, one in value.items()}
    if isinstance(value, bool):
        return str(value).lower()
    return f"{Decimal(str(value)).normalize():f}" if isinstance(value, int | float) else value


def _dotted(name: str, value: Any) -> list[tuple[str, Any]]:
    """Only address and price; an enroller stays an object, as no table writes it with dots."""
    if name in {"address", "price"}:
        return [(f"{name}.{key}", one) for key, one in value.items()]
    return [(name, value)]


def _blank(value: Any) -> Any:
    if isinstance(value, dict):
        return {f" {name}": _blank(one) for name, one in value.items()}
    return [_blank(one) for one in value] if isinstance(value, list) else value


def _loose(value: Any) -> str:
    """JSON as somebody writes it by hand: a comma after the last one, too."""
    if isinstance(value, dict):
        return "{" + "".join(f"{json.dumps(name)}: {_loose(one)}," for name, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + "".join(f"{_loose(one)}," for one in value) + "]"
    return json.dumps(value, ensure_ascii=False)
