"""The OilMat stand-in: pages of what was pumped, and statuses of which only a newer one changes anything."""

import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from integrator.standins.base import Running, serve
from integrator.standins.oilmat import TOKEN, OilMat

PATH = "/api/v1/dispenses"
W = "bennys-auto"


def dispense(number: int, **more: Any) -> dict[str, Any]:
    order = {"case_id": "560", "product_nr": "OL-0530", "product_amount": "5.5", "unique_id": f"{number:04}"}
    return {"workshop": W, **order, **more}


def at(second: int) -> str:
    return f"2027-03-01T08:00:{second:02}+00:00"


@pytest.fixture
def running() -> Iterator[Running]:
    with serve(OilMat()) as served:
        yield served


@pytest.fixture
def client(running: Running) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with httpx.Client(base_url=running.url, headers=headers, trust_env=False, timeout=300) as made:
        yield made


def seed(running: Running, **settings: Any) -> httpx.Response:
    return httpx.post(f"{running.control_url}/seed", json=settings, trust_env=False)


def offer(running: Running, *numbers: int, **settings: Any) -> None:
    seed(running, dispenses={W: [dispense(number) for number in numbers]}, **settings).raise_for_status()


def page(client: httpx.Client, **params: Any) -> Any:
    answer = client.get(PATH, params={"workshop": W, **params})
    assert answer.status_code == 200, answer.text
    return answer.json()


def ids(found: Any) -> list[str]:
    return [item["unique_id"] for item in found["items"]]


def tell(client: httpx.Client, unique_id: str, status: str, updated_at: str, **more: Any) -> httpx.Response:
    body = {"workshop": W, "status": status, "reason": "", "updated_at": updated_at, **more}
    return client.post(f"{PATH}/{unique_id}/status", json=body)


def statuses(running: Running) -> dict[str, str]:
    found = httpx.get(f"{running.control_url}/state", trust_env=False).json()["statuses"]
    return {one["unique_id"]: one["status"] for one in found}


# pages ------------------------------------------------------------------------------------------


def test_pages_are_followed_by_their_cursor_to_the_end_and_on_from_there(client: httpx.Client, running: Running):
    offer(running, *range(5))
    first = page(client, limit=2)
    second = page(client, limit=2, after=first["next"])
    third = page(client, limit=2, after=second["next"])
    assert [ids(found) for found in (first, second, third)] == [["0000", "0001"], ["0002", "0003"], ["0004"]]
    assert [found["more"] for found in (first, second, third)] == [True, True, False]
    assert page(client, after=third["next"]) == {"items": [], "next": third["next"], "more": False}
    offer(running, 5)
    assert ids(page(client, after=third["next"])) == ["0005"]


def test_a_workshop_sees_its_own_and_cursors_are_not_for_another_one(client: httpx.Client, running: Running):
    seed(running, dispenses={W: [dispense(1)], "nord": [dispense(2)]})
    assert ids(page(client, workshop="nord")) == ["0002"]
    assert page(client, workshop="syd")["items"] == []
    cursor = page(client, workshop="nord")["next"]
    for wrong in (cursor, "1", "æ", "*"):
        assert client.get(PATH, params={"workshop": W, "after": wrong}).status_code == 400


def test_items_come_as_they_were_given_whatever_they_are(client: httpx.Client, running: Running):
    items = [dispense(1, dealer="Bennys Auto", new={"a": [1]}), "text", None, [], 7]
    seed(running, dispenses={W: items})
    assert page(client)["items"] == items


def test_items_come_twice_again_and_out_of_order_when_wished(client: httpx.Client, running: Running):
    offer(running, 1, 2, 3, twice=True)
    assert ids(page(client)) == ["0001", "0001", "0002", "0002", "0003", "0003"]
    seed(running, twice=False, disorder=True)
    assert ids(page(client)) == ["0003", "0002", "0001"]
    seed(running, disorder=False, overlap=1)
    after = page(client, limit=2)["next"]
    assert ids(page(client, after=after)) == ["0002", "0003"]


def test_a_page_without_an_end_has_the_cursor_it_was_asked_with(client: httpx.Client, running: Running):
    offer(running, 1, endless=True)
    first = page(client)
    assert page(client, after=first["next"]) == first
    assert first["more"] is True


