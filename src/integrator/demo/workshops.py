"""Fourth part: oil that was pumped becomes one line each on a case in two workshops' ERPs, through a real browser."""

import json
from pathlib import Path
from typing import Any

import typer

from integrator.demo.stage import ERP_USER, Stage
from integrator.domain.orderlines.order import EFFECT

BENNYS, HAVNENS = "bennys-auto", "havnens-auto"
Order = dict[str, str]
_CLOSED, _THERE = "561", "37100"  # cases: one is closed, on the other one the line is already
_PASSWORD = "olie-og-vand"  # noqa: S105 (travels in an order, and must end at the door)
_PNG = b"\x89PNG"


def _pumped(unique_id: str, case: str, product: str, amount: str) -> Order:
    return {"unique_id": unique_id, "case_id": case, "product_nr": product, "product_amount": amount}


_OFFERED: dict[str, list[Order]] = {
    BENNYS: [_pumped("0007", "56", "OL-0530", "5,5"), _pumped("0008", _CLOSED, "OL-1040", "4")],
    HAVNENS: [_pumped("0007", "37056", "OL-0530", "4,25"), _pumped("0006", _THERE, "0007", "2.5")],
}
_BY_COMMAND = _pumped("0010", "560", "KØL-12", "6")
_AS_FILE = _pumped("0011", "5601", "00071", "1.5")


def play(stage: Stage) -> None:
    stage.chapter("Workshops")
    if stage.no_browser:
        stage.say(
            f"This chapter is left out: {stage.no_browser}. Type: sudo apt-get install chromium chromium-driver"
            "   then: make demo"
        )
        return
    _the_shops(stage)
    _orders_come_in(stage)
    _pushed(stage)
    _as_a_person_sees_it(stage)
    _opened_again(stage)
    _oilmat_hears_of_it(stage)


def _the_shops(stage: Stage) -> None:
    stage.say("Two workshops, each with an ERP that has no API: somebody has to type there.")
    stage.command("workshop", "list")
    stage.oilmat.seed({"dispenses": _OFFERED, "take_unknown": True})  # it knows what it sent in other ways, too
    there = {"product": "0007", "amount": "2.5", "name": "Gearolie 75W-90 -- OilMat:0006", "created_by": ERP_USER}
    with stage.admanager.lock:
        case = {"number": _THERE, "customer": "Bo Ibsen", "plate": "RS 20 100", "lines": [there]}
        del stage.admanager.shop.cases[_THERE]
        stage.admanager.shop.seed({"add_cases": [case]})


def _orders_come_in(stage: Stage) -> None:
    stage.say("Four times oil was pumped; OilMat offers that. A fifth comes by command, with a password in it,")
    typer.echo("   as OilMat sends it: JSON in a string. It is thrown away at the door. A sixth comes as a file.")
    order = _BY_COMMAND | {"workshop": "Bennys Auto", "username": "benny", "password": _PASSWORD}
    given = json.dumps(json.dumps(order, ensure_ascii=False), ensure_ascii=False)
    stage.command("orderline", "create", "--file", "-", given=given, by="oilmat")
    stage.claim("a password in an order is kept nowhere", not stage.files_with(_PASSWORD))
    spool = stage.home / "var" / "spool" / "orderlines" / HAVNENS
    spool.mkdir(mode=0o700, parents=True, exist_ok=True)
    (spool / ".pumped").write_text(json.dumps(_AS_FILE), encoding="utf-8")
    (spool / ".pumped").rename(spool / "pumped.json")


def _pushed(stage: Stage) -> None:
    stage.say("All of them travel. Each workshop has a browser of its own, both at the same time.")
    stage.command("push-orderline", "--all", "-v", expect=3)
    _line_is_there(stage, BENNYS, "56", "Motorolie 5W-30 Longlife -- OilMat: 0007", "5.50")
    _line_is_there(stage, BENNYS, "560", "Kølervæske blå, færdigblandet -- OilMat: 0010", "6.00")
    _line_is_there(stage, HAVNENS, "37056", "Motorolie 5W-30 Longlife -- OilMat:0007", "4.25")
    _line_is_there(stage, HAVNENS, "5601", "Gearolie 75W-90 LS -- OilMat:0011", "1.50")
    for shop, erp in ((BENNYS, "au2office"), (HAVNENS, "AD Manager")):
        stage.claim(f"one login for all orders of {shop}", len(_state(stage, shop)["logins"]) == 1)
        stage.claim(f"two lines were written in {erp}", len(_saved(stage, shop)) == 2)
        stage.row(f"OilMat → {erp}", "2 lines, 1 login", "the cases' lines, the ERP's ledger")
    stage.claim("a line that is there already is not written again", _ids(stage, HAVNENS, _THERE) == ["0006"])
    stage.claim("that order is completed", _status(stage, HAVNENS, "0006") == "completed")
    stage.row("a line that is there", "nothing: only read", "the case's lines")
    stage.claim("nothing is on the closed case", _ids(stage, BENNYS, _CLOSED) == [])
    stage.claim("its order has failed", _status(stage, BENNYS, "0008") == "failed")


