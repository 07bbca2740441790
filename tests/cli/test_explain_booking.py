"""`explain` of a reseller's booking, and of a class as a reseller sells it."""

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any, NoReturn

import pytest
from operating import Run, files_of, switch_on

from integrator.database import Database
from integrator.domain.booking_tasks import TASKS
from integrator.domain.completion import outdated
from integrator.domain.portal import CLASS, DOCUMENT, STATUS, PortalBooking, PortalPerson, status_message
from integrator.effects import Message
from integrator.errors import NotFound
from integrator.jobs import booking, reseller_desk
from integrator.jobs.booking import Desk
from integrator.runtime.outbox import Outbox
from integrator.store.booking_documents import BookingDocuments, key_of
from integrator.store.booking_statuses import BookingStatuses
from integrator.store.bookings import Bookings, form_of
from integrator.store.courses import OUTCOME, PAPER, UNSOLD, SetAside
from integrator.store.orders import Orders

MINUTE = 60
CLASS_ID = "25172-04"
REFERENCE = "TP-MFRGGZDFMZTWQ2LKNNWG23TPOA"
THEIRS = "4f0c2a7d_91be"
SCOPE = "order:10001"
CLASS_FACTS = {"id": CLASS_ID, "title": "Excel", "price_minor": 1, "currency": "NOK"}
CONTENT = b"%PDF-1.7 of Ida"
HASH = sha256(CONTENT).hexdigest()
IDA = PortalPerson("Ida", "Ærlighaug", "ida.aerlighaug@example.org", "4790000001")
BOSS = PortalPerson("Åse", "Øyhaug", "ase.oyhaug@example.org", "4790000002")
SEEN = PortalBooking(THEIRS, CLASS_ID, IDA, BOSS, "1988-11-30", "Fjordvind AS", "NEW", "peanuts", "PO-1")
PRIVATE = ("Ida", "Ærlighaug", "Åse", "Øyhaug", "@", "1988", "Fjordvind", "peanuts", "PO-1")


@pytest.fixture
def now(clock: Callable[[str], int]) -> int:
    return clock("2026-08-03 12:00")


class Way:
    """One booking on its way, a minute a step; it is asked for at 13:00:00 of the operator's clock."""

    def __init__(self, db: Database, now: int) -> None:
        self.db, self.at = db, now - 60 * MINUTE
        self.outbox = Outbox(db, clock=lambda: float(self.at))
        db.write(
            "INSERT INTO orders (request_key, class_id, class, seats_asked, seats, state, reserved_at, expires_at,"
            " changed_at, channel) VALUES ('k', ?, ?, 1, 1, 'reserved', ?, ?, ?, 'trainingportal')",
            (CLASS_ID, json.dumps(CLASS_FACTS), self.at, self.at + 86_400, self.at),
        )
        Bookings(db).begin(10_001, CLASS_ID, b"h", at=self.at, next_look_at=self.at + 2)
        db.write("UPDATE bookings SET reference = ?", (REFERENCE,))

    def step(self, what: Callable[..., Any], *values: Any, **named: Any) -> Any:
        """One step, a minute after the one before."""
        self.at += MINUTE
        with self.db.tx():
            return what(*values, at=self.at, **named)

    def look(self) -> None:
        """It is not visible there."""
        later = {"next_look_at": self.at + MINUTE + 5, "counts": True}
        self.step(Bookings(self.db).look_later, REFERENCE, **later)

    def give_up(self, task: str = "unseen", status: str | None = None) -> None:
        self.step(Bookings(self.db).give_up, REFERENCE, task=task, status=status)
        if task == "unseen":
            Orders(self.db).cancel(10_001, at=self.at)

    def release(self) -> None:
        """The seat of the booking is free again, a minute later."""
        self.at += MINUTE
        self.db.write("UPDATE orders SET state = 'released', changed_at = ?", (self.at,))

    def confirm(self, *, task: str | None = None) -> None:
        self.step(Bookings(self.db).confirm, REFERENCE, SEEN, task=task)
        if task is None:
            with self.db.tx():
                Orders(self.db).complete(10_001, form_of(SEEN), b"h", at=self.at)
                booking.queue_registrations(Orders(self.db), self.outbox, 10_001)

    def begin(self, effect: str) -> Message:
        """The message of an effect leaves, a minute later."""
        self.at += MINUTE
        [message] = self.outbox.due(effect)
        self.outbox.begin([message])
        return message

    def registered(self) -> None:
        self.outbox.complete(self.begin("maconomy.registration"), "100302")
        with self.db.tx():
            Orders(self.db).registered("ILI-10001-1", at=self.at)

    def status(self, status: str, on: str | None = None, source: str = "command") -> None:
        version = self.step(BookingStatuses(self.db).set, REFERENCE, status, on, source=source)
        with self.db.tx():
            self.outbox.latest(STATUS, REFERENCE, status_message(REFERENCE, status, on, version), scope=SCOPE)

    def told(self) -> None:
        message = self.begin(STATUS)
        self.outbox.complete(message, None)
        with self.db.tx():
            BookingStatuses(self.db).told(REFERENCE, message.body["version"], at=self.at)

    def document(self) -> None:
        self.step(BookingDocuments(self.db).add, REFERENCE, HASH, "Ida Ærlighaug.pdf", "file", 24_100)
        body = {"reference": REFERENCE, "name": "Ida Ærlighaug.pdf", "sha256": HASH, "kind": "file"}
        with self.db.tx():
            self.outbox.once(DOCUMENT, key_of(REFERENCE, HASH), body, scope=SCOPE)

    def uploaded(self) -> None:
        self.outbox.complete(self.begin(DOCUMENT), None)
        with self.db.tx():
            BookingDocuments(self.db).uploaded(REFERENCE, HASH, at=self.at)

    def desk(self) -> Desk:
        return Desk(self.db, _nobody, 30, lambda: float(self.at))


