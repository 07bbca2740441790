"""publish-classes recorded and replayed: an empty folder finds the same classes to publish."""

import re
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from portal_tapes import (
    CLASS,
    COURSE,
    OTHER,
    QUIRKS,
    assert_same,
    edited,
    interactions,
    metadata,
    recorded,
    replay,
    replayed,
)

from moments import DRAINED, HELD, LATER, ORDERED, at, moving
from portal_world import PortalWorld


@pytest.fixture
def seller(reseller: PortalWorld) -> PortalWorld:
    """Two classes are in the store and at Trainingportal."""
    for class_id in (CLASS, OTHER):
        reseller.maconomy.seed({"set": {class_id: {"currency": "NOK", "status": "Åben", "freeSeats": 7}}})
    with at(ORDERED):
        assert reseller.run("import-courses").code == 0
        assert reseller.run("publish-classes").code == 0
    return reseller


def imported(reseller: PortalWorld, moment: str = LATER, **changes: Any) -> None:
    for class_id in (CLASS, OTHER):
        reseller.maconomy.seed({"set": {class_id: changes}})
    with at(moment):
        assert reseller.run("import-courses").code == 0


@pytest.mark.parametrize("quirks", QUIRKS, ids=str)
def test_classes_are_published_again_in_an_empty_folder_however_they_are_answered(
    seller: PortalWorld, tape: Path, tmp_path: Path, quirks: dict[str, Any]
) -> None:
    seller.portal.seed(quirks)
    imported(seller, freeSeats=3)
    report = recorded(seller, "publish-classes", tape, LATER)
    assert report["counts"]["trainingportal.class.seats"] == 2  # of one course: their answers must not be exchanged
    assert_same(tape, "publish-classes", report, tmp_path / "empty")


def test_a_quirk_that_is_recorded_is_still_one(seller: PortalWorld, tape: Path) -> None:
    seller.portal.seed({"trailing_commas": True, "blank_keys": True})
    recorded(seller, "publish-classes", tape, LATER)
    [courses, *_] = (one["response"]["body"]["string"] for one in interactions(tape))
    assert courses.startswith('{" courses": [{" externalId": "25172"')
    assert courses.endswith(",}")


def test_a_classs_facts_stay_and_its_trainer_is_not_carried(seller: PortalWorld, tape: Path) -> None:
    imported(seller, freeSeats=3, trainers=[{"trainerId": "HB", "name": "Håkon Bjerknes", "email": "hb@example.org"}])
    recorded(seller, "publish-classes", tape, LATER)
    courses = metadata(tape)["published"]["courses"]
    shown = [(one["id"], one["seats_free"], one["status"]) for one in courses]
    assert shown == [(CLASS, 3, "open"), (OTHER, 3, "open"), ("25172-06", 18, "cancelled")]
    assert courses[0]["venue"]["address"] == "Strandvejen 54"
    assert not any("trainers" in one for one in courses)


def test_what_failed_was_dropped_or_is_in_doubt_is_so_again(seller: PortalWorld, tape: Path, tmp_path: Path) -> None:
    imported(seller, freeSeats=3)
    match = {"path": ".*/courseClasses/update"}
    lost = {"kind": "reset", "when": "after"}
    refused = {"kind": "status", "status": 400}
    seller.portal_server.faults.add(
        [{"match": match, "times": 1, "fault": refused}, {"match": match, "times": 1, "fault": lost}]
    )
    with at(LATER):
        seller.run("publish-classes")
    assert seller.rows("SELECT state FROM outbox WHERE effect LIKE '%class' ORDER BY key") == [
        ("failed",),
        ("processing",),
    ]
    report = recorded(seller, "publish-classes", tape, DRAINED)
    assert report["counts"]["trainingportal.class.failed_before"] == 1
    assert report["counts"]["trainingportal.class.found"] == 1
    assert_same(tape, "publish-classes", report, tmp_path / "empty")
    [[row]] = seller.rows("SELECT id FROM outbox WHERE effect LIKE '%class' AND state = 'failed'")
    assert seller.run("outbox", "drop", str(row)).code == 0
    again = tmp_path / "again.yaml"
    report = recorded(seller, "publish-classes", again, DRAINED)
    assert report["counts"]["trainingportal.class.failed_before"] == 1
    assert_same(again, "publish-classes", report, tmp_path / "empty")


