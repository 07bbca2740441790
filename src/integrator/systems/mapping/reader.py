"""Reads one foreign record after the other with what the compiler made of the mapping."""

from dataclasses import dataclass, replace
from typing import Any, NoReturn

import msgspec

from integrator.domain.fetched import Note
from integrator.errors import BadRecord
from integrator.systems.mapping.answers import Answer, Buffer
from integrator.systems.mapping.compiler import Program, read_function, value_of
from integrator.systems.mapping.convert import BadValue, words
from integrator.systems.mapping.dates import DateReader
from integrator.systems.mapping.derived import Derived
from integrator.systems.mapping.entries import Entries, blame
from integrator.systems.mapping.field import Field
from integrator.systems.mapping.keys import check_keys
from integrator.systems.mapping.sources import MISSING, is_plain, last_names, mapped_heads
from integrator.systems.mapping.spec import Defaults, Endpoint, FieldSpec
from integrator.systems.mapping.survey import FieldSurvey, Survey

_decode = msgspec.json.Decoder().decode


@dataclass(slots=True)
class Mapped:
    """One record in our words. All canonical fields are in record, null for unknown."""

    key: str
    record: dict[str, Any]
    notes: list[Note]


class Reader:
    """The compiled mapping of one endpoint, for one run and one thread.

    key   canonical name of the id field
    """

    def __init__(self, endpoint: Endpoint, *, survey: bool = False) -> None:
        self._specs = endpoint.fields or endpoint.answer
        self.key = key_field(self._specs).name
        self.mapped_names = frozenset(name for spec in self._specs for name in mapped_heads(spec))
        entries = (entry for spec in self._specs if spec.item for entry in spec.item.fields)
        self._names = self.mapped_names.union(*map(mapped_heads, entries))  # those of entries, too
        self._answer = Answer(endpoint.items)
        self._sink: list[Note] = []
        self._parts = _Parts(self._specs, endpoint.defaults, self._sink)
        self._program = Program(Mapped=Mapped, sink=self._sink, settle=self._settle, check_keys=check_keys)
        self._read = self._compiled()
        self._absent: dict[str, int] = {}
        self._present: set[str] = set()  # seen in a record that could not be read
        self._read_count = 0
        self._bad_count = 0
        counting = survey or endpoint.defaults.unknown_fields == "warn"
        self._survey = Survey(self._parts.fields, self._parts.lists, self.mapped_names) if counting else None
        self._survey_fields = survey

    def items(self, buffer: Buffer) -> list[msgspec.Raw]:
        """The records of a list answer, none of them interpreted or copied. The buffer must outlive them.

        Errors  BadAnswer: not_json, bad_json, bad_encoding, not_a_list, error_answer
        """
        return self._answer.items(buffer)

    def one(self, buffer: Buffer) -> msgspec.Raw:
        """The record of an answer about a single one: the object itself, or the only entry of a list.

        Errors  BadAnswer: not_json, bad_json, bad_encoding, not_an_object, error_answer
        """
        return self._answer.one(buffer)

    def read(self, raw: msgspec.Raw | bytes) -> Mapped:
        """Map one record.

        Errors  BadRecord: with a stable code, our field ("days[1].start_time") and the key when it could be read
        """
        data = bytes(raw)
        try:
            record = _decode(data)
        except UnicodeDecodeError:
            raise _bad_record("bad_encoding") from None
        except (msgspec.DecodeError, RecursionError):
            raise _bad_record("bad_json") from None
        if record.__class__ is not dict:
            raise _bad_record("not_an_object")
        if self._survey:
            self._count(record)
        try:
            mapped: Mapped = self._read(record, data)
        except BadValue as bad:
            self._refuse(record, data, bad)
        except TypeError:
            self._blame(record, data)
            raise
        self._read_count += 1
        return mapped

    def missing_everywhere(self) -> dict[str, list[str]]:
        """Canonical fields whose name was in no record read so far → the foreign names that were looked for.

        Entries count too ("days[].start_time"). A field with a default is not among them, see defaulted_everywhere.
        """
        return {name: names for name, names in self._parts.watched.items() if self._is_gone(name)}

    def defaulted_everywhere(self) -> dict[str, list[str]]:
        """The same for fields with a default: worth a remark, no reason to stop."""
        return {name: names for name, names in self._parts.with_default.items() if self._is_gone(name)}

    def unmapped_names(self) -> dict[str, int]:
        """Foreign names nobody maps, with the number of records that have them; empty unless they are counted."""
        return dict(self._survey.unmapped) if self._survey else {}

    def survey(self) -> list[FieldSurvey]:
        """What became of each field over all records read; empty unless compiled with survey=True."""
        return self._survey.fields() if self._survey and self._survey_fields else []

    def _compiled(self) -> Any:
        program, values = self._program, []
        for number, list_field in enumerate(self._parts.lists):
            program.list_function(f"L{number}", list_field)
        for number, spec in enumerate(self._specs):
            values.append((spec.name, self._expression(number, spec)))
        key = next(number for number, spec in enumerate(self._specs) if spec.name == self.key)
        lists = [entries.spec.sources[0] for entries in self._parts.lists if is_plain(entries.spec)]
        return program.function("read_record", read_function(values, key, lists))

    def _expression(self, number: int, spec: FieldSpec) -> str:
        names = self._program.names
        if spec.item:
            return f"L{[entries.name for entries in self._parts.lists].index(spec.name)}(rec)"
        names[f"F{number}"] = field = self._parts.field(spec.name)
        own = (
            "None" if field is None else value_of(field, f"F{number}", key=self.key)
        )  # a Field is a dict, and empty at first
        if not spec.derive:
            return own
        names[f"D{number}"] = Derived(spec.name, spec.derive, self._parts.dates, self._sink)
        days = next(place for place, other in enumerate(self._specs) if other.name == "days")
        return f"D{number}(v{days}, {own})"

    def _settle(self) -> list[Note]:
        notes = []
        for note in self._sink:
            if note.code == "missing_field" and note.field:
                self._absent[note.field] = self._absent.get(note.field, 0) + 1
                if "[]" in note.field or note.field in self._parts.with_default:
                    continue
            notes.append(note)
        self._sink.clear()
        return notes

    def _refuse(self, record: dict[str, Any], data: bytes, bad: BadValue) -> NoReturn:
        self._sink.clear()
        self._bad_count += 1
        self._present.update(self._parts.present_in(record))
        if bad.code != "duplicate_key":
            try:
                check_keys(record, data)  # which of two values is wrong is not the question if a key stands twice
            except BadValue as twice:
                bad = twice
        is_key = bad.code == "duplicate_key" and bad.field in set(mapped_heads(key_field(self._specs)))
        field = bad.field or None
        if bad.code == "duplicate_key" and field not in self._names:
            field = None  # a name out of the record, that may be anything
        raise _bad_record(bad.code, field, None if is_key else self._key_of(record)) from None

    def _key_of(self, record: dict[str, Any]) -> str | None:
        field = self._parts.field(self.key)
        try:
            key = None if field is None else field.convert(field.source(record))
        except BadValue:
            key = None
        self._sink.clear()
        return key if isinstance(key, str) else None

    def _blame(self, record: dict[str, Any], data: bytes) -> None:
        try:
            blame(self._parts.fields, record)
        except BadValue as bad:
            self._refuse(record, data, bad)

    def _count(self, record: dict[str, Any]) -> None:
        if self._survey is None:
            return
        self._survey.names(record)
        if self._survey_fields:
            self._survey.record(record, self._sink)
            self._sink.clear()

    def _is_gone(self, name: str) -> bool:
        if name in self._present:
            return False
        looked = self._parts.entries_of(name) if "[]" in name else self._read_count
        if looked is None or (looked == 0 and ("[]" in name or self._bad_count == 0)):
            return False
        return self._absent.get(name, 0) == looked


