"""AdManager until something is typed: the login, the list of cases, the lines of a case."""

import re
from collections.abc import Iterator
from decimal import Decimal

import pytest
from admanager_at_work import EMAIL, NOW, PASSWORD, Work, at_work, begun, told, trouble

from integrator.secret import Secret
from integrator.systems.workshops.admanager import AdManager
from integrator.systems.workshops.onetime import code_at

TOTP = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
CODE = code_at(Secret(TOTP), NOW)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Work]:
    with at_work(tmp_path_factory.mktemp("browser")) as work:
        yield work


@pytest.fixture
def work(browser: Work) -> Work:
    return begun(browser)


@pytest.fixture
def outside(work: Work) -> Work:
    """Before the login."""
    work.log_out()
    work.standin.seed({"cookie_bar": True})
    return work


# The login


def test_the_login_ends_at_the_list_with_news_and_cookies_out_of_the_way(outside: Work) -> None:
    outside.stage("news_dialog")
    outside.log_in()
    assert outside.tab.driver.current_url == f"{outside.running.url}/worksheet"
    assert {"notice closed: news", "notice closed: cookies"} <= set(outside.done())
    outside.open("560")


def test_a_wrong_password_is_tried_once(outside: Work) -> None:
    before = len(outside.standin.state()["logins"])
    code, _, message = told(outside.log_in, "forkert-kode")
    assert (code, len(outside.standin.state()["logins"]) - before) == ("login-refused", 1)
    assert not re.search(f"forkert-kode|{PASSWORD}|{EMAIL}", message)


def test_a_locked_account_needs_a_person(outside: Work) -> None:
    sessions = outside.standin.office.sessions
    sessions.failures[EMAIL] = 5
    assert trouble(outside.log_in) == ("login-attention", False)
    sessions.failures.clear()


def test_a_code_that_is_asked_for_is_typed_where_the_workshop_has_a_totp(outside: Work) -> None:
    outside.stage("two_factor", code=CODE)
    outside.log_in(totp=TOTP)
    outside.open("560")


@pytest.mark.parametrize("totp", [None, TOTP, "no base 32!"])
def test_a_code_that_we_do_not_have_or_that_is_wrong_needs_a_person(outside: Work, totp: str | None) -> None:
    outside.stage("two_factor", code="another")
    assert trouble(outside.log_in, PASSWORD, totp) == ("login-attention", False)


def test_a_login_that_the_server_fails_on_is_no_refusal(outside: Work) -> None:
    outside.running.faults.add({"match": {"path": "/api/login"}, "fault": {"kind": "status", "status": 500}})
    assert trouble(outside.log_in) == ("erp-unavailable", False)


def test_a_maintenance_page_is_an_erp_that_cannot_be_had(outside: Work) -> None:
    outside.stage("maintenance", times=None)
    assert trouble(outside.log_in) == ("erp-unavailable", False)


@pytest.mark.parametrize("words", [True, False])
def test_another_layout_is_told_by_the_element_that_is_missing(outside: Work, words: bool) -> None:
    outside.tab.timeout_s = 3
    outside.stage("rename_ids", times=None, words=words)

    def read_the_lines() -> None:
        outside.log_in()
        outside.open("560")
        outside.erp.lines()

    code, _, message = told(read_the_lines)
    assert (code, "page.menu" in message, "data-line-id" in message) == ("layout-changed", words, not words)


# The list of cases


@pytest.mark.parametrize("number", ["99999", "5600", "3705"])
def test_a_case_is_never_found_by_a_part_of_its_number(work: Work, number: str) -> None:
    assert trouble(work.open, number) == ("case-not-found", False)


def test_one_of_two_thousand_cases_is_opened_by_its_whole_number(work: Work) -> None:
    work.standin.seed({"add_cases": [{"number": str(n)} for n in range(40_000, 42_000)]})
    work.standin.seed({"add_cases": [{"number": "410"}]})
    work.open("410")  # the last of 111 that the filter leaves
    assert work.tab.driver.current_url.endswith("/worksheet/410")


def test_two_cases_of_one_number_are_left_alone(work: Work) -> None:
    number = work.case()
    work.standin.seed({"add_cases": [{"number": number}]})
    assert trouble(work.open, number) == ("case-ambiguous", False)


