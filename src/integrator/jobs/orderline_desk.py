"""What a person asks about orderlines, and says about them: status, queue, clear, retry, resolve.

Whatever writes does so in one transaction with the outbox, so that a run beside it sees all of it or nothing.
"""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

from integrator.database import Database
from integrator.domain.orderlines.order import key_of
from integrator.domain.orderlines.reasons import rest_s
from integrator.errors import UsageError
from integrator.home import Home
from integrator.runtime import lease
from integrator.runtime.outbox import Outbox
from integrator.store.orderlines import ARMED, Orderlines, shown
from integrator.store.workshops import Workshops

Kind = Literal["task", "error"]
KINDS: tuple[Kind, ...] = ("task", "error")
MANUAL, CONFLICT = "manual-check", "line-conflict"
EVIDENCE = Home(Path()).evidence  # as it is told: from the home folder on
LONGEST_NOTE = 500
# What is known of one that failed without a line, where a person had a word in it.
_KNOWN = {
    "cleared": "it was taken out of the queue, and no line of it is there",
    "resolved": "a person has said already that no line of it is there",
}
_QUEUED = ("case_id", "product_nr", "product_amount", "source", "received_at", "changed_at")
_CONTENT = ("case_id", "product_nr", "product_amount", "source")
_INNER = ("phase", "reason_code", "last_error", "line_ref", "confidence", "arms")
_TIMES = ("received_at", "armed_at", "phase_at", "changed_at", "uncertain_since", "archived_at")


# looking ----------------------------------------------------------------------------------------------


def status(db: Database, workshop: str, unique_id: str) -> dict[str, Any]:
    """What OilMat is told of an orderline.

    Shape   {"reason": "ERP svarer langsomt", "status": "received", "unique_id": "0007"}
    Errors  NotFound
    """
    return _public(db, Orderlines(db).get(workshop, unique_id))


def detail(db: Database, workshop: str, unique_id: str, *, now: float) -> dict[str, Any]:
    """The same, and what stands behind it; times are epoch seconds.

    Shape   evidence "var/evidence/bennys-auto/20270301T080000Z-0007"; held_by "process 4711 on shop-host", or None
    Errors  NotFound
    """
    return _detail(db, Orderlines(db).get(workshop, unique_id), now)


def details(db: Database, unique_id: str, *, now: float) -> list[dict[str, Any]]:
    """The same of every orderline of this id, of whatever workshop."""
    return [_detail(db, row, now) for row in Orderlines(db).find(unique_id)]


def queue(db: Database | None, workshop: str, kind: Kind) -> dict[str, Any]:
    """What waits or is under way ("task"), or what failed or was refused and is not archived ("error"), oldest first.

    Shape   {"workshop", "type", "length", "orders": [{"unique_id", "status", "reason", "case_id", …}]}
    """
    orders = []
    if db is not None:
        for row in Orderlines(db).queue(workshop, kind):
            facts = {name: row[name] for name in _QUEUED}
            orders.append({**_public(db, row), **facts, **_waits(row)})
    return {"workshop": workshop, "type": kind, "length": len(orders), "orders": orders}


def clearable(db: Database | None, workshop: str, kind: Kind) -> list[str]:
    """The ids of what clear() would take out now: nothing that is under way."""
    rows = Orderlines(db).queue(workshop, kind) if db is not None else []
    return [row["unique_id"] for row in rows if row["status"] != "processing"]


def _looked_for(row: Mapping[str, Any]) -> dict[str, int | None]:
    """Since when it is looked for before it may be written, and until when no run looks; None: not at all."""
    doubtful = row["phase"] in ARMED or row["uncertain_since"] is not None
    if row["status"] != "processing" or not doubtful:
        return {"looked_for_since": None, "next_look_at": None}
    rest = rest_s(row["reason_times"]) if row["phase"] == "doubt" else 0
    since = max(row["sent_at"] or 0, row["uncertain_since"] or 0)
    return {"looked_for_since": since, "next_look_at": int(row["phase_at"] + rest) if rest else None}


