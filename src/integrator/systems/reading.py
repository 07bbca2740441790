"""Sort one complete list answer: unchanged, new or different, unreadable; duplicates are told apart."""

from collections.abc import Callable, Mapping
from hashlib import blake2b
from typing import Any

import msgspec

from integrator.domain.fetched import Fetched, Note
from integrator.errors import BadRecord
from integrator.systems.mapping import Reader

_pack = msgspec.msgpack.Encoder().encode


class Sorter:
    """Compares each record's bytes with what we know before mapping it: an unchanged one costs a hash.

    build turns a mapped record into one of the domain, with the notes its rules give.
    """

    def __init__(
        self,
        reader: Reader,
        build: Callable[[dict[str, Any]], tuple[Any, list[Note]]],
        known: Mapping[bytes, str],
    ) -> None:
        self._reader = reader
        self._build = build
        self._known = known
        self._first: dict[str, msgspec.Raw] = {}  # the bytes each key was first seen with

    def sort(self, raws: list[msgspec.Raw], *, advance: Callable[[int], None] = lambda number: None) -> Fetched:
        """Every record of the answer, in one of the four piles."""
        fetched = Fetched(total=len(raws))
        for number, raw in enumerate(raws):
            fingerprint = blake2b(raw, digest_size=16).digest()
            key = self._known.get(fingerprint)
            if key is None or key in self._first or key in fetched.bad:
                self._read(number, raw, fingerprint, fetched)
            else:
                self._first[key] = raw
                fetched.unchanged.add(key)
            if number % 1000 == 999:
                advance(1000)
        fetched.missing_fields = self._missing_fields(fetched)
        return fetched

    def _read(self, number: int, raw: msgspec.Raw, fingerprint: bytes, fetched: Fetched) -> None:
        try:
            key, record, notes = self._record(raw)
        except BadRecord as error:
            key = error.key or f"record {number + 1}"
            self._set_aside(key, error, fetched)
            return
        fetched.notes.add(key, notes)
        if key in fetched.bad:  # the same key once unreadable, once readable: which one counts?
            self._set_aside(key, _conflict(), fetched)
            return
        if key in self._first:
            self._duplicate(key, record, fetched)
            return
        self._first[key] = raw
        fetched.records[key] = (_pack(record), fingerprint)

    def _record(self, raw: msgspec.Raw) -> tuple[str, Any, list[Note]]:
        mapped = self._reader.read(raw)
        try:
            record, notes = self._build(mapped.record)
        except BadRecord as error:
            error.key = mapped.key
            raise
        return mapped.key, record, [*mapped.notes, *notes]

    def _duplicate(self, key: str, record: Any, fetched: Fetched) -> None:
        """The same key twice: equal ones count once, of different ones none is believed."""
        try:
            _, first, _ = self._record(self._first[key])
        except BadRecord:
            first = None
        if first == record:
            fetched.notes.add(key, [Note("duplicate_same")])
        else:
            self._set_aside(key, _conflict(), fetched)

    def _set_aside(self, key: str, error: BadRecord, fetched: Fetched) -> None:
        if key in self._first or key in fetched.bad:
            error = _conflict()
        fetched.records.pop(key, None)
        fetched.unchanged.discard(key)
        fetched.bad[key] = error

    def _missing_fields(self, fetched: Fetched) -> list[str]:
        """Mapped fields that no record has: neither those read now, nor the unchanged ones (read in an earlier run)."""
        if not fetched.records and not fetched.bad:
            return []
        unchanged = [self._first[key] for key in fetched.unchanged]
        return [
            name
            for name, sources in self._reader.missing_everywhere().items()
            if not any(_names(raw, sources) for raw in unchanged)
        ]


def _names(raw: msgspec.Raw, sources: list[str]) -> bool:
    text = bytes(raw)
    return any(f'"{source}"'.encode() in text for source in sources)


def _conflict() -> BadRecord:
    return BadRecord("comes twice with different content; none of them is believed", code="duplicate_conflict")
