"""Asks the Mailgun stand-in without a network, and puts forms to it."""

import base64
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

import httpx

from integrator.standins.base import Answer, Headers, Request
from integrator.standins.mailgun import DOMAIN, KEY, Mailgun

SAMPLES = Path(__file__).parent.parent / "samples" / "mailgun"
HOST = "mailgun.example.org"
MESSAGES, EVENTS = f"/v3/{DOMAIN}/messages", f"/v3/{DOMAIN}/events"
START = datetime(2027, 2, 28, 6, 0, 3, tzinfo=UTC)
FORM = {
    "from": "Kursussekretariatet <kurser@mg.example.org>",
    "to": "aase@example.org",
    "subject": "Tilmelding",
    "text": "Kære Åse",
    "v:ili-key": "order-confirmation:10001:customer",
}
Pairs = list[tuple[str, str]]


class Post:
    """A stand-in whose clock stands until a test moves it, and a short way to ask it."""

    def __init__(self, **seed: Any) -> None:
        self.now = START
        self.standin = Mailgun(lambda: self.now)
        self.standin.seed(seed)
        self.effects: list[dict[str, Any]] = []

    def go_on(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def ask(
        self,
        method: str,
        target: str,
        body: bytes = b"",
        *,
        key: str | None = KEY,
        user: str = "api",
        headers: dict[str, str] | None = None,
    ) -> Answer:
        given = {"Host": HOST, **(headers or {})}
        if key is not None:
            given["Authorization"] = "Basic " + base64.b64encode(f"{user}:{key}".encode()).decode()
        path, _, query = target.partition("?")
        sent = Headers(list(given.items()))
        request = Request(method, unquote(path), parse_qs(query, True), sent, body, target)
        answer = self.standin.handle(request)
        self.effects += request.effects
        return answer

    def send(self, form: dict[str, str | None] | Pairs | None = None, **how: Any) -> Answer:
        """Post a form, urlencoded; a dict changes FORM, None takes a field away."""
        if not isinstance(form, list):
            form = [(name, value) for name, value in {**FORM, **(form or {})}.items() if value is not None]
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.ask("POST", MESSAGES, urlencode(form).encode(), headers=headers, **how)

    def send_files(self, form: Pairs, files: list[tuple[str, tuple[str | None, bytes, str]]]) -> Answer:
        """Post a multipart form, as httpx writes it."""
        fields = [(name, (None, value.encode())) for name, value in form]
        made = httpx.Request("POST", "http://x/", files=[*fields, *files])
        return self.ask("POST", MESSAGES, made.read(), headers={"Content-Type": made.headers["content-type"]})

    def mails(self) -> list[dict[str, Any]]:
        return list(self.standin.state()["mails"])

    def page(self, **filters: Any) -> Any:
        """One query for events; the filters' names with _ for -, and any last one."""
        query = {name.replace("_", "-"): value for name, value in {"ascending": "yes", **filters}.items()}
        return json_of(self.ask("GET", f"{EVENTS}?{urlencode(query)}"))

    def follow(self, address: str) -> Any:
        """The page of an address in `paging`."""
        parts = urlsplit(address)
        assert parts.netloc == HOST
        return json_of(self.ask("GET", parts.path))

    def events(self, **filters: Any) -> list[dict[str, Any]]:
        """All events of a query, page by page until one is empty."""
        page, found = self.page(**filters), []
        while page["items"]:
            found += page["items"]
            page = self.follow(page["paging"]["next"])
        return found

    def kinds(self, **filters: Any) -> list[str]:
        return [event["event"] for event in self.events(**filters)]


def json_of(answer: Answer) -> Any:
    assert answer.status == 200, answer.body
    return json.loads(answer.encoded())


def message_of(answer: Answer) -> tuple[int, Any]:
    """Status and message of a refusal."""
    assert isinstance(answer.body, dict), answer.body
    return answer.status, answer.body["message"]


def sample(name: str) -> Any:
    return json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))
