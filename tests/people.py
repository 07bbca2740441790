"""Invented people in orders of any age, written straight into a store.

add_order(db, people=2, class_end="2027-03-02", completed_at=AT)      -> the order's number
"""

import json
from pathlib import Path
from typing import Any

from integrator.database import Database

FIRST = ("Åse", "Bjørn", "Cecilie", "Dagmar", "Egon", "Frederikke", "Gorm", "Hjørdis")
LAST = ("Ærøskov", "Brøndum", "Cronstrand", "Dybfest", "Egelykke", "Fjordbæk", "Gyldenhår", "Højmark")
DAY = 86_400


def person(number: int) -> dict[str, Any]:
    """Number n, always the same; no two share a name, an address or a phone number."""
    return {
        "first_name": f"{FIRST[number % len(FIRST)]}{number}",
        "last_name": f"{LAST[number // len(FIRST) % len(LAST)]}{number}son",
        "email": f"p{number}.{'xyzq'[number % 4]}@people.example.org",
        "phone": f"+45 7{number:07d}",
        "job_title": f"keeper of ledger {number}",
        "comment": f"allergic to walnut {number} and pollen",
    }


def full_name(one: dict[str, Any]) -> str:
    return f"{one['first_name']} {one['last_name']}"


def add_order(
    db: Database,
    people: list[dict[str, Any]],
    *,
    completed_at: int,
    class_end: str | None,
    class_id: str = "25172-04",
    customer: dict[str, Any] | None = None,
    company: str | None = "Nordvang Revision ApS",
    effects: str = "completed",
    attention: str | None = None,
    hold: str | None = None,
) -> int:
    """A complete order with its participants, mails and messages; effects is the state of its registrations."""
    buyer = customer or people[0]
    db.write(
        "INSERT INTO orders (request_key, class_id, class, seats_asked, seats, state, reserved_at, expires_at,"
        " completed_at, changed_at, form_hash, customer_name, customer_email, customer_phone, company_name,"
        " company_cvr, attention, accepted_terms_at, hold_reason, hold_since)"
        " VALUES (hex(randomblob(8)), ?, ?, ?, ?, 'complete', ?, ?, ?, ?, x'ab', ?, ?, ?, ?, ?, ?,"
        " '2026-11-21T10:00:00+01:00', ?, ?)",
        (
            class_id,
            json.dumps({"id": class_id, "title": "Excel", "end": class_end, "days": []}),
            len(people),
            len(people),
            completed_at - 600,
            completed_at + 600,
            completed_at,
            completed_at,
            full_name(buyer),
            buyer["email"],
            buyer["phone"],
            company,
            "12345678" if company else None,
            attention,
            hold,
            completed_at if hold else None,
        ),
    )
    order = int(db.value("SELECT max(id) FROM orders"))
    for number, one in enumerate(people, 1):
        _add_participant(db, order, number, one, effects, completed_at)
    _add_mail(db, f"order-confirmation:{order}:customer", completed_at)
    return order


def _add_participant(db: Database, order: int, number: int, one: dict[str, Any], effects: str, at: int) -> None:
    reference = f"ILI-{order}-{number}"
    db.write(
        "INSERT INTO participants (order_id, number, reference, first_name, last_name, email, phone, job_title,"
        " comment, registered_no, registered_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?)",
        (order, number, reference, *(one[name] for name in person(0)), at),
    )
    body = {"course": {"id": "25172-04"}, "order": {"number": str(order)}, "participant": one | {"number": number}}
    add_message(db, "maconomy.registration", reference, body, effects, at, scope=f"order:{order}")
    _add_mail(db, f"order-confirmation:{order}:participant:{number}", at)


def _add_mail(db: Database, key: str, at: int) -> None:
    db.write("INSERT INTO mails (key, message_id, queued_at) VALUES (?, hex(randomblob(8)), ?)", (key, at))


def add_message(
    db: Database, effect: str, key: str, body: dict[str, Any], state: str, at: int, *, scope: str = ""
) -> int:
    """A row of the outbox; a completed one has lost its body, as it does."""
    text = None if state == "completed" else json.dumps(body, ensure_ascii=False)
    db.write(
        "INSERT INTO outbox (effect, scope, key, mode, body, body_hash, state, sent_at, created_at, changed_at)"
        " VALUES (?, ?, ?, 'once', ?, x'00', ?, ?, ?, ?)",
        (effect, scope, key, text, state, at, at, at),
    )
    return int(db.value("SELECT last_insert_rowid()"))


def add_list(db: Database, people: list[dict[str, Any]], day: str, *, state: str = "failed", at: int) -> int:
    """A participant list of a day, as it waits for its trainer."""
    names = ("first_name", "last_name", "email", "job_title")
    body = {
        "template": "participant-list",
        "day": day,
        "to": {"name": "Tove Tranholm", "email": "tove@trainers.example.org"},
        "participants": [{name: one[name] for name in names} for one in people],
    }
    key = f"participant-list:25172-04:{day}:0f3a9c:1"
    db.write("INSERT INTO participant_lists VALUES ('25172-04', ?, '0f3a9c', 1, 'ff', ?)", (day, at))
    return add_message(db, "mailgun.participant-list", key, body, state, at, scope="class:25172-04")


def add_reservation(db: Database, *, changed_at: int, state: str = "released") -> int:
    db.write(
        "INSERT INTO orders (request_key, class_id, class, seats_asked, seats, state, reserved_at, expires_at,"
        " changed_at) VALUES (hex(randomblob(8)), '25172-04', '{}', 2, 2, ?, ?, ?, ?)",
        (state, changed_at, changed_at, changed_at),
    )
    return int(db.value("SELECT max(id) FROM orders"))


def traces(root: Path, people: list[dict[str, Any]]) -> dict[str, list[str]]:
    """Files below root whose bytes hold somebody's address, phone, comment or name (also in columns side by side)."""
    wanted = {
        text.encode(): text
        for one in people
        for text in (
            one["email"],
            one["phone"],
            one["comment"],
            full_name(one),
            one["first_name"] + one["last_name"],
        )
    }
    found: dict[str, list[str]] = {}
    for path in sorted(root.rglob("*")):
        if path.is_file():
            content = path.read_bytes()
            if hits := [text for pattern, text in wanted.items() if pattern in content]:
                found[path.name] = hits
    return found
