"""From a complete order to its registration at Maconomy's door, while sync-orders drains."""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory

from bench.desks import make_store
from bench.ordering import PER_CLASS
from bench.processes import Talker, integrator
from bench.table import Row
from bench.world import Server, classes, home_with, standin

MEDIAN_S, P95_S = 1.0, 1.5
_REGISTER = "/api/webparticipant"
_PATIENCE_S = 30


def measure(orders: int, *, seconds: float) -> list[Row]:
    """Rows of the table for so many orders at random times; their mails go out beside them."""
    with (
        standin("maconomy") as maconomy,
        standin("mailgun") as mailgun,
        TemporaryDirectory(prefix="integrator-bench-") as folder,
    ):
        maconomy.seed({"records": {"course": classes(orders // PER_CLASS + 1, seats=PER_CLASS + 1)}})
        home = home_with(Path(folder) / "home", maconomy=maconomy.url, mailgun=mailgun.url)
        make_store(home)
        waits = _waits(home, maconomy, orders, seconds)
    cuts = quantiles(waits, n=100, method="inclusive")
    name = f"order to registration, {orders} in {seconds:.0f} s"
    return [
        Row(f"{name}, median", f"{cuts[49]:.2f} s", f"{MEDIAN_S:.2f} s", cuts[49] / MEDIAN_S, 1.0),
        Row("  95 of 100 within", f"{cuts[94]:.2f} s", f"{P95_S:.2f} s", cuts[94] / P95_S, 1.0),
        Row("  99 of 100 within", f"{cuts[98]:.2f} s", f"{P95_S:.2f} s", cuts[98] / P95_S, None),
    ]


def _waits(home: Path, maconomy: Server, orders: int, seconds: float) -> list[float]:
    """Seconds from each commit to the arrival of its registration, as two clocks of this one machine have it."""
    order = [sys.executable, "-m", "bench.ordering", str(home), str(orders), str(seconds)]
    drain = integrator("sync-orders", "--drain", f"{seconds + 10:.0f}s")
    with Talker(order) as ordering:
        if ordering.hear() != "ready":
            raise SystemExit("bench: the orders could not be reserved")
        with Talker(drain, environ={"INTEGRATOR_HOME": str(home)}) as draining:
            _until(lambda: len(maconomy.ledger(path=_REGISTER)) == 1)  # the first order is there: it is draining
            ordering.tell("go")
            completed = json.loads(ordering.hear())
            _until(lambda: len(maconomy.ledger(path=_REGISTER)) == orders + 1)
            if code := draining.wait(seconds + _PATIENCE_S):
                raise SystemExit(f"bench: sync-orders ended with {code}")
    arrived = {row["effect"]["reference"]: row["at"] for row in maconomy.ledger(path=_REGISTER) if row["effect"]}
    return [arrived[reference] - at for reference, at in completed.items()]


def _until(true: Callable[[], bool]) -> None:
    ends = time.monotonic() + _PATIENCE_S
    while not true():
        if time.monotonic() > ends:
            raise SystemExit("bench: registrations did not arrive")
        time.sleep(0.05)
