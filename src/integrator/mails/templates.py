"""The environment templates live in: two folders, a sandbox, a limit on size, and errors with file and line.

Imports Jinja2 at its top: import this module late.
"""

import re
import traceback
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment

from integrator.errors import Problem, Stopped
from integrator.mails import texttable, words
from integrator.mails.facts import Course, Language

_NAME = re.compile(r"[a-z0-9][a-z0-9-]*(\.[a-z]{2})?\.(txt|html)")
_LARGEST_FILE = 256 * 1024
_LARGEST_MAIL = 2 * 1024 * 1024
_REPR = re.compile(r"'[\w.]*?(\w+) object'")


class Unusable(Exception):
    """A template cannot be used; carries the problem."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


class Folders:
    """Where templates come from: a home's own folder, and per file behind it the shipped one."""

    def __init__(self, own: Path, shipped: Path) -> None:
        self._own = own
        self._shipped = shipped

    def path(self, name: str) -> Path | None:
        """The file of that name; None when no folder has it, or it is no plain name. Errors  Unusable"""
        for folder in (self._own, self._shipped) if _NAME.fullmatch(name) else ():
            try:
                (folder / name).lstat()
            except (FileNotFoundError, NotADirectoryError):
                continue
            except OSError as error:
                raise Unusable(Problem(self.shown(folder / name), f"cannot be read: {error.strerror}")) from None
            return folder / name
        return None

    def shown(self, path: Path) -> str:
        """The path as messages print it: "config/templates/…" in a home, whole for a shipped one."""
        return f"config/templates/{path.name}" if path.parent == self._own else str(path)

    def text(self, path: Path) -> str:
        """A file's text. Errors  Unusable: unreadable, too large, not UTF-8"""
        try:
            with path.open("rb") as file:
                content = file.read(_LARGEST_FILE + 1)
        except OSError as error:
            raise Unusable(Problem(self.shown(path), f"cannot be read: {error.strerror}")) from None
        if len(content) > _LARGEST_FILE:
            raise Unusable(Problem(self.shown(path), f"is larger than {_LARGEST_FILE // 1024} kB"))
        try:
            return content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            raise Unusable(Problem(f"{self.shown(path)}:{line}", "is not UTF-8 text")) from None

    def own_names(self) -> list[str]:
        """The templates a home has of its own."""
        try:
            return sorted(path.name for path in self._own.iterdir() if path.suffix in (".txt", ".html"))
        except OSError:
            return []


class Templates:
    """The templates of one language. used: the files that were read."""

    def __init__(self, folders: Folders, language: Language) -> None:
        self.used: set[str] = set()
        self.folders = folders
        self._environment = ImmutableSandboxedEnvironment(
            loader=jinja2.FunctionLoader(self._load),
            undefined=jinja2.StrictUndefined,
            autoescape=lambda name: name is not None and name.endswith(".html"),
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            cache_size=50,
        )
        self._environment.filters.update(_filters(language))
        del self._environment.filters["safe"]  # what people typed stays escaped, whatever a template says

    def render(self, name: str, values: Mapping[str, Any], *, quote: bool) -> str:
        """Fill in one template.

        quote   the values are invented: what went wrong may be quoted; otherwise only its kind is told
        Errors  Unusable
        """
        try:
            template = self._environment.get_template(name)
            return "".join(_bounded(template.generate(**values)))
        except jinja2.TemplateSyntaxError as error:
            shown = self.folders.shown(Path(error.filename)) if error.filename else self.shown(name)
            raise Unusable(Problem(f"{shown}:{error.lineno}", str(error.message))) from None
        except (Unusable, Stopped):  # a request to end may come at any line, also in a template
            raise
        except jinja2.TemplateNotFound as error:
            raise Unusable(self._missing(error, name, quote=quote)) from None
        except Exception as error:  # noqa: BLE001 (a template is a program of somebody else's)
            what = _said(error) if quote else f"cannot be filled in ({type(error).__name__})"
            raise Unusable(Problem(self._where(error, name), what)) from None

    @property
    def filters(self) -> Collection[str]:
        """What may stand behind a |."""
        return frozenset(self._environment.filters)

    def shown(self, name: str) -> str:
        """The file of a template as messages print it."""
        path = self.folders.path(name)
        return self.folders.shown(path) if path else f"config/templates/{name}"

    def _load(self, name: str) -> tuple[str, str, Callable[[], bool]] | None:
        path = self.folders.path(name)
        if path is None:
            return None
        self.used.add(name)
        return self.folders.text(path), str(path), lambda: True

    def _missing(self, error: jinja2.TemplateNotFound, name: str, *, quote: bool) -> Problem:
        if error.name == name:
            return Problem(f"config/templates/{name}", "the file is missing")
        what = repr(error.name) if quote else "a template"
        return Problem(self._where(error, name), f"uses {what}, which this folder does not have")

    def _where(self, error: Exception, name: str) -> str:
        """The innermost line of a template on the way to the error."""
        for frame in reversed(traceback.extract_tb(error.__traceback__)):
            path = Path(frame.filename)
            if path.suffix in (".txt", ".html"):
                return f"{self.folders.shown(path)}:{frame.lineno}"
        return self.shown(name)


def _bounded(parts: Iterator[str]) -> Iterator[str]:
    size = 0
    for part in parts:
        size += len(part)
        if size > _LARGEST_MAIL:
            raise ValueError(f"would become larger than {_LARGEST_MAIL // 1024 // 1024} MB")
        yield part


def _said(error: Exception) -> str:
    return _REPR.sub(lambda found: found[1].lower(), str(error)) or type(error).__name__


def _filters(language: Language) -> dict[str, Callable[..., Any]]:
    """What a template may write behind a |, documented in config/templates/README.md."""

    def place(session: Any, course: Course) -> str:
        return words.place(session, course)

    return {
        "day": partial(words.day, language=language),
        "session": partial(words.session, language=language),
        "times": partial(words.times, language=language),
        "when": partial(words.when, language=language),
        "instant": partial(words.instant, language=language),
        "money": partial(words.money, language=language),
        "place": place,
        "address": words.address,
        "table": partial(texttable.people, language=language),
    }
