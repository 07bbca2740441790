"""Danish decimals as they are typed and read."""

from decimal import Decimal

import pytest

from integrator.systems.workshops.amounts import amount_of, typed


@pytest.mark.parametrize(
    ("amount", "text"), [("5.5", "5,50"), ("5", "5,00"), ("1234.5", "1234,50"), ("1E+2", "100,00")]
)
def test_an_amount_is_typed_with_a_comma_and_no_mark(amount: str, text: str) -> None:
    assert typed(Decimal(amount)) == text


@pytest.mark.parametrize("amount", ["0.005", "5.501"])
def test_an_amount_that_would_be_rounded_is_not_typed(amount: str) -> None:
    with pytest.raises(ValueError, match="more than 2 decimals"):
        typed(Decimal(amount))


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("5,50", "5.5"),
        ("1.234,50", "1234.5"),
        (" 1,00\u00a0", "1"),
        ("-1,00", "-1"),
        ("−2", "-2"),
        ("12.345.678", "12345678"),
    ],
)
def test_an_amount_is_read_as_danes_write_it(text: str, amount: str) -> None:
    assert amount_of(text) == Decimal(amount)


@pytest.mark.parametrize("text", ["", "5.5", "1,", "1.23,4", "1234.567,00", "12.34", "1,000.50", "５", "5,50 ltr."])
def test_what_may_mean_two_numbers_or_none_is_not_read(text: str) -> None:
    with pytest.raises(ValueError, match="Danish"):
        amount_of(text)
