"""`explain` of an orderline: every step of it with its time, where it stands, and what to type next."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from integrator.cli import times
from integrator.domain.orderlines.order import EFFECT, key_of
from integrator.domain.orderlines.reasons import text_of
from integrator.store.orderlines import ARMED, Orderlines, shown
from integrator.store.workshops import State, Workshops

if TYPE_CHECKING:
    from datetime import datetime

    from integrator.database import Database
    from integrator.settings import Workshop

_EFFECTS = (EFFECT, "oilmat.status")  # as they stand before its key in reports and lists
_INSTANTS = {"uncertain_since", "lease_until"}
_FACTS = ("workshop", "unique_id", "case_id", "product_nr", "product_amount", "source", "phase", "attempts", "arms")
_MORE = ("line_ref", "confidence", "reason_code", "last_error", "received_at", "armed_at", "changed_at", "archived_at")
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
    "doubt": "it may have been saved, nobody saw how that ended; it is looked for, never saved again: {detail}",
    "failed": "given up: {detail}",
    "given back": "the run had ended before anything was written: it waits again",
    "disarmed": "looked for long enough, and it is not on the case: it starts over",
    "evidence": "what the screen showed is kept: var/evidence/{detail}",
    "retried": "brought back {detail}: the next run begins with it anew",
    "resolved": "settled by a person: {detail}",
    "cleared": "taken out of the queue {detail}",
}
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
    "line-conflict": "look at case {case_id}: a line there has its id, and another product or amount",
    "existing-line": "look at case {case_id}: the product is on it already (existing_line in config/workshops.toml)",
    "duplicate-asked": "look at case {case_id}: the product is on it already",
}


@dataclass(frozen=True)
class OrderlineStory:
    """One orderline: its row with its message's, its events, and how its workshop stands."""

    row: dict[str, Any]
    events: list[dict[str, Any]]
    workshop: State

    @property
    def key(self) -> str:
        return key_of(self.row["workshop"], self.row["unique_id"])


# finding ----------------------------------------------------------------------------------------------


def find(db: "Database", record: str, workshops: "Mapping[str, Workshop]") -> list[OrderlineStory]:
    """The orderlines that a text may mean: WORKSHOP/ID, as reports name it, or a bare id in whatever workshop."""
    for effect in _EFFECTS:
        record = record.removeprefix(f"{effect} ")
    workshop, slash, unique_id = record.partition("/")
    orderlines = Orderlines(db)
    rows = orderlines.find(unique_id if slash else record)
    if slash:
        ids = {workshop, *(one.id for one in workshops.values() if one.name.casefold() == workshop.casefold())}
        rows = [row for row in rows if row["workshop"] in ids]
    known = Workshops(db)
    return [OrderlineStory(row, orderlines.events(row["id"]), known.get(row["workshop"])) for row in rows]


def names(stories: list[OrderlineStory]) -> str:
    """What to type to have one of them."""
    return "   or   ".join(f"integrator explain {story.key}" for story in stories)


# telling ----------------------------------------------------------------------------------------------


def as_json(story: OrderlineStory, now: "datetime") -> dict[str, Any]:
    """The same for machines."""
    row = story.row
    facts = {name: row[name] for name in (*_FACTS, *_MORE, "uncertain_since")}
    events = [
        {
            "at": times.iso(event["at"]),
            "run": event["run_id"],
            "what": event["what"],
            "detail": event["detail"],
            "said": _said(story, event),
        }
        for event in story.events
    ]
    status, reason = shown(row, blocked=story.workshop.blocked_code)
    return {
        "kind": "orderline",
        **{name: times.iso(value) if name.endswith("_at") or name in _INSTANTS else value
           for name, value in facts.items()},
        "status": status,
        "reason": reason,
        "next_try_at": times.iso(row["next_at"] or None) if status == "received" else None,
        "evidence": f"var/evidence/{row['evidence']}" if row["evidence"] else None,
        "now": standing(story, now),
        "next": next_step(story),
        "events": events,
    }  # fmt: skip


def lines(story: OrderlineStory, now: "datetime") -> Iterator[str]:
    """What happened, oldest first; then how it stands, and what to type."""
    row = story.row
    content = (
        "" if row["case_id"] is None else f"{row['product_amount']} × {row['product_nr']} on case {row['case_id']}"
    )
    yield f"orderline {story.key}: {content or 'what it asked for could not be read'}"
    for event in story.events:
        run = f" (run {event['run_id']})" if event["run_id"] else ""
        yield f"  {times.exact(event['at'])}  {_said(story, event)}{run}"
    yield f"now: {standing(story, now)}"
    if step := next_step(story):
        yield f"next: {step}"


