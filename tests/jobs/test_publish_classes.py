"""publish-classes: what Trainingportal sells of us is level with the store, and nothing else there is touched."""

import msgspec
import pytest

from integrator.database import connect
from integrator.domain.portal import PortalClass
from integrator.errors import InDoubt, Rejected, Unavailable
from integrator.store.courses import SetAside
from onerun import bare
from portal_shop import HOUR, NOW, Shop, a_class, keep_classes, publish

CLASS, OTHER = "25172-04", "25172-05"


@pytest.fixture
def home(tmp_path):
    return bare(tmp_path / "home")


@pytest.fixture
def shop():
    return Shop()


@pytest.fixture
def sold(home, shop):
    """A home whose two classes are published."""
    keep_classes(home, a_class(), a_class(OTHER))
    assert publish(home, shop).exit_code == 0
    shop.taken()
    return home


def rows(home, sql):
    db = connect(home.var / "integrator.db")
    try:
        return [tuple(row) for row in db.all(sql)]
    finally:
        db.close()


def states(home):
    return dict(rows(home, "SELECT class_id, state FROM published_classes"))


def aside(home):
    db = connect(home.var / "integrator.db")
    try:
        return {key: row["code"] for key, row in SetAside(db).of("portal class").items()}
    finally:
        db.close()


def import_again(home, *courses, gone=(), at):
    keep_classes(home, *courses, gone=gone, at=at)


# what is published ----------------------------------------------------------------------------------


def test_classes_of_registered_courses_are_added_and_nothing_is_sent_again(home, shop):
    keep_classes(home, a_class(), a_class(OTHER, status="full", seats_free=0), a_class("25180-01"))
    first = publish(home, shop)
    assert (first.exit_code, shop.taken()) == (0, [(CLASS, "added", []), (OTHER, "added", [])])
    assert first.counts == {"classes.for_sale": 2, "trainingportal.class.added": 2}
    assert (shop.there[CLASS].seats, shop.there[OTHER].seats) == (7, 0)
    assert states(home) == {CLASS: "published", OTHER: "published"}
    again = publish(home, shop, at=NOW + 600)
    assert (again.exit_code, shop.taken()) == (0, [])
    assert again.counts == {"classes.read": 2, "classes.for_sale": 2}


def test_their_name_of_a_course_is_the_one_that_is_used(home):
    shop = Shop(courses_there=["GSK-4D"])
    keep_classes(home, a_class())
    publish(home, shop, names={"GSK-4D": "25172"})
    assert shop.there[CLASS].course_id == "GSK-4D"


def test_a_seat_sold_is_the_only_thing_that_travels(sold, shop):
    import_again(sold, a_class(seats_free=6, seats_taken=14), at=NOW)
    publish(sold, shop, at=NOW + 600)
    assert shop.taken() == [(CLASS, "updated", ["seats"])]
    assert shop.there[CLASS].seats == 6


def test_seats_that_we_hold_are_taken_off_until_a_list_counts_them(sold, shop):
    db = connect(sold.var / "integrator.db")
    db.write(
        "INSERT INTO orders (request_key, class_id, class, seats_asked, seats, state, reserved_at, expires_at,"
        " changed_at, channel) VALUES ('k', ?, '{}', 1, 3, 'reserved', ?2, ?2, ?2, 'trainingportal')",
        (CLASS, NOW),
    )
    db.close()
    publish(sold, shop)
    assert shop.there[CLASS].seats == 4


def test_deadlines_follow_the_policy(home, shop):
    (home.jobs / "publish-classes.toml").write_text(
        'schedule = "*/10 * * * *"\ntimeout = "8m"\nenrollment_deadline_days = 3\ncancellation_deadline_days = 30\n'
    )
    keep_classes(home, a_class())
    publish(home, shop)
    there = shop.there[CLASS]
    assert (there.enrollment_deadline, there.cancellation_deadline) == ("2027-02-26", "2027-01-30")


