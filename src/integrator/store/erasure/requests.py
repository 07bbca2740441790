"""What one person may ask for, and what a court may: erase, hold. The caller holds the lock "store"."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from integrator.database import Database
from integrator.domain.retention import Person
from integrator.errors import NotFound, Refused, StoreDamaged, Unavailable, UsageError
from integrator.store.erasure.copies import Copies
from integrator.store.erasure.journal import Entry
from integrator.store.erasure.people import Found, Same, find, one_person
from integrator.store.erasure.steps import Erasing

RULE = "request 1"
_LARGEST = 2**63 - 1  # SQLite's


def same_as(person: Person) -> Same:
    return lambda kind, value, at: kind == person.kind and value == person.value


def look(db: Database, copies: Copies, person: Person, *, same_person: bool) -> Found:
    """Where somebody is in the store; somebody who is in a backup only is found, too, but with no order here.

    Errors  NotFound: nowhere; UsageError: it may mean several people; StoreDamaged: a backup cannot be read
    """
    here, everywhere = find(db, same_as(person)), Found()
    in_copies = [_look_in(copies, path, person) for path in copies.files()]
    for found in (here, *in_copies):
        everywhere.names |= found.names
        everywhere.addresses |= found.addresses
    one_person(everywhere, person.text, same_person=same_person)
    if not here and not any(in_copies):
        raise NotFound("gdpr: this person is not in the store, and in no backup", hint="integrator gdpr trace PERSON")
    return here


def _look_in(copies: Copies, path: Path, person: Person) -> Found:
    try:
        with copies.opened(path) as db:
            return find(db, same_as(person)) if db is not None else Found()
    except StoreDamaged:  # it is named when it cannot be rewritten
        return Found()


def refuse(db: Database, found: Found) -> None:
    """Errors  Refused: an order is on legal hold; Unavailable: a message to somebody is still under way"""
    chosen = json.dumps(sorted(found.orders))
    sql = "SELECT id, hold_reason FROM orders WHERE hold_reason IS NOT NULL AND id IN (SELECT value FROM json_each(?))"
    if held := db.all(sql, (chosen,)):
        said = "; ".join(f"order {row['id']} is on legal hold: {row['hold_reason']}" for row in held)
        raise Refused(f"gdpr erase: {said}; nothing was erased", hint=f"integrator gdpr unhold {held[0]['id']}")
    rows = db.all(
        "SELECT effect, key FROM outbox WHERE state IN ('received', 'processing') AND"
        " (scope IN (SELECT 'order:' || value FROM json_each(?)) OR id IN (SELECT value FROM json_each(?)))",
        (chosen, json.dumps(sorted(found.messages))),
    )
    if rows:
        raise Unavailable(
            f"gdpr erase: {rows[0]['effect']} {rows[0]['key']} is still under way; nothing was erased",
            hint="run it again when it has ended: integrator outbox list",
        )


def erase(erasing: Erasing, found: Found, person: Person) -> str:
    """Erase somebody in the store, and write it down for every copy. Gives back their keyed hash."""
    subject = erasing.journal.hash(person.kind, person.value)
    at = _not_before(erasing, found.orders, found.messages)
    entries = [Entry(at, "participant", order, number) for order, number in sorted(found.participants)]
    entries += [Entry(at, "customer", order) for order in sorted(found.customers)]
    entries += [Entry(at, "attention", order) for order in sorted(found.attentions)]
    # The hash comes last: a run that is killed between two batches has named the person then as well.
    erasing.append([*entries, Entry(at, "subject", subject=subject)], RULE, subject)
    return subject


def _not_before(erasing: Erasing, orders: Iterable[int], messages: Iterable[int] = ()) -> int:
    """The moment of an erasure: never before what it erases was written down, also by a clock set back."""
    sql = (
        "SELECT max(at) FROM (SELECT max(reserved_at, coalesce(completed_at, 0)) AS at FROM orders"
        " WHERE id IN (SELECT value FROM json_each(?))"
        " UNION ALL SELECT created_at FROM outbox WHERE id IN (SELECT value FROM json_each(?)))"
    )
    latest = erasing.db.value(sql, (json.dumps(sorted(orders)), json.dumps(sorted(messages))))
    return max(erasing.at, int(latest or 0))


# legal hold -------------------------------------------------------------------------------------------


def hold(erasing: Erasing, order: int, reason: str) -> None:
    """Keep an order whatever its age. The journal remembers it without the reason, for a restored backup.

    Errors  NotFound; UsageError: it is on hold, or the reason names somebody: it stands in reports and in the log
    """
    row = _order(erasing.db, order)
    if row["hold_reason"] is not None:
        day = datetime.fromtimestamp(row["hold_since"], UTC).date()
        raise UsageError(f"gdpr hold: order {order} is on hold since {day}: {row['hold_reason']}; nothing was changed")
    if not (words := " ".join(reason.split())):
        raise UsageError("gdpr hold: the reason is empty")
    if _names_somebody(erasing.db, row, words):
        raise UsageError("gdpr hold: the reason names somebody of this order, and it is printed in reports: reword it")
    at = _not_before(erasing, [order])
    erasing.append([Entry(at, "hold", order)], RULE)
    erasing.db.write("UPDATE orders SET hold_reason = ?, hold_since = ? WHERE id = ?", (words, erasing.at, order))


def unhold(erasing: Erasing, order: int) -> None:
    """Errors  NotFound; UsageError: it is not on hold"""
    if _order(erasing.db, order)["hold_reason"] is None:
        raise UsageError(f"gdpr unhold: order {order} is not on hold; nothing was changed")
    erasing.append([Entry(_not_before(erasing, [order]), "unhold", order)], RULE)


def _order(db: Database, order: int) -> dict[str, Any]:
    row = db.one("SELECT * FROM orders WHERE id = ?", (order,)) if 0 < order <= _LARGEST else None
    if row is None:
        raise NotFound(f"gdpr: there is no order {order}")
    return dict(row)


def _names_somebody(db: Database, row: dict[str, Any], words: str) -> bool:
    people = db.all("SELECT first_name, last_name, email FROM participants WHERE order_id = ?", (row["id"],))
    texts = [text for one in people for text in (f"{one['first_name']} {one['last_name']}", one["email"])]
    texts += [str(row[name]) for name in ("customer_name", "customer_email", "attention") if row[name]]
    return any(text.casefold() in words.casefold() for text in texts)
