"""Reading what became of mails: typed, page by page, below our own domain only, and every fault of an exchange."""

import gzip
import json
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from integrator.errors import BadAnswer, Refused, Unavailable
from integrator.systems.http import Http
from integrator.systems.mailgun import MailEvent, Mailgun, verdict
from rawserver import CLOSE, HANG, RESET, WAIT_S, RawServer, answer, drip

SAMPLES = Path(__file__).parents[1] / "samples/mailgun"
KEY = "participant-list:25172-04:2027-02-28:7"
OK_HEAD = b"HTTP/1.1 200 OK\r\n"
SINCE, UNTIL = 1803790800.4, 1803800000.2
EVENT = {
    "event": "delivered",
    "id": "W3X4",
    "timestamp": 1803795011.77,
    "user-variables": {"ili-key": KEY},
    "message": {"headers": {"message-id": "a@mg.example.org"}},
    "delivery-status": {"code": 250},
}


def sample(name):
    return json.loads((SAMPLES / name).read_text(encoding="utf-8"))


def page(*items, next_page):
    return [answer(json.dumps({"items": items, "paging": {"next": next_page}}).encode())]


class Office:
    """Mailgun with these pages; an empty one is put behind them."""

    def __init__(self, *pages):
        self.server = RawServer()
        self.at = f"{self.server.url}/v3/mg.example.org/events"
        nexts = [f"{self.at}/page{number}" for number in range(1, len(pages) + 2)]
        self.server._scripts = [page(*items, next_page=after) for items, after in zip([*pages, ()], nexts, strict=True)]

    def __enter__(self):
        self.server.__enter__()
        return self

    def __exit__(self, *error):
        self.server.__exit__(*error)

    @property
    def asked(self):
        return [
            (urlsplit(request.target).path, parse_qs(urlsplit(request.target).query))
            for request in self.server.requests
        ]


@pytest.fixture
def events_at():
    made = []

    def read(url, *, timeout_s=5.0, base="", events=True):
        http = Http(system="mailgun", base_url=url + base, auth=("api", "k"), user_agent="t", timeout_s=timeout_s)
        made.append(Mailgun(http, domain="mg.example.org", from_="Kurser <kurser@mg.example.org>"))
        return list(made[-1].events(SINCE, UNTIL)) if events else made[-1].check()

    yield read
    for mailgun in made:
        mailgun.close()


@pytest.fixture
def outcome(events_at):
    """Read the events from a server that follows these scripts; give back them, or the error."""

    def ask(*scripts, timeout_s=5.0, events=True):
        with RawServer(*scripts) as server:
            try:
                return events_at(server.url, timeout_s=timeout_s, events=events)
            except Exception as error:
                return error

    return ask


# what is read -------------------------------------------------------------------------------------


def test_the_page_of_the_sample_is_read_with_our_key_and_without_anybody(events_at):
    with Office(sample("04-events-page.json")["response"]["json"]["items"]) as office:
        events = events_at(office.server.url)
    message_id = "20270228060003.1a2b3c4d5e6f7a8b@mg.example.org"
    assert events == [
        MailEvent("CCXMjJ7nQi2N3BPigGOdgQ", "accepted", message_id, KEY, None, None, None, 1803794403.51),
        MailEvent("G9Bn5sl1TC6nu79C8C0bwg", "failed", message_id, KEY, "temporary", "generic", "421", 1803794405.12),
        MailEvent("W3X4JOhFT-OZidZGKKr9iA", "delivered", message_id, KEY, None, None, "250", 1803795011.77),
    ]
    assert "aase" not in repr(events)


def test_what_is_asked_and_that_every_page_is_asked(events_at):
    with Office([EVENT], [EVENT | {"id": "2"}], [EVENT | {"id": "3"}]) as office:
        events = events_at(office.server.url)
        asked = office.asked
    assert [event.id for event in events] == ["W3X4", "2", "3"]
    assert [path.rpartition("/")[2] for path, _ in asked] == ["events", "page1", "page2", "page3"]
    assert asked[0][1] == {
        "begin": ["1803790800"],
        "end": ["1803800001"],
        "event": ["accepted OR delivered OR failed OR rejected OR complained"],
        "ascending": ["yes"],
        "limit": ["300"],
    }
    assert asked[1][1] == {}


