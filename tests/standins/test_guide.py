"""What is told of each stand-in is true: its login lets in, and its control port takes every example."""

import base64
import http.client
import json
import shlex
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from integrator.cli.demo import CLASSES, STANDINS
from integrator.standins import guide
from integrator.standins.base import CONTROLS, Running, StandIn, serve
from integrator.standins.workshop.standin import WorkshopStandIn
from integrator.standins.workshop.standin import serve as serve_workshop
from world import World

from .counter import PATIENCE_S, ask, control

# what is only seen by who was let in
INSIDE = {
    "maconomy": b"25172-04",
    "wordpress": b"course_date",
    "mailgun": b"items",
    "trainingportal": b"GSK-4D",
    "oilmat": b"[]",
    "au2office": b"",
    "admanager": b"<html",
}
NOBODY = "http://127.0.0.1:1"


def kind_of(name: str) -> type[StandIn]:
    module, _, kind = CLASSES[name].partition(":")
    found: type[StandIn] = getattr(import_module(f"integrator.standins.{module}"), kind)
    return found


def served(name: str) -> Running:
    made = kind_of(name)()
    return serve_workshop(made) if isinstance(made, WorkshopStandIn) else serve(made)


def curled(line: str) -> tuple[int, Any]:
    """What a line of curl is answered, by another client."""
    words, headers, data, where = shlex.split(line)[1:], dict[str, str](), list[str](), ""
    while words:
        word = words.pop(0)
        if word == "-H":
            name, _, headers[name] = words.pop(0).partition(": ")
        elif word == "-u":
            headers["Authorization"] = "Basic " + base64.b64encode(words.pop(0).encode()).decode()
        elif word == "-d":
            data.append(words.pop(0))
        elif word != "-i":
            where = word
    parts = urlsplit(where)
    kind = {"Content-Type": "application/x-www-form-urlencoded"} if data else {}
    connection = http.client.HTTPConnection(parts.netloc, timeout=PATIENCE_S)
    try:
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        connection.request("POST" if data else "GET", target, "&".join(data).encode() or None, kind | headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


@pytest.mark.parametrize("name", STANDINS)
def test_the_login_that_is_told_lets_in_and_every_example_is_taken(name: str) -> None:
    with served(name) as running:
        text = ask(running.control_url, path="/")[2].decode()
        lines = [line.strip() for line in text.splitlines() if line.strip().startswith("curl ")]
        assert text == guide.told(running.standin, running.url, running.control_url)
        asked, *staging = (line.replace("http://127.0.0.1:8080", NOBODY) for line in lines)
        status, answer = curled(asked)
        assert status in (200, 302)
        assert INSIDE[name] in answer
        assert len(staging) >= 4
        for line in staging:
            status, answer = curled(line)
            assert status == 200, f"{line}: {answer!r}"
        assert len(control(running, "GET", "/faults")) == 2


@pytest.mark.parametrize("name", STANDINS)
def test_a_home_is_told_of_it_by_the_lines_that_are_told(name: str, tmp_path: Path) -> None:
    """The lines are configuration that `integrator check` finds no fault with."""
    world = World(tmp_path, None, None, None, (None, None, None))  # type: ignore[arg-type]  # none is asked
    assert world.run("init", str(tmp_path)).code == 0
    found = kind_of(name).guide
    config = found.config.format(url=NOBODY)
    file = "workshops.toml" if "workshops.toml" in config else "integrator.toml"
    (tmp_path / "config" / file).write_text(config)
    (tmp_path / ".env").write_text(found.secrets)
    result = world.run("status", "--json")
    assert result.code in (0, 1), result.err + result.out


def test_whatever_the_control_port_takes_is_told_of() -> None:
    assert set(CONTROLS) | {("GET", "/")} == set(guide.CONTROLS)


def test_an_address_that_the_control_port_does_not_know_is_answered_with_those_it_does() -> None:
    with served("maconomy") as running:
        status, _, answer = ask(running.control_url, "POST", "/fault", {})
        told = json.loads(answer)
        assert (status, "GET / tells" in told["error"]) == (404, True)
        assert set(told["known"]) == {f"{method} {path}" for method, path in guide.CONTROLS}
        assert control(running, "POST", "/faults", told["known"]["POST /faults"]) == {"faults": 2}


def test_where_all_of_it_is_told_stands_in_the_line_it_says_at_its_start() -> None:
    with served("au2office") as workshop, served("oilmat") as oilmat:
        for running in (workshop, oilmat):
            assert running.ready["about"] == f"curl {running.control_url}/"
            assert running.ready["url"] == running.url


@pytest.mark.parametrize("name", STANDINS)
def test_help_of_one_tells_its_login_and_what_its_control_port_takes(name: str, tmp_path: Path) -> None:
    world = World(tmp_path, None, None, None, (None, None, None))  # type: ignore[arg-type]  # none is asked
    result = world.run("standin", name, "--help", "--port", "9199")
    assert (result.code, result.err) == (0, "")
    assert "Usage: integrator standin" in result.out
    assert "http://127.0.0.1:9199" in result.out
    for part in (kind_of(name).guide.secrets, "/seed", "What POST /faults knows"):
        assert part in result.out
    assert "gzip-bomb" in result.out


def test_help_without_a_name_starts_nothing_and_a_wrong_name_is_said(tmp_path: Path) -> None:
    world = World(tmp_path, None, None, None, (None, None, None))  # type: ignore[arg-type]  # none is asked
    assert world.run("standin", "--help").code == 0
    for arguments, words in ((("nope", "--help"), "there is no 'nope'"), ((), "its name is missing")):
        result = world.run("standin", *arguments)
        assert result.code == 2
        assert words in result.err