@pytest.mark.parametrize("params", [{}, {"workshop": ""}, {"workshop": W, "limit": "0"}, {"workshop": W, "limit": "x"}])
def test_a_question_that_cannot_be_answered_is_400(client: httpx.Client, params: dict[str, str]):
    assert client.get(PATH, params=params).status_code == 400


def test_a_page_is_never_larger_than_it_may_be(client: httpx.Client, running: Running):
    offer(running, 1, 2, 3, page_most=2)
    assert ids(page(client, limit=100)) == ["0001", "0002"]


# who asks ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", [None, "Bearer x", f"Basic {TOKEN}", TOKEN, "Bearer", f"Bearer {TOKEN}x"])
def test_without_the_token_it_is_401_for_both(running: Running, given: str | None):
    offer(running, 1)
    headers = {} if given is None else {"Authorization": given}
    with httpx.Client(base_url=running.url, headers=headers, trust_env=False) as client:
        assert client.get(PATH, params={"workshop": W}).status_code == 401
        assert tell(client, "0001", "received", at(1)).status_code == 401
    assert statuses(running) == {}


def test_a_token_of_other_workshops_is_403_for_both(client: httpx.Client, running: Running):
    offer(running, 1, workshops=["nord"])
    assert client.get(PATH, params={"workshop": W}).status_code == 403
    assert tell(client, "0001", "received", at(1)).status_code == 403
    assert page(client, workshop="nord")["items"] == []


def test_other_addresses_and_methods_are_told_apart(client: httpx.Client):
    assert client.get("/dispenses").text == "404 page not found\n"
    assert client.get("/api/v1/nothing").json()["error"] == "NO_SUCH_ROUTE"
    assert client.post(PATH).status_code == 405
    assert client.get(f"{PATH}/0001/status").status_code == 405


# statuses ---------------------------------------------------------------------------------------


def test_a_status_is_204_and_seen(client: httpx.Client, running: Running):
    offer(running, 1)
    answer = tell(client, "0001", "failed", at(2), reason="sag lukket")
    assert (answer.status_code, answer.content) == (204, b"")
    [told] = running.standin.state()["statuses"]
    assert told == {
        "workshop": W,
        "unique_id": "0001",
        "status": "failed",
        "reason": "sag lukket",
        "updated_at": at(2),
        "arrived": [{"status": "failed", "updated_at": at(2), "kept": True}],
    }
    assert running.standin.effects() == [{"kind": "status", "workshop": W, "unique_id": "0001", "status": "failed"}]


def test_a_repeated_or_older_one_is_204_and_changes_nothing(client: httpx.Client, running: Running):
    offer(running, 1)
    for status, second in (("processing", 2), ("completed", 3), ("processing", 2), ("received", 1), ("completed", 3)):
        assert tell(client, "0001", status, at(second)).status_code == 204
    assert statuses(running) == {"0001": "completed"}
    assert [one["kept"] for one in running.standin.state()["statuses"][0]["arrived"]] == [
        True,
        True,
        False,
        False,
        False,
    ]
    assert len(running.standin.effects()) == 2


def test_moments_are_compared_and_not_their_spelling(client: httpx.Client, running: Running):
    offer(running, 1)
    tell(client, "0001", "completed", "2027-03-01T08:00:00Z")
    tell(client, "0001", "processing", "2027-03-01T08:30:00+01:00")
    assert statuses(running) == {"0001": "completed"}
    tell(client, "0001", "received", "2027-03-01T09:00:00.000001+01:00")
    assert statuses(running) == {"0001": "received"}


@pytest.mark.parametrize("order", [["received", "processing", "completed"], ["completed", "received", "processing"]])
def test_within_one_moment_the_furthest_counts(client: httpx.Client, running: Running, order: list[str]):
    offer(running, 1)
    for status in order:
        tell(client, "0001", status, at(1))
    assert statuses(running) == {"0001": "completed"}


