"""`orderline` at a shell: orders are taken in, asked for, cleared, brought back and settled; no login comes out."""

import io
import json
import os
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from sqlite3 import OperationalError

import pytest
from operating import files_of

from integrator.database import connect
from integrator.domain.orderlines.order import EFFECT
from integrator.effects import Done
from integrator.errors import Conflict, InDoubt, Rejected, Unavailable
from integrator.jobs import orderline_desk as desk
from integrator.runtime import lock
from integrator.runtime.outbox import Outbox
from integrator.store import open_store
from integrator.store.orderlines import Orderlines
from integrator.store.workshops import Workshops
from orderline_books import AT, SECRET, SENT, TOML, W, begin, deliver, fail, order, raw, row, rows

HERE = ("--workshop", W)
WAITING = {"reason": "", "status": "received", "unique_id": "0007"}
UNKNOWN = "there is no workshop nowhere; there are: bennys-auto (Bennys Auto), karls-biler (Karls Biler)"


@pytest.fixture
def home(home):
    (home / "config" / "workshops.toml").write_text(TOML, encoding="utf-8")
    return home


class Typed(io.TextIOWrapper):
    """Standard input with something in it; at a terminal a person types it."""

    def __init__(self, content, *, terminal):
        super().__init__(io.BytesIO(content), encoding="utf-8")
        self._terminal = terminal

    def isatty(self):
        return self._terminal


@pytest.fixture
def typed(monkeypatch):
    def call(content=b"", *, terminal=False):
        monkeypatch.setattr(sys, "stdin", Typed(content, terminal=terminal))

    return call


@pytest.fixture
def create(run, tmp_path):
    """create(value, *options) → the command with the value in a file."""

    def call(value, *options):
        file = tmp_path / "orders.json"
        file.write_bytes(raw(value))
        return run("orderline", "create", "--file", file, *options)

    return call


@contextmanager
def opened(home):
    db = open_store(home / "var" / "integrator.db", backups=home / "var" / "backups").db
    try:
        yield db
    finally:
        db.close()


def untold(db):
    return [found["unique_id"] for found in Orderlines(db).untold(W)]


def tell_all(db):
    """OilMat has heard of everything."""
    with db.tx():
        db.write("UPDATE orderlines SET untold = 0")


# create -----------------------------------------------------------------------------------------------


def test_an_order_is_taken_in_before_any_run_has_been(create, home):
    assert not (home / "var" / "integrator.db").exists()
    result = create(SENT, "--json")
    assert (result.code, result.err) == (0, "")
    assert result.json() == [WAITING | {"credentials_in_payload": True}]
    with opened(home) as db:
        assert rows(db, "orderlines", "workshop, unique_id, source") == [(W, "0007", "command")]


def test_a_person_sees_a_table(create):
    result = create([order(), order("8", product_amount="1.234,5"), b"7".decode()], *HERE)
    assert result.code == 2
    assert "0007" in result.out
    assert "bad request" in result.out
    assert "is ambiguous" in result.out
    assert result.err == "integrator: orderline create: 2 of 3 refused; the others were kept\n"


def test_one_bad_request_does_not_stop_the_others(create, run):
    found = create([order("1"), order("2", case_id=...), order("3")], "--json")
    assert (found.code, [one["status"] for one in found.json()]) == (2, ["received", "bad request", "received"])
    queued = run("orderline", "queue", *HERE, "--json").json()
    assert [one["unique_id"] for one in queued["orders"]] == ["1", "3"]


def test_the_same_again_is_no_error_and_other_content_is(create):
    assert create(order()).code == 0
    assert create(order(), "--json").json() == [WAITING]
    reused = create(order(case_id="561"), "--json")
    assert (reused.code, reused.json()[0]["reason"]) == (2, "unique_id reused with other content")


@pytest.mark.parametrize("source", [(), ("-",), ("--file", "-")])
def test_standard_input_is_read_when_it_is_no_terminal(run, typed, source):
    typed(raw(order()) + b"\n" + raw(order("8")) + b"\n")
    result = run("orderline", "create", *source, "--json")
    assert (result.code, result.err) == (0, "")
    assert [one["unique_id"] for one in result.json()] == ["0007", "8"]


def test_at_a_terminal_it_does_not_wait_for_nobody_unless_it_is_told_to(run, typed, home):
    typed(raw(order()), terminal=True)
    result = run("orderline", "create")
    assert (result.code, "standard input is a terminal" in result.err) == (2, True)
    assert not (home / "var" / "integrator.db").exists()
    typed(raw(order()), terminal=True)
    told = run("orderline", "create", "-")
    assert (told.code, told.err) == (0, "orders as JSON, then Ctrl-D:\n")


@pytest.mark.parametrize("words", [[json.dumps(SENT)], json.dumps(SENT).split(), ["-", "x"], [SECRET, "--file", "x"]])
def test_orders_on_the_command_line_are_refused_and_not_repeated(run, typed, home, words):
    typed(raw(order()))
    result = run("orderline", "create", *words)
    assert (result.code, result.out) == (2, "")
    assert "never from the command line" in result.err
    assert SECRET not in result.err
    assert not (home / "var" / "integrator.db").exists()


