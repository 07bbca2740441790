"""The Maconomy stand-in: its two dialects, its registrations, and how it is staged."""

import http.client
import json
import threading
from collections import Counter
from collections.abc import Iterator
from copy import deepcopy
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from integrator.domain.participants import REGISTRATION_PATHS
from integrator.home import shipped
from integrator.standins.base import Running, serve
from integrator.standins.catalogue import sample
from integrator.standins.maconomy import Maconomy
from integrator.systems.mapping import load_mapping, written
from maconomy_calls import BODY

from .maconomy_client import KEY, ask, course, native, read, read_courses

SAMPLES = Path(__file__).parents[1] / "samples" / "maconomy" / "assumed"
MAPPINGS = {"assumed": "maconomy.toml", "native-style": "maconomy.native-style.toml"}
PARTICIPANT = {
    "courseId": "25172-04",
    "externalReference": "ILI-4712-1",
    "firstName": "Søren",
    "lastName": "Nørgård",
    "email": "soeren.noergaard@example.org",
    "company": {"name": "Ærø Værft A/S"},
}


@pytest.fixture
def maconomy() -> Maconomy:
    return Maconomy()


# Reading


def test_without_a_seed_it_serves_the_samples(maconomy: Maconomy) -> None:
    assert read(maconomy, "/api/course") == sample("course")
    assert read(maconomy, "/api/maincourse") == sample("maincourse")
    assert [row["courseId"] for row in sample("course")] == ["25172-04", "25172-05", "25172-06", "25180-01", "25191-11"]
    assert [row["mainCourseId"] for row in sample("maincourse")] == ["25172", "25180", "25191", "24990"]


def test_one_course_is_the_same_object_as_in_the_list(maconomy: Maconomy) -> None:
    assert course(maconomy, "25172-05") == sample("course")[1]


def test_participants_of_a_course_of_an_empty_one_and_of_none(maconomy: Maconomy) -> None:
    assert [row["participantId"] for row in read(maconomy, "/api/participant/25172-04")] == [
        "100231",
        "100232",
        "100240",
        "100251",
    ]
    assert read(maconomy, "/api/participant/25172-05") == []
    assert ask(maconomy, "/api/participant/25172-99").status == 404


@pytest.mark.parametrize("path", ["/api/course/25172-99", "/api/course/25172/04", "/api/", "/course", "/api/order"])
def test_what_does_not_exist_is_not_found(maconomy: Maconomy, path: str) -> None:
    answer = ask(maconomy, path)
    assert answer.status == 404
    assert json.loads(answer.encoded())["error"] == "NOT_FOUND"


@pytest.mark.parametrize(("path", "method"), [("/api/course", "DELETE"), ("/api/webparticipant", "GET")])
def test_other_methods_are_refused(maconomy: Maconomy, path: str, method: str) -> None:
    assert ask(maconomy, path, method=method).status == 405


@pytest.mark.parametrize("headers", [{"X-Nothing": "1"}, {"Authorization": "Bearer wrong"}, {"Authorization": "ø"}])
def test_without_the_right_key_nothing_is_told_and_nothing_done(maconomy: Maconomy, headers: dict[str, str]) -> None:
    assert ask(maconomy, "/api/course", **headers).status == 401
    assert ask(maconomy, "/api/webparticipant", PARTICIPANT, **headers).status == 401
    assert len(read(maconomy, "/api/participant/25172-04")) == 4


def test_the_header_of_the_key_is_configurable(maconomy: Maconomy) -> None:
    maconomy.seed({"auth_header": "X-Api-Key", "auth_value": "hemmelig"})
    assert ask(maconomy, "/api/course", **{"x-api-key": "hemmelig"}).status == 200
    assert ask(maconomy, "/api/course").status == 401


# The other dialect


