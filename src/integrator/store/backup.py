"""Backups of the store: made by SQLite itself while others write, verified before they count, put back whole.

The file of a live store is never opened, copied or hashed otherwise: closing any descriptor of it
drops SQLite's locks, and without its journal a copy is corrupt.
"""

import os
import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from integrator.database import Database, bare, connect, sqlite_error
from integrator.errors import IntegratorError, NotFound, StoreDamaged
from integrator.home import way_out
from integrator.store import migrations, numbers
from integrator.store.past import doubt_what_waited

KEPT_ALWAYS = 3
_STEM = "integrator"
_MIGRATION_STEM = "before-migration"
_TIME = "%Y%m%dT%H%M%SZ"
_NAME = re.compile(r"(?:integrator-|before-migration-|.*\.replaced-)([0-9]{8}T[0-9]{6}Z)(?:\.[0-9]+)?(?:\.db)?")
_COMPANIONS = ("-journal", "-wal", "-shm")


@dataclass(frozen=True)
class Backup:
    """A backup file of ours; made_at is epoch seconds, read from its name: a copied file has another mtime."""

    path: Path
    made_at: int

    @property
    def size(self) -> int:
        return self.path.stat().st_size


# making ---------------------------------------------------------------------------------------------


def make(db: Database, folder: Path, *, stem: str = _STEM, at: float | None = None) -> Path:
    """Write a verified backup (0600) into folder and give back its path.

    Errors  StoreDamaged: the copy is not sound, or cannot be written
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    target = _free_name(folder, f"{stem}-{time.strftime(_TIME, time.gmtime(at))}", ".db")
    copy_to(db, target)
    return target


def copy_to(db: Database, target: Path) -> None:
    """Copy the live store into target, all or nothing: the name appears when the copy is whole, sound and on disk."""
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    with _writing(target, partial):
        _draft(db.conn, partial, f"store: {db.path}")
        os.rename(partial, target)
        to_disk(target.parent)


def _free_name(folder: Path, name: str, ending: str) -> Path:
    """NAME, or NAME.2, NAME.3 …: two in one second, and nothing is ever written over."""
    found, number = folder / f"{name}{ending}", 2
    while found.exists():
        found, number = folder / f"{name}.{number}{ending}", number + 1
    return found


@contextmanager
def _writing(target: Path, partial: Path) -> Iterator[None]:
    """Errors in our words; the unfinished file is taken away on every way out but a kill."""
    _remove(partial)
    try:
        yield
    except sqlite3.Error as error:
        raise sqlite_error(error, target) from error
    except OSError as error:
        said = f"backup: {target}: cannot be written: {error.strerror}"
        raise StoreDamaged(said, hint=way_out(error.errno, target.parent)) from error
    finally:
        _remove(partial)


def _draft(source: sqlite3.Connection, partial: Path, what: str) -> None:
    """A sound copy of source in a file of its own, on disk. A copy that is not sound says what its source is."""
    os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    copy = bare(partial)
    try:
        source.backup(copy, pages=-1)  # in one go; with small steps it never ends while others write
        _sound(copy, what)
    finally:
        copy.close()
    to_disk(partial)


# looking --------------------------------------------------------------------------------------------


def found(folder: Path) -> list[Backup]:
    """The backups in a folder, newest first; other files are not ours to count or to delete."""
    return sorted(_ours(folder.glob("*.db")), key=lambda backup: (backup.made_at, backup.path.name), reverse=True)


def replaced(live: Path) -> list[Backup]:
    """What restores have kept beside the live store, newest first."""
    files = (path for path in live.parent.glob(f"{live.name}.replaced-*") if not path.name.endswith(_COMPANIONS))
    return sorted(_ours(files), key=lambda backup: (backup.made_at, backup.path.name), reverse=True)


def expired(backups: list[Backup], *, now: float, days: int, keep: int = KEPT_ALWAYS) -> list[Backup]:
    """Backups past their retention, but never one of the newest `keep` (backups is sorted, newest first)."""
    return [backup for backup in backups[keep:] if backup.made_at < now - days * 86_400]


def remove(backup: Backup) -> None:
    """Delete a backup with what lies beside it under its name."""
    _remove(backup.path)


def sweep(folder: Path, *, now: float, older_than_s: float = 86_400) -> int:
    """Delete what killed backups left unfinished: they hold what the store held. Gives back how many files."""
    left = [path for path in folder.glob(".*.partial*") if path.stat().st_mtime <= now - older_than_s]
    for path in left:
        path.unlink(missing_ok=True)
    return len(left)


def _ours(files: Iterator[Path]) -> Iterator[Backup]:
    for path in files:
        if (match := _NAME.fullmatch(path.name)) and path.is_file():
            try:
                made = datetime.strptime(match[1], _TIME).replace(tzinfo=UTC)
            except ValueError:  # 99 minutes past the hour
                continue
            yield Backup(path, int(made.timestamp()))


def verify(path: Path) -> int:
    """Check a backup file, without changing anything; gives back its schema version.

    Errors  NotFound; StoreDamaged: not sound, not ours, or of a newer version
    """
    with reading(path) as conn:
        return verified(conn, path)


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A backup, as it lies. Errors  NotFound; StoreDamaged"""
    if not path.is_file():
        raise NotFound(f"backup: {path}: there is no such file", hint="integrator store list")
    try:
        conn = bare(path, read_only=True)
        try:
            yield conn
        finally:
            conn.close()
    except sqlite3.Error as error:
        raise _unreadable(error, path) from error


