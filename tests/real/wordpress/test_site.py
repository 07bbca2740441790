"""The bench itself: its counters, faults and edit form do what the other tests here rely on."""

from __future__ import annotations

import httpx
import pytest
from wordpress_form import open_form
from wordpress_site import RealWordPress

DATE = "/wp/v2/course_date"


def make(site: RealWordPress, **fields: object) -> int:
    answer = site.as_sync("POST", DATE, {"title": "Hold", "status": "publish", "meta": {"mac_id": "25172-04"}} | fields)
    assert answer.status_code == 201, answer.text
    post_id: int = answer.json()["id"]
    return post_id


def test_wipe_takes_drafts_and_trash_along(empty_wordpress: RealWordPress) -> None:
    make(empty_wordpress, status="draft")
    empty_wordpress.as_admin("DELETE", f"{DATE}/{make(empty_wordpress)}")
    assert [post["status"] for post in empty_wordpress.all_posts("course_date")] == ["draft", "trash"]
    assert empty_wordpress.wipe() == 2
    assert empty_wordpress.all_posts("course_date") == []


def test_all_posts_walks_every_page(empty_wordpress: RealWordPress) -> None:
    for start in range(0, 120, 20):
        parts = [{"path": DATE, "body": {"title": f"Hold {n}", "status": "draft"}} for n in range(start, start + 20)]
        empty_wordpress.as_sync("POST", "/batch/v1", {"requests": parts})
    found = [post["title"]["raw"] for post in empty_wordpress.all_posts("course_date", fields="id,title")]
    assert found == [f"Hold {n}" for n in range(120)]


def test_writes_are_counted_by_login_and_reads_are_not(empty_wordpress: RealWordPress) -> None:
    mark = empty_wordpress.mark()
    post_id = make(empty_wordpress)
    empty_wordpress.as_editor("PUT", f"{DATE}/{post_id}", {"title": "Andet hold"})
    empty_wordpress.as_sync("OPTIONS", DATE)
    empty_wordpress.as_sync("GET", DATE)
    assert empty_wordpress.writes_since(mark) == 2
    assert empty_wordpress.writes_since(mark, user="sync") == 1
    assert [(one.method, one.user) for one in empty_wordpress.asked_since(mark)] == [
        ("POST", "sync"),
        ("PUT", "editor"),
        ("OPTIONS", "sync"),
        ("GET", "sync"),
    ]


@pytest.mark.parametrize(
    ("fault", "status", "stored"),
    [("before:503", 503, 0), ("429", 429, 0), ("after:500", 500, 1), ("after:fatal", 500, 1)],
)
def test_an_armed_fault_strikes_once(empty_wordpress: RealWordPress, fault: str, status: int, stored: int) -> None:
    empty_wordpress.arm_fault(fault, path=DATE)
    assert empty_wordpress.as_sync("GET", DATE).status_code == 200
    assert empty_wordpress.as_sync("POST", DATE, {"title": "Hold"}).status_code == status
    assert len(empty_wordpress.all_posts("course_date")) == stored
    make(empty_wordpress)


@pytest.mark.parametrize("fault", ["notice", "login-page"])
def test_a_foreign_body_hides_a_write_that_was_done(empty_wordpress: RealWordPress, fault: str) -> None:
    empty_wordpress.arm_fault(fault, path=DATE)
    answer = empty_wordpress.as_sync("POST", DATE, {"title": "Hold"})
    assert answer.text.startswith("<")
    assert answer.status_code in (200, 201)
    assert len(empty_wordpress.all_posts("course_date")) == 1


def test_a_fault_on_a_batch_leaves_its_parts_done(empty_wordpress: RealWordPress) -> None:
    empty_wordpress.arm_fault("after:500", path="/batch/v1")
    parts = [{"path": DATE, "body": {"title": f"Hold {n}"}} for n in range(3)]
    assert empty_wordpress.as_sync("POST", "/batch/v1", {"requests": parts}).status_code == 500
    assert len(empty_wordpress.all_posts("course_date")) == 3


def test_the_server_goes_on_when_the_client_gives_up(empty_wordpress: RealWordPress) -> None:
    empty_wordpress.arm_fault("sleep-before:1", path=DATE)
    with pytest.raises(httpx.ReadTimeout):
        empty_wordpress.as_sync("POST", DATE, {"title": "Hold", "status": "publish"}, timeout=0.3)
    assert empty_wordpress.all_posts("course_date") == []
    empty_wordpress.arm_fault("sleep-before:2", method="GET", path="late")
    empty_wordpress.as_sync("GET", DATE, params={"_fields": "id", "late": "1"})
    assert len(empty_wordpress.all_posts("course_date")) == 1


def test_an_editors_open_form_puts_acf_back_and_leaves_maconomys_fields(empty_wordpress: RealWordPress) -> None:
    post_id = make(empty_wordpress, acf={"ledige": 7}, meta={"mac_id": "25172-04", "mac_seats_free": 7})
    form = open_form(empty_wordpress, post_id)
    empty_wordpress.as_sync("POST", f"{DATE}/{post_id}", {"acf": {"ledige": 2}, "meta": {"mac_seats_free": 2}})
    form.values["post_title"] = "Hold med ny titel"
    form.save()
    post = empty_wordpress.all_posts("course_date")[0]
    assert (post["title"]["raw"], post["acf"]["ledige"], post["meta"]["mac_seats_free"]) == ("Hold med ny titel", 7, 2)


@pytest.mark.parametrize("who", ["editor", "admin"])
def test_the_edit_form_offers_enrichment_and_hides_maconomys_fields(empty_wordpress: RealWordPress, who: str) -> None:
    post_id = make(empty_wordpress, acf={"ledige": 7})
    empty_wordpress.as_editor("POST", f"{DATE}/{post_id}", {"meta": {"ed_times": "9-16"}})
    assert open_form(empty_wordpress, post_id, who).custom_fields() == {"ledige": "7", "ed_times": "9-16"}
