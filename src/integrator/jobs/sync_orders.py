"""sync-orders: participants of complete orders are registered in Maconomy, then their confirmations are sent.

Reads   complete orders from the store; what became of earlier mails from Mailgun's events
Keeps   how far each registration and each mail is, in the outbox; results of mails
Writes  one registration per participant to Maconomy; one mail per participant and one to the customer by Mailgun
Guard   after any doubt it looks before it sends again; a confirmation whose fate nobody knows waits for a person
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from integrator.domain.ordered import CONFIRMATION, REGISTRATION, confirmation, confirmation_key, scope_of
from integrator.errors import ConfigError, IntegratorError, Refused, Stopped, Unavailable
from integrator.store.mails import Mails
from integrator.store.orders import Orders

if TYPE_CHECKING:
    from integrator.domain.mails import Results
    from integrator.effects import Done, Message, Sender
    from integrator.runtime.delivery import Delivery
    from integrator.runtime.run import Run

_LOOK_EVERY_S = 0.1  # at a counter in the store's file, while draining
_PASS_EVERY_S = 5.0  # for what waits for its next try, or is in doubt
_SLICE_S = 2.0  # of registrations, while mails wait
_REST_S = 10.0  # before a system that did not answer is tried again in the same run
STALE_S = 3 * 86_400


@dataclass
class Systems:
    """What the story delivers to; each is made when it is first needed, because most starts find nothing to do.

    confirmations, events   None: [mailgun] is switched off
    """

    registrations: "Callable[[], Sender]"
    confirmations: "Callable[[], Sender] | None"
    events: "Callable[[], Results] | None" = None


def sync_orders(run: "Run", systems: Systems, *, order: int | None = None, drain_s: float = 0.0) -> None:
    """Deliver what waits, and go on for drain_s seconds with what comes meanwhile.

    Errors  NotFound: no such order; Stopped; at the end, when all else is done: Refused (Maconomy or Mailgun rejects
            us as a whole), ConfigError (a mail text is broken)
    """
    scope = None
    if order is not None:
        Orders(run.db).get(order)
        scope = scope_of(order)
    _expire(run)
    until = time.monotonic() + drain_s if drain_s else math.inf
    registrations = _Lane(run, REGISTRATION, systems.registrations, _registered(run), scope, until, slice_s=_SLICE_S)
    lanes = [registrations]
    if systems.confirmations is not None:
        mails = _Lane(run, CONFIRMATION, systems.confirmations, _queued(run), scope, until, slice_s=0.0)
        mails.other, registrations.other = registrations, mails
        lanes.append(mails)
    if run.dry:
        _plan(run, lanes)
        return
    try:
        _drain(run, lanes, time.monotonic() + drain_s)
    finally:
        for lane in lanes:
            lane.end()
    if systems.confirmations is None and (waiting := run.outbox.pending(CONFIRMATION)):
        run.remark(f"[mailgun] is switched off: {waiting} confirmation(s) stay in the outbox")
    if systems.events is not None and order is None:
        _read_results(run, systems.events)
    for lane in lanes:
        if lane.refused is not None:
            raise lane.refused


class _Lane:
    """The deliveries of one effect in one run. Trouble of one system holds back neither the other nor new orders.

    slice_s   how long it goes on while messages of the other lane are due; one message goes in any case
    """

    def __init__(
        self,
        run: "Run",
        effect: str,
        make: "Callable[[], Sender]",
        keep: "Callable[[Message, Done], None]",
        scope: str | None,
        until: float,
        *,
        slice_s: float,
    ) -> None:
        self.effect = effect
        self.make = make
        self.other: _Lane | None = None
        self.refused: Refused | ConfigError | None = None
        self.paused = False
        self._run = run
        self._keep = keep
        self._scope = scope
        self.until = until
        self._slice_s = slice_s
        self._begun = 0.0
        self._units = 0
        self._delivery: Delivery | None = None
        self._rests_until = 0.0
        self._unavailable: str | None = None

    def has_due(self) -> bool:
        """A message may be sent now."""
        if self.refused is not None or time.monotonic() < self._rests_until:
            return False
        next_at = self._run.outbox.next_due(self.effect, scope=self._scope)
        return next_at is not None and next_at <= self._run.clock()

    def has_work(self) -> bool:
        """Something can be done now, as far as the store knows: sent, or looked up."""
        if self.refused is not None or time.monotonic() < self._rests_until:
            return False
        return self.has_due() or bool(self._run.outbox.in_doubt(self.effect, scope=self._scope))

    def pass_by(self) -> None:
        """One pass. A system that cannot be had rests for a while; one that rejects us is left alone."""
        self.paused, self._units, self._begun = False, 0, time.monotonic()
        if not self.has_work():
            return
        try:
            if self._delivery is None:
                self._delivery = self._run.delivery(
                    self.effect, self.make(), keep=self._keep, pause=self._pause, scope=self._scope, waits=False
                )
            self._delivery.run()
            self._unavailable = None
        except Stopped:
            raise
        except Unavailable as error:
            self._unavailable = error.message
            self._rests_until = time.monotonic() + max(_REST_S, error.retry_after_s or 0.0)
        except (Refused, ConfigError) as error:
            self.refused = error

    def end(self) -> None:
        """Into the run's report; why a system could not be had says more than how many messages wait for it."""
        waiting = self._run.report.waiting
        if self._unavailable is not None:
            waiting[self.effect] = self._unavailable
        if self._delivery is not None:
            self._run.take_over(self._delivery)
        elif left := self._run.outbox.pending(self.effect, scope=self._scope):  # none of it was due: no success yet
            waiting.setdefault(self.effect, f"{left} message(s) wait for their next try")

    def _pause(self) -> bool:
        """Before each message: is the time up, or is it the other lane's turn?"""
        now = time.monotonic()
        others_turn = self.other is not None and now - self._begun >= self._slice_s and self.other.has_due()
        self.paused = bool(self._units) and (now >= self.until or others_turn)
        self._units += 1
        return self.paused


