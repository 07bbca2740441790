"""The way one record took, read from every table that knows it; and which records are set aside."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import msgspec

from integrator.database import Database
from integrator.domain.courses import PERSONAL_FIELDS
from integrator.store.courses import Catalogue, Kind
from integrator.store.posts import Posts

KINDS: tuple[Kind, Kind] = ("main_course", "course")
SIMILAR = 5
_ASIDE = "SELECT code, reason, first_at, run_id FROM set_aside WHERE kind = ? AND key = ?"


@dataclass(frozen=True)
class Story:
    """One record of one kind. Times are epoch seconds; nothing personal is in it.

    record      its fields now, None when it was never readable
    row         first_seen_at, changed_at, missing_since, missing_runs
    changes     oldest first: at, run_id, fields {name: [old, new]}
    set_aside   code, reason, first_at, run_id: what the source sends now cannot be read
    show        "publish" or "draft", None when it is held back or was never readable
    orphan_of   the main course that is not there, for a course
    spare       code, reason, first_at, run_id: further posts on the site that show the same record
    no_list     code, reason, first_at, run_id: why its trainers get no participant list
    lists       id, state, key, created_at, completed_at of its participant lists
    outbox      its messages: id, effect, state, attempts, reason, remote_id and times
    post        our memory of its post: post_id, unpublished_at, changed_at
    """

    kind: Kind
    key: str
    record: dict[str, Any] | None
    row: dict[str, Any] | None
    changes: list[dict[str, Any]]
    set_aside: dict[str, Any] | None
    show: Literal["publish", "draft"] | None
    orphan_of: str | None
    outbox: list[dict[str, Any]]
    post: dict[str, Any] | None
    spare: dict[str, Any] | None
    no_list: dict[str, Any] | None
    lists: list[dict[str, Any]]


def stories(db: Database, key: str, *, missing_limit: int, past: str, now: datetime) -> list[Story]:
    """Everything the store knows under an id: one story per kind of record, none when nobody knows it."""
    posts = Posts(db, missing_limit=missing_limit, past=past, now=now)
    found = (_story(db, posts, kind, key) for kind in KINDS)
    return [story for story in found if story.row or story.set_aside or story.outbox or story.post]


def similar(db: Database, key: str) -> list[str]:
    """Ids that begin with what was asked for, else those of the same main course; a few of them."""
    for start in (key, key.partition("-")[0]):
        rows = db.all(
            "SELECT id FROM (SELECT id FROM main_courses UNION SELECT id FROM courses)"
            " WHERE substr(id, 1, length(?1)) = ?1 ORDER BY id LIMIT ?2",
            (start, SIMILAR),
        )
        if rows and start:
            return [row["id"] for row in rows]
    return []


def set_aside_keys(db: Database) -> dict[str, list[str]]:
    """The keys of what the sources sent and we could not read, by kind of record."""
    found: dict[str, list[str]] = {}
    for row in db.all("SELECT kind, key FROM set_aside ORDER BY kind DESC, key"):
        found.setdefault(row["kind"], []).append(row["key"])
    return found


def _story(db: Database, posts: Posts, kind: Kind, key: str) -> Story:
    catalogue = Catalogue(db, kind)
    record = catalogue.get(key)
    wanted = next(posts.wanted(kind, [key]), None)
    return Story(
        kind,
        key,
        {name: value for name, value in msgspec.to_builtins(record).items() if name not in PERSONAL_FIELDS}
        if record
        else None,
        catalogue.story(key),
        catalogue.changes(key),
        _one(db, _ASIDE, kind, key),
        wanted.facts["show"] if wanted else None,
        _orphan_of(db, key) if kind == "course" else None,
        _messages(db, kind, key),
        _one(db, "SELECT post_id, unpublished_at, changed_at FROM posts WHERE kind = ? AND key = ?", kind, key),
        _one(db, _ASIDE, f"{kind} post", key),
        _one(db, _ASIDE, "trainer", key) if kind == "course" else None,
        _lists(db, key) if kind == "course" else [],
    )


def _one(db: Database, sql: str, *parameters: str) -> dict[str, Any] | None:
    row = db.one(sql, parameters)
    return dict(row) if row else None


def _orphan_of(db: Database, key: str) -> str | None:
    found = db.value(
        "SELECT main_id FROM courses WHERE id = ?"
        " AND NOT EXISTS (SELECT 1 FROM main_courses WHERE main_courses.id = courses.main_id)",
        (key,),
    )
    return None if found is None else str(found)


def _lists(db: Database, key: str) -> list[dict[str, Any]]:
    rows = db.all(
        "SELECT id, state, key, created_at, completed_at FROM outbox WHERE scope = 'class:' || ? ORDER BY id", (key,)
    )
    return [dict(row) for row in rows]


def _messages(db: Database, kind: Kind, key: str) -> list[dict[str, Any]]:
    """The record's messages; an effect is named after the system and the kind of record: "wordpress.course"."""
    rows = db.all(
        "SELECT id, effect, state, attempts, reason, remote_id, created_at, changed_at, sent_at, uncertain_since,"
        " next_at, completed_at, body IS NULL AS empty FROM outbox WHERE key = ? AND effect LIKE '%.' || ? ORDER BY id",
        (key, kind),
    )
    return [
        {name: row[name] for name in row.keys() if name != "empty"}  # noqa: SIM118 (a Row iterates over its values)
        | {"state": "dropped" if row["state"] == "failed" and row["empty"] else row["state"]}
        for row in rows
    ]
