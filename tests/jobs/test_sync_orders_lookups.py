"""Looking for what became of a registration or a mail, while HTTP does its worst: no answer is no proof."""

import pytest
from effects import (
    EFFECTS,
    MAIL,
    MAILS,
    REGISTRATION,
    Effect,
    assert_once,
    fate,
    impatient,
    meets,
    over,
    pass_time,
    sent,
)
from http_faults import NEVER_ENDING, NO_READS, OTHER_CLOTHES, TOO_MUCH, TOO_OFTEN, UNREADABLE, Fault, named

from integrator.runtime.stopping import Stopper
from world import World


@pytest.fixture
def post(here: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A home with Mailgun switched on; the waits between two tries of a read are left out."""
    monkeypatch.setattr(Stopper, "sleep", lambda self, seconds: self.check())
    here.configure(mailgun=True)
    return here


# looking it up ----------------------------------------------------------------------------------------------


def lose_answer(here: World, effect: Effect) -> None:
    """It is done there, nobody here knows, and that is long ago: what is not found now would be sent again."""
    here.order(1)
    meets(here, effect, effect.send, {"kind": "reset", "when": "after"})
    assert here.run("sync-orders").code == 75
    over(here, effect)
    pass_time(here)


@EFFECTS
def test_a_look_up_without_a_clear_answer_leaves_the_doubt_and_sends_nothing(post: World, effect: Effect) -> None:
    lose_answer(post, effect)
    before, codes = sent(post, effect), dict[str, int]()
    for fault in [*UNREADABLE, *NO_READS, *TOO_OFTEN, *TOO_MUCH]:
        meets(post, effect, effect.look, fault, times=None)
        codes[str(named(fault))] = post.run("sync-orders").code
        assert (fate(post, effect), sent(post, effect)) == (("processing", 1), before), fault
        over(post, effect)
    assert set(codes.values()) == {75}, "what cannot be told of one holds back nothing else"
    assert post.run("sync-orders").code == 0
    assert_once(post)


@EFFECTS
@pytest.mark.parametrize("fault", NEVER_ENDING, ids=named)
def test_a_look_up_that_never_ends_is_given_up(post: World, effect: Effect, fault: Fault) -> None:
    lose_answer(post, effect)
    impatient(post, effect)
    meets(post, effect, effect.look, fault, times=None)
    assert post.run("sync-orders").code == 75
    assert fate(post, effect) == ("processing", 1)
    over(post, effect)
    post.configure(mailgun=True)
    assert post.run("sync-orders").code == 0
    assert_once(post)


@EFFECTS
@pytest.mark.parametrize("fault", [*OTHER_CLOTHES, {"kind": "twice"}], ids=named)
def test_a_look_up_finds_it_in_other_clothes(post: World, effect: Effect, fault: Fault) -> None:
    lose_answer(post, effect)
    meets(post, effect, effect.look, fault)
    assert post.run("sync-orders").code == 0
    assert_once(post)


def test_a_stale_list_of_participants_is_not_believed_before_it_is_settled(post: World) -> None:
    post.order(1)
    meets(post, REGISTRATION, REGISTRATION.send, {"kind": "reset", "when": "before"})
    assert post.run("sync-orders").code == 75
    pass_time(post)
    meets(post, REGISTRATION, REGISTRATION.send, {"kind": "reset", "when": "after"})
    assert post.run("sync-orders").code == 75, "looked for, not there, sent again; and the answer is lost"
    meets(post, REGISTRATION, REGISTRATION.look, {"kind": "stale"})
    meets(post, REGISTRATION, REGISTRATION.look, {"kind": "body", "what": "list"})
    for _ in range(2):
        assert post.run("sync-orders").code == 75
        assert fate(post, REGISTRATION) == ("processing", 1)
    assert post.run("sync-orders").code == 0
    assert_once(post)


# what became of mails ---------------------------------------------------------------------------------------


def test_events_without_a_clear_answer_hold_nothing_back_and_are_read_later(post: World) -> None:
    post.mailgun.seed({"bouncing": ["gitte.a@example.org"]})
    post.order(1)
    events = {"path": "/v3/.*/events"}
    for fault in [*UNREADABLE[::3], *NO_READS[::2], *TOO_OFTEN[::2]]:
        meets(post, MAIL, events, fault, times=None)
        result = post.run("sync-orders", "-v")
        assert (result.code, "delivery results could not be read" in result.err) == (0, True), fault
        over(post, MAIL)
    assert post.run("sync-orders").code == 3
    assert post.rows("SELECT key, result FROM mails WHERE result <> 'delivered'") == [(MAILS[0], "failed")]
