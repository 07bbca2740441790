"""The au2office stand-in: logins on their own origin, cases, and lines that are written in two steps."""

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest

from integrator.errors import UsageError
from integrator.standins.au2office import Au2Office
from integrator.standins.au2office.serving import serve

from .au2office_client import EMAIL, LOGIN, PASSWORD, Desk, fields, flash, rows


@pytest.fixture
def outside() -> Iterator[Desk]:
    desk = Desk()
    yield desk
    desk.close()


@pytest.fixture
def desk(outside: Desk) -> Desk:
    outside.log_in()
    return outside


# The login


def test_whoever_is_not_logged_in_is_sent_to_the_other_origin(outside: Desk) -> None:
    answer = outside.client.get("/sag/560/linjer?side=2")
    assert str(answer.url) == f"{outside.running.auth_url}{LOGIN}?ReturnUrl=%2Fsag%2F560%2Flinjer%3Fside%3D2"
    for handle in ('id="inputEmail"', 'id="inputPassword"', "__RequestVerificationToken", 'class="btn"', "Log ind"):
        assert handle in answer.text
    assert outside.running.auth_url != outside.running.url


def test_a_right_login_comes_back_to_where_it_was_asked_for(outside: Desk) -> None:
    assert outside.log_in().url.path == "/portal"
    outside.client.get("/logud")
    assert outside.log_in(page="/sag/560/linjer?side=1").url.raw_path == b"/sag/560/linjer?side=1"


def test_the_cookies_are_not_for_scripts_and_not_for_other_sites(outside: Desk) -> None:
    outside.log_in()
    set_cookies = {
        cookie.name: (cookie.path, cookie.has_nonstandard_attr("HttpOnly"), cookie.get_nonstandard_attr("SameSite"))
        for cookie in outside.client.cookies.jar
    }
    assert set_cookies == {
        "au2-session": ("/", True, "Lax"),
        "au2-antiforgery": ("/Account", True, "Strict"),
    }


def test_a_wrong_password_shows_the_form_again(outside: Desk) -> None:
    answer = outside.log_in(password="x")
    assert (answer.status_code, answer.url.path) == (200, LOGIN)
    assert '<div class="validation-summary-errors"><ul><li>Forkert brugernavn eller adgangskode' in answer.text
    assert outside.client.get("/portal").url.path == LOGIN


def test_the_fifth_wrong_password_in_a_row_bars_the_account(outside: Desk) -> None:
    told = [re.findall("<li>([^<.]*)", outside.log_in(password="x").text)[0] for _ in range(5)]
    assert told == ["Forkert brugernavn eller adgangskode"] * 4 + ["Kontoen er spærret"]
    assert "Kontoen er spærret" in outside.log_in().text
    assert [one["ok"] for one in outside.control("GET", "/state")["logins"]] == [False] * 6


def test_a_right_password_in_between_starts_the_count_anew(outside: Desk) -> None:
    for password in ("x", "x", "x", "x", PASSWORD):
        outside.log_in(password=password)
    outside.client.get("/logud")
    assert "Forkert brugernavn" in outside.log_in(password="x").text


def test_a_login_form_is_good_once_and_for_ten_minutes(outside: Desk) -> None:
    url, login = outside.running.auth_url + LOGIN, {"Email": EMAIL, "Password": PASSWORD}
    form = fields(outside.get("/"))
    outside.go_on(601)
    assert "Formularen er udløbet" in outside.client.post(url, data={**form, **login}).text
    form = fields(outside.get("/"))
    outside.go_on(599)
    assert outside.client.post(url, data={**form, **login}).url.path == "/portal"
    outside.client.get("/logud")
    assert "Formularen er udløbet" in outside.client.post(url, data={**form, **login}).text
    assert "Formularen er udløbet" in outside.client.post(url, data=login).text
    assert len(outside.control("GET", "/state")["logins"]) == 1


