"""A postroom with the shipped templates, and a home's folder to put others in."""

from pathlib import Path

import pytest

from integrator.home import shipped
from integrator.mails import Postroom


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A home's own config/templates, empty."""
    folder = tmp_path / "home" / "config" / "templates"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def postroom(own: Path) -> Postroom:
    return Postroom(own, shipped() / "config" / "templates")
