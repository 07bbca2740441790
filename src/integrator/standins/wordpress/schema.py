"""WordPress' reading of JSON schema: loose for numbers and booleans, strict for text, with its own error codes."""

import math
import re
from typing import Any

from integrator.standins.wordpress.dates import parsed
from integrator.standins.wordpress.types import Schema

_NUMERIC = re.compile(r"[ \t\n\r\v\f]*[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?[ \t\n\r\v\f]*", re.ASCII)


class Invalid(Exception):
    """A value that does not fit; `data` is what WordPress puts beside the message."""

    def __init__(self, code: str, message: str, data: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.data = code, message, data

    def detail(self) -> dict[str, Any]:
        """As it stands in `data.details`."""
        return {"code": self.code, "message": self.message, "data": self.data}


def number_of(value: Any) -> float | None:
    """What PHP calls numeric, as a number."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value)
    return float(value) if isinstance(value, str) and _NUMERIC.fullmatch(value) else None


def _is_integer(value: Any) -> bool:
    number = number_of(value)
    return number is not None and math.isfinite(number) and number == round(number)


def _is_boolean(value: Any) -> bool:
    if isinstance(value, str):
        return value.lower() in {"true", "false", "0", "1"}
    return isinstance(value, bool) or (isinstance(value, int) and value in {0, 1})


def list_of(value: Any) -> list[Any] | None:
    """What WordPress takes for a list: lists, lists written as objects, and text with commas or blanks."""
    if isinstance(value, list):
        return value
    if isinstance(value, dict):
        return list(value.values()) if list(value) == [str(n) for n in range(len(value))] else None
    if value is None:
        return None
    return [part for part in re.split(r"[\s,]+", _text(value)) if part]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "1" if value else ""
    return str(value)


def _object_of(value: Any) -> dict[str, Any] | None:
    if value == "":
        return {}
    if isinstance(value, list):  # PHP knows one kind of array
        return {str(n): item for n, item in enumerate(value)}
    return value if isinstance(value, dict) else None


def _fits(value: Any, kind: str) -> bool:
    match kind:
        case "string":
            return isinstance(value, str)
        case "integer":
            return _is_integer(value)
        case "number":
            return number_of(value) is not None
        case "boolean":
            return _is_boolean(value)
        case "array":
            return list_of(value) is not None
        case "object":
            return _object_of(value) is not None
    return value is None


def _kind_of(value: Any, schema: Schema, param: str) -> str:
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    for kind in kinds:
        if _fits(value, kind):
            return str(kind)
    raise Invalid("rest_invalid_type", f"{param} is not of type {','.join(kinds)}.", {"param": param})


def enumerated(words: list[str]) -> str:
    """ "a", "a and b", "a, b, and c", as WordPress lists choices."""
    if len(words) < 3:
        return " and ".join(words)
    return f"{', '.join(words[:-1])}, and {words[-1]}"


def check(value: Any, schema: Schema, param: str) -> None:
    """Errors: Invalid, for the first thing wrong."""
    kind = _kind_of(value, schema, param)
    if "enum" in schema and value not in schema["enum"]:
        raise Invalid("rest_not_in_enum", f"{param} is not one of {enumerated(schema['enum'])}.")
    if kind == "string" and schema.get("format") == "date-time" and parsed(value) is None:
        raise Invalid("rest_invalid_date", "Invalid date.")
    if kind in {"integer", "number"}:
        _check_bounds(value, schema, param)
    if kind == "array":
        _check_items(list_of(value) or [], schema, param)
    if kind == "object":
        _check_properties(_object_of(value) or {}, schema, param)


def _check_bounds(value: Any, schema: Schema, param: str) -> None:
    number = number_of(value) or 0
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None and not low <= number <= high:
        raise Invalid("rest_out_of_bounds", f"{param} must be between {low} (inclusive) and {high} (inclusive)")
    if low is not None and number < low:
        raise Invalid("rest_out_of_bounds", f"{param} must be greater than or equal to {low}")


def _check_items(items: list[Any], schema: Schema, param: str) -> None:
    if "items" in schema:
        for n, item in enumerate(items):
            check(item, schema["items"], f"{param}[{n}]")
    if len(items) > schema.get("maxItems", math.inf):
        raise Invalid("rest_too_many_items", f"{param} must contain at most {schema['maxItems']} items.")


def _check_properties(value: dict[str, Any], schema: Schema, param: str) -> None:
    properties = schema.get("properties") or {}
    for name, part in properties.items():
        if part.get("required") is True and name not in value:
            raise Invalid("rest_property_required", f"{name} is a required property of {param}.")
    for name, item in value.items():
        if name in properties:
            check(item, properties[name], f"{param}[{name}]")
        elif schema.get("additionalProperties") is False:
            raise Invalid("rest_additional_properties_forbidden", f"{name} is not a valid property of Object.")


def clean(value: Any, schema: Schema) -> Any:
    """The value as WordPress stores it, after `check`."""
    match _kind_of(value, schema, ""):
        case "integer":
            return value if isinstance(value, int) else int(number_of(value) or 0)
        case "number":
            return number_of(value)
        case "boolean":
            return value.lower() in {"true", "1"} if isinstance(value, str) else bool(value)
        case "array":
            return [clean(item, schema["items"]) if "items" in schema else item for item in list_of(value) or []]
        case "object":
            known = schema.get("properties") or {}
            parts = (_object_of(value) or {}).items()
            # PHP writes an empty object as a list.
            return {name: clean(item, known[name]) if name in known else item for name, item in parts} or []
    return value
