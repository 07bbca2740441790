"""Moments at which recordings are made, so that the same code records the same file."""

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from unittest.mock import patch

from integrator import runner
from integrator.desk import open_desk
from integrator.home import find_home
from integrator.jobs.booking import Desk
from integrator.recording.network import Clock
from world import Result

ORDERED, LATER, DRAINED = (f"2026-11-21T10:{minute}:00+01:00" for minute in ("00", "10", "20"))
HELD, TOLD = "2027-03-04T10:00:00+01:00", "2027-03-10T10:00:00+01:00"  # it ended on March 3


@contextmanager
def at(moment: str) -> Iterator[None]:
    """Jobs that start inside run at that moment."""
    clock = datetime.fromisoformat(moment).timestamp()
    with patch.object(runner, "Options", partial(runner.Options, clock=lambda: clock)):
        yield


@contextmanager
def moving(moment: str) -> Iterator[None]:
    """The same, and a wait takes no time but on that clock."""
    clock = Clock(datetime.fromisoformat(moment).timestamp())
    with (
        patch.object(runner, "Options", partial(runner.Options, clock=clock)),
        patch.object(time, "sleep", clock.sleep),
    ):
        yield


def done(result: Result, code: int = 0) -> None:
    assert result.code == code, result.out + result.err


def desk_at(home: Path, moment: str) -> AbstractContextManager[Desk]:
    """The booking desk of a home at that moment."""
    environ = {"INTEGRATOR_HOME": str(home)}
    clock = datetime.fromisoformat(moment).timestamp()
    return open_desk(find_home(environ), environ, asks=True, clock=lambda: clock)
