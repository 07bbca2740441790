"""The heartbeat tells how a run went, and never changes it."""

import json
import socket

import pytest

from integrator import monitor
from integrator.monitor import Heartbeat
from integrator.runtime.report import Report
from integrator.secret import Secret
from rawserver import CLOSE, HANG, RESET, RawServer, answer, drip

TOKEN = "0b1f6d1e-secret-token"


def heartbeat(server, report, path=f"/ping/{TOKEN}"):
    return Heartbeat(Secret(server.url + path), report)


def ended(code, **more):
    return Report("import-courses", 7, exit_code=code, **more)


def test_the_start_is_a_post_without_a_body():
    with RawServer([answer(b"OK")]) as server:
        heartbeat(server, ended(0)).beat("start")
    (request,) = server.requests
    assert (request.method, request.target, request.body) == ("POST", f"/ping/{TOKEN}/start", b"")
    assert request.headers["user-agent"].startswith("integrator/")


@pytest.mark.parametrize(
    ("code", "late", "suffix"),
    [
        (0, None, ""),
        (1, None, "/fail"),
        (3, None, "/fail"),
        (5, None, "/log"),
        (70, None, "/fail"),
        (75, None, "/log"),
        (75, "last success 4h ago", "/fail"),
        (78, None, "/fail"),
    ],
)
def test_the_end_says_success_failure_or_only_a_word(code, late, suffix):
    report = ended(code, late=late, counts={"courses.read": 5}, error="maconomy: 401" if code == 1 else None)
    with RawServer([answer(b"OK")]) as server:
        heartbeat(server, report).beat("end")
    (request,) = server.requests
    assert request.target == f"/ping/{TOKEN}{suffix}"
    assert json.loads(request.body) == report.as_json()
    assert report.remarks == []


def test_one_address_can_serve_many_jobs():
    with RawServer([answer(b"OK")]) as server:
        heartbeat(server, ended(0), path="/ping/key/{job}").beat("end")
    assert server.requests[0].target == "/ping/key/import-courses"


@pytest.mark.parametrize(
    ("path", "targets"), [("", ["/start", "/"]), ("/", ["/start", "/"]), ("/p/1/", ["/p/1/start", "/p/1"])]
)
def test_slashes_at_the_end_of_an_address_do_not_matter(path, targets):
    report = ended(0)
    with RawServer([answer(b"OK")]) as server:
        heartbeat(server, report, path=path).beat("start")
        heartbeat(server, report, path=path).beat("end")
    assert ([request.target for request in server.requests], report.remarks) == (targets, [])


def test_a_monitor_that_says_no_is_not_our_business():
    report = ended(0)
    with RawServer([answer(b"gone", status=404)], [answer(b"", status=500)]) as server:
        heartbeat(server, report).beat("start")
        heartbeat(server, report).beat("end")
    assert (report.exit_code, len(server.requests)) == (0, 2)


@pytest.mark.parametrize(
    "script",
    [
        [CLOSE],
        [RESET],
        [HANG],
        [drip(b"HTTP/1.1 200 OK\r\n")],
        [b"no HTTP at all\r\n\r\n"],
        [answer(b"", status=302, Location=f"http://elsewhere.example.org/{TOKEN}")],
        [answer(b"x" * 50, Content_Encoding="gzip")],
    ],
    ids=["closed", "reset", "hangs", "drips", "garbage", "redirect", "bad gzip"],
)
def test_a_broken_monitor_is_a_remark_without_its_address(script, monkeypatch):
    monkeypatch.setattr(monitor, "_TIMEOUT_S", 0.2)
    report = ended(0)
    with RawServer(script) as server:
        heartbeat(server, report).beat("end")
        port = str(server.port)
    (remark,) = report.remarks
    assert remark.startswith("monitor: ")
    assert TOKEN not in remark
    assert port not in remark
    assert (report.exit_code, report.error) == (0, None)


def test_a_monitor_that_is_not_there_is_a_remark():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    report = ended(0)
    Heartbeat(Secret(f"http://127.0.0.1:{port}/{TOKEN}"), report).beat("end")
    assert len(report.remarks) == 1
    assert TOKEN not in report.remarks[0]


@pytest.mark.parametrize(
    "address",
    [
        f"http://monitor.example.org/{TOKEN}",
        f"no address {TOKEN}",
        f"https://u:{TOKEN}@127.0.0.1/x",
        f"https://[{TOKEN}",
    ],
)
def test_an_address_we_must_not_or_cannot_use_is_a_remark_too(address):
    report = ended(0)
    Heartbeat(Secret(address), report).beat("end")
    assert len(report.remarks) == 1
    assert TOKEN not in report.remarks[0]


def test_a_report_that_cannot_be_sent_does_not_end_the_run():
    report = ended(3, failed={"course \udce5": "half a character"})
    with RawServer([answer(b"OK")]) as server:
        heartbeat(server, report).beat("end")
    assert report.exit_code == 3
    assert report.remarks == ["monitor: report a run: holds a value that cannot be sent; nothing was sent"]
