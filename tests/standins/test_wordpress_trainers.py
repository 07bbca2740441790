"""The stand-in's trainers: an address that only editing users see, as the shipped plugin registers it."""

from typing import Any

import pytest

from .wordpress_replay import Site, json_of

TRAINER = {"id": 20, "type": "trainer", "title": "Ida Lind", "meta": {"ed_email": "ida.lind@example.org"}}


def meta(site: Site, target: str, **asked: Any) -> Any:
    body = json_of(site.ask("GET", target, **asked))
    return (body[0] if isinstance(body, list) else body)["meta"]


@pytest.mark.parametrize("target", ["/wp-json/wp/v2/trainer/20", "/wp-json/wp/v2/trainer"])
@pytest.mark.parametrize("user", ["sync", "editor", None])
def test_whoever_does_not_edit_sees_no_address(target: str, user: str | None) -> None:
    assert meta(Site(posts=[TRAINER]), target, user=user) == []


@pytest.mark.parametrize("target", ["/wp-json/wp/v2/trainer/20", "/wp-json/wp/v2/trainer"])
def test_the_context_of_editing_shows_it(target: str) -> None:
    assert meta(Site(posts=[TRAINER]), f"{target}?context=edit") == {"ed_email": "ida.lind@example.org"}


def test_visitors_have_no_context_of_editing() -> None:
    answer = Site(posts=[TRAINER]).ask("GET", "/wp-json/wp/v2/trainer?context=edit", user=None)
    assert answer.status == 401
    assert b"ida.lind" not in answer.encoded()


def test_editors_type_it_and_the_sync_may_not() -> None:
    site = Site(posts=[TRAINER], strict_meta=True)
    target, body = "/wp-json/wp/v2/trainer/20", {"meta": {"ed_email": "bo.krag@example.org"}}
    assert site.ask("POST", target, body).status == 403
    assert meta(site, f"{target}?context=edit") == {"ed_email": "ida.lind@example.org"}
    assert site.ask("POST", target, body, user="editor").status == 200
    assert meta(site, f"{target}?context=edit") == {"ed_email": "bo.krag@example.org"}
