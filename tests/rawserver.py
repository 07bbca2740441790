"""A tiny scripted server on loopback that misbehaves byte by byte, for the tests of the HTTP client."""

import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType

# The deadline of whoever waits for what never comes: by then a request has arrived, also on a machine that is busy.
WAIT_S = 1.0


@dataclass(frozen=True)
class Request:
    method: str
    target: str
    headers: dict[str, str]
    body: bytes


class RawServer:
    """Answers the nth request with the nth script, the last one again and again.

    A script is a list of bytes to send and of steps: CLOSE, RESET, HANG, SIP, drip(...). With UNREAD as the first one
    it acts before the request is read. A script without an end leaves the connection open for the next request.
    """

    def __init__(self, *scripts: "list[bytes | Step]") -> None:
        self.requests: list[Request] = []
        self.connections = 0
        self.ended = threading.Event()
        self._scripts = list(scripts)
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> "RawServer":
        self._start(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.ended.set()
        for sock in [self._listener, *self._open]:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)  # wakes a thread that waits in it; close() alone would not
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def _start(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(sock)
            self._start(self._serve, sock)

    def _serve(self, sock: socket.socket) -> None:
        # The client may leave at any byte: that is what it is tested for.
        with sock, suppress(OSError):
            while self._one(sock):
                pass

    def _one(self, sock: socket.socket) -> bool:
        """Read a request, play its script; False when the connection is over."""
        if not self._scripts or UNREAD not in self._scripts[0]:
            request = _read_request(sock)
            if request is None:
                return False
            self.requests.append(request)
        return all(self._play(sock, step) for step in self._next())

    def _next(self) -> "list[bytes | Step]":
        with self._lock:
            return self._scripts.pop(0) if len(self._scripts) > 1 else self._scripts[0]

    def _play(self, sock: socket.socket, step: "bytes | Step") -> bool:
        if isinstance(step, bytes):
            sock.sendall(step)
            return True
        return step(self, sock)


Step = Callable[[RawServer, socket.socket], bool]


def UNREAD(server: RawServer, sock: socket.socket) -> bool:
    """As the first step: what follows happens before the request is read, but not before the client has connected."""
    return bool(sock.recv(1, socket.MSG_PEEK))


def CLOSE(server: RawServer, sock: socket.socket) -> bool:
    """Close in good order (FIN)."""
    sock.shutdown(socket.SHUT_WR)
    return False


def RESET(server: RawServer, sock: socket.socket) -> bool:
    """Close rudely (RST)."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return False


def HANG(server: RawServer, sock: socket.socket) -> bool:
    """Say nothing until the test is over."""
    server.ended.wait()
    return False


def SIP(server: RawServer, sock: socket.socket) -> bool:
    """Take in what comes, but slowly, until the client leaves or the test is over."""
    while sock.recv(32 * 1024):
        if server.ended.wait(0.02):
            break
    return False


def drip(data: bytes, *, every_s: float = 0.02) -> Step:
    """One byte now and then, for ever again: each read of the client gets something."""

    def step(server: RawServer, sock: socket.socket) -> bool:
        while True:
            for number in range(len(data)):
                sock.sendall(data[number : number + 1])
                if server.ended.wait(every_s):
                    return False

    return step


def answer(body: bytes = b"{}", *, status: int = 200, **headers: str) -> bytes:
    """A whole, correct answer; header names with _ for -."""
    lines = [f"HTTP/1.1 {status} X", *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode("latin-1") + body


def _read_request(sock: socket.socket) -> Request | None:
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = sock.recv(65536)
        if not chunk:
            return None
        data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    while len(body) < int(headers.get("content-length", 0)):
        body += sock.recv(65536)
    method, target, _ = first.split(" ")
    return Request(method, target, headers, body)