def test_an_event_told_twice_is_one_and_the_same_id_on_another_day_another(events_at):
    tomorrow = EVENT | {"timestamp": EVENT["timestamp"] + 86_400}
    with Office([EVENT, EVENT], [EVENT, tomorrow]) as office:
        assert [event.at for event in events_at(office.server.url)] == [EVENT["timestamp"], tomorrow["timestamp"]]


def test_the_query_of_a_next_page_goes_along(events_at):
    with RawServer() as server:
        at = f"{server.url}/eu/v3/mg.example.org/events"
        server._scripts = [page(EVENT, next_page=f"{at}/W3si%2B=?page=next&x=%C3%A5"), page(next_page=at)]
        assert len(events_at(server.url, base="/eu")) == 1
        assert server.requests[1].target == "/eu/v3/mg.example.org/events/W3si%2B=?page=next&x=%C3%A5"


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({"message": {"headers": {"message-id": "<a@mg.example.org>"}}}, {"message_id": "a@mg.example.org"}),
        ({"user-variables": {}}, {"key": None}),
        ({"user-variables": None}, {"key": None}),
        ({"user-variables": {"ili-key": 7}}, {"key": None}),
        ({"delivery-status": None}, {"code": None}),
        ({"delivery-status": {"message": "x"}}, {"code": None}),
        ({"new": [1], "message": {"headers": {"message-id": "a@mg.example.org"}, "new": {}}}, {}),
        ({"timestamp": 1803795011}, {"at": 1803795011.0}),
        ({"event": "rejected", "reject": {"reason": "Sandbox subdomains are for test purposes only"}},
         {"kind": "rejected", "reason": "Sandbox subdomains are for test purposes only"}),
        ({"event": "failed", "reason": "No such user aase@example.org"}, {"kind": "failed", "reason": None}),
    ],
)  # fmt: skip
def test_what_is_missing_or_new_does_no_harm(events_at, change, wanted):
    whole = MailEvent("W3X4", "delivered", "a@mg.example.org", KEY, None, None, "250", EVENT["timestamp"])
    with Office([EVENT | change]) as office:
        [event] = events_at(office.server.url)
    assert {name: getattr(event, name) for name in whole.__slots__} == {
        name: wanted.get(name, getattr(whole, name)) for name in whole.__slots__
    }


@pytest.mark.parametrize(
    "item",
    [
        {**EVENT, "event": "opened"},
        {**EVENT, "event": "not_invented_yet"},
        {**EVENT, "message": None, "user-variables": {}},
        {**EVENT, "message": {"headers": {}}, "user-variables": {}},
    ],
)
def test_events_of_other_kinds_and_of_nobodys_mail_are_passed_over(events_at, item):
    with Office([item, EVENT]) as office:
        assert [event.id for event in events_at(office.server.url)] == ["W3X4"]


@pytest.mark.parametrize(
    "item",
    [
        7,
        [],
        {},
        EVENT | {"event": 7},
        EVENT | {"event": None},
        EVENT | {"id": 7},
        EVENT | {"timestamp": "1803795011.77"},
        EVENT | {"timestamp": None},
        EVENT | {"severity": 1},
        EVENT | {"reason": ["x"]},
        EVENT | {"user-variables": [KEY]},
        EVENT | {"message": "x"},
        EVENT | {"message": {"headers": [1]}},
        EVENT | {"message": {"headers": {"message-id": 7}}},
        EVENT | {"message": {"headers": {"message-id": ""}}},
        EVENT | {"delivery-status": "550"},
        EVENT | {"delivery-status": {"code": "550"}},
    ],
)
def test_a_wrong_type_breaks_the_contract_and_is_named_without_its_value(events_at, item):
    with Office([item]) as office, pytest.raises(BadAnswer) as caught:
        events_at(office.server.url)
    assert caught.value.code == "bad_event"
    assert caught.value.message.startswith("mailgun: read the events: ")
    assert KEY not in caught.value.message


