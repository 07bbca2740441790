"""Durations as an operator writes them ("55s", "20m", "1h30m", "1d") and as people read them ("3 h 5 min")."""

import re

_WRITTEN = re.compile(r"(?:([0-9]{1,5})d)?(?:([0-9]{1,6})h)?(?:([0-9]{1,7})m)?(?:([0-9]{1,9})s)?")
_SECONDS = (86_400, 3_600, 60, 1)
_WORDS = ("d", "h", "min", "s")
_LETTERS = ("d", "h", "m", "s")


def parse_duration(text: str) -> int:
    """Read a duration in whole seconds.

    Shape   "55s", "20m", "3h", "1d", also "1h30m"; "0s" is allowed
    Errors  ValueError with what is expected
    """
    match = _WRITTEN.fullmatch(text)
    if not match or not text:
        raise ValueError('expected a duration such as "55s", "20m", "3h" or "1d"')
    return sum(int(number or 0) * seconds for number, seconds in zip(match.groups(), _SECONDS, strict=True))


def format_duration(seconds: float) -> str:
    """Say a duration for people: its two largest units, "3 h 5 min"."""
    rest = max(0, round(seconds))
    said: list[str] = []
    for size, word in zip(_SECONDS, _WORDS, strict=True):
        count, left = divmod(rest, size)
        if count:
            said.append(f"{count} {word}")
        elif said:  # "3 h 5 s" claims more than anyone wants to know
            break
        rest = left
        if len(said) == 2:
            break
    return " ".join(said) or "0 s"


def compact_duration(seconds: int) -> str:
    """Write a duration in one unit, exactly: "21m", "90s". coreutils' timeout reads it, and so does parse_duration."""
    for size, letter in zip(_SECONDS, _LETTERS, strict=True):
        if seconds and seconds % size == 0:
            return f"{seconds // size}{letter}"
    return "0s"
