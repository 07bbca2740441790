"""update-booking-status against the Trainingportal stand-in: the newest status wins, a document leaves once."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from booking_outcomes import E8, E9, LAST_DAY, NOW, TP, Office, office, pdf, reference
from integrator.certificates import Certificate
from integrator.desk import open_desk
from integrator.domain.ordered import REGISTRATION, scope_of
from integrator.domain.portal import DOCUMENT, STATUS
from integrator.errors import BadRecord, IntegratorError, NotBookable, NotFound, Unavailable, UsageError
from integrator.jobs import reseller_desk
from integrator.runtime.outbox import Outbox
from integrator.standins.trainingportal import AWKWARD
from integrator.standins.trainingportal.cutting import CutUploads
from integrator.store.booking_documents import ENDED
from integrator.store.courses import PAPER, SetAside
from rawserver import WAIT_S

COMPLETED = f"COMPLETED {LAST_DAY}"
B, C, D = (reference(letter) for letter in "BCD")


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Office]:
    with office(tmp_path / "home") as made:
        yield made


def assert_level(here: Office) -> None:
    """A further run has nothing to do, and leaves nothing behind."""
    here.standin.clear_ledger()
    report = here.run()
    assert (report.exit_code, here.standin.effects(), here.kept()) == (0, [], [])


# statuses ------------------------------------------------------------------------------------------


def test_a_status_is_told_once_and_known_as_told(here: Office) -> None:
    assert here.set("COMPLETED", "3.3.2027")["changed"]
    report = here.run()
    assert (report.exit_code, report.counts) == (0, {"trainingportal.status.told": 1})
    assert here.told() == [COMPLETED]
    assert here.rows("SELECT version, told_version, told_at FROM booking_statuses") == [(1, 1, NOW)]
    assert not here.set("completed", LAST_DAY)["changed"]
    assert_level(here)


def test_only_the_newest_of_several_is_told(here: Office) -> None:
    for status, on in (("NO_SHOW", None), ("COMPLETED", "2027-03-02"), ("FAILED", None), ("COMPLETED", LAST_DAY)):
        here.set(status, on)
    assert here.run().exit_code == 0
    assert here.told() == [COMPLETED]
    here.set("FAILED")
    here.run()
    assert here.told() == [COMPLETED, "FAILED"]
    assert_level(here)


def test_a_corrected_date_is_told(here: Office) -> None:
    here.set("COMPLETED", "2027-03-02")
    here.run()
    here.complete()
    here.run()
    assert here.told() == ["COMPLETED 2027-03-02", COMPLETED]


@pytest.mark.parametrize(
    ("status", "on", "error", "said"),
    [
        ("COMPLETED", None, UsageError, "needs the date"),
        ("COMPLETED", "2027-03-11", UsageError, "still to come"),
        ("NO_SHOW", LAST_DAY, UsageError, "takes no date"),
        ("DONE", None, UsageError, "unknown status"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(
    here: Office, status: str, on: str | None, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        here.set(status, on)
    assert here.rows("SELECT count(*) FROM outbox") == here.rows("SELECT count(*) FROM booking_statuses") == [(0,)]


def test_only_a_confirmed_booking_takes_a_status(here: Office) -> None:
    with pytest.raises(NotFound):
        here.set("NEW", booking="TP-NONE")
    for letter, state in (("B", "reserved"), ("C", "unseen"), ("D", "cancelled")):
        here.book(reference(letter), state=state)
        with pytest.raises(NotBookable) as caught:
            here.set("NEW", booking=reference(letter))
        assert caught.value.code == state


def test_an_older_status_on_its_way_never_overtakes_a_newer_one(here: Office) -> None:
    """The first request hangs there, and may be carried out whenever it likes within the time to settle."""
    here.timeout_s = WAIT_S
    here.set("NO_SHOW")
    here.fault(E8, {"kind": "hang"})
    assert here.run().exit_code == 75
    here.complete()
    with here.store() as db:
        assert Outbox(db, clock=lambda: here.at).due(STATUS) == [], "the newer one waits"
    here.server.faults.gate.release()
    assert any(here.told() for _ in range(500_000)), "the older one has arrived"
    here.timeout_s = 10
    here.pass_time()
    assert here.run().exit_code == 0
    assert here.told() == ["NO_SHOW", COMPLETED]
    assert_level(here)


def test_while_an_older_one_may_still_arrive_nothing_newer_is_sent(here: Office) -> None:
    here.timeout_s = WAIT_S
    here.set("NO_SHOW")
    here.fault(E8, {"kind": "hang"})
    here.run()
    here.complete()
    here.settle_s = 0.1  # the clock stands still, so that it is never over
    assert here.run().exit_code == 75
    calls = [row["path"].split("/")[-2] for row in here.standin.entries()]
    assert calls == ["update", "get", "get"]
    here.pass_time()
    assert here.run().exit_code == 0
    assert here.told() == [COMPLETED]


def test_that_it_stands_so_already_is_no_proof_while_an_older_one_may_still_arrive(here: Office) -> None:
    """FAILED is there, NO_SHOW hangs, then FAILED again: NO_SHOW may come after whoever looks now."""
    here.set("FAILED")
    here.run()
    here.timeout_s = WAIT_S
    here.set("NO_SHOW")
    here.fault(E8, {"kind": "hang"})
    assert here.run().exit_code == 75
    here.set("FAILED")
    here.pass_time()
    assert here.run().exit_code == 0
    assert here.told() == ["FAILED", "FAILED"]
    here.server.faults.clear()


@pytest.mark.parametrize(
    ("fault", "told", "code"),
    [
        ("false", 0, 3),  # a definite no to this booking
        ("404", 0, 3),
        ("html", 0, 75),  # nobody knows: looked up later
        ("html-after", 1, 75),
        ("nothing", 0, 75),
        ("empty", 1, 75),
        ("login", 1, 75),
        ("lost", 1, 75),
        ("cut", 1, 75),
    ],
)
def test_one_stuck_booking_holds_no_other(here: Office, fault: str, told: int, code: int) -> None:
    here.book(B)
    here.set("FAILED")
    here.complete(B)
    here.fault(E8, AWKWARD[fault])
    report = here.run()
    assert report.exit_code == code, (report.error, report.failed, report.waiting)
    assert here.told(B) == [COMPLETED]
    here.pass_time()
    if code == 3:
        assert here.run().exit_code == 0, "a person decides; it is said once, and status goes on saying it"
        here.set("NO_SHOW")  # a newer one takes its place
    assert here.run().exit_code == 0
    assert here.told()[-1] == ("NO_SHOW" if code == 3 else "FAILED")
    assert_level(here)


def test_a_status_that_says_it_failed_and_did_not_fail_ends_right_with_the_next_word(here: Office) -> None:
    here.set("FAILED")
    here.fault(E8, AWKWARD["false-after"])
    assert here.run().exit_code == 3
    here.complete()
    assert here.run().exit_code == 0
    assert here.told() == ["FAILED", COMPLETED]


def test_credentials_that_are_refused_stop_the_run_and_keep_everything(here: Office) -> None:
    here.standin.seed({"password": "another"})
    here.complete()
    report = here.run()
    assert (report.exit_code, here.messages(STATUS)) == (1, ["received"])
    here.standin.seed({"password": "demo-trainingportal-password"})
    assert here.run().exit_code == 0
    assert here.told() == [COMPLETED]


def test_a_dry_run_tells_nothing_and_keeps_nothing(here: Office) -> None:
    here.complete()
    here.run()
    here.put(f"{TP}.pdf")
    here.set("FAILED")
    here.complete()
    here.standin.clear_ledger()
    report = here.run(dry=True)
    assert [(effect, preview.action) for effect, preview in report.plan] == [(STATUS, "send")]
    assert report.plan[0][1].fields == [("status", "COMPLETED", "COMPLETED")]
    assert (here.standin.effects(), here.kept(), here.messages()) == ([], [], [])


def test_a_plan_shows_what_was_told_last(here: Office) -> None:
    def planned() -> list[tuple[str, Any, Any]]:
        [(_, preview)] = here.run(dry=True).plan
        return preview.fields

    here.set("NO_SHOW")
    assert planned() == [("status", None, "NO_SHOW")]
    here.run()
    here.complete()
    assert planned() == [("status", "NO_SHOW", "COMPLETED"), ("completed_on", None, LAST_DAY)]
    here.run()
    here.set("COMPLETED", "2027-03-02")
    assert planned() == [("status", "COMPLETED", "COMPLETED"), ("completed_on", LAST_DAY, "2027-03-02")]
    here.set("FAILED")
    assert planned() == [("status", "COMPLETED", "FAILED"), ("completed_on", LAST_DAY, None)], "what was told, not set"


def test_without_trainingportal_what_was_decided_is_kept_and_said(here: Office, tmp_path: Path) -> None:
    from integrator.jobs.update_booking_status import update_booking_status
    from integrator.runner import Options, run_job

    here.complete()

    def story(run: Any, wiring: Any) -> None:
        update_booking_status(run, None, documents=here.documents, var=here.home.var, max_bytes=1_000_000)

    options = Options(clock=lambda: NOW)
    report = run_job("update-booking-status", story, needs=("monitor",), options=options, home=here.home)
    assert report.exit_code == 0
    assert report.remarks == ["[trainingportal] is switched off: 1 message(s) on bookings stay in the outbox"]


# documents -----------------------------------------------------------------------------------------


def test_documents_are_uploaded_once_after_their_status(here: Office) -> None:
    here.put(f"{TP}.pdf", pdf("one"))
    here.put(f"{TP}/bevis Åse.pdf", pdf("three"))
    assert here.run().counts == {}, "its booking is not completed"
    here.complete()
    report = here.run()
    assert (report.exit_code, report.remarks) == (0, [])
    assert sorted(here.uploaded()) == [(TP, len(pdf("one"))), (TP, len(pdf("three")))]
    assert [one["kind"] for one in here.standin.effects()] == ["status", "document", "document"]
    assert (here.kept(), here.messages()) == ([], ["completed", "completed"])
    assert sorted(path.name for path in here.documents.rglob("*.pdf")) == [f"{TP}.pdf", "bevis Åse.pdf"]
    assert_level(here)


def test_the_same_content_under_another_name_or_touched_is_not_sent_again(here: Office) -> None:
    here.put(f"{TP}.pdf")
    here.complete()
    here.run()
    here.put(f"{TP}/kopi.pdf")
    here.put(f"{TP}.pdf")
    here.run()
    assert here.uploaded() == [(TP, len(pdf()))]
    here.put(f"{TP}.pdf", pdf("corrected"))
    here.run()
    assert here.uploaded() == [(TP, len(pdf())), (TP, len(pdf("corrected")))]


def test_the_same_content_for_two_bookings_is_two_documents(here: Office) -> None:
    here.book(B)
    for booking in (TP, B):
        here.put(f"{booking}.pdf")
        here.complete(booking)
    here.run()
    assert sorted(one for one, _ in here.uploaded()) == sorted([TP, B])


@pytest.mark.parametrize("status", ["FAILED", "NO_SHOW", "NEW"])
def test_no_document_leaves_for_a_booking_that_is_not_completed(here: Office, status: str) -> None:
    here.certificates = True
    here.put(f"{TP}.pdf")
    here.set(status)
    assert (here.run().exit_code, here.uploaded()) == (0, [])


def test_no_document_leaves_before_completed_is_known_there(here: Office) -> None:
    here.put(f"{TP}.pdf")
    here.complete()
    here.fault(E8, AWKWARD["false"])
    assert (here.run().exit_code, here.uploaded(), here.kept()) == (3, [], [])


def test_what_waits_is_withdrawn_when_the_status_changes_and_comes_again_with_completed(here: Office) -> None:
    here.put(f"{TP}.pdf")
    here.complete()
    here.standin.seed({"upload": {"most_bytes": 1}})
    here.fault(E9, {"kind": "status", "status": 429})
    assert here.run().exit_code == 75
    assert (here.messages(), len(here.kept())) == (["received"], 1)
    here.set("FAILED")
    assert here.messages() == []
    here.standin.seed({"upload": {}})
    here.run()
    assert (here.uploaded(), here.kept()) == ([], [])
    here.complete()
    assert here.run().exit_code == 0
    assert here.uploaded() == [(TP, len(pdf()))]
    assert_level(here)


def test_only_plain_whole_pdf_files_of_a_fitting_size_leave(here: Office, tmp_path: Path) -> None:
    outside = tmp_path / "outside.pdf"
    outside.write_bytes(pdf("outside"))
    bad = {
        "B": b"GIF89a%PDF-\n%%EOF",
        "C": b"",
        "D": b"%PDF-1.7\n" + b"x" * 2000,
        "E": pdf("x" * 1_000_000),
    }
    codes = {"B": "not_pdf", "C": "not_pdf", "D": "cut", "E": "too_large"}
    for letter, content in bad.items():
        here.book(reference(letter))
        here.complete(reference(letter))
        here.put(f"{reference(letter)}.pdf", content)
    here.complete()
    (here.documents / f"{TP}.pdf").symlink_to(outside)
    (here.documents / TP).mkdir()
    (here.documents / TP / "link.pdf").symlink_to(outside)
    (here.documents / TP / "folder.pdf").mkdir()
    (here.documents / TP / "notes.txt").write_text("x")
    report = here.run()
    assert (report.exit_code, here.uploaded()) == (3, [])
    rows = here.rows("SELECT key, code FROM set_aside WHERE kind = 'document' ORDER BY key")
    codes = {TP: "not_pdf", **{reference(letter): code for letter, code in codes.items()}, "documents": "unplaced"}
    assert rows == list(codes.items())
    assert report.failed.keys() == {f"document {key}" for key in codes}
    where = f"file(s) or folder(s) in {here.documents}"
    assert report.remarks == [
        f"documents: 1 {where} are links: they were left alone",
        f"documents: 2 {where} are links or folders in a booking's folder: they were left alone",
        f"documents: 1 {where} lie in a booking's folder and are no .pdf: they were left alone",
        f"documents: not a PDF by their name, in {here.documents}: {TP}/….txt",
        "documents: 5 booking(s) have one that cannot be uploaded: integrator status",
    ]
    assert here.run().exit_code == 0, "it is said once"
    (here.documents / f"{TP}.pdf").unlink()
    (here.documents / TP / "notes.txt").unlink()
    for letter in bad:
        here.put(f"{reference(letter)}.pdf", pdf(letter))
    here.run()
    assert len(here.uploaded()) == 4
    assert here.rows("SELECT * FROM set_aside") == []


def test_a_folder_that_leads_elsewhere_is_not_entered(here: Office, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "a.pdf").write_bytes(pdf())
    here.documents.mkdir()
    (here.documents / TP).symlink_to(tmp_path / "other")
    here.complete()
    assert (here.run().exit_code, here.uploaded()) == (3, [])


@pytest.mark.parametrize(
    "name",
    [
        *(f"{B}.pdf", f"kursusbevis {B}.pdf", f"{B.lower()}.pdf", f"{TP} og {B}.pdf", f"{C}.pdf", f"x{C}y.PDF"),
        "TP-7.pdf",  # the reference of another booking, though it is not written as ours are
    ],
)
def test_a_file_named_like_anothers_never_leaves_for_the_wrong_booking(here: Office, name: str) -> None:
    for other in (B, "TP-7"):
        here.book(other)
    here.complete()
    here.put(f"{TP}/{name}")
    here.put(f"{TP}/{TP} bevis.pdf", pdf("right"))
    report = here.run()
    assert here.uploaded() == [(TP, len(pdf("right")))]
    assert any("are named like another" in remark for remark in report.remarks)


@pytest.mark.parametrize(
    "name",
    ["ukendt.pdf", f"{B} Åse ukendt.pdf", f"{B}.pdf.pdf", f"{C}/a.pdf", "a/b.pdf", f"{C}.docx"],
)
def test_an_unknown_file_is_remarked_by_its_reference_alone_and_needs_a_person(here: Office, name: str) -> None:
    here.complete()
    path = here.put(name)
    report = here.run()
    assert (report.exit_code, here.uploaded(), path.exists()) == (3, [], True)
    [remark] = report.remarks
    assert f"in {here.documents} belong to no booking by their name" in remark
    assert "ukendt" not in remark
    assert "Åse" not in remark
    assert [one in remark for one in (B, C)] == [name.startswith(one) for one in (B, C)]
    assert [*report.failed] == ["document documents"]
    assert here.run().exit_code == 0, "it is said once; status goes on"
    here.put("en til.pdf")
    assert here.run().exit_code == 3, "there is more of it"
    (here.documents / "en til.pdf").unlink()
    assert here.run().exit_code == 0, "less is no news"
    path.unlink()
    assert here.run().exit_code == 0
    assert here.rows("SELECT key FROM set_aside") == ([] if "/" not in name else [("documents",)])


@pytest.mark.parametrize(("name", "shown"), [(f"{TP}.docx", f"{TP}.docx"), (TP.lower(), TP.lower())])
def test_a_file_that_is_no_pdf_by_its_name_is_named(here: Office, name: str, shown: str) -> None:
    path = here.put(name)
    report = here.run()
    assert report.exit_code == 0, "its booking has no COMPLETED, and needs none yet"
    assert report.remarks == [f"documents: not a PDF by their name, in {here.documents}: {shown}"]
    here.complete()
    report = here.run()
    assert (report.exit_code, here.uploaded(), path.exists()) == (3, [], True)
    reason = f"documents: {shown} is not a PDF by its name; it was not uploaded"
    assert report.failed == {f"document {TP}": reason}
    assert here.rows("SELECT key, code FROM set_aside") == [(TP, "not_pdf")]
    here.put(f"{TP}.pdf")
    assert here.run().exit_code == 0
    assert (len(here.uploaded()), here.rows("SELECT * FROM set_aside")) == (1, []), "the text beside it is no trouble"


def test_many_misnamed_files_are_named_within_bounds(here: Office) -> None:
    for number in range(30):
        here.put(f"{reference('ABCDEFGHIJ'[number % 10])} {number}.pdf")
    [remark] = here.run().remarks
    assert remark.startswith("documents: 30 file(s) or folder(s)")
    assert remark.count("TP-") == 20
    assert remark.endswith(" and 10 more)")


@pytest.mark.parametrize("name", [f"{TP.lower()}.pdf", f"{TP} .PDF", f" {TP}.pdf", f"{TP.lower()} /a.pdf"])
def test_letters_and_blanks_do_not_matter_in_a_name(here: Office, name: str) -> None:
    here.complete()
    here.put(name)
    report = here.run()
    assert (report.exit_code, report.remarks, here.uploaded()) == (0, [], [(TP, len(pdf()))])


def test_files_that_wait_for_a_completion_are_counted(here: Office) -> None:
    here.book(B)
    here.set("FAILED", booking=B)
    for name in (f"{TP}.pdf", f"{TP}/more.pdf", f"{B}.pdf"):
        here.put(name)
    report = here.run()
    assert (report.exit_code, here.uploaded()) == (0, [])
    assert report.remarks == ["documents: 3 file(s) wait until Trainingportal has their booking's COMPLETED"]


def broken_scandir(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A folder of that name cannot be read, also not by root."""
    real = os.scandir

    def scandir(path: Any) -> Any:
        if not isinstance(path, int) and Path(path).name == name:
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr("integrator.jobs.booking_papers.os.scandir", scandir)


