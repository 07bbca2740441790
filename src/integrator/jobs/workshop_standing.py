"""How the workshops stand, and what about them somebody should see to: behind `workshop health` and `status`."""

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from integrator.database import Database
from integrator.domain.orderlines.reasons import text_of
from integrator.durations import format_duration
from integrator.home import Home
from integrator.jobs import orderline_spool
from integrator.jobs.orderline_intake import NOWHERE, listed
from integrator.runtime import lock
from integrator.store.workshop_health import Numbers, numbers, strays
from integrator.store.workshops import Refusal, State, Workshops

if TYPE_CHECKING:
    from integrator.runtime.watch import JobState
    from integrator.settings import Settings, Workshop

JOB = "push-orderline"
PATIENCE_S = 3_600  # a doubt, or an order that waits, is older: somebody should look
OFF_PATIENCE_S = 86_400  # a workshop is switched off for longer, and orders wait for it: it was forgotten
LEAST_FREE = 1_000_000
_NAMED = 3
_DEGRADED = frozenset({"store", "late", "lock", "blocked", "doubt", "manual-check", "forgotten", "untaken"})
_NOTHING = Numbers(0, 0, (), None, (), 0, (), (), None, None)


@dataclass(frozen=True)
class Worry:
    """Something about a workshop (None: about all) that somebody should see to, and what to type next.

    kind   "store", "late", "lock", "blocked", "doubt", "manual-check", "forgotten", "untaken": not healthy;
           "waiting", "failed", "stray", "refused", "off"
    """

    kind: str
    workshop: str | None
    what: str
    then: str

    @property
    def degrades(self) -> bool:
        return self.kind in _DEGRADED


@dataclass(frozen=True)
class Worker:
    """The run that works for a workshop now. alive: the process that the lock names exists (pid and start time)."""

    run_id: int
    pid: int
    since: int
    alive: bool


@dataclass(frozen=True)
class Standing:
    """How one workshop stands."""

    settings: "Workshop"
    state: State
    numbers: Numbers
    worker: Worker | None = None
    off_since: int | None = None
    refusals: tuple[Refusal, ...] = ()

    @property
    def id(self) -> str:
        return self.settings.id


@dataclass(frozen=True)
class Health:
    """How workshops stand, and the job that works for them. rejected: orders that named no workshop of ours.

    refused   the last of those that were refused and kept nowhere, by workshop ("-": none of ours)
    """

    workshops: list[Standing]
    worries: list[Worry]
    job: "JobState"
    store_problem: str | None
    rejected: int
    refused: dict[str, tuple[Refusal, ...]]

    @property
    def is_good(self) -> bool:
        return not any(worry.degrades for worry in self.worries)


def standing(db: Database | None, settings: "Workshop", home: Home, *, now: int) -> Standing:
    """How one workshop stands; without a store it is as new."""
    if db is None:
        return Standing(settings, State(settings.id), _NOTHING)
    worker = _worker(db, home, settings.id)
    counted = numbers(db, settings.id, now=now, running=worker is not None and worker.alive)
    kept = Workshops(db)
    refusals = tuple(kept.refusals(settings.id))
    return Standing(settings, kept.get(settings.id), counted, worker, kept.off_since(settings.id), refusals)


def _worker(db: Database, home: Home, workshop: str) -> Worker | None:
    """Only a run without an end makes us ask for the lock: asking for a free one takes it for a moment."""
    name = lock.name_of(JOB, workshop)
    row = db.one(
        "SELECT id, pid, started_at FROM runs WHERE job = ? AND scope = ? AND finished_at IS NULL"
        " ORDER BY id DESC LIMIT 1",
        (JOB, workshop),
    )
    if row is None or not lock.is_held(home.locks, name):
        return None
    holder = lock.holder(home.locks, name)
    if holder is None:  # let go meanwhile, or nobody knows who has it
        return Worker(row["id"], row["pid"], row["started_at"], alive=False) if lock.is_held(home.locks, name) else None
    return Worker(row["id"], holder.pid, int(holder.since.timestamp()), holder.is_alive())


