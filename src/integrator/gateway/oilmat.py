"""OilMat's side: the endpoints of the service that stood here before, answered from the store.

It had a worker of its own; we have none. Starting and stopping it switches a workshop on and off for the runs to come,
and nothing that it answers holds a login: those that travel in an order end at the door.
"""

from typing import Any

import msgspec

from integrator.errors import NotFound
from integrator.gateway import bodies
from integrator.gateway.answers import Answer, problem, refuse
from integrator.gateway.call import Call
from integrator.gateway.routes import NOT_FOUND, WRONG, Parameter, Reply, Route
from integrator.gateway.shapes import (
    Alive,
    Cleared,
    FieldError,
    Kind,
    LinesTaken,
    LineStanding,
    LineTaken,
    Orderline,
    Queue,
    QueueType,
    Steered,
    instant_of,
)
from integrator.jobs.orderline_intake import Known, Taken

_INSTANTS = ("next_try_at", "received_at", "changed_at")


def create(call: Call) -> Answer:
    only = _workshop(call) if "workshop" in call.path else None
    raw = call.body()
    with call.here.intake() as intake:
        taken = intake.take(raw, source="http", only=only)
    told = [_taken(one) for one in taken]
    bad = [one for one in taken if not one.is_good]
    if bad or not taken:
        others = "; the others were kept" if 0 < len(bad) < len(taken) else ""
        detail = f"{len(bad)} of {len(taken)} refused{others}" if taken else "there is no order in the body"
        errors = [FieldError(field=one.unique_id or "body", message=one.reason) for one in bad]
        return problem(400, detail, code="bad_request", errors=errors, orders=told, note=_note(taken))
    return Answer(200, told[0] if len(told) == 1 else LinesTaken(length=len(told), orders=told), note=_note(taken))


def _note(taken: list[Taken]) -> str | None:
    """What the log says of orders: that a login was in one, and names of fields that nobody knows; never a value."""
    said = ["credentials_in_payload"] if any(one.credentials_in_payload for one in taken) else []
    if ignored := dict.fromkeys(name for one in taken for name in one.ignored):
        said.append(f"ignored: {', '.join(list(ignored)[:20])}")
    return "; ".join(said) or None


def check_order_status(call: Call) -> Answer:
    workshop, unique_id = _workshop(call), call.query("unique_id")
    if unique_id is None:
        refuse(400, "is missing", code="missing", field="unique_id")
    from integrator.jobs import orderline_desk

    with call.here.reading() as db:
        if db is None:
            raise NotFound("there is no such orderline")
        found = orderline_desk.status(db, workshop, unique_id)
    return Answer(200, msgspec.convert(found, LineStanding))


def queue(call: Call) -> Answer:
    workshop, kind = _workshop(call), _kind(call.query("type"))
    from integrator.jobs import orderline_desk

    with call.here.reading() as db:
        found = orderline_desk.queue(db, workshop, kind)
    lines = [order | {name: instant_of(order[name]) for name in _INSTANTS} for order in found["orders"]]
    return Answer(200, msgspec.convert(found | {"orders": lines}, Queue))


def clear_queue(call: Call) -> Answer:
    workshop, asked = _workshop(call), call.query("type")
    if call.request.content_length or "Transfer-Encoding" in call.request.headers:
        in_body = _kind_of_body(call.body())
        if in_body is not None and asked not in (None, in_body):
            refuse(400, "differs from the one in the body", code="two_types", field="type")
        asked = in_body or asked
    kind = _kind(asked)
    from integrator.jobs import orderline_desk

    with call.here.writing() as db:
        ids = orderline_desk.clear(db, workshop, kind, clock=call.here.clock)
    return Answer(200, Cleared(workshop=workshop, type=kind, count=len(ids), ids=ids))


def alive(call: Call) -> Answer:
    from integrator.domain.orderlines.reasons import text_of
    from integrator.jobs import workshop_standing
    from integrator.runtime.watch import job_state

    here, now = call.here, call.here.now()
    chosen = here.settings.workshops[_workshop(call)]
    policy = here.settings.jobs[workshop_standing.JOB]
    with here.reading() as db:
        job = job_state(db, policy, locks=here.home.locks, now=now)
        seen = workshop_standing.health(here.settings, db, [chosen], job, now=int(now.timestamp()))
    [one] = seen.workshops
    state, counted = one.state, one.numbers
    told = Alive(
        workshop=one.id,
        alive=True,
        healthy=seen.is_good,
        active=state.active,
        worker_running=one.worker is not None and one.worker.alive,
        blocked=state.blocked_code,
        blocked_reason=text_of(state.blocked_code) or None,
        queued=counted.queued,
        processing=counted.processing,
        in_doubt=len(counted.doubtful),
        failed_24h=counted.failed_lately,
        problems=list(dict.fromkeys(worry.kind for worry in seen.worries)),
    )
    return Answer(200, told)


