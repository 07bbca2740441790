"""One run from start to exit code: what it leaves behind, whatever happens in it."""

import json
import os
import signal
import sqlite3
import sys

import pytest
from rawserver import CLOSE, HANG, RawServer, answer

from integrator import cli, errors, monitor
from integrator.database import connect
from integrator.home import Home, init_home
from integrator.runner import Options, run_job
from integrator.runtime import lock

JOB = "import-courses"
HOUR, DAY = 3600, 86_400
T0 = 1_800_000_000.0
SOMEBODY = "Åse Østergård 010203-1234"


@pytest.fixture
def home(tmp_path):
    init_home(tmp_path / "home")
    made = Home(tmp_path / "home")
    (made.config / "integrator.toml").write_text("", encoding="utf-8")
    return made


def fine(run, wiring):
    run.count(read=3)


def ending(error):
    def story(run, wiring):
        run.count(read=2)
        raise error

    return story


def go(home, story=fine, *, at=T0, dry_run=False):
    return run_job(JOB, story, needs=("monitor",), options=Options(dry_run=dry_run, clock=lambda: at), home=home)


def rows(home, columns="outcome, exit_code, counts, error"):
    db = connect(home.var / "integrator.db")
    try:
        return [tuple(row) for row in db.all(f"SELECT {columns} FROM runs ORDER BY id")]
    finally:
        db.close()


def log(home):
    return [json.loads(line) for line in (home.log / "integrator.log").read_text(encoding="ascii").splitlines()]


def files(home):
    return {str(path): path.read_bytes() if path.is_file() else None for path in sorted(home.var.rglob("*"))}


