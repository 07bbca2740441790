"""Typed text made clean: trimmed, blanks collapsed, in NFC. What cannot be seen is refused, not taken away silently."""

import re
import unicodedata

_SURROGATE = re.compile("[\ud800-\udfff]")
_LINE_END = re.compile("\r\n?")
_INVISIBLE = frozenset({"Cc", "Cf", "Zl", "Zp"})  # controls, format and direction marks, line separators
_HARMLESS = "\t\u200c\u200d"  # a tab is a blank here; joiners are part of some scripts and of many emoji
# Text that is longer by far is not looked through for what might be left of it after trimming.
_SLACK = 2_000


class Wrong(Exception):
    """A value that cannot be taken: the key of a sentence in words.py, and the facts that stand in it."""

    def __init__(self, key: str, **facts: str | int) -> None:
        super().__init__(key)
        self.key = key
        self.facts = facts


def one_line(raw: str, limit: int) -> str:
    """The text on one line, "" when only blanks were typed.

    Errors  Wrong: too_long, bad_encoding, control_characters
    """
    _short(raw, limit + _SLACK, told=limit)
    return _short(" ".join(_visible(raw, "control_characters").split()), limit)


def many_lines(raw: str, limit: int) -> str:
    """The text with its line breaks as \\n, at most one empty line in a row.

    Errors  Wrong: too_long, bad_encoding, control_characters
    """
    _short(raw, limit + _SLACK, told=limit)
    lines = [_visible(line, "control_characters.lines") for line in _LINE_END.sub("\n", raw).split("\n")]
    text = "\n".join(" ".join(line.split()) for line in lines)
    return _short(re.sub("\n{3,}", "\n\n", text).strip(), limit)


def _visible(raw: str, key: str) -> str:
    if _SURROGATE.search(raw):
        raise Wrong("bad_encoding")
    if not raw.isprintable() and any(_is_invisible(char) for char in raw):
        raise Wrong(key)
    return unicodedata.normalize("NFC", raw)


def _is_invisible(char: str) -> bool:
    if char in _HARMLESS:
        return False
    noncharacter = ord(char) & 0xFFFE == 0xFFFE or 0xFDD0 <= ord(char) <= 0xFDEF
    return noncharacter or unicodedata.category(char) in _INVISIBLE


def _short(text: str, limit: int, *, told: int | None = None) -> str:
    if len(text) > limit:
        raise Wrong("too_long", limit=told or limit)
    return text