def draft_of(live: Path) -> Path:
    """Where a restore makes the copy that is about to be the store."""
    return live.with_name(f".{live.name}.restored")


def _unreadable(error: sqlite3.Error, path: Path) -> Exception:
    """A damaged backup is not a damaged store: other words than the store's, and another way out."""
    ours = sqlite_error(error, path)
    if not isinstance(ours, StoreDamaged):
        return ours
    what = getattr(error, "sqlite_errorname", type(error).__name__)
    return StoreDamaged(
        f"backup: {path}: is damaged or not a backup ({what}); nothing was touched", hint="integrator store list"
    )


def verified(conn: sqlite3.Connection, path: Path) -> int:
    """Its schema version, once it has proved sound and ours. Errors  StoreDamaged"""
    version = int(conn.execute("PRAGMA user_version").fetchone()[0])
    if version > len(migrations.STEPS):
        raise StoreDamaged(
            f"backup: {path}: was written by a newer version (schema {version}, known {len(migrations.STEPS)});"
            " nothing was touched"
        )
    tables = {row[0] for row in conn.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if version == 0 or not {"runs", "outbox"} <= tables:
        raise StoreDamaged(f"backup: {path}: is not a backup of this store; nothing was touched")
    _sound(conn, f"backup: {path}")
    return version


def _sound(conn: sqlite3.Connection, what: str) -> None:
    try:
        said = [str(row[0]) for row in conn.execute("PRAGMA integrity_check(3)")]
        lost = conn.execute("PRAGMA foreign_key_check").fetchone()
    except sqlite3.DatabaseError as error:  # some damage keeps even the check from being made
        if not isinstance(sqlite_error(error), StoreDamaged):
            raise
        said, lost = [str(error)], None
    if said != ["ok"] or lost:
        why = "; ".join(said) if said != ["ok"] else "rows that point to nothing"
        raise StoreDamaged(f"{what}: is not sound ({why}); nothing was touched")


# putting back ---------------------------------------------------------------------------------------


def restore(path: Path, live: Path, *, at: float, erase: Callable[[Database], None] = lambda db: None) -> Path | None:
    """Put a backup in the place of the live store; give back where the former one is kept, None when there was none.

    erase is called with the copy before it goes live: nobody who was erased since comes back.
    The caller holds every job's lock and the store's. A kill at any point leaves the old store or the new one live:
    the name changes hands in one rename, and whatever was begun before it is taken away by the next restore.
    Errors  NotFound; StoreDamaged; Unavailable: somebody else is in the store
    """
    live = live.resolve()  # SQLite, too, looks for the journal beside the file itself, not beside a link to it
    draft = draft_of(live)
    live.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _writing(live, draft):
        with reading(path) as source:
            verified(source, path)
            _draft(source, draft, f"backup: {path}")
        _prepare(draft, int(at), erase)
        with _alone(live) as former:
            _go_on_counting(draft, numbers.highest(former))
            kept = _put_in_place(draft, live, at)
    return kept


def rewrite(path: Path, change: Callable[[Database], None]) -> None:
    """Change a backup: on a copy beside it, which takes its name in one rename when it is sound and on disk.

    The caller holds the locks of whoever makes backups. A kill leaves the former file, and the copy for sweep().
    Errors  NotFound; StoreDamaged; what change raises
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}.partial")
    with _writing(path, draft):
        with reading(path) as source:
            verified(source, path)
            _draft(source, draft, f"backup: {path}")
        with closing(connect(draft)) as db:
            migrations.migrate(db, backup=lambda: None)
            change(db)
            _sound(db.conn, f"backup: {draft}")
        to_disk(draft)
        os.rename(draft, path)
        to_disk(path.parent)


def _prepare(draft: Path, at: int, erase: Callable[[Database], None]) -> None:
    """Make a copy of the past fit for today: this version's tables, nobody who was erased since, and its doubts."""
    with closing(connect(draft)) as db:
        migrations.migrate(db, backup=lambda: None)
        erase(db)  # before the doubts: an order with a message under way is left alone
        with db.tx():
            doubt_what_waited(db, at)
        _sound(db.conn, f"backup: {draft}")
    to_disk(draft)


def beyond(backups: list[Backup]) -> int | None:
    """A number beyond every order that was taken until now; None: no backup tells of any number."""
    found = [number for backup in backups if (number := _number_in(backup.path)) is not None]
    return max(found) + numbers.SKIPPED if found else None


def _number_in(path: Path) -> int | None:
    try:
        with reading(path) as conn:
            return numbers.highest(conn)
    except IntegratorError:
        return None


def _go_on_counting(draft: Path, last: int | None) -> None:
    with closing(connect(draft)) as db:
        numbers.go_on_from(db, last)
    to_disk(draft)


@contextmanager
def _alone(live: Path) -> Iterator[sqlite3.Connection | None]:
    """Nobody reads or writes the old store meanwhile, and SQLite has rolled back what a kill left half written in it.

    Whoever opened it before and waits for this lock is told afterwards that the file has moved (SQLite looks before
    it opens a journal), so it cannot put a journal of the old store beside the new one. A store too damaged for
    SQLite to lock is too damaged for the others as well.
    """
    if not live.exists():
        yield None
        return
    conn = bare(live)
    try:
        try:
            conn.execute("BEGIN EXCLUSIVE")
        except sqlite3.Error as error:
            if not isinstance(sqlite_error(error, live), StoreDamaged):
                raise
        yield conn
    finally:
        conn.close()


def _put_in_place(draft: Path, live: Path, at: float) -> Path | None:
    """The swap. Its order is what makes it safe:

    1. The old store gets a second name, so that no moment is without a live store.
    2. A journal still lying there belongs to a store that SQLite could not open (it would have rolled it back): it
       must go before the new store comes, or the next start would apply it to the new one. A kill after this leaves
       the old store as unusable as it was, with its journal beside its second name.
    3. Both are on disk before the name changes hands: a power cut cannot keep the last step and lose the first.
    4. One rename: the old store is live before it, the new one after it.
    """
    forget_unfinished(live)
    kept = None
    if live.exists():
        kept = _free_name(live.parent, f"{live.name}.replaced-{time.strftime(_TIME, time.gmtime(at))}", "")
        os.link(live, kept)
    for ending in _COMPANIONS:
        beside = live.with_name(live.name + ending)
        if beside.exists() and beside.stat().st_size:
            os.rename(beside, (kept or draft).with_name((kept or draft).name + ending))
    to_disk(live.parent)
    os.rename(draft, live)
    to_disk(live.parent)
    return kept


def forget_unfinished(live: Path) -> None:
    """A restore that was killed between its steps 1 and 4 left a second name of the store that is still live."""
    for backup in replaced(live):
        has_journal = any(backup.path.with_name(backup.path.name + ending).exists() for ending in _COMPANIONS)
        if live.exists() and backup.path.samefile(live) and not has_journal:
            backup.path.unlink()


def _remove(path: Path) -> None:
    for ending in ("", *_COMPANIONS):
        path.with_name(path.name + ending).unlink(missing_ok=True)


def to_disk(path: Path) -> None:
    """What was written into a file, or which names stand in a folder, outlives a power cut from here on."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
