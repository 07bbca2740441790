"""Folders that last as long as their run: what a killed one left goes, what a living one needs stays."""

import os
import signal
import threading
from pathlib import Path

from integrator.runtime import throwaway


def test_a_folder_is_private_and_gone_at_the_end(tmp_path: Path) -> None:
    with throwaway.folder("dry-run-", tmp_path) as made:
        (made / "copy.db").touch()
        assert made.stat().st_mode & 0o777 == 0o700
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_run_left_goes_and_a_living_run_keeps_its_own(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        with throwaway.folder("replay-", tmp_path) as made:
            (made / "copy.db").touch()
            os.write(writing, b".")
            signal.pause()
    os.read(reading, 1)
    (tmp_path / "dry-run-old").mkdir()
    (tmp_path / "another").mkdir()
    assert throwaway.sweep(tmp_path) == 1
    [living] = tmp_path.glob("replay-*")
    assert (living / "copy.db").exists()
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert throwaway.sweep(tmp_path) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["another"]
    os.close(reading)
    os.close(writing)


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (tmp_path / "spool").mkdir()
    (tmp_path / "spool" / "dry-run-x").symlink_to(outside)
    assert throwaway.sweep(tmp_path / "spool") == 0
    assert outside.exists()


def test_a_sweep_never_takes_the_folder_of_a_run_that_has_just_begun(tmp_path: Path) -> None:
    ended = threading.Event()

    def sweep() -> None:
        while not ended.is_set():
            throwaway.sweep(tmp_path)

    sweepers = [threading.Thread(target=sweep) for _ in range(2)]
    for sweeper in sweepers:
        sweeper.start()
    try:
        for _ in range(500):
            with throwaway.folder("dry-run-", tmp_path) as made:
                (made / "copy.db").touch()
                assert (made / "copy.db").exists()
    finally:
        ended.set()
        for sweeper in sweepers:
            sweeper.join()
