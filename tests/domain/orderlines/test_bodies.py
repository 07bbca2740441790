"""The body around the orders: JSON once or twice encoded, lists, lines, and what is no JSON at all."""

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integrator.domain.orderlines.payload import MAX_BYTES, Accepted, BadRequest

from .bodies import PLAIN, SECRET, SENT, order, refused, result, results

TEXT = json.dumps(SENT)
SAMPLE = b"""{
    "workshop": "bennys",
    "username": "benny@example.org",
    "password": "Sommer-2026!",
    "unique_id": "0001",
    "case_id": "560",
    "product_nr": "0005",
    "product_amount": "5",
}
"""


def numbered(*ids):
    return [{**SENT, "unique_id": unique_id} for unique_id in ids]


def ids(found):
    return [one.order.unique_id if isinstance(one, Accepted) else None for one in found]


def test_an_object_and_a_string_that_holds_it_are_the_same_order():
    sound = SAMPLE.replace(b'"5",\n}', b'"5"\n}')
    assert result(sound) == result(json.dumps(sound.decode()).encode())
    assert order(sound).unique_id == "0001"


def test_the_sample_with_its_trailing_comma_is_refused_by_line_and_column():
    found = refused(SAMPLE)
    assert re.match(r"the body is not JSON: line [89], column \d+: ", found.reason)
    assert (found.unique_id, found.workshop, found.credentials) == (None, None, True)
    inner = refused(SAMPLE.decode())
    assert re.match(r"the text in the body is not JSON: line [89], column \d+: ", inner.reason)


def test_a_body_is_encoded_twice_at_most():
    assert order(json.dumps(TEXT).encode()) == order(SENT)
    found = refused(json.dumps(json.dumps(TEXT)).encode())
    assert found == BadRequest("the text in the body must hold an object", None, None, credentials=True)


@pytest.mark.parametrize("inner", ["[]", f"[{TEXT}]", "5", "null", '"x"'])
def test_a_string_holds_one_object_and_nothing_else(inner):
    assert refused(json.dumps(inner).encode()).reason == "the text in the body must hold an object"


@pytest.mark.parametrize("raw", [b"5", b"-1.5", b"1e3", b"null", b"true"])
def test_a_bare_value_is_no_order(raw):
    assert refused(raw) == BadRequest("must be an object, or a text that holds one", None, None, credentials=False)


