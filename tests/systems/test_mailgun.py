"""What Mailgun answers to a mail, and what can go wrong on the way: a mail nobody answered for is in doubt."""

import gzip
import json
import socket
from pathlib import Path

import pytest

from integrator.domain.mails import Address, Mail
from integrator.errors import InDoubt, Refused, Rejected, Unavailable
from integrator.systems.http import Http
from integrator.systems.mailgun import Mailgun
from rawserver import CLOSE, HANG, RESET, SIP, UNREAD, WAIT_S, RawServer, answer, drip

ERRORS = json.loads((Path(__file__).parents[1] / "samples/mailgun/03-errors.json").read_text(encoding="utf-8"))[
    "answers"
]
MAIL = Mail(Address("aase.oestergaard@example.org", "Østergård, Åse"), "Deltagerliste", "Hej Åse", "<p>Hej Åse</p>")
QUEUED = b'{"id": "<20270228060003.1a2b@mg.example.org>", "message": "Queued. Thank you."}'
OK_HEAD = b"HTTP/1.1 200 OK\r\n"


def mailgun_at(url, *, timeout_s=5.0):
    http = Http(system="mailgun", base_url=url, auth=("api", "k"), user_agent="t", timeout_s=timeout_s)
    return Mailgun(http, domain="mg.example.org", from_="Kurser <kurser@mg.example.org>")


@pytest.fixture
def send():
    """Send a mail to a server that follows these scripts: the message id, or the error. At most one request leaves."""

    def outcome(*scripts, timeout_s=5.0, mail=MAIL):
        with RawServer(*scripts) as server:
            mailgun = mailgun_at(server.url, timeout_s=timeout_s)
            try:
                return mailgun.send(mail, key="participant-list:25172-04:2027-03-01:7:1")
            except Exception as error:
                return error
            finally:
                mailgun.close()
                assert len(server.requests) <= 1

    return outcome


def said(message, *, status, **headers):
    return [answer(json.dumps({"message": message}).encode(), status=status, **headers)]


def as_sample(sample):
    body = sample["text"].encode() if "text" in sample else json.dumps(sample["json"]).encode()
    return [
        answer(body, status=sample["status"], **{k.replace("-", "_"): v for k, v in sample.get("headers", {}).items()})
    ]


# answers ----------------------------------------------------------------------------------------


def test_only_200_with_an_id_is_queued(send):
    assert send([answer(QUEUED)]) == "20270228060003.1a2b@mg.example.org"


@pytest.mark.parametrize("sample", ERRORS, ids=lambda sample: f"{sample['status']}-{str(sample)[-30:-5]}")
def test_every_error_of_the_contract_means_what_it_says(send, sample):
    kind = {400: Rejected, 401: Refused, 404: Refused, 429: Unavailable, 500: InDoubt}[sample["status"]]
    error = send(as_sample(sample))
    assert type(error) is kind
    assert error.message.startswith(f"mailgun: send a mail: answered {sample['status']}")


@pytest.mark.parametrize("sample", [sample for sample in ERRORS if sample["status"] == 400][1:])
def test_a_harmless_reason_is_shown(send, sample):
    assert send(as_sample(sample)).message == f"mailgun: send a mail: answered 400: {sample['json']['message']}"


@pytest.mark.parametrize(
    "message",
    [
        "to parameter is not a valid address: aase.oestergaard@example.org",
        "'Østergård, Åse' is not a valid address",
        "parameter to: OESTERGAARD, AASE is not valid",
        "cannot write to aase.oestergaard at example",
        "x" * 400,
        "<html>",
        "",
        None,
        ["a"],
    ],
)
def test_a_reason_that_may_quote_the_recipient_is_not_shown(send, message):
    error = send(said(message, status=400))
    assert (type(error), error.message) == (Rejected, "mailgun: send a mail: answered 400")


@pytest.mark.parametrize("body", [b"Forbidden", b'"Forbidden"', b'{"message": "Forbidden"}', b"<html>401</html>", b""])
@pytest.mark.parametrize("status", [401, 402, 403, 404])
def test_a_no_to_everything_says_where_to_look_whatever_its_body(send, status, body):
    error = send([answer(body, status=status)])
    assert (type(error), error.message) == (Refused, f"mailgun: send a mail: answered {status}")
    assert error.hint


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_wrong_region_looks_like_a_wrong_key(send, status):
    assert "api.eu.mailgun.net is not api.mailgun.net" in send([answer(status=status)]).hint