def _nobody() -> NoReturn:
    raise AssertionError("Maconomy was asked")


@pytest.fixture
def way(store: Database, now: int) -> Way:
    return Way(store, now)


@pytest.fixture
def explain(run: Run) -> Callable[..., list[str]]:
    """The lines of a booking; none of them holds anything of its people."""

    def call(record: str = REFERENCE) -> list[str]:
        result = run("explain", record)
        assert (result.code, result.err) == (0, "")
        for out in (result.out, run("explain", record, "--json").out):
            assert [word for word in PRIVATE if word in out] == []
        return str(result.out).splitlines()

    return call


Explain = Callable[..., list[str]]


def test_the_whole_way_of_a_booking_is_told_in_order(explain: Explain, way: Way) -> None:
    way.look()
    way.confirm()
    way.registered()
    way.status("NO_SHOW", source="maconomy")
    way.told()
    way.status("COMPLETED", "2026-08-01")
    way.told()
    way.document()
    way.uploaded()
    assert explain() == [
        f"booking {REFERENCE}: a seat of 25172-04: Excel (order 10001)",
        "  2026-08-03 13:00:00  Trainingportal asked for a seat, and it was held",
        f"  2026-08-03 13:02:00  confirmed: look 2 found it at Trainingportal as {THEIRS} (NEW)",
        "  2026-08-03 13:03:00  ILI-10001-1: registered as 100302",
        "  2026-08-03 13:06:00  COMPLETED on 2026-08-01: set by command, version 2",
        "  2026-08-03 13:07:00  Trainingportal has COMPLETED, version 2",
        f"  2026-08-03 13:08:00  file {HASH[:8]} is to be uploaded: 24 kB",
        f"  2026-08-03 13:09:00  file {HASH[:8]} was uploaded",
        "now: confirmed: its student is registered in Maconomy as 100302; COMPLETED on 2026-08-01, which Trainingportal"
        " has; 1 of 1 document(s) uploaded",
    ]


@pytest.mark.parametrize(
    "record",
    [
        *(REFERENCE.lower(), THEIRS, "10001", "ILI-10001-1", f"{STATUS} {REFERENCE}"),
        *(f"booking {REFERENCE}", f"{DOCUMENT} {key_of(REFERENCE, HASH)}"),
    ],
)
def test_a_booking_is_found_by_each_of_its_names(record: str, explain: Explain, way: Way) -> None:
    way.confirm()
    told = explain(record)
    assert told[0].startswith(f"booking {REFERENCE}: ")
    assert sum(line.startswith("now: ") for line in told) == 1


