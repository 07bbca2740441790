"""`workshop health` and what `status` says of workshops: the numbers, and what needs a person."""

import json
import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from operating import Run, add_run, files_of
from workshops import LOCK, NOW, PASSWORD, Floor, configure

from integrator.database import Database
from integrator.runtime import lock
from integrator.runtime.history import History
from integrator.store.workshops import Workshops

MINUTE, HOUR, DAY = 60, 3_600, 86_400


@pytest.fixture(autouse=True)
def _workshops(home: Path) -> None:
    configure(home)


@pytest.fixture
def now(clock: Callable[[str], int]) -> int:
    return clock(NOW)


@pytest.fixture
def floor(store: Database, now: int) -> Floor:
    """Bennys Auto, whose job ran a minute ago."""
    add_run(store, "push-orderline", now - MINUTE)
    return Floor(store)


# health -------------------------------------------------------------------------------------------------------------


class Seen(NamedTuple):
    code: int
    healthy: bool
    problems: list[str]
    notes: list[str]
    first: dict[str, Any]


def health(run: Run, *names: str) -> Seen:
    result = run("workshop", "health", *names, "--json")
    assert result.err == ""
    facts = result.json()
    problems, notes = ([worry["kind"] for worry in facts[name]] for name in ("problems", "notes"))
    return Seen(result.code, facts["healthy"], problems, notes, facts["workshops"][0])


def test_a_new_home_is_healthy_and_looking_makes_nothing(run: Run, home: Path) -> None:
    before = files_of(home)
    result = run("workshop", "health")
    assert (result.code, result.err) == (0, "")
    assert result.out.splitlines()[-1] == "healthy"
    assert files_of(home) == before


def test_the_numbers_of_a_workshop_are_those_of_its_orderlines(run: Run, floor: Floor, now: int) -> None:
    other = Floor(floor.db, "nord")
    other.order("0001", now - 3 * HOUR)
    floor.done("1", now - 8 * DAY, seconds=500)  # too long ago for the median
    for number, seconds in enumerate((2, 3, 90)):
        floor.done(f"2{number}", now - 2 * HOUR + number, seconds=seconds)
    floor.done("30", now - 2 * HOUR + 100, confidence="by count")
    floor.failed("40", now - 2 * DAY)
    floor.failed("41", now - 2 * HOUR)
    floor.failed("42", now - 2 * HOUR, code="manual-check")
    floor.doubt("50", now - 10 * MINUTE)
    floor.claimed("51", now - MINUTE)
    floor.order("60", now - 30 * MINUTE)
    floor.order("61", now - 10)
    with floor.db.tx():
        Workshops(floor.db).logged_in("bennys-auto", at=now - HOUR)
        Workshops(floor.db).refused("bennys-auto", "rejected", None, "no JSON", at=now)
        Workshops(floor.db).refused("bennys-auto", "reused", "20", "other content", at=now)
    first = health(run, "Bennys Auto").first
    assert first == {
        "id": "bennys-auto",
        "name": "Bennys Auto",
        "type": "au2office",
        "active": True,
        "blocked": None,
        "blocked_reason": None,
        "blocked_at": None,
        "paused_until": None,
        "queued": 2,
        "processing": 2,
        "in_doubt": ["50"],
        "failed_24h": 2,
        "manual_checks": ["42"],
        "oldest_waiting_s": 30 * MINUTE,
        "last_ok_at": "2026-08-03T10:01:42Z",
        "last_login_ok_at": "2026-08-03T11:00:00Z",
        "median_s_per_order": 3,
        "by_count": ["30"],
        "rejected": 1,
        "reused": 1,
        "run": None,
    }


def test_without_a_name_there_is_a_row_for_each_and_lines_fit(run: Run, floor: Floor, now: int) -> None:
    floor.order("0007", now - 90)
    floor.block("login-refused", now - 2 * HOUR)
    result = run("workshop", "health")
    assert "env ERP_PASSWORD), then: integrator workshop test-login bennys-auto" in result.out
    assert PASSWORD not in result.out
    lines = result.out.splitlines()
    assert [line.split() for line in lines if line.startswith(" bennys-auto")] == [
        ["bennys-auto", "blocked", "1", "0", "0", "0", "0"],
        ["bennys-auto", "au2office", "90", "s", "-", "-"],
    ]
    assert [line.split()[1] for line in lines if line.startswith(" nord")] == ["active", "admanager"]
    tables = [line for line in lines if line.startswith(" ") and "→" not in line]
    assert max(map(len, tables)) <= 80
    assert "needs a person: bennys-auto: blocked for 2 h: login-refused (login afvist); 1 orderline(s) wait" in lines
    assert result.code == 1


