"""The rules of the catalogue, as somebody in the business would say them."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from integrator.domain.courses import (
    Course,
    Day,
    MainCourse,
    Trainer,
    Venue,
    differences,
    guard_answer,
    guard_bad_records,
    guard_contract,
    guard_removals,
    is_bookable,
    is_past,
    settled,
    visibility,
)
from integrator.domain.fetched import Bad
from integrator.errors import BadRecord, GuardTripped

NOW = datetime(2027, 2, 1, 12, 0, tzinfo=UTC)
MAIN = MainCourse("25172", "Ledelse", None, "<p>x</p>", "da", 3, 1_499_500, "DKK", None, True, None)
COURSE = Course(
    id="25172-04",
    main_id="25172",
    title="Ledelse",
    language="da",
    start="2027-03-01T09:00:00+01:00",
    end="2027-03-03T16:00:00+01:00",
    days=[Day("2027-03-01", "09:00", "16:00", None, None)],
    venue=Venue("Strandvejen", None, None, "Hellerup", None),
    price_minor=1_499_500,
    currency="DKK",
    seats_total=20,
    seats_taken=13,
    seats_free=7,
    seats_min=8,
    status="open",
    trainers=[Trainer("ÅØ", "Åse Østergård", "aase@example.org")],
    updated_at=None,
)


def but(**changes):
    return msgspec.structs.replace(COURSE, **changes)


def codes(course):
    return [note.code for note in settled(course)[1]]


# several fields of one course ---------------------------------------------------------------------------


def test_a_sound_course_stays_as_it_is():
    assert settled(COURSE) == (COURSE, [])


@pytest.mark.parametrize(
    ("status", "free", "shown"),
    [
        ("open", 0, "full"),
        ("open", 1, "open"),
        ("open", None, "open"),
        ("cancelled", 0, "cancelled"),
        ("cancelled", 18, "cancelled"),
        ("planned", 0, "planned"),
        ("waitlist", 0, "waitlist"),
        ("unknown", 0, "unknown"),
    ],
)
def test_no_seats_beat_open_and_nothing_beats_cancelled(status, free, shown):
    assert settled(but(status=status, seats_free=free))[0].status == shown


@pytest.mark.parametrize(
    ("total", "taken", "free", "said"),
    [
        (20, 13, 7, []),
        (20, 13, 5, ["seats_disagree"]),
        (20, 13, 25, ["free_over_max"]),
        (20, 20, 20, ["seats_disagree"]),
        (20, 23, 0, []),  # overbooked: none is free, not minus three
        (20, 23, 1, ["seats_disagree"]),
        (20, None, 5, []),
        (20, 13, None, []),
        (None, 13, 5, []),
        (0, 0, 0, []),
    ],
)
def test_seats_that_do_not_add_up_are_remarked_on_and_the_free_ones_count(total, taken, free, said):
    course = but(seats_total=total, seats_taken=taken, seats_free=free)
    assert codes(course) == said
    assert settled(course)[0].seats_free == free


@pytest.mark.parametrize(("main", "said"), [("25172", []), ("25180", ["id_mismatch"]), ("2517", ["id_mismatch"])])
def test_the_named_main_course_decides_over_the_number_before_the_dash(main, said):
    course, notes = settled(but(main_id=main))
    assert (course.main_id, [note.code for note in notes]) == (main, said)


@pytest.mark.parametrize(
    ("trainers", "said"),
    [
        ([], []),
        ([Trainer(None, "Åse", None)], ["trainers_without_email"]),
        ([Trainer(None, "Åse", None), Trainer(None, "Jørgen", "j@example.org")], []),
    ],
)
def test_a_course_whose_trainers_cannot_be_written_to_is_remarked_on(trainers, said):
    assert codes(but(trainers=trainers)) == said


@pytest.mark.parametrize(
    ("start", "end", "sound"),
    [
        ("2027-03-01T09:00:00+01:00", "2027-03-01T09:00:00+01:00", True),
        ("2027-03-01T09:00:00+01:00", "2027-03-01T08:59:59+01:00", False),
        ("2027-03-28T01:30:00+01:00", "2027-03-28T03:00:00+02:00", True),
        ("2027-03-28T03:00:00+02:00", "2027-03-28T02:59:00+02:00", False),
        ("2027-03-01", "2027-03-01", True),
        ("2027-03-01", "2027-03-03T16:00:00+01:00", True),
        ("2027-03-01T09:00:00+01:00", "2027-03-01", True),
        ("2027-03-02", "2027-03-01T16:00:00+01:00", False),
        (None, "2027-03-01", True),
        ("2027-03-01", None, True),
        (None, None, True),
    ],
)
def test_a_course_must_not_end_before_it_starts(start, end, sound):
    course = but(start=start, end=end)
    if sound:
        assert settled(course)[0] == course
    else:
        with pytest.raises(BadRecord, match="ends before it starts") as caught:
            settled(course)
        assert (caught.value.code, caught.value.field) == ("end_before_start", "end")


# booking and time ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("field", ["start", "end"])
def test_a_date_that_the_mapping_left_as_it_was_typed_is_unreadable(field):
    with pytest.raises(BadRecord) as caught:
        settled(but(**{field: "01-03-2027"}))
    assert (caught.value.code, caught.value.field) == ("bad_date", field)


@pytest.mark.parametrize(
    ("changes", "bookable"),
    [
        ({}, True),
        ({"seats_free": 1}, True),
        ({"seats_free": 0}, False),
        ({"seats_free": None}, False),
        ({"start": None}, False),
        ({"start": NOW.isoformat()}, False),
        ({"start": (NOW + timedelta(seconds=1)).isoformat()}, True),
        ({"start": "2027-02-02"}, True),
        ({"start": "2027-02-01"}, False),
    ]
    + [
        ({"status": status}, False)
        for status in ("planned", "full", "waitlist", "closed", "cancelled", "held", "unknown")
    ],
)
def test_only_an_open_course_to_come_with_a_seat_known_to_be_free_can_be_booked(changes, bookable):
    assert is_bookable(but(**changes), now=NOW) is bookable


@pytest.mark.parametrize(
    ("end", "past"),
    [
        (None, False),
        ("2027-02-01T12:59:59+01:00", True),
        ("2027-02-01T13:00:00+01:00", False),
        ("2027-02-01T13:00:01+01:00", False),
        ("2027-02-01", False),  # a bare date lasts until the end of that day in Copenhagen
        ("2027-01-31", True),
    ],
)
def test_a_course_is_past_when_its_last_moment_is(end, past):
    assert is_past(end, now=NOW) is past


PAST, LATER = "2027-01-01T16:00:00+01:00", "2027-03-01T16:00:00+01:00"


@pytest.mark.parametrize(
    ("status", "end", "missing", "past", "shown"),
    [
        ("open", LATER, 0, "keep", "publish"),
        ("full", LATER, 0, "keep", "publish"),
        ("unknown", LATER, 0, "keep", "publish"),
        ("planned", None, 0, "keep", "publish"),
        ("cancelled", LATER, 0, "keep", "draft"),
        ("cancelled", PAST, 0, "keep", "draft"),
        ("open", LATER, 2, "keep", "publish"),
        ("open", LATER, 3, "keep", "draft"),
        ("open", None, 3, "keep", "draft"),
        ("open", PAST, 0, "keep", "publish"),
        ("open", PAST, 2, "keep", "publish"),
        ("open", PAST, 3, "keep", "draft"),  # withdrawn before it began: it does not come back when it is over
        ("open", PAST, 0, "unpublish", "draft"),
        ("held", PAST, 0, "unpublish", "draft"),
        ("open", LATER, 0, "unpublish", "publish"),
    ],
)
def test_what_the_site_shows(status, end, missing, past, shown):
    found = visibility(status=status, end=end, missing_runs=missing, missing_limit=3, past=past, now=NOW)
    assert found == shown


# changes ------------------------------------------------------------------------------------------------


def test_equal_records_do_not_differ():
    assert differences(COURSE, but()) == {}
    assert differences(MAIN, msgspec.structs.replace(MAIN)) == {}


def test_each_changed_field_is_told_with_its_old_and_new_value():
    new = but(seats_free=3, venue=None, days=[Day("2027-03-02", None, None, None, None)])
    assert differences(COURSE, new) == {
        "seats_free": [7, 3],
        "venue": [
            {"name": "Strandvejen", "address": None, "zip": None, "city": "Hellerup", "country": None},
            None,
        ],
        "days": [
            [{"date": "2027-03-01", "start_time": "09:00", "end_time": "16:00", "venue": None, "city": None}],
            [{"date": "2027-03-02", "start_time": None, "end_time": None, "venue": None, "city": None}],
        ],
    }


def test_of_people_only_that_they_changed_is_told():
    found = differences(COURSE, but(trainers=[Trainer("JK", "Jørgen Kjær", "joergen@example.org")]))
    assert found == {"trainers": [None, None]}


# guards -------------------------------------------------------------------------------------------------


def trips(guard, *arguments, **named):
    try:
        guard("maconomy: courses", *arguments, **named)
    except GuardTripped as error:
        return (error.exit_code, "nothing was changed" in error.message) == (1, True)
    return False


@pytest.mark.parametrize(("total", "minimum", "expected"), [(0, 1, True), (1, 1, False), (0, 0, False), (4, 5, True)])
def test_an_answer_with_too_few_records_is_not_believed(total, minimum, expected):
    assert trips(guard_answer, total=total, minimum=minimum, allowed=False) is expected
    assert not trips(guard_answer, total=total, minimum=minimum, allowed=True)


@pytest.mark.parametrize(
    ("known", "gone", "expected"),
    [
        (100, 20, False),
        (100, 21, True),
        (5, 1, False),
        (5, 2, True),
        (4, 1, True),
        (1, 1, True),
        (3, 0, False),
        (0, 0, False),
    ],
)
def test_exactly_the_share_may_go_and_not_one_more(known, gone, expected):
    keys = {str(number) for number in range(known)}
    lost = set(sorted(keys)[:gone])
    assert trips(guard_removals, known=keys, gone=lost, max_percent=20, allowed=False) is expected
    assert not trips(guard_removals, known=keys, gone=lost, max_percent=20, allowed=True)


def test_the_guard_names_the_flag_that_lets_it_pass():
    with pytest.raises(GuardTripped, match=r"2 of 5 known records are gone at once \(more than 20 %\)") as caught:
        guard_removals("maconomy: courses", known="abcde", gone="ab", max_percent=20, allowed=False)
    assert "--allow-removals" in caught.value.hint


@pytest.mark.parametrize(("total", "bad", "expected"), [(10, 2, False), (10, 3, True), (1, 1, True), (0, 0, False)])
def test_many_unreadable_records_are_a_changed_interface(total, bad, expected):
    errors = {str(number): Bad("bad_int", "seats_free", "x") for number in range(bad)}
    assert trips(guard_bad_records, total=total, bad=errors, max_percent=20, allowed=False) is expected
    assert not trips(guard_bad_records, total=total, bad=errors, max_percent=20, allowed=True)


def test_unreadable_records_without_a_key_or_field_are_counted_too():
    with pytest.raises(GuardTripped, match="the first because it: bad_json") as caught:
        guard_bad_records("m", total=1, bad={"record 1": Bad("bad_json", None, "x")}, max_percent=20, allowed=False)
    assert "--allow-bad-records" in caught.value.hint


def test_an_answer_that_was_not_read_to_its_end_is_never_kept():
    bad = {str(number): Bad("bad_int", "seats_free", "x") for number in range(3)}
    for allowed in (False, True):
        with pytest.raises(GuardTripped, match="m: at least 3 of 900 records cannot be read") as caught:
            guard_bad_records("m", total=900, bad=bad, max_percent=20, allowed=allowed, stopped=True)
        assert "nothing was changed" in caught.value.message


def test_a_mapped_field_that_no_record_has_stops_the_run_and_no_flag_lets_it_pass():
    guard_contract("m", [])
    with pytest.raises(GuardTripped, match="no record has the field for price_minor, status any more"):
        guard_contract("m", ["status", "price_minor"])
