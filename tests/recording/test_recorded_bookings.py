"""The jobs around bookings recorded and replayed: an empty folder finds the same work, and holds nobody."""

import hashlib
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from portal_tapes import (
    HTTP,
    PDF,
    QUIRKS,
    REFERENCES,
    assert_same,
    attended,
    edited,
    interactions,
    metadata,
    put,
    recorded,
    replay,
    replayed,
    reserved,
    say,
    visible,
)

from moments import HELD, LATER, TOLD, moving
from portal_world import PortalWorld

# confirm-bookings ---------------------------------------------------------------------------------


@pytest.mark.parametrize("quirks", [*QUIRKS, {"lower_names": False, "optional": "null"}], ids=str)
def test_bookings_are_confirmed_again_in_an_empty_folder(
    reseller: PortalWorld, tape: Path, tmp_path: Path, quirks: dict[str, Any]
) -> None:
    visible(reseller, *reserved(reseller, 0, 1, 2)[:2])
    reseller.portal.seed(quirks)
    report = recorded(reseller, "confirm-bookings", tape, LATER)
    assert report["counts"]["bookings.confirmed"] == 2
    assert report["counts"]["bookings.not_visible"] >= 2
    assert_same(tape, "confirm-bookings", report, tmp_path / "empty")


def test_a_student_is_the_same_everywhere_and_so_is_a_reference(reseller: PortalWorld, tape: Path) -> None:
    visible(reseller, *reserved(reseller, 0, 1))
    recorded(reseller, "confirm-bookings", tape, LATER)
    first, second = (yaml.safe_load(one["response"]["body"]["string"]) for one in interactions(tape))
    same = ("firstname", "lastname", "email", "phone", "birthDate", "company", "commentOnEnrollment", "enroller")
    assert [first[name] for name in same] == [second[name] for name in same]
    assert first["bookingReference"] != second["bookingReference"]
    asked = [one["request"]["uri"].rpartition("/")[2] for one in interactions(tape)]
    carried = [one["booking"]["reference"] for one in metadata(tape)["bookings"]["bookings"]]
    assert sorted(asked) == sorted(carried)
    assert all(re.fullmatch(r"TP-MADEUP[A-Z]{20}", reference) for reference in asked)
    assert re.fullmatch(r"19[5-9]\d-\d\d-\d\d", first["birthDate"])


def test_at_home_a_replay_sees_what_the_recorded_run_saw_and_changes_nothing(reseller: PortalWorld, tape: Path) -> None:
    visible(reseller, *reserved(reseller, 0, 1))
    report = recorded(reseller, "confirm-bookings", tape, LATER)
    before = reseller.rows("SELECT reference, state, changed_at FROM bookings ORDER BY reference")
    again = reseller.run("confirm-bookings", "--replay", str(tape), "--json").json
    assert (again["exit_code"], again["counts"]) == (0, report["counts"])
    assert reseller.rows("SELECT reference, state, changed_at FROM bookings ORDER BY reference") == before


@pytest.mark.parametrize(
    "fault", [{"kind": "status", "status": 503}, {"kind": "reset", "when": "before"}, {"kind": "cut"}], ids=str
)
def test_trouble_is_replayed(reseller: PortalWorld, tape: Path, tmp_path: Path, fault: dict[str, Any]) -> None:
    visible(reseller, *reserved(reseller, 0))
    reseller.portal_server.faults.add([{"match": {"path": ".*/booking/.*"}, "fault": fault}])
    with moving(LATER):
        report = reseller.run("confirm-bookings", "--record", str(tape), "--json").json
    assert report["waiting"] or report["failed"]
    assert_same(tape, "confirm-bookings", report, tmp_path / "empty")


def test_words_about_a_login_stay_and_a_name_in_an_answer_does_not(
    reseller: PortalWorld, tape: Path, tmp_path: Path
) -> None:
    visible(reseller, *reserved(reseller, 0))
    answered = '{"sucessful": "false", "errorMessage": "Booking of Lovisa Åström does not exist, phone 90000002"}'
    rule = {"match": {"path": ".*/booking/.*"}, "times": 1, "fault": {"kind": "body", "raw": answered}}
    reseller.portal_server.faults.add([rule])
    report = recorded(reseller, "confirm-bookings", tape, LATER)
    answer = yaml.safe_load(interactions(tape)[0]["response"]["body"]["string"])
    assert re.fullmatch(r"Booking of \w+ \w+ does not exist, \w+ \d+", answer["errorMessage"])
    assert_same(tape, "confirm-bookings", report, tmp_path / "empty")
    reseller.portal.seed({"password": "another"})
    reserved(reseller, 1)
    again = tmp_path / "again.yaml"
    report = recorded(reseller, "confirm-bookings", again, HELD, code=1)
    assert interactions(again)[0]["response"]["body"]["string"].count("Wrong username or password") == 1
    said = "the answer is no: it is our login"
    assert report["error"].endswith(said)
    assert replayed(again, "confirm-bookings", tmp_path / "empty")["error"].endswith(said)