WELL: list[tuple[str, Callable[[Floor, int], object], list[str], list[str]]] = [
    ("nothing at all", lambda floor, now: None, [], []),
    ("a young doubt", lambda floor, now: floor.doubt("7", now - 59 * MINUTE), [], []),
    ("an old doubt", lambda floor, now: floor.doubt("7", now - 61 * MINUTE), ["doubt"], []),
    ("a run that died after arming", lambda floor, now: floor.armed("7", now - 61 * MINUTE), ["doubt"], []),
    ("a manual check", lambda floor, now: floor.failed("7", now, code="manual-check"), ["manual-check"], []),
    ("a block", lambda floor, now: floor.block("layout-changed", now), ["blocked"], []),
    ("an old order", lambda floor, now: floor.order("7", now - 61 * MINUTE), [], ["waiting"]),
    ("a failed one", lambda floor, now: floor.failed("7", now), [], ["failed"]),
]


@pytest.mark.parametrize(("happened", "problems", "notes"), [row[1:] for row in WELL], ids=[row[0] for row in WELL])
def test_what_makes_a_workshop_unwell(
    run: Run, floor: Floor, now: int, happened: Callable[[Floor, int], object], problems: list[str], notes: list[str]
) -> None:
    happened(floor, now)
    seen = health(run, "bennys-auto")
    assert (seen.code, seen.healthy) == (int(bool(problems)), not problems)
    assert (seen.problems, seen.notes) == (problems, notes)
    assert health(run, "nord").problems == []


def test_what_a_person_has_settled_or_archived_is_no_trouble(run: Run, floor: Floor, now: int) -> None:
    floor.failed("1", now - 61 * MINUTE, code="manual-check")
    floor.failed("2", now - 61 * MINUTE)
    floor.failed("3", now - 61 * MINUTE)
    with floor.db.tx():
        floor.lines.settled("bennys-auto/1", "resolved", "it is not there", at=now)
        floor.lines.settled("bennys-auto/2", "cleared", "by a person", at=now)
        floor.lines.archive("bennys-auto", ["3"], at=now)
    seen = health(run, "bennys-auto")
    assert (seen.problems, seen.notes, seen.first["failed_24h"]) == ([], [], 1)


def test_a_job_that_does_not_come_round_is_late_unless_all_is_switched_off(
    run: Run, home: Path, store: Database, now: int
) -> None:
    add_run(store, "push-orderline", now - 2 * HOUR)
    assert health(run).problems == ["late"]
    for workshop in ("bennys-auto", "nord"):
        run("workshop", "deactivate", workshop)
    assert health(run).problems == []


def test_a_store_that_cannot_be_written_makes_all_unwell(
    run: Run, floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=0))
    assert health(run).problems == ["store"]


def test_a_run_that_works_is_named_and_what_it_has_armed_is_no_doubt(
    run: Run, home: Path, floor: Floor, now: int
) -> None:
    floor.armed("7", now - 2 * HOUR)
    History(floor.db).start("push-orderline", at=now - MINUTE, scope="bennys-auto")
    since = datetime.fromtimestamp(now - MINUTE, UTC)
    with lock.hold(home / "var" / "locks", LOCK, since=since):
        seen = health(run, "bennys-auto")
    assert seen.problems == []
    assert seen.first["run"] == {"run_id": 2, "pid": os.getpid(), "since": "2026-08-03T11:59:00Z", "alive": True}
    assert health(run, "bennys-auto").first["run"] is None  # its lock is free: it has died


def test_a_lock_whose_holder_is_gone_is_said(run: Run, home: Path, floor: Floor, now: int) -> None:
    History(floor.db).start("push-orderline", at=now - MINUTE, scope="bennys-auto")
    locks = home / "var" / "locks"
    with lock.hold(locks, LOCK, since=datetime.fromtimestamp(now, UTC)):
        path = locks / f"{LOCK}.lock"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"started": 1}))
        seen = health(run, "bennys-auto")
    assert (seen.code, seen.problems, seen.first["run"]["alive"]) == (1, ["lock"], False)


