"""Statuses of a restored store: none overtakes a newer one that the store has forgotten."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from booking_outcomes import E8, LAST_DAY, TP, Office, office, reference
from integrator.domain.portal import STATUS
from integrator.jobs import booking_status_desk
from integrator.runtime.outbox import Outbox
from integrator.standins.trainingportal import AWKWARD
from integrator.store import backup

COMPLETED = f"COMPLETED {LAST_DAY}"
B = reference("B")


def assert_level(here: Office) -> None:
    """A further run has nothing to do."""
    here.standin.clear_ledger()
    assert (here.run().exit_code, here.standin.effects()) == (0, [])


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Office]:
    with office(tmp_path / "home") as made:
        yield made


def restore(here: Office, later: Callable[[], object]) -> None:
    """Back up, let something happen, and go back to the backup."""
    live, copy = here.home.var / "integrator.db", here.home.backups / "integrator-20270310T090000Z.db"
    with here.store() as db:
        copy.parent.mkdir(parents=True, exist_ok=True)
        db.conn.execute("VACUUM INTO ?", (str(copy),))
    here.at += 60
    later()
    here.at += 600
    backup.restore(copy, live, at=here.at)
    here.at += 600


def held(here: Office) -> int:
    [(number, reason)] = here.rows("SELECT id, reason FROM outbox WHERE effect = ? AND state = 'failed'", STATUS)
    assert reason.startswith("restored from a backup: ")
    return int(number)


@pytest.mark.parametrize("failed", [False, True])
def test_an_older_status_of_a_restored_store_does_not_overtake_a_newer_one(here: Office, failed: bool) -> None:
    def later() -> None:
        here.set("FAILED")
        assert here.run().exit_code == 0

    here.set("NO_SHOW")
    if failed:
        here.fault(E8, AWKWARD["false"])
        assert here.run().exit_code == 3
    restore(here, later)
    report = here.run()
    assert (report.exit_code, here.told()) == (3, ["FAILED"])
    [reason] = report.failed.values()
    assert "FAILED stands at Trainingportal, ours is NO_SHOW; nothing was sent" in reason
    assert (here.run().exit_code, here.told()) == (0, ["FAILED"])
    with here.store() as db:
        Outbox(db, clock=lambda: here.at).retry(held(here))
    here.fault(E8, {"kind": "status", "status": 429})
    assert here.run().exit_code == 75
    here.pass_time()
    assert here.run().exit_code == 0
    assert here.told() == ["FAILED", "NO_SHOW"], "a person said so, and says it once"
    assert_level(here)


def test_a_restored_status_is_told_where_nothing_newer_stands(here: Office) -> None:
    here.complete()
    restore(here, lambda: None)
    assert here.run().exit_code == 0
    assert here.told() == [COMPLETED]
    assert_level(here)


def test_a_restored_status_that_stands_there_is_not_told_again(here: Office) -> None:
    here.complete()
    restore(here, lambda: here.run())
    assert here.run().exit_code == 0
    assert here.told() == [COMPLETED]
    assert here.rows("SELECT version, told_version FROM booking_statuses") == [(1, 1)]


def test_a_restored_date_that_may_have_been_corrected_since_is_held(here: Office) -> None:
    here.set("COMPLETED", "2027-03-01")
    here.run()
    here.set("COMPLETED", "2027-03-02")
    restore(here, here.complete)
    assert (here.run().exit_code, here.told()) == (3, ["COMPLETED 2027-03-01"])
    held(here)


def test_while_it_cannot_be_read_nothing_restored_is_told(here: Office) -> None:
    def later() -> None:
        here.set("FAILED")
        here.run()

    here.set("NO_SHOW")
    restore(here, later)
    here.book(B)
    here.complete(B)
    here.fault({"method": "POST", "path": ".*/v1/booking/get/.*"}, {"kind": "status", "status": 503}, times=None)
    assert here.run().exit_code == 75
    here.pass_time(0)
    assert (here.told(), here.told(B)) == (["FAILED"], [COMPLETED])
    here.server.faults.clear()
    assert (here.run().exit_code, here.told()) == (3, ["FAILED"])


def test_what_somebody_says_after_the_restore_is_told(here: Office) -> None:
    here.set("NO_SHOW")
    restore(here, lambda: (here.set("FAILED"), here.run()))
    here.complete()
    assert here.run().exit_code == 0
    assert here.told() == ["FAILED", COMPLETED]


def test_what_maconomy_said_before_does_not_overtake_what_a_restored_store_forgot(here: Office) -> None:
    def from_maconomy(status: str) -> None:
        with here.store() as db, db.tx():
            [row] = db.all("SELECT reference, order_id FROM bookings WHERE reference = ?", (TP,))
            on = LAST_DAY if status == "COMPLETED" else None
            booking_status_desk.keep_status(
                db, row, status, on, source="maconomy", at=int(here.at), maconomy_seen=status
            )

    restore(here, lambda: (here.set("FAILED"), here.run()))
    from_maconomy("COMPLETED")
    assert (here.run().exit_code, here.told()) == (3, ["FAILED"])
    held(here)
    here.set("NO_SHOW")
    here.at += 60
    assert here.run().exit_code == 0
    from_maconomy("COMPLETED")
    assert here.run().exit_code == 0
    assert here.told() == ["FAILED", "NO_SHOW", COMPLETED], "from here on nothing is forgotten"


def test_a_dry_run_after_a_restore_asks_nobody(here: Office) -> None:
    here.set("NO_SHOW")
    restore(here, lambda: None)
    here.standin.clear_ledger()
    report = here.run(dry=True)
    assert ([effect for effect, _ in report.plan], here.standin.entries()) == ([STATUS], [])
