"""The bookings a recorded run had to do with, as they were before it: made-up people, and references that open nothing.

For confirm-bookings those that are looked for; for update-booking-status those of which a status or a document waits,
a document is due or lies there, or whose class Maconomy was asked for.
"""

import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from integrator.database import Database, connect
from integrator.domain.ordered import REGISTRATION, scope_of
from integrator.domain.portal import DOCUMENT, STATUS, status_message
from integrator.errors import IntegratorError, UsageError
from integrator.home import Home
from integrator.recording import documents
from integrator.recording.classes import named_in
from integrator.recording.scrub import Exchange
from integrator.recording.waiting import CLASS, ORDER, PARTICIPANT, PARTICIPANT_COLUMNS, put_order, put_participant
from integrator.runtime.outbox import Outbox
from integrator.store import open_store
from integrator.store.booking_documents import BookingDocuments, key_of
from integrator.systems.recordable import Fields, Items, May, Shape

CONFIRM, UPDATE = "confirm-bookings", "update-booking-status"
JOBS = frozenset({CONFIRM, UPDATE})
_WAITS = ("received", "processing")
_TIMES = ("attempts", "sent_at", "uncertain_since", "next_at", "created_at", "changed_at")

_BOOKING: dict[str, Shape] = {
    **dict.fromkeys(("reference", "portal_reference"), May.REFERENCE),
    "class_id": May.ID,
    **dict.fromkeys(("state", "enrollment_status", "task"), May.CODE),
    "birth_date": May.BIRTHDAY,
    **dict.fromkeys(("requested_at", "looks", "next_look_at", "confirmed_at"), May.NUMBER),
    **dict.fromkeys(("cancelled_at", "changed_at"), May.NUMBER),
}
_ORDER: dict[str, Shape] = {**ORDER, "class_id": May.ID, "class": Fields(CLASS)}
_STATUS: dict[str, Shape] = {
    **dict.fromkeys(("status", "source", "maconomy_seen"), May.CODE),
    "completed_on": May.MOMENT,
    **dict.fromkeys(("version", "told_version", "set_at", "told_at"), May.NUMBER),
}
_DOCUMENT: dict[str, Shape] = {"kind": May.CODE, **dict.fromkeys(("document", "queued_at", "uploaded_at"), May.NUMBER)}
_MESSAGE: dict[str, Shape] = {
    "reference": May.REFERENCE,
    **dict.fromkeys(("effect", "state", "status", "kind"), May.CODE),
    "completed_on": May.MOMENT,
    **dict.fromkeys(("version", "document", *_TIMES), May.NUMBER),
    "kept": May.YESNO,
}
_FILE: dict[str, Shape] = {
    "reference": May.REFERENCE,
    "document": May.NUMBER,
    "inside": May.YESNO,
    "form": May.CODE,
}
_BESIDE: dict[str, Shape] = {
    "order": Fields(_ORDER),
    "student": Fields(PARTICIPANT),
    "status": Fields(_STATUS),
    "documents": Items(Fields(_DOCUMENT)),
}
SHAPE = Fields(
    {
        "bookings": Items(Fields({"booking": Fields(_BOOKING), **_BESIDE})),
        "messages": Items(Fields(_MESSAGE)),
        "files": Items(Fields(_FILE)),
        "restored_at": May.NUMBER,
    }
)
Rows = dict[str, Any]


# out of a home ----------------------------------------------------------------------------------


def found(job: str, store: Path, home: Home, *, upload_bytes: int, certificates: bool) -> Rows:
    """Every booking that the run of a job could need; people as they are: not to be written anywhere.

    certificates   who has no document gets one
    """
    if not store.is_file():
        return {}
    db = connect(store)
    try:
        if not db.value("SELECT 1 FROM sqlite_master WHERE name = 'bookings'"):
            return {}
        if job == CONFIRM:
            return _found(db, "b.state = 'reserved'", documents.Numbers())
        return _updated(db, home, upload_bytes, certificates=certificates)
    finally:
        db.close()


def _updated(db: Database, home: Home, upload_bytes: int, *, certificates: bool) -> Rows:
    numbers = documents.Numbers()
    rows = _found(db, "b.anonymised_at IS NULL", numbers)
    messages = list(_messages(db, home.var / "documents", numbers))
    papers = {
        row["booking"]["reference"]: BookingDocuments(db).of(row["booking"]["reference"])
        for row in rows["bookings"]
        if row["booking"]["state"] == "confirmed"
    }
    files = documents.lying(home.root / "documents", papers, numbers, limit=upload_bytes)
    needed = {row["reference"] for row in (*messages, *files)}
    if certificates:
        needed |= {row["booking"]["reference"] for row in rows["bookings"] if _gets_certificate(row)}
    return rows | {"messages": messages, "files": files, "needed": needed}


