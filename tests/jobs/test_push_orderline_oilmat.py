"""push-orderline and OilMat: what it offers is taken and written, and what became of it is told, once."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from integrator.standins.base import Running, serve
from integrator.standins.oilmat import TOKEN, OilMat
from integrator.store.workshops import Workshops
from integrator.systems.browser.session import Browser
from workshop_world import WorkshopWorld, world


@dataclass
class Offered:
    """A workshop, and the OilMat that has its orders."""

    shop: WorkshopWorld
    oilmat: OilMat
    server: Running

    def offer(self, *unique_ids: str, **more: str) -> None:
        facts = {"workshop": "Bennys Auto", "case_id": "56", "product_nr": "OL-1040", "product_amount": "5,5", **more}
        self.oilmat.seed({"dispenses": {"bennys-auto": [facts | {"unique_id": one} for one in unique_ids]}})

    def told(self, unique_id: str) -> tuple[list[str], str]:
        """Every status that it was told of an order, one after the other, and the last one's reason."""
        for one in self.oilmat.state()["statuses"]:
            if one["unique_id"] == unique_id:
                assert all(update["kept"] for update in one["arrived"])
                return [update["status"] for update in one["arrived"]], one["reason"]
        return [], ""

    def posts(self) -> int:
        return len(self.oilmat.entries(method="POST"))

    @property
    def file(self) -> Path:
        return self.shop.home.status / "bennys-auto.jsonl"

    def filed(self) -> dict[str, tuple[str, str]]:
        rows = [json.loads(line) for line in self.file.read_text(encoding="utf-8").splitlines()]
        assert all(set(row) == {"unique_id", "status", "reason", "updated_at"} for row in rows)
        return {row["unique_id"]: (row["status"], row["reason"]) for row in rows}


@pytest.fixture
def offered(tmp_path: Path, browser: Browser) -> Iterator[Offered]:
    oilmat = OilMat()
    with serve(oilmat) as server, world(tmp_path, "admanager", browser) as shop:
        shop.configure(integrator=f'[oilmat]\nbase_url = "{server.url}"\ntoken = {{ env = "OILMAT_TOKEN" }}\n')
        with shop.home.env_file.open("a", encoding="utf-8") as secrets:
            secrets.write(f"OILMAT_TOKEN={TOKEN}\n")
        yield Offered(shop, oilmat, server)


def test_each_status_is_told_when_it_comes_about_and_once(offered: Offered) -> None:
    shop = offered.shop
    offered.oilmat.seed({"twice": True, "disorder": True})
    offered.offer("0007")
    shop.stage("maintenance", times=1)
    assert shop.run().exit_code == 75
    assert offered.told("0007") == (["received"], "ERP utilgængelig")

    shop.stage("hang_save")
    assert shop.run(minutes=2).exit_code == 75
    assert offered.told("0007") == (["received", "processing"], "afklares")
    assert offered.filed() == {"0007": ("processing", "afklares")}

    shop.running.faults.clear()
    offered.offer("0008", product_nr="XX-1")
    offered.offer("0009")
    assert shop.run(minutes=3).exit_code == 3
    assert offered.told("0007") == (["received", "processing", "completed"], "")
    assert offered.told("0008") == (["failed"], "handle varenummer")
    assert offered.told("0009") == (["completed"], "")
    assert offered.filed() == {
        "0007": ("completed", ""),
        "0008": ("failed", "handle varenummer"),
        "0009": ("completed", ""),
    }
    assert len(shop.saves()) == 2

    posts, before = offered.posts(), offered.file.stat()
    assert [shop.run(minutes=1).exit_code for _ in range(2)] == [0, 0]
    assert (offered.posts(), len(shop.saves())) == (posts, 2)
    assert offered.file.stat() == before


def test_the_status_file_is_replaced_whole(offered: Offered) -> None:
    """Whoever has it open reads on in the one before; nobody ever finds half of one."""
    shop = offered.shop
    offered.offer("0007", product_nr="XX-1")
    shop.run()
    first = offered.file.read_bytes()
    with offered.file.open("rb") as reader:
        offered.offer("0008", product_nr="XX-2")
        shop.run(minutes=1)
        assert reader.read() == first
    assert offered.file.read_bytes() != first
    assert offered.filed() == dict.fromkeys(("0007", "0008"), ("failed", "handle varenummer"))
    assert [path.name for path in shop.home.status.iterdir()] == ["bennys-auto.jsonl"]
    assert (offered.file.stat().st_mode & 0o777, shop.home.status.stat().st_mode & 0o777) == (0o600, 0o700)


@pytest.mark.parametrize(("trouble", "code"), [("down", 75), ("token refused", 1)])
def test_an_oilmat_that_cannot_be_had_holds_up_no_order_and_hears_of_it_later(
    offered: Offered, trouble: str, code: int
) -> None:
    shop = offered.shop
    offered.offer("0008", product_nr="XX-1")
    shop.run()
    posts = offered.posts()
    if trouble == "down":
        offered.server.faults.add({"fault": {"kind": "reset", "when": "before"}, "times": None})
    else:
        offered.oilmat.seed({"token": "another"})
    offered.offer("0007", "0009")
    shop.order("0007", product="OL-1040")  # it was handed in, too
    report = shop.run(minutes=1)
    assert report.exit_code == code
    assert report.error is not None
    assert report.error.startswith("oilmat")
    assert (shop.said("0007"), len(shop.saves())) == (("completed", None, ""), 1)
    assert offered.filed() == {"0008": ("failed", "handle varenummer"), "0007": ("completed", "")}
    assert offered.told("0007") == ([], "")

    offered.server.faults.clear()
    offered.oilmat.seed({"token": TOKEN})
    assert shop.run(minutes=90).exit_code == 0
    assert [offered.told(one) for one in ("0007", "0009")] == [(["completed"], "")] * 2
    assert (offered.told("0008"), len(shop.saves())) == ((["failed"], "handle varenummer"), 2)
    assert posts == 1


@pytest.mark.parametrize("why", ["switched off", "blocked"])
def test_a_refused_token_is_not_kept_quiet_by_a_workshop_that_takes_no_orders(offered: Offered, why: str) -> None:
    """That alone ends with 5, which nobody is mailed about."""
    shop = offered.shop
    with shop.store() as db, db.tx():
        if why == "blocked":
            Workshops(db).block(["bennys-auto"], "login-refused", at=1)
        else:
            Workshops(db).set_active("bennys-auto", False, at=1)
    assert shop.run().exit_code == 5
    offered.oilmat.seed({"token": "another"})
    report = shop.run(minutes=1)
    assert (report.exit_code, report.error) == (1, "oilmat: ask for dispenses of bennys-auto: answered 401")
    [remark] = report.remarks
    assert why in remark
