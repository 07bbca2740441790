"""push-orderline recorded and replayed: OilMat's answers are in the recording, the browser is not."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import yaml

from integrator.domain.orderlines.lines import Baseline
from integrator.domain.orderlines.order import EFFECT, scope_of
from integrator.runtime.outbox import Outbox
from integrator.standins.base import serve
from integrator.standins.oilmat import TOKEN, OilMat
from integrator.store.orderlines import Orderlines
from integrator.store.workshops import Workshops
from integrator.systems.browser import session
from orderline_rows import WORKSHOP, add_orderline, order
from workshop_world import PASSWORD, WorkshopWorld, world

PUSH = ("push-orderline", "--workshop", WORKSHOP)


class Shop(WorkshopWorld):
    """A workshop that OilMat knows, too."""

    oilmat: OilMat

    def offer(self, *unique_ids: str) -> None:
        facts = {"workshop": WORKSHOP, "case_id": "56", "product_nr": "OL-0530", "product_amount": "5,5"}
        self.oilmat.seed({"dispenses": {WORKSHOP: [facts | {"unique_id": one} for one in unique_ids]}})

    def told(self) -> dict[str, str]:
        return {one["unique_id"]: one["status"] for one in self.oilmat.state()["statuses"]}

    def switch_off(self) -> None:
        """So that no browser is needed."""
        self._set_active(False)

    def switch_on(self) -> None:
        self._set_active(True)

    def _set_active(self, active: bool) -> None:
        with self.store() as db:
            Workshops(db).set_active(WORKSHOP, active, at=0)

    def push(self, *words: str) -> dict[str, Any]:
        result = self.command(*PUSH, *words, "--json")
        assert result.out, result.err
        report: dict[str, Any] = result.json
        return report


@contextmanager
def shop_of(root: Path, kind: str, *, more: str = "") -> Iterator[Shop]:
    oilmat = OilMat()
    with serve(oilmat) as server, world(root, kind) as plain:
        made = Shop(plain.root, plain.kind, plain.running)
        made.oilmat = oilmat
        text = f'[oilmat]\nbase_url = "{server.url}"\ntoken = {{ env = "OILMAT_TOKEN" }}\n'
        made.configure(integrator=text, more=more)
        secrets = made.home.env_file.read_text(encoding="utf-8")
        made.home.env_file.write_text(f"{secrets}OILMAT_TOKEN={TOKEN}\n", encoding="utf-8")
        yield made


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with shop_of(tmp_path / "home", "au2office") as made:
        yield made


@pytest.fixture
def tape(tmp_path: Path) -> Path:
    return tmp_path / "tape.yaml"


@contextmanager
def no_browser() -> Iterator[None]:
    def refuse(*arguments: Any, **options: Any) -> None:
        raise AssertionError("a browser was started")

    with patch.object(session, "start", refuse):
        yield


def planned(report: dict[str, Any]) -> dict[str, str]:
    return {one["key"]: one["title"] for one in report["plan"]}


def metadata(tape: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(tape.read_text(encoding="utf-8"))["metadata"]
    return found


@pytest.mark.parametrize("kind", ["au2office", "admanager"])
def test_a_recorded_run_writes_as_always_and_a_replay_lists_what_it_would_write(kind: str, tmp_path: Path) -> None:
    tape = tmp_path / "tape.yaml"
    with shop_of(tmp_path / "home", kind) as shop:
        shop.offer("0007")
        recorded = shop.push("--record", str(tape))
        assert (recorded["exit_code"], shop.said()[0], shop.told()) == (0, "completed", {"0007": "completed"})
        assert (len(shop.saves()), len(shop.ours()), len(shop.logins())) == (1, 1, 1)
        assert recorded["remarks"][-1].startswith("what the browser did is not in it (screens of trouble are in")
        text = tape.read_text(encoding="utf-8")
        assert [word for word in (shop.running.url, PASSWORD, "127.0.0.1", "Bennys Auto") if word in text] == []

        before = shop.row()
        with no_browser():
            replayed = shop.push("--replay", str(tape))
        assert (replayed["exit_code"], replayed["error"]) == (0, None)
        assert planned(replayed) == {"bennys-auto/0007": "case 56: 5.5 × OL-0530"}
        assert replayed["remarks"][0] == "replayed 2 of 2 recorded requests; nothing was sent, nothing was kept"
        assert (shop.row(), len(shop.saves()), len(shop.logins())) == (before, 1, 1)


def test_a_person_reads_the_plan_of_a_replay_too(shop: Shop, tape: Path) -> None:
    shop.switch_off()
    shop.offer("0007")
    assert shop.push("--record", str(tape))["exit_code"] == 5  # the workshop is switched off
    result = shop.command(*PUSH, "--replay", str(tape))
    assert result.code == 0
    assert "add line   workshop.orderline bennys-auto/0007  case 56: 5.5 × OL-0530" in result.out
    assert "the recorded run ended with 5, this replay with 0" in shop.push("--replay", str(tape))["remarks"]
    loud = shop.command("push-orderline", "--workshop", WORKSHOP.upper(), "--replay", str(tape), "--json")
    assert planned(json.loads(loud.out)) == {"bennys-auto/0007": "case 56: 5.5 × OL-0530"}


def test_what_waited_before_is_carried_and_what_ended_is_not_taken_anew(shop: Shop, tape: Path) -> None:
    with shop.store() as db:
        add_orderline(db, "0001", at=1_795_000_000, state="received")
        add_orderline(db, "0002", at=1_795_000_000, case_id="57")  # OilMat offers it once more
        add_orderline(db, "0003", at=1_795_000_000, case_id="58")
        with db.tx():
            refused = "product_amount: is no number"
            Orderlines(db).refuse(WORKSHOP, "0004", refused, source="pull", credentials=False, at=1_795_000_000)
            db.write("UPDATE orderlines SET untold = 0")  # OilMat knows of all of them
            db.write("DELETE FROM outbox WHERE effect = 'oilmat.status'")
    shop.switch_off()
    shop.offer("0002", "0005")
    recorded = shop.push("--record", str(tape))
    carried = metadata(tape)["orderlines"]["orderlines"]
    assert [row["unique_id"] for row in carried] == ["0001", "0002"]
    replayed = shop.push("--replay", str(tape))
    assert planned(replayed) == {
        "bennys-auto/0001": "case 4711-560: 5.5 × OL-0530",
        "bennys-auto/0005": "case 56: 5.5 × OL-0530",
    }
    assert replayed["counts"] == recorded["counts"]
    assert replayed["counts"]["taken.reused"] == 1  # of 0002 OilMat says something else now
    assert [remark for remark in replayed["remarks"] if "counted otherwise" in remark] == []


def test_one_that_was_in_doubt_is_carried_without_what_stood_on_its_case(shop: Shop, tape: Path) -> None:
    with shop.store() as db:
        lines, outbox, made = Orderlines(db), Outbox(db, clock=lambda: 1_795_000_000.0), order()
        with db.tx():
            lines.take(made, source="pull", credentials=False, at=1_795_000_000)
            outbox.once(EFFECT, made.key, made.body, scope=scope_of(WORKSHOP))
        outbox.begin(outbox.due(EFFECT))
        with db.tx():
            lines.armed(made.key, Baseline(ids=("secret-line",), same=0, total=1).as_json(), at=1_795_000_000)
    shop.switch_off()
    shop.push("--record", str(tape))
    assert "secret-line" not in tape.read_text(encoding="utf-8")
    assert list(planned(shop.push("--replay", str(tape)))) == ["bennys-auto/0007"]


def test_a_type_and_a_login_of_a_home_of_its_own_stay_there(shop: Shop, tape: Path) -> None:
    folder = shop.home.config / "workshops"
    folder.mkdir(exist_ok=True)
    (folder / "homemade.toml").write_text('[login]\nemail = ["label=E-mail"]\n', encoding="utf-8")
    (shop.home.config / "workshops.toml").write_text(
        '[bennys-auto]\nname = "Åse Lunds Værksted"\ntype = "homemade"\nbase_url = "https://erp.firma.example"\n'
        'allow_hosts = ["login.firma.example"]\nusername = "aase@firma.example"\nmarker_field = "none"\n'
        'password = { env = "BENNYS_AUTO_PASSWORD" }\nexisting_line = "fail"\n',
        encoding="utf-8",
    )
    shop.switch_off()
    shop.offer("0007")
    shop.push("--record", str(tape))
    text = tape.read_text(encoding="utf-8")
    assert [word for word in ("Åse", "Lund", "firma", "homemade", PASSWORD) if word in text] == []
    said = metadata(tape)["mappings"]["config/workshops.toml"]
    assert '"marker_field" = "none"\n"existing_line" = "fail"\n' in said
    assert shop.push("--replay", str(tape))["exit_code"] == 0


def test_a_replay_of_another_workshop_says_that_it_holds_nothing_of_it(shop: Shop, tape: Path) -> None:
    other = '[nord]\nname = "Nord"\ntype = "admanager"\nbase_url = "https://erp.example.org"\n'
    with (shop.home.config / "workshops.toml").open("a", encoding="utf-8") as file:
        file.write(other)
    shop.switch_off()
    shop.push("--record", str(tape))
    result = shop.command("push-orderline", "--workshop", "nord", "--replay", str(tape), "--json")
    assert result.code == 1
    assert "the recording holds no (further) GET" in json.loads(result.out)["error"]


@pytest.mark.parametrize("rows", [{}, {"orderlines": 7}, {"orderlines": [{"workshop": "x"}]}])
def test_rows_that_are_not_of_our_making_are_refused(rows: Any, shop: Shop, tape: Path) -> None:
    shop.switch_off()
    shop.push("--record", str(tape))
    whole = yaml.safe_load(tape.read_text(encoding="utf-8"))
    whole["metadata"]["orderlines"] = rows or {"something": []}
    tape.write_text(yaml.safe_dump(whole), encoding="utf-8")
    result = shop.command(*PUSH, "--replay", str(tape))
    assert result.code == 2
    assert "is no recording of ours: metadata.orderlines does not fit" in result.err


def test_a_dry_run_takes_no_file_away_and_tells_oilmat_nothing(shop: Shop) -> None:
    shop.switch_off()
    shop.offer("0007")
    assert shop.push()["exit_code"] == 5
    with shop.store() as db:
        db.write("UPDATE outbox SET state = 'received', body = ? WHERE effect = 'oilmat.status'", (json.dumps({}),))
    shop.switch_on()
    before = shop.oilmat.state()
    own = shop.home.spool / "orderlines" / WORKSHOP
    own.mkdir(parents=True, exist_ok=True)
    facts = {"unique_id": "0008", "case_id": "56", "product_nr": "OL-0530", "product_amount": "5,5"}
    (own / "a.json").write_text(json.dumps(facts), encoding="utf-8")
    report = shop.push("--dry-run")
    assert planned(report).keys() == {"bennys-auto/0007", "bennys-auto/0008"}
    assert ((own / "a.json").exists(), shop.oilmat.state()) == (True, before)
