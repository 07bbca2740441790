"""What a killed run leaves alive, told by the kernel: the processes that belong to a folder."""

import os
import select
import time
from contextlib import suppress
from pathlib import Path


def living(root: Path) -> dict[int, str]:
    """Processes with this folder in their command line or in their environment, by name; a zombie has neither."""
    found, wanted = {}, os.fsencode(root)
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            command = (entry / "cmdline").read_bytes()
            if int(entry.name) != os.getpid() and (wanted in command or wanted in (entry / "environ").read_bytes()):
                found[int(entry.name)] = Path(os.fsdecode(command.split(b"\0")[0]).split(" ")[0]).name
    return found


def zombies(root: Path) -> list[int]:
    """Dead, and not taken away yet, of the sessions that the drivers of these folders began."""
    drivers = {file.read_text("ascii").split()[0] for file in (root / "var" / "spool").glob("browser-*/driver")}
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            state, _, _, session, *_ = (entry / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
            if state == "Z" and session in drivers:
                found.append(int(entry.name))
    return found


def nothing_lives(root: Path, seconds: float = 300.0) -> None:
    """At once, or so many seconds later at the latest."""
    deadline = time.monotonic() + seconds
    while (left := living(root)) and time.monotonic() < deadline:
        for pid in left:
            await_end(pid, deadline - time.monotonic())
    assert left == {}
    # The wrapper and the driver become process 1's, and not every process 1 takes its dead away.
    while len(zombies(root)) > 2:
        assert time.monotonic() < deadline, zombies(root)


def await_end(pid: int, seconds: float) -> None:
    with suppress(ProcessLookupError):
        descriptor = os.pidfd_open(pid)
        try:
            select.select([descriptor], [], [], max(0.0, seconds))
        finally:
            os.close(descriptor)
