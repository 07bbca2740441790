"""One request, from what a caller asks to what httpx sends. Secrets are opened here, and only here."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from integrator.errors import BadRecord, ConfigError, Problem
from integrator.systems.http.addresses import address, is_below

if TYPE_CHECKING:
    import httpx

_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_HEADER_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")


class Sealed(Protocol):
    """A secret: its repr says nothing."""

    def reveal(self) -> str: ...


Params = Mapping[str, Any] | Sequence[tuple[str, Any]]
HeaderValues = Mapping[str, str | Sealed]


@dataclass(frozen=True)
class Ask:
    """What a caller asks. path is below the base; body holds httpx's json, data and files. Values stay out of repr."""

    method: str
    path: str
    about: str
    timeout_s: float
    max_bytes: int
    params: Params | None = field(default=None, repr=False)
    headers: HeaderValues | None = field(default=None, repr=False)
    body: Mapping[str, Any] = field(default_factory=dict, repr=False)


def load_httpx() -> None:
    """Import httpx without its command line, which brings click, rich and pygments: 50 ms on every cron tick.

    May go when httpx imports its command line only when it is called.
    """
    if "httpx" not in sys.modules:
        sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]  # None: "there is no such module"
    import httpx

    # httpx logs whole addresses at INFO, an API key in the query included; httpcore logs headers at DEBUG.
    for name in (httpx.__name__, "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)


def make_client(system: str, headers: HeaderValues, auth: tuple[str, str | Sealed] | None) -> httpx.Client:
    """The one httpx client of a system: verified TLS, nothing from the environment, no redirects, no cookies kept.

    Errors  ConfigError: a header that cannot be sent
    """
    load_httpx()
    import httpx

    from integrator.systems.http.transport import DeadlineTransport

    client = httpx.Client(
        transport=DeadlineTransport(),
        headers=opened_headers(system, headers),
        auth=httpx.BasicAuth(auth[0], _open(auth[1])) if auth else None,
        trust_env=False,
        follow_redirects=False,
    )
    _keep_no_cookies(client)
    return client


def _keep_no_cookies(client: httpx.Client) -> None:
    """What a request carries stands in the code: a session somebody sets must not change who we are later."""
    from http.cookiejar import DefaultCookiePolicy

    client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=()))


def built(client: httpx.Client, ask: Ask, *, system: str, base: str, seconds: float) -> httpx.Request:
    """The request as it will leave, addressed below base.

    Errors  BadRecord: bad_address, or bad_body (a value that cannot be written as JSON). ConfigError: a header
    """
    import httpx

    url = address(base, ask.path, about=ask.about)
    headers = opened_headers(system, ask.headers or {})
    params, body = opened(ask.params), {name: opened(part) for name, part in ask.body.items()}
    try:
        request = client.build_request(ask.method, url, params=params, headers=headers, timeout=seconds, **body)
    except (ValueError, httpx.InvalidURL):  # NaN, half a surrogate, an address of 64 kB
        request = None
    if request is None:
        raise BadRecord(f"{ask.about}: holds a value that cannot be sent; nothing was sent", code="bad_body")
    if not is_below(request.url, httpx.URL(base)):
        raise BadRecord(f"{ask.about}: the address would leave the system; nothing was sent", code="bad_address")
    return request


def opened_headers(system: str, headers: HeaderValues) -> dict[str, str]:
    """The headers with their secrets revealed.

    Errors  ConfigError: a line break, a blank at an end, a letter beyond ASCII. (h11 would refuse it too, but its
            message quotes the value.)
    """
    revealed = {name: _open(value) for name, value in headers.items()}
    problems = [
        Problem("config/integrator.toml", f"[{system}] header {name!r}: its name or value holds a character it may not")
        for name, value in revealed.items()
        if not (_HEADER_NAME.fullmatch(name) and _HEADER_VALUE.fullmatch(value))
    ]
    if problems:
        raise ConfigError(problems)
    return revealed


def opened(values: Any) -> Any:
    """Parameters or a form with secrets revealed; anything else as it is."""
    if isinstance(values, Mapping):
        return {name: _open(value) for name, value in values.items()}
    if isinstance(values, list | tuple):
        return [(pair[0], _open(pair[1])) if isinstance(pair, tuple) and len(pair) == 2 else pair for pair in values]
    return values


def _open(value: Any) -> Any:
    return value.reveal() if hasattr(value, "reveal") else value
