"""Participant lists: which classes meet on a day, who stands on a list, whom it goes to, and what its mail says."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from integrator.domain.courses import Course, Trainer
from integrator.domain.ordered import CLASS_FACTS
from integrator.domain.participants import Participant
from integrator.errors import BadRecord

PARTICIPANT_LIST = "mailgun.participant-list"
_LISTED = ("registered", "waitlist")
_TOLD = ("first_name", "last_name", "company", "job_title", "email", "status")
_COPENHAGEN = ZoneInfo("Europe/Copenhagen")


def business_date(now: datetime) -> date:
    """The date on the wall in Copenhagen: a job belongs to it, whenever exactly it runs."""
    return now.astimezone(_COPENHAGEN).date()


def days_ahead(today: date, days: int) -> list[str]:
    """The days whose classes get their list: today, and so many after it. Shape  ["2027-02-28", "2027-03-01"]"""
    return [(today + timedelta(days=number)).isoformat() for number in range(days + 1)]


def next_day(course: Course, days: Sequence[str]) -> str:
    """When a class meets next, counted from the first of the days; the last of them when it does not meet any more."""
    known = sorted(session.date for session in course.days) or [(course.start or "")[:10]]
    return next((day for day in known if day >= days[0]), days[-1])


def meets_on(course: Course, day: str) -> bool:
    """Whether a class has a course day then; one whose days nobody knows meets from its start to its end."""
    if course.days:
        return any(session.date == day for session in course.days)
    if course.start is None:
        return False
    return course.start[:10] <= day <= (course.end or course.start)[:10]


def is_of_use(course: Course, day: str, today: date) -> bool:
    """Whether a list of that day helps anybody: not when the class has moved to other days that are still to come."""
    known = [session.date for session in course.days] or [(course.end or course.start or "")[:10]]
    return meets_on(course, day) or max(known) < today.isoformat()


def believe(participants: Sequence[Participant], course: Course) -> None:
    """An empty list of a class that has taken seats is not believed: a trainer must not read that nobody comes.

    Errors  BadRecord
    """
    if not participants and (course.seats_taken or 0) > 0:
        what = f"maconomy: class {course.id}: lists nobody, though {course.seats_taken} seats are taken"
        raise BadRecord(what, code="list_empty", field="seats_taken", key=course.id)


def listed(participants: Iterable[Participant]) -> list[dict[str, Any]]:
    """Who comes and who waits for a seat, by last name, then first name. Nothing more than a trainer needs."""
    chosen = [person for person in participants if person.status in _LISTED]
    chosen.sort(key=lambda person: [(getattr(person, name) or "").casefold() for name in ("last_name", "first_name")])
    return [{name: getattr(person, name) for name in _TOLD} for person in chosen]


def reachable(trainers: Iterable[Trainer]) -> list[Trainer]:
    """The trainers a mail can be sent to, each address once, as it is written to."""
    found: dict[str, Trainer] = {}
    for trainer in trainers:
        if address := _address(trainer.email):
            found.setdefault(address.casefold(), msgspec.structs.replace(trainer, email=address))
    return list(found.values())


def _address(text: str | None) -> str | None:
    """An address in the form it is sent to, None when mail to it would not leave (letters such as å before the @)."""
    if not text:
        return None
    from email_validator import EmailNotValidError, validate_email

    try:
        return validate_email(text.strip(), check_deliverability=False, allow_smtputf8=False).ascii_email
    except EmailNotValidError:
        return None


def mail(course: Course, day: str, to: Trainer, people: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The facts of the mail to one trainer."""
    facts = msgspec.to_builtins(course)
    return {
        "template": "participant-list",
        "language": "en" if course.language == "en" else "da",
        "to": {"name": to.name or "", "email": to.email},
        "class": {name: facts[name] for name in CLASS_FACTS},
        "day": day,
        "participants": list(people),
    }


def scope_of(class_id: str) -> str:
    """What all lists of a class have in common in the outbox."""
    return f"class:{class_id}"


def class_of(scope: str) -> str:
    """The class, by what its lists have in common."""
    return scope.removeprefix(scope_of(""))


def key_of(class_id: str, day: str, recipient: str, version: int) -> str:
    """Shape  "participant-list:25172-04:2027-03-01:0f3a9c41b2d7:1"; recipient is a code, never an address"""
    return f"participant-list:{class_id}:{day}:{recipient}:{version}"


def day_of(key: str) -> str:
    """The day of a list, by its key."""
    return key.split(":")[-3]


def recipient_of(key: str) -> str:
    """The code of the recipient, by the key of a list."""
    return key.split(":")[-2]


def version_of(key: str) -> int:
    """Which list of its class, day and recipient it is, counted from 1."""
    return int(key.split(":")[-1])


def unreachable(named: Mapping[str, Collection[Trainer]]) -> str:
    """Why a class gets no list, in words without names; named is what each source had to say."""
    said = "; ".join(f"{source}: {_number(len(trainers))}" for source, trainers in named.items())
    return f"no trainer of it has a usable e-mail address ({said}): its participant list was not sent"


def _number(trainers: int) -> str:
    return "nobody is named" if not trainers else f"{trainers} named, none with a usable address"
