"""Make text from outside harmless for one line of a mail: no control characters, no turned writing direction."""

import re
import unicodedata
from typing import Any

_BLANKS = re.compile(r"\s+")
_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")  # with their full-width twins
_MOST_IN_A_CELL = 32_000  # Excel's limit is 32,767
# They would let "exe.fdp" read as "pdf.exe" and reach beyond the value they came with.
_DIRECTION = frozenset(map(chr, (*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C, 0xFEFF)))


def clean(text: str) -> str:
    """One line of plain text: white space of every kind becomes single blanks, the rest that is invisible goes."""
    one_line = _BLANKS.sub(" ", text)
    return _BLANKS.sub(" ", "".join(_harmless(character) for character in one_line)).strip()


def _harmless(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Cs":  # half a surrogate pair cannot be sent
        return "\N{REPLACEMENT CHARACTER}"
    return "" if category == "Cc" or character in _DIRECTION else character


def cleaned(value: Any) -> Any:
    """The same value with every text in it cleaned."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {key: cleaned(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [cleaned(inner) for inner in value]
    return value


def cell(text: str | None) -> str:
    """Text for a cell of a spreadsheet: what a program would take for a formula gets an apostrophe."""
    shown = clean(text or "")[:_MOST_IN_A_CELL]
    return f"'{shown}" if shown.startswith(_FORMULA) else shown


def cut(text: str, most: int) -> str:
    """At most so many characters, the last one an ellipsis when something is missing."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def file_part(text: str) -> str:
    """Text for an ASCII file name."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip(".-")[:60] or "x"
