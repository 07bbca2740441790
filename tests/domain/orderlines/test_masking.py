"""A refused body is kept for a person to look at, and nobody finds a password in it."""

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from integrator.domain.orderlines.payload import masked

from .bodies import PLAIN, SECRET, SENT

TEXT = json.dumps(SENT)
LETTERS = "ÆØÅQXZ"  # nothing else in these bodies is made of them
# What a password may be made of to slip through: every character that means something in JSON.
PASSWORDS = st.text(LETTERS + "\"'\\{}[]:,/ \t\n\r\0\x1f\u2028\U0001f511n0159.-=&<>*", min_size=1, max_size=14).filter(
    lambda text: any(letter in text for letter in LETTERS)
)


def shown(raw):
    """The masked text with every escape resolved, so that no letter hides in one."""
    text = masked(raw if isinstance(raw, bytes) else raw.encode()).decode("utf-8", "replace").replace("\0", "")
    for _ in range(4):
        text = text.replace("\\\\", "\\")
    return text + "".join(chr(int(part[:4], 16)) for part in text.split("\\u")[1:] if _is_hex(part[:4]))


def _is_hex(text):
    return len(text) == 4 and all(char in "0123456789abcdefABCDEF" for char in text)


def leaks(raw):
    return [letter for letter in LETTERS if letter in shown(raw)]


def body(password, levels, ascii_only=True, indent=None):
    text = json.dumps({**SENT, "username": password, "password": password}, ensure_ascii=ascii_only, indent=indent)
    for _ in range(levels):
        text = json.dumps(text, ensure_ascii=ascii_only)
    return text


@pytest.mark.parametrize("levels", [0, 1, 2, 3])
def test_only_the_values_go_and_the_rest_can_be_read_as_before(levels):
    text = masked(body(SECRET, levels).encode()).decode()
    for _ in range(levels):
        text = json.loads(text)
    assert json.loads(text) == {**SENT, "username": "***", "password": "***"}


def test_the_sample_with_its_trailing_comma_can_be_mended_and_sent_again():
    raw = f'{{\r\n  "password": "{SECRET}",\r\n  "unique_id": "0001",\r\n}}\r\n'.encode()
    assert masked(raw) == b'{\r\n  "password": "***",\r\n  "unique_id": "0001",\r\n}\r\n'


def test_a_body_without_names_of_credentials_stays_byte_for_byte():
    for raw in (json.dumps(PLAIN).encode(), b"\xff\xfe\0{'a': \xf8}", b"", b"\xef\xbb\xbf{}", b"{" * 1000):
        assert masked(raw) == raw


def test_a_byte_order_mark_stays():
    assert masked(b'\xef\xbb\xbf{"password": "x"}') == b'\xef\xbb\xbf{"password": "***"}'


@pytest.mark.parametrize(
    "raw",
    [
        f"{{'username': '{SECRET}', 'password': '{SECRET}'}}",
        f"password={SECRET}&case_id=560",
        f"<order><password>{SECRET}</password></order>",
        f"{{password: {SECRET}}}",
        f'{{"Password" : "{SECRET}"}}',
        f'{{"ERP_PASSWORD": "{SECRET}"}}',
        f'{{"passwd": "{SECRET}", "pwd": "{SECRET}"}}',
        f'{{"p\\u0061ssword": "{SECRET}"}}',
        f'{{"\\u0070\\u0061\\u0053\\u0053word": "{SECRET}"}}',
        json.dumps(f'{{"p\\u0061ssword": "{SECRET}"}}'),
        json.dumps(json.dumps(f'{{"p\\u0061ssword": "{SECRET}"}}')),
        f'"{{\\"p\\\\u0061ssword\\": \\"{SECRET}',
        f'{{"password": ["{SECRET}"]}}',
        f'{{"password": {{"value": "{SECRET}"}}}}',
        f'{{"field": "password", "value": "{SECRET}"}}',
        f'["password", "{SECRET}"]',
        f'{{"password" "{SECRET}"}}',
        f'{{"password": "a" "{SECRET}"}}',
        f'{{"password": "a", "{SECRET}"}}',
        f'{{"password": 12 "{SECRET}"}}',
        f'{{"note": "the password is {SECRET}"}}',
        json.dumps({f'{{"password": "{SECRET}"}}': 1}),
        f'{{"password=": "{SECRET}"}}',
        f'{{"password": "a"}}{{"password": "{SECRET}"}}',
        f'{{"password": "a\n{SECRET}", "case_id": "560"}}',
        f'{{"password": "a"}}{SECRET}", "case_id": "560"}}',
        f'{{"a": 1, "password": null{SECRET}}}',
        f'{{"password": []"{SECRET}"}}',
        f'{{"note": "and the password:" "{SECRET}"}}',
        json.dumps(json.dumps(json.dumps(json.dumps(json.dumps(SENT))))),
        f"[{json.dumps(TEXT)}, {json.dumps(TEXT)}]",
        f"{TEXT}\n{json.dumps(TEXT)}\n{TEXT[:-40]}",
        f'{TEXT}\n{{"a": 1,}}\n{TEXT}',
    ],
)
def test_however_it_is_written_the_password_is_gone(raw):
    assert SECRET not in shown(raw)
    assert SECRET not in shown(b"\xff" + raw.encode())


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_in_another_encoding_it_is_gone_too(encoding):
    kept = masked(TEXT.encode(encoding)).replace(b"\0", b"")
    assert b"Sommer" not in kept
    assert b"benny@" not in kept


def test_in_a_list_of_strings_every_order_stays_readable():
    raw = json.dumps([TEXT, TEXT]).encode()
    assert [json.loads(text)["unique_id"] for text in json.loads(masked(raw))] == ["0007", "0007"]
    lines = masked(f"{json.dumps(TEXT)}\n{json.dumps(TEXT)}\n".encode()).decode().splitlines()
    assert [json.loads(json.loads(line))["password"] for line in lines] == ["***", "***"]


def test_of_a_body_that_is_too_large_only_the_beginning_is_kept():
    assert len(masked(b" " * 6_000_000)) == 5_000_000
    assert SECRET not in shown(b" " * 4_999_850 + TEXT.encode())


@settings(max_examples=400, deadline=None)
@given(PASSWORDS, st.integers(0, 3), st.booleans(), st.sampled_from([None, 1]))
def test_any_password_is_gone_at_any_level_of_escaping(password, levels, ascii_only, indent):
    assert not leaks(body(password, levels, ascii_only, indent))


@settings(max_examples=400, deadline=None)
@given(PASSWORDS, st.integers(0, 2), st.booleans(), st.data())
def test_any_password_is_gone_wherever_the_body_is_cut(password, levels, ascii_only, data):
    raw = body(password, levels, ascii_only).encode("utf-8")
    assert not leaks(raw[: data.draw(st.integers(0, len(raw)))])


@settings(max_examples=600, deadline=None)
@given(PASSWORDS, st.integers(0, 2), st.booleans(), st.data())
@example('"Q,', 0, True, None)
@example("Q , ", 1, True, None)
def test_any_password_is_gone_when_a_character_is_lost_or_put_in(password, levels, ascii_only, data):
    """Anywhere behind the names; a name that is damaged itself is no name."""
    text = body(password, levels, ascii_only)
    start = text.index("password") + len("password")
    places = [data.draw(st.integers(start, len(text)))] if data else range(start, len(text) + 1)
    put = data.draw(st.sampled_from(['"', "\\", ",", "}", ":", "\n", "\0", "1", ""])) if data else '"'
    for at in places:
        assert not leaks(text[:at] + put + text[at + (put == "") :])
