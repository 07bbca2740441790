"""`explain` of a reseller's booking: every step of it with its time, how it stands, and what waits for a person."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from integrator.cli import explain_order, times
from integrator.domain import completion
from integrator.domain.booking_tasks import UNKNOWN, task_of
from integrator.domain.ordered import REGISTRATION
from integrator.domain.portal import reference_from
from integrator.store.booking_documents import OUTDATED
from integrator.store.courses import PAPER

if TYPE_CHECKING:
    from datetime import datetime

    from integrator.database import Database
    from integrator.store.booking_story import BookingStory

Unknown = tuple[str, dict[str, Any]]  # a reference, and its cancellation
_SOURCES = {"command": "by command", "import": "from a file", "maconomy": "by Maconomy's word"}
_LOOK = "--without-looking"  # the reason of a message that may have arrived names it
_JOB = "update-booking-status"


def find(db: "Database", record: str) -> "list[BookingStory]":
    """The bookings that a text may mean: a reference, ours or theirs, as reports, lists and the outbox name it."""
    from integrator.store.booking_names import references_of
    from integrator.store.booking_story import booking_stories

    found = references_of(db, record, by_order=False)  # by an order explain has looked before
    return [story for reference in found for story in booking_stories(db, reference)]


def find_unknown(db: "Database", record: str) -> "Unknown | None":
    """A booking that nobody here knows, though its reseller cancelled it."""
    from integrator.store.booking_story import cancelled_unknown

    reference = _reference(record)
    row = cancelled_unknown(db, reference)
    return (reference, row) if row else None


def _reference(record: str) -> str:
    from integrator.store.booking_names import name_in

    reference = name_in(record)
    ours = reference_from(reference)
    return ours if ours.startswith("TP-") else reference


def as_json(story: "BookingStory", now: "datetime") -> dict[str, Any]:
    """The same for machines."""
    return {
        "kind": "booking",
        **times.timed(story.booking),
        "now": standing(story, now),
        "next": list(next_steps(story)),
        "status": story.status and times.timed(story.status),
        "status_message": story.message and times.timed(story.message),
        "documents": [times.timed(document) for document in story.documents],
        "set_aside": [times.timed(trouble) for trouble in story.troubles],
        "order": explain_order.as_json(story.order),
    }


def lines(story: "BookingStory", now: "datetime") -> Iterator[str]:
    """What happened, oldest first; then how it stands, and what a person types."""
    booking, order = story.booking, story.order.order
    yield f"booking {booking['reference']}: a seat of {booking['class_id']}: {order['title']} (order {order['id']})"
    for at, what in sorted(_events(story, now), key=lambda event: event[0]):
        yield f"  {times.exact(at)}  {what}"
    yield f"now: {standing(story, now)}"
    for step in next_steps(story):
        yield f"next: {step}"


def unknown_lines(unknown: "Unknown") -> Iterator[str]:
    """The little that is known of it, and what a person types."""
    reference, row = unknown
    yield f"booking {reference}: not known here"
    yield f"  {times.exact(row['first_at'])}  cancelled by Trainingportal, and nobody here knows it"
    yield f"now: it {UNKNOWN.why}: a restore may have forgotten it"
    yield f"next: {UNKNOWN.told(reference, 'its student')}"


def unknown_as_json(unknown: "Unknown") -> dict[str, Any]:
    """The same for machines."""
    reference, row = unknown
    told = {"state": None, "now": UNKNOWN.why, "next": [UNKNOWN.told(reference, "its student")]}
    return {"kind": "booking", "reference": reference, **told, "set_aside": [times.timed(row)]}


# what happened ----------------------------------------------------------------------------------------


def _events(story: "BookingStory", now: "datetime") -> Iterator[tuple[int, str]]:
    yield story.booking["requested_at"], "Trainingportal asked for a seat, and it was held"
    yield from _looks(story)
    yield from explain_order.afterwards(story.order, now)
    if story.status:
        yield from _status(story.status)
    if story.message:
        yield from explain_order.trouble("the status", story.message, now)
    for document in story.documents:
        yield from _document(story, document, now)
    for trouble in story.troubles:
        yield trouble["first_at"], trouble["reason"]
    yield from _ends(story)


def _looks(story: "BookingStory") -> Iterator[tuple[int, str]]:
    booking, looks = story.booking, story.booking["looks"]
    if booking["confirmed_at"]:
        name = f" as {booking['portal_reference']}" if booking["portal_reference"] else ""
        word = f" ({booking['enrollment_status']})" if booking["enrollment_status"] else ""
        yield booking["confirmed_at"], f"confirmed: look {looks} found it at Trainingportal{name}{word}"
    elif booking["state"] == "unseen":
        yield booking["changed_at"], f"given up after {looks} look(s){_why(story)}"
    elif looks:
        until = "" if booking["state"] == "reserved" else " until then"
        yield booking["changed_at"], f"not visible at Trainingportal{until}, after {looks} look(s)"


def _ends(story: "BookingStory") -> Iterator[tuple[int, str]]:
    booking, order = story.booking, story.order.order
    if booking["cancelled_at"]:
        yield booking["cancelled_at"], f"cancelled by Trainingportal{_seat(story)}"
    elif booking["task"] != "unseen" and order["state"] in ("released", "cancelled"):
        yield order["changed_at"], f"its order is {order['state']}: its seat is free again"
    if settled_at := _settled_at(story):
        yield settled_at, "settled: a person has done what it waited for"


def _seat(story: "BookingStory") -> str:
    if story.order.order["state"] == "complete":
        return ", when its student was on the way to Maconomy or there already"
    return ": its seat is free again"


def _settled_at(story: "BookingStory") -> int | None:
    """A booking at its end changes once more only when a person settles it, or its student is forgotten."""
    booking = story.booking
    if booking["task"] or booking["anonymised_at"] or booking["state"] == "reserved":
        return None
    changed = int(booking["changed_at"])
    if booking["state"] == "unseen":  # then it had a task
        return changed
    last = booking["cancelled_at"] if booking["state"] == "cancelled" else booking["confirmed_at"]
    return changed if last is not None and changed > last else None


def _status(status: Mapping[str, Any]) -> Iterator[tuple[int, str]]:
    outcome = completion.shown(status["status"], status["completed_on"])
    yield status["set_at"], f"{outcome}: set {_SOURCES[status['source']]}, version {status['version']}"
    if status["told_at"]:
        newest = status["told_version"] == status["version"]
        what = status["status"] if newest else "a former status"
        yield status["told_at"], f"Trainingportal has {what}, version {status['told_version']}"


def _document(story: "BookingStory", document: Mapping[str, Any], now: "datetime") -> Iterator[tuple[int, str]]:
    name = _name(document)
    yield document["queued_at"], f"{name} is to be uploaded: {_size(document['size'])}"
    if document["uploaded_at"]:
        yield document["uploaded_at"], f"{name} was uploaded"
        return
    if message := _message_of(story, document):
        yield from explain_order.trouble(name, message, now)


def _message_of(story: "BookingStory", document: Mapping[str, Any]) -> Mapping[str, Any] | None:
    return next((message for message in story.order.outbox if message["id"] == document["message_id"]), None)


def _name(document: Mapping[str, Any]) -> str:
    """By its hash: the name of a file is often the student's. Shape  "certificate 9f86d081" """
    return f"{document['kind']} {document['sha256'][:8]}"


