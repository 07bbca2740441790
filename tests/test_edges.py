"""Ordinary circumstances at the edges: closed streams, full disks, closed folders, foreign places. Never "a bug"."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from integrator.errors import ConfigError
from integrator.home import Home, init_home, make_var, need_home
from integrator.runner import Options, run_job
from integrator.settings import load_settings

INTEGRATOR = [sys.executable, "-m", "integrator"]
AS_AN_ORDINARY_USER = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]


@pytest.fixture
def home(tmp_path):
    init_home(tmp_path / "home")
    return Home(tmp_path / "home")


def environ(home):
    return {"PATH": os.environ["PATH"], "INTEGRATOR_HOME": str(home.root) if home else ""}


def shell(home, line, cwd="/"):
    """A line of sh in which $I is the program."""
    process = subprocess.run(
        ["sh", "-c", line.replace("$I", " ".join(INTEGRATOR))],
        env=environ(home),
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )
    return process.returncode, process.stdout, process.stderr


def fail_with(error):
    def raising(*_, **__):
        raise error

    return raising


# streams ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("closed", [">&-", "<&-", "2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize(
    ("command", "code"),
    [("store backup -v", 0), ("store backup --json", 0), ("import-courses", 78), ("sync-orders", 78)],
)
def test_a_closed_stream_changes_neither_the_run_nor_its_code(home, command, code, closed):
    ended, _, err = shell(home, f"$I {command} {closed}")
    assert ended == code
    assert "bug" not in err
    assert len(list(home.backups.glob("*.db"))) == (code == 0)
    assert all(path.read_bytes()[:1] in (b"", b"{") for path in home.locks.iterdir())  # nothing was printed into them


@pytest.mark.parametrize("command", ["store backup -v", "store backup --json", "status", "schedule"])
def test_a_full_disk_behind_the_output_is_said_and_the_code_stays(home, command):
    assert shell(home, f"$I {command} >/dev/full") == (
        0,
        "",
        "integrator: what it prints cannot be written: No space left on device\n",
    )


@pytest.mark.parametrize(("command", "code"), [("store backup -v", 0), ("explain 25172 --json", 4), ("schedule", 0)])
def test_a_reader_who_has_gone_is_nothing_to_talk_about(home, command, code):
    reader, writer = os.pipe()
    os.close(reader)
    process = subprocess.run(
        [*INTEGRATOR, *command.split()], env=environ(home), stdout=writer, stderr=subprocess.PIPE, check=False
    )
    os.close(writer)
    assert (process.returncode, process.stderr) == (code, b"")


def test_errors_that_cannot_be_written_do_not_change_the_code(home):
    assert shell(home, "$I import-courses 2>/dev/full")[0] == 78


# one JSON value in every ending ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("import-courses --json", 78),
        ("runs 7 --json", 4),
        ("outbox show 99999999999999999999 --json", 4),
        ("outbox list --state wrong --json", 2),
        ("runs --limit nonsense --json", 2),
        ("import-courses --record a --replay b --json", 2),
        ("sync-orders --json", 78),
        ("sync-orders --drain 2h --json", 2),
        ("send-participants --json", 78),
        ("send-participants --date 28-02-2027 --json", 2),
        ("booking show 10001 --json", 4),
        ("booking seats 10001 0 --json", 2),
        ("mail list --limit nonsense --json", 2),
        ("gdpr trace not-a-person --json", 2),
    ],
)
def test_with_json_every_error_is_one_json_value(home, command, code):
    ended, out, err = shell(home, f"$I {command}")
    facts = json.loads(out)
    assert (ended, facts["exit_code"], err) == (code, code, "")
    assert list(facts) == ["exit_code", "error", "hint", "problems"]
    assert facts["error"]
    assert bool(facts["problems"]) == (code == 78)


def test_a_problem_in_json_has_its_place_and_its_words(home):
    (home.jobs / "import-courses.toml").write_text('schedule = "5 * * * *"\ntimeout = 3\nalert_after = "1h"\n')
    [problem] = json.loads(shell(home, "$I status --json")[1])["problems"]
    assert problem["where"] == "jobs/import-courses.toml:2"
    assert problem["what"].startswith("timeout: expected a duration")


# bugs -----------------------------------------------------------------------------------------------------

_BUG = """
import sys
from unittest.mock import patch
from integrator.cli import main
sys.argv = ["integrator", *sys.argv[1:]]
with patch("integrator.cli.opening.now", side_effect=ValueError("Åse Østergård")):
    main()
