"""publish-classes: the command parses, opens and calls."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from integrator.cli.jobs import AS_JSON, DRY_RUN, RECORD, REPLAY, VERBOSE, Manner, start

if TYPE_CHECKING:
    from integrator.runtime.run import Run
    from integrator.wiring import Wiring


def publish_classes(
    allow_missing: bool = typer.Option(
        False,
        "--allow-missing",
        help="Believe that most of our classes are gone there, or all, and publish them again.",
    ),
    dry_run: bool = DRY_RUN,
    as_json: bool = AS_JSON,
    record: Path | None = RECORD,
    replay: Path | None = REPLAY,
    verbose: bool = VERBOSE,
) -> None:
    """Classes travel store → Trainingportal.

    Only what differs is written; a class is cancelled only after Maconomy's lists said so twice.

    Example: integrator publish-classes --dry-run
    """

    def story(run: "Run", wiring: "Wiring") -> None:
        from integrator.jobs import publish_classes as job

        job.publish_classes(
            run,
            wiring.need_portal(),
            names=wiring.portal_settings.courses,
            missing_limit=wiring.missing_runs,
            any_currency=wiring.portal_settings.price.currency_policy == "send",
            allow_missing=allow_missing,
        )

    start(
        "publish-classes",
        story,
        Manner(dry_run, as_json, record, replay, verbose),
        needs=("trainingportal", "monitor"),
        sources=("trainingportal",),
    )
