"""send-participants recorded and replayed: the classes, their trainers and what was sent before travel along."""

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from integrator.standins.mailgun import KEY
from jobs.sending import (
    ASE,
    CLASS,
    JORGEN,
    POST,
    THE_DAY_BEFORE,
    pass_time,
    ready,
    send,
    set_course,
    set_people,
    trainer,
)
from record_cassettes import CHANGED, at
from world import MACONOMY_AUTH, Result, World

LOST = {"match": POST, "times": 1, "fault": {"kind": "reset", "when": "after"}}
TWO = ({"lastName": "Holm", "email": "h@example.org"}, {"lastName": "Ager", "email": "a@example.org"})


@pytest.fixture
def post(here: World) -> World:
    """A home whose catalogue is there, and Mailgun switched on."""
    ready(here)
    set_people(here, *TWO)
    return here


def recorded(here: World, tape: Path, *options: str, code: int = 0) -> dict[str, Any]:
    with at(CHANGED):
        result = here.run("send-participants", *(options or THE_DAY_BEFORE), "--record", str(tape), "--json")
    assert result.code == code, result.err + result.out
    report: dict[str, Any] = result.json
    return report


def replay(folder: Path, tape: Path, *options: str) -> Result:
    folder.mkdir(exist_ok=True)
    nothing: Any = None
    elsewhere = World(folder, nothing, nothing, nothing, (nothing, nothing, nothing))
    return elsewhere.run("send-participants", *(options or THE_DAY_BEFORE), "--replay", str(tape), "--json")


def numbers(report: dict[str, Any]) -> dict[str, Any]:
    names = ("exit_code", "counts", "failed", "waiting", "error")
    return {name: report[name] for name in names}


def same(here: World, tape: Path, tmp_path: Path, *options: str, code: int = 0) -> dict[str, Any]:
    """Record, and replay in an empty folder: both end the same, and nothing of the recording is left over."""
    report = recorded(here, tape, *options, code=code)
    again = replay(tmp_path / "empty", tape, *options).json
    assert numbers(again) == numbers(report)
    assert not any("counted otherwise" in remark for remark in again["remarks"])
    total = len(metadata(tape, "interactions"))
    assert f"replayed {total} of {total} recorded requests" in str(again["remarks"])
    assert list((tmp_path / "empty").iterdir()) == []
    return report


def metadata(tape: Path, *names: str) -> Any:
    found = yaml.safe_load(tape.read_text(encoding="utf-8"))
    for name in names:
        found = found[name]
    return found


def classes(tape: Path) -> list[str]:
    return [row["id"] for row in metadata(tape, "metadata", "classes", "courses")]


def test_lists_are_sent_again_in_an_empty_folder(post: World, tape: Path, tmp_path: Path) -> None:
    assert same(post, tape, tmp_path)["counts"]["mailgun.participant-list.sent"] == 2


def test_a_list_that_had_been_sent_is_not_sent_again(post: World, tape: Path, tmp_path: Path) -> None:
    send(post)
    assert same(post, tape, tmp_path)["counts"] == {"classes.read": 1}


def test_a_list_that_had_changed_is_changed_again(post: World, tape: Path, tmp_path: Path) -> None:
    send(post)
    set_people(post, *TWO, {"lastName": "Lund"})
    assert same(post, tape, tmp_path)["counts"]["lists.changed"] == 2
    assert {row["version"] for row in metadata(tape, "metadata", "classes", "lists")} == {1}
    keys = re.findall(r"participant-list:\S+:(\d+)\n", tape.read_text(encoding="utf-8"))
    assert set(keys) == {"1", "2"}


def test_a_new_trainer_is_told_from_one_who_had_the_list(post: World, tape: Path, tmp_path: Path) -> None:
    set_course(post, trainers=[trainer(ASE)])
    set_people(post, *TWO, trainers=[trainer(ASE)])
    send(post)
    set_course(post, trainers=[trainer(ASE.upper()), trainer(JORGEN)])
    assert same(post, tape, tmp_path)["counts"] == {
        "classes.read": 1,
        "lists.new": 1,
        "mailgun.participant-list.sent": 1,
    }


