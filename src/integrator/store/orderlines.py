"""Orderlines in the store: what each one is, how far looking and writing got, and what happened when.

Whether one waits, is under way or has ended stands in the outbox alone; this module joins it and never copies it.
"""

import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from integrator.database import Database
from integrator.domain.orderlines.order import EFFECT, Order
from integrator.domain.orderlines.reasons import text_of
from integrator.errors import NotFound

LEASE_S = 300
Compared = Literal["new", "same", "replaced", "reused"]
Content = tuple[str | None, str | None, str | None]  # case, product, amount
ARMED = ("armed", "half", "doubt")  # from here on a line may be there
LOCKED = "case-locked"  # by a colleague, which some ERPs tell only who saves: as if it had not been touched
_JOINED = (
    "SELECT o.*, x.id AS message_id, x.attempts, x.next_at, x.reason AS last_error, x.sent_at, x.uncertain_since,"
    " CASE WHEN o.bad_reason IS NOT NULL THEN 'bad request' ELSE x.state END AS status"
    " FROM orderlines o LEFT JOIN outbox x ON x.effect = ? AND x.key = o.workshop || '/' || o.unique_id"
)


class Orderlines:
    """Rows of orderlines and of their events. What writes must be called inside tx()."""

    def __init__(self, db: Database, *, run_id: int | None = None) -> None:
        self._db = db
        self._run_id = run_id

    # reading ------------------------------------------------------------------------------------

    def get(self, workshop: str, unique_id: str) -> dict[str, Any]:
        """One orderline with its status (OilMat's word for it), and its message's attempts, next_at, last_error.

        Errors  NotFound
        """
        row = self._db.one(f"{_JOINED} WHERE o.workshop = ? AND o.unique_id = ?", (EFFECT, workshop, unique_id))
        if row is None:
            raise NotFound(
                f"orderline: {workshop} has no orderline {unique_id}",
                hint=f"which wait: integrator orderline queue --workshop {workshop}   which failed: with --type error"
                f"   of another workshop? integrator explain {unique_id}",
            )
        return dict(row)

    def find(self, unique_id: str) -> list[dict[str, Any]]:
        """The orderlines of this id, of whatever workshop."""
        return [dict(row) for row in self._db.all(f"{_JOINED} WHERE o.unique_id = ?", (EFFECT, unique_id))]

    def queue(self, workshop: str, kind: Literal["task", "error"]) -> list[dict[str, Any]]:
        """What waits or is under way ("task"), or has failed and is not archived ("error"); oldest first."""
        states = ("received", "processing") if kind == "task" else ("failed", "bad request")
        sql = (
            f"SELECT * FROM ({_JOINED} WHERE o.workshop = ?) WHERE status IN (?, ?)"  # noqa: S608 (a constant)
            " AND (archived_at IS NULL OR status IN ('received', 'processing')) ORDER BY id"
        )
        rows = self._db.all(sql, (EFFECT, workshop, *states))
        return [dict(row) for row in rows]

    def every(self, workshop: str) -> list[dict[str, Any]]:
        """All orderlines of a workshop, oldest first."""
        return [dict(row) for row in self._db.all(f"{_JOINED} WHERE o.workshop = ? ORDER BY o.id", (EFFECT, workshop))]

    def changed_at(self, workshop: str) -> int | None:
        """When one of its orderlines changed last."""
        found = self._db.value("SELECT max(changed_at) FROM orderlines WHERE workshop = ?", (workshop,))
        return None if found is None else int(found)

    def untold(self, workshop: str) -> list[dict[str, Any]]:
        """Orderlines of a workshop whose status changed since OilMat was told."""
        rows = self._db.all(f"{_JOINED} WHERE o.untold = 1 AND o.workshop = ? ORDER BY o.id", (EFFECT, workshop))
        return [dict(row) for row in rows]

    def under_way(self, order: Order) -> str | None:
        """Another orderline of the same case that may have a line there which nobody has read yet."""
        found = self._db.value(
            "SELECT o.unique_id FROM orderlines o JOIN outbox x ON x.effect = ?"
            " AND x.key = o.workshop || '/' || o.unique_id WHERE o.workshop = ? AND o.case_id = ? AND o.unique_id <> ?"
            " AND x.state = 'processing' AND o.phase IN ('armed', 'half', 'doubt') ORDER BY o.id LIMIT 1",
            (EFFECT, order.workshop, order.case_id, order.unique_id),
        )
        return None if found is None else str(found)

    def events(self, orderline_id: int) -> list[dict[str, Any]]:
        """What happened to it, oldest first."""
        rows = self._db.all("SELECT * FROM orderline_events WHERE orderline_id = ? ORDER BY id", (orderline_id,))
        return [dict(row) for row in rows]

    def by_count(self, workshop: str) -> list[str]:
        """Ids whose line was not read back but counted, and that nobody has compared yet."""
        rows = self._db.all(
            "SELECT unique_id FROM orderlines WHERE workshop = ? AND confidence = 'by count' AND archived_at IS NULL",
            (workshop,),
        )
        return [row["unique_id"] for row in rows]

    # intake -------------------------------------------------------------------------------------

    def compare(self, order: Order) -> Compared:
        """What an order is to the store. "same": it is here already; "replaced": it takes the place of a bad request;
        "reused": its id is here with other content, and that one stays as it is."""
        known = self._known(order.workshop, order.unique_id)
        if known is None:
            return "new"
        if known["bad_reason"] is not None:
            return "replaced"
        return "same" if _content(known) == order.content else "reused"

    def take(self, order: Order, *, source: str, credentials: bool, at: int) -> None:
        """Keep an order that is new, or takes the place of a bad request; compare() has said so."""
        self._write(order.workshop, order.unique_id, order.content, None, source, credentials, at)
        self.event(order.key, "received", f"by {source}", at=at)

    def refuse(
        self,
        workshop: str,
        unique_id: str,
        reason: str,
        *,
        source: str,
        credentials: bool,
        at: int,
        content: Content = (None, None, None),
    ) -> bool:
        """Keep a bad request under its id. False: an order of this id is here, and stays as it is.

        content   its case, product and amount, as far as they could be read
        """
        known = self._known(workshop, unique_id)
        if known is not None and known["bad_reason"] is None:
            return False
        if known is None or (known["bad_reason"], known["archived_at"], *_content(known)) != (reason, None, *content):
            self._write(workshop, unique_id, content, reason, source, credentials, at)
            self.event(f"{workshop}/{unique_id}", "bad request", reason, at=at)
        return True

    def _known(self, workshop: str, unique_id: str) -> sqlite3.Row | None:
        return self._db.one("SELECT * FROM orderlines WHERE workshop = ? AND unique_id = ?", (workshop, unique_id))

    def _write(
        self,
        workshop: str,
        unique_id: str,
        content: Content,
        bad_reason: str | None,
        source: str,
        credentials: bool,
        at: int,
    ) -> None:
        self._db.write(
            "INSERT INTO orderlines (workshop, unique_id, case_id, product_nr, product_amount, bad_reason, source,"
            " credentials, received_at, changed_at, reason_code)"
            " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9, iif(?6 IS NULL, NULL, 'bad-request'))"
            " ON CONFLICT (workshop, unique_id) DO UPDATE SET case_id = ?3, product_nr = ?4, product_amount = ?5,"
            " bad_reason = ?6, source = ?7, credentials = ?8, received_at = ?9, changed_at = ?9, archived_at = NULL,"
            " untold = 1, reason_code = excluded.reason_code, reason_times = 0 WHERE bad_reason IS NOT NULL",
            (workshop, unique_id, *content, bad_reason, source, int(credentials), at),
        )

    # its way ------------------------------------------------------------------------------------

    def claimed(self, key: str, owner: str, *, at: int) -> None:
        """A run has begun with it."""
        self._phase(key, "claimed", at, lease_owner=owner, lease_until=at + LEASE_S)

    def looked(self, key: str, *, at: int) -> None:
        """Its case was read, and our line is not there."""
        self._phase(key, "looked", at, lease_until=at + LEASE_S)

    def armed(self, key: str, baseline: str, *, at: int) -> None:
        """From now on a line may be there. baseline says what was there before, as JSON."""
        found = self._phase(key, "armed", at, armed_at=at, baseline=baseline, line_ref=None, lease_until=at + LEASE_S)
        self._db.write("UPDATE orderlines SET arms = arms + 1 WHERE id = ?", (found,))

    def half(self, key: str, line_ref: str, *, at: int) -> None:
        """The first of two steps is done: this line is ours, and only its text and amount have to be set."""
        self._phase(key, "half", at, detail=f"line {line_ref}", line_ref=line_ref, lease_until=at + LEASE_S)

    def verified(self, key: str, line_ref: str | None, confidence: str, code: str | None, *, at: int) -> None:
        """The line was read back ("marker"), or counted ("by count"), or a person says so ("a person")."""
        what = f"line {line_ref}, {confidence}" if line_ref else confidence
        self._phase(
            key,
            "verified",
            at,
            detail=f"{what}: {code}" if code else what,
            line_ref=line_ref,
            confidence=confidence,
            reason_code=code,
            reason_times=0,
            baseline=None,
            lease_owner=None,
            lease_until=None,
        )

    def noted(self, key: str, state: str, code: str | None, detail: str, *, at: int) -> None:
        """An attempt ended without the line being known to be there. state is the outbox's from now on.

        The same as before is told once, with the time when it began: it may go on for a day, every minute.

        A save that was refused because the case is locked is not counted as a touch: it waits for as long as all else.

        code   None: nothing new is known of why; the reason stays what it was. How often it was seen in a row is
               counted anew where a doubt begins
        """
        workshop, _, unique_id = key.partition("/")
        known = self._db.one(
            "SELECT id, reason_code, phase FROM orderlines WHERE workshop = ? AND unique_id = ?", (workshop, unique_id)
        )
        if known is None:  # a message that was queued by hand
            return
        phase = {"processing": "doubt", "received": None, "failed": known["phase"]}[state]
        self._db.write(
            "UPDATE orderlines SET reason_times = CASE WHEN ?1 IS NULL THEN reason_times"
            "  WHEN reason_code IS ?1 AND (?2 IS NOT 'doubt' OR phase IS 'doubt') THEN reason_times + 1 ELSE 1 END,"
            " reason_code = coalesce(?1, reason_code),"
            " arms = arms - (?2 IS NULL AND phase = 'armed' AND ?1 IS ?5),"
            " phase = ?2, phase_at = ?3, untold = 1, changed_at = ?3, lease_owner = NULL, lease_until = NULL"
            " WHERE id = ?4",
            (code, phase, at, known["id"], LOCKED),
        )
        waits = "disarmed" if known["phase"] in ARMED and code is None else "waits"
        what = {"processing": "doubt", "received": waits}.get(state, state)
        if not self._is_repeated(known["id"], what, detail):
            self._event(known["id"], what, detail, at)

    def _is_repeated(self, orderline_id: int, what: str, detail: str) -> bool:
        """Whether this was told last; that a run had begun with it once more, and only that, is then taken back."""
        rows = self._db.all(
            "SELECT id, what, detail FROM orderline_events WHERE orderline_id = ? ORDER BY id DESC LIMIT 2",
            (orderline_id,),
        )
        begun, before = ([], rows) if not rows or rows[0]["what"] != "claimed" else (rows[:1], rows[1:])
        if not before or (before[0]["what"], before[0]["detail"]) != (what, detail):
            return False
        for row in begun:
            self._db.write("DELETE FROM orderline_events WHERE id = ?", (row["id"],))
        return True

    def released(self, key: str, *, at: int) -> None:
        """A run that ended in the middle had only looked: it waits again."""
        self._phase(key, None, at, what="given back", lease_owner=None, lease_until=None)

    def evidence(self, key: str, folder: str, *, at: int) -> None:
        """Where the pictures and pages of its last trouble lie, relative to var/evidence."""
        self._db.write("UPDATE orderlines SET evidence = ? WHERE id = ?", (folder, self._id(key)))
        self.event(key, "evidence", folder, at=at)

    def restarted(self, key: str, what: str, detail: str | None, *, phase: str | None = None, at: int) -> None:
        """A person brought it back: it begins anew; phase: it is looked for first, with what was seen before."""
        facts = {"reason_code": None, "reason_times": 0, "arms": 0, "archived_at": None}
        self._phase(key, phase, at, what=what, detail=detail, **facts)

    def settled(self, key: str, code: str, detail: str, *, at: int) -> None:
        """A person took it out ("cleared": nobody needs to see to it any more), or says that it has no line
        ("resolved")."""
        facts = {"reason_code": code, "reason_times": 1, "baseline": None}
        self._phase(
            key, None, at, what=code, detail=detail, **facts | ({"archived_at": at} if code == "cleared" else {})
        )

    def archive(self, workshop: str, ids: Iterable[str], *, at: int) -> None:
        """They are out of the list of errors; asking for their status still answers."""
        for unique_id in ids:
            self._db.write(
                "UPDATE orderlines SET archived_at = ? WHERE workshop = ? AND unique_id = ?", (at, workshop, unique_id)
            )

    def told(self, orderline_id: int, text: str, changed_at: int) -> None:
        """What OilMat is being told, so that the same is not told again; what changed meanwhile stays to be told."""
        self._db.write("UPDATE orderlines SET told = ? WHERE id = ?", (text, orderline_id))
        self._db.write("UPDATE orderlines SET untold = 0 WHERE id = ? AND changed_at = ?", (orderline_id, changed_at))

    def retell(self, workshop: str, *, at: int, freed: str | None = None) -> None:
        """The reason of all that wait is another one: the workshop was blocked, or is free again.

        freed   the block that is over: nothing waits for it any more
        """
        if freed is not None:
            self._db.write(
                "UPDATE orderlines SET reason_code = NULL, reason_times = 0 WHERE workshop = ? AND reason_code = ?",
                (workshop, freed),
            )
        self._db.write(
            "UPDATE orderlines SET untold = 1, changed_at = ? WHERE workshop = ? AND EXISTS (SELECT 1 FROM outbox"
            " WHERE effect = ? AND key = workshop || '/' || unique_id AND state = 'received')",
            (at, workshop, EFFECT),
        )

    def hastened(self, workshop: str) -> None:
        """A person has seen to the workshop: how often the reason of what waits or is in doubt was seen counts anew."""
        self._db.write(
            "UPDATE orderlines SET reason_times = 0 WHERE workshop = ? AND reason_times > 0 AND EXISTS"
            " (SELECT 1 FROM outbox WHERE effect = ? AND key = workshop || '/' || unique_id"
            " AND state IN ('received', 'processing'))",
            (workshop, EFFECT),
        )

    def event(self, key: str, what: str, detail: str | None, *, at: int) -> None:
        self._event(self._id(key), what, detail, at)

    def _phase(self, key: str, phase: str | None, at: int, **columns: Any) -> int:
        found = self._id(key)
        what, detail = columns.pop("what", phase), columns.pop("detail", None)
        columns |= {"phase": phase, "phase_at": at, "changed_at": at, "untold": 1}
        holes = ", ".join(f"{name} = :{name}" for name in columns)
        self._db.write(f"UPDATE orderlines SET {holes} WHERE id = :id", columns | {"id": found})  # noqa: S608 (ours)
        self._event(found, what, detail, at)
        return found

    def _event(self, orderline_id: int, what: str, detail: str | None, at: int) -> None:
        self._db.write(
            "INSERT INTO orderline_events (orderline_id, at, run_id, what, detail) VALUES (?, ?, ?, ?, ?)",
            (orderline_id, at, self._run_id, what, detail),
        )

    def _id(self, key: str) -> int:
        workshop, _, unique_id = key.partition("/")
        found = self._db.value("SELECT id FROM orderlines WHERE workshop = ? AND unique_id = ?", (workshop, unique_id))
        if found is None:
            raise NotFound(f"orderline: there is no orderline {key}")
        return int(found)


def _content(row: sqlite3.Row) -> Content:
    return row["case_id"], row["product_nr"], row["product_amount"]


def shown(row: Mapping[str, Any], *, blocked: str | None = None) -> tuple[str, str]:
    """What OilMat is told: its status word, and a reason from the table.

    blocked is why the workshop takes no orderlines now: it is the reason of all that wait.
    """
    status = str(row["status"])
    if status == "bad request":
        return status, str(row["bad_reason"])
    if status == "received":
        return status, text_of(blocked or row["reason_code"])
    if status == "processing":
        return status, text_of("doubt") if row["phase"] in ("doubt", "half") else ""
    return status, text_of(row["reason_code"])
