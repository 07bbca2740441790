"""var/gateway.db: the little that all processes of the gateway know together, for minutes.

Nothing of it has to outlive a power cut, and nobody is kept out because the file cannot be had: that is said in the
log, once a process.
"""

import hashlib
import hmac
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import TypeVar

from integrator.database import is_damage

T = TypeVar("T")
_PATIENCE_S = 0.5
_TABLES = (
    "CREATE TABLE IF NOT EXISTS callers (who BLOB PRIMARY KEY, free_at REAL NOT NULL) STRICT, WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS callers_free_at ON callers (free_at)",
    "CREATE TABLE IF NOT EXISTS lines (kind TEXT PRIMARY KEY, since REAL NOT NULL, told INTEGER NOT NULL,"
    " untold INTEGER NOT NULL) STRICT, WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS signatures"
    " (mark BLOB PRIMARY KEY, reference TEXT NOT NULL, at REAL NOT NULL) STRICT, WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS signatures_at ON signatures (at)",
)


class Scratch:
    """The file. secret keys the hashes in it; note is told what is wrong with it.

    Safe to use from many threads and processes.
    """

    def __init__(self, path: Path, *, secret: bytes, note: Callable[[str], None]) -> None:
        self._path = path
        self._secret = secret
        self._note = note

    def hash(self, text: str) -> bytes:
        return hmac.new(self._secret, text.encode("utf-8", "surrogatepass"), hashlib.sha256).digest()[:16]

    def do(self, work: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        """What work gives back on the open file; otherwise: it cannot be had. A damaged one is made anew next time."""
        try:
            with closing(self._connect()) as conn:
                return work(conn)
        except sqlite3.Error as error:
            self._note(f"gateway.db: {getattr(error, 'sqlite_errorname', type(error).__name__)}")
            if is_damage(error):
                with suppress(OSError):
                    self._path.unlink(missing_ok=True)
        except OSError as error:  # a full disk, a folder that is another user's
            self._note(f"gateway.db: {type(error).__name__}")
        return otherwise

    def _connect(self) -> sqlite3.Connection:
        if not self._path.exists():
            with suppress(FileExistsError):
                os.close(os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        conn = sqlite3.connect(self._path, isolation_level=None, timeout=_PATIENCE_S)
        try:
            conn.execute("PRAGMA synchronous = OFF")
            conn.execute("PRAGMA journal_mode = TRUNCATE")
            for table in _TABLES:  # where they are there, nothing is written
                conn.execute(table)
        except BaseException:
            conn.close()
            raise
        return conn