# update-booking-status ----------------------------------------------------------------------------


def assert_no_document(tape: Path, *contents: bytes) -> None:
    """Neither a document nor its hash is in the recording."""
    text = tape.read_text(encoding="utf-8")
    for content in contents:
        digest = hashlib.sha256(content).hexdigest()
        assert [found for found in (digest, digest[:16], "Kursusbevis", "Lovisas bevis") if found in text] == []


def test_documents_are_uploaded_again_made_up(reseller: PortalWorld, tape: Path, tmp_path: Path) -> None:
    first, second, third = attended(reseller, 0, 1, 2)
    for reference in (first, second):
        say(reseller, reference)
    same = b"%PDF-1.7\nfor both\n%%EOF\n"
    put(reseller, f"{first}.pdf")
    put(reseller, f"{first}/Lovisas bevis.pdf", same)
    put(reseller, f"{second}/Märta-Lovisa Åström.pdf", same)
    put(reseller, f"{third}.pdf", b"%PDF-1.7\nnot yet\n%%EOF\n")
    report = recorded(reseller, "update-booking-status", tape, TOLD)
    counts = {"documents.files": 3, "trainingportal.document.uploaded": 3, "trainingportal.status.told": 2}
    assert counts.items() <= report["counts"].items()
    assert_no_document(tape, PDF, same)
    files = metadata(tape)["bookings"]["files"]
    shown = [(one["document"], one["inside"], one["form"]) for one in files]
    assert shown == [(1, True, "pdf"), (1, True, "pdf"), (2, False, "pdf"), (3, False, "pdf")]
    assert_same(tape, "update-booking-status", report, tmp_path / "empty")


def test_files_that_cannot_be_uploaded_are_such_again(reseller: PortalWorld, tape: Path, tmp_path: Path) -> None:
    for reference, content in zip(
        attended(reseller, 0, 1, 2, 3), (b"%PDF-1.7 cut", b"a letter", b"", PDF), strict=True
    ):
        say(reseller, reference)
        put(reseller, f"{reference}.pdf", content)
    reseller.configure(portal_extra="upload.max_mb = 1\n" + HTTP)
    put(reseller, f"{REFERENCES[3]}.pdf", PDF + bytes(1_000_000))
    report = recorded(reseller, "update-booking-status", tape, TOLD, code=3)
    assert [one["form"] for one in metadata(tape)["bookings"]["files"]].count("other") == 2
    assert "documents.files" not in report["counts"]
    assert any("4 booking(s) have one that cannot be uploaded" in remark for remark in report["remarks"])
    assert_same(tape, "update-booking-status", report, tmp_path / "empty")
    again = replayed(tape, "update-booking-status", tmp_path / "empty")
    assert any("4 booking(s) have one that cannot be uploaded" in remark for remark in again["remarks"])


def test_what_waited_is_uploaded_and_what_is_gone_or_in_doubt_is_again(
    reseller: PortalWorld, tape: Path, tmp_path: Path
) -> None:
    references = attended(reseller, 0, 1, 2)
    for number, reference in enumerate(references):
        say(reseller, reference)
        put(reseller, f"{reference}.pdf", PDF + str(number).encode() + b"%%EOF")
    lost, busy = {"kind": "reset", "when": "after"}, {"kind": "status", "status": 429}
    match = {"path": ".*/uploadDocumentation/.*"}
    reseller.portal_server.faults.add(
        [{"match": match, "times": 1, "fault": lost}, {"match": match, "fault": busy, "times": 1}]
    )
    with moving(HELD):
        reseller.run("update-booking-status")
    assert {row[0] for row in reseller.rows("SELECT state FROM outbox WHERE effect LIKE '%document'")} == {
        "processing", "received",
    }  # fmt: skip
    for path in (reseller.home / "documents").iterdir():
        path.unlink()
    [*waiting] = sorted((reseller.home / "var" / "documents").rglob("*.pdf"))
    waiting[-1].unlink()
    report = recorded(reseller, "update-booking-status", tape, TOLD, code=3)
    assert report["counts"]["trainingportal.document.uploaded"] == 1
    assert len(report["failed"]) == 2
    assert_same(tape, "update-booking-status", report, tmp_path / "empty")


