"""httpx's transport, with every read, write and connect inside the deadline of its request.

Importing this module imports httpx: only client.py does, when the first request is made.
"""

import socket
import ssl
from collections.abc import Iterable
from functools import cache
from typing import Any

import httpcore
import httpx

from integrator.systems.http.deadline import left_s
from integrator.systems.http.leaving import cut

_WRITE_BYTES = 16 * 1024


class DeadlineStream(httpcore.NetworkStream):
    """A connection whose every operation is cut off at the deadline; httpx's own timeouts are per read."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, left_s(httpcore.ReadTimeout, at_most=timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        # In pieces: the stream below gives every send() of a long write the whole timeout again.
        for start in range(0, len(buffer), _WRITE_BYTES):
            piece = buffer[start : start + _WRITE_BYTES]
            try:
                self._stream.write(piece, left_s(httpcore.WriteTimeout, at_most=timeout))
            except (httpcore.WriteError, httpcore.WriteTimeout):
                cut()
                raise

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        try:
            seconds = left_s(httpcore.ConnectTimeout, at_most=timeout)
        except httpcore.ConnectTimeout:
            self.close()  # as a failed handshake does; nobody else would
            raise
        return DeadlineStream(self._stream.start_tls(ssl_context, server_hostname, seconds))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class DeadlineBackend(httpcore.NetworkBackend):
    """Connects inside the deadline. (Resolving a name is the C library's: bounded by resolv.conf, not by us.)"""

    def __init__(self) -> None:
        self._plain = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Try each address of the name; a dead one takes only its share of what is left."""
        addresses = _addresses(host, port)
        failure: Exception = httpcore.ConnectError("the name has no address")
        for tried, place in enumerate(addresses):
            try:
                seconds = left_s(httpcore.ConnectTimeout, at_most=timeout, share=len(addresses) - tried)
                return DeadlineStream(self._plain.connect_tcp(place, port, seconds, local_address, socket_options))
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure


def _addresses(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise httpcore.ConnectError(str(error)) from error
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@cache
def _context() -> ssl.SSLContext:
    """Reading the certificates of all authorities takes longer than a request; they stay the same in a process."""
    return httpx.create_ssl_context(verify=True, trust_env=False)


class DeadlineTransport(httpx.HTTPTransport):
    """HTTP/1.1, verified TLS, no proxies, no environment. handle_request stays httpx's own: vcrpy patches it there."""

    def __init__(self) -> None:
        context = _context()
        limits = httpx.Limits(max_connections=100, max_keepalive_connections=20, keepalive_expiry=5.0)
        super().__init__(verify=context, trust_env=False, http1=True, http2=False, limits=limits)
        # httpx has no public way to hand a network backend to its pool. `_pool` is the one private name we use; a test
        # holds its options against httpx's. It may go when HTTPTransport takes a network_backend.
        self._pool = httpcore.ConnectionPool(
            ssl_context=context,
            max_connections=limits.max_connections,
            max_keepalive_connections=limits.max_keepalive_connections,
            keepalive_expiry=limits.keepalive_expiry,
            http1=True,
            http2=False,
            network_backend=DeadlineBackend(),
        )