# paging -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example.org/v3/mg.example.org/events/x",
        "{base}.evil.example.org/v3/mg.example.org/events/x",
        "{base}@evil.example.org/v3/mg.example.org/events/x",
        "{base}/v3/other.example.org/events/x",
        "{base}/v3/mg.example.org/messages/x",
        "{base}/v3/mg.example.org/eventsx",
        "{base}/v3/mg.example.org/events/x#y",
        "{base}/v3/mg.example.org/events/x y",
        "{base}/v3/mg.example.org/events/x\r\ny",
        "{base}/v3/mg.example.org/events/å",
        "{base}/v3/mg.example.org/events/%zz",
        "/v3/mg.example.org/events/x",
        "",
    ],
)
def test_our_key_goes_to_no_other_place(events_at, url):
    with RawServer() as server:
        server._scripts = [page(EVENT, next_page=url.format(base=server.url)), page(next_page=server.url)]
        with pytest.raises(BadAnswer) as caught:
            events_at(server.url)
        assert caught.value.code == "foreign_paging"
        assert len(server.requests) == 1


@pytest.mark.parametrize("way", ["../../../v3/x", "%2e%2e/%2e%2e/x", "a//b"])
def test_a_next_page_cannot_leave_by_dots(events_at, way):
    with RawServer() as server:
        at = f"{server.url}/v3/mg.example.org/events/{way}"
        server._scripts = [page(EVENT, next_page=at), page(next_page=at)]
        with pytest.raises(BadAnswer):
            events_at(server.url)
        assert len(server.requests) == 1


def test_pages_that_go_round_have_an_end(events_at):
    with RawServer() as server:
        at = f"{server.url}/v3/mg.example.org/events"
        server._scripts = [page(EVENT, next_page=f"{at}/{name}") for name in "abab"]
        with pytest.raises(BadAnswer) as caught:
            events_at(server.url)
        assert caught.value.code == "endless_paging"
        assert len(server.requests) == 3


def test_pages_without_end_have_an_end(events_at, monkeypatch):
    monkeypatch.setattr("integrator.systems.mailgun.events.MOST_PAGES", 7)
    with Office(*[[EVENT | {"id": str(number)}] for number in range(20)]) as office:
        with pytest.raises(BadAnswer) as caught:
            events_at(office.server.url)
        assert caught.value.code == "endless_paging"
        assert len(office.asked) == 7


@pytest.mark.parametrize("paging", [{}, {"paging": None}, {"paging": {"next": None}}, {"paging": {"next": ["x"]}}])
def test_a_full_page_without_a_next_one_is_no_end(outcome, paging):
    error = outcome([answer(json.dumps({"items": [EVENT], **paging}).encode())])
    assert type(error) is BadAnswer


def test_an_empty_page_is_the_end(outcome):
    assert outcome([answer(b'{"items": []}')]) == []


# faults -------------------------------------------------------------------------------------------

