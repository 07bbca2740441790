"""Step two in au2office: a line's name and amount, each set by its own request. Doing it again is harmless."""

from typing import TYPE_CHECKING

from integrator.systems.browser.trouble import Trouble
from integrator.systems.workshops.amounts import typed
from integrator.systems.workshops.au2office.saving import Saving
from integrator.systems.workshops.erp import Entry

if TYPE_CHECKING:
    from selenium.webdriver.remote.webelement import WebElement

_TRIES = 4


class Setting:
    """One line, by its number: it moves to another place, or page, when its name is set."""

    def __init__(self, saving: Saving, line_id: str, *, name_limit: int, marker: str) -> None:
        self.saving, self.case, self.tab = saving, saving.case, saving.tab
        self.line_id, self.name_limit, self.marker = line_id, name_limit, marker.strip()

    def finish(self, entry: Entry) -> None:
        """Set both to what they must be, and read both back. Errors: Trouble"""
        line = self.case.read(self.case.row(self.line_id))
        if line.product != entry.product:
            raise Trouble("line-conflict", f"line {self.line_id} has another product")
        name = line.name if entry.text is None else self._set_name(line.name, entry)
        if line.amount != entry.amount:
            self._set_amount(entry)
        if (name, entry.amount) == (line.name, line.amount):
            return
        now = self.case.read(self.case.row(self.line_id))
        if (now.product, now.name, now.amount) != (entry.product, name, entry.amount):
            raise Trouble("field-mismatch", f"line {self.line_id} reads back other than it was set")

    def _here(self) -> "WebElement":
        """The line's row, on this page or on the one it has gone to."""
        return self.tab.find("lines.one", line=self.line_id) or self.case.row(self.line_id)

    def _opened(self) -> "WebElement":
        row = self._here()
        if self.tab.find("edit.amount", within=row) is None:
            self.case.is_writable()
            self.case.pages.go(lambda: self.tab.press("lines.edit", within=row), "edit.amount")
            row = self._here()
        return row

    def _set_name(self, shown: str, entry: Entry) -> str:
        """Name and marker, shortened until the field and the server take both whole; give back what is there then."""
        product, room = self._product_name(shown, entry), self.name_limit
        for _ in range(_TRIES):
            text = _text(entry, product, room)
            if text == shown:
                return shown
            row = self._opened()
            if (most := self._most(row)) < room:
                room = most
                continue
            held = self.tab.fill("edit.name", text, within=row)
            if held == text:
                self.saving.leave_field()
                held = shown = self._saved_name()
                if held == text:
                    return text
            if not text.startswith(held):
                break
            room = len(held)
        self._put_back("edit.name", shown)
        raise Trouble("field-mismatch", f"line {self.line_id}: the name reads back other than it was typed")

    def _saved_name(self) -> str:
        """As the page has it that came after saving, in the field or in the closed row."""
        row = self._here()
        field = self.tab.find("edit.name", within=row)
        return self.case.read(row).name if field is None else self.tab.value(field).strip()

    def _product_name(self, shown: str, entry: Entry) -> str:
        """The name without our marker. Errors: Trouble line-conflict: it bears another one"""
        product, marked, _ = shown.partition(self.marker)
        if marked and shown[len(product) :] != _text(entry, "", self.name_limit).strip():
            raise Trouble("line-conflict", f"line {self.line_id} bears another order's mark")
        return product.rstrip()

    def _most(self, row: "WebElement") -> int:
        """How many characters the field takes."""
        field = self.tab.need("edit.name", within=row)
        most = int(self.case.pages.script("return arguments[0].maxLength", field))
        return most if most >= 0 else self.name_limit

    def _set_amount(self, entry: Entry) -> None:
        text, row = typed(entry.amount), self._opened()
        shown = self.tab.value(self.tab.need("edit.amount", within=row))
        if self.tab.fill("edit.amount", text, within=row) != text:
            self._put_back("edit.amount", shown)
            raise Trouble("field-mismatch", f"line {self.line_id}: the amount reads back other than it was typed")
        self.saving.leave_field()

    def _put_back(self, field: str, text: str) -> None:
        """A field that holds what it held saves nothing when it is left."""
        if row := self.tab.find("lines.one", line=self.line_id):
            self.tab.fill(field, text, within=row)


def _text(entry: Entry, product: str, room: int) -> str:
    text = entry.text(product, room) if entry.text else ""
    if text is None:
        raise Trouble("marker-too-long", f"the mark does not fit into {room} characters")
    return text
