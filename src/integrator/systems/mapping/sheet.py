"""A mapping file under check: every problem is collected with its line, none stops the reading."""

from typing import Any

from integrator.errors import Problem
from integrator.tomlfile import TomlFile

Keys = tuple[str, ...]

_KINDS: dict[type, str] = {str: "a text", bool: "true or false", int: "a whole number", dict: "a table", list: "a list"}


class Sheet:
    """Typed access to the tables of one file; what is wrong goes to problems."""

    def __init__(self, file: TomlFile) -> None:
        self.file = file
        self.problems: list[Problem] = []

    def problem(self, keys: Keys, what: str, *, beneath: Keys = ()) -> None:
        """beneath leads on to a key the file does write, when it never writes keys itself ([itm.day] for itm)."""
        self.problems.append(self.file.problem((*keys, *beneath), f"{_shown(keys)}: {what}"))

    def known(self, keys: Keys, table: dict[str, Any], allowed: tuple[str, ...]) -> None:
        """Every key that nobody reads is a mistake: it would silently change nothing."""
        for name, value in table.items():
            if name not in allowed:
                beneath = tuple(value)[:1] if isinstance(value, dict) else ()
                self.problem((*keys, name), f"unknown key{suggestion(name, allowed)}", beneath=beneath)

    def get(self, keys: Keys, table: dict[str, Any], name: str, kind: type, default: Any = None) -> Any:
        """table[name] when it is of that kind, else the default; a wrong kind is a problem."""
        value = table.get(name, default)
        if name in table and (not isinstance(value, kind) or (kind is int and isinstance(value, bool))):
            self.problem((*keys, name), f"expected {_KINDS[kind]}, got {value!r}")
            return default
        return value

    def word(self, keys: Keys, table: dict[str, Any], name: str, allowed: tuple[str, ...], default: Any = None) -> Any:
        """A text out of a fixed set."""
        value = self.get(keys, table, name, str, default)
        if value is not None and value not in allowed:
            self.problem((*keys, name), f"unknown {name} {value!r}{suggestion(value, allowed)}")
            return default
        return value

    def at_least(self, keys: Keys, table: dict[str, Any], name: str, least: int, most: int, default: int) -> int:
        """A whole number between two bounds."""
        value: int = self.get(keys, table, name, int, default)
        if not least <= value <= most:
            self.problem((*keys, name), f"expected {least} to {most}, got {value}")
            return default
        return value

    def texts(self, keys: Keys, table: dict[str, Any], name: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        """A list of texts."""
        value = self.get(keys, table, name, list, list(default))
        if not all(isinstance(entry, str) for entry in value):
            self.problem((*keys, name), "expected a list of texts")
            return default
        return tuple(value)

    def tables(self, keys: Keys, table: dict[str, Any], name: str) -> dict[str, dict[str, Any]]:
        """The tables inside a table, such as all of [enum]."""
        found = self.get(keys, table, name, dict, {})
        for inner, value in found.items():
            if not isinstance(value, dict):
                self.problem((*keys, name, inner), f"expected a table, got {value!r}")
        return {inner: value for inner, value in found.items() if isinstance(value, dict)}


def suggestion(name: str, allowed: tuple[str, ...]) -> str:
    """What was probably meant, else what there is."""
    from difflib import get_close_matches

    close = get_close_matches(name.casefold(), allowed, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; there is {', '.join(allowed)}"


def _shown(keys: Keys) -> str:
    """("endpoint", "course", "fields", "days") → [endpoint.course.fields] days."""
    return f"[{'.'.join(keys[:-1])}] {keys[-1]}" if len(keys) > 1 else f"[{keys[0]}]" if keys else "the file"
