"""The demonstration: a home folder, stand-ins on loopback, and the real commands one after the other.

Every claim it makes is looked up in the stand-ins and the store afterwards; one that does not hold ends it with 1.
"""

import typer

from integrator.demo import afterwards, courses, orders, reseller, workshops
from integrator.demo.looking import look_around
from integrator.demo.stage import Stage, on_stage

__all__ = ["show"]


def show(*, keep: bool, look: bool = False) -> int:
    """Play it. Gives back 0 when every claim held.

    keep: the home folder stays; look: the stand-ins stay until Enter or Ctrl-C, if there is a terminal
    """
    with on_stage(keep=keep) as stage:
        for part in (courses, orders, reseller, workshops, afterwards):
            part.play(stage)
        code = close(stage)
        if look:
            look_around(stage)
        else:
            typer.echo("The mails and the cases, as people see them: integrator demo --look")
        typer.echo("Next: integrator init /srv/integrator   (README.md: install for real use)")
        return code


def close(stage: Stage) -> int:
    """The table of what travelled, and what did not hold."""
    from integrator.cli import render

    render.print_table(["from → to", "what travelled", "how it was checked"], stage.rows)
    if stage.broken:
        typer.echo("\n  ".join(["These claims did not hold:", *stage.broken]))
        return 1
    typer.echo("Everything above was looked up in the stand-ins and the store afterwards.")
    return 0
