"""Registering participants over the stand-in: what each answer means, and what a look-up finds after a doubt."""

import json
import threading
import unicodedata
from copy import deepcopy

import pytest

from integrator.effects import Done
from integrator.errors import BadAnswer, BadRecord, ConfigError, Conflict, InDoubt, Refused, Rejected, Unavailable
from integrator.standins.base import serve
from integrator.standins.maconomy import Maconomy as StandIn
from maconomy_calls import (
    BODY,
    NATIVE,
    SAMPLES,
    SHIPPED,
    STYLES,
    adapter,
    looked_up,
    outcome,
    registration,
    scripted,
    sent,
    staged,
    without,
)
from rawserver import CLOSE, WAIT_S, answer

RESPONSES = {
    row["case"].partition(" (")[0]: row
    for row in json.loads((SAMPLES / "assumed/webparticipant.json").read_text(encoding="utf-8"))["responses"]
}
POST = {"method": "POST"}
LIST = {"path": "/api/participant/.*"}
ROW = {
    "participantId": "100400",
    "courseId": "25172-04",
    "firstName": "Søren",
    "lastName": "Nørgård",
    "email": "soeren.noergaard@example.org",
    "company": "Ærø Værft A/S",
    "jobTitle": "Projektleder",
    "status": "Tilmeldt",
    "externalReference": "ILI-10001-1",
}
# No word of these may be in an error, a preview or anything else an operator or a log gets to see.
PERSONAL = ("Søren", "Nørgård", "Kjærgård", "@", "Vegetar", "+45", "Projektleder", "Ærø")


def says_nothing_of_anybody(text):
    return not any(word in str(text) for word in PERSONAL)


def references(running, class_id="25172-04"):
    return [row["externalReference"] for row in running.standin.state()["participants"][class_id]]


def with_rows(*rows):
    """The stand-in's class with these participants only."""
    return {"records": {"participant": {"25172-04": list(rows)}}}


# Sending


@pytest.mark.parametrize(("mapping", "dialect"), STYLES)
def test_a_participant_is_registered_and_found_again(mapping, dialect):
    message = registration()
    with staged({"dialect": dialect}, mapping=mapping) as (running, maconomy):
        assert sent(maconomy, message) == Done("100300", "registered")
        assert looked_up(maconomy, message) == Done("100300", "found")
        [effect] = running.standin.effects()
        assert (effect["course_id"], effect["reference"]) == ("25172-04", "ILI-10001-1")


def test_the_sample_request_leaves_to_the_letter():
    expected = json.loads((SAMPLES / "assumed/webparticipant.json").read_text(encoding="utf-8"))["request"]
    message = registration("ILI-4711-1")
    with scripted([answer(json.dumps(RESPONSES["created"]["json"]).encode(), status=201)]) as (server, maconomy):
        assert sent(maconomy, message) == Done("100231", "registered")
        [request] = server.requests
    assert (request.method, request.target) == (expected["method"], expected["path"])
    assert json.loads(request.body) == expected["json"]
    assert request.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("case", "kind", "code"),
    [
        ("created", Done, None),
        ("same externalReference again", Done, None),
        ("no seat left", Rejected, "full"),
        ("cancelled", Rejected, "cancelled"),
        ("field missing", Rejected, "refused"),
        ("unknown course", Rejected, "refused"),
        ("Maconomy busy: record locked by a user", Unavailable, None),
    ],
)
def test_the_sample_answers_mean_what_they_say(case, kind, code):
    said = RESPONSES[case]
    reply = answer(json.dumps(said["json"], ensure_ascii=False).encode(), status=said["status"])
    with scripted([reply]) as (_, maconomy):
        result = sent(maconomy, registration("ILI-4711-1"))
    assert type(result) is kind
    assert getattr(result, "code", None) == code
    if code:
        assert result.message.startswith(f"{code}: ")
        assert said["json"]["error"] in result.message
        assert said["json"]["message"] not in result.message


def test_of_an_invalid_field_only_its_name_is_told():
    invalid = {"error": "VALIDATION", "message": "Søren Nørgård findes", "field": "email"}
    with scripted([answer(json.dumps(invalid).encode(), status=400)]) as (_, maconomy):
        assert "VALIDATION about email" in sent(maconomy, registration()).message
    with scripted([answer(json.dumps(invalid | {"field": "Søren Nørgård"}).encode(), status=400)]) as (_, maconomy):
        assert says_nothing_of_anybody(sent(maconomy, registration()).message)


