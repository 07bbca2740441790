"""A thousand main courses and dates on a real WordPress: filled, enriched by editors, and killed at any moment."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

import pytest
from sync_home import KILLED, Pictures, SyncHome, picture, posts_by_id, sync_home
from wordpress_site import RealWordPress

COURSES = 1000
KILLS = 20
START_S = 1.0  # about how long a command takes until its first write
SEED = {"main_courses": COURSES, "courses": COURSES}


@dataclass
class Filled:
    """The site after one undisturbed run, how long that took, and what it showed then."""

    sync: SyncHome
    seconds: float
    shown: dict[str, Pictures]


@pytest.fixture(scope="module")
def filled(
    real_wordpress: RealWordPress, tmp_path_factory: pytest.TempPathFactory, figures: list[str]
) -> Iterator[Filled]:
    real_wordpress.wipe()
    with sync_home(tmp_path_factory.mktemp("filled") / "home", real_wordpress, SEED) as sync:
        mark, begun = real_wordpress.mark(), time.monotonic()
        result = sync.run("import-courses")
        seconds = time.monotonic() - begun
        assert (result.code, result.out) == (0, ""), result.err
        writes = real_wordpress.writes_since(mark, user="sync")
        figures.append(f"first run    {2 * COURSES} posts made in {seconds:.1f} s with {writes} writing requests")
        yield Filled(sync, seconds, picture(real_wordpress))


def writes_of_the_next_run(sync: SyncHome) -> int:
    """Run once more, to its good end."""
    mark = sync.site.mark()
    result = sync.run("import-courses")
    assert (result.code, result.out) == (0, ""), result.err
    return sync.site.writes_since(mark, user="sync")


def one_date(sync: SyncHome, number: int = 0) -> dict[str, Any]:
    """A published course date as the site has it now."""
    shown = [post for post in posts_by_id(sync.site, "course_date").values() if post["status"] == "publish"]
    return shown[number]


def test_the_first_run_makes_one_post_per_record(filled: Filled) -> None:
    mains, dates = filled.shown["course"], filled.shown["course_date"]
    maconomy = filled.sync.maconomy
    assert set(mains) == set(maconomy.mains.ids())
    assert set(dates) == set(maconomy.courses.ids())
    assert {key: post["meta"]["mac_title"] for key, post in mains.items()} == {
        key: maconomy.mains.get(key)["name"] for key in mains
    }
    assert {key: _facts(post["meta"]) for key, post in dates.items()} == {
        key: _said(maconomy.courses.get(key)) for key in dates
    }
    assert all(post["slug"] == f"cd-{key}" for key, post in dates.items())


def _facts(meta: dict[str, Any]) -> tuple[Any, ...]:
    return meta["mac_course_post"], meta["mac_city"], meta["mac_seats_total"], meta["mac_seats_free"]


def _said(record: dict[str, Any]) -> tuple[Any, ...]:
    """The same in Maconomy's words; a field that is not there reads as its type's default."""
    seats = record["maxParticipants"] or 0, record["freeSeats"] or 0
    return record["mainCourseId"], record["city"], *seats


def test_a_second_run_sends_nothing(filled: Filled, figures: list[str]) -> None:
    begun = time.monotonic()
    assert writes_of_the_next_run(filled.sync) == 0
    figures.append(f"second run   0 writing requests, {time.monotonic() - begun:.1f} s")
    assert picture(filled.sync.site) == filled.shown


def test_what_editors_wrote_survives_the_next_sync(filled: Filled) -> None:
    sync = filled.sync
    date = one_date(sync)
    main = posts_by_id(sync.site, "course")[date["meta"]["mac_maincourse_id"]]
    on_date = {
        "title": "A & B: <em>ny titel</em>",
        "meta": {"ed_times": "9-16 <b>alle dage</b>", "ed_trainers": [3, 4]},
        "acf": {"lokale": "Sal 3 & 4"},
    }
    on_main = {"title": "C & D", "content": '<iframe src="https://video.example.org/?a=1&b=2"></iframe>'}
    assert sync.site.as_editor("POST", f"/wp/v2/course_date/{date['id']}", on_date).status_code == 200
    assert sync.site.as_editor("POST", f"/wp/v2/course/{main['id']}", on_main).status_code == 200
    sync.maconomy.seed({"set": {date["meta"]["mac_id"]: {"freeSeats": 3, "maxParticipants": 30, "city": "Køge"}}})
    sync.maconomy.mains.update(main["meta"]["mac_id"], {"price": "1.234,00"})
    assert writes_of_the_next_run(sync) == 2
    date_now = posts_by_id(sync.site, "course_date")[date["meta"]["mac_id"]]
    main_now = posts_by_id(sync.site, "course")[main["meta"]["mac_id"]]
    assert (date_now["meta"]["mac_seats_free"], date_now["meta"]["mac_city"]) == (3, "Køge")
    assert main_now["meta"]["mac_price_minor"] == 123400
    assert date_now["title"]["raw"] == on_date["title"]
    assert date_now["meta"].items() >= {"ed_times": "9-16 <b>alle dage</b>", "ed_trainers": [3, 4]}.items()
    assert date_now["acf"]["lokale"] == "Sal 3 & 4"
    assert (main_now["title"]["raw"], main_now["content"]["raw"]) == (on_main["title"], on_main["content"])
    assert writes_of_the_next_run(sync) == 0


def test_a_seat_count_set_back_by_hand_is_put_right(filled: Filled) -> None:
    date = one_date(filled.sync, 1)
    path = f"/wp/v2/course_date/{date['id']}"
    wrong = {"meta": {"mac_seats_free": date["meta"]["mac_seats_free"] + 7}}
    assert filled.sync.site.as_admin("POST", path, wrong).status_code == 200
    assert writes_of_the_next_run(filled.sync) == 1
    now = posts_by_id(filled.sync.site, "course_date")[date["meta"]["mac_id"]]
    assert now["meta"]["mac_seats_free"] == date["meta"]["mac_seats_free"]


def test_killed_at_twenty_moments_it_leaves_exactly_one_post_per_id(
    filled: Filled, empty_wordpress: RealWordPress, tmp_path_factory: pytest.TempPathFactory, figures: list[str]
) -> None:
    random = Random(20)
    with sync_home(tmp_path_factory.mktemp("killed") / "home", empty_wordpress, SEED) as sync:
        sync.configure(wordpress="settle_s = 2")
        begun = time.monotonic()
        left: list[dict[str, int]] = []
        while len(left) < KILLS:
            longest_s = 2 * (START_S + rest_s(filled, sync) / (KILLS - len(left)))
            result = sync.run("import-courses", killed_after_s=random.uniform(0.1, longest_s))
            assert result.code in (0, KILLED), result.err
            if result.code == KILLED:
                left.append(sync.outbox())
        result = sync.run("import-courses")
        seconds = time.monotonic() - begun
        assert (result.code, result.out) == (0, ""), result.err
        assert picture(sync.site) == filled.shown
        assert sync.outbox() == {"completed": 2 * COURSES}
        assert sync.rows("PRAGMA integrity_check") == [("ok",)]
        assert writes_of_the_next_run(sync) == 0
    halfway = sum(0 < outbox.get("completed", 0) < 2 * COURSES for outbox in left)
    open_requests = sum(outbox.get("processing", 0) > 0 for outbox in left)
    figures.append(
        f"kill -9      {KILLS} times, {halfway} of them with some posts made and others not, {open_requests} in the"
        f" middle of a request; level after {seconds:.1f} s, one post per id"
    )
    assert halfway >= KILLS // 4, "the kills came too early or too late to say anything"


def rest_s(filled: Filled, sync: SyncHome) -> float:
    """About how long an undisturbed run would still need, so that the moments reach from its start to its end."""
    done = sync.outbox().get("completed", 0)
    return filled.seconds * (1 - done / (2 * COURSES))
