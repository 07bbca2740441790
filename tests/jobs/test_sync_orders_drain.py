"""sync-orders while it drains: what it looks at, what it notices, and what one lane's trouble does to the other.

Time is the test's own: every wait of the run ends at once and moves it on, and is when somebody else commits.
"""

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from desks import CLASS, T0, Erp, form
from integrator.database import Database, connect
from integrator.effects import Done, Message, Preview
from integrator.errors import ConfigError, IntegratorError, Problem, Refused, Stopped, Unavailable
from integrator.jobs import booking, sync_orders
from integrator.jobs.booking import Desk
from integrator.jobs.sync_orders import Systems
from integrator.runtime.delivery import Patience
from integrator.runtime.report import Report
from integrator.runtime.run import Run
from integrator.runtime.stopping import Stopper
from integrator.store import open_store
from world import World

REGISTRATION, MAIL = "maconomy.registration", "mailgun.confirmation"


@dataclass
class Remote:
    """The other side of one lane: takes what comes, or fails as it is told to."""

    now: Callable[[], float]
    fails: list[IntegratorError] = field(default_factory=list)
    on_send: Callable[[str], None] = lambda key: None
    calls: list[tuple[float, str]] = field(default_factory=list)
    settle_s = 60.0
    resends = True

    def groups(self, messages: Sequence[Message]) -> Iterator[Sequence[Message]]:
        for message in messages:
            yield [message]

    def send(self, group: Sequence[Message]) -> Sequence[Done | IntegratorError]:
        [message] = group
        self.calls.append((self.now(), message.key))
        self.on_send(message.key)
        if self.fails:
            raise self.fails.pop(0)
        return [Done(f"id of {message.key}", "registered")]

    def look_up(self, message: Message) -> Done | None:
        return None

    def repeatable(self, message: Message) -> bool:
        return False

    def preview(self, message: Message) -> Preview:
        raise AssertionError("a run that drains shows no plan")

    @property
    def keys(self) -> list[str]:
        return [key for _, key in self.calls]


@dataclass
class Scene:
    """A run over an empty store; a second connection is the website that takes orders meanwhile.

    at(0.5, something)   done during the wait that ends half a second after the start
    """

    run: Run
    website: Database
    elapsed: float = 0.0
    looks: list[float] = field(default_factory=list)
    statements: list[tuple[float, str]] = field(default_factory=list)
    plans: list[tuple[float, Callable[[], Any]]] = field(default_factory=list)
    registrations: Remote = field(init=False)
    mails: Remote = field(init=False)

    def __post_init__(self) -> None:
        self.registrations, self.mails = Remote(lambda: self.elapsed), Remote(lambda: self.elapsed)
        self.run.db.conn.set_trace_callback(lambda sql: self.statements.append((self.elapsed, sql)))

    def clock(self) -> float:
        return T0 + self.elapsed

    def sleep(self, seconds: float) -> None:
        """What the run takes for waiting."""
        assert 0 < seconds <= 0.1 + 1e-9
        self.elapsed += seconds
        self.looks.append(self.elapsed)
        while self.plans and self.plans[0][0] <= self.elapsed + 1e-9:
            self.plans.pop(0)[1]()
        self.run.stopper.check()

    def at(self, elapsed: float, what: Callable[[], Any]) -> None:
        self.plans.append((elapsed, what))

    def order(self, who: str = "a", seats: int = 1) -> int:
        """The website takes an order: one commit for the reservation, one for the form."""
        desk = Desk(self.website, lambda: Erp(total=500), 30, self.clock)  # type: ignore[arg-type,return-value]
        order = int(booking.reserve(desk, CLASS, seats=seats, key=who)["order"])
        booking.complete(desk, order, form(seats, who=who, at=datetime.fromtimestamp(T0, UTC).isoformat()))
        return order

    def drain(self, seconds: float, *, mails: Callable[[], Any] | None = None) -> None:
        systems = Systems(lambda: self.registrations, mails or (lambda: self.mails))
        sync_orders.sync_orders(self.run, systems, drain_s=seconds)


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    db = open_store(tmp_path / "store.db", backups=tmp_path).db
    website = connect(tmp_path / "store.db")
    stopper = Stopper()
    run = Run(
        *("sync-orders", 1, datetime.fromtimestamp(T0, UTC), db, Report("sync-orders"), stopper),
        Patience(60, (10.0, 60.0)),
        clock=lambda: made.clock(),
    )
    made = Scene(run, website)
    monkeypatch.setattr(stopper, "sleep", made.sleep)
    monkeypatch.setattr(sync_orders, "time", SimpleNamespace(monotonic=lambda: made.elapsed))
    yield made
    website.close()
    db.close()


