"""Who is logged in: the auth server's forms and tickets, the app server's sliding sessions."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

FORM_LIFE = timedelta(minutes=10)
TICKET_LIFE = timedelta(minutes=1)
WRONG_ALLOWED = 5


@dataclass
class Session:
    """One login on the app server. `form_token` belongs into every form it posts."""

    user: str
    seen_at: datetime
    form_token: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    flash: tuple[str, str] | None = None  # told on the next page: kind and text
    read_notice: bool = True
    ttl_s: float | None = None  # None: as long as all the others
    left: int | None = None  # so many requests until it ends

    def take_flash(self) -> tuple[str, str] | None:
        told, self.flash = self.flash, None
        return told


@dataclass
class Sessions:
    """All of it, by secret. `ttl_s` slides: every request of a session starts it anew."""

    clock: Callable[[], datetime]
    ttl_s: float = 1200
    attempts: list[dict[str, Any]] = field(default_factory=list)  # every login tried, for a test to count
    _forms: dict[str, datetime] = field(default_factory=dict)
    _tickets: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    _live: dict[str, Session] = field(default_factory=dict)
    _wrong: dict[str, int] = field(default_factory=dict)
    _pending: dict[str, tuple[str, str, str]] = field(default_factory=dict)

    # The auth server

    def new_form(self) -> str:
        """A login form's token, good for one use within ten minutes."""
        token = secrets.token_urlsafe(24)
        self._forms[token] = self.clock()
        return token

    def use_form(self, token: str) -> bool:
        made = self._forms.pop(token, None)
        return made is not None and self.clock() - made <= FORM_LIFE

    def is_barred(self, email: str) -> bool:
        return self._wrong.get(_account(email), 0) >= WRONG_ALLOWED

    def tried(self, email: str, *, ok: bool) -> None:
        """Write down a login; the fifth wrong one in a row bars the account."""
        self.attempts.append({"at": self.clock().isoformat(), "email": email, "ok": ok})
        self._wrong[_account(email)] = 0 if ok else self._wrong.get(_account(email), 0) + 1

    def new_ticket(self, email: str) -> str:
        """What the browser carries from the auth server to the app server, once."""
        ticket = secrets.token_urlsafe(24)
        self._tickets[ticket] = (_account(email).partition("@")[0], self.clock())
        return ticket

    def ask_code(self, email: str, code: str, back: str) -> str:
        """A login that waits for its one-time code; gives back what the form carries."""
        secret = secrets.token_urlsafe(16)
        self._pending[secret] = (email, code, back)
        return secret

    def give_code(self, secret: str, code: str) -> tuple[str, str] | None:
        """E-mail and way back of the login that this code completes; None for a wrong one."""
        email, wanted, back = self._pending.get(secret, ("", "", ""))
        if not wanted or code.strip() != wanted:
            return None
        del self._pending[secret]
        return email, back

    # The app server

    def open(self, ticket: str, *, read_notice: bool) -> str | None:
        """A new session's secret for a ticket; None for one that is used, old or made up."""
        user, made = self._tickets.pop(ticket, ("", None))
        if made is None or self.clock() - made > TICKET_LIFE:
            return None
        secret = secrets.token_urlsafe(24)
        self._live[secret] = Session(user, self.clock(), read_notice=read_notice)
        return secret

    def get(self, secret: str) -> Session | None:
        """The session, which lives on; None when it has ended."""
        session = self._live.get(secret)
        if session is None or self._is_over(session):
            self.end(secret)
            return None
        return session

    def _is_over(self, session: Session) -> bool:
        ttl = timedelta(seconds=self.ttl_s if session.ttl_s is None else session.ttl_s)
        return self.clock() - session.seen_at > ttl or session.left == 0

    def use(self, session: Session) -> None:
        """A request of this session is answered now."""
        session.seen_at = self.clock()
        session.left = None if session.left is None else session.left - 1

    def end_all(self) -> None:
        self._live.clear()

    def end(self, secret: str) -> None:
        self._live.pop(secret, None)


def _account(email: str) -> str:
    return email.strip().casefold()
