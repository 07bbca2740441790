"""The calls of a provider, E1 to E9, on what the Trainingportal stand-in has. HTTP and failures are the package's."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from integrator.standins.mailgun.forms import Form
from integrator.standins.trainingportal import answers
from integrator.standins.trainingportal.bookings import Bookings, keep_document, set_status
from integrator.standins.trainingportal.classes import Classes, CourseClass
from integrator.standins.trainingportal.parameters import SEND, Refused, facts_to_add, facts_to_change, single
from integrator.standins.trainingportal.settings import Settings
from integrator.standins.wire import Answer, Request

COURSE = "v1/courses/get/{course}/courseClasses"
NO_CLASS = "Course class does not exist"


@dataclass(frozen=True)
class Call:
    """One call that came with the right credentials. ids are what stood in its path."""

    request: Request
    form: Form
    ids: dict[str, str]

    @property
    def fields(self) -> dict[str, str]:
        return single(self.form)


Route = Callable[["Portal", Call], Answer]


class Portal:
    """Not thread-safe: the stand-in's lock is held around every call."""

    def __init__(self, clock: Callable[[], datetime], before: "Portal | None" = None) -> None:
        self._clock = clock
        self.settings = Settings()
        self.classes = Classes()
        self.bookings: Bookings = Bookings(before.bookings if before else None)
        self.calls: list[dict[str, Any]] = []

    def now(self) -> datetime:
        return (self.settings.now or self._clock()).astimezone(UTC)

    def route(self, below_base: str) -> tuple[Route, dict[str, str]] | None:
        """What a path, still percent-encoded, asks for; None when there is nothing at it."""
        given = below_base.split("/")
        for template, found in self._routes().items():
            ids = _matched(template.split("/"), given)
            if ids is not None:
                return found, ids
        return None

    def _routes(self) -> dict[str, Route]:
        paths = self.settings.paths
        cancel = paths.cancel_class + ("/{class}" if self.settings.cancel_style == "path" else "")
        return {
            paths.get_courses: Portal.get_courses,
            paths.get_classes: Portal.get_classes,
            f"{COURSE}/add": Portal.add,
            f"{COURSE}/update": Portal.update,
            f"{COURSE}/restore/{{class}}": Portal.restore,
            cancel: Portal.cancel,
            "v1/booking/get/{reference}": Portal.get_booking,
            "v1/booking/update/{reference}": Portal.update_booking,
            paths.upload: Portal.upload,
        }

    def purge(self) -> None:
        self.classes.purge(self.now(), self.settings.restorable_s)

    def note_call(self, kind: str, status: int | None, reference: str) -> None:
        """Remember that the provider was called, and what came of it."""
        self.calls.append({"kind": kind, "status": status, "reference": reference})

    def state(self) -> dict[str, Any]:
        """What is there now, and which of our calls were answered how.

        Shape   {"courses": {id: name}, "classes": [{"course", "class", "cancelled", "students", …E1's names}],
                "bookings": [{"reference", "portal_reference", "class", "status", "completed_on", "cancelled", "looks",
                "comment", "purchase_order", "fields": {}, "statuses": [{"status", "completed_on"}],
                "documents": [{"name", "sha256", "size"}]}], "calls": [{"kind", "status", "reference"}]}
        """
        classes = [self._shown(one) for one in self.classes]
        bookings = [one.shown() for one in self.bookings]
        return {"courses": self.settings.courses, "classes": classes, "bookings": bookings, "calls": list(self.calls)}

    def _shown(self, one: CourseClass) -> dict[str, Any]:
        facts = {**one.facts, "price.amount": str(one.facts["price.amount"])}
        ids = {"course": one.course_id, "class": one.class_id, "cancelled": one.cancelled}
        return {**ids, "students": self.bookings.enrolled(one.class_id), **facts}

    # classes

    def get_courses(self, call: Call) -> Answer:
        return self._json(answers.courses_object(self.settings))

    def get_classes(self, call: Call) -> Answer:
        classes = self.classes.of(self._course(call))
        return self._json(answers.classes_object(self.settings, classes))

    def add(self, call: Call) -> Answer:
        course_id, class_id = self._course(call), self._external_id(call)
        one = self.classes.add(course_id, class_id, facts_to_add(call.fields, self.settings))
        self._record(call, "add", one, dict(one.facts))
        return self._json(answers.class_object(self.settings, one))

    def update(self, call: Call) -> Answer:
        one = self._class(self._course(call), self._external_id(call))
        facts = facts_to_change(call.fields, self.settings)
        changed = self.classes.change(one, facts)
        changed.pop(SEND, None)
        self._record(call, "update", one, changed)
        return self._json(answers.class_object(self.settings, one))

    def restore(self, call: Call) -> Answer:
        """E3 says by its HTTP status what is the matter, whatever was staged for other failures."""
        one = self.classes.find(self._course(call), call.ids["class"])
        if one is None:
            return self._json(answers.said(self.settings, ok=False, message=NO_CLASS, boolean=True), 404)
        if not one.cancelled:
            told = answers.said(self.settings, ok=False, message="Course class is already published", boolean=True)
            return self._json(told, 409)
        one.cancelled_at = None
        self._record(call, "restore", one, {})
        return self._json(answers.said(self.settings, ok=True, boolean=True))

    def cancel(self, call: Call) -> Answer:
        course_id = self._course(call)
        one = self._class(course_id, call.ids["class"] if "class" in call.ids else self._external_id(call))
        if not one.cancelled:
            enrolled = self.bookings.enrolled(one.class_id)
            one.cancelled_at = self.now()
            if not enrolled:
                self.classes.remove(one)
            facts = {"course": one.course_id, "class": one.class_id, "deleted": not enrolled, "students": enrolled}
            call.request.effect(kind="class", action="cancel", **facts)
        return self._json(answers.said(self.settings, ok=True, boolean=True))

    def _record(self, call: Call, action: str, one: CourseClass, changed: dict[str, Any]) -> None:
        """mails: to how many students this call sent the dates once more, changed or not."""
        changed = {name: str(value) if name == "price.amount" else value for name, value in changed.items()}
        mails = self.bookings.enrolled(one.class_id) if action != "restore" and one.facts[SEND] else 0
        facts = {"course": one.course_id, "class": one.class_id, "changed": changed, "mails": mails}
        call.request.effect(kind="class", action=action, **facts, send=action != "restore" and one.facts[SEND])

    def _course(self, call: Call) -> str:
        course_id = call.ids["course"]
        if course_id not in self.settings.courses:
            raise Refused("Course does not exist", "unknown")
        return course_id

    def _class(self, course_id: str, class_id: str) -> CourseClass:
        one = self.classes.find(course_id, class_id)
        if one is None:
            raise Refused(NO_CLASS, "unknown")
        return one

    def _external_id(self, call: Call) -> str:
        class_id = call.fields.get("externalId", "")
        if not class_id.strip():
            raise Refused("externalId is required")
        return class_id

    # bookings

    def get_booking(self, call: Call) -> Answer:
        booking = self.bookings.look(call.ids["reference"], self.settings, self.now())
        return self._json(answers.booking_object(self.settings, booking))

    def update_booking(self, call: Call) -> Answer:
        booking = self.bookings.find(call.ids["reference"], self.settings, self.now())
        call.request.effect(kind="status", **set_status(booking, call.fields))
        return self._json(answers.said(self.settings, ok=True))

    def upload(self, call: Call) -> Answer:
        booking = self.bookings.find(call.ids["reference"], self.settings, self.now())
        wanted, files = self.settings.upload, call.form.files
        if len(files) != 1 or files[0].field != wanted.part or not files[0].filename:
            raise Refused(f"{wanted.part}: expected one file with a name")
        content = files[0].content
        if not content:
            raise Refused(f"{wanted.part}: the file is empty")
        if len(content) > wanted.most_bytes:
            raise Refused(f"{wanted.part}: larger than {wanted.most_bytes} bytes")
        if not content.startswith(wanted.starts.encode()):
            raise Refused(f"{wanted.part}: this kind of file is not allowed")
        call.request.effect(kind="document", **keep_document(booking, files[0].filename, content))
        return self._json(answers.said(self.settings, ok=True))

    def _json(self, body: Any, status: int = 200) -> Answer:
        return answers.as_json(self.settings, body, status)


def _matched(template: list[str], given: list[str]) -> dict[str, str] | None:
    """The ids in a path. An id may hold a slash as %2F: segments are told apart before they are decoded."""
    if len(template) != len(given):
        return None
    ids: dict[str, str] = {}
    for pattern, segment in zip(template, given, strict=True):
        if pattern.startswith("{"):
            ids[pattern.strip("{}")] = unquote(segment)
        elif pattern != segment:
            return None
    return ids if all(ids.values()) else None
