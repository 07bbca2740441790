"""Reading records: lists inside, derived moments, several names, errors with their place, what is missing."""

import json
import re

import pytest
from mapping_samples import COURSE, NATIVE, endpoint, mapping_of, packed, read, sample

from integrator.domain.fetched import Note
from integrator.errors import BadRecord

HEAD = """\
[defaults]
decimal = ","
[endpoint.thing]
path = "/thing"
[endpoint.thing.fields]
id = { from = "no", type = "id", required = true }
"""


def thing(folder, fields, more="", *, survey=False):
    return mapping_of(folder, f"{HEAD}{fields}\n{more}").endpoints["thing"].compile(survey=survey)


def refused(record, **where):
    with pytest.raises(BadRecord) as caught:
        read(record, **where)
    return caught.value


def codes(mapped):
    return [(note.code, note.field) for note in mapped.notes if note.code != "missing_field"]


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"null", "not_an_object"),
        (b"[]", "not_an_object"),
        (b'"25172-04"', "not_an_object"),
        (b'{"courseId":1e999}', "bad_json"),
        (b'{"courseId":NaN}', "bad_json"),
        (b'{"courseId":"\xf8"}', "bad_encoding"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "bad_json"),
    ],
)
def test_a_record_that_is_no_object_is_refused(raw, code):
    with pytest.raises(BadRecord) as caught:
        endpoint("course").compile().read(raw)
    assert (caught.value.code, caught.value.key) == (code, None)


@pytest.mark.parametrize(
    "twice",
    [
        b'"freeSeats":7,"freeSeats":0',
        b'"freeSeats" :7,"freeSeats":0',
        b'"freeSeats"\n:7,"freeSeats"\t:\r0',
        b'"other":{"a":1,"a":1}',
        b'"other":[[{"a" : 1, "a" : 1}]]',
        b'"courseDays":[{"date":"01-03-2027","date":"02-03-2027"}]',
        b'"price":"x1","freeSeats":7,"freeSeats":0',  # beside another mistake
        b'"name\\":":1,"freeSeats":7,"freeSeats":0',
    ],
)
def test_a_key_that_stands_twice_is_found(twice):
    whole = packed({name: value for name, value in COURSE.items() if name != "courseDays"})
    with pytest.raises(BadRecord) as caught:
        endpoint("course").compile().read(whole[:-1] + b"," + twice + b"}")
    assert (caught.value.code, caught.value.key) == ("duplicate_key", "25172-04")


def test_two_ids_in_one_record_are_no_key():
    with pytest.raises(BadRecord) as caught:
        endpoint("course").compile().read(b'{"courseId":"25172-04","courseId":"25172-05"}')
    assert (caught.value.code, caught.value.key) == ("duplicate_key", None)


@pytest.mark.parametrize("name", ['a\\": b', '": "', '{"a":1,"a":2}', "kl : 9", '\\"":'])
def test_a_text_that_looks_like_keys_is_only_a_text(name):
    assert read(COURSE | {"name": name}).record["title"]
    pretty = json.dumps(COURSE | {"name": name}, indent=2, separators=(" ,", " : ")).encode()
    assert endpoint("course").compile().read(pretty).key == "25172-04"


def test_an_error_names_the_field_its_place_and_the_key():
    days = [{"date": "01-03-2027"}, {"date": "02-03-2027", "startTime": "25:00"}]
    error = refused(COURSE | {"courseDays": days})
    assert (error.code, error.field, error.key) == ("bad_time", "days[1].start_time", "25172-04")
    assert error.message == "days[1].start_time is not a time that exists"


@pytest.mark.parametrize(
    ("record", "message", "field"),
    [
        (
            b'{"courseId":"25172-04","aase@example.org":1,"aase@example.org":2}',
            "a name stands twice in the record",
            None,
        ),
        (b'{"courseId":"25172-04","x":{"Aase":1,"Aase":2}}', "a name stands twice in the record", None),
        (b'{"courseId":"25172-04","freeSeats":1,"freeSeats":2}', "freeSeats stands twice in the record", "freeSeats"),
        (
            b'{"courseId":"25172-04","trainers":[{"initials":1,"initials":2}]}',
            "initials stands twice in the record",
            "initials",
        ),
    ],
)
def test_a_name_that_stands_twice_is_told_only_when_the_mapping_knows_it(record, message, field):
    with pytest.raises(BadRecord) as caught:
        endpoint("course").compile().read(record)
    assert (caught.value.message, caught.value.field) == (message, field)


