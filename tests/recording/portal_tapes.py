"""Recordings of the jobs around Trainingportal: how they are made, and what holds for each of them."""

import re
from datetime import datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

import yaml

from desks import for_sale
from integrator.domain.portal import ReserveRequest
from integrator.jobs import booking_status_desk, reseller_desk
from integrator.standins.trainingportal import PASSWORD, USERNAME
from integrator.store import bookings
from moments import HELD, LATER, ORDERED, desk_at, moving
from portal_world import PortalWorld
from world import MACONOMY_AUTH, Result, World

CLASS, OTHER, COURSE = "25172-04", "25172-05", "25172"
HTTP = "[trainingportal.http]\ntimeout_s = 2.0\nsettle_s = 0.2\n"
STUDENT = {
    "studentFirstName": "Märta-Lovisa",
    "studentLastName": "Åström Öqvist",
    "studentEmailAddress": "marta@fjordvind.example",
    "studentPhoneNumber": "+46 70 000 00 03",
    "studentBirthDate": "1988-11-30",
    "enrollerFirstName": "Håkon",
    "enrollerLastName": "Bjerknes",
    "enrollerEmailAddress": "hb@fjordvind.example",
    "enrollerPhoneNumber": "4790000002",
    "company": "Fjordvind Drift AS",
    "comment": "Nøtteallergi, trenger hørselvern",
    "purchase_order": "PO-2027-0088",
}
PERSONAL = re.compile(
    r"M[äa]rta|Lovisa|[ÅA]str|qvist|H[åa]kon|Bjerknes|fjordvind|1988-11|90000002|70 000|allergi|hørselvern|PO-2027",
    re.IGNORECASE,
)
REFERENCES = [f"TP-{letter * 26}" for letter in "GDXAR"]
PDF = b"%PDF-1.7\nKursusbevis\n%%EOF\n"


def recorded(here: PortalWorld, job: str, tape: Path, moment: str, *, code: int = 0) -> dict[str, Any]:
    with moving(moment):
        result = here.run(job, "--record", str(tape), "--json")
    assert result.code == code, result.err + result.out
    report: dict[str, Any] = result.json
    text = tape.read_text(encoding="utf-8")
    real = [*REFERENCES, PASSWORD, USERNAME, MACONOMY_AUTH.split()[1], "127.0.0.1", "/mintra"]
    assert [found for found in real if found in text] == []
    assert not PERSONAL.search(text), PERSONAL.search(text)
    return report


def replayed(tape: Path, job: str, folder: Path) -> dict[str, Any]:
    result = replay(tape, job, folder)
    assert result.out, result.err
    assert list(folder.iterdir()) == []
    report: dict[str, Any] = result.json
    return report


def replay(tape: Path, job: str, folder: Path) -> Result:
    folder.mkdir(exist_ok=True)
    nothing: Any = None
    return World(folder, nothing, nothing, nothing, (nothing, nothing, nothing)).run(
        job, "--replay", str(tape), "--json"
    )


def assert_same(tape: Path, job: str, report: dict[str, Any], folder: Path) -> None:
    """The replay ends and counts as the run did, and uses every request of it."""
    again = replayed(tape, job, folder)
    assert [again[name] for name in ("exit_code", "counts")] == [report[name] for name in ("exit_code", "counts")]
    assert [len(again[name]) for name in ("failed", "waiting")] == [len(report[name]) for name in ("failed", "waiting")]
    total = len(interactions(tape))
    assert f"replayed {total} of {total} recorded requests; nothing was sent, nothing was kept" in again["remarks"]


def interactions(tape: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load(tape.read_text(encoding="utf-8"))["interactions"]
    return found


def metadata(tape: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(tape.read_text(encoding="utf-8"))["metadata"]
    return found


def reserved(here: PortalWorld, *numbers: int) -> list[str]:
    """Seats that Trainingportal has taken at ORDERED; their references."""
    with desk_at(here.home, ORDERED) as desk:
        for number in numbers:
            with patch.object(bookings, "_drawn", lambda number=number: REFERENCES[number]):
                request = ReserveRequest(CLASS, {"studentFirstName": f"Märta {number}"})
                with for_sale(desk.db, CLASS):
                    reseller_desk.reserve(desk, request, repeat_s=600, first_look_s=2.0)
    return [REFERENCES[number] for number in numbers]


def visible(here: PortalWorld, *references: str, **more: str) -> None:
    rows = [{"reference": reference, "class": CLASS, **STUDENT, **more} for reference in references]
    here.portal.seed({"bookings": rows})


def attended(here: PortalWorld, *numbers: int) -> list[str]:
    """Bookings whose students were there."""
    references = reserved(here, *numbers)
    visible(here, *references)
    with moving(LATER):
        assert here.run("confirm-bookings").code == 0
    return references


def say(here: PortalWorld, reference: str, status: str = "COMPLETED", on: str | None = "2027-03-03") -> None:
    with here.store() as db:
        booking_status_desk.set_status(db, reference, status, on, "command", epoch(HELD))


def epoch(moment: str) -> int:
    return int(datetime.fromisoformat(moment).timestamp())


def put(here: PortalWorld, name: str, content: bytes = PDF) -> None:
    path = here.home / "documents" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


QUIRKS: list[dict[str, Any]] = [
    {},
    {"blank_keys": True, "dotted_keys": True, "text_values": True, "times_with_seconds": True, "unknown_keys": True},
    {"trailing_commas": True, "flag_type": "upper"},
    {"lists": "bare", "flag_name": "successful", "message_name": "errorMesssage", "list_cancelled": False},
]


def edited(tape: Path, part: str, change: Any) -> None:
    whole = yaml.safe_load(tape.read_text(encoding="utf-8"))
    change(whole["metadata"][part])
    tape.write_text(yaml.safe_dump(whole, allow_unicode=True), encoding="utf-8")
