"""The demonstration: every claim holds, one that does not is told, and nothing of it stays on any way out."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
from datetime import date, timedelta
from pathlib import Path

import pytest

from integrator.demo import close, orders, workshops
from integrator.demo.dates import first_day, upcoming
from integrator.demo.ending import Ended
from integrator.demo.looking import look_around
from integrator.demo.stage import on_stage
from integrator.standins.au2office import Au2Office
from integrator.standins.catalogue import sample
from integrator.standins.maconomy import Maconomy

ROUTES = [
    *("Maconomy → store → WordPress", "Maconomy → WordPress, again", "a sold seat → WordPress", "hands on the site"),
    *("a failing source", "orders → Maconomy", "confirmations → Mailgun", "orders, again", "a lost answer"),
    *("a full class", "abandoned seats", "sold seats → WordPress", "classes → Trainingportal"),
    *("Trainingportal → a seat", "bookings → Maconomy", "sold seats → Trainingportal", "a cancelled booking"),
    *("status, certificate → Trainingportal", "OilMat → au2office", "OilMat → AD Manager"),
    *("a line that is there", "pictures after saving", "a closed case", "OilMat, again", "statuses → OilMat"),
    *("participant list → trainer", "old people → nowhere"),
]
# Signals as a terminal leaves them: a shell that starts us in the background has them ignored.
DEMO = (
    "import signal, sys; [signal.signal(n, signal.default_int_handler if n == signal.SIGINT else signal.SIG_DFL)"
    " for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]; sys.argv[0] = 'integrator';"
    " from integrator.cli import main; main()"
)
WORKSHOPS = DEMO.replace(
    "from integrator.cli import main; main()",
    "from integrator.demo import stage, workshops\nwith stage.on_stage(keep=False) as made: workshops.play(made)",
)
STANDINS = 7


def started(tmp_path, *options, code=DEMO):
    return subprocess.Popen(
        [sys.executable, "-c", code, "demo", *options],
        env={"PATH": os.environ["PATH"], "TMPDIR": str(tmp_path)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )


def is_served(url):
    host, _, port = url.removeprefix("http://").partition(":")
    try:
        socket.create_connection((host, int(port)), timeout=300).close()
    except ConnectionRefusedError:
        return False
    return True


def processes_of(folder):
    """Who still runs of a demonstration: it is known by its temporary folder, a browser's by its home below that."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if f"={folder}".encode() in entry.read_bytes():
                found.append(entry.parent.name)
    return found


def browsers_of(folder):
    """The drivers among them."""
    found = []
    for number in processes_of(folder):
        with contextlib.suppress(OSError):
            if b"chromedriver" in Path("/proc", number, "cmdline").read_bytes():
                found.append(number)
    return found


