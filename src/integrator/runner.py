"""One run from its start to its exit code: settings, lock, store, story, report.

Everything a story needs is made here; everything it leaves behind is written down here, whatever happens.
"""

import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

from integrator.database import Database, connect, is_damage, sqlite_error
from integrator.errors import ConfigError, IntegratorError, LockHeld, Problem
from integrator.home import Home, file_error, make_var, need_home, way_out
from integrator.runtime import lock, logbook, throwaway
from integrator.runtime.delivery import Patience
from integrator.runtime.history import Ended, History
from integrator.runtime.report import Report
from integrator.runtime.run import NoProgress, Progress, Run
from integrator.runtime.stopping import Stopper
from integrator.settings import JobPolicy, Settings, load_settings
from integrator.signs import may_make_store
from integrator.store import DAY_S, WEEK_S, backup, check, open_store
from integrator.store.erasure.journal import is_behind
from integrator.wiring import Wiring, mapping_problems

Story = Callable[[Run, Wiring], None]
_LOGGED = (
    "job",
    "scope",
    "run",
    "outcome",
    "exit_code",
    "seconds",
    "counts",
    "failed",
    "waiting",
    "notes",
    "remarks",
    "error",
)


@dataclass
class Options:
    """How a job was started.

    clock is epoch seconds; in_order: one request after the other, as a recording needs them
    replayed   answers come from a recording: what cannot be recorded (a browser) is listed instead of done
    scope   the part of the job that runs, with a lock of its own: a workshop; "" is all of it
    lean    most starts find nothing to do: only the job's own file is read of jobs/, and a mapping file only with the
            first client that needs it
    """

    dry_run: bool = False
    progress: Progress = field(default_factory=NoProgress)
    clock: Callable[[], float] = time.time
    in_order: bool = False
    replayed: bool = False
    scope: str = ""
    lean: bool = False


def run_job(
    job: str,
    story: Story,
    *,
    needs: Sequence[str],
    sources: Sequence[str] = (),
    options: Options,
    home: Home | None = None,
) -> Report:
    """Run a job and give back its report; an error of ours becomes its exit code, a bug is raised after the books.

    Shape   needs: the tables whose secrets it uses; sources: those without which it has nothing to do
    Errors  ConfigError, StoreDamaged: nothing was touched
    """
    os.umask(0o077)
    begun = time.monotonic()
    home = home or need_home(os.environ)
    settings = load_everything(home, needs, lean=job if options.lean else None)
    need_sources(settings, sources)
    make_var(home, settings.store.path)
    throwaway.sweep(home.spool)
    report = Report(job, scope=options.scope, dry_run=options.dry_run)
    try:
        if options.dry_run:
            _run_dry(settings, story, report, options)
        else:
            _run_for_real(settings, story, report, options)
    except (IntegratorError, sqlite3.Error, OSError) as error:
        ours = _ours(error, settings)
        if ours is None:
            raise
        report.end(ours)
    finally:
        report.seconds = time.monotonic() - begun
    return report


def _ours(error: BaseException, settings: Settings) -> IntegratorError | None:
    """The error as the operator meets it, None when it is a bug."""
    if isinstance(error, sqlite3.Error):
        try:
            return sqlite_error(error, settings.store.path)
        except sqlite3.Error:
            return None
    if isinstance(error, OSError) and (error.filename is not None or way_out(error.errno)):
        return file_error(error)  # a write that finds the disk full names no file
    return error if isinstance(error, IntegratorError) else None


def need_sources(settings: Settings, sources: Sequence[str]) -> None:
    """Errors  ConfigError: a system that the job reads from is switched off"""
    for table in sources:
        if getattr(settings, table) is None:
            raise ConfigError(
                [Problem("config/integrator.toml", f"[{table}] is missing, and this command needs it")],
                hint=f"fill in [{table}], then: integrator check {table}",
            )


