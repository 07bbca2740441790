"""import-courses and the site: who owns what, what vanishes, what is adopted, and what is never done twice."""

from typing import Any

import pytest

from world import World


def edit(here: World, key: str, who: str, **changes: Any) -> None:
    here.wordpress.seed({"edit": {"post": here.posts()[key]["id"], "as": who, **changes}})


def sent(here: World) -> list[set[str]]:
    """The fields of each write, but for those that only travel along."""
    return [set(effect["keys"]) - {"meta.mac_hash", "meta.mac_synced_at"} for effect in here.writes()]


def synced(here: World) -> None:
    assert here.run("import-courses").code == 0
    here.forget_requests()


def test_editors_keep_what_is_theirs_and_ours_is_put_right(here: World) -> None:
    synced(here)
    edit(here, "25172-04", "editor", title="Redaktørens titel", meta={"ed_times": "Kaffe fra 8.30"})
    edit(here, "25172-04", "admin", meta={"mac_seats_free": 99})
    here.maconomy.seed({"set": {"25172-04": {"name": "Nyt navn"}}})
    assert here.run("import-courses").code == 0
    post = here.posts()["25172-04"]
    assert post["title"] == "Redaktørens titel"
    assert post["meta"]["ed_times"] == "Kaffe fra 8.30"
    assert post["meta"]["mac_seats_free"] == 7
    assert sent(here) == [{"meta.mac_seats_free"}]


def test_only_the_fields_that_differ_are_sent(here: World) -> None:
    synced(here)
    here.maconomy.seed({"set": {"25172-04": {"freeSeats": 6, "registeredParticipants": 14}}})
    assert here.run("import-courses", "--json").json["counts"]["wordpress.course.updated"] == 1
    assert sent(here) == [{"meta.mac_seats_free"}]


def test_a_vanished_date_is_marked_at_once_and_unpublished_after_three_runs(here: World) -> None:
    synced(here)
    here.maconomy.seed({"remove": ["25172-05"]})
    for seen in ("publish", "publish", "draft", "draft"):
        assert here.run("import-courses").code == 0
        post = here.posts()["25172-05"]
        assert post["meta"]["mac_missing_since"] != ""
        assert post["status"] == seen
    before = here.rows("SELECT * FROM courses")
    assert here.run("import-courses").code == 0
    assert here.rows("SELECT * FROM courses") == before
    here.maconomy.seed({"restore": True})
    assert here.run("import-courses").code == 0
    assert [fields for (fields,) in here.rows("SELECT fields FROM changes ORDER BY id")] == [
        '{"missing":[false,true]}',
        '{"missing":[true,false]}',
    ]
    post = here.posts()["25172-05"]
    assert (post["status"], post["meta"].get("mac_missing_since", "")) == ("publish", "")


def test_a_draft_of_an_editor_stays_a_draft(here: World) -> None:
    synced(here)
    edit(here, "25172-04", "editor", status="draft")
    here.maconomy.seed({"set": {"25172-04": {"freeSeats": 1}}})
    assert here.run("import-courses").code == 0
    post = here.posts()["25172-04"]
    assert (post["status"], post["meta"]["mac_seats_free"]) == ("draft", 1)


def test_a_cancelled_date_is_unpublished_once_and_an_editor_may_show_it_again(here: World) -> None:
    synced(here)
    assert here.posts()["25172-06"]["status"] == "draft"
    here.maconomy.seed({"set": {"25172-04": {"status": "Aflyst"}}})
    assert here.run("import-courses", "--json").json["counts"]["wordpress.course.unpublished"] == 1
    post = here.posts()["25172-04"]
    assert (post["status"], post["meta"]["mac_status"]) == ("draft", "cancelled")
    edit(here, "25172-04", "editor", status="publish")
    assert here.run("import-courses").code == 0
    assert here.posts()["25172-04"]["status"] == "publish"
    here.maconomy.seed({"set": {"25172-04": {"status": "Åben"}}})
    assert here.run("import-courses").code == 0
    assert here.posts()["25172-04"]["status"] == "publish"


def test_an_orphan_is_held_back_and_an_existing_one_is_left_alone(here: World) -> None:
    synced(here)
    here.maconomy.seed({"set": {"25172-04": {"mainCourseId": "99999", "freeSeats": 1}}})
    result = here.run("import-courses", "-v")
    assert result.code == 0
    assert "1 course(s) held back" in result.err
    status = here.run("status")
    assert (status.code, "held back" in status.out + status.err) == (1, True)
    assert here.posts()["25172-04"]["meta"]["mac_seats_free"] == 7
    assert here.writes() == []