def _detail(db: Database, row: Mapping[str, Any], now: float) -> dict[str, Any]:
    facts = {name: row[name] for name in (*_CONTENT, *_INNER, *_TIMES)}
    if row["status"] == "processing" and row["phase"] in ("doubt", "half"):
        facts["reason_code"] = "doubt"  # whatever led to it stands in last_error
    holder = lease.holder(row["lease_owner"], row["lease_until"], at=now)
    events = [
        {"at": event["at"], "run": event["run_id"], "what": event["what"], "detail": event["detail"]}
        for event in Orderlines(db).events(row["id"])
    ]
    return {
        **_public(db, row),
        "workshop": row["workshop"],
        **facts,
        **_waits(row),
        **_looked_for(row),
        "evidence": str(EVIDENCE / row["evidence"]) if row["evidence"] else None,
        "held_by": holder.shown if holder else None,
        "events": events,
    }


def _public(db: Database, row: Mapping[str, Any]) -> dict[str, str]:
    word, reason = shown(row, blocked=Workshops(db).get(row["workshop"]).blocked_code)
    return {"reason": reason, "status": word, "unique_id": row["unique_id"]}


def _waits(row: Mapping[str, Any]) -> dict[str, int | None]:
    """How often it was tried, and when it may be tried again; None: nothing is waited for."""
    next_at = (row["next_at"] or None) if row["status"] == "received" else None
    return {"attempts": row["attempts"] or 0, "next_try_at": next_at}


# a person's word --------------------------------------------------------------------------------------


def clear(db: Database, workshop: str, kind: Kind, *, clock: Callable[[], float]) -> list[str]:
    """Take what waits out of the queue ("task": it is failed then), or what failed out of sight ("error": archived).

    Gives back the ids, oldest first. An orderline that a run has begun with stays, and is completed.
    """
    with db.tx():
        ids = clearable(db, workshop, kind)
        _take_out(db, [Orderlines(db).get(workshop, unique_id) for unique_id in ids], clock)
        return ids


def clear_these(
    db: Database, workshop: str, unique_ids: Iterable[str], *, clock: Callable[[], float]
) -> dict[str, list[str]]:
    """The same for these alone, whether they wait or have failed: all of them, or none. A run takes none in between.

    Shape   {"cleared": ["0007"], "archived": ["0009"]}
    Errors  NotFound; UsageError: some are on their case, or may be
    """
    with db.tx():
        found = [Orderlines(db).get(workshop, unique_id) for unique_id in dict.fromkeys(unique_ids)]
        bound = [f"{row['unique_id']} {why}" for row in found if (why := _why_bound(row)) is not None]
        if bound:
            said = f"orderline clear: {workshop}: {'; '.join(bound)}; nothing was cleared"
            first = next(row["unique_id"] for row in found if _why_bound(row) is not None)
            raise UsageError(said, hint=f"integrator explain {key_of(workshop, first)}")
        return _take_out(db, found, clock)


def _why_bound(row: Mapping[str, Any]) -> str | None:
    """Why it cannot be taken out; None: nothing of it is on its case, as far as anybody can know."""
    if row["status"] == "completed":
        return f"is completed: its line is on case {row['case_id']}"
    if row["status"] != "processing":
        return None
    if row["phase"] in ARMED or row["uncertain_since"] is not None:
        return f"may be on case {row['case_id']} already: runs look there first"
    return "is under way: a run has begun with it"


