"""publish-classes: classes travel store → Trainingportal, and their free seats again and again.

Reads   trainingportal  E5, and E6 for each course: what it sells of us now
Keeps   store           published_classes: what it has of each class; set_aside: classes that cannot be sold there
Writes  trainingportal  E1 to E4, where it differs from what we want (outbox, latest); never what is not ours
Guard   most of our classes gone there at once, or all: stop, unless --allow-missing; a class is cancelled only after
        two good lists of Maconomy said so; what still waits leaves only while the newest lists ask for it
"""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from integrator.domain import portal_classes as rules
from integrator.domain.portal import CLASS, ClassFacts, PortalClass, PortalCourse
from integrator.domain.portal_classes import Comparison, Decision, Memory, Refusal, Standing, Terms
from integrator.effects import Done, Message, Sender
from integrator.errors import IntegratorError, ItemError, Postponed
from integrator.runtime.run import Run
from integrator.store import published_classes as catalogue
from integrator.store.courses import UNSOLD, SetAside
from integrator.store.orders import Orders
from integrator.store.published_classes import PublishedClasses

_EXAMPLES = 5
_MOST_TOLD = 100  # classes, one by one; the store has them all


class Portal(Protocol):
    """What the job needs of Trainingportal."""

    def courses(self) -> list[PortalCourse]: ...

    def classes(self, course_id: str) -> list[PortalClass]: ...

    def class_sender(self, there: Mapping[str, PortalClass], ours: Mapping[str, str]) -> Sender: ...


@dataclass
class _Pulled:
    """What Trainingportal sells now. courses: our main course → its id there; unread: courses it did not list."""

    courses: dict[str, str]
    classes: dict[str, PortalClass] = field(default_factory=dict)
    unread: set[str] = field(default_factory=set)


@dataclass
class _Level:
    """The run's work: what is there, what we knew, and what became of each class."""

    run: Run
    pulled: _Pulled
    known: dict[str, Memory]
    there: dict[str, PortalClass]  # as the sender is to see it
    found: dict[str, Comparison] = field(default_factory=dict)
    refused: dict[str, Refusal] = field(default_factory=dict)
    open: set[str] = field(default_factory=set)  # messages of earlier runs that have not ended
    asked: set[str] = field(default_factory=set)  # those that this run wants to leave
    failed: set[str] = field(default_factory=set)
    stuck: int = 0


def publish_classes(
    run: Run,
    portal: Portal,
    *,
    names: Mapping[str, str],
    missing_limit: int,
    any_currency: bool = False,
    allow_missing: bool = False,
) -> None:
    """Bring what Trainingportal sells of us level with the store's classes.

    names          their course → our main course, where the ids differ
    missing_limit  import-courses' missing_runs
    Errors  GuardTripped; Refused: it does not know us; Unavailable: nothing was changed
    """
    terms = Terms(run.policy["enrollment_deadline_days"], run.policy["cancellation_deadline_days"], any_currency)
    # fetch
    pulled = _pull(run, portal, names)
    known = PublishedClasses(run.db).all()
    standings = {
        one.course.id: one
        for one in catalogue.standings(
            run.db, main_ids=pulled.courses, keys={*known, *pulled.classes}, missing_limit=missing_limit
        )
    }
    # decide
    _guard(run, pulled, known, standings, allowed=allow_missing)
    level = _Level(run, pulled, known, dict(pulled.classes))
    level.open, level.failed = _unfinished(run), run.outbox.failed_keys(CLASS)
    decisions = _decide(level, standings, terms)
    # keep
    with run.db.tx():
        for class_id, decision in decisions.items():
            _keep(level, class_id, decision)
        _take_back(level)
    _tell(level, standings, decisions)
    # deliver
    # What is not there was perhaps cancelled by somebody, and can still be restored.
    ours = {class_id: memory.state if class_id in level.there else "cancelled" for class_id, memory in known.items()}
    sender = Asked(portal.class_sender(level.there, ours), level.asked)
    run.deliver(CLASS, sender, keep=lambda message, done: _sent(level, message, done))


def _pull(run: Run, portal: Portal, names: Mapping[str, str]) -> _Pulled:
    """Everything they sell of us. A list that cannot be read is unknown: its classes are left alone."""
    courses = portal.courses()
    pulled = _Pulled(rules.registered(courses, names))
    run.progress.begin("Trainingportal: classes", len(courses))
    for course_id in dict.fromkeys(course.id for course in courses):
        try:
            listed = portal.classes(course_id)
        except ItemError as error:
            pulled.unread.add(course_id)
            run.set_aside(f"course {course_id}", f"{error.message}; its classes were left alone")
            continue
        for one in listed:
            if one.class_id not in pulled.classes or pulled.classes[one.class_id].cancelled:
                pulled.classes[one.class_id] = msgspec.structs.replace(one, course_id=course_id)
        run.progress.advance(1)
    return pulled


