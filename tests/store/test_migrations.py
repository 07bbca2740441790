"""The tables: made in one go, once, backed up first, and never touched by an older program."""

import os
import signal
import sqlite3
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from integrator.database import Database
from integrator.errors import ConfigError, StoreDamaged
from integrator.runtime import lock
from integrator.store import backup, check, migrations, open_store
from older_stores import take_back
from people import add_order, person


def _tables(path: Path) -> set[str]:
    conn = sqlite3.connect(path)
    found = {
        row[0]
        for row in conn.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    }
    conn.close()
    return found


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "var" / "integrator.db"


def _open(path: Path) -> Database:
    return open_store(path, backups=path.parent / "backups").db


def test_a_new_store_is_private_and_has_every_table(path: Path) -> None:
    umask = os.umask(0)
    try:
        opened = open_store(path, backups=path.parent / "backups")
    finally:
        os.umask(umask)
    opened.db.close()
    assert opened.created
    assert _tables(path) == migrations.TABLES
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert not (path.parent / "backups").exists()  # there was nothing to back up


def test_every_table_is_strict(path: Path) -> None:
    db = _open(path)
    strict = {row["name"] for row in db.all("PRAGMA table_list") if row["strict"]}
    db.close()
    assert strict == migrations.TABLES


def test_opening_again_changes_nothing(path: Path) -> None:
    _open(path).close()
    before = path.read_bytes()
    again = open_store(path, backups=path.parent / "backups")
    again.db.close()
    assert not again.created
    assert path.read_bytes() == before


def test_a_step_that_is_missing_is_taken_after_a_backup_of_what_was(path: Path) -> None:
    db = _open(path)
    take_back(db, 3)
    db.write("INSERT INTO set_aside VALUES ('course', '1-1', 'bad', 'x', 0, 1)")
    db.close()
    db = _open(path)
    assert migrations.version(db) == len(migrations.STEPS)
    assert db.value("SELECT key FROM set_aside") == "1-1"
    db.close()
    [made] = backup.found(path.parent / "backups")
    assert made.path.name.startswith("before-migration-")
    assert "orders" not in _tables(made.path)


def test_orders_from_before_there_were_resellers_are_our_own(path: Path) -> None:
    db = _open(path)
    order = add_order(db, [person(1)], completed_at=1_500_000_000, class_end=None)
    before = [tuple(row) for row in db.all("SELECT * FROM participants")]
    take_back(db, 5)
    db.close()
    db = _open(path)
    assert [tuple(row) for row in db.all("SELECT id, channel FROM orders")] == [(order, "own")]
    assert [tuple(row) for row in db.all("SELECT * FROM participants")] == before
    check(db, kind="full")
    db.close()


def _broken(step: Callable[..., Any], why: Callable[[], None]) -> Callable[..., Any]:
    def half(db: Any) -> None:
        step(db)
        why()

    return half


def _fail() -> None:
    raise RuntimeError("in the middle")


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("number", range(len(migrations.STEPS)))
def test_a_step_that_fails_leaves_the_store_as_it_was(number: int, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = list(migrations.STEPS)
    steps[number] = _broken(steps[number], _fail)
    with monkeypatch.context() as patched:
        patched.setattr(migrations, "STEPS", tuple(steps))
        with pytest.raises(RuntimeError, match="in the middle"):
            _open(path)
    assert _tables(path) == set()
    _open(path).close()
    assert _tables(path) == migrations.TABLES


@pytest.mark.parametrize("number", range(len(migrations.STEPS)))
def test_a_migration_that_is_killed_is_taken_whole_by_the_next_start(
    number: int, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = list(migrations.STEPS)
    steps[number] = _broken(steps[number], _die)
    child = os.fork()
    if child == 0:
        monkeypatch.setattr(migrations, "STEPS", tuple(steps))
        _open(path)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status)
    db = _open(path)
    assert (migrations.version(db), migrations.is_current(db)) == (len(migrations.STEPS), True)
    check(db, kind="full")
    db.close()
    assert _tables(path) == migrations.TABLES


def test_two_starts_at_once_make_one_store(path: Path) -> None:
    locks = path.parent / "locks"
    locks.mkdir(parents=True, mode=0o700)
    children = []
    for _ in range(4):
        child = os.fork()
        if child == 0:
            guard = partial(lock.wait_for, locks, "store")
            open_store(path, backups=path.parent / "backups", guard=guard).db.close()
            os._exit(0)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0, 0, 0]
    assert _tables(path) == migrations.TABLES
    assert not (path.parent / "backups").exists()


