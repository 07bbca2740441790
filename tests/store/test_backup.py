"""Backups while others write; and a restore that is killed at every step of its way."""

import os
import signal
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from integrator import database
from integrator.database import Database, connect
from integrator.domain.orderlines.order import EFFECT, Order, scope_of
from integrator.errors import StoreDamaged, Unavailable
from integrator.runtime.history import History
from integrator.runtime.outbox import Outbox
from integrator.store import backup, open_store
from integrator.store.migrations import STEPS
from integrator.store.orderlines import Orderlines
from older_stores import take_back
from orderline_books import AT as BEGUN_AT
from orderline_books import W, begin, row

AT = 1_785_000_000
ORDER = Order(W, "0007", "560", "0005", "5.5")


@pytest.fixture
def live(tmp_path: Path) -> Path:
    """A store that holds run 1 ("old")."""
    path = tmp_path / "var" / "integrator.db"
    db = open_store(path, backups=tmp_path / "backups").db
    _mark(db, "old")
    db.close()
    return path


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A backup whose only run says "new"."""
    db = open_store(tmp_path / "source" / "integrator.db", backups=tmp_path / "backups").db
    _mark(db, "new")
    path = backup.make(db, tmp_path / "backups", at=AT)
    db.close()
    return path


def _mark(db: Database, word: str) -> None:
    """Say in many pages which store this is, so that a foreign journal cannot go unnoticed."""
    with db.tx():
        db.write("DELETE FROM set_aside")
        db.write_many(
            "INSERT INTO set_aside VALUES ('course', ?, ?, ?, 0, 1)",
            ((f"{number:05}", word, word * 200) for number in range(300)),
        )


def _what_is_live(live: Path) -> str:
    """Which store one finds there, after checking every page of it."""
    db = connect(live)
    try:
        assert db.value("PRAGMA integrity_check") == "ok"
        words = {row[0] for row in db.all("SELECT code FROM set_aside UNION SELECT substr(reason, -3) FROM set_aside")}
        assert len(words) == 1, words
        assert db.value("SELECT count(*) FROM set_aside") == 300
        return str(words.pop())
    finally:
        db.close()


# making ---------------------------------------------------------------------------------------------


def test_a_backup_is_whole_private_and_named_after_its_time(live: Path, tmp_path: Path) -> None:
    db = connect(live)
    made = backup.make(db, tmp_path / "backups", at=AT)
    db.close()
    assert made.name == "integrator-20260725T172000Z.db"
    assert made.stat().st_mode & 0o777 == 0o600
    assert made.parent.stat().st_mode & 0o777 == 0o700
    assert backup.verify(made) == len(STEPS)
    assert [path.name for path in made.parent.iterdir()] == [made.name]
    assert backup.found(made.parent) == [backup.Backup(made, AT)]


def test_two_backups_of_one_second_do_not_write_over_each_other(live: Path, tmp_path: Path) -> None:
    db = connect(live)
    names = {backup.make(db, tmp_path / "backups", at=AT).name for _ in range(3)}
    db.close()
    assert names == {f"integrator-20260725T172000Z{number}.db" for number in ("", ".2", ".3")}
    assert len(backup.found(tmp_path / "backups")) == 3


def test_a_backup_does_not_drop_the_stores_locks(live: Path, tmp_path: Path) -> None:
    holder, other = connect(live), sqlite3.connect(live, timeout=0, isolation_level=None)
    backup.make(holder, tmp_path / "backups")
    with holder.tx(), pytest.raises(sqlite3.OperationalError, match="locked"):
        other.execute("BEGIN IMMEDIATE")
    other.close()
    holder.close()


def test_a_backup_that_cannot_be_written_is_said_and_leaves_nothing(live: Path, tmp_path: Path) -> None:
    (tmp_path / "backups").mkdir(0o700)
    db = connect(live)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(os, "fsync", _no_space)
        with pytest.raises(StoreDamaged, match="No space left"):
            backup.make(db, tmp_path / "backups")
    db.close()
    assert list((tmp_path / "backups").iterdir()) == []


def _ruin_a_page(path: Path) -> None:
    content = bytearray(path.read_bytes())
    middle = len(content) // 2 // 4096 * 4096
    content[middle : middle + 4096] = os.urandom(4096)
    path.write_bytes(content)


def test_a_copy_that_is_not_sound_gets_no_name(live: Path, tmp_path: Path) -> None:
    _ruin_a_page(live)
    db = connect(live)
    with pytest.raises(StoreDamaged, match=r"^store: .*/integrator\.db: is not sound"):
        backup.make(db, tmp_path / "backups")
    db.close()
    assert list((tmp_path / "backups").iterdir()) == []


def _no_space(descriptor: int) -> None:
    raise OSError(28, "No space left on device")


def test_retention_goes_by_the_name_and_spares_the_newest(tmp_path: Path) -> None:
    for name in ("integrator-20260101T000000Z.db", "before-migration-20260102T000000Z.db", "other.db"):
        (tmp_path / name).touch()
    (tmp_path / "integrator-20260725T172000Z.2.db").touch()
    (tmp_path / "integrator-20269925T172000Z.db").touch()
    names = [one.path.name for one in backup.found(tmp_path)]
    assert names == [
        "integrator-20260725T172000Z.2.db",
        "before-migration-20260102T000000Z.db",
        "integrator-20260101T000000Z.db",
    ]
    gone = backup.expired(backup.found(tmp_path), now=AT, days=30, keep=1)
    assert [one.path.name for one in gone] == names[1:]
    assert backup.expired(backup.found(tmp_path), now=AT, days=30) == []


# putting back ---------------------------------------------------------------------------------------


def test_a_restore_swaps_the_store_and_keeps_the_former_one(live: Path, made: Path) -> None:
    kept = backup.restore(made, live, at=AT)
    assert kept is not None
    assert kept.name == "integrator.db.replaced-20260725T172000Z"
    assert (_what_is_live(live), _what_is_live(kept)) == ("new", "old")
    assert live.stat().st_mode & 0o777 == 0o600
    assert not list(live.parent.glob(".*"))
    assert backup.replaced(live) == [backup.Backup(kept, AT)]


def test_what_is_not_sound_or_not_ours_never_becomes_the_store(live: Path, made: Path, tmp_path: Path) -> None:
    foreign = connect(tmp_path / "films.db")
    foreign.write("CREATE TABLE films (id)")
    foreign.close()
    _ruin_a_page(made)
    for path in (made, tmp_path / "films.db"):
        with pytest.raises(StoreDamaged, match="nothing was touched"):
            backup.restore(path, live, at=AT)
    assert _what_is_live(live) == "old"
    assert [path.name for path in live.parent.glob("*db*") if path.stat().st_size] == [live.name]


def test_a_backup_is_only_read(live: Path, made: Path) -> None:
    made.chmod(0o444)
    before = (made.read_bytes(), made.stat().st_mtime_ns)
    backup.restore(made, live, at=AT)
    assert (made.read_bytes(), made.stat().st_mtime_ns) == before
    assert not list(made.parent.glob("*-journal"))


def test_a_store_behind_a_link_is_replaced_where_it_lies(live: Path, made: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.db"
    link.symlink_to(live)
    backup.restore(made, link, at=AT)
    assert link.is_symlink()
    assert _what_is_live(live) == "new"


def test_what_was_under_way_at_the_time_of_the_backup_is_not_called_a_crash(live: Path, tmp_path: Path) -> None:
    db = connect(live)
    History(db).start("store-backup", at=AT)
    made = backup.make(db, tmp_path / "backups", at=AT)
    db.close()
    backup.restore(made, live, at=AT + 60)
    db = connect(live)
    row = History(db).get(1)
    db.close()
    assert row is not None
    assert (row["outcome"], row["finished_at"]) == ("skipped", AT)


@pytest.mark.parametrize("phase", [None, "armed"])
def test_an_orderline_that_a_run_had_begun_with_then_is_looked_for_first(
    phase: str | None, live: Path, tmp_path: Path
) -> None:
    """Claimed, it had not been written at the time of the backup; nobody knows what the run did after it."""
    db = connect(live)
    with db.tx():
        Orderlines(db).take(ORDER, source="spool", credentials=False, at=AT)
        Outbox(db, clock=lambda: AT).once(EFFECT, ORDER.key, ORDER.body, scope=scope_of(W))
    begin(db, phase=phase)
    made = backup.make(db, tmp_path / "backups", at=AT)
    db.close()
    backup.restore(made, live, at=AT + 60)
    db = connect(live)
    found = row(db)
    assert found["status"] == "processing"
    if phase is None:
        assert (found["phase"], found["lease_owner"]) == (None, None)
    else:
        assert (found["phase"], found["armed_at"]) == ("armed", BEGUN_AT)
    assert (found["sent_at"], found["uncertain_since"]) == (AT + 60, AT + 60)
    db.close()


def test_an_event_that_waited_then_is_looked_for_before_it_is_sent_now(live: Path, tmp_path: Path) -> None:
    db = connect(live)
    outbox = Outbox(db, clock=lambda: AT)
    with db.tx():
        outbox.once("maconomy.participant", "10482-1", {"order": "10482"})
        outbox.latest("wordpress.course", "25172-04", {"title": "x"})
    made = backup.make(db, tmp_path / "backups", at=AT)
    db.close()
    backup.restore(made, live, at=AT + 60)
    db = connect(live)
    outbox = Outbox(db, clock=lambda: AT + 60)
    assert outbox.due("maconomy.participant") == []
    [doubtful] = outbox.in_doubt("maconomy.participant")
    assert (doubtful.key, doubtful.sent_at) == ("10482-1", AT + 60)
    assert [message.key for message in outbox.due("wordpress.course")] == ["25172-04"]
    db.close()


def test_an_older_backup_gets_this_versions_tables(live: Path, made: Path) -> None:
    older = connect(made)
    take_back(older, 2)
    older.close()
    backup.restore(made, live, at=AT)
    db = connect(live)
    assert db.value("SELECT count(*) FROM posts") == 0
    assert db.value("SELECT count(*) FROM orders") == 0
    assert db.value("PRAGMA user_version") == len(STEPS)
    db.close()


def test_a_reader_in_the_store_is_waited_for_and_then_nothing_is_touched(
    live: Path, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_TIMEOUT_S", 0)
    db = connect(live)
    cursor = db.conn.execute("SELECT * FROM set_aside")
    with pytest.raises(Unavailable):
        backup.restore(made, live, at=AT)
    cursor.close()
    db.close()
    assert _what_is_live(live) == "old"
    assert backup.replaced(live) == []


def test_who_opened_the_former_store_before_cannot_write_beside_the_new_one(live: Path, made: Path) -> None:
    early = connect(live)
    early.value("SELECT count(*) FROM runs")
    backup.restore(made, live, at=AT)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        early.write("DELETE FROM set_aside")
    early.close()
    assert _what_is_live(live) == "new"


def _order(db: Database, number: int | None = None) -> int:
    """A reservation under the next number, or under one that is named."""
    db.write(
        "INSERT INTO orders (id, request_key, class_id, class, seats_asked, seats, state, reserved_at, expires_at,"
        " changed_at) VALUES (?, hex(randomblob(8)), '25172-04', '{}', 1, 1, 'reserved', ?, ?, ?)",
        (number, AT, AT, AT),
    )
    return int(db.value("SELECT max(id) FROM orders"))


def test_numbers_given_out_since_the_backup_are_not_given_out_again(live: Path, made: Path) -> None:
    db = connect(live)
    last = [_order(db) for _ in range(5)][-1]
    db.write("DELETE FROM orders")
    db.close()
    backup.restore(made, live, at=AT)
    db = connect(live)
    assert _order(db) == last + 1
    db.close()


@pytest.mark.parametrize("former", ["damaged", "empty", "absent"])
def test_when_the_former_store_cannot_tell_its_numbers_many_are_skipped(former: str, live: Path, made: Path) -> None:
    db = connect(made)
    _order(db, 10_020)
    db.close()
    if former == "absent":
        live.unlink()
    else:
        live.write_bytes(b"" if former == "empty" else os.urandom(10_000))
    backup.restore(made, live, at=AT)
    db = connect(live)
    assert _order(db) == 11_021
    db.close()


def test_what_erases_is_called_before_the_backup_goes_live(live: Path, made: Path) -> None:
    class Refuses(Exception): ...

    def refuse(db: Database) -> None:
        assert db.value("SELECT code FROM set_aside LIMIT 1") == "new"
        assert (db.value("PRAGMA secure_delete"), db.value("PRAGMA temp_store")) == (1, 2)
        raise Refuses

    with pytest.raises(Refuses):
        backup.restore(made, live, at=AT, erase=refuse)
    assert _what_is_live(live) == "old"
    assert not list(live.parent.glob(".*"))


# kills ----------------------------------------------------------------------------------------------

_STEPS = ("open", "close", "link", "rename", "unlink", "fsync")


def _healthy(live: Path) -> None: ...


def _half_written(live: Path) -> None:
    """Kill a writer in the middle of its transaction: pages are changed, the journal is hot."""
    child = os.fork()
    if child == 0:
        db = connect(live)
        db.conn.execute("PRAGMA cache_size = 1")
        db.conn.execute("BEGIN IMMEDIATE")
        db.conn.execute("UPDATE set_aside SET code = 'bad', reason = replace(reason, 'old', 'bad')")
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    assert live.with_name(live.name + "-journal").stat().st_size > 10_000


def _damaged(live: Path) -> None:
    """A file that SQLite cannot even open."""
    live.write_bytes(b"ruined" * 4_000)


def _lost(live: Path) -> None:
    """The store is gone, and its hot journal lies there for whatever comes under its name."""
    _half_written(live)
    live.unlink()


def _counted(patched: pytest.MonkeyPatch, at_step: Callable[[int], None]) -> None:
    """Call at_step with the number of each step that changes the disk, before it is done."""
    number = 0

    def counting(real: Callable[..., object]) -> Callable[..., object]:
        def step(*arguments: object, **named: object) -> object:
            nonlocal number
            number += 1
            at_step(number)
            return real(*arguments, **named)

        return step

    for name in _STEPS:
        patched.setattr(os, name, counting(getattr(os, name)))


def _steps_of(made: Path, live: Path) -> int:
    numbers: list[int] = []
    with pytest.MonkeyPatch.context() as patched:
        _counted(patched, numbers.append)
        backup.restore(made, live, at=AT)
    return len(numbers)


def _killed(made: Path, live: Path, step: int) -> bool:
    """Restore in a process of its own and kill it before a step. False: it ended before that."""
    child = os.fork()
    if child == 0:
        with pytest.MonkeyPatch.context() as patched:
            _counted(patched, lambda number: os.kill(os.getpid(), signal.SIGKILL) if number == step else None)
            backup.restore(made, live, at=AT)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def _copies(live: Path, number: int) -> Iterator[Path]:
    """The same folder again and again."""
    for step in range(1, number + 1):
        folder = live.parents[1] / f"copy-{step}"
        folder.mkdir(0o700)
        for path in live.parent.iterdir():
            copy = folder / path.name
            copy.touch(0o600)
            copy.write_bytes(path.read_bytes())
        yield folder / live.name


@pytest.mark.parametrize("before", [_healthy, _half_written])
def test_a_restore_killed_at_any_step_leaves_the_old_or_the_new_store_and_can_be_repeated(
    before: Callable[[Path], None], live: Path, made: Path
) -> None:
    before(live)
    [probe] = _copies(live, 1)
    steps = _steps_of(made, probe)
    probe.parent.rename(probe.parent.with_name("probe"))
    assert steps >= 10

    seen = []
    for step, copy in enumerate(_copies(live, steps), 1):
        assert _killed(made, copy, step)
        seen.append(_what_is_live(copy))
        backup.restore(made, copy, at=AT + 60)
        assert _what_is_live(copy) == "new"
        kept = backup.replaced(copy)
        assert len(kept) == (1 if seen[-1] == "old" else 2)  # no second name of a store that was live all the time
        assert not list(copy.parent.glob(".*"))
        assert "old" in {_what_is_live(one.path) for one in kept} or seen[-1] == "new"
    assert seen == sorted(seen, reverse=True)  # old … old new … new: one moment decides
    assert {"old", "new"} == set(seen)


@pytest.mark.parametrize("before", [_damaged, _lost])
def test_a_ruined_store_is_replaced_whatever_step_a_first_try_is_killed_at(
    before: Callable[[Path], None], live: Path, made: Path
) -> None:
    before(live)
    ruined = live.read_bytes() if live.exists() else None
    [probe] = _copies(live, 1)
    steps = _steps_of(made, probe)
    probe.parent.rename(probe.parent.with_name("probe"))

    for step, copy in enumerate(_copies(live, steps), 1):
        assert _killed(made, copy, step)
        if copy.exists() and copy.read_bytes() != ruined:
            assert _what_is_live(copy) == "new"
        backup.restore(made, copy, at=AT + 60)
        assert _what_is_live(copy) == "new"
        kept = [one.path.read_bytes() for one in backup.replaced(copy)]
        assert ruined is None or ruined in kept
        assert not list(copy.parent.glob(".*"))


@pytest.mark.parametrize("before", [_healthy, _half_written])
def test_a_restore_that_is_interrupted_at_any_step_cleans_up_behind_itself(
    before: Callable[[Path], None], live: Path, made: Path
) -> None:
    class Interrupted(BaseException): ...

    before(live)
    [probe] = _copies(live, 1)
    steps = _steps_of(made, probe)
    probe.parent.rename(probe.parent.with_name("probe"))

    for step, copy in enumerate(_copies(live, steps), 1):

        def interrupt(number: int, step: int = step) -> None:
            if number == step:
                raise Interrupted

        with pytest.MonkeyPatch.context() as patched:
            _counted(patched, interrupt)
            with pytest.raises(Interrupted):
                backup.restore(made, copy, at=AT)
        assert _what_is_live(copy) in ("old", "new")
        backup.restore(made, copy, at=AT + 60)
        assert _what_is_live(copy) == "new"
        assert not list(copy.parent.glob(".*"))
