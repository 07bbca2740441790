"""Step one in au2office: a product's number and TAB put a line on the case at once. It is sent one time."""

from collections.abc import Iterator
from contextlib import contextmanager

from integrator.systems.browser.trouble import Trouble
from integrator.systems.workshops.au2office.case import CasePages

# What the server says in red, and what follows: nothing was written.
REFUSALS = {
    "Varenummeret findes ikke": "product-unknown",
    "Varen er udgået": "product-blocked",
    "Varen er spærret": "product-blocked",
    "Ugyldigt antal": "amount-refused",
    "Sagen er lukket": "case-closed",
    "Sagen er faktureret": "case-invoiced",
    "Sagen er låst": "case-locked",
    "Sagen findes ikke": "case-not-found",
    "Linjen findes ikke": "line-conflict",
}
_AGAIN = "Findes allerede, tilføj igen?"
_ANSWERS = ("told.saved", "told.refused", "found.dialog", "told.warned", "lines.table")


class Saving:
    """The entry row of the open case."""

    def __init__(self, case: CasePages) -> None:
        self.case, self.pages, self.tab = case, case.pages, case.tab
        self._typed = ""

    def prepare(self, product: str) -> None:
        """Type the number, and do not leave the field: that would save."""
        self._typed = ""
        self.case.load()
        self.case.is_writable()
        if self.tab.fill("entry.product", product) != product:
            raise Trouble("field-mismatch", "entry.product reads back other than it was typed")
        self._typed = product

    def save(self) -> None:
        """TAB, once; and once "Vælg" where a search comes that has exactly our number. Read what the page says."""
        product, self._typed = self._typed, ""
        with _nothing_written():
            if not product:
                raise Trouble("field-mismatch", "nothing is typed that could be saved")
            if (field := self.tab.find("entry.product")) is None:
                self.pages.arrive("entry.product")  # it says what is shown instead
                field = self.tab.need("entry.product")
            if self.tab.value(field) != product:
                raise Trouble("field-mismatch", "entry.product does not hold what was typed")
            self.pages.script("arguments[0].focus()", field)
        with _asked_again():
            answer = self.pages.go(self._tab_key, *_ANSWERS)
            if answer == "found.dialog":
                answer = self._choose(product)
        self.heed(answer)

    def _tab_key(self) -> None:
        from selenium.webdriver.common.keys import Keys

        self.tab.keys(Keys.TAB)

    def leave_field(self) -> None:
        """TAB out of a field of the open row, which saves that field. Errors: as heed()"""
        self.heed(self.pages.go(self._tab_key, *_ANSWERS))

    def _choose(self, product: str) -> str:
        with _nothing_written():
            dialog = self.tab.need("found.dialog")
            rows = self.tab.all("found.row", within=dialog)
            numbers = self.case.tables.cells(rows, dialog, "found.product")
            same = [row for row, (_, number) in zip(rows, numbers, strict=True) if number == product]
            if len(same) != 1:
                self.tab.press("found.close", within=dialog)
                raise Trouble("product-unknown", f"the search for the product has {len(same)} rows with its number")
            button = self.tab.need("found.choose", within=same[0])
        return self.pages.go(lambda: self.tab.touch(button), *_ANSWERS)

    def heed(self, answer: str) -> None:
        """Errors: Trouble, definite for a refusal that we know. Nothing else proves anything: the lines are read."""
        if answer == "told.refused":
            raise _refused(self.tab.text(self.tab.need("told.refused")))
        if answer == "found.dialog":
            raise Trouble("unexpected-dialog", "the search for a product came once more")
        if answer == "told.warned":
            with self.tab.step("a warning in yellow, noted"):
                pass


def _refused(told: str) -> Trouble:
    for text, code in REFUSALS.items():
        if text in told:
            return Trouble(code, f"the page says in red: {text}", definite=True)
    return Trouble("unexpected-dialog", f"the page says in red what we do not know: {told[:80]!r}")


@contextmanager
def _nothing_written() -> Iterator[None]:
    """Whatever goes wrong in here happened before anything was touched that saves."""
    try:
        yield
    except Trouble as trouble:
        trouble.definite = True
        raise


@contextmanager
def _asked_again() -> Iterator[None]:
    """The browser answers every dialog of a page with no. To this one, no means that nothing was written."""
    try:
        yield
    except Trouble as trouble:
        if trouble.code == "unexpected-dialog" and _AGAIN in trouble.message:
            raise Trouble("duplicate-asked", "the page asks whether to add the same again", definite=True) from trouble
        raise
