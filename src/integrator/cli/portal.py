"""confirm-bookings: the command parses, opens and calls."""

from pathlib import Path
from typing import TYPE_CHECKING

from integrator.cli.jobs import AS_JSON, DRY_RUN, RECORD, REPLAY, VERBOSE, Manner, start

if TYPE_CHECKING:
    from integrator.runtime.run import Run
    from integrator.wiring import Wiring

_LINGER_S = 50.0  # cron starts it every minute


def confirm_bookings(
    dry_run: bool = DRY_RUN,
    as_json: bool = AS_JSON,
    record: Path | None = RECORD,
    replay: Path | None = REPLAY,
    verbose: bool = VERBOSE,
) -> None:
    """Bookings travel Trainingportal → store.

    Who each reserved seat is for. What never becomes visible there gives its seat back, and status tells of it.

    Example: integrator confirm-bookings -v
    """

    def story(run: "Run", wiring: "Wiring") -> None:
        from integrator.jobs import confirm_bookings as job

        job.confirm_bookings(
            run, wiring.need_portal, looks_s=wiring.portal_settings.booking.confirm_retry, linger_s=_LINGER_S
        )

    start(
        "confirm-bookings",
        story,
        Manner(dry_run, as_json, record, replay, verbose),
        needs=("trainingportal", "monitor"),
        sources=("trainingportal",),
        lean=True,
    )
