"""`workshop`: what it says, what it keeps, and that it ends only the run it means."""

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from operating import Run, add_run, files_of
from workshops import LOCK, NOW, PASSWORD, USERNAME, Floor, configure, holding

from integrator.cli import workshop as commands
from integrator.database import Database, connect
from integrator.errors import LockHeld, Unavailable
from integrator.home import Home
from integrator.jobs import workshop_desk
from integrator.runtime import lock
from integrator.store.workshops import Workshops

MINUTE, HOUR = 60, 3_600


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


def state_of(home: Path, workshop: str = "bennys-auto") -> Any:
    db = connect(home / "var" / "integrator.db")
    try:
        return Workshops(db).get(workshop)
    finally:
        db.close()


# list, show ---------------------------------------------------------------------------------------------------------


def test_without_a_store_all_are_active_and_nothing_is_made(run: Run, home: Path) -> None:
    before = files_of(home)
    result = run("workshop", "list", "--json")
    assert (result.code, result.err) == (0, "")
    assert result.json()[0] == {
        "id": "bennys-auto",
        "name": "Bennys Auto",
        "type": "au2office",
        "active": True,
        "blocked": None,
        "blocked_reason": None,
        "queued": 0,
    }
    assert files_of(home) == before


def test_the_list_says_who_is_blocked_and_why_and_what_waits(run: Run, floor: Floor, now: int) -> None:
    floor.order("0007", now - MINUTE)
    floor.order("00071", now)
    floor.block("login-refused", now)
    lines = run("workshop", "list").out.splitlines()
    [line] = [line for line in lines if "bennys-auto" in line]
    assert line.split() == ["bennys-auto", "Bennys", "Auto", "au2office", "blocked:", "login", "afvist", "2"]
    assert max(map(len, lines)) <= 80


def test_a_home_without_workshops_is_told_where_they_go(run: Run, home: Path) -> None:
    (home / "config" / "workshops.toml").unlink()
    for command in ("list", "health"):
        result = run("workshop", command)
        assert (result.code, result.out) == (0, "no workshops: fill in config/workshops.toml\n")


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_of_a_login_only_the_reference_is_shown(run: Run, options: tuple[str, ...]) -> None:
    result = run("workshop", "show", "Bennys auto", *options)
    assert (result.code, result.err) == (0, "")
    assert "env ERP_PASSWORD" in result.out
    assert PASSWORD not in result.out


def test_its_settings_and_its_flags_are_shown_together(run: Run, floor: Floor, now: int) -> None:
    floor.block("layout-changed", now)
    facts = run("workshop", "show", "bennys-auto", "--json").json()
    assert (facts["id"], facts["username"], facts["totp"], facts["allow_hosts"]) == ("bennys-auto", USERNAME, None, [])
    assert (facts["active"], facts["blocked"], facts["blocked_reason"]) == (
        *(True, "layout-changed"),
        "skærmbillede ændret",
    )


@pytest.mark.parametrize("command", ["show", "activate", "deactivate", "test-login", "health"])
def test_an_unknown_workshop_is_not_found_and_the_known_ones_are_named(run: Run, home: Path, command: str) -> None:
    before = files_of(home)
    result = run("workshop", command, "../nord")
    assert (result.code, result.out) == (4, "")
    assert "there is no workshop ../nord; there are: bennys-auto (Bennys Auto), nord (Nord Biler)" in result.err
    assert files_of(home) == before


# on and off ---------------------------------------------------------------------------------------------------------


def test_a_workshop_is_switched_off_and_on_also_before_the_first_run(run: Run, home: Path) -> None:
    off = run("workshop", "deactivate", "Bennys Auto", "--json")
    assert (off.code, off.json()) == (0, {"workshop": "bennys-auto", "active": False})
    assert (state_of(home).active, state_of(home, "nord").active) == (False, True)
    on = run("workshop", "activate", "bennys-auto", "--json")
    assert (on.code, on.json(), on.err) == (0, {"workshop": "bennys-auto", "active": True}, "")
    assert state_of(home).active


