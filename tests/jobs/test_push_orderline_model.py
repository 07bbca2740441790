"""push-orderline on a real store against an ERP on paper: whatever goes wrong wherever, one line, and it is known."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from integrator.domain.orderlines.order import EFFECT, Order, scope_of
from integrator.home import Home, init_home
from integrator.jobs import orderline_desk, workshop_desk
from integrator.jobs.orderline_intake import Intake
from integrator.jobs.push_orderline import Book, Shop, push_orderline
from integrator.runner import Options, run_job
from integrator.runtime.report import Report
from integrator.secret import Reference, Secret
from integrator.settings import Workshop
from integrator.store.orderlines import Orderlines, shown
from integrator.store.past import doubt_what_waited
from integrator.store.workshops import Workshops
from integrator.systems.browser.locators import Locators
from integrator.systems.workshops import session as sessions
from integrator.systems.workshops.sender import OrderlineSender, Rules
from integrator.systems.workshops.session import BrowserSession, Login
from jobs.paper_erp import Killed, Paper, PaperErp, PaperSession

START = 1_795_000_000.0
QUIET_S = 120.0
ORDER = Order("bennys-auto", "0007", "560", "OL-0530", "5.5")
BEFORE = ["slow", "browser", "session-lost", "erp-unavailable", "unexpected-dialog", "kill"]
AFTER = [f"+{what}" for what in BEFORE]
CALLS = ["log_in", "open_case", "lines", "prepare", "save"]  # of the first attempt
NO = ["!case-locked", "!duplicate-asked"]


class Garage:
    """One workshop with its store, on a clock that only moves when it is told to."""

    def __init__(
        self, root: Path, *, two_steps: bool = False, marker: bool = True, existing_fails: bool = False
    ) -> None:
        init_home(root)
        self.home = Home(root)
        (self.home.config / "integrator.toml").write_text("", encoding="utf-8")
        self.now = START
        self.paper = Paper(lambda: self.now, two_steps=two_steps)
        self.rules = Rules(marker, existing_fails, 60, (2.0, 5.0, 15.0), user="oilmat@example.org")
        self.like_it: tuple[str, ...] = ("bennys-auto",)
        self.session: Callable[[], Any] = lambda: PaperSession(self.paper)
        self.workshop = Workshop(
            name="Bennys Auto",
            type="au2office",
            base_url="http://127.0.0.1:9",
            username="oilmat@example.org",
            password=Reference({"env": "X"}),
            id="bennys-auto",
        )

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def take(self, order: Order = ORDER) -> None:
        def story(run: Any, wiring: Any) -> None:
            with run.db.tx():
                Orderlines(run.db).take(order, source="command", credentials=False, at=run.at)
                run.outbox.once(EFFECT, order.key, order.body, scope=scope_of(order.workshop))

        self._job(story)

    def run(self) -> Report | None:
        """One start of the job; None: it was killed."""

        def sender(session: Any, book: Book) -> OrderlineSender:
            return OrderlineSender(session, book, self.rules, QUIET_S, self.sleep)

        shop = Shop(self.workshop, self.like_it, self.session, sender)
        try:
            return self._job(lambda run, wiring: push_orderline(run, shop))
        except Killed:
            return None

    def _job(self, story: Any) -> Report:
        options = Options(clock=lambda: self.now, scope="bennys-auto")
        return run_job("push-orderline", story, needs=("monitor",), options=options, home=self.home)

    def calmly(self, days: float = 1.2) -> None:
        """Let cron start it again and again, without any more mishaps."""
        self.paper.mishaps.clear()
        until = self.now + days * 86_400
        while self.now < until and self.status()[0] in ("received", "processing"):
            self.now += 400
            self.run()
        self.paper.arrive(float("inf"))

    def row(self, unique_id: str = "0007") -> dict[str, Any]:
        found: list[dict[str, Any]] = []
        with self.store() as db:
            found.append(Orderlines(db).get("bennys-auto", unique_id))
        return found[0]

    def status(self, unique_id: str = "0007") -> tuple[str, str]:
        return shown(self.row(unique_id))

    @contextmanager
    def store(self) -> Iterator[Any]:
        from integrator.database import connect

        db = connect(self.home.var / "integrator.db")
        try:
            yield db
        finally:
            db.close()

    def events(self, unique_id: str = "0007") -> list[str]:
        with self.store() as db:
            return [event["what"] for event in Orderlines(db).events(self.row(unique_id)["id"])]

    def logins(self) -> int:
        return self.paper.names.count("log_in")

    def ours(self) -> list[dict[str, Any]]:
        return [line for line in self.paper.lines if "OilMat" in line["name"]]


@pytest.fixture(params=[False, True], ids=["one step", "two steps"])
def garage(request: pytest.FixtureRequest, tmp_path: Path) -> Garage:
    return Garage(tmp_path, two_steps=request.param)


def test_an_order_becomes_one_line_and_the_next_run_writes_nothing(garage: Garage) -> None:
    garage.take()
    report = garage.run()
    assert report is not None
    assert (report.exit_code, garage.status()) == (0, ("completed", ""))
    [line] = garage.ours()
    assert (line["product"], line["name"], line["amount"]) == ("OL-0530", "Motorolie -- OilMat: 0007", Decimal("5.5"))
    garage.run()
    assert garage.paper.writes == 1


@pytest.mark.parametrize("what", [*BEFORE, *AFTER, *NO, "late"])
@pytest.mark.parametrize("number", range(12))
def test_whatever_goes_wrong_at_any_call_there_is_one_line(garage: Garage, number: int, what: str) -> None:
    garage.paper.mishaps[number] = what
    garage.take()
    garage.run()
    garage.calmly()
    assert garage.status() == ("completed", garage.status()[1])
    assert garage.status()[1] in ("", "allerede på sagen")
    assert (len(garage.paper.lines), len(garage.ours())) == (1, 1)


def test_a_save_that_arrives_after_the_next_runs_have_looked_is_not_written_again(garage: Garage) -> None:
    garage.paper.late_s = 100.0
    garage.paper.mishaps = {number: "late" for number, name in enumerate(CALLS) if name == "save"}
    garage.take()
    garage.run()
    for _ in range(6):
        garage.now += 20
        garage.run()
    garage.calmly()
    assert (len(garage.paper.lines), garage.status()) == (1, ("completed", ""))


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    mishaps=st.dictionaries(st.integers(0, 40), st.sampled_from([*BEFORE, *AFTER, *NO, "late"]), max_size=8),
    waits=st.lists(st.integers(1, 4_000), min_size=1, max_size=6),
    two_steps=st.booleans(),
    marker=st.booleans(),
)
@example(mishaps={3: "+kill", 5: "late", 6: "slow"}, waits=[10, 10, 200], two_steps=True, marker=True)
def test_never_two_lines_and_never_lost(
    tmp_path_factory: pytest.TempPathFactory,
    mishaps: dict[int, str],
    waits: list[int],
    two_steps: bool,
    marker: bool,
) -> None:
    garage = Garage(tmp_path_factory.mktemp("model"), two_steps=two_steps, marker=marker)
    garage.paper.mishaps.update(mishaps)
    garage.take()
    for wait in waits:
        garage.run()
        garage.now += wait
    garage.calmly()
    status, reason = garage.status()
    assert len(garage.paper.lines) <= 1
    assert len(garage.paper.lines) == (status == "completed") or reason == "kræver manuel kontrol"
    assert status == "completed" or reason != ""


def test_a_colleague_s_line_of_the_same_product_is_left_alone(garage: Garage) -> None:
    garage.paper.add("OL-0530", "Motorolie", Decimal("1.00"), user="mette@example.org")
    garage.take()
    garage.run()
    assert [line["name"] for line in garage.paper.lines] == ["Motorolie", "Motorolie -- OilMat: 0007"]
    assert garage.status() == ("completed", "")


def test_two_lines_with_its_id_are_for_a_person(garage: Garage) -> None:
    for _ in range(2):
        garage.paper.add("OL-0530", "Motorolie -- OilMat: 0007", Decimal("5.5"))
    garage.take()
    report = garage.run()
    assert report is not None
    assert (report.exit_code, garage.status()) == (3, ("failed", "kræver manuel kontrol"))
    assert garage.paper.writes == 2


def test_a_longer_id_is_another_order(garage: Garage) -> None:
    garage.paper.add("OL-0530", "Motorolie -- OilMat: 00071", Decimal("5.5"))
    garage.take()
    garage.run()
    assert len(garage.ours()) == 2


def test_an_order_waits_while_another_one_of_its_case_is_in_doubt(garage: Garage) -> None:
    garage.take()
    garage.take(Order("bennys-auto", "0008", "560", "OL-0530", "5.5"))
    garage.take(Order("bennys-auto", "0009", "561", "OL-0530", "5.5"))
    garage.paper.mishaps |= {4: "+browser"} | dict.fromkeys(range(5, 12), "browser")
    garage.run()
    assert garage.row("0007")["phase"] == "doubt"
    assert garage.status("0008") == ("received", "en anden ordre på sagen afklares")


def test_what_is_not_there_after_three_tries_has_failed_with_the_last_reason(garage: Garage) -> None:
    garage.take()
    garage.paper.mishaps = AtCalls(garage.paper, "save", "!duplicate-asked")
    for _ in range(10):
        garage.run()
        garage.now += 4_000
    assert garage.status() == ("failed", "varen er allerede på sagen")
    assert (garage.row()["arms"], garage.paper.lines) == (3, [])


@pytest.mark.parametrize(("code", "counts"), [("slow", True), ("case-closed", False), ("field-mismatch", True)])
def test_a_line_that_stays_half_done_is_for_a_person(tmp_path: Path, code: str, counts: bool) -> None:
    garage = Garage(tmp_path, two_steps=True)
    garage.take()
    garage.paper.mishaps = AtCalls(garage.paper, "finish", f"!{code}")
    garage.run()
    assert (garage.status()[0] == "processing") is counts
    for _ in range(30):
        garage.now += 4_000
        garage.run()
    assert garage.status() == ("failed", "kræver manuel kontrol")
    assert [line["amount"] for line in garage.paper.lines] == [Decimal("1.00")]


def test_three_silences_in_a_row_pause_the_workshop(garage: Garage) -> None:
    for number in range(5):
        garage.take(Order("bennys-auto", f"{number}", f"{500 + number}", "OL-0530", "1"))
    garage.paper.mishaps = AtCalls(garage.paper, "log_in", "erp-unavailable")
    report = garage.run()
    assert report is not None
    assert (report.exit_code, garage.paper.names.count("log_in")) == (75, 3)
    assert report.waiting["workshop.orderline bennys-auto"] == "2 orderline(s) wait for their next try: 3, 4"
    garage.now += 600
    report = garage.run()
    assert report is not None
    assert (report.exit_code, garage.paper.names.count("log_in")) == (75, 3)
    garage.paper.mishaps = {}
    garage.now += 600
    garage.run()
    assert [garage.status(str(number))[0] for number in range(5)] == ["completed"] * 5


def test_a_single_answer_ends_a_row_of_silences(garage: Garage) -> None:
    for number in range(4):
        garage.take(Order("bennys-auto", f"{number}", f"{500 + number}", "OL-0530", "1"))
    logins = {1: "erp-unavailable", 2: "erp-unavailable"}
    garage.paper.mishaps = {number - 1: what for number, what in logins.items()}
    garage.run()
    assert [garage.status(str(number))[0] for number in range(4)] == ["received"] * 2 + ["completed"] * 2


def test_a_layout_that_two_orders_do_not_find_blocks_all_workshops_of_the_type(garage: Garage) -> None:
    for number in range(3):
        garage.take(Order("bennys-auto", f"{number}", f"{500 + number}", "OL-0530", "1"))
    garage.like_it = ("bennys-auto", "other-auto")
    garage.paper.mishaps = AtCalls(garage.paper, "open_case", "layout-changed")
    report = garage.run()
    assert report is not None
    assert (report.exit_code, garage.paper.names.count("open_case")) == (1, 2)
    named = "layout-changed (skærmbillede ændret); so is other-auto; its orders wait"
    assert report.error == f"workshop bennys-auto: blocked until a person has looked: {named}"
    with garage.store() as db:
        blocked = [Workshops(db).get(workshop).blocked_code for workshop in ("bennys-auto", "other-auto")]
    assert blocked == ["layout-changed", "layout-changed"]
    report = garage.run()
    assert report is not None
    assert (report.exit_code, garage.paper.names.count("open_case")) == (5, 2)


def test_the_way_out_of_a_block_is_said_when_it_begins_and_as_long_as_it_lasts(garage: Garage) -> None:
    for number in range(2):
        garage.take(Order("bennys-auto", f"{number}", f"{500 + number}", "OL-0530", "1"))
    garage.paper.mishaps = AtCalls(garage.paper, "open_case", "layout-changed")
    reports = [garage.run(), garage.run()]
    then = "mend config/workshops/au2office.toml, then: integrator workshop activate bennys-auto --unblock"
    assert [report and (report.exit_code, report.hint) for report in reports] == [(1, then), (5, then)]


@pytest.mark.parametrize("code", ["login-refused", "login-attention"])
def test_the_way_out_of_a_refused_login_is_a_login(garage: Garage, code: str) -> None:
    garage.take()
    garage.paper.mishaps = AtCalls(garage.paper, "log_in", code)
    reports = [garage.run(), garage.run()]
    first, second = (report for report in reports if report is not None)
    assert (first.exit_code, second.exit_code, first.hint == second.hint) == (1, 5, True)
    assert "([bennys-auto] in config/workshops.toml: username, and password from env X)" in str(first.hint)
    assert str(first.hint).endswith(", then: integrator workshop test-login bennys-auto")
    assert str(first.error).startswith("workshop bennys-auto: blocked until a person has looked: ")
    assert garage.logins() == 1


@pytest.mark.parametrize("code", ["field-mismatch", "case-not-found", "line-conflict"])
def test_what_goes_wrong_at_the_login_fails_no_order_and_blocks_the_workshop(
    garage: Garage, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    """By a real session: it alone knows that the order was not looked at yet."""
    for number in range(3):
        garage.take(Order("bennys-auto", f"{number}", f"{500 + number}", "OL-0530", "1"))
    monkeypatch.setattr(sessions, "erp_of", lambda kind: PaperType(garage.paper))
    garage.session = lambda: BrowserSession(
        kind="paper",
        base_url="http://127.0.0.1:9",
        login=lambda: Login("oilmat@example.org", Secret("x"), None),
        start=cast(Any, lambda: SimpleNamespace(driver=None, close=lambda: None)),
        locators=Locators({}, shown="paper.toml"),
        evidence=garage.home.evidence,
        stamp=lambda: "now",
        timeout_s=1,
        name_limit=60,
    )
    garage.paper.mishaps = AtCalls(garage.paper, "log_in", code)
    reports = [garage.run(), garage.run()]
    assert [report and report.exit_code for report in reports] == [1, 5]
    with garage.store() as db:
        assert Workshops(db).get("bennys-auto").blocked_code == "login-attention"
    assert [garage.row(str(number))["status"] for number in range(3)] == ["received"] * 3
    assert garage.logins() == 1


def test_a_doubt_that_cannot_be_read_rests_in_between_and_tells_the_same_once(garage: Garage) -> None:
    garage.take()
    garage.paper.mishaps = Unreadable(garage.paper, "case-ambiguous")
    garage.run()
    assert (garage.row()["phase"], garage.paper.writes) == ("doubt", 1)
    garage.take(Order("bennys-auto", "0008", "560", "OL-0530", "5.5"))
    told, begun = [], garage.logins()
    for minute in range(1, 181):
        garage.now += 60
        garage.run()
        if minute % 60 == 0:
            told.append((garage.logins() - begun, garage.events("0008")))
    # By each of the first four runs, then after 1, 2, 4, 8, 16, 32 and 60 minutes.
    assert [logins for logins, _ in told] == [9, 10, 11]
    assert [events for _, events in told] == [["received", "claimed", "waits"]] * 3
    looks = ["evidence"] * 4  # what the save said, and each look of the same run
    assert garage.events() == ["received", "claimed", "looked", "armed", *looks, "doubt", "evidence", "doubt"]

    garage.paper.mishaps = {}
    garage.now += 3_600
    garage.run()
    garage.now += 60
    garage.run()
    assert [garage.status(unique_id)[0] for unique_id in ("0007", "0008")] == ["completed"] * 2
    assert garage.paper.writes == 2


def test_a_person_who_has_seen_to_a_doubt_does_not_wait_for_its_rest(garage: Garage) -> None:
    garage.take()
    garage.paper.mishaps = Unreadable(garage.paper, "case-ambiguous")
    opened: list[PaperSession] = []
    garage.session = lambda: opened.append(PaperSession(garage.paper)) or opened[-1]
    for _ in range(9):
        garage.run()
        garage.now += 3_600
    garage.run()
    garage.paper.mishaps = {}
    garage.now += 60
    garage.run()
    assert (garage.row()["status"], len(opened)) == ("processing", 10)
    with garage.store() as db:
        workshop_desk.set_active(db, "bennys-auto", True, unblock=True, at=int(garage.now))
    garage.run()
    assert (garage.status(), garage.paper.writes) == (("completed", ""), 1)


def test_one_order_that_finds_an_odd_page_twice_blocks_nothing(garage: Garage) -> None:
    garage.take()
    garage.paper.mishaps = AtCalls(garage.paper, "open_case", "layout-changed")
    garage.run()
    garage.now += 100
    report = garage.run()
    assert report is not None
    assert (report.exit_code, garage.status()) == (75, ("received", "skærmbillede ændret"))


def test_a_case_that_is_not_found_is_looked_for_once_more_after_ten_minutes(garage: Garage) -> None:
    garage.take()
    garage.paper.mishaps = AtCalls(garage.paper, "open_case", "case-not-found")
    garage.run()
    garage.now += 590
    garage.run()
    assert (garage.status(), garage.paper.names.count("open_case")) == (("received", "sag ikke fundet"), 1)
    garage.now += 20
    report = garage.run()
    assert report is not None
    assert (report.exit_code, garage.status()) == (3, ("failed", "sag ikke fundet"))


@pytest.mark.parametrize(("call", "mishap"), [("open_case", "case-locked"), ("save", "!case-locked")])
def test_what_waits_for_more_than_a_day_has_failed_with_its_reason(garage: Garage, call: str, mishap: str) -> None:
    """Some ERPs say only when a line is saved that a colleague has the case open: that wrote nothing either."""
    garage.take()
    garage.paper.mishaps = AtCalls(garage.paper, call, mishap)
    until = garage.now + 86_400
    while garage.now < until:
        assert garage.status()[0] == "received"
        garage.run()
        garage.now += 1_800
    for _ in range(3):
        garage.run()
        garage.now += 1_800
    assert garage.status() == ("failed", "sag låst af anden bruger")
    assert garage.paper.lines == []


@pytest.mark.parametrize("two_steps", [False, True])
@pytest.mark.parametrize(("others", "status"), [(0, "completed"), (1, "failed"), (-1, "failed")])
def test_where_no_field_carries_the_id_equal_lines_are_counted(
    tmp_path: Path, two_steps: bool, others: int, status: str
) -> None:
    """Lines of others that come or go in the same moment leave it open whose they are."""
    garage = Garage(tmp_path, two_steps=two_steps, marker=False)
    if others < 0:
        garage.paper.add("OL-0530", "Motorolie", Decimal("5.5"), user="mette@example.org")
    garage.take()
    garage.paper.meanwhile = lambda paper: (
        paper.add("OL-0530", "Motorolie", Decimal("5.5"), user="mette@example.org") if others > 0 else None,
        paper.lines.pop(0) if others < 0 else None,
    )
    garage.run()
    known = status if not two_steps else "completed"  # two steps know their line by its number
    assert garage.status()[0] == known
    if known == "completed":
        assert garage.row()["confidence"] == "by count"
    else:
        assert garage.status()[1] == "kræver manuel kontrol"


@pytest.mark.parametrize(
    "alter",
    [
        lambda line: line.update(name=line["name"][:12]),  # a server that keeps fewer characters than the page takes
        lambda line: line.update(name="SPÆRRET"),
        lambda line: line.update(product="0530"),
        lambda line: line.update(name="OilMat: pistol", amount=Decimal("4")),
    ],
    ids=["cut", "renamed", "another number", "another amount"],
)
def test_a_line_that_came_and_cannot_be_recognised_is_not_written_again(garage: Garage, alter: Any) -> None:
    garage.paper.alter = alter
    garage.take()
    garage.run()
    garage.calmly()
    assert (garage.paper.writes, garage.status()[0]) == (1, "failed")
    assert garage.status()[1] in ("kræver manuel kontrol", "linje afviger")


def test_a_second_step_that_does_not_last_is_for_a_person(tmp_path: Path) -> None:
    garage = Garage(tmp_path, two_steps=True)
    garage.paper.alter = lambda line: line.update(amount=Decimal("1.00"))
    garage.take()
    garage.run()
    garage.calmly()
    assert (garage.paper.writes, garage.status()) == (1, ("failed", "kræver manuel kontrol"))


def test_an_order_that_another_run_holds_is_left_to_it(garage: Garage) -> None:
    """Its lease stays as it is: this run neither looks nor says anything about it."""
    garage.paper.mishaps = {4: "+kill"}
    garage.take()
    garage.run()
    with garage.store() as db, db.tx():
        db.write("UPDATE orderlines SET lease_owner = 'elsewhere 1 1', lease_until = ?", (int(garage.now) + 300,))
    garage.now += 200
    garage.run()
    assert (garage.row()["lease_owner"], garage.row()["phase"]) == ("elsewhere 1 1", "armed")
    garage.calmly()
    assert (garage.paper.writes, garage.status()[0]) == (1, "completed")


def test_what_comes_again_after_a_restore_is_looked_for_first(tmp_path: Path) -> None:
    """Half of it may stand there: what a store has forgotten is never taken for somebody else's."""
    garage = Garage(tmp_path, two_steps=True)
    garage.paper.add("OL-0530", "Motorolie", Decimal("1.00"))

    def forgotten(run: Any, wiring: Any) -> None:
        with run.db.tx():
            run.db.write("INSERT INTO counters (name, value) VALUES ('restored_at', ?)", (run.at,))
        body = json.dumps({"workshop": "bennys-auto", **_FACTS}).encode()
        Intake(run.db, {"bennys-auto": garage.workshop}, lambda: garage.now).take(body, source="pull")

    garage._job(forgotten)
    assert garage.row()["status"] == "processing"
    garage.calmly()
    assert (garage.paper.writes, garage.status()) == (1, ("failed", "kræver manuel kontrol"))


