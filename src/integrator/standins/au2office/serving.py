"""Serves au2office on its two origins: the app's port and the login's. One ledger and one control port for both."""

from typing import Any

from integrator.standins.au2office import Au2Office
from integrator.standins.base import _Server
from integrator.standins.workshop.standin import WorkshopRunning


class TwoOrigins(WorkshopRunning):
    """A served au2office: `url` is the app, `auth_url` the login. They differ in their ports only, so that both are
    one site to a browser (cookies with SameSite pass), as two hosts of one domain are.
    """

    def __init__(self, standin: Au2Office, host: str, port: int, control_port: int, auth_port: int) -> None:
        super().__init__(standin, host, port, control_port)
        try:
            self._auth = _Server(host, auth_port, self._answer)
        except Exception:
            super().stop()
            raise
        self.auth_url = self._auth.url
        standin.app, standin.auth = self.url, self.auth_url

    @property
    def ready(self) -> dict[str, Any]:
        return {**super().ready, "auth_url": self.auth_url}

    def stop(self) -> None:
        self.faults.gate.close()
        self._auth.stop()
        super().stop()


def serve(standin: Au2Office, *, port: int = 0, control_port: int = 0, auth_port: int = 0) -> TwoOrigins:
    """Serve it on 127.0.0.1 until `stop` or the end of the `with` block. Errors: UsageError: a port is taken."""
    return TwoOrigins(standin, "127.0.0.1", port, control_port, auth_port)
