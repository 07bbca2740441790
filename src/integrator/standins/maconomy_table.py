"""A list of Maconomy's records, kept encoded so that a list of 100,000 is answered without work."""

from typing import Any

import msgspec

from integrator.standins import maconomy_native
from integrator.standins.catalogue import Record


class Table:
    """Encoded records in order; an id may occur twice, as it may in a real list. The whole list is encoded once."""

    def __init__(self, key: str, container: str) -> None:
        self.key, self.container = key, container
        # Reads the id and skips the rest: finding 100,000 ids must not cost decoding 94 MB.
        self._id = msgspec.json.Decoder(msgspec.defstruct("Id", [(key, Any, None)]))
        self._rows: list[bytes] = []
        self._places: dict[str, list[int]] = {}
        self._whole: dict[str, bytes] = {}
        self._kept: list[bytes] = []

    def fill(self, rows: list[bytes]) -> None:
        self._rows = rows
        self._places = {}
        for place, row in enumerate(rows):
            self._places.setdefault(str(getattr(self._id.decode(row), self.key)), []).append(place)
        self._whole = {}

    def keep(self) -> None:
        """Remember this state for `restore`."""
        self._kept = list(self._rows)

    def restore(self) -> None:
        self.fill(list(self._kept))

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, record_id: str) -> bool:
        return record_id in self._places

    def ids(self) -> list[str]:
        return list(self._places)

    def get(self, record_id: str) -> Record:
        """The first record of an id. Errors: KeyError."""
        record: Record = msgspec.json.decode(self._rows[self._places[record_id][0]])
        return record

    def update(self, record_id: str, values: Record) -> None:
        """Change every record of an id. Errors: KeyError."""
        for place in self._places[record_id]:
            self._rows[place] = msgspec.json.encode(msgspec.json.decode(self._rows[place]) | values)
        self._whole = {}

    def remove(self, record_ids: list[str]) -> None:
        """Take records out. Errors: KeyError, nothing is removed."""
        if not record_ids:
            return
        gone = {place for record_id in record_ids for place in self._places[record_id]}
        self.fill([row for place, row in enumerate(self._rows) if place not in gone])

    def add(self, rows: list[bytes]) -> None:
        """Put records behind the others."""
        if rows:
            self.fill(self._rows + rows)

    def whole(self, dialect: str) -> bytes:
        """The list as it is answered."""
        if dialect not in self._whole:
            rows = self._rows if dialect == "assumed" else [self._native(row) for row in self._rows]
            self._whole[dialect] = self._around(dialect, rows)
        return self._whole[dialect]

    def one(self, record_id: str, dialect: str) -> bytes:
        """One record as it is answered. Errors: KeyError."""
        row = self._rows[self._places[record_id][0]]
        return row if dialect == "assumed" else self._around(dialect, [self._native(row)])

    def _around(self, dialect: str, rows: list[bytes]) -> bytes:
        if dialect == "assumed":
            return b"[" + b",".join(rows) + b"]"
        return maconomy_native.envelope(self.container, rows)

    def _native(self, row: bytes) -> bytes:
        translate = maconomy_native.course if self.container == "courses" else maconomy_native.main_course
        return msgspec.json.encode(translate(msgspec.json.decode(row)))
