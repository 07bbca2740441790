"""Many lines: each id has its own, however long the case and however alike the ids."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from integrator.systems.browser.session import Browser
from jobs.situations import MARKERS
from jobs.workshop_processes import PATIENT
from workshop_world import KINDS, WorkshopWorld, world


@pytest.fixture(params=KINDS)
def shop(request: pytest.FixtureRequest, tmp_path: Path, browser: Browser) -> Iterator[WorkshopWorld]:
    with world(tmp_path, request.param, browser) as found:
        found.configure(more=PATIENT)
        yield found


def case_of_200(shop: WorkshopWorld, at: dict[int, str]) -> None:
    """Case 200 has 200 lines; the N-th bears an id, with the product and the amount that are ordered below."""
    lines: list[dict[str, Any]] = [{"product": "FI-100" if n % 2 else "OL-1040", "amount": "5.50"} for n in range(200)]
    for number, unique_id in at.items():
        lines[number - 1] |= {"product": "OL-1040", "name": f"Motorolie 10W-40{MARKERS[shop.kind]}{unique_id}"}
    shop.running.standin.seed({"add_cases": [{"number": "200", "lines": lines}]})


def written(shop: WorkshopWorld, case: str = "200") -> list[str]:
    """The ids that our saves were for, in that order."""
    lines = {line["id"]: line["name"] for line in shop.lines(case)}
    return [lines[save["line"]].partition("OilMat:")[2].strip() for save in shop.saves()]


def test_of_200_lines_the_third_and_the_last_are_found_and_an_id_within_theirs_gets_its_own(
    shop: WorkshopWorld,
) -> None:
    case_of_200(shop, {3: "00071", 200: "7"})
    third, last = shop.lines("200")[2]["id"], shop.lines("200")[199]["id"]
    for unique_id in ("00071", "7", "0007"):
        shop.order(unique_id, case="200", product="OL-1040")
    assert shop.run().exit_code == 0
    assert [shop.said(one)[1] for one in ("00071", "7", "0007")] == ["already-present", "already-present", None]
    assert [shop.row(one)["line_ref"] for one in ("00071", "7")] == [str(third), str(last)]
    assert written(shop) == ["0007"]
    assert (len(shop.lines("200")), shop.row("0007")["line_ref"]) == (201, str(shop.lines("200")[200]["id"]))


def test_ten_orders_of_one_case_are_ten_lines_by_one_browser_and_one_login(shop: WorkshopWorld) -> None:
    ids = ["7", "0007", "00071", "07", "71", "7.1", "7-1", "10007", "000", "1"]  # in one another, wherever they can be
    for unique_id in ids:
        shop.order(unique_id, product="OL-1040")
    report = shop.run()
    assert (report.exit_code, report.counts["browsers.started"], report.counts["logins"]) == (0, 1, 1)
    assert [shop.said(unique_id) for unique_id in ids] == [("completed", None, "")] * 10
    assert (written(shop, "56"), len(shop.ours())) == (ids, 10)
    assert len({shop.row(unique_id)["line_ref"] for unique_id in ids}) == 10
    assert [login["ok"] for login in shop.logins()] == [True]