def test_a_booking_that_is_not_visible_yet_says_when_it_is_looked_for(explain: Explain, way: Way) -> None:
    way.look()
    assert explain()[2:] == [
        "  2026-08-03 13:01:00  not visible at Trainingportal, after 1 look(s)",
        "now: reserved: its seat is held; Trainingportal is asked who comes at the next confirm-bookings"
        " (1 look(s) so far)",
    ]
    way.db.write("UPDATE bookings SET next_look_at = ?", (way.at + 3_600,))
    assert explain()[-1].endswith("is asked who comes after 2026-08-03 14:01:00 (1 look(s) so far)")


def test_a_booking_that_never_became_visible_waits_for_a_person_until_it_is_settled(explain: Explain, way: Way) -> None:
    way.look()
    way.give_up()
    assert explain()[2:] == [
        "  2026-08-03 13:02:00  given up after 2 look(s): it did not become visible at Trainingportal in time",
        "now: unseen: given up: it did not become visible at Trainingportal in time; its seat is free again",
        f"next: ask Trainingportal whether the student comes; if so: integrator booking-status again {REFERENCE};"
        f" if not: integrator booking-status settle {REFERENCE}",
    ]
    way.at += MINUTE
    reseller_desk.settle(way.desk(), REFERENCE)
    assert explain()[2:] == [
        "  2026-08-03 13:02:00  its order is cancelled: its seat is free again",
        "  2026-08-03 13:03:00  given up after 2 look(s)",
        "  2026-08-03 13:03:00  settled: a person has done what it waited for",
        "now: unseen: given up; its seat is free again",
    ]


def test_a_booking_that_is_unclear_says_when_and_why_also_after_its_seat_has_gone(explain: Explain, way: Way) -> None:
    unclear = "it is not there as a new booking is (of another class, without a name or address, or cancelled)"
    way.look()
    way.give_up("unclear", "CANCELLED")
    told = explain()
    assert told[2] == f"  2026-08-03 13:02:00  given up after 2 look(s): {unclear} (CANCELLED)"
    assert told[3] == f"now: unseen: given up: {unclear} (CANCELLED); its seat is held for now"
    way.release()
    assert explain()[2:5] == [
        f"  2026-08-03 13:02:00  given up after 2 look(s): {unclear} (CANCELLED)",
        "  2026-08-03 13:03:00  its order is released: its seat is free again",
        f"now: unseen: given up: {unclear} (CANCELLED); its seat is free again",
    ]


def test_a_booking_that_lost_its_seat_unasked_says_so_and_how_it_is_taken_up_again(explain: Explain, way: Way) -> None:
    lost = "it lost its seat, which is held for a day, while Trainingportal could not be asked"
    way.release()
    way.give_up("lost_seat")
    assert explain()[2:] == [
        "  2026-08-03 13:01:00  its order is released: its seat is free again",
        f"  2026-08-03 13:02:00  given up after 1 look(s): {lost}",
        f"now: unseen: given up: {lost}; its seat is free again",
        "next: look whether the class still has a seat (else have the booking cancelled at Trainingportal); if so:"
        f" integrator booking-status again {REFERENCE}; if not: integrator booking-status settle {REFERENCE}",
    ]


def test_cancelled_before_it_is_registered_its_seat_is_free(explain: Explain, way: Way) -> None:
    way.at += MINUTE
    reseller_desk.cancel(way.desk(), REFERENCE)
    assert explain()[2:] == [
        "  2026-08-03 13:01:00  cancelled by Trainingportal: its seat is free again",
        "now: cancelled: its seat is free again",
    ]


def test_cancelled_after_it_is_registered_a_person_withdraws_the_student(explain: Explain, way: Way) -> None:
    way.confirm()
    way.registered()
    way.at += MINUTE
    reseller_desk.cancel(way.desk(), REFERENCE)
    told = explain()
    assert told[4:] == [
        "  2026-08-03 13:03:00  cancelled by Trainingportal, when its student was on the way to Maconomy or there"
        " already",
        "now: cancelled: its student is registered in Maconomy as 100302; a person has to withdraw them",
        f"next: withdraw ILI-10001-1 (100302) in Maconomy; then: integrator booking-status settle {REFERENCE}",
    ]
    way.at += MINUTE
    reseller_desk.settle(way.desk(), REFERENCE)
    assert explain()[-1].endswith(" as 100302; a person has seen to it")


