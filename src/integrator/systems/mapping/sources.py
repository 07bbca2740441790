"""`from`: where in a foreign record a value stands. Plain names, dotted names, several names, JMESPath."""

import re
from collections.abc import Callable, Iterator
from typing import Any, Final, cast

from integrator.systems.mapping.convert import BadValue
from integrator.systems.mapping.spec import FieldSpec

_DOTTED = re.compile(r"[\w-]+(?:\.[\w-]+)*")


class Missing:
    """Not in the record at all; None is in the record and says that nothing is known."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = Missing()

Source = Callable[[dict[str, Any]], Any]


def is_dotted(name: str) -> bool:
    """Whether a `from` is a name or a dotted name; everything else is read as JMESPath."""
    return _DOTTED.fullmatch(name) is not None


def is_plain(spec: FieldSpec) -> bool:
    """Whether one dict look-up finds the value: the fast case."""
    return (
        len(spec.sources) == 1 and "." not in spec.sources[0] and is_dotted(spec.sources[0]) and not spec.empty_unless
    )


def source_of(spec: FieldSpec, empty: frozenset[str]) -> Source:
    """How to get a field's raw value out of a record: a value, None, or MISSING.

    Errors  the source raises BadValue("bad_path")
    """
    sources = [_one(name) for name in spec.sources]
    if spec.join is not None:
        found = _joined(sources, spec.join, empty, first_needed=spec.type == "datetime")
    else:
        found = sources[0] if len(sources) == 1 else _first(sources)
    return _unless(found, _one(spec.empty_unless), empty) if spec.empty_unless else found


def _one(name: str) -> Source:
    if not is_dotted(name):
        return _expression(name)
    if "." not in name:
        return lambda record: record.get(name, MISSING)
    parts = name.split(".")

    def dotted(record: dict[str, Any]) -> Any:
        value: Any = record
        for part in parts:
            if value is None or value is MISSING:
                return value
            if not isinstance(value, dict):
                raise BadValue("bad_path")
            value = value.get(part, MISSING)
        return value

    return dotted


def _expression(expression: str) -> Source:
    import jmespath
    from jmespath.exceptions import JMESPathError

    compiled = jmespath.compile(expression)
    names = set(heads(expression))

    def search(record: dict[str, Any]) -> Any:
        try:
            value = compiled.search(record)
        except (JMESPathError, TypeError, ValueError, AttributeError, ArithmeticError):  # its functions are not strict
            raise BadValue("bad_path") from None
        return MISSING if value is None and names and not names & record.keys() else value

    return search


def _first(sources: list[Source]) -> Source:
    def first(record: dict[str, Any]) -> Any:
        for source in sources:
            value = source(record)
            if value is not MISSING:
                return value
        return MISSING

    return first


def _joined(sources: list[Source], between: str, empty: frozenset[str], *, first_needed: bool) -> Source:
    """The filled ones in order. A time without its date is no moment, hence first_needed."""

    def joined(record: dict[str, Any]) -> Any:
        values = [source(record) for source in sources]
        if all(value is MISSING for value in values):
            return MISSING
        for value in values:
            if isinstance(value, (dict, list)):
                return value  # the converter refuses it
        filled = [str(value).strip() for value in values if _is_filled(value, empty)]
        return between.join(filled) if filled and (not first_needed or _is_filled(values[0], empty)) else None

    return joined


def _unless(found: Source, other: Source, empty: frozenset[str]) -> Source:
    def unless(record: dict[str, Any]) -> Any:
        value = found(record)
        guard = other(record)
        return value if value is MISSING or (_is_filled(guard, empty) and not _is_zero(guard)) else None

    return unless


def _is_filled(value: Any, empty: frozenset[str]) -> bool:
    return value is not None and value is not MISSING and not (isinstance(value, str) and value.strip() in empty)


def _is_zero(value: Any) -> bool:
    if isinstance(value, str):
        return re.fullmatch(r"[+-]?0+(?:[.,]0*)?", value.strip()) is not None
    return value is not True and value == 0


def heads(name: str) -> Iterator[str]:
    """The top-level names a `from` looks at."""
    if is_dotted(name):
        yield name.partition(".")[0]
        return
    import jmespath

    yield from _heads_of(cast("dict[str, Any]", jmespath.compile(name).parsed))


def _heads_of(node: dict[str, Any]) -> Iterator[str]:
    if node["type"] == "field":
        yield node["value"]
    elif node["type"] in _FIRST_CHILD_ONLY:  # what follows looks at what the first child found
        yield from _heads_of(node["children"][0])
    else:
        for child in node["children"]:
            yield from _heads_of(child)


_FIRST_CHILD_ONLY = frozenset(
    {"subexpression", "index_expression", "projection", "value_projection", "filter_projection", "flatten", "pipe"}
)


def mapped_heads(spec: FieldSpec) -> Iterator[str]:
    """Every top-level foreign name a field needs, numbered prefixes resolved ("day1date")."""
    if spec.numbered and spec.item:
        for name in numbered_names(spec):
            yield from name.values()
        return
    for source in spec.sources:
        yield from heads(source)
    if spec.empty_unless:
        yield from heads(spec.empty_unless)


def numbered_names(spec: FieldSpec) -> list[dict[str, str]]:
    """For each number the names of the item → the names in the record: {"date": "day1date"}."""
    names = [name for entry in (spec.item.fields if spec.item else ()) for name in entry.sources]
    prefixes = [(spec.numbered or "").replace("{n}", str(number)) for number in range(1, spec.count + 1)]
    return [{name: prefix + name for name in names} for prefix in prefixes]


def last_names(spec: FieldSpec) -> list[str]:
    """The keys to look for in a record's bytes when asking whether a field is there at all."""
    if spec.numbered:
        return sorted(mapped_heads(spec))
    return [name.rpartition(".")[2] if is_dotted(name) else head for name in spec.sources for head in heads(name)]
