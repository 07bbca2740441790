"""The page of the AD Manager stand-in in a real headless Chromium: what a browser robot has to cope with."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from integrator.standins.admanager import AdManager
from integrator.standins.workshop.standin import WorkshopRunning, serve

from .admanager_browser import Browser

EMAIL, PASSWORD = "oilmat@example.org", "demo-workshop"
SHEET = "/worksheet/560"
PRODUCT, NAME, AMOUNT = (f"[formcontrolname={name}]" for name in ("product", "name", "amount"))
ENTRY, ADD = ".ui-entry", ".ui-entry button"
ROWS = "[...document.querySelectorAll('[aria-rowindex]')]"
GRID = "document.querySelector('[role=grid]')"
TEXT = "Motorolie 5W-30 -- OilMat:0001"


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("chromium")) as browser:
        yield browser


@pytest.fixture
def running() -> Iterator[WorkshopRunning]:
    served = serve(AdManager())
    with served:
        served.standin.seed({"cookie_bar": False, "table_ms": 60, "lines_ms": 20, "options_ms": 20, "lookup_ms": 20})
        yield served


@pytest.fixture
def browser(chromium: Browser, running: WorkshopRunning) -> Browser:
    """A browser before the login."""
    chromium.open(running.url)
    chromium.wait("location.pathname === '/login' && !!document.querySelector('[formcontrolname=password]')")
    return chromium


@pytest.fixture
def inside(chromium: Browser, running: WorkshopRunning) -> Browser:
    """A browser with a session, still on a page of an earlier test."""
    chromium.dialogs, chromium.answer_dialogs = [], False
    login = {"email": EMAIL, "password": PASSWORD}
    answer = httpx.post(f"{running.url}/api/login", json=login, trust_env=False).raise_for_status()
    chromium.set_cookie(running.url, *next(iter(answer.cookies.items())))
    return chromium


def open_list(browser: Browser, running: WorkshopRunning) -> None:
    browser.open(running.url + "/worksheet")
    browser.wait("!!document.querySelector('[formcontrolname=search]')")


def log_in(browser: Browser, password: str = PASSWORD) -> None:
    browser.type("[formcontrolname=email]", EMAIL)
    browser.type("[formcontrolname=password]", password)
    browser.click("button[type=submit]")


def open_sheet(browser: Browser, running: WorkshopRunning, path: str = SHEET) -> None:
    """As a deep link: the whole page is loaded again."""
    browser.open(running.url + path)
    browser.wait(f"{GRID}?.getAttribute('aria-busy') === 'false'")


def stage(running: WorkshopRunning, kind: str, *, times: int | None = 1, **fault: Any) -> None:
    running.faults.add({"fault": {"kind": kind, **fault}, "times": times})


def choose(browser: Browser, number: str) -> None:
    """Type a number, go to the option that is equal, accept it with TAB, wait for the name."""
    browser.type(PRODUCT, number)
    browser.wait("document.querySelectorAll('[role=option]').length")
    for _ in range(browser.js(f"[...document.querySelectorAll('[role=option]')].findIndex(o => {is_number(number)})")):
        browser.key("ArrowDown")
    browser.key("Tab")
    browser.wait(f"!!document.querySelector('{NAME}').value")


def is_number(number: str) -> str:
    return f"o.dataset.number === '{number}'"


def fill(browser: Browser, amount: str = "5,5") -> None:
    choose(browser, "OL-0530")
    browser.type(NAME, TEXT)
    browser.type(AMOUNT, amount)
    browser.focus(ENTRY)


def value(browser: Browser, selector: str) -> Any:
    return browser.js(f"document.querySelector('{selector}').value")


def rows(browser: Browser) -> list[str]:
    return list(browser.js(f"{ROWS}.map(row => row.innerText.replace(/\\n+/g, ' '))"))


def saves(running: WorkshopRunning) -> list[str]:
    return [f"{one['product']} {one['name']} {one['amount']}" for one in running.standin.effects()]


def posts(running: WorkshopRunning) -> int:
    return len(running.standin.entries(method="POST", path=".*/lines"))


OURS = f"OL-0530 {TEXT} 5.50"


# Login


def test_the_button_wakes_up_only_after_an_input_event_in_both_fields(browser: Browser) -> None:
    disabled = "document.querySelector('button[type=submit]').disabled"
    browser.js("document.querySelectorAll('form input').forEach(one => { one.value = 'x'; })")
    assert browser.js(disabled) is True
    browser.type("[formcontrolname=email]", EMAIL)
    assert browser.js(disabled) is True
    browser.type("[formcontrolname=password]", PASSWORD)
    assert browser.js(disabled) is False


def test_a_wrong_password_stays_on_the_page_with_its_text(browser: Browser) -> None:
    log_in(browser, "forkert")
    browser.wait_text("Forkert e-mail eller adgangskode")
    assert browser.js("location.pathname") == "/login"


def test_a_code_is_asked_for_on_a_second_page(browser: Browser, running: WorkshopRunning) -> None:
    stage(running, "two_factor")
    log_in(browser)
    browser.wait_text("Indtast engangskode")
    browser.type("[formcontrolname=code]", "123456")
    browser.click("button[type=submit]")
    browser.wait_text("Velkommen")


def test_generated_ids_are_others_each_time_a_page_is_shown(browser: Browser) -> None:
    first = browser.js("document.querySelector('[formcontrolname=email]').id")
    log_in(browser)
    browser.wait_text("Velkommen")
    browser.click(".ui-toolbar button")
    browser.wait("!!document.querySelector('[formcontrolname=email]')")
    second = browser.js("document.querySelector('[formcontrolname=email]').id")
    assert first.startswith("mat-input-")
    assert second.startswith("mat-input-")
    assert first != second


def test_news_and_cookie_bar_take_the_clicks_meant_for_what_is_under_them(
    browser: Browser, running: WorkshopRunning
) -> None:
    running.standin.seed({"cookie_bar": True})
    stage(running, "news_dialog")
    log_in(browser)
    browser.wait("document.querySelector('[role=dialog]')?.innerText.includes('Nyheder')")
    browser.click("a[routerlink='/worksheet']")
    assert browser.js("location.pathname") == "/"
    browser.click("[role=dialog] button")
    browser.click("a[routerlink='/worksheet']")
    browser.wait("location.pathname === '/worksheet'")
    lowest = "document.elementFromPoint(innerWidth / 2, innerHeight - 5).closest('.ui-cookies') !== null"
    assert browser.js(lowest) is True
    browser.click(".ui-cookies button")
    assert browser.js(lowest) is False


# The list


def test_grey_rows_have_the_markup_of_real_ones_and_only_twelve_are_there(
    inside: Browser, running: WorkshopRunning
) -> None:
    running.standin.seed({"cases": [{"number": str(n)} for n in range(10_000, 12_000)], "table_ms": 400})
    open_list(inside, running)
    grey = inside.wait("document.querySelectorAll('mat-row.worksheet-row').length")
    assert (grey, inside.js(f"{GRID}.getAttribute('aria-busy')")) == (8, "true")

    inside.wait(f"{ROWS}.length")
    facts = f"[{ROWS}.length, {GRID}.getAttribute('aria-rowcount'), document.querySelectorAll('.worksheet-row').length]"
    assert inside.js(facts) == [12, "2000", 12]
    inside.js("document.querySelector('.ui-viewport').scrollTop = 1e6")
    inside.wait(f"{ROWS}.at(-1).innerText.startsWith('10000')")
    assert inside.js(f"[{ROWS}.length, {ROWS}.at(-1).getAttribute('aria-rowindex')]") == [12, "2000"]


def test_the_filter_asks_the_server_once_when_the_typing_has_ended(inside: Browser, running: WorkshopRunning) -> None:
    open_list(inside, running)
    inside.wait(f"{ROWS}.length === 12")
    field = "document.querySelector('[formcontrolname=search]')"
    typed = f"{field}.value = text; {field}.dispatchEvent(new Event('input'))"
    inside.js(f"['5', '56', '560'].forEach((text) => {{ {typed}; }})")
    inside.wait(f"{ROWS}.length === 2")
    targets = [entry["target"] for entry in running.standin.entries(path="/api/worksheets")]
    assert [target for target in targets if "search=&" not in target] == [
        "/api/worksheets?search=560&offset=0&limit=50"
    ]
    inside.js(f"{ROWS}.find(row => row.children[0].innerText === '560').click()")
    inside.wait(f"location.pathname === '{SHEET}' && !!document.querySelector('[data-line-id]')")


def test_no_hit_leaves_no_row(inside: Browser, running: WorkshopRunning) -> None:
    open_list(inside, running)
    inside.type("[formcontrolname=search]", "99999")
    inside.wait_text("Ingen arbejdskort fundet")
    assert inside.js(f"[{ROWS}.length, {GRID}.getAttribute('aria-rowcount')]") == [0, "0"]


# The worksheet


def test_two_hundred_lines_are_all_found_by_scrolling(inside: Browser, running: WorkshopRunning) -> None:
    running.standin.seed({"add_cases": [{"number": "700", "lines": [{"product": "OL-1040"}] * 200}]})
    open_sheet(inside, running, "/worksheet/700")
    seen: set[str] = set()
    for top in range(0, 200 * 44, 10 * 44):
        inside.js(f"document.querySelector('.ui-viewport').scrollTop = {top}")
        last = min(top // 44 + 11, 200)
        inside.wait(f"document.querySelector('[aria-rowindex=\"{last}\"]')?.dataset.lineId")
        inside.wait(f"{ROWS}.every(row => row.dataset.lineId)")
        seen |= set(inside.js(f"{ROWS}.map(row => row.dataset.lineId)"))
    assert inside.js(f"{GRID}.getAttribute('aria-rowcount')") == "200"
    assert len(seen) == 200


def test_tab_accepts_the_highlighted_option_which_is_the_wrong_one(inside: Browser, running: WorkshopRunning) -> None:
    open_sheet(inside, running)
    inside.type(PRODUCT, "OL-0530")
    inside.wait("document.querySelectorAll('[role=option]').length")
    inside.key("Tab")
    inside.wait(f"document.querySelector('{NAME}').value === 'Motorolie 5W-30 C3 DPF'")
    assert value(inside, PRODUCT) == "OL-0530-C3"


def test_tab_before_the_options_have_come_accepts_nothing(inside: Browser, running: WorkshopRunning) -> None:
    open_sheet(inside, running)
    inside.type(PRODUCT, "0007")
    inside.key("Tab")
    inside.wait_text("Vælg en vare på listen")
    assert (value(inside, NAME), inside.js(f"document.querySelector('{ADD}').disabled")) == ("", True)


def test_a_discontinued_product_cannot_be_accepted(inside: Browser, running: WorkshopRunning) -> None:
    open_sheet(inside, running)
    inside.type(PRODUCT, "OL-1540")
    option = "document.querySelector('[role=option]')"
    inside.wait(f"{option}?.getAttribute('aria-disabled') === 'true'")
    assert "Udgået" in inside.js(f"{option}.innerText")
    inside.key("Tab")
    inside.wait_text("Vælg en vare på listen")


def test_an_unknown_number_has_no_option_and_a_text(inside: Browser, running: WorkshopRunning) -> None:
    open_sheet(inside, running)
    inside.type(PRODUCT, "ukendt")
    inside.wait_text("Varenummeret findes ikke")


@pytest.mark.parametrize(
    ("typed", "shown"), [("5,5", "5,50"), ("5.5", "55,00"), ("1234,5", "1.234,50"), ("fem", "fem")]
)
def test_the_amount_reads_back_as_the_server_will_understand_it(
    inside: Browser, running: WorkshopRunning, typed: str, shown: str
) -> None:
    open_sheet(inside, running)
    fill(inside, typed)
    assert value(inside, AMOUNT) == shown
    assert ("Ugyldigt antal" in inside.text()) == (typed == "fem")


@pytest.mark.parametrize("way", ["row", "button"])
def test_a_save_is_one_post_seen_at_once_and_after_a_reload(
    inside: Browser, running: WorkshopRunning, way: str
) -> None:
    open_sheet(inside, running)
    fill(inside)
    if way == "row":
        inside.key("Enter")
    else:
        inside.click(ADD)
    inside.wait("document.querySelector('[role=status]')?.innerText === 'Linje tilføjet'")
    inside.key("Enter")

    assert (posts(running), saves(running)) == (1, [OURS])
    assert [value(inside, field) for field in (PRODUCT, NAME, AMOUNT)] == ["", "", ""]
    open_sheet(inside, running)
    assert (rows(inside)[0][:43], len(rows(inside))) == (f"OL-0530 {TEXT} 5,50", 2)


def test_enter_inside_a_field_saves_nothing(inside: Browser, running: WorkshopRunning) -> None:
    open_sheet(inside, running)
    fill(inside)
    for field in (NAME, AMOUNT):
        inside.focus(field)
        inside.key("Enter")
    assert (value(inside, NAME), len(rows(inside))) == (TEXT, 1)
    inside.focus(ENTRY)
    inside.key("Enter")
    inside.wait_text("Linje tilføjet")
    assert posts(running) == 1


def test_the_row_is_there_grey_and_without_an_id_while_the_server_hangs(
    inside: Browser, running: WorkshopRunning
) -> None:
    stage(running, "hang_save")
    open_sheet(inside, running)
    fill(inside)
    inside.key("Enter")
    pending = f"{ROWS}.find(row => row.innerText.includes('OilMat:0001'))"
    inside.wait(f"{pending}.classList.contains('line-pending')")
    assert inside.js(f"[{pending}.dataset.lineId, {GRID}.getAttribute('aria-rowcount')]") == [None, "2"]
    assert running.faults.gate.await_held()
    assert saves(running) == []

    running.faults.gate.release()
    inside.wait(f"!!{pending}.dataset.lineId && !{pending}.classList.contains('line-pending')")
    assert saves(running) == [OURS]


@pytest.mark.parametrize(
    ("kind", "text", "written"),
    [
        ("refuse_after_optimistic", "Linjen blev afvist", 0),
        ("close_case_before_save", "Arbejdskortet er lukket", 0),
        ("lock_case", "Arbejdskortet er ændret af en anden", 0),
        ("save_then_500", "Der opstod en fejl", 1),
        ("save_then_drop", "Ingen forbindelse til serveren", 1),
    ],
)
def test_a_save_that_fails_shows_red_and_no_row_whether_it_was_written_or_not(
    inside: Browser, running: WorkshopRunning, kind: str, text: str, written: int
) -> None:
    stage(running, kind)
    open_sheet(inside, running)
    fill(inside)
    inside.key("Enter")
    inside.wait(f"document.querySelector('.ui-red')?.innerText === '{text}'")
    inside.wait(f"{GRID}.getAttribute('aria-rowcount') === '1'")
    assert (posts(running), len(saves(running))) == (1, written)
    open_sheet(inside, running)
    assert len(rows(inside)) == 1 + written


def test_on_a_kept_connection_chromium_sends_a_dropped_save_again_by_itself(
    inside: Browser, running: WorkshopRunning
) -> None:
    running.standin.seed({"keep_alive": True})
    stage(running, "save_then_drop")
    open_sheet(inside, running)
    fill(inside)
    inside.key("Enter")
    inside.wait_text("Linje tilføjet")
    assert saves(running) == [OURS, OURS]


def test_a_toast_may_be_missing_or_come_before_the_answer(inside: Browser, running: WorkshopRunning) -> None:
    stage(running, "lost_toast")
    open_sheet(inside, running)
    fill(inside)
    inside.key("Enter")
    inside.wait(f"{ROWS}.length === 2 && {ROWS}.every(row => row.dataset.lineId)")
    assert inside.js("document.querySelector('[role=status]')") is None

    stage(running, "stale_toast")
    stage(running, "refuse_after_optimistic")
    stage(running, "delay_save_ms", ms=300)
    open_sheet(inside, running)
    fill(inside)
    inside.key("Enter")
    inside.wait("document.querySelector('[role=status]')?.innerText === 'Linje tilføjet'")
    inside.wait("document.querySelector('.ui-red')?.innerText === 'Linjen blev afvist'")
    assert len(saves(running)) == 1


def test_a_session_that_ended_leads_to_the_login_and_the_typed_text_is_lost(
    inside: Browser, running: WorkshopRunning
) -> None:
    open_sheet(inside, running)
    fill(inside)
    stage(running, "expire_after_requests")
    inside.key("Enter")
    inside.wait("location.pathname === '/login' && !!document.querySelector('[formcontrolname=password]')")
    assert saves(running) == []
    log_in(inside)
    inside.wait_text("Velkommen")
    open_sheet(inside, running)
    assert (value(inside, NAME), len(rows(inside))) == ("", 1)


@pytest.mark.parametrize(("path", "chip"), [("/worksheet/561", "Lukket"), ("/worksheet/562", "Faktureret")])
def test_a_case_that_is_not_open_has_a_chip_and_no_usable_entry_row(
    inside: Browser, running: WorkshopRunning, path: str, chip: str
) -> None:
    open_sheet(inside, running, path)
    assert inside.js("document.querySelector('mat-chip').innerText") == chip
    assert inside.js("[...document.querySelectorAll('.ui-entry input, .ui-entry button')].every(one => one.disabled)")


def test_a_worksheet_that_is_not_there_says_so(inside: Browser, running: WorkshopRunning) -> None:
    inside.open(running.url + "/worksheet/99999")
    inside.wait_text("Arbejdskortet findes ikke")


def test_the_name_field_takes_no_more_than_its_limit(inside: Browser, running: WorkshopRunning) -> None:
    stage(running, "name_limit", characters=20)
    open_sheet(inside, running)
    fill(inside)
    assert value(inside, NAME) == TEXT[:20]


def test_a_name_that_cannot_be_edited_stays_the_registers(inside: Browser, running: WorkshopRunning) -> None:
    stage(running, "no_marker_field")
    open_sheet(inside, running)
    fill(inside)
    assert value(inside, NAME) == "Motorolie 5W-30 Longlife"


@pytest.mark.parametrize(("yes", "written"), [(False, 0), (True, 1)])
def test_a_script_dialog_on_saving_saves_only_when_accepted(
    inside: Browser, running: WorkshopRunning, yes: bool, written: int
) -> None:
    inside.answer_dialogs = yes
    open_sheet(inside, running)
    stage(running, "js_confirm", at="save", text="Er du helt sikker?")
    fill(inside)
    inside.key("Enter")
    inside.wait(f"!document.querySelector('.line-pending') && {ROWS}.length === {1 + written}")
    assert (inside.dialogs, len(saves(running))) == (["Er du helt sikker?"], written)


def test_a_modal_nobody_expects_covers_the_worksheet(inside: Browser, running: WorkshopRunning) -> None:
    stage(running, "unknown_modal", text="Vil du opdatere kilometerstanden?")
    inside.open(running.url + SHEET)
    inside.wait("document.querySelector('[role=dialog]')?.innerText.includes('kilometerstanden')")
    covered = "document.elementFromPoint(300, 220).closest('.ui-veil') !== null"
    assert inside.js(covered) is True
    inside.click("[role=dialog] .ui-plain")
    inside.wait("!!document.querySelector('[data-line-id]')")


def test_maintenance_is_a_red_bar_over_a_page_that_was_open(inside: Browser, running: WorkshopRunning) -> None:
    open_sheet(inside, running)
    stage(running, "maintenance", times=None)
    inside.click("a[routerlink='/worksheet']")
    inside.wait("document.querySelector('.ui-redbar')?.innerText === 'Vi opdaterer systemet'")
    inside.open(running.url)
    inside.wait("document.querySelector('h1')?.innerText === 'Vi opdaterer systemet'")


@pytest.mark.parametrize(("words", "label"), [(False, "E-mail"), (True, "Brugernavn")])
def test_another_layout_has_no_name_that_was_known(
    browser: Browser, running: WorkshopRunning, words: bool, label: str
) -> None:
    stage(running, "rename_ids", times=None, words=words)
    browser.open(f"{running.url}/login")
    browser.wait("document.querySelectorAll('form input').length === 2")
    known = "[formcontrolname=email], [formcontrolname=password], mat-form-field, .mat-mdc-input-element, [matinput]"
    assert browser.js(f"document.querySelector('{known}')") is None
    assert browser.js("document.querySelector('form label').innerText") == label
