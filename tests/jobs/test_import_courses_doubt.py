"""import-courses when the site does not answer clearly, or answers about something else."""

import re
from typing import Any

import pytest

from world import World

LOOK_UP = {"method": "GET", "target": "slug="}
CREATE = {"method": "POST", "path": "/wp-json/batch/v1|/wp-json/wp/v2/course"}


def pass_time(here: World) -> None:
    """Let the time pass that a message waits, and that a lost request may still arrive."""
    with here.store() as db:
        db.write(
            "UPDATE outbox SET next_at = 0, sent_at = sent_at - 3600, uncertain_since = uncertain_since - 3600"
            " WHERE state IN ('received', 'processing')"
        )


@pytest.mark.parametrize("status", [403, 503, 404])
def test_a_look_up_that_fails_after_a_lost_answer_leaves_the_doubt_and_sends_nothing(here: World, status: int) -> None:
    """The posts were made, the answer was lost, and a firewall answers the look-up."""
    here.servers[1].faults.add({"match": CREATE, "times": 1, "fault": {"kind": "reset", "when": "after"}})
    here.servers[1].faults.add({"match": LOOK_UP, "skip": 1, "times": 2, "fault": {"kind": "status", "status": status}})
    assert here.run("import-courses").code in (1, 75)
    states = dict(here.rows("SELECT state, count(*) FROM outbox WHERE effect = 'wordpress.main_course' GROUP BY state"))
    assert states == {"processing": 4}
    here.servers[1].faults.clear()
    pass_time(here)
    assert here.run("import-courses").code == 0
    assert set(here.posts("course")) == {"25172", "25180", "25191", "24990"}
    assert len(here.posts()) == 5


def test_a_run_whose_time_is_used_up_during_a_create_leaves_the_doubt(here: World) -> None:
    job = here.home / "jobs" / "import-courses.toml"
    text = job.read_text(encoding="utf-8")
    short, replaced = re.subn(r"(?m)^timeout .*$", 'timeout = "2s"', text)
    assert replaced == 1
    job.write_text(short, encoding="utf-8")
    here.servers[1].faults.add({"match": CREATE, "times": 1, "fault": {"kind": "hang", "when": "after", "seconds": 5}})
    assert here.run("import-courses").code == 75
    assert ("processing",) in here.rows("SELECT DISTINCT state FROM outbox WHERE effect = 'wordpress.main_course'")
    job.write_text(text, encoding="utf-8")
    pass_time(here)
    assert here.run("import-courses").code == 0
    assert set(here.posts("course")) == {"25172", "25180", "25191", "24990"}


def answered(here: World, match: dict[str, Any], body: str, status: int) -> None:
    fault = {"kind": "body", "raw": body, "status": status, "when": "before", "content_type": "application/json"}
    here.servers[1].faults.add({"match": match, "times": 1, "fault": fault})


def test_an_answer_about_another_post_is_no_proof(here: World) -> None:
    assert here.run("import-courses").code == 0
    here.maconomy.seed({"set": {"25172-04": {"freeSeats": 1}}})
    other = here.posts()["25172-05"]
    body = f'{{"id": {other["id"]}, "slug": "cd-25172-05", "status": "publish", "meta": {{"mac_id": "25172-05"}}}}'
    answered(here, {"method": "PUT"}, body, 200)
    assert here.run("import-courses").code == 75
    assert here.rows("SELECT state FROM outbox WHERE key = '25172-04'") == [("processing",)]
    assert here.run("import-courses").code == 0
    assert here.posts()["25172-04"]["meta"]["mac_seats_free"] == 1


def test_a_create_that_does_not_give_back_our_id_is_no_proof(here: World) -> None:
    here.maconomy.seed({"main_courses": 1, "courses": 2})
    answered(here, CREATE, '{"id": 77, "slug": "mc-30000", "status": "publish", "meta": {}}', 201)
    assert here.run("import-courses").code == 75
    pass_time(here)
    assert here.run("import-courses").code == 0
    assert len(here.posts("course")) == 1
    assert len(here.posts()) == 2


def test_a_type_that_is_gone_while_we_write_stops_the_run_and_burns_no_attempt(here: World) -> None:
    assert here.run("import-courses").code == 0
    here.maconomy.seed({"set": {"25172-04": {"freeSeats": 1}}})
    body = '{"code": "rest_no_route", "message": "No route", "data": {"status": 404}}'
    answered(here, {"method": "PUT"}, body, 404)
    result = here.run("import-courses")
    assert (result.code, "rest_no_route" in result.err) == (1, True)
    assert here.rows("SELECT state, attempts FROM outbox WHERE key = '25172-04'") == [("received", 0)]