# how it ends --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "code", "outcome"),
    [
        (errors.UsageError("x"), 2, "failed"),
        (errors.NotFound("x"), 4, "failed"),
        (errors.ConfigError([errors.Problem("a.toml:1", "x")]), 78, "failed"),
        (errors.StoreDamaged("x"), 70, "failed"),
        (errors.Stopped("x"), 75, "later"),
        (errors.Unavailable("x"), 75, "later"),
        (errors.InDoubt("x"), 75, "later"),
        (errors.Refused("x"), 1, "stopped"),
        (errors.BadAnswer("x", code="bad_json"), 1, "stopped"),
        (errors.GuardTripped("x"), 1, "stopped"),
        (errors.Rejected("x"), 3, "partial"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_each_error_has_its_code_row_and_line(home, error, code, outcome):
    report = go(home, ending(error))
    assert report.exit_code == code
    assert rows(home) == [(outcome, code, '{"read": 2}', error.message)]
    (line,) = log(home)
    assert (line["exit_code"], line["error"], line["counts"]) == (code, error.message, {"read": 2})


@pytest.mark.parametrize(
    ("say", "code", "outcome"),
    [
        (lambda run: run.count(read=1), 0, "done"),
        (lambda run: run.set_aside("course 1", "bad"), 3, "partial"),
        (lambda run: run.report.waiting.update(a="later"), 75, "later"),
    ],
)
def test_a_story_without_an_error_ends_by_its_items(home, say, code, outcome):
    assert go(home, lambda run, wiring: say(run)).exit_code == code
    assert [row[:2] for row in rows(home)] == [(outcome, code)]


def test_the_log_line_has_these_fields_and_no_others(home):
    go(home, lambda run, wiring: run.set_aside("course 1", "bad_money"))
    (line,) = log(home)
    assert list(line) == ["at", "job", "run", "outcome", "exit_code", "seconds", "counts", "failed", "waiting"] + [
        "notes",
        "remarks",
        "error",
    ]
    assert (line["at"], line["run"], line["failed"]) == (
        "2027-01-15T08:00:00+00:00",
        1,
        [{"item": "course 1", "reason": "bad_money"}],
    )
    assert line["seconds"] > 0


def test_a_bug_is_raised_after_the_books_with_its_place_and_without_its_words(home):
    with pytest.raises(ValueError, match="Østergård"):
        go(home, ending(ValueError(SOMEBODY)))
    assert rows(home) == [("failed", 70, '{"read": 2}', "bug: ValueError")]
    (line,) = log(home)
    assert line["place"][-1].startswith("test_runner.py:")
    assert (line["exit_code"], line["error"]) == (70, "bug: ValueError")
    assert "stergård" not in json.dumps(line, ensure_ascii=False)


def test_a_bug_ends_the_command_with_70_and_its_words_are_not_printed(home, monkeypatch, capsys):
    monkeypatch.setattr("integrator.jobs.import_courses.import_courses", lambda run, *_, **__: bug(run, None))
    with pytest.raises(SystemExit) as ended:
        cli.main()
    said = capsys.readouterr()
    assert ended.value.code == 70
    assert "this is a bug: ValueError at test_runner.py:" in said.err
    assert "stergård" not in said.out + said.err


def test_control_characters_of_a_record_cannot_forge_a_line(home):
    go(home, lambda run, wiring: run.set_aside('course \n{"job":"x"}\u2028\x1b[2J', "bad"))
    assert len((home.log / "integrator.log").read_text(encoding="utf-8").splitlines()) == 1


def test_an_unwritable_log_is_a_remark_and_nothing_more(home):
    (home.log / "integrator.log").mkdir()
    report = go(home)
    assert report.exit_code == 0
    assert report.remarks == ["the log could not be written: Is a directory"]


# stopping -----------------------------------------------------------------------------------------------


def test_sigterm_during_a_read_ends_it_at_once_with_75(home):
    reached = []

    def story(run, wiring):
        signal.raise_signal(signal.SIGTERM)
        reached.append("the next step")

    assert (go(home, story).exit_code, reached) == (75, [])
    assert rows(home, "outcome, error") == [("later", "stopped by SIGTERM; the rest waits for the next run")]


def test_sigterm_during_an_effect_waits_for_its_bookkeeping(home):
    reached = []

    def story(run, wiring):
        with run.stopper.critical():
            signal.raise_signal(signal.SIGTERM)
            reached.append("bookkeeping")
        reached.append("the next effect")

    assert (go(home, story).exit_code, reached) == (75, ["bookkeeping"])


def test_a_used_up_budget_ends_it_with_75_and_says_so(home):
    report = go(home, lambda run, wiring: signal.raise_signal(signal.SIGALRM))
    assert report.exit_code == 75
    assert "time is used up" in rows(home, "error")[0][0]


def test_the_budget_is_the_timeout_of_the_jobs_file(home):
    path = home.jobs / f"{JOB}.toml"
    path.write_text(path.read_text(encoding="utf-8").replace('"20m"', '"7m"'), encoding="utf-8")
    left = []
    go(home, lambda run, wiring: left.append(run.stopper.remaining_s()))
    assert 415 < left[0] <= 420


def test_a_stop_in_the_middle_of_a_transaction_undoes_it_and_keeps_the_books(home):
    def story(run, wiring):
        run.db.conn.execute("BEGIN IMMEDIATE")
        run.outbox.latest("site.post", "a", 1)
        raise errors.Stopped("stopped by SIGTERM")

    assert go(home, story).exit_code == 75
    assert [row[0] for row in rows(home)] == ["later"]
    assert rows(home, "(SELECT count(*) FROM outbox)") == [(0,)]


def test_a_run_without_an_end_is_called_crashed_by_the_next_one(home):
    go(
        home,
        lambda run, wiring: run.db.write(
            "INSERT INTO runs SELECT 99, job, boot_id, pid, version, started_at,"
            " NULL, 'running', NULL, '{}', NULL, NULL, NULL FROM runs"
        ),
    )
    go(home, at=T0 + HOUR)
    assert [row[0] for row in rows(home)] == ["done", "crashed", "done"]
    assert rows(home, "error, finished_at")[1] == ("ended without a word", T0 + HOUR)


# two at once --------------------------------------------------------------------------------------------


def test_a_second_start_is_skipped_with_a_row_and_without_a_request(home):
    with RawServer([answer(b"OK")]) as server:
        (home.config / "integrator.toml").write_text(f'[monitor]\nping_url = "{server.url}/x"\n', encoding="utf-8")
        told = []
        go(home, lambda run, wiring: told.append(go(home, at=T0 + 60)))
        assert [request.target for request in server.requests] == ["/x/start", "/x"]
    (second,) = told
    assert (second.exit_code, second.late) == (5, None)
    assert "still running since" in str(second.error)
    assert [row[:2] for row in rows(home)] == [("done", 0), ("skipped", 5)]
    assert [line["outcome"] for line in log(home)] == ["done"]


def test_a_run_that_hangs_for_longer_than_alert_after_is_news(home):
    told = []
    go(home, lambda run, wiring: told.append(go(home, at=T0 + 4 * HOUR)))
    assert (told[0].exit_code, told[0].late) == (5, "has not succeeded yet, first seen 4 h ago; expected within 3 h")


def test_the_lock_is_free_after_a_bug(home):
    with pytest.raises(ValueError, match="a bug"):
        go(home, ending(ValueError("a bug")))
    assert not lock.is_held(home.locks, JOB)


# lateness and the monitor ---------------------------------------------------------------------------------


def test_trying_later_is_silent_until_it_has_lasted_too_long(home):
    away = ending(errors.Unavailable("maconomy: no route"))
    go(home)
    assert go(home, away, at=T0 + 2 * HOUR).late is None
    assert go(home, away, at=T0 + 3 * HOUR + 1).late == "last success 3 h ago; expected within 3 h"
    assert go(home, at=T0 + 4 * HOUR).late is None


def test_the_monitor_hears_of_a_failure_when_it_has_lasted_too_long(home):
    away = ending(errors.Unavailable("maconomy: no route"))
    with RawServer([answer(b"OK")]) as server:
        (home.config / "integrator.toml").write_text(f'[monitor]\nping_url = "{server.url}/x"\n', encoding="utf-8")
        go(home, away)
        go(home, away, at=T0 + 4 * HOUR)
    assert [request.target for request in server.requests] == ["/x/start", "/x/log", "/x/start", "/x/fail"]
    assert json.loads(server.requests[-1].body)["error"] == "maconomy: no route"


@pytest.mark.parametrize(("story", "code"), [(fine, 0), (ending(errors.Refused("no")), 1)])
@pytest.mark.parametrize("script", [[CLOSE], [HANG]], ids=["gone", "slow"])
def test_a_broken_monitor_never_changes_the_exit_code(home, story, code, script, monkeypatch):
    monkeypatch.setattr(monitor, "_TIMEOUT_S", 0.2)
    with RawServer(script) as server:
        (home.config / "integrator.toml").write_text(f'[monitor]\nping_url = "{server.url}/tok"\n', encoding="utf-8")
        report = go(home, story)
    assert report.exit_code == code
    assert len(report.remarks) == 2
    assert "/tok" not in str(report.as_json()) + (home.log / "integrator.log").read_text(encoding="ascii")


# the store ------------------------------------------------------------------------------------------------


def test_the_store_is_checked_once_a_day_and_thoroughly_once_a_week(home):
    for hours in (0, 1, 23, 24, 25, 47, 48, 167, 168, 169):
        go(home, at=T0 + hours * HOUR)
    checked = [row[0] for row in rows(home, "checked")]
    assert checked == ["full", None, None, "quick", None, None, "quick", "quick", "full", None]


def damage(home):
    """Overwrite the pages of one table, which nothing but a check looks at."""
    db = connect(home.var / "integrator.db")
    with db.tx():
        db.write_many(
            "INSERT INTO changes (kind, key, at, run_id, fields) VALUES ('course', ?, 1, 1, ?)",
            [(f"25172-{number:02}", "x" * 500) for number in range(99)],
        )
    pages, size = db.all("SELECT rootpage FROM sqlite_master WHERE name = 'changes'"), db.value("PRAGMA page_size")
    db.close()
    with (home.var / "integrator.db").open("r+b") as file:
        file.seek((pages[0][0] - 1) * size)
        file.write(b"\xff" * size)


def test_a_damaged_store_ends_with_70_before_anything_is_written_to_it(home):
    go(home)
    damage(home)
    before = (home.var / "integrator.db").read_bytes()
    told = []
    report = go(home, lambda run, wiring: told.append("ran"), at=T0 + 2 * DAY)
    assert (report.exit_code, report.run_id, told) == (70, None, [])
    assert "is damaged" in str(report.error)
    assert (home.var / "integrator.db").read_bytes() == before
    assert [line["exit_code"] for line in log(home)] == [0, 70]


def test_a_store_that_proves_damaged_in_the_middle_is_not_written_any_more(home):
    go(home)
    damage(home)
    seen = []

    def story(run, wiring):
        seen.append(run.db.path.read_bytes())
        run.db.all("SELECT * FROM changes")

    assert go(home, story, at=T0 + HOUR).exit_code == 70
    assert (home.var / "integrator.db").read_bytes() == seen[0]
    assert [row[0] for row in rows(home)] == ["done", "running"]


def test_a_file_that_is_no_store_ends_with_70_a_log_line_and_word_to_the_monitor(home):
    (home.var / "integrator.db").touch(0o600)
    (home.var / "integrator.db").write_bytes(b"no database " * 100)
    with RawServer([answer(b"OK")]) as server:
        (home.config / "integrator.toml").write_text(f'[monitor]\nping_url = "{server.url}/x"\n', encoding="utf-8")
        assert go(home).exit_code == 70
    assert [request.target for request in server.requests] == ["/x/fail"]
    assert [line["exit_code"] for line in log(home)] == [70]


def test_a_store_that_cannot_be_written_at_the_end_is_said_with_70(home):
    report = go(home, lambda run, wiring: run.db.conn.execute("PRAGMA query_only = ON"))
    assert report.exit_code == 70
    assert "cannot be read or written" in str(report.error)
    assert [line["exit_code"] for line in log(home)] == [70]


def test_a_broken_rule_of_the_store_is_a_bug(home):
    with pytest.raises(sqlite3.IntegrityError):
        go(home, lambda run, wiring: run.db.write("INSERT INTO outbox (effect) VALUES (NULL)"))
    assert rows(home, "outcome, error") == [("failed", "bug: IntegrityError")]


# dry ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("there", [True, False], ids=["with a store", "without one"])
@pytest.mark.parametrize("story", [fine, ending(errors.Refused("no"))])
def test_a_dry_run_leaves_every_byte_as_it_was(home, there, story):
    def writing(run, wiring):
        with run.db.tx():
            run.outbox.latest("site.post", "a", 1)
        story(run, wiring)

    if there:
        go(home)
    before = files(home)
    report = go(home, writing, dry_run=True)
    assert (report.exit_code, report.dry_run) == (0 if story is fine else 1, True)
    assert files(home) == before


def test_a_dry_run_does_not_wait_for_the_real_one(home):
    dry = []
    go(home, lambda run, wiring: dry.append(go(home, dry_run=True)))
    assert dry[0].exit_code == 0


def test_nothing_is_touched_when_the_configuration_is_wrong(home):
    (home.config / "integrator.toml").write_text("[monitor]\nping_url = 5\n", encoding="utf-8")
    before = files(home)
    with pytest.raises(errors.ConfigError, match="ping_url"):
        go(home)
    assert files(home) == before
