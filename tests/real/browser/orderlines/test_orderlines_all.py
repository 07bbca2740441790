"""push-orderline --all as cron starts it: one process a workshop, and none holds up, locks out or breaks another."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from browser_processes import Watched
from integrator.runtime import lock
from integrator.standins.base import Running, serve
from integrator.standins.oilmat import TOKEN, OilMat
from integrator.store.workshops import Workshops
from jobs.workshop_processes import (
    MOST_QUESTIONS,
    NORD,
    PACE_S,
    PATIENT,
    Two,
    await_status,
    begin,
    create,
    ended,
    finish,
    perform,
    said,
    two_workshops,
)
from workshop_world import WorkshopWorld, world

ALL = ("push-orderline", "--all", "--jobs", "2", "--json")
HERE, THERE = ("push-orderline", "--workshop", "bennys-auto"), ("push-orderline", "--workshop", NORD)


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Two]:
    with two_workshops(tmp_path) as found:
        yield found


def listed(entries: list[dict[str, Any]]) -> dict[str, str]:
    return {entry["item"]: entry["reason"] for entry in entries}


def hang(two: Two) -> None:
    """No request to nord-biler's ERP is ever answered."""
    two.nord.faults.add({"fault": {"kind": "hang"}, "times": None})


@contextmanager
def oilmat_of(shop: WorkshopWorld) -> Iterator[tuple[OilMat, Running]]:
    """An OilMat that the home is configured for."""
    oilmat = OilMat()
    with serve(oilmat) as server:
        text = f'[oilmat]\nbase_url = "{server.url}"\ntoken = {{ env = "OILMAT_TOKEN" }}\ntimeout_s = 60\n'
        (shop.home.config / "integrator.toml").write_text(text, encoding="utf-8")
        with shop.home.env_file.open("a", encoding="utf-8") as secrets:
            secrets.write(f"OILMAT_TOKEN={TOKEN}\n")
        yield oilmat, server


def await_told(oilmat: OilMat, run: "subprocess.Popen[str]", unique_id: str, status: str) -> None:
    """Ask OilMat, as long as a run goes on, until it was told so."""
    for _ in range(MOST_QUESTIONS):
        if (unique_id, status) in [(one["unique_id"], one["status"]) for one in oilmat.state()["statuses"]]:
            return
        with suppress(subprocess.TimeoutExpired):
            run.wait(PACE_S)
            raise AssertionError(f"the run ended, and {unique_id} was not told: {finish(run)}")
    raise AssertionError(f"{unique_id} was not told to be {status}: {oilmat.state()['statuses']}")


def lock_of(workshop: str) -> str:
    return lock.name_of("push-orderline", workshop)


def test_a_workshop_whose_erp_hangs_holds_up_no_other(two: Two) -> None:
    hang(two)
    shop, gate = two.shop, two.nord.faults.gate
    create(shop, "0001", "0002", workshop=NORD)
    create(shop, "0007", "0008")
    run = begin(shop, *ALL)
    with ended(run):
        assert gate.await_held()
        await_status(shop, run, "bennys-auto", "0008", "completed")
        create(shop, "0009")
        await_status(shop, run, "bennys-auto", "0009", "completed")
        # All that is done, and the other one still hangs: there are two orders to give up first.
        assert lock.is_held(shop.home.locks, lock_of(NORD))
        assert said(shop, NORD, "0002") in [("received", ""), ("processing", "")]
        assert [perform(shop, *again).code for again in (THERE, ALL)] == [5, 5]
        gate.close()  # now its connections break, which ends the waiting
        result = finish(run)
    told = result.json
    assert (result.code, told["outcome"], told["failed"]) == (75, "later", [])
    assert set(listed(told["waiting"])) == {f"workshop.orderline {NORD}/0001", f"workshop.orderline {NORD}/0002"}
    assert told["counts"]["browsers.started"] == 3  # bennys-auto's second child had one, too
    assert (len(shop.saves()), two.saves_at_nord()) == (3, [])


