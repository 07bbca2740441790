"""What AD Manager may show besides what we came for: what is known is closed, anything else is told."""

from collections.abc import Callable, Sequence
from itertools import count
from typing import TYPE_CHECKING, Any, TypeVar, cast

from integrator.systems.browser.guarding import dialog_text
from integrator.systems.browser.tab import Tab
from integrator.systems.browser.trouble import Trouble

if TYPE_CHECKING:
    from selenium.webdriver.remote.webelement import WebElement

T = TypeVar("T")
LOOK_EVERY = 3  # polls: a look is dearer than most conditions
_WITHIN = "const [told, words] = arguments; return told.some((one) => words.some((word) => one.contains(word)))"
REFUSALS = (
    "case-closed",
    "case-invoiced",
    "case-locked",
    "case-not-found",
    "product-unknown",
    "product-blocked",
    "amount-refused",
    "erp-unavailable",
)


class Screen:
    """The tab and how to wait in it. inside: the login is behind us, so its form means that the session is lost."""

    def __init__(self, tab: Tab, base_url: str) -> None:
        self.tab = tab
        self.base_url = base_url.rstrip("/")
        self.inside = False
        tab.look = self.look

    def look(self) -> None:
        """Close the notices that are known. Codes  unexpected-dialog, session-lost, erp-unavailable"""
        for dialog in self.tab.all("page.dialog"):
            self._answer(dialog)
        if self.tab.find("page.cookies"):
            with self.tab.step("notice closed: cookies"):
                self.tab.press("page.cookies_accept")
        if self.inside and self.tab.find("login.password"):
            raise Trouble("session-lost", "the login form is shown")
        if self.tab.find("page.unavailable"):
            raise Trouble("erp-unavailable", "the page says that the server is not available (page.unavailable)")

    def _answer(self, dialog: "WebElement") -> None:
        if self.tab.find("page.news", dialog) is None:
            title = self.tab.find("page.dialog_title", dialog)
            called = self.tab.text(title)[:80] if title else "without a title"
            raise Trouble("unexpected-dialog", f"a dialog that is not known, left unanswered: {called!r}")
        with self.tab.step("notice closed: news"):
            self.tab.press("page.news_close", dialog)

    def until(self, what: str, condition: Callable[[], T | None]) -> T:
        """Wait as Tab.wait does; while it is in vain, see what else is shown instead of waiting for the deadline."""
        in_vain = count(1)

        def met() -> T | None:
            found = condition()
            if not found and next(in_vain) % LOOK_EVERY == 0:
                self.look()
            return found

        return cast(T, self.tab.wait(what, met))  # it gives back nothing that is false

    def first(self, *names: str, **fill: str) -> str:
        """Which of these elements is shown.

        Errors  what look() sees; else as Tab.need for the first of them
        """
        try:
            return self.until(names[0], lambda: next((name for name in names if self.tab.find(name, None, **fill)), ""))
        except Trouble as trouble:
            if trouble.code != "slow":
                raise
        self.tab.need(names[0], None, 0, **fill)
        return names[0]

    def refusal(self, told: "Sequence[WebElement]") -> str | None:
        """The code of a refusal in words that we know, where one of these elements says them."""
        for code in REFUSALS:
            words = self.tab.all(f"refusal.{code}")
            if words and self.script(_WITHIN, told, words):
                return code
        return None

    def script(self, script: str, *arguments: Any) -> Any:
        """What a script gives back, which must be something: one that a dialog of the page interrupts gives nothing.

        Errors  unexpected-dialog, once the dialog is answered no
        """
        with self.tab.guarded():
            given = self.tab.driver.execute_script(script, *arguments)
        if given is None:
            raise Trouble("unexpected-dialog", f"a dialog of the page, answered no: {dialog_text(self.tab.alert())}")
        return given
