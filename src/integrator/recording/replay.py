"""--replay: the job runs on a copy of the store, from a recording, at the recorded moment, without any network."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from integrator.database import connect
from integrator.errors import ConfigError, UsageError
from integrator.home import Home, find_home, make_var
from integrator.recording import (
    belongings,
    bookings,
    cassette,
    classes,
    hashes,
    memory,
    network,
    orderlines,
    published,
    waiting,
)
from integrator.runner import Options, Story, run_job
from integrator.runtime import throwaway
from integrator.runtime.report import Report
from integrator.settings import load_settings
from integrator.store import backup

# What of the recorded home's store travels along; in this order.
_BESIDE = {
    "remembered": memory.put_back,
    "waiting": waiting.put_back,
    "classes": classes.put_back,
    "orderlines": orderlines.put_back,
    "published": published.put_back,
}


def replay(job: str, story: Story, file: Path, needs: Sequence[str], options: Options) -> Report:
    """Replay a file. Errors  UsageError: the file is not fit for it. A request it does not hold ends the run with 1"""
    cassette.need_vcr(offline=True)
    recorded = cassette.load(file)
    metadata = recorded.metadata
    if metadata.get("job") != job:
        theirs = str(metadata.get("job"))[:40]
        raise UsageError(
            f"--replay {file}: is a recording of {theirs}, not of {job}", hint=f"integrator {theirs} --replay {file}"
        )
    clock = network.Clock(belongings.moment_of(metadata, source=file))
    tape = network.Tape(recorded.exchanges)
    is_dry = options.dry_run or metadata.get("dry_run") is True
    ours = replace(options, clock=clock, in_order=True, dry_run=is_dry, replayed=True)
    store, beside = _store_of_this_home()
    with throwaway.folder("replay-", beside) as folder:
        home = belongings.made_home(folder, metadata, source=file)
        make_var(home)
        if store is not None:
            _copy(store, home.var / "integrator.db")
        hashes.put_back(home)
        for name, put_back in _BESIDE.items():
            if isinstance(rows := metadata.get(name), dict) and rows:
                put_back(rows, home.var / "integrator.db", backups=home.backups, source=file)
        if isinstance(rows := metadata.get("bookings"), dict) and rows:
            bookings.put_back(rows, home, source=file)
        report = _run(job, story, home, needs, ours, tape, clock)
    _say(report, tape, metadata)
    return report


def _run(
    job: str, story: Story, home: Home, needs: Sequence[str], options: Options, tape: network.Tape, clock: network.Clock
) -> Report:
    try:
        with network.replaying(tape, clock):
            report = run_job(job, story, needs=needs, options=options, home=home)
    except ConfigError as error:
        problems = "; ".join(str(problem) for problem in error.problems)
        raise UsageError(f"replay: the recording's settings do not fit this version: {problems}") from None
    except Exception:
        if tape.gap is not None:
            raise tape.gap from None
        raise
    if tape.gap is not None:
        report.end(tape.gap)  # whatever the job made of it
    return report


def _store_of_this_home() -> tuple[Path | None, Path | None]:
    """The store to work on a copy of, and the folder for that copy: personal data stay in the home.

    A folder without configuration, or with one that cannot be read, has no store to copy.
    """
    home = find_home(os.environ)
    try:
        path = load_settings(home, os.environ, needs=()).store.path
    except ConfigError:
        path = home.var / "integrator.db"
    if not path.is_file():
        return None, None
    return path, home.spool if os.access(home.spool, os.W_OK | os.X_OK) else None


def _copy(store: Path, target: Path) -> None:
    live = connect(store)
    try:
        backup.copy_to(live, target)
    finally:
        live.close()


def _say(report: Report, tape: network.Tape, metadata: dict[str, object]) -> None:
    report.run_id = None  # it was a run of a store that is gone
    total = len(tape.exchanges)
    report.remarks.append(f"replayed {tape.played} of {total} recorded requests; nothing was sent, nothing was kept")
    code = metadata.get("exit_code")
    if isinstance(code, int) and code != report.exit_code:
        report.remarks.append(f"the recorded run ended with {code}, this replay with {report.exit_code}")
    counts = metadata.get("counts")
    if isinstance(counts, dict) and counts != report.counts:
        names = sorted(
            str(name) for name in counts.keys() | report.counts if counts.get(name) != report.counts.get(name)
        )
        report.remarks.append(f"the recorded run counted otherwise: {', '.join(names)[:300]}")
