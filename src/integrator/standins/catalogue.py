"""Course catalogues for the Maconomy stand-in: the sample one, and invented ones of any size from a seed.

Records have the assumed wire format's names. The same settings give the same bytes on every machine and day.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

Record = dict[str, Any]

DATA = Path(__file__).parent / "data"
FIRST_MAIN_ID = 30000  # above the sample's numbers
PER_MAIN_COURSE = 99  # 25172-99 is the last number of the form NNNNN-NN
HALL = {"location": "Strandvejen 54", "city": "Hellerup"}


def sample(name: str) -> Any:
    """One of the sample files: maincourse, course, participant, nasty, words."""
    return json.loads((DATA / f"maconomy-{name}.json").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Plan:
    """What a generated catalogue is like. Shape: first_day "2027-01-04"; bytes_per_course 940, the least there are."""

    courses: int = 300
    main_courses: int | None = None
    random: int = 1
    first_day: str = "2027-01-04"
    bytes_per_course: int = 940

    def __post_init__(self) -> None:
        room = self.mains * PER_MAIN_COURSE
        if self.courses > room or self.mains > 99999 - FIRST_MAIN_ID:
            raise ValueError(
                f"{self.courses} courses do not fit {self.mains} main courses of at most {PER_MAIN_COURSE}"
            )

    @property
    def mains(self) -> int:
        return -(-self.courses // 6) if self.main_courses is None else self.main_courses


def main_courses(plan: Plan) -> Iterator[Record]:
    """The main courses of a plan, in order of their ids."""
    words, random = sample("words"), Random(f"{plan.random} main")
    for number in range(plan.mains):
        yield _main_course(str(FIRST_MAIN_ID + number), words, random)


def _main_course(main_id: str, words: Record, random: Random) -> Record:
    return {
        "mainCourseId": main_id,
        "name": f"{random.choice(words['subjects'])} {random.choice(words['angles'])}{random.choice(words['levels'])}",
        "subTitle": random.choice(words["subtitles"]),
        "description": _description(words, random),
        "language": _language(random),
        "durationDays": random.choice((1, 2, 3, 3)),
        "price": random.choice(words["prices"]),
        "currency": "DKK",
        "category": random.choice(words["categories"]),
        "active": random.random() < 0.97,
        "lastChanged": _changed(random),
    }


def _description(words: Record, random: Random) -> str:
    sentences = " ".join(random.sample(words["sentences"], 3)).replace("&", "&amp;")
    bullets = "".join(f"<li>{text.replace('&', '&amp;')}</li>" for text in random.sample(words["bullets"], 4))
    return f"<p>{sentences}</p><ul>{bullets}</ul>"


def _language(random: Random) -> str:
    return "Engelsk" if random.random() < 0.15 else "Dansk"


def courses(plan: Plan, mains: list[Record]) -> Iterator[Record]:
    """The courses of a plan, main course by main course."""
    words, random = sample("words"), Random(f"{plan.random} course")
    trainers = _trainers(words)
    first = date.fromisoformat(plan.first_day)
    for number, main in enumerate(mains):
        for running in range(1, _share(plan.courses, len(mains), number) + 1):
            course = _course(f"{main['mainCourseId']}-{running:02}", main, first, words, trainers, random)
            yield _filled(course, plan.bytes_per_course + random.randint(-40, 40), words["note"])


def _share(total: int, parts: int, number: int) -> int:
    return total // parts + (number < total % parts)


def _course(course_id: str, main: Record, first: date, words: Record, trainers: list[Record], random: Random) -> Record:
    venue, address, zip_code, city = random.choice(words["venues"])
    status, seats = _seats(random)
    days = _days(main["durationDays"], first, venue, city, random)
    if status == "Planlagt" and random.random() < 0.5:
        days = []
    return {
        "courseId": course_id,
        "mainCourseId": main["mainCourseId"],
        "name": main["name"],
        "language": main["language"],
        "startDate": days[0]["date"] if days else "",
        "endDate": days[-1]["date"] if days else "",
        "courseDays": days,
        "location": venue,
        "address": address,
        "zipCode": zip_code,
        "city": city,
        "country": "DK",
        "price": main["price"],
        "currency": main["currency"],
        **seats,
        "status": status,
        "trainers": random.sample(trainers, random.choice((1, 2, 2))),
        "lastChanged": _changed(random),
    }


def _seats(random: Random) -> tuple[str, Record]:
    """A status and numbers that agree with it; a course just planned may have none at all."""
    status = random.choices(("Åben", "Udsolgt", "Aflyst", "Planlagt"), (74, 12, 6, 8))[0]
    total, least = random.choice((12, 16, 20, 24)), random.choice((6, 8))
    if status == "Planlagt":
        total = 0
    taken = {"Åben": random.randrange(total or 1), "Udsolgt": total, "Aflyst": random.randrange(least), "Planlagt": 0}
    known = total > 0
    return status, {
        "maxParticipants": total if known else None,
        "registeredParticipants": taken[status] if known else None,
        "freeSeats": total - taken[status] if known else None,
        "minParticipants": least if known else None,
    }


def _days(count: int, first: date, venue: str, city: str, random: Random) -> list[Record]:
    """Days in a row from a Monday or Tuesday on; now and then the last one is two weeks later."""
    start = first + timedelta(weeks=random.randrange(75), days=random.randrange(2))
    days = [start + timedelta(days=number) for number in range(count)]
    if count > 1 and random.random() < 0.1:
        days[-1] = start + timedelta(days=14)
    return [
        {
            "date": f"{day:%d-%m-%Y}",
            "startTime": random.choice(("09:00", "08:30")),
            "endTime": random.choice(("16:00", "16:00", "15:30", "21:00")),
            "location": venue,
            "city": city,
        }
        for day in days
    ]


def _trainers(words: Record) -> list[Record]:
    """Forty invented trainers, no two with the same initials or address."""
    random = Random("trainers")
    known: dict[str, Record] = {}
    while len(known) < 40:
        first, last = random.choice(words["first_names"]), random.choice(words["last_names"])
        initials = (first[0] + last[:2]).upper()
        known.setdefault(initials, {"initials": initials, "name": f"{first} {last}", "email": address(first, last)})
    return list(known.values())


def address(first: str, last: str) -> str:
    """An address at example.org. Shape: "aase.oestergaard@example.org"."""
    plain = f"{first}.{last}".lower()
    for letter, ascii_letters in {"æ": "ae", "ø": "oe", "å": "aa", "ë": "e", "’": "", " ": "."}.items():
        plain = plain.replace(letter, ascii_letters)
    return f"{plain}@example.org"


def _changed(random: Random) -> str:
    day = date(2026, 11, 20) - timedelta(days=random.randrange(300))
    clock = time(random.randrange(7, 18), random.randrange(60), random.randrange(60))
    return f"{day}T{clock}{_offset(day)}"


@cache
def _offset(day: date) -> str:
    """Copenhagen's offset at noon. Shape: "+01:00"."""
    offset = datetime.combine(day, time(12), ZoneInfo("Europe/Copenhagen")).strftime("%z")
    return f"{offset[:3]}:{offset[3:]}"


