"""The standard streams: always there, and never the reason why a run ends or how."""

import errno
import io
import os
import sys
from contextlib import suppress
from typing import Any

# The reader has gone (`| head -1`, a dropped connection): nobody is left to be told.
_NOBODY_READS = (errno.EPIPE, errno.EIO)


def prepare() -> None:
    """Reopen what was closed on /dev/null, and let output that cannot be written go nowhere.

    A program without descriptors 0 to 2 would get them for its store and its locks, and print into those.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # the lowest free number: this one
    if sys.stdin is None:
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 (for the whole process)
    sys.stdout = _prepared(sys.stdout, sys.__stdout__, 1)
    sys.stderr = _prepared(sys.stderr, sys.__stderr__, 2)


def finish() -> None:
    """Write what is still buffered, while its failure can be told."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()


def _prepared(stream: Any, original: Any, number: int) -> Any:
    if stream is not None and stream is not original:  # somebody has put their own in its place
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
        return stream
    return io.TextIOWrapper(
        io.BufferedWriter(_Forgiving(number, "wb", closefd=False)),
        encoding=stream.encoding if stream is not None else "utf-8",
        errors="replace",  # a terminal that cannot show å must not end a run
        line_buffering=bool(stream is not None and (stream.line_buffering or stream.write_through)),
    )


class _Forgiving(io.FileIO):
    """A descriptor that takes everything: what the system refuses is dropped, and said once on stderr."""

    def write(self, data: Any) -> int:
        try:
            while (written := super().write(data)) is None:  # shared with a program that made it non-blocking
                self._wait()
        except OSError as error:
            self._drop(error)
            return memoryview(data).nbytes
        return written

    def _wait(self) -> None:
        from select import select

        select([], [self], [])

    def _drop(self, error: OSError) -> None:
        nowhere = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
        os.dup2(nowhere, self.fileno())
        os.close(nowhere)
        if self.fileno() == 1 and error.errno not in _NOBODY_READS:
            sys.stderr.write(f"integrator: what it prints cannot be written: {error.strerror}\n")
