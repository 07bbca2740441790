"""What strangers, replays and repeats cannot do: keep a caller out, book again, fill the log, be read two ways."""

import json
import os
import socket
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from doors import CLASS, LINE, OILMAT_KEY, SIGNING_KEY, TOKEN, WEBSITE_KEY, Doors
from hosts import GUNICORN, gunicorn, run_cgi
from werkzeug.test import TestResponse

from integrator.cli.gateway import gateway
from integrator.errors import UsageError
from integrator.gateway import documents, signatures
from integrator.gateway.app import SAFE_HEADERS
from integrator.gateway.guard import WINDOW_S, signature_of
from integrator.gateway.limiter import Limiter
from integrator.gateway.scratch import Scratch
from integrator.gateway.signatures import Signatures
from integrator.secret import Secret

RESERVE = "/trainingportal/reserve"
IDA = {"courseClassExternalId": CLASS, "studentFirstName": "Ida", "studentLastName": "Lund"}
DOCS = Path(__file__).parents[2] / "docs" / "gateway.md"


@pytest.fixture
def here(here: Doors) -> Doors:
    here.publish()
    return here


def signed(here: Doors, query: dict[str, str], *, path: str = RESERVE, off_s: int = 0) -> dict[str, str]:
    moment = str(int(here.now) + off_s)
    return query | {
        "timestamp": moment,
        "signature": signature_of(Secret(SIGNING_KEY), "GET", path, query.items(), moment),
    }


def ask(here: Doors, query: Any, path: str = RESERVE) -> TestResponse:
    return here.ask("GET", path, query_string=query)


def booked(here: Doors) -> int:
    return int(here.rows("SELECT count(*) FROM bookings")[0][0])


def scratch(here: Doors, sql: str) -> list[tuple[Any, ...]]:
    conn = sqlite3.connect(here.home / "var" / "gateway.db", isolation_level=None)
    found = conn.execute(sql).fetchall()
    conn.close()
    return found


def refusals(here: Doors) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in here.log().splitlines()]
    return [line for line in lines if line.get("status") == 401]


# a signature that comes again ---------------------------------------------------------------------------------------


def test_a_signature_that_comes_again_after_a_cancellation_books_nothing(here: Doors) -> None:
    query = signed(here, IDA)
    first = ask(here, query)
    reference = first.json["bookingReference"]
    assert here.portal("cancel", bookingReference=reference).json["cancelled"] == "true"
    for later_s in (0, 61, 200):  # up to 261 s
        here.now += later_s
        again = ask(here, query | {"signature": query["signature"].upper()})
        assert (again.status_code, again.json) == (200, first.json)
    assert booked(here) == 1
    assert here.rows("SELECT state FROM bookings") == [("cancelled",)]


def test_a_signature_whose_booking_a_restore_has_forgotten_gets_a_seat(here: Doors) -> None:
    query = signed(here, IDA)
    first = ask(here, query).json["bookingReference"]
    with here.app.extensions["desks"].open() as desk, desk.db.tx():
        desk.db.write("DELETE FROM bookings")
        desk.db.write("DELETE FROM orders")
    again = {ask(here, query).json["bookingReference"] for _ in range(2)}
    assert len(again) == booked(here) == 1
    assert first not in again


def test_a_nameless_signature_that_comes_again_and_again_is_one_booking(here: Doors) -> None:
    query = signed(here, {"courseClassExternalId": CLASS}, off_s=WINDOW_S)
    found = set()
    for _ in range(10):  # as long as it is taken at all
        answer = ask(here, query)
        assert answer.status_code == 200
        found.add(answer.json["bookingReference"])
        here.now += 61 if here.now - int(query["timestamp"]) < 200 else 0
    here.now = float(int(query["timestamp"]) + WINDOW_S) + 0.9
    found.add(ask(here, query).json["bookingReference"])
    assert (len(found), booked(here)) == (1, 1)
    here.now += 1
    assert ask(here, query).json["code"] == "clock_off"


def test_another_signature_of_the_same_question_is_a_question_of_its_own(here: Doors) -> None:
    nameless = {"courseClassExternalId": CLASS}
    first = ask(here, signed(here, nameless)).json["bookingReference"]
    here.now += 61
    assert ask(here, signed(here, nameless)).json["bookingReference"] != first


def test_a_signature_that_was_refused_a_seat_may_come_again(here: Doors) -> None:
    here.world.maconomy.seed({"set": {CLASS: {"freeSeats": 0}}})
    query = signed(here, IDA)
    assert ask(here, query).json["successful"] == "false"
    here.world.maconomy.seed({"set": {CLASS: {"freeSeats": 1}}})
    assert ask(here, query).json["successful"] == "true"


