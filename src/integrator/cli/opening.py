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
    """The store for looking; None when there is none yet. Errors  StoreDamaged: also when it is gone"""
    from integrator.signs import may_make_store
    from integrator.store.reading import open_to_read

    may_make_store(found.home, found.store.path)
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
    Errors  NotFound: there is no store yet; StoreDamaged: it is gone
    """
    from functools import partial

    from integrator.home import make_var
    from integrator.runtime import lock
    from integrator.signs import may_make_store
    from integrator.store import open_store

    home, path = found.home, found.store.path
    is_new = may_make_store(home, path)
    if is_new and not make:
        raise NotFound(f"store: there is none yet in {path.parent}: no job has run")
    make_var(home, path)
    if is_new:  # before the file of its lock, which is a sign of it
        open_store(path, backups=home.backups, guard=partial(lock.wait_for, home.locks, "store")).db.close()
    with lock.wait_for(home.locks, "store"):
        db = open_store(path, backups=home.backups, make=False).db
        try:
            yield db
        finally:
            db.close()
