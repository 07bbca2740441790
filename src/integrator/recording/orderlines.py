"""The workshops of a recorded run, and the orderlines it knew before: carried so that a replay plans the same lines.

The browser is not recorded: a replay takes orders in from OilMat's answers, tells OilMat that they were received, and
lists what would be put on the cases.
"""

import re
import sqlite3
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from integrator.database import Database, connect
from integrator.domain.orderlines.order import EFFECT, STATUS_EFFECT, Order, scope_of
from integrator.errors import IntegratorError, UsageError
from integrator.home import shipped
from integrator.recording.headers import unpacked
from integrator.recording.scrub import Exchange
from integrator.runtime.outbox import Outbox
from integrator.settings import Workshop
from integrator.store import open_store
from integrator.systems.recordable import Fields, Items, May, Shape

JOBS = frozenset({"push-orderline"})
FILE = "config/workshops.toml"
REMARK = (
    "what the browser did is not in it (screens of trouble are in var/evidence): a replay lists what it would write"
)
_STAYS = ("marker_field", "existing_line", "name_limit", "doubt_quiet_s", "timeout_s")
_ANY_TYPE = "au2office"  # in the place of a type that only one home has; no ERP is asked

_LINE: dict[str, Shape] = {
    **dict.fromkeys(("workshop", "unique_id", "case_id", "product_nr", "source", "phase", "reason_code"), May.CODE),
    "product_amount": May.AMOUNT,
    **dict.fromkeys(("bad_reason", "told"), May.TEXT),
    **dict.fromkeys(("credentials", "received_at", "phase_at", "reason_times", "untold", "changed_at"), May.NUMBER),
}
_MESSAGE: dict[str, Shape] = {
    "state": May.CODE,
    **dict.fromkeys(("attempts", "sent_at", "uncertain_since", "next_at"), May.NUMBER),
}
SHAPE = Fields({"orderlines": Items(Fields({**_LINE, **_MESSAGE}))})
Rows = list[dict[str, Any]]
_WORD = re.compile(rb"[0-9A-Za-z._-]+")
_UNDER_WAY = ("received", "processing")


# out of a home ----------------------------------------------------------------------------------


def workshops(found: Mapping[str, Workshop], name: Callable[[str], str], secret: str) -> dict[str, dict[str, Any]]:
    """Workshops as a replay's own file says them: without address and login, of which only is told that there is one.

    name    what the name of a workshop becomes in the orders that name it
    """
    return {one.id: _workshop(one, name(one.name), secret) for one in found.values()}


def _workshop(one: Workshop, name: str, secret: str) -> dict[str, Any]:
    is_ours = (shipped() / "config" / "workshops" / f"{one.type}.toml").is_file()
    facts: dict[str, Any] = {"name": name, "type": one.type if is_ours else _ANY_TYPE}
    facts["base_url"] = f"https://{one.id}.example.org".replace("_", "-")
    login = {"username": "user", "password": {"env": secret}} if one.has_credentials else {}
    return facts | login | {key: getattr(one, key) for key in _STAYS}


def found(store: Path) -> Rows:
    """Every orderline of a store, before a run changes it."""
    if not store.is_file():
        return []
    db = connect(store)
    try:
        if not db.value("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'orderlines'"):
            return []
        columns = ", ".join([*(f"o.{name}" for name in _LINE), *(f"x.{name}" for name in _MESSAGE)])
        sql = (
            f"SELECT {columns} FROM orderlines o LEFT JOIN outbox x ON x.effect = ?"  # noqa: S608 (constants)
            " AND x.key = o.workshop || '/' || o.unique_id ORDER BY o.id"
        )
        return [dict(row) for row in db.all(sql, (EFFECT,))]
    finally:
        db.close()


def of_these(rows: Rows, exchanges: Iterable[Exchange], known: Collection[str]) -> Rows:
    """Those that had not ended, and those that OilMat named once more: the run knew them."""
    said = {word for one in exchanges for word in _WORD.findall(unpacked(one.headers, one.body)[1])}
    return [
        row
        for row in rows
        if row["workshop"] in known and (row["state"] in _UNDER_WAY or row["unique_id"].encode() in said)
    ]


# into the store of a replay ---------------------------------------------------------------------


def put_back(rows: Any, store: Path, *, backups: Path, source: Path) -> None:
    """Let the store of a replay know these orderlines, and no other one.

    Errors  UsageError: the rows are not of our making
    """
    opened = open_store(store, backups=backups)
    try:
        with opened.db.tx():
            _put_back(opened.db, rows["orderlines"])
    except (sqlite3.Error, IntegratorError, TypeError, KeyError, AttributeError, ValueError):
        raise UsageError(f"--replay {source}: is no recording of ours: metadata.orderlines does not fit") from None
    finally:
        opened.db.close()


def _put_back(db: Database, rows: Any) -> None:
    for table in ("orderline_events", "orderlines", "workshops"):
        db.write(f"DELETE FROM {table}")  # noqa: S608 (constants)
    db.write("DELETE FROM outbox WHERE effect IN (?, ?)", (EFFECT, STATUS_EFFECT))
    for row in rows:
        names, marks = ", ".join(_LINE), ", ".join("?" * len(_LINE))
        # A phase that needs what the case looked like is a doubt: a replay looks at no case.
        line = row | ({"phase": "doubt"} if row["phase"] in ("armed", "half") else {})
        insert = f"INSERT INTO orderlines ({names}) VALUES ({marks})"  # noqa: S608 (constants)
        db.write(insert, tuple(line[name] for name in _LINE))
        if row["state"] is not None:
            _queue(db, row)


def _queue(db: Database, row: dict[str, Any]) -> None:
    order = Order(*(row[name] for name in ("workshop", "unique_id", "case_id", "product_nr", "product_amount")))
    outbox = Outbox(db, clock=lambda: row["received_at"])
    outbox.once(EFFECT, order.key, order.body, scope=scope_of(order.workshop))
    ended = row["state"] not in _UNDER_WAY
    db.write(
        "UPDATE outbox SET state = ?, attempts = ?, sent_at = ?, uncertain_since = ?, next_at = ?,"
        " body = iif(?, NULL, body) WHERE effect = ? AND key = ?",
        (*(row[name] for name in _MESSAGE), ended, EFFECT, order.key),
    )
