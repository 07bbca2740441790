"""push-orderline: orders of OilMat become one line each on a case in their workshop's ERP, through a browser.

Reads   spool folder, OilMat   new orders (orderline_intake)
Keeps   store      orderlines, what was seen and done to each; workshops (blocked, paused)
Writes  the workshop's ERP   one line per order (outbox, once); OilMat and var/status what became of it
Guard   a line that may be there is looked for, never written again; one refused login blocks the workshop
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from integrator.domain.instants import utc_text
from integrator.domain.orderlines.order import EFFECT, Order, order_of, scope_of
from integrator.domain.orderlines.reasons import REASONS, rest_s, text_of
from integrator.errors import Blocked, Inactive, IntegratorError
from integrator.runtime import lease
from integrator.runtime.delivery import UNCERTAIN
from integrator.store.orderlines import ARMED, Orderlines
from integrator.store.workshops import PAUSE_S, SILENT_LIMIT, State, Workshops

if TYPE_CHECKING:
    from integrator.domain.orderlines.lines import Baseline
    from integrator.effects import Done, Message
    from integrator.runtime.run import Run
    from integrator.settings import Workshop
    from integrator.systems.workshops.sender import OrderlineSender, Progress
    from integrator.systems.workshops.session import BrowserSession

_NAMED = 5
_SILENT = {"erp-unavailable", "slow", "browser"}


@dataclass
class Shop:
    """One workshop with what is needed to work for it. like_it: the workshops of the same type, itself among them."""

    workshop: "Workshop"
    like_it: tuple[str, ...]
    open_session: "Callable[[], BrowserSession]"
    sender: "Callable[[BrowserSession, Book], OrderlineSender]"


def has_work(run: "Run", workshop: str) -> bool:
    """Something of a workshop can be written or looked up now."""
    state = Workshops(run.db).get(workshop)
    if not state.active or state.blocked_code or state.paused_until > run.clock():
        return False
    due = run.outbox.next_due(EFFECT, scope=scope_of(workshop))
    if due is not None and due <= run.clock():
        return True
    return any(_may_look(run, message) for message in run.outbox.in_doubt(EFFECT, scope=scope_of(workshop)))


def _may_look(run: "Run", message: "Message") -> bool:
    """A line that could not be read again and again rests in between: each look costs a browser and a login."""
    order = order_of(message.body)
    row = Orderlines(run.db).get(order.workshop, order.unique_id)
    return row["phase"] != "doubt" or not 0 <= run.clock() - row["phase_at"] < rest_s(row["reason_times"])


def _advise(message: "Message") -> str:
    """The outbox's own commands leave orderlines alone."""
    return f"look on case {order_of(message.body).case_id}, then: integrator explain {message.key}"


def push_orderline(run: "Run", shop: Shop) -> None:
    """Deliver what waits for one workshop.

    Errors  Inactive: it is switched off or blocked; Blocked: its ERP did not let us in; Stopped
    """
    workshop = shop.workshop.id
    if run.dry or run.replayed:
        return _plan(run, shop)
    _need_active(run, shop.workshop)
    book = Book(run)
    book.give_back(workshop)
    if not has_work(run, workshop):
        _say_waiting(run, workshop)
        return None
    try:
        with shop.open_session() as session:
            session.told = lambda: _logged_in(run, workshop)
            _deliver(run, shop, book, session)
    except Blocked as error:
        if Workshops(run.db).get(workshop).blocked_code is None:  # seen while looking, and noted nowhere yet
            with run.db.tx():
                Workshops(run.db).block([workshop], error.code, at=int(run.clock()))
        error.message = f"workshop {workshop}: blocked until a person has looked: {error.message}; its orders wait"
        error.hint = _way_out(shop.workshop, error.code)
        raise
    return None


def say_held(run: "Run", workshop: str) -> None:
    """What waits though nothing is tried now, and why: "nothing to do" would not be true.

    It is remarked; a run that only passes over it has not failed, and cron hears nothing.
    """
    item, report = f"{EFFECT} {workshop}", run.report
    told = (*report.waiting, *report.failed)
    pending = run.outbox.pending(EFFECT, scope=scope_of(workshop))
    if not pending or any(name == f"workshop {workshop}" or name.startswith(item) for name in told):
        return
    state = Workshops(run.db).get(workshop)
    if (why := _held(state, run.clock())) is not None:
        run.held(item, pending)
        run.remark(f"workshop {workshop} {why}; {pending} orderline(s) wait")
    else:
        due = run.outbox.next_due(EFFECT, scope=scope_of(workshop))
        run.later(item, pending, due if due and due > run.clock() else None)


