"""A list of which only a dozen rows are in the document: read whole, and only as the server gave it."""

from dataclasses import dataclass

from integrator.systems.browser.trouble import Trouble
from integrator.systems.workshops.admanager.screen import Screen

# One call, so that the rows and what the list says about itself are of the same moment.
_READ = """
const [grid, rows] = arguments;
return {
  busy: grid.getAttribute('aria-busy') === 'true',
  announced: Number(grid.getAttribute('aria-rowcount') ?? -1),
  rows: rows.map((row) => ({
    at: Number(row.getAttribute('aria-rowindex')), id: row.getAttribute('data-line-id'),
    pending: row.getAttribute('aria-busy') === 'true' || row.matches('.line-pending'),
    cells: Array.from(row.children, (cell) => cell.textContent),
  })),
};
"""
# The rows are of equal height, as they must be where the list has to know its whole height before it has the rows.
_SCROLL = """
const [row, share] = arguments;
const scrolls = (box) => box.scrollHeight > box.clientHeight && /auto|scroll/.test(getComputedStyle(box).overflowY);
let box = row.parentElement;
while (box && !scrolls(box)) box = box.parentElement;
if (box) box.scrollTop = Math.floor(box.scrollHeight * share);
// The list draws itself in the next frame; a tab that is not seen has none.
return new Promise((done) => { requestAnimationFrame(() => setTimeout(done, 0, true)); setTimeout(done, 100, true); });
"""
_PLACE = "return Array.prototype.indexOf.call(arguments[0].parentElement.children, arguments[0])"


@dataclass(frozen=True, slots=True)
class Row:
    """One row. at counts from 1; id is None where rows have none; cells are the texts, by column."""

    at: int
    id: str | None
    pending: bool
    cells: tuple[str, ...]

    @property
    def is_grey(self) -> bool:
        """Not filled yet: it has the markup of the others and no text."""
        return not any(cell.strip() for cell in self.cells)

    def cell(self, place: int) -> str:
        """The text of one column. Errors  layout-changed"""
        if place >= len(self.cells):
            raise Trouble("layout-changed", f"row {self.at} of a list has no column {place + 1}")
        return self.cells[place].strip()


@dataclass(frozen=True, slots=True)
class View:
    """What is in the document now. announced: how many rows the whole list has, below 0 when it does not know yet."""

    busy: bool
    announced: int
    rows: tuple[Row, ...]

    def is_filled(self, at: int) -> bool:
        """Whether all that is shown came from the server, and row `at` is among it or the list is empty."""
        if self.busy or self.announced < 0 or any(row.is_grey or row.pending for row in self.rows):
            return False
        return any(row.at == at for row in self.rows) or (self.announced == 0 and not self.rows)


class Grid:
    """The list of a page; name is that of its table in the locator file."""

    def __init__(self, screen: Screen, name: str) -> None:
        self._screen, self._tab, self._name = screen, screen.tab, name

    def view(self) -> View | None:
        """What is shown now, None when the list is not on the page."""
        grid = self._tab.find(f"{self._name}.grid")
        if grid is None:
            return None
        seen = self._screen.script(_READ, grid, self._tab.all(f"{self._name}.row", grid))
        rows = (Row(row["at"], row["id"], row["pending"], tuple(row["cells"])) for row in seen["rows"])
        return View(seen["busy"], int(seen["announced"]), tuple(rows))

    def filled(self, at: int = 1) -> View | None:
        """What is shown now, when it came from the server and has the row `at`."""
        view = self.view()
        return view if view is not None and view.is_filled(at) else None

    def collect(self) -> list[Row] | None:
        """All rows of a list that is at its top; None when it became another one meanwhile. Ends where it began."""
        view = self._wait_for(1)
        announced, found = view.announced, {row.at: row for row in view.rows}
        while len(found) < announced:
            self._scroll(max(found) - 1, announced)
            view = self._wait_for(max(found) + 1)
            if view.announced != announced or any(found.get(row.at, row) != row for row in view.rows):
                return None
            found |= {row.at: row for row in view.rows}
        self.bring(1)
        return [found[at] for at in sorted(found)] if sorted(found) == list(range(1, announced + 1)) else None

    def bring(self, at: int) -> None:
        """Scroll until the row is in the document."""
        view = self.view()
        if view is None or not view.is_filled(at):
            self._scroll(max(0, at - 2), max(1, view.announced if view else 1))
            self._wait_for(at)

    def place(self, column: str) -> int:
        """The position of a column, by its heading. Errors  layout-changed"""
        heading = self._tab.need(f"{self._name}.{column}", self._tab.need(f"{self._name}.grid"))
        return int(self._screen.script(_PLACE, heading))

    def _wait_for(self, at: int) -> View:
        return self._screen.until(f"row {at} of {self._name}.grid", lambda: self.filled(at))

    def _scroll(self, rows_above: int, announced: int) -> None:
        """Until so many rows lie above what is seen."""
        rows = self._tab.all(f"{self._name}.row")
        if rows:
            self._screen.script(_SCROLL, rows[0], rows_above / announced)


def keeps_changing(what: str) -> Trouble:
    return Trouble("slow", f"{what} keeps changing while it is read")
