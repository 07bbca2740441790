"""`gdpr`: trace, export, erase, hold and unhold, as an operator types them."""

import io
import json
import os
import sqlite3
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from operating import Run, files_of

from integrator.database import Database, connect
from integrator.runtime import lock
from integrator.store import backup
from people import DAY, add_list, add_message, add_order, full_name, person, traces

ANNA, BO, CARL = person(11), person(12), person(13)
NEW = "2026-09-20"


@pytest.fixture
def now(clock: Callable[[str], int]) -> int:
    return clock("2026-08-03 12:00")


@pytest.fixture(autouse=True)
def _empty_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path / "tmp"))


@pytest.fixture
def order(store: Database, now: int) -> int:
    """An order of Anna and Bo, bought by Carl for a company."""
    return add_order(store, [ANNA, BO], completed_at=now - DAY, class_end=NEW, customer=CARL, attention="Dora Dam")


def trace(run: Run, text: str) -> list[str]:
    result = run("gdpr", "trace", text)
    assert (result.code, result.err) == (0, "")
    return result.out.splitlines()


# trace ------------------------------------------------------------------------------------------------


def test_trace_names_every_place_and_no_value(run: Run, home: Path, store: Database, now: int, order: int) -> None:
    add_message(store, "mailgun.confirmation", "k", {"to": {"email": ANNA["email"]}}, "failed", now, scope="order:9")
    made = backup.make(store, home / "var" / "backups", at=now)
    (home / "var" / "log" / "old.log").write_bytes(json.dumps({"x": ANNA["email"]}).encode())
    (home / "tape.yaml").write_text(f"body: {ANNA['email'].upper()}\n", encoding="utf-8")
    left = Path(tempfile.gettempdir()) / "integrator-x"
    left.mkdir()
    (left / "page.html").write_text(ANNA["email"], encoding="utf-8")
    lines = trace(run, ANNA["email"])
    assert lines[:2] == [f"outbox.body  {_message(store)}  1", f"participants.email  {order}/1  1"]
    assert f"{made.name}: participants.email  {order}/1  1" in lines
    files = {Path(line.split("  ")[0]).name for line in lines if line.split("  ")[1] == "bytes"}
    assert files == {"integrator.db", made.name, "old.log", "tape.yaml", "page.html"}
    assert ANNA["email"] not in "\n".join(lines)


def _message(store: Database) -> int:
    return int(store.value("SELECT id FROM outbox WHERE key = 'k'"))


@pytest.mark.parametrize(
    "typed",
    [
        f"  {ANNA['email'].upper()} ",
        ANNA["phone"].replace("+45 ", ""),
        f"0045 {ANNA['phone'][4:6]} {ANNA['phone'][6:]}",
        full_name(ANNA),
        full_name(ANNA).upper(),
    ],
)
def test_somebody_is_found_however_they_are_written(typed: str, run: Run, order: int) -> None:
    assert any(line.startswith("participants.") for line in trace(run, typed))
    assert any(line.endswith("integrator.db  bytes  1") for line in trace(run, typed))


@pytest.mark.parametrize(
    "content",
    [
        full_name(ANNA).encode(),
        full_name(ANNA).encode("latin-1"),
        json.dumps(full_name(ANNA)).encode(),
        full_name(ANNA).upper().encode(),
        full_name(ANNA).replace(" ", "").encode(),
        b"x" * ((1 << 20) - 4) + full_name(ANNA).encode(),  # across the edge of what is read at once
    ],
)
def test_a_name_is_found_in_the_bytes_of_a_file_however_it_is_coded(content: bytes, run: Run, home: Path) -> None:
    (home / "var" / "spool" / "left").write_bytes(content)
    assert trace(run, full_name(ANNA)) == [f"{home / 'var' / 'spool' / 'left'}  bytes  1"]


