"""What operator's commands begin with: the settings, the time, and the store to look at or to write to."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from integrator.errors import NotFound

if TYPE_CHECKING:
    from integrator.database import Database
    from integrator.settings import Settings


def settings() -> "Settings":
    """The home's settings, without any secret. Errors  ConfigError"""
    from integrator.home import need_home
    from integrator.settings import load_settings

    return load_settings(need_home(os.environ), os.environ, needs=())


def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


@contextmanager
def reading(found: "Settings") -> Iterator["Database | None"]:
    """The store for looking; None when there is none yet."""
    from integrator.home import refuse_empty_store
    from integrator.store.reading import open_to_read

    refuse_empty_store(found.home, found.store.path)
    db = open_to_read(found.store.path)
    try:
        yield db
    finally:
        if db is not None:
            db.close()


@contextmanager
def writing(found: "Settings", *, make: bool = False) -> Iterator["Database"]:
    """The store for a change by hand. Jobs may run beside it; a restore may not, so its lock is held.

    make    one that is not there yet is made
    Errors  NotFound: there is no store yet
    """
    from integrator.home import make_var, refuse_empty_store
    from integrator.runtime import lock
    from integrator.store import open_store

    if not make and not found.store.path.exists():
        raise NotFound(f"store: there is none yet in {found.store.path.parent}: no job has run")
    make_var(found.home, found.store.path)
    refuse_empty_store(found.home, found.store.path)
    with lock.wait_for(found.home.locks, "store"):
        db = open_store(found.store.path, backups=found.home.backups).db
        try:
            yield db
        finally:
            db.close()
