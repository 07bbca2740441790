"""What of a store's personal data is to go.

Two questions, one answer: what do the rules say is due (rules_work), and what does the journal say was erased
(journal_work)? Both give a Work, which rows.py carries out. Asking reads only: a backup is asked as it lies.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from integrator.database import Database
from integrator.domain.orderlines.order import EFFECT, STATUS_EFFECT
from integrator.domain.retention import DAY_S, Periods, class_over_at, due, oldest_day
from integrator.store.erasure.journal import Entry, Journal
from integrator.store.erasure.people import find

UNDER_WAY = "under way: a message of it has not ended yet"
LIST_EFFECT = "mailgun.participant-list"


@dataclass
class Work:
    """What is to be done. trainers are courses whose trainers go; orderlines are ids of rows; bookings are orders in
    which a booking holds what is to go, also where nobody else is left: in the others above it goes with them.

    under_way is what would be due and is left alone (name → why), held the orders on legal hold (order → since when).
    """

    delete: set[int] = field(default_factory=set)
    reservations: set[int] = field(default_factory=set)
    anonymise: set[int] = field(default_factory=set)
    participants: set[tuple[int, int]] = field(default_factory=set)
    customers: set[int] = field(default_factory=set)
    attentions: set[int] = field(default_factory=set)
    lists: list[tuple[str, str, str]] = field(default_factory=list)
    list_messages: set[int] = field(default_factory=set)
    messages: set[int] = field(default_factory=set)
    trainers: set[str] = field(default_factory=set)
    orderlines: set[int] = field(default_factory=set)
    bookings: set[int] = field(default_factory=set)
    holds: dict[int, int | None] = field(default_factory=dict)
    under_way: dict[str, str] = field(default_factory=dict)
    held: dict[int, int] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Whether somebody's data are to go."""
        people = self.delete or self.anonymise or self.participants or self.customers or self.attentions
        rest = self.lists or self.list_messages or self.messages or self.trainers or self.orderlines or self.holds
        return bool(people or self.bookings or rest)

    @property
    def orders(self) -> set[int]:
        """Orders that stay, but not as they are."""
        return self.anonymise | {order for order, _ in self.participants} | self.customers | self.attentions


# what is due -----------------------------------------------------------------------------------------


def rules_work(db: Database, periods: Periods, now: int) -> Work:
    """What the retention rules ask for. Reads only."""
    work = Work()
    for row in _complete_orders(db, periods, now):
        over_at = class_over_at(row["catalogue_end"], json.loads(row["class"]), row["completed_at"])
        is_nobody = row["anonymised_at"] is not None
        rule = due(periods, over_at=over_at, completed_at=row["completed_at"], anonymised=is_nobody, now=now)
        if rule and row["hold_reason"] is None:
            _put(work, row, work.delete if rule == "order" else work.anonymise)
    for row in _old_reservations(db, periods.participants_days * DAY_S, now):
        _put(work, row, work.reservations)
    work.bookings = _of_bookings(db, work.reservations)
    _old_lists(db, work, oldest_day(periods, now))
    work.trainers = _former_trainers(db, periods, now)
    work.orderlines = _old_orderlines(db, now - periods.orderlines_days * DAY_S)
    held = db.all("SELECT id, hold_since FROM orders WHERE hold_reason IS NOT NULL ORDER BY id")
    work.held = {row["id"]: row["hold_since"] for row in held}
    return work


def _former_trainers(db: Database, periods: Periods, now: int) -> set[str]:
    """Classes that are over and that the source lists no more: of others the next import brings trainers back."""
    rows = db.all("SELECT id, \"end\", missing_since FROM courses WHERE trainers <> '[]' AND missing_since IS NOT NULL")
    after = periods.participants_days * DAY_S
    return {row["id"] for row in rows if now >= class_over_at(row["end"], {}, row["missing_since"]) + after}


