"""`explain`: the way one record took, told in the order it happened, and where it stands."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer

from integrator.cli import times
from integrator.domain.lists import day_of

if TYPE_CHECKING:
    from datetime import datetime

    from integrator.cli.explain_booking import Unknown
    from integrator.cli.explain_orderline import OrderlineStory
    from integrator.database import Database
    from integrator.errors import NotFound
    from integrator.settings import Settings
    from integrator.store.booking_story import BookingStory, PublishedStory
    from integrator.store.order_story import OrderStory
    from integrator.store.story import Story

RECORD = typer.Argument(
    ...,
    metavar="RECORD",
    help="The id of a main course or a course, the number of an order, the reference of a booking (TP-…),"
    " or WORKSHOP/ID of an orderline.",
)
AS_JSON = typer.Option(False, "--json", help="Print it as JSON.")
_JOB = "import-courses"
_NAMES = {"main_course": "main course", "course": "course"}
_VALUE_LENGTH = 60


@dataclass(frozen=True)
class _Found:
    """What a text means, of each kind of record."""

    stories: "list[Story]"
    published: "PublishedStory"
    order: "OrderStory | None"
    bookings: "list[BookingStory]"
    unknown: "Unknown | None"
    orderlines: "list[OrderlineStory]"
    near: list[str]
    success: int | None

    def __bool__(self) -> bool:
        return bool(self.stories or self.published or self.order or self.bookings or self.unknown or self.orderlines)

    @property
    def is_sold_only(self) -> bool:
        """A class that the catalogue does not have, though a reseller sells it."""
        return bool(self.published) and not self.bookings and all(story.kind != "course" for story in self.stories)


def explain(words: list[str] = RECORD, as_json: bool = AS_JSON) -> None:
    """Tell the way of a course, order, booking, orderline.

    Example: integrator explain 25172-04
    """
    from integrator.cli import clean, opening, render

    record = " ".join(words)
    record = record.split(":")[1] if record.startswith("participant-list:") else record
    settings, now = opening.settings(), opening.now()
    with opening.reading(settings) as db:
        found = _look(db, record, settings, now) if db else None
        folder = _folder(db, record) if db and not found else None
    if folder:
        said = f"{record}: {folder['reason']}"
        render.print_json([{"kind": record, **times.timed(folder)}]) if as_json else typer.echo(clean(said))
        return
    if not found:
        raise _nobody_knows(record, found)
    orderlines = _which(record, found)
    if as_json:
        render.print_json(list(_told(found, orderlines, settings, now)))
        return
    for line in _said(found, orderlines, settings, now):
        typer.echo(clean(line))


def _told(
    found: _Found, orderlines: "list[OrderlineStory]", settings: "Settings", now: "datetime"
) -> Iterator[dict[str, Any]]:
    """Everything that was found, for machines."""
    from integrator.cli import explain_booking, explain_order, explain_orderline, explain_published

    yield from (_as_json(story, found, settings, now) for story in found.stories)
    if found.is_sold_only:
        told = explain_published.as_json(found.published, now)
        yield {"kind": "course", "id": found.published.class_id, "record": None, "trainingportal": told}
    yield from (explain_booking.as_json(story, now) for story in found.bookings)
    yield from [explain_booking.unknown_as_json(found.unknown)] if found.unknown else []
    yield from [explain_order.as_json(found.order)] if found.order else []
    yield from (explain_orderline.as_json(story, now) for story in orderlines)


def _said(found: _Found, orderlines: "list[OrderlineStory]", settings: "Settings", now: "datetime") -> Iterator[str]:
    """Everything that was found, line by line."""
    from integrator.cli import explain_booking, explain_order, explain_orderline, explain_published

    for story in found.stories:
        yield from _lines(story, found, settings, now)
    if found.is_sold_only:
        yield from explain_published.lines(found.published, now)
    for booking in found.bookings:
        yield from explain_booking.lines(booking, now)
    if found.unknown:
        yield from explain_booking.unknown_lines(found.unknown)
    if found.order:
        yield from explain_order.lines(found.order, now)
    for orderline in orderlines:
        yield from explain_orderline.lines(orderline, now)


def _look(db: "Database", record: str, settings: "Settings", now: "datetime") -> _Found:
    from integrator.cli import explain_booking, explain_orderline
    from integrator.domain.ordered import order_number
    from integrator.store.booking_story import published_story, story_of_order
    from integrator.store.order_story import order_story
    from integrator.store.story import similar, stories

    policy = settings.jobs[_JOB].policy
    told = stories(db, record, missing_limit=int(policy["missing_runs"]), past=str(policy["past"]), now=now)
    number = order_number(record)
    booking = story_of_order(db, number) if number is not None else None
    return _Found(
        told,
        published_story(db, record),
        order_story(db, number) if number is not None and booking is None else None,
        [booking] if booking else explain_booking.find(db, record),
        explain_booking.find_unknown(db, record),
        explain_orderline.find(db, record, settings.workshops, now),
        similar(db, record) if not told else [],
        _last_success(db),
    )


def _folder(db: "Database", record: str) -> dict[str, Any] | None:
    """Why what lies in documents/ cannot be placed: status names it by the folder."""
    from integrator.store.courses import PAPER, SetAside

    return SetAside(db).of(PAPER).get(record.removeprefix(f"{PAPER} "))


def _nobody_knows(record: str, found: _Found | None) -> "NotFound":
    from integrator.errors import NotFound

    known = "main courses, courses, orders, bookings, orderlines, set-aside records, the outbox and posts"
    where = "there is no store yet" if found is None else known
    examples = (
        "25172 is a main course, 25172-04 a course, 10482 or ILI-10482-1 an order, TP-… a booking,"
        " bennys-auto/0007 an orderline"
    )
    near = f"similar: {', '.join(found.near)}" if found is not None and found.near else examples
    return NotFound(f"explain: nobody knows {record} (looked through: {where})", hint=near)


def _which(record: str, found: _Found) -> "list[OrderlineStory]":
    """The orderline that is told. What a number meant before there were orderlines it means still.

    Errors  UsageError: several workshops have one of this id
    """
    from integrator.cli import explain_orderline
    from integrator.errors import UsageError

    if found.orderlines and (found.stories or found.order or found.bookings):
        typer.echo(f"{record} is an orderline, too: {explain_orderline.names(found.orderlines)}", err=True)
        return []
    if len(found.orderlines) > 1:
        shops = ", ".join(story.workshop for story in found.orderlines)
        hint = explain_orderline.names(found.orderlines)
        raise UsageError(f"explain: {record} is an orderline of {shops}: say which", hint=hint)
    return found.orderlines


def _last_success(db: "Database") -> int | None:
    from integrator.runtime.history import History

    return History(db).last_success(_JOB)


def _as_json(story: "Story", found: _Found, settings: "Settings", now: "datetime") -> dict[str, Any]:
    from integrator.cli import explain_published

    return {
        "kind": story.kind,
        "id": story.key,
        "now": standing(story, settings, found.success, now),
        "show": story.show,
        "record": story.record,
        **times.timed(story.row or {}),
        "changes": [times.timed(change) for change in story.changes],
        "set_aside": story.set_aside and times.timed(story.set_aside),
        "duplicate_posts": story.spare and times.timed(story.spare),
        "no_participant_list": story.no_list and times.timed(story.no_list),
        "participant_lists": [times.timed(sent) for sent in story.lists],
        "held_back_without": story.orphan_of,
        "outbox": [times.timed(message) for message in story.outbox],
        "post": story.post and times.timed(story.post),
        "trainingportal": explain_published.as_json(found.published, now) if _is_sold(story, found, settings) else None,
    }


def _lines(story: "Story", found: _Found, settings: "Settings", now: "datetime") -> Iterator[str]:
    from integrator.cli import explain_published

    sold = _is_sold(story, found, settings)
    title = f": {story.record['title']}" if story.record else ""
    yield f"{_NAMES[story.kind]} {story.key}{title}"
    # What happened at the same second is told in the order of the line: kept, changed, queued, sent.
    there = explain_published.events(found.published, now) if sold else ()
    for at, what in sorted([*_events(story), *there], key=lambda event: event[0]):
        yield f"  {times.shown(at, now, date=True)}  {what}"
    yield f"now: {standing(story, settings, found.success, now)}"
    if sold:
        yield f"at Trainingportal: {explain_published.standing(found.published, now)}"


def _is_sold(story: "Story", found: _Found, settings: "Settings") -> bool:
    """Whether a reseller has to do with it: it sells classes, and it is one."""
    return story.kind == "course" and (settings.trainingportal is not None or bool(found.published))


def _events(story: "Story") -> Iterator[tuple[int, str]]:
    if story.row:
        yield story.row["first_seen_at"], "first seen in Maconomy's list"
    for change in story.changes:
        for name, (old, new) in change["fields"].items():
            personal = old is None and new is None
            what = f"{name} changed" if personal else f"{name}: {_value(old)} → {_value(new)}"
            yield change["at"], f"{what} (run {change['run_id']})"
    if story.row and story.row["missing_since"]:
        yield (
            story.row["missing_since"],
            f"missing in Maconomy's list since then ({story.row['missing_runs']} answer(s))",
        )
    if story.set_aside:
        kept = story.set_aside
        yield kept["first_at"], f"set aside, it cannot be read: {kept['reason']} (run {kept['run_id']})"
    if story.spare:
        yield story.spare["first_at"], story.spare["reason"]
    if story.no_list:
        yield story.no_list["first_at"], f"no participant list: {story.no_list['reason']}"
    for sent in story.lists:
        what = (
            "was taken by Mailgun" if sent["completed_at"] else f"was asked for (message {sent['id']}: {sent['state']})"
        )
        yield sent["completed_at"] or sent["created_at"], f"participant list for {day_of(sent['key'])} {what}"
    for message in story.outbox:
        yield from _message_events(message)
    if story.post and story.post["unpublished_at"]:
        yield story.post["unpublished_at"], f"post {story.post['post_id']} unpublished by us"


def _message_events(message: dict[str, Any]) -> Iterator[tuple[int, str]]:
    from integrator.cli import explain_order

    name = f"{message['effect']}, message {message['id']}"
    yield message["created_at"], f"queued for the first time: {name}"
    if message["completed_at"]:
        post = f" as post {message['remote_id']}" if message["remote_id"] else ""
        tries = f", attempt {message['attempts']}" if message["attempts"] > 1 else ""
        yield message["completed_at"], f"written on the site{post}{tries}"
    if message["state"] in ("failed", "dropped"):
        tried = explain_order.after(message["attempts"])
        yield message["changed_at"], f"{message['state']}{tried}: {message['reason']}"
    elif message["state"] == "processing":
        yield message["sent_at"], f"begun, and its end is not known (attempt {message['attempts']})"
    elif message["state"] == "received" and message["attempts"]:
        yield message["changed_at"], f"attempt {message['attempts']} was not done: {message['reason']}"


def _value(value: Any) -> str:
    import json

    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _VALUE_LENGTH else text[: _VALUE_LENGTH - 1] + "…"


# why it is, or is not, on the site --------------------------------------------------------------------


def standing(story: "Story", found: "Settings", success: int | None, now: "datetime") -> str:
    """One sentence: is it on the site, and why or why not."""
    post = f"post {story.post['post_id']}" if story.post else "no post of ours"
    if story.record is None:
        reason = story.set_aside["reason"] if story.set_aside else "it is in none of Maconomy's lists"
        return f"not on the site: its record was never readable: {reason}"
    if found.wordpress is None:
        return "kept in the store only: [wordpress] is switched off"
    if story.orphan_of:
        kept = f"; {post} stays as it is" if story.post else ""
        return f"held back: its main course {story.orphan_of} is not in Maconomy's list{kept}"
    waiting = _waiting(story, now)
    beside = f"; what Maconomy sends now cannot be read: {story.set_aside['reason']}" if story.set_aside else ""
    if story.show == "draft":
        return f"not on the site ({post}{_as(waiting, 'is a draft')}): {_why_draft(story, now)}{beside}"
    missing = _missing(story, found)
    if waiting:
        return f"not level with the site ({post}): {waiting}{missing}{beside}"
    if story.post or any(message["state"] == "completed" for message in story.outbox):
        return f"on the site ({post}){missing}{beside}"
    if success is not None and story.row and success >= story.row["changed_at"]:
        return (
            f"on the site: nothing had to be written at the last good run, {times.shown(success, now)}{missing}{beside}"
        )
    return f"not sent yet: the next {_JOB} brings it to the site{missing}{beside}"


def _as(waiting: str | None, otherwise: str) -> str:
    return f", {waiting}" if waiting else f" {otherwise}"


def _waiting(story: "Story", now: "datetime") -> str | None:
    """What keeps a message from having arrived, in words; None when nothing waits."""
    for message in story.outbox:
        number = message["id"]
        reason = f": {message['reason']}" if message["reason"] else ""
        if message["state"] == "failed":
            return f"message {number} failed{reason}; integrator outbox retry {number}"
        if message["state"] == "dropped":
            return f"message {number} was dropped by an operator; the next change is sent again"
        if message["state"] == "processing":
            return f"message {number} is under way or in doubt{reason}; the next run looks there first"
        if message["state"] == "received":
            due = message["next_at"] > now.timestamp()
            return f"message {number} waits{reason}" + (
                f"; next try after {times.shown(message['next_at'], now)}" if due else "; the next run sends it"
            )
    return None


def _why_draft(story: "Story", now: "datetime") -> str:
    from integrator.domain.courses import is_past

    record, row = story.record or {}, story.row or {}
    if story.kind == "main_course":
        return "Maconomy says it is not active"
    if record["status"] == "cancelled":
        return "it is cancelled"
    if not row["missing_since"] and is_past(record["end"], now=now):
        return 'it is over, and jobs/import-courses.toml says past = "unpublish"'
    since = times.shown(row["missing_since"], now, date=True)
    return f"missing in Maconomy's list since {since}, in {row['missing_runs']} answers"


def _missing(story: "Story", found: "Settings") -> str:
    if not story.row or not story.row["missing_since"]:
        return ""
    if story.kind == "main_course":
        return "; missing in Maconomy's list: the site keeps it"
    limit = found.jobs[_JOB].policy["missing_runs"]
    return f"; missing in Maconomy's list for {story.row['missing_runs']} answer(s), unpublished after {limit}"