def _take_out(db: Database, rows: Iterable[Mapping[str, Any]], clock: Callable[[], float]) -> dict[str, list[str]]:
    """What waits is failed, what failed is archived. Inside tx()."""
    lines, outbox, at = Orderlines(db), Outbox(db, clock=clock), int(clock())
    cleared, archived = list[str](), list[str]()
    for row in rows:
        if row["status"] == "received":
            outbox.give_up(row["message_id"], "cleared by a person")
            lines.settled(key_of(row["workshop"], row["unique_id"]), "cleared", "by a person", at=at)
            cleared.append(row["unique_id"])
        else:
            lines.archive(row["workshop"], [row["unique_id"]], at=at)
            archived.append(row["unique_id"])
    return {"cleared": cleared, "archived": archived}


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
        state = Outbox(db, clock=clock).retry(row["message_id"], afresh=True)
        phase = row["phase"] if state == "processing" else None  # what was seen before is needed for looking
        key = key_of(workshop, unique_id)
        Orderlines(db).restarted(key, "retried", "by a person", phase=phase, at=int(clock()))
        return status(db, workshop, unique_id)


def resolve(
    db: Database, workshop: str, unique_id: str, *, completed: bool, note: str, clock: Callable[[], float]
) -> dict[str, Any]:
    """Keep what a person saw on the case, where reading cannot settle it. Gives back its status.

    Nobody can tell whether its line is there; or one with its id is, with another product or amount, and only a person
    can say that it shall stay so; or it is in doubt, and no run looks because its workshop is off or blocked; or its
    line was only counted.

    Errors  NotFound; UsageError: it has not failed, its fate is known, or the note says nothing
    """
    note = note.strip()
    if not note or len(note) > LONGEST_NOTE or not note.isprintable():
        raise UsageError(f"orderline resolve: --note: say in 1 to {LONGEST_NOTE} characters what was seen")
    with db.tx():
        row = Orderlines(db).get(workshop, unique_id)
        if completed and row["status"] == "completed" and row["confidence"] == "by count":
            return _compared(db, row, note, int(clock()))
        is_open = _is_left_in_doubt(db, row, clock())
        if not is_open:
            row = _failed("resolve", db, workshop, unique_id)
        if not is_open and row["reason_code"] not in (MANUAL, CONFLICT) and row["uncertain_since"] is None:
            code = row["reason_code"] or "failed"
            known = _KNOWN.get(code, f"no line of it is there as far as could be read ({code})")
            raise UsageError(
                f"orderline resolve: {workshop}/{unique_id}: {known}; it was left as it is",
                hint=f"integrator orderline retry --workshop {workshop} {unique_id}",
            )
        lines, key, at = Orderlines(db), key_of(workshop, unique_id), int(clock())
        Outbox(db, clock=clock).resolve(row["message_id"], done=completed, reason="a person says so", open_too=is_open)
        if completed:
            lines.event(key, "resolved", note, at=at)
            lines.verified(key, row["line_ref"], "a person", None, at=at)
        else:
            lines.settled(key, "resolved", note, at=at)
        return status(db, workshop, unique_id)


def _compared(db: Database, row: Mapping[str, Any], note: str, at: int) -> dict[str, Any]:
    """A person has seen the line that was counted: nobody needs to compare it any more. Inside tx()."""
    lines, key = Orderlines(db), key_of(row["workshop"], row["unique_id"])
    lines.event(key, "resolved", note, at=at)
    lines.verified(key, row["line_ref"], "a person", None, at=at)
    return status(db, row["workshop"], row["unique_id"])


def _is_left_in_doubt(db: Database, row: Mapping[str, Any], now: float) -> bool:
    """It may be on its case, and no run looks: none works on it, and none will as long as its workshop stands so."""
    state = Workshops(db).get(row["workshop"])
    doubtful = row["phase"] in ARMED or row["uncertain_since"] is not None
    held = lease.holder(row["lease_owner"], row["lease_until"], at=now) is not None
    nobody_looks = not state.active or state.blocked_code is not None
    return row["status"] == "processing" and doubtful and nobody_looks and not held


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
    raise UsageError(
        f"orderline {verb}: {workshop}/{unique_id} is {what}; it was left as it is",
        hint=f"is it wrong? integrator orderline clear --workshop {workshop} {unique_id}"
        if row["status"] == "received"
        else None,
    )
