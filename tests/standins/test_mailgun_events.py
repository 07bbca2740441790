"""The events of the Mailgun stand-in: their shapes, their lateness, and how they are asked for."""

import json
from collections import Counter
from datetime import timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import urlsplit

import pytest

from .mailgun_client import EVENTS, FORM, HOST, START, Post, message_of, sample

AASE, BO = "aase@example.org", "bo@example.org"
T = START.timestamp()


# Shapes


def _shape(value: Any) -> Any:
    """Names and types, in their order."""
    if isinstance(value, dict):
        return {name: _shape(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_shape(item) for item in value[:1]]
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__


def _send_the_list(post: Post, to: str) -> None:
    form = [
        ("from", "Kursussekretariatet <kurser@mg.example.org>"),
        ("to", to),
        ("subject", "Deltagerliste: Projektledelse i praksis"),
        ("text", "Hej"),
        ("o:tag", "participant-list"),
        ("o:tag", "course-25172-04"),
        ("v:ili-key", "participant-list:25172-04:2027-02-28:7"),
    ]
    file = ("deltagerliste-25172-04.csv", b"x" * 812, "text/csv; charset=utf-8")
    assert post.send_files(form, [("attachment", file)]).status == 200


def _comparable(event: dict[str, Any]) -> dict[str, Any]:
    """What must be equal: not the chance of an id, nor the size of a mail whose text is not in the sample."""
    message = event["message"]
    headers = {**message["headers"], "message-id": ""}
    return {**event, "id": "", "timestamp": 0, "message": {**message, "headers": headers, "size": 0}}


def test_a_deferred_mail_has_the_events_of_the_sample() -> None:
    address = "aase.oestergaard@example.org"
    post = Post(deferring=[address], deliver_s=1.61, retry_s=606.65)
    _send_the_list(post, f'"Østergård, Åse" <{address}>')
    post.go_on(3600)
    expected = sample("04-events-page")["response"]["json"]
    page = post.page(tags="participant-list", limit=300, begin=T)

    assert [_comparable(event) for event in page["items"]] == [_comparable(event) for event in expected["items"]]
    assert [_shape(event) for event in page["items"]] == [_shape(event) for event in expected["items"]]
    assert [round(event["timestamp"] - T, 2) for event in page["items"]] == [0, 1.61, 608.26]
    assert list(page["paging"]) == list(expected["paging"])


@pytest.mark.parametrize(
    ("name", "seed"),
    [
        ("05-event-permanent-failure", {"bouncing": ["findes.ikke@example.org"]}),
        ("06-event-suppressed", {"suppressed": ["tidligere.bounce@example.org"]}),
    ],
)
def test_a_mail_that_fails_has_the_event_of_the_sample(name: str, seed: dict[str, Any]) -> None:
    expected = sample(name)
    post = Post(**seed)
    _send_the_list(post, expected["recipient"])
    _, failed = post.events()
    # In the samples every event shows the same mail; the recipient and the To line of one mail go together here.
    expected["message"]["headers"]["to"] = expected["recipient"]

    assert _comparable(failed) == _comparable(expected)
    assert list(failed) == list(expected)


@pytest.mark.parametrize(
    ("seed", "kinds"),
    [
        ({}, ["accepted", "delivered"]),
        ({"silent": [AASE]}, ["accepted"]),
        ({"bouncing": ["AASE@example.org"]}, ["accepted", "failed permanent bounce 550"]),
        ({"deferring": [AASE]}, ["accepted", "failed temporary generic 421", "delivered"]),
        ({"rejecting": [AASE]}, ["accepted", "rejected"]),
        ({"complaining": [AASE]}, ["accepted", "delivered", "complained"]),
        ({"suppressed": {AASE: "bounce"}}, ["accepted", "failed permanent suppress-bounce 605"]),
        ({"suppressed": {AASE: "unsubscribe"}}, ["accepted", "failed permanent suppress-unsubscribe 606"]),
        ({"suppressed": {AASE: "complaint"}}, ["accepted", "failed permanent suppress-complaint 607"]),
    ],
)
def test_what_becomes_of_a_mail_is_staged_by_address(seed: dict[str, Any], kinds: list[str]) -> None:
    post = Post(**seed)
    post.send()
    post.send({"to": BO})

    assert [_told(event) for event in post.events(recipient=AASE)] == kinds
    assert post.kinds(recipient=BO) == ["accepted", "delivered"]


def _told(event: dict[str, Any]) -> str:
    if event["event"] != "failed":
        return str(event["event"])
    return f"failed {event['severity']} {event['reason']} {event['delivery-status']['code']}"


def test_a_rejected_mail_says_that_it_was_sent_in_a_sandbox() -> None:
    post = Post(rejecting=[AASE])
    post.send()
    (event,) = post.events(event="rejected")
    assert event["reject"]["reason"] == "Sandbox subdomains are for test purposes only"


def test_a_mail_in_test_mode_is_delivered_with_code_650_to_nobody() -> None:
    post = Post(bouncing=[AASE])
    post.send({"o:testmode": "yes"})
    accepted, delivered = post.events()

    assert (delivered["event"], delivered["delivery-status"]["code"]) == ("delivered", 650)
    assert accepted["flags"]["is-test-mode"] is delivered["flags"]["is-test-mode"] is True


def test_a_long_variable_is_cut_at_four_kilobytes_and_stays_text() -> None:
    post = Post()
    post.send({"v:note": "x" + "ø" * 3000})
    value = post.events(event="accepted")[0]["user-variables"]["note"]
    assert value == "x" + "ø" * 2047


def test_state_tells_the_events_of_each_mail_whether_told_or_not() -> None:
    post = Post(bouncing=[AASE], events_after=5)
    post.send()
    events = post.mails()[0]["events"]

    assert [(event["event"], event.get("reason"), event.get("code")) for event in events] == [
        ("accepted", None, None),
        ("failed", "bounce", 550),
    ]


# Late, out of order, twice


def test_events_are_told_after_so_many_queries_and_further_pages_are_none() -> None:
    post = Post(events_after=2)
    post.send()
    first = post.page()
    for _ in range(3):
        assert post.follow(first["paging"]["next"])["items"] == []

    assert [len(post.page()["items"]) for _ in range(3)] == [0, 2, 2]
    post.send({"to": BO})
    assert post.kinds(recipient=BO) == []


def test_one_kind_of_event_may_come_later_than_the_one_after_it() -> None:
    post = Post(events_after={"accepted": 1})
    post.send()
    assert [post.kinds(), post.kinds()] == [["delivered"], ["accepted", "delivered"]]


def test_events_are_told_after_so_many_seconds() -> None:
    post = Post(events_late_s=1800, deliver_s=60)
    post.send()
    seen = []
    for seconds in (1799, 1, 59, 1):
        post.go_on(seconds)
        seen.append(post.kinds())
    assert seen == [[], ["accepted"], ["accepted"], ["accepted", "delivered"]]


def test_what_has_not_happened_yet_is_not_told() -> None:
    post = Post(deferring=[AASE], retry_s=600)
    post.send()
    assert post.kinds() == ["accepted", "failed"]
    post.go_on(600)
    assert post.kinds() == ["accepted", "failed", "delivered"]


def test_a_mail_for_later_is_accepted_now_and_delivered_then() -> None:
    post = Post()
    post.send({"o:deliverytime": format_datetime(START + timedelta(hours=2))})
    assert post.kinds() == ["accepted"]
    post.go_on(7200)
    assert post.kinds() == ["accepted", "delivered"]


def test_disorder_mixes_the_times_and_loses_nothing() -> None:
    post = Post(events_disorder=True)
    for _ in range(20):
        post.send()
        post.go_on(10)
    times = [event["timestamp"] for event in post.events(limit=7)]

    assert times != sorted(times)
    assert Counter(times) == {T + 10 * number: 2 for number in range(20)}


def test_an_event_may_be_told_twice_under_one_id() -> None:
    post = Post(events_twice=True)
    post.send()
    assert sorted(Counter(event["id"] for event in post.events(limit=3)).values()) == [2, 2]


# Asking


@pytest.fixture
def posted() -> Post:
    """Ten mails, a minute between them; the fifth to Bo, who is not there."""
    post = Post(bouncing=[BO], silent=[AASE])
    for number in range(10):
        to = BO if number == 4 else AASE
        post.send({"to": to, "subject": f"Hold {number}", "o:tag": "Even" if number % 2 == 0 else "odd"})
        post.go_on(60)
    return post


def _subjects(post: Post, **filters: Any) -> list[int]:
    return [int(event["message"]["headers"]["subject"][5:]) for event in post.events(**filters)]


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"event": "failed"}, [4]),
        ({"event": "failed OR rejected"}, [4]),
        ({"event": "rejected OR complained"}, []),
        ({"event": "accepted"}, list(range(10))),
        ({"recipient": "BO@example.org", "event": "accepted"}, [4]),
        ({"recipient": "bo"}, []),
        ({"tags": "even", "event": "accepted"}, [0, 2, 4, 6, 8]),
        ({"tags": "odd OR even", "event": "accepted"}, list(range(10))),
        ({"subject": '"hold 7"'}, [7]),
        ({"subject": "hold", "event": "failed"}, [4]),
        ({"severity": "permanent"}, [4]),
        ({"severity": "temporary"}, []),
        ({"from": "kurser@mg.example.org", "event": "failed"}, [4]),
        ({"to": "bo@", "event": "failed"}, [4]),
        ({"begin": T + 420}, [7, 8, 9]),
        ({"begin": format_datetime(START + timedelta(minutes=8))}, [8, 9]),
        ({"end": T + 60.0}, [0, 1]),
        ({"begin": T + 60, "end": T + 120}, [1, 2]),
        ({"begin": T + 120, "end": T + 60, "ascending": "no"}, [2, 1]),
        ({"begin": T + 60, "ascending": "no"}, [1, 0]),
        ({"ascending": "no", "event": "accepted"}, list(range(9, -1, -1))),
    ],
)
def test_the_filters_find_what_they_say(posted: Post, filters: dict[str, Any], found: list[int]) -> None:
    assert _subjects(posted, **filters) == found


