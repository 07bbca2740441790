"""Trainingportal's side: the two addresses that it calls, and what it is told.

Its documentation shows answers of HTTP 200 only, the outcome as a quoted word in the body: so a class that is full is
answered with 200 as well. Both are GETs that change something, and come again: the same question within a while is the
same booking, and cancelling twice is once.
"""

import re
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import Annotated, Any, Literal

import msgspec

from integrator.domain.portal import ReserveRequest, reference_from
from integrator.errors import Full, IntegratorError, NotBookable, NotFound
from integrator.gateway.answers import JSON, XML, Answer, as_xml
from integrator.gateway.call import Call
from integrator.gateway.failures import failure
from integrator.gateway.guard import Caller
from integrator.gateway.routes import Parameter, Reply, Route
from integrator.gateway.shapes import CancelAnswer, SeatAnswer, Text
from integrator.settings import Settings
from integrator.settings.model import PortalBookings, PortalReserve

Format = Literal["json", "xml"]
FIELDS = (
    *("studentFirstName", "studentLastName", "studentEmailAddress", "studentPhoneNumber", "studentBirthDate"),
    *("enrollerFirstName", "enrollerLastName", "enrollerEmailAddress", "enrollerPhoneNumber", "company"),
)
REFERENCES = ("bookingReference", "enrollmentReference")
_SIGNS = ("timestamp", "signature")
REPEAT_S = 600
# Without a name two students are one question: only what a time-out makes of one is taken for the same.
REPEAT_NAMELESS_S = 60
_NAMELESS = FIELDS[FIELDS.index("enrollerFirstName") :]
_AGAIN_S = 60
_LONGEST = 500
_CLASS = re.compile("[A-Za-z0-9._~-]{1,40}")

# What its users read, in Norwegian as in the examples of its documentation.
_FULL = "Ingen ledige plasser på kurset"
_NO_CLASS = "Kurset finnes ikke"
_NO_BOOKING = "Ukjent bookingreferanse"
_NOT_NOW = "Forespørselen kan ikke behandles akkurat nå; prøv igjen senere"
_CLOSED = "Kurset kan ikke bestilles"
_WHY = {
    "cancelled": "Kurset er avlyst",
    "begun": "Kurset har startet",
    "held": "Kurset er avholdt",
    "cancelled_just_now": "Bestillingen er nettopp avbestilt; prøv igjen om et minutt",
}
_IN_REVIEW = "Bestillingen er under behandling; ta kontakt med kurstilbyderen"
_TWICE = "er ikke entydig"


def reserve(call: Call, *, wanted: Format | None, signed: bool) -> Answer:
    tell = partial(_told, call, wanted)
    found = _request(call)
    if isinstance(found, str):
        return tell(400, SeatAnswer(successful="false", errorMessage=found))
    mark = call.query("signature") if signed else None
    try:
        reference = (_answered(call, mark) if mark else None) or _reserve(call, found)
    except (Full, NotBookable, NotFound) as error:
        no = tell(200, SeatAnswer(successful="false", errorMessage=_reason(error)))
        return replace(no, note=getattr(error, "code", "not_found"))
    except (IntegratorError, sqlite3.Error, OSError) as error:
        return _later(error, lambda status: tell(status, SeatAnswer(successful="false", errorMessage=_NOT_NOW)))
    if mark:
        call.here.signatures.keep(mark, reference)
    return tell(200, SeatAnswer(successful="true", bookingReference=reference))


def _answered(call: Call, mark: str) -> str | None:
    """What this signature was answered with, whatever became of the booking; None: a restore has forgotten it."""
    known = call.here.signatures.answered(mark)
    if known is None:
        return None
    with call.here.reading() as db:
        is_there = db is not None and db.value("SELECT 1 FROM bookings WHERE reference = ?", (known,))
        return known if is_there else None


def cancel(call: Call, *, wanted: Format | None) -> Answer:
    tell = partial(_told, call, wanted)
    if twice := _twice(call, _SIGNS):
        return tell(400, CancelAnswer(cancelled="false", errorMessage=twice))
    given = {reference_from(text) for name in REFERENCES for text in call.values(name)}
    if len(given) != 1:
        what = "stemmer ikke overens" if given else "mangler"
        return tell(400, CancelAnswer(cancelled="false", errorMessage=f"{' og '.join(REFERENCES)} {what}"))
    from integrator.jobs import reseller_desk

    try:
        with call.here.desk(make=False) as desk:
            done = reseller_desk.cancel(desk, given.pop())
    except NotFound:
        return tell(200, CancelAnswer(cancelled="false", errorMessage=_NO_BOOKING))
    except (IntegratorError, sqlite3.Error, OSError) as error:
        return _later(error, lambda status: tell(status, CancelAnswer(cancelled="false", errorMessage=_NOT_NOW)))
    if not done:
        return tell(200, CancelAnswer(cancelled="false", errorMessage=_IN_REVIEW))
    return tell(200, CancelAnswer(cancelled="true"))


def _request(call: Call) -> ReserveRequest | str:
    """What is asked for, or what is wrong with it."""
    name = class_parameter(call.here.settings)
    if twice := _twice(call, (name, *FIELDS, *_SIGNS)):
        return twice
    class_id = call.query(name)
    if class_id is None:
        return f"{name} mangler"
    if long := [field for field in FIELDS if any(len(text) > _LONGEST for text in call.request.args.getlist(field))]:
        return f"{', '.join(long)}: for lang"
    return ReserveRequest(class_id, {field: value for field in FIELDS if (value := call.query(field))})


