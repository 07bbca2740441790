"""confirm-bookings: a reservation becomes an order to register, or its seat is free again."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from desks import CLASS, T0, Clock, Erp, desk, publish
from integrator.domain.portal import PortalBooking, PortalCourse, PortalPerson, ReserveRequest
from integrator.errors import BadAnswer, IntegratorError, NotFound, Refused, Unavailable
from integrator.jobs import booking, reseller_desk
from integrator.jobs.booking import Desk
from integrator.jobs.confirm_bookings import confirm_bookings
from integrator.runtime.delivery import Patience
from integrator.runtime.report import Report
from integrator.runtime.run import Run

BJORN = PortalBooking(
    reference="4f0c2a7d_91be",
    class_id=CLASS,
    student=PortalPerson("Bjørn", "Ærlighaug", "bjorn.aerlighaug@example.org", "4790000001"),
    enroller=PortalPerson("Åse", "Øyhaug", "ase.oyhaug@example.org", "4790000002"),
    birth_date="1988-11-30",
    company="Fjordvind Drift AS",
    status="NEW",
    comment="Trenger hørselvern i størrelse L",
    purchase_order="PO-2027-0088",
)
FORGOTTEN = "TP-" + "A" * 26
Answer = PortalBooking | IntegratorError | None


@dataclass
class Portal:
    """What Trainingportal answers, one after the other; the last answer stays. lost: it is another address."""

    answers: list[Answer]
    asked: list[str] = field(default_factory=list)
    lost: bool = False

    def courses(self) -> list[PortalCourse]:
        if self.lost:
            raise BadAnswer("trainingportal: list courses: not JSON", code="not_json")
        return []

    def booking(self, reference: str) -> PortalBooking | None:
        self.asked.append(reference)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, IntegratorError):
            raise answer
        return answer


class Stopper:
    """Sleeping is the clock going on."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.clock.now += seconds


@dataclass
class Here:
    """A desk at which a booking was reserved, and runs of confirm-bookings."""

    desk: Desk
    clock: Clock
    reference: str
    runs: int = 0

    def run(
        self, *answers: Answer, linger_s: float = 0.0, later_s: float = 0.0, dry: bool = False, lost: bool = False
    ) -> Report:
        self.clock.now += later_s
        self.runs += 1
        self.portal, self.stopper = Portal(list(answers), lost=lost), Stopper(self.clock)
        report = Report("confirm-bookings")
        now = datetime.fromtimestamp(self.clock.now, UTC)
        run = Run("confirm-bookings", self.runs, now, self.desk.db, report, self.stopper, Patience(), clock=self.clock)  # type: ignore[arg-type]
        run.dry = dry
        confirm_bookings(run, lambda: self.portal, looks_s=(2, 5, 15, 60, 300), linger_s=linger_s)
        report.end(None)
        return report

    def one(self, sql: str) -> tuple[Any, ...]:
        [row] = self.desk.db.all(sql)
        return tuple(row)

    def state(self) -> tuple[Any, ...]:
        return self.one("SELECT b.state, b.task, o.state FROM bookings b JOIN orders o ON o.id = b.order_id")

    def reserve(self, who: str) -> str:
        return reseller_desk.reserve(self.desk, ReserveRequest(CLASS, {"who": who}), repeat_s=600, first_look_s=2.0)


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Here]:
    with reserved(tmp_path) as found:
        yield found


@contextmanager
def reserved(tmp_path: Path) -> Iterator[Here]:
    with desk(tmp_path, Erp(total=4)) as (at_desk, _, clock):
        with at_desk.db.tx():
            publish(at_desk.db)
        found = Here(at_desk, clock, "")
        found.reference = found.reserve("a")
        yield found


def test_a_booking_that_waits_for_its_next_look_is_told_with_its_time(here: Here) -> None:
    now = int(here.clock.now)
    assert here.run(None).later == {"bookings": (1, now + 2)}
    assert here.run(None, later_s=2.0).later == {"bookings": (1, now + 7)}
    assert here.run(BJORN, later_s=5.0).later == {}


