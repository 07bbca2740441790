"""gdpr-cleanup: what is past its time goes from the store, its backups and the evidence; the rest stays."""

import json
import os
import signal
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from integrator import database
from integrator.database import Database, connect
from integrator.home import Home
from integrator.jobs import gdpr_cleanup as job
from integrator.runner import Options, run_job
from integrator.runtime import lock
from integrator.runtime.report import Report
from integrator.settings.model import RetentionSettings
from integrator.store import backup, open_store
from onerun import bare, log
from people import DAY, add_list, add_message, add_order, add_reservation, full_name, person, traces

AT = int(datetime(2027, 6, 1, 4, 0, tzinfo=UTC).timestamp())
RETENTION = RetentionSettings(participants_days=90, orders_days=2_190, evidence_days=30, backups_days=30)
ENDED, NEW = "2027-02-01T16:00:00+01:00", "2027-05-20"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = bare(tmp_path / "home")
    open_store(made.var / "integrator.db", backups=made.backups).db.close()
    return made


@pytest.fixture
def db(home: Home) -> Iterator[Database]:
    opened = connect(home.var / "integrator.db")
    yield opened
    opened.close()


def cleanup(home: Home, *, at: int = AT, dry_run: bool = False, retention: RetentionSettings = RETENTION) -> Report:
    def story(run, wiring):
        if run.dry:
            job.plan(run, home, home.var / "integrator.db", retention)
        else:
            job.gdpr_cleanup(run, home, retention, actor="tester")

    return run_job(
        "gdpr-cleanup", story, needs=("monitor",), options=Options(dry_run=dry_run, clock=lambda: at), home=home
    )


def row(db: Database, order: int) -> dict:
    return dict(db.one("SELECT * FROM orders WHERE id = ?", (order,)))


# rules ------------------------------------------------------------------------------------------------


def test_after_the_class_participants_become_nobody_and_the_order_stays_for_bookkeeping(home: Home, db: Database):
    order = add_order(db, [person(1), person(2)], completed_at=AT - 200 * DAY, class_end=ENDED, attention="Ida Invent")
    report = cleanup(home)
    assert (report.exit_code, report.error) == (0, None)
    assert report.counts["participants.anonymised"] == 2
    people = db.all("SELECT * FROM participants WHERE order_id = ? ORDER BY number", (order,))
    names = [one["first_name"] for one in people]
    assert len(set(names)) == 2
    assert all(one["first_name"] == one["last_name"] == one["email"] for one in people)
    assert all(name.startswith("erased-") and len(name) == 23 for name in names)
    assert {one["phone"] or one["job_title"] or one["comment"] for one in people} == {None}
    assert [one["reference"] for one in people] == [f"ILI-{order}-1", f"ILI-{order}-2"]
    kept = row(db, order)
    assert (kept["company_name"], kept["company_cvr"], kept["seats"]) == ("Nordvang Revision ApS", "12345678", 2)
    gone = ("customer_name", "customer_email", "customer_phone", "attention", "form_hash")
    assert [kept[name] for name in gone] == [None] * 5
    assert kept["anonymised_at"] == AT


def test_a_private_buyer_stays_in_the_order_by_name_alone(home: Home, db: Database):
    order = add_order(db, [person(1)], completed_at=AT - 200 * DAY, class_end=ENDED, company=None)
    assert cleanup(home).exit_code == 0
    kept = row(db, order)
    assert (kept["customer_name"], kept["customer_email"], kept["customer_phone"]) == (full_name(person(1)), None, None)


@pytest.mark.parametrize(
    ("catalogue", "facts", "due"),
    [
        (NEW, ENDED, False),  # moved to later
        (ENDED, NEW, True),
        (None, ENDED, True),
        (None, NEW, False),
        (None, None, True),  # no date known: the order's own
        (None, "soon", True),
    ],
)
def test_the_catalogue_knows_best_when_a_class_is_over(catalogue, facts, due, home: Home, db: Database):
    if catalogue:
        db.write(
            'INSERT INTO courses (id, main_id, title, "end", days, status, trainers, fingerprint, first_seen_at,'
            " changed_at) VALUES ('25172-04', '25172', 'Excel', ?, '[]', 'open', '[]', x'00', 0, 0)",
            (catalogue,),
        )
    order = add_order(db, [person(1)], completed_at=AT - 200 * DAY, class_end=facts)
    cleanup(home)
    assert (row(db, order)["anonymised_at"] is not None) is due


