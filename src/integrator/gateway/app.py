"""The application: it registers the routes, lets callers in or not, and turns whatever happens into an answer."""

import os
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import unquote_to_bytes

import flask
import msgspec
from werkzeug.exceptions import HTTPException
from werkzeug.routing import BaseConverter

from integrator.desk import Desks
from integrator.domain.courses import Course
from integrator.domain.orders.form import Form
from integrator.gateway import documents, oilmat, portal, shapes, website
from integrator.gateway.answers import Answer, Troubled, problem, refuse
from integrator.gateway.call import Call, Here
from integrator.gateway.callers import Address, address_of, house_of, peer_of
from integrator.gateway.failures import failure
from integrator.gateway.guard import Caller, Guard, Refusal, Signed
from integrator.gateway.limiter import Limiter
from integrator.gateway.openapi import flask_rule
from integrator.gateway.routes import Route
from integrator.gateway.scratch import Scratch
from integrator.gateway.signatures import Signatures
from integrator.home import Home, make_var
from integrator.runtime import logbook
from integrator.settings import Settings, load_settings

WRONG_KEY_CALLS = 10  # what a wrong key counts, in calls
SAFE_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
_TAIL = 65_536  # bytes: so much of the log is looked at for what was said
_BY_HEADER = ("website", "oilmat")


class _OrderNumber(BaseConverter):
    regex = "[1-9][0-9]{0,17}"
    part_isolating = True


def create_app(
    home: Home, environ: Mapping[str, str] = os.environ, clock: Callable[[], float] = time.time
) -> flask.Flask:
    """The application of one home. Its settings are read now; after an edit, start it again.

    Errors  ConfigError: with every problem; also a key that can be guessed
    """
    settings = load_settings(home, environ, needs=("gateway", "maconomy"))
    _know_records()
    make_var(home, settings.store.path)
    guard = Guard(settings.gateway)
    noted = _Noted(home, clock)
    scratch = Scratch(home.var / "gateway.db", secret=guard.mixed(), note=noted)
    limiter = Limiter(scratch, per_minute=settings.gateway.rate_per_minute, clock=clock)
    here = Here(home, settings, guard, limiter, Signatures(scratch, clock=clock), Desks(settings, clock), clock)
    app = flask.Flask(__name__, static_folder=None, template_folder=None)
    app.debug = False
    app.extensions["desks"] = here.desks  # whoever ends it before its process ends closes them
    app.url_map.merge_slashes = False  # a redirect is an answer that nobody here expects
    app.url_map.converters["order"] = _OrderNumber
    routes = {route.name: route for route in all_routes(settings)}
    for route in routes.values():
        _register(app, here, route)
    app.before_request(lambda: _count(here, routes, noted))
    app.register_error_handler(Exception, lambda error: _failed(here, error))
    app.after_request(lambda response: _finish(here, response))
    return app


def _know_records() -> None:
    """Make what msgspec knows of each record, before there are threads.

    It does so at a type's first conversion, and two threads at that at once end the process (0.22: a segmentation
    fault). May go when msgspec does it under a lock.
    """
    kinds = [found for found in vars(shapes).values() if isinstance(found, type) and issubclass(found, msgspec.Struct)]
    for kind in (Course, Form, *kinds):
        msgspec.json.Decoder(kind)


def all_routes(settings: Settings) -> tuple[Route, ...]:
    """Every route of an installation, as they are registered; the document tells of those that have a key."""
    own = (*website.ROUTES, *portal.routes(settings), *oilmat.ROUTES)
    told = documents.routes(lambda: shown) if settings.gateway.docs else ()
    shown = tuple(route for route in (*own, *told) if route.caller is None or _has_key(settings, route.caller))
    return (*own, *told)


def _has_key(settings: Settings, caller: Caller) -> bool:
    """Whether anybody could be let in there: the document tells of nothing that is switched off."""
    keys = settings.gateway
    return {
        "website": keys.website_key,
        "oilmat": keys.oilmat_key,
        "token": keys.trainingportal_token,
        "signature": keys.trainingportal_signing_key,
    }[caller] is not None


def _register(app: flask.Flask, here: Here, route: Route) -> None:
    def view(**path: Any) -> flask.Response:
        _let_in(here, route)
        limit = min(here.settings.gateway.max_body_kb * 1024, route.limit or 1 << 40)
        return _response(route.answer(Call(here, flask.request, path, limit)))

    rule = flask_rule(route.path)
    app.add_url_rule(rule, route.name, view, methods=[route.method])
    if route.changes:  # who only asks for the head of an answer must change nothing
        for one in app.url_map.iter_rules(route.name):
            assert one.methods is not None
            one.methods.discard("HEAD")


# who is let in ------------------------------------------------------------------------------------------------------


def _count(here: Here, routes: Mapping[str, Route], noted: "_Noted") -> None:
    """Count a call: by the key, where a right one came in a header, so that no flood of strangers keeps its owner out.

    Errors  Troubled: too many calls, or an address that cannot be read
    """
    request, g = flask.request, flask.g
    g.begun = time.monotonic()
    g.address = address_of(request.environ, proxies=here.guard.proxies)
    peer = peer_of(request.environ)
    if "X-Forwarded-For" in request.headers and not here.guard.proxies and peer is not None and peer.is_loopback:
        noted("X-Forwarded-For is not believed: [gateway] trusted_proxies does not name the server in front")
    g.route = routes.get(request.endpoint or "")
    readable = _is_utf8(request.environ)
    asks = readable and g.route is not None and g.route.caller is not None
    g.refusal = _refusal(here, g.route, g.address) if asks else None
    has_key = asks and g.route.caller in _BY_HEADER and g.refusal is None
    wait_s = here.limiter.take(f"key {g.route.caller}" if has_key else house_of(g.address))
    if wait_s:
        headers = {"Retry-After": str(wait_s)}
        raise Troubled(problem(429, "too many requests", code="too_many", headers=headers))
    if not readable:
        refuse(400, "the address is not text in UTF-8; nothing was done", code="not_utf8")


