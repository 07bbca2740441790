"""The Mailgun stand-in takes messages by Mailgun's rules, and refuses what Mailgun refuses."""

import base64
import gzip
import json
from datetime import timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import urlencode

import pytest

from integrator.standins.mailgun import DOMAIN, KEY

from .mailgun_client import EVENTS, FORM, MESSAGES, SAMPLES, START, Post, json_of, message_of, sample

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@pytest.fixture
def post() -> Post:
    return Post()


def _posted(post: Post, name: str) -> Any:
    """Put the request of a sample to the stand-in."""
    form, files = [], []
    for field, value in sample(name)["request"]["form"]:
        if isinstance(value, str):
            form.append((field, value))
        else:
            content = (b"Navn;E-mail\r\n" * 100)[: value["size"]]
            files.append((field, (value["filename"], content, value["content_type"])))
    return post.send_files(form, files)


# The samples


@pytest.mark.parametrize("name", ["01-send-participant-list", "02-send-batch-recipient-variables"])
def test_a_sample_is_taken_and_answered_as_it_says(post: Post, name: str) -> None:
    expected = sample(name)["response"]["json"]
    answer = _posted(post, name)

    assert (answer.status, answer.content_type) == (200, "application/json")
    assert list(answer.body) == list(expected)
    assert answer.body["message"] == expected["message"] == "Queued. Thank you."
    assert answer.body["id"].startswith("<20270228060003.")
    assert len(answer.body["id"]) == len(expected["id"])
    assert answer.body["id"].endswith("@mg.example.org>")


def test_everything_of_the_first_sample_is_kept(post: Post) -> None:
    _posted(post, "01-send-participant-list")
    (mail,) = post.mails()

    assert mail["to"] == ["aase.oestergaard@example.org"]
    assert (mail["cc"], mail["bcc"]) == ([], [])
    assert mail["from"] == "Kursussekretariatet <kurser@mg.example.org>"
    assert mail["subject"] == "Deltagerliste: Projektledelse i praksis, 1.-3. marts 2027 (25172-04)"
    assert mail["text"] == "Hej Åse\n\nVedhæftet er deltagerlisten …"
    assert mail["html"].startswith("<p>Hej Åse</p>")
    assert mail["headers"]["To"] == '"Østergård, Åse" <aase.oestergaard@example.org>'
    assert mail["headers"]["Reply-To"] == "kursus@example.org"
    assert mail["headers"]["Message-Id"] == f"<{mail['id']}>"
    assert mail["variables"] == {"ili-key": "participant-list:25172-04:2027-02-28:7"}
    assert mail["tags"] == ["participant-list", "course-25172-04"]
    assert mail["options"] == {"tracking": "no", "require-tls": "yes", "deliver-within": "12h", "testmode": "yes"}
    (file,) = mail["attachments"]
    assert (file["filename"], file["content_type"], file["size"]) == (
        "deltagerliste-25172-04.csv",
        "text/csv; charset=utf-8",
        812,
    )
    assert base64.b64decode(file["content"]).startswith(b"Navn;E-mail\r\n")


def test_recipient_variables_make_a_mail_for_each_under_one_id(post: Post) -> None:
    _posted(post, "02-send-batch-recipient-variables")
    first, second = post.mails()

    assert (first["to"], first["subject"]) == (
        ["soeren.noergaard@example.org"],
        "Tilmelding, Søren Nørgård: Projektledelse i praksis",
    )
    assert (second["to"], second["text"]) == (["bjoerk.aaen@example.org"], "Hej Bjørk Aaen\n\nDu er tilmeldt …")
    assert first["id"] == second["id"]
    assert [effect["to"] for effect in post.effects] == ["soeren.noergaard@example.org", "bjoerk.aaen@example.org"]


LARGE = {"v:note": "x" * 16_384}
REFUSED: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    ({}, {"to": "Østergård, Åse <aase@example.org>"}, {}),
    ({}, {"text": None}, {}),
    ({}, {"from": None}, {}),
    ({}, LARGE, {}),
    ({}, {}, {"key": "forkert"}),
    ({"domain": "other.example.org"}, {}, {}),
    ({"throttle": {"times": 1}}, {}, {}),
]


def test_the_errors_of_the_sample_are_word_for_word_its_own() -> None:
    answers = sample("03-errors")["answers"]
    assert [one["status"] for one in answers] == [400, 400, 400, 400, 401, 404, 429, 500]

    for expected, (seed, form, how) in zip(answers, REFUSED, strict=False):  # the 500 is a fault's business
        post = Post(**seed)
        answer = post.send(form, **how)
        assert answer.status == expected["status"]
        assert answer.body == expected.get("json", expected.get("text"))
        kind = expected.get("headers", {}).get("Content-Type", "application/json")
        assert answer.content_type == kind
        assert post.mails() == post.effects == []


