"""What the site has to show, and what we remember of the posts that show it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from integrator.database import Database
from integrator.domain.courses import PERSONAL_FIELDS, is_past, visibility
from integrator.store.courses import Catalogue, Kind

_PAGE = 500


@dataclass(frozen=True, slots=True)
class Wanted:
    """One record as the site has to show it: its facts in our words.

    facts   the record without personal fields; show "publish" or "draft"; missing_since;
            current: the source has it, and it is not over
    """

    kind: Kind
    key: str
    facts: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Remembered:
    """Our memory of one post.

    made         it was there once, by our hand
    cleaned      by target, [hash of what we sent, hash of what came back]: the site cleans some texts
    asked        a status we began to give it, and whose outcome nobody wrote down
    unpublished  we took it off the site ourselves
    restored     the store was put back since: what we did with it after this memory is forgotten
    """

    made: bool
    cleaned: dict[str, list[str]]
    asked: str | None
    unpublished: bool
    restored: bool = False


class Posts:
    """Rows of the table posts, joined with the catalogue."""

    def __init__(self, db: Database, *, missing_limit: int, past: str, now: datetime) -> None:
        self._db = db
        self._missing_limit = missing_limit
        self._past = past
        self._now = now

    def wanted(self, kind: Kind, keys: Iterable[str] | None = None) -> Iterator[Wanted]:
        """Everything of one kind (or the named records) the site has to show, in the order of keys.

        Courses whose main course is unknown are left out: they are held back, and nothing is taken down.
        """
        catalogue = Catalogue(self._db, kind)
        for key in self._keys(kind) if keys is None else keys:
            record = catalogue.get(key)
            story = catalogue.story(key)
            if record is None or story is None or (kind == "course" and self._is_orphan(key)):
                continue
            yield Wanted(kind, key, self._facts(kind, msgspec.to_builtins(record), story))

    def held_back(self) -> list[str]:
        """Courses whose main course the source does not have."""
        rows = self._db.all(
            "SELECT id FROM courses WHERE missing_since IS NULL"
            " AND NOT EXISTS (SELECT 1 FROM main_courses WHERE main_courses.id = courses.main_id) ORDER BY id"
        )
        return [row["id"] for row in rows]

    def remembered(self) -> dict[tuple[str, str], Remembered]:
        """What only we know of every post we have written, or began to write, by kind and key."""
        rows = self._db.all("SELECT * FROM posts")
        restored_at = int(self._db.value("SELECT value FROM counters WHERE name = 'restored_at'") or 0)
        return {
            (row["kind"], row["key"]): Remembered(
                row["post_id"] is not None,
                msgspec.json.decode(row["cleaned"]),
                row["asked"],
                row["unpublished_at"] is not None,
                row["changed_at"] <= restored_at,
            )
            for row in rows
        }

    def ask(self, kind: Kind, key: str, status: str) -> None:
        """Remember that we are about to give a post this status; in the transaction that begins its message.

        Whatever becomes of the request, the next run can tell our decision from an editor's.
        """
        self._db.write(
            "INSERT INTO posts (kind, key, asked, changed_at) VALUES (?1, ?2, ?3, ?4)"
            " ON CONFLICT (kind, key) DO UPDATE SET asked = ?3, changed_at = ?4",
            (kind, key, status, int(self._now.timestamp())),
        )

    def keep(self, kind: Kind, key: str, *, post_id: int | None, cleaned: dict[str, Any], decided: str | None) -> None:
        """Remember a post after it was written; inside the completing transaction.

        cleaned   changes of that memory by target, None forgets one
        decided   the status is ours now: "draft" we took it down, "publish" it is shown; None: nothing new
        """
        if post_id is None:
            return
        self._db.write(
            "INSERT INTO posts (kind, key, post_id, cleaned, unpublished_at, changed_at)"
            " VALUES (?1, ?2, ?3, json_patch('{}', ?4), iif(?6 = 'draft', ?5, NULL), ?5)"
            " ON CONFLICT (kind, key) DO UPDATE SET post_id = ?3, cleaned = json_patch(cleaned, ?4), changed_at = ?5,"
            "  asked = iif(?6 IS NULL, asked, NULL),"
            "  unpublished_at = CASE ?6 WHEN 'draft' THEN coalesce(unpublished_at, ?5) WHEN 'publish' THEN NULL"
            "   ELSE unpublished_at END",
            (kind, key, post_id, msgspec.json.encode(cleaned).decode(), int(self._now.timestamp()), decided),
        )

    def get(self, kind: Kind, key: str) -> dict[str, Any] | None:
        """Our memory of one post, or None."""
        row = self._db.one("SELECT * FROM posts WHERE kind = ? AND key = ?", (kind, key))
        return dict(row) if row else None

    def _keys(self, kind: Kind) -> Iterator[str]:
        table = "main_courses" if kind == "main_course" else "courses"
        last = ""
        while rows := self._db.all(f"SELECT id FROM {table} WHERE id > ? ORDER BY id LIMIT {_PAGE}", (last,)):  # noqa: S608
            yield from (row["id"] for row in rows)
            last = rows[-1]["id"]

    def _is_orphan(self, key: str) -> bool:
        return not self._db.value(
            "SELECT 1 FROM main_courses WHERE id = (SELECT main_id FROM courses WHERE id = ?)", (key,)
        )

    def _facts(self, kind: Kind, record: dict[str, Any], story: dict[str, Any]) -> dict[str, Any]:
        since = story["missing_since"]
        facts = {name: value for name, value in record.items() if name not in PERSONAL_FIELDS}
        facts |= {"missing_since": None if since is None else datetime.fromtimestamp(since, UTC).isoformat()}
        if kind == "main_course":
            return facts | {"show": "publish" if record["active"] else "draft", "current": since is None}
        shown = visibility(
            status=record["status"],
            end=record["end"],
            missing_runs=story["missing_runs"],
            missing_limit=self._missing_limit,
            past=self._past,
            now=self._now,
        )
        return facts | {"show": shown, "current": since is None and not is_past(record["end"], now=self._now)}
