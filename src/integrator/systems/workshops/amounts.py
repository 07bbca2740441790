"""Danish decimals: how an amount is typed into a workshop's ERP, and how one that it shows is read."""

import re
from decimal import Decimal

_NUMBER = re.compile("([-\N{MINUS SIGN}]?)([0-9]{1,3}(?:[.][0-9]{3})+|[0-9]+)(?:,([0-9]+))?")


def typed(amount: Decimal, *, decimals: int = 2) -> str:
    """What is typed for an amount: a comma, all decimals, never a thousands mark ("1234,50").

    Errors  ValueError: it has more decimals than can be written
    """
    written = round(amount, decimals)
    if written != amount:
        raise ValueError(f"more than {decimals} decimals")
    return f"{written:f}".replace(".", ",")


def amount_of(text: str) -> Decimal:
    """Read an amount as it is shown.

    Shape   "5,50", "1.234,50", "-1,00", blanks around it
    Errors  ValueError for anything else; "5.5" too, whose dot may mean either
    """
    found = _NUMBER.fullmatch(text.strip())
    if found is None:
        raise ValueError("no Danish number")
    sign, whole, decimals = found.groups()
    number = Decimal(f"{whole.replace('.', '')}.{decimals or '0'}")
    return -number if sign else number
