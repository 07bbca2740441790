"""send-participants: trainers get the list of who comes to their class, the day before.

Reads   maconomy   GET /api/participant/ID, for classes that meet until the target day
        wordpress  trainers that editors entered, where Maconomy names none with an address (policy: or first)
Keeps   store      participant_lists (who was sent what, as keyed hashes), set_aside: classes without an address
Writes  mailgun    one mail per class, day and recipient; once more only when the list changed (outbox, once)
Guard   an empty list of a class with taken seats is not believed; a list that waited is not sent when its day is over,
        its class does not take place then, or its trainer is another one by now
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from integrator.domain import lists as rules
from integrator.domain.courses import Course, Trainer
from integrator.domain.lists import PARTICIPANT_LIST
from integrator.effects import Sender
from integrator.errors import BadAnswer, ItemError, NotFound, Unavailable
from integrator.jobs.list_mails import InTime, queued
from integrator.jobs.trainers import ASIDE, recipients
from integrator.runtime.run import Run
from integrator.store import DAY_S
from integrator.store.courses import Catalogue, SetAside
from integrator.store.lists import Lists, Sent, list_fingerprint, recipient_code
from integrator.systems.maconomy import Maconomy
from integrator.systems.wordpress import WordPress

_GIVE_UP_AFTER = 5  # classes in a row without an answer: Maconomy is down, the rest waits for the next run
People = list[dict[str, Any]]
_Meetings = dict[str, tuple[Course, list[str]]]


@dataclass(frozen=True)
class Asked:
    """What a run is asked for. today: the business date, None for Copenhagen's; days_ahead: None for the policy's."""

    today: date | None = None
    days_ahead: int | None = None
    class_id: str | None = None


_ANY = Asked()


def send_participants(
    run: Run,
    maconomy: Maconomy,
    wordpress: WordPress | None,
    sender: Sender | None,
    *,
    key: bytes,
    missing_limit: int,
    asked: Asked = _ANY,
) -> None:
    """Bring the lists of all classes that meet until the target day level with Maconomy; send the new and the changed.

    Nearer days are looked at again, so that a list whose day was missed still goes out, and late bookings are told.
    key: what recipients and lists are hashed with; missing_limit: import-courses' missing_runs.

    Errors  NotFound: no such class; Refused: Maconomy or Mailgun rejects us as a whole; Unavailable: Mailgun is down
    """
    now = rules.business_date(run.now)
    today = asked.today or now
    days = rules.days_ahead(today, int(run.policy["days_ahead"]) if asked.days_ahead is None else asked.days_ahead)
    # fetch
    meetings = _meetings(run, days, asked.class_id, missing_limit=missing_limit)
    classes = [course for course, _ in meetings.values()]
    run.count(classes__read=len(classes))
    trainers = recipients(run, classes, wordpress, missing_limit=missing_limit)
    # decide and keep, class by class: what was read of one is not lost with the next
    outdated_before = min(today, now).isoformat()
    _drop_outdated(run, outdated_before)
    is_of_use = _Use(run, now, missing_limit)
    _drop_useless(run, is_of_use)
    _drop_of_others(run, meetings, trainers, key=key)
    for course, people in _fetched(run, maconomy, [course for course in classes if course.id in trainers]):
        with run.db.tx():
            for day in meetings[course.id][1]:
                asked_since = run.at - len(days) * DAY_S
                _keep(run, course, day, trainers[course.id], people, key=key, asked_since=asked_since)
    # deliver
    if sender is not None:
        run.deliver(PARTICIPANT_LIST, InTime(run, sender, outdated_before, is_of_use), keep=queued(run))
    elif waiting := run.outbox.pending(PARTICIPANT_LIST):
        run.remark(f"[mailgun] is switched off: {waiting} participant list(s) stay in the outbox")


def _meetings(run: Run, days: Sequence[str], class_id: str | None, *, missing_limit: int) -> _Meetings:
    """By class id, the class and on which of the days it meets; of a named class the next day it meets, however far.

    Errors  NotFound
    """
    if class_id is not None:
        course = _named(run, class_id)
        return {class_id: (course, [rules.next_day(course, days)])} if course else {}
    catalogue, found = Catalogue(run.db, "course"), _Meetings()
    for day in days:
        for near in Lists(run.db).classes_near(day, missing_limit=missing_limit):
            met = catalogue.get(near)
            if isinstance(met, Course) and rules.meets_on(met, day):
                found.setdefault(met.id, (met, []))[1].append(day)
    return found


def _named(run: Run, class_id: str) -> Course | None:
    """One class; None, with a remark, when it is cancelled. Errors  NotFound"""
    named = Catalogue(run.db, "course").get(class_id)
    if not isinstance(named, Course):
        raise NotFound(f"there is no class {class_id}", hint="integrator import-courses  (is it new in Maconomy?)")
    if named.status == "cancelled":
        run.remark(f"class {class_id} is cancelled: nobody gets a list of it")
        return None
    return named


def _drop_outdated(run: Run, day: str) -> None:
    """A list that could not be sent while it was of use."""
    lists = Lists(run.db)
    with run.db.tx():
        dropped = lists.withdraw(lists.unsent_before(day), "its day is over", at=run.at)
    if dropped:
        run.remark(f"{dropped} participant list(s) of days that are over were never sent; they were dropped")


class _Use:
    """Whether a list of a class and a day helps anybody, as far as the catalogue knows."""

    def __init__(self, run: Run, today: date, missing_limit: int) -> None:
        self._catalogue, self._lists = Catalogue(run.db, "course"), Lists(run.db)
        self._today, self._missing_limit = today, missing_limit

    def __call__(self, class_id: str, day: str) -> bool:
        course = self._catalogue.get(class_id)
        if not isinstance(course, Course):  # unknown is not gone
            return True
        takes_place = self._lists.takes_place(class_id, missing_limit=self._missing_limit)
        return takes_place and rules.is_of_use(course, day, self._today)


def _drop_useless(run: Run, is_of_use: _Use) -> None:
    """A list that waited while its class was cancelled, or moved to another day."""
    lists, reason, dropped = Lists(run.db), "its class does not take place then", 0
    with run.db.tx():
        for class_id, key in lists.all_unsent():
            if not is_of_use(class_id, rules.day_of(key)):
                dropped += lists.forget(class_id, [key], reason, at=run.at)
    if dropped:
        run.remark(f"{dropped} participant list(s) of classes that do not take place then were dropped")


def _drop_of_others(run: Run, meetings: _Meetings, trainers: Mapping[str, Sequence[Trainer]], *, key: bytes) -> None:
    """A list that waits for somebody who is not a trainer of its class any more, also when nobody else is."""
    lists, without = Lists(run.db), set(SetAside(run.db).of(ASIDE))
    with run.db.tx():
        for course, days in meetings.values():
            if course.id in trainers or course.id in without:
                to = {recipient_code(key, trainer.email or "") for trainer in trainers.get(course.id, ())}
                for day in days:
                    lists.forget_others(course.id, day, to, "this trainer is not its trainer any more", at=run.at)


def _fetched(run: Run, maconomy: Maconomy, classes: Sequence[Course]) -> Iterator[tuple[Course, People]]:
    """Each class with its list. One that does not come waits, one that cannot be right is set aside; others go on.

    Errors  Refused: Maconomy rejects us as a whole
    """
    silent = 0
    run.progress.begin("Maconomy: participants", len(classes))
    for course in classes:
        item = f"class {course.id}"
        if silent >= _GIVE_UP_AFTER:
            run.report.waiting[item] = "maconomy: did not answer for the others; it was not asked"
            continue
        try:
            people = maconomy.participants(course.id)
            rules.believe(people, course)
        except Unavailable as error:
            silent += 1
            run.report.waiting[item] = error.message
            continue
        except (BadAnswer, ItemError, NotFound) as error:
            silent = 0
            run.set_aside(item, f"{error.message}; its participant list was not sent")
            continue
        silent = 0
        run.progress.advance(1)
        if strange := sum(person.status == "unknown" for person in people):
            run.remark(f"{item}: {strange} participant(s) have a status we do not know, and are not on its list")
        yield course, rules.listed(people)


def _keep(
    run: Run,
    course: Course,
    day: str,
    trainers: Sequence[Trainer],
    people: People,
    *,
    key: bytes,
    asked_since: int,
) -> None:
    """Ask for the mails of one class that are not there yet. What still waits of an older list is withdrawn.

    asked_since   the first moment at which a run may have asked for this list (epoch seconds)
    """
    lists = Lists(run.db)
    fingerprint = list_fingerprint(key, people)
    to = {recipient_code(key, trainer.email or ""): trainer for trainer in trainers}
    for code, trainer in to.items():
        last = lists.newest(course.id, day, code)
        if last is not None and last.fingerprint == fingerprint:
            continue
        version = lists.next_version(course.id, day, code)
        lists.withdraw(lists.unsent(course.id, day, code), "a newer list takes its place", at=run.at)
        lists.keep(course.id, day, code, Sent(version, fingerprint), at=run.at)
        body = rules.mail(course, day, trainer, people)
        scope = rules.scope_of(course.id)
        message = rules.key_of(course.id, day, code, version)
        run.outbox.once(PARTICIPANT_LIST, message, body, scope=scope, caused_at=asked_since)
        run.count(**{"lists.changed" if last else "lists.new": 1})
