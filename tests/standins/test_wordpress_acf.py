"""ACF: checked before anything is written, not at all in a batch, and won by an editor's open form."""

from typing import Any

import pytest

from .wordpress_replay import Site, json_of

LIST = "/wp-json/wp/v2/course_date"
FIELDS = {
    "ledige": {"type": "integer"},
    "sprog": {"enum": ["da", "en"]},
    "trainere": {"type": "relation", "to": "trainer"},
    "link": {"type": "url"},
    "sted": {"fields": {"navn": {}, "by": {}}},
}


def _site(**more: Any) -> Site:
    return Site(
        acf={"course_date": FIELDS}, posts=[{"id": 20, "type": "trainer", "title": "Ida Lind"}, {"id": 21}], **more
    )


def _put(site: Site, acf: Any, post: int = 21) -> Any:
    return site.ask("PUT", f"{LIST}/{post}", {"title": "Nyt", "acf": acf})


@pytest.mark.parametrize(
    "bad",
    [
        {"sprog": "svensk"},
        {"ledige": "mange"},
        {"ledige": ""},
        {"trainere": [999]},
        {"trainere": [21]},
        {"sted": "x"},
        "x",
    ],
)
def test_a_bad_value_is_refused_before_anything_is_written(bad: Any) -> None:
    site = _site()
    answer = _put(site, bad)

    assert (answer.status, json_of(answer)["message"]) == (400, "Invalid parameter(s): acf")
    assert [post["title"] for post in site.posts("course_date")] == [""]
    assert site.effects == []


def test_a_batch_stores_what_a_single_request_would_refuse() -> None:
    site = _site()
    bad = {"sprog": "svensk", "ledige": "mange", "trainere": [999]}
    part = {"method": "PUT", "path": "/wp/v2/course_date/21", "body": {"acf": bad}}
    answer = json_of(site.ask("POST", "/wp-json/batch/v1", {"requests": [part], "validation": "require-all-validate"}))

    assert answer["responses"][0]["status"] == 200
    assert site.posts("course_date")[0]["acf"] == bad


def test_fields_are_partial_also_inside_a_group_and_go_by_field_key_too() -> None:
    site = _site()
    _put(site, {"ledige": 7, "sted": {"navn": "Hotel Ærø", "by": "Ærøskøbing"}, "findes_ikke": 1})
    answer = json_of(_put(site, {"field_ledige": 5, "sted": {"by": "Odense"}, "link": "example.org"}))

    assert answer["acf"]["ledige"] == 5
    assert answer["acf"]["sted"] == {"navn": "Hotel Ærø", "by": "Odense"}
    assert answer["acf"]["link"] == "http://example.org"
    assert "findes_ikke" not in answer["acf"]
    assert site.effects[-1]["keys"] == ["acf.ledige", "acf.link", "acf.sted"]


def test_null_empties_and_an_empty_number_reads_as_text() -> None:
    site = _site()
    _put(site, {"ledige": 7, "trainere": [20]})

    assert json_of(_put(site, {"ledige": None, "trainere": None}))["acf"]["ledige"] == ""


def test_numbers_are_text_in_the_display_format() -> None:
    site = _site()
    _put(site, {"ledige": 7})

    assert json_of(site.ask("GET", f"{LIST}/21?acf_format=standard"))["acf"]["ledige"] == "7"
    assert json_of(site.ask("GET", f"{LIST}/21"))["acf"]["ledige"] == 7


def test_a_required_field_must_be_in_every_partial_update() -> None:
    site = Site(acf=True, posts=[{"id": 9, "type": "course", "title": "K", "acf": {"maconomy_id": "9"}}])
    path = "/wp-json/wp/v2/course/9"

    assert json_of(site.ask("PUT", path, {"acf": {"undertitel": "x"}}))["data"]["details"]["acf"]["code"] == (
        "rest_property_required"
    )
    assert site.ask("PUT", path, {"meta": {"mac_title": "x"}}).status == 200
    assert json_of(site.ask("PUT", path, {"acf": {"maconomy_id": ""}}))["acf"]["maconomy_id"] == ""


def test_an_editors_open_form_wins_over_acf_but_not_over_meta() -> None:
    site = _site()
    site.ask("PUT", f"{LIST}/21", {"acf": {"ledige": 7}, "meta": {"mac_seats_free": 7}})
    site.standin.seed({"open_form": 21})
    site.ask("PUT", f"{LIST}/21", {"acf": {"ledige": 2}, "meta": {"mac_seats_free": 2}})
    site.standin.seed({"press_update": {"post": 21, "title": "Rettet"}})
    post = site.posts("course_date")[0]

    assert (post["acf"]["ledige"], post["meta"]["mac_seats_free"], post["title"]) == (7, 2, "Rettet")


def test_a_form_that_is_not_open_cannot_be_sent() -> None:
    with pytest.raises(ValueError, match="not open"):
        _site().standin.seed({"press_update": 21})


def test_acf_is_absent_without_a_field_group() -> None:
    site = Site(posts=[{"id": 21}])

    assert "acf" not in json_of(_put(site, {"ledige": 7}))
    assert site.posts()[0]["acf"] == {}
