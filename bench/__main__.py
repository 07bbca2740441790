"""python -m bench [start] [import] [wordpress] [--quick]: measure, and print one table."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import catalogue
from bench.processes import in_turn, instructions, integrator
from bench.table import Row, show


def start() -> list[Row]:
    """What cron pays for nothing: our command line against importing typer alone."""
    bare = [sys.executable, "-c", "import typer"]
    ours, floor = in_turn(integrator("--version"), bare, times=15)
    ratio = ours.cpu_s / floor.cpu_s
    rows = [
        Row("start: integrator --version", f"{ours.cpu_s * 1000:.0f} ms", f"{floor.cpu_s * 1000:.0f} ms", ratio, 1.4)
    ]
    with TemporaryDirectory() as folder:
        counted, least = (instructions(command, Path(folder)) for command in (integrator("--version"), bare))
    if counted and least:
        rows.append(
            Row("  the same in instructions", f"{counted / 1e6:.0f} M", f"{least / 1e6:.0f} M", counted / least, 1.4)
        )
    return rows


def wordpress() -> list[Row]:
    """1,000 updates on a real WordPress, against what its batches alone cost."""
    from bench.wordpress import rows

    return rows()


def main(arguments: list[str]) -> None:
    quick = "--quick" in arguments
    chosen = [name for name in arguments if not name.startswith("-")] or ["start", "import", "wordpress"]
    rows: list[Row] = []
    if "start" in chosen:
        rows += start()
    if "import" in chosen:
        rows += catalogue.measure(10_000 if quick else 100_000, times=3)
        rows += [] if quick else catalogue.measure(300_000, times=1)
    if "wordpress" in chosen:
        rows += wordpress()
    show(rows)


if __name__ == "__main__":
    main(sys.argv[1:])
