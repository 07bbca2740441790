"""Sort one complete list answer: unchanged, new or different, unreadable; duplicates are told apart."""

from collections.abc import Callable, Iterable, Mapping
from hashlib import blake2b
from itertools import islice
from typing import Any

import msgspec

from integrator.domain.fetched import Bad, Fetched, Note
from integrator.errors import BadRecord
from integrator.systems.mapping import Reader

_pack = msgspec.msgpack.Encoder().encode
_CONFLICT = Bad("duplicate_conflict", None, "comes twice with different content; none of them is believed")


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
        self._reasons: dict[Bad, Bad] = {}  # each reason once, however many records have it

    def sort(
        self,
        raws: list[msgspec.Raw],
        *,
        max_bad: int | None = None,
        advance: Callable[[int], None] = lambda number: None,
    ) -> Fetched:
        """Every record of the answer, in one of the four piles.

        max_bad   with more unreadable ones than that the rest is not looked at (stopped); None: however many
        """
        fetched = Fetched(total=len(raws))
        for number, raw in enumerate(raws):
            fingerprint = blake2b(raw, digest_size=16).digest()
            key = self._known.get(fingerprint)
            if key is None or key in self._first or key in fetched.bad:
                self._read(number, raw, fingerprint, fetched)
            else:
                self._first[key] = raw
                fetched.unchanged.add(key)
            if max_bad is not None and len(fetched.bad) > max_bad:
                fetched.stopped = True
                break
            if number % 1000 == 999:
                advance(1000)
        unread = islice(raws, number + 1, None) if fetched.stopped else ()
        fetched.missing_fields = self._missing_fields(fetched, unread)
        return fetched

    def _read(self, number: int, raw: msgspec.Raw, fingerprint: bytes, fetched: Fetched) -> None:
        try:
            key, record, notes = self._record(raw)
        except BadRecord as error:
            fetched.nameless += error.key is None
            key = error.key or f"record {number + 1}"
            self._set_aside(key, Bad(error.code, error.field, error.message), fetched)
            return
        fetched.notes.add(key, notes)
        if key in fetched.bad:  # the same key once unreadable, once readable: which one counts?
            self._set_aside(key, _CONFLICT, fetched)
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
            self._set_aside(key, _CONFLICT, fetched)

    def _set_aside(self, key: str, bad: Bad, fetched: Fetched) -> None:
        if key in self._first or key in fetched.bad:
            bad = _CONFLICT
        fetched.records.pop(key, None)
        fetched.unchanged.discard(key)
        fetched.bad[key] = self._reasons.setdefault(bad, bad)

    def _missing_fields(self, fetched: Fetched, unread: Iterable[msgspec.Raw]) -> list[str]:
        """Mapped fields that no record has: neither those read now, nor the unchanged and the unread ones."""
        if not fetched.records and not fetched.bad:
            return []
        others = [*(self._first[key] for key in fetched.unchanged), *unread]
        return [
            name
            for name, sources in self._reader.missing_everywhere().items()
            if not any(_names(raw, sources) for raw in others)
        ]


def _names(raw: msgspec.Raw, sources: list[str]) -> bool:
    text = bytes(raw)
    return any(f'"{source}"'.encode() in text for source in sources)