def test_a_login_cannot_be_an_option(run, typed):
    typed(raw(order()))
    result = run("orderline", "create", "--password", SECRET)
    assert (result.code, SECRET in result.err) == (2, False)


@pytest.mark.parametrize("name", ["nothing-here.json", ".", "a\0b", ""])
def test_a_file_that_cannot_be_read_is_a_usage_error(run, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    result = run("orderline", "create", "--file", name)
    assert (result.code, result.out) == (2, "")
    assert "integrator: orderline create: " in result.err


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", raw(SENT)[:-2] + b",}"])
def test_what_is_no_order_is_a_bad_request(create, body):
    result = create(body, "--json")
    assert result.code == 2
    assert (result.json()[0]["unique_id"], result.json()[0]["status"]) == (None, "bad request")
    assert SECRET not in result.out


def test_of_a_bad_request_is_shown_what_could_be_read(create, run):
    assert create(order("9", product_amount="1.234,5")).code == 2
    [bad] = run("orderline", "queue", *HERE, "--type", "error", "--json").json()["orders"]
    assert (bad["status"], bad["case_id"], bad["product_nr"], bad["product_amount"]) == (
        *("bad request", "560", "0005"),
        None,
    )
    assert create(order("9")).code == 0  # mended, it takes its place


def test_an_empty_list_is_nothing_to_do(create):
    assert (create([]).code, create([]).out) == (0, "no order in it\n")
    assert create([], "--json").json() == []


def test_orders_come_in_while_runs_go_on(create, home):
    with (
        lock.hold(home / "var" / "locks", "push-orderline", since=datetime.now(UTC)),
        lock.hold(home / "var" / "locks", lock.name_of("push-orderline", W), since=datetime.now(UTC)),
    ):
        assert create(order()).code == 0
        with opened(home) as db:
            begin(db)
            db.conn.execute("BEGIN")  # somebody reads
            db.all("SELECT * FROM orderlines")
            db.conn.execute("COMMIT")
            assert create(order("8")).code == 0


def test_the_log_knows_of_a_login_only_that_it_was_there(create, home):
    create(SENT | {"farve": SECRET, f"{SECRET} x": 1})
    create(order("8", case_id=...))
    log = (home / "var" / "log" / "integrator.log").read_text(encoding="ascii")
    first, second = [json.loads(line) for line in log.splitlines()]
    assert first.pop("at")
    assert first == {
        "command": "orderline create",
        "exit_code": 0,
        "counts": {"new": 1},
        "credentials_in_payload": True,
        "ignored": ["farve", "?"],
    }
    assert (second["counts"], second["exit_code"]) == ({"bad request": 1}, 2)
    assert not {"credentials_in_payload", "ignored"} & second.keys()


def test_a_login_in_an_order_is_found_nowhere_afterwards(create, run, home):
    results = [
        create([SENT, SENT | {"unique_id": "8", "product_amount": SECRET}, SENT | {"workshop": SECRET}]),
        create(raw(SENT)[:-2], "--json"),
        *(run("orderline", "queue", *HERE, "--type", kind, *more) for kind in desk.KINDS for more in ((), ("--json",))),
        run("orderline", "status", *HERE, "8", "--detail", "--json"),
        run("orderline", "clear", *HERE, "--type", "task", "--yes", "--json"),
    ]
    for result in results:
        assert SECRET not in result.out + result.err
        assert "benny@" not in result.out + result.err
    for _, _, content in files_of(home).values():
        assert SECRET.encode() not in content
        assert b"benny@" not in content


_WORKER = """
import sys
import time
from integrator.cli import main
sys.stdin.readline()
for _ in range(int(sys.argv.pop())):
    try:
        main()
    except SystemExit as ended:
        assert ended.code == 0, ended.code
"""


def test_one_order_fifty_times_by_eight_processes_at_once_is_one_row(home, tmp_path):
    (tmp_path / "order.json").write_bytes(raw(SENT))
    command = [sys.executable, "-c", _WORKER, "orderline", "create", "--file", str(tmp_path / "order.json"), "--json"]
    environ = {"INTEGRATOR_HOME": str(home), "PATH": os.environ["PATH"]}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    times = [7, 7, 6, 6, 6, 6, 6, 6]
    started = [subprocess.Popen([*command, str(number)], env=environ, **pipes) for number in times]
    for process in started:
        process.stdin.write("go\n")
        process.stdin.flush()
    told = []
    for process in started:
        out, err = process.communicate(timeout=300)
        assert (process.returncode, err) == (0, "")
        told.append(out.count('"status": "received"'))
    assert told == times
    with opened(home) as db:
        assert rows(db, "orderlines", "workshop, unique_id") == [(W, "0007")]
        assert rows(db, "outbox", "key, state") == [(f"{W}/0007", "received")]
        assert rows(db, "orderline_events", "what") == [("received",)]


