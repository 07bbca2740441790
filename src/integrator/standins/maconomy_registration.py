"""What the Maconomy stand-in takes as a registration: known names, texts, amounts and moments in their form."""

import re
from datetime import datetime
from typing import Any

from integrator.standins.catalogue import Record

REQUIRED = {"courseId": "Kursusnummer", "firstName": "Fornavn", "lastName": "Efternavn", "email": "E-mail"}
GROUPS = {
    "company": ("name", "vatNumber", "address", "zipCode", "city", "country"),
    "invoice": ("email", "ean", "purchaseOrder", "attention"),
    "contact": ("name", "email", "phone"),
}
TEXTS = (
    *("courseId", "externalReference", "orderNumber", "firstName", "lastName", "email", "phone", "jobTitle"),
    *("price", "currency", "comment", "acceptedTermsAt"),
)
NAMES = {name.lower(): name for name in (*TEXTS, *GROUPS, *(name for group in GROUPS.values() for name in group))}
PRICES = {"assumed": r"(?:\d{1,3}(?:\.\d{3})*|\d+),\d\d", "native-style": r"\d+\.\d\d"}
# How each error that can be staged for a participant is answered.
REFUSALS = {
    "VALIDATION": (400, "Ugyldig deltager"),
    "NOT_FOUND": (404, "Kurset findes ikke"),
    "COURSE_FULL": (409, "Der er ikke flere ledige pladser på kurset"),
    "COURSE_CANCELLED": (409, "Kurset er aflyst"),
    "LOCKED": (503, "Posten er låst af en anden bruger"),
}

Complaint = tuple[str, str]  # their words, and the name they are about


def assumed_names(wanted: Record) -> Record:
    """A registration in the native style under the assumed names; any other name stays as it is, and is refused."""
    return {
        NAMES.get(name, f"{name}?"): assumed_names(value) if isinstance(value, dict) else value
        for name, value in wanted.items()
    }


def complaint(wanted: Record, dialect: str) -> Complaint | None:
    """The first thing wrong with a registration under the assumed names. null is nothing, as "" is."""
    for name, danish in REQUIRED.items():
        if not isinstance(wanted.get(name), str) or not wanted[name].strip():
            return f"{danish} mangler", name
    for name, value in wanted.items():
        if name in GROUPS:
            found = _wrong_in_group(name, value)
        elif name in TEXTS:
            found = _wrong_text(name, value, dialect)
        else:
            found = ("Ukendt felt", name)
        if found:
            return found
    return None


def _wrong_in_group(group: str, value: Any) -> Complaint | None:
    if not isinstance(value, dict):
        return "Ugyldigt objekt", group
    for name, inner in value.items():
        if name not in GROUPS[group]:
            return "Ukendt felt", f"{group}.{name}"
        if not isinstance(inner, str | None):
            return "Ugyldig tekst", f"{group}.{name}"
    return None


def _wrong_text(name: str, value: Any, dialect: str) -> Complaint | None:
    if not isinstance(value, str | None):
        return "Ugyldig tekst", name
    if name == "email" and not re.fullmatch(r"[^@\s]+@[^@\s]+", value or ""):
        return "Ugyldig e-mail", name
    if name == "price" and value and not re.fullmatch(PRICES[dialect], value):
        return "Ugyldigt beløb", name
    return ("Ugyldigt tidspunkt", name) if name == "acceptedTermsAt" and value and not _is_moment(value) else None


def _is_moment(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False
