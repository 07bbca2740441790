"""gdpr-cleanup and bookings: their rows, and papers in the home folder and on their way, whatever a kill left."""

import os
import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from booking_rows import Booking, add_booking, add_cancelled, row
from integrator.database import Database, connect
from integrator.home import Home
from integrator.jobs import gdpr_cleanup as job
from integrator.jobs import gdpr_files
from integrator.runner import Options, run_job
from integrator.runtime.report import Report
from integrator.settings.model import RetentionSettings
from integrator.store import open_store
from onerun import bare, log
from people import DAY, person, traces

AT = int(datetime(2027, 6, 1, 4, 0, tzinfo=UTC).timestamp())
RETENTION = RetentionSettings(participants_days=90, orders_days=2_190)
ENDED, NEW = "2027-02-01T16:00:00+01:00", "2027-05-20"
UNKNOWN = "TP-MFRGGZDFMZTWQ2LKNNWG23TPOA"


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


def cleanup(home: Home, *, at: int = AT, dry_run: bool = False) -> Report:
    def story(run: Any, wiring: Any) -> None:
        if run.dry:
            job.plan(run, home, home.var / "integrator.db", RETENTION)
        else:
            job.gdpr_cleanup(run, home, RETENTION, actor="tester")

    options = Options(dry_run=dry_run, clock=lambda: at)
    return run_job("gdpr-cleanup", story, needs=("monitor",), options=options, home=home)


def theirs(home: Home) -> Path:
    return home.root / "documents"


def ours(home: Home) -> Path:
    return home.var / "documents"


def papers(home: Home, booking: Booking) -> list[Path]:
    """Every way in which a paper may lie."""
    lower = theirs(home) / f"{booking.reference.lower()} copy.pdf"
    made = [
        booking.paper(theirs(home)),
        booking.paper(theirs(home), "diploma.pdf"),
        booking.paper(theirs(home), "2027/diploma.pdf"),
        booking.paper(ours(home), "ab12.pdf"),
    ]
    lower.touch()
    return [*made, lower]


def due(db: Database, number: int = 1, **more: Any) -> Booking:
    return add_booking(db, person(number), completed_at=AT - 200 * DAY, class_end=ENDED, **more)


def there(paths: list[Path]) -> set[bool]:
    return {path.exists() for path in paths}


# with the rows ----------------------------------------------------------------------------------------


def test_papers_go_with_their_student_and_those_of_others_stay(home: Home, db: Database) -> None:
    gone = papers(home, due(db, documents=("diploma.pdf",)))
    stays = papers(home, add_booking(db, person(2), completed_at=AT - 10 * DAY, class_end=NEW))
    report = cleanup(home)
    assert (report.exit_code, report.error) == (0, None)
    assert (report.counts["documents.deleted"], report.counts["bookings.anonymised"]) == (5, 1)
    assert (there(gone), there(stays)) == ({False}, {True})
    assert not gone[1].parent.exists()
    assert not gone[3].parent.exists()
    assert cleanup(home).counts == {}


@pytest.mark.parametrize("held", [{"hold": "dispute 2027-3"}, {"told": "received"}])
def test_papers_of_an_order_that_stays_as_it_is_stay(held: dict[str, str], home: Home, db: Database) -> None:
    stays = papers(home, due(db, **held))
    assert "documents.deleted" not in cleanup(home).counts
    assert there(stays) == {True}


@pytest.mark.parametrize("kind", ["cancelled", "unseen", "old"])
def test_papers_go_with_a_booking_that_is_deleted(kind: str, home: Home, db: Database) -> None:
    if kind == "old":
        booking = add_booking(db, person(1), completed_at=AT - 2_300 * DAY, class_end="2021-02-01")
    else:
        booking = add_cancelled(db, changed_at=AT - 90 * DAY, state=kind)
    gone = papers(home, booking)
    report = cleanup(home)
    assert (report.counts["bookings.deleted"], report.counts["documents.deleted"]) == (1, 5)
    assert (row(db, booking), there(gone), report.remarks) == (None, {False}, [])


def test_a_paper_that_comes_when_its_student_is_nobody_goes_too(home: Home, db: Database) -> None:
    booking = due(db)
    assert cleanup(home).exit_code == 0
    late = papers(home, booking)
    assert cleanup(home).counts == {"documents.deleted": 5}
    assert there(late) == {False}


# of nobody --------------------------------------------------------------------------------------------


def test_of_an_unknown_booking_ours_go_and_an_operators_are_counted(home: Home, db: Database) -> None:
    way = ours(home) / UNKNOWN
    way.mkdir(parents=True)
    (way / "ab12.pdf").touch()
    theirs(home).mkdir()
    left = [theirs(home) / f"{UNKNOWN}.pdf", theirs(home) / "Maja Bækgaard.pdf", theirs(home) / "new"]
    for path in left:
        path.touch()
    (theirs(home) / ".gitkeep").touch()
    report = cleanup(home)
    assert (report.exit_code, report.counts) == (0, {"documents.deleted": 1})
    [remark] = report.remarks
    assert remark.startswith(f"not ours: 3 file(s) or folder(s) in {theirs(home)} of no booking: can hold people")
    assert not way.exists()
    assert there(left) == {True}


