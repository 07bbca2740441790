"""What a run takes in and tells beside its children: an OilMat in trouble holds up nobody, and no list is endless."""

import json
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from integrator.database import Database
from integrator.domain.instants import utc_text
from integrator.effects import Done, Message
from integrator.errors import BadAnswer, Blocked, Inactive, IntegratorError, Refused, Stopped, Unavailable
from integrator.home import Home, init_home, make_var
from integrator.jobs.orderline_exchange import BRIEF_S, NAMED, SHARE_S, Exchange
from integrator.jobs.orderline_intake import Intake
from integrator.jobs.orderline_runs import Parts
from integrator.runtime.delivery import Patience
from integrator.runtime.report import Report
from integrator.runtime.run import Run
from integrator.runtime.stopping import Stopper
from integrator.settings import load_settings
from integrator.store import open_store
from integrator.store.orderlines import Orderlines
from integrator.systems.oilmat import Page
from orderline_books import AT, SECRET, order, raw

SHOPS = ("a", "b", "c")
DOWN, LOCKED_OUT = Unavailable("oilmat: no answer"), Refused("oilmat: answered 401")
UNREADABLE = BadAnswer("oilmat: `next` is no cursor", code="bad_page")


@dataclass
class FakeOilMat:
    """Offers what it was given, once. asked: whom, and how long; told: the orders; each question takes its time."""

    offers: dict[str, list[bytes]] = field(default_factory=dict)
    errors: dict[str, IntegratorError] = field(default_factory=dict)
    deaf: bool = False
    refused: str | None = None  # the workshop of which it takes no status
    cost_s: float = 0.0
    now: float = 0.0
    asked: list[tuple[str, float | None]] = field(default_factory=list)
    told: list[tuple[str, float | None]] = field(default_factory=list)

    def pages(self, workshop: str, after: str | None, *, at_most_s: float | None) -> Iterator[Page]:
        self.asked.append((workshop, at_most_s))
        self.now += self.cost_s
        if error := self.errors.get(workshop):
            raise error
        items = self.offers.pop(workshop, [])
        for number, item in enumerate(items, 1):
            yield Page((item,), f"{workshop}-{number}", number < len(items))

    def statuses(self, *, at_most_s: float | None) -> "FakeStatuses":
        return FakeStatuses(self, at_most_s)

    @property
    def whom(self) -> list[str]:
        return [workshop for workshop, _ in self.asked]


@dataclass
class FakeStatuses:
    oilmat: FakeOilMat
    at_most_s: float | None
    settle_s: float = 0.0
    resends: bool = True

    def groups(self, messages: Sequence[Message]) -> Iterator[Sequence[Message]]:
        yield from ([message] for message in messages)

    def send(self, group: Sequence[Message]) -> Sequence[Done | IntegratorError]:
        [message] = group
        if message.key.partition("/")[0] == self.oilmat.refused:
            raise Refused("oilmat: tell a status: answered 403")
        self.oilmat.told.append((message.key, self.at_most_s))
        self.oilmat.now += self.oilmat.cost_s
        return [Unavailable("oilmat: no answer; it is sent again") if self.oilmat.deaf else Done(None, "told")]

    def look_up(self, message: Message) -> None:
        return None

    def repeatable(self, message: Message) -> bool:
        return True

    def preview(self, message: Message) -> Any:
        raise AssertionError("nothing is listed here")


@dataclass
class Door:
    """Three workshops, an OilMat, and runs of one store; no ERP."""

    home: Home
    db: Database
    oilmat: FakeOilMat = field(default_factory=FakeOilMat)

    def exchange(self, *, number: int = 1, settings: str = "") -> Exchange:
        (self.home.config / "integrator.toml").write_text(settings, encoding="utf-8")
        found = load_settings(self.home, {"P": "x"}, needs=())
        moment = datetime.fromtimestamp(AT, UTC)
        run = Run(
            *("push-orderline", number, moment, self.db, Report("push-orderline"), Stopper(), Patience()),
            clock=lambda: AT + self.oilmat.now,
        )
        parts = Parts(found, lambda: self.oilmat, _no_shop)  # type: ignore[arg-type, return-value]  # a fake
        return Exchange(run, parts, SHOPS, tick=lambda: self.oilmat.now)

    def take(self, *unique_ids: str, workshop: str = "a") -> None:
        found = load_settings(self.home, {"P": "x"}, needs=())
        body = json.dumps([order(one, workshop=workshop) for one in unique_ids]).encode()
        taken = Intake(self.db, found.workshops, lambda: AT).take(body, source="command")
        assert all(one.is_good for one in taken)

    def spool(self, workshop: str, content: bytes) -> None:
        folder = self.home.spool / "orderlines" / workshop
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "a.json").write_bytes(content)

    def filed(self, workshop: str = "a") -> list[str]:
        path = self.home.status / f"{workshop}.jsonl"
        return [json.loads(line)["unique_id"] for line in path.read_text().splitlines()] if path.exists() else []


