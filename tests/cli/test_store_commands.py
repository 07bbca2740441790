"""`store`: backups as a job, verified, listed, restored while no job runs."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from operating import Run, add_run

from integrator.database import Database, connect
from integrator.runtime import lock
from integrator.runtime.history import History
from integrator.store import backup
from integrator.store.migrations import STEPS

DAY = 86_400


@pytest.fixture
def now(clock: Callable[[str], int]) -> int:
    return clock("2026-08-03 12:00")


def _backups(home: Path) -> list[str]:
    return sorted(path.name for path in (home / "var" / "backups").iterdir())


def _modes(home: Path) -> set[tuple[bool, int]]:
    return {(path.is_dir(), path.stat().st_mode & 0o777) for path in (home / "var").rglob("*")}


PRIVATE = {(True, 0o700), (False, 0o600)}


def test_a_backup_is_a_run_of_its_job_with_row_log_line_and_a_verified_file(run: Run, home: Path) -> None:
    result = run("store", "backup", "--json")
    facts = result.json()

    assert (result.code, result.err) == (0, "")
    assert facts["job"] == "store-backup"
    assert facts["counts"]["backups.made"] == facts["counts"]["backups.there"] == 1
    [name] = _backups(home)
    assert run("store", "verify", name).code == 0
    [row] = run("runs", "--job", "store-backup", "--json").json()
    assert (row["outcome"], row["counts"]) == ("done", facts["counts"])
    assert '"job":"store-backup"' in (home / "var" / "log" / "integrator.log").read_text()
    assert _modes(home) == PRIVATE


def test_under_cron_a_good_backup_is_silent(run: Run) -> None:
    assert run("store", "backup") == (0, "", "")
    assert "1 made" in run("store", "backup", "-v").out


def test_a_second_backup_beside_a_running_one_is_skipped(run: Run, home: Path, now: int) -> None:
    run("store", "backup")
    with lock.hold(home / "var" / "locks", "store-backup", since=datetime.fromtimestamp(now, UTC)):
        assert run("store", "backup").code == 5
    assert len(_backups(home)) == 1


def test_backups_past_their_retention_go_but_never_the_newest_three(run: Run, home: Path, store: Database) -> None:
    folder = home / "var" / "backups"
    (folder / "notes.db").touch()
    for year in (2020, 2021, 2022, 2023):
        backup.make(store, folder, at=datetime(year, 1, 1, tzinfo=UTC).timestamp())
    replaced = home / "var" / "integrator.db.replaced-20200101T000000Z"
    replaced.touch(0o600)
    unfinished = folder / ".integrator-20200101T000000Z.db.1.partial"
    unfinished.touch(0o600)
    os.utime(unfinished, (0, 0))
    counts = run("store", "backup", "--json").json()["counts"]

    left = _backups(home)
    assert left[:2] == ["integrator-20220101T000000Z.db", "integrator-20230101T000000Z.db"]
    assert left[3:] == ["notes.db"]
    assert counts["backups.deleted"] == 3
    assert counts["backups.there"] == 3
    assert not replaced.exists()


def test_the_list_shows_backups_and_replaced_stores(run: Run, home: Path, store: Database, now: int) -> None:
    assert "no backups yet" in run("store", "list").out
    made = backup.make(store, home / "var" / "backups", at=now - DAY)
    (home / "var" / "integrator.db.replaced-20260803T080000Z").touch(0o600)
    lines = run("store", "list").out.splitlines()
    assert [line.split()[0] for line in lines if "2026-08-0" in line] == [
        made.name,
        "integrator.db.replaced-20260803T080000Z",
    ]
    assert max(map(len, lines)) <= 80
    first = run("store", "list", "--json").json()[0]
    assert first == {"file": str(made), "made_at": "2026-08-02T12:00:00Z", "bytes": made.stat().st_size}


def test_a_restore_brings_the_past_back_and_keeps_the_present_beside_it(
    run: Run, home: Path, store: Database, now: int
) -> None:
    add_run(store, "import-courses", now - 2 * DAY)
    made = backup.make(store, home / "var" / "backups", at=now - DAY)
    add_run(store, "import-courses", now - 3_600)
    store.close()
    result = run("store", "restore", made.name)

    assert (result.code, result.err) == (0, "")
    assert f"restored: {made.name} (of 2026-08-02 14:00, 1 d ago)" in result.out
    assert "integrator import-courses --dry-run" in result.out
    kept = home / "var" / "integrator.db.replaced-20260803T120000Z"
    assert f"kept: {kept} " in result.out
    assert [row["id"] for row in run("runs", "--json").json()] == [1]
    assert run("store", "restore", kept.name).code == 0
    assert [row["id"] for row in run("runs", "--json").json()] == [2, 1]
    assert _modes(home) == PRIVATE


@pytest.mark.parametrize("job", ["import-courses", "store-backup", "store", "some-job-of-their-own"])
def test_nothing_is_restored_while_any_job_runs(job: str, run: Run, home: Path, store: Database, now: int) -> None:
    made = backup.make(store, home / "var" / "backups", at=now - DAY)
    add_run(store, "import-courses", now)
    with lock.hold(home / "var" / "locks", job, since=datetime.fromtimestamp(now, UTC)):
        result = run("store", "restore", made)

    assert (result.code, result.out) == (5, "")
    assert f"{job}: still running since 14:00" in result.err
    assert "nothing was touched" in result.err
    assert History(store).get(1) is not None


def test_while_a_store_is_restored_no_job_starts(
    run: Run, home: Path, store: Database, now: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = backup.make(store, home / "var" / "backups", at=now - DAY)
    held: set[str] = set()

    def look(path: Path, live: Path, **options: object) -> None:
        held.update(job for job in ("import-courses", "store-backup", "store") if lock.is_held(home / "var/locks", job))

    monkeypatch.setattr(backup, "restore", look)
    run("store", "restore", made)
    assert held == {"import-courses", "store-backup", "store"}


def test_a_damaged_store_is_found_and_can_be_restored(run: Run, home: Path, store: Database, now: int) -> None:
    add_run(store, "import-courses", now - 2 * DAY)
    made = backup.make(store, home / "var" / "backups", at=now - DAY)
    store.close()
    live = home / "var" / "integrator.db"
    live.write_bytes(os.urandom(10_000))
    damaged = live.read_bytes()

    assert run("store", "verify").code == 70
    assert run("store", "backup").code == 70
    assert live.read_bytes() == damaged
    assert run("store", "restore", made.name).code == 0
    assert run("store", "verify").out.startswith(f"sound: {live}, schema {len(STEPS)}")
    assert (home / "var" / "integrator.db.replaced-20260803T120000Z").read_bytes() == damaged


def test_a_damaged_page_is_found_before_and_never_becomes_a_backup(run: Run, home: Path, store: Database) -> None:
    for number in range(2_000):
        store.write("INSERT INTO set_aside VALUES ('course', ?, 'bad', 'x', 0, 1)", (f"{number:06}",))
    store.close()
    live = home / "var" / "integrator.db"
    content = bytearray(live.read_bytes())
    middle = len(content) // 2 // 4096 * 4096
    content[middle : middle + 4096] = os.urandom(4096)
    live.write_bytes(content)

    verified = run("store", "verify")
    assert verified.code == 70
    assert "is damaged" in verified.err
    assert run("store", "backup").code == 70
    assert _backups(home) == []
    assert run("runs").code == 0  # a reader who does not meet the page still sees what happened


@pytest.mark.parametrize("words", [("restore",), ("verify",)])
@pytest.mark.parametrize(
    ("content", "code"), [(None, 4), (b"", 70), (b"no database at all, but long enough" * 99, 70), ("other", 70)]
)
def test_what_is_no_sound_backup_of_ours_is_refused_and_the_store_stays(
    words: tuple[str], content: bytes | str | None, code: int, run: Run, home: Path, store: Database, now: int
) -> None:
    add_run(store, "import-courses", now)
    file = home / "var" / "backups" / "integrator-20260801T000000Z.db"
    if content == "other":
        other = connect(file)
        other.write("CREATE TABLE films (id)")
        other.close()
    elif isinstance(content, bytes):
        file.write_bytes(content)
    result = run("store", *words, file.name)

    assert (result.code, result.out) == (code, "")
    assert History(store).get(1) is not None
    assert not list((home / "var").glob("*.replaced-*"))


def test_a_backup_of_a_newer_version_is_refused(run: Run, home: Path, store: Database) -> None:
    made = backup.make(store, home / "var" / "backups")
    newer = connect(made)
    newer.write("PRAGMA user_version = 99")
    newer.close()
    result = run("store", "restore", made)
    assert result.code == 70
    assert f"newer version (schema 99, known {len(STEPS)})" in result.err


def test_restore_makes_a_store_where_there_is_none(run: Run, home: Path, store: Database, tmp_path: Path) -> None:
    made = backup.make(store, tmp_path / "else where #1?")
    store.close()
    for path in (home / "var").glob("integrator.db*"):
        path.unlink()
    result = run("store", "restore", made)
    assert result.code == 0
    assert "kept" not in result.out
    assert run("store", "verify").code == 0


def test_verify_without_a_store_is_not_found_and_makes_none(run: Run, home: Path) -> None:
    assert run("store", "verify").code == 4
    assert not (home / "var" / "integrator.db").exists()


def test_a_store_that_others_can_read_is_refused_with_the_chmod(run: Run, home: Path, store: Database) -> None:
    made = backup.make(store, home / "var" / "backups")
    live = home / "var" / "integrator.db"
    live.chmod(0o640)
    for words in (("backup",), ("verify",), ("restore", made.name)):
        result = run("store", *words)
        assert result.code == 78
        assert f"chmod 600 {live}" in result.err


def test_a_store_of_a_newer_version_is_not_backed_up_over(run: Run, home: Path, store: Database) -> None:
    store.write("PRAGMA user_version = 99")
    assert run("store", "backup").code == 70
    assert _backups(home) == []