def _put(work: Work, row: Any, place: set[int]) -> None:
    if row["under_way"]:
        work.under_way[f"order {row['id']}"] = UNDER_WAY
    else:
        place.add(row["id"])


_UNDER_WAY = (
    "EXISTS (SELECT 1 FROM outbox x WHERE x.scope = 'order:' || o.id AND x.state IN ('received', 'processing'))"
    " AS under_way"
)


def _complete_orders(db: Database, periods: Periods, now: int) -> list[Any]:
    return db.all(
        f'SELECT o.*, c."end" AS catalogue_end, {_UNDER_WAY} FROM orders o LEFT JOIN courses c ON c.id = o.class_id'  # noqa: S608
        " WHERE o.state = 'complete' AND (o.anonymised_at IS NULL OR o.completed_at <= ?) ORDER BY o.id",
        (now - periods.orders_days * DAY_S,),
    )


def _old_reservations(db: Database, after: int, now: int) -> list[Any]:
    """Those that came to nothing so long ago; of one whose student a reseller told us of all the same, the seat being
    gone by then, so long after the class: a person finds them another."""
    confirmed = "EXISTS (SELECT 1 FROM bookings b WHERE b.order_id = o.id AND b.state = 'confirmed')"
    rows = db.all(
        f'SELECT o.id, o.class, o.changed_at, c."end" AS catalogue_end, {_UNDER_WAY},'  # noqa: S608 (constants)
        f" {confirmed if _has(db, 'bookings') else '0'} AS is_confirmed"
        " FROM orders o LEFT JOIN courses c ON c.id = o.class_id WHERE o.state IN ('released', 'cancelled')"
        " AND o.hold_reason IS NULL AND o.changed_at <= ? ORDER BY o.id",
        (now - after,),
    )
    return [row for row in rows if not row["is_confirmed"] or now >= _over_at(row) + after]


def _over_at(row: Any) -> float:
    return class_over_at(row["catalogue_end"], json.loads(row["class"]), row["changed_at"])


def _old_lists(db: Database, work: Work, before: str) -> None:
    rows = db.all("SELECT class_id, day, recipient FROM participant_lists WHERE day < ?", (before,))
    work.lists = [(row["class_id"], row["day"], row["recipient"]) for row in rows]
    for row in db.all("SELECT id, key, state FROM outbox WHERE effect = ?", (LIST_EFFECT,)):
        day = row["key"].split(":")[2:3]
        if not day or day[0] >= before:
            continue
        if row["state"] == "processing":
            work.under_way[row["key"]] = "under way: it is a list of participants, and has not ended yet"
        else:  # one that still waits is withdrawn: its day is over
            work.list_messages.add(row["id"])


def _old_orderlines(db: Database, before: int) -> set[int]:
    """Orderlines that ended by then, and came by then. One that waits or is under way has not ended, however old.

    One of which OilMat is being told at this moment stays for the next run; a word that still waits goes with it.
    """
    if not _has(db, "orderlines"):
        return set()
    rows = db.all(
        "SELECT o.id FROM orderlines o WHERE max(o.received_at, o.changed_at) <= ?1 AND NOT EXISTS"
        " (SELECT 1 FROM outbox x WHERE x.key = o.workshop || '/' || o.unique_id AND x.effect = ?2"
        " AND (x.state IN ('received', 'processing') OR x.changed_at > ?1))"
        " AND NOT EXISTS (SELECT 1 FROM outbox x WHERE x.key = o.workshop || '/' || o.unique_id AND x.effect = ?3"
        " AND x.state = 'processing')",
        (before, EFFECT, STATUS_EFFECT),
    )
    return {row["id"] for row in rows}


def _of_bookings(db: Database, orders: set[int]) -> set[int]:
    """Those of the orders that hold the seat of a booking, which may know its student still."""
    if not _has(db, "bookings"):
        return set()
    sql = "SELECT order_id FROM bookings WHERE anonymised_at IS NULL AND order_id IN (SELECT value FROM json_each(?))"
    return {row["order_id"] for row in db.all(sql, (json.dumps(sorted(orders)),))}


