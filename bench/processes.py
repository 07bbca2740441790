"""Whole processes, measured by the operating system: CPU seconds and peak memory of a finished command."""

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median


def _environ(more: dict[str, str] | None) -> dict[str, str]:
    """Ours and more. What is installed is compiled: a command must not be charged with compiling a module anew."""
    return {**os.environ, "PYTHONDONTWRITEBYTECODE": "", **(more or {})}


@dataclass(frozen=True)
class Cost:
    """cpu_s is user and system time together; peak_mb the largest resident size."""

    cpu_s: float
    peak_mb: float
    code: int


def cost(command: Sequence[str], *, environ: dict[str, str] | None = None) -> Cost:
    """Run one command to its end. What it prints is thrown away."""
    process = subprocess.Popen(command, env=_environ(environ), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return Cost(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1000, process.returncode)


def typical(costs: Sequence[Cost]) -> Cost:
    """The median CPU and the highest peak of several runs."""
    return Cost(median(one.cpu_s for one in costs), max(one.peak_mb for one in costs), max(one.code for one in costs))


def in_turn(
    first: Sequence[str], second: Sequence[str], *, times: int, environ: dict[str, str] | None = None
) -> tuple[Cost, Cost]:
    """Two commands A B A B …, so that a machine whose speed drifts treats both alike; the first pair only warms up."""
    pairs = [(cost(first, environ=environ), cost(second, environ=environ)) for _ in range(times + 1)][1:]
    return typical([a for a, _ in pairs]), typical([b for _, b in pairs])


class Talker:
    """A running process that says lines and is told lines. It is killed at the end of its block."""

    def __init__(self, command: Sequence[str], *, environ: dict[str, str] | None = None) -> None:
        self._process = subprocess.Popen(
            command, env=_environ(environ), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> "Talker":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def hear(self) -> str:
        """Its next line, "" when it has ended."""
        assert self._process.stdout
        return self._process.stdout.readline().strip()

    def tell(self, line: str) -> None:
        assert self._process.stdin
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()

    def cpu_s(self) -> float:
        """User and system time that it has spent so far, in steps of the kernel's clock (10 ms)."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def ended(self) -> int | None:
        """Its exit code, None while it runs."""
        return self._process.poll()

    def wait(self, timeout_s: float) -> int:
        """Its exit code."""
        return self._process.wait(timeout=timeout_s)


def instructions(command: Sequence[str], folder: Path, *, environ: dict[str, str] | None = None) -> int | None:
    """Instructions of one run as callgrind counts them: the same however busy the machine is. None without valgrind."""
    out = folder / "callgrind.out"
    try:
        subprocess.run(
            ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", *command],
            check=True,
            capture_output=True,
            env={**_environ(environ), "PYTHONHASHSEED": "0"},
        )
    except (FileNotFoundError, subprocess.CalledProcessError):
        return None
    for line in out.read_text(encoding="utf-8", errors="replace").splitlines():
        if line.startswith(("summary:", "totals:")):
            return int(line.split()[1])
    return None


def integrator(*arguments: str) -> list[str]:
    """Our command as the console script starts it."""
    return [str(Path(sys.executable).with_name("integrator")), *arguments]
