"""The one way to our SQLite file: how it is opened, and how more than one row is written.

The journal is TRUNCATE with synchronous FULL, not WAL: SQLite 3.7.0 to 3.51.2 can corrupt a WAL
database when two processes write or checkpoint at the same moment, and cron starts many.
"""

import errno
import os
import re
import sqlite3
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from integrator.errors import ConfigError, IntegratorError, Problem, StoreDamaged, Unavailable
from integrator.home import way_out

if TYPE_CHECKING:
    import sqlite_utils

BUSY_TIMEOUT_S = 30
REPLACED = "replaced"  # code of a write that began before a restore
_PRAGMAS = {
    "journal_mode": "truncate",
    "synchronous": 2,  # FULL
    "foreign_keys": 1,
    "secure_delete": 1,  # ON; FAST (2) leaves traces of deleted rows
    "temp_store": 2,  # MEMORY: VACUUM's copy must not lie in /var/tmp
    "trusted_schema": 0,
}
_NETWORK_FILE_SYSTEMS = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "glusterfs", "ceph"}


class Database:
    """One connection. Reads fetch everything at once: an open cursor would block other processes' commits."""

    def __init__(self, conn: sqlite3.Connection, path: Path) -> None:
        self.conn = conn
        self.path = path

    @contextmanager
    def tx(self) -> Iterator[None]:
        """The only way to write more than one row: BEGIN IMMEDIATE … COMMIT, or nothing at all."""
        conn = self.conn
        if conn.in_transaction:
            raise RuntimeError("nested tx: use savepoints inside one transaction")
        try:
            conn.execute("BEGIN IMMEDIATE")  # inside: a stop signal right behind it must not leave it open
            yield
            conn.execute("COMMIT")
        finally:
            if _is_open(conn):  # it failed, and SQLite has not rolled back by itself (as SQLITE_FULL does)
                conn.execute("ROLLBACK")

    def abandon(self) -> None:
        """Undo a transaction that was left open: a stop signal can end a story between any two steps."""
        if _is_open(self.conn):
            self.conn.execute("ROLLBACK")

    def all(self, sql: str, parameters: Sequence[Any] | dict[str, Any] = ()) -> list[sqlite3.Row]:
        """Every row of a query, fetched."""
        return self.conn.execute(sql, parameters).fetchall()

    def one(self, sql: str, parameters: Sequence[Any] | dict[str, Any] = ()) -> sqlite3.Row | None:
        """The first row of a query, or None."""
        rows = self.all(sql, parameters)
        return rows[0] if rows else None

    def value(self, sql: str, parameters: Sequence[Any] | dict[str, Any] = ()) -> Any:
        """The first column of the first row, or None."""
        row = self.one(sql, parameters)
        return row[0] if row else None

    def write(self, sql: str, parameters: Sequence[Any] | dict[str, Any] = ()) -> int:
        """One writing statement (a transaction of its own outside tx); gives back the rows it changed."""
        return self.conn.execute(sql, parameters).rowcount

    def write_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """The same statement for many rows; only inside tx()."""
        if not self.conn.in_transaction:
            raise RuntimeError("write_many outside tx")
        self.conn.executemany(sql, rows)

    def utils(self) -> "sqlite_utils.Database":
        """sqlite-utils on this connection (0.1 s to import: for migrations and the operator's commands only)."""
        import sqlite_utils

        # It silently prefers pysqlite3 or sqlean: another SQLite on the same file drops our locks.
        if vars(sqlite_utils.utils)["sqlite3"].__name__ != "sqlite3":
            raise ConfigError(
                [Problem("python", "uninstall pysqlite3 and sqlean: two SQLite libraries share the store")]
            )
        return sqlite_utils.Database(self.conn)

    def close(self) -> None:
        self.conn.close()


def _is_open(conn: sqlite3.Connection) -> bool:
    return conn.in_transaction


def connect(path: Path, *, make: bool = True, patience_s: float | None = None) -> Database:
    """Open the database file, making it (0600, in a 0700 folder) when it is not there.

    make        False: one that is not there is missed
    patience_s  how long it waits for whoever holds it; None: BUSY_TIMEOUT_S
    Errors      ConfigError: readable by others, network file system; StoreDamaged: not a database, unwritable, missed
    """
    if not make and not path.exists():
        raise missing(path)
    _make_private(path)
    try:
        return Database(_open(path, patience_s), path)
    except sqlite3.Error as error:
        raise sqlite_error(error, path) from error