@pytest.mark.parametrize("missing_runs", [1, 3])
def test_a_class_that_is_gone_in_two_lists_is_cancelled_again(
    seller: PortalWorld, tape: Path, tmp_path: Path, missing_runs: int
) -> None:
    policy = seller.home / "jobs" / "import-courses.toml"
    text = re.sub(r"(?m)^missing_runs *= *\d+", f"missing_runs = {missing_runs}", policy.read_text(encoding="utf-8"))
    policy.write_text(text, encoding="utf-8")
    seller.maconomy.seed({"remove": [OTHER]})
    for moment in (LATER, HELD):
        with at(moment):
            assert seller.run("import-courses").code == 0
    report = recorded(seller, "publish-classes", tape, HELD)
    assert report["counts"]["trainingportal.class.cancelled"] == 1
    assert_same(tape, "publish-classes", report, tmp_path / "empty")


def test_a_class_that_is_withheld_is_news_in_the_replay_as_it_was_to_the_run(
    seller: PortalWorld, tape: Path, tmp_path: Path
) -> None:
    imported(seller, currency="DKK")
    report = recorded(seller, "publish-classes", tape, LATER, code=3)
    assert_same(tape, "publish-classes", report, tmp_path / "new")
    again = tmp_path / "again.yaml"
    report = recorded(seller, "publish-classes", again, DRAINED)
    assert_same(again, "publish-classes", report, tmp_path / "known")


def test_a_dry_run_is_replayed_as_one(seller: PortalWorld, tape: Path, tmp_path: Path) -> None:
    imported(seller, freeSeats=3)
    with moving(LATER):
        report = seller.run("publish-classes", "--dry-run", "--record", str(tape), "--json").json
    again = replayed(tape, "publish-classes", tmp_path / "empty")
    assert [one["key"] for one in again["plan"]] == [one["key"] for one in report["plan"]] == [CLASS, OTHER]
    assert again["counts"] == report["counts"]


def test_seats_that_are_held_are_counted_and_nobody_of_their_orders_is_carried(
    seller: PortalWorld, tape: Path, tmp_path: Path
) -> None:
    seller.order(3)
    report = recorded(seller, "publish-classes", tape, LATER)
    assert report["counts"]["trainingportal.class.seats"] == 1
    assert [one["held"] for one in metadata(tape)["published"]["courses"]] == [3, 0, 0]
    assert "participants" not in str(metadata(tape)["published"])
    at_home = seller.run("publish-classes", "--replay", str(tape), "--json").json
    assert (at_home["exit_code"], at_home["counts"]) == (0, report["counts"])
    assert seller.rows("SELECT seats, state FROM orders") == [(3, "complete")]
    assert_same(tape, "publish-classes", report, tmp_path / "empty")


def test_wrong_credentials_are_told_as_such_again(seller: PortalWorld, tape: Path, tmp_path: Path) -> None:
    seller.portal.seed({"password": "another"})
    report = recorded(seller, "publish-classes", tape, LATER, code=1)
    again = replayed(tape, "publish-classes", tmp_path / "empty")
    assert again["error"] == report["error"]
    assert again["exit_code"] == report["exit_code"]


@pytest.mark.parametrize("echoed", [lambda text: text, quote_plus, quote], ids=["plain", "form", "address"])
def test_a_password_that_is_sent_back_keeps_the_recording_from_being_written(
    seller: PortalWorld, tape: Path, echoed: Any
) -> None:
    secret = "open sesame & more"
    with (seller.home / ".env").open("a", encoding="utf-8") as file:
        file.write(f"TRAININGPORTAL_PASSWORD={secret}\n")
    seller.portal.seed({"password": secret, "courses": {COURSE: f"Kursus {echoed(secret)}"}})
    with moving(LATER):
        result = seller.run("publish-classes", "--record", str(tape), "--json")
    assert result.code == 70
    assert "a secret of this home would be in it" in result.out
    assert not tape.exists()


@pytest.mark.parametrize(
    "change",
    [
        lambda rows: rows.pop("pulled_at"),
        lambda rows: rows.update(courses=None),
        lambda rows: rows["courses"][0].update(status="sold"),
        lambda rows: rows["courses"][0].update(held="many"),
        lambda rows: rows["published"][0].update(state="sold"),
        lambda rows: rows["published"][0]["facts"].pop("seats"),
        lambda rows: rows["messages"][0].update(hash="x"),
    ],
)
def test_classes_that_do_not_fit_are_a_bad_request(
    seller: PortalWorld, tape: Path, tmp_path: Path, change: Any
) -> None:
    recorded(seller, "publish-classes", tape, LATER)
    edited(tape, "published", change)
    result = replay(tape, "publish-classes", tmp_path / "empty")
    assert result.code == 2
    assert "metadata.published" in result.out
