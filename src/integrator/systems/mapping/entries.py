"""Lists inside a record: entries in a list, numbered names side by side, or names in one text."""

import re
from typing import Any

from integrator.domain.fetched import Note
from integrator.systems.mapping.convert import BadValue
from integrator.systems.mapping.field import Field
from integrator.systems.mapping.sources import MISSING, mapped_heads, numbered_names, source_of
from integrator.systems.mapping.spec import Defaults, FieldSpec

_LIMIT = 1_000
_BETWEEN_NAMES = re.compile(r"[;\r\n]")


class Entries:
    """One list field: makes dicts of whatever stands there, and settles what its entries lack."""

    def __init__(self, spec: FieldSpec, fields: list[Field], defaults: Defaults, sink: list[Note]) -> None:
        self.name = spec.name
        self.spec = spec
        self.fields = [field.in_list(spec.name) for field in fields]
        self.total = 0  # entries looked at, for "in none of them"
        self._sink = sink
        self._empty = frozenset(defaults.empty)
        self._numbered = numbered_names(spec)
        self._source = source_of(spec, self._empty) if spec.sources else None
        # A text can only be an entry where an entry has a name: the trainers, not the days.
        self._name = next((f.spec.sources[0] for f in fields if f.name == "name" and f.spec.type == "text"), None)

    def of(self, record: dict[str, Any]) -> list[Any]:
        """The raw entries of a record. Errors  BadValue: bad_list, too_long, bad_path, missing_field"""
        if self.spec.numbered:
            return [
                {name: record[there] for name, there in names.items() if there in record} for names in self._numbered
            ]
        return self.entries(self._source(record) if self._source else MISSING)

    def is_in(self, record: dict[str, Any]) -> bool:
        """Whether the record has the list at all, or any of the numbered names."""
        return any(name in record for name in mapped_heads(self.spec))

    def entries(self, raw: Any) -> list[Any]:
        """What stands where the list should be, as a list."""
        if raw is MISSING:
            if self.spec.required:
                raise BadValue("missing_field", self.name)
            self._sink.append(Note("missing_field", self.name))
            return []
        if raw is None or (isinstance(raw, str) and raw.strip() in self._empty):
            return []
        if isinstance(raw, str) and self._name:
            return [part for part in _BETWEEN_NAMES.split(raw) if part.strip()]
        if not isinstance(raw, list):
            raise BadValue("bad_list", self.name)
        return raw

    def entry(self, raw: Any, index: int) -> dict[str, Any]:
        """An entry that is no object: a bare name, or an error."""
        if isinstance(raw, str) and self._name:
            return {self._name: raw}
        raise BadValue("bad_list", f"{self.name}[{index}]")

    def check_length(self, raw: list[Any]) -> None:
        if len(raw) > _LIMIT:
            raise BadValue("too_long", self.name)

    def locate(self, start: int, index: int) -> int:
        """Give the notes of one entry their place: "email" becomes "trainers[1].email"."""
        sink = self._sink
        for number in range(start, len(sink)):
            note = sink[number]
            if note.field and "[]" not in note.field:
                sink[number] = Note(note.code, f"{self.name}[{index}].{note.field}", note.detail)
        return len(sink)

    def at(self, bad: BadValue, index: int) -> BadValue:
        """The same error with its place."""
        place = bad.field if bad.field.partition("[")[0] == self.name else f"{self.name}[{index}].{bad.field}"
        return BadValue(bad.code, place)

    def incomplete(self, short: list[tuple[int, str]], whole: list[Any]) -> None:
        """Entries lack what every entry needs.

        If all do, the list is not filled in yet: none counts. If some do, leaving them out would show a course
        that begins a day late: the record is refused.
        """
        index, name = short[0]
        if whole:
            raise BadValue("missing_field", f"{self.name}[{index}].{name}")
        self._sink.extend(Note("incomplete_entry", f"{self.name}[{index}].{name}") for index, name in short)

    def blame(self, entry: dict[str, Any]) -> None:
        """Find the value that cannot be looked up, being a list or an object. Errors  BadValue"""
        blame(self.fields, entry)


def blame(fields: list[Field], record: dict[str, Any]) -> None:
    """Let the field speak that stumbled over a list or an object. Errors  BadValue"""
    for field in fields:
        raw = field.source(record)
        if isinstance(raw, (dict, list)):
            field.convert(raw)
