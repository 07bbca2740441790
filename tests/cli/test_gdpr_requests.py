"""`gdpr` in harder cases: two people of one name, addresses in letters, kills, races, a journal that is lost."""

import json
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from operating import Run

from booking_rows import BIRTH_DATE, Booking, add_booking
from integrator.database import Database, connect
from integrator.domain.retention import person_from
from integrator.jobs import gdpr_files
from integrator.store import backup
from integrator.store.erasure import journal, requests, steps
from integrator.store.erasure.journal import Journal, is_behind, refuse_behind
from people import DAY, add_list, add_order, full_name, person, traces

ANNA, BO, CARL = person(11), person(12), person(13)
NEW = "2026-09-20"


@pytest.fixture
def now(clock: Callable[[str], int]) -> int:
    return clock("2026-08-03 12:00")


@pytest.fixture
def order(store: Database, now: int) -> int:
    """An order of Anna and Bo, bought by Carl for a company."""
    return add_order(store, [ANNA, BO], completed_at=now - DAY, class_end=NEW, customer=CARL)


def left(store: Database) -> set[str]:
    return {row["email"] for row in store.all("SELECT email FROM participants WHERE anonymised_at IS NULL")}


# who is meant -----------------------------------------------------------------------------------------


def test_two_people_of_one_name_and_two_addresses_are_two(run: Run, store: Database, now: int, tmp_path: Path) -> None:
    namesake = ANNA | {"email": "another@people.example.org", "phone": "+45 99999999", "comment": "in a wheelchair"}
    add_order(store, [ANNA, namesake], completed_at=now - DAY, class_end=NEW, customer=CARL)
    assert run("gdpr", "export", ANNA["email"], "--file", tmp_path / "anna.json").code == 0
    text = (tmp_path / "anna.json").read_text(encoding="utf-8")
    assert not [value for value in ("another@", "99999999", "wheelchair") if value in text]
    run("gdpr", "erase", ANNA["email"])
    assert left(store) == {"another@people.example.org"}


def test_they_are_one_when_the_operator_says_so(run: Run, store: Database, now: int) -> None:
    again = ANNA | {"email": "another@people.example.org"}
    add_order(store, [ANNA, again], completed_at=now - DAY, class_end=NEW, customer=CARL)
    assert run("gdpr", "erase", ANNA["email"], "--same-person").code == 0
    assert left(store) == set()


def test_a_phone_number_of_one_name_with_two_addresses_is_not_guessed_at(run: Run, store: Database, now: int) -> None:
    for address in ("a@example.org", "b@example.org"):
        add_order(store, [ANNA | {"email": address}], completed_at=now, class_end=NEW, customer=CARL)
    result = run("gdpr", "erase", ANNA["phone"])
    assert (result.code, "found with 2 different addresses" in result.err) == (2, True)


@pytest.mark.parametrize("typed", ["anna@ærøskøbing.example.org", "anna@xn--rskbing-lxa7nc.example.org"])
def test_an_address_with_a_domain_in_letters_is_found_as_the_form_keeps_it(
    typed: str, run: Run, home: Path, store: Database, now: int
) -> None:
    one = ANNA | {"email": "anna@xn--rskbing-lxa7nc.example.org"}
    add_order(store, [one], completed_at=now - DAY, class_end=NEW, customer=CARL)
    for name, text in (("letters", "anna@ærøskøbing.example.org"), ("travels", one["email"])):
        (home / "var" / "log" / name).write_text(text, encoding="utf-8")
    places = run("gdpr", "trace", typed).out.splitlines()
    assert places[0].startswith("participants.email")
    assert {Path(place.split("  ")[0]).name for place in places[1:]} == {"integrator.db", "letters", "travels"}
    assert run("gdpr", "erase", typed).code == 0
    assert left(store) == set()


def test_a_name_is_found_with_its_rings_apart_as_a_mac_writes_them(run: Run, home: Path) -> None:
    (home / "var" / "log" / "names").write_text("A\u030ase Holm", encoding="utf-8")
    assert "names  bytes  1" in run("gdpr", "trace", "Åse Holm").out


# what stays -------------------------------------------------------------------------------------------