def _held(state: State, now: float) -> str | None:
    """Why no run works for it; None: one does."""
    if not state.active:
        return "is switched off"
    if state.blocked_code:
        return f"is blocked: {state.blocked_code} ({text_of(state.blocked_code)})"
    if state.paused_until > now:
        return f"is paused until {utc_text(state.paused_until)}: its ERP could not be had several times in a row"
    return None


def _need_active(run: "Run", workshop: "Workshop") -> None:
    state = Workshops(run.db).get(workshop.id)
    if state.active and not state.blocked_code:
        return
    hint = (
        _way_out(workshop, str(state.blocked_code)) if state.active else f"integrator workshop activate {workshop.id}"
    )
    why = _held(state, run.clock())
    raise Inactive(f"push-orderline: workshop {workshop.id} {why}; its orders wait", hint=hint)


def _way_out(workshop: "Workshop", code: str) -> str:
    from integrator.jobs.workshop_standing import way_out  # most starts find no block

    return way_out(workshop, code)


def _say_waiting(run: "Run", workshop: str) -> None:
    state = Workshops(run.db).get(workshop)
    if pending := run.outbox.pending(EFFECT, scope=scope_of(workshop)):
        paused = "its ERP could not be had several times in a row; " if state.paused_until > run.clock() else ""
        run.report.waiting[f"{EFFECT} {workshop}"] = f"{paused}{pending} orderline(s) wait for their next try"


def _deliver(run: "Run", shop: Shop, book: "Book", session: "BrowserSession") -> None:
    warden = Warden(run, shop)
    delivery = run.delivery(
        EFFECT,
        shop.sender(session, book),
        prepare=book.claimed,
        keep=warden.keep,
        note=warden.note,
        pause=warden.is_closed,
        look=lambda message: _may_look(run, message),
        advise=_advise,
        scope=scope_of(shop.workshop.id),
        waits=False,
    )
    try:
        delivery.run()
    finally:
        run.take_over(delivery)
        _name_waiting(run, shop.workshop.id)
        run.count(browsers__started=session.starts, logins=session.logins)
    if warden.blocked is not None:  # seen in the middle, so that nothing was raised
        code = warden.blocked
        others = [one for one in shop.like_it if one != shop.workshop.id] if code == "layout-changed" else []
        so = f"; so is {', '.join(others)}" if others else ""
        raise Blocked(f"{code} ({text_of(code)}){so}", code=code)


def _name_waiting(run: "Run", workshop: str) -> None:
    """Those whose turn did not come have no reason of their own: they are named together."""
    if run.report.waiting.pop(EFFECT, None) is None:
        return
    run.report.later.pop(EFFECT, None)
    told = {name.removeprefix(f"{EFFECT} {workshop}/") for name in run.report.waiting}
    ids = [row["unique_id"] for row in Orderlines(run.db).queue(workshop, "task") if row["unique_id"] not in told]
    some = ", ".join(ids[:_NAMED]) + (" …" if len(ids) > _NAMED else "")
    run.report.waiting[f"{EFFECT} {workshop}"] = f"{len(ids)} orderline(s) wait for their next try: {some}"


def _plan(run: "Run", shop: Shop) -> None:
    """What would be written; no browser is started. Nothing for a workshop that a run leaves alone."""
    if _held(Workshops(run.db).get(shop.workshop.id), run.clock()) is not None:
        return say_held(run, shop.workshop.id)
    sender = shop.sender(shop.open_session(), Book(run))
    scope = scope_of(shop.workshop.id)
    for message in [*run.outbox.in_doubt(EFFECT, scope=scope), *run.outbox.due(EFFECT, scope=scope)]:
        run.report.plan.append((EFFECT, sender.preview(message)))
    return None


def _logged_in(run: "Run", workshop: str) -> None:
    with run.db.tx():
        Workshops(run.db).logged_in(workshop, at=int(run.clock()))


