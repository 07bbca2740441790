"""The file: written whole or not at all, for the owner alone; read with care, because somebody sent it."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from integrator.errors import ConfigError, Problem, UsageError
from integrator.recording.headers import Headers
from integrator.recording.scrub import Exchange

if TYPE_CHECKING:
    from vcr.request import Request

FORMAT = 1  # of our metadata; the rest is vcrpy's format 1
FAILURE = "x-recorded-failure"
_LIMIT = 512_000_000


@dataclass(frozen=True)
class Cassette:
    """What a file holds: what a replay needs to know, and the exchanges in their order."""

    metadata: dict[str, Any]
    exchanges: list[Exchange]


def need_vcr(*, offline: bool = False) -> None:
    """Load vcrpy. Errors  ConfigError: the extra is not installed

    offline   no socket is opened meanwhile: vcrpy loads urllib3 where that is there, which tries out IPv6
    """
    import socket
    from unittest.mock import patch

    try:
        with patch.object(socket, "has_ipv6", socket.has_ipv6 and not offline):
            import vcr  # noqa: F401
    except ImportError:
        what = "--record and --replay need vcrpy: pip install 'integrator[record]'"
        raise ConfigError([Problem("this installation", what)]) from None
    import logging

    logging.getLogger("vcr").setLevel(logging.WARNING)  # at INFO it logs whole requests


# writing ----------------------------------------------------------------------------------------


def check_target(path: Path) -> None:
    """Make sure before a run that its recording can be kept. Errors  UsageError"""
    if path.exists() or path.is_symlink():
        raise UsageError(f"--record {path}: the file is there already; a recording replaces nothing")
    if not os.access(path.absolute().parent, os.W_OK | os.X_OK):
        raise UsageError(f"--record {path}: {path.absolute().parent} is no folder we can write into")


def text_of(cassette: Cassette) -> str:
    """The file's text: metadata first, bodies readable."""

    class Dumper(_dumper()):  # type: ignore[misc]  # libyaml's class, or the plain one where that is missing
        """Texts of several lines as they are."""

    def text(dumper: Any, value: str) -> Any:
        style = "|" if "\n" in value else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)

    Dumper.add_representer(str, text)
    whole = {
        "version": 1,
        "metadata": {"format": FORMAT, **cassette.metadata},
        "interactions": [_interaction(exchange) for exchange in cassette.exchanges],
    }
    written: str = _yaml().dump(whole, Dumper=Dumper, allow_unicode=True, sort_keys=False, width=1_000_000_000)
    return written


def save(path: Path, text: str) -> None:
    """Write the file at once and for the owner alone; never in the place of another.

    Errors  UsageError: it cannot be written, or has come into being meanwhile
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(text.encode("utf-8"))
                file.flush()
                os.fsync(file.fileno())
            os.link(draft, path)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(f"--record {path}: the recording could not be written: {error.strerror}") from None


def _interaction(exchange: Exchange) -> dict[str, Any]:
    headers = {FAILURE: [exchange.failure]} if exchange.failure else exchange.headers
    return {
        "request": {
            "method": exchange.method,
            "uri": exchange.url,
            "headers": exchange.sent_headers,
            "body": _shown(exchange.sent),
        },
        "response": {
            "status": {"code": exchange.status or 599, "message": exchange.reason},
            "headers": headers,
            "body": {"string": _shown(exchange.body)},
        },
    }


def _shown(body: bytes) -> str | bytes:
    """Text where it is UTF-8 that YAML gives back unchanged; else bytes."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        return body
    return text if "\r" not in text else body


# reading ----------------------------------------------------------------------------------------


