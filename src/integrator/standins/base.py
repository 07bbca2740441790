"""What every stand-in is built on: a threaded HTTP/1.1 server on loopback with a control port and a ledger.

A system's stand-in is one subclass of `StandIn`. Everything that can go wrong between two HTTP parties is
`faults.py`'s and `mishaps.py`'s business, HTTP itself `wire.py`'s; a stand-in only knows its system.
"""

import ipaddress
import json
import re
import signal
import socket
import socketserver
import sys
import threading
import time
import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, ClassVar

from integrator.errors import UsageError
from integrator.standins.faults import Faults
from integrator.standins.guide import Guide, known, told
from integrator.standins.mishaps import play
from integrator.standins.wire import JSON_TYPE, Answer, Connection, Request, head_of
from integrator.systems.http import Headers

__all__ = ["Answer", "Exchange", "Headers", "Request", "Running", "StandIn", "main_serve", "serve"]

ENDINGS = {signal.SIGTERM, signal.SIGINT}


class StandIn(ABC):
    """One system's stand-in. A subclass gives `name` and `handle`, and `reset`, `seed`, `state` as it needs them.

    `handle` runs in many threads at once: take `self.lock` around what it changes.
    """

    name = "standin"
    guide: ClassVar[Guide] = Guide()
    gzip = False  # answer gzipped when asked for it

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.ledger: list[dict[str, Any]] = []
        self._ledger_lock = threading.Lock()
        self._number = 0

    @abstractmethod
    def handle(self, request: Request) -> Answer:
        """Behave as the system does. A change is reported with `request.effect(...)`."""

    def reset(self) -> None:  # noqa: B027 (not every system has a state)
        """Go back to the state of the start. (The ledger and the faults are cleared by the control port.)"""

    def seed(self, settings: dict[str, Any]) -> dict[str, Any]:
        """Put the system into a state; gives back what it did. Errors: ValueError with the reason."""
        raise ValueError(f"{self.name} knows no seed settings, got {sorted(settings)}")

    def state(self) -> dict[str, Any]:
        """What the system holds now, for a test to look at."""
        return {}

    def deliver(self, request: Request, entry: dict[str, Any]) -> Answer:
        """Let `handle` work on a request and write its effects into the ledger entry."""
        try:
            answer = self.handle(request)
        except Exception:  # noqa: BLE001 - a bug in a stand-in must be seen by its client and on the terminal
            traceback.print_exc()
            answer = Answer(500, {"error": "STANDIN_BUG"})
        with self._ledger_lock:
            if request.effects:
                entry["effect"] = request.effects[0]
            for effect in request.effects[1:]:
                self._append({**entry, "of": entry["n"], "status": answer.status, "effect": effect})
        return answer

    def enter(self, request: Request, fault: str | None = None) -> dict[str, Any]:
        """Open a ledger entry at the moment a request has arrived; status None: not answered (yet)."""
        entry = {"method": request.method, "path": request.path, "target": request.target, "status": None}
        with self._ledger_lock:
            return self._append({"at": time.time(), "n": 0, **entry, "effect": None, "fault": fault})

    def _append(self, entry: dict[str, Any]) -> dict[str, Any]:
        self._number += 1
        entry["n"] = self._number
        self.ledger.append(entry)
        return entry

    def clear_ledger(self) -> None:
        """Forget what was recorded; the numbers go on, so that `since` stays true."""
        with self._ledger_lock:
            self.ledger = []

    def entries(self, *, since: int = 0, path: str = "", method: str = "") -> list[dict[str, Any]]:
        """A copy of the ledger after number `since`, of one path (a pattern, whole) and one method."""
        with self._ledger_lock:
            rows = [dict(row) for row in self.ledger if row["n"] > since]
        rows = [row for row in rows if not path or re.fullmatch(path, row["path"])]
        return [row for row in rows if not method or row["method"] == method.upper()]

    def effects(self) -> list[dict[str, Any]]:
        """Only what changed something, in order."""
        return [row["effect"] for row in self.entries() if row["effect"] is not None]


