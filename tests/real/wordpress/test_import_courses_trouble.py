"""import-courses on a real WordPress where something is wrong: editors' forms, errors after the effect, no access."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sync_home import SyncHome, picture, posts_by_id, sync_home
from wordpress_form import open_form
from wordpress_site import RealWordPress

LEDIGE = '"acf.ledige" = { owner = "backend", from = "seats_free" }'


@pytest.fixture
def small(empty_wordpress: RealWordPress, tmp_path: Path) -> Iterator[SyncHome]:
    """Nothing on the site yet; sixty main courses and dates to come."""
    with sync_home(tmp_path / "home", empty_wordpress, {"main_courses": 60, "courses": 60}) as sync:
        sync.configure(wordpress="settle_s = 1")
        yield sync


def level(sync: SyncHome) -> None:
    result = sync.run("import-courses")
    assert (result.code, result.out) == (0, ""), result.err


def writes_of_the_next_run(sync: SyncHome) -> int:
    mark = sync.site.mark()
    level(sync)
    return sync.site.writes_since(mark, user="sync")


def test_an_acf_field_of_ours_that_an_open_form_set_back_is_put_right(
    empty_wordpress: RealWordPress, tmp_path: Path
) -> None:
    with sync_home(tmp_path / "home", empty_wordpress, {"main_courses": 1, "courses": 1}) as sync:
        sync.configure(course_fields=LEDIGE)
        (key,) = sync.maconomy.courses.ids()
        sync.maconomy.courses.update(key, {"maxParticipants": 20, "freeSeats": 7})
        level(sync)
        post = posts_by_id(empty_wordpress, "course_date")[key]
        assert post["acf"]["ledige"] == 7
        empty_wordpress.as_editor("POST", f"/wp/v2/course_date/{post['id']}", {"acf": {"lokale": "Sal 3"}})
        form = open_form(empty_wordpress, post["id"])
        sync.maconomy.courses.update(key, {"freeSeats": 2})
        level(sync)
        form.values["post_title"] = "Ny titel"
        form.save()
        assert posts_by_id(empty_wordpress, "course_date")[key]["acf"]["ledige"] == 7
        assert writes_of_the_next_run(sync) == 1
        now = posts_by_id(empty_wordpress, "course_date")[key]
        assert (now["acf"], now["title"]["raw"]) == ({"ledige": 2, "lokale": "Sal 3"}, "Ny titel")
        assert writes_of_the_next_run(sync) == 0


@pytest.mark.parametrize("fault", ["after:500", "after:fatal", "login-page", "notice"])
def test_half_of_the_posts_answering_nonsense_after_the_effect_leaves_no_duplicate(small: SyncHome, fault: str) -> None:
    small.site.arm_fault(fault, path="/batch/v1", times=1000, every=2)
    mark = small.site.mark()
    level(small)
    batches = [one for one in small.site.asked_since(mark) if (one.method, one.user) == ("POST", "sync")]
    assert len(batches) == 12  # ten posts at once, sixty of each type: none was sent a second time
    assert small.site.faults_left() == 994
    small.site.disarm_faults()
    assert set(posts_by_id(small.site, "course")) == set(small.maconomy.mains.ids())
    assert set(posts_by_id(small.site, "course_date")) == set(small.maconomy.courses.ids())
    assert writes_of_the_next_run(small) == 0


def test_a_batch_of_updates_answering_500_is_brought_level_all_the_same(small: SyncHome) -> None:
    level(small)
    small.maconomy.seed({"set": {key: {"city": "Køge"} for key in small.maconomy.courses.ids()}})
    small.site.arm_fault("before:500", path="/batch/v1", times=1000, every=2)
    level(small)
    assert small.site.faults_left() < 1000  # and each of those batches was sent once more
    small.site.disarm_faults()
    cities = {post["meta"]["mac_city"] for post in posts_by_id(small.site, "course_date").values()}
    assert cities == {"Køge"}
    assert writes_of_the_next_run(small) == 0


def test_a_wrong_password_stops_the_run_before_it_reads_a_site_without_drafts(small: SyncHome) -> None:
    """WordPress answers lists to a wrong password as to a visitor: a draft would look as if it were not there."""
    level(small)
    for post in posts_by_id(small.site, "course_date").values():
        small.site.as_editor("POST", f"/wp/v2/course_date/{post['id']}", {"status": "draft"})
    before = picture(small.site)
    small.configure(password="not the password")
    mark = small.site.mark()
    result = small.run("import-courses")
    assert (result.code, result.out) == (1, "")
    assert "nothing was sent" in result.err
    assert [one.method for one in small.site.asked_since(mark)] == ["GET"]
    assert picture(small.site) == before


def test_a_site_without_the_plugin_stops_the_run(small: SyncHome, tmp_path: Path) -> None:
    mark = small.site.mark()
    with plugin_taken_away(small.site, tmp_path):
        result = small.run("import-courses")
    assert (result.code, result.out) == (1, "")
    assert "nothing was sent" in result.err
    assert "config/wordpress/ili-courses.php" in result.err
    assert small.site.writes_since(mark) == 0
    level(small)
    assert len(posts_by_id(small.site, "course_date")) == 60


@contextmanager
def plugin_taken_away(site: RealWordPress, folder: Path) -> Iterator[None]:
    plugin = site.state / "wp-content" / "mu-plugins" / "ili-courses.php"
    content = plugin.read_bytes()
    plugin.unlink()
    try:
        yield
    finally:
        plugin.write_bytes(content)
        plugin.chmod(0o644)