def test_the_native_style_has_other_names_an_envelope_and_no_null(maconomy: Maconomy) -> None:
    maconomy.seed({"dialect": "native-style"})
    answer = read(maconomy, "/api/course")
    assert answer["meta"] == {"containerName": "courses"}
    assert answer["panes"]["filter"]["meta"] == {"paneName": "filter", "rowCount": 5, "rowOffset": 0}
    assert [row["meta"] for row in answer["panes"]["filter"]["records"]] == [{"rowNumber": n} for n in range(5)]
    by_id = {row["coursenumber"]: row for row in native(maconomy, "/api/course")}
    first, last = by_id["25172-04"], by_id["25191-11"]
    assert (first["day2date"], first["day2from"], first["billingprice"]) == ("2027-03-02", "08:30", 14995.0)
    assert (first["changeddate"], first["changedtime"]) == ("2026-11-20", "17:02:11")
    assert (last["startingdate"], last["maximumnumber"], last["country"]) == ("", 0, "nil")
    assert (last["coursestatus"], last["trainer2name"], last["day3date"]) == ("nil", "", "")
    assert None not in [value for row in by_id.values() for value in row.values()]
    main = native(maconomy, "/api/maincourse")[3]
    assert (main["jobnumber"], main["blocked"], main["billingprice"], main["text1"]) == ("24990", True, 0.0, "")


def test_one_course_has_the_envelope_too(maconomy: Maconomy) -> None:
    maconomy.seed({"dialect": "native-style"})
    assert [row["coursenumber"] for row in native(maconomy, "/api/course/25180-01")] == ["25180-01"]
    assert native(maconomy, "/api/participant/25172-04")[0]["participantid"] == "100231"


def test_both_dialects_tell_the_same(maconomy: Maconomy) -> None:
    maconomy.seed({"courses": 300, "main_courses": 50})
    ours = read(maconomy, "/api/course")
    maconomy.seed({"dialect": "native-style"})
    theirs = native(maconomy, "/api/course")
    names = {"courseId": "coursenumber", "mainCourseId": "maincoursenumber", "name": "coursename"}
    names |= {"freeSeats": "freeseats", "maxParticipants": "maximumnumber", "zipCode": "zipcode"}
    names |= {"registeredParticipants": "registerednumber", "minParticipants": "minimumnumber"}
    for name, native_name in names.items():
        assert [row[name] or 0 for row in ours] == [row[native_name] or 0 for row in theirs], name
    dates = [row["startDate"] and datetime.strptime(row["startDate"], "%d-%m-%Y").date().isoformat() for row in ours]
    assert dates == [row["startingdate"] for row in theirs]
    assert [float(row["price"].replace(".", "").replace(",", ".")) for row in ours] == [
        r["billingprice"] for r in theirs
    ]
    words = {"Åben": "open", "Udsolgt": "fullybooked", "Aflyst": "cancelled", "Planlagt": "nil"}
    assert [words[row["status"]] for row in ours] == [row["coursestatus"] for row in theirs]


def test_nasty_and_incomplete_records_survive_the_other_dialect(maconomy: Maconomy) -> None:
    maconomy.seed({"dialect": "native-style", "nasty": True})
    prices = {row["coursenumber"]: row["billingprice"] for row in native(maconomy, "/api/course")}
    assert (prices["19001-01"], prices["19001-18"]) == ("14.99", "Efter aftale")
    maconomy.seed({"records": {"course": [{"courseId": "1"}]}})
    assert native(maconomy, "/api/course")[0]["freeseats"] == 0


# Staging changes


def test_a_share_changes_its_seats_and_nothing_else(maconomy: Maconomy) -> None:
    maconomy.seed({"courses": 500})
    before = {row["courseId"]: row for row in read_courses(maconomy)}
    changed = maconomy.seed({"change": {"percent": 1, "random": 7}})["changed"]
    after = {row["courseId"]: row for row in read_courses(maconomy)}
    assert len(changed) == 5
    assert sorted(key for key in after if after[key] != before[key]) == changed
    for key in changed:
        seats = ("freeSeats", "registeredParticipants")
        assert {name for name in after[key] if after[key][name] != before[key][name]} == set(seats)
        assert sum(after[key][name] for name in seats) == after[key]["maxParticipants"]


