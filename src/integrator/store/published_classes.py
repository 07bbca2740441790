"""Classes in the store as a reseller sells them: what it has of each, and how each stands in our catalogue."""

from collections.abc import Collection, Iterator
from typing import Any

import msgspec

from integrator.database import Database
from integrator.domain.courses import Course
from integrator.domain.portal import ClassFacts
from integrator.domain.portal_classes import Memory, Standing, State
from integrator.store.courses import Catalogue, SetAside

_IMPORT = "import-courses"


class PublishedClasses:
    """Rows of published_classes. What writes must be called inside tx()."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def all(self) -> dict[str, Memory]:
        """Every class we have published, by its id."""
        return {row["class_id"]: _memory(row) for row in self._db.all("SELECT * FROM published_classes")}

    def state(self, class_id: str) -> State | None:
        """How a class stands there, as far as we know; None: it was never published."""
        found: State | None = self._db.value("SELECT state FROM published_classes WHERE class_id = ?", (class_id,))
        return found

    def keep(self, memory: Memory, *, at: int) -> bool:
        """Remember a class as it is there now. False: nothing differed, nothing was written."""
        return bool(
            self._db.write(
                "INSERT INTO published_classes (class_id, course_id, state, facts, cancelled_at, changed_at)"
                " VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (class_id) DO UPDATE SET course_id = ?2, state = ?3,"
                "  facts = ?4, cancelled_at = ?5, changed_at = ?6"
                " WHERE course_id <> ?2 OR state <> ?3 OR facts IS NOT ?4 OR cancelled_at IS NOT ?5",
                (memory.class_id, memory.course_id, memory.state, _packed(memory), memory.cancelled_at, at),
            )
        )


def _packed(memory: Memory) -> str | None:
    """The facts as they have them; "sent" and "tried" stand beside them while they say something."""
    if memory.facts is None:
        return None
    beside = {name: value for name, value in (("sent", memory.sent), ("tried", memory.tried)) if value}
    return msgspec.json.encode(msgspec.to_builtins(memory.facts) | beside, order="sorted").decode()


def _memory(row: Any) -> Memory:
    packed: dict[str, Any] = msgspec.json.decode(row["facts"]) if row["facts"] else {}
    sent, tried = packed.pop("sent", {}), packed.pop("tried", {})
    facts = msgspec.convert(packed, ClassFacts) if packed else None
    return Memory(row["class_id"], row["course_id"], row["state"], facts, row["cancelled_at"], sent, tried)


# our catalogue --------------------------------------------------------------------------------------


def last_pull(db: Database) -> int:
    """When the newest run began that kept a whole list of courses (epoch seconds); 0: none has."""
    found = db.value(
        "SELECT max(started_at) FROM runs WHERE job = ? AND json_extract(counts, '$.\"courses.read\"') > 0", (_IMPORT,)
    )
    return int(found or 0)


def standings(
    db: Database, *, main_ids: Collection[str], keys: Collection[str], missing_limit: int
) -> Iterator[Standing]:
    """The classes of these main courses, and those of the keys, each as it stands after the last good list.

    missing_limit   in so many lists import-courses counts a missing class, and no more
    """
    catalogue, unreadable, pulled_at = Catalogue(db, "course"), SetAside(db).of("course"), last_pull(db)
    rows = db.all(
        "SELECT id, status, changed_at, missing_since, missing_runs FROM courses"
        " WHERE main_id IN (SELECT value FROM json_each(?)) OR id IN (SELECT value FROM json_each(?)) ORDER BY id",
        tuple(msgspec.json.encode(sorted(found)).decode() for found in (main_ids, keys)),
    )
    for row in rows:
        course = catalogue.get(row["id"])
        assert isinstance(course, Course)
        missing = row["missing_since"] is not None
        gone = (missing and _is_confirmed_missing(row, missing_limit, pulled_at)) or (
            row["status"] == "cancelled" and pulled_at > row["changed_at"]
        )
        yield Standing(course, readable=row["id"] not in unreadable, missing=missing, gone=gone)


def _is_confirmed_missing(row: Any, limit: int, pulled_at: int) -> bool:
    """Missing in a second good list. Where import-courses counts to one only, by the time of the last one."""
    if limit >= 2:
        return int(row["missing_runs"]) >= 2
    return pulled_at > int(row["missing_since"])
