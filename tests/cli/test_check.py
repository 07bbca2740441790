"""`integrator check` as an operator sees it: rows of 80 columns, JSON, tables of fields, exit codes."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from integrator.runtime.stopping import Stopper
from world import PASSWORD, World, world

NOT_OURS = ["mac_sold_out", "mac_ratio", "mac_clean", "mac_defaulted"]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A home with both systems, on a machine without cron; a repeated read does not wait."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(Stopper, "sleep", lambda self, seconds: None)
    with world(tmp_path / "home") as made:
        made.wordpress.seed({"meta_off": {"course_date": NOT_OURS}})
        made.configure(wordpress_extra="")
        yield made


def edit(here: World, name: str, old: str, new: str) -> None:
    path = here.home / name
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")


def test_each_subject_has_its_row(here: World) -> None:
    here.run("import-courses")
    result = here.run("check")
    assert (result.code, result.err) == (0, "")
    rows = [line.split()[:2] for line in result.out.splitlines() if not line.startswith(" ")]
    subjects = ["configuration", "store", "disk", "clock", "jobs", "maconomy", "wordpress"]
    assert rows == [[subject, "ok"] for subject in subjects]


def test_a_problem_stands_first_with_the_next_step_below_it(here: World) -> None:
    edit(here, "config/wordpress.toml", "meta.mac_city", "meta.mac_town")
    result = here.run("check", "wordpress")
    assert result.code == 1
    lines = result.out.splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("wordpress"))
    assert lines[first : first + 7] == [
        "wordpress      problem  the site does not have course_date.meta.mac_town, and",
        "                        would ignore it without a word: import-courses keeps the",
        "                        courses in the store and sends nothing",
        "                        → install config/wordpress/ili-courses.php there, or",
        "                          edit config/wordpress.toml",
        "               note     nobody feeds course_date.meta.mac_city",
        "                        → wanted? Add it to config/wordpress.toml",
    ]


def broken_mapping(here: World) -> None:
    edit(here, "config/maconomy.toml", 'type = "money"', 'type = "mony"')


def down(here: World) -> None:
    for server in here.servers:
        server.stop()


def wrong_secrets(here: World) -> None:
    (here.home / ".env").write_text("MACONOMY_AUTH=Bearer old\nWORDPRESS_PASSWORD=older\n")


def nasty(here: World) -> None:
    here.maconomy.seed({"nasty": True, "set": {"25172": {f"aVeryLongNameOfAFieldNumber{n}": n for n in range(20)}}})


def settings_of_nobody(here: World) -> None:
    (here.home / "config" / "integrator.toml").write_text('[store]\npth = "x"\n[maconomie]\n')


STATES: list[tuple[Callable[[World], Any], int]] = [
    (lambda here: None, 0),
    (broken_mapping, 78),
    (settings_of_nobody, 78),
    (down, 75),
    (wrong_secrets, 1),
    (nasty, 0),
]


@pytest.mark.parametrize(("happens", "code"), STATES)
@pytest.mark.parametrize("options", [(), ("--fields",)])
def test_rows_fit_80_columns_and_the_code_says_what_is_needed(
    here: World, happens: Callable[[World], Any], code: int, options: tuple[str, ...]
) -> None:
    happens(here)
    result = here.run("check", *options)
    assert (result.code, result.err) == (code, "")
    assert max(len(line) for line in result.out.splitlines()) <= 80
    assert PASSWORD not in result.out


def test_fields_are_a_table_per_list(here: World) -> None:
    here.maconomy.seed({"set": {"25172-05": {"price": "14.99", "internalComment": "call Åse"}}})
    result = here.run("check", "maconomy", "--fields")
    assert result.code == 0
    lines = result.out.splitlines()
    assert "courses: GET /api/course, 5 records" in lines
    assert "price_minor        price                   5/5    4     1 failed: bad_money" in lines
    assert "days[].start_time  courseDays[].startTime  11/11  11" in lines
    assert lines[-2:] == ["a name nobody maps  there", "internalComment     1"]
    assert "14.99" not in result.out
    assert "Åse" not in result.out


def test_a_name_of_theirs_cannot_reach_the_terminal_with_control_characters(here: World) -> None:
    here.maconomy.seed({"set": {"25172-05": {"bell\x07\x1b[31m": 1}}})
    result = here.run("check", "maconomy", "--fields")
    assert "bell··[31m" in result.out
    assert "\x1b" not in result.out


def test_json_has_the_same_facts(here: World) -> None:
    here.maconomy.seed({"set": {"25172-05": {"price": "14.99", "internalComment": "x"}}})
    result = here.run("check", "maconomy", "--json")
    assert result.code == result.json["exit_code"] == 0
    configuration, maconomy = result.json["checks"]
    assert (configuration["subject"], configuration["state"]) == ("configuration", "ok")
    assert [line["state"] for line in maconomy["lines"]] == ["note", "note", "ok", "ok"]
    facts = maconomy["facts"]["lists"]["course"]
    assert facts["records"] == 5
    assert facts["unreadable"] == {"25172-05": {"code": "bad_money", "field": "price_minor"}}
    assert facts["unmapped"] == {"internalComment": 1}
    assert "fields" not in facts


def test_json_has_the_fields_when_they_are_asked_for(here: World) -> None:
    lists = here.run("check", "maconomy", "--fields", "--json").json["checks"][1]["facts"]["lists"]
    assert lists["course"]["fields"][0] == {
        "name": "id",
        "records": 5,
        "present": 5,
        "converted": 5,
        "empty": 0,
        "failed": 0,
        "examples": [],
        "theirs": "courseId",
    }


def test_a_home_that_is_not_there_is_one_finding_in_both_forms(here: World) -> None:
    here.home = here.home / "nowhere"
    result = here.run("check")
    assert (result.code, result.err) == (78, "")
    assert result.out.startswith("configuration  problem  INTEGRATOR_HOME: ")
    assert here.run("check", "--json").json["exit_code"] == 78


@pytest.mark.parametrize("arguments", [("nowhere",), ("wordpress", "--fields")])
def test_a_wrong_request_is_a_usage_error(here: World, arguments: tuple[str, ...]) -> None:
    result = here.run("check", *arguments)
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("integrator: check: ")


def test_a_wait_too_short_for_a_slow_site_is_a_note(here: World) -> None:
    here.configure(wordpress_extra="settle_s = 5")
    result = here.run("check", "wordpress")
    assert result.code == 0
    assert "settle_s = 5: a slow site may still carry out" in " ".join(result.out.split())