def test_the_same_change_is_the_same_again_and_undone_by_restore(maconomy: Maconomy) -> None:
    maconomy.seed({"courses": 500})
    before = ask(maconomy, "/api/course").encoded()
    first = maconomy.seed({"change": {"percent": 2, "random": 7}})["changed"]
    body = ask(maconomy, "/api/course").encoded()
    maconomy.seed({"restore": True})
    assert ask(maconomy, "/api/course").encoded() == before
    assert maconomy.seed({"change": {"percent": 2, "random": 7}})["changed"] == first
    assert ask(maconomy, "/api/course").encoded() == body


def test_records_are_set_removed_and_added(maconomy: Maconomy) -> None:
    maconomy.seed({"set": {"25172-04": {"freeSeats": 3}, "25172": {"name": "Nyt navn"}}})
    assert course(maconomy, "25172-04")["freeSeats"] == 3
    assert read(maconomy, "/api/maincourse")[0]["name"] == "Nyt navn"
    maconomy.seed({"remove": ["25172-05", "24990"], "add": [{"courseId": "25172-07"}, {"mainCourseId": "25300"}]})
    assert [row["courseId"] for row in read_courses(maconomy)][-1] == "25172-07"
    assert ask(maconomy, "/api/course/25172-05").status == 404
    assert [row["mainCourseId"] for row in read(maconomy, "/api/maincourse")] == ["25172", "25180", "25191", "25300"]


def test_explicit_records_replace_a_list_even_by_an_empty_one(maconomy: Maconomy) -> None:
    maconomy.seed({"records": {"course": [], "participant": {"25172-04": []}}})
    assert read_courses(maconomy) == []
    assert len(read(maconomy, "/api/maincourse")) == 4


@pytest.mark.parametrize(
    "settings",
    [{"curses": 5}, {"dialect": "klingon"}, {"set": {"99999-01": {}}}, {"remove": ["99999-01"]}],
)
def test_a_seed_it_does_not_understand_is_refused(maconomy: Maconomy, settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"seed|no course"):
        maconomy.seed(settings)
    assert read_courses(maconomy) == sample("course")


def test_reset_goes_back_to_what_it_was_started_with() -> None:
    standin = Maconomy({"courses": 12, "dialect": "native-style"})
    standin.seed({"courses": 5, "dialect": "assumed", "auth_value": "x", "locked": True})
    standin.reset()
    assert len(native(standin, "/api/course")) == 12
    assert standin.state()["locked"] is False


# Registering


def test_a_registration_takes_a_seat_and_is_in_the_list_at_once(maconomy: Maconomy) -> None:
    answer = ask(maconomy, "/api/webparticipant", PARTICIPANT)
    receipt = json.loads(answer.encoded())
    assert answer.status == 201
    assert receipt == {
        "participantId": "100300",
        "courseId": "25172-04",
        "externalReference": "ILI-4712-1",
        "status": "Tilmeldt",
        "freeSeats": 6,
    }
    listed = read(maconomy, "/api/participant/25172-04")[-1]
    assert (listed["participantId"], listed["externalReference"]) == ("100300", "ILI-4712-1")
    assert listed["company"] == "Ærø Værft A/S"
    assert set(listed) == set(sample("participant")["25172-04"][0])
    assert course(maconomy, "25172-04")["registeredParticipants"] == 14


def test_the_same_reference_again_makes_a_second_participant(maconomy: Maconomy) -> None:
    for _ in range(2):
        assert ask(maconomy, "/api/webparticipant", PARTICIPANT).status == 201
    references = [row["externalReference"] for row in read(maconomy, "/api/participant/25172-04")]
    assert references.count("ILI-4712-1") == 2


def test_where_references_are_unique_it_answers_with_the_known_one(maconomy: Maconomy) -> None:
    maconomy.seed({"unique_references": True})
    answers = [ask(maconomy, "/api/webparticipant", PARTICIPANT) for _ in range(2)]
    assert [answer.status for answer in answers] == [201, 200]
    assert answers[0].body == answers[1].body
    assert len(read(maconomy, "/api/participant/25172-04")) == 5


