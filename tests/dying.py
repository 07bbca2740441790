"""A command whose process, or whose disk, gives up at one statement of its store.

python tests/dying.py HOW STEPS COMMAND…      STEPS: parts of statements, with | between them

The steps are met one after the other. At the last one it happens:

    kill-before, kill-after    the process is gone, by SIGKILL: nothing of it runs on
    full, io, read-only        the statement fails as SQLite says it, and so does every writing one after it
"""

import os
import signal
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, ClassVar
from unittest.mock import patch

_DISK = ("BEGIN", "INSERT", "UPDATE", "DELETE", "COMMIT")


class Dying(sqlite3.Connection):
    """A connection that counts steps. One per process is enough: they are the class's."""

    how = ""
    steps: ClassVar[list[str]] = []
    over = False

    def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
        if self.over and sql.startswith(_DISK):
            self._fail()
        if not self.steps or self.steps[0] not in sql:
            return super().execute(sql, *parameters)
        self.steps.pop(0)
        if self.steps:
            return super().execute(sql, *parameters)
        if self.how == "kill-after":
            super().execute(sql, *parameters)
        if self.how.startswith("kill"):
            os.kill(os.getpid(), signal.SIGKILL)
        Dying.over = True
        return self._fail()

    def _fail(self) -> sqlite3.Cursor:
        if self.how == "full":  # SQLite's own, which has rolled back by itself
            super().execute(f"PRAGMA max_page_count = {super().execute('PRAGMA page_count').fetchone()[0]}")
            return super().execute("CREATE TABLE filler AS SELECT zeroblob(10000000)")
        if self.how == "read-only":
            super().execute("PRAGMA query_only = ON")
            return super().execute("UPDATE counters SET value = value")
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorcode, error.sqlite_errorname = sqlite3.SQLITE_IOERR_WRITE, "SQLITE_IOERR_WRITE"
        raise error


@contextmanager
def failing(how: str, steps: list[str]) -> Iterator[None]:
    """Every store opened meanwhile fails at the last step."""
    Dying.how, Dying.steps, Dying.over = how, list(steps), False
    with patch("integrator.database.sqlite3.connect", partial(sqlite3.connect, factory=Dying)):
        yield


def main() -> None:
    how, steps, *command = sys.argv[1:]
    sys.argv = ["integrator", *command]
    from integrator.cli import main as command_line

    with failing(how, steps.split("|")):
        command_line()


if __name__ == "__main__":
    main()
