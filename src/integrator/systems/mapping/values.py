"""Numbers and yes or no: int, money, bool, not_bool."""

import re
from typing import Any

from integrator.systems.mapping.convert import BadValue, Converter, Soft
from integrator.systems.mapping.spec import Defaults, FieldSpec

# Whole numbers beyond this are not exact in JSON as most systems read it.
INT_LIMIT = 2**53 - 1
_MONEY_LIMIT = 10**13
_LINE_LIMIT = 100

_INT = re.compile(r"[+-]?\d{1,16}", re.ASCII)
_LEADING_INT = re.compile(r"([+-]?\d{1,16})\s+\D+", re.ASCII)

_YES = frozenset({"j", "ja", "y", "yes", "true", "sand", "sant", "1", "x"})
_NO = frozenset({"n", "nej", "nei", "no", "false", "falsk", "falskt", "0"})

_CURRENCIES = ("DKK", "SEK", "NOK", "EUR")
_MONEY = {
    # "14.995,00" "14 995,5" "14.995,-" "14.995:-"; a point with two digits after it is refused, not guessed.
    ",": re.compile(r"(\d{1,3}(?:([. ])\d{3}(?:\2\d{3})*)?|\d+)(?:,(\d{1,2}|-{1,2})|:-)?", re.ASCII),
    ".": re.compile(r"(\d{1,3}(?:([, ])\d{3}(?:\2\d{3})*)?|\d+)(?:\.(\d{1,2}|-{1,2})|:-)?", re.ASCII),
}


def integer(spec: FieldSpec, defaults: Defaults) -> Converter:
    """Whole number; "7 ledige" is 7 where leading_number allows it."""
    least, clamp, leading = spec.min, spec.clamp_min, defaults.leading_number

    def convert(raw: Any) -> Any:
        value = _whole(raw, leading=leading)
        if clamp is not None and value < clamp:
            return Soft(clamp, "clamped")
        if least is not None and value < least:
            raise BadValue("below_min")
        return value

    return convert


def _whole(raw: Any, *, leading: bool) -> int:
    if isinstance(raw, str) and len(raw) <= _LINE_LIMIT:
        text = raw.strip()
        match = _INT.fullmatch(text) or (_LEADING_INT.fullmatch(text) if leading else None)
        raw = int(match[match.lastindex or 0]) if match else None
    if isinstance(raw, bool) or not isinstance(raw, (int, float)) or raw != raw or abs(raw) > INT_LIMIT:
        raise BadValue("bad_int")
    if raw != int(raw):
        raise BadValue("bad_int")
    return int(raw)


def money(spec: FieldSpec, defaults: Defaults) -> Converter:
    """Amount in the smallest unit (14.995,00 → 1499500). A currency in the text must be the one we expect."""
    number = _MONEY[defaults.decimal]
    expected = (re.escape(spec.currency),) if spec.currency else _CURRENCIES
    around = rf"(?:kr\.?|{'|'.join(expected)})"
    full = re.compile(rf"(?:{around}\s*)?{number.pattern}(?:\s*{around})?", re.ASCII | re.IGNORECASE)

    def convert(raw: Any) -> Any:
        if isinstance(raw, str):
            return _minor_of_text(raw, full)
        if isinstance(raw, bool) or not isinstance(raw, (int, float)) or not 0 <= raw <= _MONEY_LIMIT:
            raise BadValue("bad_money")
        minor = round(raw * 100)
        if abs(raw * 100 - minor) > 0.001:
            raise BadValue("bad_money")
        return minor

    return convert


def _minor_of_text(raw: str, full: re.Pattern[str]) -> int | Soft:
    if len(raw) > _LINE_LIMIT:
        raise BadValue("bad_money")
    text = " ".join(raw.split())
    if not any(char.isdigit() for char in text):
        return Soft(None, "price_text")
    match = full.fullmatch(text)
    if not match:
        raise BadValue("bad_money")
    whole = match[1].replace(match[2], "") if match[2] else match[1]
    decimals = (match[3] or "").strip("-").ljust(2, "0")
    minor = int(whole + decimals)
    if minor > _MONEY_LIMIT * 100:
        raise BadValue("bad_money")
    return minor


def yes_or_no(spec: FieldSpec, defaults: Defaults) -> Converter:
    """Yes or no, in words or as 1 and 0; not_bool turns it round ("blocked" → "active")."""
    turned = spec.type == "not_bool"

    def convert(raw: Any) -> bool:
        return _is_yes(raw) is not turned

    return convert


def _is_yes(raw: Any) -> bool:
    if isinstance(raw, (bool, int, float)) and raw in (0, 1):
        return bool(raw)
    word = raw.strip().casefold() if isinstance(raw, str) and len(raw) <= _LINE_LIMIT else ""
    if word not in _YES and word not in _NO:
        raise BadValue("bad_bool")
    return word in _YES
