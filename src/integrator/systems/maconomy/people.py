"""One class: its seats now, and its participants, asked for while somebody waits for the answer."""

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from integrator.domain.courses import Course
from integrator.domain.participants import Participant
from integrator.errors import BadAnswer, BadRecord, ConfigError, NotFound, Problem, Unavailable
from integrator.systems.http import Http, Reply, once, quoted
from integrator.systems.maconomy.catalogue import SYSTEM, course_from
from integrator.systems.mapping import Endpoint, Mapping, Reader

ATTEMPTS = 2
_LEAST_S = 0.1  # with less left no second try is begun
_MAX_BYTES = 10_000_000
_CHECK = "integrator check maconomy"
# Without these nobody can be told from anybody else: a name that no record has any more is a changed interface.
_ESSENTIAL = ("first_name", "last_name", "email", "status")
_TEXTS = ("first_name", "last_name", "email", "company", "job_title", "external_reference")


class Participants(list[Participant]):
    """Who is on a class. unreadable counts further records that cannot be read; missing: our names no record has."""

    unreadable: int = 0
    missing: frozenset[str] = frozenset()


class OneClass:
    """Questions about one class: at most two tries, both within one deadline, nothing kept on disk."""

    def __init__(self, http: Http, mapping: Mapping, *, timeout_s: float) -> None:
        self._http = http
        self._mapping = mapping
        self._timeout_s = timeout_s
        self._kept = threading.local()  # a reader belongs to one thread

    def course(self, class_id: str) -> Course:
        """A class as it is now. Errors and source: see Maconomy.course."""
        endpoint = self.endpoint("course")
        if not endpoint.one:
            raise self._missing("[endpoint.course] one is missing: the place of a single course")
        doing = f"look up {_worded(class_id)}"
        try:
            reply = self._ask(endpoint.one, class_id, doing)
        except Unavailable as error:
            error.message += "; its free seats are not known: it cannot be booked now"
            raise
        reader, body = self._course_reader(endpoint), reply.utf8()
        with _judged(doing):
            course, _ = course_from(reader.read(reader.one(body)).record)
        if course.id != class_id:
            raise BadAnswer(f"{SYSTEM}: {doing}: the answer is about another class", code="other_id")
        return course

    def participants(self, class_id: str) -> Participants:
        """Who is on a class. Errors and source: see Maconomy.participants."""
        endpoint = self.endpoint("participant")
        if problems := people_problems(self._mapping):
            raise ConfigError(problems)
        doing = f"list the participants of {_worded(class_id)}"
        body, reader = self._ask(endpoint.path, class_id, doing).utf8(), endpoint.compile()
        with _judged(doing):
            raws = reader.items(body)
        people = _read(reader, raws, class_id)
        gone = [name for name in _ESSENTIAL if name in people.missing]
        if people.unreadable and not people:
            raise BadAnswer(
                f"{SYSTEM}: {doing}: none of {people.unreadable} records can be read", code="unreadable", hint=_CHECK
            )
        if gone:
            raise BadAnswer(
                f"{SYSTEM}: {doing}: no record has {', '.join(gone)} any more: the interface changed",
                code="changed",
                hint=f"{_CHECK}; then edit [endpoint.participant.fields] in {self._mapping.shown}",
            )
        return people

    def endpoint(self, name: str) -> Endpoint:
        """Errors  ConfigError: the mapping does not have it"""
        if name not in self._mapping.endpoints:
            raise self._missing(f"[endpoint.{name}] is missing")
        return self._mapping.endpoints[name]

    def _course_reader(self, endpoint: Endpoint) -> Reader:
        """Made once for each thread. One of participants is not kept: it counts the names of one answer."""
        if not hasattr(self._kept, "reader"):
            self._kept.reader = endpoint.compile()
        reader: Reader = self._kept.reader
        return reader

    def _missing(self, what: str) -> ConfigError:
        return ConfigError([Problem(self._mapping.shown, what)])

    def _ask(self, path: str, class_id: str, doing: str) -> Reply:
        where = path.replace("{course_id}", self._segment(class_id))
        ends_at = time.monotonic() + self._timeout_s
        reply = self._get(where, doing, ends_at)
        if reply.status == 404:
            raise NotFound(f"{SYSTEM}: {doing}: there is no such class", hint=f"{_CHECK}  (asked: {where})")
        return reply

    def _get(self, where: str, doing: str, ends_at: float, *, tries: int = ATTEMPTS) -> Reply:
        """Every try gets what is left of the deadline. Who asks to be left alone for a while is not asked again."""
        left_s = ends_at - time.monotonic()
        try:
            return self._http.get(
                where, doing=doing, timeout_s=left_s, max_bytes=_MAX_BYTES, ok=(200, 404), patience=once
            )
        except Unavailable as error:
            if tries == 1 or error.retry_after_s or ends_at - time.monotonic() < _LEAST_S:
                raise
        return self._get(where, doing, ends_at, tries=tries - 1)

    def _segment(self, class_id: str) -> str:
        """The id as part of an address. Errors  NotFound: it is none, so there is no such class"""
        fields = self._mapping.endpoints["course"].fields if "course" in self._mapping.endpoints else ()
        pattern = next((field.pattern for field in fields if field.name == "id" and field.pattern), "")
        try:
            if re.search(pattern, class_id, re.ASCII):
                return quoted(class_id)
        except BadRecord:
            pass
        raise NotFound(f"{SYSTEM}: {_worded(class_id)} is no number of a class; nothing was asked")


