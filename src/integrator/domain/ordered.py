"""What a complete order asks of other systems, as facts in our words: registrations and confirmations."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

MAX_SEATS = 40  # of one order
REGISTRATION = "maconomy.registration"
CONFIRMATION = "mailgun.confirmation"
CLASS_FACTS = ("id", "main_id", "title", "language", "start", "end", "days", "venue", "price_minor", "currency")

Facts = Mapping[str, Any]
_NUMBER = re.compile(r"(?:ILI-|order-confirmation:|order:)?([0-9]{1,18})(?:[-:].*)?")
_COURSE = re.compile(r"[0-9]+-[0-9]+")


def order_number(record: str) -> int | None:
    """The order that a text may mean, None when it cannot be one."""
    match = _NUMBER.fullmatch(record)
    return int(match[1]) if match and not _COURSE.fullmatch(record) else None


def scope_of(order_id: int) -> str:
    """What all messages of an order have in common in the outbox."""
    return f"order:{order_id}"


def reference_of(order_id: int, number: int) -> str:
    """How a participant is found again in Maconomy. Shape  "ILI-10482-1" """
    return f"ILI-{order_id}-{number}"


def registration(order: Facts, person: Facts) -> dict[str, Any]:
    """One participant as Maconomy is told of them; config/maconomy.toml names these values.

    Shape   order and person are rows of the store; order["class"] is decoded
    """
    return {
        "course": {"id": order["class_id"]},
        "order": {
            "number": str(order["id"]),
            "price_minor": order["class"]["price_minor"],
            "currency": order["class"]["currency"],
            "accepted_terms_at": order["accepted_terms_at"],
            "company": {
                name: order[f"company_{name}"] for name in ("name", "cvr", "address", "zip", "city", "country")
            },
            "invoice": {
                "email": None,
                "ean": order["company_ean"],
                "po_number": order["purchase_order"],
                "attention": order["attention"],
            },
            "contact": {name: order[f"customer_{name}"] for name in ("name", "email", "phone")},
        },
        "participant": {
            name: person[name]
            for name in ("reference", "number", "first_name", "last_name", "email", "phone", "job_title", "comment")
        },
    }


def confirmation(order: Facts, people: Sequence[Facts], *, to: Facts | None) -> dict[str, Any]:
    """One confirmation mail: to one participant (then people is that one), or to the customer (to is None).

    Who was erased since is not named in it.
    """
    customer = {name: order[f"customer_{name}"] for name in ("name", "email", "phone")}
    company = {name: order[f"company_{name}"] for name in ("name", "cvr", "address", "zip", "city", "country", "ean")}
    return {
        "template": "confirmation-participant" if to else "confirmation-customer",
        "language": "en" if order["class"]["language"] == "en" else "da",
        "to": {"name": f"{to['first_name']} {to['last_name']}", "email": to["email"]}
        if to
        else {"name": customer["name"], "email": customer["email"]},
        "class": order["class"],
        "order": {
            "number": order["id"],
            "seats": order["seats"],
            "price_minor": order["class"]["price_minor"],
            "currency": order["class"]["currency"],
            "accepted_terms_at": order["accepted_terms_at"],
            "purchase_order": order["purchase_order"],
            "customer": customer,
            "company": company | {"attention": order["attention"]} if company["name"] else None,
        },
        "participants": [
            {name: person[name] for name in ("number", "first_name", "last_name", "email", "job_title")}
            for person in people
            if person["anonymised_at"] is None
        ],
    }


def confirmation_key(order_id: int, number: int | None) -> str:
    """Shape  "order-confirmation:10482:participant:2", or "order-confirmation:10482:customer" without a number"""
    return f"order-confirmation:{order_id}:" + (f"participant:{number}" if number else "customer")
