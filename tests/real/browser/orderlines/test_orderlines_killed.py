"""push-orderline, killed wherever it can be, each time in a process and a Chromium of its own: one line, never two."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from dying import failing
from integrator.systems.browser.session import Browser
from jobs.situations import MARKERS
from jobs.workshop_processes import PATIENT
from survivors import living, nothing_lives
from workshop_world import KINDS, PASSWORD, USER, WorkshopWorld, stand_in, world

TESTS = Path(__file__).parents[3]
ONE = ("push-orderline", "--workshop", "bennys-auto")
PRODUCT, NAME = "OL-1040", "Motorolie 10W-40 delsyntetisk"  # au2office finds it at once, without a search
PATIENCE_S = 300.0


Far = tuple[str, str | None]  # the status of an order and its phase
RECEIVED, CLAIMED, LOOKED = ("received", None), ("processing", "claimed"), ("processing", "looked")
ARMED, HALF, VERIFIED = ("processing", "armed"), ("processing", "half"), ("completed", "verified")

# The statements by which tests/dying.py knows a commit.
COMMITS = {
    "claimed": "SET lease_owner = :lease_owner",
    "looked": "SET lease_until = :lease_until, phase",
    "armed": "SET armed_at = ",
    "half": "SET line_ref = :line_ref, lease_until",
    "completed": "body_hash = :hash, 'completed'",
}


@dataclass(frozen=True)
class Death:
    """A place at which a run dies; how far an order is known to be then, and what of its line is in the ERP."""

    script: str
    how: tuple[str, ...]
    far: Far
    there: str


def before(commit: str, far: Far, there: str = "nothing") -> Death:
    return Death("dying.py", ("kill-before", f"{COMMITS[commit]}|COMMIT"), far, there)


def after(commit: str, far: Far, there: str = "nothing") -> Death:
    return Death("dying.py", ("kill-after", f"{COMMITS[commit]}|COMMIT"), far, there)


def on_the_way(place: str, far: Far, there: str) -> Death:
    return Death("orderline_dying.py", (place, "0"), far, there)


# what a test works with -----------------------------------------------------------------------------------------


@contextmanager
def shop_of(kind: str, browser: Browser | None = None) -> Iterator[WorkshopWorld]:
    """A workshop with one order, in a folder whose path is short: then a browser's TMPDIR is below it, too."""
    with tempfile.TemporaryDirectory(prefix="w", dir="/tmp") as folder, world(Path(folder), kind, browser) as shop:
        shop.configure(more=PATIENT)
        (shop.root / "tmp").mkdir()
        hand_in(shop, "0007")
        yield shop


@pytest.fixture
def shops(browser: Browser) -> Iterator[list[WorkshopWorld]]:
    """One of each type; what is done in both is done at the same time."""
    with ExitStack() as stack:
        yield [stack.enter_context(shop_of(kind, browser)) for kind in KINDS]


def hand_in(shop: WorkshopWorld, unique_id: str, *, workshop: str = "bennys-auto", case: str = "56") -> None:
    """By the command: it and the run that is killed read the same clock."""
    facts = {"workshop": workshop, "unique_id": unique_id, "case_id": case, "product_nr": PRODUCT}
    taken = shop.command("orderline", "create", "--file", "-", stdin=json.dumps(facts | {"product_amount": "5,5"}))
    assert taken.code == 0, taken.err