def people_problems(mapping: Mapping) -> list[Problem]:
    """What keeps a mapping's list of participants from being used, beyond what every endpoint needs."""
    endpoint = mapping.endpoints.get("participant")
    if endpoint is None:
        return [Problem(mapping.shown, "[endpoint.participant] is missing: who is on a class")]
    problems = []
    if "{course_id}" not in endpoint.path:
        problems.append("path: expected {course_id} in it, else every class has the same participants")
    names = {field.name for field in endpoint.fields}
    if not names & {"first_name", "last_name"}:
        problems.append("fields: neither first_name nor last_name is mapped")
    return [Problem(mapping.shown, f"[endpoint.participant] {what}") for what in problems]


def participant_from(record: dict[str, Any], class_id: str) -> Participant:
    """A mapped record as a participant of that class. Errors  BadRecord"""
    if record.get("course_id") not in (None, class_id):
        raise BadRecord("the participant belongs to another class", code="other_class", field="course_id")
    texts = {name: record.get(name) for name in _TEXTS}
    facts = {"id": record["id"], "course_id": class_id, "status": record.get("status") or "unknown"}
    try:
        return msgspec.convert(texts | facts, Participant)
    except msgspec.ValidationError:  # its own words may hold the value
        raise BadRecord("the record is no participant as we know one", code="bad_shape") from None


def _read(reader: Reader, raws: list[msgspec.Raw], class_id: str) -> Participants:
    people, by_id = Participants(), dict[str, Participant]()
    for raw in raws:
        try:
            person = participant_from(reader.read(raw).record, class_id)
        except BadRecord:
            people.unreadable += 1
            continue
        # The same one twice counts once; two different ones of one id cannot both be true.
        known = by_id.setdefault(person.id, person)
        people.unreadable += known != person
    people.extend(by_id.values())
    people.missing = frozenset(reader.missing_everywhere()) if raws else frozenset()
    return people


def _worded(class_id: str) -> str:
    """An id as a message may show it: it may be anything that somebody typed."""
    return class_id if re.fullmatch(r"[\w.-]{1,20}", class_id, re.ASCII) else "that"


@contextmanager
def _judged(doing: str) -> Iterator[None]:
    """What the reader says of an answer, as the error of a call; their words stay out: they may be about a person."""
    try:
        yield
    except BadAnswer as error:
        said = "the answer is an error" if error.code == "error_answer" else error.message
        raise BadAnswer(f"{SYSTEM}: {doing}: {said}", code=error.code, hint=error.hint) from None
    except BadRecord as error:
        raise BadAnswer(f"{SYSTEM}: {doing}: {error.message}", code=error.code, hint=_CHECK) from None
