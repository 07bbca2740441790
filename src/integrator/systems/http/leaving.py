"""Whether a request left whole: of one that did not, the other side never had the end, and so cannot have done it."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar


class Leaving:
    """One request on its way out. cut: a part of it was never taken by the operating system."""

    cut = False


# As the deadline: it travels with the caller, since a connection serves one request after the other.
_now: ContextVar[Leaving | None] = ContextVar("leaving", default=None)


@contextmanager
def leaving() -> Iterator[Leaving]:
    """Watch what this thread sends in this block."""
    watched = Leaving()
    token = _now.set(watched)
    try:
        yield watched
    finally:
        _now.reset(token)


def cut() -> None:
    """Say that a write failed. httpcore goes on to read then, and its error no longer tells."""
    if (watched := _now.get()) is not None:
        watched.cut = True