def _size(size: int) -> str:
    return f"{max(1, round(size / 1000)):,} kB"


# how it stands ----------------------------------------------------------------------------------------


def standing(story: "BookingStory", now: "datetime") -> str:
    """One sentence: where the booking stands."""
    booking = story.booking
    if booking["state"] == "reserved":
        due = booking["next_look_at"] <= now.timestamp()
        when = "at the next confirm-bookings" if due else f"after {times.exact(booking['next_look_at'])}"
        seat = "is held" if story.order.order["state"] == "reserved" else "was given up"
        told = f"its seat {seat}; Trainingportal is asked who comes {when} ({booking['looks']} look(s) so far)"
    elif booking["state"] == "unseen":
        told = f"given up{_why(story)}{_seat_now(story)}"
    elif booking["state"] == "cancelled":
        told = _withdrawn(story) if story.order.order["state"] == "complete" else "its seat is free again"
    else:
        told = "; ".join([_registration(story), *_outcomes(story)])
    return f"{booking['state']}: {told}"


def _why(story: "BookingStory") -> str:
    """As long as its task stands there: afterwards nothing says for what reason it was given up."""
    booking = story.booking
    if not booking["task"]:
        return ""
    word = f" ({booking['enrollment_status']})" if booking["enrollment_status"] else ""
    return f": it {task_of(booking['task'], booking['state']).why}{word}"