def _is_utf8(environ: Mapping[str, Any]) -> bool:
    """Whether the address can be read. A server hands its bytes on as Latin-1, whatever they are (PEP 3333).

    The path is unquoted by then, the query is not: of "%C6r" in it werkzeug would make the text "%C6r", a wrong name.
    """
    try:
        environ.get("PATH_INFO", "").encode("latin-1").decode()
        unquote_to_bytes(environ.get("QUERY_STRING", "").encode("latin-1")).decode()
    except UnicodeError:
        return False
    return True


def _let_in(here: Here, route: Route) -> None:
    """Errors  Troubled: not let in"""
    refusal: Refusal | None = flask.g.refusal
    if refusal is None:
        return
    if refusal.told is None:  # else it was signed by the right key
        here.limiter.charge(house_of(flask.g.address), WRONG_KEY_CALLS - 1)
    headers = (
        {"WWW-Authenticate": 'ApiKey realm="integrator"'}
        if route.caller in _BY_HEADER
        else {"WWW-Authenticate": "Signature"}
    )
    code = "clock_off" if refusal.why == "clock" else "not_let_in"
    detail = refusal.told or "not let in: no key, or not the right one"
    raise Troubled(problem(401, detail, code=code, headers=headers, note=refusal.why))


def _refusal(here: Here, route: Route, address: Address | None) -> Refusal | None:
    guard, request = here.guard, flask.request
    if route.caller == "website" or route.caller == "oilmat":
        return guard.key(route.caller, request.headers.get("X-Api-Key", ""))
    if route.caller == "token":
        return guard.key("token", (request.view_args or {})["token"]) or guard.from_trainingportal(address)
    signed = Signed(
        request.method,
        request.path,
        tuple(request.args.items(multi=True)),
        *(next(filter(None, request.args.getlist(name)), "") for name in ("timestamp", "signature")),
    )
    return guard.signed(signed, now=here.clock()) or guard.from_trainingportal(address)


# what is answered ---------------------------------------------------------------------------------------------------


def _response(answer: Answer) -> flask.Response:
    flask.g.note = answer.note
    return flask.Response(answer.content(), answer.status, {**answer.headers, "Content-Type": answer.kind})


def _failed(here: Here, error: Exception) -> flask.Response:
    if isinstance(error, Troubled):
        return _response(error.answer)
    answer = failure(error)
    if answer.status >= 500 and not isinstance(error, HTTPException):
        flask.g.place = logbook.place_of(error)
    return _response(answer)


def _finish(here: Here, response: flask.Response) -> flask.Response:
    if flask.request.method == "OPTIONS" and response.status_code == 200:
        response.status_code = 204
        response.headers.remove("Content-Type")
        response.headers["Allow"] = ", ".join(sorted(response.allow))
    for name, value in SAFE_HEADERS.items():
        response.headers.setdefault(name, value)
    _log(here, response.status_code)
    return response


def _log(here: Here, status: int) -> None:
    """One line for what changed something, what failed, and who was not let in. Never an address, a value or a path.

    Of the last two so many a minute, or strangers could put all else aside that stands in the log.
    All else is what the server in front of us writes in its own log, if it is told to.
    """
    route: Route | None = flask.g.get("route")
    changed = route is not None and route.changes and status < 400 and flask.request.method != "OPTIONS"
    failed = status >= 500
    untold = here.limiter.failed() if failed else here.limiter.refused() if status == 401 else None
    if not changed and untold is None:
        return
    facts: dict[str, Any] = {
        "route": f"{route.method} {route.path}" if route else None,
        "caller": route.caller if route else None,
        "status": status,
        "ms": round((time.monotonic() - flask.g.get("begun", time.monotonic())) * 1000),
        "why": flask.g.get("note"),
        "place": flask.g.get("place"),
        f"{'failures' if failed else 'refusals'}_not_logged": untold or None,
    }
    _write(here.home, here.clock, facts)


class _Noted:
    """What is said in the log once a process, however often it is seen, and not again where it stands there of today.

    By plain CGI each call is a process: it would be said with each.
    """

    def __init__(self, home: Home, clock: Callable[[], float]) -> None:
        self._path, self._clock = home.log / logbook.NAME, clock
        self._write = partial(_write, home, clock)
        self._said: set[str] = set()
        self._lock = threading.Lock()

    def __call__(self, why: str) -> None:
        with self._lock:
            if why in self._said:
                return
            self._said.add(why)
            if not self._stands_there(why):
                self._write({"why": why})

    def _stands_there(self, why: str) -> bool:
        try:
            with self._path.open("rb") as file:
                file.seek(max(0, self._path.stat().st_size - _TAIL))
                lines = file.read(_TAIL).splitlines()
        except OSError:
            return False
        today, said = _moment(self._clock)[:10].encode(), msgspec.json.encode(why)
        return any(said in line and today in line and b'"command":"gateway"' in line for line in lines)


def _write(home: Home, clock: Callable[[], float], facts: Mapping[str, Any]) -> None:
    at = _moment(clock)
    told = {name: value for name, value in facts.items() if value is not None}
    with suppress(OSError):  # what was asked for is done; that the log cannot be written is said by the next run
        logbook.write_line(home.log, {"at": at, "command": "gateway", **told})


def _moment(clock: Callable[[], float]) -> str:
    return datetime.fromtimestamp(int(clock()), UTC).isoformat()
