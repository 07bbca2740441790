"""python -m bench [NAME …] [--quick]: measure, print one table. NAME is one of the measures below; none means all."""

import argparse
from collections.abc import Callable

from bench import catalogue, gateway, orderlines, registrations, reservations, starts
from bench.table import Row, show

Measure = Callable[[bool], list[Row]]


def wordpress() -> list[Row]:
    """1,000 updates on a real WordPress, against what its batches alone cost."""
    from bench.wordpress import rows

    return rows()


def _import(quick: bool) -> list[Row]:
    rows = catalogue.measure(10_000 if quick else 100_000, times=3)
    return rows if quick else rows + catalogue.measure(300_000, times=1)


# name → what --help says of it, and what it does, quickly or not
MEASURES: dict[str, tuple[str, Measure]] = {
    "start": ("the program's start, beside its command line library", lambda _: starts.start()),
    "idle": ("jobs that find nothing to do", lambda _: starts.nothing_to_do()),
    "import": ("import-courses, first, again, and with one record in a hundred changed", _import),
    "reservations": (
        "seats reserved by 8 processes",
        lambda quick: reservations.measure(30 if quick else 60, times=1 if quick else 3),
    ),
    "gateway": (
        "seats reserved through the gateway by 8 clients",
        lambda quick: gateway.measure(10 if quick else 30, times=1 if quick else 3),
    ),
    "orders": (
        "from an order to its registration",
        lambda quick: registrations.measure(40 if quick else 200, seconds=12 if quick else 60),
    ),
    "orderlines": ("20 orders of one workshop, by a browser", lambda _: orderlines.measure()),
    "wordpress": ("1,000 updates on a real WordPress (needs root)", lambda _: wordpress()),
}


def main(arguments: list[str] | None = None) -> None:
    """Errors  SystemExit 2: there is no measure of such a name; nothing was measured"""
    listed = "\n".join(f"  {name:<13} {what}" for name, (what, _) in MEASURES.items())
    parser = argparse.ArgumentParser(
        "python -m bench",
        description="Measure what the work costs, beside a floor measured in the same run, and print one table.",
        epilog=f"measures:\n{listed}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="one of the measures below; none: all of them")
    parser.add_argument("--quick", action="store_true", help="fewer and smaller turns, for a first look")
    asked = parser.parse_args(arguments)
    if unknown := [name for name in asked.names if name not in MEASURES]:
        parser.exit(2, f"bench: there is no {', '.join(unknown)}; there are: {', '.join(MEASURES)}\n")
    chosen = asked.names or list(MEASURES)
    show(row for name, (_, measure) in MEASURES.items() if name in chosen for row in measure(asked.quick))


if __name__ == "__main__":
    main()