def test_a_doubt_that_comes_back_from_an_old_backup_begins_anew(garage: Garage) -> None:
    """What was sent since is waited for, and one look that fails does not give it up."""
    garage.take()
    garage.paper.mishaps = Unreadable(garage.paper, "slow")
    garage.run()
    garage.now += 30 * 3_600
    with garage.store() as db, db.tx():
        doubt_what_waited(db, int(garage.now))
    garage.run()
    assert garage.status() == ("processing", "afklares")
    garage.paper.mishaps = {}
    garage.paper.lines.clear()
    garage.run()
    assert (garage.status()[0], garage.paper.writes) == ("processing", 1)
    garage.calmly()
    assert (garage.status(), garage.paper.writes) == (("completed", ""), 2)


def test_what_was_uncertain_for_a_day_is_told_with_what_a_person_can_type(garage: Garage) -> None:
    """The outbox's commands are refused for orderlines."""
    garage.take()
    garage.paper.mishaps = Unreadable(garage.paper, "slow")
    told: dict[str, str] = {}
    for _ in range(40):
        report = garage.run()
        assert report is not None
        told |= report.failed
        garage.now += 3_600
    said = "uncertain for more than a day; look on case 560, then: integrator explain bennys-auto/0007"
    assert told == {"workshop.orderline bennys-auto/0007": said}


