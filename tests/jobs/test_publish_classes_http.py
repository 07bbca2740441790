"""publish-classes by its command, with the Trainingportal stand-in: what travels, who gets mail, what faults leave."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from http_faults import UNCLEAR, named, status

from portal_world import PortalWorld, portal_world

CLASS, OTHER, COURSE = "25172-04", "25172-05", "25172"
HTTP = "[trainingportal.http]\ntimeout_s = 2.0\nsettle_s = 0.2\n"
START = date.today() + timedelta(days=200)
SELLS: dict[str, Any] = {"currency": "NOK", "courseDays": [], "country": "DK"} | {
    name: (START + timedelta(days=days)).strftime("%d-%m-%Y") for name, days in (("startDate", 0), ("endDate", 2))
}


@pytest.fixture
def here(tmp_path: Path) -> Iterator[PortalWorld]:
    """Two classes in kroner, which Trainingportal sells; their catalogue is in the store."""
    with portal_world(tmp_path / "home") as made:
        made.configure(portal_extra=HTTP)
        made.portal.seed({"courses": {COURSE: "Projektledelse"}})
        made.maconomy.seed({"set": {CLASS: SELLS, OTHER: SELLS}})
        assert made.run("import-courses").code == 0
        yield made


def publish(here: PortalWorld, *options: str, code: int = 0) -> dict[str, Any]:
    result = here.run("publish-classes", "--json", *options)
    assert result.code == code, result.out + result.err
    report: dict[str, Any] = result.json
    return report


def imported(here: PortalWorld, **changes: Any) -> None:
    """Maconomy has the class otherwise; the store learns of it, and everything before was long ago."""
    here.maconomy.seed({"set": {CLASS: changes}})
    with here.store() as db:
        db.write("UPDATE courses SET changed_at = changed_at - 60")
        db.write("UPDATE runs SET started_at = started_at - 60")
    assert here.run("import-courses").code == 0


def cancelled(here: PortalWorld) -> None:
    """Two good lists say that the class is cancelled."""
    imported(here, status="Aflyst")
    imported(here, status="Aflyst")


def classes(here: PortalWorld) -> dict[str, dict[str, Any]]:
    return {one["class"]: one for one in here.portal.state()["classes"]}


def effects(here: PortalWorld) -> list[dict[str, Any]]:
    """What changed there since this was asked before."""
    found = [effect for effect in here.portal.effects() if effect["kind"] == "class"]
    here.portal.clear_ledger()
    return found


def done(here: PortalWorld) -> list[tuple[str, str]]:
    return [(effect["action"], effect["class"]) for effect in effects(here)]


def book(here: PortalWorld, class_id: str = CLASS) -> None:
    here.portal.seed({"bookings": [{"reference": f"TP-{class_id}", "class": class_id}]})


def test_classes_are_added_once_and_the_same_again_only_reads(here: PortalWorld) -> None:
    report = publish(here)
    assert report["counts"]["trainingportal.class.added"] == 2
    assert done(here) == [("add", CLASS), ("add", OTHER)]
    there = classes(here)[CLASS]
    shown = {name: there[name] for name in ("course", "location", "availableSeats", "price.currency", "startDate")}
    assert shown == {
        "course": COURSE,
        "location": "Strandvejen 54",
        "availableSeats": 7,
        "price.currency": "NOK",
        "startDate": START.isoformat(),
    }
    assert there["enrollmentDeadline"] == (START - timedelta(days=1)).isoformat()
    assert there["cancellationDeadline"] == (START - timedelta(days=14)).isoformat()
    again = publish(here)
    assert (again["counts"], done(here)) == ({"classes.read": 2, "classes.for_sale": 2}, [])


def test_a_changed_seat_count_mails_no_student_and_a_moved_date_does(here: PortalWorld) -> None:
    publish(here)
    book(here)
    effects(here)
    imported(here, freeSeats=3, registeredParticipants=17)
    assert publish(here)["counts"]["trainingportal.class.seats"] == 1
    [effect] = effects(here)
    assert (effect["changed"], effect["send"], effect["mails"]) == ({"availableSeats": 3}, False, 0)
    imported(here, startDate=(START + timedelta(days=1)).strftime("%d-%m-%Y"))
    publish(here)
    [effect] = effects(here)
    assert (effect["send"], effect["mails"]) == (True, 1)


def test_a_cancelled_class_with_students_is_restored_inside_its_window(here: PortalWorld) -> None:
    publish(here)
    book(here)
    cancelled(here)
    publish(here)
    assert classes(here)[CLASS]["cancelled"]
    imported(here, status="Åben", freeSeats=5, registeredParticipants=15)
    effects(here)
    assert publish(here)["counts"]["trainingportal.class.restored"] == 1
    assert done(here)[0] == ("restore", CLASS)
    there = classes(here)[CLASS]
    assert (there["cancelled"], there["availableSeats"], there["students"]) == (False, 5, 1)


def test_a_cancelled_class_that_is_gone_there_is_added_anew(here: PortalWorld) -> None:
    publish(here)
    cancelled(here)
    publish(here)
    assert list(classes(here)) == [OTHER]
    imported(here, status="Åben")
    effects(here)
    publish(here)
    assert done(here) == [("add", CLASS)]
    assert publish(here)["counts"] == {"classes.read": 2, "classes.for_sale": 2}


def test_one_list_that_says_cancelled_only_takes_the_seats(here: PortalWorld) -> None:
    publish(here)
    imported(here, status="Aflyst")
    publish(here)
    assert (classes(here)[CLASS]["cancelled"], classes(here)[CLASS]["availableSeats"]) == (False, 0)


def test_a_class_that_was_cancelled_there_and_is_not_listed_any_more_is_restored(here: PortalWorld) -> None:
    publish(here)
    book(here)
    here.portal.seed({"list_cancelled": False, "classes": [{"course": COURSE, "class": CLASS, "cancelled": True}]})
    report = publish(here)
    assert (report["counts"]["classes.drifted"], classes(here)[CLASS]["cancelled"]) == (1, False)
    assert publish(here)["counts"] == {"classes.read": 2, "classes.for_sale": 2}


def test_a_sold_out_catalogue_in_danish_kroner_is_said_in_status(here: PortalWorld) -> None:
    imported(here, currency="DKK")
    assert publish(here, code=3)["notes"] == [{"code": "currency", "count": 1, "keys": [CLASS]}]
    assert list(classes(here)) == [OTHER]
    assert here.run("publish-classes").code == 0
    assert here.run("status", "--json").json["set_aside"]["portal class"] == [CLASS]


def test_a_class_that_is_withheld_is_printed_once_though_nobody_looks_at_a_terminal(here: PortalWorld) -> None:
    imported(here, currency="DKK")
    said, again = here.run("publish-classes"), here.run("publish-classes")
    assert (said.code, again.code, again.err + again.out) == (3, 0, "")
    assert f"failed: class {CLASS}: its price is in DKK" in said.err


def test_a_dry_run_sends_nothing(here: PortalWorld) -> None:
    plan = publish(here, "--dry-run")["plan"]
    assert [(entry["action"], entry["key"]) for entry in plan] == [("add", CLASS), ("add", OTHER)]
    assert (done(here), here.published()) == ([], {})


def test_all_of_ours_gone_there_stops_the_run_until_the_flag_lets_it_pass(here: PortalWorld) -> None:
    publish(here)
    here.portal.seed({"forget_classes": [CLASS, OTHER]})
    effects(here)
    report = publish(here, code=1)
    assert "--allow-missing" in report["hint"]
    assert done(here) == []
    publish(here, "--allow-missing")
    assert sorted(classes(here)) == [CLASS, OTHER]


def test_without_trainingportal_there_is_nothing_to_do(here: PortalWorld) -> None:
    here.configure(trainingportal=False)
    assert here.run("publish-classes").code == 78


def test_wrong_credentials_stop_the_run(here: PortalWorld) -> None:
    here.portal.seed({"password": "another"})
    assert "trainingportal" in publish(here, code=1)["error"]
    here.portal.seed({"forbidden": {"status": 401, "body": "html"}})
    publish(here, code=1)
    assert (done(here), here.published()) == ([], {})


@pytest.mark.parametrize("path", [r".*/courses/get$", r".*/courseClasses/get$"])
def test_a_list_that_cannot_be_had_changes_nothing(here: PortalWorld, path: str) -> None:
    publish(here)
    imported(here, freeSeats=1, registeredParticipants=19)
    effects(here)
    here.portal_server.faults.add({"match": {"path": path}, "fault": {"kind": "status", "status": 503}})
    publish(here, code=75)
    assert done(here) == []
    here.portal_server.faults.clear()
    publish(here)
    assert classes(here)[CLASS]["availableSeats"] == 1


# 409 is a definite no here; everything else leaves it open whether the call was carried out.
_FAULTS = [fault for fault in UNCLEAR if fault != status(409)]
_PAIRS = [("add", fault) for fault in _FAULTS]
_PAIRS += [
    (call, fault) for call in ("update", "cancel/.*") for fault in [*_FAULTS[::3], {"kind": "body", "what": "object"}]
]


@pytest.mark.parametrize(("call", "fault"), _PAIRS, ids=named)
def test_whatever_becomes_of_a_call_the_end_is_level_and_nothing_is_doubled(
    here: PortalWorld, call: str, fault: dict[str, Any]
) -> None:
    if call != "add":
        publish(here)
        book(here)
        cancelled(here) if call != "update" else imported(here, location="Havnen 9", freeSeats=2)
    effects(here)
    rule = {"match": {"path": rf".*/courseClasses/{call}$"}, "times": 1, "fault": fault}
    here.portal_server.faults.add(rule)
    first = here.run("publish-classes")
    assert first.code in (0, 75), first.err
    with here.store() as db:  # what waits for its next try is due, and what may still arrive has arrived
        db.write("UPDATE outbox SET next_at = 0, sent_at = sent_at - 5, uncertain_since = uncertain_since - 5")
    publish(here)
    with here.store() as db:  # an answer that said nothing is believed until the class should have left the list
        db.write("UPDATE published_classes SET cancelled_at = cancelled_at - 7200")
    publish(here)
    there = classes(here)[CLASS]
    if call == "cancel/.*":
        assert there["cancelled"]
        assert [action for action, key in done(here) if key == CLASS] == ["cancel"]
    else:
        wanted = ("Strandvejen 54", 7) if call == "add" else ("Havnen 9", 2)
        assert (there["cancelled"], there["location"], there["availableSeats"]) == (False, *wanted)
        mails = [effect["mails"] for effect in effects(here) if effect["class"] == CLASS]
        assert sum(mails) <= (0 if call == "add" else 1)
    assert publish(here)["counts"].keys() <= {"classes.read", "classes.for_sale"}
    assert here.rows("SELECT DISTINCT state FROM outbox") == [("completed",)]