def test_existing_posts_are_adopted_by_their_slug(here: World) -> None:
    here.wordpress.seed(
        {"posts": [{"type": "course_date", "slug": "cd-25172-04", "title": "Gammel", "status": "publish", "meta": {}}]}
    )
    synced(here)
    posts = here.all_posts()
    assert len(posts) == 5
    adopted = next(post for post in posts if post["slug"] == "cd-25172-04")
    assert (adopted["title"], adopted["meta"]["mac_id"], adopted["meta"]["mac_seats_free"]) == ("Gammel", "25172-04", 7)


def test_of_two_posts_with_one_id_the_first_counts_and_the_other_is_reported(here: World) -> None:
    post = {"type": "course_date", "title": "x", "status": "publish", "meta": {"mac_id": "25172-04"}}
    here.wordpress.seed({"posts": [{**post, "slug": "cd-25172-04"}, {**post, "slug": "cd-25172-04-2"}]})
    result = here.run("import-courses", "-v")
    assert result.code == 3
    first, second = [post for post in here.all_posts() if post["meta"].get("mac_id") == "25172-04"]
    assert (first["meta"]["mac_seats_free"], "mac_seats_free" in second["meta"]) == (7, False)
    assert f"posts {second['id']}" in result.err
    status = here.run("status")
    assert (status.code, "several posts on the site" in status.out + status.err) == (1, True)
    told = here.run("explain", "25172-04")
    assert "show the same course: delete them there" in told.out
    assert told.code == 0


def test_a_slug_that_another_record_uses_is_left_alone(here: World) -> None:
    post = {
        "type": "course_date",
        "slug": "cd-25172-04",
        "title": "x",
        "status": "publish",
        "meta": {"mac_id": "99999-01"},
    }
    here.wordpress.seed({"posts": [post]})
    result = here.run("import-courses")
    assert result.code == 3
    assert "belongs to post" in result.err
    assert here.posts()["99999-01"]["title"] == "x"
    assert set(here.posts()) == {"99999-01", "25172-05", "25172-06", "25180-01", "25191-11"}


def test_a_post_in_the_trash_is_not_made_again(here: World) -> None:
    synced(here)
    here.wordpress.seed({"delete": {"post": here.posts()["25172-04"]["id"], "as": "editor"}})
    here.maconomy.seed({"set": {"25172-04": {"freeSeats": 1}}})
    assert here.run("import-courses").code == 0
    assert here.posts()["25172-04"]["status"] == "trash"
    assert here.writes() == []


def test_a_wrong_password_stops_before_anything_is_read_or_written(here: World) -> None:
    synced(here)
    secrets = here.home / ".env"
    wrong = secrets.read_text(encoding="utf-8").replace("WORDPRESS_PASSWORD=", "WORDPRESS_PASSWORD=x")
    secrets.write_text(wrong, encoding="utf-8")
    here.maconomy.seed({"set": {"25172-04": {"freeSeats": 1}}})
    result = here.run("import-courses")
    assert result.code == 1
    assert "log in" in result.err
    assert "application password" in result.err
    assert here.writes() == []
    assert [entry["path"] for entry in here.wordpress.entries()] == ["/wp-json/wp/v2/users/me"]


@pytest.mark.parametrize(
    ("seed", "said"),
    [
        ({"types_off": ["course_date"]}, "no post type course_date"),
        ({"meta_off": {"course_date": ["mac_seats_free"]}}, "course_date.meta.mac_seats_free"),
    ],
)
def test_a_site_without_what_we_map_stops_the_run(here: World, seed: dict[str, Any], said: str) -> None:
    here.wordpress.seed(seed)
    result = here.run("import-courses")
    assert result.code == 1
    assert said in result.err
    assert "ili-courses.php" in result.err
    assert here.writes() == []
    assert here.rows("SELECT count(*) FROM courses") == [(5,)]


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "status": 500, "when": "after"},
        {"kind": "status", "status": 500, "when": "before"},
        {"kind": "status", "status": 502, "when": "after"},
        {"kind": "status", "status": 503, "when": "before"},
        {"kind": "reset", "when": "after"},
        {"kind": "close", "when": "before"},
        {"kind": "cut", "framing": "length"},
        {"kind": "body", "what": "login", "when": "after"},
        {"kind": "body", "what": "null", "when": "after"},
        {"kind": "body", "what": "list", "when": "before"},
        {"kind": "status", "status": 429, "when": "before", "retry_after": 1},
        {"kind": "redirect", "when": "before"},
    ],
    ids=lambda fault: "-".join(map(str, fault.values())),
)
def test_writes_that_fail_never_make_a_second_post(here: World, fault: dict[str, Any]) -> None:
    here.servers[1].faults.add({"match": {"method": "POST|PUT"}, "share": 0.5, "seed": 3, "times": 8, "fault": fault})
    codes = []
    for _ in range(12):
        codes.append(here.run("import-courses").code)
        here.posts("course")
        here.posts()
        make_due(here)
        if codes[-1] == 0:
            break
    assert codes[-1] == 0
    assert set(codes) <= {0, 1, 3, 75}
    assert set(here.posts()) == {"25172-04", "25172-05", "25172-06", "25180-01", "25191-11"}
    assert set(here.posts("course")) == {"25172", "25180", "25191", "24990"}
    here.forget_requests()
    assert here.run("import-courses").code == 0
    assert here.writes() == []
    assert here.rows("SELECT DISTINCT state FROM outbox") == [("completed",)]