def test_nothing_goes_a_second_too_early(home: Home, db: Database):
    ends = datetime.fromisoformat(ENDED).timestamp()
    add_order(db, [person(1)], completed_at=AT - 200 * DAY, class_end=ENDED)
    assert "participants.anonymised" not in cleanup(home, at=int(ends) + 90 * DAY - 1).counts
    assert cleanup(home, at=int(ends) + 90 * DAY).counts["participants.anonymised"] == 1


def test_after_bookkeeping_an_order_goes_with_everything_of_it_and_of_no_other(home: Home, db: Database):
    old = add_order(db, [person(1)], completed_at=AT - 2_190 * DAY, class_end="2021-05-01", effects="failed")
    assert old == 10_001
    db.write("UPDATE sqlite_sequence SET seq = 100009 WHERE name = 'orders'")  # 100010 begins like 10001
    other = add_order(db, [person(2)], completed_at=AT - 10 * DAY, class_end=NEW)
    report = cleanup(home)
    assert (report.exit_code, report.counts["orders.deleted"]) == (0, 1)
    assert [tuple(found) for found in db.all("SELECT id FROM orders")] == [(other,)]
    assert {found["order_id"] for found in db.all("SELECT order_id FROM participants")} == {other}
    assert {found["scope"] for found in db.all("SELECT scope FROM outbox")} == {f"order:{other}"}
    keys = [found["key"] for found in db.all("SELECT key FROM mails ORDER BY key")]
    assert keys == [f"order-confirmation:{other}:customer", f"order-confirmation:{other}:participant:1"]


def test_an_order_does_not_go_before_its_class_is_over(home: Home, db: Database):
    order = add_order(db, [person(1)], completed_at=AT - 40 * DAY, class_end="2027-09-01")
    short = RetentionSettings(participants_days=1, orders_days=1)
    assert cleanup(home, retention=short).counts == {}
    assert row(db, order)["customer_email"]


def test_reservations_that_became_nothing_go_and_the_others_stay(home: Home, db: Database):
    for state in ("released", "cancelled"):
        add_reservation(db, changed_at=AT - 91 * DAY, state=state)
    kept = {
        add_reservation(db, changed_at=AT - 89 * DAY),
        add_reservation(db, changed_at=AT - 91 * DAY, state="reserved"),
    }
    assert cleanup(home).counts["reservations.deleted"] == 2
    assert {found["id"] for found in db.all("SELECT id FROM orders")} == kept


def test_participant_lists_go_with_their_messages_after_their_day(home: Home, db: Database):
    add_list(db, [person(1)], "2027-02-20", at=AT - 101 * DAY)
    add_list(db, [person(2)], "2027-02-21", state="completed", at=AT - 100 * DAY)
    new = add_list(db, [person(3)], "2027-05-01", at=AT - 31 * DAY)
    report = cleanup(home)
    assert report.counts["lists.deleted"] == 2
    assert [found["id"] for found in db.all("SELECT id FROM outbox")] == [new]
    assert db.value("SELECT count(*) FROM participant_lists") == 1


def test_failed_messages_of_erased_people_lose_their_facts_and_keep_their_keys(home: Home, db: Database):
    order = add_order(db, [person(1)], completed_at=AT - 200 * DAY, class_end=ENDED, effects="failed")
    assert cleanup(home).counts["bodies.dropped"] == 1
    [message] = db.all("SELECT * FROM outbox")
    assert (message["key"], message["state"], message["body"]) == (f"ILI-{order}-1", "failed", None)


@pytest.mark.parametrize("state", ["received", "processing"])
@pytest.mark.parametrize("days", [200, 2_200])
def test_an_order_with_a_message_under_way_is_named_and_left_alone(state: str, days: int, home: Home, db: Database):
    order = add_order(db, [person(1)], completed_at=AT - days * DAY, class_end=ENDED, effects=state)
    before = row(db, order)
    report = cleanup(home)
    assert report.exit_code == 75
    assert report.waiting == {f"order {order}": "under way: a message of it has not ended yet"}
    assert report.counts == {"orders.under_way": 1}
    assert row(db, order) == before


def test_a_legal_hold_keeps_an_order_and_is_listed_with_its_date_alone(home: Home, db: Database):
    order = add_order(db, [person(1)], completed_at=AT - 2_300 * DAY, class_end="2021-02-01", hold="dispute 2026-17")
    before = row(db, order)
    report = cleanup(home)
    assert report.exit_code == 0
    assert report.remarks == [f"order {order} is on legal hold since 2021-02-12"]
    assert "dispute" not in json.dumps(log(home))
    assert report.counts == {"orders.on_hold": 1}
    assert row(db, order) == before