@pytest.mark.parametrize(
    ("change", "status", "error"),
    [
        ({"email": ""}, 400, "VALIDATION"),
        ({"firstName": None}, 400, "VALIDATION"),
        ({"lastName": " "}, 400, "VALIDATION"),
        ({"courseId": 25172}, 400, "VALIDATION"),
        ({"courseId": "25172-99"}, 404, "NOT_FOUND"),
        ({"courseId": "25172-05"}, 409, "COURSE_FULL"),
        ({"courseId": "25172-06"}, 409, "COURSE_CANCELLED"),
    ],
)
def test_a_refused_registration_changes_nothing(
    maconomy: Maconomy, change: dict[str, Any], status: int, error: str
) -> None:
    before = maconomy.state()
    answer = ask(maconomy, "/api/webparticipant", PARTICIPANT | change)
    body = json.loads(answer.encoded())
    assert (answer.status, body["error"]) == (status, error)
    if error == "VALIDATION":
        assert body["field"] == next(iter(change))
    assert maconomy.state() == before
    assert read_courses(maconomy) == sample("course")


@pytest.mark.parametrize("body", [b"{", b"", b"\xff", [PARTICIPANT], None])
def test_one_participant_as_json_is_the_only_thing_it_takes(maconomy: Maconomy, body: Any) -> None:
    assert ask(maconomy, "/api/webparticipant", body, method="POST").status == 400


@pytest.mark.parametrize(("locked", "status"), [(True, 503), (["25172-04"], 503), (["25180-01"], 201), (False, 201)])
def test_a_locked_record_is_refused_until_it_is_free(maconomy: Maconomy, locked: Any, status: int) -> None:
    maconomy.seed({"locked": locked})
    answer = ask(maconomy, "/api/webparticipant", PARTICIPANT)
    assert answer.status == status
    assert (json.loads(answer.encoded()).get("error") == "LOCKED") is (status == 503)


def test_many_at_once_get_no_seat_too_many(maconomy: Maconomy) -> None:
    statuses: list[int] = []

    def register(number: int) -> None:
        wanted = PARTICIPANT | {"externalReference": f"ILI-9-{number}"}
        statuses.append(ask(maconomy, "/api/webparticipant", wanted).status)

    threads = [threading.Thread(target=register, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(statuses) == {201: 7, 409: 13}
    row = course(maconomy, "25172-04")
    assert (row["freeSeats"], row["registeredParticipants"], row["status"]) == (0, 20, "Udsolgt")


WHOLE = json.loads((SAMPLES / "webparticipant.json").read_text(encoding="utf-8"))["request"]["json"]


@pytest.mark.parametrize("dialect", ["assumed", "native-style"])
def test_it_takes_every_field_that_the_mapping_writes(maconomy: Maconomy, dialect: str) -> None:
    maconomy.seed({"dialect": dialect})
    mapping = load_mapping(shipped() / "config" / MAPPINGS[dialect])
    for path in REGISTRATION_PATHS:
        body: dict[str, Any] = deepcopy(BODY)
        group = body
        *groups, last = path.split(".")
        for name in groups:
            group = group[name]
        if path not in ("course.id", "participant.first_name", "participant.last_name", "participant.email"):
            group[last] = None
        answer = ask(maconomy, "/api/webparticipant", written(mapping.endpoints["webparticipant"], body))
        # The class has 7 seats: what comes after them is understood, too.
        assert answer.status in (201, 409), (path, answer.body)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"price": 14995}, "price"),
        ({"price": "14,995.00"}, "price"),
        ({"price": "14.995"}, "price"),
        ({"acceptedTermsAt": "22-11-2026"}, "acceptedTermsAt"),
        ({"acceptedTermsAt": "2026-11-22T10:15:02"}, "acceptedTermsAt"),
        ({"email": "soeren"}, "email"),
        ({"phone": 4500000000}, "phone"),
        ({"comment": ["Vegetar"]}, "comment"),
        ({"company": "Ærø Værft A/S"}, "company"),
        ({"company": {"cvr": "00000000"}}, "company.cvr"),
        ({"invoice": {"ean": 0}}, "invoice.ean"),
        ({"firstname": "Søren"}, "firstname"),
    ],
)
def test_a_field_of_another_form_is_refused_by_its_name(maconomy: Maconomy, change: dict[str, Any], field: str) -> None:
    assert ask(maconomy, "/api/webparticipant", WHOLE).status == 201
    answer = ask(maconomy, "/api/webparticipant", WHOLE | change)
    body = json.loads(answer.encoded())
    assert (answer.status, body["error"], body["field"]) == (400, "VALIDATION", field)


