"""A workshop's cases, lines and products, and the rules by which lines are written. It knows no page and no request.

The shop writes the same line as often as it is told to: it has no idempotency, as the real ones have none.
A `Shop` is not thread-safe: the stand-in's lock is held around every call.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal

import msgspec

from integrator.standins.workshop.example import CASES, PRODUCTS, USERS
from integrator.standins.workshop.numbers import decimal_of

FIRST_LINE = 880_001
MAX_AMOUNT = Decimal("9999.99")
Status = Literal["åben", "lukket", "faktureret"]

TEXTS = {
    "case-not-found": "Sagen findes ikke",
    "case-closed": "Sagen er lukket",
    "case-invoiced": "Sagen er faktureret",
    "case-locked": "Sagen er låst af en anden bruger",
    "product-unknown": "Varenummeret findes ikke",
    "product-blocked": "Varen er udgået",
    "amount-refused": "Ugyldigt antal",
    "line-not-found": "Linjen findes ikke",
}


class Refused(Exception):
    """The shop does not do it, and nothing has changed. `code` is a key of TEXTS, `text` what a user reads."""

    def __init__(self, code: str) -> None:
        super().__init__(TEXTS[code])
        self.code, self.text = code, TEXTS[code]


class Product(msgspec.Struct, forbid_unknown_fields=True):
    """One row of the register. Shape  status: udgået and spærret cannot be put on a line."""

    number: str
    name: str
    unit: str = "ltr."
    group: str = "Olie"
    price: Decimal = Decimal("0.00")
    stock: Decimal = Decimal("100.00")
    status: Literal["aktiv", "udgået", "spærret"] = "aktiv"


class Line(msgspec.Struct, forbid_unknown_fields=True):
    """One line of a case; in a seed, what the register knows comes from there, and the id is made."""

    product: str
    name: str = ""
    unit: str = "ltr."
    group: str = "Olie"
    amount: Decimal = Decimal("1.00")
    price: Decimal = Decimal("0.00")
    created_by: str = "mette"
    created_at: datetime | None = None
    id: int = 0


class Case(msgspec.Struct, forbid_unknown_fields=True):
    """One case. `number` may stand on two cases; `key` is the server's own, and the number where that is unique."""

    number: str
    status: Status = "åben"
    customer: str = "Ukendt kunde"
    plate: str = ""
    vin: str = ""
    locked_by: str = ""
    lines: list[Line] = []
    key: str = ""
    version: int = 0  # counts every change of the case and its lines