def missing(path: Path) -> StoreDamaged:
    """The error for a store that is not there, in a home that had one."""
    return StoreDamaged(
        f"store: {path}: is missing, and this home had one; nothing was touched",
        hint="is its disk mounted? Else: integrator store list, then: integrator store restore BACKUP",
    )


def bare(path: Path, *, read_only: bool = False, timeout_s: float | None = None) -> sqlite3.Connection:
    """A connection without our settings: for a copy in the making, and for a file that must not be touched."""
    where = f"{path.absolute().as_uri()}?mode=ro" if read_only else str(path)
    patience_s = BUSY_TIMEOUT_S if timeout_s is None else timeout_s
    conn = sqlite3.connect(where, uri=read_only, isolation_level=None, timeout=patience_s)  # no hidden transactions
    conn.row_factory = sqlite3.Row
    return conn


def _open(path: Path, patience_s: float | None) -> sqlite3.Connection:
    conn = bare(path, timeout_s=patience_s)
    try:
        _set_up(conn)
    except BaseException:
        conn.close()
        raise
    return conn


def _set_up(conn: sqlite3.Connection) -> None:
    for name, wanted in _PRAGMAS.items():
        conn.execute(f"PRAGMA {name} = {wanted}")
    for name, wanted in _PRAGMAS.items():
        got = conn.execute(f"PRAGMA {name}").fetchone()[0]
        if got != wanted:
            raise sqlite3.OperationalError(f"PRAGMA {name} is {got}, wanted {wanted}")


def _make_private(path: Path) -> None:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError as error:  # also: its folder is a file, it is a link to nowhere
        said = f"store: {path}: cannot be created: {error.strerror}; nothing was sent"
        raise StoreDamaged(said, hint=way_out(error.errno, path.parent)) from error
    if file_system := network_file_system(path):
        raise ConfigError([Problem(str(path), f"lies on {file_system}: file locks are not to be trusted there")])
    if mode & 0o077:
        raise ConfigError([Problem(str(path), f"is readable by others: type  chmod 600 {path}")])


def network_file_system(path: Path) -> str | None:
    """The type of a network file system that holds the path, or None."""
    try:
        mounts = Path("/proc/self/mounts").read_text(encoding="utf-8", errors="surrogateescape").split("\n")
    except OSError:
        return None
    best = ("", "")
    real = str(path.resolve())
    for line in mounts:
        _, escaped, kind, *_ = [*line.split(" "), "", "", ""]
        point = re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), escaped)  # a blank stands there as \040
        if (real == point or real.startswith(point.rstrip("/") + "/")) and len(point) >= len(best[0]):
            best = (point, kind)
    return best[1] if best[1] in _NETWORK_FILE_SYSTEMS else None


def is_damage(error: BaseException) -> bool:
    """Whether SQLite found the file itself broken: then nothing more may be written to it."""
    return isinstance(error, sqlite3.Error) and _code(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _code(error: sqlite3.Error) -> int:
    return (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF


def sqlite_error(error: sqlite3.Error, path: Path | None = None) -> IntegratorError:
    """SQLite's error in the operator's words. One that is our own mistake (bad SQL, a broken rule) is raised again."""
    code = _code(error)
    where = f"store: {path}" if path else "store"
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return Unavailable(
            f"{where}: another process held it for {BUSY_TIMEOUT_S} s; nothing was lost, try again later"
        )
    if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_READONLY_DBMOVED:
        return Unavailable(f"{where}: another took its place meanwhile; nothing was changed, try again", code=REPLACED)
    if is_damage(error):
        return StoreDamaged(f"{where}: is damaged; nothing more was touched", hint="integrator store restore BACKUP")
    if code == sqlite3.SQLITE_FULL:
        said = f"{where}: the disk is full; the change was rolled back, nothing was sent without its row"
        return StoreDamaged(said, hint=way_out(errno.ENOSPC))
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        said = f"{where}: cannot be read or written ({getattr(error, 'sqlite_errorname', error)})"
        return StoreDamaged(said, hint="is its disk mounted read-only, full or broken? integrator check, and: dmesg")
    raise error
