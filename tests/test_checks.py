"""What `check` finds out, over a real home and both stand-ins."""

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from integrator.checks import Finding, exit_code, run_checks
from integrator.checks import local as local_checks
from integrator.errors import UsageError
from integrator.home import Home
from integrator.runtime.stopping import Stopper
from integrator.standins.base import Answer, Request, serve
from integrator.standins.wordpress import WordPress
from integrator.store import migrations
from readonly import read_only_below
from world import MACONOMY_AUTH, World, world

# Names that the recorded site has beside those of config/wordpress.toml.
_NOT_OURS = ["mac_sold_out", "mac_ratio", "mac_clean", "mac_defaulted"]
NOW = datetime(2026, 11, 21, 19, 45, tzinfo=UTC)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A home with both systems, on a machine without cron; a repeated read does not wait."""
    spool, programs = tmp_path / "temporary", tmp_path / "bin"
    spool.mkdir()
    programs.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(spool))
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setenv("TZ", "Europe/Copenhagen")
    monkeypatch.setattr(Stopper, "sleep", lambda self, seconds: None)
    for name in ("MACONOMY_AUTH", "WORDPRESS_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    with world(tmp_path / "home") as made:
        made.wordpress.seed({"meta_off": {"course_date": _NOT_OURS}})
        made.configure(wordpress_extra="")
        yield made


class Checked(NamedTuple):
    code: int
    findings: dict[str, Finding]

    def states(self) -> dict[str, str]:
        return {name: finding.state for name, finding in self.findings.items()}

    def of(self, subject: str, state: str) -> list[str]:
        """What the lines of one state say, with the next step behind an arrow."""
        lines = [line for line in self.findings[subject].sorted_lines() if line.state == state]
        return [f"{line.what} → {line.then}" if line.then else line.what for line in lines]


def checked(here: World, system: str | None = None) -> Checked:
    findings = list(run_checks(Home(here.home), now=NOW, system=system))
    return Checked(exit_code(findings), {finding.subject: finding for finding in findings})


def edit(here: World, name: str, old: str, new: str) -> None:
    path = here.home / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def tree(root: Path) -> dict[str, tuple[int, int, int]]:
    """Every file and folder with what would change if it were written."""
    return {
        str(path): (path.stat().st_mtime_ns, path.stat().st_size, path.stat().st_mode)
        for path in [root, *root.rglob("*")]
    }


# --- all is well


def test_everything_is_looked_at_in_order(here: World) -> None:
    here.run("import-courses")
    found = checked(here)
    assert (found.code, list(found.states().items())) == (
        0,
        [(name, "ok") for name in ("configuration", "store", "disk", "clock", "jobs", "maconomy", "wordpress")],
    )


def test_the_lines_say_what_was_proved(here: World) -> None:
    here.run("import-courses")
    found = checked(here)
    assert found.of("configuration", "ok")[0].startswith("config/integrator.toml, config/maconomy.toml, config/word")
    assert found.of("store", "ok")[0].startswith("var/integrator.db: sound, schema ")
    assert found.of("store", "ok")[0].endswith("mode 0600; it holds 5 courses, 0 orders, 0 orderlines")
    assert found.of("clock", "ok") == [
        "Sat 21 Nov 2026 20:45:00 in Europe/Copenhagen; cron counts in the host's zone, Europe/Copenhagen"
    ]
    assert found.of("jobs", "ok") == [
        "next: sync-orders 20:46, clear-reservations 20:50, import-courses 21:05, store-backup tomorrow 03:15,"
        " gdpr-cleanup tomorrow 04:00, send-participants tomorrow 07:00"
    ]
    assert "4 main courses in " in found.of("maconomy", "ok")[0]
    assert "5 courses in " in found.of("maconomy", "ok")[0]
    assert found.of("wordpress", "ok")[0].startswith(
        "logged in as sync (course_sync); course, course_date; batches of 25; "
    )


def test_nothing_is_written_anywhere(here: World, tmp_path: Path) -> None:
    here.run("import-courses")
    here.forget_requests()
    before = tree(tmp_path)
    assert checked(here).code == 0
    after = tree(tmp_path)
    after[str(tmp_path / "temporary")] = before[str(tmp_path / "temporary")]  # a folder came and went in it
    assert after == before
    assert here.writes() == []
    assert {row["method"] for row in (*here.maconomy.entries(), *here.wordpress.entries())} == {"GET", "OPTIONS"}


def test_a_store_that_is_not_there_is_not_made(here: World) -> None:
    shutil.rmtree(here.home / "var")
    found = checked(here)
    assert found.code == 0
    assert found.of("store", "ok") == ["var/integrator.db is not there yet: it will be made by the first run"]
    assert not (here.home / "var").exists()


def test_one_system_is_checked_with_its_configuration_only(here: World) -> None:
    assert list(checked(here, "wordpress").states()) == ["configuration", "wordpress"]


def test_a_system_without_a_table_is_left_out(here: World) -> None:
    here.configure(wordpress=False)
    assert list(checked(here).states())[-1] == "maconomy"


def test_a_system_without_a_table_that_is_asked_for_is_a_problem(here: World) -> None:
    here.configure(wordpress=False)
    found = checked(here, "wordpress")
    assert found.code == 78
    assert found.of("wordpress", "problem") == [
        "switched off: config/integrator.toml has no [wordpress] → fill in [wordpress] there"
    ]


def test_a_home_with_everything_switched_off_is_told_what_to_fill_in(here: World) -> None:
    (here.home / "config" / "integrator.toml").write_text("")
    found = checked(here)
    assert (found.code, found.states()["configuration"], list(found.states())[-1]) == (0, "note", "jobs")


def test_a_system_nobody_can_check_is_a_usage_error(here: World) -> None:
    with pytest.raises(UsageError, match="expected maconomy or wordpress or mailgun"):
        checked(here, "twilio")


# --- configuration


def test_a_typo_in_a_mapping_is_shown_with_its_line_and_the_other_system_is_checked(here: World) -> None:
    edit(here, "config/maconomy.toml", 'from = "price", type = "money"', 'from = "price", type = "mony"')
    found = checked(here)
    assert found.code == 78
    problems = found.of("configuration", "problem")
    assert len(problems) == 2
    assert problems[0].startswith("config/maconomy.toml:")
    assert "did you mean 'money'?" in problems[0]
    assert found.of("maconomy", "problem") == ["not tried: its configuration is wrong, see above"]
    assert here.maconomy.entries() == []
    assert found.states()["wordpress"] == "ok"


def test_a_missing_secret_is_a_problem_of_its_system_only(here: World) -> None:
    (here.home / ".env").write_text(f"MACONOMY_AUTH={MACONOMY_AUTH}\n")
    found = checked(here)
    assert found.code == 78
    [problem] = found.of("configuration", "problem")
    assert "[wordpress] password: WORDPRESS_PASSWORD is not set" in problem
    assert (found.states()["maconomy"], found.states()["wordpress"]) == ("ok", "problem")


def test_only_the_secrets_of_the_checked_system_are_needed(here: World) -> None:
    (here.home / ".env").write_text(f"MACONOMY_AUTH={MACONOMY_AUTH}\n")
    assert checked(here, "maconomy").code == 0


def test_every_problem_is_listed_at_once(here: World) -> None:
    edit(here, "config/integrator.toml", "username", "user")
    edit(here, "config/maconomy.toml", 'from = "price", type = "money"', 'from = "price", type = "mony"')
    found = checked(here)
    assert (found.code, list(found.states())) == (78, ["configuration"])
    said = "\n".join(found.of("configuration", "problem"))
    assert "[wordpress] username: missing" in said
    assert "[wordpress] user: unknown key" in said
    assert said.count("unknown type 'mony'") == 2


# --- store, disk, jobs


def store_of(here: World) -> Path:
    here.run("import-courses")
    return here.home / "var" / "integrator.db"


def test_a_damaged_store_ends_with_70(here: World) -> None:
    with store_of(here).open("r+b") as file:
        file.seek(20_000)
        file.write(b"\xff" * 8_000)
    found = checked(here)
    assert (found.code, found.states()["store"]) == (70, "problem")
    assert "is damaged" in found.of("store", "problem")[0]
    assert found.states()["wordpress"] == "ok"


def test_a_file_that_is_no_store_ends_with_70(here: World) -> None:
    store_of(here).write_bytes(b"not a database" * 1_000)
    found = checked(here)
    assert found.code == 70
    assert "integrator store restore BACKUP" in found.of("store", "problem")[0]


@pytest.mark.parametrize(
    ("version", "code", "said"),
    [(len(migrations.STEPS) + 1, 70, "was written by a newer version"), (1, 0, "brings it level")],
)
def test_another_schema_is_told(here: World, version: int, code: int, said: str) -> None:
    conn = sqlite3.connect(store_of(here))
    conn.execute(f"PRAGMA user_version = {version}")
    conn.close()
    found = checked(here)
    assert found.code == code
    assert said in found.findings["store"].sorted_lines()[0].what


@pytest.mark.parametrize(("place", "mode"), [("var/integrator.db", 0o640), ("var", 0o755), ("var/log", 0o710)])
def test_what_others_can_read_is_told_with_the_command_that_mends_it(here: World, place: str, mode: int) -> None:
    path = store_of(here).parents[1] / place
    right = "600" if path.is_file() else "700"
    path.chmod(mode)
    found = checked(here)
    assert found.code == 78
    assert found.of("store", "problem") == [f"{path} is open to group or others: no job starts → chmod {right} {path}"]


def test_a_run_that_was_cut_off_while_it_wrote_is_no_damage(here: World) -> None:
    path = store_of(here)
    script = (
        "import os, sqlite3, sys; conn = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "conn.execute('PRAGMA cache_size = 1'); conn.execute('BEGIN IMMEDIATE')\n"
        "conn.execute('UPDATE courses SET days = hex(zeroblob(60000))'); os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", script, path], check=False)
    before = tree(here.home / "var")
    found = checked(here)
    assert found.code == 0
    assert "the next run takes that back by itself" in found.of("store", "note")[0]
    assert tree(here.home / "var") == before


def test_a_store_that_is_being_written_is_left_alone(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_checks, "_BUSY_S", 0)
    writer = sqlite3.connect(store_of(here), isolation_level=None)
    writer.execute("BEGIN EXCLUSIVE")
    found = checked(here)
    writer.close()
    assert found.code == 0
    assert "another process writes right now" in found.of("store", "note")[0]


def test_a_full_disk_is_a_problem(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10**9, 10**9, 99_999_999))
    found = checked(here)
    assert found.code == 1
    assert found.of("disk", "problem")[0].startswith("100.0 MB free where ")


def test_the_store_needs_twice_its_size(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with store_of(here).open("r+b") as file:
        file.truncate(60_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10**9, 10**9, 119_999_999))
    assert checked(here).states()["disk"] == "problem"


@pytest.mark.parametrize(
    ("crontab", "state"),
    [
        ("5 * * * *  timeout -k 30 20m integrator import-courses\n", "ok"),
        ("# integrator used to be here\n0 4 * * * /usr/bin/backup\n", "note"),
        ("", "note"),
    ],
)
def test_a_crontab_that_starts_nothing_of_ours_is_told(here: World, crontab: str, state: str) -> None:
    program = Path(os.environ["PATH"]) / "crontab"
    program.write_text(f"#!/bin/sh\n[ \"$*\" = -l ] && printf '%s' '{crontab}'\n")
    program.chmod(0o755)
    found = checked(here)
    assert (found.code, found.states()["jobs"]) == (0, state)


def test_a_job_at_the_hour_when_clocks_change_is_told(here: World) -> None:
    edit(here, "jobs/store-backup.toml", "15 3 * * *", "15 2 * * *")
    assert checked(here).of("jobs", "note")[0].startswith("store-backup: between 02:00 and 03:00")


# --- Maconomy


def test_maconomy_down_does_not_hide_the_site_and_ends_with_75(here: World) -> None:
    here.servers[0].stop()
    found = checked(here)
    assert (found.code, found.states()["wordpress"]) == (75, "ok")
    [problem] = found.of("maconomy", "problem")
    assert problem.startswith("list maincourses: no connection (")
    assert (
        f"import-courses changes nothing until then → is it up, and is [maconomy] base_url right? {here.maconomy_url}"
        in problem
    )


def test_a_wrong_key_is_refused_and_not_shown(here: World) -> None:
    edit(here, ".env", MACONOMY_AUTH, "Bearer s3cret-but-old")
    found = checked(here)
    assert (found.code, found.states()["wordpress"]) == (1, "ok")
    assert found.of("maconomy", "problem") == [
        "list maincourses: answered 401: our login is not accepted, or may not do this; import-courses changes nothing"
        " until then → mend [maconomy] auth_header and auth_value in config/integrator.toml, or the secret in .env"
    ]
    assert "s3cret" not in str([finding.as_json() for finding in found.findings.values()])


def test_a_wrong_address_is_told_with_the_address(here: World) -> None:
    edit(here, "config/integrator.toml", here.maconomy_url, here.maconomy_url + "/nowhere")
    found = checked(here)
    assert found.code == 1
    assert found.of("maconomy", "problem")[0].endswith(f"is [maconomy] base_url right? {here.maconomy_url}/nowhere")


def test_a_field_that_no_record_has_any_more_is_drift(here: World) -> None:
    edit(here, "config/maconomy.toml", 'from = "freeSeats"', 'from = "seatsLeft"')
    found = checked(here)
    assert found.code == 1
    assert found.of("maconomy", "problem") == [
        "courses: no record has seatsLeft (our seats_free) any more, the interface changed: import-courses stops and"
        " changes nothing → which name has it now? integrator check maconomy --fields; then edit config/maconomy.toml"
    ]
    assert found.of("maconomy", "note") == ["courses: nobody maps freeSeats → wanted? Map it in config/maconomy.toml"]
    assert here.run("import-courses").code == 1


def test_a_field_with_a_default_that_no_record_has_is_a_note(here: World) -> None:
    edit(here, "config/maconomy.toml", 'from = "currency", type = "upper"', 'from = "coin", type = "upper"')
    found = checked(here, "maconomy")
    assert found.code == 0
    assert "courses: no record has coin (our currency); the default of config/maconomy.toml is taken" in found.of(
        "maconomy", "note"
    )


def test_how_participants_are_registered_is_told_and_nobody_is_registered(here: World) -> None:
    found = checked(here, "maconomy")
    said = "participants: POST /api/webparticipant with 24 names, found again by our reference (not tried here)"
    assert found.of("maconomy", "ok")[1] == said
    assert found.findings["maconomy"].facts["registering"]["by_reference"] is True
    assert {row["method"] for row in here.maconomy.entries()} == {"GET"}
    assert not any("participant" in row["path"] for row in here.maconomy.entries())


def test_participants_that_are_told_apart_by_name_only_are_a_note(here: World) -> None:
    edit(here, "config/maconomy.toml", 'externalReference = "participant.reference"', "")
    found = checked(here, "maconomy")
    assert "found again by name and address only" in found.of("maconomy", "note")[0]
    assert found.code == 0


def test_a_mapping_that_registers_nobody_is_a_note(here: World) -> None:
    edit(here, "config/maconomy.toml", 'lastName          = "participant.last_name"', "")
    found = checked(here, "maconomy")
    assert found.of("maconomy", "note")[0].startswith("nobody can be registered: [endpoint.webparticipant.send] has no")


def test_a_typo_in_what_is_sent_is_shown_with_its_line(here: World) -> None:
    edit(here, "config/maconomy.toml", '"participant.first_name"', '"participant.frist_name"')
    found = checked(here, "maconomy")
    assert found.code == 78
    said = found.of("configuration", "problem")[0]
    assert "config/maconomy.toml:" in said
    assert "did you mean 'participant.first_name'?" in said


def test_names_nobody_maps_are_listed_up_to_eight(here: World) -> None:
    here.maconomy.seed({"set": {"25172": {f"extra{n}": n for n in range(1, 11)}, "25180": {"extra9": 9}}})
    [note] = checked(here, "maconomy").of("maconomy", "note")
    assert note.startswith(
        "main courses: nobody maps extra9, extra1, extra10, extra2, extra3, extra4, extra5, extra6 and 2 more"
    )


def test_a_few_unreadable_records_are_a_note(here: World) -> None:
    here.maconomy.seed({"set": {"25172-05": {"price": "14.99"}}})
    found = checked(here)
    assert found.code == 0
    assert found.of("maconomy", "note") == [
        "courses: 1 of 5 cannot be read: 1 bad_money in price_minor; such as 25172-05; the site keeps what it has of"
        " them → integrator check maconomy --fields"
    ]


def test_more_unreadable_records_than_a_run_believes_are_a_problem(here: World) -> None:
    here.maconomy.seed({"set": {"25172-05": {"price": "14.99"}, "25172-06": {"courseDays": "none"}}})
    found = checked(here)
    assert found.code == 1
    assert "2 of 5 cannot be read" in found.of("maconomy", "problem")[0]
    assert here.run("import-courses").code == 1


def test_doubts_are_counted(here: World) -> None:
    here.maconomy.seed({"set": {"25172-05": {"status": "Under opbygning"}}})
    [note] = checked(here, "maconomy").of("maconomy", "note")
    assert note.startswith("courses: read with doubts: 1 unknown_status (such as 25172-05)")


def test_an_empty_list_is_a_problem(here: World) -> None:
    here.maconomy.seed({"records": {"course": []}})
    found = checked(here)
    assert found.code == 1
    assert found.of("maconomy", "problem")[0].startswith("courses: 0 records, at least 1 are expected")


def test_a_login_page_for_one_list_does_not_hide_the_other(here: World, tmp_path: Path) -> None:
    here.servers[0].faults.add({"match": {"path": "/api/course"}, "fault": {"kind": "body", "what": "login"}})
    found = checked(here)
    assert found.code == 1
    assert "the answer is a web page" in found.of("maconomy", "problem")[0]
    assert "4 main courses in " in found.of("maconomy", "ok")[0]
    assert list((tmp_path / "temporary").iterdir()) == []


def test_a_broken_answer_leaves_no_spool_behind(here: World, tmp_path: Path) -> None:
    here.servers[0].faults.add({"match": {"path": "/api/course"}, "fault": {"kind": "reset", "when": "after"}})
    assert checked(here).code == 75
    assert list((tmp_path / "temporary").iterdir()) == []


def test_fields_are_counted_and_no_value_is_given_back(here: World) -> None:
    here.maconomy.seed({"nasty": True})
    lists: dict[str, Any] = checked(here, "maconomy").findings["maconomy"].facts["lists"]
    rows = {row["name"]: row for row in lists["course"]["fields"]}
    assert lists["course"]["records"] == 26
    assert (rows["id"]["records"], rows["id"]["converted"], rows["id"]["failed"]) == (26, 25, 1)
    assert rows["id"]["examples"] == ["bad_id"]
    assert (rows["days[].date"]["theirs"], rows["start"]["theirs"]) == ("courseDays[].date", "startDate")
    # 25172-12 is told for what it has: addresses, and texts that cannot be read, stay where they are.
    assert "@" not in str(lists)
    assert "Under opbygning" not in str(lists)


# --- WordPress


def test_a_wrong_password_is_told(here: World) -> None:
    here.wordpress.seed({"passwords": {"sync": "another"}})
    found = checked(here)
    assert (found.code, found.states()["maconomy"]) == (1, "ok")
    assert found.of("wordpress", "problem") == [
        "log in: the site does not know us (401); courses wait in the store and are sent later"
        " → check [wordpress] username and its application password"
    ]


def test_the_site_down_ends_with_75(here: World) -> None:
    here.servers[1].stop()
    found = checked(here)
    assert (found.code, found.states()["maconomy"], found.states()["wordpress"]) == (75, "ok", "problem")


def test_a_missing_type_and_a_missing_name_are_told_together(here: World) -> None:
    here.wordpress.seed({"types_off": ["course_date"], "meta_off": {"course": ["mac_title"]}})
    found = checked(here)
    assert found.code == 1
    first, second = found.of("wordpress", "problem")
    assert first.startswith("the site has no post type course_date: ")
    assert second.startswith("the site does not have course.meta.mac_title, and would ignore it without a word: ")
    assert second.endswith(" → install config/wordpress/ili-courses.php there, or edit config/wordpress.toml")
    assert "; course; " in found.of("wordpress", "ok")[0]


class ForReaders(WordPress):
    """As the real one answers a user of the role subscriber (seen on 6.1.9): logged in, and may read."""

    def handle(self, request: Request) -> Answer:
        answer = super().handle(request)
        if "/course" in request.path:
            answer.headers = {**answer.headers, "Allow": "GET"}
        return answer


def test_a_user_who_may_not_write_is_told(here: World) -> None:
    with serve(ForReaders()) as site:
        edit(here, "config/integrator.toml", here.wordpress_url, site.url)
        found = checked(here, "wordpress")
    assert found.code == 1
    assert found.of("wordpress", "problem")[0].startswith("sync may read course, course_date but not write: ")


def test_a_user_whom_our_plugin_would_not_let_write_is_told(here: World) -> None:
    edit(here, "config/integrator.toml", '"sync"', '"editor"')
    found = checked(here, "wordpress")
    assert found.code == 0
    assert found.of("wordpress", "note")[0].startswith(
        "editor is editor: a site with our plugin lets the role course_sync"
    )


def test_a_registered_name_that_nobody_feeds_is_a_note(here: World) -> None:
    edit(here, "config/wordpress.toml", '"meta.mac_seats_total" = ', '"meta.ed_seats" = { owner = "editor" } #')
    found = checked(here, "wordpress")
    assert found.code == 0
    assert found.of("wordpress", "note") == [
        "nobody feeds course_date.meta.mac_seats_total → wanted? Add it to config/wordpress.toml"
    ]


# --- how it ends


@pytest.mark.parametrize(
    ("codes", "expected"), [([], 0), ([75], 75), ([75, 1], 1), ([75, 1, 70], 70), ([1, 70, 78, 75], 78)]
)
def test_the_exit_code_is_what_needs_a_person_most(codes: list[int], expected: int) -> None:
    finding = Finding("x")
    finding.note("a note counts for nothing")
    for code in codes:
        finding.problem("what", exit_code=code)
    assert exit_code([finding]) == expected


def test_a_key_of_the_gateway_that_can_be_guessed_is_told(here: World) -> None:
    here.configure(more='[gateway]\nwebsite_key = { env = "MACONOMY_AUTH" }\noilmat_key = { env = "WEAK" }\n')
    with (here.home / ".env").open("a") as secrets:
        secrets.write("WEAK=hunter2\n")
    [told] = checked(here).of("configuration", "problem")
    assert "[gateway] oilmat_key" in told
    assert "hunter2" not in told


GATEWAY = """
[gateway]
website_key = { env = "SHORT" }
oilmat_key = { env = "STRANGE" }
trainingportal_token = { env = "NOWHERE" }
trainingportal_ips = ["192.0.2.0/99", "192.0.2.7", "2001:db8::1::2"]
trusted_proxies = ["10.0.0"]
rate_per_minute = "many"
"""


def gateway(here: World, text: str, **secrets: str) -> None:
    here.configure(more=text)
    with (here.home / ".env").open("a", encoding="utf-8") as file:
        file.writelines(f"{name}={value}\n" for name, value in secrets.items())


def test_every_mistake_of_the_gateway_is_told_at_once_with_its_line_beside_the_others(here: World) -> None:
    gateway(here, GATEWAY, SHORT="hunter2", STRANGE="ærlig-talt-en-lang-nøgle")
    edit(here, "config/integrator.toml", "username", "user")
    told = checked(here).of("configuration", "problem")
    lines = (here.home / "config" / "integrator.toml").read_text(encoding="utf-8").splitlines()
    for key, what in {
        "website_key": "can be guessed",
        "oilmat_key": "cannot be sent as it is",
        "trainingportal_token": "NOWHERE is not set",
        "trainingportal_ips": "got '192.0.2.0/99'",
        "trusted_proxies": "got '10.0.0'",
        "rate_per_minute": "expected a whole number",
    }.items():
        number = next(number for number, line in enumerate(lines, 1) if line.startswith(key))
        assert any(f":{number}: [gateway] {key}: " in line and what in line for line in told), (key, told)
    assert any("'2001:db8::1::2'" in line for line in told)
    assert any("[wordpress] username: missing" in line for line in told)
    assert not any("hunter2" in line for line in told)


def test_as_many_are_counted_as_are_told(here: World) -> None:
    gateway(here, GATEWAY, SHORT="hunter2", STRANGE="ærlig-talt-en-lang-nøgle")
    edit(here, "config/integrator.toml", "username", "user")
    found = checked(here)
    told = found.of("configuration", "problem")
    assert len(set(told)) == len(told)
    assert found.of("configuration", "note")[0].startswith(f"{len(told)} to mend in ")


def test_a_gateway_that_is_right_has_its_line(here: World) -> None:
    key = "0123456789abcdef" * 2
    gateway(here, '[gateway]\nwebsite_key = { env = "W" }\ntrainingportal_token = { env = "T" }\n', W=key, T=f"t{key}")
    wanted = ["lets in the website, Trainingportal by its token, /docs for everybody; 600 calls a minute of each"]
    found = checked(here, "gateway")
    assert (found.code, list(found.states())) == (0, ["configuration", "gateway"])
    assert found.of("gateway", "ok") == wanted
    assert checked(here).of("gateway", "ok") == wanted
    (here.home / ".env").write_text(f"W={key}\nT=t{key}\n", encoding="utf-8")
    assert checked(here, "gateway").code == 0  # nobody else's secret is needed


def test_a_gateway_that_is_wrong_is_a_problem_of_its_own(here: World) -> None:
    gateway(here, '[gateway]\nwebsite_key = { env = "W" }\n', W="hunter2")
    for found in (checked(here), checked(here, "gateway")):
        assert found.code == 78
        assert len(found.of("configuration", "problem")) == 1
        assert found.of("gateway", "problem") == ["not tried: its configuration is wrong, see above"]


def test_a_gateway_without_any_key_or_table_is_told_when_it_is_asked_for(here: World) -> None:
    assert checked(here, "gateway").of("gateway", "problem") == [
        "switched off: config/integrator.toml has no [gateway] → fill in [gateway] there"
    ]
    gateway(here, "[gateway]\ndocs = false\n")
    [told] = checked(here).of("gateway", "note")
    assert told.startswith("lets nobody in: no caller has a key → ")


# --- a store that is lost, a disk that cannot be written


def test_a_store_that_is_gone_is_a_problem_and_not_a_new_home(here: World) -> None:
    here.run("import-courses")
    (here.home / "var" / "integrator.db").unlink()
    found = checked(here)
    assert found.code == 70
    [told] = found.of("store", "problem")
    assert "is gone, and this home had one; nothing was touched → mount its disk" in told


def test_a_disk_that_is_mounted_read_only_is_told_with_the_mount_and_no_chown(
    here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.run("import-courses")
    read_only_below(here.home / "var", monkeypatch)
    found = checked(here)
    assert found.code == 70
    [told] = found.of("store", "problem")
    assert "lies on a file system that is mounted read-only" in told
    assert f"→ mount it read-write: mount -o remount,rw {here.home / 'var'}" in told
    assert "chown" not in told
