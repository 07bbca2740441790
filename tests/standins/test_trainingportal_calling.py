"""The Trainingportal stand-in as the caller: the GETs it makes on a provider's addresses, and what it remembers."""

import hmac
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest

from integrator.standins.base import Answer, Request, Running, StandIn, serve
from integrator.standins.trainingportal import BASE, Trainingportal

from .trainingportal_client import CLASS, LOGIN, START, sample

PERSON = sample("request-provider-reserve.query.json")
del PERSON["courseClassExternalId"]
SUCCESS, FULL = sample("provider-reserve-success.json"), sample("provider-reserve-full.json")
CANCELLED, TOO_LATE = sample("provider-cancel-success.json"), sample("provider-cancel-error.json")
OURS = SUCCESS["bookingReference"]


class Provider(StandIn):
    """Whoever serves P1 and P2: answers what a test says, and remembers what it was asked."""

    name = "provider"

    def __init__(self, say: Callable[[int], Answer]) -> None:
        super().__init__()
        self.say, self.asked, self._count = say, list[Request](), Lock()

    def handle(self, request: Request) -> Answer:
        with self._count:
            self.asked.append(request)
            return self.say(len(self.asked))

    def params(self, number: int = 0) -> list[tuple[str, str]]:
        return parse_qsl(self.asked[number].target.partition("?")[2], keep_blank_values=True)


@contextmanager
def provider(body: Any = SUCCESS, status: int = 200, content_type: str = "application/json") -> Iterator[Any]:
    with serve(Provider(lambda number: Answer(status, body, content_type=content_type))) as served:
        yield served


class Portal:
    """A served stand-in with one class of twelve seats, and its control port."""

    def __init__(self, running: Running) -> None:
        self.running = running
        self.seed(classes=[{"course": "GSK-4D", "class": CLASS, "availableSeats": "12"}])

    def seed(self, **given: Any) -> Any:
        return httpx.post(f"{self.running.control_url}/seed", json=given, trust_env=False, timeout=300).json()

    def reserve(self, url: str, **more: Any) -> Any:
        return self.seed(reserve={"class": CLASS, "url": url, **more})["reserve"]

    def cancel(self, url: str, reference: str = OURS, **more: Any) -> Any:
        return self.seed(cancel={"reference": reference, "url": url, **more})["cancel"]["replies"]

    def look(self, reference: str = OURS) -> Any:
        address = f"{self.running.url}{BASE}/v1/booking/get/{reference}"
        return httpx.post(address, data=LOGIN, trust_env=False).json()

    def seats(self) -> int:
        return int(self.running.standin.state()["classes"][0]["availableSeats"])

    def bookings(self) -> list[dict[str, Any]]:
        return list(self.running.standin.state()["bookings"])


@pytest.fixture
def there() -> Iterator[Portal]:
    with serve(Trainingportal(lambda: START)) as running:
        yield Portal(running)


# P1


def test_a_reservation_asks_with_every_parameter_percent_encoded(there: Portal) -> None:
    with provider() as ours:
        report = there.reserve(f"{ours.url}/reserve/tok%C3%A9n?key=a%20b", **PERSON)
    (request,) = ours.standin.asked
    assert (request.method, request.path, request.body) == ("GET", "/reserve/tokén", b"")
    assert dict(ours.standin.params()) == {"key": "a b", "courseClassExternalId": CLASS, **PERSON}
    assert "studentLastName=%C3%86rlighaug" in request.target
    assert "company=Fjordvind%20Drift%20AS" in request.target
    assert request.headers.get("accept") == "application/json"
    assert report["references"] == [OURS]


def test_a_booking_is_remembered_and_shown_after_the_delay_and_takes_a_seat(there: Portal) -> None:
    there.seed(visible_after_looks=1)
    with provider() as ours:
        (reply,) = there.reserve(ours.url, **PERSON, comment="Nøtteallergi", purchase_order="PO-1")["replies"]
    assert reply == {
        "successful": True,
        "bookingReference": OURS,
        "errorMessage": "",
        "status": 200,
        "content_type": "application/json",
        "body": json.dumps(SUCCESS, ensure_ascii=False, separators=(",", ":")),
        "problem": None,
    }
    assert there.look() == sample("booking-get-not-found.assumed.json")
    shown = there.look()
    assert (shown["firstname"], shown["externalCourseClassId"]) == ("Bjørn", CLASS)
    assert (shown["commentOnEnrollment"], shown["purchaseOrderNumber"]) == ("Nøtteallergi", "PO-1")
    assert there.seats() == 11
    assert there.running.standin.state()["calls"] == [{"kind": "reserve", "status": 200, "reference": OURS}]


