"""Faults by the names of what goes wrong at Trainingportal, to be staged on the control port.

{"match": {"path": ".*/booking/get/.*"}, "times": 3, "fault": AWKWARD["404"]}
"""

from typing import Any

from integrator.standins.trainingportal.answers import ERROR_PAGE, HTML, JSON

_FALSE = '{"sucessful": "false", "errorMessage": "Internal error, please try again"}'

AWKWARD: dict[str, dict[str, Any]] = {
    "false": {"kind": "body", "raw": _FALSE, "content_type": JSON},  # 200, and it did not happen
    "false-after": {"kind": "body", "raw": _FALSE, "content_type": JSON, "when": "after"},  # 200, and it did
    "html": {"kind": "body", "raw": ERROR_PAGE.format(500), "status": 500, "content_type": HTML},
    "html-after": {"kind": "body", "raw": ERROR_PAGE.format(500), "status": 500, "content_type": HTML, "when": "after"},
    "404": {"kind": "body", "raw": ERROR_PAGE.format(404), "status": 404, "content_type": HTML},
    "login": {"kind": "body", "what": "login"},
    "empty": {"kind": "body", "what": "empty"},  # 200 without a byte of body
    "nothing": {"kind": "close", "when": "before"},  # no answer at all
    "lost": {"kind": "reset", "when": "after"},  # it happened, and the answer is lost
    "cut": {"kind": "cut"},  # it happened, and the answer ends in its middle
    "twice": {"kind": "twice"},
    "late": {"kind": "late", "then": "504", "requests": 1},  # 504, and it happens after the next answer
}