def test_a_mail_in_doubt_is_found_again_under_its_key(post: World, tape: Path, tmp_path: Path) -> None:
    post.servers[2].faults.add(LOST)
    send(post)
    pass_time(post)
    assert same(post, tape, tmp_path)["counts"]["mailgun.participant-list.found"] == 1


def test_a_mail_in_doubt_that_nobody_tells_of_is_sent_again(post: World, tape: Path, tmp_path: Path) -> None:
    post.servers[2].faults.add(LOST | {"fault": {"kind": "reset", "when": "before"}})
    send(post)
    pass_time(post)
    assert same(post, tape, tmp_path)["counts"]["mailgun.participant-list.sent"] == 1


def test_a_newer_list_whose_answer_is_lost_has_the_same_version(post: World, tape: Path, tmp_path: Path) -> None:
    send(post)
    set_people(post, *TWO, {"lastName": "Lund"})
    post.servers[2].faults.add(LOST)
    reports = recorded(post, tape, code=75), replay(tmp_path / "empty", tape).json
    first, second = ([re.sub("[0-9a-f]{12}", "", one["item"]) for one in report["waiting"]] for report in reports)
    assert first == second == [f"mailgun.participant-list participant-list:{CLASS}:2027-03-01::2"]


def test_a_plan_is_replayed_too(post: World, tape: Path, tmp_path: Path) -> None:
    send(post)
    set_people(post, *TWO, {"lastName": "Lund"})
    assert same(post, tape, tmp_path, *THE_DAY_BEFORE, "--dry-run")["counts"]["lists.changed"] == 2


def test_one_class_asked_for_by_its_number_travels_whatever_its_days(post: World, tape: Path, tmp_path: Path) -> None:
    set_people(post, *TWO, class_id="25172-05")
    options = ("--class", "25172-05", "--date", "2027-02-28")
    assert same(post, tape, tmp_path, *options)["counts"]["mailgun.participant-list.sent"] == 1
    assert "25172-05" in classes(tape)


def test_the_classes_of_the_next_weeks_travel_and_no_others(post: World, tape: Path) -> None:
    with post.store() as db:
        db.write("UPDATE courses SET start = '2027-05-01', \"end\" = '2027-05-02' WHERE id = '25172-05'")
        db.write("UPDATE courses SET start = '2027-04-20', \"end\" = NULL WHERE id = '25191-11'")
        db.write("UPDATE courses SET start = '2027-02-10', \"end\" = '2027-02-20' WHERE id = '25172-06'")
    recorded(post, tape, "--days-ahead", "0")
    assert classes(tape) == [CLASS, "25180-01", "25191-11"]
    tape.unlink()
    with post.store() as db:
        db.write("UPDATE courses SET missing_runs = 3 WHERE id = '25180-01'")
    recorded(post, tape, "--days-ahead", "0")
    assert classes(tape) == [CLASS, "25191-11"]


def test_a_class_without_an_address_has_none_again(post: World, tape: Path, tmp_path: Path) -> None:
    with post.store() as db:
        named = json.dumps([{"id": "ID", "name": "Ida Lind", "email": "åse@example.org"}])
        db.write("UPDATE courses SET trainers = ? WHERE id = ?", (named, CLASS))
    report = same(post, tape, tmp_path, code=3)
    assert report["failed"][0]["item"] == f"class {CLASS}"


@pytest.mark.parametrize(("status", "code"), [(401, 1), (503, 75)])
def test_trouble_is_replayed(status: int, code: int, post: World, tape: Path, tmp_path: Path) -> None:
    rule = {"match": {"path": f"/api/participant/{CLASS}"}, "fault": {"kind": "status", "status": status}}
    post.servers[0].faults.add(rule)
    same(post, tape, tmp_path, code=code)


