"""Reservations by several processes at once: how many a second, and never a seat too many."""

import json
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from bench.desks import make_store
from bench.processes import Talker
from bench.reserving import make_floor
from bench.table import Row
from bench.world import Server, classes, home_with, standin
from integrator.database import connect

PROCESSES = 8
SEATS = 20  # of each class
EACH = 3  # tries of each process for each class: 24 for 20 seats
PROMISED = 150  # a second


def measure(count: int, *, times: int) -> list[Row]:
    """Rows of the table for so many classes, each sold out by 8 processes at once."""
    ours, floors, too_many = [], [], 0
    with standin("maconomy") as server, TemporaryDirectory(prefix="integrator-bench-") as folder:
        server.seed({"records": {"course": classes(count + 1, seats=SEATS)}})
        for number in range(times):
            floor = Path(folder) / f"floor-{number}"
            floor.mkdir()
            make_floor(floor)
            floors.append(_rate("floor", floor, server, count))
            home = home_with(Path(folder) / f"home-{number}", maconomy=server.url)
            make_store(home)
            ours.append(_rate("ours", home, server, count))
            too_many += _too_many(home)
    rate, least = median(ours), median(floors)
    work = f"reservations, {PROCESSES} processes, {count} classes"
    return [
        Row(work, f"{rate:.0f} /s", f"{least:.0f} /s", least / rate, None),
        Row("  against what is promised", f"{rate:.0f} /s", f"{PROMISED} /s", PROMISED / rate, 1.0),
        Row("  seats too many", str(too_many), f"of {count * SEATS * times}", too_many, 0.0),
    ]


def _rate(kind: str, root: Path, server: Server, count: int) -> float:
    """Seats taken in a second, by all processes together; a refusal takes its time and counts for nothing."""
    command = [sys.executable, "-m", "bench.reserving", kind, str(root), server.url]
    with ExitStack() as stack:
        processes = [
            stack.enter_context(Talker([*command, str(number), str(count), str(EACH)])) for number in range(PROCESSES)
        ]
        if [process.hear() for process in processes] != ["ready"] * PROCESSES:
            raise SystemExit("bench: a reserving process did not start")
        begun = time.monotonic()
        for process in processes:
            process.tell("go")
        found = [json.loads(process.hear()) for process in processes]
    return float(sum(one["taken"] for one in found) / (max(one["ended"] for one in found) - begun))


def _too_many(home: Path) -> int:
    """Seats of all classes beyond those there are. Too few sold is an error of the measurement."""
    db = connect(home / "var" / "integrator.db")
    sold = [row[0] for row in db.all("SELECT sum(seats) FROM orders GROUP BY class_id ORDER BY class_id")][:-1]
    db.close()
    if min(sold) < SEATS:
        raise SystemExit(f"bench: a class of {SEATS} seats sold {min(sold)} with {PROCESSES * EACH} tries")
    return sum(number - SEATS for number in sold)