@pytest.mark.parametrize(
    ("word", "detail"),
    [
        ("Under opbygning", "Under opbygning"),
        ("x" * 40, "x" * 40),
        ("x" * 41, ""),
        ("Fase 12345", "Fase 12345"),
        ("Fase 123456", ""),
        ("ring 20 30 40 50", ""),
        ("aase@example.org", ""),
        ("aase＠example.org", ""),
        ("Åben\x1b[31m", "Åben [31m"),
        (123456, ""),
    ],
)
def test_an_unknown_word_is_shown_as_long_as_it_is_only_a_word(word, detail):
    [note] = [note for note in read(COURSE | {"status": word}).notes if note.code == "unknown_status"]
    assert (note.field, note.detail) == ("status", detail)


def test_no_value_of_a_person_is_shown():
    person = {"participantId": "1", "firstName": ["Søren"], "status": "Søren Nørgård"}
    error = refused(person, name="participant")
    assert (error.code, error.field, error.message) == ("bad_text", "first_name", "first_name is not a text")
    mapped = read(person | {"firstName": "Søren", "email": "søren"}, name="participant")
    assert [note.detail for note in mapped.notes if note.code != "missing_field"] == ["", ""]
    assert Note("unknown_status", "status", "Under opbygning") in read(COURSE | {"status": "Under opbygning"}).notes


def test_notes_of_entries_have_their_place():
    trainers = [{"name": "Åse"}, {"name": "JÃ¸rgen", "email": "joergen"}]
    mapped = read(COURSE | {"trainers": trainers})
    assert codes(mapped) == [("suspect_encoding", "trainers[1].name"), ("bad_email", "trainers[1].email")]
    assert mapped.record["trainers"][1] == {"id": None, "name": "JÃ¸rgen", "email": None}


def short(moment):
    """2027-03-01T09:00:00+01:00 → 2027-03-01 09:00 +1."""
    return re.sub(r"T(\d\d:\d\d):00\+0(\d):00", r" \1 +\2", moment)


@pytest.mark.parametrize(
    ("days", "start", "end"),
    [
        ([("01-03-2027", "9", "16")], "2027-03-01 09:00 +1", "2027-03-01 16:00 +1"),
        ([("01-03-2027", "", "")], "2027-03-01", "2027-03-01"),
        ([("15-03-2027", "9", "16"), ("01-03-2027", "8.30", "")], "2027-03-01 08:30 +1", "2027-03-15 16:00 +1"),
        ([("01-03-2027", "18", "21"), ("01-03-2027", "9", "16")], "2027-03-01 09:00 +1", "2027-03-01 21:00 +1"),
        ([("01-03-2027", "10", "12"), ("01-03-2027", "9", "21")], "2027-03-01 09:00 +1", "2027-03-01 21:00 +1"),
        ([("27-03-2027", "9", "24:00")], "2027-03-27 09:00 +1", "2027-03-28 00:00 +1"),
        ([("28-03-2027", "1", "16")], "2027-03-28 01:00 +1", "2027-03-28 16:00 +2"),
    ],
)  # fmt: skip
def test_start_and_end_come_from_the_days(days, start, end):
    names = ("date", "startTime", "endTime")
    entries = [dict(zip(names, day, strict=True)) for day in days]
    record = {name: value for name, value in COURSE.items() if name not in ("startDate", "endDate")}
    mapped = read(record | {"courseDays": entries})
    assert (short(mapped.record["start"]), short(mapped.record["end"])) == (start, end)
    order = [(day["date"], day["start_time"] or "") for day in mapped.record["days"]]
    assert order == sorted(order)


@pytest.mark.parametrize("days", [[], None, "", [{}], [{"date": "", "startTime": None}]])
def test_without_days_the_dates_of_the_course_count(days):
    mapped = read(COURSE | {"courseDays": days, "endDate": "3.3.2027"})
    assert (mapped.record["days"], mapped.record["start"], mapped.record["end"]) == ([], "2027-03-01", "2027-03-03")
    assert codes(mapped) == []


@pytest.mark.parametrize(
    ("day", "field"),
    [
        ({"date": "28-03-2027", "startTime": "02:30"}, "start"),
        ({"date": "27-03-2027", "startTime": "24:00"}, "days[0].start_time"),
    ],
)
def test_a_start_that_does_not_exist_is_refused(day, field):
    error = refused(COURSE | {"courseDays": [day], "startDate": "", "endDate": ""})
    assert (error.code, error.field) == ("bad_time", field)


def test_days_that_all_lack_their_date_are_not_fixed_yet():
    mapped = read(COURSE | {"courseDays": [{"date": "ikke fastlagt", "city": "Hellerup"}, {"city": "Aarhus"}]})
    assert mapped.record["days"] == []
    assert ("incomplete_entry", "days[1].date") in codes(mapped)
    assert ("bad_date", "days[0].date") in codes(mapped)


