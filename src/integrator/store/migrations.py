"""Takes the steps of schema.py, in one transaction under the store's lock; user_version says how far a file is."""

from collections.abc import Callable
from pathlib import Path

from integrator.database import Database
from integrator.errors import StoreDamaged
from integrator.store.schema import STEPS, TABLES

__all__ = ["STEPS", "TABLES", "is_current", "migrate", "version"]


def version(db: Database) -> int:
    """How many steps this file has taken."""
    return int(db.value("PRAGMA user_version"))


def is_current(db: Database) -> bool:
    """Whether every step is taken, and none we do not know."""
    return version(db) == len(STEPS)


def migrate(db: Database, *, backup: Callable[[], Path | None]) -> bool:
    """Take the steps that are missing, all or none; back the file up first. Gives back whether there were any.

    Errors  StoreDamaged: the file is newer than this program, or its tables are not ours
    """
    if is_current(db):
        return False
    _refuse_newer(db)
    if version(db):
        backup()
    with db.tx():
        _refuse_newer(db)  # read again: another process may have been faster
        utils = db.utils()
        for step in STEPS[version(db) :]:
            step(utils)
        db.write(f"PRAGMA user_version = {len(STEPS)}")
        if TABLES - set(utils.table_names()):
            raise StoreDamaged("store: tables are missing after the migration; nothing was kept of it")
    return True


def _refuse_newer(db: Database) -> None:
    if version(db) > len(STEPS):
        raise StoreDamaged(
            f"store: {db.path}: was written by a newer version (schema {version(db)}, known {len(STEPS)});"
            " nothing was touched",
            hint="install that version again, or restore an older backup",
        )
