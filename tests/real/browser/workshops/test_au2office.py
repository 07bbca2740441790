"""au2office in a real Chromium against the stand-in: whatever a page shows is the trouble that it stands for."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from integrator.domain.orderlines.order import named
from integrator.secret import Secret
from integrator.standins.workshop.example import CASES, PRODUCTS
from integrator.systems.browser.locators import load_locators
from integrator.systems.browser.session import BrowserOptions, start
from integrator.systems.browser.tab import Tab
from integrator.systems.browser.trouble import Trouble
from integrator.systems.workshops.au2office import Au2Office
from integrator.systems.workshops.erp import Entry, Line
from integrator.systems.workshops.onetime import code_at
from standins.au2office_client import EMAIL, PASSWORD, Desk

CONFIG = Path(__file__).parents[4] / "config" / "workshops"
TOTP = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
NOW = 1_803_794_403.0
TIMEOUT_S = 12.0


@dataclass
class Place:
    """A driver on a stand-in. `before`: how much the ledger held when the test began; `opened`: which case is open."""

    desk: Desk
    tab: Tab
    erp: Au2Office
    before: int = 0
    opened: str = ""

    def saves(self) -> list[dict[str, Any]]:
        return self.desk.office.effects()[self.before :]

    def seed(self, **settings: Any) -> None:
        self.desk.office.seed(settings)

    def stage(self, kind: str, *, times: int | None = 1, skip: int = 0, **fault: Any) -> None:
        self.desk.running.faults.add({"fault": {"kind": kind, **fault}, "times": times, "skip": skip})

    def news(self) -> int:
        """How many lines were made."""
        return sum(save["kind"] == "new" for save in self.saves())

    def log_in(self, password: str = PASSWORD, totp: Secret | None = None) -> None:
        self.erp.log_in(EMAIL, Secret(password), totp)

    def open(self, case: str = "56") -> None:
        """Mostly it is open from the test before, and loaded anew."""
        if self.opened == case:
            self.erp.lines()
        else:
            self.look_for(case)
            self.opened = case

    def look_for(self, case: str) -> None:
        self.opened = ""
        self.erp.open_case(case)

    def lines(self, case: str = "56") -> list[Line]:
        self.look_for(case)
        return self.erp.lines()

    def ready(self, product: str = "OL-1040") -> None:
        """All is typed that a save needs."""
        self.open()
        self.erp.prepare(entry(product))

    def made(self, product: str = "OL-1040", case: str = "56") -> str:
        """A line after step one, which the ledger does not know of; the case is open."""
        with self.desk.office.lock:
            line = self.desk.office.shop.new_line(case, product, "oilmat")
        self.open(case)
        return str(line.id)

    def line(self, case: str = "56") -> tuple[str, str]:
        """Name and amount of the newest line."""
        newest = max(self.desk.office.shop.case(case).lines, key=lambda line: line.id)
        return newest.name, str(newest.amount)

    def attempts(self) -> int:
        return len(self.desk.office.state()["logins"])


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    options = BrowserOptions(
        binary=None,
        driver="/usr/bin/chromedriver",
        remote_url=None,
        allow_hosts=("127.0.0.1",),
        timeout_s=TIMEOUT_S,
        command_timeout_s=60,
        scratch=tmp_path_factory.mktemp("browser"),
    )
    with start(options) as browser:
        yield browser.driver


def _place(driver: Any) -> Place:
    locators = load_locators(CONFIG / "au2office.toml", shown="config/workshops/au2office.toml")
    desk, tab = Desk(), Tab(driver, locators, timeout_s=TIMEOUT_S)
    return Place(desk, tab, Au2Office(tab, desk.running.url, name_limit=60, clock=lambda: NOW))


@pytest.fixture
def fresh(driver: Any) -> Iterator[Place]:
    """Nobody is logged in."""
    driver.delete_all_cookies()
    place = _place(driver)
    yield place
    place.desk.close()


@pytest.fixture(scope="module")
def logged_in(driver: Any) -> Iterator[Place]:
    place = _place(driver)
    yield place
    place.desk.close()


@pytest.fixture
def inside(logged_in: Place) -> Place:
    """Logged in, with a fresh shop; the login of the test before is used again where it still is one."""
    desk, logged_in.tab.timeout_s = logged_in.desk, TIMEOUT_S
    desk.running.faults.clear()
    logged_in.seed(cases=CASES, products=PRODUCTS, name_limit=60)
    if not logged_in.tab.driver.current_url.startswith(f"{desk.running.url}/kundestyring"):
        logged_in.opened = ""
        logged_in.log_in()
    logged_in.before = len(desk.office.effects())
    logged_in.tab.steps.clear()
    return logged_in


def entry(product: str = "OL-1040", amount: str = "5.5", unique_id: str = "0007") -> Entry:
    marker = Au2Office.marker + unique_id
    return Entry(product, Decimal(amount), lambda name, room: named(name, marker, room))


def trouble(call: Callable[[], object]) -> tuple[str, bool]:
    """Code and definiteness of what it raises; its message holds nobody's name and no password."""
    with pytest.raises(Trouble) as caught:
        call()
    assert not any(text in caught.value.message for text in ("Karl", "Åberg", EMAIL, PASSWORD, "AB 12 345"))
    return caught.value.code, caught.value.definite