def load_everything(home: Home, needs: Sequence[str] | None, *, lean: str | None = None) -> Settings:
    """Settings and mapping files; everything wrong in any of them is reported at once.

    lean    the job whose start reads only what it cannot do without
    Errors  ConfigError
    """
    try:
        settings = load_settings(home, os.environ, needs=needs, job=lean)
    except ConfigError as error:
        raise ConfigError([*error.problems, *mapping_problems(home, None)], hint=error.hint) from None
    mapped = needs is None or {"maconomy", "wordpress"} & set(needs)
    if mapped and not lean and (problems := mapping_problems(home, settings)):
        raise ConfigError(problems, hint=f"nothing was started; mend {home.root}, then: integrator check")
    return settings


def _run_for_real(settings: Settings, story: Story, report: Report, options: Options) -> None:
    now = _now(options)
    stopper = Stopper(timeout_s=settings.jobs[report.job].timeout_s)
    try:
        with (
            stopper.installed(),
            lock.hold(settings.home.locks, lock.name_of(report.job, report.scope), since=now),
            _told(settings, report, options) as heartbeat,
            _open(settings, options) as (db, created),
        ):
            _booked(settings, story, report, options, db, heartbeat, stopper, created=created)
    except LockHeld as error:
        with _open(settings, options) as (db, _):
            History(db).skipped(report.job, error.message, at=int(now.timestamp()), scope=report.scope)
            report.end(error)
            report.late = _late(settings.jobs[report.job], History(db), now, report)


@contextmanager
def _told(settings: Settings, report: Report, options: Options) -> Iterator[Callable[[str], None]]:
    """Whatever happens meanwhile: how it ended stands in the log, and the monitor hears of it."""
    heartbeat = _heartbeat(settings, report)
    begun, bug = time.monotonic(), None
    try:
        yield heartbeat
    except BaseException as error:
        bug = _end_badly(report, error, settings)
        raise
    finally:
        report.seconds = time.monotonic() - begun
        _write_log(settings, report, options, bug)
        heartbeat("end")


def _booked(
    settings: Settings,
    story: Story,
    report: Report,
    options: Options,
    db: Database,
    heartbeat: Callable[[str], None],
    stopper: Stopper,
    *,
    created: bool,
) -> None:
    """The story, between the row that says it began and the row that says how it ended.

    The check comes first, and a file that proves damaged later is not written either: its run stays without an end.
    """
    history = History(db)
    checked = "full" if created else _check_store(db, history, int(options.clock()))
    report.run_id = history.start(report.job, at=int(_now(options).timestamp()), scope=report.scope)
    damaged = False
    try:
        heartbeat("start")
        _keep_erased(settings, db, int(options.clock()))
        _tell(settings, story, report, options, db, stopper)
        report.end(None)
    except BaseException as error:
        _end_badly(report, error, settings)
        damaged = is_damage(error)
        raise
    finally:
        if not damaged:
            _finish(settings, report, db, checked, options)


def _end_badly(report: Report, error: BaseException, settings: Settings) -> BaseException | None:
    """Say in the report what ended the run; gives the error back when it is a bug."""
    ours = _ours(error, settings)
    if ours is not None:
        report.end(ours)
        return None
    report.exit_code, report.error, report.hint = 70, f"bug: {type(error).__name__}", None
    return error


def _tell(
    settings: Settings,
    story: Story,
    report: Report,
    options: Options,
    db: Database,
    stopper: Stopper,
    *,
    dry: bool = False,
) -> None:
    policy = settings.jobs[report.job]
    with ExitStack() as stack:
        spool = settings.home.spool
        if dry:
            spool = stack.enter_context(throwaway.folder("dry-run-", spool))
        wiring = Wiring(settings, stopper, spool=spool, in_order=options.in_order)
        stack.callback(wiring.close)
        run = Run(
            report.job,
            report.run_id or 0,
            _now(options),
            db,
            report,
            stopper,
            Patience(policy.attempts, policy.backoff_s),
            policy=policy.policy,
            progress=options.progress,
            clock=options.clock,
            dry=dry,
            replayed=options.replayed,
        )
        with stopper.interruptible():
            story(run, wiring)


