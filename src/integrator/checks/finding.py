"""What a check has found out about one subject: lines for a person, facts for a machine, an exit code."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

STATES = ("problem", "note", "ok")
# What a person must mend comes before what mends itself.
_GRAVEST_FIRST = (78, 70, 1, 75)


@dataclass(frozen=True)
class Line:
    """One sentence; then is the next thing to do. exit_code counts for a problem only."""

    state: str
    what: str
    then: str | None = None
    exit_code: int = 0


@dataclass
class Finding:
    """One subject ("store", "maconomy") and everything found out about it."""

    subject: str
    lines: list[Line] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def state(self) -> str:
        """The gravest of its lines."""
        return min((line.state for line in self.lines), key=STATES.index, default="ok")

    def ok(self, what: str) -> None:
        self.lines.append(Line("ok", what))

    def note(self, what: str, then: str | None = None) -> None:
        self.lines.append(Line("note", what, then))

    def problem(self, what: str, then: str | None = None, *, exit_code: int = 1) -> None:
        self.lines.append(Line("problem", what, then, exit_code))

    def sorted_lines(self) -> list[Line]:
        """Problems first."""
        return sorted(self.lines, key=lambda line: STATES.index(line.state))

    def as_json(self) -> dict[str, Any]:
        lines = [{"state": line.state, "what": line.what, "next": line.then} for line in self.sorted_lines()]
        return {"subject": self.subject, "state": self.state, "lines": lines, "facts": self.facts}


def exit_code(findings: Iterable[Finding]) -> int:
    """0 with notes alone; else of the problems the one that needs a person most."""
    codes = {line.exit_code for finding in findings for line in finding.lines if line.state == "problem"}
    return next((code for code in _GRAVEST_FIRST if code in codes), max(codes, default=0))


def listed(names: Iterable[str], *, most: int = 8) -> str:
    """Shape   "price, seats, venue and 4 more" """
    every = list(names)
    shown = ", ".join(every[:most])
    return f"{shown} and {len(every) - most} more" if len(every) > most else shown


def size_of(count: int) -> str:
    """Shape   "812 B", "94.2 MB" """
    number, unit = float(count), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if number < 1000:
            break
        number, unit = number / 1000, larger
    return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"


def seconds_of(seconds: float) -> str:
    """Shape   "0.04 s", "41 s" """
    return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.0f} s"
