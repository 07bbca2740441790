"""A browser's driver, started so that nothing survives it, and the sweep for where the kernel cannot see to that.

With a wrapper the kernel does it: our process ends → unshare is killed → the first process of its namespace, the
driver, is killed → everything in the namespace is killed. The first signal is tied to the thread that started the
driver: that is the main thread, and start() in session.py insists on it.
"""

import fcntl
import os
import re
import select
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from pathlib import Path

from integrator.systems.browser.trouble import Trouble

PREFIX = "browser-"
_WRAPPER = ("setpriv", "--pdeathsig", "KILL", "unshare", "--pid", "--fork", "--kill-child", "--mount-proc")
_CANDIDATES = {"pid-namespace": _WRAPPER, "user-namespace": (*_WRAPPER, "--user", "--map-current-user")}
_PORT = re.compile(rb"started successfully on port (\d+)")
_PORT_TAKEN = b"port not available"
_STARTS = 3
_START_S, _END_S = 20.0, 5.0
# A socket's path has room for 107 bytes, and Chromium makes /org.chromium.Chromium.XXXXXX/SingletonSocket below TMPDIR.
_LONGEST_TMPDIR = 55


@dataclass(frozen=True)
class Isolation:
    """What keeps a browser from surviving us on this machine.

    name      "pid-namespace" (root), "user-namespace" (anybody else), or "sweep": the next start clears away
    wrapper   goes before the driver's command
    refused   why the better ones do not work here
    """

    name: str
    wrapper: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()


@cache
def isolation() -> Isolation:
    """The best that works here: each is tried for real, once in a process."""
    refused: list[str] = []
    for name, wrapper in _CANDIDATES.items():
        problem = _tried(wrapper)
        if problem is None:
            return Isolation(name, wrapper, tuple(refused))
        refused.append(f"{name}: {problem}")
    return Isolation("sweep", (), tuple(refused))


def _tried(wrapper: tuple[str, ...]) -> str | None:
    """None when a command in the wrapper is the first process of its world."""
    try:
        done = subprocess.run([*wrapper, "sh", "-c", "echo $$"], capture_output=True, text=True, timeout=10)
    except FileNotFoundError:
        return f"{wrapper[0]} is not installed"
    except (OSError, subprocess.TimeoutExpired) as error:
        return type(error).__name__
    if done.stdout.strip() == "1":
        return None
    return (done.stderr.strip().splitlines() or [f"ended with {done.returncode}"])[-1]


class Scratch:
    """The folder of one browser: its profile, its home and its TMPDIR. Locked as long as our process lives."""

    def __init__(self, root: Path) -> None:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        while True:
            self.path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=root.resolve()))
            if (descriptor := _locked(self.path, fcntl.LOCK_EX)) is not None:
                self._descriptor = descriptor
                break
            # else a sweep was faster, and has deleted it
        self.profile, self.home, self.tmp = self.path / "profile", self.path / "home", _tmp_of(self.path)
        for folder in (self.profile, self.home, self.tmp):
            folder.mkdir(mode=0o700)

    def remember(self, pid: int) -> None:
        """Write down the driver for the next start: its pid, and when it began, for pids are used again."""
        (self.path / "driver").write_text(f"{pid} {_began(pid)}", "ascii")

    def remove(self) -> None:
        """End what still works in it, and delete it."""
        _cleared(self.path)
        with suppress(OSError):
            os.close(self._descriptor)


