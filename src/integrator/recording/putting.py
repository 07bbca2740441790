"""Rows of a recording into the store of a replay: all of them, or none and one clear message."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from integrator.database import Database
from integrator.errors import IntegratorError, UsageError
from integrator.store import open_store


@contextmanager
def putting_back(store: Path, *, backups: Path, source: Path, part: str) -> Iterator[Database]:
    """The store, in one transaction. part: where the rows stand in the recording's metadata.

    Errors  UsageError: the rows are not of our making
    """
    opened = open_store(store, backups=backups)
    try:
        with opened.db.tx():
            yield opened.db
    except (sqlite3.Error, IntegratorError, msgspec.MsgspecError, TypeError, KeyError, AttributeError, ValueError):
        raise UsageError(f"--replay {source}: is no recording of ours: metadata.{part} does not fit") from None
    finally:
        opened.db.close()
