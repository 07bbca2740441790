"""An orderline becomes one line on its case: look, arm, touch once, read back; after any doubt only look.

    look ── ours is there ──────────────────────────────> done
      └─ prepare ─ arm (durable) ─ touch once ─ read back ─> done
                                    └─ anything else ─ look again ─> done | doubt: a later run looks

A click and our store cannot be one transaction. So the store says "a line may be there" before the touch that saves,
and from then on only reading says what became of it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from integrator.domain.orderlines.lines import (
    Absent,
    Differs,
    Line,
    Present,
    Several,
    baseline_of,
    judge,
    same_product,
)
from integrator.domain.orderlines.order import Order, order_of
from integrator.domain.orderlines.reasons import REASONS
from integrator.effects import Done, Message, Preview
from integrator.errors import Blocked, Conflict, InDoubt, IntegratorError, Postponed, Rejected, Unavailable
from integrator.systems.browser.trouble import Trouble
from integrator.systems.workshops.book import Book, Progress, Rules, Session
from integrator.systems.workshops.erp import WorkshopErp
from integrator.systems.workshops.settling import Settled, Settling, done, is_final

__all__ = ["Book", "OrderlineSender", "Progress", "Rules", "Session"]

T = TypeVar("T")
MOST_ARMS = 3
_TO_READ = {"case-closed", "case-invoiced", "case-locked"}  # nothing can be written there; its lines can be read
UNPICTURED = {"case-locked", "erp-unavailable", "session-lost"}  # a picture of it tells nobody anything


@dataclass
class OrderlineSender:
    """Sends the orderlines of one workshop (effects.Sender). settle_s: how long after arming a line may still come."""

    session: Session
    book: Book
    rules: Rules
    settle_s: float
    sleep: Callable[[float], None]
    resends: bool = True

    def __post_init__(self) -> None:
        self._settling = Settling(self.session, self.book, self.rules)

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
            code = _told(progress.reason_code)
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
        entry = self._settling.entry(erp, order)
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
        # From here on a line may be there: no trouble may leave from below, and nothing may be touched a second time.
        if half is not None:
            return self._after(message, order, lambda: self._settling.settled(message, order, lines))
        return self._after(message, order, lambda: self._saved(message, order, erp))

    def _half_of(self, erp: WorkshopErp, verdict: Absent | Present | Differs | Several) -> Done | Line | None:
        """Before anything is written: ours is there (Done), or half of it (a line to finish), or nothing of it."""
        match verdict:
            case Present(line):
                return done(line.id, "found", "marker", "already-present")
            case Several(count):
                raise Trouble("manual-check", f"{count} lines bear its id")
            case Differs(line, half_done):
                if half_done and line.id is not None and erp.two_steps:
                    return line
                raise Trouble("line-conflict", f"line {line.id} bears its id with another product or amount")
            case Absent():
                return None

    def _saved(self, message: Message, order: Order, erp: WorkshopErp) -> Settled:
        erp.save()
        return self._settling.settled(message, order, erp.lines())

    # after the touch ----------------------------------------------------------------------------

    def _after(self, message: Message, order: Order, act: Callable[[], Settled]) -> Done | IntegratorError:
        """What became of it, as far as reading tells; else a doubt. No Trouble comes out of it."""
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

    def _read(self, message: Message, order: Order) -> Settled:
        erp = self.session.erp()
        try:
            erp.open_case(order.case_id)
        except Trouble as trouble:
            if trouble.code not in _TO_READ:
                raise
        return self._settling.settled(message, order, erp.lines())

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
        if is_final(trouble, progress):
            return Rejected(trouble.message, code=trouble.code)
        return Unavailable(trouble.message, code=trouble.code, retry_after_s=reason.again_s)

    def _seen(self, message: Message, found: T) -> T:
        """What reading has settled, with a picture where somebody will want one."""
        if isinstance(found, IntegratorError) or self.rules.pictures:
            said = found.message if isinstance(found, IntegratorError) else "saved"
            self._capture(message, said)
        return found

    def _picture(self, message: Message, trouble: Trouble) -> None:
        """A trouble that is still the same has its picture already."""
        before = self.book.progress(message)
        if trouble.code not in UNPICTURED and not (before.pictured and before.reason_code == trouble.code):
            self._capture(message, f"{trouble.code}: {trouble.message}")
        if trouble.code == "browser":
            self.session.drop()

    def _capture(self, message: Message, said: str) -> None:
        if (folder := self.session.capture(message.key, said)) is not None:
            self.book.evidence(message, folder)


def _told(code: str | None) -> str:
    """The last reason of what is given up; what only says that something is open is none."""
    return code if code is not None and REASONS[code].then in ("failed", "waits") else "erp-unavailable"