def test_a_name_in_words_that_others_typed_is_named_and_ends_with_3(run: Run, store: Database, now: int) -> None:
    words = [BO | {"comment": f"shares a room with {full_name(ANNA)}"}, CARL]
    order = add_order(
        store, [ANNA, *words], completed_at=now, class_end=NEW, customer=CARL, attention=f"Att.: {full_name(ANNA)}"
    )
    store.write("UPDATE orders SET purchase_order = ? WHERE id = ?", (f"PO 7 {ANNA['email']}", order))
    other = add_order(store, [BO | {"comment": f"ask {full_name(ANNA)}"}], completed_at=now, class_end=NEW)
    result = run("gdpr", "erase", ANNA["email"])
    assert result.code == 3
    places = [line.rpartition(": ")[2] for line in result.err.splitlines()]
    assert sorted(places) == [
        f"orders.attention  {order}",
        f"orders.purchase_order  {order}",
        f"participants.comment  {order}/2",
    ]
    assert full_name(ANNA) not in result.err
    assert store.value("SELECT comment FROM participants WHERE order_id = ?", (other,)).startswith("ask")


def _add_class(store: Database, key: str, end: str | None, missing_since: int | None) -> None:
    trainers = [{"id": "TT", "name": "Tove Tranholm", "email": "tove@trainers.example.org"}]
    store.write(
        'INSERT INTO courses (id, main_id, title, "end", days, status, trainers, fingerprint, first_seen_at,'
        " changed_at, missing_since) VALUES (?, '25172', 'Excel', ?, '[]', 'open', ?, x'00', 0, 0, ?)",
        (key, end, json.dumps(trainers), missing_since),
    )


def trainers(store: Database) -> dict[str, bool]:
    return {row["id"]: row["trainers"] != "[]" for row in store.all("SELECT id, trainers FROM courses")}


def test_a_trainer_of_a_class_that_the_source_lists_no_more_is_erased(run: Run, store: Database, now: int) -> None:
    _add_class(store, "25172-01", "2026-07-01", now - DAY)
    _add_class(store, "25172-02", "2026-09-01", None)
    result = run("gdpr", "erase", "tove@trainers.example.org")
    assert result.code == 0, result.err
    assert "trainers of 1 class(es) that Maconomy does not list any more: erased" in result.out
    assert "named as a trainer of 1 class(es): not erased" in result.out
    assert trainers(store) == {"25172-01": False, "25172-02": True}
    assert store.value("SELECT fingerprint FROM courses WHERE id = '25172-01'") == b""  # an import reads it anew


def test_trainers_go_when_their_class_is_over_and_the_source_lists_it_no_more(
    run: Run, home: Path, store: Database, now: int
) -> None:
    _add_class(store, "25172-01", "2017-05-01", 1_500_000_000)
    _add_class(store, "25172-02", "2127-05-10", 1_500_000_000)
    _add_class(store, "25172-03", "2017-05-01", None)
    _add_class(store, "25172-04", None, 1_500_000_000)
    made = backup.make(store, home / "var" / "backups", at=now)
    assert run("gdpr-cleanup").code == 0
    assert trainers(store) == {"25172-01": False, "25172-02": True, "25172-03": True, "25172-04": False}
    copy = connect(made)
    assert trainers(copy) == trainers(store)
    copy.close()


# at the same moment -----------------------------------------------------------------------------------


