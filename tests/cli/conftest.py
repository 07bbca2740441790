"""Commands as an operator types them, in this process: no shell, no installed script.

def test_…(run, home):
    result = run("status", "--json")          # in `home`, a fresh one
    result = run("runs", home=other)          # elsewhere
    assert (result.code, result.err) == (0, "")
"""

import os
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from operating import Result, Run

from integrator.cli import main, opening
from integrator.database import Database
from integrator.home import init_home
from integrator.store import open_store


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A new home as `integrator init` makes it: every system switched off."""
    root = tmp_path / "home"
    init_home(root)
    return root


@pytest.fixture
def run(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """run(*args, home=...) -> Result. Without home= it is the fixture `home`; None leaves INTEGRATOR_HOME alone."""

    def call(*args: str | Path, home: Any = ...) -> Result:
        root = request.getfixturevalue("home") if home is ... else home
        if root is not None:
            monkeypatch.setenv("INTEGRATOR_HOME", str(root))
        monkeypatch.setattr(sys, "argv", ["integrator", *map(str, args)])
        capsys.readouterr()
        umask = os.umask(0o022)  # a command sets its own, and must
        try:
            with pytest.raises(SystemExit) as ended:
                main()
        finally:
            os.umask(umask)
        out, err = capsys.readouterr()
        code = ended.value.code
        return Result(code if isinstance(code, int) else 0 if code is None else 1, out, err)

    return call


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], int]]:
    """clock("2026-08-03 12:00") stops the operator's clock at that UTC time; gives back its epoch seconds."""
    with monkeypatch.context() as patched:
        patched.setenv("TZ", "Europe/Copenhagen")
        time.tzset()
        yield lambda text: _stop(patched, text)
    time.tzset()


def _stop(patched: pytest.MonkeyPatch, text: str) -> int:
    instant = datetime.fromisoformat(text).replace(tzinfo=UTC)
    patched.setattr(opening, "now", lambda: instant)
    return int(instant.timestamp())


@pytest.fixture
def store(home: Path) -> Iterator[Database]:
    """The home's store, made as the first job makes it, and open for filling."""
    db = open_store(home / "var" / "integrator.db", backups=home / "var" / "backups").db
    yield db
    db.close()
