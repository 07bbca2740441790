"""Fixtures of the recordings' tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from portal_tapes import COURSE, HTTP

from portal_world import PortalWorld, portal_world
from world import World, world


@pytest.fixture
def here(tmp_path: Path) -> Iterator[World]:
    """A home with the sample catalogue in Maconomy and an empty site."""
    with world(tmp_path / "home") as made:
        yield made


@pytest.fixture
def tape(tmp_path: Path) -> Path:
    """Where a recording goes."""
    return tmp_path / "tape.yaml"


@pytest.fixture
def reseller(tmp_path: Path) -> Iterator[PortalWorld]:
    """A home whose courses Trainingportal sells."""
    with portal_world(tmp_path / "home") as made:
        made.configure(portal_extra=HTTP)
        made.portal.seed({"courses": {COURSE: "Projektledelse"}})
        yield made