def _said(story: OrderlineStory, event: Mapping[str, Any]) -> str:
    what, detail = str(event["what"]), event["detail"] or ""
    if what == "received":
        return _SOURCES.get(detail.removeprefix("by "), f"came {detail}")
    if what == "verified":
        return _verified(detail)
    if what in _SAID:
        return _SAID[what].format(detail=detail).rstrip(" :")
    return f"{what}: {detail}" if detail else what


def _verified(detail: str) -> str:
    """detail is "line 91", with the code of why there was nothing to write; or how else it is known."""
    line, _, code = detail.partition(": ")
    if not line.startswith("line "):
        by_count = "the ERP shows one such line more than before, which is taken for ours"
        return {"by count": by_count, "a person": "it is on the case: a person says so"}.get(
            line, f"on the case: {line}"
        )
    if code == "already-present":
        return f"read on the case: {line}; it was there already, and nothing was written"
    return f"read back from the case: {line} has its id, its product and its amount"


def standing(story: OrderlineStory, now: "datetime") -> str:
    """One sentence: where it stands, first in the words that OilMat is told."""
    status, reason = shown(story.row, blocked=story.workshop.blocked_code)
    word = f"{status} ({reason})" if reason and status != "bad request" else status
    return f"{word}: {_standing(story, status, now)}"


def _standing(story: OrderlineStory, status: str, now: "datetime") -> str:
    row = story.row
    if status == "bad request":
        return f"{row['bad_reason']}; nothing was tried"
    if status == "received":
        return _waiting(story, now)
    if status == "processing":
        return _under_way(row, now)
    if status == "completed":
        line = f"line {row['line_ref']}" if row["line_ref"] else "a line"
        how = {"by count": "as far as counting tells: no line there bears its id", "a person": "as a person says"}
        return f"on case {row['case_id']}, {how.get(row['confidence'], f'{line}, read there')}"
    if row["reason_code"] == "manual-check":
        return "nobody can tell from here whether its line is there"
    return f"given up after {row['attempts'] or 0} attempt(s), without a line as far as could be read"


def _waiting(story: OrderlineStory, now: "datetime") -> str:
    row, shop = story.row, story.workshop
    if shop.blocked_code:
        return f"workshop {shop.id} is blocked since {times.shown(shop.blocked_at, now)}, until a person has looked"
    if not shop.active:
        return f"workshop {shop.id} is switched off; its orderlines wait"
    if shop.paused_until > now.timestamp():
        return f"the ERP could not be had several times; it is left alone until {times.shown(shop.paused_until, now)}"
    if (row["next_at"] or 0) > now.timestamp():
        return f"tried {row['attempts']} time(s); next try after {times.shown(row['next_at'], now)}"
    return "the next run begins with it"


def _works(owner: str) -> bool:
    """Whether the process of a lease is still there; of another machine only its lease tells."""
    import socket

    from integrator.runtime.lock import process_started

    host, pid, started = owner.split()
    return host != socket.gethostname() or str(process_started(int(pid))) == started


def _under_way(row: Mapping[str, Any], now: "datetime") -> str:
    if row["lease_owner"] and (row["lease_until"] or 0) > now.timestamp() and _works(row["lease_owner"]):
        host, pid, _ = row["lease_owner"].split()
        return f"a run works on it now (process {pid} on {host})"
    if row["phase"] in ARMED:
        return f"its line may be on case {row['case_id']}; the next run looks, and saves nothing before it knows"
    return "the run that had begun with it ended, and nothing was written; the next one begins anew"


def next_step(story: OrderlineStory) -> str | None:
    """What to type, and what to do before; None: nothing."""
    row, shop = story.row, story.workshop
    which = f"--workshop {row['workshop']} {row['unique_id']}"
    if row["status"] == "bad request":
        return "have it mended in OilMat; sent again under the same id it takes its place"
    if row["status"] == "failed":
        return _after_failing(row, which)
    if row["status"] == "completed":
        by_count = row["confidence"] == "by count" and row["archived_at"] is None
        return f"compare it with case {row['case_id']}: no line there bears its id" if by_count else None
    if shop.blocked_code:
        said = f"mend it ({text_of(shop.blocked_code) or shop.blocked_code})"
        return f"{said}, then: integrator workshop test-login {shop.id}"
    if not shop.active:
        return f"integrator workshop activate {shop.id}"
    return f"integrator push-orderline --workshop {shop.id}   (cron does so every minute)"


def _after_failing(row: Mapping[str, Any], which: str) -> str:
    if row["reason_code"] == "manual-check":
        look = f'look on case {row["case_id"]} for a line with "OilMat: {row["unique_id"]}"'
        return f"{look}, then: integrator orderline resolve {which} --as completed --note TEXT   or --as failed"
    mend = _MEND.get(row["reason_code"] or "", "").format(**row)
    return f"{mend}{', then: ' if mend else ''}integrator orderline retry {which}"
