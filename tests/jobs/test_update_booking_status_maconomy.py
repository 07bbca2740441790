"""update-booking-status takes Maconomy's word on participants when it changes, and only then."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from booking_outcomes import CLASS, LAST_DAY, TP, Office, office, pdf, reference
from integrator.domain.participants import Participant
from integrator.errors import BadAnswer, ConfigError, IntegratorError, NotFound, Problem, Refused, Unavailable
from integrator.jobs import booking_outcomes
from integrator.systems.maconomy import Participants
from world import world

B = reference("B")
COMPLETED = f"COMPLETED {LAST_DAY}"


class Erp:
    """Maconomy's participants by class, and what it answers instead."""

    def __init__(self) -> None:
        self.words: dict[str, dict[str, Any]] = {}
        self.fails: dict[str, IntegratorError] = {}
        self.asked: list[str] = []
        self.missing: frozenset[str] = frozenset()

    def says(self, participant: str, word: str, class_id: str = CLASS) -> None:
        self.words.setdefault(class_id, {})[participant] = word

    def participants(self, class_id: str) -> Participants:
        self.asked.append(class_id)
        if class_id in self.fails:
            raise self.fails[class_id]
        words = self.words.get(class_id, {})
        people = Participants(
            Participant(str(n), class_id, "Bo", "Krag", None, None, None, word, ours.rstrip("'"))
            for n, (ours, word) in enumerate(words.items())
        )
        people.missing = self.missing
        return people


@pytest.fixture
def erp() -> Erp:
    return Erp()


@pytest.fixture
def here(tmp_path: Path, erp: Erp) -> Iterator[Office]:
    with office(tmp_path / "home") as made:
        made.maconomy = lambda: erp
        yield made


def ours(here: Office, booking: str = TP) -> str:
    sql = "SELECT p.reference FROM participants p JOIN bookings b USING (order_id) WHERE b.reference = ?"
    return str(here.rows(sql, booking)[0][0])


def stands(here: Office, booking: str = TP) -> tuple[Any, ...]:
    return here.rows("SELECT status, source, maconomy_seen FROM booking_statuses WHERE reference = ?", booking)[0]


@pytest.mark.parametrize(
    ("word", "told"), [("completed", [COMPLETED]), ("no_show", ["NO_SHOW"]), ("failed", ["FAILED"]), ("registered", [])]
)
def test_maconomys_word_is_told_once_with_the_classs_last_day(
    here: Office, erp: Erp, word: str, told: list[str]
) -> None:
    erp.says(ours(here), word)
    for _ in range(2):
        assert here.run().exit_code == 0
    assert here.told() == told
    assert erp.asked == [CLASS] * 2


@pytest.mark.parametrize("word", ["withdrawn", "waitlist", "unknown"])
def test_a_word_that_says_nothing_of_the_outcome_changes_nothing(here: Office, erp: Erp, word: str) -> None:
    erp.says(ours(here), "completed")
    here.run()
    erp.says(ours(here), word)
    here.run()
    erp.says(ours(here), "completed")
    here.run()
    assert here.told() == [COMPLETED]


def test_a_correction_by_hand_stays_until_maconomy_says_something_new(here: Office, erp: Erp) -> None:
    erp.says(ours(here), "completed")
    here.run()
    here.set("FAILED")
    for _ in range(2):
        here.run()
    assert stands(here) == ("FAILED", "command", "completed")
    erp.says(ours(here), "no_show")
    here.run()
    assert stands(here) == ("NO_SHOW", "maconomy", "no_show")
    erp.says(ours(here), "registered")
    here.run()
    assert here.told() == [COMPLETED, "FAILED", "NO_SHOW", "NEW"]


def test_the_same_outcome_by_hand_keeps_its_date(here: Office, erp: Erp) -> None:
    here.set("COMPLETED", "2027-03-02")
    erp.says(ours(here), "completed")
    for _ in range(2):
        here.run()
    assert here.told() == ["COMPLETED 2027-03-02"]
    assert stands(here) == ("COMPLETED", "command", "completed")


