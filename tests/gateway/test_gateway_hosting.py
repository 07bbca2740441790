"""The same gateway under CGI, waitress and gunicorn: what hosts it makes no difference to who calls."""

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from doors import CLASS, LINE, OILMAT_KEY, TOKEN, WEBSITE_KEY, Doors, doors
from hosts import GUNICORN, HOSTS, SCRIPT, Host, Told, environment, run_cgi

from integrator.home import init_home

WEBSITE = {"X-Api-Key": WEBSITE_KEY, "Content-Type": "application/json"}
OILMAT = {"X-Api-Key": OILMAT_KEY, "Content-Type": "application/json"}
MB = 1_000_000


@pytest.fixture(scope="module", params=HOSTS)
def hosted(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Doors, Host]]:
    with doors(tmp_path_factory.mktemp(request.param) / "home") as here:
        here.configure(gateway="rate_per_minute = 10_000")
        here.publish()
        with HOSTS[request.param](here.environ) as host:
            yield here, host


@pytest.fixture
def host(hosted: tuple[Doors, Host]) -> Host:
    return hosted[1]


def reserve(host: Host, key: str) -> Told:
    return host.ask("POST", "/api/orders", body=json.dumps({"class_id": CLASS, "key": key}).encode(), headers=WEBSITE)


def portal(host: Host, what: str, **query: str) -> Told:
    return host.ask("GET", f"/trainingportal/{TOKEN}/{what}?{urlencode(query)}")


def test_an_order_is_reserved_shown_and_cancelled(host: Host) -> None:
    made = reserve(host, "one")
    assert made.status == 201, made
    order = made.json["order"]
    assert made.headers["Location"] == f"{host.base}/api/orders/{order}"
    assert reserve(host, "one").json == made.json
    assert host.ask("GET", f"/api/orders/{order}", headers=WEBSITE).json["state"] == "reserved"
    assert host.ask("POST", f"/api/orders/{order}/cancel", headers=WEBSITE).json["state"] == "cancelled"


