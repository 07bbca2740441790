"""Bodies of requests: read up to a limit and no further, as strict JSON, field by field."""

import re
from typing import Any, TypeVar

import msgspec
from flask import Request
from werkzeug.exceptions import RequestEntityTooLarge

from integrator.domain.jsontext import NotJson, decoded, parsed
from integrator.gateway.answers import Troubled, problem, refuse
from integrator.gateway.shapes import FieldError

S = TypeVar("S", bound=msgspec.Struct)
_WHOLE = re.compile("-?[0-9]{1,18}")
_NAME = re.compile("[A-Za-z_][A-Za-z0-9_]{0,39}")
_MOST_ERRORS = 20


def read(request: Request, *, limit: int) -> bytes:
    """The body of a request, whose type must be JSON.

    Ends the request with 413 (nothing is read when it says its size, else no more than the limit), 415, 400: it was
    cut, or 411: a server that passes on neither a size nor an end.
    """
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    if request.mimetype != "application/json" or charset not in ("utf-8", "utf8"):
        refuse(415, "the body must be JSON, in UTF-8: Content-Type: application/json", code="not_json")
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        refuse(415, "the body must not be compressed", code="compressed")
    has_end = request.content_length is not None or "wsgi.input_terminated" in request.environ
    if "Transfer-Encoding" in request.headers and not has_end:
        refuse(411, "the body's size must be said: Content-Length", code="no_length")
    if (request.content_length or 0) > limit:
        raise RequestEntityTooLarge
    request.max_content_length = limit + 1
    raw = request.get_data(cache=False)  # of a body that does not say its size, werkzeug gives back what fits, silently
    if len(raw) > limit:
        raise RequestEntityTooLarge
    if len(raw) < (request.content_length or 0):  # not every server notices; what came may be an order all the same
        refuse(400, "the body was cut: it is shorter than its Content-Length", code="cut")
    return raw


def value_of(raw: bytes) -> Any:
    """What stands in a body. Ends the request with 400 where it is not JSON: no number but one, no key twice."""
    try:
        return parsed(decoded(raw, limit=len(raw)), number=_number)
    except NotJson as error:
        refuse(400, f"the body {error}", code="bad_json")


def record_of(raw: bytes, kind: type[S]) -> S:
    """A body as a record. Ends the request with 400, or 422 with everything that is wrong in it."""
    found = value_of(raw)
    if not isinstance(found, dict):
        refuse(422, "must be an object", code="bad_request", field="body")
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    errors = [_unknown(name, fields) for name in found if name not in fields]
    values: dict[str, Any] = {}
    for name, field in fields.items():
        if name in found:
            try:
                values[name] = msgspec.convert(_printable(found[name]), field.type)
            except msgspec.ValidationError as error:
                errors.append(FieldError(field=name, message=_worded(error)))
        elif field.required:
            errors.append(FieldError(field=name, message="is missing", code="missing"))
    if errors:
        raise Troubled(
            problem(422, "the body has fields that are wrong", code="bad_request", errors=errors[:_MOST_ERRORS])
        )
    return kind(**values)


def _number(text: str) -> int | float:
    return int(text) if _WHOLE.fullmatch(text) else float(text)


def _printable(value: Any) -> Any:
    """A pattern's end also fits in front of a line's end: what cannot be seen is refused here."""
    if isinstance(value, str) and not value.isprintable():
        raise msgspec.ValidationError("Expected characters that can be seen")
    return value


def _unknown(name: str, fields: dict[str, Any]) -> FieldError:
    shown = name if _NAME.fullmatch(name) else "body"  # a key that is no name may be anything: it is not repeated
    return FieldError(field=shown, message=f"is not known here; there are: {', '.join(fields)}", code="unknown")


_TYPES = {
    "int": "a whole number",
    "float": "a number",
    "str": "a text",
    "bool": "true or false",
    "object": "an object",
    "array": "a list",
    "null": "null",
}
_RULES = (
    (re.compile(" >= "), " of at least "),
    (re.compile(" <= "), " of at most "),
    (re.compile(" of length of at (least|most) ([0-9]+)"), r" of at \1 \2 character(s)"),
    (re.compile(" matching regex '(.*)'"), r" like \1"),
)


def _worded(error: msgspec.ValidationError) -> str:
    """In words for whoever calls, who need not know what we are written in: a type or a rule, never the value.

    Shape   "expected a whole number of at least 1", "expected a text, got a whole number"
    """
    words = str(error).partition(" - at")[0]
    if not words.startswith("Expected"):
        return "is none of the values that are known here"
    words = re.sub("`([^`]*)`", lambda found: _kinds(found[1]), words)
    for pattern, instead in _RULES:
        words = pattern.sub(instead, words)
    return words[:1].lower() + words[1:]


def _kinds(names: str) -> str:
    return " or ".join(_TYPES.get(name, name) for name in names.split(" | "))