def test_nobody_is_nowhere_and_no_longer_word_is_taken_for_them(run: Run, store: Database, now: int) -> None:
    other = person(99) | {"email": f"x{ANNA['email']}", "phone": f"{ANNA['phone']}9"}
    add_order(store, [other], completed_at=now, class_end=NEW)
    assert trace(run, person(98)["email"]) == ["nowhere"]
    assert [line for line in trace(run, ANNA["email"]) if line.startswith("participants")] == []


def test_a_person_can_be_typed_where_nobody_sees_it(run: Run, order: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{ANNA['email']}\n"))
    assert any(line.startswith("participants.email") for line in trace(run, "-"))


@pytest.mark.parametrize("typed", ["", "anna", "@", "12", "-"])
@pytest.mark.parametrize("command", ["trace", "export", "erase"])
def test_what_names_nobody_is_refused(typed: str, command: str, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    result = run("gdpr", command, "--", typed)
    assert result.code == 2
    assert "expected an e-mail address, a phone number, or a first and a last name" in result.err


def test_trace_in_json_and_what_could_not_be_searched(run: Run, home: Path, order: int) -> None:
    bad = home / "var" / "backups" / "integrator-20260801T000000Z.db"
    bad.write_bytes(os.urandom(5_000))
    result = run("gdpr", "trace", BO["email"], "--json")
    assert result.code == 3
    assert {"where": "participants.email", "key": f"{order}/2", "times": 1} in result.json()["places"]
    assert result.json()["unreadable"] == [str(bad)]


# export -----------------------------------------------------------------------------------------------


def test_export_holds_all_of_one_person_and_nothing_of_another(
    run: Run, home: Path, store: Database, now: int, order: int, tmp_path: Path
) -> None:
    message = add_list(store, [ANNA, BO], "2026-08-01", at=now)
    result = run("gdpr", "export", ANNA["email"], "--file", tmp_path / "anna.json")
    assert (result.code, result.err) == (0, "")
    text = (tmp_path / "anna.json").read_text(encoding="utf-8")
    assert (tmp_path / "anna.json").stat().st_mode & 0o777 == 0o600
    facts = json.loads(text)
    [found] = facts["orders"]
    assert found["number"] == order
    [own] = found["participant"]
    assert {name: own[name] for name in ANNA} == ANNA
    assert [mail["key"] for mail in found["mails"]] == [f"order-confirmation:{order}:participant:1"]
    [part] = facts["messages"]
    assert (part["id"], part["about"][0]["email"]) == (message, ANNA["email"])
    for other in (BO, CARL):
        assert not [value for value in other.values() if value in text]
    assert "Nordvang" not in text


def test_export_of_a_customer_holds_what_they_bought(run: Run, order: int, tmp_path: Path) -> None:
    assert run("gdpr", "export", CARL["email"], "--file", tmp_path / "carl.json").code == 0
    [found] = json.loads((tmp_path / "carl.json").read_text(encoding="utf-8"))["orders"]
    assert (found["customer"]["customer_phone"], found["participant"]) == (CARL["phone"], [])


def test_export_writes_over_nothing_and_goes_where_it_says(
    run: Run, order: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("gdpr", "export", ANNA["email"]).code == 0
    assert (tmp_path / "gdpr-export-2026-08-03.json").is_file()
    again = run("gdpr", "export", ANNA["email"])
    assert (again.code, "is there already" in again.err) == (2, True)
    assert run("gdpr", "export", ANNA["email"], "--file", tmp_path / "no" / "x.json").code == 2


def test_who_is_not_there_is_not_found(run: Run, order: int) -> None:
    assert run("gdpr", "export", person(98)["email"]).code == 4
    assert run("gdpr", "erase", person(98)["email"]).code == 4
    assert run("gdpr", "erase", person(98)["email"], "--dry-run").code == 4


# erase ------------------------------------------------------------------------------------------------


def test_erase_takes_one_person_out_of_everything_and_leaves_the_others(
    run: Run, home: Path, store: Database, now: int, order: int
) -> None:
    failed = add_order(store, [ANNA, BO], completed_at=now - 2 * DAY, class_end=NEW, effects="failed", customer=CARL)
    add_list(store, [ANNA, BO], "2026-08-01", at=now - DAY)
    made = backup.make(store, home / "var" / "backups", at=now - 3_600)
    result = run("gdpr", "erase", ANNA["email"])
    assert (result.code, result.err) == (0, "")
    assert f"order {order}: participant 1: erased" in result.out
    assert traces(home, [ANNA]) == {}
    assert set(traces(home, [BO])) == {"integrator.db", made.name}
    left = [tuple(row) for row in store.all("SELECT key, body IS NULL FROM outbox WHERE state = 'failed' ORDER BY id")]
    assert left == [
        (f"ILI-{failed}-1", 1),
        (f"ILI-{failed}-2", 0),
        ("participant-list:25172-04:2026-08-01:0f3a9c:1", 1),
    ]
    assert run("gdpr", "trace", ANNA["email"]).out == "nowhere\n"
    again = run("gdpr", "erase", ANNA["email"])
    assert (again.code, "was erased on 2026-08-03" in again.out) == (0, True)
    [book] = store.all("SELECT * FROM erasures")
    assert (book["rule"], len(book["subject"])) == ("request 1", 64)


def test_erasing_a_customer_says_what_bookkeeping_keeps(run: Run, home: Path, store: Database, now: int) -> None:
    company = add_order(store, [BO], completed_at=now - DAY, class_end=NEW, customer=CARL)
    private = add_order(store, [BO], completed_at=now - DAY, class_end=NEW, customer=CARL, company=None)
    result = run("gdpr", "erase", CARL["email"])
    assert result.code == 0, result.err
    assert f"order {company}: kept for bookkeeping until its retention ends: the company" in result.out
    assert f"order {private}: kept for bookkeeping until its retention ends: the name of the buyer" in result.out
    found = [tuple(row) for row in store.all("SELECT customer_name, customer_email, customer_phone FROM orders")]
    assert found == [(None, None, None), (full_name(CARL), None, None)]
    assert set(traces(home, [CARL])["integrator.db"]) == {full_name(CARL)}


def test_the_dry_run_says_the_same_and_changes_nothing(run: Run, home: Path, store: Database, order: int) -> None:
    store.close()
    before = files_of(home)
    result = run("gdpr", "erase", ANNA["email"], "--dry-run")
    assert (result.code, f"order {order}: participant 1: would be erased" in result.out) == (0, True)
    assert files_of(home) == before


@pytest.mark.parametrize("state", ["received", "processing"])
def test_nothing_goes_while_a_message_of_them_is_under_way(
    state: str, run: Run, store: Database, now: int, order: int
) -> None:
    add_order(store, [ANNA], completed_at=now, class_end=NEW, effects=state)
    result = run("gdpr", "erase", ANNA["email"])
    assert (result.code, "is still under way; nothing was erased" in result.err) == (75, True)
    assert store.value("SELECT count(*) FROM participants WHERE anonymised_at IS NOT NULL") == 0


def test_nothing_goes_while_a_backup_is_made(run: Run, home: Path, store: Database, now: int, order: int) -> None:
    with lock.hold(home / "var" / "locks", "store-backup", since=datetime.fromtimestamp(now, UTC)):
        result = run("gdpr", "erase", ANNA["email"])
    assert (result.code, "not done, run it again" in result.err) == (75, True)
    assert store.value("SELECT count(*) FROM participants WHERE anonymised_at IS NOT NULL") == 0


def test_one_address_of_two_names_is_not_guessed_at(run: Run, store: Database, now: int) -> None:
    shared = "kontor@firma.example.org"
    for one in (ANNA, BO):
        add_order(store, [one | {"email": shared}], completed_at=now, class_end=NEW, customer=CARL)
    for command in ("erase", "export"):
        result = run("gdpr", command, shared)
        assert (result.code, "found with 2 different names" in result.err) == (2, True)
    assert run("gdpr", "erase", full_name(ANNA)).code == 0
    assert store.value("SELECT count(*) FROM participants WHERE anonymised_at IS NULL") == 1
    assert run("gdpr", "erase", shared).code == 0


def test_all_that_is_found_goes_when_the_operator_says_it_is_one_person(run: Run, store: Database, now: int) -> None:
    for one in (ANNA, BO):
        add_order(store, [one | {"email": "a@b.example.org"}], completed_at=now, class_end=NEW, customer=CARL)
    assert run("gdpr", "erase", "a@b.example.org", "--same-person").code == 0
    assert store.value("SELECT count(*) FROM participants WHERE anonymised_at IS NULL") == 0


def test_somebody_only_in_a_backup_goes_there(run: Run, home: Path, store: Database, now: int, order: int) -> None:
    made = backup.make(store, home / "var" / "backups", at=now - DAY)
    for table in ("mails", "participants", "orders", "outbox"):
        store.write(f"DELETE FROM {table}")
    store.write("VACUUM")
    result = run("gdpr", "erase", ANNA["email"])
    assert (result.code, result.err) == (0, "")
    assert set(traces(home, [ANNA])) == set()
    assert set(traces(home, [BO])) == {made.name}


def test_a_trainer_is_said_and_not_erased(run: Run, store: Database, order: int) -> None:
    trainers = [{"id": "TT", "name": "Tove Tranholm", "email": "tove@trainers.example.org"}]
    store.write(
        "INSERT INTO courses (id, main_id, title, days, status, trainers, fingerprint, first_seen_at, changed_at)"
        " VALUES ('25172-04', '25172', 'Excel', '[]', 'open', ?, x'00', 0, 0)",
        (json.dumps(trainers),),
    )
    result = run("gdpr", "erase", "tove@trainers.example.org")
    assert result.code == 0, result.err
    assert "named as a trainer of 1 class(es): not erased" in result.out
    assert "comes back with the next import" in result.out
    assert store.value("SELECT trainers FROM courses") == json.dumps(trainers)


def test_a_backup_that_cannot_be_rewritten_is_named(run: Run, home: Path, order: int) -> None:
    bad = home / "var" / "backups" / "integrator-20260801T000000Z.db"
    bad.write_bytes(os.urandom(5_000))
    result = run("gdpr", "erase", ANNA["email"])
    assert result.code == 3
    assert bad.name in result.err


# legal hold -------------------------------------------------------------------------------------------


def test_an_order_on_hold_is_not_erased_until_the_hold_ends(run: Run, store: Database, order: int) -> None:
    assert run("gdpr", "hold", str(order), "--reason", "dispute 2026-17").code == 0
    refused = run("gdpr", "erase", ANNA["email"])
    assert (refused.code, f"order {order} is on legal hold" in refused.err) == (1, True)
    assert "dispute" not in refused.err
    assert store.value("SELECT count(*) FROM participants WHERE anonymised_at IS NOT NULL") == 0
    again = run("gdpr", "hold", str(order), "--reason", "another")
    assert (again.code, "on hold since 2026-08-03; nothing was changed" in again.err) == (2, True)
    assert "→ why: integrator explain 10001" in again.err
    assert run("gdpr", "unhold", str(order)).code == 0
    assert run("gdpr", "erase", ANNA["email"]).code == 0


def test_a_hold_outlives_the_restore_of_an_older_backup(
    run: Run, home: Path, store: Database, now: int, order: int
) -> None:
    made = backup.make(store, home / "var" / "backups", at=now - 60)
    assert run("gdpr", "hold", str(order), "--reason", "dispute 2026-17").code == 0
    store.close()
    assert run("store", "restore", made.name).code == 0
    restored = connect(home / "var" / "integrator.db")
    row = restored.one("SELECT hold_reason, hold_since FROM orders WHERE id = ?", (order,))
    restored.close()
    assert tuple(row or ()) == ("on hold since before a restore; the reason was not in the backup", now)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("hold", "99999", "--reason", "x"), 4, "there is no order 99999"),
        (("unhold", "99999"), 4, "there is no order 99999"),
        (("hold", "10001", "--reason", "  "), 2, "the reason is empty"),
        (("hold", "10001", "--reason", f"{full_name(ANNA)} sues"), 2, "names somebody"),
        (("unhold", "10001"), 2, "is not on hold"),
        (("hold", "10001"), 2, "--reason"),
        (("hold", str(2**70), "--reason", "x"), 4, "there is no order"),
    ],
)
def test_bad_input_gets_one_clear_message(words: tuple[str, ...], code: int, said: str, run: Run, order: int) -> None:
    result = run("gdpr", *words)
    assert (result.code, result.out) == (code, "")
    assert said in result.err