def test_an_order_that_comes_while_somebody_is_erased_is_not_touched(
    run: Run, home: Path, store: Database, now: int, order: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It came after the look at the store: what is under way is seen again in the transaction that erases."""
    look = requests.look

    def looked(*args: Any, **options: Any) -> Any:
        found = look(*args, **options)
        add_order(store, [ANNA], completed_at=now, class_end=NEW, effects="received")
        return found

    monkeypatch.setattr(requests, "look", looked)
    result = run("gdpr", "erase", ANNA["email"])
    assert (result.code, "is still under way; nothing was erased" in result.err) == (75, True)
    assert store.value("SELECT count(*) FROM outbox WHERE state = 'received' AND body IS NOT NULL") == 1
    assert not Journal(home / "var").size()


def test_a_message_sent_anew_while_the_rules_are_read_keeps_its_order(
    run: Run, store: Database, now: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    retried = add_order(store, [ANNA], completed_at=now - 300 * DAY, class_end="2026-01-01", effects="failed")
    other = add_order(store, [BO], completed_at=now - 300 * DAY, class_end="2026-01-01")
    rules = steps.rules_work

    def read(*args: Any) -> Any:
        work = rules(*args)
        if not args[0].conn.in_transaction:
            store.write("UPDATE outbox SET state = 'received' WHERE scope = ?", (f"order:{retried}",))
        return work

    monkeypatch.setattr(steps, "rules_work", read)
    result = run("gdpr-cleanup", "--json")
    assert result.code == 75
    assert result.json()["waiting"] == [
        {"item": f"order {retried}", "reason": "under way: a message of it has not ended yet"}
    ]
    done = [row["id"] for row in store.all("SELECT id FROM orders WHERE anonymised_at IS NOT NULL")]
    assert done == [other]


def test_who_orders_while_somebody_is_erased_waits_for_it(
    home: Path, store: Database, now: int, order: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The journal is ahead of the store until the erasure is committed: that is no older store put back by hand."""
    erasing = steps.Erasing(store, Journal(home / "var"), now, "tester")
    begun, looked, asked = threading.Event(), threading.Event(), []

    def look(db: Database, var: Path) -> bool:
        found = is_behind(db, var)
        looked.set()
        return found

    def ask() -> None:
        begun.wait()
        mine = connect(home / "var" / "integrator.db")
        asked.append(refuse_behind(mine, home / "var"))
        mine.close()

    carry_out, asking = steps.carry_out, threading.Thread(target=ask)

    def carried(*args: Any, **options: Any) -> Any:
        begun.set()
        assert looked.wait(20)
        return carry_out(*args, **options)

    monkeypatch.setattr(steps, "carry_out", carried)
    monkeypatch.setattr(journal, "is_behind", look)
    asking.start()
    requests.erase(erasing, person_from(ANNA["email"]))
    asking.join()
    assert asked == [None]


# a list whose day is over -----------------------------------------------------------------------------


def test_a_list_that_still_waits_goes_when_its_time_is_over(run: Run, home: Path, store: Database, now: int) -> None:
    add_list(store, [ANNA], "2026-03-01", state="received", at=now - 150 * DAY)
    assert run("gdpr-cleanup").code == 0
    assert store.value("SELECT count(*) FROM outbox") == 0
    assert traces(home, [ANNA]) == {}


def test_a_list_that_is_being_sent_is_named(run: Run, store: Database, now: int) -> None:
    add_list(store, [ANNA], "2026-03-01", state="processing", at=now - 150 * DAY)
    result = run("gdpr-cleanup", "--json")
    [waiting] = result.json()["waiting"]
    assert (result.code, waiting["item"]) == (75, "participant-list:25172-04:2026-03-01:0f3a9c:1")


# legal hold -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "reason",
    [
        f"{ANNA['last_name']} sues",
        f"sag mod {BO['last_name'].upper()}, 2026",
        f"call {ANNA['phone'].replace('+45 ', '')}",
        "ask lawyer@example.org",
        "case of nordvang revision",
        f"{CARL['last_name']}: unpaid",
    ],
)
def test_a_reason_that_names_somebody_of_the_order_is_refused(reason: str, run: Run, order: int) -> None:
    result = run("gdpr", "hold", str(order), "--reason", reason)
    assert (result.code, "names somebody of this order" in result.err) == (2, True)
    assert reason not in result.err


def test_a_case_number_is_a_reason(run: Run, home: Path, store: Database, order: int) -> None:
    assert run("gdpr", "hold", str(order), "--reason", "sag 2026-1234567 af 2026-11-21").code == 0
    assert run("gdpr-cleanup", "-v").code == 0
    assert "1234567" not in (home / "var" / "log" / "integrator.log").read_text(encoding="utf-8")
    assert "sag 2026-1234567" in run("explain", str(order)).out


