"""Read a TOML file and remember on which line each key stands, so that a message can point there."""

import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from integrator.errors import ConfigError, Problem

_TABLE = re.compile(r"^\s*\[\[?\s*(?P<name>[^\]#]+?)\s*\]\]?\s*(#.*)?$")
_KEY = re.compile(
    r"""^\s*(?P<key>(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*)\s*="""
)
_PART = re.compile(r"""[A-Za-z0-9_-]+|"[^"]*"|'[^']*'""")


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in _PART.findall(dotted))


@dataclass(frozen=True)
class TomlFile:
    """One parsed file. shown is the path as messages print it ("config/maconomy.toml")."""

    path: Path
    shown: str
    data: dict[str, Any]
    _lines: dict[tuple[str, ...], int] = field(default_factory=dict, repr=False)

    def line(self, *keys: str) -> int:
        """The line of a key path, or of the nearest table above it; 1 when the file never names it."""
        for length in range(len(keys), 0, -1):
            if keys[:length] in self._lines:
                return self._lines[keys[:length]]
        return 1

    def problem(self, keys: tuple[str, ...], what: str) -> Problem:
        """A problem at that key, with file and line."""
        return Problem(f"{self.shown}:{self.line(*keys)}", what)


def read_toml(path: Path, *, shown: str | None = None) -> TomlFile:
    """Read one TOML file.

    Errors  ConfigError: missing, unreadable, not UTF-8, not TOML (with the parser's line)
    """
    shown = shown or str(path)
    if path.exists() and not path.is_file():
        raise ConfigError([Problem(shown, "is not a file")])
    try:
        text = path.read_bytes().decode("utf-8-sig")  # some editors begin a file with a mark
        data = tomllib.loads(text)
    except FileNotFoundError:
        raise ConfigError([Problem(shown, "the file is missing")]) from None
    except OSError as error:
        raise ConfigError([Problem(shown, f"cannot be read: {error.strerror}")]) from None
    except UnicodeDecodeError:
        raise ConfigError([Problem(shown, "is not UTF-8 text")]) from None
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"line (\d+)", str(error))
        raise ConfigError([Problem(f"{shown}:{line[1]}" if line else shown, f"is not TOML: {error}")]) from None
    return TomlFile(path, shown, data, _find_lines(text))


def _find_lines(text: str) -> dict[tuple[str, ...], int]:
    lines: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _TABLE.match(line):
            table = _parts(header["name"])
            lines.setdefault(table, number)
        elif key := _KEY.match(line):
            lines.setdefault(table + _parts(key["key"]), number)
    return lines