def test_a_lock_says_how_long_to_stay_away():
    reply = answer(b'{"error": "LOCKED"}', status=503, Retry_After="30")
    with scripted([reply]) as (_, maconomy):
        result = sent(maconomy, registration())
    assert type(result) is Unavailable
    assert result.retry_after_s == 30.0
    assert "nothing was done" in result.message


def test_a_meaning_may_hang_on_the_status_alone(tmp_path):
    path = tmp_path / "maconomy.toml"
    path.write_text(SHIPPED.read_text(encoding="utf-8").replace("COURSE_FULL =", "409 ="), encoding="utf-8")
    with scripted([answer(b"<html>", status=409)], mapping=path) as (_, maconomy):
        assert sent(maconomy, registration()).code == "full"


def test_each_participant_goes_alone():
    with staged() as (_, maconomy):
        sender = maconomy.registrations(lambda message: 0)
        messages = [registration(f"ILI-10001-{number}") for number in (1, 2, 3)]
        assert [list(group) for group in sender.groups(messages)] == [[message] for message in messages]
        assert (sender.resends, sender.settle_s) == (True, 7.0)
        assert not sender.repeatable(messages[0])


def test_of_one_order_one_may_be_refused_and_the_others_are_in():
    with staged({"refuse": {"ILI-10001-2": "VALIDATION"}}) as (running, maconomy):
        results = [sent(maconomy, registration(f"ILI-10001-{number}")) for number in (1, 2, 3)]
        assert [type(result) for result in results] == [Done, Rejected, Done]
        assert references(running)[-2:] == ["ILI-10001-1", "ILI-10001-3"]


# The list of faults


def receipt(**more):
    return {"participantId": "100300", "courseId": "25172-04", "externalReference": "ILI-10001-1", **more}


