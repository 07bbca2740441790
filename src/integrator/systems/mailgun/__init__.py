"""Mailgun: mails are handed in one by one, and what became of them is read from its events.

From its public documentation; nothing was tried on the real one. 200 means queued, not delivered. There is no
idempotency: two equal requests are two mails, and after an answer that got lost only the events tell.
"""

import math
import re
from collections.abc import Callable, Iterator

from integrator.domain.mails import Mail
from integrator.effects import Message
from integrator.errors import ConfigError, Problem
from integrator.systems.http import Http
from integrator.systems.mailgun.events import ABOUT_ALL, Events, MailEvent, verdict
from integrator.systems.mailgun.form import parts_of
from integrator.systems.mailgun.judging import message_id_in
from integrator.systems.mailgun.sender import Mails

__all__ = ["MailEvent", "Mailgun", "Mails", "verdict"]

SETTLE_S = 1800.0  # how long an event may stay unseen
_DOMAIN = re.compile(r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_DOING = "send a mail"


class Mailgun:
    """One sending domain. http carries the key that sends; reader one that may read events, when that is another."""

    def __init__(
        self,
        http: Http,
        *,
        domain: str,
        from_: str,
        reply_to: str | None = None,
        test_mode: bool = False,
        reader: Http | None = None,
    ) -> None:
        """test_mode: Mailgun accepts and bills every mail, makes its events, and delivers none.

        Errors  ConfigError: domain is no domain
        """
        if not _DOMAIN.fullmatch(domain):
            raise ConfigError(
                [Problem("config/integrator.toml", '[mailgun] domain: expected a domain such as "mg.example.org"')]
            )
        self._http = http
        self._reader = reader or http
        self._domain = domain
        self._from = from_
        self._reply_to = reply_to
        self._test_mode = test_mode
        self._events = Events(self._reader, domain)

    def send(self, mail: Mail, *, key: str) -> str:
        """Hand in one mail, exactly once; give back its message id.

        Shape   "20270228060003.1a2b3c4d5e6f7a8b@mg.example.org", without the angle brackets it comes in
        Errors  Rejected (this mail only), Refused (every mail), Unavailable (nothing was queued), InDoubt
        Source  documentation.mailgun.com, POST /v3/{domain}/messages
        """
        parts = parts_of(mail, key=key, from_=self._from, reply_to=self._reply_to, test_mode=self._test_mode)
        reply = self._http.send("POST", f"/v3/{self._domain}/messages", doing=_DOING, files=parts)
        return message_id_in(reply, mail)

    def mails(self, compose: Callable[[Message], Mail], *, resends: bool, settle_s: float = SETTLE_S) -> Mails:
        """The outbox's sender; resends: what nothing tells of after settle_s is sent again, without asking anybody."""
        return Mails(self, self._events, compose, resends=resends, settle_s=settle_s)

    def events(self, since: float, until: float) -> Iterator[MailEvent]:
        """What became of every mail of the domain, oldest first. Late ones are put in where they belong: read again.

        Units   epoch seconds
        Errors  Refused, Unavailable, BadAnswer
        Source  documentation.mailgun.com, GET /v3/{domain}/events
        """
        query = {"begin": math.floor(since), "end": math.ceil(until), "event": ABOUT_ALL}
        return self._events.read(query, doing="read the events")

    def check(self) -> None:
        """Make sure that key, domain and region belong together, by reading one event. Nothing is sent.

        Errors  Refused, Unavailable, BadAnswer
        """
        self._events.touch()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()
        if self._reader is not self._http:
            self._reader.close()
