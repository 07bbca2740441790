"""The cassettes in the repository: nobody and no secret is in them, and CI replays each."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import record_cassettes
import record_portal_cassettes
from desks import form
from integrator.standins import catalogue, oilmat, trainingportal
from integrator.standins.mailgun import DOMAIN, KEY
from integrator.standins.wordpress import PASSWORD
from world import MACONOMY_AUTH

CASSETTES = sorted((Path(__file__).parents[1] / "cassettes").glob("*.yaml"))
NAMES = [path.stem for path in CASSETTES]
OF_WORKSHOPS = (oilmat.TOKEN, record_cassettes.ERP_PASSWORD)
OF_PORTAL = (trainingportal.PASSWORD, trainingportal.USERNAME, *record_portal_cassettes.REFERENCES)
SECRETS = (MACONOMY_AUTH, MACONOMY_AUTH.split()[1], PASSWORD, PASSWORD.replace(" ", ""), KEY, *OF_WORKSHOPS, *OF_PORTAL)
# Whatever looks like a key, a token, a hash of a password, a number of somebody; ours are told apart below.
SUSPICIOUS = {
    "key": r"(?i)\b(?:key|pk|sk|pub|ghp|xox[bp])-?[0-9a-f]{16,}\b|\bAKIA[0-9A-Z]{16}\b|-----BEGIN",
    "token": r"\beyJ[\w-]{10,}\.|(?i:\b(?:bearer|basic|token)\s+[\w+/=.-]{8,})",
    "login in an address": r"https?://[^/\s\"'@]+@",
    # (what stands for one is a word of two-letter syllables, as MadeUp makes them, or nothing, at the end of a form)
    "password": r"(?i)\bpass(?:word|wd)?[\"']?\s*[:=]\s*[\"']?(?!env\b|(?:[b-z][aeiou]){2,4}\"|response:\n)\w",
    "password in a form": r'name="password"\n[ \t]*\n[ \t]*\S',
    "national number": r"(?<![\d-])\d{6}-\d{4}(?!\d)",
    "phone": r"\+(?!45 00 00 00)\d{2}[ \d]{8,}",
    "mail": r"[\w.+-]+@(?!example\.org)[\w-]+\.\w",
}


def people() -> set[str]:
    """Everything personal in the stand-ins' sample data, and in the orders and trainers the cassettes are made with."""
    found = set()
    for course in catalogue.sample("course"):
        found |= {value for trainer in course["trainers"] for value in trainer.values() if value}
    for participants in catalogue.sample("participant").values():
        for person in participants:
            found |= {person[name] for name in ("firstName", "lastName", "email", "company") if person.get(name)}
    for who in ("earlier", "company", "private"):
        found |= set(_texts(form(2, who=who))) - _SAID
    found |= record_portal_cassettes.booked_people()
    found |= {"Freja", "Lindholm", "freja.lindholm", "Blåbær ApS", "gitte.k"}
    return found | {"gunvor", "Gunvor", "Egebæk", "Bennys Auto ved Åen"}


_SAID = {"DK", "2026-11-21T10:00:00+01:00", "00000000", "+45 00 00 00 00"}  # the numbers are looked for by their kind


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)


ARGUMENTS = {"push-orderline": ["--all"]}
JOBS = [
    *("confirm-bookings", "import-courses", "publish-classes", "push-orderline"),
    *("send-participants", "sync-orders", "update-booking-status"),
]


def test_every_job_that_talks_to_a_system_has_a_cassette() -> None:
    assert NAMES == sorted(record_cassettes.NAMES) == JOBS


@pytest.mark.parametrize("path", CASSETTES, ids=NAMES)
def test_nobody_and_no_secret_is_in_it(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"(?i)^\s*(proxy-)?authorization:|set-cookie:|^\s*cookie:|x-api-key:", text, re.MULTILINE)
    addresses = re.findall(r"[\w.+-]+@[\w.-]+", text)
    assert [found for found in addresses if not re.fullmatch(r"(person\d+|sender)@example\.org\.?", found)] == []
    hosts = re.findall(r"https?://([^/\s\"'\\]+)", text)
    assert [found for found in hosts if not found.endswith("example.org")] == []
    whole = yaml.safe_load(text)
    whole["metadata"].pop("mappings")  # their comments have examples of numbers and words
    said = json.dumps(whole, ensure_ascii=False)
    assert sorted(name for name in people() if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", said)) == []
    assert not any(secret in text for secret in (*SECRETS, DOMAIN))


@pytest.mark.parametrize("kind", SUSPICIOUS)
@pytest.mark.parametrize("path", CASSETTES, ids=NAMES)
def test_nothing_in_it_looks_like_a_secret_or_like_somebody(path: Path, kind: str) -> None:
    assert re.findall(SUSPICIOUS[kind], path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("key", "key-0123456789abcdef0123456789abcdef"),
        ("token", "value: Bearer demo-maconomy-key"),
        ("login in an address", "https://sync:abc@www.example.org/"),
        ("password", "password: abcd efgh"),
        ("password", '"password": "hemmelig"'),
        ("password", "username=user&password=hemmelig&newStatus=NEW"),
        ("password in a form", 'form-data; name="password"\n\n      hemmelig\n'),
        ("national number", "010190-1234"),
        ("phone", "+45 70 20 12 34"),
        ("mail", "aase@firm.example"),
    ],
)
def test_the_search_would_find_one(kind: str, text: str) -> None:
    assert re.search(SUSPICIOUS[kind], text)


_NO_NETWORK = """
import os, sys
def look(event, arguments):
    if event.startswith("socket."):
        os.write(2, event.encode())
        os._exit(99)
sys.addaudithook(look)
"""


@pytest.mark.parametrize("path", CASSETTES, ids=NAMES)
def test_it_replays_in_an_empty_folder_without_a_socket_to_the_recorded_end(path: Path, tmp_path: Path) -> None:
    whole = yaml.safe_load(path.read_text(encoding="utf-8"))
    metadata, total = whole["metadata"], len(whole["interactions"])
    more = ARGUMENTS.get(path.stem, [])
    watch, empty = tmp_path / "watch", tmp_path / "empty"
    for folder in (watch, empty):
        folder.mkdir()
    (watch / "sitecustomize.py").write_text(_NO_NETWORK, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "integrator", metadata["job"], *more, "--replay", str(path), "--json"],
        cwd=empty,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(watch)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == metadata["exit_code"], done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert report["counts"] == metadata["counts"] != {}
    said = f"replayed {total} of {total} recorded requests; nothing was sent, nothing was kept"
    assert report["remarks"][-1] == said  # and nothing of another end, or other counts
    assert list(empty.iterdir()) == []


@pytest.mark.parametrize("path", CASSETTES, ids=NAMES)
def test_recorded_again_it_is_the_same_file(path: Path, tmp_path: Path) -> None:
    """Else `make record` is due, or something in it depends on chance. (An attachment's size depends on zlib.)"""
    again = tmp_path / path.name
    assert record_cassettes.record(path.stem, again, tmp_path / "home").code == record_cassettes.ENDS.get(path.stem, 0)
    first, second = (re.sub(r"\(\d+ bytes, left out\)", "", file.read_text("utf-8")) for file in (path, again))
    assert second == first
