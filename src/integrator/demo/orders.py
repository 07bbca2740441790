"""Second part: seats are held, orders completed, participants registered once, and everybody hears of it once."""

import json
import time
from pathlib import Path

import typer

from integrator.demo import visitors
from integrator.demo.courses import CLASS
from integrator.demo.stage import Stage

FULL = "25172-05"
ENGLISH = "25180-01"


def play(stage: Stage) -> None:
    stage.chapter("Orders")
    _two_seats(stage)
    _to_maconomy(stage)
    _once_only(stage)
    _the_lost_answer(stage)
    _a_full_class(stage)
    _an_abandoned_seat(stage)
    _the_site_hears_of_it(stage)


def _two_seats(stage: Stage) -> None:
    stage.say(f"A visitor of the website wants a seat on {CLASS}; then a colleague comes along.")
    stage.command("booking", "reserve", CLASS, "--key", "visitor-1")
    stage.command("booking", "seats", "10001", "2")
    stage.claim("two seats are held", _seats_held(stage, CLASS) == 2)
    stage.say("Kirsten Ærenlund of Blåbjerg Møbler A/S fills in the form for Maja Bækgård and Søren Østby.")
    form = json.dumps(visitors.from_company())
    stage.command("booking", "complete", "10001", "--file", "-", given=form, by="website")
    stage.say("What will Maja read? Nothing is sent by looking.")
    stage.command("mail", "preview", "confirmation-participant", "10001", "--file", "maja.txt")
    _show(stage.desk / "maja.txt")
    stage.claim("nobody is registered yet", not stage.registered("ILI-10001-1"))
    stage.claim("no mail is sent yet", not stage.mails("order-confirmation"))


def _to_maconomy(stage: Stage) -> None:
    stage.say("The order travels: both are registered in Maconomy, then three mails go out.")
    stage.command("sync-orders", "-v")
    for number, person in enumerate((visitors.MAJA, visitors.SOREN), start=1):
        reference = f"ILI-10001-{number}"
        found = [(one["firstName"], one["lastName"], one["email"]) for one in stage.registered(reference)]
        stage.claim(f"{reference} is registered once, under their name", found == [tuple(person.values())])
    stage.row("orders → Maconomy", "2 participants", "looked up by reference")
    _mails_are_right(stage)
    stage.row("confirmations → Mailgun", "3 mails", "reader, .ics, æ ø å of each")


def _mails_are_right(stage: Stage) -> None:
    mails = stage.mails("order-confirmation:10001:")
    stage.claim("each mail has one reader", all(len(mail.readers) == 1 for mail in mails))
    people = (visitors.KIRSTEN, visitors.MAJA, visitors.SOREN)
    expected = sorted(person["email"] for person in people)
    stage.claim("one mail for each of the three", sorted(mail.readers[0] for mail in mails) == expected)
    stage.claim("a calendar file in each mail", all(mail.calendar.count("BEGIN:VEVENT") == 3 for mail in mails))
    by_reader = {mail.readers[0]: mail for mail in mails}
    for person in people:
        mail, name = by_reader.get(person["email"]), person["last_name"]
        stage.claim(f"{name} is spelt so, in text and HTML", bool(mail and name in mail.text and name in mail.html))


def _once_only(stage: Stage) -> None:
    stage.say("The same again: nothing is left to do, and nothing is sent.")
    before = (_registrations(stage), len(stage.mails()))
    stage.command("sync-orders", "-v")
    stage.claim("a second run sends nothing", (_registrations(stage), len(stage.mails())) == before)
    stage.row("orders, again", "nothing", "both systems' ledgers")
    stage.say("What happened to order 10001?")
    stage.command("explain", "10001")


def _the_lost_answer(stage: Stage) -> None:
    stage.say("Ida Ågesen books. Maconomy registers her, but its answer is lost on the way.")
    stage.command("booking", "reserve", ENGLISH, "--key", "visitor-2")
    form = json.dumps(visitors.from_herself())
    stage.command("booking", "complete", "10002", "--file", "-", given=form, by="website")
    stage.fault("/api/webparticipant", {"kind": "reset", "when": "after"})
    stage.command("sync-orders", "-v", expect=75)
    stage.claim("the confirmations wait", not stage.mails("order-confirmation:10002:"))
    stage.say("It is not sent again blindly. After settle_s (1 s here, a minute as shipped) it is looked up.")
    time.sleep(1.5)
    stage.command("sync-orders", "-v")
    stage.claim("Ida is registered once", len(stage.registered("ILI-10002-1")) == 1)
    stage.claim("Maconomy was asked to register her once", _registrations(stage, "ILI-10002-1") == 1)
    mails = stage.mails("order-confirmation:10002:")
    stage.claim("her confirmations went out, in English", [mail.text[:5] for mail in mails] == ["Dear "] * 2)
    stage.row("a lost answer", "1 participant, not 2", "by reference, and the ledger")


def _a_full_class(stage: Stage) -> None:
    stage.say(f"{FULL} is sold out. This is the answer that the website gets.")
    said = stage.read("booking", "reserve", FULL, "--key", "visitor-3", "--json", expect=1)
    stage.claim("a full class is refused", json.loads(said or "null") == {"refused": "full"})
    stage.claim("no seat of it is held", _seats_held(stage, FULL) == 0)
    stage.row("a full class", "nothing: refused", "no order in the store")


def _an_abandoned_seat(stage: Stage) -> None:
    stage.say("Somebody holds the last two seats, and closes the browser.")
    stage.command("booking", "reserve", ENGLISH, "--seats", "2", "--key", "visitor-4")
    stage.say("Seats are held for 30 minutes. We do not wait: the demonstration moves its end back in the store.")
    past = int(time.time()) - 60
    stage.change_store("UPDATE orders SET expires_at = ? WHERE id = 10003 AND state = 'reserved'", past)
    stage.command("clear-reservations", "-v")
    state = stage.stored("SELECT state FROM orders WHERE id = 10003")
    stage.claim("the seats are free again", (state, _seats_held(stage, ENGLISH)) == ("released", 0))
    stage.row("abandoned seats", "2 seats, free again", "the order in the store")


def _the_site_hears_of_it(stage: Stage) -> None:
    stage.say("And the website? It learns of the sold seats from Maconomy, with the next import.")
    stage.command("import-courses", "-v")
    stage.claim("the site shows 4 and 2 free seats", (stage.seats(CLASS), stage.seats(ENGLISH)) == (4, 2))
    stage.row("sold seats → WordPress", "6 → 4, 3 → 2 free seats", "both posts' meta")


def _show(path: Path) -> None:
    """Print a file, and remove it: it names somebody."""
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            typer.echo(f"  │ {line}")
        path.unlink()


def _seats_held(stage: Stage, class_id: str) -> int:
    sql = "SELECT coalesce(sum(seats), 0) FROM orders WHERE class_id = ? AND state = 'reserved'"
    return int(stage.stored(sql, class_id))


def _registrations(stage: Stage, reference: str = "") -> int:
    """How often Maconomy registered somebody, by its own ledger."""
    made = [effect for effect in stage.maconomy.effects() if effect["kind"] == "webparticipant"]
    return sum(reference in effect["reference"] for effect in made)
