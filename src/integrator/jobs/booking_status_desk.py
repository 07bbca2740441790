"""Statuses of bookings, as people set them: by command, or a whole list from a file.

Keeps   store   the newest status of each booking; with it one message to Trainingportal, in place of an older one
Writes  nothing elsewhere: update-booking-status does
Guard   a list with one bad row changes nothing, unless it is told to take the good ones
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, NamedTuple

from integrator.database import Database
from integrator.domain import completion
from integrator.domain.booking_tasks import task_of
from integrator.domain.lists import business_date
from integrator.domain.ordered import scope_of
from integrator.domain.portal import STATUS, Status, reference_from, status_message
from integrator.errors import NotBookable, NotFound, UsageError
from integrator.jobs.booking_status_files import Row, place_of, rows_of
from integrator.runtime.outbox import Outbox
from integrator.store.booking_documents import BookingDocuments
from integrator.store.booking_names import references_of
from integrator.store.booking_statuses import SHOWN, BookingStatuses, Source
from integrator.store.bookings import Bookings
from integrator.store.courses import UNKNOWN_BOOKING, SetAside

_NOT_YET = {
    "reserved": "is not confirmed by Trainingportal yet",
    "unseen": "never became visible at Trainingportal",
    "cancelled": "is cancelled",
}
_LIST = "integrator booking-status list"
_LONGEST_WORD = 40
Good = tuple[dict[str, Any], str, str | None]  # a booking, its status, the date


class Bad(NamedTuple):
    """A row that was not taken. sheet: of a workbook; "" in a CSV file."""

    row: int
    reason: str
    sheet: str = ""

    @property
    def place(self) -> str:
        return place_of(self.row, self.sheet)


@dataclass
class Imported:
    """What an import did. When bad is not empty and nothing was taken, taken is False.

    left_out   sheets of the workbook without our columns
    """

    taken: bool = True
    rows: int = 0
    changed: int = 0
    unchanged: int = 0
    again: int = 0  # of the unchanged: those whose message had failed, and waits again
    bad: list[Bad] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


def set_status(
    db: Database,
    reference: str,
    status: str,
    on: str | date | None,
    source: Source,
    at: int,
    *,
    anyway: bool = False,
) -> dict[str, Any]:
    """What became of one student from now on; the same again changes nothing, but that it is told if that had failed.

    anyway  it is taken although the class had not begun on that day
    Shape   {"reference", "status", "completed_on", "version", "changed", "again"}
    Errors  UsageError: no such status, COMPLETED without a date, a date that cannot be; NotFound;
            NotBookable: the booking is not confirmed
    """
    today = _today(at)
    known, completed_on = _outcome(status, on, today)
    with db.tx():
        booking = _confirmed(db, reference)
        if not anyway:
            completion.need_begun(known, completed_on, BookingStatuses(db).first_day(reference), today=today)
        changed = keep_status(db, booking, known, completed_on, source=source, at=at)
        again = not changed and _tell_again(db, booking, source=source, at=at)
        found = BookingStatuses(db).get(reference)
    assert found is not None
    shown = {name: found[name] for name in ("reference", "status", "completed_on", "version")}
    return shown | {"changed": changed, "again": again}


def _outcome(status: str, on: str | date | None, today: date) -> tuple[Status, str | None]:
    """As completion.outcome; what somebody typed is said back to them. Errors  UsageError"""
    try:
        return completion.outcome(status, on, today=today)
    except UsageError as error:
        typed = status.strip()[:_LONGEST_WORD]
        try:
            known = completion.status_from(status)
        except UsageError:
            raise UsageError(f'unknown status "{typed}": {completion.ALLOWED}') from None
        taken = "" if typed.upper() == known else f'"{typed}" is taken as {known} ({completion.ALLOWED}): '
        raise UsageError(f"{taken}{error.message}", hint=error.hint) from None


def keep_status(
    db: Database,
    booking: Mapping[str, Any],
    status: str,
    completed_on: str | None,
    *,
    source: Source,
    at: int,
    maconomy_seen: str | None = None,
) -> bool:
    """A status with the message that tells it; inside tx(). False: it was that already, and nothing is told.

    Documents that wait to leave belong to the status before: they are asked for anew once COMPLETED is told.
    """
    reference, statuses = booking["reference"], BookingStatuses(db)
    before = statuses.get(reference)
    version = statuses.set(reference, status, completed_on, source=source, at=at, maconomy_seen=maconomy_seen)
    if version is None:
        return False
    BookingDocuments(db).forget_unsent(reference)
    _note_outdated(db, reference, before, status, completed_on, at=at)
    _ask(db, booking, status, completed_on, version, at=at)
    if source == "maconomy":  # what people said since the backup, a restored store has forgotten
        statuses.look_first(reference, at=at)
    return True


def _ask(
    db: Database, booking: Mapping[str, Any], status: str, completed_on: str | None, version: int, *, at: int
) -> None:
    body = status_message(booking["reference"], status, completed_on, version)
    Outbox(db, clock=lambda: at).latest(STATUS, booking["reference"], body, scope=scope_of(booking["order_id"]))


def _note_outdated(
    db: Database,
    reference: str,
    before: Mapping[str, Any] | None,
    status: str,
    completed_on: str | None,
    *,
    at: int,
) -> None:
    """What has left, or may have, is of another completion, or of one that is none: said until a person settles it."""
    documents = BookingDocuments(db)
    _, noted = documents.outdated().get(reference, (None, None))
    was = completion.outdated_date(noted) if noted else before and before["completed_on"]
    if not was:
        return
    kinds = {row["kind"] for row in documents.of(reference)}
    of_another = "certificate" in kinds and completed_on != was  # which date a file has, nobody here knows
    if of_another if status == "COMPLETED" else kinds:
        documents.note_outdated(reference, completion.outdated(was, status, completed_on), at=at)
    else:
        documents.settle_outdated(reference)


def _tell_again(db: Database, booking: Mapping[str, Any], *, source: Source, at: int) -> bool:
    """Somebody says the same again: if its message failed or was given up, that is the word to send it once more."""
    statuses = BookingStatuses(db)
    known = statuses.shown(booking["reference"])
    if known is None or known["message"] not in ("failed", "dropped") or known["told_version"] == known["version"]:
        return False
    version = statuses.again(booking["reference"], source=source, at=at)
    _ask(db, booking, known["status"], known["completed_on"], version, at=at)
    return True


def settle_document(db: Database, reference: str) -> None:
    """A person has seen to a document at Trainingportal that did not fit any more. Errors  NotFound"""
    with db.tx():
        Bookings(db).get(reference)
        if not BookingDocuments(db).settle_outdated(reference):
            raise NotFound(f"no document of booking {reference} waits for anybody")


def import_statuses(db: Database, path: Path, at: int, *, partial: bool = False, anyway: bool = False) -> Imported:
    """Statuses from a list, all in one transaction.

    partial   good rows are taken although others are bad. Otherwise nothing is: the list is mended and imported again
              as a whole, and nobody has to know which of its rows were in
    anyway    as set_status
    Errors    UsageError: the file cannot be read as a list of statuses
    """
    listed = rows_of(path)
    rows = listed.rows
    imported = Imported(rows=len(rows), left_out=listed.left_out)
    with db.tx():
        good = _checked(db, rows, imported.bad, today=_today(at), anyway=anyway)
        imported.taken = partial or not imported.bad
        for booking, status, completed_on in good if imported.taken else ():
            changed = keep_status(db, booking, status, completed_on, source="import", at=at)
            imported.changed += changed
            imported.unchanged += not changed
            imported.again += not changed and _tell_again(db, booking, source="import", at=at)
    return imported


def _checked(db: Database, rows: list[Row], bad: list[Bad], *, today: date, anyway: bool) -> list[Good]:
    """What the good rows say; why the others are bad, in the file's order. No reason repeats what a row says."""
    found: dict[str, tuple[int, Good]] = {}  # by booking: the place of its first row, and what that says
    twice: dict[str, list[int]] = {}
    wrong: dict[int, str] = {}
    for place, row in enumerate(rows):
        try:
            one = _read(db, row, today=today, anyway=anyway)
        except (UsageError, NotFound) as error:
            wrong[place] = error.message
            continue
        reference = one[0]["reference"]
        first, known = found.setdefault(reference, (place, one))
        if known != one:
            twice.setdefault(reference, [first]).append(place)
    for places in twice.values():
        for place in places:
            others = ", ".join(place_of(rows[one].number, rows[one].sheet) for one in places if one != place)
            wrong[place] = f"{others} of the same booking says otherwise"
    bad += [Bad(rows[place].number, wrong[place], rows[place].sheet) for place in sorted(wrong)]
    return [one for reference, (_, one) in found.items() if reference not in twice]