EFFECT, NONE = 1, 0
WHEN = (("before", NONE), ("after", EFFECT))
FRAMINGS = ("length", "none", "chunked")
BODIES = ("error", "login", "empty", "null", "list", "object", "text", "bad-utf8", "nan", "duplicate-keys", "doctype")
FAULTS = {
    "hang before": ({"kind": "hang"}, InDoubt, NONE),
    "hang after": ({"kind": "hang", "when": "after"}, InDoubt, EFFECT),
    "slow body": ({"kind": "slow", "interval": 0.05}, InDoubt, EFFECT),
    "slow headers": ({"kind": "slow", "part": "headers", "interval": 0.05}, InDoubt, EFFECT),
    **{f"cut {framing}": ({"kind": "cut", "framing": framing}, InDoubt, EFFECT) for framing in FRAMINGS},
    **{
        f"{kind} {when}": ({"kind": kind, "when": when}, InDoubt, effects)
        for kind in ("reset", "close")
        for when, effects in WHEN
    },
    **{f"{status}": ({"kind": "status", "status": status}, Rejected, NONE) for status in (400, 422)},
    **{f"{status}": ({"kind": "status", "status": status}, Refused, NONE) for status in (401, 403, 404)},
    **{f"{status}": ({"kind": "status", "status": status}, InDoubt, NONE) for status in (408, 409, 202, 204, 304, 418)},
    **{
        f"429 {asked}": ({"kind": "status", "status": 429, "retry_after": asked}, Unavailable, NONE)
        for asked in (None, 7, 864000, "soon")
    },
    "429 with a date": ({"kind": "status", "status": 429, "retry_after": {"date": 60}}, Unavailable, NONE),
    **{
        f"{status} {when}": ({"kind": "status", "status": status, "when": when}, InDoubt, effects)
        for status in (500, 502, 503, 504)
        for when, effects in WHEN
    },
    "503 retry-after": ({"kind": "status", "status": 503, "retry_after": 20}, InDoubt, NONE),
    **{
        f"200 {what} {when}": ({"kind": "body", "what": what, "when": when}, InDoubt, effects)
        for what in BODIES
        for when, effects in WHEN
    },
    "receipt of another one": (
        {"kind": "body", "raw": json.dumps(receipt(externalReference="ILI-10001-2")), "when": "after"}, InDoubt, EFFECT,
    ),
    "receipt of another class": ({"kind": "body", "raw": json.dumps(receipt(courseId="25172-05"))}, InDoubt, NONE),
    "receipt without an id": ({"kind": "body", "raw": json.dumps(receipt(participantId=None))}, InDoubt, NONE),
    "receipt with a list for an id": ({"kind": "body", "raw": json.dumps(receipt(participantId=["1"]))}, InDoubt, NONE),
    "receipt and error": ({"kind": "body", "raw": json.dumps(receipt(error="COURSE_FULL"))}, InDoubt, NONE),
    "error that nobody documents": ({"kind": "body", "raw": '{"error": "BUSY"}', "status": 409}, InDoubt, NONE),
    "documented error with 200": ({"kind": "body", "raw": '{"error": "COURSE_FULL"}'}, Rejected, NONE),
    "documented error with 500": ({"kind": "body", "raw": '{"error": "LOCKED"}', "status": 500}, Unavailable, NONE),
    "receipt with 202": ({"kind": "body", "raw": json.dumps(receipt()), "status": 202}, InDoubt, NONE),
    "redirect": ({"kind": "redirect"}, InDoubt, NONE),
    "redirect after": ({"kind": "redirect", "when": "after"}, InDoubt, EFFECT),
    "twice": ({"kind": "twice"}, Done, 2),
    "gzip bomb": ({"kind": "gzip-bomb", "megabytes": 30}, InDoubt, NONE),
    "too big": ({"kind": "big", "megabytes": 11}, InDoubt, NONE),
    "byte order mark": ({"kind": "bom"}, Done, EFFECT),
    "other type": ({"kind": "content-type"}, Done, EFFECT),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_of_a_registration_has_its_consequence(fault):
    what, kind, effects = FAULTS[fault]
    waits = what["kind"] in ("hang", "slow")
    message = registration()
    with staged(faults=[{"match": POST, "fault": what}], timeout_s=WAIT_S if waits else 5.0) as (running, maconomy):
        result = sent(maconomy, message)
        assert type(result) is kind, result
        assert len(running.standin.entries(method="POST")) == max(1, effects)  # never twice by ourselves
        assert len(running.standin.effects()) == effects
        if kind is InDoubt:
            calm = adapter(running.url)
            assert looked_up(calm, message) == (Done("100300", "found") if effects else None)
            calm.close()
    if kind is not Done:
        assert result.message.startswith("maconomy: " if kind is not Rejected else ("refused: ", "full: "))
        assert "ILI-10001-1" in result.message or result.code == "full"
        assert says_nothing_of_anybody(result.message)
    assert getattr(result, "retry_after_s", None) == {"429 7": 7.0, "429 864000": 3600.0, "503 retry-after": 20.0}.get(
        fault, result.retry_after_s if fault == "429 with a date" else None
    )


def test_what_concerns_everybody_is_raised_so_that_nobody_else_is_sent():
    for status, kind in ((401, Refused), (403, Refused), (404, Refused), (429, Unavailable)):
        with scripted([answer(b"", status=status)]) as (_, maconomy):
            sender = maconomy.registrations(lambda message: 0)
            with pytest.raises(kind):
                sender.send([registration()])


def test_without_a_connection_nothing_was_sent():
    with scripted([CLOSE]) as (server, _):
        url = server.url
    maconomy = adapter(url)
    sender = maconomy.registrations(lambda message: 0)
    with pytest.raises(Unavailable) as caught:
        sender.send([registration()])
    maconomy.close()
    assert type(caught.value) is Unavailable


def test_a_redirect_takes_nothing_along():
    with scripted([answer()]) as (other, _), scripted([answer(status=307, Location=other.url)]) as (_, maconomy):
        assert type(sent(maconomy, registration())) is InDoubt
        assert other.requests == []


def test_what_cannot_be_written_as_json_was_not_sent():
    with staged() as (running, maconomy):
        result = sent(maconomy, registration(first_name="half \ud800"))
        assert type(result) is BadRecord
        assert running.standin.entries() == []


class Loud(StandIn):
    """Tells when a participant has been added."""

    def __init__(self):
        self.added = threading.Event()
        super().__init__()

    def _add(self, request, wanted):
        answer = super()._add(request, wanted)
        self.added.set()
        return answer


def test_a_request_that_arrives_late_is_found_by_a_later_look_up():
    message = registration()
    with serve(Loud()) as running:
        running.faults.add({"match": POST, "fault": {"kind": "late"}})
        maconomy = adapter(running.url)
        assert type(sent(maconomy, message)) is InDoubt
        assert running.faults.gate.await_held()
        assert looked_up(maconomy, message) is None  # hence settle_s: it is not there yet
        running.faults.gate.release()
        assert running.standin.added.wait(60)
        assert looked_up(maconomy, message) == Done("100300", "found")
        maconomy.close()


# Looking it up by our reference


def found_among(*rows, message=None, mapping=SHIPPED, known=0):
    with staged(with_rows(*rows), mapping=mapping) as (_, maconomy):
        return looked_up(maconomy, message or registration(), known=known)


def test_a_reference_that_is_there_once_is_ours():
    assert found_among(ROW | {"externalReference": "ILI-10001-11"}, ROW | {"participantId": "7"}) == Done("7", "found")
    assert found_among(ROW | {"externalReference": " ili-10001-1 "}) == Done("100400", "found")
    assert found_among(ROW | {"status": "Afmeldt"}) == Done("100400", "found")


def test_a_reference_that_is_not_there_was_certainly_not_registered():
    assert found_among() is None
    assert found_among(ROW | {"externalReference": "ILI-10001-2"}) is None
    assert found_among(ROW | {"externalReference": ""}) is None


def test_a_reference_that_is_there_twice_is_a_conflict():
    error = found_among(ROW, ROW | {"participantId": "100401"})
    assert type(error) is Conflict
    assert "100400, 100401" in error.message


@pytest.mark.parametrize(
    ("theirs", "kind"),
    [
        ({"email": "en.anden@example.org"}, Conflict),
        ({"email": "SOEREN.Noergaard@EXAMPLE.org"}, Done),
        ({"firstName": "Sören", "lastName": "Norgaard"}, Done),  # corrected by hand; the address tells
        ({"email": "", "lastName": "Bech"}, Conflict),
        ({"email": "", "firstName": " SØREN ", "lastName": "NØRGÅRD"}, Done),
        ({"email": "", "firstName": "", "lastName": ""}, Done),
    ],
)
def test_a_reference_of_somebody_else_is_a_conflict(theirs, kind):
    result = found_among(ROW | theirs, ROW | {"participantId": "1", "externalReference": "x"})
    assert type(result) is kind
    if kind is Conflict:
        assert "somebody else" in result.message
        assert says_nothing_of_anybody(result.message)


def test_a_participant_that_cannot_be_read_might_be_ours():
    with staged({"unreadable": {"25172-04": 2}}) as (_, maconomy):
        error = looked_up(maconomy, registration("ILI-4711-1"))
    assert type(error) is BadAnswer
    assert "2 of the class's participants cannot be read" in error.message


def test_when_no_participant_has_a_reference_any_more_nothing_is_concluded():
    error = found_among({name: value for name, value in ROW.items() if name != "externalReference"})
    assert (type(error), error.code) == (BadAnswer, "changed")


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ({"kind": "status", "status": 404}, BadAnswer),
        ({"kind": "status", "status": 500}, Unavailable),
        ({"kind": "reset"}, Unavailable),
        ({"kind": "status", "status": 401}, BadAnswer),
        ({"kind": "body", "what": "error"}, BadAnswer),
        ({"kind": "body", "what": "login"}, BadAnswer),
        ({"kind": "body", "what": "null"}, BadAnswer),
        ({"kind": "body", "what": "object"}, BadAnswer),
        ({"kind": "wrap"}, BadAnswer),
        ({"kind": "cut", "framing": "none"}, BadAnswer),
    ],
)
def test_a_look_up_that_fails_is_no_answer(fault, kind):
    message = registration("ILI-4711-1")
    with staged(faults=[{"match": LIST, "fault": fault}]) as (_, maconomy):
        assert type(looked_up(maconomy, message)) is kind


