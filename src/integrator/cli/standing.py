"""How an installation stands: its jobs, queues, set-aside records and backups, and which of that needs a person."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from integrator.cli import times
from integrator.domain.orderlines.order import EFFECT as ORDERLINE
from integrator.errors import ConfigError, StoreDamaged
from integrator.store.courses import BOOKING, OUTCOME, PAPER, UNKNOWN_BOOKING, UNSOLD

if TYPE_CHECKING:
    from integrator.database import Database
    from integrator.runtime.watch import JobState, Queue
    from integrator.settings import Settings
    from integrator.store.backup import Backup

BACKUP_PATIENCE_S = 2 * 86_400
_DEFAULT_SETTLE_S = 60.0
# kind of what was set aside → what is wrong with so many of them
_ASIDE = {
    "main_course": "main course record(s) cannot be read and are set aside",
    "course": "course record(s) cannot be read and are set aside",
    "orphan": "course(s) are held back: Maconomy does not list their main course",
    "main_course post": "main course(s) have several posts on the site",
    "course post": "course(s) have several posts on the site",
    "mail events": "system(s) do not let us read what became of mails",
    UNKNOWN_BOOKING: "booking(s) that we do not know were cancelled by a reseller",
    BOOKING: "booking(s) of a reseller wait for a person",
    UNSOLD: "class(es) are not at Trainingportal as they should be",
    OUTCOME: "class(es) or booking(s) whose outcome cannot be taken from Maconomy",
    PAPER: "booking(s) have a document that needs a person",
    "trainer": "course(s) have no trainer who could be sent the participant list",
}

_THEN = {"mail events": "integrator check mailgun"}  # of a kind whose keys are no records that explain knows


@dataclass(frozen=True)
class Trouble:
    """Something that needs a person, and what to type next."""

    what: str
    then: str


@dataclass(frozen=True)
class Standing:
    """Everything `status` says. uncertain is by effect, set_aside by kind of record; backups are newest first."""

    has_store: bool
    jobs: "list[JobState]"
    queues: "list[Queue]"
    uncertain: dict[str, int]
    set_aside: dict[str, list[str]]
    backups: "list[Backup]"
    problems: list[Trouble]

    def as_json(self, now: datetime) -> dict[str, Any]:
        """The same for machines."""
        newest = self.backups[0] if self.backups else None
        return {
            "at": times.iso(int(now.timestamp())),
            "needs_person": bool(self.problems),
            "problems": [{"what": trouble.what, "next": trouble.then} for trouble in self.problems],
            "store": self.has_store,
            "jobs": [_job_json(job) for job in self.jobs],
            "queues": [
                {"effect": q.effect, "state": q.state, "count": q.count, "oldest_at": times.iso(q.oldest)}
                for q in self.queues
            ],
            "uncertain": self.uncertain,
            "set_aside": self.set_aside,
            "backups": {
                "count": len(self.backups),
                "newest": newest.path.name if newest else None,
                "newest_at": times.iso(newest.made_at) if newest else None,
                "age_s": int(now.timestamp()) - newest.made_at if newest else None,
            },
        }


def _job_json(job: "JobState") -> dict[str, Any]:
    last = job.last
    return {
        "job": job.name,
        "schedule": job.schedule,
        "outcome": job.outcome,
        "off": job.off,
        "running": job.running,
        "crashed": job.crashed,
        "late": job.late,
        "last_run": last and {name: last[name] for name in ("id", "outcome", "exit_code", "error", "counts")},
        "last_run_at": times.iso(last["started_at"]) if last else None,
        "last_success_at": times.iso(job.last_success),
        "next_run_at": times.iso(job.next_run),
    }


def look(found: "Settings", db: "Database | None", now: datetime) -> Standing:
    """Read how everything stands; nothing is written, and no store is made."""
    from integrator.runtime import watch
    from integrator.settings.jobs import is_off
    from integrator.store import backup
    from integrator.store.mails import Mails
    from integrator.store.story import set_aside_keys
    from integrator.store.workshops import OFF, REFUSED

    jobs = [
        watch.job_state(db, policy, locks=found.home.locks, now=now, off=is_off(found, policy.name))
        for policy in found.jobs.values()
    ]
    backups = backup.found(found.home.backups)
    queues = watch.queues(db) if db else []
    uncertain = _uncertain(found, db, now) if db else {}
    set_aside = {kind: keys for kind, keys in set_aside_keys(db).items() if kind not in (OFF, REFUSED)} if db else {}
    bad_mails = Mails(db).bad() if db else []
    first_run = watch.first_run(db) if db else None
    problems = [
        *_store_troubles(found),
        *(trouble for job in jobs for trouble in _job_troubles(job)),
        *_queue_troubles(queues, uncertain),
        *_mail_troubles(bad_mails),
        *_workshop_troubles(found, db, now),
        *_set_aside_troubles(set_aside),
        *_backup_troubles(backups, first_run, now),
        *_erasure_troubles(found, db),
    ]
    return Standing(db is not None, jobs, queues, uncertain, set_aside, backups, problems)


def _settle_s(found: "Settings", effect: str) -> float:
    if effect == ORDERLINE:
        return max((workshop.settle_s for workshop in found.workshops.values()), default=_DEFAULT_SETTLE_S)
    system = getattr(found, effect.partition(".")[0], None)
    return float(getattr(getattr(system, "http", system), "settle_s", _DEFAULT_SETTLE_S))


def _uncertain(found: "Settings", db: "Database", now: datetime) -> dict[str, int]:
    """Messages by effect whose outcome nobody knows. Orderlines that were only waiting before a restore still wait."""
    from integrator.runtime import watch
    from integrator.store.workshop_health import unbegun

    counts = watch.uncertain(db, lambda effect: _settle_s(found, effect), now)
    if ORDERLINE in counts:
        counts[ORDERLINE] -= unbegun(db, before=int(now.timestamp() - _settle_s(found, ORDERLINE)))
    return {effect: count for effect, count in counts.items() if count > 0}


def _store_troubles(found: "Settings") -> Iterator[Trouble]:
    """Nothing would be told of runs that cannot even begin."""
    from integrator.jobs.workshop_standing import store_problem

    if (wrong := store_problem(found.store.path)) is not None:
        yield Trouble(f"store: {wrong}: no run can begin", "integrator check")


def _job_troubles(job: "JobState") -> Iterator[Trouble]:
    if job.off:
        return
    last = job.last
    if job.crashed and last:
        yield Trouble(
            f"{job.name}: run {last['id']} ended without a word (killed, or the machine went down)",
            f"it heals at its next start; or at once: integrator {' '.join(job.command)}",
        )
    elif last and not job.running and last["outcome"] in ("failed", "stopped"):
        yield Trouble(
            f"{job.name}: run {last['id']} {last['outcome']}: {last['error']}", f"integrator runs {last['id']}"
        )
    if job.late and job.last is None:
        yield Trouble(
            f"{job.name}: never ran, though it is scheduled", "integrator schedule prints the line that starts it"
        )
    elif job.late:
        yield Trouble(f"{job.name}: late: {job.late}", f"integrator runs --job {job.name}")


def _queue_troubles(queues: "list[Queue]", uncertain: dict[str, int]) -> Iterator[Trouble]:
    for queue in queues:
        if queue.state == "failed" and queue.effect != ORDERLINE:  # those are told by workshop
            yield Trouble(
                f"{queue.effect}: {queue.count:,} message(s) failed",
                f"integrator outbox list --state failed --effect {queue.effect}, then retry or drop them",
            )
    for effect, count in uncertain.items():
        yield Trouble(
            f"{effect}: {count:,} message(s) were begun, and nobody knows whether they arrived",
            f"the next run looks there first; until then: integrator outbox list --state processing --effect {effect}",
        )


def _workshop_troubles(found: "Settings", db: "Database | None", now: datetime) -> Iterator[Trouble]:
    """What a person should see to at a workshop. Doubts are among the queues' troubles."""
    from integrator.jobs.workshop_standing import common_worries, standing, worries_of

    at = int(now.timestamp())
    standings = [standing(db, workshop, found.home, now=at) for workshop in found.workshops.values()]
    worries = [*(worry for one in standings for worry in worries_of(one, at)), *common_worries(found, db, at)]
    yield from (Trouble(worry.what, worry.then) for worry in worries if worry.kind not in ("doubt", "off"))


