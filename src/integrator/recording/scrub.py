"""Exchanges as they were → exchanges fit to be sent to a colleague: what no system allows is replaced.

All of a recording is read before any of it is written: a name met in the last answer is replaced in the first.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from json import dumps, loads
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from integrator.recording.freetext import FreeText
from integrator.recording.headers import Headers, header, kept, sent_headers_of, unpacked
from integrator.recording.jsontree import Object, mended, parsed, written
from integrator.recording.leaves import Leaves
from integrator.recording.madeup import MadeUp
from integrator.recording.multipart import Part, is_form, parts_in, text_of
from integrator.systems.recordable import Anywhere, Call, Fields, Items, Leaf, May, Recordable, Said, Shape, Words

_Act = Callable[[Leaf, Any], Any]

_FIELD_NAME = re.compile(r"[A-Za-z_@$][A-Za-z0-9_.@$:-]{0,63}")
_PLAIN_SEGMENT = re.compile(r"[a-z][a-z_-]{0,30}|v\d{1,3}|ver\d{1,3}|")
_BROKEN = '[{"recorded": "cut or broken'
_UNKNOWN = Call(re.compile(""))  # nothing of it may stay


@dataclass(frozen=True)
class System:
    """A system in use: name, base_url as configured, and what it allows (None: nothing)."""

    name: str
    base_url: str
    allows: Recordable | None = None

    @property
    def host(self) -> str:
        return f"{self.name.replace('_', '-')}.example.org"

    def below(self, url: str) -> str | None:
        """The path below base_url, None when the address is another system's."""
        ours, theirs = urlsplit(self.base_url), urlsplit(url)
        if (ours.scheme, ours.hostname, _port(self.base_url)) != (theirs.scheme, theirs.hostname, _port(url)):
            return None
        base = ours.path.rstrip("/")
        return theirs.path[len(base) :] if theirs.path == base or theirs.path.startswith(base + "/") else None

    def call(self, path: str) -> Call:
        """What may stay of a call, by its path below base_url, as it stands in the address."""
        found = (self.allows.call(path) or self.allows.call(unquote(path))) if self.allows else None
        return found or _UNKNOWN


