"""What arrives for push-orderline, as orders or as refusals in words. Credentials in it end here."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol

from integrator.domain.jsontext import NotJson, decoded, parsed
from integrator.domain.orderlines import fields
from integrator.domain.orderlines.masking import masked
from integrator.domain.orderlines.order import MAX_BYTES, Order

__all__ = ["MAX_BYTES", "Accepted", "BadRequest", "Workshops", "masked", "read"]

MAX_VALUES = 100_000  # 5 MB hold no more orders than that; of ones and commas they hold millions
NO_CREDENTIALS = "no credentials configured"
_CONTENT = ("case_id", "product_nr", "product_amount")

_BRACKETED = re.compile(r'\{.*\}|".*"')


class Workshops(Protocol):
    """The workshops of this installation."""

    def find(self, name: str) -> str | None:
        """The id for an id or a display name, in any case of letters; None for anything else."""

    def has_credentials(self, workshop: str) -> bool: ...


@dataclass(frozen=True, slots=True)
class Accepted:
    """An order that can be kept. ignored are the names of fields that nobody knows; credentials: it carried some."""

    order: Order
    credentials: bool
    ignored: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BadRequest:
    """A bad request: what is wrong, field by field, never a value. Its id and workshop when both are sound.

    content   its case, product and amount, as far as they are sound
    """

    reason: str
    unique_id: str | None
    workshop: str | None
    credentials: bool
    content: tuple[str | None, str | None, str | None] = (None, None, None)


def read(raw: bytes, *, workshops: Workshops, only: str | None) -> Iterator[Accepted | BadRequest]:
    """Read the orders in a body, each on its own; an empty list holds none.

    Shape   one JSON value (an object, or a string that holds one), a list of them, or one such value a line
    only    the id of the workshop that orders without one are for; an order for another one is refused
    """
    try:
        text = decoded(raw, limit=MAX_BYTES)
    except NotJson as error:
        unread = len(raw) > MAX_BYTES
        yield _unreadable(f"the body {error}", "" if unread else raw.decode("utf-8", "replace"))
        return
    if problem := _unfit(text):
        yield _unreadable(f"the body {problem}", text)
        return
    values = _values(text)
    if len(values) > MAX_VALUES:
        yield _unreadable(f"the body holds more than {MAX_VALUES} values", text)
        return
    for where, found in values:
        yield _result(where, found, workshops, only)


def _unfit(text: str) -> str | None:
    if "\0" in text:
        return f"holds a NUL character: line {text.count(chr(10), 0, text.index(chr(0))) + 1}"
    return "is empty" if not text.strip() else None


def _unreadable(reason: str, text: str) -> BadRequest:
    return BadRequest(reason, None, None, credentials=bool(fields.CREDENTIALS.search(text)))


_json = partial(parsed, number=fields.Number, of_pairs=fields.Sent.of_pairs)


def _values(text: str) -> list[tuple[str, Any]]:
    """(where it stands, the value or a BadRequest) for every value in the body; where is "" when there is only one."""
    try:
        found = _json(text)
    except NotJson as error:
        lines = [(count, line) for count, line in enumerate(text.split("\n"), 1) if line.strip()]
        if _one_a_line(lines):
            return [_line(count, line) for count, line in lines[: MAX_VALUES + 1]]
        return [("", _unreadable(f"the body {error}", text))]
    if isinstance(found, list):
        return [(f"item {count}", item) for count, item in enumerate(found, 1)]
    return [("", found)]


def _one_a_line(lines: list[tuple[int, str]]) -> bool:
    """Whether each line is a value, rather than all of them one value with a mistake in it.

    No line of an indented object is a value by itself where it begins, nor do all of them have both their brackets.
    """
    if len(lines) < 2:
        return False
    count, first = lines[0]
    try:
        return isinstance(_json(first, line=count), fields.Sent | str)
    except NotJson:
        return all(_BRACKETED.fullmatch(line.strip()) for _, line in lines)


def _line(count: int, line: str) -> tuple[str, Any]:
    try:
        return f"line {count}", _json(line, line=count)
    except NotJson as error:
        return "", _unreadable(f"the body {error}", line)


def _result(where: str, found: Any, workshops: Workshops, only: str | None) -> Accepted | BadRequest:
    if isinstance(found, str) and not isinstance(found, fields.Number):
        found = _inner(found)
    if isinstance(found, fields.Sent):
        result = _order(found, workshops, only)
    elif isinstance(found, BadRequest):
        result = found
    else:
        result = _unreadable("must be an object, or a text that holds one", "")
    if where and isinstance(result, BadRequest) and None in (result.unique_id, result.workshop):
        return replace(result, reason=f"{where}: {result.reason}")
    return result


def _inner(text: str) -> Any:
    """What a body that was encoded twice holds: exactly one level more."""
    try:
        found = _json(text)
    except NotJson as error:
        return _unreadable(f"the text in the body {error}", text)
    return found if isinstance(found, fields.Sent) else _unreadable("the text in the body must hold an object", text)


def _order(sent: fields.Sent, workshops: Workshops, only: str | None) -> Accepted | BadRequest:
    if only is not None and not sent.given("workshop"):
        sent["workshop"] = only
    rules: dict[str, fields.Rule] = {
        "workshop": partial(_workshop, workshops, only),
        "case_id": fields.case_id,
        "product_nr": fields.product_nr,
        "product_amount": fields.product_amount,
        "unique_id": fields.unique_id,
    }
    reading = fields.reading_of(sent, rules)
    workshop, problems = reading.values.get("workshop"), list(reading.problems)
    if workshop is not None and not workshops.has_credentials(workshop):
        problems.append(NO_CREDENTIALS)
    if problems:
        unique_id, case, product, amount = (reading.values.get(name) for name in ("unique_id", *_CONTENT))
        return BadRequest("; ".join(problems), unique_id, workshop, sent.credentials, (case, product, amount))
    return Accepted(Order(**reading.values), sent.credentials, sent.ignored)


def _workshop(workshops: Workshops, only: str | None, value: Any) -> str:
    # The id is the one that is configured: nothing is ever made from what was sent.
    found = workshops.find(fields.workshop_name(value))
    if found is None:
        raise fields.Wrong("must be the id or the name of a configured workshop")
    if only not in (None, found):
        # Who may write into one workshop's folder must not make rows in another's queue.
        raise fields.Wrong("must be the workshop that the body is for")
    return found
