"""Seats reserved through the gateway under waitress by 8 clients at once, beside a bare Flask route that keeps a row.

Both ask the Maconomy stand-in once a request. Each client holds one connection, and all go through the classes in the
same order, so that they meet at every last seat.
"""

import http.client
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from threading import Barrier

from bench.desks import make_store
from bench.processes import Talker, integrator
from bench.reserving import make_floor
from bench.table import Row
from bench.world import Server, class_id, classes, home_with, standin
from integrator.database import connect

CLIENTS = 8
SEATS = 20  # of each class
EACH = 3  # tries of each client for each class: 24 for 20 seats
KEY = "bench-website-key"
_PATIENCE_S = 60


@dataclass(frozen=True)
class Answered:
    """What became of one request. order: its number, None where the class was full."""

    order: int | None
    class_id: str
    seconds: float


@dataclass(frozen=True)
class Round:
    """One server's turn: what it answered, in how long, and what CPU that cost it."""

    answers: Sequence[Answered]
    seconds: float
    cpu_s: float

    @property
    def rate(self) -> float:
        return len(self.answers) / self.seconds

    @property
    def cpu_ms(self) -> float:
        return self.cpu_s * 1000 / len(self.answers)

    def ms(self, percent: int) -> float:
        return quantiles([one.seconds * 1000 for one in self.answers], n=100)[percent - 1]


def measure(count: int, *, times: int) -> list[Row]:
    """Rows of the table for so many classes, each sold out by 8 clients at once; the two servers take turns."""
    ours, floors, too_many, unkept = [], [], 0, 0
    with standin("maconomy") as maconomy, TemporaryDirectory(prefix="integrator-bench-") as folder:
        maconomy.seed({"records": {"course": classes(count + 1, seats=SEATS)}})
        for number in range(times):
            floors.append(_round(_floor(Path(folder) / f"floor-{number}", maconomy), count))
            home = _home(Path(folder) / f"home-{number}", maconomy)
            ours.append(_round([integrator("gateway", "--port", "0"), {"INTEGRATOR_HOME": str(home)}], count))
            found = _check(home, ours[-1], count)
            too_many, unkept = too_many + found[0], unkept + found[1]
    return [*_rows(ours, floors), *_kept(too_many, unkept, sum(len(one.answers) for one in ours))]
