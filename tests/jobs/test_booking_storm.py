"""Sixteen processes sell one class of twenty seats, many of them killed: every seat is sold once."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

import booking_worker
from world import World, world

SEATS = 20
COPIES = 16
ATTEMPTS = 8


@pytest.fixture
def here(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path / "home") as made:
        record = dict(made.maconomy.courses.get("25172-04"))
        record |= {"courseId": booking_worker.CLASS, "mainCourseId": "40000", "maxParticipants": SEATS}
        record |= {"registeredParticipants": 0, "freeSeats": SEATS}
        made.maconomy.seed({"add": [record]})
        yield made


def start(here: World, name: str, *, walk_away: int) -> "subprocess.Popen[str]":
    command = [sys.executable, booking_worker.__file__, str(here.home), name, str(ATTEMPTS), str(walk_away)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def storm(here: World, wave: str, *, killed: float, walk_away: int) -> None:
    """All copies at once; beside them orders are registered and seats released, as cron does it."""
    random = Random(wave)
    processes = [start(here, f"{wave}{copy}", walk_away=walk_away) for copy in range(COPIES)]
    dying = [process for process in processes if random.random() < killed]
    timers = [threading.Timer(random.uniform(0.2, 3.0), process.kill) for process in dying]
    for timer in timers:
        timer.start()
    while any(process.poll() is None for process in processes):
        assert here.run("sync-orders").code in (0, 75)
        assert here.run("clear-reservations").code == 0
    for timer in timers:
        timer.cancel()
        timer.join()
    for process in processes:
        _, said = process.communicate()
        assert process.returncode == 0 or process in dying, said


def sold(here: World) -> int:
    [(seats,)] = here.rows("SELECT coalesce(sum(seats), 0) FROM orders WHERE state = 'complete'")
    return int(seats)


def taken(here: World) -> int:
    return len([effect for effect in here.maconomy.effects() if effect["course_id"] == booking_worker.CLASS])


def settle(here: World) -> None:
    """Register what is left; then nobody is missing and nobody is there twice."""
    with here.store() as db:
        db.write("UPDATE outbox SET next_at = 0 WHERE state = 'received'")
    assert here.run("sync-orders").code == 0
    assert sold(here) == taken(here) == len(set(here.registrations()))


def test_sixteen_processes_sell_twenty_seats_exactly(here: World) -> None:
    storm(here, "a", killed=0, walk_away=0)
    settle(here)
    assert sold(here) == SEATS


def test_every_seat_is_sold_once_when_visitors_walk_away_and_processes_are_killed(here: World) -> None:
    here.configure(maconomy_extra="settle_s = 0.5")
    storm(here, "b", killed=0.3, walk_away=30)
    settle(here)
    assert sold(here) <= SEATS
    with here.store() as db:  # half an hour later
        db.write("UPDATE orders SET expires_at = 1 WHERE state = 'reserved'")
    assert here.run("clear-reservations").code == 0
    storm(here, "c", killed=0, walk_away=0)
    settle(here)
    assert sold(here) == SEATS
    assert here.rows("PRAGMA integrity_check") == [("ok",)]
