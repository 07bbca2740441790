"""Anything may happen in any order: requests, runs, faults, deaths, late arrivals. Events still happen once."""

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from remote import EFFECT, T0, Died, Mortal, delivery

from integrator.database import connect
from integrator.effects import Done
from integrator.errors import BadAnswer, InDoubt, IntegratorError, Postponed, Refused, Rejected, Unavailable
from integrator.runtime.delivery import Patience
from integrator.runtime.outbox import Outbox
from integrator.store import open_store

EVENTS = [f"order-{number}" for number in range(40)]
RECORDS = ["course-1", "course-2"]
SETTLE_S = 60.0
LATEST_ARRIVAL_S = 59.0
FAULTS = [
    "busy",
    "rejected",
    "postponed",
    "lost request",
    "lost reply",
    "bad answer",
    "late",
    "dies before",
    "dies after",
]
FAULTS_OF_ALL = ["down", "login", "cut before", "cut after"]
FAULT_LISTS = st.lists(
    st.tuples(st.sampled_from([*FAULTS, *FAULTS_OF_ALL, "no look-up"]), st.floats(0.0, LATEST_ARRIVAL_S)), max_size=4
)
EVENT_LISTS = st.lists(st.sampled_from(EVENTS), min_size=1, max_size=3)


class Time:
    """What the host's clock shows may be set back; what really passes never is."""

    def __init__(self):
        self.real = T0
        self.set_back = 0.0

    def __call__(self):
        return self.real - self.set_back

    def sleep(self, seconds):
        self.real += seconds


class Other:
    """The other system: events by key (each arrival counts), records by key (the last one holds)."""

    settle_s = SETTLE_S
    resends = True

    def __init__(self, time):
        self.time = time
        self.events = dict.fromkeys(EVENTS, 0)
        self.records = {}
        self.travelling = []  # (arrives at, event)
        self.faults = []
        self.size = 1
        self.tick = lambda: None

    def fault(self, among):
        number = next((number for number, fault in enumerate(self.faults) if fault[0] in among), None)
        return ("", 0.0) if number is None else self.faults.pop(number)

    def groups(self, messages):
        for start in range(0, len(messages), self.size):
            yield messages[start : start + self.size]

    def arrive(self):
        for arrival in [arrival for arrival in self.travelling if arrival[0] <= self.time.real]:
            self.travelling.remove(arrival)
            self.events[arrival[1]] += 1

    def do(self, message):
        if message.key in self.events:
            self.events[message.key] += 1
        else:
            self.records[message.key] = message.body

    def send(self, group):
        self.arrive()
        self.tick()
        fault, _ = self.fault(FAULTS_OF_ALL)
        if fault == "down":
            raise Unavailable("no route")
        if fault == "login":
            raise Refused("401")
        if fault == "cut before":
            raise InDoubt("cut")
        answers = [self.one(message) for message in group]
        if fault == "cut after":
            raise BadAnswer("half a body", code="bad_json")
        self.tick()
        return answers

    def one(self, message):
        fault, delay = self.fault(FAULTS)
        refused = {"busy": Unavailable("503"), "rejected": Rejected("no"), "postponed": Postponed("later")}
        if fault in refused:
            return refused[fault]
        if fault == "dies before":
            raise Died
        if fault == "late" and message.key in self.events:
            self.travelling.append((self.time.real + delay, message.key))
        elif fault != "lost request":
            self.do(message)
        if fault == "dies after":
            raise Died
        lost = {"bad answer": BadAnswer("<html>", code="bad_json")} | dict.fromkeys(
            ["lost request", "lost reply", "late"], InDoubt("timeout")
        )
        return lost.get(fault) or Done("7", "created")

    def look_up(self, message):
        self.arrive()
        self.tick()
        if self.fault(["no look-up"])[0]:
            raise Unavailable("cannot tell")
        there = (
            self.events[message.key] if message.key in self.events else self.records.get(message.key) == message.body
        )
        return Done("7", "found") if there else None

    def repeatable(self, message):
        return message.key in RECORDS


