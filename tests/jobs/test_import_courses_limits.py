"""import-courses when the site is down, memory is precious, or the disk is full."""

import os
import resource
import subprocess
import sys

from memory import measured
from world import World

STORE_LIMIT = 400_000  # bytes a file may grow to: enough for the answer, not for the store with its outbox


def test_the_catalogue_is_kept_while_the_site_is_down_and_travels_later(here: World) -> None:
    here.servers[1].faults.add({"fault": {"kind": "close", "when": "before"}})
    result = here.run("import-courses", "-v")
    assert result.code == 75
    assert "wordpress: log in: the connection broke" in result.err
    assert here.rows("SELECT count(*) FROM courses") == [(5,)]
    assert here.rows("SELECT state, count(*) FROM outbox GROUP BY state") == [("received", 9)]
    here.servers[1].faults.clear()
    assert here.run("import-courses").code == 0
    assert len(here.posts()) == 5


def test_the_site_failing_in_the_middle_costs_seconds_and_loses_nothing(here: World) -> None:
    here.maconomy.seed({"main_courses": 30, "courses": 120})
    here.servers[1].faults.add(
        {
            "match": {"path": "/wp-json/batch/v1", "method": "POST"},
            "skip": 2,
            "fault": {"kind": "status", "status": 502},
        }
    )
    result = here.run("import-courses", "-v")
    assert result.code == 75
    assert "times in a row" in result.err
    here.servers[1].faults.clear()
    with here.store() as db:
        db.write("UPDATE outbox SET next_at = 0, sent_at = sent_at - 60 WHERE state IN ('received', 'processing')")
    assert here.run("import-courses").code == 0
    assert (len(here.posts("course")), len(here.posts())) == (30, 120)


def test_a_gzip_bomb_does_not_fill_the_memory(here: World) -> None:
    here.servers[0].faults.add({"match": {"path": "/api/course$"}, "fault": {"kind": "gzip-bomb", "megabytes": 100}})
    command = [sys.executable, "-m", "integrator", "import-courses"]
    code, megabytes, said = measured(command, {"INTEGRATOR_HOME": str(here.home)})
    assert (code, "a gzip bomb; nothing was changed" in said) == (1, True)
    assert megabytes < 100


def test_a_full_disk_ends_with_70_and_nothing_is_sent_without_its_row(here: World) -> None:
    here.maconomy.seed({"main_courses": 20, "courses": 300})
    process = subprocess.run(
        [sys.executable, "-m", "integrator", "import-courses"],
        env={"INTEGRATOR_HOME": str(here.home), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=300,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (STORE_LIMIT, STORE_LIMIT)),
    )
    assert process.returncode == 70
    assert "store: " in process.stderr
    assert here.writes() == []
    assert here.rows("SELECT count(*) FROM courses") == [(0,)]
    assert here.run("import-courses").code == 0
    assert len(here.posts()) == 300


def test_a_replaced_course_title_of_ten_thousand_letters_does_not_break_the_table(here: World) -> None:
    here.maconomy.seed({"set": {"25172-04": {"name": "[bold]" + "ø" * 1_900}}})
    result = here.run("import-courses", "--dry-run")
    assert result.code == 0
    assert max(len(line) for line in result.out.splitlines()) <= 80
