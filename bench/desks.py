"""A booking desk that stays open, as a process that takes many requests has it: one store, one client."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from integrator.home import Home
from integrator.jobs.booking import Desk
from integrator.runtime.stopping import Stopper
from integrator.settings import load_settings
from integrator.store import open_store
from integrator.wiring import Wiring


@contextmanager
def open_for_long(root: Path) -> Iterator[Desk]:
    """A desk of a home, for as many requests as may come."""
    home = Home(root)
    settings = load_settings(home, os.environ, needs=("maconomy",))
    db = open_store(settings.store.path, backups=home.backups).db
    wiring = Wiring(settings, Stopper(timeout_s=600), spool=home.spool)
    try:
        yield Desk(db, cache(wiring.maconomy), settings.reservations.hold_minutes, time.time)
    finally:
        wiring.close()
        db.close()


def make_store(root: Path) -> None:
    """The store of a new home, before several processes want it at once."""
    home = Home(root)
    settings = load_settings(home, os.environ, needs=())
    open_store(settings.store.path, backups=home.backups).db.close()