def test_a_booking_that_is_visible_becomes_an_order_to_register(here: Here) -> None:
    report = here.run(BJORN, later_s=2)
    assert report.counts == {"bookings.confirmed": 1}
    assert here.portal.asked == [here.reference]
    assert here.state() == ("confirmed", None, "complete")
    assert here.one(
        "SELECT portal_reference, enrollment_status, birth_date, confirmed_at, next_look_at FROM bookings"
    ) == (
        *("4f0c2a7d_91be", "NEW", "1988-11-30"),
        *(T0 + 2, None),
    )
    columns = "customer_name, customer_email, customer_phone, company_name, purchase_order"
    assert here.one(f"SELECT {columns} FROM orders") == (
        *("Åse Øyhaug", "ase.oyhaug@example.org", "4790000002", "Fjordvind Drift AS", "PO-2027-0088"),
    )
    columns = "first_name, last_name, email, phone, comment, reference"
    assert here.one(f"SELECT {columns} FROM participants") == (
        *("Bjørn", "Ærlighaug", "bjorn.aerlighaug@example.org", "4790000001", "Trenger hørselvern i størrelse L"),
        "ILI-10001-1",
    )
    assert here.one("SELECT effect, key, state, scope FROM outbox") == (
        *("maconomy.registration", "ILI-10001-1", "received", "order:10001"),
    )


def test_it_is_looked_for_again_in_the_same_run_until_it_is_visible(here: Here) -> None:
    report = here.run(None, None, BJORN, linger_s=50, later_s=2)
    assert (here.stopper.slept, report.counts["bookings.confirmed"]) == ([5, 15], 1)


def test_the_waits_between_the_looks_grow_and_then_its_seat_is_free_and_a_person_told(here: Here) -> None:
    moments = []
    for _ in range(5):
        [at] = here.one("SELECT next_look_at FROM bookings")
        moments.append(at - T0)
        here.clock.now = at
        here.run(None)
    assert moments == [2, 7, 22, 82, 382]
    assert here.state() == ("unseen", "unseen", "cancelled")
    assert here.one("SELECT kind, key, code FROM set_aside") == ("booking", here.reference, "unseen")
    assert [here.reserve(who) for who in "bcde"]  # all four seats
    reseller_desk.settle(here.desk, here.reference)
    here.run(None)
    assert here.desk.db.all("SELECT * FROM set_aside") == []


def test_what_waits_for_a_person_is_said_by_one_run_and_not_again_while_it_stays(here: Here) -> None:
    report = here.run(replace(BJORN, class_id="25172-05"), later_s=2)
    assert (report.exit_code, list(report.failed)) == (3, [f"booking {here.reference}"])
    assert f"integrator booking-status settle {here.reference}" in report.failed[f"booking {here.reference}"]
    assert (here.run(BJORN, later_s=60).exit_code, here.run(BJORN).failed) == (0, {})
    reseller_desk.look_again(here.desk, here.reference)
    assert here.run(replace(BJORN, class_id="25172-05")).exit_code == 3  # it is a person's again


def test_what_waits_for_a_person_is_not_taken_as_said_by_a_dry_run(here: Here) -> None:
    here.run(BJORN, later_s=2)
    _registered_and_cancelled(here)
    assert here.run(BJORN, dry=True).failed == {}
    assert here.run(BJORN).exit_code == 3


def test_a_student_who_was_cancelled_and_is_registered_is_said_by_the_next_run_once(here: Here) -> None:
    here.run(BJORN, later_s=2)
    _registered_and_cancelled(here)
    report = here.run(BJORN)
    assert (report.exit_code, list(report.failed)) == (3, [f"booking {here.reference}"])
    assert "withdraw the student in Maconomy" in report.failed[f"booking {here.reference}"]
    assert here.run(BJORN, later_s=60).exit_code == 0


def test_a_cancellation_of_a_booking_that_nobody_knows_is_said_by_the_next_run_once(here: Here) -> None:
    with pytest.raises(NotFound):
        reseller_desk.cancel(here.desk, FORGOTTEN)
    assert list(here.run(BJORN, later_s=2).failed) == [f"booking {FORGOTTEN}"]
    assert here.run(BJORN, later_s=60).exit_code == 0


