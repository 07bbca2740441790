"""What OilMat may answer to a pull and to a status, and everything that can go wrong on the way."""

import gzip
import json
import socket
from contextlib import closing, suppress
from urllib.parse import parse_qs, urlsplit

import pytest

from integrator.errors import BadAnswer, Refused, Unavailable
from integrator.standins.base import serve
from integrator.standins.oilmat import TOKEN
from integrator.standins.oilmat import OilMat as StandIn
from integrator.systems.http import Http
from integrator.systems.oilmat import OilMat
from oilmat_calls import SECRET, Asked, W, message, oilmat_at
from rawserver import CLOSE, HANG, RESET, UNREAD, WAIT_S, RawServer, answer, drip

OK_HEAD = b"HTTP/1.1 200 OK\r\n"
PAGE = b'{"items": [{"unique_id": "0007", "workshop": "bennys-auto"}], "next": "b2", "more": false}'


@pytest.fixture
def asked():
    return Asked()


def body_of(items, *, next="b2", more=False):
    return json.dumps({"items": items, "next": next, "more": more}).encode()


# a page -------------------------------------------------------------------------------------------


def test_a_page_is_asked_for_by_workshop_cursor_and_limit_with_our_token(asked):
    page = asked("GET", [answer(PAGE)], after="a/1+= æ")
    assert (page.next, page.more, len(page.items)) == ("b2", False, 1)
    [request] = asked.requests
    parts = urlsplit(request.target)
    assert (request.method, parts.path) == ("GET", "/api/v1/dispenses")
    assert parse_qs(parts.query) == {"workshop": [W], "limit": ["200"], "after": ["a/1+= æ"]}
    assert request.headers["authorization"] == f"Bearer {SECRET}"


def test_from_the_beginning_no_cursor_is_sent_and_without_a_token_no_login():
    for after in (None, ""):
        with RawServer([answer(PAGE)]) as server:
            oilmat = oilmat_at(server.url, token=None)
            oilmat.dispenses(W, after)
            oilmat.close()
            assert "after" not in server.requests[0].target
            assert "authorization" not in server.requests[0].headers


def test_items_come_byte_for_byte_whatever_they_are(asked):
    raw = [
        b'{"unique_id": 007, "x": 1}',
        b'{"product_amount": 5.50, "new field": {"a": [1, 2]}, "unique_id": "0007"}',
        b'{"case_id": "1", "case_id": "2"}',
        b'"{\\"unique_id\\": \\"0007\\"}"',
        '{"dealer": "Bennys Æro"}'.encode(),
        b"123456789012345678901234567890.10",
        b"null",
        b"[]",
    ]
    good = raw[1:]
    body = b'{"new": true, "more": true, "items": [' + b" ,\n".join(good) + b'], "next": "c"}'
    assert asked("GET", [answer(body)]).items == tuple(good)
    broken = asked("GET", [answer(b'{"items": [' + raw[0] + b'], "next": "c", "more": false}')])
    assert (type(broken), broken.code) == (BadAnswer, "bad_json")


def test_items_twice_and_out_of_order_are_all_given_on():
    with serve(StandIn()) as server:
        records = [{"unique_id": f"{number:04}", "workshop": W} for number in range(5)]
        server.standin.seed({"dispenses": {W: records}, "twice": True, "disorder": True, "overlap": 1})
        oilmat = oilmat_at(server.url, token=TOKEN, limit=2)
        pages = list(oilmat.pages(W))
        oilmat.close()
    came = [json.loads(item)["unique_id"] for page in pages for item in page.items]
    assert came == [f"000{n}" for n in (1, 1, 0, 0, 3, 3, 2, 2, 1, 1, 4, 4, 3, 3)]
    assert [page.more for page in pages] == [True, True, False]


def test_charset_bom_and_gzip_are_taken(asked):
    body = '{"items": [{"dealer": "Ærø"}], "next": "c", "more": false}'
    latin = answer(body.encode("latin-1"), Content_Type="application/json; charset=iso-8859-1")
    packed = answer(gzip.compress(body.encode()), Content_Encoding="gzip")
    for script in (latin, packed, answer(b"\xef\xbb\xbf" + body.encode()), answer(b"\n " + body.encode() + b"\n")):
        assert asked("GET", [script]).items == ('{"dealer": "Ærø"}'.encode(),)


