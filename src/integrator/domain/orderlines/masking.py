"""A refused body as it may be kept for a person: whatever stands behind a user's name or a password is gone.

A body whose every token is sound loses just the values. In any other nobody can tell where a password ends: there
everything behind the first such name goes.
"""

import json
import re
from collections.abc import Iterator

from integrator.domain.orderlines.order import MAX_BYTES

MASK = "***"


def _spelled(word: str) -> str:
    """A pattern for a word in any spelling: its letters as they are or as \\u0070, in UTF-16 with NULs between."""
    letters = (f"(?:{letter}|\\\\{{1,16}}u00(?:{ord(letter):02x}|{ord(letter.upper()):02x}))" for letter in word)
    return r"\x00{0,3}".join(letters)


_WORDS = "|".join(
    _spelled(word) for word in ("username", "passw", "pwd", "brugernavn", "kodeord", "adgangskode")
)  # passw: of password and passwd
_NAME = re.compile(_WORDS, re.IGNORECASE)
_LONGEST_KEY = 60
_KEY = re.compile(f"[A-Za-z_.-]*(?:{_WORDS})[A-Za-z_.-]*", re.IGNORECASE)

_GAP = r"[ \t\r\n]*+"
_STRING = r'"[^"\\\x00-\x1f]*+(?:\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4})[^"\\\x00-\x1f]*+)*+"'
_PLAIN = r"-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?|true|false|null|NaN|-?Infinity"
_TOKEN = re.compile(f"{_GAP}(?:(?P<mark>[][{{}},:])|(?P<string>{_STRING})|(?P<plain>{_PLAIN}))")
_SOUND = re.compile(rf"\ufeff?(?:{_GAP}(?:[][{{}},:]|{_STRING}|{_PLAIN}))*+{_GAP}")
_COLON = re.compile(f"{_GAP}:")
# After a value: the end of the object or of the body, or the next key. Else the value was not over where it seemed so.
_AFTER_VALUE = re.compile(rf"{_GAP}(?:\Z|[]}}]|,{_GAP}(?:\Z|[]}}]|{_STRING}{_GAP}:))")
_AFTER_TEXT = re.compile(rf"{_GAP}(?:\Z|[]}}]|,{_GAP}(?:\Z|[][{{}}\"]))|[ \t\r]*\n{_GAP}[{{\"]")


def masked(raw: bytes) -> bytes:
    """The body with *** for every value behind "username" and "password", however it is quoted, escaped or cut."""
    text = raw[:MAX_BYTES].decode("utf-8", "surrogateescape")
    return _masked(text).encode("utf-8", "surrogateescape")


def _masked(text: str) -> str:
    name = _NAME.search(text)
    if name is None:
        return text
    if not _SOUND.fullmatch(text):
        return text[: name.end()] + MASK
    return "".join(_pieces(text))


def _pieces(text: str) -> Iterator[str]:
    kept = at = 1 if text.startswith("\ufeff") else 0
    yield text[:kept]
    while token := _TOKEN.match(text, at):
        at = token.end()
        written = token["string"]
        if written is None or not _NAME.search(written):
            continue
        yield text[kept : token.start("string")]
        is_name = len(written) <= _LONGEST_KEY and _KEY.fullmatch(json.loads(written))
        yield written if is_name else _text_masked(written)
        kept = at
        if colon := _COLON.match(text, at):
            value = _TOKEN.match(text, colon.end())
            yield f'{colon.group()} "{MASK}"'
            if value is None or value["mark"] or not _AFTER_VALUE.match(text, value.end()):
                return
            kept = at = value.end()
        elif is_name or not _AFTER_TEXT.match(text, at):
            yield MASK
            return
    yield text[kept:]


def _text_masked(written: str) -> str:
    """A string that is more than a name: most of all one that holds a whole body. Each level doubles the escapes."""
    return json.dumps(_masked(json.loads(written)))
