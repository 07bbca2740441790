"""How bookings go, with what a reseller knows a student by, and with their papers: SQL that rows.py calls.

Who the student is stands in their order, and goes as of every order. What is to go is decided in work.py.
"""

import json
from collections import Counter
from collections.abc import Iterable
from typing import Any

from integrator.database import Database
from integrator.domain.portal import DOCUMENT, STATUS
from integrator.store.courses import BOOKING, OUTCOME, PAPER
from integrator.store.erasure.work import Work

_CHOSEN = "IN (SELECT value FROM json_each(?))"


def references(db: Database, orders: Iterable[int]) -> set[str]:
    """The bookings of orders."""
    sql = f"SELECT reference FROM bookings WHERE order_id {_CHOSEN}"  # noqa: S608 (a constant)
    return {row["reference"] for row in db.all(sql, (_json(orders),))}


def messages(db: Database, work: Work) -> set[int]:
    """Messages about students who become nobody: without a name in them they tell of one person all the same."""
    scopes = _json(f"order:{row['order_id']}" for row in _leaving(db, work))
    sql = f"SELECT id FROM outbox WHERE body IS NOT NULL AND effect IN (?, ?) AND scope {_CHOSEN}"  # noqa: S608
    return {row["id"] for row in db.all(sql, (STATUS, DOCUMENT, scopes))}


def remembered(db: Database, work: Work) -> set[bytes]:
    """The bytes that must not be found afterwards. A booking that stays keeps its numbers, one that goes does not."""
    gone = _rows(db, work.delete | work.reservations)
    students = [*_leaving(db, work), *gone]
    texts = {row["birth_date"] for row in students} | {row[name] for row in gone for name in _NUMBERS}
    named = f"SELECT name FROM booking_documents WHERE reference {_CHOSEN}"  # noqa: S608 (a constant)
    texts |= {row["name"] for row in db.all(named, (_json(row["reference"] for row in students),))}
    asked = [row for row in (*_rows(db, _touched(work)), *gone) if row["request_hash"] is not None]
    texts |= {row["request_key"] for row in asked}
    return {text.encode() for text in texts if text} | {row["request_hash"] for row in asked}


def anonymise(db: Database, work: Work, at: int, counts: Counter[str]) -> None:
    """The student is nobody, and their papers go; the booking's numbers and its status stay with the order.

    Without the digest of its request the same request would count anew, and find this order by its key: that goes too.
    A booking that was still looked for (in a backup of that moment) is not: its details would bring the student back.
    """
    students, touched = _leaving(db, work), _json(_touched(work))
    asked = f"SELECT order_id FROM bookings WHERE request_hash IS NOT NULL AND order_id {_CHOSEN}"  # noqa: S608
    sql = f"UPDATE orders SET request_key = 'erased-' || hex(randomblob(16)) WHERE id IN ({asked})"  # noqa: S608
    db.write(sql, (touched,))
    db.write(f"UPDATE bookings SET request_hash = NULL WHERE order_id {_CHOSEN}", (touched,))  # noqa: S608
    db.write_many(
        "UPDATE bookings SET birth_date = NULL, state = iif(state = 'reserved', 'unseen', state), next_look_at = NULL,"
        " anonymised_at = ? WHERE reference = ?",
        [(at, row["reference"]) for row in students],
    )
    counts["bookings.anonymised"] += len(students)
    _delete_documents(db, (row["reference"] for row in students), counts)


def delete(db: Database, orders: set[int], counts: Counter[str]) -> None:
    """The bookings of orders that go, with all that hangs on them."""
    chosen = _json(found := references(db, orders))
    _delete_documents(db, found, counts)
    db.write(f"DELETE FROM booking_statuses WHERE reference {_CHOSEN}", (chosen,))  # noqa: S608 (a constant)
    aside = f"DELETE FROM set_aside WHERE kind IN (?, ?, ?) AND key {_CHOSEN}"  # noqa: S608 (a constant)
    db.write(aside, (BOOKING, PAPER, OUTCOME, chosen))
    counts["bookings.deleted"] += db.write(f"DELETE FROM bookings WHERE reference {_CHOSEN}", (chosen,))  # noqa: S608


# -----------------------------------------------------------------------------------------------------

_NUMBERS = ("reference", "portal_reference")


def _leaving(db: Database, work: Work) -> list[Any]:
    """Bookings that stay, and whose student becomes nobody now."""
    orders = work.anonymise | work.bookings | {order for order, _ in work.participants}
    staying = orders - work.delete - work.reservations
    return [row for row in _rows(db, staying) if row["anonymised_at"] is None]


def _touched(work: Work) -> set[int]:
    """Orders of which anybody goes: the digest of a request is of all that it said."""
    return (work.orders | work.bookings) - work.delete - work.reservations


def _rows(db: Database, orders: set[int]) -> list[Any]:
    sql = "SELECT b.*, o.request_key FROM bookings b JOIN orders o ON o.id = b.order_id"
    return db.all(f"{sql} WHERE b.order_id {_CHOSEN}", (_json(orders),))


def _delete_documents(db: Database, found: Iterable[str], counts: Counter[str]) -> None:
    sql = f"DELETE FROM booking_documents WHERE reference {_CHOSEN}"  # noqa: S608 (a constant)
    counts["booking_documents.deleted"] += db.write(sql, (_json(found),))


def _json(values: Iterable[Any]) -> str:
    return json.dumps(sorted(values))
