"""The same records in the style of Maconomy's own web services: other names, an envelope, numbered fields.

Nothing is "", 0 or "nil" there. Values that are not what they should be (the nasty ones) pass through as they are.
"""

import re
from typing import Any

Record = dict[str, Any]

LANGUAGES = {"Dansk": "danish", "Engelsk": "english"}
COUNTRIES = {"DK": "denmark", "": "nil"}
STATUSES = {
    "Åben": "open",
    "Udsolgt": "fullybooked",
    "Aflyst": "cancelled",
    "Planlagt": "nil",
    "Lukket": "closed",
    "Afholdt": "held",
    "Venteliste": "waitinglist",
}
DAYS, TRAINERS = 3, 2  # numbered fields are always all there
TEXTS = ("location", "address", "zipCode", "city", "country")
OTHERS = (
    *("mainCourseId", "courseId", "name", "subTitle", "description", "language", "durationDays", "price", "currency"),
    *("category", "active", "lastChanged", "startDate", "endDate", "maxParticipants", "registeredParticipants"),
    *("freeSeats", "minParticipants", "status"),
)
NOTHING: Record = {**dict.fromkeys(OTHERS), **dict.fromkeys(TEXTS, ""), "courseDays": [], "trainers": []}


def envelope(container: str, records: list[bytes]) -> bytes:
    """Encoded records inside the panes that Maconomy puts around them."""
    head = f'{{"meta":{{"containerName":"{container}"}},"panes":{{"filter":{{"meta":{{"paneName":"filter",'
    head += f'"rowCount":{len(records)},"rowOffset":0}},"records":['
    rows = [b'{"meta":{"rowNumber":%d},"data":%b}' % (number, record) for number, record in enumerate(records)]
    return head.encode() + b",".join(rows) + b"]}}}"


def main_course(record: Record) -> Record:
    """A main course under Maconomy's names."""
    record = {**NOTHING, **record}
    return {
        "jobnumber": record["mainCourseId"],
        "jobname": record["name"],
        "text1": record["subTitle"] or "",
        "description": record["description"] or "",
        "languagecode": LANGUAGES.get(record["language"], record["language"]),
        "numberofdays": record["durationDays"] or 0,
        "billingprice": _money(record["price"]),
        "currency": _lower(record["currency"]),
        "specification1name": record["category"] or "",
        "blocked": not record["active"],
        **_changed(record),
    }


def course(record: Record) -> Record:
    """A course under Maconomy's names, its days and trainers as numbered fields."""
    record = {**NOTHING, **record}
    note = {"remark1": record["internalNote"]} if "internalNote" in record else {}
    return {
        "coursenumber": record["courseId"],
        "maincoursenumber": record["mainCourseId"],
        "coursename": record["name"],
        "languagecode": LANGUAGES.get(record["language"], record["language"]),
        "startingdate": _date(record["startDate"]),
        "endingdate": _date(record["endDate"]),
        **_days(record["courseDays"]),
        "placename": record["location"],
        "address1": record["address"],
        "zipcode": record["zipCode"],
        "postaldistrict": record["city"],
        "country": COUNTRIES.get(record["country"], record["country"]),
        "billingprice": _money(record["price"]),
        "currency": _lower(record["currency"]),
        "maximumnumber": record["maxParticipants"] or 0,
        "registerednumber": record["registeredParticipants"] or 0,
        "freeseats": record["freeSeats"] or 0,
        "minimumnumber": record["minParticipants"] or 0,
        "coursestatus": STATUSES.get(record["status"], record["status"]),
        **_trainers(record["trainers"]),
        **_changed(record),
        **note,
    }


def participant(record: Record) -> Record:
    """A participant: the names run together in lower case."""
    return {name.lower(): value for name, value in record.items()}


def _days(days: list[Record]) -> Record:
    numbered: Record = {}
    for number in range(1, max(DAYS, len(days)) + 1):
        day = days[number - 1] if number <= len(days) else {}
        numbered[f"day{number}date"] = _date(day.get("date", ""))
        names = {"from": "startTime", "to": "endTime", "place": "location", "city": "city"}
        numbered |= {f"day{number}{name}": day.get(ours, "") for name, ours in names.items()}
    return numbered


def _trainers(trainers: list[Record]) -> Record:
    numbered: Record = {}
    for number in range(1, max(TRAINERS, len(trainers)) + 1):
        trainer = trainers[number - 1] if number <= len(trainers) else {}
        numbered |= {f"trainer{number}{name}": trainer.get(name, "") for name in ("name", "email", "initials")}
    return numbered


def _date(text: Any) -> Any:
    """ "01-03-2027" as "2027-03-01"; anything else as it is."""
    found = re.fullmatch(r"(\d\d)-(\d\d)-(\d{4})", str(text or ""))
    return "-".join(reversed(found.groups())) if found else text or ""


def _money(text: Any) -> Any:
    """ "14.995,00" as 14995.0; nothing as 0; anything else as it is."""
    if text is None:
        return 0.0
    found = re.fullmatch(r"(\d{1,3}(?:\.\d{3})*|\d+),(\d\d)", str(text))
    return float(f"{found[1].replace('.', '')}.{found[2]}") if found else text


def _lower(text: Any) -> Any:
    return text.lower() if isinstance(text, str) else text


def _changed(record: Record) -> Record:
    """The time stamp without its zone, in two fields."""
    stamp = record["lastChanged"] or ""
    return {"changeddate": stamp[:10], "changedtime": stamp[11:19]}
