"""here: the gateway of a home with everything switched on that it can serve."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from doors import Doors, doors


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Doors]:
    with doors(tmp_path / "home") as made:
        yield made
