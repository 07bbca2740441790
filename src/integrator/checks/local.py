"""Checks of this machine: the store, the disk, the clock, the jobs and what starts them. Nothing is written."""

import os
import shutil
import sqlite3
import stat
import subprocess
from collections.abc import Iterable
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from integrator.checks.finding import Finding, size_of
from integrator.database import Database, bare, network_file_system, sqlite_error
from integrator.errors import IntegratorError
from integrator.home import Home, read_only_problem
from integrator.schedule import local_zone, next_run, night_warning
from integrator.settings import Settings
from integrator.settings.jobs import is_off
from integrator.signs import may_make_store
from integrator.store import check as check_sound
from integrator.store import migrations
from integrator.wiring import shown

LEAST_FREE = 100_000_000
# Whether this is the store it should be is for a person to see.
_COUNTED = {
    "courses": "SELECT count(*) FROM courses",
    "orders": "SELECT count(*) FROM orders",
    "orderlines": "SELECT count(*) FROM orderlines",
}
_ZONE = "Europe/Copenhagen"
_BUSY_S = 5
_CRONTAB_S = 10


def check_store(settings: Settings) -> Finding:
    """Whether the next run can open it. One that is not there yet is fine in a new home, and is not made here."""
    home, path = settings.home, settings.store.path
    finding = Finding("store", facts={"path": str(path), "exists": path.exists()})
    for wrong, command in _open_to_others(home, path):
        finding.problem(f"{wrong} is open to group or others: no job starts", command, exit_code=78)
    place = _nearest(path)
    if read_only := read_only_problem(place):
        _complain(finding, read_only)
    elif not os.access(place, os.W_OK):
        finding.problem(
            f"{place} cannot be written by this user: no job starts",
            f"run as the user the jobs run as, or: chown -R USER {home.var}",
            exit_code=78,
        )
    if system := network_file_system(path):
        finding.problem(
            f"{path} lies on {system}: file locks are not to be trusted there, no job starts",
            "[store] path: a folder on a local disk",
            exit_code=78,
        )
    try:
        if may_make_store(home, path):
            if not finding.lines:
                finding.ok(f"{shown(home, path)} is not there yet: it will be made by the first run")
        else:
            _look_into(finding, path, shown(home, path))
    except sqlite3.Error as error:
        _explain(finding, error, path, shown(home, path))
    except IntegratorError as error:
        _complain(finding, error)
    return finding


def _open_to_others(home: Home, path: Path) -> Iterable[tuple[Path, str]]:
    folders = (home.var, home.locks, home.log, home.spool, home.evidence, home.backups)
    for place, mode in [*((folder, "700") for folder in folders), (path, "600")]:
        if place.exists() and stat.S_IMODE(place.stat().st_mode) & 0o077:
            yield place, f"chmod {mode} {place}"


def _nearest(path: Path) -> Path:
    """The path, or the folder above it in which it would be made."""
    return path if path.exists() else _nearest(path.parent)


def _look_into(finding: Finding, path: Path, name: str) -> None:
    conn = bare(path, read_only=True, timeout_s=_BUSY_S)
    try:
        db = Database(conn, path)
        check_sound(db, kind="quick")
        version, known = migrations.version(db), len(migrations.STEPS)
        if version == known:
            finding.facts |= {name: db.value(sql) for name, sql in _COUNTED.items()}
    finally:
        conn.close()
    status = path.stat()
    finding.facts |= {"schema": version, "bytes": status.st_size}
    if version > known:
        finding.problem(
            f"{name} was written by a newer version (schema {version}, known {known}): no job starts",
            "install that version again, or: integrator store restore BACKUP",
            exit_code=70,
        )
    elif version < known:
        finding.note(f"{name}: sound, schema {version} of {known}: the next run backs it up and brings it level")
    else:
        held = ", ".join(f"{finding.facts[what]:,} {what}" for what in _COUNTED)
        mode = f"mode {status.st_mode & 0o777:04o}"
        finding.ok(f"{name}: sound, schema {version}, {size_of(status.st_size)}, {mode}; it holds {held}")


