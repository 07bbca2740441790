"""schemathesis against the application: it reads the OpenAPI document, and asks what that allows, and what it does not.

No answer may be a failure of ours, of a status or type that the document does not know, or of another shape than it
says; and what the document does not allow is refused. What it cannot say (that an order is there) may be refused too.
"""

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import schemathesis
from doors import CLASS, LINE, OILMAT_KEY, SIGNING_KEY, TOKEN, WEBSITE_KEY, Doors
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from desks import form
from integrator.gateway.guard import signature_of
from integrator.secret import Secret

CHECKS: list[Any] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
_KEYS = {"website": WEBSITE_KEY, "oilmat": OILMAT_KEY}


@dataclass
class Asked:
    """How many requests there were, and what they were answered, by operation."""

    requests: int = 0
    answers: dict[str, dict[int, int]] = field(default_factory=dict)

    def count(self, name: str, status: int) -> None:
        self.requests += 1
        found = self.answers.setdefault(name, {})
        found[status] = found.get(status, 0) + 1


def run(here: Doors, each: int) -> Asked:
    """For every operation that many questions the document allows, and as many again that it does not."""
    here.configure(gateway="rate_per_minute = 100_000")
    here.world.maconomy.seed({"set": {CLASS: {"maxParticipants": 5_000, "freeSeats": 5_000}}})
    here.publish()
    here.order(key="first")
    here.order(key="second")
    here.oilmat("POST", "nord/create", json=LINE)
    asked = Asked()
    schema = schemathesis.openapi.from_wsgi("/openapi.json", here.app)
    for found in schema.get_all_operations():
        operation = found.ok()
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            _ask(here, operation, mode, each, asked)
    return asked


def _ask(here: Doors, operation: Any, mode: GenerationMode, each: int, asked: Asked) -> None:
    name = operation.definition.raw["operationId"]

    @given(case=operation.as_strategy(generation_mode=mode), knows=st.sampled_from([True, True, True, False]))
    @settings(
        max_examples=each,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def one(case: Any, *, knows: bool) -> None:
        if knows:
            _let_in(case, operation.definition.raw["tags"][0])
        if knows and mode is GenerationMode.POSITIVE:
            _make_true(here, case, name)
        answer = case.call()
        asked.count(name, answer.status_code)
        case.validate_response(answer, checks=CHECKS)

    if mode is GenerationMode.POSITIVE:
        one()
    else:
        with suppress(Unsatisfiable):  # a question in which nothing can be wrong
            one()


def _let_in(case: Any, group: str) -> None:
    if group in _KEYS:
        case.headers = dict(case.headers or {}) | {"X-Api-Key": _KEYS[group]}
    if "token" in (case.path_parameters or {}):
        case.path_parameters["token"] = TOKEN


def _make_true(here: Doors, case: Any, name: str) -> None:
    """Things that are there: an order, a workshop, a class, a signature that is right."""
    known = {"order": 10002 if name == "complete" else 10001, "workshop": "nord"}
    case.path_parameters |= {part: known[part] for part in case.path_parameters if part in known}
    if name == "reserve":
        case.body["class_id"] = CLASS
    if name == "complete":
        case.body = form()
    if name in ("create", "create_for"):
        case.body = LINE | {"workshop": "nord"}
    if name == "check_order_status":
        case.query["unique_id"] = LINE["unique_id"]
    if name.startswith("cancel_by"):
        case.query = {part: case.query[part] for part in case.query if part != "enrollmentReference"}
        case.query["bookingReference"] = "TP-NOBODY"
    if "courseClassExternalId" in (case.query or {}):
        case.query["courseClassExternalId"] = CLASS
    if "signature" in (case.query or {}):
        query = {part: str(value) for part, value in case.query.items()}
        moment = str(int(here.now))
        mark = signature_of(Secret(SIGNING_KEY), "GET", case.path, query.items(), moment)
        case.query = query | {"timestamp": moment, "signature": mark}
