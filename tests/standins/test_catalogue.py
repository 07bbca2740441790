"""Invented catalogues: of any size, the same for the same seed, and nasty when asked for."""

import json
from collections import Counter
from typing import Any

import pytest

from integrator.standins.maconomy import Maconomy

from .maconomy_client import ask, read, read_courses


@pytest.fixture
def maconomy() -> Maconomy:
    return Maconomy()


def test_the_same_seed_gives_the_same_bytes_another_one_others() -> None:
    def body(**plan: Any) -> bytes:
        standin = Maconomy({"courses": 60, **plan})
        return ask(standin, "/api/course").encoded() + ask(standin, "/api/maincourse").encoded()

    assert body(random=1) == body(random=1)
    assert body(random=1) != body(random=2)
    assert body(first_day="2028-01-03") != body()


def test_a_generated_course_has_a_realistic_size(maconomy: Maconomy) -> None:
    maconomy.seed({"courses": 3000})
    sizes = [len(json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode()) for row in read_courses(maconomy)]
    assert min(sizes) >= 850
    assert max(sizes) <= 1050
    assert 900 <= sum(sizes) / len(sizes) <= 1000


def test_bytes_per_course_makes_courses_longer(maconomy: Maconomy) -> None:
    size = maconomy.seed({"courses": 50, "bytes_per_course": 4000})["bytes"]
    assert size > 50 * 3950


def test_a_generated_catalogue_agrees_with_itself(maconomy: Maconomy) -> None:
    assert maconomy.seed({"courses": 3000, "main_courses": 400})["courses"] == 3000
    mains = {row["mainCourseId"]: row for row in read(maconomy, "/api/maincourse")}
    rows = read_courses(maconomy)
    assert len(mains) == 400
    assert len({row["courseId"] for row in rows}) == 3000
    assert {row["mainCourseId"] for row in rows} == set(mains)
    for row in rows:
        assert row["courseId"].startswith(f"{row['mainCourseId']}-")
        assert row["name"] == mains[row["mainCourseId"]]["name"]
        assert row["courseDays"] == sorted(row["courseDays"], key=lambda day: "".join(reversed(day["date"].split("-"))))
        assert (row["startDate"] != "") == bool(row["courseDays"])
        if row["maxParticipants"] is None:
            assert row["status"] == "Planlagt"
        else:
            assert row["maxParticipants"] - row["registeredParticipants"] == row["freeSeats"] >= 0
            assert (row["freeSeats"] == 0) == (row["status"] == "Udsolgt")
    assert min(row["startDate"][6:] for row in rows if row["startDate"]) == "2027"


def test_a_generated_catalogue_is_varied_danish_and_invented(maconomy: Maconomy) -> None:
    maconomy.seed({"courses": 3000})
    rows = read_courses(maconomy)
    text = json.dumps(rows, ensure_ascii=False)
    assert all(letter in text for letter in "æøåÆØÅ&–")
    assert '\\"' in text, "titles with quotes"
    assert len(Counter(row["name"] for row in rows)) > 200
    assert {row["status"] for row in rows} == {"Åben", "Udsolgt", "Aflyst", "Planlagt"}
    addresses = {trainer["email"] for row in rows for trainer in row["trainers"]}
    assert len(addresses) == 40
    assert all(address.isascii() and address.endswith("@example.org") for address in addresses)
    assert {len(row["courseDays"]) for row in rows} == {0, 1, 2, 3}


def test_more_courses_than_numbers_are_refused(maconomy: Maconomy) -> None:
    with pytest.raises(ValueError, match="do not fit"):
        maconomy.seed({"courses": 100, "main_courses": 1})


def test_twenty_thousand_courses_are_encoded_once(maconomy: Maconomy) -> None:
    assert maconomy.seed({"courses": 20_000})["courses"] == 20_000
    first, second = ask(maconomy, "/api/course").body, ask(maconomy, "/api/course").body
    assert first is second
    assert len(first) > 18_000_000


def test_generated_courses_have_as_many_participants_as_they_say_when_asked_for(maconomy: Maconomy) -> None:
    maconomy.seed({"courses": 30})
    assert {len(read(maconomy, f"/api/participant/{row['courseId']}")) for row in read_courses(maconomy)} == {0}
    maconomy.seed({"courses": 30, "participants": True})
    ids = []
    for row in read_courses(maconomy):
        people = read(maconomy, f"/api/participant/{row['courseId']}")
        assert len(people) == (row["registeredParticipants"] or 0)
        assert people == read(maconomy, f"/api/participant/{row['courseId']}")
        ids += [person["participantId"] for person in people]
    assert len(ids) == len(set(ids)) > 100


def test_nasty_records_come_besides_the_others(maconomy: Maconomy) -> None:
    assert maconomy.seed({"courses": 300, "nasty": True})["courses"] == 321
    rows = read_courses(maconomy)
    by_id = {row["courseId"]: row for row in rows}
    names = [row["name"] for row in rows]
    assert Counter(row["courseId"] for row in rows)["19001-03"] == 2
    assert len({json.dumps(row) for row in rows if row["courseId"] == "19001-03"}) == 2
    assert len({json.dumps(row) for row in rows if row["courseId"] == "19001-04"}) == 1
    assert "19001/02" in by_id
    assert by_id["19002-01"]["mainCourseId"] not in {row["mainCourseId"] for row in read(maconomy, "/api/maincourse")}
    assert max(map(len, names)) == 10_000
    for hurting in ("[red]", "<script>", "\n", "\0", "\x1b", "=HYPERLINK"):
        assert any(hurting in name for name in names), hurting
    assert (by_id["19001-10"]["status"], by_id["19001-10"]["freeSeats"]) == ("Aflyst", 18)
