"""Rows of the outbox: what asking twice does, which state leads to which, and what an operator may do."""

import sqlite3

import pytest
from remote import EFFECT, T0

from integrator.errors import Conflict, NotFound, UsageError


def row(outbox, key="25172-04"):
    found = outbox.db.one("SELECT * FROM outbox WHERE key = ?", (key,))
    return dict(found) if found else None


def asked(outbox, body=1, key="25172-04"):
    """One message of a record's newest state, as a delivery reads it."""
    outbox.latest(EFFECT, key, body)
    return only(outbox.due(EFFECT))


def begun(outbox, body=1):
    return only(outbox.begin([asked(outbox, body)]))


def in_state(outbox, state):
    """A row with body 1 in the named state, and the message that brought it there."""
    message = begun(outbox)
    if state == "completed":
        outbox.complete(message, "7")
    elif state == "failed":
        outbox.fail(message, "no")
    elif state == "received":
        outbox.put_back(message, "busy", attempts=2, next_at=T0 + 900)
    assert row(outbox)["state"] == state
    return message


def only(items):
    assert len(items) == 1
    return items[0]


# asking for the newest state ----------------------------------------------------------------------


def test_a_first_request_waits_and_may_be_sent_at_once(outbox):
    assert outbox.latest(EFFECT, "25172-04", {"title": "Ledelse", "seats": None}) is True
    message = only(outbox.due(EFFECT))
    assert (message.key, message.body, message.attempts) == ("25172-04", {"title": "Ledelse", "seats": None}, 0)


def test_newer_content_replaces_what_still_waits_and_starts_with_fresh_patience(outbox):
    in_state(outbox, "received")
    assert outbox.due(EFFECT) == []
    assert outbox.latest(EFFECT, "25172-04", 2) is True
    message = only(outbox.due(EFFECT))
    assert (message.body, message.attempts, row(outbox)["reason"]) == (2, 0, None)


def test_the_same_content_leaves_what_waits_as_it_is(outbox):
    in_state(outbox, "received")
    before = row(outbox)
    assert outbox.latest(EFFECT, "25172-04", 1) is False
    assert row(outbox) == before


def test_the_order_of_names_makes_no_other_content(outbox):
    outbox.latest(EFFECT, "25172-04", {"a": 1, "b": 2})
    assert outbox.latest(EFFECT, "25172-04", {"b": 2, "a": 1}) is False


def test_what_failed_stays_failed_until_the_content_is_another_one(outbox):
    in_state(outbox, "failed")
    assert outbox.latest(EFFECT, "25172-04", 1) is False
    assert row(outbox)["state"] == "failed"
    assert outbox.latest(EFFECT, "25172-04", 2) is True
    assert only(outbox.due(EFFECT)).body == 2


def test_what_was_completed_is_asked_for_again_with_the_same_content(outbox):
    in_state(outbox, "completed")
    assert outbox.latest(EFFECT, "25172-04", 1) is True
    assert only(outbox.due(EFFECT)).body == 1
    assert row(outbox)["remote_id"] == "7"


def test_a_message_under_way_takes_the_newer_content_and_keeps_its_state(outbox):
    in_state(outbox, "processing")
    assert outbox.latest(EFFECT, "25172-04", 2) is True
    assert (row(outbox)["state"], row(outbox)["body"]) == ("processing", "2")
    assert outbox.due(EFFECT) == []


@pytest.mark.parametrize("end", ["completed", "failed", "put back"])
def test_content_that_came_while_a_message_was_under_way_is_sent_afterwards(outbox, end):
    message = in_state(outbox, "processing")
    outbox.latest(EFFECT, "25172-04", 2)
    if end == "completed":
        outbox.complete(message, "7")
    elif end == "failed":
        outbox.fail(message, "the old content was refused")
    else:
        outbox.put_back(message, "busy", attempts=1, next_at=T0)
    again = only(outbox.due(EFFECT))
    assert (again.body, again.attempts) == (2, 0)


def test_two_effects_and_two_keys_do_not_meet(outbox):
    outbox.latest(EFFECT, "25172-04", 1)
    outbox.latest(EFFECT, "25172-05", 1)
    outbox.latest("mail", "25172-04", 1)
    assert [message.key for message in outbox.due(EFFECT)] == ["25172-04", "25172-05"]
    assert outbox.pending("mail") == 1


