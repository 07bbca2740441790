"""A reseller's desk: one request is one booking, cancelled once, and never a seat too many."""

from collections import Counter
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest

from desks import CLASS, T0, Erp, desk, form, publish
from integrator.domain.ordered import REGISTRATION
from integrator.domain.portal import PortalBooking, PortalPerson, ReserveRequest
from integrator.errors import Full, NotBookable, NotFound
from integrator.jobs import booking, reseller_desk
from integrator.jobs.booking import Desk, queue_registrations
from integrator.jobs.booking import reserve as own_reserve
from integrator.runtime.outbox import Outbox
from integrator.store import open_store
from integrator.store.booking_documents import BookingDocuments
from integrator.store.bookings import Bookings, form_of
from integrator.store.erasure import bookings
from integrator.store.erasure.work import Work
from integrator.store.orders import Orders

DAY_S = 86_400
BJORN = {"studentFirstName": "Bjørn", "studentLastName": "Ærlighaug", "studentEmailAddress": "bjorn@example.org"}


def reserve(at_desk: Desk, fields: dict[str, str] = BJORN, *, class_id: str = CLASS) -> str:
    with at_desk.db.tx():
        publish(at_desk.db)
    return reseller_desk.reserve(at_desk, ReserveRequest(class_id, fields), repeat_s=600, first_look_s=2.0)


def rows(at_desk: Desk, sql: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in at_desk.db.all(sql)]


def test_a_booking_holds_one_seat_and_is_looked_for_soon(tmp_path: Path) -> None:
    with desk(tmp_path, Erp(total=1)) as (at_desk, _, _):
        reference = reserve(at_desk)
        assert (len(reference), reference[:3]) == (29, "TP-")
        assert rows(at_desk, "SELECT class_id, seats, state, channel, expires_at FROM orders") == [
            (CLASS, 1, "reserved", "trainingportal", T0 + DAY_S)
        ]
        assert rows(at_desk, "SELECT reference, order_id, state, looks, next_look_at FROM bookings") == [
            (reference, 10001, "reserved", 0, T0 + 2)
        ]
        with pytest.raises(Full):
            own_reserve(at_desk, CLASS, seats=1, key="k")


def test_nothing_of_the_student_is_kept_before_the_booking_is_confirmed(tmp_path: Path) -> None:
    with desk(tmp_path) as (at_desk, _, _):
        reserve(at_desk)
        path = at_desk.db.path
    assert "Ærlighaug".encode() not in path.read_bytes()


def test_the_same_request_is_the_same_booking_for_a_while_in_whatever_order_its_parts_come(tmp_path: Path) -> None:
    with desk(tmp_path) as (at_desk, erp, clock):
        first = reserve(at_desk)
        clock.now += 599
        assert reserve(at_desk, dict(reversed(BJORN.items()))) == first
        assert erp.asked == 1
        clock.now += 2
        assert reserve(at_desk) != first
        assert reserve(at_desk, BJORN | {"company": "Fjordvind"}) not in ("", first)
        assert rows(at_desk, "SELECT count(*) FROM bookings") == [(3,)]


def test_what_a_clock_that_was_ahead_wrote_down_is_nobody_elses_booking(tmp_path: Path) -> None:
    with desk(tmp_path) as (at_desk, _, clock):
        clock.now += DAY_S
        ahead = reserve(at_desk)
        clock.now -= DAY_S
        other = reserve(at_desk)
        assert other != ahead
        assert reserve(at_desk) == other
        assert reseller_desk.cancel(at_desk, other)
        at_desk.db.write("UPDATE bookings SET cancelled_at = ? WHERE reference = ?", (T0 + DAY_S, other))
        assert reserve(at_desk) not in (ahead, other)


def test_a_class_that_was_never_published_or_is_cancelled_there_is_not_sold(tmp_path: Path) -> None:
    request = ReserveRequest("25172-05", BJORN)
    with desk(tmp_path) as (at_desk, erp, _):
        with pytest.raises(NotFound):  # nobody here knows it
            reseller_desk.reserve(at_desk, request, repeat_s=600, first_look_s=2.0)
        at_desk.db.write(
            "INSERT INTO published_classes (class_id, course_id, state, cancelled_at, changed_at)"
            " VALUES ('25172-05', '25172', 'cancelled', 1, 1)"
        )
        with pytest.raises(NotBookable) as no:
            reseller_desk.reserve(at_desk, request, repeat_s=600, first_look_s=2.0)
        assert (no.value.code, erp.asked) == ("cancelled", 0)
        assert rows(at_desk, "SELECT count(*) FROM orders") == [(0,)]