def _seat_now(story: "BookingStory") -> str:
    return "; its seat is held for now" if story.order.order["state"] == "reserved" else "; its seat is free again"


def _registration(story: "BookingStory") -> str:
    if story.order.order["state"] != "complete":
        return "its seat had been given up before, and its student is not registered"
    person = story.order.people[0]
    return {
        "completed": f"its student is registered in Maconomy as {person['remote_id']}",
        "failed": "the registration of its student failed",
        "dropped": "the registration of its student was given up",
    }.get(person["state"], "its student is on the way to Maconomy")


def _withdrawn(story: "BookingStory") -> str:
    then = "a person has to withdraw them" if story.booking["task"] else "a person has seen to it"
    return f"{_registration(story)}; {then}"


def _outcomes(story: "BookingStory") -> Iterator[str]:
    if status := story.status:
        outcome = completion.shown(status["status"], status["completed_on"])
        yield f"{outcome}, which Trainingportal {_has(story, status)}"
    if story.documents:
        done = sum(document["uploaded_at"] is not None for document in story.documents)
        sent = [_message_of(story, document) for document in story.documents]
        dropped = [one for one in sent if one and one["state"] == "dropped"]
        looked = sum(explain_order.was_looked_for(one) for one in dropped)
        given_up = len(dropped) - looked
        yield (
            f"{done} of {len(story.documents)} document(s) uploaded"
            + (f", {looked} dropped by a person who looked there" if looked else "")
            + (f", {given_up} given up" if given_up else "")
        )


def _has(story: "BookingStory", status: Mapping[str, Any]) -> str:
    if status["told_version"] == status["version"]:
        return "has"
    dropped = story.message is not None and story.message["state"] == "dropped"
    return "is not told: the message was dropped" if dropped else "does not have yet"


def next_steps(story: "BookingStory") -> Iterator[str]:
    """What waits for a person, and what they type then."""
    booking, people = story.booking, story.order.people
    if booking["task"]:
        student = _participant(people[0]) if people else "the student"
        yield task_of(booking["task"], booking["state"]).told(booking["reference"], student)
    for message in story.order.outbox:
        if message["effect"] == REGISTRATION:
            yield from brought_back(f"the registration {message['key']}", message)
    if story.message:
        yield from brought_back("the status", story.message)
    for document in story.documents:
        if sent := _message_of(story, document):
            yield from brought_back(_name(document), sent)
    for trouble in story.troubles:
        yield _mended(trouble, booking["reference"])


def _mended(trouble: Mapping[str, Any], reference: str) -> str:
    """What is wrong with its files, or with what Maconomy says of it, and how that ends."""
    reason, code = trouble["reason"], trouble["code"]
    if code == OUTDATED:  # it names what to type, of any booking
        return str(reason).replace(" REF ", f" {reference} ")
    if trouble["kind"] != PAPER or code == "changing":
        return f"{reason}: the next {_JOB} looks again"
    if code in ("template", "no_font"):
        return f"{reason}; mend the template, or put a file there: the next {_JOB} takes it"
    return f"{reason}; put a sound file there: the next {_JOB} takes it"


def _participant(person: Mapping[str, Any]) -> str:
    number = f" ({person['remote_id']})" if person["remote_id"] else ""
    return f"{person['reference']}{number}"


def brought_back(name: str, message: Mapping[str, Any]) -> Iterator[str]:
    """What to type of a message that failed; nothing of any other."""
    number = message["id"]
    if message["state"] != "failed":
        return
    if _LOOK in (message["reason"] or ""):
        look = f"look whether {name} is there; it is: integrator outbox drop {number}"
        yield f"{look}; it is not: integrator outbox retry {number} {_LOOK}"
    else:
        drop = f"not to be mended: integrator outbox drop {number}"
        yield f"{name} failed; mended: integrator outbox retry {number}; {drop}"