# noticing ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("when", [0.1, 1.0, 4.9, 5.0, 5.1, 31.7, 54.5])
def test_a_new_order_is_registered_within_three_looks(scene: Scene, when: float) -> None:
    scene.at(when, scene.order)
    scene.drain(55)
    [(at, key)] = scene.registrations.calls
    assert key == "ILI-10001-1"
    assert at - when <= 0.3 + 1e-9
    assert [key for _, key in scene.mails.calls] == [
        "order-confirmation:10001:participant:1",
        "order-confirmation:10001:customer",
    ]


def test_an_order_that_comes_while_others_are_sent_is_noticed_too(scene: Scene) -> None:
    scene.order("a")

    def on_mail(key: str) -> None:
        if key.endswith("10001:customer"):
            scene.order("b")

    scene.mails.on_send = on_mail
    scene.drain(1)
    assert [at for at, key in scene.registrations.calls if key == "ILI-10002-1"] == [0.0]


def test_everything_is_taken_that_comes_during_the_minute(scene: Scene) -> None:
    for number in range(20):
        scene.at(number * 2.5 + 0.05, partial(scene.order, str(number)))
    scene.drain(55)
    assert len(scene.registrations.keys) == len(set(scene.registrations.keys)) == 20
    assert len(scene.mails.keys) == len(set(scene.mails.keys)) == 40


def test_between_commits_only_the_files_counter_is_looked_at(scene: Scene) -> None:
    scene.drain(55)
    assert len(scene.looks) >= 500
    idle = [(at, sql) for at, sql in scene.statements if at > 0]
    others = sorted({round(at, 1) for at, sql in idle if sql != "PRAGMA data_version"} - {55.0})
    assert [sql for at, sql in idle].count("PRAGMA data_version") >= 500
    assert len(others) <= 11, "every five seconds it asks for what waits for its next try"
    assert all(later - earlier >= 4.9 for earlier, later in pairwise(others))
    assert not [sql for _, sql in idle if sql.startswith(("BEGIN", "UPDATE", "INSERT"))]


def test_it_ends_when_its_time_is_up(scene: Scene) -> None:
    scene.drain(0)
    assert scene.looks == []
    scene.drain(2)
    assert scene.looks[-1] == pytest.approx(2)


def test_what_waits_for_its_next_try_is_tried_again_in_the_same_run(scene: Scene) -> None:
    scene.order()
    scene.registrations.fails = [Unavailable("maconomy: no connection")]
    scene.drain(55)
    assert [round(at) for at, _ in scene.registrations.calls] == [0, 10]
    assert scene.run.report.waiting == {}


# one lane and the other -----------------------------------------------------------------------------------


def test_mails_pause_while_a_registration_is_due(scene: Scene) -> None:
    scene.order("a", seats=3)
    sent: list[str] = []
    scene.registrations.on_send = sent.append

    def on_mail(key: str) -> None:
        sent.append(key)
        if len(scene.mails.calls) == 2:
            scene.order("b")

    scene.mails.on_send = on_mail
    scene.drain(5)
    mail = "order-confirmation:10001"
    assert sent[:6] == [
        *(f"ILI-10001-{n}" for n in (1, 2, 3)),
        f"{mail}:participant:1",
        f"{mail}:participant:2",
        "ILI-10002-1",
    ]
    assert len(sent) == 4 + 6
    assert len(set(sent)) == len(sent)


def test_a_refused_registration_lane_does_not_stop_mails(scene: Scene) -> None:
    scene.order("a")
    scene.drain(0)
    scene.run.db.write("UPDATE outbox SET state = 'received', body = '{}' WHERE effect = ?", (MAIL,))
    scene.mails.calls.clear()
    scene.order("b")
    scene.registrations.fails = [Refused("maconomy: answered 401")]
    scene.at(3, lambda: scene.order("c"))
    with pytest.raises(Refused, match="401"):
        scene.drain(10)
    assert len(scene.mails.calls) == 2
    assert scene.registrations.keys == ["ILI-10001-1", "ILI-10002-1"], "no second knock, also not for a new order"


