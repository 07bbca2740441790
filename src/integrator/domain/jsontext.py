"""Bytes from outside as JSON, read strictly. What is wrong with them is said by line and column, never by a value."""

import json
import re
from collections.abc import Callable
from typing import Any

_NAME = re.compile("[A-Za-z_][A-Za-z0-9_]{0,39}")


class NotJson(ValueError):
    """What is wrong, as the end of a sentence: "is not JSON: line 2, column 6: Expecting value"."""


def decoded(raw: bytes, *, limit: int) -> str:
    """The bytes as text; a byte order mark in front of it is let pass.

    Errors  NotJson: larger than the limit (then they are not looked at), not UTF-8
    """
    if len(raw) > limit:
        raise NotJson(f"is larger than {_size(limit)}")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # The bytes before it are sound: they tell the line.
        raise NotJson(f"is not UTF-8: line {raw.count(10, 0, error.start) + 1}") from None


def parsed(
    text: str,
    *,
    number: Callable[[str], Any],
    of_pairs: Callable[[list[tuple[str, Any]]], Any] | None = None,
    line: int = 1,
) -> Any:
    """What the text holds, of whatever shape.

    number    gets whole numbers as they are written (Python refuses to read 5,000 digits as an int)
    of_pairs  makes an object; without it a key that stands twice is an error
    line      where the text begins, for what is told about it

    Errors    NotJson: no JSON, NaN or Infinity, nested too deeply, a key twice in one object
    """
    try:
        return json.loads(
            text,
            object_pairs_hook=of_pairs or _object,
            parse_constant=_no_constant,
            parse_int=number,
            parse_float=number,
        )
    except json.JSONDecodeError as error:
        place = f"line {error.lineno + line - 1}, column {error.colno}"
        raise NotJson(f"is not JSON: {place}: {error.msg}") from None
    except RecursionError:
        raise NotJson("is not JSON of ours: nested too deeply") from None


def told_key(key: str) -> str:
    """A key as it may be told: by its name, unless that looks like a value."""
    return f'the key "{key}"' if _NAME.fullmatch(key) else "a key"


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise NotJson(f"is not clear: {told_key(key)} stands twice in one object")
        found[key] = value
    return found


def _no_constant(name: str) -> None:
    raise NotJson(f"is not JSON: {name} is no number there")


def _size(limit: int) -> str:
    return f"{limit // 1_000_000} MB" if limit >= 1_000_000 else f"{limit // 1000} kB"
