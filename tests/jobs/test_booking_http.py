"""Asking for free seats while HTTP does its worst: without a clear answer nothing is held."""

from collections.abc import Callable
from typing import Any

import pytest
from effects import REGISTRATION, impatient, meets, over
from http_faults import NEVER_ENDING, NO_READS, TOO_MUCH, TOO_OFTEN, UNREADABLE, Fault, named, status

from integrator.errors import IntegratorError
from integrator.jobs import booking
from integrator.runtime.stopping import Stopper
from world import World


@pytest.fixture
def post(here: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A home with Mailgun switched on; the waits between two tries of a read are left out."""
    monkeypatch.setattr(Stopper, "sleep", lambda self, seconds: self.check())
    here.configure(mailgun=True)
    return here


# asking for seats -------------------------------------------------------------------------------------------

COURSE = {"method": "GET", "path": "/api/course/25172-04"}


def books(here: World) -> list[list[tuple[Any, ...]]]:
    return [here.rows(f"SELECT * FROM {table}") for table in ("orders", "participants", "outbox", "counters")]


def is_absence(fault: Fault) -> bool:
    """Nobody answered, or not now: everything else is an answer, though none that says how many seats are free."""
    if fault["kind"] == "status":
        return fault["status"] in (408, 429) or fault["status"] >= 500
    return fault["kind"] in ("reset", "close") or fault.get("framing") in ("length", "chunked")


def asks(here: World, fault: Fault) -> tuple[int, int]:
    """How a new reservation and one for more seats end; both must leave everything as it was."""
    meets(here, REGISTRATION, COURSE, fault, times=None)
    before = books(here)
    with here.desk() as desk:
        new = ended(lambda: booking.reserve(desk, "25172-04", seats=1, key="new"))
        more = ended(lambda: booking.change_seats(desk, 10001, 2))
    assert books(here) == before, fault
    over(here, REGISTRATION)
    return new, more


def ended(request: Callable[[], Any]) -> int:
    """A request's exit code at the command line."""
    try:
        request()
    except IntegratorError as error:
        return error.exit_code
    return 0


def test_without_a_clear_answer_no_seat_is_held(post: World) -> None:
    post.run("booking", "reserve", "25172-04", "--key", "first")
    faults = [*UNREADABLE, {"kind": "body", "what": "list"}, *NO_READS, *TOO_OFTEN, *TOO_MUCH]
    for fault in faults:
        code = 75 if is_absence(fault) else 4 if fault.get("status") == 404 else 1
        assert asks(post, fault) == (code, code), fault
    assert post.run("booking", "reserve", "25172-04", "--key", "new").code == 0
    assert post.run("booking", "seats", "10001", "2").code == 0


@pytest.mark.parametrize("fault", NEVER_ENDING, ids=named)
def test_who_gets_no_answer_in_time_cannot_book_now(post: World, fault: Fault) -> None:
    post.run("booking", "reserve", "25172-04", "--key", "first")
    impatient(post, REGISTRATION)
    meets(post, REGISTRATION, COURSE, fault, times=None)
    before = books(post)
    for command in (["reserve", "25172-04", "--key", "new"], ["seats", "10001", "2"]):
        result = post.run("booking", *command)
        assert (result.code, "cannot be booked now" in result.err) == (75, True)
    assert books(post) == before


def test_a_visitor_is_told_that_it_cannot_be_booked_now(post: World) -> None:
    meets(post, REGISTRATION, COURSE, status(503), times=None)
    result = post.run("booking", "reserve", "25172-04", "--key", "k")
    assert (result.code, "cannot be booked now" in result.err) == (75, True)


def test_one_failure_is_tried_again_while_the_visitor_waits(post: World) -> None:
    meets(post, REGISTRATION, COURSE, status(503))
    assert post.run("booking", "reserve", "25172-04", "--key", "k").code == 0
