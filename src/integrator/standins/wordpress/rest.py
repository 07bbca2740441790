"""Routes: which one a request means, what is checked before it runs, and how its outcome becomes an answer."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from integrator.standins.wordpress import arguments, describe, reading, writing
from integrator.standins.wordpress.answers import Call, Fatal, Json, Reply, WpError, no_route
from integrator.standins.wordpress.dates import written
from integrator.standins.wordpress.site import Site
from integrator.standins.wordpress.types import PostType

CHANGING = {"POST", "PUT", "PATCH"}


@dataclass(frozen=True)
class Route:
    """One matched route: its check, its work, whether a batch may call it, and what to answer to OPTIONS."""

    run: Callable[[], Reply]
    check: Callable[[], None] = lambda: None
    in_batch: bool = False


def matched(site: Site, call: Call) -> Route:
    """Errors: WpError 404 for what is no route, also for a method that the route does not have."""
    parts = call.route.strip("/").split("/")
    match parts:
        case ["wp", "v2", "users", "me"]:
            if call.method == "GET":
                return Route(lambda: describe.me(site, call), lambda: arguments.check_context(call))
            if call.method in CHANGING:
                return Route(lambda: describe.me(site, call))
        case ["wp", "v2", "types"] if call.method == "GET":
            return Route(lambda: describe.post_types(site, call), lambda: arguments.check_context(call))
        case ["wp", "v2", "types", name] if call.method == "GET":
            return Route(lambda: describe.post_type(site, call, name), lambda: arguments.check_context(call))
        case ["wp", "v2", name] if kind := site.type_of(name):
            return _collection(site, call, kind)
        case ["wp", "v2", name, number] if (kind := site.type_of(name)) and re.fullmatch(r"\d+", number, re.ASCII):
            return _item(site, call, kind, number)
        case ["batch", "v1"] if call.method == "POST":
            return Route(lambda: _batch(site, call), lambda: arguments.check_batch(call, site.batch_max))
        case ["ili", "v1", *rest] if site.mu_plugin:
            return _plugin(site, call, rest)
        case [""] | ["wp", "v2"] if call.method == "GET":
            return Route(lambda: describe.index(site, call))
    raise no_route()


def _collection(site: Site, call: Call, kind: PostType) -> Route:
    if call.method == "GET":
        return Route(lambda: reading.listed(site, call, kind), lambda: arguments.check_list(call))
    if call.method == "POST":
        return Route(
            lambda: writing.create(site, call, kind), lambda: arguments.check_written(site, call, kind), in_batch=True
        )
    raise no_route()


def _item(site: Site, call: Call, kind: PostType, number: str) -> Route:
    call.path_id = arguments.id_in(number)
    if call.method == "GET":
        return Route(lambda: reading.get(site, call, kind), lambda: arguments.check_context(call))
    if call.method in CHANGING:
        return Route(
            lambda: writing.update(site, call, kind), lambda: arguments.check_written(site, call, kind), in_batch=True
        )
    if call.method == "DELETE":
        return Route(lambda: writing.delete(site, call, kind), lambda: arguments.check_deleted(call), in_batch=True)
    raise no_route()


def _plugin(site: Site, call: Call, rest: list[str]) -> Route:
    """The routes of our own mu-plugin: an index of all ids, and an upsert that two writers cannot double."""
    if rest == ["index"] and call.method == "GET":
        return Route(lambda: _index(site, call), lambda: _require(call, "type"))
    if len(rest) == 2 and rest[0] in {"course", "course_date"} and call.method == "PUT":
        kind = site.type_of(rest[0])
        if kind is not None and re.fullmatch(r"[0-9A-Za-z_-]{1,64}", rest[1]):
            return Route(lambda: _upsert(site, call, kind, rest[1]), in_batch=True)
    raise no_route()


def _require(call: Call, name: str) -> None:
    if name not in call.params:
        raise arguments.missing(name)


def _signed_in(call: Call) -> None:
    if call.user is None:
        raise WpError("rest_forbidden", "Sorry, you are not allowed to do that.", 401)


def _index(site: Site, call: Call) -> Reply:
    _signed_in(call)
    posts = [post for post in site.posts.of_type(str(call.params["type"])) if "mac_id" in post.meta]
    rows = [
        {
            "id": post.id,
            "mac_id": post.meta["mac_id"],
            "status": post.status,
            "modified_gmt": written(post.modified_gmt) if post.modified_gmt else "0000-00-00T00:00:00",
            "mac_hash": post.meta.get("mac_hash"),
        }
        for post in sorted(posts, key=lambda post: post.id)
    ]
    return Reply(200, rows)


def _upsert(site: Site, call: Call, kind: PostType, mac_id: str) -> Reply:
    _signed_in(call)
    known = sorted(post.id for post in site.posts.of_type(kind.name) if post.meta.get("mac_id") == mac_id)
    given = call.body.get("meta")
    body = {**call.body, "meta": {**(given if isinstance(given, dict) else {}), "mac_id": mac_id}}
    route = f"/wp/v2/{kind.name}" + (f"/{known[0]}" if known else "")
    inner = Call("POST", route, call.user, call.base, {}, body, effects=call.effects)
    reply = carried_out(site, inner)
    if len(known) > 1:
        reply.headers["X-Ili-Duplicates"] = ",".join(str(one) for one in known)
    return reply


def carried_out(site: Site, call: Call) -> Reply:
    """Run one request. Errors: Fatal; everything else is an answer."""
    try:
        route = matched(site, call)
        arguments.check_json(call)
        route.check()
        return route.run()
    except WpError as error:
        return Reply(error.status, error.body())


def answered(site: Site, call: Call) -> Reply:
    """One request from outside, with the headers that WordPress adds."""
    reply = _options(site, call) if call.method == "OPTIONS" else carried_out(site, call)
    headers = {"Link": f'<{call.url("/")}>; rel="https://api.w.org/"'}
    if allow := allowed(site, call):
        headers["Allow"] = allow
    body = reply.body if reply.status >= 400 else reading.cut_to_fields(call, reply.body)
    return Reply(reply.status, body, headers | reply.headers)


def _options(site: Site, call: Call) -> Reply:
    # A type that is not there is no error here: OPTIONS answers 200 and an empty list (seen on 6.1.9).
    body: Json = []
    match call.route.strip("/").split("/"):
        case ["wp", "v2", name] if kind := site.type_of(name):
            body = describe.options(site, call, kind, one=False)
        case ["wp", "v2", name, number] if (kind := site.type_of(name)) and number.isdigit():
            body = describe.options(site, call, kind, one=True)
        case ["batch", "v1"]:
            body = describe.batch_options(site, call)
    return Reply(200, body)


def allowed(site: Site, call: Call) -> str:
    """The Allow header: what this caller may do here, not what the route has."""
    match call.route.strip("/").split("/"):
        case ["wp", "v2", "users", "me"]:
            return "GET, POST, PUT, PATCH" if call.user else "GET"
        case ["wp", "v2", "types", *_]:
            return "GET"
        case ["wp", "v2", name] if site.type_of(name) and call.method in {"GET", "POST", "OPTIONS"}:
            if call.method == "GET" and call.context == "edit" and not call.user:
                return ""
            return "GET, POST" if call.user else "GET"
        case ["wp", "v2", name, number] if site.type_of(name) and number.isdigit():
            post = site.posts.get(int(number))
            if post is None or post.type != name or (not call.user and post.status != "publish"):
                return ""
            return ", ".join(describe.ITEM) if call.user else "" if call.context == "edit" else "GET"
        case ["batch", "v1"] if call.method in {"POST", "OPTIONS"}:
            return "POST"
        case ["ili", "v1", name, *_] if call.user and site.mu_plugin:
            return "GET" if name == "index" else "PUT"
    return ""


def _batch(site: Site, call: Call) -> Reply:
    """POST /batch/v1: all parts are checked first, then run one after the other; never undone, always 207."""
    parts = [_part(call, part) for part in call.params["requests"]]
    checks = [_checked(site, part) for part in parts]
    if call.params.get("validation") == "require-all-validate" and any(checks):
        answers = [_enveloped(Reply(bad.status, bad.body()), "") if bad else None for bad in checks]
        return Reply(207, {"failed": "validation", "responses": answers})
    return Reply(207, {"responses": [_run_part(site, *pair) for pair in zip(parts, checks, strict=True)]})


def _part(call: Call, part: dict[str, Any]) -> Call:
    """Errors: Fatal for a path that PHP cannot parse: the whole batch dies before anything has run (6.1)."""
    path = part["path"]
    if re.match(r"[a-z]*:?///", path):
        raise Fatal
    address = urlsplit(path)
    body = part.get("body")
    return Call(
        part.get("method", "POST"),
        address.path,
        call.user,
        call.base,
        php_query(parse_qsl(address.query, keep_blank_values=True)),
        body if isinstance(body, dict) else {},
        in_batch=True,
        effects=call.effects,
    )


def _checked(site: Site, part: Call) -> WpError | None:
    try:
        if not part.route.startswith("/"):
            raise no_route()
        route = matched(site, part)
        if not route.in_batch:
            raise WpError("rest_batch_not_allowed", "The requested route does not support batch requests.", 400)
        route.check()
    except WpError as error:
        return error
    return None


def _run_part(site: Site, part: Call, bad: WpError | None) -> dict[str, Any]:
    if bad:
        return _enveloped(Reply(bad.status, bad.body()), allowed(site, part) if part.route.startswith("/") else "")
    try:
        reply = matched(site, part).run()
        reply.body = reading.cut_to_fields(part, reply.body)
    except WpError as error:
        reply = Reply(error.status, error.body())
    return _enveloped(reply, allowed(site, part))


def _enveloped(reply: Reply, allow: str) -> dict[str, Any]:
    headers = {name: value for name, value in reply.headers.items() if name == "Location"}
    headers |= {"Allow": allow} if allow else {}
    return {"body": reply.body, "status": reply.status, "headers": headers or []}


def php_query(pairs: list[tuple[str, str]]) -> dict[str, Json]:
    """Query parameters as PHP reads them: the last one wins, `name[]` makes a list, `name[x]` an object."""
    params: dict[str, Json] = {}
    for name, value in pairs:
        found = re.fullmatch(r"([^\[\]]+)\[([^\[\]]*)\]", name)
        if found is None:
            params[name] = value
            continue
        inner = params.setdefault(found[1], {})
        if isinstance(inner, dict):
            inner[found[2] or str(len(inner))] = value
    return {name: _listed(value) if isinstance(value, dict) else value for name, value in params.items()}


def _listed(value: dict[str, str]) -> Json:
    return list(value.values()) if list(value) == [str(n) for n in range(len(value))] else value


def body_of(content_type: str, body: bytes) -> tuple[dict[str, Json], bool]:
    """(parameters of a body, whether it is broken JSON). Any other content type is not read at all.

    Errors: Fatal for JSON that is a text or a number.
    """
    kind = content_type.split(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded":
        return php_query(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)), False
    if not body or not (kind == "application/json" or kind.endswith("+json")):
        return {}, False
    try:
        value = json.loads(body)
    except ValueError:
        return {}, True
    if isinstance(value, str | int | float):
        raise Fatal
    return (value, False) if isinstance(value, dict) else ({}, False)
