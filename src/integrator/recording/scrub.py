"""Exchanges as they were → exchanges fit to be sent to a colleague: what no system allows is replaced.

All of a recording is read before any of it is written: a name met in the last answer is replaced in the first.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from html import unescape
from json import dumps, loads
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from integrator.recording.freetext import EMAIL, FreeText
from integrator.recording.headers import Headers, header, kept, sent_headers_of, unpacked
from integrator.recording.jsontree import Number, Object, parsed, written
from integrator.recording.madeup import WORD, MadeUp, phone_digits
from integrator.recording.multipart import Part, is_form, parts_in, text_of
from integrator.systems.recordable import Anywhere, Call, Fields, Items, May, Recordable, Shape, Words

_Act = Callable[[May | Words, Any], Any]

_CODE = re.compile(r"[A-Za-z0-9_/-][A-Za-z0-9._:/,+?=&%-]{0,8000}")
_MOMENT = re.compile(r"[\d\s.:/+,TZ-]{4,40}|\d{1,2}\.? ?[a-zæøå]{3,10}\.?,? \d{4}", re.IGNORECASE)
_NUMBER = re.compile(r"\s*[+-]?\d[\d., ]{0,20}(?:\s[A-Za-zÆØÅæøå.]{1,12})?\s*")
_AMOUNT = re.compile(r"\s*(?:kr\.?|[A-Z]{3})?\s*-?\d[\d.,: ]{0,20}-{0,2}\s*(?:kr\.?|[A-Z]{3})?\s*", re.IGNORECASE)
_YESNO = re.compile(r"\s*(?:j|ja|y|yes|true|sand|sant|x|n|nej|nei|no|false|falskt?|0|1)\s*", re.IGNORECASE)
_FORMS = {May.CODE: _CODE, May.MOMENT: _MOMENT, May.NUMBER: _NUMBER, May.AMOUNT: _AMOUNT, May.YESNO: _YESNO}
_FIELD_NAME = re.compile(r"[A-Za-z_@$][A-Za-z0-9_.@$:-]{0,63}")
_PLAIN_SEGMENT = re.compile(r"[a-z][a-z_-]{0,30}|v\d{1,3}|ver\d{1,3}|")
_BROKEN = '[{"recorded": "cut or broken'
_MAILBOX = re.compile(r'\s*"?([^<>@"]*)"?\s*<[^<>]+>\s*')
ANYTHING = "*"  # in the query of a recorded request: whatever a replay asks with


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
        self._empty: frozenset[str] = frozenset()
        for system in systems:
            made_up.name_host(urlsplit(system.base_url).netloc, system.host)
            made_up.name_host(urlsplit(system.base_url).hostname or "", system.host)

    def scrubbed(self, exchanges: Iterable[Exchange]) -> list[Exchange]:
        """Every exchange with a system of ours, in order, with made-up values where nothing else is allowed."""
        ours = [(system, exchange) for exchange in exchanges if (system := system_of(exchange.url, self._systems))]
        for system, exchange in ours:
            self._one(system, exchange, self._learn)
        return [self._one(system, exchange, self._leaf) for system, exchange in ours]

    def learn(self, shape: Shape, value: Any) -> None:
        """Look at what will be replaced beside the exchanges, before they are: its people are in them, too."""
        self._walk(shape, parsed(dumps(value)), self._learn)

    def replaced(self, shape: Shape, value: Any) -> Any:
        """A value of plain JSON beside the exchanges, by the same table."""
        return loads(written(self._walk(shape, parsed(dumps(value)), self._leaf)))

    def text(self, text: str) -> str:
        """A free text beside the exchanges (a comment in a mapping file)."""
        return self._free.cleaned(text)

    def _one(self, system: System, exchange: Exchange, act: _Act) -> Exchange:
        path = system.below(exchange.url) or ""
        call = system.allows.call(unquote(path)) if system.allows else None
        self._empty = system.allows.empty if system.allows else frozenset()
        call = call or Call(re.compile(""))
        headers, body = unpacked(exchange.headers, exchange.body)
        packed = "content-encoding" in headers
        return replace(
            exchange,
            url=self._url(system, path, urlsplit(exchange.url).query, call, act),
            sent_headers=sent_headers_of(exchange.sent_headers),
            sent=self._body(exchange.sent, exchange.sent_headers, call.request, act),
            reason=exchange.reason if re.fullmatch(r"[A-Za-z' -]{0,40}", exchange.reason) else "",
            headers=kept(headers) | self._elsewhere(headers) | ({"content-encoding": ["gzip"]} if packed else {}),
            body=body if packed else self._body(body, headers, call.answer, act),
        )

    def _elsewhere(self, headers: Headers) -> Headers:
        """Where a redirect points, as far as its host."""
        host = _host(header(headers, "location"))
        return {"location": [f"https://{self._made_up.host(host)}/"]} if host else {}

    # addresses ----------------------------------------------------------------------------------

    def _url(self, system: System, path: str, query: str, call: Call, act: _Act) -> str:
        declared = bool(call.path.pattern)
        path, hidden = _without_hidden(path, call)
        segments = [self._segment(unquote(part), act, declared=declared) for part in path.split("/")]
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
        call = (system.allows.call(unquote(path)) if system.allows else None) or Call(re.compile(""))
        return self._url(system, path, urlsplit(address).query, call, self._leaf)

    # bodies -------------------------------------------------------------------------------------

    def _body(self, body: bytes, headers: Headers, shape: Shape, act: _Act) -> bytes:
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
        try:
            return (mark + written(self._walk(shape, parsed(text), act))).encode(charset, "backslashreplace")
        except ValueError:
            return (mark + self._foreign(text)).encode()

    def _form(self, text: str, shape: Shape, act: _Act) -> str:
        of = shape.of if isinstance(shape, Fields) else {}
        pairs = parse_qsl(text, keep_blank_values=True)
        return urlencode([(self._field_name(n), self._walk(of.get(n, May.NOTHING), v, act)) for n, v in pairs])

    def _part(self, part: Part, shape: Shape, act: _Act) -> Part:
        """One field of a multipart form. Of a file only its kind and its size are left."""
        of = shape.of if isinstance(shape, Fields) else {}
        name = self._field_name(part.name)
        if part.filename is not None:
            return replace(part, name=name, filename=act(May.NOTHING, part.filename), value="")
        return replace(part, name=name, value=self._walk(of.get(part.name, May.NOTHING), part.value, act))

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
        return act(shape if isinstance(shape, May | Words) else May.NOTHING, value)

    def _key(self, shape: Shape, name: str) -> str:
        while isinstance(shape, Items):
            shape = shape.of
        known = isinstance(shape, Fields | Anywhere) and name in shape.of
        return name if known else self._field_name(name)

    def _field_name(self, name: str) -> str:
        if not _FIELD_NAME.fullmatch(name):
            return self._made_up.text(name) if name.strip() else name
        return self._free.without_names(name, parts=False)

    # leaves -------------------------------------------------------------------------------------

    def _learn(self, kind: May | Words, value: Any) -> Any:
        if isinstance(value, str) and not self._says_nothing(value):
            if kind is May.NAME:
                self._made_up.learn_name(EMAIL.sub("", value))
            elif kind is May.EMAIL and (mailbox := _MAILBOX.fullmatch(value)):
                self._made_up.learn_name(mailbox[1])
            elif kind is May.INITIALS:
                self._made_up.learn_initials(value)
            elif kind is May.PHONE:
                self._made_up.learn_phone(value)
        return value

    def _leaf(self, kind: May | Words, value: Any) -> Any:
        if value is None or (isinstance(value, str) and self._says_nothing(value)):
            return value
        if isinstance(value, bool):
            return value if _stays(kind) else False
        if isinstance(value, Number):
            says_nothing = value.strip("-0.") == "" or not value[-1].isdigit()  # 0, 0.0; NaN, -Infinity
            return value if _stays(kind) or says_nothing else self._number(kind, value)
        if isinstance(kind, Words):
            return value if _folded(value) in kind.words else self._hidden(value)
        if kind is May.TEXT:
            return self._free.cleaned(value)
        if kind is May.ANY:
            return ANYTHING
        if kind is May.LINK:
            return self._link(value)
        form = _FORMS.get(kind)
        if form:
            return self._formed(kind, value) if form.fullmatch(value) else self._hidden(value)
        return self._personal(kind, value)

    def _says_nothing(self, value: str) -> bool:
        return not value.strip() or value.strip() in self._empty

    def _formed(self, kind: May | Words, value: str) -> str:
        """A value in the form its kind has; a code is the only one that could be somebody's name or number."""
        if kind is not May.CODE:
            return value
        if phone_digits(value) in self._made_up.phones and phone_digits(value) == value[-8:]:
            return self._made_up.phone(value)
        return self._free.without_names(value, parts=False)

    def _number(self, kind: May | Words, value: Number) -> Number:
        if kind is May.PHONE:
            return Number("45" + phone_digits(self._made_up.phone(value)))
        return Number(self._made_up.number(str(value)))

    def _personal(self, kind: May | Words, value: str) -> str:
        inside = value.strip()
        if kind is May.NAME and WORD.search(inside):
            made = self._name(inside)
        elif kind is May.EMAIL and EMAIL.search(inside):
            made = self._addresses(inside)
        elif kind is May.PHONE and len(phone_digits(inside)) >= 5:
            made = self._made_up.phone(inside)
        elif kind is May.INITIALS:
            made = self._made_up.short_name(inside)
        elif kind is May.LOGIN:
            made = self._made_up.login(inside)
        else:
            return self._hidden(value)
        return value.replace(inside, made, 1)

    def _name(self, value: str) -> str:
        without = EMAIL.sub(lambda found: self._made_up.email(found[0]).partition("@")[0], value)
        return WORD.sub(lambda word: self._made_up.name_word(unescape(word[0])), without)

    def _addresses(self, value: str) -> str:
        """One address or several; what stands beside them ("Name <address>") is replaced, too."""
        pieces, end = [], 0
        for found in EMAIL.finditer(value):
            pieces += [self._beside(value[end : found.start()]), self._made_up.email(found[0])]
            end = found.end()
        return "".join([*pieces, self._beside(value[end:])])

    def _beside(self, text: str) -> str:
        return WORD.sub(lambda word: self._made_up.name_word(word[0]), text)

    def _hidden(self, value: str) -> str:
        """Made-up words; but somebody known keeps the invented name, address or number."""
        inside = value.strip()
        if EMAIL.fullmatch(inside):
            return self._made_up.email(inside)
        words = WORD.findall(inside)
        if words and self._made_up.knows(words):
            return self._name(inside)
        if phone_digits(inside) in self._made_up.phones and re.fullmatch(r"[\d +().-]+", inside):
            return self._made_up.phone(inside)
        return self._made_up.text(inside)


def _stays(kind: May | Words) -> bool:
    return isinstance(kind, Words) or kind in _FORMS or kind is May.TEXT


def _inner(shape: Shape, name: str, value: Any) -> Shape:
    """What holds for a field of an object that has this shape."""
    while isinstance(shape, Items):
        shape = shape.of
    if isinstance(shape, Fields):
        return shape.of.get(name, shape.rest)
    if isinstance(shape, Anywhere):
        deeper = isinstance(value, Object) or (isinstance(value, list) and any(isinstance(of, list) for of in value))
        return shape if deeper else shape.of.get(name, May.NOTHING)
    return May.NOTHING


def _folded(word: str) -> str:
    from integrator.systems.mapping.text import folded

    return folded(word)


def _without_hidden(path: str, call: Call) -> tuple[str, str]:
    """(the path up to what the call hides, what it hides)."""
    found = call.path.fullmatch(unquote(path))
    if not found or not found.groupdict().get("hidden"):
        return path, ""
    segments, before = path.split("/"), found.string[: found.start("hidden")].count("/")
    return "/".join(segments[:before]), "/".join(segments[before:])
