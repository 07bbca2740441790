"""Courses: main courses (curricula) and courses (their dated instances), and what follows from them.

A course is what Maconomy numbers 25172-04 and Trainingportal calls a course class.
None always means unknown: never "" and never 0.
"""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

import msgspec

from integrator.domain.fetched import Bad, Note
from integrator.errors import BadRecord, GuardTripped

Status = Literal["planned", "open", "full", "waitlist", "closed", "cancelled", "held", "unknown"]


class MainCourse(msgspec.Struct, frozen=True):
    """A curriculum. id "25172"; price_minor in øre, without VAT; description_html is cleaned."""

    id: str
    title: str
    subtitle: str | None
    description_html: str | None
    language: str | None
    duration_days: int | None
    price_minor: int | None
    currency: str | None
    category: str | None
    active: bool
    updated_at: str | None


class Day(msgspec.Struct, frozen=True):
    """One session: date "2027-03-01", times "09:00" or None; a day may hold several."""

    date: str
    start_time: str | None
    end_time: str | None
    venue: str | None
    city: str | None


class Venue(msgspec.Struct, frozen=True):
    name: str | None
    address: str | None
    zip: str | None
    city: str | None
    country: str | None


class Trainer(msgspec.Struct, frozen=True):
    """Personal data: never leaves the store but to the participant list."""

    id: str | None
    name: str | None
    email: str | None


class Course(msgspec.Struct, frozen=True):
    """A dated course. start and end are ISO 8601 with Copenhagen's offset, a bare date when no time is known."""

    id: str
    main_id: str
    title: str
    language: str | None
    start: str | None
    end: str | None
    days: list[Day]
    venue: Venue | None
    price_minor: int | None
    currency: str | None
    seats_total: int | None
    seats_taken: int | None
    seats_free: int | None
    seats_min: int | None
    status: Status
    trainers: list[Trainer]
    updated_at: str | None


_COPENHAGEN = ZoneInfo("Europe/Copenhagen")
PERSONAL_FIELDS = frozenset({"trainers"})


def settled(course: Course) -> tuple[Course, list[Note]]:
    """The course after the rules that look at several of its fields: cancelled beats seats, 0 seats beat open.

    Errors  BadRecord: it ends before it starts; a mapping makes no moments of its dates
    """
    begins, ends = _read(course.start, starts_at, "start"), _read(course.end, ends_at, "end")
    if begins and ends and ends < begins:
        raise BadRecord("ends before it starts", code="end_before_start", field="end")
    notes = []
    if not course.id.startswith(f"{course.main_id}-"):
        notes.append(Note("id_mismatch", "main_id"))
    notes.extend(_seat_notes(course))
    if course.trainers and not any(trainer.email for trainer in course.trainers):
        notes.append(Note("trainers_without_email", "trainers"))
    if course.status == "open" and course.seats_free == 0:
        course = msgspec.structs.replace(course, status="full")
    return course, notes


def _read(text: str | None, moment_of: Callable[[str], datetime], field: str) -> datetime | None:
    try:
        return moment_of(text) if text else None
    except ValueError:
        what = f"{field} is not ISO 8601: is its type in the mapping right?"
        raise BadRecord(what, code="bad_date", field=field) from None


def _seat_notes(course: Course) -> list[Note]:
    total, taken, free = course.seats_total, course.seats_taken, course.seats_free
    if free is None or total is None:
        return []
    if free > total:
        return [Note("free_over_max", "seats_free")]
    # An overbooked course has 0 free, not a negative number.
    if taken is not None and max(0, total - taken) != free:
        return [Note("seats_disagree", "seats_free")]
    return []


def is_bookable(course: Course, *, now: datetime) -> bool:
    """Open, at least one seat known to be free, and not begun."""
    begins_later = course.start is not None and starts_at(course.start) > now
    return course.status == "open" and (course.seats_free or 0) >= 1 and begins_later


def why_not_bookable(course: Course, *, now: datetime) -> str | None:
    """A stable word for what keeps a course from being sold, "full" among them; None when it can be booked.

    Unknown seats are not zero and not free: such a course is not sold.
    """
    if course.status not in ("open", "full"):
        return course.status
    if course.start is None:
        return "no_date"
    if starts_at(course.start) <= now:
        return "begun"
    if course.status == "full" or course.seats_free == 0:
        return "full"
    return "seats_unknown" if course.seats_free is None else None


