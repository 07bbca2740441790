"""How personal data go: the only SQL that erases people, with that of bookings.py. What goes is decided in work.py."""

import json
import secrets
from collections import Counter
from collections.abc import Iterable
from typing import Any

from integrator.database import Database
from integrator.domain.orderlines.order import EFFECT, STATUS_EFFECT
from integrator.domain.retention import texts_of
from integrator.store.erasure import bookings
from integrator.store.erasure.work import Work

NO_REASON = "on hold since before a restore; the reason was not in the backup"
_SHORTEST = 6  # bytes: shorter texts stand everywhere
_CHOSEN = "IN (SELECT value FROM json_each(?))"

# A message that was under way when a backup was made had ended when its people were erased: it is not sent again.
_EMPTY_BODIES = (
    "UPDATE outbox SET body = NULL, state = iif(state IN ('received', 'processing'), 'failed', state),"
    " uncertain_since = NULL, reason = 'its personal data were erased', changed_at = ?2"
    " WHERE id IN (SELECT value FROM json_each(?1))"
)


def carry_out(db: Database, work: Work, *, at: int, erased: set[bytes]) -> Counter[str]:
    """Do it; call inside tx(). The bytes of what goes are added to `erased`, for the proof afterwards."""
    counts: Counter[str] = Counter()
    bodies = _bodies(db, work)
    people = _people(db, work)
    _remember(db, work, people, bodies, erased)
    erased |= {found for found in bookings.remembered(db, work) if len(found) >= _SHORTEST}
    _anonymise(db, work, people, at, counts)
    bookings.anonymise(db, work, at, counts)
    counts["bodies.dropped"] += db.write(_EMPTY_BODIES, (_json(bodies), at))
    _delete_orders(db, work.delete, "orders", counts)
    _delete_orders(db, work.reservations, "reservations", counts)
    _delete_lists(db, work, counts)
    _forget_trainers(db, work.trainers, counts)
    _delete_orderlines(db, work.orderlines, counts)
    for order, since in work.holds.items():
        _hold(db, order, since)
    counts["holds.changed"] += len(work.holds)
    return +counts


def _json(ids: Iterable[Any]) -> str:
    return json.dumps(sorted(ids))


def _hold(db: Database, order: int, since: int | None) -> None:
    reason = None if since is None else NO_REASON
    db.write("UPDATE orders SET hold_reason = ?, hold_since = ? WHERE id = ?", (reason, since, order))


# who and what ----------------------------------------------------------------------------------------


def _people(db: Database, work: Work) -> list[Any]:
    """The rows of participants that go or become nobody."""
    orders = _json(work.orders | work.delete)
    rows = db.all(f"SELECT * FROM participants WHERE anonymised_at IS NULL AND order_id {_CHOSEN}", (orders,))  # noqa: S608
    whole = work.anonymise | work.delete
    return [row for row in rows if row["order_id"] in whole or (row["order_id"], row["number"]) in work.participants]


def _bodies(db: Database, work: Work) -> set[int]:
    """Messages whose facts hold somebody who is to be erased.

    One body may hold several people of an order: it goes as a whole, and that message cannot be sent again.
    """
    scopes = _json(f"order:{order}" for order in work.anonymise)
    rows = db.all(f"SELECT id FROM outbox WHERE body IS NOT NULL AND scope {_CHOSEN}", (scopes,))  # noqa: S608
    found = {row["id"] for row in rows} | work.messages | bookings.messages(db, work)
    for order in sorted(work.orders - work.anonymise):
        texts = _texts_of_order(db, order, work)
        for row in db.all("SELECT id, body FROM outbox WHERE body IS NOT NULL AND scope = ?", (f"order:{order}",)):
            if texts & {text.casefold() for text in texts_of(json.loads(row["body"]))}:
                found.add(row["id"])
    return found


def _texts_of_order(db: Database, order: int, work: Work) -> set[str]:
    """Addresses and names of those in an order who are to be erased."""
    texts: set[str | None] = set()
    for row in db.all("SELECT * FROM participants WHERE order_id = ? AND anonymised_at IS NULL", (order,)):
        if (order, row["number"]) in work.participants:
            texts |= {row["email"], f"{row['first_name']} {row['last_name']}"}
    for row in db.all("SELECT * FROM orders WHERE id = ?", (order,)):
        texts |= {row["customer_email"], row["customer_name"]} if order in work.customers else set()
        texts |= {row["attention"]} if order in work.attentions else set()
    return {text.casefold() for text in texts if text}


def _remember(db: Database, work: Work, people: list[Any], bodies: set[int], erased: set[bytes]) -> None:
    """The bytes that must not be found afterwards: as they lie in a row (columns side by side), and in JSON."""
    texts: set[str | None] = set()
    for row in people:
        texts |= {row["email"], row["phone"], row["comment"], f"{row['first_name']} {row['last_name']}"}
        texts.add(row["first_name"] + row["last_name"])
    orders = work.anonymise | work.customers | work.attentions | work.delete
    for row in db.all(f"SELECT * FROM orders WHERE id {_CHOSEN}", (_json(orders),)):  # noqa: S608
        whole = row["id"] in work.anonymise or row["id"] in work.delete
        if whole or row["id"] in work.customers:
            texts |= {row["customer_email"], row["customer_phone"]}
            texts.add(None if _is_buyer(row) and row["id"] not in work.delete else row["customer_name"])
        texts.add(row["attention"] if whole or row["id"] in work.attentions else None)
    gone = _json(bodies | work.list_messages)
    for row in db.all(f"SELECT body FROM outbox WHERE body IS NOT NULL AND id {_CHOSEN}", (gone,)):  # noqa: S608
        texts |= {text for text in texts_of(json.loads(row["body"])) if "@" in text}
    for row in db.all(f"SELECT trainers FROM courses WHERE id {_CHOSEN}", (_json(work.trainers),)):  # noqa: S608
        texts |= {text for text in texts_of(json.loads(row["trainers"])) if "@" in text}
    texts |= _texts_of_orderlines(db, work.orderlines)
    erased |= {text.encode() for text in texts if text and len(text.encode()) >= _SHORTEST}


