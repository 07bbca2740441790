"""send-participants on the sample catalogue: what its tests ask for, and what they look at."""

import base64
import io
import os
import zipfile
from datetime import datetime
from typing import Any
from unittest.mock import patch
from xml.etree import ElementTree

from integrator.home import Home
from integrator.jobs.send_participants import Asked, send_participants
from integrator.runner import Options, run_job
from integrator.runtime.report import Report
from world import World

THE_DAY_BEFORE = ("--date", "2027-02-28")  # 25172-04 meets on March 1, 2 and 3; it has two trainers
CLASS = "25172-04"
ASE, JORGEN = "aase.oestergaard@example.org", "joergen.kjaer@example.org"
LIST = {"method": "GET", "path": f"/api/participant/{CLASS}"}
POST = {"method": "POST", "path": "/v3/.*/messages"}
_CELL = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def ready(here: World, **options: Any) -> None:
    """The catalogue is in the store and on the site, Mailgun is switched on, and nothing was asked yet."""
    here.configure(mailgun=True, **options)
    assert here.run("import-courses").code == 0
    here.forget_requests()


def send(here: World, *options: str) -> Any:
    """One run for the sample class; its report."""
    return here.run("send-participants", *THE_DAY_BEFORE, "--json", *options).json


def mails(here: World) -> list[dict[str, Any]]:
    return list(here.mailgun.state()["mails"])


def recipients(here: World) -> list[str]:
    """Who got a mail, in that order; a mail to several at once would fail the test."""
    assert all(len(mail["to"]) == 1 and not mail["cc"] + mail["bcc"] for mail in mails(here))
    return [mail["to"][0] for mail in mails(here)]


def set_people(here: World, *people: dict[str, str], class_id: str = CLASS, **course: Any) -> None:
    """Maconomy lists these and no others; its courses are the samples, but for these fields of the class."""
    listed = {class_id: [_person(number, **one) for number, one in enumerate(people)]}
    here.maconomy.seed({"records": {"participant": listed}, "set": {class_id: course}})


def _person(number: int, **facts: str) -> dict[str, str]:
    plain = {
        "firstName": "Bo",
        "lastName": f"Krag{number}",
        "email": f"bo{number}@example.org",
        "company": "Blåbær ApS",
    }
    return {
        "participantId": f"9{number}",
        "jobTitle": "",
        "status": "Tilmeldt",
        "externalReference": "",
        **plain,
        **facts,
    }


def set_course(here: World, class_id: str = CLASS, **fields: Any) -> None:
    here.maconomy.seed({"set": {class_id: fields}})
    assert here.run("import-courses").code == 0
    here.forget_requests()


def trainer(mail: str | None, name: str = "Ida Lind") -> dict[str, str]:
    return {"initials": "XX", "name": name, "email": mail or ""}


def sheet(mail: dict[str, Any]) -> list[list[str]]:
    """The attached spreadsheet, row by row. A formula or a link in it fails the test."""
    [file] = mail["attachments"]
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(file["content"]))) as book:
        texts = ["".join(item.itertext()) for item in ElementTree.fromstring(book.read("xl/sharedStrings.xml"))]
        page = ElementTree.fromstring(book.read("xl/worksheets/sheet1.xml"))
    assert not list(page.iter(f"{_CELL}f"))
    assert not list(page.iter(f"{_CELL}hyperlink"))
    return [[texts[int(value.text or "")] for value in row.iter(f"{_CELL}v")] for row in page.iter(f"{_CELL}row")]


def pass_time(here: World) -> None:
    """Let the time pass that a message waits, and that a lost mail may still show in the events."""
    with here.store() as db:
        db.write(
            "UPDATE outbox SET next_at = 0, sent_at = sent_at - 3600, uncertain_since = uncertain_since - 3600"
            " WHERE state IN ('received', 'processing')"
        )


def aside(here: World) -> list[tuple[str, str]]:
    """What waits for a person because nobody has an address."""
    return here.rows("SELECT key, code FROM set_aside WHERE kind = 'trainer' ORDER BY key")  # type: ignore[return-value]


def go(
    here: World, *, at: str = "2027-02-28T07:00:00+01:00", sender: Any = None, maconomy: Any = None, **asked: Any
) -> Report:
    """The same story at a moment of our choice, with another system in the place of one."""

    def story(run: Any, wiring: Any) -> None:
        send_participants(
            run,
            maconomy or wiring.maconomy(),
            wiring.wordpress(),
            sender or (wiring.mails(resends=True) if wiring.has_mailgun else None),
            key=wiring.hashing_key(keep=True),
            missing_limit=wiring.missing_runs,
            asked=Asked(**asked),
        )

    clock = datetime.fromisoformat(at).timestamp()
    with patch.dict(os.environ, {"INTEGRATOR_HOME": str(here.home), "PATH": os.environ["PATH"]}, clear=True):
        return run_job(
            "send-participants",
            story,
            needs=("maconomy", "wordpress", "mailgun", "monitor"),
            options=Options(clock=lambda: clock),
            home=Home(here.home),
        )