class Settings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What `seed` understands. Shape  users: {e-mail: password}; remove_lines: ids, as if a colleague deleted them.

    `cases` and `products` take the place of all that are there, `add_cases` and `add_products` come to them.
    """

    cases: list[Case] | None = None
    products: list[Product] | None = None
    add_cases: list[Case] = []
    add_products: list[Product] = []
    remove_lines: list[int] = []
    users: dict[str, str] | None = None
    name_limit: int | None = None


class Shop:
    """The workshop. After a reset, `before` makes line numbers go on: none is ever used twice."""

    def __init__(self, clock: Callable[[], datetime] = lambda: datetime.now(UTC), before: "Shop | None" = None) -> None:
        self._clock = clock
        self._next_line: int = before._next_line if before else FIRST_LINE
        self.users: dict[str, str] = dict(USERS)
        self.name_limit = 60
        self.saves: list[dict[str, Any]] = []  # every save ever executed: the truth that tests count against
        self.cases: dict[str, Case] = {}
        self.products: dict[str, Product] = {}
        self.seed({"cases": CASES, "products": PRODUCTS})

    # Staging and looking

    def seed(self, given: dict[str, Any]) -> None:
        """Change the shop; see `Settings`. Errors: ValueError, and nothing is changed."""
        try:
            wanted = msgspec.convert(given, Settings)
        except msgspec.ValidationError as error:
            raise ValueError(f"seed: {error}; known: {sorted(Settings.__struct_fields__)}") from error
        self.products = {} if wanted.products is not None else self.products
        self.products |= {one.number: one for one in [*(wanted.products or []), *wanted.add_products]}
        self.cases = {} if wanted.cases is not None else self.cases
        for case in [*(wanted.cases or []), *wanted.add_cases]:
            self._put(case)
        for case in self.cases.values():
            case.lines = [line for line in case.lines if line.id not in wanted.remove_lines]
        self.users = wanted.users if wanted.users is not None else self.users
        self.name_limit = wanted.name_limit if wanted.name_limit is not None else self.name_limit

    def _put(self, case: Case) -> None:
        same = sum(other.number == case.number for other in self.cases.values())
        case.key = f"{case.number}~{same + 1}" if same else case.number
        case.lines = [self._seeded(line) for line in case.lines]
        self.cases[case.key] = case

    def _seeded(self, line: Line) -> Line:
        known = self.products.get(line.product)
        if known:
            line.name, line.unit, line.group, line.price = line.name or known.name, known.unit, known.group, known.price
        line.created_at = line.created_at or self._clock()
        line.id = line.id or self._line_number()
        return line

    def _line_number(self) -> int:
        self._next_line += 1
        return self._next_line - 1

    def state(self) -> dict[str, Any]:
        """Everything, ready for JSON. Shape  {"cases": [{"number", "status", "lines": [{"id", "product", "name",
        "amount": "5.50", …}], …}], "products": […], "saves": [{"at", "kind": "new" or "change", "case", …}]}
        """
        shown = {"cases": list(self.cases.values()), "products": list(self.products.values()), "saves": self.saves}
        return dict(msgspec.to_builtins(shown))

    def knows(self, email: str, password: str) -> bool:
        """Whether this is a login of the shop; the e-mail in any case."""
        return {known.casefold(): word for known, word in self.users.items()}.get(email.strip().casefold()) == password

    # Reading

    def found(self, text: str) -> list[Case]:
        """The cases whose number contains a text: "56" finds 560 too."""
        return sorted((one for one in self.cases.values() if text.strip() in one.number), key=_order)

    def case(self, key: str) -> Case:
        """Errors: Refused case-not-found."""
        if key not in self.cases:
            raise Refused("case-not-found")
        return self.cases[key]

    def line(self, key: str, line_id: int) -> Line:
        """Errors: Refused case-not-found, line-not-found."""
        for line in self.case(key).lines:
            if line.id == line_id:
                return line
        raise Refused("line-not-found")

    def hits(self, text: str) -> list[Product]:
        """The products whose number begins with a text, in any case of letters, by number."""
        wanted = text.strip().casefold()
        found = (one for one in self.products.values() if wanted and one.number.casefold().startswith(wanted))
        return sorted(found, key=lambda one: one.number)

    # Writing

    def new_line(self, key: str, number: str, user: str, *, name: str | None = None, amount: str = "1,00") -> Line:
        """Put a line on a case. Without a name it has the register's; the amount is what was typed.

        Errors  Refused: the case's state, product-unknown, product-blocked, amount-refused
        """
        case = self.writable(key, user)
        product = self.products.get(number.strip())
        if product is None:
            raise Refused("product-unknown")
        if product.status != "aktiv":
            raise Refused("product-blocked")
        text = self._cut(product.name if name is None else name)
        line = Line(product.number, text, product.unit, product.group, _amount(amount), product.price, user)
        line.created_at, line.id = self._clock(), self._line_number()
        case.lines.append(line)
        self._saved("new", case, line, user)
        return line

    def change_line(
        self, key: str, line_id: int, user: str, *, name: str | None = None, amount: str | None = None
    ) -> Line:
        """Set the name or the amount, or both, of a line. Errors: Refused, and nothing is changed."""
        case = self.writable(key, user)
        line = self.line(key, line_id)
        number = line.amount if amount is None else _amount(amount)
        line.name, line.amount = line.name if name is None else self._cut(name), number
        self._saved("change", case, line, user)
        return line

    def writable(self, key: str, user: str) -> Case:
        """The case, when this user may write on it now. Errors: Refused case-…"""
        case = self.case(key)
        if case.status != "åben":
            raise Refused({"lukket": "case-closed", "faktureret": "case-invoiced"}[case.status])
        if case.locked_by and case.locked_by != user:
            raise Refused("case-locked")
        return case

    def _cut(self, name: str) -> str:
        # From the right: it is the marker that gets lost.
        return name.strip()[: self.name_limit]

    def _saved(self, kind: str, case: Case, line: Line, user: str) -> None:
        case.version += 1
        facts = {"product": line.product, "name": line.name, "amount": str(line.amount), "user": user}
        self.saves.append({"at": self._clock().isoformat(), "kind": kind, "case": case.key, "line": line.id, **facts})


def _amount(typed: str) -> Decimal:
    try:
        number = decimal_of(typed)
    except ValueError:
        raise Refused("amount-refused") from None
    if not 0 < number <= MAX_AMOUNT:
        raise Refused("amount-refused")
    return number


def _order(case: Case) -> tuple[int, str, str]:
    return len(case.number), case.number, case.key


def page_of(rows: Iterable[Any], page: int, size: int = 20) -> list[Any]:
    """One page of a list, counted from 1."""
    return list(rows)[(page - 1) * size : page * size]
