"""Statuses through the outbox: told at least once, the newest one in the end, whatever is lost on the way."""

from contextlib import nullcontext

import pytest

from integrator.domain.orderlines.order import STATUS_EFFECT as EFFECT
from integrator.errors import Refused, Unavailable
from integrator.runtime.delivery import Delivery, Patience
from integrator.runtime.outbox import Outbox
from integrator.secret import Secret
from integrator.standins.base import serve
from integrator.standins.oilmat import TOKEN
from integrator.standins.oilmat import OilMat as StandIn
from integrator.store import open_store
from integrator.systems.http import Http
from integrator.systems.oilmat import OilMat

W = "bennys-auto"
START = 1_803_888_000.0


def at(second):
    return f"2027-03-01T08:00:{second:02}+00:00"


class Side:
    """A stand-in that is served, an adapter that talks to it, and an outbox to tell from."""

    def __init__(self, tmp_path):
        self.standin = StandIn()
        self.server = serve(self.standin)
        self.now = START
        self.db = open_store(tmp_path / "integrator.db", backups=tmp_path / "backups").db
        self.outbox = Outbox(self.db, clock=lambda: self.now, run_id=1)
        self.oilmat = self.client(TOKEN)
        self.standin.seed({"dispenses": {W: [{"unique_id": "0007"}, {"unique_id": "0008"}]}})

    def client(self, token):
        http = Http(system="oilmat", base_url=self.server.url, user_agent="t", timeout_s=5.0)
        return OilMat(http, token=Secret(token))

    def queue(self, status, second, unique_id="0007", reason=""):
        body = {"workshop": W, "unique_id": unique_id, "status": status, "reason": reason, "updated_at": at(second)}
        with self.db.tx():
            self.outbox.latest(EFFECT, f"{W}/{unique_id}", body)

    def delivery(self, oilmat=None, attempts=3):
        sender = (oilmat or self.oilmat).statuses()
        return Delivery(self.outbox, EFFECT, sender, Patience(attempts=attempts), nullcontext, self.sleep)

    def sleep(self, seconds):
        raise AssertionError("a status is never waited for")

    def run(self, **how):
        return self.delivery(**how).run()

    def fault(self, *, times=1, **fault):
        self.server.faults.add([{"match": {"method": "POST"}, "times": times, "fault": fault}])

    def state(self):
        return {
            row["key"]: (row["state"], row["attempts"], row["next_at"])
            for row in self.db.all("SELECT key, state, attempts, next_at FROM outbox ORDER BY id")
        }

    def told(self):
        return {one["unique_id"]: one["status"] for one in self.standin.state()["statuses"]}

    def posts(self):
        return len(self.standin.entries(method="POST"))

    def close(self):
        self.oilmat.close()
        self.server.stop()
        self.db.close()


@pytest.fixture
def side(tmp_path):
    made = Side(tmp_path)
    yield made
    made.close()


def test_statuses_are_told_one_by_one_in_the_order_they_came(side):
    side.queue("received", 1, "0008")
    side.queue("completed", 2)
    assert side.run().counts == {"told": 2}
    assert side.told() == {"0008": "received", "0007": "completed"}
    assert [state for state, *_ in side.state().values()] == ["completed", "completed"]


def test_only_the_newest_of_an_order_is_told(side):
    for second, status in enumerate(("received", "processing", "completed")):
        side.queue(status, second)
    side.run()
    assert (side.told(), side.posts()) == ({"0007": "completed"}, 1)


LOST = [
    {"kind": "status", "status": 500, "when": "after"},
    {"kind": "status", "status": 504, "when": "after"},
    {"kind": "reset"},
    {"kind": "close"},
    {"kind": "body", "what": "login", "when": "after"},
    {"kind": "body", "what": "null"},
    {"kind": "redirect"},
    {"kind": "reset", "when": "before"},
    {"kind": "status", "status": 503, "retry_after": 60},
]


