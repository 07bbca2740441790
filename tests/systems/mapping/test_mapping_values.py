"""The table of nasty values: every case is either converted here or named as one of the domain's."""

import json
from dataclasses import replace

import pytest
from mapping_samples import COURSE, convert, endpoint, one_field, packed, sample

from integrator.errors import BadRecord
from integrator.systems.mapping import Endpoint

CASES = {case["id"]: case for case in json.loads(sample("nasty/values.json"))["cases"]}

# Rules about several fields or several records: tests/domain and tests of the list's reader.
DOMAIN = {
    "seats-more-than-max", "seats-disagree", "cancelled-with-seats", "full-by-number", "main-not-prefix", "orphan",
    "dup-same", "dup-different", "dup-case",
}  # fmt: skip
RECORDS = {"days-vs-start", "extra-fields", "missing-field"}

# The table says "error" of the value; the record is kept, without it, and a note tells.
NOTED_ERRORS = {"date-text"}
NOTES = {
    "money-13": ["price_text"],
    "seats-5": ["clamped"],
    "text-mojibake": ["suspect_encoding"],
    "html-3": ["double_escaped"],
    "trainers-mail-bad": ["bad_email"],
}
TYPES = {"range": "date_range"}
SHIPPED_FIELDS = {"seats": "seats_free"} | {name: name for name in ("status", "language", "days", "trainers")}


def as_shipped(name):
    """The field as the shipped mapping has it, looked for under "value"."""
    course = endpoint("course")
    spec = next(spec for spec in course.fields if spec.name == name)
    test = one_field("text")
    return Endpoint("test", "/test", fields=(test.fields[0], _renamed(spec)), defaults=course.defaults)


def _renamed(spec):
    return replace(spec, name="value", sources=("value",))


def converted(case):
    """(value, note codes) of a case, or ("error", code)."""
    field, raw = case["field"], case["raw"]
    test = as_shipped(SHIPPED_FIELDS[field]) if field in SHIPPED_FIELDS else one_field(TYPES.get(field, field))
    record = {"id": "1", "value": raw}
    if field == "id":
        test, record = Endpoint("test", "/test", fields=test.fields[:1], defaults=test.defaults), {"id": raw}
    try:
        mapped = test.compile().read(packed(record))
    except BadRecord as error:
        return "error", error.code
    return mapped.record["id" if field == "id" else "value"], [note.code for note in mapped.notes]


def holds(value, expected):
    """Equality; of an entry, of the fields the case names."""
    if isinstance(expected, list) and expected and isinstance(expected[0], dict):
        pairs = zip(value, expected, strict=True)
        return all({name: got[name] for name in wanted} == wanted for got, wanted in pairs)
    return value == expected and type(value) is type(expected)


def test_no_case_of_the_table_is_left_out():
    assert len(CASES) == 108
    assert set(CASES) >= DOMAIN | RECORDS | NOTED_ERRORS | set(NOTES)
    assert {case["field"] for case in CASES.values()} - {"record", "list"} == {
        "date", "date_range", "datetime", "range", "time", "time_range", "money", "seats", "status", "id", "html",
        "text", "language", "trainers", "bool", "days",
    }  # fmt: skip


@pytest.mark.parametrize("case_id", [case_id for case_id in CASES if case_id not in DOMAIN | RECORDS])
def test_a_nasty_value_becomes_what_the_table_says(case_id):
    case = CASES[case_id]
    value, outcome = converted(case)
    expected = case["expect"]
    if isinstance(expected, dict) and "error" in expected and case_id in NOTED_ERRORS:
        assert (value, outcome) == (None, [expected["error"]])
    elif isinstance(expected, dict) and "error" in expected:
        assert (value, outcome) == ("error", expected["error"])
    elif isinstance(expected, dict):
        assert (value, outcome) == (expected[case["field"]], [expected["warning"]])
    else:
        assert holds(value, expected)
        assert outcome == NOTES.get(case_id, [])


