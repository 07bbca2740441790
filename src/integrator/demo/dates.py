"""The sample catalogue's dates, moved so that its classes are still to come on whatever day this is played."""

import re
from datetime import date, timedelta
from typing import Any

Record = dict[str, Any]

SOON = timedelta(days=28)
_DATE = re.compile(r"(\d\d)-(\d\d)-(\d{4})")  # as Maconomy writes it: 01-03-2027


def upcoming(courses: list[Record], today: date) -> list[Record]:
    """The same courses, none of which begins within four weeks of today. Whole weeks later: weekdays stay."""
    first = min(_date(course["startDate"]) for course in courses if course["startDate"])
    weeks = max(0, -((first - today - SOON).days // 7))
    return [moved(course, timedelta(weeks=weeks)) for course in courses]


def moved(course: Record, by: timedelta) -> Record:
    """One course, all of its dates so much later."""
    days = [day | {"date": _later(day["date"], by)} for day in course["courseDays"]]
    return course | {name: _later(course[name], by) for name in ("startDate", "endDate")} | {"courseDays": days}


def first_day(course: Record) -> date:
    return _date(course["startDate"])


def _date(text: str) -> date:
    day, month, year = map(int, text.split("-"))
    return date(year, month, day)


def _later(text: str, by: timedelta) -> str:
    return _DATE.sub(lambda found: f"{_date(found[0]) + by:%d-%m-%Y}", text)
