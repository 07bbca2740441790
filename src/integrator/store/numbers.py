"""The numbers of orders: one is never used again, also when the store it was given in is lost.

A second ILI-10482-1 would find somebody else's registration in Maconomy.
"""

import sqlite3

from integrator.database import Database

SKIPPED = 1_000  # more orders than anybody takes between two backups


def highest(store: sqlite3.Connection | None) -> int | None:
    """The last number that an order got in a store, 0 when it keeps none yet; None when it cannot be read."""
    try:
        if store is None or not store.execute("PRAGMA user_version").fetchone()[0]:
            return None
        has_orders = store.execute("SELECT 1 FROM sqlite_master WHERE name = 'orders'").fetchone()
        row = has_orders and store.execute("SELECT seq FROM sqlite_sequence WHERE name = 'orders'").fetchone()
    except sqlite3.DatabaseError:
        return None
    return int(row[0]) if row else 0


def go_on_from(db: Database, last: int | None) -> None:
    """The next order gets a number beyond the last one; None: nobody knows it, and many are left out."""
    higher = "max(seq, ?)" if last is not None else "seq + ?"
    db.write(
        f"UPDATE sqlite_sequence SET seq = {higher} WHERE name = 'orders'",  # noqa: S608 (constants)
        (SKIPPED if last is None else last,),
    )