def test_an_old_doubt_that_a_person_brought_back_survives_a_look_that_fails(garage: Garage) -> None:
    """The day until it is given up is counted from their word, not from days ago."""
    garage.take()
    garage.paper.mishaps = Unreadable(garage.paper, "slow")
    for _ in range(40):
        garage.run()
        garage.now += 3_600
    assert garage.status() == ("failed", "kræver manuel kontrol")
    with garage.store() as db:
        db.write("UPDATE orderlines SET reason_code = 'line-conflict'")
        orderline_desk.retry(db, "bennys-auto", "0007", clock=lambda: garage.now)
    garage.run()
    assert garage.status() == ("processing", "afklares")
    garage.paper.mishaps = {}
    garage.calmly()
    assert (garage.paper.writes, garage.status()) == (1, ("completed", ""))


_FACTS = {"unique_id": "0007", "case_id": "560", "product_nr": "OL-0530", "product_amount": "5.5"}


class PaperType:
    """What a type's module offers, of an ERP on paper."""

    BUSY = ()

    def __init__(self, paper: Paper) -> None:
        self._paper = paper

    def __call__(self, tab: Any, base_url: str, *, name_limit: int) -> PaperErp:
        return PaperErp(self._paper)


class Unreadable(dict[int, str]):
    """The save gets no answer, and from then on the case cannot be opened."""

    def __init__(self, paper: Paper, code: str) -> None:
        super().__init__()
        self._paper, self._code = paper, code

    def get(self, key: int, default: Any = None) -> Any:
        name = self._paper.names[-1]
        if name == "save":
            return "+slow"
        return self._code if name == "open_case" and self._paper.writes else default


class AtCalls(dict[int, str]):
    """The same mishap at every call of one name."""

    def __init__(self, paper: Paper, name: str, mishap: str) -> None:
        super().__init__()
        self._paper, self._name, self._mishap = paper, name, mishap

    def get(self, key: int, default: Any = None) -> Any:
        return self._mishap if self._paper.names[-1] == self._name else default
