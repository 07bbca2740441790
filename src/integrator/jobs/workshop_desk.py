"""The workshops as an operator steers them: switched on and off, their run ended, their login tried."""

import os
import signal
import time
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from integrator.database import Database
from integrator.domain.orderlines.order import scope_of
from integrator.domain.orderlines.reasons import REASONS, text_of
from integrator.errors import Blocked, ConfigError, IntegratorError, LockHeld, NotFound, Problem, Refused, Unavailable
from integrator.home import Home
from integrator.jobs.orderline_intake import NOWHERE, Known, listed
from integrator.jobs.workshop_standing import JOB, way_out, who_has_it
from integrator.runtime import lock
from integrator.runtime.outbox import Outbox
from integrator.store.orderlines import Orderlines
from integrator.store.workshops import State, Workshops

if TYPE_CHECKING:
    from integrator.settings import Workshop
    from integrator.systems.workshops.session import BrowserSession

_KILL_WAIT_S = 5.0
_POLL_S = 0.05


def find(workshops: "Mapping[str, Workshop]", name: str) -> "Workshop":
    """The workshop of an id or a display name. Errors  NotFound: there is none; those that are there are named"""
    found = Known(workshops).find(name)
    if found is None:
        raise NotFound(f"there is no workshop {name}; {listed(workshops)}")
    return workshops[found]


# on and off -------------------------------------------------------------------------------------------------------


def set_active(db: Database, workshop: str, active: bool, *, unblock: bool, at: int) -> State:
    """Keep whether a workshop is worked for; unblock takes back a block and a pause. Gives back how it stands now."""
    with db.tx():
        Workshops(db).set_active(workshop, active, at=at)
        if unblock:
            _unblock(db, workshop, at)
        return Workshops(db).get(workshop)


def _unblock(db: Database, workshop: str, at: int) -> None:
    """Whatever waits, or is in doubt, is for the next run: a person has seen to what it waited for."""
    Workshops(db).unblock(workshop, at=at)
    Orderlines(db).hastened(workshop)
    Outbox(db, clock=lambda: at).hasten(scope_of(workshop))


def seen(db: Database, workshops: Iterable[str] | None, *, at: int) -> int:
    """A person has seen to the orders that were refused and kept nowhere; None: of all. Gives back how many."""
    with db.tx():
        named = [NOWHERE, *Workshops(db).all()] if workshops is None else workshops
        return sum(Workshops(db).seen(workshop, at=at) for workshop in named)


def end_run(
    home: Home,
    workshop: str,
    *,
    wait_s: float,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> tuple[int, bool] | None:
    """Ask the run that works for a workshop to end, and make it end after wait_s; its browser goes with it.

    Shape   its pid, and whether it had to be killed; None: no run works for it
    Errors  LockHeld: one does, but its lock does not say which process; ConfigError: it is another user's;
            Unavailable: it cannot even be killed
    """
    holder = _holder(home, workshop, sleep=sleep, clock=clock)
    if holder is None:
        return None
    for number, patience_s in ((signal.SIGTERM, wait_s), (signal.SIGKILL, _KILL_WAIT_S)):
        _send(holder, number)
        until = clock() + patience_s
        while holder.is_alive() and clock() < until:
            sleep(_POLL_S)
        if not holder.is_alive():
            return holder.pid, number == signal.SIGKILL
    raise Unavailable(
        f"workshop {workshop}: switched off, but process {holder.pid} does not end, though it was killed",
        hint=f"what keeps it? ps -o pid,stat,wchan:30 -p {holder.pid}   D: a disk that does not answer; nothing is"
        " written by it any more, and nobody else works for the workshop until it is gone",
    )


def _holder(
    home: Home, workshop: str, *, sleep: Callable[[float], None], clock: Callable[[], float]
) -> lock.Holder | None:
    """A run that starts just now has the lock already, and writes down who it is a moment later."""
    name, until = lock.name_of(JOB, workshop), clock() + 1
    while lock.is_held(home.locks, name):
        holder = lock.holder(home.locks, name)
        if holder is not None and holder.is_alive():
            return holder
        if clock() >= until:
            said = f"workshop {workshop}: its lock is held, but does not say by which process"
            raise LockHeld(said, hint=who_has_it(workshop))
        sleep(_POLL_S)
    return None


def _send(holder: lock.Holder, number: int) -> None:
    if not holder.is_alive():
        return
    try:
        os.kill(holder.pid, number)
    except ProcessLookupError:
        return
    except PermissionError:
        what = "belongs to another user: run as that one"
        raise ConfigError([Problem(f"process {holder.pid}", what)]) from None


# its login --------------------------------------------------------------------------------------------------------


def try_login(session: "BrowserSession", settings: "Workshop") -> None:
    """Log in once, and open no case. What is seen instead is kept as evidence, where there is anything to see.

    Errors  Blocked: refused, or a person must see to it; Refused: its pages are not as we know them;
            Unavailable: it cannot be tried now; ConfigError: no login is configured
    """
    from integrator.systems.browser.trouble import Trouble
    from integrator.systems.workshops.sender import UNPICTURED

    try:
        session.erp()
    except Trouble as trouble:
        told = f"{trouble.code}: {trouble.message}"
        kept = None if trouble.code in UNPICTURED else session.capture(f"{settings.id}/test-login", told)
        raise _consequence(settings, trouble.code, trouble.message, kept) from None


def _consequence(settings: "Workshop", code: str, message: str, kept: str | None) -> IntegratorError:
    seen = f"; what it showed: var/evidence/{kept}" if kept else ""
    said = f"workshop {settings.id}: log in at {settings.base_url}: {message} ({text_of(code)}){seen}"
    if REASONS[code].then == "blocked":
        return Blocked(f"{said}; its orders wait", code=code, hint=way_out(settings, code))
    if code == "layout-changed":
        return Refused(said, hint=way_out(settings, code))
    return Unavailable(said, code=code)


def keep_login(db: Database, workshop: str, *, at: int) -> tuple[State, State]:
    """It was let in: a pause, and a block because of its login, are over. Gives back how it stood before, and stands.

    Pages that were not as we know them are another thing: a login opens no case, so that it says nothing of those.
    """
    with db.tx():
        before = Workshops(db).get(workshop)
        Workshops(db).logged_in(workshop, at=at)
        if before.blocked_code != "layout-changed":
            _unblock(db, workshop, at)
        return before, Workshops(db).get(workshop)


def keep_refusal(db: Database, workshop: str, code: str, *, at: int) -> None:
    """It was turned away: as after a run, nothing is tried again until a person has looked."""
    with db.tx():
        Workshops(db).block([workshop], code, at=at)
