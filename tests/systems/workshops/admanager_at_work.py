"""AdManager in a real Chromium against the stand-in: one browser and one stand-in for a whole module of tests."""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from integrator.domain.orderlines.order import named
from integrator.secret import Secret
from integrator.standins.admanager import AdManager as StandIn
from integrator.standins.workshop.standin import WorkshopRunning, serve
from integrator.systems.browser.locators import load_locators
from integrator.systems.browser.tab import Tab
from integrator.systems.browser.trouble import Trouble
from integrator.systems.workshops.admanager import AdManager
from integrator.systems.workshops.erp import Entry

EMAIL, PASSWORD = "oilmat@example.org", "demo-workshop"
LOCATORS = Path(__file__).parents[3] / "config/workshops/admanager.toml"
QUICK = {"table_ms": 10, "lines_ms": 10, "options_ms": 10, "lookup_ms": 10}


@dataclass
class Work:
    """What a test works with. Every test takes a case of its own, so that nothing has to be taken back."""

    running: WorkshopRunning
    standin: StandIn
    tab: Tab
    erp: AdManager
    cases: int = 9000

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
        self.tab.driver.execute_cdp_cmd("Network.clearBrowserCookies", {})

    def ready(self, amount: str = "5.5", product: str = "OL-0530", **facts: Any) -> str:
        """The number of a new case that is open, with all typed that a line needs."""
        case = self.case(**facts)
        self.erp.open_case(case)
        self.erp.prepare(self.entry(amount, product))
        return case

    def entry(self, amount: str = "5.5", product: str = "OL-0530", unique_id: str = "0001") -> Entry:
        marker = f"{self.erp.marker}{unique_id}"
        return Entry(product, Decimal(amount), lambda name, room: named(name, marker, room))

    def saved(self, case: str) -> list[str]:
        """What the ledger says was written on a case: the truth."""
        effects = [one for one in self.standin.effects() if one["case"] == case]
        return [f"{one['product']} {one['name']} {one['amount']}" for one in effects]

    def posts(self, case: str) -> int:
        return len(self.standin.entries(method="POST", path=f"/api/worksheets/{case}/lines"))

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
def at_work(timeout_s: float = 3) -> Iterator[Work]:
    standin = StandIn()
    running = serve(standin)
    with tempfile.TemporaryDirectory() as home, running, _chromium(home) as driver:
        tab = Tab(
            driver,
            load_locators(LOCATORS, shown="config/workshops/admanager.toml"),
            timeout_s=timeout_s,
            poll_s=0.02,
            busy=AdManager.BUSY,
        )
        yield Work(running, standin, tab, AdManager(tab, running.url, name_limit=60))


@contextmanager
def _chromium(home: str) -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    rules = "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"
    for flag in ("--headless=new", "--no-sandbox", "--window-size=1200,900", f"--user-data-dir={home}/profile", rules):
        options.add_argument(flag)
    service = Service("/usr/bin/chromedriver", env={**os.environ, "TMPDIR": home})
    driver = webdriver.Chrome(options=options, service=service)
    try:
        yield driver
    finally:
        driver.quit()


def begun(work: Work) -> Work:
    """As each test finds it: no faults, nothing in the way, logged in on the page where the one before ended."""
    work.running.faults.clear()
    work.standin.seed({**QUICK, "cookie_bar": False, "name_limit": 60, "session_ttl_s": 1200})
    work.tab.alert()
    work.tab.timeout_s = 3
    cookie = work.tab.driver.get_cookie("adm_session")
    if cookie is None or cookie["value"] not in work.standin.office.sessions.open:
        work.log_out()
        work.log_in()
    work.tab.steps.clear()
    return work
