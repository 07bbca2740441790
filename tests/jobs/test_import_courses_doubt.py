"""import-courses when the site does not answer clearly, or answers about something else."""

import json
import re
import urllib.request
from typing import Any

import pytest

from world import MACONOMY_AUTH, World

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


def test_a_post_that_is_made_again_is_taken_down_like_any_other(here: World) -> None:
    """That we had unpublished the one before it says nothing of this one."""
    assert here.run("import-courses").code == 0
    here.maconomy.seed({"remove": ["25172-05"]})
    for _ in range(4):
        assert here.run("import-courses").code == 0
    here.wordpress.seed({"delete": {"post": here.posts()["25172-05"]["id"], "as": "admin", "force": True}})
    here.maconomy.seed({"restore": True})
    assert here.run("import-courses").code == 0
    assert here.posts()["25172-05"]["status"] == "publish"
    here.maconomy.seed({"set": {"25172-05": {"status": "Aflyst"}}})
    assert here.run("import-courses").code == 0
    assert here.posts()["25172-05"]["status"] == "draft"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"meta.mac_city" = {', '"meta.ed_times" = {', "belongs to the editors"),
        ('identity = "mac_id"', 'identity = "mac_hash"', "carries the identity"),
        ('from = "seats_free" }', 'from = "seats_free", form = "Ymd" }', "cannot write"),
        ('form = "days" }', 'form = "Ymd" }', "cannot write"),
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


# the status of a post, when the request or its answer is lost ------------------------------------


def status_of(here: World, key: str = "25172-04") -> str:
    return str(here.posts()[key]["status"])


def now(here: World, **fields: Any) -> None:
    """What Maconomy says of 25172-04 from now on."""
    here.maconomy.seed({"set": {"25172-04": fields}})


def losing(here: World, fault: dict[str, Any], *, code: int = 75) -> None:
    """A run whose update meets a fault."""
    here.servers[1].faults.add({"match": {"method": "PUT"}, "times": 2, "fault": fault})
    assert here.run("import-courses").code == code
    here.servers[1].faults.clear()
    pass_time(here)


LOST = {"kind": "reset", "when": "after"}
NEVER = {"kind": "reset", "when": "before"}


@pytest.mark.parametrize("fault", [LOST, NEVER], ids=["done", "not-done"])
def test_a_course_reopened_while_taking_it_down_is_in_doubt_is_shown(here: World, fault: dict[str, Any]) -> None:
    assert here.run("import-courses").code == 0
    now(here, status="Aflyst")
    losing(here, fault)
    now(here, status="Åben")
    assert here.run("import-courses").code == 0
    assert status_of(here) == "publish"


@pytest.mark.parametrize("fault", [LOST, NEVER], ids=["done", "not-done"])
def test_a_course_cancelled_while_showing_it_is_in_doubt_is_hidden(here: World, fault: dict[str, Any]) -> None:
    now(here, status="Aflyst")
    assert here.run("import-courses").code == 0
    now(here, status="Åben")
    losing(here, fault)
    now(here, status="Aflyst")
    assert here.run("import-courses").code == 0
    assert status_of(here) == "draft"
    now(here, status="Åben")
    assert here.run("import-courses").code == 0
    assert status_of(here) == "publish"


def test_an_editors_draft_stays_one_although_an_answer_about_its_fields_is_lost(here: World) -> None:
    assert here.run("import-courses").code == 0
    here.wordpress.seed({"edit": {"post": here.posts()["25172-04"]["id"], "as": "editor", "status": "draft"}})
    now(here, status="Aflyst")
    losing(here, LOST)
    now(here, status="Åben")
    assert here.run("import-courses").code == 0
    assert status_of(here) == "draft"


def test_a_course_first_seen_cancelled_whose_creation_was_in_doubt_is_shown_when_it_opens(here: World) -> None:
    now(here, status="Aflyst")
    here.servers[1].faults.add({"match": CREATE, "skip": 1, "times": 1, "fault": LOST})
    here.run("import-courses")
    pass_time(here)
    assert here.run("import-courses").code == 0
    assert status_of(here) == "draft"
    now(here, status="Åben")
    assert here.run("import-courses").code == 0
    assert status_of(here) == "publish"


def test_a_status_that_was_stored_before_the_request_failed_is_ours(here: World) -> None:
    """WordPress stores the post, then refuses its meta: the answer is an error, and the post is a draft."""
    assert here.run("import-courses").code == 0
    now(here, status="Aflyst")
    here.wordpress.seed({"half_fail": 1.0})
    assert here.run("import-courses").code == 75
    assert status_of(here) == "draft"
    here.wordpress.seed({"half_fail": 0.0})
    pass_time(here)
    now(here, status="Åben")
    assert here.run("import-courses").code == 0
    assert status_of(here) == "publish"


def test_after_a_restore_a_cancelled_course_is_taken_down_again(here: World) -> None:
    now(here, status="Aflyst")
    assert here.run("import-courses").code == 0
    assert here.run("store", "backup").code == 0
    now(here, status="Åben")
    assert here.run("import-courses").code == 0
    (backup,) = (here.home / "var" / "backups").glob("integrator-*.db")
    assert here.run("store", "restore", str(backup)).code == 0
    now(here, status="Aflyst")
    assert here.run("import-courses").code == 0
    assert status_of(here) == "draft"


@pytest.mark.parametrize("cancelled", [True, False])
def test_after_a_restore_what_was_taken_down_since_the_backup_can_come_back(here: World, cancelled: bool) -> None:
    assert here.run("import-courses").code == 0
    assert here.run("store", "backup").code == 0
    if cancelled:
        now(here, status="Aflyst")
    else:
        here.maconomy.seed({"remove": ["25172-04"]})
    for _ in range(4):
        assert here.run("import-courses").code == 0
    assert status_of(here) == "draft"
    (backup,) = (here.home / "var" / "backups").glob("integrator-*.db")
    assert here.run("store", "restore", str(backup)).code == 0
    here.maconomy.seed({"restore": True})
    assert here.run("import-courses").code == 0
    assert status_of(here) == "publish"


def test_after_a_restore_an_editors_draft_stays_one(here: World) -> None:
    assert here.run("import-courses").code == 0
    assert here.run("store", "backup").code == 0
    here.wordpress.seed({"edit": {"post": here.posts()["25172-04"]["id"], "as": "editor", "status": "draft"}})
    (backup,) = (here.home / "var" / "backups").glob("integrator-*.db")
    assert here.run("store", "restore", str(backup)).code == 0
    for _ in range(2):
        assert here.run("import-courses").code == 0
    assert status_of(here) == "draft"


def test_looking_up_never_takes_over_another_post_while_ours_is_there(here: World) -> None:
    """An editor renamed our post's slug; somebody else's post has it now."""
    assert here.run("import-courses").code == 0
    ours = here.posts()["25172-04"]["id"]
    here.wordpress.seed({"edit": {"post": ours, "as": "editor", "slug": "et-fint-navn"}})
    stranger = {"type": "course_date", "slug": "cd-25172-04", "title": "x", "status": "publish", "meta": {}}
    here.wordpress.seed({"posts": [stranger]})
    now(here, freeSeats=1)
    losing(here, NEVER)
    assert here.run("import-courses").code == 0
    with_our_id = [post["id"] for post in here.all_posts() if post["meta"].get("mac_id") == "25172-04"]
    assert with_our_id == [ours]
    assert here.posts_by_slug()["et-fint-navn"]["meta"]["mac_seats_free"] == 1


def test_one_forbidden_post_does_not_stop_the_others(here: World) -> None:
    assert here.run("import-courses").code == 0
    here.maconomy.seed({"set": {"25172-04": {"freeSeats": 1}}})
    changed = [dict(record) for record in mains(here)]
    changed[0]["price"] = "1,00"
    here.maconomy.seed({"records": {"maincourse": changed, "course": courses(here)}})
    here.maconomy.seed({"set": {"25172-04": {"freeSeats": 1}}})
    body = '{"code": "rest_cannot_edit", "message": "Sorry", "data": {"status": 403}}'
    answered(here, {"method": "PUT", "path": "/wp-json/wp/v2/course/.*"}, body, 403)
    assert here.run("import-courses").code == 3
    assert here.posts()["25172-04"]["meta"]["mac_seats_free"] == 1


@pytest.mark.parametrize("seed", [{"batch_max": 3}, {"batch_max": 1}])
def test_a_site_with_small_batches_is_served(here: World, seed: dict[str, Any]) -> None:
    here.wordpress.seed(seed)
    assert here.run("import-courses").code == 0
    assert (len(here.posts("course")), len(here.posts())) == (4, 5)


def test_a_site_without_batches_is_served_one_by_one(here: World) -> None:
    missing = {"kind": "status", "status": 404, "when": "before", "body": '{"code":"rest_no_route"}'}
    here.servers[1].faults.add({"match": {"path": "/wp-json/batch/v1"}, "fault": missing})
    assert here.run("import-courses").code == 0
    assert (len(here.posts("course")), len(here.posts())) == (4, 5)


def test_what_failed_before_is_said_again_by_every_run(here: World) -> None:
    assert here.run("import-courses").code == 0
    now(here, freeSeats=1)
    body = '{"code": "rest_invalid_param", "message": "no", "data": {"status": 400}}'
    answered(here, {"method": "PUT"}, body, 400)
    assert here.run("import-courses").code == 3
    again = here.run("import-courses", "-v")
    assert again.code == 0
    assert "all is as it should be" not in again.out
    assert "1 course(s) differ there, but their messages failed" in again.err


def test_a_new_date_under_a_main_course_in_the_trash_is_left_and_does_not_hold_up_the_runs(here: World) -> None:
    kept = [record for record in courses(here) if record["courseId"] != "25172-05"]
    every = {"maincourse": mains(here), "course": courses(here)}
    here.maconomy.seed({"records": {"maincourse": mains(here), "course": kept}})
    assert here.run("import-courses").code == 0
    here.wordpress.seed({"delete": {"post": here.posts("course")["25172"]["id"], "as": "editor"}})
    here.maconomy.seed({"records": every})
    assert here.run("import-courses").code == 0
    assert "25172-05" not in here.posts()


def mains(here: World) -> list[dict[str, Any]]:
    return fetched(here, "/api/maincourse")


def courses(here: World) -> list[dict[str, Any]]:
    return fetched(here, "/api/course")


def fetched(here: World, path: str) -> list[dict[str, Any]]:
    request = urllib.request.Request(here.maconomy_url + path, headers={"Authorization": MACONOMY_AUTH})
    with urllib.request.urlopen(request, timeout=300) as answer:
        found: list[dict[str, Any]] = json.load(answer)
        return found
