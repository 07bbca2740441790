"""Records every cassette again: `make record`. Stand-ins on loopback, a home that is thrown away, the jobs for real.

Orders, lists and mails happen at moments of their own, so that the same code records the same file.

python tests/record_cassettes.py [JOB …]
"""

import sys
import tempfile
from collections.abc import Callable
from datetime import datetime
from email.utils import formatdate
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import record_portal_cassettes
from desks import form
from integrator.jobs import booking
from integrator.standins import wire
from integrator.standins.base import serve
from integrator.standins.catalogue import sample
from integrator.standins.oilmat import TOKEN, OilMat
from integrator.store.workshops import Workshops
from moments import DRAINED, ORDERED, at, desk_at, done
from portal_world import portal_world
from world import Result, World, world

NOWHERE = "http://127.0.0.1:1"
CASSETTES = Path(__file__).parent / "cassettes"
LISTED, CHANGED = "2027-02-27T07:00:00+01:00", "2027-02-28T07:00:00+01:00"  # 25172-04 begins on March 1


def import_courses(here: World, file: Path) -> Result:
    """The sample catalogue comes to a site that knows some of it already; an editor's fields and a stray post too."""
    here.wordpress.seed(
        {
            "posts": [
                {
                    "type": "course",
                    "slug": "mc-25172",
                    "title": "Projektledelse i praksis",
                    "status": "publish",
                    "meta": {"mac_id": "25172", "mac_title": "Projektledelse", "ed_teaser": "Ring til Åse Østergård"},
                },
                {"type": "course", "slug": "om-os", "title": "Om os", "status": "publish"},
            ]
        }
    )
    _set(here, "25180", description="<p>Ask Jørgen Kjær: jk@firma.example, 70 20 12 34.</p>", internNote="Ring til Åse")
    with at(ORDERED):
        return here.run("import-courses", "--record", str(file), "-v")


def sync_orders(here: World, file: Path) -> Result:
    """Two orders wait, a company's for two and a private one. Of an earlier one a lost answer is looked up first."""
    here.configure(mailgun=True, maconomy_extra="settle_s = 1.0")
    _order(here, "earlier", seats=2)
    here.mailgun.seed({"now": ORDERED})
    lost = {"kind": "reset", "when": "after"}
    here.servers[0].faults.add([{"match": {"method": "POST"}, "skip": 1, "times": 1, "fault": lost}])
    with at(ORDERED):
        done(here.run("sync-orders"), 75)
    _order(here, "company", seats=2)
    _order(here, "private", company=None)
    here.mailgun.seed({"now": DRAINED})
    with at(DRAINED):
        return here.run("sync-orders", "--record", str(file), "-v")


def send_participants(here: World, file: Path) -> Result:
    """Two classes meet tomorrow. The list of one was sent yesterday and has changed; the other's trainers stand on
    the site, one of them has had the list as it is, the other is new.
    """
    here.configure(mailgun=True)
    _set(here, "25172-05", startDate="01-03-2027", endDate="01-03-2027", courseDays=_DAYS, trainers=[])
    with at(ORDERED):
        done(here.run("import-courses"))
    trainers = [("Freja Lindholm", "freja.lindholm@example.org"), ("Åse Østergård", "aase.oestergaard@example.org")]
    posts = [
        {"id": number, "type": "trainer", "title": name, "status": "publish", "meta": {"ed_email": email}}
        for number, (name, email) in enumerate(trainers, 500)
    ]
    here.wordpress.seed({"posts": posts})
    _choose(here, "25172-05", 500)
    people = {"25172-04": sample("participant")["25172-04"], "25172-05": [_PERSON]}
    here.maconomy.seed({"records": {"participant": people}})
    here.mailgun.seed({"now": LISTED})
    with at(LISTED):
        done(here.run("send-participants", "--days-ahead", "2"))
    _choose(here, "25172-05", 500, 501)
    people["25172-04"][1]["status"] = "Afmeldt"
    here.maconomy.seed({"records": {"participant": people}})
    here.mailgun.seed({"now": CHANGED})
    with at(CHANGED):
        return here.run("send-participants", "--record", str(file), "-v")


