"""Every fault is met by the requests it is staged for, and looks to the client like the real thing."""

import json
import re
import zlib
from collections.abc import Iterator
from contextlib import suppress
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest

from integrator.standins.base import Headers, Request, Running, serve
from integrator.standins.faults import Faults
from integrator.standins.mishaps import BODIES, KINDS

from .counter import PATIENCE_S, Counter, ask, control, counter, everything, open_post, raw, stage


@pytest.fixture
def running() -> Iterator[Running]:
    with serve(Counter()) as served:
        yield served


# Which requests meet a fault


def hits(running: Running, count: int, method: str = "GET", path: str = "/", body: Any = None) -> list[int]:
    return [number for number in range(count) if ask(running.url, method, path, body)[0] == 503]


def test_a_rule_skips_and_ends(running: Running) -> None:
    control(running, "POST", "/faults", [{"skip": 2, "times": 2, "fault": {"kind": "status"}}])
    assert hits(running, 7) == [2, 3]
    assert control(running, "GET", "/faults")[0]["met"] == 2


def test_a_share_meets_the_same_requests_for_the_same_seed(running: Running) -> None:
    found = []
    for seed in (7, 7, 8):
        control(running, "POST", "/faults", [{"share": 0.3, "seed": seed, "fault": {"kind": "status"}}])
        found.append(hits(running, 60))
        control(running, "DELETE", "/faults")
    assert found[0] == found[1] != found[2]
    assert 8 <= len(found[0]) <= 28


@pytest.mark.parametrize(
    ("match", "request_"),
    [
        ({"method": "POST|PUT"}, ("POST", "/a", None)),
        ({"path": "/a/[^/]+"}, ("GET", "/a/1", None)),
        ({"target": "page=2"}, ("GET", "/a?page=2&x=1", None)),
        ({"body": "ILI-4711-2"}, ("POST", "/a", {"externalReference": "ILI-4711-2"})),
    ],
)
def test_a_rule_meets_only_what_it_matches(
    running: Running, match: dict[str, str], request_: tuple[str, str, Any]
) -> None:
    control(running, "POST", "/faults", [{"match": match, "fault": {"kind": "status"}}])
    assert hits(running, 2, "GET", "/a/1/days?page=1") == []
    assert hits(running, 1, *request_) == [0]


def test_the_first_rule_that_meets_a_request_wins() -> None:
    faults = Faults()
    faults.add([{"times": 1, "fault": {"kind": "reset"}}, {"fault": {"kind": "close"}}])
    request = Request("GET", "/", {}, Headers([]))
    assert [faults.draw(request)["kind"] for _ in range(3)] == ["reset", "close", "close"]


# What the client meets


def test_every_kind_of_fault_is_tested_here() -> None:
    staged = re.findall(r"""kind(?:="|": ")([a-z0-9-]+)""", Path(__file__).read_text(encoding="utf-8"))
    staged += re.findall(r'"kind", \[(.*?)\]', Path(__file__).read_text(encoding="utf-8"))
    assert set(KINDS) <= set(re.findall(r"[a-z0-9-]+", " ".join(staged)))


@pytest.mark.parametrize(("when", "effects"), [("before", 0), ("after", 1)])
def test_hang_keeps_the_answer_back_before_or_after_the_effect(running: Running, when: str, effects: int) -> None:
    stage(running, kind="hang", when=when)
    with open_post(running) as sock:
        assert running.faults.gate.await_held()
        assert counter(running).count == effects
        assert control(running, "GET", "/held") == {"held": 1}
        control(running, "POST", "/release")
        assert sock.recv(65536).startswith(b"HTTP/1.1 201 ")
    assert counter(running).count == 1


def test_hang_ends_by_itself_after_its_seconds(running: Running) -> None:
    stage(running, kind="hang", seconds=0.01)
    assert ask(running.url, "POST")[0] == 201


def test_a_hanging_request_is_overtaken_by_its_own_repetition(running: Running) -> None:
    stage(running, kind="hang", requests=1)
    with open_post(running) as first:
        assert running.faults.gate.await_held()
        assert json.loads(ask(running.url, "POST")[2])["count"] == 1
        assert b'"count":2' in first.recv(65536), "the first request came second"


@pytest.mark.parametrize("end", ["reset", "faults", "stop"])
def test_a_hanging_request_that_is_dropped_has_no_effect(end: str) -> None:
    with serve(Counter()) as running:
        stage(running, kind="hang")
        sock = open_post(running)
        assert running.faults.gate.await_held()
        if end == "stop":
            running.stop()
        else:
            control(running, *{"reset": ("POST", "/reset"), "faults": ("DELETE", "/faults")}[end])
        received = b""
        with suppress(ConnectionResetError):  # at a stop the end may come first as FIN
            received = everything(sock)
        assert received == b""
        assert counter(running).count == 0