def test_a_booking_whose_seat_was_lost_says_what_to_do(explain: Explain, way: Way) -> None:
    way.db.write("UPDATE orders SET state = 'released', changed_at = ?", (way.at + 30,))
    way.confirm(task="lost_seat")
    told = explain()
    assert "  2026-08-03 13:00:30  its order is released: its seat is free again" in told
    assert told[-2] == "now: confirmed: its seat had been given up before, and its student is not registered"
    assert told[-1].startswith("next: find the student a seat, or have the booking cancelled at Trainingportal; then: ")


def test_what_a_person_does_is_told_of_every_task(explain: Explain, way: Way) -> None:
    for name, task in TASKS.items():
        way.db.write("UPDATE bookings SET task = ?", (name,))
        assert explain()[-1] == f"next: {task.told(REFERENCE, 'the student')}"
        assert explain()[-1].endswith(f" integrator booking-status settle {REFERENCE}")


def test_a_registration_that_failed_says_what_to_type(explain: Explain, way: Way) -> None:
    way.confirm()
    way.outbox.fail(way.begin("maconomy.registration"), "full: no seat left")
    told = explain()
    assert "  2026-08-03 13:02:00  ILI-10001-1: failed after 1 attempt(s): full: no seat left" in told
    assert told[-2:] == [
        "now: confirmed: the registration of its student failed",
        "next: the registration ILI-10001-1 failed; mended: integrator outbox retry 1;"
        " not to be mended: integrator outbox drop 1",
    ]


def test_a_status_that_was_not_told_says_what_they_have_and_why(explain: Explain, way: Way) -> None:
    way.confirm()
    way.registered()
    way.status("NEW")
    way.told()
    way.status("FAILED", source="import")
    message = way.begin(STATUS)
    way.outbox.put_back(message, "answered 503", attempts=1, next_at=way.at + 3_600)
    told = explain()
    assert told[4:] == [
        "  2026-08-03 13:04:00  Trainingportal has a former status, version 1",
        "  2026-08-03 13:05:00  FAILED: set from a file, version 2",
        "  2026-08-03 13:06:00  the status: attempt 1 was not done: answered 503; next try after 14:06",
        "now: confirmed: its student is registered in Maconomy as 100302; FAILED, which Trainingportal does not have"
        " yet",
    ]
    way.db.write("UPDATE outbox SET next_at = 0")
    way.outbox.fail(way.begin(STATUS), "refused: unknown booking")
    assert explain()[-1].startswith("next: the status failed; mended: integrator outbox retry 2;")
    way.outbox.drop(message.id)
    assert explain()[-1].endswith("; FAILED, which Trainingportal is not told: the message was dropped")


def test_a_document_that_may_be_there_is_for_a_person_to_look(explain: Explain, way: Way) -> None:
    way.confirm()
    way.registered()
    way.document()
    way.outbox.fail(
        way.begin(DOCUMENT), "held: look there yourself: is it in, drop it; is it not, outbox retry --without-looking"
    )
    told = explain()
    assert "0 of 1 document(s) uploaded" in told[-2]
    assert told[-1] == (
        f"next: look whether file {HASH[:8]} is there; it is: integrator outbox drop 2;"
        " it is not: integrator outbox retry 2 --without-looking"
    )
    way.outbox.drop(2)
    told = explain()
    assert told[-1].endswith("; 0 of 1 document(s) uploaded, 1 given up")
    assert f"  2026-08-03 13:04:00  file {HASH[:8]}: dropped by a person after 1 attempt(s): it is not sent" in told


