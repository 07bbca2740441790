"""One list answer, sorted: unchanged, new or different, unreadable, twice there; and the contract's nasty records."""

import json
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path

import msgspec
import pytest

from integrator.domain.courses import Course, MainCourse, is_bookable
from integrator.domain.fetched import Bad
from integrator.errors import BadRecord
from integrator.systems.maconomy import course_from, main_course_from
from integrator.systems.mapping import load_mapping
from integrator.systems.reading import Sorter

ROOT = Path(__file__).parents[2]
MAPPING = load_mapping(ROOT / "config" / "maconomy.toml")
NASTY = json.loads((ROOT / "tests" / "samples" / "maconomy" / "nasty" / "values.json").read_text(encoding="utf-8"))
CASES = {case["id"]: case for case in NASTY["cases"]}
ASSUMED = json.loads((ROOT / "tests" / "samples" / "maconomy" / "assumed" / "course.json").read_text(encoding="utf-8"))
WHOLE = ASSUMED[0]
NOW = datetime(2026, 12, 1, tzinfo=UTC)


def raw(record):
    return msgspec.Raw(json.dumps(record, ensure_ascii=False).encode())


def fingerprint(record):
    return blake2b(raw(record), digest_size=16).digest()


def sort(*records, known=None, build=course_from, endpoint="course", **more):
    reader = MAPPING.endpoints[endpoint].compile()
    return Sorter(reader, build, known or {}).sort([raw(record) for record in records], **more)


def course(fetched, key="25172-04"):
    return msgspec.msgpack.decode(fetched.records[key][0], type=Course)


def but(**changes):
    return WHOLE | changes


def reasons(fetched):
    return {key: error.code for key, error in fetched.bad.items()}


# the four piles -----------------------------------------------------------------------------------------


def test_a_new_record_is_read_and_packed_with_its_fingerprint():
    fetched = sort(*ASSUMED)
    assert set(fetched.records) == {record["courseId"] for record in ASSUMED}
    assert (fetched.total, fetched.unchanged, fetched.bad) == (len(ASSUMED), set(), {})
    assert fetched.records[WHOLE["courseId"]][1] == fingerprint(WHOLE)


def test_a_record_whose_bytes_are_known_is_not_even_parsed():
    no_json = msgspec.Raw(b'{"courseId": never looked into')
    known = {blake2b(no_json, digest_size=16).digest(): "25172-04"}
    fetched = Sorter(MAPPING.endpoints["course"].compile(), course_from, known).sort([no_json])
    assert (fetched.unchanged, fetched.records, fetched.bad) == ({"25172-04"}, {}, {})


def test_any_other_byte_makes_it_read_again():
    fetched = sort(but(freeSeats=6), known={fingerprint(WHOLE): "25172-04"})
    assert (set(fetched.records), fetched.unchanged) == ({"25172-04"}, set())
    assert course(fetched).seats_free == 6


def test_an_unreadable_record_is_set_aside_by_its_key_and_the_others_are_read():
    fetched = sort(but(price="14.99"), but(courseId="25172-05"))
    assert (reasons(fetched), set(fetched.records)) == ({"25172-04": "bad_money"}, {"25172-05"})


def test_a_record_without_a_readable_key_is_set_aside_by_its_place():
    fetched = sort(WHOLE, but(courseId="25172–04"), but(courseId=""))
    assert set(fetched.bad) == {"record 2", "record 3"}
    assert reasons(fetched)["record 2"] == "bad_id"


def test_a_record_that_breaks_a_rule_of_the_domain_is_set_aside_too():
    fetched = sort(but(startDate="03-03-2027", endDate="01-03-2027", courseDays=[]))
    assert reasons(fetched) == {"25172-04": "end_before_start"}


def test_an_empty_answer_is_empty():
    fetched = sort()
    assert (fetched.total, fetched.records, fetched.missing_fields) == (0, {}, [])


def test_main_courses_are_sorted_the_same_way():
    record = {"mainCourseId": 25172.0, "name": "Ledelse"}
    fetched = sort(record, build=main_course_from, endpoint="maincourse")
    assert set(fetched.records) == {"25172"}