def _mail_troubles(bad: list[dict[str, Any]]) -> Iterator[Trouble]:
    if bad:
        some = ", ".join(f"{mail['key']} ({mail['result']}, {mail['code'] or 'no code'})" for mail in bad[:3])
        yield Trouble(
            f"{len(bad):,} mail(s) did not arrive: {some}", "reach them otherwise, then: integrator mail seen KEY"
        )


def _set_aside_troubles(set_aside: dict[str, list[str]]) -> Iterator[Trouble]:
    for kind, keys in set_aside.items():
        some = ", ".join(keys[:3])
        yield Trouble(
            f"{len(keys):,} {_ASIDE.get(kind, f'{kind}: set aside')}, such as {some}",
            _THEN.get(kind, f"integrator explain {keys[0]}"),
        )


def _erasure_troubles(found: "Settings", db: "Database | None") -> Iterator[Trouble]:
    """Whether who was erased would stay erased after a restore."""
    from integrator.store.erasure.journal import Journal, applied

    journal = Journal(found.home.var)
    try:
        journal.check()
        if db is not None:
            journal.need_whole(applied(db))
    except ConfigError as error:
        for problem in error.problems:
            yield Trouble(f"{problem.where} {problem.what}", error.hint or "integrator check")
    except StoreDamaged as error:  # a line of it; all else is told nevertheless
        yield Trouble(error.message, error.hint or "integrator check")


def _backup_troubles(backups: "list[Backup]", first_run: int | None, now: datetime) -> Iterator[Trouble]:
    limit = now.timestamp() - BACKUP_PATIENCE_S
    if first_run is None or first_run > limit or (backups and backups[0].made_at > limit):
        return
    newest = f"the newest backup is of {times.ago(backups[0].made_at, now)}" if backups else "there is no backup"
    yield Trouble(f"store: {newest}", "integrator store backup")
