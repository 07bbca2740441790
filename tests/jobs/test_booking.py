"""Booking: seats are held for as many as there are, and nothing is half done."""

from pathlib import Path
from typing import Any

import pytest

from desks import CLASS, T0, Erp, desk, form
from integrator.domain import orders as domain_orders
from integrator.errors import BadForm, Full, NotBookable, NotFound, Unavailable, UsageError
from integrator.jobs import booking
from integrator.store.orders import Orders


def test_a_reservation_holds_its_seats_for_half_an_hour(tmp_path: Path) -> None:
    with desk(tmp_path) as (at_desk, _, _):
        found = booking.reserve(at_desk, CLASS, seats=2, key="k1")
    assert found == {"order": 10001, "class_id": CLASS, "seats": 2, "expires_at": T0 + 1800}


def test_the_same_key_answers_the_same_reservation_without_asking(tmp_path: Path) -> None:
    with desk(tmp_path) as (at_desk, erp, clock):
        first = booking.reserve(at_desk, CLASS, seats=1, key="k1")
        clock.now += 60
        assert booking.reserve(at_desk, CLASS, seats=1, key="k1") == first
        assert erp.asked == 1
        assert at_desk.db.value("SELECT count(*) FROM orders") == 1


def test_the_same_key_answers_also_after_the_seats_were_changed(tmp_path: Path) -> None:
    with desk(tmp_path) as (at_desk, _, _):
        order = booking.reserve(at_desk, CLASS, seats=1, key="k1")["order"]
        booking.change_seats(at_desk, order, 3)
        assert booking.reserve(at_desk, CLASS, seats=1, key="k1")["seats"] == 3


def test_a_key_is_for_one_request_only(tmp_path: Path) -> None:
    with desk(tmp_path) as (at_desk, _, _):
        booking.reserve(at_desk, CLASS, seats=1, key="k1")
        with pytest.raises(UsageError, match="another request needs another key"):
            booking.reserve(at_desk, CLASS, seats=2, key="k1")
        with pytest.raises(UsageError, match="another key"):
            booking.reserve(at_desk, "25172-05", seats=1, key="k1")


def test_the_key_of_a_reservation_that_ran_out_does_not_answer_as_if_it_held(tmp_path: Path) -> None:
    with desk(tmp_path) as (at_desk, _, clock):
        booking.reserve(at_desk, CLASS, seats=1, key="k1")
        clock.now += 1800
        with pytest.raises(NotBookable) as refused:
            booking.reserve(at_desk, CLASS, seats=1, key="k1")
    assert refused.value.code == "expired"


@pytest.mark.parametrize("seats", [0, -1, 41, 10**30])
def test_seats_are_one_to_forty(tmp_path: Path, seats: int) -> None:
    with desk(tmp_path) as (at_desk, erp, _):
        with pytest.raises(UsageError, match="expected 1 to 40"):
            booking.reserve(at_desk, CLASS, seats=seats, key="k1")
        order = booking.reserve(at_desk, CLASS, seats=1, key="k2")["order"]
        with pytest.raises(UsageError, match="expected 1 to 40"):
            booking.change_seats(at_desk, order, seats)
        assert erp.asked == 1


@pytest.mark.parametrize("key", ["", "x" * 201, "a\nb", "a\x00b"])
def test_a_key_is_short_and_printable(tmp_path: Path, key: str) -> None:
    with desk(tmp_path) as (at_desk, _, _), pytest.raises(UsageError, match="a key has 1 to 200"):
        booking.reserve(at_desk, CLASS, seats=1, key=key)


def test_an_unknown_class_is_not_found(tmp_path: Path) -> None:
    with desk(tmp_path) as (at_desk, _, _), pytest.raises(NotFound):
        booking.reserve(at_desk, "99999-01", seats=1, key="k1")


@pytest.mark.parametrize(
    ("erp", "code"),
    [
        (Erp(status="cancelled"), "cancelled"),
        (Erp(status="closed"), "closed"),
        (Erp(status="planned"), "planned"),
        (Erp(status="held"), "held"),
        (Erp(status="waitlist"), "waitlist"),
        (Erp(status="unknown"), "unknown"),
        (Erp(start=None), "no_date"),
        (Erp(start="2026-11-21T11:00:00+01:00"), "begun"),
        (Erp(unknown_seats=True), "seats_unknown"),
    ],
)
def test_a_class_that_cannot_be_booked_says_why(tmp_path: Path, erp: Erp, code: str) -> None:
    with desk(tmp_path, erp) as (at_desk, _, _):
        with pytest.raises(NotBookable) as refused:
            booking.reserve(at_desk, CLASS, seats=1, key="k1")
        assert at_desk.db.value("SELECT count(*) FROM orders") == 0
    assert (refused.value.code, refused.value.exit_code) == (code, 2)


