"""Many hands at once, and many lines: one order is one row and one line, and each id has its own."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import orderline_worker
from integrator.systems.browser.session import Browser
from jobs.situations import MARKERS
from jobs.workshop_processes import PATIENT, begin, ended, environment, finish, perform
from workshop_world import KINDS, WorkshopWorld, shared_browser, world

WORKERS = 8
ORDER = {"workshop": "Bennys Auto", "unique_id": "0007", "case_id": "56", "product_nr": "OL-1040", "product_amount": 5}
PUSH = ("push-orderline", "--workshop", "bennys-auto")


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with shared_browser(tmp_path_factory.mktemp("scratch")) as found:
        yield found


@pytest.fixture(params=KINDS)
def shop(request: pytest.FixtureRequest, tmp_path: Path, browser: Browser) -> Iterator[WorkshopWorld]:
    with world(tmp_path, request.param, browser) as found:
        found.configure(more=PATIENT)
        yield found


def worker(shop: WorkshopWorld) -> "subprocess.Popen[str]":
    command = [sys.executable, orderline_worker.__file__, json.dumps(ORDER)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=environment(shop), stdin=pipe, stdout=pipe, text=True)


def creates(workers: "list[subprocess.Popen[str]]", *times: int) -> list[tuple[int, str]]:
    """All of them at once hand the order in, each so often; gives back exit codes and statuses."""
    for one, number in zip(workers, times, strict=True):
        assert one.stdin is not None
        print(number, file=one.stdin, flush=True)
    answers: list[tuple[int, str]] = []
    for one in workers:
        assert one.stdout is not None
        answers += [(code, status) for code, status in json.loads(one.stdout.readline())]
    return answers


@pytest.mark.parametrize("kind", KINDS)
def test_fifty_creates_by_eight_processes_beside_several_runs_are_one_line(kind: str, tmp_path: Path) -> None:
    with world(tmp_path, kind) as shop:
        shop.configure(more="timeout_s = 25")
        shop.stage("hang_save", when="after")
        workers = [worker(shop) for _ in range(WORKERS)]
        with ended(*workers):
            said = creates(workers, *[2] * WORKERS)
            assert set(said) == {(0, "received")}
            runs = [begin(shop, *PUSH), begin(shop, *PUSH), begin(shop, "push-orderline", "--all")]
            with ended(*runs):
                assert shop.running.faults.gate.await_held(seconds=60)
                said = creates(workers, *[2] * WORKERS)
                assert set(said) == {(0, "processing")}
                assert perform(shop, *PUSH).code == 5
                shop.running.faults.gate.release()
                assert sorted({finish(run).code for run in runs}) in ([0, 5], [0])
            runs = [begin(shop, *PUSH) for _ in range(2)]
            with ended(*runs):
                said = creates(workers, 3, 3, 2, 2, 2, 2, 2, 2)
            assert set(said) == {(0, "completed")}
        with shop.store() as db:
            assert db.value("SELECT count(*) FROM orderlines") == 1
            assert db.value("SELECT count(*) FROM outbox") == 1
            assert db.value("SELECT count(*) FROM orderline_events WHERE what = 'armed'") == 1
        name = f"Motorolie 10W-40 delsyntetisk{MARKERS[kind]}0007"
        assert [(one["product"], one["name"], one["amount"]) for one in shop.lines()] == [("OL-1040", name, "5.00")]
        assert (len(shop.saves()), len(shop.logins())) == (1, 1)


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
