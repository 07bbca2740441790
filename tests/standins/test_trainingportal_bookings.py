"""The Trainingportal stand-in's bookings: when E7 shows them and how, statuses in order, documents byte for byte."""

import hashlib
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from integrator.standins.base import Running, serve
from integrator.standins.trainingportal import AWKWARD, BASE, Trainingportal
from integrator.standins.trainingportal.cutting import CutUploads

from .trainingportal_client import CLASS, LOGIN, PDF, Provider, failure, said, sample

GET, UPDATE, UPLOAD = "v1/booking/get/R1", "v1/booking/update/R1", "v1/booking/uploadDocumentation/R1"
PERSON = sample("request-provider-reserve.query.json")
del PERSON["courseClassExternalId"]
ALWAYS = {"bookingReference", "externalCourseClassId", "enrollmentStatus"}


def complete(there: Provider, on: str = "2027-03-15") -> None:
    assert said(there.post(UPDATE, newStatus="COMPLETED", completionDate=on))["sucessful"] == "true"


def kept(there: Provider) -> dict[str, Any]:
    (booking,) = there.standin.state()["bookings"]
    return dict(booking)


# E7


def test_a_booking_is_shown_as_the_example_has_it() -> None:
    there = Provider()
    there.booked(comment="Trenger hørselvern i størrelse L", purchase_order="PO-2027-0088", **PERSON)
    shown, wanted = said(there.post(GET)), sample("booking-get-success.json")
    reference = shown.pop("bookingReference")
    assert [len(part) for part in reference.split("_")] == [len(p) for p in wanted.pop("bookingReference").split("_")]
    assert shown == wanted


def test_an_unknown_booking_answers_as_the_example_has_it_for_every_call() -> None:
    there = Provider()
    there.booked("R2")
    assert said(there.post(GET)) == sample("booking-get-not-found.assumed.json")
    assert failure(there.post(UPDATE, newStatus="NEW")) == failure(there.upload()) == "Booking does not exist"
    assert there.effects == []


def test_names_are_spelt_as_staged_and_the_enrollers_always_in_camel_case() -> None:
    there = Provider(lower_names=False)
    there.booked(**PERSON)
    shown = said(there.post(GET))
    assert (shown["firstName"], shown["enroller"]["firstName"]) == ("Bjørn", "Åse")
    assert "firstname" not in shown


def test_what_has_no_value_is_missing_null_or_empty_and_what_has_one_can_be_left_out() -> None:
    there = Provider()
    there.booked(studentFirstName="Bjørn", enrollerEmailAddress="a@example.org", company="Fjordvind")
    missing = said(there.post(GET))
    assert set(missing) == {*ALWAYS, "firstname", "enroller", "company"}
    assert missing["enroller"] == {"email": "a@example.org"}
    there.standin.seed({"optional": "null"})
    shown = said(there.post(GET))
    assert (shown["lastname"], shown["purchaseOrderNumber"], shown["enroller"]["phone"]) == (None, None, None)
    there.standin.seed({"optional": "empty"})
    assert said(there.post(GET))["lastname"] == ""
    there.standin.seed({"optional": "omit"})
    assert set(said(there.post(GET))) == {*ALWAYS, "firstname"}


def test_it_is_not_visible_for_five_minutes_and_404_if_so_staged() -> None:
    there = Provider(visible_after_s=300, unknown={"status": 404, "body": "html"})
    there.booked()
    answers = []
    for seconds in (2, 5, 15, 60, 217, 1):
        there.go_on(seconds)
        answers.append(there.post(GET).status)
    assert answers == [404, 404, 404, 404, 404, 200]
    assert kept(there)["looks"] == 6


def test_it_is_not_visible_for_so_many_looks_and_cannot_be_changed_meanwhile() -> None:
    there = Provider(visible_after_looks=2)
    there.booked()
    assert failure(there.post(UPDATE, newStatus="FAILED")) == "Booking does not exist"
    assert [said(there.post(GET)).get("enrollmentStatus") for _ in range(3)] == [None, None, "NEW"]
    assert said(there.post(UPDATE, newStatus="FAILED"))["sucessful"] == "true"


def test_it_is_never_visible_when_wished() -> None:
    there = Provider(visible_after_s=None)
    there.booked()
    there.go_on(86400 * 365)
    assert failure(there.post(GET)) == "Booking does not exist"


