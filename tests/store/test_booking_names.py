"""Which bookings a text names."""

from itertools import count
from pathlib import Path

from booking_outcomes import reference
from booking_rows import add_cancelled
from integrator.database import Database
from integrator.store import open_store
from integrator.store.booking_names import references_of


def steps(db: Database, text: str) -> int:
    """How much SQLite does to answer."""
    done = count()
    db.conn.set_progress_handler(lambda: next(done) * 0, 1)
    try:
        references_of(db, text, by_order=False)
    finally:
        db.conn.set_progress_handler(None, 0)
    return next(done)


def test_our_own_reference_is_found_without_looking_at_every_booking(tmp_path: Path) -> None:
    """A list of outcomes is read while everybody else who writes waits."""
    db = open_store(tmp_path / "integrator.db", backups=tmp_path).db
    first = add_cancelled(db, changed_at=0)
    before = steps(db, first.reference)
    for _ in range(200):
        add_cancelled(db, changed_at=0)
    assert steps(db, first.reference) == before
    assert references_of(db, f" {first.reference.lower()}") == [first.reference]
    assert references_of(db, first.portal_reference.upper()) == [first.reference]
    assert references_of(db, reference("Q")) == []
    db.close()