@pytest.fixture
def stage(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with on_stage(keep=False) as made:
        yield made


# the whole of it ------------------------------------------------------------------------------------------


def test_all_that_is_claimed_holds_and_nothing_stays_and_without_a_terminal_nobody_is_waited_for(tmp_path):
    process = started(tmp_path, "--look")
    said = process.communicate(timeout=300)[0]
    assert "did not hold" not in said
    assert process.returncode == 0, said
    header, *table = said[said.index(" from → to ") :].splitlines()
    width = header.index("what travelled")
    assert " ".join(" ".join(line[:width] for line in table).split()).lstrip("─ ").startswith(" ".join(ROUTES))
    assert "$ integrator explain 10001\norder 10001: 2 seat(s) of 25172-04" in said
    assert "ILI-10002-1: the connection broke" in " ".join(said.split())
    assert '{\n  "refused": "full"\n}\n(exit code 1)' in said
    assert said.count("$ echo maja.baekgaard@example.org | integrator gdpr trace -\n") == 2
    assert said.count("integrator gdpr trace -\nnowhere\n") == 1
    assert said.count('"successful":"true"') == 2
    assert re.search(r"booking TP-\w+: a seat of 25172-05: Projektledelse i praksis \(order 10004\)\n", said)
    assert re.search(r"certificate \w+ was uploaded\n", said)
    assert re.search(r"bennys-auto/0007: (\w+ → )*completed\n", said)  # what it hears meanwhile is a matter of time
    assert re.search(r"case 56 +OL-0530 +5.50 ltr.  Motorolie 5W-30 Longlife -- OilMat: 0007\n", said)
    assert len(re.findall(r"/var/evidence/\S+-0007/screenshot.png\n", said)) == 2
    assert "orderline bennys-auto/0008: 4 × OL-1040 on case 561\n" in said
    assert re.search(r"bennys-auto/0008: (\w+ → )*failed → (\w+ → )*completed\n", said)
    assert "There is no terminal to wait at: the stand-ins stop now." in said
    urls = set(re.findall(r"http://127\.0\.0\.1:\d+", said))
    assert len(urls) >= STANDINS  # a login may have an address of its own
    assert processes_of(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


# every way out --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_stops_the_stand_ins_and_removes_the_folders(tmp_path, number):
    process = started(tmp_path)
    said = []
    for line in process.stdout:
        said.append(line)
        if line.startswith("$ integrator"):  # a command is about to run, or runs
            break
    process.send_signal(number)
    said.append(process.communicate(timeout=300)[0])
    assert process.returncode == 128 + number, said
    urls = re.findall(r"http://127\.0\.0\.1:\d+", "".join(said))
    assert len(urls) == STANDINS
    assert processes_of(tmp_path) == []
    assert list(tmp_path.iterdir()) == []
    assert "Traceback" not in "".join(said)


def test_a_signal_while_browsers_work_ends_them_and_the_run_and_removes_the_folders(tmp_path):
    process = started(tmp_path, code=WORKSHOPS)
    for line in process.stdout:
        if line.startswith("$ integrator push-orderline"):
            break
    while not browsers_of(tmp_path):
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.05)
        assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    said = process.communicate(timeout=300)[0]
    assert process.returncode == 128 + signal.SIGTERM, said
    assert processes_of(tmp_path) == []
    assert list(tmp_path.iterdir()) == []
    assert "Traceback" not in said


def test_an_error_stops_the_stand_ins_and_removes_the_folders(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    urls = []

    def play():
        with on_stage(keep=False) as stage:
            urls.extend(stage.addresses.values())
            assert all(is_served(url) for url in urls)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        play()
    assert [is_served(url) for url in urls] == [False] * STANDINS
    assert list(tmp_path.iterdir()) == []


def test_the_signals_are_as_before_afterwards(stage):
    assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
    before = signal.getsignal(signal.SIGTERM)
    with on_stage(keep=False):
        pass
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_home_folder_that_is_kept_is_named_and_stays_alone(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with on_stage(keep=True) as stage:
        pass
    assert list(tmp_path.iterdir()) == [stage.home]
    assert f"The home folder was kept: {stage.home}" in capsys.readouterr().out
    assert (stage.home / ".env").stat().st_mode & 0o777 == 0o600


# looking around -------------------------------------------------------------------------------------------


class Terminal:
    """Standard input with somebody at it."""

    def __init__(self, pressed):
        self.pressed = pressed

    def isatty(self):
        return True

    def readline(self):
        if isinstance(self.pressed, int):
            raise Ended(self.pressed)
        return self.pressed


@pytest.mark.parametrize("pressed", ["\n", int(signal.SIGINT)])
def test_enter_and_ctrl_c_end_the_look_at_the_mails_and_the_cases(stage, monkeypatch, capsys, pressed):
    monkeypatch.setattr(sys, "stdin", Terminal(pressed))
    look_around(stage)
    said = capsys.readouterr().out
    assert all(f"{stage.addresses[name]}/" in said for name in ("mailgun", "au2office", "admanager"))


def test_a_sigterm_while_somebody_looks_ends_the_demonstration_as_any_other(stage, monkeypatch):
    monkeypatch.setattr(sys, "stdin", Terminal(int(signal.SIGTERM)))
    with pytest.raises(Ended) as ended:
        look_around(stage)
    assert ended.value.code == 143


# claims that do not hold ----------------------------------------------------------------------------------


def test_a_claim_that_does_not_hold_is_named_and_the_code_is_1(stage, capsys):
    assert close(stage) == 0
    stage.claim("two and two are five", holds=False)
    stage.claim("two and two are four", holds=True)
    assert close(stage) == 1
    said = capsys.readouterr().out
    assert "These claims did not hold:\n  two and two are five\n" in said
    assert "four" not in said


def test_a_command_that_ends_in_another_way_breaks_a_claim(stage):
    stage.command("runs", "7", expect=4)
    assert stage.broken == []
    stage.command("runs", "7")
    assert stage.broken == ["integrator runs 7 ends with 0, not 4"]


def test_a_maconomy_that_registers_everybody_twice_is_seen(stage, monkeypatch):
    once = Maconomy._add
    monkeypatch.setattr(Maconomy, "_add", lambda *given: (once(*given), once(*given))[1])
    orders._two_seats(stage)
    assert stage.broken == []
    orders._to_maconomy(stage)
    assert [what for what in stage.broken if "registered once" in what] == [
        "ILI-10001-1 is registered once, under their name",
        "ILI-10001-2 is registered once, under their name",
    ]


def test_a_workshop_erp_that_has_a_line_twice_is_seen(stage, monkeypatch):
    once = Au2Office.state
    twice = {"kind": "new", "product": "OL-0530", "name": "Motorolie -- OilMat: 0007", "unit": "ltr.", "amount": "5.50"}

    def state(self):
        found = once(self)
        cases = [case | {"lines": [twice, twice]} if case["number"] == "56" else case for case in found["cases"]]
        return found | {"cases": cases}

    monkeypatch.setattr(Au2Office, "state", state)
    workshops._line_is_there(stage, "bennys-auto", "56", twice["name"], "5.50")
    assert stage.broken == ["case 56 of bennys-auto has our line once, with text and amount"]


# without a browser ----------------------------------------------------------------------------------------


def test_without_a_browser_the_chapter_is_one_line_that_says_what_to_type_and_the_rest_goes_on(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))  # no driver there
    with on_stage(keep=False) as stage:
        capsys.readouterr()
        workshops.play(stage)
        chapter, line = capsys.readouterr().out.strip().split("\n\n")
        assert chapter == "════ Workshops"
        assert line == (
            "── This chapter is left out: the browser's driver is not installed."
            " Type: sudo apt-get install chromium chromium-driver   then: make demo"
        )
        stage.command("status")
        assert (stage.rows, stage.broken) == ([], [])


# its days -------------------------------------------------------------------------------------------------


def test_as_long_as_the_sample_classes_are_to_come_they_are_taken_as_they_are():
    assert upcoming(sample("course"), date(2027, 2, 1)) == sample("course")


@pytest.mark.parametrize("today", [date(2027, 2, 2), date(2027, 3, 2), date(2029, 12, 31), date(2036, 2, 29)])
def test_later_all_classes_move_by_whole_weeks_and_none_begins_within_four(today):
    before = [course for course in sample("course") if course["startDate"]]
    after = [course for course in upcoming(sample("course"), today) if course["startDate"]]
    moved = {first_day(new) - first_day(old) for old, new in zip(before, after, strict=True)}
    assert len(moved) == 1
    assert moved.pop() % timedelta(weeks=1) == timedelta(0)
    first = min(first_day(course) for course in after)
    assert timedelta(days=28) <= first - today < timedelta(days=35)
    assert after[0]["courseDays"][0]["date"] == f"{first_day(after[0]):%d-%m-%Y}"
    assert all(len(old["courseDays"]) == len(new["courseDays"]) for old, new in zip(before, after, strict=True))
