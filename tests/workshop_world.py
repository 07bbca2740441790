"""A world for push-orderline: a home with one workshop, its ERP as a stand-in, and a real browser that tests share."""

import io
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

from integrator.cli import main
from integrator.database import Database, connect
from integrator.home import Home, init_home
from integrator.jobs.orderline_intake import Intake
from integrator.jobs.orderline_runs import Parts, push_one
from integrator.runner import Options, run_job
from integrator.runtime.report import Report
from integrator.settings import load_settings
from integrator.shops import Shops
from integrator.standins.admanager import AdManager
from integrator.standins.au2office import Au2Office
from integrator.standins.workshop.standin import WorkshopRunning, serve
from integrator.store.orderlines import Orderlines, shown
from integrator.systems.browser.session import Browser, BrowserOptions, start

START = 1_795_000_000.0
PASSWORD = "demo-workshop"
USER = "oilmat@example.org"
KINDS = ("au2office", "admanager")
QUICK = {"admanager": {"table_ms": 20, "lines_ms": 20, "options_ms": 20, "lookup_ms": 20, "cookie_bar": False}}


class Lent:
    """A browser that outlives the run it is lent to: whoever closes it gives it back empty."""

    def __init__(self, browser: Browser) -> None:
        self.browser = browser
        self.driver = browser.driver

    def close(self) -> None:
        first, *others = self.driver.window_handles
        for handle in others:
            self.driver.switch_to.window(handle)
            self.driver.close()
        self.driver.switch_to.window(first)
        self.driver.get("about:blank")
        self.driver.execute_cdp_cmd("Network.clearBrowserCookies", {})