def test_signatures_are_kept_as_hashes_and_go(here: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signatures, "MOST_ROWS", 3)
    for number in range(5):
        query = signed(here, IDA | {"company": str(number)})
        ask(here, query)
        here.now += 1
    kept = (here.home / "var" / "gateway.db").read_bytes()
    assert query["signature"].encode() not in kept
    assert scratch(here, "SELECT count(*) FROM signatures") == [(3,)]
    here.now += signatures.KEEP_S
    ask(here, signed(here, IDA | {"company": "last"}))
    assert scratch(here, "SELECT count(*) FROM signatures") == [(1,)]


def test_a_clock_that_is_off_is_told_as_often_as_it_is_asked_and_costs_one_call(here: Doors) -> None:
    here.configure(gateway="rate_per_minute = 20")
    codes = [ask(here, signed(here, IDA, off_s=-600)).json["code"] for _ in range(20)]
    assert codes == ["clock_off"] * 20


# who is kept out ----------------------------------------------------------------------------------------------------


def test_a_flood_of_strangers_from_the_same_address_does_not_lock_the_website_out(here: Doors) -> None:
    order = here.order()
    statuses = {here.website("GET", f"/api/orders/{order}", key=f"guess {n}").status_code for n in range(90)}
    statuses |= {here.ask("GET", "/nowhere").status_code for _ in range(10)}
    assert statuses == {401, 429}
    assert here.website("GET", f"/api/orders/{order}").status_code == 200
    assert here.oilmat("GET", "nord/alive").status_code == 200


def test_a_key_is_counted_wherever_it_comes_from_and_each_on_its_own(here: Doors) -> None:
    here.configure(gateway="rate_per_minute = 6")
    found = [
        here.website("GET", "/api/orders/1", environ_overrides={"REMOTE_ADDR": f"192.0.2.{n}"}).status_code
        for n in range(8)
    ]
    assert found == [404] * 6 + [429] * 2
    assert here.oilmat("GET", "nord/alive").status_code == 200
    assert here.oilmat("GET", "nord/alive", key=WEBSITE_KEY).status_code == 401  # and it is the key of that door


def test_how_an_address_is_asked_is_told_without_a_key_and_counted_by_address(here: Doors) -> None:
    here.configure(gateway="rate_per_minute = 1")
    options = [here.ask("OPTIONS", "/api/orders", headers={"X-Api-Key": WEBSITE_KEY}).status_code for _ in range(2)]
    assert options == [204, 429]


def test_a_proxy_that_nobody_named_is_said_once_a_process(here: Doors) -> None:
    def forwarded(peer: str) -> None:
        here.ask("GET", "/docs", headers={"X-Forwarded-For": "203.0.113.9"}, environ_overrides={"REMOTE_ADDR": peer})

    forwarded("192.0.2.1")  # anybody can write that
    assert "trusted_proxies" not in here.log()
    for peer in ("127.0.0.1", "127.0.0.1", "::1"):
        forwarded(peer)
    assert here.log().count("trusted_proxies") == 1
    assert "203.0.113.9" not in here.log()
    here.configure(gateway='trusted_proxies = ["127.0.0.1"]')
    forwarded("127.0.0.1")
    assert here.log().count("trusted_proxies") == 1


def test_by_plain_cgi_what_is_said_once_a_process_is_said_once_a_day(here: Doors) -> None:
    def one_call() -> None:  # which is a process of its own there
        here.configure()
        here.ask("GET", "/docs", headers={"X-Forwarded-For": "203.0.113.9"})

    for _ in range(5):
        one_call()
    assert here.log().count("trusted_proxies") == 1
    here.now += 86_400
    for _ in range(2):
        one_call()
    assert here.log().count("trusted_proxies") == 2


# the log, and the file ----------------------------------------------------------------------------------------------


def test_five_refusals_a_minute_are_logged_and_the_others_are_counted(here: Doors) -> None:
    here.configure(gateway="rate_per_minute = 100000")
    for _ in range(30):
        here.website("GET", "/api/orders/1", key="wrong")
    assert [line.get("refusals_not_logged") for line in refusals(here)] == [None] * 5
    here.now += 61
    for _ in range(2):
        here.website("GET", "/api/orders/1", key="wrong")
    assert [line.get("refusals_not_logged") for line in refusals(here)[5:]] == [25, None]


def test_a_clock_that_is_put_back_does_not_silence_the_log(here: Doors) -> None:
    for _ in range(6):
        here.website("GET", "/api/orders/1", key="wrong")
    here.now -= 3_600
    here.website("GET", "/api/orders/1", key="wrong")
    assert len(refusals(here)) == 6