def test_a_home_in_which_everything_has_ended_replays_what_had_not(reseller: PortalWorld, tape: Path) -> None:
    [reference] = attended(reseller, 0)
    say(reseller, reference)
    put(reseller, f"{reference}.pdf")
    report = recorded(reseller, "update-booking-status", tape, TOLD)
    before = reseller.rows("SELECT sha256, uploaded_at FROM booking_documents")
    again = reseller.run("update-booking-status", "--replay", str(tape), "--json").json
    assert (again["exit_code"], again["counts"]) == (0, report["counts"])
    assert reseller.rows("SELECT sha256, uploaded_at FROM booking_documents") == before
    assert [path.name for path in (reseller.home / "documents").iterdir()] == [f"{reference}.pdf"]


def test_without_trainingportal_what_waits_stays_where_it_is(reseller: PortalWorld, tape: Path, tmp_path: Path) -> None:
    [reference] = attended(reseller, 0)
    say(reseller, reference)
    reseller.configure(trainingportal=False)
    report = recorded(reseller, "update-booking-status", tape, TOLD)
    assert any("is switched off: 1 message(s)" in remark for remark in report["remarks"])
    again = replayed(tape, "update-booking-status", tmp_path / "empty")
    assert any("is switched off: 1 message(s)" in remark for remark in again["remarks"])


def test_what_was_uploaded_and_not_touched_since_is_not_carried(
    reseller: PortalWorld, tape: Path, tmp_path: Path
) -> None:
    [reference] = attended(reseller, 0)
    say(reseller, reference)
    put(reseller, f"{reference}.pdf")
    with moving(TOLD):
        assert reseller.run("update-booking-status").code == 0
    with reseller.store() as db:
        db.write("UPDATE booking_documents SET queued_at = queued_at + 1000000000")  # files are made at today's time
    report = recorded(reseller, "update-booking-status", tape, TOLD)
    carried = metadata(tape)["bookings"]
    assert (carried["files"], carried["messages"]) == ([], [])
    assert_same(tape, "update-booking-status", report, tmp_path / "empty")


def test_certificates_are_made_again_of_invented_people(reseller: PortalWorld, tape: Path, tmp_path: Path) -> None:
    policy = reseller.home / "jobs" / "update-booking-status.toml"
    policy.write_text(re.sub("(?m)^certificates *= false", "certificates = true", policy.read_text("utf-8")), "utf-8")
    for reference in attended(reseller, 0, 1):
        say(reseller, reference)
    report = recorded(reseller, "update-booking-status", tape, TOLD)
    assert report["counts"]["documents.certificates"] == 2
    assert_same(tape, "update-booking-status", report, tmp_path / "empty")


@pytest.mark.parametrize("source", ["own", "portal"])
def test_a_status_in_doubt_is_looked_up_again(reseller: PortalWorld, tape: Path, tmp_path: Path, source: str) -> None:
    if source == "portal":
        reseller.portal.seed({"asked_by": "both"})
        reseller.configure(portal_extra='booking.reference_source = "portal"\n' + HTTP)
    [reference] = attended(reseller, 0)
    say(reseller, reference, "FAILED", None)
    lost = {"kind": "reset", "when": "after"}
    reseller.portal_server.faults.add([{"match": {"path": ".*/booking/update/.*"}, "times": 1, "fault": lost}])
    with moving(HELD):
        assert reseller.run("update-booking-status").code == 75
    report = recorded(reseller, "update-booking-status", tape, TOLD)
    assert report["counts"]["trainingportal.status.found"] == 1
    assert_same(tape, "update-booking-status", report, tmp_path / "empty")


# recordings of somebody else's making


@pytest.mark.parametrize(
    "change",
    [
        lambda rows: rows.pop("bookings"),
        lambda rows: rows.update(bookings=7),
        lambda rows: rows["bookings"][0].pop("order"),
        lambda rows: rows["bookings"][0]["booking"].update(state="sold"),
        lambda rows: rows["messages"][0].update(effect="maconomy.registration"),
        lambda rows: rows["messages"][0].update(reference="TP-NOBODY"),
        lambda rows: rows["files"][0].update(reference="../../../somewhere"),
        lambda rows: rows["files"][0].update(form="program"),
        lambda rows: rows["files"][0].update(document="x"),
    ],
)
def test_bookings_that_do_not_fit_are_a_bad_request(
    reseller: PortalWorld, tape: Path, tmp_path: Path, change: Any
) -> None:
    [reference] = attended(reseller, 0)
    say(reseller, reference)
    put(reseller, f"{reference}.pdf")
    recorded(reseller, "update-booking-status", tape, TOLD)
    edited(tape, "bookings", change)
    result = replay(tape, "update-booking-status", tmp_path / "empty")
    assert result.code == 2
    assert "metadata.bookings" in result.out
    assert not (tmp_path / "somewhere.pdf").exists()
