"""The field tables of a mapping file: one inline table becomes one FieldSpec, or problems with its line."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from integrator.systems.mapping.derived import DERIVATIONS
from integrator.systems.mapping.field import TYPES
from integrator.systems.mapping.sheet import Keys, Sheet
from integrator.systems.mapping.sources import is_dotted
from integrator.systems.mapping.spec import EnumSpec, FieldSpec, ItemSpec

_DERIVE_KEYS = ("derive", "from_date")
_LIST_KEYS = ("from", "type", "item", "required", "numbered", "count")
_VALUE_KEYS = ("from", "type", "required", "default", "join", "empty_unless")
_KEYS_OF_TYPE: dict[str, tuple[str, ...]] = {
    "id": ("pattern",),
    "text": ("pattern",),
    "upper": ("pattern",),
    "int": ("min", "clamp_min", "zero_is_empty"),
    "money": ("zero_is_empty",),
    "enum": ("enum", "unknown"),
}
_DEFAULT_KINDS: dict[str, type] = {"int": int, "money": int, "bool": bool, "not_bool": bool}
_ALL_KEYS = tuple(
    dict.fromkeys((*_VALUE_KEYS, *_LIST_KEYS, *_DERIVE_KEYS, *(key for keys in _KEYS_OF_TYPE.values() for key in keys)))
)


class FieldTables:
    """Reads the fields of endpoints and items; knows which enums and items there are.

    items is None while the items themselves are read: an entry has no list inside.
    """

    def __init__(self, sheet: Sheet, enums: Mapping[str, EnumSpec], items: Mapping[str, ItemSpec] | None) -> None:
        self._sheet = sheet
        self._enums = enums
        self._items = items

    def read(self, keys: Keys, table: dict[str, Any]) -> tuple[FieldSpec, ...]:
        """All fields of one table, in its order."""
        if not table:
            self._sheet.problem(keys, "no fields")
        specs = [self._one((*keys, name), name, value) for name, value in table.items()]
        fields = tuple(spec for spec in specs if spec)
        self._check_names(keys, tuple(table))
        currency = next((spec.default for spec in fields if spec.name == "currency"), None)
        return tuple(replace(spec, currency=currency) if spec.type == "money" else spec for spec in fields)

    def _one(self, keys: Keys, name: str, table: Any) -> FieldSpec | None:
        sheet = self._sheet
        if not isinstance(table, dict):
            sheet.problem(keys, f"expected a table such as {{ from = …, type = … }}, got {table!r}")
            return None
        spec: FieldSpec | None
        before = len(sheet.problems)
        sheet.known(keys, table, _ALL_KEYS)
        if "derive" in table:
            spec = self._derived(keys, name, table)
        elif "numbered" in table or table.get("type") == "list":
            spec = self._list(keys, name, table)
        else:
            spec = self._value(keys, name, table)
        return spec if len(sheet.problems) == before else None

    def _derived(self, keys: Keys, name: str, table: dict[str, Any]) -> FieldSpec:
        derive = self._sheet.word(keys, table, "derive", DERIVATIONS)
        self._only(keys, table, _DERIVE_KEYS, "a derived field")
        if self._items is None:
            self._sheet.problem(keys, "an entry has no derived fields")
        sources = self._sources(keys, table, "from_date") if "from_date" in table else ()
        return FieldSpec(name, "derive", sources, derive=derive)

    def _list(self, keys: Keys, name: str, table: dict[str, Any]) -> FieldSpec:
        sheet = self._sheet
        self._only(keys, table, _LIST_KEYS, "a list")
        item = self._item(keys, table)
        numbered, count = sheet.get(keys, table, "numbered", str), 0
        if table.get("type", "list") != "list":
            sheet.problem(keys, f"expected type = 'list' beside numbered, got {table['type']!r}")
        if "numbered" in table:
            if "from" in table or "required" in table:
                sheet.problem(keys, "numbered names have neither from nor required")
            if numbered is not None and numbered.count("{n}") != 1:
                sheet.problem(keys, f"numbered: expected one {{n}} in {numbered!r}")
            if "count" not in table:
                sheet.problem(keys, "numbered needs a count")
            count = sheet.at_least(keys, table, "count", 1, 100, 1)
            self._check_numbered_item(keys, item)
        elif "count" in table:
            sheet.problem(keys, "count is only for numbered names")
        sources = () if "numbered" in table else self._sources(keys, table, "from")
        required = sheet.get(keys, table, "required", bool, default=False)
        return FieldSpec(name, "list", sources, required=required, item=item, numbered=numbered, count=count)

    def _item(self, keys: Keys, table: dict[str, Any]) -> ItemSpec | None:
        if self._items is None:
            self._sheet.problem(keys, "an entry has no lists inside")
            return None
        name = self._sheet.get(keys, table, "item", str)
        if name is None and "item" not in table:
            self._sheet.problem(keys, "a list needs an item")
        elif name is not None and name not in self._items:
            self._sheet.problem(keys, f"[item.{name}] is not defined")
        return self._items.get(name) if name else None

    def _check_numbered_item(self, keys: Keys, item: ItemSpec | None) -> None:
        names = [name for field in item.fields for name in field.sources] if item else []
        for name in names:
            if not is_dotted(name) or "." in name:
                self._sheet.problem(keys, f"[item.{item.name if item else ''}]: {name!r} is no plain name to number")

    def _value(self, keys: Keys, name: str, table: dict[str, Any]) -> FieldSpec | None:
        sheet = self._sheet
        if "type" not in table:
            sheet.problem(keys, "a field needs a type")
            return None
        kind = sheet.word(keys, table, "type", TYPES)
        if kind is None:
            return None
        self._only(keys, table, (*_VALUE_KEYS, *_KEYS_OF_TYPE.get(kind, ())), f"type {kind!r}")
        sources = self._sources(keys, table, "from")
        join = sheet.get(keys, table, "join", str)
        if join is not None and len(sources) < 2:
            sheet.problem(keys, "join needs several names in from")
        guard = sheet.get(keys, table, "empty_unless", str)
        if guard is not None and not is_dotted(guard):
            sheet.problem(keys, f"empty_unless: {guard!r} is not a name")
        return FieldSpec(
            name=name,
            type=kind,
            sources=sources,
            join=join,
            required=sheet.get(keys, table, "required", bool, default=False),
            default=self._default(keys, table, kind),
            pattern=self._pattern(keys, table),
            min=sheet.get(keys, table, "min", int),
            clamp_min=sheet.get(keys, table, "clamp_min", int),
            zero_is_empty=sheet.get(keys, table, "zero_is_empty", bool, default=False),
            empty_unless=guard,
            enum=self._enum(keys, table) if kind == "enum" else None,
            unknown=sheet.get(keys, table, "unknown", str),
        )

    def _only(self, keys: Keys, table: dict[str, Any], allowed: tuple[str, ...], what: str) -> None:
        for name in table:
            if name in _ALL_KEYS and name not in allowed:
                self._sheet.problem(keys, f"{name} has no meaning for {what}")

    def _sources(self, keys: Keys, table: dict[str, Any], key: str) -> tuple[str, ...]:
        value = table.get(key)
        names: list[Any] = value if isinstance(value, list) else [value]
        if not names or not all(isinstance(name, str) and name for name in names):
            got = "it is missing" if key not in table else f"got {value!r}"
            self._sheet.problem(keys, f"{key}: expected a name or a list of names, {got}")
            return ()
        for name in names:
            if not is_dotted(name) and (error := _jmespath_error(name)):
                self._sheet.problem(keys, f"{key}: {name!r} is neither a name nor JMESPath: {error}")
        return tuple(names)

    def _default(self, keys: Keys, table: dict[str, Any], kind: str) -> Any:
        if table.get("required") is True and "default" in table:
            self._sheet.problem(keys, "a required field has no use for a default")
        return self._sheet.get(keys, table, "default", _DEFAULT_KINDS.get(kind, str))

    def _pattern(self, keys: Keys, table: dict[str, Any]) -> str | None:
        pattern: str | None = self._sheet.get(keys, table, "pattern", str)
        try:
            re.compile(pattern or "")
        except re.error as error:
            self._sheet.problem(keys, f"pattern {pattern!r}: {error}")
        return pattern

    def _enum(self, keys: Keys, table: dict[str, Any]) -> EnumSpec | None:
        name = self._sheet.get(keys, table, "enum", str)
        if "enum" not in table:
            self._sheet.problem(keys, "type 'enum' needs an enum")
        elif name is not None and name not in self._enums:
            self._sheet.problem(keys, f"[enum.{name}] is not defined")
        return self._enums.get(name) if name else None

    def _check_names(self, keys: Keys, names: tuple[str, ...]) -> None:
        groups = {name.partition(".")[0] for name in names if "." in name}
        for name in names:
            deep = name.count(".") > (0 if self._items is None else 1)
            if deep or not all(part.isidentifier() for part in name.split(".")):
                self._sheet.problem((*keys, name), "is no name for a field of ours")
            elif name in groups:
                self._sheet.problem((*keys, name), f"is both a field and a group ({name}.…)")


def _jmespath_error(expression: str) -> str | None:
    import jmespath
    from jmespath.exceptions import JMESPathError

    try:
        jmespath.compile(expression)
    except JMESPathError as error:
        return str(error).splitlines()[0]
    return None
