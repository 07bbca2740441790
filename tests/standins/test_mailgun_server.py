"""The Mailgun stand-in as others meet it: real clients, faults on the way, and a person who looks at the mails."""

import base64
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from integrator.standins.base import Running, serve
from integrator.standins.mailgun import KEY, Mailgun

from .mailgun_client import EVENTS, FORM, MESSAGES, Post, sample

ICS = "BEGIN:VCALENDAR\r\nSUMMARY:Projektledelse på Ærø\r\nEND:VCALENDAR\r\n".encode()


@pytest.fixture
def running() -> Iterator[Running]:
    with serve(Mailgun()) as served:
        yield served


@pytest.fixture
def client(running: Running) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=running.url, auth=("api", KEY), trust_env=False, timeout=300) as made:
        yield made


def _stage(running: Running, **fault: Any) -> None:
    rule = {"match": {"method": "POST"}, "times": 1, "fault": fault}
    httpx.post(f"{running.control_url}/faults", json=rule, trust_env=False).raise_for_status()


def _mails(running: Running) -> list[dict[str, Any]]:
    return list(httpx.get(f"{running.control_url}/state", trust_env=False).json()["mails"])


# Clients


def test_httpx_posts_danish_names_and_files_byte_for_byte(client: httpx.Client, running: Running) -> None:
    content = bytes(range(256)) * 400
    form = {**FORM, "to": '"Østergård, Åse" <aase@example.org>', "o:tag": ["order-confirmation", "course-25172-04"]}
    files = [
        ("attachment", ("deltagere på Ærø.xlsx", content, "application/octet-stream")),
        ("attachment", ("kursus.ics", ICS, "text/calendar; charset=utf-8; method=PUBLISH")),
    ]
    answer = client.post(MESSAGES, data={**form, "text": "Kære Åse\r\n\r\nHej ☺"}, files=files)
    (mail,) = _mails(running)

    assert answer.json() == {"id": f"<{mail['id']}>", "message": "Queued. Thank you."}
    assert mail["headers"]["To"] == form["to"]
    assert (mail["text"], mail["tags"]) == ("Kære Åse\r\n\r\nHej ☺", form["o:tag"])
    assert [(one["filename"], base64.b64decode(one["content"])) for one in mail["attachments"]] == [
        ("deltagere på Ærø.xlsx", content),
        ("kursus.ics", ICS),
    ]
    assert mail["attachments"][1]["content_type"] == "text/calendar; charset=utf-8; method=PUBLISH"


def test_the_pages_of_events_can_be_followed_by_their_addresses(client: httpx.Client) -> None:
    for _ in range(3):
        client.post(MESSAGES, data=FORM)
    page, ids = client.get(EVENTS, params={"ascending": "yes", "limit": 4}).json(), []
    while page["items"]:
        ids += [event["id"] for event in page["items"]]
        page = client.get(page["paging"]["next"]).json()

    assert len(ids) == len(set(ids)) == 6


def test_the_clock_of_the_machine_hides_nothing_that_has_happened(client: httpx.Client) -> None:
    client.post(MESSAGES, data=FORM)
    found = client.get(EVENTS, params={"ascending": "yes"}).json()["items"]
    assert [event["event"] for event in found] == ["accepted", "delivered"]


