"""Our SQLite store: one file per home, opened in one way, migrated before anything else happens."""

import os
import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass
from pathlib import Path

from integrator.database import Database, connect, sqlite_error
from integrator.errors import StoreDamaged
from integrator.store import backup, migrations, numbers

DAY_S = 86_400
WEEK_S = 7 * DAY_S


@dataclass(frozen=True)
class Opened:
    """An open store; created tells whether this start made it (and so needs no check)."""

    db: Database
    created: bool


def open_store(
    path: Path,
    *,
    backups: Path,
    guard: Callable[[], AbstractContextManager[None]] = nullcontext,
    make: bool = True,
    patience_s: float | None = None,
) -> Opened:
    """Open the store, and make or migrate it when needed; guard keeps other processes from doing so meanwhile.

    Shape   make, patience_s: as database.connect
    Errors  ConfigError, StoreDamaged, Unavailable
    """
    db = connect(path, make=make, patience_s=patience_s)
    try:
        created = migrations.version(db) == 0
        if not migrations.is_current(db):
            with guard():
                migrations.migrate(db, backup=lambda: backup.make(db, backups, stem="before-migration"))
        return Opened(db, created)
    except sqlite3.Error as error:
        db.close()
        raise sqlite_error(error, path) from error
    except BaseException:
        db.close()
        raise


def begin_anew(path: Path, *, first_order: int) -> None:
    """Make an empty store whose orders begin with this number: whole, or not at all. The caller holds every lock.

    Errors  ConfigError, StoreDamaged
    """
    draft = path.with_name(f".{path.name}.new")
    beside = draft.with_name(f"{draft.name}-journal")
    draft.unlink(missing_ok=True)  # a killed one's
    beside.unlink(missing_ok=True)
    with closing(connect(draft)) as db:
        migrations.migrate(db, backup=lambda: None)
        numbers.go_on_from(db, first_order - 1)
    beside.unlink(missing_ok=True)
    path.with_name(f"{path.name}-journal").unlink(missing_ok=True)  # of the lost one: it would be applied to this one
    os.rename(draft, path)
    backup.to_disk(path.parent)


def check(db: Database, *, kind: str) -> None:
    """Ask SQLite whether the file is sound: "quick", or "full" with foreign keys and all indexes.

    Errors  StoreDamaged
    """
    pragma = "quick_check" if kind == "quick" else "integrity_check"
    found = [row[0] for row in db.all(f"PRAGMA {pragma}(3)") if row[0] != "ok"]
    if kind == "full" and db.all("PRAGMA foreign_key_check"):
        found.append("rows that point to nothing")
    if found:
        raise StoreDamaged(
            f"store: {db.path}: is damaged ({'; '.join(found[:3])}); nothing was touched",
            hint="integrator store list, then: integrator store restore BACKUP",
        )
