"""The gateway for tests: a home of world.py with its keys and two workshops, and a clock that only moves when told to.

with doors(tmp_path / "home") as here:
    here.website("POST", "/api/orders", json={…}).json
    here.publish(); here.portal("reserve", courseClassExternalId="25172-04")
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import flask
from werkzeug.test import TestResponse

from desks import T0, publish
from integrator.gateway import create_app
from integrator.home import Home
from world import World, world

CLASS = "25172-04"
WEBSITE_KEY = "website-key-0123456789"
OILMAT_KEY = "oilmat-key-0123456789"
TOKEN = "portal-token-0123456789"
SIGNING_KEY = "signing-key-0123456789"
ERP_PASSWORD = "hemmelig-kode-4711"
SECRETS = {
    "WEBSITE_KEY": WEBSITE_KEY,
    "OILMAT_KEY": OILMAT_KEY,
    "PORTAL_TOKEN": TOKEN,
    "PORTAL_SIGNING_KEY": SIGNING_KEY,
    "ERP_PASSWORD": ERP_PASSWORD,
}
KEYS = """
website_key = { env = "WEBSITE_KEY" }
oilmat_key = { env = "OILMAT_KEY" }
trainingportal_token = { env = "PORTAL_TOKEN" }
trainingportal_signing_key = { env = "PORTAL_SIGNING_KEY" }
"""
_WORKSHOP = """
[{id}]
name = "{name}"
type = "{type}"
base_url = "http://127.0.0.1:1/{id}"
username = "oilmat@example.org"
password = {{ env = "ERP_PASSWORD" }}
"""
LINE = {"case_id": "560", "product_nr": "OL-0530", "product_amount": "5.5", "unique_id": "0007"}


@dataclass
class Doors:
    """The gateway of a home, and whoever calls it."""

    world: World
    now: float = T0
    app: flask.Flask = field(init=False)
    made: list[flask.Flask] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.configure()

    @property
    def home(self) -> Path:
        return self.world.home

    @property
    def environ(self) -> dict[str, str]:
        return {"INTEGRATOR_HOME": str(self.home), "PATH": os.environ["PATH"], "TZ": "Europe/Copenhagen"}

    def configure(self, *, keys: str = KEYS, gateway: str = "", more: str = "", maconomy: bool = True) -> None:
        """[gateway] with these keys and lines, further tables, and the application anew."""
        table = f"[gateway]\n{keys}{gateway}\n{more}\n"
        self.world.configure(wordpress=False, more=table)
        config = self.home / "config" / "integrator.toml"
        if not maconomy:
            config.write_text(table, encoding="utf-8")
        with (self.home / ".env").open("a", encoding="utf-8") as file:
            file.write("".join(f"{name}={value}\n" for name, value in SECRETS.items()))
        shops = (("bennys-auto", "Bennys Auto", "au2office"), ("nord", "Nord Biler", "admanager"))
        text = "".join(_WORKSHOP.format(id=id_, name=name, type=kind) for id_, name, kind in shops)
        (self.home / "config" / "workshops.toml").write_text(text, encoding="utf-8")
        self.app = create_app(Home(self.home), self.environ, clock=lambda: self.now)
        self.made.append(self.app)

    def close(self) -> None:
        for app in self.made:
            app.extensions["desks"].close()

    def ask(self, method: str, path: str, **rest: Any) -> TestResponse:
        """One request of anybody's."""
        return self.app.test_client().open(path, method=method, **rest)

    def website(self, method: str, path: str, *, key: str = WEBSITE_KEY, **rest: Any) -> TestResponse:
        headers = {"X-Api-Key": key} | rest.pop("headers", {})
        return self.ask(method, path, headers=headers, **rest)

    def oilmat(self, method: str, path: str, *, key: str = OILMAT_KEY, **rest: Any) -> TestResponse:
        return self.ask(method, f"/oilmat/{path}", headers={"X-Api-Key": key} | rest.pop("headers", {}), **rest)

    def portal(self, what: str, *, headers: dict[str, str] | None = None, **query: str) -> TestResponse:
        return self.ask("GET", f"/trainingportal/{TOKEN}/{what}", query_string=query, headers=headers or {})

    def publish(self, class_id: str = CLASS) -> None:
        """Trainingportal has taken this class from us."""
        with self.app.extensions["desks"].open() as desk, desk.db.tx():
            publish(desk.db, class_id)

    def order(self, seats: int = 1, key: str = "k") -> int:
        answer = self.website("POST", "/api/orders", json={"class_id": CLASS, "seats": seats, "key": key})
        assert answer.status_code == 201, answer.text
        return int(answer.json["order"])

    def rows(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        return self.world.rows(sql, *parameters)

    def log(self) -> str:
        path = self.home / "var" / "log" / "integrator.log"
        return path.read_text() if path.exists() else ""


@contextmanager
def doors(home: Path) -> Iterator[Doors]:
    with world(home) as made:
        here = Doors(made)
        try:
            yield here
        finally:
            here.close()
