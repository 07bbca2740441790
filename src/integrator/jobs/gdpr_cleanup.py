"""gdpr-cleanup: what is past its time is erased, and the bytes of the files are searched for it.

Reads   store      orders, reservations, participant lists; [retention]
Keeps   store      participants become nobody, old orders go; counters, erasures (who, when, how many)
        files      var/erasures (journal), backups and replaced stores (rewritten), evidence (deleted)
Guard   an order with a message under way, or on legal hold, stays as it is
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from integrator.domain.retention import DAY_S, Periods
from integrator.effects import Preview
from integrator.errors import LockHeld, Unavailable
from integrator.runtime import lock
from integrator.store import backup
from integrator.store.erasure.copies import Copies, foreign
from integrator.store.erasure.journal import Journal
from integrator.store.erasure.steps import Erasing
from integrator.store.erasure.work import Work, rules_work

if TYPE_CHECKING:
    from integrator.home import Home
    from integrator.runtime.run import Run
    from integrator.settings.model import RetentionSettings


def gdpr_cleanup(run: "Run", home: "Home", retention: "RetentionSettings", *, actor: str) -> None:
    """Erase what is due in the store, in its copies and among the evidence."""
    journal, periods = Journal(home.var), periods_of(retention)
    erasing = Erasing(run.db, journal, run.at, actor, run.id)
    copies = Copies(run.db.path, home.backups, journal, periods, run.at)
    with no_backup(home, run.now):
        try:
            with lock.wait_for(home.locks, "store"):
                erasing.level()
                journal.check()
                _say(run, erasing.by_rules(periods))
                run.count(files__checked=int(erasing.finish()))
                copies.sweep()
            run.count(backups__deleted=_remove_expired(copies, retention.backups_days))
            copies.erase()
        finally:
            run.count(**erasing.counts)
            run.count(**copies.counts)
        for name, reason in copies.failed.items():
            run.set_aside(f"backup {name}", reason)
    run.count(evidence__deleted=len(old := old_evidence(home.evidence, retention.evidence_days, run.at)))
    for path in old:
        path.unlink(missing_ok=True)
    for what in not_ours(home):
        run.remark(f"not ours: {what}: can hold people, and is never deleted here: delete it when it is not needed")


def not_ours(home: "Home") -> list[str]:
    """What operators leave that can hold people: stores copied among the backups; in the home folder exports and
    previews of mails, counted only: whoever they are of may stand in their names."""
    said = [str(path) for path in foreign(home.backups)]
    for pattern in ("gdpr-export-*.json", "*.eml"):
        if number := sum(path.is_file() for path in home.root.glob(pattern)):
            said.append(f"{number} file(s) {home.root / pattern}")
    return said


def plan(run: "Run", home: "Home", store: Path, retention: "RetentionSettings") -> None:
    """Count what gdpr_cleanup would do; nothing is changed."""
    periods = periods_of(retention)
    work = rules_work(run.db, periods, run.at)
    copies = Copies(store, home.backups, Journal(home.var), periods, run.at)
    _say(run, work)
    numbers = {
        "participants.anonymised": participants_in(run, work),
        "orders.anonymised": len(work.anonymise),
        "orders.deleted": len(work.delete),
        "reservations.deleted": len(work.reservations),
        "lists.deleted": len(work.lists),
        "trainers.forgotten": len(work.trainers),
        "backups.deleted": len(_expired(copies, retention.backups_days)),
        "backups.rewritten": len(copies.due()),
        "evidence.deleted": len(old_evidence(home.evidence, retention.evidence_days, run.at)),
    }
    run.count(**numbers)
    for name, number in numbers.items():
        if number:
            what, _, done = name.partition(".")
            run.report.plan.append((run.job, Preview(done, what, f"{number:,}", None, [])))


def periods_of(retention: "RetentionSettings") -> Periods:
    return Periods(retention.participants_days, retention.orders_days)


@contextmanager
def no_backup(home: "Home", since: datetime) -> Iterator[None]:
    """Nobody makes, restores or rewrites a backup meanwhile. Jobs and reservations go on.

    Errors  Unavailable: somebody does so now
    """
    with ExitStack() as stack:
        try:
            stack.enter_context(lock.hold(home.locks, "store-backup", since=since))
        except LockHeld as error:
            raise Unavailable(f"gdpr: {error.message.partition(';')[0]}: not done, run it again") from None
        yield


def participants_in(run: "Run", work: Work) -> int:
    sql = "SELECT count(*) FROM participants WHERE anonymised_at IS NULL AND order_id = ?"
    return sum(run.db.value(sql, (order,)) for order in work.anonymise)


def _say(run: "Run", work: Work) -> None:
    run.report.waiting.update(work.under_way)
    for order, since in work.held.items():  # the reason is an operator's free text: integrator explain shows it
        day = datetime.fromtimestamp(since, run.now.tzinfo).date()
        run.remark(f"order {order} is on legal hold since {day}")
    run.count(orders__under_way=len(work.under_way), orders__on_hold=len(work.held))


def _expired(copies: Copies, days: int) -> list[backup.Backup]:
    """The newest three stay whatever their age, as a backup that fails for weeks must not end with none at all: what
    is past its time is erased inside them instead."""
    found = backup.expired(backup.found(copies.folder), now=copies.at, days=days)
    return found + backup.expired(backup.replaced(copies.live), now=copies.at, days=days, keep=0)


def _remove_expired(copies: Copies, days: int) -> int:
    old = _expired(copies, days)
    for past in old:
        backup.remove(past)
    return len(old)


def old_evidence(folder: Path, days: int, now: int) -> list[Path]:
    """Files of evidence past their time, by when they were written last; a link is not followed."""
    files = [path for path in folder.rglob("*") if path.is_symlink() or path.is_file()]
    return sorted(path for path in files if path.lstat().st_mtime < now - days * DAY_S)
