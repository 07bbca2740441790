"""A home folder whose Maconomy is the stand-in and whose WordPress is the real site; commands run as processes."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wordpress_site import OWN_TYPES, RealWordPress

from integrator.home import init_home
from integrator.standins.base import serve
from integrator.standins.maconomy import Maconomy
from world import MACONOMY_AUTH, Result

UNTIL_THE_END_S = 300
KILLED = -signal.SIGKILL

Pictures = dict[str, dict[str, Any]]


@dataclass
class SyncHome:
    """One organisation: `maconomy` is what its ERP says, `site` what visitors see."""

    home: Path
    maconomy: Maconomy
    maconomy_url: str
    site: RealWordPress

    def configure(self, *, wordpress: str = "", password: str | None = None, course_fields: str = "") -> None:
        """Point the home to both systems; `wordpress` adds settings there, `course_fields` lines to the mapping."""
        (self.home / "config" / "integrator.toml").write_text(
            f'[maconomy]\nbase_url = "{self.maconomy_url}"\nauth_value = {{ env = "MACONOMY_AUTH" }}\n'
            f'[wordpress]\nbase_url = "{self.site.base_url}"\nusername = "sync"\n'
            f'password = {{ env = "WORDPRESS_PASSWORD" }}\n{wordpress}\n'
        )
        secrets = self.home / ".env"
        secrets.touch(0o600)
        secrets.write_text(
            f"MACONOMY_AUTH={MACONOMY_AUTH}\nWORDPRESS_PASSWORD={password or self.site.credentials['sync']}\n"
        )
        mapping = self.home / "config" / "wordpress.toml"
        head, table, rest = mapping.read_text().partition("[course.fields]\n")
        mapping.write_text(f"{head}{table}{course_fields}\n{rest}")

    def run(self, *arguments: str, killed_after_s: float | None = None) -> Result:
        """One command as a process group of its own, killed with -9 if it has not ended by then (code `KILLED`)."""
        process = subprocess.Popen(
            [sys.executable, "-m", "integrator", *arguments],
            env={"INTEGRATOR_HOME": str(self.home), "PATH": os.environ["PATH"]},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            out, err = process.communicate(timeout=killed_after_s or UNTIL_THE_END_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            out, err = process.communicate()
        return Result(process.returncode, out, err)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """What a query on the store gives; nothing when there is no store yet."""
        store = self.home / "var" / "integrator.db"
        if not store.exists():
            return []
        with closing(sqlite3.connect(store)) as db:
            return db.execute(sql).fetchall()

    def outbox(self) -> dict[str, int]:
        """How many messages are in which state."""
        if not self.rows("SELECT 1 FROM sqlite_master WHERE name = 'outbox'"):
            return {}
        return dict(self.rows("SELECT state, count(*) FROM outbox GROUP BY state"))


@contextmanager
def sync_home(folder: Path, site: RealWordPress, seed: dict[str, Any]) -> Iterator[SyncHome]:
    """A configured home over a staged Maconomy; the site stays as it is."""
    init_home(folder)
    maconomy = Maconomy(seed)
    with serve(maconomy) as erp:
        made = SyncHome(folder, maconomy, erp.url, site)
        made.configure()
        yield made


def posts_by_id(site: RealWordPress, post_type: str) -> Pictures:
    """Every post of the type, drafts and trash included, by Maconomy's id; a second one fails the test."""
    found: Pictures = {}
    for post in site.all_posts(post_type):
        key = post["meta"]["mac_id"]
        assert key, f"post {post['id']} carries no id"
        assert key not in found, f"posts {found[key]['id']} and {post['id']} both show {key}"
        found[key] = post
    return found


def picture(site: RealWordPress) -> dict[str, Pictures]:
    """What the site shows, by type and Maconomy's id, without what differs between two runs that did the same."""
    posts = {post_type: posts_by_id(site, post_type) for post_type in OWN_TYPES}
    main_ids = {post["id"]: key for key, post in posts["course"].items()}
    return {
        post_type: {key: _shown(post, main_ids) for key, post in found.items()} for post_type, found in posts.items()
    }


def _shown(post: dict[str, Any], main_ids: dict[int, str]) -> dict[str, Any]:
    texts: dict[str, Any] = {name: post[name]["raw"] for name in ("title", "content", "excerpt") if name in post}
    meta = {key: value for key, value in post["meta"].items() if key != "mac_synced_at"}
    if "mac_course_post" in meta:
        meta["mac_course_post"] = main_ids.get(meta["mac_course_post"])
    return {"slug": post["slug"], "status": post["status"], **texts, "meta": meta, "acf": post.get("acf")}
