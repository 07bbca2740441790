"""What `check` finds out about Mailgun: key, domain and region, who writes, and every mail text."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from integrator.checks import exit_code, run_checks
from integrator.home import Home
from integrator.runtime.stopping import Stopper
from integrator.standins.mailgun import KEY
from test_checks import NOW, Checked, checked, edit
from world import World, world

KEY_OR_REGION = "→ mend [mailgun] api_key (if it may only send: events_key) or the region in base_url"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A home with Mailgun; a repeated read does not wait."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(Stopper, "sleep", lambda self, seconds: None)
    for name in ("MACONOMY_AUTH", "WORDPRESS_PASSWORD", "MAILGUN_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    with world(tmp_path / "home") as made:
        made.configure(mailgun=True)
        yield made


def alone(here: World) -> Checked:
    return checked(here, "mailgun")


def template(here: World, name: str, text: str) -> None:
    (here.home / "config" / "templates" / name).write_text(text, encoding="utf-8")


def test_it_stands_behind_the_others_and_says_what_was_proved(here: World) -> None:
    found = checked(here)
    assert list(found.states())[-1] == "mailgun"
    [line] = found.of("mailgun", "ok")
    assert line.startswith("answers, and lets our key read the events of mg.example.org; ")
    assert found.findings["mailgun"].state == "ok"
    assert found.findings["configuration"].facts["systems"] == ["maconomy", "wordpress", "mailgun"]


def test_one_event_is_read_and_nothing_is_sent(here: World) -> None:
    assert alone(here).code == 0
    assert [(row["method"], row["path"]) for row in here.mailgun.entries()] == [("GET", "/v3/mg.example.org/events")]
    assert here.mails() == []


def test_alone_it_asks_nobody_else_and_needs_no_other_secret(here: World) -> None:
    secrets = (here.home / ".env").read_text("utf-8").splitlines()
    (here.home / ".env").write_text(next(line for line in secrets if line.startswith("MAILGUN")) + "\n", "utf-8")
    found = alone(here)
    assert (found.code, list(found.states())) == (0, ["configuration", "mailgun"])
    assert here.maconomy.entries() == here.wordpress.entries() == []


@pytest.mark.parametrize("kind", ["text", "json"])
def test_a_wrong_key_may_be_a_wrong_region_and_is_not_shown(here: World, kind: str) -> None:
    here.mailgun.seed({"keys": {"another": "account"}, "forbidden": kind})
    found = alone(here)
    assert found.code == 1
    [problem] = found.of("mailgun", "problem")
    assert problem.startswith("look at the events: answered 401: our login is not accepted, or may not do this; mails ")
    assert KEY_OR_REGION in problem
    assert KEY not in str(found.findings["mailgun"].as_json())


def test_a_key_that_may_only_send_is_told_to_have_another_beside_it(here: World) -> None:
    here.mailgun.seed({"keys": {KEY: "sending", "events-secret": "account"}})
    found = alone(here)
    assert found.code == 1
    assert "events_key" in found.of("mailgun", "problem")[0]
    here.configure(mailgun=True, mailgun_extra='events_key = { env = "MAILGUN_EVENTS_KEY" }')
    with (here.home / ".env").open("a", encoding="utf-8") as file:
        file.write("MAILGUN_EVENTS_KEY=events-secret\n")
    assert alone(here).code == 0


def test_a_domain_that_is_not_there_is_told(here: World) -> None:
    edit(here, "config/integrator.toml", 'domain = "mg.example.org"', 'domain = "news.example.org"')
    found = alone(here)
    assert found.code == 1
    assert "answered 404" in found.of("mailgun", "problem")[0]
    assert "is [mailgun] domain right, and base_url of its region?" in found.of("mailgun", "problem")[0]


def test_a_domain_that_is_none_is_told_and_not_tried(here: World) -> None:
    edit(here, "config/integrator.toml", 'domain = "mg.example.org"', 'domain = "https://mg.example.org/"')
    found = alone(here)
    assert found.code == 78
    assert "[mailgun] domain: expected a domain such as" in found.of("mailgun", "problem")[0]
    assert here.mailgun.entries() == []


def test_mailgun_down_does_not_hide_the_others_nor_what_is_wrong_here(here: World) -> None:
    here.servers[2].stop()
    here.configure(mailgun=True, mailgun_extra="test_mode = true")
    found = checked(here)
    assert (found.code, found.states()["maconomy"], found.states()["wordpress"]) == (75, "ok", "note")
    [problem] = found.of("mailgun", "problem")
    assert problem.startswith("look at the events: no connection (")
    assert "is it up, and is [mailgun] base_url right?" in problem
    assert "test_mode = true" in found.of("mailgun", "note")[0]


def test_events_of_another_shape_are_a_problem(here: World) -> None:
    here.servers[2].faults.add({"match": {"path": "/v3/.*"}, "fault": {"kind": "body", "what": "login"}})
    found = alone(here)
    assert (found.code, found.states()["mailgun"]) == (1, "problem")


# --- settings


@pytest.mark.parametrize(
    "sender", ["Kurser", "Kurser, ILI <kurser@mg.example.org>", "kurser@", "Åse <åse@mg.example.org>", "<kurser@mg>"]
)
def test_a_sender_nobody_can_read_is_a_problem(here: World, sender: str) -> None:
    edit(here, "config/integrator.toml", "Kurser <kurser@mg.example.org>", sender)
    found = alone(here)
    assert found.code == 78
    assert found.of("mailgun", "problem")[0].startswith("no mail can be sent: from has no address that can be read → ")


@pytest.mark.parametrize(
    ("sender", "told"),
    [
        ("kurser@mg.example.org", False),
        ("Kurser, ILI", False),
        ("KURSER@MG.example.ORG", False),
        ("kurser@example.org", True),
        ("kurser@other.example.org", True),
        ("kurser@xmg.example.org", True),
    ],
)
def test_a_sender_of_another_domain_is_a_note(here: World, sender: str, told: bool) -> None:
    sender = r"\"Kurser, ILI\" <kurser@mg.example.org>" if " " in sender else sender
    edit(here, "config/integrator.toml", "Kurser <kurser@mg.example.org>", sender)
    found = alone(here)
    assert found.code == 0
    assert any("DMARC" in note for note in found.of("mailgun", "note")) == told


def test_where_answers_go_can_be_wrong_too(here: World) -> None:
    here.configure(mailgun=True, mailgun_extra='reply_to = "kontoret"')
    assert alone(here).of("mailgun", "problem")[0].startswith("answers go nowhere: reply_to has no address")
    here.configure(mailgun=True, mailgun_extra='reply_to = "kontoret@example.org"')
    assert alone(here).states()["mailgun"] == "ok"


def test_test_mode_is_a_note(here: World) -> None:
    here.configure(mailgun=True, mailgun_extra="test_mode = true")
    found = alone(here)
    assert (found.code, len(found.of("mailgun", "note"))) == (0, 1)
    assert "nobody gets any" in found.of("mailgun", "note")[0]


@pytest.mark.parametrize(("settle_s", "told"), [("1799", True), ("1800", False), ("3600", False)])
def test_a_wait_shorter_than_events_take_is_a_note(here: World, settle_s: str, told: bool) -> None:
    here.configure(mailgun=True, mailgun_extra=f"settle_s = {settle_s}")
    found = alone(here)
    assert found.code == 0
    assert found.of("mailgun", "note") == (
        [
            "settle_s = 1799: Mailgun tells of a mail up to half an hour late, so that one it took may be sent again"
            " → [mailgun] settle_s: 1800 or more"
        ]
        if told
        else []
    )


# --- mail texts


def test_a_broken_text_is_a_problem_with_file_and_line(here: World) -> None:
    template(here, "participant-list.da.txt", "Subject: Deltagere\n\nHej {{ to.nmae }}\n")
    template(here, "confirmation-customer.en.html", "<p>{% if %}</p>")
    found = alone(here)
    assert found.code == 78
    first, second = found.of("mailgun", "problem")
    assert first.startswith("config/templates/confirmation-customer.en.html:1: ")
    assert second.startswith("config/templates/participant-list.da.txt:3: ")
    assert all("such mails wait → mend it, or delete the file" in problem for problem in (first, second))
    assert len(found.of("mailgun", "ok")) == 1


def test_a_text_nobody_uses_is_a_note(here: World) -> None:
    template(here, "confirmation-costumer.da.txt", "Subject: x\n\n")
    found = alone(here)
    assert found.code == 0
    assert found.of("mailgun", "note") == [
        "no mail is made of config/templates/confirmation-costumer.da.txt → a slip in the name?"
        " config/templates/README.md has the names"
    ]


# --- the command


def test_the_command_knows_it(here: World) -> None:
    result = here.run("check", "mailgun")
    assert result.code == 0
    assert "mailgun        ok       answers, and lets our key read the events of" in result.out
    assert here.run("check", "mailgun", "--json").json["checks"][1]["facts"]["domain"] == "mg.example.org"
    assert here.run("check", "mailgun", "--fields").code == 2


def test_switched_off_it_is_left_out_and_told_when_asked_for(here: World) -> None:
    here.configure()
    assert "mailgun" not in checked(here).findings
    findings = list(run_checks(Home(here.home), now=NOW, system="mailgun"))
    assert exit_code(findings) == 78
    assert findings[-1].lines[0].what == "switched off: config/integrator.toml has no [mailgun]"
