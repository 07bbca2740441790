"""import-courses and records nobody can read: how many, how large, and which of ours they may be."""

import json
import sys

import pytest

from integrator.standins.catalogue import sample
from memory import measured
from world import World

COURSE = sample("course")[0]
MEGABYTES = 30


def missing(here: World) -> list[tuple[str, int]]:
    return [(row[0], row[1]) for row in here.rows("SELECT id, missing_runs FROM courses WHERE missing_runs > 0")]


@pytest.mark.parametrize("courseId", ["25172–05", None, "", 25172.5, ["25172-05"], "aase@example.org"])
def test_a_record_whose_id_cannot_be_read_makes_no_course_vanish(here: World, courseId: object) -> None:
    assert here.run("import-courses").code == 0
    post = here.posts()["25172-05"]
    here.maconomy.seed({"set": {"25172-05": {"courseId": courseId}}})
    for _ in range(5):
        assert here.run("import-courses").code == 3
    result = here.run("import-courses", "--json")
    assert missing(here) == []
    assert here.posts()["25172-05"] == post
    assert any("do not count as missing" in remark for remark in result.json["remarks"])


def test_one_that_was_missing_before_is_counted_no_further(here: World) -> None:
    assert here.run("import-courses").code == 0
    gone = [course for course in sample("course") if course["courseId"] != "25172-05"]
    mains = sample("maincourse")
    here.maconomy.seed({"records": {"maincourse": mains, "course": gone}})
    assert here.run("import-courses").code == 0
    assert missing(here) == [("25172-05", 1)]
    here.maconomy.seed({"records": {"maincourse": mains, "course": [*gone, COURSE | {"courseId": "?"}]}})
    assert here.run("import-courses").code == 3
    assert missing(here) == [("25172-05", 1)]
    here.maconomy.seed({"records": {"maincourse": mains, "course": gone}})
    assert here.run("import-courses").code == 0
    assert missing(here) == [("25172-05", 2)]


def test_a_mass_disappearance_is_seen_beside_a_nameless_record(here: World) -> None:
    assert here.run("import-courses").code == 0
    left = [course for course in sample("course") if course["courseId"] not in ("25172-05", "25172-06", "25191-11")]
    nameless = COURSE | {"courseId": "?"}
    here.maconomy.seed({"records": {"maincourse": sample("maincourse"), "course": [*left, nameless]}})
    result = here.run("import-courses", "--allow-bad-records")
    assert result.code == 1
    assert "2 of 5 known records are gone at once" in result.err
    assert missing(here) == []


@pytest.mark.parametrize("options", [(), ("--allow-bad-records",)], ids=["stops", "allowed"])
def test_a_long_list_of_unreadable_records_does_not_fill_the_memory(here: World, options: tuple[str, ...]) -> None:
    here.configure(wordpress=False)
    size = len(json.dumps(COURSE, ensure_ascii=False).encode())
    number = MEGABYTES * 1_000_000 // size
    bad = [COURSE | {"courseId": f"{10000 + n // 100}-{n % 100:02}", "freeSeats": f"nr. {n}"} for n in range(number)]
    here.maconomy.seed({"records": {"maincourse": sample("maincourse"), "course": bad}})
    command = [sys.executable, "-m", "integrator", "import-courses", *options]
    code, megabytes, said = measured(command, {"INTEGRATOR_HOME": str(here.home)})
    if options:
        assert (code, f"{number - 100} more courses cannot be read" in said) == (3, True)
        assert here.rows("SELECT count(*) FROM set_aside") == [(number,)]
    else:
        least = number * 20 // 100 + 1
        assert (code, f"at least {least} of {number} records cannot be read" in said) == (1, True)
    assert megabytes < 60 + 2.5 * MEGABYTES
