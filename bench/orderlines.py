"""Orderlines of one workshop through push-orderline: browser starts, logins, seconds each, beside the bare flow.

The bare flow is what has to be done to the pages for one line, in one logged-in browser: no store, no exactly-once.
An order of ours and one of the bare flow take turns, each in its own browser, so that load hits both alike.
"""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from bench.table import Row
from bench.world import Server, standin, with_workshops
from integrator.domain.orderlines.lines import Line
from integrator.domain.orderlines.order import named
from integrator.effects import Message, Sender
from integrator.home import Home
from integrator.jobs.orderline_intake import Intake
from integrator.jobs.orderline_runs import Parts, push_one
from integrator.jobs.push_orderline import Shop
from integrator.runner import Options, run_job
from integrator.runtime.report import Report
from integrator.settings import Settings, load_settings
from integrator.shops import Shops
from integrator.store import open_store
from integrator.systems.workshops.erp import Entry

if TYPE_CHECKING:
    from integrator.runtime.run import Run
    from integrator.systems.workshops.erp import WorkshopErp
    from integrator.wiring import Wiring

ORDERS = 20
MOST = 1.3  # of the bare flow
WORKSHOP = "bennys-auto"
PRODUCT, AMOUNT = "OL-0530", "5.5"
_OURS, _BARE = 50_000, 60_000  # numbers of cases: each order has one of its own


def measure(*, kinds: Sequence[str] = ("au2office", "admanager")) -> list[Row]:
    """Rows of the table for each type of ERP."""
    return [row for kind in kinds for row in _measured(kind)]


def _measured(kind: str) -> list[Row]:
    with standin(kind) as server, TemporaryDirectory(prefix="integrator-bench-") as folder:
        numbers = [first + number for first in (_OURS, _BARE) for number in range(ORDERS)]
        server.seed({"cases": [{"number": str(number), "customer": "Karl Åberg"} for number in numbers]})
        home = Home(with_workshops(Path(folder) / "home", {WORKSHOP: (kind, server.url)}))
        settings = load_settings(home, {}, needs=())
        _hand_in(settings)
        shops = Shops(settings, home.spool)
        with shops.session(WORKSHOP) as session:
            turns = Turns(BareFlow(session.erp()))
            before = len(server.state()["logins"])
            report = _pushed(home, shops, turns)
        _check(report, server)
        logins = len(server.state()["logins"]) - before
    return _rows(kind, turns, starts=report.counts["browsers.started"], logins=logins)


def _rows(kind: str, turns: "Turns", *, starts: int, logins: int) -> list[Row]:
    # Our first order also starts the browser and logs in; the bare flow's browser is there already.
    ours, bare = median(turns.ours_s[1:]), median(turns.bare_s[1:])
    return [
        Row(f"orderlines, {ORDERS} of one {kind}, each", f"{ours:.2f} s", f"{bare:.2f} s", ours / bare, MOST),
        Row("  browser starts", str(starts), "1", float(starts), 1.0),
        Row("  logins", str(logins), "1", float(logins), 1.0),
    ]


def _hand_in(settings: Settings) -> None:
    orders = [
        {"unique_id": f"{number:04}", "case_id": _OURS + number, "product_nr": PRODUCT, "product_amount": AMOUNT}
        for number in range(ORDERS)
    ]
    settings.home.var.mkdir(mode=0o700, exist_ok=True)
    db = open_store(settings.store.path, backups=settings.home.backups).db
    Intake(db, settings.workshops, time.time).take(json.dumps(orders).encode(), source="command", only=WORKSHOP)
    db.close()


def _pushed(home: Home, shops: Shops, turns: "Turns") -> Report:
    """One run of the job as cron starts it, but for the bare orders in between."""

    def in_turn(workshop: str) -> Shop:
        shop = shops.shop(workshop)
        return Shop(shop.workshop, shop.like_it, shop.open_session, lambda *given: turns.of(shop.sender(*given)))

    def story(run: "Run", wiring: "Wiring") -> None:
        parts = wiring.orderline_parts()
        push_one(run, Parts(parts.settings, parts.oilmat, in_turn), WORKSHOP)

    needs = ("oilmat", "workshops", "monitor")
    return run_job("push-orderline", story, needs=needs, options=Options(scope=WORKSHOP, lean=True), home=home)


def _check(report: Report, server: Server) -> None:
    """A measurement of something else than every order written once is none."""
    saved = [save["case"] for save in server.state()["saves"] if save["kind"] == "new"]
    wanted = sorted(str(first + number) for first in (_OURS, _BARE) for number in range(ORDERS))
    if report.exit_code or sorted(saved) != wanted:
        raise SystemExit(f"bench: the run ended with {report.exit_code}: {report.error}; {len(saved)} lines written")


@dataclass
class Turns:
    """Runs a bare order before each of ours, and takes the time of both. Stands in front of the real sender."""

    bare: "BareFlow"
    ours_s: list[float] = field(default_factory=list)
    bare_s: list[float] = field(default_factory=list)

    def of(self, sender: Sender) -> Any:
        return _InTurn(sender, self)


class _InTurn:
    """A sender whose units come one turn after the other: the time of ours is that of claim, sending and keeping."""

    def __init__(self, sender: Sender, turns: Turns) -> None:
        self._sender, self._turns = sender, turns

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sender, name)

    def groups(self, messages: Sequence[Message]) -> Iterator[Sequence[Message]]:
        for group in self._sender.groups(messages):
            self._turns.bare_s.append(_seconds(self._turns.bare.put))
            begun = time.monotonic()
            yield group
            self._turns.ours_s.append(time.monotonic() - begun)


def _seconds(act: Callable[[], None]) -> float:
    begun = time.monotonic()
    act()
    return time.monotonic() - begun


@dataclass
class BareFlow:
    """What has to be done to the pages for one line, and nothing else."""

    erp: "WorkshopErp"
    done: int = 0

    def put(self) -> None:
        """Put the next order on its case."""
        erp, number = self.erp, self.done
        marker = f"{erp.marker}{number:04}"
        entry = Entry(PRODUCT, Decimal(AMOUNT), lambda product, room: named(product, marker, room))
        erp.open_case(str(_BARE + number))
        before = erp.lines()
        erp.prepare(entry)
        erp.save()
        after = erp.lines()
        if erp.two_steps:
            erp.finish(_new(before, after), entry)
            erp.lines()
        self.done += 1


def _new(before: Sequence[Line], after: Sequence[Line]) -> str:
    known = {line.id for line in before}
    [found] = [line.id for line in after if line.id is not None and line.id not in known]
    return found
