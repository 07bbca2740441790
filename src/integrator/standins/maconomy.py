"""The Maconomy stand-in: a private endpoint that lists courses, tells free seats and registers participants.

Everything about it is assumed. `seed` understands, besides what `Plan` has (courses, main_courses, random, first_day,
bytes_per_course):

    {"nasty": true}                    some twenty records that hurt, besides the others
    {"records": {"course": […]}}       these and no others; also maincourse, participant {course id: […]}
    {"participants": true}             invented participants, as many as a course says it has
    {"dialect": "native-style"}        or "assumed"
    {"change": {"percent": 1, "random": 7}} · {"set": {"25172-04": {"freeSeats": 3}}} · {"remove": ["25172-05"]}
    {"add": [record, …]} · {"restore": true}
    {"locked": true}                   or a list of course ids: registering there answers 503 LOCKED
    {"refuse": {"ILI-10001-2": "VALIDATION"}}   this reference or e-mail address is answered with that error
    {"unreadable": {"25172-04": 2}}    so many records without an id among the participants of a course
    {"unique_references": true}        the same externalReference again answers 200 with the same participant
    {"auth_header": "X-Api-Key", "auth_value": "…"} · {"gzip": true}
"""

import hmac
import json
from random import Random
from typing import Any

import msgspec

from integrator.standins import catalogue, maconomy_native, maconomy_registration
from integrator.standins.base import Answer, Request, StandIn
from integrator.standins.catalogue import Plan, Record
from integrator.standins.guide import Guide
from integrator.standins.maconomy_table import Table

DIALECTS = {"assumed", "native-style"}
PLAN = {"courses", "main_courses", "random", "first_day", "bytes_per_course"}
BUILD = PLAN | {"nasty", "records", "participants"}
SETTINGS = {
    *("dialect", "locked", "refuse", "unreadable", "unique_references", "auth_header", "auth_value", "gzip"),
}
CHANGES = {"restore", "change", "set", "remove", "add"}
AUTH = "Bearer demo-maconomy-key"
REGISTERED_AT = "2026-11-22T10:15:03+01:00"


