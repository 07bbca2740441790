"""What became of orders is told: to OilMat through the outbox, and to whoever reads var/status/WORKSHOP.jsonl."""

import json
import os
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from integrator.domain.orderlines.order import key_of, scope_of
from integrator.store.orderlines import Orderlines, shown
from integrator.store.workshops import Workshops

if TYPE_CHECKING:
    from integrator.runtime.run import Run

EFFECT = "oilmat.status"


def tell(run: "Run", workshops: Iterable[str], *, folder: Path, queue: bool) -> None:
    """Write down, for each orderline that changed, what is to be told of it; rewrite the files that are not true.

    queue   OilMat takes statuses, not only gives orders
    """
    for workshop in workshops:
        lines, blocked = Orderlines(run.db), Workshops(run.db).get(workshop).blocked_code
        changed = bool(lines.untold(workshop))
        if changed:
            _write_down(run, lines, workshop, blocked, queue=queue)
        _rewrite(folder / f"{workshop}.jsonl", lines, workshop, blocked, changed=changed)


def _write_down(run: "Run", lines: Orderlines, workshop: str, blocked: str | None, *, queue: bool) -> None:
    """What is told, in the transaction that says that it is. The file comes after it: nothing is told that it lacks."""
    with run.db.tx():
        for row in lines.untold(workshop):
            status, reason = shown(row, blocked=blocked)
            text = json.dumps([status, reason], ensure_ascii=False)
            if queue and text != row["told"]:
                key = key_of(workshop, row["unique_id"])
                run.outbox.latest(EFFECT, key, _body(row, status, reason), scope=scope_of(workshop))
            lines.told(row["id"], text, row["changed_at"])


def _body(row: dict[str, Any], status: str, reason: str) -> dict[str, str]:
    facts = {"workshop": row["workshop"], "unique_id": row["unique_id"], "status": status, "reason": reason}
    return facts | {"updated_at": _iso(row["changed_at"])}


def _rewrite(path: Path, lines: Orderlines, workshop: str, blocked: str | None, *, changed: bool) -> None:
    """The file is replaced whole, and only when it is not true. It bears the time of the last change it tells of."""
    changed_at = lines.changed_at(workshop)
    if changed_at is None or (not changed and _time_of(path) == changed_at):
        return
    text = "".join(_line(row, blocked) for row in lines.every(workshop))
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)
    os.utime(draft, (changed_at, changed_at))
    draft.rename(path)


def _time_of(path: Path) -> int | None:
    try:
        return int(path.stat().st_mtime)
    except FileNotFoundError:
        return None


def _line(row: dict[str, Any], blocked: str | None) -> str:
    status, reason = shown(row, blocked=blocked)
    facts = {"unique_id": row["unique_id"], "status": status, "reason": reason, "updated_at": _iso(row["changed_at"])}
    return json.dumps(facts, ensure_ascii=False) + "\n"


def _iso(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")
