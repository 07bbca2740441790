"""A workshop's ERP on paper: cases with lines, and a list of what goes wrong at which of its calls.

It keeps the two rules that matter: it writes as often as it is told to, and it never says by itself whose a line is.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from integrator.domain.orderlines.lines import Line
from integrator.systems.browser.trouble import Trouble
from integrator.systems.workshops.erp import Entry

USER = "oilmat@example.org"


class Killed(BaseException):
    """The process is gone: nothing of it runs on."""


@dataclass
class Paper:
    """One workshop's data, which outlive every browser.

    mishaps   number of the call → what happens there: a code (before the effect), "+code" (after it), "!code" (a
              definite no), "kill", "+kill", or "late" (the effect comes `late_s` after the browser gave up)
    """

    clock: Callable[[], float]
    two_steps: bool = False
    lines: list[dict[str, Any]] = field(default_factory=list)
    mishaps: dict[int, str] = field(default_factory=dict)
    late_s: float = 60.0
    calls: int = 0
    names: list[str] = field(default_factory=list)
    writes: int = 0
    alter: Callable[[dict[str, Any]], Any] = lambda line: None  # what the server makes of a line that it was told
    meanwhile: Callable[["Paper"], Any] = lambda paper: None  # what others do just after our save
    pending: list[tuple[float, Callable[[], None]]] = field(default_factory=list)

    def act(self, name: str, effect: Callable[[], None] = lambda: None) -> None:
        """One call of the browser, with what goes wrong there."""
        self.arrive(self.clock())
        number, self.calls = self.calls, self.calls + 1
        self.names.append(name)
        mishap = self.mishaps.get(number, "")
        if mishap == "late" and name in ("save", "finish"):
            self.pending.append((self.clock() + self.late_s, effect))
            raise Trouble("slow", "late")
        if mishap.startswith("!"):
            raise Trouble(mishap[1:], "no", definite=name in ("save", "finish"))
        if mishap and not mishap.startswith("+"):
            self._raise(mishap)
        effect()
        if mishap:
            self._raise(mishap[1:])

    def arrive(self, until: float) -> None:
        """What was late comes, whoever is still there."""
        for entry in [entry for entry in self.pending if entry[0] <= until]:
            self.pending.remove(entry)
            entry[1]()

    def _raise(self, mishap: str) -> None:
        if mishap == "kill":
            raise Killed
        raise Trouble("slow" if mishap == "late" else mishap, "staged")

    def add(self, product: str, name: str, amount: Decimal, user: str = USER) -> dict[str, Any]:
        self.writes += 1
        line = {"id": str(880_000 + self.writes), "product": product, "name": name, "amount": amount, "user": user}
        self.lines.append(line)
        self.alter(line)
        return line


class PaperErp:
    """One logged-in browser on it."""

    marker = " -- OilMat: "
    decimals = 2

    def __init__(self, paper: Paper) -> None:
        self.paper = paper
        self.two_steps = paper.two_steps
        self.typed: Entry | None = None

    def log_in(self, username: str, password: Any, totp: Any) -> None:
        self.paper.act("log_in")

    def open_case(self, number: str) -> None:
        self.typed = None
        self.paper.act("open_case")

    def lines(self) -> list[Line]:
        self.paper.act("lines")
        return [Line(one["id"], one["product"], one["name"], one["amount"], one["user"]) for one in self.paper.lines]

    def prepare(self, entry: Entry) -> None:
        self.paper.act("prepare")
        self.typed = entry

    def save(self) -> None:
        entry, self.typed = self.typed, None
        assert entry is not None, "nothing was typed"
        self.paper.act("save", lambda: self._write(entry))
        self.paper.meanwhile(self.paper)

    def _write(self, entry: Entry) -> None:
        if self.two_steps:
            self.paper.add(entry.product, "Motorolie", Decimal("1.00"))
        else:
            self.paper.add(entry.product, self._text(entry), entry.amount)

    def _text(self, entry: Entry) -> str:
        return "Motorolie" if entry.text is None else str(entry.text("Motorolie", 60))

    def finish(self, line_id: str, entry: Entry) -> None:
        line = next(one for one in self.paper.lines if one["id"] == line_id)
        self.paper.act("finish", lambda: line.update(name=self._text(entry)))
        self.paper.act("finish", lambda: line.update(amount=entry.amount))
        self.paper.alter(line)

    def close_case(self) -> None:
        self.paper.act("close_case")


class PaperSession:
    """A browser of it (workshops.session.BrowserSession, as far as a sender and a job see it)."""

    def __init__(self, paper: Paper) -> None:
        self.paper = paper
        self.starts = self.logins = 0
        self.told: Callable[[], None] = lambda: None
        self._erp: PaperErp | None = None

    def erp(self) -> PaperErp:
        if self._erp is None:
            erp = PaperErp(self.paper)
            self.logins += 1
            erp.log_in("", None, None)
            self.told()
            self._erp = erp
        return self._erp

    def renew(self) -> None:
        self._erp = None

    drop = renew

    def leave(self) -> None:
        if self._erp is not None:
            try:
                self._erp.close_case()
            except Trouble:
                return

    def capture(self, name: str, error: str) -> str | None:
        return f"{name}: {error}"

    def __enter__(self) -> "PaperSession":
        return self

    def __exit__(self, *gone: Any) -> None:
        self._erp = None
