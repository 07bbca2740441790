"""What E1 and E2 are given: every form field of a course class, read strictly so that a mistake is seen."""

import re
from collections.abc import Callable
from datetime import date, time
from decimal import Decimal
from typing import Any

from integrator.standins.mailgun.forms import Form
from integrator.standins.trainingportal.settings import Settings

CURRENCIES = ("NOK", "EUR", "USD", "GBP")
DEADLINE, MISSPELT = "enrollmentDeadline", "erollmentDeadline"
SEND = "sendScheduleInfoToParticipants"
LINE2 = "address.addressLine2"
TIMES = ("startTime", "endTime")
PLACE = ("address.addressLine1", LINE2, "address.city", "address.zipCode", "address.country")
DATES = (DEADLINE, "cancellationDeadline", "startDate", "endDate")
REQUIRED = ("location", "availableSeats", *DATES, *PLACE, "price.currency", "price.amount")
KNOWN = {*REQUIRED, *TIMES, SEND, "externalId", "username", "password"}

Facts = dict[str, Any]


class Refused(Exception):
    """A call that failed. kind: which switch says how it is said ("errors", "unknown", "forbidden")."""

    def __init__(self, message: str, kind: str = "errors") -> None:
        super().__init__(message)
        self.message, self.kind = message, kind


def single(form: Form) -> dict[str, str]:
    """The fields by name. Errors: Refused for one that comes twice."""
    fields = dict(form.fields)
    if len(fields) < len(form.fields):
        raise Refused("a parameter is given twice")
    return fields


def facts_to_add(fields: dict[str, str], settings: Settings) -> Facts:
    """A whole class. Errors: Refused, naming the first field that is wrong."""
    _check_names(fields, KNOWN)
    for name in REQUIRED:
        if name not in fields:
            raise Refused(f"{name} is required")
    return {**dict.fromkeys(TIMES), SEND: True, **_read(fields, settings)}


def facts_to_change(fields: dict[str, str], settings: Settings) -> Facts:
    """Only what is given. The deadline is taken in the spelling of the article; another one changes nothing."""
    _check_names(fields, {*KNOWN, MISSPELT})
    rest = {name: value for name, value in fields.items() if name not in {DEADLINE, MISSPELT}}
    spellings = (MISSPELT, DEADLINE) if settings.deadline_spelling == "both" else (settings.deadline_spelling,)
    given = next((fields[name] for name in spellings if name in fields), None)
    return {SEND: True, **_read(rest if given is None else {**rest, DEADLINE: given}, settings)}


def check_together(facts: Facts) -> None:
    """Errors: Refused for a class that ends before it starts."""
    if facts["endDate"] < facts["startDate"]:
        raise Refused("endDate is before startDate")


def _check_names(fields: dict[str, str], known: set[str]) -> None:
    if unknown := sorted(set(fields) - known):
        raise Refused(f"unknown parameter {unknown[0]}")


def _read(fields: dict[str, str], settings: Settings) -> Facts:
    wanted = (*REQUIRED, *TIMES, SEND)
    facts = {name: CHECKS.get(name, _text)(name, fields[name]) for name in wanted if name in fields and name != LINE2}
    if LINE2 in fields:
        facts[LINE2] = fields[LINE2] if settings.line2_may_be_empty else _text(LINE2, fields[LINE2])
    return facts


def _text(name: str, value: str) -> str:
    if not value.strip():
        raise Refused(f"{name} is required")
    return value


def day(name: str, value: str) -> str:
    """Errors: Refused for anything but yyyy-MM-dd."""
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", value, re.ASCII) and date.fromisoformat(value):
            return value
    except ValueError:
        pass
    raise Refused(f"{name}: expected yyyy-MM-dd")


def _time(name: str, value: str) -> str | None:
    if not value:
        return None
    try:
        if re.fullmatch(r"\d\d:\d\d", value, re.ASCII) and time.fromisoformat(value) is not None:
            return value
    except ValueError:
        pass
    raise Refused(f"{name}: expected HH:mm")


def _seats(name: str, value: str) -> int:
    if not re.fullmatch(r"\d{1,9}", value, re.ASCII):
        raise Refused(f"{name}: expected a number from 0")
    return int(value)


def _currency(name: str, value: str) -> str:
    if value not in CURRENCIES:
        raise Refused(f"{name}: {value} is not an allowed currency")
    return value


def _amount(name: str, value: str) -> Decimal:
    if not re.fullmatch(r"\d{1,12}(\.\d{1,2})?", value, re.ASCII):
        raise Refused(f"{name}: expected an amount as 14900.00")
    return Decimal(value)


def _boolean(name: str, value: str) -> bool:
    if value not in {"true", "false"}:
        raise Refused(f"{name}: expected true or false")
    return value == "true"


CHECKS: dict[str, Callable[[str, str], Any]] = {
    **dict.fromkeys(DATES, day),
    **dict.fromkeys(TIMES, _time),
    "availableSeats": _seats,
    "price.currency": _currency,
    "price.amount": _amount,
    SEND: _boolean,
}
