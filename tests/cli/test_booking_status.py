"""`booking-status` and `update-booking-status` as an operator and cron type them."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import xlsxwriter
from operating import Run

from booking_outcomes import CLASS, LAST_DAY, NOW, TP, book, office, pdf, reference
from integrator.database import Database
from integrator.domain.portal import DOCUMENT, STATUS
from integrator.runtime.outbox import Outbox
from integrator.standins.trainingportal import PASSWORD, USERNAME
from integrator.store.booking_documents import BookingDocuments, key_of
from integrator.store.courses import PAPER, UNKNOWN_BOOKING, SetAside

B = reference("B")


@pytest.fixture(autouse=True)
def now(clock: Callable[[str], int]) -> None:
    assert clock("2027-03-10 09:00") == NOW


@pytest.fixture
def db(store: Database) -> Database:
    book(store)
    return store


def test_a_status_is_set_once(run: Run, db: Database) -> None:
    first = run("booking-status", "set", TP, "completed", "--on", "3.3.2027")
    assert (first.code, first.err) == (0, "")
    assert first.out == f"{TP}: COMPLETED on {LAST_DAY}; update-booking-status tells it\n"
    again = run("booking-status", "set", TP, "COMPLETED", "--on", LAST_DAY, "--json")
    assert json.loads(again.out) == {
        "reference": TP,
        "status": "COMPLETED",
        "completed_on": LAST_DAY,
        "version": 1,
        "changed": False,
        "again": False,
    }
    assert "nothing was changed" in run("booking-status", "set", TP, "COMPLETED", "--on", LAST_DAY).out
    [message] = Outbox(db, clock=lambda: NOW).every_due(STATUS)
    assert message.body == {"reference": TP, "status": "COMPLETED", "completed_on": LAST_DAY, "version": 1}


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ((TP, "COMPLETED"), 2, "COMPLETED needs the date of the completion\n  → such as: --on 2026-11-20"),
        ((TP, "PASSED"), 2, '"PASSED" is taken as COMPLETED (one of NEW, NO_SHOW, FAILED, COMPLETED is expected;'),
        ((TP, "COMPLETED", "--on", "2027-03-11"), 2, "still to come"),
        ((TP, "NO_SHOW", "--on", LAST_DAY), 2, "takes no date"),
        ((TP, "DONE"), 2, 'unknown status "DONE": one of NEW, NO_SHOW, FAILED, COMPLETED is expected'),
        ((TP, "DONE"), 2, "in lists also gennemført, bestået (COMPLETED), udeblevet"),
        ((TP, "COMPLETED", "--on", "03/03/27"), 2, "write the year with four digits"),
        (("TP-NONE", "NEW"), 4, "no booking of that reference"),
        ((B, "NEW"), 2, "is not confirmed by Trainingportal yet"),
    ],
)
def test_what_cannot_be_set_is_refused(
    run: Run, db: Database, arguments: tuple[str, ...], code: int, said: str
) -> None:
    book(db, B, state="reserved")
    result = run("booking-status", "set", *arguments)
    assert (result.code, result.out) == (code, "")
    assert said in result.err
    assert db.value("SELECT count(*) FROM booking_statuses") == 0


def test_a_list_is_taken(run: Run, db: Database, tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text(f"reference;status;dato\n{TP};bestået;03-03-2027\n", encoding="utf-8")
    result = run("booking-status", "import", file)
    assert (result.code, result.out, result.err) == (0, "1 row(s): 1 changed, 0 as they were\n", "")
    told = json.loads(run("booking-status", "import", file, "--json").out)
    assert told == {"taken": True, "rows": 1, "changed": 0, "unchanged": 1, "again": 0, "left_out": [], "bad": []}


def test_a_list_with_bad_rows_ends_with_2_and_partly_taken_with_3(run: Run, db: Database, tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text(f"reference;status;dato\n{TP};NEW;\nTP-X;NEW;\n{TP};;\n", encoding="utf-8")
    bad = "integrator: row 3: there is no booking of that reference\nintegrator: row 4: has no status\n"
    refused = run("booking-status", "import", file)
    assert (refused.code, refused.out) == (2, "")
    assert refused.err.startswith(bad)
    assert "2 of 3 row(s) are bad: nothing was taken" in refused.err
    partly = run("booking-status", "import", file, "--partial")
    assert (partly.code, partly.err) == (3, bad)
    assert partly.out == "3 row(s): 1 changed, 0 as they were, 2 bad and left out\n"
    told = run("booking-status", "import", file, "--json")
    assert (told.code, json.loads(told.out)["bad"][1]) == (2, {"sheet": None, "row": 4, "reason": "has no status"})
    assert run("booking-status", "import", tmp_path / "none.csv").code == 2


def test_the_same_again_is_told_once_more_when_telling_it_had_failed(run: Run, db: Database, tmp_path: Path) -> None:
    complete = ("booking-status", "set", TP, "COMPLETED", "--on", LAST_DAY)
    run(*complete)
    assert "nothing was changed" in run(*complete).out, "it waits"
    for end in ("", ", body = NULL"):
        db.write(f"UPDATE outbox SET state = 'failed', reason = 'no'{end}")
        assert "telling it had failed: update-booking-status tells it again" in run(*complete).out
        assert [tuple(row) for row in db.all("SELECT state, reason, attempts FROM outbox")] == [("received", None, 0)]
    db.write("UPDATE outbox SET state = 'failed'")
    file = tmp_path / "list.csv"
    file.write_text(f"reference;status;dato\n{TP};COMPLETED;{LAST_DAY}\n", encoding="utf-8")
    result = run("booking-status", "import", file)
    assert result.out == "1 row(s): 0 changed, 1 as they were (1 told again: that had failed)\n"
    [message] = Outbox(db, clock=lambda: NOW).every_due(STATUS)
    assert (message.body["status"], message.body["version"]) == ("COMPLETED", 4)
    assert [row["version"] for row in db.all("SELECT version FROM booking_statuses")] == [4]


@pytest.mark.parametrize("known", [False, True])
def test_completed_before_the_class_begins_needs_a_word_more(
    run: Run, db: Database, tmp_path: Path, known: bool
) -> None:
    first = "2027-03-02" if known else "2027-03-01"
    if known:  # it was moved after the student booked
        db.write(
            "INSERT INTO courses (id, main_id, title, days, status, trainers, fingerprint, first_seen_at, changed_at,"
            " start) VALUES (?, '25172', 't', '[]', 'open', '[]', x'', 1, 1, ?)",
            (CLASS, f"{first}T09:00:00+01:00"),
        )
    early = "2027-03-01" if known else "2027-02-28"
    refused = run("booking-status", "set", TP, "COMPLETED", "--on", early)
    assert refused.code == 2
    assert f"its class begins on {first}: COMPLETED before that is taken only with --anyway" in refused.err
    file = tmp_path / "list.csv"
    file.write_text(f"reference;status;dato\n{TP};COMPLETED;{early}\n", encoding="utf-8")
    listed = run("booking-status", "import", file)
    assert listed.code == 2
    assert f"row 2: its class begins on {first}" in listed.err
    assert db.value("SELECT count(*) FROM booking_statuses") == 0
    assert run("booking-status", "import", file, "--anyway").code == 0
    run("booking-status", "set", TP, "NEW")
    assert run("booking-status", "set", TP, "COMPLETED", "--on", early, "--anyway").code == 0
    run("booking-status", "set", TP, "NEW")
    assert run("booking-status", "set", TP, "COMPLETED", "--on", first).code == 0, "its first day is late enough"


@pytest.mark.parametrize("status", ["NO_SHOW", "FAILED"])
def test_nobody_misses_or_fails_a_class_before_its_first_day(
    run: Run, db: Database, tmp_path: Path, clock: Callable[[str], int], status: str
) -> None:
    clock("2027-02-28 22:59")  # an hour less than in Copenhagen
    refused = run("booking-status", "set", TP, status)
    assert refused.code == 2
    assert f"its class begins on 2027-03-01: {status} before that is taken only with --anyway" in refused.err
    file = tmp_path / "list.csv"
    file.write_text(f"reference;status\n{TP};{status}\n", encoding="utf-8")
    listed = run("booking-status", "import", file)
    assert (listed.code, "row 2: its class begins on 2027-03-01" in listed.err) == (2, True)
    assert db.value("SELECT count(*) FROM booking_statuses") == 0
    assert run("booking-status", "set", TP, "NEW").code == 0
    assert run("booking-status", "import", file, "--anyway").code == 0
    run("booking-status", "set", TP, "NEW")
    clock("2027-02-28 23:00")
    assert run("booking-status", "set", TP, status).code == 0, "its first day has begun"


def test_a_booking_is_named_as_explain_takes_it(run: Run, db: Database) -> None:
    theirs = "8b0c0592_da16_a979_b2c4_371eea9ffdd9"
    order = db.value("SELECT order_id FROM bookings")
    db.write("UPDATE bookings SET portal_reference = ?", (theirs,))
    names = (theirs, theirs.upper(), str(order), f"ILI-{order}-1", f"order:{order}", f"trainingportal.status {TP}")
    for name, status in zip(names, ("NEW", "FAILED") * 3, strict=True):
        assert run("booking-status", "set", name, status).out.startswith(f"{TP}: {status}; "), name
        assert run("booking-status", "show", name).out.startswith(f"{TP}: "), name
        assert f"booking {TP}" in run("explain", name).out, name
    for name in names[:3]:
        db.write("UPDATE bookings SET task = 'cancel_in_maconomy'")
        assert run("booking-status", "settle", name).out == f"{TP}: settled\n"
    book(db, B)
    db.write("UPDATE bookings SET portal_reference = ?", (theirs,))
    several = run("booking-status", "set", theirs, "NEW")
    assert (several.code, f"names 2 bookings: {TP}, {B}" in several.err) == (2, True)


def test_the_list_has_every_booking_with_its_state(run: Run, db: Database) -> None:
    states = {B: "reserved", reference("C"): "unseen", reference("D"): "cancelled"}
    for one, state in states.items():
        book(db, one, state=state)
    table = run("booking-status", "list").out
    for one, state in states.items() | {(TP, "confirmed")}:
        assert any(one in line and state in line for line in table.splitlines()), one
        only = json.loads(run("booking-status", "list", "--state", state, "--json").out)
        assert [(row["reference"], row["booking"]) for row in only] == [(one, state)]
    assert "the newest 2 of 4; more: --limit 4" in run("booking-status", "list", "--limit", "2").out
    refused = run("booking-status", "list", "--state", "gone")
    assert (refused.code, "expected one of unseen, reserved, confirmed, cancelled" in refused.err) == (2, True)
    assert run("booking-status", "list", "--waiting").out == "no such booking\n"


def test_the_list_tells_all_that_wait_for_a_person_and_with_what(run: Run, db: Database) -> None:
    unseen = [reference(letter) for letter in "BCDEFGHI"]
    for one in unseen:
        book(db, one, state="unseen")
    db.write("UPDATE bookings SET task = 'unseen' WHERE state = 'unseen'")
    papers, failed = reference("J"), reference("K")
    for one in (papers, failed):
        book(db, one)
    run("booking-status", "set", failed, "FAILED")
    db.write("UPDATE outbox SET state = 'failed', reason = 'answered 404'")
    with db.tx():
        SetAside(db).replace(PAPER, {papers: ("cut", "documents: a file of it is cut")}, at=NOW, run_id=1)
        SetAside(db).replace(UNKNOWN_BOOKING, {"TP-GONE": ("unknown", "was cancelled")}, at=NOW, run_id=1)
    assert "10 of them wait for a person: integrator booking-status list --waiting" in run("booking-status", "list").out
    told = run("booking-status", "list", "--waiting").out
    for one in unseen:
        again = f"if so: integrator booking-status again {one}; if not: integrator booking-status settle {one}"
        assert f"{one}  {CLASS}  unseen\n  did not become visible at Trainingportal in time: " in told
        assert again in told
    assert f"{papers}  {CLASS}  confirmed\n  documents: a file of it is cut\n" in told
    assert f"  {STATUS} {failed} failed: answered 404: integrator explain {failed}\n" in told
    assert "TP-GONE  -  unknown\n  was cancelled\n" in told
    assert TP not in told
    rows = json.loads(run("booking-status", "list", "--waiting", "--json").out)
    assert sorted(row["reference"] for row in rows) == sorted([*unseen, papers, failed, "TP-GONE"])
    assert all(row["waits"] for row in rows)
    only = json.loads(run("booking-status", "list", "--waiting", "--state", "unseen", "--limit", "3", "--json").out)
    assert [row["booking"] for row in only] == ["unseen"] * 3


def test_sheets_are_named(run: Run, db: Database, tmp_path: Path) -> None:
    file = tmp_path / "list.xlsx"
    with xlsxwriter.Workbook(file) as made:
        made.add_worksheet("Vejledning").write(0, 0, "Sådan gør du")
        made.add_worksheet("Udfald").write_column(0, 0, ["reference", TP])
        made.get_worksheet_by_name("Udfald").write_column(0, 1, ["status", "nix"])
    bad = run("booking-status", "import", file)
    assert bad.err.startswith('integrator: sheet "Udfald", row 2: unknown status: ')
    [one] = json.loads(run("booking-status", "import", file, "--json").out)["bad"]
    assert (one["sheet"], one["row"]) == ("Udfald", 2)
    with xlsxwriter.Workbook(file) as made:
        made.add_worksheet("Vejledning").write(0, 0, "Sådan gør du")
        made.add_worksheet("Udfald").write_column(0, 0, ["reference", TP])
        made.get_worksheet_by_name("Udfald").write_column(0, 1, ["status", "NO_SHOW"])
    good = run("booking-status", "import", file)
    assert good.code == 0
    assert good.out.endswith('no line with the names of the columns, and not read: "Vejledning"\n')


def test_what_newly_needs_a_person_is_printed_once_under_cron(run: Run, tmp_path: Path) -> None:
    with office(tmp_path / "here") as here:
        here.put("Åse Østergård.pdf")
        first = run("update-booking-status", home=here.root)
        assert (first.code, first.out) == (3, "")
        reason = f"1 file(s) or folder(s) in {here.documents} belong to no booking, or not surely"
        assert f"failed: document documents: {reason}" in first.err
        assert "Østergård" not in first.err
        again = run("update-booking-status", home=here.root)
        assert (again.code, again.out, again.err) == (0, "", "")
        assert "1 booking(s) have a document that needs a person" in run("status", home=here.root).out
        assert reason in run("explain", "documents", home=here.root).out
        explained = json.loads(run("explain", "documents", "--json", home=here.root).out)
        assert [one["code"] for one in explained] == ["unplaced"]


def test_list_and_show_say_how_it_stands_without_a_name(run: Run, db: Database) -> None:
    book(db, B)
    assert "none was set" in run("booking-status", "show", TP).out
    run("booking-status", "set", TP, "COMPLETED", "--on", LAST_DAY)
    with db.tx():
        BookingDocuments(db).add(TP, "a" * 64, "Åse Østergård.pdf", "file", 17, at=NOW)
        Outbox(db, clock=lambda: NOW).once(DOCUMENT, key_of(TP, "a" * 64), {})
    listed = json.loads(run("booking-status", "list", "--json").out)
    assert [(row["reference"], row["status"], row["stands"]) for row in listed] == [
        (TP, "COMPLETED", "waits"),
        (B, None, "none"),
    ]
    assert [row["reference"] for row in json.loads(run("booking-status", "list", "--untold", "--json").out)] == [TP]
    assert run("booking-status", "list", "--class", "nope").out == "no such booking\n"
    assert TP in run("booking-status", "list").out
    shown = run("booking-status", "show", TP)
    assert f"COMPLETED on {LAST_DAY}, version 1, by command" in shown.out
    assert "17 bytes, waits" in shown.out
    told = json.loads(run("booking-status", "show", TP, "--json").out)
    assert told["set_at"] == "2027-03-10T09:00:00Z"
    assert told["documents"][0]["stands"] == "waits"
    for result in (shown.out, json.dumps(told, ensure_ascii=False), json.dumps(listed)):
        assert "Østergård" not in result
    assert run("booking-status", "show", "TP-NONE").code == 4


def test_what_waited_for_a_person_is_settled(run: Run, db: Database) -> None:
    db.write("UPDATE bookings SET task = 'cancel_in_maconomy'")
    assert run("booking-status", "settle", TP).out == f"{TP}: settled\n"
    assert db.value("SELECT task FROM bookings") is None
    assert run("booking-status", "settle", TP).code == 4


def test_a_document_that_does_not_fit_any_more_is_said_until_it_is_settled(run: Run, db: Database) -> None:
    run("booking-status", "set", TP, "COMPLETED", "--on", LAST_DAY)
    with db.tx():
        BookingDocuments(db).add(TP, "a" * 64, "a.pdf", "certificate", 17, at=NOW)
        BookingDocuments(db).uploaded(TP, "a" * 64, at=NOW)
    db.write("UPDATE bookings SET task = 'cancel_in_maconomy'")
    run("booking-status", "set", TP, "FAILED")
    assert f"such as {TP}" in run("status").out
    assert f"a document of a completion on {LAST_DAY}, and the booking is FAILED" in run("explain", TP).out
    assert run("booking-status", "settle", TP, "--document").code == 0
    assert db.value("SELECT count(*) FROM set_aside WHERE kind = 'document'") == 0
    assert db.value("SELECT task FROM bookings") == "cancel_in_maconomy", "another matter"
    assert run("booking-status", "settle", TP, "--document").code == 4


def test_a_reference_counts_however_it_is_typed(run: Run, db: Database, tmp_path: Path) -> None:
    typed = f" {TP.lower()} "
    assert run("booking-status", "set", typed, "NO_SHOW").code == 0
    assert run("booking-status", "show", typed).out.startswith(f"{TP}: ")
    db.write("UPDATE bookings SET task = 'cancel_in_maconomy'")
    assert run("booking-status", "settle", typed).out == f"{TP}: settled\n"
    assert "was not given up" in run("booking-status", "again", typed).err
    file = tmp_path / "list.csv"
    file.write_text(f"reference;status;dato\n{typed};FAILED;\n", encoding="utf-8")
    assert run("booking-status", "import", file).code == 0
    assert db.value("SELECT status FROM booking_statuses WHERE reference = ?", (TP,)) == "FAILED"
    file.write_text(f"reference;status;dato\n{TP};FAILED;\n{typed};NEW;\n", encoding="utf-8")
    assert "row 3 of the same booking says otherwise" in run("booking-status", "import", file).err


def test_before_any_job_has_run_there_is_nothing_to_list(run: Run) -> None:
    assert run("booking-status", "list").out == "no bookings\n"
    assert run("booking-status", "show", TP).code == 4
    assert run("booking-status", "set", TP, "NEW").code == 4


def test_the_job_runs_as_cron_starts_it(run: Run, tmp_path: Path) -> None:
    with office(tmp_path / "here") as here:
        (here.root / "config" / "integrator.toml").write_text(
            f'[trainingportal]\nbase_url = "{here.url}"\nusername = "{USERNAME}"\n'
            'password = { env = "TRAININGPORTAL_PASSWORD" }\n',
            encoding="utf-8",
        )
        secrets = here.root / ".env"
        secrets.touch(0o600)
        secrets.write_text(f"TRAININGPORTAL_PASSWORD={PASSWORD}\n", encoding="utf-8")
        here.complete()
        here.put(f"{TP}.pdf")
        plan = run("update-booking-status", "--dry-run", "--json", home=here.root)
        assert [one["effect"] for one in json.loads(plan.out)["plan"]] == [STATUS]
        result = run("update-booking-status", home=here.root)
        assert (result.code, result.out, result.err) == (0, "", "")
        assert (here.told(), here.uploaded()) == ([f"COMPLETED {LAST_DAY}"], [(TP, len(pdf()))])


def test_without_any_system_it_says_what_waits(run: Run, db: Database, home: Path) -> None:
    run("booking-status", "set", TP, "NEW")
    result = run("update-booking-status", "-v")
    assert result.code == 0
    assert "[trainingportal] is switched off: 1 message(s) on bookings stay in the outbox" in result.err
