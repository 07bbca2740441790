"""Times of day as people write them: "9.00", "kl. 9", "0900", "9:00 AM", "9.00-16.00"."""

import re
from typing import Any

from integrator.systems.mapping.convert import BadValue, Converter
from integrator.systems.mapping.spec import Defaults, FieldSpec

_LIMIT = 40
_TIME = re.compile(
    r"(?:kl\.?\s*)?(\d{1,2})(?:[:.](\d\d)(?:[:.](\d\d)(?:[.,]\d{1,9})?)?)?\s*([ap]\.?m\.?)?", re.ASCII | re.IGNORECASE
)
_FOUR_DIGITS = re.compile(r"(\d\d)(\d\d)", re.ASCII)
_BETWEEN = re.compile(r"\s*[-–—]\s*|\s+til\s+|\s+to\s+")


def clock(text: str) -> str:
    """One time as HH:MM; seconds are dropped. 24:00 is the end of a day.

    Errors  BadValue: bad_time
    """
    match = _FOUR_DIGITS.fullmatch(text)
    hour, minute = (int(match[1]), int(match[2])) if match else _hour_and_minute(text)
    if minute > 59 or hour > 24 or (hour == 24 and minute):
        raise BadValue("bad_time")
    return f"{hour:02}:{minute:02}"


def _hour_and_minute(text: str) -> tuple[int, int]:
    match = _TIME.fullmatch(text) if len(text) <= _LIMIT else None
    if not match or int(match[3] or 0) > 59:
        raise BadValue("bad_time")
    hour, minute, half = int(match[1]), int(match[2] or 0), (match[4] or "").lower()
    if not half:
        return hour, minute
    if not 1 <= hour <= 12:
        raise BadValue("bad_time")
    return hour % 12 + (12 if half.startswith("p") else 0), minute


def time(spec: FieldSpec, defaults: Defaults) -> Converter:
    """Time of day. What is called start_time cannot be 24:00: that is an end."""
    is_start = spec.name == "start_time"

    def convert(raw: Any) -> str:
        value = clock(_line(raw))
        if is_start and value == "24:00":
            raise BadValue("bad_time")
        return value

    return convert


def time_range(spec: FieldSpec, defaults: Defaults) -> Converter:
    """Two times in one text, or a list of two; free text is refused, not guessed."""

    def convert(raw: Any) -> list[str]:
        parts = raw if isinstance(raw, list) else _BETWEEN.split(_line(raw))
        if len(parts) != 2:
            raise BadValue("bad_time")
        start, end = (clock(_line(part)) for part in parts)
        if end < start:
            raise BadValue("end_before_start")
        return [start, end]

    return convert


def _line(raw: Any) -> str:
    # A number is an hour; 900 is refused, because nobody knows whether a zero was lost in front of it.
    if isinstance(raw, int) and not isinstance(raw, bool) and 0 <= raw <= 24:
        return str(raw)
    if not isinstance(raw, str):
        raise BadValue("bad_time")
    return " ".join(raw.split()) if len(raw) <= 100 else raw
