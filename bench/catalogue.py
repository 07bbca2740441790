"""The import of a large catalogue: the first time, again unchanged, and with one course in a hundred changed."""

import json
import sys
import urllib.request
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.processes import Cost, cost, integrator, typical
from bench.table import Row
from bench.world import AUTHORIZATION, home_with, served
from integrator.database import connect

PROMISED_FROM = 100_000
_SERVER = """
import sys
from integrator.standins.base import main_serve
from integrator.standins.maconomy import Maconomy
main_serve(Maconomy({"main_courses": int(sys.argv[1]) // 20, "courses": int(sys.argv[1])}), 0)
"""


def measure(courses: int, *, times: int) -> list[Row]:
    """Rows of the table for a catalogue of so many courses; nothing is published."""
    with served(_SERVER, str(courses)) as server, TemporaryDirectory(prefix="integrator-bench-") as folder:
        url = server.url
        size_mb = _size_mb(f"{url}/api/course")
        limit_mb = 60 + 2.5 * size_mb
        floors, firsts, agains, changeds = [], [], [], []
        for number in range(times):
            home = Path(folder) / f"home-{number}"
            floor = [
                sys.executable,
                "bench/floor.py",
                f"{url}/api/course",
                AUTHORIZATION,
                f"{folder}/floor-{number}.db",
            ]
            floors.append(cost(floor))
            firsts.append(_import(home_with(home, maconomy=url), expect={"new": courses}))
            agains.append(_import(home, expect={}))
            server.seed({"change": {"percent": 1, "random": number + 1}})
            changeds.append(_import(home, expect={"changed": courses // 100}))
        base = typical(floors)
        name = f"import {courses:,} ({size_mb:.0f} MB)"
        rows = []
        for what, costs, most in (("first", firsts, 2.5), ("unchanged", agains, 0.4), ("1 % changed", changeds, 0.5)):
            ours, promised = typical(costs), most if courses >= PROMISED_FROM else None
            rows.append(
                Row(f"{name}, {what}", f"{ours.cpu_s:.2f} s", f"{base.cpu_s:.2f} s", ours.cpu_s / base.cpu_s, promised)
            )
            rows.append(
                Row("  peak memory", f"{ours.peak_mb:.0f} MB", f"{limit_mb:.0f} MB", ours.peak_mb / limit_mb, 1.0)
            )
        return rows


def _import(home: Path, *, expect: dict[str, int]) -> Cost:
    ours = cost(integrator("import-courses"), environ={"INTEGRATOR_HOME": str(home)})
    db = connect(home / "var" / "integrator.db")
    counts = json.loads(db.value("SELECT counts FROM runs ORDER BY id DESC LIMIT 1"))
    db.close()
    found = {name.partition(".")[2]: number for name, number in counts.items() if name.startswith("courses.")}
    found.pop("read")
    if ours.code or found != expect:
        raise SystemExit(f"bench: expected {expect} and exit code 0, got {found} and {ours.code}")
    return ours


def _size_mb(url: str) -> float:
    request = urllib.request.Request(url, headers={"Authorization": AUTHORIZATION})
    with urllib.request.urlopen(request, timeout=300) as answer:
        return int(answer.headers["Content-Length"]) / 1e6