# restore, and the job ---------------------------------------------------------------------------------


def test_nobody_comes_back_with_a_restored_backup(
    run: Run, home: Path, store: Database, now: int, order: int, tmp_path: Path
) -> None:
    older = backup.make(store, tmp_path / "elsewhere", at=now - 60)
    assert run("gdpr", "erase", ANNA["email"]).code == 0
    store.close()
    result = run("store", "restore", older)
    assert result.code == 0, result.err
    assert traces(home, [ANNA]) == {}
    assert set(traces(home, [BO])) == {"integrator.db", "integrator.db.replaced-20260803T120000Z"}


def test_the_job_is_silent_with_nothing_to_do_and_its_plan_counts(run: Run, home: Path, store: Database) -> None:
    assert run("gdpr-cleanup") == (0, "", "")
    add_order(store, [ANNA], completed_at=1_500_000_000, class_end="2017-08-01")
    plan = run("gdpr-cleanup", "--dry-run")
    assert plan.code == 0
    assert "deleted    gdpr-cleanup orders  1" in plan.out
    assert store.value("SELECT count(*) FROM orders") == 1
    assert run("gdpr-cleanup") == (0, "", "")
    assert store.value("SELECT count(*) FROM orders") == 0
    assert store.value("SELECT actor FROM erasures") == "cron"


