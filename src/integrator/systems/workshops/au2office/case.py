"""One case in au2office: found by its exact number, its state, and all of its lines."""

from typing import TYPE_CHECKING

from integrator.systems.browser.trouble import Trouble
from integrator.systems.workshops.amounts import amount_of
from integrator.systems.workshops.au2office.pages import Pages
from integrator.systems.workshops.au2office.tables import Tables
from integrator.systems.workshops.erp import Line

if TYPE_CHECKING:
    from selenium.webdriver.remote.webelement import WebElement

_STATES = (
    ("case.invoiced", "case-invoiced", "the case is invoiced"),
    ("case.closed", "case-closed", "the case is closed"),
)
_COLUMNS = ("lines.product", "lines.name", "lines.amount", "lines.user")


class CasePages:
    """The open case. `address` is that of its lines, None as long as there is none."""

    def __init__(self, pages: Pages) -> None:
        self.pages, self.tab, self.tables = pages, pages.tab, Tables(pages)
        self.address: str | None = None
        self.number = ""

    def open(self, number: str) -> None:
        """Find it and go to its lines. One that is closed or locked is told so, and can be read all the same."""
        self.address, self.number = None, number
        self.to_list()
        with self.pages.frame():
            self.pages.arrive("list.number")
            self._choose(number)
            self._is_ours()
            self.pages.go(lambda: self.tab.press("case.lines"), "lines.table")
            self.address = str(self.pages.script("return location.href"))
            self.is_writable()

    def to_list(self) -> None:
        """Leave whatever is shown, also a dialog, for the list of cases."""
        self.tab.alert()
        if self.pages.window:
            self.tab.open(self.pages.window)

    def _choose(self, number: str) -> None:
        """Press the one link with exactly this number: the search finds it in longer numbers too."""
        found = self.tables.whole(lambda: self._search(number), self._numbers)
        pages = [page for page, rows in enumerate(found) for row in rows if row == f"#{number}"]
        if not pages:
            raise Trouble("case-not-found", "the list of cases does not have the number")
        if len(pages) > 1:
            raise Trouble("case-ambiguous", f"the list of cases has the number {len(pages)} times")
        for _ in range(len(found) - 1 - pages[0]):
            self.tables.onward("pages.back")
        self.pages.go(lambda: self.tab.press("list.case", case=number), "case.lines")

    def _search(self, number: str) -> None:
        if self.tab.fill("list.number", number) != number:
            raise Trouble("field-mismatch", "list.number reads back other than it was typed")
        if self.pages.go(lambda: self.tab.press("list.search"), "list.none", "pages.shown") == "list.none":
            raise Trouble("case-not-found", "the list of cases is empty")

    def _numbers(self) -> list[str | None]:
        table = self.tab.need("list.table", timeout_s=0)
        return [row[1] for row in self.tables.cells(self.tab.all("list.row", within=table), table, "list.column")]

    def _is_ours(self) -> "WebElement":
        """The heading. Shape  "Sag 560 CD 67 890 · Jytte Sørensen Åben" """
        head = self.tab.need("case.head")
        if self.tab.text(head).split()[1:2] != [self.number]:
            raise Trouble("layout-changed", "case.head: expected the number of the case behind its first word")
        return head

    def is_writable(self) -> None:
        """Errors: Trouble case-closed, case-invoiced, case-locked; layout-changed without any state"""
        head = self._is_ours()
        is_open, can_write = self.tab.find("case.open", within=head), self.tab.find("entry.product")
        if is_open and can_write:
            return
        for state, code, words in _STATES:
            if self.tab.find(state, within=head):
                raise Trouble(code, words, definite=True)
        if self.tab.find("case.locked"):
            raise Trouble("case-locked", "a colleague has the case open", definite=True)
        self.tab.need("case.open", within=head, timeout_s=0)
        self.tab.need("entry.product", timeout_s=0)

    def load(self) -> None:
        """The first page of the lines, from the server."""
        if self.address is None:
            raise Trouble("session-lost", "no case is open")
        self.pages.load(self.address, "lines.table")
        self._is_ours()

    def lines(self) -> list[Line]:
        """All lines, freshly loaded. Errors: Trouble "slow" when they change while they are read"""
        for _ in range(2):
            lines = [line for page in self.tables.whole(self.load, self._page) for line in page]
            if len({line.id for line in lines}) == len(lines):
                return lines
        raise Trouble("slow", "a line stands on two pages: the lines move while they are read")

    def _page(self) -> list[Line]:
        return self._read(self.tab.all("lines.row", within=self.tab.need("lines.table", timeout_s=0)))

    def read(self, row: "WebElement") -> Line:
        """What one row holds, in its fields too where it is open."""
        return self._read([row])[0]

    def _read(self, rows: "list[WebElement]") -> list[Line]:
        table = self.tab.need("lines.table", timeout_s=0)
        cells = self.tables.cells(rows, table, *_COLUMNS, optional="lines.user")
        return [_line(*row) for row in cells]

    def row(self, line_id: str) -> "WebElement":
        """The row of a line, on whichever page it stands by now. Errors: Trouble line-conflict: it is gone"""
        self.load()
        while (row := self.tab.find("lines.one", line=line_id)) is None:
            if self.tab.find("pages.next") is None:
                raise Trouble("line-conflict", f"line {line_id} is not on the case any more")
            self.tables.onward("pages.next")
        return row


def _line(own: str | None, product: str | None, name: str | None, amount: str | None, user: str | None) -> Line:
    # In a page of another layout it may be something else: digits, or we stop.
    if not (own and own.isascii() and own.isdigit()):
        raise Trouble("layout-changed", "lines.row: expected a line's number, in digits")
    try:
        return Line(own, product or "", name or "", amount_of(amount or ""), user or None)
    except ValueError:
        raise Trouble("layout-changed", f"lines.amount: line {own} has no Danish number there") from None
