"""One line per run that nobody can forge, and the place of a bug without its words."""

import json
import os
import stat

import pytest

from integrator.runtime import logbook
from integrator.runtime.logbook import place_of, write_line


def lines(folder):
    return (folder / "integrator.log").read_bytes().split(b"\n")[:-1]


def test_a_line_is_one_json_object_and_private(tmp_path):
    write_line(tmp_path, {"job": "import-courses", "counts": {"read": 3}})
    write_line(tmp_path, {"job": "status"})
    assert [json.loads(line)["job"] for line in lines(tmp_path)] == ["import-courses", "status"]
    assert stat.S_IMODE((tmp_path / "integrator.log").stat().st_mode) == 0o600


# Line feed, carriage return, NUL, escape, the C1 set (NEL, CSI), Unicode's own line ends, right-to-left override.
@pytest.mark.parametrize(
    "evil", ["\n", "\r\n", "\0", "\x1b[2J", "\x7f", "\x85", "\x9b31m", "\u2028", "\u2029", "\u202e"]
)
def test_no_value_can_forge_a_line_or_reach_the_terminal(tmp_path, evil):
    text = f'x{evil}{{"job":"forged"}}'
    write_line(tmp_path, {"job": "import-courses", "error": text, "failed": {text: text}})
    (line,) = lines(tmp_path)
    assert all(0x20 <= byte < 0x7F for byte in line)
    assert len(line.decode().splitlines()) == 1
    assert json.loads(line)["error"] == text


def test_half_a_character_does_not_end_the_log(tmp_path):
    write_line(tmp_path, {"error": "\udce5 å"})
    assert json.loads(lines(tmp_path)[0]) == {"error": "\udce5 å"}


def test_a_big_log_is_put_aside_once(tmp_path, monkeypatch):
    monkeypatch.setattr(logbook, "_ROTATE_AT", 100)
    for number in range(12):
        write_line(tmp_path, {"number": number, "filler": "x" * 40})
    assert sorted(os.listdir(tmp_path)) == ["integrator.log", "integrator.log.1"]
    kept = [json.loads(line)["number"] for line in lines(tmp_path)]
    assert kept[-1] == 11


def test_two_jobs_that_find_the_log_too_big_put_it_aside_once(tmp_path, monkeypatch):
    write_line(tmp_path, {"number": 0, "filler": "x" * 100})
    monkeypatch.setattr(logbook, "_ROTATE_AT", 100)
    flock, begun = logbook.fcntl.flock, []

    def beaten_to_it(descriptor, operation):
        """Between our opening and our lock another job does all of it."""
        if not begun:
            begun.append(True)
            write_line(tmp_path, {"number": 1})
        flock(descriptor, operation)

    monkeypatch.setattr(logbook.fcntl, "flock", beaten_to_it)
    write_line(tmp_path, {"number": 2})
    aside = (tmp_path / "integrator.log.1").read_bytes().splitlines()
    assert [json.loads(line)["number"] for line in aside] == [0]
    assert [json.loads(line)["number"] for line in lines(tmp_path)] == [1, 2]


def test_a_bug_is_marked_when_the_log_has_it():
    error = ValueError("x")
    assert not logbook.is_written(error)
    logbook.mark_written(error)
    assert logbook.is_written(error)


def test_the_place_of_a_bug_names_files_lines_and_functions_only():
    def deep(record):
        raise ValueError(record)

    try:
        deep("Åse Østergård")
    except ValueError as error:
        place = place_of(error)
    assert place[-1].startswith("test_logbook.py:")
    assert place[-1].endswith(" deep")
    assert "Østergård" not in str(place)


def test_a_line_that_a_full_disk_cut_off_takes_no_other_with_it(tmp_path):
    logbook.write_line(tmp_path, {"run": 1})
    with (tmp_path / logbook.NAME).open("ab") as file:
        file.write(b'{"run":2,"coun')
    logbook.write_line(tmp_path, {"run": 3})
    logbook.write_line(tmp_path, {"run": 4})
    assert (tmp_path / logbook.NAME).read_text().splitlines() == [
        '{"run":1}',
        '{"run":2,"coun',
        '{"run":3}',
        '{"run":4}',
    ]
