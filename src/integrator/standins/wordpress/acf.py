"""ACF's fields: checked before anything is written, except in a batch, where nothing is checked at all."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from integrator.standins.wordpress.posts import Posts
from integrator.standins.wordpress.schema import Invalid, check, clean, number_of
from integrator.standins.wordpress.types import Schema

# Our word for a kind of field -> the JSON types that ACF lets pass.
KINDS: dict[str, list[str]] = {
    "string": ["string", "null"],
    "html": ["string", "null"],
    "email": ["string", "null"],
    "url": ["string", "null"],
    "date": ["string", "null"],
    "datetime": ["string", "null"],
    "integer": ["number", "null"],
    "number": ["number", "null"],
    "boolean": ["boolean", "null"],
    "relation": ["integer", "array", "null"],
    "group": ["object", "null"],
}


@dataclass(frozen=True)
class Field:
    """One ACF field with show_in_rest. It is written by its name or its field key."""

    name: str
    kind: str = "string"
    enum: tuple[str, ...] = ()
    required: bool = False
    default: Any = None
    to: str = ""  # a relation's post type, "" for any
    fields: dict[str, "Field"] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return f"field_{self.name}"

    def schema(self) -> Schema:
        """As it stands in the schema of its post type."""
        schema: Schema = {"title": self.name, "type": KINDS[self.kind], "required": self.required}
        if self.kind == "relation":
            schema["items"] = {"type": ["integer"]}
        if self.enum:
            schema["enum"] = [*self.enum]
        if self.kind == "group":
            schema["properties"] = {part.name: part.schema() for part in self.fields.values()}
        return schema


def field_from(name: str, spec: dict[str, Any]) -> Field:
    """A field of a seed: {"type": "integer"}, {"enum": ["da", "en"]}, {"type": "relation", "to": "trainer"} …

    Errors: ValueError for an unknown type or setting.
    """
    spec = dict(spec)
    parts = {part: field_from(part, inner) for part, inner in spec.pop("fields", {}).items()}
    kind = spec.pop("type", "group" if parts else "string")
    if kind not in KINDS:
        raise ValueError(f"acf field {name}: unknown type {kind!r}; known: {sorted(KINDS)}")
    try:
        return Field(name, kind, tuple(spec.pop("enum", ())), fields=parts, **spec)
    except TypeError as error:
        raise ValueError(f"acf field {name}: {error}") from error


def demo_fields() -> dict[str, dict[str, Field]]:
    """The field groups of the recorded site, for `{"acf": true}`."""
    course_date: dict[str, dict[str, Any]] = {
        "tidspunkter": {},
        "ledige": {"type": "integer"},
        "startdato": {"type": "date"},
        "starttid": {"type": "datetime"},
        "udsolgt": {"type": "boolean"},
        "sprog": {"enum": ["da", "en"]},
        "trainere": {"type": "relation", "to": "trainer"},
        "beskrivelse": {"type": "html"},
        "note": {},
        "kontakt": {"type": "email"},
        "link": {"type": "url"},
        "sted": {"fields": {"navn": {}, "by": {}}},
    }
    course: dict[str, dict[str, Any]] = {"maconomy_id": {"required": True}, "undertitel": {"default": "std"}}
    groups = {"course_date": course_date, "course": course}
    return {kind: {name: field_from(name, spec) for name, spec in group.items()} for kind, group in groups.items()}


def checked(fields: dict[str, Field], values: Any, posts: Posts) -> None:
    """Errors: Invalid for the first thing ACF would refuse in a single request."""
    check(values, {"type": "object"}, "acf")
    for own in fields.values():
        if own.required and own.name not in values and own.key not in values:
            raise Invalid("rest_property_required", f"{own.name} is a required property of acf.")
    for own, value in _named(fields, values):
        _check_field(own, value, posts)


def _check_field(own: Field, value: Any, posts: Posts) -> None:
    param = f"acf[{own.name}]"
    if own.enum:
        if value not in (None, "", *own.enum):
            message = f"{param} is not one of {', '.join(own.enum)}"
            raise Invalid("rest_invalid_param", message, {"param": param, "value": value})
        return
    check(value, own.schema(), param)
    if own.kind == "relation" and value is not None:
        related = [posts.get(int(number_of(one) or 0)) for one in (value if isinstance(value, list) else [value])]
        if any(post is None or (own.to and post.type != own.to) for post in related):
            message = f"{param} must have a valid post ID."
            raise Invalid("rest_invalid_param", message, {"param": param, "value": value})


def _named(fields: dict[str, Field], values: dict[str, Any]) -> Iterable[tuple[Field, Any]]:
    """The values of known fields; unknown names are ignored without a word."""
    for own in fields.values():
        for name in (own.name, own.key):
            if name in values:
                yield own, values[name]


def write(fields: dict[str, Field], values: Any, stored: dict[str, Any], changed: list[str]) -> None:
    """Store the named fields, of a group the named parts; null empties. Whatever is there is taken as it is."""
    if not isinstance(values, dict):
        return
    for own, value in _named(fields, values):
        before = stored.get(own.name)
        if own.kind == "group" and isinstance(value, dict):
            inner = dict(before or {})
            write(own.fields, value, inner, [])
            stored[own.name] = inner
        else:
            stored[own.name] = _as_stored(own, value)
        if stored[own.name] != before:
            changed.append(f"acf.{own.name}")


def _as_stored(own: Field, value: Any) -> Any:
    if value is None:
        return ""
    if own.kind == "url" and value and "://" not in str(value):
        return f"http://{value}"
    if own.kind == "relation":
        return value if isinstance(value, list) else [value]
    if own.kind == "boolean":
        return value in (True, 1, "1", "true")
    return clean(value, {"type": "number"}) if own.kind in {"integer", "number"} and number_of(value) else value


def read(fields: dict[str, Field], stored: dict[str, Any], *, shown_at: datetime | None = None) -> dict[str, Any]:
    """All fields. With `shown_at` as acf_format=standard gives them: for showing, not for comparing."""
    return {own.name: _shown(own, stored.get(own.name), shown_at) for own in fields.values()}


def _shown(own: Field, value: Any, shown_at: datetime | None) -> Any:
    if own.kind == "group":
        return read(own.fields, value or {}, shown_at=shown_at)
    if value is None and own.default is not None:
        value = own.default
    if value is None or value == "":
        return {"boolean": False, "relation": [], "date": None, "datetime": None}.get(own.kind, "")
    if own.kind in {"integer", "number"}:
        return _number(value, as_text=shown_at is not None)
    if shown_at and own.kind == "date":
        return _reformatted(value, "%Y%m%d", "%d/%m/%Y", shown_at)
    if shown_at and own.kind == "datetime":
        return _reformatted(value, "%Y-%m-%d %H:%M:%S", "%d/%m/%Y %H:%M", shown_at)
    return value


def _number(value: Any, *, as_text: bool) -> Any:
    number = number_of(value)
    if number is None:
        return value
    plain = int(number) if number.is_integer() else number
    return str(plain) if as_text else plain


def _reformatted(value: Any, stored_form: str, shown_form: str, today: datetime) -> str:
    """A display date. What is no date is shown as today, as seen on the recorded site."""
    try:
        moment = datetime.strptime(str(value), stored_form)  # noqa: DTZ007 - ACF knows no zone
    except ValueError:
        moment = today
    return moment.strftime(shown_form)


def related(fields: dict[str, Field], stored: dict[str, Any], posts: Posts) -> list[tuple[str, int]]:
    """(type, id) of the posts that relations point to, the last one first, as ACF links them."""
    ids = [one for own in fields.values() if own.kind == "relation" for one in stored.get(own.name) or []]
    found = [posts.get(one) for one in ids if isinstance(one, int)]
    return [(post.type, post.id) for post in reversed(found) if post is not None]
