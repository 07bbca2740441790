"""The table runs."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from integrator.database import Database
from integrator.runtime import history
from integrator.runtime.history import Ended, History
from integrator.store import open_store

AT = 1_785_000_000
DAY = 86_400


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    opened = open_store(tmp_path / "var" / "integrator.db", backups=tmp_path / "backups").db
    yield opened
    opened.close()


@pytest.fixture
def runs(db: Database) -> History:
    return History(db)


def _ran(runs: History, job: str, at: int, exit_code: int = 0) -> int:
    run_id = runs.start(job, at=at)
    runs.finish(run_id, Ended(exit_code, {}, None), at=at + 5)
    return run_id


def test_a_run_is_kept_with_what_it_counted(runs: History) -> None:
    run_id = runs.start("import-courses", at=AT)
    started = runs.get(run_id)
    assert started is not None
    assert (started["outcome"], started["finished_at"], started["counts"]) == ("running", None, {})
    runs.finish(run_id, Ended(3, {"courses.new": 2, "ærø": 1}, "one failed", "quick"), at=AT + 7)
    row = runs.get(run_id)
    assert row is not None
    assert (row["started_at"], row["finished_at"], row["exit_code"]) == (AT, AT + 7, 3)
    assert row["counts"] == {"courses.new": 2, "ærø": 1}
    assert (row["outcome"], row["error"], row["checked"]) == ("partial", "one failed", "quick")
    assert row["cpu_ms"] >= 0


@pytest.mark.parametrize(
    ("exit_code", "outcome"),
    [
        (0, "done"),
        (1, "stopped"),
        (3, "partial"),
        (75, "later"),
        (70, "failed"),
        (78, "failed"),
        (2, "skipped"),
        (4, "skipped"),
    ],
)
def test_the_exit_code_says_the_outcome(exit_code: int, outcome: str, runs: History) -> None:
    row = runs.get(_ran(runs, "a", AT, exit_code))
    assert row is not None
    assert row["outcome"] == outcome


def test_a_start_marks_earlier_runs_of_its_job_without_an_end_as_crashed(runs: History) -> None:
    mine, others = runs.start("a", at=AT), runs.start("b", at=AT)
    runs.start("a", at=AT + 60)
    crashed, running = runs.get(mine), runs.get(others)
    assert crashed is not None
    assert running is not None
    assert (crashed["outcome"], crashed["finished_at"]) == ("crashed", AT + 60)
    assert (running["outcome"], running["finished_at"]) == ("running", None)


def test_a_skipped_start_ends_nothing_and_is_no_success(runs: History) -> None:
    run_id = runs.start("a", at=AT)
    runs.skipped("a", "still running", at=AT + 60)
    row = runs.get(run_id)
    assert row is not None
    assert row["finished_at"] is None
    assert runs.last_success("a") is None
    assert [found["outcome"] for found in runs.latest()] == ["skipped", "running"]


def test_success_is_done_or_done_with_items_set_aside(runs: History) -> None:
    assert runs.last_success("a") is None
    _ran(runs, "a", AT)
    _ran(runs, "a", AT + 100, 3)
    for number, exit_code in enumerate((1, 70, 75, 78)):
        _ran(runs, "a", AT + 200 + number, exit_code)
    _ran(runs, "b", AT + 900)
    assert runs.last_success("a") == AT + 105
    assert runs.first_seen("a") == AT
    assert runs.first_seen("c") is None


def test_the_newest_runs_come_first(runs: History) -> None:
    numbers = [_ran(runs, job, AT) for job in ("a", "b", "a", "a")]
    assert [row["id"] for row in runs.latest()] == numbers[::-1]
    assert [row["id"] for row in runs.latest(job="a", limit=2)] == [numbers[3], numbers[2]]
    assert runs.latest(job="c") == []
    assert runs.get(99) is None


def test_a_full_check_counts_as_a_quick_one_and_not_the_other_way_round(runs: History) -> None:
    assert (runs.last_check("quick"), runs.last_check("full")) == (0, 0)
    for kind, at in (("full", AT), ("quick", AT + DAY)):
        runs.finish(runs.start("a", at=at), Ended(0, {}, None, kind), at=at)
    assert (runs.last_check("quick"), runs.last_check("full")) == (AT + DAY, AT)
    runs.finish(runs.start("a", at=AT), Ended(0, {}, None, "full"), at=AT + 9 * DAY)
    assert runs.last_check("quick") == AT + 9 * DAY


def test_old_runs_are_forgotten_and_nothing_is_written_when_there_are_none(runs: History, db: Database) -> None:
    old, young = _ran(runs, "a", AT - 401 * DAY), _ran(runs, "a", AT - 399 * DAY)
    runs.forget_old(now=AT)
    assert [row["id"] for row in runs.latest()] == [young]
    assert runs.get(old) is None
    changes = db.conn.total_changes
    runs.forget_old(now=AT)
    assert db.conn.total_changes == changes


def test_the_database_refuses_an_outcome_nobody_knows(runs: History, db: Database) -> None:
    _ran(runs, "a", AT)
    with pytest.raises(sqlite3.IntegrityError):
        db.write("UPDATE runs SET outcome = 'perhaps'")


def test_the_boot_is_named_and_does_not_change_meanwhile(runs: History) -> None:
    assert history.boot_id() == history.boot_id() != ""
    row = runs.get(runs.start("a", at=AT))
    assert row is not None
    assert row["boot_id"] == history.boot_id()


def test_what_every_start_asks_costs_as_little_after_a_year_as_on_the_first_day(db: Database, runs: History) -> None:
    columns = "job, scope, boot_id, pid, version, started_at, finished_at, outcome, checked"
    sql = f"INSERT INTO runs ({columns}) VALUES ('a', '', 'b', 1, '1', ?1, ?1, 'done', ?2)"
    checked = {0: "full", 19_000: "full", 19_900: "quick"}
    with db.tx():
        db.write_many(sql, [(AT + number * 60, checked.get(number)) for number in range(20_000)])
    steps = []
    db.conn.set_progress_handler(lambda: steps.append(1), 1_000)  # called after so many of SQLite's instructions
    assert runs.last_check("full") == AT + 19_000 * 60
    assert runs.last_check("quick") == AT + 19_900 * 60
    assert runs.first_seen("a") == AT
    runs.forget_old(now=AT + 20_000 * 60)
    assert len(steps) < 20
    runs.forget_old(now=AT + history.KEPT_DAYS * DAY + 30)
    assert runs.first_seen("a") == AT + 60
    assert len(steps) < 20
