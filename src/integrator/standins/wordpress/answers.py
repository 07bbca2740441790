"""What a route gives back, WordPress' error bodies, and `_fields`."""

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from integrator.standins.wordpress.schema import Invalid
    from integrator.standins.wordpress.site import User

Json = Any


class WpError(Exception):
    """An error answer. `message` is for people and translated on a real site; `code` is stable."""

    def __init__(
        self,
        code: str,
        message: str,
        status: int,
        data: dict[str, Any] | None = None,
        additional: list[dict[str, Any]] | None = None,
    ) -> None:
        super().__init__(message)
        self.code, self.message, self.status, self.additional = code, message, status, additional
        self.data = {"status": status, **(data or {})}

    def body(self) -> dict[str, Any]:
        body: dict[str, Any] = {"code": self.code, "message": self.message, "data": self.data}
        if self.additional:
            body["additional_data"] = self.additional
        return body


class Fatal(Exception):
    """An uncaught PHP error: 500, whatever was done before stays done."""

    BODY: ClassVar[dict[str, Any]] = {
        "code": "internal_server_error",
        "message": "<p>There has been a critical error on this website.</p>"
        '<p><a href="https://wordpress.org/support/article/faq-troubleshooting/">'
        "Learn more about troubleshooting WordPress.</a></p>",
        "data": {"status": 500},
        "additional_errors": [],
    }


def invalid_params(wrong: "dict[str, Invalid]") -> WpError:
    """The one error for all declared fields that do not fit."""
    params = {name: error.message for name, error in wrong.items()}
    details = {name: error.detail() for name, error in wrong.items() if error.code}
    message = f"Invalid parameter(s): {', '.join(wrong)}"
    return WpError("rest_invalid_param", message, 400, {"params": params, "details": details or []})


def no_route() -> WpError:
    return WpError("rest_no_route", "No route was found matching the URL and request method.", 404)


def invalid_id() -> WpError:
    return WpError("rest_post_invalid_id", "Invalid post ID.", 404)


@dataclass
class Call:
    """One request to one route, single or as a part of a batch."""

    method: str
    route: str
    user: "User | None"
    base: str  # "http://127.0.0.1:8089"
    query: dict[str, Json] = field(default_factory=dict)
    body: dict[str, Json] = field(default_factory=dict)
    in_batch: bool = False
    bad_json: bool = False
    path_id: int | None = None
    effects: list[dict[str, Any]] = field(default_factory=list)

    @cached_property
    def params(self) -> dict[str, Json]:
        """All parameters; the body wins over the query, and both over the id in the path."""
        own = {} if self.path_id is None else {"id": self.path_id}
        return {**own, **self.query, **self.body}

    def refused(self) -> int:
        """Which status a missing right has for this caller."""
        return 403 if self.user else 401

    @cached_property
    def wanted(self) -> "Tree | None":
        """`_fields` as a tree, None for everything."""
        return _tree_of(self.params.get("_fields"))

    @property
    def context(self) -> str:
        return str(self.params.get("context", "view"))

    def url(self, route: str) -> str:
        return f"{self.base}/wp-json{route}"


@dataclass
class Reply:
    """What a route answers."""

    status: int
    body: Json
    headers: dict[str, str] = field(default_factory=dict)


Tree = dict[str, Any]


def _tree_of(fields: Json) -> Tree | None:
    """As in WordPress, a part of a field that is already wanted whole ends the list: what follows is not read."""
    given = re.split(r"[\s,]+", fields) if isinstance(fields, str) else fields or []
    names = [name.strip() for name in given if isinstance(name, str) and name.strip()]
    if not names:
        return None
    tree: Tree = {}
    for name in names:
        *outer, last = ["_links"] if name.startswith("_links.") else name.split(".")
        at: Tree | bool = tree
        for part in outer:
            at = at.setdefault(part, {}) if isinstance(at, dict) else at
            if at is True:
                return tree
        if isinstance(at, dict):
            at[last] = True
    return tree


def only(data: Json, tree: Tree | None) -> Json:
    """The data with nothing but the wanted fields; an empty object is a list in PHP's JSON."""
    if tree is None:
        return data
    if isinstance(data, list):
        return [only(item, tree) for item in data]
    if not isinstance(data, dict):
        return data
    kept = {}
    for name, value in data.items():
        if name in tree:
            wanted = tree[name]
            kept[name] = only(value, wanted) if isinstance(wanted, dict) and isinstance(value, dict) else value
    return kept or []
