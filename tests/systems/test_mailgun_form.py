"""What a mail looks like when it leaves for Mailgun: one recipient, headers of one line, no tracking, ASCII names."""

import json
from email import message_from_bytes
from email.utils import getaddresses, parseaddr
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integrator.domain.mails import Address, Attachment, Mail
from integrator.errors import BadRecord, ConfigError, Rejected
from integrator.systems.http import Http
from integrator.systems.mailgun import Mailgun
from integrator.systems.mailgun.form import ascii_address, clean, mailbox
from rawserver import RawServer, answer

SAMPLE = json.loads(
    (Path(__file__).parents[1] / "samples/mailgun/01-send-participant-list.json").read_text(encoding="utf-8")
)
QUEUED = answer(json.dumps(SAMPLE["response"]["json"]).encode(), Content_Type="application/json")
KEY = "participant-list:25172-04:2027-02-28:7"
FROM = "Kursussekretariatet <kurser@mg.example.org>"


def mail(**more):
    values = {
        "to": Address("aase.oestergaard@example.org", "Østergård, Åse"),
        "subject": "Deltagerliste: Projektledelse i praksis, 1.-3. marts 2027 (25172-04)",
        "text": "Hej Åse\n\nVedhæftet er deltagerlisten …",
        "html": "<p>Hej Åse</p><p>Vedhæftet er deltagerlisten …</p>",
        "attachments": (Attachment("deltagerliste-25172-04.csv", "text/csv; charset=utf-8", b"x" * 812),),
        "tags": ("participant-list", "course-25172-04"),
        "deliver_within": "12h",
    }
    return Mail(**{**values, **more})


def parts_of(request):
    """[(name, filename, content type, content)] of a request's multipart body, in order."""
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
    found = []
    for part in message_from_bytes(head + request.body).get_payload():
        name = part.get_param("name", header="content-disposition")
        found.append((name, part.get_filename(), part.get("content-type"), part.get_payload(decode=True)))
    return found


def left(message=None, *, key=KEY, **more):
    """What arrives of a mail: (the request, its fields)."""
    with RawServer([QUEUED]) as server:
        http = Http(system="mailgun", base_url=server.url, auth=("api", "nøgle"), user_agent="t", timeout_s=5.0)
        Mailgun(http, **{"domain": "mg.example.org", "from_": FROM, **more}).send(message or mail(), key=key)
        http.close()
    [request] = server.requests
    return request, parts_of(request)


def values(parts, name):
    return [content.decode() for field, _, _, content in parts if field == name]


def test_the_mail_of_the_sample_leaves_as_the_sample_says():
    request, parts = left(reply_to="kursus@example.org", test_mode=True)
    assert (request.method, request.target) == ("POST", "/v3/mg.example.org/messages")
    assert request.headers["content-type"].startswith("multipart/form-data; boundary=")
    ours = [[name, content.decode()] for name, filename, _, content in parts if filename is None]
    wanted = [field for field in SAMPLE["request"]["form"] if field[0] != "attachment"]
    assert sorted(field for field in ours if field in wanted) == sorted(wanted)
    assert [field for field in ours if field not in wanted] == [["o:tracking-clicks", "no"], ["o:tracking-opens", "no"]]
    [(_, filename, content_type, content)] = [part for part in parts if part[0] == "attachment"]
    sample = SAMPLE["request"]["form"][-1][1]
    assert (filename, content_type, len(content)) == (sample["filename"], sample["content_type"], sample["size"])


def test_a_plain_mail_is_multipart_too_and_says_nothing_that_was_not_asked():
    request, parts = left(mail(attachments=(), tags=(), deliver_within=None, to=Address("a@example.org")))
    assert request.headers["content-type"].startswith("multipart/form-data; boundary=")
    names = [name for name, *_ in parts]
    assert {"o:tag", "o:deliver-within", "o:testmode", "h:Reply-To", "attachment"}.isdisjoint(names)
    assert values(parts, "to") == ["a@example.org"]
    for name in ("o:tracking", "o:tracking-clicks", "o:tracking-opens"):
        assert values(parts, name) == ["no"]
    assert values(parts, "o:require-tls") == ["yes"]


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("Østergård, Åse", '"Østergård, Åse"'),
        ("Åse Østergård", "Åse Østergård"),
        ("A\u030ase Østerga\u030ard", "A\u030ase Østerga\u030ard"),
        ("Anne-Marie O'Neill", "Anne-Marie O'Neill"),
        ('Jens "Jesse" Bæk', '"Jens \\"Jesse\\" Bæk"'),
        ("a\\", '"a\\\\"'),
        ("x@y.example.org", '"x@y.example.org"'),
        ("Kurser <alle@example.org>", '"Kurser <alle@example.org>"'),
        ("Åse\r\nBcc: alle@example.org", '"Åse Bcc: alle@example.org"'),
        ("A. Lund\x00\x0b\x85\u2028(chef); 張", '"A. Lund (chef); 張"'),
        ("\r\n", None),
        ("", None),
    ],
)
def test_a_name_stays_one_name_of_one_recipient(name, written):
    to = mailbox(Address("aase@example.org", name))
    assert to == (f"{written} <aase@example.org>" if written else "aase@example.org")
    assert [address for _, address in getaddresses([to])] == ["aase@example.org"]


