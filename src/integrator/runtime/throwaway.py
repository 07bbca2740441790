"""Folders that last as long as their run: copies of the store lie in them, and a killed run must not leave those.

A run holds a lock on its folder. The kernel frees it with the process, so whoever can take it may delete the folder.
"""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PREFIXES = ("dry-run-", "replay-")


@contextmanager
def folder(prefix: str, parent: Path | None) -> Iterator[Path]:
    """A new folder (0700) of one of PREFIXES, gone with everything in it at the end of the block."""
    import shutil
    import tempfile

    while True:
        path = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
        if (descriptor := _locked(path, fcntl.LOCK_EX)) is not None:
            break
        if path.exists():
            raise OSError(errno.ENOLCK, "folders cannot be locked", str(path))
        # else a sweep was faster, and has deleted it
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        os.close(descriptor)


def sweep(parent: Path) -> int:
    """Delete the folders of runs that were killed. Gives back how many."""
    swept = 0
    for path in (found for prefix in PREFIXES for found in parent.glob(f"{prefix}*")):
        descriptor = _locked(path, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if descriptor is not None:
            import shutil

            shutil.rmtree(path, ignore_errors=True)
            os.close(descriptor)
            swept += 1
    return swept


def _locked(path: Path, operation: int) -> int | None:
    """A descriptor that holds the lock; None when another has it, or when the folder is gone."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, operation)
        if os.path.samestat(os.fstat(descriptor), os.stat(path)):
            return descriptor
    except OSError:  # BlockingIOError: its run lives; FileNotFoundError: it has just gone
        pass
    os.close(descriptor)
    return None
