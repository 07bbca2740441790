"""What a route is: an address, who may ask there, what goes in and what comes out.

The application registers what stands in these records, and the OpenAPI document is made from the same ones.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from integrator.gateway.answers import JSON, PROBLEM, Answer
from integrator.gateway.call import Call
from integrator.gateway.guard import Caller
from integrator.gateway.shapes import Problem

Place = Literal["path", "query", "header"]


@dataclass(frozen=True)
class Parameter:
    """Something beside the body. kind is a type as msgspec describes it; a tuple of them: one of these."""

    name: str
    place: Place
    kind: Any
    what: str
    required: bool = False


@dataclass(frozen=True)
class Reply:
    """One answer that may come: its type, and in which formats."""

    what: str
    kind: Any = None
    formats: tuple[str, ...] = (JSON,)


@dataclass(frozen=True)
class Route:
    """One address and method.

    path     "/api/orders/{order}/seats"
    name     names it in the document and in the log
    changes  whether asking changes anything: then HEAD, which asks for nothing, is refused
    body     the type of the body; limit: its size in bytes, if smaller than [gateway] max_body_kb
    """

    method: str
    path: str
    name: str
    group: str
    what: str
    answer: Callable[[Call], Answer]
    replies: Mapping[int, Reply]
    caller: Caller | None = None
    parameters: tuple[Parameter, ...] = ()
    body: Any = None
    needs_body: bool = True
    limit: int | None = None
    changes: bool = False
    more: str = ""

    def all_replies(self) -> dict[int, Reply]:
        """Its own, and those that every route of its kind has."""
        found = {
            400: _problem("The address is not text in UTF-8."),
            429: _problem("Too many requests: come again after Retry-After seconds."),
        }
        if self.caller:
            found[401] = _problem("Not let in.")
        if self.body is not None:
            found[400] = _problem("The body is not JSON, or the address not text in UTF-8.")
            found[411] = _problem("The body's size is not said.")
            found[413] = _problem("The body is too large.")
            found[415] = _problem("The body is not JSON by its type.")
        found[500] = _problem("A bug: it was written down.")
        found[503] = _problem("It cannot be done now: come again after Retry-After seconds.")
        return dict(sorted((found | dict(self.replies)).items()))


def _problem(what: str) -> Reply:
    return Reply(what, Problem, (PROBLEM,))


NOT_FOUND = _problem("There is nothing of that name or number.")
REFUSED = _problem("It cannot be done as things stand; code says why.")
WRONG = _problem("Something in it is wrong; errors says what.")
NO_ANSWER = _problem("The system behind this one gave no answer that can be used.")