READ_FAULTS = {
    "FIN": ([CLOSE], Unavailable),
    "RST": ([RESET], Unavailable),
    "cut JSON with its length": ([OK_HEAD + b'Content-Length: 100\r\n\r\n{"items": [', CLOSE], Unavailable),
    "cut JSON without": ([OK_HEAD + b'Connection: close\r\n\r\n{"items": [', CLOSE], BadAnswer),
    "cut chunk": ([OK_HEAD + b"Transfer-Encoding: chunked\r\n\r\nff\r\n{", CLOSE], Unavailable),
    "gzip bomb": ([answer(gzip.compress(bytes(100_000_000), 1), Content_Encoding="gzip")], BadAnswer),
    "50 MB": ([answer(b" " * 50_000_000)], BadAnswer),
    "login page": ([answer(b"<!DOCTYPE html><title>Log ind</title>")], BadAnswer),
    "DOCTYPE": ([answer(b'<!DOCTYPE x [<!ENTITY e "boo">]><x>&e;</x>')], BadAnswer),
    "empty": ([answer(b"")], BadAnswer),
    "null": ([answer(b"null")], BadAnswer),
    "list": ([answer(b"[]")], BadAnswer),
    "object": ([answer(b"{}")], BadAnswer),
    "error body": ([answer(b'{"error": "Session expired"}')], BadAnswer),
    "items null": ([answer(b'{"items": null}')], BadAnswer),
    "items an object": ([answer(b'{"items": {}}')], BadAnswer),
    "invalid UTF-8": ([answer(b'{"items": [], "x": "\xff"}')], BadAnswer),
    "NaN": ([answer(b'{"items": [], "x": NaN}')], BadAnswer),
    "deep": ([answer(b'{"items": ' + b"[" * 100_000 + b"]" * 100_000 + b"}")], BadAnswer),
    **{
        f"{status}": ([answer(b"x", status=status)], Refused)
        for status in (302, 307, 400, 401, 402, 403, 404, 409, 422)
    },
    **{f"{status}": ([answer(b"x", status=status)], Unavailable) for status in (408, 429, 500, 502, 503, 504)},
    "201": ([answer(b'{"items": []}', status=201)], BadAnswer),
}


@pytest.mark.parametrize("fault", READ_FAULTS)
@pytest.mark.parametrize("events", [True, False], ids=["events", "check"])
def test_a_faulty_answer_is_never_taken_for_no_events(outcome, fault, events):
    script, kind = READ_FAULTS[fault]
    error = outcome(script, events=events)
    assert type(error) is kind
    assert error.message.startswith("mailgun: ")


@pytest.mark.parametrize(
    "script", [[HANG], [OK_HEAD, drip(b"X-Slow: 1\r\n")], [OK_HEAD + b"Content-Length: 999999\r\n\r\n", drip(b" ")]]
)
def test_a_slow_answer_ends_at_the_deadline(outcome, script):
    assert type(outcome(script, timeout_s=WAIT_S)) is Unavailable


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [({"Retry_After": "7"}, 7.0), ({"Retry_After": "864000"}, 3600.0), ({"Retry_After": "soon"}, None), ({}, None)],
)
@pytest.mark.parametrize("status", [429, 503])
def test_a_read_keeps_how_long_it_was_asked_to_wait(outcome, status, headers, seconds):
    assert outcome([answer(status=status, **headers)]).retry_after_s == seconds


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_refused_look_names_key_domain_and_region(outcome, status):
    error = outcome([answer(b"Forbidden", status=status)], events=False)
    assert error.message == f"mailgun: look at the events: answered {status}"
    assert "api.eu.mailgun.net" in error.hint


def test_a_check_reads_one_event_and_sends_nothing(events_at):
    with Office([EVENT]) as office:
        events_at(office.server.url, events=False)
        assert [(request.method, request.target) for request in office.server.requests] == [
            ("GET", "/v3/mg.example.org/events?limit=1")
        ]


# verdicts -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, ("delivered", "250")),
        ({"event": "accepted", "delivery-status": None}, (None, None)),
        ({"event": "failed", "severity": "temporary", "delivery-status": {"code": 421}}, (None, "421")),
        ({"event": "failed", "severity": "permanent", "delivery-status": {"code": 550}}, ("failed", "550")),
        (
            {"event": "failed", "severity": "permanent", "reason": "bounce", "delivery-status": None},
            ("failed", "bounce"),
        ),
        ({"event": "failed", "severity": "somehow", "delivery-status": {"code": 550}}, (None, "550")),
        ({"event": "failed"}, (None, "250")),
        ({"event": "rejected", "delivery-status": None}, ("rejected", None)),
        ({"event": "complained", "delivery-status": None}, ("complained", None)),
        (sample("05-event-permanent-failure.json"), ("failed", "550")),
        (sample("06-event-suppressed.json"), ("failed", "suppress-bounce")),
        (sample("07-webhook.json")["body"]["event-data"], ("failed", "550")),
    ],
)
def test_only_what_is_final_is_a_verdict(events_at, change, said):
    with Office([EVENT | change]) as office:
        [event] = events_at(office.server.url)
    assert verdict(event) == said
