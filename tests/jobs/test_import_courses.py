"""import-courses, from the source's answer to the site's posts."""

from world import World


def test_courses_reach_the_site(here: World) -> None:
    result = here.run("import-courses")
    assert (result.code, result.out, result.err) == (0, "", "")
    assert set(here.posts("course")) == {"25172", "25180", "25191", "24990"}
    assert set(here.posts()) == {"25172-04", "25172-05", "25172-06", "25180-01", "25191-11"}
    post = here.posts()["25172-04"]
    assert post["slug"] == "cd-25172-04"
    assert post["meta"]["mac_seats_free"] == 7
    assert post["meta"]["mac_course_post"] == here.posts("course")["25172"]["id"]
    assert post["meta"]["mac_start"] == "2027-03-01T09:00:00+01:00"
    assert post["meta"]["mac_days"][1] == {
        "date": "2027-03-02T08:30:00+01:00",
        "from": "08:30",
        "to": "16:00",
        "venue": "Strandvejen 54, Hellerup",
    }


def test_a_second_run_writes_nothing_and_sends_nothing(here: World) -> None:
    here.run("import-courses")
    before = [
        here.rows(f"SELECT * FROM {table}") for table in ("courses", "main_courses", "outbox", "posts", "sources")
    ]
    here.forget_requests()
    assert here.run("import-courses", "--json").json["counts"] == {"main_courses.read": 4, "courses.read": 5}
    after = [here.rows(f"SELECT * FROM {table}") for table in ("courses", "main_courses", "outbox", "posts", "sources")]
    assert after == before
    assert here.writes() == []
