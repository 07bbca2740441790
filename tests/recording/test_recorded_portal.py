"""The jobs around Trainingportal recorded and replayed: an empty folder finds the same work, and holds nobody."""

import hashlib
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import yaml

from integrator.domain.portal import ReserveRequest
from integrator.jobs import booking_status_desk, reseller_desk
from integrator.standins.trainingportal import PASSWORD, USERNAME
from integrator.store import bookings
from moments import HELD, LATER, ORDERED, TOLD, at, desk_at, moving
from portal_world import PortalWorld, portal_world
from world import MACONOMY_AUTH, Result, World

CLASS, OTHER, COURSE = "25172-04", "25172-05", "25172"
HTTP = "[trainingportal.http]\ntimeout_s = 2.0\nsettle_s = 0.2\n"
STUDENT = {
    "studentFirstName": "Märta-Lovisa",
    "studentLastName": "Åström Öqvist",
    "studentEmailAddress": "marta@fjordvind.example",
    "studentPhoneNumber": "+46 70 000 00 03",
    "studentBirthDate": "1988-11-30",
    "enrollerFirstName": "Håkon",
    "enrollerLastName": "Bjerknes",
    "enrollerEmailAddress": "hb@fjordvind.example",
    "enrollerPhoneNumber": "4790000002",
    "company": "Fjordvind Drift AS",
    "comment": "Nøtteallergi, trenger hørselvern",
    "purchase_order": "PO-2027-0088",
}
PERSONAL = re.compile(
    r"M[äa]rta|Lovisa|[ÅA]str|qvist|H[åa]kon|Bjerknes|fjordvind|1988-11|90000002|70 000|allergi|hørselvern|PO-2027",
    re.IGNORECASE,
)
REFERENCES = [f"TP-{letter * 26}" for letter in "GDXAR"]
PDF = b"%PDF-1.7\nKursusbevis\n%%EOF\n"


@pytest.fixture
def here(tmp_path: Path) -> Iterator[PortalWorld]:
    with portal_world(tmp_path / "home") as made:
        made.configure(portal_extra=HTTP)
        made.portal.seed({"courses": {COURSE: "Projektledelse"}})
        yield made


def recorded(here: PortalWorld, job: str, tape: Path, moment: str, *, code: int = 0) -> dict[str, Any]:
    with moving(moment):
        result = here.run(job, "--record", str(tape), "--json")
    assert result.code == code, result.err + result.out
    report: dict[str, Any] = result.json
    text = tape.read_text(encoding="utf-8")
    real = [*REFERENCES, PASSWORD, USERNAME, MACONOMY_AUTH.split()[1], "127.0.0.1", "/mintra"]
    assert [found for found in real if found in text] == []
    assert not PERSONAL.search(text), PERSONAL.search(text)
    return report


def replayed(tape: Path, job: str, folder: Path) -> dict[str, Any]:
    result = _replay(tape, job, folder)
    assert result.out, result.err
    assert list(folder.iterdir()) == []
    report: dict[str, Any] = result.json
    return report


def _replay(tape: Path, job: str, folder: Path) -> Result:
    folder.mkdir(exist_ok=True)
    nothing: Any = None
    return World(folder, nothing, nothing, nothing, (nothing, nothing, nothing)).run(
        job, "--replay", str(tape), "--json"
    )


def assert_same(tape: Path, job: str, report: dict[str, Any], folder: Path) -> None:
    """The replay ends and counts as the run did, and uses every request of it."""
    again = replayed(tape, job, folder)
    assert [again[name] for name in ("exit_code", "counts")] == [report[name] for name in ("exit_code", "counts")]
    assert [len(again[name]) for name in ("failed", "waiting")] == [len(report[name]) for name in ("failed", "waiting")]
    total = len(interactions(tape))
    assert f"replayed {total} of {total} recorded requests; nothing was sent, nothing was kept" in again["remarks"]