@pytest.mark.parametrize("then", ["reset", "close", "504"])
def test_late_breaks_off_at_once_and_has_its_effect_after_the_retry(running: Running, then: str) -> None:
    stage(running, kind="late", requests=1, then=then)
    sock = open_post(running)
    if then == "reset":
        with pytest.raises(ConnectionResetError):
            everything(sock)
    else:
        assert everything(sock)[:12] == (b"" if then == "close" else b"HTTP/1.1 504")
    assert running.faults.gate.await_held()
    assert counter(running).count == 0
    assert json.loads(ask(running.url, "POST")[2])["count"] == 1
    assert all(counter(running).posted.acquire(timeout=PATIENCE_S) for _ in range(2))
    assert counter(running).count == 2


@pytest.mark.parametrize(("part", "begin"), [("body", b"{"), ("headers", b"H")])
def test_slow_sends_a_byte_and_waits(running: Running, part: str, begin: bytes) -> None:
    stage(running, kind="slow", part=part, interval=3600)
    with open_post(running) as sock:
        assert running.faults.gate.await_held()
        received = sock.recv(65536)
        assert received.removeprefix(received.partition(b"{")[0] if part == "body" else b"") == begin
        for _ in range(3):
            assert running.faults.gate.await_held()
            control(running, "POST", "/release")
            assert len(sock.recv(65536)) == 1


def test_slow_comes_to_an_end(running: Running) -> None:
    stage(running, kind="slow", bytes=16, interval=0.0001)
    assert json.loads(ask(running.url, "POST")[2])["count"] == 1


def test_cut_by_length_ends_before_the_announced_length(running: Running) -> None:
    stage(running, kind="cut")
    head, _, body = raw(running).partition(b"\r\n\r\n")
    length = int(re.search(rb"Content-Length: (\d+)", head)[1])
    assert len(body) == length // 2 > 0
    assert counter(running).count == 1


def test_cut_without_length_looks_like_a_whole_answer(running: Running) -> None:
    stage(running, kind="cut", framing="none", at=5)
    head, _, body = raw(running).partition(b"\r\n\r\n")
    assert b"Content-Length" not in head
    assert b"chunked" not in head
    assert body == b'{"cou'


def test_cut_in_a_chunk_never_sends_the_last_one(running: Running) -> None:
    stage(running, kind="cut", framing="chunked")
    head, _, body = raw(running).partition(b"\r\n\r\n")
    size, _, data = body.partition(b"\r\n")
    assert b"Transfer-Encoding: chunked" in head
    assert 0 < len(data) < int(size, 16)


@pytest.mark.parametrize(("when", "effects"), [("before", 0), ("after", 1)])
@pytest.mark.parametrize("kind", ["reset", "close"])
def test_a_connection_breaks_without_a_byte(running: Running, kind: str, when: str, effects: int) -> None:
    stage(running, kind=kind, when=when)
    if kind == "reset":
        with pytest.raises(ConnectionResetError):
            raw(running)
    else:
        assert raw(running) == b""
    assert counter(running).count == effects
    assert running.standin.entries()[0]["status"] is None


@pytest.mark.parametrize(("when", "effects"), [("before", 0), ("after", 1)])
@pytest.mark.parametrize("status", [400, 401, 403, 404, 408, 409, 422, 429, 500, 502, 503, 504])
def test_any_status_before_or_after_the_effect(running: Running, status: int, when: str, effects: int) -> None:
    stage(running, kind="status", status=status, when=when, body={"error": "æ"}, headers={"X-Why": "test"})
    answered, headers, body = ask(running.url, "POST")
    assert (answered, json.loads(body), headers["X-Why"]) == (status, {"error": "æ"}, "test")
    assert counter(running).count == effects
    assert running.standin.entries()[0]["status"] == status


@pytest.mark.parametrize("value", [30, 864000, -1, "soon", "1.5"])
def test_retry_after_is_sent_as_given(running: Running, value: int | str) -> None:
    stage(running, kind="status", status=429, retry_after=value)
    assert ask(running.url)[1]["Retry-After"] == str(value)


def test_retry_after_is_a_date_so_many_seconds_from_the_answers_own(running: Running) -> None:
    stage(running, kind="status", status=503, retry_after={"date": 120})
    headers = ask(running.url)[1]
    wait = parsedate_to_datetime(headers["Retry-After"]) - parsedate_to_datetime(headers["Date"])
    assert 119 <= wait.total_seconds() <= 121


