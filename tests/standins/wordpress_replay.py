"""Asks the WordPress stand-in without a network, and puts recorded steps to it."""

import base64
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from integrator.standins.base import Answer, Headers, Request
from integrator.standins.wordpress import PASSWORD, WordPress

SAMPLES = Path(__file__).parent.parent / "samples" / "wordpress"
HOST = "iliwordpress.example.org"
START = datetime(2026, 11, 21, 16, 51, 11, tzinfo=UTC)


class Clock:
    """Stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def go_on(self, seconds: int = 60) -> None:
        self.now += timedelta(seconds=seconds)


class Site:
    """A stand-in with a clock of its own, and a short way to ask it."""

    def __init__(self, **seed: Any) -> None:
        self.clock = Clock()
        self.standin = WordPress(self.clock)
        self.standin.seed(seed)
        self.effects: list[dict[str, Any]] = []

    def ask(
        self,
        method: str,
        target: str,
        body: Any = None,
        *,
        user: str | None = "sync",
        password: str = PASSWORD,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """One request; a dict becomes a JSON body, text goes as it is."""
        given = {"Host": HOST, "Accept": "application/json"}
        if user:
            given["Authorization"] = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
        if body is not None and not isinstance(body, str):
            given["Content-Type"] = "application/json"
            body = json.dumps(body)
        path, _, query = target.partition("?")
        sent = Headers(list({**given, **(headers or {})}.items()))
        request = Request(method, unquote(path), parse_qs(query, True), sent, (body or "").encode(), target)
        answer = self.standin.handle(request)
        self.effects += request.effects
        return answer

    def rest(self, method: str, target: str, body: Any = None, **how: Any) -> Any:
        """The body of an answer under /wp-json/wp/v2."""
        return self.ask(method, f"/wp-json/wp/v2{target}", body, **how).body

    def posts(self, kind: str = "") -> list[dict[str, Any]]:
        """What is stored, without any network's opinion."""
        return [post for post in self.standin.state()["posts"] if kind in ("", post["type"])]


def json_of(answer: Answer) -> Any:
    """The body as a client reads it."""
    return json.loads(answer.encoded() or b"null")


def sample(name: str) -> list[dict[str, Any]]:
    """The steps of a recorded sample."""
    steps: list[dict[str, Any]] = json.loads((SAMPLES / f"{name}.json").read_text("utf-8"))["steps"]
    return steps


def put(site: Site, step: dict[str, Any], **how: Any) -> Answer:
    """Put a recorded request to the stand-in."""
    request = step["request"]
    address = urlsplit(request["url"])
    headers = {name: value for name, value in request["headers"].items() if name != "Authorization"}
    found = re.search(r"redacted: (\w+):", request["headers"].get("Authorization", ""))
    how = {"user": found[1] if found else None, **how}
    body = request.get("json", request.get("body"))
    return site.ask(request["method"], f"{address.path}?{address.query}", body, headers=headers, **how)


class Measured:
    """The recorded answers of one group, with the ids and times of the recording replaced by names."""

    def __init__(self, group: dict[str, Any]) -> None:
        # Trainers have an address since after the recording.
        self.site = Site(**{"meta_off": {"trainer": ["ed_email"]}, **group["seed"]})
        self.steps: list[dict[str, Any]] = group["steps"]
        self.ids: dict[str, int] = {}

    def outcomes(self) -> Iterator[tuple[int, dict[str, Any], dict[str, Any], dict[str, Any]]]:
        """(number, step, what was recorded, what the stand-in answers) of every step, in order."""
        for number, step in enumerate(self.steps):
            answer = self._asked(step)
            body = json_of(answer)
            self._remember(step, body)
            heads = {name.lower(): value for name, value in answer.headers.items()}
            heads = {name: value for name, value in heads.items() if name != "link" or "api.w.org" not in value}
            recorded = {"status": step["status"], "answer": step["answer"], "headers": step["answer_headers"]}
            ours = {"status": answer.status, "answer": self._named(body), "headers": self._named(heads)}
            yield number, step, _numberless(recorded), _numberless(ours)

    def _asked(self, step: dict[str, Any]) -> Answer:
        body = self._filled(step["json"]) if "json" in step else step.get("body")
        how = {"user": step.get("user", "sync"), "password": step.get("password", PASSWORD)}
        return self.site.ask(step["method"], self._filled(step["path"]), body, headers=step.get("headers"), **how)

    def _remember(self, step: dict[str, Any], body: Any) -> None:
        if "as" in step and isinstance(body, dict) and "id" in body:
            self.ids[step["as"]] = body["id"]
        for name, path in step.get("capture", {}).items():
            value = body
            for part in path.split("."):
                value = value[int(part)] if isinstance(value, list) else value[part]
            self.ids[name] = value

    def _filled(self, value: Any) -> Any:
        if isinstance(value, str):
            return re.sub(r"\{(\w+)\}", lambda found: str(self.ids.get(found[1], found[0])), value)
        if isinstance(value, list):
            return [self._filled(item) for item in value]
        return {name: self._filled(item) for name, item in value.items()} if isinstance(value, dict) else value

    def _named(self, value: Any) -> Any:
        if isinstance(value, str):
            value = value.replace(f"http://{HOST}", "BASE")
            for name, post_id in self.ids.items():
                value = re.sub(rf"(?<=[/=]){post_id}(?![0-9])", f"{{{name}}}", value)
            return re.sub(r"^2026-1\d-\d\dT\d\d:\d\d:\d\d$", "NOW", value)
        if isinstance(value, list):
            return [self._named(item) for item in value]
        return {name: self._named(item) for name, item in value.items()} if isinstance(value, dict) else value


LEFT_OUT = {"capabilities", "extra_capabilities", "avatar_urls", "description"}


def _numberless(value: Any) -> Any:
    """Ids that no step has named differ from site to site."""
    if isinstance(value, dict):
        kept = {name: item for name, item in value.items() if name not in LEFT_OUT}
        return {
            name: "ID" if name == "id" and isinstance(item, int | str) else _numberless(item)
            for name, item in kept.items()
        }
    if isinstance(value, list):
        return [_numberless(item) for item in value]
    return re.sub(r"(?<=[/=])\d+(?=$|/)", "N", value) if isinstance(value, str) else value
