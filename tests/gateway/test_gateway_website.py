"""The website's addresses: what the booking commands do, and every bad request answered in one format."""

import json
from datetime import datetime
from typing import Any

import pytest
from doors import CLASS, TOKEN, WEBSITE_KEY, Doors

from desks import T0, form

JSON = {"Content-Type": "application/json"}


def reserve(here: Doors, **body: Any) -> Any:
    return here.website("POST", "/api/orders", json={"class_id": CLASS, "key": "k"} | body)


def is_problem(answer: Any, status: int, code: str) -> bool:
    """Whether it is a whole problem: RFC 9457's type and members, and the status once more."""
    told = answer.json
    assert (answer.status_code, told["status"], told["code"]) == (status, status, code), answer.text
    return bool(answer.headers["Content-Type"] == "application/problem+json" and told["title"])


def fields(answer: Any) -> dict[str, str]:
    return {error["field"]: error["code"] for error in answer.json["errors"]}


def test_an_order_is_reserved_changed_completed_shown_and_cancelled(here: Doors) -> None:
    made = reserve(here)
    assert (made.status_code, made.headers["Location"]) == (201, "/api/orders/10001")
    assert list(made.json) == ["order", "class_id", "seats", "expires_at"]
    assert datetime.fromisoformat(made.json["expires_at"]).timestamp() == T0 + 30 * 60
    more = here.website("PUT", "/api/orders/10001/seats", json={"seats": 2})
    assert (more.status_code, more.json["seats"]) == (200, 2)
    filled = form(2)
    done = here.website("POST", "/api/orders/10001/complete", json=filled)
    assert (done.status_code, done.json["state"], len(done.json["participants"])) == (200, "complete", 2)
    assert here.website("POST", "/api/orders/10001/complete", json=filled).json == done.json
    shown = here.website("GET", "/api/orders/10001")
    assert shown.json == done.json
    assert "Nørgård" not in shown.text
    assert here.rows("SELECT count(*) FROM outbox") == [(2,)]
    gone = here.website("POST", "/api/orders/10001/cancel")
    assert (gone.status_code, gone.json["state"]) == (200, "cancelled")
    assert here.website("POST", "/api/orders/10001/cancel").json == gone.json


def test_the_same_key_is_the_same_order_by_header_and_by_field(here: Doors) -> None:
    first = reserve(here, key="visitor-1")
    body = json.dumps({"class_id": CLASS})
    again = here.website("POST", "/api/orders", data=body, headers=JSON | {"Idempotency-Key": "visitor-1"})
    assert (again.status_code, again.json) == (201, first.json)
    both = here.website("POST", "/api/orders", json={"class_id": CLASS, "key": "a"}, headers={"Idempotency-Key": "b"})
    assert is_problem(both, 422, "two_keys")
    assert here.rows("SELECT count(*) FROM orders") == [(1,)]


def test_the_same_key_for_another_request_is_refused(here: Doors) -> None:
    assert reserve(here).status_code == 201
    assert is_problem(reserve(here, seats=2), 422, "bad_request")


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, {"class_id": "missing"}),
        ({"class_id": CLASS}, {"key": "missing"}),
        ({"class_id": CLASS, "key": ""}, {"key": "invalid"}),
        ({"class_id": CLASS, "key": "k" * 201}, {"key": "invalid"}),
        ({"class_id": CLASS, "key": "a b"}, {"key": "invalid"}),
        ({"class_id": CLASS, "key": "trainingportal:x"}, {"key": "invalid"}),
        ({"class_id": CLASS + "\n", "key": "k"}, {"class_id": "invalid"}),
        ({"class_id": "../x", "key": "k"}, {"class_id": "invalid"}),
        ({"class_id": "\ud800", "key": "k"}, {"class_id": "invalid"}),
        ({"class_id": 25172, "seats": "2", "key": "k"}, {"class_id": "invalid", "seats": "invalid"}),
        ({"class_id": CLASS, "seats": 0, "key": "k"}, {"seats": "invalid"}),
        ({"class_id": CLASS, "seats": 41, "key": "k"}, {"seats": "invalid"}),
        ({"class_id": CLASS, "seats": True, "key": "k"}, {"seats": "invalid"}),
        ({"class_id": CLASS, "seats": 1e300, "key": "k"}, {"seats": "invalid"}),
        ({"class_id": CLASS, "key": "k", "colour": "red"}, {"colour": "unknown"}),
        ({"class_id": CLASS, "key": "k", "a b": 1}, {"body": "unknown"}),
    ],
)
def test_every_field_that_is_wrong_is_named_with_why(here: Doors, body: Any, wrong: dict[str, str]) -> None:
    answer = here.website("POST", "/api/orders", data=json.dumps(body), headers=JSON)
    assert (answer.status_code, fields(answer)) == (422, wrong)
    assert not (here.home / "var" / "integrator.db").exists()


