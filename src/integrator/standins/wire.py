"""HTTP/1.1 as the stand-ins speak it: requests read from a socket, answers written to it, connections broken off."""

import gzip
import json
import socket
import struct
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import formatdate
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, unquote

from integrator.systems.http import Headers

JSON_TYPE = "application/json; charset=utf-8"
MAX_REQUEST_BODY = 256 * 1024 * 1024
GZIP_FROM_BYTES = 1024  # smaller answers are sent as they are, as nginx does


@dataclass
class Request:
    """One request. `path` is percent-decoded and without query; `target` is what stood on the request line."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: Headers
    body: bytes = b""
    target: str = ""
    effects: list[dict[str, Any]] = field(default_factory=list)

    def json(self) -> Any:
        """The body as JSON. Errors: ValueError when it is none."""
        return json.loads(self.body)

    def effect(self, **facts: Any) -> None:
        """Say that this request changed something; it appears in the ledger. A batch calls it once per change."""
        self.effects.append(facts)

    def first(self, name: str, default: str = "") -> str:
        """The first value of a query parameter."""
        return self.query.get(name, [default])[0]


@dataclass
class Answer:
    """One answer. A dict, a list or None becomes compact JSON; headers override what is sent by default."""

    status: int = 200
    body: bytes | str | dict[str, Any] | list[Any] | None = b""
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = JSON_TYPE

    def encoded(self) -> bytes:
        """The body as it goes over the wire, before any gzip."""
        if isinstance(self.body, bytes):
            return self.body
        if isinstance(self.body, str):
            return self.body.encode()
        return json.dumps(self.body, ensure_ascii=False, separators=(",", ":")).encode()


class Connection:
    """One client's TCP connection: reads requests, writes answers, and breaks off in the two ways TCP knows."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._sock = sock
        self._input = sock.makefile("rb", 65536)
        self.open = True

    def read(self) -> Request | None:
        """The next request, None when the client has gone. Errors: ValueError for what is no HTTP."""
        line = self._input.readline(65537)
        if not line.strip():
            return None
        method, target, version = line.decode("latin-1").split()
        headers = Headers(list(self._header_lines()))
        if headers.get("expect", "").lower() == "100-continue":
            self.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        if version == "HTTP/1.0" or headers.get("connection", "").lower() == "close":
            self.open = False
        path, _, query = target.partition("?")
        return Request(method, unquote(path), parse_qs(query, True), headers, self._body(headers), target)

    def _header_lines(self) -> Iterator[tuple[str, str]]:
        while (line := self._input.readline(65537)).strip():
            name, colon, value = line.decode("latin-1").partition(":")
            if not colon:
                raise ValueError("a header line without a colon")
            yield name.strip(), value.strip()

    def _body(self, headers: Headers) -> bytes:
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return b"".join(self._chunks())
        size = int(headers.get("content-length", "0"))
        if not 0 <= size <= MAX_REQUEST_BODY:
            raise ValueError("a body of an impossible size")
        return self._exactly(size)

    def _exactly(self, size: int) -> bytes:
        data = self._input.read(size) if size else b""
        if len(data) < size:
            raise ConnectionError("the client broke off in the middle of a body: nothing of it is carried out")
        return data

    def _chunks(self) -> Iterator[bytes]:
        while size := int(self._input.readline(1024).split(b";")[0], 16):
            yield self._exactly(size)
            self._input.readline(8)
        while self._input.readline(65537).strip():
            pass

    def send(self, *parts: bytes) -> None:
        for part in parts:
            self._sock.sendall(part)

    def give(self, request: Request, answer: Answer, *, may_gzip: bool = False) -> None:
        """Send a whole, proper answer."""
        body = answer.encoded()
        headers = dict(answer.headers)
        if may_gzip and len(body) >= GZIP_FROM_BYTES and "gzip" in request.headers.get("accept-encoding", ""):
            body = gzip.compress(body, 1)
            headers |= {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
        head = head_of(answer.status, answer.content_type, {"Content-Length": str(len(body)), **headers}, self.open)
        if request.method == "HEAD" or answer.status in {204, 304}:
            body = b""
        # Small answers leave in one packet; a 94 MB list is not copied to put a head before it.
        self.send(*([head + body] if len(body) < 65536 else [head, body]))

    def close(self) -> None:
        """End with FIN: the client sees an ordinary end of the stream."""
        self._end(linger=False)

    def reset(self) -> None:
        """End with RST: the client sees "connection reset by peer"."""
        self._end(linger=True)

    def _end(self, *, linger: bool) -> None:
        self.open = False
        with suppress(OSError):
            if linger:
                self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            else:
                self._sock.shutdown(socket.SHUT_WR)
        self._input.close()
        self._sock.close()

    def interrupt(self) -> None:
        """Wake a thread that reads or writes here, from another thread."""
        with suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)


def head_of(status: int, content_type: str, headers: Mapping[str, str], keep_alive: bool) -> bytes:
    """Status line and headers, up to and with the empty line."""
    reason = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else "Unknown"
    lines = {"Date": formatdate(usegmt=True), "Server": "integrator-standin", "Content-Type": content_type}
    lines |= {"Connection": "keep-alive" if keep_alive else "close"} | dict(headers)
    return "\r\n".join(
        [f"HTTP/1.1 {status} {reason}", *(f"{name}: {value}" for name, value in lines.items()), "", ""]
    ).encode("latin-1")