def make_due(here: World) -> None:
    """Let the time pass that a message has to wait, and that a lost request may still arrive."""
    with here.store() as db:
        db.write("UPDATE outbox SET next_at = 0, sent_at = sent_at - 3600 WHERE state IN ('received', 'processing')")


def test_a_value_the_site_would_refuse_is_not_sent_at_all(here: World) -> None:
    mapping = here.home / "config" / "wordpress.toml"
    text = mapping.read_text(encoding="utf-8").replace(
        '"meta.mac_city" = { owner = "backend", from = "venue.city" }',
        '"meta.mac_city" = { owner = "backend", from = "seats_total" }',
    )
    mapping.write_text(text, encoding="utf-8")
    result = here.run("import-courses", "--json")
    assert result.code == 3
    assert "expects string" in result.json["failed"][0]["reason"]
    assert "25172-04" not in here.posts()
    assert set(here.posts()) == {"25191-11"}


def test_personal_data_cannot_be_mapped_to_the_site(here: World) -> None:
    mapping = here.home / "config" / "wordpress.toml"
    text = mapping.read_text(encoding="utf-8").replace('from = "venue.city"', 'from = "trainers"')
    mapping.write_text(text, encoding="utf-8")
    result = here.run("import-courses")
    assert result.code == 78
    assert "personal data" in result.err


def test_an_edited_mapping_reads_every_record_again(here: World) -> None:
    synced(here)
    mapping = here.home / "config" / "maconomy.toml"
    text = mapping.read_text(encoding="utf-8")
    city = '"venue.city"    = { from = "city", type = "text" }'
    mapping.write_text(text.replace(city, city.replace('"city"', '"zipCode"')), encoding="utf-8")
    assert mapping.read_text(encoding="utf-8") != text
    assert here.run("import-courses").code == 0
    assert here.posts()["25172-04"]["meta"]["mac_city"] == "2900"


def test_a_dry_run_shows_the_plan_and_touches_nothing(here: World) -> None:
    synced(here)
    here.maconomy.seed({"set": {"25172-04": {"freeSeats": 1}, "25172-05": {"status": "Aflyst"}}})
    files = {path: path.read_bytes() for path in (here.home / "var").rglob("*") if path.is_file()}
    shown = here.run("import-courses", "--dry-run")
    assert shown.code == 0
    assert "update     wordpress.course 25172-04" in shown.out
    assert "meta.mac_seats_free: 7 → 1" in shown.out
    assert "unpublish  wordpress.course 25172-05" in shown.out
    plan = here.run("import-courses", "--dry-run", "--json").json["plan"]
    fields = {change["field"]: (change["old"], change["new"]) for change in plan[0]["fields"]}
    assert fields["meta.mac_seats_free"] == (7, 1)
    assert here.writes() == []
    assert {path: path.read_bytes() for path in (here.home / "var").rglob("*") if path.is_file()} == files


def test_a_text_the_site_cleans_is_not_sent_again_each_hour(here: World) -> None:
    mapping = here.home / "config" / "wordpress.toml"
    text = mapping.read_text(encoding="utf-8").replace(
        '"title" = { owner = "seed", from = "title" }', '"title" = { owner = "backend", from = "title" }'
    )
    mapping.write_text(text, encoding="utf-8")
    synced(here)
    assert here.posts()["25191-11"]["title"] == "Gennemslagskraft &amp; kommunikation"
    assert here.run("import-courses").code == 0
    assert here.writes() == []
    edit(here, "25191-11", "admin", title="Noget andet")
    assert here.run("import-courses").code == 0
    assert here.posts()["25191-11"]["title"] == "Gennemslagskraft &amp; kommunikation"


def test_a_site_without_pretty_permalinks_is_reached_all_the_same(here: World) -> None:
    missing = {"kind": "status", "status": 404, "when": "before"}
    here.servers[1].faults.add({"match": {"path": "/wp-json/.*"}, "fault": missing})
    assert here.run("import-courses").code == 0
    assert len(here.posts()) == 5
    here.forget_requests()
    assert here.run("import-courses").code == 0
    assert here.writes() == []


def test_an_address_without_any_rest_api_is_said(here: World) -> None:
    here.servers[1].faults.add({"fault": {"kind": "status", "status": 404, "when": "before"}})
    result = here.run("import-courses")
    assert (result.code, "no REST API under this address" in result.err) == (1, True)