@dataclass
class Result:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class WorkshopWorld:
    """One workshop. The clock moves only when it is told to, and by the waits after a doubt."""

    root: Path
    kind: str
    running: WorkshopRunning
    browser: Browser | None = None  # lent to every run; None: each starts its own
    now: float = START
    slept: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        init_home(self.root)
        self.home = Home(self.root)
        self.configure()

    # settings

    def configure(self, *, password: str = PASSWORD, more: str = "", integrator: str = "", others: str = "") -> None:
        """One workshop, bennys-auto. more: further lines of its table."""
        (self.home.config / "integrator.toml").write_text(integrator, encoding="utf-8")
        text = (
            f'[bennys-auto]\nname = "Bennys Auto"\ntype = "{self.kind}"\nbase_url = "{self.running.url}"\n'
            f'username = "{USER}"\npassword = {{ env = "BENNYS_AUTO_PASSWORD" }}\n{more}\n{others}'
        )
        (self.home.config / "workshops.toml").write_text(text, encoding="utf-8")
        self.home.env_file.touch(0o600)
        self.home.env_file.write_text(f"BENNYS_AUTO_PASSWORD={password}\n", encoding="utf-8")

    @property
    def environ(self) -> dict[str, str]:
        return {
            "INTEGRATOR_HOME": str(self.root),
            "PATH": os.environ["PATH"],
            "TZ": "Europe/Copenhagen",
            "SE_MANAGER_PATH": "/bin/false",
        }

    # orders

    def order(
        self, unique_id: str = "0007", *, case: str = "56", product: str = "OL-0530", amount: str = "5,5", **more: Any
    ) -> Any:
        """Hand an order in; gives back what was said of it."""
        facts = {"unique_id": unique_id, "case_id": case, "product_nr": product, "product_amount": amount, **more}
        return self.hand_in({"workshop": "bennys-auto", **facts})

    def hand_in(self, facts: Any) -> Any:
        settings = load_settings(self.home, self.environ, needs=())
        with self.store() as db:
            return Intake(db, settings.workshops, lambda: self.now).take(json.dumps(facts).encode(), source="command")

    # runs

    def run(self, *, minutes: float = 0, dry_run: bool = False) -> Report:
        """One start of push-orderline --workshop bennys-auto, so many minutes later."""
        self.now += minutes * 60
        options = Options(clock=lambda: self.now, scope="bennys-auto", dry_run=dry_run)
        with patch.dict(os.environ, self.environ):
            needs = ("oilmat", "workshops", "monitor")
            return run_job("push-orderline", self.story, needs=needs, options=options, home=self.home)

    def story(self, run: Any, wiring: Any) -> None:
        parts = wiring.orderline_parts()
        shops = Shops(parts.settings, self.home.spool, start=self.start if self.browser else None, sleep=self.sleep)
        push_one(run, Parts(parts.settings, parts.oilmat, shops.shop), "bennys-auto")

    def start(self, options: BrowserOptions) -> Any:
        assert self.browser is not None
        self.browser.driver.set_page_load_timeout(options.timeout_s)
        return Lent(self.browser)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def calmly(self, *, minutes: float = 3, times: int = 6) -> Report:
        """Let cron start it until nothing of the order is open."""
        for _ in range(times):
            report = self.run(minutes=minutes)
            if self.row()["status"] not in ("received", "processing"):
                break
        return report

    def command(self, *arguments: str, stdin: str = "") -> Result:
        """One command in this process, as the console script would run it."""
        out, err = io.StringIO(), io.StringIO()
        code: int | str | None = 0
        typed = io.TextIOWrapper(io.BytesIO(stdin.encode()))
        with patch.dict(os.environ, self.environ, clear=True), patch.object(sys, "argv", ["integrator", *arguments]):
            try:
                with redirect_stdout(out), redirect_stderr(err), patch.object(sys, "stdin", typed):
                    main()
            except SystemExit as end:
                code = end.code
        return Result(int(code or 0), out.getvalue(), err.getvalue())

    # looking

    @contextmanager
    def store(self) -> Iterator[Database]:
        path = self.home.var / "integrator.db"
        if not path.exists():
            run_job("push-orderline", lambda run, wiring: None, needs=("monitor",), options=Options(), home=self.home)
        db = connect(path)
        try:
            yield db
        finally:
            db.close()

    def row(self, unique_id: str = "0007") -> dict[str, Any]:
        with self.store() as db:
            return Orderlines(db).get("bennys-auto", unique_id)

    def said(self, unique_id: str = "0007") -> tuple[str, str | None, str]:
        """How it stands: OilMat's status, our code, the reason."""
        row = self.row(unique_id)
        status, reason = shown(row)
        return status, row["reason_code"], reason

    def saves(self, kind: str = "new") -> list[dict[str, Any]]:
        """What the ERP was told to write by us, ever: the truth."""
        return [save for save in self.running.standin.effects() if save["kind"] == kind and save["user"] != "mette"]

    def lines(self, case: str = "56") -> list[dict[str, Any]]:
        """The lines of a case as the ERP has them."""
        state = self.running.standin.state()
        return [line for found in state["cases"] if found["number"] == case for line in found["lines"]]

    def ours(self, case: str = "56") -> list[tuple[str, str, str]]:
        return [
            (line["product"], line["name"], line["amount"]) for line in self.lines(case) if "OilMat" in line["name"]
        ]

    def logins(self) -> list[dict[str, Any]]:
        return list(self.running.standin.state()["logins"])

    def stage(self, kind: str, *, times: int | None = 1, skip: int = 0, case: str | None = None, **fault: Any) -> None:
        rule: dict[str, Any] = {"fault": {"kind": kind, **fault}, "times": times, "skip": skip}
        self.running.faults.add(rule | ({"case": case} if case else {}))


def stand_in(kind: str) -> WorkshopRunning:
    """A served stand-in of a type, quick where a page waits for nothing."""
    made = {"au2office": Au2Office, "admanager": AdManager}[kind]()
    running = serve(made)
    made.seed(QUICK.get(kind, {}))
    return running


@contextmanager
def world(root: Path, kind: str, browser: Browser | None = None) -> Iterator[WorkshopWorld]:
    with stand_in(kind) as running:
        yield WorkshopWorld(root, kind, running, browser)


def shared_browser(scratch: Path) -> Browser:
    """For a whole module of tests."""
    os.environ["SE_MANAGER_PATH"] = "/bin/false"
    return start(BrowserOptions(None, None, None, ("127.0.0.1",), scratch, timeout_s=60, command_timeout_s=120))


Stage = Callable[[WorkshopWorld], None]
