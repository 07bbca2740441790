"""What follows from each answer: once and never twice, later, never, or nobody knows."""

import sqlite3
from contextlib import contextmanager

import pytest
from remote import EFFECT, T0, Clock, Died, Mortal, Raise, Scripted, delivery

from integrator.database import connect
from integrator.effects import Done
from integrator.errors import BadAnswer, Conflict, InDoubt, Postponed, Refused, Rejected, Unavailable
from integrator.runtime.delivery import GIVE_UP_AFTER, UNCERTAIN_LIMIT_S, Patience
from integrator.runtime.outbox import Outbox


def queue(outbox, *keys):
    for key in keys:
        outbox.latest(EFFECT, key, f"facts of {key}")


def rows(outbox, columns="state"):
    found = outbox.db.all(f"SELECT key, {columns} FROM outbox ORDER BY id")
    return {row["key"]: row[1] if len(row) == 2 else tuple(row)[1:] for row in found}


def left_in_doubt(outbox, *keys, attempts=1):
    """Messages that an earlier run began and never finished."""
    queue(outbox, *keys)
    outbox.begin(outbox.due(EFFECT))
    outbox.db.write("UPDATE outbox SET attempts = ?", (attempts,))


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
        (Unavailable("busy"), "received", 1, 60, "failed"),
        (Unavailable("busy", retry_after_s=5.0), "received", 1, 60, "failed"),
        (Unavailable("busy", retry_after_s=600.0), "received", 1, 600, "failed"),
        (Postponed("its main course is not there"), "received", 0, 60, "waiting"),
        (InDoubt("timeout"), "processing", 1, 0, "failed"),
        (BadAnswer("a login page", code="bad_json"), "processing", 1, 0, "failed"),
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
    assert rows(outbox, "state, attempts, next_at, reason") == {"a": held, "b": held, "c": ("received", 0, 0, None)}


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
    assert len(tally.failed) == 8


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


# after a doubt ----------------------------------------------------------------------------------------


def test_what_is_found_is_completed_without_sending(outbox, clock):
    left_in_doubt(outbox, "a")
    sender = Scripted(looks={"a": Done("7", "found")})
    tally = delivery(outbox, sender, clock).run()
    assert (sender.sent, tally.counts, clock.slept) == ([], {"found": 1}, [])
    assert rows(outbox, "state, remote_id, body") == {"a": ("completed", "7", None)}


def test_what_may_still_arrive_is_waited_for_and_sent_once_after_a_second_look(outbox, clock):
    left_in_doubt(outbox, "a")
    clock.now += 22.5
    sender = Scripted()
    tally = delivery(outbox, sender, clock).run()
    assert clock.slept == [37.5]
    assert (sender.looked, sender.sent) == (["a", "a"], [["a"]])
    assert (tally.counts, tally.waiting) == ({"created": 1}, {})


def test_what_arrives_while_we_wait_is_not_sent(outbox, clock):
    left_in_doubt(outbox, "a")
    sender = Scripted()

    def sleep(seconds):
        clock.sleep(seconds)
        sender.looks["a"] = Done("7", "found")

    tally = delivery(outbox, sender, clock, sleep=sleep).run()
    assert (sender.sent, tally.counts, tally.waiting) == ([], {"found": 1}, {})


def test_the_wait_is_for_the_youngest_and_the_others_are_served_first(outbox, clock):
    left_in_doubt(outbox, "a")
    clock.now += 30
    left_in_doubt(outbox, "b")
    queue(outbox, "c")
    sender = Scripted()
    delivery(outbox, sender, clock).run()
    assert clock.slept == [60.0]
    assert sender.sent == [["c"], ["a"], ["b"]]


@pytest.mark.parametrize(("age_s", "repeats", "slept"), [(60.0, False, []), (0.0, True, [])])
def test_what_has_settled_or_does_no_harm_twice_is_sent_again_at_once(outbox, clock, age_s, repeats, slept):
    left_in_doubt(outbox, "a")
    clock.now += age_s
    sender = Scripted(repeats=repeats)
    delivery(outbox, sender, clock).run()
    assert (sender.looked, sender.sent, clock.slept) == (["a"], [["a"]], slept)


def test_a_clock_that_was_set_back_costs_no_more_than_one_settling(outbox, clock):
    left_in_doubt(outbox, "a")
    clock.now -= 3600
    sender = Scripted()
    tally = delivery(outbox, sender, clock).run()
    assert (clock.slept, sender.sent) == ([60.0], [])
    assert list(tally.waiting) == ["a"]


