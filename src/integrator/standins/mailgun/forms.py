"""The form of a request: fields that may repeat and files, byte for byte, from multipart or urlencoded."""

import gzip
import zlib
from dataclasses import dataclass, field
from email.message import Message
from email.parser import Parser
from email.policy import compat32
from email.utils import collapse_rfc2231_value
from urllib.parse import parse_qsl

from integrator.standins.base import Request


class Refusal(Exception):
    """The request is answered with this status and message."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.message, self.status = message, status


@dataclass(frozen=True)
class File:
    """One file part. Shape  field "attachment" or "inline", content_type "text/calendar; charset=utf-8"."""

    field: str
    filename: str
    content_type: str
    content: bytes

    @property
    def kind(self) -> str:
        """The content type without its parameters, as events show it."""
        return self.content_type.partition(";")[0].strip().lower()


@dataclass(frozen=True)
class Form:
    """What was sent, in its order."""

    fields: list[tuple[str, str]] = field(default_factory=list)
    files: list[File] = field(default_factory=list)

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.fields if key == name]

    def first(self, name: str) -> str:
        """The first value, empty when there is none."""
        return next(iter(self.all(name)), "")

    def prefixed(self, prefix: str) -> list[tuple[str, str]]:
        """The fields of one prefix ("o:"), without it."""
        return [(key.removeprefix(prefix), value) for key, value in self.fields if key.startswith(prefix)]


def form_of(request: Request) -> Form:
    """The form of a request; any other content type has no fields.

    Errors  Refusal 400 for what is broken on the way: a part that does not end, a text that is not UTF-8
    """
    body = _unpacked(request)
    given = request.headers.get("content-type", "")
    kind = given.partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        return _multipart(given, body)
    if kind == "application/x-www-form-urlencoded":
        return Form(parse_qsl(_text(body), keep_blank_values=True))
    return Form()


def _unpacked(request: Request) -> bytes:
    if request.headers.get("content-encoding", "").lower() != "gzip":
        return request.body
    try:
        return gzip.decompress(request.body)
    except (OSError, EOFError, zlib.error) as error:
        raise Refusal("the gzip body is broken") from error


def _multipart(content_type: str, body: bytes) -> Form:
    # Latin-1 gives each byte a character and back: the parser keeps the ends of lines, so files stay as they are.
    whole = Parser(policy=compat32).parsestr(f"Content-Type: {content_type}\r\n\r\n{body.decode('latin-1')}")
    if whole.defects or not whole.is_multipart():
        raise Refusal("the multipart body is broken")
    form = Form()
    for part in whole.get_payload():
        if isinstance(part, Message):
            _add(form, part)
    return form


def _add(form: Form, part: Message) -> None:
    name, filename = _parameter(part, "name"), _parameter(part, "filename")
    payload = part.get_payload()
    if name is None or not isinstance(payload, str):
        # A part that is a mail or a multipart of its own was taken apart by the parser: its bytes are lost.
        raise Refusal("a part has no name, or is a message of its own, which the stand-in does not take")
    content = payload.encode("latin-1")
    if filename is None:
        form.fields.append((name, _text(content)))
        return
    content_type = " ".join(part.get("Content-Type", "application/octet-stream").split())
    form.files.append(File(name, filename, content_type, content))


def _parameter(part: Message, name: str) -> str | None:
    value = part.get_param(name, None, "content-disposition")
    if isinstance(value, tuple):
        return collapse_rfc2231_value(value)
    return None if value is None else _text(value.encode("latin-1"))


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise Refusal("a text is not UTF-8") from error