def test_an_oilmat_that_hangs_holds_up_no_workshop_and_is_asked_for_no_second_one(two: Two) -> None:
    shop = two.shop
    with oilmat_of(shop) as (oilmat, server):
        server.faults.add({"fault": {"kind": "hang"}, "times": None})
        create(shop, "0001", workshop=NORD)
        create(shop, "0007")
        run = begin(shop, *ALL)
        with ended(run):
            gate = server.faults.gate
            assert gate.await_held()
            await_status(shop, run, "bennys-auto", "0007", "completed")
            await_status(shop, run, NORD, "0001", "completed")
            assert gate.held == 1  # all that is done, and it still hangs
            gate.close()
            result = finish(run)
        assert (result.code, result.json["failed"]) == (75, [])
        assert result.json["error"].startswith("oilmat: ask for dispenses of")
        asked = {entry["target"] for entry in oilmat.entries(method="GET")}
        assert len(asked) == 1


def test_what_became_of_an_order_is_told_though_the_run_is_stopped(two: Two) -> None:
    hang(two)
    shop = two.shop
    with oilmat_of(shop) as (oilmat, _):
        create(shop, "0001", workshop=NORD)
        dispensed = {"workshop": "bennys-auto", "unique_id": "0007", "case_id": "56", "product_nr": "OL-1040"}
        oilmat.seed({"dispenses": {"bennys-auto": [dispensed | {"product_amount": "5,5"}]}})
        run = begin(shop, *ALL)
        with ended(run):
            assert two.nord.faults.gate.await_held()
            await_told(oilmat, run, "0007", "completed")
            assert lock.is_held(shop.home.locks, lock_of(NORD))  # the other one still hangs
            run.terminate()
            two.nord.faults.gate.close()
            result = finish(run)
        assert (result.code, "SIGTERM" in result.json["error"]) == (75, True)
        [told] = oilmat.state()["statuses"]
        assert result.json["counts"]["oilmat.status.told"] == len(told["arrived"])  # perhaps also that it was begun
        rows = (shop.home.status / "bennys-auto.jsonl").read_text(encoding="utf-8").splitlines()
        assert [json.loads(row)["status"] for row in rows] == ["completed"]


def test_a_child_that_is_killed_leaves_the_others_alone(two: Two) -> None:
    hang(two)
    shop = two.shop
    create(shop, "0001", workshop=NORD)
    create(shop, "0007")
    create(shop, "0008", product_nr="XX-1")
    run = begin(shop, *ALL)
    with ended(run):
        assert two.nord.faults.gate.await_held()
        holder = lock.holder(shop.home.locks, lock_of(NORD))
        assert holder is not None
        assert holder.pid != run.pid
        with Watched(shop.home.spool, holder.pid) as browsers:
            assert "chromedriver" in browsers.names()
            os.kill(holder.pid, signal.SIGKILL)
            await_status(shop, run, "bennys-auto", "0008", "failed")
            result = finish(run)
            assert browsers.alive(10) == []
    failed = listed(result.json["failed"])
    assert (result.code, set(failed)) == (3, {"workshop.orderline bennys-auto/0008", f"workshop {NORD}"})
    assert failed[f"workshop {NORD}"] == "its process ended with -9"
    assert said(shop, "bennys-auto", "0007") == ("completed", "")
    two.nord.faults.clear()
    assert perform(shop, *THERE).code == 0
    assert (said(shop, NORD, "0001"), len(two.saves_at_nord())) == (("completed", ""), 1)
    assert list(shop.home.spool.glob("browser-*")) == []


def test_a_workshop_that_is_off_or_blocked_is_passed_over_in_silence_and_is_5_by_name(two: Two) -> None:
    shop = two.shop
    create(shop, "0001", workshop=NORD)
    create(shop, "0007")
    assert shop.command("workshop", "deactivate", "bennys-auto").code == 0
    with shop.store() as db, db.tx():
        Workshops(db).block([NORD], "login-refused", at=1)
    everyone = perform(shop, "push-orderline", "--all")
    assert (everyone.code, everyone.out, everyone.err) == (0, "", "")
    verbose = perform(shop, "push-orderline", "--all", "-v")
    assert (verbose.code, "all is as it should be" in verbose.out) == (0, False)
    assert f"nothing to do yet: workshop: orderline {NORD}: 1 wait\n" in verbose.out
    assert "note: workshop bennys-auto is switched off; 1 orderline(s) wait" in verbose.err
    assert f"note: workshop {NORD} is blocked: login-refused (login afvist); 1 orderline(s) wait" in verbose.err
    plan = perform(shop, "push-orderline", "--all", "--dry-run", "--json")
    assert (plan.code, plan.json["plan"], len(plan.json["remarks"])) == (0, [], 2)
    for name, why in ((HERE, "workshop bennys-auto is switched off"), (THERE, "blocked: login-refused (login afvist)")):
        silent, loud = perform(shop, *name), perform(shop, *name, "-v")
        assert (silent.code, silent.out, silent.err) == (5, "", "")
        assert loud.code == 5
        assert why in loud.err
    assert [one.standin.entries() for one in (shop.running, two.nord)] == [[], []]
    assert [said(shop, *of)[0] for of in (("bennys-auto", "0007"), (NORD, "0001"))] == ["received"] * 2