# status -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [W, "Bennys Auto", "bennys AUTO"])
def test_a_status_is_three_facts(create, run, name):
    create(order())
    result = run("orderline", "status", "--workshop", name, "0007", "--json")
    assert (result.code, result.json()) == (0, WAITING)
    assert run("orderline", "status", "--workshop", name, "0007").out == "bennys-auto/0007: received\n"


@pytest.mark.parametrize("unique_id", ["7", "00071", "../x", "0007 "])
def test_an_unknown_id_is_not_found(create, run, unique_id):
    without_store = run("orderline", "status", *HERE, unique_id)
    assert (without_store.code, "→ the first order makes it: integrator orderline create" in without_store.err) == (
        4,
        True,
    )
    create(order())
    result = run("orderline", "status", *HERE, unique_id, "--json")
    assert (result.code, result.json()["exit_code"]) == (4, 4)
    assert "integrator orderline queue --workshop bennys-auto" in result.json()["hint"]


@pytest.mark.parametrize("arguments", [HERE, ("0007",)])
def test_a_status_needs_a_workshop_and_an_id(run, arguments):
    assert run("orderline", "status", *arguments).code == 2


def test_the_details_say_how_far_it_got_and_why_it_waits(create, run, home, clock):
    clock("2026-11-18 11:00")
    create(order())
    with opened(home) as db:
        begin(db, phase="half")
        with db.tx():
            Orderlines(db).evidence(f"{W}/0007", "2026-11-18/bennys-auto-0007", at=AT)
        deliver(db, InDoubt("the page went away", code="slow"))
    told = run("orderline", "status", *HERE, "0007", "--detail", "--json").json()
    assert (told["reason"], told["status"], told["phase"]) == ("afklares", "processing", "doubt")
    assert (told["reason_code"], told["attempts"], told["next_try_at"]) == ("doubt", 1, None)
    assert told["last_error"].endswith("the page went away")
    assert (told["line_ref"], told["evidence"]) == ("line-4", "var/evidence/2026-11-18/bennys-auto-0007")
    assert (told["case_id"], told["product_amount"], told["confidence"]) == ("560", "5.5", None)
    assert (told["received_at"], told["armed_at"]) == ("2026-11-18T11:00:00Z", "2026-11-18T11:06:40Z")
    assert [event["what"] for event in told["events"]] == [
        *("received", "claimed", "armed", "half", "evidence", "doubt")
    ]
    assert told["events"][1] == {"at": "2026-11-18T11:06:40Z", "run": 4, "what": "claimed", "detail": None}
    shown = run("orderline", "status", *HERE, "0007", "--detail").out
    assert shown.startswith("bennys-auto/0007: processing: afklares\n")
    assert "var/evidence/2026-11-18/bennys-auto-0007" in shown
    assert "2026-11-18 12:06  half: line line-4 (run 4)" in shown


def test_the_details_of_one_that_waits_say_until_when(create, run, home):
    create(order())
    with opened(home) as db:
        deliver(db, Unavailable("spinner", code="slow"), at=4_000_000_000)
    told = run("orderline", "status", *HERE, "0007", "--detail", "--json").json()
    assert (told["status"], told["reason"]) == ("received", "ERP svarer langsomt")
    assert told["next_try_at"] == "2096-10-02T07:07:40Z"


def test_a_blocked_workshop_is_the_reason_of_what_waits(create, run, home):
    create(order())
    with opened(home) as db, db.tx():
        Workshops(db).block([W], "login-refused", at=AT)
    assert run("orderline", "status", *HERE, "0007", "--json").json()["reason"] == "login afvist"
    assert run("orderline", "queue", *HERE, "--json").json()["orders"][0]["reason"] == "login afvist"


# queue ------------------------------------------------------------------------------------------------


def test_a_queue_names_its_workshop_and_its_length(create, run, home):
    empty = run("orderline", "queue", *HERE, "--json")
    assert (empty.code, empty.json()) == (0, {"workshop": W, "type": "task", "length": 0, "orders": []})
    create([SENT, order("8"), order("9", case_id=...)])
    with opened(home) as db:
        begin(db)
    told = run("orderline", "queue", "--workshop", "Bennys Auto", "--json").json()
    assert (told["workshop"], told["length"]) == (W, 2)
    assert [(one["unique_id"], one["status"], one["attempts"]) for one in told["orders"]] == [
        ("0007", "processing", 1),
        ("8", "received", 0),
    ]
    assert (told["orders"][0]["case_id"], told["orders"][0]["product_amount"]) == ("560", "5.5")
    assert not any("password" in name or "username" in name for one in told["orders"] for name in one)
    [bad] = run("orderline", "queue", *HERE, "--type", "error", "--json").json()["orders"]
    assert (bad["unique_id"], bad["status"], bad["reason"]) == ("9", "bad request", "case_id: missing")
    shown = run("orderline", "queue", *HERE).out
    assert "0007" in shown
    assert "5.5" in shown
    assert run("orderline", "queue", "--workshop", "karls-biler").out == "karls-biler: no order waits\n"