def test_evidence_past_its_time_goes_and_a_link_is_not_followed(home: Home, db: Database, tmp_path: Path):
    outside = tmp_path / "outside.png"
    outside.touch()
    folder = home.evidence / "push-orderline"
    folder.mkdir()
    (folder / "link.png").symlink_to(outside)
    for name, days in (("old.png", 31), ("new.png", 29)):
        (folder / name).touch()
        os.utime(folder / name, (AT - days * DAY, AT - days * DAY))
    os.utime(folder / "link.png", (0, 0), follow_symlinks=False)
    assert cleanup(home).counts["evidence.deleted"] == 2
    assert [path.name for path in folder.iterdir()] == ["new.png"]
    assert outside.exists()


# the whole --------------------------------------------------------------------------------------------


def test_of_500_people_not_a_byte_is_left_but_of_those_whose_time_has_not_come(home: Home, db: Database):
    gone, staying = [person(number) for number in range(500)], [person(number) for number in range(500, 540)]
    with db.tx():
        for begin in range(0, 500, 4):
            long_ago = begin % 8 == 0
            add_order(
                db,
                gone[begin : begin + 4],
                completed_at=AT - (2_300 if long_ago else 250) * DAY,
                class_end="2021-01-01" if long_ago else ENDED,
                effects="completed" if begin % 3 else "failed",
            )
        add_list(db, gone[:30], "2027-01-10", at=AT - 140 * DAY)
        for begin in range(0, 40, 4):
            add_order(db, staying[begin : begin + 4], completed_at=AT - 10 * DAY, class_end=NEW, effects="failed")
    for days in (1, 5, 9, 13):
        backup.make(db, home.backups, at=AT - days * DAY)
    kept = backup.make(db, home.var, stem="integrator.db.replaced", at=AT - 2 * DAY)
    kept.rename(kept.with_suffix(""))
    _leave_everywhere(home, [one["email"] for one in gone[::50]])
    assert len(traces(home.var, gone)) == 11

    report = cleanup(home)
    assert (report.exit_code, report.failed) == (0, {})
    assert traces(home.root, gone) == {}
    assert report.counts["participants.anonymised"] + report.counts["participants.deleted"] == 500
    assert (report.counts["backups.rewritten"], report.counts["files.checked"]) == (5, 6)
    assert len(traces(home.var, staying)) == 6
    assert db.value("SELECT count(*) FROM participants WHERE anonymised_at IS NULL") == 40
    assert db.value("PRAGMA integrity_check") == "ok"
    again = cleanup(home, at=AT + 60)
    assert again.counts == {"files.checked": 5}


def _leave_everywhere(home: Home, addresses: list[str]) -> None:
    """What killed runs leave: each of it holds the store, or some of it. Evidence is past its time."""
    for name in (
        "spool/dry-run-a1b2/copy.db",
        "spool/replay-a1b2/var/integrator-copy.db",
        "backups/.integrator-20270520T040000Z.db.99.partial",
        ".integrator.db.restored",
        "evidence/push-orderline/page.html",
    ):
        path = home.var / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(addresses), encoding="utf-8")
        os.utime(path, (AT - 40 * DAY, AT - 40 * DAY))


def test_the_same_again_changes_no_file_but_the_run_row(home: Home, db: Database):
    add_order(db, [person(1)], completed_at=AT - 200 * DAY, class_end=ENDED)
    made = backup.make(db, home.backups, at=AT - DAY)
    cleanup(home)

    def written() -> tuple[int, int, bytes, int]:
        stat = made.stat()  # not when it was read
        journal, audited = (home.var / "erasures").read_bytes(), db.value("SELECT count(*) FROM erasures")
        return stat.st_ino, stat.st_mtime_ns, journal, audited

    before = written()
    assert cleanup(home, at=AT + DAY).counts == {"files.checked": 1}
    assert written() == before


