"""push-orderline in a real Chromium, both types of ERP; every situation is in tests/real/browser/orderlines."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from integrator.systems.browser.session import Browser
from jobs.situations import MARKERS
from workshop_world import KINDS, WorkshopWorld, world


@pytest.fixture(params=KINDS)
def shop(request: pytest.FixtureRequest, tmp_path: Path, browser: Browser) -> Iterator[WorkshopWorld]:
    with world(tmp_path, request.param, browser) as found:
        yield found


def test_an_order_becomes_one_line_on_its_case(shop: WorkshopWorld) -> None:
    shop.order()
    report = shop.run()
    assert (report.exit_code, shop.said()) == (0, ("completed", None, ""))
    assert shop.ours() == [("OL-0530", f"Motorolie 5W-30 Longlife{MARKERS[shop.kind]}0007", "5.50")]
    assert len(shop.saves()) == 1
    row = shop.row()
    assert (row["confidence"], row["line_ref"]) == ("marker", str(shop.lines()[-1]["id"]))
    assert [login["ok"] for login in shop.logins()] == [True]


def test_the_next_run_starts_no_browser_and_writes_nothing(shop: WorkshopWorld) -> None:
    shop.order()
    shop.run()
    report = shop.run(minutes=1)
    assert (report.exit_code, report.counts) == (0, {})
    assert len(shop.saves()) == 1


def test_where_no_field_carries_the_id_the_line_is_counted(shop: WorkshopWorld) -> None:
    shop.configure(more='marker_field = "none"')
    shop.stage("no_marker_field", times=None)
    shop.stage("save_then_500")
    shop.order(product="OL-1040")
    shop.run()
    assert (shop.said(), shop.row()["confidence"]) == (("completed", None, ""), "by count")
    assert [(line["product"], line["amount"]) for line in shop.lines()] == [("OL-1040", "5.50")]
    assert len(shop.saves()) == 1
