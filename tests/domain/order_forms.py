"""An order form as the website sends it, and what is said about it."""

from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

import pytest

from integrator.domain.orders import Form, form_from
from integrator.errors import BadForm, FieldProblem

NOW = datetime(2026, 11, 21, 9, 5, tzinfo=UTC)

SENT: dict[str, Any] = {
    "customer": {"name": "Gitte Kjærgård", "email": "gitte.kjaergaard@example.org", "phone": "+45 00 00 00 00"},
    "company": {
        "name": "Ærø Værft A/S",
        "cvr": "00000000",
        "address": "Havnen 1",
        "zip": "5970",
        "city": "Ærøskøbing",
        "country": "DK",
        "ean": "5798000000001",
        "purchase_order": "PO-77",
        "attention": "Bogholderiet",
    },
    "participants": [
        {
            "first_name": "Søren",
            "last_name": "Nørgård",
            "email": "soeren.noergaard@example.org",
            "phone": "00000000",
            "job_title": "Projektleder",
            "comment": "Vegetar",
        },
        {"first_name": "Åse", "last_name": "Østergård", "email": "aase.oestergaard@example.org"},
    ],
    "accepted_terms_at": "2026-11-21T10:00:00+01:00",
}


def sent(**changes: Any) -> dict[str, Any]:
    """The form with other values: sent(customer__email="x"), sent(participants__1__email="x")."""
    form = deepcopy(SENT)
    for path, value in changes.items():
        *steps, last = path.split("__")
        at: Any = form
        for step in steps:
            at = at[int(step)] if step.isdigit() else at[step]
        at[int(last) if last.isdigit() else last] = value
    return form


def read(data: Any, *, seats: int = 2, language: str | None = "en", now: datetime = NOW) -> Form:
    return form_from(data, seats=seats, language=language, now=now)


def refusal(data: Any, *, seats: int = 2, language: str | None = "en") -> BadForm:
    with pytest.raises(BadForm) as caught:
        read(data, seats=seats, language=language)
    return caught.value


def problems(data: Any, *, seats: int = 2) -> list[tuple[str, str]]:
    """Where and what, of every problem."""
    return [(problem.field, problem.code) for problem in refusal(data, seats=seats).problems]


def only_problem(data: Any, *, seats: int = 2, language: str | None = "en") -> FieldProblem:
    (problem,) = refusal(data, seats=seats, language=language).problems
    return problem
