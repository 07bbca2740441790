"""Dates, times, money and places in words, Danish and English. Pure; Babel knows the names of days and months."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from integrator.mails.facts import Company, Course, Language, Place, Session

ZONE = ZoneInfo("Europe/Copenhagen")
_LOCALES = {"da": "da", "en": "en_GB"}
_FULL = {"da": "EEEE 'den' d. MMMM y", "en": "EEEE d MMMM y"}
_DATE = {"da": "d. MMMM y", "en": "d MMMM y"}
_MONTH = {"da": "d. MMMM", "en": "d MMMM"}
_DAY = {"da": "d.", "en": "d"}
_MOST_RANGES = 3  # beyond that a row of dates is no help to a reader


def day(value: date, language: Language) -> str:
    """ "mandag den 1. marts 2027", "Monday 1 March 2027"."""
    return _date(value, _FULL[language], language)


def times(value: Session, language: Language) -> str:
    """ "kl. 9.00–16.00", "9:00–16:00", "fra kl. 9.00", "until 16:00"; "" when no time is known."""
    start, end = (_time(moment, language) for moment in (value.start_time, value.end_time))
    clock = "kl. " if language == "da" else ""
    if start and end:
        return f"{clock}{start}–{end}"
    if start:
        return f"{'fra' if language == 'da' else 'from'} {clock}{start}"
    return f"{'til' if language == 'da' else 'until'} {clock}{end}" if end else ""


def session(value: Session, language: Language) -> str:
    """ "mandag den 1. marts 2027 kl. 9.00–16.00", "Monday 1 March 2027, 9:00–16:00"."""
    hours = times(value, language)
    gap = "" if not hours else " " if language == "da" else ", "
    return f"{day(value.date, language)}{gap}{hours}"


def when(course: Course, language: Language) -> str:
    """The dates of a course in short: "1.–3. marts 2027"; "" when none is known."""
    found = course.dates
    if not course.days and len(found) == 2:
        return _range(found[0], found[1], language)
    runs = _runs(found)
    if len(runs) > _MOST_RANGES:
        count = f"{len(found)} {'dage' if language == 'da' else 'days'}"
        return f"{_range(found[0], found[-1], language)} ({count})"
    year = bool(found) and found[0].year != found[-1].year
    ranges = [_range(first, last, language, year=year) for first, last in runs[:-1]]
    return _listed([*ranges, *(_range(first, last, language) for first, last in runs[-1:])], language)


def instant(value: str | None, language: Language) -> str:
    """An ISO instant on Copenhagen's clock: "21. november 2026 kl. 10.00"; "" when it is unknown."""
    if not value:
        return ""
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return ""
    local = moment.astimezone(ZONE) if moment.tzinfo else moment
    clock = _time(f"{local:%H:%M}", language)
    return f"{_date(local.date(), _DATE[language], language)}" + (f" kl. {clock}" if language == "da" else f", {clock}")


def money(minor: int | None, currency: str | None, language: Language) -> str:
    """Hundredths as money: "14.995,00 kr.", "DKK 14,995.00"; "" when unknown, and no currency when that is."""
    if minor is None:
        return ""
    from babel.numbers import format_decimal

    amount = format_decimal(Decimal(minor) / 100, "#,##0.00", locale=_LOCALES[language])
    if not currency:
        return amount
    if language == "en":
        return f"{currency} {amount}"
    return f"{amount} {'kr.' if currency == 'DKK' else currency}"


def place(value: Session, course: Course) -> str:
    """Where a session is: its own venue and city, else those of the course; "" when unknown."""
    own = [part for part in (value.venue, value.city) if part]
    if own:
        return ", ".join(own)
    return ", ".join(part for part in (course.venue.name, course.venue.city) if part) if course.venue else ""


def address(value: Place | Company | None) -> list[str]:
    """The lines of an address, none twice: name, street, postal code and city, a country that is not Denmark."""
    if value is None:
        return []
    town = " ".join(part for part in (value.zip, value.city) if part)
    country = None if (value.country or "").casefold() in ("dk", "danmark", "denmark") else value.country
    return list(dict.fromkeys(line for line in (value.name, value.address, town, country) if line))


def _date(value: date, pattern: str, language: Language) -> str:
    from babel.dates import format_date

    return format_date(value, pattern, locale=_LOCALES[language])


def _time(moment: str | None, language: Language) -> str:
    """ "09:00" as it is read: without the leading nought, with the language's separator."""
    hours, colon, minutes = (moment or "").partition(":")
    if not (hours.isdecimal() and minutes[:2].isdecimal()):
        return moment or ""
    return f"{int(hours)}{'.' if language == 'da' else colon}{minutes[:2]}"


def _runs(dates: Sequence[date]) -> list[tuple[date, date]]:
    """Days in a row, put together."""
    runs: list[tuple[date, date]] = []
    for one in dates:
        if runs and one - runs[-1][1] == timedelta(days=1):
            runs[-1] = (runs[-1][0], one)
        else:
            runs.append((one, one))
    return runs


def _range(first: date, last: date, language: Language, *, year: bool = True) -> str:
    end = _date(last, _DATE[language] if year else _MONTH[language], language)
    if first == last:
        return end
    if first.year != last.year:
        return f"{_date(first, _DATE[language], language)} – {end}"
    if first.month != last.month:
        return f"{_date(first, _MONTH[language], language)} – {end}"
    return f"{_date(first, _DAY[language], language)}–{end}"


def _listed(parts: list[str], language: Language) -> str:
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} {'og' if language == 'da' else 'and'} {parts[-1]}"
