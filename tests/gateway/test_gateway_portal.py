"""The two addresses that Trainingportal calls: its own answers to the letter, and every repeat the same."""

import json
import threading
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from doors import CLASS, SIGNING_KEY, TOKEN, Doors
from werkzeug.test import TestResponse

from integrator.gateway.guard import signature_of
from integrator.secret import Secret

SAMPLES = Path(__file__).parents[1] / "samples" / "trainingportal"
BJORN: dict[str, str] = json.loads((SAMPLES / "request-provider-reserve.query.json").read_text())
ASKED = BJORN | {"courseClassExternalId": CLASS}


@pytest.fixture
def here(here: Doors) -> Doors:
    here.publish()
    return here


def sample(name: str) -> dict[str, str]:
    found: dict[str, str] = json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))
    return found


def reference_of(answer: TestResponse) -> str:
    assert (answer.status_code, answer.json["successful"]) == (200, "true"), answer.text
    return str(answer.json["bookingReference"])


def signed(here: Doors, path: str, *, key: str = SIGNING_KEY, off_s: float = 0, **query: str) -> TestResponse:
    moment = str(int(here.now + off_s))
    mark = signature_of(Secret(key), "GET", path, query.items(), moment)
    return here.ask("GET", path, query_string=query | {"timestamp": moment, "signature": mark})


# the documented answers ---------------------------------------------------------------------------------------------


def test_a_seat_is_reserved_and_given_back_as_the_documentation_shows(here: Doors) -> None:
    answer = here.portal("reserve", **ASKED)
    assert answer.headers["Content-Type"] == "application/json"
    reference = reference_of(answer)
    assert answer.json == sample("provider-reserve-success") | {"bookingReference": reference}
    assert list(answer.json) == list(sample("provider-reserve-success"))
    assert here.rows("SELECT class_id, seats, state, channel FROM orders") == [(CLASS, 1, "reserved", "trainingportal")]
    gone = here.portal("cancel", bookingReference=reference)
    assert (gone.status_code, gone.json) == (200, sample("provider-cancel-success"))
    assert here.rows("SELECT o.state, b.state FROM orders o, bookings b") == [("cancelled", "cancelled")]


def test_a_reference_is_taken_however_it_was_written(here: Doors) -> None:
    reference = reference_of(here.portal("reserve", **ASKED))
    query = {"bookingReference": reference.lower(), "enrollmentReference": f" {reference.title()} "}
    assert here.portal("cancel", **query).json == sample("provider-cancel-success")
    assert here.rows("SELECT state FROM bookings") == [("cancelled",)]


def test_a_class_that_is_full_is_told_in_its_own_words(here: Doors) -> None:
    here.world.maconomy.seed({"set": {CLASS: {"freeSeats": 0}}})
    answer = here.portal("reserve", **ASKED)
    assert (answer.status_code, answer.json) == (200, sample("provider-reserve-full"))
    assert here.rows("SELECT count(*) FROM orders") == [(0,)]


def test_the_last_seat_is_taken_once_and_free_again_when_it_is_given_back(here: Doors) -> None:
    here.world.maconomy.seed({"set": {CLASS: {"freeSeats": 1}}})
    reference = reference_of(here.portal("reserve", **ASKED))
    assert here.portal("reserve", **ASKED | {"studentFirstName": "Åse"}).json == sample("provider-reserve-full")
    assert here.portal("cancel", enrollmentReference=reference).json["cancelled"] == "true"
    assert reference_of(here.portal("reserve", **ASKED | {"studentFirstName": "Åse"})) != reference


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"status": "Aflyst"}, "Kurset er avlyst"),
        ({"status": "Venteliste"}, "Kurset kan ikke bestilles"),
    ],
)
def test_a_class_that_cannot_be_booked_is_refused(here: Doors, change: dict[str, str], words: str) -> None:
    here.world.maconomy.seed({"set": {CLASS: change}})
    answer = here.portal("reserve", **ASKED)
    assert (answer.status_code, answer.json["successful"], answer.json["errorMessage"]) == (200, "false", words)


@pytest.mark.parametrize(
    ("state", "words"), [(None, "Kurset kan ikke bestilles"), ("cancelled", "Kurset er avlyst"), ("published", "")]
)
def test_only_a_class_that_is_published_there_is_sold_and_maconomy_is_not_even_asked(
    here: Doors, state: str | None, words: str
) -> None:
    assert here.world.run("import-courses").code == 0
    with here.world.store() as db:
        db.write(
            "DELETE FROM published_classes" if state is None else f"UPDATE published_classes SET state = '{state}'"
        )
    here.world.maconomy.clear_ledger()
    answer = here.portal("reserve", **ASKED)
    assert (answer.status_code, answer.json["errorMessage"]) == (200, words)
    assert here.rows("SELECT count(*) FROM bookings") == [(int(state == "published"),)]
    assert (here.world.maconomy.entries() == []) is (state != "published")


