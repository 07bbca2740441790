"""Bodies: JSON as it comes, gzip that never inflates in memory, files in UTF-8."""

import gzip
import subprocess
import sys
import zlib
from hashlib import blake2b

import pytest

from integrator.errors import BadAnswer, StoreDamaged, Unavailable
from integrator.systems.http import Headers, Http, Reply
from rawserver import CLOSE, RESET, RawServer, answer


def http_to(url, **more):
    return Http(system="brp", base_url=url, user_agent="integrator/test", timeout_s=5.0, **more)


def reply(body, content_type="application/json"):
    return Reply(200, Headers([("Content-Type", content_type)]), body, "brp: list")


def packed(piece, times):
    pack = zlib.compressobj(9, wbits=31)
    return b"".join([*(pack.compress(piece) for _ in range(times)), pack.flush()])


@pytest.mark.parametrize(
    ("body", "content_type", "value"),
    [
        (b'[{"a": 1}]', "application/json", [{"a": 1}]),
        (b'\xef\xbb\xbf {"a": "\xc3\xb8"}\n', "application/json", {"a": "ø"}),
        (b"null", "application/json", None),
        (b"[]", "text/html; charset=UTF-8", []),
        (b'"\xf8"', "application/json; charset=ISO-8859-1", "ø"),
        (b'"\x80"', 'text/plain; charset="windows-1252"', "€"),
        (b'"a"', "application/json; charset=us-ascii", "a"),
        ('"ø"'.encode("utf-16"), "application/json; charset=utf-16", "ø"),
        (b"12345678901234567890123", "", 12345678901234567890123),
    ],
)
def test_json_is_read_whatever_it_is_wrapped_in(body, content_type, value):
    assert reply(body, content_type).json() == value


@pytest.mark.parametrize(
    ("body", "content_type", "code"),
    [
        (b"", "application/json", "not_json"),
        (b"  \n", "application/json", "not_json"),
        (b"<!DOCTYPE html><form>Log ind", "application/json", "not_json"),
        (b"Service unavailable", "text/plain", "not_json"),
        (b'[{"a": 1}, {"a":', "application/json", "bad_json"),
        (b'{"a": NaN}', "application/json", "bad_json"),
        (b"NaN", "application/json", "bad_json"),
        (b"[Infinity]", "application/json", "bad_json"),
        (b"[-Infinity]", "application/json", "bad_json"),
        (b"[1e999]", "application/json", "bad_json"),
        (b'"\\ud800"', "application/json", "bad_json"),
        (b"[" * 100_000, "application/json", "bad_json"),
        (b"[1] [2]", "application/json", "bad_json"),
        (b"[" + b"9" * 5000 + b"]", "application/json", "bad_json"),
        (b'"\xf8"', "application/json", "bad_encoding"),
        (b'"\xf8"', "application/json; charset=utf-8", "bad_encoding"),
        (b'"a"', "application/json; charset=zip", "bad_encoding"),
        (b'"a"', "application/json; charset=klingon", "bad_encoding"),
        (b'"a', "application/json; charset=utf-16", "bad_encoding"),
    ],
)
def test_what_is_no_json_is_told_apart_by_a_code_and_never_quoted(body, content_type, code):
    with pytest.raises(BadAnswer) as caught:
        reply(body, content_type).json()
    assert caught.value.code == code
    assert str(caught.value).startswith("brp: list: ")
    assert "Log ind" not in str(caught.value)


def test_cut_json_without_a_length_is_seen_by_its_reader():
    with RawServer([b'HTTP/1.1 200 OK\r\n\r\n[{"a": 1}, {"a"', CLOSE]) as server:
        http = http_to(server.url)
        cut = http.get("/a", doing="list")
        http.close()
    with pytest.raises(BadAnswer) as caught:
        cut.json()
    assert caught.value.code == "bad_json"


def test_neither_bodies_nor_header_values_show_in_a_repr():
    shown = repr(Reply(200, Headers([("Set-Cookie", "geheim")]), b"Agnes Lund", "brp: list"))
    assert "geheim" not in shown + repr(Headers([("Set-Cookie", "geheim")]))
    assert "Agnes" not in shown


def test_headers_are_found_in_any_case_and_repeated_ones_are_joined():
    headers = Headers([("X-WP-Total", "12"), ("Link", "a"), ("link", "b")])
    assert headers["x-wp-total"] == headers.get("X-Wp-ToTaL") == "12"
    assert headers["LINK"] == "a, b"
    assert headers.get("nothing") is None


BODY = b'[{"name": "Skovtur"}]' * 40_000
TWO = gzip.compress(BODY[:300_000]) + b"\0\0\0" + gzip.compress(BODY[300_000:])


@pytest.mark.parametrize(
    "raw",
    [
        answer(BODY),
        answer(gzip.compress(BODY), Content_Encoding="gzip"),
        answer(gzip.compress(BODY), Content_Encoding="X-GZip"),
        answer(TWO, Content_Encoding="gzip"),
        answer(BODY, Content_Encoding="identity"),
    ],
    ids=["plain", "gzip", "x-gzip", "two gzip members", "identity"],
)
def test_a_body_is_unpacked_and_one_byte_more_than_allowed_is_too_big(raw):
    with RawServer([raw]) as server:
        http = http_to(server.url)
        assert http.get("/a", doing="list", max_bytes=len(BODY)).body == BODY
        with pytest.raises(BadAnswer, match="larger than 839,999 bytes") as caught:
            http.get("/a", doing="list", max_bytes=len(BODY) - 1)
        http.close()
    assert caught.value.code == "too_big"


