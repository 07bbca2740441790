"""What can be made to go wrong in the au2office stand-in, and what the ledger then holds: it never lies."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from .au2office_client import LOGIN, Desk, fields, flash, rows


@pytest.fixture
def outside() -> Iterator[Desk]:
    desk = Desk()
    yield desk
    desk.close()


@pytest.fixture
def desk(outside: Desk) -> Desk:
    outside.log_in()
    return outside


def _line(desk: Desk, case: str = "56") -> int:
    """The number of a new line."""
    desk.add("OL-1040", case)
    return int(desk.lines(case)[-1]["id"])


# Between the parties


@pytest.mark.parametrize(
    ("fault", "saves"),
    [
        ({"kind": "save_then_drop"}, 1),
        ({"kind": "save_then_cut"}, 1),
        ({"kind": "save_then_500"}, 1),
        ({"kind": "delay_save_ms", "ms": 10}, 1),
        ({"kind": "delay_ms", "ms": 10}, 1),
        ({"kind": "maintenance"}, 0),
        ({"kind": "twice"}, 2),
        ({"kind": "reset", "when": "before"}, 0),
    ],
)
def test_a_fault_on_the_way_leaves_as_many_saves_as_it_says(desk: Desk, fault: dict[str, Any], saves: int) -> None:
    token = desk.token()
    desk.stage(**fault)
    try:
        told = desk.client.post("/sag/56/linjer", data={"token": token, "varenr": "OL-1040"}).text
    except httpx.TransportError:
        told = ""
    assert len(desk.lines()) == len(desk.saves()) == saves
    assert ("Gemt" in told) == (fault["kind"] in {"delay_save_ms", "delay_ms", "twice"})


def test_a_fault_on_saves_leaves_reading_and_logins_alone(outside: Desk) -> None:
    outside.stage("save_then_500", times=None)
    outside.log_in()
    assert "Karl Åberg" in outside.get("/sag/56")
    assert outside.add("OL-1040").status_code == 500


def test_a_fault_of_one_case_leaves_the_others_alone(desk: Desk) -> None:
    desk.stage("save_then_500", case="560", times=None)
    desk.stage("maintenance", case="56", times=None)
    assert desk.client.get("/sag/5601/linjer").status_code == 200
    assert (desk.client.get("/sag/56").status_code, desk.client.get("/sag/560").status_code) == (503, 200)
    form = {"token": fields(desk.get("/sag/5601/linjer"))["token"], "varenr": "OL-1040"}
    assert desk.client.post("/sag/5601/linjer", data=form).status_code == 200
    assert desk.client.post("/sag/560/linjer", data=form).status_code == 500


def test_a_framework_fault_may_name_a_case_too(desk: Desk) -> None:
    desk.stage("status", case="560", status=502)
    assert (desk.client.get("/sag/56").status_code, desk.client.get("/sag/560").status_code) == (200, 502)


def test_a_fault_is_met_by_a_page_and_not_by_its_icon_that_a_browser_asks_for_by_itself(outside: Desk) -> None:
    for kind, more, status in (("status", {"status": 502}, 502), ("maintenance", {}, 503)):
        outside.stage(kind, **more)
        assert outside.client.get("/favicon.ico").status_code == 404
        assert outside.client.get("/").status_code == status


def test_maintenance_is_a_danish_page_on_both_origins(outside: Desk) -> None:
    outside.stage("maintenance", times=None)
    for url in ("/", outside.running.auth_url + LOGIN):
        answer = outside.client.get(url)
        assert (answer.status_code, answer.headers["content-type"]) == (503, "text/html; charset=utf-8")
        assert "Vi opdaterer systemet" in answer.text


@pytest.mark.parametrize(("method", "path", "saves"), [("POST", "/release", 1), ("DELETE", "/faults", 0)])
def test_a_hanging_save_happens_when_it_is_released_and_not_when_it_is_dropped(
    desk: Desk, method: str, path: str, saves: int
) -> None:
    form = {"token": desk.token(), "varenr": "OL-1040"}
    desk.stage("hang_save")
    with pytest.raises(httpx.ReadTimeout):
        desk.client.post("/sag/56/linjer", data=form, timeout=0.1)
    assert desk.running.faults.gate.await_held()
    desk.control(method, path)
    while desk.control("GET", "/held")["held"]:
        pass
    desk.running.stop()  # waits for what is still being carried out
    assert len(desk.office.effects()) == saves


def test_faults_are_listed_and_taken_away_together(desk: Desk) -> None:
    desk.stage("save_then_drop", case="56")
    desk.stage("js_confirm", case="56", text="Hvad?")
    listed = desk.control("GET", "/faults")
    assert [one["fault"] for one in listed] == [
        {"kind": "close", "when": "after"},
        {"kind": "js_confirm", "text": "Hvad?"},
    ]
    desk.control("DELETE", "/faults")
    assert desk.control("GET", "/faults") == []
    assert "Hvad?" not in desk.get("/sag/56/linjer")


@pytest.mark.parametrize(
    "rule",
    [
        {"fault": {"kind": "nope"}},
        {"fault": {"kind": "save_then_drop", "ms": 1}},
        {"fault": {"kind": "js_confirm", "ms": 1}},
        {"fault": {"kind": "js_confirm"}, "nope": 1},
        {"fault": "js_confirm"},
        {},
    ],
)
def test_a_fault_that_cannot_be_meant_is_refused_and_no_other_is_staged(desk: Desk, rule: dict[str, Any]) -> None:
    given = [{"fault": {"kind": "lock_case"}}, {"fault": {"kind": "maintenance"}}, rule]
    answer = httpx.post(desk.running.control_url + "/faults", json=given, trust_env=False)
    assert answer.status_code == 400
    assert desk.control("GET", "/faults") == []


# Logins and sessions


def test_a_login_may_ask_for_a_code(outside: Desk) -> None:
    outside.stage("two_factor", code="4711")
    page = outside.log_in()
    assert (page.url.path, "Indtast engangskode" in page.text) == ("/Account/TwoFactor", True)
    url = f"{outside.running.auth_url}/Account/TwoFactor"
    page = outside.client.post(url, data={**fields(page.text), "Code": "1"})
    assert "Forkert engangskode" in page.text
    assert outside.client.get("/portal").url.path == LOGIN
    assert outside.client.post(url, data={**fields(page.text), "Code": "4711"}).url.path == "/portal"


def test_a_password_may_have_run_out(outside: Desk) -> None:
    outside.stage("password_expired")
    page = outside.log_in()
    assert "Din adgangskode er udløbet" in page.text
    assert outside.client.post(str(page.url), data={"New": "x"}).url.path == "/Account/ChangePassword"
    assert outside.client.get("/portal").url.path == LOGIN
    assert outside.log_in().url.path == "/portal"


def test_a_notice_stands_before_everything_until_it_was_read(outside: Desk) -> None:
    outside.stage("news_dialog")
    page = outside.log_in()
    assert "Driftsinformation" in page.text
    assert '<button class="btn" type="submit">Fortsæt</button>' in page.text
    assert "Driftsinformation" in outside.get("/sag/liste")
    answer = outside.client.post("/driftsinformation", data=fields(page.text))
    assert (answer.url.path, "Velkommen" in answer.text) == ("/portal", True)


def test_a_session_ends_after_so_many_requests(desk: Desk) -> None:
    desk.stage("expire_after_requests", requests=3)
    assert [desk.client.get("/sag/56").url.path == LOGIN for _ in range(5)] == [False, False, False, True, True]
    desk.log_in()
    assert desk.client.get("/sag/56").url.path == "/sag/56"


def test_a_session_that_ends_on_the_save_saves_nothing(desk: Desk) -> None:
    token = desk.token()
    desk.stage("expire_after_requests", requests=0)
    answer = desk.client.post("/sag/56/linjer", data={"token": token, "varenr": "OL-1040"})
    assert (answer.url.path, answer.url.host, desk.saves()) == (LOGIN, "127.0.0.1", [])


def test_a_session_may_end_after_the_save_before_the_page_that_shows_it(desk: Desk) -> None:
    token = desk.token()
    desk.stage("expire_after_requests", requests=1)
    answer = desk.client.post("/sag/56/linjer", data={"token": token, "varenr": "OL-1040"})
    assert (answer.url.path, len(desk.saves())) == (LOGIN, 1)


def test_a_session_may_be_short(desk: Desk) -> None:
    desk.stage("session_ttl_s", seconds=5)
    desk.get("/portal")
    desk.go_on(6)
    assert desk.client.get("/portal").url.path == LOGIN


# Cases and lines


def test_a_colleague_opens_the_case(desk: Desk) -> None:
    desk.stage("lock_case", case="56", by="bent")
    assert "Låst af" not in desk.get("/sag/560/linjer")
    assert "Låst af bent" in desk.get("/sag/56/linjer")
    assert "Låst af bent" in desk.get("/sag/56/linjer")


def test_a_colleague_opens_the_case_just_before_the_save(desk: Desk) -> None:
    desk.stage("lock_case", case="56", when="save")
    assert "Låst af" not in desk.get("/sag/56/linjer")
    page = desk.add("OL-1040").text
    assert flash(page) == ("fejl", "Sagen er låst af en anden bruger")
    assert desk.saves() == []


@pytest.mark.parametrize(("status", "told"), [("lukket", "Sagen er lukket"), ("faktureret", "Sagen er faktureret")])
def test_a_case_closes_just_before_the_save(desk: Desk, status: str, told: str) -> None:
    desk.stage("close_case_before_save", case="56", status=status)
    page = desk.add("OL-1040").text
    assert flash(page) == ("fejl", told)
    assert 'name="varenr"' not in page
    assert desk.saves() == []


def test_a_case_may_close_between_the_two_steps(desk: Desk) -> None:
    line = _line(desk)
    desk.stage("close_case_before_save", case="56")
    assert flash(desk.put(line, navn="Ny").text) == ("fejl", "Sagen er lukket")
    assert desk.lines()[0]["name"] == "Motorolie 10W-40 delsyntetisk"


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_colleague_writes_the_same_line_at_the_same_moment(desk: Desk, when: str) -> None:
    desk.stage("extra_line_by_colleague", case="56", when=when)
    desk.add("OL-1040")
    users = [line["created_by"] for line in desk.lines()]
    assert users == (["mette", "oilmat"] if when == "before" else ["oilmat", "mette"])
    assert [save["user"] for save in desk.saves()] == users


def test_a_colleagues_line_may_be_another_one(desk: Desk) -> None:
    desk.stage("extra_line_by_colleague", product="FI-100", amount="2", name="Filter")
    desk.add("OL-1040")
    theirs = desk.lines()[0]
    assert (theirs["product"], theirs["name"], theirs["amount"]) == ("FI-100", "Filter", "2.00")


def test_a_colleague_may_be_the_only_one_whose_line_is_possible(desk: Desk) -> None:
    desk.stage("extra_line_by_colleague", product="OL-1040", when="before")
    assert flash(desk.add("NOPE").text) == ("fejl", "Varenummeret findes ikke")
    assert [save["user"] for save in desk.saves()] == ["mette"]


@pytest.mark.parametrize("field", ["navn", "antal"])
def test_the_second_step_may_fail_for_one_field(desk: Desk, field: str) -> None:
    line = _line(desk)
    desk.stage("cut_second_step", case="56", field=field, times=None)
    answers = {"navn": desk.put(line, navn="Ny").status_code, "antal": desk.put(line, antal="5,5").status_code}
    assert [name for name, status in answers.items() if status == 500] == [field]
    (held,) = desk.lines()
    assert (held["name"] == "Ny", held["amount"] == "5.50") == (field == "antal", field == "navn")


def test_a_line_may_have_no_name_that_can_be_changed(desk: Desk) -> None:
    desk.stage("no_marker_field", case="56", times=None)
    page = desk.client.get(f"/sag/56/linjer?ret={_line(desk)}").text
    assert ('name="navn"' in page, 'name="antal"' in page) == (False, True)
    desk.put(int(rows(page)[0]["id"]), navn="Ny")
    assert desk.lines()[0]["name"] == "Motorolie 10W-40 delsyntetisk"


def test_a_name_may_be_shorter_on_one_case(desk: Desk) -> None:
    line = _line(desk)
    desk.stage("name_limit", case="56", characters=8, times=None)
    assert 'maxlength="8"' in desk.put(line, navn="Olie -- OilMat: 1").text
    assert desk.lines()[0]["name"] == "Olie --"


def test_a_dialog_nobody_knows_lies_over_the_lines(desk: Desk) -> None:
    desk.stage("unknown_modal", case="56", title="Service", text="Book <service>?")
    page = desk.get("/sag/56/linjer")
    assert 'role="dialog" data-modal aria-modal="true" aria-label="Service"' in page
    assert "<p>Book &lt;service&gt;?</p>" in page
    assert 'role="dialog"' not in desk.get("/sag/56/linjer")


def test_the_forms_may_ask_before_they_post(desk: Desk) -> None:
    desk.stage("js_confirm", case="56", text='Er "du" sikker?')
    assert 'data-sporg="Er &quot;du&quot; sikker?"' in desk.get("/sag/56/linjer")
    assert "data-sporg" not in desk.get("/sag/56/linjer")


def test_a_product_that_is_there_already_is_asked_about_and_saved_on_yes(desk: Desk) -> None:
    desk.stage("duplicate_question", times=None)
    assert flash(desk.add("OL-1040").text) == ("besked", "Gemt")
    page = desk.add("OL-1040").text
    assert re.search(r'data-igen="[^"]*Findes allerede, tilføj igen\?"', page)
    assert len(desk.lines()) == 1
    desk.client.post("/sag/56/linjer", data=fields(page))
    assert len(desk.lines()) == len(desk.saves()) == 2


def test_a_new_layout_has_no_old_handle_and_works_all_the_same(desk: Desk) -> None:
    desk.stage("rename_ids", times=None)
    page = desk.get("/sag/560/linjer")
    for handle in ('id="linjer"', 'name="varenr"', 'data-linje-id="8', 'data-kol="navn"', 'class="btn"'):
        assert handle not in page
    assert "Tilføj" in page
    assert 'id="v2-indhold"' in desk.get("/kundestyring")
    assert 'target="v2-indhold"' in desk.get("/menu")
    form = dict(re.findall(r'name="([^"]+)" (?:aria-label="\w+" )?value="([^"]*)"', page))
    desk.client.post("/sag/560/linjer", data={**form, "v2-varenr": "OL-1040"})
    assert [line["product"] for line in desk.lines("560")] == ["FI-100", "OL-1040"]
    assert desk.get("/sag/liste?v2-sagsnr=5601").count("<tr") == 2


def test_a_new_layout_may_have_other_words_and_a_login_that_works(outside: Desk) -> None:
    outside.stage("rename_ids", words=True, times=None)
    page = outside.get("/")
    assert ('id="v2-inputEmail"' in page, 'inputEmail"' in page.replace("v2-inputEmail", "")) == (True, False)
    login = {"v2-Email": "oilmat@example.org", "v2-Password": "demo-workshop"}
    answer = outside.client.post(outside.running.auth_url + LOGIN, data={**fields(page), **login})
    assert answer.url.path == "/portal"
    assert "Åben kundestyring" not in answer.text
    page = outside.get("/sag/56/linjer")
    for word in ("Varelinjer", "Tilføj", "Varenummer<"):
        assert word not in page
