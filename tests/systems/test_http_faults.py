"""Every way an exchange can go wrong: a read that failed may be had later, a write that failed may have been done."""

import gzip
import socket
import time

import pytest

from integrator.errors import BadAnswer, InDoubt, Refused, Rejected, Unavailable
from integrator.systems.http import CUT, Http, status_error
from rawserver import CLOSE, HANG, RESET, SIP, UNREAD, WAIT_S, RawServer, answer, drip

OK_HEAD = b"HTTP/1.1 200 OK\r\n"


def http_to(url, **more):
    return Http(**{"system": "maconomy", "base_url": url, "user_agent": "integrator/test", "timeout_s": 5.0, **more})


@pytest.fixture
def ask():
    """Ask a server that follows these scripts; give back the error of a GET or of a POST."""
    made = []

    def outcome(method, *scripts, timeout_s=5.0, **more):
        with RawServer(*scripts) as server:
            http = http_to(server.url, timeout_s=timeout_s)
            made.append(http)
            try:
                if method == "GET":
                    return http.get("/api/course", doing="list courses", **more)
                return http.send("POST", "/api/webparticipant", doing="register", json={"a": 1}, **more)
            except Exception as error:
                return error
            finally:
                http.close()

    return outcome


BROKEN = {
    "body shorter than its length": [OK_HEAD + b'Content-Length: 100\r\n\r\n[{"a": 1},', CLOSE],
    "body reset in the middle": [OK_HEAD + b"Content-Length: 100\r\n\r\n[{", RESET],
    "chunk cut": [OK_HEAD + b"Transfer-Encoding: chunked\r\n\r\nff\r\n[{", CLOSE],
    "last chunk missing": [OK_HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n", CLOSE],
    "gzip cut": [answer(gzip.compress(b"[1, 2, 3]" * 50)[:30], Content_Encoding="gzip")],
    "closed after the request": [CLOSE],
    "reset after the request": [RESET],
    "closed before the request was read": [UNREAD, CLOSE],
    "reset before the request was read": [UNREAD, RESET],
    "headers cut": [b"HTTP/1.1 200 OK\r\nContent-Le", CLOSE],
    "not HTTP at all": [b"220 mail.example.org ESMTP\r\n", CLOSE],
    "headers without end": [OK_HEAD + b"X-A: " + b"a" * 200_000, HANG],
}
SLOW = {
    "no answer": [HANG],
    "headers dripping": [OK_HEAD, drip(b"X-Slow: 1\r\n")],
    "body dripping": [OK_HEAD + b"Content-Length: 1000000\r\n\r\n", drip(b" ")],
    "chunks dripping": [OK_HEAD + b"Transfer-Encoding: chunked\r\n\r\n", drip(b"1\r\n \r\n", every_s=0.005)],
    "body stuck": [OK_HEAD + b"Content-Length: 10\r\n\r\n[", HANG],
    "informational answers for ever": [drip(b"HTTP/1.1 103 Early\r\n\r\n", every_s=0.001)],
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_read_can_be_had_later(ask, fault):
    error = ask("GET", BROKEN[fault])
    assert type(error) is Unavailable
    assert str(error) == "maconomy: list courses: the connection broke before the answer was complete"


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_write_is_in_doubt(ask, fault):
    error = ask("POST", BROKEN[fault])
    assert type(error) is InDoubt
    assert str(error).startswith("maconomy: register: the connection broke")
    if UNREAD not in BROKEN[fault]:  # of those it may be certain that they had not the whole request
        assert "nobody knows whether it was done" in str(error)
        assert error.code is None


@pytest.mark.parametrize("fault", SLOW)
@pytest.mark.parametrize(("method", "kind"), [("GET", Unavailable), ("POST", InDoubt)])
def test_whatever_drips_ends_at_the_deadline(ask, fault, method, kind):
    error = ask(method, SLOW[fault], timeout_s=WAIT_S)
    assert type(error) is kind
    assert "no answer within 1 s" in str(error)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_without_a_connection_certainly_nothing_was_sent(method):
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))  # held, and never listened to
        http = http_to(f"http://127.0.0.1:{deaf.getsockname()[1]}")
        with pytest.raises(Unavailable) as caught:
            http.get("/", doing="list") if method == "GET" else http.send("POST", "/", doing="add", json={})
        http.close()
    assert type(caught.value) is Unavailable
    assert "no connection" in str(caught.value)
    assert "refused" in str(caught.value)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_name_without_address_is_no_connection(method, monkeypatch):
    def no_name(*args, **kwargs):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", no_name)
    http = http_to("https://erp.example.org")
    with pytest.raises(Unavailable, match=r"no connection .*Name or service not known") as caught:
        http.get("/", doing="list") if method == "GET" else http.send("POST", "/", doing="add", json={})
    http.close()
    assert type(caught.value) is Unavailable


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_tls_handshake_that_hangs_ends_at_the_deadline_and_nothing_was_sent(method):
    with RawServer([UNREAD, HANG]) as server:
        http = http_to(server.url.replace("http:", "https:"), timeout_s=WAIT_S)
        with pytest.raises(Unavailable, match=r"no connection within 1 s") as caught:
            http.get("/", doing="list") if method == "GET" else http.send("POST", "/", doing="add", json={})
        http.close()
    assert type(caught.value) is Unavailable


