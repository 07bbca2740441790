"""What follows from what was seen, and how long is rested in between."""

from integrator.domain.orderlines.reasons import rest_s


def test_a_line_that_cannot_be_read_is_looked_for_at_once_three_times_and_then_less_and_less_often() -> None:
    minutes = [rest_s(times) / 60 for times in range(13)]
    assert minutes == [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert rest_s(10_000) == 3_600
