"""Boots the real WordPress once for the tests of this folder (`make test-real`).

REAL_WORDPRESS_PORT (8089), REAL_WORDPRESS_STATE and REAL_WORDPRESS_KEEP=1 (leave it running) are read.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from wordpress_site import RealWordPress, running

_FIGURES = pytest.StashKey[list[str]]()


@pytest.fixture(scope="session")
def figures(request: pytest.FixtureRequest) -> list[str]:
    """Lines that are printed under the tests' summary: what was measured, for people."""
    return request.config.stash.setdefault(_FIGURES, [])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if lines := config.stash.get(_FIGURES, []):
        terminalreporter.section("measured on the real WordPress")
        for line in lines:
            terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def real_wordpress() -> Iterator[RealWordPress]:
    """The running site, as it was left; `empty_wordpress` is the one without courses."""
    with running() as site:
        yield site


@pytest.fixture
def empty_wordpress(real_wordpress: RealWordPress) -> RealWordPress:
    """The running site without any course or course date, and with no fault armed."""
    real_wordpress.wipe()
    return real_wordpress
