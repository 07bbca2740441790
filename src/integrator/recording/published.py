"""The classes a recorded run of publish-classes could sell, and what it knew of those it sold: facts, and nobody.

Of the seats that we hold only their number is carried; orders stay at home.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from integrator.database import Database, connect
from integrator.domain.courses import Course
from integrator.domain.portal import CLASS
from integrator.domain.portal_classes import Memory
from integrator.recording.headers import unpacked
from integrator.recording.jsontree import words
from integrator.recording.putting import putting_back
from integrator.recording.scrub import Exchange
from integrator.runtime.outbox import Outbox
from integrator.store import published_classes as catalogue
from integrator.store.courses import UNSOLD, SetAside
from integrator.store.orders import Orders
from integrator.systems.recordable import Fields, Items, May, Shape

JOBS = frozenset({"publish-classes"})
_MISSING_RUNS = 2  # in so many good lists a class is missing that is gone, whatever a home counts to
_MOST_SEATS = 40  # of one order

_VENUE: dict[str, Shape] = {**dict.fromkeys(("name", "address", "city", "country"), May.TEXT), "zip": May.ID}
_COURSE: dict[str, Shape] = {
    **dict.fromkeys(("id", "main_id"), May.ID),
    **dict.fromkeys(("language", "currency", "status"), May.CODE),
    "title": May.TEXT,
    "venue": Fields(_VENUE),
    **dict.fromkeys(("start", "end", "updated_at"), May.MOMENT),
    **dict.fromkeys(("price_minor", "seats_total", "seats_taken", "seats_free", "seats_min"), May.NUMBER),
    **dict.fromkeys(("changed_at", "missing_since", "missing_runs", "held"), May.NUMBER),
    "readable": May.YESNO,
    "refused": May.CODE,  # why it was not there as it should be: said before, it is not said again
}
_ADDRESS: dict[str, Shape] = {**dict.fromkeys(("line1", "line2", "city", "country"), May.TEXT), "zip": May.ID}
_PLAIN: dict[str, Shape] = {
    **dict.fromkeys(("course_id", "class_id"), May.ID),
    "location": May.TEXT,
    **dict.fromkeys(("seats", "price_minor"), May.NUMBER),
    **dict.fromkeys(("enrollment_deadline", "cancellation_deadline"), May.MOMENT),
    **dict.fromkeys(("start_date", "start_time", "end_date", "end_time"), May.MOMENT),
    "address": Fields(_ADDRESS),
    "currency": May.CODE,
}
_FACTS = Fields(_PLAIN)
_MEMORY: dict[str, Shape] = {
    **dict.fromkeys(("class_id", "course_id"), May.ID),
    "state": May.CODE,
    "cancelled_at": May.NUMBER,
    **dict.fromkeys(("facts", "sent", "tried"), _FACTS),
}
_TIMES = ("attempts", "sent_at", "uncertain_since", "next_at", "created_at", "changed_at")
_MESSAGE: dict[str, Shape] = {
    "key": May.ID,
    **dict.fromkeys(("state", "hash"), May.CODE),
    **dict.fromkeys(_TIMES, May.NUMBER),
    "body": Fields({"class_id": May.ID, "course_id": May.ID, "wanted": May.CODE, "facts": _FACTS}),
}
SHAPE = Fields(
    {
        "courses": Items(Fields(_COURSE)),
        "published": Items(Fields(_MEMORY)),
        "messages": Items(Fields(_MESSAGE)),
        "pulled_at": May.NUMBER,
    }
)
Rows = dict[str, Any]
_A_RUN = {"job": "import-courses", "boot_id": "", "pid": 0, "version": "recorded", "outcome": "done"}
_FOR_EVER = {"reserved_at": 0, "expires_at": 2**40, "changed_at": 0}
_NOT_CARRIED: dict[str, list[Any]] = {"days": [], "trainers": []}  # nobody is told of them here


# out of a home ----------------------------------------------------------------------------------


def found(store: Path, *, missing_limit: int) -> Rows:
    """The catalogue, and what we know of the classes there, before a run. missing_limit: as import-courses counts."""
    if not store.is_file():
        return {}
    db = connect(store)
    try:
        if not db.value("SELECT 1 FROM sqlite_master WHERE name = 'published_classes'"):
            return {}
        pulled_at = catalogue.last_pull(db)
        published = catalogue.PublishedClasses(db).all().values()
        return {
            "courses": _courses(db, pulled_at, missing_limit),
            "published": [_remembered(memory) for memory in published],
            "messages": list(_messages(db)),
            "pulled_at": pulled_at,
        }
    finally:
        db.close()


def _courses(db: Database, pulled_at: int, limit: int) -> list[dict[str, Any]]:
    fields = [name for name in Course.__struct_fields__ if name not in _NOT_CARRIED]
    columns = ", ".join(f'"{name}"' for name in (*fields, "changed_at", "missing_since", "missing_runs"))
    rows = [dict(row) for row in db.all(f"SELECT {columns} FROM courses ORDER BY id")]  # noqa: S608 (our own names)
    held = Orders(db).held([row["id"] for row in rows], since=pulled_at)
    unreadable, refused = SetAside(db).of("course"), SetAside(db).reasons(UNSOLD)
    for row in rows:
        row["venue"] = json.loads(row["venue"]) if row["venue"] else None
        if row["missing_since"] is not None:
            is_gone = (
                row["missing_runs"] >= _MISSING_RUNS if limit >= _MISSING_RUNS else pulled_at > row["missing_since"]
            )
            row["missing_runs"] = _MISSING_RUNS if is_gone else 1
        row |= {"held": held[row["id"]], "readable": row["id"] not in unreadable}
        row["refused"] = refused[row["id"]][0] if row["id"] in refused else None
    return rows


def _remembered(memory: Memory) -> dict[str, Any]:
    plain = {name: getattr(memory, name) for name in ("class_id", "course_id", "state", "cancelled_at")}
    facts = msgspec.to_builtins(memory.facts) if memory.facts else None
    return plain | {"facts": facts, "sent": dict(memory.sent), "tried": dict(memory.tried)}


def _messages(db: Database) -> Iterator[dict[str, Any]]:
    """All there ever were; of completed ones the place in the line, which one that is asked for again keeps."""
    columns = ", ".join(("key", "state", "body", *_TIMES))
    sql = (
        f"SELECT {columns}, iif(body IS NULL, lower(hex(body_hash)), NULL) AS hash"  # noqa: S608 (constants)
        " FROM outbox WHERE effect = ? ORDER BY id"
    )
    for row in db.all(sql, (CLASS,)):
        yield dict(row) | {"body": json.loads(row["body"]) if row["body"] else None}


def of_these(rows: Rows, exchanges: Iterable[Exchange], names: Mapping[str, str], *, at: float) -> Rows:
    """Without the classes that the run could not sell: of courses that were not answered, or long over.

    names   their course → our main course
    """
    if not rows:
        return rows
    said = {text for one in exchanges for text in words(unpacked(one.headers, one.body)[1])}
    sold = said | {ours for theirs, ours in names.items() if theirs in said}
    open_keys = {row["key"] for row in rows["messages"] if row["state"] != "completed"}
    known = said | {row["class_id"] for row in rows["published"]} | open_keys
    yesterday = (datetime.fromtimestamp(at, UTC) - timedelta(days=1)).date().isoformat()
    courses = [row for row in rows["courses"] if row["id"] in known or _is_ahead(row, sold, yesterday)]
    carried = {row["id"] for row in courses} | open_keys
    return rows | {"courses": courses, "messages": [row for row in rows["messages"] if row["key"] in carried]}


def _is_ahead(row: Mapping[str, Any], sold: Collection[str], since: str) -> bool:
    days = [row[name] for name in ("start", "end") if row[name]]
    return row["main_id"] in sold and (not days or max(days)[:10] >= since)


# into the store of a replay ---------------------------------------------------------------------


def put_back(rows: Any, store: Path, *, backups: Path, source: Path) -> None:
    """Make these classes the catalogue of a replay's store, and what is published of them what it remembers.

    Errors  UsageError: the rows are not of our making
    """
    with putting_back(store, backups=backups, source=source, part="published") as db:
        _put_back(db, rows)


def _put_back(db: Database, rows: Any) -> None:
    for table in ("courses", "published_classes", "participants", "orders"):
        db.write(f"DELETE FROM {table}")  # noqa: S608 (constants)
    db.write("DELETE FROM set_aside WHERE kind IN ('course', ?)", (UNSOLD,))
    db.write("DELETE FROM runs WHERE job = 'import-courses'")
    db.write("DELETE FROM outbox WHERE effect = ?", (CLASS,))
    pulled_at = int(rows["pulled_at"])
    if pulled_at:
        counts = json.dumps({"courses.read": 1})
        _insert(db, "runs", {**_A_RUN, "started_at": pulled_at, "counts": counts})
    for row in rows["courses"]:
        _put_course(db, row)
    published = catalogue.PublishedClasses(db)
    for row in rows["published"]:
        published.keep(msgspec.convert(row, Memory), at=pulled_at)
    for row in rows["messages"]:
        _queue(db, row)


def _put_course(db: Database, row: Mapping[str, Any]) -> None:
    record = {name: row[name] for name in Course.__struct_fields__ if name not in _NOT_CARRIED} | _NOT_CARRIED
    course = msgspec.to_builtins(msgspec.convert(record, Course))
    for name in ("days", "venue", "trainers"):
        course[name] = None if course[name] is None else json.dumps(course[name])
    times = {name: row[name] for name in ("changed_at", "missing_since", "missing_runs")}
    _insert(db, "courses", {**course, **times, "fingerprint": b"", "first_seen_at": 0})
    for kind, code in (("course", None if row["readable"] else "recorded"), (UNSOLD, row.get("refused"))):
        if code is not None:
            aside = {"kind": kind, "key": row["id"], "code": code, "reason": "", "first_at": 0, "run_id": 0}
            _insert(db, "set_aside", aside)
    for seats in _shares(int(row["held"])):
        _hold(db, row["id"], seats)


def _shares(seats: int) -> Iterator[int]:
    while seats > 0:
        yield min(seats, _MOST_SEATS)
        seats -= _MOST_SEATS


def _hold(db: Database, class_id: str, seats: int) -> None:
    """So many seats, held by nobody: what the free ones are less."""
    number = int(db.value("SELECT count(*) FROM orders"))
    order = {"request_key": f"replayed-{number}", "class_id": class_id, "class": "{}", "state": "reserved"}
    _insert(db, "orders", {**order, "seats_asked": seats, "seats": seats, **_FOR_EVER})


def _queue(db: Database, row: Mapping[str, Any]) -> None:
    """A message as it stood, under the hash of what it says now; without a body it keeps its own."""
    Outbox(db, clock=lambda: row["created_at"]).latest(CLASS, row["key"], row["body"])
    if row["body"] is None:
        ended = "UPDATE outbox SET body_hash = ?, body = NULL, state = 'completed' WHERE effect = ? AND key = ?"
        db.write(ended, (bytes.fromhex(row["hash"]), CLASS, row["key"]))
    holes = ", ".join(f"{name} = ?" for name in ("state", *_TIMES))
    values = (*(row[name] for name in ("state", *_TIMES)), CLASS, row["key"])
    db.write(f"UPDATE outbox SET {holes} WHERE effect = ? AND key = ?", values)  # noqa: S608 (constants)


def _insert(db: Database, table: str, values: Mapping[str, Any]) -> None:
    names, marks = ", ".join(f'"{name}"' for name in values), ", ".join("?" * len(values))
    db.write(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(values.values()))  # noqa: S608 (our own names)
