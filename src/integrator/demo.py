"""The demonstration: a home folder, stand-ins on loopback, and the real commands one after the other.

Every claim it prints is looked up in the stand-ins afterwards; a claim that does not hold ends it with 1.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import typer

from integrator.cli import render
from integrator.home import init_home
from integrator.standins.base import Running, serve
from integrator.standins.maconomy import Maconomy
from integrator.standins.wordpress import PASSWORD, WordPress

_TOML = """\
[maconomy]
base_url = "{maconomy}"
auth_value = {{ env = "MACONOMY_AUTH" }}

[wordpress]
base_url = "{wordpress}"
username = "sync"
password = {{ env = "WORDPRESS_PASSWORD" }}
"""


@dataclass
class _Stage:
    """What the demonstration plays on, and the rows of its closing table."""

    home: Path
    maconomy: Maconomy
    wordpress: WordPress
    servers: tuple[Running, Running]
    rows: list[tuple[str, str, str]] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def say(self, text: str) -> None:
        typer.echo(f"\n── {text}")

    def command(self, *arguments: str, expect: int = 0) -> None:
        typer.echo(f"\n$ integrator {' '.join(arguments)}")
        environ = {**os.environ, "INTEGRATOR_HOME": str(self.home)}
        sys.stdout.flush()
        command = [sys.executable, "-m", "integrator", *arguments]
        code = subprocess.run(command, env=environ, stderr=subprocess.STDOUT, check=False).returncode
        typer.echo(f"(exit code {code})")
        self.claim(f"integrator {' '.join(arguments)} ends with {expect}", code == expect)

    def claim(self, what: str, holds: bool) -> None:
        if not holds:
            self.broken.append(what)

    def posts(self, post_type: str = "course_date") -> list[dict[str, Any]]:
        return [post for post in self.wordpress.state()["posts"] if post["type"] == post_type]

    def seats(self, key: str) -> Any:
        return next(post["meta"]["mac_seats_free"] for post in self.posts() if post["meta"]["mac_id"] == key)

    def fault(self, fault: dict[str, Any]) -> None:
        """Maconomy's next list of courses goes wrong."""
        self.servers[0].faults.add({"match": {"path": "/api/course$"}, "times": 1, "fault": fault})

    def writes(self) -> int:
        return len(self.wordpress.effects())


def show(*, keep: bool) -> int:
    """Play it. Gives back 0 when every claim held."""
    with _stage(keep=keep) as stage:
        _first_sync(stage)
        _nothing_to_do(stage)
        _a_seat_is_sold(stage)
        _hands_on_the_site(stage)
        _the_source_fails(stage)
        _the_operator(stage)
        render.print_table(["from → to", "what travelled", "how it was checked"], stage.rows)
        if stage.broken:
            typer.echo("\n  ".join(["These claims did not hold:", *stage.broken]))
            return 1
        typer.echo("Everything above was looked up in the stand-ins afterwards.")
        typer.echo("Next: integrator init /srv/integrator   (README.md: install for real use)")
        return 0


@contextmanager
def _stage(*, keep: bool) -> Iterator[_Stage]:
    folder = Path(tempfile.mkdtemp(prefix="integrator-demo-"))
    maconomy, wordpress = Maconomy(), WordPress()
    with ExitStack() as stack:
        if not keep:
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
        servers = stack.enter_context(serve(maconomy)), stack.enter_context(serve(wordpress))
        wordpress.seed({"meta_off": {"course_date": ["mac_sold_out", "mac_ratio", "mac_clean", "mac_defaulted"]}})
        init_home(folder)
        config = _TOML.format(maconomy=servers[0].url, wordpress=servers[1].url)
        (folder / "config" / "integrator.toml").write_text(config, encoding="utf-8")
        secrets = f"MACONOMY_AUTH=Bearer demo-maconomy-key\nWORDPRESS_PASSWORD={PASSWORD}\n"
        (folder / ".env").write_text(secrets, encoding="utf-8")
        typer.echo(f"A home folder:          {folder}")
        typer.echo(f"Maconomy's stand-in:    {servers[0].url}\nWordPress's stand-in:   {servers[1].url}")
        yield _Stage(folder, maconomy, wordpress, servers)
        if keep:
            typer.echo(f"The home folder was kept: {folder}")


def _first_sync(stage: _Stage) -> None:
    stage.say("First, is everything there that the jobs need?")
    stage.command("check")
    stage.say("What would the first run do? Nothing is sent by asking.")
    stage.command("import-courses", "--dry-run")
    stage.claim("a dry run sends nothing", stage.writes() == 0)
    stage.say("Courses travel: Maconomy → store → WordPress.")
    stage.command("import-courses", "-v")
    mains, dates = len(stage.posts("course")), len(stage.posts())
    stage.claim("4 main courses and 5 dates are on the site", (mains, dates) == (4, 5))
    stage.rows.append(
        ("Maconomy → store → WordPress", f"{mains} main courses, {dates} dates", "posts counted on the site")
    )


def _nothing_to_do(stage: _Stage) -> None:
    stage.say("The same again: nothing changed, so nothing is written.")
    stage.wordpress.clear_ledger()
    stage.command("import-courses", "-v")
    stage.claim("a second run writes nothing", stage.writes() == 0)
    stage.rows.append(("Maconomy → WordPress, again", "0 writes", "the site's ledger of effects"))


def _a_seat_is_sold(stage: _Stage) -> None:
    stage.say("Somebody books: Maconomy has one seat less on 25172-04.")
    stage.maconomy.seed({"set": {"25172-04": {"freeSeats": 6, "registeredParticipants": 14}}})
    stage.command("import-courses", "-v")
    stage.claim("the site shows 6 free seats", stage.seats("25172-04") == 6)
    stage.rows.append(("a sold seat → WordPress", f"1 field of 1 post, {stage.writes()} write", "the post's meta"))


def _hands_on_the_site(stage: _Stage) -> None:
    stage.say("An editor writes their own note; and a seat count of ours is set to 99 by hand.")
    post = next(post for post in stage.posts() if post["meta"]["mac_id"] == "25172-04")
    stage.wordpress.seed({"edit": {"post": post["id"], "as": "editor", "meta": {"ed_times": "Kaffe fra kl. 8.30"}}})
    stage.wordpress.seed({"edit": {"post": post["id"], "as": "admin", "meta": {"mac_seats_free": 99}}})
    stage.command("import-courses", "-v")
    now = next(post for post in stage.posts() if post["meta"]["mac_id"] == "25172-04")["meta"]
    stage.claim("our seat count is put right", now["mac_seats_free"] == 6)
    stage.claim("the editor's note stays", now["ed_times"] == "Kaffe fra kl. 8.30")
    stage.rows.append(("hands on the site", "ours put right, the editor's kept", "both fields read back"))


def _the_source_fails(stage: _Stage) -> None:
    stage.say("Maconomy answers with a login page instead of courses: nothing may change.")
    before = stage.wordpress.state()["posts"]
    stage.fault({"kind": "body", "what": "login"})
    stage.command("import-courses", expect=1)
    stage.say("Then it answers with an empty list: that is not believed either.")
    stage.fault({"kind": "body", "what": "list"})
    stage.command("import-courses", expect=1)
    stage.claim("a failing source changes nothing", stage.wordpress.state()["posts"] == before)
    stage.rows.append(("a failing source", "nothing, twice", "all posts equal before and after"))


def _the_operator(stage: _Stage) -> None:
    stage.say("What happened to 25172-04? And is all well?")
    stage.command("explain", "25172-04")
    stage.command("import-courses")
    stage.command("store", "backup")
    stage.command("status")