class Deliveries(RuleBasedStateMachine):
    """The model knows what was asked for; the outbox and the other system must fit it at every moment."""

    @initialize()
    def begin(self):
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "integrator.db"
        self.time = Time()
        self.other = Other(self.time)
        self.asked = set()
        self.wanted = {}
        self.db = open_store(self.path, backups=Path(self.folder.name)).db
        self.db.conn.execute("PRAGMA synchronous = OFF")  # no power is cut here: 100 examples in a few seconds

    @property
    def outbox(self):
        return Outbox(self.db, clock=self.time)

    # what may happen ------------------------------------------------------------------------------

    @rule(keys=EVENT_LISTS)
    def events_are_asked_for(self, keys):
        for key in keys:
            assert self.outbox.once(EFFECT, key, {"of": key}) is (key not in self.asked)
            self.asked.add(key)

    @rule(key=st.sampled_from(RECORDS), body=st.integers(1, 3))
    def a_record_changes(self, key, body):
        self.outbox.latest(EFFECT, key, body)
        self.wanted[key] = body

    @rule(keys=EVENT_LISTS, size=st.integers(1, 3), faults=FAULT_LISTS)
    def a_run(self, keys, size, faults):
        self.events_are_asked_for(keys)
        self.run_once(size, faults)

    @rule(keys=EVENT_LISTS, size=st.integers(1, 3), faults=FAULT_LISTS, fate=st.integers(1, 40))
    def a_run_is_killed(self, keys, size, faults, fate):
        self.events_are_asked_for(keys)
        self.run_once(size, faults, fate)

    @rule(seconds=st.sampled_from([1.0, 20.5, 60.0, 400.0, 4_000.0, 90_000.0]))
    def time_passes(self, seconds):
        self.time.sleep(seconds)

    @rule(seconds=st.sampled_from([30.0, 3_600.0]))
    def the_clock_is_set_back(self, seconds):
        self.time.set_back += seconds

    @rule(key=st.sampled_from(EVENTS + RECORDS), command=st.sampled_from(["retry", "drop"]))
    def an_operator_decides(self, key, command):
        row = self.row(key)
        if row and row["state"] in ("received", "failed") and row["body"] and "uncertain" not in (row["reason"] or ""):
            getattr(self.outbox, command)(row["id"])

    # what must be true ------------------------------------------------------------------------------

    @invariant()
    def no_event_happened_twice(self):
        assert all(number <= 1 for number in self.other.events.values()), self.other.events

    @invariant()
    def no_request_is_lost_and_none_was_made_up(self):
        keys = [row["key"] for row in self.db.all("SELECT key FROM outbox ORDER BY key")]
        assert keys == sorted(self.asked | self.wanted.keys())

    @invariant()
    def every_row_says_what_is_true(self):
        for row in self.db.all("SELECT * FROM outbox"):
            assert (row["body"] is not None) if row["state"] in ("received", "processing") else True
            assert (row["body"] is None) if row["state"] == "completed" else True
            done = self.other.events.get(row["key"])
            if done is not None:
                assert done == 1 if row["state"] == "completed" else True, "called done and is not"
                assert done == 0 if row["state"] == "received" else True, "done, and would be sent again"

    def teardown(self):
        for _ in range(20):
            self.time.sleep(4_000.0)
            self.run_once(2, [])
        for row in self.db.all("SELECT * FROM outbox"):
            assert row["state"] in ("completed", "failed"), "never ended"
            if row["state"] == "completed" and row["key"] in RECORDS:
                assert self.other.records[row["key"]] == self.wanted[row["key"]]
        self.no_event_happened_twice()
        self.every_row_says_what_is_true()
        self.db.close()
        self.folder.cleanup()

    # how ----------------------------------------------------------------------------------------------

    def row(self, key):
        return self.db.one("SELECT * FROM outbox WHERE key = ?", (key,))

    def run_once(self, size, faults, fate=0):
        left = [fate]

        def tick():
            left[0] -= 1
            if left[0] == 0:
                raise Died

        conn = self.db.conn
        self.db.conn = Mortal(conn, tick)
        self.other.tick, self.other.size, self.other.faults = tick, size, faults
        outbox = Outbox(self.db, clock=self.time)
        try:
            delivery(outbox, self.other, self.time, patience=Patience(5, (60, 300)), sleep=self.time.sleep).run()
        except (Died, IntegratorError):
            pass
        finally:
            self.other.tick = lambda: None
            conn.close()
            self.db = connect(self.path)
            self.db.conn.execute("PRAGMA synchronous = OFF")


TestDeliveries = Deliveries.TestCase
TestDeliveries.settings = settings(
    max_examples=100,
    stateful_step_count=30,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