def test_without_its_file_no_refusal_is_logged_and_what_is_wrong_is_said_once(here: Doors) -> None:
    (here.home / "var" / "gateway.db").unlink(missing_ok=True)
    (here.home / "var" / "gateway.db").mkdir()
    assert {here.website("GET", "/api/orders/1", key="wrong").status_code for _ in range(20)} == {401}
    assert refusals(here) == []
    [line] = [json.loads(text) for text in here.log().splitlines()]
    assert (line["command"], line["why"]) == ("gateway", "gateway.db: SQLITE_CANTOPEN")
    assert ask(here, signed(here, IDA)).json["successful"] == "true"


def test_a_table_that_is_missing_is_made_again(here: Doors) -> None:
    here.configure(gateway="rate_per_minute = 1")
    here.ask("GET", "/docs")
    for table in ("callers", "lines", "signatures"):
        scratch(here, f"DROP TABLE {table}")
    assert [here.ask("GET", "/docs").status_code for _ in range(2)] == [200, 429]
    assert here.log() == ""


def test_a_damaged_file_that_cannot_be_removed_keeps_nobody_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes: list[str] = []
    path = tmp_path / "gateway.db"
    path.write_bytes(b"no database at all, but long enough to be looked at" * 100)

    def refused(*_: object, **__: object) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "unlink", refused)
    made = Scratch(path, secret=b"key", note=notes.append)
    clock = lambda: 1_795_255_200.0  # noqa: E731
    assert Limiter(made, per_minute=1, clock=clock).take("a") == 0
    assert Signatures(made, clock=clock).answered("a") is None
    assert notes == ["gateway.db: SQLITE_NOTADB"] * 2


def test_another_user_than_the_homes_owner_is_refused(here: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in here.environ.items():
        monkeypatch.setenv(name, value)
    owner = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    with pytest.raises(UsageError, match=f"belongs to user {owner}, and this is user {owner + 1}"):
        gateway(port=0)


# the same parameter twice -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "words"),
    [
        (f"courseClassExternalId={CLASS}&courseClassExternalId=25172-05", "courseClassExternalId er ikke entydig"),
        (
            f"courseClassExternalId={CLASS}&company=A&company=B&studentFirstName=A&studentFirstName=B",
            "studentFirstName, company er ikke entydig",
        ),
    ],
)
def test_a_reservation_that_can_be_read_two_ways_is_refused(here: Doors, query: str, words: str) -> None:
    answer = here.ask("GET", f"/trainingportal/{TOKEN}/reserve?{query}")
    assert (answer.status_code, answer.json["successful"], answer.json["errorMessage"]) == (400, "false", words)
    assert b"<successful>false</successful>" in here.ask("GET", f"/trainingportal/{TOKEN}/reserve.xml?{query}").data


def test_an_empty_parameter_beside_a_value_is_none(here: Doors) -> None:
    path = f"/trainingportal/{TOKEN}/"
    made = here.ask("GET", f"{path}reserve?courseClassExternalId=&courseClassExternalId={CLASS}&company=&company=A")
    reference = made.json["bookingReference"]
    assert here.portal("reserve", courseClassExternalId=CLASS, company="A").json["bookingReference"] == reference
    other = here.portal("reserve", courseClassExternalId=CLASS, company="B").json["bookingReference"]
    two = here.ask("GET", f"{path}cancel?bookingReference={reference}&bookingReference={other}")
    assert (two.status_code, two.json["cancelled"]) == (400, "false")
    assert here.rows("SELECT state FROM bookings") == [("reserved",)] * 2
    one = here.ask("GET", f"{path}cancel?bookingReference=&bookingReference={reference}&bookingReference={reference}")
    assert one.json["cancelled"] == "true"


def test_a_second_timestamp_or_signature_is_refused_of_who_signed_and_nothing_told_to_others(here: Doors) -> None:
    query = list(signed(here, IDA).items())
    for more in (("signature", "0" * 64), ("timestamp", "1")):
        answer = ask(here, [*query, more])
        assert (answer.status_code, answer.json["errorMessage"]) == (400, f"{more[0]} er ikke entydig")
        assert ask(here, [more, *query]).json["code"] == "not_let_in"
    cancel = list(signed(here, {"bookingReference": "TP-X"}, path="/trainingportal/cancel").items())
    assert ask(here, [*cancel, ("timestamp", "1")], "/trainingportal/cancel").status_code == 400
    assert ask(here, [("signature", ""), *query]).json["successful"] == "true"


def test_oilmats_parameters_are_read_one_way_too(here: Doors) -> None:
    for path in ("queue?type=task&type=error", "check_order_status?unique_id=1&unique_id=2"):
        answer = here.oilmat("GET", f"nord/{path}")
        assert (answer.status_code, answer.json["code"]) == (400, "repeated")
    assert here.oilmat("PUT", "nord/clear_queue?type=task&type=error").status_code == 400
    assert here.oilmat("GET", "nord/queue?type=&type=task&type=task").status_code == 200


