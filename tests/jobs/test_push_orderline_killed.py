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
from survivors import living, nothing_lives
from workshop_world import KINDS, PASSWORD, USER, WorkshopWorld, shared_browser, stand_in, world

TESTS = Path(__file__).parents[1]
ONE = ("push-orderline", "--workshop", "bennys-auto")
PRODUCT, NAME = "OL-1040", "Motorolie 10W-40 delsyntetisk"  # au2office finds it at once, without a search
PATIENCE_S = 60.0


@dataclass(frozen=True)
class Commit:
    """A commit of the store, as tests/dying.py finds it, and how far an order is known to be before and after it."""

    name: str
    statement: str
    before: tuple[str, str | None]
    after: tuple[str, str | None]

    @property
    def steps(self) -> list[str]:
        return [self.statement, "COMMIT"]


CLAIMED = Commit("claimed", "SET lease_owner = :lease_owner", ("received", None), ("processing", "claimed"))
LOOKED = Commit("looked", "SET lease_until = :lease_until, phase", CLAIMED.after, ("processing", "looked"))
ARMED = Commit("armed", "SET armed_at = ", LOOKED.after, ("processing", "armed"))
HALF = Commit("half", "SET line_ref = :line_ref, lease_until", ARMED.after, ("processing", "half"))
COMPLETED = Commit("completed", "body_hash = :hash, 'completed'", ("processing", None), ("completed", "verified"))


# what a test works with -----------------------------------------------------------------------------------------


@contextmanager
def shop_of(kind: str, browser: Browser | None = None) -> Iterator[WorkshopWorld]:
    """A workshop with one order, in a folder whose path is short: then a browser's TMPDIR is below it, too."""
    with tempfile.TemporaryDirectory(prefix="w", dir="/tmp") as folder, world(Path(folder), kind, browser) as shop:
        (shop.root / "tmp").mkdir()
        hand_in(shop, "0007")
        yield shop


@pytest.fixture
def shops() -> Iterator[list[WorkshopWorld]]:
    """One of each type: they are killed at the same time, which costs half of it."""
    with ExitStack() as stack:
        yield [stack.enter_context(shop_of(kind)) for kind in KINDS]


@pytest.fixture
def au2office() -> Iterator[WorkshopWorld]:
    with shop_of("au2office") as shop:
        yield shop


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """For what ends by itself: only a kill needs a browser of its own."""
    with shared_browser(tmp_path_factory.mktemp("scratch")) as found:
        yield found


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


def killed(shops: Sequence[WorkshopWorld], script: str, *how: str) -> None:
    """The same in all of them, at the same time; in the end they are dead, and nothing of theirs lives."""
    processes = [begun(shop, str(TESTS / script), *how, *ONE) for shop in shops]
    for code, said in [ended(process) for process in processes]:
        assert code == -signal.SIGKILL, said
    for shop in shops:
        nothing_lives(shop.root)


# what must be true ----------------------------------------------------------------------------------------------


def nothing_is_left(shop: WorkshopWorld) -> None:
    nothing_lives(shop.root)
    assert [path.name for path in shop.home.spool.iterdir()] == ["orderlines"]
    assert list((shop.root / "tmp").iterdir()) == []


def one_line(shop: WorkshopWorld, case: str = "56", unique_id: str = "0007") -> None:
    """Written once, and whole; of every line that the case has, none is another."""
    assert [save["product"] for save in shop.saves() if save["case"] == case] == [PRODUCT]
    there = [(line["product"], line["name"], line["amount"]) for line in shop.lines(case)]
    assert there == [(PRODUCT, f"{NAME}{MARKERS[shop.kind]}{unique_id}", "5.50")]


def heals(shop: WorkshopWorld) -> None:
    """The next run, when nothing that is on its way can arrive any more, leaves one line and nothing else."""
    shop.now = float(shop.row()["changed_at"])
    report = shop.run(minutes=3)
    assert (report.exit_code, report.error, shop.said()) == (0, None, ("completed", None, ""))
    one_line(shop)
    nothing_is_left(shop)


def far(shop: WorkshopWorld) -> tuple[str, str | None]:
    row = shop.row()
    return row["status"], row["phase"]


# kill -9 at every boundary of a step ----------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["kill-before", "kill-after"])
@pytest.mark.parametrize("commit", [CLAIMED, LOOKED, ARMED], ids=lambda commit: commit.name)
def test_killed_before_anything_was_touched(shops: list[WorkshopWorld], commit: Commit, how: str) -> None:
    killed(shops, "dying.py", how, "|".join(commit.steps))
    for shop in shops:
        assert far(shop) == (commit.after if how == "kill-after" else commit.before)
        assert shop.saves() == []
        heals(shop)


@pytest.mark.parametrize("how", ["kill-before", "kill-after"])
def test_killed_where_the_half_line_is_written_down(au2office: WorkshopWorld, how: str) -> None:
    killed([au2office], "dying.py", how, "|".join(HALF.steps))
    assert far(au2office) == (HALF.after if how == "kill-after" else HALF.before)
    assert [line["name"] for line in au2office.lines()] == [NAME]
    heals(au2office)


def test_killed_before_the_half_line_is_finished(au2office: WorkshopWorld) -> None:
    killed([au2office], "orderline_dying.py", "finishing", "0")
    assert far(au2office) == HALF.after
    assert [(line["name"], line["amount"]) for line in au2office.lines()] == [(NAME, "1.00")]
    heals(au2office)


