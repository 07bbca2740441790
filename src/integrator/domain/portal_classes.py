"""Classes that a reseller sells: what it is told of each, what keeps one from being sold, what becomes of it there."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Literal

import msgspec

from integrator.domain.courses import Course, Venue, is_past, starts_at
from integrator.domain.portal import CURRENCIES, Address, ClassFacts, PortalClass, PortalCourse
from integrator.errors import GuardTripped

Action = Literal["publish", "close", "cancel", "leave"]
State = Literal["published", "cancelled"]
PURGE_S = 2 * 3600  # a cancelled class with students stays listed for at least an hour
_COMPARED = tuple(name for name in ClassFacts.__struct_fields__ if name not in ("course_id", "class_id"))
_Facts = Mapping[str, Any]  # of a class, as plain values


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a class is not sold there: a stable code, and words for the operator."""

    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Terms:
    """How we sell there: until how many days before a class starts students may book, and cancel.

    any_currency  prices are told in whatever currency they are; otherwise in those on their list only
    """

    enrollment_days: int
    cancellation_days: int
    any_currency: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """A class in our store.

    readable  the source's newest record of it could be read; otherwise the store has an older one
    missing   the source's newest list does not have it
    gone      it is cancelled or missing, and a second good list said so too
    """

    course: Course
    readable: bool = True
    missing: bool = False
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Memory:
    """What we last knew of a class there.

    facts   as they have it; None when it is cancelled, or was never read
    sent    what we sent, of the fields that they keep otherwise
    tried   what they had before we last sent, of the fields that we sent
    """

    class_id: str
    course_id: str
    state: State
    facts: ClassFacts | None = None
    cancelled_at: int | None = None
    sent: Mapping[str, Any] = field(default_factory=dict)
    tried: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a class there. facts: with publish and close (which is 0 seats); refusal: for a person."""

    action: Action
    facts: ClassFacts | None = None
    refusal: Refusal | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """What they have beside what we want, field by field.

    theirs    as they say it, or as we last knew it where they are silent
    differs   what we have to send: field → theirs
    stubborn  what they keep as it was although we sent it: sending it again would only mail their students again
    """

    theirs: dict[str, Any]
    differs: dict[str, Any]
    stubborn: tuple[str, ...]


_LEAVE = Decision("leave")


# what we want there -------------------------------------------------------------------------------


def registered(courses: Iterable[PortalCourse], names: Mapping[str, str]) -> dict[str, str]:
    """Our main course → its id there, of those that we are registered for. names: theirs → ours, where they differ."""
    found = {course.id: course.id for course in courses}
    return {theirs: theirs for theirs in found if theirs not in names} | {
        names[theirs]: theirs for theirs in sorted(found) if theirs in names
    }


def elsewhere(
    course_id: str | None, there: PortalClass | None, memory: Memory | None, *, gone: bool = False
) -> Refusal | None:
    """Why a class that is there cannot be reached under its main course; moving it is left to a person.

    course_id   the id there of the main course it has now; None: we are not registered for that one
    gone        as Standing has it: that it is not there either is right then
    """
    is_there = there is not None and not there.cancelled
    at = there.course_id if there is not None and is_there else None
    if at is None and memory is not None and memory.state == "published":
        at = memory.course_id
    if at is None or at == course_id or (gone and not is_there):
        return None
    if course_id is None and not is_there:
        return Refusal("course_gone", f"Trainingportal does not list its course {at} any more: it was left alone")
    now = f"its main course is {course_id} there" if course_id else "its main course is not sold there"
    return Refusal("other_course", f"it is published under {at}, and {now}: cancel it there by hand")


def is_ahead(standing: Standing, now: datetime) -> bool:
    """Still to come, so that it should be there if it was published."""
    return not _has_begun(standing.course, now)


def decide(
    standing: Standing, course_id: str, *, known: ClassFacts | None, there: bool, held: int, terms: Terms, now: datetime
) -> Decision:
    """What becomes of a class whose main course is sold there.

    known   the facts they have of it; there: it is published there; held: seats that the source does not count yet
    """
    course = standing.course
    if _has_begun(course, now) or not standing.readable:
        return _LEAVE
    if standing.gone:
        return Decision("cancel")
    if course.status in ("open", "full") and not standing.missing:
        found = _for_sale(course, course_id, held, terms)
        if isinstance(found, ClassFacts):
            return Decision("publish", found)
        closed = _closed(course, course_id, known, terms) if there else _LEAVE
        return Decision(closed.action, closed.facts, found)
    return _closed(course, course_id, known, terms) if there else _LEAVE


def _has_begun(course: Course, now: datetime) -> bool:
    begun = course.start is not None and starts_at(course.start) <= now
    return begun or is_past(course.end, now=now) or course.status == "held"


def _for_sale(course: Course, course_id: str, held: int, terms: Terms) -> ClassFacts | Refusal:
    if course.status == "full":
        return facts_from(course, course_id, seats=0, terms=terms)
    if course.seats_free is None:
        return Refusal("seats_unknown", "Maconomy does not say how many seats are free")
    return facts_from(course, course_id, seats=max(0, course.seats_free - held), terms=terms)


def _closed(course: Course, course_id: str, known: ClassFacts | None, terms: Terms) -> Decision:
    """It stays, with its students, and sells nothing more. What cannot be told any more stays as they have it."""
    found = facts_from(course, course_id, seats=0, terms=terms)
    if isinstance(found, ClassFacts):
        return Decision("close", found)
    return _LEAVE if known is None else Decision("close", msgspec.structs.replace(known, seats=0))


def facts_from(course: Course, course_id: str, *, seats: int, terms: Terms) -> ClassFacts | Refusal:
    """A class as they are told of it, or the first reason why they cannot be."""
    if course.start is None or course.end is None:
        return Refusal("no_date", f"it has no {'start' if course.start is None else 'end'} date")
    address = _address(course.venue)
    if isinstance(address, Refusal):
        return address
    if course.price_minor is None or course.currency is None:
        return Refusal("no_price", "it has no price")
    if course.currency not in CURRENCIES and not terms.any_currency:
        takes = ", ".join(CURRENCIES)
        return Refusal("currency", f"its price is in {course.currency}: Trainingportal takes {takes}")
    first_day, start_time = _day_and_time(course.start)
    last_day, end_time = _day_and_time(course.end)
    assert course.venue is not None  # it has an address
    return ClassFacts(
        course_id=course_id,
        class_id=course.id,
        location=course.venue.name or address.line1,
        seats=seats,
        enrollment_deadline=_before(first_day, terms.enrollment_days),
        cancellation_deadline=_before(first_day, terms.cancellation_days),
        start_date=first_day.isoformat(),
        start_time=start_time,
        end_date=last_day.isoformat(),
        end_time=end_time,
        address=address,
        currency=course.currency,
        price_minor=course.price_minor,
    )


def _address(venue: Venue | None) -> Address | Refusal:
    if venue is None:
        return Refusal("no_address", "it has no venue")
    parts = {"address": venue.address, "zip": venue.zip, "city": venue.city, "country": venue.country}
    if absent := [name for name, value in parts.items() if not value]:
        return Refusal("no_address", f"its venue has no {', '.join(absent)}")
    known = {name: value or "" for name, value in parts.items()}
    return Address(known["address"], "", known["city"], known["zip"], known["country"])


def _day_and_time(moment: str) -> tuple[date, str | None]:
    """As the clock shows it at the class: Maconomy's times are Copenhagen's, and Oslo's are the same."""
    found = datetime.fromisoformat(moment)
    return found.date(), found.strftime("%H:%M") if found.tzinfo else None


