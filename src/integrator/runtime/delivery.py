"""Delivering what waits in the outbox: send once, and after any doubt look before sending again.

The other system is the only truth about an effect. We only ever know that nothing was sent, that
something may have happened, or that it is known to be done.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from integrator.effects import Done, Message, Sender
from integrator.errors import (
    BadAnswer,
    Conflict,
    InDoubt,
    IntegratorError,
    ItemError,
    Postponed,
    Refused,
    Rejected,
    Unavailable,
)
from integrator.runtime.outbox import Outbox

UNCERTAIN_LIMIT_S = 24 * 3600
UNCERTAIN = "uncertain"  # the code of what stayed in doubt for longer
ABSENT = "looked up: it is not there"
POSTPONED_S = 60
LOOK_AGAIN_S = 10
GIVE_UP_AFTER = 5  # units in a row without one clear answer: the system is down, leave the rest for the next run


@dataclass(frozen=True)
class Patience:
    """attempts over all runs before a message is dead; backoff_s after the 1st, 2nd …, the last repeats."""

    attempts: int = 8
    backoff_s: tuple[float, ...] = (60, 300, 900, 3600)

    def wait_s(self, attempt: int, asked_s: float | None) -> float:
        """Seconds until the next try; what the other side asked for wins when it is longer."""
        return max(self.backoff_s[min(attempt, len(self.backoff_s)) - 1], asked_s or 0.0)


@dataclass
class Tally:
    """What a delivery did, by result; what failed, and what still waits, by key with the reason."""

    counts: dict[str, int] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    waiting: dict[str, str] = field(default_factory=dict)

    def wait(self, key: str, reason: str) -> None:
        self.finish(key)
        self.waiting[key] = reason

    def fail(self, key: str, reason: str) -> None:
        self.finish(key)
        self.failed[key] = reason

    def finish(self, key: str) -> None:
        """What was said of it before, in the same run, is no longer true."""
        self.waiting.pop(key, None)
        self.failed.pop(key, None)


def look_yourself(message: Message) -> str:
    drop, again = f"integrator outbox drop {message.id}", f"integrator outbox retry {message.id} --without-looking"
    return f"look there yourself; is it in: {drop}; is it not: {again}"


@dataclass
class Delivery:
    """Brings the messages of one effect to one sender, oldest first; trouble holds back its own key only.

    prepare is called in the transaction that begins a message, keep in the one that completes it, note in the one
    that says that it is not done, with the state it has from then on; critical postpones a stop request.

    scope   only the messages of one order, class or workshop
    look    asked before one in doubt is looked up; no: it is left as it is
    waits   what a killed run left is waited for until it is settled. A run that passes by again and again does not
            wait, and looks for the same message only every LOOK_AGAIN_S
    pause   asked before every unit: something more urgent is there, the rest is for the next pass
    advise  what a person does about one of which nobody can tell whether it is there
    """

    outbox: Outbox
    effect: str
    sender: Sender
    patience: Patience
    critical: Callable[[], AbstractContextManager[None]]
    sleep: Callable[[float], None]
    prepare: Callable[[Message], None] = lambda message: None
    keep: Callable[[Message, Done], None] = lambda message, done: None
    note: Callable[[Message, str, IntegratorError], None] = lambda message, state, error: None
    advance: Callable[[int], None] = lambda number: None
    pause: Callable[[], bool] = lambda: False
    look: Callable[[Message], bool] = lambda message: True
    advise: Callable[[Message], str] = look_yourself
    scope: str | None = None
    waits: bool = True
    tally: Tally = field(default_factory=Tally)
    _looked: dict[int, float] = field(default_factory=dict)

    def run(self) -> Tally:
        """Settle what is in doubt, send what is due. May be called again.

        Errors  Refused, Unavailable: concern all messages, the rest stays received; Stopped: asked to end
        """
        unsettled_s = self._settle_doubts()
        self._send_due()
        if unsettled_s is not None and self.waits:
            # A run that ended in the middle left it. Its request may still arrive: wait until it cannot, look again.
            self.sleep(unsettled_s)
            self._settle_doubts()
            self._send_due()
        return self.tally

    # sending ------------------------------------------------------------------------------------

    def _send_due(self) -> None:
        silent = 0
        while messages := self.outbox.due(self.effect, scope=self.scope):
            for group in self.sender.groups(messages):
                if self.pause():
                    return
                results = self._deliver(group)
                self.advance(len(group))
                last = results[-1] if results else None
                if isinstance(last, Unavailable) and all(_is_silence(result) for result in results):
                    silent += 1
                    if silent >= GIVE_UP_AFTER:
                        raise Unavailable(f"{last.message}; {silent} times in a row: the rest waits for the next run")
                elif results:
                    silent = 0

    def _deliver(self, group: Sequence[Message]) -> Sequence[Done | IntegratorError]:
        """One unit: written down as begun, sent, and its outcome written down, with no stop in between."""
        with self.critical():
            begun = self.outbox.begin(group, prepare=self.prepare)
            if not begun:
                return []
            results = self._send(begun)
            with self.outbox.db.tx():
                for message, result in zip(begun, results, strict=True):
                    self._write_down(message, result)
        for result in results:
            if isinstance(result, Refused):
                raise result
        return results

    def _send(self, group: Sequence[Message]) -> Sequence[Done | IntegratorError]:
        try:
            return [
                InDoubt(answer.message) if isinstance(answer, BadAnswer) else answer
                for answer in self.sender.send(group)
            ]
        except (InDoubt, BadAnswer, ItemError) as error:  # raised for all of them: it does not say that nothing left
            return [InDoubt(error.message)] * len(group)
        except (Unavailable, Refused) as error:
            self._give_back(group, error)
            raise

    def _give_back(self, group: Sequence[Message], error: IntegratorError) -> None:
        """Nothing left for any of them: no attempt is used up; an unavailable system is left alone for a while."""
        asked_s = error.retry_after_s if isinstance(error, Unavailable) else None
        with self.outbox.db.tx():
            if asked_s:  # asked of us, not of these messages
                self.outbox.postpone(self.effect, self.outbox.clock() + asked_s, scope=self.scope)
            for message in group:
                wait_s = self.patience.wait_s(message.attempts + 1, asked_s) if isinstance(error, Unavailable) else 0.0
                next_at = self.outbox.clock() + wait_s
                self._put_back(message, error, attempts=message.attempts, next_at=next_at)

    def _write_down(self, message: Message, result: Done | IntegratorError) -> None:
        attempts = message.attempts + 1
        if isinstance(result, Done):
            self._complete(message, result)
        elif isinstance(result, InDoubt):
            self._doubt(message, result)
            self.tally.wait(message.key, result.message)
        elif isinstance(result, Refused):  # concerns all of them: no attempt is used up, and the run stops
            self._put_back(message, result, attempts=message.attempts, next_at=self.outbox.clock())
        elif isinstance(result, Postponed):
            next_at = self.outbox.clock() + POSTPONED_S
            self._put_back(message, result, attempts=message.attempts, next_at=next_at)
            self.tally.wait(message.key, result.message)
        elif isinstance(result, ItemError) or attempts >= self.patience.attempts:
            self._fail(message, result)
        elif isinstance(result, Unavailable):
            next_at = self.outbox.clock() + self.patience.wait_s(attempts, result.retry_after_s)
            self._put_back(message, result, attempts=attempts, next_at=next_at)
            self.tally.wait(message.key, result.message)
        else:
            raise result

    def _complete(self, message: Message, done: Done) -> None:
        self.outbox.complete(message, done.remote_id)
        self.keep(message, done)
        self.tally.finish(message.key)
        self.tally.counts[done.result] = self.tally.counts.get(done.result, 0) + 1

    def _put_back(self, message: Message, error: IntegratorError, *, attempts: int, next_at: float) -> None:
        self.outbox.put_back(message, error.message, attempts=attempts, next_at=next_at)
        self.note(message, "received", error)

    def _doubt(self, message: Message, error: IntegratorError) -> None:
        self.outbox.doubt(message, error.message)
        self.note(message, "processing", error)

    def _fail(self, message: Message, error: IntegratorError, *, doubted: bool = False) -> None:
        # Brought back, what may be there already is looked for first.
        self.outbox.fail(message, error.message, doubted=doubted or isinstance(error, Conflict))
        self.note(message, "failed", error)
        self.tally.fail(message.key, error.message)

    # after a doubt --------------------------------------------------------------------------------

    def _settle_doubts(self) -> float | None:
        """Look up every message whose outcome is unknown.

        Gives back the seconds until the youngest one that is not there can no longer arrive, None when there is none.
        """
        wait_s: float | None = None
        silent = 0
        for message in self._to_look_up():
            if self.pause():
                break
            # Counted from the moment of the doubt, and never longer: it left before now, also by a clock set back.
            since = max(message.sent_at, message.uncertain_since or 0)
            unsettled_s = min(since + self.sender.settle_s - self.outbox.clock(), self.sender.settle_s)
            try:
                found = self.sender.look_up(message)
            except (Conflict, Unavailable, BadAnswer) as error:
                self._still_unknown(message, error)
                silent = silent + 1 if _is_silence(error) else 0
                if silent >= GIVE_UP_AFTER:
                    raise Unavailable(f"{error.message}; {silent} times in a row: nothing new is sent") from None
                continue
            silent = 0
            if found is None and unsettled_s > 0 and not self.sender.repeatable(message):
                self.tally.wait(message.key, f"{_why_open(message)}; it is not there yet, and may still arrive")
                wait_s = max(wait_s or 0.0, unsettled_s)
                continue
            with self.outbox.db.tx():
                if found is not None:
                    self._complete(message, found)
                elif not self.sender.resends:
                    held = f"held: it may have arrived, though nothing there tells of it; {self.advise(message)}"
                    self._fail(message, Rejected(held), doubted=True)
                elif message.attempts >= self.patience.attempts:
                    given_up = f"not there after {message.attempts} attempts; {message.key} was left alone"
                    self._fail(message, Rejected(given_up))
                else:
                    absent = Unavailable(ABSENT)
                    self._put_back(message, absent, attempts=message.attempts, next_at=0)
                    self.tally.finish(message.key)
        return wait_s

    def _to_look_up(self) -> list[Message]:
        """What is in doubt, but for what an earlier pass of this run looked for a moment ago."""
        now = self.outbox.clock()
        messages = [message for message in self.outbox.in_doubt(self.effect, scope=self.scope) if self.look(message)]
        if not self.waits:
            messages = [found for found in messages if abs(now - self._looked.get(found.id, 0.0)) >= LOOK_AGAIN_S]
            self._looked.update((message.id, now) for message in messages)
        return messages

    def _still_unknown(self, message: Message, error: IntegratorError) -> None:
        since = message.uncertain_since or message.sent_at
        with self.outbox.db.tx():
            if isinstance(error, Conflict):
                self._fail(message, Conflict(f"duplicate: {error.message}", code=error.code))
            elif self.outbox.clock() - since > UNCERTAIN_LIMIT_S:
                uncertain = f"uncertain for more than a day; {self.advise(message)}"
                self._fail(message, Conflict(uncertain, code=UNCERTAIN))
            else:
                unknown = f"outcome unknown, and looking it up failed: {error.message}"
                self._doubt(message, InDoubt(unknown, code=getattr(error, "code", None)))
                self.tally.wait(message.key, "outcome unknown, and looking it up failed")


def _why_open(message: Message) -> str:
    """A run that ended as it should has written down its doubt."""
    return "in doubt" if message.uncertain_since else "begun by a run that ended in the middle"


def _is_silence(result: Done | IntegratorError) -> bool:
    """The system did not answer. An error with a code says what was seen there, so that it did."""
    return isinstance(result, Unavailable) and result.code is None
