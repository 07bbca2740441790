"""import-courses when the source, the site, the store or the machine misbehaves."""

import json
import os
import signal
import urllib.request
from typing import Any

import pytest

from world import MACONOMY_AUTH, World

LIST = {"match": {"path": "/api/course$"}, "times": 4}


def state(here: World) -> tuple[Any, ...]:
    """Everything that must not change: the catalogue, the queue and the site."""
    tables = ("courses", "main_courses", "outbox", "posts", "sources", "set_aside")
    return [here.rows(f"SELECT * FROM {table}") for table in tables], here.wordpress.state()["posts"]


def requests_json(here: World, path: str) -> Any:
    """What Maconomy answers now, as another client sees it."""
    request = urllib.request.Request(here.maconomy_url + path, headers={"Authorization": MACONOMY_AUTH})
    with urllib.request.urlopen(request, timeout=300) as answer:
        return json.load(answer)


@pytest.mark.parametrize(
    ("fault", "code", "said"),
    [
        ({"kind": "status", "status": 503}, 75, "503"),
        ({"kind": "status", "status": 500, "when": "after"}, 75, "500"),
        ({"kind": "status", "status": 429, "retry_after": 864000}, 75, "429"),
        ({"kind": "status", "status": 401}, 1, "401"),
        ({"kind": "status", "status": 403}, 1, "403"),
        ({"kind": "status", "status": 404}, 1, "404"),
        ({"kind": "reset", "when": "before"}, 75, "connection"),
        ({"kind": "close", "when": "after"}, 75, "connection"),
        ({"kind": "cut", "framing": "length"}, 75, "connection"),
        ({"kind": "cut", "framing": "chunked"}, 75, "connection"),
        ({"kind": "cut", "framing": "none"}, 1, "JSON"),
        ({"kind": "body", "what": "login"}, 1, "login page"),
        ({"kind": "body", "what": "error"}, 1, "error"),
        ({"kind": "body", "what": "empty"}, 1, "empty"),
        ({"kind": "body", "what": "null"}, 1, "null"),
        ({"kind": "body", "what": "list"}, 1, "--allow-removals"),
        ({"kind": "body", "what": "object"}, 1, "object"),
        ({"kind": "body", "what": "bad-utf8"}, 1, "UTF-8"),
        ({"kind": "redirect", "location": "http://127.0.0.2/elsewhere"}, 1, "redirect"),
        ({"kind": "gzip-bomb", "megabytes": 100}, 1, "maconomy"),
        ({"kind": "wrap"}, 1, "data"),
    ],
    ids=lambda value: "-".join(map(str, value.values())) if isinstance(value, dict) else None,
)
def test_a_failing_source_changes_nothing(here: World, fault: dict[str, Any], code: int, said: str) -> None:
    assert here.run("import-courses").code == 0
    before = state(here)
    here.servers[0].faults.add({**LIST, "fault": fault})
    result = here.run("import-courses", "-v")
    assert result.code == code
    assert "maconomy: " in result.err
    assert said in result.err
    assert result.err.count("nothing was changed") == 1
    assert state(here) == before


def test_a_source_that_trickles_is_given_up_at_the_deadline(here: World) -> None:
    here.configure(maconomy_extra="list_timeout_s = 1")
    here.servers[0].faults.add({**LIST, "fault": {"kind": "slow", "bytes": 1, "interval": 0.05}})
    result = here.run("import-courses", "-v")
    assert result.code == 75
    assert "within 1 s" in result.err
    assert here.all_posts() == []


def test_a_shrunk_list_is_believed_only_with_the_flag(here: World) -> None:
    assert here.run("import-courses").code == 0
    before = state(here)
    here.maconomy.seed({"remove": ["25172-05", "25191-11"]})
    result = here.run("import-courses")
    assert result.code == 1
    assert "2 of 5 known records are gone at once" in result.err
    assert "--allow-removals" in result.err
    assert state(here) == before
    assert here.run("import-courses", "--allow-removals").code == 0
    assert here.posts()["25172-05"]["meta"]["mac_missing_since"] != ""


def test_a_bad_record_is_set_aside_and_the_rest_goes_on(here: World) -> None:
    assert here.run("import-courses").code == 0
    before = here.posts()["25172-05"]
    here.maconomy.seed({"set": {"25172-05": {"price": "14,995.00"}, "25172-04": {"freeSeats": 3}}})
    result = here.run("import-courses", "--json")
    assert result.code == 3
    assert [item["item"] for item in result.json["failed"]] == ["course 25172-05"]
    assert "bad_money" in result.json["failed"][0]["reason"]
    assert here.rows("SELECT kind, key, code FROM set_aside") == [("course", "25172-05", "bad_money")]
    assert here.posts()["25172-05"] == before
    assert here.posts()["25172-04"]["meta"]["mac_seats_free"] == 3
    here.maconomy.seed({"set": {"25172-05": {"price": "14.995,00"}}})
    assert here.run("import-courses").code == 0
    assert here.rows("SELECT * FROM set_aside") == []


def test_many_bad_records_mean_a_changed_interface(here: World) -> None:
    assert here.run("import-courses").code == 0
    before = state(here)
    here.maconomy.seed({"set": {"25172-05": {"price": "x1"}, "25172-04": {"price": "x2"}}})
    result = here.run("import-courses")
    assert (result.code, "--allow-bad-records" in result.err) == (1, True)
    assert state(here) == before
    assert here.run("import-courses", "--allow-bad-records").code == 3


