"""sync-orders when the clock jumps, and in the nights when it is changed."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

import pytest
from effects import EFFECTS, REGISTRATION, Effect, assert_once, await_arrival, fate

from integrator.runner import Options
from world import Result, World

NIGHTS = {"spring": "2027-03-28T01:00:00+00:00", "autumn": "2027-10-31T01:00:00+00:00"}


@pytest.fixture
def post(here: World) -> World:
    """A home with Mailgun switched on."""
    here.configure(mailgun=True)
    return here


@pytest.fixture
def at(post: World, monkeypatch: pytest.MonkeyPatch) -> Callable[[float], Result]:
    """at(seconds): one run at that moment of our clock."""

    def run(now: float) -> Result:
        monkeypatch.setattr("integrator.runner.Options", partial(Options, clock=lambda: now))
        return post.run("sync-orders")

    return run


@EFFECTS
@pytest.mark.parametrize("jump", [-3600, 3600])
def test_a_clock_that_jumps_an_hour_sends_nothing_twice(
    post: World, at: Callable[[float], Result], effect: Effect, jump: int
) -> None:
    post.order(1)
    now = datetime.now(UTC).timestamp()
    post.servers[effect.server].faults.add(
        {"match": effect.send, "times": 1, "fault": {"kind": "reset", "when": "after"}}
    )
    assert at(now).code == 75
    assert at(now + jump).code == 0
    assert_once(post)


@EFFECTS
def test_a_clock_set_back_an_hour_resends_nothing_that_may_still_arrive(
    post: World, at: Callable[[float], Result], effect: Effect
) -> None:
    post.order(1)
    now = datetime.now(UTC).timestamp()
    post.servers[effect.server].faults.add({"match": effect.send, "times": 1, "fault": {"kind": "late"}})
    assert at(now).code == 75
    assert at(now - 3600).code == 75
    assert fate(post, effect) == ("processing", 0)
    post.servers[effect.server].faults.gate.release()
    await_arrival(post, effect)
    assert at(now - 3590).code == 0
    assert_once(post)


def test_a_clock_set_back_delays_the_next_try_and_does_not_lose_it(post: World, at: Callable[[float], Result]) -> None:
    post.order(1)
    now = datetime.now(UTC).timestamp()
    post.maconomy.seed({"locked": True})
    assert at(now).code == 75
    post.maconomy.seed({"locked": False})
    assert at(now - 3600).code == 75
    assert fate(post, REGISTRATION) == ("received", 0)
    assert at(now + 11).code == 0
    assert_once(post)


@EFFECTS
@pytest.mark.parametrize("night", NIGHTS)
def test_the_nights_when_clocks_are_changed_are_like_all_others(
    post: World, at: Callable[[float], Result], effect: Effect, night: str
) -> None:
    """Local time jumps over an hour, or has it twice; the doubt is from before, the look-up from after."""
    changed = datetime.fromisoformat(NIGHTS[night]).timestamp()
    post.order(1)
    post.servers[effect.server].faults.add(
        {"match": effect.send, "times": 1, "fault": {"kind": "reset", "when": "before"}}
    )
    post.mailgun.seed({"now": NIGHTS[night]})
    assert at(changed - 20).code == 75
    assert at(changed + 20).code == 75, "forty seconds, not an hour"
    assert fate(post, effect) == ("processing", 0)
    settled = at(changed + 1900)
    assert settled.code == (0 if effect.resends else 3)
    assert fate(post, effect)[1] == (1 if effect.resends else 0)
    assert at(changed + 5500).code == 0
    assert Counter(post.registrations() + post.mails()).most_common(1)[0][1] == 1
