"""Mails in a recording: nobody they are written to, nothing that was written, and a replay that still finds its way."""

import json
import re
from collections.abc import Iterator
from email import message_from_string
from pathlib import Path
from typing import Any

import pytest

from integrator.domain.mails import Address, Attachment, Mail
from integrator.effects import Done, Message
from integrator.errors import InDoubt, Refused
from integrator.recording import network
from integrator.recording.cassette import Cassette, load, save, text_of
from integrator.recording.freetext import survivors
from integrator.recording.madeup import MadeUp
from integrator.recording.multipart import FORM_TYPE, parts_in
from integrator.recording.scrub import Exchange, Scrubber, System
from integrator.standins.base import Running, serve
from integrator.standins.mailgun import DOMAIN, KEY
from integrator.standins.mailgun import Mailgun as StandIn
from integrator.systems.http import Http
from integrator.systems.mailgun import Mailgun, recordable

FROM = f"Kurser hos Åse <kurser@{DOMAIN}>"
SINCE = 1_000_000_000
MAIL = Mail(
    Address("aase@firm.example", "Østergård, Åse"),
    "Tilmelding: Åse Østergård og Jens Vestergaard",
    "Hej Åse\n\nFirmaet A/S, Gade 1, 2900 Hellerup\n--recorded\nJens Vestergaard deltager. æøå",
    "<p>Hej Åse, jv@firm.example</p>",
    (Attachment("liste-vestergaard.xlsx", "application/vnd.ms-excel", b"PK\x03\x04 Jens Vestergaard\r\n\xff"),),
    ("order-confirmation",),
    "12h",
)
PERSONAL = re.compile("Åse|Østerg|aase|Vesterg|Jens|firm[.]|Firmaet|Gade 1|Hellerup|kurser|hos Å", re.IGNORECASE)


@pytest.fixture
def office() -> Iterator[Running]:
    with serve(StandIn()) as running:
        yield running


def mailgun(url: str, domain: str = DOMAIN, from_: str = FROM) -> Mailgun:
    http = Http(system="mailgun", base_url=url, auth=("api", KEY), user_agent="t", timeout_s=5.0)
    return Mailgun(http, domain=domain, from_=from_, reply_to=f"kursus@{DOMAIN}")


def message(key: str, to: str, sent_at: int = SINCE) -> Message:
    return Message(1, "mailgun.confirmation", key, {"to": {"email": to}}, b"", 1, sent_at, None)


def never(message: Message) -> Mail:
    raise AssertionError("nothing is made for a look")


def story(made: Mailgun, *, to: str = "aase@firm.example", since: int = SINCE) -> list[Any]:
    """What a run says to Mailgun: two mails, one of them too fast, one look, and the events."""
    mail = Mail(Address(to, MAIL.to.name), MAIL.subject, MAIL.text, MAIL.html, MAIL.attachments, MAIL.tags)
    said: list[Any] = []
    try:
        for key in ("order-confirmation:10001:customer", "order-confirmation:10001:participant:1"):
            try:
                said.append(made.send(mail, key=key).partition("@")[2] != "")
            except Exception as error:
                said.append((type(error).__name__, getattr(error, "retry_after_s", None)))
        found = made.mails(never, resends=False).look_up(message("order-confirmation:10001:customer", to, since))
        said.append(isinstance(found, Done) and found.result)
        said += [(event.kind, event.key, event.code) for event in made.events(since, since + 4_000_000_000)]
    finally:
        made.close()
    return said


def kept(exchanges: list[Exchange], url: str, made_up: MadeUp | None = None) -> list[Exchange]:
    made_up = made_up or MadeUp()
    for real, made in ((DOMAIN, "mail.example.org"), (FROM, "Sender <sender@example.org>")):
        made_up.name_text(real, made)
    return Scrubber([System("mailgun", url, recordable.recordable())], made_up).scrubbed(exchanges)


def recorded(office: Running) -> tuple[list[Exchange], list[Any]]:
    tape = network.Tape()
    with network.recording(tape, ours=lambda url: True):
        said = story(mailgun(office.url))
    return tape.exchanges, said


def test_a_replay_hears_the_same_for_other_people_and_at_another_moment(office: Running, tmp_path: Path) -> None:
    office.standin.seed({"throttle": {"times": 1, "seconds": 90}})
    exchanges, said = recorded(office)
    assert said[:3] == [("Unavailable", 90.0), True, False]
    assert [row[:2] for row in said[3:]] == [
        ("accepted", "order-confirmation:10001:participant:1"),
        ("delivered", "order-confirmation:10001:participant:1"),
    ]
    file = tmp_path / "tape.yaml"
    save(file, text_of(Cassette({}, kept(exchanges, office.url))))
    tape = network.Tape(load(file).exchanges)
    with network.replaying(tape, network.Clock(0.0)):
        again = story(mailgun("https://mailgun.example.org", "mail.example.org"), to="x@example.org", since=SINCE + 7)
    assert again == said
    assert tape.gap is None
    assert tape.played == len(exchanges)


def test_nobody_and_nothing_written_is_in_the_file(office: Running, tmp_path: Path) -> None:
    exchanges, _ = recorded(office)
    made_up = MadeUp()
    text = text_of(Cassette({}, kept(exchanges, office.url, made_up)))
    assert not PERSONAL.search(text), PERSONAL.search(text)
    assert survivors(text, made_up) == 0
    assert DOMAIN not in text
    assert KEY not in text
    assert "!!binary" not in text
    assert "liste" not in text
    addresses = set(re.findall(r"[\w.+-]+@[\w.-]+\w", text))
    assert all(re.fullmatch(r"(person\d+|sender)@example\.org", found) for found in addresses), addresses