def test_a_field_that_vanishes_from_every_record_stops_the_run(here: World) -> None:
    assert here.run("import-courses").code == 0
    before = state(here)
    courses = requests_json(here, "/api/course")
    kept = [{name: value for name, value in course.items() if name != "freeSeats"} for course in courses]
    here.maconomy.seed({"records": {"course": kept, "maincourse": requests_json(here, "/api/maincourse")}})
    result = here.run("import-courses")
    assert result.code == 1
    assert "seats_free" in result.err
    assert state(here) == before


def test_titles_that_break_naive_tools_travel_safely(here: World) -> None:
    titles = {
        "25172-04": "[red]Rød[/red] & <script>alert(1)</script>",
        "25172-05": "To\nlinjer\u0000 og \u001b[31mfarve",
    }
    here.maconomy.seed({"set": {key: {"name": title} for key, title in titles.items()}})
    here.maconomy.seed({"set": {"25180-01": {"name": "x" * 10_000}}})
    result = here.run("import-courses", "-v")
    assert result.code == 3
    assert "25180-01" in result.err
    assert here.posts()["25172-04"]["title"].startswith("[red]Rød[/red]")
    assert "script" not in str(here.posts()["25172-04"])
    assert here.posts()["25172-05"]["title"] == "To linjer og [31mfarve"
    log = (here.home / "var" / "log" / "integrator.log").read_text(encoding="utf-8")
    assert len(log.splitlines()) == 1
    plan = here.run("import-courses", "--dry-run")
    assert "\x1b" not in plan.out + result.out + result.err


def test_two_runs_at_once_the_second_is_skipped_without_a_request(here: World) -> None:
    here.servers[0].faults.add({"match": {"path": "/api/maincourse$"}, "times": 1, "fault": {"kind": "hang"}})
    first = here.start("import-courses")
    assert here.servers[0].faults.gate.await_held()
    here.maconomy.clear_ledger()
    second = here.run("import-courses", "-v")
    assert second.code == 5
    assert "still running since" in second.err
    assert here.maconomy.entries() == []
    here.servers[0].faults.gate.release()
    assert here.finish(first).code == 0
    assert here.rows("SELECT outcome FROM runs ORDER BY id") == [("done",), ("skipped",)]


def test_sigterm_ends_a_run_cleanly_with_75(here: World) -> None:
    here.servers[0].faults.add({"match": {"path": "/api/course$"}, "times": 1, "fault": {"kind": "hang"}})
    process = here.start("import-courses", "-v")
    assert here.servers[0].faults.gate.await_held()
    process.send_signal(signal.SIGTERM)
    ended = here.finish(process)
    assert ended.code == 75
    assert "SIGTERM" in ended.err
    assert here.rows("SELECT outcome, exit_code FROM runs") == [("later", 75)]
    assert here.run("import-courses").code == 0


def test_a_killed_run_is_seen_as_crashed_and_heals(here: World) -> None:
    here.servers[0].faults.add({"match": {"path": "/api/course$"}, "times": 1, "fault": {"kind": "hang"}})
    process = here.start("import-courses")
    assert here.servers[0].faults.gate.await_held()
    os.kill(process.pid, signal.SIGKILL)
    here.finish(process)
    assert here.run("import-courses").code == 0
    assert here.rows("SELECT outcome FROM runs ORDER BY id") == [("crashed",), ("done",)]


def test_a_home_without_maconomy_stops_with_78(here: World) -> None:
    (here.home / "config" / "integrator.toml").write_text("", encoding="utf-8")
    result = here.run("import-courses")
    assert result.code == 78
    assert "[maconomy] is missing" in result.err


def test_five_mistakes_give_five_messages_and_touch_nothing(here: World) -> None:
    (here.home / "config" / "integrator.toml").write_text(
        '[maconomy]\nbase_url = "http://erp.example.org"\nauth_value = "plain"\nlist_timeout_s = "long"\n'
        '[wordpres]\nx = 1\n[wordpress]\nbase_url = 42\nusername = "sync"\npassword = { env = "WORDPRESS_PASSWORD" }\n',
        encoding="utf-8",
    )
    result = here.run("import-courses")
    assert result.code == 78
    lines = [line for line in result.err.splitlines() if line.startswith("integrator: config/integrator.toml:")]
    assert len(lines) == 5
    assert not (here.home / "var" / "integrator.db").exists()
    assert here.maconomy.entries() == []


def test_secrets_readable_by_others_are_refused(here: World) -> None:
    (here.home / ".env").chmod(0o644)
    result = here.run("import-courses")
    assert result.code == 78
    assert "chmod 600" in result.err
    assert here.maconomy.entries() == []


def test_a_damaged_store_is_left_alone_with_70(here: World) -> None:
    store = here.home / "var" / "integrator.db"
    store.touch(0o600)
    store.write_bytes(b"this is no database, but long enough to be taken for one" * 100)
    before = store.read_bytes()
    result = here.run("import-courses")
    assert result.code == 70
    assert "damaged" in result.err
    assert store.read_bytes() == before
    assert here.maconomy.entries() == []


def test_without_wordpress_the_catalogue_is_kept_and_that_is_said(here: World) -> None:
    here.configure(wordpress=False)
    result = here.run("import-courses", "-v")
    assert result.code == 0
    assert "[wordpress] is switched off" in result.err
    assert here.rows("SELECT count(*) FROM courses") == [(5,)]
    assert here.rows("SELECT count(*) FROM outbox") == [(0,)]
    here.configure()
    assert here.run("import-courses").code == 0
    assert len(here.posts()) == 5
