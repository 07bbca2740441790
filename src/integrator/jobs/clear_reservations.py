"""clear-reservations: seats of orders that nobody completed are free again.

Reads   nothing
Keeps   reserved → released, for every reservation that has run out: one statement, repeatable
Writes  nothing elsewhere
Guard   it cannot win against a form at the same moment: both re-test expires_at in their own UPDATE
"""

from typing import TYPE_CHECKING

from integrator.store.orders import Orders

if TYPE_CHECKING:
    from integrator.runtime.run import Run


def clear_reservations(run: "Run") -> None:
    """Release what has run out, and say how many seats of which class."""
    with run.db.tx():
        released = Orders(run.db).release_expired(int(run.clock()))
    run.count(**{f"{class_id}.seats_released": seats for class_id, seats in released.items()})
