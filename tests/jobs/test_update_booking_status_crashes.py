"""update-booking-status killed at every line of the crash matrix: the newest status last, each document once."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from booking_outcomes import E8, E9, LAST_DAY, TP, Office, office, pdf
from dying import failing
from integrator.domain.portal import DOCUMENT, STATUS
from integrator.runtime.outbox import Outbox

DYING = Path(__file__).parents[1] / "dying.py"
BEGUN, ENDED = "'processing', attempts", "'completed'"
COMPLETED = f"COMPLETED {LAST_DAY}"


class Effect(NamedTuple):
    """One of the two. nth: of the messages that a run begins."""

    name: str
    send: dict[str, str]
    nth: int


TELLING, UPLOADING = Effect(STATUS, E8, 1), Effect(DOCUMENT, E9, 2)
EFFECTS = pytest.mark.parametrize("effect", [TELLING, UPLOADING], ids=["status", "document"])
HOW = pytest.mark.parametrize("how", ["full", "io", "read-only"])


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Office]:
    """A booking that is completed, with a document; nothing has left."""
    with office(tmp_path / "home") as made:
        made.put(f"{TP}.pdf")
        made.complete()
        yield made


def dies(here: Office, how: str, *steps: str) -> None:
    """A run that is killed at a statement of its store."""
    process = here.start(how, "|".join(steps))
    _, err = process.communicate(timeout=300)
    assert process.returncode == -signal.SIGKILL, err


def held(here: Office, effect: Effect) -> "subprocess.Popen[str]":
    """A run of its own whose request waits at the stand-in."""
    here.fault(effect.send, {"kind": "hang"})
    process = here.start()
    while not here.server.faults.gate.await_held(seconds=1):
        assert process.poll() is None, process.communicate()
    return process


def arrives(here: Office) -> bool:
    """A released request is carried out by the stand-in in a thread of its own."""
    before = len(here.standin.effects())
    here.server.faults.gate.release()
    return any(len(here.standin.effects()) > before for _ in range(500_000))


def kill(process: "subprocess.Popen[str]") -> None:
    process.kill()
    process.communicate(timeout=300)
    assert process.returncode == -signal.SIGKILL


def fate(here: Office, effect: Effect) -> tuple[list[str], int]:
    """(states of its messages, how often it has happened there)."""
    there = here.told() if effect is TELLING else here.uploaded()
    return here.messages(effect.name), len(there)


def heals(here: Office, effect: Effect) -> None:
    """Settled: a status that is not there is told again; of a document a person decides, who finds it is not there."""
    here.pass_time()
    report = here.run()
    if effect is UPLOADING:
        assert (report.exit_code, fate(here, effect)) == (3, (["failed"], 0))
        assert here.run().exit_code == 0
        assert fate(here, effect) == (["failed"], 0), "never again by itself"
        with here.store() as db:
            Outbox(db, clock=lambda: here.at).retry(
                db.value("SELECT id FROM outbox WHERE state = 'failed'"), looked=True
            )
        report = here.run()
    assert report.exit_code == 0
    assert_once(here)


def assert_once(here: Office) -> None:
    """After all: the status is there, the document once, nothing is left of it, and a further run has nothing to do."""
    assert set(here.told()) == {COMPLETED}
    assert here.uploaded() == [(TP, len(pdf()))]
    assert here.rows("SELECT DISTINCT state FROM outbox") == [("completed",)]
    assert here.rows("SELECT version - told_version FROM booking_statuses") == [(0,)]
    here.standin.clear_ledger()
    assert here.run().exit_code == 0
    assert (here.standin.effects(), here.kept()) == ([], [])
    assert here.rows("PRAGMA integrity_check") == [("ok",)]


# the intake -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("steps", ["INTO booking_statuses", "INTO booking_statuses|COMMIT"])
def test_killed_before_a_status_is_committed_nothing_of_it_is_there(here: Office, steps: str) -> None:
    before = here.rows("SELECT status, version FROM booking_statuses")
    command = ["booking-status", "set", TP, "FAILED", "--anyway"]
    environ = {"INTEGRATOR_HOME": str(here.root), "PATH": os.environ["PATH"]}
    ended = subprocess.run(
        [sys.executable, DYING, "kill-before", steps, *command], env=environ, capture_output=True, timeout=60
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    assert here.rows("SELECT status, version FROM booking_statuses") == before
    assert here.run().exit_code == 0
    assert_once(here)


@HOW
def test_a_status_that_cannot_be_written_is_not_half_there(here: Office, how: str) -> None:
    with failing(how, ["INTO booking_statuses", "COMMIT"]), pytest.raises(Exception, match=r"full|I/O|readonly"):
        here.set("FAILED")
    assert here.run().exit_code == 0
    assert_once(here)


# one message's way ------------------------------------------------------------------------------------


@EFFECTS
def test_killed_before_it_is_written_down_as_begun_it_leaves_once(here: Office, effect: Effect) -> None:
    dies(here, "kill-before", *[BEGUN] * effect.nth, "COMMIT")
    assert fate(here, effect) == (["received"], 0)
    assert here.run().exit_code == 0
    assert_once(here)


@EFFECTS
def test_killed_before_the_first_byte_it_is_settled_first(here: Office, effect: Effect) -> None:
    dies(here, "kill-after", *[BEGUN] * effect.nth, "COMMIT")
    assert fate(here, effect) == (["processing"], 0)
    heals(here, effect)


@EFFECTS
def test_killed_in_the_middle_of_a_request_that_never_arrives(here: Office, effect: Effect) -> None:
    kill(held(here, effect))
    here.server.faults.clear()
    assert fate(here, effect) == (["processing"], 0)
    heals(here, effect)


@EFFECTS
def test_killed_in_the_middle_of_a_request_that_arrives_later(here: Office, effect: Effect) -> None:
    kill(held(here, effect))
    assert arrives(here)
    assert fate(here, effect) == (["processing"], 1)
    drop_if_held(here)
    assert_once(here)


@EFFECTS
@pytest.mark.parametrize("steps", [[], ["COMMIT"]], ids=["before", "inside"])
def test_killed_while_it_is_written_down_as_done(here: Office, effect: Effect, steps: list[str]) -> None:
    dies(here, "kill-before", *[ENDED] * effect.nth, *steps)
    assert fate(here, effect) == (["processing"], 1)
    drop_if_held(here)
    assert_once(here)


@EFFECTS
def test_killed_after_it_is_written_down_as_done(here: Office, effect: Effect) -> None:
    dies(here, "kill-after", *[ENDED] * effect.nth, "COMMIT")
    assert fate(here, effect) == (["completed"], 1)
    assert here.run().exit_code == 0
    assert_once(here)


def drop_if_held(here: Office) -> None:
    """A status is looked up and found. A document cannot be: a person looks, finds it there, and drops the message."""
    here.pass_time()
    report = here.run()
    if report.exit_code == 3:
        with here.store() as db:
            found = db.value("SELECT id FROM outbox WHERE state = 'failed'")
            Outbox(db, clock=lambda: here.at).resolve(found, done=True, reason="it is there")
        report = here.run()
    assert report.exit_code == 0


@pytest.mark.parametrize("certificates", [False, True], ids=["file", "certificate"])
@pytest.mark.parametrize(
    ("how", "steps"),
    [
        ("kill-before", ["INTO booking_documents"]),
        ("kill-after", ["INTO booking_documents"]),
        ("kill-before", ["INTO booking_documents", "COMMIT"]),
        ("kill-after", ["INTO booking_documents", "COMMIT"]),
    ],
)
def test_killed_while_a_document_is_asked_for_it_leaves_once(
    here: Office, how: str, steps: list[str], certificates: bool
) -> None:
    if certificates:
        (here.documents / f"{TP}.pdf").unlink()
        here.certificates = True
    dies(here, how, *steps)
    assert (here.told(), here.uploaded(), len(here.kept())) == ([COMPLETED], [], 1)
    assert here.run().exit_code == 0
    assert len(here.uploaded()) == 1
    here.standin.clear_ledger()
    assert (here.run().exit_code, here.standin.effects(), here.kept()) == (0, [], [])


def test_a_status_set_while_an_older_one_is_told_is_told_after_it(here: Office) -> None:
    process = held(here, TELLING)
    here.set("FAILED")
    here.server.faults.gate.release()
    process.communicate(timeout=300)
    assert here.run().exit_code == 0
    assert here.told() == [COMPLETED, "FAILED"]
    assert here.uploaded() == []


def test_killed_while_an_older_status_is_told_the_newest_is_last(here: Office) -> None:
    process = held(here, TELLING)
    here.set("FAILED")
    kill(process)
    assert arrives(here)
    here.pass_time()
    assert here.run().exit_code == 0
    assert here.told() == [COMPLETED, "FAILED"]
    assert here.uploaded() == []


def test_a_second_run_is_skipped_while_one_hangs(here: Office) -> None:
    process = held(here, UPLOADING)
    before = len(here.standin.entries())
    assert (here.run().exit_code, len(here.standin.entries())) == (5, before)
    here.server.faults.gate.release()
    process.communicate(timeout=300)
    assert process.returncode == 0
    assert_once(here)


# the disk ---------------------------------------------------------------------------------------------


@EFFECTS
@HOW
def test_what_cannot_be_written_down_as_begun_does_not_leave(here: Office, effect: Effect, how: str) -> None:
    with failing(how, [*[BEGUN] * effect.nth, "COMMIT"]):
        assert here.run().exit_code == 70
    assert fate(here, effect) == (["received"], 0)
    assert here.run().exit_code == 0
    assert_once(here)


@EFFECTS
@HOW
def test_what_was_done_and_could_not_be_written_down_is_not_done_again(here: Office, effect: Effect, how: str) -> None:
    with failing(how, [*[ENDED] * effect.nth, "COMMIT"]):
        assert here.run().exit_code == 70
    assert fate(here, effect) == (["processing"], 1)
    drop_if_held(here)
    assert_once(here)


@HOW
def test_a_document_that_cannot_be_asked_for_is_asked_for_later(here: Office, how: str) -> None:
    with failing(how, ["INTO booking_documents", "COMMIT"]):
        assert here.run().exit_code == 70
    assert here.uploaded() == []
    assert here.run().exit_code == 0
    assert_once(here)


def test_a_disk_too_full_for_a_documents_bytes_asks_for_nothing(here: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device", str(here.home.var / "documents"))

    with monkeypatch.context() as patched:
        patched.setattr("integrator.jobs.booking_papers.os.fsync", full)
        assert here.run().exit_code != 0
    assert (here.told(), here.uploaded(), here.messages()) == ([COMPLETED], [], [])
    assert here.run().exit_code == 0
    assert_once(here)