class Exchange:
    """One request on its way through a stand-in; this is what a fault gets hold of."""

    def __init__(self, standin: StandIn, request: Request, connection: Connection, previous: dict[str, Answer]) -> None:
        self.standin, self.request, self.connection = standin, request, connection
        self.entry = standin.enter(request)
        self._previous = previous

    def carry_out(self) -> Answer:
        """Let the system do what is asked."""
        return self.standin.deliver(self.request, self.entry)

    def carry_out_again(self) -> Answer:
        """Let the same request arrive a second time, as a network may do it."""
        again = Request(**{**vars(self.request), "effects": []})
        entry = self.standin.enter(again, fault="twice")
        answer = self.standin.deliver(again, entry)
        entry["status"] = answer.status
        return answer

    def give(self, answer: Answer) -> None:
        """Send a whole answer; the ledger shows its status before the client can see it."""
        self.entry["status"] = answer.status
        self.connection.give(self.request, answer, may_gzip=self.standin.gzip)

    def start(self, answer: Answer, headers: Mapping[str, str]) -> bytes:
        """The head for a body that the caller sends by itself; the connection ends after it."""
        self.entry["status"] = answer.status
        self.connection.open = False
        return head_of(answer.status, answer.content_type, {**answer.headers, **headers}, keep_alive=False)

    def blank(self) -> Answer:
        """An answer that does not come from the system, for a fault to fill in."""
        return Answer()

    def stale(self, answer: Answer) -> Answer:
        """What the same GET was answered before, else the answer itself."""
        return self._previous.get(self.request.target, answer)

    def remember(self, answer: Answer) -> None:
        if self.request.method == "GET" and answer.status == 200:
            self._previous[self.request.target] = answer


class _Server(socketserver.ThreadingTCPServer):
    """Accepts connections and hands each request on; knows its connections so that `stop` leaves none behind."""

    allow_reuse_address = True
    daemon_threads = False  # server_close waits for them
    request_queue_size = 128

    def __init__(self, host: str, port: int, respond: Callable[[Request, Connection], None]) -> None:
        self.respond = respond
        self.connections: set[Connection] = set()
        self.stopping = False
        try:
            super().__init__((host, port), _Handler)
        except OSError as error:
            raise UsageError(f"standin: cannot listen on {host}:{port}: {error.strerror}") from error
        self._at = (host, int(self.server_address[1]))
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        while not self.stopping:
            self.handle_request()

    @property
    def url(self) -> str:
        return "http://{}:{}".format(*self._at)

    def stop(self) -> None:
        if self.stopping:
            return
        self.stopping = True
        # Wakes the accepting thread at once; serve_forever would look for its end several times a second, all day.
        with suppress(OSError):
            socket.create_connection(self._at, timeout=1).close()
        self._thread.join()
        for connection in list(self.connections):
            connection.interrupt()
        self.server_close()


class _Handler(socketserver.BaseRequestHandler):
    server: _Server

    def handle(self) -> None:
        connection = Connection(self.request)
        self.server.connections.add(connection)
        try:
            # A client that breaks off, in the middle of a request or of our answer, is nobody's error here.
            with suppress(OSError):
                self._talk(connection)
        finally:
            self.server.connections.discard(connection)
            connection.close()

    def _talk(self, connection: Connection) -> None:
        while connection.open and not self.server.stopping:
            try:
                request = connection.read()
            except ValueError:
                connection.send(head_of(400, JSON_TYPE, {"Content-Length": "0"}, keep_alive=False))
                return
            if request is None:
                return
            self.server.respond(request, connection)