def test_a_hold_that_is_killed_is_with_its_reason_or_can_be_typed_again(
    run: Run, home: Path, store: Database, order: int
) -> None:
    """Behind the line in the journal the store is behind; the next command holds the order, and takes the reason."""
    child = os.fork()
    if child == 0:
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(steps, "carry_out", lambda *args, **options: os.kill(os.getpid(), signal.SIGKILL))
            run("gdpr", "hold", str(order), "--reason", "dispute 2026-17")
        os._exit(0)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    assert Journal(home / "var").size() > 0
    assert run("gdpr", "hold", str(order), "--reason", "dispute 2026-17").code == 0
    assert store.value("SELECT hold_reason FROM orders") == "dispute 2026-17"
    assert b"dispute" not in (home / "var" / "erasures").read_bytes()


# what killed runs leave -------------------------------------------------------------------------------


@pytest.mark.parametrize("words", [("gdpr-cleanup",), ("gdpr", "erase", ANNA["email"])])
def test_what_killed_runs_left_goes_with_the_next_erasure(
    words: tuple[str, ...], run: Run, home: Path, store: Database, now: int, order: int
) -> None:
    var = home / "var"
    left = [
        var / ".integrator.db.restored",
        var / ".integrator.db.restored-journal",
        var / "backups" / ".integrator-20260802T010000Z.db.99.partial",
        var / "backups" / ".integrator-20260802T010000Z.db.99.partial-journal",
        var / "spool" / "dry-run-a1b2" / "copy.db",
        var / "spool" / "replay-a1b2" / "var" / "integrator.db",
    ]
    for path in left:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(ANNA["email"], encoding="utf-8")
    assert run(*words).code == 0
    assert [path for path in left if path.exists()] == []
    assert not (var / "spool" / "dry-run-a1b2").exists()


def test_what_is_not_ours_is_named_and_left(run: Run, home: Path, store: Database, now: int, order: int) -> None:
    mine = backup.make(store, home / "var" / "backups", at=now)
    files = [
        home / "var" / "backups" / "before-the-move.db",
        home / "gdpr-export-2026-08-01.json",
        home / "anna.eml",
    ]
    for path in files:
        path.write_bytes(mine.read_bytes())
    (home / "var" / "backups" / "notes.txt").write_text("nothing", encoding="utf-8")
    remarks = run("gdpr-cleanup", "--json").json()["remarks"]
    named = [remark.split(": ")[1] for remark in remarks]
    assert named == [str(files[0]), f"1 file(s) {home}/gdpr-export-*.json", f"1 file(s) {home}/*.eml"]
    assert all(path.exists() for path in files)


# a journal that is lost -------------------------------------------------------------------------------


def lost(run: Run) -> bool:
    problems = run("status", "--json").json()["problems"]
    return any("var/erasures is missing, or shorter" in problem["what"] for problem in problems)


def test_without_its_journal_nothing_is_restored_until_somebody_accepts_it(
    run: Run, home: Path, store: Database, now: int, order: int, tmp_path: Path
) -> None:
    older = backup.make(store, tmp_path / "elsewhere", at=now - 60)
    assert run("gdpr", "erase", ANNA["email"]).code == 0
    lines = home / "var" / "erasures"
    kept = lines.read_bytes()
    lines.unlink()
    for words in (("store", "restore", str(older)), ("gdpr", "hold", str(order), "--reason", "x"), ("gdpr-cleanup",)):
        result = run(*words)
        assert (result.code, "entries are lost" in result.err) == (78, True), words
        assert "accept-loss" in result.err
    assert traces(home, [ANNA]) == {}
    assert lost(run)
    lines.touch(0o600)
    lines.write_bytes(kept)
    assert not lost(run)
    assert run("gdpr", "accept-loss").code == 2
    lines.unlink()
    assert run("gdpr", "accept-loss").code == 0
    assert not lost(run)
    assert run("gdpr-cleanup").code == 0
    assert run("store", "restore", older).code == 0


