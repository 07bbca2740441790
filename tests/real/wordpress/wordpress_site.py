"""A running WordPress as the tests see it: calls by role, whole lists, wiping, faults, and what nginx was asked."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

HERE = Path(__file__).parent
OWN_TYPES = ("course", "course_date")
BATCH = 25  # the most parts core takes in one batch
READS = ("GET", "HEAD", "OPTIONS")


@dataclass(frozen=True)
class Asked:
    """One line of nginx's access log; `user` is the name of the Basic login, "-" without one."""

    method: str
    status: int
    user: str
    seconds: float
    uri: str


def boot(port: int, state: Path) -> None:
    """Start the site, or what is missing of it; nothing happens when it runs already."""
    _script("wordpress_up.sh", port, state)


def shut_down(port: int, state: Path) -> None:
    """End the site's processes; its state folder stays."""
    _script("wordpress_down.sh", port, state)


@contextmanager
def running() -> Iterator[RealWordPress]:
    """The site, booted when it does not run, and ended again unless REAL_WORDPRESS_KEEP=1.

    REAL_WORDPRESS_PORT (8089) and REAL_WORDPRESS_STATE (a folder for everything it writes) are read.
    """
    port = int(os.environ.get("REAL_WORDPRESS_PORT", "8089"))
    default = Path(tempfile.gettempdir()) / f"real-wordpress-{port}"
    state = Path(os.environ.get("REAL_WORDPRESS_STATE", default))
    boot(port, state)
    site = RealWordPress(f"http://127.0.0.1:{port}", state, json.loads((state / "credentials.json").read_text()))
    try:
        yield site
    finally:
        site.close()
        if os.environ.get("REAL_WORDPRESS_KEEP") != "1":
            shut_down(port, state)


def _script(name: str, port: int, state: Path) -> None:
    env = os.environ | {"REAL_WORDPRESS_STATE": str(state)}
    done = subprocess.run(
        ["bash", str(HERE / name), str(port)], env=env, capture_output=True, text=True, timeout=600, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{name} ended with {done.returncode}:\n{done.stderr or done.stdout}")


@dataclass
class RealWordPress:
    """The site at `base_url` (`http://127.0.0.1:8089`); paths in the methods start after `/wp-json`.

    `credentials` are application passwords: admin, editor (may post any HTML), sync (role course_sync).
    """

    base_url: str
    state: Path
    credentials: dict[str, str]
    _clients: dict[str, httpx.Client] = field(default_factory=dict)

    def call(self, who: str, method: str, path: str, json: Any = None, **more: Any) -> httpx.Response:
        """Ask as `admin`, `editor`, `sync`, or anything else for nobody; never raises on a status."""
        return self._client(who).request(method, f"/wp-json{path}", json=json, **more)

    def as_admin(self, method: str, path: str, json: Any = None, **more: Any) -> httpx.Response:
        return self.call("admin", method, path, json, **more)

    def as_editor(self, method: str, path: str, json: Any = None, **more: Any) -> httpx.Response:
        return self.call("editor", method, path, json, **more)

    def as_sync(self, method: str, path: str, json: Any = None, **more: Any) -> httpx.Response:
        return self.call("sync", method, path, json, **more)

    def as_visitor(self, method: str, path: str, json: Any = None, **more: Any) -> httpx.Response:
        return self.call("visitor", method, path, json, **more)

    def all_posts(self, post_type: str, fields: str = "") -> list[dict[str, Any]]:
        """Every post of the type in edit context, lowest id first, then those in the trash."""
        return [*self._listed(post_type, "any", fields), *self._listed(post_type, "trash", fields)]

    def _listed(self, post_type: str, status: str, fields: str) -> Iterator[dict[str, Any]]:
        params = {"status": status, "context": "edit", "per_page": "100", "orderby": "id", "order": "asc"}
        if fields:
            params["_fields"] = fields
        page, pages = 0, 1
        while page < pages:
            page += 1
            answer = self.as_admin("GET", f"/wp/v2/{post_type}", params=params | {"page": str(page)})
            answer.raise_for_status()
            pages = int(answer.headers["X-WP-TotalPages"])
            yield from answer.json()

    def wipe(self, types: Iterable[str] = OWN_TYPES) -> int:
        """Delete every post of the types for good, trash included, and disarm faults; give back how many."""
        self.disarm_faults()
        gone = 0
        for post_type in types:
            ids = [post["id"] for post in self.all_posts(post_type, fields="id")]
            gone += len(ids)
            for start in range(0, len(ids), BATCH):
                self._delete(post_type, ids[start : start + BATCH])
        return gone

    def _delete(self, post_type: str, ids: list[int]) -> None:
        path = f"/wp/v2/{post_type}/%d?force=true&_fields=deleted"
        parts = [{"method": "DELETE", "path": path % post_id} for post_id in ids]
        answers = self.as_admin("POST", "/batch/v1", {"requests": parts}).json()["responses"]
        bad = [answer for answer in answers if answer["status"] != 200]
        if bad:
            raise RuntimeError(f"could not delete: {bad[0]}")

    def arm_fault(
        self, fault: str, *, method: str = "POST", path: str = "/wp/v2/", times: int = 1, every: int = 1
    ) -> None:
        """Let the next `times` requests whose method and URL match suffer `fault`, see mu-plugins/faults.php.

        With `every` = 2 it is each second of them.
        """
        file = self._fault_file()
        rule = {"fault": fault, "method": method, "path": path, "times": times, "every": every}
        file.write_text(json.dumps(rule))
        file.chmod(0o666)  # PHP, as www-data, counts down in it

    def disarm_faults(self) -> None:
        self._fault_file().unlink(missing_ok=True)

    def faults_left(self) -> int:
        """How many of the armed `times` have not struck yet."""
        file = self._fault_file()
        return int(json.loads(file.read_text())["times"]) if file.exists() else 0

    def _fault_file(self) -> Path:
        return self.state / "wp-content" / "fault.json"

    def mark(self) -> int:
        """A place in the access log, for `asked_since` and `writes_since`."""
        return len(self._log())

    def asked_since(self, mark: int) -> list[Asked]:
        """The requests that nginx has answered since the mark, oldest first. A batch is one request."""
        return [_asked(line) for line in self._log()[mark:]]

    def writes_since(self, mark: int, user: str | None = None) -> int:
        """How many requests since the mark were no GET, HEAD or OPTIONS; of one login only, if asked."""
        asked = self.asked_since(mark)
        return sum(one.method not in READS and user in (None, one.user) for one in asked)

    def _log(self) -> list[str]:
        # nginx has one worker: when it answers this, the line of every request before it is written.
        self._client("visitor").get("/fence").raise_for_status()
        return (self.state / "log" / "access.log").read_text().splitlines()

    def _client(self, who: str) -> httpx.Client:
        if who not in self._clients:
            auth = (who, self.credentials[who]) if who in self.credentials else None
            self._clients[who] = httpx.Client(base_url=self.base_url, auth=auth, timeout=60, trust_env=False)
        return self._clients[who]

    def close(self) -> None:
        for client in self._clients.values():
            client.close()


def _asked(line: str) -> Asked:
    method, status, user, seconds, uri = line.split(" ", 4)
    return Asked(method, int(status), user.strip('"'), float(seconds), uri)
