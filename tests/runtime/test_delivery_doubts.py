"""After a doubt, look before sending again; wherever a run dies, every effect happens exactly once."""

import pytest
from remote import EFFECT, T0, Clock, Died, Mortal, Scripted, delivery, left_in_doubt, queue, rows

from integrator.database import connect
from integrator.effects import Done
from integrator.errors import BadAnswer, Conflict, InDoubt, Refused, Unavailable
from integrator.runtime.delivery import UNCERTAIN_LIMIT_S, Patience
from integrator.runtime.outbox import Outbox

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


def test_a_run_that_ended_in_the_middle_is_told_from_one_that_wrote_down_its_doubt(outbox, clock):
    left_in_doubt(outbox, "a")
    told = delivery(outbox, Scripted(), clock, waits=False).run().waiting["a"]
    assert told == "begun by a run that ended in the middle; it is not there yet, and may still arrive"
    [message] = outbox.in_doubt(EFFECT)
    with outbox.db.tx():
        outbox.doubt(message, "nobody saw")
    told = delivery(outbox, Scripted(), clock, waits=False).run().waiting["a"]
    assert told == "in doubt; it is not there yet, and may still arrive"


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


def test_where_looking_proves_too_little_the_last_attempt_is_held_like_any_other(outbox, clock):
    outbox.once(EFFECT, "a", "facts of a")
    outbox.begin(outbox.due(EFFECT))  # by a run that was killed
    clock.now += 60
    sender = Scripted()
    sender.resends = False
    tally = delivery(outbox, sender, clock, patience=Patience(1, (60,))).run()
    assert tally.failed["a"].startswith("held: it may have arrived")
    [row] = outbox.listed()
    assert outbox.retry(row["id"]) == "processing", "it is looked for before it is sent"


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
    resends = True

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
