"""What the store remembered before a recorded run and a replay cannot do without: hashes and ids, nobody's data.

Without it a replay at another desk would send again what the site had only stored in other words.
"""

import sqlite3
from pathlib import Path
from typing import Any

from integrator.database import connect
from integrator.errors import UsageError
from integrator.store import open_store

# table → its columns. Nothing personal may stand here: the rows travel as they are.
_CARRIED = {"posts": ("kind", "key", "post_id", "cleaned", "asked", "unpublished_at", "changed_at")}

Rows = dict[str, list[list[Any]]]


def remembered(store: Path) -> Rows:
    """The carried tables as they are now; nothing when there is no store yet."""
    if not store.is_file():
        return {}
    db = connect(store)
    try:
        found: Rows = {}
        for table, columns in _CARRIED.items():
            if db.value("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (table,)):
                sql = f"SELECT {', '.join(columns)} FROM {table} ORDER BY kind, key"  # noqa: S608 (constants)
                found[table] = [list(row) for row in db.all(sql)]
        return found
    finally:
        db.close()


def put_back(rows: Any, store: Path, *, backups: Path, source: Path) -> None:
    """Make the store of a replay remember what the recorded run could.

    Errors  UsageError: the rows are not of our making
    """
    opened = open_store(store, backups=backups)
    try:
        with opened.db.tx():
            for table, columns in _CARRIED.items():
                if table not in rows:
                    continue
                marks = ", ".join("?" * len(columns))
                opened.db.write(f"DELETE FROM {table}")  # noqa: S608 (constants)
                for row in rows[table]:
                    insert = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608 (constants)
                    opened.db.write(insert, row)
    except (sqlite3.Error, TypeError):
        raise UsageError(f"--replay {source}: is no recording of ours: metadata.remembered does not fit") from None
    finally:
        opened.db.close()
