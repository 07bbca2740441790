"""Maconomy's adapter over its stand-in or over a scripted server, and one registration."""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any

from integrator.effects import Message
from integrator.errors import IntegratorError
from integrator.standins.base import Running, serve
from integrator.standins.maconomy import Maconomy as StandIn
from integrator.systems.http import Http
from integrator.systems.maconomy import Maconomy
from integrator.systems.mapping import load_mapping
from rawserver import RawServer

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT / "tests" / "samples" / "maconomy"
SHIPPED = ROOT / "config" / "maconomy.toml"
NATIVE = ROOT / "config" / "maconomy.native-style.toml"
STYLES = [(SHIPPED, "assumed"), (NATIVE, "native-style")]
KEY = {"Authorization": "Bearer demo-maconomy-key"}

# The order of tests/samples/maconomy/assumed/webparticipant.json in our words.
BODY: dict[str, Any] = {
    "course": {"id": "25172-04"},
    "order": {
        "number": "4711",
        "price_minor": 1499500,
        "currency": "DKK",
        "accepted_terms_at": "2026-11-22T10:15:02+01:00",
        "company": {
            "name": "Ærø Værft A/S",
            "cvr": "00000000",
            "address": "Havnen 1",
            "zip": "5970",
            "city": "Ærøskøbing",
            "country": "DK",
        },
        "invoice": {
            "email": "faktura@example.org",
            "ean": None,
            "po_number": "PO-77",
            "attention": "Bogholderiet",
        },
        "contact": {"name": "Gitte Kjærgård", "email": "gitte.kjaergaard@example.org", "phone": None},
    },
    "participant": {
        "reference": "ILI-4711-1",
        "number": 1,
        "first_name": "Søren",
        "last_name": "Nørgård",
        "email": "soeren.noergaard@example.org",
        "phone": "+45 00 00 00 00",
        "job_title": "Projektleder",
        "comment": "Vegetar",
    },
}


def registration(reference="ILI-10001-1", *, class_id="25172-04", **person) -> Message:
    """A message of the outbox about somebody new; person replaces what the sample says of the participant."""
    body = deepcopy(BODY)
    body["course"]["id"] = class_id
    body["participant"] |= {"reference": reference, **person}
    return Message(1, "maconomy.registration", reference, body, b"", 0, 0, None)


def adapter(url, *, mapping=SHIPPED, timeout_s=5.0, folder=Path("/nonexistent")) -> Maconomy:
    http = Http(system="maconomy", base_url=url, headers=KEY, user_agent="integrator/test", timeout_s=timeout_s)
    return Maconomy(
        http,
        load_mapping(mapping, shown="config/maconomy.toml"),
        spool=folder,
        list_timeout_s=5.0,
        max_list_bytes=1_000_000,
        timeout_s=timeout_s,
        settle_s=7.0,
    )


@contextmanager
def staged(settings=None, *, faults=(), **more) -> Iterator[tuple[Running, Maconomy]]:
    """The stand-in with these settings and faults, and the adapter in front of it."""
    with serve(StandIn(settings)) as running:
        running.faults.add(list(faults))
        maconomy = adapter(running.url, **more)
        try:
            yield running, maconomy
        finally:
            maconomy.close()


@contextmanager
def scripted(*scripts, **more) -> Iterator[tuple[RawServer, Maconomy]]:
    """A server that answers byte by byte, and the adapter in front of it."""
    with RawServer(*scripts) as server:
        maconomy = adapter(server.url, **more)
        try:
            yield server, maconomy
        finally:
            maconomy.close()


def outcome(call, *arguments):
    """What a call gives back, or the error it raises."""
    try:
        return call(*arguments)
    except IntegratorError as error:
        return error


def sent(maconomy, message, *, known=0):
    """What became of one registration: Done, or the error, given back or raised."""
    answer = outcome(maconomy.registrations(lambda message: known).send, [message])
    return answer[0] if isinstance(answer, list) else answer


def looked_up(maconomy, message, *, known=0):
    return outcome(maconomy.registrations(lambda message: known).look_up, message)


def without(mapping, folder, *lines):
    """A mapping file without the lines that begin so, in a folder."""
    text = mapping.read_text(encoding="utf-8")
    for line in lines:
        assert f"\n{line}" in text, line
        text = "\n".join(each for each in text.split("\n") if not each.startswith(line))
    path = folder / "maconomy.toml"
    path.write_text(text, encoding="utf-8")
    return path
