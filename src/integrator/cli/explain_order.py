"""`explain` of an order: every step of it with its time, and where it stands."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from integrator.cli import times
from integrator.domain.ordered import CONFIRMATION, REGISTRATION
from integrator.store.mails import BAD

if TYPE_CHECKING:
    from datetime import datetime

    from integrator.store.order_story import OrderStory

_DONE = {REGISTRATION: "registered as {remote_id}", CONFIRMATION: "taken by Mailgun"}


def as_json(story: "OrderStory") -> dict[str, Any]:
    """The same for machines."""
    return {
        "kind": "order",
        **times.timed(story.order),
        "now": standing(story),
        "participants": [times.timed(person) for person in story.people],
        "outbox": [times.timed(message) for message in story.outbox],
        "mails": [times.timed(mail) for mail in story.mails],
    }


def lines(story: "OrderStory", now: "datetime") -> Iterator[str]:
    """What happened, oldest first, then how it stands."""
    order = story.order
    yield f"order {order['id']}: {order['seats']} seat(s) of {order['class_id']}: {order['title']}"
    for at, what in sorted(_events(story, now), key=lambda event: event[0]):
        yield f"  {times.shown(at, now, date=True)}  {what}"
    yield f"now: {standing(story)}"


def _events(story: "OrderStory", now: "datetime") -> Iterator[tuple[int, str]]:
    order = story.order
    until = times.shown(order["expires_at"], now)
    later = f", later {order['seats']}" if order["seats"] != order["seats_asked"] else ""
    yield order["reserved_at"], f"{order['seats_asked']} seat(s) reserved{later}"
    if order["state"] == "reserved":
        yield order["changed_at"], f"{order['seats']} seat(s) held until {until}"
    elif order["state"] in ("released", "cancelled"):
        yield order["changed_at"], f"{order['state']}: its seats are free again"
    if order["completed_at"]:
        yield order["completed_at"], f"complete, with {order['seats']} participant(s)"
    yield from afterwards(story, now)


def afterwards(story: "OrderStory", now: "datetime") -> Iterator[tuple[int, str]]:
    """What followed from its being complete: registrations, mails, legal hold, erasures."""
    order = story.order
    if order["hold_since"]:
        yield order["hold_since"], f"on legal hold: {order['hold_reason']}"
    for message in story.outbox:
        if message["effect"] in _DONE:
            yield from _message_events(message, now)
    for mail in story.mails:
        if mail["result"]:
            code = f" ({mail['code']})" if mail["code"] else ""
            yield mail["result_at"], f"{mail['key']}: {mail['result']}{code}"
    for person in story.people:
        if person["anonymised_at"] and person["anonymised_at"] != order["anonymised_at"]:
            yield person["anonymised_at"], f"{person['reference']}: was erased"
    if order["anonymised_at"]:
        yield order["anonymised_at"], "its people were erased"


def _message_events(message: dict[str, Any], now: "datetime") -> Iterator[tuple[int, str]]:
    key = message["key"]
    if message["completed_at"]:
        done = _DONE[message["effect"]].format(**message)
        tries = f", attempt {message['attempts']}" if message["attempts"] > 1 else ""
        yield message["completed_at"], f"{key}: {done}{tries}"
    elif message["state"] == "received" and not message["attempts"]:
        yield message["created_at"], f"{key}: waits in the outbox (message {message['id']})"
    else:
        yield from trouble(key, message, now)


def trouble(name: str, message: Mapping[str, Any], now: "datetime") -> Iterator[tuple[int, str]]:
    """What became of a message that was tried, or given up, and is not known to be done."""
    state, number = message["state"], message["attempts"]
    if state == "dropped":
        yield message["changed_at"], f"{name}: {dropped(message)}"
    elif state == "failed":
        yield message["changed_at"], f"{name}: failed{after(number)}: {message['reason']}"
    elif state == "processing" and not number:
        yield message["changed_at"], f"{name}: brought back by a person; the next run looks whether it is there"
    elif state == "processing":
        yield message["sent_at"], f"{name}: begun, and its end is not known (attempt {number})"
    elif state == "received" and number:
        again = f"; next try after {times.shown(message['next_at'], now)}" if message["next_at"] else ""
        yield message["changed_at"], f"{name}: attempt {number} was not done: {message['reason']}{again}"


def after(attempts: int) -> str:
    """A person who brings a message back begins its attempts anew: none is none since then."""
    return f" after {attempts} attempt(s)" if attempts else ""


def was_looked_for(message: Mapping[str, Any]) -> bool:
    """Whether nobody but a person could know that it arrived, who was told to drop it if it did."""
    return message["uncertain_since"] is not None


def dropped(message: Mapping[str, Any]) -> str:
    """What a person's `outbox drop` meant, as far as anybody here knows."""
    if was_looked_for(message):
        return "dropped by a person who looked there: it is there, or shall not be sent"
    return f"dropped by a person{after(message['attempts'])}: it is not sent"


def standing(story: "OrderStory") -> str:
    """One sentence: where the order stands, and what a person may have to do."""
    order = story.order
    if order["state"] != "complete":
        return {"reserved": "its seats are held; it is not complete", "released": "its seats were released"}.get(
            order["state"], f"it is {order['state']}"
        )
    registered = sum(person["state"] == "completed" for person in story.people)
    told = f"{registered} of {order['seats']} participant(s) are registered in Maconomy"
    failed = [message for message in story.outbox if message["state"] == "failed"]
    if failed:
        ids = " ".join(str(message["id"]) for message in failed)
        told += f"; {len(failed)} message(s) failed: integrator outbox retry {ids}, or drop"
    dropped = [person for person in story.people if person["state"] == "dropped"]
    confirmed = any(message["key"].endswith(":customer") for message in story.outbox)
    if dropped and registered and not failed and not confirmed:
        told += f"; {len(dropped)} given up, and the customer knows nothing: integrator booking confirm {order['id']}"
    bad = [mail["key"] for mail in story.mails if mail["result"] in BAD and not mail["seen_at"]]
    if bad:
        told += f"; {len(bad)} mail(s) did not arrive: {', '.join(bad)}"
    waiting = sum(message["state"] in ("received", "processing") for message in story.outbox)
    return told + (f"; {waiting} message(s) are on their way" if waiting else "")