def test_a_form_without_its_cookie_is_refused(outside: Desk) -> None:
    form = fields(outside.get("/"))
    login = {**form, "Email": EMAIL, "Password": PASSWORD}
    assert "Formularen er udløbet" in httpx.post(outside.running.auth_url + LOGIN, data=login, trust_env=False).text


@pytest.mark.parametrize("back", ["https://elsewhere.example.org/", "//elsewhere.example.org", "/\\elsewhere", ""])
def test_the_login_leads_nowhere_else(outside: Desk, back: str) -> None:
    form = {**fields(outside.get("/")), "ReturnUrl": back, "Email": EMAIL, "Password": PASSWORD}
    answer = outside.client.post(outside.running.auth_url + LOGIN, data=form)
    assert str(answer.url) == f"{outside.running.url}/portal"


def test_a_ticket_of_the_login_is_good_once(outside: Desk) -> None:
    answer = outside.log_in()
    signin = next(str(past.url) for past in answer.history if past.url.path == "/signin")
    assert httpx.get(signin, follow_redirects=True, trust_env=False).url.path == LOGIN
    assert httpx.get(signin.replace("ticket=", "ticket=x"), trust_env=False).status_code == 302


def test_a_session_lives_as_long_as_it_is_used(outside: Desk) -> None:
    outside.seed(session_ttl_s=100)
    outside.log_in()
    for _ in range(3):
        outside.go_on(90)
        assert outside.client.get("/sag/56").url.path == "/sag/56"
    outside.go_on(101)
    assert outside.client.get("/sag/56").url.path == LOGIN


def test_each_origin_serves_its_own_pages_only(desk: Desk) -> None:
    assert desk.client.get(desk.running.auth_url + "/portal").status_code == 404
    assert desk.client.get(LOGIN).status_code == 404
    assert desk.client.get(desk.running.auth_url + "/").url.path == LOGIN


# Portal and frames


def test_the_portal_opens_the_cases_in_a_new_window_with_two_frames(desk: Desk) -> None:
    assert '<a href="/kundestyring" target="_blank">Åben kundestyring</a>' in desk.get("/portal")
    page = desk.client.get("/kundestyring")
    assert '<iframe id="menu" name="menu" src="/menu"' in page.text
    assert '<iframe id="indhold" name="indhold" src="/sag/liste"' in page.text
    assert f"frame-src 'self' {desk.running.auth_url}" in page.headers["Content-Security-Policy"]
    assert '<a href="/sag/liste" target="indhold">Sager</a>' in desk.get("/menu")


@pytest.mark.parametrize("path", ["/portal/lager", "/kunder", "/biler", "/hjaelp", "/driftsinformation", "/x", "/sag"])
def test_side_rooms_are_pages_and_what_is_not_there_is_a_404(desk: Desk, path: str) -> None:
    is_room = path not in {"/driftsinformation", "/x", "/sag"}
    assert desk.client.get(path).status_code == (200 if is_room else 404)


def test_nothing_comes_from_outside(desk: Desk) -> None:
    for path in ("/portal", "/kundestyring", "/sag/liste", "/sag/560/linjer", "/css/au2.css", "/js/au2.js"):
        assert re.findall(r"(?:https?:)?//[\w.]+\.\w+", desk.get(path)) == []


# Cases


def test_a_search_finds_parts_of_numbers_and_its_links_end_in_a_blank(desk: Desk) -> None:
    page = desk.get("/sag/liste?sagsnr=56")
    assert re.findall(r"<b>(#[^<]*)</b>", page) == ["#56 ", "#560 ", "#561 ", "#562 ", "#563 ", "#5601 ", "#37056 "]
    assert "Ingen sager fundet" in desk.get("/sag/liste?sagsnr=999")


