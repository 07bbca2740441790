"""Everything HTTP can do to a registration, a mail, a look-up or a question for seats: nobody twice, nobody forgotten."""

from typing import Any

import pytest
from effects import (
    EFFECTS,
    MAIL,
    REGISTRATION,
    Effect,
    assert_heals_when_settled,
    assert_once,
    fate,
    pass_time,
    sent,
)
from http_faults import (
    BROKEN,
    CUT,
    NEVER_ENDING,
    OTHER_CLOTHES,
    REDIRECTS,
    SERVER_ERRORS,
    TOO_MANY,
    TOO_MUCH,
    WRAPPED,
    WRONG_BODIES,
    Fault,
    arrives,
    named,
)

from integrator.runtime.stopping import Stopper
from world import World

SHORT = "timeout_s = 0.3"
UNCLEAR = [*BROKEN, *CUT, *SERVER_ERRORS, *REDIRECTS, *WRONG_BODIES, *TOO_MUCH, WRAPPED]
UNCLEAR.append({"kind": "status", "status": 409})


@pytest.fixture
def post(here: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A home with Mailgun switched on; waits between two tries of a read are left out."""
    monkeypatch.setattr(Stopper, "sleep", lambda self, seconds: self.check())
    here.configure(mailgun=True)
    return here


def meets(here: World, effect: Effect, fault: Fault, match: dict[str, str], *, times: int | None = 1) -> None:
    here.servers[effect.server].faults.add({"match": match, "times": times, "fault": fault})


def over(here: World, effect: Effect) -> None:
    """The trouble is over; what hung is dropped."""
    here.servers[effect.server].faults.clear()


def impatient(here: World, effect: Effect) -> None:
    extra = {"maconomy_extra": SHORT} if effect is REGISTRATION else {"mailgun_extra": SHORT}
    here.configure(mailgun=True, **extra)


# sending ----------------------------------------------------------------------------------------------


def assert_in_doubt(here: World, effect: Effect, arrived: bool) -> None:
    """Sent once, and nobody knows; then the truth comes out without a second one."""
    assert here.run("sync-orders").code == 75
    assert fate(here, effect) == ("processing", int(arrived))
    over(here, effect)
    here.configure(mailgun=True)
    if not arrived:
        assert_heals_when_settled(here, effect)
        return
    before = sent(here, effect)
    assert here.run("sync-orders").code == 0
    assert fate(here, effect) == ("completed", 1)
    assert sent(here, effect) - before == (1 if effect.resends else 0) * 0
    assert_once(here)


@EFFECTS
@pytest.mark.parametrize("fault", UNCLEAR, ids=named)
def test_an_answer_that_proves_nothing_leaves_a_doubt_and_no_double(post: World, effect: Effect, fault: Fault) -> None:
    post.order(1)
    meets(post, effect, fault, effect.send)
    assert_in_doubt(post, effect, arrives(fault))