@pytest.mark.parametrize(
    ("asked_by", "ours", "theirs"), [("provider", True, False), ("portal", False, True), ("both", True, True)]
)
def test_it_is_asked_by_the_reference_that_was_staged(asked_by: str, ours: bool, theirs: bool) -> None:
    there = Provider(asked_by=asked_by)
    there.booked()
    portal_reference = kept(there)["portal_reference"]
    found = [said(there.post(f"v1/booking/get/{one}")) for one in ("R1", portal_reference)]
    assert ["enrollmentStatus" in one for one in found] == [ours, theirs]


def test_it_shows_the_reference_that_was_staged() -> None:
    there = Provider(shows="provider")
    there.booked()
    assert said(there.post(GET))["bookingReference"] == "R1"


# E8


def test_a_status_answers_as_the_example_has_it_and_is_shown() -> None:
    there = Provider()
    there.booked()
    update = {**sample("request-booking-update-completed.form.json"), **LOGIN}
    assert said(there.post(UPDATE, **update)) == sample("booking-update-success.json")
    assert said(there.post(GET))["enrollmentStatus"] == "COMPLETED"
    assert kept(there)["completed_on"] == "2027-03-15"


def test_completed_without_a_date_answers_as_the_example_has_it() -> None:
    there = Provider()
    there.booked()
    assert said(there.post(UPDATE, newStatus="COMPLETED")) == sample("booking-update-error.json")
    assert said(there.post(UPDATE, newStatus="COMPLETED", completionDate="")) == sample("booking-update-error.json")


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"newStatus": "completed"},
        {"newStatus": "CANCELLED"},
        {"newStatus": "COMPLETED", "completionDate": "15-03-2027"},
        {"newStatus": "NO_SHOW", "completionDate": "2027-03-15"},
        {"newStatus": "NEW", "comment": "x"},
    ],
)
def test_a_status_that_is_wrong_changes_nothing(wrong: dict[str, str]) -> None:
    there = Provider()
    there.booked()
    assert failure(there.post(UPDATE, **wrong))
    assert (kept(there)["statuses"], there.effects) == ([], [])


def test_statuses_stand_in_the_order_they_came_and_the_last_one_counts() -> None:
    there = Provider()
    there.booked()
    for status in ("NO_SHOW", "FAILED"):
        there.post(UPDATE, newStatus=status)
    complete(there)
    complete(there)
    there.post(UPDATE, newStatus="NEW")
    assert [(one["status"], one["again"]) for one in there.effects] == [
        ("NO_SHOW", False),
        ("FAILED", False),
        ("COMPLETED", False),
        ("COMPLETED", True),
        ("NEW", False),
    ]
    assert (kept(there)["status"], kept(there)["completed_on"]) == ("NEW", None)


# E9


def test_documents_are_kept_with_name_size_and_hash_in_the_order_they_came() -> None:
    there = Provider()
    there.booked()
    second = b"%PDF-1.4 " + bytes(range(256)) * 4000
    for content, name in ((PDF, "kursbevis Ærlighaug.pdf"), (second, "b.pdf"), (PDF, "a.pdf")):
        assert said(there.upload(content=content, name=name)) == {"sucessful": "true", "errorMessage": ""}
    wanted = [("kursbevis Ærlighaug.pdf", PDF, False), ("b.pdf", second, False), ("a.pdf", PDF, True)]
    assert [(one["name"], one["size"], one["sha256"], one["again"]) for one in there.effects] == [
        (name, len(content), hashlib.sha256(content).hexdigest(), again) for name, content, again in wanted
    ]
    assert [one["name"] for one in kept(there)["documents"]] == [name for name, _, _ in wanted]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"part": "document"}, "file: expected one file with a name"),
        ({"content": b""}, "file: the file is empty"),
        ({"content": b"PK\x03\x04"}, "file: this kind of file is not allowed"),
        ({"content": b"%PDF-" + bytes(100)}, "file: larger than 100 bytes"),
    ],
)
def test_what_is_no_document_is_refused(given: dict[str, Any], message: str) -> None:
    there = Provider(upload={"most_bytes": 100})
    there.booked()
    assert failure(there.upload(**given)) == message
    assert there.effects == []


def test_the_part_and_the_kind_of_file_are_switches() -> None:
    there = Provider(upload={"part": "document", "starts": ""})
    there.booked()
    assert said(there.upload(part="document", content=b"PK\x03\x04"))["sucessful"] == "true"


