"""The two effects of sync-orders for one order of one participant: what is watched, and how their fate is told."""

from typing import Any, NamedTuple

import pytest

from rawserver import WAIT_S
from world import World


class Effect(NamedTuple):
    """One effect: its requests, and the message whose fate is watched (the first of its kind).

    nth      of the messages that a run begins
    resends  what nobody has seen there after a while is sent again; otherwise it waits for a person
    """

    name: str
    server: int
    send: dict[str, str]
    look: dict[str, str]
    key: str
    nth: int
    resends: bool


REGISTRATION = Effect(
    "maconomy.registration",
    0,
    {"method": "POST", "path": "/api/webparticipant"},
    {"method": "GET", "path": "/api/participant/.*"},
    "ILI-10001-1",
    1,
    True,
)
MAIL = Effect(
    "mailgun.confirmation",
    2,
    {"method": "POST", "path": "/v3/.*/messages", "body": "participant:1"},
    {"method": "GET", "path": "/v3/.*/events", "target": "recipient="},
    "order-confirmation:10001:participant:1",
    2,
    False,
)
# Parts of the statements that begin and complete a message.
BEGUN, ENDED = "'processing', attempts", "'completed'"
SHORT = f"timeout_s = {WAIT_S:g}"
EFFECTS = pytest.mark.parametrize("effect", [REGISTRATION, MAIL], ids=["registration", "mail"])
EVERYBODY = [REGISTRATION.key]
MAILS = sorted([MAIL.key, "order-confirmation:10001:customer"])


def fate(here: World, effect: Effect) -> tuple[str, int]:
    """(state, how often it has happened there)."""
    [(state,)] = here.rows("SELECT state FROM outbox WHERE key = ?", effect.key)
    return state, (here.registrations() + here.mails()).count(effect.key)


def await_arrival(here: World, effect: Effect) -> None:
    """A released request is carried out by the stand-in in a thread of its own."""
    assert any(effect.key in here.registrations() + here.mails() for _ in range(200_000))


def sent(here: World, effect: Effect) -> int:
    """How many requests that send something have arrived at the effect's system, whatever became of them."""
    return len(here.servers[effect.server].standin.entries(path=effect.send["path"], method="POST"))


def pass_time(here: World) -> None:
    """Let the time pass that a message waits, and that a lost request may still arrive."""
    with here.store() as db:
        db.write(
            "UPDATE outbox SET next_at = 0, sent_at = sent_at - 7200, uncertain_since = uncertain_since - 7200"
            " WHERE state IN ('received', 'processing')"
        )


def assert_once(here: World) -> None:
    """After all: everybody is registered once, everybody has one mail, and a further run has nothing to do."""
    assert here.registrations() == EVERYBODY
    assert sorted(here.mails()) == MAILS
    assert here.rows("SELECT DISTINCT state FROM outbox") == [("completed",)]
    here.forget_requests()
    assert here.run("sync-orders").code == 0
    assert (here.registrations(), here.mails()) == ([], [])
    assert here.rows("PRAGMA integrity_check") == [("ok",)]


def assert_heals_when_settled(here: World, effect: Effect) -> None:
    """Nobody there knows of it. What may be sent again is, once; of a mail a person decides."""
    assert here.run("sync-orders").code == 75
    assert fate(here, effect) == ("processing", 0), "it may still arrive"
    pass_time(here)
    result = here.run("sync-orders")
    if effect.resends:
        assert (result.code, fate(here, effect)) == (0, ("completed", 1))
    else:
        assert (result.code, fate(here, effect)) == (3, ("failed", 0))
        [(reason,)] = here.rows("SELECT reason FROM outbox WHERE key = ?", effect.key)
        assert reason.startswith("held")
        assert here.run("sync-orders").code == 0
        assert fate(here, effect) == ("failed", 0), "never again by itself"
        assert here.run("outbox", "retry", "--all-failed", "--without-looking").code == 0
        assert here.run("sync-orders").code == 0
    assert_once(here)


def meets(here: World, effect: Effect, match: dict[str, str], fault: dict[str, Any], *, times: int | None = 1) -> None:
    here.servers[effect.server].faults.add({"match": match, "times": times, "fault": fault})


def over(here: World, effect: Effect) -> None:
    """The trouble is over; what hung is dropped."""
    here.servers[effect.server].faults.clear()


def impatient(here: World, effect: Effect) -> None:
    """Configured to wait not for long for an answer of the effect's system."""
    maconomy, mailgun = (SHORT, "") if effect is REGISTRATION else ("", SHORT)
    here.configure(mailgun=True, maconomy_extra=maconomy, mailgun_extra=mailgun)
