"""Who is called again, after how long, and who is not."""

import random

import pytest

from integrator.errors import BadAnswer, InDoubt, Refused, Unavailable
from integrator.runtime.patience import Patience


class Script:
    """Raises or gives back one thing after the other."""

    def __init__(self, *outcomes):
        self.outcomes = list(outcomes)
        self.calls = 0

    def __call__(self):
        self.calls += 1
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome


class Half(random.Random):
    """Chance gives the middle."""

    def uniform(self, a, b):
        return (a + b) / 2


def away(retry_after_s=None):
    return Unavailable("brp: list: answered 503", retry_after_s=retry_after_s)


def patience(slept, *, attempts=4, budget_s=1000.0):
    return Patience(attempts=attempts, budget_s=lambda: budget_s, sleep=slept.append, rng=Half())


@pytest.mark.parametrize(
    ("outcomes", "slept"),
    [
        (["a"], []),
        ([away(), "a"], [0.5]),
        ([away(), away(), away(), "a"], [0.5, 1.0, 2.0]),
        ([away(20.0), "a"], [20.0]),
        ([away(60.0), "a"], [60.0]),
        ([away(0.0), "a"], [0.0]),
        ([away(5.0), away(), "a"], [5.0, 1.0]),
    ],
)
def test_it_waits_as_asked_or_a_growing_random_time(outcomes, slept):
    waits = []
    fn = Script(*outcomes)
    assert patience(waits)(fn) == "a"
    assert waits == slept
    assert fn.outcomes == []


def test_the_wait_never_grows_beyond_half_a_minute():
    waits = []
    patience(waits, attempts=10)(Script(*[away()] * 9, "a"))
    assert waits[-3:] == [15.0, 15.0, 15.0]


def test_the_random_wait_stays_in_its_range():
    waits = []
    for _ in range(50):
        Patience(budget_s=lambda: 1000.0, sleep=waits.append)(Script(away(), "a"))
    assert all(0.0 <= wait <= 1.0 for wait in waits)
    assert len(set(waits)) > 40


@pytest.mark.parametrize(
    "error",
    [
        Refused("no"),
        BadAnswer("what", code="bad_json"),
        InDoubt("perhaps"),
        InDoubt("perhaps", retry_after_s=1.0),
        away(61.0),
        away(3600.0),
        ValueError("our bug"),
        KeyboardInterrupt(),
    ],
    ids=repr,
)
def test_what_time_does_not_cure_is_raised_at_once(error):
    waits = []
    fn = Script(error, "never reached")
    with pytest.raises(type(error)) as caught:
        patience(waits)(fn)
    assert caught.value is error
    assert (waits, fn.calls) == ([], 1)


@pytest.mark.parametrize("error", [Refused("no"), InDoubt("perhaps"), away(300.0)], ids=repr)
def test_what_time_does_not_cure_ends_a_repetition_too(error):
    waits = []
    fn = Script(away(), error, "never reached")
    with pytest.raises(type(error)) as caught:
        patience(waits)(fn)
    assert caught.value is error
    assert (waits, fn.calls) == ([0.5], 2)


def test_the_last_error_comes_out_as_it_was_when_the_attempts_are_used_up():
    waits, last = [], away(3.0)
    fn = Script(away(), last, "never reached")
    with pytest.raises(Unavailable) as caught:
        patience(waits, attempts=2)(fn)
    assert caught.value is last
    assert caught.value.retry_after_s == 3.0
    assert (waits, fn.calls) == ([0.5], 2)


def test_one_attempt_is_one_call():
    fn = Script(away(), "never reached")
    with pytest.raises(Unavailable):
        patience([], attempts=1)(fn)
    assert fn.calls == 1


@pytest.mark.parametrize(("budget_s", "asked"), [(10.0, 11.0), (10.0, 10.0), (0.0, None), (-3.0, None), (0.4, None)])
def test_a_wait_that_the_run_has_no_time_for_is_not_begun(budget_s, asked):
    waits = []
    fn = Script(away(asked), "never reached")
    with pytest.raises(Unavailable) as caught:
        patience(waits, budget_s=budget_s)(fn)
    assert caught.value.retry_after_s == asked
    assert (waits, fn.calls) == ([], 1)


def test_a_run_without_end_is_patient_too():
    assert patience([], budget_s=float("inf"))(Script(away(), "a")) == "a"


def test_a_stop_during_the_wait_ends_it():
    def stop(seconds):
        raise KeyboardInterrupt

    fn = Script(away(), "never reached")
    with pytest.raises(KeyboardInterrupt):
        Patience(budget_s=lambda: 100.0, sleep=stop)(fn)
    assert fn.calls == 1