def test_a_dry_run_lists_what_it_would_send_and_changes_nothing(home, shop):
    keep_classes(home, a_class())
    report = publish(home, shop, dry_run=True)
    assert [(effect, preview.key) for effect, preview in report.plan] == [("trainingportal.class", CLASS)]
    assert (shop.sent, states(home)) == ([], {})


# what is refused ------------------------------------------------------------------------------------


def test_a_class_that_cannot_be_sold_is_said_by_one_run_and_then_in_status(home, shop):
    keep_classes(home, a_class(currency="SEK"), a_class(OTHER), a_class("25172-06", venue=None))
    for at, code in ((NOW, 3), (NOW + 600, 0)):
        report = publish(home, shop, at=at)
        assert (report.exit_code, sorted(report.failed)) == (code, [f"class {CLASS}", "class 25172-06"][:code])
        assert report.notes == {"currency": (1, [CLASS]), "no_address": (1, ["25172-06"])}
        assert aside(home) == {CLASS: "currency", "25172-06": "no_address"}
    assert list(shop.there) == [OTHER]
    import_again(home, a_class(), at=NOW + 700)
    publish(home, shop, at=NOW + 1_200)
    assert aside(home) == {"25172-06": "no_address"}
    assert sorted(shop.there) == [CLASS, OTHER]
    import_again(home, a_class(currency="SEK"), at=NOW + 1_300)
    assert list(publish(home, shop, at=NOW + 1_800).failed) == [f"class {CLASS}"]  # once more: it was well meanwhile


def test_another_reason_why_a_class_cannot_be_sold_is_news(home, shop):
    keep_classes(home, a_class(currency="SEK"))
    publish(home, shop)
    import_again(home, a_class(venue=None), at=NOW + 60)
    report = publish(home, shop, at=NOW + 600)
    assert (report.exit_code, aside(home)) == (3, {CLASS: "no_address"})


def test_of_many_classes_that_cannot_be_sold_the_first_hundred_are_said(home, shop):
    keep_classes(home, *(a_class(f"25172-{number}", currency="SEK") for number in range(100, 230)))
    assert len(publish(home, shop).failed) == 100
    assert (publish(home, shop, at=NOW + 600).exit_code, len(aside(home))) == (0, 130)


def test_a_class_refused_by_them_is_tried_once_and_the_others_go_on(home, shop):
    keep_classes(home, a_class(), a_class(OTHER))
    shop.fails[CLASS] = Rejected("location is too long")
    report = publish(home, shop)
    assert (report.exit_code, list(shop.there)) == (3, [OTHER])
    assert report.failed == {f"trainingportal.class {CLASS}": "location is too long"}
    again = publish(home, shop, at=NOW + 600)
    assert (again.exit_code, again.counts["trainingportal.class.failed_before"]) == (0, 1)
    shop.fails.clear()
    import_again(home, a_class(venue=msgspec.structs.replace(a_class().venue, name="Hal")), at=NOW + 700)
    assert publish(home, shop, at=NOW + 1_200).exit_code == 0
    assert shop.there[CLASS].location == "Hal"


def test_while_they_cannot_be_had_a_message_waits_and_the_newest_seats_go_out_later(sold, shop):
    import_again(sold, a_class(seats_free=5), at=NOW)
    shop.fails[CLASS] = Unavailable("503")
    assert publish(sold, shop, at=NOW + 600).exit_code == 75
    shop.fails.clear()
    import_again(sold, a_class(seats_free=7), at=NOW + 700)
    publish(sold, shop, at=NOW + 1_200)
    assert shop.there[CLASS].seats == 7
    assert rows(sold, "SELECT DISTINCT state FROM outbox") == [("completed",)]