def test_progress_is_told_by_the_thousand():
    told = []
    sort(*[WHOLE] * 2500, known={fingerprint(WHOLE): "25172-04"}, advance=told.append)
    assert told == [1000, 1000]


# the same key twice -------------------------------------------------------------------------------------

BAD = but(price="14.99")
OTHER = but(freeSeats=3)
SPACED = but(courseId=" 25172-04")


@pytest.mark.parametrize(
    ("records", "read", "bad", "remarked"),
    [
        ([WHOLE, WHOLE], 1, None, True),
        ([WHOLE, SPACED], 1, None, True),
        ([WHOLE, OTHER], 0, "duplicate_conflict", False),
        ([WHOLE, OTHER, WHOLE], 0, "duplicate_conflict", False),
        ([WHOLE, WHOLE, OTHER], 0, "duplicate_conflict", True),
        ([WHOLE, BAD], 0, "duplicate_conflict", False),
        ([BAD, WHOLE], 0, "duplicate_conflict", False),
        ([BAD, WHOLE, WHOLE], 0, "duplicate_conflict", False),
    ],
    ids=[
        "equal",
        "equal but for blanks",
        "different",
        "third",
        "equal, then different",
        "then bad",
        "bad first",
        "bad, twice",
    ],
)
@pytest.mark.parametrize("known", [False, True], ids=["new", "known"])
def test_equal_ones_count_once_and_of_different_ones_none_is_believed(records, read, bad, remarked, known):
    fetched = sort(*records, known={fingerprint(WHOLE): "25172-04"} if known else {})
    assert len(fetched.records) + len(fetched.unchanged) == read
    assert fetched.bad["25172-04"].code == bad if bad else not fetched.bad
    assert ("duplicate_same" in fetched.notes.counts) is remarked
    assert fetched.holds("25172-04")
    assert fetched.total == len(records)


def test_an_unchanged_record_that_comes_after_a_different_one_is_a_conflict_too():
    fetched = sort(OTHER, WHOLE, known={fingerprint(WHOLE): "25172-04"})
    assert reasons(fetched) == {"25172-04": "duplicate_conflict"}
    assert (fetched.records, fetched.unchanged) == ({}, set())


# many that cannot be read -------------------------------------------------------------------------------


def without(record, *names):
    return {name: value for name, value in record.items() if name not in names}


def numbered(number, **changes):
    return but(courseId=f"25172-{number:02}", **changes)


def test_sorting_stops_as_soon_as_more_is_bad_than_allowed():
    fetched = sort(*(numbered(n, price="14.99") for n in range(90)), max_bad=20)
    assert (fetched.stopped, len(fetched.bad), fetched.total) == (True, 21, 90)


@pytest.mark.parametrize("max_bad", [20, None])
def test_sorting_goes_to_the_end_as_long_as_it_is_allowed(max_bad):
    fetched = sort(*(numbered(n, price="14.99") for n in range(20)), numbered(20), max_bad=max_bad)
    assert (fetched.stopped, len(fetched.bad), set(fetched.records)) == (False, 20, {"25172-20"})


def test_a_field_that_only_the_unread_records_have_is_not_missing():
    records = [without(numbered(n, price="14.99"), "freeSeats") for n in range(5)]
    assert sort(*records, numbered(5), max_bad=2).missing_fields == []
    assert sort(*records, max_bad=2).missing_fields == ["seats_free"]


def test_a_reason_is_held_once_and_is_no_exception():
    bad = list(sort(*(numbered(n, price=f"{n}.99.99") for n in range(50))).bad.values())
    assert {id(one) for one in bad} == {id(bad[0])}
    assert bad[0] == Bad("bad_money", "price_minor", "price_minor is not an amount we can read")


@pytest.mark.parametrize(
    ("record", "nameless"),
    [(but(courseId="?"), 2), (but(courseId=None), 2), (but(price="14.99"), 0), (WHOLE, 0)],
    ids=["unreadable id", "no id", "unreadable price", "good"],
)
def test_records_without_a_readable_id_are_counted(record, nameless):
    assert sort(numbered(7), record, record).nameless == nameless