@pytest.mark.parametrize(
    ("raw", "where"),
    [
        (b"", "line 1, column 1"),
        (b'{"class_id": "a",}', "line 1, column 18"),
        (b'{\n"class_id": NaN}', "NaN"),
        (b'{"key": "a", "key": "b"}', 'the key "key" stands twice'),
        (b'{"key": "\xff"}', "not UTF-8: line 1"),
        (b"[" * 50_000, None),
        (b"[" * 9_000 + b"]" * 900, "nested too deeply"),
    ],
)
def test_what_is_not_json_is_refused_and_told_where(here: Doors, raw: bytes, where: str | None) -> None:
    answer = here.website("POST", "/api/orders", data=raw, headers=JSON)
    if where is None:
        assert is_problem(answer, 413, "request_entity_too_large")
        return
    assert is_problem(answer, 400, "bad_json")
    assert where in answer.json["detail"]


@pytest.mark.parametrize("body", ["[]", '"x"', "1", "null", "true"])
def test_a_body_that_is_no_object_is_refused(here: Doors, body: str) -> None:
    assert is_problem(here.website("POST", "/api/orders", data=body, headers=JSON), 422, "bad_request")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "application/json; charset=latin-1"},
        {"Content-Type": "application/json", "Content-Encoding": "gzip"},
    ],
)
def test_a_body_of_another_type_is_not_read(here: Doors, headers: dict[str, str]) -> None:
    answer = here.website("POST", "/api/orders", data=b'{"class_id": "25172-04", "key": "k"}', headers=headers)
    assert answer.status_code == 415
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_everything_that_is_wrong_with_a_form_comes_back_field_by_field(here: Doors) -> None:
    order = here.order()
    answer = here.website("POST", f"/api/orders/{order}/complete", json=form(2) | {"customer": {"name": "Gitte"}})
    assert is_problem(answer, 422, "bad_form")
    assert {"participants": "wrong_number", "customer.email": "missing"}.items() <= fields(answer).items()
    assert here.website("GET", f"/api/orders/{order}").json["state"] == "reserved"
    cut = here.website("POST", f"/api/orders/{order}/complete", data=b'{"customer": ', headers=JSON)
    assert is_problem(cut, 400, "bad_json")


def test_a_class_that_is_full_is_a_conflict(here: Doors) -> None:
    here.world.maconomy.seed({"set": {CLASS: {"freeSeats": 1}}})
    assert reserve(here).status_code == 201
    assert is_problem(reserve(here, key="other"), 409, "full")
    more = here.website("PUT", "/api/orders/10001/seats", json={"seats": 2})
    assert is_problem(more, 409, "full")


def test_a_class_that_cannot_be_booked_says_why(here: Doors) -> None:
    assert is_problem(reserve(here, class_id="99999-01"), 404, "not_found")
    here.world.maconomy.seed({"set": {CLASS: {"status": "Aflyst"}}})
    assert is_problem(reserve(here), 409, "cancelled")


def test_an_order_that_has_run_out_cannot_be_completed(here: Doors) -> None:
    order = here.order()
    here.now += 31 * 60
    answer = here.website("POST", f"/api/orders/{order}/complete", json=form())
    assert is_problem(answer, 409, "expired")


@pytest.mark.parametrize(
    "number", ["10999", "0", "-1", "01", "x", "1" * 18, "9" * 19, "9" * 5_000, "10001.0", "%00", "1e3"]
)
def test_an_order_that_is_none_is_not_found(here: Doors, number: str) -> None:
    here.order()
    answer = here.website("GET", f"/api/orders/{number}")
    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "application/problem+json")


def test_a_resellers_booking_is_none_of_the_websites(here: Doors) -> None:
    here.publish()
    here.portal("reserve", courseClassExternalId=CLASS)
    [(order,)] = here.rows("SELECT id FROM orders")
    for method, path in (("GET", ""), ("POST", "/cancel")):
        assert is_problem(here.website(method, f"/api/orders/{order}{path}"), 404, "not_found")
    assert is_problem(here.website("POST", f"/api/orders/{order}/complete", json=form()), 404, "not_found")
    assert is_problem(here.website("PUT", f"/api/orders/{order}/seats", json={"seats": 2}), 404, "not_found")
    assert here.rows("SELECT state, seats FROM orders") == [("reserved", 1)]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"class_id": CLASS, "seats": 0, "key": "k"}, "expected a whole number of at least 1"),
        ({"class_id": CLASS, "seats": 41, "key": "k"}, "expected a whole number of at most 40"),
        ({"class_id": CLASS, "seats": "1", "key": "k"}, "expected a whole number, got a text"),
        ({"class_id": 25172, "key": "k"}, "expected a text, got a whole number"),
        ({"class_id": "Æ", "key": "k"}, "expected a text like ^[A-Za-z0-9._~-]{1,40}$"),
        ({"class_id": CLASS, "key": 1.5}, "expected a text or null, got a number"),
    ],
)
def test_what_is_wrong_with_a_field_is_said_in_words_of_nobodys_language(
    here: Doors, body: dict[str, Any], words: str
) -> None:
    answer = here.website("POST", "/api/orders", json=body)
    assert is_problem(answer, 422, "bad_request")
    assert [error["message"] for error in answer.json["errors"]] == [words]


