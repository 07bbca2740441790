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
from integrator.jobs.orderline_intake import NOWHERE
from integrator.runtime import lock
from integrator.store.workshop_health import Numbers, numbers, rejected_at_the_door, strays
from integrator.store.workshops import State, Workshops

if TYPE_CHECKING:
    from integrator.runtime.watch import JobState
    from integrator.settings import Settings, Workshop

JOB = "push-orderline"
PATIENCE_S = 3_600  # a doubt, or an order that waits, is older: somebody should look
LEAST_FREE = 1_000_000
_DEGRADED = frozenset({"store", "late", "lock", "blocked", "doubt", "manual-check"})
_NOTHING = Numbers(0, 0, (), None, (), 0, (), (), None, None)


@dataclass(frozen=True)
class Worry:
    """Something about a workshop (None: about all) that somebody should see to, and what to type next.

    kind   "store", "late", "lock", "blocked", "doubt", "manual-check": not healthy; "waiting", "failed", "stray"
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

    @property
    def id(self) -> str:
        return self.settings.id


@dataclass(frozen=True)
class Health:
    """How workshops stand, and the job that works for them. rejected: orders that named no workshop of ours."""

    workshops: list[Standing]
    worries: list[Worry]
    job: "JobState"
    store_problem: str | None
    rejected: int

    @property
    def is_good(self) -> bool:
        return not any(worry.degrades for worry in self.worries)


def standing(db: Database | None, settings: "Workshop", home: Home, *, now: int) -> Standing:
    """How one workshop stands; without a store it is as new."""
    if db is None:
        return Standing(settings, State(settings.id), _NOTHING)
    worker = _worker(db, home, settings.id)
    counted = numbers(db, settings.id, now=now, running=worker is not None and worker.alive)
    return Standing(settings, Workshops(db).get(settings.id), counted, worker)


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
    worries = [*_common_worries(standings, job, wrong), *(w for one in standings for w in worries_of(one, now))]
    if db is not None and len(standings) == len(found.workshops):
        worries += stray_worries(db, found.workshops)
    return Health(standings, worries, job, wrong, 0 if db is None else rejected_at_the_door(db, NOWHERE))


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


def _common_worries(standings: list[Standing], job: "JobState", wrong: str | None) -> Iterator[Worry]:
    if wrong is not None:
        yield Worry("store", None, f"store: {wrong}: no run can begin", "integrator check")
    if job.late and any(one.state.active and not one.state.blocked_code for one in standings):
        yield Worry("late", None, f"{JOB}: late: {job.late}", f"integrator runs --job {JOB}")


def worries_of(one: Standing, now: int) -> Iterator[Worry]:
    """What somebody should see to at one workshop, the gravest first."""
    workshop, counted = one.id, one.numbers
    if one.worker is not None and not one.worker.alive:
        what = f"{workshop}: its lock is held, but not by run {one.worker.run_id}, which is gone"
        yield Worry("lock", workshop, what, f"who has it? fuser -v var/locks/{lock.name_of(JOB, workshop)}.lock")
    if one.state.blocked_code:
        yield _blocked(one, now)
    if counted.doubt_since is not None and now - counted.doubt_since > PATIENCE_S:
        what = f"{workshop}: {_some(counted.doubtful)} in doubt for {format_duration(now - counted.doubt_since)}"
        yield Worry("doubt", workshop, what, f"each run looks again; why it cannot: {_queue_of(workshop, 'task')}")
    if counted.manual_checks:
        what = f"{workshop}: {_some(counted.manual_checks)} cannot be told to be on the case or not (manual check)"
        command = f"integrator orderline resolve --workshop {workshop} {counted.manual_checks[0]}"
        yield Worry(
            "manual-check", workshop, what, f"look at the case, then: {command} --as completed|failed --note TEXT"
        )
    if counted.failed:
        what = f"{workshop}: {_some(counted.failed)} failed or refused"
        yield Worry("failed", workshop, what, f"{_queue_of(workshop, 'error')}, then orderline retry or clear them")
    if counted.oldest_at is not None and now - counted.oldest_at > PATIENCE_S and not one.state.blocked_code:
        yield _waiting(one, counted.oldest_at, now)


def _blocked(one: Standing, now: int) -> Worry:
    code, queued = str(one.state.blocked_code), one.numbers.queued
    since = format_duration(now - (one.state.blocked_at or now))
    what = f"{one.id}: blocked for {since}: {code} ({text_of(code)}); {queued} orderline(s) wait"
    return Worry("blocked", one.id, what, way_out(one.settings, code))


def way_out(settings: "Workshop", code: str) -> str:
    """What a person does about a block."""
    if code == "layout-changed":
        return f"mend {locator_file(settings)}, then: integrator workshop activate {settings.id} --unblock"
    return f"mend it, then: integrator workshop test-login {settings.id}"


def locator_file(settings: "Workshop") -> str:
    """Where a home keeps its own locators of a type."""
    return f"config/workshops/{settings.type}.toml"


def _waiting(one: Standing, oldest_at: int, now: int) -> Worry:
    off = "" if one.state.active else ", and it is switched off"
    what = f"{one.id}: {one.numbers.queued} orderline(s) wait, the oldest for {format_duration(now - oldest_at)}{off}"
    then = _queue_of(one.id, "task") if one.state.active else f"integrator workshop activate {one.id}"
    return Worry("waiting", one.id, what, then)


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
