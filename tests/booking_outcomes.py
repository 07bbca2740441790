"""A home with bookings of a reseller, and the Trainingportal stand-in beside it: what update-booking-status works on.

python tests/booking_outcomes.py HOW STEPS JSON     one run of the job that dies at a statement of its store (dying.py)
"""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from dying import failing
from integrator.certificates import Certificates
from integrator.database import Database
from integrator.domain.portal import DOCUMENT
from integrator.home import Home, init_home, shipped
from integrator.jobs import booking_status_desk
from integrator.jobs.update_booking_status import update_booking_status
from integrator.runner import Options, run_job
from integrator.runtime.report import Report
from integrator.secret import Secret
from integrator.standins.base import Running, serve
from integrator.standins.trainingportal import PASSWORD, USERNAME, Trainingportal
from integrator.store import open_store
from integrator.systems.http import Http
from integrator.systems.trainingportal import Trainingportal as Adapter
from portal_options import assumed

NOW = int(datetime.fromisoformat("2027-03-10T10:00:00+01:00").timestamp())
TODAY, LAST_DAY = "2027-03-10", "2027-03-03"
CLASS = "25172-04"
TP = "TP-ABCDEFGHIJKLMNOPQRSTUVWX2"
E8 = {"method": "POST", "path": ".*/v1/booking/update/.*"}
E9 = {"method": "POST", "path": ".*/v1/booking/uploadDocumentation/.*"}
FACTS = {
    "id": CLASS,
    "main_id": "25172",
    "title": "Grundlæggende sikkerhed",
    "language": "da",
    "start": "2027-03-01T09:00:00+01:00",
    "end": f"{LAST_DAY}T16:00:00+01:00",
    "days": [],
    "venue": {"name": "Strandhotellet", "address": None, "zip": "6700", "city": "Esbjerg", "country": "DK"},
    "price_minor": 1_499_500,
    "currency": "NOK",
}


def reference(letter: str) -> str:
    """A booking's reference that is told from others by one letter."""
    return f"TP-{letter * 25}2"


def pdf(text: str = "a") -> bytes:
    return b"%PDF-1.7\n" + text.encode() + b"\n%%EOF\n"


def book(
    db: Database, booking: str = TP, *, state: str = "confirmed", name: str = "Åse Østergård", **facts: Any
) -> int:
    """A booking as confirm-bookings leaves it; gives back its order's number."""
    known, first, last = FACTS | facts, *name.split(" ", 1)
    with db.tx():
        order = db.all(
            "INSERT INTO orders (request_key, class_id, class, seats_asked, seats, state, reserved_at, expires_at,"
            " completed_at, changed_at, channel)"
            " VALUES (?1, ?2, ?3, 1, 1, 'complete', ?4, ?4, ?4, ?4, 'trainingportal') RETURNING id",
            (booking, known["id"], msgspec.json.encode(known).decode(), NOW - 90 * 86_400),
        )[0]["id"]
        db.write(
            "INSERT INTO participants (order_id, number, reference, first_name, last_name, email)"
            " VALUES (?, 1, ?, ?, ?, 'aase@example.org')",
            (order, f"ILI-{order}-1", first, last),
        )
        db.write(
            "INSERT INTO bookings (reference, order_id, class_id, requested_at, state, next_look_at, birth_date,"
            " confirmed_at, changed_at)"
            " VALUES (?1, ?2, ?3, ?4, ?5, iif(?5 = 'reserved', ?4, NULL), '1990-02-14', ?4, ?4)",
            (booking, order, known["id"], NOW - 90 * 86_400, state),
        )
    return int(order)


