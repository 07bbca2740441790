"""The JSON API of the AD Manager stand-in, and its faults, with plain HTTP."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from integrator.standins import admanager
from integrator.standins.admanager import AdManager
from integrator.standins.workshop.standin import WorkshopRunning, serve

EMAIL, PASSWORD = "oilmat@example.org", "demo-workshop"
LINES = "/api/worksheets/560/lines"
LINE = {"product": "OL-0530", "name": "Motorolie 5W-30 -- OilMat:0001", "amount": "5,50"}
AT_ONCE = {"table_ms": 0, "lines_ms": 0, "options_ms": 0, "lookup_ms": 0}


class Clock:
    """A clock that stands until a test moves it."""

    def __init__(self) -> None:
        self.now = datetime(2027, 3, 1, 8, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def go_on(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def running(clock: Clock) -> Iterator[WorkshopRunning]:
    served = serve(AdManager(clock))
    with served:
        served.standin.seed(AT_ONCE)
        yield served


@pytest.fixture
def outside(running: WorkshopRunning) -> Iterator[httpx.Client]:
    """Nobody is logged in."""
    with httpx.Client(base_url=running.url, trust_env=False, timeout=300) as made:
        yield made


@pytest.fixture
def client(outside: httpx.Client) -> httpx.Client:
    assert _login(outside).status_code == 200
    return outside


def _login(client: httpx.Client, password: str = PASSWORD, email: str = EMAIL) -> httpx.Response:
    return client.post("/api/login", json={"email": email, "password": password})


def _stage(running: WorkshopRunning, kind: str, *, case: str | None = None, times: int | None = 1, **how: Any) -> None:
    rule = {"fault": {"kind": kind, **how}, "times": times} | ({"case": case} if case else {})
    httpx.post(f"{running.control_url}/faults", json=rule, trust_env=False).raise_for_status()


def _saves(running: WorkshopRunning) -> list[tuple[str, str, str, str]]:
    effects = running.standin.effects()
    return [(one["case"], one["product"], one["amount"], one["user"]) for one in effects]


OURS = ("560", "OL-0530", "5.50", EMAIL)


# Login and session


@pytest.mark.parametrize("path", ["/api/me", "/api/worksheets", "/api/worksheets/560", LINES, "/api/products"])
def test_without_a_session_everything_is_a_401(outside: httpx.Client, path: str) -> None:
    assert outside.get(path).status_code == 401


def test_a_wrong_password_is_told_and_the_fifth_locks_the_account(
    outside: httpx.Client, running: WorkshopRunning
) -> None:
    answers = [_login(outside, "forkert") for _ in range(5)]
    locked = _login(outside)

    assert [answer.status_code for answer in answers] == [401] * 5
    assert answers[0].json()["message"] == "Forkert e-mail eller adgangskode"
    assert (locked.status_code, locked.json()["message"]) == (423, "Kontoen er spærret")
    assert [one["ok"] for one in running.standin.state()["logins"]] == [False] * 5


def test_a_right_password_between_wrong_ones_starts_the_count_again(outside: httpx.Client) -> None:
    for password in [*["forkert"] * 4, PASSWORD, *["forkert"] * 4]:
        _login(outside, password)
    assert _login(outside).status_code == 200


def test_with_two_factors_the_session_waits_for_its_code(outside: httpx.Client, running: WorkshopRunning) -> None:
    _stage(running, "two_factor", code="246810")
    assert _login(outside).json() == {"code": True}
    assert outside.get("/api/me").status_code == 401
    wrong = outside.post("/api/login/code", json={"code": "1"})
    assert (wrong.status_code, wrong.json()["message"]) == (401, "Forkert engangskode")
    assert outside.post("/api/login/code", json={"code": "246810"}).status_code == 200
    assert outside.get("/api/me").json()["name"] == EMAIL


def test_a_session_slides_and_ends_when_idle(client: httpx.Client, running: WorkshopRunning, clock: Clock) -> None:
    _stage(running, "session_ttl_s", seconds=60)
    for _ in range(3):
        clock.go_on(59)
        assert client.get("/api/me").status_code == 200
    clock.go_on(61)
    assert client.get("/api/me").status_code == 401


@pytest.mark.parametrize("requests", [0, 2])
def test_a_session_ends_after_so_many_requests(client: httpx.Client, running: WorkshopRunning, requests: int) -> None:
    _stage(running, "expire_after_requests", requests=requests)
    assert [client.get("/api/me").status_code for _ in range(requests + 1)] == [200] * requests + [401]
    _login(client)
    assert client.get("/api/me").status_code == 200


def test_logging_out_ends_the_session(client: httpx.Client) -> None:
    client.post("/api/logout", json={})
    assert client.get("/api/me").status_code == 401


# Reading


def test_the_list_is_newest_first_and_filtered_by_number_customer_and_plate(client: httpx.Client) -> None:
    def found(search: str) -> list[str]:
        return [row["number"] for row in client.get("/api/worksheets", params={"search": search}).json()["rows"]]

    assert found("560") == ["5601", "560"]
    assert found("jytte") == found("cd 67") == ["560"]
    assert found("99999") == []
    assert found("")[:2] == ["37123", "37122"]


def test_two_thousand_cases_are_given_in_parts(client: httpx.Client, running: WorkshopRunning) -> None:
    running.standin.seed({"cases": [{"number": str(n)} for n in range(10_000, 12_000)]})
    part = client.get("/api/worksheets", params={"offset": 1990, "limit": 50}).json()
    assert (part["total"], [row["number"] for row in part["rows"]][-1], len(part["rows"])) == (2000, "10000", 10)


def test_two_cases_of_one_number_are_two_worksheets(client: httpx.Client, running: WorkshopRunning) -> None:
    running.standin.seed({"add_cases": [{"number": "560", "customer": "En anden"}]})
    rows = client.get("/api/worksheets", params={"search": "560"}).json()["rows"]
    same = [row["id"] for row in rows if row["number"] == "560"]

    assert len(same) == 2
    assert {client.get(f"/api/worksheets/{key}").json()["customer"] for key in same} == {"Jytte Sørensen", "En anden"}


def test_lines_are_newest_first_and_danish(client: httpx.Client) -> None:
    client.post(LINES, json={**LINE, "amount": "1.234,5"})
    first, second = client.get(LINES).json()["rows"]
    assert (first["amount"], first["price"], second["product"]) == ("1.234,50", "98,50", "FI-100")
    assert first["created"] == f"1.3.2027 09:00 {EMAIL}"


def test_the_first_option_need_not_be_the_exact_one(client: httpx.Client) -> None:
    def numbers(search: str) -> list[str]:
        options = client.get("/api/products", params={"search": search}).json()["options"]
        return [option["number"] for option in options]

    assert numbers("OL-0530") == ["OL-0530-C3", "OL-0530"]
    assert numbers("0007") == ["0007", "00071"]
    assert numbers("ukendt") == numbers(" ") == []


@pytest.mark.parametrize("number", ["0007", "KØL-12"])
def test_the_wrong_option_can_be_made_to_come_first(
    client: httpx.Client, running: WorkshopRunning, number: str
) -> None:
    _stage(running, "highlight_wrong_option")
    options = client.get("/api/products", params={"search": number}).json()["options"]
    assert (options[0]["number"] != number, options[-1]["number"]) == (True, number)


def test_never_more_than_twenty_options(client: httpx.Client, running: WorkshopRunning) -> None:
    running.standin.seed({"products": [{"number": f"OL-{n:03}", "name": f"Olie {n:03}"} for n in range(50)]})
    assert len(client.get("/api/products", params={"search": "OL-"}).json()["options"]) == 20


def test_a_discontinued_product_is_an_option_that_cannot_be_looked_up(client: httpx.Client) -> None:
    (option,) = client.get("/api/products", params={"search": "OL-1540"}).json()["options"]
    answer = client.get("/api/products/OL-1540")
    assert (option["blocked"], option["note"]) == (True, "Udgået")
    assert (answer.status_code, answer.json()["message"]) == (422, "Varen er udgået")


def test_a_product_that_is_not_in_stock_is_told_and_can_be_taken(client: httpx.Client) -> None:
    (option,) = client.get("/api/products", params={"search": "BR-DOT4"}).json()["options"]
    assert (option["blocked"], option["note"]) == (False, "⚠ Ikke på lager")
    assert client.post(LINES, json={**LINE, "product": "BR-DOT4"}).status_code == 201


# Saving


def test_a_save_is_one_line_with_all_it_was_given(client: httpx.Client, running: WorkshopRunning) -> None:
    answer = client.post(LINES, json=LINE)
    line = answer.json()["line"]

    assert (answer.status_code, answer.json()["toast"]) == (201, "Linje tilføjet")
    assert (line["product"], line["name"], line["amount"]) == tuple(LINE.values())
    assert client.get(LINES).json()["rows"][0] == line
    assert _saves(running) == [OURS]


def test_the_same_line_is_written_as_often_as_it_is_sent(client: httpx.Client, running: WorkshopRunning) -> None:
    with ThreadPoolExecutor(4) as pool:
        ids = set(pool.map(lambda _: client.post(LINES, json=LINE).json()["line"]["id"], range(12)))
    assert len(ids) == len(_saves(running)) == 12


@pytest.mark.parametrize(("typed", "stored"), [("5.5", "55,00"), ("5,5", "5,50"), ("1.234,5", "1.234,50")])
def test_a_dot_in_an_amount_is_a_thousands_mark(client: httpx.Client, typed: str, stored: str) -> None:
    assert client.post(LINES, json={**LINE, "amount": typed}).json()["line"]["amount"] == stored


def test_a_name_is_cut_from_the_right(client: httpx.Client) -> None:
    name = client.post(LINES, json={**LINE, "name": "x" * 55 + " -- OilMat:0001"}).json()["line"]["name"]
    assert name == "x" * 55 + " -- O"


@pytest.mark.parametrize(
    ("case", "change", "status", "message"),
    [
        ("561", {}, 422, "Arbejdskortet er lukket"),
        ("562", {}, 422, "Arbejdskortet er faktureret"),
        ("563", {}, 409, "Arbejdskortet er ændret af en anden"),
        ("99999", {}, 404, "Arbejdskortet findes ikke"),
        ("560", {"product": "OL-9"}, 422, "Varenummeret findes ikke"),
        ("560", {"product": "OL-1540"}, 422, "Varen er udgået"),
        ("560", {"amount": "fem"}, 422, "Ugyldigt antal"),
        ("560", {"amount": "0"}, 422, "Ugyldigt antal"),
        ("560", {"amount": 5.5}, 400, "product, name og amount er tekst"),
    ],
)
def test_what_is_refused_has_no_effect(
    client: httpx.Client, running: WorkshopRunning, case: str, change: dict[str, Any], status: int, message: str
) -> None:
    answer = client.post(f"/api/worksheets/{case}/lines", json={**LINE, **change})
    assert (answer.status_code, answer.json()["message"]) == (status, message)
    assert _saves(running) == []


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"\xff"])
def test_a_body_nobody_understands_is_a_400(client: httpx.Client, running: WorkshopRunning, body: bytes) -> None:
    assert client.post(LINES, content=body).status_code == 400
    assert _saves(running) == []


# Faults


@pytest.mark.parametrize(
    ("kind", "status", "saves"),
    [
        ("save_then_drop", None, 1),
        ("save_then_500", 500, 1),
        ("maintenance", 503, 0),
        ("refuse_after_optimistic", 422, 0),
        ("lock_case", 409, 0),
        ("close_case_before_save", 422, 0),
        ("unknown_modal", 428, 0),
        ("lost_toast", 201, 1),
        ("stale_toast", 201, 1),
    ],
)
def test_a_fault_on_saving_leaves_so_many_lines_and_meets_only_its_case(
    client: httpx.Client, running: WorkshopRunning, kind: str, status: int | None, saves: int
) -> None:
    _stage(running, kind, case="560")
    assert client.post("/api/worksheets/56/lines", json=LINE).status_code == 201
    try:
        answered: int | None = client.post(LINES, json=LINE).status_code
    except httpx.RemoteProtocolError:
        answered = None

    assert (answered, len([save for save in _saves(running) if save == OURS])) == (status, saves)
    assert len(client.get(LINES).json()["rows"]) == 1 + saves


def test_a_fault_meets_as_often_as_it_was_staged(client: httpx.Client, running: WorkshopRunning) -> None:
    _stage(running, "refuse_after_optimistic", times=2)
    assert [client.post(LINES, json=LINE).status_code for _ in range(3)] == [422, 422, 201]


def test_a_closed_case_stays_closed(client: httpx.Client, running: WorkshopRunning) -> None:
    _stage(running, "close_case_before_save", status="faktureret")
    client.post(LINES, json=LINE)
    sheet = client.get("/api/worksheets/560").json()
    assert (sheet["status"], sheet["entry"]["open"]) == ("faktureret", False)


def test_a_save_that_hangs_is_carried_out_when_it_is_released(client: httpx.Client, running: WorkshopRunning) -> None:
    _stage(running, "hang_save")
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(client.post, LINES, json=LINE)
        assert running.faults.gate.await_held()
        assert _saves(running) == []
        running.faults.gate.release()
        assert waiting.result().status_code == 201
    assert _saves(running) == [OURS]


@pytest.mark.parametrize(("when", "newest"), [("before", EMAIL), ("after", "mette")])
def test_a_colleague_writes_the_same_line_beside_ours(
    client: httpx.Client, running: WorkshopRunning, when: str, newest: str
) -> None:
    _stage(running, "extra_line_by_colleague", when=when)
    client.post(LINES, json=LINE)
    rows = client.get(LINES).json()["rows"]

    assert sorted(save[3] for save in _saves(running)) == ["mette", EMAIL]
    assert [row["amount"] for row in rows[:2]] == ["5,50", "5,50"]
    assert rows[0]["created"].endswith(newest)


def test_a_question_is_asked_before_the_save_and_only_yes_saves(client: httpx.Client, running: WorkshopRunning) -> None:
    _stage(running, "duplicate_question", times=None)
    assert client.post(LINES, json=LINE).status_code == 201
    asked = client.post(LINES, json=LINE)
    assert (asked.status_code, asked.json()["ask"]["title"]) == (428, "Findes allerede")
    assert _saves(running) == [OURS]
    assert client.post(LINES, json={**LINE, "confirmed": True}).status_code == 201


def test_the_name_can_be_short_or_not_editable(client: httpx.Client, running: WorkshopRunning) -> None:
    _stage(running, "name_limit", characters=10, case="560")
    _stage(running, "no_marker_field", case="56")
    short, fixed = client.get("/api/worksheets/560").json(), client.get("/api/worksheets/56").json()

    assert (short["entry"]["name_limit"], fixed["entry"]["name_editable"]) == (10, False)
    assert client.post(LINES, json=LINE).json()["line"]["name"] == "Motorolie"
    saved = client.post("/api/worksheets/56/lines", json=LINE).json()["line"]["name"]
    assert saved == "Motorolie 5W-30 Longlife"


def test_dialogs_news_and_another_layout_are_told_to_the_page(client: httpx.Client, running: WorkshopRunning) -> None:
    for kind in ("news_dialog", "rename_ids", "unknown_modal", "js_confirm", "stale_toast"):
        _stage(running, kind)
    sheet = client.get("/api/worksheets/560").json()

    assert client.get("/api/me").json()["news"]["title"] == "Nyheder"
    assert [client.get("/api/setup").json()["renamed"] for _ in range(2)] == ["attributes", ""]
    assert ([notice["kind"] for notice in sheet["notices"]], sheet["stale_toast"]) == (["modal", "confirm"], True)


def test_every_fault_is_documented_and_an_unknown_one_refused(running: WorkshopRunning) -> None:
    documented = set(re.findall(r"^\| ([a-z_, ]+) \|", admanager.__doc__ or "", re.MULTILINE))
    names = {name for cell in documented for name in cell.split(", ")}
    assert set(AdManager.kinds) <= names
    for rule in ({"fault": {"kind": "nope"}}, {"fault": {"kind": "lock_case", "nope": 1}}):
        assert httpx.post(f"{running.control_url}/faults", json=rule, trust_env=False).status_code == 400


# Staging, and the page's files


def test_seed_refuses_what_it_does_not_know_and_changes_nothing(running: WorkshopRunning) -> None:
    for wrong in ({"nope": 1}, {"table_ms": -1}, {"workshop": "Nyt", "cases": 3}):
        assert httpx.post(f"{running.control_url}/seed", json=wrong, trust_env=False).status_code == 400
    assert running.standin.state()["cases"][1]["number"] == "560"


def test_a_reset_ends_sessions_lines_and_faults(client: httpx.Client, running: WorkshopRunning) -> None:
    client.post(LINES, json=LINE)
    _stage(running, "lock_case", times=None)
    httpx.post(f"{running.control_url}/reset", trust_env=False).raise_for_status()

    assert client.get("/api/me").status_code == 401
    _login(client)
    assert [row["product"] for row in client.get(LINES).json()["rows"]] == ["FI-100"]
    assert client.post(LINES, json=LINE).status_code == 201


@pytest.mark.parametrize("path", ["/", "/login", "/worksheet", "/worksheet/560", "/opgaver/560"])
def test_every_page_is_the_same_shell(outside: httpx.Client, path: str) -> None:
    answer = outside.get(path)
    assert (answer.status_code, "<app-root" in answer.text) == (200, True)


@pytest.mark.parametrize("path", ["/assets/nope.js", "/assets/../__init__.py", "/assets/%2e%2e/api.py", "/favicon.ico"])
def test_nothing_else_is_served(outside: httpx.Client, path: str) -> None:
    assert outside.get(path).status_code == 404


def test_the_page_loads_nothing_from_outside(outside: httpx.Client) -> None:
    files = sorted((Path(admanager.__file__).parent / "static").iterdir())
    assert {"index.html", "app.js", "app.css"} <= {file.name for file in files}
    for file in files:
        assert not re.search(r"https?://|@import", file.read_text("utf-8")), file.name
    assert "default-src 'none'" in outside.get("/").headers["Content-Security-Policy"]


def test_connections_end_with_each_answer_unless_they_are_to_be_kept(
    client: httpx.Client, running: WorkshopRunning
) -> None:
    assert client.get("/api/me").headers["Connection"] == client.get("/").headers["Connection"] == "close"
    running.standin.seed({"keep_alive": True})
    assert client.get("/api/me").headers["Connection"] == "keep-alive"
