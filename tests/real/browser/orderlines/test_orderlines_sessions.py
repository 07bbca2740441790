"""Sessions that end anywhere, and a field that stays wrong, in a real Chromium."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from integrator.systems.browser.session import Browser
from workshop_world import KINDS, WorkshopWorld, world


@pytest.fixture(params=KINDS)
def shop(request: pytest.FixtureRequest, tmp_path: Path, browser: Browser) -> Iterator[WorkshopWorld]:
    with world(tmp_path, request.param, browser) as found:
        yield found


def test_a_field_that_stays_wrong_is_given_up(tmp_path: Path, browser: Browser) -> None:
    with world(tmp_path, "admanager", browser) as shop:
        shop.stage("eats_comma", times=None)
        shop.order()
        shop.run()
        shop.run(minutes=2)
        assert shop.said() == ("failed", "field-mismatch", "felt læst forkert tilbage")
        assert shop.saves() == []


@pytest.mark.parametrize("after", [3, 9])
def test_a_session_that_ends_anywhere_leaves_one_line(shop: WorkshopWorld, after: int) -> None:
    shop.stage("expire_after_requests", requests=after)
    shop.order()
    shop.run()
    shop.calmly()
    assert (shop.said()[0], len(shop.ours()), len(shop.saves())) == ("completed", 1, 1)
