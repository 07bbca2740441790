"""Keys that stand twice in one object: Python and msgspec keep the last and say nothing."""

import json
from typing import Any

from integrator.systems.mapping.convert import BadValue

BLANKS = b" \t\r\n"


def key_marks(data: bytes) -> int:
    """How many keys the bytes can hold at most: each is followed by `":` once all blanks are gone."""
    return data.translate(None, BLANKS).count(b'":')


def check_keys(record: dict[str, Any], data: bytes) -> None:
    """Refuse a record in which a key stands twice; cheap as long as no text looks like a key.

    A text can hold `":` too, so more marks than keys prove nothing: then, and only then, the record is read a
    second time, slowly.

    Errors  BadValue: duplicate_key with the foreign name, bad_json when it is nested too deeply
    """
    if _count(record) == key_marks(data):
        return
    try:
        json.loads(data, object_pairs_hook=_without_repetition, parse_int=str, parse_float=str)
    except RecursionError:
        raise BadValue("bad_json") from None


def _count(record: dict[str, Any]) -> int:
    total = 0
    waiting: list[Any] = [record]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            total += len(value)
            value = value.values()
        waiting.extend(child for child in value if isinstance(child, (dict, list)))
    return total


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    whole = dict(pairs)
    if len(whole) < len(pairs):
        names = [name for name, _ in pairs]
        raise BadValue("duplicate_key", next(name for name in names if names.count(name) > 1))
    return whole
