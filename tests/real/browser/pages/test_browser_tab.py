"""What a tab does on real pages: waiting, pressing, typing, frames, windows, dialogs; what it calls each trouble."""

import logging
import re
import socket

import pytest
from browser_pages import Pages, Room, locators_of
from selenium.webdriver.common.keys import Keys

from integrator.systems.browser.guarding import guarded
from integrator.systems.browser.session import Browser, BrowserOptions, start
from integrator.systems.browser.tab import Tab
from integrator.systems.browser.trouble import Trouble
from rawserver import HANG, RawServer

LATER = "<script>setTimeout(() => { %s }, 60)</script>"


def code_of(caught: pytest.ExceptionInfo[Trouble]) -> str:
    return caught.value.code


# Waiting


def test_what_comes_later_is_waited_for(room: Room) -> None:
    tab = room.tab("<div id=a></div>", page__it="text=klar", timeout_s=30)
    assert tab.find("page.it") is None
    tab.driver.execute_script("setTimeout(() => { a.innerHTML = '<b>klar</b>' }, 60)")
    assert tab.text(tab.need("page.it")) == "klar"


def test_an_element_that_is_replaced_during_a_wait_is_not_yet(room: Room) -> None:
    redraw = "<script>n = 0; setInterval(() => { a.innerHTML = '<b>' + ++n + '</b>' }, 25)</script>"
    tab = room.tab("<div id=a></div>" + redraw, page__it="css=#a b", timeout_s=30)
    assert tab.wait("ten", lambda: int(tab.text(tab.need("page.it"))) >= 10) is True
    stale = tab.need("page.it")
    tab.wait("another one", lambda: tab.need("page.it") != stale)
    with pytest.raises(Trouble) as caught:
        tab.wait("the old one", lambda: stale.text, timeout_s=0.2)
    assert code_of(caught) == "slow"


def test_a_missing_element_on_a_finished_page_is_a_changed_layout(room: Room) -> None:
    tab = room.tab("<p>færdig</p>", page__it=["label=E-mail", "css=#mail"])
    with pytest.raises(Trouble, match=r"page\.it is not on the page; tried label=E-mail, css=#mail") as caught:
        tab.need("page.it")
    assert code_of(caught) == "layout-changed"
    with pytest.raises(Trouble, match=r"page\.it is not on") as caught:
        tab.press("page.it")
    assert code_of(caught) == "layout-changed"


def test_a_missing_element_on_a_busy_page_is_slow(room: Room) -> None:
    html = "<p aria-busy=true>Henter</p>"
    tab = room.tab(html, page__it="text=nix", page__spinner="css=[aria-busy=true]", busy=("page.spinner",))
    with pytest.raises(Trouble, match=r"page\.spinner is shown") as caught:
        tab.need("page.it")
    assert code_of(caught) == "slow"


def test_a_missing_element_on_a_page_that_still_loads_is_slow(room: Room) -> None:
    tab = room.tab("<p>a</p>", page__it="text=nix")
    tab.driver.execute_script("document.open(); document.write('<p>b</p>')")
    with pytest.raises(Trouble, match="still loading") as caught:
        tab.need("page.it")
    assert code_of(caught) == "slow"
    tab.driver.execute_script("document.close()")


def test_a_look_is_taken_before_a_wait_gives_up_and_may_know_better(room: Room) -> None:
    tab = room.tab("<h1>Log ind</h1>", page__it="text=nix", page__login="text=Log ind")
    looks: list[str] = []

    def look() -> None:
        looks.append("looked")
        if tab.need("page.login"):
            with pytest.raises(Trouble):  # a look that waits in vain does not look again
                tab.need("page.it")
            raise Trouble("session-lost", "the login form is shown")

    tab.look = look
    for waiting in (lambda: tab.need("page.it"), lambda: tab.wait("it", lambda: None), lambda: tab.press("page.it")):
        with pytest.raises(Trouble) as caught:
            waiting()
        assert code_of(caught) == "session-lost"
    assert looks == ["looked"] * 3


