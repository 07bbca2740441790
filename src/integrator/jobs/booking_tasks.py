"""What a person has to do about bookings: status tells it while it stands, and one run tells it once."""

from typing import TYPE_CHECKING

from integrator.domain.booking_tasks import task_of
from integrator.store.bookings import Bookings
from integrator.store.courses import BOOKING, SetAside

if TYPE_CHECKING:
    from integrator.database import Database
    from integrator.runtime.run import Run


def tell_tasks(db: "Database", *, at: int) -> None:
    """What waits for a person stands in status until they have done it; no run has said it yet. Inside tx()."""
    found: dict[str, tuple[str, str]] = {}
    for row in Bookings(db).tasks():
        task = task_of(row["task"], row["state"])
        found[row["reference"]] = (row["task"], f"{task.why}: {task.told(row['reference'], 'the student')}")
    SetAside(db).replace(BOOKING, found, at=at, run_id=0)


def say_new_tasks(run: "Run") -> None:
    """What no run has said fails this one, so that cron mails it: also what came by the gateway. Once each."""
    with run.db.tx():
        tell_tasks(run.db, at=run.at)
        news = Bookings(run.db).unsaid_tasks(run.id)
    for reference, reason in news.items():
        run.set_aside(f"booking {reference}", reason)