@pytest.mark.parametrize("command", ["queue", "clear"])
@pytest.mark.parametrize("kind", ["tasks", "", "TASK", "all"])
def test_there_are_two_queues(run, command, kind):
    result = run("orderline", command, *HERE, "--type", kind)
    assert (result.code, "expected task or error" in result.err) == (2, True)


def test_looking_writes_nothing(create, run, home):
    create([order(), order("8", case_id=...)])
    before = files_of(home)
    for kind in desk.KINDS:
        assert run("orderline", "queue", *HERE, "--type", kind).code == 0
    assert run("orderline", "status", *HERE, "0007", "--detail").code == 0
    assert files_of(home) == before


def test_looking_makes_no_store(run, home):
    before = files_of(home)
    assert run("orderline", "queue", *HERE).code == 0
    assert run("orderline", "status", *HERE, "0007").code == 4
    assert run("orderline", "clear", *HERE, "--type", "task", "--yes").code == 0
    assert files_of(home) == before


# a workshop ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "command",
    [
        ("create", "--file", "/dev/null"),
        ("status", "0007"),
        ("queue",),
        ("clear", "--type", "task", "--yes"),
        ("retry", "0007"),
        ("resolve", "0007", "--as", "failed", "--note", "x"),
    ],
    ids=lambda command: command[0],
)
def test_an_unknown_workshop_is_not_found_and_the_known_ones_are_named(run, home, command):
    result = run("orderline", *command, "--workshop", "nowhere")
    assert (result.code, result.out) == (4, "")
    assert UNKNOWN in result.err
    (home / "config" / "workshops.toml").unlink()
    none = run("orderline", *command, "--workshop", W)
    assert (none.code, "there are none" in none.err, "config/workshops.toml" in none.err) == (4, True, True)


# clear ------------------------------------------------------------------------------------------------


def test_what_waits_is_cleared_and_what_is_under_way_is_completed(create, run, home):
    create([order("1"), order("2"), order("3"), order("2", workshop="karls-biler")])
    with opened(home) as db:
        begin(db, "2", phase="armed")
        tell_all(db)
    result = run("orderline", "clear", *HERE, "--type", "task", "--yes", "--json")
    assert (result.code, result.json()) == (0, {"workshop": W, "type": "task", "count": 2, "ids": ["1", "3"]})
    with opened(home) as db:
        assert untold(db) == ["1", "3"]
        told = {found["unique_id"]: found["status"] for found in Orderlines(db).every(W)}
        assert told == {"1": "failed", "2": "processing", "3": "failed"}
        assert [event["what"] for event in Orderlines(db).events(row(db, "1")["id"])] == ["received", "cleared"]
        deliver(db, Done("line-1"))
        assert row(db, "2")["status"] == "completed"
    status = run("orderline", "status", *HERE, "1", "--json").json()
    assert status == {"reason": "fjernet fra køen", "status": "failed", "unique_id": "1"}


def test_errors_are_archived_and_still_answer(create, run, home):
    create([order("1"), order("2")])
    with opened(home) as db:
        fail(db)
    create([order("3", case_id=...), order("4")])
    result = run("orderline", "clear", *HERE, "--type", "error", "--yes")
    assert (result.code, result.out) == (0, "bennys-auto: 3 archived: 1, 2, 3\n")
    assert run("orderline", "queue", *HERE, "--type", "error", "--json").json()["length"] == 0
    assert run("orderline", "status", *HERE, "1", "--json").json()["reason"] == "sag lukket"
    assert run("orderline", "status", *HERE, "3", "--json").json()["status"] == "bad request"
    assert run("orderline", "clear", *HERE, "--type", "error", "--yes").out == "bennys-auto: 0 archived\n"
    assert run("orderline", "queue", *HERE, "--json").json()["length"] == 1


def test_what_a_person_cleared_is_in_no_list_and_can_be_brought_back(create, run):
    create(order())
    run("orderline", "clear", *HERE, "--type", "task", "--yes")
    for kind in desk.KINDS:
        assert run("orderline", "queue", *HERE, "--type", kind, "--json").json()["length"] == 0
    assert run("orderline", "status", *HERE, "0007", "--json").json()["reason"] == "fjernet fra køen"
    assert run("orderline", "retry", *HERE, "0007").out == "bennys-auto/0007: received\n"
    assert run("orderline", "queue", *HERE, "--json").json()["length"] == 1


def states(db):
    return {found["unique_id"]: found["status"] for found in Orderlines(db).every(W)}


