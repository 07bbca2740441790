"""What a person asks about orderlines, and says about them: status, queue, clear, retry, resolve.

Whatever writes does so in one transaction with the outbox, so that a run beside it sees all of it or nothing.
"""

from collections.abc import Callable, Mapping
from math import inf
from typing import Any, Literal

from integrator.database import Database
from integrator.domain.orderlines.order import EFFECT, key_of, scope_of
from integrator.errors import UsageError
from integrator.runtime.outbox import Outbox
from integrator.store.orderlines import Orderlines, shown
from integrator.store.workshops import Workshops

Kind = Literal["task", "error"]
KINDS: tuple[Kind, ...] = ("task", "error")
MANUAL = "manual-check"
LONGEST_NOTE = 500
_QUEUED = ("case_id", "product_nr", "product_amount", "source", "received_at", "changed_at")
_CONTENT = ("case_id", "product_nr", "product_amount", "source")
_INNER = ("phase", "reason_code", "last_error", "line_ref", "evidence", "confidence")
_TIMES = ("received_at", "armed_at", "phase_at", "changed_at", "uncertain_since", "archived_at")


# looking ----------------------------------------------------------------------------------------------


def status(db: Database, workshop: str, unique_id: str) -> dict[str, Any]:
    """What OilMat is told of an orderline.

    Shape   {"reason": "ERP svarer langsomt", "status": "received", "unique_id": "0007"}
    Errors  NotFound
    """
    return _public(db, Orderlines(db).get(workshop, unique_id))


def detail(db: Database, workshop: str, unique_id: str) -> dict[str, Any]:
    """The same, and what stands behind it; times are epoch seconds, evidence is relative to var/evidence.

    Errors  NotFound
    """
    row = Orderlines(db).get(workshop, unique_id)
    facts = {name: row[name] for name in (*_CONTENT, *_INNER, *_TIMES)}
    if row["status"] == "processing" and row["phase"] in ("doubt", "half"):
        facts["reason_code"] = "doubt"  # whatever led to it stands in last_error
    events = [
        {"at": event["at"], "run": event["run_id"], "what": event["what"], "detail": event["detail"]}
        for event in Orderlines(db).events(row["id"])
    ]
    waits = {"attempts": row["attempts"] or 0, "next_try_at": _next_try_at(row)}
    return {**_public(db, row), "workshop": workshop, **facts, **waits, "events": events}


def queue(db: Database | None, workshop: str, kind: Kind) -> dict[str, Any]:
    """What waits or is under way ("task"), or what failed or was refused and is not archived ("error"), oldest first.

    Shape   {"workshop", "type", "length", "orders": [{"unique_id", "status", "reason", "case_id", …}]}
    """
    orders = []
    if db is not None:
        for row in Orderlines(db).queue(workshop, kind):
            facts = {name: row[name] for name in _QUEUED}
            waits = {"attempts": row["attempts"] or 0, "next_try_at": _next_try_at(row)}
            orders.append({**_public(db, row), **facts, **waits})
    return {"workshop": workshop, "type": kind, "length": len(orders), "orders": orders}


def clearable(db: Database | None, workshop: str, kind: Kind) -> list[str]:
    """The ids of what clear() would take out now: nothing that is under way."""
    rows = Orderlines(db).queue(workshop, kind) if db is not None else []
    return [row["unique_id"] for row in rows if row["status"] != "processing"]


def _public(db: Database, row: Mapping[str, Any]) -> dict[str, str]:
    word, reason = shown(row, blocked=Workshops(db).get(row["workshop"]).blocked_code)
    return {"reason": reason, "status": word, "unique_id": row["unique_id"]}


def _next_try_at(row: Mapping[str, Any]) -> int | None:
    """When it may be tried again; None: nothing is waited for."""
    return (row["next_at"] or None) if row["status"] == "received" else None


# a person's word --------------------------------------------------------------------------------------