def _guard(
    run: Run, pulled: _Pulled, known: Mapping[str, Memory], standings: Mapping[str, Standing], *, allowed: bool
) -> None:
    """Of the classes that they should still sell: are most of them there?"""
    expected = {
        class_id
        for class_id, memory in known.items()
        if memory.state == "published"
        and memory.course_id not in pulled.unread
        and class_id in standings
        and not standings[class_id].gone
        and rules.is_ahead(standings[class_id], run.now)
    }
    lost = [class_id for class_id in expected if not _is_there(pulled, class_id)]
    limit = int(run.policy["max_lost_percent"])
    rules.guard_lost(expected=len(expected), lost=len(lost), max_percent=limit, allowed=allowed)


def _is_there(pulled: _Pulled, class_id: str) -> bool:
    return class_id in pulled.classes and not pulled.classes[class_id].cancelled


def _unfinished(run: Run) -> set[str]:
    rows = [
        row for state in ("received", "processing") for row in run.outbox.listed(state=state, effect=CLASS, limit=-1)
    ]
    return {row["key"] for row in rows}


# decide -------------------------------------------------------------------------------------------


def _decide(level: _Level, standings: Mapping[str, Standing], terms: Terms) -> dict[str, Decision]:
    """What becomes of each class whose list we could read."""
    run, pulled = level.run, level.pulled
    held = Orders(run.db).held(standings, since=catalogue.last_pull(run.db))
    decisions: dict[str, Decision] = {}
    for class_id, standing in standings.items():
        memory, there = level.known.get(class_id), pulled.classes.get(class_id)
        course_id = pulled.courses.get(standing.course.main_id)
        if {course_id, memory and memory.course_id} & pulled.unread:
            continue
        if refusal := rules.elsewhere(course_id, there, memory, gone=standing.gone):
            decisions[class_id] = _not_decided(standing, refusal, run)
        elif course_id is not None:
            decisions[class_id] = rules.decide(
                standing,
                course_id,
                known=memory.facts if memory else None,
                there=_is_there(pulled, class_id),
                held=held[class_id],
                terms=terms,
                now=run.now,
            )
    return decisions


def _not_decided(standing: Standing, refusal: Refusal, run: Run) -> Decision:
    return Decision("leave", refusal=refusal if rules.is_ahead(standing, run.now) else None)


# keep ---------------------------------------------------------------------------------------------


def _keep(level: _Level, class_id: str, decision: Decision) -> None:
    """Queue what differs; where nothing does, remember that it is as we want it."""
    if decision.refusal:
        level.refused[class_id] = decision.refusal
    if decision.action == "cancel":
        _keep_cancelled(level, class_id)
    elif decision.facts is not None:
        _keep_published(level, class_id, decision.facts)


def _keep_cancelled(level: _Level, class_id: str) -> None:
    memory, there = level.known.get(class_id), level.pulled.classes.get(class_id)
    course_id = memory.course_id if memory else there.course_id if there else None
    if course_id is None:
        return
    if not _is_there(level.pulled, class_id):
        if memory and memory.state == "published" and class_id not in level.open:
            _remember_cancelled(level, class_id, course_id)
        return
    if memory and memory.cancelled_at and level.run.at - memory.cancelled_at < rules.PURGE_S:
        return  # it may stay listed for a while, perhaps without a word
    _queue(level, class_id, course_id, None)


def _keep_published(level: _Level, class_id: str, facts: ClassFacts) -> None:
    memory, there = level.known.get(class_id), level.pulled.classes.get(class_id)
    if there is None or there.cancelled or (memory and memory.state == "cancelled"):
        _queue(level, class_id, facts.course_id, facts)
        return
    found = rules.compared(facts, there, memory)
    level.found[class_id] = found
    level.there[class_id] = rules.as_seen(there, facts, found)
    if found.stubborn:
        kept = ", ".join(found.stubborn)
        level.refused.setdefault(
            class_id, Refusal("not_taken", f"Trainingportal keeps its {kept} although it was sent: mend it there")
        )
    if found.differs or class_id in level.open:
        _queue(level, class_id, facts.course_id, facts)
    else:
        PublishedClasses(level.run.db).keep(rules.at_rest(facts, found, memory), at=level.run.at)


def _queue(level: _Level, class_id: str, course_id: str, facts: ClassFacts | None) -> None:
    queued = level.run.outbox.latest(CLASS, class_id, rules.class_message(class_id, course_id, facts))
    level.asked.add(class_id)
    level.stuck += not queued and class_id in level.failed


def _take_back(level: _Level) -> None:
    """What waits of an earlier run, and this one does not want: its class may be cancelled, closed or begun by now."""
    taken = [class_id for class_id in level.open - level.asked if level.run.outbox.take_back(CLASS, class_id)]
    level.run.count(**{f"{CLASS}.taken_back": len(taken)})