def load(path: Path) -> Cassette:
    """Read a file and check all of it.

    Errors  UsageError: missing, not YAML, not one of our recordings; says what is wrong
    """
    yaml = _yaml()
    try:
        if path.stat().st_size > _LIMIT:
            raise UsageError(f"--replay {path}: is larger than any recording of ours")
        whole = yaml.load(path.read_bytes(), Loader=_loader())
    except OSError as error:
        raise UsageError(f"--replay {path}: cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1})" if mark else ""
        raise UsageError(f"--replay {path}: is damaged: not YAML as a recording has it{where}") from None
    reader = _Reader(path)
    metadata = reader.take(whole, "metadata", dict)
    if reader.take(metadata, "metadata.format", int) != FORMAT:
        raise UsageError(f"--replay {path}: was recorded by another version of integrator; record it again")
    interactions = reader.take(whole, "interactions", list)
    return Cassette(metadata, [reader.exchange(number, raw) for number, raw in enumerate(interactions, 1)])


class _Reader:
    def __init__(self, path: Path) -> None:
        self._path = path

    def take(self, of: Any, name: str, kind: type, *, before: str = "") -> Any:
        """One value by the last part of its dotted name."""
        value = of.get(name.rpartition(".")[2]) if isinstance(of, dict) else None
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise UsageError(f"--replay {self._path}: is no recording of ours: {before}{name} is missing or wrong")
        return value

    def exchange(self, number: int, raw: Any) -> Exchange:
        before = f"interaction {number}: "
        request = self.take(raw, "request", dict, before=before)
        response = self.take(raw, "response", dict, before=before)
        status = self.take(response, "response.status", dict, before=before)
        body = self.take(response, "response.body", dict, before=before)
        headers = self._headers(response, "response.headers", before)
        failure = next(iter(headers.get(FAILURE, [])), "")
        if failure and failure not in failures():
            raise UsageError(f"--replay {self._path}: is no recording of ours: {before}{failure!r} is no failure")
        return Exchange(
            method=self.take(request, "request.method", str, before=before),
            url=self.take(request, "request.uri", str, before=before),
            sent_headers=self._headers(request, "request.headers", before),
            sent=self._body(request, "request.body", before),
            status=self.take(status, "response.status.code", int, before=before),
            reason=str(status.get("message") or ""),
            headers=headers,
            body=self._body(body, "response.body.string", before),
            failure=failure,
        )

    def _body(self, of: dict[str, Any], name: str, before: str) -> bytes:
        if of.get(name.rpartition(".")[2]) is None:
            return b""
        found = self.take(of, name, object, before=before)
        if not isinstance(found, str | bytes):
            raise UsageError(f"--replay {self._path}: is no recording of ours: {before}{name} is missing or wrong")
        return found.encode("utf-8") if isinstance(found, str) else found

    def _headers(self, of: dict[str, Any], name: str, before: str) -> Headers:
        found = self.take(of, name, dict, before=before)
        for key, values in found.items():
            if not (isinstance(key, str) and isinstance(values, list) and all(isinstance(v, str) for v in values)):
                raise UsageError(f"--replay {self._path}: is no recording of ours: {before}{name} is missing or wrong")
        return dict(found)


def failures() -> dict[str, type[Exception]]:
    """What can go wrong instead of an answer: httpx's errors by name."""
    import httpx

    names = (
        "ConnectError ConnectTimeout PoolTimeout ReadError ReadTimeout WriteError WriteTimeout CloseError"
        " LocalProtocolError RemoteProtocolError DecodingError TooManyRedirects UnsupportedProtocol ProxyError"
    )
    return {name: getattr(httpx, name) for name in names.split()}


def _yaml() -> Any:
    import yaml  # type: ignore[import-untyped]  # PyYAML has no types; vcrpy brings it

    return yaml


def _loader() -> Any:
    return getattr(_yaml(), "CSafeLoader", _yaml().SafeLoader)


def _dumper() -> Any:
    return getattr(_yaml(), "CSafeDumper", _yaml().SafeDumper)


# between vcrpy and us ---------------------------------------------------------------------------


def from_vcr(request: "Request", response: dict[str, Any]) -> Exchange:
    """One of vcrpy's interactions."""
    body = request.body
    return Exchange(
        method=request.method,
        url=request.uri,
        sent_headers={name: [value] for name, value in request.headers.items()},
        sent=body if isinstance(body, bytes) else b"".join(body) if body else b"",
        status=response["status"]["code"],
        reason=str(response["status"].get("message") or ""),
        headers=response["headers"],
        body=response["body"]["string"] or b"",
        failure=next(iter(response["headers"].get(FAILURE, [])), ""),
    )


def to_vcr(exchange: Exchange) -> tuple["Request", dict[str, Any]]:
    """The same the other way round."""
    from vcr.request import Request

    raw = _interaction(exchange)
    headers = {name: values[0] for name, values in exchange.sent_headers.items() if values}
    request = Request(exchange.method, exchange.url, exchange.sent, headers)
    return request, {**raw["response"], "body": {"string": exchange.body}}
