"""The traps of writing to WordPress, each as its own story."""

from typing import Any

import pytest

from .wordpress_replay import Site, json_of

DATE = "/course_date"
EMBED = '<iframe src="https://video.example.org/1"></iframe><p class=x>a & b</p>'


def _new(site: Site, slug: str = "cd-1", kind: str = "course_date", **facts: Any) -> int:
    body = {"title": "Hold", "slug": slug, "status": "publish", **facts}
    return int(site.rest("POST", f"/{kind}", body)["id"])


def test_a_second_create_with_the_same_slug_gets_another_one_silently() -> None:
    site = Site()
    first = site.rest("POST", DATE, {"title": "Hold", "slug": "25172/04", "status": "publish"})
    second = site.rest("POST", DATE, {"title": "Hold", "slug": "25172.04", "status": "publish"})

    assert (first["slug"], second["slug"]) == ("25172-04", "25172-04-2")


def test_danish_letters_are_written_out_only_on_a_site_in_danish() -> None:
    body = {"title": "Hold", "slug": "Ærø Østby Å", "status": "publish"}

    assert Site().rest("POST", DATE, body)["slug"] == "aero-ostby-a"
    assert Site(danish_slugs=True).rest("POST", DATE, body)["slug"] == "aeroe-oestby-aa"


@pytest.mark.parametrize("kind", ["course_date", "trainer", "nometa"])
def test_a_body_of_another_content_type_is_not_read_and_makes_an_empty_draft(kind: str) -> None:
    site = Site()
    answer = site.ask("POST", f"/wp-json/wp/v2/{kind}", '{"title": "x"}', headers={"Content-Type": "text/plain"})

    assert answer.status == 201
    assert [(post["title"], post["status"], post["slug"]) for post in site.posts()] == [("", "draft", "")]


def test_an_empty_course_is_refused_because_it_has_an_editor() -> None:
    site = Site()

    assert site.ask("POST", "/wp-json/wp/v2/course", {}).status == 400
    assert site.posts() == []


def test_a_wrong_meta_type_leaves_a_published_post_with_the_keys_registered_before_it() -> None:
    site = Site()
    # mac_days and mac_city are named first in the request; the order of registration is what counts.
    meta = {"mac_days": [], "mac_sold_out": True, "mac_seats_free": "mange", "mac_city": "Odense", "mac_id": "1"}
    answer = site.ask("POST", "/wp-json/wp/v2/course_date", {"title": "Hold", "status": "publish", "meta": meta})

    assert answer.status == 400
    assert [(post["status"], post["meta"]) for post in site.posts()] == [
        ("publish", {"mac_id": "1", "mac_city": "Odense"})
    ]
    assert [(effect["what"], effect["half"]) for effect in site.effects] == [("created", True)]


def test_a_status_that_is_none_leaves_nothing_behind() -> None:
    site = Site()
    answer = site.ask("POST", "/wp-json/wp/v2/course_date", {"title": "Hold", "status": "aktiv"})

    assert answer.status == 400
    assert site.posts() == []


def test_a_half_update_has_changed_the_title() -> None:
    site = Site()
    post = _new(site, meta={"mac_city": "Odense"})
    body = {"title": "Nyt", "meta": {"mac_city": "Aarhus", "locked_key": "x", "mac_clean": "y"}}

    assert site.ask("PUT", f"/wp-json/wp/v2/course_date/{post}", body).status == 403
    assert [(stored["title"], stored["meta"]) for stored in site.posts()] == [("Nyt", {"mac_city": "Aarhus"})]


def test_strict_meta_keeps_the_editors_keys_from_the_sync_after_the_post_is_stored() -> None:
    site = Site(strict_meta=True)
    answer = site.ask("POST", "/wp-json/wp/v2/course_date", {"title": "Hold", "meta": {"mac_id": "1", "ed_times": "9"}})
    post = site.posts()[0]
    editor = site.ask("PUT", f"/wp-json/wp/v2/course_date/{post['id']}", {"meta": {"mac_id": "2"}}, user="editor")

    assert (answer.status, json_of(answer)["data"]["key"]) == (403, "ed_times")
    assert (editor.status, json_of(editor)["data"]["key"]) == (403, "mac_id")
    assert post["meta"] == {"mac_id": "1"}


def test_null_deletes_a_key_but_an_integer_that_was_never_set_is_a_500() -> None:
    site = Site()
    post = _new(site, meta={"mac_seats_free": 7})
    path = f"/wp-json/wp/v2/course_date/{post}"

    assert json_of(site.ask("PUT", path, {"meta": {"mac_seats_free": None}}))["meta"]["mac_seats_free"] == 0
    again = site.ask("PUT", path, {"meta": {"mac_seats_free": None}})
    assert (again.status, json_of(again)["code"]) == (500, "rest_invalid_stored_value")


def test_an_unchanged_update_still_sets_modified() -> None:
    site = Site()
    post = _new(site)
    before = site.posts()[0]["modified"]
    site.clock.go_on()
    site.rest("PUT", f"{DATE}/{post}", {})

    assert site.posts()[0]["modified"] != before
    assert site.effects[-1]["keys"] == []


def test_an_update_of_one_meta_key_takes_the_editors_embed_out_of_the_content() -> None:
    site = Site()
    post = _new(site, kind="course")
    site.standin.seed({"edit": {"post": post, "as": "editor", "title": "A & B", "content": EMBED}})
    assert site.posts()[0]["content"] == EMBED

    site.rest("PUT", f"/course/{post}", {"meta": {"mac_title": "x"}})

    assert (site.posts()[0]["content"], site.posts()[0]["title"]) == ('<p class="x">a &amp; b</p>', "A &amp; B")
    assert site.effects[-1]["keys"] == ["title", "content", "meta.mac_title"]