def test_the_samples_are_all_there() -> None:
    assert [path.stem[:2] for path in sorted(SAMPLES.glob("*.json"))] == [f"0{n}" for n in range(1, 9)]


# Keys and addresses


@pytest.mark.parametrize("how", [{"key": None}, {"key": "forkert"}, {"user": "mig"}, {"key": "nøgle"}])
def test_without_the_right_key_the_answer_is_no_object_and_nothing_is_sent(post: Post, how: dict[str, Any]) -> None:
    answer = post.send(**how)

    assert (answer.status, answer.body, answer.content_type) == (401, "Forbidden", "text/plain; charset=utf-8")
    assert post.mails() == []


def test_the_body_of_a_401_may_be_a_json_string() -> None:
    answer = Post(forbidden="json").ask("GET", EVENTS, key="forkert")
    assert (json.loads(answer.encoded()), answer.content_type) == ("Forbidden", "application/json")


def test_a_sending_key_may_send_and_not_look() -> None:
    post = Post(keys={"sender": "sending", KEY: "account"})

    assert post.send(key="sender").status == 200
    assert post.ask("GET", f"{EVENTS}?ascending=yes", key="sender").status == 403
    assert post.kinds() == ["accepted", "delivered"]


def test_a_disabled_domain_sends_nothing() -> None:
    post = Post(disabled=True)
    assert message_of(post.send())[0] == 403
    assert post.mails() == []


@pytest.mark.parametrize("path", [f"/v2/{DOMAIN}/messages", f"/v3/{DOMAIN}/messages.mime", "/v3/messages", "/kurser"])
def test_a_wrong_address_is_a_404_that_is_not_json(post: Post, path: str) -> None:
    answer = post.ask("POST", path)
    assert (answer.status, answer.content_type) == (404, "text/plain; charset=utf-8")


def test_the_logs_api_is_not_there(post: Post) -> None:
    assert message_of(post.ask("POST", "/v1/analytics/logs", b"{}")) == (404, "Not Found")


@pytest.mark.parametrize(("method", "path"), [("GET", MESSAGES), ("PUT", MESSAGES), ("POST", EVENTS)])
def test_other_methods_are_refused(post: Post, method: str, path: str) -> None:
    assert message_of(post.ask(method, path)) == (405, "Method Not Allowed")


def test_the_seconds_of_a_429_stand_in_its_text_and_if_wished_in_a_header() -> None:
    post = Post(throttle={"times": 2, "seconds": 30})
    first, second, third = post.send(), post.send(), post.send()

    assert [answer.status for answer in (first, second, third)] == [429, 429, 200]
    assert message_of(first)[1].endswith("limit exceeded, try again after 30 seconds")
    assert first.headers == {}
    assert len(post.mails()) == 1
    assert Post(throttle={"retry_after": True}).send().headers == {"Retry-After": "120"}


# The fields


@pytest.mark.parametrize(
    "to",
    [
        "",
        "aase",
        "aase@",
        "@example.org",
        "aase@example",
        "Åse Østergård",
        "Østergård, Åse <aase@example.org>",
        "Kurser: ILI <aase@example.org>",
        "Åse <aase@example.org",
        '"Åse <aase@example.org>',
        "<aase@example.org> Åse",
        "aase@example.org,",
        "aa se@example.org",
        "aase@@example.org",
        "aase@exa_mple..org",
        "åse@example.org",
        "aase@example.org;bo@example.org",
        "Åse\r\nBcc: bo@example.org <aase@example.org>",
    ],
)
def test_what_is_no_address_is_refused(post: Post, to: str) -> None:
    expected = (400, "to parameter is not a valid address. please check documentation")
    assert message_of(post.send({"to": to})) == expected
    assert post.mails() == []


