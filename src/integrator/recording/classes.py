"""The classes a recorded run could look at, and which lists of them had been sent: carried with made-up trainers.

For jobs that decide by the catalogue in the store; at another desk there is none, and nobody to write to.
"""

import json
from collections.abc import Collection, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec

from integrator.database import Database, connect
from integrator.domain import lists as rules
from integrator.domain.courses import Course, Trainer
from integrator.recording.putting import putting_back
from integrator.recording.scrub import Exchange
from integrator.recording.waiting import CLASS
from integrator.runtime.report import Report
from integrator.systems.recordable import Fields, Items, May, Shape

JOBS = frozenset({"send-participants"})
_AHEAD_DAYS = 61  # the farthest day that --days-ahead can name, and a day for the zone

_COURSE: dict[str, Shape] = {
    **CLASS,
    **dict.fromkeys(("seats_total", "seats_taken", "seats_free", "seats_min"), May.NUMBER),
    "status": May.CODE,
    "updated_at": May.MOMENT,
    "trainers": Items(Fields({"id": May.INITIALS, "name": May.NAME, "email": May.EMAIL})),
}
_LIST: dict[str, Shape] = {
    **dict.fromkeys(("class_id", "recipient", "fingerprint"), May.CODE),
    "day": May.MOMENT,
    **dict.fromkeys(("version", "queued_at"), May.NUMBER),
}
SHAPE = Fields({"courses": Items(Fields(_COURSE)), "lists": Items(Fields(_LIST))})
Rows = list[dict[str, Any]]
_JSON = ("days", "venue", "trainers")


def sent(store: Path) -> Rows:
    """Which lists were asked for up to now; before a run, because it writes there."""
    if not store.is_file():
        return []
    db = connect(store)
    try:
        if not db.value("SELECT 1 FROM sqlite_master WHERE name = 'participant_lists'"):
            return []
        return [dict(row) for row in db.all("SELECT * FROM participant_lists ORDER BY class_id, day, recipient")]
    finally:
        db.close()


def found(store: Path, *, at: float, asked: Collection[str], missing_limit: int) -> Rows:
    """Classes that meet about then and are not gone, and those that were asked for; people as they are."""
    if not store.is_file():
        return []
    moment = datetime.fromtimestamp(at, UTC)
    first, last = ((moment + timedelta(days=days)).date().isoformat() for days in (-1, _AHEAD_DAYS))
    marks = ", ".join("?" * len(asked))
    columns = ", ".join(f'"{name}"' for name in Course.__struct_fields__)
    sql = (
        f"SELECT {columns} FROM courses WHERE id IN ({marks})"  # noqa: S608 (names of our own)
        ' OR (missing_runs < ? AND substr(start, 1, 10) <= ? AND substr(coalesce("end", start), 1, 10) >= ?)'
        " ORDER BY id"
    )
    db = connect(store)
    try:
        return [_read(dict(row)) for row in db.all(sql, (*sorted(asked), missing_limit, last, first))]
    finally:
        db.close()


def _read(row: dict[str, Any]) -> dict[str, Any]:
    for name in _JSON:
        row[name] = json.loads(row[name]) if row[name] is not None else None
    for trainer in row["trainers"]:
        # An address that no mail can go to must not become one that takes mail.
        if trainer["email"] and not rules.reachable([Trainer(None, None, trainer["email"])]):
            trainer["email"] = "unusable"
    return row


def named_in(exchanges: Iterable[Exchange], report: Report | None) -> set[str]:
    """What may be the id of a class that was asked for, whatever its days."""
    words = {unquote(part) for exchange in exchanges for part in urlsplit(exchange.url).path.split("/")}
    said = [*report.failed, *report.waiting] if report else []
    return words | {word for item in said for word in item.split()}


def of_these(lists: Rows, courses: Rows, waiting: dict[str, Any]) -> Rows:
    """The lists of classes that are carried, or of which a mail waits."""
    scopes = {rules.scope_of(row["id"]) for row in courses} | {row["scope"] for row in waiting.get("outbox", ())}
    return [row for row in lists if rules.scope_of(row["class_id"]) in scopes]


# into the store of a replay ---------------------------------------------------------------------


def put_back(rows: Any, store: Path, *, backups: Path, source: Path) -> None:
    """Make these classes the catalogue of a replay's store, and these lists what was sent.

    Errors  UsageError: the rows are not of our making
    """
    with putting_back(store, backups=backups, source=source, part="classes") as db:
        _put_back(db, rows)


def _put_back(db: Database, rows: Any) -> None:
    for table in ("courses", "participant_lists"):
        db.write(f"DELETE FROM {table}")  # noqa: S608 (constants)
    for row in rows["courses"]:
        course = msgspec.to_builtins(msgspec.convert(row, Course))
        plain = {
            name: json.dumps(value) if name in _JSON and value is not None else value for name, value in course.items()
        }
        _insert(db, "courses", plain | {"fingerprint": b"", "first_seen_at": 0, "changed_at": 0})
    for row in rows["lists"]:
        _insert(db, "participant_lists", {name: row[name] for name in _LIST})
        _remember_key(db, row)


def _remember_key(db: Database, row: dict[str, Any]) -> None:
    """The mail of a list that is not waiting has its row in the outbox: the next version is counted from it."""
    key = rules.key_of(row["class_id"], row["day"], row["recipient"], row["version"])
    facts = {"effect": rules.PARTICIPANT_LIST, "scope": rules.scope_of(row["class_id"]), "key": key, "mode": "once"}
    times = dict.fromkeys(("created_at", "changed_at", "completed_at"), row["queued_at"])
    if not db.value("SELECT 1 FROM outbox WHERE effect = ? AND key = ?", (facts["effect"], key)):
        _insert(db, "outbox", {**facts, "body_hash": b"", "state": "completed", **times})


def _insert(db: Database, table: str, values: dict[str, Any]) -> None:
    names, marks = ", ".join(f'"{name}"' for name in values), ", ".join("?" * len(values))
    db.write(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(values.values()))  # noqa: S608 (our own names)
