"""push-orderline in a real Chromium, both types of ERP."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from integrator.systems.browser.session import Browser
from jobs.situations import CASES, MARKERS, Situation
from workshop_world import KINDS, WorkshopWorld, shared_browser, world


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with shared_browser(tmp_path_factory.mktemp("scratch")) as found:
        yield found


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


@pytest.mark.parametrize(("kind", "situation"), CASES, ids=[f"{kind}: {one.name}" for kind, one in CASES])
def test_every_situation_ends_as_it_must(kind: str, situation: Situation, tmp_path: Path, browser: Browser) -> None:
    with world(tmp_path, kind, browser) as shop:
        shop.configure(more=situation.settings)
        situation.stage(shop)
        shop.order(**situation.order)
        shop.run()
        assert shop.said() == (situation.status, situation.code, situation.reason)
        assert len(shop.saves()) == situation.saves
        if situation.later is not None:
            shop.running.faults.clear()
            shop.calmly()
            assert (shop.said()[0], len(shop.saves())) == situation.later
        if shop.said()[0] == "completed":
            marked = [line for line in shop.ours(situation.order.get("case", "56")) if line[1].endswith("0007")]
            assert [(line[0], line[2]) for line in marked] == [(situation.order.get("product", "OL-0530"), "5.50")]


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


def test_where_no_field_carries_the_id_the_line_is_counted(shop: WorkshopWorld) -> None:
    shop.configure(more='marker_field = "none"')
    shop.stage("no_marker_field", times=None)
    shop.stage("save_then_500")
    shop.order(product="OL-1040")
    shop.run()
    assert (shop.said(), shop.row()["confidence"]) == (("completed", None, ""), "by count")
    assert [(line["product"], line["amount"]) for line in shop.lines()] == [("OL-1040", "5.50")]
    assert len(shop.saves()) == 1
