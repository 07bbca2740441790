"""Patience: a read that found nobody is tried again, within the run's budget. Never used for writes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from integrator.errors import InDoubt, Unavailable

if TYPE_CHECKING:
    import random

    import tenacity

T = TypeVar("T")
LONGEST_ASKED_S = 60.0  # a system that asks for longer gets its rest from the next run, not from a sleeping one
_FIRST_WAIT_S = 1.0
_LONGEST_WAIT_S = 30.0


class Patience:
    """Calls a function again while it raises Unavailable: attempts in all, and never past the budget.

    It waits as long as the other side asked (Retry-After); else a random part of 1, 2, 4 … at most 30 s.
    """

    def __init__(
        self,
        *,
        attempts: int = 2,
        budget_s: Callable[[], float],
        sleep: Callable[[float], None],
        rng: random.Random | None = None,
    ) -> None:
        """budget_s is what is left of the run; sleep is the run's own, which a stop signal ends."""
        self._attempts = attempts
        self._budget_s = budget_s
        self._sleep = sleep
        self._rng = rng

    def __call__(self, fn: Callable[[], T], /) -> T:
        """Give back what fn gives, or raise its last error as it was.

        Errors  whatever fn raises. InDoubt is never repeated: it was a write
        """
        try:
            return fn()
        except Unavailable as error:
            first = error
        return self._again(fn, first)

    def _again(self, fn: Callable[[], T], first: Unavailable) -> T:
        """Go on after a first failure: only then is tenacity (50 ms) imported."""
        import tenacity

        failed = [first]

        def attempt() -> T:
            if failed:
                raise failed.pop()
            return fn()

        # stop_before_delay is stop_after_delay with the coming sleep counted in.
        stop = tenacity.stop_after_attempt(self._attempts) | tenacity.stop_before_delay(max(0.0, self._budget_s()))
        repeat = tenacity.retry_if_exception(_worth_repeating)
        return tenacity.Retrying(stop=stop, wait=self._wait_s, retry=repeat, sleep=self._sleep, reraise=True)(attempt)

    def _wait_s(self, state: tenacity.RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, Unavailable) and error.retry_after_s is not None:
            return error.retry_after_s
        return self._random().uniform(0.0, min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2.0 ** (state.attempt_number - 1)))

    def _random(self) -> random.Random:
        if self._rng is None:
            import random

            self._rng = random.Random()  # noqa: S311  # spreads waits, guards nothing
        return self._rng


def _worth_repeating(error: BaseException) -> bool:
    if not isinstance(error, Unavailable) or isinstance(error, InDoubt):
        return False
    return error.retry_after_s is None or error.retry_after_s <= LONGEST_ASKED_S
