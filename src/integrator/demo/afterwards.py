"""Last part: the trainers know who comes, people are forgotten in time, and one command says whether all is well."""

from datetime import timedelta

from integrator.demo import visitors
from integrator.demo.courses import CLASS
from integrator.demo.dates import first_day, moved
from integrator.demo.stage import Stage

_PERSON = visitors.MAJA["email"]


def play(stage: Stage) -> None:
    stage.chapter("Afterwards")
    _the_trainers(stage)
    _old_people(stage)
    stage.say("Is all well?")
    stage.command("status")


def _the_trainers(stage: Stage) -> None:
    stage.say(f"The day before {CLASS} begins, its trainers get the list of who comes.")
    eve = first_day(stage.classes[CLASS]) - timedelta(days=1)
    stage.command("send-participants", "--date", eve.isoformat(), "-v")
    mails = stage.mails(f"participant-list:{CLASS}:")
    trainers = sorted(trainer["email"] for trainer in stage.classes[CLASS]["trainers"])
    stage.claim("each trainer has one mail", sorted(address for mail in mails for address in mail.readers) == trainers)
    names = [person["last_name"] for person in (visitors.MAJA, visitors.SOREN)]
    stage.claim("both stand in each sheet", all(name in mail.sheet for mail in mails for name in names))
    stage.say("Asked again, it sends nothing: the list is the same.")
    stage.command("send-participants", "--date", eve.isoformat(), "-v")
    stage.claim("the same list is not sent twice", len(stage.mails("participant-list:")) == len(trainers))
    stage.row("participant list → trainer", f"{len(mails)} mails with an XLSX", "each sheet opened and read")


def _old_people(stage: Stage) -> None:
    stage.say("We make a backup. Where is Maja now? Only places are told.")
    stage.command("store", "backup")
    before = _traced(stage)
    stage.claim("she is found in the store", any(place.startswith("participants.") for place in before))
    stage.claim("she is found in its backup", any("Z.db: participants." in place for place in before))
    stage.say("We do not wait for months: Maconomy now says that the class was held two years earlier.")
    _held_long_ago(stage)
    stage.command("import-courses")
    stage.say("Participants are forgotten 90 days after their class; the order stays for the bookkeeper.")
    stage.command("gdpr-cleanup", "-v")
    stage.claim("she is nowhere", _traced(stage) == [])
    stage.claim("no byte of her is left", not stage.files_with(_PERSON))
    kept = stage.stored("SELECT company_name FROM orders WHERE id = 10001 AND anonymised_at IS NOT NULL")
    stage.claim("the order itself is kept", kept == "Blåbjerg Møbler A/S")
    stage.row("old people → nowhere", "all of them of 1 class", "bytes of every file searched")


def _traced(stage: Stage) -> list[str]:
    """Where she is, as the command says it."""
    said = stage.read("gdpr", "trace", "-", given=f"{_PERSON}\n", by=f"echo {_PERSON}").splitlines()
    return [] if said == ["nowhere"] else said


def _held_long_ago(stage: Stage) -> None:
    course = stage.classes[CLASS]
    old = moved(course, -timedelta(weeks=104))
    stage.maconomy.seed({"set": {CLASS: {name: old[name] for name in ("startDate", "endDate", "courseDays")}}})
