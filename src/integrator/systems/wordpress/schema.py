"""The site's own description of its fields (OPTIONS), and whether a value fits it.

WordPress checks meta after it has stored the post, so a wrong value leaves a half-written post behind.
"""

import re
from collections.abc import Mapping
from typing import Any

_DATE_TIME = re.compile(r"^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:?\d\d)?$")
_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}


def field_schema(schema: Mapping[str, Any], target: str) -> Mapping[str, Any] | None:
    """What the site says of one target ("meta.mac_city"), None when it does not know it."""
    group, _, name = target.partition(".")
    found = _properties(schema).get(group)
    if group in ("meta", "acf") and found is not None:
        found = _properties(found).get(name)
    return found if isinstance(found, Mapping) else None


def complaint(schema: Mapping[str, Any], target: str, value: Any) -> str | None:
    """Why the site would refuse the value, None when it fits. None deletes a key and always fits."""
    found = field_schema(schema, target)
    if found is None or value is None or not target.startswith(("meta.", "acf.")):
        return None
    return _misfit(found, value)


def _properties(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    properties = schema.get("properties")
    return properties if isinstance(properties, Mapping) else {}


def _misfit(schema: Mapping[str, Any], value: Any) -> str | None:
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else list(kinds)
    if kinds and not any(_is(kind, value) for kind in kinds):
        return f"the site expects {' or '.join(kinds)}, not {type(value).__name__}"
    if "enum" in schema and value not in schema["enum"]:
        return f"the site expects one of {', '.join(map(str, schema['enum']))}"
    if schema.get("format") == "date-time" and not (isinstance(value, str) and _DATE_TIME.match(value)):
        return "the site expects a date with time"
    if isinstance(value, list) and isinstance(schema.get("items"), Mapping):
        return next((problem for item in value if (problem := _misfit(schema["items"], item))), None)
    return _object_misfit(schema, value) if isinstance(value, dict) else None


def _object_misfit(schema: Mapping[str, Any], value: dict[str, Any]) -> str | None:
    properties = _properties(schema)
    for name, item in value.items():
        if name not in properties:
            if schema.get("additionalProperties") is False:
                return f"the site does not know {name} in it"
        elif problem := _misfit(properties[name], item):
            return f"{name}: {problem}"
    return None


def _is(kind: str, value: Any) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    return isinstance(value, _TYPES.get(kind, (object,)))