def _no_shop(workshop: str) -> Any:
    raise AssertionError("no browser is started here")


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    init_home(tmp_path)
    home = Home(tmp_path)
    make_var(home, home.var / "integrator.db")
    login = 'username = "u@example.org"\npassword = { env = "P" }\n'
    tables = [f'[{one}]\nname = "{one}"\ntype = "au2office"\nbase_url = "http://127.0.0.1:9/{one}"\n' for one in SHOPS]
    (home.config / "workshops.toml").write_text("\n".join(table + login for table in tables), encoding="utf-8")
    with closing(open_store(home.var / "integrator.db", backups=home.backups).db) as db:
        yield Door(home, db)


# asking ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [DOWN, LOCKED_OUT])
def test_one_that_cannot_be_had_or_refuses_us_is_asked_once_in_a_run_however_many_workshops(
    door: Door, error: IntegratorError
) -> None:
    door.oilmat.errors = dict.fromkeys(SHOPS, error)
    with door.exchange() as exchange:
        exchange.ask()
        exchange.beat()
        exchange.beat()
        assert len(door.oilmat.asked) == 1
        with pytest.raises(type(error)):
            exchange.finish()


def test_one_that_goes_down_between_two_beats_is_left_alone_from_then_on(door: Door) -> None:
    with door.exchange() as exchange:
        exchange.ask()
        door.oilmat.errors = dict.fromkeys(SHOPS, LOCKED_OUT)
        exchange.beat()
        exchange.beat()
    assert len(door.oilmat.asked) == len(SHOPS) + 1


def test_an_answer_that_cannot_be_read_keeps_no_other_workshop_from_its_orders(door: Door) -> None:
    door.oilmat.errors = {"b": UNREADABLE}
    door.oilmat.offers = {"a": [raw(order("1", workshop="a"))], "c": [raw(order("1", workshop="c"))]}
    with door.exchange() as exchange:
        exchange.ask()
        exchange.beat()
        assert exchange.run.report.counts["taken.new"] == 2
        assert sorted(door.oilmat.whom) == ["a", "a", "b", "c", "c"]
        with pytest.raises(BadAnswer):
            exchange.finish()


def test_each_run_begins_with_another_workshop_so_that_one_that_is_refused_starves_none(door: Door) -> None:
    for number in range(20):
        with door.exchange(number=number) as exchange:
            exchange.ask()
    assert set(door.oilmat.whom[:: len(SHOPS)]) == set(SHOPS)


@pytest.mark.parametrize(("settings", "seconds"), [("", BRIEF_S), ("[oilmat]\ntimeout_s = 2\n", 2.0)])
def test_beside_the_children_a_request_is_brief_and_else_as_long_as_is_set(
    door: Door, settings: str, seconds: float
) -> None:
    door.take("0007")
    with door.exchange(settings=settings) as exchange:
        exchange.ask()
        exchange.beat()
        door.take("0008")
        exchange.tell()
        exchange.finish()
    assert {wait for _, wait in door.oilmat.asked[:3]} == {None}
    assert {wait for _, wait in door.oilmat.asked[3:]} == {seconds}
    assert door.oilmat.told == [("a/0007", seconds), ("a/0008", None)]


def test_a_slow_one_has_its_share_of_a_beat_and_the_next_beat_goes_on_where_it_ended(door: Door) -> None:
    with door.exchange() as exchange:
        door.oilmat.cost_s = SHARE_S * 0.6
        exchange.beat()
        assert len(door.oilmat.asked) == 2
        exchange.beat()
        assert sorted(door.oilmat.whom[:3]) == list(SHOPS)


def test_pages_that_take_longer_than_a_share_are_gone_on_with_in_the_next_round(door: Door) -> None:
    door.oilmat.offers = {"a": [raw(order(str(number), workshop="a")) for number in range(3)]}
    door.oilmat.cost_s = SHARE_S
    with door.exchange() as exchange:
        while "a" not in door.oilmat.whom:
            exchange.beat()
        assert exchange.run.report.counts == {"taken.new": 1}
        assert door.db.value("SELECT cursor FROM workshops WHERE id = 'a'") == "a-1"


# telling --------------------------------------------------------------------------------------------------