@pytest.mark.parametrize("reading", [HANG, SIP])
def test_a_receiver_that_stops_reading_or_sips_ends_a_write_at_the_deadline(ask, reading):
    started = time.monotonic()
    error = ask("POST", [UNREAD, reading], timeout_s=WAIT_S, form={"a": "x" * 20_000_000})
    assert type(error) is InDoubt
    assert error.code == CUT
    assert time.monotonic() - started < 8  # sipped to its end it would take 12 s


def test_a_read_that_failed_gives_its_connection_back():
    with RawServer(*[[answer(b"x" * 90_000, status=503)]] * 110, [answer(b"[]")]) as server:
        http = http_to(server.url)
        for _ in range(110):  # more than the pool has
            with pytest.raises(Unavailable, match="answered 503"):
                http.get("/api/course", doing="list courses")
        assert http.get("/api/course", doing="list courses").json() == []
        http.close()


GET_STATUSES = {
    **dict.fromkeys((408, 429, 500, 502, 503, 504, 520), Unavailable),
    **dict.fromkeys((301, 302, 303, 304, 307, 308, 400, 401, 403, 404, 409, 410, 422, 501, 505), Refused),
    **dict.fromkeys((201, 202, 206), BadAnswer),
}


@pytest.mark.parametrize("status", GET_STATUSES)
def test_a_read_is_judged_by_its_status(ask, status):
    error = ask("GET", [answer(b"", status=status)])
    assert type(error) is GET_STATUSES[status]
    assert f"answered {status}" in str(error)


@pytest.mark.parametrize("status", [404, 429, 503, 401])
def test_a_caller_may_take_other_statuses_as_replies(ask, status):
    reply = ask("GET", [answer(b'{"code": 1}', status=status)], ok=(200, status))
    assert (reply.status, reply.json()) == (status, {"code": 1})


def test_a_read_keeps_how_long_it_was_asked_to_wait(ask):
    assert ask("GET", [answer(status=503, Retry_After="7")]).retry_after_s == 7.0
    assert ask("GET", [answer(status=429)]).retry_after_s is None


WRITE_STATUSES = {
    **dict.fromkeys((400, 404, 422), Rejected),
    **dict.fromkeys((401, 403), Refused),
    429: Unavailable,
    **dict.fromkeys((202, 405, 408, 409, 500, 501, 502, 503, 504), InDoubt),
}


@pytest.mark.parametrize("status", WRITE_STATUSES)
def test_a_write_gives_back_every_complete_answer_and_its_status_says_what_follows(ask, status):
    reply = ask("POST", [answer(b'{"why": "x"}', status=status, Retry_After="9")])
    assert (reply.status, reply.json()) == (status, {"why": "x"})
    error = status_error(reply, "maconomy", "register")
    assert type(error) is WRITE_STATUSES[status]
    assert str(error).startswith(f"maconomy: register: answered {status}")
    assert getattr(error, "retry_after_s", 9.0) == 9.0


def test_a_refused_login_says_where_to_look(ask):
    assert "[maconomy]" in ask("GET", [answer(status=401)]).hint
    assert "[maconomy]" in status_error(ask("POST", [answer(status=403)]), "maconomy", "register").hint


def test_a_missing_page_shows_what_was_asked_without_its_query(ask):
    hint = ask("GET", [answer(status=404)], params={"apikey": "geheim"}).hint
    assert "/api/course" in hint
    assert "geheim" not in hint
    assert "?" not in hint.rpartition("asked:")[2]


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(method, status):
    with RawServer([answer()]) as other:
        moved = answer(status=status, Location=f"{other.url.replace('127.0.0.1', 'localhost')}/login?token=abc")
        with RawServer([moved]) as server:
            http = http_to(server.url, headers={"X-Api-Key": "geheim"})
            with pytest.raises(Refused if method == "GET" else InDoubt) as caught:
                http.get("/a", doing="x") if method == "GET" else http.send("POST", "/a", doing="x", json={})
            http.close()
        assert other.requests == []
    assert "redirect to localhost, which is not followed" in str(caught.value)
    assert "abc" not in str(caught.value)


def test_a_redirect_to_nowhere_readable_is_refused_too(ask):
    assert isinstance(ask("GET", [answer(status=302, Location="http://[::bad")]), Refused | Unavailable)
    assert type(ask("POST", [answer(status=302, Location="http://[::bad")])) is InDoubt


FOREIGN = {
    "too big": ([answer(b"x" * 2000)], "too_big"),
    "packed as br": ([answer(b"xx", Content_Encoding="br")], "bad_compression"),
    "packed twice": ([answer(b"xx", Content_Encoding="gzip, gzip")], "bad_compression"),
    "not the gzip it claims": ([answer(b"[]", Content_Encoding="gzip")], "bad_compression"),
}


@pytest.mark.parametrize("fault", FOREIGN)
def test_an_unreadable_answer_breaks_a_read_and_leaves_a_write_in_doubt(ask, fault):
    script, code = FOREIGN[fault]
    read = ask("GET", script, max_bytes=1000)
    assert type(read) is BadAnswer
    assert read.code == code
    assert type(ask("POST", script, max_bytes=1000)) is InDoubt