def test_a_booking_that_was_made_is_told_again_when_its_class_is_sold_there_no_more(here: Doors) -> None:
    reference = reference_of(here.portal("reserve", **ASKED))
    with here.world.store() as db:
        db.write("UPDATE published_classes SET state = 'cancelled'")
    assert reference_of(here.portal("reserve", **ASKED)) == reference


def test_why_a_seat_was_not_sold_stands_in_the_log(here: Doors) -> None:
    with here.world.store() as db:
        db.write("UPDATE published_classes SET state = 'cancelled'")
    here.portal("reserve", **ASKED)
    here.portal("reserve", courseClassExternalId="99999-01")
    assert [json.loads(line)["why"] for line in here.log().splitlines()] == ["cancelled", "not_found"]


@pytest.mark.parametrize("class_id", ["99999-01", "../api", "a/b", "x" * 41, "<b>", "Æ"])
def test_a_class_that_is_none_is_refused(here: Doors, class_id: str) -> None:
    answer = here.portal("reserve", courseClassExternalId=class_id)
    assert (answer.status_code, answer.json["errorMessage"]) == (200, "Kurset finnes ikke")


def test_without_a_class_or_with_two_nothing_is_done(here: Doors) -> None:
    none = here.portal("reserve", **BJORN | {"courseClassExternalId": " "})
    assert (none.status_code, none.json["successful"]) == (400, "false")
    two = here.ask("GET", f"/trainingportal/{TOKEN}/reserve?courseClassExternalId=a&courseClassExternalId=b")
    assert (two.status_code, two.json["errorMessage"]) == (400, "courseClassExternalId er ikke entydig")
    long = here.portal("reserve", **ASKED | {"company": "x" * 501})
    assert (long.status_code, long.json["errorMessage"]) == (400, "company: for lang")


def test_the_name_of_the_class_parameter_is_a_setting(here: Doors) -> None:
    table = '[trainingportal]\nbase_url = "http://127.0.0.1:1"\nusername = "u"\npassword = { env = "ERP_PASSWORD" }\n'
    here.configure(more=f'{table}[trainingportal.reserve]\nparam_class = "klasse"\n')
    assert here.portal("reserve", courseClassExternalId=CLASS).status_code == 400
    reference_of(here.portal("reserve", klasse=CLASS))


def test_while_maconomy_cannot_be_asked_the_status_says_so_and_the_body_too(here: Doors) -> None:
    here.world.servers[0].faults.add({"fault": {"kind": "status", "status": 503}})
    answer = here.portal("reserve", **ASKED)
    assert (answer.status_code, answer.json["successful"], answer.json["bookingReference"]) == (503, "false", "")
    assert int(answer.headers["Retry-After"]) >= 1
    here.world.servers[0].faults.clear()
    reference_of(here.portal("reserve", **ASKED))


# repeats ------------------------------------------------------------------------------------------------------------


def test_the_same_question_within_the_window_is_the_same_booking_whatever_its_order_and_format(here: Doors) -> None:
    reference = reference_of(here.portal("reserve", **ASKED))
    here.now += 590
    again = here.portal("reserve.xml", **dict(reversed(ASKED.items())))
    assert reference in again.text
    assert reference_of(here.portal("reserve", **ASKED, nocache="17")) == reference
    assert here.rows("SELECT count(*) FROM orders") == [(1,)]
    here.now += 20
    assert reference_of(here.portal("reserve", **ASKED)) != reference


def test_two_questions_without_a_name_are_one_only_for_a_minute(here: Doors) -> None:
    nameless = {"courseClassExternalId": CLASS, "company": "Fjordvind Drift AS", "enrollerLastName": "Øyhaug"}
    reference = reference_of(here.portal("reserve", **nameless))
    here.now += 55
    assert reference_of(here.portal("reserve", **nameless)) == reference
    here.now += 10
    assert reference_of(here.portal("reserve", **nameless)) != reference


def test_two_of_the_same_at_once_are_one_booking(here: Doors) -> None:
    found = at_once([lambda: here.portal("reserve", **ASKED)] * 8)
    assert len({reference_of(answer) for answer in found}) == 1
    assert here.rows("SELECT count(*), sum(seats) FROM orders") == [(1, 1)]


def test_reserved_and_cancelled_at_once_the_seat_is_free_again(here: Doors) -> None:
    here.world.maconomy.seed({"set": {CLASS: {"freeSeats": 1}}})
    reference = reference_of(here.portal("reserve", **ASKED))
    cancels = [lambda: here.portal("cancel", bookingReference=reference)] * 4
    for answer in at_once(cancels):
        assert (answer.status_code, answer.json) == (200, sample("provider-cancel-success"))
    assert reference_of(here.portal("reserve", **ASKED | {"studentFirstName": "Åse"}))


