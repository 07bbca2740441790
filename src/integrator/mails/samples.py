"""Invented facts to try templates with: an order and a list, once with everything and once with next to nothing."""

from typing import Any

from integrator.errors import NotFound

_DAYS = [
    ("2027-03-01", "09:00", "16:00", "Konferencecenter Strandpromenaden, sal 4 (2. sal)", "Hellerup"),
    ("2027-03-02", "09:00", "16:00", "Strandvejen 54", "Hellerup"),
    ("2027-03-02", "19:00", "21:30", "Restaurant Søpavillonen", "København K"),
    ("2027-03-15", None, None, None, None),
]
_PEOPLE = [
    ("Åse", "Østergård", "Nordlys Rådgivning A/S", "Projektleder", "registered"),
    ("Søren", "Kjærgaard-Ærø", "Nordlys Rådgivning A/S", "Afdelingschef, digital udvikling", "registered"),
    ("Mette", "Dahl", "Vestkystens Håndværkerforening", None, "unknown"),
    ("Bjørn", "Ågesen", None, "Konsulent", "waitlist"),
    ("Ida", "Lund", "Fjordby Kommune", "Fuldmægtig", "withdrawn"),
]


def sample(template: str, language: str = "da", *, bare: bool = False) -> dict[str, Any]:
    """Facts for a template of ours. bare: everything that may be unknown is.

    Errors  NotFound: no such template
    """
    facts: dict[str, Any] = {"template": template, "language": language, "to": _to(bare), "class": _class(bare)}
    if template == "participant-list":
        people = [] if bare else [_listed(person) for person in _PEOPLE]
        return facts | {"day": "2027-03-01", "participants": people}
    if template == "confirmation-customer":
        return facts | {"order": _order(bare), "participants": [_ordered(number, bare) for number in (1, 2)]}
    if template == "confirmation-participant":
        return facts | {"order": _order(bare), "participants": [_ordered(1, bare)]}
    raise NotFound(f"mail: there is no template {template}")


def _to(bare: bool) -> dict[str, Any]:
    return {"name": None if bare else "Åse Østergård", "email": "aase.oestergaard@example.org"}


def _class(bare: bool) -> dict[str, Any]:
    course: dict[str, Any] = {"id": "25172-04", "main_id": "25172", "title": "Projektledelse i praksis"}
    if bare:
        unknown = ("language", "start", "end", "venue", "price_minor", "currency")
        return course | {"days": [], **dict.fromkeys(unknown)}
    names = ("date", "start_time", "end_time", "venue", "city")
    return course | {
        "language": "da",
        "start": "2027-03-01T09:00:00+01:00",
        "end": "2027-03-15",
        "days": [dict(zip(names, day, strict=True)) for day in _DAYS],
        "venue": {
            "name": "Kursuscenter Nord",
            "address": "Strandvejen 54",
            "zip": "2900",
            "city": "Hellerup",
            "country": "Danmark",
        },
        "price_minor": 1499500,
        "currency": "DKK",
    }


def _order(bare: bool) -> dict[str, Any]:
    order: dict[str, Any] = {"number": 10001, "seats": 2}
    if bare:
        unknown = ("price_minor", "currency", "accepted_terms_at", "purchase_order", "company")
        return order | dict.fromkeys(unknown) | {"customer": {"name": None, "email": None, "phone": None}}
    return order | {
        "price_minor": 1499500,
        "currency": "DKK",
        "accepted_terms_at": "2026-11-21T10:00:00+01:00",
        "purchase_order": "PO-2027-118",
        "customer": {"name": "Åse Østergård", "email": "aase.oestergaard@example.org", "phone": "+45 00 00 00 01"},
        "company": {
            "name": "Nordlys Rådgivning A/S",
            "cvr": "10000001",
            "address": "Havnegade 7, 3. sal",
            "zip": "8000",
            "city": "Aarhus C",
            "country": "Danmark",
            "ean": "5790000000001",
            "attention": "Bogholderiet",
        },
    }


def _ordered(number: int, bare: bool) -> dict[str, Any]:
    first, last, _, job_title, _ = _PEOPLE[number - 1]
    return {
        "number": number,
        "first_name": first,
        "last_name": last,
        "email": f"deltager{number}@example.org",
        "job_title": None if bare else job_title,
    }


def _listed(person: tuple[str, str, str | None, str | None, str]) -> dict[str, Any]:
    first, last, company, job_title, status = person
    email = f"{last.split('-')[0].casefold().translate(str.maketrans('æøå', 'aoa'))}@example.org"
    return {
        "first_name": first,
        "last_name": last,
        "company": company,
        "job_title": job_title,
        "email": email,
        "status": status,
    }
