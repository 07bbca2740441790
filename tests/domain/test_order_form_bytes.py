"""The bytes of a form: JSON as it must be, or one line that says where it is not."""

import json

import pytest

from integrator.domain.orders import form_data
from integrator.errors import BadForm, UsageError

from .order_forms import SENT, read


def message(raw: bytes) -> str:
    with pytest.raises(UsageError) as caught:
        form_data(raw)
    assert caught.value.exit_code == 2
    assert not isinstance(caught.value, BadForm)
    return caught.value.message


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_a_form_is_read_with_and_without_a_byte_order_mark(mark):
    assert form_data(mark + json.dumps(SENT, ensure_ascii=False).encode()) == SENT


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b"", "the form is not JSON: line 1, column 1: Expecting value"),
        (b'{"a": 1,\n "b" 2}', "the form is not JSON: line 2, column 6: Expecting ':' delimiter"),
        (b'{"a": 1} x', "the form is not JSON: line 1, column 10: Extra data"),
        (b'{"a": "anna\nholm"}', "the form is not JSON: line 1, column 12: Invalid control character at"),
        (b'{"a": NaN}', "the form is not JSON: NaN is no number there"),
        (b"[-Infinity]", "the form is not JSON: -Infinity is no number there"),
        (b'{"a":\n"S\xf8ren"}', "the form is not UTF-8: line 2"),
        ('{"a": 1}'.encode("utf-16"), "the form is not UTF-8: line 1"),
        (b'{"a": {"email": 1, "email": 1}}', 'the form is not clear: the key "email" stands twice in one object'),
        (b'{"anna@example.org": 1, "anna@example.org": 2}', "the form is not clear: a key stands twice in one object"),
        (b"[" * 100_000, "the form is not JSON of ours: nested too deeply"),
        (b'{"a":' * 40_000, "the form is not JSON of ours: nested too deeply"),
    ],
)
def test_what_is_wrong_is_said_without_a_value(raw, told):
    assert message(raw) == told


def test_a_form_may_be_as_large_as_256_kb_and_no_larger():
    raw = b'"' + b"x" * (256_000 - 2) + b'"'
    assert len(form_data(raw)) == 256_000 - 2
    assert message(raw + b" ") == "the form is larger than 256 kB"


@pytest.mark.parametrize("number", [b"1" * 100_000, b"-" + b"9" * 5000, b"1e999999", b"0." + b"1" * 100_000, b"1"])
def test_a_number_of_any_length_is_only_a_number(number):
    with pytest.raises(BadForm) as caught:
        read(form_data(b'{"customer": {"name": ' + number + b"}}"))
    assert caught.value.problems[0].message == "This must be text, not a number."
