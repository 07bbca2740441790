"""`init` and `schedule`, and what every command's help has."""

from pathlib import Path
from typing import Any

import pytest
import typer
from operating import Run, files_of

from integrator.cli import COMMANDS, app

REPOSITORY = Path(__file__).resolve().parents[2]


def test_init_makes_a_home_and_says_what_comes_next(run: Run, tmp_path: Path) -> None:
    result = run("init", tmp_path / "new", home=None)

    assert (result.code, result.err) == (0, "")
    lines = result.out.splitlines()
    assert "made  .env  (0600)" in lines
    begin = lines.index(f"Next, in {tmp_path}/new:")
    steps = lines[begin + 1 :]
    files = ("config/integrator.toml", "config/workshops.toml", ".env")
    for step, word in zip(steps, (*files, "integrator check", "import-courses --dry-run", "crontab"), strict=True):
        assert word in step
        assert len(step) <= 80


@pytest.mark.parametrize("named", [True, False])
def test_init_without_a_folder_completes_the_home_it_would_use(
    named: bool, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("INTEGRATOR_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    target = tmp_path / "named" if named else tmp_path
    assert run("init", home=target if named else None).code == 0
    assert (target / "config" / "integrator.toml").is_file()


def test_init_twice_changes_nothing(run: Run, tmp_path: Path) -> None:
    run("init", tmp_path / "new", home=None)
    before = files_of(tmp_path)
    again = run("init", tmp_path / "new", home=None)
    assert again.code == 0
    assert "made" not in again.out
    assert files_of(tmp_path) == before


@pytest.mark.parametrize("more", [(), ("--bin", "/usr/bin")])
def test_the_shipped_jobs_print_crontab_example(more: tuple[str, ...], run: Run) -> None:
    result = run("schedule", "--home", "/srv/integrator", *more, home=None)
    assert result.code == 0
    assert "/srv/integrator is not on this machine" in result.err
    assert result.out == (REPOSITORY / "crontab.example").read_text(encoding="utf-8")


def test_a_crontab_finds_the_program_that_printed_it(
    run: Run, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "venv" / "bin" / "integrator"
    program.parent.mkdir(parents=True)
    program.touch(0o755)
    monkeypatch.setenv("PATH", str(program.parent))
    lines = run("schedule").out.splitlines()
    assert f"PATH={program.parent}:/usr/local/bin:/usr/bin:/bin" in lines
    assert f"INTEGRATOR_HOME={home}" in lines


def test_jobs_of_systems_that_are_off_are_left_out(run: Run, home: Path) -> None:
    table = '[trainingportal]\nbase_url = "https://portal.example.org"\nusername = "u"\npassword = { env = "X" }\n'
    (home / "config").mkdir(exist_ok=True)
    (home / "config" / "integrator.toml").write_text(table, encoding="utf-8")
    result = run("schedule")
    assert "integrator publish-classes" in result.out
    assert "integrator import-courses" not in result.out
    assert "# Left out, as their systems are switched off: import-courses, push-orderline" in result.out


@pytest.mark.parametrize(("form", "word"), [("systemd", "[Timer]"), ("kubernetes", "kind: CronJob")])
def test_other_formats_name_the_home(form: str, word: str, run: Run, home: Path) -> None:
    result = run("schedule", "--format", form)
    assert (result.code, result.err) == (0, "")
    assert word in result.out
    assert str(home) in result.out


def test_an_unknown_format_is_a_usage_error(run: Run) -> None:
    result = run("schedule", "--format", "launchd")
    assert (result.code, result.out) == (2, "")
    assert "crontab, systemd, kubernetes" in result.err


def _commands(group: Any, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], Any]]:
    with typer.Context(group) as context:
        names = group.list_commands(context)
        found = [(name, group.get_command(context, name)) for name in names]
    return [
        pair
        for name, command in found
        for pair in (
            _commands(command, (*path, name)) if hasattr(command, "list_commands") else [((*path, name), command)]
        )
    ]


EVERY_COMMAND = dict(_commands(typer.main.get_command(app)))
WIDTH = 80 - 6  # of a terminal, less what stands around a name and its help


def test_every_command_is_looked_at() -> None:
    assert {path[0] for path in EVERY_COMMAND} == COMMANDS.keys()
    assert {"booking reserve", "mail preview", "gdpr erase"} <= {" ".join(path) for path in EVERY_COMMAND}


@pytest.mark.parametrize("path", EVERY_COMMAND, ids=" ".join)
def test_help_has_an_example(path: tuple[str, ...], run: Run) -> None:
    result = run(*path, "--help")
    assert result.code == 0
    assert f"Example: integrator {' '.join(path)}" in result.out


@pytest.mark.parametrize("path", EVERY_COMMAND, ids=" ".join)
def test_help_begins_with_a_line_that_fits_beside_the_names(path: tuple[str, ...]) -> None:
    beside = max(len(other[-1]) for other in EVERY_COMMAND if other[:-1] == path[:-1])
    assert len(EVERY_COMMAND[path].get_short_help_str(100)) <= WIDTH - beside


@pytest.mark.parametrize("group", ["outbox", "booking", "mail", "gdpr", "store"])
def test_a_groups_help_has_an_example(group: str, run: Run) -> None:
    assert f"Example: integrator {group} " in run(group, "--help").out


def test_what_init_makes_is_private(run: Run, tmp_path: Path) -> None:
    run("init", tmp_path / "new", home=None)
    assert (tmp_path / "new" / ".env").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "new" / "var").stat().st_mode & 0o777 == 0o700
