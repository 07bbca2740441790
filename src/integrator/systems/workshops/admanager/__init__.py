"""AD Manager: a workshop's ERP as a single page with virtual lists, worked in a browser.

Source  the contract of the workshop ERP, its flow B; the page itself was never seen
"""

import re
import time
from collections.abc import Callable

from integrator.secret import Secret
from integrator.systems.browser.tab import Tab
from integrator.systems.browser.trouble import Trouble
from integrator.systems.workshops.admanager.entry import EntryRow
from integrator.systems.workshops.admanager.grid import Grid, Row, keeps_changing
from integrator.systems.workshops.admanager.login import log_in
from integrator.systems.workshops.admanager.saving import Saving
from integrator.systems.workshops.admanager.screen import Screen
from integrator.systems.workshops.amounts import amount_of
from integrator.systems.workshops.erp import Entry, Line

__all__ = ["AdManager"]

TRIES = 3
_LIST = "/worksheet"
# What the chip of a case says; a word that is not here is a page that we do not know.
_STATUSES = {"Åben": None, "Lukket": "case-closed", "Faktureret": "case-invoiced"}
_CREATED = re.compile(r"[\d.]+ [\d:.]+ (\S.*)")  # "24.11.2026 08:15 mette"


class AdManager:
    """One browser on one workshop's AD Manager. The methods' errors are those of WorkshopErp.

    Who has a case open is not shown anywhere: only a save is refused because of it.
    """

    BUSY = ("page.loading",)
    marker = " -- OilMat:"
    two_steps = False
    decimals = 2

    def __init__(self, tab: Tab, base_url: str, *, name_limit: int, clock: Callable[[], float] = time.time) -> None:
        self._tab, self._clock = tab, clock
        self._screen = Screen(tab, base_url)
        self._cases, self._lines = Grid(self._screen, "list"), Grid(self._screen, "lines")
        self._entry = EntryRow(self._screen, name_limit)
        self._saving = Saving(self._screen, self._lines)
        self._number = self._sheet = ""  # the open case: its number, and the address of its page

    def log_in(self, username: str, password: Secret, totp: Secret | None) -> None:
        """Come to the list of cases; one attempt. News and cookies are closed on the way."""
        with self._tab.step("log in"):
            log_in(self._screen, username, password, totp, self._clock)
            self._screen.look()
            self._tab.press("page.menu")
            self._screen.first("list.search")

    def open_case(self, number: str) -> None:
        """Open the case with exactly this number. After case-closed and case-invoiced its lines can be read."""
        with self._tab.step("open case"):
            self._tab.alert()
            self._tab.open(self._screen.base_url + _LIST)
            row = self._only(number, self._narrowed_to(number))
            self._cases.bring(row.at)
            self._tab.press("list.chosen", row=str(row.at))
            self._arrive(number)
            with self._tab.guarded():
                self._number, self._sheet = number, self._tab.driver.current_url
            self._check_status()
            self._screen.until("the lines of the case", self._lines.filled)
            self._screen.look()

    def _narrowed_to(self, number: str) -> list[Row]:
        """The whole list as the filter leaves it: every row has the number somewhere in it."""
        self._screen.first("list.search")
        self._tab.fill("list.search", number)
        for _ in range(TRIES):
            self._screen.until("the list of cases, narrowed to the number", lambda: self._seems_narrowed(number))
            rows = self._cases.collect()
            if rows is not None and all(_mentions(row, number) for row in rows):
                return rows
        raise keeps_changing("the list of cases")

    def _seems_narrowed(self, number: str) -> bool:
        view = self._cases.filled()
        return view is not None and all(_mentions(row, number) for row in view.rows)

    def _only(self, number: str, rows: list[Row]) -> Row:
        place = self._cases.place("number") if rows else 0
        equal = [row for row in rows if row.cell(place) == number]
        if not equal:
            raise Trouble("case-not-found", f"none of {len(rows)} rows of the filtered list has exactly this number")
        if len(equal) > 1:
            raise Trouble("case-ambiguous", f"{len(equal)} rows of the list have exactly this number")
        return equal[0]

    def _arrive(self, number: str) -> None:
        if self._screen.first("case.title", "case.missing", case=number) == "case.missing":
            raise Trouble("case-not-found", "the page of the case says that there is none")

    def _check_status(self) -> None:
        status = self._tab.text(self._tab.need("case.status"))
        if status not in _STATUSES:
            raise Trouble("layout-changed", "case.status: a word that is not known")
        if code := _STATUSES[status]:
            raise Trouble(code, f"the chip of the case says {status}")

    def lines(self) -> list[Line]:
        """All lines of the case, whatever its status, from a fresh load of its page.

        Shape   as many as the list announces, newest first, every id once
        """
        if not self._sheet:
            raise RuntimeError("lines: open_case comes first")
        with self._tab.step("read lines"):
            self._tab.alert()
            for _ in range(TRIES):
                self._tab.open(self._sheet)
                self._arrive(self._number)
                rows = self._lines.collect()
                self._screen.look()
                if rows is not None and _are_told_apart(rows):
                    return self._as_lines(rows)
            raise keeps_changing("the list of lines")

    def _as_lines(self, rows: list[Row]) -> list[Line]:
        names = ("product", "name", "amount", "created")
        places = {name: self._lines.place(name) for name in names} if rows else {}
        return [_line_from(row, {name: row.cell(place) for name, place in places.items()}) for row in rows]

    def prepare(self, entry: Entry) -> None:
        """Fill the entry row and read every field back."""
        with self._tab.step("prepare line"):
            self._entry.fill(entry)

    def save(self) -> None:
        """Touch "Tilføj linje" once, and wait until the row is a real one or refused."""
        with self._tab.step("save line"):
            self._saving.save()

    def finish(self, line_id: str, entry: Entry) -> None:
        raise RuntimeError("admanager saves a line whole: there is nothing to finish")

    def close_case(self) -> None:
        """Go back to the list of cases."""
        with self._tab.step("close case"):
            self._number = self._sheet = ""
            self._tab.open(self._screen.base_url + _LIST)


def _mentions(row: Row, text: str) -> bool:
    return text.casefold() in " ".join(row.cells).casefold()


def _are_told_apart(rows: list[Row]) -> bool:
    """Whether every line is there once. Errors  layout-changed"""
    ids = {row.id for row in rows}
    if None in ids:
        raise Trouble("layout-changed", "lines.row: a line without its id (data-line-id)")
    return len(ids) == len(rows)


def _line_from(row: Row, texts: dict[str, str]) -> Line:
    try:
        amount = amount_of(texts["amount"])
    except ValueError:
        raise Trouble("layout-changed", "lines.amount: a line whose amount is no number") from None
    created = _CREATED.fullmatch(texts["created"])
    return Line(row.id, texts["product"], texts["name"], amount, created[1] if created else None)


ERP = AdManager
