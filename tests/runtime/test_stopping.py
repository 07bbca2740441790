"""A stop comes at once, but never in the middle of an effect and its bookkeeping."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from integrator.errors import Stopped
from integrator.runtime.stopping import Stopper

SIGNALS = [signal.SIGTERM, signal.SIGINT, signal.SIGALRM, signal.SIGHUP]


@pytest.fixture(autouse=True)
def hangups_are_heard() -> Iterator[None]:
    """Also where these tests are run under nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@contextmanager
def listening(stopper: Stopper) -> Iterator[None]:
    """As a story runs: signals are heard, and may end any line."""
    with stopper.installed(), stopper.interruptible():
        yield


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_ends_what_is_under_way_at_once(number):
    reached = []

    def story():
        signal.raise_signal(number)
        reached.append("what comes after")

    with pytest.raises(Stopped, match="the rest waits for the next run") as caught, listening(Stopper()):
        story()
    assert reached == []
    assert caught.value.exit_code == 75


def test_the_message_names_the_signal_or_the_budget():
    with pytest.raises(Stopped, match="stopped by SIGTERM"), listening(Stopper()):
        signal.raise_signal(signal.SIGTERM)
    with (
        pytest.raises(Stopped, match=r"the run's time is used up \(timeout in its jobs/ file\)"),
        listening(Stopper()),
    ):
        signal.raise_signal(signal.SIGALRM)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_in_a_critical_block_waits_for_its_end(number):
    stopper, done = Stopper(), []

    def effect_and_books():
        with stopper.critical():
            with stopper.critical():
                signal.raise_signal(number)
                done.append("sent")
            done.append("written down")
        done.append("next effect")

    with pytest.raises(Stopped), listening(stopper):
        effect_and_books()
    assert done == ["sent", "written down"]


def test_an_error_in_a_critical_block_comes_out_as_it_is():
    stopper = Stopper()

    def broken():
        with stopper.critical():
            signal.raise_signal(signal.SIGTERM)
            raise KeyError("what happened")

    with pytest.raises(KeyError), listening(stopper):
        broken()


def test_the_signals_behave_as_before_when_the_run_is_over():
    before = [signal.getsignal(number) for number in SIGNALS]
    with Stopper(timeout_s=100).installed():
        assert signal.getsignal(signal.SIGTERM) != before[0]
    assert [signal.getsignal(number) for number in SIGNALS] == before
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_the_budget_ends_a_run_that_hangs():
    stopper = Stopper(timeout_s=0.05)
    with pytest.raises(Stopped, match="time is used up"), listening(stopper):
        threading.Event().wait(30)
    assert stopper.remaining_s() == 0.0


def test_without_a_timeout_there_is_no_budget():
    assert Stopper().remaining_s() == float("inf")
    assert Stopper(timeout_s=None).remaining_s() == float("inf")
    assert 99 < Stopper(timeout_s=100).remaining_s() <= 100


@pytest.mark.parametrize("seconds", [500.0, 10_000.0])
def test_a_sleep_that_the_budget_does_not_hold_is_not_begun(seconds):
    begun = time.monotonic()
    with pytest.raises(Stopped, match="would use up the run's time"):
        Stopper(timeout_s=500.0).sleep(seconds)
    assert time.monotonic() - begun < 100


def test_a_short_sleep_goes_on_afterwards():
    Stopper(timeout_s=5.0).sleep(0.001)


def test_a_stop_ends_a_sleep():
    stopper = Stopper(timeout_s=1000)
    timer = threading.Timer(0.05, signal.pthread_kill, (threading.main_thread().ident, signal.SIGTERM))
    begun = time.monotonic()

    def story():
        timer.start()
        stopper.sleep(600)

    with pytest.raises(Stopped, match="SIGTERM"), listening(stopper):
        story()
    assert time.monotonic() - begun < 300
    timer.join()


def test_check_speaks_up_once_the_critical_block_is_over():
    stopper = Stopper()
    stopper.check()

    def effect():
        with stopper.critical():
            signal.raise_signal(signal.SIGTERM)
            stopper.check()

    with listening(stopper), pytest.raises(Stopped):
        effect()


def test_a_stop_outside_the_story_lets_the_books_be_written_and_ends_the_story_that_would_begin():
    stopper = Stopper()
    with stopper.installed():
        signal.raise_signal(signal.SIGTERM)
        stopper.check()
        with pytest.raises(Stopped), stopper.interruptible():
            pytest.fail("the story began")


def test_nohup_keeps_its_word():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    reached = []
    try:
        with listening(Stopper()):
            signal.raise_signal(signal.SIGHUP)
            reached.append("the next step")
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
    assert reached == ["the next step"]