@pytest.mark.parametrize(
    "body", [b"", b"<html><h1>413 Request Entity Too Large</h1></html>", b'{"message": "too big"}']
)
@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_no_to_one_mail_is_about_that_mail_whatever_its_body(send, status, body):
    assert type(send([answer(body, status=status)])) is Rejected


@pytest.mark.parametrize(
    ("headers", "message", "seconds"),
    [
        ({}, "limit exceeded, try again after 120 seconds", 120.0),
        ({}, "try again in 1 second", 1.0),
        ({"Retry_After": "7"}, "try again after 120 seconds", 7.0),
        ({"Retry_After": "soon"}, "try again after 120 seconds", 120.0),
        ({"Retry_After": "-5"}, "try again after 120 seconds", 120.0),
        ({"Retry_After": "864000"}, "", 3600.0),
        ({"Retry_After": "Wed, 10 Mar 2027 06:00:00 GMT", "Date": "Sun, 28 Feb 2027 06:00:00 GMT"}, "", 3600.0),
        ({"Retry_After": "Sun, 28 Feb 2027 06:02:00 GMT", "Date": "Sun, 28 Feb 2027 06:00:00 GMT"}, "", 120.0),
        ({}, "try again after 99999999 seconds", 3600.0),
        ({}, "try again after 12345678901234567890 seconds", None),
        ({}, "limit exceeded", None),
        ({}, 120, None),
    ],
)
def test_too_fast_is_later_and_the_seconds_are_in_a_header_or_in_the_text(send, headers, message, seconds):
    error = send(said(message, status=429, **headers))
    assert (type(error), error.retry_after_s) == (Unavailable, seconds)


def test_too_fast_without_a_readable_body_is_later_all_the_same(send):
    assert type(send([answer(b"\xff<", status=429)])) is Unavailable


@pytest.mark.parametrize("status", [201, 202, 204, 206, 405, 408, 409, 410, 418, 500, 501, 502, 503, 504, 520])
def test_any_other_status_is_in_doubt(send, status):
    error = send([answer(QUEUED if status != 204 else b"", status=status)])
    assert type(error) is InDoubt
    assert f"answered {status}" in error.message
    assert "nobody knows" in error.message


def test_an_error_that_asks_to_wait_keeps_that(send):
    assert send([answer(status=503, Retry_After="9")]).retry_after_s == 9.0


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed_and_is_in_doubt(send, status):
    with RawServer([answer(QUEUED)]) as other:
        error = send([answer(status=status, Location=f"{other.url}/v3/mg.example.org/messages")])
        assert other.requests == []
    assert type(error) is InDoubt


FOREIGN = {
    "empty": b"",
    "null": b"null",
    "list": b"[]",
    "string": b'"Queued. Thank you."',
    "number": b"200",
    "object without id": b'{"message": "Queued. Thank you."}',
    "error as 200": b'{"error": "Session expired"}',
    "id null": b'{"id": null}',
    "id a number": b'{"id": 7}',
    "id a list": b'{"id": ["<a@mg.example.org>"]}',
    "id empty": b'{"id": ""}',
    "id without brackets": b'{"id": "a@mg.example.org"}',
    "id no address": b'{"id": "<abc>"}',
    "two ids": b'{"id": "<a@mg.example.org><b@mg.example.org>"}',
    "id with a line break": b'{"id": "<a@mg.example.org>\\n"}',
    "id of 2 kB": b'{"id": "<' + b"a" * 2000 + b'@mg.example.org>"}',
    "login page": b"<!DOCTYPE html><title>Log ind</title>",
    "plain text": b"OK",
    "cut JSON": QUEUED[:-8],
    "invalid UTF-8": b'{"id": "<a@mg.example.org>", "message": "\xff\xfe"}',
    "NaN": b'{"id": "<a@mg.example.org>", "n": NaN}',
    "XML with DOCTYPE": b'<!DOCTYPE x [<!ENTITY e "boo">]><x>&e;</x>',
}


