"""All that HTTP can do to a registration, a mail, a look-up or a question for seats: nobody twice, nobody forgotten."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from effects import (
    EFFECTS,
    ENDED,
    MAIL,
    REGISTRATION,
    Effect,
    assert_heals_when_settled,
    assert_once,
    await_arrival,
    fate,
    impatient,
    meets,
    over,
    pass_time,
    sent,
)
from http_faults import NEVER_ENDING, OTHER_CLOTHES, TOO_MANY, UNCLEAR, Fault, arrives, named, status

from desks import form
from dying import failing
from integrator.jobs import booking
from integrator.runtime.stopping import Stopper
from world import World

CLASS = "40000-01"


@pytest.fixture
def post(here: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A home with Mailgun switched on; the waits between two tries of a read are left out."""
    monkeypatch.setattr(Stopper, "sleep", lambda self, seconds: self.check())
    here.configure(mailgun=True)
    record = here.maconomy.courses.get("25172-04") | {"maxParticipants": 500, "registeredParticipants": 0}
    here.maconomy.seed({"add": [record | {"courseId": CLASS, "freeSeats": 500}]})
    return here


# many orders at once, each with its own trouble -------------------------------------------------------


def take_orders(here: World, effect: Effect, faults: Sequence[Fault]) -> dict[str, str]:
    """An order for each fault, of whose two messages the first meets it; gives back fault → key.

    Five messages in a row without an answer would end the run: so each is followed by one that goes well.
    """
    here.configure(mailgun=effect is MAIL)
    keys, seats = {}, 2 if effect is REGISTRATION else 1
    with here.desk() as desk:
        for number, fault in enumerate(faults):
            order = booking.reserve(desk, CLASS, seats=seats, key=f"k{number}")["order"]
            booking.complete(desk, order, form(seats, who=str(number), at=datetime.now(UTC).isoformat()))
            key = effect.key.replace("10001", str(order))
            meets(here, effect, effect.send | {"body": f"{key}\\b"}, fault)
            keys[str(named(fault))] = key
    return keys


def fates(here: World, keys: dict[str, str]) -> dict[str, tuple[str, int]]:
    """fault → (state, how often it has happened there)."""
    states = dict(here.rows("SELECT key, state FROM outbox"))
    done = here.registrations() + here.mails()
    return {name: (states[key], done.count(key)) for name, key in keys.items()}


def all_once(keys: dict[str, str]) -> dict[str, tuple[str, int]]:
    return dict.fromkeys(keys, ("completed", 1))


def assert_everything_once(here: World, effect: Effect, orders: int) -> None:
    """Both messages of every order, none of them twice."""
    done = here.registrations() if effect is REGISTRATION else here.mails()
    assert len(done) == len(set(done)) == 2 * orders
    assert here.rows("SELECT DISTINCT state FROM outbox WHERE effect = ?", effect.name) == [("completed",)]


@EFFECTS
def test_an_answer_that_proves_nothing_leaves_a_doubt_and_no_double(post: World, effect: Effect) -> None:
    keys = take_orders(post, effect, UNCLEAR)
    arrived = {str(named(fault)): int(arrives(fault)) for fault in UNCLEAR}
    assert len(keys) == len(arrived) == len(UNCLEAR)
    assert post.run("sync-orders").code == 75
    assert fates(post, keys) == {name: ("processing", number) for name, number in arrived.items()}

    over(post, effect)
    assert post.run("sync-orders").code == 75
    found = {name: ("completed", 1) if number else ("processing", 0) for name, number in arrived.items()}
    assert fates(post, keys) == found, "what may still arrive is not sent again"

    pass_time(post)
    if effect.resends:
        assert post.run("sync-orders").code == 0
    else:
        assert post.run("sync-orders").code == 3
        held = {name: ("completed", 1) if number else ("failed", 0) for name, number in arrived.items()}
        assert fates(post, keys) == held
        reasons = post.rows("SELECT DISTINCT substr(reason, 1, 5) FROM outbox WHERE state = 'failed'")
        assert reasons == [("held:",)]
        assert post.run("outbox", "retry", "--all-failed", "--without-looking").code == 0
        assert post.run("sync-orders").code == 0
    assert fates(post, keys) == all_once(keys)
    assert_everything_once(post, effect, len(UNCLEAR))


@EFFECTS
def test_a_no_to_one_item_stops_no_other(post: World, effect: Effect) -> None:
    faults = [status(400), status(422), status(400, body='{"error": "VALIDATION", "message": "no"}')]
    keys = take_orders(post, effect, faults)
    assert post.run("sync-orders").code == 3
    assert fates(post, keys) == dict.fromkeys(keys, ("failed", 0))
    assert len(post.registrations() if effect is REGISTRATION else post.mails()) == len(faults)
    assert post.run("sync-orders").code == 0
    assert fates(post, keys) == dict.fromkeys(keys, ("failed", 0)), "only a person brings it back"
    assert post.run("outbox", "retry", "--all-failed", "--without-looking").code == 0
    assert post.run("sync-orders").code == 0
    assert_everything_once(post, effect, len(faults))


