"""The calls of Trainingportal's API for course providers, E1 to E9: forms, with the credentials in every body."""

from collections.abc import Callable, Mapping
from typing import Any

from integrator.domain.portal import ClassFacts, PortalBooking, PortalClass, PortalCourse
from integrator.errors import BadAnswer, InDoubt, Postponed, Refused, Rejected
from integrator.systems.http import Http, Reply, quoted
from integrator.systems.http.request import Sealed
from integrator.systems.trainingportal.forms import all_of, changed
from integrator.systems.trainingportal.judging import SYSTEM, is_good, refusal, sure, yes
from integrator.systems.trainingportal.options import Options
from integrator.systems.trainingportal.reading import (
    Fields,
    booking_from,
    class_from,
    classes_in,
    courses_in,
    json_of,
    said_in,
)

_CLASSES = "v1/courses/get/{course}/courseClasses"  # "get" stands in the paths that write, too
_GOOD = tuple(range(200, 300))
_BASE_HINT = "integrator check trainingportal  (is [trainingportal] base_url right?)"


class Calls:
    """One method per call. references: their reference of a booking of ours, as far as we know it."""

    def __init__(
        self,
        http: Http,
        *,
        username: str,
        password: Sealed,
        options: Options,
        references: Callable[[str], str | None] | None,
    ) -> None:
        self.options = options
        self._http = http
        self._username, self._password = username, password
        self._login = {"username": username, "password": password}
        self._references = references

    def close(self) -> None:
        self._http.close()

    # reads --------------------------------------------------------------------------------------

    def courses(self) -> list[PortalCourse]:
        """E5. Errors  Refused, also for a no; Unavailable; BadAnswer"""
        doing = "list the courses"
        reply = self._ask(self.options.get_courses, doing)
        no = self._refusal(reply, doing)
        if isinstance(no, Rejected):  # there is nothing in it but our login and the address
            raise Refused(no.message, hint=_BASE_HINT)
        if no is not None:
            raise no
        return courses_in(json_of(reply), reply.about)

    def classes(self, course_id: str) -> list[PortalClass]:
        """E6. Errors  Rejected: no such course, or an id that no address can carry; else as courses"""
        doing = f"list the classes of {course_id}"
        reply = self._ask(self._path(self.options.get_classes, course=course_id), doing)
        if (no := self._refusal(reply, doing)) is not None:
            raise no
        return classes_in(json_of(reply), course_id, self.options, reply.about)

    def booking(self, reference: str) -> PortalBooking | None:
        """E7. None: there is none of this reference, or not yet. Errors  Refused; Unavailable; BadAnswer"""
        doing = f"read booking {reference}"
        path = self._path("v1/booking/get/{booking}", booking=self._theirs(reference) or reference)
        reply = self._ask(path, doing)
        no = self._refusal(reply, doing, people=True)
        if isinstance(no, Rejected):
            return None
        if no is not None:
            raise no
        found = json_of(reply)
        booking = booking_from(Fields(found)) if isinstance(found, dict) else None
        if booking is None:
            raise BadAnswer(f"{reply.about}: the answer is no booking", code="no_booking")
        return booking

    # writes: Rejected (this item), Refused (all), Unavailable, InDoubt ----------------------------

    def add(self, facts: ClassFacts) -> PortalClass:
        """E1. Rejected with code "exists": answered 409, as for an id that is taken (assumed)"""
        doing = f"add {facts.class_id}"
        form = all_of(facts, self.options)
        reply = self._post(f"{_CLASSES}/add", form, doing, facts.course_id, facts.class_id)
        if reply.status == 409:
            raise Rejected(f"{reply.about}: answered 409", code="exists")
        return self._class_in(reply, doing, facts)

    def update(self, facts: ClassFacts, names: list[str], *, tell: bool) -> PortalClass:
        """E2, of these fields. tell: students get calendar information of it."""
        doing = f"update {facts.class_id}"
        form = changed(facts, names, self.options, tell=tell)
        reply = self._post(f"{_CLASSES}/update", form, doing, facts.course_id, facts.class_id)
        return self._class_in(reply, doing, facts)

    def restore(self, course_id: str, class_id: str) -> bool:
        """E3. False: it is not cancelled (409). Rejected with code "gone": no such class (404)"""
        doing = f"restore {class_id}"
        reply = self._post(f"{_CLASSES}/restore/{{class}}", {}, doing, course_id, class_id)
        if reply.status == 409:
            return False
        if reply.status == 404:
            raise Rejected(f"{reply.about}: answered 404", code="gone")
        self._yes(reply, doing)
        return True

    def cancel(self, course_id: str, class_id: str) -> None:
        """E4."""
        doing = f"cancel {class_id}"
        form = {"externalId": class_id} if self.options.cancel_style == "form" else {}
        self._yes(self._post(self.options.cancel_path, form, doing, course_id, class_id), doing)

    def set_status(self, reference: str, form: Mapping[str, str]) -> None:
        """E8. Errors  Postponed: their own reference is asked for, and not known yet; as every write"""
        doing = f"tell the status of {reference}"
        path = self._path("v1/booking/update/{booking}", booking=self._need_theirs(reference))
        self._yes(self._send(path, form, doing), doing, people=True)

    def upload(self, reference: str, filename: str, content: bytes) -> None:
        """E9. Errors  as set_status"""
        doing = f"upload a document of {reference}"
        path = self._path(self.options.upload, booking=self._need_theirs(reference))
        part = (filename, content, self.options.upload_content_type)
        files, wait_s = {self.options.upload_part: part}, self.options.upload_timeout_s
        self._yes(self._send(path, {}, doing, files=files, timeout_s=wait_s), doing, people=True)

    # how ------------------------------------------------------------------------------------------

    def _ask(self, path: str, doing: str) -> Reply:
        judged = (*self.options.item_statuses, *self.options.login_statuses)
        return self._http.ask(path, doing=doing, form=self._login, ok=(*_GOOD, *judged))

    def _post(self, path: str, form: Mapping[str, str], doing: str, course_id: str, class_id: str) -> Reply:
        # Both ids are looked at whatever the path: a class that could not be cancelled must not be added.
        return self._send(self._path(path, course=course_id, **{"class": class_id}), form, doing)

    def _send(self, path: str, form: Mapping[str, str], doing: str, **more: Any) -> Reply:
        try:
            return self._http.send("POST", path, doing=doing, form={**self._login, **form}, **more)
        except InDoubt as doubt:
            raised = sure(doubt)
        raise raised

    def _path(self, template: str, **ids: str) -> str:
        """Errors  BadRecord: an id that no address can carry"""
        for name, value in ids.items():
            template = template.replace(f"{{{name}}}", quoted(value, field=f"the id of the {name}", letters=True))
        return template

    def _class_in(self, reply: Reply, doing: str, facts: ClassFacts) -> PortalClass:
        fields = self._yes(reply, doing)
        if fields.text("externalid") != facts.class_id.strip():
            raise InDoubt(f"{reply.about}: the answer is not about this class; nobody knows whether it was done")
        return class_from(fields, self.options, class_id=facts.class_id, course_id=facts.course_id)

    def _yes(self, reply: Reply, doing: str, *, people: bool = False) -> Fields:
        return yes(reply, doing, self.options, hidden=self._hidden(), people=people)

    def _refusal(self, reply: Reply, doing: str, *, people: bool = False) -> Refused | Rejected | None:
        no = refusal(reply.status, said_in(reply), doing, self.options, hidden=self._hidden(), people=people)
        assert no is not None or is_good(reply.status), "http gives back no others"
        return no

    def _hidden(self) -> list[str]:
        return [self._username, self._password.reveal()]

    def _theirs(self, reference: str) -> str | None:
        if self.options.reference_source == "own":
            return reference
        return self._references(reference) if self._references else None

    def _need_theirs(self, reference: str) -> str:
        theirs = self._theirs(reference)
        if theirs is None:
            text = f"{SYSTEM}: {reference}: its reference at Trainingportal is not known yet"
            raise Postponed(text, code="no_reference")
        return theirs