def test_a_document_that_a_person_looked_for_and_dropped_is_not_said_to_be_missing(explain: Explain, way: Way) -> None:
    way.confirm()
    way.registered()
    way.document()
    way.outbox.fail(way.begin(DOCUMENT), "held: look there yourself", doubted=True)
    way.at += MINUTE
    assert way.outbox.retry(2) == "processing"
    brought_back = f"  2026-08-03 13:05:00  file {HASH[:8]}: brought back by a person; the next run looks whether"
    assert f"{brought_back} it is there" in explain()
    [message] = way.outbox.in_doubt(DOCUMENT)
    way.outbox.fail(message, "held: look there yourself", doubted=True)
    assert f"  2026-08-03 13:05:00  file {HASH[:8]}: failed: held: look there yourself" in explain()
    way.at += MINUTE
    way.outbox.drop(2)
    told = explain()
    looked = "dropped by a person who looked there: it is there, or shall not be sent"
    assert f"  2026-08-03 13:06:00  file {HASH[:8]}: {looked}" in told
    assert told[-1].endswith("; 0 of 1 document(s) uploaded, 1 dropped by a person who looked there")


def test_files_and_outcomes_that_cannot_be_taken_are_told(explain: Explain, way: Way) -> None:
    way.confirm()
    pdf, people = (
        "documents: a file of it is a PDF without its end",
        "maconomy: several participants have its reference",
    )
    again = "the next update-booking-status"
    for kind, code, reason, then in (
        (PAPER, "cut", pdf, f"; put a sound file there: {again} takes it"),
        (PAPER, "changing", "documents: a file of it is being written at this moment", f": {again} looks again"),
        (
            PAPER,
            "template",
            "its certificate cannot be filled in",
            f"; mend the template, or put a file there: {again} takes it",
        ),
        (OUTCOME, "several", people, f": {again} looks again"),
    ):
        with way.db.tx():
            SetAside(way.db).replace(kind, {REFERENCE: (code, reason)}, at=way.at + 60, run_id=1)
        told = explain()
        assert told[0].startswith(f"booking {REFERENCE}: ")
        assert f"  2026-08-03 13:02:00  {reason}" in told
        assert f"next: {reason}{then}" in told


def test_a_document_that_does_not_fit_any_more_says_what_to_type_of_this_booking(explain: Explain, way: Way) -> None:
    way.confirm()
    with way.db.tx():
        BookingDocuments(way.db).note_outdated(REFERENCE, outdated("2026-08-01", "FAILED", None), at=way.at)
    assert explain()[-1].startswith("next: ")
    assert explain()[-1].endswith(f", then: integrator booking-status settle {REFERENCE} --document")


def test_a_booking_that_nobody_knows_and_its_reseller_cancelled_says_what_to_type(
    explain: Explain, run: Run, way: Way
) -> None:
    unknown = "TP-" + "A" * 26
    way.at += MINUTE
    with pytest.raises(NotFound):
        reseller_desk.cancel(way.desk(), unknown)
    told = explain(unknown)
    assert told == [
        f"booking {unknown}: not known here",
        "  2026-08-03 13:01:00  cancelled by Trainingportal, and nobody here knows it",
        "now: it was cancelled by Trainingportal, and is not known here: a restore may have forgotten it",
        "next: look whether its student is registered in Maconomy, and withdraw them there if so;"
        f" then: integrator booking-status settle {unknown}",
    ]
    [story] = run("explain", unknown.lower(), "--json").json()
    assert (story["reference"], story["next"]) == (unknown, [told[-1].removeprefix("next: ")])
    reseller_desk.settle(way.desk(), unknown)
    assert run("explain", unknown).code == 4


def test_of_a_dropped_document_nobody_is_told_to_confirm_an_order_that_a_reseller_sold(run: Run, way: Way) -> None:
    way.confirm()
    way.registered()
    way.document()
    way.outbox.drop(2)
    [story] = run("explain", REFERENCE, "--json").json()
    assert story["order"]["now"] == "1 of 1 participant(s) are registered in Maconomy"


