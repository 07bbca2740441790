"""An order form's bytes as JSON. What is wrong with them is said by line and column, never by a value."""

from typing import Any

from integrator.domain.jsontext import NotJson, decoded, parsed
from integrator.errors import UsageError

MAX_BYTES = 256_000


def form_data(raw: bytes) -> Any:
    """What the bytes of a form hold, of whatever shape; a byte order mark in front of it is let pass.

    Errors  UsageError: larger than 256 kB, not UTF-8, not JSON, a key twice in one object, nested too deeply
    """
    try:
        # No field is a number: what counts is only that it is one.
        return parsed(decoded(raw, limit=MAX_BYTES), number=float)
    except NotJson as error:
        raise UsageError(f"the form {error}") from None
