"""The declared arguments of the routes and their check, which comes before any right is asked for."""

import re
from typing import Any

from integrator.standins.wordpress import acf
from integrator.standins.wordpress.answers import Call, WpError, invalid_id, invalid_params
from integrator.standins.wordpress.schema import Invalid, check, list_of
from integrator.standins.wordpress.site import Site
from integrator.standins.wordpress.types import PostType, Schema

STATUSES = ["publish", "future", "draft", "pending", "private"]
LIST_STATUSES = [
    *STATUSES,
    "trash",
    "auto-draft",
    "inherit",
    "request-pending",
    "request-confirmed",
    "request-failed",
    "request-completed",
    "any",
]
ORDERS = ["author", "date", "id", "include", "modified", "parent", "relevance", "slug", "include_slugs", "title"]
CONTEXT: Schema = {"type": "string", "enum": ["view", "embed", "edit"], "default": "view"}
_MOMENT: Schema = {"type": "string", "format": "date-time"}
_IDS: Schema = {"type": "array", "items": {"type": "integer"}, "default": []}

COLLECTION: dict[str, Schema] = {
    "context": CONTEXT,
    "page": {"type": "integer", "default": 1, "minimum": 1},
    "per_page": {"type": "integer", "default": 10, "minimum": 1, "maximum": 100},
    "search": {"type": "string"},
    "after": _MOMENT,
    "modified_after": _MOMENT,
    "before": _MOMENT,
    "modified_before": _MOMENT,
    "exclude": _IDS,
    "include": _IDS,
    "offset": {"type": "integer"},
    "order": {"type": "string", "default": "desc", "enum": ["asc", "desc"]},
    "orderby": {"type": "string", "default": "date", "enum": ORDERS},
    "slug": {"type": "array", "items": {"type": "string"}},
    "status": {"default": "publish", "type": "array", "items": {"enum": LIST_STATUSES, "type": "string"}},
}
MAC_ID: Schema = {"type": "array", "items": {"type": "string", "pattern": "^[0-9A-Za-z_-]{1,64}$"}}
_TEXT: Schema = {"type": "object", "properties": {"raw": {"type": "string"}, "rendered": {"type": "string"}}}
WRITTEN: dict[str, Schema] = {
    "date": {"type": ["string", "null"], "format": "date-time"},
    "date_gmt": {"type": ["string", "null"], "format": "date-time"},
    "slug": {"type": "string"},
    "status": {"type": "string", "enum": STATUSES},
    "password": {"type": "string"},
    "template": {"type": "string"},
    "title": _TEXT,
}
BATCH: dict[str, Schema] = {
    "validation": {"type": "string", "enum": ["require-all-validate", "normal"], "default": "normal"},
    "requests": {
        "type": "array",
        "maxItems": 25,
        "items": {
            "type": "object",
            "properties": {
                "method": {"type": "string", "enum": ["POST", "PUT", "PATCH", "DELETE"], "default": "POST"},
                "path": {"type": "string", "required": True},
                "body": {"type": "object", "properties": [], "additionalProperties": True},
                "headers": {
                    "type": "object",
                    "properties": [],
                    "additionalProperties": {"type": ["string", "array"], "items": {"type": "string"}},
                },
            },
        },
    },
}


def _collect(call: Call, schemas: dict[str, Schema]) -> dict[str, Invalid]:
    wrong: dict[str, Invalid] = {}
    for name, schema in schemas.items():
        value = call.params.get(name)
        if value is None:
            continue
        try:
            check(value, schema, name)
        except Invalid as error:
            wrong[name] = error
    return wrong


def _refuse(wrong: dict[str, Invalid]) -> None:
    if wrong:
        raise invalid_params(wrong)


def check_json(call: Call) -> None:
    if call.bad_json:
        data = {"json_error_code": 4, "json_error_message": "Syntax error"}
        raise WpError("rest_invalid_json", "Invalid JSON body passed.", 400, data)


def check_list(call: Call) -> None:
    """Errors: WpError 400 for filters that do not fit; statuses that need rights are 400 too, not 401."""
    wrong = _collect(call, {name: schema for name, schema in COLLECTION.items() if name != "status"})
    for n, status in enumerate(list_of(call.params.get("status", [])) or []):
        if status == "publish":
            continue
        if not call.user:
            wrong["status"] = Invalid("rest_forbidden_status", "Status is forbidden.", {"status": 401})
            break
        try:
            check(status, COLLECTION["status"]["items"], f"status[{n}]")
        except Invalid as error:
            wrong["status"] = error
            break
    _refuse(wrong)


def check_written(site: Site, call: Call, kind: PostType) -> None:
    """Errors: WpError 400 before anything is stored. Meta types are NOT looked at here, ACF not in a batch."""
    schemas = {name: schema for name, schema in WRITTEN.items() if name != "title"}
    post = site.posts.get(call.path_id or 0)
    if post is not None and call.params.get("status") == post.status:
        del schemas["status"]  # the status it has is always right, "trash" too
    wrong = _collect(call, schemas)
    values = call.params.get("meta")
    if kind.has_meta and values is not None and not isinstance(values, dict | list):
        wrong["meta"] = Invalid("", "Invalid parameter.")
    fields, values = site.acf.get(kind.name), call.params.get("acf")
    if fields and values is not None and not call.in_batch:
        try:
            acf.checked(fields, values, site.posts)
        except Invalid as error:
            wrong["acf"] = error
    _refuse(wrong)


def check_deleted(call: Call) -> None:
    _refuse(_collect(call, {"force": {"type": "boolean"}}))


def check_context(call: Call) -> None:
    _refuse(_collect(call, {"context": CONTEXT}))


def check_batch(call: Call, most: int) -> None:
    if "requests" not in call.params:
        raise missing("requests")
    requests = {**BATCH["requests"], "maxItems": most}
    _refuse(_collect(call, {"validation": BATCH["validation"], "requests": requests}))


def missing(name: str) -> WpError:
    return WpError("rest_missing_callback_param", f"Missing parameter(s): {name}", 400, {"params": [name]})


def id_in(text: str) -> int:
    """Errors: WpError 404 for an id that no post can have."""
    if not re.fullmatch(r"\d{1,18}", text, re.ASCII):
        raise invalid_id()
    return int(text)


def described(schemas: dict[str, Schema]) -> dict[str, Any]:
    """Arguments as OPTIONS shows them."""
    return {name: {**schema, "required": False} for name, schema in schemas.items()}
