"""python -m bench [NAME …] [--quick]: measure, print one table. NAME is one of the measures below; none means all."""

import sys

from bench import catalogue, gateway, orderlines, registrations, reservations, starts
from bench.table import Row, show


def wordpress() -> list[Row]:
    """1,000 updates on a real WordPress, against what its batches alone cost."""
    from bench.wordpress import rows

    return rows()


def main(arguments: list[str]) -> None:
    quick = "--quick" in arguments
    measures = {
        "start": starts.start,
        "idle": starts.nothing_to_do,
        "import": lambda: _import(quick),
        "reservations": lambda: reservations.measure(30 if quick else 60, times=1 if quick else 3),
        "gateway": lambda: gateway.measure(10 if quick else 30, times=1 if quick else 3),
        "orders": lambda: registrations.measure(40 if quick else 200, seconds=12 if quick else 60),
        "orderlines": orderlines.measure,
        "wordpress": wordpress,
    }
    chosen = [name for name in arguments if not name.startswith("-")] or list(measures)
    if unknown := set(chosen) - set(measures):
        raise SystemExit(f"bench: {', '.join(sorted(unknown))}: expected some of {', '.join(measures)}")
    show(row for name, measure in measures.items() if name in chosen for row in measure())


def _import(quick: bool) -> list[Row]:
    rows = catalogue.measure(10_000 if quick else 100_000, times=3)
    return rows if quick else rows + catalogue.measure(300_000, times=1)


if __name__ == "__main__":
    main(sys.argv[1:])