def test_only_changed_texts_make_a_revision() -> None:
    site = Site()
    post = _new(site, kind="course", content="et")
    for body in ({"meta": {"mac_title": "x"}}, {"meta": {"mac_title": "y"}}, {"content": "to"}, {"content": "to"}):
        site.rest("PUT", f"/course/{post}", body)

    assert site.posts()[0]["revisions"] == 2
    assert _new(site, "næste", "course") == post + 3


def test_a_future_date_hides_the_post() -> None:
    site = Site()
    post = _new(site, date="2027-03-01T09:00:00")

    assert site.posts()[0]["status"] == "future"
    assert site.ask("GET", f"/wp-json/wp/v2/course_date/{post}", user=None).status == 401


def test_trash_restore_and_delete() -> None:
    site = Site()
    post = _new(site, meta={"ed_times": "9-16"})
    path = f"/wp-json/wp/v2/course_date/{post}"

    assert json_of(site.ask("DELETE", path))["slug"] == "cd-1__trashed"
    assert site.ask("DELETE", path).status == 410
    assert site.ask("PUT", path, {"meta": {"mac_city": "Odense"}}).status == 200
    assert site.posts()[0]["status"] == "trash"
    restored = json_of(site.ask("POST", path, {"status": "draft"}))
    assert (restored["slug"], restored["status"], restored["meta"]["ed_times"]) == ("cd-1", "draft", "9-16")
    assert json_of(site.ask("DELETE", f"{path}?force=true"))["deleted"] is True
    assert site.ask("DELETE", f"{path}?force=true").status == 404
    assert [effect["what"] for effect in site.effects] == ["created", "trashed", "updated", "restored", "deleted"]


def test_a_restored_post_gives_way_when_its_slug_is_taken() -> None:
    site = Site()
    post = _new(site)
    site.rest("DELETE", f"{DATE}/{post}")
    _new(site)

    assert site.rest("POST", f"{DATE}/{post}", {"status": "publish"})["slug"] == "cd-1-2"


def test_a_site_without_trash_answers_501() -> None:
    site = Site(trash=False)
    post = _new(site)
    answer = site.ask("DELETE", f"/wp-json/wp/v2/course_date/{post}")

    assert (answer.status, json_of(answer)["code"]) == (501, "rest_trash_not_supported")
    assert site.ask("DELETE", f"/wp-json/wp/v2/course_date/{post}?force=true").status == 200


def _batch(site: Site, *parts: dict[str, Any], **more: Any) -> Any:
    how = {"user": more.pop("user", "sync")}
    return json_of(site.ask("POST", "/wp-json/batch/v1", {"requests": list(parts), **more}, **how))


def test_a_batch_is_no_transaction() -> None:
    site = Site()
    path = "/wp/v2/course_date"
    bad = {"title": "b", "meta": {"mac_id": "b", "mac_seats_free": "mange"}}
    answer = _batch(site, {"path": path, "body": {"title": "a"}}, {"path": path, "body": bad}, {"path": "/wp/v2/nej"})

    assert [part["status"] for part in answer["responses"]] == [201, 400, 404]
    assert [post["title"] for post in site.posts()] == ["a", "b"]


def test_require_all_validate_looks_at_declared_fields_only() -> None:
    site = Site()
    strict = {"validation": "require-all-validate"}
    path = "/wp/v2/course_date"
    refused = _batch(site, {"path": path, "body": {"title": "a"}}, {"path": path, "body": {"status": "x"}}, **strict)
    assert (refused["failed"], refused["responses"][0], site.posts()) == ("validation", None, [])

    bad = {"title": "b", "meta": {"mac_seats_free": "mange"}}
    passed = _batch(site, {"path": path, "body": {"title": "a"}}, {"path": path, "body": bad}, **strict)
    assert [part["status"] for part in passed["responses"]] == [201, 400]


def test_a_path_that_cannot_be_parsed_kills_the_batch_before_anything_ran() -> None:
    site = Site()
    parts = [{"path": "/wp/v2/course_date", "body": {"title": "a"}}, {"path": "http:///x"}]

    assert site.ask("POST", "/wp-json/batch/v1", {"requests": parts}).status == 500
    assert site.posts() == []


def test_the_site_says_how_long_a_batch_may_be() -> None:
    site = Site(batch_max=10)
    options = json_of(site.ask("OPTIONS", "/wp-json/batch/v1"))
    parts = [{"path": "/wp/v2/course_date", "body": {"title": "a"}}] * 11

    assert options["endpoints"][0]["args"]["requests"]["maxItems"] == 10
    assert site.ask("POST", "/wp-json/batch/v1", {"requests": parts}).status == 400
    assert site.posts() == []


def test_some_writes_die_between_the_post_and_its_meta() -> None:
    site = Site(half_fail=0.5)
    bodies = [{"title": "Hold", "slug": f"cd-{n}", "status": "publish", "meta": {"mac_id": str(n)}} for n in range(40)]
    statuses = [site.ask("POST", "/wp-json/wp/v2/course_date", body).status for body in bodies]

    assert len(site.posts()) == 40
    assert 0 < statuses.count(500) < 40
    assert sum("mac_id" not in post["meta"] for post in site.posts()) == statuses.count(500)