@pytest.mark.parametrize("fault", LOST, ids=str)
def test_an_answer_that_got_lost_is_asked_for_again_after_the_wait_and_not_before(side, fault):
    side.queue("completed", 1)
    side.fault(**fault)
    tally = side.run()
    assert tally.waiting[f"{W}/0007"].endswith("it is sent again")
    assert side.state() == {f"{W}/0007": ("received", 1, int(START) + 60)}
    assert side.run().counts == {}
    side.now += 60
    assert side.run().counts == {"told": 1}
    assert (side.told(), side.posts()) == ({"0007": "completed"}, 2)


def test_what_asks_for_a_longer_wait_gets_it(side):
    side.queue("completed", 1)
    side.fault(kind="status", status=503, retry_after=900)
    side.run()
    assert side.state()[f"{W}/0007"] == ("received", 1, int(START) + 900)


def test_too_often_stops_them_all_for_as_long_as_asked_and_uses_up_no_attempt(side):
    side.queue("completed", 1)
    side.queue("completed", 1, "0008")
    side.fault(kind="status", status=429, retry_after=120)
    with pytest.raises(Unavailable, match="answered 429"):
        side.run()
    assert side.state() == {f"{W}/{number}": ("received", 0, int(START) + 120) for number in ("0007", "0008")}
    assert side.posts() == 1


def test_a_run_that_was_killed_in_the_middle_is_repeated_at_once(side):
    side.queue("completed", 1)
    [message] = side.outbox.due(EFFECT)
    side.outbox.begin([message])
    side.oilmat.statuses().send([message])  # and the answer was never written down
    assert side.state()[f"{W}/0007"][0] == "processing"
    assert side.run().counts == {"told": 1}
    [told] = side.standin.state()["statuses"]
    assert [one["kept"] for one in told["arrived"]] == [True, False]


def test_an_older_one_that_arrives_late_does_not_overtake(side):
    side.queue("processing", 1)
    [older] = side.outbox.due(EFFECT)
    side.queue("completed", 2)
    side.run()
    assert side.oilmat.statuses().send([older])[0].result == "told"
    assert side.told() == {"0007": "completed"}


def test_a_newer_one_that_came_while_one_was_lost_is_what_is_told(side):
    side.queue("processing", 1)
    side.fault(kind="status", status=500)
    side.run()
    side.queue("completed", 2)
    assert side.run().counts == {"told": 1}
    assert [one["status"] for one in side.standin.state()["statuses"][0]["arrived"]] == ["completed"]


def test_twice_on_the_way_is_once(side):
    side.queue("completed", 1)
    side.fault(kind="twice")
    side.run()
    assert len(side.standin.effects()) == 1


def test_an_order_that_is_unknown_there_is_counted_and_does_not_stop_the_others(side):
    side.queue("completed", 1, "0009")
    side.queue("completed", 1)
    tally = side.run()
    assert (tally.failed, tally.counts) == ({}, {"unknown_there": 1, "told": 1})
    assert side.told() == {"0007": "completed"}


def test_a_wrong_token_stops_the_run_and_uses_up_nothing(side):
    side.queue("completed", 1)
    wrong = side.client("another")
    with pytest.raises(Refused, match="answered 401"):
        side.run(oilmat=wrong)
    wrong.close()
    assert side.state() == {f"{W}/0007": ("received", 0, int(START))}
    side.run()
    assert side.told() == {"0007": "completed"}


def test_given_up_after_all_attempts_it_says_why(side):
    side.queue("completed", 1)
    side.fault(times=None, kind="status", status=500)
    for _ in range(3):
        side.now += 3600
        tally = side.run()
    assert "answered 500" in tally.failed[f"{W}/0007"]
    assert side.posts() == 3


def test_one_that_is_down_is_left_alone_after_a_few(side):
    records = [{"unique_id": f"1{number:03}"} for number in range(20)]
    side.standin.seed({"dispenses": {W: records}})
    for record in records:
        side.queue("completed", 1, record["unique_id"])
    side.fault(times=None, kind="status", status=502)
    with pytest.raises(Unavailable, match="5 times in a row"):
        side.run()
    assert side.posts() == 5
