"""What all pages are made of: the frame of a document, forms, answers. Everything that is data is escaped."""

import re
from collections.abc import Iterator
from functools import cache
from html import escape
from importlib.resources import files
from urllib.parse import parse_qsl

from integrator.standins.au2office.relayout import read_back
from integrator.standins.base import Answer, Request

HTML = "text/html; charset=utf-8"
SCRIPT = "/js/au2.js"
STYLE = "/css/au2.css"
_STATIC = {SCRIPT: ("au2.js", "text/javascript; charset=utf-8"), STYLE: ("au2.css", "text/css; charset=utf-8")}


def shown(title: str, body: str, *, frames: str = "", kind: str = "", status: int = 200) -> Answer:
    """A page. Shape  frames: other origins it may frame; kind: the class of its body."""
    text = (
        f'<!DOCTYPE html>\n<html lang="da"><head><meta charset="utf-8"><title>{escape(title)} - au2office</title>'
        f'<link rel="stylesheet" href="{STYLE}"><script src="{SCRIPT}" defer></script></head>\n'
        f'<body class="{escape(kind)}">{body}</body></html>\n'
    )
    policy = f"default-src 'none'; style-src 'self'; script-src 'self'; frame-src 'self' {frames}".strip()
    headers = {"Content-Security-Policy": policy, "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return Answer(status, text, headers, HTML)


def moved(to: str, **cookies: str) -> Answer:
    """A redirect. Shape  cookies: one at most, its value with attributes (an answer has each header once)."""
    headers = {"Location": to, "Cache-Control": "no-store"}
    for name, value in cookies.items():
        headers["Set-Cookie"] = f"{name}={value}"
    return Answer(302, b"", headers, HTML)


def static(path: str) -> Answer | None:
    """The style sheet and the script; None for any other address."""
    if path not in _STATIC:
        return None
    name, kind = _STATIC[path]
    return Answer(200, _read(name), {"Cache-Control": "max-age=3600"}, kind)


@cache
def _read(name: str) -> str:
    return (files(__package__) / name).read_text("utf-8")


def form_of(request: Request) -> dict[str, str]:
    """The fields of a posted form, under their old names in a new layout too."""
    return read_back(dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True)))


def cookie(request: Request, name: str) -> str:
    """A cookie's value, empty when it was not sent."""
    return dict(_cookies(request)).get(name, "")


def _cookies(request: Request) -> Iterator[tuple[str, str]]:
    for part in request.headers.get("cookie", "").split(";"):
        name, _, value = part.strip().partition("=")
        yield name, value


def hidden(name: str, value: str) -> str:
    return f'<input type="hidden" name="{name}" value="{escape(value)}">'


def message(told: tuple[str, str] | None) -> str:
    """A line above the page: kind besked (green), advarsel (yellow) or fejl (red)."""
    return f'<div class="flash {told[0]}">{escape(told[1])}</div>' if told else ""


def number_in(text: str, otherwise: int) -> int:
    return int(text) if re.fullmatch("[0-9]{1,9}", text) else otherwise
