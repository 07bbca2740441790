"""What record_cassettes.py records of the jobs around Trainingportal: a reseller's classes, bookings and students."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

from desks import for_sale
from integrator.domain.portal import ReserveRequest
from integrator.jobs import booking, booking_status_desk, reseller_desk
from integrator.store import bookings
from moments import DRAINED, HELD, LATER, ORDERED, TOLD, at, desk_at, done, moving
from portal_world import PortalWorld
from world import Result


def publish_classes(here: PortalWorld, file: Path) -> Result:
    """Three classes are sold there, of one the answer was lost. Since then one has fewer seats, two of which we hold,
    and somebody has moved it there; one was cancelled, and a fourth one is new. One is not ours.
    """
    here.configure(portal_extra='courses = { "FAC-1" = "25180" }\n[trainingportal.http]\nsettle_s = 1.0\n')
    here.portal.seed({"courses": {"25172": "Projektledelse", "FAC-1": "Facilitering", "HLR-Ö1": "Hjärta"}})
    for class_id in ("25172-04", "25172-05", "25172-06"):
        _set(here, class_id, currency="NOK", trainers=[])
    _set(here, "25180-01", currency="EUR", trainers=[], **_PLACE)
    with at(ORDERED):
        done(here.run("import-courses"))
        lost = {"kind": "reset", "when": "after"}
        match = {"method": "POST", "path": ".*/25172/.*/add"}
        here.portal_server.faults.add([{"match": match, "skip": 1, "times": 1, "fault": lost}])
        done(here.run("publish-classes"), 75)
    _set(here, "25172-04", freeSeats=5, registeredParticipants=15)
    _set(here, "25172-06", status="Åben")
    _set(here, "25180-01", status="Aflyst")
    for moment in (LATER, DRAINED):
        with at(moment):
            done(here.run("import-courses"))
    with desk_at(here.home, ORDERED) as desk:
        booking.reserve(desk, "25172-04", seats=2, key="held")
    here.portal.seed(
        {
            "classes": [
                {"course": "25172", "class": "25172-04", "location": "Laksevåg 2"},
                {"course": "25172", "class": "EGEN-1"},
            ],
            "bookings": [{"reference": "R-1", "class": "25180-01", **_STUDENTS[0]}],
        }
    )
    with at(DRAINED):
        return here.run("publish-classes", "--record", str(file), "-v")


def confirm_bookings(here: PortalWorld, file: Path) -> Result:
    """Four seats are taken: of two students it is told who they are, with a comment, a company and a purchase order;
    one is not visible yet, of one that never was the seat is given up.
    """
    references = [_reserve(here, number) for number in range(4)]
    _visible(here, references[:2])
    with here.store() as db:
        db.write("UPDATE bookings SET looks = 4 WHERE reference = ?", (references[3],))
    with moving(DRAINED):
        return here.run("confirm-bookings", "--record", str(file), "-v")


def update_booking_status(here: PortalWorld, file: Path) -> Result:
    """Five students were there. Of one the status waits in doubt, one has completed and a file lies there, one has
    completed and gets a certificate, of one Maconomy says that they did not come, and of one nobody has said anything.
    """
    policy = here.home / "jobs" / "update-booking-status.toml"
    policy.write_text(
        policy.read_text(encoding="utf-8").replace("certificates  = false", "certificates  = true"), "utf-8"
    )
    here.configure(portal_extra="[trainingportal.http]\nsettle_s = 1.0\n")
    references = [_reserve(here, number) for number in range(5)]
    _visible(here, references)
    with moving(DRAINED):
        done(here.run("confirm-bookings"))
        done(here.run("sync-orders"))
    lost = {"kind": "reset", "when": "after"}
    here.portal_server.faults.add([{"match": {"path": ".*/booking/update/.*"}, "times": 1, "fault": lost}])
    _say(here, references[0], "FAILED")
    with at(HELD):
        done(here.run("update-booking-status"), 75)
    for reference in references[1:3]:
        _say(here, reference, "COMPLETED", "2027-03-03")
    _mark(here, references[3], "Udeblevet")
    folder = here.home / "documents"
    folder.mkdir()
    (folder / f"{references[1]}.pdf").write_bytes(b"%PDF-1.7\nKursusbevis: Sunniva Myhre\n%%EOF\n")
    with at(TOLD):
        return here.run("update-booking-status", "--record", str(file), "-v")


_PLACE = {"location": "Havnegade 3", "address": "Havnegade 3", "zipCode": "6700", "city": "Esbjerg", "country": "DK"}
_STUDENTS: list[dict[str, str]] = [
    {
        "studentFirstName": first,
        "studentLastName": last,
        "studentEmailAddress": f"{mail}@fjordvind.example",
        "studentPhoneNumber": f"479000010{number}",
        "studentBirthDate": f"198{number}-11-2{number}",
        "enrollerFirstName": "Torgeir",
        "enrollerLastName": "Øyhaug",
        "enrollerEmailAddress": "torgeir.oeyhaug@fjordvind.example",
        "enrollerPhoneNumber": "4790000200",
        "company": "Fjordvind Drift AS",
        "comment": f"Trenger hørselvern i størrelse {last[0]}",
        "purchase_order": f"PO-2027-008{number}",
    }
    for number, (first, last, mail) in enumerate(
        [
            ("Bjørn", "Ærlighaug", "bjoern"),
            ("Sunniva", "Myhre", "sunniva.myhre"),
            ("Håvard", "Lysø", "hl"),
            ("Eirin", "Fossmark", "eirin"),
            ("Jostein", "Brekke", "jostein.b"),
        ]
    )
]
REFERENCES = [f"TP-{letter * 26}" for letter in "GDXAR"]  # as they are drawn; no recording may have one


def booked_people() -> set[str]:
    """Everything personal that the students and their enroller are known by."""
    return {text for student in _STUDENTS for text in student.values()} | {"Lysø", "fjordvind", "Øyhaug"}


def _reserve(here: PortalWorld, number: int) -> str:
    """A seat that the reseller has taken; its reference."""
    request = ReserveRequest("25172-04", {"studentFirstName": _STUDENTS[number]["studentFirstName"]})
    drawn = patch.object(bookings, "_drawn", lambda: REFERENCES[number])
    with drawn, desk_at(here.home, ORDERED) as desk, for_sale(desk.db, "25172-04"):
        return reseller_desk.reserve(desk, request, repeat_s=600, first_look_s=2.0)


def _visible(here: PortalWorld, references: list[str]) -> None:
    rows = [
        {"reference": reference, "class": "25172-04", **_STUDENTS[REFERENCES.index(reference)]}
        for reference in references
    ]
    here.portal.seed({"bookings": rows})


def _say(here: PortalWorld, reference: str, status: str, on: str | None = None) -> None:
    with here.store() as db:
        moment = int(datetime.fromisoformat(HELD).timestamp())
        booking_status_desk.set_status(db, reference, status, on, "command", moment)


def _mark(here: PortalWorld, reference: str, word: str) -> None:
    """Somebody marks a student in Maconomy."""
    [[participant]] = here.rows(
        "SELECT p.reference FROM participants p JOIN bookings b USING (order_id) WHERE b.reference = ?", reference
    )
    people: list[dict[str, Any]] = here.maconomy.state()["participants"]["25172-04"]
    marked = [one | {"status": word} if one["externalReference"] == participant else one for one in people]
    here.maconomy.seed({"records": {"participant": {"25172-04": marked}}})


def _set(here: PortalWorld, record: str, **values: Any) -> None:
    here.maconomy.seed({"set": {record: values}})


JOBS: dict[str, Callable[[PortalWorld, Path], Result]] = {
    "publish-classes": publish_classes,
    "confirm-bookings": confirm_bookings,
    "update-booking-status": update_booking_status,
}