@pytest.mark.parametrize("status", ["planned", "closed", "cancelled"])
def test_a_class_that_still_waits_and_is_not_for_sale_any_more_never_leaves(home, shop, status):
    keep_classes(home, a_class(), a_class(OTHER))
    shop.fails[CLASS] = Unavailable("no answer", code="odd")
    assert publish(home, shop).exit_code == 75
    shop.fails.clear()
    for at in (NOW, NOW + 300):
        import_again(home, a_class(status=status), at=at)
    report = publish(home, shop, at=NOW + 600)
    assert (report.exit_code, list(shop.there)) == (0, [OTHER])
    assert report.counts["trainingportal.class.taken_back"] == 1
    import_again(home, a_class(), at=NOW + 700)
    publish(home, shop, at=NOW + 1_200)
    assert shop.there[CLASS].seats == 7


def test_a_class_that_begins_while_it_waits_is_not_published(home, shop):
    keep_classes(home, a_class(start="2027-01-15T10:00:00+01:00"), a_class(OTHER))
    shop.fails[CLASS] = Unavailable("no answer", code="odd")
    publish(home, shop)
    shop.fails.clear()
    assert (publish(home, shop, at=NOW + 2 * HOUR).exit_code, list(shop.there)) == (0, [OTHER])


def test_in_doubt_and_not_there_a_class_that_is_not_for_sale_any_more_does_not_leave(home, shop):
    keep_classes(home, a_class(), a_class(OTHER))
    shop.fails[CLASS] = InDoubt("no answer")
    publish(home, shop)
    shop.fails.clear()
    import_again(home, a_class(status="closed"), at=NOW)
    assert (publish(home, shop, at=NOW + 600).exit_code, list(shop.there)) == (75, [OTHER])
    assert (publish(home, shop, at=NOW + 1_200).exit_code, list(shop.there)) == (0, [OTHER])
    assert rows(home, f"SELECT * FROM outbox WHERE key = '{CLASS}'") == []


# what is not open any more -------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["planned", "closed", "waitlist"])
def test_a_class_that_is_not_open_any_more_keeps_its_place_without_seats(sold, shop, status):
    import_again(sold, a_class(status=status), at=NOW)
    for at in (NOW + 600, NOW + 1_200):
        publish(sold, shop, at=at)
    assert (shop.taken(), shop.there[CLASS].seats) == ([(CLASS, "updated", ["seats"])], 0)


def test_a_cancelled_class_sells_nothing_at_once_and_goes_after_a_second_list(sold, shop):
    import_again(sold, a_class(status="cancelled"), at=NOW)
    publish(sold, shop, at=NOW + 600)
    assert (shop.taken(), shop.there[CLASS].seats) == ([(CLASS, "updated", ["seats"])], 0)
    import_again(sold, at=NOW + HOUR)
    for at in (NOW + HOUR + 600, NOW + HOUR + 1_200):
        publish(sold, shop, at=at)
    assert shop.taken() == [(CLASS, "cancelled", [])]
    assert states(sold) == {CLASS: "cancelled", OTHER: "published"}


def test_a_missing_class_goes_after_two_lists_without_it_and_a_returning_one_stays(sold, shop):
    import_again(sold, gone=[CLASS, OTHER], at=NOW)
    publish(sold, shop, at=NOW + 600)
    assert [shop.there[key].seats for key in (CLASS, OTHER)] == [0, 0]
    import_again(sold, a_class(OTHER), gone=[CLASS], at=NOW + HOUR)
    publish(sold, shop, at=NOW + HOUR + 600)
    assert list(shop.there) == [OTHER]
    assert shop.there[OTHER].seats == 7


def test_a_class_that_comes_back_is_restored_with_all_it_needs(sold, shop):
    import_again(sold, a_class(status="cancelled"), at=NOW)
    import_again(sold, at=NOW + HOUR)
    publish(sold, shop, at=NOW + HOUR + 600)
    import_again(sold, a_class(), at=NOW + 2 * HOUR)
    shop.taken()
    report = publish(sold, shop, at=NOW + 2 * HOUR + 600)
    assert shop.taken() == [(CLASS, "restored", [])]
    assert (states(sold)[CLASS], shop.there[CLASS].seats) == ("published", 7)
    assert "classes.drifted" not in report.counts


