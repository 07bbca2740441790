"""One run of a job at a time."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from integrator.errors import ConfigError, LockHeld
from integrator.runtime import lock

SINCE = datetime(2026, 8, 3, 12, 0, tzinfo=UTC)


@contextmanager
def _held_elsewhere(folder: Path, name: str) -> Iterator[int]:
    """Another process holds the lock while the block runs."""
    ready, told = os.pipe()
    wait, go = os.pipe()
    child = os.fork()
    if child == 0:
        with lock.hold(folder, name, since=SINCE):
            os.write(told, b".")
            os.close(go)
            os.read(wait, 1)
        os._exit(0)
    assert os.read(ready, 1) == b"."
    try:
        yield child
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        for descriptor in (ready, told, wait, go):
            os.close(descriptor)


def test_the_lock_is_a_private_file_that_stays(tmp_path: Path) -> None:
    umask = os.umask(0)
    try:
        with lock.hold(tmp_path, "import-courses", since=SINCE):
            pass
    finally:
        os.umask(umask)
    assert (tmp_path / "import-courses.lock").stat().st_mode & 0o777 == 0o600


def test_a_second_start_is_told_since_when_and_who(tmp_path: Path) -> None:
    with _held_elsewhere(tmp_path, "import-courses") as pid:
        with pytest.raises(LockHeld) as caught, lock.hold(tmp_path, "import-courses", since=SINCE):
            pytest.fail("two at once")
        assert caught.value.exit_code == 5
        local = f"{SINCE.astimezone():%H:%M}"
        assert caught.value.message == f"import-courses: still running since {local}, pid {pid}; this start was skipped"


def test_other_jobs_are_free(tmp_path: Path) -> None:
    with _held_elsewhere(tmp_path, "import-courses"), lock.hold(tmp_path, "store-backup", since=SINCE):
        assert not lock.is_held(tmp_path, "sync-orders")


def test_a_killed_process_frees_its_lock(tmp_path: Path) -> None:
    with _held_elsewhere(tmp_path, "import-courses") as pid:
        assert lock.is_held(tmp_path, "import-courses")
        os.kill(pid, signal.SIGKILL)
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        assert not lock.is_held(tmp_path, "import-courses")
        with lock.hold(tmp_path, "import-courses", since=SINCE):
            assert lock.is_held(tmp_path, "import-courses")


def test_asking_leaves_the_lock_free_and_makes_no_file(tmp_path: Path) -> None:
    assert not lock.is_held(tmp_path, "import-courses")
    assert list(tmp_path.iterdir()) == []
    with lock.hold(tmp_path, "import-courses", since=SINCE):
        assert lock.is_held(tmp_path, "import-courses")
    assert not lock.is_held(tmp_path, "import-courses")
    with lock.hold(tmp_path, "import-courses", since=SINCE):
        pass


def test_the_lock_is_freed_when_the_block_fails(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), lock.hold(tmp_path, "a", since=SINCE):
        raise ZeroDivisionError
    assert not lock.is_held(tmp_path, "a")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"pid": "x", "since": "y"}', b"\xff\xfe", b'{"pid": 1}'])
def test_a_lock_with_unreadable_content_is_still_a_lock(content: bytes, tmp_path: Path) -> None:
    with _held_elsewhere(tmp_path, "a"):
        (tmp_path / "a.lock").write_bytes(content)
        with (
            pytest.raises(LockHeld, match="a: still running; this start was skipped"),
            lock.hold(tmp_path, "a", since=SINCE),
        ):
            pytest.fail("two at once")


def test_a_program_that_a_run_starts_does_not_keep_the_lock(tmp_path: Path) -> None:
    with lock.hold(tmp_path, "a", since=SINCE):
        held = {os.readlink(f"/proc/self/fd/{number}"): number for number in _descriptors()}
        descriptor = held[str(tmp_path / "a.lock")]
        assert not os.get_inheritable(descriptor)


def _descriptors() -> list[int]:
    return [int(name) for name in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{name}")]


def test_waiting_goes_on_when_the_holder_ends(tmp_path: Path) -> None:
    ready, told = os.pipe()
    with _held_elsewhere(tmp_path, "store") as holder:
        child = os.fork()
        if child == 0:
            os.write(told, b"waiting")
            with lock.wait_for(tmp_path, "store"):
                os._exit(0)
        assert os.read(ready, 7) == b"waiting"
        os.kill(holder, signal.SIGKILL)
        assert os.waitpid(child, 0)[1] == 0
    os.close(ready)
    os.close(told)


def test_waiting_can_have_an_end(tmp_path: Path) -> None:
    with (
        _held_elsewhere(tmp_path, "store"),
        pytest.raises(LockHeld, match=r"store: somebody has held it for 0\.05 s; nothing was done"),
        lock.wait_for(tmp_path, "store", patience_s=0.05),
    ):
        pytest.fail("two at once")
    with lock.wait_for(tmp_path, "store", patience_s=0.05):
        assert lock.is_held(tmp_path, "store")


def test_waiting_with_an_end_goes_on_when_the_holder_ends(tmp_path: Path) -> None:
    with _held_elsewhere(tmp_path, "store") as holder:
        ending = threading.Timer(0.05, os.kill, (holder, signal.SIGKILL))
        ending.start()
        with lock.wait_for(tmp_path, "store", patience_s=20):
            ending.join()
            assert lock.is_held(tmp_path, "store")


def test_a_full_disk_does_not_keep_a_job_from_its_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    with lock.hold(tmp_path, "a", since=SINCE):
        assert lock.is_held(tmp_path, "a")


def test_a_lock_of_another_user_is_said_with_the_command_to_type(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(path: Path, *_: object) -> int:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "open", refused)
    path = tmp_path / "a.lock"
    for attempt in (lock.hold(tmp_path, "a", since=SINCE), lock.wait_for(tmp_path, "a")):
        with pytest.raises(ConfigError, match="cannot be opened by this user") as caught, attempt:
            pytest.fail("it was opened")
        assert f"chown {os.geteuid()} {path}" in str(caught.value)
        assert caught.value.exit_code == 78
