"""A file that is replaced is whole at every moment, and its owner's alone."""

import os

import pytest

from integrator.runtime import files


def test_it_takes_the_place_of_the_one_before_and_leaves_no_draft(tmp_path):
    path = tmp_path / "bennys-auto.jsonl"
    path.write_bytes(b"old")
    files.replace(path, b"new", at=1_795_000_000)
    assert (path.read_bytes(), path.stat().st_mtime, path.stat().st_mode & 0o777) == (b"new", 1_795_000_000, 0o600)
    assert list(tmp_path.iterdir()) == [path]


def test_until_it_is_on_the_disk_the_one_before_stands_there(tmp_path, monkeypatch):
    path = tmp_path / "bennys-auto.jsonl"
    path.write_bytes(b"old")
    seen = []

    def full(descriptor):
        seen.append((path.read_bytes(), os.fstat(descriptor).st_size))
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left") as refused:
        files.replace(path, b"newer")
    assert refused.value.filename == str(path)  # without a name it would be told as a bug
    assert seen == [(b"old", 5)]
    assert (path.read_bytes(), list(tmp_path.iterdir())) == (b"old", [path])
