"""A home folder, and stand-ins of the outside systems in processes of their own."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from integrator.home import init_home

AUTHORIZATION = "Bearer demo-maconomy-key"


@dataclass(frozen=True)
class Server:
    """A stand-in: the address of its clients, and the one that stages it."""

    url: str
    control_url: str

    def seed(self, settings: dict[str, Any]) -> None:
        request = urllib.request.Request(f"{self.control_url}/seed", json.dumps(settings).encode())
        urllib.request.urlopen(request, timeout=300).close()

    def state(self) -> dict[str, Any]:
        """All that it holds."""
        with urllib.request.urlopen(f"{self.control_url}/state", timeout=300) as answer:
            found: dict[str, Any] = json.load(answer)
        return found

    def ledger(self, *, path: str) -> list[dict[str, Any]]:
        """What arrived at a path, each with "at", in seconds since 1970."""
        with urllib.request.urlopen(f"{self.control_url}/ledger?path={path}", timeout=300) as answer:
            found: list[dict[str, Any]] = json.load(answer)
        return found


@contextmanager
def served(code: str, *arguments: str) -> Iterator[Server]:
    """A stand-in that this code serves, until the end of the block."""
    process = subprocess.Popen([sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    try:
        ready = json.loads(process.stdout.readline())
        yield Server(ready["url"], ready["control_url"])
    finally:
        process.terminate()
        process.wait()


@contextmanager
def standin(name: str) -> Iterator[Server]:
    """A stand-in as `integrator standin` runs it."""
    with served("from integrator.cli import main; main()", "standin", name) as server:
        yield server


def home_with(root: Path, *, maconomy: str, mailgun: str | None = None, portal: str | None = None) -> Path:
    """A home that talks to these addresses."""
    init_home(root)
    text = f'[maconomy]\nbase_url = "{maconomy}"\nauth_value = {{ env = "MACONOMY_AUTH" }}\nlist_timeout_s = 300\n'
    secrets = f"MACONOMY_AUTH={AUTHORIZATION}\n"
    if mailgun:
        from integrator.standins.mailgun import DOMAIN, KEY

        text += f'[mailgun]\nbase_url = "{mailgun}"\ndomain = "{DOMAIN}"\napi_key = {{ env = "MAILGUN_API_KEY" }}\n'
        text += f'from = "Kurser <kurser@{DOMAIN}>"\n'
        secrets += f"MAILGUN_API_KEY={KEY}\n"
    if portal:
        from integrator.standins.trainingportal import PASSWORD, USERNAME

        text += f'[trainingportal]\nbase_url = "{portal}"\nusername = "{USERNAME}"\n'
        text += 'password = { env = "TRAININGPORTAL_PASSWORD" }\n'
        secrets += f"TRAININGPORTAL_PASSWORD={PASSWORD}\n"
    (root / "config" / "integrator.toml").write_text(text, encoding="utf-8")
    (root / ".env").write_text(secrets, encoding="utf-8")
    return root


def with_gateway(root: Path) -> tuple[Path, str]:
    """A home whose gateway lets the website in, as often as it likes; and the website's key."""
    key = "bench-website-key"
    with open(root / "config" / "integrator.toml", "a", encoding="utf-8") as config:
        config.write('[gateway]\nwebsite_key = { env = "WEBSITE_KEY" }\nrate_per_minute = 100000\n')
    with open(root / ".env", "a", encoding="utf-8") as secrets:
        secrets.write(f"WEBSITE_KEY={key}\n")
    return root, key


def with_workshops(root: Path, workshops: dict[str, tuple[str, str]]) -> Path:
    """A home, made if it is not there, that works for these workshops and knows no OilMat. Shape  {id: (type, url)}"""
    if not root.exists():
        init_home(root)
    table = '[{0}]\nname = "{0}"\ntype = "{1}"\nbase_url = "{2}"\nusername = "oilmat@example.org"\n{3}\n'
    secret = 'password = { env = "WORKSHOP_PASSWORD" }'
    text = "\n".join(table.format(name, kind, url, secret) for name, (kind, url) in workshops.items())
    (root / "config" / "workshops.toml").write_text(text, encoding="utf-8")
    with open(root / ".env", "a", encoding="utf-8") as secrets:
        secrets.write("WORKSHOP_PASSWORD=demo-workshop\n")
    return root


def classes(count: int, *, seats: int) -> list[dict[str, Any]]:
    """So many classes as the Maconomy stand-in holds them: two months ahead, open, nobody registered."""
    from integrator.standins import catalogue

    sample = catalogue.sample("course")[0]
    day = f"{datetime.now(UTC) + timedelta(days=60):%d-%m-%Y}"
    changed: dict[str, Any] = {
        "startDate": day,
        "endDate": day,
        "courseDays": [{**sample["courseDays"][0], "date": day}],
    }
    changed |= {"maxParticipants": seats, "registeredParticipants": 0, "freeSeats": seats}
    ids = [class_id(number) for number in range(count)]
    return [{**sample, **changed, "courseId": name, "mainCourseId": name.partition("-")[0]} for name in ids]


def class_id(number: int) -> str:
    """The id of the class of that number among classes(). Shape  25001-07"""
    return f"{25_000 + number // 100}-{number % 100:02d}"
