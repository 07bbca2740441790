"""sync-orders and the intake of orders, killed at every line of the crash matrix: nobody twice, nobody forgotten."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from effects import (
    BEGUN,
    EFFECTS,
    ENDED,
    REGISTRATION,
    Effect,
    assert_heals_when_settled,
    assert_once,
    await_arrival,
    fate,
    pass_time,
    sent,
)

from desks import form
from dying import failing
from integrator.jobs import booking
from world import Result, World

DYING = Path(__file__).parents[1] / "dying.py"


@pytest.fixture
def post(here: World) -> World:
    """A home with Mailgun switched on."""
    here.configure(mailgun=True)
    return here


def dies(here: World, how: str, steps: list[str], *command: str) -> None:
    """A command that is killed at a statement of the store."""
    ended = subprocess.run(
        [sys.executable, str(DYING), how, "|".join(steps), *command],
        env={"INTEGRATOR_HOME": str(here.home), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr


def held(here: World, effect: Effect, match: dict[str, str], **hang: Any) -> "subprocess.Popen[str]":
    """A run of its own whose request waits at the stand-in."""
    faults = here.servers[effect.server].faults
    faults.add({"match": match, "times": 1, "fault": {"kind": "hang", **hang}})
    process = here.start("sync-orders")
    assert faults.gate.await_held()
    return process


def kill(here: World, process: "subprocess.Popen[str]") -> None:
    process.kill()
    assert here.finish(process).code == -signal.SIGKILL


def drop(here: World, effect: Effect) -> None:
    """The request that was on its way never arrives."""
    here.servers[effect.server].faults.clear()


# the intake -----------------------------------------------------------------------------------------


def reserved(here: World, tmp_path: Path) -> Path:
    """Order 10001 is reserved; gives back its form."""
    with here.desk() as desk:
        assert booking.reserve(desk, "25172-04", seats=1, key="k")["order"] == 10001
    file = tmp_path / "form.json"
    file.write_text(json.dumps(form(1, at=datetime.now(UTC).isoformat())), encoding="utf-8")
    return file


@pytest.mark.parametrize("steps", [["SET state = 'complete'"], ["SET state = 'complete'", "COMMIT"]])
def test_killed_before_the_intake_is_committed_nothing_is_there(post: World, tmp_path: Path, steps: list[str]) -> None:
    file = reserved(post, tmp_path)
    dies(post, "kill-before", steps, "booking", "complete", "10001", "--file", str(file))
    assert post.rows("SELECT state, customer_email FROM orders") == [("reserved", None)]
    assert post.rows("SELECT count(*) FROM participants") == post.rows("SELECT count(*) FROM outbox") == [(0,)]
    assert post.run("sync-orders").code == 0
    assert post.registrations() == []
    assert post.run("booking", "complete", "10001", "--file", str(file)).code == 0
    assert post.rows("SELECT key FROM outbox") == [(REGISTRATION.key,)]
    assert post.run("sync-orders").code == 0
    assert_once(post)


def test_killed_after_the_intake_is_committed_everybody_is_registered_once(post: World, tmp_path: Path) -> None:
    file = reserved(post, tmp_path)
    command = ("booking", "complete", "10001", "--file", str(file))
    dies(post, "kill-after", ["SET state = 'complete'", "COMMIT"], *command)
    assert fate(post, REGISTRATION) == ("received", 0)
    again = post.run(*command, "--json")
    assert (again.code, again.json["state"]) == (0, "complete")
    assert post.rows("SELECT key FROM outbox") == [(REGISTRATION.key,)]
    assert post.run("sync-orders").code == 0
    assert_once(post)


# the way of one message -------------------------------------------------------------------------------


@EFFECTS
def test_killed_before_it_is_written_down_as_begun_it_is_sent_once(post: World, effect: Effect) -> None:
    post.order(1)
    dies(post, "kill-before", [*[BEGUN] * effect.nth, "COMMIT"], "sync-orders")
    assert fate(post, effect) == ("received", 0)
    assert sent(post, effect) == 0
    assert post.run("sync-orders").code == 0
    assert_once(post)


@EFFECTS
def test_killed_before_the_first_byte_it_is_looked_for_and_not_simply_sent(post: World, effect: Effect) -> None:
    post.order(1)
    dies(post, "kill-after", [*[BEGUN] * effect.nth, "COMMIT"], "sync-orders")
    assert fate(post, effect) == ("processing", 0)
    assert sent(post, effect) == 0
    assert_heals_when_settled(post, effect)


@EFFECTS
def test_killed_while_it_is_sent_and_it_never_arrives(post: World, effect: Effect) -> None:
    post.order(1)
    kill(post, held(post, effect, effect.send))
    drop(post, effect)
    assert fate(post, effect) == ("processing", 0)
    assert_heals_when_settled(post, effect)


@EFFECTS
def test_killed_while_it_is_sent_and_it_arrives_after_the_next_run(post: World, effect: Effect) -> None:
    post.order(1)
    kill(post, held(post, effect, effect.send))
    assert post.run("sync-orders").code == 75
    assert sent(post, effect) == (1 if effect.resends else 2), "only the customer's mail besides"
    post.servers[effect.server].faults.gate.release()
    await_arrival(post, effect)
    assert post.run("sync-orders").code == 0
    assert_once(post)


@EFFECTS
def test_killed_when_it_was_done_and_the_answer_was_on_its_way(post: World, effect: Effect) -> None:
    post.order(1)
    kill(post, held(post, effect, effect.send, when="after"))
    assert fate(post, effect) == ("processing", 1)
    assert post.run("sync-orders").code == 0
    assert_once(post)


@EFFECTS
@pytest.mark.parametrize("steps", [[BEGUN, "COMMIT", "BEGIN IMMEDIATE"], [BEGUN, "COMMIT", ENDED, "COMMIT"]])
def test_killed_with_the_answer_in_its_hands_it_is_found(post: World, effect: Effect, steps: list[str]) -> None:
    post.order(1)
    dies(post, "kill-before", [BEGUN] * (effect.nth - 1) + steps, "sync-orders")
    assert fate(post, effect) == ("processing", 1)
    assert post.run("sync-orders").code == 0
    assert_once(post)


@EFFECTS
def test_killed_after_the_end_was_written_down_nothing_is_left_to_do(post: World, effect: Effect) -> None:
    post.order(1)
    dies(post, "kill-after", [*[ENDED] * effect.nth, "COMMIT"], "sync-orders")
    assert fate(post, effect) == ("completed", 1)
    assert post.run("sync-orders").code == 0
    assert_once(post)


@EFFECTS
def test_killed_after_everything_but_before_its_own_books(post: World, effect: Effect) -> None:
    post.order(1)
    dies(post, "kill-before", ["UPDATE runs SET finished"], "sync-orders")
    assert fate(post, effect) == ("completed", 1)
    assert post.run("sync-orders").code == 0
    assert post.rows("SELECT outcome FROM runs ORDER BY id") == [("crashed",), ("done",)]
    assert_once(post)


@pytest.mark.parametrize("nth", [2, 3])
def test_killed_in_the_middle_of_an_order_each_of_its_people_is_registered_once(post: World, nth: int) -> None:
    post.order(3)
    steps = [BEGUN, "COMMIT", ENDED, "COMMIT"] * (nth - 1) + [BEGUN, "COMMIT", ENDED]
    dies(post, "kill-before", steps, "sync-orders")
    assert len(post.registrations()) == nth
    assert post.run("sync-orders").code == 0
    assert post.registrations() == [f"ILI-10001-{number}" for number in (1, 2, 3)]
    assert Counter(post.mails()).most_common(1)[0][1] == 1
    assert len(post.mails()) == 4


# looking it up ----------------------------------------------------------------------------------------


def lose_answer(here: World, effect: Effect) -> None:
    """It is done there, and nobody here knows."""
    fault = {"kind": "reset", "when": "after"}
    here.servers[effect.server].faults.add({"match": effect.send, "times": 1, "fault": fault})
    assert here.run("sync-orders").code == 75
    assert fate(here, effect) == ("processing", 1)


@EFFECTS
def test_killed_during_the_look_up_it_is_looked_up_again(post: World, effect: Effect) -> None:
    post.order(1)
    lose_answer(post, effect)
    kill(post, held(post, effect, effect.look))
    drop(post, effect)
    assert fate(post, effect) == ("processing", 1)
    assert post.run("sync-orders").code == 0
    assert_once(post)


@EFFECTS
def test_killed_just_after_the_look_up_it_is_looked_up_again(post: World, effect: Effect) -> None:
    post.order(1)
    lose_answer(post, effect)
    dies(post, "kill-before", [ENDED], "sync-orders")
    assert fate(post, effect) == ("processing", 1)
    assert post.run("sync-orders").code == 0
    assert_once(post)


def test_killed_after_it_was_put_back_it_is_sent_once(post: World) -> None:
    post.order(1)
    dies(post, "kill-after", [BEGUN, "COMMIT"], "sync-orders")
    pass_time(post)
    dies(post, "kill-after", ["attempts = iif", "COMMIT"], "sync-orders")
    assert fate(post, REGISTRATION) == ("received", 0)
    assert post.run("sync-orders").code == 0
    assert_once(post)


# a connection that never stood --------------------------------------------------------------------------


@EFFECTS
def test_refused_connections_cost_no_attempt_and_leave_no_doubt(post: World, effect: Effect) -> None:
    post.order(1)
    config = post.home / "config" / "integrator.toml"
    right = config.read_text(encoding="utf-8")
    config.write_text(right.replace(post.servers[effect.server].url, "http://127.0.0.1:1"), encoding="utf-8")
    result = post.run("sync-orders", "-v")
    assert (result.code, "no connection" in result.err) == (75, True), result
    assert fate(post, effect) == ("received", 0)
    assert post.rows("SELECT attempts FROM outbox WHERE key = ?", effect.key) == [(0,)]
    config.write_text(right, encoding="utf-8")
    pass_time(post)
    assert post.run("sync-orders").code == 0
    assert_once(post)


# two at once ----------------------------------------------------------------------------------------------


@EFFECTS
def test_a_run_started_while_another_hangs_is_skipped_without_a_request(post: World, effect: Effect) -> None:
    post.order(1)
    first = held(post, effect, effect.send)
    before = [len(server.standin.entries()) for server in post.servers]
    for command in (["sync-orders"], ["sync-orders", "--drain", "55s"], ["sync-orders", "--order", "10001"]):
        second = post.run(*command, "-v")
        assert second.code == 5
        assert "still running since" in second.err
    assert [len(server.standin.entries()) for server in post.servers] == before
    post.servers[effect.server].faults.gate.release()
    assert post.finish(first).code == 0
    assert_once(post)


@EFFECTS
def test_a_stop_while_it_is_sent_lets_it_be_written_down_first(post: World, effect: Effect) -> None:
    post.order(1)
    process = held(post, effect, effect.send)
    process.send_signal(signal.SIGTERM)
    assert post.run("sync-orders").code == 5, "it has not ended yet"
    post.servers[effect.server].faults.gate.release()
    ended = post.finish(process)
    assert ended.code == 75
    assert fate(post, effect) == ("completed", 1)
    assert post.run("sync-orders").code == 0
    assert_once(post)


# the disk -------------------------------------------------------------------------------------------------

HOW = pytest.mark.parametrize("how", ["full", "io", "read-only"])
SAID = {"full": "the disk is full", "io": "SQLITE_IOERR_WRITE", "read-only": "SQLITE_READONLY"}


def fails(here: World, how: str, steps: list[str], *command: str) -> Result:
    with failing(how, steps):
        result = here.run(*command)
    assert (result.code, SAID[how] in result.err) == (70, True)
    return result


@HOW
def test_an_order_that_cannot_be_written_stays_reserved(post: World, tmp_path: Path, how: str) -> None:
    file = reserved(post, tmp_path)
    fails(post, how, ["SET state = 'complete'", "COMMIT"], "booking", "complete", "10001", "--file", str(file))
    assert post.rows("SELECT state, customer_email FROM orders") == [("reserved", None)]
    assert post.rows("SELECT count(*) FROM participants") == post.rows("SELECT count(*) FROM outbox") == [(0,)]
    assert post.run("booking", "complete", "10001", "--file", str(file)).code == 0
    assert post.run("sync-orders").code == 0
    assert_once(post)


@EFFECTS
@HOW
def test_what_cannot_be_written_down_as_begun_is_not_sent(post: World, effect: Effect, how: str) -> None:
    post.order(1)
    fails(post, how, [*[BEGUN] * effect.nth, "COMMIT"], "sync-orders")
    assert fate(post, effect) == ("received", 0)
    assert sent(post, effect) == 0
    assert post.run("sync-orders").code == 0
    assert_once(post)


@EFFECTS
@HOW
def test_what_was_done_but_could_not_be_written_down_is_found(post: World, effect: Effect, how: str) -> None:
    post.order(1)
    fails(post, how, [*[ENDED] * effect.nth, "COMMIT"], "sync-orders")
    assert fate(post, effect) == ("processing", 1)
    assert post.run("sync-orders").code == 0
    assert_once(post)