def test_the_list_has_twenty_to_a_page(desk: Desk) -> None:
    first, second = desk.get("/sag/liste?sagsnr=37"), desk.get("/sag/liste?sagsnr=37&side=2")
    assert (first.count('<tr class="sag">'), second.count('<tr class="sag">')) == (20, 5)
    assert '<a href="/sag/liste?sagsnr=37&amp;side=2">Næste side</a>' in first
    assert "Næste side" not in second
    assert "Forrige side" in second
    assert "21-25 af 25" in second


def test_two_cases_with_one_number_are_two_rows(desk: Desk) -> None:
    desk.seed(add_cases=[{"number": "560", "customer": "En anden"}])
    assert desk.get("/sag/liste?sagsnr=560").count("<b>#560 </b>") == 2
    assert "En anden" in desk.get("/sag/560~2")


@pytest.mark.parametrize(("case", "badge"), [("560", "Åben"), ("561", "Lukket"), ("562", "Faktureret")])
def test_a_case_shows_its_status(desk: Desk, case: str, badge: str) -> None:
    page = desk.get(f"/sag/{case}/linjer")
    assert re.search(r'<span class="status \w+">(\w+)</span>', page)[1] == badge
    assert ('name="varenr"' in page) == ("Ret</a>" in page or case == "560") == (badge == "Åben")


def test_a_case_a_colleague_has_open_says_so_and_takes_nothing(desk: Desk) -> None:
    page = desk.get("/sag/563/linjer")
    assert '<div class="laast">Låst af mette</div>' in page
    assert 'name="varenr"' not in page
    assert flash(desk.add("OL-1040", "563").text) == ("fejl", "Sagen er låst af en anden bruger")
    assert desk.saves() == []


def test_the_tabs_of_a_case(desk: Desk) -> None:
    desk.add("OL-1040")
    assert "Karl Åberg" in desk.get("/sag/56")
    assert "Ingen timer" in desk.get("/sag/56/arbejde")
    assert "<td>28-02-2027 07:00</td><td>oilmat</td>" in desk.get("/sag/56/historik")
    assert "Ingen hændelser" in desk.get("/sag/5601/historik")


# Step one


def test_a_product_number_makes_a_line_at_once_with_the_default_amount(desk: Desk) -> None:
    page = desk.add("OL-1040")
    (row,) = rows(page.text)
    assert {name: row[name] for name in ("varenr", "navn", "enhed", "gruppe", "antal", "pris", "bruger")} == {
        "varenr": "OL-1040",
        "navn": "Motorolie 10W-40 delsyntetisk",
        "enhed": "ltr.",
        "gruppe": "Olie",
        "antal": "1,00",
        "pris": "61,25",
        "bruger": "oilmat",
    }
    assert flash(page.text) == ("besked", "Gemt")
    (save,) = desk.saves()
    assert (save["kind"], save["case"], str(save["line"]), save["at"]) == (
        "new",
        "56",
        row["id"],
        "2027-02-28T06:00:03+00:00",
    )


def test_the_same_number_again_is_one_more_line(desk: Desk) -> None:
    for _ in range(2):
        page = desk.add("OL-1040")
    assert len({row["id"] for row in rows(page.text)}) == len(desk.saves()) == 2


@pytest.mark.parametrize(
    ("number", "told"),
    [("NOPE", "Varenummeret findes ikke"), ("", "Varenummeret findes ikke"), ("OL-1540", "Varen er udgået")],
)
def test_a_number_that_cannot_be_is_told_in_red(desk: Desk, number: str, told: str) -> None:
    assert flash(desk.add(number).text) == ("fejl", told)
    assert desk.saves() == []


def test_several_hits_open_a_dialog_even_if_one_of_them_is_exact(desk: Desk) -> None:
    page = desk.add("0007").text
    dialog = page[page.index('role="dialog"') :]
    assert 'aria-label="Søg vare"' in dialog
    assert re.findall(r'<td data-kol="varenr">(\w+)</td>', dialog) == ["0007", "00071"]
    assert re.findall(r'<td data-kol="lager">([^<]*)</td>', dialog) == ["60,00", "20,00"]
    assert desk.saves() == []
    desk.client.post("/sag/56/linjer", data={"token": desk.token(), "valgt": "0007"})
    assert [line["product"] for line in desk.lines()] == ["0007"]


