"""Multipart forms in a recording: taken apart, and written so that a person and our own search can read them.

The line ends are plain and files are empty: nobody sends such a body again, a replay compares method and address.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message

_BOUNDARY = "recorded"
FORM_TYPE = f"multipart/form-data; boundary={_BOUNDARY}"


@dataclass(frozen=True)
class Part:
    """One field; a file when it has a filename. size is in bytes."""

    name: str
    value: str = ""
    filename: str | None = None
    content_type: str = ""
    size: int = 0


def is_form(content_type: str) -> bool:
    """Shape   "multipart/form-data; boundary=4f1c" """
    return content_type.lower().startswith("multipart/form-data")


def parts_in(body: bytes, content_type: str) -> Iterator[Part]:
    """The fields of a body, in order; nothing of a body that is no such form."""
    head = f"Content-Type: {content_type}\r\n\r\n".encode("latin-1", "replace")
    whole = message_from_bytes(head + body)
    for part in whole.get_payload() if whole.is_multipart() else ():
        if isinstance(part, Message):
            yield _part(part)


def text_of(parts: Iterable[Part]) -> str:
    """The fields as a form again."""
    return "".join(f"--{_BOUNDARY}\n{_head(part)}\n\n{_content(part)}\n" for part in parts) + f"--{_BOUNDARY}--\n"


def _part(part: Message) -> Part:
    content = part.get_payload(decode=True)
    content = content if isinstance(content, bytes) else b""
    filename = part.get_filename()
    name = _text(part.get_param("name", "", header="content-disposition"))
    if filename is None:
        return Part(name, content.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n"))
    return Part(name, filename=_text(filename), content_type=part.get_content_type(), size=len(content))


def _text(value: object) -> str:
    """A parameter of a header; letters beyond ASCII come as half surrogates."""
    return str(value).encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _head(part: Part) -> str:
    head = f'Content-Disposition: form-data; name="{part.name}"'
    if part.filename is None:
        return head
    return f'{head}; filename="{part.filename}"\nContent-Type: {part.content_type}'


def _content(part: Part) -> str:
    return part.value if part.filename is None else f"({part.size} bytes, left out)"
