"""The processes that a test started, told by the kernel: each by its descriptor, so that a pid used again is none."""

import os
import select
import time
from contextlib import suppress
from pathlib import Path


class Watched:
    """Live processes that name a folder in their command line, or descend from a given process."""

    def __init__(self, folder: Path, root: int | None) -> None:
        self._open: dict[int, tuple[int, str]] = {}
        parents = _parents()
        for pid in parents:
            with suppress(OSError):
                command = Path(f"/proc/{pid}/cmdline").read_bytes()  # empty for a zombie
                if command and (os.fsencode(folder) in command or _descends(pid, root, parents)) and pid != os.getpid():
                    self._open[os.pidfd_open(pid)] = (pid, command.split(b"\0")[0].decode())

    def __enter__(self) -> "Watched":
        return self

    def __exit__(self, *error: object) -> None:
        for descriptor in self._open:
            os.close(descriptor)

    def names(self) -> list[str]:
        return [Path(name.split(" ")[0]).name for _, name in self._open.values()]

    def alive(self, seconds: float = 0.0) -> list[str]:
        """The names of those that still live when so much time has passed, or as soon as none does; zombies do not."""
        poll, left = select.poll(), dict(self._open)
        for descriptor in left:
            poll.register(descriptor, select.POLLIN)
        end = time.monotonic() + seconds
        while left:
            ended = poll.poll(max(0.0, end - time.monotonic()) * 1000)
            for descriptor, _ in ended:
                poll.unregister(descriptor)
                del left[descriptor]
            if not ended:
                break
        return [f"{name} ({pid})" for pid, name in left.values()]


def _parents() -> dict[int, int]:
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            found[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    return found


def _descends(pid: int, root: int | None, parents: dict[int, int]) -> bool:
    while pid not in (0, 1, root):
        pid = parents.get(pid, 0)
    return pid == root