def test_the_direction_follows_from_the_range_when_it_is_not_given(posted: Post) -> None:
    def found(query: str) -> list[int]:
        items = posted.ask("GET", f"{EVENTS}?{query}").body["items"]
        return [int(event["message"]["headers"]["subject"][5:]) for event in items]

    assert found(f"begin={T}&end={T + 60}") == [0, 1]
    assert found(f"begin={T + 60}&end={T}") == [1, 0]
    assert found("event=accepted&limit=2") == [9, 8]


def test_a_mail_is_found_by_its_id_without_brackets_only() -> None:
    post = Post()
    first, second = (post.send().body["id"] for _ in range(2))

    assert len(post.events(message_id=first.strip("<>"))) == 2
    assert post.events(message_id=first) == []
    assert first != second


@pytest.mark.parametrize("ascending", ["yes", "no"])
@pytest.mark.parametrize("limit", [1, 3, 5, 10, 11])
def test_pages_follow_one_another_until_one_is_empty(posted: Post, limit: int, ascending: str) -> None:
    page, pages = posted.page(limit=limit, ascending=ascending), []
    while page["items"]:
        pages.append([event["id"] for event in page["items"]])
        page = posted.follow(page["paging"]["next"])
    everything = [event["id"] for event in posted.page(ascending=ascending)["items"]]

    assert [name for one in pages for name in one] == everything
    assert len(set(everything)) == 11
    assert {len(one) for one in pages[:-1]} <= {limit}


