"""Asks the Trainingportal stand-in without a network, as a provider does: form fields, credentials among them."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlencode

import httpx

from integrator.standins.base import Answer, Headers, Request
from integrator.standins.trainingportal import BASE, PASSWORD, USERNAME, Trainingportal

SAMPLES = Path(__file__).parent.parent / "samples" / "trainingportal"
START = datetime(2027, 1, 14, 8, 0, tzinfo=UTC)
LOGIN = {"username": USERNAME, "password": PASSWORD}
CLASS = "NK-2027-0312"
CLASSES = "v1/courses/get/GSK-4D/courseClasses"
FORM = "application/x-www-form-urlencoded"
PDF = b"%PDF-1.7\r\n\x00\xff\xfe\r\n%%EOF"


def sample(name: str) -> Any:
    return json.loads((SAMPLES / name).read_text(encoding="utf-8"))


def example_class(**changes: str | None) -> dict[str, str]:
    """The parameters of E1 as the example has them; None takes one away."""
    given = {**sample("request-class-add.form.json"), **changes}
    return {name: value for name, value in given.items() if value is not None and name not in LOGIN}


class Provider:
    """A stand-in whose clock stands until a test moves it, and a short way to ask it."""

    def __init__(self, **seed: Any) -> None:
        self.now = START
        self.standin = Trainingportal(lambda: self.now)
        self.standin.seed(seed)
        self.effects: list[dict[str, Any]] = []

    def go_on(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def ask(self, method: str, target: str, body: bytes = b"", content_type: str = FORM) -> Answer:
        path, _, query = target.partition("?")
        headers = Headers([("Content-Type", content_type)])
        request = Request(method, unquote(path), parse_qs(query, True), headers, body, target)
        answer = self.standin.handle(request)
        self.effects += request.effects
        return answer

    def post(self, path: str, login: dict[str, str] = LOGIN, **fields: str) -> Answer:
        return self.ask("POST", f"{BASE}/{path}", urlencode({**login, **fields}).encode())

    def add(self, course: str = "GSK-4D", **changes: str | None) -> Answer:
        path = f"v1/courses/get/{quote(course)}/courseClasses/add"
        return self.post(path, **example_class(**changes))

    def update(self, **fields: str) -> Answer:
        return self.post(f"{CLASSES}/update", **{"externalId": CLASS, **fields})

    def upload(
        self, reference: str = "R1", content: bytes = PDF, name: str = "bevis.pdf", part: str = "file"
    ) -> Answer:
        form = httpx.Request("POST", "http://x", data=LOGIN, files={part: (name, content, "application/pdf")})
        path = f"{BASE}/v1/booking/uploadDocumentation/{reference}"
        return self.ask("POST", path, form.read(), form.headers["content-type"])

    def classes(self) -> list[dict[str, Any]]:
        return list(said(self.post(f"{CLASSES}/get"))["courseClasses"])

    def booked(self, reference: str = "R1", **more: str) -> None:
        self.standin.seed({"bookings": [{"reference": reference, "class": CLASS, **more}]})


def said(answer: Answer) -> Any:
    return json.loads(answer.encoded())


def failure(answer: Answer) -> str:
    """What a failure says, in the usual way: 200, a text "false" and a message."""
    body = said(answer)
    assert (answer.status, body["sucessful"], set(body)) == (200, "false", {"sucessful", "errorMessage"})
    return str(body["errorMessage"])
