"""What can go wrong between two HTTP parties, one function per kind.

| kind | settings (= default) | what the client meets |
|---|---|---|
| hang | when=before, seconds, requests | no answer so long, until so many later ones are answered, or released |
| late | seconds, requests, then=reset | the connection breaks at once (reset, close, 504), the effect happens later |
| slow | part=body (headers), bytes=1, interval=0.2 | slow-loris |
| cut | framing=length (none, chunked), at | the answer ends in its middle, or after `at` bytes |
| reset, close | when=after | RST; FIN without a byte |
| status | status=503, when=before, body, headers, retry_after | retry_after: seconds, text, or {"date": seconds} |
| body | what (see BODIES) or raw or hex, when=before, status=200, content_type | a proper answer, wrong body |
| wrap | | the true list inside {"data": …, "count": n} |
| twice | delay=0, answer=first (second) | the request arrives twice at the system |
| redirect | status=302, location, when=before | off to another host |
| gzip-bomb, big | megabytes=100, 50; when=before | so much, made while it is sent |
| stale | | what the same GET was answered the time before |
| bom, latin1 | latin1: declared=true | the true answer in another encoding |
| content-type | value=text/html; charset=utf-8 | the true answer under another name |

"before" means that the effect does not happen, "after" that it has happened when the client meets the fault.
A `hang` without `seconds` and `requests` waits for `POST /release`; one that is dropped has no effect.
"""

import inspect
import json
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from email.utils import formatdate
from time import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from integrator.standins.base import Answer, Exchange
    from integrator.standins.faults import Gate

MEGABYTE = 1024 * 1024

LOGIN_PAGE = b'<!DOCTYPE html><html><title>Log ind</title><form method="post"><input name="password"></form></html>'
BODIES: dict[str, tuple[bytes, str]] = {
    "error": (b'{"error":"Session expired"}', "application/json"),
    "login": (LOGIN_PAGE, "text/html; charset=utf-8"),
    "empty": (b"", "application/json"),
    "null": (b"null", "application/json"),
    "list": (b"[]", "application/json"),
    "object": (b"{}", "application/json"),
    "text": (b"OK", "text/plain"),
    "bad-utf8": (b'[{"name":"K\xf8benhavn \xff\xfe"}]', "application/json"),
    "nan": (b'[{"freeSeats":NaN,"price":-Infinity}]', "application/json"),
    "duplicate-keys": (b'[{"courseId":"25172-04","freeSeats":7,"freeSeats":0}]', "application/json"),
    "doctype": (b'<!DOCTYPE x [<!ENTITY e "boo">]><x>&e;</x>', "application/xml"),
}


def play(fault: dict[str, Any], exchange: "Exchange", gate: "Gate") -> None:
    """Let one request meet its fault."""
    settings = {name: value for name, value in fault.items() if name != "kind"}
    KINDS[fault["kind"]][0](exchange, gate, **settings)


def _carry_out_if(exchange: "Exchange", when: str) -> "Answer | None":
    return exchange.carry_out() if when == "after" else None


def _new_answer(exchange: "Exchange", **changes: Any) -> "Answer":
    """An answer that does not come from the system."""
    return replace(exchange.blank(), **changes)


# Waiting


def _hang(
    exchange: "Exchange", gate: "Gate", when: str = "before", seconds: float | None = None, requests: int | None = None
) -> None:
    done = _carry_out_if(exchange, when)
    if gate.hold(seconds, requests):
        exchange.give(done or exchange.carry_out())
    else:
        exchange.connection.reset()


def _late(
    exchange: "Exchange", gate: "Gate", seconds: float | None = None, requests: int | None = None, then: str = "reset"
) -> None:
    if then == "504":
        exchange.connection.open = False
        exchange.give(_new_answer(exchange, status=504, content_type="text/html"))
    _break_off(exchange, then)
    if gate.hold(seconds, requests):
        exchange.carry_out()


def _slow(
    exchange: "Exchange",
    gate: "Gate",
    part: str = "body",
    bytes: int = 1,
    interval: float = 0.2,
) -> None:
    answer = exchange.carry_out()
    body = answer.encoded()
    head = exchange.start(answer, {"Content-Length": str(len(body))})
    at_once, slowly = (head, body) if part == "body" else (b"", head + body)
    exchange.connection.send(at_once)
    for start in range(0, len(slowly), bytes):
        exchange.connection.send(slowly[start : start + bytes])
        if not gate.hold(interval):
            exchange.connection.reset()
            break


# Breaking off


def _break_off(exchange: "Exchange", how: str) -> None:
    if how == "reset":
        exchange.connection.reset()
    else:
        exchange.connection.close()


def _reset(exchange: "Exchange", gate: "Gate", when: str = "after") -> None:
    _carry_out_if(exchange, when)
    exchange.connection.reset()


def _close(exchange: "Exchange", gate: "Gate", when: str = "after") -> None:
    _carry_out_if(exchange, when)
    exchange.connection.close()


