"""`python -m bench`: what it says before it measures anything."""

from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).parents[1]


@dataclass
class Bench:
    """The bench with measures that only write down that they were taken, and whether quickly."""

    module: Any
    taken: list[tuple[str, bool]] = field(default_factory=list)

    def instead(self, name: str) -> Any:
        def measure(quick: bool) -> list[Any]:
            self.taken.append((name, quick))
            return []

        return measure

    def ended(self, *arguments: str) -> int | str | None:
        with pytest.raises(SystemExit) as ended:
            self.module.main(list(arguments))
        return ended.value.code


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.syspath_prepend(str(REPOSITORY))
    made = Bench(import_module("bench.__main__"))
    instead = {name: (what, made.instead(name)) for name, (what, _) in made.module.MEASURES.items()}
    monkeypatch.setattr(made.module, "MEASURES", instead)
    return made


@pytest.mark.parametrize("arguments", [["--help"], ["start", "-h"]])
def test_help_names_every_measure_and_measures_nothing(
    bench: Bench, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert (bench.ended(*arguments), bench.taken) == (0, [])
    told = capsys.readouterr().out
    assert [name for name in (*bench.module.MEASURES, "--quick") if name not in told] == []


@pytest.mark.parametrize("arguments", [["start", "gatway"], ["--fast"]])
def test_what_it_does_not_know_is_said_and_nothing_is_measured(
    bench: Bench, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert (bench.ended(*arguments), bench.taken) == (2, [])
    assert arguments[-1] in capsys.readouterr().err


def test_the_measures_that_are_named_are_taken_in_the_tables_order(bench: Bench) -> None:
    bench.module.main(["import", "start", "--quick"])
    assert bench.taken == [("start", True), ("import", True)]
    bench.taken.clear()
    bench.module.main([])
    assert bench.taken == [(name, False) for name in bench.module.MEASURES]
