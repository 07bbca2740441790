"""What config/wordpress/ili-courses.php promises, asked of a real WordPress."""

from __future__ import annotations

from typing import Any

import pytest
from wordpress_site import RealWordPress

DATE = "/wp/v2/course_date"
COURSE = "/wp/v2/course"
DATE_KEYS = {
    "mac_id": "string",
    "mac_maincourse_id": "string",
    "mac_start": "string",
    "mac_end": "string",
    "mac_venue": "string",
    "mac_city": "string",
    "mac_language": "string",
    "mac_currency": "string",
    "mac_status": "string",
    "mac_hash": "string",
    "mac_synced_at": "string",
    "mac_missing_since": "string",
    "mac_price_minor": "integer",
    "mac_seats_total": "integer",
    "mac_seats_free": "integer",
    "mac_course_post": "integer",
    "mac_days": "array",
    "ed_times": "string",
    "ed_trainer_note": "string",
    "ed_venue_note": "string",
    "ed_trainers": "array",
}
COURSE_KEYS = {
    "mac_id": "string",
    "mac_title": "string",
    "mac_description": "string",
    "mac_language": "string",
    "mac_currency": "string",
    "mac_hash": "string",
    "mac_synced_at": "string",
    "mac_price_minor": "integer",
    "ed_teaser": "string",
}


def make(site: RealWordPress, path: str = DATE, *, mac_id: str = "25172-04", **fields: Any) -> dict[str, Any]:
    body = {"title": "Projektledelse", "slug": f"cd-{mac_id}", "status": "publish", "meta": {"mac_id": mac_id}}
    answer = site.as_sync("POST", path, body | fields)
    assert answer.status_code == 201, answer.text
    post: dict[str, Any] = answer.json()
    return post


def meta_of(site: RealWordPress, post: dict[str, Any]) -> dict[str, Any]:
    answer = site.as_admin("GET", f"/wp/v2/{post['type']}/{post['id']}", params={"context": "edit"})
    meta: dict[str, Any] = answer.json()["meta"]
    return meta


def ids(answer: Any) -> list[int]:
    assert answer.status_code == 200, answer.text
    return [post["id"] for post in answer.json()]


@pytest.mark.parametrize(("path", "expected"), [(DATE, DATE_KEYS), (COURSE, COURSE_KEYS)])
def test_every_key_is_offered_with_its_type_and_the_identity_first(
    real_wordpress: RealWordPress, path: str, expected: dict[str, str]
) -> None:
    schema = real_wordpress.as_sync("OPTIONS", path).json()["schema"]
    keys = schema["properties"]["meta"]["properties"]
    assert {key: about["type"] for key, about in keys.items()} == expected
    assert next(iter(keys)) == "mac_id"


def test_trainers_are_a_type_that_editors_fill(real_wordpress: RealWordPress) -> None:
    answer = real_wordpress.as_editor("POST", "/wp/v2/trainer", {"title": "Solvej Brandt", "status": "draft"})
    assert answer.status_code == 201
    gone = real_wordpress.as_editor("DELETE", f"/wp/v2/trainer/{answer.json()['id']}", params={"force": "true"})
    assert gone.json()["deleted"] is True


def test_the_import_writes_what_comes_from_maconomy(empty_wordpress: RealWordPress) -> None:
    day = {"date": "2027-03-01T00:00:00Z", "from": "09:00", "to": "16:00", "venue": "Hellerup"}
    sent = {"mac_id": "25172-04", "mac_seats_free": 7, "mac_city": "Ærøskøbing", "mac_days": [day]}
    post = make(empty_wordpress, meta=sent)
    assert meta_of(empty_wordpress, post).items() >= sent.items()


def test_the_import_may_not_write_what_editors_own(empty_wordpress: RealWordPress) -> None:
    post = make(empty_wordpress)
    assert empty_wordpress.as_editor("POST", f"{DATE}/{post['id']}", {"meta": {"ed_times": "9-16"}}).status_code == 200
    answer = empty_wordpress.as_sync("POST", f"{DATE}/{post['id']}", {"meta": {"ed_times": "10-17"}})
    assert (answer.status_code, answer.json()["code"]) == (403, "rest_cannot_update")
    assert meta_of(empty_wordpress, post)["ed_times"] == "9-16"


def test_the_import_may_not_delete_what_editors_own(empty_wordpress: RealWordPress) -> None:
    post = make(empty_wordpress)
    written = empty_wordpress.as_editor("POST", f"{DATE}/{post['id']}", {"meta": {"ed_trainers": [3, 4]}})
    assert written.json()["meta"]["ed_trainers"] == [3, 4]
    answer = empty_wordpress.as_sync("POST", f"{DATE}/{post['id']}", {"meta": {"ed_trainers": []}})
    assert answer.status_code == 403
    assert meta_of(empty_wordpress, post)["ed_trainers"] == [3, 4]


def test_editors_may_not_write_what_comes_from_maconomy(empty_wordpress: RealWordPress) -> None:
    post = make(empty_wordpress, meta={"mac_id": "25172-04", "mac_seats_free": 7})
    answer = empty_wordpress.as_editor("POST", f"{DATE}/{post['id']}", {"meta": {"mac_seats_free": 99}})
    assert (answer.status_code, answer.json()["code"]) == (403, "rest_cannot_update")
    assert meta_of(empty_wordpress, post)["mac_seats_free"] == 7