class Running:
    """A stand-in that is being served: `url` for its clients, `control_url` for whoever stages it."""

    def __init__(self, standin: StandIn, host: str, port: int, control_port: int) -> None:
        self.standin = standin
        self.faults = Faults()
        self._previous: dict[str, Answer] = {}
        self._front = _Server(host, port, self._answer)
        try:
            self._control = _Server(host, control_port, lambda r, c: c.give(r, self._controlled(r)))
        except UsageError:
            self._front.stop()
            raise
        self.url, self.control_url = self._front.url, self._control.url

    def __enter__(self) -> "Running":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def stop(self) -> None:
        """End both servers; a request that still hangs is dropped without its effect. May be called twice."""
        self.faults.gate.close()
        self._front.stop()
        self._control.stop()

    @property
    def ready(self) -> dict[str, Any]:
        """What is said on stdout when it serves."""
        about = f"curl {self.control_url}/"
        return {"name": self.standin.name, "url": self.url, "control_url": self.control_url, "about": about}

    def reset(self) -> None:
        """Start again: no faults, an empty ledger, the state of the start."""
        self.faults.clear()
        self._previous.clear()
        self.standin.reset()
        self.standin.clear_ledger()

    def _answer(self, request: Request, connection: Connection) -> None:
        exchange = Exchange(self.standin, request, connection, self._previous)
        fault = self.faults.draw(request)
        try:
            if fault is None:
                answer = exchange.carry_out()
                exchange.remember(answer)
                exchange.give(answer)
            else:
                exchange.entry["fault"] = fault["kind"]
                play(fault, exchange, self.faults.gate)
        finally:
            self.faults.gate.answered()

    def _controlled(self, request: Request) -> Answer:
        if (request.method, request.path) == ("GET", "/"):
            about = told(self.standin, self.url, self.control_url)
            return Answer(200, about, content_type="text/plain; charset=utf-8")
        route = CONTROLS.get((request.method, request.path))
        if route is None:
            error = f"no {request.method} {request.path}: GET / tells what there is"
            return Answer(404, {"error": error, "known": known(self.standin.guide)})
        try:
            return Answer(200, route(self, request))
        except (ValueError, TypeError, KeyError) as error:
            return Answer(400, {"error": str(error)})


def _ledger(running: Running, request: Request) -> list[dict[str, Any]]:
    since = int(request.first("since", "0"))
    return running.standin.entries(since=since, path=request.first("path"), method=request.first("method"))


def _reset(running: Running, request: Request) -> dict[str, Any]:
    running.reset()
    return {"reset": True}


def _seed(running: Running, request: Request) -> dict[str, Any]:
    settings = request.json()
    if not isinstance(settings, dict):
        raise ValueError("seed: expected an object of settings")
    return running.standin.seed(settings)


def _drop_faults(running: Running, request: Request) -> dict[str, Any]:
    running.faults.clear()
    return {"faults": 0}


def _release(running: Running, request: Request) -> dict[str, Any]:
    running.faults.gate.release()
    return {"released": True}


CONTROLS: dict[tuple[str, str], Callable[[Running, Request], dict[str, Any] | list[Any]]] = {
    ("GET", "/health"): lambda running, request: {"name": running.standin.name, "url": running.url},
    ("GET", "/held"): lambda running, request: {"held": running.faults.gate.held},
    ("GET", "/state"): lambda running, request: running.standin.state(),
    ("GET", "/ledger"): _ledger,
    ("GET", "/faults"): lambda running, request: running.faults.listed(),
    ("POST", "/faults"): lambda running, request: {"faults": running.faults.add(request.json())},
    ("DELETE", "/faults"): _drop_faults,
    ("POST", "/release"): _release,
    ("POST", "/seed"): _seed,
    ("POST", "/reset"): _reset,
}


def serve(standin: StandIn, *, port: int = 0, control_port: int = 0, host: str = "127.0.0.1") -> Running:
    """Serve a stand-in from threads of this process until `stop` or the end of the `with` block.

    Shape   ports: 0 = any free one
    Errors  UsageError for a host that is not loopback and a port that is taken
    """
    if host == "localhost":
        host = "127.0.0.1"
    try:
        loopback = ipaddress.IPv4Address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise UsageError(f"standin {standin.name}: serves on loopback only, not on {host}")
    return Running(standin, host, port, control_port)


def main_serve(standin: StandIn, port: int, control_port: int = 0, *, host: str = "127.0.0.1") -> None:
    """Serve in the foreground: one JSON line on stdout when ready, back on SIGTERM or SIGINT."""
    # Blocked before any thread starts and waited for: a handler that sets an Event can meet the lock it needs.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDINGS)
    try:
        with serve(standin, port=port, control_port=control_port, host=host) as running:
            sys.stdout.write(json.dumps(running.ready) + "\n")
            sys.stdout.flush()
            signal.sigwait(ENDINGS)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