def test_days_of_which_some_lack_their_date_are_refused():
    error = refused(COURSE | {"courseDays": [{"date": "", "city": "Hellerup"}, {"date": "02-03-2027"}]})
    assert (error.code, error.field) == ("missing_field", "days[0].date")


@pytest.mark.parametrize("days", [{"date": "01-03-2027"}, "01-03-2027", 5, True, [None], [[]], [5], ["01-03-2027"]])
def test_what_is_no_list_of_days_is_refused(days):
    assert refused(COURSE | {"courseDays": days}).code == "bad_list"


def test_a_list_without_end_is_refused():
    assert refused(COURSE | {"courseDays": [{"date": "01-03-2027"}] * 1_001}).code == "too_long"


def test_names_alone_are_trainers_too():
    for raw in ("Åse Østergård; Jørgen Kjær;", ["Åse Østergård", {"name": "Jørgen Kjær"}]):
        trainers = read(COURSE | {"trainers": raw}).record["trainers"]
        assert [trainer["name"] for trainer in trainers] == ["Åse Østergård", "Jørgen Kjær"]
        assert [trainer["email"] for trainer in trainers] == [None, None]


def native(**changes):
    record = json.loads(sample("native-style/course.json"))["panes"]["filter"]["records"][0]["data"]
    return record | changes


def test_numbered_names_stand_side_by_side():
    reader = endpoint("course", NATIVE).compile()
    assert {"day1date", "day3city", "trainer2email", "coursenumber", "maximumnumber"} <= reader.mapped_names
    assert not {"date", "day4date", "meta"} & reader.mapped_names
    mapped = reader.read(packed(native(day2date="", day2from="", day2to="", day2place="", day2city="")))
    assert [day["date"] for day in mapped.record["days"]] == ["2027-03-01", "2027-03-03"]
    error = refused(native(day2date=""), path=NATIVE)
    assert (error.code, error.field) == ("missing_field", "days[1].date")


def test_empty_unless_asks_another_field():
    for maximum, free in [(0, None), ("0", None), ("", None), (None, None), (20, 7), ("20", 7)]:
        assert read(native(maximumnumber=maximum), path=NATIVE).record["seats_free"] == free


def test_date_and_time_are_joined_only_when_there_is_a_date():
    assert read(native(changedtime=""), path=NATIVE).record["updated_at"] == "2026-11-20T00:00:00+01:00"
    assert read(native(changeddate=""), path=NATIVE).record["updated_at"] is None


def test_from_can_be_a_dotted_name_several_names_or_jmespath(tmp_path):
    reader = thing(
        tmp_path,
        """
        city = { from = "place.city", type = "text" }
        name = { from = ["nameDa", "nameEn"], type = "text" }
        full = { from = ["first", "last"], type = "text", join = " " }
        mail = { from = "contacts[?kind=='mail'].value | [0]", type = "text" }
        size = { from = "length(rooms)", type = "int" }
        """,
    )
    record = {
        "no": 5, "place": {"city": "Aarhus"}, "nameEn": "Course", "first": "Åse", "last": "",
        "contacts": [{"kind": "fax", "value": "1"}, {"kind": "mail", "value": "a"}], "rooms": [1, 2],
    }  # fmt: skip
    mapped = reader.read(packed(record))
    assert mapped.record == {"id": "5", "city": "Aarhus", "name": "Course", "full": "Åse", "mail": "a", "size": 2}
    assert mapped.notes == []
    assert reader.mapped_names == {"no", "place", "nameDa", "nameEn", "first", "last", "contacts", "rooms"}
    assert reader.read(packed(record | {"place": None, "contacts": []})).record["city"] is None
    for wrong in ({"rooms": 5}, {"place": "Aarhus"}):
        with pytest.raises(BadRecord) as caught:
            reader.read(packed(record | wrong))
        assert caught.value.code == "bad_path"
    assert set(reader.missing_everywhere()) == set()
    empty = thing(tmp_path, "mail = { from = \"contacts[?kind=='mail'].value | [0]\", type = 'text' }")
    empty.read(packed({"no": 1}))
    assert empty.missing_everywhere() == {"mail": ["contacts"]}


def test_the_first_name_that_is_there_counts_even_when_it_is_empty(tmp_path):
    reader = thing(tmp_path, 'seats = { from = ["free", "old"], type = "int" }')
    assert reader.read(packed({"no": 1, "free": None, "old": 7})).record["seats"] is None


