"""A way to a stand-in on which uploads break off in their middle; everything else passes as it is."""

import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from urllib.parse import urlsplit

MARK = b"/uploadDocumentation/"


class CutUploads:
    """While it is open, `url` leads to `to`; the next `left` uploads end after `after` bytes, with RST on both sides.

    Bytes are counted from the request line on; an upload that is shorter arrives. `cut` counts what was broken off.
    """

    def __init__(self, to: str, *, after: int, left: int = 1) -> None:
        parts = urlsplit(to)
        self._to = (parts.hostname or "", parts.port or 80)
        self._after, self.left, self.cut = after, left, 0
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}{parts.path}"

    def __enter__(self) -> "CutUploads":
        self._start(self._accept)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        # shutdown() wakes a thread that waits in a socket; close() alone would not.
        for sock in [self._listener, *self._open]:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for sock in [self._listener, *self._open]:
            sock.close()

    def _start(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._to)
                self._open += [client, server]
                self._start(self._asked, client, server)
                self._start(self._answered, client, server)

    def _asked(self, client: socket.socket, server: socket.socket) -> None:
        passed: int | None = None  # bytes of the upload that goes by now
        with suppress(OSError):
            while data := client.recv(4096):
                at = data.find(MARK)
                if at >= 0 and self.left > 0:
                    passed = -data.rfind(b"POST", 0, at)
                if passed is not None and passed + len(data) > self._after:
                    server.sendall(data[: self._after - passed])
                    self.left, self.cut = self.left - 1, self.cut + 1
                    _reset(client, server)
                    return
                passed = None if passed is None else passed + len(data)
                server.sendall(data)
        _end(server)

    def _answered(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while data := server.recv(4096):
                client.sendall(data)
        _end(client)


def _reset(*sockets: socket.socket) -> None:
    for sock in sockets:
        with suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            sock.shutdown(socket.SHUT_RD)  # wakes the other thread, which waits in it
            sock.close()


def _end(sock: socket.socket) -> None:
    with suppress(OSError):
        sock.shutdown(socket.SHUT_WR)