def test_the_native_style_knows_its_own_names_only(maconomy: Maconomy) -> None:
    maconomy.seed({"dialect": "native-style"})
    assert ask(maconomy, "/api/webparticipant", PARTICIPANT).status == 400
    lower = {name.lower(): value for name, value in PARTICIPANT.items()}
    answer = ask(maconomy, "/api/webparticipant", lower)
    assert (answer.status, json.loads(answer.encoded())["participantid"]) == (201, "100300")


@pytest.mark.parametrize(
    ("who", "code", "status"),
    [
        ("ILI-4712-1", "VALIDATION", 400),
        ("soeren.noergaard@example.org", "COURSE_FULL", 409),
        ("ILI-4712-1", "COURSE_CANCELLED", 409),
        ("ILI-4712-1", "LOCKED", 503),
        ("ILI-4712-2", "VALIDATION", None),
    ],
)
def test_one_participant_may_be_refused(maconomy: Maconomy, who: str, code: str, status: int | None) -> None:
    maconomy.seed({"refuse": {who: code}})
    answer = ask(maconomy, "/api/webparticipant", PARTICIPANT)
    assert answer.status == (status or 201)
    assert json.loads(answer.encoded()).get("error") == (code if status else None)
    assert len(read(maconomy, "/api/participant/25172-04")) == (4 if status else 5)


def test_a_refusal_nobody_knows_is_not_staged(maconomy: Maconomy) -> None:
    with pytest.raises(ValueError, match="refuse with one of"):
        maconomy.seed({"refuse": {"ILI-4712-1": "TIRED"}})


def test_participants_without_an_id_can_be_staged(maconomy: Maconomy) -> None:
    maconomy.seed({"unreadable": {"25172-04": 2}})
    rows = read(maconomy, "/api/participant/25172-04")
    assert ["participantId" in row for row in rows] == [True] * 4 + [False] * 2
    maconomy.reset()
    assert len(read(maconomy, "/api/participant/25172-04")) == 4


# Over the wire


@pytest.fixture
def running() -> Iterator[Running]:
    with serve(Maconomy()) as served:
        yield served


def send(url: str, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=300)
    try:
        connection.request(method, path, None if body is None else json.dumps(body), KEY)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def test_an_effect_is_in_the_ledger_even_when_its_answer_was_lost(running: Running) -> None:
    rule = {"times": 1, "match": {"path": "/api/webparticipant"}, "fault": {"kind": "reset", "when": "after"}}
    send(running.control_url, "POST", "/faults", [rule])
    with pytest.raises(ConnectionResetError):
        send(running.url, "POST", "/api/webparticipant", PARTICIPANT)
    row = send(running.control_url, "GET", "/ledger?path=/api/webparticipant")[1][0]
    assert row["status"] is None
    assert row["effect"] == {
        "kind": "webparticipant",
        "id": "100300",
        "course_id": "25172-04",
        "reference": "ILI-4712-1",
        "email": "soeren.noergaard@example.org",
    }
    assert send(running.url, "GET", "/api/participant/25172-04")[1][-1]["externalReference"] == "ILI-4712-1"


def test_the_catalogue_is_staged_and_read_over_the_wire(running: Running) -> None:
    status, staged = send(running.control_url, "POST", "/seed", {"courses": 700, "main_courses": 20})
    assert (status, staged["courses"], staged["main_courses"]) == (200, 700, 20)
    rows = send(running.url, "GET", "/api/course")[1]
    assert len(rows) == 700
    assert send(running.control_url, "GET", "/state")[1]["courses"] == 700
    assert send(running.control_url, "POST", "/seed", {"nothing": 1})[0] == 400