def health(
    found: "Settings", db: Database | None, chosen: "Iterable[Workshop]", job: "JobState", *, now: int
) -> Health:
    """How the chosen workshops stand, and everything about them that is not as it should be."""
    standings = [standing(db, one, found.home, now=now) for one in chosen]
    wrong = store_problem(found.store.path)
    worries = [*_run_worries(standings, job, wrong), *(w for one in standings for w in worries_of(one, now))]
    lost = nobodys(db)
    if len(standings) == len(found.workshops):
        worries += common_worries(found, db, now)
    refused = {one.id: one.refusals for one in standings} | {NOWHERE: lost.refusals}
    return Health(standings, worries, job, wrong, lost.state.rejected, {w: r for w, r in refused.items() if r})


def store_problem(path: Path) -> str | None:
    """Why a run could not write the store, None when it could. Nothing is written here, and the file is not opened."""
    place = path if path.exists() else path.parent
    while not place.exists():
        place = place.parent
    for each in (place, path.parent):
        if each.exists() and not os.access(each, os.W_OK):
            return f"{each} cannot be written by this user"
    if shutil.disk_usage(place).free < LEAST_FREE:
        return f"the disk is full where {place} lies"
    return None


def _run_worries(standings: list[Standing], job: "JobState", wrong: str | None) -> Iterator[Worry]:
    if wrong is not None:
        yield Worry("store", None, f"store: {wrong}: no run can begin", "integrator check")
    if job.late and any(one.state.active and not one.state.blocked_code for one in standings):
        yield Worry("late", None, f"{JOB}: late: {job.late}", f"integrator runs --job {JOB}")


def worries_of(one: Standing, now: int) -> Iterator[Worry]:
    """What somebody should see to at one workshop, the gravest first."""
    workshop, counted = one.id, one.numbers
    if one.worker is not None and not one.worker.alive:
        what = f"{workshop}: its lock is held, but not by run {one.worker.run_id}, which is gone"
        yield Worry("lock", workshop, what, who_has_it(workshop))
    if one.state.blocked_code:
        yield _blocked(one, now)
    if counted.doubt_since is not None and now - counted.doubt_since > PATIENCE_S:
        what = f"{workshop}: {_some(counted.doubtful)} in doubt for {format_duration(now - counted.doubt_since)}"
        then = f"runs look again, at least each hour; why they cannot: {_queue_of(workshop, 'task')}"
        if one.state.blocked_code or not one.state.active:  # it may never be worked for again
            command = f"integrator orderline resolve --workshop {workshop} {counted.doubtful[0]}"
            then = f"no run looks: look at the case, then: {command} --as completed|failed --note TEXT"
        yield Worry("doubt", workshop, what, then)
    if counted.manual_checks:
        what = f"{workshop}: {_some(counted.manual_checks)} cannot be told to be on the case or not (manual check)"
        command = f"integrator orderline resolve --workshop {workshop} {counted.manual_checks[0]}"
        yield Worry(
            "manual-check", workshop, what, f"look at the case, then: {command} --as completed|failed --note TEXT"
        )
    if counted.failed:
        what = f"{workshop}: {_some(counted.failed)} failed or refused"
        yield Worry("failed", workshop, what, f"{_queue_of(workshop, 'error')}, then orderline retry or clear them")
    if counted.oldest_at is not None and not one.state.active:
        yield _off(one, counted.oldest_at, now)
    elif counted.oldest_at is not None and now - counted.oldest_at > PATIENCE_S and not one.state.blocked_code:
        yield _waiting(one, counted.oldest_at, now)
    yield from _refused(one, now)


def _blocked(one: Standing, now: int) -> Worry:
    code, queued = str(one.state.blocked_code), one.numbers.queued
    since = format_duration(now - (one.state.blocked_at or now))
    what = f"{one.id}: blocked for {since}: {code} ({text_of(code)}); {queued} orderline(s) wait"
    return Worry("blocked", one.id, what, way_out(one.settings, code))


def who_has_it(workshop: str) -> str:
    """How a person finds out who holds a workshop's lock, when it does not say so."""
    return f"who has it? fuser -v var/locks/{lock.name_of(JOB, workshop)}.lock"


def way_out(settings: "Workshop", code: str) -> str:
    """What a person does about a block. Of the login only where its secret comes from."""
    if code == "layout-changed":
        return f"mend {locator_file(settings)}, then: integrator workshop activate {settings.id} --unblock"
    login = f"[{settings.id}] in config/workshops.toml: username, and password from {settings.password}"
    if code == "login-refused":
        return f"mend its login ({login}), then: integrator workshop test-login {settings.id}"
    what = f"log in at {settings.base_url} as that user, and do what it asks for"
    return f"{what} ({login}), then: integrator workshop test-login {settings.id}"


