"""A tab, worked as a person does: find by what is seen, wait for content, touch once what saves."""

import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from integrator.errors import ConfigError, Problem
from integrator.systems.browser.connections import use_each_once
from integrator.systems.browser.guarding import Unsettled, guarded
from integrator.systems.browser.locators import Locators
from integrator.systems.browser.scripts import ENABLED, FIND, INSERT, SCROLL, SELECT
from integrator.systems.browser.trouble import Trouble

if TYPE_CHECKING:
    from selenium.webdriver.remote.webdriver import WebDriver
    from selenium.webdriver.remote.webelement import WebElement

T = TypeVar("T")
TRIES = 3
_ERROR_PAGE, _NO_PAGE = "chrome-error:", "the browser shows its own error page: the page cannot be reached"
# Selenium types these as keys: an ENTER or a TAB in a name would save before its time.
_KEYS = re.compile("[\x00-\x1f\x7f\ue000-\uf8ff]")


@dataclass
class Step:
    """Shape  at_s: since the tab began; outcome: "running", "ok", a Trouble's code, or an exception's name."""

    name: str
    at_s: float
    seconds: float = 0.0
    outcome: str = "running"


class Tab:
    """One tab and the locators of its pages.

    busy   names of locators that mean "still loading"
    look   called before a wait that ran out raises its own Trouble: it raises a better one, or does nothing
    """

    def __init__(
        self,
        driver: "WebDriver",
        locators: Locators,
        *,
        timeout_s: float,
        poll_s: float = 0.05,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        busy: Sequence[str] = (),
    ) -> None:
        self.driver = driver
        self.locators = locators
        self.timeout_s = timeout_s
        self.steps: list[Step] = []
        self.look: Callable[[], None] = _nothing
        self._poll_s, self._clock, self._sleep = poll_s, clock, sleep
        self._busy = tuple(busy)
        self._began = clock()
        self._looking = False

    def guarded(self) -> AbstractContextManager[None]:
        """Errors  Trouble in place of everything that selenium and urllib3 raise"""
        return guarded()

    def open(self, url: str) -> None:
        """Go to an address. Errors  Trouble: "slow" past the page timeout, "erp-unavailable" when it has no answer"""
        with guarded():
            self.driver.get(url)
            if str(self.driver.execute_script("return document.URL")).startswith(_ERROR_PAGE):
                raise Trouble("erp-unavailable", _NO_PAGE)  # chromedriver raises for most of them, not for all

    # Finding, now

    def find(self, name: str, within: "WebElement | None" = None, **fill: str) -> "WebElement | None":
        """The first element that is displayed, of the first alternative that has one."""
        return next(iter(self._found(name, within, 1, fill)), None)

    def all(self, name: str, within: "WebElement | None" = None, **fill: str) -> "list[WebElement]":
        """All displayed elements of the first alternative that has any."""
        return self._found(name, within, 0, fill)

    def _found(self, name: str, within: "WebElement | None", most: int, fill: dict[str, str]) -> "list[WebElement]":
        ways = self.locators.alternatives(name, **fill)
        with guarded():
            found = self.driver.execute_script(FIND, ways, within, most)
        if found is None:  # a dialog that opens while a script runs: the driver gives nothing, and raises nothing
            raise Trouble("unexpected-dialog", f"a dialog of the page, answered no: {self.alert()}")
        if isinstance(found, str):
            raise ConfigError([Problem(self.locators.shown, f"{name}: the browser cannot read {found}")])
        return list(found)

    # Waiting

    def need(
        self, name: str, within: "WebElement | None" = None, timeout_s: float | None = None, **fill: str
    ) -> "WebElement":
        """The element, as soon as it is displayed.

        Errors  Trouble: what look() sees; else "slow" on a page that still loads, "layout-changed" on one that is there
        """
        found = self._poll(lambda: self.find(name, within, **fill), timeout_s)
        if found is None:
            raise self._missing(name)
        return found

    def wait(self, what: str, condition: Callable[[], T], *, timeout_s: float | None = None) -> T:
        """What the condition gives as soon as that is true; an element that went away meanwhile is "not yet".

        Errors  Trouble: what look() sees; else "slow"
        """
        found = self._poll(condition, timeout_s)
        if found is None:
            self._look()
            raise Trouble("slow", f"{what}: not within {self._limit(timeout_s):g} s")
        return found

    def _poll(self, condition: Callable[[], T], timeout_s: float | None) -> T | None:
        deadline = self._clock() + self._limit(timeout_s)
        while True:
            try:
                with guarded():
                    if found := condition():
                        return found
            except Unsettled:
                pass  # the page is being rebuilt
            if self._clock() >= deadline:
                return None
            self._sleep(self._poll_s)

    def _limit(self, timeout_s: float | None) -> float:
        return self.timeout_s if timeout_s is None else timeout_s

    def _missing(self, name: str) -> Trouble:
        self._look()
        if reason := self._unfinished():
            return reason
        return Trouble("layout-changed", f"{name} is not on the page; tried {self.locators.told(name)}")

    def _unfinished(self) -> Trouble | None:
        """Why the page is not one to be judged yet."""
        try:
            with guarded():
                state, address = self.driver.execute_script("return [document.readyState, document.URL]")
            if address.startswith(_ERROR_PAGE):
                return Trouble("erp-unavailable", _NO_PAGE)
            if state != "complete":
                return Trouble("slow", "the page is still loading")
            shown = next((busy for busy in self._busy if self.find(busy)), None)
        except Unsettled:
            return Trouble("slow", "the page is on its way to another one")
        return Trouble("slow", f"the page still works: {shown} is shown") if shown else None

    def _look(self) -> None:
        if self._looking:  # look() may wait itself
            return
        self._looking = True
        try:
            self.look()
        except Unsettled:
            pass
        finally:
            self._looking = False

    # Doing

    def press(self, name: str, within: "WebElement | None" = None, **fill: str) -> None:
        """Click on something that only leads on or reads: repeated while the page moves or something lies over it.

        Errors  as need(); "unexpected-dialog" when it stays covered
        """
        last: list[Unsettled] = []

        def clicked() -> bool:
            if len(last) == TRIES:
                self._look()
            element = self.find(name, within, **fill)
            if element is None or not self.driver.execute_script(ENABLED, element):
                return False
            try:
                with guarded():
                    self.driver.execute_script(SCROLL, element)
                    element.click()
            except Unsettled as error:
                last.append(error)
                raise
            return True

        if self._poll(clicked, None):
            return
        if not last:
            raise self._missing(name)
        self._look()
        raise self._unfinished() or self._not_pressed(name, last[-1])

    def _not_pressed(self, name: str, error: Unsettled) -> Trouble:
        return Trouble("unexpected-dialog" if error.covered else "slow", f"{name} cannot be pressed: {error.message}")

    def touch(self, element: "WebElement") -> None:
        """One click and no second one, whatever happens: for the step that saves.

        Errors  Trouble; definite when the click surely did not reach the element
        """
        try:
            with guarded():
                element.click()
        except Unsettled as error:
            code = "unexpected-dialog" if error.covered else "slow"
            raise Trouble(code, f"not touched: {error.message}", definite=not error.clicked) from error

    def fill(self, name: str, text: str, within: "WebElement | None" = None, secret: bool = False, **fill: str) -> str:
        """Select what the field holds and type over it; give back what it then holds, nothing of a secret.

        Errors  as need(); "field-mismatch" for a text that has keys in it
        """
        if _KEYS.search(text):
            raise Trouble("field-mismatch", f"{name}: the text has characters in it that cannot be typed")

        def typed() -> "WebElement | None":
            element = self.find(name, within, **fill)
            if element is None or not self.driver.execute_script(ENABLED, element):
                return None
            self._type(element, text)
            return element

        element = self._poll(typed, None)
        if element is None:
            raise self._missing(name)
        return "" if secret else self.value(element)

    def _type(self, element: "WebElement", text: str) -> None:
        from selenium.webdriver.common.keys import Keys

        self.driver.execute_script(SELECT, element)
        if any(ord(letter) > 0xFFFF for letter in text):  # chromedriver refuses to type these
            self.driver.execute_script(INSERT, element, text)
        else:
            element.send_keys(text or Keys.DELETE)

    def keys(self, *keys: str) -> None:
        """Press keys, once, in what has the focus."""
        with guarded():
            self.driver.switch_to.active_element.send_keys(*keys)

    def value(self, element: "WebElement") -> str:
        with guarded():
            value = element.get_property("value")
            return str(element.text if value is None else value)

    def text(self, element: "WebElement") -> str:
        """What is seen of it, white space made one."""
        with guarded():
            return " ".join(str(element.text).split())

    # Frames, windows, dialogs

    @contextmanager
    def in_frame(self, name: str, **fill: str) -> Iterator[None]:
        """Work in a frame; at the end the page itself is the place again."""
        frame = self.need(name, None, None, **fill)
        with guarded():
            self.driver.switch_to.frame(frame)
        try:
            yield
        except BaseException:
            with suppress(Trouble):  # the first trouble is the one to tell
                self._leave_frames()
            raise
        self._leave_frames()

    def _leave_frames(self) -> None:
        with guarded():
            self.driver.switch_to.default_content()

    @contextmanager
    def new_window(self, press: Callable[[], None]) -> Iterator[None]:
        """Do what opens a window, and go there; it stays open and chosen at the end."""
        with guarded():
            known = set(self.driver.window_handles)
        press()
        fresh = self.wait("a new window", lambda: [one for one in self.driver.window_handles if one not in known])
        with guarded():
            self.driver.switch_to.window(fresh[0])
            use_each_once(self.driver)
        yield

    def alert(self) -> str | None:
        """The text of an open dialog of the page, which is answered no; None when there is none."""
        from selenium.common.exceptions import NoAlertPresentException

        with guarded():
            try:
                dialog = self.driver.switch_to.alert
                text = dialog.text
                dialog.dismiss()
            except NoAlertPresentException:
                return None
        return " ".join(str(text).split())

    # What was done, for the evidence

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Keep when this was done, how long it took and how it ended."""
        begun = self._clock()
        step = Step(name, round(begun - self._began, 3))
        self.steps.append(step)
        try:
            yield
            step.outcome = "ok"
        except BaseException as error:
            step.outcome = error.code if isinstance(error, Trouble) else type(error).__name__
            raise
        finally:
            step.seconds = round(self._clock() - begun, 3)


def _nothing() -> None:
    """Before a page object has said how to look."""
