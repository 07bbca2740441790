"""What a run has to say when it ends: the same facts for a person, for --json, for the log and the heartbeat."""

from dataclasses import dataclass, field
from typing import Any

from integrator.domain.instants import utc_text
from integrator.effects import Preview
from integrator.errors import IntegratorError


@dataclass
class Report:
    """One run. Keys and ids only: no name, address or mail body ever stands in it.

    counts    flat numbers by name ("main_courses.new")
    scope     the part of the job that ran: a workshop, "" for all of it
    failed    item → why it was not done; waiting  item → why it was not its turn
    later     item → (how many of it wait though all is well, epoch seconds when the first is looked at again)
    notes     remarks on records: code → (how many, some keys)
    """

    job: str
    run_id: int | None = None
    exit_code: int = 0
    seconds: float = 0.0
    dry_run: bool = False
    counts: dict[str, int] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    waiting: dict[str, str] = field(default_factory=dict)
    later: dict[str, tuple[int, int | None]] = field(default_factory=dict)
    notes: dict[str, tuple[int, list[str]]] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    plan: list[tuple[str, Preview]] = field(default_factory=list)
    error: str | None = None
    hint: str | None = None
    late: str | None = None
    scope: str = ""

    @property
    def outcome(self) -> str:
        return {
            0: "done",
            1: "stopped",
            2: "refused",
            3: "partial",
            5: "skipped",
            75: "later",
            78: "misconfigured",
        }.get(self.exit_code, "failed")

    def end(self, error: IntegratorError | None) -> None:
        """Set the exit code: the error's, else 3 when an item failed, 75 when work is left, 0."""
        if error is not None:
            self.exit_code, self.error, self.hint = error.exit_code, error.message, error.hint
        else:
            self.exit_code = 3 if self.failed else 75 if self.waiting else 0

    @property
    def _has_plan(self) -> bool:
        return self.dry_run or bool(self.plan)  # a replay lists what goes by another way than HTTP

    def _later(self) -> list[dict[str, Any]]:
        return [
            {"item": item, "count": count, "next_at": None if at is None else utc_text(at)}
            for item, (count, at) in self.later.items()
        ]

    def as_json(self) -> dict[str, Any]:
        """The report for machines."""
        return {
            "job": self.job,
            **({"scope": self.scope} if self.scope else {}),
            "run": self.run_id,
            "outcome": self.outcome,
            "exit_code": self.exit_code,
            "seconds": round(self.seconds, 3),
            "dry_run": self.dry_run,
            "counts": self.counts,
            "failed": [{"item": item, "reason": reason} for item, reason in self.failed.items()],
            "waiting": [{"item": item, "reason": reason} for item, reason in self.waiting.items()],
            **({"later": self._later()} if self.later else {}),
            "notes": [{"code": code, "count": count, "keys": keys} for code, (count, keys) in self.notes.items()],
            "remarks": self.remarks,
            "error": self.error,
            "hint": self.hint,
            **({"plan": [_planned(effect, preview) for effect, preview in self.plan]} if self._has_plan else {}),
        }


def _planned(effect: str, preview: Preview) -> dict[str, Any]:
    return {
        "effect": effect,
        "action": preview.action,
        "key": preview.key,
        "title": preview.title,
        "remote_id": preview.remote_id,
        "reason": preview.reason,
        "fields": [{"field": name, "old": old, "new": new} for name, old, new in preview.fields],
    }
