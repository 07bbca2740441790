"""Which requests go wrong, and how: staged rules, repeatable. What then happens is `mishaps.py`'s business.

A rule says which requests it meets, how often, and what happens to them:

    {"match": {"method": "POST", "path": "/api/webparticipant"}, "skip": 1, "times": 2, "share": 0.3, "seed": 7,
     "fault": {"kind": "reset", "when": "after"}}

`method` and `path` are patterns for the whole text, `target` and `body` patterns to be found in the request line's
target and in the body. `skip` lets the first k matching requests pass, `share` meets that part of the rest (the same
ones for the same `seed`), `times` ends the rule (null: never). The first rule that meets a request wins.
"""

import random
import re
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from integrator.standins.mishaps import BODIES, KINDS

if TYPE_CHECKING:
    from integrator.standins.wire import Request

Fault = dict[str, Any]


class Gate:
    """Where requests wait; a wait ends by time, by later requests being answered, by release, or dropped."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._answered = self._released = self._dropped = 0
        self._closed = False
        self.held = 0  # how many requests wait now

    def hold(self, seconds: float | None = None, requests: int | None = None) -> bool:
        """Wait; False: the waiting request is dropped and must have no effect."""
        with self._changed:
            goal = None if requests is None else self._answered + requests
            released, dropped = self._released, self._dropped
            self.held += 1
            self._changed.notify_all()
            self._changed.wait_for(
                lambda: (self._released, self._dropped) != (released, dropped) or self._reached(goal) or self._closed,
                seconds,
            )
            self.held -= 1
            return self._dropped == dropped and not self._closed

    def await_held(self, count: int = 1, seconds: float = 300) -> bool:
        """Wait until so many requests wait here, so that a test can release them without guessing a time."""
        with self._changed:
            return self._changed.wait_for(lambda: self.held >= count, seconds)

    def _reached(self, goal: int | None) -> bool:
        return goal is not None and self._answered >= goal

    def answered(self) -> None:
        with self._changed:
            self._answered += 1
            self._changed.notify_all()

    def release(self) -> None:
        with self._changed:
            self._released += 1
            self._changed.notify_all()

    def drop(self) -> None:
        with self._changed:
            self._dropped += 1
            self._changed.notify_all()

    def close(self) -> None:
        """Drop what waits here now and whatever comes later."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()


@dataclass
class Rule:
    """One staged fault and how often it has met a request."""

    fault: Fault
    match: dict[str, str] = field(default_factory=dict)
    times: int | None = None
    skip: int = 0
    share: float = 1.0
    seed: int = 0
    seen: int = field(default=0, init=False)
    met: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        if unknown := set(self.match) - {"method", "path", "target", "body"}:
            raise ValueError(f"fault rule: unknown match {sorted(unknown)}")
        self._patterns = {name: re.compile(pattern) for name, pattern in self.match.items()}
        self._random = random.Random(self.seed)
        _check(self.fault)

    def meets(self, request: "Request") -> bool:
        """Whether this request is hit; counts it."""
        if not self._matches(request) or (self.times is not None and self.met >= self.times):
            return False
        self.seen += 1
        if self.seen <= self.skip or (self.share < 1 and self._random.random() >= self.share):
            return False
        self.met += 1
        return True

    def _matches(self, request: "Request") -> bool:
        whole = {"method": request.method, "path": request.path}
        parts = {"target": request.target, "body": request.body.decode("utf-8", "replace")}
        return all(
            pattern.fullmatch(whole[name]) if name in whole else pattern.search(parts[name])
            for name, pattern in self._patterns.items()
        )


class Faults:
    """The staged rules of one stand-in."""

    def __init__(self) -> None:
        self.gate = Gate()
        self._rules: list[Rule] = []
        self._lock = threading.Lock()

    def add(self, rules: list[dict[str, Any]] | dict[str, Any]) -> int:
        """Stage rules behind those already there; gives back how many there are. Errors: ValueError, none is staged."""
        try:
            new = [Rule(**rule) for rule in ([rules] if isinstance(rules, dict) else rules)]
        except (TypeError, re.error) as error:
            raise ValueError(f"fault rule: {error}") from error
        with self._lock:
            self._rules += new
            return len(self._rules)

    def clear(self) -> None:
        """Take all rules away; what hangs is dropped without its effect."""
        with self._lock:
            self._rules = []
        self.gate.drop()

    def draw(self, request: "Request") -> Fault | None:
        """The fault this request meets, if any."""
        with self._lock:
            return next((rule.fault for rule in self._rules if rule.meets(request)), None)

    def listed(self) -> list[dict[str, Any]]:
        """The rules with their counters."""
        names = ("fault", "match", "times", "skip", "share", "seed", "seen", "met")
        with self._lock:
            return [{name: getattr(rule, name) for name in names} for rule in self._rules]


def _check(fault: Fault) -> None:
    kind = fault.get("kind")
    if kind not in KINDS:
        raise ValueError(f"fault: unknown kind {kind!r}; known: {sorted(KINDS)}")
    if unknown := set(fault) - {"kind"} - KINDS[kind][1]:
        raise ValueError(f"fault {kind}: unknown settings {sorted(unknown)}; known: {sorted(KINDS[kind][1])}")
    if fault.get("when", "before") not in {"before", "after"}:
        raise ValueError(f"fault {kind}: when is before or after")
    if kind == "body" and not {"raw", "hex"} & set(fault) and fault.get("what") not in BODIES:
        raise ValueError(f"fault body: what is one of {sorted(BODIES)}, or give raw or hex")
