"""The store for those who only look: nothing is created, migrated, locked or written."""

from pathlib import Path

from integrator.database import Database, connect
from integrator.errors import StoreDamaged, Unavailable
from integrator.store import migrations


def open_to_read(path: Path, *, patience_s: float | None = None) -> Database | None:
    """Open the store for reading; None when no job has made one yet.

    Shape   patience_s: as database.connect
    Errors  ConfigError: readable by others; StoreDamaged: damaged, or of a newer version; Unavailable: of an older one
    """
    if not path.exists():
        return None
    db = connect(path, patience_s=patience_s)
    try:
        db.conn.execute("PRAGMA query_only = 1")
        if _is_ready(db):
            return db
    except BaseException:
        db.close()
        raise
    db.close()
    return None


def _is_ready(db: Database) -> bool:
    version, known = migrations.version(db), len(migrations.STEPS)
    if version > known:
        raise StoreDamaged(
            f"store: {db.path}: was written by a newer version (schema {version}, known {known}); nothing was touched",
            hint="install that version again, or restore an older backup",
        )
    if 0 < version < known:
        raise Unavailable(
            f"store: {db.path}: is of an older version (schema {version}, this program has {known})",
            hint="the next job brings it up to date, such as: integrator store backup",
        )
    return version > 0