def test_a_detail_names_the_field_that_it_is_about(here: Doors) -> None:
    answer = here.website("POST", "/api/orders", json={"class_id": CLASS})
    assert answer.json["detail"] == "key is missing: give it in the body, or as the header Idempotency-Key"
    assert here.website("POST", "/api/orders", json=[]).json["detail"] == "body must be an object"


def test_a_class_that_nobody_knows_is_told_by_its_number_and_no_system_behind_us_is_named(here: Doors) -> None:
    assert reserve(here, class_id="99999-04").json["detail"] == "there is no class 99999-04"
    order = here.order()
    here.world.maconomy.seed({"remove": [CLASS]})
    gone = here.website("PUT", f"/api/orders/{order}/seats", json={"seats": 2})
    assert is_problem(gone, 404, "not_found")
    assert "aconomy" not in gone.text


def test_while_maconomy_cannot_be_asked_a_visitor_comes_again_later(here: Doors) -> None:
    here.world.servers[0].faults.add({"fault": {"kind": "status", "status": 503}})
    answer = reserve(here)
    assert is_problem(answer, 503, "unavailable")
    assert int(answer.headers["Retry-After"]) >= 1
    assert "127.0.0.1" not in answer.text
    assert here.rows("SELECT count(*) FROM orders") == [(0,)]


def test_a_home_that_is_not_set_up_tells_nobody_how(here: Doors) -> None:
    here.configure(maconomy=False)
    answer = reserve(here)
    assert is_problem(answer, 503, "not_ready")
    assert "config" not in answer.text
    assert '"why":"ConfigError"' in here.log()


def test_a_store_that_is_damaged_says_nothing_of_where_it_lies(here: Doors) -> None:
    order = here.order()
    (here.home / "var" / "integrator.db").write_bytes(b"no database" * 1_000)
    answer = here.website("GET", f"/api/orders/{order}")
    assert is_problem(answer, 503, "not_ready")
    assert str(here.home) not in answer.text


def test_a_bug_is_told_as_one_and_its_place_is_in_the_log(here: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise KeyError("p1.a@example.org")

    monkeypatch.setattr("integrator.jobs.booking.show", broken)
    order = here.order()
    answer = here.website("GET", f"/api/orders/{order}")
    assert is_problem(answer, 500, "bug")
    assert "KeyError" not in answer.text
    assert "website.py" in here.log()
    assert "example.org" not in answer.text + here.log()


@pytest.mark.parametrize(
    "path", ["/", "/api", "/api/", "/api/orders/", "//api/orders", "/api/orders/1/2/3", "/%2e%2e/x"]
)
def test_an_address_that_is_none_is_not_found(here: Doors, path: str) -> None:
    answer = here.website("POST", path, json={})
    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "application/problem+json")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/api/orders", "OPTIONS, POST"),
        ("DELETE", "/api/orders/10001", "GET, HEAD, OPTIONS"),
        ("PATCH", "/api/orders/10001/seats", "OPTIONS, PUT"),
        ("TRACE", "/api/orders", "OPTIONS, POST"),
        ("BREW", "/api/orders", "OPTIONS, POST"),
        ("HEAD", "/api/orders", "OPTIONS, POST"),
        ("POST", f"/trainingportal/{TOKEN}/reserve", "GET, OPTIONS"),
        ("HEAD", f"/trainingportal/{TOKEN}/cancel.xml", "GET, OPTIONS"),
    ],
)
def test_an_address_says_how_it_is_asked(here: Doors, method: str, path: str, allowed: str) -> None:
    answer = here.website(method, path)
    assert (answer.status_code, answer.headers["Allow"]) == (405, allowed)


def test_options_and_head_need_no_body_and_change_nothing(here: Doors) -> None:
    order = here.order()
    asked = here.ask("OPTIONS", f"/api/orders/{order}/cancel")
    assert (asked.status_code, asked.text, asked.headers["Allow"]) == (204, "", "OPTIONS, POST")
    head = here.website("HEAD", f"/api/orders/{order}")
    assert (head.status_code, head.text) == (200, "")
    assert here.website("GET", f"/api/orders/{order}").json["state"] == "reserved"


def test_every_answer_is_kept_by_nobody_and_is_what_it_says_it_is(here: Doors) -> None:
    for path, key in (("/api/orders/10001", WEBSITE_KEY), ("/nowhere", "x"), ("/docs", "x"), ("/api/orders/1", "x")):
        headers = here.website("GET", path, key=key).headers
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Content-Security-Policy"].startswith("default-src 'none'")
