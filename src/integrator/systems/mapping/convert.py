"""What every converter shares: how it says no, how it says "yes, but", and the table of all types."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

# Part of a mapping's fingerprint: raise it whenever a converter gives another result for the same value.
CONVERTERS_VERSION = 1

Converter = Callable[[Any], Any]


class BadValue(Exception):
    """A value nobody can read. code is stable; field is filled in on the way out."""

    def __init__(self, code: str, field: str = "", detail: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.field = field
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Soft:
    """A value that was understood only so far: what to use instead, and the code of the note."""

    value: Any
    code: str


WORDS = {
    "bad_bool": "is neither yes nor no",
    "bad_date": "is not a date we can read",
    "bad_email": "is not an address",
    "bad_encoding": "is not UTF-8",
    "bad_enum": "is not a word",
    "bad_html": "is not a text",
    "bad_id": "is not an id",
    "bad_int": "is not a whole number",
    "bad_json": "is not JSON",
    "bad_list": "is not a list of entries",
    "bad_money": "is not an amount we can read",
    "bad_path": "cannot be found with the expression in the mapping",
    "bad_pattern": "does not have the form the mapping asks for",
    "bad_text": "is not a text",
    "bad_time": "is not a time that exists",
    "below_min": "is below the least the mapping allows",
    "duplicate_key": "stands twice in the record",
    "end_before_start": "ends before it starts",
    "missing_field": "is missing",
    "not_an_object": "is not an object",
    "too_long": "is too long",
}


def words(code: str) -> str:
    """The code as the end of a sentence."""
    return WORDS.get(code, code)


def shown(raw: object) -> str:
    """A raw value as messages may show it: one short printable line."""
    if isinstance(raw, (dict, list)):
        return "an object" if isinstance(raw, dict) else "a list"
    text = "".join(char if char.isprintable() else " " for char in str(raw)[:80])
    return text if len(text) <= 40 else text[:39] + "…"
