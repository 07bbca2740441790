"""The single page and its scripts. Every address of a page gives the same shell: the script looks at the address."""

from functools import cache
from importlib.resources import files

from integrator.standins.base import Answer, Request

_KINDS = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8"}
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "connect-src 'self'; img-src data:",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
_NOTHING = Answer(404, "Not Found", _HEADERS, "text/plain; charset=utf-8")


def answer(request: Request) -> Answer:
    """The shell, or one of its scripts and styles."""
    if request.method not in {"GET", "HEAD"}:
        return Answer(405, "Method Not Allowed", _HEADERS, "text/plain; charset=utf-8")
    folder, _, name = request.path.removeprefix("/").partition("/")
    if folder == "assets":
        return _asset(name)
    if "." in request.path:
        return _NOTHING
    return Answer(200, _read("index.html"), _HEADERS, "text/html; charset=utf-8")


def _asset(name: str) -> Answer:
    kind = _KINDS.get(name.rpartition(".")[2])
    if kind is None or name not in _names():
        return _NOTHING
    return Answer(200, _read(name), _HEADERS, kind)


@cache
def _names() -> frozenset[str]:
    return frozenset(file.name for file in (files(__package__) / "static").iterdir())


@cache
def _read(name: str) -> bytes:
    return (files(__package__) / "static" / name).read_bytes()
