"""One run of a job at a time: a lock the kernel frees, whatever happens to the process."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from integrator.errors import ConfigError, LockHeld, Problem


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
            os.pwrite(descriptor, json.dumps({"pid": os.getpid(), "since": since.isoformat()}).encode(), 0)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def wait_for(folder: Path, name: str) -> Iterator[None]:
    """Hold the lock, after waiting for whoever has it: for work of seconds, as a migration is."""
    descriptor = _opened(folder, name, os.O_CREAT)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


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


def _holder(descriptor: int) -> str:
    try:
        holder = json.loads(os.pread(descriptor, 500, 0))
        since = datetime.fromisoformat(holder["since"]).astimezone()
        return f" since {since:%H:%M}, pid {int(holder['pid'])}"
    except (ValueError, KeyError, TypeError):
        return ""
