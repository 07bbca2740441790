"""`push-orderline`: the command parses, opens and calls."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from integrator.cli.jobs import AS_JSON, DRY_RUN, RECORD, REPLAY, VERBOSE, Manner, start
from integrator.errors import UsageError

if TYPE_CHECKING:
    from integrator.runtime.run import Run
    from integrator.wiring import Wiring

_NEEDS = ("oilmat", "workshops", "monitor")


def push_orderline(
    workshop: str | None = typer.Option(
        None, "--workshop", metavar="W", help="Only this workshop.", show_default=False
    ),
    everyone: bool = typer.Option(False, "--all", help="All workshops, one process each."),
    jobs: int | None = typer.Option(
        None, "--jobs", metavar="N", min=1, max=64, help="So many at once (default: as many as cores)."
    ),
    child: bool = typer.Option(False, "--child", hidden=True),
    dry_run: bool = DRY_RUN,
    as_json: bool = AS_JSON,
    record: Path | None = RECORD,
    replay: Path | None = REPLAY,
    verbose: bool = VERBOSE,
) -> None:
    """Orderlines travel OilMat → the workshops' ERPs.

    A browser puts each on its case, once. Exit code 5: the workshop is switched off or blocked.

    Example: integrator push-orderline --workshop bennys-auto
    """
    if (workshop is None) != everyone:
        raise UsageError("push-orderline: say --workshop W or --all")
    if workshop is not None and replay is None:  # a recording brings its own workshops
        workshop = _id_of(workshop)

    def story(run: "Run", wiring: "Wiring") -> None:
        from integrator.jobs import orderline_runs as job

        if workshop is not None:
            job.push_one(run, wiring.orderline_parts(), workshop, child=child)
        else:
            job.push_all(run, wiring.orderline_parts(), jobs=jobs or os.cpu_count() or 1)

    manner = Manner(dry_run, as_json, record, replay, verbose)
    start("push-orderline", story, manner, needs=_NEEDS, lean=True, scope=workshop or "")


def _id_of(name: str) -> str:
    """The id for an id or a display name: it becomes part of a lock's name. Errors  NotFound"""
    from integrator.cli import opening
    from integrator.jobs.workshop_desk import find

    return find(opening.settings().workshops, name).id
