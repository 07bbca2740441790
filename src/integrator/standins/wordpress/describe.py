"""What the site says about itself: OPTIONS with the schema, the types, the caller, the index."""

from typing import Any

from integrator.standins.wordpress.answers import Call, Reply, WpError
from integrator.standins.wordpress.arguments import BATCH, COLLECTION, MAC_ID, STATUSES, described
from integrator.standins.wordpress.site import Site, User
from integrator.standins.wordpress.types import PostType, Schema

_VIEW, _EDIT = ["view", "edit"], ["edit"]
_ALL = ["view", "edit", "embed"]
ITEM = ["GET", "POST", "PUT", "PATCH", "DELETE"]


def _text(context: list[str], **extra: Schema) -> Schema:
    raw = {"type": "string", "context": _EDIT}
    rendered = {"type": "string", "context": context, "readonly": True}
    return {"type": "object", "context": context, "properties": {"raw": raw, "rendered": rendered, **extra}}


def _one(kind: str | list[str], context: list[str], **extra: Any) -> Schema:
    return {"type": kind, "context": context, **extra}


def properties(site: Site, kind: PostType) -> dict[str, Schema]:
    """The fields of a type. What is not here is ignored without a word when it is sent."""
    moment, flag = {"format": "date-time"}, {"type": "boolean", "context": _ALL, "readonly": True}
    fields: dict[str, Schema] = {
        "date": _one(["string", "null"], _ALL, **moment),
        "date_gmt": _one(["string", "null"], _VIEW, **moment),
        "guid": {**_text(_VIEW, raw=_one("string", _EDIT, readonly=True)), "readonly": True},
        "id": _one("integer", _ALL, readonly=True),
        "link": _one("string", _ALL, format="uri", readonly=True),
        "modified": _one("string", _VIEW, **moment, readonly=True),
        "modified_gmt": _one("string", _VIEW, **moment, readonly=True),
        "slug": _one("string", _ALL),
        "status": _one("string", _VIEW, enum=STATUSES),
        "type": _one("string", _ALL, readonly=True),
        "password": _one("string", _EDIT),
        "permalink_template": _one("string", _EDIT, readonly=True),
        "generated_slug": _one("string", _EDIT, readonly=True),
        "title": _text(_ALL),
    }
    if "editor" in kind.supports:
        version = {"type": "integer", "context": _EDIT, "readonly": True}
        fields["content"] = _text(_VIEW, block_version=version, protected=flag)
    if "excerpt" in kind.supports:
        fields["excerpt"] = _text(_ALL, protected=flag)
    if "thumbnail" in kind.supports:
        fields["featured_media"] = _one("integer", _ALL)
    if kind.has_meta:
        keys = {key.name: key.schema for key in kind.meta}
        fields["meta"] = {"description": "Meta fields.", "type": "object", "context": _VIEW, "properties": keys or []}
    fields["template"] = _one("string", _VIEW)
    if own := site.acf.get(kind.name):
        parts = {field.name: field.schema() for field in own.values()}
        fields["acf"] = {"description": "ACF field data", "type": "object", "context": _ALL, "properties": parts}
    return fields


def _written(site: Site, kind: PostType) -> dict[str, Any]:
    writable = {name: part for name, part in properties(site, kind).items() if not part.get("readonly")}
    return {
        name: {k: v for k, v in part.items() if k != "context"} | {"required": False} for name, part in writable.items()
    }


def options(site: Site, call: Call, kind: PostType, *, one: bool) -> dict[str, Any]:
    """OPTIONS on a type or on one post."""
    lists = {**COLLECTION, **({"mac_id": MAC_ID} if site.mu_plugin and kind.name in {"course", "course_date"} else {})}
    number = {"id": {"type": "integer", "required": False}}
    password = {"password": {"type": "string", "required": False}}
    context = {"context": {**COLLECTION["context"], "required": False}}
    force = {"force": {"type": "boolean", "default": False, "required": False}}
    if one:
        parts = [(["GET"], number | context | password), (["POST", "PUT", "PATCH"], number | _written(site, kind))]
        parts.append((["DELETE"], number | force))
    else:
        parts = [(["GET"], described(lists)), (["POST"], _written(site, kind))]
    endpoints = [{"methods": methods, "allow_batch": {"v1": True}, "args": args} for methods, args in parts]
    schema = {
        "$schema": "http://json-schema.org/draft-04/schema#",
        "title": kind.name,
        "type": "object",
        "properties": properties(site, kind),
        "links": _schema_links(call, kind),
    }
    methods = ITEM if one else ["GET", "POST"]
    body: dict[str, Any] = {"namespace": "wp/v2", "methods": methods, "endpoints": endpoints, "schema": schema}
    return body if one else {**body, "_links": {"self": [{"href": call.url(call.route)}]}}