def test_a_dry_run_counts_and_touches_nothing(home: Home, db: Database):
    add_order(db, [person(1), person(2)], completed_at=AT - 200 * DAY, class_end=ENDED)
    add_order(db, [person(3)], completed_at=AT - 2_200 * DAY, class_end="2021-02-01")
    backup.make(db, home.backups, at=AT - DAY)
    before = {path: path.read_bytes() for path in home.var.rglob("*") if path.is_file()}
    report = cleanup(home, dry_run=True)
    assert report.exit_code == 0
    assert report.counts == {
        "participants.anonymised": 2,
        "orders.anonymised": 1,
        "orders.deleted": 1,
        "backups.rewritten": 1,
    }
    assert {preview.title for _, preview in report.plan} == {"1", "2"}
    after = {path: path.read_bytes() for path in home.var.rglob("*") if path.is_file()}
    changed = {path for path in after if before.get(path) != after[path]}
    assert changed <= {home.var / "integrator.db-journal"}


def test_the_books_say_who_when_and_how_many_and_no_name(home: Home, db: Database):
    add_order(db, [person(1)], completed_at=AT - 200 * DAY, class_end=ENDED)
    report = cleanup(home)
    [entry] = db.all("SELECT * FROM erasures")
    assert (entry["at"], entry["actor"], entry["run_id"]) == (AT, "tester", report.run_id)
    assert entry["rule"] == "retention 4"
    assert json.loads(entry["counts"]) == {"orders.anonymised": 1, "participants.anonymised": 1}
    check, line = (home.var / "erasures").read_text(encoding="ascii").splitlines()
    assert (json.loads(check)["rule"], len(json.loads(check)["subject"])) == ("key", 64)
    assert json.loads(line) == {
        "at": AT,
        "rule": "participants",
        "order": 10_001,
        "participant": None,
        "subject": None,
    }
    assert (home.var / "erasures").stat().st_mode & 0o777 == 0o600
    assert (home.var / "erasures.key").stat().st_mode & 0o777 == 0o600


def test_the_log_and_the_report_name_nobody(home: Home, db: Database):
    add_order(db, [person(1)], completed_at=AT - 200 * DAY, class_end=ENDED)
    add_order(db, [person(2)], completed_at=AT - 200 * DAY, class_end=ENDED, effects="received")
    report = cleanup(home)
    said = json.dumps(report.as_json()) + json.dumps(log(home))
    assert "example.org" not in said
    assert "son" not in said.replace("reason", "")


# trouble ----------------------------------------------------------------------------------------------


def test_a_reader_keeps_vacuum_away_and_the_next_run_finishes(home: Home, db: Database, monkeypatch):
    add_order(db, [person(1)], completed_at=AT - 200 * DAY, class_end=ENDED)
    monkeypatch.setattr(database, "BUSY_TIMEOUT_S", 0)
    reader = sqlite3.connect(home.var / "integrator.db", isolation_level=None)

    def held(self: Database, sql: str, parameters=()) -> int:
        if sql == "VACUUM":
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM orders").fetchall()
        return self.conn.execute(sql, parameters).rowcount

    with monkeypatch.context() as patched:
        patched.setattr(Database, "write", held)
        report = cleanup(home)
    reader.close()
    assert report.exit_code == 75
    assert "not yet vacuumed: not done, run again" in (report.error or "")
    assert db.value("SELECT value FROM counters WHERE name = 'vacuum_due'") == 1
    assert cleanup(home).exit_code == 0
    assert db.value("SELECT value FROM counters WHERE name = 'vacuum_due'") == 0


def test_while_a_backup_is_made_the_run_waits_for_another_time(home: Home, db: Database):
    order = add_order(db, [person(1)], completed_at=AT - 200 * DAY, class_end=ENDED)
    with lock.hold(home.locks, "store-backup", since=datetime.fromtimestamp(AT, UTC)):
        report = cleanup(home)
    assert report.exit_code == 75
    assert "run it again" in (report.error or "")
    assert row(db, order)["anonymised_at"] is None


def test_a_disk_without_room_for_vacuum_is_said_before_anything_goes(home: Home, db: Database, monkeypatch):
    order = add_order(db, [person(1)], completed_at=AT - 200 * DAY, class_end=ENDED)
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 1000})())
    report = cleanup(home)
    assert report.exit_code == 75
    assert "no room" in (report.error or "")
    assert row(db, order)["anonymised_at"] is None
    assert not (home.var / "erasures").exists()