def test_it_can_be_asked_while_it_waits_for_our_answer(there: Portal) -> None:
    def say(number: int) -> Answer:
        assert there.look()["sucessful"] == "false"
        return Answer(200, SUCCESS)

    with serve(Provider(say)) as ours:
        assert there.reserve(ours.url)["references"] == [OURS]


@pytest.mark.parametrize("at_once", [False, True])
def test_a_repeated_reservation_with_the_same_answer_is_one_booking(there: Portal, at_once: bool) -> None:
    with provider() as ours:
        report = there.reserve(ours.url, times=5, at_once=at_once, **PERSON)
    assert ([one["successful"] for one in report["replies"]], report["references"]) == ([True] * 5, [OURS])
    assert len({request.target for request in ours.standin.asked}) == 1
    assert (len(there.bookings()), there.seats(), len(ours.standin.asked)) == (1, 11, 5)


def test_a_repeated_reservation_with_other_answers_is_a_booking_each(there: Portal) -> None:
    with serve(Provider(lambda number: Answer(200, {**SUCCESS, "bookingReference": f"R{number}"}))) as ours:
        report = there.reserve(ours.url, times=3, at_once=True)
    assert report["references"] == ["R1", "R2", "R3"]
    assert (len(there.bookings()), there.seats()) == (3, 9)


@pytest.mark.parametrize(
    ("body", "status", "content_type"),
    [
        (FULL, 200, "application/json"),
        (SUCCESS, 500, "application/json"),
        ({**SUCCESS, "bookingReference": ""}, 200, "application/json"),
        ({**SUCCESS, "successful": "yes"}, 200, "application/json"),
        ({"sucessful": "true", "bookingReference": OURS}, 200, "application/json"),
        ([SUCCESS], 200, "application/json"),
        ("<html>", 200, "text/html"),
        ("", 200, "application/json"),
        (b"\xff", 200, "application/json"),
        ("", 302, "text/plain"),
    ],
)
def test_an_answer_that_is_no_success_makes_no_booking(
    there: Portal, body: Any, status: int, content_type: str
) -> None:
    with provider(body, status, content_type) as ours:
        (reply,) = there.reserve(ours.url)["replies"]
    assert reply["status"] == status
    assert (there.bookings(), there.seats()) == ([], 12)


def test_what_the_provider_says_is_reported(there: Portal) -> None:
    with provider(FULL) as ours:
        report = there.reserve(ours.url)
    assert report["references"] == []
    assert report["replies"][0]["errorMessage"] == FULL["errorMessage"]


def test_nobody_there_and_nothing_in_time_are_reported(there: Portal) -> None:
    with provider() as ours:
        ours.faults.add({"fault": {"kind": "hang"}})
        (silent,) = there.reserve(ours.url, timeout_s=0.05)["replies"]
    (nobody,) = there.reserve(ours.url)["replies"]
    assert (silent["status"], nobody["status"], there.bookings()) == (None, None, [])
    assert silent["problem"].startswith("TimeoutError")
    assert nobody["problem"].startswith("ConnectionRefusedError")


@pytest.mark.parametrize(
    "xml",
    [
        "<r><successful>true</successful><bookingReference>R&amp;1</bookingReference><errorMessage/></r>",
        '<?xml version="1.0"?><a:r xmlns:a="urn:x"><a:successful>true</a:successful>\n'
        "<a:bookingReference><![CDATA[R&1]]></a:bookingReference></a:r>",
    ],
)
def test_an_answer_in_xml_is_read(there: Portal, xml: str) -> None:
    with provider(xml, content_type="application/xml; charset=utf-8") as ours:
        report = there.reserve(ours.url, accept="xml", studentFirstName="<b>&")
    assert ours.standin.asked[0].headers.get("accept") == "application/xml"
    assert dict(ours.standin.params())["studentFirstName"] == "<b>&"
    assert report["references"] == ["R&1"]


@pytest.mark.parametrize("xml", ["<r><successful>true</r>", '<!DOCTYPE r [<!ENTITY e "x">]><r>&e;</r>', ""])
def test_xml_that_is_broken_or_declares_things_is_not_read(there: Portal, xml: str) -> None:
    with provider(xml, content_type="text/xml") as ours:
        (reply,) = there.reserve(ours.url)["replies"]
    assert reply["successful"] is False
    assert reply["problem"].startswith("the body cannot be read")


