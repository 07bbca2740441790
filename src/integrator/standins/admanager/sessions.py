"""Who is logged in: cookies, their life, and how often a wrong password may be tried."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from secrets import token_hex
from typing import Any

from integrator.standins.base import Request

COOKIE = "adm_session"
MAX_FAILURES = 5


@dataclass
class Session:
    """One login. `code`: what still has to be entered; `left`: requests until it ends, None when not counted."""

    user: str
    seen_at: datetime
    ttl_s: float | None = None
    left: int | None = None
    code: str = ""


@dataclass
class Sessions:
    """All logins. Not thread-safe: the stand-in's lock is held."""

    clock: Callable[[], datetime]
    open: dict[str, Session] = field(default_factory=dict)
    failures: dict[str, int] = field(default_factory=dict)
    attempts: list[dict[str, Any]] = field(default_factory=list)
    ttl_s: float = 1200

    def is_locked(self, email: str) -> bool:
        return self.failures.get(_same(email), 0) >= MAX_FAILURES

    def tried(self, email: str, *, ok: bool) -> bool:
        """Remember a try; gives back whether it was right."""
        self.attempts.append({"at": self.clock().isoformat(), "email": _same(email), "ok": ok})
        self.failures[_same(email)] = 0 if ok else self.failures.get(_same(email), 0) + 1
        return ok

    def begin(self, email: str, code: str = "") -> str:
        """Open a session; gives back its cookie's value."""
        token = token_hex(16)
        self.open[token] = Session(_same(email), self.clock(), code=code)
        return token

    def of(self, request: Request) -> Session | None:
        """The session of a request while it lives."""
        token = cookie_of(request)
        session = self.open.get(token)
        if session is None:
            return None
        ttl = self.ttl_s if session.ttl_s is None else session.ttl_s
        if (self.clock() - session.seen_at).total_seconds() > ttl or session.left == 0:
            del self.open[token]
            return None
        return session

    def use(self, session: Session) -> None:
        """Let a request count: the life of a session slides."""
        session.seen_at = self.clock()
        if session.left is not None:
            session.left -= 1

    def end(self, request: Request) -> None:
        self.open.pop(cookie_of(request), None)


def cookie_of(request: Request) -> str:
    for part in request.headers.get("cookie", "").split(";"):
        name, _, value = part.strip().partition("=")
        if name == COOKIE:
            return value
    return ""


def _same(email: str) -> str:
    return email.strip().casefold()
