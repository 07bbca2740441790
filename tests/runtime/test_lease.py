"""Who works on something, as far as another process can know."""

import os
import socket
from dataclasses import replace

import pytest

from integrator.runtime.lease import Owner, holder

AT = 1_795_000_000
OURS = Owner.ourselves()


def test_an_owner_reads_back_as_it_was_written_down():
    assert (OURS.host, OURS.pid) == (socket.gethostname(), os.getpid())
    assert Owner.read(str(OURS)) == OURS
    assert Owner.read("shop-host 4711 99") == Owner("shop-host", 4711, 99)
    assert Owner.read(str(replace(OURS, started=None))).started is None
    assert Owner("shop-host", 4711, 99).shown == "process 4711 on shop-host"


@pytest.mark.parametrize(
    ("owner", "until", "works"),
    [
        (OURS, AT + 1, True),
        (OURS, AT, False),
        (OURS, None, False),
        (None, AT + 1, False),
        (replace(OURS, started=(OURS.started or 0) + 1), AT + 1, False),  # its number is another one's now
        (Owner("elsewhere", OURS.pid, 1), AT + 1, True),  # who can say?
        (Owner("elsewhere", OURS.pid, 1), AT, False),
    ],
)
def test_a_holder_is_here_or_its_lease_goes_on_elsewhere(owner, until, works):
    text = None if owner is None else str(owner)
    assert holder(text, until, at=AT) == (owner if works else None)
