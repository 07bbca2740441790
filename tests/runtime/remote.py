"""Another system as the outbox meets it, scripted answer by answer, and a clock that only moves when told to."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from typing import Any

from integrator.effects import Done, Message, Preview
from integrator.errors import IntegratorError
from integrator.runtime.delivery import Delivery, Patience
from integrator.runtime.outbox import Outbox

EFFECT = "site.post"
T0 = 1_800_000_000.0


class Died(BaseException):
    """The process ends here: nothing of it runs on."""


class Clock:
    """Epoch seconds; sleeping moves them."""

    def __init__(self, now: float = T0) -> None:
        self.now = now
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


class Raise:
    """In a script: raised by send() for the whole unit, instead of an answer for each message."""

    def __init__(self, error: BaseException) -> None:
        self.error = error


class Scripted:
    """Answers the nth unit with the nth answer, later ones with Done; looks nothing up successfully unless told so."""

    settle_s = 60.0
    resends = True

    def __init__(
        self, *answers: Any, size: int = 1, looks: dict[str, Any] | None = None, repeats: bool = False
    ) -> None:
        self.answers = list(answers)
        self.size = size
        self.looks = looks or {}
        self.repeats = repeats
        self.sent: list[list[str]] = []
        self.bodies: list[Any] = []
        self.looked: list[str] = []
        self.on_send: Callable[[Sequence[Message]], None] = lambda group: None

    def groups(self, messages: Sequence[Message]) -> Iterator[Sequence[Message]]:
        for start in range(0, len(messages), self.size):
            yield messages[start : start + self.size]

    def send(self, group: Sequence[Message]) -> Sequence[Done | IntegratorError]:
        self.sent.append([message.key for message in group])
        self.bodies += [message.body for message in group]
        self.on_send(group)
        answer = self.answers.pop(0) if self.answers else Done("7", "created")
        if isinstance(answer, Raise):
            raise answer.error
        return answer if isinstance(answer, list) else [answer] * len(group)

    def look_up(self, message: Message) -> Done | None:
        self.looked.append(message.key)
        found = self.looks.get(message.key)
        if isinstance(found, BaseException):
            raise found
        return found

    def repeatable(self, message: Message) -> bool:
        return self.repeats

    def preview(self, message: Message) -> Preview:
        return Preview("create", message.key, str(message.body), None, [])


class Mortal:
    """A connection on which the process may die before and after every statement."""

    def __init__(self, conn: sqlite3.Connection, tick: Callable[[], None]) -> None:
        self._conn, self._tick = conn, tick

    def execute(self, *arguments: Any) -> sqlite3.Cursor:
        self._tick()
        result = self._conn.execute(*arguments)
        self._tick()
        return result

    def __getattr__(self, name: str) -> Any:
        return getattr(self._conn, name)


def delivery(outbox: Outbox, sender: Any, clock: Clock, **more: Any) -> Delivery:
    """A delivery as a run makes it, without a stopper."""
    more = {"patience": Patience(3, (60, 300)), "critical": nullcontext, "sleep": clock.sleep} | more
    return Delivery(outbox, EFFECT, sender, **more)


def queue(outbox, *keys):
    for key in keys:
        outbox.latest(EFFECT, key, f"facts of {key}")


def rows(outbox, columns="state"):
    found = outbox.db.all(f"SELECT key, {columns} FROM outbox ORDER BY id")
    return {row["key"]: row[1] if len(row) == 2 else tuple(row)[1:] for row in found}


def left_in_doubt(outbox, *keys, attempts=1):
    """Messages that an earlier run began and never finished."""
    queue(outbox, *keys)
    outbox.begin(outbox.due(EFFECT))
    outbox.db.write("UPDATE outbox SET attempts = ?", (attempts,))
