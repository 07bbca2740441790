"""What a person may ask for, in a store that has orderlines: they hold nobody, but for an operator's note."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from integrator.database import Database
from integrator.domain.retention import Periods, person_from
from integrator.home import Home
from integrator.store import open_store
from integrator.store.erasure import leftovers
from integrator.store.erasure import requests as erasure_requests
from integrator.store.erasure import trace as erasure_trace
from integrator.store.erasure.copies import Copies
from integrator.store.erasure.journal import Journal
from integrator.store.erasure.people import Found, exported, find
from integrator.store.erasure.steps import Erasing
from integrator.store.orderlines import Orderlines
from orderline_rows import add_orderline
from people import DAY, add_order, full_name, person

AT = int(datetime(2027, 6, 1, 4, 0, tzinfo=UTC).timestamp())
PERIODS = Periods(participants_days=90, orders_days=2_190, orderlines_days=365)
WHO = person(1)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path)
    made.var.mkdir()
    return made


@pytest.fixture
def db(home: Home) -> Iterator[Database]:
    """One order of somebody, and two orderlines; a note on one of them says whom the operator talked with."""
    opened = open_store(home.var / "integrator.db", backups=home.backups).db
    add_order(opened, [WHO], completed_at=AT - 10 * DAY, class_end="2027-05-20")
    add_orderline(opened, "0007", at=AT - DAY)
    noted = add_orderline(opened, "0008", at=AT - DAY, state="failed")
    with opened.tx():
        note = f"{full_name(WHO)} ({WHO['email']}, {WHO['phone']}) says it is on the case"
        Orderlines(opened).settled(noted, "resolved", note, at=AT)
    yield opened
    opened.close()


def _erasing(db: Database, home: Home) -> Erasing:
    return Erasing(db, Journal(home.var), AT, "tester")


@pytest.mark.parametrize("text", [full_name(WHO), WHO["email"], WHO["phone"]])
def test_a_note_that_names_somebody_is_found_and_told(text: str, home: Home, db: Database) -> None:
    who = person_from(text)
    traced = [place.where for place in erasure_trace.in_store(db, who, set())]
    assert leftovers.NOTES in traced
    found = erasure_requests.erase(_erasing(db, home), who)
    [place] = leftovers.left(db, found, who)
    assert (place.where, place.key) == ("orderline_events.detail", "bennys-auto/0008")


def test_a_note_is_told_also_when_nothing_else_is_held_of_somebody(db: Database) -> None:
    [place] = leftovers.left(db, Found(), person_from(full_name(WHO)))
    assert place.key == "bennys-auto/0008"


def test_somebody_else_is_not_told_of(db: Database) -> None:
    assert leftovers.left(db, Found(), person_from("Ida Invent")) == []


def test_an_export_holds_no_orderlines_and_an_erasure_leaves_them(home: Home, db: Database) -> None:
    who = person_from(WHO["email"])
    facts = exported(db, find(db, erasure_requests.same_as(who)), who.text)
    assert "0007" not in str(facts)
    rows = db.all("SELECT * FROM orderlines")
    erasing = _erasing(db, home)
    erasure_requests.erase(erasing, who)
    assert erasing.finish()
    assert db.all("SELECT * FROM orderlines") == rows


def test_a_number_of_a_case_that_is_somebodys_number_is_told_as_a_place(db: Database) -> None:
    add_orderline(db, "0009", at=AT - DAY, case_id="70000002")
    [place] = erasure_trace.in_store(db, person_from("+45 7000 0002"), set())
    assert place.where == "orderlines.case_id"


def test_copies_are_looked_through_with_their_orderlines(home: Home, db: Database) -> None:
    from integrator.store import backup

    made = backup.make(db, home.backups, at=AT)
    copies = Copies(db.path, home.backups, Journal(home.var), PERIODS, AT)
    places = erasure_trace.in_copies(copies, person_from(WHO["email"]), set(), [])
    assert f"{made.name}: {leftovers.NOTES}" in {place.where for place in places}
