"""Seats reserved through the gateway under waitress by 8 clients at once, beside a bare Flask route that keeps a row.

Both ask the Maconomy stand-in about the class. Each client holds one connection, and all go through the classes in the
same order, so that they meet at every last seat.
"""

import json
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from threading import Barrier, BrokenBarrierError
from urllib.parse import urlsplit

from bench.processes import Talker, integrator
from bench.reserving import make_floor
from bench.table import Row
from bench.world import Server, class_id, classes, home_with, standin, with_gateway
from integrator.database import connect

CLIENTS = 8
SEATS = 20  # of each class
EACH = 3  # tries of each client for each class: 24 for 20 seats
# Of the bare route. On a busy disk both wait for it alike (0.7 to 1.7 were measured), on a free one CPU decides (3.8).
MOST = 5.0
MOST_CPU = 7.0  # 5.2 to 5.8 where settings and clients are kept between requests, 7.4 where only settings are
_PATIENCE_S = 60


@dataclass(frozen=True)
class Answer:
    """What a request was answered with. order: its number; None: the class is full."""

    order: int | None
    place: str
    ms: float


@dataclass(frozen=True)
class Turn:
    """What one server answered, how many a second, and what CPU it spent on each."""

    answers: Sequence[Answer]
    rate: float
    cpu_ms: float

    def ms(self, percent: int) -> float:
        return quantiles((one.ms for one in self.answers), n=100)[percent - 1]


@dataclass
class Found:
    """What the store holds after all turns, beside what was answered."""

    sold: int = 0
    too_many: int = 0
    untold: int = 0


def measure(count: int, *, times: int) -> list[Row]:
    """Rows of the table for so many classes, each sold out by 8 clients at once; the two servers take turns."""
    ours, floors, found = [], [], Found()
    with standin("maconomy") as maconomy, TemporaryDirectory(prefix="integrator-bench-") as folder:
        maconomy.seed({"records": {"course": classes(count + 1, seats=SEATS)}})
        for number in range(times):
            floors.append(_turn(_floor(Path(folder) / f"floor-{number}", maconomy), "", count))
            home, key = with_gateway(home_with(Path(folder) / f"home-{number}", maconomy=maconomy.url))
            environ = {"INTEGRATOR_HOME": str(home)}
            ours.append(_turn(Talker(integrator("gateway", "--port", "0"), environ=environ), key, count))
            _check(home, ours[-1].answers, found)
    return _rows(ours, floors, found)


def _rows(ours: Sequence[Turn], floors: Sequence[Turn], found: Found) -> list[Row]:
    def beside(name: str, unit: str, of: Callable[[Turn], float], most: float | None) -> Row:
        mine, least = median(map(of, ours)), median(map(of, floors))
        return Row(f"  {name}", f"{mine:.1f} {unit}", f"{least:.1f} {unit}", mine / least, most)

    rate, least = median(turn.rate for turn in ours), median(turn.rate for turn in floors)
    return [
        Row(f"gateway: reserve, waitress, {CLIENTS} clients", f"{rate:.0f} /s", f"{least:.0f} /s", least / rate, MOST),
        beside("half are answered within", "ms", lambda turn: turn.ms(50), None),
        beside("95 of 100 are answered within", "ms", lambda turn: turn.ms(95), MOST),
        beside("CPU of the server, each", "ms", lambda turn: turn.cpu_ms, MOST_CPU),
        Row("  seats too many", str(found.too_many), f"of {found.sold}", found.too_many, 0.0),
        Row("  answers and orders that differ", str(found.untold), f"of {found.sold}", found.untold, 0.0),
    ]


# the clients --------------------------------------------------------------------------------------------------------


def _floor(root: Path, maconomy: Server) -> Talker:
    root.mkdir()
    make_floor(root)
    return Talker([sys.executable, "-m", "bench.bareroute", str(root), maconomy.url])


def _turn(server: Talker, key: str, count: int) -> Turn:
    with server, ThreadPoolExecutor(CLIENTS) as pool:
        address = server.hear().partition(" ")[0]
        crowd = Crowd(server, address, key, count)
        try:
            all_answers = [answer for answers in pool.map(crowd.client, range(CLIENTS)) for answer in answers]
        except (OSError, HTTPException, BrokenBarrierError) as error:
            ended = "runs" if server.ended() is None else f"ended with {server.ended()}"
            raise SystemExit(f"bench: a server gave no answer ({type(error).__name__}); it {ended}") from None
        measured = len(all_answers) - CLIENTS  # one of each client was to warm up
        cpu_s = server.cpu_s() - crowd.cpu_s
    return Turn(all_answers, measured / (max(crowd.ended) - crowd.begun), cpu_s * 1000 / measured)


@dataclass
class Crowd:
    """All clients of one server; they begin together."""

    server: Talker
    address: str
    key: str
    count: int
    begun: float = 0.0
    cpu_s: float = 0.0
    ended: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._barrier = Barrier(CLIENTS, self._begin)

    def _begin(self) -> None:
        self.begun, self.cpu_s = time.monotonic(), self.server.cpu_s()

    def client(self, number: int) -> list[Answer]:
        """Everything that one client was answered; the first one is of a class that is not measured."""
        with closing(HTTPConnection(urlsplit(self.address).netloc, timeout=_PATIENCE_S)) as connection:
            try:
                answers = [self._ask(connection, class_id(self.count), f"warm-{number}")]
            except BaseException:
                self._barrier.abort()
                raise
            self._barrier.wait(_PATIENCE_S)
            for place in range(self.count):
                for turn in range(EACH):
                    answers.append(self._ask(connection, class_id(place), f"{number}-{place}-{turn}"))
            self.ended.append(time.monotonic())
        return answers

    def _ask(self, connection: HTTPConnection, place: str, key: str) -> Answer:
        body = json.dumps({"class_id": place, "key": key})
        headers = {"X-Api-Key": self.key, "Content-Type": "application/json"}
        begun = time.monotonic()
        connection.request("POST", "/api/orders", body, headers)
        answer = connection.getresponse()
        found = json.loads(answer.read())
        ms = (time.monotonic() - begun) * 1000
        if answer.status != 201 and found.get("code") != "full":
            raise SystemExit(f"bench: the gateway answered {answer.status}: {found}")
        return Answer(found["order"] if answer.status == 201 else None, place, ms)


# what it left in the store ------------------------------------------------------------------------------------------


def _check(home: Path, answers: Sequence[Answer], found: Found) -> None:
    """Every answer with a number has an order of its own, and no other is there."""
    db = connect(home / "var" / "integrator.db")
    kept = {row["id"]: (row["class_id"], row["seats"]) for row in db.all("SELECT id, class_id, seats FROM orders")}
    sold = dict(db.all("SELECT class_id, sum(seats) FROM orders GROUP BY class_id"))
    db.close()
    told = [answer for answer in answers if answer.order is not None]
    right = {answer.order for answer in told if kept.get(answer.order) == (answer.place, 1)}
    found.untold += max(len(told), len(kept)) - len(right)
    found.too_many += sum(max(0, seats - SEATS) for seats in sold.values())
    found.sold += len(kept)
    if min(seats for place, seats in sold.items() if place != answers[0].place) < SEATS:
        raise SystemExit(f"bench: a class of {SEATS} seats was not sold out by {CLIENTS * EACH} tries")