def test_a_block_stays_until_it_is_taken_back_by_name(run: Run, floor: Floor, now: int) -> None:
    floor.block("login-refused", now)
    on = run("workshop", "activate", "bennys-auto")
    assert on.code == 0
    assert "still blocked: login-refused (login afvist)" in on.err
    assert "integrator workshop test-login bennys-auto" in on.err
    assert floor.state.blocked_code == "login-refused"

    free = run("workshop", "activate", "bennys-auto", "--unblock")
    assert (free.code, free.err) == (0, "")
    assert floor.state.blocked_code is None


def test_switching_on_does_not_end_a_pause_and_says_so(run: Run, floor: Floor, now: int) -> None:
    with floor.db.tx():
        Workshops(floor.db).pause("bennys-auto", now + 10 * MINUTE, at=now)
    on = run("workshop", "activate", "bennys-auto")
    assert on.out.splitlines() == [
        "bennys-auto  active, but paused until 14:10: its ERP did not answer",
        "  → at once: integrator workshop activate bennys-auto --unblock",
    ]
    told = run("workshop", "activate", "bennys-auto", "--json").json()
    assert told == {"workshop": "bennys-auto", "active": True, "paused_until": "2026-08-03T12:10:00Z"}
    assert "the next run works for it" in run("workshop", "activate", "bennys-auto", "--unblock").out


def test_unblocking_ends_a_pause_and_tells_oilmat_the_other_reason(run: Run, floor: Floor, now: int) -> None:
    floor.order("0007", now)
    floor.block("layout-changed", now)
    assert [row["unique_id"] for row in floor.lines.untold("bennys-auto")] == ["0007"]
    with floor.db.tx():
        floor.lines.told(floor.lines.get("bennys-auto", "0007")["id"], "told", now)
        Workshops(floor.db).pause("bennys-auto", now + HOUR, at=now)
    assert floor.lines.untold("bennys-auto") == []
    run("workshop", "activate", "bennys-auto", "--unblock")
    assert (floor.state.paused_until, floor.state.layout_key) == (0, None)
    assert [row["unique_id"] for row in floor.lines.untold("bennys-auto")] == ["0007"]


def test_once_unblocked_the_next_run_works_for_it(run: Run, floor: Floor, now: int) -> None:
    """Also for what would rest for an hour: what it waited for is mended."""
    message = floor.claimed("0007", now)
    with floor.db.tx():
        floor.outbox.put_back(message, "slow", attempts=4, next_at=now + HOUR)
        floor.lines.noted(message.key, "received", "slow", "slow", at=now)
    floor.doubt("0008", now)
    for _ in range(9):
        with floor.db.tx():
            floor.lines.noted("bennys-auto/0008", "processing", "doubt", "nobody knows", at=now)
    floor.block("login-refused", now)
    free = run("workshop", "activate", "bennys-auto", "--unblock")
    assert (free.code, free.out) == (0, "bennys-auto  active, not blocked: the next run works for it\n")
    rows = {unique_id: floor.lines.get("bennys-auto", unique_id) for unique_id in ("0007", "0008")}
    assert (rows["0007"]["next_at"], rows["0007"]["reason_code"]) == (0, "slow")
    assert (rows["0008"]["phase"], rows["0008"]["reason_times"]) == ("doubt", 0)


@pytest.mark.parametrize(("code", "left"), [("login-refused", None), ("layout-changed", "layout-changed")])
def test_a_login_that_is_let_in_ends_only_a_block_of_the_login(
    run: Run, floor: Floor, now: int, monkeypatch: pytest.MonkeyPatch, code: str, left: str | None
) -> None:
    floor.block(code, now)
    monkeypatch.setattr(commands, "_log_in", lambda found, chosen: None)
    result = run("workshop", "test-login", "bennys-auto")
    assert (result.code, floor.state.blocked_code, floor.state.login_at is not None) == (0, left, True)
    assert ("it was blocked" in result.out) is (left is None)
    said = f"still blocked: {code}" in result.err and "activate bennys-auto --unblock" in result.err
    assert said is (left is not None)


