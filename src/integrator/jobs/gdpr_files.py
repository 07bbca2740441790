"""Files that gdpr-cleanup takes away: evidence, what is left of orderlines that came as files, papers of bookings."""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from integrator.database import Database
from integrator.domain.retention import DAY_S
from integrator.runtime.files import replace
from integrator.store.erasure import bookings

if TYPE_CHECKING:
    from integrator.home import Home

_TAKEN_IN = ("done", "rejected")  # beside the files that still wait, in the folder of each workshop


def old_files(folder: Path, days: int, now: int) -> list[Path]:
    """Files below that are past their time, by when they were written last; a link is not followed."""
    files = [path for path in folder.rglob("*") if path.is_symlink() or path.is_file()]
    return sorted(path for path in files if (status := _status(path)) and status.st_mtime < now - days * DAY_S)


def _status(path: Path) -> os.stat_result | None:
    """None: whoever works there has taken it away, or given it its name, since it was listed."""
    try:
        return path.lstat()
    except FileNotFoundError:
        return None


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


def sweep_drafts(folder: Path, now: int) -> int:
    """Delete the drafts of var/status that killed runs left. A draft may bear the time of what it tells: it is as old
    as its last change. Gives back how many there were."""
    drafts = folder.glob(".*.jsonl.*")
    return delete([path for path in drafts if (status := _status(path)) and status.st_ctime < now - DAY_S])


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
            replace(path, b"".join(kept), at=at)


def _about(lines: list[bytes], known: set[str]) -> Iterator[bytes]:
    import json

    for line in lines:
        with suppress(ValueError, KeyError, TypeError):  # not ours, or cut: it tells nobody anything
            if json.loads(line)["unique_id"] in known:
                yield line


# papers of bookings -----------------------------------------------------------------------------------

_REFERENCE = re.compile(r"TP-[A-Z2-7]+(?![A-Z0-9])", re.IGNORECASE)


@dataclass(frozen=True)
class Papers:
    """gone: files and folders of bookings whose student is nobody any more; unknown: how many of an operator's belong
    to no booking."""

    gone: list[Path]
    unknown: int

    @property
    def files(self) -> list[Path]:
        return [file for path in self.gone for file in _files_in(path)]


def old_papers(db: Database, home: "Home", now: int, *, leaving: Iterable[int] = ()) -> Papers:
    """Papers that are to go, as the store says: so it does not matter at which point a run before this was killed.

    leaving   orders that are about to be erased: once they are deleted nobody knows whose an operator's file was
    """
    rows = db.all("SELECT reference, anonymised_at FROM bookings")
    about_to = bookings.references(db, leaving)
    is_gone = {row["reference"]: row["anonymised_at"] is not None or row["reference"] in about_to for row in rows}
    theirs = {path: is_gone.get(_reference(path)) for path in _entries(home.root / "documents")}
    ours = [path for path in _entries(home.var / "documents") if _may_go(path, is_gone, now)]
    return Papers(
        [*ours, *(path for path, gone in theirs.items() if gone)], sum(gone is None for gone in theirs.values())
    )


def papers_of(home: "Home", references: set[str]) -> list[Path]:
    """The papers that lie in our folders under the references of bookings."""
    folders = (home.root / "documents", home.var / "documents")
    found = (path for folder in folders for path in _entries(folder) if _reference(path) in references)
    return [file for path in found for file in _files_in(path)]


def delete_papers(papers: Papers) -> tuple[int, list[str]]:
    """Delete them with their folders. Gives back how many there were, and of each that stayed why."""
    number, stayed = 0, []
    for path in papers.files:
        try:
            number += delete([path])
        except OSError as error:
            stayed.append(error.strerror or type(error).__name__)
    for top in papers.gone:
        folders = [top, *top.rglob("*")] if top.is_dir() and not top.is_symlink() else []
        for folder in sorted((found for found in folders if found.is_dir()), reverse=True):
            with suppress(OSError):  # it is not empty: something in it stayed
                folder.rmdir()
    return number, stayed


def _may_go(path: Path, is_gone: Mapping[str, bool], now: int) -> bool:
    """In our own folder there is nothing but papers on their way, each under a booking that was there before it. What
    has another name may be one that is being written."""
    if reference := _reference(path):
        return is_gone.get(reference, True)
    return (status := _status(path)) is not None and status.st_mtime < now - DAY_S


def _entries(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.name != ".gitkeep") if folder.is_dir() else []


def _reference(path: Path) -> str:
    """The reference that the name of a file or a folder begins with, "" without one: TP-ABC.pdf, TP-ABC 2.pdf"""
    match = _REFERENCE.match(path.name.strip())
    return match[0].upper() if match else ""


def _files_in(path: Path) -> list[Path]:
    """The file, or those in the folder. A link is not followed."""
    if path.is_symlink() or not path.is_dir():
        return [path]
    return sorted(found for found in path.rglob("*") if found.is_symlink() or not found.is_dir())
