"""`gateway`: the doorway for systems that call us, on this machine alone, for trying it."""

import os
from typing import TYPE_CHECKING, NoReturn

import typer

from integrator.errors import UsageError

if TYPE_CHECKING:
    from integrator.home import Home

_THREADS = 8
_LARGEST = 20_000_000  # the server itself ends what is larger; up to it, we answer
_INSTALL = "pip install 'integrator[gateway]'"


def gateway(
    port: int = typer.Option(8080, "--port", metavar="P", min=0, max=65_535, help="Loopback port; 0 takes a free one."),
) -> None:
    """Serve the gateway here until it is stopped.

    For others to reach it, let the web server you have host integrator.gateway.wsgi:application, or the CGI script.

    Example: integrator gateway --port 8080
    """
    import logging
    import signal
    import socket

    from integrator.home import need_home

    try:
        import waitress  # type: ignore[import-untyped]  # it has no stubs

        from integrator.gateway import create_app
    except ModuleNotFoundError as error:
        raise UsageError(f"gateway: {error.name} is not installed", hint=_INSTALL) from None
    home = need_home(os.environ)
    _need_owner(home)
    application = create_app(home, os.environ)
    try:
        listening = socket.create_server(("127.0.0.1", port))
    except OSError as error:
        raise UsageError(f"gateway: port {port}: {error.strerror}") from None
    server = waitress.create_server(
        application,
        sockets=[listening],
        threads=_THREADS,
        ident=None,
        clear_untrusted_proxy_headers=False,  # who is trusted is said in [gateway]
        max_request_body_size=_LARGEST,
    )
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # that a request waits for a thread is no news
    signal.signal(signal.SIGTERM, _end)
    typer.echo(f"http://127.0.0.1:{listening.getsockname()[1]}  (Ctrl-C ends it)")
    server.run()


def _need_owner(home: "Home") -> None:
    """Files that another user makes in var/ would stop every job. Errors  UsageError"""
    owner = home.root.stat().st_uid
    if owner != os.geteuid():
        what = f"gateway: {home.root} belongs to user {owner}, and this is user {os.geteuid()}: run it as its owner"
        raise UsageError(what, hint=f"sudo -u '#{owner}' integrator gateway")


def _end(_number: int, _frame: object) -> NoReturn:
    raise SystemExit(0)  # waitress ends what it is at, and goes