def test_many_students_at_once_are_never_more_than_the_seats(here: Doors) -> None:
    here.world.maconomy.seed({"set": {CLASS: {"freeSeats": 3}}})
    students = [ASKED | {"studentLastName": f"Ærlighaug {number}"} for number in range(8)]
    found = at_once([lambda student=student: here.portal("reserve", **student) for student in students])
    assert sorted(answer.json["successful"] for answer in found) == ["false"] * 5 + ["true"] * 3
    assert here.rows("SELECT sum(seats) FROM orders WHERE state = 'reserved'") == [(3,)]


def at_once(calls: list[Any]) -> list[TestResponse]:
    """All of them together, each in a thread of its own; the first question makes the store."""
    found: list[TestResponse] = []
    barrier = threading.Barrier(len(calls))

    def one(call: Any) -> None:
        barrier.wait(timeout=300)
        found.append(call())

    threads = [threading.Thread(target=one, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == len(calls)
    return found


# cancelling ---------------------------------------------------------------------------------------------------------


def test_an_unknown_reference_is_answered_as_documented_and_twice_the_same(here: Doors) -> None:
    first, second = (here.portal("cancel", bookingReference="TP-NOBODY") for _ in range(2))
    expected = sample("provider-cancel-error") | {"errorMessage": "Ukjent bookingreferanse"}
    assert (first.status_code, first.json) == (200, expected) == (second.status_code, second.json)


def test_cancelling_twice_is_once(here: Doors) -> None:
    reference = reference_of(here.portal("reserve", **ASKED))
    for name in ("bookingReference", "enrollmentReference", "bookingReference"):
        assert here.portal("cancel", **{name: reference}).json == sample("provider-cancel-success")


def test_the_two_names_of_the_reference_must_not_differ(here: Doors) -> None:
    reference = reference_of(here.portal("reserve", **ASKED))
    other = here.portal("cancel", bookingReference=reference, enrollmentReference="TP-OTHER")
    assert (other.status_code, other.json["cancelled"]) == (400, "false")
    assert here.rows("SELECT state FROM bookings") == [("reserved",)]
    assert (
        here.portal("cancel", bookingReference=reference, enrollmentReference=f" {reference}").json["cancelled"]
        == "true"
    )
    assert here.portal("cancel").status_code == 400


def test_asking_for_the_head_of_it_changes_nothing(here: Doors) -> None:
    reference = reference_of(here.portal("reserve", **ASKED))
    for method in ("HEAD", "OPTIONS", "POST", "PUT", "DELETE"):
        path = f"/trainingportal/{TOKEN}/cancel?bookingReference={reference}"
        assert here.ask(method, path).status_code == (204 if method == "OPTIONS" else 405)
        assert here.ask(method, f"/trainingportal/{TOKEN}/reserve?courseClassExternalId={CLASS}").status_code in (
            204,
            405,
        )
    assert here.rows("SELECT state FROM bookings") == [("reserved",)]


# formats ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "accept", "wanted"),
    [
        ("reserve", None, "json"),
        ("reserve", "*/*", "json"),
        ("reserve", "application/xml", "xml"),
        ("reserve", "text/xml", "xml"),
        ("reserve", "application/json;q=0.5, application/xml", "xml"),
        ("reserve", "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", "json"),
        ("reserve", "application/pdf", "json"),
        ("reserve", 'application/<xml>;q=\x80"', "json"),
        ("reserve.json", "application/xml", "json"),
        ("reserve.xml", "application/json", "xml"),
        ("cancel.xml", None, "xml"),
    ],
)
def test_the_format_is_the_suffixs_or_the_one_that_is_accepted(
    here: Doors, path: str, accept: str | None, wanted: str
) -> None:
    answer = here.portal(path, headers={"Accept": accept} if accept else {}, **ASKED, bookingReference="TP-NOBODY")
    assert answer.headers["Content-Type"] == (
        "application/json" if wanted == "json" else "application/xml; charset=utf-8"
    )


def test_xml_says_the_same_as_json_whatever_a_name_holds(here: Doors) -> None:
    student = ASKED | {"studentFirstName": "<b>&]]>\x01", "company": 'A "<!DOCTYPE x>" B'}
    reference = reference_of(here.portal("reserve", **student))
    root = ElementTree.fromstring(here.portal("reserve", headers={"Accept": "application/xml"}, **student).data)
    assert {part.tag: part.text or "" for part in root} == sample("provider-reserve-success") | {
        "bookingReference": reference
    }
    here.world.maconomy.seed({"set": {CLASS: {"freeSeats": 0}}})
    full = here.portal("reserve.xml", **student | {"company": "x"})
    assert "Ingen ledige plasser på kurset" in full.data.decode("utf-8")


# who may call -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("token", ["x", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), "Æ", "%00", "."])
def test_another_address_is_let_in_nowhere_and_told_nothing(here: Doors, token: str) -> None:
    reference = reference_of(here.portal("reserve", **ASKED))
    answers = [
        here.ask("GET", f"/trainingportal/{token}/cancel?bookingReference={reference}"),
        here.ask("GET", f"/trainingportal/{token}/cancel?bookingReference=TP-NOBODY"),
        here.ask("GET", f"/trainingportal/{token}/reserve.xml"),
    ]
    assert [answer.status_code for answer in answers] == [401] * 3
    assert len({answer.text for answer in answers}) == 1
    assert here.rows("SELECT state FROM bookings") == [("reserved",)]


def test_signed_questions_are_answered_and_their_repeats_too(here: Doors) -> None:
    reference = reference_of(signed(here, "/trainingportal/reserve", **ASKED))
    assert reference_of(signed(here, "/trainingportal/reserve.json", off_s=30, **ASKED)) == reference
    assert signed(here, "/trainingportal/cancel", bookingReference=reference).json == sample("provider-cancel-success")


@pytest.mark.parametrize(
    "spoilt",
    [
        {"signature": "0" * 64},
        {"signature": ""},
        {"courseClassExternalId": "25172-05"},
        {"company": "Other"},
        {"timestamp": "1"},
    ],
)
def test_whatever_is_not_what_was_signed_is_not_let_in(here: Doors, spoilt: dict[str, str]) -> None:
    moment = str(int(here.now))
    mark = signature_of(Secret(SIGNING_KEY), "GET", "/trainingportal/reserve", ASKED.items(), moment)
    query = ASKED | {"timestamp": moment, "signature": mark}
    answer = here.ask("GET", "/trainingportal/reserve", query_string=query | spoilt)
    assert (answer.status_code, answer.json["code"]) == (401, "not_let_in")
    other = here.ask("GET", "/trainingportal/reserve.xml", query_string=query)
    assert (other.status_code, other.json) == (401, answer.json)
    reference_of(here.ask("GET", "/trainingportal/reserve", query_string=query))


@pytest.mark.parametrize(
    ("off_s", "code"), [(-300, None), (299, None), (-600, "clock_off"), (600, "clock_off"), (301, "clock_off")]
)
def test_a_clock_that_is_minutes_off_is_told(here: Doors, off_s: int, code: str | None) -> None:
    answer = signed(here, "/trainingportal/reserve", off_s=off_s, **ASKED)
    assert (answer.status_code, answer.json.get("code")) == (401 if code else 200, code)
    if code:
        assert f"{abs(off_s)} s {'ahead of' if off_s > 0 else 'behind'} our clock" in answer.json["detail"]


def test_a_wrong_signature_learns_nothing_of_the_clock(here: Doors) -> None:
    answer = signed(here, "/trainingportal/reserve", key="another-signing-key", off_s=-600, **ASKED)
    assert (answer.status_code, answer.json["code"]) == (401, "not_let_in")


@pytest.mark.parametrize("moment", ["", "now", "-1", "1e9", "9" * 13, "²"])
def test_a_timestamp_that_is_none_is_refused(here: Doors, moment: str) -> None:
    mark = signature_of(Secret(SIGNING_KEY), "GET", "/trainingportal/reserve", ASKED.items(), moment)
    answer = here.ask("GET", "/trainingportal/reserve", query_string=ASKED | {"timestamp": moment, "signature": mark})
    assert answer.status_code == 401


def test_what_was_signed_is_the_same_in_any_order_and_spelling() -> None:
    """Shape of the documentation in docs: four lines, the query sorted and percent-encoded."""
    one = signature_of(Secret("k"), "GET", "/p", [("b", "Å b"), ("a", "1"), ("signature", "x")], "17")
    two = signature_of(Secret("k"), "GET", "/p", [("timestamp", "17"), ("a", "1"), ("b", "Å b")], "17")
    import hashlib
    import hmac

    assert one == two == hmac.new(b"k", b"GET\n/p\na=1&b=%C3%85%20b\n17", hashlib.sha256).hexdigest()


def test_the_token_and_what_it_was_asked_are_in_no_log(here: Doors) -> None:
    reference_of(here.portal("reserve", **ASKED))
    here.ask("GET", "/trainingportal/wrong-token-wrong-token/reserve", query_string=ASKED)
    signed(here, "/trainingportal/reserve", off_s=-600, **ASKED)
    log = here.log()
    assert log.count("\n") == 3
    assert '"why":"clock"' in log
    for secret in (TOKEN, "wrong-token", SIGNING_KEY, "Ærlighaug", "rlighaug", "example.org", "Fjordvind"):
        assert secret not in log