def test_a_single_hit_that_is_not_exact_is_asked_for_too(desk: Desk) -> None:
    assert "Søg vare" in desk.add("FI").text
    assert desk.saves() == []


def test_a_product_that_is_not_in_stock_is_a_warning_and_a_line(desk: Desk) -> None:
    assert flash(desk.add("BR-DOT4").text) == ("advarsel", "Bemærk: ikke på lager")
    assert len(desk.lines()) == 1


def test_after_a_save_the_page_with_the_new_line_is_shown(desk: Desk) -> None:
    desk.seed(add_cases=[{"number": "1", "lines": [{"product": "OL-0530"}] * 45}])
    page = desk.add("FI-100", "1")
    assert (page.url.query, rows(page.text)[0]["varenr"]) == (b"side=1", "FI-100")
    page = desk.add("KØL-12", "1")
    assert (page.url.query, rows(page.text)[-1]["varenr"]) == (b"side=3", "KØL-12")


# Step two


def test_each_field_is_saved_by_itself(desk: Desk) -> None:
    line = int(rows(desk.add("OL-1040").text)[0]["id"])
    page = desk.put(line, navn="Olie -- OilMat: 0007")
    assert flash(page.text) == ("besked", "Gemt")
    assert [(one["name"], one["amount"]) for one in desk.lines()] == [("Olie -- OilMat: 0007", "1.00")]
    assert 'name="antal" aria-label="Antal" value="1,00"' in page.text
    desk.put(line, antal="5,5")
    assert [(one["name"], one["amount"]) for one in desk.lines()] == [("Olie -- OilMat: 0007", "5.50")]
    assert [one["kind"] for one in desk.saves()] == ["new", "change", "change"]


@pytest.mark.parametrize(
    ("field", "told"),
    [
        ({"antal": "fem"}, "Ugyldigt antal"),
        ({"antal": ""}, "Ugyldigt antal"),
        ({"antal": "0"}, "Ugyldigt antal"),
        ({"navn": " "}, "Varenavn mangler"),
    ],
)
def test_a_field_that_cannot_be_is_not_saved(desk: Desk, field: dict[str, str], told: str) -> None:
    line = int(rows(desk.add("OL-1040").text)[0]["id"])
    assert flash(desk.put(line, **field).text) == ("fejl", told)
    assert len(desk.saves()) == 1


def test_a_dot_makes_fifty_five_of_five_and_a_half(desk: Desk) -> None:
    line = int(rows(desk.add("OL-1040").text)[0]["id"])
    assert 'value="55,00"' in desk.put(line, antal="5.5").text


def test_a_name_is_cut_where_the_field_ends(desk: Desk) -> None:
    line = int(rows(desk.add("OL-1040").text)[0]["id"])
    assert 'maxlength="60"' in desk.put(line, navn="x" * 55 + " -- OilMat: 1").text
    assert desk.lines()[0]["name"] == "x" * 55 + " -- O"


def test_a_line_moves_when_its_name_is_set_and_only_its_id_stays(desk: Desk) -> None:
    desk.seed(add_cases=[{"number": "1", "lines": [{"product": "OL-0530", "name": name} for name in "BCD"]}])
    before = [row["id"] for row in rows(desk.get("/sag/1/linjer"))]
    desk.put(int(before[0]), "1", navn="X")
    after = [row["id"] for row in rows(desk.get("/sag/1/linjer"))]
    assert after == [*before[1:], before[0]]


