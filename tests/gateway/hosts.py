"""The servers that may host the gateway, each as the process it is, on a free port of loopback."""

import http.client
import os
import re
import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

from doors import TOKEN

SCRIPT = Path(__file__).parents[2] / "config" / "gateway" / "integrator.cgi"
MOUNTED = "/cgi-bin/integrator.cgi"
_COMMAND = "from integrator.cli.gateway import gateway; gateway(port=0)"
_PATIENCE_S = 300
GUNICORN = (
    "--workers",
    "2",
    "--threads",
    "8",
    "--log-level",
    "error",
    "--preload",
    "--no-control-socket",
)  # as docs/gateway.md


@dataclass(frozen=True)
class Host:
    """Where the gateway answers. base: what stands in front of its own paths."""

    name: str
    port: int
    base: str = ""

    def ask(self, method: str, path: str, *, body: bytes | None = None, headers: Mapping[str, str] = {}) -> "Told":
        conn = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_PATIENCE_S)
        try:
            conn.request(method, f"{self.base}{path}", body=body, headers=dict(headers))
            got = conn.getresponse()
            return Told(got.status, dict(got.getheaders()), got.read())
        finally:
            conn.close()

    def ask_raw(self, target: str) -> bytes:
        """The whole answer to a GET whose address goes out as these bytes (Latin-1), which no client would send."""
        line = f"GET {self.base}{target} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
        with socket.create_connection(("127.0.0.1", self.port), timeout=_PATIENCE_S) as conn:
            conn.sendall(line.encode("latin-1"))
            return b"".join(iter(lambda: conn.recv(65_536), b""))

    def pour(
        self, path: str, size: int, *, headers: Mapping[str, str], chunk: bytes = b"x" * 65_536
    ) -> tuple[int, int]:
        """Send a body in chunks until an answer comes, or all of it; gives back its status, and how much was sent."""
        told = {"Host": "127.0.0.1", "Transfer-Encoding": "chunked", **headers}
        head = "".join(f"{name}: {value}\r\n" for name, value in told.items())
        sent = 0
        with socket.create_connection(("127.0.0.1", self.port), timeout=_PATIENCE_S) as conn:
            conn.sendall(f"POST {self.base}{path} HTTP/1.1\r\n{head}\r\n".encode())
            with suppress(OSError):  # it does not listen any more
                while sent < size and not select.select([conn], [], [], 0)[0]:
                    conn.sendall(b"%x\r\n%b\r\n" % (len(chunk), chunk))
                    sent += len(chunk)
                conn.sendall(b"0\r\n\r\n")
            answer = conn.recv(65_536)
        return int(answer.split(b" ", 2)[1]), sent


@dataclass(frozen=True)
class Told:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        import json

        return json.loads(self.body)


@contextmanager
def waitress(environ: Mapping[str, str]) -> Iterator[Host]:
    """By our own command."""
    with _process([sys.executable, "-c", _COMMAND], environ) as process:
        yield Host("waitress", _port(process, r"http://127\.0\.0\.1:(\d+)"))


@contextmanager
def gunicorn(environ: Mapping[str, str]) -> Iterator[Host]:
    with socket.create_server(("127.0.0.1", 0)) as listening:  # it is too silent to say which port it took
        bound, port = f"fd://{listening.fileno()}", listening.getsockname()[1]
        command = [sys.executable, "-m", "gunicorn", *GUNICORN, "--bind", bound, "integrator.gateway.wsgi:application"]
        with _process(command, environ, listening.fileno()) as process:
            listening.close()
            _wait_for(port)
            yield Host("gunicorn", port)
            assert process.stdout is not None
            process.terminate()
            said = process.stdout.read()
            assert TOKEN not in said, said  # whatever it was asked


@contextmanager
def cgi(environ: Mapping[str, str]) -> Iterator[Host]:
    """A small server that starts our script for every request, as a web server does."""

    class Handler(_CgiHandler):
        environment = environ

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield Host("cgi", server.server_address[1], MOUNTED)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


HOSTS: dict[str, Callable[[Mapping[str, str]], AbstractContextManager[Host]]] = {
    "cgi": cgi,
    "waitress": waitress,
    "gunicorn": gunicorn,
}


class _CgiHandler(BaseHTTPRequestHandler):
    environment: Mapping[str, str] = {}

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return self._serve
        raise AttributeError(name)

    def _serve(self) -> None:
        length = self.headers.get("Content-Length")
        body = self.rfile.read(min(int(length or 0), 1_000_000))  # a web server, too, ends when the script has
        done = run_cgi(self._variables(), body, self.environment)
        head, _, content = done.stdout.replace(b"\r\n", b"\n").partition(b"\n\n")
        lines = dict(line.split(": ", 1) for line in head.decode().splitlines())
        self.send_response_only(int(lines.pop("Status").split()[0]))
        for name, value in (lines | {"Content-Length": str(len(content)), "Connection": "close"}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _variables(self) -> dict[str, str | bytes]:
        path, _, query = self.path.partition("?")
        told: dict[str, str | bytes]
        told = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in self.headers.items()}
        facts: dict[str, str | bytes] = {
            "REQUEST_METHOD": self.command,
            "QUERY_STRING": query.encode("latin-1"),  # the bytes that came, whatever they are
            "PATH_INFO": unquote_to_bytes(path.removeprefix(MOUNTED).encode("latin-1")),
        }
        facts |= {"CONTENT_TYPE": self.headers.get("Content-Type", ""), "SERVER_PROTOCOL": "HTTP/1.1"}
        facts |= {"SERVER_NAME": "127.0.0.1", "SERVER_PORT": str(self.server.server_address[1])}
        facts |= {"SCRIPT_NAME": MOUNTED, "REMOTE_ADDR": self.client_address[0], "GATEWAY_INTERFACE": "CGI/1.1"}
        return (
            told
            | facts
            | ({} if "Content-Length" not in self.headers else {"CONTENT_LENGTH": self.headers["Content-Length"]})
        )

    def log_message(self, *_: object) -> None: ...


def run_cgi(
    variables: Mapping[str, str] | Mapping[str, str | bytes], body: bytes, environ: Mapping[str, str]
) -> "subprocess.CompletedProcess[bytes]":
    """One start of the shipped script, by the Python of these tests."""
    return subprocess.run(
        [sys.executable, str(SCRIPT)],
        input=body,
        env={**environ, **variables},
        capture_output=True,
        check=False,
        timeout=_PATIENCE_S,
    )


@contextmanager
def _process(command: list[str], environ: Mapping[str, str], *handed: int) -> Iterator["subprocess.Popen[str]"]:
    env = {**environ, "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, pass_fds=handed
    )
    try:
        yield process
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=300)
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def _port(process: "subprocess.Popen[str]", pattern: str) -> int:
    """The port that a server says it listens at."""
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if found := re.search(pattern, line):
            port = int(found[1])
            threading.Thread(target=process.stdout.read, daemon=True).start()  # what else it says is let go
            _wait_for(port)
            return port
    raise AssertionError(f"it ended: {''.join(said)}")


def _wait_for(port: int) -> None:
    until = time.monotonic() + _PATIENCE_S
    while time.monotonic() < until:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
    raise AssertionError("nobody listens")


def environment(home: Path) -> dict[str, str]:
    return {"INTEGRATOR_HOME": str(home), "PATH": os.environ["PATH"], "TZ": "Europe/Copenhagen"}
