"""What tests of operator's commands begin with: systems switched on, runs that were, files as they lie."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from integrator.database import Database
from integrator.runtime.history import Ended, History


class Result(NamedTuple):
    """What a command left: its exit code, and what it wrote."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Result]


def switch_on(home: Path, *tables: str) -> None:
    """Switch systems on, at addresses where nothing listens."""
    texts = {
        "maconomy": 'auth_value = { env = "MACONOMY_AUTH" }\n',
        "wordpress": 'username = "sync"\npassword = { env = "WORDPRESS_PASSWORD" }\nsettle_s = 35\n',
    }
    config = "".join(f'[{name}]\nbase_url = "http://127.0.0.1:1"\n{texts[name]}' for name in tables)
    (home / "config" / "integrator.toml").write_text(config, encoding="utf-8")


def add_run(
    db: Database, job: str, at: int, *, exit_code: int | None = 0, error: str | None = None, **counts: int
) -> int:
    """A run that began at an instant and took three seconds; without exit code it never ended."""
    history = History(db)
    run_id = history.start(job, at=at)
    if exit_code is not None:
        shown = {name.replace("__", "."): number for name, number in counts.items()}
        history.finish(run_id, Ended(exit_code, shown, error), at=at + 3)
    return run_id


def files_of(root: Path) -> dict[str, tuple[int, int, bytes]]:
    """Every file and folder below, with what would show that somebody wrote."""
    return {
        path.relative_to(root).as_posix(): (
            path.stat().st_mode,
            path.stat().st_mtime_ns,
            path.read_bytes() if path.is_file() else b"",
        )
        for path in sorted(root.rglob("*"))
    }