def test_a_name_that_only_begins_like_a_reference_is_another_one(home: Home, db: Database) -> None:
    booking = due(db)
    theirs(home).mkdir()
    longer = theirs(home) / f"{booking.reference}9.pdf"
    longer.touch()
    assert len(cleanup(home).remarks) == 1
    assert longer.exists()


def test_what_may_just_be_written_among_ours_stays_a_day(home: Home) -> None:
    ours(home).mkdir()
    young, old = ours(home) / ".ab12.new", ours(home) / ".cd34.new"
    for path, age in ((young, DAY - 60), (old, DAY + 60)):
        path.touch()
        os.utime(path, (AT - age, AT - age))
    assert cleanup(home).counts == {"documents.deleted": 1}
    assert (young.exists(), old.exists()) == (True, False)


def test_a_link_goes_and_what_it_leads_to_stays(home: Home, db: Database, tmp_path: Path) -> None:
    booking = due(db)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "a.pdf").touch()
    theirs(home).mkdir()
    (theirs(home) / booking.reference).symlink_to(elsewhere)
    assert cleanup(home).counts["documents.deleted"] == 1
    assert not (theirs(home) / booking.reference).is_symlink()
    assert (elsewhere / "a.pdf").exists()


def test_a_home_without_any_papers_is_no_trouble(home: Home, db: Database) -> None:
    due(db)
    report = cleanup(home)
    assert (report.exit_code, report.remarks) == (0, [])
    assert not theirs(home).exists()


# trouble ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("when", ["before any paper", "in the middle of the papers", "before the rows"])
@pytest.mark.parametrize("kind", ["nobody", "deleted"])
def test_a_kill_between_rows_and_papers_is_made_good_by_the_next_run(
    when: str, kind: str, home: Home, db: Database
) -> None:
    booking = due(db) if kind == "nobody" else add_cancelled(db, changed_at=AT - 90 * DAY)
    gone = papers(home, booking)
    db.close()
    child = os.fork()
    if child == 0:
        with pytest.MonkeyPatch.context() as patched:
            _kill_at(when, patched)
            cleanup(home)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    assert there(gone) == {"before any paper": {True}, "before the rows": {kind == "nobody"}}.get(when, {True, False})
    report = cleanup(home)
    assert (report.exit_code, report.remarks, there(gone)) == (0, [], {False})
    assert traces(home.root, [person(1)]) == {}


def _kill_at(when: str, patched: pytest.MonkeyPatch) -> None:
    def kill(*args: Any, **options: Any) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    if when == "before the rows":
        patched.setattr("integrator.store.erasure.steps.carry_out", kill)
        return
    delete, deleted = gdpr_files.delete, [0]

    def counted(paths: list[Path]) -> int:
        deleted[0] += bool(paths) and paths[0].suffix == ".pdf"
        if deleted[0] == (1 if when == "before any paper" else 3):
            kill()
        return delete(paths)

    patched.setattr(gdpr_files, "delete", counted)


def test_a_paper_that_cannot_be_deleted_is_said_and_the_others_go(
    home: Home, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = papers(home, due(db))
    unlink = Path.unlink

    def refuse(path: Path, missing_ok: bool = False) -> None:
        if path == gone[1]:
            raise PermissionError(13, "Permission denied", str(path))
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", refuse)
    report = cleanup(home)
    assert report.exit_code == 3
    assert report.failed == {"papers of bookings": "1 file(s) cannot be deleted: Permission denied"}
    assert [path for path in gone if path.exists()] == [gone[1]]
    monkeypatch.undo()
    assert cleanup(home).exit_code == 0
    assert not gone[1].parent.exists()


def test_a_dry_run_counts_papers_and_leaves_them(home: Home, db: Database) -> None:
    left = [*papers(home, due(db, documents=("a.pdf",))), *papers(home, add_cancelled(db, changed_at=AT - 90 * DAY))]
    report = cleanup(home, dry_run=True)
    counts = {name: report.counts[name] for name in report.counts if name.startswith(("bookings", "documents"))}
    assert counts == {"bookings.anonymised": 1, "bookings.deleted": 1, "documents.deleted": 10}
    assert there(left) == {True}
    done = cleanup(home)
    assert {name: done.counts[name] for name in counts} == counts


def test_neither_the_report_nor_the_log_names_a_booking_or_its_student(home: Home, db: Database) -> None:
    booking = due(db, documents=("Maja Bækgaard.pdf",))
    papers(home, booking)
    report = cleanup(home)
    said = f"{report.as_json()} {log(home)}"
    assert [text for text in (booking.reference, "Maja", person(1)["email"]) if text in said] == []
