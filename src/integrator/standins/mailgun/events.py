"""GET events: which ones are asked for, in which order, and page after page until one is empty."""

import base64
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from math import inf, isfinite
from typing import Any, Literal

import msgspec

from integrator.standins.mailgun.forms import Refusal
from integrator.standins.mailgun.office import Event, Office
from integrator.standins.mailgun.outcomes import Facts

MAX_LIMIT = 300
DEFAULT_LIMIT = 100
Key = tuple[float, int, int]
Pairs = list[tuple[str, str]]
Page = Literal["first", "next", "previous", "last"]

FILTERS: dict[str, Callable[[Facts], list[str]]] = {
    "event": lambda body: [body["event"]],
    "recipient": lambda body: [body["recipient"]],
    "tags": lambda body: body["tags"],
    "severity": lambda body: [body.get("severity", "")],
    "message-id": lambda body: [body["message"]["headers"]["message-id"]],
    "subject": lambda body: [body["message"]["headers"]["subject"]],
    "from": lambda body: [body["message"]["headers"]["from"]],
    "to": lambda body: [body["message"]["headers"]["to"]],
}
TEXTS = {"subject", "from", "to"}  # a part of them is enough


@dataclass(frozen=True)
class Search:
    """What one query asks for."""

    low: float
    high: float
    ascending: bool
    limit: int
    wanted: Pairs

    def finds(self, event: Event) -> bool:
        return self.low <= event.timestamp <= self.high and all(_meets(event.body, *pair) for pair in self.wanted)


@dataclass(frozen=True)
class Turn:
    """Which page of a query: the first or last one, or the one next to or previous to a place."""

    query: Pairs
    page: Page = "first"
    place: Key | None = None

    def token(self) -> str:
        text = msgspec.json.encode([self.query, self.page, self.place])
        return base64.urlsafe_b64encode(text).decode().rstrip("=")


def turn_of(token: str) -> Turn:
    """The page that a token means. Errors: Refusal 400 for one that we did not give."""
    try:
        text = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        return Turn(*msgspec.json.decode(text, type=tuple[Pairs, Page, Key | None]))
    except (ValueError, msgspec.MsgspecError) as error:
        raise Refusal("page token is not valid") from error


def page_of(office: Office, turn: Turn, url: str) -> dict[str, Any]:
    """One page with the addresses of its neighbours. `url` is that of the events, without a query.

    Errors  Refusal 400 for a query that is not understood
    """
    search = search_of(turn.query)
    rows = _rows(office, search)
    shown = _cut_out(rows, turn, search)
    before, after = (shown[0][0], shown[-1][0]) if shown else (turn.place, turn.place)
    turns = {
        "next": Turn(turn.query, "next" if after else "first", after),
        "previous": Turn(turn.query, "previous" if before else "first", before),
        "first": Turn(turn.query),
        "last": Turn(turn.query, "last"),
    }
    paging = {name: f"{url}/{neighbour.token()}" for name, neighbour in turns.items()}
    return {"items": [body for _, body in shown], "paging": paging}


def _rows(office: Office, search: Search) -> list[tuple[Key, Facts]]:
    found = [event for event in office.told() if search.finds(event)]
    times = range(2 if office.settings.events_twice else 1)
    mixed = office.settings.events_disorder
    rows = [
        ((_lot(event) if mixed else event.timestamp, event.number, n), event.body) for event in found for n in times
    ]
    return sorted(rows, key=lambda row: row[0], reverse=not search.ascending)


def _lot(event: Event) -> float:
    """A place that has nothing to do with the time of the event, and is always the same."""
    return hashlib.sha256(str(event.number).encode()).digest()[0]


def _cut_out(rows: list[tuple[Key, Facts]], turn: Turn, search: Search) -> list[tuple[Key, Facts]]:
    if turn.page == "last":
        return rows[-search.limit :]
    if turn.place is None:
        return rows[: search.limit]
    later = turn.page == "next"
    beyond = [row for row in rows if row[0] != turn.place and (row[0] > turn.place) == (search.ascending == later)]
    return beyond[: search.limit] if later else beyond[-search.limit :]


# What is asked for


def search_of(query: Pairs) -> Search:
    """Errors: Refusal 400 for a wrong value, and for a filter nobody knows: one mistyped would find everything."""
    given = dict(query)
    known = {"begin", "end", "ascending", "limit", "pretty"} | set(FILTERS)
    if unknown := set(given) - known:
        raise Refusal(f"unknown filter {', '.join(sorted(unknown))}")
    begin, end = _moment("begin", given), _moment("end", given)
    ascending = _ascending(given, begin, end)
    low, high = _range(begin, end, ascending)
    return Search(low, high, ascending, _limit(given), [(name, value) for name, value in query if name in FILTERS])


def _moment(name: str, given: dict[str, str]) -> float | None:
    if name not in given:
        return None
    text = given[name]
    try:
        value = float(text) if re.fullmatch(r"[\d.]+", text) else parsedate_to_datetime(text).timestamp()
    except ValueError as error:
        raise Refusal(f"{name} is neither epoch seconds nor an RFC 2822 date") from error
    if not isfinite(value):
        raise Refusal(f"{name} is no moment")
    return value


def _ascending(given: dict[str, str], begin: float | None, end: float | None) -> bool:
    if "ascending" in given:
        if given["ascending"] not in {"yes", "no"}:
            raise Refusal("ascending is yes or no")
        return given["ascending"] == "yes"
    if begin is not None and end is None:
        raise Refusal("ascending must be given when there is no end")
    return begin is not None and end is not None and begin <= end


def _range(begin: float | None, end: float | None, ascending: bool) -> tuple[float, float]:
    """`begin` is where the search begins: of a descending one it is the later end."""
    if begin is not None and end is not None:
        return min(begin, end), max(begin, end)
    low, high = (begin, end) if ascending else (end, begin)
    return -inf if low is None else low, inf if high is None else high


def _limit(given: dict[str, str]) -> int:
    text = given.get("limit", str(DEFAULT_LIMIT))
    if not re.fullmatch(r"\d{1,4}", text) or not 1 <= int(text) <= MAX_LIMIT:
        raise Refusal(f"limit is a number from 1 to {MAX_LIMIT}")
    return int(text)


def _meets(body: Facts, name: str, expression: str) -> bool:
    values = [value.casefold() for value in FILTERS[name](body)]
    for wanted in (_unquoted(one).casefold() for one in re.split(r"\s+OR\s+", expression.strip())):
        if wanted in values or (name in TEXTS and any(wanted in value for value in values)):
            return True
    return False


def _unquoted(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text