def test_an_item_is_not_shown_by_accident(asked):
    assert "0007" not in repr(asked("GET", [answer(PAGE)]))


@pytest.mark.parametrize("given", [b'"items": [], "more": false', b'"items": [], "more": false, "next": null'])
def test_a_last_page_without_a_cursor_leaves_the_one_before(asked, given):
    assert asked("GET", [answer(b"{" + given + b"}")], after="a1").next == "a1"
    assert asked("GET", [answer(b"{" + given + b"}")]).next == ""


NO_PAGES = {
    "empty": (b"", "not_json"),
    "null": (b"null", "bad_page"),
    "list": (b"[]", "bad_page"),
    "text": (b'"items"', "bad_page"),
    "number": (b"200", "bad_page"),
    "empty object": (b"{}", "bad_page"),
    "error as 200": (b'{"error": "Session expired"}', "bad_page"),
    "login page": (b"<!DOCTYPE html><title>Log ind</title>", "not_json"),
    "plain text": (b"OK", "not_json"),
    "cut": (PAGE[:-20], "bad_json"),
    "two pages": (PAGE + PAGE, "bad_json"),
    "invalid UTF-8": (b'{"items": ["\xff\xfe"], "next": "c", "more": false}', "bad_encoding"),
    "half surrogate": (b'{"items": ["\\ud800"], "next": "c", "more": false}', "bad_json"),
    "NaN": (b'{"items": [NaN], "next": "c", "more": false}', "bad_json"),
    "deep": (b'{"items": [' + b"[" * 100_000 + b"]" * 100_000 + b'], "next": "c", "more": false}', "bad_json"),
    "XML with DOCTYPE": (b'<!DOCTYPE x [<!ENTITY e "boo">]><x>&e;</x>', "not_json"),
    "items an object": (b'{"items": {}, "next": "c", "more": false}', "bad_page"),
    "items null": (b'{"items": null, "next": "c", "more": false}', "bad_page"),
    "more missing": (b'{"items": [], "next": "c"}', "bad_page"),
    "more a text": (b'{"items": [], "next": "c", "more": "false"}', "bad_page"),
    "more null": (b'{"items": [], "next": "c", "more": null}', "bad_page"),
    "next a number": (b'{"items": [], "next": 7, "more": false}', "bad_page"),
    "more without next": (b'{"items": [], "next": "", "more": true}', "bad_page"),
    "more with next null": (b'{"items": [], "next": null, "more": true}', "bad_page"),
    "next of 3 kB": (body_of([], next="c" * 3000), "bad_page"),
    "next with a line break": (body_of([], next="c\n"), "bad_page"),
    "next with NUL": (body_of([], next="c\0"), "bad_page"),
}


@pytest.mark.parametrize("fault", NO_PAGES)
def test_what_is_no_page_is_refused_and_not_quoted(asked, fault):
    body, code = NO_PAGES[fault]
    error = asked("GET", [answer(body)])
    assert (type(error), error.code) == (BadAnswer, code)
    assert error.message.startswith(f"oilmat: ask for dispenses of {W}: ")
    assert len(error.message) < 200


def test_more_with_the_cursor_of_before_is_refused(asked):
    error = asked("GET", [answer(body_of([1], next="a1", more=True))], after="a1")
    assert (type(error), error.code) == (BadAnswer, "endless_paging")
    assert asked("GET", [answer(body_of([1], next="a1", more=False))], after="a1").next == "a1"


def test_a_cursor_that_never_ends_stops_after_what_is_new():
    with serve(StandIn()) as server:
        server.standin.seed({"dispenses": {W: [{"unique_id": "1"}]}, "endless": True})
        oilmat = oilmat_at(server.url, token=TOKEN)
        pages = oilmat.pages(W)
        assert len(next(pages).items) == 1
        with pytest.raises(BadAnswer, match="have no end") as caught:
            next(pages)
        oilmat.close()
        assert len(server.standin.entries(method="GET")) == 2
    assert caught.value.code == "endless_paging"


def test_cursors_that_go_in_a_circle_end():
    circle = [[answer(body_of([], next=cursor, more=True))] for cursor in ("b", "c", "d", "b")]
    with RawServer(*circle) as server:
        oilmat = oilmat_at(server.url)
        came = []
        with pytest.raises(BadAnswer, match="have no end"):
            came.extend(page.next for page in oilmat.pages(W, "a"))
        oilmat.close()
        assert (came, len(server.requests)) == (["b", "c", "d"], 4)