def test_each_class_is_asked_once_for_all_its_bookings_and_only_when_it_has_begun(here: Office, erp: Erp) -> None:
    here.book(B)
    later = {"id": "25172-05", "start": "2027-03-10T10:00:01+01:00", "end": "2027-03-12T16:00:00+01:00"}
    here.book(reference("C"), **later)
    here.book(reference("D"), id="25172-06", start=None, end=None)
    here.book(reference("E"), state="cancelled", id="25172-07")
    here.book(reference("F"), id="25172-08", start="2027-01-01", end="2027-02-07")  # over for more than 30 days
    for booking in (TP, B):
        erp.says(ours(here, booking), "completed")
    here.run()
    assert erp.asked == [CLASS]
    assert (here.told(), here.told(B)) == ([COMPLETED], [COMPLETED])
    here.at += 1
    here.run()
    assert erp.asked == [CLASS, CLASS, "25172-05"]


def test_marked_before_the_last_day_it_is_told_on_that_day(here: Office, erp: Erp) -> None:
    erp.says(ours(here), "completed")
    here.at = datetime.fromisoformat(f"{LAST_DAY}T00:00:00+01:00").timestamp() - 1
    here.run()
    assert here.told() == []
    here.at += 1
    here.run()
    assert here.told() == [COMPLETED]


def test_who_cannot_be_told_from_others_is_left_alone(here: Office, erp: Erp) -> None:
    here.book(B)
    for name in (ours(here), f"{ours(here)}'", "", "ILI-4711-1"):  # the first two are one reference
        erp.says(name, "completed")
    erp.says(ours(here, B), "no_show")
    report = here.run()
    assert (report.exit_code, report.failed) == (
        3,
        {f"outcome {TP}": "maconomy: several participants have its reference"},
    )
    assert here.run().exit_code == 0, "it is said once; status goes on"
    assert (here.told(), here.told(B)) == ([], ["NO_SHOW"])
    assert here.rows("SELECT kind, key, code FROM set_aside") == [("outcome", TP, "several")]


