"""Where somebody is: every registered column of the store and of its copies, their bookings, the bytes of every file.

Only places are given back, never what stands there.
"""

import json
import os
import tempfile
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from integrator.database import Database
from integrator.domain.retention import Person, mentions, normalised, texts_of
from integrator.errors import IntegratorError
from integrator.store.erasure import bookings, proof
from integrator.store.erasure.copies import Copies
from integrator.store.erasure.people import find
from integrator.store.erasure.requests import same_as
from integrator.store.personal import REGISTER

_TEMPORARY = ("integrator-*", "dry-run-*", "replay-*")
_OF_BOOKINGS = ("bookings", "booking_statuses", "booking_documents")
_SHORTEST_SPELLING = 4
_FORMS: tuple[Literal["NFC", "NFD"], ...] = ("NFC", "NFD")


@dataclass(frozen=True)
class Place:
    """where "participants.email" or a path; key the row's ("10482/1"), "bytes", or "booking" (a paper of theirs);
    times: how often."""

    where: str
    key: str
    times: int


def in_store(db: Database, person: Person, spellings: set[str]) -> list[Place]:
    """The registered columns of one store that name somebody; the ways they are written are added to spellings."""
    columns: dict[str, list[str]] = {}
    for place in REGISTER:
        if "/" not in place.where:
            table, _, column = place.where.partition(".")
            columns.setdefault(table, []).append(column)
    return [place for table, names in columns.items() for place in _in_table(db, table, names, person, spellings)]


def _in_table(db: Database, table: str, columns: list[str], person: Person, spellings: set[str]) -> Iterator[Place]:
    info = db.all(f'PRAGMA table_info("{table}")')
    keys = [row["name"] for row in sorted(info, key=lambda row: row["pk"]) if row["pk"]]
    there = [column for column in columns if column in {row["name"] for row in info}]
    chosen = ", ".join(f'"{name}"' for name in dict.fromkeys([*keys, *there]))
    for row in db.all(f'SELECT {chosen} FROM "{table}"') if there else []:  # noqa: S608 (names of ours)
        key = "/".join(str(row[name]) for name in keys)
        for column in there:
            if times := _times(row[column], person, spellings):
                yield Place(f"{table}.{column}", key, times)
        if "first_name" in there and (times := _times(f"{row['first_name']} {row['last_name']}", person, spellings)):
            yield Place(f"{table}.first_name", key, times)


def in_bookings(db: Database, person: Person) -> list[Place]:
    """What stands about a student beside their name: the registered columns of their bookings that hold something."""
    orders = json.dumps(sorted(_as_student(db, person)))
    places = []
    for place in REGISTER:
        table, _, column = place.where.partition(".")
        if table not in _OF_BOOKINGS or not db.all(f"PRAGMA table_info({table})"):  # a copy from before there were any
            continue
        sql = (
            f"SELECT b.order_id, count(held.{column}) AS times FROM bookings b"  # noqa: S608 (names of ours)
            f" JOIN {table} held ON held.reference = b.reference"
            " WHERE b.order_id IN (SELECT value FROM json_each(?)) GROUP BY b.order_id HAVING times > 0 ORDER BY 1"
        )
        places += [Place(place.where, str(row["order_id"]), row["times"]) for row in db.all(sql, (orders,))]
    return places


def references_of(db: Database, person: Person) -> set[str]:
    """The bookings in which somebody is the student: their papers lie under these names."""
    return bookings.references(db, _as_student(db, person))


def _as_student(db: Database, person: Person) -> set[int]:
    return {order for order, _ in find(db, same_as(person)).participants}


def _times(value: Any, person: Person, spellings: set[str]) -> int:
    if not isinstance(value, str):
        return 0
    facts = _decoded(value)
    spellings |= {text for text in texts_of(facts) if normalised(person.kind, text) == person.value}
    return mentions(facts, person)


def _decoded(text: str) -> Any:
    if text[:1] in "[{":
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text


def in_copies(copies: Copies, person: Person, spellings: set[str], unreadable: list[Path]) -> list[Place]:
    """What the copies of the store hold, read as stores; where names the file, too."""
    places = []
    for path in copies.files():
        try:
            with copies.opened(path) as db:
                inside = [*in_store(db, person, spellings), *in_bookings(db, person)] if db is not None else []
        except IntegratorError:
            unreadable.append(path)
            continue
        places += [replace(place, where=f"{path.name}: {place.where}") for place in inside]
    return places


# files ------------------------------------------------------------------------------------------------


def files(home: Path, store: Path, unreadable: list[Path], *, beside: Iterable[Path] = ()) -> Iterator[Path]:
    """Every file below the home, the store wherever it lies, and what a run may have left in the temporary folder.

    beside   folders of ours that may lie elsewhere, or nowhere yet
    """
    roots = [
        home,
        *(path for path in beside if path.exists()),
        *(found for name in _TEMPORARY for found in Path(tempfile.gettempdir()).glob(name)),
    ]
    seen = set()
    for root in [*roots, *store.parent.glob(f"{store.name}*")]:
        for path in _below(root, unreadable):
            if path not in seen:
                seen.add(path)
                yield path


def _below(root: Path, unreadable: list[Path]) -> Iterator[Path]:
    """The plain files below; a link is not followed, a closed folder is named as unreadable."""
    found: Iterable[Path] = [root]
    if not root.is_symlink() and root.is_dir():
        walk = os.walk(root, onerror=lambda error: unreadable.append(Path(error.filename)))
        found = (Path(folder) / name for folder, _, names in walk for name in sorted(names))
    return (path for path in found if path.is_file() and not path.is_symlink())


def in_files(paths: Iterable[Path], person: Person, spellings: set[str], unreadable: list[Path]) -> list[Place]:
    """The files whose bytes name somebody: as UTF-8, Latin-1 or JSON with escapes, in upper or lower case.

    No store may be open in this process: closing a file drops SQLite's locks on it.
    """
    texts = {person.text, *person.spellings(), *spellings}
    patterns = sorted({pattern for text in texts for pattern in _patterns(text)})
    places = []
    for path in paths:
        try:
            found = proof.counted(proof.chunks_of(path), patterns, fold=True)
        except OSError:
            unreadable.append(path)
            continue
        if found:
            places.append(Place(str(path), "bytes", max(found.values())))
    return places


def _patterns(text: str) -> Iterator[bytes]:
    """A text as bytes, ASCII letters small; a name also without each of its blanks: columns lie side by side.

    Letters are one character (NFC) or, as a Mac writes file names, a letter and its ring (NFD).
    """
    words = text.split(" ")
    joined = [" ".join(words[:index]) + " ".join(words[index:]) for index in range(1, len(words))]
    cases = {form for one in (text, *joined) for form in (one, one.lower(), one.upper(), one.title())}
    for spelling in {unicodedata.normalize(form, case) for case in cases for form in _FORMS}:
        if len(spelling) < _SHORTEST_SPELLING:
            continue
        yield spelling.encode().lower()
        yield json.dumps(spelling)[1:-1].encode("ascii").lower()
        with suppress(UnicodeEncodeError):
            yield spelling.encode("latin-1").lower()
