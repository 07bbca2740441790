"""The keyed hashes of recipients and lists, made again for made-up people with a key that is no secret.

A home's key stays at home, and no hash of a real person travels. A replay has this key, so that it finds them again.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.parse import unquote

from integrator.domain import lists as rules
from integrator.domain.courses import Trainer
from integrator.errors import ConfigError, IntegratorError
from integrator.home import Home
from integrator.recording.headers import unpacked
from integrator.recording.scrub import Exchange, System, system_of
from integrator.store.erasure.journal import Journal
from integrator.store.lists import list_fingerprint, recipient_code
from integrator.systems.http import Http, Reply
from integrator.systems.http.reading import Headers
from integrator.systems.maconomy.people import OneClass
from integrator.systems.mapping import Mapping, load_mapping

KEY = bytes(32)
_ANOTHER = "0" * 64  # the fingerprint of a list that is not in the recording: other than every one that is
_KEYS = re.compile(r"(?<=participant-list:)([^:\s]+:[^:\s]+:)([0-9a-f]{12})(?=:\d)")


@dataclass(frozen=True)
class Hashes:
    """Real hash → the one of the invented person or list in its place."""

    codes: dict[str, str]
    fingerprints: dict[str, str]

    def in_rows(self, lists: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
        """Rows of participant_lists with the hashes they have in a replay, in the order these have."""
        rows = [
            row | {"recipient": self._code(row["recipient"]), "fingerprint": self._fingerprint(row["fingerprint"])}
            for row in lists
        ]
        return sorted(rows, key=lambda row: [row[name] for name in ("class_id", "day", "recipient")])

    def in_text(self, text: str) -> str:
        """A text with other codes in the keys of its lists."""
        return _KEYS.sub(lambda found: found[1] + self._code(found[2]), text)

    def _code(self, code: str) -> str:
        """Somebody who is not in the recording keeps a code of their own."""
        return self.codes.get(code) or recipient_code(KEY, code)

    def _fingerprint(self, fingerprint: str) -> str:
        return fingerprint and self.fingerprints.get(fingerprint, _ANOTHER)


def key_of(home: Home) -> bytes:
    """What the runs of a home hash with. Errors  ConfigError"""
    journal = Journal(home.var)
    return journal.key() if journal.key_path.exists() else KEY


def put_back(home: Home) -> None:
    """Let the runs of a replay's home hash with the key of recordings."""
    path = Journal(home.var).key_path
    path.touch(0o600)
    path.write_text(f"{KEY.hex()}\n", encoding="ascii")


def codes(key: bytes, addresses: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Of every (real, made-up) address. A code is of the address in the form it is written to."""
    found = {}
    for real, made in addresses:
        for trainer in rules.reachable([Trainer(None, None, real)]):
            found[recipient_code(key, trainer.email or "")] = recipient_code(KEY, made)
    return found


def fingerprints(
    key: bytes, mapping_file: Path, systems: Sequence[System], pairs: Iterable[tuple[Exchange, Exchange]]
) -> dict[str, str]:
    """Of every list of participants that was answered, as it came and as it is recorded. Errors  ConfigError"""
    mapping = load_mapping(mapping_file)
    return {
        list_fingerprint(key, real_list): list_fingerprint(KEY, made_list)
        for real, made in pairs
        if (class_id := _class_asked_for(real, mapping, systems)) is not None
        for real_list in _listed(real, mapping, class_id)
        for made_list in _listed(made, mapping, class_id)
    }


def _class_asked_for(exchange: Exchange, mapping: Mapping, systems: Sequence[System]) -> str | None:
    system, endpoint = system_of(exchange.url, systems), mapping.endpoints.get("participant")
    if system is None or system.name != "maconomy" or endpoint is None or exchange.status != 200:
        return None
    before, _, behind = endpoint.path.partition("{course_id}")
    asked = re.fullmatch(f"{re.escape(before)}([^/]+){re.escape(behind)}", system.below(exchange.url) or "")
    return unquote(asked[1]) if asked and exchange.method == "GET" else None


def _listed(exchange: Exchange, mapping: Mapping, class_id: str) -> Iterator[list[dict[str, Any]]]:
    """Who is on the list by an answer, as send-participants reads it; nothing when it cannot be read."""
    try:
        yield rules.listed(OneClass(cast(Http, _Told(exchange)), mapping, timeout_s=60.0).participants(class_id))
    except ConfigError:
        raise
    except IntegratorError:
        return


class _Told:
    """A system that gives one answer only, the recorded one."""

    def __init__(self, exchange: Exchange) -> None:
        headers, body = unpacked(exchange.headers, exchange.body)
        pairs = [(name, value) for name, values in headers.items() for value in values]
        self._reply = Reply(exchange.status, Headers(pairs), body)

    def get(self, path: str, **how: Any) -> Reply:
        return self._reply
