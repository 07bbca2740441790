"""gdpr-cleanup: what is past its time is erased, and the bytes of the files are searched for it.

Reads   store      orders, bookings, reservations, participant lists, orderlines; [retention]
Keeps   store      participants become nobody, old orders and orderlines go; counters, erasures (who, when, how many)
        files      var/erasures (journal), backups and replaced stores (rewritten), var/status (shortened), evidence,
                   orderlines that came as files, papers of bookings (deleted)
Guard   an order with a message under way, or on legal hold, stays as it is; so does an orderline that has not ended
"""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from integrator.domain.retention import Periods
from integrator.effects import Preview
from integrator.errors import LockHeld, Unavailable
from integrator.jobs import gdpr_files
from integrator.runtime import lock
from integrator.store import backup
from integrator.store.erasure import bookings
from integrator.store.erasure.copies import Copies, foreign
from integrator.store.erasure.journal import Journal
from integrator.store.erasure.steps import Erasing
from integrator.store.erasure.work import Work, rules_work

if TYPE_CHECKING:
    from integrator.home import Home
    from integrator.runtime.run import Run
    from integrator.settings.model import RetentionSettings


def gdpr_cleanup(
    run: "Run", home: "Home", retention: "RetentionSettings", *, actor: str, spool: Path | None = None
) -> None:
    """Erase what is due in the store, in its copies and among the files.

    spool   where orderlines come as files, when it is not the home's own folder
    """
    journal, periods = Journal(home.var), periods_of(retention)
    erasing = Erasing(run.db, journal, run.at, actor, run.id)
    copies = Copies(run.db.path, home.backups, journal, periods, run.at)
    with no_backup(home, run.now):
        try:
            with lock.wait_for(home.locks, "store"):
                erasing.level()
                journal.check()
                _delete_papers(run, home, leaving=_going(rules_work(run.db, periods, run.at)))
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
    _delete_files(run, home, retention, spool)
    for what in not_ours(home):
        run.remark(f"not ours: {what}: can hold people, and is never deleted here: delete it when it is not needed")


def _delete_files(run: "Run", home: "Home", retention: "RetentionSettings", spool: Path | None) -> None:
    old = gdpr_files.old_files(home.evidence, retention.evidence_days, run.at)
    run.count(evidence__deleted=gdpr_files.delete(old))
    gdpr_files.delete_empty_folders(home.evidence, run.at, {path.parent for path in old})
    taken_in = gdpr_files.old_orderline_files(orderlines_in(home, spool), retention.evidence_days, run.at)
    run.count(orderline_files__deleted=gdpr_files.delete(taken_in))
    gdpr_files.shorten_status_files(run.db, home.status)
    run.count(unfinished_copies__deleted=gdpr_files.sweep_drafts(home.status, run.at))
    if unknown := _delete_papers(run, home):
        run.remark(
            f"not ours: {unknown} file(s) or folder(s) in {home.root / 'documents'} of no booking: can hold people, and"
            " are never deleted here: delete them when they are not needed"
        )


def _going(work: Work) -> set[int]:
    """Orders of which no row will be left to tell whose a paper was."""
    return work.delete | work.reservations


def _delete_papers(run: "Run", home: "Home", *, leaving: Iterable[int] = ()) -> int:
    """Gives back how many lie there of no booking."""
    papers = gdpr_files.old_papers(run.db, home, run.at, leaving=leaving)
    number, stayed = gdpr_files.delete_papers(papers)
    run.count(documents__deleted=number)
    if stayed:
        run.set_aside("papers of bookings", f"{len(stayed)} file(s) cannot be deleted: {', '.join(sorted({*stayed}))}")
    return papers.unknown


def orderlines_in(home: "Home", spool: Path | None) -> Path:
    return spool or home.spool / "orderlines"


def not_ours(home: "Home") -> list[str]:
    """What operators leave that can hold people: stores copied among the backups; in the home folder exports and
    previews of mails, counted only: whoever they are of may stand in their names."""
    said = [str(path) for path in foreign(home.backups)]
    for pattern in ("gdpr-export-*.json", "*.eml"):
        if number := sum(path.is_file() for path in home.root.glob(pattern)):
            said.append(f"{number} file(s) {home.root / pattern}")
    return said


def plan(run: "Run", home: "Home", store: Path, retention: "RetentionSettings", *, spool: Path | None = None) -> None:
    """Count what gdpr_cleanup would do; nothing is changed."""
    days = retention.evidence_days
    periods = periods_of(retention)
    work = rules_work(run.db, periods, run.at)
    copies = Copies(store, home.backups, Journal(home.var), periods, run.at)
    leaving = work.anonymise | _going(work)
    _say(run, work)
    numbers = {
        "participants.anonymised": participants_in(run, work),
        "orders.anonymised": len(work.anonymise),
        "orders.deleted": len(work.delete),
        "reservations.deleted": len(work.reservations),
        "bookings.anonymised": len(bookings.references(run.db, work.anonymise)),
        "bookings.deleted": len(bookings.references(run.db, _going(work))),
        "lists.deleted": len(work.lists),
        "trainers.forgotten": len(work.trainers),
        "orderlines.deleted": len(work.orderlines),
        "backups.deleted": len(_expired(copies, retention.backups_days)),
        "backups.rewritten": len(copies.due()),
        "evidence.deleted": len(gdpr_files.old_files(home.evidence, days, run.at)),
        "documents.deleted": len(gdpr_files.old_papers(run.db, home, run.at, leaving=leaving).files),
        "orderline_files.deleted": len(gdpr_files.old_orderline_files(orderlines_in(home, spool), days, run.at)),
    }
    run.count(**numbers)
    for name, number in numbers.items():
        if number:
            what, _, done = name.partition(".")
            run.report.plan.append((run.job, Preview(done, what, f"{number:,}", None, [])))


def periods_of(retention: "RetentionSettings") -> Periods:
    return Periods(retention.participants_days, retention.orders_days, retention.orderlines_days)


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
