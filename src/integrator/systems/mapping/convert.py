"""What every converter shares: how it says no, how it says "yes, but", and the table of all types."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

# Part of a mapping's fingerprint: raise it whenever a converter gives another result for the same value.
CONVERTERS_VERSION = 1

WORD_LIMIT = 40
DIGITS_LIMIT = 6

Converter = Callable[[Any], Any]


class BadValue(Exception):
    """A value nobody can read. code is stable; field is filled in on the way out. The value itself stays behind."""

    def __init__(self, code: str, field: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.field = field


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


def shown(raw: object, *, limit: int = WORD_LIMIT) -> str:
    """A foreign word as remarks may show it, "" when it may be more than a word.

    Whoever fills a field by hand writes addresses and phone numbers anywhere: a long text, one with an @ and one
    with many digits is never repeated.
    """
    if not isinstance(raw, str):
        return ""
    text = "".join(char if char.isprintable() else " " for char in raw)
    fits = len(text) <= limit and "@" not in text and "＠" not in text
    return text if fits and sum(char.isdigit() for char in text) < DIGITS_LIMIT else ""
