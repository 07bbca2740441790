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


def test_the_import_may_delete_no_post(empty_wordpress: RealWordPress) -> None:
    post = make(empty_wordpress)
    for force in ("", "?force=true"):
        assert empty_wordpress.as_sync("DELETE", f"{DATE}/{post['id']}{force}").status_code == 403
    assert meta_of(empty_wordpress, post) is not None


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


EDITED = {
    "title": "Ledelse & <em>samarbejde</em>",
    "content": '<p onclick="x()">Se a & b \\ c</p>\n<iframe src="https://video.example.org/?a=1&b=2"></iframe>',
    "excerpt": "5 < 6 & 7 > 3 <script>1</script>",
}
TEXTS = tuple(EDITED)
DANGEROUS = '<p>Nyt</p><iframe src="https://video.example.org"></iframe><script>1</script>'


def edited_course(site: RealWordPress, mac_id: str = "3341") -> dict[str, Any]:
    """A course of the import whose texts an editor has written since, as the site has it now."""
    post = make(site, COURSE, mac_id=mac_id, content="<p>Kursus</p>")
    answer = site.as_editor("POST", f"{COURSE}/{post['id']}", EDITED)
    assert texts_of(answer.json()) == EDITED
    edited: dict[str, Any] = answer.json()
    return edited


def texts_of(post: dict[str, Any]) -> dict[str, str]:
    return {name: post[name]["raw"] for name in TEXTS}


def texts_now(site: RealWordPress, post: dict[str, Any]) -> dict[str, str]:
    return texts_of(site.as_admin("GET", f"/wp/v2/{post['type']}/{post['id']}", params={"context": "edit"}).json())


