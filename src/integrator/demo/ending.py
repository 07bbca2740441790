"""Every way out of the demonstration is the same one: folders are removed and stand-ins stopped on the way."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Ended(SystemExit):
    """Somebody or something ended the demonstration. asked_for: with Ctrl-C."""

    def __init__(self, number: int) -> None:
        super().__init__(128 + number)
        self.asked_for = number == signal.SIGINT


@contextmanager
def tidy_endings() -> Iterator[None]:
    """Turn a stop signal into Ended while the block runs; a plain SIGTERM would leave the folders behind."""
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    for number, handler in before.items():
        if handler != signal.SIG_IGN:  # nohup says that a dropped connection ends nothing
            signal.signal(number, _end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(number: int, frame: FrameType | None) -> None:
    for other in _SIGNALS:
        signal.signal(other, signal.SIG_IGN)  # from here on it is cleared away; a second Ctrl-C must not cut that
    raise Ended(number)