def _explain(finding: Finding, error: sqlite3.Error, path: Path, name: str) -> None:
    code = getattr(error, "sqlite_errorcode", None) or 0
    if code == sqlite3.SQLITE_READONLY_ROLLBACK:
        finding.note(f"{name}: a run was cut off while it wrote; the next run takes that back by itself")
    elif code & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        finding.note(f"{name}: another process writes right now, so it was not looked into", "integrator check")
    else:
        _complain(finding, sqlite_error(error, path))


def _complain(finding: Finding, error: IntegratorError) -> None:
    finding.problem(error.message.removeprefix("store: "), error.hint, exit_code=error.exit_code)


def check_disk(settings: Settings) -> Finding:
    """Room for twice the store: an erasure and a backup write before they free."""
    path, spool = settings.store.path, settings.home.spool
    needed = max(LEAST_FREE, 2 * (path.stat().st_size if path.exists() else 0))
    place, free = min(
        ((_nearest(each), shutil.disk_usage(_nearest(each)).free) for each in (path, spool)), key=lambda pair: pair[1]
    )
    finding = Finding("disk", facts={"free_bytes": free, "needed_bytes": needed})
    if free >= needed:
        finding.ok(f"{size_of(free)} free, {size_of(needed)} needed")
    else:
        finding.problem(
            f"{size_of(free)} free where {place} lies, {size_of(needed)} needed: runs will stop in the middle",
            f"free some space; what lies there: du -xh --max-depth=2 {settings.home.root}",
        )
    return finding


def check_clock(now: datetime) -> Finding:
    """Course times need Copenhagen's clock changes; cron's times are the host's."""
    host = local_zone()
    finding = Finding("clock", facts={"now": now.isoformat(timespec="seconds"), "host_zone": _name(host, now)})
    try:
        there = now.astimezone(ZoneInfo(_ZONE))
    except ZoneInfoNotFoundError:
        finding.problem(
            f"the time zone data have no {_ZONE}: no course time can be read",
            "pip install tzdata   (or the system's package of that name)",
            exit_code=78,
        )
        return finding
    finding.ok(f"{there:%a %d %b %Y %H:%M:%S} in {_ZONE}; cron counts in the host's zone, {_name(host, now)}")
    return finding


def _name(zone: tzinfo, now: datetime) -> str:
    return getattr(zone, "key", None) or now.astimezone(zone).tzname() or "UTC"


def check_jobs(settings: Settings, now: datetime) -> Finding:
    """When each job that has anything to do is due next, and whether this user's crontab starts any."""
    zone = local_zone()
    scheduled = [job for job in settings.jobs.values() if job.schedule and not is_off(settings, job.name)]
    due = {job.name: next_run(job.schedule, now, zone) for job in scheduled}
    finding = Finding("jobs", facts={"next_runs": {name: at.isoformat() for name, at in due.items()}})
    in_order = sorted(due.items(), key=lambda pair: pair[1])
    times = ", ".join(f"{name} {_when(at.astimezone(zone), now.astimezone(zone))}" for name, at in in_order)
    finding.ok(f"next: {times}" if times else "none has a schedule: all are started by hand")
    for job in scheduled:
        if warning := night_warning(job.schedule):
            finding.note(f"{job.name}: {warning}", f"another hour in jobs/{job.name}.toml")
    if due and _crontab_is_silent():
        finding.note(
            "the crontab of this user does not mention integrator: cron starts nothing, unless another user's does",
            "integrator schedule --format crontab   prints the lines",
        )
    return finding


def _when(at: datetime, now: datetime) -> str:
    if at.date() == now.date():
        return f"{at:%H:%M}"
    return f"tomorrow {at:%H:%M}" if at.date() == now.date() + timedelta(days=1) else f"{at:%d %b %H:%M}"


def _crontab_is_silent() -> bool:
    """False also where there is no cron: systemd or Kubernetes may start the jobs."""
    program = shutil.which("crontab")
    if program is None:
        return False
    try:
        listed = subprocess.run(
            [program, "-l"], capture_output=True, stdin=subprocess.DEVNULL, timeout=_CRONTAB_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    lines = listed.stdout.decode(errors="replace").splitlines()
    return not any("integrator" in line for line in lines if not line.lstrip().startswith("#"))
