"""A store that is gone: every command says so and makes none; a restore mends it, or `store new` begins anew."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from operating import Run

from integrator.database import Database, connect
from integrator.runtime import lock
from integrator.store import backup
from integrator.store.erasure.journal import Journal

COMMANDS = [
    "store backup",
    "store verify",
    "status",
    "status --json",
    "runs",
    "explain 10482",
    "outbox list",
    "outbox drop 1",
    "booking show 1",
    "mail list",
    "gdpr hold 1 --reason audit",
    "workshop list",
    "clear-reservations",
    "gdpr-cleanup",
    "clear-reservations --dry-run",
]


@pytest.fixture
def now(clock: Callable[[str], int]) -> int:
    return clock("2026-08-03 12:00")


def live(home: Path) -> Path:
    return home / "var" / "integrator.db"


@pytest.fixture
def made(store: Database, home: Path, now: int) -> Path:
    """A backup of a home that has taken orders up to 10021."""
    store.write("UPDATE sqlite_sequence SET seq = 10021 WHERE name = 'orders'")
    return backup.make(store, home / "var" / "backups", at=now - 86_400)


def lose(home: Path, how: str = "gone") -> None:
    if how == "emptied":
        os.truncate(live(home), 0)
    else:
        live(home).unlink()
    live(home).with_name("integrator.db-journal").unlink(missing_ok=True)


def next_order(home: Path) -> int:
    db = connect(live(home), make=False)
    try:
        return int(db.value("SELECT seq + 1 FROM sqlite_sequence WHERE name = 'orders'"))
    finally:
        db.close()


@pytest.mark.parametrize("how", ["gone", "emptied"])
@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_works_without_the_store_that_there_was(
    run: Run, home: Path, made: Path, command: str, how: str
) -> None:
    lose(home, how)
    result = run(*command.split())
    assert result.code == 70
    said = result.out + result.err
    assert f"is {'gone' if how == 'gone' else 'empty'}, and this home had one; 1 backup(s) lie in {made.parent}" in said
    assert f"mount its disk, or: integrator store restore {made.name}" in said
    assert "integrator store new" in said
    assert not live(home).exists() or live(home).stat().st_size == 0
    assert run("store", "restore", made.name).code == 0
    assert run("store", "verify").code == 0
    assert run("status").code == 0
    assert next_order(home) > 10_022


def test_check_says_it_too(run: Run, home: Path, made: Path) -> None:
    lose(home)
    [store] = [one for one in run("check", "--json").json()["checks"] if one["subject"] == "store"]
    [line] = [one for one in store["lines"] if one["state"] == "problem"]
    assert "is gone, and this home had one" in line["what"]
    assert f"integrator store restore {made.name}" in line["next"]
    assert run("check").code == 70
    assert not live(home).exists()


# the way back ------------------------------------------------------------------------------------------------


def test_a_backup_that_erases_again_comes_back_also_when_the_journal_is_lost_too(
    run: Run, home: Path, store: Database, made: Path
) -> None:
    """The way out of the second loss must not be closed by the first."""
    db = connect(made)
    db.write("INSERT INTO counters (name, value) VALUES ('erasures_applied', 400)")
    db.close()
    lose(home)
    assert run("store", "restore", made.name).code == 78
    assert run("gdpr", "accept-loss").code == 0
    assert run("store", "restore", made.name).code == 0
    assert Journal(home / "var").size() >= 400


def test_asking_for_nothing_leaves_no_sign_in_a_new_home(run: Run, home: Path) -> None:
    assert run("gdpr", "accept-loss").code == 2
    assert run("store", "verify").code == 4
    assert run("outbox", "drop", "1").code == 4
    assert run("status").code == 0
    assert run("store", "backup").code == 0


# beginning anew ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["gone", "emptied"])
def test_a_new_beginning_counts_on_beyond_every_order_of_the_backups(
    run: Run, home: Path, made: Path, how: str
) -> None:
    (home / "var" / "backups" / "integrator-20260802T000000Z.db").write_bytes(b"no database")
    lose(home, how)
    result = run("store", "new")
    assert (result.code, result.err) == (0, "")
    assert f"made: {live(home)}, empty; orders begin with 11021" in result.out
    assert next_order(home) == 11_021
    assert live(home).stat().st_mode & 0o777 == 0o600
    assert run("status").code == 0
    assert run("clear-reservations").code == 0
    assert run("store", "verify").code == 0


def test_a_new_beginning_that_is_killed_leaves_none_and_can_be_repeated(
    run: Run, home: Path, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lose(home)
    (home / "var" / "integrator.db-journal").write_bytes(b"of the lost store")
    with monkeypatch.context() as patched:
        patched.setattr(os, "rename", killed)
        assert run("store", "new").code != 0
    assert not live(home).exists()
    assert run("store", "new").code == 0
    assert [path.name for path in (home / "var").glob("*integrator.db*")] == ["integrator.db"]
    assert next_order(home) == 11_021


def killed(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_store_that_is_there_is_never_replaced_by_a_new_one(run: Run, home: Path, made: Path) -> None:
    before = live(home).read_bytes()
    result = run("store", "new", "--first-order", "20001")
    assert result.code == 2
    assert f"{live(home)} is there; nothing was touched" in result.err
    assert live(home).read_bytes() == before


def test_without_a_backup_a_person_says_with_which_number_orders_begin(run: Run, home: Path, made: Path) -> None:
    made.unlink()
    lose(home)
    (home / "var" / "locks" / "store.lock").touch(0o600)
    result = run("store", "new")
    assert result.code == 2
    assert "there is no backup that tells which numbers orders had" in result.err
    assert "--first-order" in result.err
    assert not live(home).exists()
    assert "orders begin with 20001" in run("store", "new", "--first-order", "20001").out
    assert next_order(home) == 20_001


def test_a_new_home_may_be_begun_by_it_too(run: Run, home: Path) -> None:
    assert "orders begin with 10001" in run("store", "new").out
    assert next_order(home) == 10_001


def test_nothing_is_begun_while_a_job_runs(run: Run, home: Path, made: Path, now: int) -> None:
    lose(home)
    with lock.hold(home / "var" / "locks", "sync-orders", since=datetime.fromtimestamp(now, UTC)):
        result = run("store", "new")
    assert result.code == 5
    assert "store new: sync-orders: still running" in result.err
    assert not live(home).exists()


# after a restore -------------------------------------------------------------------------------------------


PORTAL = """
[trainingportal]
base_url = "http://127.0.0.1:1/tp"
username = "ilias"
password = { env = "PORTAL_PASSWORD" }
"""


@pytest.mark.parametrize("sells", [True, False])
def test_a_restore_says_what_is_to_be_done_about_bookings_where_a_reseller_sells(
    run: Run, home: Path, made: Path, sells: bool
) -> None:
    (home / "config" / "integrator.toml").write_text(PORTAL if sells else "", encoding="utf-8")
    out = run("store", "restore", made.name).out
    assert ("bookings since 2026-08-02 14:00: compare Trainingportal's list of bookings" in out) is sells
    assert ("statuses since 2026-08-02 14:00: import your lists of outcomes again" in out) is sells
    assert ("integrator booking-status import FILE" in out) is sells
    assert ("integrator confirm-bookings" in out) is sells
    assert "integrator sync-orders" in out