def test_more_classes_than_a_run_asks_for_are_asked_in_turn(
    here: Office, erp: Erp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(booking_outcomes, "MOST_CLASSES", 2)
    for number in (1, 2, 3):
        here.book(reference("BCD"[number - 1]), id=f"25999-0{number}")
    for _ in range(3):
        assert "in turn" in here.run().remarks[0]
        with here.store() as db:  # the number of a run is no turn: other jobs run in between
            db.write(
                "INSERT INTO runs (job, started_at, boot_id, pid, version, outcome) VALUES (?, 1, '', 1, '', 'done')",
                ("sync-orders",),
            )
    every = [CLASS, "25999-01", "25999-02", "25999-03"]
    assert erp.asked == [*every, *every[:2]]


def test_whom_nobody_asked_for_is_next(here: Office, erp: Erp, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Maconomy that went away in the middle has not had the whole turn."""
    monkeypatch.setattr(booking_outcomes, "MOST_CLASSES", 7)
    for number, letter in enumerate("BCDEFGH"):
        here.book(reference(letter), id=f"25999-0{number}")
        erp.fails[f"25999-0{number}"] = AWAY
    erp.fails[CLASS] = AWAY
    here.run()
    assert erp.asked == [CLASS, *(f"25999-0{number}" for number in range(4))]
    erp.asked.clear()
    here.run()
    assert erp.asked[0] == "25999-04"


# trouble -------------------------------------------------------------------------------------------

AWAY = Unavailable("maconomy: no connection")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (AWAY, 75),
        (BadAnswer("maconomy: the answer is no list", code="bad_shape"), 3),
        (NotFound("maconomy: there is no such class"), 3),
        (Refused("maconomy: answered 401"), 1),
        (ConfigError([Problem("config/maconomy.toml", "[endpoint.participant] is missing")]), 78),
    ],
)
def test_maconomys_trouble_holds_nothing_else_back(here: Office, erp: Erp, error: IntegratorError, code: int) -> None:
    here.book(B, id="25172-05")
    erp.says(ours(here, B), "no_show", "25172-05")
    erp.fails[CLASS] = error
    here.put(f"{TP}.pdf")
    here.set("COMPLETED", LAST_DAY)
    report = here.run()
    assert report.exit_code == code
    assert (here.told(), here.uploaded()) == ([COMPLETED], [(TP, len(pdf()))])
    assert here.told(B) == ([] if code in (1, 78) else ["NO_SHOW"])
    if code in (1, 78):
        assert report.error == error.message


def test_what_stood_stays_until_its_class_is_read_again(
    here: Office, erp: Erp, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, silent = "25999-01", "25999-02"
    for booking, class_id in ((B, other), (reference("C"), silent)):
        here.book(booking, id=class_id)
    for name in (ours(here), f"{ours(here)}'"):
        erp.says(name, "completed")
    erp.fails[silent] = BadAnswer("maconomy: the answer is no list", code="bad_shape")
    here.run()
    stood = [("outcome", silent, "bad_shape"), ("outcome", TP, "several")]
    aside = "SELECT kind, key, code FROM set_aside ORDER BY key"
    assert here.rows(aside) == stood
    erp.fails |= {CLASS: AWAY, silent: AWAY}
    assert (here.run().exit_code, here.rows(aside)) == (75, stood)
    monkeypatch.setattr(booking_outcomes, "MOST_CLASSES", 1)
    erp.fails.clear()
    erp.words.clear()
    left = [stood, stood[:1], stood[:1], []]  # one class a run, in turn: which ones it starts with is no matter
    seen = []
    for _ in range(3):
        here.run()
        seen.append(here.rows(aside))
    assert seen[-1] == []
    assert all(rows in left for rows in seen)
    assert seen[0] != []


def test_every_trouble_is_told_when_there_are_several(here: Office, erp: Erp) -> None:
    erp.fails[CLASS] = Refused("maconomy: answered 401")
    here.complete()
    template = here.home.config / "templates" / "certificate.typ"
    template.write_text("#nope", encoding="utf-8")
    here.certificates = True
    report = here.run()
    assert (report.exit_code, report.error) == (1, "maconomy: answered 401")
    assert "config/templates/certificate.typ:1: unknown variable: nope" in report.remarks


def test_an_interface_without_our_references_is_said_and_believed_in_nothing(here: Office, erp: Erp) -> None:
    erp.says(ours(here), "completed")
    erp.missing = frozenset({"external_reference"})
    here.run()
    assert here.told() == []
    assert here.rows("SELECT kind, key, code FROM set_aside") == [("outcome", CLASS, "changed")]


def test_a_maconomy_that_is_down_is_not_asked_for_every_class(here: Office, erp: Erp) -> None:
    for number, letter in enumerate("BCDEFGHI"):
        here.book(reference(letter), id=f"25999-0{number}")
        erp.fails[f"25999-0{number}"] = AWAY
    erp.fails[CLASS] = AWAY
    assert here.run().exit_code == 75
    assert len(erp.asked) == 5


# the real one ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("word", "told"), [("Bestået", [COMPLETED]), ("udeblevet", ["NO_SHOW"]), ("Tilmeldt", [])])
def test_the_shipped_mapping_knows_the_words(here: Office, tmp_path: Path, word: str, told: list[str]) -> None:
    person = {"participantId": "1", "firstName": "Åse", "lastName": "Ø", "email": "aase@example.org", "jobTitle": ""}
    record = person | {"company": "", "status": word, "externalReference": ours(here)}
    with world(tmp_path / "erp") as there:
        there.maconomy.seed({"records": {"participant": {CLASS: [record]}}})
        configured = (there.home / "config" / "integrator.toml").read_text(encoding="utf-8").split("[wordpress]")[0]
        (here.root / "config" / "integrator.toml").write_text(configured, encoding="utf-8")
        (here.root / ".env").write_bytes((there.home / ".env").read_bytes())
        here.use_maconomy = True
        assert here.run().exit_code == 0
    assert here.told() == told
