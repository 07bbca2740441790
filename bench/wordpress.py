"""1,000 updates on a real WordPress: the whole command beside a bare loop over /batch/v1 with the same bodies."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import httpx

from bench.processes import integrator
from bench.table import Row
from integrator.home import init_home
from integrator.standins.base import Answer, Request, StandIn, serve
from integrator.standins.maconomy import Maconomy

DATES = 1000
ROUNDS = 5
MOST = 1.2
MACONOMY_AUTH = "Bearer demo-maconomy-key"
HEADERS_KEPT = ("authorization", "content-type", "accept", "user-agent")
ANSWERS_KEPT = ("x-wp-total", "x-wp-totalpages", "allow")
REAL = Path(__file__).parents[1] / "tests" / "real"


class Site(Protocol):
    """A running test site that may be emptied: `credentials` are application passwords of admin and sync."""

    base_url: str

    @property
    def credentials(self) -> Mapping[str, str]: ...

    def wipe(self) -> int: ...


class _Listener(StandIn):
    """Stands between the command and the site for one run, and keeps the batches that went through."""

    name = "listener"

    def __init__(self, client: httpx.Client) -> None:
        super().__init__()
        self._client = client
        self.batches: list[bytes] = []

    def handle(self, request: Request) -> Answer:
        if request.method == "POST":
            self.batches.append(request.body)
        headers = {name: value for name, value in request.headers.items() if name in HEADERS_KEPT}
        got = self._client.request(request.method, request.target, headers=headers, content=request.body)
        kept = {name: got.headers[name] for name in ANSWERS_KEPT if name in got.headers}
        return Answer(got.status_code, got.content, kept)


def measure(site: Site, *, dates: int = DATES, rounds: int = ROUNDS, every_field: bool = False) -> dict[str, Any]:
    """Update every date by the command and by the bare loop in turn; all course posts of the site are lost.

    Shape   {"updates": 1000, "requests": 40, "ours_s": [...], "bare_s": [...], "ratio": 1.1}; ratio of the best ones.
            every_field: nearly all fields of each date differ, as after a new mapping; otherwise its seats alone
    Units   seconds by the wall, most of them PHP's; ours is the whole command, with its start and both readings
    """
    site.wipe()
    try:
        with tempfile.TemporaryDirectory() as folder, _client(site) as client:
            return _measure(site, client, Path(folder) / "home", dates, rounds, _fields if every_field else _seats)
    finally:
        site.wipe()


def _measure(
    site: Site, client: httpx.Client, home: Path, dates: int, rounds: int, values: Callable[[int], dict[str, Any]]
) -> dict[str, Any]:
    maconomy, listener = Maconomy({"main_courses": 20, "courses": dates}), _Listener(client)
    init_home(home)
    with serve(maconomy) as erp, serve(listener) as between:
        _configure(home, erp.url, site.base_url, site.credentials["sync"])
        _import(home)
        _configure(home, erp.url, between.url, site.credentials["sync"])
        _change_all(maconomy, values(0))
        _import(home)
        bodies = list(listener.batches)
        _configure(home, erp.url, site.base_url, site.credentials["sync"])
        ours, bare = [], []
        for number in range(1, rounds + 1):
            _change_all(maconomy, values(number))
            ours.append(_timed(lambda: _import(home)))
            bare.append(_timed(lambda: _send(client, bodies)))
    parts = sum(len(json.loads(body)["requests"]) for body in bodies)
    if parts != dates:
        raise RuntimeError(f"the command sent {parts} updates instead of {dates}: the comparison says nothing")
    # The best of each: what disturbs a round (another process, a slow disk) only ever makes it longer.
    ratio = min(ours) / min(bare)
    return {"updates": parts, "requests": len(bodies), "ours_s": ours, "bare_s": bare, "ratio": ratio}


def _client(site: Site) -> httpx.Client:
    return httpx.Client(base_url=site.base_url, auth=("sync", site.credentials["sync"]), timeout=60, trust_env=False)


def _configure(home: Path, maconomy_url: str, wordpress_url: str, password: str) -> None:
    (home / "config" / "integrator.toml").write_text(
        f'[maconomy]\nbase_url = "{maconomy_url}"\nauth_value = {{ env = "MACONOMY_AUTH" }}\n'
        f'[wordpress]\nbase_url = "{wordpress_url}"\nusername = "sync"\npassword = {{ env = "WORDPRESS_PASSWORD" }}\n'
    )
    (home / ".env").write_text(f"MACONOMY_AUTH={MACONOMY_AUTH}\nWORDPRESS_PASSWORD={password}\n")


def _change_all(maconomy: Maconomy, values: dict[str, Any]) -> None:
    for key in maconomy.courses.ids():
        maconomy.courses.update(key, values)


def _seats(number: int) -> dict[str, Any]:
    """Other seats in every round: nothing is level, and every value is a new one there."""
    return {"maxParticipants": 1000, "freeSeats": 900 - number}


def _fields(number: int) -> dict[str, Any]:
    """What a date may have other in every round; its id, its main course and its status stay."""
    day = {"date": f"{number + 1:02}-03-2027", "startTime": f"{number:02}:30", "endTime": f"{number + 12}:00"}
    place = {"location": f"Sal {number}", "city": ("Vejle", "Køge")[number % 2]}
    money = {"price": f"{number + 1}.900,00", "currency": ("DKK", "SEK")[number % 2]}
    seats = {"maxParticipants": 1000 - number, "freeSeats": 900 - number}
    return {"courseDays": [day | place], "startDate": day["date"], "endDate": day["date"], **place, **money, **seats}


def _import(home: Path) -> None:
    environ = {"INTEGRATOR_HOME": str(home), "PATH": os.environ["PATH"]}
    done = subprocess.run(integrator("import-courses"), env=environ, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"import-courses ended with {done.returncode}: {done.stderr}")


def _send(client: httpx.Client, bodies: list[bytes]) -> None:
    for body in bodies:
        answer = client.post("/wp-json/batch/v1", content=body, headers={"Content-Type": "application/json"})
        if any(part["status"] != 200 for part in answer.json()["responses"]):
            raise RuntimeError(f"the bare loop was refused: {answer.text[:300]}")


def _timed(work: Callable[[], None]) -> float:
    begun = time.monotonic()
    work()
    return time.monotonic() - begun


def rows() -> list[Row]:
    """Boot the test site, measure, and end it again; nothing, and a word on stderr, where that cannot be done."""
    if os.geteuid() != 0:
        print("bench: the real WordPress needs root; left out", file=sys.stderr)
        return []
    sys.path.insert(0, str(REAL))
    from wordpress_site import running

    with running() as site:
        return [
            _row("seats changed", measure(site)),
            _row("every field changed", measure(site, every_field=True)),
        ]


def _row(work: str, found: dict[str, Any]) -> Row:
    ours, bare = min(found["ours_s"]), min(found["bare_s"])
    work = f"wordpress: {found['updates']} updates, {work} (clock)"
    return Row(work, f"{ours:.1f} s", f"{bare:.1f} s", found["ratio"], MOST)