def _filled(course: Record, size: int, note: str) -> Record:
    """The course with an internal note, a field nobody maps, that brings it to about `size` bytes."""
    missing = size - len(msgspec.json.encode(course))
    frame = len(',"internalNote":""')
    if missing > frame:
        text = (note * (missing // len(note) + 1)).encode()[: missing - frame]
        course["internalNote"] = text.decode("utf-8", "ignore").strip()
    return course


def participants(course: Record, seed: int) -> list[Record]:
    """As many invented participants as the course says it has. Their ids are unique over all courses."""
    words, random = sample("words"), Random(f"{seed} {course['courseId']}")
    taken = course.get("registeredParticipants")
    count = taken if isinstance(taken, int) else 0
    return [_participant(course["courseId"], number, words, random) for number in range(1, count + 1)]


def _participant(course_id: str, number: int, words: Record, random: Random) -> Record:
    first, last = random.choice(words["first_names"]), random.choice(words["last_names"])
    return {
        "participantId": f"{course_id.replace('-', '')}{number:02}",
        "courseId": course_id,
        "firstName": first,
        "lastName": last,
        "email": address(first, f"{last}{number}"),
        "company": random.choice(words["companies"]),
        "jobTitle": random.choice(words["job_titles"]),
        "phone": "+45 00 00 00 00",
        "status": "Tilmeldt",
        "externalReference": "",
        "registeredAt": "2026-11-15T10:22:31+01:00",
        "comment": "",
    }


def nasty() -> tuple[list[Record], list[Record]]:
    """Main courses and courses that hurt, complete records; some twenty, so mix them among a hundred or more."""
    raw = sample("nasty")
    whole: Record = {
        "mainCourseId": "19001",
        "language": "Dansk",
        "startDate": "01-03-2027",
        "endDate": "01-03-2027",
        "courseDays": [{"date": "01-03-2027", "startTime": "09:00", "endTime": "16:00", **HALL}],
        "price": "9.900,00",
        "currency": "DKK",
        "maxParticipants": 20,
        "registeredParticipants": 13,
        "freeSeats": 7,
        "minParticipants": 8,
        "status": "Åben",
        "trainers": [],
        "lastChanged": "2026-11-20T08:00:00+01:00",
        **HALL,
    }
    found = [{**whole, **record} for record in raw["course"]]
    for record in found:
        record["name"] = "Æ" * 10_000 if record["name"] == "x10000" else record["name"]
    return raw["maincourse"], found
