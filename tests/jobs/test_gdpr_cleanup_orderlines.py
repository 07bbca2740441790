"""gdpr-cleanup and orderlines: rows, their copies in backups, files that came, files that tell."""

import json
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from integrator.database import Database, connect
from integrator.domain.orderlines.payload import masked
from integrator.home import Home
from integrator.jobs import gdpr_cleanup as job
from integrator.jobs.orderline_telling import tell
from integrator.runner import Options, run_job
from integrator.runtime.report import Report
from integrator.settings.model import RetentionSettings
from integrator.store import backup, open_store
from integrator.store.orderlines import Orderlines
from older_stores import take_back
from onerun import bare
from orderline_rows import WORKSHOP, add_orderline
from people import DAY

AT = int(datetime(2027, 6, 1, 4, 0, tzinfo=UTC).timestamp())
OLD = AT - 365 * DAY
RETENTION = RetentionSettings(orderlines_days=365, evidence_days=30, backups_days=30)


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


def cleanup(home: Home, *, at: int = AT, dry_run: bool = False, spool: Path | None = None) -> Report:
    def story(run: Any, wiring: Any) -> None:
        if run.dry:
            job.plan(run, home, home.var / "integrator.db", RETENTION, spool=spool)
        else:
            job.gdpr_cleanup(run, home, RETENTION, actor="tester", spool=spool)

    options = Options(dry_run=dry_run, clock=lambda: at)
    return run_job("gdpr-cleanup", story, needs=("monitor",), options=options, home=home)


def ids(db: Database) -> list[str]:
    return [row["unique_id"] for row in db.all("SELECT unique_id FROM orderlines ORDER BY unique_id")]


# the store --------------------------------------------------------------------------------------------


def test_an_orderline_past_its_time_goes_with_its_events_and_its_messages(home: Home, db: Database) -> None:
    add_orderline(db, "0007", at=OLD, state="completed", case_id="CASE-560-X")
    add_orderline(db, "0008", at=OLD, state="failed", case_id="CASE-561-X")
    kept = add_orderline(db, "00071", at=OLD + 1)
    report = cleanup(home)
    assert (report.exit_code, report.error) == (0, None)
    assert (report.counts["orderlines.deleted"], report.counts["messages.deleted"]) == (2, 4)
    assert ids(db) == ["00071"]
    assert {row["key"] for row in db.all("SELECT key FROM outbox")} == {kept}
    assert db.value("SELECT count(*) FROM orderline_events WHERE orderline_id NOT IN (SELECT id FROM orderlines)") == 0
    content = (home.var / "integrator.db").read_bytes()
    assert [text for text in (b"CASE-560-X", b"CASE-561-X") if text in content] == []


def test_a_bad_request_goes_too(home: Home, db: Database) -> None:
    with db.tx():
        Orderlines(db).refuse(WORKSHOP, "0007", "unknown workshop", source="spool", credentials=False, at=OLD)
        Orderlines(db).refuse(WORKSHOP, "0008", "unknown workshop", source="spool", credentials=False, at=OLD + 1)
    assert cleanup(home).counts["orderlines.deleted"] == 1
    assert ids(db) == ["0008"]


@pytest.mark.parametrize("state", ["received", "processing"])
def test_one_that_has_not_ended_stays_however_old(state: str, home: Home, db: Database) -> None:
    add_orderline(db, "0007", at=AT - 3_000 * DAY, state=state)
    report = cleanup(home)
    assert (report.exit_code, report.counts, ids(db)) == (0, {}, ["0007"])


def test_it_is_counted_from_its_end_not_from_its_coming(home: Home, db: Database) -> None:
    key = add_orderline(db, "0007", at=AT - 3_000 * DAY, state="failed")
    with db.tx():  # a person brought it back, and it ended otherwise
        Orderlines(db).settled(key, "resolved", "seen on the case", at=OLD + 1)
    assert cleanup(home).counts == {}
    assert cleanup(home, at=AT + 1).counts["orderlines.deleted"] == 1


def test_what_oilmat_is_being_told_right_now_is_not_pulled_from_under_it(home: Home, db: Database) -> None:
    add_orderline(db, "0007", at=OLD, told="processing")
    add_orderline(db, "0008", at=OLD, told="received")  # and nobody takes it any more
    assert cleanup(home).counts["orderlines.deleted"] == 1
    assert ids(db) == ["0007"]


def test_it_goes_from_backups_too_and_one_without_any_stays_as_it_is(home: Home, db: Database) -> None:
    before = backup.make(db, home.backups, at=AT - 2 * DAY)
    unchanged = (before.stat().st_ino, before.stat().st_mtime_ns)  # not when it was read
    add_orderline(db, "0007", at=OLD, case_id="CASE-560-X")
    made = backup.make(db, home.backups, at=AT - DAY)
    report = cleanup(home)
    assert (report.counts["backups.rewritten"], report.failed) == (1, {})
    assert b"CASE-560-X" not in made.read_bytes()
    assert (before.stat().st_ino, before.stat().st_mtime_ns) == unchanged


def test_a_backup_from_before_there_were_orderlines_is_no_trouble(home: Home, db: Database) -> None:
    made = backup.make(db, home.backups, at=AT - DAY)
    old = connect(made)
    take_back(old, 4)
    old.close()
    add_orderline(db, "0007", at=OLD)
    report = cleanup(home)
    assert (report.failed, report.counts["orderlines.deleted"]) == ({}, 1)


