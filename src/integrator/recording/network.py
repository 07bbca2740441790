"""What stands between a run and the network while it is recorded or replayed."""

import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, NoReturn
from unittest.mock import patch
from urllib.parse import parse_qsl, urlsplit

from integrator.errors import Refused
from integrator.recording.cassette import FAILURE, failures, from_vcr, to_vcr
from integrator.recording.leaves import ANYTHING
from integrator.recording.scrub import Exchange

if TYPE_CHECKING:
    import httpx
    from vcr.request import Request


class NotRecorded(Refused):
    """A replay wants something that the recording does not hold."""


class Clock:
    """Stands still at one moment; a wait moves it, and takes no time."""

    def __init__(self, at: float) -> None:
        self.now = at

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += max(0.0, seconds)


class Tape:
    """A recording being made, or being played: its exchanges, and the first request it did not hold."""

    def __init__(self, exchanges: Sequence[Exchange] = ()) -> None:
        self.exchanges = list(exchanges)
        self.played = 0
        self.gap: NotRecorded | None = None

    # what vcrpy calls a persister -----------------------------------------------------------------

    def load_cassette(self, path: str, serializer: Any) -> tuple[list[Any], list[Any]]:
        pairs = [to_vcr(exchange) for exchange in self.exchanges]
        return [request for request, _ in pairs], [response for _, response in pairs]

    def save_cassette(self, path: str, cassette: dict[str, Any], serializer: Any) -> None:
        """Nothing is written here: only at the end, when everybody's name is known."""
        pairs = zip(cassette["requests"], cassette["responses"], strict=True)
        self.exchanges = [from_vcr(request, response) for request, response in pairs]


@contextmanager
def recording(tape: Tape, *, ours: Callable[[str], bool]) -> Iterator[None]:
    """Everything sent to addresses that are ours goes onto the tape, also what got no answer."""
    import vcr

    def only_ours(request: "Request") -> "Request | None":
        return request if ours(request.uri) else None

    machine = vcr.VCR(record_mode="all", before_record_request=only_ours)
    machine.register_persister(tape)
    with machine.use_cassette("recording") as cassette, _transport(lambda send: _noting_failures(send, cassette)):
        yield


@contextmanager
def replaying(tape: Tape, clock: Clock) -> Iterator[None]:
    """Answers come from the tape, each once and in order; sockets are shut, and nobody waits."""
    import vcr

    machine = vcr.VCR(record_mode="none", match_on=("recorded",))
    machine.register_persister(tape)
    machine.register_matcher("recorded", _is_same)
    # A file of this name need not be there: the tape answers for it.
    with machine.use_cassette("recording") as cassette, _transport(lambda send: _from_tape(send, tape)):
        with _no_sockets(tape), patch.object(time, "sleep", clock.sleep):
            yield
        tape.played = cassette.play_count


_Send = Callable[[Any, "httpx.Request"], "httpx.Response"]


@contextmanager
def _transport(around: Callable[[_Send], _Send]) -> Iterator[None]:
    """Around the sending of a request; vcrpy's own patch sits one class below, on httpx.HTTPTransport."""
    from integrator.systems.http.request import load_httpx

    load_httpx()
    import httpx

    from integrator.systems.http.transport import DeadlineTransport

    def send(self: DeadlineTransport, request: "httpx.Request") -> "httpx.Response":
        return httpx.HTTPTransport.handle_request(self, request)

    with patch.object(DeadlineTransport, "handle_request", around(send)):
        yield


def _noting_failures(send: _Send, cassette: Any) -> _Send:
    """An exchange that broke is recorded, too: it is often what a recording is made for."""

    def noting(self: Any, request: "httpx.Request") -> "httpx.Response":
        import httpx
        from vcr.request import Request

        try:
            return send(self, request)
        except httpx.HTTPError as error:
            name = next((kind.__name__ for kind in type(error).__mro__ if kind.__name__ in failures()), "ReadError")
            asked = Request(request.method, str(request.url), b"".join(_stream(request)), dict(request.headers))
            response = {
                "status": {"code": 599, "message": ""},
                "headers": {FAILURE: [name]},
                "body": {"string": b""},
            }
            cassette.append(asked, response)
            raise

    return noting


def _stream(request: "httpx.Request") -> Any:
    return request.stream


def _from_tape(send: _Send, tape: Tape) -> _Send:
    def answered(self: Any, request: "httpx.Request") -> "httpx.Response":
        from vcr.errors import CannotOverwriteExistingCassetteException

        if tape.gap is not None:
            raise tape.gap
        try:
            response = send(self, request)
        except CannotOverwriteExistingCassetteException:
            tape.gap = _gap(request.method, str(request.url))
        if tape.gap is not None:
            raise tape.gap
        name = response.headers.get(FAILURE)
        if name:
            raise failures()[name]("as recorded", request=request)  # type: ignore[call-arg]  # all of httpx's take it
        return response

    return answered


def _gap(method: str, url: str) -> NotRecorded:
    parts = urlsplit(url)
    shown = parts.path + (f"?{parts.query}" if parts.query else "")
    return NotRecorded(
        f"replay: the recording holds no (further) {method} {parts.hostname}{shown[:300]}",
        hint="the store this replay works on, the options or the code differ from those of the recorded run",
    )


def _is_same(asked: "Request", recorded: "Request") -> None:
    """Method, place and query; the body is ours and may differ between versions. What is free may be missing, too."""
    free = {name for name, value in _query(recorded) if value == ANYTHING}
    first, second = (_place(request, free) for request in (asked, recorded))
    assert first == second, f"{first} is not {second}"


def _query(request: "Request") -> list[tuple[str, str]]:
    return parse_qsl(urlsplit(request.uri).query, keep_blank_values=True)


def _place(request: "Request", free: set[str]) -> tuple[str, str, str, list[tuple[str, str]]]:
    parts = urlsplit(request.uri)
    query = sorted((name, value) for name, value in _query(request) if name not in free)
    return request.method, parts.hostname or "", parts.path, query


@contextmanager
def _no_sockets(tape: Tape) -> Iterator[None]:
    """The second fence: whoever goes around the tape is stopped before a byte leaves."""

    def refuse(*arguments: Any, **options: Any) -> NoReturn:
        tape.gap = tape.gap or NotRecorded(
            "replay: something wanted to open a connection beside the recording; nothing was sent"
        )
        raise tape.gap

    with ExitStack() as stack:
        for name in ("connect", "connect_ex", "sendto", "sendmsg", "bind"):
            stack.enter_context(patch.object(socket.socket, name, refuse))
        for name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex", "gethostbyaddr", "create_connection"):
            stack.enter_context(patch.object(socket, name, refuse))
        yield