def _run_dry(settings: Settings, story: Story, report: Report, options: Options) -> None:
    """The same story on a throw-away copy of the store; nothing is sent, nothing is kept."""
    with throwaway.folder("dry-run-", settings.home.spool) as folder:
        copy = folder / "copy.db"
        if not _may_make(settings, options):
            live = connect(settings.store.path, make=False)
            try:
                backup.copy_to(live, copy)
            finally:
                live.close()
        opened = open_store(copy, backups=folder)
        try:
            stopper = Stopper(timeout_s=settings.jobs[report.job].timeout_s)
            with stopper.installed():
                _tell(settings, story, report, options, opened.db, stopper, dry=True)
            report.end(None)
        finally:
            opened.db.close()


def _may_make(settings: Settings, options: Options) -> bool:
    """Whether there is no store yet; a replay's home has signs of one before it has one.

    Errors  StoreDamaged: it is gone, and a run would take everything for new
    """
    path = settings.store.path
    return not path.exists() if options.replayed else may_make_store(settings.home, path)


@contextmanager
def _open(settings: Settings, options: Options) -> Iterator[tuple[Database, bool]]:
    """The store, made or migrated under its own lock when that is needed. Errors  StoreDamaged"""
    make = _may_make(settings, options)
    guard = partial(lock.wait_for, settings.home.locks, "store")
    opened = open_store(settings.store.path, backups=settings.home.backups, guard=guard, make=make)
    try:
        yield opened.db, opened.created
    finally:
        opened.db.close()


def _check_store(db: Database, history: History, at: int) -> str | None:
    """Ask SQLite once a day quickly, once a week thoroughly. Errors  StoreDamaged"""
    for kind, every_s in (("full", WEEK_S), ("quick", DAY_S)):
        if at - history.last_check(kind) >= every_s:
            check(db, kind=kind)
            return kind
    return None


def _keep_erased(settings: Settings, db: Database, at: int) -> None:
    """Who was erased is gone before any job looks, also when somebody put an older store back by hand.

    Errors  ConfigError, StoreDamaged: the journal of erasures cannot be followed
    """
    if is_behind(db, settings.home.var):
        from integrator.store.erasure.steps import keep_erased

        with lock.wait_for(settings.home.locks, "store"):
            keep_erased(db, settings.home.var, at=at, actor="job")


def _finish(settings: Settings, report: Report, db: Database, checked: str | None, options: Options) -> None:
    """The end of the run's row. A store that cannot be written any more is said, and ends with 70."""
    at, history = int(options.clock()), History(db)
    try:
        db.abandon()
        if report.run_id is not None:
            history.finish(report.run_id, Ended(report.exit_code, report.counts, report.error, checked), at=at)
        history.forget_old(now=at)
        report.late = _late(settings.jobs[report.job], history, _now(options), report)
    except sqlite3.Error as error:
        _end_badly(report, error, settings)


def _write_log(settings: Settings, report: Report, options: Options, bug: BaseException | None) -> None:
    shown = report.as_json()
    at = datetime.fromtimestamp(int(options.clock()), UTC).isoformat()
    facts = {"at": at, **{name: shown[name] for name in _LOGGED if name in shown}}
    if bug is not None:
        facts["place"] = logbook.place_of(bug)
    try:
        logbook.write_line(settings.home.log, facts)
        if bug is not None:
            logbook.mark_written(bug)
    except OSError as error:
        report.remarks.append(f"the log could not be written: {error.strerror}")


def _heartbeat(settings: Settings, report: Report) -> Callable[[str], None]:
    if settings.monitor.ping_url is None:
        return lambda moment: None
    from integrator.monitor import Heartbeat

    return Heartbeat(settings.monitor.ping_url, report).beat


def _late(policy: JobPolicy, history: History, now: datetime, report: Report) -> str | None:
    """Why silence would be wrong: only asked when the run itself would be silent about not having succeeded."""
    if report.exit_code not in (5, 75):
        return None
    from integrator.schedule import is_late

    first_seen = history.first_seen(report.job) or int(now.timestamp())
    return is_late(policy, history.last_success(report.job), first_seen, now)


def _now(options: Options) -> datetime:
    return datetime.fromtimestamp(options.clock(), UTC).replace(microsecond=0)