def test_what_became_of_an_order_is_told_while_others_are_at_work(door: Door) -> None:
    """So that a run that is stopped, or killed, has told it."""
    exchange = door.exchange()
    with suppress(Stopped), exchange:
        door.take("0007")
        exchange.beat()
        assert door.oilmat.told == [("a/0007", BRIEF_S)]
        raise Stopped("stopped by SIGTERM")
    assert exchange.run.report.counts["oilmat.status.told"] == 1


def test_after_one_failure_it_is_told_nothing_until_the_end_and_there_once(door: Door) -> None:
    door.oilmat.deaf = True
    door.take(*(str(number) for number in range(9)))
    with door.exchange() as exchange:
        exchange.beat()
        exchange.beat()
        assert [key for key, _ in door.oilmat.told] == ["a/0"]
        exchange.tell()
        exchange.finish()
    assert [key for key, _ in door.oilmat.told] == ["a/0", "a/1"]
    assert exchange.run.report.waiting["oilmat.status"] == "7 message(s) wait for their next try"


def test_one_that_is_back_at_the_end_is_told_the_rest(door: Door) -> None:
    door.oilmat.deaf = True
    door.take("0007", "0008", "0009")
    with door.exchange() as exchange:
        exchange.beat()
        door.oilmat.deaf = False
        exchange.finish()
    assert exchange.run.report.counts["oilmat.status.told"] == 2
    assert set(exchange.run.report.waiting) == {"oilmat.status a/0007"}


def test_many_statuses_take_no_more_than_their_share_of_a_beat_and_the_end_tells_the_rest(door: Door) -> None:
    door.take(*(str(number) for number in range(9)))
    with door.exchange() as exchange:
        exchange.ask()
        door.oilmat.cost_s = SHARE_S * 0.6
        door.oilmat.asked.clear()
        exchange.beat()
        assert len(door.oilmat.told) == 2
        exchange.finish()
    assert len(door.oilmat.told) == 9
    assert exchange.run.report.waiting == {}


def test_the_file_is_rewritten_once_at_the_end_of_a_run_also_within_the_second_of_the_one_before(door: Door) -> None:
    door.take("0007")
    with door.exchange() as exchange:
        exchange.tell()
    assert door.filed() == ["0007"]
    before = (door.home.status / "a.jsonl").stat()
    with door.exchange() as exchange:
        door.take("0008")
        exchange.beat()
        exchange.beat()
        assert (door.home.status / "a.jsonl").stat() == before
        exchange.tell()
    assert door.filed() == ["0007", "0008"]
    assert (door.home.status / "a.jsonl").stat().st_mtime == before.st_mtime


# what the report says -------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["file", "pull"])
def test_a_login_in_an_order_is_counted_and_unknown_fields_are_named_once(door: Door, way: str) -> None:
    sent = order("0007", workshop="a", password=SECRET, farve="grøn", rim="4")
    for body in (sent, sent | {"unique_id": "0008"}):
        if way == "file":
            door.spool("a", raw(body))
        else:
            door.oilmat.offers = {"a": [raw(body)]}
        with door.exchange() as exchange:
            exchange.beat()
            exchange.beat()
        assert exchange.run.report.counts == {"taken.new": 1, "taken.credentials": 1, "oilmat.status.told": 1}
        assert exchange.run.report.remarks == ["fields that nobody knows were ignored: farve, rim"]
        assert SECRET not in json.dumps(exchange.run.report.as_json())


def test_of_unknown_fields_only_some_are_named(door: Door) -> None:
    names = {f"field{number}": "1" for number in range(15)}
    others = {f"other{number}": "1" for number in range(15)}
    door.spool("a", raw([order("1", workshop="a", **names), order("2", workshop="a", **others)]))
    with door.exchange() as exchange:
        exchange.take_files()
    [said] = exchange.run.report.remarks
    assert said.count(",") == NAMED - 1


def test_of_many_refused_orders_some_are_named_and_the_rest_is_a_number(door: Door) -> None:
    """100,000 zeros are 200 kB: looking for a free name for each of them took half an hour."""
    door.spool("a", raw([0] * 5_000))
    door.spool("b", raw([{"workshop": "b", "unique_id": "0007"}]))
    with door.exchange() as exchange:
        exchange.take_files()
    report = exchange.run.report
    assert report.counts == {"taken.rejected": 5_000, "taken.bad_request": 1}
    assert list(report.failed)[:2] == ["order a/no id", "order a/no id (2)"]
    assert len(report.failed) == NAMED + 1
    assert report.failed["further orders"].startswith("4981 more were refused")


def test_those_that_are_named_bear_their_ids(door: Door) -> None:
    door.spool("b", raw([{"workshop": "b", "unique_id": "0007"}]))
    with door.exchange() as exchange:
        exchange.take_files()
    assert list(exchange.run.report.failed) == ["order b/0007"]


