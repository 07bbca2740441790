"""/openapi.json, and /docs: the same as a page. It needs no script, and loads nothing from anywhere."""

import hashlib
from base64 import b64encode
from collections.abc import Callable
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

from integrator import __version__
from integrator.gateway.answers import HTML, Answer
from integrator.gateway.call import Call
from integrator.gateway.openapi import GROUPS, document
from integrator.gateway.routes import Reply, Route

_TEMPLATES = files(__package__) / "templates"
_BASES = 4  # a server puts us in one place, or in few


def routes(every: Callable[[], tuple[Route, ...]]) -> tuple[Route, ...]:
    """The two routes. every: all routes there are, these included"""

    @lru_cache(maxsize=_BASES)
    def made(base: str) -> dict[str, Any]:
        return document(every(), base=base)

    @lru_cache(maxsize=_BASES)
    def page(base: str) -> str:
        return _page(made(base))

    def openapi(call: Call) -> Answer:
        return Answer(200, made(call.request.script_root))

    def docs(call: Call) -> Answer:
        return Answer(200, page(call.request.script_root), HTML, {"Content-Security-Policy": _policy()})

    return (
        Route(
            *("GET", "/openapi.json", "openapi", "documents", "This document."),
            openapi,
            {200: Reply("The document.", dict[str, Any])},
        ),
        Route(
            *("GET", "/docs", "docs", "documents", "This document as a page."),
            docs,
            {200: Reply("A page.", str, ("text/html",))},
        ),
    )


@cache
def _style() -> str:
    return (_TEMPLATES / "docs.css").read_text(encoding="utf-8")


def _policy() -> str:
    """Only our own style, by its hash."""
    digest = b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _page(made: dict[str, Any]) -> str:
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    room = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    room.filters |= {"typed": typed, "schema_name": _name}
    template = room.from_string((_TEMPLATES / "docs.html").read_text(encoding="utf-8"))
    groups = [
        (
            name,
            what,
            [
                (path, method, one)
                for path, methods in made["paths"].items()
                for method, one in methods.items()
                if one["tags"] == [name]
            ],
        )
        for name, what in GROUPS.items()
    ]
    return template.render(
        style=Markup(_style()),  # noqa: S704 (ours)
        version=__version__,
        groups=[group for group in groups if group[2]],
        schemas=made["components"]["schemas"],
    )


def _name(reference: str) -> str:
    return reference.rpartition("/")[2]


def typed(schema: dict[str, Any]) -> str:
    """A schema in a few words. Shape  "whole number, 1 to 40", "text or nothing", "list of Attendee" """
    if "$ref" in schema:
        return _name(schema["$ref"])
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(typed(one) for one in schema["anyOf"]))
    if "enum" in schema:
        return " | ".join(str(one) for one in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {typed(schema['items'])}"
    return _plain(schema)


_WORDS = {"integer": "whole number", "number": "number", "string": "text", "boolean": "yes or no", "null": "nothing"}


def _plain(schema: dict[str, Any]) -> str:
    word = "time" if schema.get("format") == "date-time" else _WORDS.get(schema.get("type", ""), "any JSON")
    if "minimum" in schema and "maximum" in schema:
        return f"{word}, {schema['minimum']} to {schema['maximum']}"
    return f"{word} like {schema['pattern']}" if "pattern" in schema else word
