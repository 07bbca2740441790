"""JSON taken apart without loss: numbers as they are written, and a key that stands twice stands twice."""

import json
import re
from typing import Any

_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"')
_WHOLE = re.compile(r"\b\d+\b")
_COMMA_TOO_MANY = re.compile(r'("[^"\\]*(?:\\.[^"\\]*)*")|,(?=\s*[}\]])')  # texts are passed over
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")


class Number(str):
    """A number, NaN or Infinity as the text had it."""

    __slots__ = ()


class Object(list[tuple[str, Any]]):
    """An object as its pairs, in their order."""


def parsed(text: str) -> Any:
    """Errors  ValueError: not JSON, or nested too deeply"""
    try:
        return json.loads(
            text, object_pairs_hook=Object, parse_int=Number, parse_float=Number, parse_constant=Number, strict=False
        )
    except RecursionError:
        raise ValueError("nested too deeply") from None


def mended(text: str) -> Any:
    """The same of a text with a comma behind the last one, as people write it. Errors  as parsed"""
    return parsed(_COMMA_TOO_MANY.sub(lambda found: found[1] or "", text))


def words(body: bytes) -> set[str]:
    """Every text and every whole number in a body, also when the whole of it is no JSON."""
    text = body.decode("utf-8", "replace")
    found = set(_WHOLE.findall(text))
    for quoted in _STRING.findall(text):
        try:
            found.add(json.loads(quoted, strict=False).strip())
        except ValueError:
            continue
    return found


def written(value: Any) -> str:
    """The text of a tree: one line for each entry of the outermost list, so that a person can read it."""
    if isinstance(value, list) and not isinstance(value, Object) and len(value) > 1:
        return "[\n" + ",\n".join(_one(entry) for entry in value) + "\n]"
    return _one(value)


def _one(value: Any) -> str:
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, Object):
        return "{" + ", ".join(f"{_text(name)}: {_one(inner)}" for name, inner in value) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_one(entry) for entry in value) + "]"
    return _text(value) if isinstance(value, str) else json.dumps(value)


def _text(value: str) -> str:
    text = json.dumps(value, ensure_ascii=False)
    # Half a surrogate pair cannot be written in UTF-8; a line break of Unicode's would puzzle YAML.
    return text if value.isprintable() else _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