@settings(deadline=None)
@given(name=st.text(max_size=60))
def test_whatever_the_name_there_is_one_line_and_one_recipient(name):
    to = mailbox(Address("aase@example.org", name))
    assert len(to.splitlines()) == 1
    assert [address for _, address in getaddresses([to])] == ["aase@example.org"]
    assert parseaddr(to)[0].split() == clean(name).split()


@pytest.mark.parametrize("field", ["subject", "to", "tag", "deliver_within", "from", "reply_to", "key", "content_type"])
def test_no_header_gets_a_second_line(field):
    evil = "x\r\nBcc: alle@example.org\n\n<b>"
    more = {
        "subject": {"subject": evil},
        "to": {"to": Address("aase@example.org", evil)},
        "tag": {"tags": (evil,)},
        "deliver_within": {"deliver_within": evil},
        "content_type": {"attachments": (Attachment("a.csv", evil, b"1"),)},
    }.get(field, {})
    office = {"from": {"from_": evil}, "reply_to": {"reply_to": evil}}.get(field, {})
    _, parts = left(mail(**more), key=evil if field == "key" else KEY, **office)
    for name, _, content_type, content in parts:
        assert name in ("text", "html", "attachment") or len(content.decode().splitlines()) == 1
        assert len((content_type or "").splitlines()) <= 1
    assert "bcc" not in [name.lower() for name, *_ in parts]
    assert len(values(parts, "to")) == 1


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("deltagerliste-25172-04.xlsx", "deltagerliste-25172-04.xlsx"),
        ("Deltagerliste Århus & Køge.xlsx", "Deltagerliste Aarhus _ Koege.xlsx"),
        ('a"b\r\nc.csv', "a_b_c.csv"),
        ("../../etc/passwd", "attachment.._.._etc_passwd"),
        ("張", "attachment"),
        ("張.csv", "attachment.csv"),
    ],
)
def test_names_of_files_are_ascii(name, written):
    _, parts = left(mail(attachments=(Attachment(name, "text/csv", b"1"),)))
    [filename] = [filename for field, filename, *_ in parts if field == "attachment"]
    assert filename == written
    assert filename.isascii()


@pytest.mark.parametrize(
    "address",
    ["", "aase", "aase@", "@example.org", "åse@example.org", "a b@example.org", "a@b", "a@exam ple.org",
     "a@-x.example.org", "a@example..org", "a,b@example.org", "a@example.org,b@example.org", "<a@example.org>",
     "a@example.org\r\nBcc: x@example.org", '"a b"@example.org', ".a@example.org", "a..b@example.org", "a@example.org>",
     "a" * 65 + "@example.org", "a@" + "x" * 64 + ".example.org"],
)  # fmt: skip
def test_an_address_no_mail_can_go_to_is_refused_before_anything_is_sent(address):
    with RawServer([QUEUED]) as server:
        http = Http(system="mailgun", base_url=server.url, user_agent="t", timeout_s=5.0)
        with pytest.raises(Rejected) as caught:
            Mailgun(http, domain="mg.example.org", from_=FROM).send(mail(to=Address(address)), key=KEY)
        http.close()
    assert server.requests == []
    assert "nothing was sent" in caught.value.message
    assert "@" not in caught.value.message


def test_a_domain_with_danish_letters_travels_in_ascii():
    assert ascii_address(" info@blåbær.example.org ") == "info@xn--blbr-roah.example.org"


def test_a_mail_without_subject_is_refused():
    with pytest.raises(Rejected, match="no subject"):
        left(mail(subject=" \r\n"))


def test_a_text_that_is_no_text_concerns_this_mail_only():
    with pytest.raises(BadRecord, match="nothing was sent"):
        left(mail(text="\ud800"))


def test_attachments_stay_below_the_limit():
    half = Attachment("a.bin", "application/octet-stream", b"x" * 9_000_000)
    with RawServer([QUEUED]) as server:
        http = Http(system="mailgun", base_url=server.url, user_agent="t", timeout_s=20.0)
        mailgun = Mailgun(http, domain="mg.example.org", from_=FROM)
        with pytest.raises(Rejected, match=r"over the limit of 18 MB; nothing was sent"):
            mailgun.send(mail(attachments=(half, half)), key=KEY)
        assert server.requests == []
        less = Attachment("b.bin", "application/octet-stream", b"y" * 8_900_000)
        assert mailgun.send(mail(attachments=(half, less)), key=KEY)
        http.close()
    assert [len(content) for name, _, _, content in parts_of(server.requests[0]) if name == "attachment"] == [
        9_000_000,
        8_900_000,
    ]


def test_the_key_goes_as_basic_auth_of_the_user_api():
    request, _ = left()
    assert request.headers["authorization"] == "Basic YXBpOm7DuGdsZQ=="


@pytest.mark.parametrize(
    "domain", ["", "mg", "mg.example.org/x", "../x", "mg.example.org?", "mg .example.org", "må.example.org"]
)
def test_a_domain_that_is_none_is_a_configuration_error(domain):
    http = Http(system="mailgun", base_url="https://api.eu.mailgun.net", user_agent="t")
    with pytest.raises(ConfigError, match=r"\[mailgun\] domain"):
        Mailgun(http, domain=domain, from_=FROM)
