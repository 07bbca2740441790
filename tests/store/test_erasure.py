"""Erasing under trouble: kills at every step, older stores put back, a journal torn, lost or without its key."""

import json
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from integrator import database
from integrator.database import Database, connect
from integrator.domain.retention import Periods, person_from
from integrator.errors import ConfigError, StoreDamaged
from integrator.home import Home
from integrator.jobs import gdpr_cleanup as job
from integrator.runner import Options, run_job
from integrator.runtime.report import Report
from integrator.settings.model import RetentionSettings
from integrator.store import backup, open_store
from integrator.store.erasure import requests as erasure_requests
from integrator.store.erasure.copies import Copies
from integrator.store.erasure.journal import Entry, Journal
from integrator.store.erasure.people import find
from integrator.store.erasure.steps import Erasing, erase_in_restored
from onerun import bare, rows
from people import DAY, add_order, person, traces

AT = int(datetime(2027, 6, 1, 4, 0, tzinfo=UTC).timestamp())
ENDED, NEW = "2027-02-01T16:00:00+01:00", "2027-05-20"
PERIODS = Periods(participants_days=90, orders_days=2_190, orderlines_days=365)
LIVE = "integrator.db"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home with one order that is due, one that is due to go, one that is not, and a backup of all."""
    made = bare(tmp_path / "home")
    db = open_store(made.var / LIVE, backups=made.backups).db
    add_order(db, [person(1), person(2)], completed_at=AT - 200 * DAY, class_end=ENDED, effects="failed")
    add_order(db, [person(3)], completed_at=AT - 2_300 * DAY, class_end="2021-02-01")
    add_order(db, [person(4)], completed_at=AT - 10 * DAY, class_end=NEW)
    backup.make(db, made.backups, at=AT - DAY)
    db.close()
    return made


GONE = [person(1), person(2), person(3)]
STAYS = [person(4)]


def cleanup(home: Home, at: int = AT) -> Report:
    def story(run: Any, wiring: Any) -> None:
        settings = RetentionSettings(participants_days=90, orders_days=2_190)
        job.gdpr_cleanup(run, home, settings, actor="tester")

    return run_job("gdpr-cleanup", story, needs=("monitor",), options=Options(clock=lambda: at), home=home)


@pytest.fixture
def db(home: Home) -> Iterator[Database]:
    opened = connect(home.var / LIVE)
    yield opened
    opened.close()


def state(home: Home) -> dict[str, Any]:
    """What a store holds, without the tokens that are drawn anew each time."""
    db = connect(home.var / LIVE)
    people = [
        (row["reference"], row["email"].partition("-")[0], row["comment"], row["anonymised_at"] is None)
        for row in db.all("SELECT * FROM participants ORDER BY reference")
    ]
    orders = [tuple(row) for row in db.all("SELECT id, customer_email, company_name, anonymised_at FROM orders")]
    outbox = [tuple(row) for row in db.all("SELECT key, state, body FROM outbox ORDER BY key")]
    counters = dict(tuple(row) for row in db.all("SELECT * FROM counters"))
    found = {"people": people, "orders": orders, "outbox": outbox, "vacuum_due": counters["vacuum_due"]}
    assert db.value("PRAGMA integrity_check") == "ok"
    db.close()
    return found


# kills ------------------------------------------------------------------------------------------------


def _count_steps(patched: pytest.MonkeyPatch, step: Callable[[int], None], *, rows: bool = True) -> list[int]:
    """Call step(n) before each n-th write to the disk, by us or (with rows) through the store."""
    counter = [0]

    def counted(function: Callable[..., Any]) -> Callable[..., Any]:
        def called(*args: Any, **options: Any) -> Any:
            counter[0] += 1
            step(counter[0])
            return function(*args, **options)

        return called

    for name in ("fsync", "rename", "link", "write"):
        patched.setattr(os, name, counted(getattr(os, name)))
    for name in ("write", "write_many") if rows else ():
        patched.setattr(Database, name, counted(getattr(Database, name)))
    return counter


def _killed_at(home: Home, number: int, action: Callable[[Home], Any], *, rows: bool = True) -> int:
    """Do it in a child that is killed at its n-th step; gives back how the child ended."""
    child = os.fork()
    if child == 0:
        with pytest.MonkeyPatch.context() as patched:
            kill = partial(os.kill, os.getpid(), signal.SIGKILL)
            _count_steps(patched, lambda now: kill() if now == number else None, rows=rows)
            action(home)
        os._exit(0)
    return os.waitpid(child, 0)[1]


def test_a_run_that_is_killed_anywhere_is_finished_by_the_next_one(home: Home, tmp_path: Path) -> None:
    probe = Home(tmp_path / "probe")
    shutil.copytree(home.root, probe.root)
    with pytest.MonkeyPatch.context() as patched:
        counter = _count_steps(patched, lambda now: None)
        assert cleanup(probe).exit_code == 0
    wanted = state(probe)
    assert traces(probe.root, GONE) == {}
    for number in range(1, counter[0] + 1):
        copy = Home(tmp_path / f"copy{number}")
        shutil.copytree(home.root, copy.root)
        assert _killed_at(copy, number, cleanup) == signal.SIGKILL, number
        assert cleanup(copy).exit_code == 0, number
        assert state(copy) == wanted, number
        assert traces(copy.root, GONE) == {}, number
        assert len(traces(copy.root, STAYS)) == 2, number
        assert not [path for path in copy.var.rglob(".*") if "partial" in path.name], number
        shutil.rmtree(copy.root)


def _erase_person(home: Home) -> None:
    """What `gdpr erase` does with person 1."""
    who = person_from(person(1)["email"])
    copies = Copies(home.var / LIVE, home.backups, Journal(home.var), PERIODS, AT)
    db = connect(home.var / LIVE)
    erasing = Erasing(db, copies.journal, AT, "tester")
    erasure_requests.look(db, copies, who, same_person=False)
    erasure_requests.erase(erasing, who)
    erasing.finish()
    db.close()
    copies.erase()


def test_a_persons_erasure_that_is_killed_anywhere_is_finished_or_was_never_begun(home: Home, tmp_path: Path) -> None:
    """The line in the journal decides: before it nothing has happened, behind it the next run finishes."""
    with pytest.MonkeyPatch.context() as patched:
        shutil.copytree(home.root, tmp_path / "probe")
        counter = _count_steps(patched, lambda now: None, rows=False)
        _erase_person(Home(tmp_path / "probe"))
    assert traces(tmp_path / "probe", [person(1)]) == {}
    ended = set()
    for number in range(1, counter[0] + 1):
        copy = Home(tmp_path / f"copy{number}")
        shutil.copytree(home.root, copy.root)
        assert _killed_at(copy, number, _erase_person, rows=False) == signal.SIGKILL, number
        begun = Journal(copy.var).size() > 0
        assert cleanup(copy, AT - 150 * DAY).exit_code == 0  # long before a rule asks for it
        assert (traces(copy.root, [person(1)]) == {}) is begun, number
        ended.add(begun)
    assert ended == {True, False}


def test_also_before_vacuum_the_rows_leave_no_bytes(home: Home) -> None:
    """secure_delete: whoever kills the run between the rows and VACUUM leaves nothing to read."""
    child = os.fork()
    if child == 0:
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr("integrator.store.erasure.proof.vacuum", lambda db: os.kill(os.getpid(), signal.SIGKILL))
            cleanup(home)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    assert LIVE not in traces(home.var, GONE)
    assert state(home)["vacuum_due"] == 1


def test_what_vacuum_leaves_is_found_and_said(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """The proof looks at bytes, not at rows: without secure_delete and VACUUM it must not pass."""
    monkeypatch.setitem(database._PRAGMAS, "secure_delete", 0)
    monkeypatch.setattr("integrator.store.erasure.proof.vacuum", lambda db: None)
    report = cleanup(home)
    assert report.exit_code == 70
    assert "still in its bytes" in (report.error or "")
    monkeypatch.undo()
    assert cleanup(home).exit_code == 0
    assert traces(home.root, GONE) == {}


# older stores -----------------------------------------------------------------------------------------


def _older(home: Home) -> Path:
    """A copy of the home's backup from before anybody was erased, outside the home."""
    [found] = backup.found(home.backups)
    return Path(shutil.copy(found.path, home.root.parent / "older.db"))


