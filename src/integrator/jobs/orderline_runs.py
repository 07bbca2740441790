"""One run of push-orderline: orders are taken in, written, and what became of them is told; one process a workshop.

A workshop whose ERP hangs holds up nobody else: each has a process, a lock and a browser of its own.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from integrator.domain.orderlines.order import EFFECT, scope_of
from integrator.errors import ConfigError, Inactive, IntegratorError, NotFound, Refused, Stopped, Unavailable
from integrator.jobs import orderline_telling
from integrator.jobs.push_orderline import Shop, has_work, push_orderline

if TYPE_CHECKING:
    from integrator.jobs.orderline_intake import Taken
    from integrator.runtime.run import Run
    from integrator.settings import Settings
    from integrator.systems.oilmat import OilMat

_LOOK_EVERY_S = 0.2
_TAKE_IN_EVERY_S = 5.0
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
    if workshop not in parts.settings.workshops:
        known = ", ".join(parts.settings.workshops) or "none"
        raise NotFound(f"push-orderline: there is no workshop {workshop}; there are: {known}")
    if child:
        push_orderline(run, parts.shop(workshop))
        return
    _clear_away(run, parts)
    trouble = _take_in(run, parts, [workshop])
    try:
        push_orderline(run, parts.shop(workshop))
    except (Inactive, Refused, Unavailable) as error:  # OilMat hears of it all the same
        trouble = error
    _tell(run, parts, [workshop])
    _deliver_statuses(run, parts, trouble, scope=workshop)


def push_all(run: "Run", parts: Parts, *, jobs: int) -> None:
    """Everything for all workshops, so many at the same time.

    Errors  Stopped; Refused, Unavailable: OilMat's, when all else is done
    """
    workshops = list(parts.settings.workshops)
    _clear_away(run, parts)
    told_off = _take_in(run, parts, workshops)
    if run.dry or run.replayed:
        for workshop in workshops:
            push_orderline(run, parts.shop(workshop))
        _tell(run, parts, workshops)
    else:
        told_off = _push_together(run, parts, workshops, jobs) or told_off
    _deliver_statuses(run, parts, told_off)


def _push_together(run: "Run", parts: Parts, workshops: Sequence[str], jobs: int) -> IntegratorError | None:
    """Gives back why OilMat could not be had meanwhile. Errors  Stopped"""
    told_off: IntegratorError | None = None
    crew = Crew(run, str(parts.settings.home.root), jobs)
    try:
        taken_in_at = time.monotonic()
        while True:
            crew.start(workshop for workshop in workshops if has_work(run, workshop))
            if not crew.collect():
                break
            if time.monotonic() - taken_in_at >= _TAKE_IN_EVERY_S:  # another workshop's orders do not wait for these
                told_off = _take_in(run, parts, workshops) or told_off
                _tell(run, parts, workshops)
                taken_in_at = time.monotonic()
            run.stopper.sleep(_LOOK_EVERY_S)
    finally:
        crew.end()
        _tell(run, parts, workshops)
    return told_off


def _clear_away(run: "Run", parts: Parts) -> None:
    """What the browser of a killed run left has people's names in it: it does not wait for the next browser."""
    spool = parts.settings.home.spool
    if run.dry or run.replayed or not any(spool.glob("browser-*")):
        return
    from integrator.systems.browser.process import sweep  # most starts find nothing, and load none of it

    sweep(spool)


# in and out -------------------------------------------------------------------------------------------------


def _take_in(run: "Run", parts: Parts, workshops: Sequence[str]) -> IntegratorError | None:
    """Files first, then what OilMat offers. That OilMat cannot be had, or not be read, holds back nothing else."""
    from integrator.jobs.orderline_intake import Intake, fetch

    intake = Intake(run.db, parts.settings.workshops, run.clock, run.id)
    spool = parts.settings.oilmat.spool if parts.settings.oilmat else parts.settings.home.spool / "orderlines"
    trouble: IntegratorError | None = None
    for workshop in workshops:
        _count(run, intake.take_files(spool, workshop, moves=not run.dry))
    if parts.oilmat is None or run.dry:
        return None
    for workshop in workshops:
        try:
            _count(run, fetch(intake, parts.oilmat(), workshop))
        except (Stopped, ConfigError):
            raise
        except IntegratorError as error:
            trouble = error
    return trouble


def _count(run: "Run", taken: "list[Taken]") -> None:
    from integrator.jobs.orderline_intake import key_shown

    for one in taken:
        run.count(**{f"taken.{one.result.replace(' ', '_')}": 1})
        if not one.is_good:
            name, number = f"order {key_shown(one)}", 2
            while name in run.report.failed:  # without an id they are called alike
                name, number = f"order {key_shown(one)} ({number})", number + 1
            run.set_aside(name, one.reason)


def _tell(run: "Run", parts: Parts, workshops: Sequence[str]) -> None:
    if not run.dry:
        orderline_telling.tell(run, workshops, folder=parts.settings.home.status, queue=parts.oilmat is not None)


def _deliver_statuses(run: "Run", parts: Parts, trouble: IntegratorError | None, *, scope: str | None = None) -> None:
    if parts.oilmat is not None and not run.dry and run.outbox.pending(orderline_telling.EFFECT):
        delivery = run.delivery(
            orderline_telling.EFFECT,
            parts.oilmat().statuses(),
            keep=lambda message, done: None,
            scope=scope_of(scope) if scope else None,
            waits=False,
        )
        try:
            delivery.run()
        finally:
            run.take_over(delivery)
    if trouble is not None:
        raise trouble


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
            reason = told.get("error") or f"its process ended with {code}"
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
