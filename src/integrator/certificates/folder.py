"""The folder a template lives in, as a template may see it: plain files, copied; no link leads out of it."""

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from integrator.errors import Problem

_LARGEST = 20_000_000  # bytes, all files together
_MOST = 500
NO_PACKAGES = "uses a package: it would be fetched from the network, and nothing is; copy it beside the template"
_FONTS = (".ttf", ".otf", ".ttc")
_KINDS = {".typ", ".png", ".jpg", ".jpeg", ".gif", ".webp", ".svg", ".pdf", ".json", ".csv", ".toml", ".yaml", ".yml"}
_USED = {*_KINDS, *_FONTS, ".txt"}
_PACKAGE = re.compile(rb"[\"']@[A-Za-z][\w-]*/[\w-]+:")


class Unusable(Exception):
    """A template cannot be used; carries the problem."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


class TooSlow(Unusable):
    """It took longer than it may: of the template, or of a machine that has much else to do."""


class Folder:
    """One folder of templates. shown: how messages name it."""

    def __init__(self, path: Path, shown: str) -> None:
        self.path = path
        self.shown = shown

    def has(self, name: str) -> bool:
        """Whether there is something of that name, also what cannot be used: nothing else is taken in its place."""
        return os.path.lexists(self.path / name)

    def has_fonts(self) -> bool:
        return any(path.suffix.lower() in _FONTS for path, _ in self._files())

    def copy_to(self, target: Path, template: str) -> None:
        """Copy the files a template may use.

        Errors  Unusable: the template is a link, there is too much, something is unreadable, or a package is asked for
        """
        if not self._is_plain(self.path / template):
            raise Unusable(Problem(f"{self.shown}/{template}", "is not a plain file"))
        total = 0
        for number, (path, size) in enumerate(self._files(), 1):
            total += size
            if total > _LARGEST or number > _MOST:
                what = f"holds more than {_LARGEST // 1_000_000} MB or {_MOST} files"
                raise Unusable(Problem(self.shown, f"{what}: put what certificates do not need elsewhere"))
            self._copy(path, target)

    def _copy(self, path: Path, target: Path) -> None:
        relative = path.relative_to(self.path)
        try:
            content = _read(path)
        except OSError as error:
            raise Unusable(Problem(f"{self.shown}/{relative}", f"cannot be read: {error.strerror}")) from None
        if path.suffix == ".typ":
            self._refuse_packages(content, relative)
        (target / relative).parent.mkdir(parents=True, exist_ok=True)
        (target / relative).write_bytes(content)

    def _refuse_packages(self, content: bytes, relative: Path) -> None:
        for number, line in enumerate(content.split(b"\n"), 1):
            if _PACKAGE.search(line) and not line.lstrip().startswith(b"//"):
                raise Unusable(Problem(f"{self.shown}/{relative}:{number}", NO_PACKAGES))

    def _files(self) -> Iterator[tuple[Path, int]]:
        for parent, folders, names in os.walk(self.path, followlinks=False):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(names):
                path = Path(parent) / name
                if path.suffix.lower() in _USED and not name.startswith(".") and self._is_plain(path):
                    yield path, path.lstat().st_size

    def _is_plain(self, path: Path) -> bool:
        try:
            return stat.S_ISREG(path.lstat().st_mode)
        except OSError:
            return False


def _read(path: Path) -> bytes:
    """A file that is no link, and is the one that was looked at."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        return file.read(_LARGEST + 1)
