"""The command that sends trainers the lists of their participants."""

import re
from datetime import date as Date
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from integrator.cli.jobs import AS_JSON, DRY_RUN, RECORD, REPLAY, VERBOSE, Manner, start
from integrator.errors import UsageError

if TYPE_CHECKING:
    from integrator.runtime.run import Run
    from integrator.wiring import Wiring

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_YEARS = range(2000, 3000)


def send_participants(
    date: str | None = typer.Option(
        None, "--date", metavar="DATE", help="As if today were this date, such as 2027-02-28."
    ),
    class_id: str | None = typer.Option(
        None, "--class", metavar="CLASS_ID", help="Only this class, for the next day it meets, such as 25172-04."
    ),
    days_ahead: int | None = typer.Option(
        None, "--days-ahead", min=0, max=60, metavar="N", help="Classes that meet from today until so many days later."
    ),
    dry_run: bool = DRY_RUN,
    as_json: bool = AS_JSON,
    record: Path | None = RECORD,
    replay: Path | None = REPLAY,
    verbose: bool = VERBOSE,
) -> None:
    """Trainers get the participant lists of their classes.

    Once for each class, day and trainer; again only when a list changed.

    Example: integrator send-participants --date 2027-02-28 --dry-run
    """
    today = _date(date) if date else None

    def story(run: "Run", wiring: "Wiring") -> None:
        from integrator.jobs import send_participants as job

        job.send_participants(
            run,
            wiring.maconomy(),
            wiring.wordpress(),
            wiring.mails(resends=True) if wiring.has_mailgun else None,
            key=wiring.hashing_key(keep=not run.dry),
            missing_limit=wiring.missing_runs,
            asked=job.Asked(today, days_ahead, class_id),
        )

    start(
        "send-participants",
        story,
        Manner(dry_run, as_json, record, replay, verbose),
        needs=("maconomy", "wordpress", "mailgun", "monitor"),
        sources=("maconomy",),
    )


def _date(text: str) -> Date:
    try:
        if not _DATE.fullmatch(text):  # fromisoformat() takes more forms, such as 2027-W09-1
            raise ValueError
        found = Date.fromisoformat(text)
    except ValueError:
        raise UsageError("--date: expected a date such as 2027-02-28") from None
    if found.year not in _YEARS:
        raise UsageError(f"--date: expected a year from {_YEARS.start} to {_YEARS.stop - 1}")
    return found