def test_replaying_does_not_erase_here(run: Run, home: Path, store: Database, tmp_path: Path) -> None:
    add_order(store, [ANNA], completed_at=1_500_000_000, class_end="2017-08-01")
    assert run("gdpr-cleanup", "--dry-run", "--record", tmp_path / "tape.yaml").code == 0
    assert ANNA["email"].encode() not in (tmp_path / "tape.yaml").read_bytes()
    before = (home / "var" / "integrator.db").read_bytes()
    assert run("gdpr-cleanup", "--replay", tmp_path / "tape.yaml").code == 0
    assert (home / "var" / "integrator.db").read_bytes() == before
    assert not (home / "var" / "erasures").exists()


def test_a_reader_of_the_store_keeps_erase_from_being_done(
    run: Run, home: Path, store: Database, order: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("integrator.database.BUSY_TIMEOUT_S", 0)
    reader = sqlite3.connect(home / "var" / "integrator.db", isolation_level=None)
    vacuum = Database.write

    def write(self: Database, sql: str, parameters: tuple[object, ...] = ()) -> int:
        if sql == "VACUUM":
            reader.execute("BEGIN")
            reader.execute("SELECT * FROM orders").fetchall()
        return vacuum(self, sql, parameters)

    with monkeypatch.context() as patched:
        patched.setattr(Database, "write", write)
        result = run("gdpr", "erase", ANNA["email"])
    reader.close()
    assert (result.code, "not done, run again" in result.err) == (75, True)
    assert run("gdpr-cleanup").code == 0
    assert traces(home, [ANNA]) == {}
