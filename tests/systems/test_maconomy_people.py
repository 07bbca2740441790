"""One class: its seats and its participants over the stand-in, and every way the answer can go wrong."""

import json
import time
import unicodedata

import msgspec
import pytest

from integrator.domain.participants import same_name, same_text
from integrator.errors import BadAnswer, ConfigError, NotFound, Refused, Unavailable
from maconomy_calls import NATIVE, SAMPLES, SHIPPED, STYLES, adapter, outcome, scripted, staged, without
from rawserver import CLOSE, HANG, WAIT_S, answer

COURSE = json.loads((SAMPLES / "assumed/course-25172-04.json").read_text(encoding="utf-8"))
PEOPLE = json.loads((SAMPLES / "assumed/participant-25172-04.json").read_text(encoding="utf-8"))
CANONICAL = {row["id"]: row for row in json.loads((SAMPLES / "canonical/course.json").read_text(encoding="utf-8"))}
CALLS = ("course", "participants")


def packed(value):
    return json.dumps(value, ensure_ascii=False).encode()


def asked(maconomy, call, class_id="25172-04"):
    return outcome(getattr(maconomy, call), class_id)


# What comes back


@pytest.mark.parametrize(("mapping", "dialect"), STYLES)
def test_a_class_is_told_as_the_list_tells_it(mapping, dialect):
    with staged({"dialect": dialect}, mapping=mapping) as (_, maconomy):
        for class_id, expected in CANONICAL.items():
            assert msgspec.to_builtins(maconomy.course(class_id)) == expected


def test_the_seats_are_those_of_now():
    with staged() as (running, maconomy):
        assert maconomy.course("25172-04").seats_free == 7
        running.standin.seed({"set": {"25172-04": {"freeSeats": 0, "registeredParticipants": 20}}})
        now = maconomy.course("25172-04")
        assert (now.seats_free, now.status) == (0, "full")


@pytest.mark.parametrize(("mapping", "dialect"), STYLES)
def test_participants_are_read_and_what_nobody_maps_is_left_behind(mapping, dialect):
    with staged({"dialect": dialect}, mapping=mapping) as (_, maconomy):
        people = maconomy.participants("25172-04")
    assert msgspec.to_builtins(people[0]) == {
        "id": "100231",
        "course_id": "25172-04",
        "first_name": "Søren",
        "last_name": "Nørgård",
        "email": "soeren.noergaard@example.org",
        "company": "Ærø Værft A/S",
        "job_title": "Projektleder",
        "status": "registered",
        "external_reference": "ILI-4711-1",
    }
    assert [one.status for one in people] == ["registered", "registered", "withdrawn", "waitlist"]
    assert [one.external_reference for one in people] == ["ILI-4711-1", "ILI-4711-2", None, "ILI-4720-1"]
    assert (people.unreadable, people.missing) == (0, frozenset())


@pytest.mark.parametrize(("mapping", "dialect"), STYLES)
def test_a_class_without_participants_has_none(mapping, dialect):
    with staged({"dialect": dialect}, mapping=mapping) as (_, maconomy):
        assert maconomy.participants("25172-05") == []


@pytest.mark.parametrize("call", CALLS)
def test_a_class_that_is_not_there_is_not_found(call):
    with staged() as (_, maconomy):
        error = asked(maconomy, call, "25172-99")
    assert type(error) is NotFound
    assert "25172-99: there is no such class" in str(error)
    assert error.exit_code == 4


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    "class_id", ["", "25172", "25172-4", "../course", "25172-04\n", "25172-04/..", "٢٥١٧٢-٠٤", "25172–04", "x" * 99]
)
def test_what_is_no_number_of_a_class_is_never_asked_for(call, class_id):
    with staged() as (running, maconomy):
        error = asked(maconomy, call, class_id)
        assert type(error) is NotFound
        assert "nothing was asked" in str(error)
        assert "\n" not in str(error)
        assert running.standin.entries() == []


def test_a_mapping_without_a_pattern_still_asks_for_plain_ids_only():
    with staged({"dialect": "native-style"}, mapping=NATIVE) as (running, maconomy):
        assert type(asked(maconomy, "course", "25172/../x")) is NotFound
        assert running.standin.entries() == []


# Every way an answer goes wrong

