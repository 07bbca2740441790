"""An orderline becomes one line on its case: look, arm, touch once, read back; after any doubt only look.

    look ── ours is there ──────────────────────────────> done
      └─ prepare ─ arm (durable) ─ touch once ─ read back ─> done
                                    └─ anything else ─ look again ─> done | doubt: a later run looks

A click and our store cannot be one transaction. So the store says "a line may be there" before the touch that saves,
and from then on only reading says what became of it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from integrator.domain.orderlines.lines import (
    Absent,
    Baseline,
    Differs,
    Line,
    Present,
    Several,
    baseline_of,
    by_count,
    half_line,
    judge,
    new_lines,
    same_product,
)
from integrator.domain.orderlines.order import Order, named, order_of
from integrator.domain.orderlines.reasons import REASONS
from integrator.effects import Done, Message, Preview
from integrator.errors import Blocked, Conflict, InDoubt, IntegratorError, Postponed, Rejected, Unavailable
from integrator.systems.browser.trouble import Trouble
from integrator.systems.workshops.erp import Entry, WorkshopErp

T = TypeVar("T")
MOST_ARMS = 3
_TO_READ = {"case-closed", "case-invoiced", "case-locked"}  # nothing can be written there; its lines can be read
_EXPECTED = {"case-locked", "erp-unavailable", "session-lost"}  # a picture of it tells nobody anything


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an orderline got before. armed: a line may be there; line_ref: that one is ours, half done."""

    armed: bool
    arms: int
    baseline: Baseline | None
    line_ref: str | None
    reason_code: str | None
    reason_times: int
    held_by: str | None  # another run that still works on it


class Book(Protocol):
    """What is remembered of an orderline; each call is durable before it comes back."""

    def progress(self, message: Message) -> Progress: ...

    def under_way(self, order: Order) -> str | None:
        """Another orderline of the same case that may have a line there which nobody has read yet."""

    def looked(self, message: Message) -> None: ...

    def armed(self, message: Message, baseline: Baseline) -> None: ...

    def half(self, message: Message, line_id: str) -> None: ...

    def evidence(self, message: Message, folder: str) -> None: ...


class Session(Protocol):
    """One browser and one login for all orders of a run."""

    def erp(self) -> WorkshopErp:
        """Logged in. Trouble: it could not be"""

    def renew(self) -> None:
        """The login is over: erp() logs in again."""

    def drop(self) -> None:
        """The browser is lost: erp() starts another one."""

    def leave(self) -> None:
        """Close the case that is open, if any, so that a colleague can have it. Raises nothing."""

    def capture(self, name: str, error: str) -> str | None:
        """Keep pictures and pages as evidence; gives back the folder's name. Raises nothing."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What a workshop's settings say about its lines."""

    marker_field: bool
    existing_fails: bool
    name_limit: int
    look_again_s: tuple[float, ...]
    pictures: bool = False
    user: str | None = None


