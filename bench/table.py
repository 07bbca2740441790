"""The table `make bench` prints."""

from collections.abc import Iterable
from dataclasses import dataclass

from integrator.cli.render import print_table


@dataclass(frozen=True)
class Row:
    """Our figure, the floor (or limit) beside it, their ratio, and the most it should be."""

    work: str
    ours: str
    floor: str
    ratio: float
    most: float | None

    @property
    def verdict(self) -> str:
        return "" if self.most is None else "ok" if self.ratio <= self.most else "over"


def show(rows: Iterable[Row]) -> None:
    """Print the rows, with a title of what the columns mean."""
    print_table(
        ["work", "ours>", "floor>", "ratio>", "at most>", ""],
        [
            (
                row.work,
                row.ours,
                row.floor,
                f"{row.ratio:.2f}",
                "" if row.most is None else f"{row.most:.2f}",
                row.verdict,
            )
            for row in rows
        ],
        title="CPU seconds of whole processes, medians; memory, rates and waits against their limits",
    )