"""


def bug(home, *words):
    return subprocess.run(
        [sys.executable, "-c", _BUG, *words], env=environ(home), cwd="/", capture_output=True, text=True, check=False
    )


def test_a_bug_outside_a_run_leaves_its_place_in_the_log_and_no_words(home):
    ended = bug(home, "status")
    assert (ended.returncode, ended.stdout) == (70, "")
    assert "this is a bug: ValueError at" in ended.stderr
    assert f"the frames stand in {home.log}/integrator.log" in ended.stderr
    (line,) = (home.log / "integrator.log").read_text(encoding="ascii").splitlines()
    assert json.loads(line)["command"] == "status"
    assert any(frame.startswith("watch.py:") and frame.endswith(" status") for frame in json.loads(line)["place"])
    assert "stergård" not in line + ended.stderr


def test_a_bug_with_json_is_one_json_value_too(home):
    facts = json.loads(bug(home, "status", "--json").stdout)
    assert facts["exit_code"] == 70
    assert facts["error"].startswith("this is a bug: ValueError at ")


def test_without_a_log_the_hint_claims_none(home):
    shutil.rmtree(home.var)
    ended = bug(home, "status")
    assert ended.returncode == 70
    assert "integrator.log" not in ended.stderr
    assert "  → with INTEGRATOR_DEBUG=1 the frames are printed" in ended.stderr
    assert not home.var.exists()


# closed folders -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["", "config", "jobs"])
def test_a_folder_that_cannot_be_listed_is_a_problem_and_never_the_shipped_files(home, name, monkeypatch):
    listed = os.scandir
    refused = fail_with(PermissionError(13, "Permission denied", str(home.root / name)))
    monkeypatch.setattr(os, "scandir", lambda path: refused() if Path(path) == home.root / name else listed(path))
    for look in (lambda: load_settings(home, {}, needs=()), lambda: need_home({"INTEGRATOR_HOME": str(home.root)})):
        with pytest.raises(ConfigError) as caught:
            look()
        where = home.root / name
        assert str(caught.value.problems[0]) == f"{where}: cannot be read: Permission denied: chmod 700 {where}"
        assert caught.value.exit_code == 78


CLOSED = [
    (".", 0o000, "cannot be read", "."),
    ("config", 0o000, "cannot be read", "config"),
    ("config", 0o600, "cannot be entered", "config"),
    ("jobs", 0o000, "cannot be read", "jobs"),
    ("var", 0o000, "cannot be read", "var"),
    ("var", 0o500, "cannot be written by this user", "var"),
    ("var/locks", 0o500, "cannot be written by this user", "var/locks"),
    ("var/spool", 0o500, "cannot be written by this user", "var/spool"),
    ("var/log", 0o500, "cannot be written by this user", "var/log"),
]


# Root passes every door; where it cannot put that right down, the tests with a patch beside this one must do.
CAN_BE_ORDINARY = os.geteuid() != 0 or shutil.which("setpriv") is not None

if CAN_BE_ORDINARY:

    @pytest.mark.parametrize(("folder", "mode", "what", "named"), CLOSED)
    @pytest.mark.parametrize("command", ["store backup", "import-courses --dry-run"])
    def test_a_closed_folder_is_a_configuration_error_with_the_command_to_type(
        home, command, folder, mode, what, named
    ):
        text = '[maconomy]\nbase_url = "http://127.0.0.1:1"\nauth_value = { env = "HOME_KEY" }\n'
        (home.config / "integrator.toml").write_text(text)
        place = home.root / folder
        place.chmod(mode)
        process = subprocess.run(
            [*(AS_AN_ORDINARY_USER if os.geteuid() == 0 else []), *INTEGRATOR, *command.split()],
            env=environ(home) | {"HOME_KEY": "k"},
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
        )
        place.chmod(0o700)
        assert process.returncode == 78, process.stderr
        assert f"{home.root / named}: {what}" in process.stderr
        assert f"chmod 700 {home.root / named}" in process.stderr
        assert "bug" not in process.stderr


def test_a_folder_that_cannot_be_written_is_named_with_the_way_out(home, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) not in (home.locks, home.log))
    with pytest.raises(ConfigError) as caught:
        make_var(home)
    assert [str(problem) for problem in caught.value.problems] == [
        f"{folder}: cannot be written by this user: chmod 700 {folder}" for folder in (home.locks, home.log)
    ]
    monkeypatch.setattr(os, "geteuid", lambda: 12_345)
    with pytest.raises(ConfigError, match=f"chown -R 12345 {home.locks}"):
        make_var(home)


def test_a_configuration_that_hangs_on_a_lost_mount_is_missing_not_switched_off(home):
    (home.config / "integrator.toml").unlink()
    (home.config / "integrator.toml").symlink_to("/nowhere/integrator.toml")
    with pytest.raises(ConfigError, match=r"integrator\.toml: the file is missing"):
        load_settings(home, {}, needs=())


@pytest.mark.parametrize("command", ["status", "import-courses", "store backup", "init", "schedule"])
def test_a_current_directory_that_was_deleted_is_said(tmp_path, command):
    code, out, err = shell(None, f"mkdir gone && cd gone && rmdir ../gone && $I {command}", cwd=tmp_path)
    assert (code, out) == (78, "")
    assert "the current directory: is not there any more" in err


@pytest.mark.parametrize("command", ["import-courses", "status", "check", "runs", "outbox list", "store backup"])
def test_a_folder_of_something_else_is_no_home_and_stays_as_it_is(tmp_path, command):
    (tmp_path / "var").mkdir(mode=0o755)
    code, out, err = shell(None, f"$I {command}", cwd=tmp_path)
    assert code == 78
    said = " ".join((out + err).split())
    assert "not a home folder" in said
    assert "integrator init" in said
    assert "chmod" not in said
    assert [path.name for path in tmp_path.rglob("*")] == ["var"]


def test_a_schedule_needs_no_home(tmp_path):
    assert shell(None, "$I schedule", cwd=tmp_path)[0] == 0


def test_a_job_without_its_source_ends_before_anything_is_made(home):
    shutil.rmtree(home.var)
    code, _, err = shell(home, "$I import-courses")
    assert code == 78
    assert "[maconomy] is missing, and this command needs it" in err
    assert not home.var.exists()
    (home.root / "tape.yaml").unlink(missing_ok=True)
    assert shell(home, "$I import-courses --record tape.yaml", cwd=home.root)[0] == 78
    assert not (home.root / "tape.yaml").exists()


# files that are not what they should be -----------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["pipe", "device", "folder"])
def test_an_env_file_that_is_none_is_refused_and_never_waited_for(home, kind):
    home.env_file.unlink()
    if kind == "pipe":
        os.mkfifo(home.env_file, 0o600)
    elif kind == "device":
        home.env_file.symlink_to("/dev/zero")
    else:
        home.env_file.mkdir()
    text = '[maconomy]\nbase_url = "http://127.0.0.1:1"\nauth_value = { env = "KEY" }\n'
    (home.config / "integrator.toml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_settings(home, {})
    assert {str(problem) for problem in caught.value.problems} >= {".env: is not a plain file"}


def test_a_file_that_the_system_refuses_in_a_run_is_no_bug(home):
    def story(run, wiring):
        raise OSError(28, "No space left on device", str(home.spool / "list.json"))

    report = run_job("store-backup", story, needs=(), options=Options(), home=home)
    assert (report.exit_code, report.hint) == (70, "free some space: df -h")
    assert report.error == f"{home.spool}/list.json: cannot be read or written: No space left on device"


def test_a_disk_that_is_full_in_the_middle_of_a_write_is_no_bug(home):
    def story(run, wiring):
        with open("/dev/full", "wb", buffering=0) as full:
            full.write(b"x")

    report = run_job("store-backup", story, needs=(), options=Options(), home=home)
    assert (report.exit_code, report.hint) == (70, "free some space: df -h")
    assert report.error == "a file or a stream: cannot be read or written: No space left on device"


# numbers and names -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("outbox show 99999999999999999999", 4),
        ("outbox retry 99999999999999999999", 4),
        ("runs 99999999999999999999", 4),
        ("runs --limit 99999999999999999999", 2),
        ("outbox list --limit 99999999999999999999", 2),
        ("booking show 99999999999999999999", 4),
        ("booking cancel 99999999999999999999", 4),
        ("booking confirm 99999999999999999999", 4),
        ("gdpr hold 99999999999999999999 --reason audit", 4),
        ("gdpr unhold 99999999999999999999", 4),
        ("mail preview confirmation-customer 99999999999999999999", 4),
        ("mail list --limit 99999999999999999999", 2),
        ("send-participants --days-ahead 99999999999999999999", 2),
        ("standin maconomy --port 99999", 2),
        ("standin maconomy --port -1", 2),
    ],
)
def test_numbers_beyond_all_measure_are_answered_in_words(home, command, code):
    assert shell(home, "$I store backup")[0] == 0
    ended, out, err = shell(home, f"$I {command}")
    assert (ended, out) == (code, "")
    assert "bug" not in err


def test_bytes_that_are_no_text_are_a_usage_error(home):
    assert shell(home, "$I store backup")[0] == 0
    code, _, err = shell(home, r"$I explain $(printf '\377')")
    assert (code, err) == (2, "integrator: the command line holds bytes that are not UTF-8 text\n")


def test_a_port_that_is_taken_is_a_usage_error():
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, _, err = shell(None, f"$I standin wordpress --port {taken.getsockname()[1]}")
    assert code == 2
    assert "Address already in use" in err


_COMPLETE = "import sys; sys.argv[0] = 'integrator'; from integrator.cli import main; main()"


@pytest.mark.parametrize(
    ("words", "values"),
    [
        ("integrator standin ", ["maconomy", "wordpress", "mailgun"]),
        ("integrator schedule --format ", ["crontab", "systemd", "kubernetes"]),
        ("integrator check m", ["maconomy", "mailgun"]),
        ("integrator outbox list --state f", ["failed"]),
    ],
)
def test_the_shell_completes_values(words, values):
    asked = {
        "_INTEGRATOR_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(words.count(" ")),
        "PATH": os.environ["PATH"],
    }
    said = subprocess.run([sys.executable, "-c", _COMPLETE], env=asked, capture_output=True, text=True, check=False)
    assert [value for value in said.stdout.split() if value in values] == values


# a dry run that was stopped ---------------------------------------------------------------------------------


def test_a_dry_run_that_was_stopped_prints_its_error_and_no_plan(home):
    text = '[maconomy]\nbase_url = "http://127.0.0.1:1"\nauth_value = { env = "KEY" }\n'
    (home.config / "integrator.toml").write_text(text)
    code, out, err = shell(home, "KEY=k $I import-courses --dry-run")
    assert (code, out) == (75, "")
    assert "maconomy" in err
