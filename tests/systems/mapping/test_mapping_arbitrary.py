"""Whatever JSON stands in whatever field: a record is mapped, or refused as a record. Never anything else."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st
from mapping_samples import NATIVE, endpoint, one_field, packed, sample

from integrator.errors import BadAnswer, BadRecord
from integrator.systems.mapping import Endpoint, Mapped
from integrator.systems.mapping.field import TYPES

COURSE = json.loads(sample("assumed/course.json"))[0]
NATIVE_COURSE = json.loads(sample("native-style/course.json"))["panes"]["filter"]["records"][0]["data"]

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=30)
    | st.sampled_from(
        ["01-03-2027", "2027-03-28T02:30", "9.00-16", "14.995,-", "/Date(1)/", "9999-12-31", "<p>", "&lt;"]
    )
    | st.from_regex(r"\A[0-9./: -]{1,20}\Z")
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8) | st.just("date"), inner, max_size=4)
    ),
    max_leaves=8,
)
DAYS = st.lists(
    st.dictionaries(st.sampled_from(["date", "startTime", "endTime", "location"]), VALUES) | VALUES, max_size=4
)


def outcome(take, argument, kind):
    """What a call gives, or the one kind of error it may raise."""
    try:
        return take(argument)
    except kind as error:
        return error


def check(reader, record):
    mapped = outcome(reader.read, packed(record), BadRecord)
    if isinstance(mapped, BadRecord):
        assert mapped.code
        assert mapped.message
        return
    assert isinstance(mapped, Mapped)
    assert mapped.key == mapped.record["id"]
    json.dumps(mapped.record, allow_nan=False).encode()
    for note in mapped.notes:
        assert note.code


@settings(max_examples=400, deadline=None)
@given(
    changes=st.dictionaries(st.sampled_from(sorted(COURSE)), VALUES, max_size=4),
    days=DAYS,
    gone=st.sets(st.sampled_from(sorted(COURSE)), max_size=3),
)
def test_any_value_in_any_field_of_a_course(changes, days, gone):
    record = {name: value for name, value in (COURSE | {"courseDays": days} | changes).items() if name not in gone}
    check(READER, record)


@settings(max_examples=200, deadline=None)
@given(changes=st.dictionaries(st.sampled_from(sorted(NATIVE_COURSE)), VALUES, max_size=6))
def test_any_value_in_any_numbered_field(changes):
    check(NATIVE_READER, NATIVE_COURSE | changes)


@settings(max_examples=600, deadline=None)
@given(kind=st.sampled_from([kind for kind in TYPES if kind not in ("list", "enum")]), value=VALUES)
def test_any_value_of_any_type(kind, value):
    check(BY_TYPE[kind], {"id": "1", "value": value})


@settings(max_examples=300, deadline=None)
@given(body=st.binary(max_size=40) | VALUES.map(packed), path=st.sampled_from(["", "data", "a[].b"]))
def test_any_body_is_a_list_or_a_bad_answer(body, path):
    for take in (READERS[path].items, READERS[path].one):
        found = outcome(take, body, BadAnswer)
        assert not isinstance(found, BadAnswer) or found.code in CODES


@settings(max_examples=300, deadline=None)
@given(
    record=st.dictionaries(st.text(alphabet='a": \n', max_size=3), VALUES, max_size=5),
    spaced=st.booleans(),
    again=st.booleans(),
)
def test_a_repeated_key_is_always_found_and_never_imagined(record, spaced, again):
    raw = (
        packed({"id": "1"} | record)
        if not spaced
        else json.dumps({"id": "1"} | record, separators=(" , ", " : ")).encode()
    )
    raw = raw[:-1] + b', "last" : {"x": 1, "y"\t: 2' + (b', "x": 3' if again else b"") + b"}}"
    found = outcome(READERS[""].read, raw, BadRecord)
    assert (isinstance(found, BadRecord) and found.code == "duplicate_key") is again


BY_TYPE = {kind: one_field(kind).compile() for kind in TYPES if kind not in ("list", "enum")}
CODES = {"not_json", "bad_json", "bad_encoding", "not_a_list", "not_an_object", "error_answer"}
READER = endpoint("course").compile()
NATIVE_READER = endpoint("course", NATIVE).compile()
ID = one_field("text").fields[:1]
READERS = {path: Endpoint("t", "/t", items=path, fields=ID).compile() for path in ("", "data", "a[].b")}
