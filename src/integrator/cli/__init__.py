"""The command line: which commands there are, and the one place where errors become words and exit codes.

A command's module is imported when that command is invoked: cron starts this every minute.
"""

import os
import sys
from importlib import import_module
from typing import Any, NoReturn

import typer
from typer.core import TyperGroup

from integrator import __version__
from integrator.errors import ConfigError, IntegratorError

# name → where it lives; in the order of --help. A Typer object there is a group of commands.
COMMANDS = {
    "import-courses": "integrator.cli.jobs:import_courses",
    "init": "integrator.cli.setup:init",
    "check": "integrator.cli.check:check",
    "status": "integrator.cli.watch:status",
    "runs": "integrator.cli.watch:runs",
    "outbox": "integrator.cli.outbox:app",
    "explain": "integrator.cli.explain:explain",
    "schedule": "integrator.cli.setup:schedule",
    "store": "integrator.cli.store:app",
    "standin": "integrator.cli.demo:standin",
    "demo": "integrator.cli.demo:demo",
}


class LazyGroup(TyperGroup):
    """Knows its commands by name, and loads one when it is asked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        found = getattr(import_module(module), name)
        if isinstance(found, typer.Typer):
            found.info.name = cmd_name
            return typer.main.get_group(found)
        one = typer.Typer(add_completion=False, rich_markup_mode=None)
        one.command(cmd_name)(found)
        return typer.main.get_command(one)


app = typer.Typer(
    cls=LazyGroup,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    help="Keeps systems level that do not know each other.\n\n"
    "Cron starts a job; it reads, decides, keeps, delivers, ends.",
    epilog="Exit codes: 0 done, 1 stopped, 2 usage, 3 some items failed, 4 not found, 5 still running,"
    " 70 store or bug, 75 try later, 78 configuration.",
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"integrator {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None: ...


def main() -> NoReturn:
    """Run the command line and end the process with its exit code."""
    os.umask(0o077)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal that cannot show å must not end a run
    try:
        typer.main.get_command(app)()
    except IntegratorError as error:
        complain(error)
        sys.exit(error.exit_code)
    except Exception as error:  # noqa: BLE001 (the one place that catches everything)
        sys.exit(_edge(error))
    sys.exit(0)


def complain(error: IntegratorError) -> None:
    """An error in words on stderr: system, action, record and consequence; then the next command."""
    lines = [str(problem) for problem in error.problems] if isinstance(error, ConfigError) else [error.message]
    for line in lines:
        typer.echo(f"integrator: {clean(line)}", err=True)
    if error.hint:
        typer.echo(f"  → {clean(error.hint)}", err=True)


def clean(text: str) -> str:
    """Text that cannot break a line, a table or a terminal: control characters become a middle dot."""
    return "".join(character if character.isprintable() else "·" for character in text)


def _edge(error: Exception) -> int:
    import sqlite3

    if isinstance(error, sqlite3.Error):
        from integrator.database import sqlite_error

        ours = sqlite_error(error)
        complain(ours)
        return ours.exit_code
    from integrator.runtime.logbook import place_of

    # Never the message of a bug: it may hold a record. Its type and place are enough to find it.
    where = place_of(error)
    typer.echo(
        f"integrator: this is a bug: {type(error).__name__} at {where[-1] if where else 'an unknown place'}", err=True
    )
    typer.echo("  → the frames stand in var/log/integrator.log; with INTEGRATOR_DEBUG=1 they are printed", err=True)
    if os.environ.get("INTEGRATOR_DEBUG"):
        import traceback

        traceback.print_exception(error)
    return 70