@pytest.mark.parametrize("raw", [b"", b" \r\n\t ", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n"])
def test_an_empty_body_is_refused(raw):
    assert refused(raw).reason == "the body is empty"


def test_an_empty_list_holds_no_orders():
    assert results(b"[]") == []


@pytest.mark.parametrize("indent", [None, 2])
def test_a_byte_order_mark_and_line_ends_of_windows_are_let_pass(indent):
    raw = json.dumps(SENT, indent=indent).replace("\n", "\r\n").encode()
    assert order(b"\xef\xbb\xbf" + raw + b"\r\n") == order(SENT)


def test_every_item_of_a_list_stands_for_itself():
    found = results([*numbered("1", "2"), 5, TEXT, {**PLAIN, "product_amount": "x"}, [PLAIN], {}, "{"])
    assert ids(found) == ["1", "2", None, "0007", None, None, None, None]
    assert found[2].reason == "item 3: must be an object, or a text that holds one"
    assert found[4].reason.startswith("product_amount: ")
    assert found[4].unique_id == "0007"
    assert found[5].reason == "item 6: must be an object, or a text that holds one"
    assert found[6].reason.startswith("item 7: workshop: missing; case_id")
    assert found[7].reason.startswith("item 8: the text in the body is not JSON: line 1, column 2")


def test_an_item_with_a_key_twice_spoils_no_other():
    found = results(b'[{"a": 1, "a": 2, %s, %s]' % (TEXT.encode()[1:], TEXT.encode()))
    assert ids(found) == [None, "0007"]
    assert found[0].reason == 'the key "a" stands twice in the object'


@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n  \n"])
@pytest.mark.parametrize("twice", [False, True])
def test_one_order_a_line_is_read(end, twice):
    lines = [json.dumps(one) for one in numbered("1", "2", "3")]
    if twice:
        lines = [json.dumps(line) for line in lines]
    assert ids(results(end.join([*lines, ""]).encode())) == ["1", "2", "3"]


def test_a_line_that_cannot_be_read_is_told_by_its_number_and_spoils_no_other():
    one, two = (json.dumps(one) for one in numbered("1", "2"))
    found = results(f'{one}\n\n{{"a": 1,}}\n[]\n{two}\n{two[:-20]}'.encode())
    assert ids(found) == ["1", None, None, "2", None]
    assert found[1].reason.startswith("the body is not JSON: line 3, column ")
    assert found[2].reason == "line 4: must be an object, or a text that holds one"
    assert found[4].reason.startswith("the body is not JSON: line 6, column ")
    assert [one.credentials for one in found] == [True, False, False, True, True]


def test_a_first_line_that_cannot_be_read_spoils_no_other_either():
    found = results(f'{{"a": 1,}}\n{TEXT}\n'.encode())
    assert ids(found) == [None, "0007"]
    assert found[0].reason.startswith("the body is not JSON: line 1, column ")


@pytest.mark.parametrize(
    "raw",
    [
        json.dumps({"orders": SENT, "more": {"x": 1}}, indent=1)[:-1].encode(),
        f'{{"order":\n{TEXT}'.encode(),
        f"[{TEXT},\n{TEXT}\n".encode(),
        f"[\n{TEXT}\n{TEXT}\n]".encode(),
        f"{TEXT},\n{TEXT}\n".encode(),
    ],
)
def test_one_value_with_a_mistake_is_not_taken_for_lines(raw):
    assert refused(raw).reason.startswith("the body is not JSON: line ")


def test_a_separator_inside_a_text_ends_no_line():
    raw = json.dumps({**SENT, "note": "a\u2028b\x85c"}, ensure_ascii=False)
    assert ids(results(f"{raw}\n{raw}".encode())) == ["0007", "0007"]


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b'{"a":\n"S\xf8ren"}', "the body is not UTF-8: line 2"),
        (b"\xff\xfe" + TEXT.encode("utf-16-le"), "the body is not UTF-8: line 1"),
        (TEXT.encode("utf-16-be"), "the body holds a NUL character: line 1"),
        (b'{"a":\n"\0"}', "the body holds a NUL character: line 2"),
        (b'{"a": "\xed\xa0\x80"}', "the body is not UTF-8: line 1"),
        (b'{"a": NaN}', "the body is not JSON: NaN is no number there"),
        (b"[-Infinity]", "the body is not JSON: -Infinity is no number there"),
        (b"[" * 100_000, "the body is not JSON of ours: nested too deeply"),
        (b'{"a":' * 100_000, "the body is not JSON of ours: nested too deeply"),
        (json.dumps("[" * 100_000).encode(), "the text in the body is not JSON of ours: nested too deeply"),
    ],
)
def test_what_is_no_json_is_refused_in_words(raw, told):
    assert refused(raw).reason == told


def test_letters_that_were_broken_before_they_came_are_letters():
    assert order({**PLAIN, "product_nr": "OlieÂ°5"}).product_nr == "OlieÂ°5"


def test_a_password_in_a_body_that_cannot_be_read_is_noticed_and_not_told():
    for raw in (f"{{'password': '{SECRET}'}}".encode(), TEXT.encode()[:-2], TEXT.encode("latin-1") + b"\xff"):
        found = refused(raw)
        assert found.credentials
        assert SECRET not in found.reason


def test_a_body_of_5_mb_is_read_and_a_larger_one_is_not():
    raw = TEXT.encode().ljust(MAX_BYTES)
    assert order(raw) == order(SENT)
    assert refused(raw + b" ") == BadRequest("the body is larger than 5 MB", None, None, credentials=False)


def test_a_body_of_more_values_than_orders_fit_into_it_is_refused_once():
    assert len(results(b"[" + b"1," * 99_999 + b"1]")) == 100_000
    assert refused(b"[" + b"1," * 100_000 + b"1]").reason == "the body holds more than 100000 values"
    assert refused(b"{}\n" + b"1\n" * 100_000).reason == "the body holds more than 100000 values"


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=60) | ANYTHING.map(lambda data: json.dumps(data).encode()))
def test_any_bytes_are_refused_in_words(raw):
    for found in results(raw):
        assert isinstance(found, BadRequest)
        assert found.reason.isprintable()
        assert found.unique_id is None


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(TEXT)), st.integers(0, len(TEXT)), st.binary(max_size=3))
def test_a_damaged_body_is_an_order_of_its_own_words_or_refused(start, end, put):
    raw = TEXT.encode()
    for found in results(raw[: min(start, end)] + put + raw[max(start, end) :]):
        assert SECRET not in repr(found)
        if isinstance(found, Accepted):
            assert found.order.workshop == "bennys"