class _Parts:
    """The fields and lists of one endpoint, made once."""

    def __init__(self, specs: tuple[FieldSpec, ...], defaults: Defaults, sink: list[Note]) -> None:
        self.dates = DateReader(defaults)
        self.lists: list[Entries] = []
        self._by_name: dict[str, Field] = {}
        self.watched: dict[str, list[str]] = {}
        self.with_default: dict[str, list[str]] = {}
        personal = is_personal(specs)
        for spec in specs:
            self._watch(spec.name, spec)
            if spec.item:
                self._add_list(spec, defaults, sink)
            elif spec.sources:
                plain = replace(spec, type="date") if spec.derive else spec
                self._by_name[spec.name] = Field(plain, defaults, self.dates, sink, personal=personal)

    @property
    def fields(self) -> list[Field]:
        return list(self._by_name.values())

    def field(self, name: str) -> Field | None:
        return self._by_name.get(name)

    def entries_of(self, path: str) -> int | None:
        """How many entries of the list of "days[].date" were looked at."""
        name = path.partition("[")[0]
        return next((entries.total for entries in self.lists if entries.name == name), None)

    def present_in(self, record: dict[str, Any]) -> set[str]:
        """The canonical fields, entries' too, whose names a record has."""
        present = {field.name for field in self._by_name.values() if _has(field, record)}
        for entries in self.lists:
            try:
                raw = entries.of(record)
            except BadValue:
                raw = [{}]
            if entries.is_in(record):
                present.add(entries.name)
            dicts = [entry for entry in raw if isinstance(entry, dict)]
            present |= {f.absent.field or "" for f in entries.fields if any(_has(f, entry) for entry in dicts)}
        return present

    def _add_list(self, spec: FieldSpec, defaults: Defaults, sink: list[Note]) -> None:
        inner = spec.item.fields if spec.item else ()
        personal = is_personal(inner)
        fields = [Field(entry, defaults, self.dates, sink, personal=personal) for entry in inner]
        self.lists.append(Entries(spec, fields, defaults, sink))
        for entry in inner:
            name = f"{spec.name}[].{entry.name}"
            if spec.numbered:
                entry = replace(entry, sources=tuple(_numbered(spec, entry)))
            self._watch(name, entry)

    def _watch(self, name: str, spec: FieldSpec) -> None:
        if spec.sources:
            (self.watched if spec.default is None else self.with_default)[name] = last_names(spec)


def _numbered(spec: FieldSpec, entry: FieldSpec) -> list[str]:
    numbers = range(1, spec.count + 1)
    return [(spec.numbered or "").replace("{n}", str(n)) + name for n in numbers for name in entry.sources]


def _has(field: Field, record: dict[str, Any]) -> bool:
    try:
        return field.source(record) is not MISSING
    except BadValue:
        return True


def key_field(specs: tuple[FieldSpec, ...]) -> FieldSpec:
    """The field that names a record: the one called id, else the first of that type."""
    ids = [spec for spec in specs if spec.type == "id"]
    return next((spec for spec in ids if spec.name == "id"), ids[0])


def is_personal(specs: tuple[FieldSpec, ...]) -> bool:
    """Fields that stand beside an e-mail address are about a person: none of their values is ever shown."""
    return any(spec.type == "email" for spec in specs)


def _bad_record(code: str, field: str | None = None, key: str | None = None) -> BadRecord:
    subject = field or ("a name" if code == "duplicate_key" else "the record")
    return BadRecord(f"{subject} {words(code)}", code=code, field=field, key=key)