def _gets_certificate(row: Mapping[str, Any]) -> bool:
    is_complete = row["status"] is not None and row["status"]["status"] == "COMPLETED"
    return is_complete and row["booking"]["state"] == "confirmed" and not row["documents"]


def _found(db: Database, where: str, numbers: documents.Numbers) -> Rows:
    columns = ", ".join(f"b.{name}" for name in _BOOKING)
    sql = f"SELECT {columns}, b.order_id FROM bookings b WHERE {where} ORDER BY b.rowid"  # noqa: S608 (constants)
    bookings = []
    for row in db.all(sql):
        booking = dict(row)
        order_id = booking.pop("order_id")
        beside = _order(db, order_id) | {"documents": _documents(db, booking["reference"], numbers)}
        bookings.append({"booking": booking, **beside, "status": _status(db, booking["reference"])})
    restored_at = db.value("SELECT value FROM counters WHERE name = 'restored_at'")
    return {"bookings": bookings, "messages": [], "files": [], "restored_at": restored_at or 0}


def _order(db: Database, order_id: int) -> dict[str, Any]:
    order = _one(db, f"SELECT {', '.join([*ORDER, 'class'])} FROM orders WHERE id = ?", order_id)  # noqa: S608
    student = _one(
        db,
        f"SELECT {', '.join(PARTICIPANT_COLUMNS)} FROM participants"  # noqa: S608 (constants)
        " WHERE order_id = ? AND number = 1 AND anonymised_at IS NULL",
        order_id,
    )
    assert order is not None  # a foreign key
    return {"order": order | {"class": json.loads(order["class"]) | _class_now(db, order)}, "student": student}


def _class_now(db: Database, order: Mapping[str, Any]) -> dict[str, Any]:
    """What a class is called, when and where it is, as we know it now: a replay knows it by its order alone."""
    row = _one(db, 'SELECT title, language, start, "end", venue FROM courses WHERE id = ?', order["class_id"])
    return row | {"venue": json.loads(row["venue"]) if row["venue"] else None} if row else {}


def _status(db: Database, reference: str) -> dict[str, Any] | None:
    return _one(db, f"SELECT {', '.join(_STATUS)} FROM booking_statuses WHERE reference = ?", reference)  # noqa: S608


def _one(db: Database, sql: str, value: Any) -> dict[str, Any] | None:
    row = db.one(sql, (value,))
    return dict(row) if row else None


def _documents(db: Database, reference: str, numbers: documents.Numbers) -> list[dict[str, Any]]:
    sql = "SELECT sha256, kind, queued_at, uploaded_at FROM booking_documents WHERE reference = ? ORDER BY id"
    return [
        {"document": numbers.of(row["sha256"])} | {name: row[name] for name in ("kind", "queued_at", "uploaded_at")}
        for row in db.all(sql, (reference,))
    ]


def _messages(db: Database, kept: Path, numbers: documents.Numbers) -> Iterator[dict[str, Any]]:
    sql = (
        f"SELECT effect, state, body, {', '.join(_TIMES)} FROM outbox WHERE effect IN (?, ?)"  # noqa: S608 (constants)
        " AND state IN (?, ?) ORDER BY id"
    )
    for row in db.all(sql, (STATUS, DOCUMENT, *_WAITS)):
        message, body = {name: row[name] for name in ("effect", "state", *_TIMES)}, json.loads(row["body"])
        message["reference"] = body["reference"]
        if row["effect"] == DOCUMENT:
            is_kept = documents.is_kept(kept, body["reference"], body["sha256"])
            message |= {"kind": body["kind"], "document": numbers.of(body["sha256"]), "kept": is_kept}
        else:
            message |= {name: body[name] for name in ("status", "completed_on", "version")}
        yield message


def of_these(rows: Rows, exchanges: Iterable[Exchange]) -> Rows:
    """Those that the run needed, now that it is known which classes Maconomy was asked for."""
    if "needed" not in rows:
        return rows
    asked = named_in(exchanges, None)
    bookings = [row for row in rows["bookings"] if _is_needed(row, rows["needed"], asked)]
    carried = {row["booking"]["reference"] for row in bookings}
    messages = [row for row in rows["messages"] if row["reference"] in carried]
    return {name: rows[name] for name in ("files", "restored_at")} | {"bookings": bookings, "messages": messages}


