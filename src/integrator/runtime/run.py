"""One execution of a job: what a story is told and what it tells back."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from integrator.database import Database
from integrator.domain.fetched import Notes
from integrator.effects import Done, Message, Sender
from integrator.errors import IntegratorError
from integrator.runtime.delivery import Delivery, Patience, look_yourself
from integrator.runtime.outbox import Outbox
from integrator.runtime.report import Report
from integrator.runtime.stopping import Stopper


class Progress(Protocol):
    """A bar on a terminal, nothing elsewhere."""

    def begin(self, what: str, total: int | None = None) -> None: ...

    def advance(self, number: int) -> None: ...


class NoProgress:
    """Under cron nobody looks."""

    def begin(self, what: str, total: int | None = None) -> None: ...

    def advance(self, number: int) -> None: ...


@dataclass
class Run:
    """now is read once per run: aware, UTC. policy is the job's own part of its jobs/ file.

    dry       nothing is sent, and what would be is listed
    replayed  the answers are a recording's: what goes by another way than HTTP is listed, as in a dry run
    """

    job: str
    id: int
    now: datetime
    db: Database
    report: Report
    stopper: Stopper
    patience: Patience
    policy: dict[str, Any] = field(default_factory=dict)
    progress: Progress = field(default_factory=NoProgress)
    clock: Callable[[], float] = time.time
    dry: bool = False
    replayed: bool = False
    outbox: Outbox = field(init=False)

    def __post_init__(self) -> None:
        self.outbox = Outbox(self.db, clock=self.clock, run_id=self.id)

    @property
    def at(self) -> int:
        """now as epoch seconds, as the store keeps it."""
        return int(self.now.timestamp())

    def count(self, **numbers: int) -> None:
        """Add to the run's counts; zeros are left out. A double underscore is shown as a dot."""
        for name, number in numbers.items():
            shown = name.replace("__", ".")
            if number:
                self.report.counts[shown] = self.report.counts.get(shown, 0) + number

    def note(self, notes: Notes) -> None:
        """Take over remarks on records."""
        for code, count in notes.counts.items():
            before, keys = self.report.notes.get(code, (0, []))
            self.report.notes[code] = (before + count, keys + [key for key, _ in notes.examples[code]])

    def set_aside(self, item: str, reason: str) -> None:
        """One item was not done; the run goes on and ends with 3."""
        self.report.failed[item] = reason

    def later(self, item: str, count: int, next_at: float | None) -> None:
        """So many of an item wait, as they should, and when the first of them is looked at again.

        It changes no exit code: what was tried and did not succeed belongs in report.waiting.
        """
        if count and next_at is not None:
            self.report.later[item] = (count, int(next_at))

    def held(self, item: str, count: int) -> None:
        """So many of an item wait, and nobody looks at them before something else has changed."""
        self.report.later[item] = (count, None)

    def remark(self, text: str) -> None:
        """Something a person should know that concerns no single item."""
        self.report.remarks.append(text)

    def deliver(
        self,
        effect: str,
        sender: Sender,
        *,
        keep: Callable[[Message, Done], None],
        prepare: Callable[[Message], None] = lambda message: None,
    ) -> None:
        """Bring what waits for this effect to the other side; a dry run lists it instead.

        Errors  Refused, Unavailable: the rest waits; Stopped: asked to end
        """
        if self.dry:
            messages = [*self.outbox.in_doubt(effect), *self.outbox.every_due(effect)]
            self.report.plan.extend((effect, sender.preview(message)) for message in messages)
            return
        self.progress.begin(effect, self.outbox.pending(effect))
        delivery = self.delivery(effect, sender, keep=keep, prepare=prepare)
        try:
            delivery.run()
        finally:
            self.take_over(delivery)

    def delivery(
        self,
        effect: str,
        sender: Sender,
        *,
        keep: Callable[[Message, Done], None],
        prepare: Callable[[Message], None] = lambda message: None,
        note: Callable[[Message, str, IntegratorError], None] = lambda message, state, error: None,
        pause: Callable[[], bool] = lambda: False,
        look: Callable[[Message], bool] = lambda message: True,
        advise: Callable[[Message], str] = look_yourself,
        scope: str | None = None,
        waits: bool = True,
    ) -> Delivery:
        """The delivery of one effect, for a story that passes by more than once; take_over ends it."""
        return Delivery(
            self.outbox,
            effect,
            sender,
            self.patience,
            critical=self.stopper.critical,
            sleep=self.stopper.sleep,
            prepare=prepare,
            keep=keep,
            note=note,
            advance=self.progress.advance,
            pause=pause,
            look=look,
            advise=advise,
            scope=scope,
            waits=waits,
        )

    def take_over(self, delivery: Delivery) -> None:
        """What a delivery did and left, into the run's report."""
        effect, tally = delivery.effect, delivery.tally
        for result, number in tally.counts.items():
            self.count(**{f"{effect}.{result}": number})
        self.report.failed.update({f"{effect} {key}": reason for key, reason in tally.failed.items()})
        self.report.waiting.update({f"{effect} {key}": reason for key, reason in tally.waiting.items()})
        pending = self.outbox.pending(effect, scope=delivery.scope)
        later = pending - len(tally.waiting)
        if later > 0:
            self.report.waiting.setdefault(f"{effect}", f"{later} message(s) wait for their next try")
        due = self.outbox.next_due(effect, scope=delivery.scope) if pending else None
        self.later(effect, pending, due if due and due > self.clock() else None)
