"""Fixtures of the runtime's tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from remote import Clock

from integrator.database import Database
from integrator.runtime.outbox import Outbox
from integrator.store import open_store


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    """A new, empty store."""
    made = open_store(tmp_path / "integrator.db", backups=tmp_path / "backups").db
    yield made
    made.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def outbox(db: Database, clock: Clock) -> Outbox:
    return Outbox(db, clock=clock, run_id=1)