def _registered_and_cancelled(here: Here) -> None:
    here.desk.db.write("UPDATE outbox SET state = 'completed', body = NULL")
    reseller_desk.cancel(here.desk, here.reference)


@pytest.mark.parametrize(
    ("before", "error", "code"),
    [("later", None, 75), ("later", "stopped by a signal", 0), ("done", None, 0), ("partial", None, 0)],
)
def test_a_run_that_asked_nobody_has_not_succeeded_while_the_last_one_was_not_answered(
    here: Here, before: str, error: str | None, code: int
) -> None:
    for outcome, why in ((before, error), ("skipped", "still running"), ("crashed", None)):
        here.desk.db.write(
            "INSERT INTO runs (job, scope, boot_id, pid, version, started_at, finished_at, outcome, error)"
            " VALUES ('confirm-bookings', '', '', 0, '', 1, 1, ?, ?)",
            (outcome, why),
        )
    here.runs = 10
    report = here.run(BJORN, later_s=1)
    assert (report.exit_code, "bookings" in report.waiting, here.portal.asked) == (code, code == 75, [])
    assert here.run(BJORN, later_s=1).exit_code == 0  # it was answered
    assert here.run(BJORN).exit_code == 0  # nothing waits


def test_where_nothing_can_be_visible_nothing_is_given_up(here: Here) -> None:
    """A wrong address says "not there" of every booking."""
    for _ in range(4):
        here.run(None, later_s=400)
    report = here.run(None, later_s=400, lost=True)
    assert (here.state(), report.exit_code) == (("reserved", None, "reserved"), 75)
    here.run(None, later_s=60)
    assert here.state() == ("unseen", "unseen", "cancelled")


def test_nobody_is_asked_before_it_is_time(here: Here) -> None:
    here.run(BJORN, later_s=1)
    assert here.portal.asked == []


def test_while_trainingportal_cannot_be_asked_nothing_is_given_up(here: Here) -> None:
    for who in "bcd":
        here.reserve(who)
    for _ in range(20):
        report = here.run(Unavailable("trainingportal: no answer"), later_s=60)
        assert len(here.portal.asked) <= 3  # silences in a row are enough
        assert (report.exit_code, here.one("SELECT max(looks) FROM bookings")) == (75, (0,))
    report = here.run(BJORN, later_s=60)
    assert report.counts == {"bookings.confirmed": 4}


@pytest.mark.parametrize(("asked_s", "waits_s"), [(None, 60), (5.0, 60), (600.0, 600), (864_000.0, 3_600)])
def test_a_trainingportal_that_asks_for_time_gets_it(here: Here, asked_s: float | None, waits_s: int) -> None:
    here.run(Unavailable("trainingportal: 429", retry_after_s=asked_s), later_s=2)
    assert here.one("SELECT next_look_at - changed_at FROM bookings") == (waits_s,)


def test_an_answer_that_cannot_be_read_holds_nobody_else_back_and_is_not_mailed_each_minute(here: Here) -> None:
    here.reserve("b")
    report = here.run(BadAnswer("trainingportal: not JSON", code="not_json"), BJORN, later_s=2)
    assert (report.counts, len(report.waiting), report.exit_code) == ({"bookings.confirmed": 1}, 1, 75)


def test_credentials_that_are_refused_stop_the_run_and_change_nothing(here: Here) -> None:
    with pytest.raises(Refused):
        here.run(Refused("trainingportal: wrong username or password"), later_s=2)
    assert here.state() == ("reserved", None, "reserved")


@pytest.mark.parametrize("other", [{"class_id": "25172-05"}, {"status": "CANCELLED"}])
def test_a_booking_that_is_not_as_a_new_one_is_for_a_person_and_keeps_its_seat(
    here: Here, other: dict[str, str]
) -> None:
    here.run(replace(BJORN, **other), later_s=2)
    assert here.state() == ("unseen", "unclear", "reserved")
    assert here.desk.db.all("SELECT * FROM outbox") == []


def test_a_booking_without_a_name_is_waited_for_and_then_for_a_person(here: Here) -> None:
    nameless = replace(BJORN, student=PortalPerson("Bjørn"))
    for _ in range(4):
        here.run(nameless, later_s=400)
    assert here.state() == ("reserved", None, "reserved")
    here.run(nameless, later_s=400)
    assert here.state() == ("unseen", "unclear", "reserved")