# Doing


def test_a_press_waits_until_the_button_can_be_pressed(room: Room) -> None:
    html = "<button id=a disabled onclick='a.textContent += 1'>Gem</button>" + LATER % "a.disabled = false"
    tab = room.tab(html, page__it="css=#a", timeout_s=30)
    tab.press("page.it")
    assert tab.text(tab.need("page.it")) == "Gem1"


COVERED = "<button id=a onclick='a.textContent += 1'>Gem</button><div id=c data-kunde='Inga' %s></div>"
OVER = "style='position:fixed;inset:0'"


def test_a_covered_button_is_pressed_once_it_is_free(room: Room) -> None:
    tab = room.tab(COVERED % OVER + LATER % "c.remove()", page__it="css=#a", timeout_s=30)
    tab.press("page.it")
    assert tab.text(tab.need("page.it")) == "Gem1"


def test_a_button_that_stays_covered_is_told_without_what_the_cover_says(room: Room) -> None:
    tab = room.tab(COVERED % OVER, page__it="css=#a")
    with pytest.raises(Trouble, match="<div>") as caught:
        tab.press("page.it")
    assert code_of(caught) == "unexpected-dialog"
    assert "Inga" not in caught.value.message
    assert tab.text(tab.need("page.it")) == "Gem"


def test_a_touch_is_one_click_and_says_when_it_did_not_reach(room: Room) -> None:
    tab = room.tab(COVERED % OVER, page__it="css=#a")
    button = tab.need("page.it")
    with pytest.raises(Trouble) as caught:
        tab.touch(button)
    assert (code_of(caught), caught.value.definite) == ("unexpected-dialog", True)
    tab.driver.execute_script("c.remove()")
    tab.touch(button)
    assert tab.text(button) == "Gem1"


def test_a_touch_of_something_gone_is_left_open(room: Room) -> None:
    tab = room.tab("<button>Gem</button>", page__it="button=Gem")
    button = tab.need("page.it")
    tab.open(room.pages.url + "/")
    with pytest.raises(Trouble) as caught:
        tab.touch(button)
    assert (code_of(caught), caught.value.definite) == ("slow", False)


@pytest.mark.parametrize("text", ["5,50", "", 'æøå O\'Neil "x"', "olie 😀", "/etc/hosts"])
def test_a_text_is_typed_over_what_the_field_held(room: Room, text: str) -> None:
    tab = room.tab(
        "<input id=a value='gammel tekst'><textarea id=b>mere</textarea>", page__a="css=#a", page__b="css=#b"
    )
    assert tab.fill("page.a", text) == text
    assert tab.fill("page.b", text) == text


def test_typing_is_seen_by_the_page_as_a_persons(room: Room) -> None:
    told = "oninput='t.push(event.type)' onchange='t.push(event.type)' onblur='t.push(event.type)'"
    tab = room.tab(f"<script>t = []</script><input id=a value=1 {told}><input id=b>", page__a="css=#a")
    assert tab.fill("page.a", "23") == "23"
    assert tab.driver.execute_script("return t") == ["input", "input"]
    tab.keys(Keys.TAB)
    assert tab.driver.execute_script("return t") == ["input", "input", "change", "blur"]
    assert tab.driver.execute_script("return document.activeElement.id") == "b"


def test_a_field_that_cuts_or_changes_what_is_typed_says_so(room: Room) -> None:
    html = '<input id=a maxlength=3><input id=b oninput=\'b.value = b.value.replace(".", "")\'>'
    tab = room.tab(html, page__a="css=#a", page__b="css=#b")
    assert tab.fill("page.a", "abcdef") == "abc"
    assert tab.fill("page.b", "5.5") == "55"


@pytest.mark.parametrize("text", ["a\tb", "a\nb", f"a{Keys.ENTER}", "a\x00"])
def test_a_text_with_keys_in_it_is_not_typed(room: Room, text: str) -> None:
    tab = room.tab("<form onsubmit='sent = 1; return false'><input id=a></form>", page__a="css=#a")
    with pytest.raises(Trouble) as caught:
        tab.fill("page.a", text)
    assert code_of(caught) == "field-mismatch"
    assert tab.value(tab.need("page.a")) == ""


