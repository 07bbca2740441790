"""Ending on request: SIGTERM, Ctrl-C, a dropped connection and the run's time budget end a run the same clean way."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from integrator.errors import Stopped


class Stopper:
    """Turns a stop signal into Stopped: at once in an interruptible block, later anywhere else.

    Interruptible is a job's story, but for its critical blocks: one effect and its bookkeeping must not be cut in
    half, because then nobody would know whether the other side did it. A run's own books are not interruptible.
    """

    def __init__(self, *, timeout_s: float | None = None) -> None:
        self._deadline = time.monotonic() + timeout_s if timeout_s else None
        self._depth = 1
        self._reason: str | None = None

    def remaining_s(self) -> float:
        """Seconds left of the run's budget; infinity without one."""
        return float("inf") if self._deadline is None else max(0.0, self._deadline - time.monotonic())

    def sleep(self, seconds: float) -> None:
        """Wait; a stop request ends it.

        Errors  Stopped: asked to end, or there is not so much time left
        """
        if seconds >= self.remaining_s():
            raise Stopped("stopped: waiting any longer would use up the run's time; the rest waits for the next run")
        time.sleep(seconds)
        self.check()

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Listen to signals and to the budget while the block runs."""
        numbers = [signal.SIGTERM, signal.SIGINT, signal.SIGALRM]
        if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # nohup says that a dropped connection ends nothing
            numbers.append(signal.SIGHUP)
        before = {number: signal.getsignal(number) for number in numbers}
        for number in before:
            signal.signal(number, self._on_signal)
        if self._deadline is not None:
            signal.setitimer(signal.ITIMER_REAL, max(0.001, self.remaining_s()))
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            for number, handler in before.items():
                signal.signal(number, handler)

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """A block that a stop request may end at any line; one that came before it ends it at once."""
        self._depth -= 1
        try:
            self.check()
            yield
        finally:
            self._depth += 1

    @contextmanager
    def critical(self) -> Iterator[None]:
        """Postpone a stop until the block has ended."""
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
        self.check()

    def check(self) -> None:
        """Errors  Stopped: a stop was asked for and nothing critical is under way"""
        if self._reason and not self._depth:
            raise Stopped(self._reason)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGALRM:
            self._reason = (
                "stopped: the run's time is used up (timeout in its jobs/ file); the rest waits for the next run"
            )
        else:
            self._reason = f"stopped by {signal.Signals(number).name}; the rest waits for the next run"
        self.check()