def steps(place: Place) -> list[str]:
    return [step.name for step in place.tab.steps]


# The login


def test_a_login_comes_to_the_cases_and_a_second_one_too(fresh: Place) -> None:
    fresh.log_in()
    assert [line.product for line in fresh.lines("560")] == ["FI-100"]
    fresh.log_in()
    assert [line.product for line in fresh.lines("560")] == ["FI-100"]
    assert (fresh.attempts(), len(fresh.tab.driver.window_handles)) == (1, 2)


def test_a_wrong_password_is_one_attempt(fresh: Place) -> None:
    assert trouble(lambda: fresh.log_in("not-this-one")) == ("login-refused", False)
    assert fresh.attempts() == 1


def test_a_barred_account_is_for_a_person(fresh: Place) -> None:
    for _ in range(5):
        fresh.desk.log_in(password="not-this-one")
    assert trouble(fresh.log_in) == ("login-attention", False)
    assert fresh.attempts() == 6


def test_an_expired_password_is_for_a_person(fresh: Place) -> None:
    fresh.stage("password_expired")
    assert trouble(fresh.log_in) == ("login-attention", False)


def test_a_one_time_code_is_given_where_its_secret_is_known(fresh: Place) -> None:
    fresh.stage("two_factor", code=code_at(Secret(TOTP), NOW), times=None)
    assert trouble(fresh.log_in) == ("login-attention", False)
    fresh.log_in(totp=Secret(f"{TOTP[:4]} {TOTP[4:].lower()}"))
    assert len(fresh.lines("560")) == 1


@pytest.mark.parametrize("secret", [TOTP[::-1], "no base32!"])
def test_a_one_time_code_that_is_not_taken_is_for_a_person(fresh: Place, secret: str) -> None:
    fresh.stage("two_factor", code=code_at(Secret(TOTP), NOW))
    assert trouble(lambda: fresh.log_in(totp=Secret(secret))) == ("login-attention", False)


def test_the_news_are_closed_and_noted(fresh: Place) -> None:
    fresh.stage("news_dialog")
    fresh.log_in()
    assert "known notice closed: Driftsinformation" in steps(fresh)


def test_a_system_that_is_updated_or_gone_is_unavailable(fresh: Place) -> None:
    fresh.stage("maintenance")
    assert trouble(fresh.log_in) == ("erp-unavailable", False)
    fresh.stage("status", status=502)
    assert trouble(fresh.log_in) == ("erp-unavailable", False)
    fresh.desk.running.stop()
    assert trouble(fresh.log_in) == ("erp-unavailable", False)


@pytest.mark.parametrize("words", [False, True])
def test_another_layout_is_told_so_and_nothing_is_written(fresh: Place, words: bool) -> None:
    fresh.tab.timeout_s = 3
    fresh.stage("rename_ids", words=words, times=None)

    def all_of_it() -> None:
        fresh.log_in()
        fresh.lines("560")
        fresh.erp.prepare(entry())

    assert trouble(all_of_it) == ("layout-changed", False)
    assert (fresh.saves(), fresh.attempts()) == ([], 1)


