"""One field at work: its converter, its notes, and what it converted before."""

from collections.abc import Callable
from typing import Any

from integrator.domain.fetched import Note
from integrator.systems.mapping.convert import BadValue, Converter, Soft, shown
from integrator.systems.mapping.dates import DateReader
from integrator.systems.mapping.richtext import rich_text
from integrator.systems.mapping.sources import MISSING, source_of
from integrator.systems.mapping.spec import Defaults, FieldSpec
from integrator.systems.mapping.text import email, enum, identifier, is_identifier, text
from integrator.systems.mapping.times import time, time_range
from integrator.systems.mapping.values import integer, money, yes_or_no

_MEMO_LIMIT = 10_000
_MEMO_TEXT_LIMIT = 200

_MAKERS = {
    "id": identifier,
    "text": text,
    "upper": text,
    "html": rich_text,
    "int": integer,
    "money": money,
    "time": time,
    "time_range": time_range,
    "bool": yes_or_no,
    "not_bool": yes_or_no,
    "enum": enum,
    "email": email,
}
_DATE_TYPES = ("date", "date_range", "datetime")
TYPES = (*_MAKERS, *_DATE_TYPES, "list")

# Not remembered: a range is a list that records would share, HTML is long, a moment differs in every record.
_FORGETFUL = frozenset({"html", "date_range", "time_range", "datetime"})


def converter(spec: FieldSpec, defaults: Defaults, dates: DateReader) -> Converter:
    """The converter of a field's type."""
    by_type: dict[str, Converter] = {"date": dates.day, "date_range": dates.first_and_last, "datetime": dates.moment}
    return by_type[spec.type] if spec.type in by_type else _MAKERS[spec.type](spec, defaults)


class Field(dict[Any, Any]):
    """A dict of raw values it has converted without a remark, so that a known value costs one look-up.

    Looking up an unknown one converts it. Notes go to sink; what cannot be converted raises BadValue.
    """

    def __init__(self, spec: FieldSpec, defaults: Defaults, dates: DateReader, sink: list[Note], *, personal: bool):
        super().__init__()
        self.name = spec.name
        self.required = spec.required
        self.default = spec.default
        self.source = source_of(spec, frozenset(defaults.empty))
        self.spec = spec
        self._sink = sink
        self._convert = converter(spec, defaults, dates)
        self._empty = frozenset(defaults.empty)
        self._shows = spec.type == "enum" and not personal  # the one raw value a remark may hold, see shown()
        self._zero_is_empty = spec.zero_is_empty
        self.remembers = spec.type not in _FORGETFUL
        self.quick = self._quick(dates)
        self.absent = Note("missing_field", spec.name)

    def in_list(self, path: str) -> "Field":
        """The same field as part of an entry: whether something required is there is for the list to say."""
        self.required = False
        self.absent = Note("missing_field", f"{path}[].{self.name}")
        return self

    def _quick(self, dates: DateReader) -> Converter:
        """convert, with a short way for values that are already as we write them."""
        as_is: Callable[[Any], bool]
        if self.spec.type == "datetime":
            as_is = dates.is_as_we_write_it
        elif self.spec.type == "id":
            as_is = is_identifier(self.spec, self._empty)
        else:
            return self.convert
        convert = self.convert
        return lambda raw: raw if as_is(raw) else convert(raw)

    def __missing__(self, raw: Any) -> Any:
        before = len(self._sink)
        value = self.convert(raw)
        # True and 1 are one key to a dict, but not the same value to us; nor are False and 0.
        kind = raw.__class__
        short = kind is str and len(raw) <= _MEMO_TEXT_LIMIT
        if (short or raw is None or (kind is float and raw not in (0, 1))) and len(self._sink) == before:
            if len(self) >= _MEMO_LIMIT:
                self.clear()
            self[raw] = value
        return value

    def of(self, raw: Any) -> Any:
        """Convert a raw value of any kind, from memory when it is a text."""
        return self[raw] if self.remembers and raw.__class__ is str else self.convert(raw)

    def convert(self, raw: Any) -> Any:
        """Convert a raw value. Errors  BadValue, with field"""
        if raw is MISSING:
            return self._nothing(missing=True)
        if raw is None or (raw.__class__ is str and raw.strip() in self._empty):
            return self._nothing()
        try:
            value = self._convert(raw)
        except BadValue as bad:
            raise BadValue(bad.code, self.name) from None
        if isinstance(value, Soft):
            self._sink.append(Note(value.code, self.name, shown(raw) if self._shows else ""))
            if value.value is None and self.required:
                raise BadValue(value.code, self.name)
            return value.value
        return self._nothing() if value is None or (self._zero_is_empty and value == 0) else value

    def _nothing(self, *, missing: bool = False) -> Any:
        if self.required:
            raise BadValue("bad_id" if self.spec.type == "id" and not missing else "missing_field", self.name)
        if missing:
            self._sink.append(self.absent)
        return self.default
