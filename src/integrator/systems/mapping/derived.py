"""start and end: from the days where there are any, else from a date of their own."""

from typing import Any

from integrator.domain.fetched import Note
from integrator.systems.mapping.convert import BadValue
from integrator.systems.mapping.dates import DateReader

DERIVATIONS = ("first_day_start", "last_day_end")


def day_order(day: dict[str, Any]) -> tuple[str, str]:
    """Days are sorted by date; sessions of one day by their start, one without a time first."""
    return day["date"] or "", day["start_time"] or ""


class Derived:
    """One derived moment: ISO 8601 with offset, or the bare date when no time is known."""

    def __init__(self, name: str, derive: str, dates: DateReader, sink: list[Note]) -> None:
        self._name = name
        self._last = derive == "last_day_end"
        self._time = "end_time" if self._last else "start_time"
        self._instant = dates.instant
        self._offsets = dates.offsets
        self._place = (-1, -2) if self._last else (0, 1)
        self._sink = sink

    def __call__(self, days: list[dict[str, Any]], own: str | None) -> str | None:
        """The moment. When days and the date of its own disagree, the days decide and a note tells.

        Errors  BadValue: bad_time in the night summer time begins
        """
        if not days:
            return own
        here, beside = self._place
        entry = days[here]
        day: str = entry["date"]
        if (own == day or own is None) and (len(days) == 1 or days[beside]["date"] != day):  # nearly always
            time, offset = entry[self._time], self._offsets.get(day)
            if time and offset and time != "24:00":
                return f"{day}T{time}:00{offset}"
        if own is not None and own != day:
            self._sink.append(Note("days_disagree", self._name, f"{own}, the days say {day}"))
        time = self._time_on(day, days)
        if time is None:
            return day
        try:
            return self._instant(day, time)
        except BadValue as bad:
            raise BadValue(bad.code, self._name) from None

    def _time_on(self, day: str, days: list[dict[str, Any]]) -> str | None:
        times = [entry[self._time] for entry in days if entry["date"] == day and entry[self._time]]
        return (max(times) if self._last else min(times)) if times else None