@dataclass
class Office:
    """One home, and what stands at Trainingportal."""

    root: Path
    standin: Trainingportal
    server: Running
    url: str
    at: float = NOW
    settle_s: float = 0.0
    timeout_s: float = 10.0
    max_bytes: int = 1_000_000
    certificates: bool = False
    maker: Any = field(default=None, repr=False)  # what makes certificates instead
    maconomy: Callable[[], Any] | None = field(default=None, repr=False)
    use_maconomy: bool = False  # the one of config/integrator.toml

    @property
    def home(self) -> Home:
        return Home(self.root)

    @property
    def documents(self) -> Path:
        return self.root / "documents"

    @contextmanager
    def store(self) -> Iterator[Database]:
        path = self.root / "var" / "integrator.db"
        db = open_store(path, backups=self.home.backups).db
        try:
            yield db
        finally:
            db.close()

    def rows(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with self.store() as db:
            return [tuple(row) for row in db.all(sql, parameters)]

    def book(self, booking: str = TP, **more: Any) -> int:
        """A booking here and there."""
        with self.store() as db:
            order = book(db, booking, **more)
        self.standin.seed({"bookings": [{"reference": booking, "class": CLASS}]})
        return order

    def set(self, status: str, on: str | None = None, *, booking: str = TP) -> dict[str, Any]:
        with self.store() as db:
            return booking_status_desk.set_status(db, booking, status, on, "command", int(self.at))

    def complete(self, booking: str = TP) -> None:
        self.set("COMPLETED", LAST_DAY, booking=booking)

    def put(self, name: str, content: bytes | None = None) -> Path:
        """A file in documents/."""
        path = self.documents / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(pdf() if content is None else content)
        return path

    def run(self, *, dry: bool = False) -> Report:
        """The job, in this process."""
        options = Options(dry_run=dry, clock=lambda: self.at)
        return run_job(
            "update-booking-status", self._story, needs=("maconomy", "monitor"), options=options, home=self.home
        )

    def _story(self, run: Any, wiring: Any) -> None:
        http = Http(
            system="trainingportal",
            base_url=self.url,
            timeout_s=self.timeout_s,
            user_agent="integrator/test",
            remaining_s=run.stopper.remaining_s,
        )
        switches = assumed(upload_timeout_s=self.timeout_s, upload_max_bytes=self.max_bytes)
        made = Adapter(http, username=USERNAME, password=Secret(PASSWORD), options=switches, settle_s=self.settle_s)
        own, ours = self.home.config / "templates", shipped() / "config" / "templates"
        try:
            update_booking_status(
                run,
                lambda: made,
                documents=self.documents,
                var=self.home.var,
                certificates=self.maker or (Certificates(own, ours) if self.certificates else None),
                maconomy=wiring.maconomy if self.use_maconomy else self.maconomy,
                max_bytes=self.max_bytes,
            )
        finally:
            made.close()

    # another process ----------------------------------------------------------------------------

    def start(self, how: str = "", steps: str = "") -> "subprocess.Popen[str]":
        """The job in a process of its own, which dies at a statement when told so."""
        facts = {name: getattr(self, name) for name in ("url", "at", "settle_s", "timeout_s", "certificates")}
        return subprocess.Popen(
            [sys.executable, __file__, how, steps, json.dumps({"root": str(self.root), **facts})],
            env={"PATH": os.environ["PATH"]},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    # what came of it ----------------------------------------------------------------------------

    def told(self, booking: str = TP) -> list[str]:
        """Statuses that Trainingportal took of a booking, in their order."""
        effects = [one for one in self.standin.effects() if one["kind"] == "status" and one["reference"] == booking]
        return [one["status"] + (f" {one['completed_on']}" if one["completed_on"] else "") for one in effects]

    def uploaded(self) -> list[tuple[str, int]]:
        """(booking, size) of the documents that Trainingportal took; one that came twice fails the test."""
        effects = [one for one in self.standin.effects() if one["kind"] == "document"]
        assert not any(one["again"] for one in effects), "a document came twice"
        return [(one["reference"], one["size"]) for one in effects]

    def messages(self, effect: str = DOCUMENT) -> list[str]:
        """States of the messages of an effect."""
        return [row[0] for row in self.rows("SELECT state FROM outbox WHERE effect = ? ORDER BY id", effect)]

    def kept(self) -> list[str]:
        """What lies in var/documents, each file for its owner alone."""
        found = sorted(path for path in (self.home.var / "documents").rglob("*") if path.is_file())
        assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in found)
        return [str(path.relative_to(self.home.var / "documents")) for path in found]

    def pass_time(self, seconds: int = 7200) -> None:
        """Let the time pass that a message waits, and that a lost request may still arrive."""
        with self.store() as db:
            db.write(
                "UPDATE outbox SET next_at = 0, sent_at = sent_at - ?1, uncertain_since = uncertain_since - ?1"
                " WHERE state IN ('received', 'processing')",
                (seconds,),
            )

    def fault(self, match: dict[str, str], fault: dict[str, Any], *, times: int | None = 1) -> None:
        self.server.faults.add({"match": match, "times": times, "fault": fault})


@contextmanager
def office(root: Path) -> Iterator[Office]:
    """A home with one booking of which nothing was said yet."""
    init_home(root)
    (root / "config" / "integrator.toml").write_text("", encoding="utf-8")
    with serve(Trainingportal()) as running:
        assert isinstance(running.standin, Trainingportal)
        made = Office(root, running.standin, running, running.url)
        made.book()
        yield made


def main() -> None:
    how, steps, facts = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
    made = Office(Path(facts.pop("root")), None, None, **facts)  # type: ignore[arg-type]  # it only runs the job
    if how:
        with failing(how, steps.split("|")):
            report = made.run()
    else:
        report = made.run()
    print(report.error or "", report.failed, report.waiting, file=sys.stderr)
    sys.exit(report.exit_code)


if __name__ == "__main__":
    main()