def test_json_has_the_same(run: Run, way: Way) -> None:
    way.confirm()
    way.registered()
    way.status("COMPLETED", "2026-08-01")
    way.document()
    [story] = run("explain", REFERENCE, "--json").json()
    assert (story["kind"], story["reference"], story["order_id"], story["state"]) == (
        *("booking", REFERENCE, 10_001),
        "confirmed",
    )
    assert story["requested_at"] == "2026-08-03T11:00:00Z"
    assert (story["status"]["status"], story["status"]["completed_on"], story["status"]["told_at"]) == (
        *("COMPLETED", "2026-08-01"),
        None,
    )
    assert (story["documents"][0]["sha256"], story["documents"][0]["message"]) == (HASH, "received")
    assert story["order"]["now"] == "1 of 1 participant(s) are registered in Maconomy; 2 message(s) are on their way"
    assert story["next"] == []


def test_looking_at_a_booking_writes_nothing(run: Run, home: Path, way: Way) -> None:
    before = files_of(home)
    run("explain", REFERENCE)
    run("explain", "TP-AAAAAAAAAAAAAAAAAAAAAAAAAA")
    assert files_of(home) == before


def test_an_unknown_reference_is_not_found(run: Run, way: Way) -> None:
    result = run("explain", "TP-AAAAAAAAAAAAAAAAAAAAAAAAAA")
    assert (result.code, result.out) == (4, "")
    assert "TP-… a booking" in result.err


# a class, as it is sold there ------------------------------------------------------------------------

FACTS = {"course_id": "GSK-4D", "class_id": CLASS_ID, "seats": 5, "location": "Aarhus"}


def _add_class(db: Database) -> None:
    db.write(
        "INSERT INTO courses (id, main_id, title, language, days, trainers, status, fingerprint, first_seen_at,"
        " changed_at) VALUES (?, '25172', 'Excel', 'da', '[]', '[]', 'open', x'00', 1, 1)",
        (CLASS_ID,),
    )


def _publish(db: Database, at: int, **facts: Any) -> None:
    db.write(
        "INSERT OR REPLACE INTO published_classes (class_id, course_id, state, facts, changed_at)"
        " VALUES (?, 'GSK-4D', 'published', ?, ?)",
        (CLASS_ID, json.dumps(FACTS | facts), at),
    )


def test_a_class_that_nobody_else_sells_says_nothing_of_it(run: Run, home: Path, store: Database) -> None:
    switch_on(home, "maconomy")
    _add_class(store)
    assert run("explain", CLASS_ID).out.splitlines()[-1].startswith("now: ")
    assert run("explain", CLASS_ID, "--json").json()[0]["trainingportal"] is None


def test_a_class_says_how_it_stands_at_trainingportal(run: Run, home: Path, way: Way) -> None:
    switch_on(home, "maconomy")
    _add_class(way.db)
    _publish(way.db, way.at)
    last = run("explain", CLASS_ID).out.splitlines()[-1]
    assert last == "at Trainingportal: published in course GSK-4D with 5 free seat(s); bookings: 1 reserved"
    [story] = run("explain", CLASS_ID, "--json").json()
    assert story["trainingportal"]["facts"] == FACTS
    assert (story["trainingportal"]["state"], story["trainingportal"]["bookings"]) == ("published", {"reserved": 1})


def test_a_class_that_is_refused_says_why(run: Run, home: Path, store: Database, now: int) -> None:
    switch_on(home, "maconomy")
    _add_class(store)
    store.write(
        "INSERT INTO set_aside (kind, key, code, reason, first_at, run_id) VALUES (?, ?, 'currency', ?, ?, 1)",
        (UNSOLD, CLASS_ID, "its price is in DKK", now - 60),
    )
    told = run("explain", CLASS_ID).out.splitlines()
    assert "  2026-08-03 13:59  not as it should be at Trainingportal: its price is in DKK" in told
    assert told[-1] == "at Trainingportal: not published; its price is in DKK"


def test_a_class_whose_outcomes_cannot_be_taken_says_why(run: Run, home: Path, store: Database, now: int) -> None:
    switch_on(home, "maconomy")
    _add_class(store)
    with store.tx():
        SetAside(store).replace(OUTCOME, {CLASS_ID: ("changed", "no references")}, at=now, run_id=1)
    told = run("explain", CLASS_ID).out.splitlines()
    assert "  2026-08-03 14:00  what became of its students cannot be taken: no references" in told
    assert told[-1].endswith("; no references")