@pytest.mark.parametrize("fault", FOREIGN)
def test_200_with_a_foreign_body_is_in_doubt(send, fault):
    error = send([answer(FOREIGN[fault])])
    assert type(error) is InDoubt
    assert "nobody knows" in error.message


def test_new_fields_and_another_charset_are_taken(send):
    body = '{"id": "<a@mg.example.org>", "message": "Sat i kø", "new": {"a": [1]}}'
    assert (
        send([answer(body.encode("latin-1"), Content_Type="application/json; charset=iso-8859-1")])
        == "a@mg.example.org"
    )
    assert send([answer(b"\xef\xbb\xbf" + body.encode())]) == "a@mg.example.org"
    assert send([answer(gzip.compress(body.encode()), Content_Encoding="gzip")]) == "a@mg.example.org"


# the exchange breaks ------------------------------------------------------------------------------

BROKEN = {
    "RST before it was read": [UNREAD, RESET],
    "FIN before it was read": [UNREAD, CLOSE],
    "RST after it was read": [RESET],
    "FIN after it was read": [CLOSE],
    "cut JSON with its length": [OK_HEAD + b"Content-Length: 100\r\n\r\n" + QUEUED[:40], CLOSE],
    "reset in the middle": [OK_HEAD + b"Content-Length: 100\r\n\r\n" + QUEUED[:40], RESET],
    "cut chunk": [OK_HEAD + b"Transfer-Encoding: chunked\r\n\r\nff\r\n" + QUEUED[:40], CLOSE],
    "headers cut": [b"HTTP/1.1 200 OK\r\nContent-Le", CLOSE],
    "gzip cut": [answer(gzip.compress(QUEUED * 9)[:30], Content_Encoding="gzip")],
    "not the gzip it claims": [answer(QUEUED, Content_Encoding="gzip")],
    "gzip bomb": [answer(gzip.compress(bytes(100_000_000), 1), Content_Encoding="gzip")],
    "more than 10 MB": [answer(b" " * 11_000_000 + QUEUED)],
    "cut without a length": [OK_HEAD + b"Connection: close\r\n\r\n" + QUEUED[:40], CLOSE],
}
SLOW = {
    "hang before it is read": [UNREAD, HANG],
    "hang after it was read": [HANG],
    "slow headers": [OK_HEAD, drip(b"X-Slow: 1\r\n")],
    "slow body": [OK_HEAD + b"Content-Length: 1000000\r\n\r\n", drip(b" ")],
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_exchange_is_in_doubt(send, fault):
    assert type(send(BROKEN[fault])) is InDoubt


@pytest.mark.parametrize("fault", SLOW)
def test_a_slow_one_ends_at_the_deadline_in_doubt(send, fault):
    assert type(send(SLOW[fault], timeout_s=WAIT_S)) is InDoubt


def test_an_upload_that_is_sipped_ends_at_the_deadline_in_doubt(send):
    big = Mail(MAIL.to, "x", "x" * 17_000_000, "")
    assert type(send([UNREAD, SIP], timeout_s=WAIT_S, mail=big)) is InDoubt


def test_without_a_connection_nothing_left():
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))  # held, and never listened to
        mailgun = mailgun_at(f"http://127.0.0.1:{deaf.getsockname()[1]}")
        with pytest.raises(Unavailable, match="no connection") as caught:
            mailgun.send(MAIL, key="k")
        mailgun.close()
    assert type(caught.value) is Unavailable


def test_without_an_address_of_the_host_nothing_left(monkeypatch):
    def no_name(*args, **kwargs):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", no_name)
    mailgun = mailgun_at("https://api.mailgun.example.org")
    with pytest.raises(Unavailable, match="no connection") as caught:
        mailgun.send(MAIL, key="k")
    mailgun.close()
    assert type(caught.value) is Unavailable


@pytest.mark.parametrize(
    "script",
    [said("to: aase.oestergaard@example.org", status=status) for status in (400, 401, 403, 404, 413, 429, 500)]
    + [[answer(b'{"to": "aase.oestergaard@example.org"}')], [RESET]],
)
def test_no_message_names_the_recipient(send, script):
    error = send(script)
    shown = f"{error.message} {error.hint} {error!r}".casefold()
    assert "@" not in shown
    assert "østergård" not in shown