def test_a_record_of_another_shape_is_told_without_its_values():
    with pytest.raises(BadRecord) as caught:
        main_course_from(dict.fromkeys(MainCourse.__struct_fields__, "aase@example.org"))
    assert (caught.value.code, caught.value.message) == ("bad_shape", "the record is no MainCourse as we know it")


# a changed interface ------------------------------------------------------------------------------------


def test_a_mapped_field_that_no_record_has_is_missing():
    records = [without(record, "freeSeats") for record in ASSUMED]
    assert sort(*records).missing_fields == ["seats_free"]


def test_a_field_that_some_record_has_is_not_missing_but_remarked_on():
    fetched = sort(WHOLE, without(but(courseId="25172-05"), "freeSeats"))
    assert fetched.missing_fields == []
    assert fetched.notes.counts["missing_field"] == 1


def test_unchanged_records_count_as_having_it():
    """One new record without the field among many unchanged ones that have it: that record's matter."""
    records = [WHOLE, without(but(courseId="25172-05"), "freeSeats")]
    assert sort(*records, known={fingerprint(WHOLE): "25172-04"}).missing_fields == []


def test_when_nothing_was_read_nothing_is_said_of_fields():
    assert sort(WHOLE, known={fingerprint(WHOLE): "25172-04"}).missing_fields == []


# the contract's nasty records ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", [name for name in CASES if name.startswith("seats-") and CASES[name]["field"] == "seats"]
)
def test_seats_as_they_may_come(name):
    case = CASES[name]
    fetched = sort(but(freeSeats=case["raw"]))
    if isinstance(case["expect"], dict):
        assert reasons(fetched) == {"25172-04": case["expect"]["error"]}
    else:
        assert course(fetched).seats_free == case["expect"]


@pytest.mark.parametrize(
    "name",
    [
        "seats-more-than-max",
        "seats-disagree",
        "cancelled-with-seats",
        "full-by-number",
        "main-not-prefix",
        "days-vs-start",
    ],
)
def test_a_record_whose_fields_contradict_one_another(name):
    case = CASES[name]
    expected = dict(case["expect"])
    fetched = sort(WHOLE | case["raw"])
    made = course(fetched)
    warning, bookable = expected.pop("warning", None), expected.pop("bookable", None)
    assert warning is None or warning in fetched.notes.counts
    assert bookable is None or is_bookable(made, now=NOW) is bookable
    assert {field: getattr(made, field) for field in expected} == expected


def test_an_unknown_status_is_neither_bookable_nor_an_error():
    fetched = sort(but(status=CASES["status-unknown"]["raw"]))
    assert fetched.notes.counts["unknown_status"] == 1
    assert (course(fetched).status, is_bookable(course(fetched), now=NOW)) == ("unknown", False)


@pytest.mark.parametrize("name", ["dup-same", "dup-different", "dup-case"])
def test_duplicates_as_they_may_come(name):
    case = CASES[name]
    fetched = sort(*[WHOLE | record for record in case["raw"]])
    assert len(fetched.records) == case["expect"]["records"]
    if "error" in case["expect"]:
        assert reasons(fetched) == {"25172-04": case["expect"]["error"]}
    else:
        assert fetched.notes.counts[case["expect"]["warning"]] == 1


def test_a_field_that_nobody_maps_is_never_passed_on():
    case = CASES["extra-fields"]
    packed, _ = sort(WHOLE | case["raw"]).records["25172-04"]
    assert b"intern_note" not in packed
    assert b"vanskelig" not in packed


def test_no_remark_repeats_a_value_of_a_person():
    record = but(trainers=[{"initials": "ÅØ", "name": "Åse Østergård", "email": "aase(at)example.org"}])
    assert "aase" not in str(sort(record).notes.examples)


def test_a_course_without_dates_is_kept():
    for name in ("date-empty", "date-null", "date-1900", "date-0001", "date-nil"):
        value = CASES[name]["raw"]
        made = course(sort(but(startDate=value, endDate=value, courseDays=[])))
        assert (made.start, made.end, made.days) == (None, None, [])
