"""How Trainingportal writes dates, times and prices: ours into theirs, and back as far as they can be read."""

import re
from collections.abc import Sequence
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from integrator.errors import Rejected
from integrator.systems.trainingportal.options import Options

_DATES = {
    "yyyy-MM-dd": "%Y-%m-%d",
    "yyyy/MM/dd": "%Y/%m/%d",
    "yyyyMMdd": "%Y%m%d",
    "dd.MM.yyyy": "%d.%m.%Y",
    "dd-MM-yyyy": "%d-%m-%Y",
    "dd/MM/yyyy": "%d/%m/%Y",
    "MM/dd/yyyy": "%m/%d/%Y",
}
_TIMES = {"HH:mm": "%H:%M", "HH:mm:ss": "%H:%M:%S", "HH.mm": "%H.%M", "HHmm": "%H%M"}
_AMOUNT = re.compile(r"[0-9]{1,9}(?:[.,][0-9]{1,6})?")
_CENT = Decimal("0.01")


def date_out(iso: str, options: Options) -> str:
    """Shape   "2027-03-12" → "12.03.2027" """
    return date.fromisoformat(iso).strftime(_DATES[options.date])


def time_out(ours: str, options: Options) -> str:
    """Shape   "08:00" → "08.00" """
    return datetime.strptime(ours, "%H:%M").strftime(_TIMES[options.time])  # noqa: DTZ007 (a time of day has no zone)


def date_in(text: str | None, options: Options) -> str | None:
    """Their date as ours, also when it is ISO after all; None for what is none."""
    found = _parsed(text, (_DATES[options.date], "%Y-%m-%d"))
    return found.date().isoformat() if found else None


def time_in(text: str | None, options: Options) -> str | None:
    """Their time as ours, with or without seconds; None for what is none."""
    found = _parsed(text, (_TIMES[options.time], "%H:%M", "%H:%M:%S"))
    return found.strftime("%H:%M") if found else None


def _parsed(text: str | None, formats: Sequence[str]) -> datetime | None:
    for one in formats if text else ():
        try:
            return datetime.strptime(text or "", one)  # noqa: DTZ007 (a date has no zone)
        except ValueError:
            continue
    return None


def amount_out(price_minor: int, options: Options) -> str:
    """Our price, which is without VAT, as their text.

    Shape   1490000 → "14900.00", with 25 % of VAT "18625.00"
    Errors  Rejected: it has øre, and their format has none
    """
    price = (Decimal(price_minor) / 100 * _factor(options)).quantize(_CENT, ROUND_HALF_UP)
    if options.amount == "0":
        if price != price.to_integral_value():
            text = "trainingportal: its price is no whole amount, and format.amount has no decimals; nothing was sent"
            raise Rejected(text, code="amount")
        return f"{price:.0f}"
    return f"{price:.2f}".replace(".", options.amount[1])


def amount_in(value: Any, options: Options) -> int | None:
    """Their price as ours, without VAT; None for what is none. Shape   14900.0, "349", "14 900,00" """
    text = str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value
    text = re.sub(r"\s", "", text) if isinstance(text, str) else ""
    if not _AMOUNT.fullmatch(text):
        return None
    return int((Decimal(text.replace(",", ".")) / _factor(options) * 100).quantize(Decimal(1), ROUND_HALF_UP))


def _factor(options: Options) -> Decimal:
    percent = Decimal(str(options.vat_percent)) if options.vat == "included" else Decimal(0)
    return 1 + percent / 100