TEXT_FAULTS = ("error", "login", "empty", "null", "object", "text", "bad-utf8", "nan", "doctype")
FAULTS = {
    "hang before": ({"kind": "hang"}, Unavailable),
    "hang after": ({"kind": "hang", "when": "after"}, Unavailable),
    "slow body": ({"kind": "slow", "interval": 0.05}, Unavailable),
    "slow headers": ({"kind": "slow", "part": "headers", "interval": 0.05}, Unavailable),
    **{f"cut {f}": ({"kind": "cut", "framing": f}, Unavailable) for f in ("length", "chunked")},
    "cut without a length": ({"kind": "cut", "framing": "none"}, BadAnswer),
    **{
        f"{kind} {w}": ({"kind": kind, "when": w}, Unavailable)
        for kind in ("reset", "close")
        for w in ("before", "after")
    },
    **{f"{s}": ({"kind": "status", "status": s}, Unavailable) for s in (408, 500, 502, 503, 504)},
    **{f"{s}": ({"kind": "status", "status": s}, Refused) for s in (400, 401, 403, 409, 422)},
    "404": ({"kind": "status", "status": 404, "body": "<html>nginx</html>"}, NotFound),
    **{
        f"429 {asked}": ({"kind": "status", "status": 429, "retry_after": asked}, Unavailable)
        for asked in (7, 864000, "soon", -1)
    },
    "429 with a date": ({"kind": "status", "status": 429, "retry_after": {"date": 60}}, Unavailable),
    "429 plain": ({"kind": "status", "status": 429}, Unavailable),
    "503 retry-after": ({"kind": "status", "status": 503, "retry_after": 20}, Unavailable),
    **{f"200 {what}": ({"kind": "body", "what": what}, BadAnswer) for what in TEXT_FAULTS},
    "200 envelope": ({"kind": "wrap"}, BadAnswer),
    "latin-1 in secret": ({"kind": "latin1", "declared": False}, BadAnswer),
    "another status": ({"kind": "body", "what": "object", "status": 202}, BadAnswer),
    "redirect": ({"kind": "redirect"}, Refused),
    "gzip bomb": ({"kind": "gzip-bomb", "megabytes": 30}, BadAnswer),
    "too big": ({"kind": "big", "megabytes": 11}, BadAnswer),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_question_that_goes_wrong_is_never_an_answer(call, fault):
    what, kind = FAULTS[fault]
    waits = what["kind"] in ("hang", "slow")
    with staged(faults=[{"fault": what}], timeout_s=WAIT_S if waits else 5.0) as (_, maconomy):
        error = asked(maconomy, call)
    assert type(error) is kind, error
    assert str(error).startswith("maconomy: ")
    assert "25172-04" in str(error)
    assert "Session expired" not in str(error)
    if call == "course" and kind is Unavailable:
        assert "cannot be booked now" in error.message


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("fault", [{"kind": "bom"}, {"kind": "latin1"}, {"kind": "content-type"}, {"kind": "twice"}])
def test_an_answer_in_odd_clothes_is_taken(call, fault):
    # Latin-1 has no letters beyond its own: those of the samples' participants are replaced by it.
    with staged({"records": {"participant": {"25172-04": PEOPLE[:2]}}}, faults=[{"fault": fault}]) as (_, maconomy):
        found = asked(maconomy, call)
    assert (found[0].last_name if call == "participants" else found.venue.city) in ("Nørgård", "Hellerup")


@pytest.mark.parametrize("call", CALLS)
def test_a_passing_failure_is_asked_again_once(call):
    with staged(faults=[{"times": 1, "fault": {"kind": "reset"}}]) as (running, maconomy):
        assert asked(maconomy, call)
        assert len(running.standin.entries()) == 2
    with staged(faults=[{"fault": {"kind": "status", "status": 500}}]) as (running, maconomy):
        assert type(asked(maconomy, call)) is Unavailable
        assert len(running.standin.entries()) == 2


@pytest.mark.parametrize("call", CALLS)
def test_who_asks_to_be_left_alone_is_not_asked_again(call):
    with staged(faults=[{"fault": {"kind": "status", "status": 503, "retry_after": 20}}]) as (running, maconomy):
        assert asked(maconomy, call).retry_after_s == 20.0
        assert len(running.standin.entries()) == 1


def test_the_second_try_has_only_what_the_first_one_left():
    with scripted([CLOSE], [HANG], timeout_s=0.5) as (server, maconomy):
        started = time.monotonic()
        error = asked(maconomy, "course")
        assert time.monotonic() - started < 0.5 + 1.0
        assert len(server.requests) == 2
    assert type(error) is Unavailable


def test_without_a_connection_nothing_can_be_booked():
    with scripted([CLOSE]) as (server, _):
        url = server.url
    maconomy = adapter(url)
    error = asked(maconomy, "course")
    maconomy.close()
    assert type(error) is Unavailable
    assert "no connection" in str(error)
    assert "cannot be booked now" in error.message


# What an answer says


def one_answer(call, value, **more):
    with scripted([answer(packed(value))], **more) as (_, maconomy):
        return asked(maconomy, call)


def test_the_class_must_be_the_one_that_was_asked_for():
    error = one_answer("course", COURSE | {"courseId": "25172-05"})
    assert (type(error), error.code) == (BadAnswer, "other_id")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"courseId": None}, "bad_id"),
        ({"freeSeats": "mange"}, "bad_int"),
        ({"endDate": "01-01-2020", "courseDays": []}, "end_before_start"),
    ],
)
def test_a_class_that_cannot_be_read_is_no_class(change, code):
    error = one_answer("course", COURSE | change)
    assert (type(error), error.code) == (BadAnswer, code)