def sweep(scratch_root: Path) -> int:
    """Clear away what killed runs left: their processes and their folders. Gives back how many runs.

    The kernel frees a folder's lock with its process: whoever can take it may clear the folder away.
    """
    swept = 0
    for path in scratch_root.resolve().glob(f"{PREFIX}*"):
        descriptor = _locked(path, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if descriptor is not None:
            _cleared(path)
            os.close(descriptor)
            swept += 1
    return swept


class PortTaken(Trouble):
    """The driver found the port that it was given taken after all."""


def start_driver(driver: str, scratch: Scratch, isolated: Isolation) -> "DriverProcess":
    """Start a chromedriver, again where its port was taken.

    It asks for any port that is free for IPv6, and then wants the same one for IPv4, where somebody's connection may
    just have had it: 3 of 600 starts here ended so (chromedriver 156).

    Errors  Trouble("browser")
    """
    for _ in range(_STARTS - 1):
        with suppress(PortTaken):
            return DriverProcess(driver, scratch, isolated)
    return DriverProcess(driver, scratch, isolated)


class DriverProcess:
    """A chromedriver of ours. pid is that of what we started: the wrapper, or the driver itself."""

    def __init__(self, driver: str, scratch: Scratch, isolated: Isolation) -> None:
        self.isolation, self._driver = isolated, driver
        # SEVERE: chromedriver tells its port, and nothing that was typed. Its own group, for the fall-back.
        command = [*isolated.wrapper, driver, "--port=0", "--log-level=SEVERE"]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_environment(scratch),
            cwd=scratch.path,
            start_new_session=True,
        )
        self.pid = self._process.pid
        try:
            scratch.remember(self.pid)
            self.port = self._told_port()
        except BaseException:
            self.end()
            raise

    def _told_port(self) -> int:
        assert self._process.stdout is not None
        pipe, told, deadline = self._process.stdout.fileno(), b"", time.monotonic() + _START_S
        while (left := deadline - time.monotonic()) > 0:
            if not select.select([pipe], [], [], left)[0]:
                break
            chunk = os.read(pipe, 4096)
            told += chunk
            if found := _PORT.search(told):
                return int(found[1])
            if not chunk and _PORT_TAKEN in told:
                raise PortTaken("browser", f"the driver found its port taken, {_STARTS} times in a row")
            if not chunk:
                raise Trouble("browser", f"the driver ended at once: does {self._driver} --version work?")
        raise Trouble("browser", f"the driver did not say its port within {_START_S:g} s")

    def end(self) -> None:
        """Kill it and, in a namespace, everything with it; never raises."""
        # The namespace's first process first: it ends when all others have, and its parent waits for that.
        for pid in _children(self.pid) if self.isolation.wrapper else []:
            _kill(pid)
        if not self.isolation.wrapper or not self._ended(_END_S):
            with suppress(OSError):
                os.killpg(self.pid, signal.SIGKILL)
            self._ended(_END_S)
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _ended(self, seconds: float) -> bool:
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True


def _environment(scratch: Scratch) -> dict[str, str]:
    """Little of ours: no secret of an .env, no proxy. TMPDIR is also what the sweep knows the driver by."""
    kept = {name: value for name, value in os.environ.items() if name in ("LANG", "TZ") or name.startswith("LC_")}
    path = os.environ.get("PATH") or os.defpath
    return {**kept, "PATH": path, "HOME": str(scratch.home), "TMPDIR": str(scratch.tmp)}


def _tmp_of(folder: Path) -> Path:
    """The TMPDIR that belongs to a folder: below it, or under a name made of it where a socket's path has no room."""
    inside = folder / "tmp"
    if len(os.fsencode(inside)) <= _LONGEST_TMPDIR:
        return inside
    return Path("/tmp") / f"{PREFIX}{blake2b(os.fsencode(folder), digest_size=8).hexdigest()}"  # noqa: S108 (0700, made by us or not at all)


def _cleared(folder: Path) -> None:
    deadline = time.monotonic() + _END_S
    while pids := list(_processes_of(folder)):
        for pid in pids:
            _kill(pid)
        if time.monotonic() > deadline:
            break
        time.sleep(0.01)
    for path in {_tmp_of(folder), folder}:
        shutil.rmtree(path, ignore_errors=True)


def _processes_of(folder: Path) -> Iterator[int]:
    """Live processes with this folder in their command line or as their TMPDIR, and the driver written down in it."""
    path, tmp = os.fsencode(folder), b"TMPDIR=" + os.fsencode(_tmp_of(folder))
    recorded = _recorded(folder)
    for entry in Path("/proc").glob("[0-9]*"):
        pid = int(entry.name)
        if pid == os.getpid():
            continue
        with suppress(OSError):
            command = (entry / "cmdline").read_bytes()  # empty for a zombie
            if pid == recorded or path in command or (command and tmp in (entry / "environ").read_bytes().split(b"\0")):
                yield pid


def _recorded(folder: Path) -> int | None:
    try:
        pid, began = (folder / "driver").read_text("ascii").split()
    except (OSError, ValueError):
        return None
    alive = _began(int(pid)) == began and _state(int(pid)) != "Z"
    return int(pid) if alive else None


def _stat(pid: int) -> list[str]:
    """What stands behind the name in /proc/PID/stat: the state first; empty for no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    except OSError:
        return []


def _state(pid: int) -> str:
    return (_stat(pid) or [""])[0]


def _began(pid: int) -> str:
    """When it began, in the kernel's ticks since it started; "0" where that is not told."""
    found = _stat(pid)
    return found[19] if len(found) > 19 else "0"


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()]
    except OSError:
        return []


def _kill(pid: int) -> None:
    with suppress(OSError):
        os.kill(pid, signal.SIGKILL)


def _locked(path: Path, operation: int) -> int | None:
    """A descriptor that holds the folder's lock; None when another has it, or when the folder is gone."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, operation)
        if os.path.samestat(os.fstat(descriptor), os.stat(path)):
            return descriptor
    except OSError:  # its run lives, or the folder has just gone
        pass
    os.close(descriptor)
    return None