@pytest.mark.parametrize(("kind", "first", "code"), [("au2office", HERE, 1), ("admanager", ALL, 3)])
def test_a_wrong_password_is_tried_once_however_many_orders_and_runs(
    kind: str, first: tuple[str, ...], code: int, tmp_path: Path
) -> None:
    ids = [f"{number:04}" for number in range(10)]
    with world(tmp_path, kind) as shop:
        shop.configure(password="forkert", more=PATIENT)
        create(shop, *ids)
        refused = perform(shop, *first)
        assert refused.code == code
        told = listed(refused.json["failed"])["workshop bennys-auto"] if first == ALL else refused.err
        for part in ("blocked until a person has looked: ", "env BENNYS_AUTO_PASSWORD", "test-login bennys-auto"):
            assert part in told
        assert "forkert" not in told
        assert [perform(shop, *again).code for again in (HERE, ALL, HERE)] == [5, 0, 5]
        assert [login["ok"] for login in shop.logins()] == [False]
        assert {said(shop, "bennys-auto", one) for one in ids} == {("received", "login afvist")}
        assert shop.command("workshop", "activate", "bennys-auto", "--unblock").code == 0
        assert perform(shop, *first).code == code
        assert perform(shop, *ALL).code == 0
        assert [login["ok"] for login in shop.logins()] == [False, False]
        assert shop.saves() == []


def test_a_secret_that_cannot_be_had_stops_its_own_workshop_only(two: Two) -> None:
    shop = two.shop
    two.configure(password='{ command = ["false"] }')
    create(shop, "0001", workshop=NORD)
    create(shop, "0007")
    everyone = perform(shop, *ALL)
    assert (everyone.code, list(listed(everyone.json["failed"]))) == (3, [f"workshop {NORD}"])
    assert "false" in listed(everyone.json["failed"])[f"workshop {NORD}"]
    assert [said(shop, *of)[0] for of in (("bennys-auto", "0007"), (NORD, "0001"))] == ["completed", "received"]
    alone = perform(shop, *THERE)
    assert (alone.code, said(shop, NORD, "0001")[0]) == (78, "received")
    assert two.nord.standin.entries() == []  # no browser was sent there without a login
    two.configure()
    assert perform(shop, *ALL).code == 0
    assert (said(shop, NORD, "0001"), len(two.saves_at_nord()), len(shop.saves())) == (("completed", ""), 1, 1)


def test_files_that_no_workshop_takes_are_told_by_who_looks(two: Two) -> None:
    lost = two.shop.home.spool / "orderlines" / "mikes"
    lost.mkdir(parents=True)
    (lost / "e.json").touch()
    silent, loud = (perform(two.shop, "push-orderline", "--all", *more) for more in ((), ("-v",)))
    assert (silent.out, silent.err) == ("", "")
    assert "1 file(s) lie where no workshop takes them: mikes/e.json; move each to var/spool/orderlines/ID" in loud.err


def test_two_starts_at_once_are_one_run(two: Two) -> None:
    """cron's, and a person's who did not wait for it."""
    shop = two.shop
    create(shop, "0001", workshop=NORD)
    create(shop, "0007")
    runs = [begin(shop, *one) for one in (ALL, ALL, HERE, THERE)]
    with ended(*runs):
        codes = [finish(run).code for run in runs]
    assert set(codes) <= {0, 5}
    assert [said(shop, *of) for of in (("bennys-auto", "0007"), (NORD, "0001"))] == [("completed", "")] * 2
    assert (len(shop.saves()), len(two.saves_at_nord())) == (1, 1)
    assert [len(one.standin.state()["logins"]) for one in (shop.running, two.nord)] == [1, 1]
    assert json.loads(shop.command("workshop", "list", "--json").out)[0]["queued"] == 0