def test_a_cancelled_class_that_they_still_list_for_a_while_is_not_cancelled_again_and_again(sold, shop):
    listed = shop.there[CLASS]
    import_again(sold, a_class(status="cancelled"), at=NOW)
    import_again(sold, at=NOW + HOUR)
    publish(sold, shop, at=NOW + HOUR)
    shop.there[CLASS] = listed
    publish(sold, shop, at=NOW + HOUR + 600)
    assert [word for _, word, _ in shop.taken()] == ["cancelled"]
    publish(sold, shop, at=NOW + 3 * HOUR)
    assert [word for _, word, _ in shop.taken()] == ["cancelled"]


def test_a_cancelled_class_that_somebody_took_away_there_needs_nothing(sold, shop):
    import_again(sold, a_class(status="cancelled"), at=NOW)
    import_again(sold, at=NOW + HOUR)
    del shop.there[CLASS]
    assert publish(sold, shop, at=NOW + HOUR).exit_code == 0
    assert (shop.taken(), states(sold)[CLASS]) == ([], "cancelled")


def test_a_class_that_has_begun_is_left_as_it_is(sold, shop):
    import_again(sold, a_class(start="2027-01-15T08:00:00+01:00", seats_free=0, status="cancelled"), at=NOW - 60)
    import_again(sold, at=NOW - 30)
    shop.change(CLASS, location="another hall")
    report = publish(sold, shop)
    assert (report.exit_code, shop.taken()) == (0, [])
    assert "classes.drifted" not in report.counts


def test_a_record_that_cannot_be_read_changes_nothing_there(sold, shop):
    import_again(sold, a_class(seats_free=1), at=NOW)
    db = connect(sold.var / "integrator.db")
    SetAside(db).replace("course", {CLASS: ("bad_int", "seats")}, at=NOW, run_id=1)
    db.close()
    publish(sold, shop)
    assert (shop.taken(), shop.there[CLASS].seats) == ([], 7)


# reconciling ------------------------------------------------------------------------------------------


def test_what_somebody_changed_there_is_counted_and_mended(sold, shop):
    shop.change(CLASS, location="Hall 2", price_minor=1)
    report = publish(sold, shop)
    assert report.counts["classes.drifted"] == 1
    assert any("location, price_minor" in remark and CLASS in remark for remark in report.remarks)
    assert shop.taken() == [(CLASS, "updated", ["location", "price_minor"])]
    assert "classes.drifted" not in publish(sold, shop, at=NOW + 600).counts


def test_seats_that_they_counted_themselves_are_no_drift(sold, shop):
    shop.change(CLASS, seats=6)
    report = publish(sold, shop)
    assert (report.counts.get("classes.drifted"), report.counts["classes.other_seats"]) == (None, 1)
    assert shop.there[CLASS].seats == 7


def test_a_class_that_they_lost_is_published_again(sold, shop):
    del shop.there[CLASS]
    report = publish(sold, shop)
    assert (report.counts["classes.drifted"], shop.taken()) == (1, [(CLASS, "restored", [])])


def test_what_they_keep_their_own_way_is_for_a_person_and_mails_nobody_again(home, shop):
    shop.keeps["location"], shop.quiet = "HAVNEHALLEN", True
    keep_classes(home, a_class())
    codes = [publish(home, shop, at=at).exit_code for at in range(NOW, NOW + 3_000, 600)]
    assert (codes.count(0), codes.count(3)) == (4, 1)  # said once
    assert shop.taken() == [(CLASS, "added", []), (CLASS, "updated", ["location"])]
    assert aside(home) == {CLASS: "not_taken"}
    import_again(home, a_class(seats_free=2), at=NOW + 3_000)
    report = publish(home, shop, at=NOW + 3_600)
    assert shop.taken() == [(CLASS, "updated", ["seats"])]
    assert "classes.drifted" not in report.counts


