"""Jobs recorded and replayed: what an operator and CI see of it."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from integrator.standins.wordpress import PASSWORD
from world import MACONOMY_AUTH, Result, World

PERSONAL = re.compile("Åse|Østergård|Jørgen|Kjær|Mette|Bæk|oestergaard|kjaer|baek", re.IGNORECASE)


def replay(folder: Path, tape: Path, *options: str) -> Result:
    """A replay in a folder that need not be a home."""
    folder.mkdir(exist_ok=True)
    nothing: Any = None
    nowhere = World(folder, nothing, nothing, nothing, (nothing, nothing, nothing))
    return nowhere.run("import-courses", "--replay", str(tape), *options)


def fenced_replay(folder: Path, tape: Path, fence: str) -> Result:
    """The same as a process of its own, after a line of Python that forbids something."""
    folder.mkdir(exist_ok=True)
    code = f"import sys\n{fence}\nfrom integrator.cli import main\nsys.argv[0] = 'integrator'\nmain()"
    done = subprocess.run(
        [sys.executable, "-c", code, "import-courses", "--replay", str(tape), "-v"],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return Result(done.returncode, done.stdout, done.stderr)


def recorded(here: World, tape: Path, *options: str, code: int = 0) -> dict[str, Any]:
    result = here.run("import-courses", "--record", str(tape), "--json", *options)
    assert result.code == code, result.err + result.out
    report: dict[str, Any] = result.json
    return report


def edited(tape: Path, change: Any) -> None:
    whole = yaml.safe_load(tape.read_text(encoding="utf-8"))
    change(whole)
    tape.write_text(yaml.safe_dump(whole, allow_unicode=True), encoding="utf-8")


def state_of(home: Path) -> dict[str, Any]:
    """Every file's bytes and time, but for the spool's folder, where a replay works."""
    return {
        str(path.relative_to(home)): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in sorted(home.rglob("*"))
        if path.is_file()
    }


def test_a_recording_is_replayed_anywhere_with_the_same_end(here: World, tape: Path, tmp_path: Path) -> None:
    report = recorded(here, tape)
    assert tape.stat().st_mode & 0o777 == 0o600
    for _ in range(2):
        again = replay(tmp_path / "empty", tape, "--json").json
        assert (again["exit_code"], again["counts"]) == (0, report["counts"])
    assert list((tmp_path / "empty").iterdir()) == []


def test_a_replay_opens_no_connection(here: World, tape: Path, tmp_path: Path) -> None:
    recorded(here, tape)
    fence = (
        "sys.addaudithook(lambda event, _: sys.exit(99) if event in ('socket.connect', 'socket.getaddrinfo') else None)"
    )
    result = fenced_replay(tmp_path / "empty", tape, fence)
    assert result.code == 0, result.err
    assert "nothing was sent" in result.err


def test_the_run_says_what_it_replaced(here: World, tape: Path) -> None:
    report = recorded(here, tape)
    [remark] = [remark for remark in report["remarks"] if "recorded" in remark]
    assert re.search(r"recorded \d+ requests in .*tape\.yaml; replaced 2 hosts, .*3 names", remark)


def test_no_secret_and_nobody_is_in_the_file(here: World, tape: Path) -> None:
    here.maconomy.seed({"set": {"25180": {"description": "<p>Jørgen Kjær, ring 70 20 12 34</p>", "note": "Mette Bæk"}}})
    recorded(here, tape)
    text = tape.read_text(encoding="utf-8")
    assert not PERSONAL.search(text)
    assert "70 20 12 34" not in text
    assert "127.0.0.1" not in text
    for secret in (MACONOMY_AUTH, MACONOMY_AUTH.split()[1], PASSWORD, "uthorization: Basic"):
        assert secret not in text


def test_replaced_texts_come_to_the_site_as_one(here: World, tape: Path, tmp_path: Path) -> None:
    here.maconomy.seed(
        {"set": {"25180": {"description": "<p>Skriv til jk@firm.example</p>", "name": "Med Jørgen Kjær"}}}
    )
    here.run("import-courses")
    recorded(here, tape)
    result = replay(tmp_path / "empty", tape, "--json").json
    assert {name: number for name, number in result["counts"].items() if name.startswith("wordpress")} == {
        "wordpress.main_course.unchanged": 4,
        "wordpress.course.unchanged": 5,
    }


def test_what_the_site_cleaned_is_not_sent_again_at_another_desk(here: World, tape: Path, tmp_path: Path) -> None:
    mapping = here.home / "config" / "wordpress.toml"
    text = mapping.read_text(encoding="utf-8").replace('"title" = { owner = "seed"', '"title" = { owner = "backend"')
    mapping.write_text(text, encoding="utf-8")
    here.run("import-courses")
    here.forget_requests()
    recorded(here, tape)
    assert here.writes() == []
    assert here.rows("SELECT count(*) FROM posts WHERE cleaned <> '{}'") > [(0,)]
    result = replay(tmp_path / "empty", tape, "--json")
    assert result.code == 0, result.out


def test_a_replay_works_on_a_copy_and_leaves_the_home_alone(here: World, tape: Path) -> None:
    recorded(here, tape)
    before = state_of(here.home)
    result = here.run("import-courses", "--replay", str(tape), "--json")
    assert result.code == 0, result.out
    assert "courses.new" not in result.json["counts"]
    assert state_of(here.home) == before


def test_a_running_job_is_no_hindrance_to_a_replay(here: World, tape: Path) -> None:
    from datetime import UTC, datetime

    from integrator.home import Home
    from integrator.runtime import lock

    recorded(here, tape)
    with lock.hold(Home(here.home).locks, "import-courses", since=datetime.now(UTC)):
        assert here.run("import-courses", "--replay", str(tape)).code == 0


FAULTS: list[dict[str, Any]] = [
    {"kind": "status", "status": 503, "retry_after": 0},
    {"kind": "status", "status": 429, "retry_after": 864000},
    {"kind": "status", "status": 401},
    {"kind": "status", "status": 404},
    {"kind": "reset", "when": "before"},
    {"kind": "close", "when": "after"},
    {"kind": "cut", "framing": "length"},
    {"kind": "cut", "framing": "none"},
    {"kind": "hang"},
    {"kind": "body", "what": "login"},
    {"kind": "body", "what": "empty"},
    {"kind": "body", "what": "null"},
    {"kind": "body", "what": "list"},
    {"kind": "body", "what": "object"},
    {"kind": "body", "what": "bad-utf8"},
    {"kind": "body", "what": "nan"},
    {"kind": "body", "what": "text"},
    {"kind": "bom"},
    {"kind": "latin1"},
    {"kind": "wrap"},
    {"kind": "gzip-bomb", "megabytes": 30},
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: "-".join(map(str, fault.values())))
def test_a_failing_run_is_recorded_and_fails_again_in_the_same_words(
    here: World, tape: Path, tmp_path: Path, fault: dict[str, Any]
) -> None:
    here.configure(maconomy_extra="list_timeout_s = 1" if fault["kind"] == "hang" else "")
    here.servers[0].faults.add({"match": {"path": "/api/course$"}, "times": 4, "fault": fault})
    report = here.run("import-courses", "--record", str(tape), "--json").json
    again = replay(tmp_path / "empty", tape, "--json").json
    assert (again["exit_code"], again["error"]) == (report["exit_code"], report["error"])
    assert report["exit_code"] or fault["kind"] in ("bom", "latin1")


def test_an_answer_from_elsewhere_is_recorded_without_saying_from_where(
    here: World, tape: Path, tmp_path: Path
) -> None:
    redirect = {"kind": "redirect", "location": "https://login.firm.example/?token=4711"}
    here.servers[0].faults.add({"times": 1, "fault": redirect})
    recorded(here, tape, code=1)
    assert "firm" not in tape.read_text(encoding="utf-8")
    again = replay(tmp_path / "empty", tape)
    assert (again.code, "a redirect to site1.example.org" in again.err) == (1, True)


def test_a_wait_takes_no_time_in_a_replay(here: World, tape: Path, tmp_path: Path) -> None:
    here.servers[0].faults.add({"times": 1, "fault": {"kind": "status", "status": 503, "retry_after": 0}})
    recorded(here, tape)
    edited(tape, lambda whole: whole["interactions"][0]["response"]["headers"].update({"retry-after": ["59"]}))
    again = replay(tmp_path / "empty", tape, "--json").json
    assert again["exit_code"] == 0
    assert again["seconds"] < 30


def test_a_missing_answer_is_named(here: World, tape: Path, tmp_path: Path) -> None:
    recorded(here, tape)
    edited(tape, lambda whole: whole["interactions"].pop(1))
    result = replay(tmp_path / "empty", tape)
    assert result.code == 1
    assert "the recording holds no (further) GET maconomy.example.org/api/course" in result.err
    assert "the store this replay works on, the options or the code differ" in result.err


def test_an_answer_is_given_once(here: World, tape: Path, tmp_path: Path) -> None:
    recorded(here, tape)
    batches = []

    def drop_the_last_batch(whole: Any) -> None:
        batches.extend(each for each in whole["interactions"] if "batch" in each["request"]["uri"])
        whole["interactions"].remove(batches[-1])

    edited(tape, drop_the_last_batch)
    assert len([each for each in batches if each["request"]["method"] == "POST"]) > 1
    assert replay(tmp_path / "empty", tape).code == 1


def test_a_file_that_is_there_is_not_replaced(here: World, tape: Path) -> None:
    tape.write_text("mine")
    here.forget_requests()
    result = here.run("import-courses", "--record", str(tape))
    assert result.code == 2
    assert "is there already" in result.err
    assert tape.read_text() == "mine"
    assert here.maconomy.entries() == []


def test_a_folder_that_is_not_there_is_said_before_the_run(here: World, tmp_path: Path) -> None:
    result = here.run("import-courses", "--record", str(tmp_path / "no" / "tape.yaml"))
    assert result.code == 2
    assert here.maconomy.entries() == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "metadata is missing"),
        ("interactions: []\nversion: 1\n", "metadata is missing"),
        ("a: [1\n", "is damaged"),
        ("!!python/object/apply:os.system ['touch /tmp/owned']", "is damaged"),
        ("metadata: {format: 1, job: import-courses}\ninteractions: [{request: 7}]", "interaction 1: request"),
        ("metadata: {format: 1, job: sync-orders}\ninteractions: []", "is a recording of sync-orders"),
        ("metadata: {format: 9}\ninteractions: []", "another version"),
        ("metadata: {format: 1, job: import-courses}\ninteractions: []", "metadata.recorded_at"),
        (
            "metadata: {format: 1, job: import-courses, recorded_at: '2027-01-01T00:00:00+00:00',"
            " settings: {}, policy: {}, mappings: {config/../../x.toml: ''}}\ninteractions: []",
            "a foreign file",
        ),
        (
            "metadata: {format: 1, job: import-courses, recorded_at: '2027-01-01T00:00:00+00:00',"
            " settings: {maconomy: {base_url: 7}}, policy: {schedule: '', timeout: 1m}, mappings: {}}\n"
            "interactions: []",
            "do not fit this version",
        ),
    ],
)
def test_a_foreign_file_is_refused_with_what_is_wrong(tmp_path: Path, tape: Path, text: str, said: str) -> None:
    tape.write_text(text)
    result = replay(tmp_path / "empty", tape)
    assert result.code == 2, result.err
    assert said in result.err
    assert "Traceback" not in result.err


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    result = replay(tmp_path / "empty", tmp_path / "none.yaml")
    assert (result.code, "No such file" in result.err) == (2, True)


def test_a_secret_that_came_back_is_never_written(here: World, tape: Path) -> None:
    here.maconomy.seed({"set": {"25180": {"name": f"Kursus {MACONOMY_AUTH.split()[1]}"}}})
    result = here.run("import-courses", "--record", str(tape))
    assert result.code == 70
    assert "a secret of this home would be in it" in result.err
    assert not tape.exists()
    assert len(here.posts()) == 5  # the run itself was done


def test_a_dry_run_is_recorded_and_replayed_as_one(here: World, tape: Path, tmp_path: Path) -> None:
    report = recorded(here, tape, "--dry-run")
    again = replay(tmp_path / "empty", tape, "--json").json
    assert again["dry_run"] is True
    assert len(again["plan"]) == len(report["plan"]) == 9
    assert here.writes() == []


def test_a_heartbeat_is_not_recorded(here: World, tape: Path, tmp_path: Path) -> None:
    config = here.home / "config" / "integrator.toml"
    config.write_text(f'{config.read_text()}\n[monitor]\nping_url = "{here.maconomy_url}/ping-4711"\n')
    recorded(here, tape)
    assert "ping-4711" not in tape.read_text(encoding="utf-8")
    assert [row["path"] for row in here.maconomy.entries() if "4711" in row["path"]] == [
        "/ping-4711/start",
        "/ping-4711",
    ]
    assert replay(tmp_path / "empty", tape).code == 0


def test_a_large_answer_streams_from_the_file(here: World, tape: Path, tmp_path: Path) -> None:
    here.configure(wordpress=False)
    here.maconomy.seed({"courses": 3000, "main_courses": 100, "gzip": True})
    report = recorded(here, tape)
    again = replay(tmp_path / "empty", tape, "--json").json
    assert again["counts"] == report["counts"]
    assert again["counts"]["courses.new"] == 3000


def test_without_the_extra_one_line_says_what_to_install(tmp_path: Path, tape: Path) -> None:
    tape.write_text("")
    result = fenced_replay(tmp_path / "empty", tape, "sys.modules['vcr'] = None")
    assert result.code == 78
    assert result.err.count("\n") == 1
    assert "pip install 'integrator[record]'" in result.err


def test_a_person_in_a_comment_of_a_mapping_stays_at_home(here: World, tape: Path, tmp_path: Path) -> None:
    mapping = here.home / "config" / "maconomy.toml"
    mapping.write_text("# Spørg Jørgen Kjær, jk@firm.example, 70 20 12 34\n" + mapping.read_text(encoding="utf-8"))
    recorded(here, tape)
    text = tape.read_text(encoding="utf-8")
    assert not PERSONAL.search(text)
    assert "firm.example" not in text
    assert "70 20 12 34" not in text
    assert replay(tmp_path / "empty", tape).code == 0


def test_a_recording_says_what_it_was_made_with_and_no_login(here: World, tape: Path) -> None:
    recorded(here, tape)
    metadata = yaml.safe_load(tape.read_text(encoding="utf-8"))["metadata"]
    assert metadata["settings"]["maconomy"]["base_url"] == "https://maconomy.example.org"
    assert metadata["settings"]["wordpress"]["username"] == "user"
    assert metadata["settings"]["wordpress"]["password"] == {"env": "INTEGRATOR_REPLAY_SECRET"}
    assert metadata["settings"]["wordpress"]["settle_s"] == 1.0
    assert metadata["policy"]["missing_runs"] == 3
    assert (metadata["job"], metadata["exit_code"]) == ("import-courses", 0)