def test_days_decide_over_the_start_date():
    case = CASES["days-vs-start"]
    mapped = endpoint("course").compile().read(packed(COURSE | {"endDate": "01-03-2027"} | case["raw"]))
    notes = {(note.code, note.field) for note in mapped.notes}
    assert (case["expect"]["warning"], "start") in notes
    assert (case["expect"]["warning"], "end") not in notes
    assert mapped.record["start"] == case["expect"]["start"]


def test_a_field_nobody_maps_goes_no_further():
    case = CASES["extra-fields"]
    reader = endpoint("course").compile(survey=True)
    mapped = reader.read(packed(COURSE | case["raw"]))
    assert list(reader.unmapped_names()) == case["expect"]["dropped"]
    assert "vanskelig" not in str(mapped)


def test_a_missing_field_is_noted_and_one_missing_everywhere_is_named():
    case = CASES["missing-field"]
    reader = endpoint("course").compile()
    with pytest.raises(BadRecord, match="main_id is missing") as caught:
        reader.read(packed(case["raw"]))
    assert (caught.value.code, caught.value.key) == ("missing_field", "25172-04")
    missing = {name for name, spec in ((spec.name, spec) for spec in endpoint("course").fields) if not spec.default}
    assert set(reader.missing_everywhere()) == missing - {"id"}

    mapped = endpoint("course").compile().read(packed(COURSE))
    assert case["expect"]["warning"] in {note.code for note in mapped.notes}


@pytest.mark.parametrize(
    ("kind", "raw", "expected"),
    [
        ("date", "mandag den 2. marts 2027", "bad_date"),  # it is a Tuesday
        ("date", "1. maj 2027", "2027-05-01"),
        ("date", "d. 5. okt. 2027", "2027-10-05"),
        ("date", "01-03-2027 00:00:00", "2027-03-01"),
        ("date", "0001-01-01T00:00:00Z", None),
        ("date", "3027-01-01", "bad_date"),
        ("date", 20270301, "bad_date"),
        ("date_range", "01-03-2027 - 03-03-2027", ["2027-03-01", "2027-03-03"]),
        ("date_range", "30. december – 3. januar 2028", ["2027-12-30", "2028-01-03"]),
        ("date_range", "1. marts 2027", ["2027-03-01", "2027-03-01"]),
        ("date_range", "3.-1. marts 2027", "end_before_start"),
        ("date_range", "1., 3. og 8. marts 2027", "bad_date"),
        ("datetime", "2016-08-16 13:13:17.213", "2016-08-16T13:13:17+02:00"),
        ("datetime", "2026-11-20T16:02:11Z", "2026-11-20T17:02:11+01:00"),
        ("datetime", "2027-10-31T02:30:00", "2027-10-31T02:30:00+02:00"),  # the first of the two
        ("datetime", "2026-11-20T25:00:00", "bad_time"),
        ("datetime", "20-11-2026 kl. 17.02", "2026-11-20T17:02:00+01:00"),
        ("datetime", "0001-01-01T00:00:00+02:00", None),
        ("datetime", "/Date(-62135596800000)/", None),
        ("datetime", "/Date(999999999999999)/", "bad_date"),
        ("time", "12:00 AM", "00:00"),
        ("time", "12.30 pm", "12:30"),
        ("time", "13:00 PM", "bad_time"),
        ("time", 900, "bad_time"),
        ("time", "24:01", "bad_time"),
        ("time_range", "16-9", "end_before_start"),
        ("money", "14.995:-", 1499500),
        ("money", "1.499.500,5", 149950050),
        ("money", "14.995 USD", "bad_money"),
        ("money", 0.1 + 0.2, 30),
        ("money", 14.999, "bad_money"),
        ("money", True, "bad_money"),
        ("money", 1e300, "bad_money"),
        ("int", "7 af 20", "bad_int"),
        ("int", "7.5", "bad_int"),
        ("int", True, "bad_int"),
        ("int", 2**60, "bad_int"),
        ("bool", 2, "bad_bool"),
        ("bool", 1.0, True),
        ("not_bool", "ja", False),
        ("text", 5.0, "5"),
        ("text", True, "bad_text"),
        ("text", ["a"], "bad_text"),
        ("text", "x" * 2_001, "too_long"),
        ("text", "5 < 6", "5 < 6"),
        ("text", "<scr<b>ipt>alert(1)</script>", "alert(1)"),
        ("text", "<style>p{}</style> ", None),
        ("text", "a\u202eb\u200b", "ab"),
        ("text", "A\u030arhus", "Århus"),
        ("upper", "dkk ", "DKK"),
        ("id", "https://x", "bad_id"),
        ("id", -1, "bad_id"),
        ("html", "x" * 200_001, "too_long"),
        ("html", 5, "bad_html"),
        ("html", "En\n\nTo\ntre", "<p>En</p><p>To<br />tre</p>"),
        ("html", "<p onclick='x()'>a<br>b</p>", "<p>a<br />b</p>"),
        ("html", '<a href="javascript:x()">a</a>', "<a>a</a>"),
        ("html", '<a href="//example.org">a</a>', "<a>a</a>"),
        (
            "html",
            '<a href="https://example.org/?a=1&amp;b=2">a</a>',
            '<a href="https://example.org/?a=1&amp;b=2">a</a>',
        ),
        ("html", "&lt;script&gt;", "&lt;script&gt;"),
        ("html", "3<4 og a<b", "3&lt;4 og a&lt;b"),
    ],
)
def test_more_nasty_values(kind, raw, expected):
    if isinstance(expected, str) and (expected.startswith("bad_") or expected in ("too_long", "end_before_start")):
        with pytest.raises(BadRecord) as caught:
            convert(kind, raw)
        assert (caught.value.code, caught.value.field, caught.value.key) == (expected, "value", "1")
    else:
        assert holds(convert(kind, raw)[0], expected)