# ending its run -----------------------------------------------------------------------------------------------------


def test_its_run_is_asked_to_end_and_its_pid_is_said(run: Run, home: Path) -> None:
    with holding(home) as process:
        result = run("workshop", "deactivate", "bennys-auto", "--stop-running")
        assert process.wait(60) == -signal.SIGTERM
    assert (result.code, result.err) == (0, "")
    assert f"the run with pid {process.pid} was asked to end, and did" in result.out
    assert not state_of(home).active


def test_one_that_does_not_hear_is_killed_after_the_wait(run: Run, home: Path) -> None:
    with holding(home, how="deaf") as process:
        result = run("workshop", "deactivate", "bennys-auto", "--stop-running", "--wait", "0.1", "--json")
        assert process.wait(60) == -signal.SIGKILL
    assert result.json() == {
        "workshop": "bennys-auto",
        "active": False,
        "stopped_run": {"pid": process.pid, "killed": True},
    }


def test_without_being_told_to_nobody_is_ended(run: Run, home: Path) -> None:
    with holding(home) as process:
        assert run("workshop", "deactivate", "bennys-auto").code == 0
        assert process.poll() is None


def test_another_workshops_run_goes_on_and_it_is_said_that_none_runs(run: Run, home: Path) -> None:
    with holding(home, "push-orderline.nord") as process:
        result = run("workshop", "deactivate", "bennys-auto", "--stop-running")
        assert process.poll() is None
    assert result.code == 0
    assert "no run works for it now" in result.out


def test_a_process_that_is_only_named_in_the_lock_file_is_left_alone(run: Run, home: Path) -> None:
    ours = {"pid": os.getpid(), "started": lock.process_started(os.getpid()), "since": "2026-08-03T12:00:00+00:00"}
    path = home / "var" / "locks" / f"{LOCK}.lock"
    path.write_text(json.dumps(ours))
    path.chmod(0o600)
    result = run("workshop", "deactivate", "bennys-auto", "--stop-running", "--json")
    assert result.json()["stopped_run"] is None


def test_a_pid_that_is_another_processs_by_now_is_left_alone(home: Path) -> None:
    with holding(home) as process:
        path = home / "var" / "locks" / f"{LOCK}.lock"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"started": 1}))
        ticks = iter(range(100))
        with pytest.raises(LockHeld, match="does not say by which process") as told:
            workshop_desk.end_run(
                Home(home), "bennys-auto", wait_s=1, sleep=lambda seconds: None, clock=lambda: next(ticks)
            )
        assert process.poll() is None
    assert told.value.hint == f"who has it? fuser -v var/locks/{LOCK}.lock"


def test_a_run_that_does_not_end_though_it_was_killed_is_told_with_what_keeps_it(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck = SimpleNamespace(pid=4711, is_alive=lambda: True)
    sent, ticks = [], iter(range(100))
    monkeypatch.setattr(workshop_desk, "_holder", lambda *where, **how: stuck)
    monkeypatch.setattr(workshop_desk.os, "kill", lambda pid, number: sent.append((pid, number)))
    with pytest.raises(Unavailable, match="does not end, though it was killed") as told:
        workshop_desk.end_run(
            Home(home), "bennys-auto", wait_s=1, sleep=lambda seconds: None, clock=lambda: next(ticks)
        )
    assert sent == [(4711, signal.SIGTERM), (4711, signal.SIGKILL)]
    assert "ps -o pid,stat,wchan:30 -p 4711" in str(told.value.hint)


@pytest.mark.parametrize("name", ["nowhere", "../../x", "a/b"])
def test_a_run_for_a_workshop_that_is_not_configured_is_not_found_and_takes_no_lock(
    name: str, run: Run, home: Path
) -> None:
    result = run("push-orderline", "--workshop", name)
    assert (result.code, "there is no workshop" in result.err) == (4, True)
    assert list((home / "var" / "locks").glob("push-orderline*")) == []
