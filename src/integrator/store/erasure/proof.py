"""The proof of an erasure: VACUUM, then a search for what was erased in the bytes of the file and of its journal."""

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from integrator.database import Database, sqlite_error
from integrator.errors import IntegratorError, StoreDamaged, Unavailable

DUE = "vacuum_due"
_CHUNK = 1 << 20
_AT_ONCE = 20_000  # patterns in one automaton: its memory is bounded, the file is read once per so many
_READ = "import shutil, sys; shutil.copyfileobj(open(sys.argv[1], 'rb'), sys.stdout.buffer, 1 << 20)"


def set_due(db: Database, value: int) -> None:
    """Remember, in the transaction that erases, that VACUUM is still to come: a killed run's successor does it."""
    db.write(
        "INSERT INTO counters (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = ?2", (DUE, value)
    )


def is_due(db: Database) -> bool:
    return bool(db.value("SELECT value FROM counters WHERE name = ?", (DUE,)))


def need_space(path: Path) -> None:
    """Errors  Unavailable: erasing needs room for a second copy, and for the journal of writing it back"""
    needed = 2 * path.stat().st_size
    if shutil.disk_usage(path.parent).free < needed:
        raise Unavailable(
            f"gdpr: {path.parent} has no room for {needed // 1_000_000 + 1} MB, which VACUUM needs; nothing was erased",
            hint="free some space: df -h; then run it again",
        )


def vacuum(db: Database) -> None:
    """Write the file anew, without what lies between its rows.

    Errors  Unavailable: somebody reads it; the run is not done, the next one begins here
    """
    try:
        db.write("VACUUM")
    except sqlite3.Error as error:
        ours = sqlite_error(error, db.path)
        if isinstance(ours, Unavailable):
            raise Unavailable(
                f"gdpr: {db.path}: another process reads it: erased, but not yet vacuumed: not done, run again"
            ) from None
        raise ours from error


def prove(db: Database, erased: set[bytes]) -> None:
    """Look for what was erased in the bytes of the file and its journal.

    What a remaining row holds rightly (a company of that name, another order) is left out.
    Errors  StoreDamaged: something is still there
    """
    paths = [db.path, db.path.with_name(f"{db.path.name}-journal")]
    found = {text for path in paths if path.exists() for text in search(live_chunks(path), erased)}
    if found and (left := found - _in_rows(db, found)):
        raise StoreDamaged(
            f"gdpr: {db.path}: {len(left)} erased value(s) are still in its bytes after VACUUM; this is not done",
            hint="run it again; if it stays so: integrator store verify",
        )


# searching --------------------------------------------------------------------------------------------


def search(chunks: Iterable[bytes], patterns: Iterable[bytes]) -> set[bytes]:
    """Those of the patterns that stand in the bytes, also across the edges of chunks. Memory stays bounded."""
    wanted = sorted(patterns)
    if not wanted:
        return set()
    return set(counted(chunks, wanted))


def counted(chunks: Iterable[bytes], patterns: list[bytes], *, fold: bool = False) -> dict[bytes, int]:
    """How often each pattern stands in the bytes; with fold, ASCII letters of both cases are equal."""
    from ahocorasick_rs import BytesAhoCorasick

    machines = [BytesAhoCorasick(patterns[begin : begin + _AT_ONCE]) for begin in range(0, len(patterns), _AT_ONCE)]
    overlap = max(map(len, patterns)) - 1
    found: dict[bytes, int] = {}
    tail = b""
    for chunk in chunks:
        window = tail + (chunk.lower() if fold else chunk)
        for number, machine in enumerate(machines):
            for index, _, end in machine.find_matches_as_indexes(window, overlapping=True):
                if end > len(tail):  # otherwise it was counted with the chunk before
                    pattern = patterns[number * _AT_ONCE + index]
                    found[pattern] = found.get(pattern, 0) + 1
        tail = window[-overlap:] if overlap else b""
    return found


def chunks_of(path: Path) -> Iterator[bytes]:
    """A file's bytes. Never of a store that this process has open: closing it would drop SQLite's locks."""
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk


def live_chunks(path: Path) -> Iterator[bytes]:
    """The bytes of a store that may be open here, read by a process of its own: locks belong to processes."""
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _READ, str(path)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdout is not None
    with process:
        while chunk := process.stdout.read(_CHUNK):
            yield chunk
    if process.returncode:
        raise IntegratorError(f"gdpr: {path}: its bytes cannot be read; whether all is gone is not known: run it again")


def _in_rows(db: Database, patterns: set[bytes]) -> set[bytes]:
    """Those of the patterns that a row holds now, in one column or in two side by side, as SQLite writes them."""
    tables = [row[0] for row in db.all("SELECT name FROM sqlite_master WHERE type = 'table' AND sql IS NOT NULL")]
    tables.append("sqlite_master")  # the words in the tables' own definitions
    return search((_row_bytes(row) for table in tables for row in db.all(f'SELECT * FROM "{table}"')), patterns)  # noqa: S608


def _row_bytes(row: Iterable[object]) -> bytes:
    """A row's texts and digests side by side, and a gap before the next row."""
    return b"".join(_bytes(value) for value in row if value is not None) + b"\0\0"


def _bytes(value: object) -> bytes:
    if isinstance(value, bytes):
        return value
    return value.encode() if isinstance(value, str) else b"\0"
