"""The home folder: found, made, completed, kept private."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from integrator.errors import ConfigError, StoreDamaged, UsageError
from integrator.home import Home, file_error, find_home, init_home, make_var, shipped
from integrator.settings import load_settings
from readonly import read_only_below

REPOSITORY = Path(__file__).resolve().parents[1]


def test_the_home_is_named_by_the_environment(tmp_path: Path) -> None:
    home = find_home({"INTEGRATOR_HOME": str(tmp_path)})
    assert home.env_file == tmp_path / ".env"
    assert home.backups == tmp_path / "var" / "backups"


@pytest.mark.parametrize("environ", [{}, {"INTEGRATOR_HOME": ""}, {"INTEGRATOR_HOME": "."}])
def test_without_a_name_the_home_is_the_current_folder(
    environ: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    home = find_home(environ)
    monkeypatch.chdir("/")
    assert home.root.samefile(tmp_path)


def test_a_home_that_is_not_there_is_a_configuration_error_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is not a folder") as caught:
        find_home({"INTEGRATOR_HOME": str(tmp_path / "absent")})
    assert caught.value.hint == f"integrator init {tmp_path}/absent makes one"


def test_var_is_made_for_the_owner_alone_and_made_again_without_harm(tmp_path: Path) -> None:
    previous = os.umask(0)
    try:
        make_var(Home(tmp_path))
        make_var(Home(tmp_path))
    finally:
        os.umask(previous)

    folders = {path.relative_to(tmp_path).as_posix(): path.stat().st_mode & 0o777 for path in tmp_path.rglob("*")}
    names = ("var", "var/locks", "var/log", "var/spool", "var/evidence", "var/backups", "var/status")
    assert folders == dict.fromkeys(names, 0o700)


def test_a_var_or_store_that_others_can_read_is_refused_with_the_commands_to_type(tmp_path: Path) -> None:
    home = Home(tmp_path)
    make_var(home)
    home.var.chmod(0o750)
    store = tmp_path / "other.db"
    store.touch(0o600)
    store.chmod(0o604)

    with pytest.raises(ConfigError) as caught:
        make_var(home, store)

    assert [problem.what.partition(": ")[2] for problem in caught.value.problems] == [
        f"chmod 700 {tmp_path}/var",
        f"chmod 600 {tmp_path}/other.db",
    ]


@pytest.mark.parametrize("there", [True, False])
def test_a_disk_that_is_mounted_read_only_is_said_in_one_line_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: bool
) -> None:
    home = Home(tmp_path)
    if there:
        make_var(home)
    read_only_below(tmp_path, monkeypatch)
    with pytest.raises(StoreDamaged) as caught:
        make_var(home)
    assert caught.value.exit_code == 70
    assert "\n" not in caught.value.message
    assert f"{home.locks if there else home.var}: " in caught.value.message
    assert "read-only" in caught.value.message.lower()
    assert caught.value.hint == f"mount it read-write: mount -o remount,rw {tmp_path}"


def test_only_the_stores_disk_may_be_the_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("home", "disk"):
        (tmp_path / name).mkdir()
    make_var(Home(tmp_path / "home"))
    read_only_below(tmp_path / "disk", monkeypatch)
    with pytest.raises(StoreDamaged, match=f"{tmp_path / 'disk'}: lies on a file system that is mounted read-only"):
        make_var(Home(tmp_path / "home"), tmp_path / "disk" / "store.db")


def test_a_full_disk_is_no_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, *_: object, **__: object) -> None:
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(Path, "mkdir", full)
    with pytest.raises(StoreDamaged, match="var: cannot be made: No space left on device") as caught:
        make_var(Home(tmp_path))
    assert caught.value.hint == "free some space: df -h"


def test_a_file_on_a_read_only_disk_is_told_with_the_mount() -> None:
    assert file_error(OSError(30, "Read-only file system", "/x.json")).hint == (
        "mount it read-write: mount -o remount,rw /"
    )


def test_init_makes_a_home_that_loads_with_every_system_switched_off(tmp_path: Path) -> None:
    lines = init_home(tmp_path / "new" / "home")
    home = Home(tmp_path / "new" / "home")

    assert "made  config/integrator.toml" in lines
    assert "made  jobs/import-courses.toml" in lines
    assert "made  .env  (0600)" in lines
    assert "made  var/  (0700)" in lines
    assert home.env_file.stat().st_mode & 0o777 == 0o600
    settings = load_settings(home, {})
    assert settings.maconomy is None
    assert settings.wordpress is None
    assert {"import-courses", "store-backup"} <= settings.jobs.keys()
    assert not list(home.root.rglob("*.new"))


def test_init_keeps_what_is_there_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs" / "import-courses.toml").write_text("# mine\n")
    (tmp_path / ".env").write_text("A=1\n")
    init_home(tmp_path)

    (tmp_path / "config" / "integrator.toml").unlink()
    lines = init_home(tmp_path)

    assert "kept  jobs/import-courses.toml  (differs from the shipped one)" in lines
    assert "kept  jobs/store-backup.toml" in lines
    assert "kept  .env" in lines
    assert "made  config/integrator.toml" in lines
    assert "kept  var/" in lines
    assert (tmp_path / "jobs" / "import-courses.toml").read_text() == "# mine\n"
    assert (tmp_path / ".env").read_text() == "A=1\n"


def test_init_into_a_file_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="is a file"):
        init_home(tmp_path / "file")


def test_init_where_it_cannot_write_is_a_configuration_error(tmp_path: Path) -> None:
    (tmp_path / "jobs").touch()  # a file in a folder's place stops root too
    with pytest.raises(ConfigError, match=r"cannot be written: (File exists|Not a directory)"):
        init_home(tmp_path)


def test_in_a_checkout_the_shipped_files_are_the_repositorys_own() -> None:
    assert shipped() == REPOSITORY


def test_the_wheel_carries_the_shipped_files_and_makes_the_same_home(tmp_path: Path) -> None:
    site = _unpacked_wheel(tmp_path)

    subprocess.run(
        [sys.executable, "-c", _INIT_AND_SAY_FROM_WHERE, str(tmp_path / "home"), str(site)],
        env={"PYTHONPATH": str(site)},
        cwd=tmp_path,
        check=True,
    )
    init_home(tmp_path / "expected")

    assert _content(tmp_path / "home") == _content(tmp_path / "expected")
    assert ".env" in _content(tmp_path / "home")


_INIT_AND_SAY_FROM_WHERE = """
import sys
from pathlib import Path
from integrator.home import init_home, shipped
assert shipped() == Path(sys.argv[2], "integrator", "shipped"), shipped()
init_home(Path(sys.argv[1]))
"""


def _unpacked_wheel(tmp_path: Path) -> Path:
    """Build the wheel from a copy of the tree, so that nothing is written into the repository."""
    copy = tmp_path / "copy"
    for name in ("src", "config", "jobs"):
        shutil.copytree(REPOSITORY / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(REPOSITORY / "pyproject.toml", copy)
    (copy / "README.md").write_text("# integrator\n")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "dist")]
    subprocess.run(build, cwd=copy, check=True, capture_output=True)
    [wheel] = (tmp_path / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    return tmp_path / "site"


def _content(home: Path) -> dict[str, bytes]:
    return {path.relative_to(home).as_posix(): path.read_bytes() for path in home.rglob("*") if path.is_file()}