def _drain(run: "Run", lanes: list[_Lane], until: float) -> None:
    """Pass by all lanes, as long as there is time, whenever something is new or one has to go on."""
    while True:
        seen = _version(run)
        for lane in lanes:
            lane.pass_by()
        if any(lane.paused for lane in lanes) and time.monotonic() < lanes[0].until:
            continue
        if not _news(run, lanes, seen, until):
            return


def _news(run: "Run", lanes: list[_Lane], seen: int, until: float) -> bool:
    """Wait until another process has written to the store, or it is time for another pass; False: the time is up.

    The counter is a few bytes of the file's first page: looking at it costs some microseconds and no lock.
    """
    pass_at = time.monotonic() + _PASS_EVERY_S
    while (now := time.monotonic()) < until:
        if _version(run) != seen:
            return True
        if now >= pass_at:
            if any(lane.has_work() for lane in lanes):
                return True
            pass_at = now + _PASS_EVERY_S
        run.stopper.sleep(min(_LOOK_EVERY_S, until - now))
    return False


def _version(run: "Run") -> int:
    """Changes when another connection has committed."""
    return int(run.db.value("PRAGMA data_version"))


def _registered(run: "Run") -> "Callable[[Message, Done], None]":
    """What is kept with a registration: who is in, and the confirmations that follow from it."""

    def keep(message: "Message", done: "Done") -> None:
        orders = Orders(run.db)
        order_id = orders.registered(message.key, at=int(run.clock()))
        order, people = orders.get(order_id), orders.people(order_id)
        if order["channel"] != "own":
            return  # a reseller writes to its own customers
        mails = {
            confirmation_key(order_id, person["number"]): confirmation(order, [person], to=person)
            for person in people
            if person["reference"] == message.key
        }
        if all(person["registered_no"] is not None for person in people):
            mails[confirmation_key(order_id, None)] = confirmation(order, people, to=None)
        for key, body in mails.items():
            caused_at = order["completed_at"]
            run.outbox.once(CONFIRMATION, key, body, scope=scope_of(order_id), caused_at=caused_at)

    return keep


def _queued(run: "Run") -> "Callable[[Message, Done], None]":
    def keep(message: "Message", done: "Done") -> None:
        Mails(run.db).queued(message.key, done.remote_id or "", at=int(run.clock()))

    return keep


def _expire(run: "Run") -> None:
    """A confirmation that lay here for days (Mailgun was switched off, or down) would only confuse now."""
    if run.dry:
        return
    reason = "too old to be sent by itself; outbox retry sends it all the same"
    with run.db.tx():
        for key in run.outbox.expire(CONFIRMATION, before=run.clock() - STALE_S, reason=reason):
            run.set_aside(f"{CONFIRMATION} {key}", reason)


def _plan(run: "Run", lanes: list[_Lane]) -> None:
    for lane in lanes:
        if lane.has_work():
            run.deliver(lane.effect, lane.make(), keep=lambda message, done: None)


def _read_results(run: "Run", make: "Callable[[], Results]") -> None:
    """What became of earlier mails; that it cannot be read now holds nothing back."""
    from integrator.jobs.mail_results import is_due, read_results

    if not is_due(run):
        return
    from integrator.store.courses import SetAside

    trouble: dict[str, tuple[str, str]] = {}
    try:
        read_results(run, make())
    except Stopped:
        raise
    except Unavailable as error:  # the next run reads them
        run.remark(f"delivery results could not be read: {error.message}")
        return
    except IntegratorError as error:
        run.remark(f"delivery results could not be read: {error.message}")
        trouble = {"mailgun": ("unreadable", error.message)}
    with run.db.tx():
        SetAside(run.db).replace("mail events", trouble, at=run.at, run_id=run.id)
