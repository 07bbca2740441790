"""What a story can tell its run, and what the run makes of it for people and machines."""

from datetime import UTC, datetime

import pytest
from remote import EFFECT, Raise, Scripted

from integrator.domain.fetched import Note, Notes
from integrator.effects import Done
from integrator.errors import ConfigError, InDoubt, Postponed, Problem, Refused, Rejected, Unavailable
from integrator.runtime.delivery import Patience
from integrator.runtime.report import Report
from integrator.runtime.run import Run
from integrator.runtime.stopping import Stopper


class Bar:
    def __init__(self):
        self.seen = []

    def begin(self, what, total=None):
        self.seen.append((what, total))

    def advance(self, number):
        self.seen.append(number)


@pytest.fixture
def run(db, clock):
    return make(db, clock)


def make(db, clock, **more):
    now = datetime.fromtimestamp(clock.now, UTC)
    more = {"patience": Patience(3), "clock": clock, "progress": Bar()} | more
    return Run("import-courses", 5, now, db, Report("import-courses"), Stopper(), **more)


def nothing(message, done):
    """Nothing to keep."""


def queue(run, *keys):
    for key in keys:
        run.outbox.latest(EFFECT, key, key)


# what a story says ----------------------------------------------------------------------------------


def test_counts_add_up_zeros_are_left_out_and_two_underscores_are_a_dot(run):
    run.count(courses__new=2, read=0)
    run.count(courses__new=3, **{"courses.read": 7})
    assert run.report.counts == {"courses.new": 5, "courses.read": 7}


def test_notes_are_counted_with_keys_and_without_their_details(run):
    for key in ("25172-04", "25180-01"):
        notes = Notes()
        notes.add(key, [Note("unknown_status", "status", "Under opbygning")])
        run.note(notes)
    assert run.report.notes == {"unknown_status": (2, ["25172-04", "25180-01"])}
    assert "opbygning" not in str(run.report.as_json())


def test_now_is_one_moment_for_the_whole_run(run, clock):
    before = run.at
    clock.now += 500
    assert run.at == before == int(run.now.timestamp())


def test_rows_carry_the_number_of_the_run_that_asked(run):
    queue(run, "a")
    assert run.db.value("SELECT run_id FROM outbox") == 5


# how a run ends ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("failed", "waiting", "code", "outcome"),
    [
        ({}, {}, 0, "done"),
        ({"a": "no"}, {}, 3, "partial"),
        ({}, {"b": "later"}, 75, "later"),
        ({"a": "no"}, {"b": "later"}, 3, "partial"),
    ],
)
def test_without_an_error_the_items_decide(failed, waiting, code, outcome):
    report = Report("import-courses", failed=failed, waiting=waiting)
    report.end(None)
    assert (report.exit_code, report.outcome) == (code, outcome)


def test_an_error_decides_over_the_items_and_brings_its_hint():
    report = Report("import-courses", failed={"a": "no"})
    report.end(Refused("maconomy: 401", hint="integrator check"))
    assert (report.exit_code, report.error, report.hint) == (1, "maconomy: 401", "integrator check")


@pytest.mark.parametrize(("code", "outcome"), [(5, "skipped"), (70, "failed"), (78, "misconfigured"), (1, "stopped")])
def test_every_code_has_a_word(code, outcome):
    assert Report("import-courses", exit_code=code).outcome == outcome


def test_all_problems_of_a_configuration_stand_in_the_report():
    report = Report("import-courses")
    report.end(ConfigError([Problem("a.toml:1", "wrong"), Problem("b.toml", "missing")]))
    assert (report.exit_code, report.error) == (78, "a.toml:1: wrong\nb.toml: missing")


def test_the_report_for_machines_has_every_part():
    report = Report("import-courses", 7, seconds=1.23456, counts={"read": 3}, remarks=["r"])
    report.failed["course 1"], report.waiting["x"], report.notes["orphan"] = "bad", "later", (1, ["1"])
    report.end(None)
    assert report.as_json() == {
        "job": "import-courses",
        "run": 7,
        "outcome": "partial",
        "exit_code": 3,
        "seconds": 1.235,
        "dry_run": False,
        "counts": {"read": 3},
        "failed": [{"item": "course 1", "reason": "bad"}],
        "waiting": [{"item": "x", "reason": "later"}],
        "notes": [{"code": "orphan", "count": 1, "keys": ["1"]}],
        "remarks": ["r"],
        "error": None,
        "hint": None,
    }