# The case


@pytest.mark.parametrize(
    ("number", "code"), [("9999", "case-not-found"), ("5", "case-not-found"), ("#56", "case-not-found")]
)
def test_a_case_that_is_not_there_is_not_found_in_longer_numbers(inside: Place, number: str, code: str) -> None:
    assert trouble(lambda: inside.look_for(number))[0] == code


def test_two_cases_of_one_number_are_ambiguous(inside: Place) -> None:
    inside.seed(add_cases=[{"number": "560"}])
    assert trouble(lambda: inside.look_for("560"))[0] == "case-ambiguous"


@pytest.mark.parametrize("number", ["371", "37105", "37123"])
def test_a_case_is_found_on_each_page_of_the_search(inside: Place, number: str) -> None:
    inside.seed(add_cases=[{"number": "371", "lines": [{"product": "7"}]}])
    assert [line.product for line in inside.lines(number)] == (["7"] if number == "371" else [])
    assert f"Sag {number}" in _frame_text(inside)


@pytest.mark.parametrize(
    ("number", "code", "count"),
    [("561", "case-closed", 0), ("562", "case-invoiced", 1), ("563", "case-locked", 0)],
)
def test_a_case_that_cannot_be_written_on_can_be_read(inside: Place, number: str, code: str, count: int) -> None:
    assert trouble(lambda: inside.look_for(number)) == (code, True)
    assert len(inside.erp.lines()) == count
    assert trouble(lambda: inside.erp.prepare(entry())) == (code, True)
    assert inside.saves() == []


def test_a_case_that_a_colleague_opens_meanwhile_is_locked_before_anything_is_typed(inside: Place) -> None:
    inside.open()
    inside.stage("lock_case", when="open")
    assert trouble(lambda: inside.erp.prepare(entry())) == ("case-locked", True)


def test_all_of_200_lines_are_read_and_one_of_them_is_set(inside: Place) -> None:
    lines = [
        {"product": ("0007", "00071", "FI-100")[n % 3], "name": f"Vare {n:03}", "amount": "1234.50"} for n in range(199)
    ]
    inside.seed(add_cases=[{"number": "800", "lines": lines}])
    made = inside.made("OL-1040", "800")
    read = inside.erp.lines()
    assert {line.id for line in read} == {str(line.id) for line in inside.desk.office.shop.case("800").lines}
    assert (len(read), read[0].amount, read[0].created_by) == (200, Decimal("1234.50"), "mette")
    # By its name it moves to the last page.
    inside.erp.finish(made, Entry("OL-1040", Decimal("5.5"), lambda _name, _room: "Zink -- OilMat: 0007"))
    assert inside.line("800") == ("Zink -- OilMat: 0007", "5.50")