@pytest.mark.parametrize(
    ("first", "second", "raised"),
    [
        (LOCKED_OUT, Inactive("workshop a is switched off"), LOCKED_OUT),
        (DOWN, Inactive("workshop a is switched off"), DOWN),
        (DOWN, Blocked("workshop a is blocked", code="login-refused"), None),
        (LOCKED_OUT, Unavailable("the ERP does not answer"), LOCKED_OUT),
        (LOCKED_OUT, Blocked("workshop a is blocked", code="login-refused"), LOCKED_OUT),
    ],
)
def test_of_two_troubles_the_graver_one_ends_the_run_and_the_other_is_said(
    door: Door, first: IntegratorError, second: IntegratorError, raised: IntegratorError | None
) -> None:
    expected = raised or second
    with door.exchange() as exchange:
        exchange.met(first)
        exchange.met(second)
        with pytest.raises(IntegratorError) as ended:
            exchange.finish()
    assert ended.value is expected
    assert exchange.run.report.remarks == [(second if expected is first else first).message]


def test_an_order_that_names_no_workshop_of_ours_is_a_bad_request_of_the_one_that_was_asked_for(door: Door) -> None:
    """A workshop was renamed: the cursor goes on behind its orders, and without a row OilMat would hear nothing."""
    door.oilmat.offers = {"a": [raw(order("1", workshop="Former Name"))]}
    with door.exchange() as exchange:
        exchange.ask()
        exchange.tell()
        exchange.finish()
    row = Orderlines(door.db).get("a", "1")
    said = "workshop: must be the id or the name of a configured workshop"
    assert (row["status"], row["bad_reason"], row["case_id"]) == ("bad request", said, "560")
    assert [key for key, _ in door.oilmat.told] == ["a/1"]
    door.oilmat.offers = {"a": [raw(order("1", workshop="a"))]}
    with door.exchange(number=2) as exchange:
        exchange.ask()
    assert Orderlines(door.db).get("a", "1")["status"] == "received"


def test_what_a_run_beside_us_is_telling_is_left_to_it(door: Door) -> None:
    """It is not in doubt, as that of a killed run would be: told twice at once, the slower one would lose its row."""
    door.take("1", "2")
    with closing(open_store(door.home.var / "integrator.db", backups=door.home.backups).db) as db:
        beside = Door(door.home, db)

        class Slow(FakeStatuses):
            def send(self, group: Sequence[Message]) -> Sequence[Done | IntegratorError]:
                with beside.exchange(number=2) as exchange:
                    exchange.finish()
                return super().send(group)

        door.oilmat.statuses = lambda *, at_most_s: Slow(door.oilmat, at_most_s)  # type: ignore[method-assign]
        with door.exchange() as exchange:
            exchange.tell()
            exchange.finish()
    assert ([key for key, _ in door.oilmat.told], beside.oilmat.told) == (["a/1", "a/2"], [])


def test_a_workshop_whose_statuses_are_refused_starves_none_behind_it(door: Door) -> None:
    for workshop in SHOPS:
        door.take("1", workshop=workshop)
    door.oilmat.refused = "a"
    for number in range(20):
        with suppress(Refused), door.exchange(number=number) as exchange:
            exchange.tell()
            exchange.finish()
    assert sorted(key for key, _ in door.oilmat.told) == ["b/1", "c/1"]
    assert door.db.value("SELECT count(*) FROM outbox WHERE effect = 'oilmat.status' AND state = 'received'") == 1


def test_what_is_told_later_is_newer_also_by_a_clock_that_was_set_back(door: Door) -> None:
    """By updated_at OilMat knows the newer of two, and leaves out an older one."""
    door.take("1")
    with door.exchange() as exchange:
        exchange.tell()
    with door.db.tx():
        door.db.write("UPDATE outbox SET state = 'failed' WHERE effect = 'workshop.orderline'")
        Orderlines(door.db).noted("a/1", "failed", "case-closed", "closed", at=AT - 3_600)
    with door.exchange(number=2) as exchange:
        exchange.tell()
    body = json.loads(door.db.value("SELECT body FROM outbox WHERE effect = 'oilmat.status'"))
    assert (body["status"], body["updated_at"]) == ("failed", utc_text(AT + 1))


def test_what_an_earlier_version_has_told_is_not_told_again(door: Door) -> None:
    door.take("1")
    with door.db.tx():
        door.db.write('UPDATE orderlines SET told = \'["received", ""]\'')
    with door.exchange() as exchange:
        exchange.tell()
    assert door.db.value("SELECT count(*) FROM outbox WHERE effect = 'oilmat.status'") == 0
