"""Durations: what an operator may write, and what people read."""

import pytest

from integrator.durations import compact_duration, format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("55s", 55), ("20m", 1_200), ("3h", 10_800), ("1d", 86_400), ("1h30m", 5_400), ("0s", 0), ("90m", 5_400)],
)
def test_a_duration_is_read(text: str, seconds: int) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "20", "m", "20 m", "-5m", "1.5h", "20M", "30m1h", "1w", "٣m", "20m\n"])
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match='such as "55s"'):
        parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"),
        (59.6, "1 min"),
        (90, "1 min 30 s"),
        (11_100, "3 h 5 min"),
        (10_805, "3 h"),
        (190_000, "2 d 4 h"),
        (-3, "0 s"),
    ],
)
def test_people_read_the_two_largest_units(seconds: float, said: str) -> None:
    assert format_duration(seconds) == said


@pytest.mark.parametrize(("seconds", "written"), [(1_260, "21m"), (70, "70s"), (10_800, "3h"), (86_400, "1d")])
def test_the_compact_form_is_exact_and_can_be_read_back(seconds: int, written: str) -> None:
    assert compact_duration(seconds) == written
    assert parse_duration(written) == seconds