def test_killed_when_the_save_has_come_back(shops: list[WorkshopWorld]) -> None:
    killed(shops, "orderline_dying.py", "saved", "0")
    for shop in shops:
        assert far(shop) == ARMED.after
        assert len(shop.saves()) == 1
        heals(shop)


@pytest.mark.parametrize("how", ["kill-before", "kill-after"])
def test_killed_where_it_is_written_down_as_done(shops: list[WorkshopWorld], how: str) -> None:
    killed(shops, "dying.py", how, "|".join(COMPLETED.steps))
    for shop in shops:
        last = HALF if shop.kind == "au2office" else ARMED
        assert far(shop) == (COMPLETED.after if how == "kill-after" else last.after)
        one_line(shop)
        heals(shop)


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
    killed(shops, "orderline_dying.py", "touch-1", str(ms))
    for shop in shops:
        assert far(shop) in (ARMED.after, HALF.after, COMPLETED.after)
        assert len(shop.saves()) <= 1
        heals(shop)


@pytest.mark.parametrize(("field", "ms"), [("name", 10), ("name", 80), ("amount", 30)])
def test_killed_after_the_touch_that_saves_one_field(au2office: WorkshopWorld, field: str, ms: int) -> None:
    killed([au2office], "orderline_dying.py", "touch-2" if field == "name" else "touch-3", str(ms))
    assert far(au2office) in (HALF.after, COMPLETED.after)
    assert len(au2office.saves()) == 1
    heals(au2office)


# asked to end ---------------------------------------------------------------------------------------------------


def test_asked_to_end_the_order_at_hand_is_finished_and_no_other_begun(shops: list[WorkshopWorld]) -> None:
    for shop in shops:
        hand_in(shop, "0008", case="560")
        shop.stage("hang_save")
    processes = [begun(shop, "-m", "integrator", *ONE) for shop in shops]
    for shop, process in zip(shops, processes, strict=True):
        assert shop.running.faults.gate.await_held(seconds=PATIENCE_S)
        # Else the end proves nothing: they are seen, and what they put into their TMPDIR is below our folder.
        assert {"chromedriver", "chromium"} <= set(living(shop.root).values())
        assert list(shop.home.spool.glob("browser-*/tmp/*"))
        os.killpg(process.pid, signal.SIGTERM)  # all of the group, as `timeout` does
        shop.running.faults.gate.release()
    for shop, process in zip(shops, processes, strict=True):
        code, said = ended(process)
        assert (code, shop.said(), far(shop)) == (75, ("completed", None, ""), COMPLETED.after), said
        assert shop.row("0008")["status"] == "received"
        assert len(shop.saves()) == 1
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
            f'username = "{USER}"\npassword = {{ env = "BENNYS_AUTO_PASSWORD" }}\ntimeout_s = 3\n',
            password=PASSWORD,
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
        assert shop.running.faults.gate.await_held(seconds=PATIENCE_S)
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


def test_all_killed_with_its_children_the_next_run_finds_both_lines(both: tuple[WorkshopWorld, WorkshopWorld]) -> None:
    process = everything_runs(both)
    os.killpg(process.pid, signal.SIGKILL)
    for shop in both:
        shop.running.faults.gate.release()
    assert ended(process)[0] == -signal.SIGKILL
    nothing_lives(both[0].root)
    assert [len(shop.saves()) for shop in both] == [1, 1]
    code, said = ended(begun(both[0], "-m", "integrator", "push-orderline", "--all", "--jobs", "2"))
    assert code == 0, said
    both_are_done(both)
    nothing_is_left(both[0])


def both_are_done(both: tuple[WorkshopWorld, WorkshopWorld]) -> None:
    first, second = both
    shown = [first.command("orderline", "status", *key, "--json").json for key in KEYS]
    assert [found["status"] for found in shown] == ["completed", "completed"]
    one_line(first)
    one_line(second, unique_id="0008")


KEYS = (("0007", "--workshop", "bennys-auto"), ("0008", "--workshop", "carls-garage"))


# a disk that gives up -------------------------------------------------------------------------------------------


DISKS = [("au2office", "full"), ("admanager", "full"), ("au2office", "io"), ("admanager", "read-only")]


@pytest.mark.parametrize(("kind", "how"), DISKS)
def test_where_it_cannot_be_written_down_as_armed_nothing_is_touched(kind: str, how: str, browser: Browser) -> None:
    with shop_of(kind, browser) as shop:
        shop.now = float(shop.row()["changed_at"])
        with failing(how, ARMED.steps):
            assert shop.run().exit_code == 70
        assert (far(shop), shop.saves()) == (LOOKED.after, [])
        heals(shop)


@pytest.mark.parametrize(("kind", "how"), DISKS)
def test_where_it_cannot_be_written_down_as_done_the_next_run_looks(kind: str, how: str, browser: Browser) -> None:
    with shop_of(kind, browser) as shop:
        shop.now = float(shop.row()["changed_at"])
        with failing(how, COMPLETED.steps):
            assert shop.run().exit_code == 70
        assert far(shop) == (HALF if kind == "au2office" else ARMED).after
        one_line(shop)
        heals(shop)
