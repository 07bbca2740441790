"""The orders and messages that waited before a recorded run: carried with made-up people, so that a replay sends them.

Without them a replay at another desk would find nothing to do.
"""

import json
import sqlite3
from pathlib import Path
from typing import Any

from integrator.database import Database, connect
from integrator.errors import IntegratorError, UsageError
from integrator.runtime.outbox import Outbox
from integrator.store import open_store
from integrator.systems.recordable import Fields, Items, May, Shape

EFFECTS = ("maconomy.registration", "mailgun.confirmation", "mailgun.participant-list")
COUNTERS = ("registrations", "mail events", "restored_at")

_MESSAGE: dict[str, Shape] = {
    **dict.fromkeys(("effect", "scope", "key", "state"), May.CODE),
    **dict.fromkeys(("attempts", "sent_at", "uncertain_since", "next_at", "created_at", "changed_at"), May.NUMBER),
}
ORDER: dict[str, Shape] = {
    **dict.fromkeys(("id", "seats_asked", "seats", "reserved_at", "expires_at", "completed_at"), May.NUMBER),
    **dict.fromkeys(("changed_at", "hold_since"), May.NUMBER),
    **dict.fromkeys(("class_id", "state", "hold_reason", "channel"), May.CODE),
    "accepted_terms_at": May.MOMENT,
    "customer_name": May.NAME,
    "customer_email": May.EMAIL,
    "customer_phone": May.PHONE,
    "attention": May.NAME,
    **dict.fromkeys((f"company_{name}" for name in ("name", "cvr", "address", "zip", "city", "ean")), May.NOTHING),
    "company_country": May.NOTHING,
    "purchase_order": May.NOTHING,
}
_PERSON: dict[str, Shape] = {
    **dict.fromkeys(("name", "first_name", "last_name"), May.NAME),
    "email": May.EMAIL,
    "phone": May.PHONE,
    "number": May.NUMBER,
    "reference": May.CODE,
    "status": May.CODE,
}
PARTICIPANT: dict[str, Shape] = {
    **_PERSON,
    **dict.fromkeys(("order_id", "registered_no", "registered_at"), May.NUMBER),
    "job_title": May.NOTHING,
    "comment": May.NOTHING,
}
PARTICIPANT_COLUMNS = [name for name in PARTICIPANT if name not in ("name", "status")]
CLASS: dict[str, Shape] = {
    **dict.fromkeys(("id", "main_id", "language", "currency"), May.CODE),
    "title": May.TEXT,
    "price_minor": May.NUMBER,
    "start": May.MOMENT,
    "end": May.MOMENT,
    "days": Items(
        Fields({**dict.fromkeys(("date", "start_time", "end_time"), May.MOMENT), "venue": May.TEXT, "city": May.TEXT})
    ),
    "venue": Fields({**dict.fromkeys(("name", "address", "city"), May.TEXT), "zip": May.CODE, "country": May.CODE}),
}
_FACTS: dict[str, Shape] = {
    "template": May.CODE,
    "language": May.CODE,
    "day": May.MOMENT,
    "to": Fields(_PERSON),
    "class": Fields(CLASS),
    "course": Fields({"id": May.CODE}),
    "order": Fields(
        {
            "number": May.NUMBER,
            "seats": May.NUMBER,
            "price_minor": May.NUMBER,
            "currency": May.CODE,
            "accepted_terms_at": May.MOMENT,
            "customer": Fields(_PERSON),
            "contact": Fields(_PERSON),
            "invoice": Fields({"attention": May.NAME}),
            "company": Fields({"attention": May.NAME}),
        }
    ),
    "participant": Fields(_PERSON),
    "participants": Items(Fields(_PERSON)),
}
_MAIL: dict[str, Shape] = {"key": May.CODE, "message_id": May.EMAIL, "queued_at": May.NUMBER}

SHAPE = Fields(
    {
        "orders": Items(Fields({**ORDER, "class": Fields(CLASS)})),
        "participants": Items(Fields(PARTICIPANT)),
        "outbox": Items(Fields({**_MESSAGE, "body": Fields(_FACTS)})),
        "mails": Items(Fields(_MAIL)),
        "counters": Fields(dict.fromkeys(COUNTERS, May.NUMBER)),
    }
)
Waiting = dict[str, Any]


def found(store: Path) -> Waiting:
    """What waits in a store, and the mails whose end is still open. People as they are: not to be written anywhere."""
    if not store.is_file():
        return {}
    db = connect(store)
    try:
        tables = {row["name"] for row in db.all("SELECT name FROM sqlite_master WHERE type = 'table'")}
        return _found(db) if {"orders", "participants", "outbox", "mails", "counters"} <= tables else {}
    finally:
        db.close()