def test_a_store_of_a_newer_version_is_refused_and_left_alone(path: Path) -> None:
    db = _open(path)
    db.write("PRAGMA user_version = 99")
    db.close()
    before = path.read_bytes()
    with pytest.raises(
        StoreDamaged, match=rf"newer version \(schema 99, known {len(migrations.STEPS)}\); nothing was touched"
    ) as caught:
        _open(path)
    assert caught.value.exit_code == 70
    assert path.read_bytes() == before


def test_a_file_that_is_no_database_is_refused_and_left_alone(path: Path) -> None:
    path.parent.mkdir(0o700)
    path.touch(0o600)
    path.write_bytes(os.urandom(5_000))
    before = path.read_bytes()
    with pytest.raises(StoreDamaged, match="is damaged; nothing more was touched"):
        _open(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_a_store_that_others_can_reach_is_refused_with_the_chmod(mode: int, path: Path) -> None:
    _open(path).close()
    path.chmod(mode)
    with pytest.raises(ConfigError, match=f"chmod 600 {path}"):
        _open(path)


def test_a_full_disk_keeps_the_former_rows_and_says_so(path: Path) -> None:
    from integrator.database import sqlite_error

    db = _open(path)
    db.conn.execute(f"PRAGMA max_page_count = {db.value('PRAGMA page_count') + 2}")
    db.write("INSERT INTO set_aside VALUES ('course', 'kept', 'bad', 'x', 0, 1)")
    with pytest.raises(sqlite3.OperationalError) as caught, db.tx():
        db.write_many(
            "INSERT INTO set_aside VALUES ('course', ?, 'bad', ?, 0, 1)", ((str(n), "x" * 900) for n in range(100))
        )
    assert "disk is full; the change was rolled back" in str(sqlite_error(caught.value))
    assert [row["key"] for row in db.all("SELECT key FROM set_aside")] == ["kept"]
    db.write("DELETE FROM set_aside")
    db.close()


def test_every_connection_is_careful(path: Path) -> None:
    db = _open(path)
    found = {
        name: db.value(f"PRAGMA {name}") for name in ("journal_mode", "synchronous", "foreign_keys", "secure_delete")
    }
    assert found == {"journal_mode": "truncate", "synchronous": 2, "foreign_keys": 1, "secure_delete": 1}
    assert (db.value("PRAGMA temp_store"), db.value("PRAGMA trusted_schema")) == (2, 0)
    db.close()


def _write_and_fail(db: Database) -> None:
    with db.tx():
        db.write("INSERT INTO set_aside VALUES ('course', '1', 'bad', 'x', 0, 1)")
        _fail()


def test_tx_is_all_or_nothing_and_does_not_nest(path: Path) -> None:
    db = _open(path)
    with pytest.raises(RuntimeError, match="in the middle"):
        _write_and_fail(db)
    assert db.value("SELECT count(*) FROM set_aside") == 0
    with db.tx(), pytest.raises(RuntimeError, match="nested"), db.tx():
        pass
    with pytest.raises(RuntimeError, match="outside tx"):
        db.write_many("DELETE FROM set_aside WHERE key = ?", [])
    db.close()


def test_a_second_writer_is_kept_out_from_the_start_of_a_tx(path: Path) -> None:
    db = _open(path)
    other = sqlite3.connect(path, timeout=0, isolation_level=None)
    with db.tx(), pytest.raises(sqlite3.OperationalError, match="locked"):
        other.execute("INSERT INTO set_aside VALUES ('course', '1', 'bad', 'x', 0, 1)")
    other.close()
    db.close()


def test_a_damaged_index_is_found_by_the_full_check_only(path: Path) -> None:
    db = _open(path)
    db.write(
        "INSERT INTO runs (job, boot_id, pid, version, started_at, outcome) VALUES ('a', 'b', 1, 'v', 1, 'running')"
    )
    root = db.value("SELECT rootpage FROM sqlite_master WHERE name = 'runs_by_job'")
    db.close()
    content = bytearray(path.read_bytes())
    position = content.index(b"a", (root - 1) * 4096 + 4000)
    content[position] = ord("z")
    path.write_bytes(content)
    db = _open(path)
    check(db, kind="quick")
    with pytest.raises(StoreDamaged, match="is damaged") as caught:
        check(db, kind="full")
    db.close()
    assert "integrator store restore" in str(caught.value.hint)