@pytest.mark.parametrize("error", [Unavailable("down"), InDoubt("?"), BadAnswer("<html>", code="bad_json")], ids=repr)
def test_when_looking_fails_nothing_is_sent_until_a_day_has_passed(outbox, clock, error):
    left_in_doubt(outbox, "a")
    sender = Scripted(looks={"a": error})
    assert list(delivery(outbox, sender, clock).run().waiting) == ["a"]
    assert rows(outbox, "state, uncertain_since") == {"a": ("processing", int(T0))}
    clock.now += UNCERTAIN_LIMIT_S
    delivery(outbox, sender, clock).run()
    assert rows(outbox) == {"a": "processing"}
    clock.now += 1
    tally = delivery(outbox, sender, clock).run()
    assert rows(outbox) == {"a": "failed"}
    assert (sender.sent, list(tally.failed), tally.waiting) == ([], ["a"], {})


def test_several_there_is_for_a_person(outbox, clock):
    left_in_doubt(outbox, "a")
    sender = Scripted(looks={"a": Conflict("posts 7, 8")})
    delivery(outbox, sender, clock).run()
    assert rows(outbox, "state, reason") == {"a": ("failed", "duplicate: posts 7, 8")}
    assert sender.sent == []


def test_a_message_that_used_up_its_attempts_is_not_sent_again_after_looking(outbox, clock):
    left_in_doubt(outbox, "a", attempts=3)
    clock.now += 60
    sender = Scripted()
    tally = delivery(outbox, sender, clock).run()
    assert (rows(outbox), sender.sent, list(tally.failed)) == ({"a": "failed"}, [], ["a"])


def test_a_doubt_that_is_resolved_later_in_the_same_run_is_not_called_a_failure(outbox, clock):
    left_in_doubt(outbox, "a")
    queue(outbox, "b")
    sender = Scripted(InDoubt("cut"), looks={})
    sender.on_send = lambda group: sender.looks.update(b=Done("7", "found")) if group[0].key == "b" else None
    tally = delivery(outbox, sender, clock).run()
    assert (tally.failed, tally.waiting, tally.counts) == ({}, {}, {"found": 1, "created": 1})


def test_a_login_that_is_rejected_while_looking_stops_the_run_and_leaves_the_doubt(outbox, clock):
    left_in_doubt(outbox, "a")
    with pytest.raises(Refused):
        delivery(outbox, Scripted(looks={"a": Refused("401")}), clock).run()
    assert rows(outbox) == {"a": "processing"}


# dying in the middle ------------------------------------------------------------------------------------


class Ledger:
    """A remote that knows its effects by key, and where the process may die around each."""

    settle_s = 60.0

    def __init__(self, tick):
        self.effects = []
        self.tick = tick

    def groups(self, messages):
        yield from ([message] for message in messages)

    def send(self, group):
        self.tick()
        self.effects.append(group[0].key)
        self.tick()
        return [Done("7")]

    def look_up(self, message):
        self.tick()
        return Done("7", "found") if message.key in self.effects else None

    def repeatable(self, message):
        return False


def one_life(path, clock, effects, fate):
    """One run that dies at its fate-th tick; says whether it lived to its end."""
    left = [fate]

    def tick():
        left[0] -= 1
        if left[0] == 0:
            raise Died

    db = connect(path)
    ledger = Ledger(tick)
    ledger.effects = effects
    db.conn = Mortal(db.conn, tick)
    try:
        delivery(Outbox(db, clock=clock), ledger, clock).run()
    except Died:
        return False
    finally:
        left[0] = 0
        db.conn._conn.close()
    return True


@pytest.mark.parametrize("in_doubt", [False, True], ids=["new", "begun before"])
def test_wherever_a_run_dies_the_next_ones_make_every_effect_exactly_once(tmp_path, db, in_doubt):
    for fate in range(1, 1000):
        clock, effects = Clock(), []
        outbox = Outbox(db, clock=clock)
        db.write("DELETE FROM outbox")
        queue(outbox, "a", "b")
        if in_doubt:
            outbox.begin(outbox.due(EFFECT))
            effects.append("b")
        lived = one_life(db.path, clock, effects, fate)
        one_life(db.path, clock, effects, fate // 2)  # and dies once more, elsewhere
        assert one_life(db.path, clock, effects, -1)
        assert (sorted(effects), rows(outbox)) == (["a", "b"], {"a": "completed", "b": "completed"}), fate
        if lived:
            break
    assert fate > 20