def test_cursors_that_are_always_new_end_too(monkeypatch):
    monkeypatch.setattr("integrator.systems.oilmat.MOST_PAGES", 5)
    with RawServer(*[[answer(body_of([], next=f"c{number}", more=True))] for number in range(9)]) as server:
        oilmat = oilmat_at(server.url)
        with pytest.raises(BadAnswer, match="have no end"):
            list(oilmat.pages(W))
        oilmat.close()
        assert len(server.requests) == 5


def test_a_page_that_failed_leaves_the_pages_before():
    with RawServer([answer(body_of([1], next="b", more=True))], [answer(status=503, Retry_After="9")]) as server:
        oilmat = oilmat_at(server.url)
        pages = oilmat.pages(W)
        assert next(pages).next == "b"
        with pytest.raises(Unavailable) as caught:
            next(pages)
        oilmat.close()
    assert caught.value.retry_after_s == 9.0


@pytest.mark.parametrize("status", [401, 403])
def test_a_pull_that_is_not_for_us_says_where_to_look(asked, status):
    error = asked("GET", [answer(b'{"error": "x"}', status=status)])
    assert (type(error), error.message) == (Refused, f"oilmat: ask for dispenses of {W}: answered {status}")
    assert "[oilmat]" in error.hint


@pytest.mark.parametrize("status", [400, 404, 409, 410, 422, 501])
def test_a_pull_that_is_refused_is_not_tried_again(asked, status):
    assert type(asked("GET", [answer(status=status)])) is Refused


@pytest.mark.parametrize("status", [201, 202, 204, 206])
def test_another_yes_is_no_page(asked, status):
    assert type(asked("GET", [answer(b"" if status == 204 else PAGE, status=status)])) is BadAnswer


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 520])
def test_a_pull_that_is_answered_later_is_later(asked, status):
    assert type(asked("GET", [answer(status=status)])) is Unavailable


WAITS = [
    ({}, None),
    ({"Retry_After": "7"}, 7.0),
    ({"Retry_After": "864000"}, 3600.0),
    ({"Retry_After": "soon"}, None),
    ({"Retry_After": "-5"}, None),
    ({"Retry_After": "Sun, 28 Feb 2027 06:02:00 GMT", "Date": "Sun, 28 Feb 2027 06:00:00 GMT"}, 120.0),
]


@pytest.mark.parametrize(("headers", "seconds"), WAITS)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_too_often_is_later_and_says_when(asked, method, headers, seconds):
    error = asked(method, [answer(b'{"error": "SLOW_DOWN"}', status=429, **headers)])
    assert (type(error), error.retry_after_s) == (Unavailable, seconds)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_our_token_does_not_follow_a_redirect(asked, method, status):
    with RawServer([answer(PAGE)]) as other:
        error = asked(method, [answer(status=status, Location=f"{other.url}/api/v1/dispenses")])
        assert other.requests == []
    assert type(error) is (Refused if method == "GET" else Unavailable)


# the exchange breaks ------------------------------------------------------------------------------

