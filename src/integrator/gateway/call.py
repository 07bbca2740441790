"""What a request is answered with at hand: this home, its settings and its store."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import flask

from integrator.database import Database, missing
from integrator.desk import PATIENCE_S, Desks
from integrator.gateway import bodies
from integrator.gateway.answers import refuse
from integrator.gateway.guard import Guard
from integrator.gateway.limiter import Limiter
from integrator.gateway.signatures import Signatures
from integrator.home import Home, make_var
from integrator.jobs.booking import Desk
from integrator.jobs.orderline_intake import Intake
from integrator.runtime import lock
from integrator.settings import Settings
from integrator.store import open_store
from integrator.store.reading import open_to_read

LOCK_PATIENCE_S = 2.0  # with another change by hand: those take milliseconds


@dataclass(frozen=True)
class Here:
    """One home as the gateway serves it. Nothing in it changes between two requests."""

    home: Home
    settings: Settings
    guard: Guard
    limiter: Limiter
    signatures: Signatures
    desks: Desks
    clock: Callable[[], float]

    def now(self) -> datetime:
        return datetime.fromtimestamp(int(self.clock()), UTC)

    def desk(self, *, make: bool = True) -> "AbstractContextManager[Desk]":
        """The booking desk, as the commands have it. make, Errors: as Desks.open"""
        return self.desks.open(make=make)

    @contextmanager
    def intake(self) -> Iterator[Intake]:
        """Where orderlines are kept."""
        with self.desk() as desk:
            yield Intake(desk.db, self.settings.workshops, self.clock)

    @contextmanager
    def reading(self) -> Iterator[Database | None]:
        """The store for looking; None when there is none yet. Errors  StoreDamaged: it is gone"""
        if self.desks.may_make():
            yield None
            return
        path = self.settings.store.path
        db = open_to_read(path, patience_s=PATIENCE_S)
        if db is None and not path.exists():
            raise missing(path)
        try:
            yield db
        finally:
            if db is not None:
                db.close()

    @contextmanager
    def writing(self) -> Iterator[Database]:
        """The store for a change by hand. Jobs may run beside it; a restore may not, so its lock is held.

        Errors  LockHeld: somebody else has it for longer than a change takes; StoreDamaged: it is gone
        """
        home, path = self.home, self.settings.store.path
        if self.desks.may_make():
            with self.desk():  # as by any other request, which may come at the same moment
                pass
        make_var(home, path)
        with lock.wait_for(home.locks, "store", patience_s=LOCK_PATIENCE_S):
            db = open_store(path, backups=home.backups, make=False, patience_s=PATIENCE_S).db
            try:
                yield db
            finally:
                db.close()


@dataclass(frozen=True)
class Call:
    """One request that was let in. path: the parts of the address; limit: of its body, in bytes."""

    here: Here
    request: flask.Request
    path: Mapping[str, Any]
    limit: int

    def body(self) -> bytes:
        return bodies.read(self.request, limit=self.limit)

    def query(self, name: str) -> str | None:
        """The value of a parameter, trimmed; None: there is none, or it is empty. Two of them end the request."""
        found = self.values(name)
        if len(found) > 1:
            refuse(400, "stands there more than once, and not the same", code="repeated", field=name)
        return next(iter(found), None)

    def values(self, name: str) -> tuple[str, ...]:
        """The different values of a parameter, trimmed; an empty one is none."""
        return tuple(dict.fromkeys(text for one in self.request.args.getlist(name) if (text := one.strip())))

    def link(self, path: str) -> str:
        """An address of ours, wherever a server has put us."""
        return f"{self.request.script_root}{path}"