@dataclass
class Warden:
    """Keeps what came of each order, and closes the workshop when going on would do harm."""

    run: "Run"
    shop: Shop
    closed: bool = field(default=False, init=False)
    blocked: str | None = field(default=None, init=False)

    def is_closed(self) -> bool:
        """Asked before every order: somebody may have switched the workshop off meanwhile."""
        return self.closed or not Workshops(self.run.db).get(self.shop.workshop.id).active

    def keep(self, message: "Message", done: "Done") -> None:
        at, workshops = int(self.run.clock()), Workshops(self.run.db)
        facts: dict[str, Any] = done.memory
        lines = Orderlines(self.run.db, run_id=self.run.id)
        lines.verified(message.key, done.remote_id, facts["confidence"], facts["code"], at=at)
        workshops.done(self.shop.workshop.id, at=at)
        workshops.answered(self.shop.workshop.id, at=at)

    def note(self, message: "Message", state: str, error: IntegratorError) -> None:
        """In the transaction that says that an order is not done."""
        at, code = int(self.run.clock()), getattr(error, "code", None)
        if code == "case-busy" and state == "processing":
            return  # another run works on it: it is that one's to tell
        code = "manual-check" if code == UNCERTAIN else code
        Orderlines(self.run.db, run_id=self.run.id).noted(message.key, state, code, error.message, at=at)
        if code is not None:
            self._judge(message, code, at)

    def _judge(self, message: "Message", code: str, at: int) -> None:
        workshop, workshops = self.shop.workshop.id, Workshops(self.run.db)
        if REASONS[code].then == "blocked":
            self._close([workshop], code, at)
        elif code in _SILENT:
            if workshops.silent(workshop, at=at) >= SILENT_LIMIT:
                workshops.pause(workshop, at + PAUSE_S, at=at)
                self.closed = True
        elif code == "layout-changed":
            if workshops.odd_layout(workshop, message.key, at=at):
                self._close(self.shop.like_it, code, at)
        elif code != "case-busy":
            workshops.answered(workshop, at=at)

    def _close(self, workshops: Iterable[str], code: str, at: int) -> None:
        Workshops(self.run.db).block(workshops, code, at=at)
        self.blocked, self.closed = code, True


class Book:
    """What the sender remembers of an orderline (sender.Book), each call in a transaction of its own."""

    def __init__(self, run: "Run") -> None:
        self._run = run
        self._lines = Orderlines(run.db, run_id=run.id)

    @cached_property
    def _owner(self) -> lease.Owner:
        return lease.Owner.ourselves()

    @property
    def _at(self) -> int:
        return int(self._run.clock())

    def claimed(self, message: "Message") -> None:
        """In the transaction that begins a message."""
        self._lines.claimed(message.key, str(self._owner), at=self._at)

    def give_back(self, workshop: str) -> None:
        """What a run that ended in the middle had only looked at waits again; it wrote nothing."""
        for message in self._run.outbox.in_doubt(EFFECT, scope=scope_of(workshop)):
            progress = self.progress(message)
            if message.uncertain_since is None and not progress.armed and progress.held_by is None:
                with self._run.db.tx():
                    reason = "the run that had begun with it ended before anything was written"
                    self._run.outbox.put_back(message, reason, attempts=message.attempts, next_at=0)
                    self._lines.released(message.key, at=self._at)

    def progress(self, message: "Message") -> "Progress":
        from integrator.domain.orderlines.lines import Baseline
        from integrator.systems.workshops.sender import Progress

        order = order_of(message.body)
        row = self._lines.get(order.workshop, order.unique_id)
        armed = row["phase"] in ARMED
        return Progress(
            armed=armed,
            arms=row["arms"],
            baseline=Baseline.from_json(row["baseline"]) if armed and row["baseline"] else None,
            line_ref=row["line_ref"] if armed else None,
            reason_code=row["reason_code"],
            reason_times=row["reason_times"],
            pictured=row["evidence"] is not None,
            held_by=self._holder(row),
        )

    def _holder(self, row: dict[str, Any]) -> str | None:
        """Another run that still works on it."""
        found = lease.holder(row["lease_owner"], row["lease_until"], at=self._at)
        return None if found is None or found == self._owner else found.shown

    def under_way(self, order: Order) -> str | None:
        return self._lines.under_way(order)

    def looked(self, message: "Message") -> None:
        with self._run.db.tx():
            self._lines.looked(message.key, at=self._at)

    def armed(self, message: "Message", baseline: "Baseline") -> None:
        """From here on a line may be there; a later run counts from this moment how long it has been looked for."""
        with self._run.db.tx():
            self._lines.armed(message.key, baseline.as_json(), at=self._at)
            self._run.outbox.leaving(message)

    def half(self, message: "Message", line_id: str) -> None:
        with self._run.db.tx():
            self._lines.half(message.key, line_id, at=self._at)

    def evidence(self, message: "Message", folder: str) -> None:
        with self._run.db.tx():
            self._lines.evidence(message.key, folder, at=self._at)
