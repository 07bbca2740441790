"""The log: one JSON line per run, and the place of a bug. Ids and counts only, never values of records."""

import json
import os
import traceback
from pathlib import Path
from typing import Any

_ROTATE_AT = 10_000_000


def write_line(folder: Path, facts: dict[str, Any]) -> None:
    """Append one line to integrator.log (0600). ASCII JSON escapes control characters, so that none forges a line."""
    path = folder / "integrator.log"
    if path.exists() and path.stat().st_size > _ROTATE_AT:
        path.replace(folder / "integrator.log.1")
    line = json.dumps(facts, separators=(",", ":"), default=str)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, (line + "\n").encode("ascii"))
    finally:
        os.close(descriptor)


def place_of(error: BaseException) -> list[str]:
    """Where a bug sits, frame by frame, without its message: that may hold somebody's data."""
    frames = traceback.extract_tb(error.__traceback__)
    return [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]
