"""Files that gdpr-cleanup takes away: evidence, and what is left of orderlines that came as files."""

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from integrator.database import Database
from integrator.domain.retention import DAY_S

_TAKEN_IN = ("done", "rejected")  # beside the files that still wait, in the folder of each workshop


def old_files(folder: Path, days: int, now: int) -> list[Path]:
    """Files below that are past their time, by when they were written last; a link is not followed."""
    files = [path for path in folder.rglob("*") if path.is_symlink() or path.is_file()]
    return sorted(path for path in files if path.lstat().st_mtime < now - days * DAY_S)


def old_orderline_files(spool: Path, days: int, now: int) -> list[Path]:
    """Files of orders that were taken in so long ago. What still waits is nobody's to delete."""
    folders = [folder for name in _TAKEN_IN for folder in spool.glob(f"*/{name}")]
    return sorted(path for folder in folders for path in old_files(folder, days, now))


def delete(files: Iterable[Path]) -> int:
    """Delete them. Gives back how many there were."""
    number = 0
    for path in files:
        path.unlink(missing_ok=True)
        number += 1
    return number


def delete_empty_folders(top: Path, now: int, emptied: Iterable[Path]) -> None:
    """Folders below that were emptied now, and those that a killed run left empty: a young one may be about to be
    filled."""
    gone = set(emptied)
    for folder in sorted((path for path in top.rglob("*") if path.is_dir() and not path.is_symlink()), reverse=True):
        with suppress(OSError):  # it is not empty
            if folder in gone or folder.stat().st_mtime < now - DAY_S:
                folder.rmdir()
                gone.add(folder.parent)


def shorten_status_files(db: Database, folder: Path) -> None:
    """Take out of var/status what tells of orderlines that the store does not have any more.

    A file keeps its time: by it push-orderline knows whether it is true. One that a run replaces at this very moment
    is made anew by the next run for that reason.
    """
    for path in sorted(folder.glob("[!.]*.jsonl")):
        at, lines = path.stat().st_mtime, path.read_bytes().splitlines(keepends=True)
        rows = db.all("SELECT unique_id FROM orderlines WHERE workshop = ?", (path.stem,))
        known = {row["unique_id"] for row in rows}
        kept = list(_about(lines, known))
        if not kept:
            path.unlink()
        elif len(kept) < len(lines):
            _replace(path, b"".join(kept), at)


def _about(lines: list[bytes], known: set[str]) -> Iterator[bytes]:
    import json

    for line in lines:
        with suppress(ValueError, KeyError, TypeError):  # not ours, or cut: it tells nobody anything
            if json.loads(line)["unique_id"] in known:
                yield line


def _replace(path: Path, content: bytes, at: float) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(descriptor)
    os.utime(draft, (at, at))
    draft.rename(path)
