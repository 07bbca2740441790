"""The table runs: what was started, how it ended, what it counted."""

import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from integrator import __version__
from integrator.database import Database

# 2 and 4: what was asked for cannot be; nothing was done, and nothing is wrong here.
OUTCOMES = {0: "done", 1: "stopped", 2: "skipped", 3: "partial", 4: "skipped", 5: "skipped", 75: "later"}
KEPT_DAYS = 400


@dataclass(frozen=True)
class Ended:
    """How a run ended."""

    exit_code: int
    counts: dict[str, int]
    error: str | None
    checked: str | None = None  # "quick" or "full": the store check this run made

    @property
    def outcome(self) -> str:
        return OUTCOMES.get(self.exit_code, "failed")


def boot_id() -> str:
    """What the kernel calls this boot; a run of another boot cannot be running."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return "unknown"


class History:
    """Rows of the table runs."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def start(self, job: str, *, at: int, scope: str = "") -> int:
        """Begin a run; earlier ones of the same job and scope without an end are marked crashed (we hold its lock)."""
        with self._db.tx():
            self._db.write(
                "UPDATE runs SET outcome = 'crashed', finished_at = ?, error = 'ended without a word'"
                " WHERE job = ? AND scope = ? AND finished_at IS NULL",
                (at, job, scope),
            )
            self._db.write(
                "INSERT INTO runs (job, scope, boot_id, pid, version, started_at, outcome)"
                " VALUES (?, ?, ?, ?, ?, ?, 'running')",
                (job, scope, boot_id(), os.getpid(), __version__, at),
            )
            return int(self._db.value("SELECT last_insert_rowid()"))

    def finish(self, run_id: int, ended: Ended, *, at: int) -> None:
        """Write the end of a run."""
        self._db.write(
            "UPDATE runs SET finished_at = ?, outcome = ?, exit_code = ?, counts = ?, error = ?, cpu_ms = ?,"
            " checked = ? WHERE id = ?",
            (
                at,
                ended.outcome,
                ended.exit_code,
                json.dumps(ended.counts, sort_keys=True),
                ended.error,
                int(time.process_time() * 1000),
                ended.checked,
                run_id,
            ),
        )

    def skipped(self, job: str, reason: str, *, at: int, scope: str = "") -> None:
        """Keep a start that found the job still running."""
        self._db.write(
            "INSERT INTO runs (job, scope, boot_id, pid, version, started_at, finished_at, outcome, exit_code, error)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, 'skipped', 5, ?)",
            (job, scope, boot_id(), os.getpid(), __version__, at, at, reason),
        )

    def last_success(self, job: str) -> int | None:
        """Epoch seconds of the last end without a need to try again (done, or done with items set aside)."""
        found = self._db.value(
            "SELECT max(finished_at) FROM runs WHERE job = ? AND outcome IN ('done', 'partial')", (job,)
        )
        return None if found is None else int(found)

    def first_seen(self, job: str) -> int | None:
        """Epoch seconds of the oldest run we know of; None when it never ran."""
        # In the order of the rows: the index by job would have all of its runs sorted first.
        sql = "SELECT started_at FROM runs NOT INDEXED WHERE job = ? ORDER BY id LIMIT 1"
        found = self._db.value(sql, (job,))
        return None if found is None else int(found)

    def last_check(self, kind: str) -> int:
        """Epoch seconds of the last check of the store ("quick" counts a "full" one too), 0 when never."""
        # From the newest row backwards: every start asks, and a year has a million runs.
        sql = "SELECT finished_at FROM runs WHERE checked IN ('full', ?) ORDER BY id DESC LIMIT 1"
        found = self._db.value(sql, (kind,))
        return int(found or 0)

    def latest(self, *, job: str | None = None, limit: int = 20) -> list[dict[str, Any]]:
        """The newest runs first."""
        rows = self._db.all(
            "SELECT * FROM runs WHERE ?1 IS NULL OR job = ?1 ORDER BY id DESC LIMIT ?2",
            (job, limit),
        )
        return [_shown(dict(row)) for row in rows]

    def get(self, run_id: int) -> dict[str, Any] | None:
        """One run, or None."""
        row = self._db.one("SELECT * FROM runs WHERE id = ?", (run_id,))
        return _shown(dict(row)) if row else None

    def forget_old(self, *, now: int) -> None:
        """Drop runs older than KEPT_DAYS; does not write when there are none."""
        limit = now - KEPT_DAYS * 86_400
        oldest = self._db.value("SELECT started_at FROM runs ORDER BY id LIMIT 1")
        if oldest is not None and oldest < limit:
            kept = "SELECT id FROM runs WHERE started_at >= ? ORDER BY id LIMIT 1"
            self._db.write(f"DELETE FROM runs WHERE id < ({kept})", (limit,))  # noqa: S608 (a constant)


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    return row | {"counts": json.loads(row["counts"])}
