"""Dates with the month as a word ("mandag den 1. marts 2027"), in the languages Babel knows the names of."""

import re
import unicodedata
from datetime import date
from functools import lru_cache

LANGUAGES = {"da": "da", "sv": "sv", "nb": "nb", "no": "nb", "nn": "nn", "en": "en"}

_ARTICLES = frozenset({"den", "d", "the"})
_DATE = re.compile(
    r"(?:(?P<weekday>[^\W\d]+)[.,]?,?\s+)?(?:(?:den|d\.)\s+)?"
    r"(?P<day>\d{1,2})(?:\.|\s)\s*(?P<month>[^\W\d]+)\.?,?\s+(?P<year>\d{4})",
    re.IGNORECASE,
)
_DAY_AND_MONTH = re.compile(r"(?P<day>\d{1,2})(?:\.|\s)\s*(?P<month>[^\W\d]+)\.?", re.IGNORECASE)


def _fold(word: str) -> str:
    return unicodedata.normalize("NFC", word).casefold().rstrip(".")


@lru_cache(maxsize=8)
def _names(language: str) -> tuple[dict[str, int], dict[str, int]]:
    from babel import Locale

    locale = Locale.parse(LANGUAGES[language])
    months: dict[str, int] = {}
    weekdays: dict[str, int] = {}
    for context in ("format", "stand-alone"):
        for width in ("wide", "abbreviated"):
            months.update({_fold(name): number for number, name in locale.months[context][width].items()})
            weekdays.update({_fold(name): number for number, name in locale.days[context][width].items()})
    # People cut a month's name to three letters whether or not a language has it that way ("jun", "jul").
    for name, number in list(months.items()):
        months.setdefault(name[:3], number)
    return months, weekdays


def text_date(text: str, language: str) -> date | None:
    """The date of a text, None when it is not one. A weekday that is not that day's makes it none.

    Errors  ValueError: a day the month does not have
    """
    match = _DATE.fullmatch(text)
    if not match:
        return None
    months, weekdays = _names(language)
    month = months.get(_fold(match["month"]))
    if month is None:
        return None
    day = date(int(match["year"]), month, int(match["day"]))
    weekday = _fold(match["weekday"] or "")
    if weekday and weekday not in _ARTICLES and weekdays.get(weekday) != day.weekday():
        return None
    return day


def day_and_month(text: str, language: str) -> tuple[int, int] | None:
    """Day and month of a date without its year ("30. november")."""
    match = _DAY_AND_MONTH.fullmatch(text)
    month = _names(language)[0].get(_fold(match["month"])) if match else None
    return (int(match["day"]), month) if match and month else None