def test_a_mail_in_the_file_says_how_it_was_sent(office: Running) -> None:
    exchanges, _ = recorded(office)
    sent = kept(exchanges, office.url)[0]
    assert sent.url == "https://mailgun.example.org/v3/mail.example.org/messages"
    assert sent.sent_headers["content-type"] == [FORM_TYPE]
    form = message_from_string(f"Content-Type: {FORM_TYPE}\n\n{sent.sent.decode()}")
    fields = [(part.get_param("name", header="content-disposition"), part) for part in form.get_payload()]  # type: ignore[union-attr]
    values = {str(name): str(part.get_payload()) for name, part in fields}  # type: ignore[union-attr]
    assert values["v:ili-key"] == "order-confirmation:10001:customer"
    assert (values["o:tag"], values["o:tracking"], values["from"]) == (
        "order-confirmation",
        "no",
        "Sender <sender@example.org>",
    )
    assert re.fullmatch(r'"\w+, \w+" <person\d+@example\.org>', values["to"])
    assert values["attachment"] == f"({len(MAIL.attachments[0].content)} bytes, left out)"


def test_the_same_person_and_the_same_mail_are_the_same_in_form_answer_and_events(office: Running) -> None:
    exchanges, _ = recorded(office)
    post, *_, events = [one for one in kept(exchanges, office.url) if b'"items": []' not in one.body]
    fields = {part.name: part.value for part in parts_in(post.sent, FORM_TYPE)}
    item = next(
        item for item in json.loads(events.body)["items"] if item["user-variables"]["ili-key"] == fields["v:ili-key"]
    )
    assert f"<{item['message']['headers']['message-id']}>" == json.loads(post.body)["id"]
    assert fields["to"].endswith(f"<{item['recipient']}>")
    assert item["message"]["headers"]["to"] == fields["to"]


def test_a_page_is_asked_as_the_page_before_says(office: Running) -> None:
    exchanges, _ = recorded(office)
    pages = [one for one in kept(exchanges, office.url) if "/events" in one.url]
    follows = [json.loads(page.body)["paging"]["next"] for page in pages]
    assert all(url.startswith("https://mailgun.example.org/v3/mail.example.org/events/page") for url in follows)
    assert [page.url for page in pages if "?" not in page.url] == [
        url for url, after in zip(follows, pages[1:], strict=False) if "?" not in after.url
    ]
    assert {value for page in pages for value in re.findall("(?:begin|end|recipient)=([^&]*)", page.url)} == {"%2A"}


@pytest.mark.parametrize("status", [400, 401, 413, 500])
def test_an_error_keeps_its_status_and_names_nobody(status: int) -> None:
    body = json.dumps({"message": "aase@firm.example is not valid, Åse Østergård; domain mg.example.org"}).encode()
    to = '"Østergård, Åse" <aase@firm.example>'
    form = f'--b\r\nContent-Disposition: form-data; name="to"\r\n\r\n{to}\r\n--b--'.encode()
    exchange = Exchange(
        "POST",
        f"https://api.mailgun.example/v3/{DOMAIN}/messages",
        sent_headers={"content-type": ["multipart/form-data; boundary=b"]},
        sent=form,
        status=status,
        headers={"content-type": ["application/json"]},
        body=body,
    )
    [found] = kept([exchange], "https://api.mailgun.example")
    assert found.status == status
    assert not re.search("aase|Åse|Øster|firm|mg.example", found.body.decode() + found.sent.decode())
    assert "domain mail.example.org" in found.body.decode()


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", "multipart/form-data; boundary=b"),
        (b"Hej Aase", "multipart/form-data; boundary=b"),
        (b"--b\r\nHej Aase\r\n--b--", "multipart/form-data"),
        (b"--b\r\nContent-Disposition: form-data\r\n\r\nHej Aase\r\n--b--", "multipart/form-data; boundary=b"),
        (b'--b\r\nContent-Disposition: form-data; name="to"\r\n\r\nHej Aase', "multipart/form-data; boundary=b"),
        (
            b"--b\r\nContent-Disposition: form-data; name=\"x\"; filename*=utf-8''Aase\r\n\r\nHej\r\n--b--",
            "multipart/form-data; boundary=b",
        ),
        (
            b'--b\r\nContent-Disposition: form-data; name="Hej Aase"\r\n\r\nAase \xff\r\n--b--',
            "multipart/form-data; boundary=b",
        ),
    ],
)
def test_a_form_that_is_broken_or_foreign_leaves_nothing_of_it(body: bytes, content_type: str) -> None:
    exchange = Exchange(
        "POST",
        f"https://api.mailgun.example/v3/{DOMAIN}/messages",
        sent_headers={"content-type": [content_type]},
        sent=body,
        status=200,
    )
    [found] = kept([exchange], "https://api.mailgun.example")
    assert b"Aase" not in found.sent
    assert b"Hej" not in found.sent


def test_a_request_beside_the_recording_is_a_gap(office: Running) -> None:
    exchanges, _ = recorded(office)
    tape = network.Tape(kept(exchanges, office.url))
    made = mailgun("https://mailgun.example.org", "another.example.org")
    with network.replaying(tape, network.Clock(0.0)), pytest.raises(Refused) as caught:
        made.check()
    assert tape.gap is caught.value
    made.close()


def test_a_lost_answer_is_lost_again(office: Running) -> None:
    office.faults.add([{"match": {"method": "POST"}, "times": 1, "fault": {"kind": "reset", "when": "after"}}])
    exchanges, said = recorded(office)
    assert said[:3] == [("InDoubt", None), True, "found"]
    tape = network.Tape(kept(exchanges, office.url))
    with network.replaying(tape, network.Clock(0.0)):
        assert story(mailgun("https://mailgun.example.org", "mail.example.org")) == said
    assert InDoubt.__name__ == said[0][0]