def test_at_home_a_replay_sees_what_the_recorded_run_saw_and_changes_nothing(post: World, tape: Path) -> None:
    report = recorded(post, tape)
    tables = ("participant_lists", "outbox", "courses", "mails", "set_aside")
    before = [post.rows(f"SELECT * FROM {table}") for table in tables]
    again = post.run("send-participants", *THE_DAY_BEFORE, "--replay", str(tape), "--json")
    assert numbers(again.json) == numbers(report)
    assert [post.rows(f"SELECT * FROM {table}") for table in tables] == before


def test_nobody_no_hash_of_anybody_and_no_secret_is_in_the_file(post: World, tape: Path) -> None:
    send(post)
    set_people(post, *TWO, {"lastName": "Lund", "company": "Blåbær ApS"})
    set_course(post, trainers=[trainer(ASE, "Åse Østergård")])
    recorded(post, tape)
    text = tape.read_text(encoding="utf-8")
    hashes = {value for row in post.rows("SELECT recipient, fingerprint FROM participant_lists") for value in row}
    assert len(hashes - {""}) >= 3
    key = (post.home / "var" / "erasures.key").read_text(encoding="ascii").strip()
    for real in (
        *hashes - {""},
        key,
        KEY,
        MACONOMY_AUTH.split()[1],
        "Østergård",
        "Holm",
        "Krag",
        "Blåbær",
        "127.0.0.1",
    ):
        assert real not in text, real
    assert all(found.endswith("@example.org") for found in re.findall(r"[\w.+-]+@[\w.-]+\w", text))
    assert not {ASE, JORGEN, "h@example.org"} & set(re.findall(r"[\w.+-]+@[\w.-]+\w", text))


def test_a_trainer_is_the_same_in_the_catalogue_and_in_the_mail(post: World, tape: Path) -> None:
    recorded(post, tape)
    [course] = [row for row in metadata(tape, "metadata", "classes", "courses") if row["id"] == CLASS]
    bodies = str(
        [one["request"]["body"] for one in metadata(tape, "interactions") if one["request"]["method"] == "POST"]
    )
    assert len(course["trainers"]) == 2
    assert all(f"{person['name']} <{person['email']}>" in bodies for person in course["trainers"])


def test_a_replay_that_counts_otherwise_says_so(post: World, tape: Path, tmp_path: Path) -> None:
    recorded(post, tape)
    whole = metadata(tape)
    whole["metadata"]["counts"]["lists.new"] = 7
    tape.write_text(yaml.safe_dump(whole, allow_unicode=True), encoding="utf-8")
    again = replay(tmp_path / "empty", tape).json
    assert again["exit_code"] == 0
    assert "the recorded run counted otherwise: lists.new" in again["remarks"]


@pytest.mark.parametrize(
    "change",
    [
        lambda classes: classes.pop("courses"),
        lambda classes: classes.update(courses=7),
        lambda classes: classes.pop("lists"),
        lambda classes: classes["courses"][0].pop("title"),
        lambda classes: classes["courses"][0].update(status="sold"),
        lambda classes: classes["courses"][0].update(trainers=[{"id": 1}]),
        lambda classes: classes["courses"].append(classes["courses"][0]),
        lambda classes: classes["lists"][0].update(version="one"),
        lambda classes: classes["lists"][0].pop("day"),
    ],
)
def test_classes_that_do_not_fit_are_a_bad_request(post: World, tape: Path, tmp_path: Path, change: Any) -> None:
    send(post)
    recorded(post, tape)
    whole = metadata(tape)
    change(whole["metadata"]["classes"])
    tape.write_text(yaml.safe_dump(whole, allow_unicode=True), encoding="utf-8")
    (tmp_path / "empty").mkdir()
    nothing: Any = None
    elsewhere = World(tmp_path / "empty", nothing, nothing, nothing, (nothing, nothing, nothing))
    result = elsewhere.run("send-participants", *THE_DAY_BEFORE, "--replay", str(tape))
    assert result.code == 2
    assert "metadata.classes" in result.err
    assert os.listdir(tmp_path / "empty") == []
