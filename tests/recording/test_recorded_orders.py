"""sync-orders recorded and replayed: the orders that waited travel along, with made-up people."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from integrator.standins.mailgun import KEY
from world import MACONOMY_AUTH, Result, World

PERSONAL = re.compile(r"Bjørk|Nørgård|Gitte|Kjærgård|Ærø|p\d\.a@|gitte\.|Vegetar|kurser@", re.IGNORECASE)


@pytest.fixture
def post(here: World) -> World:
    """A home with Mailgun switched on."""
    here.configure(mailgun=True)
    return here


def replay(folder: Path, tape: Path, *options: str) -> Result:
    folder.mkdir(exist_ok=True)
    nothing: Any = None
    return World(folder, nothing, nothing, nothing, (nothing, nothing, nothing)).run(
        "sync-orders", "--replay", str(tape), *options
    )


def recorded(here: World, tape: Path, *options: str, code: int = 0) -> dict[str, Any]:
    result = here.run("sync-orders", "--record", str(tape), "--json", *options)
    assert result.code == code, result.err + result.out
    report: dict[str, Any] = result.json
    return report


def numbers(report: dict[str, Any]) -> dict[str, Any]:
    return {name: report[name] for name in ("exit_code", "counts", "failed", "waiting")}


def test_orders_are_registered_and_confirmed_again_in_an_empty_folder(post: World, tape: Path, tmp_path: Path) -> None:
    post.order(2)
    report = recorded(post, tape)
    assert report["counts"]["mailgun.confirmation.sent"] == 3
    again = replay(tmp_path / "empty", tape, "--json")
    assert again.code == 0, again.err
    assert numbers(again.json) == numbers(report)
    total = len(yaml.safe_load(tape.read_text(encoding="utf-8"))["interactions"])
    assert f"replayed {total} of {total} recorded requests" in again.out
    assert list((tmp_path / "empty").iterdir()) == []


def test_at_home_a_replay_sees_what_the_recorded_run_saw_and_changes_nothing(post: World, tape: Path) -> None:
    post.order(2)
    report = recorded(post, tape)
    post.order(1, who="b")
    before = post.rows("SELECT effect, key, state FROM outbox ORDER BY id")
    again = post.run("sync-orders", "--replay", str(tape), "--json")
    assert numbers(again.json) == numbers(report)
    assert post.rows("SELECT effect, key, state FROM outbox ORDER BY id") == before


def test_nobody_and_no_secret_is_in_the_file(post: World, tape: Path) -> None:
    post.order(2)
    recorded(post, tape)
    text = tape.read_text(encoding="utf-8")
    assert not PERSONAL.search(text), PERSONAL.search(text)
    assert not any(secret in text for secret in (KEY, MACONOMY_AUTH.split()[1], "127.0.0.1", "mg.example.org"))
    addresses = set(re.findall(r"[\w.+-]+@[\w.-]+\w", text))
    assert all(re.fullmatch(r"(person\d+|sender)@example\.org", found) for found in addresses), addresses


def test_a_participant_is_the_same_in_the_order_the_registration_and_the_mail(post: World, tape: Path) -> None:
    post.order(1)
    recorded(post, tape)
    whole = yaml.safe_load(tape.read_text(encoding="utf-8"))
    [person] = whole["metadata"]["waiting"]["participants"]
    sent = [str(one["request"]["body"]) for one in whole["interactions"] if one["request"]["method"] == "POST"]
    registration, to_participant, _ = sent
    for name in ("first_name", "last_name", "email"):
        assert person[name] in registration
        assert person[name] in to_participant
    assert person["reference"] in registration


def test_a_refusal_and_a_lost_mail_are_replayed(post: World, tape: Path, tmp_path: Path) -> None:
    post.order(2)
    post.maconomy.seed({"refuse": {"p2.a@example.org": "VALIDATION"}})
    lost = {"kind": "reset", "when": "after"}
    post.servers[2].faults.add([{"match": {"method": "POST"}, "times": 1, "fault": lost}])
    report = post.run("sync-orders", "--record", str(tape), "--json").json
    assert report["failed"]
    assert report["waiting"]
    assert numbers(replay(tmp_path / "empty", tape, "--json").json) == numbers(report)


def test_a_mail_in_doubt_is_looked_up_again(post: World, tape: Path, tmp_path: Path) -> None:
    post.order(1)
    lost = {"kind": "reset", "when": "after"}
    post.servers[2].faults.add([{"match": {"method": "POST"}, "times": 1, "fault": lost}])
    post.run("sync-orders")
    report = recorded(post, tape)
    assert report["counts"]["mailgun.confirmation.found"] == 1
    assert numbers(replay(tmp_path / "empty", tape, "--json").json) == numbers(report)


@pytest.mark.parametrize(
    "change",
    [
        lambda waiting: waiting.pop("outbox"),
        lambda waiting: waiting.update(orders=7),
        lambda waiting: waiting["orders"][0].pop("class"),
        lambda waiting: waiting["orders"][0].update(state="sold"),
        lambda waiting: waiting["participants"][0].update(order_id=4),
        lambda waiting: waiting["outbox"][0].update(effect="wordpress.course"),
        lambda waiting: waiting["outbox"][0].update(state="lost"),
        lambda waiting: waiting["outbox"].append(waiting["outbox"][0] | {"body": {"other": 1}}),
        lambda waiting: waiting.update(counters=[]),
    ],
)
def test_orders_that_do_not_fit_are_a_bad_request(post: World, tape: Path, tmp_path: Path, change: Any) -> None:
    post.order(1)
    recorded(post, tape)
    whole = yaml.safe_load(tape.read_text(encoding="utf-8"))
    change(whole["metadata"]["waiting"])
    tape.write_text(yaml.safe_dump(whole, allow_unicode=True), encoding="utf-8")
    result = replay(tmp_path / "empty", tape)
    assert result.code == 2
    assert "metadata.waiting" in result.err
