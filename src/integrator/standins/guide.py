"""What somebody who wants to use a stand-in has to know: its address and login, and how it is staged.

`integrator standin NAME --help` prints it, and the control port's `GET /` with the addresses it has.
"""

import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from integrator.standins import faults, mishaps

if TYPE_CHECKING:
    from integrator.standins.base import StandIn

Body = dict[str, Any]
_FAULT: Body = {"fault": {"kind": "status", "status": 503, "retry_after": 30}, "times": 1}
_LATE: Body = {"match": {"method": "POST"}, "fault": {"kind": "reset", "when": "after"}, "skip": 1, "times": 2}
_KINDS = (faults.__doc__, mishaps.__doc__)
# what the control port takes, and what that is
CONTROLS = {
    ("GET", "/"): "this",
    ("GET", "/health"): "its name and address",
    ("GET", "/state"): "everything that it holds",
    ("GET", "/ledger"): "what it was asked; ?since=N, ?path=PATTERN, ?method=POST",
    ("POST", "/seed"): "put it into a state",
    ("POST", "/faults"): "let requests go wrong; what is staged comes on top",
    ("GET", "/faults"): "what is staged, and how often it has met",
    ("DELETE", "/faults"): "nothing goes wrong any more",
    ("GET", "/held"): "how many requests hang",
    ("POST", "/release"): "let what hangs go on",
    ("POST", "/reset"): "as at its start: state, ledger, faults",
}


@dataclass(frozen=True)
class Guide:
    """One stand-in's part of it. {url} stands for its address.

    config   lines of the home's configuration; secrets: lines of its .env
    ask      what follows "curl" to be let in
    seeds    bodies of POST /seed; faults: of POST /faults
    settings what POST /seed knows; None: the docstring of the stand-in's module
    kinds    what POST /faults knows
    """

    config: str = ""
    secrets: str = ""
    ask: str = "{url}/"
    seeds: tuple[Body, ...] = ()
    faults: tuple[Body, ...] = (_FAULT, _LATE)
    settings: str | None = None
    kinds: tuple[str | None, ...] = _KINDS


def bodies(guide: Guide) -> dict[tuple[str, str], tuple[Body, ...]]:
    """Examples of what the control port takes, by method and path."""
    return {("POST", "/seed"): guide.seeds, ("POST", "/faults"): guide.faults}


def known(guide: Guide) -> dict[str, list[Body]]:
    """The same for a program. Shape  {"POST /seed": [{…}], "GET /state": []}"""
    return {f"{method} {path}": list(bodies(guide).get((method, path), ())) for method, path in CONTROLS}


def told(standin: "StandIn | type[StandIn]", url: str, control_url: str) -> str:
    """Everything, as a text for a terminal."""
    guide, module = standin.guide, sys.modules[standin.__module__]
    return "\n".join(
        [
            f"The stand-in of {standin.name}: {url}",
            *_block("In the configuration of a home:", guide.config.format(url=url).splitlines()),
            *_block("In its .env:", guide.secrets.splitlines()),
            *_block("Asked by hand:", [f"curl {guide.ask.format(url=url)}"]),
            f"\nIts control port: {control_url}\n",
            *_controls(guide, control_url),
            *_section("What POST /seed knows", [guide.settings or module.__doc__]),
            *_section("What POST /faults knows", guide.kinds),
        ]
    )


def _block(title: str, lines: list[str]) -> list[str]:
    return ["", title, "", *(f"    {line}" for line in lines)] if lines else []


def _controls(guide: Guide, control_url: str) -> Iterable[str]:
    examples = bodies(guide)
    for (method, path), what in CONTROLS.items():
        yield f"  {method:<6} {path:<9} {what}"
        for body in examples.get((method, path), ()):
            yield f"      curl -d '{json.dumps(body, ensure_ascii=False)}' {control_url}{path}"


def _section(title: str, texts: Iterable[str | None]) -> list[str]:
    return ["", title, "-" * len(title), "", "\n".join(text.strip() + "\n" for text in texts if text)]
