"""Who has begun with something, written down beside it: a process that another one can look for."""

import os
from dataclasses import dataclass

from integrator.runtime.lock import process_started


@dataclass(frozen=True, slots=True)
class Owner:
    """A process of some machine. started is its start in the kernel's ticks: a pid alone may be another's by now.

    Shape   as text "shop-host 4711 99"; None of started is "None"
    """

    host: str
    pid: int
    started: int | None

    @classmethod
    def ourselves(cls) -> "Owner":
        return cls(_host(), os.getpid(), process_started(os.getpid()))

    @classmethod
    def read(cls, text: str) -> "Owner":
        host, pid, started = text.split()
        return cls(host, int(pid), None if started == "None" else int(started))

    def __str__(self) -> str:
        return f"{self.host} {self.pid} {self.started}"

    @property
    def shown(self) -> str:
        return f"process {self.pid} on {self.host}"

    @property
    def works(self) -> bool:
        """Whether it is still there; of a process on another machine nobody here can say that it is not."""
        return self.host != _host() or process_started(self.pid) == self.started


def holder(owner: str | None, until: int | None, *, at: float) -> Owner | None:
    """Who works on it, as far as can be known: somebody whose lease goes on, and who has not gone without a word."""
    if owner is None or until is None or until <= at:
        return None
    found = Owner.read(owner)
    return found if found.works else None


def _host() -> str:
    import socket  # only for who writes: most starts find nothing to do

    return socket.gethostname()
