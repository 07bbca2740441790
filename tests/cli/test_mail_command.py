"""`mail preview`: a mail in a file, for its owner alone."""

import email
import email.policy
import stat
from pathlib import Path
from typing import Any

import pytest
from operating import Run

from integrator.database import Database
from integrator.errors import NotFound
from integrator.mails.samples import sample
from integrator.store.orders import Orders


@pytest.fixture(autouse=True)
def _somewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "desk"
    folder.mkdir()
    monkeypatch.chdir(folder)


@pytest.fixture
def order(store: Database, monkeypatch: pytest.MonkeyPatch) -> int:
    """An order of which the store knows the sample's facts."""

    def mail_facts(self: Orders, order_id: int, template: str, participant: int | None = None) -> dict[str, Any]:
        if order_id != 10001 or participant not in (None, 1, 2):
            raise NotFound(f"there is no order {order_id}")
        facts = sample(template)
        if participant:
            facts["participants"] = [sample("confirmation-customer")["participants"][participant - 1]]
        return facts

    monkeypatch.setattr(Orders, "mail_facts", mail_facts)
    return 10001


def test_a_whole_message_is_written_for_its_owner_alone(run: Run, order: int) -> None:
    result = run("mail", "preview", "confirmation-customer", order)
    assert (result.code, result.out, result.err) == (0, "confirmation-customer-10001.eml\n", "")
    path = Path("confirmation-customer-10001.eml")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    assert message["Subject"] == "Ordrebekræftelse 10001: Projektledelse i praksis"
    assert message["To"] == "Åse Østergård <aase.oestergaard@example.org>"
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None
    assert html is not None
    assert "Hej Åse Østergård" in text.get_content()
    assert "Hej Åse Østergård" in html.get_content()
    (attachment,) = message.iter_attachments()
    assert attachment.get_filename() == "kursus-25172-04.ics"
    assert attachment.get_content_type() == "text/calendar"
    assert b"BEGIN:VEVENT" in attachment.get_payload(decode=True)


def test_the_ending_of_the_file_says_which_part(run: Run, order: int) -> None:
    assert run("mail", "preview", "confirmation-customer", order, "--file", "a.html").out == "a.html\n"
    assert run("mail", "preview", "confirmation-customer", order, "--file", "a.txt", "--language", "en").code == 0
    assert Path("a.html").read_text("utf-8").startswith("<!DOCTYPE html>")
    assert Path("a.txt").read_text("utf-8").startswith("Subject: Order confirmation 10001: ")


def test_a_participant_is_chosen_by_number(run: Run, order: int) -> None:
    assert run("mail", "preview", "confirmation-participant", order, "--participant", "2", "--file", "p.txt").code == 0
    assert "Hej Søren Kjærgaard-Ærø" in Path("p.txt").read_text("utf-8")


def test_a_file_that_is_there_stays_as_it_is(run: Run, order: int) -> None:
    Path("a.txt").write_text("mine")
    Path("link.txt").symlink_to("elsewhere.txt")
    for name in ("a.txt", "link.txt"):
        result = run("mail", "preview", "confirmation-customer", order, "--file", name)
        assert result.code == 2
        assert f"{name} is there already" in result.err
    assert Path("a.txt").read_text() == "mine"
    assert not Path("elsewhere.txt").exists()


@pytest.mark.parametrize("template", ["confirmation-customer", "confirmation-participant", "participant-list"])
def test_invented_people_need_no_store(run: Run, home: Path, template: str) -> None:
    assert run("mail", "preview", template, "sample").code == 0
    assert Path(f"{template}-sample.eml").exists()
    assert not (home / "var" / "integrator.db").exists()


def test_the_sender_is_the_configured_one(run: Run, home: Path) -> None:
    (home / "config" / "integrator.toml").write_text(
        '[mailgun]\nbase_url = "http://127.0.0.1:1"\ndomain = "mg.example.org"\napi_key = { env = "NONE" }\n'
        'from = "Kurser, Fjordby <kurser@example.org>"\n',
        encoding="utf-8",
    )
    assert run("mail", "preview", "participant-list", "sample").code == 0
    message = email.message_from_bytes(Path("participant-list-sample.eml").read_bytes(), policy=email.policy.default)
    assert message["From"] == '"Kurser, Fjordby" <kurser@example.org>'


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["confirmation-cat", "10001"], 2, "no such template"),
        (["confirmation-customer", "ten"], 2, "expected the number of an order, or sample"),
        (["confirmation-customer", "10001", "--file", "a.pdf"], 2, ".eml, .html, .txt"),
        (["confirmation-customer", "10001", "--language", "sv"], 2, "expected one of da, en"),
        (["confirmation-customer", "10001", "--participant", "1"], 2, "goes with confirmation-participant"),
        (["confirmation-participant", "sample", "--participant", "1"], 2, "the number of an order"),
        (["participant-list", "10001"], 2, "preview it with sample"),
        (["confirmation-customer", "10002"], 4, "there is no order 10002"),
        (["confirmation-customer", "9" * 30], 4, "there is no order"),
    ],
)
def test_what_cannot_be_shown_is_refused(run: Run, order: int, arguments: list[str], code: int, said: str) -> None:
    result = run("mail", "preview", *arguments)
    assert result.code == code
    assert said in result.err
    assert list(Path().iterdir()) == []


def test_without_a_store_there_is_no_order(run: Run) -> None:
    result = run("mail", "preview", "confirmation-customer", "10001")
    assert (result.code, "there is no order 10001" in result.err) == (4, True)


def test_a_broken_template_is_a_configuration_error(run: Run, home: Path) -> None:
    (home / "config" / "templates" / "participant-list.da.html").write_text("\n{{ nobody }}", encoding="utf-8")
    result = run("mail", "preview", "participant-list", "sample")
    assert result.code == 78
    assert "config/templates/participant-list.da.html:2: 'nobody' is undefined" in result.err
