"""What the site has to show of the catalogue, and what only we remember of its posts."""

from datetime import UTC, datetime

import msgspec
import pytest

from integrator.domain.courses import Course, Day, MainCourse, Trainer
from integrator.domain.fetched import Fetched
from integrator.store import open_store
from integrator.store.courses import Catalogue
from integrator.store.posts import Posts, Remembered

NOW = datetime(2027, 2, 1, 12, 0, tzinfo=UTC)
LATER, PAST = "2027-03-03T16:00:00+01:00", "2027-01-01T16:00:00+01:00"


@pytest.fixture
def db(tmp_path):
    made = open_store(tmp_path / "integrator.db", backups=tmp_path).db
    yield made
    made.close()


@pytest.fixture
def posts(db):
    keep(db, "main_course", main("25172"), main("25180", active=False))
    return posts_of(db)


def posts_of(db, *, past="keep", now=NOW):
    return Posts(db, missing_limit=3, past=past, now=now)


def main(key, *, active=True):
    return MainCourse(key, "Ledelse", None, None, "da", None, None, None, None, active, None)


def course(key="25172-04", *, end=LATER, status="open"):
    days = [Day("2027-03-01", "09:00", None, None, None)]
    trainers = [Trainer("ÅØ", "Åse Østergård", "aase@example.org")]
    return Course(
        key, key[:5], "Ledelse", None, None, end, days, None, None, None, 20, 13, 7, None, status, trainers, None
    )


def keep(db, kind, *records, gone=()):
    catalogue = Catalogue(db, kind)
    packed = {record.id: (msgspec.msgpack.encode(record), repr(record).encode()) for record in records}
    with db.tx():
        catalogue.keep(
            Fetched(records=packed), catalogue.known(), gone, missing_limit=3, at=int(NOW.timestamp()), run_id=1
        )


def facts(posts, key="25172-04", kind="course"):
    (wanted,) = posts.wanted(kind, [key])
    return wanted.facts


# what the site has to show ----------------------------------------------------------------------------------


def test_facts_are_the_record_in_our_words_without_people(db, posts):
    keep(db, "course", course())
    found = facts(posts)
    assert found["seats_free"] == 7
    assert found["days"] == [
        {"date": "2027-03-01", "start_time": "09:00", "end_time": None, "venue": None, "city": None}
    ]
    assert (found["show"], found["missing_since"]) == ("publish", None)
    assert "trainers" not in found
    assert "stergård" not in str(found)


@pytest.mark.parametrize(("key", "show"), [("25172", "publish"), ("25180", "draft")])
def test_a_main_course_is_shown_while_it_is_active(posts, key, show):
    found = facts(posts, key, "main_course")
    assert (found["show"], found["current"], found["missing_since"]) == (show, True, None)


@pytest.mark.parametrize(
    ("made", "missing", "past", "show"),
    [
        (course(), 0, "keep", "publish"),
        (course(status="cancelled"), 0, "keep", "draft"),
        (course(), 2, "keep", "publish"),
        (course(), 3, "keep", "draft"),
        (course(end=PAST), 2, "keep", "publish"),
        (course(end=PAST), 3, "keep", "draft"),
        (course(end=PAST), 0, "unpublish", "draft"),
        (course(end=None), 0, "unpublish", "publish"),
    ],
)
def test_a_course_is_shown_by_the_rules_of_the_domain(db, posts, made, missing, past, show):
    keep(db, "course", made)
    for _ in range(missing):
        keep(db, "course", gone=[made.id])
    assert facts(posts_of(db, past=past))["show"] == show


def test_since_when_a_course_is_missing_is_one_of_its_facts(db, posts):
    keep(db, "course", course())
    keep(db, "course", gone=["25172-04"])
    assert facts(posts)["missing_since"] == "2027-02-01T12:00:00+00:00"


def test_a_course_without_its_main_course_is_held_back(db, posts):
    keep(db, "course", course(), course("99999-01"), course("99999-02"))
    assert [wanted.key for wanted in posts.wanted("course")] == ["25172-04"]
    assert list(posts.wanted("course", ["99999-01"])) == []
    assert posts.held_back() == ["99999-01", "99999-02"]
    keep(db, "course", gone=["99999-02"])
    assert posts.held_back() == ["99999-01"]
    keep(db, "main_course", main("99999"))
    assert (posts.held_back(), facts(posts, "99999-01")["show"]) == ([], "publish")


