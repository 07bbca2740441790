"""au2office in a browser: logins on another host, cases in a frame, a line in two steps (first there, then set).

What is known of it: `number` and TAB save a line at once, with the amount 1,00 and the register's name; name and amount
are set afterwards, each by a request of its own. Lines are sorted by their names: only their numbers stay. Where its
pages have what, is in config/workshops/au2office.toml.
"""

import time
from collections.abc import Callable

from integrator.secret import Secret
from integrator.systems.browser.tab import Tab
from integrator.systems.workshops.au2office.case import CasePages
from integrator.systems.workshops.au2office.login import Login
from integrator.systems.workshops.au2office.pages import Pages
from integrator.systems.workshops.au2office.saving import Saving
from integrator.systems.workshops.au2office.setting import Setting
from integrator.systems.workshops.erp import Entry, Line

__all__ = ["Au2Office"]


class Au2Office:
    """A `WorkshopErp`. Every method raises Trouble for what it sees instead. `clock` is for one-time codes."""

    BUSY = ()
    marker = " -- OilMat: "
    two_steps = True
    decimals = 2

    def __init__(self, tab: Tab, base_url: str, *, name_limit: int, clock: Callable[[], float] = time.time) -> None:
        self.tab, self.name_limit = tab, name_limit
        self._pages = Pages(tab)
        self._login = Login(self._pages, base_url, clock)
        self._case = CasePages(self._pages)
        self._saving = Saving(self._case)

    def log_in(self, username: str, password: Secret, totp: Secret | None) -> None:
        """Come to the list of cases, with one login attempt. Errors: Trouble login-refused, login-attention"""
        self._login.log_in(username, password, totp)

    def open_case(self, number: str) -> None:
        """Find a case by its exact number, and show its lines.

        A case that is closed, invoiced or locked is told so only when its lines are shown: lines() works then too.

        Errors  Trouble: case-not-found, case-ambiguous, case-closed, case-invoiced, case-locked
        """
        with self.tab.step("open the case"):
            self._case.open(number)

    def lines(self) -> list[Line]:
        """All lines, over all pages, loaded anew; also from an error page. Errors: Trouble"""
        with self.tab.step("read the lines"):
            self.tab.alert()
            with self._pages.frame():
                return self._case.lines()

    def prepare(self, entry: Entry) -> None:
        """Type the product's number and stay in its field: name and amount are set in step two.

        Errors  Trouble: field-mismatch, case-closed, case-invoiced, case-locked
        """
        with self.tab.step("type the product"), self._pages.frame():
            self._saving.prepare(entry.product)

    def save(self) -> None:
        """Step one: the line is there, with the default amount and the register's name. Sent once."""
        with self.tab.step("save"), self._pages.frame():
            self._saving.save()

    def finish(self, line_id: str, entry: Entry) -> None:
        """Step two: set the name, then the amount, where they are not right yet; read both back.

        Definite means here that the field which was refused is as it was: the line is there all the same.
        """
        with self.tab.step("set name and amount"), self._pages.frame():
            setting = Setting(self._saving, line_id, name_limit=self.name_limit, marker=self.marker)
            setting.finish(entry)

    def close_case(self) -> None:
        """Leave the case for the list of cases."""
        with self.tab.step("close the case"):
            self._case.to_list()


ERP = Au2Office