# asking for an event --------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["received", "processing", "completed", "failed"])
def test_an_event_is_asked_for_once_ever(outbox, state):
    outbox.once(EFFECT, "25172-04", 1)
    if state != "received":
        message = only(outbox.begin(outbox.due(EFFECT)))
        {"completed": lambda: outbox.complete(message, "7"), "failed": lambda: outbox.fail(message, "no")}.get(
            state, lambda: None
        )()
    before = row(outbox)
    assert outbox.once(EFFECT, "25172-04", 1) is False
    assert row(outbox) == before


@pytest.mark.parametrize("state", ["received", "completed", "failed"])
def test_the_same_event_with_other_content_is_a_conflict(outbox, state):
    outbox.once(EFFECT, "25172-04", 1)
    if state != "received":
        message = only(outbox.begin(outbox.due(EFFECT)))
        outbox.complete(message, "7") if state == "completed" else outbox.fail(message, "no")
    before = row(outbox)
    with pytest.raises(Conflict, match="25172-04: is already there with other content; nothing was queued"):
        outbox.once(EFFECT, "25172-04", 2)
    assert row(outbox) == before


def test_the_store_itself_refuses_a_second_row_for_an_effect_and_key(outbox):
    outbox.once(EFFECT, "25172-04", 1)
    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
        outbox.db.write(
            "INSERT INTO outbox (effect, key, mode, body, body_hash, state, created_at, changed_at)"
            " SELECT effect, key, mode, body, body_hash, state, created_at, changed_at FROM outbox"
        )


def test_a_request_that_is_rolled_back_was_never_made(outbox):
    def business_change():
        with outbox.db.tx():
            outbox.once(EFFECT, "25172-04", 1)
            raise KeyError

    with pytest.raises(KeyError):
        business_change()
    assert row(outbox) is None


# moving -----------------------------------------------------------------------------------------------


def test_a_message_that_begins_counts_its_attempt_and_never_looks_older_than_it_is(outbox, clock):
    clock.now = T0 + 0.4
    begun(outbox)
    assert (row(outbox)["attempts"], row(outbox)["sent_at"]) == (1, T0 + 1)


@pytest.mark.parametrize("state", ["received", "completed", "failed"])
@pytest.mark.parametrize("move", ["complete", "put_back", "doubt", "fail"])
def test_only_what_is_under_way_can_end(outbox, state, move):
    message = in_state(outbox, state)
    before = row(outbox)
    calls = {
        "complete": lambda: outbox.complete(message, "8"),
        "put_back": lambda: outbox.put_back(message, "busy", attempts=0, next_at=0),
        "doubt": lambda: outbox.doubt(message, "perhaps"),
        "fail": lambda: outbox.fail(message, "never"),
    }
    with pytest.raises(AssertionError, match="is not processing any more"):
        calls[move]()
    assert row(outbox) == before


@pytest.mark.parametrize("state", ["processing", "completed", "failed"])
def test_only_what_waits_can_begin(outbox, state):
    message = in_state(outbox, state)
    before = row(outbox)
    assert outbox.begin([message]) == []
    assert row(outbox) == before


def test_a_completed_message_keeps_key_hash_and_receipt_and_loses_its_body(outbox):
    message = in_state(outbox, "completed")
    kept = row(outbox)
    assert (kept["body"], kept["remote_id"], kept["completed_at"]) == (None, "7", T0)
    assert bytes(kept["body_hash"]) == message.body_hash


def test_a_doubt_keeps_the_moment_of_the_first_one(outbox, clock):
    message = begun(outbox)
    outbox.doubt(message, "timeout")
    clock.now += 100
    outbox.doubt(message, "still nobody knows")
    assert (row(outbox)["uncertain_since"], row(outbox)["reason"]) == (T0, "still nobody knows")
    assert only(outbox.in_doubt(EFFECT)).uncertain_since == T0