def test_a_person_can_be_named_again_after_a_kill(
    run: Run, home: Path, store: Database, now: int, order: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = backup.make(store, home / "var" / "backups", at=now - DAY)
    child = os.fork()
    if child == 0:
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(backup, "rewrite", lambda *args: os.kill(os.getpid(), signal.SIGKILL))
            run("gdpr", "erase", ANNA["email"])
        os._exit(0)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    assert list(traces(home, [ANNA])) == [made.name]
    assert requests.erased_at(Journal(home / "var"), person_from(ANNA["email"])) == now
    assert run("gdpr", "erase", ANNA["email"]).code == 0
    assert traces(home, [ANNA]) == {}
    again = run("gdpr", "erase", ANNA["email"])
    assert (again.code, "was erased on 2026-08-03" in again.out) == (0, True)


# students of a reseller's bookings --------------------------------------------------------------------


@pytest.fixture
def booking(store: Database, now: int) -> Booking:
    """A booking of Anna, whom Carl enrolled."""
    return add_booking(
        store, ANNA, completed_at=now - DAY, class_end=NEW, enroller=CARL, documents=(f"{full_name(ANNA)}.pdf",)
    )


def test_a_students_papers_are_traced_whatever_is_in_them(run: Run, home: Path, booking: Booking) -> None:
    papers = [booking.paper(home / "documents"), booking.paper(home / "var" / "documents", "ab12.pdf")]
    (home / "documents" / "TP-MFRGGZDFMZTWQ2LKNNWG23TPOA.pdf").touch()
    lines = run("gdpr", "trace", ANNA["email"]).out.splitlines()
    assert [line for line in lines if line.endswith("  booking  1")] == [f"{path}  booking  1" for path in papers]
    assert f"bookings.birth_date  {booking.order}  1" in lines
    assert "booking" not in run("gdpr", "trace", CARL["email"]).out


def test_a_students_export_holds_their_booking(run: Run, booking: Booking, tmp_path: Path) -> None:
    assert run("gdpr", "export", ANNA["email"], "--file", tmp_path / "anna.json").code == 0
    [order] = json.loads((tmp_path / "anna.json").read_text(encoding="utf-8"))["orders"]
    assert (order["booking"]["reference"], order["booking"]["birth_date"]) == (booking.reference, BIRTH_DATE)
    assert [paper["name"] for paper in order["booking"]["documents"]] == [f"{full_name(ANNA)}.pdf"]


def test_a_student_is_erased_with_their_papers_and_told_what_stays(run: Run, home: Path, booking: Booking) -> None:
    papers = [booking.paper(home / "documents"), booking.paper(home / "var" / "documents", "ab12.pdf")]
    planned = run("gdpr", "erase", ANNA["email"], "--dry-run")
    assert f"order {booking.order}: booking, with its papers: would be erased" in planned.out
    assert all(path.exists() for path in papers)
    result = run("gdpr", "erase", ANNA["email"])
    assert (result.code, result.err) == (0, "")
    assert f"order {booking.order}: booking, with its papers: erased" in result.out
    assert f"order {booking.order}: booking: kept until its retention ends: its numbers at the reseller" in result.out
    assert "papers of bookings deleted: 2" in result.out
    assert not any(path.exists() for path in papers)
    assert traces(home, [ANNA]) == {}
    assert run("gdpr", "trace", ANNA["email"]).out == "nowhere\n"


def test_who_enrolled_a_student_is_erased_by_name_too(run: Run, home: Path, booking: Booking) -> None:
    paper = booking.paper(home / "documents")
    result = run("gdpr", "erase", CARL["email"])
    assert (result.code, result.err) == (0, "")
    assert f"order {booking.order}: kept for bookkeeping until its retention ends: the order and its amounts\n" in (
        result.out
    )
    assert traces(home, [CARL]) == {}
    assert paper.exists()


def test_papers_that_a_kill_left_go_when_the_person_is_typed_again(
    run: Run, home: Path, booking: Booking, monkeypatch: pytest.MonkeyPatch
) -> None:
    paper = booking.paper(home / "documents")
    child = os.fork()
    if child == 0:
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(gdpr_files, "delete_papers", lambda papers: os.kill(os.getpid(), signal.SIGKILL))
            run("gdpr", "erase", ANNA["email"])
        os._exit(0)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    assert paper.exists()
    result = run("gdpr", "erase", ANNA["email"])
    assert (result.code, "was erased on 2026-08-03" in result.out, paper.exists()) == (0, True, False)
