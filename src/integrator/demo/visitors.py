"""Who books in the demonstration: invented people, and the forms they fill in."""

from datetime import UTC, datetime
from typing import Any

PHONE = "+45 00 00 00 00"
KIRSTEN = {"first_name": "Kirsten", "last_name": "Ærenlund", "email": "kirsten.aerenlund@example.org"}
MAJA = {"first_name": "Maja", "last_name": "Bækgård", "email": "maja.baekgaard@example.org"}
SOREN = {"first_name": "Søren", "last_name": "Østby", "email": "soeren.oestby@example.org"}
IDA = {"first_name": "Ida", "last_name": "Ågesen", "email": "ida.aagesen@example.org"}


def from_company() -> dict[str, Any]:
    """A bookkeeper orders for two colleagues."""
    return {
        "customer": _customer(KIRSTEN, PHONE),
        "company": {
            "name": "Blåbjerg Møbler A/S",
            "cvr": "00000000",
            "address": "Åvej 7",
            "zip": "6830",
            "city": "Nørre Nebel",
            "country": "DK",
            "ean": None,
            "purchase_order": "PO-77",
            "attention": "Bogholderiet",
        },
        "participants": [
            MAJA | {"phone": PHONE, "job_title": "Værkfører", "comment": "Vegetar"},
            SOREN | {"phone": None, "job_title": "Indkøber", "comment": None},
        ],
        "accepted_terms_at": _now(),
    }


def from_herself() -> dict[str, Any]:
    """Somebody orders for herself."""
    return {
        "customer": _customer(IDA, None),
        "company": None,
        "participants": [IDA | {"phone": None, "job_title": None, "comment": None}],
        "accepted_terms_at": _now(),
    }


def _customer(person: dict[str, str], phone: str | None) -> dict[str, Any]:
    return {"name": f"{person['first_name']} {person['last_name']}", "email": person["email"], "phone": phone}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
