"""OilMat's addresses: what the original documented, from the store, without what it leaked."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from doors import ERP_PASSWORD, LINE, OILMAT_KEY, Doors

from desks import T0
from integrator.runtime import lock
from integrator.store.workshops import Workshops

JSON = {"Content-Type": "application/json"}


def create(here: Doors, body: Any = LINE, *, path: str = "bennys-auto/create") -> Any:
    raw = body if isinstance(body, bytes) else json.dumps(body)
    return here.oilmat("POST", path, data=raw, headers=JSON)


def test_an_order_is_taken_in_once_and_its_status_answers(here: Doors) -> None:
    for _ in range(2):
        answer = create(here)
        assert (answer.status_code, answer.json) == (200, {"unique_id": "0007", "status": "received", "reason": ""})
    asked = here.oilmat("GET", "bennys-auto/check_order_status?unique_id=0007")
    assert (asked.status_code, asked.json) == (200, {"reason": "", "status": "received", "unique_id": "0007"})
    assert here.rows("SELECT unique_id, source FROM orderlines") == [("0007", "http")]


def test_the_workshop_may_stand_in_the_payload_or_in_the_address_by_id_or_by_name(here: Doors) -> None:
    assert create(here, LINE | {"dealer": "Nord Biler"}, path="create").status_code == 200
    assert create(here, path="nord%20biler/create").status_code == 200
    assert here.rows("SELECT workshop, unique_id FROM orderlines") == [("nord", "0007")]
    assert create(here, LINE, path="create").status_code == 400
    assert create(here, LINE | {"workshop": "bennys-auto"}, path="nord/create").status_code == 400
    assert here.rows("SELECT workshop, unique_id FROM orderlines") == [("nord", "0007")]


def test_a_body_that_was_encoded_twice_is_the_same_order(here: Doors) -> None:
    assert create(here).status_code == 200
    assert create(here, json.dumps(LINE)).status_code == 200
    assert here.rows("SELECT count(*) FROM orderlines") == [(1,)]


def test_several_orders_in_a_body_are_taken_each_on_its_own(here: Doors) -> None:
    both = [LINE, LINE | {"unique_id": "7"}]
    answer = create(here, both)
    assert (answer.status_code, answer.json["length"]) == (200, 2)
    assert [order["unique_id"] for order in answer.json["orders"]] == ["0007", "7"]
    mixed = create(here, [LINE | {"unique_id": "8"}, LINE | {"unique_id": "9", "product_amount": "1.234,5"}])
    assert (mixed.status_code, mixed.json["detail"]) == (400, "1 of 2 refused; the others were kept")
    assert [order["status"] for order in mixed.json["orders"]] == ["received", "bad request"]
    assert [error["field"] for error in mixed.json["errors"]] == ["9"]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"case_id": "560",}', "line 1"),
        (b"", "is empty"),
        (b"[]", "no order in the body"),
        ({"unique_id": "1"}, "case_id: missing"),
        (LINE | {"product_amount": "-1"}, "product_amount"),
        (b"\xff", "not UTF-8"),
        (b"[" * 100_000, "nested too deeply"),
    ],
)
def test_a_bad_request_says_what_is_wrong(here: Doors, body: Any, words: str) -> None:
    answer = create(here, body)
    assert (answer.status_code, answer.headers["Content-Type"]) == (400, "application/problem+json")
    assert words in json.dumps(answer.json)


def test_a_login_in_an_order_is_nowhere_afterwards(here: Doors) -> None:
    loud = LINE | {"username": "mekaniker", "password": "Sommer2026!"}
    answer = create(here, loud)
    assert answer.json["credentials_in_payload"] is True
    said = [answer.text, here.log()]
    said += [here.oilmat("GET", f"bennys-auto/queue?type={kind}").text for kind in ("task", "error")]
    said += [here.oilmat("PUT", "bennys-auto/clear_queue?type=task").text, here.oilmat("GET", "bennys-auto/alive").text]
    kept = b"".join(path.read_bytes() for path in (here.home / "var").rglob("*") if path.is_file())
    for secret in ("Sommer2026!", "mekaniker", ERP_PASSWORD, OILMAT_KEY):
        assert all(secret not in text for text in said)
        assert secret.encode() not in kept


def test_the_log_names_a_login_and_unknown_fields_without_their_values(here: Doors) -> None:
    assert create(here).status_code == 200
    assert "why" not in json.loads(here.log().splitlines()[-1])
    loud = {"unique_id": "8", "password": "Sommer2026!", "farve": "rød", "rim": "4"}
    assert create(here, [LINE | loud, LINE | loud | {"unique_id": "9"}]).status_code == 200
    assert json.loads(here.log().splitlines()[-1])["why"] == "credentials_in_payload; ignored: farve, rim"
    assert create(here, LINE | {"unique_id": "10", "farve": "rød"}).status_code == 200
    assert json.loads(here.log().splitlines()[-1])["why"] == "ignored: farve"
    assert "rød" not in here.log()


def test_the_queue_is_a_list_of_objects_and_reading_it_changes_nothing(here: Doors) -> None:
    create(here)
    before = here.rows("SELECT * FROM orderlines")
    told = here.oilmat("GET", "bennys-auto/queue?type=task").json
    assert (told["workshop"], told["type"], told["length"]) == ("bennys-auto", "task", 1)
    assert {"unique_id": "0007", "case_id": "560", "status": "received"}.items() <= told["orders"][0].items()
    assert here.oilmat("GET", "bennys-auto/queue?type=error").json["orders"] == []
    assert here.rows("SELECT * FROM orderlines") == before


def test_before_the_first_order_there_is_a_queue_and_no_status(here: Doors) -> None:
    assert here.oilmat("GET", "nord/queue?type=task").json["length"] == 0
    assert here.oilmat("GET", "nord/check_order_status?unique_id=1").status_code == 404
    assert here.oilmat("GET", "nord/alive").json["queued"] == 0
    assert not (here.home / "var" / "integrator.db").exists()


@pytest.mark.parametrize(
    "path", ["queue", "queue?type=", "queue?type=tasks", "check_order_status", "check_order_status?unique_id="]
)
def test_what_is_missing_or_unknown_in_the_query_is_named(here: Doors, path: str) -> None:
    answer = here.oilmat("GET", f"bennys-auto/{path}")
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json["errors"]] == ["type" if path.startswith("queue") else "unique_id"]


def test_clearing_takes_out_what_waits_and_tells_which(here: Doors) -> None:
    create(here)
    create(here, LINE | {"unique_id": "8"})
    answer = here.oilmat("PUT", "bennys-auto/clear_queue?type=task")
    assert answer.json == {"workshop": "bennys-auto", "type": "task", "count": 2, "ids": ["0007", "8"]}
    asked = here.oilmat("GET", "bennys-auto/check_order_status?unique_id=8").json
    assert (asked["status"], asked["reason"]) == ("failed", "fjernet fra køen")
    create(here, LINE | {"unique_id": "9", "product_amount": "1.234,5"})
    seen = here.oilmat("PUT", "bennys-auto/clear_queue", json={"type": "error"})
    assert seen.json["ids"] == ["9"]  # what a person cleared is not among what needs one
    assert here.oilmat("GET", "bennys-auto/queue?type=error").json["length"] == 0


def test_clearing_needs_one_type_that_is_known(here: Doors) -> None:
    create(here)
    for path, body in (("", None), ("?type=all", None), ("?type=error", {"type": "task"})):
        answer = here.oilmat("PUT", f"bennys-auto/clear_queue{path}", **({"json": body} if body else {}))
        assert answer.status_code == 400, answer.text
    assert here.oilmat("PUT", "bennys-auto/clear_queue", json={"type": "all"}).status_code == 400
    assert here.oilmat("PUT", "bennys-auto/clear_queue", json={"type": "task", "x": 1}).status_code == 422
    assert here.oilmat("GET", "bennys-auto/queue?type=task").json["length"] == 1


def test_a_workshop_is_switched_off_and_on_and_kill_says_what_it_does(here: Doors) -> None:
    killed = here.oilmat("PUT", "bennys-auto/kill").json
    assert (killed["workshop"], killed["active"]) == ("bennys-auto", False)
    assert "nothing is resident" in killed["message"]
    assert here.oilmat("GET", "bennys-auto/alive").json["active"] is False
    assert here.oilmat("PUT", "bennys-auto/start_worker").json == {
        "workshop": "bennys-auto",
        "active": True,
        "blocked": None,
    }
    assert here.oilmat("PUT", "Bennys%20Auto/stop_worker").json["active"] is False
    assert here.oilmat("GET", "nord/alive").json["active"] is True


def test_a_block_is_told_and_starting_does_not_take_it_away(here: Doors) -> None:
    here.oilmat("PUT", "nord/start_worker")
    with here.world.store() as db, db.tx():
        Workshops(db).block(["nord"], "login-refused", at=int(here.now))
    assert here.oilmat("PUT", "nord/start_worker").json["blocked"] == "login-refused"
    told = here.oilmat("GET", "nord/alive").json
    assert (told["healthy"], told["blocked_reason"], told["problems"]) == (False, "login afvist", ["blocked"])


def test_while_the_store_is_being_restored_a_caller_comes_again(here: Doors) -> None:
    create(here)
    with lock.hold(here.home / "var" / "locks", "store", since=datetime.fromtimestamp(T0, UTC)):
        answer = here.oilmat("PUT", "bennys-auto/clear_queue?type=task")
    assert (answer.status_code, answer.json["code"], answer.headers["Retry-After"]) == (503, "busy", "5")
    assert here.oilmat("GET", "bennys-auto/queue?type=task").json["length"] == 1


@pytest.mark.parametrize("name", ["nobody", "..", "%2e%2e%2fnord", "Æ", "x" * 500, "nord%00"])
def test_an_unknown_workshop_is_not_found_and_the_others_are_not_named(here: Doors, name: str) -> None:
    for method, path in (("POST", "create"), ("GET", "queue?type=task"), ("PUT", "start_worker")):
        answer = here.oilmat(method, f"{name}/{path}", json=LINE)
        assert answer.status_code == 404
        assert "nord" not in answer.text


def test_health_says_nothing_of_this_machine(here: Doors) -> None:
    create(here)
    text = here.oilmat("GET", "bennys-auto/alive").text
    assert "/" not in text
    assert "integrator" not in text
