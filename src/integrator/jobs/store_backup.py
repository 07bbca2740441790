"""store-backup: a verified copy of the store → var/backups; copies past their retention go.

Reads   store      as it is at one moment, while others write
Keeps   backups    integrator-TIME.db; at least the newest three, whatever their age
Guard   a copy that SQLite does not find sound gets no name and replaces nothing
"""

from pathlib import Path

from integrator.runtime.run import Run
from integrator.store import backup


def store_backup(run: Run, *, folder: Path, days: int) -> None:
    """Make a backup, then delete those older than `days`, and what restores kept beside the store for as long."""
    # keep
    made = backup.make(run.db, folder, at=run.clock())
    # decide
    old = backup.expired(backup.found(folder), now=run.at, days=days)
    old += backup.expired(backup.replaced(run.db.path), now=run.at, days=days, keep=0)
    for past in old:
        backup.remove(past)
    backup.sweep(folder, now=run.at)
    run.count(
        backups__made=1,
        backups__kilobytes=-(-made.stat().st_size // 1000),
        backups__deleted=len(old),
        backups__there=len(backup.found(folder)),
    )
