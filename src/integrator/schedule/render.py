"""Schedules written for what starts the jobs: a crontab, systemd timers, Kubernetes CronJobs."""

import json
import re
import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from integrator.durations import compact_duration
from integrator.errors import UsageError
from integrator.schedule.crontimes import CronFields, fields_of, local_zone, night_warning

if TYPE_CHECKING:
    from integrator.settings import JobPolicy

FORMATS = ("crontab", "systemd", "kubernetes")
_BIN = "/usr/local/bin:/usr/bin:/bin"
_KILL_AFTER_S = 30
_WEEKDAYS = ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat")


def render(
    jobs: Iterable["JobPolicy"], home: Path, form: str, *, bin_dir: Path | None = None, time_zone: str | None = None
) -> str:
    """Write the schedule of every job that has one.

    Shape   form is one of FORMATS; bin_dir is where `integrator` is installed (default: the usual PATH);
            time_zone is for Kubernetes, "Europe/Copenhagen" (default: the host's)
    Errors  UsageError: unknown format, or an expression that this format cannot say
    """
    if any(ord(char) < 32 for char in str(home)):
        raise UsageError("schedule: the home folder's path has control characters")
    scheduled = sorted((job for job in jobs if job.schedule), key=lambda job: job.name)
    if form == "crontab":
        return _crontab(scheduled, home, bin_dir)
    if form == "systemd":
        return _systemd(scheduled, home, bin_dir)
    if form == "kubernetes":
        return _kubernetes(scheduled, home, time_zone or getattr(local_zone(), "key", None))
    raise UsageError(f"schedule: unknown format {form}; expected one of {', '.join(FORMATS)}")