def test_a_field_that_vanished_from_all_records_is_named_with_what_was_looked_for():
    reader = endpoint("course").compile()
    for number in range(3):
        days = [{"dato": "01-03-2027", "startTime": "9"}]
        reader.read(packed(COURSE | {"courseId": f"25172-0{number}", "courseDays": days, "price": "1,00"}))
    missing = reader.missing_everywhere()
    assert missing["days[].date"] == ["date"]
    assert missing["seats_free"] == ["freeSeats"]
    assert missing["trainers"] == ["trainers"]
    assert not {"days", "days[].start_time", "price_minor", "currency", "start"} & set(missing)
    assert reader.defaulted_everywhere() == {"currency": ["currency"]}


def test_a_field_seen_in_one_record_is_not_missing_even_if_that_record_is_bad():
    reader = endpoint("course").compile()
    reader.read(packed(COURSE))
    assert "price_minor" in reader.missing_everywhere()
    with pytest.raises(BadRecord):
        reader.read(packed(COURSE | {"price": "1,00", "courseId": "x"}))
    assert "price_minor" not in reader.missing_everywhere()
    assert "status" in reader.missing_everywhere()


def test_before_anything_is_read_nothing_is_missing():
    assert endpoint("course").compile().missing_everywhere() == {}


def test_a_default_stands_for_nothing_but_not_for_an_unknown_word():
    assert read(COURSE | {"currency": ""}).record["currency"] == "DKK"
    assert read(native(coursestatus="nil"), path=NATIVE).record["status"] == "planned"
    mapped = read(native(coursestatus="underway"), path=NATIVE)
    assert (mapped.record["status"], codes(mapped)) == (None, [("unknown_status", "status")])


def test_notes_of_one_record_do_not_reach_the_next():
    reader = endpoint("course").compile()
    with pytest.raises(BadRecord):
        reader.read(packed(COURSE | {"status": "?", "lastChanged": "2027-03-28T02:30:00"}))
    assert "unknown_status" not in [note.code for note in reader.read(packed(COURSE | {"status": "Åben"})).notes]


def test_records_share_nothing_that_can_be_changed():
    reader = endpoint("course").compile()
    first, second = reader.read(packed(COURSE)), reader.read(packed(COURSE))
    first.record["days"][0]["city"] = "changed"
    first.notes.append(Note("x"))
    assert second.record["days"][0]["city"] is None
    assert Note("x") not in second.notes


def test_what_is_remembered_stays_bounded():
    reader = endpoint("course").compile()
    for number in range(25_000):
        reader.read(b'{"courseId":"25172-04","mainCourseId":"%d","name":"n%d"}' % (number, number))
    assert max(len(field) for field in reader._parts.fields) <= 10_000


def test_the_survey_counts_every_field_and_every_foreign_name(tmp_path):
    reader = thing(
        tmp_path,
        'price = { from = "price", type = "money" }\nwho = { from = "who", type = "list", item = "who" }',
        '[item.who]\nname = { from = "name", type = "text" }\nemail = { from = "mail", type = "email" }',
        survey=True,
    )
    with pytest.raises(BadRecord, match="price is not an amount"):
        reader.read(packed({"no": 1, "price": "14.99", "who": [{"name": "Åse", "mail": "aase(at)example.org"}]}))
    for record in (
        {"no": 2, "price": "14,99", "who": "Åse;Jørgen", "extra": 1},
        {"no": 3, "price": "Efter aftale", "extra": 1},
        {"no": 4, "price": ""},
    ):
        reader.read(packed(record))
    rows = {row.name: (row.records, row.present, row.converted, row.empty, row.failed) for row in reader.survey()}
    assert rows == {
        "id": (4, 4, 4, 0, 0),
        "price": (4, 4, 1, 2, 1),
        "who": (4, 2, 2, 0, 0),
        "who[].name": (3, 3, 3, 0, 0),
        "who[].email": (3, 1, 0, 1, 0),
    }
    examples = {row.name: row.examples for row in reader.survey()}
    assert examples["price"] == ["bad_money", "price_text"]
    assert examples["who[].email"] == ["bad_email"]
    assert reader.unmapped_names() == {"extra": 2}


def test_unknown_names_are_counted_when_the_file_wants_to_be_warned(tmp_path):
    text = HEAD.replace("decimal", 'unknown_fields = "warn"\ndecimal')
    reader = mapping_of(tmp_path, text).endpoints["thing"].compile()
    reader.read(packed({"no": 1, "surprise": 1}))
    assert reader.unmapped_names() == {"surprise": 1}
    assert reader.survey() == []
