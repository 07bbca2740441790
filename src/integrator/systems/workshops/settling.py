"""What the lines of a case say about an orderline that may be among them. A line that is half done is finished.

Nothing of it is there: that is said only of a complete reading in which no line came that might be ours.
"""

from collections.abc import Sequence
from dataclasses import dataclass

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
    may_be_ours,
    new_lines,
)
from integrator.domain.orderlines.order import Order, named
from integrator.domain.orderlines.reasons import REASONS
from integrator.effects import Done, Message
from integrator.errors import Conflict
from integrator.systems.browser.trouble import Trouble
from integrator.systems.workshops.book import Book, Progress, Rules, Session
from integrator.systems.workshops.erp import Entry, WorkshopErp

Settled = Done | Conflict | None
_NOTHING_BEFORE = Baseline((), 0, 0)


@dataclass
class Settling:
    """Reads what became of the orderlines of one workshop."""

    session: Session
    book: Book
    rules: Rules

    def entry(self, erp: WorkshopErp, order: Order) -> Entry:
        """What is to be typed. Errors  Trouble: amount-refused, marker-too-long"""
        if -int(order.amount.as_tuple().exponent) > erp.decimals:
            raise Trouble("amount-refused", f"the ERP keeps {erp.decimals} decimals of an amount")
        if not self.rules.marker_field:
            return Entry(order.product_nr, order.amount, None)
        marker = f"{erp.marker}{order.unique_id}"
        if named("", marker, self.rules.name_limit) is None:
            raise Trouble("marker-too-long", f"{len(marker)} characters, and a line's text has {self.rules.name_limit}")
        return Entry(order.product_nr, order.amount, lambda product, room: named(product, marker, room))

    def settled(self, message: Message, order: Order, lines: Sequence[Line]) -> Settled:
        """Done, a case for a person, or None: nothing of it is there. Errors  Trouble"""
        progress, erp = self.book.progress(message), self.session.erp()
        verdict = judge(lines, order) if self.rules.marker_field else Absent()
        if isinstance(verdict, Present):
            if erp.two_steps and self._is_half_besides(verdict.line, lines, order, progress):
                return Conflict("a line bears its id, and another one of ours is half done", code="manual-check")
            return done(verdict.line.id, "saved", "marker")
        if isinstance(verdict, Several):
            return Conflict(f"{verdict.count} lines bear its id", code="manual-check")
        if isinstance(verdict, Differs) and verdict.line.id != progress.line_ref:
            if not (erp.two_steps and verdict.half_done and verdict.line.id):
                where = f"line {verdict.line.id}"
                return Conflict(f"{where} bears its id with another product or amount", code="line-conflict")
            self.book.half(message, verdict.line.id)
            progress = self.book.progress(message)
        if erp.two_steps:
            return self._in_two_steps(message, order, lines, progress)
        if not self.rules.marker_field:
            return _counted(progress.baseline, lines, order)
        return self._unmarked(lines, order, progress)

    def _in_two_steps(self, message: Message, order: Order, lines: Sequence[Line], progress: Progress) -> Settled:
        if progress.line_ref is not None:
            found: Line | Several | None = _by_id(lines, progress.line_ref) or Several(0)
        elif progress.baseline is not None:
            found = half_line(lines, progress.baseline, order, user=self.rules.user)
        elif not self.rules.marker_field:
            return _counted(None, lines, order)
        else:  # what was there before is forgotten: a half-done line of ours may be any that looks like one
            found = half_line(lines, _NOTHING_BEFORE, order, user=self.rules.user) and Several(1)
        if found is None:
            return self._unmarked(lines, order, progress)
        if isinstance(found, Several) or found.id is None:
            which = progress.line_ref or "the new line"
            return Conflict(f"{which} cannot be told from others, or is gone", code="manual-check")
        if progress.line_ref is None:
            self.book.half(message, found.id)
        return self._finished(order, found, found.id, progress)

    def _finished(self, order: Order, line: Line, line_id: str, progress: Progress) -> Settled:
        """The second of two steps, on the line that is known to be ours. Setting it again is harmless."""
        try:
            if not self._is_complete(line, order):
                erp = self.session.erp()
                erp.finish(line_id, self.entry(erp, order))
                again = _by_id(erp.lines(), line_id)
                if again is None or not self._is_complete(again, order):
                    raise Trouble("field-mismatch", f"line {line_id} reads back other than it was set")
        except Trouble as trouble:
            if not is_final(trouble, progress):
                raise
            return Conflict(f"line {line_id} is ours and half done: {trouble.message}", code="manual-check")
        return done(line_id, "saved", "marker" if self.rules.marker_field else "by count")

    def _unmarked(self, lines: Sequence[Line], order: Order, progress: Progress) -> Conflict | None:
        """Nothing bears the marker; but a line that came since, and may be ours, is not written a second time."""
        if progress.baseline is None or not may_be_ours(lines, progress.baseline, order, user=self.rules.user):
            return None
        return Conflict("a line came that may be ours, and does not bear its id", code="manual-check")

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


def is_final(trouble: Trouble, progress: Progress) -> bool:
    """It will not change by itself, and was seen as often as it takes to believe it."""
    reason = REASONS[trouble.code]
    seen = progress.reason_times + 1 if progress.reason_code == trouble.code else 1
    return reason.then == "failed" and seen >= reason.looks


def done(line_id: str | None, result: str, confidence: str, code: str | None = None) -> Done:
    return Done(line_id, result, memory={"confidence": confidence, "code": code})


def _by_id(lines: Sequence[Line], line_id: str) -> Line | None:
    return next((line for line in lines if line.id == line_id), None)


def _counted(baseline: Baseline | None, lines: Sequence[Line], order: Order) -> Settled:
    """Where no field carries the id, only the number of equal lines tells."""
    if baseline is None:
        return Conflict("nobody wrote down how many equal lines there were", code="manual-check")
    match by_count(baseline, lines, order):
        case "absent":
            return None
        case "saved":
            fresh = [line for line in new_lines(lines, baseline) if baseline_of([line], order).same]
            return done(fresh[0].id if fresh else None, "saved", "by count")
        case _:
            return Conflict("the equal lines on the case are not one more than before", code="manual-check")
