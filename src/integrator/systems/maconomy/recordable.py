"""What of Maconomy's traffic may stay in a recording: the foreign names that feed no personal field of ours.

Derived from the mapping in config/, so that another mapping needs no change here. What nobody maps is replaced.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from integrator.domain.courses import PERSONAL_FIELDS
from integrator.systems.mapping import Endpoint, FieldSpec, load_mapping
from integrator.systems.mapping.sources import heads, is_dotted, numbered_names
from integrator.systems.recordable import Anywhere, Call, Fields, Items, May, Recordable, Shape, Words

Tree = dict[str, "Tree | Shape"]

_BY_TYPE = {
    "id": May.CODE,
    "upper": May.CODE,
    "text": May.TEXT,
    "html": May.TEXT,
    "int": May.NUMBER,
    "money": May.AMOUNT,
    "bool": May.YESNO,
    "not_bool": May.YESNO,
    "date": May.MOMENT,
    "time": May.MOMENT,
    "datetime": May.MOMENT,
    "derive": May.MOMENT,
    "email": May.EMAIL,
}
# Our names for what belongs to a person, by their last part; inside a personal field the others are replaced, too.
_OF_PEOPLE = {
    "name": May.NAME,
    "first_name": May.NAME,
    "last_name": May.NAME,
    "attention": May.NAME,
    "email": May.EMAIL,
    "phone": May.PHONE,
}
_ABOUT_PEOPLE = frozenset({"participant"})  # endpoints whose every record is a person
_NOT_PERSONAL = frozenset({"id", "course_id", "status", "external_reference"})
_SENT = {
    "course.id": May.CODE,
    "order.number": May.CODE,
    "participant.number": May.NUMBER,
    "order.price_minor": May.AMOUNT,
    "order.currency": May.CODE,
    "order.company.name": May.NOTHING,
    "participant.reference": May.CODE,
}
_ERROR = {"error": May.CODE, "field": May.CODE}


def recordable(mapping: Path) -> Recordable:
    """Read the mapping file, and say what may stay. Errors  ConfigError"""
    endpoints = load_mapping(mapping).endpoints.values()
    empty = frozenset(word for endpoint in endpoints for word in endpoint.defaults.empty)
    return Recordable(tuple(call for endpoint in endpoints for call in _calls(endpoint)), empty)


def _calls(endpoint: Endpoint) -> Iterator[Call]:
    answered = _record(endpoint, endpoint.answer or endpoint.fields)
    if endpoint.send:
        yield Call(_pattern(endpoint.path), request=_sent(endpoint), answer=answered)
        return
    yield Call(_pattern(endpoint.path), answer=_inside(endpoint.items, answered))
    if endpoint.one:  # the record itself, or alone in the list's envelope
        alone = _inside(endpoint.items, answered) if endpoint.items else answered
        yield Call(_pattern(endpoint.one), answer=alone)


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile("[^/]+".join(re.escape(part) for part in re.split(r"\{\w+\}", path)))


def _inside(items: str, record: Fields) -> Shape:
    """The record's shape, wrapped as the answer wraps it ("panes.filter.records[].data"); an error may stand there."""
    shape: Shape = Items(record)
    for step in reversed([step for step in items.split(".") if step]):
        inner = Items(shape) if step.endswith("[]") else shape
        shape = Fields({step.removesuffix("[]"): inner, **_ERROR})
    return shape


def _record(endpoint: Endpoint, fields: tuple[FieldSpec, ...]) -> Fields:
    tree: Tree = {**_ERROR}
    people = endpoint.name in _ABOUT_PEOPLE
    for spec in fields:
        personal = spec.name in PERSONAL_FIELDS or (people and spec.name not in _NOT_PERSONAL)
        for place, shape in _places(spec, personal=personal):
            _put(tree, place, shape, personal=personal)
    if endpoint.errors:
        tree["error"] = May.CODE
    return _fields(tree)


def _places(spec: FieldSpec, *, personal: bool) -> Iterator[tuple[tuple[str, ...], Shape]]:
    """Where in a foreign record a field of ours is read, and what may stay there."""
    if spec.numbered and spec.item:
        kinds = {source: _leaf(entry, personal=personal) for entry in spec.item.fields for source in entry.sources}
        for names in numbered_names(spec):
            yield from (((name,), kinds[source]) for source, name in names.items())
        return
    shape: Shape = _leaf(spec, personal=personal)
    if spec.item:
        tree: Tree = {}
        for entry in spec.item.fields:
            for place, leaf in _places(entry, personal=personal):
                _put(tree, place, leaf, personal=personal)
        shape = Items(_fields(tree))
    for source in spec.sources:
        yield from _source(source, shape)
    if spec.empty_unless:
        yield from _source(spec.empty_unless, May.NUMBER)


def _source(source: str, shape: Shape) -> Iterator[tuple[tuple[str, ...], Shape]]:
    if is_dotted(source):
        yield tuple(source.split(".")), shape
        return
    # JMESPath: below the names it starts from, only the names it speaks of may stay.
    leaf = shape if isinstance(shape, May) else May.NOTHING
    spoken = dict.fromkeys(re.findall(r"[A-Za-z_]\w*", source), leaf)
    for head in heads(source):
        yield (head,), Anywhere(spoken)


def _leaf(spec: FieldSpec, *, personal: bool) -> Shape:
    if personal:
        return May.INITIALS if spec.name == "id" else _OF_PEOPLE.get(spec.name, May.NOTHING)
    if spec.enum:
        return Words(frozenset(spec.enum.words))
    return _BY_TYPE.get(spec.type, May.NOTHING)


def _put(tree: Tree, place: tuple[str, ...], shape: Shape, *, personal: bool) -> None:
    """A name that feeds a personal field and another one is personal; else the first field's form counts."""
    *groups, last = place
    for group in groups:
        inner = tree.setdefault(group, {})
        if not isinstance(inner, dict):
            return
        tree = inner
    if last not in tree or personal:
        tree[last] = shape


def _fields(tree: Tree) -> Fields:
    return Fields({name: _fields(inner) if isinstance(inner, dict) else inner for name, inner in tree.items()})


def _sent(endpoint: Endpoint) -> Fields:
    tree: Tree = {}
    for spec in endpoint.send:
        value = spec.value
        shape = _SENT.get(value) or _OF_PEOPLE.get(value.rpartition(".")[2], May.NOTHING)
        _put(tree, tuple(spec.name.split(".")), May.MOMENT if value.endswith("_at") else shape, personal=True)
    return _fields(tree)
