"""Whether a home had a store: by its signs, so that none is made in the place of one that is lost.

A new one counts orders from the beginning. Maconomy knows their numbers already, seats would be sold twice, and posts
that are on the site be made again.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from integrator.errors import StoreDamaged
from integrator.home import Home

_LOCK = "store.lock"
_JOURNAL = ("erasures", "erasures.key")
_RUN = re.compile(b'"run":[0-9]')


def may_make_store(home: Home, store: Path) -> bool:
    """Whether there is no store, and this home never had one. Cheap where there is one.

    Errors  StoreDamaged: it is gone, or was emptied
    """
    if _size(store):
        return False
    found = list(signs(home, store))
    size = _size(store)  # asked again: whoever has made it meanwhile left signs
    if size:
        return False
    if size == 0:
        found = [sign for sign in found if sign.name != _LOCK]  # held by who makes it now
    if found:
        raise _lost(home, store, "is gone" if size is None else "is empty")
    return size is None


def signs(home: Home, store: Path) -> Iterator[Path]:
    """What lies in a home only when it had a store. The file of its lock is made after it, and never deleted."""
    yield from home.locks.glob(_LOCK)
    yield from home.backups.glob("*.db")
    yield from (path for name in _JOURNAL if (path := home.var / name).exists())
    yield from store.parent.glob(f"{store.name}.replaced-*")
    yield from (path for path in home.log.glob("integrator.log*") if _tells_of_runs(path))


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except (FileNotFoundError, NotADirectoryError):
        return None


def _tells_of_runs(log: Path) -> bool:
    try:
        with log.open("rb") as file:
            return any(_RUN.search(line) for line in file)
    except OSError:  # a folder of that name, a file of another user: it tells nothing
        return False


def _lost(home: Home, store: Path, how: str) -> StoreDamaged:
    backups = sorted(home.backups.glob("*.db"), key=lambda path: path.name.rpartition("-")[2])  # the time in a name
    here = f"; {len(backups)} backup(s) lie in {home.backups}" if backups else ""
    file = backups[-1].name if backups else "FILE"
    return StoreDamaged(
        f"store: {store}: {how}, and this home had one{here}; nothing was touched",
        hint=f"mount its disk, or: integrator store restore {file}   (if it shall begin anew: integrator store new)",
    )