def is_past(end: str | None, *, now: datetime) -> bool:
    """Over: such a course leaves the source's list by itself."""
    return end is not None and ends_at(end) < now


def starts_at(start: str) -> datetime:
    """The instant of a start. A bare date means that no time is known: then the day's first moment in Copenhagen."""
    found = datetime.fromisoformat(start)
    return found if found.tzinfo else found.replace(tzinfo=_COPENHAGEN)


def ends_at(end: str) -> datetime:
    """The instant of an end; of a bare date the day's last moment."""
    found = datetime.fromisoformat(end)
    return found if found.tzinfo else found.replace(hour=23, minute=59, second=59, tzinfo=_COPENHAGEN)


def differences(old: MainCourse | Course, new: MainCourse | Course) -> dict[str, list[Any]]:
    """Field by field, [old, new]; of personal data only that it changed."""
    changed = {}
    for name in new.__struct_fields__:
        before, after = getattr(old, name), getattr(new, name)
        if before != after:
            changed[name] = [None, None] if name in PERSONAL_FIELDS else [_plain(before), _plain(after)]
    return changed


def _plain(value: Any) -> Any:
    return msgspec.to_builtins(value)


def guard_answer(what: str, *, total: int, minimum: int, allowed: bool) -> None:
    """An answer with fewer records than there must be is not believed.

    Errors  GuardTripped
    """
    if total < minimum and not allowed:
        raise GuardTripped(
            f"{what}: the answer holds {total} records, at least {minimum} are expected; nothing was changed",
            hint="if that is right: integrator import-courses --allow-removals",
        )


def guard_removals(
    what: str, *, known: Collection[str], gone: Collection[str], max_percent: int, allowed: bool
) -> None:
    """A mass disappearance looks like a broken source, not like a decision.

    Errors  GuardTripped
    """
    if not allowed and len(gone) * 100 > len(known) * max_percent:
        raise GuardTripped(
            f"{what}: {len(gone)} of {len(known)} known records are gone at once (more than {max_percent} %);"
            " nothing was changed",
            hint="if that is right: integrator import-courses --allow-removals",
        )


def guard_bad_records(
    what: str, *, total: int, bad: Mapping[str, Bad], max_percent: int, allowed: bool, stopped: bool = False
) -> None:
    """Many unreadable records mean a changed interface, not many mistakes.

    stopped   counting ended when there were too many: it is at least so many, and nothing lets that answer pass
    Errors  GuardTripped
    """
    if stopped or (not allowed and len(bad) * 100 > total * max_percent):
        first = next(iter(bad.values()))
        count = f"at least {len(bad)}" if stopped else f"{len(bad)}"
        raise GuardTripped(
            f"{what}: {count} of {total} records cannot be read (more than {max_percent} %), the first because"
            f" {first.field or 'it'}: {first.code}; nothing was changed",
            hint="mend the mapping (integrator check maconomy), or let it pass: --allow-bad-records",
        )


def guard_contract(what: str, missing: Collection[str]) -> None:
    """A mapped field that no record has any more: the interface changed.

    Errors  GuardTripped
    """
    if missing:
        raise GuardTripped(
            f"{what}: no record has the field for {', '.join(sorted(missing))} any more: the interface changed;"
            " nothing was changed here",
            hint="integrator check maconomy --fields shows what arrives; then edit config/maconomy.toml",
        )


def visibility(
    *, status: str, end: str | None, missing_runs: int, missing_limit: int, past: str, now: datetime
) -> Literal["publish", "draft"]:
    """Whether the site shows a course: not when cancelled, nor when it has been missing for long enough.

    A past course follows the installation's choice ("keep" or "unpublish"). It leaves the source's list by itself and
    is not counted as missing then; one that was withdrawn before does not come back to the site when it is over.
    """
    if status == "cancelled" or missing_runs >= missing_limit:
        return "draft"
    return "draft" if past == "unpublish" and is_past(end, now=now) else "publish"