def _read(db: Database, row: Row, *, today: date, anyway: bool) -> Good:
    if not row.reference:
        raise UsageError("has no booking reference")
    if not row.status:
        raise UsageError("has no status")
    status, completed_on = completion.outcome(row.status, row.on, today=today)
    booking = _confirmed(db, booking_of(db, row.reference, by_order=False))
    if not anyway:
        first_day = BookingStatuses(db).first_day(booking["reference"])
        completion.need_begun(status, completed_on, first_day, today=today)
    return booking, status, completed_on


def booking_of(db: Database, text: str, *, by_order: bool = True) -> str:
    """Our reference of the booking that a text names, as explain takes it; what nobody knows comes back as it is kept.

    by_order   the number of its order names it, too: not in lists, where a number may be anything
    Errors     UsageError: it names several
    """
    found = references_of(db, text, by_order=by_order)
    if len(found) > 1:
        raise UsageError(f"that reference names {len(found)} bookings: {', '.join(found[:3])}: give one of them")
    return found[0] if found else reference_from(text)


def _confirmed(db: Database, reference: str) -> dict[str, Any]:
    """Errors  NotFound; NotBookable"""
    booking = Bookings(db).get(reference)
    if why := _NOT_YET.get(booking["state"]):
        raise NotBookable(f"the booking {why}: it takes no status", code=booking["state"], hint=_LIST)
    return booking