def test_counted_lines_and_orders_nobody_could_keep_are_noted(run: Run, floor: Floor, now: int) -> None:
    floor.done("30", now - HOUR, confidence="by count")
    with floor.db.tx():
        Workshops(floor.db).refused("bennys-auto", "reused", "0007", "other content", at=now - MINUTE)
        Workshops(floor.db).refused("-", "rejected", None, "no JSON", at=now - MINUTE)
    assert health(run).notes == ["refused", "refused"]
    result = run("workshop", "health")
    assert result.code == 0
    assert "note: bennys-auto: counted, not read back: 30: compare them with the cases; what is there:" in result.out
    named = "0 order(s) had no id to keep, 1 an id with other content: 0007 (1 min ago: other content)"
    assert f"note: bennys-auto: {named}" in result.out
    assert "note: 1 order(s) named no workshop of ours, or had no id to keep: no id (1 min ago: no JSON)" in result.out
    assert "→ there are: bennys-auto (Bennys Auto), nord (Nord Biler); send each anew" in result.out


def test_what_was_refused_is_named_until_a_person_has_seen_to_it(run: Run, quiet: Floor, now: int) -> None:
    with quiet.db.tx():
        Workshops(quiet.db).refused("bennys-auto", "reused", "0007", "other content", at=now)
        Workshops(quiet.db).refused("-", "rejected", "0008", "no such workshop", at=now)
    told = run("workshop", "health", "--json").json()["refused"]
    assert [(one["workshop"], one["unique_id"], one["at"]) for one in told] == [
        ("bennys-auto", "0007", "2026-08-03T12:00:00Z"),
        (None, "0008", "2026-08-03T12:00:00Z"),
    ]
    assert [then.partition("integrator ")[2] for _, then in troubles(run)] == [
        "workshop health bennys-auto --seen",
        "workshop health --seen",
    ]
    one = run("workshop", "health", "bennys-auto", "--seen")
    assert (one.code, "1 refused order(s) are seen to" in one.err) == (0, True)
    assert [what[:10] for what, _ in troubles(run)] == ["1 order(s)"]
    assert "1 refused order(s) are seen to" in run("workshop", "health", "--seen").err
    assert troubles(run) == []
    assert run("status", "--json").json()["set_aside"] == {}


def test_a_spool_that_cannot_be_looked_at_is_said(run: Run, home: Path, quiet: Floor) -> None:
    (home / "var" / "spool").mkdir(exist_ok=True)
    (home / "var" / "spool" / "orderlines").touch()
    [(what, _)] = troubles(run)
    assert what.endswith("var/spool/orderlines: Not a directory: no order that lies there is taken")


def test_files_that_no_workshop_takes_need_a_person(run: Run, home: Path, quiet: Floor) -> None:
    spool = home / "var" / "spool" / "orderlines"
    for name in ("mikes/e.json", "h.json", "bennys-auto/c.txt", "Bennys Auto/d.json"):
        (spool / name).parent.mkdir(parents=True, exist_ok=True)
        (spool / name).touch()
    what = "3 file(s) lie where no workshop takes them: bennys-auto/c.txt, h.json, mikes/e.json"
    then = "move each to var/spool/orderlines/ID/NAME.json (ID: bennys-auto, nord), or delete it"
    assert troubles(run) == [(what, then)]
    assert (health(run).code, health(run).problems) == (1, ["untaken"])
    assert health(run, "nord").problems == []


def test_what_a_killed_run_was_taking_in_for_a_workshop_that_is_gone_needs_a_person(
    run: Run, home: Path, quiet: Floor
) -> None:
    """Its orders are in no store, and the logins in them are not masked yet."""
    spool = home / "var" / "spool" / "orderlines"
    for name in ("mikes/taking/e.json", "Bennys Auto/taking/f.json", "bennys-auto/taking/g.json", "mikes/done/h.json"):
        (spool / name).parent.mkdir(parents=True, exist_ok=True)
        (spool / name).touch()
    what = "2 file(s) lie where no workshop takes them: Bennys Auto/taking/f.json, mikes/taking/e.json"
    assert [said for said, _ in troubles(run)] == [what]


# status -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def quiet(floor: Floor, now: int) -> Floor:
    """All that is not of workshops is as it should be."""
    for job in ("clear-reservations", "gdpr-cleanup", "store-backup"):
        add_run(floor.db, job, now - MINUTE)
    return floor


def troubles(run: Run) -> list[tuple[str, str]]:
    facts = run("status", "--json").json()
    return [(problem["what"], problem["next"]) for problem in facts["problems"]]


def test_status_needs_nobody_while_the_workshops_are_well(run: Run, quiet: Floor, now: int) -> None:
    quiet.order("0007", now - MINUTE)
    quiet.done("0008", now - HOUR)
    assert troubles(run) == []


