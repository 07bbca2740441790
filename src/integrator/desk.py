"""The booking desk of a home, opened for one request: settings, store and Maconomy, without any job around it."""

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING

from integrator.home import Home, make_var, refuse_empty_store
from integrator.jobs.booking import Desk
from integrator.runtime import lock
from integrator.runtime.stopping import Stopper
from integrator.settings import Settings, load_settings
from integrator.store import open_store
from integrator.store.erasure.journal import refuse_behind
from integrator.wiring import Wiring

if TYPE_CHECKING:
    from integrator.systems.maconomy import Maconomy

BUDGET_S = 20.0  # for one request, all its questions to Maconomy together: a visitor waits


@contextmanager
def open_desk(
    home: Home, environ: Mapping[str, str] = os.environ, *, asks: bool, clock: Callable[[], float] = time.time
) -> Iterator[Desk]:
    """A desk whose store is there and up to date. Many may be open at once, beside every job.

    asks    whether Maconomy may be asked: then its secrets are needed
    Errors  ConfigError, StoreDamaged, Unavailable
    """
    settings = load_settings(home, environ, needs=("maconomy",) if asks else ())
    wiring = Wiring(settings, Stopper(timeout_s=BUDGET_S), spool=home.spool)
    try:
        with _desk(settings, wiring.maconomy, clock) as desk:
            yield desk
    finally:
        wiring.close()


class Desks:
    """The desks of a process that lives for many requests: settings and connections to Maconomy are kept between them.

    Safe to use from many threads.
    """

    def __init__(self, settings: Settings, clock: Callable[[], float]) -> None:
        """settings: with the secrets of [maconomy]"""
        self._settings = settings
        self._clock = clock
        self._budget = _Budget()
        self._wiring = Wiring(settings, self._budget, spool=settings.home.spool)
        self._lock = threading.Lock()

    @contextmanager
    def open(self) -> Iterator[Desk]:
        """As open_desk; the request of this thread has its time from here on."""
        self._budget.begin()
        with _desk(self._settings, self._maconomy, self._clock) as desk:
            yield desk

    def close(self) -> None:
        """Close the connections that were kept."""
        self._wiring.close()

    def _maconomy(self) -> "Maconomy":
        with self._lock:  # made once
            return self._wiring.maconomy()


class _Budget(threading.local):
    """What is left of the time of the request that each thread is at."""

    def __init__(self) -> None:
        self._stopper = Stopper(timeout_s=BUDGET_S)

    def begin(self) -> None:
        self._stopper = Stopper(timeout_s=BUDGET_S)

    def remaining_s(self) -> float:
        return self._stopper.remaining_s()

    def sleep(self, seconds: float) -> None:
        self._stopper.sleep(seconds)


@contextmanager
def _desk(settings: Settings, maconomy: "Callable[[], Maconomy]", clock: Callable[[], float]) -> Iterator[Desk]:
    home = settings.home
    make_var(home, settings.store.path)
    refuse_empty_store(home, settings.store.path)
    guard = partial(lock.wait_for, home.locks, "store")
    with ExitStack() as stack:
        db = open_store(settings.store.path, backups=home.backups, guard=guard).db
        stack.callback(db.close)
        refuse_behind(db, home.var)
        yield Desk(db, maconomy, settings.reservations.hold_minutes, clock)
