"""What can go wrong between us and another system, sorted by what follows from it. See standins/mishaps.py."""

from typing import Any

from integrator.standins.mishaps import BODIES

Fault = dict[str, Any]


def status(code: int, **more: Any) -> Fault:
    """Answered with a status; nothing is done unless more says so."""
    return {"kind": "status", "status": code, **more}


BROKEN: list[Fault] = [{"kind": kind, "when": when} for kind in ("reset", "close") for when in ("before", "after")]
CUT: list[Fault] = [{"kind": "cut", "framing": framing} for framing in ("length", "chunked", "none")]
NEVER_ENDING: list[Fault] = [
    {"kind": "hang", "when": "before"},
    {"kind": "hang", "when": "after"},
    {"kind": "slow", "part": "body", "interval": 0.05},
    {"kind": "slow", "part": "headers", "interval": 0.05},
]
SERVER_ERRORS = [
    *(status(code) for code in (408, 500, 502, 503, 504)),
    *(status(code, when="after") for code in (500, 502, 503, 504)),
    status(503, retry_after=20),
    status(503, when="after", retry_after={"date": 20}),
]
REDIRECTS: list[Fault] = [
    {"kind": "redirect", "location": "http://127.0.0.2/elsewhere"},
    {"kind": "redirect", "status": 307, "location": "https://elsewhere.example.org/", "when": "after"},
]
WRONG_BODIES: list[Fault] = [
    *({"kind": "body", "what": what, "when": "before"} for what in BODIES),
    *({"kind": "body", "what": what, "when": "after"} for what in ("error", "login", "empty", "null", "list", "nan")),
]
TOO_MUCH: list[Fault] = [{"kind": "gzip-bomb", "when": "after"}, {"kind": "big", "when": "after"}]
WRAPPED: Fault = {"kind": "wrap"}
OTHER_CLOTHES: list[Fault] = [{"kind": "bom"}, {"kind": "latin1"}, {"kind": "content-type"}]

# What 429 asks for, and how many seconds we then stay away: at least our own first wait (10 s), at most an hour.
TOO_MANY: list[tuple[Any, int]] = [(20, 20), ({"date": 120}, 120), (None, 10), (864_000, 3600), ("soon", 10), (-5, 10)]


# Answers after which nobody knows whether it was done.
UNCLEAR = [*BROKEN, *CUT, *SERVER_ERRORS, *REDIRECTS, *WRONG_BODIES, *TOO_MUCH, WRAPPED, status(409)]
# As answers to a look-up.
NO_READS = [status(code) for code in (400, 401, 403, 404, 409, 422)]
TOO_OFTEN = [status(429, retry_after=asked) for asked, _ in TOO_MANY if asked is not None] + [status(429)]
# An empty list is a good answer to a look-up: it has a test of its own.
UNREADABLE = [fault for fault in UNCLEAR if fault.get("when") != "after" and fault.get("what") != "list"]


def arrives(fault: Fault) -> bool:
    """Whether the effect happens although we are not told."""
    return fault["kind"] in ("cut", "slow", "wrap") or fault.get("when") == "after"


def named(value: Any) -> str | None:
    """A fault as the name of a test."""
    return "-".join(str(part) for part in value.values()) if isinstance(value, dict) else None
