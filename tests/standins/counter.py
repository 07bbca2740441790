"""A stand-in that counts, and raw clients that see what really goes over the wire."""

import http.client
import json
import socket
import threading
from typing import Any

from integrator.standins.base import Answer, Request, Running, StandIn

PATIENCE_S = 300  # only ever used up by a test that fails


class Counter(StandIn):
    """GET tells how many POSTs there were; a POST is an effect."""

    name = "counter"

    def __init__(self) -> None:
        super().__init__()
        self.count = 0
        self.posted = threading.Semaphore(0)
        self.last: Request | None = None

    def handle(self, request: Request) -> Answer:
        self.last = request
        if request.path == "/bug":
            raise RuntimeError("a bug in the stand-in")
        if request.path == "/batch":
            for number in range(3):
                request.effect(kind="batched", number=number)
            return Answer(207, {})
        if request.method == "POST":
            with self.lock:
                self.count += 1
                request.effect(kind="count", count=self.count)
            self.posted.release()
            return Answer(201, {"count": self.count, "sted": "København"})
        return Answer(200, [self.count] * 40)

    def reset(self) -> None:
        self.count = 0

    def seed(self, settings: dict[str, Any]) -> dict[str, Any]:
        self.count = settings["count"]
        return {"seeded": self.count}

    def state(self) -> dict[str, Any]:
        return {"count": self.count}


def counter(running: Running) -> Counter:
    assert isinstance(running.standin, Counter)
    return running.standin


def address(url: str) -> tuple[str, int]:
    host, port = url.removeprefix("http://").split(":")
    return host, int(port)


def ask(url: str, method: str = "GET", path: str = "/", body: Any = None, **headers: str) -> tuple[int, Any, bytes]:
    """One request on a connection of its own: status, headers, body."""
    connection = http.client.HTTPConnection(*address(url), timeout=PATIENCE_S)
    try:
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def control(running: Running, method: str, path: str, body: Any = None) -> Any:
    status, _, answer = ask(running.control_url, method, path, body)
    assert status == 200, answer
    return json.loads(answer)


def stage(running: Running, **fault: Any) -> None:
    control(running, "POST", "/faults", [{"times": 1, "fault": fault}])


def open_post(running: Running) -> socket.socket:
    sock = socket.create_connection(address(running.url), timeout=PATIENCE_S)
    sock.sendall(b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
    return sock


def everything(sock: socket.socket) -> bytes:
    with sock:
        received = b""
        while data := sock.recv(65536):
            received += data
    return received


def raw(running: Running) -> bytes:
    """All bytes that a POST is answered until the connection ends."""
    return everything(open_post(running))