def test_a_seat_is_reserved_once_by_questions_at_once(hosted: tuple[Doors, Host]) -> None:
    here, host = hosted
    found: list[Told] = []
    query = {"courseClassExternalId": CLASS, "studentFirstName": "Bjørn", "studentLastName": "Ærlighaug"}
    threads = [threading.Thread(target=lambda: found.append(portal(host, "reserve", **query))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    references = {told.json["bookingReference"] for told in found}
    assert ({told.status for told in found}, len(found), len(references)) == ({200}, 4, 1)
    assert here.rows("SELECT count(*) FROM bookings") == [(1,)]
    xml = portal(host, "cancel.xml", bookingReference=references.pop())
    assert (xml.status, xml.headers["Content-Type"]) == (200, "application/xml; charset=utf-8")
    assert b"<cancelled>true</cancelled>" in xml.body


def test_an_orderline_is_taken_in(host: Host) -> None:
    made = host.ask("POST", "/oilmat/bennys-auto/create", body=json.dumps(LINE).encode(), headers=OILMAT)
    assert (made.status, made.json["status"]) == (200, "received")
    told = host.ask("GET", "/oilmat/Bennys%20Auto/queue?type=task", headers=OILMAT)
    assert [order["unique_id"] for order in told.json["orders"]] == ["0007"]


def test_nobody_is_let_in_without_a_key(host: Host) -> None:
    for headers in ({}, {"X-Api-Key": "wrong"}):
        told = host.ask("GET", "/api/orders/10001", headers=headers)
        assert (told.status, told.headers["Content-Type"]) == (401, "application/problem+json")


def test_head_changes_nothing_and_options_tells_how_to_ask(host: Host) -> None:
    path = f"/trainingportal/{TOKEN}/reserve?courseClassExternalId={CLASS}"
    head = host.ask("HEAD", path)
    assert (head.status, head.body, head.headers["Allow"]) == (405, b"", "GET, OPTIONS")
    assert host.ask("OPTIONS", path).status == 204


def test_a_body_that_says_it_is_large_is_not_read(host: Host) -> None:
    told = host.ask("POST", "/oilmat/nord/create", body=b"x" * (2 * MB), headers=OILMAT)
    assert (told.status, told.headers["Content-Type"]) == (413, "application/problem+json")


def test_a_body_of_fifty_megabytes_in_chunks_is_cut_off(host: Host) -> None:
    status, sent = host.pour("/oilmat/nord/create", 50 * MB, headers=OILMAT)
    assert status == (411 if host.name == "cgi" else 413)
    assert sent < 40 * MB
    assert host.ask("GET", "/oilmat/nord/alive", headers=OILMAT).status == 200


def test_a_small_body_in_chunks_is_read_where_it_has_an_end(host: Host) -> None:
    status, _ = host.pour("/oilmat/nord/create", 1, headers=OILMAT, chunk=b'{"case_id": "560", "unique_id": "1"}')
    assert status == (411 if host.name == "cgi" else 400)  # a script is not told where the body ends


@pytest.mark.parametrize(
    ("target", "raw"),
    [
        (f"/trainingportal/{TOKEN}/reserve?courseClassExternalId={CLASS}&studentFirstName=\xc6r\xf8", True),
        ("/trainingportal/reserve?a=\xc6", True),
        ("/oilmat/nord/queue?type=\xff", True),
        (f"/trainingportal/{TOKEN}/reserve?courseClassExternalId={CLASS}&studentFirstName=%C6r%F8", False),
        ("/oilmat/%C6r%F8/alive", False),
        ("/nowhere/%FF", False),
    ],
)
def test_an_address_that_is_not_utf8_is_refused_and_not_a_failure(
    hosted: tuple[Doors, Host], target: str, *, raw: bool
) -> None:
    here, host = hosted
    before = here.log()
    head, _, body = host.ask_raw(target).partition(b"\r\n\r\n")
    assert head.split(b" ", 2)[1] == b"400"
    if not raw or host.name == "cgi":  # the servers refuse such bytes themselves, before we see them
        assert json.loads(body)["code"] == "not_utf8"
    assert here.log() == before


def test_the_documents_are_there(host: Host) -> None:
    told = host.ask("GET", "/openapi.json")
    assert (told.status, told.json["servers"]) == (200, [{"url": host.base or "/"}])
    page = host.ask("GET", "/docs")
    assert (page.status, page.body[:15]) == (200, b"<!doctype html>")


def test_no_answer_says_what_hosts_it(host: Host) -> None:
    for path in ("/docs", "/nowhere"):
        headers = host.ask("GET", path).headers
        assert "Python" not in headers.get("Server", "")
        assert headers["Cache-Control"] == "no-store"


def test_the_script_names_the_program_where_the_manual_installs_it_and_can_be_started(tmp_path: Path) -> None:
    [folder] = set(re.findall(r"python3 -m venv (\S+)", (SCRIPT.parents[2] / "README.md").read_text(encoding="utf-8")))
    assert SCRIPT.read_text(encoding="utf-8").splitlines()[0] == f"#!{folder}/bin/python"
    init_home(tmp_path / "home")
    for script in (SCRIPT, tmp_path / "home" / "config" / "gateway" / "integrator.cgi"):
        assert os.access(script, os.X_OK)


WORKERS = [*("--workers", "1", "--threads", "2"), *GUNICORN[GUNICORN.index("--log-level") :]]
BINDS = ["--bind", "127.0.0.1:0"]


@pytest.mark.parametrize(
    ("server", "code"),
    [
        (["gunicorn", *GUNICORN, *BINDS], 3),
        (["gunicorn", *(one for one in WORKERS if one != "--preload"), *BINDS], 3),  # by the worker
        (["waitress", "--listen=127.0.0.1:0"], 78),
    ],
)
def test_a_server_that_cannot_begin_says_why_in_a_sentence_and_ends(here: Doors, server: list[str], code: int) -> None:
    (here.home / ".env").write_text("")
    command = [sys.executable, "-m", *server, "integrator.gateway.wsgi:application"]
    done = subprocess.run(command, env=here.environ, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == code, done.stderr
    assert done.stderr.count("[gateway] website_key: WEBSITE_KEY is not set") == 1
    assert done.stderr.count("integrator check") == 1
    assert "Traceback" not in done.stderr


def test_a_home_that_is_not_set_up_is_told_to_the_web_server_and_to_nobody_else(here: Doors) -> None:
    (here.home / "config" / "integrator.toml").write_text("[gateway]\nwebsite_kee = 1\n")
    variables = {"REQUEST_METHOD": "GET", "PATH_INFO": "/docs", "SERVER_NAME": "x", "SERVER_PORT": "80"}
    done = run_cgi(variables, b"", environment(here.home))
    assert b"website_kee" in done.stderr
    assert "→".encode() in done.stderr
    assert b"Traceback" not in done.stderr
    assert done.stdout.startswith(b"Status: 503")
    assert b"website_kee" not in done.stdout
    assert str(here.home).encode() not in done.stdout
