"""Dates and moments: what people, databases and .NET write, as ISO 8601 in the zone of the business."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from integrator.systems.mapping.convert import BadValue, Soft
from integrator.systems.mapping.monthnames import day_and_month, text_date
from integrator.systems.mapping.spec import Defaults
from integrator.systems.mapping.times import clock

_LIMIT = 100
_REMEMBERED = 20_000
_YEARS = range(1900, 2200)

_STAMP = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d)?)(?:[.,]\d{1,9})?\s?(Z|[+-]\d\d:?\d\d)?", re.ASCII | re.IGNORECASE
)
_OURS = re.compile(r"(\d{4}-\d\d-\d\d)T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d([+-]\d\d:\d\d)", re.ASCII)
_NET = re.compile(r"/Date\((-?\d{1,15})(?:[+-]\d{4})?\)/", re.ASCII)
_DAY_AND_CLOCK = re.compile(r"(.+?),?\s+((?:kl\.?\s*)?\d{1,2}[:.]\d\d(?:[:.]\d\d)?)", re.ASCII | re.IGNORECASE)
_SEPARATORS = (r"\s+til\s+", r"\s*[–—]\s*", r"\s+-\s+", r"\s*/\s*", r"\s*-\s*")
_DAY_ONLY = re.compile(r"(\d{1,2})\.?", re.ASCII)
_DAY_DOT_MONTH = re.compile(r"(\d{1,2})\.\s?(\d{1,2})\.?", re.ASCII)
_DIRECTIVES = {"%d": r"(?P<d>\d{1,2})", "%m": r"(?P<m>\d{1,2})", "%Y": r"(?P<Y>\d{4})", "%y": r"(?P<y>\d{2})"}


def date_pattern(form: str) -> re.Pattern[str]:
    """A format as an expression. Errors  ValueError: it lacks day, month or year, or asks for something else."""
    parts = re.findall(r"%.|[^%]+|%", form)
    if sorted(part.lower() for part in parts if part[0] == "%") != ["%d", "%m", "%y"]:
        raise ValueError(form)
    return re.compile("".join(_DIRECTIVES.get(part) or re.escape(part) for part in parts), re.ASCII)


class DateReader:
    """Reads dates the way one system writes them; keeps the compiled formats."""

    def __init__(self, defaults: Defaults) -> None:
        self.zone = ZoneInfo(defaults.timezone)
        self._forms: list[re.Pattern[str] | str] = list(_forms(defaults))
        self._languages = [form for form in self._forms if isinstance(form, str)]
        self._nothing = {str(self._any_day(word)) for word in defaults.empty} - {"None"}
        self.offsets: dict[str, str | None] = {}

    def day(self, raw: Any) -> Any:
        """A day as "2027-03-01"; None for a stand-in like 1900-01-01; text without any digit is noted.

        Errors  BadValue: bad_date, bad_time
        """
        text = _line(raw)
        if day := self._any_day(text):
            return self._checked(str(day))
        if not any(char.isdigit() for char in text):
            return Soft(None, "bad_date")
        moment = self._moment(text)
        return moment if moment is None else self._checked(moment[:10])

    def moment(self, raw: Any) -> Any:
        """A moment as "2027-03-01T08:00:00+01:00"; without a zone it is the time on the clock there.

        Errors  BadValue: bad_date; bad_time also for an hour that summer time skips
        """
        text = _line(raw)
        if not any(char.isdigit() for char in text):
            return Soft(None, "bad_date")
        moment = self._moment(text)
        if moment is None or not self._checked(moment[:10]):
            return None
        self._offset(moment[:10])
        return moment

    def is_as_we_write_it(self, raw: Any) -> bool:
        """Whether a moment already has our form and the offset of its day: then nothing needs converting."""
        match = _OURS.fullmatch(raw) if raw.__class__ is str else None
        return match is not None and self.offsets.get(match[1]) == match[2]

    def first_and_last(self, raw: Any) -> Any:
        """First and last day of a text ("1.-3. marts 2027") or of a list of two.

        Errors  BadValue: bad_date, end_before_start
        """
        if isinstance(raw, list):
            days = [self.day(part) for part in raw if isinstance(part, str)]
            if len(raw) != 2 or not all(isinstance(day, str) for day in days) or len(days) != 2:
                raise BadValue("bad_date")
        else:
            text = _line(raw)
            if not any(char.isdigit() for char in text):
                return Soft(None, "bad_date")
            first, last = self._range(text)
            days = [self._checked(str(first)), self._checked(str(last))]
        if None in days:
            return None
        if days[1] < days[0]:
            raise BadValue("end_before_start")
        return days

    def instant(self, day: str, time: str) -> str:
        """A day and a time on the clock as a moment. 24:00 is midnight at the end of that day."""
        offset = self._offset(day)
        return f"{day}T{time}:00{offset}" if offset and time != "24:00" else self._local(_joined(day, time))

    def _offset(self, day: str) -> str | None:
        """The offset of a day that has only one; None for the days on which clocks are put on or back."""
        if day not in self.offsets:
            if len(self.offsets) >= _REMEMBERED:
                self.offsets.clear()
            midnights = [_joined(day, time).replace(tzinfo=self.zone).isoformat()[19:] for time in ("00:00", "24:00")]
            self.offsets[day] = midnights[0] if midnights[0] == midnights[1] else None
        return self.offsets[day]

    def _checked(self, day: str) -> str | None:
        if day in self._nothing:
            return None
        if int(day[:4]) not in _YEARS:
            raise BadValue("bad_date")
        return day

    def _any_day(self, text: str) -> date | None:
        for form in self._forms:
            try:
                day = text_date(text, form) if isinstance(form, str) else _day_of(form.fullmatch(text))
            except ValueError:  # such as February 29 in this format; another format may read it
                continue
            if day:
                return day
        return None

    def _moment(self, text: str) -> str | None:
        if net := _NET.fullmatch(text):
            return self._of_milliseconds(int(net[1]))
        if stamp := _STAMP.fullmatch(text):
            return None if stamp[1] in self._nothing else self._of_stamp(stamp[1], stamp[2], stamp[3])
        if day := self._any_day(text):
            return None if str(day) in self._nothing else self._local(_joined(str(day), "00:00"))
        both = _DAY_AND_CLOCK.fullmatch(text)
        day = self._any_day(both[1]) if both else None
        if not both or not day:
            raise BadValue("bad_date")
        return None if str(day) in self._nothing else self._local(_joined(str(day), clock(both[2])))

    def _of_stamp(self, day: str, time: str, zone: str | None) -> str:
        try:
            moment = datetime.fromisoformat(f"{day}T{time}{(zone or '').upper()}")
        except ValueError:
            raise BadValue(_what_is_wrong(day)) from None
        if moment.tzinfo is None:
            return self._local(moment)
        try:
            return moment.astimezone(self.zone).isoformat()
        except OverflowError:
            raise BadValue("bad_date") from None

    def _of_milliseconds(self, milliseconds: int) -> str:
        # The offset .NET writes behind the number only says where it was written; the number is UTC.
        try:
            moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=milliseconds // 1000)
            return moment.astimezone(self.zone).isoformat()
        except OverflowError:
            raise BadValue("bad_date") from None

    def _local(self, naive: datetime) -> str:
        try:
            moment = naive.replace(tzinfo=self.zone)
            back = moment.astimezone(UTC).astimezone(self.zone)
        except OverflowError:
            raise BadValue("bad_date") from None
        if back.replace(tzinfo=None) != naive:
            raise BadValue("bad_time")  # the night summer time begins has no such hour
        return moment.isoformat()

    def _range(self, text: str) -> tuple[date, date]:
        if day := self._any_day(text):
            return day, day
        for separator in _SEPARATORS:
            for match in re.finditer(separator, text):
                last = self._any_day(text[match.end() :])
                first = self._first_day(text[: match.start()], last) if last else None
                if first and last:
                    return first, last
        raise BadValue("bad_date")

    def _first_day(self, text: str, last: date) -> date | None:
        if day := self._any_day(text):
            return day
        try:
            if only := _DAY_ONLY.fullmatch(text):
                return last.replace(day=int(only[1]))
            dotted = _DAY_DOT_MONTH.fullmatch(text)
            found = (int(dotted[1]), int(dotted[2])) if dotted else self._spelt(text)
            # "30. december - 3. januar 2028" can only begin the year before.
            return date(last.year - (found[1] > last.month), found[1], found[0]) if found else None
        except ValueError:
            return None

    def _spelt(self, text: str) -> tuple[int, int] | None:
        return next((found for language in self._languages if (found := day_and_month(text, language))), None)


def _forms(defaults: Defaults) -> Iterator[re.Pattern[str] | str]:
    for form in defaults.date_formats:
        if form == "text" or form.endswith("-text"):
            yield defaults.locale if form == "text" else form.removesuffix("-text")
            continue
        yield date_pattern(form)
        # Only where the year stands last: "27-03-01" could be anything.
        if defaults.two_digit_year and form.endswith("%Y"):
            yield date_pattern(form[:-2] + "%y")


def _day_of(match: re.Match[str] | None) -> date | None:
    if not match:
        return None
    parts = match.groupdict()
    year = int(parts["Y"]) if "Y" in parts else 2000 + int(parts["y"])
    return date(year, int(parts["m"]), int(parts["d"]))


def _joined(day: str, time: str) -> datetime:
    midnight = datetime.fromisoformat(day)
    return midnight + timedelta(hours=int(time[:2]), minutes=int(time[3:]))


def _what_is_wrong(day: str) -> str:
    try:
        date.fromisoformat(day)
    except ValueError:
        return "bad_date"
    return "bad_time"


def _line(raw: Any) -> str:
    if not isinstance(raw, str) or len(raw) > _LIMIT:
        raise BadValue("bad_date")
    return " ".join(raw.split())