def test_classes_that_are_not_ours_are_remarked_and_never_touched(sold, shop):
    foreign = PortalClass("THEIRS-1", "25172", location="Oslo", seats=3)
    shop.there["THEIRS-1"] = foreign
    report = publish(sold, shop)
    assert report.notes["not_in_catalogue"] == (1, ["THEIRS-1"])
    assert (report.exit_code, shop.taken(), shop.there["THEIRS-1"]) == (0, [], foreign)


def test_a_class_of_ours_that_we_forgot_having_published_is_ours_still(sold, shop):
    db = connect(sold.var / "integrator.db")
    db.write("DELETE FROM published_classes")
    db.write("DELETE FROM outbox")
    db.close()
    publish(sold, shop)
    assert (shop.taken(), states(sold)) == ([], {CLASS: "published", OTHER: "published"})


def test_a_class_published_under_another_course_is_for_a_person(sold, shop):
    shop.change(CLASS, course_id="OLD")
    shop.courses_there.append("OLD")
    report = publish(sold, shop)
    assert (report.exit_code, shop.taken(), aside(sold)) == (3, [], {CLASS: "other_course"})
    assert publish(sold, shop, at=NOW + 600).exit_code == 0


def test_a_list_that_cannot_be_read_leaves_its_classes_alone_and_the_others_go_on(home):
    shop = Shop(courses_there=["25172", "25180"])
    keep_classes(home, a_class(), a_class("25180-01", currency="SEK"))
    publish(home, shop)
    import_again(home, a_class(seats_free=1), at=NOW + 60)
    shop.unlisted["25180"] = Rejected("unknown course")
    report = publish(home, shop, at=NOW + 600)
    assert report.exit_code == 3
    assert "unknown course" in report.failed["course 25180"]
    assert shop.there[CLASS].seats == 1
    assert aside(home) == {"25180-01": "currency"}


# the guard --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lose", ["classes", "courses"])
def test_all_of_our_classes_gone_at_once_stops_the_run_until_somebody_says_it_is_right(sold, shop, lose):
    if lose == "classes":
        shop.there.clear()
    else:
        shop.courses_there = []
    before = rows(sold, "SELECT * FROM published_classes")
    report = publish(sold, shop)
    assert (report.exit_code, shop.taken()) == (1, [])
    assert "2 of our 2 published classes" in report.error
    assert "--allow-missing" in report.hint
    assert rows(sold, "SELECT * FROM published_classes") == before
    if lose == "classes":
        assert publish(sold, shop, at=NOW + 600, allow_missing=True).exit_code == 0
        assert sorted(shop.there) == [CLASS, OTHER]


def test_classes_that_are_over_do_not_count_as_lost(sold, shop):
    shop.there.clear()
    after = NOW + 90 * 24 * HOUR
    assert publish(sold, shop, at=after).exit_code == 0


def test_a_course_that_is_not_listed_any_more_is_for_a_person(home):
    shop = Shop(courses_there=["25172", "25180"])
    keep_classes(home, a_class(), a_class(OTHER), a_class("25180-01"))
    publish(home, shop)
    shop.courses_there = ["25172"]
    shop.taken()
    assert (publish(home, shop).exit_code, shop.taken(), aside(home)) == (3, [], {"25180-01": "course_gone"})


# crashes ------------------------------------------------------------------------------------------------


def test_killed_after_they_took_it_the_next_run_ends_level_without_a_second_class(home, shop):
    keep_classes(home, a_class())

    def die():
        raise KeyboardInterrupt

    shop.before_answer = die
    with pytest.raises(KeyboardInterrupt):
        publish(home, shop)
    assert rows(home, "SELECT state FROM outbox") == [("processing",)]
    shop.before_answer = None
    report = publish(home, shop, at=NOW + 600)
    assert report.exit_code == 0
    assert (list(shop.there), states(home)) == ([CLASS], {CLASS: "published"})
    assert [word for _, word, _ in shop.taken()] == ["added", "updated"]
    assert rows(home, "SELECT DISTINCT state FROM outbox") == [("completed",)]
