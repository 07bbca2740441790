"""What follows from each answer: once and never twice, later, never, or nobody knows."""

import sqlite3
from contextlib import contextmanager

import pytest
from remote import EFFECT, T0, Raise, Scripted, delivery, left_in_doubt, queue, rows

from integrator.database import connect
from integrator.effects import Done
from integrator.errors import BadAnswer, Conflict, InDoubt, Postponed, Refused, Rejected, Unavailable
from integrator.runtime.delivery import GIVE_UP_AFTER, Patience

# answers ------------------------------------------------------------------------------------------


def test_what_is_done_is_completed_and_kept_in_one_transaction(outbox, clock):
    queue(outbox, "a")
    kept = []

    def keep(message, done):
        kept.append((message.key, done.remote_id, outbox.db.conn.in_transaction, rows(outbox)["a"]))

    tally = delivery(outbox, Scripted(Done("7", "created")), clock, keep=keep).run()
    assert kept == [("a", "7", True, "completed")]
    assert (tally.counts, tally.failed, tally.waiting) == ({"created": 1}, {}, {})
    assert rows(outbox, "state, body, remote_id, reason") == {"a": ("completed", None, "7", None)}


def test_when_the_caller_cannot_keep_its_part_the_message_is_not_completed(outbox, clock):
    queue(outbox, "a")

    def keep(message, done):
        raise KeyError("a bug")

    with pytest.raises(KeyError):
        delivery(outbox, Scripted(), clock, keep=keep).run()
    assert rows(outbox) == {"a": "processing"}


@pytest.mark.parametrize(
    ("answer", "state", "attempts", "wait_s", "where"),
    [
        (Rejected("no"), "failed", 1, 0, "failed"),
        (Conflict("two of them"), "failed", 1, 0, "failed"),
        (Unavailable("busy"), "received", 1, 60, "waiting"),
        (Unavailable("busy", retry_after_s=5.0), "received", 1, 60, "waiting"),
        (Unavailable("busy", retry_after_s=600.0), "received", 1, 600, "waiting"),
        (Postponed("its main course is not there"), "received", 0, 60, "waiting"),
        (InDoubt("timeout"), "processing", 1, 0, "waiting"),
        (BadAnswer("a login page", code="bad_json"), "processing", 1, 0, "waiting"),
    ],
    ids=repr,
)
def test_each_answer_leads_to_its_state(outbox, clock, answer, state, attempts, wait_s, where):
    queue(outbox, "a")
    tally = delivery(outbox, Scripted(answer), clock).run()
    next_at = int(T0) + wait_s if wait_s else 0
    assert rows(outbox, "state, attempts, next_at, reason") == {"a": (state, attempts, next_at, answer.message)}
    assert {"failed": tally.failed, "waiting": tally.waiting} == {"failed": {}, "waiting": {}} | {
        where: {"a": answer.message}
    }


def test_a_message_with_a_bad_answer_holds_back_only_itself(outbox, clock):
    queue(outbox, "a", "b", "c", "d")
    sender = Scripted(Rejected("no"), InDoubt("timeout"), Postponed("later"))
    tally = delivery(outbox, sender, clock).run()
    assert sender.sent == [["a"], ["b"], ["c"], ["d"]]
    assert rows(outbox) == {"a": "failed", "b": "processing", "c": "received", "d": "completed"}
    assert tally.counts == {"created": 1}


@pytest.mark.parametrize(
    ("error", "state", "wait_s"),
    [
        (Unavailable("down"), "received", 60),
        (Unavailable("down", retry_after_s=7_200.0), "received", 7_200),
        (Refused("login rejected"), "received", 0),
    ],
    ids=repr,
)
def test_what_concerns_all_ends_the_run_and_burns_no_attempt(outbox, clock, error, state, wait_s):
    queue(outbox, "a", "b", "c")
    sender = Scripted(Raise(error), size=2)
    with pytest.raises(type(error)) as caught:
        delivery(outbox, sender, clock).run()
    assert caught.value is error
    held = (state, 0, int(T0) + wait_s, error.message)
    # What the other side asks for is asked of all messages, not only of those that heard it.
    asked = int(T0) + wait_s if getattr(error, "retry_after_s", None) else 0
    assert rows(outbox, "state, attempts, next_at, reason") == {"a": held, "b": held, "c": ("received", 0, asked, None)}


def test_a_refusal_among_the_answers_ends_the_run_and_keeps_what_the_others_said(outbox, clock):
    queue(outbox, "a", "b", "c")
    with pytest.raises(Refused, match="forbidden"):
        delivery(outbox, Scripted([Done("7"), Refused("forbidden")], size=2), clock, patience=Patience(1)).run()
    assert rows(outbox, "state, attempts") == {"a": ("completed", 1), "b": ("received", 0), "c": ("received", 0)}


@pytest.mark.parametrize(
    "error", [InDoubt("cut"), BadAnswer("null", code="bad_json"), Rejected("which one?"), Conflict("?")], ids=repr
)
def test_what_is_raised_without_saying_that_nothing_left_leaves_the_unit_in_doubt(outbox, clock, error):
    queue(outbox, "a", "b", "c")
    delivery(outbox, Scripted(Raise(error), size=2), clock).run()
    assert rows(outbox) == {"a": "processing", "b": "processing", "c": "completed"}