def start_worker(call: Call) -> Answer:
    return _steer(call, active=True)


def stop_worker(call: Call) -> Answer:
    return _steer(call, active=False)


def kill(call: Call) -> Answer:
    said = "nothing is resident that could be killed: the workshop is switched off, a run at hand finishes its order"
    return _steer(call, active=False, message=said)


def _steer(call: Call, *, active: bool, message: str = "") -> Answer:
    from integrator.jobs import workshop_desk

    workshop, at = _workshop(call), int(call.here.now().timestamp())
    with call.here.writing() as db:
        state = workshop_desk.set_active(db, workshop, active, unblock=False, at=at)
    return Answer(200, Steered(workshop=workshop, active=state.active, blocked=state.blocked_code, message=message))


def _workshop(call: Call) -> str:
    """The id of the workshop in the address. Errors  NotFound: which there are, is not told"""
    found = Known(call.here.settings.workshops).find(call.path["workshop"])
    if found is None:
        raise NotFound("there is no such workshop")
    return found


def _kind_of_body(raw: bytes) -> Kind | None:
    """Which queue a body names, if it does. Ends the request with 400, or 422 where there is anything else in it."""
    found = bodies.value_of(raw)
    if isinstance(found, dict) and "type" in found:
        _kind(found["type"])
    return bodies.record_of(raw, QueueType).type or None


def _kind(asked: Any) -> Kind:
    from integrator.jobs.orderline_desk import KINDS

    found = next((kind for kind in KINDS if kind == asked), None)
    if found is None:
        refuse(400, "must be task or error", code="invalid" if asked else "missing", field="type")
    return found


def _taken(one: Taken) -> LineTaken:
    return msgspec.convert(one.as_json(), LineTaken)


# the table ----------------------------------------------------------------------------------------------------------

_WORKSHOP = Parameter("workshop", "path", str, "A workshop: its id, or its name.", required=True)
_TYPE = Parameter("type", "query", Kind, "What waits, or what failed.", required=True)
_TYPE_HERE = Parameter("type", "query", Kind, "What waits, or what failed; or in the body.")
_UNIQUE_ID = Parameter("unique_id", "query", str, "The id that OilMat gave it.", required=True)
_TAKEN = Reply("Kept, or known already: how it stands.", (LineTaken, LinesTaken))
_BAD = {400: WRONG, 404: NOT_FOUND}
_BODY = (Orderline, list[Orderline], str)
_ONCE = "An order that comes again is the same order. A list, or one a line, is taken too: each on its own."


def _route(method: str, name: str, what: str, answer: Any, kind: Any, **more: Any) -> Route:
    replies = {200: Reply(more.pop("shows", "Done."), kind), **more.pop("replies", {404: NOT_FOUND})}
    parameters = (_WORKSHOP, *more.pop("parameters", ()))
    path = f"/oilmat/{{workshop}}/{name}"
    return Route(method, path, name, "oilmat", what, answer, replies, "oilmat", parameters, **more)


ROUTES = (
    _route(
        *("POST", "create", "Take in an order for this workshop.", create, _TAKEN.kind),
        shows=_TAKEN.what,
        replies=_BAD,
        body=_BODY,
        changes=True,
        more=_ONCE,
    ),
    Route(
        *("POST", "/oilmat/create", "create_for", "oilmat", "Take in an order for the workshop that it names."),
        create,
        {200: _TAKEN, 400: WRONG},
        "oilmat",
        body=_BODY,
        changes=True,
        more=_ONCE,
    ),
    _route(
        *("GET", "check_order_status", "How one order stands.", check_order_status, LineStanding),
        shows="How it stands.",
        replies=_BAD,
        parameters=(_UNIQUE_ID,),
    ),
    _route(
        *("GET", "queue", "What waits (task), or what failed (error).", queue, Queue),
        shows="The orders, oldest first.",
        replies=_BAD,
        parameters=(_TYPE,),
    ),
    _route(
        *("PUT", "clear_queue", "Take what waits out of the queue, or what failed out of sight.", clear_queue, Cleared),
        shows="What was taken out; an order that a run has begun with is not among them.",
        replies={**_BAD, 422: WRONG},
        parameters=(_TYPE_HERE,),
        body=QueueType,
        needs_body=False,
        limit=1_000,
        changes=True,
    ),
    _route(*("GET", "alive", "How the workshop stands.", alive, Alive), shows="How it stands."),
    _route(
        *("PUT", "start_worker", "Let the workshop be worked for, from the next run on.", start_worker, Steered),
        changes=True,
    ),
    _route(
        *("PUT", "stop_worker", "Stop working for the workshop; its orders are still taken in.", stop_worker, Steered),
        changes=True,
    ),
    _route(
        *("PUT", "kill", "As stop_worker: there is no process to kill.", kill, Steered),
        changes=True,
    ),
)
