"""The stand-ins and the demonstration: what can be tried without any real system."""

import typer

from integrator.errors import UsageError

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


def standin(
    name: str = typer.Argument(..., help=f"One of: {', '.join(STANDINS)}.", autocompletion=lambda: list(STANDINS)),
    port: int = typer.Option(0, "--port", metavar="P", min=0, max=65_535, help="Loopback port; 0 takes a free one."),
    control_port: int = typer.Option(
        0, "--control-port", metavar="P", min=0, max=65_535, help="Port for reset, seed, faults and ledger."
    ),
) -> None:
    """Run the stand-in of one system until it is stopped.

    It is a small server that behaves as the system does, faults included.

    Example: integrator standin wordpress --port 9103
    """
    from importlib import import_module

    if name not in STANDINS:
        raise UsageError(f"standin: there is no {name!r}; expected one of {', '.join(STANDINS)}")
    module, _, kind = CLASSES[name].partition(":")
    made = getattr(import_module(f"integrator.standins.{module}"), kind)()
    try:
        served_by = import_module(f"integrator.standins.{SERVED_BY.get(name, 'base')}")
        served_by.main_serve(made, port, control_port)
    except OSError as error:  # the port is taken, or not for this user
        raise UsageError(f"standin: port {port} or {control_port}: {error.strerror}") from None


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
