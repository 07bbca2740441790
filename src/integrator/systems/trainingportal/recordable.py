"""What of Trainingportal's traffic may stay in a recording: facts of classes, states and words of the interface.

Of a booking nothing stays but its class, its state and its days; who takes it, who pays, what they ask for and the
reference that it is known by are replaced. Credentials stand in every request, and nothing is left of them. A document
is its size.
"""

import re

from integrator.domain.portal import STATUSES
from integrator.systems.recordable import Call, Fields, Items, May, Recordable, Said, Shape, Words
from integrator.systems.trainingportal.options import Options
from integrator.systems.trainingportal.words import SPOKEN, bare

_LOGIN: dict[str, Shape] = {"username": May.LOGIN, "password": May.SECRET}
_FLAGS: dict[str, Shape] = dict.fromkeys(("successful", "sucessful", "succesful"), May.YESNO)
_MESSAGES = ("errormessage", "errormesssage")
_ADDRESS: dict[str, Shape] = {
    **dict.fromkeys(("addressline1", "addressline2", "city", "country"), May.TEXT),
    "zipcode": May.ID,
}
_PRICE: dict[str, Shape] = {"currency": May.CODE, "amount": May.AMOUNT}
_DATES = ("enrollmentdeadline", "erollmentdeadline", "cancellationdeadline", "startdate", "enddate")
_CLASS: dict[str, Shape] = {
    **dict.fromkeys(("externalid", "courseexternalid", "externalcourseid"), May.ID),
    "location": May.TEXT,
    "availableseats": May.NUMBER,
    **dict.fromkeys((*_DATES, "starttime", "endtime"), May.MOMENT),
    **{f"address.{name}": shape for name, shape in _ADDRESS.items()},
    **{f"price.{name}": shape for name, shape in _PRICE.items()},
    **dict.fromkeys(("cancelled", "sendscheduleinfotoparticipants"), May.YESNO),
}
_STATES = Words(frozenset(status.casefold() for status in (*STATUSES, "CANCELLED")))
_PERSON: dict[str, Shape] = {
    **dict.fromkeys(("firstname", "lastname"), May.NAME),
    "email": May.EMAIL,
    "phone": May.PHONE,
}
_BOOKING: dict[str, Shape] = {
    **_PERSON,
    **{f"enroller.{name}": shape for name, shape in _PERSON.items()},
    "bookingreference": May.REFERENCE,
    "externalcourseclassid": May.ID,
    "birthdate": May.BIRTHDAY,
    "enrollmentstatus": _STATES,
    **dict.fromkeys(("company", "commentonenrollment", "purchaseordernumber"), May.NOTHING),
}


def recordable(options: Options) -> Recordable:
    """Say what may stay, by the paths that are configured."""
    words = re.findall(r"\w+", " ".join((*_CLASS, *options.login_words)))
    spoken = Said(SPOKEN | {bare(word) for word in words})
    told: dict[str, Shape] = {**_FLAGS, **dict.fromkeys(_MESSAGES, spoken)}
    one = Fields({**_CLASS, "address": _loose(_ADDRESS), "price": _loose(_PRICE), **told}, loose=True)
    course = _loose({"externalid": May.ID, "name": May.TEXT})
    courses, classes = (
        # In a list of this name, of another one, or of none.
        Fields({**of.of, **told, name: Items(of)}, rest=Items(of), loose=True)
        for name, of in (("courses", course), ("courseclasses", one))
    )
    ours = Fields({**_LOGIN, **_CLASS}, loose=True)
    booking = _loose({**_BOOKING, "enroller": _loose(_PERSON), **told})
    update = _loose({**_LOGIN, "newstatus": _STATES, "completiondate": May.MOMENT})
    written = "v1/courses/get/{course}/courseClasses"
    return Recordable(
        (
            _call(options.get_courses, _loose(_LOGIN), courses),
            _call(options.get_classes, _loose(_LOGIN), classes),
            *(_call(f"{written}/{action}", ours, one) for action in ("add", "update", "restore/{class}")),
            _call(options.cancel_path, ours, one),
            _call("v1/booking/get/{booking}", _loose(_LOGIN), booking),
            _call("v1/booking/update/{booking}", update, _loose(told)),
            _call(options.upload, _loose(_LOGIN), _loose(told)),
        ),
        loose=True,
    )


def _loose(of: dict[str, Shape]) -> Fields:
    return Fields(of, loose=True)


def _call(path: str, request: Shape, answer: Shape) -> Call:
    """One call by its path below base_url, in which {course}, {class} and {booking} stand for ids."""
    parts = re.split(r"\{(\w+)\}", path)
    pattern = "".join(f"(?P<{part}>[^/]+)" if number % 2 else re.escape(part) for number, part in enumerate(parts))
    segments = {name: May.REFERENCE if name == "booking" else May.ID for name in parts[1::2]}
    return Call(re.compile(f"/{pattern}"), request, answer, segments=segments)