def test_waiting_messages_come_oldest_first_a_page_at_a_time_and_doubts_all_at_once(outbox):
    with outbox.db.tx():
        for number in range(250):
            outbox.latest(EFFECT, f"k{number}", number)
    outbox.latest(EFFECT, "k0", "newer")
    page = outbox.due(EFFECT)
    assert [message.key for message in page] == [f"k{number}" for number in range(200)]
    assert len(outbox.every_due(EFFECT)) == outbox.pending(EFFECT) == 250
    outbox.begin(outbox.every_due(EFFECT))
    assert len(outbox.in_doubt(EFFECT)) == outbox.pending(EFFECT) == 250


# the operator -------------------------------------------------------------------------------------------


def test_the_list_shows_trouble_first_and_never_a_body(outbox):
    for number, state in enumerate(["completed", "received", "processing", "failed"]):
        outbox.latest(EFFECT, state, {"secret": number})
        if state != "received":
            (message,) = outbox.begin([m for m in outbox.due(EFFECT) if m.key == state])
            outbox.complete(message, "7") if state == "completed" else None
            outbox.fail(message, "no") if state == "failed" else None
    listed = outbox.listed()
    assert [item["state"] for item in listed] == ["failed", "processing", "received", "completed"]
    assert "secret" not in str(listed)
    assert [item["key"] for item in outbox.listed(state="failed")] == ["failed"]
    assert outbox.listed(effect="mail") == []
    assert len(outbox.listed(limit=2)) == 2


def test_one_message_is_shown_with_its_body(outbox):
    message = asked(outbox, {"title": "Ledelse"})
    shown = outbox.get(message.id)
    assert (shown["body"], shown["body_hash"]) == ({"title": "Ledelse"}, message.body_hash.hex())
    with pytest.raises(NotFound, match="no message 99"):
        outbox.get(99)


@pytest.mark.parametrize("state", ["failed", "received"])
def test_an_operator_may_have_it_tried_again_at_once_with_fresh_patience(outbox, state):
    message = in_state(outbox, state)
    outbox.retry(message.id)
    again = only(outbox.due(EFFECT))
    assert (again.body, again.attempts) == (1, 0)


@pytest.mark.parametrize("state", ["failed", "received"])
def test_a_dropped_message_loses_its_body_and_cannot_be_queued_or_tried_again(outbox, state):
    message = in_state(outbox, state)
    outbox.drop(message.id)
    assert (row(outbox)["state"], row(outbox)["body"]) == ("failed", None)
    assert outbox.latest(EFFECT, "25172-04", 1) is False
    assert outbox.once(EFFECT, "25172-04", 1) is False
    with pytest.raises(UsageError, match="is dropped"):
        outbox.retry(message.id)


def test_one_that_waits_is_given_up_with_its_body_and_can_be_brought_back(outbox):
    message = in_state(outbox, "received")
    outbox.give_up(message.id, "cleared by a person")
    found = row(outbox)
    assert (found["state"], found["reason"], found["body"] is None) == ("failed", "cleared by a person", False)
    assert outbox.begin([message]) == []
    assert outbox.retry(message.id) == "received"


@pytest.mark.parametrize(
    ("state", "said"),
    [("processing", "the next run looks there first"), ("completed", "is completed"), ("failed", "is failed")],
)
def test_only_what_waits_can_be_given_up(outbox, state, said):
    message = in_state(outbox, state)
    before = row(outbox)
    with pytest.raises(UsageError, match=said):
        outbox.give_up(message.id, "no")
    assert row(outbox) == before


@pytest.mark.parametrize(
    ("state", "said"), [("processing", "the next run looks there first"), ("completed", "is completed")]
)
@pytest.mark.parametrize("command", ["retry", "drop"])
def test_what_is_done_or_in_doubt_is_not_an_operators_to_move(outbox, command, state, said):
    message = in_state(outbox, state)
    before = row(outbox)
    with pytest.raises(UsageError, match=said):
        getattr(outbox, command)(message.id)
    assert row(outbox) == before


@pytest.mark.parametrize("command", ["retry", "drop"])
def test_a_message_that_a_run_takes_at_that_moment_is_left_to_it(outbox, command, monkeypatch):
    message = asked(outbox)
    seen = outbox.get(message.id)
    outbox.begin([message])
    monkeypatch.setattr(outbox, "get", lambda row_id: seen)  # what the operator's process read just before
    with pytest.raises(UsageError, match="moved by a run at this moment"):
        getattr(outbox, command)(message.id)
    assert row(outbox)["state"] == "processing"
