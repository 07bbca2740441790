"""The lines of a case, judged: whether an order is on it, half of it, twice, or not at all."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal

from integrator.domain.orderlines.order import Order, marker_in

DEFAULT_AMOUNT = Decimal("1.00")  # what an ERP gives a line that is saved by its number alone

_HUNDREDTH = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a case, as the ERP shows it after a fresh load.

    id          the ERP's own, None when its pages show none
    created_by  None when its pages do not say
    """

    id: str | None
    product: str
    name: str
    amount: Decimal
    created_by: str | None = None


@dataclass(frozen=True, slots=True)
class Absent:
    """No line bears the order's marker."""


@dataclass(frozen=True, slots=True)
class Present:
    """One line bears it, with the order's product and amount."""

    line: Line


@dataclass(frozen=True, slots=True)
class Differs:
    """One line bears it, with another product or amount; half_done: with our product and still the default amount."""

    line: Line
    half_done: bool


@dataclass(frozen=True, slots=True)
class Several:
    """More than one line bears it, or might be the order's."""

    count: int


def judge(lines: Iterable[Line], order: Order) -> Absent | Present | Differs | Several:
    """What the lines of a case say about an order, by its marker."""
    marked = [line for line in lines if marker_in(line.name, order.unique_id)]
    if len(marked) > 1:
        return Several(len(marked))
    if not marked:
        return Absent()
    line = marked[0]
    if _is_same(line, order):
        return Present(line)
    return Differs(line, half_done=_is_product(line, order) and _equal(line.amount, DEFAULT_AMOUNT))


def same_product(lines: Iterable[Line], order: Order) -> bool:
    """Whether the order's product is on a line without its marker: somebody else's, or an earlier pumping."""
    return any(_is_product(line, order) and not marker_in(line.name, order.unique_id) for line in lines)


@dataclass(frozen=True, slots=True)
class Baseline:
    """The lines of a case before the touch that saves: their ids if shown, all, and how many are the same as ours."""

    ids: tuple[str, ...]
    same: int  # lines with the order's product and amount, whatever their text
    total: int

    def as_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Baseline":
        kept = json.loads(text)
        return cls(tuple(kept["ids"]), kept["same"], kept["total"])

    @property
    def shows_ids(self) -> bool:
        return len(self.ids) == self.total


def baseline_of(lines: Sequence[Line], order: Order) -> Baseline:
    same = sum(_is_same(line, order) for line in lines)
    return Baseline(tuple(line.id for line in lines if line.id is not None), same, len(lines))


def new_lines(lines: Iterable[Line], baseline: Baseline) -> list[Line]:
    """The lines that were not there at the baseline; one without an id cannot be told to be new."""
    known = frozenset(baseline.ids)
    return [line for line in lines if line.id is not None and line.id not in known]


def half_line(lines: Sequence[Line], baseline: Baseline, order: Order, *, user: str | None) -> Line | Several | None:
    """The line that an ERP with two steps made of the order's number alone, after the baseline.

    It has the order's product, the default amount and nobody's marker; of several the one that the pages call the
    user's. None: there is none. Several: more than one might be it, or it cannot be told from older ones. A single one
    that is called somebody else's is not believed to be: pages may call the user by another name than the login's.
    """
    found = [line for line in lines if _is_half(line, order)]
    fresh = new_lines(found, baseline)
    nameless = [line for line in found if line.id is None]
    ours = [line for line in fresh if not _is_of_another(line, user)]
    if nameless or len(ours) > 1 or (fresh and not ours):
        return Several(len(fresh) + len(nameless))
    return ours[0] if ours else None


def may_be_ours(lines: Iterable[Line], baseline: Baseline, order: Order, *, user: str | None) -> list[Line]:
    """Lines that came after the baseline and may be the order's, though they do not bear its marker: it was cut, or
    somebody edited it. Its product, or whatever the pages call the user's."""
    fresh = [line for line in new_lines(lines, baseline) if not _is_of_another(line, user)]
    return [line for line in fresh if _is_product(line, order) or (user is not None and line.created_by is not None)]


def by_count(baseline: Baseline, lines: Sequence[Line], order: Order) -> Literal["absent", "saved", "unclear"]:
    """Whether an order came onto a case whose lines cannot carry a marker.

    Counts of lines with its product and amount decide; where ids are shown they must agree, because a line that came
    while another one went leaves the count as it was.
    """
    now = baseline_of(lines, order)
    more = now.same - baseline.same
    if baseline.shows_ids and now.shows_ids and _count_new(lines, baseline, order) != more:
        return "unclear"
    if more == 0:
        return "absent"
    return "saved" if more == 1 else "unclear"


def _count_new(lines: Iterable[Line], baseline: Baseline, order: Order) -> int:
    return sum(_is_same(line, order) for line in new_lines(lines, baseline))


def _is_half(line: Line, order: Order) -> bool:
    return _is_product(line, order) and _equal(line.amount, DEFAULT_AMOUNT) and "OilMat:" not in line.name


def _is_of_another(line: Line, user: str | None) -> bool:
    """Pages call whoever logs in as benny@example.org often "benny"."""
    if line.created_by is None or user is None:
        return False
    return _folded(line.created_by) not in (_folded(user), _folded(user.partition("@")[0]))


def _is_same(line: Line, order: Order) -> bool:
    return _is_product(line, order) and _equal(line.amount, order.amount)


def _is_product(line: Line, order: Order) -> bool:
    # A page collapses white space; nothing else may differ.
    return line.product.split() == order.product_nr.split()


def _equal(one: Decimal, other: Decimal) -> bool:
    """As amounts that an ERP keeps: to 2 decimals."""
    return one.quantize(_HUNDREDTH, ROUND_HALF_UP) == other.quantize(_HUNDREDTH, ROUND_HALF_UP)


def _folded(user: str) -> str:
    return user.strip().casefold()
