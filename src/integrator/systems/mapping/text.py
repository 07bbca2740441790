"""Plain words: text, upper, id, e-mail and enum."""

import re
import unicodedata
from collections.abc import Callable
from typing import Any

from integrator.systems.mapping.convert import BadValue, Converter, Soft
from integrator.systems.mapping.spec import Defaults, FieldSpec

TEXT_LIMIT = 2_000

# Blanks are kept here (they are collapsed later); what goes is control characters, zero-width blanks and
# the marks that turn the direction of writing round.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\u200b\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]"
)
_SURROGATE = re.compile("[\ud800-\udfff]")
_SILENT = re.compile(r"<(script|style)\b[^<>]*>.*?</\1\s*>", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<(?:/?[a-zA-Z][^<>]*|!--.*?--|!doctype[^<>]*)>", re.DOTALL)
# UTF-8 that somebody read as Latin-1 or Windows-1252: "KÃ¸benhavn", "â€“".
_MOJIBAKE = re.compile("Ã[\x80-\xbf\u0152-\u0192\u02c6\u02dc\u2013-\u203a\u20ac\u2122]|Â[\xa0-\xbf]|â€|\ufffd")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
# With a pattern of its own an id may hold more, but never what means something in an address: / \\ ? # %
_ID_WITH_PATTERN = re.compile(r"[!\"$&'()*+,.0-9:;<=>@A-Z\[\]^_`a-z{|}~-]{1,64}")
_ID_NUMBER_LIMIT = 10**15
_EMAIL = re.compile(
    r"([A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*)"
    r"@((?:[^\W_](?:[\w-]*[^\W_])?\.)+[^\W\d_]{2,})"
)
_EMAIL_LIMIT = 254


def printable(raw: str) -> str:
    """The text in NFC without control characters. Errors  BadValue: half a character (a lone surrogate)."""
    if _SURROGATE.search(raw):
        raise BadValue("bad_encoding")
    return unicodedata.normalize("NFC", _INVISIBLE.sub("", raw))


def is_garbled(text: str) -> bool:
    """Whether the text looks like UTF-8 read as something else. It is reported, never repaired."""
    return _MOJIBAKE.search(text) is not None


def plain(raw: str) -> str:
    """One line without tags, control characters and double blanks.

    Errors  BadValue: too_long, bad_encoding
    """
    if len(raw) > TEXT_LIMIT:
        raise BadValue("too_long")
    if raw.isprintable() and "<" not in raw and "  " not in raw and unicodedata.is_normalized("NFC", raw):
        return raw.strip()
    text = _without_tags(printable(raw)) if "<" in raw else printable(raw)
    return " ".join(text.split())


def _without_tags(text: str) -> str:
    # Taking a tag away can make another one ("<scr<b>ipt>"): go on until nothing is left to take.
    while True:
        fewer = _TAG.sub("", _SILENT.sub("", text))
        if fewer == text:
            return text
        text = fewer


def as_text(raw: object, code: str) -> str:
    """A text or a number as text (5.0 is "5"). Errors  BadValue(code): anything else."""
    if isinstance(raw, str):
        return raw
    if isinstance(raw, bool) or not isinstance(raw, (int, float)):
        raise BadValue(code)
    return str(int(raw)) if isinstance(raw, float) and raw.is_integer() and abs(raw) < _ID_NUMBER_LIMIT else str(raw)


def text(spec: FieldSpec, defaults: Defaults) -> Converter:
    """Text: cleaned, with a note when its encoding looks broken."""
    pattern = re.compile(spec.pattern) if spec.pattern else None
    upper = spec.type == "upper"

    def convert(raw: Any) -> Any:
        value = plain(as_text(raw, "bad_text"))
        if upper:
            value = value.upper()
        if pattern and value and not pattern.search(value):
            raise BadValue("bad_pattern")
        return Soft(value, "suspect_encoding") if is_garbled(value) else value or None

    return convert


def is_identifier(spec: FieldSpec, empty: frozenset[str]) -> Callable[[Any], bool]:
    """A test whether a value is an id as it stands."""
    safe = (_ID_WITH_PATTERN if spec.pattern else _ID).fullmatch
    pattern = re.compile(spec.pattern, re.ASCII).search if spec.pattern else safe

    def test(raw: Any) -> bool:
        return raw.__class__ is str and safe(raw) is not None and pattern(raw) is not None and raw not in empty

    return test


def identifier(spec: FieldSpec, defaults: Defaults) -> Converter:
    """Id: ASCII, without anything that means something in an address; a number becomes its digits."""
    known = is_identifier(spec, frozenset())

    def convert(raw: Any) -> str:
        if isinstance(raw, (int, float)) and (raw < 0 or raw >= _ID_NUMBER_LIMIT or raw != int(raw)):
            raise BadValue("bad_id")
        value = as_text(raw, "bad_id").strip()
        if not known(value):
            raise BadValue("bad_id")
        return value

    return convert


def email(spec: FieldSpec, defaults: Defaults) -> Converter:
    """E-mail address: its domain in lower case, what stands before the @ as it is."""

    def convert(raw: Any) -> Any:
        address = as_text(raw, "bad_email").strip()
        match = _EMAIL.fullmatch(address)
        if not match or len(address) > _EMAIL_LIMIT:
            return Soft(None, "bad_email")
        return f"{match[1]}@{unicodedata.normalize('NFC', match[2]).lower()}"

    return convert


def folded(word: str) -> str:
    """A word as enums compare it: trimmed, NFC, without upper case."""
    return unicodedata.normalize("NFC", " ".join(unicodedata.normalize("NFC", word).casefold().split()))


def enum(spec: FieldSpec, defaults: Defaults) -> Converter:
    """One of the words of an enum table; an unknown word is noted, never guessed."""
    if spec.enum is None:
        raise ValueError(f"{spec.name}: an enum field without its table")
    table, unknown, code = spec.enum.words, spec.unknown, f"unknown_{spec.enum.name}"

    def convert(raw: Any) -> Any:
        word = as_text("true" if raw is True else "false" if raw is False else raw, "bad_enum")
        if len(word) > TEXT_LIMIT:
            raise BadValue("too_long")
        known = table.get(folded(word))
        return Soft(unknown, code) if known is None else known

    return convert
