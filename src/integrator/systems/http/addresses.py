"""Where a request may go: below the system's base_url and nowhere else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from integrator.errors import BadRecord, ConfigError, Problem

if TYPE_CHECKING:
    import httpx

_ID = re.compile(r"[A-Za-z0-9._~-]+")
_LETTERS = re.compile(r"[\w.~-]+(?: +[\w.~-]+)*")
_PATH = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*")
_PRINTABLE = re.compile(r"[\x21-\x7e]+")


def checked_base(base_url: str, *, system: str) -> str:
    """Give back base_url without its last slash, if it is one we may send secrets to.

    Errors  ConfigError: neither https nor loopback, or not a plain address
    """
    wrong = _wrong_with(base_url)
    if wrong:
        raise ConfigError([Problem("config/integrator.toml", f"[{system}] base_url: {wrong}")])
    return base_url.rstrip("/")


def _wrong_with(base_url: str) -> str | None:
    from urllib.parse import urlsplit

    if not _PRINTABLE.fullmatch(base_url):
        return "expected an address of plain characters (a name with special letters in its xn-- form)"
    try:
        parts = urlsplit(base_url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        return "expected an address, its host or port cannot be read"
    if parts.scheme not in ("http", "https") or not host:
        return "expected an https address"
    if parts.scheme == "http" and not _is_loopback(host):
        return "expected https; http is for this machine only"
    if "@" in parts.netloc:
        return "expected no login inside the address"
    if "?" in base_url or "#" in base_url or _leaves(parts.path):
        return "expected an address without ?, # and .."
    return None


def _is_loopback(host: str) -> bool:
    from ipaddress import ip_address

    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _leaves(path: str) -> bool:
    """A path that does not name one place below the base, in whatever way it is spelt."""
    from urllib.parse import unquote

    plain = unquote(path).replace("\\", "/")
    return "//" in plain or any(segment in (".", "..") for segment in plain.split("/")) or not plain.isprintable()


def address(base: str, path: str, *, about: str) -> str:
    """The address of a path below a checked base. A query goes through params, never through the path.

    Errors  BadRecord (bad_address): an absolute address, `..`, or a character that must be quoted
    """
    if not _PATH.fullmatch(path) or _leaves(path):
        raise BadRecord(f"{about}: the address would leave the system; nothing was sent", code="bad_address")
    return f"{base}/{path.lstrip('/')}" if path else base


def is_below(url: httpx.URL, base: httpx.URL) -> bool:
    """The last look at what httpx made of it: same scheme, host and port, and a path below the base's."""
    if (url.scheme, url.host, url.port, url.userinfo) != (base.scheme, base.host, base.port, b""):
        return False
    return url.path == base.path or url.path.startswith(base.path.rstrip("/") + "/")


def quoted(value: str | int, *, field: str = "id", letters: bool = False) -> str:
    """An id of theirs, safe as one segment of a path.

    letters  also letters and digits of other alphabets, and blanks between them ("HLR-Ö1")
    Errors  BadRecord (bad_id): empty, `.`, `..`, or anything but letters, digits and . _ ~ -
    """
    from urllib.parse import quote

    text = str(value)
    if not (_LETTERS if letters else _ID).fullmatch(text) or text in (".", ".."):
        raise BadRecord(f"{field} holds characters that an address cannot carry", code="bad_id", field=field)
    return quote(text, safe="")
