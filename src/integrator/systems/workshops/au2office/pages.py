"""From page to page in au2office: every step loads a whole document, in the window or in its frame."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from integrator.systems.browser.guarding import Unsettled
from integrator.systems.browser.tab import Tab
from integrator.systems.browser.trouble import Trouble

# A document that was left has this mark until another one takes its place.
_LEAVE = "window.integratorLeft = true"
_CAME = "return !window.integratorLeft && document.readyState === 'complete'"
_ANSWER = "const [page] = performance.getEntriesByType('navigation'); return [document.URL, page?.responseStatus || 0]"

# What a page may be instead of the one we came for: its locator, code and words, and whether it wrote nothing.
_INSTEAD = (
    ("told.updating", "erp-unavailable", "the page says that the system is being updated", False),
    ("told.broken", "erp-unavailable", "the page says that an error has happened", False),
    ("told.outdated", "session-lost", "the page says that the form is of another session", True),
    ("told.no_case", "case-not-found", "the page says that there is no such case", True),
    ("told.no_line", "line-conflict", "the page says that there is no such line", True),
)


class Pages:
    """The browser's place. `window` is the address of the window with the frames, once it was seen."""

    def __init__(self, tab: Tab) -> None:
        self.tab = tab
        self.window = ""
        self.is_at_login = False
        self._is_spoilt = False
        tab.look = self._look

    def script(self, text: str, *arguments: Any) -> Any:
        with self.tab.guarded():
            return self.tab.driver.execute_script(text, *arguments)

    def go(self, act: Callable[[], object], *names: str) -> str:
        """Do what loads another document, and arrive there. Errors: as arrive()"""
        self.script(_LEAVE)
        act()
        return self.arrive(*names)

    def arrive(self, *names: str) -> str:
        """Wait for a whole document that shows one of these elements; which one, the first that is there.

        Errors  Trouble: what the page is instead; an unknown dialog lies over it; "slow", "layout-changed"
        """

        def shown() -> str:
            if not self.script(_CAME):
                return ""
            if found := next((name for name in names if self.tab.find(name)), ""):
                return found
            self._judge()
            return ""

        try:
            found = self.tab.wait(f"a page with {' or '.join(names)}", shown)
        except Trouble as trouble:
            if trouble.code == "slow" and self._is_whole():
                self.tab.need(names[0], timeout_s=0)  # it raises the better error: the layout has changed
            raise
        if found != "found.dialog":
            self._no_dialog()
        return found

    def _is_whole(self) -> bool:
        with suppress(Unsettled):
            return bool(self.script(_CAME))
        return False

    @contextmanager
    def frame(self) -> Iterator[None]:
        """Work in the frame in which all cases are shown.

        After a trouble the window is loaded anew: the browser's own error page in a frame cannot be led elsewhere.
        """
        if not self.window:
            raise Trouble("session-lost", "nobody is logged in")
        if self._is_spoilt:
            self.tab.open(self.window)
        if self.tab.find("window.content") is None:
            self.arrive("window.content")
        self._is_spoilt = True
        with self.tab.in_frame("window.content"):
            yield
        self._is_spoilt = False

    def load(self, address: str, *names: str) -> str:
        """Load an address in the frame, from the server."""
        return self.go(lambda: self.script("location.assign(arguments[0])", address), *names)

    # Judging

    def _look(self) -> None:
        """Before a wait that ran out is told: what stands here, in the window, or in its frame?"""
        with suppress(Unsettled):
            self._judge()
        with self.tab.guarded():
            self.tab.driver.switch_to.default_content()
        self._judge()
        if frame := self.tab.find("window.content"):
            with self.tab.guarded():
                self.tab.driver.switch_to.frame(frame)
            self._judge()

    def _judge(self) -> None:
        """Errors: Trouble for what we know and did not want."""
        address, status = self.script(_ANSWER)
        if address.startswith("chrome-error:"):
            raise Trouble("erp-unavailable", "the browser shows its own error page: no answer")
        for name, code, words, nothing_written in _INSTEAD:
            if self.tab.find(name):
                raise Trouble(code, words, definite=nothing_written)
        if status >= 500:
            raise Trouble("erp-unavailable", f"the page is an error {status}")
        if not self.is_at_login and self.tab.find("login.password"):
            raise Trouble("session-lost", "the login form is shown: the session has ended")
        self._no_dialog()

    def _no_dialog(self) -> None:
        dialog = self.tab.find("told.dialog")
        if dialog is not None and self.tab.find("found.dialog") is None:
            heading = self.tab.text(dialog)[:80]
            raise Trouble("unexpected-dialog", f"an unknown dialog lies over the page: {heading!r}")
