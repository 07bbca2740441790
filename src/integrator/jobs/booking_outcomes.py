"""What Maconomy says became of the students of bookings: taken only when its word has changed since it was last seen.

A status that somebody corrected by hand stays, until Maconomy says something new.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from integrator.domain.completion import FROM_MACONOMY
from integrator.domain.courses import starts_at
from integrator.domain.lists import business_date
from integrator.domain.participants import Participant, same_text
from integrator.errors import BadAnswer, NotFound, Unavailable
from integrator.jobs.booking_status_desk import keep_status
from integrator.store.booking_statuses import BookingStatuses
from integrator.store.courses import OUTCOME, SetAside

if TYPE_CHECKING:
    from integrator.runtime.run import Run

MOST_CLASSES = 100  # of one run; where there are more, each run asks for others
_GIVE_UP_AFTER = 5  # classes in a row without an answer: Maconomy is down, the rest waits for the next run
_UNMARKED = "registered"  # what Maconomy says of everybody before somebody marks them


class Participants(Protocol):
    """The part of Maconomy this needs."""

    def participants(self, class_id: str) -> Any: ...


def take_outcomes(run: "Run", maconomy: Callable[[], Participants]) -> None:
    """Ask for the classes that have begun, and keep what is new. One that does not come holds no other.

    Errors  Refused: Maconomy rejects us as a whole; ConfigError
    """
    statuses, trouble = BookingStatuses(run.db), dict[str, tuple[str, str]]()
    classes = _begun(statuses.classes(), run.now, days=int(run.policy["maconomy_days"]))
    unread, asked = set(classes), 0
    for class_id, people in _asked(run, maconomy, _of_this_run(run, sorted(classes)), trouble):
        asked += 1
        if people is None:
            continue
        unread.discard(class_id)
        last_day = _last_day(classes[class_id])
        for student in statuses.students(class_id):
            _take(run, student, people, last_day, trouble)
    with run.db.tx():
        if len(classes) > MOST_CLASSES:
            statuses.asked(asked)
        kept = _still_standing(run, unread)
        SetAside(run.db).replace(OUTCOME, kept | trouble, at=run.at, run_id=run.id)


def _still_standing(run: "Run", unread: set[str]) -> dict[str, tuple[str, str]]:
    """Earlier trouble with classes that were not read in this run, and with their bookings: nothing says it is over."""
    before = SetAside(run.db).reasons(OUTCOME)
    if not before:
        return {}
    statuses = BookingStatuses(run.db)
    bookings = {student["reference"] for class_id in unread for student in statuses.students(class_id)}
    return {key: why for key, why in before.items() if key in unread or key in bookings}


def _begun(classes: Mapping[str, Mapping[str, Any]], now: datetime, *, days: int) -> dict[str, Mapping[str, Any]]:
    """Those that have begun, and ended at most so many days ago: later nobody marks anybody any more."""
    earliest = (business_date(now) - timedelta(days=days)).isoformat()
    return {
        class_id: facts
        for class_id, facts in classes.items()
        if facts["start"] and starts_at(facts["start"]) <= now and (facts["end"] or facts["start"])[:10] >= earliest
    }


def _last_day(facts: Mapping[str, Any]) -> date:
    return date.fromisoformat((facts["end"] or facts["start"])[:10])


def _of_this_run(run: "Run", classes: Sequence[str]) -> Sequence[str]:
    """All of them, as long as there are not too many; then the next ones after those of the run before."""
    if len(classes) <= MOST_CLASSES:
        return classes
    run.remark(f"{len(classes)} classes have begun: each run asks Maconomy for {MOST_CLASSES} of them in turn")
    first = BookingStatuses(run.db).asked_before() % len(classes)
    return [*classes[first:], *classes[:first]][:MOST_CLASSES]


def _asked(
    run: "Run", maconomy: Callable[[], Participants], classes: Sequence[str], trouble: dict[str, tuple[str, str]]
) -> Iterator[tuple[str, Sequence[Participant] | None]]:
    """Each class that Maconomy was asked for, and who is on it; None: that could not be read."""
    silent = 0
    for class_id in classes:
        item = f"class {class_id}"
        if silent >= _GIVE_UP_AFTER:
            run.report.waiting[item] = "maconomy: did not answer for the others; it was not asked"
            continue
        try:
            people = maconomy().participants(class_id)
        except Unavailable as error:
            silent += 1
            run.report.waiting[item], people = error.message, None
        except (BadAnswer, NotFound) as error:
            trouble[class_id] = (getattr(error, "code", "no_class"), f"{error.message}; no status was taken from it")
            silent, people = 0, None
        else:
            silent = 0
            run.count(classes__read=1)
        if people and "external_reference" in people.missing:
            trouble[class_id] = ("changed", "maconomy: no participant has our reference: no status was taken from it")
            people = None
        yield class_id, people


def _take(
    run: "Run",
    student: Mapping[str, Any],
    people: Sequence[Participant],
    last_day: date,
    trouble: dict[str, tuple[str, str]],
) -> None:
    """One student's status, if Maconomy's word is news."""
    found = [one for one in people if same_text(one.external_reference) == same_text(student["participant"])]
    if len(found) > 1:
        trouble[student["reference"]] = ("several", "maconomy: several participants have its reference")
    if len(found) != 1:
        return
    word = found[0].status
    status = FROM_MACONOMY.get(word)
    if status is None or word == (student["maconomy_seen"] or _UNMARKED):
        return
    if status == "COMPLETED" and last_day > business_date(run.now):
        return  # marked early: the date of the completion is the class's last day
    completed_on = last_day.isoformat() if status == "COMPLETED" else None
    with run.db.tx():
        _keep(run, student["reference"], student["order_id"], word, status, completed_on)


def _keep(run: "Run", reference: str, order_id: int, word: str, status: str, completed_on: str | None) -> None:
    """Read again inside the transaction: somebody may have set a status meanwhile."""
    statuses = BookingStatuses(run.db)
    known = statuses.get(reference)
    if known is not None and known["status"] == status:  # a date that somebody gave stays: Maconomy has none
        statuses.seen(reference, word)
        return
    booking = {"reference": reference, "order_id": order_id}
    keep_status(run.db, booking, status, completed_on, source="maconomy", at=int(run.clock()), maconomy_seen=word)
    run.count(statuses__from_maconomy=1)