def test_pages_can_be_followed_back_and_to_both_ends(posted: Post) -> None:
    first = posted.page(limit=4)
    second = posted.follow(first["paging"]["next"])

    assert posted.follow(second["paging"]["previous"])["items"] == first["items"]
    assert posted.follow(second["paging"]["first"])["items"] == first["items"]
    assert posted.follow(second["paging"]["last"])["items"] == posted.events()[-4:]


def test_the_next_address_of_the_last_page_shows_what_comes_later(posted: Post) -> None:
    last = posted.page(limit=300)
    posted.send({"subject": "Hold 10"})
    later = posted.follow(last["paging"]["next"])["items"]
    assert [event["message"]["headers"]["subject"] for event in later] == ["Hold 10"]


def test_the_next_address_is_a_whole_one_at_the_same_host(posted: Post) -> None:
    address = urlsplit(posted.page(limit=1)["paging"]["next"])
    assert (address.scheme, address.netloc, address.query) == ("http", HOST, "")
    assert address.path.startswith(f"{EVENTS}/")


@pytest.mark.parametrize(
    "query",
    [
        "ascending=yes&limit=301",
        "ascending=yes&limit=0",
        "ascending=yes&limit=alle",
        "ascending=ja",
        "begin=1803794403",
        "begin=i+dag&ascending=yes",
        "begin=1e999&ascending=yes",
        f"begin={'9' * 400}&ascending=yes",
        "begin=2027-02-28T06:00:00Z&ascending=yes",
        "recipeint=bo@example.org&ascending=yes",
        "v:ili-key=x&ascending=yes",
    ],
)
def test_a_query_that_is_not_understood_is_refused(query: str) -> None:
    assert message_of(Post().ask("GET", f"{EVENTS}?{query}"))[0] == 400


@pytest.mark.parametrize("token", ["x", "W10", "bnVsbA", "W1tdLCAibmV4dCIsIFsieCJdXQ", "æ", "W1tdLCJuZXh0IiwxXQ"])
def test_a_page_that_was_never_given_is_refused(token: str) -> None:
    assert message_of(Post().ask("GET", f"{EVENTS}/{token}"))[0] == 400


def test_repeated_filters_must_all_be_met() -> None:
    post = Post()
    post.send([*FORM.items(), ("o:tag", "a"), ("o:tag", "b")])
    post.send([*FORM.items(), ("o:tag", "a")])

    assert len(post.ask("GET", f"{EVENTS}?ascending=yes&tags=a&tags=b").body["items"]) == 2
    assert json.dumps(post.page(tags="c")["items"]) == "[]"
