"""A booking desk whose Maconomy is in memory and whose clock only moves when told to; forms of invented people."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from integrator.database import Database
from integrator.domain.courses import Course, Day, Trainer, Venue, settled
from integrator.domain.portal_classes import Memory
from integrator.errors import IntegratorError, NotFound
from integrator.jobs.booking import Desk
from integrator.store import open_store
from integrator.store.published_classes import PublishedClasses

T0 = 1_795_255_200  # 21 November 2026, 10:00 UTC
CLASS = "25172-04"
NAMES = ("Søren", "Bjørk", "Zoë", "Åse", "Jens Åge", "Ida", "Mads", "Freja")


@dataclass
class Erp:
    """Maconomy's seats of one class. before_answer: what else happens in the world after the seats were counted."""

    total: int = 20
    taken: int = 0
    status: str = "open"
    start: str | None = "2027-03-01T09:00:00+01:00"
    unknown_seats: bool = False
    fails: list[IntegratorError] = field(default_factory=list)
    asked: int = 0
    before_answer: Callable[[], None] = lambda: None

    def course(self, class_id: str) -> Course:
        self.asked += 1
        if self.fails:
            raise self.fails.pop(0)
        if class_id != CLASS:
            raise NotFound(f"class {class_id} is not in Maconomy")
        free = self.total - self.taken
        self.before_answer()
        days = [Day(f"2027-03-0{number}", "09:00", "16:00", "Strandvejen 54", "Hellerup") for number in (1, 2, 3)]
        course = Course(
            id=CLASS,
            main_id="25172",
            title="Projektledelse i praksis",
            language="da",
            start=self.start,
            end="2027-03-03T16:00:00+01:00",
            days=days,
            venue=Venue("Strandhotellet", "Strandvejen 54", "2900", "Hellerup", "DK"),
            price_minor=1_499_500,
            currency="DKK",
            seats_total=self.total,
            seats_taken=self.taken,
            seats_free=None if self.unknown_seats else free,
            seats_min=8,
            status=self.status,  # type: ignore[arg-type]
            trainers=[Trainer("ÅSØ", "Åse Østergård", "aase.oestergaard@example.org")],
            updated_at=None,
        )
        return settled(course)[0]


@dataclass
class Clock:
    now: float = T0

    def __call__(self) -> float:
        return self.now


@contextmanager
def desk(tmp_path: Path, erp: Erp | None = None) -> Iterator[tuple[Desk, Erp, Clock]]:
    found, clock = erp or Erp(), Clock()
    db = open_store(tmp_path / "store.db", backups=tmp_path).db
    try:
        yield Desk(db, lambda: found, 30, clock), found, clock  # type: ignore[arg-type,return-value]
    finally:
        db.close()


def publish(db: Database, class_id: str = CLASS) -> None:
    """As publish-classes keeps a class that Trainingportal has taken, inside a transaction."""
    PublishedClasses(db).keep(Memory(class_id, class_id.partition("-")[0], "published"), at=T0)


@contextmanager
def for_sale(db: Database, class_id: str = CLASS) -> Iterator[None]:
    """Trainingportal sells a class for as long as this; then nothing is known of that any more."""
    with db.tx():
        publish(db, class_id)
    yield
    db.write("DELETE FROM published_classes WHERE class_id = ?", (class_id,))


def form(seats: int = 1, *, who: str = "a", at: str = "2026-11-21T10:00:00+01:00") -> dict[str, Any]:
    """A complete form; who makes its people differ from those of another form."""
    return {
        "customer": {"name": "Gitte Kjærgård", "email": f"gitte.{who}@example.org", "phone": "+45 00 00 00 00"},
        "company": {
            "name": "Ærø Værft A/S",
            "cvr": "00000000",
            "address": "Havnen 1",
            "zip": "5970",
            "city": "Ærøskøbing",
            "country": "DK",
            "ean": None,
            "purchase_order": "PO-77",
            "attention": "Bogholderiet",
        },
        "participants": [
            {
                "first_name": NAMES[number % len(NAMES)],
                "last_name": f"Nørgård-{who}",
                "email": f"p{number}.{who}@example.org",
                "phone": "+45 00 00 00 00",
                "job_title": "Projektleder",
                "comment": "Vegetar",
            }
            for number in range(1, seats + 1)
        ],
        "accepted_terms_at": at,
    }
