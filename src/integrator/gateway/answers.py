"""What is answered: JSON, XML, a page, or a problem."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, NoReturn
from xml.etree import ElementTree

import msgspec

from integrator.gateway.shapes import FieldError, LineTaken, Problem

JSON, PROBLEM, XML, HTML = "application/json", "application/problem+json", "application/xml", "text/html; charset=utf-8"
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Answer:
    """What goes back. body: a record of shapes.py, or text that is ready. note says in the log why it was refused."""

    status: int
    body: Any
    kind: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    note: str | None = None

    def content(self) -> bytes:
        return self.body.encode() if isinstance(self.body, str) else msgspec.json.encode(self.body)


class Troubled(Exception):
    """A request that ends here, with its answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def problem(
    status: int,
    detail: str | None,
    *,
    code: str,
    errors: list[FieldError] | None = None,
    orders: list[LineTaken] | None = None,
    headers: Mapping[str, str] | None = None,
    note: str | None = None,
) -> Answer:
    """What is wrong, in the one format for it.

    Shape   {"title": "Conflict", "status": 409, "code": "full", "detail": "…", "errors": [{"field", "message", …}]}
    """
    told = Problem(
        title=HTTPStatus(status).phrase,
        status=status,
        code=code,
        detail=detail,
        errors=errors or [],
        orders=orders or [],
    )
    return Answer(status, told, PROBLEM, headers or {}, note)


def refuse(status: int, detail: str, *, code: str, field: str | None = None) -> NoReturn:
    """End this request with a problem, of one field if there is one: detail then goes on behind its name."""
    errors = [FieldError(field=field, message=detail, code=code)] if field else []
    raise Troubled(problem(status, f"{field} {detail}" if field else detail, code=code, errors=errors))


def as_xml(told: msgspec.Struct) -> str:
    """A flat record as XML, every value as text. What XML cannot hold at all is left out."""
    root = ElementTree.Element("response")
    for name, value in msgspec.to_builtins(told).items():
        ElementTree.SubElement(root, name).text = _NOT_XML.sub("", str(value))
    text: str = ElementTree.tostring(root, encoding="unicode", short_empty_elements=False)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'