def put(post: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    return {"method": "PUT", "path": f"/wp/v2/{post['type']}/{post['id']}", "body": body}


@pytest.mark.parametrize("body", [{"meta": {"mac_price_minor": 4}}, {"status": "draft"}, {}, {"slug": "mc-andet"}])
def test_an_update_by_the_import_leaves_the_editors_texts_alone(
    empty_wordpress: RealWordPress, body: dict[str, Any]
) -> None:
    post = edited_course(empty_wordpress)
    assert empty_wordpress.as_sync("POST", f"{COURSE}/{post['id']}", body).status_code == 200
    assert texts_now(empty_wordpress, post) == EDITED


def test_a_batch_by_the_import_leaves_the_editors_texts_alone(empty_wordpress: RealWordPress) -> None:
    posts = [edited_course(empty_wordpress, mac_id) for mac_id in ("3341", "3342", "3343")]
    parts = [put(post, {"meta": {"mac_price_minor": 4}}) for post in posts]
    answer = empty_wordpress.as_sync("POST", "/batch/v1", {"requests": parts})
    assert [part["status"] for part in answer.json()["responses"]] == [200, 200, 200]
    assert [texts_now(empty_wordpress, post) for post in posts] == [EDITED] * 3


def test_a_refused_update_by_the_import_leaves_the_editors_texts_alone(empty_wordpress: RealWordPress) -> None:
    """The post is saved before its meta is refused."""
    post = edited_course(empty_wordpress)
    answer = empty_wordpress.as_sync("POST", f"{COURSE}/{post['id']}", {"meta": {"mac_price_minor": "mange"}})
    assert answer.status_code == 400
    assert texts_now(empty_wordpress, post) == EDITED


def test_only_the_texts_that_the_import_names_are_cleaned(empty_wordpress: RealWordPress) -> None:
    post = edited_course(empty_wordpress)
    body = {"content": {"raw": DANGEROUS}, "meta": {"mac_price_minor": 4}}
    empty_wordpress.as_sync("POST", f"{COURSE}/{post['id']}", body)
    assert texts_now(empty_wordpress, post) == EDITED | {"content": "<p>Nyt</p>1"}


def test_every_part_of_a_batch_is_cleaned_whatever_came_before_it(empty_wordpress: RealWordPress) -> None:
    kept, failing, changed = (edited_course(empty_wordpress, mac_id) for mac_id in ("3341", "3342", "3343"))
    parts = [
        put(kept, {"meta": {"mac_price_minor": 4}}),
        put(failing, {"meta": {"mac_price_minor": "mange"}}),
        put(changed, dict.fromkeys(TEXTS, DANGEROUS)),
        {"path": COURSE, "body": dict.fromkeys(TEXTS, DANGEROUS) | {"slug": "mc-3344"}},
        put(kept, {"excerpt": DANGEROUS}),
    ]
    answers = empty_wordpress.as_sync("POST", "/batch/v1", {"requests": parts}).json()["responses"]
    assert [part["status"] for part in answers] == [200, 400, 200, 201, 200]
    cleaned = {"title": "Nyt1", "content": "<p>Nyt</p>1", "excerpt": "<p>Nyt</p>1"}
    assert texts_now(empty_wordpress, changed) == texts_now(empty_wordpress, answers[3]["body"]) == cleaned
    assert texts_now(empty_wordpress, failing) == EDITED
    assert texts_now(empty_wordpress, kept) == EDITED | {"excerpt": cleaned["excerpt"]}


def test_the_import_cannot_repeat_an_editors_markup_elsewhere(empty_wordpress: RealWordPress) -> None:
    edited_course(empty_wordpress)
    other = make(empty_wordpress, COURSE, mac_id="3342", content=EDITED["content"])
    assert "<iframe" not in texts_now(empty_wordpress, other)["content"]


def test_updates_by_the_import_leave_no_revisions_behind(empty_wordpress: RealWordPress) -> None:
    """A revision that was cleaned differs from its post, so that every later save would add one more."""
    post = edited_course(empty_wordpress)
    before = revisions(empty_wordpress, post)
    for price in (4, 5, 6):
        empty_wordpress.as_sync("POST", f"{COURSE}/{post['id']}", {"meta": {"mac_price_minor": price}})
    assert revisions(empty_wordpress, post) == before
    assert before[0] == EDITED["content"]


def test_a_revision_made_by_an_update_of_the_import_is_a_true_copy(empty_wordpress: RealWordPress) -> None:
    post = edited_course(empty_wordpress)
    empty_wordpress.as_sync("POST", f"{COURSE}/{post['id']}", {"excerpt": "Kort"})
    newest = revisions(empty_wordpress, post)
    assert (len(newest), newest[0]) == (2, EDITED["content"])


def revisions(site: RealWordPress, post: dict[str, Any]) -> list[str]:
    """The content of a course's revisions, newest first."""
    path = f"{COURSE}/{post['id']}/revisions"
    answer = site.as_admin("GET", path, params={"context": "edit"})
    assert answer.status_code == 200, answer.text
    return [revision["content"]["raw"] for revision in answer.json()]


def test_titles_of_course_dates_and_trainers_are_kept_too(empty_wordpress: RealWordPress) -> None:
    date = make(empty_wordpress)
    empty_wordpress.as_editor("POST", f"{DATE}/{date['id']}", {"title": "A & B"})
    empty_wordpress.as_sync("POST", f"{DATE}/{date['id']}", {"meta": {"mac_seats_free": 3}})
    assert empty_wordpress.all_posts("course_date")[0]["title"]["raw"] == "A & B"
    trainer = empty_wordpress.as_editor("POST", "/wp/v2/trainer", {"title": "A & B", "content": DANGEROUS}).json()
    empty_wordpress.as_sync("POST", f"/wp/v2/trainer/{trainer['id']}", {"status": "draft"})
    now = empty_wordpress.as_admin("GET", f"/wp/v2/trainer/{trainer['id']}", params={"context": "edit"}).json()
    empty_wordpress.as_admin("DELETE", f"/wp/v2/trainer/{trainer['id']}", params={"force": "true"})
    assert (now["title"]["raw"], now["content"]["raw"]) == ("A & B", DANGEROUS)


def test_the_import_has_no_business_outside_posts(real_wordpress: RealWordPress) -> None:
    me = real_wordpress.as_sync("GET", "/wp/v2/users/me", params={"context": "edit"}).json()
    assert me["roles"] == ["course_sync"]
    held = {name for name, has in me["capabilities"].items() if has}
    assert held.isdisjoint({"unfiltered_html", "upload_files", "edit_pages", "manage_options", "list_users"})
    assert real_wordpress.as_sync("POST", "/wp/v2/pages", {"title": "x"}).status_code == 403
    assert real_wordpress.as_sync("GET", "/wp/v2/settings").status_code == 403
