"""What one run of push-orderline takes in and tells: files, and OilMat, which holds up nothing when it cannot be had.

An OilMat that does not answer, or does not let us in, is asked nothing more in this run, and told only at its end.
"""

import math
import time
import zlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from integrator.domain.orderlines.order import STATUS_EFFECT, scope_of
from integrator.errors import (
    BadAnswer,
    ConfigError,
    IntegratorError,
    LockHeld,
    Refused,
    Stopped,
    StoreDamaged,
    Unavailable,
)
from integrator.jobs import orderline_telling
from integrator.runtime import lock

if TYPE_CHECKING:
    from integrator.jobs.orderline_intake import Intake, Taken
    from integrator.jobs.orderline_runs import Parts
    from integrator.runtime.delivery import Delivery
    from integrator.runtime.run import Run

NAMED = 20  # so many refused orders, and unknown fields, are named; the rest is counted
BRIEF_S = 5.0  # for one request beside the children: nobody collects them meanwhile
SHARE_S = 1.0  # for asking, and for telling, in one beat: afterwards no further request is begun
TELLING = "oilmat-status"  # the lock of who tells: what another run is telling now would look like left by a dead one


@dataclass
class Exchange:
    """To be used as a context: whatever happens in it, the report says what was exchanged.

    scope    of the statuses that are told; None: of every workshop
    trouble  the gravest that the run met: raised when everything else is done
    """

    run: "Run"
    parts: "Parts"
    workshops: Sequence[str]
    scope: str | None = None
    tick: Callable[[], float] = time.monotonic
    trouble: IntegratorError | None = field(default=None, init=False)
    _to_ask: deque[str] = field(default_factory=deque, init=False)
    _left_alone: bool = field(default=False, init=False)
    _until: float = field(default=math.inf, init=False)
    _delivery: "Delivery | None" = field(default=None, init=False)
    _waited: int = field(default=0, init=False)
    _changed: set[str] = field(default_factory=set, init=False)
    _bad: int = field(default=0, init=False)
    _ignored: dict[str, None] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        if self._has_oilmat:
            self._to_ask.extend(self.workshops)
            # Each run begins with another one, so that a workshop that is always refused starves none behind it.
            self._to_ask.rotate(zlib.crc32(b"%d" % self.run.id))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self._delivery is not None:
            self.run.take_over(self._delivery)
        if self._ignored:
            self.run.remark(f"fields that nobody knows were ignored: {', '.join(self._ignored)}")

    # in -----------------------------------------------------------------------------------------

    def take_files(self) -> None:
        """Take what lies in the spool folders; a dry run leaves it there."""
        found = self.parts.settings
        spool = found.oilmat.spool if found.oilmat else found.home.spool / "orderlines"
        for workshop in self.workshops:
            self._count(self._intake.take_files(spool, workshop, moves=not self.run.dry))

    def ask(self) -> None:
        """Ask OilMat for every workshop's orders. Errors  Stopped, ConfigError, StoreDamaged"""
        self._ask(None)

    def beat(self) -> None:
        """What came meanwhile, and what became of it, in a moment beside the children.

        Errors  Stopped, ConfigError, StoreDamaged
        """
        self.take_files()
        with self._share():
            self._ask(self._brief_s)
        self._write_down()
        if not self._left_alone:
            with self._share():
                self._deliver(self._brief_s)

    def _ask(self, at_most_s: float | None) -> None:
        for _ in range(len(self._to_ask)):
            if not self._to_ask or self.tick() >= self._until:
                return
            self._to_ask.rotate(-1)
            try:
                self._fetch(self._to_ask[-1], at_most_s)
            except (Stopped, ConfigError, StoreDamaged):
                raise
            except IntegratorError as error:
                self.met(error)
                self._to_ask.pop()
                if _concerns_all(error):
                    self._leave_alone()

    def _fetch(self, workshop: str, at_most_s: float | None) -> None:
        from integrator.jobs.orderline_intake import fetch

        assert self.parts.oilmat is not None
        for taken in fetch(self._intake, self.parts.oilmat(), workshop, at_most_s=at_most_s):
            self._count(taken)
            if self.tick() >= self._until:  # the cursor is kept: the next time goes on there
                return

    def _leave_alone(self) -> None:
        self._left_alone = True
        self._to_ask.clear()

    def _count(self, taken: "list[Taken]") -> None:
        for one in taken:
            self.run.count(**{f"taken.{one.result.replace(' ', '_')}": 1})
            self.run.count(**{"taken.credentials": int(one.credentials_in_payload)})
            self._ignored.update(dict.fromkeys(one.ignored[: NAMED - len(self._ignored)]))
            if not one.is_good:
                self._set_aside(one)

    def _set_aside(self, one: "Taken") -> None:
        from integrator.jobs.orderline_intake import key_shown

        self._bad += 1
        if self._bad > NAMED:  # a file of zeros holds a hundred thousand of them
            where = "orderline queue --type error lists those with an id, rejected/ says of files what is wrong"
            self.run.set_aside("further orders", f"{self._bad - NAMED} more were refused; {where}")
            return
        name, number = f"order {key_shown(one)}", 2
        while name in self.run.report.failed:  # without an id they are called alike
            name, number = f"order {key_shown(one)} ({number})", number + 1
        self.run.set_aside(name, one.reason)

    # out ----------------------------------------------------------------------------------------

    def tell(self) -> None:
        """Write down what OilMat is to be told, and rewrite the files that are not true."""
        if not self.run.dry:
            self._write_down()
            folder = self.parts.settings.home.status
            orderline_telling.write_files(self.run, self.workshops, folder=folder, changed=self._changed)
            self._changed.clear()

    def finish(self) -> None:
        """Tell OilMat the rest, also one that was left alone. Errors  Stopped, and the run's trouble"""
        self._deliver(None)
        if self.trouble is not None:
            raise self.trouble

    def met(self, error: IntegratorError) -> None:
        """Remember trouble. Of two the graver one ends the run, the other is said beside it."""
        graver, other = error, self.trouble
        if other is not None and _gravity(other) >= _gravity(error):
            graver, other = other, error
        self.trouble = graver
        if other is not None:
            self.run.remark(other.message)

    def _write_down(self) -> None:
        if not self.run.dry:
            queue = self.parts.oilmat is not None
            self._changed |= orderline_telling.write_down(self.run, self.workshops, queue=queue)

    def _deliver(self, at_most_s: float | None) -> None:
        if not self._has_oilmat or not self.run.outbox.pending(STATUS_EFFECT, scope=self._scope):
            return
        assert self.parts.oilmat is not None
        sender = self.parts.oilmat().statuses(at_most_s=at_most_s)
        if self._delivery is None:
            self._delivery = self._made(sender)
        self._delivery.sender = sender
        self._waited = len(self._delivery.tally.waiting)
        try:
            with lock.hold(self.parts.settings.home.locks, TELLING, since=self.run.now):
                self._tell_in_turn(self._delivery)
        except LockHeld:  # a run beside us tells them; what it leaves is the next one's
            return
        except (Refused, Unavailable) as error:
            self.met(error)
            self._leave_alone()
        if self._has_failed():
            self._leave_alone()

    def _tell_in_turn(self, delivery: "Delivery") -> None:
        """One workshop's first, in each run another's, then all: one that is always refused starves none behind it."""
        if self._scope is None and (waiting := self.run.outbox.scopes(STATUS_EFFECT)):
            delivery.scope = waiting[zlib.crc32(b"%d" % self.run.id) % len(waiting)]
            try:
                delivery.run()
            finally:
                delivery.scope = None
        delivery.run()

    def _made(self, sender: Any) -> "Delivery":
        return self.run.delivery(
            STATUS_EFFECT,
            sender,
            keep=lambda message, done: None,
            pause=self._is_enough,
            scope=self._scope,
            waits=False,
        )

    def _is_enough(self) -> bool:
        """Asked before every status. At the end of a run that was told off, one that does not arrive is enough, too."""
        in_a_hurry = self._left_alone or self._until < math.inf
        return self.tick() >= self._until or (in_a_hurry and self._has_failed())

    def _has_failed(self) -> bool:
        return self._delivery is not None and len(self._delivery.tally.waiting) > self._waited

    @contextmanager
    def _share(self) -> Iterator[None]:
        self._until = self.tick() + SHARE_S
        try:
            yield
        finally:
            self._until = math.inf

    # with what ----------------------------------------------------------------------------------

    @property
    def _has_oilmat(self) -> bool:
        return self.parts.oilmat is not None and not self.run.dry

    @property
    def _scope(self) -> str | None:
        return None if self.scope is None else scope_of(self.scope)

    @property
    def _brief_s(self) -> float:
        oilmat = self.parts.settings.oilmat
        return min(BRIEF_S, oilmat.timeout_s) if oilmat else BRIEF_S

    @property
    def _intake(self) -> "Intake":
        from integrator.jobs.orderline_intake import Intake

        return Intake(self.run.db, self.parts.settings.workshops, self.run.clock, self.run.id)


def _concerns_all(error: IntegratorError) -> bool:
    """It is not had, or lets us in nowhere. An answer that cannot be read may be one workshop's."""
    return isinstance(error, Unavailable) or (isinstance(error, Refused) and not isinstance(error, BadAnswer))


def _gravity(error: IntegratorError) -> int:
    """A person must do something, or a later run will do, or nothing is the matter."""
    return 2 if isinstance(error, Refused) else 1 if isinstance(error, Unavailable) else 0