def push_orderline(here: World, file: Path) -> Result:
    """Two workshops, both switched off, so that no browser is needed: what OilMat offers is taken in and waits.

    An order waits from before; of the others one comes twice, one names its workshop as people do, and logins and a
    mechanic travel with one.
    """
    oilmat = OilMat()
    with serve(oilmat) as server:
        here.configure(more=f'[oilmat]\nbase_url = "{server.url}"\ntoken = {{ env = "OILMAT_TOKEN" }}\nlimit = 2\n')
        with (here.home / ".env").open("a", encoding="utf-8") as secrets:
            secrets.write(f"OILMAT_TOKEN={TOKEN}\nERP_PASSWORD={ERP_PASSWORD}\n")
        (here.home / "config" / "workshops.toml").write_text(_WORKSHOPS, encoding="utf-8")
        with at(ORDERED):
            done(here.run("push-orderline", "--all"))  # nothing yet; it makes the store
            with here.store() as db, db.tx():
                for workshop in ("bennys-auto", "nord"):
                    Workshops(db).set_active(workshop, False, at=0)
            oilmat.seed({"dispenses": {"bennys-auto": [_order_line("0006", case_id="559")]}})
            done(here.run("push-orderline", "--all"))
        told = {"dealer": "Bennys Auto ved Åen", "case_nr": "561", "uniqueid": "0008", **_STRANGE}
        bennys = [_order_line("0007"), told, _order_line("0009", case_id="562", product_amount=1)]
        oilmat.seed({"dispenses": {"bennys-auto": bennys, "nord": [_order_line("0007", "nord")]}, "overlap": 1})
        with at(DRAINED):
            return here.run("push-orderline", "--all", "--record", str(file), "-v")


ERP_PASSWORD = "hemmelig-kode-4711"  # invented
_LOGIN = f'username = "gunvor@bennys.example"\npassword = {{ env = "ERP_PASSWORD" }}\nbase_url = "{NOWHERE}"\n'
_WORKSHOPS = (
    f'[bennys-auto]\nname = "Bennys Auto ved Åen"\ntype = "au2office"\n{_LOGIN}name_limit = 40\n'
    f'[nord]\nname = "Nord"\ntype = "admanager"\n{_LOGIN.replace("gunvor", "aase")}'
)
_STRANGE = {
    "product_nr": "OL-0530",
    "product_amount": "5,5",
    "username": "gunvor@bennys.example",
    "password": ERP_PASSWORD,
    "mechanic": "Gunvor Egebæk",
}


def _order_line(unique_id: str, workshop: str = "bennys-auto", **changed: Any) -> dict[str, Any]:
    facts = {"workshop": workshop, "unique_id": unique_id, "case_id": "560", "product_nr": "OL-0530"}
    return facts | {"product_amount": "4.25"} | changed


_DAYS = [{"date": "01-03-2027", "startTime": "09:00", "endTime": "16:00", "location": "Strandvejen 54"}]
_PERSON = {
    "participantId": "100301",
    "courseId": "25172-05",
    "firstName": "Gitte",
    "lastName": "Kjærgård",
    "email": "gitte.k@example.org",
    "company": "Blåbær ApS",
    "jobTitle": "",
    "status": "Tilmeldt",
    "externalReference": "",
}


def _set(here: World, record: str, **values: Any) -> None:
    here.maconomy.seed({"set": {record: values}})


def _choose(here: World, class_id: str, *trainers: int) -> None:
    here.wordpress.seed({"edit": {"post": here.posts()[class_id]["id"], "meta": {"ed_trainers": list(trainers)}}})


def _order(here: World, who: str, *, seats: int = 1, **facts: Any) -> None:
    with desk_at(here.home, ORDERED) as desk:
        number = int(booking.reserve(desk, "25172-04", seats=seats, key=who)["order"])
        booking.complete(desk, number, form(seats, who=who, at=ORDERED) | facts)


JOBS: dict[str, Callable[[World, Path], Result]] = {
    "import-courses": import_courses,
    "sync-orders": sync_orders,
    "send-participants": send_participants,
    "push-orderline": push_orderline,
}
NAMES = [*JOBS, *record_portal_cassettes.JOBS]
ENDS = {"confirm-bookings": 3}  # one booking is given up, and said


def record(name: str, file: Path, home: Path) -> Result:
    """Make one cassette. The stand-ins' answers are of one moment, too."""
    clock = datetime.fromisoformat(ORDERED).timestamp()
    dated = patch.object(wire, "formatdate", partial(formatdate, clock))
    with dated:
        if name in record_portal_cassettes.JOBS:
            with portal_world(home) as reseller:
                return record_portal_cassettes.JOBS[name](reseller, file)
        with world(home) as here:
            return JOBS[name](here, file)


def main(names: list[str]) -> int:
    """Gives back the first exit code that is another than expected. An old cassette gives way to a whole new one."""
    for name in names or NAMES:
        with tempfile.TemporaryDirectory(prefix="record-") as folder:
            draft = Path(folder) / f"{name}.yaml"
            result = record(name, draft, Path(folder) / "home")
            sys.stdout.write(result.out + result.err)
            if result.code != ENDS.get(name, 0):
                return result.code or 1
            target = CASSETTES / f"{name}.yaml"
            target.write_bytes(draft.read_bytes())
            sys.stdout.write(f"made {target.name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