BROKEN = {
    "RST before it was read": [UNREAD, RESET],
    "FIN before it was read": [UNREAD, CLOSE],
    "RST after it was read": [RESET],
    "FIN after it was read": [CLOSE],
    "shorter than its length": [OK_HEAD + b"Content-Length: 1000\r\n\r\n" + PAGE, CLOSE],
    "reset in the middle": [OK_HEAD + b"Content-Length: 1000\r\n\r\n" + PAGE, RESET],
    "cut chunk": [OK_HEAD + b"Transfer-Encoding: chunked\r\n\r\nff\r\n" + PAGE[:40], CLOSE],
    "last chunk missing": [OK_HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n", CLOSE],
    "headers cut": [b"HTTP/1.1 200 OK\r\nContent-Le", CLOSE],
    "gzip cut": [answer(gzip.compress(PAGE * 9)[:30], Content_Encoding="gzip")],
    "not HTTP at all": [b"220 mail.example.org ESMTP\r\n", CLOSE],
}
TOO_MUCH = {
    "gzip bomb": ([answer(gzip.compress(bytes(100_000_000), 1), Content_Encoding="gzip")], "too_big"),
    "huge page": ([answer(body_of(["x" * 6_000_000]))], "too_big"),
    "not the gzip it claims": ([answer(PAGE, Content_Encoding="gzip")], "bad_compression"),
    "packed in another way": ([answer(PAGE, Content_Encoding="br")], "bad_compression"),
}
SLOW = {
    "hang before it is read": [UNREAD, HANG],
    "hang after it was read": [HANG],
    "slow headers": [OK_HEAD, drip(b"X-Slow: 1\r\n")],
    "slow body": [OK_HEAD + b"Content-Length: 1000000\r\n\r\n", drip(b" ")],
}


@pytest.mark.parametrize("fault", BROKEN)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_broken_exchange_is_for_later(asked, method, fault):
    assert type(asked(method, BROKEN[fault])) is Unavailable


def test_a_cut_page_without_a_length_is_no_page(asked):
    error = asked("GET", [OK_HEAD + b"Connection: close\r\n\r\n" + PAGE[:40], CLOSE])
    assert (type(error), error.code) == (BadAnswer, "bad_json")


@pytest.mark.parametrize("fault", TOO_MUCH)
def test_too_much_is_refused_by_a_pull_and_a_status_is_sent_again(asked, fault):
    script, code = TOO_MUCH[fault]
    error = asked("GET", script)
    assert (type(error), error.code) == (BadAnswer, code)
    if fault != "huge page":  # below the 10 MB that any answer to a status may have
        assert type(asked("POST", script)) is Unavailable


@pytest.mark.parametrize("fault", SLOW)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_slow_one_ends_at_the_deadline(asked, method, fault):
    assert type(asked(method, SLOW[fault], timeout_s=WAIT_S)) is Unavailable


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_who_cannot_wait_asks_once_and_not_for_long(method):
    def twice(fn):
        with suppress(Unavailable):
            return fn()
        return fn()

    with RawServer([HANG]) as server:
        http = Http(system="oilmat", base_url=server.url, user_agent="t", timeout_s=60.0, patience=twice)
        with closing(OilMat(http)) as oilmat:
            if method == "GET":
                with pytest.raises(Unavailable, match=f"no answer within {WAIT_S:.3g} s"):
                    next(oilmat.pages(W, at_most_s=WAIT_S))
            else:
                [said] = oilmat.statuses(at_most_s=WAIT_S).send([message()])
                assert f"no answer within {WAIT_S:.3g} s" in said.message
        assert [request.method for request in server.requests] == [method]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_without_a_connection_nothing_left(method):
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))  # held, and never listened to
        oilmat = oilmat_at(f"http://127.0.0.1:{deaf.getsockname()[1]}")
        with pytest.raises(Unavailable, match="no connection") as caught:
            oilmat.dispenses(W) if method == "GET" else oilmat.statuses().send([message()])
        oilmat.close()
    assert type(caught.value) is Unavailable


# the token ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("script", [[answer(status=401)], [answer(status=500)], [RESET], [answer(b"<html>")]])
def test_no_error_holds_the_token(asked, method, script):
    error = asked(method, script)
    shown = f"{error!r} {error.message} {error.hint} {vars(error)} {error.__cause__!r} {error.__context__!r}"
    assert SECRET not in shown


def test_the_token_is_closed_in_everything_that_holds_it():
    oilmat = oilmat_at("http://127.0.0.1:1")
    held = [oilmat._headers, vars(oilmat), vars(oilmat.statuses()), *vars(oilmat).values()]
    assert all(SECRET not in f"{one!r} {one}" for one in held)


# looked at by a person ------------------------------------------------------------------------------


def test_a_check_takes_nothing_and_needs_no_item():
    with serve(StandIn()) as server:
        oilmat = oilmat_at(server.url, token=TOKEN)
        oilmat.check(W)
        oilmat.close()
        [row] = server.standin.entries()
    assert parse_qs(urlsplit(row["target"]).query) == {"workshop": [W], "limit": ["1"]}


def test_a_check_says_what_is_wrong():
    with serve(StandIn()) as server:
        oilmat = oilmat_at(server.url, token="another")
        with pytest.raises(Refused, match=r"answered 401$"):
            oilmat.check(W)
        oilmat.close()
