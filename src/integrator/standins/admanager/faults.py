"""What can be made to go wrong, by name. How often and on which case is `workshop.staging`'s business."""

from integrator.standins.workshop.data import Case
from integrator.standins.workshop.staging import Fault, Stage
from integrator.standins.workshop.standin import on_case

KINDS: dict[str, set[str]] = {
    "session_ttl_s": {"seconds"},
    "expire_after_requests": {"requests"},
    "two_factor": {"code"},
    "news_dialog": {"title", "text"},
    "rename_ids": {"words"},
    "unknown_modal": {"at", "title", "text"},
    "js_confirm": {"at", "text"},
    "duplicate_question": {"text"},
    "name_limit": {"characters"},
    "no_marker_field": set(),
    "eats_comma": set(),
    "slow_options": {"ms"},
    "highlight_wrong_option": set(),
    "lock_case": set(),
    "close_case_before_save": {"status"},
    "refuse_after_optimistic": {"text"},
    "lost_toast": set(),
    "stale_toast": set(),
    "extra_line_by_colleague": {"product", "amount", "name", "user", "when"},
}
DIALOGS = ("unknown_modal", "js_confirm")


def saves(case: str | None) -> str:
    """The path whose POSTs save on a case, as a pattern; None: on every case."""
    return f"/api/worksheets/{on_case(case)}/lines"


def pages(case: str) -> str:
    """The paths that are about a case."""
    return f"(/api/worksheets|/worksheet)/{on_case(case)}(/.*)?"


def notices(stage: Stage, case: str, at: str) -> list[Fault]:
    """The dialogs that come now. Shape  {"kind": "modal" or "confirm", "title", "text", "yes", "no"}"""
    due = (stage.take(kind, case, at=at) for kind in DIALOGS)
    return [_notice(fault) for fault in due if fault is not None]


def _notice(fault: Fault) -> Fault:
    if fault["kind"] == "js_confirm":
        return {"kind": "confirm", "text": fault.get("text", "Er du sikker?")}
    title, text = fault.get("title", "Bemærk"), fault.get("text", "Vil du opdatere kundens kilometerstand?")
    return _question(title, text)


def _question(title: str, text: str) -> Fault:
    return {"kind": "modal", "title": title, "text": text, "yes": "Ja", "no": "Nej"}


def asked_on_save(stage: Stage, case: Case, product: str) -> Fault | None:
    """The dialog that has to be answered before this line is saved."""
    if any(line.product == product for line in case.lines) and (fault := stage.take("duplicate_question", case.key)):
        return _question("Findes allerede", fault.get("text", "Varen findes allerede. Tilføj igen?"))
    due = notices(stage, case.key, "save")
    return due[0] if due else None