def test_everything_is_told_in_the_order_of_keys_page_by_page(db, posts):
    numbers = [f"25172-{number:04}" for number in range(1203)]
    keep(db, "course", *[course(key) for key in reversed(numbers)])
    assert [wanted.key for wanted in posts.wanted("course")] == numbers


def test_named_records_are_told_as_named_and_unknown_ones_left_out(db, posts):
    keep(db, "course", course(), course("25172-05"))
    assert [wanted.key for wanted in posts.wanted("course", ["25172-05", "00000-01", "25172-04"])] == [
        "25172-05",
        "25172-04",
    ]


def test_rows_may_be_written_while_the_rest_is_told(db, posts):
    keep(db, "course", course(), course("25172-05"))
    for wanted in posts.wanted("course"):
        posts.keep("course", wanted.key, post_id=7, cleaned={}, decided=None)
    assert posts.get("course", "25172-05")["post_id"] == 7


# what we remember -----------------------------------------------------------------------------------------


def memory(posts, key="25172-04"):
    return posts.remembered().get(("course", key))


def written(posts, *, post_id=7, cleaned=None, decided=None):
    posts.keep("course", "25172-04", post_id=post_id, cleaned=cleaned or {}, decided=decided)


def test_a_post_with_nothing_special_is_remembered_as_made_by_us(posts):
    written(posts)
    assert posts.get("course", "25172-04")["post_id"] == 7
    assert posts.remembered() == {("course", "25172-04"): Remembered(True, {}, None, False)}


def test_without_a_post_nothing_is_kept(posts):
    written(posts, post_id=None, cleaned={"title": ["a", "b"]}, decided="draft")
    assert posts.get("course", "25172-04") is None


def test_what_the_site_made_of_our_texts_is_remembered_and_forgotten_field_by_field(posts):
    written(posts, cleaned={"title": ["a", "b"], "excerpt": ["c", "d"], "content": None})
    assert memory(posts) == Remembered(True, {"title": ["a", "b"], "excerpt": ["c", "d"]}, None, False)
    written(posts, cleaned={"title": None, "content": ["e", "f"]})
    assert memory(posts) == Remembered(True, {"excerpt": ["c", "d"], "content": ["e", "f"]}, None, False)
    written(posts)
    assert memory(posts) == Remembered(True, {"excerpt": ["c", "d"], "content": ["e", "f"]}, None, False)
    written(posts, cleaned={"excerpt": None, "content": None})
    assert memory(posts) == Remembered(True, {}, None, False)


@pytest.mark.parametrize("first", [None, "publish"])
def test_that_we_unpublished_a_post_is_remembered_until_we_publish_it(posts, first):
    written(posts, decided=first)
    assert memory(posts) == Remembered(True, {}, None, False)
    written(posts, decided="draft")
    assert memory(posts) == Remembered(True, {}, None, True)
    written(posts)  # an update that decides nothing
    assert memory(posts) == Remembered(True, {}, None, True)
    written(posts, decided="publish")
    assert memory(posts) == Remembered(True, {}, None, False)


def test_a_post_that_is_created_as_a_draft_is_ours_to_publish(posts):
    written(posts, decided="draft")
    assert memory(posts) == Remembered(True, {}, None, True)


def test_the_first_moment_of_unpublishing_stays(db, posts):
    written(posts, decided="draft")
    first = posts.get("course", "25172-04")["unpublished_at"]
    later = posts_of(db, now=datetime(2027, 2, 2, tzinfo=UTC))
    written(later, decided="draft")
    assert posts.get("course", "25172-04")["unpublished_at"] == first == int(NOW.timestamp())


def test_a_new_post_replaces_the_number_of_the_old_one(posts):
    written(posts, cleaned={"title": ["a", "b"]}, decided="draft")
    written(posts, post_id=9)
    assert posts.get("course", "25172-04")["post_id"] == 9
    assert memory(posts) == Remembered(True, {"title": ["a", "b"]}, None, True)


def test_a_status_we_ask_for_is_remembered_until_its_outcome_is_known(posts):
    posts.ask("course", "25172-04", "draft")
    assert memory(posts) == Remembered(False, {}, "draft", False)
    written(posts, decided=None)
    assert memory(posts) == Remembered(True, {}, "draft", False)
    written(posts, decided="draft")
    assert memory(posts) == Remembered(True, {}, None, True)
    posts.ask("course", "25172-04", "publish")
    assert memory(posts) == Remembered(True, {}, "publish", True)
    written(posts, decided="publish")
    assert memory(posts) == Remembered(True, {}, None, False)
