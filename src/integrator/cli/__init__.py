"""The command line: which commands there are, and the one way into and out of them.

A command's module is imported when that command is invoked: cron starts this every minute.
"""

import os
import sys
from importlib import import_module
from typing import Any, NoReturn

import typer
from typer.core import TyperGroup

from integrator import __version__
from integrator.cli import streams

# name → where it lives; in the order of --help. A Typer object there is a group of commands.
COMMANDS = {
    "import-courses": "integrator.cli.jobs:import_courses",
    "sync-orders": "integrator.cli.orders:sync_orders",
    "clear-reservations": "integrator.cli.orders:clear_reservations",
    "gdpr-cleanup": "integrator.cli.gdpr:gdpr_cleanup",
    "send-participants": "integrator.cli.participants:send_participants",
    "publish-classes": "integrator.cli.publish:publish_classes",
    "confirm-bookings": "integrator.cli.portal:confirm_bookings",
    "update-booking-status": "integrator.cli.booking_status:update_booking_status",
    "push-orderline": "integrator.cli.push:push_orderline",
    "init": "integrator.cli.setup:init",
    "check": "integrator.cli.check:check",
    "status": "integrator.cli.watch:status",
    "runs": "integrator.cli.watch:runs",
    "outbox": "integrator.cli.outbox:app",
    "explain": "integrator.cli.explain:explain",
    "booking": "integrator.cli.booking:app",
    "booking-status": "integrator.cli.booking_status:app",
    "orderline": "integrator.cli.orderline:app",
    "workshop": "integrator.cli.workshop:app",
    "mail": "integrator.cli.mail:app",
    "gdpr": "integrator.cli.gdpr:app",
    "gateway": "integrator.cli.gateway:gateway",
    "schedule": "integrator.cli.setup:schedule",
    "store": "integrator.cli.store:app",
    "standin": "integrator.cli.demo:standin",
    "demo": "integrator.cli.demo:demo",
}


class LazyGroup(TyperGroup):
    """Knows its commands by name, and loads one when it is asked for."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        self.commands = dict.fromkeys(COMMANDS, self)  # typer looks for the nearest name here, and at nothing else
        return super().resolve_command(ctx, args)

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
    epilog="Exit codes: 0 done, 1 stopped, 2 usage, 3 some items failed, 4 not found,"
    " 5 still running, or a workshop that is off or blocked, 70 store or bug, 75 try later, 78 configuration.",
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
    streams.prepare()
    try:
        ended = typer.main.get_command(app)(standalone_mode=False)
        code = ended if isinstance(ended, int) else 0
    except Exception as error:  # noqa: BLE001 (the one place that catches everything)
        from integrator.cli import edge

        code = edge.end(error)
    streams.finish()
    sys.exit(code)


def clean(text: str) -> str:
    """Text that cannot break a line, a table or a terminal: control characters become a middle dot."""
    return "".join(character if character.isprintable() else "·" for character in text)
