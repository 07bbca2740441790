"""What stands between a replay and the world."""

import socket
import time

import pytest

from integrator.recording.network import Clock, NotRecorded, Tape, replaying


def test_whoever_goes_around_the_recording_is_stopped() -> None:
    tape = Tape()
    with replaying(tape, Clock(0.0)):
        with pytest.raises(NotRecorded, match="nothing was sent"):
            socket.create_connection(("127.0.0.1", 9), timeout=1)
        with pytest.raises(NotRecorded), socket.socket() as plain:
            plain.connect(("127.0.0.1", 9))
        with pytest.raises(NotRecorded):
            socket.getaddrinfo("example.org", 443)
    assert tape.gap is not None
    assert socket.getaddrinfo("127.0.0.1", 9)


def test_a_wait_moves_the_clock_and_takes_no_time() -> None:
    clock, begun = Clock(1000.0), time.monotonic()
    with replaying(Tape(), clock):
        time.sleep(3600)
        assert clock() == 4600.0
    assert time.monotonic() - begun < 60
