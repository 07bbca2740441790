"""What a person has to do about bookings, as status tells it."""

from typing import TYPE_CHECKING

from integrator.domain.booking_tasks import task_of
from integrator.store.bookings import Bookings
from integrator.store.courses import BOOKING, SetAside

if TYPE_CHECKING:
    from integrator.database import Database


def tell_tasks(db: "Database", *, at: int, run_id: int = 0) -> None:
    """What waits for a person stands in status until they have done it. Inside tx()."""
    found: dict[str, tuple[str, str]] = {}
    for row in Bookings(db).tasks():
        task = task_of(row["task"], row["state"])
        found[row["reference"]] = (row["task"], f"{task.why}: {task.told(row['reference'], 'the student')}")
    SetAside(db).replace(BOOKING, found, at=at, run_id=run_id)
