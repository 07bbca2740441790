"""The booking desk of a home, opened for one request: settings, store and Maconomy, without any job around it."""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial

from integrator.home import Home, make_var, refuse_empty_store
from integrator.jobs.booking import Desk
from integrator.runtime import lock
from integrator.runtime.stopping import Stopper
from integrator.settings import load_settings
from integrator.store import open_store
from integrator.store.erasure.journal import refuse_behind
from integrator.wiring import Wiring

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
    make_var(home, settings.store.path)
    refuse_empty_store(home, settings.store.path)
    guard = partial(lock.wait_for, home.locks, "store")
    with ExitStack() as stack:
        db = open_store(settings.store.path, backups=home.backups, guard=guard).db
        stack.callback(db.close)
        refuse_behind(db, home.var)
        wiring = Wiring(settings, Stopper(timeout_s=BUDGET_S), spool=home.spool)
        stack.callback(wiring.close)
        yield Desk(db, wiring.maconomy, settings.reservations.hold_minutes, clock)