@EFFECTS
def test_the_right_answer_in_other_clothes_is_taken(post: World, effect: Effect) -> None:
    keys = take_orders(post, effect, OTHER_CLOTHES)
    assert post.run("sync-orders").code == 0
    assert fates(post, keys) == all_once(keys)
    assert_everything_once(post, effect, len(OTHER_CLOTHES))


# one order ---------------------------------------------------------------------------------------------


@EFFECTS
@pytest.mark.parametrize("fault", NEVER_ENDING, ids=named)
def test_no_answer_in_time_leaves_a_doubt_and_no_double(post: World, effect: Effect, fault: Fault) -> None:
    post.order(1)
    impatient(post, effect)
    meets(post, effect, effect.send, fault)
    result = post.run("sync-orders", "-v")
    assert (result.code, "no answer within 1 s" in result.err) == (75, True)
    assert fate(post, effect) == ("processing", int(arrives(fault)))
    over(post, effect)
    post.configure(mailgun=True)
    if arrives(fault):
        assert post.run("sync-orders").code == 0
        assert_once(post)
    else:
        assert_heals_when_settled(post, effect)


@EFFECTS
def test_too_many_requests_wait_as_long_as_asked_and_cost_no_attempt(post: World, effect: Effect) -> None:
    post.order(1)
    for asked, seconds in TOO_MANY:
        meets(post, effect, effect.send, status(429, **({} if asked is None else {"retry_after": asked})))
        assert post.run("sync-orders").code == 75
        [(state, attempts, waits_s)] = post.rows(
            "SELECT state, attempts, next_at - changed_at FROM outbox WHERE key = ?", effect.key
        )
        assert (state, attempts) == ("received", 0), asked
        assert abs(waits_s - seconds) <= 1, asked
        assert post.run("sync-orders").code == 75
        assert fate(post, effect) == ("received", 0), "it is left alone meanwhile"
        pass_time(post)
    assert post.run("sync-orders").code == 0
    assert_once(post)


@EFFECTS
def test_a_no_to_all_stops_the_effect_and_costs_no_attempt(post: World, effect: Effect) -> None:
    post.order(1)
    for code in (401, 403, 404) if effect is REGISTRATION else (401, 402, 403, 404):
        meets(post, effect, effect.send, status(code))
        result = post.run("sync-orders")
        assert (result.code, str(code) in result.err) == (1, True)
        assert post.rows("SELECT state, attempts FROM outbox WHERE key = ?", effect.key) == [("received", 0)]
    assert post.run("sync-orders").code == 0
    assert_once(post)


def test_closed_books_are_no_doubt(post: World) -> None:
    post.order(1)
    meets(post, REGISTRATION, REGISTRATION.send, status(503, body='{"error": "LOCKED"}', retry_after=20))
    assert post.run("sync-orders").code == 75
    rows = post.rows("SELECT state, attempts, next_at - changed_at BETWEEN 19 AND 21 FROM outbox")
    assert rows == [("received", 1, 1)]
    pass_time(post)
    assert post.run("sync-orders").code == 0
    assert_once(post)


# what a network does by itself ----------------------------------------------------------------------------


@EFFECTS
@pytest.mark.parametrize("fault", [{"kind": "twice"}, {"kind": "twice", "answer": "second"}], ids=named)
def test_a_request_that_the_network_doubles_was_sent_once(post: World, effect: Effect, fault: Fault) -> None:
    """Nobody can prevent it from here, but for a system that knows the reference; it is never made worse."""
    post.maconomy.seed({"unique_references": True})
    post.order(1)
    meets(post, effect, effect.send, fault)
    assert post.run("sync-orders").code == 0
    assert fate(post, effect) == ("completed", 1 if effect is REGISTRATION else 2)
    before = sent(post, effect)
    assert post.run("sync-orders").code == 0
    assert sent(post, effect) == before


@EFFECTS
def test_what_the_network_doubled_is_told_when_it_is_looked_for(post: World, effect: Effect) -> None:
    post.order(1)
    meets(post, effect, effect.send, {"kind": "twice"})
    with failing("io", [*[ENDED] * effect.nth, "COMMIT"]):
        assert post.run("sync-orders").code == 70
    assert fate(post, effect) == ("processing", 2)
    result = post.run("sync-orders")
    assert (result.code, effect.key in result.err) == (3, True)
    [(state, reason)] = post.rows("SELECT state, reason FROM outbox WHERE key = ?", effect.key)
    assert (state, reason.partition(":")[0]) == ("failed", "duplicate")


@EFFECTS
@pytest.mark.parametrize("then", ["reset", "close", "504"])
def test_a_request_that_arrives_after_the_next_run_is_not_doubled(post: World, effect: Effect, then: str) -> None:
    post.order(1)
    meets(post, effect, effect.send, {"kind": "late", "then": then})
    assert post.run("sync-orders").code == 75
    assert post.run("sync-orders").code == 75
    assert fate(post, effect) == ("processing", 0)
    post.servers[effect.server].faults.gate.release()
    await_arrival(post, effect)
    assert post.run("sync-orders").code == 0
    assert_once(post)