@pytest.mark.parametrize(
    ("to", "emails"),
    [
        ("Åse Østergård <aase@example.org>", ["aase@example.org"]),
        ('"Østergård, Åse" <aase@example.org>', ["aase@example.org"]),
        (r'"Åse \"Åh, nej\" Ø" <aase@example.org>', ["aase@example.org"]),
        ("<aase@example.org>", ["aase@example.org"]),
        ("O'Neil+kursus@mail.example.org", ["O'Neil+kursus@mail.example.org"]),
        ("aase@søer.example.org", ["aase@søer.example.org"]),
        ("aase@example.org, Bo <bo@example.org>", ["aase@example.org", "bo@example.org"]),
        ("aase@example.org,AASE@example.org , Åse <aase@Example.org>", ["aase@example.org"]),
    ],
)
def test_addresses_with_names_quotes_commas_and_repeats(post: Post, to: str, emails: list[str]) -> None:
    assert post.send({"to": to}).status == 200
    (mail,) = post.mails()
    assert mail["to"] == emails


def test_repeated_fields_and_copies_share_one_mail_and_see_each_other(post: Post) -> None:
    more = [("to", "bo@example.org"), ("cc", "aase@example.org, ida@example.org"), ("bcc", "eva@example.org")]
    post.send([*FORM.items(), *more])
    (mail,) = post.mails()

    assert (mail["to"], mail["cc"], mail["bcc"]) == (
        ["aase@example.org", "bo@example.org"],
        ["ida@example.org"],
        ["eva@example.org"],
    )
    assert mail["headers"]["To"] == "aase@example.org, bo@example.org"
    assert "eva" not in str(mail["headers"])
    assert len(post.effects) == 1
    assert len(post.events(event="accepted")) == 4


@pytest.mark.parametrize(("count", "status"), [(1000, 200), (1001, 400)])
def test_there_may_be_a_thousand_recipients(post: Post, count: int, status: int) -> None:
    to = ",".join(f"a{number}@example.org" for number in range(count))
    assert post.send({"to": to}).status == status


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ({"to": None}, "to parameter is missing"),
        ({"subject": None}, "subject parameter is missing"),
        ({"subject": "  "}, "subject parameter is missing"),
        ({"subject": "A\r\nBcc: bo@example.org"}, "subject parameter must not have line breaks"),
        ({"from": "Kurser, ILI <kurser@example.org>"}, "from parameter is not a valid address"),
        ({"from": "a@example.org, b@example.org"}, "from parameter is not a valid address"),
        ({"cc": "bo"}, "cc parameter is not a valid address"),
        ({"template": "velkomst"}, "template velkomst not found"),
        ({"text": "  "}, "Need at least one of"),
        ({"o:tracking": "nej"}, "o:tracking parameter must be one of"),
        ({"o:testmode": "1"}, "o:testmode parameter must be one of"),
        ({"o:require-tls": "htmlonly"}, "o:require-tls parameter must be one of"),
        ({"o:tag": "hold-æøå"}, "o:tag parameter must be"),
        ({"o:tag": "x" * 129}, "o:tag parameter must be"),
        ({"o:deliver-within": "12"}, "o:deliver-within parameter"),
        ({"o:deliver-within": "29m"}, "o:deliver-within parameter"),
        ({"o:deliver-within": "24h1m"}, "o:deliver-within parameter"),
        ({"o:deliver-within": ""}, "o:deliver-within parameter"),
        ({"o:deliverytime": "2027-03-01T07:00:00Z"}, "o:deliverytime parameter is not a valid RFC 2822 date"),
        ({"o:deliverytime": format_datetime(START + timedelta(days=8))}, "o:deliverytime parameter is more than"),
        ({"o:deliverytime": "Mon, 01 Mar 2027 07:00:00 -0000"}, "o:deliverytime parameter needs"),
        ({"h:X-Note": "a\nBcc: bo@example.org"}, "h:X-Note parameter must not"),
        ({"h:X Note": "a"}, "h:X Note parameter is not a header name"),
        ({"attachment": "en fil"}, "attachment parameter is not a file"),
        ({"recipient-variables": "{"}, "recipient-variables parameter is not valid JSON"),
        ({"recipient-variables": '{"a@example.org": 1}'}, "recipient-variables parameter must be"),
    ],
)
def test_a_field_that_is_wrong_is_refused_by_name(post: Post, form: dict[str, Any], message: str) -> None:
    status, said = message_of(post.send(form))
    assert status == 400
    assert said.startswith(message)
    assert post.mails() == []


@pytest.mark.parametrize("within", ["30m", "90m", "1h30m", "12h", "24h"])
def test_the_documented_intervals_are_taken(post: Post, within: str) -> None:
    assert post.send({"o:deliver-within": within}).status == 200


