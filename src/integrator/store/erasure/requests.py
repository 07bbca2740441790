"""What one person may ask for, and what a court may: erase, hold. The caller holds the lock "store"."""

import json
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from integrator.database import Database
from integrator.domain.retention import Person, normalised
from integrator.errors import NotFound, Refused, StoreDamaged, Unavailable, UsageError
from integrator.store.erasure import proof
from integrator.store.erasure.copies import Copies
from integrator.store.erasure.journal import Entry, Journal
from integrator.store.erasure.people import Found, Same, find, one_person
from integrator.store.erasure.rows import NO_REASON
from integrator.store.erasure.steps import Erasing

RULE = "request 1"
_LARGEST = 2**63 - 1  # SQLite's
_NUMBERS = re.compile(r"\+?[0-9][0-9 ()./-]{4,}[0-9]")
_SHORTEST_NAME = 3
_LEGAL_FORM = re.compile(r"\s+(?:ApS|A/S|I/S|K/S|P/S|IVS|AB|GmbH|Ltd\.?)$", re.IGNORECASE)


def same_as(person: Person) -> Same:
    return lambda kind, value, at: kind == person.kind and value == person.value


def look(db: Database, copies: Copies, person: Person, *, same_person: bool) -> Found:
    """Where somebody is in the store; somebody who is in a backup only is found, too, but with no order here.

    Errors  NotFound: nowhere; UsageError: it may mean several people; StoreDamaged: a backup cannot be read
    """
    here, everywhere = find(db, same_as(person), same_person=same_person), Found()
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
    sql = "SELECT id FROM orders WHERE hold_reason IS NOT NULL AND id IN (SELECT value FROM json_each(?))"
    if held := db.all(sql, (chosen,)):
        said = "; ".join(f"order {row['id']} is on legal hold" for row in held)
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


def erase(erasing: Erasing, person: Person, *, same_person: bool = False) -> Found:
    """Erase somebody in the store, and write it down for every copy. Gives back where they were.

    One transaction from looking to erasing: no order of theirs, and no message, can come in between.
    Errors  UsageError, Refused, Unavailable: see one_person and refuse
    """
    db, subject = erasing.db, erasing.journal.hash(person.kind, person.value)
    proof.need_space(db.path)
    with db.tx():
        found = find(db, same_as(person), same_person=same_person)
        one_person(found, person.text, same_person=same_person)
        refuse(db, found)
        at = _not_before(erasing, found.orders, found.messages, found.courses)
        entries = [Entry(at, "participant", order, number) for order, number in sorted(found.participants)]
        entries += [Entry(at, "customer", order) for order in sorted(found.customers)]
        entries += [Entry(at, "attention", order) for order in sorted(found.attentions)]
        erasing.write_down([*entries, Entry(at, "subject", subject=subject)], RULE, subject)
    return found


def erased_at(journal: Journal, person: Person) -> int | None:
    """When somebody was erased last, as the journal says; None when they never were."""
    if not journal.size():
        return None
    subject = journal.hash(person.kind, person.value)
    return max((entry.at for entry, _ in journal.read(0)[0] if entry.subject == subject), default=None)


def _not_before(
    erasing: Erasing, orders: Iterable[int], messages: Iterable[int] = (), courses: Iterable[str] = ()
) -> int:
    """The moment of an erasure: never before what it erases was written down, also by a clock set back."""
    sql = (
        "SELECT max(at) FROM (SELECT max(reserved_at, coalesce(completed_at, 0)) AS at FROM orders"
        " WHERE id IN (SELECT value FROM json_each(?))"
        " UNION ALL SELECT created_at FROM outbox WHERE id IN (SELECT value FROM json_each(?))"
        " UNION ALL SELECT changed_at FROM courses WHERE id IN (SELECT value FROM json_each(?)))"
    )
    latest = erasing.db.value(sql, [json.dumps([*ids]) for ids in (orders, messages, courses)])
    return max(erasing.at, int(latest or 0))


# legal hold -------------------------------------------------------------------------------------------


def hold(erasing: Erasing, order: int, reason: str) -> None:
    """Keep an order whatever its age. The journal remembers it without the reason, for a restored backup.

    Errors  NotFound; UsageError: it is on hold, or the reason names somebody: an operator reads it years later
    """
    if not (words := " ".join(reason.split())):
        raise UsageError("gdpr hold: the reason is empty")
    with erasing.db.tx():
        row = _order(erasing.db, order)
        if row["hold_reason"] not in (None, NO_REASON):
            day, why = datetime.fromtimestamp(row["hold_since"], UTC).date(), f"why: integrator explain {order}"
            raise UsageError(f"gdpr hold: order {order} is on hold since {day}; nothing was changed", hint=why)
        if _names_somebody(erasing.db, row, words):
            raise UsageError("gdpr hold: the reason names somebody of this order, or their company: reword it")
        if row["hold_reason"] is None:
            erasing.write_down([Entry(_not_before(erasing, [order]), "hold", order)], RULE)
        erasing.db.write("UPDATE orders SET hold_reason = ? WHERE id = ?", (words, order))


def unhold(erasing: Erasing, order: int) -> None:
    """Errors  NotFound; UsageError: it is not on hold"""
    with erasing.db.tx():
        if _order(erasing.db, order)["hold_reason"] is None:
            raise UsageError(f"gdpr unhold: order {order} is not on hold; nothing was changed")
        erasing.write_down([Entry(_not_before(erasing, [order]), "unhold", order)], RULE)


def _order(db: Database, order: int) -> dict[str, Any]:
    row = db.one("SELECT * FROM orders WHERE id = ?", (order,)) if 0 < order <= _LARGEST else None
    if row is None:
        raise NotFound(f"gdpr: there is no order {order}")
    return dict(row)


def _names_somebody(db: Database, row: dict[str, Any], words: str) -> bool:
    """Whether the words hold an address, or a phone number or a name of the order: a last name alone is enough."""
    people = db.all("SELECT last_name, phone FROM participants WHERE order_id = ?", (row["id"],))
    phones = {one["phone"] for one in people} | {row["customer_phone"]}
    wanted = {normalised("phone", phone) for phone in phones if phone} - {None}
    if "@" in words or wanted & {normalised("phone", found) for found in _NUMBERS.findall(words)}:
        return True
    names = {one["last_name"] for one in people} | {row["customer_name"] or "", row["attention"] or ""}
    names |= {name.split()[-1] for name in names if name.split()} | {_LEGAL_FORM.sub("", row["company_name"] or "")}
    plain = normalised("name", words) or ""
    patterns = (re.escape(normalised("name", name) or "") for name in names if len(name.strip()) >= _SHORTEST_NAME)
    return any(re.search(rf"(?<!\w){pattern}(?!\w)", plain) for pattern in patterns)
