"""The log: one JSON line per run, one per bug elsewhere. Ids and counts only, never values of records."""

import fcntl
import json
import os
import traceback
from pathlib import Path
from typing import Any

NAME = "integrator.log"
_ROTATE_AT = 10_000_000
_WRITTEN = "its place stands in the log"


def write_line(folder: Path, facts: dict[str, Any]) -> None:
    """Append one line to integrator.log (0600). ASCII JSON escapes control characters, so that none forges a line."""
    line = json.dumps(facts, separators=(",", ":"), default=str)
    descriptor = _opened(folder / NAME)
    try:
        os.write(descriptor, f"{_missing_end(descriptor)}{line}\n".encode("ascii"))
    finally:
        os.close(descriptor)


def _missing_end(descriptor: int) -> str:
    """The end of a line that a full disk cut off: without it the next one would be lost, too."""
    size = os.fstat(descriptor).st_size
    return "\n" if size and os.pread(descriptor, 1, size - 1) != b"\n" else ""


def _opened(path: Path) -> int:
    """The log, open and locked until it is closed. Two jobs that find it too big at once put it aside only once."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if _is_there(path, descriptor):
                if os.fstat(descriptor).st_size <= _ROTATE_AT:
                    return descriptor
                path.replace(path.with_name(f"{NAME}.1"))
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _is_there(path: Path, descriptor: int) -> bool:
    """Whether the name still leads to the open file: another job may have put it aside before the lock was ours."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def mark_written(error: BaseException) -> None:
    """Remember with a bug that the log has its place already."""
    error.add_note(_WRITTEN)


def is_written(error: BaseException) -> bool:
    return _WRITTEN in getattr(error, "__notes__", ())


def place_of(error: BaseException) -> list[str]:
    """Where a bug sits, frame by frame, without its message: that may hold somebody's data."""
    frames = traceback.extract_tb(error.__traceback__)
    return [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]