def locator_file(settings: "Workshop") -> str:
    """Where a home keeps its own locators of a type."""
    return f"config/workshops/{settings.type}.toml"


def _waiting(one: Standing, oldest_at: int, now: int) -> Worry:
    what = f"{one.id}: {one.numbers.queued} orderline(s) wait, the oldest for {format_duration(now - oldest_at)}"
    return Worry("waiting", one.id, what, _queue_of(one.id, "task"))


def _off(one: Standing, oldest_at: int, now: int) -> Worry:
    """It may be meant; after a day somebody has forgotten it."""
    since = "" if one.off_since is None else f" for {format_duration(now - one.off_since)}"
    waited = now - oldest_at
    what = f"{one.id}: switched off{since}; {one.numbers.queued} orderline(s) wait, the oldest for"
    longest = now - min(oldest_at, one.off_since or now)
    kind = "forgotten" if longest > OFF_PATIENCE_S else "waiting" if waited > PATIENCE_S else "off"
    return Worry(kind, one.id, f"{what} {format_duration(waited)}", f"integrator workshop activate {one.id}")


def _refused(one: Standing, now: int) -> Iterator[Worry]:
    """What was refused at its door, and is kept nowhere: nobody would look for it."""
    no_id, other = one.state.rejected, one.state.reused
    if no_id or other:
        what = f"{one.id}: {no_id} order(s) had no id to keep, {other} an id with other content"
        then = f"send each anew, under an id of its own; when that is done: integrator workshop health {one.id} --seen"
        yield Worry("refused", one.id, what + _which(one.refusals, now), then)


def _which(refusals: tuple[Refusal, ...], now: int) -> str:
    """Shape   ": 0007 (2 min ago: unique_id reused with other content), no id (1 h ago: …) …" """
    some = [
        f"{one.unique_id or 'no id'} ({format_duration(now - one.at)} ago: {one.reason})" for one in refusals[:_NAMED]
    ]
    return f": {', '.join(some)}{' …' if len(refusals) > _NAMED else ''}" if some else ""


@dataclass(frozen=True)
class Nobodys:
    """What came for none of our workshops."""

    state: State
    refusals: tuple[Refusal, ...]


def nobodys(db: Database | None) -> Nobodys:
    if db is None:
        return Nobodys(State(NOWHERE), ())
    return Nobodys(Workshops(db).get(NOWHERE), tuple(Workshops(db).refusals(NOWHERE)))


def common_worries(found: "Settings", db: Database | None, now: int) -> Iterator[Worry]:
    """What concerns no workshop of ours: orders that wait for, were sent to, or lie where there is none."""
    if db is not None:
        yield from stray_worries(db, found.workshops)
        lost = nobodys(db)
        if lost.state.rejected:
            what = f"{lost.state.rejected} order(s) named no workshop of ours, or had no id to keep"
            then = f"{listed(found.workshops)}; send each anew; when that is done: integrator workshop health --seen"
            yield Worry("refused", None, what + _which(lost.refusals, now), then)
    if (lying := orderline_spool.told(found)) is not None:
        yield Worry("untaken", None, *lying)


def stray_worries(db: Database, workshops: "Mapping[str, Workshop]") -> Iterator[Worry]:
    """Orderlines that wait for a workshop which is no longer configured."""
    for workshop, number in strays(db, set(workshops)).items():
        what = f"{workshop}: {number} orderline(s) wait, and config/workshops.toml has no such workshop"
        yield Worry("stray", workshop, what, f"put [{workshop}] there again")


def _queue_of(workshop: str, kind: str) -> str:
    return f"integrator orderline queue --workshop {workshop} --type {kind}"


def _some(ids: tuple[str, ...]) -> str:
    """Shape   "orderline 0007", "12 orderlines (0007, 0008, 0009 …)" """
    if len(ids) == 1:
        return f"orderline {ids[0]}"
    return f"{len(ids)} orderlines ({', '.join(ids[:3])}{' …' if len(ids) > 3 else ''})"