def test_a_restored_backup_brings_nobody_back(home: Home) -> None:
    older = _older(home)
    assert cleanup(home).exit_code == 0
    wanted = state(home)

    def erase(db: Database) -> None:
        erase_in_restored(db, home.var, PERIODS, at=AT + 60, actor="restore")

    backup.restore(older, home.var / LIVE, at=AT + 60, erase=erase)
    found = state(home)
    assert traces(home.root, GONE) == {}
    assert found["people"] == wanted["people"]
    assert [order[0] for order in found["orders"]] == [order[0] for order in wanted["orders"]]


def test_a_restored_backup_also_loses_what_has_become_due_since(home: Home) -> None:
    """Nothing was erased yet, so the journal is empty: the rules are followed at once."""
    older = _older(home)

    def erase(db: Database) -> None:
        erase_in_restored(db, home.var, PERIODS, at=AT, actor="restore")

    backup.restore(older, home.var / LIVE, at=AT, erase=erase)
    assert LIVE not in traces(home.var, GONE)
    assert Journal(home.var).size() > 0


def test_a_store_put_back_by_hand_is_erased_again_before_any_story(home: Home) -> None:
    older = _older(home)
    assert cleanup(home).exit_code == 0
    shutil.copy(older, home.var / LIVE)
    assert LIVE in traces(home.var, GONE)
    seen = []

    def story(run: Any, wiring: Any) -> None:
        seen.append(traces(home.var, GONE))
        seen.append(run.db.value("SELECT max(id) FROM orders"))

    run_job("import-courses", story, needs=("monitor",), options=Options(clock=lambda: AT + 60), home=home)
    assert seen == [{}, 10_003]
    [entry] = [row for row in _all(home, "SELECT rule, actor FROM erasures") if row[1] == "job"]
    assert entry[0] == "again, from the journal"


