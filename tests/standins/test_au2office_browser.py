"""The au2office stand-in in a real browser: what its pages do by themselves, in their frames."""

import json
from collections.abc import Iterator

import pytest

from .admanager_browser import Browser
from .au2office_client import EMAIL, PASSWORD, Desk, rows

FRAME = "document.querySelector('#indhold').contentDocument"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("browser")) as started:
        yield started


@pytest.fixture
def desk(browser: Browser) -> Iterator[Desk]:
    desk = Desk()
    browser.dialogs.clear()
    browser.answer_dialogs = False
    browser.open(desk.running.url)
    _log_in(browser)
    browser.wait_text("Velkommen")
    desk.log_in()
    yield desk
    desk.close()


def _log_in(browser: Browser) -> None:
    browser.type("#inputEmail", EMAIL)
    browser.type("#inputPassword", PASSWORD)
    browser.click("button.btn")


def _open(browser: Browser, desk: Desk, path: str = "/sag/56/linjer", ready: str = "[name=varenr]") -> None:
    browser.open(desk.running.url + path)
    browser.wait(f"location.href.endsWith({json.dumps(path)}) && !!document.querySelector({json.dumps(ready)})")


def _edited(browser: Browser, desk: Desk) -> None:
    """A new line, opened."""
    line = rows(desk.add("OL-1040").text)[0]["id"]
    _open(browser, desk, f"/sag/56/linjer?side=1&ret={line}", "[name=navn]")


def test_tab_in_the_product_number_saves_a_line(browser: Browser, desk: Desk) -> None:
    _open(browser, desk)
    browser.type("[name=varenr]", "OL-1040")
    browser.key("Tab")
    browser.wait_text("Gemt")
    assert [line["amount"] for line in desk.lines()] == ["1.00"]


def test_tab_in_an_empty_product_number_only_goes_on(browser: Browser, desk: Desk) -> None:
    _open(browser, desk)
    browser.focus("[name=varenr]")
    browser.key("Tab")
    assert browser.js("document.activeElement.textContent") == "Tilføj"
    assert desk.lines() == []


def test_a_double_click_opens_a_row_and_leaving_a_field_saves_it_alone(browser: Browser, desk: Desk) -> None:
    desk.add("OL-1040")
    _open(browser, desk)
    browser.js("document.querySelector('tr[data-linje-id]').dispatchEvent(new MouseEvent('dblclick', {bubbles: true}))")
    browser.type("[name=navn]", "Olie -- OilMat: 0007")
    browser.key("Tab")
    browser.wait_text("Gemt")
    assert [(line["name"], line["amount"]) for line in desk.lines()] == [("Olie -- OilMat: 0007", "1.00")]
    browser.type("[name=antal]", "5,5")
    browser.key("Tab")
    browser.wait("document.querySelector('[name=antal]').value == '5,50'")
    assert [save["kind"] for save in desk.saves()] == ["new", "change", "change"]


def test_leaving_a_field_that_was_not_changed_saves_nothing(browser: Browser, desk: Desk) -> None:
    _edited(browser, desk)
    browser.focus("[name=navn]")
    browser.key("Tab")
    assert browser.js("document.activeElement.name") == "antal"
    assert len(desk.saves()) == 1


def test_a_dot_vanishes_from_the_amount_before_it_is_saved(browser: Browser, desk: Desk) -> None:
    _edited(browser, desk)
    browser.type("[name=antal]", "5.5")
    assert browser.js("document.querySelector('[name=antal]').value") == "55"
    assert len(desk.saves()) == 1


def test_the_name_field_takes_no_more_than_the_limit(browser: Browser, desk: Desk) -> None:
    desk.seed(name_limit=12)
    _edited(browser, desk)
    browser.type("[name=navn]", "Olie -- OilMat: 0007")
    assert browser.js("document.querySelector('[name=navn]').value") == "Olie -- OilM"


def test_a_dialog_of_products_is_chosen_from_or_closed(browser: Browser, desk: Desk) -> None:
    for button, count in (("[data-js=luk]", 0), ("tr.vare .btn", 1)):
        _open(browser, desk)
        browser.type("[name=varenr]", "0007")
        browser.key("Tab")
        browser.wait("!!document.querySelector('[role=dialog]')")
        browser.click(button)
        browser.wait("!document.querySelector('[role=dialog]')")
        browser.wait(f"document.querySelectorAll('tr[data-linje-id]').length == {count}")
    assert [line["product"] for line in desk.lines()] == ["0007"]


