"""Every situation that AD Manager can be in, in a real Chromium."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from integrator.systems.browser.session import Browser
from jobs.situations import CASES, Situation, ends_as_it_must
from workshop_world import shared_browser, world

KIND = "admanager"
OURS = [situation for kind, situation in CASES if kind == KIND]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with shared_browser(tmp_path_factory.mktemp("scratch")) as found:
        yield found


@pytest.mark.parametrize("situation", OURS, ids=[one.name for one in OURS])
def test_every_situation_ends_as_it_must(situation: Situation, tmp_path: Path, browser: Browser) -> None:
    with world(tmp_path, KIND, browser) as shop:
        ends_as_it_must(shop, situation)