def test_a_secret_is_typed_and_not_given_back_nor_logged(room: Room, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)  # the root's, as an operator's -v would
    tab = room.tab("<input type=password id=a>", page__a="css=#a")
    assert tab.fill("page.a", "hemmeligt-ord-77", secret=True) == ""
    assert tab.value(tab.need("page.a")) == "hemmeligt-ord-77"
    assert "hemmeligt" not in caplog.text
    assert "hemmeligt" not in repr(tab.steps)


# Frames, windows, dialogs


def test_work_in_a_frame_ends_at_the_page_itself(room: Room) -> None:
    room.pages.pages |= {"/inner": "<p id=p>inde</p>"}
    tab = room.tab("<p id=p>ude</p><iframe id=f src=/inner></iframe>", page__f="css=#f", page__p="css=#p", timeout_s=30)
    with tab.in_frame("page.f"):
        assert tab.text(tab.need("page.p")) == "inde"
    assert tab.text(tab.need("page.p")) == "ude"
    with pytest.raises(LookupError), tab.in_frame("page.f"):
        raise LookupError
    assert tab.text(tab.need("page.p")) == "ude"


def test_a_frame_that_loads_anew_is_waited_for(room: Room) -> None:
    room.pages.pages |= {"/one": "<a href=/two>videre</a>", "/two": "<p>to</p>"}
    tab = room.tab(
        "<iframe id=f src=/one></iframe>", f__f="css=#f", f__go="link=videre", f__two="text=to", timeout_s=30
    )
    with tab.in_frame("f.f"):
        tab.press("f.go")
        assert tab.text(tab.need("f.two")) == "to"


def test_a_frame_that_goes_while_we_are_in_it_is_no_crash(room: Room) -> None:
    tab = room.tab("<iframe id=f src=/inner></iframe>", f__f="css=#f", f__it="text=nix")
    with tab.in_frame("f.f"):
        tab.driver.execute_script("setTimeout(() => frameElement.remove(), 20)")
        with pytest.raises(Trouble) as caught:
            tab.need("f.it")
    assert code_of(caught) != "browser"
    assert tab.find("f.f") is None


def test_a_new_window_is_gone_to_and_stays(room: Room) -> None:
    room.pages.pages["/new"] = "<h1>nyt vindue</h1>"
    tab = room.tab("<a href=/new target=_blank>Åben</a>", page__go="link=Åben", page__h="text=nyt vindue", timeout_s=30)
    with tab.new_window(lambda: tab.press("page.go")):
        tab.need("page.h")
    assert tab.text(tab.need("page.h")) == "nyt vindue"
    assert len(tab.driver.window_handles) == 2
    tab.driver.close()
    with pytest.raises(Trouble, match=r"has ended|is gone") as caught:
        tab.find("page.h")
    assert code_of(caught) == "browser"


def test_no_new_window_is_slow(room: Room) -> None:
    tab = room.tab("<p>x</p>")
    with pytest.raises(Trouble) as caught, tab.new_window(lambda: None):
        pass
    assert code_of(caught) == "slow"


ASKS = """
<button onclick="b.textContent = confirm('Findes allerede,  tilføj igen?') ? 'ja' : 'nej'">Gem</button><b id=b>-</b>
"""


def test_a_dialog_is_answered_no_and_its_text_is_told(room: Room) -> None:
    tab = room.tab(ASKS, page__go="button=Gem", page__b="css=#b")
    tab.press("page.go")
    assert tab.alert() == "Findes allerede, tilføj igen?"
    assert tab.alert() is None
    assert tab.text(tab.need("page.b")) == "nej"


def test_a_dialog_that_nobody_expects_is_answered_no_too(room: Room) -> None:
    tab = room.tab(ASKS, page__go="button=Gem", page__b="css=#b")
    tab.touch(tab.need("page.go"))
    with pytest.raises(Trouble, match="Findes allerede, tilføj igen") as caught:
        tab.need("page.b")
    assert code_of(caught) == "unexpected-dialog"
    assert tab.text(tab.need("page.b")) == "nej"


