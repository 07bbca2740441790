"""Students of a reseller's bookings: what erasing, following the journal, exporting and tracing do with them."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from booking_rows import BIRTH_DATE, Booking, add_booking, add_cancelled, row
from integrator.database import Database, connect
from integrator.domain.retention import Periods, person_from
from integrator.errors import Refused, Unavailable
from integrator.home import Home
from integrator.store import backup, check, open_store
from integrator.store.erasure import leftovers
from integrator.store.erasure import requests as erasure_requests
from integrator.store.erasure import trace as erasure_trace
from integrator.store.erasure.copies import Copies
from integrator.store.erasure.journal import Entry, Journal
from integrator.store.erasure.people import exported, find
from integrator.store.erasure.steps import Erasing, erase_in_restored
from integrator.store.erasure.work import journal_work, rules_work
from integrator.store.orders import Orders
from older_stores import take_back
from people import DAY, add_order, full_name, person, traces

AT = int(datetime(2027, 6, 1, 4, 0, tzinfo=UTC).timestamp())
PERIODS = Periods(participants_days=90, orders_days=2_190, orderlines_days=365)
ENDED, NEW = "2027-02-01T16:00:00+01:00", "2027-05-20"
STUDENT, ENROLLER = person(1), person(2)
PAPER = f"{full_name(STUDENT)}.pdf"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "home")
    made.var.mkdir(parents=True)
    return made


@pytest.fixture
def db(home: Home) -> Iterator[Database]:
    opened = open_store(home.var / "integrator.db", backups=home.backups).db
    yield opened
    check(opened, kind="full")
    opened.close()


def due(db: Database, **more: Any) -> Booking:
    """A booking whose class is long over."""
    facts = {"enroller": ENROLLER, "documents": (PAPER,)} | more
    return add_booking(db, STUDENT, completed_at=AT - 200 * DAY, class_end=ENDED, **facts)


def recent(db: Database, **more: Any) -> Booking:
    facts = {"enroller": ENROLLER, "documents": (PAPER,)} | more
    return add_booking(db, STUDENT, completed_at=AT - 10 * DAY, class_end=NEW, **facts)


def erasing(db: Database, home: Home, at: int = AT) -> Erasing:
    return Erasing(db, Journal(home.var), at, "tester")


def by_rules(db: Database, home: Home, at: int = AT) -> Erasing:
    round_ = erasing(db, home, at)
    round_.by_rules(PERIODS)
    round_.finish()
    return round_


def bytes_left(path: Path, booking: Booking) -> set[str]:
    content = path.read_bytes()
    wanted = {"birth date": BIRTH_DATE.encode(), "request": booking.request_hash, "key": booking.request_key.encode()}
    wanted |= {"reference": booking.reference.encode(), "theirs": booking.portal_reference.encode()}
    return {name for name, value in wanted.items() if value in content}


KEPT = {"reference", "theirs"}


# rules ------------------------------------------------------------------------------------------------


def test_after_the_class_the_student_is_nobody_and_the_booking_stays_for_bookkeeping(home: Home, db: Database) -> None:
    booking = due(db)
    counts = by_rules(db, home).counts
    assert (counts["bookings.anonymised"], counts["booking_documents.deleted"]) == (1, 1)
    found = row(db, booking)
    assert found is not None
    gone = {name: found[name] for name in ("request_hash", "birth_date", "anonymised_at")}
    assert gone == {"request_hash": None, "birth_date": None, "anonymised_at": AT}
    assert (found["state"], found["portal_reference"]) == ("confirmed", booking.portal_reference)
    assert db.value("SELECT status FROM booking_statuses") == "COMPLETED"
    assert traces(home.var, [STUDENT, ENROLLER]) == {}
    assert bytes_left(db.path, booking) == KEPT
    assert PAPER.encode() not in db.path.read_bytes()


def test_who_enrolled_goes_by_name_too_without_a_company_for_the_reseller_is_the_buyer(
    home: Home, db: Database
) -> None:
    booking, private = due(db), add_order(db, [STUDENT], completed_at=AT - 200 * DAY, class_end=ENDED, company=None)
    by_rules(db, home)
    names = {found["id"]: found["customer_name"] for found in db.all("SELECT id, customer_name FROM orders")}
    assert names == {booking.order: None, private: full_name(STUDENT)}


def test_a_digest_of_the_request_goes_with_the_key_that_was_made_of_it(home: Home, db: Database) -> None:
    """Else the same request would begin to count anew, and be answered with the order of who was erased."""
    booking = due(db)
    asked = f"trainingportal:{booking.request_hash.hex()}:0"
    assert Orders(db).by_key(asked) is not None
    by_rules(db, home)
    assert Orders(db).by_key(asked) is None
    assert db.value("SELECT request_key FROM orders WHERE id = ?", (booking.order,)).startswith("erased-")
    own = add_order(db, [STUDENT], completed_at=AT - 200 * DAY, class_end=ENDED)
    before = db.value("SELECT request_key FROM orders WHERE id = ?", (own,))
    by_rules(db, home)
    assert db.value("SELECT request_key FROM orders WHERE id = ?", (own,)) == before


def test_a_digest_that_another_booking_holds_rightly_is_no_failure(home: Home, db: Database) -> None:
    """The same student asked again, for a seat that was cancelled: they are in a class that is not over yet."""
    booking, other = due(db), recent(db)
    db.write("UPDATE bookings SET request_hash = ?", (booking.request_hash,))
    by_rules(db, home)
    assert [found["reference"] for found in db.all("SELECT * FROM bookings WHERE request_hash IS NOT NULL")] == [
        other.reference
    ]


@pytest.mark.parametrize("messages", [{"told": "failed"}, {"uploaded": "failed"}])
def test_a_message_about_the_student_that_failed_can_no_longer_be_sent(
    messages: dict[str, str], home: Home, db: Database
) -> None:
    due(db, **messages)
    assert db.value("SELECT count(*) FROM outbox WHERE body IS NOT NULL") == 1
    assert by_rules(db, home).counts["bodies.dropped"] == 1
    assert db.value("SELECT count(*) FROM outbox WHERE body IS NOT NULL") == 0


@pytest.mark.parametrize("messages", [{"told": "received"}, {"told": "processing"}, {"uploaded": "processing"}])
def test_an_order_whose_status_or_paper_is_under_way_waits(messages: dict[str, str], home: Home, db: Database) -> None:
    booking = due(db, **messages)
    assert rules_work(db, PERIODS, AT).under_way.keys() == {f"order {booking.order}"}
    by_rules(db, home)
    found = row(db, booking)
    assert found is not None
    assert (found["birth_date"], found["anonymised_at"]) == (BIRTH_DATE, None)
    with pytest.raises(Unavailable, match="is still under way; nothing was erased"):
        erasure_requests.erase(erasing(db, home), person_from(STUDENT["email"]))


def test_an_order_that_goes_takes_its_booking_with_all_of_it(home: Home, db: Database) -> None:
    booking = add_booking(
        db, STUDENT, completed_at=AT - 2_300 * DAY, class_end="2021-02-01", documents=(PAPER,), told="failed"
    )
    other = recent(db)
    db.write("INSERT INTO set_aside VALUES ('booking', ?, 'unseen', 'look', 0, 1)", (booking.reference,))
    db.write("INSERT INTO set_aside VALUES ('course', ?, 'bad', 'look', 0, 1)", (other.reference,))
    counts = by_rules(db, home).counts
    assert (counts["orders.deleted"], counts["bookings.deleted"], counts["booking_documents.deleted"]) == (1, 1, 1)
    for table in ("bookings", "booking_statuses", "booking_documents"):
        assert [found["reference"] for found in db.all(f"SELECT reference FROM {table}")] == [other.reference]
    assert [found["key"] for found in db.all("SELECT key FROM set_aside")] == [other.reference]
    assert bytes_left(db.path, booking) - {"birth date"} == set()  # the other one was born on the same day


@pytest.mark.parametrize("state", ["cancelled", "unseen"])
def test_a_booking_that_came_to_nothing_goes_with_its_order_from_backups_too(
    state: str, home: Home, db: Database
) -> None:
    booking = add_cancelled(db, changed_at=AT - 90 * DAY, state=state)
    made = backup.make(db, home.backups, at=AT - DAY)
    assert bytes_left(made, booking) == {*KEPT, "birth date", "request", "key"}
    assert by_rules(db, home).counts["bookings.deleted"] == 1
    copies = Copies(db.path, home.backups, Journal(home.var), PERIODS, AT)
    copies.erase()
    assert (copies.counts["backups.rewritten"], copies.failed) == (1, {})
    assert [bytes_left(path, booking) for path in (db.path, made)] == [set(), set()]
    assert copies.due() == []


def test_a_student_who_lost_the_seat_is_kept_until_the_class_is_over(home: Home, db: Database) -> None:
    """Their seat ran out long ago; the booking stands, and a person finds them another seat."""
    booking = add_cancelled(db, changed_at=AT - 90 * DAY, state="confirmed")
    db.write("UPDATE orders SET class = json_set(class, '$.end', '2027-07-01')")
    db.write("UPDATE bookings SET task = 'lost_seat'")
    assert by_rules(db, home).counts == {}
    assert row(db, booking) is not None
    after = int(datetime(2027, 10, 1, 4, 0, tzinfo=UTC).timestamp())
    assert by_rules(db, home, after).counts["bookings.deleted"] == 1
    assert bytes_left(db.path, booking) == set()


def test_what_is_on_hold_stays_whole(home: Home, db: Database) -> None:
    booking = due(db, hold="dispute 2027-3")
    by_rules(db, home)
    assert db.value("SELECT count(*) FROM booking_documents") == 1
    assert bytes_left(db.path, booking) == {*KEPT, "birth date", "request", "key"}
    with pytest.raises(Refused):
        erasure_requests.erase(erasing(db, home), person_from(STUDENT["email"]))


# one person -------------------------------------------------------------------------------------------


def test_a_student_is_erased_on_request_and_who_enrolled_them_stays(home: Home, db: Database) -> None:
    booking = recent(db, told="failed", uploaded="failed")
    round_ = erasing(db, home)
    erasure_requests.erase(round_, person_from(STUDENT["email"]))
    assert round_.finish()
    assert traces(home.var, [STUDENT]) == {}
    assert bytes_left(db.path, booking) == KEPT
    assert db.value("SELECT customer_email FROM orders") == ENROLLER["email"]
    assert db.value("SELECT count(*) FROM booking_documents") == 0
    assert db.value("SELECT count(*) FROM outbox WHERE body IS NOT NULL") == 0
    assert round_.counts["bookings.anonymised"] == 1


def test_who_enrolled_is_erased_on_request_and_the_student_stays(home: Home, db: Database) -> None:
    booking = recent(db)
    round_ = erasing(db, home)
    erasure_requests.erase(round_, person_from(ENROLLER["email"]))
    assert round_.finish()
    assert traces(home.var, [ENROLLER]) == {}
    assert bytes_left(db.path, booking) == {*KEPT, "birth date"}
    assert db.value("SELECT name FROM booking_documents") == PAPER
    found = row(db, booking)
    assert found is not None
    assert found["anonymised_at"] is None


def test_who_enrolled_and_is_known_by_name_alone_goes_from_copies_too(home: Home, db: Database) -> None:
    recent(db)
    db.write("UPDATE orders SET customer_email = NULL, customer_phone = NULL")
    made = backup.make(db, home.backups, at=AT - DAY)
    round_ = erasing(db, home)
    erasure_requests.erase(round_, person_from(full_name(ENROLLER)))
    assert round_.finish()
    copies = Copies(db.path, home.backups, Journal(home.var), PERIODS, AT)
    copies.erase()
    assert full_name(ENROLLER).encode() not in made.read_bytes()
    assert copies.due() == []


def test_a_student_of_whom_nothing_but_an_address_is_known_is_one_person(home: Home, db: Database) -> None:
    nameless = STUDENT | {"first_name": "", "last_name": "", "comment": None}
    for student in (nameless, STUDENT):
        add_booking(db, student, completed_at=AT - DAY, class_end=NEW, enroller=ENROLLER)
    round_ = erasing(db, home)
    erasure_requests.erase(round_, person_from(STUDENT["email"]))
    assert round_.counts["bookings.anonymised"] == 2


def test_an_export_tells_a_student_of_their_booking_and_who_enrolled_them_of_nothing_in_it(
    home: Home, db: Database
) -> None:
    booking = recent(db)
    who = person_from(STUDENT["email"])
    [order] = exported(db, find(db, erasure_requests.same_as(who)), who.text)["orders"]
    told = order["booking"]
    assert (told["reference"], told["portal_reference"]) == (booking.reference, booking.portal_reference)
    assert (told["birth_date"], told["enrollment_status"], told["state"]) == (BIRTH_DATE, "NEW", "confirmed")
    assert (told["status"]["status"], told["status"]["completed_on"]) == ("COMPLETED", "2027-02-01")
    assert [paper["name"] for paper in told["documents"]] == [PAPER]
    assert told["requested_at"] == told["confirmed_at"].replace("04:00:00", "03:50:00")
    assert ENROLLER["email"] not in str(order)
    other = person_from(ENROLLER["email"])
    facts = str(exported(db, find(db, erasure_requests.same_as(other)), other.text))
    assert [text for text in (booking.reference, BIRTH_DATE, full_name(STUDENT)) if text in facts] == []


def test_an_export_of_a_booking_without_a_status_says_so(db: Database) -> None:
    recent(db, status=None, documents=())
    who = person_from(STUDENT["email"])
    [order] = exported(db, find(db, erasure_requests.same_as(who)), who.text)["orders"]
    assert (order["booking"]["status"], order["booking"]["documents"]) == (None, [])


def test_a_trace_names_what_a_booking_holds_of_its_student_by_order(home: Home, db: Database) -> None:
    booking = recent(db, documents=("a.pdf", "b.pdf"))
    add_order(db, [STUDENT], completed_at=AT - DAY, class_end=NEW)
    add_booking(db, person(3), completed_at=AT - DAY, class_end=NEW, documents=("c.pdf",))
    who = person_from(STUDENT["email"])
    places = erasure_trace.in_bookings(db, who)
    assert {place.key for place in places} == {str(booking.order)}
    assert {place.where: place.times for place in places} == {
        "bookings.request_hash": 1,
        "bookings.birth_date": 1,
        "bookings.reference": 1,
        "bookings.portal_reference": 1,
        "bookings.enrollment_status": 1,
        "booking_statuses.status": 1,
        "booking_statuses.completed_on": 1,
        "booking_documents.name": 2,
    }
    assert erasure_trace.references_of(db, who) == {booking.reference}
    assert erasure_trace.in_bookings(db, person_from(ENROLLER["email"])) == []
    made = backup.make(db, home.backups, at=AT)
    copies = Copies(db.path, home.backups, Journal(home.var), PERIODS, AT)
    assert f"{made.name}: bookings.birth_date" in {
        place.where for place in erasure_trace.in_copies(copies, who, set(), [])
    }


def test_a_paper_with_their_name_in_somebody_elses_booking_is_told(home: Home, db: Database) -> None:
    recent(db)
    other = add_booking(db, person(3), completed_at=AT - DAY, class_end=NEW, documents=(f"like {PAPER}",))
    who = person_from(full_name(STUDENT))
    found = erasure_requests.erase(erasing(db, home), who)
    [place] = leftovers.left(db, found, who)
    assert (place.where, place.key) == ("booking_documents.name", str(other.order))


# copies -----------------------------------------------------------------------------------------------


def test_a_restored_backup_brings_no_student_back(home: Home, db: Database, tmp_path: Path) -> None:
    booking, gone = recent(db), due(db)
    older = Path(shutil.copy(backup.make(db, home.backups, at=AT - DAY), tmp_path / "older.db"))
    erasure_requests.erase(erasing(db, home), person_from(STUDENT["email"]))

    def erase(copy: Database) -> None:
        erase_in_restored(copy, home.var, PERIODS, at=AT + 60, actor="restore")

    backup.restore(older, home.var / "integrator.db", at=AT + 60, erase=erase)
    assert [bytes_left(home.var / "integrator.db", one) for one in (booking, gone)] == [KEPT, KEPT]
    assert "integrator.db" not in traces(home.var, [STUDENT])


def test_a_backup_of_the_moment_when_a_booking_was_asked_about_does_not_ask_again(
    home: Home, db: Database, tmp_path: Path
) -> None:
    """The seat was held, and who it is for not known yet; the answer would bring back who was erased since."""
    booking = add_cancelled(db, changed_at=AT - DAY)
    db.write("UPDATE orders SET state = 'reserved', expires_at = ?", (AT + DAY,))
    db.write("UPDATE bookings SET state = 'reserved', next_look_at = ?, birth_date = NULL", (AT,))
    Journal(home.var).append([Entry(AT, "participant", booking.order, 1)])
    entries = [entry for entry, _ in Journal(home.var).read(0)[0]]
    assert journal_work(db, entries, Journal(home.var)).bookings == {booking.order}
    made = backup.make(db, home.backups, at=AT - 60)
    Copies(db.path, home.backups, Journal(home.var), PERIODS, AT).erase()
    copy = connect(made)
    found = row(copy, booking)
    copy.close()
    assert found is not None
    assert (found["state"], found["next_look_at"], found["anonymised_at"]) == ("unseen", None, AT)
    assert bytes_left(made, booking) == KEPT
    assert Copies(db.path, home.backups, Journal(home.var), PERIODS, AT).due() == []


@pytest.mark.parametrize("version", [4, 5])
def test_a_backup_from_before_there_were_bookings_is_no_trouble(version: int, home: Home, db: Database) -> None:
    add_order(db, [person(4)], completed_at=AT - 200 * DAY, class_end=ENDED)
    add_order(db, [person(5)], completed_at=AT - 10 * DAY, class_end=NEW, customer=person(6))
    made = backup.make(db, home.backups, at=AT - DAY)
    old = connect(made)
    take_back(old, version)
    old.close()
    copies = Copies(db.path, home.backups, Journal(home.var), PERIODS, AT)
    who = person_from(person(6)["email"])
    assert erasure_trace.in_copies(copies, who, set(), []) != []
    erasure_requests.erase(erasing(db, home), who)
    assert copies.due() == [made]
    copies.erase()
    assert (copies.failed, copies.counts["backups.rewritten"], copies.due()) == ({}, 1, [])
    assert set(traces(home.backups, [person(4), person(6)])) == set()
    assert set(traces(home.backups, [person(5)])) == {made.name}
