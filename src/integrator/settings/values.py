"""Checks of single values: each gives back the value to use, or raises Wrong with what is expected.

Messages name types and bounds and never repeat the value: a password may stand where it does not belong.
"""

import re
from collections.abc import Iterable
from typing import Any, Literal, get_args, get_origin
from urllib.parse import urlsplit

import msgspec

from integrator.durations import parse_duration

_WORDS = {
    "int": "a whole number",
    "float": "a number",
    "str": "text",
    "bool": "true or false",
    "array": "a list",
    "object": "a table",
    "null": "nothing",
}
_ADDRESS = re.compile(r"[^@\s<>,;]+@[^@\s<>,;]+\.[^@\s<>,;]+")


class Wrong(Exception):
    """What is wrong with a value, and what is expected; keys lead to it within a table."""

    def __init__(self, what: str, *, keys: tuple[str, ...] = ()) -> None:
        super().__init__(what)
        self.keys = keys


def of_type(value: Any, kind: Any) -> Any:
    """Check a TOML value against a type with msgspec's bounds; lists become tuples."""
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        if get_origin(kind) is dict and isinstance(value, dict):
            _name_the_key(value, kind)
        if get_origin(kind) is Literal:
            choices = ", ".join(f'"{choice}"' for choice in get_args(kind))
            raise Wrong(f"expected one of {choices}") from None
        described = _description(kind) if "matching regex" in str(error) else None
        raise Wrong(f"expected {described}" if described else _in_words(str(error))) from None


def _name_the_key(values: dict[str, Any], kind: Any) -> None:
    """Which key of a table has the wrong value: msgspec says "[...]". Errors  Wrong"""
    of_keys, of_values = get_args(kind)
    for key, value in values.items():
        try:
            of_type(value, of_values)
            of_type(key, of_keys)
        except Wrong as error:
            raise Wrong(str(error), keys=(key, *error.keys)) from None


def _description(kind: Any) -> str | None:
    """What a type says of itself in words, or a type within it."""
    for part in getattr(kind, "__metadata__", ()):
        if isinstance(part, msgspec.Meta) and part.description:
            return part.description
    return next((found for part in get_args(kind) if (found := _description(part))), None)


def _in_words(message: str) -> str:
    """Turn msgspec's "Expected `int`, got `str` - at `$[1]`" into words an operator uses."""
    message = re.sub(r" - at `\$(.*)`$", r" (at \1)", message)
    message = re.sub(r"`([a-z]+)`", lambda name: _WORDS.get(name[1], name[1]), message)
    message = message.replace(" | ", " or ").replace(" of length >= 1", ", not an empty one")
    message = re.sub(r"text matching regex .*", "letters, digits and hyphens only", message)
    return message[:1].lower() + message[1:]


def duration(value: Any) -> int:
    """Read a duration of at least one second."""
    if not isinstance(value, str):
        raise Wrong('expected a duration in quotes, such as "55s", "20m" or "3h"')
    try:
        seconds = parse_duration(value)
    except ValueError as error:
        raise Wrong(str(error)) from None
    if not 0 < seconds <= 366 * 86_400:
        raise Wrong("expected a duration of at least one second and at most a year")
    return seconds


def durations(value: Any) -> tuple[float, ...]:
    """Read the waits between tries, in seconds."""
    if not isinstance(value, list) or not value:
        raise Wrong('expected a list of durations such as ["1m", "5m", "15m", "1h"], the last one repeats')
    return tuple(float(duration(wait)) for wait in value)


def web_address(value: Any) -> str:
    """Check an address of a system; give it back without its last slash.

    Shape   "https://erp.example.org/x", or http on loopback: no login, query or fragment in it
    """
    if not isinstance(value, str):
        raise Wrong("expected an https address in quotes")
    if re.search(r"[\s\\\x00-\x1f\x7f]", value):
        raise Wrong("an address has no spaces, backslashes or control characters")
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise Wrong("expected an https address: host or port cannot be read") from None
    if parts.scheme not in {"https", "http"} or not host:
        raise Wrong('expected an https address such as "https://erp.example.org"')
    if "@" in parts.netloc:
        raise Wrong("an address holds no login: it has keys of its own, and the password is a secret reference")
    if "?" in value or "#" in value:
        raise Wrong("an address has no query (?) and no fragment (#)")
    if parts.scheme == "http" and not is_loopback(host):
        raise Wrong("expected https: plain http is for this machine only (localhost, 127.0.0.1, ::1)")
    return value.rstrip("/")


def is_loopback(host: str) -> bool:
    import ipaddress

    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def mail_address(value: Any) -> str:
    if not isinstance(value, str) or not _ADDRESS.fullmatch(value):
        raise Wrong('expected one mail address, such as "operator@example.org"')
    return value


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Give the end of a message about an unknown name: the nearest known one, else all of them."""
    from difflib import get_close_matches

    names = list(known)
    if near := get_close_matches(word, names, n=1, cutoff=0.6):
        return f"did you mean {near[0]}?"
    return f"known here: {', '.join(names)}" if names else "nothing is known here"
