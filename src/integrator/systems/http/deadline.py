"""One total deadline per request: however the other side drips its bytes, the wait ends."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

# A connection is kept open from one request to the next, possibly of another thread; the deadline belongs to the
# request. So it travels with the caller, not with the connection.
_ends_at: ContextVar[float] = ContextVar("ends_at", default=float("inf"))


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Everything sent and read in this block, by this thread, ends after so many seconds."""
    token = _ends_at.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _ends_at.reset(token)


def left_s(late: type[Exception], *, at_most: float | None = None, share: int = 1) -> float:
    """Seconds that one read, write or connect may take; share divides what is left among so many.

    Errors  late, which the caller chooses: nothing is left
    """
    seconds = (_ends_at.get() - time.monotonic()) / share
    if seconds <= 0:
        raise late("the deadline has passed")
    return seconds if at_most is None else min(seconds, at_most)
