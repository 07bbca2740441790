"""Sixty orders of three through broken connections and killed runs: everybody is registered and written to once."""

import signal
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest

from desks import form
from integrator.jobs import booking
from world import World, world

ORDERS = 60
SEATS = 3
COPIES = 3
MOST_ROUNDS = 100
KILLED = 0.3
KILLING_ROUNDS = 10  # after these nobody is killed any more: also on a slow machine it ends
TROUBLE = (
    {"kind": "reset", "when": "before"},
    {"kind": "reset", "when": "after"},
    {"kind": "close", "when": "before"},
    {"kind": "close", "when": "after"},
    {"kind": "cut", "framing": "length"},
    {"kind": "cut", "framing": "chunked"},
    {"kind": "status", "status": 500, "when": "before"},
    {"kind": "status", "status": 500, "when": "after"},
    {"kind": "status", "status": 503, "when": "before"},
    {"kind": "status", "status": 504, "when": "after"},
    {"kind": "body", "what": "login"},
    {"kind": "body", "what": "empty"},
)


@pytest.fixture
def here(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path / "home") as made:
        made.configure(mailgun=True, maconomy_extra="settle_s = 0.3\ntimeout_s = 3", mailgun_extra="settle_s = 0.3")
        record = made.maconomy.courses.get("25172-04") | {"maxParticipants": 500, "registeredParticipants": 0}
        made.maconomy.seed({"add": [record | {"courseId": f"40000-0{n}", "freeSeats": 500} for n in range(3)]})
        yield made


def take_orders(here: World) -> set[str]:
    """Complete orders, three participants each; gives back everybody's reference."""
    references = set()
    with here.desk() as desk:
        for number in range(ORDERS):
            found = booking.reserve(desk, f"40000-0{number % 3}", seats=SEATS, key=f"k{number}")
            data = form(SEATS, who=str(number), at=datetime.now(UTC).isoformat())
            people = booking.complete(desk, found["order"], data)["participants"]
            references |= {person["reference"] for person in people}
    return references


def trouble(here: World) -> None:
    """About a third of all requests go wrong, for registering, looking up and mailing alike."""
    for server, path in ((here.servers[0], "/api/(web)?participant.*"), (here.servers[2], "/v3/.*")):
        for number, fault in enumerate(TROUBLE):
            server.faults.add({"match": {"path": path}, "share": 0.03, "seed": number, "fault": fault})


def storm(here: World, random: Random, *, killed: float) -> list[int]:
    processes = [here.start("sync-orders", "--drain", "1s") for _ in range(COPIES)]
    dying: list[subprocess.Popen[str]] = [process for process in processes if random.random() < killed]
    timers = [threading.Timer(random.uniform(0.4, 1.2), process.kill) for process in dying]
    for timer in timers:
        timer.start()
    codes = [here.finish(process).code for process in processes]
    for timer in timers:
        timer.cancel()
        timer.join()
    return codes


def left(here: World, effect: str) -> int:
    [(count,)] = here.rows("SELECT count(*) FROM outbox WHERE effect = ? AND state <> 'completed'", effect)
    return int(count)


def hasten(here: World) -> None:
    """Time passes: what waits for its next try is due."""
    with here.store() as db:
        db.write("UPDATE outbox SET next_at = 0 WHERE state = 'received'")


def doubles(keys: list[Any]) -> list[Any]:
    return [key for key, count in Counter(keys).items() if count > 1]


@pytest.mark.parametrize("seed", [4711, 4712])
def test_everybody_is_registered_and_written_to_exactly_once(here: World, seed: int) -> None:
    random, codes, rounds = Random(seed), list[int](), 0
    references = take_orders(here)
    trouble(here)
    while left(here, "maconomy.registration") and rounds < MOST_ROUNDS:
        rounds += 1
        killed = KILLED if rounds <= KILLING_ROUNDS else 0.0
        codes += storm(here, random, killed=1.0 if rounds == 1 else killed)
        hasten(here)
    assert set(codes) <= {0, 3, 5, 75, -signal.SIGKILL}
    assert -signal.SIGKILL in codes
    assert here.rows("PRAGMA integrity_check") == [("ok",)]
    assert doubles(here.registrations()) == []
    assert set(here.registrations()) == references

    for server in here.servers:
        server.faults.clear()
    assert here.run("sync-orders").code in (0, 3, 75)
    hasten(here)
    here.run("sync-orders")
    assert doubles(here.mails()) == []
    held = {key for (key,) in here.rows("SELECT key FROM outbox WHERE state = 'failed'")}
    assert held & set(here.mails()) == set(), "what the events know is never held"
    assert left(here, "mailgun.confirmation") == len(held)
    if held:
        assert here.run("outbox", "retry", "--all-failed", "--without-looking").code == 0
        assert here.run("sync-orders").code == 0
    assert doubles(here.mails()) == []
    assert len(here.mails()) == ORDERS * (SEATS + 1)