@pytest.mark.parametrize("yes", [False, True])
def test_a_confirm_decides_over_a_save(browser: Browser, desk: Desk, yes: bool) -> None:
    desk.stage("js_confirm", text="Sikker?", times=None)
    browser.answer_dialogs = yes
    _open(browser, desk)
    browser.type("[name=varenr]", "OL-1040")
    browser.key("Tab")
    if yes:
        browser.wait_text("Gemt")
    browser.text()
    assert (browser.dialogs, len(desk.lines())) == (["Sikker?"], int(yes))


@pytest.mark.parametrize("yes", [False, True])
def test_the_question_about_the_same_product_decides_over_a_second_line(
    browser: Browser, desk: Desk, yes: bool
) -> None:
    desk.add("OL-1040")
    desk.stage("duplicate_question", times=None)
    browser.answer_dialogs = yes
    _open(browser, desk)
    browser.type("[name=varenr]", "OL-1040")
    browser.key("Tab")
    # The page that asks has no lines; until it comes, the old one has its product number still in the field.
    browser.wait("document.querySelector('[name=varenr]')?.value === ''")
    assert [text[-29:] for text in browser.dialogs] == ["Findes allerede, tilføj igen?"]
    assert len(desk.lines()) == (2 if yes else 1)


def test_the_work_is_done_in_a_frame_and_a_session_that_ended_shows_the_login_there(
    browser: Browser, desk: Desk
) -> None:
    _open(browser, desk, "/kundestyring", "#indhold")
    browser.wait(f"!!{FRAME}.querySelector('tr.sag')")
    assert browser.js("document.querySelector('#menu').contentDocument.querySelector('a').textContent") == "Sager"
    desk.office.sessions.end_all()
    browser.js(f"{FRAME}.querySelector('tr.sag a').click()")
    # A document of another origin is not to be seen from this one.
    browser.wait(f"{FRAME} === null")
    assert browser.js("location.pathname") == "/kundestyring"


def test_a_login_inside_the_frame_leads_back_to_the_case(browser: Browser, desk: Desk) -> None:
    _open(browser, desk, "/kundestyring", "#indhold")
    browser.wait(f"!!{FRAME}.querySelector('tr.sag')")
    desk.office.sessions.end_all()
    # The load event is all that a page is told of a frame of another origin.
    browser.js("document.querySelector('#indhold').addEventListener('load', () => { document.title = 'klar'; })")
    browser.js(f"{FRAME}.querySelector('tr.sag a').click()")
    browser.wait("document.title == 'klar'")
    browser.js("document.querySelector('#indhold').focus()")
    for text in (EMAIL, PASSWORD):
        browser.key("Tab")
        for letter in text:
            browser._call("Input.dispatchKeyEvent", type="char", text=letter)
    browser.key("Enter")
    browser.wait(f"{FRAME} !== null && {FRAME}.body.innerText.includes('Sag 56')")
    assert browser.js("location.pathname") == "/kundestyring"


def test_a_new_layout_works_by_the_same_script(browser: Browser, desk: Desk) -> None:
    desk.stage("rename_ids", times=None)
    _open(browser, desk, ready="[name=v2-varenr]")
    browser.type("[name=v2-varenr]", "OL-1040")
    browser.key("Tab")
    browser.wait_text("Gemt")
    assert len(desk.lines()) == 1


@pytest.mark.parametrize(("kind", "saves"), [("save_then_cut", 1), ("save_then_drop", 2)])
def test_chromium_repeats_by_itself_a_save_that_got_no_byte_of_an_answer(
    browser: Browser, desk: Desk, kind: str, saves: int
) -> None:
    desk.seed(keep_alive=True)
    _open(browser, desk)
    _open(browser, desk, "/sag/560/linjer")
    desk.stage(kind)
    browser.type("[name=varenr]", "OL-1040")
    browser.key("Tab")
    browser.wait("!document.querySelector('[name=varenr]') || !!document.querySelector('.flash')")
    assert len(desk.saves()) == saves
