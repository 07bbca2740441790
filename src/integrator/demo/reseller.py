"""Third part: a reseller sells our seats, asks for them through the gateway, and hears what became of its students."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from urllib.request import Request, build_opener

import typer

from integrator.demo.courses import CLASS
from integrator.demo.dates import first_day, moved
from integrator.demo.orders import FULL
from integrator.demo.stage import PORTAL_TOKEN, WEBSITE_KEY, Stage

COURSE = "25172"  # the one main course that it sells
BJORN = {
    "studentFirstName": "Bjørn",
    "studentLastName": "Ærlighaug",
    "studentEmailAddress": "bjorn.aerlighaug@example.org",
    "studentPhoneNumber": "4790000001",
    "studentBirthDate": "1988-11-30",
    "enrollerFirstName": "Åse",
    "enrollerLastName": "Øyhaug",
    "enrollerEmailAddress": "ase.oyhaug@example.org",
    "company": "Fjordvind Drift AS",
}
TURID = {"studentFirstName": "Turid", "studentLastName": "Åsen", "studentEmailAddress": "turid.aasen@example.org"}


def play(stage: Stage) -> None:
    stage.chapter("A reseller")
    _published(stage)
    with _gateway(stage) as address:
        bjorn = _a_seat_is_taken(stage, address)
        _who_it_is_for(stage, bjorn)
        _a_visitor_takes_one_too(stage, address)
        _one_is_cancelled(stage, address)
    _completed(stage, bjorn)


def _published(stage: Stage) -> None:
    stage.say("Trainingportal is to sell our classes. It takes NOK, EUR, USD and GBP only; nothing is converted.")
    stage.portal.seed({"courses": {COURSE: "Projektledelse i praksis"}})
    stage.command("publish-classes", expect=3)  # said once, as cron would mail it
    stage.claim("a price in DKK is not sold there", _classes(stage) == {})
    stage.say("Maconomy gets prices in NOK for two classes, and three more seats in one of them.")
    more = {"currency": "NOK", "status": "Åben", "maxParticipants": 20, "registeredParticipants": 17, "freeSeats": 3}
    stage.maconomy.seed({"set": {CLASS: {"currency": "NOK"}, FULL: more}})
    stage.command("import-courses", "-v")
    stage.command("publish-classes", "-v")
    seats = {key: found["availableSeats"] for key, found in _classes(stage).items()}
    stage.claim("both are sold there, with our free seats", seats == {CLASS: 4, FULL: 3})
    stage.row("classes → Trainingportal", "2 classes", "its own list")
    before = _changes(stage)
    stage.say("The same again: nothing differs, so nothing is written.")
    stage.command("publish-classes", "-v")
    stage.claim("a second run writes nothing there", _changes(stage) == before)


@contextmanager
def _gateway(stage: Stage) -> Iterator[str]:
    """The doorway, as `integrator gateway` serves it; a site has its own web server host it. Gives back its address."""
    stage.say("For others to call us there is a doorway. Here it is tried; a site's own web server hosts it.")
    typer.echo("\n$ integrator gateway --port 0")
    command = [sys.executable, "-m", "integrator", "gateway", "--port", "0"]
    with subprocess.Popen(command, env=stage.environ, cwd=stage.desk, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            said = process.stdout.readline()
            typer.echo(said, nl=False)
            yield said.split()[0] if said else ""
        finally:
            process.terminate()


def _a_seat_is_taken(stage: Stage, address: str) -> str:
    """Gives back the booking's reference."""
    stage.say("A student books at Trainingportal: it asks us for a seat. Its connection breaks, and it asks again.")
    url = f"{address}/trainingportal/{PORTAL_TOKEN}/reserve"
    wish = {"url": url, "class": FULL, **BJORN, "comment": "Trenger hørselvern", "purchase_order": "PO-2027-0088"}
    replies = stage.portal.seed({"reserve": wish | {"times": 2}})["reserve"]["replies"]
    for reply in replies:
        typer.echo(f"  │ {reply['status']} {reply['body']}")
    references = {reply["bookingReference"] for reply in replies}
    stage.claim("asked twice, it has one booking", len(references) == 1 and "" not in references)
    held = "SELECT sum(seats) FROM orders WHERE class_id = ? AND state = 'reserved'"
    stage.claim("one seat is held for it", stage.stored(held, FULL) == 1)
    stage.row("Trainingportal → a seat", "1 seat, asked for twice", "the order in the store")
    return str(references.pop())