def _last_resort_s(job: "JobPolicy") -> int:
    """A run ends itself at its timeout. This is for one that no longer can: a little later, from outside."""
    later = job.timeout_s + 15
    return later if later < 300 else -(-later // 60) * 60  # whole minutes read better


def _name(home: Path, job: "JobPolicy") -> str:
    """A name for units that tells the homes of one machine apart: integrator-acme-import-courses."""
    place = re.sub(r"[^a-z0-9]+", "-", home.name.lower()).strip("-")[:20]
    return "-".join(["integrator", *([place] if place not in {"", "integrator"} else []), job.name])


# --- crontab

_CRONTAB_HEAD = """\
# Printed by `integrator schedule --format crontab`. Edit jobs/*.toml, print again, install with `crontab FILE`.
# Times are the host's. Nothing is fixed between 02:00 and 03:00: on the nights when the clocks change, that hour is
# missing or comes twice. `timeout` is the last resort: a run ends itself earlier, at the timeout of its jobs/NAME.toml.
# A clean run prints nothing; what cron mails is for a person. Name that person:
# MAILTO=operator@example.org
SHELL=/bin/sh
"""


def _crontab(jobs: Sequence["JobPolicy"], home: Path, bin_dir: Path | None) -> str:
    lines = [_CRONTAB_HEAD + f"PATH={_path(bin_dir)}", f"INTEGRATOR_HOME={home}", ""]
    width = max((len(job.schedule) for job in jobs), default=0)
    for job in jobs:
        if warning := night_warning(job.schedule):
            lines.append(f"# warning: {warning}")
        # cron takes an unescaped % for the end of the command.
        command = shlex.join(["integrator", *job.command]).replace("%", r"\%")
        limit = compact_duration(_last_resort_s(job))
        lines.append(f"{job.schedule:<{width}}  timeout -k {_KILL_AFTER_S} {limit} {command}")
    return "\n".join(lines) + "\n"


def _path(bin_dir: Path | None) -> str:
    return f"{bin_dir}:{_BIN}" if bin_dir else _BIN


# --- systemd

_SYSTEMD_HEAD = """\
# Printed by `integrator schedule --format systemd`: one service and one timer per job, in one text. To make the files:
#   integrator schedule --format systemd | (cd /etc/systemd/system && awk '/^# file: /{f=$3} f{print > f}')
#   systemctl daemon-reload && systemctl enable --now 'NAME.timer'
# 5 (still running) and 75 (try later) are no failures; `integrator status` tells when they last too long.
"""


def _systemd(jobs: Sequence["JobPolicy"], home: Path, bin_dir: Path | None) -> str:
    return "\n".join([_SYSTEMD_HEAD, *(_units(job, home, bin_dir) for job in jobs)])


def _units(job: "JobPolicy", home: Path, bin_dir: Path | None) -> str:
    name = _name(home, job)
    program = str(bin_dir / "integrator") if bin_dir else "integrator"
    # "$" means something in ExecStart, and nothing in Environment.
    command = " ".join(_unit_word(word).replace("$", "$$") for word in (program, *job.command))
    calendar = "\n".join(f"OnCalendar={when}" for when in _on_calendar(fields_of(job.schedule)))
    warning = f"# warning: {text}\n" if (text := night_warning(job.schedule)) else ""
    return f"""\
# file: {name}.service
[Unit]
Description=integrator {job.name}
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
Environment={_unit_word(f"INTEGRATOR_HOME={home}")}
ExecStart={command}
SuccessExitStatus=5 75
TimeoutStartSec={_last_resort_s(job)}
TimeoutStopSec={_KILL_AFTER_S}
UMask=0077

# file: {name}.timer
{warning}[Unit]
Description=integrator {job.name} ({job.schedule})

[Timer]
{calendar}
AccuracySec=1s
Persistent=true

[Install]
WantedBy=timers.target
"""


def _unit_word(word: str) -> str:
    """Quote one word for a unit file, where %, quotes and backslashes mean something."""
    plain = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return plain if re.fullmatch(r"[A-Za-z0-9_./=:%$-]+", plain) else f'"{plain}"'


def _on_calendar(cron: CronFields) -> list[str]:
    """OnCalendar expressions: systemd asks for weekday and date, cron sometimes for either, hence two lines."""
    time = f"{_numbers(cron.hours, 24)}:{_numbers(cron.minutes, 60)}:00"
    months = _numbers(cron.months, 12)
    days, weekdays = _numbers(cron.days, 31), _weekdays(cron.weekdays)
    if cron.both_days:
        return [f"{weekdays}*-{months}-{days} {time}"]
    return [f"*-{months}-{days} {time}", f"{weekdays}*-{months}-* {time}"]


def _numbers(values: list[int], all_of_them: int) -> str:
    """Write sorted numbers shortly: "*", "00,15,30,45", "07..18"."""
    if len(values) == all_of_them:
        return "*"
    return ",".join(f"{a:02}" if a == b else f"{a:02}..{b:02}" for a, b in _spans(values))


def _weekdays(values: list[int]) -> str:
    if len(values) == 7:
        return ""
    monday_first = sorted((day - 1) % 7 for day in values)
    spans = [(_WEEKDAYS[(a + 1) % 7], _WEEKDAYS[(b + 1) % 7]) for a, b in _spans(monday_first)]
    return ",".join(a if a == b else f"{a}..{b}" for a, b in spans) + " "


def _spans(values: list[int]) -> list[tuple[int, int]]:
    """Join neighbours, three or more: [0, 1, 2, 5, 6] becomes (0, 2), (5, 5), (6, 6)."""
    spans: list[tuple[int, int]] = []
    for value in values:
        if spans and spans[-1][1] == value - 1:
            spans[-1] = (spans[-1][0], value)
        else:
            spans.append((value, value))
    return [part for a, b in spans for part in ([(a, a), (b, b)] if b == a + 1 else [(a, b)])]


# --- Kubernetes

_KUBERNETES_HEAD = """\
# Printed by `integrator schedule --format kubernetes`. Put in your image, and the claim with the home folder: block
# storage that one node mounts (ReadWriteOnce), not NFS, where SQLite's locks cannot be trusted. Secrets come as
# variables from the Secret integrator-env. A job that ends with 5 or 75 is shown as failed; nothing is started again
# before its next time, and `integrator status` tells what needs a person.
"""


def _kubernetes(jobs: Sequence["JobPolicy"], home: Path, zone: str | None) -> str:
    return _KUBERNETES_HEAD + "".join(_cron_job(job, home, zone) for job in jobs)


def _cron_job(job: "JobPolicy", home: Path, zone: str | None) -> str:
    warning = f"# warning: {text}\n" if (text := night_warning(job.schedule)) else ""
    time_zone = f"\n  timeZone: {json.dumps(zone)}" if zone else ""
    return f"""\
---
{warning}apiVersion: batch/v1
kind: CronJob
metadata:
  name: {_name(home, job)[:52].rstrip("-")}
spec:
  schedule: {json.dumps(_kubernetes_schedule(job))}{time_zone}
  concurrencyPolicy: Forbid
  startingDeadlineSeconds: 300
  successfulJobsHistoryLimit: 1
  failedJobsHistoryLimit: 3
  jobTemplate:
    spec:
      backoffLimit: 0
      activeDeadlineSeconds: {_last_resort_s(job)}
      template:
        spec:
          restartPolicy: Never
          terminationGracePeriodSeconds: {_KILL_AFTER_S}
          containers:
            - name: integrator
              image: integrator
              command: {json.dumps(["integrator", *job.command])}
              env:
                - name: INTEGRATOR_HOME
                  value: {json.dumps(str(home))}
              envFrom:
                - secretRef:
                    name: integrator-env
                    optional: true
              volumeMounts:
                - name: home
                  mountPath: {json.dumps(str(home))}
          volumes:
            - name: home
              persistentVolumeClaim:
                claimName: {_name(home, job).removesuffix(f"-{job.name}")}-home
"""


def _kubernetes_schedule(job: "JobPolicy") -> str:
    """The expression as Kubernetes reads it: no weekday 7, and another rule for a star with a step."""
    minute, hour, day, month, weekday = job.schedule.split()
    stepped = day.startswith("*/") or weekday.startswith("*/")
    if stepped and day != "*" and weekday != "*":
        raise UsageError(
            f'schedule: {job.name}: "{job.schedule}" cannot be said in Kubernetes: it takes day or weekday, cron both',
            hint=f"write the days of jobs/{job.name}.toml as a list",
        )
    if "7" in weekday:
        weekday = ",".join(str(value) for value in fields_of(job.schedule).weekdays)
    return " ".join((minute, hour, day, month, weekday))
