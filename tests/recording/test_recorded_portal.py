"""The jobs around Trainingportal recorded and replayed: an empty folder finds the same work, and nobody is in it."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import yaml

from integrator.domain.portal import ReserveRequest
from integrator.jobs import reseller_desk
from integrator.standins.trainingportal import PASSWORD, USERNAME
from integrator.store import bookings
from moments import HELD, LATER, ORDERED, at, moving
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
    assert [(one["id"], one["seats_free"], one["status"]) for one in courses] == [
        (CLASS, 3, "open"),
        (OTHER, 3, "open"),
    ]
    assert courses[0]["venue"]["address"] == "Strandvejen 54"
    assert not any("trainers" in one for one in courses)


def test_what_failed_was_dropped_or_is_in_doubt_is_so_again(seller: PortalWorld, tape: Path, tmp_path: Path) -> None:
    imported(seller, freeSeats=3)
    match = {"path": ".*/courseClasses/update"}
    lost = {"kind": "reset", "when": "after"}
    refused = {"kind": "status", "status": 400}
    seller.portal_server.faults.add(
        [{"match": match, "times": 1, "fault": refused}, {"match": match, "skip": 1, "times": 1, "fault": lost}]
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
    assert [one["held"] for one in metadata(tape)["published"]["courses"]] == [3, 0]
    assert "participants" not in str(metadata(tape)["published"])
    assert_same(tape, "publish-classes", report, tmp_path / "empty")


def test_wrong_credentials_are_told_as_such_again(seller: PortalWorld, tape: Path, tmp_path: Path) -> None:
    seller.portal.seed({"password": "another"})
    report = recorded(seller, "publish-classes", tape, LATER, code=4)
    again = replayed(tape, "publish-classes", tmp_path / "empty")
    assert again["error"] == report["error"]
    assert again["exit_code"] == report["exit_code"]


# confirm-bookings ---------------------------------------------------------------------------------


def reserved(here: PortalWorld, *numbers: int) -> list[str]:
    """Seats that Trainingportal has taken at ORDERED; their references."""
    with at(ORDERED) as clock, here.desk() as desk:
        desk.clock = clock
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
    "fault", [{"kind": "status", "status": 503}, {"kind": "reset", "when": "before"}, {"kind": "empty"}], ids=str
)
def test_trouble_is_replayed(here: PortalWorld, tape: Path, tmp_path: Path, fault: dict[str, Any]) -> None:
    visible(here, *reserved(here, 0))
    here.portal_server.faults.add([{"match": {"path": ".*/booking/.*"}, "fault": fault}])
    with moving(LATER):
        report = here.run("confirm-bookings", "--record", str(tape), "--json").json
    assert report["waiting"] or report["failed"]
    assert_same(tape, "confirm-bookings", report, tmp_path / "empty")
