"""The password of a workshop's ERP, and the secret of its one-time codes: used everywhere, found nowhere afterwards."""

import json
from base64 import b64encode
from collections.abc import Iterator
from html import escape
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from browser_processes import Watched
from integrator.standins.base import serve
from integrator.standins.oilmat import TOKEN, OilMat
from integrator.systems.browser.session import Browser
from jobs.workshop_processes import begin, ended, finish
from workshop_world import KINDS, USER, Result, WorkshopWorld, world

SECRET = "Smørrebrød&<9>%+/Øl"
TOTP = "KRSXG5CTMVRXEZLUMFRGGZDF"
THEIRS = "ilx-bruger-4711"  # the login name that travels in orders
W = "bennys-auto"
RUN = ("push-orderline", "--workshop", W)
LOGINS = {"au2office": "/Account/Login", "admanager": "/api/login"}
LOOKS = [
    ("status", "--json"),
    ("runs", "--json"),
    ("outbox", "list"),
    ("orderline", "queue", "--workshop", W, "--json"),
    ("orderline", "queue", "--workshop", W, "--type", "error"),
    ("orderline", "status", "--workshop", W, "0001", "--detail"),
    ("orderline", "status", "--workshop", W, "0003", "--detail", "--json"),
    ("explain", "0001"),
    ("explain", "0005", "--json"),
    ("workshop", "list"),
    ("workshop", "show", W),
    ("workshop", "show", W, "--json"),
    ("workshop", "health", "--json"),
    ("check", "workshops", "--json"),
    ("store", "backup"),
]


def spellings(secret: str) -> set[bytes]:
    """How a secret may stand somewhere: as it is, and as pages, addresses, JSON and wire formats write it."""
    in_json = json.dumps(secret)[1:-1]
    texts = {secret, escape(secret), escape(secret, quote=False), quote(secret, safe=""), quote_plus(secret), in_json}
    texts |= {json.dumps(in_json)[1:-1], quote(secret), quote(secret).lower()}
    raw = {secret.encode(), secret.encode("utf-16-le"), secret.encode("latin-1")}
    return {text.encode() for text in texts} | raw | {b64encode(secret.encode())}


NEEDLES = set[bytes]().union(*map(spellings, (SECRET, TOTP, THEIRS)))


def leaks(content: bytes) -> list[bytes]:
    return [needle for needle in NEEDLES if needle in content]


def leaking_files(folder: Path) -> list[str]:
    return [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and leaks(read(path))]


def read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:  # a browser at work deletes files of its own
        return b""


def leaking_processes() -> list[bytes]:
    """Every command line of the machine."""
    return [line for path in Path("/proc").glob("[0-9]*/cmdline") if leaks(line := _line(path))]


