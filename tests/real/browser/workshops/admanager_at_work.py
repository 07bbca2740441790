"""AdManager in a real Chromium against the stand-in: one browser and one stand-in for a whole module of tests."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from integrator.domain.orderlines.order import named
from integrator.secret import Secret
from integrator.standins.admanager import AdManager as StandIn
from integrator.standins.workshop.standin import WorkshopRunning, serve
from integrator.systems.browser.locators import load_locators
from integrator.systems.browser.session import BrowserOptions, start
from integrator.systems.browser.tab import Tab
from integrator.systems.browser.trouble import Trouble
from integrator.systems.workshops.admanager import AdManager
from integrator.systems.workshops.erp import Entry

NOW = 1_700_000_000.0
EMAIL, PASSWORD = "oilmat@example.org", "demo-workshop"
LOCATORS = Path(__file__).parents[4] / "config/workshops/admanager.toml"
QUICK = {"table_ms": 10, "lines_ms": 10, "options_ms": 10, "lookup_ms": 10}


@dataclass
class Work:
    """What a test works with. A test that changes a case takes a new one, or the common one, which begins empty."""

    running: WorkshopRunning
    standin: StandIn
    tab: Tab
    erp: AdManager
    cases: int = 9000
    opened: str = ""
    common: str = ""
    before: tuple[int, int] = (0, 0)  # effects and requests of earlier tests

    def case(self, **facts: Any) -> str:
        """The number of a new case."""
        self.cases += 1
        self.standin.seed({"add_cases": [{"number": str(self.cases), **facts}]})
        return str(self.cases)

    def stage(self, kind: str, *, times: int | None = 1, skip: int = 0, **fault: Any) -> None:
        self.running.faults.add({"fault": {"kind": kind, **fault}, "times": times, "skip": skip})

    def log_in(self, password: str = PASSWORD, totp: str | None = None) -> None:
        self.erp.log_in(EMAIL, Secret(password), None if totp is None else Secret(totp))

    def log_out(self) -> None:
        self.tab.driver.delete_all_cookies()

    def open(self, number: str) -> str:
        """Open a case; gives back its number."""
        self.opened = ""
        self.erp.open_case(number)
        self.opened = number
        return number

    def at_case(self) -> str:
        """The number of an open case without lines. It is looked for once, for that takes 1 s."""
        self.common = self.common or self.case()
        case = self.standin.shop.cases[self.common]
        case.lines, case.status = [], "åben"
        if self.opened != self.common:
            return self.open(self.common)
        self.erp.lines()
        return self.common

    def ready(self, amount: str = "5.5", product: str = "OL-0530", **facts: Any) -> str:
        """The number of an open case where all is typed that a line needs."""
        case = self.open(self.case(**facts)) if facts else self.at_case()
        self.erp.prepare(self.entry(amount, product))
        return case

    def entry(self, amount: str = "5.5", product: str = "OL-0530", unique_id: str = "0001") -> Entry:
        marker = f"{self.erp.marker}{unique_id}"
        return Entry(product, Decimal(amount), lambda name, room: named(name, marker, room))

    def saved(self, case: str) -> list[str]:
        """What the ledger says was written on a case: the truth."""
        effects = [one for one in self.standin.effects()[self.before[0] :] if one["case"] == case]
        return [f"{one['product']} {one['name']} {one['amount']}" for one in effects]

    def posts(self, case: str) -> int:
        return len(self.standin.entries(since=self.before[1], method="POST", path=f"/api/worksheets/{case}/lines"))

    def script(self, script: str) -> Any:
        """Do something in the page, as a page of the future might."""
        return self.tab.driver.execute_script(script)

    def done(self) -> list[str]:
        return [step.name for step in self.tab.steps]


def trouble(act: Callable[..., object], *arguments: Any) -> tuple[str, bool]:
    """The code that an act is given up with, and whether that is definite."""
    return told(act, *arguments)[:2]


def told(act: Callable[..., object], *arguments: Any) -> tuple[str, bool, str]:
    try:
        act(*arguments)
    except Trouble as error:
        return error.code, error.definite, error.message
    raise AssertionError("it went through")


@contextmanager
def at_work(scratch: Path) -> Iterator[Work]:
    standin = StandIn()
    running = serve(standin)
    options = BrowserOptions(None, None, None, ("127.0.0.1",), scratch)
    locators = load_locators(LOCATORS, shown="config/workshops/admanager.toml")
    with running, start(options) as browser:
        tab = Tab(browser.driver, locators, timeout_s=12, busy=AdManager.BUSY)
        yield Work(running, standin, tab, AdManager(tab, running.url, name_limit=60, clock=lambda: NOW))


def begun(work: Work) -> Work:
    """As each test finds it: no faults, nothing in the way, logged in on the page where the one before ended."""
    work.running.faults.clear()
    work.standin.seed({**QUICK, "cookie_bar": False, "name_limit": 60, "session_ttl_s": 1200})
    work.tab.alert()
    work.tab.timeout_s = 12
    cookie = work.tab.driver.get_cookie("adm_session")
    if cookie is None or cookie["value"] not in work.standin.office.sessions.open:
        work.log_out()
        work.log_in()
    work.tab.steps.clear()
    work.before = len(work.standin.effects()), len(work.standin.entries())
    return work
