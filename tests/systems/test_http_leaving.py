"""Reads that carry a form, and writes that never left whole: the first may be repeated, the second were not done."""

import threading
from urllib.parse import parse_qsl

import pytest

from integrator.errors import BadAnswer, BadRecord, InDoubt, Refused, Rejected, Unavailable
from integrator.runtime.patience import Patience
from integrator.secret import Secret
from integrator.systems.http import CUT, Http, status_error
from rawserver import CLOSE, HANG, RESET, SIP, UNREAD, WAIT_S, RawServer, answer

MUCH = 20_000_000  # more than the buffers of both sides hold


@pytest.fixture
def http_to():
    made = []

    def make(url, **more):
        made.append(Http(**{"system": "portal", "base_url": url, "user_agent": "t", "timeout_s": 5.0, **more}))
        return made[-1]

    yield make
    for http in made:
        http.close()


# reads that carry a form ----------------------------------------------------------------------------------


def test_a_form_is_posted_with_its_secrets_in_the_body_alone(http_to):
    with RawServer([answer(b"[]")]) as server:
        reply = http_to(server.url).ask("/v1/get", doing="list", form={"username": "ø", "password": Secret("gæt &=+")})
        [sent] = server.requests
    assert reply.json() == []
    assert (sent.method, sent.target) == ("POST", "/v1/get")
    assert sent.headers["content-type"] == "application/x-www-form-urlencoded"
    assert parse_qsl(sent.body.decode("ascii")) == [("username", "ø"), ("password", "gæt &=+")]


def test_a_read_with_a_form_is_repeated(http_to):
    patience = Patience(attempts=3, budget_s=lambda: 60.0, sleep=lambda seconds: None)
    with RawServer([answer(status=503)], [CLOSE], [answer(b"[1]")]) as server:
        assert http_to(server.url, patience=patience).ask("/a", doing="list", form={"a": "b"}).json() == [1]
        assert [one.body for one in server.requests] == [b"a=b"] * 3


@pytest.mark.parametrize(
    ("script", "kind"),
    [([answer(status=500)], Unavailable), ([HANG], Unavailable), ([RESET], Unavailable),
     ([answer(status=404)], Refused), ([answer(b"x" * 2000)], BadAnswer),
     ([answer(status=302, Location="/login")], Refused)],
)  # fmt: skip
def test_a_read_with_a_form_fails_like_any_other_read_and_is_never_in_doubt(http_to, script, kind):
    with RawServer(script) as server, pytest.raises(kind) as caught:
        http_to(server.url, timeout_s=WAIT_S).ask("/a", doing="list", form={"p": Secret("geheim")}, max_bytes=1000)
    assert type(caught.value) is kind
    assert "geheim" not in f"{caught.value!r} {caught.value.hint}"


def test_other_statuses_are_taken_when_asked_for(http_to):
    with RawServer([answer(b"{}", status=404)]) as server:
        assert http_to(server.url).ask("/a", doing="list", form={}, ok=(200, 404)).status == 404


def test_a_form_that_leaves_the_base_is_never_sent(http_to):
    with RawServer([answer()]) as server:
        with pytest.raises(BadRecord):
            http_to(f"{server.url}/base").ask("/../x", doing="list", form={})
        assert server.requests == []


# writes that never left whole -----------------------------------------------------------------------------


def take(count):
    """Read so many bytes of the request, and no more."""

    def step(server, sock):
        left = count
        while left > 0 and (got := sock.recv(min(65_536, left))):
            left -= len(got)
        return left == 0

    return step


BODIES = {
    "json": {"json": {"a": "x" * MUCH}},
    "form": {"form": {"a": "x" * MUCH}},
    "files": {"form": {"a": "b"}, "files": {"file": ("a.pdf", b"x" * MUCH, "application/pdf")}},
}
CUTS = {
    "reset": [UNREAD, take(100_000), RESET],
    "closed": [UNREAD, take(100_000), CLOSE],
    "stuck": [UNREAD, take(100_000), HANG],
    "sipped": [UNREAD, SIP],
    "no HTTP": [UNREAD, take(100_000), b"220 mail ESMTP\r\n", CLOSE],
    "answer cut": [UNREAD, take(100_000), b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", CLOSE],
}


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("cut", CUTS)
def test_a_write_that_never_left_whole_says_so(http_to, body, cut):
    with RawServer(CUTS[cut]) as server, pytest.raises(InDoubt) as caught:
        http_to(server.url, timeout_s=WAIT_S).send("POST", "/a", doing="upload", **BODIES[body])
    assert caught.value.code == CUT
    assert caught.value.message.endswith("they never had the whole request, so that it cannot have been done")


@pytest.mark.parametrize(
    "script", [[CLOSE], [RESET], [HANG], [b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", CLOSE]]
)
def test_a_write_that_left_whole_stays_in_doubt(http_to, script):
    with RawServer(script) as server, pytest.raises(InDoubt) as caught:
        http_to(server.url, timeout_s=WAIT_S).send("POST", "/a", doing="upload", form={"a": "x" * 100_000})
    assert caught.value.code is None
    assert "nobody knows" in caught.value.message


@pytest.mark.parametrize(("status", "kind"), [(400, Rejected), (401, Refused), (429, Unavailable)])
def test_an_answer_before_the_end_that_says_no_means_no(http_to, status, kind):
    with RawServer([UNREAD, take(100_000), answer(b"{}", status=status), CLOSE]) as server:
        reply = http_to(server.url).send("POST", "/a", doing="upload", **BODIES["files"])
    assert (reply.status, reply.early) == (status, True)
    assert type(status_error(reply, "portal", "upload")) is kind


@pytest.mark.parametrize("status", [200, 409, 500, 503])
def test_any_other_answer_before_the_end_says_that_it_was_not_whole(http_to, status):
    with RawServer([UNREAD, take(100_000), answer(b"{}", status=status), CLOSE]) as server:
        reply = http_to(server.url).send("POST", "/a", doing="upload", **BODIES["files"])
    error = status_error(reply, "portal", "upload")
    assert (reply.early, type(error), error.code) == (True, InDoubt, CUT)


def test_an_answer_to_the_whole_is_not_early(http_to):
    with RawServer([answer(b"{}", status=500)]) as server:
        reply = http_to(server.url).send("POST", "/a", doing="upload", form={"a": "x" * 100_000})
    assert reply.early is False
    assert status_error(reply, "portal", "upload").code is None


def test_one_request_that_is_cut_says_nothing_of_those_of_other_threads(http_to):
    with RawServer([UNREAD, take(100_000), HANG]) as stuck, RawServer([CLOSE]) as closing:
        found = {}

        def send(name, url, body):
            try:
                http_to(url, timeout_s=WAIT_S).send("POST", "/a", doing="upload", **body)
            except InDoubt as error:
                found[name] = error.code

        threads = [
            threading.Thread(target=send, args=("cut", stuck.url, BODIES["form"])),
            threading.Thread(target=send, args=("whole", closing.url, {"form": {"a": "b"}})),
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert found == {"cut": CUT, "whole": None}
