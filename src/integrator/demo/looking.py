"""After the demonstration: the stand-ins stay for a while, so that somebody can look at the mails."""

import sys

import typer

from integrator.demo.ending import Ended
from integrator.demo.stage import Stage


def look_around(stage: Stage) -> None:
    """Wait for Enter or Ctrl-C. Without a terminal nobody can press either: then there is no wait."""
    typer.echo(f"\nThe mails, as their readers see them: {stage.mailgun_server.url}/")
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
