"""The OpenAPI document: made from the routes that the application registers, so that neither can leave the other."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from integrator import __version__
from integrator.gateway.guard import Caller
from integrator.gateway.routes import Parameter, Reply, Route

_WHERE = "#/components/schemas/{name}"
GROUPS = {
    "website": "Seats are held and orders completed, as by the booking commands.",
    "trainingportal": "The two addresses that Trainingportal calls. Both are GETs that change something.",
    "oilmat": "The endpoints that OilMat knows, one set for each workshop.",
    "documents": "What this is.",
}
_SCHEMES: dict[Caller, tuple[str, str]] = {
    "website": ("website", "The key of the website."),
    "oilmat": ("oilmat", "The key of OilMat."),
}
_PLACES = re.compile(r"\{([a-z_]+)\}")


class Schemas:
    """JSON Schema of every type that is spoken of, each named once."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._kinds = [kind for route in routes for kind in _kinds(route)]
        found, self.components = msgspec.json.schema_components(self._kinds, ref_template=_WHERE)
        self._schemas = list(found)

    def of(self, kind: Any) -> dict[str, Any]:
        if isinstance(kind, tuple):
            return {"anyOf": [self.of(one) for one in kind]}
        return self._schemas[self._kinds.index(kind)]


def _kinds(route: Route) -> Iterator[Any]:
    found = [parameter.kind for parameter in route.parameters]
    found += [reply.kind for reply in route.all_replies().values() if reply.kind is not None]
    found += [] if route.body is None else [route.body]
    for kind in found:
        yield from kind if isinstance(kind, tuple) else (kind,)


def document(routes: tuple[Route, ...], *, base: str) -> dict[str, Any]:
    """The whole document. base: where a server has put us, "" at its root."""
    schemas = Schemas(routes)
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas)
    used = {route.group for route in routes}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "integrator",
            "version": __version__,
            "description": "For systems that must call us. Whatever is wrong is answered as application/problem+json.",
        },
        "servers": [{"url": base or "/"}],
        "tags": [{"name": name, "description": what} for name, what in GROUPS.items() if name in used],
        "paths": paths,
        "components": {
            "schemas": schemas.components,
            "securitySchemes": {
                name: {"type": "apiKey", "in": "header", "name": "X-Api-Key", "description": what}
                for name, what in _SCHEMES.values()
            },
        },
    }


def _operation(route: Route, schemas: Schemas) -> dict[str, Any]:
    made: dict[str, Any] = {
        "operationId": route.name,
        "tags": [route.group],
        "summary": route.what,
        "parameters": [_parameter(one, schemas) for one in route.parameters],
        "responses": {str(status): _reply(status, one, schemas) for status, one in route.all_replies().items()},
        "security": [{_SCHEMES[route.caller][0]: []}] if route.caller in _SCHEMES else [],
    }
    if route.more:
        made["description"] = route.more
    if route.body is not None:
        content = {"application/json": {"schema": schemas.of(route.body)}}
        made["requestBody"] = {"required": route.needs_body, "content": content}
    return made


def _parameter(one: Parameter, schemas: Schemas) -> dict[str, Any]:
    return {
        "name": one.name,
        "in": one.place,
        "required": one.required,
        "description": one.what,
        "schema": schemas.of(one.kind),
    }


def _reply(status: int, one: Reply, schemas: Schemas) -> dict[str, Any]:
    made: dict[str, Any] = {"description": one.what}
    if one.kind is not None:
        made["content"] = {name: {"schema": schemas.of(one.kind)} for name in one.formats}
    if status in (429, 503):
        seconds = {"type": "integer", "minimum": 1}
        made["headers"] = {"Retry-After": {"description": "Seconds.", "required": True, "schema": seconds}}
    return made


def flask_rule(path: str) -> str:
    """Shape   "/api/orders/{order}" → "/api/orders/<order:order>": a part that has rules of its own is named alike"""
    return _PLACES.sub(lambda found: f"<{'order:' if found[1] == 'order' else ''}{found[1]}>", path)
