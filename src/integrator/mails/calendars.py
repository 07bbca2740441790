"""The calendar file of a course: one entry per session, that any calendar program can read."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

from integrator.domain.mails import Attachment
from integrator.mails import words
from integrator.mails.cleaning import file_part
from integrator.mails.facts import Facts, Session

if TYPE_CHECKING:
    from icalendar import Event

Span = tuple[date | datetime, date | datetime | None]
_NAMES = {"da": ("kursus", "Kursus"), "en": ("course", "Course")}
# The rule of the zone written out, as Outlook wants it. icalendar 7.3 makes one from tzdata whose summer
# begins an hour late (03:00 counted from +01:00); a test compares this one with tzdata.
_ZONE = b"""BEGIN:VTIMEZONE\r
TZID:Europe/Copenhagen\r
BEGIN:DAYLIGHT\r
DTSTART:19960331T020000\r
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU\r
TZNAME:CEST\r
TZOFFSETFROM:+0100\r
TZOFFSETTO:+0200\r
END:DAYLIGHT\r
BEGIN:STANDARD\r
DTSTART:19961027T030000\r
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\r
TZNAME:CET\r
TZOFFSETFROM:+0200\r
TZOFFSETTO:+0100\r
END:STANDARD\r
END:VTIMEZONE\r
"""


def calendar_file(facts: Facts) -> Attachment | None:
    """The course days as a file; None when no date is known.

    Shape   text/calendar with METHOD:PUBLISH; UID "25172-04-2027-03-01-1@integrator.invalid" (class, date, session
            of that date); the same facts give the same bytes
    """
    from icalendar import Calendar, Timezone

    if not facts.course.dates:
        return None
    prefix, _ = _NAMES[facts.language]
    calendar = Calendar()
    for name, value in (("prodid", "-//integrator//mails//EN"), ("version", "2.0"), ("method", "PUBLISH")):
        calendar.add(name, value)
    calendar.add_component(Timezone.from_ical(_ZONE))
    for event in _events(facts):
        calendar.add_component(event)
    return Attachment(
        f"{prefix}-{file_part(facts.course.id)}.ics",
        "text/calendar; charset=utf-8; method=PUBLISH",
        calendar.to_ical(),
    )


def _events(facts: Facts) -> Iterator["Event"]:
    course = facts.course
    if not course.days:  # from the first day to the last, as far as they are known
        first, last = course.dates[0], course.dates[-1]
        yield _event(facts, Session(first), 1, (first, last + timedelta(days=1)))
    seen: Counter[date] = Counter()
    for session in course.sessions:
        seen[session.date] += 1
        yield _event(facts, session, seen[session.date], _span(session))


def _event(facts: Facts, session: Session, number: int, span: Span) -> "Event":
    from icalendar import Event

    course, language = facts.course, facts.language
    event = Event()
    event.add("uid", f"{file_part(course.id)}-{session.date.isoformat()}-{number}@integrator.invalid")
    event.add("dtstamp", _stamp(facts))
    event.add("sequence", 0)
    start, end = span
    event.add("dtstart", start)
    if end is not None:
        event.add("dtend", end)
    event.add("summary", course.title, parameters={"LANGUAGE": language})
    event.add("description", f"{_NAMES[language][1]} {course.id}", parameters={"LANGUAGE": language})
    if where := words.place(session, course):
        event.add("location", where)
    return event


def _span(session: Session) -> Span:
    """From and to; a day without a beginning is a whole one (its end is the next day, which is not part of it)."""
    start = _moment(session.date, session.start_time)
    if start is None:
        return session.date, session.date + timedelta(days=1)
    end = _moment(session.date, session.end_time)
    return start, end if end is not None and end > start else None


def _moment(day: date, clock: str | None) -> datetime | None:
    if clock == "24:00":  # the end of a day, as the catalogue has it
        day, clock = day + timedelta(days=1), "00:00"
    try:
        return datetime.combine(day, time.fromisoformat(clock), tzinfo=words.ZONE) if clock else None
    except ValueError:
        return None


def _stamp(facts: Facts) -> datetime:
    """When the facts were so: the order's moment, else the first day. Never now: a mail made again is the same."""
    accepted = facts.order.accepted_terms_at if facts.order else None
    try:
        moment = datetime.fromisoformat(accepted) if accepted else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        moment = datetime.combine(facts.course.dates[0], time(), tzinfo=UTC)
    return moment.astimezone(UTC)
