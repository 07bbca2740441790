"""Many hands at once: one order is one row and one line."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import orderline_worker
from jobs.situations import MARKERS
from jobs.workshop_processes import PATIENT, begin, ended, environment, finish, perform
from workshop_world import KINDS, WorkshopWorld, world

WORKERS = 8
ORDER = {"workshop": "Bennys Auto", "unique_id": "0007", "case_id": "56", "product_nr": "OL-1040", "product_amount": 5}
PUSH = ("push-orderline", "--workshop", "bennys-auto")


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
        shop.configure(more=PATIENT)
        shop.stage("hang_save", when="after")
        workers = [worker(shop) for _ in range(WORKERS)]
        with ended(*workers):
            said = creates(workers, *[2] * WORKERS)
            assert set(said) == {(0, "received")}
            runs = [begin(shop, *PUSH), begin(shop, *PUSH), begin(shop, "push-orderline", "--all")]
            with ended(*runs):
                assert shop.running.faults.gate.await_held()
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
