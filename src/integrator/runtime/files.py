"""Files that somebody may read at any moment: each appears whole, or stays as it was."""

import os
from contextlib import suppress
from pathlib import Path


def replace(path: Path, content: bytes, *, at: float | None = None) -> None:
    """Put a file there for its owner alone, in the place of the one before; it is on the disk before it has its name.

    at      the time that it bears, epoch seconds; None: now
    Errors  OSError, with the file's name: a disk that is full tells none by itself
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        _write(draft, content, at)
        draft.rename(path)
    except BaseException as error:  # a full disk, a stop: what is half written is nobody's
        with suppress(OSError):
            draft.unlink()
        if isinstance(error, OSError) and error.filename is None:
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise


def _write(draft: Path, content: bytes, at: float | None) -> None:
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(descriptor)
    if at is not None:
        os.utime(draft, (at, at))
