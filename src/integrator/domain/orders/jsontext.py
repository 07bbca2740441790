"""An order form's bytes as JSON. What is wrong with them is said by line and column, never by a value."""

import json
import re
from typing import Any

from integrator.errors import UsageError

MAX_BYTES = 256_000

_NAME = re.compile("[A-Za-z_][A-Za-z0-9_]{0,39}")


def form_data(raw: bytes) -> Any:
    """What the bytes of a form hold, of whatever shape; a byte order mark in front of it is let pass.

    Errors  UsageError: larger than 256 kB, not UTF-8, not JSON, a key twice in one object, nested too deeply
    """
    if len(raw) > MAX_BYTES:
        raise UsageError(f"the form is larger than {MAX_BYTES // 1000} kB")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # The bytes before it are sound: they tell the line.
        raise UsageError(f"the form is not UTF-8: line {raw.count(10, 0, error.start) + 1}") from None
    try:
        return json.loads(text, object_pairs_hook=_object, parse_constant=_no_constant, parse_int=_number)
    except json.JSONDecodeError as error:
        raise UsageError(f"the form is not JSON: line {error.lineno}, column {error.colno}: {error.msg}") from None
    except RecursionError:
        raise UsageError("the form is not JSON of ours: nested too deeply") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            name = f'the key "{key}"' if _NAME.fullmatch(key) else "a key"
            raise UsageError(f"the form is not clear: {name} stands twice in one object")
        found[key] = value
    return found


def _no_constant(name: str) -> None:
    raise UsageError(f"the form is not JSON: {name} is no number there")


def _number(digits: str) -> float:
    # No field is a number: what counts is only that it is one. (Python refuses to read 5,000 digits as an int.)
    return float(digits)