def test_a_backup_that_cannot_be_read_is_named_and_the_others_are_rewritten(home: Home, db: Database):
    add_order(db, [person(1)], completed_at=AT - 200 * DAY, class_end=ENDED)
    bad = backup.make(db, home.backups, at=AT - 3 * DAY)
    good = backup.make(db, home.backups, at=AT - 2 * DAY)
    bad.write_bytes(os.urandom(9_000))
    report = cleanup(home)
    assert report.exit_code == 3
    assert list(report.failed) == [f"backup {bad.name}"]
    assert good.name not in traces(home.var, [person(1)])


def test_a_file_that_is_taken_away_at_this_very_moment_is_no_trouble(home: Home, monkeypatch):
    path = home.evidence / "page.html"
    path.write_text("x", encoding="utf-8")
    plain = Path.is_file

    def vanishing(self):
        was_there = plain(self)
        if self == path:
            path.unlink(missing_ok=True)
        return was_there

    with monkeypatch.context() as patched:
        patched.setattr(Path, "is_file", vanishing)
        report = cleanup(home)
    assert (report.exit_code, report.error) == (0, None)


def test_a_run_that_is_asked_to_end_rewrites_no_further_backup(home: Home, db: Database, monkeypatch):
    add_order(db, [person(1)], completed_at=AT - 200 * DAY, class_end=ENDED)
    for minute in range(3):
        backup.make(db, home.backups, at=AT - 60 * minute)
    begun = []

    def stopped(path, change):
        begun.append(path)
        os.kill(os.getpid(), signal.SIGTERM)

    with monkeypatch.context() as patched:
        patched.setattr(backup, "rewrite", stopped)
        report = cleanup(home)
    assert (report.exit_code, report.failed, len(begun)) == (75, {}, 1)
    assert cleanup(home).counts["backups.rewritten"] == 3


def test_backups_past_their_time_go_but_for_the_newest_three_which_hold_nobody(home: Home, db: Database):
    add_order(db, [person(1)], completed_at=AT - 200 * DAY, class_end=ENDED)
    for days in (400, 300, 200, 100):
        backup.make(db, home.backups, at=AT - days * DAY)
    report = cleanup(home)
    assert (report.counts["backups.deleted"], report.counts["backups.rewritten"]) == (1, 3)
    assert traces(home.var, [person(1)]) == {}


def test_a_backup_without_anybody_who_is_due_stays_as_it_is(home: Home, db: Database):
    add_order(db, [person(2)], completed_at=AT - 10 * DAY, class_end=NEW)
    made = backup.make(db, home.backups, at=AT - 5 * DAY)
    add_order(db, [person(1)], completed_at=AT - 200 * DAY, class_end=ENDED)
    unchanged = (made.stat().st_ino, made.stat().st_mtime_ns)  # not when it was read
    assert "backups.rewritten" not in cleanup(home).counts
    assert (made.stat().st_ino, made.stat().st_mtime_ns) == unchanged


def test_a_company_named_like_a_participant_stays_and_is_no_failure(home: Home, db: Database):
    name = full_name(person(1))
    order = add_order(db, [person(1)], completed_at=AT - 200 * DAY, class_end=ENDED, company=name)
    assert cleanup(home).exit_code == 0
    assert row(db, order)["company_name"] == name


def test_what_a_killed_run_left_half_written_is_swept(home: Home, db: Database):
    left = home.backups / ".integrator-20270530T010000Z.db.99.partial"
    left.write_bytes(b"somebody")
    beside = home.var / ".integrator.db.replaced-20270530T010000Z.99.partial-journal"
    beside.write_bytes(b"somebody")
    assert cleanup(home).counts["unfinished_copies.deleted"] == 2
    assert not left.exists()
    assert not beside.exists()


def test_a_message_in_a_backup_that_was_under_way_then_is_emptied_too(home: Home, db: Database):
    order = add_order(db, [person(1)], completed_at=AT - 200 * DAY, class_end=ENDED, effects="received")
    made = backup.make(db, home.backups, at=AT - 5 * DAY)
    db.write("UPDATE outbox SET state = 'completed', body = NULL")
    assert cleanup(home).exit_code == 0
    assert traces(home.var, [person(1)]) == {}
    copy = connect(made)
    [message] = copy.all("SELECT state, body FROM outbox WHERE scope = ?", (f"order:{order}",))
    copy.close()
    assert tuple(message) == ("failed", None)


def test_other_messages_are_left_alone(home: Home, db: Database):
    add_message(db, "wordpress.course", "25172-04", {"title": "Excel"}, "failed", AT - 900 * DAY)
    assert cleanup(home).counts == {}
    assert db.value("SELECT body FROM outbox") == '{"title": "Excel"}'