def test_seats_that_are_not_told_are_unknown_and_not_zero():
    course = one_answer("course", {name: value for name, value in COURSE.items() if name != "freeSeats"})
    assert course.seats_free is None


def test_a_list_with_one_class_will_do_and_two_will_not():
    assert one_answer("course", [COURSE]).id == "25172-04"
    assert one_answer("course", [COURSE, COURSE]).code == "not_an_object"


def test_a_key_that_stands_twice_is_not_believed():
    body = packed(COURSE).replace(b'"freeSeats": 7', b'"freeSeats": 7, "freeSeats": 0')
    with scripted([answer(body)]) as (_, maconomy):
        assert asked(maconomy, "course").code == "duplicate_key"


def test_the_readable_participants_come_with_the_number_of_the_others():
    bad = [{"courseId": "25172-04"}, "x", PEOPLE[0] | {"participantId": "9", "courseId": "25172-05"}]
    people = one_answer("participants", [*PEOPLE, *bad])
    assert [one.id for one in people] == ["100231", "100232", "100240", "100251"]
    assert people.unreadable == 3


def test_a_participant_who_comes_twice_counts_once_and_two_of_one_id_do_not():
    people = one_answer("participants", [PEOPLE[0], PEOPLE[0], PEOPLE[1], PEOPLE[1] | {"lastName": "Bech"}])
    assert [one.last_name for one in people] == ["Nørgård", "Aaen"]
    assert people.unreadable == 1


def test_when_nobody_can_be_read_the_answer_is_useless():
    error = one_answer("participants", [{"courseId": "25172-04"}] * 3)
    assert (type(error), error.code) == (BadAnswer, "unreadable")
    assert "none of 3 records" in str(error)


@pytest.mark.parametrize(("theirs", "ours"), [("email", "email"), ("lastName", "last_name"), ("status", "status")])
def test_a_name_that_no_participant_has_any_more_is_a_changed_interface(theirs, ours):
    error = one_answer("participants", [{name: one[name] for name in one if name != theirs} for one in PEOPLE])
    assert (type(error), error.code) == (BadAnswer, "changed")
    assert f"no record has {ours} any more" in str(error)


def test_the_words_of_an_error_stay_out_they_may_be_about_a_person():
    error = one_answer("participants", {"error": "Søren Nørgård er slettet"})
    assert error.code == "error_answer"
    assert "Søren" not in str(error)


def test_an_unknown_status_is_unknown_and_a_broken_address_none():
    [one] = one_answer("participants", [PEOPLE[0] | {"status": "Måske", "email": "soeren(at)example.org"}])
    assert (one.status, one.email) == ("unknown", None)


def test_letters_in_two_characters_arrive_as_one():
    apart = {name: unicodedata.normalize("NFD", PEOPLE[2][name]) for name in ("firstName", "lastName", "company")}
    assert apart["firstName"] != PEOPLE[2]["firstName"]
    [one] = one_answer("participants", [PEOPLE[2] | apart])
    assert (one.first_name, one.last_name, one.company) == ("Jens Åge", "Møller-Sørensen", "Grønnegård Kommune")


def test_names_are_compared_as_a_reader_would():
    assert same_text(unicodedata.normalize("NFD", "  ÅSE  ØSTERGÅRD ")) == same_text("Åse Østergård")
    assert same_name("Jens Åge", "Møller") == same_name("Jens", "Åge Møller")
    assert same_text("Bjørk") != same_text("Bjork")
    assert same_text(None) == ""


def test_nothing_of_a_person_is_kept_on_disk(tmp_path):
    with staged(folder=tmp_path) as (_, maconomy):
        maconomy.participants("25172-04")
        maconomy.course("25172-04")
    assert list(tmp_path.iterdir()) == []


# The mapping


@pytest.mark.parametrize(
    ("line", "call", "what"),
    [
        ("one = ", "course", "[endpoint.course] one is missing"),
        ("first_name ", "participants", None),
        ("last_name ", "participants", None),
    ],
)
def test_a_mapping_that_lacks_something_says_so(tmp_path, line, call, what):
    with staged(mapping=without(SHIPPED, tmp_path, line)) as (_, maconomy):
        found = asked(maconomy, call)
    assert (type(found) is ConfigError) == (what is not None)
    assert what is None or what in str(found)


def test_a_list_of_participants_must_be_of_one_class(tmp_path):
    path = tmp_path / "maconomy.toml"
    path.write_text(
        SHIPPED.read_text(encoding="utf-8").replace("participant/{course_id}", "participant"), encoding="utf-8"
    )
    with staged(mapping=path) as (running, maconomy):
        error = asked(maconomy, "participants")
        assert running.standin.entries() == []
    assert type(error) is ConfigError
    assert "expected {course_id} in it" in str(error)