def test_an_editor_may_send_all_fields_back_as_the_block_editor_does(empty_wordpress: RealWordPress) -> None:
    day = {"date": "2027-03-01T00:00:00Z", "from": "09:00"}
    post = make(empty_wordpress, meta={"mac_id": "25172-04", "mac_seats_free": 7, "mac_days": [day]})
    whole = meta_of(empty_wordpress, post) | {"ed_times": "9-16"}
    assert empty_wordpress.as_editor("POST", f"{DATE}/{post['id']}", {"meta": whole}).status_code == 200
    assert meta_of(empty_wordpress, post) == whole
    stale = whole | {"mac_seats_free": 8}
    answer = empty_wordpress.as_editor("POST", f"{DATE}/{post['id']}", {"meta": stale})
    assert (answer.status_code, answer.json()["data"]["key"]) == (403, "mac_seats_free")
    assert meta_of(empty_wordpress, post) == whole


def test_administrators_may_write_both(empty_wordpress: RealWordPress) -> None:
    post = make(empty_wordpress)
    both = {"mac_city": "Køge", "ed_times": "9-16"}
    assert empty_wordpress.as_admin("POST", f"{DATE}/{post['id']}", {"meta": both}).status_code == 200
    assert meta_of(empty_wordpress, post).items() >= both.items()


def test_a_half_written_post_carries_its_identity(empty_wordpress: RealWordPress) -> None:
    """WordPress stores the post before it checks meta, and meta in the order of registration."""
    meta = {"ed_times": "9-16", "mac_seats_free": "mange", "mac_id": "25172-04"}
    answer = empty_wordpress.as_sync("POST", DATE, {"title": "Halv", "slug": "cd-25172-04", "meta": meta})
    assert answer.status_code == 400
    (post,) = empty_wordpress.all_posts("course_date")
    assert post["meta"]["mac_id"] == "25172-04"


def test_the_list_narrows_to_maconomy_ids(empty_wordpress: RealWordPress) -> None:
    posts = {mac_id: make(empty_wordpress, mac_id=mac_id)["id"] for mac_id in ("25172-04", "25172-05", "25172-040")}
    query = {"status": "any", "_fields": "id"}
    one = empty_wordpress.as_sync("GET", DATE, params=query | {"mac_id": "25172-04"})
    two = empty_wordpress.as_sync("GET", DATE, params=query | {"mac_id": "25172-04,25172-05"})
    none = empty_wordpress.as_sync("GET", DATE, params=query | {"mac_id": "99999-01"})
    assert ids(one) == [posts["25172-04"]]
    assert sorted(ids(two)) == [posts["25172-04"], posts["25172-05"]]
    assert ids(none) == []


@pytest.mark.parametrize("wrong", ["25172'04", "%", "a" * 65, "25172/04"])
def test_the_filter_refuses_what_is_no_maconomy_id(real_wordpress: RealWordPress, wrong: str) -> None:
    answer = real_wordpress.as_sync("GET", DATE, params={"mac_id": wrong})
    assert (answer.status_code, answer.json()["code"]) == (400, "rest_invalid_param")


def test_visitors_see_published_dates_and_no_drafts(empty_wordpress: RealWordPress) -> None:
    shown = make(empty_wordpress)
    draft = make(empty_wordpress, mac_id="25172-05", status="draft")
    assert ids(empty_wordpress.as_visitor("GET", DATE)) == [shown["id"]]
    assert ids(empty_wordpress.as_visitor("GET", DATE, params={"mac_id": "25172-05"})) == []
    assert empty_wordpress.as_visitor("GET", DATE, params={"status": "draft"}).status_code == 400
    assert empty_wordpress.as_visitor("GET", f"{DATE}/{draft['id']}").status_code == 401


def test_visitors_write_nothing(empty_wordpress: RealWordPress) -> None:
    post = make(empty_wordpress)
    assert empty_wordpress.as_visitor("POST", DATE, {"title": "x"}).status_code == 401
    assert empty_wordpress.as_visitor("POST", f"{DATE}/{post['id']}", {"meta": {"mac_city": "x"}}).status_code == 401
    assert len(empty_wordpress.all_posts("course_date")) == 1


def test_the_imports_html_is_cleaned_and_an_editors_is_not(empty_wordpress: RealWordPress) -> None:
    html = '<p onclick="x()">Kursus</p><iframe src="https://video.example.org"></iframe><script>1</script>'
    post = make(empty_wordpress, COURSE, mac_id="3341", content=html)
    stored = empty_wordpress.as_editor("GET", f"{COURSE}/{post['id']}", params={"context": "edit"}).json()
    assert stored["content"]["raw"] == "<p>Kursus</p>1"
    stored = empty_wordpress.as_editor("POST", f"{COURSE}/{post['id']}", {"content": html}).json()
    assert stored["content"]["raw"] == html


def test_the_import_has_no_business_outside_posts(real_wordpress: RealWordPress) -> None:
    me = real_wordpress.as_sync("GET", "/wp/v2/users/me", params={"context": "edit"}).json()
    assert me["roles"] == ["course_sync"]
    held = {name for name, has in me["capabilities"].items() if has}
    assert held.isdisjoint({"unfiltered_html", "upload_files", "edit_pages", "manage_options", "list_users"})
    assert real_wordpress.as_sync("POST", "/wp/v2/pages", {"title": "x"}).status_code == 403
    assert real_wordpress.as_sync("GET", "/wp/v2/settings").status_code == 403
