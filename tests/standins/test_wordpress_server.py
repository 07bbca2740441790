"""The stand-in as others meet it: served, staged from the control port, asked by several at once, and looked at."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from integrator.standins.base import Running, serve
from integrator.standins.wordpress import PASSWORD, WordPress

from .wordpress_replay import Site

LIST = "/wp-json/wp/v2/course_date"
HOLD = {"title": "Hold", "slug": "cd-1", "status": "publish", "meta": {"mac_id": "1"}}


@pytest.fixture
def running() -> Iterator[Running]:
    with serve(WordPress()) as served:
        yield served


def _client(running: Running) -> httpx.Client:
    headers = {"Accept": "application/json"}
    return httpx.Client(base_url=running.url, auth=("sync", PASSWORD), headers=headers, trust_env=False)


def _control(running: Running, method: str, path: str, body: Any = None) -> Any:
    return httpx.request(method, running.control_url + path, json=body, trust_env=False).json()


def test_the_ledger_names_each_effect(running: Running) -> None:
    with _client(running) as client:
        post = client.post(LIST, json=HOLD).json()["id"]
        parts = [
            {"method": "PUT", "path": f"/wp/v2/course_date/{post}", "body": {"meta": {"mac_seats_free": n}}}
            for n in (5, 5)
        ]
        client.post("/wp-json/batch/v1", json={"requests": parts})
    effects = [row["effect"] for row in _control(running, "GET", "/ledger") if row["effect"]]

    assert [(effect["what"], effect["post"], effect["mac_id"], effect["keys"]) for effect in effects] == [
        ("created", post, "1", ["meta.mac_id"]),
        ("updated", post, "1", ["meta.mac_seats_free"]),
        ("updated", post, "1", []),
    ]
    assert {effect["by"] for effect in effects} == {"sync"}


def test_the_control_port_seeds_shows_and_resets(running: Running) -> None:
    seeded = _control(running, "POST", "/seed", {"posts": [{"slug": "cd-7", "meta": {"mac_id": "7"}}]})
    state = _control(running, "GET", "/state")
    _control(running, "POST", "/reset")

    assert [(post["id"], post["meta"]) for post in state["posts"]] == [(seeded["posts"][0], {"mac_id": "7"})]
    assert _control(running, "GET", "/state")["posts"] == []


def test_a_500_after_the_effect_leaves_the_post(running: Running) -> None:
    rule = {"match": {"method": "POST"}, "times": 1, "fault": {"kind": "status", "status": 500, "when": "after"}}
    _control(running, "POST", "/faults", rule)
    with _client(running) as client:
        assert client.post(LIST, json=HOLD).status_code == 500
        assert client.get(LIST, params={"slug": "cd-1"}).json()[0]["meta"]["mac_id"] == "1"


def test_a_throttled_request_has_no_effect(running: Running) -> None:
    rule = {"times": 1, "fault": {"kind": "status", "status": 429, "retry_after": 2}}
    _control(running, "POST", "/faults", rule)
    with _client(running) as client:
        refused = client.post(LIST, json=HOLD)

    assert (refused.status_code, refused.headers["retry-after"]) == (429, "2")
    assert _control(running, "GET", "/state")["posts"] == []


def test_a_php_notice_stands_before_the_json_of_a_write_that_was_done(running: Running) -> None:
    _control(running, "POST", "/seed", {"notices": 1})
    with _client(running) as client:
        spoilt = client.post(LIST, json=HOLD)
        clean = client.get(LIST)

    assert (spoilt.status_code, spoilt.headers["content-type"]) == (201, "application/json; charset=UTF-8")
    assert spoilt.text.startswith("<br />\n<b>Warning</b>")
    with pytest.raises(json.JSONDecodeError):
        spoilt.json()
    assert len(clean.json()) == 1


def test_writers_at_once_make_a_post_each_and_no_slug_twice(running: Running) -> None:
    with _client(running) as client, ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: client.post(LIST, json=HOLD).json(), range(40)))

    assert len({post["id"] for post in made}) == len({post["slug"] for post in made}) == 40


def test_writers_at_once_through_the_upsert_make_one_post(running: Running) -> None:
    with _client(running) as client, ThreadPoolExecutor(8) as pool:
        route = "/wp-json/ili/v1/course_date/1"
        statuses = sorted(pool.map(lambda _: client.put(route, json=HOLD).status_code, range(20)))

    assert statuses == [200] * 19 + [201]
    assert len(_control(running, "GET", "/state")["posts"]) == 1


@pytest.mark.parametrize(
    "bad",
    [
        {"nope": 1},
        {"strict_meta": "yes"},
        {"posts": [{"type": "kursus"}]},
        {"posts": [{"meta": {"nope": 1}}]},
        {"posts": [{"meta": {"mac_seats_free": "mange"}}]},
        {"posts": [{"status": "aktiv"}]},
        {"posts": [{"id": 5}, {"id": 5}]},
        {"posts": [{"farve": "blå"}]},
        {"edit": {"post": 99}},
        {"types_off": ["kursus"]},
        {"meta_off": {"course": ["nope"]}},
        {"acf": {"course": {"x": {"type": "nope"}}}},
        {"passwords": {"nobody": "x"}},
    ],
)
def test_a_seed_that_cannot_be_meant_is_refused(running: Running, bad: dict[str, Any]) -> None:
    answer = httpx.post(f"{running.control_url}/seed", json=bad, trust_env=False)

    assert answer.status_code == 400
    assert answer.json()["error"]


def test_an_editor_changes_a_post_from_outside_by_the_rights_of_an_editor() -> None:
    site = Site(strict_meta=True, posts=[{"id": 9, "type": "course", "title": "K", "slug": "mc-9"}])
    site.standin.seed(
        {"edit": {"post": 9, "meta": {"ed_teaser": "Ny"}, "content": "<o:p>x</o:p>", "status": "private"}}
    )
    post = site.posts()[0]

    assert (post["meta"], post["content"], post["status"]) == ({"ed_teaser": "Ny"}, "<o:p>x</o:p>", "private")
    with pytest.raises(ValueError, match="403"):
        site.standin.seed({"edit": {"post": 9, "meta": {"mac_id": "9"}}})


def test_seeded_posts_may_be_what_the_api_would_never_make() -> None:
    twice = [{"slug": "cd-1", "meta": {"mac_id": "1"}}, {"slug": "cd-1", "meta": {"mac_id": "1"}}]
    site = Site(posts=[*twice, {"slug": "gammel", "title": "Uden nummer"}])

    assert [post["slug"] for post in site.posts()] == ["cd-1", "cd-1", "gammel"]
    assert len(json.loads(site.ask("GET", f"{LIST}?slug=cd-1").encoded())) == 2


def test_the_page_shows_courses_with_their_dates_and_escapes_them() -> None:
    course = {
        "type": "course",
        "title": "<b>Ledelse</b>",
        "slug": "mc-1",
        "meta": {"mac_id": "1", "ed_teaser": "a & b"},
    }
    times = {"mac_start": "2027-03-01T09:00:00+01:00", "mac_end": "2027-03-03T16:00:00+01:00"}
    money = {"mac_price_minor": 1499500, "mac_currency": "DKK", "mac_venue": "Strandvejen 54", "mac_city": "Hellerup"}
    date = {"meta": {"mac_maincourse_id": "1", **times, **money, "mac_seats_free": 7}}
    hidden = {"type": "course", "title": "Skjult", "status": "draft"}
    page = Site(posts=[course, date, hidden, {"title": "Løs"}]).ask("GET", "/", user=None)
    text = page.encoded().decode()

    assert page.content_type.startswith("text/html")
    assert "&lt;b&gt;Ledelse&lt;/b&gt;" in text
    assert "<b>" not in text
    for shown in (
        "a &amp; b",
        "1.3.2027 – 3.3.2027",
        "09:00–16:00",
        "Strandvejen 54, Hellerup",
        "14.995,00 DKK",
        "Løs",
    ):
        assert shown in text
    assert "Skjult" not in text


def test_an_enrichment_hides_the_source_on_the_page() -> None:
    date = {
        "meta": {"mac_start": "2027-03-01T09:00:00+01:00", "mac_end": "2027-03-01T16:00:00+01:00", "ed_times": "kl. 8"}
    }
    text = Site(posts=[date]).ask("GET", "/", user=None).encoded().decode()

    assert "kl. 8" in text
    assert "09:00–16:00" not in text


def test_other_addresses_are_no_page_and_no_route() -> None:
    site = Site()

    assert site.ask("GET", "/nope").status == 404
    assert site.ask("GET", "/wp-json/nope").status == 404
