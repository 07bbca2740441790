"""A workshop's clerk without a browser: logs in to the au2office stand-in and posts its forms, as its pages say."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import httpx

from integrator.standins.au2office import Au2Office
from integrator.standins.au2office.serving import TwoOrigins, serve

EMAIL, PASSWORD = "oilmat@example.org", "demo-workshop"
START = datetime(2027, 2, 28, 6, 0, 3, tzinfo=UTC)
LOGIN = "/Account/Login"


class Desk:
    """A served stand-in whose clock stands until a test moves it, and one client of it."""

    def __init__(self) -> None:
        self.now = START
        self.office = Au2Office(lambda: self.now)
        self.running: TwoOrigins = serve(self.office)
        self.client = httpx.Client(base_url=self.running.url, follow_redirects=True, trust_env=False, timeout=300)

    def close(self) -> None:
        self.client.close()
        self.running.stop()

    def go_on(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def control(self, method: str, path: str, body: Any = None) -> Any:
        answer = httpx.request(method, self.running.control_url + path, json=body, trust_env=False)
        answer.raise_for_status()
        return answer.json()

    def seed(self, **settings: Any) -> None:
        self.control("POST", "/seed", settings)

    def stage(self, kind: str, *, case: str | None = None, times: int | None = 1, skip: int = 0, **more: Any) -> None:
        rule = {"fault": {"kind": kind, **more}, "times": times, "skip": skip}
        self.control("POST", "/faults", rule if case is None else {**rule, "case": case})

    def log_in(self, email: str = EMAIL, password: str = PASSWORD, *, page: str = "/") -> httpx.Response:
        form = fields(self.client.get(page).text)
        return self.client.post(self.running.auth_url + LOGIN, data={**form, "Email": email, "Password": password})

    def get(self, path: str) -> str:
        return self.client.get(path).text

    def token(self) -> str:
        """Of this session's forms."""
        return fields(self.get("/sag/56/linjer"))["token"]

    def add(self, number: str, case: str = "56", **more: str) -> httpx.Response:
        """Step one, as "Tilføj" does it."""
        return self.client.post(f"/sag/{case}/linjer", data={"token": self.token(), "varenr": number, **more})

    def put(self, line: int, case: str = "56", **field: str) -> httpx.Response:
        """Step two, one field."""
        return self.client.post(f"/sag/{case}/linjer/{line}", data={"token": self.token(), **field})

    def lines(self, case: str = "56") -> list[dict[str, Any]]:
        """What the shop holds."""
        state = self.control("GET", "/state")
        return list(next(one for one in state["cases"] if one["key"] == case)["lines"])

    def saves(self) -> list[dict[str, Any]]:
        """What the ledger says."""
        return [row["effect"] for row in self.control("GET", "/ledger") if row["effect"]]


def fields(html: str) -> dict[str, str]:
    """The hidden fields of a page; of equal names the last."""
    return {name: unescape(value) for name, value in re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', html)}


def flash(html: str) -> tuple[str, str] | None:
    """Kind and text of the line above a page."""
    found = re.search(r'<div class="flash (\w+)">([^<]*)</div>', html)
    return (found[1], unescape(found[2])) if found else None


def rows(html: str) -> list[dict[str, str]]:
    """The lines on a page, with their ids and cells."""
    found = re.findall(r'<tr data-linje-id="(\d+)"[^>]*>(.*?)</tr>', html)
    return [{"id": line, **dict(re.findall(r'<td data-kol="(\w+)">([^<]*)</td>', cells))} for line, cells in found]