def test_the_command_serves_it() -> None:
    command = [sys.executable, "-m", "integrator", "standin", "mailgun"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            ready = json.loads(process.stdout.readline())
            answer = httpx.post(ready["url"] + MESSAGES, data=FORM, auth=("api", KEY), trust_env=False)
            assert (ready["name"], answer.status_code) == ("mailgun", 200)
        finally:
            process.terminate()


def test_senders_at_once_make_a_mail_each(client: httpx.Client, running: Running) -> None:
    with ThreadPoolExecutor(8) as pool:
        ids = set(pool.map(lambda _: client.post(MESSAGES, data=FORM).json()["id"], range(40)))

    assert len(ids) == len(_mails(running)) == len(running.standin.effects()) == 40


# Faults


@pytest.mark.parametrize(
    ("fault", "mails"),
    [
        ({"kind": "status", "status": 500}, 0),
        ({"kind": "status", "status": 500, "when": "after"}, 1),
        ({"kind": "status", "status": 504, "when": "after"}, 1),
        ({"kind": "reset"}, 1),
        ({"kind": "reset", "when": "before"}, 0),
        ({"kind": "close"}, 1),
        ({"kind": "cut"}, 1),
        ({"kind": "body", "what": "login", "when": "after"}, 1),
        ({"kind": "twice"}, 2),
        ({"kind": "hang", "seconds": 0.01}, 1),
        ({"kind": "hang", "when": "after", "seconds": 0.01}, 1),
    ],
)
def test_a_fault_leaves_as_many_mails_as_effects(
    client: httpx.Client, running: Running, fault: dict[str, Any], mails: int
) -> None:
    _stage(running, **fault)
    try:
        answered = client.post(MESSAGES, data=FORM).text
    except httpx.TransportError:
        answered = ""
    effects = running.standin.effects()

    assert len(_mails(running)) == len(effects) == mails
    assert [effect["id"] for effect in effects] == [mail["id"] for mail in _mails(running)]
    assert (fault["kind"] in {"twice", "hang"}) == ("Queued" in answered)


def test_the_500_of_the_sample_is_a_fault_after_which_the_mail_is_there(client: httpx.Client, running: Running) -> None:
    expected = sample("03-errors")["answers"][-1]
    _stage(running, kind="status", status=expected["status"], body=expected["json"], when="after")

    answer = client.post(MESSAGES, data=FORM)
    assert (answer.status_code, answer.json()) == (500, {"message": "Internal Server Error"})
    (found,) = client.get(EVENTS, params={"ascending": "yes", "event": "accepted"}).json()["items"]
    assert found["user-variables"] == {"ili-key": FORM["v:ili-key"]}


def test_the_control_port_seeds_and_resets(client: httpx.Client, running: Running) -> None:
    seed = httpx.post(f"{running.control_url}/seed", json={"disabled": True}, trust_env=False)
    assert (seed.status_code, client.post(MESSAGES, data=FORM).status_code) == (200, 403)
    assert httpx.post(f"{running.control_url}/seed", json={"nope": 1}, trust_env=False).status_code == 400
    httpx.post(f"{running.control_url}/reset", trust_env=False)
    assert client.post(MESSAGES, data=FORM).status_code == 200


# The page


def _looked_at(post: Post, path: str) -> str:
    answer = post.ask("GET", path, key=None)
    assert (answer.status, answer.content_type) == (200, "text/html; charset=utf-8")
    return answer.encoded().decode()


def test_the_list_shows_the_newest_first_with_what_became_of_each() -> None:
    post = Post(bouncing=["findes.ikke@example.org"], deferring=["bo@example.org"], retry_s=600)
    assert "No mail has been sent yet." in _looked_at(post, "/")
    for to in ('"Østergård, Åse" <aase@example.org>', "findes.ikke@example.org", "bo@example.org"):
        post.send({"to": to, "subject": f"Til {to}", "o:tag": "order-confirmation"})
    text = _looked_at(post, "/")
    rows = re.findall(r"<li>.*?</li>", text)

    assert [re.search(r"(?:delivered|failed)[^<]*", row)[0] for row in rows] == [
        "failed, temporary",
        "failed, permanent",
        "delivered",
    ]
    assert "&quot;Østergård, Åse&quot; &lt;aase@example.org&gt;" in rows[2]
    assert all("28.2.2027 07:00:03" in row and "order-confirmation" in row for row in rows)
    post.go_on(600)
    assert "failed, temporary" not in _looked_at(post, "/")


def test_a_mail_shows_its_headers_text_html_events_and_files() -> None:
    post = Post()
    form = [*FORM.items(), ("html", "<p>Kære <b>Åse</b></p>"), ("h:Reply-To", "kursus@example.org")]
    form += [("bcc", "eva@example.org"), ("o:tracking", "no")]
    xlsx = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    files = [
        ("attachment", ("kursus.ics", ICS, "text/calendar; charset=utf-8")),
        ("attachment", ("På Ærø.xlsx", b"PK\x03\x04" + bytes(5000), xlsx)),
    ]
    post.send_files(form, files)
    text = _looked_at(post, "/mails/1")

    for shown in (
        "Kære Åse</pre>",
        "kursus@example.org",
        "eva@example.org",
        "<dt>o:tracking</dt><dd>no</dd>",
        "order-confirmation:10001:customer",
        "250 · OK",
        "SUMMARY:Projektledelse på Ærø",
        "På Ærø.xlsx",
        "4.9 kB",
    ):
        assert shown in text, shown
    assert "PK\x03" not in text
    assert '<iframe sandbox src="/mails/1/html"' in text
    assert _looked_at(post, "/mails/1/html") == "<p>Kære <b>Åse</b></p>"


def test_files_can_be_fetched_as_they_were_sent() -> None:
    post = Post()
    post.send_files(list(FORM.items()), [("attachment", ("På Ærø.bin", b"\x00\xff\r\n", "application/octet-stream"))])
    answer = post.ask("GET", "/mails/1/attachments/1", key=None)

    assert (answer.body, answer.content_type) == (b"\x00\xff\r\n", "application/octet-stream")
    assert answer.headers["Content-Disposition"] == "attachment; filename*=UTF-8''P%C3%A5%20%C3%86r%C3%B8.bin"


SCRIPT = "<script>alert('ø')</script>"


def test_nothing_of_a_mail_becomes_markup_of_the_page() -> None:
    post = Post()
    given = {
        "subject": SCRIPT,
        "text": SCRIPT,
        "html": SCRIPT,
        "h:X-Note": SCRIPT,
        "v:note": SCRIPT,
        "o:tag": SCRIPT[:8],
    }
    form = [*{**FORM, **given}.items(), ("cc", f'"{SCRIPT}" <bo@example.org>')]
    post.send_files(form, [("attachment", (f"{SCRIPT}.txt", SCRIPT.encode(), "text/<script>"))])

    for path in ("/", "/mails/1"):
        text = _looked_at(post, path)
        assert "<script" not in text
        assert "&lt;script&gt;" in text
    # The text part, the HTML's source, the header, the file's content: each seen as what it is.
    assert _looked_at(post, "/mails/1").count("&lt;script&gt;alert(&#x27;ø&#x27;)&lt;/script&gt;") >= 6


def test_the_html_of_a_mail_may_do_nothing_even_when_it_is_opened_alone() -> None:
    post = Post()
    post.send({"html": SCRIPT})

    policy = post.ask("GET", "/mails/1/html", key=None).headers["Content-Security-Policy"]
    assert policy.startswith("sandbox; default-src 'none'")
    assert "script" not in post.ask("GET", "/mails/1", key=None).headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "path", ["/mails", "/mails/", "/mails/2", "/mails/x", "/mails/²", "/mails/1/attachments/1", "/mails/1/x", "/x"]
)
def test_what_is_not_there_is_a_404(path: str) -> None:
    post = Post()
    post.send()
    assert post.ask("GET", path, key=None).status == 404


def test_looking_changes_nothing_and_needs_no_key(client: httpx.Client, running: Running) -> None:
    client.post(MESSAGES, data=FORM)
    looked = httpx.get(running.url, trust_env=False)

    assert looked.headers["content-type"] == "text/html; charset=utf-8"
    assert "Tilmelding" in looked.text
    assert len(running.standin.effects()) == 1
