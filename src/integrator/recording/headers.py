"""The headers of an exchange: the few that stay, and what they say about the body."""

import gzip
import re
import zlib

from integrator.recording.multipart import FORM_TYPE, is_form

Headers = dict[str, list[str]]

_INFLATED_LIMIT = 256_000_000
_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+(?:; ?charset=\"?[\w-]+\"?)?")
_WHEN = re.compile(r"-?\d{1,12}|[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT")
_COUNT = re.compile(r"\d{1,12}")
_HEADERS = {
    "accept": _TYPE,
    "content-type": _TYPE,
    "retry-after": _WHEN,
    "date": _WHEN,
    "x-wp-total": _COUNT,
    "x-wp-totalpages": _COUNT,
}


def header(headers: Headers, name: str) -> str:
    """The first value of a header, "" when it is not there; name in small letters."""
    return next((values[0] for key, values in headers.items() if key.lower() == name and values), "")


def kept(headers: Headers) -> Headers:
    """Only what a reader of the answer needs, and only in the form it has."""
    found: Headers = {}
    for name, values in headers.items():
        form = _HEADERS.get(name.lower())
        fitting = [value for value in values if form and form.fullmatch(value)]
        if fitting:
            found[name.lower()] = fitting
    return found


def sent_headers_of(headers: Headers) -> Headers:
    """The same of a request, whose form is written with another boundary."""
    written = {"content-type": [FORM_TYPE]} if is_form(header(headers, "content-type")) else {}
    return kept(headers) | written


def unpacked(headers: Headers, body: bytes) -> tuple[Headers, bytes]:
    """The body without its compression; one that cannot be unpacked is replaced by one that cannot, either."""
    encoding = header(headers, "content-encoding").strip().lower()
    plain = {name: values for name, values in headers.items() if name.lower() != "content-encoding"}
    if encoding in ("", "identity") or not body:
        return plain, body
    try:
        inflate = zlib.decompressobj(wbits=47)  # gzip or zlib, whatever it says
        found = inflate.decompress(body, _INFLATED_LIMIT)
        if len(found) > 10_000_000 and len(found) > 100 * len(body):  # a bomb stays one, of nothing but zeros
            return plain | {"content-encoding": ["gzip"]}, gzip.compress(bytes(len(found)))
        if inflate.eof and not inflate.unused_data:
            return plain, found
    except zlib.error:
        pass
    return plain | {"content-encoding": ["gzip"]}, b"not gzip at all"