# words, bodies, documents -------------------------------------------------------------------------------------------


def test_a_booking_under_review_is_told_in_norwegian(here: Doors) -> None:
    reference = here.portal("reserve", **IDA).json["bookingReference"]
    conn = sqlite3.connect(here.home / "var" / "integrator.db")
    conn.execute("UPDATE orders SET hold_reason = 'x', hold_since = 1")
    conn.commit()
    conn.close()
    told = here.portal("cancel", bookingReference=reference).json
    assert told == {
        "cancelled": "false",
        "errorMessage": "Bestillingen er under behandling; ta kontakt med kurstilbyderen",
    }


def test_who_has_just_cancelled_is_told_to_come_again(here: Doors) -> None:
    reference = here.portal("reserve", **IDA).json["bookingReference"]
    here.portal("cancel", bookingReference=reference)
    told = here.portal("reserve", **IDA).json
    assert told["errorMessage"] == "Bestillingen er nettopp avbestilt; prøv igjen om et minutt"


@pytest.mark.parametrize(
    ("query", "body", "status"),
    [
        ("?type=hemmelig", None, 400),
        ("", {"type": "hemmelig"}, 400),
        ("?type=task", {"type": "hemmelig"}, 400),
        ("", {"type": ["hemmelig"]}, 400),
        ("", {"type": None}, 400),
        ("", {"type": "hemmelig\n"}, 400),
        ("?type=task", {"type": "error"}, 400),
        ("", {}, 400),
        ("?type=task", {}, 200),
        ("?type=task", {"type": "task"}, 200),
        ("", {"type": "error"}, 200),
        ("?type=task", {"kind": "hemmelig"}, 422),
    ],
)
def test_a_queue_of_another_type_is_none_wherever_it_stands(here: Doors, query: str, body: Any, status: int) -> None:
    here.oilmat("POST", "nord/create", json=LINE)
    rest = {} if body is None else {"json": body}
    answer = here.oilmat("PUT", f"nord/clear_queue{query}", **rest)
    assert answer.status_code == status, answer.text
    assert "hemmelig" not in answer.text


def test_the_page_is_made_once_for_each_place_we_are_put(here: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    real = documents.document

    def counted(routes: Any, *, base: str) -> dict[str, Any]:
        made.append(base)
        return real(routes, base=base)

    monkeypatch.setattr(documents, "document", counted)
    for base in ("", "/a", "", "/a", ""):
        for path in ("/docs", "/openapi.json"):
            assert here.ask("GET", path, environ_overrides={"SCRIPT_NAME": base}).status_code == 200
    assert made == ["", "/a"]


# who hosts it -------------------------------------------------------------------------------------------------------


def test_a_script_that_cannot_begin_answers_as_safely_as_any_other(here: Doors) -> None:
    (here.home / "config" / "integrator.toml").write_text("[gateway]\nwebsite_kee = 1\n")
    variables = {"REQUEST_METHOD": "GET", "PATH_INFO": "/docs", "SERVER_NAME": "x", "SERVER_PORT": "80"}
    done = run_cgi(variables, b"", here.environ)
    head = done.stdout.replace(b"\r\n", b"\n").partition(b"\n\n")[0].decode().splitlines()
    assert "Status: 503 Service Unavailable" in head
    assert {f"{name}: {value}" for name, value in SAFE_HEADERS.items()} <= set(head)


def test_a_script_that_the_disk_refuses_something_answers_and_says_so_in_a_sentence(here: Doors) -> None:
    (here.home / ".env").unlink()
    (here.home / ".env").symlink_to(".env")
    variables = {"REQUEST_METHOD": "GET", "PATH_INFO": "/docs", "SERVER_NAME": "x", "SERVER_PORT": "80"}
    done = run_cgi(variables, b"", here.environ)
    assert done.stdout.startswith(b"Status: 503")
    assert b".env: cannot be read or written" in done.stderr
    assert b"Traceback" not in done.stderr


def test_gunicorn_says_nothing_of_what_it_cannot_read(here: Doors) -> None:
    assert " ".join(GUNICORN) in DOCS.read_text(encoding="utf-8")
    with gunicorn(here.environ) as host:  # which fails when the token was said
        line = f"GET /trainingportal/{TOKEN}/reserve?studentFirstName=Ida Marie HTTP/1.1\r\nHost: x\r\n\r\n"
        with socket.create_connection(("127.0.0.1", host.port), timeout=300) as conn:
            conn.sendall(line.encode())
            assert conn.recv(100).startswith(b"HTTP/1.1 400")
        assert host.ask("GET", "/oilmat/nord/alive", headers={"X-Api-Key": OILMAT_KEY}).status == 200