def test_status_says_what_a_workshop_needs_and_what_to_type(run: Run, quiet: Floor, now: int) -> None:
    nord = Floor(quiet.db, "nord")
    nord.order("5", now - 2 * HOUR)
    nord.block("layout-changed", now - HOUR)
    quiet.failed("1", now - HOUR, code="manual-check")
    quiet.failed("2", now - HOUR)
    quiet.order("3", now - 2 * HOUR)
    assert troubles(run) == [
        (
            "bennys-auto: orderline 1 cannot be told to be on the case or not (manual check)",
            "look at the case, then: integrator orderline resolve --workshop bennys-auto 1"
            " --as completed|failed --note TEXT",
        ),
        (
            "bennys-auto: orderline 2 failed or refused",
            "integrator orderline queue --workshop bennys-auto --type error, then orderline retry or clear them",
        ),
        (
            "bennys-auto: 1 orderline(s) wait, the oldest for 2 h",
            "integrator orderline queue --workshop bennys-auto --type task",
        ),
        (
            "nord: blocked for 1 h: layout-changed (skærmbillede ændret); 1 orderline(s) wait",
            "mend config/workshops/admanager.toml, then: integrator workshop activate nord --unblock",
        ),
    ]


def test_orders_that_wait_for_a_workshop_that_is_switched_off_or_gone_are_said(
    run: Run, home: Path, quiet: Floor, now: int
) -> None:
    quiet.order("3", now - 2 * HOUR)
    Floor(quiet.db, "syd").order("4", now)
    run("workshop", "deactivate", "bennys-auto")
    assert troubles(run) == [
        (
            "bennys-auto: switched off for 0 s; 1 orderline(s) wait, the oldest for 2 h",
            "integrator workshop activate bennys-auto",
        ),
        ("syd: 1 orderline(s) wait, and config/workshops.toml has no such workshop", "put [syd] there again"),
    ]


def test_a_workshop_that_was_forgotten_switched_off_needs_a_person_after_a_day(
    run: Run, clock: Callable[[str], int], quiet: Floor, now: int
) -> None:
    run("workshop", "deactivate", "bennys-auto")
    quiet.order("3", now)
    assert (health(run).notes, health(run).problems, troubles(run)) == (["off"], [], [])
    clock("2026-08-04 13:00")
    seen = health(run, "bennys-auto")
    assert "forgotten" in seen.problems
    assert "bennys-auto: switched off for 1 d 1 h; 1 orderline(s) wait, the oldest for 1 d 1 h" in [
        what for what, _ in troubles(run)
    ]
    run("workshop", "activate", "bennys-auto")
    assert "forgotten" not in health(run, "bennys-auto").problems


def test_orders_that_only_wait_since_a_restore_are_no_doubt(run: Run, quiet: Floor, now: int) -> None:
    quiet.order("7", now - HOUR)
    quiet.doubt("8", now - HOUR)
    quiet.db.write("UPDATE outbox SET state = 'processing', sent_at = ?1, uncertain_since = ?1", (now - HOUR,))
    assert [what for what, _ in troubles(run)] == [
        "workshop.orderline: 1 message(s) were begun, and nobody knows whether they arrived"
    ]
    first = health(run, "bennys-auto").first
    assert (first["queued"], first["processing"]) == (1, 1)


def test_status_says_that_no_run_can_begin(run: Run, quiet: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=0))
    [(what, then)] = troubles(run)
    assert what.startswith("store: the disk is full where ")
    assert what.endswith(": no run can begin")
    assert then == "integrator check"


def test_a_doubt_is_said_once_it_must_have_settled(run: Run, quiet: Floor, now: int) -> None:
    quiet.doubt("7", now - 159)  # 120 s of quiet, and twice the 20 s of a page
    assert troubles(run) == []
    quiet.doubt("8", now - 161)
    assert [what for what, _ in troubles(run)] == [
        "workshop.orderline: 1 message(s) were begun, and nobody knows whether they arrived"
    ]


def test_push_orderline_is_off_without_a_workshop(run: Run, home: Path, store: Database, now: int) -> None:
    add_run(store, "push-orderline", now - 30 * HOUR)
    assert any(what.startswith("push-orderline: late") for what, _ in troubles(run))
    (home / "config" / "workshops.toml").write_text("", encoding="utf-8")
    assert not any("push-orderline" in what for what, _ in troubles(run))
