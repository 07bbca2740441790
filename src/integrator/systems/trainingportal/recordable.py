"""What of Trainingportal's traffic may stay in a recording: classes as they are, of a booking its ids and its status.

A comment can tell of somebody's health, and a document is a person's: both are replaced, as what nobody named is.
"""

import re

from integrator.systems.recordable import Call, Fields, Items, May, Recordable, Shape
from integrator.systems.trainingportal.options import Options

_LOGIN: dict[str, Shape] = {"username": May.LOGIN}
_ERROR: dict[str, Shape] = {
    **dict.fromkeys(("sucessful", "successful"), May.YESNO),
    **dict.fromkeys(("errorMessage", "errorMesssage"), May.TEXT),
}
_PLACE = dict.fromkeys(("addressLine1", "addressLine2", "city", "zipCode", "country"), May.TEXT)
_PRICE: dict[str, Shape] = {"currency": May.CODE, "amount": May.AMOUNT}
_FACTS: dict[str, Shape] = {
    **dict.fromkeys(("externalId", "courseExternalId", "externalCourseId"), May.CODE),
    "location": May.TEXT,
    "availableSeats": May.NUMBER,
    **dict.fromkeys(("enrollmentDeadline", "erollmentDeadline", "cancellationDeadline"), May.MOMENT),
    **dict.fromkeys(("startDate", "startTime", "endDate", "endTime"), May.MOMENT),
    **dict.fromkeys(("cancelled", "sendScheduleInfoToParticipants"), May.YESNO),
    **{f"address.{name}": shape for name, shape in _PLACE.items()},
    **{f"price.{name}": shape for name, shape in _PRICE.items()},
}
_CLASS: dict[str, Shape] = {**_FACTS, "address": Fields(_PLACE), "price": Fields(_PRICE)}
_PERSON: dict[str, Shape] = {
    **dict.fromkeys(("firstName", "firstname", "lastName", "lastname"), May.NAME),
    "email": May.EMAIL,
    "phone": May.PHONE,
}
_BOOKING: dict[str, Shape] = {
    **_PERSON,
    "enroller": Fields(_PERSON),
    **dict.fromkeys(("bookingReference", "externalCourseClassId", "enrollmentStatus"), May.CODE),
}


def recordable(options: Options) -> Recordable:
    """Say what may stay, by the paths that are in use."""
    form, answer = Fields({**_LOGIN, **_FACTS}), Fields({**_CLASS, **_ERROR})
    course = Fields({"externalId": May.CODE, "name": May.TEXT})
    status = Fields({**_LOGIN, "newStatus": May.CODE, "completionDate": May.MOMENT})
    classes = "v1/courses/get/{course}/courseClasses"
    return Recordable(
        (
            _call(options.get_courses, Fields(_LOGIN), Fields({"courses": Items(course), **_ERROR})),
            _call(options.get_classes, Fields(_LOGIN), Fields({"courseClasses": Items(Fields(_CLASS)), **_ERROR})),
            _call(options.cancel_path, form, Fields(_ERROR)),
            _call(f"{classes}/(?:add|update)", form, answer),
            _call(f"{classes}/restore/{{class}}", form, Fields(_ERROR)),
            _call("v1/booking/get/{booking}", Fields(_LOGIN), Fields({**_BOOKING, **_ERROR})),
            _call("v1/booking/update/{booking}", status, Fields(_ERROR)),
            _call(options.upload, Fields(_LOGIN), Fields(_ERROR)),
        )
    )


def _call(template: str, request: Shape, answer: Shape) -> Call:
    return Call(re.compile("/" + re.sub(r"\{\w+\}", "[^/]+", template.replace(".", r"\."))), request, answer)