def test_of_orders_that_are_named_only_these_are_cleared(create, run, home):
    create([order("1"), order("2")])
    with opened(home) as db:
        fail(db)
    create([order("3", case_id=...), order("wa1", product_amount="500"), order("5"), order("6")])
    create(order("wa1", workshop="karls-biler"))
    result = run("orderline", "clear", *HERE, "wa1")
    assert (result.code, result.out, result.err) == (0, "bennys-auto: 1 cleared: wa1\n", "")
    told = run("orderline", "clear", *HERE, "3", "5", "2", "5", "--json").json()
    assert told == {"workshop": W, "count": 3, "cleared": ["5"], "archived": ["3", "2"]}
    with opened(home) as db:
        there = states(db)
        assert [there[one] for one in ("1", "2", "3")] == ["failed", "failed", "bad request"]
        assert [there[one] for one in ("wa1", "5", "6")] == ["failed", "failed", "received"]
        assert [event["what"] for event in Orderlines(db).events(row(db, "wa1")["id"])] == ["received", "cleared"]
        assert row(db, "wa1")["last_error"] == "cleared by a person"
    queued = {kind: run("orderline", "queue", *HERE, "--type", kind, "--json").json() for kind in desk.KINDS}
    assert {kind: [one["unique_id"] for one in told["orders"]] for kind, told in queued.items()} == {
        "task": ["6"],
        "error": ["1"],
    }
    status = run("orderline", "status", *HERE, "wa1", "--json").json()
    assert status == {"reason": "fjernet fra køen", "status": "failed", "unique_id": "wa1"}


def restored(db, unique_id):
    """As a restore leaves what waited: it may have been written since."""
    key = f"{W}/{unique_id}"
    db.write("UPDATE outbox SET state = 'processing', sent_at = ?1, uncertain_since = ?1 WHERE key = ?2", (AT, key))


@pytest.mark.parametrize(
    ("bring", "said"),
    [
        (lambda db: begin(db, "8"), "8 is under way: a run has begun with it"),
        (lambda db: begin(db, "8", phase="armed"), "8 may be on case 560 already: runs look there first"),
        (lambda db: restored(db, "8"), "8 may be on case 560 already: runs look there first"),
        (lambda db: deliver(db, Done("line-1")), "8 is completed: its line is on case 560"),
    ],
    ids=["claimed", "armed", "restored", "completed"],
)
def test_one_that_cannot_be_cleared_holds_back_all_that_are_named_with_it(create, run, home, bring, said):
    create(order("8"))
    with opened(home) as db:
        bring(db)
    create([order("7"), order("9")])
    with opened(home) as db:
        before = [rows(db, table) for table in ("orderlines", "outbox", "orderline_events")]
    result = run("orderline", "clear", *HERE, "7", "8", "9")
    assert (result.code, result.out) == (2, "")
    assert f"orderline clear: bennys-auto: {said}; nothing was cleared\n" in result.err
    assert "→ integrator explain bennys-auto/8\n" in result.err
    unknown = run("orderline", "clear", *HERE, "7", "nobody")
    assert (unknown.code, "has no orderline nobody" in unknown.err) == (4, True)
    with opened(home) as db:
        assert [rows(db, table) for table in ("orderlines", "outbox", "orderline_events")] == before


def test_a_run_that_has_read_what_is_due_does_not_begin_with_one_that_was_cleared_since(create, run, home):
    create([order("7"), order("8")])
    with opened(home) as db:
        outbox = Outbox(db, clock=lambda: AT)
        due = outbox.due(EFFECT)
        assert run("orderline", "clear", *HERE, "7").code == 0
        assert [message.key for message in outbox.begin(due)] == [f"{W}/8"]
    assert run("orderline", "clear", *HERE, "8").code == 2


def test_no_run_can_begin_with_one_between_the_look_at_it_and_its_clearing(create, home):
    create(order())
    with opened(home) as db, closing(connect(home / "var" / "integrator.db", patience_s=0)) as other:

        def clock():
            with pytest.raises(OperationalError, match="locked"):
                begin(other)
            return AT

        told = desk.clear_these(db, W, ["0007"], clock=clock)
        assert (told, row(db)["status"]) == ({"cleared": ["0007"], "archived": []}, "failed")


@pytest.mark.parametrize(
    ("words", "said"), [((), "say which: their ids"), (("0007", "--type", "task", "--yes"), "either some orders")]
)
def test_either_some_orders_are_cleared_or_all_of_a_queue(create, run, home, words, said):
    create(order())
    result = run("orderline", "clear", *HERE, *words)
    assert (result.code, result.out, said in result.err) == (2, "", True)
    with opened(home) as db:
        assert states(db) == {"0007": "received"}


def test_who_wants_to_stop_one_that_waits_is_told_how(create, run):
    create(order())
    for verb in (("retry",), ("resolve", "--as", "failed", "--note", "x")):
        result = run("orderline", *verb, *HERE, "0007")
        assert f"→ is it wrong? integrator orderline clear --workshop {W} 0007\n" in result.err


@pytest.mark.parametrize(("ids", "orders"), [(("1",), "1 order"), (("1", "2"), "2 orders")])
def test_how_many_are_cleared_is_asked_in_words(create, run, typed, ids, orders):
    create([order(one) for one in ids])
    typed(b"n\n", terminal=True)
    assert f": clear {orders} of those that wait? " in run("orderline", "clear", *HERE, "--type", "task").err


