"""What Trainingportal answers, read as tolerantly as its documentation is written.

Keys count whatever their case, blanks and known misspellings; flags and numbers may be texts; what it does not say,
says as null or says unreadably is None.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from integrator.domain.portal import Address, PortalBooking, PortalClass, PortalCourse, PortalPerson
from integrator.errors import BadAnswer
from integrator.systems.http import Headers, Reply
from integrator.systems.trainingportal.formats import amount_in, date_in, time_in
from integrator.systems.trainingportal.options import Options

_ALIASES = {
    "sucessful": "successful",  # on the wire; the tables have it right
    "succesful": "successful",
    "errormesssage": "errormessage",
    "courseexternalid": "externalcourseid",
    "erollmentdeadline": "enrollmentdeadline",
}
_NOTHING = (None, "")
_WHOLE = re.compile(r"[0-9]{1,9}")
# A comma behind the last one, which is no JSON; texts are passed over, also one that never ends: from each quote in it
# the search would go to the end of the body again.
_LOOSE = re.compile(rb'("[^"\\]*+(?:\\.[^"\\]*+)*+"?)|,(?=\s*[}\]])', re.DOTALL)
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_CONTROLS_IN_LINES = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]")  # all but the end of a line
_MOST = 200  # characters of a name, a number, a reference
_MOST_COMMENT = 4_000
_MOST_EMAIL = 254


class Fields:
    """One JSON object. Names are asked for in small letters."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self._values: dict[str, Any] = {}
        self._parts: dict[str, dict[str, Any]] = {}
        for key, value in given.items():
            name, _, inner = key.partition(".")
            name = _name(name)
            if inner or isinstance(value, dict):
                self._parts.setdefault(name, {}).update({inner: value} if inner else value)
            elif self._values.get(name) in _NOTHING:  # one key in two spellings: the one that says something
                self._values[name] = value

    def __contains__(self, name: str) -> bool:
        return name in self._values or name in self._parts

    def get(self, name: str) -> Any:
        return self._values.get(name)

    def part(self, name: str) -> "Fields":
        """Shape   {"price": {"currency": "NOK"}} and {"price.currency": "NOK"}"""
        return Fields(self._parts.get(name, {}))

    def text(self, name: str) -> str | None:
        value = self.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
        return value.strip() or None if isinstance(value, str) else None

    def flag(self, name: str) -> bool | None:
        return {"true": True, "false": False}.get(str(self.get(name)).strip().casefold())

    def whole(self, name: str) -> int | None:
        value = self.get(name)
        if isinstance(value, float) and value.is_integer():
            return int(value) if value >= 0 else None
        text = self.text(name)
        return int(text) if text is not None and _WHOLE.fullmatch(text) else None


def _name(key: str) -> str:
    name = key.strip().casefold()
    return _ALIASES.get(name, name)


@dataclass(frozen=True)
class Said:
    """What a whole answer says of itself. flag: None when there is none, or when it is neither true nor false."""

    fields: Fields | None  # None: it is no JSON object
    flag: bool | None = None
    has_flag: bool = False
    message: str = ""


def said_in(reply: Reply) -> Said:
    """An answer to a write, whatever came: this never fails."""
    try:
        value = json_of(reply)
    except BadAnswer:
        return Said(None)
    if not isinstance(value, dict):
        return Said(None)
    fields = Fields(value)
    return Said(fields, fields.flag("successful"), "successful" in fields, fields.text("errormessage") or "")


def json_of(reply: Reply) -> Any:
    """The body, also with a comma too many. Errors  BadAnswer"""
    try:
        return reply.json()
    except BadAnswer as error:
        if error.code != "bad_json":
            raise
    mended = _LOOSE.sub(lambda found: found[1] or b"", reply.utf8())
    return replace(reply, body=mended, headers=Headers([])).json()


def courses_in(value: Any, about: str) -> list[PortalCourse]:
    """Errors  BadAnswer: no list, or a course without id"""
    return [PortalCourse(_id(fields, about), fields.text("name")) for fields in _listed(value, "courses", about)]


