"""Tables over several pages, read whole: as many rows as every page announces, or once more from the first."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from integrator.systems.browser.trouble import Trouble
from integrator.systems.workshops.au2office.pages import Pages

if TYPE_CHECKING:
    from selenium.webdriver.remote.webelement import WebElement

T = TypeVar("T")
READINGS = 3
_MOST_PAGES = 500
_SHOWN = re.compile(r"([0-9]+)\s*-\s*([0-9]+) af ([0-9]+)")
# One question for all cells: a page that goes away under many small ones would leave half of it read.
_CELLS = """
const [rows, columns] = arguments;
const text = (cell) => {
  const field = cell && cell.querySelector('input:not([type=hidden]), textarea');
  return cell ? (field ? field.value : cell.textContent).trim() : '';
};
const cells = (row) => columns.map((column) => column && text(row.cells[column.cellIndex]));
return rows.map((row) => [row.getAttribute('data-linje-id'), ...cells(row)]);
"""


class Tables:
    """The tables of the page in the frame. Columns are found by their headings."""

    def __init__(self, pages: Pages) -> None:
        self.pages, self.tab = pages, pages.tab

    def cells(
        self, rows: "list[WebElement]", table: "WebElement", *columns: str, optional: str | None = None
    ) -> list[list[str | None]]:
        """Each row's own number, None where it has none, and its texts in these columns.

        An optional column that the table does not have is None too.
        """
        heads = [self._head(table, column, optional) for column in columns] if rows else []
        return list(self.pages.script(_CELLS, rows, heads))

    def _head(self, table: "WebElement", column: str, optional: str | None) -> "WebElement | None":
        found = self.tab.find(column, within=table)
        return found if found or column == optional else self.tab.need(column, within=table, timeout_s=0)

    def whole(self, begin: Callable[[], object], read: Callable[[], list[T]]) -> list[list[T]]:
        """All pages of a list. begin() goes to its first page, read() gives the rows of one page.

        Errors  Trouble: "slow" when it changes under every reading, "layout-changed" when it announces no number
        """
        for _ in range(READINGS):
            begin()
            if (found := self._through(read)) is not None:
                return found
        raise Trouble("slow", f"a list changed under each of {READINGS} readings")

    def _through(self, read: Callable[[], list[T]]) -> list[list[T]] | None:
        found: list[list[T]] = []
        counts: set[int] = set()
        while len(found) < _MOST_PAGES:
            rows, (first, last, count) = self.tab.wait("a page of a list", lambda: (read(), self._shown()))
            before = sum(map(len, found))
            if len(rows) != (last - first + 1 if count else 0) or (rows and first != before + 1):
                return None
            found.append(rows)
            counts.add(count)
            if self.tab.find("pages.next") is None:
                return found if counts == {before + len(rows)} else None
            self.onward("pages.next")
        raise Trouble("layout-changed", f"a list has more than {_MOST_PAGES} pages")

    def onward(self, link: str) -> None:
        """Go to the page before or behind."""
        self.pages.go(lambda: self.tab.press(link), "pages.shown")

    def _shown(self) -> tuple[int, int, int]:
        """The first and the last row on this page, and how many there are in all."""
        found = _SHOWN.search(self.tab.text(self.tab.need("pages.shown", timeout_s=0)))
        if found is None:
            raise Trouble("layout-changed", "pages.shown: expected a text such as 1-20 af 43")
        return int(found[1]), int(found[2]), int(found[3])
