"""After the demonstration: the stand-ins stay for a while, so that somebody can look at the mails and the cases."""

import sys

import typer

from integrator.demo.ending import Ended
from integrator.demo.stage import ERP_PASSWORD, ERP_USER, Stage


def look_around(stage: Stage) -> None:
    """Wait for Enter or Ctrl-C. Without a terminal nobody can press either: then there is no wait."""
    typer.echo(f"\nThe mails, as their readers see them: {stage.addresses['mailgun']}/")
    typer.echo(f"The workshops' ERPs: {stage.addresses['au2office']}/ and {stage.addresses['admanager']}/")
    typer.echo(f"  to log in there: {ERP_USER}, {ERP_PASSWORD}")
    if not sys.stdin.isatty():
        typer.echo("There is no terminal to wait at: the stand-ins stop now.")
        return
    typer.echo("Enter or Ctrl-C stops the stand-ins.")
    sys.stdout.flush()
    try:
        sys.stdin.readline()
    except Ended as ended:
        if not ended.asked_for:
            raise