def test_a_list_that_changes_while_it_is_read_is_read_again(inside: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    inside.seed(add_cases=[{"number": "800", "lines": [{"product": "7", "name": f"{n:02}"} for n in range(45)]}])
    inside.look_for("800")
    answer, first = inside.desk.office.handle, inside.desk.office.shop.case("800").lines[0].id

    def meanwhile(request: Any) -> Any:
        if "side=2" in request.target:
            inside.desk.office.shop.seed({"remove_lines": [first]})
        return answer(request)

    monkeypatch.setattr(inside.desk.office, "handle", meanwhile)
    assert len({line.id for line in inside.erp.lines()}) == len(inside.erp.lines()) == 44


def _frame_text(place: Place) -> str:
    with place.tab.in_frame("window.content"):
        return str(place.tab.driver.execute_script("return document.body.innerText"))


# Step one


def test_a_line_is_there_after_the_one_touch_and_not_before(inside: Place) -> None:
    assert inside.lines() == []
    inside.erp.prepare(entry())
    assert inside.saves() == []
    inside.erp.save()
    [line] = inside.erp.lines()
    assert (line.product, line.amount, line.created_by) == ("OL-1040", Decimal("1.00"), "oilmat")
    inside.erp.finish(str(line.id), entry())
    [line] = inside.erp.lines()
    assert (line.name, line.amount) == ("Motorolie 10W-40 delsyntetisk -- OilMat: 0007", Decimal("5.50"))
    inside.erp.close_case()
    assert (inside.news(), len(inside.saves())) == (1, 3)


def test_a_save_needs_what_was_prepared_and_only_once(inside: Place) -> None:
    inside.open()
    assert trouble(inside.erp.save) == ("field-mismatch", True)
    inside.erp.prepare(entry())
    inside.erp.save()
    assert trouble(inside.erp.save) == ("field-mismatch", True)
    assert inside.news() == 1


def test_0007_is_chosen_beside_00071(inside: Place) -> None:
    inside.open()
    for number in ("0007", "00071", "7"):
        inside.erp.prepare(entry(number))
        inside.erp.save()
    assert [save["product"] for save in inside.saves()] == ["0007", "00071", "7"]


@pytest.mark.parametrize(
    ("product", "code"),
    [
        ("XX-1", "product-unknown"),  # red text
        ("OL-05", "product-unknown"),  # a search with other numbers
        ("ol-1040", "product-unknown"),  # a search with one number, spelt otherwise
        ("OL-1540", "product-blocked"),
        ("AT-III", "product-blocked"),
    ],
)
def test_a_product_that_is_not_to_be_had_is_a_definite_no(inside: Place, product: str, code: str) -> None:
    inside.ready(product)
    assert trouble(inside.erp.save) == (code, True)
    assert (inside.saves(), inside.erp.lines()) == ([], [])


def test_what_cannot_be_typed_as_it_is_is_a_mismatch_before_anything_is_saved(inside: Place) -> None:
    inside.open()
    assert trouble(lambda: inside.erp.prepare(entry("OL-1040\t")))[0] == "field-mismatch"
    assert trouble(inside.erp.save) == ("field-mismatch", True)
    assert inside.saves() == []


def test_a_product_out_of_stock_goes_on_and_is_noted(inside: Place) -> None:
    inside.ready("BR-DOT4")
    inside.erp.save()
    assert (inside.news(), "a warning in yellow, noted" in steps(inside)) == (1, True)


@pytest.mark.parametrize(
    ("fault", "more", "code"),
    [
        ("close_case_before_save", {}, "case-closed"),
        ("close_case_before_save", {"status": "faktureret"}, "case-invoiced"),
        ("lock_case", {"when": "save"}, "case-locked"),
    ],
)
def test_a_case_that_a_colleague_takes_before_the_save_is_a_definite_no(
    inside: Place, fault: str, more: dict[str, Any], code: str
) -> None:
    inside.ready()
    inside.stage(fault, **more)
    assert trouble(inside.erp.save) == (code, True)
    assert inside.saves() == []


def test_the_question_whether_to_add_it_again_is_answered_no(inside: Place) -> None:
    inside.made()
    inside.stage("duplicate_question", times=None)
    inside.ready()
    assert trouble(inside.erp.save) == ("duplicate-asked", True)
    assert (inside.saves(), len(inside.erp.lines())) == ([], 1)


def test_an_unknown_question_is_answered_no_and_leaves_it_open(inside: Place) -> None:
    inside.stage("js_confirm", text="Sikker?", times=None)
    inside.ready()
    assert trouble(inside.erp.save) == ("unexpected-dialog", False)
    assert (inside.saves(), inside.lines()) == ([], [])


def test_an_unknown_dialog_is_never_accepted(inside: Place) -> None:
    inside.open()
    inside.stage("unknown_modal", title="Besked", text="Marker som læst?")
    assert trouble(lambda: inside.erp.prepare(entry())) == ("unexpected-dialog", False)
    assert "Marker som læst?" in _frame_text(inside)
    inside.erp.prepare(entry())
    inside.stage("unknown_modal", title="Besked", text="Marker som læst?")
    assert trouble(inside.erp.save) == ("unexpected-dialog", False)
    assert (inside.news(), len(inside.erp.lines())) == (1, 1)


def test_a_session_that_ended_is_told_from_the_frame_and_a_new_login_goes_on(inside: Place) -> None:
    inside.ready()
    inside.desk.office.sessions.end_all()
    assert trouble(inside.erp.save) == ("session-lost", False)
    assert trouble(inside.erp.lines) == ("session-lost", False)
    assert trouble(lambda: inside.look_for("56")) == ("session-lost", False)
    inside.log_in()
    assert (inside.lines(), inside.saves()) == ([], [])


def test_a_case_is_read_again_after_each_answer_that_says_nothing(inside: Place) -> None:
    inside.open()
    for fault, code, count in (("save_then_500", "erp-unavailable", 1), ("maintenance", "erp-unavailable", 1)):
        inside.erp.prepare(entry())
        inside.stage(fault)
        assert trouble(inside.erp.save) == (code, False)
        assert (inside.news(), len(inside.erp.lines())) == (count, count)


def test_a_connection_that_closes_without_an_answer_is_unavailable(inside: Place) -> None:
    inside.ready()
    rule = {"fault": {"kind": "close", "when": "before"}, "match": {"method": "POST"}, "times": 9}
    inside.desk.running.faults.add(rule)
    assert trouble(inside.erp.save) == ("erp-unavailable", False)
    assert (inside.erp.lines(), inside.saves()) == ([], [])


def test_a_save_without_an_answer_in_time_is_slow_and_leaves_it_open(inside: Place) -> None:
    inside.ready()
    inside.stage("hang_save", when="after")
    assert trouble(inside.erp.save) == ("slow", False)
    assert inside.news() == 1
    assert len(inside.lines()) == 1


def test_half_a_page_after_a_save_leaves_it_open(inside: Place) -> None:
    inside.ready()
    inside.tab.timeout_s = 1
    inside.stage("save_then_cut")
    code, definite = trouble(inside.erp.save)
    assert (code in {"slow", "layout-changed"}, definite, inside.news()) == (True, False, 1)
    inside.tab.timeout_s = TIMEOUT_S
    assert len(inside.erp.lines()) == 1


def test_a_slow_page_before_the_save_is_slow(inside: Place) -> None:
    inside.open()
    inside.stage("delay_ms", ms=TIMEOUT_S * 1000 + 1500, times=1)
    assert trouble(lambda: inside.erp.prepare(entry()))[0] == "slow"
    assert inside.saves() == []


def test_a_window_that_is_gone_is_the_browsers_trouble_and_a_login_mends_it(fresh: Place) -> None:
    fresh.log_in()
    fresh.lines()
    fresh.tab.driver.close()
    assert trouble(fresh.erp.lines) == ("browser", False)
    fresh.log_in()
    assert fresh.lines() == []


# Step two


def test_what_is_set_already_is_not_touched_again(inside: Place) -> None:
    made = inside.made()
    inside.erp.finish(made, entry())
    assert [save["kind"] for save in inside.saves()] == ["change", "change"]
    inside.erp.finish(made, entry())
    assert len(inside.saves()) == 2
    inside.erp.finish(made, entry(amount="6"))
    assert (len(inside.saves()), inside.line()) == (3, ("Motorolie 10W-40 delsyntetisk -- OilMat: 0007", "6.00"))


@pytest.mark.parametrize("field", ["navn", "antal"])
def test_a_second_step_that_was_cut_is_finished_later(inside: Place, field: str) -> None:
    made = inside.made()
    inside.stage("cut_second_step", field=field)
    assert trouble(lambda: inside.erp.finish(made, entry())) == ("erp-unavailable", False)
    assert inside.line()[1] == "1.00"
    inside.erp.finish(made, entry())
    assert inside.line() == ("Motorolie 10W-40 delsyntetisk -- OilMat: 0007", "5.50")
    assert [save["amount"] for save in inside.saves()] == ["1.00", "5.50"]


def test_a_name_is_shortened_for_the_mark_and_the_mark_never(inside: Place) -> None:
    made = inside.made("OL-2050")
    inside.erp.finish(made, entry("OL-2050", unique_id="2027-000123"))
    assert inside.line()[0] == "Motorolie 20W-50 til veteranbiler og -- OilMat: 2027-000123"


@pytest.mark.parametrize(("skip", "times", "cut", "saves"), [(0, None, "10W-", 2), (2, 1, "10W", 3)])
def test_a_name_that_the_field_or_the_server_cuts_is_shortened_more(
    inside: Place, skip: int, times: int | None, cut: str, saves: int
) -> None:
    """The field shows its limit; the server's is seen when it has cut, here behind a blank, which is not seen."""
    made = inside.made()
    inside.stage("name_limit", characters=30, skip=skip, times=times)
    inside.erp.finish(made, entry())
    assert inside.line() == (f"Motorolie {cut} -- OilMat: 0007", "5.50")
    assert len(inside.saves()) == saves


def test_a_mark_for_which_there_is_no_room_is_told_and_the_line_is_as_it_was(inside: Place) -> None:
    made = inside.made()
    inside.stage("name_limit", characters=10, times=None)
    assert trouble(lambda: inside.erp.finish(made, entry()))[0] == "marker-too-long"
    assert inside.saves() == []


def test_an_order_without_a_mark_sets_the_amount_only(inside: Place) -> None:
    made = inside.made()
    inside.stage("no_marker_field", times=None)
    inside.erp.finish(made, Entry("OL-1040", Decimal("5.5"), None))
    assert inside.line() == ("Motorolie 10W-40 delsyntetisk", "5.50")


@pytest.mark.parametrize(
    ("facts", "code"), [({"status": "lukket"}, "case-closed"), ({"locked_by": "mette"}, "case-locked")]
)
def test_a_case_that_a_colleague_takes_between_the_steps_is_told_so(
    inside: Place, facts: dict[str, str], code: str
) -> None:
    made = inside.made()
    for name, value in facts.items():
        setattr(inside.desk.office.shop.case("56"), name, value)
    assert trouble(lambda: inside.erp.finish(made, entry())) == (code, True)
    assert (inside.saves(), inside.line()[1]) == ([], "1.00")


def test_an_amount_that_is_refused_is_a_definite_no_to_that_field(inside: Place) -> None:
    made = inside.made()
    assert trouble(lambda: inside.erp.finish(made, entry(amount="10000"))) == ("amount-refused", True)
    assert inside.line() == ("Motorolie 10W-40 delsyntetisk -- OilMat: 0007", "1.00")


@pytest.mark.parametrize(("field", "kept", "saved"), [("antal", "1.00", 1), ("navn", "1.00", 0)])
def test_a_field_that_holds_other_than_was_typed_is_not_left(inside: Place, field: str, kept: str, saved: int) -> None:
    """As a page does that takes the comma for a mark: 5,50 would become 550."""
    made = inside.made()
    eats = f"""addEventListener('input', (event) => {{
        if (event.target.name === '{field}') event.target.value = event.target.value.replace(/[,M]/, '');
    }}, true)"""
    script = _devtools(inside, "Page.addScriptToEvaluateOnNewDocument", {"source": eats})
    try:
        assert trouble(lambda: inside.erp.finish(made, entry())) == ("field-mismatch", False)
    finally:
        _devtools(inside, "Page.removeScriptToEvaluateOnNewDocument", script)
    assert (len(inside.saves()), inside.line()[1]) == (saved, kept)


def _devtools(place: Place, command: str, parameters: dict[str, Any]) -> Any:
    return place.tab.driver.execute("executeCdpCommand", {"cmd": command, "params": parameters})["value"]


def test_a_line_of_another_order_is_not_touched(inside: Place) -> None:
    made = inside.made()
    inside.erp.finish(made, entry(unique_id="00071"))
    before = len(inside.saves())
    assert trouble(lambda: inside.erp.finish(made, entry()))[0] == "line-conflict"
    assert trouble(lambda: inside.erp.finish(made, entry("OL-0530")))[0] == "line-conflict"
    inside.seed(remove_lines=[int(made)])
    assert trouble(lambda: inside.erp.finish(made, entry()))[0] == "line-conflict"
    assert len(inside.saves()) == before
