"""The factory: where requests may go, what they carry, what they never show, and who repeats them."""

import gzip
import logging
import socket
import subprocess
import sys
import threading
from contextlib import ExitStack
from datetime import UTC, datetime

import httpcore
import httpx
import pytest
import vcr

from integrator.errors import BadRecord, ConfigError, InDoubt, IntegratorError, Unavailable
from integrator.runtime.patience import Patience
from integrator.systems.http import Headers, Http, quoted, retry_after_s
from integrator.systems.http.addresses import is_below
from integrator.systems.http.transport import DeadlineBackend, DeadlineStream, DeadlineTransport
from rawserver import CLOSE, HANG, WAIT_S, RawServer, answer


class Secret:
    """As the settings make them: shown as stars."""

    def __init__(self, value):
        self._value = value

    def reveal(self):
        return self._value

    def __repr__(self):
        return "***"


@pytest.fixture
def server():
    with RawServer([answer(b"[]")]) as made:
        yield made


@pytest.fixture
def http_to():
    made = []

    def make(url, **more):
        http = Http(
            **{"system": "wordpress", "base_url": url, "user_agent": "integrator/0.1", "timeout_s": 5.0, **more}
        )
        made.append(http)
        return http

    yield make
    for http in made:
        http.close()


# where ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "base_url",
    ["https://erp.example.org", "https://erp.example.org:8443/api/v2/", "http://localhost:8080", "http://127.0.0.1:1/x",
     "http://127.9.9.9", "http://[::1]:9"],
)  # fmt: skip
def test_https_and_loopback_are_taken(base_url):
    assert Http(system="brp", base_url=base_url, user_agent="t").base_url == base_url.rstrip("/")


@pytest.mark.parametrize(
    "base_url",
    ["", "erp.example.org", "http://erp.example.org", "http://10.0.0.1", "http://localhost.example.org", "ftp://x.example",
     "https://", "https://me:geheim@erp.example.org", "https://erp.example.org/?a=1", "https://erp.example.org/#a",
     "https://erp.example.org/../x", "https://erp.example.org/a//b", "https://erp.example.org\\@evil.example.org",
     "https://erp.example.org:port", "https://[::1", "https://blåbær.example.org", "https://erp.example.org /x",
     "http://127.0.0.1@evil.example.org", "https://erp.example.org/%2e%2e/x"],
)  # fmt: skip
def test_any_other_address_is_a_configuration_error_that_names_its_key(base_url):
    with pytest.raises(ConfigError) as caught:
        Http(system="brp", base_url=base_url, user_agent="t")
    assert "[brp] base_url" in str(caught.value)
    assert "geheim" not in str(caught.value)


@pytest.mark.parametrize(
    ("path", "target"),
    [("/api/course", "/base/api/course"), ("api/course", "/base/api/course"), ("", "/base"), ("/", "/base/"),
     ("/a%20b/c", "/base/a%20b/c"), ("/v3/example.org/messages", "/base/v3/example.org/messages")],
)  # fmt: skip
def test_a_path_is_asked_below_the_base(server, http_to, path, target):
    http_to(f"{server.url}/base/").get(path, doing="list")
    assert server.requests[0].target == target