def test_where_a_seat_ran_out_while_nobody_answered_a_person_is_told(here: Here) -> None:
    here.desk.db.write("UPDATE orders SET state = 'released'")
    here.run(Unavailable("trainingportal: no answer"), later_s=60)
    assert here.state() == ("unseen", "lost_seat", "released")
    [reason] = here.one("SELECT reason FROM set_aside")
    assert reason.startswith("lost its seat, which is held for a day, while Trainingportal could not be asked: ")
    assert f"integrator booking-status again {here.reference};" in reason
    reseller_desk.look_again(here.desk, here.reference)
    here.run(BJORN)
    assert here.one("SELECT b.state, b.task, o.state FROM bookings b JOIN orders o ON o.id = b.order_id") == (
        *("confirmed", None),
        "complete",
    )


def test_of_a_clock_that_ran_ahead_nobody_waits(here: Here) -> None:
    here.desk.db.write("UPDATE bookings SET next_look_at = ?", (T0 + 40 * 86_400,))
    assert here.run(BJORN).counts == {"bookings.confirmed": 1}


def test_who_was_booked_before_a_restore_is_looked_for_before_they_are_registered(here: Here) -> None:
    here.desk.db.write("INSERT INTO counters (name, value) VALUES ('restored_at', ?)", (T0 + 1,))
    here.run(BJORN, later_s=2)
    assert here.one("SELECT state, uncertain_since IS NOT NULL FROM outbox") == ("processing", 1)


def test_a_booking_whose_seat_was_given_up_meanwhile_is_for_a_person(here: Here) -> None:
    here.desk.db.write("UPDATE orders SET state = 'released'")
    here.run(BJORN, later_s=2)
    assert here.state() == ("confirmed", "lost_seat", "released")
    assert "was confirmed when its seat had been given up: " in here.one("SELECT reason FROM set_aside")[0]
    assert here.desk.db.all("SELECT * FROM outbox") == []


def test_a_hold_that_ran_out_and_was_not_released_still_has_its_seat(here: Here) -> None:
    here.run(BJORN, later_s=86_401)
    assert here.state() == ("confirmed", None, "complete")


def test_cancelled_while_we_ask_it_is_not_confirmed(here: Here) -> None:
    class Slow(Portal):
        def booking(self, reference: str) -> PortalBooking | None:
            reseller_desk.cancel(here.desk, reference)
            return BJORN

    here.clock.now += 2
    run = Run(
        *("confirm-bookings", 1, datetime.fromtimestamp(here.clock.now, UTC), here.desk.db),
        *(Report("confirm-bookings"), Stopper(here.clock), Patience()),  # type: ignore[arg-type]
        clock=here.clock,
    )
    confirm_bookings(run, lambda: Slow([None]), looks_s=(2, 5), linger_s=0)
    assert here.state() == ("cancelled", None, "cancelled")
    assert here.desk.db.all("SELECT * FROM participants") == []


def test_what_is_not_said_is_made_do_without(here: Here) -> None:
    """The enroller's address where the student has none; the student where there is no enroller."""
    here.run(PortalBooking(None, None, PortalPerson("Ida", "Bø"), PortalPerson(email="boss@example.org")), later_s=2)
    assert here.one("SELECT first_name, last_name, email FROM participants") == ("Ida", "Bø", "boss@example.org")
    assert here.one("SELECT customer_name, customer_email, company_name FROM orders") == (
        *("Ida Bø", "boss@example.org", None),
    )


def test_a_dry_run_asks_nobody_and_changes_nothing(here: Here) -> None:
    report = here.run(BJORN, later_s=2, dry=True)
    assert (report.counts, here.portal.asked) == ({"bookings.to_look_for": 1}, [])


def test_a_booking_by_a_reseller_and_one_by_a_visitor_never_share_the_last_seat(here: Here) -> None:
    booking.reserve(here.desk, CLASS, seats=3, key="k")
    with pytest.raises(IntegratorError, match="not enough free seats"):
        here.reserve("b")
