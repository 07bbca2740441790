"""The booking desk of a home, opened for one request: settings, store and Maconomy, without any job around it."""

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import cache, partial
from typing import TYPE_CHECKING

from integrator.errors import NotFound, Unavailable
from integrator.home import Home, make_var
from integrator.jobs.booking import Desk
from integrator.runtime import lock
from integrator.runtime.stopping import Stopper
from integrator.settings import Settings, load_settings
from integrator.signs import may_make_store
from integrator.store import open_store
from integrator.store.erasure.journal import refuse_behind
from integrator.wiring import Wiring

if TYPE_CHECKING:
    from integrator.systems.maconomy import Maconomy

BUDGET_S = 20.0  # for one request, all its questions to Maconomy together: a visitor waits
PATIENCE_S = 4.0  # of a request with whoever holds the store
# Half of the threads that a server is to have (docs/gateway.md): the others answer while Maconomy is slow.
ASK_AT_ONCE = 4
TURN_S = 1.0  # how long a request waits until it may ask, too


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
        self._turns = threading.BoundedSemaphore(ASK_AT_ONCE)
        self._had_store = False

    @contextmanager
    def open(self, *, make: bool = True) -> Iterator[Desk]:
        """As open_desk, with less patience; the request of this thread has its time from here on.

        make    whether a store may be made, if may_make
        Errors  as open_desk; LockHeld; NotFound: there is no store yet, and none is to be made
        """
        self._budget.begin()
        is_new = self.may_make()
        if is_new and not make:
            raise NotFound("there is none yet: nothing was ever kept here")
        with ExitStack() as request:
            maconomy = cache(partial(self._in_turn, request))
            opening = _desk(self._settings, maconomy, self._clock, make=is_new, patience_s=PATIENCE_S)
            desk = request.enter_context(opening)
            self._had_store = True
            yield desk

    def may_make(self) -> bool:
        """Whether there is no store, and this home never had one. Errors  StoreDamaged: as may_make_store"""
        path = self._settings.store.path
        if not may_make_store(self._settings.home, path):
            self._had_store = True
            return False
        return not self._had_store  # where everything is gone, a disk is not mounted any more

    def close(self) -> None:
        """Close the connections that were kept."""
        self._wiring.close()

    def _in_turn(self, request: ExitStack) -> "Maconomy":
        """Errors  Unavailable: so many ask already that the rest of the gateway would stand still"""
        if not self._turns.acquire(timeout=TURN_S):
            raise Unavailable(f"maconomy: {ASK_AT_ONCE} requests ask it at this moment; nothing was done, try again")
        request.callback(self._turns.release)
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
def _desk(
    settings: Settings,
    maconomy: "Callable[[], Maconomy]",
    clock: Callable[[], float],
    *,
    make: bool = True,
    patience_s: float | None = None,
) -> Iterator[Desk]:
    home, path = settings.home, settings.store.path
    make_var(home, path)
    make = may_make_store(home, path) and make
    guard = partial(lock.wait_for, home.locks, "store", patience_s=patience_s)
    with ExitStack() as stack:
        db = open_store(path, backups=home.backups, guard=guard, make=make, patience_s=patience_s).db
        stack.callback(db.close)
        refuse_behind(db, home.var)
        yield Desk(db, maconomy, settings.reservations.hold_minutes, clock)
