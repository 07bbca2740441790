"""A form out of what somebody sent: every value by its rule, and all problems at once."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from integrator.domain.ordered import MAX_SEATS
from integrator.domain.orders import fields
from integrator.domain.orders.fields import Rule
from integrator.domain.orders.form import Company, Form
from integrator.domain.orders.text import Wrong
from integrator.domain.orders.words import is_danish, sentence
from integrator.errors import BadForm, FieldProblem

MAX_PROBLEMS = 40  # told in words
WHOLE = "form"  # what a problem of no single field concerns

_NAME = re.compile("[A-Za-z_][A-Za-z0-9_]{0,39}")


@dataclass(frozen=True)
class _Field:
    """A field of the form. required: what is said when it is empty (a key of words.py), or None: it may be."""

    rule: Rule
    required: str | None = None


_Fields = Mapping[str, _Field]

_CUSTOMER: _Fields = {
    "name": _Field(fields.name, "missing"),
    "email": _Field(fields.email, "missing"),
    "phone": _Field(fields.phone),
}
_COUNTRY: _Fields = {"country": _Field(fields.country)}  # read first: it decides about cvr and zip
_DANISH: _Fields = {"cvr": _Field(fields.danish_cvr), "zip": _Field(fields.danish_zip)}
_FOREIGN: _Fields = {"cvr": _Field(fields.foreign_number), "zip": _Field(fields.line(20))}
_COMPANY: _Fields = {
    "name": _Field(fields.line(100), "missing.company"),
    "address": _Field(fields.line(200)),
    "city": _Field(fields.line(100)),
    "ean": _Field(fields.ean),
    "purchase_order": _Field(fields.line(50)),
    "attention": _Field(fields.line(100)),
}
_ATTENDEE: _Fields = {
    "first_name": _Field(fields.name, "missing"),
    "last_name": _Field(fields.name, "missing"),
    "email": _Field(fields.email, "missing"),
    "phone": _Field(fields.phone),
    "job_title": _Field(fields.line(100)),
    "comment": _Field(fields.lines(1000)),
}
# bool before int: it is one, to Python
_KINDS: tuple[tuple[type, str], ...] = (
    (type(None), "null"),
    (bool, "bool"),
    (int, "number"),
    (float, "number"),
    (str, "text"),
    (list, "list"),
    (dict, "object"),
)
_FORM = ("customer", "company", "participants", "accepted_terms_at")


def form_from(data: Any, *, seats: int, language: str | None, now: datetime | None) -> Form:
    """The form that stands in what somebody sent, for an order of so many seats.

    Shape   data as JSON gives it, of any shape; language "da", "en" or None (Danish) is that of the messages
    Units   now is aware; the terms may have been accepted 24 h before it and, by a fast clock, 10 minutes after it.
            None: a form that was taken once is looked at again
    Errors  BadForm with every problem; of more than 40 the rest is only counted
    """
    reader = _Reader(danish=is_danish(language))
    kept = reader.form(data, seats, now)
    reader.raise_if_any()
    return msgspec.convert(kept, Form)


class _Reader:
    """Reads a form once, and notes what is wrong with it: the first problems in words, of the others only how many."""

    def __init__(self, *, danish: bool) -> None:
        self._danish = danish
        self._told: list[FieldProblem] = []
        self._count = 0

    def raise_if_any(self) -> None:
        """Errors  BadForm"""
        more = self._count - len(self._told)
        if more:
            self._tell(WHOLE, "more_problems" if more > 1 else "more_problems.one", count=more)
        if self._told:
            raise BadForm(self._told, count=self._count)

    def form(self, raw: Any, seats: int, now: datetime | None) -> dict[str, Any]:
        """The values of a form, to be used when there is no problem."""
        record = self._object(raw, "", _FORM)
        if record is None:
            return {}
        terms = {"accepted_terms_at": _Field(fields.accepted_at(now), "missing.terms")}
        return {
            "customer": self._part(record, "customer", _CUSTOMER),
            "company": self._company(record.get("company")),
            "participants": self._participants(record.get("participants"), seats),
            **self._values(record, "", terms),
        }

    def _part(self, record: dict[str, Any], name: str, known: _Fields) -> dict[str, Any]:
        raw = record.get(name)
        part = self._object({} if raw is None else raw, name, known)
        return {} if part is None else self._values(part, name, known)

    def _company(self, raw: Any) -> dict[str, Any] | None:
        if raw is None:
            return None
        record = self._object(raw, "company", Company.__struct_fields__)
        if record is None or not any(_says_something(value) for name, value in record.items() if name != "country"):
            return None  # a private customer leaves these fields of the page empty
        before = self._count
        country = self._values(record, "company", _COUNTRY)["country"] or "DK"
        # A country that cannot be read is told once, not again by the rules of another one.
        local = _DANISH if country == "DK" and self._count == before else _FOREIGN
        return {**self._values(record, "company", {**_COMPANY, **local}), "country": country}

    def _participants(self, raw: Any, seats: int) -> list[dict[str, Any]]:
        if raw is None:
            self._add("participants", "missing.participants")
            return []
        if not isinstance(raw, list):
            self._add("participants", "not_list", kind=_kind(raw))
            return []
        if len(raw) != seats:
            self._add("participants", "wrong_number", seats=seats, people=len(raw))
        people = [self._participant(one, f"participants[{index}]") for index, one in enumerate(raw[:MAX_SEATS])]
        self._refuse_twice(people)
        return people

    def _participant(self, raw: Any, where: str) -> dict[str, Any]:
        record = self._object(raw, where, _ATTENDEE)
        return {} if record is None else self._values(record, where, _ATTENDEE)

    def _refuse_twice(self, people: list[dict[str, Any]]) -> None:
        """The same name and address twice is one person; the same address for several people is a secretary's."""
        seen: dict[tuple[str, str], int] = {}
        for index, person in enumerate(people):
            first, last, email = (person.get(name) for name in ("first_name", "last_name", "email"))
            if first and last and email:
                number = seen.setdefault((f"{first} {last}".casefold(), email.casefold()), index + 1)
                if number != index + 1:
                    self._add(f"participants[{index}]", "duplicate", number=number)

    def _object(self, raw: Any, where: str, known: Collection[str]) -> dict[str, Any] | None:
        """An object, with a problem for every key nobody knows."""
        if not isinstance(raw, dict):
            self._add(where, "not_object", kind=_kind(raw))
            return None
        for key in raw:
            if key not in known:
                # A key that is no name may be anything: it is not repeated.
                named = isinstance(key, str) and _NAME.fullmatch(key)
                self._add(_path(where, key) if named else where, "unknown_field", known=", ".join(known))
        return raw

    def _values(self, record: dict[str, Any], where: str, known: _Fields) -> dict[str, str | None]:
        return {name: self._value(record.get(name), _path(where, name), field) for name, field in known.items()}

    def _value(self, raw: Any, where: str, field: _Field) -> str | None:
        """A value by its rule; None when there is none, or a problem."""
        if raw is not None and not isinstance(raw, str):
            self._add(where, "not_text", kind=_kind(raw))
            return None
        try:
            value = field.rule(raw or "")
        except Wrong as wrong:
            self._add(where, wrong.key, **wrong.facts)
            return None
        if not value and field.required:
            self._add(where, field.required)
        return value or None

    def _add(self, where: str, key: str, **facts: str | int) -> None:
        self._count += 1
        if self._count <= MAX_PROBLEMS:
            self._tell(where, key, **facts)

    def _tell(self, where: str, key: str, **facts: str | int) -> None:
        words = sentence(key, danish=self._danish, **facts)
        self._told.append(FieldProblem(where or WHOLE, key.partition(".")[0], words))


def _path(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


def _says_something(value: Any) -> bool:
    return value is not None and not (isinstance(value, str) and not value.strip())


def _kind(raw: Any) -> str:
    """What a value is, as words.py calls it."""
    return next((name for kind, name in _KINDS if isinstance(raw, kind)), "other")
