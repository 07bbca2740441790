"""What OilMat answers to a status: 204 is yes, a no is about one or about all of them, everything else is not yet."""

import json

import pytest

from integrator.effects import Done
from integrator.errors import BadRecord, InDoubt, Refused, Rejected, Unavailable
from oilmat_calls import SECRET, Asked, W, message, oilmat_at
from rawserver import RawServer, answer

PAGE = b'{"items": [{"unique_id": "0007"}], "next": "b2", "more": false}'


@pytest.fixture
def asked():
    return Asked()


def test_a_status_is_posted_once_and_204_is_yes(asked):
    assert asked("POST", [answer(b"", status=204)]) == Done("0007", "told")
    [request] = asked.requests
    assert (request.method, request.target) == ("POST", "/api/v1/dispenses/0007/status")
    assert request.headers["authorization"] == f"Bearer {SECRET}"
    assert json.loads(request.body) == {
        "workshop": W,
        "status": "completed",
        "reason": "",
        "updated_at": "2027-03-01T08:00Z",
    }


@pytest.mark.parametrize("status", [200, 201, 202, 405, 408, 409, 410, 418, 500, 501, 502, 503, 504, 520])
@pytest.mark.parametrize("body", [b"", PAGE, b"null", b"[]", b"<html>Log ind</html>", b'{"error": "UNKNOWN_DISPENSE"}'])
def test_any_other_answer_is_not_yet_whatever_its_body(asked, status, body):
    error = asked("POST", [answer(body, status=status)])
    assert (type(error), isinstance(error, InDoubt)) == (Unavailable, False)
    assert f"answered {status}" in error.message
    assert error.message.endswith("it is sent again")


def test_an_error_that_asks_to_wait_keeps_that(asked):
    assert asked("POST", [answer(status=503, Retry_After="9")]).retry_after_s == 9.0


@pytest.mark.parametrize(("status", "body"), [(400, b""), (422, b"<html>"), (422, b'{"error": "BAD_STATUS"}')])
def test_a_no_to_one_status_is_about_that_one(asked, status, body):
    assert type(asked("POST", [answer(body, status=status)])) is Rejected


def test_of_an_unknown_dispense_nobody_needs_to_hear_and_any_other_404_is_about_the_address(asked):
    done = asked("POST", [answer(b'{"error": "UNKNOWN_DISPENSE", "message": "Bo ringer"}', status=404)])
    assert (done.remote_id, done.result) == (None, "unknown_there")
    for body in (b"", b"<html>404</html>", b"[]", b'{"error": "NO_SUCH_ROUTE"}', b'{"error": ["UNKNOWN_DISPENSE"]}'):
        error = asked("POST", [answer(body, status=404)])
        assert (type(error), "base_url" in error.hint) == (Refused, True)


@pytest.mark.parametrize("said", ["Bo Lund", "bo@example.org", "SECRET\nLINE", "X" * 400, 7, None, ""])
def test_only_a_word_of_theirs_is_shown(asked, said):
    error = asked("POST", [answer(json.dumps({"error": said}).encode(), status=422)])
    assert (type(error), error.message) == (Rejected, "oilmat: tell a status: answered 422")


@pytest.mark.parametrize("status", [401, 403])
def test_a_status_that_is_not_for_us_concerns_all_of_them(asked, status):
    error = asked("POST", [answer(b'{"error": "UNAUTHORIZED"}', status=status)])
    assert (type(error), error.message) == (Refused, f"oilmat: tell a status: answered {status}")


@pytest.mark.parametrize("unique_id", ["..", ".", "", "a/b", "a b", "a%2fb", "æ"])
def test_an_id_that_no_address_can_carry_is_set_aside_unsent(unique_id):
    with RawServer([answer(status=204)]) as server:
        oilmat = oilmat_at(server.url)
        [error] = oilmat.statuses().send([message(unique_id=unique_id)])
        oilmat.close()
        assert (type(error), server.requests) == (BadRecord, [])


def test_the_sender_sends_one_by_one_and_may_always_repeat():
    statuses = oilmat_at("http://127.0.0.1:1").statuses()
    both = [message(), message(unique_id="0008")]
    assert list(statuses.groups(both)) == [[both[0]], [both[1]]]
    assert (statuses.repeatable(both[0]), statuses.resends, statuses.settle_s) == (True, True, 0.0)
    assert statuses.look_up(both[0]) is None
    preview = statuses.preview(message(status="failed", reason="sag lukket"))
    assert preview.fields == [("status", None, "failed"), ("reason", None, "sag lukket")]
