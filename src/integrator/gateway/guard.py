"""Who is let in: each caller by a secret of their own. A caller without one that is configured is not.

Nobody is told what was wrong: a missing key, a wrong one and one that is not configured are answered alike. The one
exception is a clock: whoever signs rightly, but minutes ago, learns that.
"""

import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote, urlencode

from integrator.domain.instants import utc_text
from integrator.errors import ConfigError, Problem
from integrator.gateway.callers import Address, is_in, networks
from integrator.secret import Secret
from integrator.settings import GatewaySettings

Caller = Literal["website", "oilmat", "token", "signature"]
SECRETS: dict[Caller, str] = {
    "website": "website_key",
    "oilmat": "oilmat_key",
    "token": "trainingportal_token",
    "signature": "trainingportal_signing_key",
}
WINDOW_S = 300
LEAST_LENGTH = 16
_TOKEN = re.compile("[A-Za-z0-9._~-]+")
_MOMENT = re.compile("[0-9]{1,12}")


@dataclass(frozen=True)
class Signed:
    """A signed request: what was signed, and the signature that came with it."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    timestamp: str
    signature: str


@dataclass(frozen=True)
class Refusal:
    """Why somebody is not let in: a word for our log, and what they may know (None: nothing)."""

    why: str
    told: str | None = None


def signature_of(key: Secret, method: str, path: str, query: Iterable[tuple[str, str]], timestamp: str) -> str:
    """The hex HMAC-SHA256 that a signed request carries as `signature`.

    Shape   of four lines: "GET", "/trainingportal/reserve", the query (but timestamp and signature) sorted by name and
            value with everything but letters, digits and -._~ percent-encoded, and the timestamp in epoch seconds
    """
    named = sorted((name, value) for name, value in query if name not in ("timestamp", "signature"))
    lines = [method, path, urlencode(named, quote_via=quote, safe=""), timestamp]
    return hmac.new(key.reveal().encode(), "\n".join(lines).encode(), "sha256").hexdigest()


class Guard:
    """Knows the secrets of one installation.

    Errors  ConfigError: one can be guessed, or cannot be sent, is another's too; an address is wrong
    """

    def __init__(self, settings: GatewaySettings) -> None:
        self._secrets: dict[Caller, Secret | None] = {who: getattr(settings, key) for who, key in SECRETS.items()}
        self._networks = networks(settings.trainingportal_ips, key="trainingportal_ips")
        self.proxies = networks(settings.trusted_proxies, key="trusted_proxies")
        if problems := [Problem("config/integrator.toml", f"[gateway] {what}") for what in self._weak()]:
            raise ConfigError(problems, hint="openssl rand -hex 32   makes one")

    def _weak(self) -> Iterable[str]:
        whose: dict[str, str] = {}
        for who, secret in self._secrets.items():
            if secret is None:
                continue
            text, key = secret.reveal(), SECRETS[who]
            if len(text) < LEAST_LENGTH:
                yield f"{key}: can be guessed: expected at least {LEAST_LENGTH} characters"
            if not (text.isascii() and text.isprintable()):
                yield f"{key}: cannot be sent as it is: expected plain characters (ASCII)"
            if whose.setdefault(text, key) != key:
                yield f"{key}: is the same as {whose[text]}: each caller needs one of its own"
        token = self._secrets["token"]
        if token is not None and not _TOKEN.fullmatch(token.reveal()):
            yield "trainingportal_token: is a part of an address: expected letters, digits and . _ ~ - only"

    def mixed(self) -> bytes:
        """All secrets in one hash: a key for what only this installation is to recognise."""
        found = [secret.reveal() for secret in self._secrets.values() if secret is not None]
        return hashlib.sha256("\n".join(found).encode()).digest()

    def key(self, caller: Caller, given: str) -> Refusal | None:
        """None: they may come in."""
        secret = self._secrets[caller]
        right = hmac.compare_digest(_digest(given), _digest("" if secret is None else secret.reveal()))
        if secret is None:
            return Refusal("off")
        return None if right else Refusal("key" if given else "no key")

    def from_trainingportal(self, address: Address | None) -> Refusal | None:
        """None: the address may be its, or nobody said which are."""
        return None if not self._networks or is_in(address, self._networks) else Refusal("address")

    def signed(self, request: Signed, *, now: float) -> Refusal | None:
        """None: they may come in."""
        key = self._secrets["signature"]
        wanted = signature_of(key or Secret(""), request.method, request.path, request.query, request.timestamp)
        right = hmac.compare_digest(_digest(request.signature.lower()), _digest(wanted))
        if key is None:
            return Refusal("off")
        if not right:
            return Refusal("signature")
        if not _MOMENT.fullmatch(request.timestamp):
            return Refusal("timestamp", "the timestamp must be epoch seconds")
        off_s = int(request.timestamp) - int(now)
        return Refusal("clock", _clock(off_s, now)) if abs(off_s) > WINDOW_S else None


def _clock(off_s: int, now: float) -> str:
    here = utc_text(int(now))
    side = "ahead of" if off_s > 0 else "behind"
    return f"the timestamp is {abs(off_s)} s {side} our clock ({here}); {WINDOW_S} s are allowed: one of two is wrong"


def _digest(text: str) -> bytes:
    """Equally long, so that comparing tells nothing of the length."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
