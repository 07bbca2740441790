"""What became of orders is told: to OilMat through the outbox, and to whoever reads var/status/WORKSHOP.jsonl."""

import json
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from integrator.domain.instants import utc_text
from integrator.domain.orderlines.order import STATUS_EFFECT, key_of, scope_of
from integrator.runtime import files
from integrator.store.orderlines import Orderlines, shown
from integrator.store.workshops import Workshops

if TYPE_CHECKING:
    from integrator.runtime.run import Run


def tell(run: "Run", workshops: Iterable[str], *, folder: Path, queue: bool) -> None:
    """Write down, for each orderline that changed, what is to be told of it; rewrite the files that are not true.

    queue   OilMat takes statuses, not only gives orders
    """
    write_files(run, workshops, folder=folder, changed=write_down(run, workshops, queue=queue))


def write_down(run: "Run", workshops: Iterable[str], *, queue: bool) -> set[str]:
    """Queue what OilMat is to be told. Gives back the workshops where something changed: their files are not true."""
    lines, changed = Orderlines(run.db), set()
    for workshop in workshops:
        if lines.untold(workshop):
            _write_down(run, lines, workshop, Workshops(run.db).get(workshop).blocked_code, queue=queue)
            changed.add(workshop)
    return changed


def write_files(run: "Run", workshops: Iterable[str], *, folder: Path, changed: Collection[str]) -> None:
    """Rewrite the files that are not true. Each is written whole, so that a run does it once, at its end."""
    lines = Orderlines(run.db)
    for workshop in workshops:
        blocked = Workshops(run.db).get(workshop).blocked_code
        _rewrite(folder / f"{workshop}.jsonl", lines, workshop, blocked, changed=workshop in changed)


def _write_down(run: "Run", lines: Orderlines, workshop: str, blocked: str | None, *, queue: bool) -> None:
    """What is told, in the transaction that says that it is."""
    with run.db.tx():
        for row in lines.untold(workshop):
            status, reason = shown(row, blocked=blocked)
            before, told_at = _told_before(row["told"])
            # By this moment OilMat knows the newer of two: it goes on, also by a clock that was set back.
            at = max(row["changed_at"], told_at + 1)
            text = row["told"] if before == (status, reason) else json.dumps([status, reason, at], ensure_ascii=False)
            if queue and text != row["told"]:
                key = key_of(workshop, row["unique_id"])
                run.outbox.latest(STATUS_EFFECT, key, _body(row, status, reason, at), scope=scope_of(workshop))
            lines.told(row["id"], text, row["changed_at"])


def _told_before(text: str | None) -> tuple[tuple[str, str] | None, int]:
    """What was told last, and as of when; 0: by a version that did not keep it."""
    if text is None:
        return None, 0
    status, reason, *at = json.loads(text)
    return (status, reason), at[0] if at else 0


def _body(row: dict[str, Any], status: str, reason: str, at: int) -> dict[str, str]:
    facts = {"workshop": row["workshop"], "unique_id": row["unique_id"], "status": status, "reason": reason}
    return facts | {"updated_at": utc_text(at)}


def _rewrite(path: Path, lines: Orderlines, workshop: str, blocked: str | None, *, changed: bool) -> None:
    """The file is replaced whole, and only when it is not true. It bears the time of the last change it tells of."""
    changed_at = lines.changed_at(workshop)
    if changed_at is None or (not changed and _time_of(path) == changed_at):
        return
    text = "".join(_line(row, blocked) for row in lines.every(workshop))
    files.replace(path, text.encode(), at=changed_at)


def _time_of(path: Path) -> int | None:
    try:
        return int(path.stat().st_mtime)
    except FileNotFoundError:
        return None


def _line(row: dict[str, Any], blocked: str | None) -> str:
    status, reason = shown(row, blocked=blocked)
    facts = {
        "unique_id": row["unique_id"],
        "status": status,
        "reason": reason,
        "updated_at": utc_text(row["changed_at"]),
    }
    return json.dumps(facts, ensure_ascii=False) + "\n"
