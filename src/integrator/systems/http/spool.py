"""A large answer goes into a private file, piece by piece."""

import os
from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path

from integrator.errors import StoreDamaged


def spool(pieces: Iterable[bytes], target: Path) -> tuple[int, bytes]:
    """Write the pieces to target, from its beginning, mode 0600; give back size and digest (blake2b, 16 bytes).

    Whatever goes wrong, no half file stays behind.
    Errors  StoreDamaged: the file cannot be written; and what the pieces raise
    """
    try:
        return _written(pieces, target)
    except OSError as error:
        target.unlink(missing_ok=True)
        raise StoreDamaged(f"cannot write {target}: {error.strerror}") from error
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def _written(pieces: Iterable[bytes], target: Path) -> tuple[int, bytes]:
    size = 0
    digest = blake2b(digest_size=16)
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with open(descriptor, "wb") as file:
        os.fchmod(descriptor, 0o600)  # an older file may have had another mode
        for piece in pieces:
            file.write(piece)
            digest.update(piece)
            size += len(piece)
    return size, digest.digest()
