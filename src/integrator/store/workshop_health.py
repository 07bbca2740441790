"""How a workshop's orderlines stand, in numbers: what waits, what is in doubt, what a person must look at."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from integrator.database import Database
from integrator.domain.orderlines.order import EFFECT
from integrator.store.orderlines import ARMED, Orderlines

DAY_S = 86_400
MEASURED_S = 7 * DAY_S
_BY_A_PERSON = ("cleared", "resolved")
_ROWS = (
    "SELECT o.*, x.state, x.uncertain_since FROM orderlines o JOIN outbox x ON x.effect = ?"
    " AND x.key = o.workshop || '/' || o.unique_id WHERE o.workshop = ? AND x.body IS NOT NULL ORDER BY o.id"
)


@dataclass(frozen=True)
class Numbers:
    """One workshop's orderlines. Times are epoch seconds; ids are unique_ids, oldest first.

    queued         wait for their first or next try, or, after a restore, until their case has been read; oldest_at:
                   since when the oldest of them is here
    doubtful       may have a line that nobody has read yet; doubt_since: the oldest of these doubts
    failed         given up, or refused at the door, and neither archived nor settled by a person
    failed_lately  how many were given up in the last 24 hours, archived ones among them
    manual_checks  it cannot be told whether they have a line: a person must look
    by_count       their line was counted, not read back: a person may compare
    median_s       from claimed to verified, of those verified by us in the last seven days
    """

    queued: int
    processing: int
    doubtful: tuple[str, ...]
    doubt_since: int | None
    failed: tuple[str, ...]
    failed_lately: int
    manual_checks: tuple[str, ...]
    by_count: tuple[str, ...]
    oldest_at: int | None
    median_s: int | None


def numbers(db: Database, workshop: str, *, now: int, running: bool) -> Numbers:
    """How the orderlines of a workshop stand. running: a run works for it now; what it has begun is no doubt yet."""
    rows = [dict(row) for row in db.all(_ROWS, (EFFECT, workshop))]
    queued = [row for row in rows if row["state"] == "received" or is_unbegun(row)]
    processing = [row for row in rows if row["state"] == "processing" and not is_unbegun(row)]
    doubtful = [row for row in processing if _is_doubtful(row, running=running)]
    given_up = [row for row in rows if row["state"] == "failed" and row["reason_code"] not in _BY_A_PERSON]
    failed = [row for row in given_up if row["archived_at"] is None]
    checks = [row for row in failed if row["reason_code"] == "manual-check"]
    return Numbers(
        queued=len(queued),
        processing=len(processing),
        doubtful=_ids(doubtful),
        doubt_since=min((_doubt_since(row) for row in doubtful), default=None),
        failed=(*_ids([row for row in failed if row not in checks]), *_ids(_refused(db, workshop))),
        failed_lately=sum(now - row["changed_at"] < DAY_S for row in given_up),
        manual_checks=_ids(checks),
        by_count=tuple(Orderlines(db).by_count(workshop)),
        oldest_at=min((row["received_at"] for row in queued), default=None),
        median_s=_median_s(db, workshop, since=now - MEASURED_S),
    )


def is_unbegun(row: Mapping[str, Any]) -> bool:
    """No run has begun with it; but the store was restored, so that it is looked for before it is written."""
    return row["state"] == "processing" and row["phase"] is None


def _ids(rows: list[dict[str, Any]]) -> tuple[str, ...]:
    return tuple(row["unique_id"] for row in rows)


def _is_doubtful(row: dict[str, Any], *, running: bool) -> bool:
    """Armed, and its run ended or went on to the next one."""
    return row["phase"] == "doubt" or (row["phase"] in ARMED and (row["uncertain_since"] is not None or not running))


def _doubt_since(row: dict[str, Any]) -> int:
    return int(row["uncertain_since"] or row["armed_at"] or row["phase_at"])


def _refused(db: Database, workshop: str) -> list[dict[str, Any]]:
    sql = "SELECT * FROM orderlines WHERE workshop = ? AND bad_reason IS NOT NULL AND archived_at IS NULL ORDER BY id"
    return [dict(row) for row in db.all(sql, (workshop,))]


def _median_s(db: Database, workshop: str, *, since: int) -> int | None:
    """What a person settled was not our speed."""
    rows = db.all(
        "SELECT o.phase_at - max(e.at) AS seconds FROM orderlines o JOIN orderline_events e ON e.orderline_id = o.id"
        " AND e.what = 'claimed' AND e.at <= o.phase_at WHERE o.workshop = ? AND o.phase = 'verified'"
        " AND o.phase_at >= ? AND o.confidence <> 'a person' GROUP BY o.id ORDER BY seconds",
        (workshop, since),
    )
    return int(rows[len(rows) // 2]["seconds"]) if rows else None


def strays(db: Database, known: set[str]) -> dict[str, int]:
    """How many orderlines wait for workshops that are not known: nobody works for those."""
    rows = db.all(
        "SELECT o.workshop, count(*) AS number FROM orderlines o JOIN outbox x ON x.effect = ?"
        " AND x.key = o.workshop || '/' || o.unique_id AND x.state IN ('received', 'processing')"
        " GROUP BY o.workshop ORDER BY o.workshop",
        (EFFECT,),
    )
    return {row["workshop"]: row["number"] for row in rows if row["workshop"] not in known}


def unbegun(db: Database, *, before: int) -> int:
    """How many of those that a restore has put in doubt no run had begun with: of those somebody would know more."""
    return int(
        db.value(
            "SELECT count(*) FROM orderlines o JOIN outbox x ON x.effect = ?"
            " AND x.key = o.workshop || '/' || o.unique_id WHERE x.state = 'processing'"
            " AND o.phase IS NULL AND coalesce(x.uncertain_since, x.sent_at) < ?",
            (EFFECT, before),
        )
    )