def test_drafts_and_private_posts_of_editors_are_not_published_by_us(here: World) -> None:
    assert here.run("import-courses").code == 0
    ids = {key: post["id"] for key, post in here.posts().items()}
    here.wordpress.seed({"edit": {"post": ids["25172-04"], "as": "editor", "status": "private"}})
    here.wordpress.seed({"edit": {"post": ids["25180-01"], "as": "editor", "status": "draft"}})
    here.maconomy.seed({"set": {key: {"status": "Aflyst"} for key in ("25172-04", "25180-01")}})
    assert here.run("import-courses").code == 0
    here.maconomy.seed({"set": {key: {"status": "Åben"} for key in ("25172-04", "25180-01")}})
    assert here.run("import-courses").code == 0
    assert [here.posts()[key]["status"] for key in ("25172-04", "25180-01")] == ["private", "draft"]
    assert here.posts()["25172-04"]["meta"]["mac_status"] == "open"


def test_a_draft_an_editor_made_while_the_course_was_missing_stays_one(here: World) -> None:
    assert here.run("import-courses").code == 0
    here.maconomy.seed({"remove": ["25191-11"]})
    assert here.run("import-courses").code == 0
    here.wordpress.seed({"edit": {"post": here.posts()["25191-11"]["id"], "as": "editor", "status": "draft"}})
    here.maconomy.seed({"restore": True})
    assert here.run("import-courses").code == 0
    assert here.posts()["25191-11"]["status"] == "draft"


def test_a_post_deleted_for_good_is_made_again_only_while_the_source_has_the_course(here: World) -> None:
    assert here.run("import-courses").code == 0
    here.maconomy.seed({"remove": ["25191-11"]})
    assert here.run("import-courses").code == 0
    for key in ("25191-11", "25172-04"):
        here.wordpress.seed({"delete": {"post": here.posts()[key]["id"], "as": "admin", "force": True}})
    assert here.run("import-courses").code == 0
    assert set(here.posts()) == {"25172-04", "25172-05", "25172-06", "25180-01"}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"meta.mac_city" = {', '"meta.ed_times" = {', "belongs to the editors"),
        ('identity = "mac_id"', 'identity = "mac_hash"', "carries the identity"),
        ('post_type = "course_date"', 'post_type = "../users"', "expected a name like"),
    ],
)
def test_a_mapping_that_would_write_what_is_not_ours_is_refused(here: World, old: str, new: str, said: str) -> None:
    mapping = here.home / "config" / "wordpress.toml"
    text = mapping.read_text(encoding="utf-8")
    assert old in text
    mapping.write_text(text.replace(old, new), encoding="utf-8")
    result = here.run("import-courses")
    assert result.code == 78
    assert said in result.err
    assert here.wordpress.entries() == []


def test_a_batch_without_an_answer_is_not_repeated_part_by_part(here: World) -> None:
    """Twenty-five time-outs one after the other would hold up a stop request for minutes."""
    here.maconomy.seed({"main_courses": 10, "courses": 40})
    assert here.run("import-courses").code == 0
    here.maconomy.seed({"change": {"percent": 100, "random": 3}})
    here.servers[1].faults.add(
        {"match": {"method": "POST|PUT"}, "times": 2, "fault": {"kind": "reset", "when": "before"}}
    )
    here.forget_requests()
    assert here.run("import-courses").code == 75
    assert len([entry for entry in here.wordpress.entries() if entry["method"] in ("POST", "PUT")]) <= 4
    pass_time(here)
    assert here.run("import-courses").code == 0


def test_ids_that_the_site_spells_otherwise_have_their_own_posts(here: World) -> None:
    here.maconomy.seed(
        {
            "records": {
                "maincourse": [main_course("A.1"), main_course("B_2")],
                "course": [],
            }
        }
    )
    result = here.run("import-courses", "--allow-removals")
    assert (result.code, result.err) == (0, "")
    assert {key: (post["slug"], post["status"]) for key, post in here.posts("course").items()} == {
        "A.1": ("mc-a-1", "publish"),
        "B_2": ("mc-b_2", "publish"),
    }


def main_course(key: str) -> dict[str, Any]:
    return {
        "mainCourseId": key,
        "name": f"Kursus {key}",
        "subTitle": "Kort",
        "description": "<p>Om</p>",
        "language": "Dansk",
        "durationDays": 1,
        "price": "1.000,00",
        "currency": "DKK",
        "category": "X",
        "active": True,
        "lastChanged": "2026-11-12T08:31:05+01:00",
    }
