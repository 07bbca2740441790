"""What became of a student: the words a status is given by, the dates people write, and what goes with what."""

import re
from datetime import date, datetime, time

from integrator.domain.participants import same_text
from integrator.domain.portal import STATUSES, Status
from integrator.errors import UsageError

EARLIEST = date(2000, 1, 1)
_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})", re.ASCII)
_DANISH = re.compile(r"(\d{1,2})[-./](\d{1,2})[-./](\d{4})", re.ASCII)
_SHORT_YEAR = re.compile(r"\d{1,2}[-./]\d{1,2}[-./]\d{2}", re.ASCII)
_MIDNIGHT = re.compile(r"[T ]0?0[:.]00([:.]00)?(\.0+)?\Z", re.ASCII)  # spreadsheets write it behind a date
_EXAMPLE = "2026-11-20"
_SHOWN = '"2027-03-15" or "15-03-2027"'

# As lists are typed in Danish, Norwegian and English; compared without upper case, - and _ as a blank.
_WORDS: dict[str, Status] = {
    **{status.lower().replace("_", " "): status for status in STATUSES},
    **dict.fromkeys(
        ("gennemført", "gennemfoert", "bestået", "bestaaet", "gjennomført", "bestått", "passed"), "COMPLETED"
    ),
    **dict.fromkeys(("complete", "attended"), "COMPLETED"),
    **dict.fromkeys(("udeblevet", "udeblev", "ikke mødt", "ikke moedt", "ikke møtt", "noshow", "absent"), "NO_SHOW"),
    **dict.fromkeys(("ikke bestået", "ikke bestaaet", "ikke gennemført", "dumpet", "ikke bestått", "fail"), "FAILED"),
    **dict.fromkeys(("ny", "tilmeldt", "påmeldt", "registered"), "NEW"),
}

# What is said to somebody whose word is none of them: a few of those that lists hold.
ALLOWED = (
    f"one of {', '.join(STATUSES)} is expected; in lists also gennemført, bestået (COMPLETED), udeblevet,"
    " ikke mødt (NO_SHOW), ikke bestået (FAILED), tilmeldt (NEW)"
)

# What Maconomy's word for a participant means there; the other words say nothing about the outcome.
FROM_MACONOMY: dict[str, Status] = {
    "registered": "NEW",
    "completed": "COMPLETED",
    "no_show": "NO_SHOW",
    "failed": "FAILED",
}


def status_from(text: str) -> Status:
    """The status somebody wrote. Shape  "completed", "No-show", "Gennemført". Errors  UsageError"""
    found = _WORDS.get(same_text(text).replace("-", " ").replace("_", " "))
    if found is None:
        raise UsageError(f"unknown status: {ALLOWED}")
    return found


def date_from(written: str | date | datetime, *, today: date) -> date:
    """The date of a completion, as people and spreadsheets write it: ISO, or day, month and year.

    Errors  UsageError: no date, one before 2000, one that is still to come
    """
    found = _read(written)
    if found < EARLIEST:
        raise UsageError(f"the date is before {EARLIEST.year}")
    if found > today:
        raise UsageError("the date is still to come: a completion is told when it has happened")
    return found


def _read(written: str | date | datetime) -> date:
    if isinstance(written, datetime):
        if written.time() != time():
            raise UsageError("the date has a time of day: expected a date alone")
        return written.date()
    if isinstance(written, date):
        return written
    text = _MIDNIGHT.sub("", written.strip())
    if found := _ISO.fullmatch(text):
        year, month, day = map(int, found.groups())
    elif found := _DANISH.fullmatch(text):
        day, month, year = map(int, found.groups())
    elif _SHORT_YEAR.fullmatch(text):
        raise UsageError(f"not a date as we read them: write the year with four digits, such as {_SHOWN}")
    else:
        raise UsageError(f"not a date as we read them: expected {_SHOWN}")
    try:
        return date(year, month, day)
    except ValueError:
        raise UsageError(f"there is no such date (day, month, year): expected {_SHOWN}") from None


def need_begun(status: Status, completed_on: str | None, first_day: str | None, *, today: date) -> None:
    """Nobody completes, misses or fails a class before its first day; what has no date of its own is said of today.

    first_day   None: not known
    Errors      UsageError
    """
    if status != "NEW" and first_day and (completed_on or today.isoformat()) < first_day:
        raise UsageError(f"its class begins on {first_day}: {status} before that is taken only with --anyway")


def shown(status: str, completed_on: str | None) -> str:
    """An outcome in words. Shape  "COMPLETED on 2027-03-03", "NO_SHOW" """
    return f"{status} on {completed_on}" if completed_on else status


_OUTDATED = "Trainingportal has, or may have, a document of a completion on "


def outdated(was: str, status: str, completed_on: str | None) -> str:
    """Why a document that left does not fit any more. was: the date of the completion that it was for."""
    then = "have it replaced or taken away there, then: integrator booking-status settle REF --document"
    return f"{_OUTDATED}{was}, and the booking is {shown(status, completed_on)}: {then}"


def outdated_date(reason: str) -> str:
    """The date in what outdated() says."""
    return reason.removeprefix(_OUTDATED)[:10]


def outcome(status: str, on: str | date | datetime | None, *, today: date) -> tuple[Status, str | None]:
    """A status with its date, as it is kept: COMPLETED has one, the others have none.

    Shape   ("COMPLETED", "2027-03-15")
    Errors  UsageError
    """
    known = status_from(status)
    given = on if not isinstance(on, str) else on.strip() or None
    if known == "COMPLETED" and given is None:
        raise UsageError("COMPLETED needs the date of the completion", hint=f"such as: --on {_EXAMPLE}")
    if known != "COMPLETED" and given is not None:
        raise UsageError(f"{known} takes no date: only COMPLETED has one")
    return known, None if given is None else date_from(given, today=today).isoformat()
