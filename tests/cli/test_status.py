"""`status`: what it says, what needs a person, and that it only looks."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from operating import Run, add_run, files_of, switch_on

from integrator.database import Database
from integrator.runtime import lock
from integrator.runtime.history import History
from integrator.runtime.outbox import Outbox
from integrator.store import backup

NOW = "2026-08-03 12:00"  # 14:00 in Copenhagen
HOUR = 3_600
DAY = 24 * HOUR
pytestmark = pytest.mark.usefixtures("clock")


@pytest.fixture
def now(clock: Callable[[str], int]) -> int:
    return clock(NOW)


@pytest.fixture
def others(store: Database, now: int) -> None:
    """The jobs that a test is not about ran a moment ago."""
    for job in ("clear-reservations", "gdpr-cleanup", "send-participants", "sync-orders"):
        add_run(store, job, now - 60)


def _with_backup(store: Database, home: Path, at: int) -> None:
    backup.make(store, home / "var" / "backups", at=at)


def _outbox(store: Database, at: int) -> Outbox:
    return Outbox(store, clock=lambda: float(at))


def test_without_a_store_it_says_so_and_makes_nothing(run: Run, home: Path, now: int) -> None:
    before = files_of(home)
    result = run("status")

    assert (result.code, result.err) == (0, "")
    assert "store: there is none yet: no job has run" in result.out
    assert "nothing needs a person" in result.out
    assert files_of(home) == before


@pytest.mark.usefixtures("others")
def test_a_clean_installation_needs_nobody_and_nothing_is_written(
    run: Run, home: Path, store: Database, now: int
) -> None:
    switch_on(home, "maconomy", "wordpress")
    add_run(store, "import-courses", now - HOUR)
    add_run(store, "store-backup", now - 10 * HOUR)
    _with_backup(store, home, now - 10 * HOUR)
    before = files_of(home)

    result = run("status")

    assert (result.code, result.err) == (0, "")
    assert "nothing needs a person" in result.out
    [line] = [line for line in result.out.splitlines() if "import-courses" in line]
    assert line.split() == ["import-courses", "13:00", "done", "13:00", "14:05"]
    assert "backups: 1, the newest of 04:00 (10 h ago)" in result.out
    assert files_of(home) == before


def test_a_late_job_is_said_with_the_next_command(run: Run, home: Path, store: Database, now: int) -> None:
    switch_on(home, "maconomy")
    add_run(store, "import-courses", now - 5 * HOUR)
    result = run("status")

    assert result.code == 1
    assert "needs a person: import-courses: late: last success 4 h 59 min ago; expected within 3 h" in result.out
    assert "→ integrator runs --job import-courses" in result.out


@pytest.mark.usefixtures("others")
def test_a_job_whose_source_is_switched_off_is_off_and_never_late(run: Run, store: Database, now: int) -> None:
    add_run(store, "import-courses", now - 30 * HOUR, exit_code=78, error="[maconomy] is missing")
    add_run(store, "store-backup", now - 10 * HOUR)
    result = run("status")

    assert result.code == 0
    assert next(line for line in result.out.splitlines() if "import-courses" in line).split()[-3] == "off"


def test_a_job_that_never_ran_though_others_do_is_missed(run: Run, home: Path, store: Database, now: int) -> None:
    switch_on(home, "maconomy")
    add_run(store, "store-backup", now - 10 * HOUR)
    result = run("status")

    assert result.code == 1
    assert "import-courses: never ran, though it is scheduled" in result.out


def test_a_run_without_an_end_whose_lock_is_free_has_crashed_and_stays_as_it_is(
    run: Run, home: Path, store: Database, now: int
) -> None:
    switch_on(home, "maconomy")
    run_id = add_run(store, "import-courses", now - HOUR, exit_code=None)
    (home / "var" / "locks" / "import-courses.lock").touch(0o600)
    result = run("status")

    assert result.code == 1
    assert f"import-courses: run {run_id} ended without a word" in result.out
    assert "integrator import-courses" in result.out
    row = History(store).get(run_id)
    assert row is not None
    assert (row["outcome"], row["finished_at"]) == ("running", None)


@pytest.mark.usefixtures("others")
def test_a_run_whose_lock_is_held_is_running_and_nobodys_trouble(
    run: Run, home: Path, store: Database, now: int
) -> None:
    switch_on(home, "maconomy")
    add_run(store, "import-courses", now - HOUR)
    add_run(store, "import-courses", now - 60, exit_code=None)
    with lock.hold(home / "var" / "locks", "import-courses", since=datetime.fromtimestamp(now, UTC)):
        result = run("status", "--json")

    assert result.code == 0
    [job] = [job for job in result.json()["jobs"] if job["job"] == "import-courses"]
    assert (job["outcome"], job["running"], job["crashed"]) == ("running", True, False)


def test_skipped_starts_do_not_hide_a_stopped_run(run: Run, home: Path, store: Database, now: int) -> None:
    switch_on(home, "maconomy")
    add_run(store, "import-courses", now - 2 * HOUR)
    run_id = add_run(store, "import-courses", now - HOUR, exit_code=1, error="maconomy: refused")
    History(store).skipped("import-courses", "still running", at=now - 60)
    result = run("status")

    assert result.code == 1
    assert f"import-courses: run {run_id} stopped: maconomy: refused" in result.out
    assert f"→ integrator runs {run_id}" in result.out


def test_a_failed_message_needs_a_person_until_it_is_dropped(run: Run, store: Database, now: int) -> None:
    outbox = _outbox(store, now - HOUR)
    with store.tx():
        outbox.latest("wordpress.course", "25172-04", {"title": "x"})
    [message] = outbox.due("wordpress.course")
    outbox.begin([message])
    outbox.fail(message, "answered 400")

    failed = run("status")
    assert failed.code == 1
    assert "wordpress.course: 1 message(s) failed" in failed.out
    assert "integrator outbox list --state failed --effect wordpress.course" in failed.out

    assert run("outbox", "drop", message.id).code == 0
    dropped = run("status", "--json")
    assert dropped.code == 0
    assert dropped.json()["queues"] == [
        {"effect": "wordpress.course", "state": "dropped", "count": 1, "oldest_at": "2026-08-03T11:00:00Z"}
    ]


@pytest.mark.parametrize(("age_s", "code"), [(30, 0), (36, 1)])
def test_a_message_in_doubt_counts_once_it_must_have_settled(
    age_s: int, code: int, run: Run, home: Path, store: Database, now: int
) -> None:
    switch_on(home, "wordpress")
    outbox = _outbox(store, now - age_s)
    with store.tx():
        outbox.latest("wordpress.course", "25172-04", {"title": "x"})
    outbox.begin(outbox.due("wordpress.course"))
    result = run("status")

    assert result.code == code
    assert ("nobody knows whether they arrived" in result.out) == bool(code)


def test_records_set_aside_are_named(run: Run, store: Database, now: int) -> None:
    store.write("INSERT INTO set_aside VALUES ('course', '25172-09', 'bad_date', 'start: is no date', ?, 1)", (now,))
    result = run("status")

    assert result.code == 1
    assert "1 course record(s) cannot be read and are set aside, such as 25172-09" in result.out
    assert "→ integrator explain 25172-09" in result.out


@pytest.mark.parametrize(
    ("first_run_days", "backup_days", "said"),
    [
        (1, None, None),
        (3, None, "store: there is no backup"),
        (9, 3, "store: the newest backup is of 3 d ago"),
        (9, 1, None),
    ],
)
@pytest.mark.usefixtures("others")
def test_a_missing_backup_is_trouble_two_days_after_the_first_run(
    first_run_days: int, backup_days: int | None, said: str | None, run: Run, home: Path, store: Database, now: int
) -> None:
    add_run(store, "store-backup", now - first_run_days * DAY)
    add_run(store, "store-backup", now - HOUR)
    if backup_days:
        _with_backup(store, home, now - backup_days * DAY)
    result = run("status")

    assert result.code == (1 if said else 0)
    if said:
        assert f"needs a person: {said}\n  → integrator store backup" in result.out


@pytest.mark.usefixtures("others")
def test_json_says_the_same_as_the_words(run: Run, home: Path, store: Database, now: int) -> None:
    switch_on(home, "maconomy")
    run_id = add_run(store, "import-courses", now - 5 * HOUR, courses__new=3)
    result = run("status", "--json")
    facts = result.json()

    assert result.code == 1
    assert facts["needs_person"] is True
    assert [problem["next"] for problem in facts["problems"]] == ["integrator runs --job import-courses"]
    [job] = [job for job in facts["jobs"] if job["job"] == "import-courses"]
    assert job["last_run"] == {
        "id": run_id,
        "outcome": "done",
        "exit_code": 0,
        "error": None,
        "counts": {"courses.new": 3},
    }
    assert job["last_success_at"] == "2026-08-03T07:00:03Z"
    assert job["next_run_at"] == "2026-08-03T12:05:00Z"


def test_tables_fit_eighty_columns(run: Run, home: Path, store: Database, now: int) -> None:
    switch_on(home, "maconomy", "wordpress")
    add_run(store, "import-courses", now - 90 * DAY, exit_code=75, error="x" * 40)
    outbox = _outbox(store, now - 30 * DAY)
    with store.tx():
        outbox.latest("wordpress.main_course", "25172", {"title": "x"})
    lines = run("status").out.splitlines()

    tables = [line for line in lines if line.startswith(" ") and "→" not in line]
    assert len(tables) > 5
    assert max(map(len, tables)) <= 80


def test_a_store_that_others_can_read_is_refused_with_the_chmod(run: Run, home: Path, store: Database) -> None:
    path = home / "var" / "integrator.db"
    path.chmod(0o644)
    result = run("status")

    assert result.code == 78
    assert f"chmod 600 {path}" in result.err


def test_a_damaged_store_is_said_and_left_byte_for_byte(run: Run, home: Path, store: Database) -> None:
    store.close()
    path = home / "var" / "integrator.db"
    path.write_bytes(os.urandom(8_192))
    before = path.read_bytes()
    result = run("status")

    assert result.code == 70
    assert "is damaged" in result.err
    assert "integrator store restore" in result.err
    assert path.read_bytes() == before


def test_a_store_of_a_newer_version_is_refused(run: Run, store: Database) -> None:
    store.write("PRAGMA user_version = 99")
    result = run("status")

    assert result.code == 70
    assert "newer version (schema 99" in result.err


def test_a_store_of_an_older_version_waits_for_the_next_job(run: Run, store: Database) -> None:
    store.write("PRAGMA user_version = 1")
    result = run("status")

    assert result.code == 75
    assert "older version (schema 1" in result.err
    assert store.value("PRAGMA user_version") == 1


def test_a_journal_of_erasures_that_cannot_be_read_hides_nothing_else(run: Run, home: Path, store: Database) -> None:
    add_run(store, "store-backup", int(datetime.now(UTC).timestamp()))
    for name, text in (("erasures", '{"at":1,"rule":"key","ord\n'), ("erasures.key", f"{'00' * 32}\n")):
        (home / "var" / name).write_text(text, encoding="ascii")
        (home / "var" / name).chmod(0o600)
    result = run("status")
    assert result.code == 1
    assert "a line cannot be read" in result.out
    assert "store-backup" in result.out