def _has(db: Database, table: str) -> bool:
    """Whether there is such a table: a copy may be from before there was."""
    return bool(db.value("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (table,)))


def journal_work(db: Database, entries: Sequence[Entry], journal: Journal, *, is_copy: bool = False) -> Work:
    """What the journal says was erased, and is here nevertheless. Reads only.

    What was made after an entry is not meant by it: somebody may order again.
    Shape  is_copy: a backup; in the store a trainer stays while the source names them
    """
    work = Work()
    made = _made_at(db, [entry.order for entry in entries if entry.order is not None])
    subjects: dict[str, int] = {}
    for entry in entries:
        if entry.rule == "subject" and entry.subject:
            subjects[entry.subject] = max(entry.at, subjects.get(entry.subject, 0))
        elif entry.order is not None and made.get(entry.order, entry.at + 1) <= entry.at:
            _take(work, entry, entry.order)
    if subjects:
        found = find(db, lambda kind, value, at: at <= subjects.get(journal.hash(kind, value), -1))
        work.participants |= found.participants
        work.customers |= found.customers
        work.attentions |= found.attentions
        work.messages |= found.messages
        missing = {row["id"] for row in db.all("SELECT id FROM courses WHERE missing_since IS NOT NULL")}
        work.trainers = found.courses if is_copy else found.courses & missing
    _forget_done(db, work)
    return work


def _made_at(db: Database, orders: list[int]) -> dict[int, int]:
    chosen = "SELECT id, reserved_at FROM orders WHERE id IN (SELECT value FROM json_each(?))"
    return {row["id"]: row["reserved_at"] for row in db.all(chosen, (json.dumps(orders),))}


def _take(work: Work, entry: Entry, order: int) -> None:
    if entry.rule in ("hold", "unhold"):
        work.holds[order] = entry.at if entry.rule == "hold" else None
    elif entry.rule == "participant" and entry.participant is not None:
        work.participants.add((order, entry.participant))
        work.bookings.add(order)
    else:
        places = {"order": work.delete, "participants": work.anonymise, "customer": work.customers}
        (places | {"attention": work.attentions})[entry.rule].add(order)


_EARLIER_LEFT = "(customer_email IS NOT NULL OR customer_phone IS NOT NULL)"  # before there were resellers
_CUSTOMER_LEFT = (
    "(customer_email IS NOT NULL OR customer_phone IS NOT NULL"
    " OR customer_name IS NOT NULL AND (company_name IS NOT NULL OR channel <> 'own'))"
)


def _forget_done(db: Database, work: Work) -> None:
    """Leave out what is so already: a backup in which nothing is to be done stays as it is."""

    def still(sql: str, orders: Iterable[int]) -> set[int]:
        chosen = f"SELECT id FROM orders o WHERE id IN (SELECT value FROM json_each(?)) AND {sql}"  # noqa: S608
        return {row["id"] for row in db.all(chosen, (json.dumps(sorted(orders)),))}

    work.anonymise = still("anonymised_at IS NULL", work.anonymise - work.delete)
    work.customers = still(_CUSTOMER_LEFT if _has(db, "bookings") else _EARLIER_LEFT, work.customers - work.delete)
    work.attentions = still("attention IS NOT NULL", work.attentions - work.delete)
    rows = db.all(
        "SELECT order_id, number FROM participants WHERE anonymised_at IS NULL"
        " AND order_id IN (SELECT value FROM json_each(?))",
        (json.dumps(sorted({order for order, _ in work.participants} - work.delete)),),
    )
    work.participants &= {(row["order_id"], row["number"]) for row in rows}
    work.bookings = _of_bookings(db, work.bookings - work.delete)
    on_hold = still("hold_reason IS NOT NULL", work.holds)
    work.holds = {order: at for order, at in work.holds.items() if (order in on_hold) != (at is not None)}