def test_without_a_terminal_nobody_can_be_asked(create, run, typed, home):
    create(order())
    before = files_of(home)
    typed(b"y\n")
    result = run("orderline", "clear", *HERE, "--type", "task")
    assert (result.code, result.out) == (2, "")
    assert "without a terminal say --yes; nothing was changed" in result.err
    assert files_of(home) == before


@pytest.mark.parametrize(("answer", "cleared"), [(b"y\n", 1), (b"Ja\n", 1), (b"n\n", 0), (b"\n", 0), (b"", 0)])
def test_a_person_is_asked(create, run, typed, answer, cleared):
    create(order())
    typed(answer, terminal=True)
    result = run("orderline", "clear", *HERE, "--type", "task", "--json")
    assert (result.code, result.json()["count"]) == (0, cleared)
    assert result.err == "bennys-auto: clear 1 order of those that wait? [y/N] "


def test_cleared_while_another_process_begins_it_is_one_or_the_other(create, run, home):
    """The message was read as due, then cleared: a run does not begin it."""
    create(order())
    with opened(home) as db:
        from integrator.domain.orderlines.order import EFFECT
        from integrator.runtime.outbox import Outbox

        outbox = Outbox(db, clock=lambda: AT)
        due = outbox.due(EFFECT)
        assert run("orderline", "clear", *HERE, "--type", "task", "--yes").code == 0
        assert outbox.begin(due) == []


# retry ------------------------------------------------------------------------------------------------


def failed(home, answer):
    """What waits has failed so, and OilMat knows."""
    with opened(home) as db:
        deliver(db, answer)
        tell_all(db)


def test_a_failed_one_begins_anew_and_oilmat_hears_of_it(create, run, home):
    create(order())
    with opened(home) as db:
        fail(db)
        with db.tx():
            Orderlines(db).archive(W, ["0007"], at=AT)
        tell_all(db)
    result = run("orderline", "retry", *HERE, "0007", "--json")
    assert (result.code, result.json()) == (0, WAITING)
    with opened(home) as db:
        found = row(db)
        assert (found["attempts"], found["next_at"], found["reason_code"], found["archived_at"]) == (0, 0, None, None)
        assert untold(db) == ["0007"]
        deliver(db, Done("line-1"))
        assert row(db)["status"] == "completed"


def test_a_cleared_one_can_be_brought_back(create, run):
    create(order())
    run("orderline", "clear", *HERE, "--type", "task", "--yes")
    assert run("orderline", "retry", *HERE, "0007").out == "bennys-auto/0007: received\n"


def test_where_nobody_can_tell_a_person_has_to_look_first(create, run, home):
    create(order())
    failed(home, Conflict("two lines bear its id", code="manual-check"))
    before = files_of(home)
    result = run("orderline", "retry", *HERE, "0007")
    assert (result.code, result.out) == (2, "")
    assert "look there and say what you see" in result.err
    assert f"integrator orderline resolve --workshop {W} 0007 --as completed --note TEXT" in result.err
    assert files_of(home).keys() == before.keys()
    assert run("orderline", "status", *HERE, "0007", "--json").json()["status"] == "failed"


def test_one_that_failed_out_of_a_doubt_is_looked_for_first_with_what_was_seen_before(create, run, home):
    create(order())
    with opened(home) as db:
        begin(db, phase="half")
        deliver(db, InDoubt("the page went away", code="slow"))
        deliver(db, Conflict("line 4 bears its id with another amount", code="line-conflict"))
        assert row(db)["status"] == "failed"
    result = run("orderline", "retry", *HERE, "0007", "--json")
    assert (result.code, result.json()["status"], result.json()["reason"]) == (0, "processing", "afklares")
    with opened(home) as db:
        found = row(db)
        assert (found["phase"], found["line_ref"], found["uncertain_since"] is not None) == ("doubt", "line-4", True)
        assert found["baseline"] is not None


@pytest.mark.parametrize(
    ("bring", "said"),
    [
        (lambda db: None, "is waiting already"),
        (begin, "is under way or in doubt"),
        (lambda db: deliver(db, Done("line-1")), "is completed"),
    ],
)
@pytest.mark.parametrize("verb", [("retry",), ("resolve", "--as", "failed", "--note", "x")])
def test_only_what_has_failed_can_be_brought_back_or_settled(create, run, home, verb, bring, said):
    create(order())
    with opened(home) as db:
        bring(db)
        before = [rows(db, table) for table in ("orderlines", "outbox", "orderline_events")]
    result = run("orderline", *verb, *HERE, "0007")
    assert (result.code, said in result.err) == (2, True)
    with opened(home) as db:
        assert [rows(db, table) for table in ("orderlines", "outbox", "orderline_events")] == before


def test_a_bad_request_has_nothing_to_be_repeated_and_an_unknown_one_is_not_found(create, run):
    create(order(case_id=...))
    assert "sent anew and mended" in run("orderline", "retry", *HERE, "0007").err
    assert run("orderline", "retry", *HERE, "7").code == 4
    assert run("orderline", "resolve", *HERE, "7", "--as", "failed", "--note", "x").code == 4


# resolve ----------------------------------------------------------------------------------------------