def _cut(exchange: "Exchange", gate: "Gate", framing: str = "length", at: int | None = None) -> None:
    answer = exchange.carry_out()
    body = answer.encoded()
    sent = body[: len(body) // 2 if at is None else at]
    headers = {"length": {"Content-Length": str(len(body))}, "none": {}, "chunked": {"Transfer-Encoding": "chunked"}}
    head = exchange.start(answer, headers[framing])
    # The chunk announces the whole body and breaks off inside.
    exchange.connection.send(head, f"{len(body):x}\r\n".encode() if framing == "chunked" else b"", sent)
    exchange.connection.close()


# Proper answers with the wrong content


def _status(
    exchange: "Exchange",
    gate: "Gate",
    status: int = 503,
    when: str = "before",
    body: Any = "",
    headers: Mapping[str, str] | None = None,
    retry_after: int | float | str | Mapping[str, float] | None = None,
) -> None:
    _carry_out_if(exchange, when)
    extra = {} if retry_after is None else {"Retry-After": _retry_after(retry_after)}
    exchange.give(_new_answer(exchange, status=status, body=body, headers={**extra, **(headers or {})}))


def _retry_after(value: int | float | str | Mapping[str, float]) -> str:
    if isinstance(value, Mapping):
        return formatdate(time() + value["date"], usegmt=True)
    return str(value)


def _body(
    exchange: "Exchange",
    gate: "Gate",
    what: str = "empty",
    raw: str | None = None,
    hex: str | None = None,
    when: str = "before",
    status: int = 200,
    content_type: str | None = None,
) -> None:
    _carry_out_if(exchange, when)
    body, kind = BODIES[what]
    if raw is not None or hex is not None:
        body, kind = raw.encode() if raw is not None else bytes.fromhex(hex or ""), "application/json"
    exchange.give(_new_answer(exchange, status=status, body=body, content_type=content_type or kind))


def _redirect(
    exchange: "Exchange",
    gate: "Gate",
    status: int = 302,
    location: str = "https://elsewhere.example.org/",
    when: str = "before",
) -> None:
    _carry_out_if(exchange, when)
    exchange.give(_new_answer(exchange, status=status, headers={"Location": location}))


def _wrap(exchange: "Exchange", gate: "Gate") -> None:
    answer = exchange.carry_out()
    records = json.loads(answer.encoded())
    exchange.give(replace(answer, body={"data": records, "count": len(records)}))


def _stale(exchange: "Exchange", gate: "Gate") -> None:
    exchange.give(exchange.stale(exchange.carry_out()))


def _bom(exchange: "Exchange", gate: "Gate") -> None:
    answer = exchange.carry_out()
    exchange.give(replace(answer, body=b"\xef\xbb\xbf" + answer.encoded()))


def _latin1(exchange: "Exchange", gate: "Gate", declared: bool = True) -> None:
    answer = exchange.carry_out()
    kind = "application/json; charset=iso-8859-1" if declared else "application/json"
    body = answer.encoded().decode().encode("latin-1", "replace")
    exchange.give(replace(answer, body=body, content_type=kind))


def _content_type(exchange: "Exchange", gate: "Gate", value: str = "text/html; charset=utf-8") -> None:
    exchange.give(replace(exchange.carry_out(), content_type=value))


# Too often, too much


def _twice(exchange: "Exchange", gate: "Gate", delay: float = 0, answer: str = "first") -> None:
    first = exchange.carry_out()
    if answer == "second" or not delay:
        second = exchange.carry_out_again() if gate.hold(delay) else first
        exchange.give(second if answer == "second" else first)
        return
    exchange.connection.open = False  # this thread is busy with the second one: the client must not wait for it
    exchange.give(first)
    if gate.hold(delay):
        exchange.carry_out_again()


def _gzip_bomb(exchange: "Exchange", gate: "Gate", megabytes: int = 100, when: str = "before") -> None:
    answer = _carry_out_if(exchange, when) or exchange.blank()
    head = exchange.start(answer, {"Content-Encoding": "gzip", "Transfer-Encoding": "chunked"})
    exchange.connection.send(head)
    packer = zlib.compressobj(9, wbits=31)
    for part in _long_list(megabytes):
        _send_chunk(exchange, packer.compress(part))
    _send_chunk(exchange, packer.flush())
    exchange.connection.send(b"0\r\n\r\n")


def _send_chunk(exchange: "Exchange", data: bytes) -> None:
    if data:
        exchange.connection.send(f"{len(data):x}\r\n".encode(), data, b"\r\n")


def _big(exchange: "Exchange", gate: "Gate", megabytes: int = 50, when: str = "before") -> None:
    answer = _carry_out_if(exchange, when) or exchange.blank()
    exchange.connection.send(exchange.start(answer, {"Content-Length": str(megabytes * MEGABYTE)}))
    for part in _long_list(megabytes):
        exchange.connection.send(part)


def _long_list(megabytes: int) -> Iterator[bytes]:
    """A JSON list of one text, exactly so many megabytes, one megabyte at a time."""
    filler = b"x" * MEGABYTE
    for number in range(megabytes):
        part = filler
        if number == 0:
            part = b'["' + part[2:]
        if number == megabytes - 1:
            part = part[:-2] + b'"]'
        yield part


Play = Callable[..., None]

PLAYS: dict[str, Play] = {
    "hang": _hang,
    "late": _late,
    "slow": _slow,
    "cut": _cut,
    "reset": _reset,
    "close": _close,
    "status": _status,
    "body": _body,
    "wrap": _wrap,
    "twice": _twice,
    "redirect": _redirect,
    "gzip-bomb": _gzip_bomb,
    "big": _big,
    "stale": _stale,
    "bom": _bom,
    "latin1": _latin1,
    "content-type": _content_type,
}
KINDS = {kind: (go, frozenset(inspect.signature(go).parameters) - {"exchange", "gate"}) for kind, go in PLAYS.items()}
