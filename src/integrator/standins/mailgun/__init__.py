"""The Mailgun stand-in: takes messages, tells events late, and has a page where a person looks at the mails.

From the public documentation; nothing was sent. Not built: the Logs API (404 in JSON), `messages.mime`, stored
templates and webhooks (404 in plain text, as a wrong address). Stricter than the manual, so that a mistake is seen:
an event filter nobody knows, a tag that is not ASCII and a header with a line break are 400. `seed` understands

| setting | default | effect |
|---|---|---|
| domain, keys | mg.example.org, {KEY: "account"} | a "sending" key may post messages and nothing else (403) |
| disabled | false | sending is 403 |
| forbidden | "text" | the body of a 401: plain text, or "json", a JSON string |
| throttle | {"times": 0, "seconds": 120, "retry_after": false} | the next ones are 429, seconds in the text |
| adopt_message_id | false | `h:Message-Id` becomes the id |
| events_after | 0, {"accepted": 2} | queries (not further pages) that do not yet show the events of a new mail |
| events_late_s | 0 | seconds until an event is told |
| events_disorder, events_twice | false | not in the order of time; each one two times |
| deliver_s, retry_s, complain_s | 0 | seconds to the delivery, from a deferral to the next try, to the complaint |
| suppressed | {} | {address: "bounce", "complaint" or "unsubscribe"}, or a list |
| bouncing, deferring, rejecting, complaining, silent | [] | addresses; silent: accepted, and nothing more is heard |
| now | null | ISO time: the clock stands there |
"""

import base64
import hmac
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from integrator.standins.base import Answer, Request, StandIn
from integrator.standins.guide import Guide
from integrator.standins.mailgun import page
from integrator.standins.mailgun.drafts import drafts_of
from integrator.standins.mailgun.events import Turn, page_of, search_of, turn_of
from integrator.standins.mailgun.forms import Refusal, form_of
from integrator.standins.mailgun.office import Office
from integrator.standins.mailgun.settings import DOMAIN, KEY

__all__ = ["DOMAIN", "KEY", "Mailgun"]

JSON = "application/json"
PLAIN = "text/plain; charset=utf-8"
NGINX_413 = "<html><head><title>413 Request Entity Too Large</title></head><body><h1>413</h1></body></html>"
THROTTLED = "Domain {} is not allowed to send: account-requests-per-sec limit exceeded, try again after {} seconds"


class Mailgun(StandIn):
    """The stand-in. `clock` is where its times come from; a test gives one that stands still."""

    name = "mailgun"
    guide = Guide(
        config=f'[mailgun]\nbase_url = "{{url}}"\ndomain = "{DOMAIN}"\napi_key = {{{{ env = "MAILGUN_API_KEY" }}}}\n'
        f'from = "Kurser <kurser@{DOMAIN}>"',
        secrets=f"MAILGUN_API_KEY={KEY}",
        ask=f"-u api:{KEY} {{url}}/v3/{DOMAIN}/events",
        seeds=({"bouncing": ["ida@example.org"]}, {"throttle": {"times": 2, "seconds": 5, "retry_after": True}}),
    )

    def __init__(self, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        super().__init__()
        self._clock = clock
        self.office = Office(clock)

    def reset(self) -> None:
        with self.lock:
            self.office = Office(self._clock, self.office)

    def seed(self, settings: dict[str, Any]) -> dict[str, Any]:
        """Change settings; those not named stay. Errors: ValueError, and nothing is changed."""
        with self.lock:
            self.office.seed(settings)
        return settings

    def state(self) -> dict[str, Any]:
        """Every mail with everything in it; the shape is that of `Office.state`."""
        with self.lock:
            return self.office.state()

    def handle(self, request: Request) -> Answer:
        if request.path.startswith("/v3/"):
            return self._api(request)
        if request.path == "/v1/analytics/logs":
            return _said(404, "Not Found")
        with self.lock:
            return page.answer(self.office, request) or _nowhere()

    def _api(self, request: Request) -> Answer:
        try:
            kind = self._key_of(request)
            if kind is None:
                return self._forbidden()
            return self._routed(request, kind)
        except Refusal as refusal:
            if refusal.status == 413:
                return Answer(413, NGINX_413, content_type="text/html")
            return _said(refusal.status, refusal.message)

    def _routed(self, request: Request, kind: str) -> Answer:
        domain, _, route = request.path.removeprefix("/v3/").partition("/")
        name, _, token = route.partition("/")
        if name not in {"messages", "events"} or (token and name == "messages"):
            return _nowhere()
        if domain != self.office.settings.domain:
            return _said(404, f"Domain not found: {domain}")
        if request.method != {"messages": "POST", "events": "GET"}[name]:
            return _said(405, "Method Not Allowed")
        if name == "messages":
            return self._take(request)
        return self._events(request, token) if kind == "account" else _said(403, "Access denied")

    def _key_of(self, request: Request) -> str | None:
        """What kind of key came with a request; None for none and for a wrong one."""
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        for key, kind in self.office.settings.keys.items():
            wanted = base64.b64encode(f"api:{key}".encode())
            if scheme.lower() == "basic" and hmac.compare_digest(given.strip().encode(), wanted):
                return kind
        return None

    def _forbidden(self) -> Answer:
        headers = {"WWW-Authenticate": 'Basic realm="MG API"'}
        if self.office.settings.forbidden == "json":
            return Answer(401, '"Forbidden"\n', headers, JSON)
        return Answer(401, "Forbidden", headers, PLAIN)

    def _take(self, request: Request) -> Answer:
        form = form_of(request)
        with self.lock:
            if refused := self._throttled():
                return refused
            mails = self.office.take(drafts_of(form, self.office.now()))
        for mail in mails:
            facts = {"to": ", ".join(mail.draft.recipients), "subject": mail.draft.subject, "tags": mail.draft.tags}
            request.effect(kind="mail", id=mail.id, **facts, key=mail.draft.variables.get("ili-key"))
        return Answer(200, {"id": f"<{mails[0].id}>", "message": "Queued. Thank you."}, content_type=JSON)

    def _throttled(self) -> Answer | None:
        settings = self.office.settings
        if settings.disabled:
            return _said(403, f"Domain {settings.domain} is not allowed to send: it is disabled")
        if self.office.throttled < 1:
            return None
        self.office.throttled -= 1
        seconds = settings.throttle.seconds
        headers = {"Retry-After": str(seconds)} if settings.throttle.retry_after else {}
        return Answer(429, {"message": THROTTLED.format(settings.domain, seconds)}, headers, JSON)

    def _events(self, request: Request, token: str) -> Answer:
        given = [(name, value) for name, values in request.query.items() for value in values]
        turn = turn_of(token) if token else Turn(given)
        search_of(turn.query)
        url = f"http://{request.headers.get('host', '127.0.0.1')}/v3/{self.office.settings.domain}/events"
        with self.lock:
            if not token:
                self.office.queries += 1
            return Answer(200, page_of(self.office, turn, url), content_type=JSON)


def _said(status: int, message: str) -> Answer:
    return Answer(status, {"message": message}, content_type=JSON)


def _nowhere() -> Answer:
    return Answer(404, "404 page not found\n", content_type=PLAIN)