def _today(at: int) -> date:
    return business_date(datetime.fromtimestamp(at, UTC))


# looking ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Asked:
    """Which bookings are to be listed. untold: a status of theirs is on its way; waiting: those that need a person."""

    state: str | None = None
    class_id: str | None = None
    untold: bool = False
    waiting: bool = False


def listed(db: Database | None, asked: Asked, *, limit: int) -> tuple[list[dict[str, Any]], int]:
    """Bookings with their statuses, newest change first, and how many there are without the limit.

    Shape   as show, without documents, and with "waits": what a person has to do, a text each
    """
    if db is None:
        return [], 0
    waits = _waits(db)
    found = [
        row | {"stands": _stands(row), "waits": waits.get(row["reference"], [])}
        for row in BookingStatuses(db).listed(state=asked.state, untold=asked.untold, class_id=asked.class_id)
        if not asked.waiting or row["reference"] in waits
    ]
    if asked == Asked(waiting=True):
        found += [_unknown(key, why) for key, (_, why) in SetAside(db).reasons(UNKNOWN_BOOKING).items()]
    return found[:limit], len(found)


def _unknown(reference: str, why: str) -> dict[str, Any]:
    """A cancellation of a booking that is not ours, beside those that are."""
    nothing = dict.fromkeys(SHOWN)
    return nothing | {"reference": reference, "booking": "unknown", "stands": "none", "waits": [why]}


def _waits(db: Database) -> dict[str, list[str]]:
    """What waits for a person, by booking."""
    found: dict[str, list[str]] = {}
    for row in Bookings(db).tasks():
        task = task_of(row["task"], row["state"])
        found.setdefault(row["reference"], []).append(f"{task.why}: {task.told(row['reference'], 'the student')}")
    for reference, reason in BookingStatuses(db).troubles():
        found.setdefault(reference, []).append(reason)
    for reference, effect, key, why in BookingStatuses(db).failed():
        told = f"{effect} {key} failed: {why or 'given up'}: integrator explain {reference}"
        found.setdefault(reference, []).append(told)
    return found


def show(db: Database | None, reference: str) -> dict[str, Any]:
    """How a booking's status and documents stand. No name is in it.

    Shape   {"reference", "class_id", "booking", "status", "completed_on", "version", "told_version", "source",
            "set_at", "told_at", "stands", "reason", "documents": [{"kind", "sha256", "size", "queued_at",
            "uploaded_at", "stands", "reason", "message_id"}]}; times are epoch seconds or None
    Errors  NotFound
    """
    row = BookingStatuses(db).shown(reference) if db is not None else None
    if row is None or db is None:
        raise NotFound("there is no booking of that reference", hint=_LIST)
    documents = [
        {name: one[name] for name in ("kind", "sha256", "size", "queued_at", "uploaded_at", "message_id", "reason")}
        | {"stands": _MESSAGE.get(one["message"], "unknown")}
        for one in BookingDocuments(db).of(reference)
    ]
    return row | {"stands": _stands(row), "documents": documents}


_MESSAGE = {
    "received": "waits",
    "processing": "in doubt",
    "completed": "told",
    "failed": "failed",
    "dropped": "given up",
}


def _stands(row: Mapping[str, Any]) -> str:
    """In one word: none, told, waits, in doubt, failed, given up."""
    if row["status"] is None:
        return "none"
    if row["told_version"] == row["version"]:
        return "told"
    return _MESSAGE.get(row["message"], "unknown")
