"""Two workshops, an order as OilMat sends it, and orderlines brought as far as a test needs them."""

import json
from contextlib import nullcontext

from integrator.domain.orderlines.order import EFFECT, key_of, scope_of
from integrator.effects import Done
from integrator.errors import Rejected
from integrator.runtime.delivery import Delivery, Patience
from integrator.runtime.outbox import Outbox
from integrator.settings import Workshop
from integrator.store.orderlines import Orderlines

AT = 1_795_000_000
W = "bennys-auto"
SECRET = "Sommer-2026-hemmelig"
TOML = """
[bennys-auto]
name = "Bennys Auto"
type = "au2office"
base_url = "http://127.0.0.1:9"
username = "oilmat@example.org"
password = { env = "BENNYS_PASSWORD" }

[karls-biler]
name = "Karls Biler"
type = "admanager"
base_url = "http://127.0.0.1:9"
"""
SENT = {
    "workshop": W,
    "username": "benny@example.org",
    "password": SECRET,
    "case_id": "560",
    "product_nr": "0005",
    "product_amount": "5.5",
    "unique_id": "0007",
}


def order(unique_id="0007", **changed):
    """Without a login; a field that is changed to ... is left out."""
    made = {name: value for name, value in SENT.items() if name not in ("username", "password")}
    made |= {"unique_id": unique_id, **changed}
    return {name: value for name, value in made.items() if value is not ...}


def raw(value):
    return value if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False).encode()


def workshops():
    """Bennys Auto, and Karls Biler, which has no login."""
    login = {"username": "oilmat@example.org", "password": {"env": "BENNYS_PASSWORD"}}
    url = "http://127.0.0.1:9"
    return {
        W: Workshop(name="Bennys Auto", type="au2office", base_url=url, id=W, **login),
        "karls-biler": Workshop(name="Karls Biler", type="admanager", base_url=url, id="karls-biler"),
    }


def row(db, unique_id="0007", workshop=W):
    return Orderlines(db).get(workshop, unique_id)


def rows(db, table, columns="*"):
    return [tuple(found) for found in db.all(f"SELECT {columns} FROM {table}")]


class Nobody:
    """A sender that answers the same for every message."""

    settle_s = 0.0
    resends = True

    def __init__(self, answer):
        self._answer = answer

    def groups(self, messages):
        return ([message] for message in messages)

    def send(self, group):
        return [self._answer for _ in group]

    def look_up(self, message):
        if isinstance(self._answer, Done):
            return self._answer
        raise self._answer

    def repeatable(self, message):
        return False


def begin(db, unique_id="0007", *, phase=None, workshop=W):
    """A run has begun with it, and got so far."""
    outbox, lines = Outbox(db, clock=lambda: AT), Orderlines(db, run_id=4)
    key = key_of(workshop, unique_id)
    [message] = [found for found in outbox.due(EFFECT, scope=scope_of(workshop)) if found.key == key]
    outbox.begin([message], prepare=lambda found: lines.claimed(key, "host 1 1", at=AT))
    with db.tx():
        if phase in ("armed", "half", "doubt"):
            lines.armed(key, '{"ids": [], "same": 0, "total": 0}', at=AT)
        if phase == "half":
            lines.half(key, "line-4", at=AT)
    return message


def deliver(db, answer, *, at=AT, workshop=W):
    """A run whose sender answers so for everything; what comes of it is kept as push-orderline keeps it."""
    lines = Orderlines(db, run_id=4)

    def note(message, state, error):
        lines.noted(message.key, state, getattr(error, "code", None), error.message, at=at)

    def keep(message, done):
        lines.verified(message.key, done.remote_id, "marker", None, at=at)

    outbox = Outbox(db, clock=lambda: at, run_id=4)

    def prepare(message):
        lines.claimed(message.key, "host 1 1", at=at)

    told = {"prepare": prepare, "keep": keep, "note": note, "waits": False}
    Delivery(outbox, EFFECT, Nobody(answer), Patience(), nullcontext, lambda seconds: None, **told).run()


def fail(db, code="case-closed"):
    """Everything that waits has failed, with a definite no."""
    deliver(db, Rejected("the case is closed", code=code))