def resolve(run, fate, note="linje 3, 5,5 l", *more):
    return run("orderline", "resolve", *HERE, "0007", "--as", fate, "--note", note, *more)


@pytest.mark.parametrize(
    ("fate", "status", "reason", "confidence"),
    [("completed", "completed", "", "a person"), ("failed", "failed", "afgjort af en person", None)],
)
def test_a_person_says_what_stands_on_the_case(create, run, home, fate, status, reason, confidence):
    create(order())
    failed(home, Conflict("two lines bear its id", code="manual-check"))
    result = resolve(run, fate, "linje 3, 5,5 l", "--json")
    assert (result.code, result.json()) == (0, {"reason": reason, "status": status, "unique_id": "0007"})
    with opened(home) as db:
        found = row(db)
        assert (found["confidence"], found["uncertain_since"]) == (confidence, None)
        assert untold(db) == ["0007"]
        noted = {event["what"]: event["detail"] for event in Orderlines(db).events(found["id"])}
        assert noted["resolved"] == "linje 3, 5,5 l"
    retried = run("orderline", "retry", *HERE, "0007")
    assert retried.code == (2 if fate == "completed" else 0)


def test_a_doubt_that_was_given_up_can_be_settled(create, run, home):
    create(order())
    with opened(home) as db:
        begin(db, phase="armed")
        deliver(db, InDoubt("the page went away", code="slow"))
        deliver(db, Conflict("line 4 bears its id with another amount", code="line-conflict"))
    assert resolve(run, "completed").out == "bennys-auto/0007: completed\n"


def close(home, how, lease_s=0):
    """In doubt, and its workshop is not worked for any more. lease_s: a run of another machine is still at it."""
    with opened(home) as db:
        begin(db, phase="armed")
        with db.tx():
            held = ("elsewhere 1 1", int(time.time()) + lease_s)
            db.write("UPDATE orderlines SET lease_owner = ?, lease_until = ?", held)
            if how == "off":
                Workshops(db).set_active(W, False, at=AT)
            else:
                Workshops(db).block([W], how, at=AT)


@pytest.mark.parametrize("how", ["off", "login-refused"])
@pytest.mark.parametrize(("fate", "reason"), [("completed", ""), ("failed", "afgjort af en person")])
def test_a_doubt_of_a_workshop_that_no_run_works_for_can_be_settled(create, run, home, how, fate, reason):
    create(order())
    close(home, how)
    assert resolve(run, fate, "x", "--json").json() == {"reason": reason, "status": fate, "unique_id": "0007"}


def test_a_doubt_that_a_run_is_still_at_is_left_to_it(create, run, home):
    create(order())
    close(home, "off", lease_s=200)
    assert (resolve(run, "completed").code, run("orderline", "status", *HERE, "0007").out[-11:]) == (2, "processing\n")


def test_a_line_that_was_counted_is_not_to_be_compared_any_more_once_a_person_has_seen_it(create, run, home):
    create(order())
    with opened(home) as db:
        deliver(db, Done("line-1"))
        db.write("UPDATE orderlines SET confidence = 'by count'")
    assert resolve(run, "failed").code == 2
    assert resolve(run, "completed", "linje 3").out == "bennys-auto/0007: completed\n"
    with opened(home) as db:
        assert (Orderlines(db).by_count(W), row(db)["confidence"], row(db)["line_ref"]) == ([], "a person", "line-1")


def test_an_id_that_begins_with_a_hyphen_is_an_id(create, run, home):
    """OilMat may send it, and what health and explain say to type has to do."""
    create([order("-7"), order("--yes")])
    assert run("orderline", "status", *HERE, "-7").out == "bennys-auto/-7: received\n"
    with opened(home) as db:
        fail(db, "manual-check")
    said = ("--as", "completed", "--note", "x", "--json")
    assert run("orderline", "resolve", *HERE, "-7", *said).json()["unique_id"] == "-7"
    assert run("orderline", "resolve", *HERE, "--yes", *said).code == 0
    assert run("orderline", "clear", *HERE, "--yess", "0007").code == 4


def test_what_is_known_to_have_no_line_needs_no_person(create, run, home):
    create(order())
    with opened(home) as db:
        fail(db)
    result = resolve(run, "completed")
    assert (result.code, "no line of it is there as far as could be read (case-closed)" in result.err) == (2, True)
    assert f"integrator orderline retry --workshop {W} 0007" in result.err
    assert run("orderline", "status", *HERE, "0007", "--json").json()["status"] == "failed"


@pytest.mark.parametrize(
    ("fate", "status", "reason"),
    [("completed", "completed", ""), ("failed", "failed", "afgjort af en person")],
)
def test_a_line_that_differs_is_settled_by_a_person_also_when_it_was_seen_before_anything_was_touched(
    create, run, home, fate, status, reason
):
    create(order())
    failed(home, Rejected("line 91 bears its id with another product or amount", code="line-conflict"))
    result = resolve(run, fate, "as agreed", "--json")
    assert (result.code, result.json()) == (0, {"reason": reason, "status": status, "unique_id": "0007"})


