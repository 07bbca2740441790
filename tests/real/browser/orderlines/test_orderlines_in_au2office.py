"""Every situation that au2office can be in, in a real Chromium."""

from pathlib import Path

import pytest

from integrator.systems.browser.session import Browser
from jobs.situations import CASES, Situation, ends_as_it_must
from workshop_world import world

KIND = "au2office"
OURS = [situation for kind, situation in CASES if kind == KIND]


@pytest.mark.parametrize("situation", OURS, ids=[one.name for one in OURS])
def test_every_situation_ends_as_it_must(situation: Situation, tmp_path: Path, browser: Browser) -> None:
    with world(tmp_path, KIND, browser) as shop:
        ends_as_it_must(shop, situation)
