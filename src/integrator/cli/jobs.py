"""The jobs that cron starts: each command parses, opens and calls."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from integrator.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from integrator.runner import Story
    from integrator.runtime.run import Run
    from integrator.wiring import Wiring

DRY_RUN = typer.Option(False, "--dry-run", help="Show what would be done; send nothing, keep nothing.")
AS_JSON = typer.Option(False, "--json", help="Print the report (with --dry-run: the plan) as JSON.")
RECORD = typer.Option(None, "--record", metavar="FILE", help="Also write a cassette; secrets and people are replaced.")
REPLAY = typer.Option(None, "--replay", metavar="FILE", help="Run from a cassette, without any network, on a copy.")
VERBOSE = typer.Option(False, "-v", "--verbose", help="Say what was done also when nobody looks at a terminal.")


@dataclass(frozen=True)
class Manner:
    """How a job is started: what every one of them can be told."""

    dry_run: bool
    as_json: bool
    record: Path | None
    replay: Path | None
    verbose: bool


def import_courses(
    allow_removals: bool = typer.Option(
        False, "--allow-removals", help="Believe an answer that lost more than 20 % of the courses, or all."
    ),
    allow_bad_records: bool = typer.Option(
        False, "--allow-bad-records", help="Go on when more than 20 % of the records cannot be read."
    ),
    dry_run: bool = DRY_RUN,
    as_json: bool = AS_JSON,
    record: Path | None = RECORD,
    replay: Path | None = REPLAY,
    verbose: bool = VERBOSE,
) -> None:
    """Courses travel Maconomy → store → WordPress.

    Only what differs is written.

    Example: integrator import-courses --dry-run
    """

    def story(run: "Run", wiring: "Wiring") -> None:
        from integrator.jobs import import_courses as job

        job.import_courses(
            run,
            wiring.maconomy(),
            wiring.wordpress(),
            allow_removals=allow_removals,
            allow_bad_records=allow_bad_records,
        )

    start(
        "import-courses",
        story,
        Manner(dry_run, as_json, record, replay, verbose),
        needs=("maconomy", "wordpress", "monitor"),
        sources=("maconomy",),
    )


def start(
    job: str,
    story: "Story",
    manner: Manner,
    *,
    needs: "Sequence[str]",
    sources: "Sequence[str]" = (),
    lean: bool = False,
    scope: str = "",
) -> None:
    """Run a job as the options ask, say how it ended, and leave with its exit code."""
    from integrator import recording
    from integrator.cli import render
    from integrator.home import need_home
    from integrator.runner import Options, load_everything, need_sources, run_job
    from integrator.runtime.run import NoProgress

    if manner.record and manner.replay:
        raise UsageError("--record and --replay exclude each other")
    bar = render.Bar() if sys.stdout.isatty() and not manner.as_json else None
    options = Options(dry_run=manner.dry_run, progress=bar or NoProgress(), lean=lean, scope=scope)
    try:
        if manner.record:
            need_sources(load_everything(need_home(os.environ), needs), sources)  # before the file is begun
            report = recording.recorded(job, story, file=manner.record, needs=needs, options=options)
        elif manner.replay:
            report = recording.replayed(job, story, file=manner.replay, needs=needs, options=options)
        else:
            report = run_job(job, story, needs=needs, sources=sources, options=options)
    finally:
        if bar:
            bar.end()
    render.print_report(report, as_json=manner.as_json, verbose=manner.verbose)
    raise typer.Exit(report.exit_code)
