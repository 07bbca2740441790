"""What came back, read in bounded pieces: a bomb is never inflated, a giant never kept."""

import codecs
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from integrator.errors import BadAnswer, Unavailable

_PIECE_BYTES = 256 * 1024
_BOMB_BYTES = 16_000_000
_BOMB_RATIO = 200
_BOM = b"\xef\xbb\xbf"
_JSON_STARTS = b'{["-0123456789tfnNI'
_CHARSET = re.compile(r'charset\s*=\s*"?([A-Za-z0-9._:+-]+)', re.IGNORECASE)
_UTF8 = ("utf-8", "ascii")
# A list of our own, since codecs.lookup() also knows zip, hex and others that are no texts.
_CHARSETS = (*_UTF8, "iso8859-1", "iso8859-15", "cp1252", "utf-16", "utf-16-le", "utf-16-be")


class Headers(Mapping[str, str]):
    """An answer's headers; names in any case, repeated ones joined with a comma. Shown without values."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._values: dict[str, str] = {}
        for name, value in pairs:
            key = name.lower()
            self._values[key] = f"{self._values[key]}, {value}" if key in self._values else value

    def __getitem__(self, name: str) -> str:
        return self._values[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Headers({', '.join(self._values)})"


@dataclass(frozen=True)
class Reply:
    """One complete answer, its body decoded from gzip. about says whose and what for, for messages.

    early  it came before the whole request had left, and the rest of that never did
    """

    status: int
    headers: Headers = field(repr=False)
    body: bytes = field(repr=False)
    about: str = ""
    early: bool = False

    def json(self) -> Any:
        """The body as JSON, whatever content type it claims; a BOM and a declared charset are taken.

        Errors  BadAnswer: not_json (empty, HTML, plain text), bad_json (cut, NaN, too deep), bad_encoding.
                After a write this means InDoubt: the caller knows, we do not
        """
        import msgspec

        text = self.utf8().removeprefix(_BOM).strip()
        if not text or text[0] not in _JSON_STARTS:
            raise BadAnswer(f"{self.about}: expected JSON, got {_looks_like(text)}", code="not_json")
        try:
            # Stricter than json.loads: no NaN or Infinity, no 1e999, no half surrogates.
            return msgspec.json.decode(text)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            pass
        raise BadAnswer(f"{self.about}: the JSON is cut or broken", code="bad_json")

    def utf8(self) -> bytes:
        """The body in UTF-8, out of whatever charset it declares. Errors  BadAnswer: bad_encoding"""
        return _utf8(self.body, self.headers.get("content-type", ""), self.about)


@dataclass(frozen=True)
class Download:
    """An answer in a file. size and digest (blake2b, 16 bytes) are the file's.

    charset is what the answer declared, or None. The file is UTF-8 all the same, except XML, which is kept byte for
    byte, because it may name its encoding inside.
    """

    path: Path
    size: int
    digest: bytes
    content_type: str
    charset: str | None
    headers: Headers = field(repr=False)


def declared_charset(content_type: str) -> str | None:
    """Shape   "application/json; charset=ISO-8859-1" → "iso-8859-1" """
    found = _CHARSET.search(content_type)
    return found[1].lower() if found else None


def decoded(chunks: Iterable[bytes], *, encoding: str, max_bytes: int, about: str) -> Iterator[bytes]:
    """The body in pieces of at most 256 kB, unpacked and counted.

    Errors  BadAnswer: too_big, gzip_bomb, bad_compression. Unavailable: the gzip stream is cut
    """
    unpack = _unpacker(encoding, about)
    came = size = 0
    for chunk in chunks:
        came += len(chunk)
        for piece in unpack.feed(chunk):
            size += len(piece)
            if size > max_bytes:
                raise BadAnswer(f"{about}: the answer is larger than {max_bytes:,} bytes", code="too_big")
            if size > _BOMB_BYTES and size > _BOMB_RATIO * came:
                raise BadAnswer(f"{about}: the answer unpacks {_BOMB_RATIO}-fold, a gzip bomb", code="gzip_bomb")
            yield piece
    unpack.end()


class _Plain:
    def feed(self, chunk: bytes) -> Iterator[bytes]:
        yield chunk

    def end(self) -> None:
        """Nothing to check: httpx counts the length."""


class _Gunzip(_Plain):
    """gzip, also of several members, never more than one piece inflated at a time."""

    def __init__(self, about: str) -> None:
        self._about = about
        self._started = False
        self._inflate = zlib.decompressobj(wbits=31)

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        while chunk:
            if self._inflate.eof:
                chunk = chunk.lstrip(b"\0")  # padding between members
                if not chunk:
                    return
                self._inflate = zlib.decompressobj(wbits=31)
            self._started = True
            piece = self._piece(chunk)
            chunk = self._inflate.unconsumed_tail or self._inflate.unused_data
            if piece:
                yield piece

    def _piece(self, chunk: bytes) -> bytes:
        try:
            return self._inflate.decompress(chunk, _PIECE_BYTES)
        except zlib.error:
            pass
        raise BadAnswer(f"{self._about}: the answer is not the gzip it claims to be", code="bad_compression")

    def end(self) -> None:
        if self._started and not self._inflate.eof:
            raise Unavailable(f"{self._about}: the connection broke before the answer was complete")


def _unpacker(encoding: str, about: str) -> _Plain:
    match encoding.strip().lower():
        case "" | "identity":
            return _Plain()
        case "gzip" | "x-gzip":
            return _Gunzip(about)
    raise BadAnswer(f"{about}: the answer is compressed in a way we did not ask for", code="bad_compression")


def to_utf8(pieces: Iterable[bytes], codec: str | None, *, about: str) -> Iterator[bytes]:
    """The pieces in UTF-8; codec is what codec_of() says.

    Errors  BadAnswer: bad_encoding
    """
    if codec is None:
        yield from pieces
        return
    decoder = codecs.getincrementaldecoder(codec)()
    for piece in pieces:
        yield _converted(decoder, piece, about)
    yield _converted(decoder, b"", about, final=True)


def _converted(decoder: codecs.IncrementalDecoder, piece: bytes, about: str, *, final: bool = False) -> bytes:
    try:
        return decoder.decode(piece, final).encode()
    except UnicodeError:
        pass
    raise _bad_encoding(about)


def codec_of(content_type: str, *, about: str) -> str | None:
    """The codec that turns an answer into text, by the charset it declares; None when it is UTF-8 anyway.

    Errors  BadAnswer: bad_encoding, a charset we do not know
    """
    label = declared_charset(content_type)
    if label is None:
        return None
    try:
        name = codecs.lookup(label).name
    except LookupError:
        name = ""
    if name not in _CHARSETS:
        raise BadAnswer(f"{about}: the answer is in an unknown charset", code="bad_encoding")
    return None if name in _UTF8 else name


def _utf8(body: bytes, content_type: str, about: str) -> bytes:
    body = b"".join(to_utf8([body], codec_of(content_type, about=about), about=about))
    try:
        body.decode()
    except UnicodeDecodeError:
        pass
    else:
        return body
    raise _bad_encoding(about)


def _bad_encoding(about: str) -> BadAnswer:
    return BadAnswer(
        f"{about}: the answer is not in the charset it claims (UTF-8 unless declared)", code="bad_encoding"
    )


def _looks_like(text: bytes) -> str:
    if not text:
        return "an empty answer"
    return "a page, perhaps a login form" if text.startswith(b"<") else "plain text"
