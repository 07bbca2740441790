"""A disk that is mounted read-only, as far as a process that asks the system can see."""

import errno
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest


def read_only_below(mounted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on everything below `mounted` is on such a disk, whose mount point it is."""
    access, statvfs, ismount, mkdir = os.access, os.statvfs, os.path.ismount, Path.mkdir

    def is_below(path: Any) -> bool:
        return mounted in (Path(path), *Path(path).parents)

    def made(path: Path, *how: Any, **more: Any) -> None:
        if is_below(path) and not path.exists():
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))
        mkdir(path, *how, **more)

    def found(path: Any) -> Any:
        there = statvfs(path)
        facts = {name: getattr(there, name) for name in dir(there) if name.startswith("f_")}
        return SimpleNamespace(**(facts | {"f_flag": os.ST_RDONLY})) if is_below(path) else there

    monkeypatch.setattr(os, "access", lambda path, mode: access(path, mode) and not (mode & os.W_OK and is_below(path)))
    monkeypatch.setattr(os, "statvfs", found)
    monkeypatch.setattr(os.path, "ismount", lambda path: Path(path) == mounted or ismount(path))
    monkeypatch.setattr(Path, "mkdir", made)
