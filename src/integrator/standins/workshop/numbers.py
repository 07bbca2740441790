"""Danish numbers as the workshop systems read and write them: `1.234,50`. A dot is a thousands mark, wherever it is."""

import re
from decimal import ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")
_NUMBER = re.compile(r"-?(\d+(,\d*)?|,\d+)")


def decimal_of(text: str) -> Decimal:
    """Read what was typed, to two decimals: "5,50" is 5.50, "1.234,5" is 1234.50, and "5.5" is 55.

    Errors  ValueError for what is no number
    """
    typed = text.strip().replace(".", "")
    if not _NUMBER.fullmatch(typed) or not typed.isascii():
        raise ValueError(f"no number: {text!r}")
    return Decimal(typed.replace(",", ".")).quantize(CENT, ROUND_HALF_UP)


def shown(number: Decimal) -> str:
    """Write a number with two decimals and thousands marks."""
    return f"{number.quantize(CENT, ROUND_HALF_UP):,.2f}".translate({ord(","): ".", ord("."): ","})