def test_the_same_request_at_once_is_one_booking(tmp_path: Path) -> None:
    """Both are asked before either is kept."""
    with desk(tmp_path) as (at_desk, erp, clock):
        meet = Barrier(2, timeout=300)
        erp.before_answer = meet.wait  # type: ignore[assignment]
        found: list[str] = []

        def one() -> None:
            own = open_store(at_desk.db.path, backups=tmp_path / "backups").db
            try:
                found.append(reserve(Desk(own, at_desk.maconomy, 30, clock)))
            finally:
                own.close()

        threads = [Thread(target=one) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (len(found), len(set(found))) == (2, 1)
        assert rows(at_desk, "SELECT count(*) FROM orders") == [(1,)]


def test_reserved_and_cancelled_at_once_the_seat_is_free_again_and_twice_is_once(tmp_path: Path) -> None:
    with desk(tmp_path, Erp(total=1)) as (at_desk, _, clock):
        reference = reserve(at_desk)
        assert reseller_desk.cancel(at_desk, reference)
        assert reseller_desk.cancel(at_desk, reference)
        assert rows(at_desk, "SELECT b.state, o.state, b.next_look_at, b.task FROM bookings b, orders o") == [
            ("cancelled", "cancelled", None, None)
        ]
        with pytest.raises(NotBookable):  # a proxy repeats what came before the cancellation
            reserve(at_desk)
        clock.now += 60
        again = reserve(at_desk)
        assert again != reference  # somebody who changed their mind
        assert reseller_desk.cancel(at_desk, reference)  # the first, once more
        assert Bookings(at_desk.db).get(again)["state"] == "reserved"


def test_an_unknown_reference_is_not_found(tmp_path: Path) -> None:
    with desk(tmp_path) as (at_desk, _, _), pytest.raises(NotFound):
        reseller_desk.cancel(at_desk, "TP-nobody")


def test_a_class_that_cannot_be_booked_leaves_nothing(tmp_path: Path) -> None:
    with desk(tmp_path, Erp(total=0)) as (at_desk, erp, _):
        with pytest.raises(Full):
            reserve(at_desk)
        erp.status = "cancelled"
        with pytest.raises(NotBookable):
            reserve(at_desk)
        with pytest.raises(NotFound):
            reserve(at_desk, class_id="99999-01")
        assert rows(at_desk, "SELECT count(*) FROM bookings, orders") == [(0,)]


def test_who_is_on_the_way_to_maconomy_is_cancelled_by_a_person(tmp_path: Path) -> None:
    with desk(tmp_path) as (at_desk, _, _):
        reference = reserve(at_desk)
        found = PortalBooking(None, CLASS, PortalPerson("Bjørn", "Ærlighaug", "bjorn@example.org"), PortalPerson())
        orders, outbox = Orders(at_desk.db), Outbox(at_desk.db, clock=at_desk.clock)
        with at_desk.db.tx():
            Bookings(at_desk.db).confirm(reference, found, at=T0, task=None)
            orders.complete(10001, form_of(found), b"", at=T0)
            queue_registrations(orders, outbox, 10001)
        outbox.begin(outbox.due(REGISTRATION))
        assert reseller_desk.cancel(at_desk, reference)
        state = "SELECT b.state, b.task, o.state FROM bookings b, orders o"
        assert rows(at_desk, state) == [("cancelled", "cancel_in_maconomy", "complete")]
        reseller_desk.settle(at_desk, reference)
        assert rows(at_desk, state) == [("cancelled", None, "complete")]
        with pytest.raises(NotFound):
            reseller_desk.settle(at_desk, reference)


def test_an_order_on_legal_hold_is_not_cancelled(tmp_path: Path) -> None:
    with desk(tmp_path) as (at_desk, _, _):
        reference = reserve(at_desk)
        at_desk.db.write("UPDATE orders SET hold_reason = 'a claim', hold_since = ?", (T0,))
        assert not reseller_desk.cancel(at_desk, reference)
        assert Bookings(at_desk.db).get(reference)["state"] == "reserved"


def test_what_is_a_resellers_is_changed_by_no_command_of_ours(tmp_path: Path) -> None:
    with desk(tmp_path) as (at_desk, _, _):
        reserve(at_desk)
        for change in (
            lambda: booking.change_seats(at_desk, 10001, 2),
            lambda: booking.complete(at_desk, 10001, form()),
            lambda: booking.cancel(at_desk, 10001),
        ):
            with pytest.raises(NotBookable, match="a booking of a reseller"):
                change()
        assert rows(at_desk, "SELECT state, seats, expires_at FROM orders") == [("reserved", 1, T0 + DAY_S)]


def test_we_write_no_confirmation_of_what_a_reseller_sold_not_even_by_command(tmp_path: Path) -> None:
    with desk(tmp_path) as (at_desk, _, _):
        reserve(at_desk)
        student = PortalPerson("Bjørn", "Ærlighaug", "bjorn@example.org")
        found = PortalBooking("4f0c", CLASS, student, PortalPerson())
        with at_desk.db.tx():
            Orders(at_desk.db).complete(10001, form_of(found), b"x", at=T0)
            queue_registrations(at_desk.orders, Outbox(at_desk.db, clock=at_desk.clock), 10001)
            Orders(at_desk.db).registered("ILI-10001-1", at=T0)
        at_desk.db.write("UPDATE outbox SET state = 'completed', body = NULL, remote_id = '7'")
        with pytest.raises(NotBookable, match="a booking of a reseller"):
            booking.confirm(at_desk, 10001)
        assert rows(at_desk, "SELECT effect FROM outbox") == [(REGISTRATION,)]


def test_what_a_person_has_to_do_stands_in_status_at_once_and_goes_when_it_is_done(tmp_path: Path) -> None:
    with desk(tmp_path) as (at_desk, _, _):
        reference = reserve(at_desk)
        at_desk.db.write("UPDATE orders SET state = 'complete', completed_at = ?, anonymised_at = ?", (T0, T0))
        reseller_desk.cancel(at_desk, reference)
        aside = "SELECT kind, key, code FROM set_aside"
        assert rows(at_desk, aside) == [("booking", reference, "cancel_in_maconomy")]
        reseller_desk.settle(at_desk, reference)
        assert rows(at_desk, aside) == []


def test_a_cancellation_of_a_booking_that_a_restore_forgot_is_for_a_person(tmp_path: Path) -> None:
    forgotten = "TP-" + "A" * 26
    with desk(tmp_path) as (at_desk, _, _):
        for reference in (forgotten, forgotten, "TP-short", "x" * 29):
            with pytest.raises(NotFound):
                reseller_desk.cancel(at_desk, reference)
        assert rows(at_desk, "SELECT kind, key FROM set_aside") == [("unknown booking", forgotten)]
        [(reason,)] = rows(at_desk, "SELECT reason FROM set_aside")
        assert reason.endswith(f"; then: integrator booking-status settle {forgotten}")
        reseller_desk.settle(at_desk, forgotten)
        assert rows(at_desk, "SELECT kind, key FROM set_aside") == []


def test_who_settles_a_booking_that_waits_for_nobody_is_told_what_of_it_waits(tmp_path: Path) -> None:
    with desk(tmp_path) as (at_desk, _, _):
        reference = reserve(at_desk)
        with pytest.raises(NotFound, match="waits for nobody") as no:
            reseller_desk.settle(at_desk, reference)
        assert no.value.hint == "integrator status"
        with at_desk.db.tx():
            BookingDocuments(at_desk.db).note_outdated(reference, "it does not fit", at=T0)
        with pytest.raises(NotFound, match="waits for nobody") as no:
            reseller_desk.settle(at_desk, reference)
        assert str(no.value.hint).endswith(f"integrator booking-status settle {reference} --document")


def test_a_booking_that_was_given_up_is_taken_up_again_with_a_seat(tmp_path: Path) -> None:
    with desk(tmp_path, Erp(total=1)) as (at_desk, _, _):
        reference = reserve(at_desk)
        with pytest.raises(NotBookable, match="it was not given up"):
            reseller_desk.look_again(at_desk, reference)
        with at_desk.db.tx():
            Bookings(at_desk.db).give_up(reference, at=T0, task="unseen")
            Orders(at_desk.db).cancel(10001, at=T0)
        other = own_reserve(at_desk, CLASS, seats=1, key="k")["order"]
        with pytest.raises(Full):
            reseller_desk.look_again(at_desk, reference)
        booking.cancel(at_desk, other)
        reseller_desk.look_again(at_desk, reference)
        assert rows(at_desk, "SELECT state, order_id, looks, next_look_at, task FROM bookings") == [
            ("reserved", 10003, 0, T0, None)
        ]
        assert Orders(at_desk.db).get(10003)["channel"] == "trainingportal"


def test_a_booking_that_is_taken_up_again_has_its_seat_for_as_long_as_a_new_one(tmp_path: Path) -> None:
    with desk(tmp_path, Erp(total=1)) as (at_desk, _, clock):
        reference = reserve(at_desk)
        with at_desk.db.tx():
            Bookings(at_desk.db).give_up(reference, at=T0, task="unclear")
        clock.now += DAY_S + 60  # its hold has run out, and nobody has released it yet
        reseller_desk.look_again(at_desk, reference)
        with at_desk.db.tx():
            assert Orders(at_desk.db).release_expired(at_desk.at()) == {}
        assert rows(at_desk, "SELECT state, expires_at FROM orders") == [("reserved", T0 + 2 * DAY_S + 60)]


def test_who_was_erased_after_their_booking_was_taken_up_again_can_be_booked_anew(tmp_path: Path) -> None:
    """The order of the first seat keeps no digest of the request either."""
    with desk(tmp_path) as (at_desk, _, clock):
        reference = reserve(at_desk)
        [(before,)] = rows(at_desk, "SELECT request_key FROM orders")
        with at_desk.db.tx():
            Bookings(at_desk.db).give_up(reference, at=T0, task="unseen")
            Orders(at_desk.db).cancel(10001, at=T0)
        reseller_desk.look_again(at_desk, reference)
        with at_desk.db.tx():
            bookings.anonymise(at_desk.db, Work(bookings={10002}), T0, Counter())
        assert before not in [key for (key,) in rows(at_desk, "SELECT request_key FROM orders")]
        clock.now += 700
        assert reserve(at_desk) != reference