@dataclass
class OrderlineSender:
    """Sends the orderlines of one workshop (effects.Sender). settle_s is the workshop's doubt_quiet_s."""

    session: Session
    book: Book
    rules: Rules
    settle_s: float
    sleep: Callable[[float], None]
    resends: bool = True

    def groups(self, messages: Sequence[Message]) -> Iterator[Sequence[Message]]:
        for message in messages:
            yield [message]

    def repeatable(self, message: Message) -> bool:
        """It was never armed: nothing can be there."""
        return message.uncertain_since is None and not self.book.progress(message).armed

    def preview(self, message: Message) -> Preview:
        order = order_of(message.body)
        what = f"case {order.case_id}: {order.product_amount} × {order.product_nr}"
        return Preview("add line", order.key, what, None, [])

    # sending ------------------------------------------------------------------------------------

    def send(self, group: Sequence[Message]) -> Sequence[Done | IntegratorError]:
        """Put one orderline on its case.

        Errors  Blocked: the ERP does not let us in; nothing was written
        """
        [message] = group
        order, progress = order_of(message.body), self.book.progress(message)
        if (other := self.book.under_way(order)) is not None:
            return [Postponed(f"orderline {other} of the same case is in doubt", code="case-busy")]
        if progress.arms >= MOST_ARMS:
            code = progress.reason_code or "erp-unavailable"
            return [Rejected(f"armed {progress.arms} times, and no line came of it; the last time: {code}", code=code)]
        try:
            return [self._renewing(lambda: self._put(message, order))]
        except Trouble as trouble:
            self._picture(message, trouble)
            return [self._consequence(trouble, progress)]
        finally:
            self.session.leave()

    def _put(self, message: Message, order: Order) -> Done | IntegratorError:
        erp = self.session.erp()
        entry = self._entry(erp, order)
        erp.open_case(order.case_id)
        lines = erp.lines()
        half = self._half_of(erp, judge(lines, order)) if self.rules.marker_field else None
        if isinstance(half, Done):
            return self._seen(message, half)
        if half is None:
            if self.rules.existing_fails and same_product(lines, order):
                raise Trouble("existing-line", "the product is on the case already, and existing_line is fail")
            self.book.looked(message)
            erp.prepare(entry)
        self.book.armed(message, baseline_of(lines, order))
        # From here on a line may be there: nothing below may raise, and nothing may be touched a second time.
        if half is not None:
            return self._after(message, order, lambda: self._settled(message, order, lines))
        return self._after(message, order, lambda: self._saved(message, order, erp))

    def _entry(self, erp: WorkshopErp, order: Order) -> Entry:
        if -int(order.amount.as_tuple().exponent) > erp.decimals:
            raise Trouble("amount-refused", f"the ERP keeps {erp.decimals} decimals of an amount")
        if not self.rules.marker_field:
            return Entry(order.product_nr, order.amount, None)
        marker = f"{erp.marker}{order.unique_id}"
        if named("", marker, self.rules.name_limit) is None:
            raise Trouble("marker-too-long", f"{len(marker)} characters, and a line's text has {self.rules.name_limit}")
        return Entry(order.product_nr, order.amount, lambda product, room: named(product, marker, room))

    def _half_of(self, erp: WorkshopErp, verdict: Absent | Present | Differs | Several) -> Done | Line | None:
        """Before anything is written: ours is there (Done), or half of it (a line to finish), or nothing of it."""
        match verdict:
            case Present(line):
                return _done(line.id, "found", "marker", "already-present")
            case Several(count):
                raise Trouble("manual-check", f"{count} lines bear its id")
            case Differs(line, half_done):
                if half_done and line.id is not None and erp.two_steps:
                    return line
                raise Trouble("line-conflict", f"line {line.id} bears its id with another product or amount")
            case Absent():
                return None

    def _saved(self, message: Message, order: Order, erp: WorkshopErp) -> Done | Conflict | None:
        erp.save()
        return self._settled(message, order, erp.lines())

    # after the touch ----------------------------------------------------------------------------

    def _after(
        self, message: Message, order: Order, act: Callable[[], Done | Conflict | None]
    ) -> Done | IntegratorError:
        """What became of it, as far as reading tells; else a doubt. Raises nothing."""
        try:
            found = act()
            trouble = Trouble("doubt", "the page took it, but its line is not there yet")
        except Trouble as error:
            found, trouble = None, error
        if found is not None:
            return self._seen(message, found)
        self._picture(message, trouble)
        for wait_s in [0.0] * trouble.definite + list(self.rules.look_again_s):
            self.sleep(wait_s)
            try:
                found = self._renewing(lambda: self._read(message, order))
            except Trouble as again:
                self._picture(message, again)
                trouble = again if REASONS[again.code].then == "blocked" else trouble
                continue
            if found is not None:
                return self._seen(message, found)
            progress = self.book.progress(message)
            if trouble.definite and progress.line_ref is None:  # the ERP said no, and a complete reading agrees
                return self._consequence(trouble, progress)
        return InDoubt(f"a line may be there: {trouble.message}", code=trouble.code)

    def _settled(self, message: Message, order: Order, lines: Sequence[Line]) -> Done | Conflict | None:
        """What the lines say about an armed orderline; None: nothing of it is there. A half-done line is finished."""
        progress, erp = self.book.progress(message), self.session.erp()
        verdict = judge(lines, order) if self.rules.marker_field else Absent()
        if isinstance(verdict, Present):
            if erp.two_steps and self._is_half_besides(verdict.line, lines, order, progress):
                return Conflict("a line bears its id, and another one of ours is half done", code="manual-check")
            return _done(verdict.line.id, "saved", "marker")
        if isinstance(verdict, Several):
            return Conflict(f"{verdict.count} lines bear its id", code="manual-check")
        if isinstance(verdict, Differs) and verdict.line.id != progress.line_ref:
            if not (erp.two_steps and verdict.half_done and verdict.line.id):
                where = f"line {verdict.line.id}"
                return Conflict(f"{where} bears its id with another product or amount", code="line-conflict")
            self.book.half(message, verdict.line.id)
            progress = self.book.progress(message)
        if erp.two_steps and progress.baseline is not None:
            return self._finished(message, order, lines, progress)
        return None if self.rules.marker_field else _counted(progress.baseline, lines, order)

    def _finished(
        self, message: Message, order: Order, lines: Sequence[Line], progress: Progress
    ) -> Done | Conflict | None:
        """The second of two steps, on the line that is known to be ours. Setting it again is harmless."""
        line: Line | Several | None
        if progress.line_ref is None:
            assert progress.baseline is not None
            line = half_line(lines, progress.baseline, order, user=self.rules.user)
        else:
            line = _by_id(lines, progress.line_ref) or Several(0)
        if line is None:
            return None
        if isinstance(line, Several) or line.id is None:
            which = progress.line_ref or "the new line"
            return Conflict(f"{which} cannot be told from others, or is gone", code="manual-check")
        if progress.line_ref is None:
            self.book.half(message, line.id)
        if not self._is_complete(line, order):
            erp = self.session.erp()
            try:
                erp.finish(line.id, self._entry(erp, order))
            except Trouble as trouble:
                if not _is_final(trouble, progress):
                    raise
                return Conflict(f"line {line.id} is ours and half done: {trouble.message}", code="manual-check")
            line = _by_id(erp.lines(), line.id)
        if line is None or not self._is_complete(line, order):
            return None
        return _done(line.id, "saved", "marker" if self.rules.marker_field else "by count")

    def _is_half_besides(self, found: Line, lines: Sequence[Line], order: Order, progress: Progress) -> bool:
        if progress.line_ref is not None:
            return progress.line_ref != found.id
        return progress.baseline is not None and (
            half_line(lines, progress.baseline, order, user=self.rules.user) is not None
        )

    def _is_complete(self, line: Line, order: Order) -> bool:
        if self.rules.marker_field:
            return isinstance(judge([line], order), Present)
        return baseline_of([line], order).same == 1

    # reading ------------------------------------------------------------------------------------

    def look_up(self, message: Message) -> Done | None:
        """Is its line on the case? Half of one is finished. None: nothing of it is there.

        Errors  Conflict: a person must look; Unavailable: it cannot be read now; Blocked
        """
        order, progress = order_of(message.body), self.book.progress(message)
        if progress.held_by is not None:
            raise Unavailable(f"{progress.held_by} still works on it", code="case-busy")
        try:
            found = self._renewing(lambda: self._read(message, order))
        except Trouble as trouble:
            self._picture(message, trouble)
            if REASONS[trouble.code].then == "blocked":
                raise Blocked(trouble.message, code=trouble.code) from None
            raise Unavailable(trouble.message, code=trouble.code) from None
        finally:
            self.session.leave()
        if found is None:
            return None
        seen = self._seen(message, found)
        if isinstance(seen, Conflict):
            raise seen
        return seen

    def _read(self, message: Message, order: Order) -> Done | Conflict | None:
        erp = self.session.erp()
        try:
            erp.open_case(order.case_id)
        except Trouble as trouble:
            if trouble.code not in _TO_READ:
                raise
        return self._settled(message, order, erp.lines())

    def _renewing(self, attempt: Callable[[], T]) -> T:
        """A login that has ended is renewed once, and all is begun anew. Nothing in attempt may be armed already."""
        try:
            return attempt()
        except Trouble as trouble:
            if trouble.code != "session-lost":
                raise
            self.session.renew()
        try:
            return attempt()
        except Trouble as trouble:
            if trouble.code != "session-lost":
                raise
            raise Trouble("erp-unavailable", f"{trouble.message}, twice in a row") from None

    # consequences -------------------------------------------------------------------------------

    def _consequence(self, trouble: Trouble, progress: Progress) -> IntegratorError:
        """What follows from something seen while no line of ours is there.

        Errors  Blocked
        """
        reason = REASONS[trouble.code]
        if reason.then == "blocked":
            raise Blocked(trouble.message, code=trouble.code)
        if _is_final(trouble, progress):
            return Rejected(trouble.message, code=trouble.code)
        return Unavailable(trouble.message, code=trouble.code, retry_after_s=reason.again_s)

    def _seen(self, message: Message, found: T) -> T:
        """What reading has settled, with a picture where somebody will want one."""
        if isinstance(found, IntegratorError) or self.rules.pictures:
            said = found.message if isinstance(found, IntegratorError) else "saved"
            self._capture(message, said)
        return found

    def _picture(self, message: Message, trouble: Trouble) -> None:
        if trouble.code not in _EXPECTED:
            self._capture(message, f"{trouble.code}: {trouble.message}")
        if trouble.code == "browser":
            self.session.drop()

    def _capture(self, message: Message, said: str) -> None:
        if (folder := self.session.capture(message.key, said)) is not None:
            self.book.evidence(message, folder)


def _is_final(trouble: Trouble, progress: Progress) -> bool:
    """It will not change by itself, and was seen as often as it takes to believe it."""
    reason = REASONS[trouble.code]
    seen = progress.reason_times + 1 if progress.reason_code == trouble.code else 1
    return reason.then == "failed" and seen >= reason.looks


def _done(line_id: str | None, result: str, confidence: str, code: str | None = None) -> Done:
    return Done(line_id, result, memory={"confidence": confidence, "code": code})


def _by_id(lines: Sequence[Line], line_id: str) -> Line | None:
    return next((line for line in lines if line.id == line_id), None)


def _counted(baseline: Baseline | None, lines: Sequence[Line], order: Order) -> Done | Conflict | None:
    """Where no field carries the id, only the number of equal lines tells."""
    if baseline is None:
        return Conflict("nobody wrote down how many equal lines there were", code="manual-check")
    match by_count(baseline, lines, order):
        case "absent":
            return None
        case "saved":
            fresh = [line for line in new_lines(lines, baseline) if baseline_of([line], order).same]
            return _done(fresh[0].id if fresh else None, "saved", "by count")
        case _:
            return Conflict("the equal lines on the case are not one more than before", code="manual-check")
