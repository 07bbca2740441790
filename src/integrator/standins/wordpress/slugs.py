"""How WordPress makes a slug of a text."""

import re
import unicodedata
from urllib.parse import quote

_SPECIAL = str.maketrans(
    {"æ": "ae", "Æ": "AE", "ø": "o", "Ø": "O", "ß": "s", "đ": "d", "Đ": "D", "ł": "l", "Ł": "L", "œ": "oe", "Œ": "OE"}
)
# A site in Danish writes the letters out.
_DANISH = str.maketrans({"æ": "ae", "Æ": "Ae", "ø": "oe", "Ø": "Oe", "å": "aa", "Å": "Aa"})
_DASHES = re.compile(r"[\u00a0\u2013\u2014/]")
_DROPPED = re.compile(r"[\u00a1\u00bf\u00ab\u00bb\u2039\u203a\u2018-\u201e\u2022\u00a9\u00ae\u00b0\u2026\u2122\u00b4]")
LONGEST = 200


def _plain(text: str, danish: bool) -> str:
    text = text.translate(_DANISH) if danish else text
    decomposed = unicodedata.normalize("NFKD", text.translate(_SPECIAL))
    # Only letters with marks become plain ones; other scripts stay and are percent-encoded below.
    return "".join(c for c in decomposed if not unicodedata.combining(c))


def _encoded(text: str) -> str:
    out, size = [], 0
    for character in text:
        part = character if ord(character) < 128 else quote(character)
        size += len(part)
        if size > LONGEST:
            break
        out.append(part)
    return "".join(out).lower()


def slug_of(text: str, *, danish: bool = False) -> str:
    """Lower case, blanks, "/" and "." as "-", accents gone, at most 200 characters."""
    text = re.sub(r"<[^>]*>", "", text)
    text = _DROPPED.sub("", _DASHES.sub("-", text)).replace("\u00d7", "x")
    text = re.sub(r"%(?![0-9a-fA-F]{2})", "", _plain(text, danish))
    text = re.sub(r"&.+?;", "", _encoded(text.lower())).replace(".", "-")
    text = re.sub(r"[^%a-z0-9 _-]", "", text)
    return re.sub(r"-+", "-", re.sub(r"\s+", "-", text)).strip("-")


def cut(slug: str, room: int) -> str:
    """The slug shortened so that a suffix fits behind it."""
    return slug[:room].rstrip("-") if len(slug) > room else slug
