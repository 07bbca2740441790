"""Faults by their names, on the framework's control port: what goes wrong in a workshop ERP, how often, on which case.

    POST /faults  {"fault": {"kind": "save_then_drop"}, "case": "560", "skip": 0, "times": 1}

`times` null: for ever. Kinds between the two HTTP parties become rules of the framework (`mishaps.py`); those that
only the system itself can do (`js_confirm`) wait here until the stand-in asks whether one is due. Rules of the
framework are taken as they are; a case becomes a pattern for their path.

`save_then_drop` closes the connection without a byte, and `save_then_cut` after the head of the answer. They differ in
a browser: Chromium sends a request again by itself, a POST too, when a connection that it has used before, or opened
ahead of need, closes without a byte. So the first may leave two saves that nobody but the browser made.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from integrator.standins.faults import Faults

Fault = dict[str, Any]
NOTHING: Mapping[str, Any] = {}
MAINTENANCE = (
    '<!DOCTYPE html><html lang="da"><head><meta charset="utf-8"><title>Vedligeholdelse</title></head>'
    "<body><h1>Vi opdaterer systemet</h1><p>Prøv igen om lidt.</p></body></html>"
)
BROKEN = (
    '<!DOCTYPE html><html lang="da"><head><meta charset="utf-8"><title>Serverfejl</title></head>'
    "<body><h1>Der er opstået en fejl</h1><p>Fejl 500</p></body></html>"
)
# A browser asks for an icon by itself, whenever it likes: a fault that it met would be missed by the page it is for.
ICON = "/favicon.ico"
_ANY = rf"(?!{re.escape(ICON)}).*"
_HTML = {"Content-Type": "text/html; charset=utf-8"}


def _late(fault: Fault) -> Fault:
    return {"kind": "hang", "seconds": fault.get("ms", 1000) / 1000}


# kind → does it meet saves only, its settings, what it is in the framework's words
WIRE: dict[str, tuple[bool, set[str], Callable[[Fault], Fault]]] = {
    "delay_ms": (False, {"ms"}, _late),
    "delay_save_ms": (True, {"ms"}, _late),
    "save_then_drop": (True, set(), lambda fault: {"kind": "close", "when": "after"}),
    "save_then_cut": (True, set(), lambda fault: {"kind": "cut", "at": 0}),
    "save_then_500": (
        True,
        set(),
        lambda fault: {"kind": "status", "status": 500, "when": "after", "body": BROKEN, "headers": _HTML},
    ),
    "hang_save": (True, {"when"}, lambda fault: {"kind": "hang", "when": fault.get("when", "before")}),
    "maintenance": (
        False,
        set(),
        lambda fault: {"kind": "status", "status": 503, "body": MAINTENANCE, "headers": _HTML},
    ),
}


@dataclass
class Staged:
    """One fault that the stand-in does itself. `met` counts how often it has."""

    fault: Fault
    case: str | None = None
    times: int | None = None
    skip: int = 0
    seen: int = field(default=0, init=False)
    met: int = field(default=0, init=False)

    @property
    def kind(self) -> str:
        return str(self.fault["kind"])

    def due(self, kind: str, case: str, only: Mapping[str, Any] = NOTHING) -> bool:
        if self.kind != kind or (self.case is not None and self.case != case):
            return False
        if any(self.fault.get(name, value) != value for name, value in only.items()):
            return False
        return self.times is None or self.met < self.times

    def meets(self) -> bool:
        self.seen += 1
        if self.seen <= self.skip:
            return False
        self.met += 1
        return True


class Stage:
    """The faults a stand-in does itself: `kinds` maps their names to the settings each one takes.

    Not thread-safe: the stand-in's lock is held around every call.
    """

    def __init__(self, kinds: Mapping[str, Iterable[str]]) -> None:
        self.kinds = {kind: set(settings) for kind, settings in kinds.items()}
        self.staged: list[Staged] = []

    def made(self, rule: dict[str, Any]) -> Staged:
        """A fault from what was given, not yet staged. Errors: ValueError."""
        try:
            staged = Staged(**rule)
        except TypeError as error:
            raise ValueError(f"fault rule: {error}") from error
        check(staged.fault, self.kinds[staged.kind])
        return staged

    def take(self, kind: str, case: str = "", **only: Any) -> Fault | None:
        """The fault that is due now, which counts it; None: nothing goes wrong. `only`: its settings, where given."""
        return next((one.fault for one in self.staged if one.due(kind, case, only) and one.meets()), None)

    def listed(self) -> list[dict[str, Any]]:
        return [dict(vars(one)) for one in self.staged]


def check(fault: Fault, known: set[str]) -> None:
    """Errors: ValueError for a setting that a kind does not know."""
    if unknown := set(fault) - {"kind"} - known:
        raise ValueError(f"fault {fault['kind']}: unknown settings {sorted(unknown)}; known: {sorted(known)}")


class NamedFaults(Faults):
    """The framework's faults, and ours by their names.

    `saves(case)` gives the pattern of the paths whose POSTs save on a case, `pages(case)` that of all its pages;
    case None: of every case. They, the stage and its lock are the stand-in's.
    """

    def __init__(
        self, stage: Callable[[], Stage], lock: Any, saves: Callable[[str | None], str], pages: Callable[[str], str]
    ) -> None:
        super().__init__()
        self._stage, self._stage_lock, self._saves, self._pages = stage, lock, saves, pages

    def add(self, rules: list[dict[str, Any]] | dict[str, Any]) -> int:
        given = [rules] if isinstance(rules, dict) else rules
        with self._stage_lock:
            stage = self._stage()
            ours = [stage.made(rule) for rule in given if _kind(rule) in stage.kinds]
            count = super().add([self._translated(rule) for rule in given if _kind(rule) not in stage.kinds])
            stage.staged += ours
            return count + len(stage.staged)

    def _translated(self, rule: dict[str, Any]) -> dict[str, Any]:
        fault, case = dict(rule["fault"]), rule.get("case")
        rest = {name: value for name, value in rule.items() if name != "case"}
        match = {"path": _ANY if case is None else self._pages(case)}
        if fault["kind"] in WIRE:
            saves_only, known, meaning = WIRE[fault["kind"]]
            check(fault, known)
            match = {"method": "POST", "path": self._saves(case)} if saves_only else match
            fault = meaning(fault)
        return {**rest, "match": {**match, **rule.get("match", {})}, "fault": fault}

    def clear(self) -> None:
        super().clear()
        with self._stage_lock:
            self._stage().staged.clear()

    def listed(self) -> list[dict[str, Any]]:
        with self._stage_lock:
            return super().listed() + self._stage().listed()


def _kind(rule: dict[str, Any]) -> str:
    """Errors: ValueError for what is no rule."""
    fault = rule.get("fault") if isinstance(rule, dict) else None
    if not isinstance(fault, dict) or not isinstance(fault.get("kind"), str):
        raise ValueError('fault rule: expected {"fault": {"kind": …}}')
    return str(fault["kind"])