def test_without_retry_after_none_is_sent(running: Running) -> None:
    stage(running, kind="status", status=429)
    assert "Retry-After" not in ask(running.url)[1]


@pytest.mark.parametrize(("when", "effects"), [("before", 0), ("after", 1)])
@pytest.mark.parametrize("what", sorted(BODIES))
def test_a_wrong_body_comes_as_a_proper_answer(running: Running, what: str, when: str, effects: int) -> None:
    stage(running, kind="body", what=what, when=when)
    status, headers, body = ask(running.url, "POST")
    assert (status, body, headers["Content-Type"]) == (200, *BODIES[what])
    assert counter(running).count == effects


def test_the_wrong_bodies_are_wrong_in_the_way_they_say() -> None:
    refused = []
    with pytest.raises(UnicodeDecodeError):
        BODIES["bad-utf8"][0].decode()
    json.loads(BODIES["nan"][0], parse_constant=refused.append)
    assert refused == ["NaN", "-Infinity"]
    assert json.loads(BODIES["null"][0]) is None
    assert json.loads(BODIES["list"][0]) == []


def test_a_body_of_ones_own(running: Running) -> None:
    stage(running, kind="body", raw="<æ>", content_type="text/xml", status=418)
    stage(running, kind="body", hex="ff00")
    assert ask(running.url)[0::2] == (418, "<æ>".encode())
    assert ask(running.url)[2] == b"\xff\x00"


def test_the_true_list_comes_in_an_envelope(running: Running) -> None:
    stage(running, kind="wrap")
    assert json.loads(ask(running.url)[2]) == {"data": [0] * 40, "count": 40}


@pytest.mark.parametrize(("answer", "count"), [("first", 1), ("second", 2)])
def test_a_request_arrives_twice(running: Running, answer: str, count: int) -> None:
    stage(running, kind="twice", answer=answer)
    assert json.loads(ask(running.url, "POST")[2])["count"] == count
    assert [row["effect"]["count"] for row in control(running, "GET", "/ledger")] == [1, 2]


def test_a_request_arrives_again_long_after_it_was_answered(running: Running) -> None:
    stage(running, kind="twice", delay=3600)
    assert json.loads(ask(running.url, "POST")[2])["count"] == 1
    assert running.faults.gate.await_held()
    assert counter(running).count == 1
    control(running, "POST", "/release")
    assert all(counter(running).posted.acquire(timeout=PATIENCE_S) for _ in range(2))
    assert counter(running).count == 2


def test_a_redirect_leads_to_another_host(running: Running) -> None:
    stage(running, kind="redirect", status=307)
    status, headers, _ = ask(running.url, "POST")
    assert (status, headers["Location"]) == (307, "https://elsewhere.example.org/")
    assert counter(running).count == 0


def test_a_gzip_bomb_is_small_on_the_wire(running: Running) -> None:
    stage(running, kind="gzip-bomb", megabytes=8)
    status, headers, body = ask(running.url)
    assert (status, headers["Content-Encoding"]) == (200, "gzip")
    assert len(body) < 100_000
    assert len(json.loads(zlib.decompress(body, 31))[0]) == 8 * 1024 * 1024 - 4


def test_a_big_body_is_as_big_as_asked_for(running: Running) -> None:
    stage(running, kind="big", megabytes=2)
    body = ask(running.url)[2]
    assert len(body) == 2 * 1024 * 1024
    assert len(json.loads(body)) == 1


def test_a_stale_answer_is_the_one_before(running: Running) -> None:
    ask(running.url, path="/list?page=1")
    ask(running.url, "POST")
    control(running, "POST", "/faults", [{"times": 2, "match": {"method": "GET"}, "fault": {"kind": "stale"}}])
    assert json.loads(ask(running.url, path="/list?page=1")[2])[0] == 0
    assert json.loads(ask(running.url, path="/list?page=2")[2])[0] == 1, "nothing older is known of this page"
    assert json.loads(ask(running.url, path="/list?page=1")[2])[0] == 1


def test_a_byte_order_mark_stands_before_the_true_answer(running: Running) -> None:
    stage(running, kind="bom")
    assert json.loads(ask(running.url)[2].decode("utf-8-sig"))[0] == 0


@pytest.mark.parametrize("declared", [True, False])
def test_latin1_with_and_without_saying_so(running: Running, declared: bool) -> None:
    stage(running, kind="latin1", declared=declared)
    _, headers, body = ask(running.url, "POST")
    assert "København" in body.decode("latin-1")
    assert ("charset=iso-8859-1" in headers["Content-Type"]) is declared


def test_json_comes_under_another_name(running: Running) -> None:
    stage(running, kind="content-type")
    _, headers, body = ask(running.url)
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert json.loads(body)[0] == 0