def test_a_folder_that_cannot_be_read_is_its_bookings_trouble_alone(
    here: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.certificates = True
    for booking in (B, C):
        here.book(booking)
    for booking in (TP, B, C):
        here.complete(booking)
    here.put(f"{B}.pdf")
    here.put(f"{TP}/a.pdf")
    broken_scandir(monkeypatch, TP)
    report = here.run()
    assert (report.exit_code, report.error) == (3, None)
    assert [one for one, _ in here.uploaded()] == [B, C], "no certificate in the place of what cannot be seen"
    assert here.rows("SELECT key, code FROM set_aside") == [(TP, "unreadable")]


def test_a_folder_of_documents_that_leads_to_itself_stops_nobody(here: Office) -> None:
    here.certificates = True
    here.documents.symlink_to(here.documents)
    here.complete()
    with here.store() as db, db.tx():
        SetAside(db).replace(PAPER, {B: ("cut", "its end is missing")}, at=NOW, run_id=1)
    report = here.run()
    assert (report.exit_code, here.told(), here.uploaded()) == (3, [COMPLETED], [])
    found = here.rows("SELECT key, code FROM set_aside ORDER BY key")
    assert found == [(B, "cut"), ("documents", "unreadable")], "nobody has looked at its file"
    [remark] = report.remarks
    where = f"documents: the folder {here.documents} cannot be read (Too many levels of symbolic links)"
    assert remark.startswith(where)
    here.documents.unlink()
    here.run()
    assert len(here.uploaded()) == 1


def test_a_link_that_leads_to_itself_stops_nobody(here: Office) -> None:
    here.put(f"{TP}/a.pdf")
    for place in (here.documents / f"{B}.pdf", here.documents / TP / "b.pdf"):
        place.symlink_to(place)
    here.complete()
    assert here.run().exit_code == 3
    assert here.uploaded() == [(TP, len(pdf()))]


def test_hidden_files_are_nobodys(here: Office) -> None:
    here.complete()
    here.put(".DS_Store")
    here.put(f"{TP}/.~lock.pdf")
    assert (here.run().remarks, here.uploaded()) == ([], [])


def test_a_cancelled_bookings_file_is_remarked(here: Office) -> None:
    here.book(B, state="cancelled")
    here.put(f"{B}.pdf")
    assert here.run().remarks == [
        f"documents: 1 file(s) or folder(s) in {here.documents} belong to cancelled bookings: they were left alone"
    ]


# doubts ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["html", "html-after", "nothing", "empty", "login", "lost", "cut"])
def test_a_document_in_doubt_waits_for_a_person(here: Office, fault: str) -> None:
    here.book(B)
    for booking in (TP, B):
        here.put(f"{booking}.pdf")
        here.complete(booking)
    here.fault(E9, AWKWARD[fault])
    assert here.run().exit_code == 75
    here.pass_time()
    before = len(here.uploaded())
    report = here.run()
    assert report.exit_code == 3
    assert all(reason.startswith("held") for reason in report.failed.values())
    assert (sorted(here.messages()), len(here.kept())) == (["completed", "failed"], 1)
    for _ in range(2):
        assert here.run().exit_code == 0
        here.pass_time()
    assert len(here.uploaded()) == before, "never again by itself"
    [(held,)] = here.rows("SELECT id FROM outbox WHERE state = 'failed'")
    with here.store() as db:
        outbox = Outbox(db, clock=lambda: here.at)
        if before == 2:
            outbox.drop(held)
        else:
            outbox.retry(held, looked=True)
    assert here.run().exit_code == 0
    assert sorted(one for one, _ in here.uploaded()) == sorted([TP, B])
    assert_level(here)


def test_a_no_to_one_document_holds_no_other(here: Office) -> None:
    here.book(B)
    for booking in (TP, B):
        here.put(f"{booking}.pdf")
        here.complete(booking)
    here.fault(E9, AWKWARD["false"])
    report = here.run()
    assert (report.exit_code, len(here.uploaded()), sorted(here.messages())) == (3, 1, ["completed", "failed"])
    with here.store() as db:
        [row] = db.all("SELECT id FROM outbox WHERE state = 'failed'")
        Outbox(db, clock=lambda: here.at).retry(row["id"])
    assert here.run().exit_code == 0
    assert len(here.uploaded()) == 2
    assert_level(here)


def test_an_upload_cut_in_its_middle_arrives_once(here: Office) -> None:
    here.put(f"{TP}.pdf", pdf("x" * 500_000))
    here.complete()
    with CutUploads(here.server.url, after=200_000) as way:
        here.url = way.url
        first = here.run()
        assert (first.exit_code, way.cut, here.uploaded()) == (75, 1, [])
        here.pass_time()
        second = here.run()
        if second.exit_code == 3:  # it could not be told from one that arrived
            with here.store() as db:
                [row] = db.all("SELECT id FROM outbox WHERE state = 'failed'")
                Outbox(db, clock=lambda: here.at).retry(row["id"], looked=True)
            second = here.run()
        assert second.exit_code == 0
    assert here.uploaded() == [(TP, len(pdf("x" * 500_000)))]
    assert_level(here)


def test_bytes_that_somebody_deleted_are_not_replaced_by_others_and_can_be_put_again(here: Office) -> None:
    path = here.put(f"{TP}.pdf")
    here.complete()
    here.fault(E9, {"kind": "status", "status": 429})
    here.run()
    path.unlink()
    [kept] = [here.home.var / "documents" / name for name in here.kept()]
    kept.write_bytes(pdf("other"))
    here.pass_time()
    assert (here.run().exit_code, here.uploaded(), here.messages()) == (3, [], ["failed"])
    here.put(f"{TP}.pdf")
    with here.store() as db:
        Outbox(db, clock=lambda: here.at).retry(db.value("SELECT id FROM outbox WHERE state = 'failed'"))
    assert here.run().exit_code == 0
    assert here.uploaded() == [(TP, len(pdf()))]
    assert_level(here)


@pytest.mark.parametrize(("restored", "held"), [(NOW - 8 * 86_400, False), (NOW - 86_400, True)])
def test_after_a_restore_what_may_have_left_before_it_waits_for_a_person(
    here: Office, restored: int, held: bool
) -> None:
    with here.store() as db:
        db.write("INSERT INTO counters (name, value) VALUES ('restored_at', ?)", (restored,))
    here.put(f"{TP}.pdf")
    here.complete()
    assert here.run().exit_code == (3 if held else 0)
    assert here.uploaded() == ([] if held else [(TP, len(pdf()))])


def test_what_an_ended_run_left_in_the_folder_is_swept(here: Office) -> None:
    folder = here.home.var / "documents" / TP
    folder.mkdir(parents=True)
    for name in (".abc.new", f"{'0' * 64}.pdf"):
        (folder / name).write_bytes(b"x")
    assert here.run().exit_code == 0
    assert not folder.exists()


# certificates ---------------------------------------------------------------------------------------


def test_a_certificate_is_made_where_there_is_no_file_and_only_then(here: Office) -> None:
    here.certificates = True
    here.book(B)
    here.put(f"{B}.pdf")
    for booking in (TP, B):
        here.complete(booking)
    assert here.run().exit_code == 0
    assert [one for one, _ in here.uploaded()] == [B, TP]
    assert here.rows("SELECT reference, kind FROM booking_documents ORDER BY id") == [
        (B, "file"),
        (TP, "certificate"),
    ]
    assert_level(here)


def test_without_the_policy_none_is_made(here: Office) -> None:
    here.complete()
    assert (here.run().exit_code, here.uploaded()) == (0, [])


def test_a_changed_template_makes_no_certificate_anew(here: Office) -> None:
    here.certificates = True
    here.complete()
    here.run()
    template = here.home.config / "templates" / "certificate.typ"
    template.write_text(template.read_text(encoding="utf-8").replace("34pt", "40pt"), encoding="utf-8")
    assert_level(here)
    here.book(B)
    here.complete(B)
    here.run()
    assert [one for one, _ in here.uploaded()] == [B]


def test_a_broken_template_holds_no_file_back_and_is_told_at_the_end(here: Office) -> None:
    here.certificates = True
    template = here.home.config / "templates" / "certificate.typ"
    right = template.read_text(encoding="utf-8")
    template.write_text("= Bevis\n#nope", encoding="utf-8")
    here.book(B)
    here.put(f"{B}.pdf")
    for booking in (TP, B):
        here.complete(booking)
    report = here.run()
    assert (report.exit_code, report.error) == (78, "config/templates/certificate.typ:2: unknown variable: nope")
    assert [one for one, _ in here.uploaded()] == [B]
    template.write_text(right, encoding="utf-8")
    assert here.run().exit_code == 0
    assert [one for one, _ in here.uploaded()] == [B, TP]


def test_a_name_no_font_has_is_set_aside_and_holds_no_other(here: Office) -> None:
    here.certificates = True
    here.book(B, name="小 明")
    for booking in (TP, B):
        here.complete(booking)
    assert here.run().exit_code == 3
    assert [one for one, _ in here.uploaded()] == [TP]
    assert here.rows("SELECT kind, key, code FROM set_aside") == [("document", B, "no_font")]


def test_a_template_that_fails_for_one_student_is_set_aside_for_that_one_and_holds_no_other(here: Office) -> None:
    here.certificates = True
    template = here.home.config / "templates" / "certificate.typ"
    right = template.read_text(encoding="utf-8")
    panics = '#if json(bytes(sys.inputs.data)).student.name == "Bo Krag" { panic("Bo Krag") }\n'
    template.write_text(panics + right, encoding="utf-8")
    here.book(reference("A"), name="Bo Krag")
    for booking in (TP, reference("A")):
        here.complete(booking)
    for code in (3, 0):  # said once
        report = here.run()
        assert (report.exit_code, [one for one, _ in here.uploaded()]) == (code, [TP])
        assert here.rows("SELECT kind, key, code FROM set_aside") == [("document", reference("A"), "template")]
    [(reason,)] = here.rows("SELECT reason FROM set_aside")
    assert "certificate.typ:1 cannot be filled in for it" in reason
    assert "Krag" not in reason
    template.write_text(right, encoding="utf-8")
    assert here.run().exit_code == 0
    assert ([one for one, _ in here.uploaded()], here.rows("SELECT * FROM set_aside")) == ([TP, reference("A")], [])


class Maker:
    """Makes certificates, but of some bookings it raises."""

    def __init__(self, **raised: IntegratorError) -> None:
        self.raised = {reference(letter): error for letter, error in raised.items()}
        self.asked: list[str] = []

    def pdf(self, facts: Certificate) -> bytes:
        self.asked.append(facts.reference)
        if facts.reference in self.raised:
            raise self.raised[facts.reference]
        return pdf(facts.reference)


def test_a_certificate_that_takes_too_long_is_tried_by_the_next_run_and_holds_no_other(here: Office) -> None:
    here.book(B)
    here.book(C)
    for booking in (TP, B, C):
        here.complete(booking)
    unwritable = BadRecord("a letter", code="no_font")
    here.maker = Maker(B=unwritable)
    here.run()
    here.maker = Maker(B=Unavailable("takes longer than 30 s"), C=Unavailable("takes longer than 30 s"))
    report = here.run()
    assert (report.exit_code, list(report.waiting)) == (75, [f"certificate {B}"])
    assert sorted(one for one, _ in here.uploaded()) == sorted([TP, C])
    assert here.rows("SELECT key, code FROM set_aside") == [(B, "no_font")], "nothing says that this is over"
    here.maker = Maker()
    assert (here.run().exit_code, here.rows("SELECT * FROM set_aside")) == (0, [])


def test_where_no_certificate_can_be_made_now_files_leave_all_the_same(
    here: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder for temporary files is full, or gone."""
    here.certificates = True
    here.book(B)
    for booking in (TP, B):
        here.complete(booking)
    here.put(f"{B}.pdf")
    monkeypatch.setattr("tempfile.tempdir", "/nowhere")
    report = here.run()
    assert (report.exit_code, [one for one, _ in here.uploaded()]) == (75, [B])
    [waiting] = report.waiting.values()
    assert "cannot be made now: /nowhere" in waiting
    monkeypatch.setattr("tempfile.tempdir", None)
    assert here.run().exit_code == 0
    assert len(here.uploaded()) == 2


def test_on_a_machine_that_is_too_busy_not_every_certificate_is_tried(here: Office) -> None:
    slow = dict.fromkeys("BCDEFG", Unavailable("takes longer than 30 s"))
    for letter in slow:
        here.book(reference(letter))
        here.complete(reference(letter))
    here.maker = Maker(**slow)
    report = here.run()
    assert (report.exit_code, len(here.maker.asked), len(report.waiting)) == (75, 3, 6)


def test_no_certificate_for_somebody_erased(here: Office) -> None:
    here.certificates = True
    here.complete()
    with here.store() as db:
        db.write("UPDATE participants SET first_name = 'erased-1', anonymised_at = 1")
    assert (here.run().exit_code, here.uploaded()) == (0, [])


def test_of_who_lost_the_seat_and_got_another_an_operators_file_leaves_and_no_certificate_is_made(here: Office) -> None:
    """They were confirmed when their order had been released: nobody here knows their name."""
    here.certificates = True
    here.book(B)
    with here.store() as db:
        db.write("UPDATE bookings SET task = 'lost_seat'")
        db.write("DELETE FROM participants")
        db.write("UPDATE orders SET state = 'released', completed_at = NULL")
    for booking in (TP, B):
        here.complete(booking)
    here.put(f"{TP}.pdf")
    assert here.run().exit_code == 0
    assert [one for one, _ in here.uploaded()] == [TP]


def test_a_certificate_that_waits_is_made_anew_when_the_date_is_corrected(here: Office) -> None:
    here.certificates = True
    here.set("COMPLETED", "2027-03-02")
    here.fault(E9, {"kind": "status", "status": 429})
    assert here.run().exit_code == 75
    [old] = here.kept()
    here.complete()
    assert here.run().exit_code == 0
    [(sha256,)] = here.rows("SELECT sha256 FROM booking_documents")
    assert sha256 not in old
    assert len(here.uploaded()) == 1
    assert_level(here)


def test_a_failed_document_that_is_tried_again_fails_while_its_booking_is_not_completed(here: Office) -> None:
    here.put(f"{TP}.pdf")
    here.complete()
    here.fault(E9, AWKWARD["false"])
    assert here.run().exit_code == 3
    here.set("FAILED")
    with here.store() as db:
        Outbox(db, clock=lambda: here.at).retry(db.value("SELECT id FROM outbox WHERE effect = ?", (DOCUMENT,)))
    assert (here.run().exit_code, here.uploaded(), here.messages()) == (3, [], ["failed"])
    here.complete()
    assert here.run().exit_code == 0
    assert here.uploaded() == [(TP, len(pdf()))]
    assert_level(here)


def wait_for_upload(here: Office) -> None:
    """A document that waits for its next try."""
    here.put(f"{TP}.pdf")
    here.complete()
    here.fault(E9, {"kind": "status", "status": 429})
    assert (here.run().exit_code, here.messages(), len(here.kept())) == (75, ["received"], 1)


def test_a_cancelled_bookings_document_ends_and_its_bytes_go(here: Office) -> None:
    wait_for_upload(here)
    with here.store() as db:
        db.write("UPDATE bookings SET state = 'cancelled'")
    here.pass_time()
    report = here.run()
    assert (report.exit_code, here.uploaded(), here.messages(), here.kept()) == (3, [], ["failed"], [])
    assert list(report.failed.values()) == [ENDED]
    with here.store() as db:
        assert Outbox(db, clock=lambda: here.at).pending(DOCUMENT) == 0, "nothing keeps gdpr erase waiting"
    assert here.run().exit_code == 0


def test_the_bytes_of_a_completion_that_was_withdrawn_go_and_come_again_with_it(here: Office) -> None:
    wait_for_upload(here)
    with here.store() as db:
        db.write("UPDATE booking_statuses SET status = 'FAILED', completed_on = NULL")
    here.pass_time()
    assert (here.run().exit_code, here.messages(), here.kept()) == (3, ["failed"], [])
    here.complete()
    assert here.run().exit_code == 0
    assert here.uploaded() == [(TP, len(pdf()))]


def test_what_waits_is_withdrawn_by_a_cancellation(here: Office) -> None:
    wait_for_upload(here)
    with open_desk(here.home, asks=False) as desk:
        assert reseller_desk.cancel(desk, TP)
    assert here.messages() == []
    here.pass_time()
    report = here.run()
    assert (report.exit_code, here.uploaded(), here.kept()) == (0, [], [])


@pytest.mark.parametrize("doubt", [False, True])
def test_a_status_that_still_waits_when_its_booking_is_cancelled_is_given_up(here: Office, doubt: bool) -> None:
    here.book(B)
    for booking in (TP, B):
        here.set("NO_SHOW", booking=booking)
    if doubt:
        here.fault(E8, {"kind": "status", "status": 504})
        here.run()
    with here.store() as db:
        outbox = Outbox(db, clock=lambda: here.at)
        outbox.once(REGISTRATION, "ILI-1-1", {}, scope=scope_of(db.value("SELECT min(id) FROM orders")))
        outbox.complete(*outbox.begin(outbox.due(REGISTRATION)), "100302")
    with open_desk(here.home, asks=False) as desk:
        assert reseller_desk.cancel(desk, TP)
    here.pass_time()
    report = here.run()
    assert (report.exit_code, here.told(), here.told(B)) == (0, [], ["NO_SHOW"])
    assert report.remarks == ["1 status(es) were not told: their bookings were cancelled meanwhile"]
    shown = "SELECT state, body, reason FROM outbox WHERE effect = ? AND key = ?"
    assert here.rows(shown, STATUS, TP) == [("failed", None, "its booking was cancelled: nothing more is told of it")]
    assert_level(here)