def test_html_alone_is_a_mail_and_ten_tags_are_the_limit(post: Post) -> None:
    tags = [("o:tag", f"tag-{number}") for number in range(10)]
    form = [(name, value) for name, value in {**FORM, "html": "<p>Hej</p>"}.items() if name != "text"]

    assert post.send([*form, *tags]).status == 200
    assert message_of(post.send([*form, *tags, ("o:tag", "tag-10")])) == (400, "o:tag parameter: at most 10 tags")
    assert [(mail["text"], mail["html"], len(mail["tags"])) for mail in post.mails()] == [(None, "<p>Hej</p>", 10)]


def test_options_of_sixteen_kilobytes_are_the_limit_and_other_fields_do_not_count(post: Post) -> None:
    room = 16 * 1024 - len("v:ili-key") - len(FORM["v:ili-key"]) - len("v:note")

    assert post.send({"v:note": "x" * room, "text": "y" * 20_000}).status == 200
    assert post.send({"v:note": "x" * (room + 1)}).status == 400
    assert post.send({"v:note": "ø" * (room // 2 + 1)}).status == 400


def test_a_message_over_25_megabytes_is_413_counted_in_base64(post: Post) -> None:
    fits, too_much = (b"\x00" * (count * 1024 * 1024) for count in (18, 19))

    assert post.send_files(list(FORM.items()), [("attachment", ("a.bin", fits, "x/y"))]).status == 200
    answer = post.send_files(list(FORM.items()), [("attachment", ("a.bin", too_much, "x/y"))])
    assert (answer.status, answer.content_type) == (413, "text/html")
    assert len(post.mails()) == 1


def test_two_equal_posts_are_two_mails(post: Post) -> None:
    ids = {post.send().body["id"] for _ in range(2)}

    assert len(ids) == len(post.mails()) == 2
    assert [effect["kind"] for effect in post.effects] == ["mail", "mail"]


def test_an_effect_tells_which_mail_it_was(post: Post) -> None:
    post.send({"o:tag": "order-confirmation"})
    (mail,) = post.mails()

    assert post.effects == [
        {
            "kind": "mail",
            "id": mail["id"],
            "to": "aase@example.org",
            "subject": "Tilmelding",
            "tags": ["order-confirmation"],
            "key": "order-confirmation:10001:customer",
        }
    ]


@pytest.mark.parametrize(
    ("given", "adopt", "taken"),
    [
        ("<10001-1@mg.example.org>", True, True),
        ("<10001-1@mg.example.org>", False, False),
        ("10001-1@mg.example.org", True, False),
    ],
)
def test_our_own_message_id_is_adopted_only_when_the_switch_is_on(given: str, adopt: bool, taken: bool) -> None:
    post = Post(adopt_message_id=adopt)
    answer = post.send({"h:Message-Id": given})
    (mail,) = post.mails()

    assert (answer.body["id"] == given) is taken
    assert mail["headers"]["Message-Id"] == answer.body["id"]
    assert {event["message"]["headers"]["message-id"] for event in post.events()} == {mail["id"]}


def test_recipients_can_read_the_variables(post: Post) -> None:
    post.send()
    (mail,) = post.mails()
    assert json.loads(mail["headers"]["X-Mailgun-Variables"]) == {"ili-key": FORM["v:ili-key"]}


def test_a_recipient_key_that_is_not_given_stays_in_the_mail(post: Post) -> None:
    values = {"aase@example.org": {"name": "Åse"}}
    post.send({"subject": "Hej %recipient.name%, %recipient.titel%", "recipient-variables": json.dumps(values)})
    assert [mail["subject"] for mail in post.mails()] == ["Hej Åse, %recipient.titel%"]


# Bodies


EVERY_BYTE = bytes(range(256)) * 3
ENDS = b"\r\n--x\r\n\r\rA\n\nB\r\n\x85\x1c\x0b\x0c\x1e"


@pytest.mark.parametrize("content", [EVERY_BYTE, ENDS, b"", b"\r\n", b"\n", b"\r", b"x\r", EVERY_BYTE + b"\r\n"])
def test_files_come_through_byte_for_byte(post: Post, content: bytes) -> None:
    files = [
        ("attachment", ("liste.xlsx", content, XLSX)),
        ("inline", ("æøå \u201cx\u201d.txt", content, "text/plain")),
    ]
    assert post.send_files(list(FORM.items()), files).status == 200
    (mail,) = post.mails()

    assert [base64.b64decode(file["content"]) for file in mail["attachments"]] == [content, content]
    assert [file["filename"] for file in mail["attachments"]] == ["liste.xlsx", "æøå \u201cx\u201d.txt"]
    assert [(file["field"], file["content_type"]) for file in mail["attachments"]] == [
        ("attachment", XLSX),
        ("inline", "text/plain"),
    ]


@pytest.mark.parametrize("text", ["Åse\r\nØstergård\n", "\n", "€ – “æøå” \U0001f600", "--x--"])
def test_fields_come_through_letter_by_letter_in_both_encodings(post: Post, text: str) -> None:
    form = {**FORM, "html": f"<p>{text}</p>"}
    post.send(form)
    post.send_files(list(form.items()), [("attachment", ("a.txt", b"", "text/plain"))])

    assert [mail["html"] for mail in post.mails()] == [form["html"]] * 2


def test_a_file_name_in_the_older_way_of_writing_is_understood(post: Post) -> None:
    part = "Content-Disposition: form-data; name=\"attachment\"; filename*=UTF-8''s%C3%B8.txt\r\n\r\nHej"
    fields = "".join(f'--b\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n' for k, v in FORM.items())
    body = f"{fields}--b\r\n{part}\r\n--b--\r\n".encode()

    assert post.ask("POST", MESSAGES, body, headers={"Content-Type": "multipart/form-data; boundary=b"}).status == 200
    assert post.mails()[0]["attachments"][0]["filename"] == "sø.txt"


def test_a_gzipped_body_is_unpacked_and_a_broken_one_refused(post: Post) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Content-Encoding": "gzip"}
    body = gzip.compress(urlencode(FORM).encode())

    assert post.ask("POST", MESSAGES, body, headers=headers).status == 200
    assert post.ask("POST", MESSAGES, body[:-9], headers=headers).status == 400
    assert post.ask("POST", MESSAGES, b"x", headers=headers).status == 400


@pytest.mark.parametrize(
    ("kind", "body", "message"),
    [
        ("multipart/form-data", b"--b\r\n", "the multipart body is broken"),
        ("multipart/form-data; boundary=b", b"", "the multipart body is broken"),
        ("multipart/form-data; boundary=b", b'--b\r\nContent-Disposition: form-data; name="to"\r\n\r\nx', "the multi"),
        ("multipart/form-data; boundary=b", b"--b\r\n\r\nx\r\n--b--", "a part has no name"),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="attachment"; filename="a.eml"\r\n'
            b"Content-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\ny\r\n--b--",
            "a part has no name, or is a message",
        ),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="to"\r\n\r\n\xe5\r\n--b--',
            "a text",
        ),
        ("application/x-www-form-urlencoded", b"from=\xe5", "a text is not UTF-8"),
        ("application/json", json.dumps(FORM).encode(), "from parameter is missing"),
        ("", b"", "from parameter is missing"),
    ],
)
def test_a_body_that_cannot_be_read_is_refused(post: Post, kind: str, body: bytes, message: str) -> None:
    status, said = message_of(post.ask("POST", MESSAGES, body, headers={"Content-Type": kind}))
    assert status == 400
    assert said.startswith(message)


def test_a_file_without_a_name_is_refused(post: Post) -> None:
    answer = post.send_files(list(FORM.items()), [("attachment", ("", b"x", "text/plain"))])
    assert message_of(answer) == (400, "attachment parameter is not a file with a name")


# Staging


def test_a_reset_forgets_mails_and_settings_and_no_id_comes_again() -> None:
    post = Post(adopt_message_id=True, silent=["aase@example.org"])
    before = post.send().body["id"]
    post.standin.reset()

    assert post.mails() == []
    assert post.send({"h:Message-Id": "<x@example.org>"}).body["id"] not in {before, "<x@example.org>"}
    assert post.kinds() == ["accepted", "delivered"]


def test_settings_that_are_not_named_stay() -> None:
    post = Post(silent=["aase@example.org"])
    post.standin.seed({"now": "2027-01-01T12:00:00+01:00"})
    assert post.send().body["id"].startswith("<20270101110000.")
    assert post.kinds() == ["accepted"]
    post.standin.seed({"now": None, "silent": []})
    assert post.send().body["id"].startswith("<20270228060003.")


@pytest.mark.parametrize(
    "bad",
    [
        {"nope": 1},
        {"keys": {"k": "webhook"}},
        {"events_after": -1},
        {"events_late_s": "30"},
        {"throttle": {"often": 1}},
        {"suppressed": {"aase@example.org": "boredom"}},
        {"bouncing": "aase@example.org"},
        {"now": "2027-01-01T12:00:00"},
    ],
)
def test_a_seed_that_cannot_be_meant_is_refused_and_changes_nothing(post: Post, bad: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="seed"):
        post.standin.seed({**bad, "disabled": True})
    assert json_of(post.send())["message"] == "Queued. Thank you."