@pytest.mark.parametrize(
    "path",
    ["/../admin", "/a/../../b", "..", "/a/./b", "/%2e%2e/admin", "/a/%2E%2e%2fb", "/a%5c..%5cb", "//evil.example.org/x",
     "https://x.example.org", "/a?b=c", "/a#b", "/a\\b", "/a b", "/a\r\nX-Evil: 1", "/ø", "/%", "/a%0d%0ab", "/a%00"],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_path_that_leaves_the_base_is_never_sent(server, http_to, path, method):
    http = http_to(f"{server.url}/base")
    with pytest.raises(BadRecord) as caught:
        http.get(path, doing="list") if method == "GET" else http.send("POST", path, doing="add", json={})
    assert caught.value.code == "bad_address"
    assert server.requests == []


@pytest.mark.parametrize(
    ("url", "below"),
    [("https://a.example.org/v1", True), ("https://a.example.org/v1/x?y", True), ("https://a.example.org/v10", False),
     ("https://a.example.org/", False), ("http://a.example.org/v1/x", False), ("https://b.example.org/v1/x", False),
     ("https://a.example.org:444/v1/x", False), ("https://u:p@a.example.org/v1/x", False)],
)  # fmt: skip
def test_the_built_address_is_looked_at_once_more(url, below):
    assert is_below(httpx.URL(url), httpx.URL("https://a.example.org/v1")) is below


@pytest.mark.parametrize("value", ["25172-04", "A_b~c.d", 7, "..."])
def test_an_id_is_one_segment(value):
    assert quoted(value) == str(value)


@pytest.mark.parametrize("value", ["", ".", "..", "a/b", "a\n", "a b", "ø", "a%2fb", "agnes@example.org", "?", "１２"])
def test_anything_else_is_no_id_and_is_not_repeated_to_the_operator(value):
    with pytest.raises(BadRecord) as caught:
        quoted(value, field="course number")
    assert caught.value.code == "bad_id"
    assert str(caught.value) == "course number holds characters that an address cannot carry"


@pytest.mark.parametrize(
    ("value", "segment"),
    [("HLR-Ö1", "HLR-%C3%961"), ("25172-04", "25172-04"), ("Varme arbeider", "Varme%20arbeider"), ("Ł_~", "%C5%81_~")],
)  # fmt: skip
def test_an_id_of_other_alphabets_is_one_segment_when_it_is_asked_for(server, http_to, value, segment):
    assert quoted(value, letters=True) == segment
    http_to(server.url).get(f"/a/{quoted(value, letters=True)}/b", doing="list")
    assert server.requests[0].target == f"/a/{segment}/b"


@pytest.mark.parametrize(
    "value", ["", ".", "..", "a/b", "a\n", " a", "a ", "a%2fb", "a@b", "?", "a\tb", "a\u00a0b", "#", "\\"]
)
def test_what_would_be_more_than_one_segment_is_no_id_in_any_alphabet(value):
    with pytest.raises(BadRecord) as caught:
        quoted(value, letters=True)
    assert caught.value.code == "bad_id"


# what it carries -------------------------------------------------------------------------------------


def test_a_request_names_us_and_carries_its_secrets(server, http_to):
    http = http_to(server.url, headers={"X-Api-Key": Secret("k-1")}, auth=("bot", Secret("pæss")))
    http.get("/a", doing="list", params={"apikey": Secret("q-1"), "n": 2}, headers={"X-One": Secret("o-1")})
    sent = server.requests[0]
    assert sent.target == "/a?apikey=q-1&n=2"
    assert (sent.headers["user-agent"], sent.headers["accept"]) == ("integrator/0.1", "application/json")
    assert (sent.headers["accept-encoding"], sent.headers["x-api-key"]) == ("gzip", "k-1")
    assert (sent.headers["authorization"], sent.headers["x-one"]) == ("Basic Ym90OnDDpnNz", "o-1")


def test_accept_may_be_another(server, http_to):
    http_to(server.url, headers={"Accept": "application/xml"}).get("/a", doing="list")
    assert server.requests[0].headers["accept"] == "application/xml"


def test_options_are_read_like_anything(server, http_to):
    assert http_to(server.url).options("/a", doing="look").json() == []
    assert server.requests[0].method == "OPTIONS"


@pytest.mark.parametrize(
    ("given", "content_type", "body"),
    [
        ({"json": {"navn": "Bjørn"}}, "application/json", '{"navn":"Bjørn"}'.encode()),
        ({"form": {"to": ["a", "b"], "key": Secret("s")}}, "application/x-www-form-urlencoded", b"to=a&to=b&key=s"),
    ],
)
def test_a_write_carries_json_or_a_form(server, http_to, given, content_type, body):
    http_to(server.url).send("PUT", "/a", doing="add", **given)
    sent = server.requests[0]
    assert (sent.method, sent.headers["content-type"], sent.body) == ("PUT", content_type, body)


def test_a_long_body_arrives_whole(server, http_to):
    text = "".join(map(str, range(100_000)))
    http_to(server.url).send("POST", "/a", doing="add", json=text)
    assert server.requests[0].body == f'"{text}"'.encode()


def test_a_write_carries_files(server, http_to):
    files = {"file": ("a.pdf", b"%PDF-1.7", "application/pdf")}
    http_to(server.url).send("POST", "/a", doing="upload", form={"username": "bot"}, files=files)
    sent = server.requests[0]
    assert sent.headers["content-type"].startswith("multipart/form-data")
    assert b'name="username"\r\n\r\nbot\r\n' in sent.body
    assert b"%PDF-1.7" in sent.body


@pytest.mark.parametrize("value", [float("nan"), "\ud800"])
def test_a_value_that_json_cannot_carry_concerns_its_item_only(server, http_to, value):
    with pytest.raises(BadRecord) as caught:
        http_to(server.url).send("POST", "/a", doing="add", json={"x": value})
    assert caught.value.code == "bad_body"
    assert server.requests == []


def test_the_environment_decides_nothing(server, http_to, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere")
    assert http_to(server.url).get("/a", doing="list").status == 200


def test_cookies_are_not_kept(http_to):
    with RawServer([answer(Set_Cookie="session=1; Path=/")]) as server:
        http = http_to(server.url)
        http.get("/a", doing="list")
        http.get("/a", doing="list")
        assert "cookie" not in server.requests[1].headers


def test_one_connection_serves_a_run(server, http_to):
    http = http_to(server.url)
    for _ in range(3):
        http.get("/a", doing="list")
    assert (len(server.requests), server.connections) == (3, 1)


def test_a_connection_the_other_side_closed_meanwhile_is_not_used_again(http_to):
    """Else every write after a pause would be in doubt."""
    with RawServer([answer()]) as server:
        http = http_to(server.url)
        http.get("/a", doing="list")
        for sock in server._open:
            sock.shutdown(socket.SHUT_RDWR)
        assert http.send("POST", "/a", doing="add", json={}).status == 200
        assert server.connections == 2


@pytest.fixture
def two_addresses(server, monkeypatch):
    """A name with a dead address before the living one."""
    places = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (place, server.port)) for place in ("127.0.0.2", "127.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **more: places)
    return f"http://localhost:{server.port}"


def test_the_next_address_is_tried_when_one_refuses(two_addresses, http_to):
    assert http_to(two_addresses).get("/a", doing="list").status == 200


def test_an_address_that_swallows_everything_leaves_time_for_the_next(two_addresses, server, http_to):
    with ExitStack() as held, socket.socket() as full:
        full.bind(("127.0.0.2", server.port))
        full.listen(0)
        for _ in range(4):  # what does not fit its queue is dropped, as behind a firewall
            waiting = held.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(("127.0.0.2", server.port))
        assert http_to(two_addresses, timeout_s=10.0).get("/a", doing="list").status == 200


def test_many_threads_share_one_client(server, http_to):
    http, statuses = http_to(server.url), []
    threads = [threading.Thread(target=lambda: statuses.append(http.get("/a", doing="list").status)) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 16


# what it never shows -----------------------------------------------------------------------------------


def failures_of(http):
    for call in (
        lambda: http.get("/a", doing="list", params={"apikey": Secret("geheim-4")}),
        lambda: http.send("POST", "/a", doing="add", form={"password": Secret("geheim-5")}),
        lambda: http.get("/../a", doing="list", params={"apikey": Secret("geheim-4")}),
    ):
        with pytest.raises(IntegratorError) as caught:
            call()
        yield caught.value


FAILURES = {
    "hang": [HANG],
    "closed": [CLOSE],
    "garbage": [b"garbage\r\n", CLOSE],
    "redirect": [answer(status=302, Location="https://x.example.org/?token=geheim-3")],
    "redirect to nonsense": [answer(status=302, Location="https://[geheim-3")],
}


@pytest.mark.parametrize("failure", FAILURES)
def test_no_failure_shows_a_secret_or_carries_the_request(http_to, failure, caplog):
    with RawServer(FAILURES[failure]) as server, caplog.at_level(logging.DEBUG):
        http = http_to(server.url, headers={"X-Api-Key": Secret("geheim-1")}, auth=("bot", Secret("geheim-2")),
                       timeout_s=WAIT_S)  # fmt: skip
        for error in failures_of(http):
            assert "geheim" not in f"{error} {error!r} {error.hint} {vars(error)}"
            assert error.__context__ is None
    assert "geheim" not in repr(http) + caplog.text


@pytest.mark.parametrize("value", ["geheim\n", "gehe\rim", " geheim", "geheim ", "gehæim", ""])
def test_a_header_that_cannot_be_sent_is_a_configuration_error_without_its_value(server, http_to, value):
    with pytest.raises(ConfigError) as caught:
        http_to(server.url, headers={"Authorization": Secret(value)}).get("/a", doing="list")
    assert "[wordpress] header 'Authorization'" in str(caught.value)
    assert "geh" not in str(caught.value)
    assert server.requests == []


def test_the_libraries_do_not_log_addresses(server, http_to, caplog):
    http = http_to(server.url)
    with caplog.at_level(logging.DEBUG):
        http.get("/a", doing="list", params={"apikey": "geheim"})
    assert "apikey" not in caplog.text


# who repeats -------------------------------------------------------------------------------------------


def patient(slept):
    return Patience(attempts=3, budget_s=lambda: 100.0, sleep=slept.append)


def test_a_read_is_repeated_as_the_other_side_asks(http_to):
    slept = []
    with RawServer([answer(status=503, Retry_After="7")], [answer(b"[1]")]) as server:
        assert http_to(server.url, patience=patient(slept)).get("/a", doing="list").json() == [1]
        assert len(server.requests) == 2
    assert slept == [7.0]


def test_a_write_is_never_repeated(http_to):
    slept = []
    with RawServer([answer(status=503)]) as server:
        assert http_to(server.url, patience=patient(slept)).send("POST", "/a", doing="add", json={}).status == 503
        assert len(server.requests) == 1
    with RawServer([HANG]) as server:
        with pytest.raises(InDoubt):
            http_to(server.url, patience=patient(slept), timeout_s=WAIT_S).send("POST", "/a", doing="add", json={})
        assert len(server.requests) == 1
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        with pytest.raises(Unavailable, match="no connection"):
            http_to(nobody, patience=patient(slept)).send("POST", "/a", doing="add", json={})
    assert slept == []


def test_a_request_gets_no_more_than_what_is_left_of_the_run(http_to):
    with RawServer([HANG]) as server:
        with pytest.raises(Unavailable, match=r"no answer within 0\.2 s"):
            http_to(server.url, remaining_s=lambda: 0.2).get("/a", doing="list", timeout_s=60)
        with pytest.raises(Unavailable, match="nothing was sent") as caught:
            http_to(server.url, remaining_s=lambda: 0.0).send("POST", "/a", doing="add", json={})
        assert type(caught.value) is Unavailable
        assert len(server.requests) == 1


# what it rests on ----------------------------------------------------------------------------------------

IMPORT_PROBE = """
import sys
from integrator.errors import Unavailable
from integrator.systems.http import Http
from integrator.runtime.patience import Patience

heavy = ("httpx", "httpcore", "ssl", "msgspec", "tenacity", "email", "ipaddress", "random")
http = Http(system="brp", base_url="https://erp.example.org", user_agent="t")
print(sorted(set(heavy) & set(sys.modules)))
http = Http(system="brp", base_url="http://127.0.0.1:1", user_agent="t")
try:
    http.get("/", doing="list")
except Unavailable:
    print(sorted({"rich", "click", "pygments", "httpx", "tenacity"} & set(sys.modules)))
import httpx
print(httpx.Client.__name__)
"""


def test_nothing_heavy_is_imported_before_the_first_request_and_never_httpx_own_command_line():
    got = subprocess.run([sys.executable, "-c", IMPORT_PROBE], capture_output=True, text=True, timeout=300, check=True)
    before, after, name = got.stdout.splitlines()
    assert set(eval(before)) <= {"ipaddress"}  # urllib.parse brings it in some versions
    assert eval(after) == ["httpx"]
    assert name == "Client"


def test_the_deadline_transport_is_httpx_own_but_for_where_it_connects():
    """Fails when httpx changes what we rest on: its `_pool`, that pool's options, or handle_request."""
    ours, theirs = DeadlineTransport(), httpx.HTTPTransport(trust_env=False)
    assert type(ours._pool) is type(theirs._pool) is httpcore.ConnectionPool
    assert DeadlineTransport.handle_request is httpx.HTTPTransport.handle_request
    plain = {
        name: (value, vars(theirs._pool)[name])
        for name, value in vars(ours._pool).items()
        if isinstance(value, bool | int | float | str | None)
    }
    assert plain
    assert all(mine == stock for mine, stock in plain.values())
    assert vars(ours._pool).keys() == vars(theirs._pool).keys()
    assert isinstance(ours._pool._network_backend, DeadlineBackend)
    ours.close()
    theirs.close()


def test_vcrpy_records_and_replays_what_passes_through(http_to, tmp_path):
    cassette = str(tmp_path / "one.yaml")
    packed = answer(gzip.compress(b"[1]"), Content_Encoding="gzip")
    with RawServer([packed], [answer(b"{}", status=201)]) as server, vcr.use_cassette(cassette):
        http = http_to(server.url)
        assert http.get("/a", doing="list").json() == [1]
        assert http.send("POST", "/b", doing="add", json={"x": 1}).status == 201
    with vcr.use_cassette(cassette, record_mode="none"):  # the server is gone
        http = http_to(server.url)
        assert http.get("/a", doing="list").json() == [1]
        assert http.send("POST", "/b", doing="add", json={"x": 1}).status == 201


def test_certificates_are_verified():
    transport = DeadlineTransport()
    context = transport._pool._ssl_context
    assert context.check_hostname
    assert context.verify_mode.name == "CERT_REQUIRED"
    transport.close()


def test_a_connection_stays_inside_the_deadline_after_tls():
    class Plain(httpcore.NetworkStream):
        def start_tls(self, ssl_context, server_hostname=None, timeout=None):
            return self

    assert isinstance(DeadlineStream(Plain()).start_tls(None), DeadlineStream)


# Retry-After ---------------------------------------------------------------------------------------------

NOW = datetime(2026, 11, 6, 8, 0, 0, tzinfo=UTC)
AT_0800 = "Fri, 06 Nov 2026 08:00:00 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "120"}, 120.0),
        ({"Retry-After": " 0 "}, 0.0),
        ({"Retry-After": "864000"}, 3600.0),
        ({"Retry-After": "9" * 6000}, 3600.0),
        ({"Retry-After": "Fri, 06 Nov 2026 08:01:30 GMT"}, 90.0),
        ({"Retry-After": "Fri, 06 Nov 2026 08:01:30 GMT", "Date": "Fri, 06 Nov 2026 08:01:00 GMT"}, 30.0),
        ({"Retry-After": "Friday, 06-Nov-26 08:01:30 GMT"}, 90.0),
        ({"Retry-After": "Fri Nov  6 08:01:30 2026"}, 90.0),
        ({"Retry-After": "Mon, 16 Nov 2026 08:00:00 GMT"}, 3600.0),
        ({"Retry-After": AT_0800, "Date": AT_0800}, 0.0),
        ({"Retry-After": AT_0800, "Date": "Fri, 06 Nov 2026 08:00:01 GMT"}, None),
        ({"Retry-After": "Fri, 06 Nov 2026 08:01:30 GMT", "Date": "some day"}, 90.0),
        ({}, None),
        ({"Retry-After": ""}, None),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "1.5"}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "5, 5"}, None),
        ({"Retry-After": "١٢"}, None),
        ({"Retry-After": "Fri, 99 Nov 2026 08:01:30 GMT"}, None),
    ],
)
def test_retry_after_is_read_in_every_form(headers, seconds):
    assert retry_after_s(Headers(headers.items()), now=NOW) == seconds