def _before(day: date, days: int) -> str:
    return (day - timedelta(days=days)).isoformat()


# what they have -----------------------------------------------------------------------------------


def differing(wanted: ClassFacts, there: PortalClass) -> list[str]:
    """Fields that they have otherwise than we want, or do not say."""
    return _unlike(msgspec.to_builtins(wanted), msgspec.to_builtins(there))


def _unlike(ours: _Facts, theirs: _Facts) -> list[str]:
    """Fields in which they differ, blanks around a text aside. What the first does not know is not compared."""
    return [name for name in _COMPARED if ours[name] is not None and _bare(ours[name]) != _bare(theirs[name])]


def _bare(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _bare(part) for name, part in value.items()}
    return value.strip() if isinstance(value, str) else value


def drifted(there: PortalClass | None, memory: Memory) -> list[str]:
    """Fields in which a published class is not as we last knew; "class" when it is gone or cancelled there."""
    if there is None or there.cancelled:
        return ["class"]
    if memory.facts is None:
        return []
    return _unlike(msgspec.to_builtins(there), msgspec.to_builtins(memory.facts))


def compared(facts: ClassFacts, there: PortalClass, memory: Memory | None) -> Comparison:
    """What they have beside what we want. A time that we do not know is not compared."""
    wanted, said = msgspec.to_builtins(facts), msgspec.to_builtins(there)
    known = msgspec.to_builtins(memory.facts) if memory and memory.facts else dict.fromkeys(_COMPARED)
    theirs = {name: known[name] if said[name] is None else said[name] for name in _COMPARED}
    unlike = {name: theirs[name] for name in _unlike(wanted, theirs)}
    stubborn = [
        name for name in unlike if memory is not None and _is_stubborn(name, wanted[name], theirs[name], memory)
    ]
    return Comparison(theirs, {name: unlike[name] for name in unlike if name not in stubborn}, tuple(stubborn))


