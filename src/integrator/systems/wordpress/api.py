"""Where the REST API of a site is: below /wp-json, or behind ?rest_route= on a site without pretty permalinks."""

from typing import Any

from integrator.systems.http import Http, Reply


class Api:
    """The site's API by its own routes ("/wp/v2/course"). pretty: below /wp-json, as most sites have it."""

    def __init__(self, http: Http) -> None:
        self._http = http
        self.pretty = True

    def get(
        self, route: str, *, doing: str, params: dict[str, str] | None = None, ok: tuple[int, ...] = (200,)
    ) -> Reply:
        """Read; as Http.get."""
        path, query = self._place(route, params)
        return self._http.get(path, doing=doing, params=query, ok=ok)

    def options(self, route: str, *, doing: str, ok: tuple[int, ...] = (200,)) -> Reply:
        """Read the description of a route; as Http.options."""
        path, query = self._place(route, None)
        return self._http.options(path, doing=doing, params=query, ok=ok)

    def send(self, method: str, route: str, *, doing: str, json: Any, params: dict[str, str] | None = None) -> Reply:
        """Write, exactly once; as Http.send."""
        path, query = self._place(route, params)
        return self._http.send(method, path, doing=doing, json=json, params=query)

    def close(self) -> None:
        self._http.close()

    def _place(self, route: str, params: dict[str, str] | None) -> tuple[str, dict[str, str] | None]:
        return ("/wp-json" + route, params) if self.pretty else ("/", {"rest_route": route, **(params or {})})
