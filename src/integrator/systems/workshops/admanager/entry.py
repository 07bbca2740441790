"""The row that takes a new line: filled, read back, and nothing saved."""

from dataclasses import dataclass
from decimal import Decimal

from integrator.systems.browser.trouble import Trouble
from integrator.systems.workshops.admanager.screen import Screen
from integrator.systems.workshops.amounts import amount_of, typed
from integrator.systems.workshops.erp import Entry

TRIES = 3
_OPTIONS = """
return arguments[0].map((one) => ({
  number: one.getAttribute('data-number'), blocked: one.getAttribute('aria-disabled') === 'true', text: one.textContent,
}));
"""


@dataclass(frozen=True, slots=True)
class Option:
    """One product that the page offers for what was typed."""

    number: str | None
    blocked: bool
    text: str


class EntryRow:
    """The entry row of the open case. name_limit: how long a line's text may be where the field does not say."""

    def __init__(self, screen: Screen, name_limit: int) -> None:
        self._screen, self._tab, self._name_limit = screen, screen.tab, name_limit

    def fill(self, entry: Entry) -> None:
        """Errors as WorkshopErp.prepare"""
        with self._tab.step("choose product"):
            self._choose(entry.product)
        with self._tab.step("type text"):
            text = self._type_text(entry)
        with self._tab.step("type amount"):
            self._type_amount(entry.amount)
        with self._tab.step("read back"):
            self._read_back(entry, text)

    def _choose(self, product: str) -> None:
        if self._tab.fill("entry.product", product) != product:
            raise _mismatch("entry.product")
        options = self._screen.until("the options of the product number", self._options)
        option = _exactly(product, options)
        if "ikke på lager" in option.text.casefold():
            with self._tab.step("noted: out of stock"):
                pass
        # Never by TAB: that takes whichever option is highlighted.
        self._tab.press("entry.chosen", product=product)
        self._screen.until("the name of the product", lambda: self._is_looked_up(product))

    def _options(self) -> list[Option]:
        elements = self._tab.all("entry.option")
        if not elements:
            self._refuse_here()
            return []
        return [Option(**option) for option in self._screen.script(_OPTIONS, elements)]

    def _is_looked_up(self, product: str) -> bool:
        self._refuse_here()
        name, number = self._tab.find("entry.name"), self._tab.find("entry.product")
        if name is None or number is None:
            return False
        return bool(self._tab.value(name)) and self._tab.value(number) == product

    def _type_text(self, entry: Entry) -> str:
        """Type the line's text into the name, shorter where the field takes less; give back what it holds then."""
        field, known = self._tab.need("entry.name"), self._held("name")
        if entry.text is None:
            return known
        if self._screen.script("return arguments[0].readOnly", field):
            raise Trouble("field-mismatch", "entry.name cannot be edited here, so no line can carry our id")
        most = int(self._screen.script("return arguments[0].maxLength", field))
        room = min(self._name_limit, most) if most >= 0 else self._name_limit
        for _ in range(TRIES):
            text = entry.text(known, room)
            if text is None:
                raise Trouble("marker-too-long", f"the id does not fit into the {room} characters of entry.name")
            held = self._tab.fill("entry.name", text)
            if held == text:
                return text
            if not text.startswith(held):
                break
            room = len(held)
        raise _mismatch("entry.name")

    def _type_amount(self, amount: Decimal) -> None:
        self._tab.fill("entry.amount", typed(amount))
        # The page judges and rewrites the amount when the field is left.
        self._screen.script("arguments[0].blur(); return true", self._tab.need("entry.amount"))
        self._refuse_here()

    def _read_back(self, entry: Entry, text: str) -> None:
        if self._held("product") != entry.product:
            raise _mismatch("entry.product")
        if self._held("name") != text:
            raise _mismatch("entry.name")
        try:
            if amount_of(self._held("amount")) != entry.amount:
                raise _mismatch("entry.amount")
        except ValueError:
            raise _mismatch("entry.amount") from None
        button = self._tab.need("entry.add")
        self._screen.until("entry.add wakes up", button.is_enabled)

    def _refuse_here(self) -> None:
        """Errors  the code of a refusal that the entry row shows beside a field"""
        told = self._tab.all("entry.error")
        if told and (code := self._screen.refusal(told)):
            raise Trouble(code, f"the entry row refuses what was typed (refusal.{code})")

    def _held(self, field: str) -> str:
        return self._tab.value(self._tab.need(f"entry.{field}"))


def _exactly(product: str, options: list[Option]) -> Option:
    """The option that is equal to the number and may be chosen."""
    if all(option.number is None for option in options):
        raise Trouble("layout-changed", "entry.option: the options do not tell their numbers (data-number)")
    equal = [option for option in options if option.number == product]
    if len(equal) != 1:
        raise Trouble("product-unknown", f"{len(equal)} of {len(options)} options are equal to the product number")
    if equal[0].blocked:
        raise Trouble("product-blocked", "the option of the product number cannot be chosen")
    return equal[0]


def _mismatch(field: str) -> Trouble:
    return Trouble("field-mismatch", f"{field} does not hold what was typed into it")
