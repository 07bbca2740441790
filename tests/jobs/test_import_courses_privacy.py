"""import-courses and values nobody should have written there: they are in no message, no log and no report."""

import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from integrator.standins.catalogue import sample
from world import World

HOSTILE = "Spørg Åse på aase@example.org eller 20 30 40 50"
NUMBER = 20304050607080
MARKS = ("aase", "Åse", "20 30", str(NUMBER))
COURSE, MAIN = sample("course")[0], sample("maincourse")[0]
VALUES: dict[str, Any] = {
    "text": HOSTILE,
    "long": HOSTILE * 60,
    "number": NUMBER,
    "negative": -NUMBER,
    "list": [HOSTILE],
    "object": {HOSTILE: HOSTILE},
    "entry": [{"date": HOSTILE, "startTime": HOSTILE, "initials": HOSTILE, "name": [HOSTILE], "email": HOSTILE}],
    "half an entry": [{"date": "01-03-2027", "startTime": HOSTILE, "name": HOSTILE}, HOSTILE],
}


def everything_said(here: World, *results: Any) -> str:
    """Whatever an operator, a log reader or a monitor could see, and what stays in the store beside the catalogue."""
    log = (here.home / "var" / "log" / "integrator.log").read_text(encoding="utf-8")
    lines = [json.dumps(json.loads(line), ensure_ascii=False) for line in log.splitlines()]
    rows = [*here.rows("SELECT * FROM set_aside"), *here.rows("SELECT * FROM runs")]
    return "\n".join([*(result.out + result.err for result in results), *lines, *map(str, rows)])


@contextmanager
def monitor() -> Iterator[tuple[str, list[bytes]]]:
    """A monitor on loopback that keeps what it is told."""
    told: list[bytes] = []

    class Told(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.append(self.rfile.read(int(self.headers.get("content-length", 0))))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Told) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}", told
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("kind", VALUES)
def test_a_value_of_a_record_is_in_no_message(here: World, kind: str) -> None:
    value = VALUES[kind]
    mains = [MAIN | {"mainCourseId": str(40000 + n), name: value} for n, name in enumerate(MAIN)]
    courses = [COURSE | {"courseId": f"25172-{n + 10}", name: value} for n, name in enumerate(COURSE)]
    more = [{name: value} for name in COURSE] + [{HOSTILE: 1}, COURSE | {HOSTILE: 1}]
    here.maconomy.seed({"records": {"maincourse": [MAIN, *mains], "course": [COURSE, *courses, *more]}})
    stopped = here.run("import-courses", "-v")
    assert stopped.code == 1
    passed = here.run("import-courses", "-v", "--allow-bad-records")
    assert passed.code == 3
    report = here.run("import-courses", "--json", "--allow-bad-records")
    assert report.json["failed"]
    checked = [here.run("check", "maconomy", "--fields"), here.run("check", "maconomy", "--fields", "--json")]
    said = everything_said(here, stopped, passed, report, *checked, here.run("status"), here.run("runs", "2"))
    assert len(here.rows("SELECT * FROM set_aside")) > 10
    assert [mark for mark in MARKS if mark in said] == []


def test_the_monitor_is_told_the_reason_without_the_value(here: World) -> None:
    with monitor() as (url, told):
        config = here.home / "config" / "integrator.toml"
        config.write_text(config.read_text(encoding="utf-8") + '[monitor]\nping_url = { env = "PING" }\n')
        with (here.home / ".env").open("a", encoding="utf-8") as file:
            file.write(f"PING={url}\n")
        here.maconomy.seed({"set": {"25172-04": {"freeSeats": HOSTILE}}})
        result = here.run("import-courses", "-v")
    assert result.code == 3
    assert "seats_free is not a whole number (bad_int); the site keeps what it has" in result.err
    assert b"bad_int" in told[-1]
    assert [mark for mark in MARKS if mark in json.dumps(json.loads(told[-1]), ensure_ascii=False)] == []


def test_only_the_first_hundred_are_told_one_by_one_and_the_store_has_them_all(here: World) -> None:
    courses = [COURSE | {"courseId": f"25172-{n:02}", "price": "14.99"} for n in range(100)]
    courses += [COURSE | {"courseId": f"25180-{n:02}", "price": "14.99"} for n in range(50)]
    here.maconomy.seed({"records": {"maincourse": [MAIN], "course": courses}})
    result = here.run("import-courses", "--json", "--allow-bad-records")
    assert result.code == 3
    assert len(result.json["failed"]) == 100
    assert result.json["counts"]["courses.set_aside"] == 150
    assert "50 more courses cannot be read; the store has them all (set_aside)" in result.json["remarks"]
    assert here.rows("SELECT count(*) FROM set_aside WHERE kind = 'course'") == [(150,)]
