"""The fields of an orderline as they are sent: their spellings, and what each must look like."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from integrator.domain.jsontext import told_key

MAX_AMOUNT = 9999
MAX_TOLD = 20  # names of an object with very many

# The documents and the code of the original disagree about the names.
ALIASES = {
    "workshop": ("dealer",),
    "case_id": ("case_nr", "worksheet", "worksheet_id"),
    "product_nr": (),
    "product_amount": (),
    "unique_id": ("uniqueid",),
}
CREDENTIALS = re.compile("username|passw|pwd|brugernavn|kodeord|adgangskode", re.IGNORECASE)

_KNOWN = frozenset(ALIASES) | {spelling for spellings in ALIASES.values() for spelling in spellings}
_NAME = re.compile("[A-Za-z_][A-Za-z0-9_.-]{0,39}")
_DIGITS = re.compile("[0-9]+")
_CASE = re.compile("[0-9A-Za-z-]{1,20}")
_ID = re.compile("[0-9A-Za-z._-]{1,40}")
_AMOUNT = re.compile(r"[0-9]{1,12}(?:[.,][0-9]{1,3})?")
_TWO_MARKS = re.compile(r"[0-9]+[.,][0-9]+(?:[.,][0-9]+)+")


class Number(str):
    """A number as it is written in JSON: "0.50" and "5e3" stay what they are."""

    __slots__ = ()


class Sent(dict[str, Any]):
    """An object as it was sent; doubled are the keys that stand twice in it."""

    doubled: frozenset[str] = frozenset()

    @classmethod
    def of_pairs(cls, pairs: list[tuple[str, Any]]) -> "Sent":
        sent = cls(pairs)
        if len(sent) < len(pairs):
            counts = Counter(name for name, _ in pairs)
            sent.doubled = frozenset(name for name, count in counts.items() if count > 1)
        return sent

    @property
    def credentials(self) -> bool:
        return any(CREDENTIALS.search(name) for name in self)

    @property
    def ignored(self) -> tuple[str, ...]:
        """The names of the fields that nobody asked for; "?" stands for those that are no names."""
        unknown = (name for name in self if name not in _KNOWN and not CREDENTIALS.search(name))
        names = dict.fromkeys(name if _NAME.fullmatch(name) else "?" for name in unknown)
        return tuple(names)[:MAX_TOLD]

    def given(self, field: str) -> list[str]:
        """The spellings of a field that stand in it; one that is null was not given."""
        return [name for name in (field, *ALIASES[field]) if self.get(name) is not None or name in self.doubled]


class Wrong(Exception):
    """A value that cannot be taken, and the rule that says so, without the value."""


Rule = Callable[[Any], str]


@dataclass(frozen=True, slots=True)
class Reading:
    """The fields that could be read, by their canonical names, and what is wrong with the others."""

    values: Mapping[str, str]
    problems: tuple[str, ...]


def reading_of(sent: Sent, rules: Mapping[str, Rule]) -> Reading:
    """Read every field for which there is a rule, in the rules' order."""
    values: dict[str, str] = {}
    problems: list[str] = []
    for field, rule in rules.items():
        try:
            values[field] = _value(sent, field, rule)
        except Wrong as error:
            problems.append(str(error))
    return Reading(values, (*problems, *_doubled_others(sent)))


def _value(sent: Sent, field: str, rule: Rule) -> str:
    spellings = sent.given(field)
    if not spellings:
        raise Wrong(f"{field}: missing")
    found = {_read(sent, name, rule) for name in spellings}
    if len(found) > 1:
        raise Wrong(f"{field}: given with different values, as {' and '.join(spellings)}")
    return found.pop()


def _read(sent: Sent, name: str, rule: Rule) -> str:
    if name in sent.doubled:
        raise Wrong(f"{name}: stands twice in the object")
    try:
        return rule(sent[name])
    except Wrong as error:
        raise Wrong(f"{name}: {error}") from None


def _doubled_others(sent: Sent) -> Iterator[str]:
    for name in sorted(sent.doubled - _KNOWN)[:MAX_TOLD]:
        yield f"{told_key(name)} stands twice in the object"


def case_id(value: Any) -> str:
    return _matching(value, _CASE, "must be 1 to 20 letters a-z, digits or hyphens")


def unique_id(value: Any) -> str:
    return _matching(value, _ID, "must be 1 to 40 letters a-z, digits, dots, underscores or hyphens")


def product_nr(value: Any) -> str:
    text = _text(value)
    if not 1 <= len(text) <= 40:
        raise Wrong("must be 1 to 40 characters")
    if not text.isprintable():
        raise Wrong("must not hold control or invisible characters")
    if text != text.strip():
        raise Wrong("must not begin or end with a blank")
    return text


def product_amount(value: Any) -> str:
    """Canonical decimal text.

    Shape   "5", "5.50", "5,5", 5 and 5.5 become "5", "5.5", "5.5", "5", "5.5"
    Units   litres, unless the product register says otherwise
    """
    if not isinstance(value, str):
        raise Wrong("must be a number, or a text that holds one")
    if _TWO_MARKS.fullmatch(value):
        raise Wrong("is ambiguous: write it without a thousands mark")
    if not _AMOUNT.fullmatch(value):
        raise Wrong("must be a decimal number with at most 3 decimals, without sign, exponent or unit")
    amount = Decimal(value.replace(",", "."))
    if amount <= 0:
        raise Wrong("must be more than 0")
    if amount > MAX_AMOUNT:
        raise Wrong(f"must be at most {MAX_AMOUNT}")
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def workshop_name(value: Any) -> str:
    """The name of a workshop as it was sent, not yet looked up."""
    if not isinstance(value, str) or isinstance(value, Number):
        raise Wrong("must be text")
    return value


def _matching(value: Any, pattern: re.Pattern[str], rule: str) -> str:
    text = _text(value)
    if not pattern.fullmatch(text):
        raise Wrong(rule)
    return text


def _text(value: Any) -> str:
    if not isinstance(value, str) or (isinstance(value, Number) and not _DIGITS.fullmatch(value)):
        raise Wrong("must be text or a whole number")
    return str(value)
