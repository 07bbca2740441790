"""The part of a workshop ERP's stand-in that is the same in both: the shop, what is staged, and how it is served.

`serve` and `main_serve` are those of `base.py` with the faults of `staging.py` on the control port.
"""

import json
import re
import signal
import sys
from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

from integrator.standins import mishaps
from integrator.standins.base import ENDINGS, Answer, Request, Running, StandIn
from integrator.standins.guide import Guide
from integrator.standins.workshop import staging
from integrator.standins.workshop.data import Settings, Shop
from integrator.standins.workshop.example import USERS
from integrator.standins.workshop.staging import NamedFaults, Stage


class WorkshopStandIn(StandIn):
    """A stand-in of a workshop ERP. A subclass gives `kinds`, what it can stage itself, and `saves` and `pages`."""

    kinds: ClassVar[Mapping[str, Iterable[str]]] = {}

    def __init__(self, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        super().__init__()
        self.clock = clock
        self.shop = Shop(clock)
        self.stage = Stage(self.kinds)

    def reset(self) -> None:
        with self.lock:
            self.shop = Shop(self.clock, self.shop)
            self.stage = Stage(self.kinds)

    def seed(self, settings: dict[str, Any]) -> dict[str, Any]:
        """Change the shop; the settings are those of `workshop.data.Settings`. Errors: ValueError."""
        with self.lock:
            self.shop.seed(settings)
        return settings

    def state(self) -> dict[str, Any]:
        with self.lock:
            return self.shop.state()

    def deliver(self, request: Request, entry: dict[str, Any]) -> Answer:
        answer = super().deliver(request, entry)
        if entry["fault"] == "cut" and answer.status == 302:
            # All of a redirect is in its head: cut behind that it would be whole. Half a page takes its place.
            return Answer(200, "<!DOCTYPE html>", {"Connection": "close"}, "text/html; charset=utf-8")
        return answer

    @abstractmethod
    def saves(self, case: str | None) -> str:
        """The pattern of the paths whose POSTs save a line on a case, None: on any."""

    @abstractmethod
    def pages(self, case: str) -> str:
        """The pattern of all paths that belong to a case."""

    def served(self, port: int, control_port: int) -> "WorkshopRunning":
        """Begin to serve it on loopback; `serve` calls this."""
        return WorkshopRunning(self, "127.0.0.1", port, control_port)

    def saved(self, request: Request, since: int) -> None:
        """Tell the ledger what the shop has saved since it had so many saves."""
        for save in self.shop.saves[since:]:
            request.effect(**save)


class WorkshopRunning(Running):
    """A served workshop ERP: its control port knows the named faults."""

    def __init__(self, standin: WorkshopStandIn, host: str, port: int, control_port: int) -> None:
        super().__init__(standin, host, port, control_port)
        self.faults = NamedFaults(lambda: standin.stage, standin.lock, standin.saves, standin.pages)


def guide_of(kind: str, fault: dict[str, Any], settings: str | None) -> Guide:
    """How one type of ERP is used. settings: the docstring of its module; fault: one that only it can do"""
    [(user, password)] = USERS.items()
    table = f'[{kind}]\nname = "Bennys Auto"\ntype = "{kind}"\nbase_url = "{{url}}"\nusername = "{user}"'
    return Guide(
        config=f'# config/workshops.toml\n{table}\npassword = {{{{ env = "WORKSHOP_PASSWORD" }}}}',
        secrets=f"WORKSHOP_PASSWORD={password}",
        ask="-i {url}/",
        seeds=(
            {"add_cases": [{"number": "777", "customer": "Ida Holm", "plate": "AB 12 345"}]},
            {"users": dict(USERS)},
        ),
        faults=({"fault": {"kind": "save_then_drop"}, "case": "560", "times": 1}, fault),
        settings=Settings.__doc__,
        kinds=(settings, staging.__doc__, mishaps.__doc__),
    )


def serve(standin: WorkshopStandIn, *, port: int = 0, control_port: int = 0) -> WorkshopRunning:
    """Serve it on 127.0.0.1 until `stop` or the end of the `with` block. Errors: UsageError: a port is taken."""
    return standin.served(port, control_port)


def main_serve(standin: WorkshopStandIn, port: int, control_port: int = 0) -> None:
    """Serve in the foreground: one JSON line on stdout when ready, back on SIGTERM or SIGINT."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDINGS)  # before any thread starts, as in base.main_serve
    try:
        running = serve(standin, port=port, control_port=control_port)
        with running:
            sys.stdout.write(json.dumps(running.ready) + "\n")
            sys.stdout.flush()
            signal.sigwait(ENDINGS)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def on_case(case: str | None) -> str:
    """A pattern for a case's number in a path."""
    return "[^/]+" if case is None else re.escape(case)