def test_words_that_stand_in_the_definition_of_a_table_are_no_trace(home: Home, db: Database) -> None:
    key = add_orderline(db, "0007", at=OLD, state="failed")
    with db.tx():
        Orderlines(db).verified(key, None, "a person", None, at=OLD)
    assert cleanup(home).exit_code == 0
    assert ids(db) == []


def test_a_dry_run_counts_and_leaves_all(home: Home, db: Database) -> None:
    add_orderline(db, "0007", at=OLD)
    file = _came(home.spool / "orderlines" / WORKSHOP / "done", 31)
    report = cleanup(home, dry_run=True)
    assert report.counts == {"orderlines.deleted": 1, "orderline_files.deleted": 1}
    assert (ids(db), file.exists()) == (["0007"], True)


# files ------------------------------------------------------------------------------------------------


def _came(folder: Path, days: int, name: str = "a.json") -> Path:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / name
    path.write_bytes(masked(b'{"unique_id": "0007"}'))
    os.utime(path, (AT - days * DAY, AT - days * DAY))
    return path


@pytest.mark.parametrize("elsewhere", [False, True])
def test_files_that_were_taken_in_go_and_those_that_wait_stay(elsewhere: bool, home: Home, tmp_path: Path) -> None:
    top = tmp_path / "spool" if elsewhere else home.spool / "orderlines"
    own = top / WORKSHOP
    gone = [_came(own / "done", 31), _came(own / "rejected", 31), _came(own / "rejected", 31, "a.json.reasons.txt")]
    stays = [_came(own / "done", 29, "b.json"), _came(own, 400), _came(own / "rejected", 29, "b.json")]
    report = cleanup(home, spool=top if elsewhere else None)
    assert report.counts == {"orderline_files.deleted": 3}
    assert [path.exists() for path in (*gone, *stays)] == [False] * 3 + [True] * 3
    assert cleanup(home, at=AT + 2 * DAY, spool=top if elsewhere else None).counts == {"orderline_files.deleted": 2}
    assert (own / "done").is_dir()


def test_evidence_goes_with_its_folders_and_a_young_empty_folder_stays(home: Home) -> None:
    old, left = home.evidence / WORKSHOP / "20270101T000000Z-0007", home.evidence / "autogarden" / "x"
    young, shared = home.evidence / WORKSHOP / "20270601T000000Z-0008", home.evidence / "other" / "y"
    for folder in (old, left, young, shared):
        folder.mkdir(parents=True)
    for path, days in ((old / "screenshot.png", 31), (old / "frame-1.html", 31), (shared / "old.png", 31)):
        path.touch()
        os.utime(path, (AT - days * DAY,) * 2)
    (shared / "new.png").touch()
    for folder, days in ((shared / "new.png", 1), (left, 9), (left.parent, 9), (young, 0)):
        os.utime(folder, (AT - days * DAY,) * 2)
    assert cleanup(home).counts == {"evidence.deleted": 3}
    found = sorted(str(path.relative_to(home.evidence)) for path in home.evidence.rglob("*"))
    assert found == [WORKSHOP, f"{WORKSHOP}/{young.name}", "other", "other/y", "other/y/new.png"]


class _Telling:
    """As much of a run as tell() needs."""

    def __init__(self, db: Database) -> None:
        self.db = db


def _told(home: Home, db: Database) -> dict[str, list[str]]:
    run: Any = _Telling(db)
    tell(run, [WORKSHOP, "autogarden"], folder=home.status, queue=False)
    return _in_files(home)


def _in_files(home: Home) -> dict[str, list[str]]:
    return {
        path.stem: [json.loads(line)["unique_id"] for line in path.read_text(encoding="utf-8").splitlines()]
        for path in home.status.iterdir()
    }


def test_what_a_run_left_that_was_killed_while_it_wrote_a_file_that_tells_goes_after_a_day(home: Home) -> None:
    home.status.mkdir(exist_ok=True)
    draft = home.status / f".{WORKSHOP}.jsonl.4711"
    draft.write_text('{"unique_id": "0007"}\n')
    os.utime(draft, (OLD, OLD))
    assert (cleanup(home, at=int(time.time())).counts, draft.exists()) == ({}, True)
    assert (cleanup(home).counts, draft.exists()) == ({"unfinished_copies.deleted": 1}, False)


def test_the_files_that_tell_of_orderlines_forget_them_too(home: Home, db: Database) -> None:
    add_orderline(db, "0007", at=OLD)
    add_orderline(db, "0008", at=AT - DAY)
    add_orderline(db, "0009", at=OLD, workshop="autogarden")
    home.status.mkdir(exist_ok=True)
    assert _told(home, db) == {WORKSHOP: ["0007", "0008"], "autogarden": ["0009"]}
    at = (home.status / f"{WORKSHOP}.jsonl").stat().st_mtime
    cleanup(home)
    assert _in_files(home) == {WORKSHOP: ["0008"]}
    assert (home.status / f"{WORKSHOP}.jsonl").stat().st_mtime == at
    assert (home.status / f"{WORKSHOP}.jsonl").stat().st_mode & 0o777 == 0o600
    assert _told(home, db) == {WORKSHOP: ["0008"]}