def test_a_class_that_has_gone_tells_nothing():
    with staged({"remove": ["25172-04"]}) as (_, maconomy):
        error = looked_up(maconomy, registration())
    assert type(error) is BadAnswer, "an answer: it holds back its own class only"
    assert "cannot tell" in error.message


def test_a_request_that_was_doubled_on_its_way_is_a_conflict():
    message = registration()
    with staged(faults=[{"match": POST, "fault": {"kind": "twice"}}]) as (_, maconomy):
        sent(maconomy, message)
        assert type(looked_up(maconomy, message)) is Conflict


# Looking it up by how many there are


@pytest.fixture(params=["external_reference = ", "externalReference = "])
def counting(request, tmp_path):
    """A mapping whose reference is not read, or not sent: then only counting is left."""
    return without(SHIPPED, tmp_path, request.param)


def row(number, **more):
    return ROW | {"participantId": str(number), "externalReference": "", **more}


@pytest.mark.parametrize(
    ("rows", "known", "result"),
    [
        ([], 0, None),
        ([row(1)], 0, Done("1", "found")),
        ([row(1)], 1, None),
        ([row(1), row(2)], 1, Done(None, "found")),
        ([row(1), row(2)], 2, None),
        ([row(1, lastName="Bech")], 0, None),
        ([row(1, email="soeren@example.org")], 0, None),
        ([row(1, firstName="SØREN", lastName="NØRGÅRD", email="SOEREN.Noergaard@example.org")], 0, Done("1", "found")),
        ([row(1, firstName="", lastName="Søren Nørgård")], 0, Done("1", "found")),
        ([row(1, status="Afmeldt"), row(2)], 1, Conflict),
        ([row(1, status="Afmeldt")], 1, None),
        ([row(1, status="Afmeldt")], 0, Conflict),
        ([row(1, status="Afmeldt"), row(2)], 0, Done("2", "found")),
        ([row(1, status="Venteliste")], 0, Done("1", "found")),
    ],
)  # fmt: skip
def test_more_of_a_name_than_we_know_of_means_that_ours_is_there(counting, rows, known, result):
    found = found_among(*rows, mapping=counting, known=known)
    assert (type(found) is result) if result is Conflict else (found == result)


