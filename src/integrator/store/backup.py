"""Backups of the store: made by SQLite itself while others write, verified before they count.

The file of a live store is never opened, copied or hashed otherwise: closing any descriptor of it
drops SQLite's locks, and without its journal a copy is corrupt.
"""

import os
import sqlite3
import time
from collections.abc import Iterable
from pathlib import Path

from integrator.database import Database, connect, sqlite_error
from integrator.errors import NotFound, StoreDamaged
from integrator.store import migrations


def make(db: Database, folder: Path, *, stem: str = "integrator", at: float | None = None) -> Path:
    """Write a verified backup (0600) into folder and give back its path.

    Errors  StoreDamaged: the copy is not sound, or cannot be written
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    name = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(at))
    target = folder / f"{stem}-{name}.db"
    copy_to(db, target)
    return target


def copy_to(db: Database, target: Path) -> None:
    """Copy the live store into target, all or nothing: the name appears when the copy is whole, sound and on disk."""
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    partial.unlink(missing_ok=True)
    try:
        descriptor = os.open(partial, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        os.close(descriptor)
        # pages=-1: in one go; with small steps it never ends while others write.
        with_target = sqlite3.connect(partial, isolation_level=None)
        try:
            db.conn.backup(with_target, pages=-1)
            _verify(with_target, partial)
        finally:
            with_target.close()
        _to_disk(partial)
        partial.rename(target)
        _to_disk(target.parent)
    except sqlite3.Error as error:
        raise sqlite_error(error, target) from error
    except OSError as error:
        raise StoreDamaged(f"backup: {target}: cannot be written: {error.strerror}") from error
    finally:
        partial.unlink(missing_ok=True)


def verify(path: Path) -> int:
    """Check a backup file; gives back its schema version.

    Errors  NotFound; StoreDamaged
    """
    if not path.is_file():
        raise NotFound(f"backup: {path}: there is no such file", hint="integrator store list")
    try:
        conn = sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None)
        try:
            _verify(conn, path)
            version = int(conn.execute("PRAGMA user_version").fetchone()[0])
        finally:
            conn.close()
    except sqlite3.Error as error:
        raise sqlite_error(error, path) from error
    if version > len(migrations.STEPS):
        raise StoreDamaged(f"backup: {path}: was written by a newer version (schema {version})")
    return version


def restore(path: Path, live: Path, *, kept_as: Path) -> None:
    """Put a verified backup in the place of the live store; what was there is kept beside it.

    The caller holds every job's lock. Errors  NotFound; StoreDamaged
    """
    verify(path)
    replacement = live.with_name(f".{live.name}.restored")
    replacement.unlink(missing_ok=True)
    source = connect(path)
    try:
        copy_to(source, replacement)
    finally:
        source.close()
    if live.exists():
        live.rename(kept_as)
        journal = live.with_name(live.name + "-journal")
        if journal.exists():
            journal.rename(kept_as.with_name(kept_as.name + "-journal"))
    replacement.rename(live)
    _to_disk(live.parent)


def expired(backups: Iterable[Path], *, now: float, days: int) -> list[Path]:
    """Backups older than their retention."""
    return sorted(path for path in backups if path.stat().st_mtime < now - days * 86_400)


def _verify(conn: sqlite3.Connection, path: Path) -> None:
    found = [row[0] for row in conn.execute("PRAGMA integrity_check(3)")]
    if found != ["ok"] or conn.execute("PRAGMA foreign_key_check").fetchone():
        raise StoreDamaged(f"backup: {path}: is not sound ({'; '.join(map(str, found[:3]))})")


def _to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