def test_no_answer_means_cannot_book_now(tmp_path: Path) -> None:
    with desk(tmp_path, Erp(fails=[Unavailable("maconomy: no answer")])) as (at_desk, _, _):
        with pytest.raises(Unavailable):
            booking.reserve(at_desk, CLASS, seats=1, key="k1")
        assert at_desk.db.value("SELECT count(*) FROM orders") == 0
        assert booking.reserve(at_desk, CLASS, seats=1, key="k1")["order"] == 10001


# room ---------------------------------------------------------------------------------------------


def test_the_last_seat_is_sold_once(tmp_path: Path) -> None:
    with desk(tmp_path, Erp(total=2, taken=1)) as (at_desk, erp, _):
        booking.reserve(at_desk, CLASS, seats=1, key="k1")
        with pytest.raises(Full) as full:
            booking.reserve(at_desk, CLASS, seats=1, key="k2")
        assert erp.asked == 3, "before it refuses it asks once more"
    assert (full.value.code, full.value.exit_code) == ("full", 1)


def test_a_seat_that_was_given_back_while_we_asked_is_sold(tmp_path: Path) -> None:
    with desk(tmp_path, Erp(total=1, taken=1)) as (at_desk, erp, _):
        erp.before_answer = lambda: setattr(erp, "taken", 0)
        assert booking.reserve(at_desk, CLASS, seats=1, key="k1")["order"] == 10001
        assert erp.asked == 2


def test_seats_of_a_reservation_that_ran_out_are_sold_again(tmp_path: Path) -> None:
    with desk(tmp_path, Erp(total=1)) as (at_desk, _, clock):
        booking.reserve(at_desk, CLASS, seats=1, key="k1")
        clock.now += 1800
        assert booking.reserve(at_desk, CLASS, seats=1, key="k2")["order"] == 10002
        assert at_desk.db.value("SELECT state FROM orders WHERE id = 10001") == "released"


def test_a_clock_set_back_does_not_sell_a_seat_twice(tmp_path: Path) -> None:
    with desk(tmp_path, Erp(total=1)) as (at_desk, _, clock):
        order = booking.reserve(at_desk, CLASS, seats=1, key="k1")["order"]
        clock.now += 1800
        booking.reserve(at_desk, CLASS, seats=1, key="k2")
        clock.now -= 1000
        with pytest.raises(NotBookable):
            booking.complete(at_desk, order, form())


def register(at_desk: booking.Desk, erp: Erp, reference: str) -> None:
    """What sync-orders does: Maconomy first, then our books."""
    erp.taken += 1
    with at_desk.db.tx():
        at_desk.db.write("UPDATE outbox SET state = 'completed', body = NULL WHERE key = ?", (reference,))
        at_desk.orders.registered(reference, at=at_desk.at())


def test_who_is_registered_while_we_ask_is_not_counted_as_free(tmp_path: Path) -> None:
    """Maconomy counts its seats, then one of ours arrives there and is written down here, then its answer comes."""
    with desk(tmp_path, Erp(total=2)) as (at_desk, erp, _):
        order = booking.reserve(at_desk, CLASS, seats=1, key="k1")["order"]
        booking.complete(at_desk, order, form())
        arriving = [f"ILI-{order}-1"]
        erp.before_answer = lambda: register(at_desk, erp, arriving.pop()) if arriving else None
        with pytest.raises(Full):
            booking.reserve(at_desk, CLASS, seats=2, key="k2")
        assert booking.reserve(at_desk, CLASS, seats=1, key="k3")["seats"] == 1


def test_a_registered_order_holds_nothing_twice(tmp_path: Path) -> None:
    with desk(tmp_path, Erp(total=2)) as (at_desk, erp, _):
        order = booking.reserve(at_desk, CLASS, seats=1, key="k1")["order"]
        booking.complete(at_desk, order, form())
        register(at_desk, erp, f"ILI-{order}-1")
        assert booking.reserve(at_desk, CLASS, seats=1, key="k2")["order"] == 10002
        with pytest.raises(Full):
            booking.reserve(at_desk, CLASS, seats=1, key="k3")


@pytest.mark.parametrize(("body", "sold"), [("'{}'", False), ("NULL", True)])
def test_a_refused_participant_holds_the_seat_until_an_operator_drops_it(tmp_path: Path, body: str, sold: bool) -> None:
    with desk(tmp_path, Erp(total=1)) as (at_desk, _, _):
        order = booking.reserve(at_desk, CLASS, seats=1, key="k1")["order"]
        booking.complete(at_desk, order, form())
        at_desk.db.write(f"UPDATE outbox SET state = 'failed', body = {body}")
        if sold:
            booking.reserve(at_desk, CLASS, seats=1, key="k2")
        else:
            with pytest.raises(Full):
                booking.reserve(at_desk, CLASS, seats=1, key="k2")