def test_the_same_id_at_another_workshop_is_another_dispense(client: httpx.Client, running: Running):
    seed(running, dispenses={W: [dispense(1)], "nord": [dispense(1)]})
    tell(client, "0001", "completed", at(1))
    tell(client, "0001", "failed", at(1), workshop="nord")
    found = {(one["workshop"], one["status"]) for one in running.standin.state()["statuses"]}
    assert found == {(W, "completed"), ("nord", "failed")}


def test_what_was_never_offered_is_404_unless_it_is_taken_all_the_same(client: httpx.Client, running: Running):
    offer(running, 1)
    for unique_id in ("1", "00010", "0002"):
        assert tell(client, unique_id, "received", at(1)).json()["error"] == "UNKNOWN_DISPENSE"
    seed(running, take_unknown=True)
    assert tell(client, "0002", "received", at(1)).status_code == 204


@pytest.mark.parametrize(
    "change",
    [
        {"status": "done"},
        {"status": None},
        {"updated_at": "2027-03-01T08:00:00"},
        {"updated_at": 1_800_000_000},
        {"updated_at": "yesterday"},
        {"workshop": None},
        {"reason": 7},
        {"password": "x"},
    ],
)
def test_a_status_it_does_not_understand_is_422(client: httpx.Client, running: Running, change: dict[str, Any]):
    offer(running, 1)
    body = {"workshop": W, "status": "received", "reason": "", "updated_at": at(1), **change}
    assert client.post(f"{PATH}/0001/status", json=body).status_code == 422
    assert statuses(running) == {}


def test_a_body_that_is_no_json_is_400(client: httpx.Client, running: Running):
    offer(running, 1)
    for body in (b"", b"{", b"\xff"):
        assert client.post(f"{PATH}/0001/status", content=body).status_code == 400


def test_updates_at_once_leave_the_newest(client: httpx.Client, running: Running):
    offer(running, 1)
    with ThreadPoolExecutor(8) as pool:
        codes = set(pool.map(lambda n: tell(client, "0001", "processing", at(n % 60)).status_code, range(120)))
    [told] = running.standin.state()["statuses"]
    assert (codes, told["updated_at"], len(told["arrived"])) == ({204}, at(59), 120)


# how it is served -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "changed"),
    [
        ({"kind": "status", "status": 503}, False),
        ({"kind": "status", "status": 500, "when": "after"}, True),
        ({"kind": "reset"}, True),
        ({"kind": "reset", "when": "before"}, False),
        ({"kind": "body", "what": "login", "when": "after"}, True),
    ],
)
def test_faults_of_the_framework_meet_the_statuses(
    client: httpx.Client, running: Running, fault: dict[str, Any], changed: bool
):
    offer(running, 1)
    rule = {"match": {"method": "POST"}, "times": 1, "fault": fault}
    httpx.post(f"{running.control_url}/faults", json=rule, trust_env=False).raise_for_status()
    try:
        code = tell(client, "0001", "completed", at(1)).status_code
    except httpx.TransportError:
        code = 0
    assert code != 204
    assert statuses(running) == ({"0001": "completed"} if changed else {})


def test_an_unknown_setting_is_refused_and_changes_nothing(running: Running):
    for wrong in ({"nope": 1}, {"dispenses": []}, {"dispenses": {W: {}}}, {"overlap": -1}):
        answer = seed(running, token="other", **wrong)
        assert (answer.status_code, "known: [" in answer.text) == (400, True)
    assert running.standin.book.settings.token == TOKEN
    assert running.standin.state() == {"dispenses": {}, "statuses": []}


def test_reset_forgets_everything(client: httpx.Client, running: Running):
    offer(running, 1, token="other")
    httpx.post(f"{running.control_url}/reset", trust_env=False).raise_for_status()
    assert page(client) == {"items": [], "next": page(client)["next"], "more": False}


def test_the_command_serves_it():
    command = [sys.executable, "-m", "integrator", "standin", "oilmat"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            ready = json.loads(process.stdout.readline())
            headers = {"Authorization": f"Bearer {TOKEN}"}
            answer = httpx.get(ready["url"] + PATH, params={"workshop": W}, headers=headers, trust_env=False)
            assert (ready["name"], answer.json()["items"]) == ("oilmat", [])
        finally:
            process.terminate()