@pytest.mark.parametrize(
    ("settle", "said"),
    [
        (("clear", "--type", "task", "--yes"), "it was taken out of the queue, and no line of it is there"),
        (("resolve", "0007", "--as", "failed", "--note", "x"), "a person has said already that no line of it is there"),
    ],
    ids=lambda value: value[0],
)
def test_what_a_person_had_a_word_in_says_so_when_it_is_settled_again(create, run, home, settle, said):
    create(order())
    if settle[0] == "resolve":
        failed(home, Conflict("two lines bear its id", code="manual-check"))
    assert run("orderline", settle[0], *HERE, *settle[1:]).code == 0
    result = resolve(run, "completed")
    assert (result.code, f"{said}; it was left as it is" in result.err) == (2, True)
    assert f"integrator orderline retry --workshop {W} 0007" in result.err


@pytest.mark.parametrize("note", ["", "  ", "a\nb", "x" * 501])
def test_a_note_says_something(create, run, home, note):
    create(order())
    failed(home, Conflict("two lines bear its id", code="manual-check"))
    assert (resolve(run, "failed", note).code, resolve(run, "perhaps").code) == (2, 2)
    assert run("orderline", "status", *HERE, "0007", "--json").json()["reason"] == "kræver manuel kontrol"


def test_a_persons_word_is_kept_whole_or_not_at_all(create, run, home, monkeypatch):
    """The outbox and the orderline are written together: a disk that fails in between leaves both as they were."""
    from dying import failing

    create(order())
    failed(home, Conflict("two lines bear its id", code="manual-check"))
    for verb in (("clear", "--type", "task", "--yes"), ("resolve", "0007", "--as", "failed", "--note", "x")):
        create(order("8"))
        with opened(home) as db:
            before = [rows(db, table) for table in ("orderlines", "outbox", "orderline_events")]
        with failing("io", ["UPDATE orderlines"]):
            assert run("orderline", verb[0], *HERE, *verb[1:]).code == 70
        with opened(home) as db:
            assert [rows(db, table) for table in ("orderlines", "outbox", "orderline_events")] == before


def test_the_next_run_tells_what_a_person_did(create, run, home, monkeypatch):
    monkeypatch.setenv("BENNYS_PASSWORD", "x")
    create([order(), order("8"), order("9")])
    with opened(home) as db:
        fail(db, "manual-check")
    told = {}
    for step in (
        (),
        ("resolve", "0007", "--as", "completed", "--note", "x"),
        ("resolve", "8", "--as", "failed", "--note", "x"),
        ("retry", "8"),
        ("clear", "--type", "task", "--yes"),
    ):
        assert not step or run("orderline", step[0], *HERE, *step[1:]).code == 0
        with opened(home) as db, db.tx():
            Workshops(db).set_active(W, False, at=AT)  # no browser is started for the one that waits again
        assert run("push-orderline", *HERE).code == 5
        lines = (home / "var" / "status" / f"{W}.jsonl").read_text(encoding="utf-8").splitlines()
        told[step[0] if step else "before"] = [(one["status"], one["reason"]) for one in map(json.loads, lines)]
    manual, settled = ("failed", "kræver manuel kontrol"), ("failed", "afgjort af en person")
    assert told["before"] == [manual] * 3
    assert told["resolve"] == [("completed", ""), settled, manual]
    assert told["retry"] == [("completed", ""), ("received", ""), manual]
    assert told["clear"] == [("completed", ""), ("failed", "fjernet fra køen"), manual]
    with opened(home) as db:
        assert untold(db) == []


# the outbox keeps its hands off ---------------------------------------------------------------------------


@pytest.fixture
def cleared(create, run, home):
    """An orderline that a person took out of the queue; gives back the number of its message."""
    create(order())
    assert run("orderline", "clear", *HERE, "--type", "task", "--yes").code == 0
    with opened(home) as db:
        return row(db)["message_id"]


@pytest.mark.parametrize("command", [("retry",), ("drop",), ("retry", "--without-looking")], ids=" ".join)
def test_the_outbox_s_own_commands_leave_an_orderline_alone(run, home, cleared, command):
    result = run("outbox", *command, str(cleared))
    assert (result.code, "integrator orderline retry, clear or resolve" in result.err) == (2, True)
    with opened(home) as db:
        assert row(db)["status"] == "failed"


def test_all_failed_messages_are_those_of_others(run, home, cleared):
    assert "0 message(s) will be tried again" in run("outbox", "retry", "--all-failed").out
    with opened(home) as db:
        assert row(db)["status"] == "failed"


def test_a_restore_brings_no_orderline_back_that_a_person_took_out(run, home, cleared):
    assert run("store", "backup").code == 0
    [made] = [path for path in (home / "var" / "backups").iterdir() if path.suffix == ".db"]
    assert run("store", "restore", made.name).code == 0
    with opened(home) as db:
        assert (row(db)["status"], row(db)["uncertain_since"] is not None) == ("failed", True)