def test_a_form_that_ends_in_the_middle_of_its_file_leaves_nothing() -> None:
    there = Provider()
    there.booked()
    form = httpx.Request("POST", "http://x", data=LOGIN, files={"file": ("a.pdf", PDF * 100)})
    body = form.read()[: -len(PDF) * 50]
    answer = there.ask("POST", f"{BASE}/{UPLOAD}", body, form.headers["content-type"])
    assert failure(answer) == "the multipart body is broken"
    assert (kept(there)["documents"], there.effects) == ([], [])


# Over a real connection


@pytest.fixture
def running() -> Iterator[Running]:
    with serve(Trainingportal()) as served:
        served.standin.seed({"bookings": [{"reference": "R1", "class": CLASS}]})
        yield served


def upload(url: str, content: bytes = PDF * 20_000) -> httpx.Response:
    with httpx.Client(trust_env=False, timeout=300) as client:
        return client.post(f"{url}/{UPLOAD}", data=LOGIN, files={"file": ("a.pdf", content, "application/pdf")})


@pytest.mark.parametrize("after", [1, 300, 200_000, 380_000])
def test_an_upload_cut_on_its_way_leaves_nothing_in_the_ledger_and_the_next_one_arrives(
    running: Running, after: int
) -> None:
    with CutUploads(running.url + BASE, after=after) as way:
        with pytest.raises(httpx.TransportError):
            upload(way.url)
        assert (way.cut, running.standin.entries(path=f".*/{UPLOAD}")) == (1, [])
        assert upload(way.url).json()["sucessful"] == "true"
    assert [one["kind"] for one in running.standin.effects()] == ["document"]


def test_an_upload_taken_whole_whose_answer_was_lost_is_there(running: Running) -> None:
    running.faults.add({"times": 1, "fault": AWKWARD["lost"]})
    with pytest.raises(httpx.TransportError):
        upload(running.url + BASE)
    (entry,) = running.standin.entries(path=f".*/{UPLOAD}")
    assert (entry["status"], entry["fault"], entry["effect"]["size"]) == (None, "reset", len(PDF) * 20_000)


@pytest.mark.parametrize(
    ("name", "status", "happened"),
    [
        ("false", 200, 0),
        ("false-after", 200, 1),
        ("html", 500, 0),
        ("html-after", 500, 1),
        ("404", 404, 0),
        ("login", 200, 0),
        ("empty", 200, 0),
        ("nothing", None, 0),
        ("lost", None, 1),
        ("cut", None, 1),
        ("twice", 200, 2),
    ],
)
def test_what_goes_wrong_there_can_be_staged_by_name(
    running: Running, name: str, status: int | None, happened: int
) -> None:
    rule = {"match": {"path": f".*/{UPDATE}"}, "times": 1, "fault": AWKWARD[name]}
    httpx.post(f"{running.control_url}/faults", json=rule, trust_env=False).raise_for_status()
    address, form = f"{running.url}{BASE}/{UPDATE}", {**LOGIN, "newStatus": "NO_SHOW"}
    try:
        answer = httpx.post(address, data=form, trust_env=False, timeout=300)
    except httpx.TransportError:
        assert status is None
    else:
        assert answer.status_code == status
        assert (name != "twice" and "true" in answer.text) is False
    assert len(running.standin.effects()) == happened
    assert httpx.post(address, data=form, trust_env=False).json()["sucessful"] == "true"


def test_every_named_mishap_can_be_staged(running: Running) -> None:
    rules = [{"fault": fault} for fault in AWKWARD.values()]
    assert running.faults.add(rules) == len(AWKWARD)


def test_statuses_at_once_are_all_in_the_ledger(running: Running) -> None:
    address, form = f"{running.url}{BASE}/{UPDATE}", {**LOGIN, "newStatus": "FAILED"}
    with httpx.Client(trust_env=False) as client, ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: client.post(address, data=form), range(40)))
    effects = running.standin.effects()
    assert (len(effects), sum(one["again"] for one in effects)) == (40, 39)


def test_the_ledger_of_the_control_port_tells_documents_and_statuses_in_order(running: Running) -> None:
    with httpx.Client(trust_env=False) as client:
        client.post(f"{running.url}{BASE}/{UPDATE}", data={**LOGIN, "newStatus": "NO_SHOW"})
        upload(running.url + BASE)
        text = client.get(f"{running.control_url}/ledger").text
    assert [one["effect"]["kind"] for one in json.loads(text)] == ["status", "document"]
    assert LOGIN["password"] not in text