@pytest.mark.parametrize(("status", "code"), [("lukket", "case-closed"), ("faktureret", "case-invoiced")])
def test_a_case_that_is_not_open_says_so_and_its_lines_can_be_read(work: Work, status: str, code: str) -> None:
    number = work.case(status=status, lines=[{"product": "FI-100"}])
    assert trouble(work.open, number) == (code, False)
    assert [line.product for line in work.erp.lines()] == ["FI-100"]


def test_a_list_that_does_not_come_is_slow(work: Work) -> None:
    work.tab.timeout_s = 0.5
    work.standin.seed({"table_ms": 2000})
    assert trouble(work.open, "560") == ("slow", False)


def test_an_ended_session_is_lost_and_the_next_login_heals_it(work: Work) -> None:
    work.stage("expire_after_requests")
    assert trouble(work.open, "560") == ("session-lost", False)
    work.log_in()
    work.open("560")


@pytest.mark.parametrize("kind", ["unknown_modal", "js_confirm"])
def test_a_dialog_nobody_knows_is_not_answered_yes_and_the_case_can_be_opened_again(work: Work, kind: str) -> None:
    work.stage(kind, at="open", text="Vil du slette kunden?")
    assert trouble(work.open, "560") == ("unexpected-dialog", False)
    work.open("560")


def test_a_dialog_left_open_is_answered_no_before_a_case_is_opened(work: Work) -> None:
    work.script("setTimeout(() => { window.name = String(confirm('Forlad siden?')); })")
    work.open("560")
    assert work.script("return window.name") == "false"


def test_a_server_that_is_gone_is_an_erp_that_cannot_be_had(work: Work) -> None:
    with work.standin.served(0, 0) as gone:
        url = gone.url
    assert trouble(AdManager(work.tab, url, name_limit=60).open_case, "560") == ("erp-unavailable", False)


def test_a_page_that_crashes_is_the_browsers_trouble(work: Work) -> None:
    driver = work.tab.driver
    kept = driver.current_window_handle
    driver.switch_to.new_window("tab")
    assert trouble(work.tab.open, "chrome://crash") == ("browser", False)
    assert trouble(work.open, "560") == ("browser", False)
    driver.switch_to.window(kept)


# The lines


def test_two_hundred_lines_are_all_read_and_ours_is_the_third(work: Work) -> None:
    ours = {"product": "0007", "amount": "5.50", "name": "Gearolie 75W-90 -- OilMat:0007"}
    beside = {"product": "00071", "amount": "1234.50", "name": "Gearolie 75W-90 LS -- OilMat:00071"}
    lines = [beside, {"product": "7"}, ours, *[{"product": "OL-1040"}] * 197]
    work.open(work.case(lines=lines))
    read = work.erp.lines()[::-1]
    assert (len(read), len({line.id for line in read})) == (200, 200)
    assert [(line.product, line.name, line.amount) for line in (read[0], read[2])] == [
        ("00071", "Gearolie 75W-90 LS -- OilMat:00071", Decimal("1234.50")),
        ("0007", "Gearolie 75W-90 -- OilMat:0007", Decimal("5.50")),
    ]
    assert {line.created_by for line in read} == {"mette"}


def test_a_case_without_lines_has_none(work: Work) -> None:
    work.open(work.case())
    assert work.erp.lines() == []


def test_a_line_that_comes_between_two_looks_is_read(work: Work) -> None:
    number = work.case(lines=[{"product": "FI-100"}] * 2)
    work.open(number)
    assert len(work.erp.lines()) == 2
    work.standin.shop.new_line(number, "OL-0530", "mette")
    assert work.erp.lines()[0].product == "OL-0530"


def test_lines_that_do_not_come_are_slow(work: Work) -> None:
    work.open("560")
    work.tab.timeout_s = 0.5
    work.standin.seed({"lines_ms": 2000})
    assert trouble(work.erp.lines) == ("slow", False)


def test_lines_that_the_server_fails_on_are_not_an_empty_case(work: Work) -> None:
    work.open("560")
    fault = {"match": {"path": "/api/worksheets/560/lines"}, "fault": {"kind": "status", "status": 500}}
    work.running.faults.add(fault)
    assert trouble(work.erp.lines) == ("erp-unavailable", False)


def test_an_ended_session_is_lost_while_lines_are_read(work: Work) -> None:
    work.open("560")
    work.stage("expire_after_requests")
    assert trouble(work.erp.lines) == ("session-lost", False)


def test_a_closed_case_is_left(work: Work) -> None:
    work.open("560")
    work.erp.close_case()
    assert work.tab.driver.current_url.endswith("/worksheet")
