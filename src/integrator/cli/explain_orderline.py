"""`explain` of an orderline: every step of it with its time, where it stands, and what to type next."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from integrator.cli import times
from integrator.cli.orderline_shown import for_machines
from integrator.domain.orderlines.order import EFFECT, STATUS_EFFECT, key_of
from integrator.jobs import orderline_desk
from integrator.jobs.orderline_desk import CONFLICT, EVIDENCE, MANUAL
from integrator.jobs.orderline_intake import Known
from integrator.jobs.workshop_standing import way_out
from integrator.runtime.delivery import ABSENT
from integrator.store.orderlines import ARMED
from integrator.store.workshops import State, Workshops

if TYPE_CHECKING:
    from datetime import datetime

    from integrator.database import Database
    from integrator.settings import Workshop

_EFFECTS = (EFFECT, STATUS_EFFECT)  # as they stand before its key in reports and lists
_SOURCES = {
    "command": "came by command",
    "spool": "came as a file in the spool folder",
    "pull": "fetched from OilMat",
    "http": "came by HTTP",
}
_SAID = {
    "bad request": "refused, it was never tried: {detail}",
    "claimed": "a run began with it",
    "looked": "the case was opened and read: our line is not there",
    "armed": "about to save: from here on the line may be on the case",
    "half": "the new line is on the case ({detail}); its text and its amount are set next",
    "waits": "not done, and nothing was written; tried again later: {detail}",
    "doubt": "it may have been saved, nobody saw how that ended; it is looked for before anything is saved: {detail}",
    "failed": "given up: {detail}",
    "given back": "the run had ended before anything was written: it waits again",
    "disarmed": "looked for long enough, and it is not on the case: it starts over",
    "evidence": f"what the screen showed is kept: {EVIDENCE}/{{detail}}",
    "retried": "brought back {detail}: the next run begins with it anew",
    "resolved": "settled by a person: {detail}",
    "cleared": "taken out of the queue {detail}",
}
_NOBODYS = "config/workshops.toml has no such workshop any more, and no run works for it"
# What somebody has to do before an orderline that failed so can be put on its case.
_MEND = {
    "case-not-found": "make sure that case {case_id} is there",
    "case-ambiguous": "find out why the ERP has case {case_id} more than once",
    "case-closed": "have case {case_id} opened again",
    "case-invoiced": "have case {case_id} opened again: it is invoiced",
    "product-unknown": "have product {product_nr} made in the ERP",
    "product-blocked": "have product {product_nr} released in the ERP",
    "amount-refused": "find out why the ERP does not take the amount {product_amount}",
    "marker-too-long": "give the lines more room: name_limit in config/workshops.toml",
    "existing-line": "look at case {case_id}: the product is on it already (existing_line in config/workshops.toml)",
    "duplicate-asked": "look at case {case_id}: the product is on it already",
}
# How one stands that failed for other reasons than the ERP's no.
_ENDED = {
    MANUAL: "nobody can tell from here whether its line is there",
    CONFLICT: "a line on case {case_id} has its id, and another product or amount",
    "cleared": "taken out of the queue, without a line as far as could be read",
    "resolved": "a person says that no line of it is there",
}


@dataclass(frozen=True)
class OrderlineStory:
    """One orderline as orderline_desk tells it, and its workshop. settings: None when it is not configured any more."""

    told: dict[str, Any]
    state: State
    settings: "Workshop | None"

    @property
    def workshop(self) -> str:
        return str(self.told["workshop"])

    @property
    def key(self) -> str:
        return key_of(self.workshop, self.told["unique_id"])


# finding ----------------------------------------------------------------------------------------------


def find(db: "Database", record: str, workshops: "Mapping[str, Workshop]", now: "datetime") -> list[OrderlineStory]:
    """The orderlines that a text may mean: WORKSHOP/ID, as reports name it, or a bare id in whatever workshop."""
    for effect in _EFFECTS:
        record = record.removeprefix(f"{effect} ")
    workshop, slash, unique_id = record.partition("/")
    found = orderline_desk.details(db, unique_id if slash else record, now=now.timestamp())
    if slash:
        ids = {workshop, Known(workshops).find(workshop)}  # one that is not configured any more goes by its id
        found = [told for told in found if told["workshop"] in ids]
    states = Workshops(db)
    return [OrderlineStory(told, states.get(told["workshop"]), workshops.get(told["workshop"])) for told in found]


def names(stories: list[OrderlineStory]) -> str:
    """What to type to have one of them."""
    return "   or   ".join(f"integrator explain {story.key}" for story in stories)


# telling ----------------------------------------------------------------------------------------------


def as_json(story: OrderlineStory, now: "datetime") -> dict[str, Any]:
    """The same for machines: what `orderline status --detail` has, and sentences."""
    facts = for_machines(story.told)
    events = [event | {"said": _said(story, event)} for event in facts.pop("events")]
    sentences = {"now": standing(story, now), "next": next_step(story, now)}
    return {"kind": "orderline", **facts, **sentences, "events": events}


def lines(story: OrderlineStory, now: "datetime") -> Iterator[str]:
    """What happened, oldest first; then how it stands, and what to type."""
    told = story.told
    yield f"orderline {story.key}: {_content(told)}"
    for event in told["events"]:
        run = f" (run {event['run']})" if event["run"] else ""
        yield f"  {times.exact(event['at'])}  {_said(story, event)}{run}"
    yield f"now: {standing(story, now)}"
    if step := next_step(story, now):
        yield f"next: {step}"


def _content(told: Mapping[str, Any]) -> str:
    """What it asks for; ? is what could not be read."""
    amount, product, case = (told[name] for name in ("product_amount", "product_nr", "case_id"))
    if amount is product is case is None:
        return "what it asked for could not be read"
    return f"{amount or '?'} × {product or '?'} on case {case or '?'}"


def _said(story: OrderlineStory, event: Mapping[str, Any]) -> str:
    what, detail = str(event["what"]), event["detail"] or ""
    if what == "received":
        return _SOURCES.get(detail.removeprefix("by "), f"came {detail}")
    if what == "verified":
        return _verified(story.told)
    if (what, detail) == ("waits", ABSENT):
        return "its case was read, and it is not there: it begins anew"
    if what in _SAID:
        return _SAID[what].format(detail=detail).rstrip(" :")
    return f"{what}: {detail}" if detail else what


def _verified(told: Mapping[str, Any]) -> str:
    """How it is known that the line is there: read, counted, or said. Only what was read is said to be read."""
    line = f"line {told['line_ref']}" if told["line_ref"] else ""
    if told["confidence"] == "by count":
        return f"the ERP shows one such line more than before, {line + ', ' if line else ''}which is taken for ours"
    if told["confidence"] == "a person":
        return f"{line or 'it'} is on the case: a person says so"
    if told["reason_code"] == "already-present":
        return f"read on the case: {line or 'its line'}; it was there already, and nothing was written"
    return f"read back from the case: {line or 'a line'} has its id, its product and its amount"


# where it stands --------------------------------------------------------------------------------------


def standing(story: OrderlineStory, now: "datetime") -> str:
    """One sentence: where it stands, first in the words that OilMat is told."""
    status, reason = story.told["status"], story.told["reason"]
    word = f"{status} ({reason})" if reason and status != "bad request" else status
    return f"{word}: {_standing(story, status, now)}"


def _standing(story: OrderlineStory, status: str, now: "datetime") -> str:
    told = story.told
    if status == "bad request":
        return f"{told['reason']}; nothing was tried"
    if status == "received":
        return _waiting(story, now)
    if status == "processing":
        return _under_way(story, now)
    if status == "completed":
        return f"on case {told['case_id']}, {_known(told)}"
    tried = f"given up, {_tried(told['attempts'])}"
    without = f"{tried}, without a line as far as could be read"
    return _ENDED.get(told["reason_code"], without).format(**told)


def _known(told: Mapping[str, Any]) -> str:
    line = f"line {told['line_ref']}" if told["line_ref"] else ""
    if told["confidence"] == "by count":
        return f"{line and f'{line}, '}as far as counting tells: no line there bears its id"
    if told["confidence"] == "a person":
        return f"{line and f'{line}, '}as a person says"
    return f"{line or 'a line'}, read there"


def _tried(times: int) -> str:
    return "not tried yet" if times == 0 else "tried once" if times == 1 else f"tried {times} times"


def _waiting(story: OrderlineStory, now: "datetime") -> str:
    told = story.told
    if held_back := _held_back(story, now):
        return held_back
    if (told["next_try_at"] or 0) > now.timestamp():
        return f"{_tried(told['attempts'])}; next try after {times.shown(told['next_try_at'], now)}"
    return "the next run begins with it"


def _held_back(story: OrderlineStory, now: "datetime") -> str:
    """Why no run works for its workshop; empty: one does."""
    state = story.state
    if story.settings is None:
        return _NOBODYS
    if state.blocked_code:
        return f"workshop {state.id} is blocked since {times.shown(state.blocked_at, now)}, until a person has looked"
    if not state.active:
        return f"workshop {state.id} is switched off; its orderlines wait"
    if state.paused_until > now.timestamp():
        return f"the ERP could not be had several times; it is left alone until {times.shown(state.paused_until, now)}"
    return ""


def _under_way(story: OrderlineStory, now: "datetime") -> str:
    told, held_back = story.told, _held_back(story, now)
    if told["held_by"]:
        return f"a run works on it now ({told['held_by']})"
    if told["phase"] in ARMED:
        return f"its line may be on case {told['case_id']}; {held_back or _looked_for(story, now)}"
    if told["uncertain_since"] is not None:
        return _after_restore(story, now, held_back)
    return f"the run that had begun with it ended, and nothing was written; {held_back or 'the next one begins anew'}"


def _looked_for(story: OrderlineStory, now: "datetime") -> str:
    from integrator.systems.workshops.sender import MOST_ARMS  # only for what is in doubt

    told, when = story.told, _opens_at(story)
    if told["line_ref"]:
        return f"line {told['line_ref']} is ours and half done: a run finishes it"
    again = "given up" if told["arms"] >= MOST_ARMS else "written again"
    if when > now.timestamp():
        return f"runs look for it; {again} if it is absent at {_clock(when, now)}"
    return f"the next run looks; {again} if it is absent"


def _after_restore(story: OrderlineStory, now: "datetime", held_back: str) -> str:
    """It was sent by nobody that this store knows of; but what the store knows is not all that happened."""
    told, when = story.told, _opens_at(story)
    came_before = told["received_at"] < told["uncertain_since"]
    why = "may have been written before the store was restored" if came_before else "came soon after a restore"
    about = f", about {times.shown(when, now)}" if when > now.timestamp() else ""
    reads = f"the case is read first, then it is written{' if it is absent' if came_before else ''}{about}"
    return f"{why}: {held_back or reads}"


def _opens_at(story: OrderlineStory) -> int:
    """From when on a run looks for it and settles it: half a line at once, an absent one not before it can no longer
    come (epoch seconds)."""
    next_look_at = story.told["next_look_at"] or 0
    if story.settings is None or story.told["line_ref"]:
        return int(next_look_at)
    settled_at = float(story.told["looked_for_since"]) + story.settings.settle_s
    return max(math.ceil(settled_at), int(next_look_at))


def _clock(at: int, now: "datetime") -> str:
    """To the second, for who waits for it: "07:49:17", on another day with its date."""
    day, _, clock = times.exact(at).partition(" ")
    return clock if times.exact(int(now.timestamp())).startswith(day) else f"{day} {clock}"


# what to do -------------------------------------------------------------------------------------------


def next_step(story: OrderlineStory, now: "datetime") -> str | None:
    """What to type, and what to do before; None: nothing."""
    told = story.told
    if told["status"] == "bad request":
        return "have it mended in OilMat; sent again under the same id it takes its place"
    if told["status"] == "failed":
        return _after_failing(story)
    if told["status"] == "completed":
        by_count = told["confidence"] == "by count" and told["archived_at"] is None
        return _after_counting(told) if by_count else None
    if told["held_by"]:
        return "wait for that run to end"
    return _after_waiting(story, now)


def _after_counting(told: Mapping[str, Any]) -> str:
    there = f"integrator orderline resolve --workshop {told['workshop']} {told['unique_id']} --as completed --note TEXT"
    return f"compare it with case {told['case_id']}: no line there bears its id; is it there: {there}"


def _after_waiting(story: OrderlineStory, now: "datetime") -> str:
    state = story.state
    if story.settings is None:
        return f"put [{story.workshop}] into config/workshops.toml again"
    if state.blocked_code:
        return way_out(story.settings, state.blocked_code)
    if not state.active:
        return f"integrator workshop activate {state.id}"
    if state.paused_until > now.timestamp():
        until = times.shown(state.paused_until, now)
        return f"wait until {until}, or at once: integrator workshop activate {state.id} --unblock"
    push = f"integrator push-orderline --workshop {state.id}   (cron does so every minute)"
    when = story.told["next_try_at"] or 0
    if story.told["looked_for_since"] is not None:
        when = _opens_at(story)
    return f"wait until {_clock(when, now)}, then: {push}" if when > now.timestamp() else push


def _after_failing(story: OrderlineStory) -> str:
    told = story.told
    which = f"--workshop {told['workshop']} {told['unique_id']}"
    completed, retry = f"resolve {which} --as completed --note TEXT", f"integrator orderline retry {which}"
    if told["reason_code"] == "cleared":
        return f"nothing; shall it be written after all: {retry}"
    if told["reason_code"] == MANUAL:
        look = f'look on case {told["case_id"]} for a line with "{_mark(story)}{told["unique_id"]}"'
        return f"{look}, then: integrator orderline {completed}   or --as failed"
    if told["reason_code"] == CONFLICT:
        look = f"look on case {told['case_id']}; the line shall stay as it is: integrator orderline {completed}"
        return f"{look}   or have it mended or deleted there, then: {retry}"
    if told["reason_code"] not in _MEND:
        return retry
    anew = f"have it ordered anew under another id, then clear this one: integrator orderline clear {which}"
    return f"{_MEND[told['reason_code']].format(**told)}, then: {retry}   or {anew}"


def _mark(story: OrderlineStory) -> str:
    """What stands before its id in a line's text, as the workshop's type of ERP has it: "OilMat: ", "OilMat:"."""
    from integrator.systems.workshops import erp_of, is_known  # only for who has to look

    if story.settings is None or not is_known(story.settings.type):
        return "OilMat: "
    return erp_of(story.settings.type).marker.lstrip("- ")
