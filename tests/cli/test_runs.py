"""`runs`: the list, and one run in full."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from operating import Run, add_run

from integrator.database import Database
from integrator.runtime import logbook


@pytest.fixture
def now(clock: Callable[[str], int]) -> int:
    return clock("2026-08-03 12:00")


def test_runs_are_listed_newest_first_in_local_time(run: Run, store: Database, now: int) -> None:
    add_run(store, "import-courses", now - 86_400, courses__read=900, courses__new=3, main_courses__new=2)
    add_run(store, "store-backup", now - 3_600, exit_code=70, error="the disk is full")
    result = run("runs")

    assert (result.code, result.err) == (0, "")
    rows = [line.split() for line in result.out.splitlines() if line.strip()][2:]
    assert rows == [
        ["2", "store-backup", "13:00", "3", "s", "failed", "70"],
        ["1", "import-courses", "2026-08-02", "14:00", "3", "s", "done", "0", "5", "new"],
    ]
    assert max(map(len, result.out.splitlines())) <= 80


def test_one_job_and_a_limit(run: Run, store: Database, now: int) -> None:
    for hours in (3, 2, 1):
        add_run(store, "import-courses", now - hours * 3_600)
    add_run(store, "store-backup", now)
    rows = run("runs", "--job", "import-courses", "--limit", 2, "--json").json()

    assert [(row["id"], row["job"]) for row in rows] == [(3, "import-courses"), (2, "import-courses")]
    assert rows[0]["started_at"] == "2026-08-03T11:00:00Z"
    assert rows[0]["seconds"] == 3


@pytest.mark.parametrize("words", [("2",), ("--id", "2")])
def test_one_run_is_shown_with_its_error_counts_and_items(
    words: tuple[str, ...], run: Run, home: Path, store: Database, now: int
) -> None:
    add_run(store, "import-courses", now - 7_200)
    add_run(store, "import-courses", now - 3_600, exit_code=3, error="one went wrong", courses__new=1_200)
    logbook.write_line(home / "var" / "log", {"run": 2, "job": "store-backup", "failed": [{"item": "x"}]})
    items = [{"item": "course 25172-09", "reason": "start: is no date (bad_date)"}]
    notes = [{"code": "id_mismatch", "count": 2, "keys": ["a", "b"]}]
    logbook.write_line(home / "var" / "log", {"run": 2, "job": "import-courses", "failed": items, "notes": notes})
    result = run("runs", *words)

    assert result.code == 0
    assert result.out.startswith("run 2 of import-courses: partial, exit code 3\n2026-08-03 13:00 to 2026-08-03 13:00,")
    assert "error: one went wrong" in result.out
    assert "courses.new      1,200" in result.out
    assert "failed: course 25172-09: start: is no date (bad_date)" in result.out
    assert "note: id_mismatch: 2 record(s), such as a, b" in result.out


def test_one_run_as_json_has_its_items_also_from_the_rotated_log(
    run: Run, home: Path, store: Database, now: int
) -> None:
    add_run(store, "import-courses", now, exit_code=3)
    facts = {"job": "import-courses", "run": 1, "failed": [{"item": "course 1-1", "reason": "x"}], "remarks": ["y"]}
    line = json.dumps(facts, separators=(",", ":"))
    (home / "var" / "log" / "integrator.log.1").write_text(f'{line}\n{{"job":"import-courses","run":1,"fai')
    facts = run("runs", 1, "--json").json()

    assert facts["id"] == 1
    assert facts["failed"] == [{"item": "course 1-1", "reason": "x"}]
    assert facts["waiting"] == []
    assert facts["remarks"] == ["y"]


def test_a_run_without_an_end_is_shown_as_crashed_when_nobody_holds_its_lock(
    run: Run, store: Database, now: int
) -> None:
    add_run(store, "import-courses", now, exit_code=None)
    assert run("runs", "--json").json()[0]["outcome"] == "crashed"
    assert "run 1 of import-courses: crashed\n" in run("runs", 1).out
    assert store.value("SELECT outcome FROM runs") == "running"


def test_a_control_character_in_an_error_cannot_forge_a_line(run: Run, store: Database, now: int) -> None:
    add_run(store, "import-courses", now, exit_code=1, error="refused\nrun 9 of import-courses: done\x1b[2J")
    out = run("runs", 1).out
    assert "error: refused·run 9 of import-courses: done·[2J\n" in out


def test_an_unknown_run_or_job_is_not_found(run: Run, store: Database, now: int) -> None:
    missing = run("runs", 7)
    assert (missing.code, missing.out) == (4, "")
    assert "there is no run 7" in missing.err
    assert run("runs", "--job", "import-corses").code == 4
    assert run("runs", "--job", "import-courses").out == "no runs yet\n"


def test_before_the_first_job_there_are_no_runs_and_no_store_is_made(run: Run, home: Path) -> None:
    assert run("runs").out == "no runs yet\n"
    assert run("runs", "--json").out == "[]\n"
    assert run("runs", 1).code == 4
    assert not (home / "var" / "integrator.db").exists()
