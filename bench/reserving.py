"""One of the processes that reserve at the same time: with our functions, or the floor of the same work.

python -m bench.reserving ours|floor ROOT URL NUMBER CLASSES TIMES: says "ready", waits for a line, works, tells when it
ended. ROOT is a home, or for the floor a folder.
"""

import json
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.world import AUTHORIZATION, class_id

Reserve = Callable[[str, str], bool]  # a class and a key; False: it is full


@contextmanager
def ours(root: Path, url: str) -> Iterator[Reserve]:
    """One seat with our function."""
    from bench.desks import open_for_long
    from integrator.errors import Full
    from integrator.jobs.booking import reserve

    def take(name: str, key: str) -> bool:
        try:
            reserve(desk, name, seats=1, key=key)
        except Full:
            return False
        return True

    with open_for_long(root) as desk:
        yield take


@contextmanager
def floor(root: Path, url: str) -> Iterator[Reserve]:
    """The same question, and one row in one transaction with the same pragmas. Nothing is decided."""
    import httpx

    conn = sqlite3.connect(root / "floor.db", isolation_level=None, timeout=30)
    for pragma in ("journal_mode = TRUNCATE", "synchronous = FULL", "foreign_keys = ON", "secure_delete = ON"):
        conn.execute(f"PRAGMA {pragma}").fetchall()
    with httpx.Client(headers={"Authorization": AUTHORIZATION}, trust_env=False) as client:

        def take(name: str, key: str) -> bool:
            free = client.get(f"{url}/api/course/{name}").raise_for_status().json()["freeSeats"]
            conn.execute("BEGIN IMMEDIATE")
            conn.execute("INSERT INTO holds (key, class_id, seats) VALUES (?, ?, ?)", (key, name, min(free, 1)))
            conn.execute("COMMIT")
            return True

        yield take
    conn.close()


def make_floor(root: Path) -> None:
    """The floor's table."""
    conn = sqlite3.connect(root / "floor.db", isolation_level=None)
    conn.execute("CREATE TABLE holds (id INTEGER PRIMARY KEY, key TEXT UNIQUE, class_id TEXT, seats INTEGER) STRICT")
    conn.close()


def main(kind: str, root: str, url: str, number: str, classes: str, times: str) -> None:
    """All processes go through the classes in the same order, so that they meet at every last seat."""
    with {"ours": ours, "floor": floor}[kind](Path(root), url) as take:
        take(class_id(int(classes)), f"warm-{number}")  # one class more than is measured
        print("ready", flush=True)
        sys.stdin.readline()
        taken = sum(
            take(class_id(place), f"{number}-{place}-{time_}")
            for place in range(int(classes))
            for time_ in range(int(times))
        )
        print(json.dumps({"taken": taken, "ended": time.monotonic()}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
