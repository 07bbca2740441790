"""What every stand-in can do: serve, record, and be staged from the control port."""

import gzip
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import integrator
from integrator.errors import UsageError
from integrator.standins.base import Running, serve

from .counter import PATIENCE_S, Counter, address, ask, control, counter, everything


@pytest.fixture
def running() -> Iterator[Running]:
    with serve(Counter()) as served:
        yield served


# Serving


def test_two_requests_travel_over_one_connection(running: Running) -> None:
    connection = http.client.HTTPConnection(*address(running.url), timeout=PATIENCE_S)
    for count in (1, 2):
        connection.request("POST", "/x", "{}")
        answer = connection.getresponse()
        assert (answer.status, json.loads(answer.read())["count"]) == (201, count)
    assert connection.sock is not None, "the server ended the connection"
    connection.close()


def test_a_request_is_taken_apart_as_it_was_sent(running: Running) -> None:
    ask(running.url, "POST", "/k%C3%B8b%2Fher?a=1&a=2&b=", {"ø": 1}, Authorization="Basic x")
    request = counter(running).last
    assert request is not None
    assert (request.method, request.path) == ("POST", "/køb/her")
    assert request.target == "/k%C3%B8b%2Fher?a=1&a=2&b="
    assert request.query == {"a": ["1", "2"], "b": [""]}
    assert request.headers["AUTHORIZATION"] == request.headers["authorization"] == "Basic x"
    assert request.json() == {"ø": 1}


def test_a_chunked_request_body_is_put_together(running: Running) -> None:
    with socket.create_connection(address(running.url), timeout=PATIENCE_S) as sock:
        head = b"POST /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
        sock.sendall(head + b'4\r\n{"a"\r\n3\r\n:1}\r\n0\r\n\r\n')
        assert b" 201 " in everything(sock)
    assert counter(running).last.json() == {"a": 1}


def test_a_request_whose_body_breaks_off_is_not_carried_out(running: Running) -> None:
    with socket.create_connection(address(running.url), timeout=PATIENCE_S) as sock:
        sock.sendall(b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\nhalf")
        sock.shutdown(socket.SHUT_WR)
        assert everything(sock) == b""
    assert counter(running).count == 0


def test_what_is_not_http_is_answered_400(running: Running) -> None:
    with socket.create_connection(address(running.url), timeout=PATIENCE_S) as sock:
        sock.sendall(b"hello\r\n\r\n")
        assert everything(sock).startswith(b"HTTP/1.1 400 ")


def test_answers_are_gzipped_only_when_asked_and_configured(running: Running) -> None:
    counter(running).count = 10**40
    assert "Content-Encoding" not in ask(running.url, **{"Accept-Encoding": "gzip"})[1]
    counter(running).gzip = True
    plain = ask(running.url)
    assert "Content-Encoding" not in plain[1]
    packed = ask(running.url, **{"Accept-Encoding": "gzip"})
    assert packed[1]["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed[2]) == plain[2]


def test_a_bug_in_a_stand_in_is_seen_by_its_client_and_on_the_terminal(
    running: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ask(running.url, path="/bug")[0] == 500
    assert "a bug in the stand-in" in capsys.readouterr().err


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org"])
def test_no_host_but_loopback_is_served(host: str) -> None:
    with pytest.raises(UsageError, match="loopback only"):
        serve(Counter(), host=host)


def test_a_taken_port_is_a_usage_error(running: Running) -> None:
    port = address(running.url)[1]
    with pytest.raises(UsageError, match=str(port)):
        serve(Counter(), port=port)
    with pytest.raises(UsageError, match=str(port)):
        serve(Counter(), control_port=port)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_in_the_foreground_it_says_where_it_is_and_ends_with_0(number: int) -> None:
    code = "from integrator.standins.base import main_serve\nfrom integrator.standins.maconomy import Maconomy\n"
    source = str(Path(integrator.__file__).parents[1])
    process = subprocess.Popen(
        [sys.executable, "-c", code + "main_serve(Maconomy(), 0, 0)"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": source},
    )
    assert process.stdout is not None
    ready = json.loads(process.stdout.readline())
    assert ready["name"] == "maconomy"
    assert json.loads(ask(ready["control_url"], path="/health")[2])["url"] == ready["url"]
    process.send_signal(number)
    try:
        assert process.communicate(timeout=PATIENCE_S)[0] == ""
    finally:
        process.kill()
    assert process.returncode == 0


# The control port and the ledger


def test_the_ledger_has_every_request_and_every_effect(running: Running) -> None:
    ask(running.url, path="/a?x=1")
    ask(running.url, "POST", "/b")
    ask(running.url, "POST", "/batch")
    rows = control(running, "GET", "/ledger")
    assert [(row["method"], row["path"], row["status"]) for row in rows] == [
        ("GET", "/a", 200),
        ("POST", "/b", 201),
        *[("POST", "/batch", 207)] * 3,
    ]
    assert [row["effect"] and row["effect"]["kind"] for row in rows] == [None, "count", *["batched"] * 3]
    assert [row.get("of") for row in rows] == [None, None, None, 3, 3], "extra effects name their request"
    assert [row["n"] for row in rows] == [1, 2, 3, 4, 5]
    assert all(row["at"] > 0 for row in rows)
    assert len(running.standin.effects()) == 4


def test_the_ledger_is_read_from_a_number_on_by_path_and_by_method(running: Running) -> None:
    for method, path in (("GET", "/a"), ("POST", "/b"), ("GET", "/b")):
        ask(running.url, method, path)
    assert [row["n"] for row in control(running, "GET", "/ledger?since=1")] == [2, 3]
    assert [row["n"] for row in control(running, "GET", "/ledger?path=/b&method=get")] == [3]


def test_reset_forgets_faults_ledger_and_state(running: Running) -> None:
    ask(running.url, "POST")
    control(running, "POST", "/faults", {"fault": {"kind": "status"}})
    control(running, "POST", "/reset")
    assert control(running, "GET", "/ledger") == []
    assert control(running, "GET", "/state") == {"count": 0}
    assert ask(running.url)[0] == 200


def test_seed_and_state_reach_the_stand_in(running: Running) -> None:
    assert control(running, "POST", "/seed", {"count": 7}) == {"seeded": 7}
    assert control(running, "GET", "/state") == {"count": 7}


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/nothing", None, 404),
        ("POST", "/seed", [], 400),
        ("POST", "/seed", {"nothing": 1}, 400),
        ("POST", "/faults", [{"fault": {"kind": "nothing"}}], 400),
        ("POST", "/faults", [{"fault": {"kind": "hang", "secnods": 1}}], 400),
        ("POST", "/faults", [{"fault": {"kind": "body", "what": "nothing"}}], 400),
        ("POST", "/faults", [{"fault": {"kind": "reset", "when": "later"}}], 400),
        ("POST", "/faults", [{"fault": {"kind": "reset"}, "match": {"verb": "GET"}}], 400),
        ("POST", "/faults", [{"fault": {"kind": "reset"}, "match": {"path": "("}}], 400),
        ("POST", "/faults", [{"fault": {"kind": "reset"}}, {"fault": {"kind": "nothing"}}], 400),
    ],
)
def test_what_the_control_port_cannot_do_it_refuses_whole(
    running: Running, method: str, path: str, body: Any, status: int
) -> None:
    answered, _, reason = ask(running.control_url, method, path, body)
    assert answered == status
    assert json.loads(reason)["error"]
    assert control(running, "GET", "/faults") == []
