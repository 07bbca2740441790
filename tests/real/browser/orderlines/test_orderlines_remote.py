"""push-orderline over remote_url, against a chromedriver that is not ours to start or to end."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.request import ProxyHandler, build_opener

import pytest

from jobs.situations import DIRECT, MARKERS
from workshop_world import KINDS, WorkshopWorld, world

PORT = re.compile(rb"started successfully on port (\d+)")


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator["subprocess.Popen[bytes]"]:
    tmp = tmp_path_factory.mktemp("elsewhere")
    environment = {**os.environ, "TMPDIR": str(tmp), "HOME": str(tmp)}
    with subprocess.Popen(["chromedriver", "--port=0"], stdout=subprocess.PIPE, env=environment) as started:
        yield started
        started.kill()


@pytest.fixture(scope="module")
def address(driver: "subprocess.Popen[bytes]") -> str:
    assert driver.stdout is not None
    for line in driver.stdout:
        if found := PORT.search(line):
            return f"http://127.0.0.1:{int(found[1])}"
    raise AssertionError("the chromedriver ended")


@pytest.fixture(params=KINDS)
def shop(request: pytest.FixtureRequest, tmp_path: Path, address: str) -> Iterator[WorkshopWorld]:
    """No browser can be started here."""
    with world(tmp_path, request.param) as found:
        nowhere = '[browser]\nbinary = "/nowhere/chromium"\ndriver = "/nowhere/chromedriver"\n'
        found.configure(more=f'remote_url = "{address}"\ntimeout_s = 60', integrator=nowhere)
        yield found
        assert list(found.home.spool.glob("browser-*")) == []
        assert sessions(address) == []


def sessions(address: str) -> list[object]:
    """What the driver has open."""
    with build_opener(ProxyHandler({})).open(f"{address}/sessions", timeout=300) as answer:
        found: list[object] = json.load(answer)["value"]
        return found


def test_orders_of_a_run_share_one_browser_elsewhere(shop: WorkshopWorld) -> None:
    shop.order("0007")
    shop.order("00071", **DIRECT)
    report = shop.run()
    assert (report.exit_code, report.counts["browsers.started"], report.counts["logins"]) == (0, 1, 1)
    assert shop.ours() == [
        ("OL-0530", f"Motorolie 5W-30 Longlife{MARKERS[shop.kind]}0007", "5.50"),
        ("OL-1040", f"Motorolie 10W-40 delsyntetisk{MARKERS[shop.kind]}00071", "5.50"),
    ]
    assert (len(shop.saves()), len(shop.logins())) == (2, 1)


def test_a_lost_answer_and_a_failure_there_end_as_they_do_here(shop: WorkshopWorld) -> None:
    shop.stage("save_then_drop")
    shop.order("0007", **DIRECT)
    shop.order("0008", product="XX-1")
    assert shop.run().exit_code == 3
    assert [shop.said(one) for one in ("0007", "0008")] == [
        ("completed", None, ""),
        ("failed", "product-unknown", "handle varenummer"),
    ]
    assert (len(shop.saves()), len(shop.ours())) == (1, 1)
    folder = shop.home.evidence / shop.row("0008")["evidence"]
    assert {"about.json", "frame-0.html", "screenshot.png"} <= {path.name for path in folder.iterdir()}
    assert (folder / "screenshot.png").read_bytes().startswith(b"\x89PNG")


def test_a_driver_that_is_not_there_is_a_wait(shop: WorkshopWorld) -> None:
    shop.configure(more='remote_url = "http://127.0.0.1:9"')
    shop.order()
    assert shop.run().exit_code == 75
    assert shop.said() == ("received", "browser", "browserfejl")
    assert shop.logins() == []
