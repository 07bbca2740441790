"""Addresses that cannot be read, and failures: neither lets somebody without a key fill the log."""

import json
from typing import Any

import pytest
from doors import CLASS, TOKEN, WEBSITE_KEY, Doors

from integrator.gateway import documents

LATIN = "studentFirstName=\xc6r\xf8"  # as a server hands the bytes on
KEY = {"X-Api-Key": WEBSITE_KEY}


def lines(here: Doors, status: int) -> list[dict[str, Any]]:
    return [line for text in here.log().splitlines() if (line := json.loads(text)).get("status") == status]


def broken(*_: object, **__: object) -> None:
    raise KeyError("p1.a@example.org")


# addresses ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "POST", "HEAD", "OPTIONS"])
@pytest.mark.parametrize(
    ("path", "query"),
    [
        (f"/trainingportal/{TOKEN}/reserve", f"courseClassExternalId={CLASS}&{LATIN}"),
        (f"/trainingportal/{TOKEN}/cancel.xml", LATIN),
        (f"/trainingportal/{TOKEN}/reserve", f"courseClassExternalId={CLASS}&studentFirstName=%C6r%F8"),
        (f"/trainingportal/{TOKEN}/cancel", "bookingReference=TP-X&nocache=%ED%A0%80"),
        ("/oilmat/nord/queue", "type=task&%FF=1"),
        ("/trainingportal/reserve", "a=\xc6"),
        ("/trainingportal/cancel.json", "timestamp=1&signature=\xff"),
        ("/trainingportal/\xc6/reserve", ""),
        ("/api/orders/10001", LATIN),
        ("/api/orders/1\xff", ""),
        ("/oilmat/nord/queue", "type=\xf8"),
        ("/oilmat/\xc6r\xf8/alive", ""),
        ("/docs", LATIN),
        ("/nowhere/\xe6", LATIN),
        ("/nowhere", "\xed\xa0\x80"),  # half a character
    ],
)
def test_an_address_that_is_not_utf8_is_told_so_and_nobody_else(
    here: Doors, method: str, path: str, query: str
) -> None:
    raw = {"PATH_INFO": path, "QUERY_STRING": query}
    answer = here.ask(method, "/", environ_overrides=raw, headers=KEY)
    assert (answer.status_code, answer.headers["Content-Type"]) == (400, "application/problem+json")
    if method != "HEAD":
        told = answer.json
        assert (told["title"], told["status"], told["code"]) == ("Bad Request", 400, "not_utf8")
    assert here.log() == ""
    assert not (here.home / "var" / "integrator.db").exists()


def test_a_name_in_utf8_is_taken_as_it_came_percent_encoded_or_not(here: Doors) -> None:
    here.publish()
    references = {
        here.ask("GET", f"/trainingportal/{TOKEN}/reserve", query_string=f"courseClassExternalId={CLASS}&{name}").json[
            "bookingReference"
        ]
        for name in ("studentFirstName=Ærø", "studentFirstName=%C3%86r%C3%B8", "student%46irst%4Eame=%c3%86r%c3%b8")
    }
    assert len(references) == 1
    assert references != {""}


def test_addresses_that_cannot_be_read_are_counted_like_any_call(here: Doors) -> None:
    here.configure(gateway="rate_per_minute = 3")
    raw = {"QUERY_STRING": "a=\xc6"}
    statuses = [here.ask("GET", "/trainingportal/reserve", environ_overrides=raw).status_code for _ in range(5)]
    assert statuses == [400] * 3 + [429] * 2


# failures -----------------------------------------------------------------------------------------------------------


def test_five_failures_a_minute_are_logged_and_the_others_are_counted(
    here: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.configure(gateway="rate_per_minute = 100000")
    monkeypatch.setattr(documents, "document", broken)
    assert {here.ask("GET", "/openapi.json").status_code for _ in range(50)} == {500}
    assert [line.get("failures_not_logged") for line in lines(here, 500)] == [None] * 5
    assert all("documents.py" in " ".join(line["place"]) for line in lines(here, 500))
    here.now += 61
    for _ in range(2):
        here.ask("GET", "/openapi.json")
    assert [line.get("failures_not_logged") for line in lines(here, 500)[5:]] == [45, None]


def test_strangers_who_are_refused_do_not_hide_a_failure_nor_a_failure_them(
    here: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.configure(gateway="rate_per_minute = 100000")
    for _ in range(10):
        here.website("GET", "/api/orders/1", key="wrong")
    monkeypatch.setattr(documents, "document", broken)
    for _ in range(10):
        here.ask("GET", "/openapi.json")
    here.now += 61
    here.ask("GET", "/openapi.json")
    here.website("GET", "/api/orders/1", key="wrong")
    assert [len(lines(here, status)) for status in (401, 500)] == [6, 6]
    assert lines(here, 401)[-1]["refusals_not_logged"] == 5
    assert lines(here, 500)[-1]["failures_not_logged"] == 5


def test_without_the_file_every_failure_is_logged(here: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    (here.home / "var" / "gateway.db").unlink(missing_ok=True)
    (here.home / "var" / "gateway.db").mkdir()
    monkeypatch.setattr(documents, "document", broken)
    for _ in range(7):
        here.ask("GET", "/openapi.json")
    assert len(lines(here, 500)) == 7


def test_what_was_changed_is_logged_however_often(here: Doors) -> None:
    order = here.order(seats=1)
    for seats in (2, 1, 2, 1, 2, 1, 2):
        assert here.website("PUT", f"/api/orders/{order}/seats", json={"seats": seats}).status_code == 200
    assert len(lines(here, 200)) == 7


def test_who_only_asks_how_an_address_is_asked_changed_nothing_and_is_not_logged(here: Doors) -> None:
    for path in ("/api/orders", "/trainingportal/reserve", "/oilmat/nord/kill", "/docs"):
        assert here.ask("OPTIONS", path).status_code == 204
    assert here.log() == ""