def begun(shop: WorkshopWorld, *command: str) -> "subprocess.Popen[str]":
    """A process of its own, and the first of a group of its own."""
    return subprocess.Popen(
        [sys.executable, *command],
        env=shop.environ | {"TMPDIR": str(shop.root / "tmp")},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def ended(process: "subprocess.Popen[str]") -> tuple[int, str]:
    try:
        out, err = process.communicate(timeout=PATIENCE_S)
    finally:
        process.kill()
    return process.returncode, out + err


def killed(*dying: tuple[WorkshopWorld, Sequence[str]]) -> None:
    """All at the same time, each by a script of tests/; then they are dead, and nothing of theirs lives."""
    processes = [begun(shop, str(TESTS / script), *how, *ONE) for shop, (script, *how) in dying]
    for code, said in [ended(process) for process in processes]:
        assert code == -signal.SIGKILL, said
    for shop, _ in dying:
        nothing_lives(shop.root)


def die(*deaths: tuple[WorkshopWorld, Death]) -> None:
    killed(*[(shop, (death.script, *death.how)) for shop, death in deaths])
    for shop, death in deaths:
        assert (death, far(shop), there(shop)) == (death, death.far, death.there)


# what must be true ----------------------------------------------------------------------------------------------


def nothing_is_left(shop: WorkshopWorld) -> None:
    nothing_lives(shop.root)
    assert [path.name for path in shop.home.spool.iterdir()] == ["orderlines"]
    assert list((shop.root / "tmp").iterdir()) == []


def there(shop: WorkshopWorld, unique_id: str = "0007") -> str:
    """What is on the case, on which nobody else writes."""
    whole = (PRODUCT, f"{NAME}{MARKERS[shop.kind]}{unique_id}", "5.50")
    words = {(): "nothing", ((PRODUCT, NAME, "1.00"),): "half", (whole,): "whole"}
    lines = tuple((line["product"], line["name"], line["amount"]) for line in shop.lines())
    return words.get(lines, f"something else: {lines}")


def one_line(shop: WorkshopWorld, unique_id: str = "0007") -> None:
    """Written once, and whole; it is all that was ever written."""
    assert ([save["product"] for save in shop.saves()], there(shop, unique_id)) == ([PRODUCT], "whole")


def heals(shop: WorkshopWorld) -> None:
    """The next run, when nothing that is on its way can arrive any more, leaves one line and nothing else."""
    shop.now = float(shop.row()["changed_at"])
    report = shop.run(minutes=15)
    assert (report.exit_code, report.error, shop.said()) == (0, None, ("completed", None, ""))
    one_line(shop)
    nothing_is_left(shop)


def far(shop: WorkshopWorld) -> Far:
    row = shop.row()
    return row["status"], row["phase"]


# kill -9 at every boundary of a step: each next run gets one step further, and dies there ------------------------


def test_killed_at_every_step_before_the_touch_that_saves(shops: list[WorkshopWorld]) -> None:
    steps = [
        before("claimed", RECEIVED),
        after("claimed", CLAIMED),
        before("looked", CLAIMED),
        after("looked", LOOKED),
        before("armed", LOOKED),
        after("armed", ARMED),
    ]
    for step in steps:
        die(*[(shop, step) for shop in shops])
    for shop in shops:
        heals(shop)


def test_killed_at_every_step_after_the_touch_that_saves(shops: list[WorkshopWorld]) -> None:
    """Whoever has died is looked up by who dies next: that finishes the line, or finds it, and never writes one."""
    au2office, admanager = shops
    die(
        (au2office, on_the_way("saved", ARMED, "half")),
        (admanager, on_the_way("saved", ARMED, "whole")),
    )
    die((au2office, before("half", ARMED, "half")), (admanager, before("completed", ARMED, "whole")))
    die((au2office, after("half", HALF, "half")), (admanager, after("completed", VERIFIED, "whole")))
    die((au2office, on_the_way("finishing", HALF, "half")))
    heals(admanager)
    die((au2office, before("completed", HALF, "whole")))
    die((au2office, after("completed", VERIFIED, "whole")))
    heals(au2office)


@pytest.mark.parametrize("which", [ONE[1:], ("--all",)], ids=" ".join)
def test_a_run_without_work_clears_away_what_a_killed_one_left(tmp_path: Path, which: tuple[str, ...]) -> None:
    with world(tmp_path, "admanager") as shop:
        left = shop.home.spool / "browser-left0000"
        (left / "profile").mkdir(parents=True)
        assert shop.command("push-orderline", *which, "--dry-run").code == 0
        assert left.exists()
        assert shop.command("push-orderline", *which).code == 0
        assert (left.exists(), shop.logins()) == (False, [])


# kill -9 after the touch that saves -----------------------------------------------------------------------------


@pytest.mark.parametrize("ms", [0, 10, 30, 50, 80, 120, 200, 300])
def test_killed_so_many_ms_after_the_click_that_saves(shops: list[WorkshopWorld], ms: int) -> None:
    killed(*[(shop, ("orderline_dying.py", "touch-1", str(ms))) for shop in shops])
    for shop in shops:
        assert far(shop) in (ARMED, HALF, VERIFIED)
        assert len(shop.saves()) <= 1
        heals(shop)


def test_killed_after_the_touch_that_saves_one_field(browser: Browser) -> None:
    """Of au2office's second step: 80 ms after its name, 30 ms after its amount."""
    with shop_of("au2office", browser) as name, shop_of("au2office", browser) as amount:
        killed(
            (name, ("orderline_dying.py", "touch-2", "80")),
            (amount, ("orderline_dying.py", "touch-3", "30")),
        )
        for shop in (name, amount):
            assert far(shop) in (HALF, VERIFIED)
            assert len(shop.saves()) == 1
            heals(shop)


# asked to end ---------------------------------------------------------------------------------------------------


def test_asked_to_end_the_order_at_hand_is_finished_and_no_other_begun(shops: list[WorkshopWorld]) -> None:
    for shop in shops:
        hand_in(shop, "0008", case="560")
        shop.stage("hang_save")
    processes = [begun(shop, "-m", "integrator", *ONE) for shop in shops]
    for shop, process in zip(shops, processes, strict=True):
        assert shop.running.faults.gate.await_held()
        # Else the end proves nothing: they are seen, and what they put into their TMPDIR is below our folder.
        assert {"chromedriver", "chromium"} <= set(living(shop.root).values())
        assert list(shop.home.spool.glob("browser-*/tmp/*"))
        os.killpg(process.pid, signal.SIGTERM)  # all of the group, as `timeout` does
        shop.running.faults.gate.release()
    for shop, process in zip(shops, processes, strict=True):
        code, said = ended(process)
        assert (code, shop.said(), far(shop)) == (75, ("completed", None, ""), VERIFIED), said
        assert shop.row("0008")["status"] == "received"
        one_line(shop)
        nothing_is_left(shop)


# --all ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def both() -> Iterator[tuple[WorkshopWorld, WorkshopWorld]]:
    """A home with a workshop of each type, an order for each, and saves that hang when they have happened."""
    other = stand_in("admanager")
    with shop_of("au2office") as shop, other:
        shop.configure(
            others=f'[carls-garage]\nname = "Carls Garage"\ntype = "admanager"\nbase_url = "{other.url}"\n'
            f'username = "{USER}"\npassword = {{ env = "BENNYS_AUTO_PASSWORD" }}\n{PATIENT}\n',
            password=PASSWORD,
            more=PATIENT,
        )
        second = Sibling(shop.root, "admanager", other)
        hand_in(shop, "0008", workshop="carls-garage")
        for one in (shop, second):
            one.stage("hang_save", when="after")
        yield shop, second


class Sibling(WorkshopWorld):
    """The other workshop of a home that is there already."""

    def __post_init__(self) -> None:
        """Nothing is made."""


def everything_runs(both: Sequence[WorkshopWorld]) -> "subprocess.Popen[str]":
    process = begun(both[0], "-m", "integrator", "push-orderline", "--all", "--jobs", "2")
    for shop in both:
        assert shop.running.faults.gate.await_held()
    assert list(living(both[0].root).values()).count("chromedriver") == 2
    return process


def test_all_killed_its_children_finish_what_they_have_and_end(both: tuple[WorkshopWorld, WorkshopWorld]) -> None:
    process = everything_runs(both)
    process.kill()
    for shop in both:
        shop.running.faults.gate.release()
    assert ended(process)[0] == -signal.SIGKILL
    nothing_lives(both[0].root, PATIENCE_S)
    nothing_is_left(both[0])
    both_are_done(both)


def both_are_done(both: tuple[WorkshopWorld, WorkshopWorld]) -> None:
    first, second = both
    shown = [first.command("orderline", "status", *key, "--json").json for key in KEYS]
    assert [found["status"] for found in shown] == ["completed", "completed"]
    one_line(first)
    one_line(second, unique_id="0008")


KEYS = (("0007", "--workshop", "bennys-auto"), ("0008", "--workshop", "carls-garage"))


# a disk that gives up -------------------------------------------------------------------------------------------


FAILURES = {
    "au2office": [("full", "armed"), ("io", "armed"), ("read-only", "completed")],
    "admanager": [("read-only", "armed"), ("full", "completed"), ("io", "completed")],
}


@pytest.mark.parametrize("kind", KINDS)
def test_where_it_cannot_be_written_down_nothing_is_touched_and_nothing_forgotten(kind: str, browser: Browser) -> None:
    """Not as armed: then nothing was touched. Not as done: then the next run looks, and finds it."""
    with shop_of(kind, browser) as shop:
        shop.now = float(shop.row()["changed_at"])
        for how, commit in FAILURES[kind]:
            with failing(how, [COMMITS[commit], "COMMIT"]):
                assert shop.run(minutes=1).exit_code == 70
            last = HALF if kind == "au2office" else ARMED
            there_now = (LOOKED, "nothing") if commit == "armed" else (last, "whole")
            assert (how, far(shop), there(shop)) == (how, *there_now)
        heals(shop)
