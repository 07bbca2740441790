"""`outbox`: what is listed, and what an operator may do to a message."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from operating import Run, add_run, files_of

from integrator.database import Database
from integrator.runtime import lock
from integrator.runtime.outbox import Outbox

EFFECT = "wordpress.course"


@pytest.fixture
def now(clock: Callable[[str], int]) -> int:
    return clock("2026-08-03 12:00")


@pytest.fixture
def outbox(store: Database, now: int) -> Outbox:
    """Messages 1 failed, 2 completed, 3 in doubt and 4 waiting, queued by run 1 of import-courses."""
    run_id = add_run(store, "import-courses", now - 3_600)
    box = Outbox(store, clock=lambda: float(now - 3_600), run_id=run_id)
    with store.tx():
        for number in (1, 2, 3, 4):
            box.latest(EFFECT, f"25172-0{number}", {"title": f"Kursus {number} på Ærø"})
    failed, completed, doubtful = messages = box.due(EFFECT)[:3]
    box.begin(messages)
    box.fail(failed, "answered 400: no such venue")
    box.complete(completed, "2955")
    box.doubt(doubtful, "no answer")
    return box


def _states(outbox: Outbox) -> dict[int, str]:
    return {row["id"]: row["state"] for row in outbox.listed()}


def test_trouble_is_listed_first(run: Run, outbox: Outbox) -> None:
    result = run("outbox", "list")
    assert (result.code, result.err) == (0, "")
    rows = [line.split()[:5] for line in result.out.splitlines() if EFFECT in line]
    assert rows == [
        ["1", EFFECT, "25172-01", "failed", "1"],
        ["3", EFFECT, "25172-03", "processing", "1"],
        ["4", EFFECT, "25172-04", "received", "0"],
        ["2", EFFECT, "25172-02", "completed", "1"],
    ]
    assert "1: answered 400: no such venue\n3: no answer\n" in result.out
    assert max(map(len, result.out.splitlines())) <= 80


def test_the_list_for_programs_is_filtered_and_has_its_keys(run: Run, outbox: Outbox) -> None:
    [row] = run("outbox", "list", "--state", "failed", "--effect", EFFECT, "--json").json()
    assert {name: row[name] for name in ("id", "key", "effect", "state", "attempts", "reason")} == {
        "id": 1,
        "key": "25172-01",
        "effect": EFFECT,
        "state": "failed",
        "attempts": 1,
        "reason": "answered 400: no such venue",
    }
    assert row["changed_at"] == "2026-08-03T11:00:00Z"
    assert len(run("outbox", "list", "--limit", 2, "--json").json()) == 2
    assert run("outbox", "list", "--effect", "mailgun.mail", "--json").json() == []
    assert run("outbox", "list", "--state", "lost").code == 2


def test_one_message_is_shown_with_what_it_will_send(run: Run, outbox: Outbox) -> None:
    result = run("outbox", "show", 4)
    assert result.code == 0
    assert '"title": "Kursus 4 på Ærø"' in result.out
    assert "created_at       2026-08-03 13:00" in result.out
    assert run("outbox", "show", 2, "--json").json()["body"] is None
    assert run("outbox", "show", 99).code == 4


def test_looking_writes_nothing(run: Run, home: Path, outbox: Outbox) -> None:
    before = files_of(home)
    for words in (("list",), ("show", 1), ("show", 99)):
        run("outbox", *words)
    assert files_of(home) == before


def test_a_failed_message_is_sent_again_by_the_next_run(run: Run, outbox: Outbox) -> None:
    result = run("outbox", "retry", 1, 4)
    assert (result.code, result.err) == (0, "")
    assert result.out == (
        f"1  {EFFECT} 25172-01  failed → received: the next run sends it\n"
        f"4  {EFFECT} 25172-04  received → received: the next run sends it\n"
    )
    assert [(message.id, message.attempts) for message in outbox.due(EFFECT)] == [(1, 0), (4, 0)]


def test_all_failed_ones_at_once_leave_dropped_ones_alone(run: Run, outbox: Outbox) -> None:
    assert run("outbox", "drop", 4).code == 0
    result = run("outbox", "retry", "--all-failed")
    assert result.code == 0
    assert "1 message(s) will be tried again" in result.out
    assert _states(outbox) == {1: "received", 2: "completed", 3: "processing", 4: "dropped"}
    assert run("outbox", "retry", "--all-failed").out == "0 message(s) will be tried again\n"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("retry", 1, 2), 2, "message 2 is completed"),
        (("retry", 1, 3), 2, "message 3 is under way or in doubt"),
        (("retry", 1, 99), 4, "there is no message 99"),
        (("retry",), 2, "name the messages"),
        (("retry", 1, "--all-failed"), 2, "name the messages"),
        (("drop", 1, 2), 2, "message 2 is completed"),
        (("drop", 1, 3), 2, "message 3 is under way or in doubt"),
        (("drop", 1, 99), 4, "there is no message 99"),
        (("drop",), 2, "name the messages"),
        (("drop", "one"), 2, "not a valid int"),
    ],
)
def test_what_cannot_be_done_is_said_and_nothing_of_it_is_done(
    words: tuple[Any, ...], code: int, said: str, run: Run, outbox: Outbox
) -> None:
    before = _states(outbox)
    result = run("outbox", *words)
    assert (result.code, result.out) == (code, "")
    assert said in result.err
    assert _states(outbox) == before


def test_a_dropped_message_loses_its_content_and_keeps_its_key(run: Run, outbox: Outbox) -> None:
    result = run("outbox", "drop", 1)
    assert (
        result.out
        == f"1  {EFFECT} 25172-01  failed → dropped: it will not be sent (a later change of the same record will)\n"
    )
    row = outbox.get(1)
    assert (row["body"], row["key"], row["reason"]) == (None, "25172-01", "dropped by an operator")
    with outbox.db.tx():
        outbox.latest(EFFECT, "25172-01", {"title": "Kursus 1 på Ærø"})
    assert outbox.get(1)["state"] == "failed"
    assert run("outbox", "retry", 1).code == 2


def test_a_message_dropped_from_under_a_run_that_has_read_it_is_not_sent(run: Run, outbox: Outbox) -> None:
    [message] = outbox.due(EFFECT)
    assert run("outbox", "drop", message.id).code == 0
    assert outbox.begin([message]) == []
    assert (outbox.get(message.id)["state"], outbox.get(message.id)["attempts"]) == ("failed", 0)


def test_beside_a_run_that_holds_its_lock_both_work(run: Run, home: Path, outbox: Outbox, now: int) -> None:
    with lock.hold(home / "var" / "locks", "import-courses", since=datetime.fromtimestamp(now, UTC)):
        assert run("outbox", "retry", 1).code == 0
        assert run("outbox", "drop", 4).code == 0
    assert _states(outbox) == {1: "received", 2: "completed", 3: "processing", 4: "dropped"}


def test_a_run_that_read_a_message_before_it_was_retried_still_finishes_it(run: Run, outbox: Outbox) -> None:
    [message] = [found for found in outbox.due(EFFECT) if found.id == 4]
    assert run("outbox", "retry", 4).code == 0
    assert outbox.begin([message]) == [message]
    outbox.complete(message, "2957")
    assert _states(outbox)[4] == "completed"


def test_without_a_store_there_are_no_messages_and_none_is_made(run: Run, home: Path) -> None:
    assert run("outbox", "list").out == "no messages\n"
    for words in (("show", 1), ("retry", 1), ("retry", "--all-failed"), ("drop", 1)):
        assert run("outbox", *words).code == 4
    assert not (home / "var" / "integrator.db").exists()


def test_files_stay_private(run: Run, home: Path, outbox: Outbox) -> None:
    run("outbox", "retry", 1)
    run("outbox", "drop", 1)
    modes = {path.stat().st_mode & 0o777 for path in (home / "var").rglob("*") if path.is_file()}
    assert modes == {0o600}