def test_letters_in_two_characters_are_the_same_person(counting):
    apart = {
        name: unicodedata.normalize("NFD", text) for name, text in (("firstName", "Åse"), ("lastName", "Lindegård"))
    }
    message = registration(first_name="Åse", last_name="Lindegård")
    assert found_among(row(1, **apart), mapping=counting, message=message) == Done("1", "found")
    message = registration(first_name=apart["firstName"], last_name=apart["lastName"])
    plain = row(1, firstName="Åse", lastName="Lindegård")
    assert found_among(plain, mapping=counting, message=message) == Done("1", "found")


def test_a_participant_without_a_reference_is_registered_all_the_same(counting):
    with staged(mapping=counting) as (_, maconomy):
        assert sent(maconomy, registration()) == Done("100300", "registered")


# What an operator sees


def test_a_preview_says_what_would_be_sent_and_of_whom_nothing():
    with staged() as (running, maconomy):
        preview = maconomy.registrations(lambda message: 0).preview(registration())
        assert running.standin.entries() == []
    assert (preview.action, preview.key, preview.title) == ("register", "ILI-10001-1", "25172-04")
    assert preview.remote_id is None
    assert preview.fields == [
        ("courseId", None, "25172-04"),
        ("externalReference", None, "ILI-10001-1"),
        ("orderNumber", None, "4711"),
        ("price", None, "14.995,00"),
        ("currency", None, "DKK"),
        ("acceptedTermsAt", None, "2026-11-22T10:15:02+01:00"),
    ]
    assert says_nothing_of_anybody(preview)


@pytest.mark.parametrize(
    ("lines", "what"),
    [
        (["last_name ", "first_name "], "neither first_name nor last_name is mapped"),
        (["lastName "], "[endpoint.webparticipant.send] has no name for participant.last_name"),
        (["courseId "], "has no name for course.id"),
    ],
)
def test_a_mapping_that_cannot_register_anybody_is_refused_before_anything_is_sent(tmp_path, lines, what):
    with staged(mapping=without(SHIPPED, tmp_path, *lines)) as (_, maconomy):
        error = outcome(maconomy.registrations, lambda message: 0)
    assert type(error) is ConfigError
    assert what in str(error)


def test_a_mapping_of_courses_alone_says_what_it_lacks(tmp_path):
    path = tmp_path / "maconomy.toml"
    path.write_text(NATIVE.read_text(encoding="utf-8").partition("[endpoint.participant]")[0], encoding="utf-8")
    with staged(mapping=path) as (_, maconomy):
        assert [problem.what.partition(" is")[0] for problem in maconomy.registration_problems()] == [
            "[endpoint.participant]",
            "[endpoint.webparticipant]",
        ]


def test_a_person_with_nothing_but_a_name_is_taken(tmp_path):
    body = deepcopy(BODY)
    body["order"] |= {"price_minor": None, "currency": None, "accepted_terms_at": None}
    body["order"]["company"] = dict.fromkeys(body["order"]["company"])
    body["participant"] |= {"phone": None, "job_title": None, "comment": None}
    for nothing in ("empty", "null", "omit"):
        path = tmp_path / f"{nothing}.toml"
        text = SHIPPED.read_text(encoding="utf-8").replace("[defaults]", f'[defaults]\nsend_nothing = "{nothing}"')
        path.write_text(text, encoding="utf-8")
        message = registration()
        message.body.update(body)
        with staged(mapping=path) as (_, maconomy):
            assert type(sent(maconomy, message)) is Done