def _host(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def _port(url: str) -> int | None:
    parts = urlsplit(url)
    return parts.port or {"https": 443, "http": 80}.get(parts.scheme)


@dataclass(frozen=True)
class Exchange:
    """A request and its answer. failure: the name of the httpx error there was instead of an answer."""

    method: str
    url: str
    sent_headers: Headers = field(default_factory=dict)
    sent: bytes = b""
    status: int = 0
    reason: str = ""
    headers: Headers = field(default_factory=dict)
    body: bytes = b""
    failure: str = ""


def system_of(url: str, systems: Sequence[System]) -> System | None:
    """Whose address it is; the longest base_url counts."""
    fitting = [system for system in systems if system.below(url) is not None]
    return max(fitting, key=lambda system: len(system.base_url), default=None)


class Scrubber:
    """Replaces in all exchanges of one recording at once; made_up is what was replaced by what."""

    def __init__(self, systems: Sequence[System], made_up: MadeUp) -> None:
        self._systems = systems
        self._made_up = made_up
        self._free = FreeText(made_up)
        self._leaves = Leaves(made_up, self._free, self._link)
        for system in systems:
            made_up.name_host(urlsplit(system.base_url).netloc, system.host)
            made_up.name_host(urlsplit(system.base_url).hostname or "", system.host)

    def scrubbed(self, exchanges: Iterable[Exchange]) -> list[Exchange]:
        """Every exchange with a system of ours, in order, with made-up values where nothing else is allowed."""
        ours = [(system, exchange) for exchange in exchanges if (system := system_of(exchange.url, self._systems))]
        for system, exchange in ours:
            self._one(system, exchange, self._leaves.learn)
        return [self._one(system, exchange, self._leaves.replaced) for system, exchange in ours]

    def learn(self, shape: Shape, value: Any) -> None:
        """Look at what will be replaced beside the exchanges, before they are: its people are in them, too."""
        self._walk(shape, parsed(dumps(value)), self._leaves.learn)

    def replaced(self, shape: Shape, value: Any) -> Any:
        """A value of plain JSON beside the exchanges, by the same table."""
        return loads(written(self._walk(shape, parsed(dumps(value)), self._leaves.replaced)))

    def text(self, text: str) -> str:
        """A free text beside the exchanges (a comment in a mapping file)."""
        return self._free.cleaned(text)

    def _one(self, system: System, exchange: Exchange, act: _Act) -> Exchange:
        path = system.below(exchange.url) or ""
        call, loose = system.call(path), bool(system.allows and system.allows.loose)
        self._leaves.empty = system.allows.empty if system.allows else frozenset()
        headers, body = unpacked(exchange.headers, exchange.body)
        packed = "content-encoding" in headers
        return replace(
            exchange,
            url=self._url(system, path, urlsplit(exchange.url).query, call, act),
            sent_headers=sent_headers_of(exchange.sent_headers),
            sent=self._body(exchange.sent, exchange.sent_headers, call.request, act, loose=loose),
            reason=exchange.reason if re.fullmatch(r"[A-Za-z' -]{0,40}", exchange.reason) else "",
            headers=kept(headers) | self._elsewhere(headers) | ({"content-encoding": ["gzip"]} if packed else {}),
            body=body if packed else self._body(body, headers, call.answer, act, loose=loose),
        )

    def _elsewhere(self, headers: Headers) -> Headers:
        """Where a redirect points, as far as its host."""
        host = _host(header(headers, "location"))
        return {"location": [f"https://{self._made_up.host(host)}/"]} if host else {}

    # addresses ----------------------------------------------------------------------------------

    def _url(self, system: System, path: str, query: str, call: Call, act: _Act) -> str:
        declared, kinds = bool(call.path.pattern), _kinds(path, call)
        path, hidden = _without_hidden(path, call)
        segments = [
            act(kinds[at], unquote(part)) if at in kinds else self._segment(unquote(part), act, declared=declared)
            for at, part in enumerate(path.split("/"))
        ]
        segments += [self._made_up.page(hidden)] if hidden else []
        pairs = [
            (self._field_name(name), self._walk(call.query.get(name, May.NOTHING), value, act))
            for name, value in parse_qsl(query, keep_blank_values=True)
        ]
        behind = f"?{urlencode(pairs)}" if pairs else ""
        return f"https://{system.host}" + "/".join(quote(part, safe=":@,") for part in segments) + behind

    def _segment(self, part: str, act: _Act, *, declared: bool) -> str:
        if not declared and _PLAIN_SEGMENT.fullmatch(part):
            return part
        if part in self._made_up.own:
            return self._made_up.own[part]
        found: str = act(May.CODE if declared else May.NOTHING, part)
        return found

    def _link(self, address: str) -> str:
        """An address in an answer that is asked later: it becomes what that request becomes."""
        system = system_of(address, self._systems)
        if system is None or not (path := system.below(address)):
            return self._free.cleaned(address)
        return self._url(system, path, urlsplit(address).query, system.call(path), self._leaves.replaced)

    # bodies -------------------------------------------------------------------------------------

    def _body(self, body: bytes, headers: Headers, shape: Shape, act: _Act, *, loose: bool) -> bytes:
        if not body:
            return body
        content_type = header(headers, "content-type")
        if is_form(content_type):
            return text_of([self._part(part, shape, act) for part in parts_in(body, content_type)]).encode()
        charset = (re.findall(r"charset=\"?([\w-]+)", content_type) or ["utf-8"])[0]
        try:
            text = body.decode(charset)
        except (UnicodeDecodeError, LookupError):
            return body[:2] + b"\xff" if body[:2] in (b"\xff\xfe", b"\xfe\xff") else b'[{"recorded": "\xff"}]'
        mark, text = ("\ufeff", text[1:]) if text.startswith("\ufeff") else ("", text)
        if "x-www-form-urlencoded" in content_type:
            return self._form(text, shape, act).encode()
        for read, end in ((parsed, ""), *([(mended, ",")] if loose else [])):
            try:
                found = written(self._walk(shape, read(text), act))
                return (mark + found[:-1] + end + found[-1]).encode(charset, "backslashreplace")
            except ValueError:
                continue
        return (mark + self._foreign(text)).encode()

    def _form(self, text: str, shape: Shape, act: _Act) -> str:
        pairs = parse_qsl(text, keep_blank_values=True)
        return urlencode([(self._key(shape, n), self._walk(_inner(shape, n, v), v, act)) for n, v in pairs])

    def _part(self, part: Part, shape: Shape, act: _Act) -> Part:
        """One field of a multipart form. Of a file only its kind and its size are left."""
        name = self._key(shape, part.name)
        if part.filename is not None:
            return replace(part, name=name, filename=act(May.NOTHING, part.filename), value="")
        return replace(part, name=name, value=self._walk(_inner(shape, part.name, part.value), part.value, act))

    def _foreign(self, text: str) -> str:
        """Something that is not JSON: only its kind is kept, because that is what a reader of it would notice."""
        start = text.lstrip()[:1]
        if start == "<":
            return f"<html><body>{self._made_up.text(text)}</body></html>"
        return _BROKEN if start in ("[", "{") else self._made_up.text(text) if start else text

    def _walk(self, shape: Shape, value: Any, act: _Act) -> Any:
        if isinstance(value, Object):
            return Object((self._key(shape, name), self._walk(_inner(shape, name, of), of, act)) for name, of in value)
        if isinstance(value, list):
            inner = shape.of if isinstance(shape, Items) else shape
            return [self._walk(inner, entry, act) for entry in value]
        while isinstance(shape, Items | Fields):
            shape = shape.of if isinstance(shape, Items) else shape.rest
        return act(shape if isinstance(shape, May | Words | Said) else May.NOTHING, value)

    def _key(self, shape: Shape, name: str) -> str:
        while isinstance(shape, Items):
            shape = shape.of
        known = shape.get(name) if isinstance(shape, Fields) else isinstance(shape, Anywhere) and name in shape.of
        return name if known else self._field_name(name)

    def _field_name(self, name: str) -> str:
        if not _FIELD_NAME.fullmatch(name):
            return self._made_up.text(name) if name.strip() else name
        return self._free.without_names(name, parts=False)


def _inner(shape: Shape, name: str, value: Any) -> Shape:
    """What holds for a field of an object that has this shape."""
    while isinstance(shape, Items):
        shape = shape.of
    if isinstance(shape, Fields):
        return shape.get(name) or shape.rest
    if isinstance(shape, Anywhere):
        deeper = isinstance(value, Object) or (isinstance(value, list) and any(isinstance(of, list) for of in value))
        return shape if deeper else shape.of.get(name, May.NOTHING)
    return May.NOTHING


def _without_hidden(path: str, call: Call) -> tuple[str, str]:
    """(the path up to what the call hides, what it hides)."""
    found = call.path.fullmatch(unquote(path))
    if not found or not found.groupdict().get("hidden"):
        return path, ""
    segments, before = path.split("/"), found.string[: found.start("hidden")].count("/")
    return "/".join(segments[:before]), "/".join(segments[before:])


def _kinds(path: str, call: Call) -> dict[int, May]:
    """What may stay of the segments that a call names, by their place."""
    found = call.path.fullmatch(path) if call.segments else None
    return {path[: found.start(name)].count("/"): kind for name, kind in call.segments.items()} if found else {}
