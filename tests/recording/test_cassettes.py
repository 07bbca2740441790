"""The cassettes in the repository: nobody and no secret is in them, and CI replays each."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from integrator.standins import catalogue
from integrator.standins.wordpress import PASSWORD
from world import MACONOMY_AUTH

CASSETTES = sorted((Path(__file__).parents[1] / "cassettes").glob("*.yaml"))
NAMES = [path.stem for path in CASSETTES]


def people() -> set[str]:
    """Everything personal in the stand-ins' sample data."""
    found = set()
    for course in catalogue.sample("course"):
        found |= {value for trainer in course["trainers"] for value in trainer.values() if value}
    for participants in catalogue.sample("participant").values():
        for person in participants:
            found |= {person[name] for name in ("firstName", "lastName", "email", "company") if person.get(name)}
    return found


def test_there_is_a_cassette() -> None:
    assert "import-courses" in NAMES


@pytest.mark.parametrize("path", CASSETTES, ids=NAMES)
def test_nobody_and_no_secret_is_in_it(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"(?i)^\s*(proxy-)?authorization:|set-cookie:|^\s*cookie:|x-api-key:", text, re.MULTILINE)
    addresses = re.findall(r"[\w.+-]+@[\w.-]+", text)
    assert [found for found in addresses if not re.fullmatch(r"(person\d+|sender)@example\.org\.?", found)] == []
    hosts = re.findall(r"https?://([^/\s\"'\\]+)", text)
    assert [found for found in hosts if not found.endswith("example.org")] == []
    exchanges = json.dumps(yaml.safe_load(text)["interactions"], ensure_ascii=False)
    assert sorted(name for name in people() if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", exchanges)) == []
    assert not any(secret in text for secret in (MACONOMY_AUTH, MACONOMY_AUTH.split()[1], PASSWORD))


@pytest.mark.parametrize("path", CASSETTES, ids=NAMES)
def test_it_replays_in_an_empty_folder_to_the_recorded_end(path: Path, tmp_path: Path) -> None:
    metadata = yaml.safe_load(path.read_text(encoding="utf-8"))["metadata"]
    done = subprocess.run(
        [sys.executable, "-m", "integrator", metadata["job"], "--replay", str(path), "--json"],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == metadata["exit_code"], done.stdout + done.stderr
    assert list(tmp_path.iterdir()) == []
