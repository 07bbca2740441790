"""Schedules: which expressions are allowed, when a job is late, and the lines that start jobs."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml

from integrator.errors import UsageError
from integrator.home import Home
from integrator.schedule import cron_problem, is_late, local_zone, next_run, night_warning
from integrator.schedule.render import render
from integrator.settings import JobPolicy, load_settings

REPOSITORY = Path(__file__).resolve().parents[1]
COPENHAGEN = ZoneInfo("Europe/Copenhagen")
HOUR = 3_600


def _job(schedule: str, **changes: Any) -> JobPolicy:
    facts: dict[str, Any] = {"name": "import-courses", "command": ("import-courses",), "timeout_s": 1_200}
    return JobPolicy(schedule=schedule, **(facts | changes))


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _late(job: JobPolicy, last_success: str | None, now: str, first_seen: str = "2026-01-01 00:00") -> str | None:
    """Ask for lateness in Copenhagen, with all times in UTC."""
    success = int(_utc(last_success).timestamp()) if last_success else None
    return is_late(job, success, int(_utc(first_seen).timestamp()), _utc(now), zone=COPENHAGEN)


# --- expressions


@pytest.mark.parametrize(
    "expression", ["5 * * * *", "*/15 7-18 * * MON-FRI", "0 4 1,15 * *", "0 0 29 2 *", "* * * * 7"]
)
def test_an_expression_that_cron_and_we_read_alike_is_allowed(expression: str) -> None:
    assert cron_problem(expression) is None


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("", "five fields"),
        ("5 * * *", "got 4"),
        ("0 5 * * * *", "got 6"),
        ("@hourly", "got 1"),
        ("60 * * * *", "bad minute"),
        ("0 24 * * *", "bad hour"),
        ("0 0 31 2 *", "bad day-of-month"),
        ("0 0 L * *", "not known to cron"),
        ("0 0 * * MON#2", "not known to cron"),
        ("5/15 * * * *", "5-59/15"),
        ("0,30/10 * * * *", "30-59/10"),
        ("*/0 * * * *", "bad minute"),
    ],
)
def test_an_expression_that_cron_would_read_otherwise_or_not_at_all_is_refused(expression: str, said: str) -> None:
    assert said in (cron_problem(expression) or "")


@pytest.mark.parametrize(
    ("expression", "warned"),
    [("30 2 * * *", True), ("0 1-4 * * *", True), ("5 * * * *", False), ("*/5 */2 * * *", False), ("0 3 * * *", False)],
)
def test_fixed_times_in_the_hour_that_clocks_change_are_warned_of(expression: str, warned: bool) -> None:
    assert (night_warning(expression) is not None) is warned


@pytest.mark.parametrize(
    ("schedule", "after", "expected"),
    [
        ("5 * * * *", "2026-03-29 00:05", "2026-03-29 01:05"),  # 01:05 to 03:05 on the clock, one hour
        ("0 4 * * *", "2026-03-28 03:00", "2026-03-29 02:00"),  # 23 hours
        ("0 4 * * *", "2026-10-24 02:00", "2026-10-25 03:00"),  # 25 hours
        ("30 2 * * *", "2026-03-28 12:00", "2026-03-29 01:00"),  # skipped at 02:30, runs when the clock says 03:00
        ("30 2 * * *", "2026-10-25 00:30", "2026-10-26 01:30"),  # 02:30 comes twice, the job runs once
        ("*/30 * * * *", "2026-10-25 00:30", "2026-10-25 01:00"),
    ],
)
def test_the_next_run_is_right_on_the_nights_when_clocks_change(schedule: str, after: str, expected: str) -> None:
    assert next_run(schedule, _utc(after), COPENHAGEN) == _utc(expected)


def test_the_local_zone_follows_tz_and_knows_clock_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", ":Europe/Copenhagen")
    zone = local_zone()
    offsets = [datetime(2026, month, 1, tzinfo=zone).utcoffset() for month in (1, 7)]
    assert [offset.total_seconds() if offset else 0 for offset in offsets] == [HOUR, 2 * HOUR]
    assert getattr(zone, "key", None) == "Europe/Copenhagen"


@pytest.mark.parametrize("value", ["CET-1CEST", "No/Such", ""])
def test_a_tz_that_names_no_zone_is_no_reason_to_fail(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", value)
    assert datetime(2026, 1, 1, tzinfo=local_zone()).utcoffset() is not None


# --- lateness


def test_alert_after_decides_to_the_second() -> None:
    job = _job("5 * * * *", alert_after_s=3 * HOUR)
    assert _late(job, "2026-06-01 07:06:00", "2026-06-01 10:06:00") is None
    assert _late(job, "2026-06-01 07:06:00", "2026-06-01 10:11:01") == "last success 3 h 5 min ago; expected within 3 h"


def test_a_job_that_never_succeeded_is_late_from_when_it_was_first_seen() -> None:
    job = _job("5 * * * *", alert_after_s=3 * HOUR)
    assert _late(job, None, "2026-06-01 09:00", first_seen="2026-06-01 07:00") is None
    assert _late(job, None, "2026-06-01 11:00", first_seen="2026-06-01 07:00") == (
        "has not succeeded yet, first seen 4 h ago; expected within 3 h"
    )


@pytest.mark.parametrize(
    ("schedule", "last_success", "still_fine", "late"),
    [
        # hourly: success at 09:08 on the clock, so by 11:08
        ("5 * * * *", "2026-06-01 07:08", "2026-06-01 09:08", "2026-06-01 09:08:01"),
        ("5 * * * *", "2026-06-01 07:05", "2026-06-01 09:05", "2026-06-01 09:05:01"),
        # weekdays at 07:00: Friday's success is good until Tuesday
        ("0 7 * * MON-FRI", "2026-06-05 05:01", "2026-06-09 05:01", "2026-06-09 05:01:01"),
        # by hand on Saturday: Monday and Tuesday morning, and the twenty minutes a run may take
        ("0 7 * * MON-FRI", "2026-06-06 12:00", "2026-06-09 05:20", "2026-06-09 05:20:01"),
        # spring: 04:00 to 04:00 twice is 47 hours
        ("0 4 * * *", "2026-03-28 03:01", "2026-03-30 02:01", "2026-03-30 02:01:01"),
        # autumn: 49 hours
        ("0 4 * * *", "2026-10-24 02:01", "2026-10-26 03:01", "2026-10-26 03:01:01"),
        # hourly through both nights: two hours stay two hours
        ("5 * * * *", "2026-03-29 00:06", "2026-03-29 02:06", "2026-03-29 02:06:01"),
        ("5 * * * *", "2026-10-24 23:06", "2026-10-25 01:06", "2026-10-25 01:06:01"),
    ],
)
def test_without_alert_after_a_job_is_late_after_two_intervals(
    schedule: str, last_success: str, still_fine: str, late: str
) -> None:
    assert _late(_job(schedule), last_success, still_fine) is None
    assert _late(_job(schedule), last_success, late) is not None


def test_a_job_that_is_started_by_hand_is_late_only_when_it_says_so() -> None:
    assert _late(_job(""), None, "2036-01-01 00:00") is None
    assert _late(_job("", alert_after_s=HOUR), "2026-06-01 07:00", "2026-06-01 08:00:01") is not None


def test_a_clock_that_was_set_back_makes_nothing_late() -> None:
    assert _late(_job("5 * * * *"), "2026-06-01 08:00", "2026-06-01 07:00") is None


# --- what is printed


def test_crontab_example_is_what_the_shipped_jobs_print(tmp_path: Path) -> None:
    jobs = load_settings(Home(tmp_path), {}).jobs.values()
    printed = render(jobs, Path("/srv/integrator"), "crontab")
    assert (REPOSITORY / "crontab.example").read_text() == printed


def test_a_crontab_line_has_its_last_resort_a_little_after_the_runs_own_timeout() -> None:
    jobs = [_job("5 * * * *"), _job("* * * * *", name="sync-orders", command=("sync-orders",), timeout_s=55)]
    lines = render(jobs, Path("/srv/acme"), "crontab", bin_dir=Path("/opt/venv/bin")).splitlines()

    assert lines[-2:] == [
        "5 * * * *  timeout -k 30 21m integrator import-courses",
        "* * * * *  timeout -k 30 70s integrator sync-orders",
    ]
    assert "INTEGRATOR_HOME=/srv/acme" in lines
    assert "PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin" in lines
    assert "SHELL=/bin/sh" in lines


def test_a_crontab_quotes_what_cron_and_the_shell_would_read_otherwise() -> None:
    job = _job("5 * * * *", command=("import-courses", "100%", "a b; reboot"))
    assert render([job], Path("/h"), "crontab").endswith(r"integrator import-courses 100\% 'a b; reboot'" + "\n")


@pytest.mark.parametrize("form", ["crontab", "systemd", "kubernetes"])
def test_every_format_warns_of_the_night_hour_and_leaves_out_unscheduled_jobs(form: str) -> None:
    jobs = [_job("30 2 * * *"), _job("", name="by-hand", command=("by-hand",))]
    text = render(jobs, Path("/srv/acme"), form)
    assert "# warning: between 02:00 and 03:00" in text
    assert "by-hand" not in text


@pytest.mark.parametrize(
    ("schedule", "calendar"),
    [
        ("5 * * * *", ["*-*-* *:05:00"]),
        ("* * * * *", ["*-*-* *:*:00"]),
        ("*/15 7-18 * * MON-FRI", ["Mon..Fri *-*-* 07..18:00,15,30,45:00"]),
        ("15 3 * * *", ["*-*-* 03:15:00"]),
        ("0 4 1,15 * *", ["*-*-01,15 04:00:00"]),
        ("0 0 * 1-3,12 0", ["Sun *-01..03,12-* 00:00:00"]),
        ("0 0 * * 6-7", ["Sat,Sun *-*-* 00:00:00"]),
        ("0 0 * * 0,2", ["Tue,Sun *-*-* 00:00:00"]),
        ("10-50/20 8 * * *", ["*-*-* 08:10,30,50:00"]),
        # both days given: cron runs on either
        ("0 4 1 * MON", ["*-*-01 04:00:00", "Mon *-*-* 04:00:00"]),
    ],
)
def test_systemd_gets_the_same_times(schedule: str, calendar: list[str]) -> None:
    text = render([_job(schedule)], Path("/srv/acme"), "systemd")
    assert [line.removeprefix("OnCalendar=") for line in text.splitlines() if line.startswith("OnCalendar")] == calendar


def test_systemd_units_name_home_command_and_last_resort() -> None:
    job = _job("15 3 * * *", name="store-backup", command=("store", "backup", "50% $HOME"))
    text = render([job], Path("/srv/Acme & Co"), "systemd", bin_dir=Path("/opt/venv/bin"))

    assert "# file: integrator-acme-co-store-backup.service\n" in text
    assert "# file: integrator-acme-co-store-backup.timer\n" in text
    assert 'Environment="INTEGRATOR_HOME=/srv/Acme & Co"\n' in text
    assert 'ExecStart=/opt/venv/bin/integrator store backup "50%% $$HOME"\n' in text
    assert "TimeoutStartSec=1260\n" in text
    assert "SuccessExitStatus=5 75\n" in text


def test_kubernetes_gets_one_cron_job_each_that_never_overlaps_or_restarts() -> None:
    jobs = [_job("0 0 * * 6-7"), _job("15 3 * * *", name="store-backup", command=("store", "backup"))]
    text = render(jobs, Path("/srv/acme"), "kubernetes", time_zone="Europe/Copenhagen")
    first, second = (document for document in yaml.safe_load_all(text) if document)

    assert second["metadata"]["name"] == "integrator-acme-store-backup"
    assert first["spec"]["schedule"] == "0 0 * * 0,6"
    spec = second["spec"]
    assert (spec["schedule"], spec["timeZone"]) == ("15 3 * * *", "Europe/Copenhagen")
    assert spec["concurrencyPolicy"] == "Forbid"
    run = spec["jobTemplate"]["spec"]
    assert (run["backoffLimit"], run["activeDeadlineSeconds"]) == (0, 1_260)
    pod = run["template"]["spec"]
    assert pod["restartPolicy"] == "Never"
    assert pod["containers"][0]["command"] == ["integrator", "store", "backup"]
    assert pod["containers"][0]["env"] == [{"name": "INTEGRATOR_HOME", "value": "/srv/acme"}]


@pytest.mark.parametrize(
    "printing",
    [
        lambda: render([], Path("/h"), "anacron"),
        lambda: render([_job("0 0 */2 * MON")], Path("/h"), "kubernetes"),
        lambda: render([], Path("/h\nMAILTO=x"), "crontab"),
    ],
)
def test_what_cannot_be_said_is_refused(printing: Callable[[], str]) -> None:
    with pytest.raises(UsageError):
        printing()
