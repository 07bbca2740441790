"""The OpenAPI document says what the application does: by its table, and by asking it."""

import re
from typing import Any

import pytest
from doors import Doors
from openapi_runs import run

from integrator.domain.orders import Attendee, Company, Customer, Form
from integrator.gateway import shapes
from integrator.gateway.app import all_routes
from integrator.home import Home
from integrator.settings import load_settings

EACH = 4  # questions of either kind for every operation: about 200 in all


def document(here: Doors) -> dict[str, Any]:
    answer = here.ask("GET", "/openapi.json")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
    found: dict[str, Any] = answer.json
    return found


def test_no_answer_fails_or_differs_from_the_document(here: Doors) -> None:
    asked = run(here, EACH)
    assert 150 <= asked.requests <= 300
    assert [name for name, answers in asked.answers.items() if not answers.keys() & {200, 201}] == []


def test_every_address_that_is_registered_is_in_the_document_and_none_besides(here: Doors) -> None:
    registered = {
        (re.sub("<(?:order:)?([a-z_]+)>", r"{\1}", rule.rule), method)
        for rule in here.app.url_map.iter_rules()
        for method in rule.methods or ()
        if method not in ("HEAD", "OPTIONS")
    }
    told = {(path, method.upper()) for path, methods in document(here)["paths"].items() for method in methods}
    assert told == registered
    names = [route.name for route in all_routes(load_settings(Home(here.home), here.environ))]
    assert len(names) == len(set(names)) == len(told)


def test_every_reference_leads_somewhere(here: Doors) -> None:
    told = here.ask("GET", "/openapi.json").text
    schemas = document(here)["components"]["schemas"]
    assert set(re.findall('"#/components/schemas/([A-Za-z]+)"', told)) <= set(schemas)


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        (shapes.OrderForm, Form),
        (shapes.FormCustomer, Customer),
        (shapes.FormCompany, Company),
        (shapes.FormParticipant, Attendee),
    ],
)
def test_the_form_in_the_document_is_the_one_that_is_read(told: Any, kept: Any) -> None:
    assert told.__struct_fields__ == kept.__struct_fields__


@pytest.mark.parametrize(
    ("key", "group", "path"),
    [
        ("website_key = { env = 'WEBSITE_KEY' }", "website", "/api/"),
        ("oilmat_key = { env = 'OILMAT_KEY' }", "oilmat", "/oilmat/"),
        ("trainingportal_token = { env = 'PORTAL_TOKEN' }", "trainingportal", "/trainingportal/{token}/"),
        ("trainingportal_signing_key = { env = 'PORTAL_SIGNING_KEY' }", "trainingportal", "/trainingportal/"),
    ],
)
def test_only_what_has_a_key_is_told_of(here: Doors, key: str, group: str, path: str) -> None:
    here.configure(keys=f"{key}\n")
    paths = set(document(here)["paths"])
    assert {tag["name"] for tag in document(here)["tags"]} == {group, "documents"}
    assert {one for one in paths if one.startswith(path)} == paths - {"/docs", "/openapi.json"}
    assert here.oilmat("GET", "nord/alive", key="wrong").status_code == 401


def test_nothing_is_told_of_where_we_have_it_from(here: Doors) -> None:
    for path in ("/docs", "/openapi.json"):
        text = here.ask("GET", path).text
        assert "Source  " not in text
        assert "Function description" not in text


def test_where_a_server_has_put_us_stands_in_the_document(here: Doors) -> None:
    answer = here.ask("GET", "/openapi.json", environ_overrides={"SCRIPT_NAME": "/cgi-bin/integrator.cgi"})
    assert answer.json["servers"] == [{"url": "/cgi-bin/integrator.cgi"}]


def test_the_page_needs_no_script_and_nothing_from_elsewhere(here: Doors) -> None:
    page = here.ask("GET", "/docs")
    assert (page.status_code, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert re.findall(r'(?:src|href|action)="(?!#)([^"]*)"', page.text) == ["openapi.json"]
    assert not re.search(r"<script|@import|url\(| on[a-z]+=|style=", page.text)
    assert "style-src 'sha256-" in page.headers["Content-Security-Policy"]
    told = document(here)
    assert all(f"<code>{path}</code>" in page.text for path in told["paths"])
    anchors = set(re.findall(r'id="([^"]+)"', page.text))
    assert set(re.findall(r'href="#([^"]+)"', page.text)) <= anchors
    assert set(told["components"]["schemas"]) <= anchors


def test_the_style_is_the_one_that_the_page_may_use(here: Doors) -> None:
    import hashlib
    from base64 import b64encode

    page = here.ask("GET", "/docs")
    [style] = re.findall("<style>(.*?)</style>", page.text, re.DOTALL)
    assert b64encode(hashlib.sha256(style.encode()).digest()).decode() in page.headers["Content-Security-Policy"]


def test_the_documents_can_be_switched_off(here: Doors) -> None:
    here.configure(gateway="docs = false")
    assert [here.ask("GET", path).status_code for path in ("/docs", "/openapi.json")] == [404, 404]
    assert here.website("GET", "/api/orders/1").status_code == 404