def test_all_lines_are_on_the_pages_each_once_and_their_count_is_told(desk: Desk) -> None:
    desk.seed(add_cases=[{"number": "1", "lines": [{"product": "OL-0530"}] * 200}])
    pages = [desk.get(f"/sag/1/linjer?side={side}") for side in range(1, 11)]
    assert [len(rows(page)) for page in pages] == [20] * 10
    assert len({row["id"] for page in pages for row in rows(page)}) == 200
    assert '<span id="antal-linjer">181-200 af 200</span>' in pages[-1]
    assert "Næste side" not in pages[-1]


@pytest.mark.parametrize("path", ["/sag/56/linjer", "/sag/560/linjer/880001"])
def test_a_form_that_is_not_of_this_session_is_refused(desk: Desk, path: str) -> None:
    answer = desk.client.post(path, data={"varenr": "OL-1040", "navn": "x", "token": "x"})
    assert answer.status_code == 400
    assert desk.saves() == []


@pytest.mark.parametrize("path", ["/sag/99", "/sag/99/linjer", "/sag/560/nope", "/sag/560/linjer/x"])
def test_a_page_of_a_case_that_is_not_there_is_a_404(desk: Desk, path: str) -> None:
    assert desk.client.get(path).status_code == 404


def test_what_was_posted_after_the_session_ended_is_lost(desk: Desk) -> None:
    token = desk.token()
    desk.go_on(1201)
    answer = desk.client.post("/sag/56/linjer", data={"token": token, "varenr": "OL-1040"})
    assert answer.url.path == LOGIN
    assert answer.url.params["ReturnUrl"] == "/portal"
    assert desk.saves() == []


SCRIPT = "<script>alert('ø')</script>"


def test_nothing_of_the_data_becomes_markup(desk: Desk) -> None:
    line = {"product": "X", "name": SCRIPT, "unit": SCRIPT, "group": SCRIPT, "created_by": SCRIPT}
    case = {"number": f'1"{SCRIPT}'[:2], "customer": SCRIPT, "plate": SCRIPT, "vin": SCRIPT, "lines": [line]}
    desk.seed(add_cases=[{**case, "locked_by": SCRIPT}], add_products=[{"number": SCRIPT, "name": SCRIPT}])
    pages = [desk.get(f"/sag/{path}") for path in ('liste?sagsnr=1"', '1"', '1"/linjer', '1"/historik')]
    pages += [desk.get("/sag/56/linjer?soeg=<script>"), desk.get(f"/sag/liste?sagsnr={SCRIPT}")]
    pages.append(desk.log_in(email=SCRIPT).text)
    for page in pages:
        assert "<script>" not in page
        assert "&lt;script&gt;" in page


# Served


def test_a_reset_ends_sessions_and_forgets_lines(desk: Desk) -> None:
    desk.add("OL-1040")
    desk.control("POST", "/reset")
    assert desk.client.get("/portal").url.path == LOGIN
    assert (desk.lines(), desk.saves()) == ([], [])


@pytest.mark.parametrize("bad", [{"session_ttl_s": -1}, {"session_ttl_s": "x"}, {"keep_alive": 1}, {"nope": 1}])
def test_a_seed_that_cannot_be_meant_is_refused(bad: dict[str, object]) -> None:
    office = Au2Office()
    with pytest.raises(ValueError, match="seed"):
        office.seed({**bad, "name_limit": 5})
    assert office.shop.name_limit == 60


def test_a_taken_port_is_told_and_nothing_is_left_serving() -> None:
    with serve(Au2Office()) as running:
        taken = int(running.auth_url.rpartition(":")[2])
        with pytest.raises(UsageError):
            serve(Au2Office(), auth_port=taken)


def test_the_command_serves_both_origins_and_ends_when_told() -> None:
    command = [sys.executable, "-m", "integrator", "standin", "au2office"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        answer = httpx.get(ready["url"], follow_redirects=True, trust_env=False)
        assert str(answer.url).startswith(ready["auth_url"] + LOGIN)
        assert httpx.get(ready["control_url"] + "/health", trust_env=False).json()["name"] == "au2office"
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
