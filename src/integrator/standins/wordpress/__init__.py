"""A WordPress on loopback that behaves as the measured one (6.1.9 with our course types), awkward where it is."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from integrator.standins.base import Answer, Request, StandIn
from integrator.standins.guide import Guide
from integrator.standins.wordpress import seeding
from integrator.standins.wordpress.answers import Call, Fatal, WpError
from integrator.standins.wordpress.page import page
from integrator.standins.wordpress.rest import answered, body_of, php_query
from integrator.standins.wordpress.seeding import seed, state
from integrator.standins.wordpress.site import PASSWORD, Site

__all__ = ["PASSWORD", "WordPress"]

JSON = "application/json; charset=UTF-8"
HTML = "text/html; charset=UTF-8"
NOTICE = b"<br />\n<b>Warning</b>:  Undefined variable $x in <b>/some/plugin.php</b> on line <b>1</b><br />\n"


class WordPress(StandIn):
    """The stand-in. `clock` is where its dates come from; a test gives one that stands still."""

    name = "wordpress"
    guide = Guide(
        config='[wordpress]\nbase_url = "{url}"\nusername = "sync"\npassword = {{ env = "WORDPRESS_PASSWORD" }}',
        secrets=f"WORDPRESS_PASSWORD={PASSWORD}",
        ask=f"-u sync:{PASSWORD} {{url}}/wp-json/wp/v2/types",
        seeds=({"notices": 2, "batch_max": 10}, {"plain_401": True}, {"types_off": ["course_date"]}),
        settings=seeding.__doc__,
    )

    def __init__(self, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        super().__init__()
        self._clock = clock
        self.site = Site(clock)

    def reset(self) -> None:
        with self.lock:
            self.site = Site(self._clock)

    def seed(self, settings: dict[str, Any]) -> dict[str, Any]:
        with self.lock:
            return seed(self.site, settings, [])

    def state(self) -> dict[str, Any]:
        with self.lock:
            return state(self.site)

    def handle(self, request: Request) -> Answer:
        route = _route_of(request)
        with self.lock:
            if route is None:
                return self._page(request)
            try:
                return self._rest(request, route)
            except WpError as error:
                return Answer(error.status, error.body(), content_type=JSON)
            except Fatal:
                return _fatal(request)

    def _rest(self, request: Request, route: str) -> Answer:
        user = self.site.user_of(request.headers.get("authorization", ""))
        query = php_query([(name, value) for name, values in request.query.items() for value in values])
        query.pop("rest_route", None)
        method = _method_of(request, query)
        body, bad = body_of(request.headers.get("content-type", ""), request.body) if method != "GET" else ({}, False)
        call = Call(method, route, user, _base_of(request), query, body, bad_json=bad, effects=request.effects)
        reply = answered(self.site, call)
        answer = Answer(reply.status, reply.body, reply.headers, JSON)
        if self.site.notices > 0:
            self.site.notices -= 1
            answer.body = NOTICE + answer.encoded()
        return answer

    def _page(self, request: Request) -> Answer:
        if request.path == "/" or request.path.split("/")[1] in self.site.types:
            return Answer(200, page(self.site), content_type=HTML)
        return Answer(404, "<!DOCTYPE html><title>404</title><h1>Siden findes ikke</h1>", content_type=HTML)


def _base_of(request: Request) -> str:
    return f"http://{request.headers.get('host', '127.0.0.1')}"


def _route_of(request: Request) -> str | None:
    """The REST route, None for a page of the site."""
    if "rest_route" in request.query:
        return "/" + request.first("rest_route").strip("/")
    if request.path == "/wp-json" or request.path.startswith("/wp-json/"):
        return "/" + request.path.removeprefix("/wp-json").strip("/")
    return None


def _method_of(request: Request, query: dict[str, Any]) -> str:
    if request.method == "POST":
        override = query.pop("_method", None) or request.headers.get("x-http-method-override")
        return str(override or "POST").upper()
    return "GET" if request.method == "HEAD" else request.method


def _fatal(request: Request) -> Answer:
    """An uncaught PHP error: JSON only for a client that says it takes JSON."""
    wants = request.headers.get("accept", "") + request.headers.get("content-type", "")
    if "application/json" in wants:
        return Answer(500, Fatal.BODY, {"Link": f'<{_base_of(request)}/wp-json/>; rel="https://api.w.org/"'}, JSON)
    return Answer(500, "<!DOCTYPE html><title>WordPress &rsaquo; Error</title>", content_type=HTML)
