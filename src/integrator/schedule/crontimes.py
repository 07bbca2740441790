"""Cron expressions read with cronsim: which are allowed, when the next run is, whether a job is late."""

import os
import re
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING

from integrator.durations import format_duration

if TYPE_CHECKING:
    from integrator.settings import JobPolicy

_LOCALTIME = Path("/etc/localtime")


def cron_problem(expression: str) -> str | None:
    """Say what is wrong with a cron expression; None when Debian's cron and cronsim read it alike."""
    from cronsim import CronSim, CronSimError

    fields = expression.split()
    if len(fields) != 5:
        return f'expected five fields: minute hour day month weekday ("5 * * * *"), got {len(fields)}'
    if re.search(r"[LW]", fields[2], re.I) or re.search(r"[L#]", fields[4], re.I):
        return "L, W and # are not known to cron"
    if step := re.search(r"(?:^|[ ,])([0-9]+)/([0-9]+)", expression):
        return f"cron reads {step[1]}/{step[2]} as {step[1]}: write the range out, such as {step[1]}-59/{step[2]}"
    try:
        next(CronSim(expression, datetime(2026, 1, 1, tzinfo=UTC)))
    except StopIteration:
        return "never comes round"
    except (CronSimError, ValueError) as error:
        return f"is not a cron expression ({str(error).lower()})"
    return None


def night_warning(schedule: str) -> str | None:
    """Warn of fixed times between 02:00 and 03:00; hourly work passes that hour without harm."""
    hours = schedule.split()[1]
    if hours.startswith("*") or 2 not in fields_of(schedule).hours:
        return None
    return "between 02:00 and 03:00 a run is skipped or doubled on the nights when the clocks change"


def fields_of(schedule: str) -> "CronFields":
    return CronFields(schedule)


class CronFields:
    """The values of an expression's fields, sorted. Sunday is 0."""

    def __init__(self, schedule: str) -> None:
        from cronsim import CronSim

        parsed = CronSim(schedule, datetime(2026, 1, 1, tzinfo=UTC))
        self.minutes: list[int] = sorted(parsed.minutes)
        self.hours: list[int] = sorted(parsed.hours)
        self.days: list[int] = sorted(parsed.days)
        self.months: list[int] = sorted(parsed.months)
        self.weekdays: list[int] = sorted({day % 7 for day in parsed.weekdays if isinstance(day, int)})
        # Day and weekday must both match when one of them starts with a star; otherwise either is enough.
        self.both_days: bool = parsed.day_and


def local_zone() -> tzinfo:
    """The host's time zone, with its clock changes: TZ, else /etc/localtime, else UTC.

    datetime.astimezone() would give today's offset for ever, an hour off after the next change.
    """
    from zoneinfo import ZoneInfo

    name = os.environ.get("TZ", "").removeprefix(":")
    if name:
        try:
            return ZoneInfo(name)
        except (KeyError, OSError, ValueError):  # KeyError: no such zone
            return datetime.now(UTC).astimezone().tzinfo or UTC  # "CET-1CEST" and the like
    try:
        with _LOCALTIME.open("rb") as file:
            return ZoneInfo.from_file(file, key=_LOCALTIME.resolve().as_posix().partition("zoneinfo/")[2] or None)
    except (OSError, ValueError):
        return UTC


def next_run(schedule: str, after: datetime, zone: tzinfo | None = None) -> datetime:
    """The first instant after an aware one at which cron starts the job: an instant in UTC, the clock is the host's.

    Source  Debian cron: a fixed time that the spring night skips runs right after it; a doubled one runs once
    """
    return _ticks(schedule, after, zone)


def _ticks(schedule: str, start: datetime, zone: tzinfo | None, *, reverse: bool = False) -> datetime:
    from cronsim import CronSim

    tick: datetime = next(CronSim(schedule, start.astimezone(zone or local_zone()), reverse=reverse))
    return tick.astimezone(UTC)  # differences of two times in one zone would be wall time


def is_late(
    policy: "JobPolicy", last_success_at: int | None, first_seen_at: int, now: datetime, *, zone: tzinfo | None = None
) -> str | None:
    """Say why a job is late, or None.

    Late: no success (or, before the first one, no success since the job was first seen) for alert_after; without
    alert_after for two intervals of the schedule as they lie in the calendar then.

    Units   UTC epoch seconds; now is aware
    """
    if not policy.schedule and policy.alert_after_s is None:
        return None
    since = first_seen_at if last_success_at is None else last_success_at
    patience = policy.alert_after_s or _two_intervals(policy, since, zone)
    silence = int(now.timestamp()) - since
    if silence <= patience:
        return None
    said = "has not succeeded yet, first seen" if last_success_at is None else "last success"
    return f"{said} {format_duration(silence)} ago; expected within {format_duration(patience)}"


def _two_intervals(policy: "JobPolicy", since: int, zone: tzinfo | None) -> int:
    """The seconds from an instant to the second scheduled run after it, plus what a run took to succeed.

    A run that starts at 11:05 and succeeds at 11:08 is due again by 13:08. Success at an odd hour (by hand) waits no
    longer than the timeout on top.
    """
    success = datetime.fromtimestamp(since, UTC)
    # One second on: a tick at that very moment counts as the one that has passed.
    passed = _ticks(policy.schedule, datetime.fromtimestamp(since + 1, UTC), zone, reverse=True)
    second = next_run(policy.schedule, next_run(policy.schedule, success, zone), zone)
    took = min(since - int(passed.timestamp()), policy.timeout_s)
    return int(second.timestamp()) - since + took
