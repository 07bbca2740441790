"""A Trainingportal in memory for tests of publish-classes: its classes, and a sender that does what it is told.

shop = Shop(courses=["25172"]); home = bare(tmp_path); keep_classes(home, a_class()); publish(home, shop)
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from integrator.domain.courses import Course, Venue
from integrator.domain.fetched import Fetched
from integrator.domain.portal import PortalClass, PortalCourse
from integrator.effects import Done, Message, Preview
from integrator.errors import IntegratorError
from integrator.home import Home
from integrator.jobs.publish_classes import publish_classes
from integrator.runner import Options, run_job
from integrator.runtime.report import Report
from integrator.store import open_store
from integrator.store.courses import Catalogue

NOW = 1_800_000_000  # 15 January 2027, 08:00 UTC
HOUR = 3_600
HALL = Venue("Havnehallen", "Havnen 1", "6700", "Esbjerg", "DK")


def a_class(key: str = "25172-04", **changes: Any) -> Course:
    """An open class of three days in March 2027, in kroner that Trainingportal takes."""
    made = Course(
        id=key,
        main_id=key[:5],
        title="Grundlæggende sikkerhed",
        language="da",
        start="2027-03-01T09:00:00+01:00",
        end="2027-03-03T16:00:00+01:00",
        days=[],
        venue=HALL,
        price_minor=1_499_500,
        currency="NOK",
        seats_total=20,
        seats_taken=13,
        seats_free=7,
        seats_min=8,
        status="open",
        trainers=[],
        updated_at=None,
    )
    return msgspec.structs.replace(made, **changes)


@dataclass
class Shop:
    """What Trainingportal has. keeps: texts it changes when it takes them; fails: by class, raised or answered.

    sent    (class, what was done, the fields that travelled), in that order
    quiet   its answers tell nothing: what we sent is believed to be there
    """

    courses_there: list[str] = field(default_factory=lambda: ["25172"])
    there: dict[str, PortalClass] = field(default_factory=dict)
    keeps: dict[str, Any] = field(default_factory=dict)
    fails: dict[str, IntegratorError] = field(default_factory=dict)
    unlisted: dict[str, IntegratorError] = field(default_factory=dict)
    sent: list[tuple[str, str, list[str]]] = field(default_factory=list)
    quiet: bool = False
    before_answer: Any = None

    def courses(self) -> list[PortalCourse]:
        return [PortalCourse(course) for course in self.courses_there]

    def classes(self, course_id: str) -> list[PortalClass]:
        if course_id in self.unlisted:
            raise self.unlisted[course_id]
        return [one for one in self.there.values() if one.course_id == course_id]

    def class_sender(self, there: Mapping[str, PortalClass], ours: Mapping[str, str]) -> "ShopSender":
        return ShopSender(self, dict(there), dict(ours))

    def change(self, class_id: str, **changes: Any) -> None:
        """Somebody works there."""
        self.there[class_id] = msgspec.structs.replace(self.there[class_id], **changes)

    def taken(self) -> list[tuple[str, str, list[str]]]:
        """What arrived since this was asked before."""
        taken, self.sent = self.sent, []
        return taken


@dataclass
class ShopSender:
    shop: Shop
    there: dict[str, PortalClass]
    ours: dict[str, str]
    settle_s: float = 0.0
    resends: bool = True

    def groups(self, messages: Sequence[Message]) -> Iterator[Sequence[Message]]:
        return ([message] for message in messages)

    def send(self, group: Sequence[Message]) -> Sequence[Done | IntegratorError]:
        (message,) = group
        if message.key in self.shop.fails:
            return [self.shop.fails[message.key]]
        done = self._cancel(message.key) if message.body["wanted"] == "cancelled" else self._publish(message.body)
        if self.shop.before_answer:
            self.shop.before_answer()
        return [done]

    def _cancel(self, class_id: str) -> Done:
        self.shop.there.pop(class_id)
        self.shop.sent.append((class_id, "cancelled", []))
        return Done(class_id, "cancelled", None)

    def _publish(self, body: dict[str, Any]) -> Done:
        class_id, facts = body["class_id"], body["facts"]
        seen = self.there.get(class_id)
        known = {} if seen is None or seen.cancelled else msgspec.to_builtins(seen)
        fields = {name: value for name, value in facts.items() if value is not None and known.get(name) != value}
        fields.pop("course_id", None)
        word = ("restored" if seen or self.ours.get(class_id) == "cancelled" else "added") if not known else "updated"
        self.shop.sent.append((class_id, word, sorted(fields) if known else []))
        was = msgspec.to_builtins(self.shop.there[class_id]) if class_id in self.shop.there else {}
        kept = {name: self.shop.keeps[name] for name in fields if name in self.shop.keeps}
        now = {**was, "course_id": body["course_id"], "class_id": class_id, "cancelled": False, **fields, **kept}
        self.shop.there[class_id] = msgspec.convert(now, PortalClass)
        return Done(class_id, word, facts if self.shop.quiet else {**facts, **kept})

    def look_up(self, message: Message) -> Done | None:
        return None

    def repeatable(self, message: Message) -> bool:
        return True

    def preview(self, message: Message) -> Preview:
        return Preview("publish", message.key, message.key, None, [])


def keep_classes(
    home: Home, *courses: Course, gone: Sequence[str] = (), at: int = NOW - HOUR, missing_limit: int = 3
) -> None:
    """A good run of import-courses: these were new or changed in its list, those were not in it."""
    db = open_store(home.var / "integrator.db", backups=home.backups).db
    catalogue = Catalogue(db, "course")
    packed = {one.id: (msgspec.msgpack.encode(one), repr(one).encode()) for one in courses}
    with db.tx():
        known = catalogue.known()
        unchanged = (known.expected | known.missing) - set(packed) - set(gone)
        fetched = Fetched(records=packed, unchanged=unchanged)
        catalogue.keep(fetched, known, gone, missing_limit=missing_limit, at=at, run_id=1)
        db.write(
            "INSERT INTO runs (job, boot_id, pid, version, started_at, finished_at, outcome, exit_code, counts)"
            " VALUES ('import-courses', 'x', 1, 'x', ?1, ?1, 'done', 0, '{\"courses.read\": 5}')",
            (at,),
        )
    db.close()


def publish(
    home: Home, shop: Shop, *, at: int = NOW, dry_run: bool = False, missing_limit: int = 3, **options: Any
) -> Report:
    """publish-classes, once, at a time of its own."""

    def story(run: Any, wiring: Any) -> None:
        publish_classes(run, shop, names=options.pop("names", {}), missing_limit=missing_limit, **options)

    started = Options(dry_run=dry_run, clock=lambda: float(at))
    return run_job("publish-classes", story, needs=("monitor",), options=started, home=home)