def test_a_class_whose_message_waits_or_failed_says_so(run: Run, home: Path, store: Database, now: int) -> None:
    switch_on(home, "maconomy")
    _add_class(store)
    _publish(store, now - 600)
    outbox = Outbox(store, clock=lambda: float(now - 60))
    with store.tx():
        outbox.latest(CLASS, CLASS_ID, {"class_id": CLASS_ID, "facts": FACTS})

    def last() -> str:
        return str(run("explain", CLASS_ID).out.splitlines()[-1])

    assert last().endswith("; message 1 waits; the next publish-classes sends it")
    [message] = outbox.due(CLASS)
    outbox.begin([message])
    assert last().endswith("; message 1 is under way or in doubt; the next publish-classes looks there first")
    outbox.fail(message, "answered 400: location")
    assert last().endswith("; message 1 failed: answered 400: location; integrator outbox retry 1")
    assert "  2026-08-03 13:59  Trainingportal: failed after 1 attempt(s): answered 400: location" in (
        run("explain", CLASS_ID).out.splitlines()
    )
    run("outbox", "drop", 1)
    assert last().endswith("; message 1 was dropped by an operator; publish-classes sends the next change")


def test_a_cancelled_class_is_told_as_cancelled(run: Run, home: Path, store: Database, now: int) -> None:
    switch_on(home, "maconomy")
    _add_class(store)
    _publish(store, now)
    store.write("UPDATE published_classes SET state = 'cancelled', facts = NULL, cancelled_at = ?", (now,))
    assert run("explain", CLASS_ID).out.splitlines()[-1] == "at Trainingportal: cancelled"


def test_a_class_that_is_in_no_catalogue_but_was_booked_is_known(run: Run, way: Way) -> None:
    result = run("explain", CLASS_ID)
    assert (result.code, result.out.splitlines()) == (
        0,
        [
            "course 25172-04: not in the catalogue",
            "at Trainingportal: not published: it is not for sale, or its main course is not sold there;"
            " bookings: 1 reserved",
        ],
    )
    [told] = run("explain", CLASS_ID, "--json").json()
    assert (told["record"], told["trainingportal"]["bookings"]) == (None, {"reserved": 1})


# what leads there ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "key", "words"),
    [
        ("booking", REFERENCE, "booking(s) of a reseller wait for a person"),
        ("unknown booking", "TP-" + "A" * 26, "booking(s) that we do not know were cancelled by a reseller"),
        ("document", REFERENCE, "booking(s) have a document that needs a person"),
        ("outcome", REFERENCE, "class(es) or booking(s) whose outcome cannot be taken from Maconomy"),
        ("outcome", CLASS_ID, "class(es) or booking(s) whose outcome cannot be taken from Maconomy"),
        ("portal class", CLASS_ID, "class(es) are not at Trainingportal as they should be"),
    ],
)
def test_what_status_names_is_explained(kind: str, key: str, words: str, run: Run, way: Way) -> None:
    with way.db.tx():
        SetAside(way.db).replace(kind, {key: ("code", "for a reason")}, at=way.at, run_id=1)
    told = run("status").out
    assert f"needs a person: 1 {words}, such as {key}" in told
    assert f"  → integrator explain {key}" in told
    assert run("explain", key).code == 0


def test_what_left_for_trainingportal_is_no_trouble_before_it_is_settled(run: Run, home: Path, way: Way) -> None:
    config = home / "config" / "integrator.toml"
    table = '[trainingportal]\nbase_url = "http://127.0.0.1:1"\nusername = "u"\npassword = { env = "P" }\n'
    way.confirm()
    way.status("NEW")
    way.begin(STATUS)
    way.db.write("UPDATE outbox SET sent_at = ? WHERE effect = ?", (way.at + 57 * MINUTE - 120, STATUS))
    trouble = f"{STATUS}: 1 message(s) were begun, and nobody knows whether they arrived"
    config.write_text(table)
    assert trouble in run("status").out
    config.write_text(table + "http.settle_s = 600\n")
    assert trouble not in run("status").out


def test_messages_of_bookings_are_listed_with_their_whole_effect(run: Run, way: Way) -> None:
    way.confirm()
    way.document()
    out = run("outbox", "list").out
    assert f" {DOCUMENT} " in out
    assert max(map(len, out.splitlines())) <= 80
