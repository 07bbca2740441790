"""The trainers' addresses on the real WordPress: kept by editors, read by send-participants, hidden from visitors."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from wordpress_site import RealWordPress

from integrator.secret import Secret
from integrator.systems.http import Http
from integrator.systems.wordpress import WordPress, load_fields

TRAINER = "/wp/v2/trainer"
MAPPING = Path(__file__).parents[3] / "config" / "wordpress.toml"


def adapter(site: RealWordPress) -> WordPress:
    """As wiring makes it."""
    auth = ("sync", Secret(site.credentials["sync"]))
    http = Http(system="wordpress", base_url=site.base_url, auth=auth, user_agent="integrator/test")
    return WordPress(http, load_fields(MAPPING), settle_s=1.0)


@pytest.fixture
def ida(empty_wordpress: RealWordPress) -> Iterator[int]:
    """A trainer whom an editor entered."""
    facts = {"title": "Ida Lind & søn", "status": "publish", "meta": {"ed_email": "ida.lind@example.org"}}
    post = empty_wordpress.as_editor("POST", TRAINER, facts).json()
    yield post["id"]
    empty_wordpress.as_admin("DELETE", f"{TRAINER}/{post['id']}", params={"force": "true"})


@pytest.mark.parametrize("query", [{}, {"_fields": "meta.ed_email"}, {"context": "embed"}])
def test_whoever_does_not_edit_sees_no_address(empty_wordpress: RealWordPress, ida: int, query: dict[str, str]) -> None:
    for who in (empty_wordpress.as_visitor, empty_wordpress.as_sync):
        for path in (f"{TRAINER}/{ida}", TRAINER):
            answer = who("GET", path, params=query)
            assert answer.status_code == 200
            assert "ida.lind" not in answer.text


def test_visitors_have_no_context_of_editing(empty_wordpress: RealWordPress, ida: int) -> None:
    answer = empty_wordpress.as_visitor("GET", f"{TRAINER}/{ida}", params={"context": "edit"})
    assert answer.status_code == 401
    assert "ida.lind" not in answer.text


def test_the_import_may_read_an_address_and_not_write_it(empty_wordpress: RealWordPress, ida: int) -> None:
    answer = empty_wordpress.as_sync("POST", f"{TRAINER}/{ida}", {"meta": {"ed_email": "bo.krag@example.org"}})
    assert answer.status_code == 403
    now = empty_wordpress.as_sync("GET", f"{TRAINER}/{ida}", params={"context": "edit"})
    assert now.json()["meta"] == {"ed_email": "ida.lind@example.org"}


def test_the_trainers_of_a_course_are_read_by_its_post_and_by_its_slug(
    empty_wordpress: RealWordPress, ida: int
) -> None:
    facts = {"title": "x", "slug": "cd-25172-04", "status": "draft", "meta": {"mac_id": "25172-04"}}
    course = empty_wordpress.as_sync("POST", "/wp/v2/course_date", facts).json()["id"]
    chosen = {"meta": {"ed_trainers": [ida, 999_999]}}
    assert empty_wordpress.as_editor("POST", f"/wp/v2/course_date/{course}", chosen).status_code == 200
    site = adapter(empty_wordpress)
    for posts in ({"25172-04": course}, {"25172-04": None}, {"25172-04": ida}):
        [found] = site.trainers(posts)["25172-04"]
        assert (found.name, found.email) == ("Ida Lind & søn", "ida.lind@example.org")
    assert site.trainers({"25172-99": None}) == {}
    site.close()
