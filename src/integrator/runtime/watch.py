"""Looking at runs and queues from outside: what ran, what runs, what waits, what no longer moves.

Nothing here writes. It knows no business word: which jobs are switched off and how long an effect may take
to settle is said by the caller.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from integrator.database import Database
from integrator.effects import SHOWN_STATE
from integrator.runtime import lock
from integrator.runtime.history import History

if TYPE_CHECKING:
    from integrator.settings import JobPolicy

_LOG_FILES = ("integrator.log", "integrator.log.1")


@dataclass(frozen=True)
class JobState:
    """One job as it stands. last is the newest run that was not merely skipped; times are epoch seconds.

    crashed   that run has no end, and nobody holds the job's lock
    late      why silence is wrong, in words
    """

    name: str
    command: tuple[str, ...]
    schedule: str
    off: bool = False
    last: dict[str, Any] | None = None
    last_success: int | None = None
    next_run: int | None = None
    late: str | None = None
    running: bool = False
    crashed: bool = False

    @property
    def outcome(self) -> str:
        if self.off:
            return "off"
        if self.running:
            return "running"
        if self.last is None:
            return "never ran"
        return "crashed" if self.crashed else str(self.last["outcome"])


def job_state(
    db: Database | None, policy: "JobPolicy", *, locks: Path, now: datetime, off: bool = False, zone: Any = None
) -> JobState:
    """How one job stands; without a store only when it would run next."""
    from integrator.schedule import is_late, next_run

    upcoming = int(next_run(policy.schedule, now, zone).timestamp()) if policy.schedule and not off else None
    if db is None:
        return JobState(policy.name, policy.command, policy.schedule, off=off, next_run=upcoming)
    history = History(db)
    last, running, crashed = _last(db, policy.name, locks)
    success = history.last_success(policy.name)
    # A job that never ran was due since the first run of any: its line may be missing where jobs are started.
    seen = history.first_seen(policy.name) or first_run(db)
    late = None if off or seen is None else is_late(policy, success, seen, now, zone=zone)
    return JobState(policy.name, policy.command, policy.schedule, off, last, success, upcoming, late, running, crashed)


def _last(db: Database, job: str, locks: Path) -> tuple[dict[str, Any] | None, bool, bool]:
    """The newest run that was not skipped, whether it runs now, whether it crashed.

    Only a run without an end makes us ask for the lock: asking for a free one takes it for a moment. A run writes its
    end before it lets go, so one that still has none when its lock was seen free will never have one.
    """
    last = _newest(db, job)
    if last is None or last["finished_at"] is not None:
        return last, False, bool(last and last["outcome"] == "crashed")
    if lock.is_held(locks, lock.name_of(job, last["scope"])):
        return last, True, False
    again = _newest(db, job)
    return again, False, bool(again and (again["finished_at"] is None or again["outcome"] == "crashed"))


def _newest(db: Database, job: str) -> dict[str, Any] | None:
    found = db.value("SELECT max(id) FROM runs WHERE job = ? AND outcome <> 'skipped'", (job,))
    return None if found is None else History(db).get(int(found))


def outcome_of(run: dict[str, Any], locks: Path) -> str:
    """A run's outcome; one without an end whose lock is free did crash, though nobody has written it down yet."""
    if run["finished_at"] is None and not lock.is_held(locks, lock.name_of(run["job"], run["scope"])):
        return "crashed"
    return str(run["outcome"])


def first_run(db: Database) -> int | None:
    """Epoch seconds of the oldest run of any job."""
    found = db.value("SELECT min(started_at) FROM runs")
    return None if found is None else int(found)


@dataclass(frozen=True)
class Queue:
    """The messages of one effect in one state ("dropped": given up by an operator); oldest in epoch seconds."""

    effect: str
    state: str
    count: int
    oldest: int


def queues(db: Database) -> list[Queue]:
    """How many messages are in which state, by effect."""
    rows = db.all(
        f"SELECT effect, {SHOWN_STATE} AS shown, count(*), min(created_at) FROM outbox x"  # noqa: S608 (a constant)
        " GROUP BY effect, shown ORDER BY effect, shown"
    )
    return [Queue(*row) for row in rows]


def uncertain(db: Database, settle_s: Callable[[str], float], now: datetime) -> dict[str, int]:
    """Messages by effect whose outcome nobody knows although it must have settled; the next run looks them up."""
    rows = db.all("SELECT effect, coalesce(uncertain_since, sent_at) AS since FROM outbox WHERE state = 'processing'")
    found: dict[str, int] = {}
    for row in rows:
        if now.timestamp() - row["since"] > settle_s(row["effect"]):
            found[row["effect"]] = found.get(row["effect"], 0) + 1
    return found


def log_line(folder: Path, run: dict[str, Any]) -> dict[str, Any] | None:
    """What a run said when it ended (failed and waiting items, remarks), as long as the log has it.

    After a restore numbers come again, so the job must fit too; the newest line wins.
    """
    for name in _LOG_FILES:
        found = _search(folder / name, run)
        if found is not None:
            return found
    return None


def _search(path: Path, run: dict[str, Any]) -> dict[str, Any] | None:
    needle = f'"run":{run["id"]},'
    try:
        with path.open(encoding="utf-8", errors="replace") as lines:
            candidates = [line for line in lines if needle in line]
    except FileNotFoundError:
        return None
    for line in reversed(candidates):
        try:
            facts = json.loads(line)
        except ValueError:  # a line that a full disk cut
            continue
        if isinstance(facts, dict) and facts.get("run") == run["id"] and facts.get("job") == run["job"]:
            return facts
    return None