def _is_needed(row: Mapping[str, Any], needed: Collection[str], asked: Collection[str]) -> bool:
    booking = row["booking"]
    return booking["reference"] in needed or (booking["state"] == "confirmed" and booking["class_id"] in asked)


# into the home of a replay ----------------------------------------------------------------------


def put_back(rows: Any, home: Home, *, source: Path) -> None:
    """Let the home of a replay have these bookings and documents, and no others.

    Errors  UsageError: the rows are not of our making
    """
    opened = open_store(home.var / "integrator.db", backups=home.backups)
    try:
        with opened.db.tx():
            _put_back(opened.db, rows)
        for row in rows["files"]:
            documents.lay(home.root / "documents", row)
        for row in rows["messages"]:
            if row["effect"] == DOCUMENT and row["kept"]:
                documents.keep(home.var / "documents", row["reference"], int(row["document"]))
    except (sqlite3.Error, IntegratorError, OSError, TypeError, KeyError, AttributeError, ValueError):
        raise UsageError(f"--replay {source}: is no recording of ours: metadata.bookings does not fit") from None
    finally:
        opened.db.close()


def _put_back(db: Database, rows: Any) -> None:
    for table in ("bookings", "participants", "orders", "courses"):  # a class stands in its order
        db.write(f"DELETE FROM {table}")  # noqa: S608 (constants)
    db.write("DELETE FROM outbox WHERE effect IN (?, ?, ?)", (STATUS, DOCUMENT, REGISTRATION))
    db.write("DELETE FROM counters WHERE name = 'restored_at'")
    _insert(db, "counters", {"name": "restored_at", "value": rows["restored_at"]})
    orders = {}
    for row in rows["bookings"]:
        orders[row["booking"]["reference"]] = row["order"]["id"]
        _put_booking(db, row)
    for message in rows["messages"]:
        _queue(db, message, orders[message["reference"]])


def _put_booking(db: Database, row: dict[str, Any]) -> None:
    put_order(db, row["order"])
    booking = {name: row["booking"][name] for name in _BOOKING}
    _insert(db, "bookings", booking | {"order_id": row["order"]["id"]})
    if row["student"] is not None:
        put_participant(db, row["student"])
    if row["status"] is not None:
        status = {name: row["status"][name] for name in _STATUS}
        _insert(db, "booking_statuses", status | {"reference": booking["reference"]})
    for paper in row["documents"]:
        made_up = _made_up(int(paper["document"]))
        times = {name: paper[name] for name in ("kind", "queued_at", "uploaded_at")}
        _insert(db, "booking_documents", {**made_up, **times, "reference": booking["reference"]})


def _made_up(number: int) -> dict[str, Any]:
    """What a row says of a made-up document."""
    size = len(documents.content(number))
    return {"sha256": documents.sha256_of(number), "name": f"document-{number}.pdf", "size": size}


def _queue(db: Database, row: dict[str, Any], order_id: int) -> None:
    """A message as it waited, under the hash of what it says now."""
    outbox, reference = Outbox(db, clock=lambda: row["created_at"]), row["reference"]
    if row["effect"] == DOCUMENT:
        paper = _made_up(int(row["document"]))
        key = key_of(reference, paper["sha256"])
        body = {"reference": reference, "name": paper["name"], "sha256": paper["sha256"], "kind": row["kind"]}
        outbox.once(DOCUMENT, key, body, scope=scope_of(order_id))
    elif row["effect"] == STATUS:
        key = reference
        told = status_message(reference, row["status"], row["completed_on"], row["version"])
        outbox.latest(STATUS, key, told, scope=scope_of(order_id))
    else:
        raise ValueError("an effect that is not carried")
    holes = ", ".join(f"{name} = ?" for name in ("state", *_TIMES))
    values = (*(row[name] for name in ("state", *_TIMES)), row["effect"], key)
    db.write(f"UPDATE outbox SET {holes} WHERE effect = ? AND key = ?", values)  # noqa: S608 (constants)


def _insert(db: Database, table: str, values: Mapping[str, Any]) -> None:
    names, marks = ", ".join(values), ", ".join("?" * len(values))
    db.write(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(values.values()))  # noqa: S608 (our own names)
