"""What a person has to do about bookings, as status tells it."""

from typing import TYPE_CHECKING

from integrator.store.bookings import Bookings
from integrator.store.courses import SetAside

if TYPE_CHECKING:
    from integrator.database import Database

_TASKS = {
    "unseen": "never became visible at Trainingportal; its seat is free again: ask them whether the student comes",
    "unclear": "is not there as a new booking is (of another class, without a name or address, or cancelled): look"
    " there; its seat is held for a day",
    "lost_seat": "was confirmed when its seat had been given up: is the student registered in Maconomy all the same?"
    " If not, find them a seat, or cancel it there",
    "cancel_in_maconomy": "was cancelled by Trainingportal, and the student is registered: withdraw them in Maconomy",
}


def tell_tasks(db: "Database", *, at: int, run_id: int = 0) -> None:
    """What waits for a person stands in status until they have done it. Inside tx()."""
    then = "then: integrator booking-status settle"
    found = {
        row["reference"]: (row["task"], f"{_TASKS[row['task']]}; {then} {row['reference']}")
        for row in Bookings(db).tasks()
    }
    SetAside(db).replace("booking", found, at=at, run_id=run_id)