def _all(home: Home, sql: str) -> list[tuple[Any, ...]]:
    db = connect(home.var / LIVE)
    found = [tuple(row) for row in db.all(sql)]
    db.close()
    return found


def test_a_level_store_is_not_looked_at_again(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cleanup(home).exit_code == 0
    monkeypatch.setattr("integrator.store.erasure.steps.keep_erased", _must_not)
    report = run_job(
        "import-courses", lambda run, wiring: None, needs=("monitor",), options=Options(clock=lambda: AT), home=home
    )
    assert report.exit_code == 0


def _must_not(*args: Any, **options: Any) -> None:
    raise AssertionError("not behind, and yet erased again")


def test_a_number_in_the_journal_is_not_given_out_again_by_a_store_put_back_by_hand(home: Home, db: Database) -> None:
    older = _older(home)
    late = add_order(db, [person(9)], completed_at=AT - 200 * DAY, class_end=ENDED)
    db.close()
    assert cleanup(home).exit_code == 0
    shutil.copy(older, home.var / LIVE)
    assert cleanup(home, AT + 60).exit_code == 0
    again = connect(home.var / LIVE)
    assert add_order(again, [person(10)], completed_at=AT + 90, class_end=NEW) == late + 1
    again.close()


def test_a_new_order_of_somebody_who_was_erased_is_theirs_again(home: Home, db: Database) -> None:
    erasing = Erasing(db, Journal(home.var), AT, "tester")
    who = person_from(person(4)["email"])
    erasure_requests.erase(erasing, who)
    new = add_order(db, [person(4)], completed_at=AT + 60, class_end=NEW)
    db.write("UPDATE counters SET value = 0 WHERE name = 'erasures_applied'")
    Erasing(db, Journal(home.var), AT + 120, "tester").level()
    found = find(db, erasure_requests.same_as(who))
    assert found.orders == {new}


def test_an_order_that_got_the_number_of_one_that_was_erased_before_is_not_meant(home: Home, db: Database) -> None:
    """Only a store put back by hand can give a number out again: what it means now was made after the erasure."""
    Journal(home.var).append([Entry(AT - 20 * DAY, "order", order=10_003)])
    erasing = Erasing(db, Journal(home.var), AT, "tester")
    erasing.level()
    assert db.value("SELECT customer_email FROM orders WHERE id = 10003") == person(4)["email"]
    Journal(home.var).append([Entry(AT, "order", order=10_003)])
    erasing.level()
    assert db.value("SELECT count(*) FROM orders WHERE id = 10003") == 0


def test_a_person_who_was_erased_is_erased_from_a_store_that_had_other_orders_of_them(home: Home, db: Database) -> None:
    """The journal knows them by a keyed hash, not only by the orders that were there."""
    erasing = Erasing(db, Journal(home.var), AT, "tester")
    who = person_from("  P4.x@People.example.org ")
    assert who.value == person(4)["email"]
    erasure_requests.erase(erasing, who)
    other = add_order(db, [person(4)], completed_at=AT - 20 * DAY, class_end=NEW)
    db.write("UPDATE counters SET value = 0 WHERE name = 'erasures_applied'")
    Erasing(db, Journal(home.var), AT + 120, "tester").level()
    assert db.value("SELECT anonymised_at FROM participants WHERE order_id = ?", (other,)) is not None


# the journal ------------------------------------------------------------------------------------------


def test_a_line_that_a_kill_cut_off_is_taken_away(home: Home) -> None:
    assert cleanup(home).exit_code == 0
    journal = Journal(home.var)
    whole = journal.path.read_bytes()
    with journal.path.open("ab") as file:
        file.write(b'{"at":1,"rule":"ord')
    report = run_job(
        "import-courses", lambda run, wiring: None, needs=("monitor",), options=Options(clock=lambda: AT), home=home
    )
    assert report.exit_code == 0
    assert journal.path.read_bytes() == whole


def test_a_journal_without_its_key_stops_every_job_that_would_need_it(home: Home) -> None:
    older = _older(home)
    assert cleanup(home).exit_code == 0
    (home.var / "erasures.key").unlink()
    assert cleanup(home).exit_code == 78
    shutil.copy(older, home.var / LIVE)
    report = run_job("import-courses", _must_not, needs=("monitor",), options=Options(clock=lambda: AT), home=home)
    assert report.exit_code == 78
    assert "erasures.key: is missing or damaged" in (report.error or "")
    assert rows(home, "job, exit_code")[-1] == ("import-courses", 78)


def test_a_restore_without_the_key_touches_nothing(home: Home) -> None:
    older = _older(home)
    assert cleanup(home).exit_code == 0
    (home.var / "erasures.key").write_text("", encoding="ascii")
    before = state(home)
    with pytest.raises(ConfigError):
        backup.restore(
            older,
            home.var / LIVE,
            at=AT,
            erase=lambda db: erase_in_restored(db, home.var, PERIODS, at=AT, actor="x") and None,
        )
    assert state(home) == before


@pytest.mark.parametrize("left", [0, 1, 2])
def test_a_journal_that_lost_entries_stops_what_erases_until_somebody_accepts_it(left: int, home: Home) -> None:
    older = _older(home)
    assert cleanup(home).exit_code == 0
    journal, followed = Journal(home.var), Journal(home.var).size()
    journal.path.write_bytes(b"".join(journal.path.read_bytes().splitlines(keepends=True)[:left]))
    for again in (60, 120):
        report = cleanup(home, AT + again)
        assert report.exit_code == 78
        assert "entries are lost" in (report.error or "")
        assert "integrator gdpr accept-loss" in (report.hint or "")
    other = run_job(
        "import-courses", lambda run, wiring: None, needs=("monitor",), options=Options(clock=lambda: AT), home=home
    )
    assert other.exit_code == 0
    journal.accept_loss(followed, AT + 180)
    assert journal.size() >= followed
    assert cleanup(home, AT + 240).exit_code == 0
    shutil.copy(older, home.backups / backup.found(home.backups)[0].path.name)
    assert cleanup(home, AT + 300).exit_code == 0
    assert traces(home.root, GONE) == {}


def test_where_a_store_stands_in_the_journal_stays_true_after_a_loss(home: Home) -> None:
    """A line is put behind what is lost, as long as it was: what was followed stays followed, what comes is read."""
    journal = Journal(home.var)
    journal.append([Entry(AT, "order", order=number) for number in range(5)])
    followed = journal.size()
    journal.path.unlink()
    journal.accept_loss(followed, AT)
    assert journal.size() == followed
    journal.append([Entry(AT, "order", order=9)])
    assert [entry.order for entry, _ in journal.read(followed)[0]] == [9]
    assert [entry.rule for entry, _ in journal.read(0)[0]] == ["key", "lost", "order"]


def test_another_key_is_refused_as_a_missing_one_is(home: Home) -> None:
    assert cleanup(home).exit_code == 0
    (home.var / "erasures.key").write_text("ab" * 32 + "\n", encoding="ascii")
    report = cleanup(home)
    assert report.exit_code == 78
    assert "erasures.key: is not the key it was made with" in (report.error or "")


def test_a_journal_of_an_earlier_version_has_no_check_of_its_key_and_is_followed(home: Home) -> None:
    assert cleanup(home).exit_code == 0
    journal = Journal(home.var)
    journal.path.write_bytes(b"".join(journal.path.read_bytes().splitlines(keepends=True)[1:]))
    journal.check()


@pytest.mark.parametrize("name", ["erasures", "erasures.key"])
def test_files_that_others_can_read_are_refused(name: str, home: Home) -> None:
    assert cleanup(home).exit_code == 0
    (home.var / name).chmod(0o640)
    report = cleanup(home)
    assert report.exit_code == 78
    assert f"chmod 600 {home.var / name}" in (report.error or "")


def test_a_line_that_cannot_be_read_stops_the_run(home: Home) -> None:
    journal = Journal(home.var)
    journal.append([Entry(AT, "order", order=10_003)])
    with journal.path.open("ab") as file:
        file.write(b"nonsense\n")
    with pytest.raises(StoreDamaged):
        journal.read(0)
    report = cleanup(home)
    assert report.exit_code == 70
    assert state_of_order(home, 10_003)


def state_of_order(home: Home, order: int) -> bool:
    return bool(_all(home, f"SELECT 1 FROM orders WHERE id = {order}"))


def test_the_journal_names_nobody_and_two_homes_hash_differently(home: Home, tmp_path: Path) -> None:
    journal, other = Journal(home.var), Journal(tmp_path)
    who = person_from(person(1)["email"])
    assert journal.hash("email", who.value) == journal.hash("email", who.value) != other.hash("email", who.value)
    journal.append([Entry(AT, "subject", subject=journal.hash("email", who.value))])
    check, line = journal.path.read_text(encoding="ascii").splitlines()
    assert json.loads(check)["rule"] == "key"
    assert json.loads(line)["subject"] == journal.hash("email", who.value)
    assert "example.org" not in line
