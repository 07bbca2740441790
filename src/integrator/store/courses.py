"""The catalogue in the store: main_courses and courses, what was set aside, and every change of a field."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from integrator.database import Database
from integrator.domain.courses import Course, MainCourse, differences
from integrator.domain.fetched import Fetched

Kind = Literal["main_course", "course"]
_TABLES: dict[str, tuple[str, type[MainCourse] | type[Course]]] = {
    "main_course": ("main_courses", MainCourse),
    "course": ("courses", Course),
}
_AS_JSON = frozenset({"days", "venue", "trainers"})


@dataclass(frozen=True)
class Known:
    """What the store has of one kind.

    fingerprints  of the source's bytes → key; expected: keys the source had at its last good answer
    """

    fingerprints: dict[bytes, str]
    expected: set[str]
    missing: set[str]


@dataclass
class Applied:
    """What keeping one answer did: keys of new, changed, returned and newly missing records."""

    new: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    returned: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    @property
    def touched(self) -> list[str]:
        """Keys of which the site may have to show something else now."""
        return [*self.new, *self.changed, *self.returned, *self.missing]


class Catalogue:
    """Rows of one kind of record. Whatever writes must be called inside tx()."""

    def __init__(self, db: Database, kind: Kind) -> None:
        self._db = db
        self.kind = kind
        self._table, self._struct = _TABLES[kind]
        self._fields = self._struct.__struct_fields__
        self._unpack = msgspec.msgpack.Decoder(self._struct).decode
        columns = ", ".join(f'"{name}"' for name in self._fields)
        updates = ", ".join(f'"{name}" = excluded."{name}"' for name in self._fields[1:])
        holes = ", ".join("?" * (len(self._fields) + 3))
        # The identifiers are constants of this module; values travel as parameters only.
        self._put = (
            f"INSERT INTO {self._table} ({columns}, fingerprint, first_seen_at, changed_at) VALUES ({holes})"  # noqa: S608
            f" ON CONFLICT (id) DO UPDATE SET {updates}, fingerprint = excluded.fingerprint,"
            " changed_at = excluded.changed_at"
        )
        self._select = f"SELECT {columns} FROM {self._table}"  # noqa: S608

    # reading ------------------------------------------------------------------------------------

    def known(self) -> Known:
        """What we have, without the records themselves (100,000 of them: about 30 MB)."""
        rows = self._db.conn.execute(f"SELECT id, fingerprint, missing_since FROM {self._table}").fetchall()  # noqa: S608
        missing = {row[0] for row in rows if row[2] is not None}
        return Known({row[1]: row[0] for row in rows}, {row[0] for row in rows} - missing, missing)

    def get(self, key: str) -> MainCourse | Course | None:
        """One record, or None."""
        row = self._db.one(f"{self._select} WHERE id = ?", (key,))
        return self._record(row) if row else None

    def ends(self, keys: Iterable[str]) -> dict[str, str | None]:
        """When the named records end, as ISO text; a main course never does."""
        if self.kind == "main_course":
            return {}
        return {key: self._db.value('SELECT "end" FROM courses WHERE id = ?', (key,)) for key in keys}

    def story(self, key: str) -> dict[str, Any] | None:
        """What the row tells beside the record: first seen, changed, missing; None when there is no such row."""
        row = self._db.one(
            f"SELECT first_seen_at, changed_at, missing_since, missing_runs FROM {self._table} WHERE id = ?",  # noqa: S608
            (key,),
        )
        return dict(row) if row else None

    def changes(self, key: str, *, limit: int = 50) -> list[dict[str, Any]]:
        """The field changes of one record, oldest first."""
        rows = self._db.all(
            "SELECT at, run_id, fields FROM changes WHERE kind = ? AND key = ? ORDER BY id DESC LIMIT ?",
            (self.kind, key, limit),
        )
        return [dict(row) | {"fields": msgspec.json.decode(row["fields"])} for row in reversed(rows)]

    def _record(self, row: Sequence[Any]) -> MainCourse | Course:
        values = {
            name: msgspec.json.decode(value) if name in _AS_JSON and value is not None else value
            for name, value in zip(self._fields, row, strict=True)
        }
        return msgspec.convert(values, self._struct, strict=False)

    # keeping one answer ---------------------------------------------------------------------------

    def keep(
        self, fetched: Fetched, known: Known, gone: Iterable[str], *, missing_limit: int, at: int, run_id: int
    ) -> Applied:
        """Write what one complete answer says; nothing is written where nothing differs.

        gone           keys the answer should hold and does not; missing_limit  so many runs are counted, no more
        """
        applied = Applied()
        known_keys = known.expected | known.missing
        self._db.write_many(self._put, self._rows(fetched, known_keys, applied, at=at, run_id=run_id))
        for key in sorted(key for key in known.missing if fetched.holds(key)):
            self._db.write(f"UPDATE {self._table} SET missing_since = NULL, missing_runs = 0 WHERE id = ?", (key,))  # noqa: S608
            self._note(key, {"missing": [True, False]}, at=at, run_id=run_id)
            applied.returned.append(key)
        for key in sorted(gone):
            if self._count_missing(key, missing_limit, at=at):
                applied.missing.append(key)
            if key in known.expected:
                self._note(key, {"missing": [False, True]}, at=at, run_id=run_id)
        bad = {key: (why.code, why.reason) for key, why in fetched.bad.items()}
        SetAside(self._db).replace(self.kind, bad, at=at, run_id=run_id)
        return applied

    def _rows(
        self, fetched: Fetched, known_keys: set[str], applied: Applied, *, at: int, run_id: int
    ) -> Iterator[tuple[Any, ...]]:
        for key, (packed, fingerprint) in fetched.records.items():
            record = self._unpack(packed)
            if key not in known_keys:
                applied.new.append(key)
            elif not self._note_change(key, record, fingerprint, applied, at=at, run_id=run_id):
                continue
            yield (*self._values(record), fingerprint, at, at)

    def _note_change(
        self, key: str, record: MainCourse | Course, fingerprint: bytes, applied: Applied, *, at: int, run_id: int
    ) -> bool:
        old = self.get(key)
        fields = differences(old, record) if old else {}
        if not fields:  # only something we do not map changed
            self._db.write(
                f"UPDATE {self._table} SET fingerprint = ? WHERE id = ? AND fingerprint <> ?",  # noqa: S608
                (fingerprint, key, fingerprint),
            )
            return False
        applied.changed.append(key)
        self._note(key, fields, at=at, run_id=run_id)
        return True

    def _note(self, key: str, fields: dict[str, list[Any]], *, at: int, run_id: int) -> None:
        """Keep what changed of a record, for explain."""
        self._db.write(
            "INSERT INTO changes (kind, key, at, run_id, fields) VALUES (?, ?, ?, ?, ?)",
            (self.kind, key, at, run_id, msgspec.json.encode(fields).decode()),
        )

    def _values(self, record: MainCourse | Course) -> Iterator[Any]:
        for name in self._fields:
            value = getattr(record, name)
            yield msgspec.json.encode(value).decode() if name in _AS_JSON and value is not None else value

    def _count_missing(self, key: str, limit: int, *, at: int) -> bool:
        """One more run without it; False when that was counted often enough already."""
        return bool(
            self._db.write(
                f"UPDATE {self._table} SET missing_since = coalesce(missing_since, ?),"  # noqa: S608
                " missing_runs = missing_runs + 1 WHERE id = ? AND missing_runs < ?",
                (at, key, limit),
            )
        )


# Kinds of set_aside around a reseller.
BOOKING = "booking"  # a booking that waits for a person, who settles it
UNKNOWN_BOOKING = "unknown booking"  # cancelled by the reseller, and not known here
UNSOLD = "portal class"  # a class that is not there as it should be
OUTCOME = "outcome"  # of a class or a booking: what became of students cannot be taken from the source
PAPER = "document"  # of a booking: one that cannot be uploaded, or does not fit any more


class SetAside:
    """What needs a person, by kind and key: a record that cannot be read, one held back, one with several posts."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def of(self, kind: str) -> dict[str, dict[str, Any]]:
        """The rows of one kind, by key."""
        return {row["key"]: dict(row) for row in self._db.all("SELECT * FROM set_aside WHERE kind = ?", (kind,))}

    def reasons(self, kind: str) -> dict[str, tuple[str, str]]:
        """The same as replace() takes them: (code, reason) by key."""
        return {key: (row["code"], row["reason"]) for key, row in self.of(kind).items()}

    def replace(self, kind: str, found: Mapping[str, tuple[str, str]], *, at: int, run_id: int) -> None:
        """What there is of a kind now: key → (code, reason). Writes nothing where nothing differs."""
        kept = "SELECT key, reason FROM set_aside WHERE kind = ?"
        before = {row[0]: row[1] for row in self._db.conn.execute(kept, (kind,))}
        for key in before.keys() - found.keys():
            self._db.write("DELETE FROM set_aside WHERE kind = ? AND key = ?", (kind, key))
        for key, (code, reason) in found.items():
            if before.get(key) != reason:
                self._db.write(
                    "INSERT INTO set_aside (kind, key, code, reason, first_at, run_id) VALUES (?, ?, ?, ?, ?, ?)"
                    " ON CONFLICT (kind, key) DO UPDATE SET code = excluded.code, reason = excluded.reason",
                    (kind, key, code, reason, at, run_id),
                )

    def drop(self, kind: str, key: str) -> bool:
        """A person has seen to it. False: there was none."""
        return bool(self._db.write("DELETE FROM set_aside WHERE kind = ? AND key = ?", (kind, key)))


class Sources:
    """Which answer of a source, read by which mapping, the catalogue stands for."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def mapping(self, name: str) -> bytes:
        """The fingerprint of the mapping that read the last good answer; b"" when there was none."""
        return bytes(self._db.value("SELECT mapping FROM sources WHERE name = ?", (name,)) or b"")

    def keep(self, name: str, fetched: Fetched, *, at: int) -> None:
        """Remember the answer that was just kept; does not write when it is the same one."""
        self._db.write(
            "INSERT INTO sources (name, mapping, answer, records, changed_at) VALUES (?1, ?2, ?3, ?4, ?5)"
            " ON CONFLICT (name) DO UPDATE SET mapping = ?2, answer = ?3, records = ?4, changed_at = ?5"
            " WHERE mapping <> ?2 OR answer <> ?3",
            (name, fetched.mapping, fetched.digest, fetched.total, at),
        )