def test_attempts_are_counted_over_all_runs_and_then_it_is_a_persons_turn(outbox, clock):
    queue(outbox, "a")
    sender = Scripted(*[Unavailable("busy")] * 9)
    waits = []
    while rows(outbox)["a"] == "received":
        delivery(outbox, sender, clock, patience=Patience(4, (60, 300))).run()
        waits.append(rows(outbox, "next_at")["a"] - int(clock.now))
        delivery(outbox, sender, clock).run()  # not due yet: nothing is sent
        clock.now += max(waits[-1], 0)
    assert len(sender.sent) == 4
    assert waits[:3] == [60, 300, 300]
    assert rows(outbox, "state, attempts, reason") == {"a": ("failed", 4, "busy")}


def test_a_clear_no_or_postponement_is_final_or_free_also_at_the_last_attempt(outbox, clock):
    queue(outbox, "a", "b")
    delivery(outbox, Scripted(Postponed("later"), InDoubt("cut")), clock, patience=Patience(1)).run()
    assert rows(outbox, "state, attempts") == {"a": ("received", 0), "b": ("processing", 1)}


def test_a_system_that_stays_silent_is_left_alone(outbox, clock):
    queue(outbox, *"abcdefgh")
    sender = Scripted(*[Unavailable("busy"), InDoubt("cut")] * 4)
    with pytest.raises(Unavailable, match="busy; 5 times in a row: the rest waits"):
        delivery(outbox, sender, clock).run()
    assert len(sender.sent) == GIVE_UP_AFTER


def test_one_clear_answer_in_between_keeps_the_run_going(outbox, clock):
    queue(outbox, *"abcdefgh")
    answers = [*[Unavailable("busy")] * 4, Rejected("no"), *[Unavailable("busy")] * 3]
    tally = delivery(outbox, Scripted(*answers), clock).run()
    assert (len(tally.waiting), len(tally.failed)) == (7, 1)


def test_a_sender_with_too_few_answers_is_a_bug_and_completes_nothing(outbox, clock):
    queue(outbox, "a", "b")
    with pytest.raises(ValueError, match="shorter"):
        delivery(outbox, Scripted([Done("7")], size=2), clock).run()
    assert rows(outbox) == {"a": "processing", "b": "processing"}


def test_messages_leave_oldest_first_and_a_replaced_one_keeps_its_place(outbox, clock):
    queue(outbox, "a", "b", "c")
    outbox.latest(EFFECT, "a", "newer")
    sender = Scripted()
    advanced = []
    delivery(outbox, sender, clock, advance=advanced.append).run()
    assert sender.bodies == ["newer", "facts of b", "facts of c"]
    assert advanced == [1, 1, 1]


def test_content_that_arrives_while_its_forerunner_travels_is_sent_in_the_same_run(outbox, clock):
    queue(outbox, "a")
    sender = Scripted()
    sender.on_send = lambda group: outbox.latest(EFFECT, "a", "newer")
    delivery(outbox, sender, clock).run()
    assert sender.bodies == ["facts of a", "newer"]
    assert rows(outbox) == {"a": "completed"}


def test_a_message_dropped_by_an_operator_during_the_run_does_not_leave(outbox, clock):
    queue(outbox, "a", "b", "c")
    sender = Scripted()
    sender.on_send = lambda group: outbox.drop(2) if group[0].key == "a" else None
    delivery(outbox, sender, clock).run()
    assert sender.sent == [["a"], ["c"]]
    assert rows(outbox) == {"a": "completed", "b": "failed", "c": "completed"}


# written down before it leaves ------------------------------------------------------------------------


def test_another_process_reads_processing_before_the_first_byte_leaves(outbox, clock):
    queue(outbox, "a", "b")
    seen = []

    def look(group):
        other = connect(outbox.db.path)
        seen.append([tuple(row) for row in other.all("SELECT key, state, attempts FROM outbox ORDER BY id")])
        other.close()

    sender = Scripted()
    sender.on_send = look
    delivery(outbox, sender, clock).run()
    assert seen == [[("a", "processing", 1), ("b", "received", 0)], [("a", "completed", 1), ("b", "processing", 1)]]


def test_no_transaction_is_open_while_the_other_side_is_asked(outbox, clock):
    left_in_doubt(outbox, "a")
    queue(outbox, "b")
    open_ones = []
    sender = Scripted(looks={"a": Done("7", "found")})
    sender.on_send = lambda group: open_ones.append(outbox.db.conn.in_transaction)
    delivery(outbox, sender, clock).run()
    assert open_ones == [False]


def test_nothing_leaves_when_the_store_cannot_write_it_down(outbox, clock):
    queue(outbox, "a")
    outbox.db.conn.execute("PRAGMA query_only = ON")
    sender = Scripted()
    with pytest.raises(sqlite3.OperationalError):
        delivery(outbox, sender, clock).run()
    assert sender.sent == []
    assert rows(outbox) == {"a": "received"}


def test_sending_and_its_bookkeeping_are_one_critical_block_and_waiting_is_outside(outbox, clock):
    left_in_doubt(outbox, "a")
    queue(outbox, "b")
    marks = []

    @contextmanager
    def critical():
        marks.append("in")
        yield
        marks.append(rows(outbox)["b"])

    sender = Scripted()
    sender.on_send = lambda group: marks.append(f"send {group[0].key}")
    delivery(outbox, sender, clock, critical=critical, sleep=lambda s: (marks.append("sleep"), clock.sleep(s))).run()
    assert marks == ["in", "send b", "completed", "sleep", "in", "send a", "completed"]
