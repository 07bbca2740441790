"""A third type of workshop ERP is one module and one locator file: the worked example of docs/workshop-types.md."""

import importlib
import importlib.util
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from integrator.standins.base import serve
from integrator.systems.browser.session import Browser
from ordrebog_pages import OrdrebogPages
from workshop_world import WorkshopWorld

SAMPLES = Path(__file__).parent / "samples" / "workshops"
DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "workshop-types.md"
MODULE = "integrator.systems.workshops.ordrebog"


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one module, where the product looks for it."""
    spec = importlib.util.spec_from_file_location(MODULE, SAMPLES / "ordrebog.py")
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    monkeypatch.setitem(sys.modules, MODULE, made)


@pytest.fixture
def shop(module: None, tmp_path: Path, browser: Browser) -> Iterator[WorkshopWorld]:
    """A workshop of the new type. Nothing but the module and the locator file is new."""
    with serve(OrdrebogPages()) as running:
        world = WorkshopWorld(tmp_path, "ordrebog", running, browser)
        shutil.copy(SAMPLES / "ordrebog.toml", world.home.config / "workshops")
        yield world


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", DOCUMENT.read_text("utf-8"), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(("language", "name"), [("python", "ordrebog.py"), ("toml", "ordrebog.toml")])
def test_the_document_quotes_what_is_tried_here(language: str, name: str) -> None:
    assert (SAMPLES / name).read_text("utf-8") in blocks(language)


def test_an_order_goes_into_an_erp_of_the_new_type(shop: WorkshopWorld) -> None:
    shop.order()
    report = shop.run()
    assert (report.exit_code, shop.said()) == (0, ("completed", None, ""))
    assert shop.ours() == [("OL-0530", "OL-0530 -- OilMat: 0007", "5,50")]
    assert (len(shop.saves()), shop.row()["line_ref"]) == (1, "101")
    assert shop.logins() == [{"ok": True}]


def test_a_second_order_is_told_from_a_longer_id_on_the_same_case(shop: WorkshopWorld) -> None:
    for unique_id in ("00071", "0007"):
        shop.order(unique_id)
    shop.run()
    assert [line["name"].rpartition(" ")[2] for line in shop.lines()] == ["00071", "0007"]


def test_an_answer_that_is_lost_leads_to_one_line_all_the_same(shop: WorkshopWorld) -> None:
    shop.order()
    shop.running.faults.add({"match": {"method": "POST", "path": "/sag/56"}, "fault": {"kind": "reset"}})
    shop.run()
    assert (shop.said()[0], len(shop.saves())) == ("completed", 1)


@pytest.mark.parametrize(
    ("order", "said"),
    [
        ({"case": "99"}, ("received", "case-not-found", "sag ikke fundet")),
        ({"case": "561"}, ("failed", "case-closed", "sag lukket")),
        ({"case": "563"}, ("received", "case-locked", "sag låst af anden bruger")),
        ({"product": "XX-1"}, ("failed", "product-unknown", "handle varenummer")),
        ({"unique_id": "i" * 35}, ("failed", "marker-too-long", "id for langt til linjetekst")),
    ],
    ids=lambda given: str(given),
)
def test_what_the_page_shows_instead_gets_its_reason(
    order: dict[str, str], said: tuple[str, str, str], shop: WorkshopWorld
) -> None:
    shop.order(**order)
    shop.run()
    assert (shop.said(order.get("unique_id", "0007")), shop.saves()) == (said, [])


def test_a_refused_login_blocks_the_workshop(shop: WorkshopWorld) -> None:
    shop.configure(password="another")
    shop.order()
    shop.run()
    shop.run(minutes=5)
    assert (shop.said()[1], shop.logins()) == ("login-refused", [{"ok": False}])


def test_check_counts_the_elements_of_its_locator_file(shop: WorkshopWorld) -> None:
    shown = shop.command("check", "workshops")
    assert (shown.code, shown.err) == (0, "")
    assert "ordrebog (24 elements)" in shown.out


def test_a_type_without_a_module_is_a_mistake_of_the_configuration(shop: WorkshopWorld) -> None:
    del sys.modules[MODULE]
    shop.order()
    result = shop.command("push-orderline", "--workshop", "bennys-auto")
    assert result.code == 78
    assert "[bennys-auto] type: ordrebog has a locator file, but this program has no such type" in result.err
    assert shop.said() == ("received", None, "")