def clear(db: Database, workshop: str, kind: Kind, *, clock: Callable[[], float]) -> list[str]:
    """Take what waits out of the queue ("task": it is failed then), or what failed out of sight ("error": archived).

    Gives back the ids, oldest first. An orderline that a run has begun with stays, and is completed.
    """
    with db.tx():
        lines, at = Orderlines(db), int(clock())
        ids = clearable(db, workshop, kind)
        if kind == "error":
            lines.archive(workshop, ids, at=at)
            return ids
        Outbox(db, clock=clock).expire(EFFECT, before=inf, reason="cleared by a person", scope=scope_of(workshop))
        for unique_id in ids:
            lines.settled(key_of(workshop, unique_id), "cleared", "by a person", at=at)
        return ids


def retry(db: Database, workshop: str, unique_id: str, *, clock: Callable[[], float]) -> dict[str, Any]:
    """Let the next run begin a failed orderline anew. Gives back its status.

    One that failed out of a doubt is looked for first.
    Errors  NotFound; UsageError: it has not failed, or only a person can tell whether its line is there
    """
    with db.tx():
        row = _failed("retry", db, workshop, unique_id)
        if row["reason_code"] == MANUAL:
            raise UsageError(
                f"orderline retry: {workshop}/{unique_id}: nobody knows whether its line is on case {row['case_id']};"
                " look there and say what you see; it was left as it is",
                hint=f"integrator orderline resolve --workshop {workshop} {unique_id} --as completed --note TEXT"
                "   or --as failed",
            )
        state = Outbox(db, clock=clock).retry(row["message_id"])
        phase = row["phase"] if state == "processing" else None  # what was seen before is needed for looking
        key = key_of(workshop, unique_id)
        Orderlines(db).restarted(key, "retried", "by a person", phase=phase, at=int(clock()))
        return status(db, workshop, unique_id)


def resolve(
    db: Database, workshop: str, unique_id: str, *, completed: bool, note: str, clock: Callable[[], float]
) -> dict[str, Any]:
    """Keep what a person saw on the case, of an orderline whose fate could not be read. Gives back its status.

    Errors  NotFound; UsageError: it has not failed, its fate is known, or the note says nothing
    """
    note = note.strip()
    if not note or len(note) > LONGEST_NOTE or not note.isprintable():
        raise UsageError(f"orderline resolve: --note: say in 1 to {LONGEST_NOTE} characters what was seen")
    with db.tx():
        row = _failed("resolve", db, workshop, unique_id)
        if row["reason_code"] != MANUAL and row["uncertain_since"] is None:
            raise UsageError(
                f"orderline resolve: {workshop}/{unique_id}: no line of it is there ({row['reason_code'] or 'failed'});"
                " it was left as it is",
                hint=f"integrator orderline retry --workshop {workshop} {unique_id}",
            )
        lines, key, at = Orderlines(db), key_of(workshop, unique_id), int(clock())
        Outbox(db, clock=clock).resolve(row["message_id"], done=completed, reason="a person says so")
        if completed:
            lines.event(key, "resolved", note, at=at)
            lines.verified(key, row["line_ref"], "a person", None, at=at)
        else:
            lines.settled(key, "resolved", note, at=at)
        return status(db, workshop, unique_id)


def _failed(verb: str, db: Database, workshop: str, unique_id: str) -> dict[str, Any]:
    """Errors  NotFound; UsageError: it has not failed"""
    row = Orderlines(db).get(workshop, unique_id)
    if row["status"] == "failed":
        return row
    said = {
        "bad request": "a bad request: sent anew and mended, an order takes its place",
        "received": "waiting already: a run takes it when its time has come",
        "processing": "under way or in doubt: the next run looks there first",
    }
    what = said.get(row["status"], row["status"])
    raise UsageError(f"orderline {verb}: {workshop}/{unique_id} is {what}; it was left as it is")
