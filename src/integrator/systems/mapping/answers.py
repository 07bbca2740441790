"""Takes a list answer apart into records without interpreting one: what is wrong with the whole is said here."""

import codecs
import mmap
import re
from types import GenericAlias
from typing import Any, Final, cast

import msgspec

from integrator.errors import BadAnswer
from integrator.systems.mapping.convert import shown

Buffer = bytes | bytearray | memoryview | mmap.mmap

_PATH = re.compile(r"(?:[^.\[\]\s]+(?:\[\])?(?:\.[^.\[\]\s]+(?:\[\])?)*)?")
_CHUNK = 1 << 18
_NOTHING: Final = msgspec.Raw(b"null")
_ERROR_NAMES = ("error", "errors")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


def is_items_path(path: str) -> bool:
    """Whether a text says where a list is: "", "data", "panes.filter.records[].data"."""
    return _PATH.fullmatch(path) is not None


class Answer:
    """How to take one kind of answer apart; its type is built once."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._steps = [(step.removesuffix("[]"), step.endswith("[]")) for step in path.split(".") if step]
        if self._steps and not any(is_list for _, is_list in self._steps):
            self._steps[-1] = (self._steps[-1][0], True)
        self._decoder = msgspec.json.Decoder(_type_of(self._steps) if self._steps else list[msgspec.Raw])

    def items(self, buffer: Buffer) -> list[msgspec.Raw]:
        """The records of a list answer. Errors  BadAnswer: see Reader.items"""
        view = _readable(buffer)
        try:
            whole = self._decoder.decode(view)
        except msgspec.ValidationError:
            raise self._not_a_list(view) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise _unreadable(view) from None
        if not self._steps:
            return cast("list[msgspec.Raw]", whole)
        if _says_something(whole.error_):
            raise _error_answer(whole.error_)
        return _flat(whole, self._steps)

    def one(self, buffer: Buffer) -> msgspec.Raw:
        """The single record of an answer. Errors  BadAnswer: see Reader.one"""
        view = _readable(buffer)
        try:
            found = msgspec.json.decode(view, type=list[msgspec.Raw] | dict[str, msgspec.Raw])
        except msgspec.ValidationError:
            raise BadAnswer("the answer is no object", code="not_an_object") from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise _unreadable(view) from None
        if isinstance(found, dict):
            if error := next(
                (found[name] for name in _ERROR_NAMES if _says_something(found.get(name, _NOTHING))), None
            ):
                raise _error_answer(error)
            if not self._steps or self._steps[0][0] not in found:
                return msgspec.Raw(view)
            found = self.items(buffer)
        if len(found) != 1:
            raise BadAnswer(f"the answer holds {len(found)} records instead of one", code="not_an_object")
        return found[0]

    def _not_a_list(self, view: memoryview) -> BadAnswer:
        expected = f"items = {self._path!r}" if self._path else "a list"
        try:
            found = msgspec.json.decode(view, type=dict[str, msgspec.Raw])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return BadAnswer(f"the answer is {_kind(view)}, expected {expected}", code="not_a_list")
        error = next((found[name] for name in _ERROR_NAMES if _says_something(found.get(name, _NOTHING))), None)
        if error:
            return _error_answer(error)
        names = ", ".join(shown(name) or "…" for name in list(found)[:10]) or "none"
        candidate = next((name for name, value in found.items() if bytes(memoryview(value)[:1]) == b"["), None)
        guess = f'; items = "{candidate}"?' if candidate and shown(candidate) and candidate != self._path else ""
        return BadAnswer(f"expected {expected}, found an object with the keys {names}{guess}", code="not_a_list")


def _readable(buffer: Buffer) -> memoryview:
    """The answer without a byte order mark, certainly UTF-8, and JSON by its first character."""
    view = memoryview(buffer)
    if bytes(view[:3]) == codecs.BOM_UTF8:
        view = view[3:]
    start = 0
    while bytes(view[start : start + 1]) in (b" ", b"\n", b"\r", b"\t"):
        start += 1
    first = bytes(view[start : start + 1])
    if bytes(view[:2]) in _UTF16:
        raise BadAnswer("the answer is UTF-16, expected UTF-8", code="bad_encoding")
    if first == b"":
        raise BadAnswer("the answer is empty", code="not_json")
    if first == b"<":
        raise BadAnswer("the answer is a web page, not JSON: perhaps a login page, or a proxy's", code="not_json")
    _check_encoding(view)
    return view


def _check_encoding(view: memoryview) -> None:
    # msgspec skips over texts without looking: half of a list could be Latin-1 and nobody would know.
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for start in range(0, len(view), _CHUNK):
            decoder.decode(view[start : start + _CHUNK])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        raise BadAnswer("the answer is not UTF-8 and does not say what it is", code="bad_encoding") from None


def _unreadable(view: memoryview) -> BadAnswer:
    if bytes(view[:64]).lstrip()[:1] in (b"[", b"{"):
        return BadAnswer("the answer is damaged JSON, perhaps cut off", code="bad_json")
    return BadAnswer("the answer is not JSON", code="not_json")


def _kind(view: memoryview) -> str:
    first = bytes(view[:64]).lstrip()[:1]
    kinds = {
        b"n": "null",
        b"t": "a truth value",
        b"f": "a truth value",
        b'"': "a text",
        b"[": "a list",
        b"{": "an object",
    }
    return kinds.get(first, "a number")


def _says_something(raw: msgspec.Raw) -> bool:
    return bytes(raw) not in (b"null", b"false", b'""', b"[]", b"{}", b"0")


def _error_answer(raw: msgspec.Raw) -> BadAnswer:
    said = msgspec.json.decode(raw)
    kind = "a text" if isinstance(said, str) else "an object"
    text = shown(said, limit=80) or f"{kind} that is not shown here"
    return BadAnswer(f"the answer is an error: {text}", code="error_answer")


def _type_of(steps: list[tuple[str, bool]], *, in_list: bool = False) -> Any:
    """Nested structs for a path, so that msgspec skips everything beside it and keeps the records as bytes."""
    if not steps:
        return msgspec.Raw
    (name, is_list), rest = steps[0], steps[1:]
    inner = _type_of(rest, in_list=in_list or is_list)
    kind: Any = GenericAlias(list, (inner,)) if is_list else inner
    fields: list[Any] = [("here", kind)]
    if in_list:  # an entry without the record in it is a bad record, not a bad answer
        fields = [("here", kind, _NOTHING)] if kind is msgspec.Raw else [("here", kind | None, None)]
    names = {"here": name, "error_": "error" if name != "error" else "error_"}
    return msgspec.defstruct("Step", [*fields, ("error_", msgspec.Raw, _NOTHING)], rename=names)


def _flat(value: Any, steps: list[tuple[str, bool]]) -> list[msgspec.Raw]:
    if not steps:
        return [value]
    if value is None:
        return [_NOTHING]
    (_, is_list), rest = steps[0], steps[1:]
    inner = value.here
    if inner is None:
        return [_NOTHING]
    if not is_list:
        return _flat(inner, rest)
    if not rest:
        return cast("list[msgspec.Raw]", inner)
    if len(rest) == 1 and not rest[0][1]:
        return [entry.here for entry in inner]
    return [raw for entry in inner for raw in _flat(entry, rest)]