def _twice(call: Call, names: Iterable[str]) -> str:
    """What is wrong when parameters stand there more than once, and not the same; "": none does."""
    found = [name for name in names if len(call.values(name)) > 1]
    return f"{', '.join(found)} {_TWICE}" if found else ""


def class_parameter(settings: Settings) -> str:
    """How it names the class: its documentation does not say."""
    portal = settings.trainingportal
    return (PortalReserve() if portal is None else portal.reserve).param_class


def _reserve(call: Call, request: ReserveRequest) -> str:
    """Errors  as reseller_desk.reserve"""
    from integrator.jobs import reseller_desk

    if not _CLASS.fullmatch(request.class_id):
        raise NotFound("there is no class of such a number")
    nameless = all(name in _NAMELESS for name in request.fields)
    repeat_s = REPEAT_NAMELESS_S if nameless else REPEAT_S
    with call.here.desk() as desk:
        portal = call.here.settings.trainingportal
        looks_s = (portal.booking if portal else PortalBookings()).confirm_retry
        return reseller_desk.reserve(desk, request, repeat_s=repeat_s, first_look_s=looks_s[0])


def _reason(error: Full | NotBookable | NotFound) -> str:
    if isinstance(error, NotFound):
        return _NO_CLASS
    return _FULL if isinstance(error, Full) else _WHY.get(error.code, _CLOSED)


def _later(error: Exception, tell: Callable[[int], Answer]) -> Answer:
    """Nothing was done: the status says so to programs, the body to whoever reads it as documented.

    Errors  sqlite3.Error: our own mistake, whose place is to be written down
    """
    as_problem = failure(error)
    if as_problem.status == 500:
        raise error
    status = 503 if as_problem.status > 500 else as_problem.status
    told = tell(status)
    headers = {"Retry-After": str(_AGAIN_S)} if status == 503 else {}
    return Answer(status, told.body, told.kind, headers | dict(as_problem.headers), as_problem.note)


def _told(call: Call, wanted: Format | None, status: int, told: msgspec.Struct) -> Answer:
    if (wanted or _format(call)) == "xml":
        return Answer(status, as_xml(told), f"{XML}; charset=utf-8")
    return Answer(status, told)


def _format(call: Call) -> Format:
    """JSON, unless the caller would rather have XML."""
    found = call.request.accept_mimetypes.best_match([JSON, XML, "text/xml"], default=JSON)
    return "json" if found == JSON else "xml"


# the table ----------------------------------------------------------------------------------------------------------

_Known = Annotated[str, msgspec.Meta(max_length=_LONGEST)]
_TOKEN = Parameter("token", "path", str, "The part of the address that nobody else knows.", required=True)
_SIGNED = (
    Parameter("timestamp", "query", str, "When it was signed: epoch seconds, 5 minutes off at most.", required=True),
    Parameter("signature", "query", str, "HMAC-SHA256, as hex.", required=True),
)
_CANCELS = tuple(
    Parameter(name, "query", str, "The reference that reserve gave; one of the two.") for name in REFERENCES
)


def _reserves(settings: Settings) -> tuple[Parameter, ...]:
    known = (Parameter(field, "query", _Known, "As it is known, if it is.") for field in FIELDS)
    name = class_parameter(settings)
    return (Parameter(name, "query", Text, "The number of a class.", required=True), *known)


def _replies(kind: Any, formats: tuple[str, ...]) -> dict[int, Reply]:
    return {
        200: Reply("What came of it: the flag says whether it was done.", kind, formats),
        400: Reply("What was asked for cannot be told.", kind, formats),
        503: Reply("Nothing was done: come again after Retry-After seconds.", kind, formats),
    }


def routes(settings: Settings) -> tuple[Route, ...]:
    """Every address of Trainingportal: by token or signed, with and without a suffix."""
    ways: tuple[tuple[Caller, str, tuple[Parameter, ...]], ...] = (
        ("token", "/trainingportal/{token}/", (_TOKEN,)),
        ("signature", "/trainingportal/", _SIGNED),
    )
    return tuple(route for way in ways for wanted in (None, "json", "xml") for route in _pair(settings, *way, wanted))


def _pair(
    settings: Settings, caller: Caller, base: str, own: tuple[Parameter, ...], wanted: Format | None
) -> tuple[Route, Route]:
    suffix = "" if wanted is None else f".{wanted}"
    formats = {None: (JSON, XML), "json": (JSON,), "xml": (XML,)}[wanted]
    name = f"{caller}{'_' + wanted if wanted else ''}"
    how = ", signed" if caller == "signature" else ""
    more = "By Accept JSON, or XML." if wanted is None else f"Always as {wanted.upper()}."
    return (
        Route(
            *(
                "GET",
                f"{base}reserve{suffix}",
                f"reserve_by_{name}",
                "trainingportal",
                f"Reserve a seat of a class{how}.",
            ),
            partial(reserve, wanted=wanted, signed=caller == "signature"),
            _replies(SeatAnswer, formats),
            caller,
            (*own, *_reserves(settings)),
            changes=True,
            more=f"{more} The same question within {REPEAT_S // 60} minutes is the same booking.",
        ),
        Route(
            *("GET", f"{base}cancel{suffix}", f"cancel_by_{name}", "trainingportal", f"Cancel a booking{how}."),
            partial(cancel, wanted=wanted),
            _replies(CancelAnswer, formats),
            caller,
            (*own, *_CANCELS),
            changes=True,
            more=f"{more} Twice is once.",
        ),
    )
