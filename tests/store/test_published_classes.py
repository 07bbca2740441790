"""What we remember of published classes, how classes stand after good lists, and the seats we hold of them."""

import msgspec
import pytest

from desks import CLASS, T0, Erp, desk, form
from integrator.domain.fetched import Fetched
from integrator.domain.portal import Address, ClassFacts
from integrator.domain.portal_classes import Memory
from integrator.jobs import booking
from integrator.store import open_store
from integrator.store.courses import Catalogue, SetAside
from integrator.store.published_classes import PublishedClasses, last_pull, standings
from portal_shop import a_class

FACTS = ClassFacts(
    *("GSK", CLASS, "Hallen", 7, "2027-02-28", "2027-02-15", "2027-03-01", None, "2027-03-03", None),
    *(Address("Havnen 1", "", "Esbjerg", "6700", "DK"), "NOK", 1_499_500),
)


@pytest.fixture
def db(tmp_path):
    made = open_store(tmp_path / "integrator.db", backups=tmp_path).db
    yield made
    made.close()


def keep(db, *courses, gone=(), at=1_000, limit=3):
    catalogue = Catalogue(db, "course")
    packed = {one.id: (msgspec.msgpack.encode(one), repr(one).encode()) for one in courses}
    with db.tx():
        catalogue.keep(Fetched(records=packed), catalogue.known(), gone, missing_limit=limit, at=at, run_id=1)


def pulled(db, at, counts='{"courses.read": 5}', job="import-courses"):
    db.write(
        "INSERT INTO runs (job, boot_id, pid, version, started_at, outcome, counts)"
        " VALUES (?, 'x', 1, 'x', ?, 'done', ?)",
        (job, at, counts),
    )


def standing(db, limit=3):
    (found,) = standings(db, main_ids=["25172"], keys=[], missing_limit=limit)
    return found.readable, found.missing, found.gone


# memory ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "memory",
    [
        Memory(CLASS, "GSK", "published", FACTS),
        Memory(CLASS, "GSK", "published", FACTS, None, {"location": "Hallen 2"}, {"address": {"city": "Ærø"}}),
        Memory(CLASS, "GSK", "cancelled", None, 1_234),
    ],
)
def test_what_is_remembered_comes_back_as_it_was(db, memory):
    classes = PublishedClasses(db)
    assert classes.all() == {}
    assert classes.keep(memory, at=5)
    assert classes.all() == {CLASS: memory}


def test_nothing_is_written_where_nothing_differs(db):
    classes = PublishedClasses(db)
    classes.keep(Memory(CLASS, "GSK", "published", FACTS), at=5)
    assert not classes.keep(Memory(CLASS, "GSK", "published", FACTS), at=6)
    assert db.value("SELECT changed_at FROM published_classes") == 5
    assert classes.keep(Memory(CLASS, "GSK", "cancelled", None, 7), at=7)
    assert db.value("SELECT changed_at FROM published_classes") == 7


def test_the_facts_stand_in_the_store_as_they_have_them(db):
    PublishedClasses(db).keep(Memory(CLASS, "GSK", "published", FACTS), at=5)
    kept = msgspec.json.decode(db.value("SELECT facts FROM published_classes"))
    assert msgspec.convert(kept, ClassFacts) == FACTS
    assert "sent" not in kept


# how classes stand ------------------------------------------------------------------------------------


def test_only_runs_that_kept_a_whole_list_count_as_pulls(db):
    assert last_pull(db) == 0
    pulled(db, 100)
    pulled(db, 200, counts="{}")
    pulled(db, 300, job="sync-orders")
    assert last_pull(db) == 100


def test_a_cancelled_class_is_gone_when_a_later_list_says_so_too(db):
    keep(db, a_class(status="cancelled"), at=1_000)
    pulled(db, 1_000)
    assert standing(db) == (True, False, False)
    pulled(db, 2_000, counts="{}")
    assert standing(db) == (True, False, False)
    pulled(db, 4_600)
    assert standing(db) == (True, False, True)


def test_a_missing_class_is_gone_when_two_lists_were_without_it(db):
    keep(db, a_class(), at=1_000)
    keep(db, gone=[CLASS], at=2_000)
    pulled(db, 2_000)
    assert standing(db) == (True, True, False)
    keep(db, gone=[CLASS], at=3_000)
    pulled(db, 3_000)
    assert standing(db) == (True, True, True)
    keep(db, a_class(seats_free=6), at=4_000)
    assert standing(db) == (True, False, False)


def test_where_one_missing_list_counts_for_the_site_two_still_count_for_a_reseller(db):
    keep(db, a_class(), at=1_000, limit=1)
    keep(db, gone=[CLASS], at=2_000, limit=1)
    pulled(db, 2_000)
    assert standing(db, limit=1) == (True, True, False)
    keep(db, gone=[CLASS], at=3_000, limit=1)
    pulled(db, 3_000)
    assert standing(db, limit=1) == (True, True, True)


def test_a_class_whose_newest_record_cannot_be_read_says_so(db):
    keep(db, a_class())
    SetAside(db).replace("course", {CLASS: ("bad_money", "price")}, at=1, run_id=1)
    assert standing(db) == (False, False, False)


def test_classes_are_those_of_the_main_courses_and_those_asked_for_by_name(db):
    keep(db, a_class(), a_class("25180-01"), a_class("25191-11"))
    found = standings(db, main_ids=["25172"], keys=["25191-11", "99999-99"], missing_limit=3)
    assert [one.course.id for one in found] == [CLASS, "25191-11"]


# seats that we hold -----------------------------------------------------------------------------------


def held(found, since):
    return found.orders.held([CLASS, "25180-01"], since=since)


def test_reserved_and_complete_seats_are_held_until_a_list_that_was_read_later_counts_them(tmp_path):
    with desk(tmp_path, Erp()) as (found, _erp, clock):
        booking.reserve(found, CLASS, seats=3, key="a")
        order = booking.reserve(found, CLASS, seats=2, key="b")["order"]
        assert held(found, T0) == {CLASS: 5, "25180-01": 0}
        booking.complete(found, order, form(2))
        assert held(found, T0)[CLASS] == 5
        clock.now = T0 + 60
        with found.db.tx():
            found.orders.registered(found.orders.people(order)[0]["reference"], at=T0 + 60)
        assert held(found, T0)[CLASS] == 5
        assert held(found, T0 + 60)[CLASS] == 5
        assert held(found, T0 + 61)[CLASS] == 4


def test_released_and_cancelled_seats_are_not_held(tmp_path):
    with desk(tmp_path, Erp()) as (found, _erp, clock):
        booking.reserve(found, CLASS, seats=3, key="a")
        order = booking.reserve(found, CLASS, seats=2, key="b")["order"]
        booking.cancel(found, order)
        assert held(found, T0)[CLASS] == 3
        clock.now = T0 + 31 * 60
        with found.db.tx():
            found.orders.release_expired(int(clock.now))
        assert held(found, T0)[CLASS] == 0