def interactions(tape: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load(tape.read_text(encoding="utf-8"))["interactions"]
    return found


def metadata(tape: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(tape.read_text(encoding="utf-8"))["metadata"]
    return found


# publish-classes ----------------------------------------------------------------------------------


@pytest.fixture
def seller(here: PortalWorld) -> PortalWorld:
    """Two classes are in the store and at Trainingportal."""
    for class_id in (CLASS, OTHER):
        here.maconomy.seed({"set": {class_id: {"currency": "NOK", "status": "Åben", "freeSeats": 7}}})
    with at(ORDERED):
        assert here.run("import-courses").code == 0
        assert here.run("publish-classes").code == 0
    return here


def imported(here: PortalWorld, moment: str = LATER, **changes: Any) -> None:
    for class_id in (CLASS, OTHER):
        here.maconomy.seed({"set": {class_id: changes}})
    with at(moment):
        assert here.run("import-courses").code == 0


QUIRKS: list[dict[str, Any]] = [
    {},
    {"blank_keys": True, "dotted_keys": True, "text_values": True, "times_with_seconds": True, "unknown_keys": True},
    {"trailing_commas": True, "flag_type": "upper"},
    {"lists": "bare", "flag_name": "successful", "message_name": "errorMesssage", "list_cancelled": False},
]


@pytest.mark.parametrize("quirks", QUIRKS, ids=str)
def test_classes_are_published_again_in_an_empty_folder_however_they_are_answered(
    seller: PortalWorld, tape: Path, tmp_path: Path, quirks: dict[str, Any]
) -> None:
    seller.portal.seed(quirks)
    imported(seller, freeSeats=3)
    report = recorded(seller, "publish-classes", tape, LATER)
    assert report["counts"]["trainingportal.class.seats"] == 2  # of one course: their answers must not be exchanged
    assert_same(tape, "publish-classes", report, tmp_path / "empty")


def test_a_quirk_that_is_recorded_is_still_one(seller: PortalWorld, tape: Path) -> None:
    seller.portal.seed({"trailing_commas": True, "blank_keys": True})
    recorded(seller, "publish-classes", tape, LATER)
    [courses, *_] = (one["response"]["body"]["string"] for one in interactions(tape))
    assert courses.startswith('{" courses": [{" externalId": "25172"')
    assert courses.endswith(",}")


def test_a_classs_facts_stay_and_its_trainer_is_not_carried(seller: PortalWorld, tape: Path) -> None:
    imported(seller, freeSeats=3, trainers=[{"trainerId": "HB", "name": "Håkon Bjerknes", "email": "hb@example.org"}])
    recorded(seller, "publish-classes", tape, LATER)
    courses = metadata(tape)["published"]["courses"]
    shown = [(one["id"], one["seats_free"], one["status"]) for one in courses]
    assert shown == [(CLASS, 3, "open"), (OTHER, 3, "open"), ("25172-06", 18, "cancelled")]
    assert courses[0]["venue"]["address"] == "Strandvejen 54"
    assert not any("trainers" in one for one in courses)


def test_what_failed_was_dropped_or_is_in_doubt_is_so_again(seller: PortalWorld, tape: Path, tmp_path: Path) -> None:
    imported(seller, freeSeats=3)
    match = {"path": ".*/courseClasses/update"}
    lost = {"kind": "reset", "when": "after"}
    refused = {"kind": "status", "status": 400}
    seller.portal_server.faults.add(
        [{"match": match, "times": 1, "fault": refused}, {"match": match, "times": 1, "fault": lost}]
    )
    with at(LATER):
        seller.run("publish-classes")
    assert seller.rows("SELECT state FROM outbox WHERE effect LIKE '%class' ORDER BY key") == [
        ("failed",),
        ("processing",),
    ]
    report = recorded(seller, "publish-classes", tape, HELD)
    assert report["counts"]["trainingportal.class.failed_before"] == 1
    assert report["counts"]["trainingportal.class.found"] == 1
    assert_same(tape, "publish-classes", report, tmp_path / "empty")
    [[row]] = seller.rows("SELECT id FROM outbox WHERE effect LIKE '%class' AND state = 'failed'")
    assert seller.run("outbox", "drop", str(row)).code == 0
    again = tmp_path / "again.yaml"
    report = recorded(seller, "publish-classes", again, HELD)
    assert report["counts"]["trainingportal.class.failed_before"] == 1
    assert_same(again, "publish-classes", report, tmp_path / "empty")


@pytest.mark.parametrize("missing_runs", [1, 3])
def test_a_class_that_is_gone_in_two_lists_is_cancelled_again(
    seller: PortalWorld, tape: Path, tmp_path: Path, missing_runs: int
) -> None:
    policy = seller.home / "jobs" / "import-courses.toml"
    text = re.sub(r"(?m)^missing_runs *= *\d+", f"missing_runs = {missing_runs}", policy.read_text(encoding="utf-8"))
    policy.write_text(text, encoding="utf-8")
    seller.maconomy.seed({"remove": [OTHER]})
    for moment in (LATER, HELD):
        with at(moment):
            assert seller.run("import-courses").code == 0
    report = recorded(seller, "publish-classes", tape, HELD)
    assert report["counts"]["trainingportal.class.cancelled"] == 1
    assert_same(tape, "publish-classes", report, tmp_path / "empty")


def test_seats_that_are_held_are_counted_and_nobody_of_their_orders_is_carried(
    seller: PortalWorld, tape: Path, tmp_path: Path
) -> None:
    seller.order(3)
    report = recorded(seller, "publish-classes", tape, LATER)
    assert report["counts"]["trainingportal.class.seats"] == 1
    assert [one["held"] for one in metadata(tape)["published"]["courses"]] == [3, 0, 0]
    assert "participants" not in str(metadata(tape)["published"])
    assert_same(tape, "publish-classes", report, tmp_path / "empty")


def test_wrong_credentials_are_told_as_such_again(seller: PortalWorld, tape: Path, tmp_path: Path) -> None:
    seller.portal.seed({"password": "another"})
    report = recorded(seller, "publish-classes", tape, LATER, code=1)
    again = replayed(tape, "publish-classes", tmp_path / "empty")
    assert again["error"] == report["error"]
    assert again["exit_code"] == report["exit_code"]


# confirm-bookings ---------------------------------------------------------------------------------


def reserved(here: PortalWorld, *numbers: int) -> list[str]:
    """Seats that Trainingportal has taken at ORDERED; their references."""
    with desk_at(here.home, ORDERED) as desk:
        for number in numbers:
            with patch.object(bookings, "_drawn", lambda number=number: REFERENCES[number]):
                request = ReserveRequest(CLASS, {"studentFirstName": f"Märta {number}"})
                reseller_desk.reserve(desk, request, hold_s=86_400, repeat_s=600)
    return [REFERENCES[number] for number in numbers]


def visible(here: PortalWorld, *references: str, **more: str) -> None:
    rows = [{"reference": reference, "class": CLASS, **STUDENT, **more} for reference in references]
    here.portal.seed({"bookings": rows})


@pytest.mark.parametrize("quirks", [*QUIRKS, {"lower_names": False, "optional": "null"}, {"optional": "omit"}], ids=str)
def test_bookings_are_confirmed_again_in_an_empty_folder(
    here: PortalWorld, tape: Path, tmp_path: Path, quirks: dict[str, Any]
) -> None:
    visible(here, *reserved(here, 0, 1, 2)[:2])
    here.portal.seed(quirks)
    report = recorded(here, "confirm-bookings", tape, LATER)
    assert report["counts"]["bookings.confirmed"] == 2
    assert report["counts"]["bookings.not_visible"] >= 2
    assert_same(tape, "confirm-bookings", report, tmp_path / "empty")


def test_a_student_is_the_same_everywhere_and_so_is_a_reference(here: PortalWorld, tape: Path) -> None:
    visible(here, *reserved(here, 0, 1))
    recorded(here, "confirm-bookings", tape, LATER)
    first, second = (yaml.safe_load(one["response"]["body"]["string"]) for one in interactions(tape))
    same = ("firstname", "lastname", "email", "phone", "birthDate", "company", "commentOnEnrollment", "enroller")
    assert [first[name] for name in same] == [second[name] for name in same]
    assert first["bookingReference"] != second["bookingReference"]
    asked = [one["request"]["uri"].rpartition("/")[2] for one in interactions(tape)]
    carried = [one["booking"]["reference"] for one in metadata(tape)["bookings"]["bookings"]]
    assert sorted(asked) == sorted(carried)
    assert all(re.fullmatch(r"TP-MADEUP[A-Z]{20}", reference) for reference in asked)
    assert re.fullmatch(r"19[5-9]\d-\d\d-\d\d", first["birthDate"])


def test_at_home_a_replay_sees_what_the_recorded_run_saw_and_changes_nothing(here: PortalWorld, tape: Path) -> None:
    visible(here, *reserved(here, 0, 1))
    report = recorded(here, "confirm-bookings", tape, LATER)
    before = here.rows("SELECT reference, state, changed_at FROM bookings ORDER BY reference")
    again = here.run("confirm-bookings", "--replay", str(tape), "--json").json
    assert (again["exit_code"], again["counts"]) == (0, report["counts"])
    assert here.rows("SELECT reference, state, changed_at FROM bookings ORDER BY reference") == before


@pytest.mark.parametrize(
    "fault", [{"kind": "status", "status": 503}, {"kind": "reset", "when": "before"}, {"kind": "cut"}], ids=str
)
def test_trouble_is_replayed(here: PortalWorld, tape: Path, tmp_path: Path, fault: dict[str, Any]) -> None:
    visible(here, *reserved(here, 0))
    here.portal_server.faults.add([{"match": {"path": ".*/booking/.*"}, "fault": fault}])
    with moving(LATER):
        report = here.run("confirm-bookings", "--record", str(tape), "--json").json
    assert report["waiting"] or report["failed"]
    assert_same(tape, "confirm-bookings", report, tmp_path / "empty")


def test_words_about_a_login_stay_and_a_name_in_an_answer_does_not(
    here: PortalWorld, tape: Path, tmp_path: Path
) -> None:
    visible(here, *reserved(here, 0))
    said = '{"sucessful": "false", "errorMessage": "Booking of Lovisa Åström does not exist, phone 90000002"}'
    rule = {"match": {"path": ".*/booking/.*"}, "times": 1, "fault": {"kind": "body", "body": said}}
    here.portal_server.faults.add([rule])
    report = recorded(here, "confirm-bookings", tape, LATER)
    answer = yaml.safe_load(interactions(tape)[0]["response"]["body"]["string"])
    assert re.fullmatch(r"Booking of \w+ \w+ does not exist, \w+ \d+", answer["errorMessage"])
    assert_same(tape, "confirm-bookings", report, tmp_path / "empty")
    here.portal.seed({"password": "another"})
    reserved(here, 1)
    again = tmp_path / "again.yaml"
    report = recorded(here, "confirm-bookings", again, HELD, code=1)
    assert interactions(again)[0]["response"]["body"]["string"].count("Wrong username or password") == 1
    assert replayed(again, "confirm-bookings", tmp_path / "empty")["error"] == report["error"]


# update-booking-status ----------------------------------------------------------------------------


def attended(here: PortalWorld, *numbers: int) -> list[str]:
    """Bookings whose students were there."""
    references = reserved(here, *numbers)
    visible(here, *references)
    with moving(LATER):
        assert here.run("confirm-bookings").code == 0
    return references


def say(here: PortalWorld, reference: str, status: str = "COMPLETED", on: str | None = "2027-03-03") -> None:
    with here.store() as db:
        booking_status_desk.set_status(db, reference, status, on, "command", epoch(HELD))


def epoch(moment: str) -> int:
    return int(datetime.fromisoformat(moment).timestamp())


def put(here: PortalWorld, name: str, content: bytes = PDF) -> None:
    path = here.home / "documents" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def assert_no_document(tape: Path, *contents: bytes) -> None:
    """Neither a document nor its hash is in the recording."""
    text = tape.read_text(encoding="utf-8")
    for content in contents:
        digest = hashlib.sha256(content).hexdigest()
        assert [found for found in (digest, digest[:16], "Kursusbevis", "Lovisas bevis") if found in text] == []


def test_documents_are_uploaded_again_made_up(here: PortalWorld, tape: Path, tmp_path: Path) -> None:
    first, second, third = attended(here, 0, 1, 2)
    for reference in (first, second):
        say(here, reference)
    same = b"%PDF-1.7\nfor both\n%%EOF\n"
    put(here, f"{first}.pdf")
    put(here, f"{first}/Lovisas bevis.pdf", same)
    put(here, f"{second}/Märta-Lovisa Åström.pdf", same)
    put(here, f"{third}.pdf", b"%PDF-1.7\nnot yet\n%%EOF\n")
    report = recorded(here, "update-booking-status", tape, TOLD)
    counts = {"documents.files": 3, "trainingportal.document.uploaded": 3, "trainingportal.status.told": 2}
    assert counts.items() <= report["counts"].items()
    assert_no_document(tape, PDF, same)
    files = metadata(tape)["bookings"]["files"]
    assert [(one["document"], one["inside"], one["form"]) for one in files] == [
        *((2, True, "pdf"), (3, True, "pdf")),
        *((1, False, "pdf"), (3, True, "pdf")),
    ] or len({one["document"] for one in files}) == 3
    assert_same(tape, "update-booking-status", report, tmp_path / "empty")


def test_files_that_cannot_be_uploaded_are_such_again(here: PortalWorld, tape: Path, tmp_path: Path) -> None:
    for reference, content in zip(attended(here, 0, 1, 2, 3), (b"%PDF-1.7 cut", b"a letter", b"", PDF), strict=True):
        say(here, reference)
        put(here, f"{reference}.pdf", content)
    here.configure(portal_extra="upload.max_mb = 1\n" + HTTP)
    put(here, f"{REFERENCES[3]}.pdf", PDF + bytes(1_000_000))
    report = recorded(here, "update-booking-status", tape, TOLD)
    assert [one["form"] for one in metadata(tape)["bookings"]["files"]].count("other") == 2
    assert "documents.files" not in report["counts"]
    assert any("4 booking(s) have one that cannot be uploaded" in remark for remark in report["remarks"])
    assert_same(tape, "update-booking-status", report, tmp_path / "empty")
    again = replayed(tape, "update-booking-status", tmp_path / "empty")
    assert any("4 booking(s) have one that cannot be uploaded" in remark for remark in again["remarks"])


def test_what_waited_is_uploaded_and_what_is_gone_or_in_doubt_is_again(
    here: PortalWorld, tape: Path, tmp_path: Path
) -> None:
    references = attended(here, 0, 1, 2)
    for number, reference in enumerate(references):
        say(here, reference)
        put(here, f"{reference}.pdf", PDF + str(number).encode() + b"%%EOF")
    lost, busy = {"kind": "reset", "when": "after"}, {"kind": "status", "status": 429}
    match = {"path": ".*/uploadDocumentation/.*"}
    here.portal_server.faults.add(
        [{"match": match, "times": 1, "fault": lost}, {"match": match, "fault": busy, "times": 1}]
    )
    with moving(HELD):
        here.run("update-booking-status")
    assert {row[0] for row in here.rows("SELECT state FROM outbox WHERE effect LIKE '%document'")} == {
        "processing", "received",
    }  # fmt: skip
    for path in (here.home / "documents").iterdir():
        path.unlink()
    [*waiting] = sorted((here.home / "var" / "documents").rglob("*.pdf"))
    waiting[-1].unlink()
    report = recorded(here, "update-booking-status", tape, TOLD, code=5)
    assert report["counts"]["trainingportal.document.uploaded"] == 1
    assert len(report["failed"]) == 2
    assert_same(tape, "update-booking-status", report, tmp_path / "empty")


def test_what_was_uploaded_and_not_touched_since_is_not_carried(here: PortalWorld, tape: Path, tmp_path: Path) -> None:
    [reference] = attended(here, 0)
    say(here, reference)
    put(here, f"{reference}.pdf")
    with moving(TOLD):
        assert here.run("update-booking-status").code == 0
    with here.store() as db:
        db.write("UPDATE booking_documents SET queued_at = queued_at + 1000000000")  # files are made at today's time
    report = recorded(here, "update-booking-status", tape, TOLD)
    assert metadata(tape)["bookings"] == {"files": [], "restored_at": 0, "bookings": [], "messages": []}
    assert "bookings" not in str(report["counts"])


def test_certificates_are_made_again_of_invented_people(here: PortalWorld, tape: Path, tmp_path: Path) -> None:
    policy = here.home / "jobs" / "update-booking-status.toml"
    policy.write_text(re.sub("(?m)^certificates *= false", "certificates = true", policy.read_text("utf-8")), "utf-8")
    for reference in attended(here, 0, 1):
        say(here, reference)
    report = recorded(here, "update-booking-status", tape, TOLD)
    assert report["counts"]["documents.certificates"] == 2
    assert_same(tape, "update-booking-status", report, tmp_path / "empty")


@pytest.mark.parametrize("source", ["own", "portal"])
def test_a_status_in_doubt_is_looked_up_again(here: PortalWorld, tape: Path, tmp_path: Path, source: str) -> None:
    if source == "portal":
        here.portal.seed({"asked_by": "both"})
        more = 'reserve.param_reference = "theirs"\nbooking.reference_source = "portal"\n'
        here.configure(portal_extra=more + HTTP)
    [reference] = attended(here, 0)
    say(here, reference, "FAILED", None)
    lost = {"kind": "reset", "when": "after"}
    here.portal_server.faults.add([{"match": {"path": ".*/booking/update/.*"}, "times": 1, "fault": lost}])
    with moving(HELD):
        assert here.run("update-booking-status").code == 75
    report = recorded(here, "update-booking-status", tape, TOLD)
    assert report["counts"]["trainingportal.status.found"] == 1
    assert_same(tape, "update-booking-status", report, tmp_path / "empty")


# recordings of somebody else's making -------------------------------------------------------------


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
def test_bookings_that_do_not_fit_are_a_bad_request(here: PortalWorld, tape: Path, tmp_path: Path, change: Any) -> None:
    [reference] = attended(here, 0)
    say(here, reference)
    put(here, f"{reference}.pdf")
    recorded(here, "update-booking-status", tape, TOLD)
    edited(tape, "bookings", change)
    result = _replay(tape, "update-booking-status", tmp_path / "empty")
    assert result.code == 2
    assert "metadata.bookings" in result.err
    assert not (tmp_path / "somewhere.pdf").exists()


@pytest.mark.parametrize(
    "change",
    [
        lambda rows: rows.pop("pulled_at"),
        lambda rows: rows.update(courses=None),
        lambda rows: rows["courses"][0].update(status="sold"),
        lambda rows: rows["courses"][0].update(held="many"),
        lambda rows: rows["published"][0].update(state="sold"),
        lambda rows: rows["published"][0]["facts"].pop("seats"),
        lambda rows: rows["messages"][0].update(hash="x"),
    ],
)
def test_classes_that_do_not_fit_are_a_bad_request(
    seller: PortalWorld, tape: Path, tmp_path: Path, change: Any
) -> None:
    recorded(seller, "publish-classes", tape, LATER)
    edited(tape, "published", change)
    result = _replay(tape, "publish-classes", tmp_path / "empty")
    assert result.code == 2
    assert "metadata.published" in result.err


def edited(tape: Path, part: str, change: Any) -> None:
    whole = yaml.safe_load(tape.read_text(encoding="utf-8"))
    change(whole["metadata"][part])
    tape.write_text(yaml.safe_dump(whole, allow_unicode=True), encoding="utf-8")
