"""Trainingportal as the caller: the GETs on a provider's own addresses (P1, P2), and what it makes of the answers."""

import hmac
import json
import threading
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPException
from ipaddress import ip_address
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit
from xml.parsers.expat import ExpatError, ParserCreate

import msgspec

T = TypeVar("T")
PEOPLE = ("student", "enroller")
PERSON = ("FirstName", "LastName", "EmailAddress", "PhoneNumber")
FIELDS = (*(f"{who}{what}" for who in PEOPLE for what in PERSON), "studentBirthDate", "company")
ACCEPT = {"json": "application/json", "xml": "application/xml", "any": "*/*"}
MOST_BYTES = 1_000_000


class Turn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every call of ours has. params and headers come on top of what the contract says; sign: a key, see `ask`."""

    url: str
    times: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 1
    at_once: bool = False
    accept: Literal["json", "xml", "any"] = "json"
    params: dict[str, str] = msgspec.field(default_factory=dict)
    headers: dict[str, str] = msgspec.field(default_factory=dict)
    timeout_s: Annotated[float, msgspec.Meta(gt=0)] = 30
    sign: str | None = None
    clock_off_s: int = 0


class Reserve(Turn, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A seat on a class for one student. comment and purchase_order are not sent: E7 shows them."""

    class_id: str = msgspec.field(name="class")
    fields: dict[str, str] = msgspec.field(default_factory=dict)
    comment: str | None = None
    purchase_order: str | None = None


class Cancel(Turn, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The end of one booking, by the provider's reference."""

    reference: str
    param: str = "bookingReference"


class Reply(msgspec.Struct, frozen=True):
    """What came back. values: those of its object or element; problem: why nothing can be read, or none came."""

    status: int | None = None
    content_type: str = ""
    body: str = ""
    values: dict[str, Any] = {}
    problem: str | None = None

    def says(self, name: str) -> bool:
        """Whether a 2xx answer says "true" of this, as text or as a boolean."""
        good = self.status is not None and 200 <= self.status < 300
        return good and str(self.values.get(name)).lower() == "true"

    def text(self, name: str) -> str:
        value = self.values.get(name)
        return value if isinstance(value, str) else ""

    def shown(self, name: str) -> dict[str, Any]:
        """For whoever gave the order. name: what the call is about, "successful" or "cancelled"."""
        facts = {"status": self.status, "content_type": self.content_type, "problem": self.problem, "body": self.body}
        told = {key: self.text(key) for key in ("bookingReference", "errorMessage")}
        return {name: self.says(name), **told, **facts}


def sorted_out(given: Any, fields: Collection[str]) -> Any:
    """An object whose fields of the wire stand beside the rest, with them in "fields". Errors: ValueError."""
    if not isinstance(given, dict) or "fields" in given:
        raise ValueError(f"expected an object, its fields by their own names: {', '.join(sorted(fields))}")
    rest = {name: value for name, value in given.items() if name not in fields}
    return {**rest, "fields": {name: value for name, value in given.items() if name in fields}}


def reserve_from(given: Any) -> Reserve:
    """The order of a reservation; fields of P1 stand beside the rest. Errors: ValueError."""
    try:
        return _checked(msgspec.convert(sorted_out(given, FIELDS), Reserve))
    except msgspec.ValidationError as error:
        raise ValueError(f"reserve: {error}; known besides: {', '.join(FIELDS)}") from error


def cancel_from(given: Any) -> Cancel:
    """The order of a cancellation. Errors: ValueError."""
    try:
        return _checked(msgspec.convert(given, Cancel))
    except msgspec.ValidationError as error:
        raise ValueError(f"cancel: {error}") from error


Order = TypeVar("Order", Reserve, Cancel)


def _checked(order: Order) -> Order:
    """Errors: ValueError for an address outside of this machine."""
    parts = urlsplit(order.url)
    host = parts.hostname or ""
    try:
        local = host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        local = False
    if parts.scheme != "http" or not local or parts.fragment:
        raise ValueError("url: expected http on this machine, as http://127.0.0.1:8080/reserve")
    return order


def ask(turn: Turn, params: dict[str, str], now: float) -> Reply:
    """One GET. A redirect is not followed: it would change where the student's name goes.

    With a key it is signed: timestamp in epoch seconds, signature the hex HMAC-SHA256 of method, path, the other
    parameters sorted and percent-encoded, and timestamp, a line each.
    """
    parts = urlsplit(turn.url)
    query = "&".join(filter(None, [parts.query, urlencode({**params, **turn.params}, quote_via=quote)]))
    if turn.sign is not None:
        query += _signature(turn.sign, parts.path, query, str(int(now) + turn.clock_off_s))
    headers = {"Accept": ACCEPT[turn.accept], "User-Agent": "Trainingportal stand-in", **turn.headers}
    connection = HTTPConnection(parts.hostname or "", parts.port or 80, timeout=turn.timeout_s)
    try:
        connection.request("GET", f"{parts.path or '/'}?{query}", headers=headers)
        answer = connection.getresponse()
        body = answer.read(MOST_BYTES)
        kind = answer.headers.get("Content-Type", "")
    except (OSError, HTTPException) as error:
        return Reply(problem=f"{type(error).__name__}: {error}")
    finally:
        connection.close()
    return _reply(answer.status, kind, body)


def _signature(key: str, path: str, query: str, timestamp: str) -> str:
    params = urlencode(sorted(parse_qsl(query, keep_blank_values=True)), quote_via=quote, safe="")
    text = "\n".join(("GET", unquote(path), params, timestamp))
    return f"&timestamp={timestamp}&signature={hmac.new(key.encode(), text.encode(), 'sha256').hexdigest()}"


def _reply(status: int, kind: str, body: bytes) -> Reply:
    text = body.decode("utf-8", "replace")
    try:
        values = _of_xml(body) if "xml" in kind.lower() else _of_json(body)
    except ValueError as error:
        return Reply(status, kind, text, {}, f"the body cannot be read: {error}")
    return Reply(status, kind, text, values)


def _of_json(body: bytes) -> dict[str, Any]:
    values = json.loads(body)
    if not isinstance(values, dict):
        raise ValueError("expected an object")
    return values


def _of_xml(body: bytes) -> dict[str, Any]:
    """One element with the properties inside, whatever their namespace. Errors: ValueError, also for a DOCTYPE."""
    parser, values, within = ParserCreate(namespace_separator="}"), dict[str, Any](), list[str]()

    def enter(name: str, attributes: dict[str, str]) -> None:
        within.append(name.rpartition("}")[2])
        if len(within) == 2:
            values[within[1]] = ""

    def add(text: str) -> None:
        if len(within) == 2:
            values[within[1]] += text

    def refuse(*_: object) -> None:
        raise ValueError("a document type is not expected")

    parser.StartElementHandler, parser.CharacterDataHandler = enter, add
    parser.EndElementHandler, parser.StartDoctypeDeclHandler = lambda name: within.pop(), refuse
    try:
        parser.Parse(body, True)
    except ExpatError as error:
        raise ValueError(str(error)) from error
    return values


def repeated(call: Callable[[], T], turn: Turn) -> list[T]:
    """The same call as often as ordered: one after the other, or all at the same moment."""
    if not turn.at_once:
        return [call() for _ in range(turn.times)]
    together = threading.Barrier(turn.times)

    def start(_: int) -> T:
        together.wait()
        return call()

    with ThreadPoolExecutor(turn.times) as pool:
        return list(pool.map(start, range(turn.times)))