# Pages that do not come, browsers that end


def test_a_refused_connection_is_an_erp_that_cannot_be_had(room: Room) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        closed = f"http://127.0.0.1:{taken.getsockname()[1]}/"
    tab = room.tab(f"<a href={closed}>videre</a>", page__go="link=videre", page__it="text=nix")
    tab.press("page.go")
    with pytest.raises(Trouble) as caught:
        tab.need("page.it")
    assert code_of(caught) == "erp-unavailable"
    with pytest.raises(Trouble) as caught:
        tab.open(closed)
    assert code_of(caught) == "erp-unavailable"


@pytest.mark.parametrize("host", ["localhost", "erp.example.org", "127.0.0.2", "[::1]"])
def test_a_host_that_is_not_allowed_is_not_talked_to(room: Room, host: str) -> None:
    tab = room.tab("<p>x</p>")
    room.pages.asked.clear()
    with pytest.raises(Trouble) as caught:
        tab.open(f"http://{host}:{room.pages.port}/elsewhere")
    assert code_of(caught) == "erp-unavailable"
    assert "/elsewhere" not in room.pages.asked


def test_a_page_that_does_not_come_in_time_is_slow(room: Room) -> None:
    tab = room.tab("<p>x</p>")
    tab.driver.set_page_load_timeout(0.3)
    try:
        with RawServer([HANG]) as server, pytest.raises(Trouble) as caught:
            tab.open(server.url)
        assert code_of(caught) == "slow"
    finally:
        tab.driver.set_page_load_timeout(30)


def test_a_browser_that_ends_in_any_way_is_told_as_one(options: BrowserOptions, pages: Pages) -> None:
    """In one session, one after the other: first its tab, then the driver."""
    pages.pages["/"] = "<p>x</p>"
    with start(options) as browser:
        tab = tab_at(browser, pages)
        with pytest.raises(Trouble) as caught:
            tab.open("chrome://crash")
        assert code_of(caught) == "browser"
        browser._process.end()  # type: ignore[union-attr]  # as if somebody had killed it
        with pytest.raises(Trouble, match="driver does not answer") as caught:
            tab.keys("x")
        assert code_of(caught) == "browser"
    assert list(options.scratch.iterdir()) == []


def tab_at(browser: Browser, pages: Pages) -> Tab:
    tab = Tab(browser.driver, locators_of(page__p="css=p"), timeout_s=1)
    tab.open(pages.url + "/")
    return tab


def test_what_urllib3_raises_is_a_browsers_trouble_and_what_is_ours_stays() -> None:
    from urllib3.exceptions import MaxRetryError, ReadTimeoutError

    pool = object()
    for error in (
        MaxRetryError(pool, "/url"),  # type: ignore[arg-type]
        ReadTimeoutError(pool, "/url", "late"),  # type: ignore[arg-type]
        ConnectionResetError(),
    ):
        with pytest.raises(Trouble) as caught, guarded():
            raise error
        assert code_of(caught) == "browser"
    with pytest.raises(KeyError), guarded():
        raise KeyError("ours")


# Steps


def test_every_step_is_kept_with_its_time_and_its_end(room: Room) -> None:
    now = iter([0.0, 1.0, 1.5, 2.0, 5.0])
    tab = Tab(room.browser.driver, room.tab("<p>x</p>").locators, timeout_s=1, clock=lambda: next(now))
    with tab.step("log in"):
        assert tab.steps[0].outcome == "running"
    with pytest.raises(Trouble), tab.step("find the case"):
        raise Trouble("slow", "late")
    assert [(step.name, step.at_s, step.seconds, step.outcome) for step in tab.steps] == [
        ("log in", 1.0, 0.5, "ok"),
        ("find the case", 2.0, 3.0, "slow"),
    ]
    assert not re.search("late", repr(tab.steps))
