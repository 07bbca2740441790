"""A home folder whose Maconomy is the stand-in and whose WordPress is the real site; commands run as processes."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wordpress_site import RealWordPress
from world import MACONOMY_AUTH, Result

from integrator.home import init_home
from integrator.standins.base import serve
from integrator.standins.maconomy import Maconomy

KINDS = {"course": "mainCourseId", "course_date": "courseId"}
UNTIL_THE_END_S = 300


@dataclass
class SyncHome:
    """One organisation: `maconomy` is what its ERP says, `site` what visitors see."""

    home: Path
    maconomy: Maconomy
    maconomy_url: str
    site: RealWordPress

    def configure(self, *, wordpress: str = "", password: str | None = None, fields: str = "") -> None:
        """Point the home to both systems; `wordpress` adds settings, `fields` lines to [course.fields]."""
        (self.home / "config" / "integrator.toml").write_text(
            f'[maconomy]\nbase_url = "{self.maconomy_url}"\nauth_value = {{ env = "MACONOMY_AUTH" }}\n'
            f'[wordpress]\nbase_url = "{self.site.base_url}"\nusername = "sync"\n'
            f'password = {{ env = "WORDPRESS_PASSWORD" }}\n{wordpress}\n'
        )
        secrets = self.home / ".env"
        secrets.write_text(
            f"MACONOMY_AUTH={MACONOMY_AUTH}\nWORDPRESS_PASSWORD={password or self.site.credentials['sync']}\n"
        )
        secrets.chmod(0o600)
        if fields:
            mapping = self.home / "config" / "wordpress.toml"
            head, table, rest = mapping.read_text().partition("[course.fields]\n")
            mapping.write_text(f"{head}{table}{fields}\n{rest}")

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """One command as a process group of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "integrator", *arguments],
            env={"INTEGRATOR_HOME": str(self.home), "PATH": os.environ["PATH"]},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments: str) -> Result:
        """One command from its start to its end."""
        process = self.start(*arguments)
        out, err = process.communicate(timeout=UNTIL_THE_END_S)
        return Result(process.returncode, out, err)

    def run_for(self, seconds: float, *arguments: str) -> Result:
        """One command that is killed with -9, its whole group, unless it has ended by then."""
        process = self.start(*arguments)
        try:
            out, err = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            out, err = process.communicate()
        return Result(process.returncode, out, err)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """What a query on the store gives."""
        with closing(sqlite3.connect(self.home / "var" / "integrator.db")) as db:
            return db.execute(sql).fetchall()

    def records(self, post_type: str) -> dict[str, dict[str, Any]]:
        """Maconomy's records that a post type shows, by id."""
        table = self.maconomy.mains if post_type == "course" else self.maconomy.courses
        return {record[KINDS[post_type]]: record for record in table.records()}


@contextmanager
def sync_home(folder: Path, site: RealWordPress, seed: dict[str, Any]) -> Iterator[SyncHome]:
    """A configured home over a staged Maconomy; the site stays as it is."""
    init_home(folder)
    maconomy = Maconomy(seed)
    with serve(maconomy) as erp:
        made = SyncHome(folder, maconomy, erp.url, site)
        made.configure()
        yield made


def posts_by_id(site: RealWordPress, post_type: str) -> dict[str, dict[str, Any]]:
    """Every post of the type, drafts and trash included, by Maconomy's id; a second one fails the test."""
    found: dict[str, dict[str, Any]] = {}
    for post in site.all_posts(post_type):
        key = post["meta"]["mac_id"]
        assert key, f"post {post['id']} carries no id"
        assert key not in found, f"posts {found[key]['id']} and {post['id']} both show {key}"
        found[key] = post
    return found


def stopwatch() -> float:
    return time.monotonic()