def _found(db: Database) -> Waiting:
    marks = ", ".join("?" * len(EFFECTS))
    waits = f"effect IN ({marks}) AND state IN ('received', 'processing')"
    scopes = f"SELECT scope FROM outbox WHERE {waits}"  # noqa: S608 (constants)
    orders = f"SELECT id FROM orders WHERE 'order:' || id IN ({scopes})"  # noqa: S608
    rows = {
        "orders": _rows(db, "orders", [*ORDER, "class"], f"id IN ({orders}) ORDER BY id", EFFECTS),
        "participants": _rows(
            db,
            "participants",
            PARTICIPANT_COLUMNS,
            f"order_id IN ({orders}) ORDER BY order_id, number",
            EFFECTS,
        ),
        "outbox": _rows(db, "outbox", [*_MESSAGE, "body"], f"{waits} ORDER BY id", EFFECTS),
        "mails": _rows(db, "mails", [*_MAIL], "result IS NULL ORDER BY rowid", ()),
    }
    counters = {row["name"]: row["value"] for row in db.all("SELECT name, value FROM counters")}
    for name, part in (("orders", "class"), ("outbox", "body")):
        for row in rows[name]:
            row[part] = json.loads(row[part])
    return rows | {"counters": {name: counters[name] for name in COUNTERS if name in counters}}


def _rows(db: Database, table: str, columns: list[str], where: str, values: tuple[str, ...]) -> list[dict[str, Any]]:
    return [dict(row) for row in db.all(f"SELECT {', '.join(columns)} FROM {table} WHERE {where}", values)]  # noqa: S608


def put_back(rows: Any, store: Path, *, backups: Path, source: Path) -> None:
    """Let the same wait in the store of a replay, and nothing else.

    Errors  UsageError: the rows are not of our making
    """
    opened = open_store(store, backups=backups)
    try:
        with opened.db.tx():
            _put_back(opened.db, rows)
    except (sqlite3.Error, IntegratorError, TypeError, KeyError, AttributeError, ValueError):
        raise UsageError(f"--replay {source}: is no recording of ours: metadata.waiting does not fit") from None
    finally:
        opened.db.close()


def _put_back(db: Database, rows: Any) -> None:
    for table in ("participant_lists", "mails", "participants", "orders"):
        db.write(f"DELETE FROM {table}")  # noqa: S608 (constants)
    for effect in EFFECTS:
        db.write("DELETE FROM outbox WHERE effect = ?", (effect,))
    for row in rows["orders"]:
        put_order(db, row)
    for row in rows["participants"]:
        put_participant(db, row)
    for row in rows["mails"]:
        _insert(db, "mails", {name: row[name] for name in _MAIL})
    for name in COUNTERS:
        db.write("DELETE FROM counters WHERE name = ?", (name,))
        _insert(db, "counters", {"name": name, "value": rows["counters"].get(name, 0)})
    for row in rows["outbox"]:
        _queue(db, row)


def put_order(db: Database, row: dict[str, Any]) -> None:
    """One order with its class, under a key that no request has."""
    known = {"request_key": f"replayed-{row['id']}", "class": json.dumps(row["class"], ensure_ascii=False)}
    _insert(db, "orders", {name: row[name] for name in ORDER} | known)


def put_participant(db: Database, row: dict[str, Any]) -> None:
    _insert(db, "participants", {name: row[name] for name in PARTICIPANT_COLUMNS})


def _insert(db: Database, table: str, values: dict[str, Any]) -> None:
    names, marks = ", ".join(values), ", ".join("?" * len(values))
    db.write(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(values.values()))  # noqa: S608 (our own names)


def _queue(db: Database, row: dict[str, Any]) -> None:
    """A message as it waited, under the hash of what it says now."""
    if row["effect"] not in EFFECTS:
        raise ValueError("an effect that is not carried")
    Outbox(db, clock=lambda: row["created_at"]).once(row["effect"], row["key"], row["body"], scope=row["scope"])
    names = ("state", "attempts", "sent_at", "uncertain_since", "next_at", "created_at", "changed_at")
    holes = ", ".join(f"{name} = ?" for name in names)
    values = (*(row[name] for name in names), row["effect"], row["key"])
    db.write(f"UPDATE outbox SET {holes} WHERE effect = ? AND key = ?", values)  # noqa: S608 (constants)