class Asked:
    """The sender of classes, but that none leaves which this run has not asked for.

    What was in doubt and is not there waits again after the decision: the next run takes it back, or wants it still.
    """

    def __init__(self, sender: Sender, asked: Container[str]) -> None:
        self.settle_s, self.resends = sender.settle_s, sender.resends
        self.groups, self.look_up, self.repeatable = sender.groups, sender.look_up, sender.repeatable
        self.preview = sender.preview
        self._sender, self._asked = sender, asked

    def send(self, group: Sequence[Message]) -> Sequence[Done | IntegratorError]:
        """Each by itself: one that is not wanted holds no other."""
        return [answer for message in group for answer in self._answer(message)]

    def _answer(self, message: Message) -> Sequence[Done | IntegratorError]:
        if message.key in self._asked:
            return self._sender.send([message])
        return [Postponed("this run did not ask for it: the next one looks whether it is to leave at all")]


def _sent(level: _Level, message: Message, done: Done) -> None:
    """What they have now, in the transaction that completes the message."""
    class_id, course_id = message.body["class_id"], message.body["course_id"]
    if message.body["wanted"] == "cancelled":
        _remember_cancelled(level, class_id, course_id)
        return
    facts = msgspec.convert(message.body["facts"], ClassFacts)
    after = rules.after_sending(facts, done.memory, level.found.get(class_id))
    PublishedClasses(level.run.db).keep(after, at=level.run.at)


def _remember_cancelled(level: _Level, class_id: str, course_id: str) -> None:
    at = level.run.at
    PublishedClasses(level.run.db).keep(Memory(class_id, course_id, "cancelled", cancelled_at=at), at=at)


# tell ---------------------------------------------------------------------------------------------


def _tell(level: _Level, standings: Mapping[str, Standing], decisions: Mapping[str, Decision]) -> None:
    run, pulled = level.run, level.pulled
    run.count(
        classes__read=len(pulled.classes),
        classes__for_sale=sum(decision.action == "publish" for decision in decisions.values()),
        classes__refused=len(level.refused),
    )
    run.count(**{f"{CLASS}.failed_before": level.stuck})
    if level.stuck:
        run.remark(
            f"{level.stuck} class(es) differ there, but their messages failed: integrator outbox list --state failed"
        )
    _tell_drift(level, decisions)
    _tell_foreign(run, pulled.classes.keys() - standings.keys())
    _tell_refused(level, decisions)


def _tell_drift(level: _Level, decisions: Mapping[str, Decision]) -> None:
    """Somebody else changed a class there, or took it away: it is mended like any other difference.

    Seats are apart: they sell them, and may count for themselves what they sold.
    """
    drifted = {
        class_id: rules.drifted(level.pulled.classes.get(class_id), level.known[class_id])
        for class_id, decision in decisions.items()
        if decision.facts is not None and class_id in level.known and level.known[class_id].state == "published"
    }
    others = [class_id for class_id, fields in drifted.items() if set(fields) - {"seats"}]
    seats = [class_id for class_id, fields in drifted.items() if fields == ["seats"]]
    level.run.count(classes__drifted=len(others), classes__other_seats=len(seats))
    if others:
        fields = sorted({name for class_id in others for name in drifted[class_id]})
        level.run.remark(
            f"{len(others)} class(es) were not as we left them at Trainingportal ({', '.join(fields)}), such as"
            f" {_some(others)}: mended, unless Maconomy says so itself"
        )


def _tell_foreign(run: Run, foreign: Iterable[str]) -> None:
    keys = sorted(foreign)
    if keys:
        run.report.notes["not_in_catalogue"] = (len(keys), keys[:_EXAMPLES])
        run.remark(
            f"{len(keys)} class(es) at Trainingportal are not in our catalogue, such as {_some(keys)}: left alone"
        )


def _tell_refused(level: _Level, decisions: Mapping[str, Decision]) -> None:
    """A new refusal is said, so that cron mails it. One that stays is no failure: `status` has it until it is over."""
    run, aside = level.run, SetAside(level.run.db)
    found: dict[str, tuple[str, str]] = {key: (why.code, why.reason) for key, why in level.refused.items()}
    by_code: dict[str, list[str]] = {}
    for key, (code, _) in sorted(found.items()):
        by_code.setdefault(code, []).append(key)
    for code, keys in by_code.items():
        run.report.notes[code] = (len(keys), keys[:_EXAMPLES])
    if found:
        run.remark(f"{len(found)} class(es) are not at Trainingportal as they should be: integrator status says why")
    with run.db.tx():
        before = aside.reasons(UNSOLD)
        kept = {key: why for key, why in before.items() if key not in decisions} if level.pulled.unread else {}
        aside.replace(UNSOLD, kept | found, at=run.at, run_id=run.id)
    for key in [key for key, (code, _) in sorted(found.items()) if code != before.get(key, ("",))[0]][:_MOST_TOLD]:
        run.set_aside(f"class {key}", found[key][1])


def _some(keys: list[str]) -> str:
    return ", ".join(sorted(keys)[:_EXAMPLES])