def test_the_names_of_the_parameters_are_switches_and_more_can_be_sent(there: Portal) -> None:
    there.seed(param_class="classId", send_reference="enrollmentReference", asked_by="portal", count_seats=False)
    with provider() as ours:
        there.reserve(ours.url, params={"signature": "x y"}, headers={"X-Forwarded-For": "192.0.2.1"})
    sent = dict(ours.standin.params())
    assert set(sent) == {"classId", "enrollmentReference", "signature"}
    assert ours.standin.asked[0].headers.get("x-forwarded-for") == "192.0.2.1"
    assert there.look(sent["enrollmentReference"])["enrollmentStatus"] == "NEW"
    assert there.seats() == 12


def test_a_call_can_be_signed_by_a_clock_that_is_wrong(there: Portal) -> None:
    with provider() as ours:
        there.reserve(f"{ours.url}/a/reserve?z=1", sign="a key of example", clock_off_s=-600, company="Ås & co")
    sent = dict(ours.standin.params())
    signature, timestamp = sent.pop("signature"), sent.pop("timestamp")
    text = f"GET\n/a/reserve\ncompany=%C3%85s%20%26%20co&courseClassExternalId={CLASS}&z=1\n{timestamp}"
    assert signature == hmac.new(b"a key of example", text.encode(), "sha256").hexdigest()
    assert int(timestamp) == int(START.timestamp()) - 600


def test_seats_are_never_less_than_none(there: Portal) -> None:
    there.seed(classes=[{"course": "GSK-4D", "class": CLASS, "availableSeats": "0"}])
    with provider() as ours:
        there.reserve(ours.url)
    assert there.seats() == 0


# P2


@pytest.mark.parametrize("param", ["bookingReference", "enrollmentReference"])
def test_a_cancellation_ends_the_booking_and_gives_the_seat_back_once(there: Portal, param: str) -> None:
    with provider() as ours:
        there.reserve(ours.url)
    with provider(CANCELLED) as ours:
        replies = there.cancel(f"{ours.url}/cancelBooking", param=param, times=2, at_once=True)
    assert [reply["cancelled"] for reply in replies] == [True, True]
    assert ours.standin.params() == [(param, OURS)]
    assert there.look() == sample("booking-get-not-found.assumed.json")
    assert there.seats() == 12


def test_a_cancellation_that_is_refused_leaves_the_booking(there: Portal) -> None:
    with provider() as ours:
        there.reserve(ours.url)
    with provider(TOO_LATE) as ours:
        (reply,) = there.cancel(ours.url)
    assert (reply["cancelled"], reply["errorMessage"]) == (False, TOO_LATE["errorMessage"])
    assert (there.look()["enrollmentStatus"], there.seats()) == ("NEW", 11)


def test_a_cancelled_booking_is_shown_with_a_status_of_its_own_when_wished(there: Portal) -> None:
    there.seed(cancelled_shown=True)
    with provider() as ours:
        there.reserve(ours.url)
    with provider("<r><cancelled>true</cancelled></r>", content_type="application/xml") as ours:
        there.cancel(ours.url, accept="any")
    assert there.look()["enrollmentStatus"] == "CANCELLED"


def test_an_unknown_reference_is_asked_for_all_the_same(there: Portal) -> None:
    with provider(TOO_LATE) as ours:
        assert there.cancel(ours.url, reference="Æ&?=")[0]["cancelled"] is False
    assert ours.standin.params() == [("bookingReference", "Æ&?=")]


# Where it may call, and how it is run


@pytest.mark.parametrize(
    "url",
    ["https://127.0.0.1/x", "http://provider.example.org/x", "http://192.0.2.1/", "/reserve", "http://127.0.0.1/#x"],
)
def test_it_calls_this_machine_and_nothing_else(there: Portal, url: str) -> None:
    for order in ({"reserve": {"class": CLASS, "url": url}}, {"cancel": {"reference": OURS, "url": url}}):
        answer = httpx.post(f"{there.running.control_url}/seed", json=order, trust_env=False)
        assert (answer.status_code, "on this machine" in answer.text) == (400, True)
    assert there.running.standin.state()["calls"] == []


def test_the_command_serves_it() -> None:
    command = [sys.executable, "-m", "integrator", "standin", "trainingportal"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            ready = json.loads(process.stdout.readline())
            answer = httpx.post(f"{ready['url']}{BASE}/v1/courses/get", data=LOGIN, trust_env=False)
            assert (ready["name"], answer.json()) == ("trainingportal", sample("courses-list-success.assumed.json"))
        finally:
            process.terminate()
