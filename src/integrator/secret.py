"""Secrets: referred to in a TOML file, read when a run needs them, never shown.

A reference is one of { env = "NAME" }, { file = "path" } or { command = ["pass", "show", "x"] }. No message in this
module repeats what a reference led to, nor a value written where a reference belongs.
"""

import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

EXPECTED = '{ env = "NAME" }, { file = "path" } or { command = ["program", "argument"] }'
COMMAND_TIMEOUT_S = 10.0
_MAX_BYTES = 64 * 1024
# Capitals only: a password written in the name's place must not come back in "NAME is not set".
_NAME = re.compile(r"[A-Z_][A-Z0-9_]*")


class SecretError(Exception):
    """A reference that cannot be read or followed; its text is fit for the operator and holds no secret."""


class Secret:
    """A value that can be used with reveal() and cannot be shown, pickled or encoded by accident.

    A secret of a system that this run does not need was never read: to reveal that one is a bug.
    """

    __slots__ = ("__value",)
    __hash__ = None  # type: ignore[assignment]  # a hash would let dictionaries compare secrets in variable time

    def __init__(self, value: str | None) -> None:
        self.__value = value

    def reveal(self) -> str:
        if self.__value is None:
            raise RuntimeError("this secret was not asked for: name its system in load_settings(needs=...)")
        return self.__value

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        import hmac

        return hmac.compare_digest((self.__value or "").encode(), (other.__value or "").encode())

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a secret cannot be pickled or copied")


class Reference:
    """A reference that is followed only when its secret is needed: one workshop's must not stop another's run."""

    def __init__(self, reference: Any) -> None:
        check_reference(reference)
        self._reference = reference

    def __str__(self) -> str:
        [(kind, value)] = self._reference.items()
        return f"{kind} {value[0] if kind == 'command' else value}"

    __repr__ = __str__

    def resolve(self, env: Mapping[str, str], base: Path) -> Secret:
        """Errors  SecretError, as resolve()"""
        return resolve(self._reference, env, base)


def check_reference(reference: Any) -> None:
    """Check that a TOML value is a reference, without following it.

    Errors  SecretError; the value is never repeated, it may be the password itself
    """
    if not isinstance(reference, dict):
        raise SecretError(f"a secret is a reference, never a value: expected {EXPECTED}")
    if len(reference) != 1 or not reference.keys() <= {"env", "file", "command"}:
        raise SecretError(f"expected exactly one of env, file and command: {EXPECTED}")
    [(kind, value)] = reference.items()
    if kind == "env" and not (isinstance(value, str) and _NAME.fullmatch(value)):
        raise SecretError("env: expected the name of a variable in capitals (A-Z, 0-9, _), not its value")
    if kind == "file" and not (isinstance(value, str) and value and "\0" not in value):
        raise SecretError("file: expected a path, relative to the home folder or absolute")
    if kind == "command" and not _is_command(value):
        raise SecretError('command: expected a list of texts such as ["pass", "show", "maconomy"]; no shell reads it')


def _is_command(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(p, str) and p and "\0" not in p for p in value)


def resolve(
    reference: Any, env: Mapping[str, str], base: Path, *, command_timeout_s: float = COMMAND_TIMEOUT_S
) -> Secret:
    """Follow a reference to its secret.

    Shape   env holds the environment over .env; a relative file lies under base, the home folder
    Errors  SecretError: no reference, nothing there, empty, control characters, file open to others, command failed
    """
    check_reference(reference)
    [(kind, value)] = reference.items()
    if kind == "env":
        found, what = _from_env(value, env), value
    elif kind == "file":
        found, what = _from_file(base / value, base).removesuffix("\n").removesuffix("\r"), f"file {value}"
    else:
        found, what = _from_command(value, base, command_timeout_s).strip(), f"command {value[0]}"
    if not found:
        raise SecretError(f"{what} is empty")
    if any(ord(char) < 32 or ord(char) == 127 for char in found):
        # httpx would refuse it later, in a message that quotes the whole header.
        raise SecretError(f"{what} gives more than one line, or control characters: expected one line")
    return Secret(found)


def _from_env(name: str, env: Mapping[str, str]) -> str:
    try:
        return env[name]
    except KeyError:
        raise SecretError(f"{name} is not set: put {name}=... into .env, or into the environment") from None


def _from_file(path: Path, base: Path) -> str:
    try:
        descriptor = open_plain(path)
    except OSError as error:
        raise SecretError(f"file {path} cannot be read: {error.strerror}") from None
    if descriptor is None:
        raise SecretError(f"file {path} is not a plain file")
    try:
        status = os.fstat(descriptor)
        if (wrong := exposure(path, status, base)) is not None:
            raise SecretError(f"file {wrong}")
        content = os.read(descriptor, _MAX_BYTES + 1)
    finally:
        os.close(descriptor)
    if len(content) > _MAX_BYTES:
        raise SecretError(f"file {path} is larger than a secret can be")
    return _decode(content, f"file {path}")


def open_plain(path: Path) -> int | None:
    """Open a file for reading; None when it is a pipe, a device or a folder: reading that could hang the run."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    return None


def exposure(path: Path, status: os.stat_result, home: Path) -> str | None:
    """Say why a file may not hold secrets, with the command that mends it; None when it may.

    The owner must be the one who runs us, root, or the owner of the home folder (root at a service's home).
    """
    if status.st_mode & 0o077:
        return f"{path} is open to group or others: chmod 600 {path}"
    if status.st_uid not in {0, os.geteuid(), home.stat().st_uid}:
        return f"{path} belongs to another user: chown {os.geteuid()} {path}"
    return None


def _from_command(command: list[str], base: Path, timeout_s: float) -> str:
    import signal
    import subprocess

    try:
        process = subprocess.Popen(
            command,
            cwd=base,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # whatever it complains about may quote the secret
            start_new_session=True,
        )
    except OSError as error:
        raise SecretError(f"command {command[0]} cannot be started: {error.strerror}") from None
    with process:
        try:
            output, _ = process.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            # The whole session: a grandchild that keeps the pipe open would hold us for ever.
            os.killpg(process.pid, signal.SIGKILL)
            raise SecretError(f"command {command[0]} did not answer within {timeout_s:g} s") from None
    if process.returncode:
        raise SecretError(f"command {command[0]} failed with {process.returncode}: run it by hand to see why")
    return _decode(output, f"command {command[0]}")


def _decode(content: bytes, what: str) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise SecretError(f"{what} does not give UTF-8 text") from None