# changing the number ------------------------------------------------------------------------------


def test_more_seats_ask_again_and_fewer_do_not(tmp_path: Path) -> None:
    with desk(tmp_path, Erp(total=3)) as (at_desk, erp, clock):
        order = booking.reserve(at_desk, CLASS, seats=1, key="k1")["order"]
        clock.now += 600
        assert booking.change_seats(at_desk, order, 3) == {
            "order": order,
            "class_id": CLASS,
            "seats": 3,
            "expires_at": T0 + 600 + 1800,
        }
        assert erp.asked == 2
        booking.change_seats(at_desk, order, 2)
        assert erp.asked == 2
        booking.reserve(at_desk, CLASS, seats=1, key="k2")
        with pytest.raises(Full):
            booking.change_seats(at_desk, order, 3)
        assert booking.show(at_desk, order)["seats"] == 2


def test_fewer_seats_are_held_also_when_the_class_was_cancelled_meanwhile(tmp_path: Path) -> None:
    with desk(tmp_path) as (at_desk, erp, _):
        order = booking.reserve(at_desk, CLASS, seats=3, key="k1")["order"]
        erp.status = "cancelled"
        assert booking.change_seats(at_desk, order, 2)["seats"] == 2
        with pytest.raises(NotBookable, match="is cancelled"):
            booking.change_seats(at_desk, order, 3)


def test_seats_of_an_order_that_is_over_cannot_be_changed(tmp_path: Path) -> None:
    with desk(tmp_path) as (at_desk, _, clock):
        complete = booking.reserve(at_desk, CLASS, seats=1, key="k1")["order"]
        booking.complete(at_desk, complete, form())
        cancelled = booking.reserve(at_desk, CLASS, seats=1, key="k2")["order"]
        booking.cancel(at_desk, cancelled)
        expired = booking.reserve(at_desk, CLASS, seats=1, key="k3")["order"]
        clock.now += 1800
        for order, code in ((complete, "complete"), (cancelled, "cancelled"), (expired, "expired")):
            with pytest.raises(NotBookable) as refused:
                booking.change_seats(at_desk, order, 2)
            assert refused.value.code == code
        with pytest.raises(NotFound):
            booking.change_seats(at_desk, 99, 2)


# completing ---------------------------------------------------------------------------------------


def test_a_complete_order_queues_one_registration_for_each_participant(tmp_path: Path) -> None:
    with desk(tmp_path) as (at_desk, _, _):
        order = booking.reserve(at_desk, CLASS, seats=2, key="k1")["order"]
        found = booking.complete(at_desk, order, form(2))
        rows = at_desk.db.all("SELECT effect, scope, key, state FROM outbox ORDER BY id")
    assert [tuple(row) for row in rows] == [
        ("maconomy.registration", f"order:{order}", f"ILI-{order}-{number}", "received") for number in (1, 2)
    ]
    assert found["state"] == "complete"
    assert [person["state"] for person in found["participants"]] == ["waiting", "waiting"]
    assert "Nørgård" not in repr(found)


def test_completing_twice_with_the_same_form_is_one_order(tmp_path: Path) -> None:
    with desk(tmp_path) as (at_desk, _, clock):
        order = booking.reserve(at_desk, CLASS, seats=1, key="k1")["order"]
        first = booking.complete(at_desk, order, form())
        clock.now += 86_400 * 30
        assert booking.complete(at_desk, order, form()) == first
        assert at_desk.db.value("SELECT count(*) FROM outbox") == 1


def test_completing_twice_with_another_form_changes_nothing(tmp_path: Path) -> None:
    with desk(tmp_path) as (at_desk, _, _):
        order = booking.reserve(at_desk, CLASS, seats=1, key="k1")["order"]
        booking.complete(at_desk, order, form())
        with pytest.raises(NotBookable, match="with another form; nothing was changed") as refused:
            booking.complete(at_desk, order, form(who="b"))
        assert at_desk.db.value("SELECT email FROM participants") == "p1.a@example.org"
    assert refused.value.exit_code == 2


def test_a_reservation_that_ran_out_cannot_be_completed(tmp_path: Path) -> None:
    with desk(tmp_path) as (at_desk, _, clock):
        order = booking.reserve(at_desk, CLASS, seats=1, key="k1")["order"]
        clock.now += 1800
        with pytest.raises(NotBookable) as refused:
            booking.complete(at_desk, order, form())
        assert at_desk.db.value("SELECT count(*) FROM participants") == 0
    assert refused.value.code == "expired"