def _schema_links(call: Call, kind: PostType) -> list[dict[str, Any]]:
    href = call.url(f"/wp/v2/{kind.name}/{{id}}")
    status = {"type": "object", "properties": {"status": {"type": "string", "enum": ["publish", "future"]}}}
    content = {"type": "object", "properties": {"content": {"raw": {"type": "string"}}}}
    links = [("publish", "The current user can publish this post.", status)]
    links.append(("unfiltered-html", "The current user can post unfiltered HTML markup and JavaScript.", content))
    return [
        {"rel": f"https://api.w.org/action-{name}", "title": title, "href": href, "targetSchema": target}
        for name, title, target in links
    ]


def batch_options(site: Site, call: Call) -> dict[str, Any]:
    requests = {**BATCH["requests"], "maxItems": site.batch_max, "required": True}
    args = {"validation": {**BATCH["validation"], "required": False}, "requests": requests}
    endpoints = [{"methods": ["POST"], "args": args}]
    links = {"self": [{"href": call.url("/batch/v1")}]}
    return {"namespace": "", "methods": ["POST"], "endpoints": endpoints, "_links": links}


def post_type(site: Site, call: Call, name: str) -> Reply:
    """GET on /wp/v2/types/NAME."""
    kind = site.type_of(name)
    if kind is None:
        raise WpError("rest_type_invalid", "Invalid post type.", 404)
    if call.context == "edit" and not call.user:
        message = "Sorry, you are not allowed to edit posts in this post type."
        raise WpError("rest_forbidden_context", message, 401)
    return Reply(200, _type(call, kind))


def post_types(site: Site, call: Call) -> Reply:
    names = [name for name in site.types if name not in site.types_off]
    return Reply(200, {name: _type(call, site.types[name]) for name in names})


def _type(call: Call, kind: PostType) -> dict[str, Any]:
    curies = [{"name": "wp", "href": "https://api.w.org/{rel}", "templated": True}]
    links = {
        "collection": [{"href": call.url("/wp/v2/types")}],
        "wp:items": [{"href": call.url(f"/wp/v2/{kind.name}")}],
    }
    supports = {"viewable": True, "supports": dict.fromkeys(kind.supports, True)} if call.context == "edit" else {}
    return {
        "description": "",
        "hierarchical": False,
        "has_archive": False,
        "name": kind.label,
        "slug": kind.name,
        "icon": None,
        "taxonomies": [],
        "rest_base": kind.name,
        "rest_namespace": "wp/v2",
        **supports,
        "_links": {**links, "curies": curies},
    }


def me(site: Site, call: Call) -> Reply:
    """GET on /wp/v2/users/me: the one question that tells a good password from a bad one."""
    user = call.user
    if user is None:
        raise WpError("rest_not_logged_in", "You are not currently logged in.", 401)
    links = {
        "self": [{"href": call.url(f"/wp/v2/users/{user.id}")}],
        "collection": [{"href": call.url("/wp/v2/users")}],
    }
    body: dict[str, Any] = {"id": user.id, "name": user.login, "url": "", "description": ""}
    body |= {"link": f"{call.base}/author/{user.login}/", "slug": user.login}
    if call.context == "edit":
        body |= _about(user)
    return Reply(200, {**body, "meta": [], "_links": links})


def _about(user: User) -> dict[str, Any]:
    names = {"username": user.login, "first_name": "", "last_name": "", "nickname": user.login}
    rights = {"roles": [user.role], "capabilities": user.capabilities, "extra_capabilities": {user.role: True}}
    return {**names, "email": f"{user.login}@example.org", "locale": "en_US", **rights}


def index(site: Site, call: Call) -> Reply:
    """GET on /: what the site is called and which routes it has."""
    routes = ["/", "/batch/v1", "/wp/v2", "/wp/v2/types", "/wp/v2/users/me"]
    routes += [f"/wp/v2/{name}" for name in site.types if name not in site.types_off]
    body = {
        "name": "iliwordpress stand-in",
        "description": "",
        "url": call.base,
        "home": call.base,
        "gmt_offset": 1,
        "timezone_string": "Europe/Copenhagen",
        "namespaces": ["wp/v2", *(["ili/v1"] if site.mu_plugin else [])],
        "authentication": {"application-passwords": {}},
        "routes": {route: {"_links": {"self": [{"href": call.url(route)}]}} for route in routes},
    }
    return Reply(200, body)
