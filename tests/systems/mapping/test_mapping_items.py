"""Taking a whole answer apart: nothing of a bad one is used, and the message says what is wrong with it."""

import json
import mmap

import pytest
from mapping_samples import endpoint, sample

from integrator.errors import BadAnswer
from integrator.systems.mapping import Endpoint

BODIES = {case["case"]: case for case in json.loads(sample("nasty/http.json"))}


def reader(items=""):
    return Endpoint("course", "/api/course", items=items, fields=endpoint("course").fields).compile()


def refusal(body, items=""):
    with pytest.raises(BadAnswer) as caught:
        reader(items).items(body)
    return caught.value.code, caught.value.message


@pytest.mark.parametrize(
    ("case", "code"),
    [
        ("login page", "not_json"),
        ("cut off", "bad_json"),
        ("null", "not_a_list"),
        ("one object instead of a list", "not_a_list"),
        ("error with 200", "error_answer"),
        ("list in an envelope", "not_a_list"),
        ("paged without saying so", "not_json"),  # the sample's words, not a body
    ],
)
def test_a_body_that_is_no_list_is_refused(case, code):
    assert refusal(BODIES[case]["body"].encode())[0] == code


@pytest.mark.parametrize("case", ["empty list", "byte order mark"])
def test_an_empty_list_is_one_and_the_guard_decides(case):
    assert reader().items(BODIES[case]["body"].encode()) == []


def test_json_that_calls_itself_html_is_judged_by_its_content():
    assert len(reader().items(BODIES["JSON as text/html"]["body"].encode())) == 1


def test_latin_1_that_nobody_declared_is_refused():
    body = bytes.fromhex(BODIES["Latin-1 body"]["body_hex"])
    assert refusal(body)[0] == "bad_encoding"
    assert len(reader().items(body.decode("latin-1").encode())) == 1


def test_latin_1_far_inside_a_long_list_is_found():
    text = json.dumps([{"name": "x" * 1000}] * 1000).encode()
    assert refusal(text[:-3] + b"\xf8" + text[-3:])[0] == "bad_encoding"


def test_a_message_names_the_keys_and_where_the_list_may_be():
    _, message = refusal(BODIES["list in an envelope"]["body"].encode())
    assert message == 'expected a list, found an object with the keys data, count; items = "data"?'
    assert refusal(b"null")[1] == "the answer is null, expected a list"
    assert "Session expired" in refusal(BODIES["error with 200"]["body"].encode())[1]
    assert refusal(b'{"rows":[]}', "data")[1] == (
        "expected items = 'data', found an object with the keys rows; items = \"rows\"?"
    )


def test_an_envelope_is_opened_where_the_mapping_says_so():
    body = BODIES["list in an envelope"]["body"].encode()
    assert [bytes(raw) for raw in reader("data").items(body)] == [b'{"courseId":"25172-04"}']


@pytest.mark.parametrize(
    ("path", "body", "records"),
    [
        ("", b' [ {"a":1}, 2 ] ', [b'{"a":1}', b"2"]),
        ("data[]", b'{"data":[1]}', [b"1"]),
        ("a.b", b'{"x":0,"a":{"b":[1,2]}}', [b"1", b"2"]),
        ("a.b[].c", b'{"a":{"b":[{"c":{}},{"d":1},{"c":null}]}}', [b"{}", b"null", b"null"]),
        ("a[].b[]", b'{"a":[{"b":[1,2]},{"b":[3]},{"b":[]}]}', [b"1", b"2", b"3"]),
        ("a[].b.c", b'{"a":[{"b":{"c":1}},{"b":null},{}]}', [b"1", b"null", b"null"]),
        ("error.list", b'{"error":{"list":[1]}}', [b"1"]),
        ("da-ta", b'{"da-ta":[1],"error":null}', [b"1"]),
    ],
)
def test_items_paths(path, body, records):
    assert [bytes(raw) for raw in reader(path).items(body)] == records


def test_an_error_beside_an_empty_list_is_an_error():
    assert refusal(b'{"data":[],"error":"Session expired"}', "data")[0] == "error_answer"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "not_json"),
        (b"  \n", "not_json"),
        (b"temporarily down", "not_json"),
        (b'[{"a":NaN}]', "bad_json"),
        (b'[{"a":1}]]', "bad_json"),
        (b"[" * 100_000 + b"]" * 100_000, "bad_json"),
        ("[]".encode("utf-16"), "bad_encoding"),
        (b"5", "not_a_list"),
        (b'"text"', "not_a_list"),
        (b"{}", "not_a_list"),
        (b"\xef\xbb\xbf<html>", "not_json"),
    ],
)
def test_other_bodies_that_are_no_list(body, code):
    assert refusal(body)[0] == code


@pytest.mark.parametrize("items", ["", "data"])
def test_a_memory_map_is_read_without_copying_it(tmp_path, items):
    body = sample("assumed/course.json")
    file = tmp_path / "answer.json"
    file.write_bytes(b"\xef\xbb\xbf" + (body if not items else b'{"data":' + body + b"}"))
    with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        course_reader = reader(items)
        raws = course_reader.items(mapped)
        assert [course_reader.read(raw).key for raw in raws][::4] == ["25172-04", "25191-11"]
        with pytest.raises(BufferError):  # they are views into the map
            mapped.close()
        del raws


@pytest.mark.parametrize(
    ("items", "body", "code"),
    [
        ("", b'{"courseId":"25172-04"}', None),
        ("", b'[{"courseId":"25172-04"}]', None),
        ("data", b'{"data":[{"courseId":"25172-04"}]}', None),
        ("data", b'{"courseId":"25172-04"}', None),
        ("", b"[]", "not_an_object"),
        ("", b"[{},{}]", "not_an_object"),
        ("", b"null", "not_an_object"),
        ("", b'{"error":"NOT_FOUND"}', "error_answer"),
        ("", b"<html>", "not_json"),
        ("", b'{"courseId":', "bad_json"),
    ],
)
def test_the_answer_about_a_single_record(items, body, code):
    if code:
        with pytest.raises(BadAnswer) as caught:
            reader(items).one(body)
        assert caught.value.code == code
    else:
        assert bytes(reader(items).one(b"\xef\xbb\xbf" + body)) == b'{"courseId":"25172-04"}'


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"error": "Session expired"}, "the answer is an error: Session expired"),
        ({"error": "no such user: aase@example.org"}, "the answer is an error: a text that is not shown here"),
        ({"error": {"who": "aase@example.org"}}, "the answer is an error: an object that is not shown here"),
        ({"aase@example.org": [], "kl": 1}, "expected a list, found an object with the keys …, kl"),
    ],
)
def test_a_message_repeats_words_but_nothing_that_may_be_a_persons(body, message):
    assert refusal(json.dumps(body).encode())[1] == message