def _is_buyer(row: Any) -> bool:
    """Whether the customer bought for themselves. A seat that a reseller sold was bought by the reseller."""
    return row["company_name"] is None and row["channel"] == "own"


def _texts_of_orderlines(db: Database, orderlines: set[int]) -> set[str | None]:
    if not orderlines:  # the table may not be there: a copy from before there were any
        return set()
    chosen = _json(orderlines)
    rows = db.all(f"SELECT case_id, line_ref FROM orderlines WHERE id {_CHOSEN}", (chosen,))  # noqa: S608
    said = db.all(f"SELECT detail FROM orderline_events WHERE orderline_id {_CHOSEN}", (chosen,))  # noqa: S608
    return {row[name] for row in rows for name in ("case_id", "line_ref")} | {row["detail"] for row in said}


# gone ------------------------------------------------------------------------------------------------


def _anonymise(db: Database, work: Work, people: list[Any], at: int, counts: Counter[str]) -> None:
    """Everybody gets a token of their own: drawn, not derived from them. What counts (how many, which seat) stays."""
    staying = [row for row in people if row["order_id"] not in work.delete]
    db.write_many(
        "UPDATE participants SET first_name = ?1, last_name = ?1, email = ?1, phone = NULL, job_title = NULL,"
        " comment = NULL, anonymised_at = ?2 WHERE order_id = ?3 AND number = ?4",
        [(f"erased-{secrets.token_hex(8)}", at, row["order_id"], row["number"]) for row in staying],
    )
    # The buyer stays for bookkeeping: a company, or whoever bought without one and not from a reseller.
    db.write_many(
        "UPDATE orders SET customer_email = NULL, customer_phone = NULL,"
        " customer_name = iif(company_name IS NULL AND channel = 'own', customer_name, NULL) WHERE id = ?",
        [(order,) for order in sorted(work.anonymise | work.customers)],
    )
    db.write_many(
        "UPDATE orders SET attention = NULL WHERE id = ?",
        [(order,) for order in sorted(work.anonymise | work.attentions)],
    )
    db.write_many("UPDATE orders SET form_hash = NULL WHERE id = ?", [(order,) for order in sorted(work.orders)])
    whole = [(at, order) for order in sorted(work.anonymise)]
    db.write_many("UPDATE orders SET anonymised_at = ? WHERE id = ? AND anonymised_at IS NULL", whole)
    counts["participants.anonymised"] += len(staying)
    counts["orders.anonymised"] += len(whole)
    counts["customers.anonymised"] += len(work.customers)


def _delete_orders(db: Database, orders: set[int], what: str, counts: Counter[str]) -> None:
    # ":" to ";" are all keys that begin so, found by the index.
    db.write_many(
        "DELETE FROM mails WHERE key >= ? AND key < ?",
        [(f"order-confirmation:{order}:", f"order-confirmation:{order};") for order in sorted(orders)],
    )
    scopes, chosen = _json(f"order:{order}" for order in orders), _json(orders)
    counts["messages.deleted"] += db.write(f"DELETE FROM outbox WHERE scope {_CHOSEN}", (scopes,))  # noqa: S608
    counts["participants.deleted"] += db.write(f"DELETE FROM participants WHERE order_id {_CHOSEN}", (chosen,))  # noqa: S608
    bookings.delete(db, orders, counts)
    counts[f"{what}.deleted"] += db.write(f"DELETE FROM orders WHERE id {_CHOSEN}", (chosen,))  # noqa: S608


def _delete_lists(db: Database, work: Work, counts: Counter[str]) -> None:
    chosen = _json(work.list_messages)
    db.write(f"DELETE FROM mails WHERE key IN (SELECT key FROM outbox WHERE id {_CHOSEN})", (chosen,))  # noqa: S608
    counts["messages.deleted"] += db.write(f"DELETE FROM outbox WHERE id {_CHOSEN}", (chosen,))  # noqa: S608
    db.write_many("DELETE FROM participant_lists WHERE class_id = ? AND day = ? AND recipient = ?", work.lists)
    counts["lists.deleted"] += len(work.lists)


def _forget_trainers(db: Database, courses: set[str], counts: Counter[str]) -> None:
    """All of a class's trainers. Without its fingerprint an import reads it anew, should the source list it again."""
    db.write(f"UPDATE courses SET trainers = '[]', fingerprint = x'' WHERE id {_CHOSEN}", (_json(courses),))  # noqa: S608
    counts["trainers.forgotten"] += len(courses)


def _delete_orderlines(db: Database, orderlines: set[int], counts: Counter[str]) -> None:
    """With all that happened to them, and with their messages."""
    if not orderlines:
        return
    chosen = _json(orderlines)
    keys = f"SELECT workshop || '/' || unique_id FROM orderlines WHERE id {_CHOSEN}"  # noqa: S608
    sql = f"DELETE FROM outbox WHERE effect IN (?, ?) AND key IN ({keys})"  # noqa: S608
    counts["messages.deleted"] += db.write(sql, (EFFECT, STATUS_EFFECT, chosen))
    db.write(f"DELETE FROM orderline_events WHERE orderline_id {_CHOSEN}", (chosen,))  # noqa: S608
    counts["orderlines.deleted"] += db.write(f"DELETE FROM orderlines WHERE id {_CHOSEN}", (chosen,))  # noqa: S608
