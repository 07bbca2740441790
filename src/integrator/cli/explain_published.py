"""`explain` of a class, as a reseller sells it: what Trainingportal has of it, and why it has not what it should."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from integrator.cli import explain_order, times

if TYPE_CHECKING:
    from datetime import datetime

    from integrator.store.booking_story import PublishedStory

_JOB = "publish-classes"


def as_json(story: "PublishedStory", now: "datetime") -> dict[str, Any]:
    """The same for machines."""
    return {
        "now": standing(story, now),
        **times.timed(story.row or {"course_id": None, "state": None}),
        "facts": story.facts,
        "kept_otherwise": story.sent,
        "refused": story.refused and times.timed(story.refused),
        "outcome": story.outcome and times.timed(story.outcome),
        "outbox": story.message and times.timed(story.message),
        "bookings": story.bookings,
    }


def lines(story: "PublishedStory", now: "datetime") -> Iterator[str]:
    """The way of a class that the catalogue does not have."""
    yield f"course {story.class_id}: not in the catalogue"
    for at, what in sorted(events(story, now), key=lambda event: event[0]):
        yield f"  {times.shown(at, now, date=True)}  {what}"
    yield f"at Trainingportal: {standing(story, now)}"


def events(story: "PublishedStory", now: "datetime") -> Iterator[tuple[int, str]]:
    """What happened there, for the way of its class."""
    if story.refused:
        yield story.refused["first_at"], f"not as it should be at Trainingportal: {story.refused['reason']}"
    if story.outcome:
        yield story.outcome["first_at"], f"what became of its students cannot be taken: {story.outcome['reason']}"
    if story.message:
        yield from _message_events(story.message, now)


def _message_events(message: dict[str, Any], now: "datetime") -> Iterator[tuple[int, str]]:
    yield message["created_at"], f"queued for the first time: {message['effect']}, message {message['id']}"
    if message["completed_at"]:
        yield message["completed_at"], "brought to Trainingportal"
    yield from explain_order.trouble("Trainingportal", message, now)


def standing(story: "PublishedStory", now: "datetime") -> str:
    """One sentence: whether it is sold there, with how many seats, and why it is not as it should be."""
    parts = [_place(story), *_trouble(story, now)]
    if story.refused:
        parts.append(story.refused["reason"])
    if story.outcome:
        parts.append(story.outcome["reason"])
    if story.bookings:
        counted = ", ".join(f"{number} {state}" for state, number in sorted(story.bookings.items()))
        parts.append(f"bookings: {counted}")
    return "; ".join(parts)


def _place(story: "PublishedStory") -> str:
    row, facts = story.row, story.facts
    if row is None:
        known = story.refused or story.message  # they say more
        return "not published" if known else "not published: it is not for sale, or its main course is not sold there"
    if row["state"] == "cancelled":
        return "cancelled"
    seats = f" with {facts['seats']} free seat(s)" if facts else ""
    return f"published in course {row['course_id']}{seats}"


def _trouble(story: "PublishedStory", now: "datetime") -> Iterator[str]:
    message = story.message
    if message is None:
        return
    number, reason = message["id"], f": {message['reason']}" if message["reason"] else ""
    if message["state"] == "failed":
        yield f"message {number} failed{reason}; integrator outbox retry {number}"
    elif message["state"] == "dropped":
        yield f"message {number} was dropped by an operator; {_JOB} sends the next change"
    elif message["state"] == "processing":
        yield f"message {number} is under way or in doubt{reason}; the next {_JOB} looks there first"
    elif message["state"] == "received":
        due = message["next_at"] > now.timestamp()
        then = f"next try after {times.shown(message['next_at'], now)}" if due else f"the next {_JOB} sends it"
        yield f"message {number} waits{reason}; {then}"
