"""A small world for tests of jobs: a home folder, and stand-ins for the outside systems on loopback."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

from desks import form
from integrator.cli import main
from integrator.database import Database, connect
from integrator.desk import open_desk
from integrator.home import find_home, init_home
from integrator.jobs import booking
from integrator.jobs.booking import Desk
from integrator.standins.base import Running, serve
from integrator.standins.maconomy import Maconomy
from integrator.standins.mailgun import DOMAIN, KEY, Mailgun
from integrator.standins.wordpress import PASSWORD, WordPress

MACONOMY_AUTH = "Bearer demo-maconomy-key"


@dataclass(frozen=True)
class Result:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class World:
    """One organisation: its home, its Maconomy, its WordPress, its Mailgun (switched off until configured)."""

    home: Path
    maconomy: Maconomy
    wordpress: WordPress
    mailgun: Mailgun
    servers: tuple[Running, Running, Running]

    @property
    def maconomy_url(self) -> str:
        return self.servers[0].url

    @property
    def wordpress_url(self) -> str:
        return self.servers[1].url

    def configure(
        self,
        *,
        wordpress: bool = True,
        mailgun: bool = False,
        maconomy_extra: str = "",
        wordpress_extra: str = "settle_s = 1.0",
        mailgun_extra: str = "",
        more: str = "",
    ) -> None:
        text = (
            f'[maconomy]\nbase_url = "{self.maconomy_url}"\n'
            f'auth_value = {{ env = "MACONOMY_AUTH" }}\n{maconomy_extra}\n'
        )
        if wordpress:
            text += (
                f'[wordpress]\nbase_url = "{self.wordpress_url}"\nusername = "sync"\n'
                f'password = {{ env = "WORDPRESS_PASSWORD" }}\n{wordpress_extra}\n'
            )
        if mailgun:
            text += (
                f'[mailgun]\nbase_url = "{self.servers[2].url}"\ndomain = "{DOMAIN}"\n'
                f'api_key = {{ env = "MAILGUN_API_KEY" }}\nfrom = "Kurser <kurser@{DOMAIN}>"\n{mailgun_extra}\n'
            )
        (self.home / "config" / "integrator.toml").write_text(text + more, encoding="utf-8")
        secrets = self.home / ".env"
        secrets.touch(0o600)
        known = {"MACONOMY_AUTH": MACONOMY_AUTH, "WORDPRESS_PASSWORD": PASSWORD, "MAILGUN_API_KEY": KEY}
        secrets.write_text("".join(f"{name}={value}\n" for name, value in known.items()), encoding="utf-8")

    def run(self, *arguments: str) -> Result:
        """One command in this process, as the console script would run it."""
        out, err = io.StringIO(), io.StringIO()
        environ = {"INTEGRATOR_HOME": str(self.home), "PATH": os.environ["PATH"], "TZ": "Europe/Copenhagen"}
        code: int | str | None = 0
        with patch.dict(os.environ, environ, clear=True), patch.object(sys, "argv", ["integrator", *arguments]):
            try:
                with redirect_stdout(out), redirect_stderr(err):
                    main()
            except SystemExit as end:
                code = end.code
        return Result(int(code or 0), out.getvalue(), err.getvalue())

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """One command as a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "integrator", *arguments],
            env={"INTEGRATOR_HOME": str(self.home), "PATH": os.environ["PATH"]},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    @contextmanager
    def desk(self) -> Iterator[Desk]:
        """The booking desk, as the gateway opens it."""
        environ = {"INTEGRATOR_HOME": str(self.home)}
        with open_desk(find_home(environ), environ, asks=True) as found:
            yield found

    def order(self, seats: int = 1, *, who: str = "a", class_id: str = "25172-04") -> int:
        """A complete order, by the functions of the desk; gives back its number."""
        with self.desk() as desk:
            order = int(booking.reserve(desk, class_id, seats=seats, key=f"{who}-{class_id}-{seats}")["order"])
            booking.complete(desk, order, form(seats, who=who, at=datetime.now(UTC).isoformat()))
        return order

    def finish(self, process: "subprocess.Popen[str]") -> Result:
        """Wait for a command that was started."""
        out, err = process.communicate(timeout=300)
        return Result(process.returncode, out, err)

    @contextmanager
    def store(self) -> Iterator[Database]:
        db = connect(self.home / "var" / "integrator.db")
        try:
            yield db
        finally:
            db.close()

    def rows(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with self.store() as db:
            return [tuple(row) for row in db.all(sql, parameters)]

    def posts(self, post_type: str = "course_date") -> dict[str, dict[str, Any]]:
        """The site's posts by our id; a second one with the same id fails the test."""
        found: dict[str, dict[str, Any]] = {}
        for post in self.all_posts(post_type):
            assert post["meta"]["mac_id"] not in found, f"two posts for {post['meta']['mac_id']}"
            found[post["meta"]["mac_id"]] = post
        return found

    def posts_by_slug(self, post_type: str = "course_date") -> dict[str, dict[str, Any]]:
        return {post["slug"]: post for post in self.all_posts(post_type)}

    def all_posts(self, post_type: str = "course_date") -> list[dict[str, Any]]:
        return [post for post in self.wordpress.state()["posts"] if post["type"] == post_type]

    def writes(self) -> list[dict[str, Any]]:
        """What was written on the site since the ledger was cleared."""
        return self.wordpress.effects()

    def registrations(self) -> list[str]:
        """References of the participants whom Maconomy has registered, in that order."""
        return [effect["reference"] for effect in self.maconomy.effects() if effect["kind"] == "webparticipant"]

    def mails(self) -> list[str]:
        """Keys of the mails that Mailgun took, in that order."""
        return [effect["key"] for effect in self.mailgun.effects() if effect["kind"] == "mail"]

    def forget_requests(self) -> None:
        self.wordpress.clear_ledger()
        self.maconomy.clear_ledger()
        self.mailgun.clear_ledger()


@contextmanager
def world(home: Path) -> Iterator[World]:
    """A configured home with both stand-ins running."""
    init_home(home)
    maconomy, wordpress, mailgun = Maconomy(), WordPress(), Mailgun()
    with serve(maconomy) as erp, serve(wordpress) as site, serve(mailgun) as post:
        made = World(home, maconomy, wordpress, mailgun, (erp, site, post))
        made.configure()
        yield made
