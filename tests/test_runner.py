"""One run from start to exit code: what it leaves behind, whatever happens in it."""

import json
import os
import signal
import sys

import pytest

from integrator import cli, errors
from integrator.runtime import lock
from onerun import HOUR, JOB, T0, bare, ending, go, log, rows
from rawserver import RawServer, answer

SOMEBODY = "Åse Østergård 010203-1234"


@pytest.fixture
def home(tmp_path):
    return bare(tmp_path / "home")


# how it ends --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "code", "outcome"),
    [
        (errors.UsageError("x"), 2, "skipped"),
        (errors.NotFound("x"), 4, "skipped"),
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
    fields = "at job run outcome exit_code seconds counts failed waiting notes remarks error"
    assert list(line) == fields.split()
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
    assert line["place"][-1].startswith("onerun.py:")
    assert (line["exit_code"], line["error"]) == (70, "bug: ValueError")
    assert "stergård" not in json.dumps(line, ensure_ascii=False)


def test_a_bug_ends_the_command_with_70_and_its_words_are_not_printed(home, monkeypatch, capsys):
    bug = ending(ValueError(SOMEBODY))
    text = '[maconomy]\nbase_url = "http://127.0.0.1:9"\nauth_value = { env = "KEY" }\n'
    (home.config / "integrator.toml").write_text(text, encoding="utf-8")
    monkeypatch.setattr(os, "environ", {"INTEGRATOR_HOME": str(home.root), "KEY": "k"})
    monkeypatch.setattr(sys, "argv", ["integrator", JOB])
    monkeypatch.setattr("integrator.jobs.import_courses.import_courses", lambda run, *_, **__: bug(run, None))
    with pytest.raises(SystemExit) as ended:
        cli.main()
    said = capsys.readouterr()
    assert ended.value.code == 70
    assert "this is a bug: ValueError at onerun.py:" in said.err
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
            "INSERT INTO runs (job, boot_id, pid, version, started_at, outcome)"
            " SELECT job, boot_id, pid, version, started_at, 'running' FROM runs"
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
