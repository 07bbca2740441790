"""The catalogue in the store: what one answer writes, and that nothing is written where nothing differs."""

import msgspec
import pytest

from integrator.domain.courses import Course, Day, MainCourse, Trainer, Venue
from integrator.domain.fetched import Bad, Fetched
from integrator.store import open_store
from integrator.store.courses import Catalogue, SetAside, Sources

T0 = 1_800_000_000
COURSE = Course(
    id="25172-04",
    main_id="25172",
    title="Ledelse",
    language="da",
    start="2027-03-01T09:00:00+01:00",
    end="2027-03-03T16:00:00+01:00",
    days=[Day("2027-03-01", "09:00", "16:00", "Strandvejen", "Hellerup"), Day("2027-03-03", None, None, None, None)],
    venue=Venue("Strandvejen", "Strandvejen 54", "0900", "Hellerup", None),
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
MAIN = MainCourse("25172", "Ledelse", None, "<p>Lær</p>", None, None, None, "DKK", None, False, None)


@pytest.fixture
def db(tmp_path):
    made = open_store(tmp_path / "integrator.db", backups=tmp_path).db
    yield made
    made.close()


@pytest.fixture
def courses(db):
    return Catalogue(db, "course")


def but(key="25172-04", **changes):
    return msgspec.structs.replace(COURSE, id=key, **changes)


def answer(*records, unchanged=(), bad=None, prints=None):
    """What a source's adapter gives back; a record's fingerprint is made of its seats unless told otherwise."""
    packed = {
        record.id: (msgspec.msgpack.encode(record), (prints or {}).get(record.id, print_of(record)))
        for record in records
    }
    return Fetched(
        total=len(packed) + len(unchanged) + len(bad or {}),
        digest=b"digest",
        mapping=b"mapping",
        unchanged=set(unchanged),
        records=packed,
        bad=bad or {},
    )


def print_of(record):
    return repr(record).encode()


def keep(catalogue, fetched, *, gone=(), at=T0, run_id=1):
    """Keep an answer as a run does; gives back what was applied, and how many rows that wrote."""
    known = catalogue.known()
    before = catalogue._db.conn.total_changes
    with catalogue._db.tx():
        applied = catalogue.keep(fetched, known, gone, missing_limit=3, at=at, run_id=run_id)
    return applied, catalogue._db.conn.total_changes - before


def aside(catalogue):
    return SetAside(catalogue._db).of(catalogue.kind)


def told(applied):
    return {name: keys for name, keys in vars(applied).items() if keys}


# what one answer writes -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "record"), [("course", COURSE), ("main_course", MAIN)])
def test_a_record_comes_back_as_it_was(db, kind, record):
    catalogue = Catalogue(db, kind)
    applied, written = keep(catalogue, answer(record))
    assert (told(applied), written) == ({"new": [record.id]}, 1)
    assert catalogue.get(record.id) == record
    assert catalogue.get("another") is None
    assert catalogue.story(record.id) == {
        "first_seen_at": T0,
        "changed_at": T0,
        "missing_since": None,
        "missing_runs": 0,
    }


def test_a_course_of_which_little_is_known_comes_back_so_too(courses):
    empty = but(language=None, start=None, end=None, days=[], venue=None, price_minor=None, currency=None, trainers=[])
    keep(courses, answer(empty))
    assert courses.get("25172-04") == empty


def test_the_same_answer_again_writes_nothing(courses):
    keep(courses, answer(COURSE, but("25172-05"), bad={"25172-06": Bad("bad_int", None, "x")}))
    known = courses.known()
    assert known.fingerprints == {print_of(COURSE): "25172-04", print_of(but("25172-05")): "25172-05"}
    again = answer(unchanged=known.expected, bad={"25172-06": Bad("bad_int", None, "x")})
    applied, written = keep(courses, again, at=T0 + 3600, run_id=2)
    assert (told(applied), written) == ({}, 0)


def test_records_that_were_read_anew_and_are_equal_write_nothing(courses):
    """As after an edited mapping that says the same: everything is mapped again, and nothing differs."""
    keep(courses, answer(COURSE))
    applied, written = keep(courses, answer(COURSE), at=T0 + 3600)
    assert (told(applied), written) == ({}, 0)


def test_a_change_of_what_we_do_not_map_writes_the_fingerprint_only(courses):
    keep(courses, answer(COURSE))
    applied, written = keep(courses, answer(COURSE, prints={"25172-04": b"other bytes"}), at=T0 + 3600)
    assert (told(applied), written) == ({}, 1)
    assert courses.known().fingerprints == {b"other bytes": "25172-04"}
    assert (courses.story("25172-04")["changed_at"], courses.changes("25172-04")) == (T0, [])


def test_a_change_writes_the_record_and_one_row_of_what_changed(courses):
    keep(courses, answer(COURSE))
    applied, written = keep(courses, answer(but(seats_free=3, status="full")), at=T0 + 3600, run_id=2)
    assert (told(applied), written) == ({"changed": ["25172-04"]}, 2)
    assert courses.changes("25172-04") == [
        {"at": T0 + 3600, "run_id": 2, "fields": {"seats_free": [7, 3], "status": ["open", "full"]}}
    ]
    assert courses.get("25172-04").seats_free == 3
    story = courses.story("25172-04")
    assert (story["first_seen_at"], story["changed_at"]) == (T0, T0 + 3600)


def test_changes_are_told_oldest_first_and_the_newest_when_there_are_many(courses):
    keep(courses, answer(COURSE))
    for number in range(5):
        keep(courses, answer(but(seats_free=number)), run_id=number + 2)
    assert [change["run_id"] for change in courses.changes("25172-04")] == [2, 3, 4, 5, 6]
    assert [change["run_id"] for change in courses.changes("25172-04", limit=2)] == [5, 6]


def test_of_people_the_changes_hold_nothing(courses):
    keep(courses, answer(COURSE))
    keep(courses, answer(but(trainers=[Trainer("JK", "Jørgen Kjær", "joergen@example.org")])))
    assert courses.changes("25172-04")[0]["fields"] == {"trainers": [None, None]}


def test_a_rolled_back_answer_leaves_nothing(courses):
    def half():
        with courses._db.tx():
            courses.keep(answer(COURSE), courses.known(), (), missing_limit=3, at=T0, run_id=1)
            raise KeyError

    with pytest.raises(KeyError):
        half()
    assert courses.get("25172-04") is None


# missing and back ---------------------------------------------------------------------------------------


def test_a_record_that_is_gone_is_counted_and_keeps_the_moment_it_went(courses):
    keep(courses, answer(COURSE, but("25172-05")))
    for number in (1, 2):
        applied, _ = keep(courses, answer(unchanged=["25172-05"]), gone=["25172-04"], at=T0 + number * 3600)
        assert told(applied) == {"missing": ["25172-04"]}
    story = courses.story("25172-04")
    assert (story["missing_since"], story["missing_runs"]) == (T0 + 3600, 2)
    known = courses.known()
    assert (known.expected, known.missing) == ({"25172-05"}, {"25172-04"})
    assert courses.get("25172-04") == COURSE
    assert [change["fields"] for change in courses.changes("25172-04")] == [{"missing": [False, True]}]


def test_a_record_that_stays_gone_is_counted_up_to_the_limit_and_then_writes_nothing(courses):
    keep(courses, answer(COURSE))
    written = [keep(courses, answer(), gone=["25172-04"], at=T0 + number)[1] for number in range(5)]
    assert written == [2, 1, 1, 0, 0]
    assert courses.story("25172-04")["missing_runs"] == 3


@pytest.mark.parametrize("how", ["with its old bytes", "changed", "unreadable"])
def test_a_record_that_comes_back_is_no_longer_missing(courses, how):
    keep(courses, answer(COURSE))
    keep(courses, answer(), gone=["25172-04"])
    back = {
        "with its old bytes": answer(unchanged=["25172-04"]),
        "changed": answer(but(seats_free=1)),
        "unreadable": answer(bad={"25172-04": Bad("bad_int", None, "x")}),
    }[how]
    applied, _ = keep(courses, back)
    assert applied.returned == ["25172-04"]
    assert "25172-04" in applied.touched
    story = courses.story("25172-04")
    assert (story["missing_since"], story["missing_runs"]) == (None, 0)
    assert courses.known().expected == {"25172-04"}
    assert {"missing": [True, False]} in [change["fields"] for change in courses.changes("25172-04")]


def test_the_ends_of_courses_are_told_by_key(courses):
    keep(courses, answer(COURSE, but("25172-05", end=None)))
    assert courses.ends(["25172-04", "25172-05"]) == {"25172-04": "2027-03-03T16:00:00+01:00", "25172-05": None}


# set aside ----------------------------------------------------------------------------------------------


def test_an_unreadable_record_is_remembered_with_its_reason_until_it_is_readable(courses):
    keep(courses, answer(COURSE))
    bad = {"25172-04": Bad("bad_money", "price_minor", "no amount")}
    _, written = keep(courses, answer(bad=bad), at=T0 + 60, run_id=2)
    assert written == 1
    (row,) = aside(courses).values()
    assert (row["code"], row["reason"]) == ("bad_money", "price_minor: no amount (bad_money)")
    assert (row["first_at"], row["run_id"]) == (T0 + 60, 2)
    assert courses.get("25172-04") == COURSE
    keep(courses, answer(COURSE), at=T0 + 120, run_id=3)
    assert aside(courses) == {}


def test_another_reason_replaces_the_first_and_keeps_its_moment(courses):
    keep(courses, answer(bad={"x": Bad("bad_int", None, "one")}), at=T0)
    _, same = keep(courses, answer(bad={"x": Bad("bad_int", None, "one")}), at=T0 + 60, run_id=2)
    _, other = keep(courses, answer(bad={"x": Bad("bad_date", None, "two")}), at=T0 + 120, run_id=3)
    assert (same, other) == (0, 1)
    assert (aside(courses)["x"]["reason"], aside(courses)["x"]["first_at"]) == ("two (bad_date)", T0)


def test_the_two_kinds_do_not_meet(db, courses):
    keep(courses, answer(bad={"x": Bad("bad_int", None, "one")}))
    mains = Catalogue(db, "main_course")
    keep(mains, answer(MAIN))
    assert aside(mains) == {}
    assert list(aside(courses)) == ["x"]
    assert mains.known().expected == {"25172"}


# which answer the catalogue stands for --------------------------------------------------------------------


def source(db, *, mapping=b"m1", digest=b"d1", at=T0):
    before = db.conn.total_changes
    Sources(db).keep("course", Fetched(total=5, digest=digest, mapping=mapping), at=at)
    return db.conn.total_changes - before


def test_the_mapping_of_the_last_answer_is_remembered_and_the_same_one_is_not_written_again(db):
    assert Sources(db).mapping("course") == b""
    assert source(db) == 1
    assert source(db, at=T0 + 3600) == 0
    assert Sources(db).mapping("course") == b"m1"
    assert source(db, mapping=b"m2") == 1
    assert source(db, mapping=b"m2", digest=b"d2") == 1
    assert (Sources(db).mapping("course"), Sources(db).mapping("maincourse")) == (b"m2", b"")
