"""Whether a home had a store: what tells of it, and what does not."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from integrator.errors import StoreDamaged
from integrator.home import Home, make_var
from integrator.runtime import lock
from integrator.signs import may_make_store
from integrator.store import backup, open_store
from onerun import DAY, T0, bare, files, fine, go, log
from rawserver import RawServer, answer

RUN = '{"at":"2026-11-22T06:00:00+00:00","job":"sync-orders","run":1,"outcome":"done"}\n'
NO_RUN = '{"at":"2026-11-22T06:00:00+00:00","job":"sync-orders","run":null,"outcome":"failed"}\n'
SIGNS = [
    "backups/integrator-20261121T031500Z.db",
    "backups/before-migration-20261121T031500Z.db",
    "erasures",
    "erasures.key",
    "locks/store.lock",
    "log/integrator.log",
    "log/integrator.log.1",
    "integrator.db.replaced-20261121T031500Z",
]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return bare(tmp_path / "home")


def store(home: Home) -> Path:
    return home.var / "integrator.db"


def leave(home: Home, name: str, text: str = RUN) -> None:
    path = home.var / name
    path.touch(0o600)
    path.write_text(text, encoding="ascii")


def test_a_new_home_may_get_its_first_store(home: Home) -> None:
    assert may_make_store(home, store(home))


def test_where_there_is_a_store_none_is_made_whatever_lies_beside_it(home: Home) -> None:
    go(home)
    assert not may_make_store(home, store(home))


@pytest.mark.parametrize("sign", SIGNS)
def test_a_store_that_is_gone_is_missed_by_any_of_its_signs(home: Home, sign: str) -> None:
    leave(home, sign)
    with pytest.raises(StoreDamaged, match="is gone, and this home had one"):
        may_make_store(home, store(home))


@pytest.mark.parametrize("sign", SIGNS)
def test_an_emptied_one_as_well_but_not_by_the_lock_of_who_makes_it_now(home: Home, sign: str) -> None:
    leave(home, sign)
    store(home).touch(0o600)
    if sign == "locks/store.lock":
        assert not may_make_store(home, store(home))
        return
    with pytest.raises(StoreDamaged, match="is empty, and this home had one"):
        may_make_store(home, store(home))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("log/integrator.log", NO_RUN),
        ("log/gateway.log", RUN),
        ("locks/sync-orders.lock", ""),
        ("backups/notes.txt", ""),
        ("gateway.db", ""),
    ],
)
def test_what_a_home_without_a_store_may_hold_is_no_sign(home: Home, name: str, text: str) -> None:
    leave(home, name, text)
    assert may_make_store(home, store(home))


def test_a_disk_of_its_own_below_backups_or_log_is_no_sign(home: Home) -> None:
    for folder in (home.backups, home.log):
        (folder / "lost+found").mkdir(0o700)
    (home.log / "integrator.log").mkdir(0o700)
    assert may_make_store(home, store(home))


def test_a_store_on_a_disk_of_its_own_is_missed_while_that_is_not_mounted(home: Home, tmp_path: Path) -> None:
    leave(home, "log/integrator.log")
    for path in (tmp_path / "mnt" / "store.db", tmp_path / "mnt" / "deeper" / "store.db"):
        with pytest.raises(StoreDamaged, match="is gone"):
            may_make_store(home, path)


def test_the_newest_backup_is_named_with_the_two_other_ways_out(home: Home) -> None:
    db = open_store(store(home), backups=home.backups).db
    old = backup.make(db, home.backups, at=T0)
    new = backup.make(db, home.backups, stem="before-migration", at=T0 + DAY)
    db.close()
    os.utime(old, (T0 + 9 * DAY, T0 + 9 * DAY))  # copied
    store(home).unlink()
    with pytest.raises(StoreDamaged, match="2 backup") as caught:
        may_make_store(home, store(home))
    assert caught.value.hint == (
        f"mount its disk, or: integrator store restore {new.name}   (if it shall begin anew: integrator store new)"
    )


def test_who_makes_it_at_this_moment_is_not_taken_for_a_loss(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the look at the file and the look at the signs, another process makes store, lock and log."""
    seen = []
    glob = Path.glob

    def overtaken(path: Path, pattern: str) -> object:
        if not seen:
            seen.append(pattern)
            go(home)
        return glob(path, pattern)

    monkeypatch.setattr(Path, "glob", overtaken)
    assert not may_make_store(home, store(home))
    assert seen


# a run -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dry_run", [False, True])
def test_a_run_without_its_store_ends_with_70_and_makes_none(home: Home, dry_run: bool) -> None:
    go(home)
    before = files(home)
    store(home).unlink()
    told: list[str] = []
    report = go(home, lambda run, wiring: told.append("ran"), dry_run=dry_run)
    assert (report.exit_code, told) == (70, [])
    assert "is gone, and this home had one" in str(report.error)
    assert "store new" in str(report.hint)
    assert not store(home).exists()
    unlogged = {name for name in before if "/log/" not in name} - {str(store(home)), f"{store(home)}-journal"}
    assert {name for name in files(home) if "/log/" not in name} - {f"{store(home)}-journal"} == unlogged


def test_the_log_and_the_monitor_hear_of_it(home: Home) -> None:
    go(home)
    store(home).unlink()
    with RawServer([answer(b"OK")]) as server:
        (home.config / "integrator.toml").write_text(f'[monitor]\nping_url = "{server.url}/x"\n', encoding="utf-8")
        go(home)
    assert [request.target for request in server.requests] == ["/x/fail"]
    assert [line["exit_code"] for line in log(home)] == [0, 70]


def test_a_start_beside_a_running_one_makes_none_either(home: Home) -> None:
    codes: list[int] = []

    def story(run: object, wiring: object) -> None:
        store(home).rename(home.root / "away.db")
        codes.append(go(home).exit_code)
        (home.root / "away.db").rename(store(home))

    go(home, story)
    assert codes == [70]


def test_a_run_that_failed_before_the_first_store_is_no_sign_of_one(home: Home) -> None:
    with lock.hold(home.locks, "import-courses", since=datetime.fromtimestamp(T0, UTC)):
        pass
    leave(home, "log/integrator.log", NO_RUN)
    assert go(home, fine).exit_code == 0


def test_where_all_of_var_is_away_nothing_tells_of_it(home: Home, tmp_path: Path) -> None:
    """docs/reliability.md says so: hence a mount point that no job may write to."""
    go(home)
    home.var.rename(tmp_path / "away")
    make_var(home)
    assert may_make_store(home, store(home))