def test_at_the_very_moment_it_is_either_released_or_completed(tmp_path: Path) -> None:
    with desk(tmp_path) as (at_desk, _, clock):
        order = booking.reserve(at_desk, CLASS, seats=1, key="k1")["order"]
        clock.now += 1799
        with at_desk.db.tx():
            assert Orders(at_desk.db).release_expired(at_desk.at()) == {}
        booking.complete(at_desk, order, form())
        clock.now += 1
        with at_desk.db.tx():
            assert Orders(at_desk.db).release_expired(at_desk.at()) == {}


def test_a_form_with_another_number_of_participants_is_refused(tmp_path: Path) -> None:
    with desk(tmp_path) as (at_desk, _, _):
        order = booking.reserve(at_desk, CLASS, seats=2, key="k1")["order"]
        with pytest.raises(UsageError, match="participants"):
            booking.complete(at_desk, order, form(1))
        assert booking.show(at_desk, order)["state"] == "reserved"


# cancelling ---------------------------------------------------------------------------------------


def test_a_cancelled_order_gives_its_seats_back_and_forgets_its_people(tmp_path: Path) -> None:
    with desk(tmp_path, Erp(total=1)) as (at_desk, _, _):
        order = booking.reserve(at_desk, CLASS, seats=1, key="k1")["order"]
        booking.complete(at_desk, order, form())
        assert booking.cancel(at_desk, order)["state"] == "cancelled"
        assert booking.cancel(at_desk, order)["state"] == "cancelled"
        assert at_desk.db.value("SELECT count(*) FROM outbox WHERE body IS NOT NULL") == 0
        row = at_desk.db.one("SELECT * FROM orders WHERE id = ?", (order,))
        assert row is not None
        assert "Kjærgård" not in repr(dict(row))
        booking.reserve(at_desk, CLASS, seats=1, key="k2")


def test_an_order_on_its_way_cannot_be_cancelled(tmp_path: Path) -> None:
    with desk(tmp_path) as (at_desk, _, _):
        order = booking.reserve(at_desk, CLASS, seats=2, key="k1")["order"]
        booking.complete(at_desk, order, form(2))
        at_desk.db.write("UPDATE outbox SET state = 'processing', attempts = 1, sent_at = 1 WHERE key LIKE '%-2'")
        with pytest.raises(NotBookable, match="is being registered") as refused:
            booking.cancel(at_desk, order)
        assert booking.show(at_desk, order)["state"] == "complete"
        assert at_desk.db.value("SELECT count(*) FROM outbox WHERE state = 'received'") == 1
    assert refused.value.code == "registered"


def test_an_order_on_legal_hold_cannot_be_cancelled(tmp_path: Path) -> None:
    with desk(tmp_path) as (at_desk, _, _):
        order = booking.reserve(at_desk, CLASS, seats=1, key="k1")["order"]
        booking.complete(at_desk, order, form())
        at_desk.db.write("UPDATE orders SET hold_reason = 'dispute', hold_since = 1")
        with pytest.raises(NotBookable, match="on legal hold"):
            booking.cancel(at_desk, order)
        assert at_desk.db.value("SELECT count(*) FROM participants") == 1


def test_a_caller_s_key_is_kept_as_a_hash_only(tmp_path: Path) -> None:
    with desk(tmp_path) as (at_desk, _, _):
        booking.reserve(at_desk, CLASS, seats=1, key="anna.jensen@example.org")
        row = at_desk.db.one("SELECT * FROM orders")
        assert row is not None
        assert "anna" not in repr(dict(row))


def test_a_cancelled_order_may_have_been_refused_everywhere(tmp_path: Path) -> None:
    with desk(tmp_path) as (at_desk, _, _):
        order = booking.reserve(at_desk, CLASS, seats=2, key="k1")["order"]
        booking.complete(at_desk, order, form(2))
        at_desk.db.write("UPDATE outbox SET state = 'failed', attempts = 1, reason = 'full: no seat'")
        assert booking.cancel(at_desk, order)["state"] == "cancelled"


def test_seats_that_change_while_the_form_is_looked_at_are_not_completed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with desk(tmp_path, Erp(total=3)) as (at_desk, _, _):
        order = booking.reserve(at_desk, CLASS, seats=3, key="k1")["order"]
        original = domain_orders.form_from

        def meanwhile(*arguments: Any, **named: Any) -> Any:
            monkeypatch.setattr(domain_orders, "form_from", original)
            booking.change_seats(at_desk, order, 2)
            booking.reserve(at_desk, CLASS, seats=1, key="k2")
            return original(*arguments, **named)

        monkeypatch.setattr(domain_orders, "form_from", meanwhile)
        with pytest.raises(BadForm):
            booking.complete(at_desk, order, form(3))
        assert booking.show(at_desk, order)["state"] == "reserved"
        booking.complete(at_desk, order, form(2))
        assert at_desk.db.value("SELECT count(*) FROM participants") == 2
