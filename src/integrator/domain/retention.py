"""What of somebody's data is past its time, and when two texts mean the same person."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from integrator.domain.courses import ends_at
from integrator.errors import UsageError

VERSION = "retention 4"  # stands with every erasure; another number when a rule below changes
DAY_S = 86_400
Kind = Literal["email", "phone", "name"]
_PHONE_DIGITS = 8  # the last ones count: +45 12 34 56 78 and 12345678 are one number
_FEWEST_DIGITS = 6
_PHONE = re.compile(r"\+?[0-9][0-9 ()./-]{4,}[0-9]")


@dataclass(frozen=True)
class Periods:
    """How long data are kept ([retention] of config/integrator.toml), in days."""

    participants_days: int
    orders_days: int
    orderlines_days: int


# orders ---------------------------------------------------------------------------------------------


def class_over_at(catalogue_end: str | None, class_facts: dict[str, Any], completed_at: int) -> float:
    """When the class of an order is over (epoch seconds): as the catalogue says now, else as it was said when it
    was ordered. Of a class without any date only the order's own is known."""
    days = [day.get("date") for day in class_facts.get("days") or [] if isinstance(day, dict)]
    for end in (catalogue_end, class_facts.get("end"), max((day for day in days if day), default=None)):
        try:
            if end:
                return ends_at(end).timestamp()
        except (ValueError, TypeError):
            continue
    return float(completed_at)


def due(periods: Periods, *, over_at: float, completed_at: int, anonymised: bool, now: float) -> str | None:
    """What is due of a complete order: "order" (all of it goes), "participants" (they become nobody), or None.

    The order itself stays for bookkeeping, which asks for five years from the end of a year: see kept_until.
    """
    if now >= kept_until(max(completed_at, over_at), periods.orders_days):
        return "order"
    return "participants" if not anonymised and now >= over_at + periods.participants_days * DAY_S else None


def kept_until(base: float, days: int) -> float:
    """When an order goes: so many days after it was completed and its class was over.

    Whole years of the days (365 each) are calendar years: 2190 is never less than five years from the end of the year
    that base lies in, whatever its leap days.
    """
    first = datetime(datetime.fromtimestamp(base, UTC).year + days // 365, 1, 1, tzinfo=UTC)
    return max(base + days * DAY_S, first.timestamp())


def oldest_day(periods: Periods, now: float) -> str:
    """Participant lists of a day before this one are past their time. Shape  "2027-03-01" """
    return (datetime.fromtimestamp(now, UTC) - timedelta(days=periods.participants_days)).date().isoformat()


# people ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Person:
    """Somebody as the operator names them; value is what two ways of writing it have in common."""

    kind: Kind
    text: str
    value: str

    def is_in(self, text: str) -> int:
        """How often a text names this person."""
        if self.kind == "phone":
            return sum(normalised("phone", found) == self.value for found in _PHONE.findall(text))
        values = "|".join(re.escape(one) for one in self.spellings())
        return len(re.findall(rf"(?<![\w.+-])(?:{values})(?![\w-])", _plain(text)))

    def spellings(self) -> set[str]:
        """The value as it may be written: of an address also with its domain in letters (xn--… is how it travels)."""
        return {self.value, _lettered(self.value)} if self.kind == "email" else {self.value}


def person_from(text: str) -> Person:
    """Read how an operator names a person: an e-mail address, a phone number, or first and last name.

    Errors  UsageError; what was typed is not repeated
    """
    typed = " ".join(text.split())
    kind: Kind = "email" if "@" in typed else "phone" if _PHONE.fullmatch(typed) else "name"
    value = normalised(kind, typed)
    if value is None or (kind == "name" and " " not in value) or (kind == "email" and len(value) < _FEWEST_DIGITS):
        raise UsageError("gdpr: expected an e-mail address, a phone number, or a first and a last name")
    return Person(kind, typed, value)


def normalised(kind: Kind, text: str) -> str | None:
    """A way of writing that all ways of writing the same share; None when the text is no such thing."""
    if kind == "email":
        return _travelling(_plain(text)) or None
    if kind == "name":
        return _plain(text) or None
    digits = re.sub(r"[^0-9]", "", text)
    return digits[-_PHONE_DIGITS:] if len(digits) >= _FEWEST_DIGITS else None


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())


def _travelling(address: str) -> str:
    """An address with its domain as mail servers and the order form write it: xn--…."""
    local, at, domain = address.rpartition("@")
    try:
        return f"{local}{at}{domain.encode('idna').decode('ascii')}"
    except UnicodeError:  # no domain that anybody can have
        return address


def _lettered(address: str) -> str:
    local, at, domain = address.rpartition("@")
    try:
        return f"{local}{at}{domain.encode('ascii').decode('idna')}"
    except UnicodeError:
        return address


def mentions(value: Any, person: Person) -> int:
    """How often decoded JSON names a person, also by first and last name in fields of their own."""
    return sum(person.is_in(text) for text in texts_of(value))


def texts_of(value: Any) -> Iterator[str]:
    """Every text in decoded JSON; a first and a last name of one object also as one text."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from texts_of(item)
    elif isinstance(value, dict):
        if "first_name" in value and "last_name" in value:
            yield f"{value['first_name']} {value['last_name']}"
        for item in value.values():
            yield from texts_of(item)


def parts_about(value: Any, person: Person) -> list[dict[str, Any]]:
    """The innermost objects that are this person's own: nobody else's data stand in them."""
    if isinstance(value, list):
        return [part for item in value for part in parts_about(item, person)]
    if not isinstance(value, dict):
        return []
    own = {name: item for name, item in value.items() if not isinstance(item, dict | list)}
    inner = [part for item in value.values() for part in parts_about(item, person)]
    return [own, *inner] if _is_of(own, person) else inner


def _is_of(own: dict[str, Any], person: Person) -> bool:
    if person.kind == "name":
        found = [own.get("name"), f"{own.get('first_name')} {own.get('last_name')}"]
    else:
        found = [own.get(person.kind)]
    return any(isinstance(text, str) and normalised(person.kind, text) == person.value for text in found)
