"""Commands of a workshop's home as real processes, and a second workshop beside the first one."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from integrator.standins.workshop.standin import WorkshopRunning
from integrator.store.orderlines import Orderlines, shown
from integrator.store.workshops import Workshops
from workshop_world import USER, Result, WorkshopWorld, stand_in, world

NORD = "nord-biler"
PATIENT = "timeout_s = 300"  # nobody waits that out: what hangs is let go, and a busy machine is no fault
PACE_S = 0.1  # between two questions to a run that goes on
MOST_QUESTIONS = 3_000


def begin(shop: WorkshopWorld, *arguments: str) -> "subprocess.Popen[str]":
    """One command as a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "integrator", *arguments],
        env=shop.environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: "subprocess.Popen[str]") -> Result:
    out, err = process.communicate(timeout=300)
    return Result(process.returncode, out, err)


def perform(shop: WorkshopWorld, *arguments: str) -> Result:
    return finish(begin(shop, *arguments))


@contextmanager
def ended(*processes: "subprocess.Popen[Any]") -> Iterator[None]:
    """Whatever a test finds out, none of its processes outlives it."""
    try:
        yield
    finally:
        for process in processes:
            if process.poll() is None:
                process.terminate()
            with suppress(ValueError):  # its pipes are closed already
                process.communicate(timeout=300)


def create(shop: WorkshopWorld, *unique_ids: str, workshop: str = "bennys-auto", **more: str) -> None:
    """Hand orders in as another program does."""
    facts = {"workshop": workshop, "case_id": "56", "product_nr": "OL-1040", "product_amount": "5,5", **more}
    orders = [{**facts, "unique_id": unique_id} for unique_id in unique_ids]
    made = shop.command("orderline", "create", stdin=json.dumps(orders))
    assert made.code == 0, made.err


def said(shop: WorkshopWorld, workshop: str, unique_id: str) -> tuple[str, str]:
    """What OilMat would be told of an order."""
    with shop.store() as db:
        return shown(Orderlines(db).get(workshop, unique_id), blocked=Workshops(db).get(workshop).blocked_code)


def await_status(shop: WorkshopWorld, run: "subprocess.Popen[str]", workshop: str, unique_id: str, status: str) -> None:
    """Ask how an order stands, as long as a run goes on, until it stands so."""
    for _ in range(MOST_QUESTIONS):
        if said(shop, workshop, unique_id)[0] == status:
            return
        with suppress(subprocess.TimeoutExpired):
            run.wait(PACE_S)
            stands = f"{workshop}/{unique_id} is {said(shop, workshop, unique_id)}"
            raise AssertionError(f"the run ended, and {stands}: {finish(run)}")
    raise AssertionError(f"{workshop}/{unique_id} is still {said(shop, workshop, unique_id)}")


@dataclass
class Two:
    """bennys-auto (an admanager) and nord-biler (an au2office) in one home; the first one is `shop`."""

    shop: WorkshopWorld
    nord: WorkshopRunning

    def configure(self, *, there: str = PATIENT, password: str = '{ env = "BENNYS_AUTO_PASSWORD" }') -> None:
        """there: further lines of nord-biler's table; password: how its password is had."""
        text = (
            f'[{NORD}]\nname = "Nord Biler"\ntype = "au2office"\nbase_url = "{self.nord.url}"\n'
            f'username = "{USER}"\npassword = {password}\n{there}\n'
        )
        self.shop.configure(more=PATIENT, others=text)

    def saves_at_nord(self) -> list[dict[str, Any]]:
        return [save for save in self.nord.standin.effects() if save["kind"] == "new"]


@contextmanager
def two_workshops(root: Path) -> Iterator[Two]:
    with world(root, "admanager") as shop, stand_in("au2office") as nord:
        made = Two(shop, nord)
        made.configure()
        yield made


def environment(shop: WorkshopWorld) -> dict[str, str]:
    return {**shop.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
