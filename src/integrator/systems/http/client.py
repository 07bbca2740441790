"""One client per system and run: bounded reads that may be repeated, writes that never are."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from integrator.errors import BadAnswer, IntegratorError, Unavailable
from integrator.systems.http.addresses import checked_base
from integrator.systems.http.deadline import within
from integrator.systems.http.failures import exchange_error, in_doubt, read_status_error, status_error
from integrator.systems.http.leaving import leaving
from integrator.systems.http.reading import Download, Headers, Reply, codec_of, declared_charset, decoded, to_utf8
from integrator.systems.http.request import Ask, HeaderValues, Params, Sealed, built, make_client
from integrator.systems.http.spool import spool

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")
DEFAULT_MAX_BYTES = 10_000_000


class Patient(Protocol):
    """Calls again what may be called again: runtime/patience.py, handed in by the wiring."""

    def __call__(self, fn: Callable[[], T], /) -> T: ...


def once(fn: Callable[[], T], /) -> T:
    """No patience at all."""
    return fn()


class Http:
    """What an adapter asks its system through. Made cheaply; httpx is imported by the first request.

    Safe to use from many threads. Header, form and parameter values may be secrets (anything with reveal()).
    """

    def __init__(
        self,
        *,
        system: str,
        base_url: str,
        headers: HeaderValues | None = None,
        auth: tuple[str, str | Sealed] | None = None,
        timeout_s: float = 30.0,
        patience: Patient | None = None,
        user_agent: str,
        remaining_s: Callable[[], float] | None = None,
    ) -> None:
        """headers may replace Accept; remaining_s is the run's budget left: no request gets more than that.

        Errors  ConfigError: a base_url that we must not send secrets to
        """
        self.system = system
        self.base_url = checked_base(base_url, system=system)
        ours = {"User-Agent": user_agent, "Accept": "application/json", "Accept-Encoding": "gzip"}
        self._headers: HeaderValues = {**ours, **(headers or {})}
        self._auth = auth
        self._timeout_s = timeout_s
        self._patience: Patient = patience or once
        self._remaining_s = remaining_s or (lambda: float("inf"))
        self._lock = threading.Lock()
        self._made: httpx.Client | None = None

    def __repr__(self) -> str:
        return f"Http({self.system})"

    # reads: patience may repeat them ---------------------------------------------------------

    def get(
        self,
        path: str,
        *,
        doing: str,
        params: Params | None = None,
        timeout_s: float | None = None,
        max_bytes: int = DEFAULT_MAX_BYTES,
        ok: Collection[int] = (200,),
        headers: HeaderValues | None = None,
        patience: Patient | None = None,
    ) -> Reply:
        """Read. ok are the statuses the caller takes; every other one is an error.

        patience instead of the client's own: once, for a caller with a deadline over all its tries
        Units   max_bytes counts what is unpacked
        Errors  Unavailable (to be had later), Refused (3xx, 4xx), BadAnswer (too_big, gzip_bomb, bad_compression)
        """
        ask = self._ask("GET", path, doing, timeout_s, max_bytes, params=params, headers=headers)
        return (patience or self._patience)(lambda: self._read(ask, ok, _reply))

    def options(
        self,
        path: str,
        *,
        doing: str,
        params: Params | None = None,
        timeout_s: float | None = None,
        max_bytes: int = DEFAULT_MAX_BYTES,
        ok: Collection[int] = (200,),
        headers: HeaderValues | None = None,
    ) -> Reply:
        """Read what may be asked of a path; otherwise as get."""
        ask = self._ask("OPTIONS", path, doing, timeout_s, max_bytes, params=params, headers=headers)
        return self._patience(lambda: self._read(ask, ok, _reply))

    def ask(
        self,
        path: str,
        *,
        doing: str,
        form: Mapping[str, Any],
        timeout_s: float | None = None,
        max_bytes: int = DEFAULT_MAX_BYTES,
        ok: Collection[int] = (200,),
        headers: HeaderValues | None = None,
    ) -> Reply:
        """Read by a POST of a form that changes nothing there, so that patience may repeat it; otherwise as get."""
        ask = self._ask("POST", path, doing, timeout_s, max_bytes, headers=headers, body={"data": form})
        return self._patience(lambda: self._read(ask, ok, _reply))

    def download(
        self,
        path: str,
        target: Path,
        *,
        doing: str,
        max_bytes: int,
        params: Params | None = None,
        timeout_s: float | None = None,
        headers: HeaderValues | None = None,
    ) -> Download:
        """Read into a file of mode 0600, never holding more than a piece of it. A failed read leaves no file.

        Errors  as get; BadAnswer also bad_encoding; StoreDamaged: the file cannot be written
        """
        ask = self._ask("GET", path, doing, timeout_s, max_bytes, params=params, headers=headers)
        return self._patience(lambda: self._read(ask, (200,), lambda ask, answer: _download(ask, answer, target)))

    # writes: once, and every complete answer is the caller's to judge ---------------------------

    def send(
        self,
        method: str,
        path: str,
        *,
        doing: str,
        json: Any = None,
        form: Mapping[str, Any] | None = None,
        files: Any = None,
        params: Params | None = None,
        timeout_s: float | None = None,
        max_bytes: int = DEFAULT_MAX_BYTES,
        headers: HeaderValues | None = None,
    ) -> Reply:
        """Write, exactly once. A complete answer comes back, also 4xx and 5xx; status_error() says what it means.

        Shape   json; or form, urlencoded; or form with files, multipart, as httpx takes them
        Errors  Unavailable, BadRecord: certainly nothing was sent. InDoubt: it may have been done (a redirect, too);
                with code "cut" only a part was sent, and it was not
        """
        bodies = {"json": json, "data": form, "files": files}
        body = {name: part for name, part in bodies.items() if part is not None}
        ask = self._ask(method, path, doing, timeout_s, max_bytes, params=params, headers=headers, body=body)
        reply = self._write(ask)
        if 300 <= reply.status < 400:
            raise status_error(reply, self.system, doing)
        return reply

    def close(self) -> None:
        """Close the connections. (A later request opens new ones.)"""
        with self._lock:
            made, self._made = self._made, None
        if made:
            made.close()

    # how --------------------------------------------------------------------------------------

    def _ask(self, method: str, path: str, doing: str, timeout_s: float | None, max_bytes: int, **values: Any) -> Ask:
        wait_s = self._timeout_s if timeout_s is None else timeout_s
        return Ask(method, path, f"{self.system}: {doing}", wait_s, max_bytes, **values)

    def _read(self, ask: Ask, ok: Collection[int], take: Callable[[Ask, httpx.Response], T]) -> T:
        request, seconds = self._request(ask)
        import httpx

        ours: IntegratorError
        try:
            with self._answer(request, seconds) as answer:
                if answer.status_code in ok:
                    return take(ask, answer)
                where = str(request.url.copy_with(query=None))
                ours = read_status_error(
                    answer.status_code, _headers(answer), system=self.system, about=ask.about, url=where
                )
        except httpx.HTTPError as theirs:
            ours = exchange_error(theirs, about=ask.about, seconds=seconds, write=False)
        raise ours  # out here, without theirs: httpx's exception holds the request, and that its headers

    def _write(self, ask: Ask) -> Reply:
        request, seconds = self._request(ask)
        import httpx

        ours: IntegratorError
        with leaving() as watched:
            try:
                with self._answer(request, seconds) as answer:
                    reply = _reply(ask, answer)
                return replace(reply, early=True) if watched.cut else reply
            except httpx.HTTPError as theirs:
                ours = exchange_error(theirs, about=ask.about, seconds=seconds, write=True, cut=watched.cut)
            except (BadAnswer, Unavailable) as unread:
                ours = in_doubt(unread, cut=watched.cut)
        raise ours

    def _request(self, ask: Ask) -> tuple[httpx.Request, float]:
        """The request and its seconds. Errors here: nothing was sent."""
        seconds = min(ask.timeout_s, self._remaining_s())
        if seconds <= 0:
            raise Unavailable(f"{ask.about}: the run's time is used up; nothing was sent")
        return built(self._client(), ask, system=self.system, base=self.base_url, seconds=seconds), seconds

    @contextmanager
    def _answer(self, request: httpx.Request, seconds: float) -> Iterator[httpx.Response]:
        """Send, and hold the answer open while its body is read, all within so many seconds."""
        with within(seconds):
            answer = self._client().send(request, stream=True)
            try:
                yield answer
            finally:
                answer.close()

    def _client(self) -> httpx.Client:
        with self._lock:
            if self._made is None:
                self._made = make_client(self.system, self._headers, self._auth)
            return self._made


def _headers(answer: httpx.Response) -> Headers:
    return Headers(answer.headers.multi_items())


def _pieces(ask: Ask, answer: httpx.Response, headers: Headers) -> Iterator[bytes]:
    """The body unpacked by us: httpx would inflate a whole chunk at once, and a bomb with it."""
    encoding = headers.get("content-encoding", "")
    return decoded(answer.iter_raw(), encoding=encoding, max_bytes=ask.max_bytes, about=ask.about)


def _reply(ask: Ask, answer: httpx.Response) -> Reply:
    headers = _headers(answer)
    return Reply(answer.status_code, headers, b"".join(_pieces(ask, answer, headers)), ask.about)


def _download(ask: Ask, answer: httpx.Response, target: Path) -> Download:
    headers = _headers(answer)
    content_type = headers.get("content-type", "")
    # XML stays as it came: it may name its encoding inside, and would then be read wrongly.
    codec = None if "xml" in content_type.lower() else codec_of(content_type, about=ask.about)
    pieces = to_utf8(_pieces(ask, answer, headers), codec, about=ask.about)
    size, digest = spool(pieces, target)
    return Download(target, size, digest, content_type, declared_charset(content_type), headers)