def _line(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # it has just ended
        return b""


def order(unique_id: str, **more: object) -> dict[str, object]:
    facts = {"unique_id": unique_id, "case_id": "56", "product_nr": "OL-1040", "product_amount": "5,5", **more}
    return {"workshop": W, **facts, "username": THEIRS, "password": SECRET}


def with_a_comma(facts: dict[str, object], *, ascii_only: bool) -> str:
    """As the sample of the original has it, which is no JSON."""
    return json.dumps(facts, ensure_ascii=ascii_only)[:-1] + ",}"


def hand_in(shop: WorkshopWorld, oilmat: OilMat) -> list[Result]:
    """By every way that there is, good and bad, each with a login in it."""
    create = ("orderline", "create")
    spool = shop.home.spool / "orderlines" / W
    spool.mkdir(mode=0o700, parents=True)
    (spool / "good.json").write_text(json.dumps(order("0003", product_nr="XX-1"), ensure_ascii=False), "utf-8")
    (spool / "comma.json").write_text(with_a_comma(order("0090"), ascii_only=False), "utf-8")
    (spool / "ascii.json").write_text(with_a_comma(order("0091"), ascii_only=True), "utf-8")
    whole = json.dumps(json.dumps(order("0092"), ensure_ascii=False), ensure_ascii=False)
    (spool / "cut.json").write_text(whole[: whole.index(SECRET) + 9], "utf-8")
    oilmat.seed({"dispenses": {W: [order("0005"), order("0006", product_amount="1.234,5")]}})
    results = [
        shop.command(*create, "--json", stdin=json.dumps(order("0001"))),
        shop.command(*create, stdin=json.dumps(json.dumps(order("0002"), ensure_ascii=False))),
        shop.command(*create, "--json", stdin=with_a_comma(order("0093"), ascii_only=False)),
        shop.command(*create, stdin=json.dumps([order("0094", product_amount="1.234,5"), order("0095", case_id="")])),
        shop.command(*create, stdin=json.dumps(order("0096") | {"workshop": "../x"})),
    ]
    assert [result.code for result in results] == [0, 0, 2, 2, 2]
    return results


@pytest.fixture
def oilmat() -> OilMat:
    return OilMat()


@pytest.fixture(params=KINDS)
def shop(request: pytest.FixtureRequest, tmp_path: Path, browser: Browser, oilmat: OilMat) -> Iterator[WorkshopWorld]:
    with serve(oilmat) as server, world(tmp_path, request.param, browser) as found:
        found.configure(
            password=SECRET,
            more='totp = { env = "BENNYS_AUTO_TOTP" }\npictures = "always"',
            integrator=f'[oilmat]\nbase_url = "{server.url}"\ntoken = {{ env = "OILMAT_TOKEN" }}\n',
        )
        with found.home.env_file.open("a", encoding="utf-8") as secrets:
            secrets.write(f"BENNYS_AUTO_TOTP={TOTP}\nOILMAT_TOKEN={TOKEN}\n")
        yield found


def evidence(shop: WorkshopWorld) -> list[str]:
    """What went wrong, of every folder that was kept."""
    kept = sorted(shop.home.evidence.glob("*/*/about.json"))
    return [json.loads(path.read_text(encoding="utf-8"))["error"].partition(":")[0] for path in kept]


def run_with_the_password_on_its_way(shop: WorkshopWorld) -> Result:
    """A run of its own process, looked at while it logs in: the browser has typed the password, and sent it."""
    login = {"method": "POST", "path": LOGINS[shop.kind]}
    shop.running.faults.add({"fault": {"kind": "hang"}, "match": login, "times": 1})
    run = begin(shop, *RUN, "-v")
    with ended(run):
        assert shop.running.faults.gate.await_held()
        with Watched(shop.home.spool, run.pid) as watched:
            assert {"chromedriver", "chromium"} <= set(watched.names())
            assert leaking_processes() == []
            assert leaking_files(shop.home.var) == []
            [own] = shop.home.spool.glob("browser-*")
            assert any(path.is_file() for path in own.rglob("*"))
            shop.running.faults.gate.release()
            result = finish(run)
            assert watched.alive(10) == []
    assert list(shop.home.spool.glob("browser-*")) == []
    return result


def test_a_password_used_everywhere_is_found_nowhere(shop: WorkshopWorld, oilmat: OilMat) -> None:
    said = hand_in(shop, oilmat)
    # The ERP knows another password: what was typed is refused, on a page that is kept as evidence.
    said.append(run_with_the_password_on_its_way(shop))
    assert said[-1].code == 1
    assert evidence(shop) == ["login-refused"]
    said += [shop.command(*RUN, *how) for how in (("-v",), ("--json",), ("--dry-run",))]
    # It is right, and a code is asked for that ours is not.
    shop.running.standin.seed({"users": {USER: SECRET}})
    shop.stage("two_factor", code="no such code")
    said.append(shop.command("workshop", "activate", W, "--unblock"))
    shop.run(minutes=10_000)
    assert shop.row("0001")["status"] == "received"
    said.append(shop.command("workshop", "activate", W, "--unblock"))
    # A case's page that shows it to everybody, an order that fails, others that do not.
    shop.stage("unknown_modal", text=f"Husk: {SECRET}", **({"at": "open"} if shop.kind == "admanager" else {}))
    report = shop.run(minutes=100)
    assert [shop.row(one)["status"] for one in ("0002", "0003", "0005")] == ["completed", "failed", "completed"]
    assert shop.said("0001")[1] == "unexpected-dialog"
    assert evidence(shop)[2:] == ["unexpected-dialog", "saved", "product-unknown", "saved"]
    said.append(Result(report.exit_code, json.dumps(report.as_json(), ensure_ascii=False), ""))
    said += [shop.command(*look) for look in LOOKS]
    assert [result for result in said if leaks((result.out + result.err).encode())] == []
    assert {result.code for result in said} <= {0, 1, 2, 3, 5}
    assert leaking_files(shop.home.root) == [".env"]
    kinds = {path.suffix for path in shop.home.var.rglob("*") if path.is_file()}
    assert {".db", ".html", ".png", ".json", ".jsonl", ".txt"} <= kinds
    assert len(list(shop.home.spool.glob("orderlines/*/rejected/*.json"))) == 3


def test_the_search_would_find_it(tmp_path: Path) -> None:
    for number, needle in enumerate(NEEDLES):
        (tmp_path / str(number)).write_bytes(b"before" + needle + b"after")
    (tmp_path / "harmless").write_bytes("Smørrebrød".encode())
    assert len(leaking_files(tmp_path)) == len(NEEDLES)
