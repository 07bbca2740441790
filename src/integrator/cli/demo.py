"""The stand-ins and the demonstration: what can be tried without any real system."""

from typing import TYPE_CHECKING

import typer

from integrator.errors import UsageError

if TYPE_CHECKING:
    from integrator.standins.base import StandIn

STANDINS = {
    "maconomy": 9101,
    "wordpress": 9103,
    "mailgun": 9105,
    "trainingportal": 9106,
    "au2office": 9111,
    "admanager": 9112,
    "oilmat": 9113,
}
CLASSES = {
    "maconomy": "maconomy:Maconomy",
    "wordpress": "wordpress:WordPress",
    "mailgun": "mailgun:Mailgun",
    "trainingportal": "trainingportal:Trainingportal",
    "au2office": "au2office:Au2Office",
    "admanager": "admanager:AdManager",
    "oilmat": "oilmat:OilMat",
}
SERVED_BY = {"au2office": "workshop.standin", "admanager": "workshop.standin"}  # all others: base


def _names() -> list[str]:
    return list(STANDINS)


def standin(
    context: typer.Context,
    name: str = typer.Argument(
        "", metavar="NAME", help=f"One of: {', '.join(STANDINS)}.", autocompletion=_names, show_default=False
    ),
    port: int = typer.Option(0, "--port", metavar="P", min=0, max=65_535, help="Loopback port; 0 takes a free one."),
    control_port: int = typer.Option(
        0, "--control-port", metavar="P", min=0, max=65_535, help="Port for reset, seed, faults and ledger."
    ),
    explain: bool = typer.Option(
        False, "--help", help="Show this message; with NAME also its login, and what its control port takes."
    ),
) -> None:
    """Run the stand-in of one system until it is stopped.

    It is a small server that behaves as the system does, faults included.

    Example: integrator standin wordpress --port 9103 --control-port 9203
    """
    from importlib import import_module

    if explain:
        typer.echo(context.get_help())
    if name not in STANDINS:
        if explain and not name:
            return
        what = f"there is no {name!r}" if name else "its name is missing"
        raise UsageError(f"standin: {what}; expected one of {', '.join(STANDINS)}")
    module, _, kind = CLASSES[name].partition(":")
    found = getattr(import_module(f"integrator.standins.{module}"), kind)
    if explain:
        _tell(found, port or STANDINS[name], control_port or STANDINS[name] + 100)
        return
    made = found()
    try:
        served_by = import_module(f"integrator.standins.{SERVED_BY.get(name, 'base')}")
        served_by.main_serve(made, port, control_port)
    except OSError as error:  # the port is taken, or not for this user
        raise UsageError(f"standin: port {port} or {control_port}: {error.strerror}") from None


def _tell(found: "type[StandIn]", port: int, control_port: int) -> None:
    from integrator.standins.guide import told

    address = "http://127.0.0.1:{}"
    typer.echo("\n" + told(found, address.format(port), address.format(control_port)))


def demo(
    keep: bool = typer.Option(False, "--keep", help="Keep the demonstration's home folder, and say where it is."),
    look: bool = typer.Option(
        False, "--look", help="Then keep the stand-ins until Enter, to look at the mails in a browser."
    ),
) -> None:
    """Show everything on this machine alone.

    Stand-ins for the outside systems are started, then the jobs run, for real.

    Example: integrator demo --look
    """
    from integrator.demo import show

    raise typer.Exit(show(keep=keep, look=look))
