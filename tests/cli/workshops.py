"""Workshops for tests of operator's commands: two of them configured, and orderlines as runs leave them."""

import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from integrator.database import Database
from integrator.domain.orderlines.order import EFFECT, Order, scope_of
from integrator.effects import Message
from integrator.runtime.outbox import Outbox
from integrator.store.orderlines import Orderlines
from integrator.store.workshops import State, Workshops

NOW = "2026-08-03 12:00"
LOCK = "push-orderline.bennys-auto"
PASSWORD = "hemmelig-kode-4711"
USERNAME = "oilmat@example.org"
NOWHERE_URL = "http://127.0.0.1:1"


def configure(
    home: Path,
    *,
    bennys: str = NOWHERE_URL,
    nord: str = f"{NOWHERE_URL}/nord",
    more: str = "",
    password: str = PASSWORD,
) -> None:
    """Bennys Auto with au2office, Nord Biler with admanager; more goes into both."""
    login = f'username = "{USERNAME}"\npassword = {{ env = "ERP_PASSWORD" }}\n{more}\n'
    (home / "config" / "workshops.toml").write_text(
        textwrap.dedent(f"""\
        [bennys-auto]
        name = "Bennys Auto"
        type = "au2office"
        base_url = "{bennys}"
        """)
        + login
        + f'[nord]\nname = "Nord Biler"\ntype = "admanager"\nbase_url = "{nord}"\n'
        + login,
        encoding="utf-8",
    )
    secrets(home, ERP_PASSWORD=password)


def secrets(home: Path, **values: str) -> None:
    (home / ".env").write_text("".join(f"{name}={value}\n" for name, value in values.items()), encoding="utf-8")
    os.chmod(home / ".env", 0o600)


@dataclass
class Floor:
    """Orderlines of one workshop as its runs would leave them; every call names its instant."""

    db: Database
    workshop: str = "bennys-auto"
    at: int = 0
    outbox: Outbox = field(init=False)
    lines: Orderlines = field(init=False)

    def __post_init__(self) -> None:
        self.outbox = Outbox(self.db, clock=lambda: float(self.at))
        self.lines = Orderlines(self.db, run_id=1)

    @property
    def state(self) -> State:
        return Workshops(self.db).get(self.workshop)

    def order(self, unique_id: str, at: int) -> None:
        """One that came in, and waits."""
        order = Order(self.workshop, unique_id, "560", "OL-0530", "5.5")
        self.at = at
        with self.db.tx():
            self.lines.take(order, source="command", credentials=False, at=at)
            self.outbox.once(EFFECT, order.key, order.body, scope=scope_of(self.workshop))

    def claimed(self, unique_id: str, at: int) -> Message:
        """One that came in, and was begun."""
        self.order(unique_id, at)
        [message] = [found for found in self.outbox.due(EFFECT) if found.key == f"{self.workshop}/{unique_id}"]
        self.outbox.begin([message], prepare=lambda begun: self.lines.claimed(begun.key, "host 1 1", at=at))
        return message

    def armed(self, unique_id: str, at: int) -> Message:
        message = self.claimed(unique_id, at)
        with self.db.tx():
            self.lines.armed(message.key, "{}", at=at)
        return message

    def doubt(self, unique_id: str, at: int) -> None:
        message = self.armed(unique_id, at)
        with self.db.tx():
            self.outbox.doubt(message, "nobody knows")
            self.lines.noted(message.key, "processing", "doubt", "nobody knows", at=at)

    def failed(self, unique_id: str, at: int, code: str = "case-closed") -> None:
        message = self.claimed(unique_id, at)
        with self.db.tx():
            self.outbox.fail(message, code)
            self.lines.noted(message.key, "failed", code, code, at=at)

    def done(self, unique_id: str, at: int, *, seconds: int = 2, confidence: str = "marker") -> None:
        message = self.claimed(unique_id, at)
        self.at = at + seconds
        with self.db.tx():
            self.outbox.complete(message, "77")
            self.lines.verified(message.key, "77", confidence, None, at=at + seconds)
            Workshops(self.db).done(self.workshop, at=at + seconds)

    def block(self, code: str, at: int) -> None:
        with self.db.tx():
            Workshops(self.db).block([self.workshop], code, at=at)


_HOLDER = """
import signal, sys
from datetime import UTC, datetime
from pathlib import Path
from integrator.runtime import lock
if sys.argv[3] == "deaf":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
with lock.hold(Path(sys.argv[1]), sys.argv[2], since=datetime.now(UTC)):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def holding(home: Path, name: str = LOCK, *, how: str = "hears") -> Iterator["subprocess.Popen[bytes]"]:
    """Another process that holds a workshop's lock, until it is ended."""
    command = [sys.executable, "-c", _HOLDER, str(home / "var" / "locks"), name, how]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        try:
            yield process
        finally:
            process.kill()
