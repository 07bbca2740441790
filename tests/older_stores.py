"""Stores of older versions, made of one of today: without what later steps made."""

from integrator.database import Database

_ORDERS = ("participants", "orders", "mails", "participant_lists", "erasures", "counters")


def take_back(db: Database, version: int) -> None:
    """Back to version 2, 3, 4, 5 or 6."""
    assert 2 <= version <= 6
    db.write("DROP INDEX orderlines_by_change")
    if version < 6:
        _drop_bookings(db)
    if version < 5:
        _drop(db, "orderline_events", "orderlines", "workshops")
        db.write("ALTER TABLE runs DROP COLUMN scope")
    if version < 4:
        _drop(db, *_ORDERS)
        db.write("DROP INDEX outbox_by_scope")
    if version < 3:
        _drop(db, "posts")
    db.write(f"PRAGMA user_version = {version}")


def _drop_bookings(db: Database) -> None:
    _drop(db, "booking_documents", "booking_statuses", "bookings", "published_classes")
    db.write("ALTER TABLE orders DROP COLUMN channel")


def _drop(db: Database, *tables: str) -> None:
    for table in tables:
        db.write(f"DROP TABLE {table}")
