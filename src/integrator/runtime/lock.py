"""One run of a job at a time: a lock the kernel frees, whatever happens to the process."""

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from integrator.errors import ConfigError, LockHeld, Problem

_ASK_AGAIN_S = 0.02


def name_of(job: str, scope: str = "") -> str:
    """The lock of a job, or of one part of it that runs beside the others (a workshop)."""
    return f"{job}.{scope}" if scope else job


@contextmanager
def hold(folder: Path, name: str, *, since: datetime) -> Iterator[None]:
    """Hold folder/NAME.lock while the block runs. The file is never deleted: only the lock on it counts.

    Errors  LockHeld: another process holds it; the message says since when and which pid
            ConfigError: the file belongs to another user
    """
    descriptor = _opened(folder, name, os.O_CREAT)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LockHeld(f"{name}: still running{_holder(descriptor)}; this start was skipped") from None
        with suppress(OSError):  # a full disk: what stands in the file is for people, the lock holds without it
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, json.dumps(_ourselves(since)).encode(), 0)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def wait_for(folder: Path, name: str, *, patience_s: float | None = None) -> Iterator[None]:
    """Hold the lock, after waiting for whoever has it: for work of seconds, as a migration is.

    patience_s  how long it waits; None: until it is free
    Errors      LockHeld: it took longer
    """
    descriptor = _opened(folder, name, os.O_CREAT)
    try:
        if patience_s is None:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        else:
            _wait(descriptor, name, patience_s)
        yield
    finally:
        os.close(descriptor)


def _wait(descriptor: int, name: str, patience_s: float) -> None:
    """The kernel has no wait with an end that leaves signals alone: it is asked again and again."""
    until = time.monotonic() + patience_s
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until:
                raise LockHeld(f"{name}: somebody has held it for {patience_s:g} s; nothing was done") from None
            time.sleep(_ASK_AGAIN_S)
        else:
            return


def is_held(folder: Path, name: str) -> bool:
    """Whether a living process holds the lock now."""
    try:
        descriptor = _opened(folder, name)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(descriptor)


def _opened(folder: Path, name: str, flags: int = 0) -> int:
    path = folder / f"{name}.lock"
    try:
        return os.open(path, os.O_RDWR | os.O_CLOEXEC | flags, 0o600)
    except PermissionError:  # once started by root, by hand, it is root's
        raise ConfigError(
            [Problem(str(path), f"cannot be opened by this user: chown {os.geteuid()} {path}")],
            hint=f"or run as the user who owns it: ls -l {path}",
        ) from None


@dataclass(frozen=True)
class Holder:
    """Who holds a lock. started is the process's start in the kernel's ticks: a pid alone may be another's by now."""

    pid: int
    started: int
    since: datetime

    def is_alive(self) -> bool:
        return process_started(self.pid) == self.started


def holder(folder: Path, name: str) -> Holder | None:
    """Who holds the lock now, None when nobody does, or when what stands in it cannot be read."""
    if not is_held(folder, name):
        return None
    try:
        return _read_holder((folder / f"{name}.lock").read_bytes())
    except (OSError, ValueError, KeyError, TypeError):
        return None


def process_started(pid: int) -> int | None:
    """When a process began, in the kernel's ticks since boot; None when there is none, or it is dead already."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def _ourselves(since: datetime) -> dict[str, Any]:
    return {"pid": os.getpid(), "started": process_started(os.getpid()), "since": since.isoformat()}


def _read_holder(content: bytes) -> Holder:
    found = json.loads(content)
    return Holder(int(found["pid"]), int(found["started"]), datetime.fromisoformat(found["since"]))


def _holder(descriptor: int) -> str:
    try:
        found = _read_holder(os.pread(descriptor, 500, 0))
    except (ValueError, KeyError, TypeError):
        return ""
    return f" since {found.since.astimezone():%H:%M}, pid {found.pid}"