def test_an_empty_body_that_claims_gzip_is_empty():
    with RawServer([answer(b"", Content_Encoding="gzip")]) as server:
        http = http_to(server.url)
        assert http.get("/a", doing="list").body == b""
        http.close()


def test_a_body_of_50_mb_is_left_unread():
    endless = b"HTTP/1.1 200 OK\r\nContent-Length: 50000000\r\n\r\n"
    with RawServer([endless, b"x" * 50_000_000]) as server:
        http = http_to(server.url)
        with pytest.raises(BadAnswer, match="larger than 10,000,000 bytes"):
            http.get("/a", doing="list")
        http.close()


BOMB_PROBE = """
import sys
from pathlib import Path
from integrator.errors import BadAnswer
from integrator.systems.http import Http

http = Http(system="brp", base_url=sys.argv[1], user_agent="t")
for read in (
    lambda: http.get("/", doing="list"),
    lambda: http.download("/", Path(sys.argv[2]), doing="list", max_bytes=500_000_000),
):
    try:
        read()
    except BadAnswer as error:
        print(error.code)
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


def test_a_gzip_bomb_of_100_mb_never_inflates_in_memory(tmp_path):
    bomb = answer(packed(bytes(1_000_000), 100), Content_Encoding="gzip")
    with RawServer([bomb]) as server:
        command = [sys.executable, "-c", BOMB_PROBE, server.url, str(tmp_path / "bomb")]
        got = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    small, large, peak_kb = got.stdout.split()
    assert (small, large) == ("too_big", "gzip_bomb")
    assert int(peak_kb) < 80_000
    assert not (tmp_path / "bomb").exists()


@pytest.fixture
def download(tmp_path):
    def run(*scripts, max_bytes=10_000_000, patience=None):
        with RawServer(*scripts) as server:
            http = http_to(server.url, patience=patience)
            try:
                return http.download("/all", tmp_path / "all.json", doing="list", max_bytes=max_bytes)
            finally:
                http.close()

    return run


def test_a_download_is_a_private_file_with_its_size_and_digest(download, tmp_path):
    got = download([answer(gzip.compress(BODY), Content_Encoding="gzip", Content_Type="application/json", ETag="x1")])
    assert got.path == tmp_path / "all.json"
    assert got.path.read_bytes() == BODY
    assert got.path.stat().st_mode & 0o777 == 0o600
    assert (got.size, got.digest) == (len(BODY), blake2b(BODY, digest_size=16).digest())
    assert (got.content_type, got.charset, got.headers["etag"]) == ("application/json", None, "x1")


def test_a_download_in_latin_1_arrives_as_utf_8_and_its_digest_is_the_files(download):
    text = '{"navn": "Bjørn Åkjær"}' * 20_000
    got = download([answer(text.encode("latin-1"), Content_Type="application/json; charset=ISO-8859-1")])
    assert got.path.read_bytes() == text.encode()
    assert got.charset == "iso-8859-1"
    assert (got.size, got.digest) == (len(text.encode()), blake2b(text.encode(), digest_size=16).digest())


def test_a_character_split_between_two_pieces_stays_whole(download):
    text = "x" + "ø" * 400_000  # two bytes each: the pieces of an unpacked body end in the middle of one
    got = download([answer(gzip.compress(text.encode("utf-16-le")), Content_Encoding="gzip",
                           Content_Type="text/plain; charset=utf-16le")])  # fmt: skip
    assert got.path.read_text("utf-8") == text


def test_a_download_of_xml_keeps_its_bytes_since_it_names_its_encoding_inside(download):
    xml = '<?xml version="1.0" encoding="ISO-8859-1"?><a>ø</a>'.encode("latin-1")
    got = download([answer(xml, Content_Type="text/xml; charset=ISO-8859-1")])
    assert got.path.read_bytes() == xml


def test_a_download_that_fails_leaves_no_file(download, tmp_path):
    broken = [b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\nAgnes Lund", RESET]
    with pytest.raises(Unavailable):
        download(broken)
    with pytest.raises(BadAnswer):
        download([answer(BODY)], max_bytes=100)
    with pytest.raises(BadAnswer):
        download([answer(b"\xd8", Content_Type="text/plain; charset=utf-16")])
    assert list(tmp_path.iterdir()) == []


def test_a_repeated_download_starts_its_file_anew(download):
    def twice(fn):
        with pytest.raises(Unavailable):
            fn()
        return fn()

    broken = [b"HTTP/1.1 200 OK\r\nContent-Length: 90000\r\n\r\n" + b"x" * 5000, CLOSE]
    got = download(broken, [answer(b"[]")], patience=twice)
    assert (got.path.read_bytes(), got.size) == (b"[]", 2)


def test_an_older_file_is_made_private_and_shortened(download, tmp_path):
    old = tmp_path / "all.json"
    old.write_bytes(b"x" * 100)
    old.chmod(0o644)
    assert download([answer(b"[]")]).path.read_bytes() == b"[]"
    assert old.stat().st_mode & 0o777 == 0o600


def test_a_file_that_cannot_be_written_is_our_trouble_not_theirs(download, tmp_path):
    (tmp_path / "elsewhere").write_bytes(b"keep")
    (tmp_path / "all.json").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreDamaged, match=r"cannot write .*all\.json"):
        download([answer(b"[]")])
    assert (tmp_path / "elsewhere").read_bytes() == b"keep"
