"""One run of push-orderline: orders are taken in, written, and what became of them is told; one process a workshop.

A workshop whose ERP hangs holds up nobody else: each has a process, a lock and a browser of its own.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from integrator.domain.orderlines.order import EFFECT, scope_of
from integrator.errors import Inactive, Refused, Unavailable
from integrator.jobs import orderline_spool
from integrator.jobs.orderline_exchange import Exchange
from integrator.jobs.push_orderline import Shop, has_work, push_orderline, say_held

if TYPE_CHECKING:
    from integrator.runtime.run import Run
    from integrator.settings import Settings
    from integrator.systems.oilmat import OilMat

_LOOK_EVERY_S = 0.2
_BEAT_S = 5.0
_LOOK_AGAIN_S = 60.0  # for lines whose fate nobody knows, as the next start would
_PATIENCE_S = 120.0  # for children that were asked to end: they finish the order at hand
CHILD = "--child"


@dataclass
class Parts:
    """What a run works with. oilmat: None without an address of OilMat; shop: makes what a workshop needs."""

    settings: "Settings"
    oilmat: "Callable[[], OilMat] | None"
    shop: "Callable[[str], Shop]"


def push_one(run: "Run", parts: Parts, workshop: str, *, child: bool = False) -> None:
    """Everything for one workshop; of a child that --all started only the writing.

    Errors  NotFound: there is no such workshop; Inactive; Blocked; Stopped; Refused, Unavailable: OilMat's, at the end
    """
    from integrator.jobs.workshop_desk import find  # --all, which cron starts every minute, needs none of it

    workshop = find(parts.settings.workshops, workshop).id
    if child:
        push_orderline(run, parts.shop(workshop))
        return
    _clear_away(run, parts)
    with Exchange(run, parts, [workshop], scope=workshop) as exchange:
        exchange.take_files()
        exchange.ask()
        try:
            push_orderline(run, parts.shop(workshop))
        except (Inactive, Refused, Unavailable) as error:  # OilMat hears of it all the same
            exchange.met(error)
        exchange.tell()
        exchange.finish()


def push_all(run: "Run", parts: Parts, *, jobs: int) -> None:
    """Everything for all workshops, so many at the same time.

    Errors  Stopped; Refused, Unavailable: OilMat's, when all else is done
    """
    workshops = list(parts.settings.workshops)
    _clear_away(run, parts)
    with Exchange(run, parts, workshops) as exchange:
        exchange.take_files()
        if run.dry or run.replayed:
            exchange.ask()
            for workshop in workshops:
                push_orderline(run, parts.shop(workshop))
            exchange.tell()
        else:
            _push_together(run, exchange, Crew(run, str(parts.settings.home.root), jobs))
            for workshop in workshops:
                say_held(run, workshop)
        if (lying := orderline_spool.told(parts.settings)) is not None:
            run.remark("; ".join(lying))
        exchange.finish()


def _push_together(run: "Run", exchange: Exchange, crew: "Crew") -> None:
    """Errors  Stopped"""
    try:
        crew.start(_with_work(run, exchange))  # what is here already does not wait for OilMat
        exchange.ask()
        beat_at = time.monotonic()
        while True:
            crew.start(_with_work(run, exchange))
            if not crew.collect():
                break
            if time.monotonic() - beat_at >= _BEAT_S:  # another workshop's orders do not wait for these
                exchange.beat()
                beat_at = time.monotonic()
            run.stopper.sleep(_LOOK_EVERY_S)
    finally:
        crew.end()
        exchange.tell()


def _with_work(run: "Run", exchange: Exchange) -> Iterator[str]:
    return (workshop for workshop in exchange.workshops if has_work(run, workshop))


def _clear_away(run: "Run", parts: Parts) -> None:
    """What the browser of a killed run left has people's names in it: it does not wait for the next browser."""
    spool = parts.settings.home.spool
    if run.dry or run.replayed or not any(spool.glob("browser-*")):
        return
    from integrator.systems.browser.process import sweep  # most starts find nothing, and load none of it

    sweep(spool)


# one process a workshop ---------------------------------------------------------------------------------------


@dataclass
class Child:
    """A process that works for one workshop; what it has to say at its end is read from its output."""

    workshop: str
    process: "subprocess.Popen[bytes]"
    output: Any


@dataclass
class Crew:
    """The children of one run."""

    run: "Run"
    home: str
    jobs: int
    children: list[Child] = field(default_factory=list)
    started_at: dict[str, float] = field(default_factory=dict)

    def start(self, workshops: "Any") -> None:
        """Start a child for each workshop with work, as long as there is room; none for what one has just left."""
        for workshop in workshops:
            if len(self.children) >= self.jobs:
                return
            if any(child.workshop == workshop for child in self.children):
                continue
            if self._is_news(workshop):
                self.started_at[workshop] = self.run.clock()
                self.children.append(self._started(workshop))

    def _is_news(self, workshop: str) -> bool:
        """Not for what the last child could not do: only for what came, or what may be tried again, since it began."""
        last = self.started_at.get(workshop)
        if last is None or self.run.outbox.is_fresh(EFFECT, since=last, scope=scope_of(workshop)):
            return True
        in_doubt = self.run.outbox.in_doubt(EFFECT, scope=scope_of(workshop))
        return bool(in_doubt) and self.run.clock() - last >= _LOOK_AGAIN_S

    def _started(self, workshop: str) -> Child:
        import tempfile  # it is not cheap, and most starts start nobody

        command = [sys.executable, "-m", "integrator", "push-orderline", "--workshop", workshop, CHILD, "--json"]
        if setpriv := shutil.which("setpriv"):  # should we be killed, it is asked to end
            command = [setpriv, "--pdeathsig", "TERM", *command]
        output = tempfile.TemporaryFile()  # noqa: SIM115 (closed when the child is collected)
        environment = {**os.environ, "INTEGRATOR_HOME": self.home}
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, env=environment)
        return Child(workshop, process, output)

    def collect(self) -> bool:
        """Take over what ended children say. False: there are none left."""
        for child in [child for child in self.children if child.process.poll() is not None]:
            self.children.remove(child)
            with child.output as output:
                output.seek(0)
                self._take_over(child, output.read())
        return bool(self.children)

    def _take_over(self, child: Child, said: bytes) -> None:
        report, code = self.run.report, child.process.returncode
        try:
            told = json.loads(said)
        except ValueError:
            told = {}
        self.run.count(**{name: number for name, number in told.get("counts", {}).items() if isinstance(number, int)})
        for entry in told.get("failed", []):
            report.failed[entry["item"]] = entry["reason"]
        for entry in told.get("waiting", []):
            report.waiting[entry["item"]] = entry["reason"]
        for remark in told.get("remarks", []):
            report.remarks.append(f"{child.workshop}: {remark}")
        if code == 75 and told.get("error"):
            report.waiting[f"workshop {child.workshop}"] = told["error"]
        elif code not in (0, 3, 5, 75):
            reason = (told.get("error") or f"its process ended with {code}").removeprefix(
                f"workshop {child.workshop}: "
            )
            self.run.set_aside(
                f"workshop {child.workshop}", f"{reason}; {told['hint']}" if told.get("hint") else reason
            )

    def end(self) -> None:
        """Nobody is left behind: who still works is asked to finish the order at hand, and in the end made to."""
        for child in self.children:
            child.process.terminate()
        until = time.monotonic() + _PATIENCE_S
        for child in self.children:
            try:
                child.process.wait(max(0.0, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.process.kill()
                child.process.wait()
        self.collect()