@pytest.mark.parametrize(
    "error", [Refused("mailgun: answered 401"), ConfigError([Problem("templates", "is broken")])], ids=["no", "broken"]
)
def test_a_refused_mail_lane_does_not_stop_registrations(scene: Scene, error: IntegratorError) -> None:
    scene.order("a")
    scene.mails.fails = [error]
    scene.at(3, lambda: scene.order("b"))
    with pytest.raises(type(error)):
        scene.drain(10)
    assert scene.registrations.keys == ["ILI-10001-1", "ILI-10002-1"]
    assert len(scene.mails.calls) == 1


def test_a_lane_that_cannot_even_be_made_is_told_at_the_end(scene: Scene) -> None:
    def broken() -> Remote:
        raise ConfigError([Problem("config/integrator.toml", "[mailgun] domain")])

    scene.order("a")
    scene.at(1, lambda: scene.order("b"))
    with pytest.raises(ConfigError):
        scene.drain(5, mails=broken)
    assert len(scene.registrations.calls) == 2


def test_an_unavailable_lane_rests_ten_seconds_and_the_other_goes_on(scene: Scene) -> None:
    scene.order("a")
    scene.drain(0)
    scene.mails.calls.clear()
    scene.registrations.fails = [Unavailable("maconomy: no connection")] * 2
    for when in range(1, 30):
        scene.at(when, partial(scene.order, str(when)))
    before = len(scene.registrations.calls)
    scene.drain(40)
    tries = [at for at, _ in scene.registrations.calls[before:]]
    assert tries[1] - tries[0] >= 10
    assert tries[2] - tries[1] >= 10
    assert len(set(scene.registrations.keys)) == 30, "and then everything that came meanwhile"
    assert len(set(scene.mails.keys)) == 58


def test_a_lane_that_stays_away_says_why_and_what_waits(scene: Scene) -> None:
    scene.order("a")
    scene.registrations.fails = [Unavailable("maconomy: no connection")] * 9
    scene.drain(0)
    assert scene.run.report.waiting == {REGISTRATION: "maconomy: no connection"}
    scene.run.report.end(None)
    assert scene.run.report.exit_code == 75


def test_a_run_in_which_nothing_is_due_is_no_success_while_something_waits(scene: Scene) -> None:
    """Else a night without Maconomy would look well in between."""
    scene.order("a")
    scene.registrations.fails = [Unavailable("maconomy: no connection")]
    scene.drain(0)
    scene.run.report.waiting.clear()
    scene.drain(0)
    assert len(scene.registrations.calls) == 1
    assert scene.run.report.waiting == {REGISTRATION: "1 message(s) wait for their next try"}


# ending --------------------------------------------------------------------------------------------------


def test_a_stop_ends_the_draining_at_the_next_look(scene: Scene) -> None:
    scene.order("a")
    scene.at(2, lambda: os.kill(os.getpid(), signal.SIGTERM))
    with scene.run.stopper.installed(), pytest.raises(Stopped), scene.run.stopper.interruptible():
        scene.drain(55)
    assert scene.looks[-1] == pytest.approx(2)
    assert len(scene.registrations.calls) == 1
    assert scene.run.report.counts == {f"{REGISTRATION}.registered": 1, f"{MAIL}.registered": 2}


def test_sigterm_ends_the_command_with_75(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    slept = []

    def sleep(stopper: Stopper, seconds: float) -> None:
        slept.append(seconds)
        os.kill(os.getpid(), signal.SIGTERM)
        stopper.check()

    monkeypatch.setattr(Stopper, "sleep", sleep)
    here.order(1)
    result = here.run("sync-orders", "--drain", "55s", "-v")
    assert (result.code, "stopped by SIGTERM" in result.err) == (75, True)
    assert here.registrations() == ["ILI-10001-1"]
    assert here.rows("SELECT outcome FROM runs") == [("later",)]
    assert slept == [0.1]