def classes_in(value: Any, course_id: str, options: Options, about: str) -> list[PortalClass]:
    """The classes of one course. An id that comes twice counts as the one that is not cancelled.

    Errors  BadAnswer: no list, or a class without id: it could be any of ours, so that none can be missed
    """
    found: dict[str, PortalClass] = {}
    for fields in _listed(value, "courseclasses", about):
        one = class_from(fields, options, class_id=_id(fields, about), course_id=course_id)
        if one.course_id == course_id and (one.class_id not in found or found[one.class_id].cancelled):
            found[one.class_id] = one
    return list(found.values())


def class_from(fields: Fields, options: Options, *, class_id: str, course_id: str) -> PortalClass:
    """A class as the answers to E1, E2 and E6 show it."""
    price = fields.part("price")
    return PortalClass(
        class_id=class_id,
        course_id=fields.text("externalcourseid") or course_id,
        cancelled=bool(fields.flag("cancelled")),
        location=fields.text("location"),
        seats=fields.whole("availableseats"),
        enrollment_deadline=date_in(fields.text("enrollmentdeadline"), options),
        cancellation_deadline=date_in(fields.text("cancellationdeadline"), options),
        start_date=date_in(fields.text("startdate"), options),
        start_time=time_in(fields.text("starttime"), options),
        end_date=date_in(fields.text("enddate"), options),
        end_time=time_in(fields.text("endtime"), options),
        address=_address(fields.part("address")),
        currency=price.text("currency"),
        price_minor=amount_in(price.get("amount"), options),
    )


def booking_from(fields: Fields) -> PortalBooking | None:
    """A booking as E7 shows it; None for an object that is no booking."""
    if not any(_line(fields, name) for name in ("bookingreference", "externalcourseclassid", "enrollmentstatus")):
        return None
    return PortalBooking(
        reference=_line(fields, "bookingreference"),
        class_id=_line(fields, "externalcourseclassid"),
        student=_person(fields),
        enroller=_person(fields.part("enroller")),
        birth_date=_iso_date(fields.text("birthdate")),
        company=_line(fields, "company"),
        status=(_line(fields, "enrollmentstatus") or "").upper() or None,
        comment=_bounded(fields.text("commentonenrollment"), _MOST_COMMENT, _CONTROLS_IN_LINES),
        purchase_order=_line(fields, "purchaseordernumber"),
    )


def _person(fields: Fields) -> PortalPerson:
    email = fields.text("email")
    if email is not None and len(email) > _MOST_EMAIL:  # what is left of an address may be somebody else's
        email = None
    return PortalPerson(
        _line(fields, "firstname"),
        _line(fields, "lastname"),
        _bounded(email, _MOST_EMAIL, _CONTROLS),
        _line(fields, "phone"),
    )


def _line(fields: Fields, name: str) -> str | None:
    return _bounded(fields.text(name), _MOST, _CONTROLS)


def _bounded(text: str | None, most: int, controls: re.Pattern[str]) -> str | None:
    """So much of a text, with blanks for the characters that would forge a line or end a text early."""
    return controls.sub(" ", text[:most]).strip() or None if text else None


def _iso_date(text: str | None) -> str | None:
    """Shape   "1988-11-30"; None for a day that is not in the calendar, and for dates in other forms"""
    try:
        return text if text and date.fromisoformat(text).isoformat() == text else None
    except ValueError:
        return None


def _address(fields: Fields) -> Address | None:
    parts = [fields.text(name) for name in ("addressline1", "addressline2", "city", "zipcode", "country")]
    return Address(*(part or "" for part in parts)) if any(parts) else None


def _id(fields: Fields, about: str) -> str:
    found = fields.text("externalid")
    if found is None:
        raise BadAnswer(f"{about}: an entry of the list has no externalId", code="no_id")
    return found


def _listed(value: Any, name: str, about: str) -> Iterable[Fields]:
    """The objects of a bare list, or of the one under its name, or of the only list there is."""
    if isinstance(value, dict):
        named = {_name(key): inner for key, inner in value.items() if isinstance(inner, list)}
        value = named.get(name, next(iter(named.values())) if len(named) == 1 else None)
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise BadAnswer(f"{about}: expected a list of objects, {name} by name", code="no_list")
    return [Fields(one) for one in value]