def _who_it_is_for(stage: Stage, reference: str) -> None:
    stage.say("Who is it for? Trainingportal tells when we ask; then the student is registered like everybody else.")
    stage.command("confirm-bookings", "-v")
    stage.command("sync-orders", "-v")
    number = stage.stored("SELECT order_id FROM bookings WHERE reference = ?", reference)
    found = [(one["firstName"], one["lastName"]) for one in stage.registered(f"ILI-{number}-1")]
    stage.claim("Bjørn Ærlighaug is registered once", found == [("Bjørn", "Ærlighaug")])
    bought = stage.stored("SELECT purchase_order FROM orders WHERE id = ?", number)
    stage.claim("the purchase order number is kept for the invoice", bought == "PO-2027-0088")
    stage.claim("its reseller writes to him, not we", not stage.mails(f"order-confirmation:{number}:"))
    stage.row("bookings → Maconomy", "1 student", "looked up by reference")


def _a_visitor_takes_one_too(stage: Stage, address: str) -> None:
    stage.say("A visitor of our own website takes a seat of the same class, through the same doorway.")
    body = json.dumps({"class_id": FULL, "seats": 1}).encode()
    headers = {"Content-Type": "application/json", "X-Api-Key": WEBSITE_KEY, "Idempotency-Key": "visitor-5"}
    with build_opener().open(Request(f"{address}/api/orders", body, headers), timeout=30) as answer:  # noqa: S310
        typer.echo(f"  │ {answer.status} {answer.read().decode().strip()}")
    time.sleep(1.1)  # who was registered in the second of an import may be in its list or not, and counts twice
    stage.command("import-courses")
    stage.command("publish-classes", "-v")
    stage.claim("Trainingportal can sell one seat less", _classes(stage)[FULL]["availableSeats"] == 1)
    last = _changes(stage)[-1]
    stage.claim("no student had mail for that", (last["action"], last["send"]) == ("update", False))
    stage.row("sold seats → Trainingportal", "3 → 1 free seats", "its own list")


def _one_is_cancelled(stage: Stage, address: str) -> None:
    stage.say("Another student books the last seat there, and cancels at once; Trainingportal says so twice.")
    url = f"{address}/trainingportal/{PORTAL_TOKEN}/"
    [taken] = stage.portal.seed({"reserve": {"url": f"{url}reserve", "class": FULL, **TURID}})["reserve"]["replies"]
    turid = taken["bookingReference"]
    order = {"url": f"{url}cancel", "reference": turid, "times": 2}
    for reply in stage.portal.seed({"cancel": order})["cancel"]["replies"]:
        typer.echo(f"  │ {reply['status']} {reply['body']}")
    state = stage.stored("SELECT o.state FROM bookings b JOIN orders o ON o.id = order_id WHERE reference = ?", turid)
    stage.claim("her seat is free again", state == "cancelled")
    stage.row("a cancelled booking", "1 seat, free again", "the order in the store")


def _completed(stage: Stage, reference: str) -> None:
    stage.say("We do not wait: Maconomy now says that the class was held last year. Bjørn has passed.")
    old = moved(stage.classes[FULL], -timedelta(weeks=60))
    stage.maconomy.seed({"set": {FULL: {name: old[name] for name in ("startDate", "endDate", "courseDays")}}})
    stage.command("import-courses")
    day = f"{first_day(old) + timedelta(days=2):%Y-%m-%d}"
    _switch_certificates_on(stage)
    stage.command("booking-status", "set", reference, "COMPLETED", "--on", day)
    stage.command("update-booking-status", "-v")
    [there] = [one for one in stage.portal.state()["bookings"] if one["reference"] == reference]
    stage.claim(
        "Trainingportal knows that he has passed", (there["status"], there["completed_on"]) == ("COMPLETED", day)
    )
    stage.claim("it has one certificate", len(there["documents"]) == 1)
    stage.say("The same again: it was told, and has the certificate.")
    stage.command("update-booking-status", "-v")
    [there] = [one for one in stage.portal.state()["bookings"] if one["reference"] == reference]
    stage.claim("nothing is told or uploaded twice", (len(there["statuses"]), len(there["documents"])) == (1, 1))
    stage.row("status, certificate → Trainingportal", "1 completed, 1 PDF", "the booking there")
    stage.say("What happened to his booking?")
    stage.command("explain", reference)


def _switch_certificates_on(stage: Stage) -> None:
    stage.say("In jobs/update-booking-status.toml we say  certificates = true : who has no file gets one made.")
    path = stage.home / "jobs" / "update-booking-status.toml"
    off, on = "certificates  = false", "certificates  = true "
    path.write_text(path.read_text(encoding="utf-8").replace(off, on), encoding="utf-8")


# looking up ---------------------------------------------------------------------------------------------------


def _classes(stage: Stage) -> dict[str, dict[str, Any]]:
    """What Trainingportal sells of us."""
    return {one["class"]: one for one in stage.portal.state()["classes"] if not one["cancelled"]}


def _changes(stage: Stage) -> list[dict[str, Any]]:
    """What was ever written there, by its own ledger."""
    return stage.portal.effects()
