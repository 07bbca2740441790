"""For `check`: how often each field was there, was converted or failed, and which foreign names nobody maps."""

from dataclasses import dataclass, field
from typing import Any

from integrator.domain.fetched import Note
from integrator.systems.mapping.convert import BadValue, shown
from integrator.systems.mapping.entries import Entries
from integrator.systems.mapping.field import Field
from integrator.systems.mapping.sources import MISSING

_EXAMPLES = 3
_NAMES, _NAME_LIMIT = 1_000, 60
OTHER_NAMES = "(names that are not shown)"


@dataclass
class FieldSurvey:
    """One field over all records; of a field of entries ("days[].date") records are the entries.

    examples   up to three codes: "bad_money"; never a value
    """

    name: str
    records: int = 0
    present: int = 0
    converted: int = 0
    empty: int = 0
    failed: int = 0
    examples: list[str] = field(default_factory=list)

    def example(self, code: str) -> None:
        if len(self.examples) < _EXAMPLES and code not in self.examples:
            self.examples.append(code)


class Survey:
    """Looks at every field on its own, so that one bad field does not hide the others."""

    def __init__(self, fields: list[Field], lists: list[Entries], mapped_names: frozenset[str]) -> None:
        self.unmapped: dict[str, int] = {}
        self._mapped_names = mapped_names
        self._fields = fields
        self._lists = lists
        self._by_name: dict[str, FieldSurvey] = {}

    def fields(self) -> list[FieldSurvey]:
        return list(self._by_name.values())

    def names(self, record: dict[str, Any]) -> None:
        """Count the names nobody maps; those that look like a value, and more than anyone reads, under one name."""
        for name in record.keys() - self._mapped_names:
            known = name in self.unmapped or (len(self.unmapped) < _NAMES and shown(name, limit=_NAME_LIMIT))
            told = name if known else OTHER_NAMES
            self.unmapped[told] = self.unmapped.get(told, 0) + 1

    def record(self, record: dict[str, Any], sink: list[Note]) -> None:
        """Count what becomes of each field of one record."""
        for one in self._fields:
            self._look(one.name, one, record, sink)
        for entries in self._lists:
            self._list(entries, record)
            for entry in self._entries(entries, record):
                for one in entries.fields:
                    self._look(f"{entries.name}[].{one.name}", one, entry, sink)

    def _look(self, name: str, one: Field, record: dict[str, Any], sink: list[Note]) -> None:
        seen = self._row(name)
        sink.clear()
        try:
            raw = one.source(record)
            if raw is MISSING:
                return
            seen.present += 1
            value = one.convert(raw)
        except BadValue as bad:
            seen.failed += 1
            seen.example(bad.code)
            return
        for note in sink:
            seen.example(note.code)
        if value is None:
            seen.empty += 1
        else:
            seen.converted += 1

    def _list(self, entries: Entries, record: dict[str, Any]) -> None:
        seen = self._row(entries.name)
        try:
            raw = entries.of(record)
        except BadValue as bad:
            seen.failed += 1
            seen.example(bad.code)
            return
        there = entries.is_in(record)
        seen.present += there
        seen.converted += there and bool(raw)
        seen.empty += there and not raw

    def _entries(self, entries: Entries, record: dict[str, Any]) -> list[dict[str, Any]]:
        try:
            return [entries.entry(raw, 0) if not isinstance(raw, dict) else raw for raw in entries.of(record)]
        except BadValue:
            return []

    def _row(self, name: str) -> FieldSurvey:
        seen = self._by_name.setdefault(name, FieldSurvey(name))
        seen.records += 1
        return seen