# delivering ---------------------------------------------------------------------------------------------


def test_a_delivery_is_counted_by_result(run):
    queue(run, "a", "b", "c")
    run.deliver(EFFECT, Scripted(Done("1", "created"), Done("2", "updated")), keep=nothing)
    assert run.report.counts == {f"{EFFECT}.created": 2, f"{EFFECT}.updated": 1}
    assert (run.report.failed, run.report.waiting) == ({}, {})
    assert run.progress.seen == [(EFFECT, 3), 1, 1, 1]


def test_what_failed_and_what_waits_is_said_by_key(run):
    queue(run, "a", "b")
    run.deliver(EFFECT, Scripted(Rejected("no"), Postponed("not yet")), keep=nothing)
    assert run.report.failed == {f"{EFFECT} a": "no"}
    assert run.report.waiting == {f"{EFFECT} b": "not yet"}


def test_what_waits_for_its_next_try_is_said_with_its_reason(run):
    queue(run, "a", "b")
    run.deliver(EFFECT, Scripted(Unavailable("busy"), InDoubt("cut")), keep=nothing)
    assert run.report.waiting == {f"{EFFECT} a": "busy", f"{EFFECT} b": "cut"}
    assert run.report.failed == {}


def test_when_the_next_try_is_goes_with_what_waits(run, clock):
    queue(run, "a", "b")
    run.deliver(EFFECT, Scripted(Unavailable("busy"), Unavailable("busy")), keep=nothing)
    assert run.report.later == {EFFECT: (2, run.outbox.next_due(EFFECT))}
    assert run.outbox.next_due(EFFECT) > clock.now


def test_what_may_be_sent_at_any_moment_has_no_time(run):
    queue(run, "a", "b")
    with pytest.raises(Refused):
        run.deliver(EFFECT, Scripted(Raise(Refused("401"))), keep=nothing)
    assert run.report.later == {}


def test_what_waits_for_something_else_has_no_time(run):
    run.held("orders of a workshop that is off", 3)
    assert run.report.as_json()["later"] == [{"item": "orders of a workshop that is off", "count": 3, "next_at": None}]


def test_a_story_says_what_waits_though_all_is_well(run, clock):
    run.later("bookings", 3, clock.now + 40.5)
    run.later("classes", 0, clock.now)
    run.later("orders", 2, None)
    assert run.report.later == {"bookings": (3, int(clock.now + 40.5))}
    run.report.end(None)
    assert run.report.exit_code == 0


@pytest.mark.parametrize("error", [Refused("401"), Unavailable("down")], ids=repr)
def test_what_was_done_before_the_end_of_a_delivery_is_not_forgotten(run, error):
    queue(run, "a", "b", "c")
    with pytest.raises(type(error)):
        run.deliver(EFFECT, Scripted(Done("1", "created"), Raise(error)), keep=nothing)
    assert run.report.counts == {f"{EFFECT}.created": 1}
    assert run.report.waiting == {EFFECT: "2 message(s) wait for their next try"}


def test_a_dry_run_lists_what_is_in_doubt_and_what_waits_and_sends_nothing(db, clock):
    run = make(db, clock, dry=True)
    queue(run, "a", "b")
    run.outbox.begin(run.outbox.due(EFFECT)[:1])
    sender = Scripted()
    before = [tuple(row) for row in db.all("SELECT * FROM outbox")]
    run.deliver(EFFECT, sender, keep=nothing)
    assert [(effect, preview.key) for effect, preview in run.report.plan] == [(EFFECT, "a"), (EFFECT, "b")]
    assert (sender.sent, sender.looked) == ([], [])
    assert [tuple(row) for row in db.all("SELECT * FROM outbox")] == before


def test_a_plan_stands_in_the_report_field_by_field(db, clock):
    run = make(db, clock, dry=True)
    run.report.dry_run = True
    queue(run, "a")
    run.deliver(EFFECT, Scripted(), keep=nothing)
    assert run.report.as_json()["plan"] == [
        {"effect": EFFECT, "action": "create", "key": "a", "title": "a", "remote_id": None, "reason": "", "fields": []}
    ]