@pytest.mark.parametrize("raw", ["ukendt", "Åse <aase@example.org>", "a@b", "a b@example.org", "a@example.org\nBcc: x"])
def test_a_broken_address_is_none_and_noted_without_being_shown(raw):
    mapped = one_field("email").compile().read(packed({"id": "1", "value": raw}))
    assert mapped.record["value"] is None
    assert [(note.code, note.detail) for note in mapped.notes] == [("bad_email", "")]


@pytest.mark.parametrize("raw", ["", "  ", None, "nil"])
def test_no_address_is_none_without_a_remark(raw):
    assert convert("email", raw) == (None, [])


def test_true_and_one_are_not_mixed_up_by_what_is_remembered():
    reader = one_field("text").compile()
    assert [reader.read(packed({"id": "1", "value": raw})).record["value"] for raw in (1, 1.0, "1")] == ["1"] * 3
    with pytest.raises(BadRecord, match="is not a text"):
        reader.read(packed({"id": "1", "value": True}))


def test_two_digit_years_and_numbers_in_front_of_text_are_a_matter_of_configuration():
    strict = replace(endpoint("course").defaults, two_digit_year=False, leading_number=False)
    for kind, raw, code in [("date", "01-03-27", "bad_date"), ("int", "7 ledige", "bad_int")]:
        with pytest.raises(BadRecord) as caught:
            replace(one_field(kind), defaults=strict).compile().read(packed({"id": "1", "value": raw}))
        assert caught.value.code == code


@pytest.mark.parametrize(
    ("locale", "text"), [("sv", "måndag 1 mars 2027"), ("nb", "mandag 1. mars 2027"), ("da", "mandag d. 1. marts 2027")]
)
def test_month_names_are_those_of_the_locale(locale, text):
    defaults = replace(endpoint("course").defaults, locale=locale, date_formats=("text",))
    mapped = replace(one_field("date"), defaults=defaults).compile().read(packed({"id": "1", "value": text}))
    assert mapped.record["value"] == "2027-03-01"


def test_a_currency_in_the_price_must_be_the_one_of_the_record():
    assert convert("money", "500 SEK", currency="SEK") == (50000, [])
    with pytest.raises(BadRecord, match="not an amount"):
        convert("money", "500 DKK", currency="SEK")