def _is_stubborn(name: str, wanted: Any, theirs: Any, memory: Memory) -> bool:
    """We sent just this, and they still have what they had before. Seats come and go there: they are sent each time."""
    if name == "seats":
        return False
    known = msgspec.to_builtins(memory.facts)[name] if memory.facts else None
    return name in memory.tried and memory.tried[name] == theirs and memory.sent.get(name, known) == wanted


def as_seen(there: PortalClass, facts: ClassFacts, found: Comparison) -> PortalClass:
    """What they have, as a sender is to see it: silent fields as we know them, stubborn ones as if they were right.

    What differs there, by differing(), is what has to be sent: no more and no less than found.differs.
    """
    wanted = msgspec.to_builtins(facts)
    told = {name: wanted[name] for name in found.stubborn} | {name: None for name in _COMPARED if wanted[name] is None}
    return msgspec.convert(msgspec.to_builtins(there) | found.theirs | told, PortalClass)


def at_rest(facts: ClassFacts, found: Comparison, memory: Memory | None) -> Memory:
    """What we know of a published class to which nothing needs to be sent."""
    wanted = msgspec.to_builtins(facts)
    theirs = {name: wanted[name] if value is None else value for name, value in found.theirs.items()}
    tried = {name: memory.tried[name] for name in found.stubborn} if memory else {}
    have = msgspec.convert(wanted | theirs, ClassFacts)
    return Memory(
        facts.class_id, facts.course_id, "published", have, None, {name: wanted[name] for name in found.stubborn}, tried
    )


def after_sending(sent: ClassFacts, have: Mapping[str, Any] | None, found: Comparison | None) -> Memory:
    """What we know of a class after it was sent. have: as they answered, in our words; found: how it was before."""
    asked = msgspec.to_builtins(sent)
    kept = asked | {name: value for name, value in (have or {}).items() if name in _COMPARED and value is not None}
    if found:  # these did not travel
        kept |= {name: found.theirs[name] for name in found.stubborn}
    otherwise = {name: asked[name] for name in _unlike(asked, kept)}
    # What they keep otherwise at once needs no second try.
    before = (dict(found.differs) if found else {}) | {name: kept[name] for name in otherwise}
    facts = msgspec.convert(kept, ClassFacts)
    return Memory(sent.class_id, sent.course_id, "published", facts, None, otherwise, before)


# guard and words ----------------------------------------------------------------------------------


def guard_lost(*, expected: int, lost: int, max_percent: int, allowed: bool) -> None:
    """Most of our classes gone there at once looks like a broken answer, not like a decision.

    Errors  GuardTripped
    """
    if lost and not allowed and (lost == expected or lost * 100 > expected * max_percent):
        raise GuardTripped(
            f"trainingportal: {lost} of our {expected} published classes are not in its lists (more than"
            f" {max_percent} %, or all); nothing was changed",
            hint="if that is right, publish them again: integrator publish-classes --allow-missing",
        )


def class_message(class_id: str, course_id: str, facts: ClassFacts | None) -> dict[str, Any]:
    """A class on its way: the body of the effect CLASS. facts None: it is to be cancelled."""
    wanted = "cancelled" if facts is None else "published"
    told = None if facts is None else msgspec.to_builtins(facts)
    return {"class_id": class_id, "course_id": course_id, "wanted": wanted, "facts": told}
