"""What a run owes the monitor and the store: word of every end, checks in time, no byte where none belongs."""

import json
import sqlite3

import pytest

from integrator import errors, monitor
from integrator.database import connect
from onerun import DAY, HOUR, T0, bare, ending, files, fine, go, log, rows
from rawserver import CLOSE, HANG, RawServer, answer


@pytest.fixture
def home(tmp_path):
    return bare(tmp_path / "home")


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
