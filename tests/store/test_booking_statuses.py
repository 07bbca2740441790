"""Statuses and documents of bookings in the store: versions that only grow, contents that are asked for once."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from booking_outcomes import CLASS, LAST_DAY, NOW, TP, book, reference
from integrator.database import Database
from integrator.domain.portal import DOCUMENT
from integrator.runtime.outbox import Outbox
from integrator.store import open_store
from integrator.store.booking_documents import BookingDocuments, key_of
from integrator.store.booking_statuses import BookingStatuses

HASH = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    found = open_store(tmp_path / "store.db", backups=tmp_path).db
    book(found)
    yield found
    found.close()


def put(db: Database, status: str = "COMPLETED", on: str | None = LAST_DAY, *, booking: str = TP) -> int | None:
    return BookingStatuses(db).set(booking, status, on, source="command", at=NOW)


def complete(db: Database, booking: str = TP) -> None:
    version = put(db, booking=booking)
    assert version is not None
    BookingStatuses(db).told(booking, version, at=NOW)


def add(db: Database, sha256: str = HASH, *, booking: str = TP) -> bool:
    added = BookingDocuments(db).add(booking, sha256, "a.pdf", "file", 17, at=NOW)
    Outbox(db, clock=lambda: NOW).once(DOCUMENT, key_of(booking, sha256), {"sha256": sha256})
    return added


def test_versions_count_up_and_the_same_again_is_none(db: Database) -> None:
    assert [put(db), put(db), put(db, on="2027-03-02"), put(db, "FAILED", None), put(db, "FAILED", None), put(db)] == [
        *(1, None, 2, 3, None, 4)
    ]
    found = BookingStatuses(db).get(TP)
    assert found is not None
    assert (found["status"], found["completed_on"], found["version"], found["told_version"]) == (
        *("COMPLETED", LAST_DAY, 4, 0),
    )


def test_an_older_version_told_late_does_not_count(db: Database) -> None:
    for _ in range(2):
        put(db, "FAILED", None)
        put(db)
    statuses = BookingStatuses(db)
    for version in (3, 1, 2):
        statuses.told(TP, version, at=NOW + version)
    found = statuses.get(TP)
    assert found is not None
    assert (found["told_version"], found["told_at"]) == (3, NOW + 3)
    assert [row["reference"] for row in statuses.listed(untold=True)] == [TP]
    statuses.told(TP, 4, at=NOW)
    assert statuses.listed(untold=True) == []


def test_a_class_is_known_as_it_is_now_else_as_it_was_booked(db: Database) -> None:
    book(db, reference("C"), id="25999-01", start="2027-05-01", end="2027-05-02")
    book(db, reference("D"), state="cancelled", id="25999-02")
    db.write(
        "INSERT INTO courses (id, main_id, title, days, status, trainers, fingerprint, first_seen_at, changed_at,"
        ' start, "end") VALUES (?, ?, ?, ?, ?, ?, ?, 1, 1, ?, ?)',
        (CLASS, "25172", "t", "[]", "open", "[]", b"", "2027-06-01", "2027-06-02"),
    )
    assert BookingStatuses(db).classes() == {
        CLASS: {"start": "2027-06-01", "end": "2027-06-02"},
        "25999-01": {"start": "2027-05-01", "end": "2027-05-02"},
    }


def test_documents_may_leave_once_completed_is_told_and_nothing_has_changed_since(db: Database) -> None:
    documents = BookingDocuments(db)
    assert (documents.completed(), documents.student(TP)) == ({}, None)
    put(db)
    assert not documents.is_complete(TP)
    complete_version = BookingStatuses(db)
    complete_version.told(TP, 1, at=NOW)
    assert documents.is_complete(TP)
    assert list(documents.completed()) == [TP]
    put(db, "FAILED", None)
    complete_version.told(TP, 2, at=NOW)
    assert not documents.is_complete(TP)


@pytest.mark.parametrize("change", ["participants SET anonymised_at = 1", "bookings SET state = 'cancelled'"])
def test_documents_of_somebody_erased_or_cancelled_stay(db: Database, change: str) -> None:
    complete(db)
    db.write(f"UPDATE {change}")
    assert BookingDocuments(db).completed() == {}


def test_the_same_content_is_asked_for_once_for_each_booking(db: Database) -> None:
    book(db, reference("B"))
    assert [add(db), add(db), add(db, booking=reference("B"))] == [True, False, True]
    assert BookingDocuments(db).waiting() == {(TP, HASH), (reference("B"), HASH)}


def test_what_has_not_left_is_forgotten_with_its_message_and_can_be_asked_for_again(db: Database) -> None:
    add(db)
    assert BookingDocuments(db).forget_unsent(TP) == 1
    assert db.all("SELECT * FROM outbox") == db.all("SELECT * FROM booking_documents") == []
    assert add(db)


@pytest.mark.parametrize(
    "where",
    ["state = 'processing', sent_at = 1", "state = 'failed', uncertain_since = 1", "state = 'completed', body = NULL"],
)
def test_what_left_or_may_have_left_is_not_forgotten(db: Database, where: str) -> None:
    add(db)
    db.write(f"UPDATE outbox SET {where}")
    assert BookingDocuments(db).forget_unsent(TP) == 0
    assert not add(db)


def test_bytes_are_needed_until_they_are_uploaded_or_given_up(db: Database) -> None:
    add(db)
    db.write("UPDATE outbox SET state = 'failed'")
    assert BookingDocuments(db).waiting() == {(TP, HASH)}
    db.write("UPDATE outbox SET body = NULL")
    assert BookingDocuments(db).waiting() == set()