def _as_a_person_sees_it(stage: Stage) -> None:
    said = stage.read("orderline", "status", "--workshop", BENNYS, "0007")
    stage.claim("0007 is completed", said.strip() == f"{BENNYS}/0007: completed")
    stage.say("The lines as the two ERPs have them:")
    for shop, case in ((BENNYS, "56"), (HAVNENS, "37056")):
        for line in _lines(stage, shop, case):
            amount = f"{line['amount']} {line['unit']}"
            typer.echo(f"  │ {shop:<13} case {case:<6} {line['product']:<8} {amount:>9}  {line['name']}")
    stage.say("And the pictures that were taken after saving (integrator demo --keep leaves them there):")
    pictures = [_picture(stage, shop, "0007") for shop in (BENNYS, HAVNENS)]
    for picture in pictures:
        typer.echo(f"  │ {picture}")
    stage.claim("each is a picture", all(picture.read_bytes()[:4] == _PNG for picture in pictures if picture.exists()))
    stage.claim("both pictures are there", all(picture.is_file() for picture in pictures))
    stage.row("pictures after saving", "1 of each line", "two files looked at")


def _opened_again(stage: Stage) -> None:
    stage.say(f"Bennys opens case {_CLOSED} again and says so; and OilMat offers everything a second time.")
    with stage.au2office.lock:
        stage.au2office.shop.case(_CLOSED).status = "åben"
    stage.oilmat.seed({"dispenses": _OFFERED})
    stage.command("orderline", "retry", "--workshop", BENNYS, "0008")
    stage.command("push-orderline", "--all", "-v")
    _line_is_there(stage, BENNYS, _CLOSED, "Motorolie 10W-40 delsyntetisk -- OilMat: 0008", "4.00")
    written = (len(_saved(stage, BENNYS)), len(_saved(stage, HAVNENS)))
    stage.claim("one line was written, and none a second time", written == (3, 2))
    stage.row("a closed case", "nothing; opened: 1 line", "the case's lines, twice")
    stage.row("OilMat, again", "nothing: known orders", "both ERPs' ledgers")
    stage.say(f"What happened to 0008 of {BENNYS}?")
    stage.command("explain", f"{BENNYS}/0008")
    stage.command("workshop", "health")


def _oilmat_hears_of_it(stage: Stage) -> None:
    stage.say("What OilMat was told, in its own words:")
    told = {(one["workshop"], one["unique_id"]): one for one in stage.oilmat.state()["statuses"]}
    for (shop, unique_id), one in sorted(told.items()):
        words = " → ".join(dict.fromkeys(arrived["status"] for arrived in one["arrived"]))
        typer.echo(
            f"  │ {shop}/{unique_id}: {words}{' (' if one['reason'] else ''}{one['reason']}{')' * bool(one['reason'])}"
        )
    stage.claim("OilMat knows of all six orders", len(told) == 6)
    stage.claim("each is completed there", all(one["status"] == "completed" for one in told.values()))
    stage.row("statuses → OilMat", f"{len(told)} completed", "OilMat's own list")


# looking up ---------------------------------------------------------------------------------------------------


def _line_is_there(stage: Stage, shop: str, case: str, name: str, amount: str) -> None:
    found = [(line["name"], line["amount"]) for line in _lines(stage, shop, case) if "OilMat" in line["name"]]
    stage.claim(f"case {case} of {shop} has our line once, with text and amount", found == [(name, amount)])


def _state(stage: Stage, shop: str) -> dict[str, Any]:
    return (stage.au2office if shop == BENNYS else stage.admanager).state()


def _lines(stage: Stage, shop: str, case: str) -> list[dict[str, Any]]:
    return [line for found in _state(stage, shop)["cases"] if found["number"] == case for line in found["lines"]]


def _ids(stage: Stage, shop: str, case: str) -> list[str]:
    """The orders whose lines stand on a case."""
    names = [line["name"].partition("OilMat:") for line in _lines(stage, shop, case)]
    return [unique_id.strip() for _, marker, unique_id in names if marker]


def _saved(stage: Stage, shop: str) -> list[dict[str, Any]]:
    """Every new line that was ever written there: the ERP's own ledger."""
    return [save for save in _state(stage, shop)["saves"] if save["kind"] == "new"]


def _status(stage: Stage, shop: str, unique_id: str) -> str | None:
    sql = "SELECT state FROM outbox WHERE effect = ? AND key = ?"
    found: str | None = stage.stored(sql, EFFECT, f"{shop}/{unique_id}")
    return found


def _picture(stage: Stage, shop: str, unique_id: str) -> Path:
    sql = "SELECT evidence FROM orderlines WHERE workshop = ? AND unique_id = ?"
    return stage.home / "var" / "evidence" / str(stage.stored(sql, shop, unique_id)) / "screenshot.png"
