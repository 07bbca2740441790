"""The one touch that saves a line, and how the page answers it."""

from typing import TYPE_CHECKING

from integrator.systems.browser.trouble import Trouble
from integrator.systems.workshops.admanager.grid import Grid
from integrator.systems.workshops.admanager.screen import Screen

if TYPE_CHECKING:
    from selenium.webdriver.remote.webelement import WebElement


class Saving:
    """What is between the entry row and the list of lines when a line is saved."""

    def __init__(self, screen: Screen, lines: Grid) -> None:
        self._screen, self._tab, self._lines = screen, screen.tab, lines

    def save(self) -> None:
        """Errors as WorkshopErp.save; definite too when something was seen before anything was touched"""
        try:
            button, before = self._ready()
        except Trouble as trouble:
            raise Trouble(trouble.code, f"nothing was touched: {trouble.message}", definite=True) from trouble
        self._tab.touch(button)
        self._screen.until("the page's answer to the new line", lambda: self._is_settled(before))

    def _ready(self) -> "tuple[WebElement, int]":
        """The button, and how many lines there are; with nothing on the page that could be taken for its answer."""
        self._screen.look()
        self._screen.until("a red text of something else goes away", lambda: not self._tab.find("page.red"))
        view = self._screen.until("the lines of the case", self._lines.filled)
        button = self._tab.need("entry.add")
        with self._tab.guarded():
            if not button.is_enabled():
                raise Trouble("field-mismatch", "entry.add is asleep: the page no longer holds what was typed")
        return button, view.announced

    def _is_settled(self, before: int) -> bool:
        """Whether our row became a real one. While it is grey, neither a toast nor the row says anything."""
        view = self._lines.view()
        self._refuse_duplicate()
        if view is None or any(row.pending for row in view.rows):
            return False
        if told := self._tab.all("page.red"):
            raise self._refused(told)
        return not view.busy and view.announced > before

    def _refuse_duplicate(self) -> None:
        for dialog in self._tab.all("page.dialog"):
            if self._tab.find("page.duplicate", dialog):
                self._tab.press("page.duplicate_no", dialog)
                raise Trouble("duplicate-asked", "asked whether to add the product again; answered no", definite=True)

    def _refused(self, told: "list[WebElement]") -> Trouble:
        """What a red text means: only a refusal in words that we know says that nothing was written."""
        if code := self._screen.refusal(told):
            return Trouble(code, f"the line was refused (refusal.{code})", definite=True)
        if self._tab.find("page.unavailable"):
            return Trouble("erp-unavailable", "the server failed on the new line (page.unavailable)")
        return Trouble("doubt", "a red text that is not known answered the new line (page.red)")