class Maconomy(StandIn):
    """The endpoint. Without settings: the four main courses, five courses and four participants of the samples."""

    name = "maconomy"
    guide = Guide(
        config='[maconomy]\nbase_url = "{url}"\nauth_value = {{ env = "MACONOMY_AUTH" }}',
        secrets=f"MACONOMY_AUTH={AUTH}",
        ask=f"-H 'Authorization: {AUTH}' {{url}}/api/course",
        seeds=(
            {"set": {"25172-04": {"freeSeats": 3, "currency": "NOK"}}},
            {"main_courses": 50, "courses": 300, "random": 1},
            {"locked": ["25172-04"]},
            {"refuse": {"ILI-10001-2": "VALIDATION"}},
        ),
        faults=(
            {"fault": {"kind": "status", "status": 503, "retry_after": 30}, "times": 1},
            {"match": {"method": "POST", "path": "/api/webparticipant"}, "fault": {"kind": "reset", "when": "after"}},
        ),
    )

    def __init__(self, settings: Record | None = None) -> None:
        super().__init__()
        self._first_settings = settings or {}
        self.mains = Table("mainCourseId", "maincourses")
        self.courses = Table("courseId", "courses")
        self.reset()

    # Staging

    def reset(self) -> None:
        with self.lock:
            self.dialect, self.gzip, self.unique_references = "assumed", False, False
            self.auth_header, self.auth_value = "Authorization", AUTH
            self.locked: bool | list[str] = False
            self.refuse: dict[str, str] = {}
            self.unreadable: dict[str, int] = {}
            self._seed = 1
            self._build({})
            self.seed(self._first_settings)

    def seed(self, settings: Record) -> Record:
        """Stage a catalogue, changes of it and ways to behave.

        Shape   gives back {"main_courses": 50, "courses": 300, "bytes": 283000, "changed": ["30000-01"]}
        Errors  ValueError for a setting or a record nobody knows
        """
        if unknown := set(settings) - BUILD - SETTINGS - CHANGES:
            raise ValueError(f"seed: unknown settings {sorted(unknown)}; known: {sorted(BUILD | SETTINGS | CHANGES)}")
        if settings.get("dialect", "assumed") not in DIALECTS:
            raise ValueError(f"seed: dialect is one of {sorted(DIALECTS)}")
        if not set(settings.get("refuse", {}).values()) <= set(maconomy_registration.REFUSALS):
            raise ValueError(f"seed: refuse with one of {sorted(maconomy_registration.REFUSALS)}")
        with self.lock:
            for name in SETTINGS & set(settings):
                setattr(self, name, settings[name])
            if BUILD & set(settings):
                self._build(settings)
            changed = self._change(settings)
            size = len(self.courses.whole(self.dialect)) + len(self.mains.whole(self.dialect))
            return {"main_courses": len(self.mains), "courses": len(self.courses), "bytes": size, "changed": changed}

    def _build(self, settings: Record) -> None:
        records = settings.get("records", {})
        mains, courses, self._participants = self._planned(settings)
        nasty_mains, nasty_courses = catalogue.nasty() if settings.get("nasty") else ([], [])
        self.mains.fill(_encoded(records["maincourse"]) if "maincourse" in records else mains + _encoded(nasty_mains))
        self.courses.fill(_encoded(records["course"]) if "course" in records else courses + _encoded(nasty_courses))
        self._participants = records.get("participant", self._participants)
        self._invent_participants = bool(settings.get("participants"))
        self._next_participant = 100300
        self.mains.keep()
        self.courses.keep()
        self._kept_participants = json.dumps(self._participants)

    def _planned(self, settings: Record) -> tuple[list[bytes], list[bytes], dict[str, list[Record]]]:
        if not PLAN & set(settings):
            mains, courses = (_encoded(catalogue.sample(name)) for name in ("maincourse", "course"))
            return mains, courses, catalogue.sample("participant")
        plan = Plan(**{name: settings[name] for name in PLAN & set(settings)})
        self._seed = plan.random
        records = list(catalogue.main_courses(plan))
        return _encoded(records), [msgspec.json.encode(course) for course in catalogue.courses(plan, records)], {}

    def _change(self, settings: Record) -> list[str]:
        """Carry out the changes; gives back the ids of what was changed."""
        if settings.get("restore"):
            self._restore()
        changed = self._change_share(**settings["change"]) if "change" in settings else []
        for record_id, values in settings.get("set", {}).items():
            self._table_of(record_id).update(record_id, values)
            changed.append(record_id)
        removed = [(name, self._table_of(name)) for name in settings.get("remove", [])]
        for table in (self.courses, self.mains):
            table.remove([name for name, of in removed if of is table])
            added = [row for row in settings.get("add", []) if ("courseId" in row) is (table is self.courses)]
            table.add(_encoded(added))
        return changed

    def _restore(self) -> None:
        self.mains.restore()
        self.courses.restore()
        self._participants = json.loads(self._kept_participants)
        self._next_participant = 100300

    def _table_of(self, record_id: str) -> Table:
        table = self.courses if record_id in self.courses else self.mains
        if record_id not in table:
            raise ValueError(f"no course and no main course {record_id}")
        return table

    def _change_share(self, percent: float, random: int = 1) -> list[str]:
        """Give exactly that share of the courses (of the open ones with seats) another number of participants."""
        wanted = round(len(self.courses) * percent / 100)
        draw = Random(f"{random} change")
        changed: list[str] = []
        for record_id in draw.sample(self.courses.ids(), len(self.courses.ids())):
            if len(changed) >= wanted:
                break
            if values := _other_seats(self.courses.get(record_id), draw):
                self.courses.update(record_id, values)
                changed.append(record_id)
        return sorted(changed)

    def state(self) -> Record:
        with self.lock:
            return {
                "dialect": self.dialect,
                "main_courses": len(self.mains),
                "courses": len(self.courses),
                "locked": self.locked,
                "participants": {name: people for name, people in self._participants.items() if people},
            }

    # Answering

    def handle(self, request: Request) -> Answer:
        given = request.headers.get(self.auth_header, "")
        if not hmac.compare_digest(given.encode(), self.auth_value.encode()):
            return Answer(401, {"error": "UNAUTHORIZED", "message": "Ugyldig nøgle"})
        match request.path.split("/"):
            case ["", "api", "maincourse"]:
                return self._get(request, self.mains.whole)
            case ["", "api", "course"]:
                return self._get(request, self.courses.whole)
            case ["", "api", "course", course_id]:
                return self._get(request, lambda dialect: self.courses.one(course_id, dialect), course_id)
            case ["", "api", "participant", course_id]:
                return self._get(request, lambda dialect: self._list(course_id, dialect), course_id)
            case ["", "api", "webparticipant"]:
                return self._register(request) if request.method == "POST" else Answer(405, {"error": "METHOD"})
        return _not_found(request.path)

    def _get(self, request: Request, body: Any, course_id: str | None = None) -> Answer:
        if request.method not in {"GET", "HEAD"}:
            return Answer(405, {"error": "METHOD"})
        with self.lock:
            if course_id is not None and course_id not in self.courses:
                return _not_found(course_id)
            return Answer(200, body(self.dialect))

    def _list(self, course_id: str, dialect: str) -> bytes:
        nameless = [{"courseId": course_id, "status": "Tilmeldt"}] * self.unreadable.get(course_id, 0)
        records = [*self._people(course_id), *nameless]
        if dialect == "assumed":
            return msgspec.json.encode(records)
        rows = [msgspec.json.encode(maconomy_native.participant(record)) for record in records]
        return maconomy_native.envelope("participants", rows)

    def _people(self, course_id: str) -> list[Record]:
        """Who is on a course; invented ones come into being when first asked for."""
        if course_id not in self._participants:
            invent = self._invent_participants
            people = catalogue.participants(self.courses.get(course_id), self._seed) if invent else []
            self._participants[course_id] = people
        return self._participants[course_id]

    def _register(self, request: Request) -> Answer:
        try:
            wanted = request.json()
        except ValueError:
            return _invalid("Ugyldig JSON", "")
        if not isinstance(wanted, dict):
            return _invalid("Én deltager pr. kald", "")
        with self.lock:
            if self.dialect != "assumed":
                wanted = maconomy_registration.assumed_names(wanted)
            if wrong := maconomy_registration.complaint(wanted, self.dialect):
                return _invalid(*wrong)
            return self._refusal(wanted) or self._known(wanted) or self._add(request, wanted)

    def _refusal(self, wanted: Record) -> Answer | None:
        course_id = wanted["courseId"]
        if course_id not in self.courses:
            return _not_found(course_id)
        if self.locked is True or (isinstance(self.locked, list) and course_id in self.locked):
            return Answer(503, {"error": "LOCKED", "message": "Posten er låst af en anden bruger"})
        course = self.courses.get(course_id)
        if course.get("status") == "Aflyst":
            return Answer(409, {"error": "COURSE_CANCELLED", "message": "Kurset er aflyst"})
        if course.get("status") == "Udsolgt" or (isinstance(course.get("freeSeats"), int) and course["freeSeats"] < 1):
            return Answer(409, {"error": "COURSE_FULL", "message": "Der er ikke flere ledige pladser på kurset"})
        staged = self.refuse.get(wanted.get("externalReference") or "") or self.refuse.get(wanted["email"])
        return _refused(staged) if staged else None

    def _known(self, wanted: Record) -> Answer | None:
        """Only with `unique_references`: the participant of the same reference."""
        reference = wanted.get("externalReference")
        if not self.unique_references or not reference:
            return None
        for known in self._people(wanted["courseId"]):
            if known.get("externalReference") == reference:
                return Answer(200, self._receipt(known))
        return None

    def _add(self, request: Request, wanted: Record) -> Answer:
        course_id = wanted["courseId"]
        person = {name: wanted.get(name) or "" for name in ("firstName", "lastName", "email")}
        person["company"] = wanted.get("company", {}).get("name") or ""
        person |= {name: wanted.get(name) or "" for name in ("jobTitle", "phone")}
        person |= {"status": "Tilmeldt", "externalReference": wanted.get("externalReference") or ""}
        person |= {"registeredAt": REGISTERED_AT, "comment": wanted.get("comment") or ""}
        record = {"participantId": str(self._next_participant), "courseId": course_id, **person}
        self._next_participant += 1
        self._people(course_id).append(record)
        self._take_seat(course_id)
        request.effect(
            kind="webparticipant",
            id=record["participantId"],
            course_id=course_id,
            reference=record["externalReference"],
            email=record["email"],
        )
        return Answer(201, self._receipt(record))

    def _take_seat(self, course_id: str) -> None:
        course = self.courses.get(course_id)
        if isinstance(course.get("freeSeats"), int) and isinstance(course.get("registeredParticipants"), int):
            free = course["freeSeats"] - 1
            values = {"freeSeats": free, "registeredParticipants": course["registeredParticipants"] + 1}
            self.courses.update(course_id, values | ({"status": "Udsolgt"} if free == 0 else {}))

    def _receipt(self, record: Record) -> Record:
        names = ("participantId", "courseId", "externalReference", "status")
        free = self.courses.get(record["courseId"]).get("freeSeats")
        receipt = {**{name: record[name] for name in names}, "freeSeats": free}
        return receipt if self.dialect == "assumed" else maconomy_native.participant(receipt)


def _encoded(records: list[Any]) -> list[bytes]:
    return [msgspec.json.encode(record) for record in records]


def _other_seats(course: Record, draw: Random) -> Record:
    """Other numbers for an open course that stays open; nothing for any other."""
    total, taken = course.get("maxParticipants"), course.get("registeredParticipants")
    if course.get("status") != "Åben" or not isinstance(total, int) or not isinstance(taken, int) or total < 2:
        return {}
    new = draw.choice([number for number in range(total) if number != taken])
    return {"registeredParticipants": new, "freeSeats": total - new}


def _not_found(what: str) -> Answer:
    return Answer(404, {"error": "NOT_FOUND", "message": f"Kursus {what} findes ikke"})


def _invalid(message: str, field: str) -> Answer:
    return Answer(400, {"error": "VALIDATION", "message": message, "field": field})


def _refused(code: str) -> Answer:
    status, message = maconomy_registration.REFUSALS[code]
    return Answer(status, {"error": code, "message": message})
